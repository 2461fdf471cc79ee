// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/testkit"
	"github.com/anishathalye/porcupine"
)

// register is what a memo must be to all who use it at once: one thing that is read, and changed only by who names
// the revision that is there.
var register = porcupine.Model{
	Init: func() any { return held{Rev: 1} },
	Step: func(state, in, out any) (bool, any) {
		is, asked, got := state.(held), in.(asked), out.(got)
		switch {
		case !asked.write:
			return got.held == is, is
		case got.refused:
			return asked.Rev != is.Rev, is
		}
		next := held{Rev: is.Rev + 1, Size: asked.Size}
		return asked.Rev == is.Rev && got.held == next, next
	},
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		of := map[string][]porcupine.Operation{}
		for _, o := range all {
			of[o.Input.(asked).id] = append(of[o.Input.(asked).id], o)
		}
		out := [][]porcupine.Operation{}
		for _, part := range of {
			out = append(out, part)
		}
		return out
	},
}

type held struct{ Rev, Size int }

type asked struct {
	held
	id    string
	write bool
}

type got struct {
	held
	refused bool
}

// change is one way to change a memo that was read at a revision.
type change func(r *racer, a op.Actor, id string, rev, size int) (held, error)

func holdingTheRevision(r *racer, a op.Actor, id string, rev, size int) (held, error) {
	m, _, err := r.call(a, "memo.update", "", `{"id":%q,"rev":%d,"size":%d}`, id, rev, size)
	return heldIn(m), err
}

// readingAgain takes whatever revision it finds.
func readingAgain(r *racer, a op.Actor, id string, _, size int) (held, error) {
	m, _, err := r.call(a, "memo.get", "", `{"id":%q}`, id)
	if err != nil {
		return held{}, err
	}
	return holdingTheRevision(r, a, id, heldIn(m).Rev, size)
}

func heldIn(m map[string]any) held {
	rev, _ := m["rev"].(float64)
	size, _ := m["size"].(float64)
	return held{int(rev), int(size)}
}

// history has 8 clients do n operations on 4 memos, and says what each asked, what it got, and in which order calls
// began and ended.
func (r *racer) history(rnd *rand.Rand, n int, write change) ([]porcupine.Operation, error) {
	const clients = 8
	ids := []string{r.memo(), r.memo(), r.memo(), r.memo()}
	var order atomic.Int64
	var mu sync.Mutex
	var all []porcupine.Operation
	var odd error
	var wg sync.WaitGroup
	for c := range clients {
		own := rand.New(rand.NewPCG(rnd.Uint64(), uint64(c)))
		who := testkit.As(op.Manager)
		who.ID = fmt.Sprint("usr_client", c)
		wg.Go(func() {
			seen := map[string]int{}
			for i := range n / clients {
				id := ids[own.IntN(len(ids))]
				in := asked{id: id, write: seen[id] > 0 && own.IntN(3) > 0}
				var out got
				var err error
				began := order.Add(1)
				if in.write {
					in.held = held{seen[id], c*n + i + 1}
					out.held, err = write(r, who, id, in.Rev, in.Size)
				} else {
					var m map[string]any
					m, _, err = r.call(who, "memo.get", "", `{"id":%q}`, id)
					out.held = heldIn(m)
				}
				ended := order.Add(1)
				if errors.Is(err, errs.Conflict) {
					out, err = got{refused: true}, nil
				}
				if out.Rev > 0 {
					seen[id] = out.Rev
				} else {
					delete(seen, id) // it lost: it looks again before it writes
				}
				mu.Lock()
				all = append(all, porcupine.Operation{ClientId: c, Input: in, Call: began, Output: out, Return: ended})
				odd = errors.Join(odd, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all, odd
}

func TestB08EveryHistoryReadsAsIfOneActedAfterTheOther(t *testing.T) {
	testkit.Engines(t, declare, func(t *testing.T, h *testkit.House) {
		r, rnd := &racer{t: t, h: h}, testkit.Seed(t)
		histories, n, writes, refused := count(2, 20), count(400, 2000), 0, 0
		for range histories {
			all, err := r.history(rnd, n, holdingTheRevision)
			if err != nil {
				t.Fatal(err)
			}
			if !porcupine.CheckOperations(register, all) {
				t.Errorf("no order explains a history of %d operations", len(all))
			}
			for _, o := range all {
				if o.Input.(asked).write {
					writes++
				}
				if o.Output.(got).refused {
					refused++
				}
			}
		}
		if writes == 0 || refused == 0 {
			t.Errorf("%d writes, %d refused: nobody met anybody", writes, refused)
		}
		figure("B08 %s: %d histories of %d operations (%d writes, %d refused), each explained by one order", h.Engine, histories, n, writes, refused)
	})
}

func TestB08ControlNoOrderExplainsAHistoryInWhichRevisionsAreReadAgain(t *testing.T) {
	r := &racer{t: t, h: testkit.SQLite(t, declare)}
	all, err := r.history(testkit.Seed(t), 400, readingAgain)
	if err != nil {
		t.Fatal(err)
	}
	if porcupine.CheckOperations(register, all) {
		t.Fatal("a history with lost changes is explained: the bar cannot fail")
	}
}
