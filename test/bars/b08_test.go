// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// race runs two calls at once and counts how many of them won and how many lost as they must.
func race(a, b func() error) (won, lost int, odd error) {
	var errOf [2]error
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i, fn := range []func() error{a, b} {
		wg.Go(func() {
			<-start
			errOf[i] = fn()
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errOf {
		switch {
		case err == nil:
			won++
		case errors.Is(err, errs.Conflict), errors.Is(err, errs.NotFound):
			lost++
		default:
			odd = err
		}
	}
	return won, lost, odd
}

type racer struct {
	t *testing.T
	h *testkit.House
	n int
}

func (r *racer) call(a op.Actor, name, key, format string, args ...any) (map[string]any, op.Answer, error) {
	ans, err := r.h.Gate.Call(context.Background(), a, op.Call{Op: name, Key: key, In: json.RawMessage(fmt.Sprintf(format, args...))})
	if err != nil {
		return nil, ans, err
	}
	b, _ := json.Marshal(ans.Out)
	m := map[string]any{}
	json.Unmarshal(b, &m)
	return m, ans, nil
}

func (r *racer) memo() string {
	r.t.Helper()
	r.n++
	m, _, err := r.call(testkit.As(op.Manager), "memo.create", "", `{"title":"Race %d"}`, r.n)
	if err != nil {
		r.t.Fatal(err)
	}
	return m["id"].(string)
}

// races are the pairs of which one may win.
func (r *racer) races() map[string]func(i int) (int, int, error) {
	me, owner := testkit.As(op.Manager), testkit.As(op.Owner)
	mate, heir := me, owner
	mate.ID, heir.ID = "usr_mate", "usr_heir"
	does := func(a op.Actor, name, in string, args ...any) func() error {
		return func() error { _, _, err := r.call(a, name, "", in, args...); return err }
	}
	return map[string]func(int) (int, int, error){
		"update/update": func(int) (int, int, error) {
			id := r.memo()
			return race(does(me, "memo.update", `{"id":%q,"rev":1,"size":1}`, id), does(mate, "memo.update", `{"id":%q,"rev":1,"size":2}`, id))
		},
		"approve/approve": func(int) (int, int, error) {
			id := r.memo()
			return race(does(heir, "memo.approve", `{"id":%q,"rev":1}`, id), does(owner, "memo.approve", `{"id":%q,"rev":1}`, id))
		},
		"edit/approve": func(int) (int, int, error) {
			id := r.memo()
			return race(does(me, "memo.update", `{"id":%q,"rev":1,"title":"Edited"}`, id), does(owner, "memo.approve", `{"id":%q,"rev":1}`, id))
		},
		"end/update": func(int) (int, int, error) {
			id := r.memo()
			return race(does(me, "memo.end", `{"id":%q,"rev":1}`, id), does(mate, "memo.update", `{"id":%q,"rev":1,"size":2}`, id))
		},
		"one-time link": func(i int) (int, int, error) {
			name := fmt.Sprint("link", i)
			r.h.Store.Change(context.Background(), testkit.Org, store.System("test"), func(tx *store.Tx) error {
				return tx.SetSlip(context.Background(), "invite", name, "x", tx.Now.Add(time.Hour))
			})
			take := func() error {
				_, err := r.h.Store.Change(context.Background(), testkit.Org, store.System("test"), func(tx *store.Tx) error {
					_, there, err := tx.TakeSlip(context.Background(), "invite", name)
					if err == nil && !there {
						err = errs.New(errs.NotFound, "it was used")
					}
					return err
				})
				return err
			}
			return race(take, take)
		},
		"same idempotency key": func(i int) (int, int, error) {
			var replays [2]bool
			var ids [2]any
			call := func(k int) func() error {
				return func() error {
					m, ans, err := r.call(me, "memo.create", fmt.Sprint("key", i), `{"title":"Once %d"}`, i)
					replays[k], ids[k] = ans.Replay, m["id"]
					return err
				}
			}
			won, lost, odd := race(call(0), call(1))
			if won == 2 && replays[0] != replays[1] && ids[0] == ids[1] {
				return 1, 1, odd
			}
			return won, lost, fmt.Errorf("%v %v %v", replays, ids, odd)
		},
	}
}

func TestB08OfTwoExactlyOneWins(t *testing.T) {
	testkit.Engines(t, declare, func(t *testing.T, h *testkit.House) {
		r := &racer{t: t, h: h}
		n := count(120, 1700)
		if h.Engine == db.Postgres && !full() {
			n = 25
		}
		total, bad := 0, 0
		for name, one := range r.races() {
			for i := range n {
				won, lost, odd := one(i)
				total++
				if won != 1 || lost != 1 || odd != nil {
					bad++
					t.Errorf("%s: %d won, %d lost, %v", name, won, lost, odd)
				}
			}
		}
		if a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{}); err != nil || len(a.Problems) > 0 {
			t.Errorf("%v %+v", err, a)
		}
		figure("B08 %s: %d races, %d without exactly one winner", h.Engine, total, bad)
	})
}

// The control reads the thing in one transaction and writes it in another, and takes whatever revision
// it finds there: both win, and one of the two changes is lost.
func TestB08ControlReadingAgainInsteadOfHoldingTheRevisionLosesAChange(t *testing.T) {
	h := testkit.SQLite(t, declare)
	r := &racer{t: t, h: h}
	both := 0
	for range 50 {
		id := r.memo()
		edit := func(size int) func() error {
			return func() error {
				_, err := h.Store.Change(context.Background(), testkit.Org, store.System("test"), func(tx *store.Tx) error {
					m, err := store.Get(context.Background(), &tx.View, memos, id)
					if err != nil {
						return err
					}
					m.Size = size
					return store.Put(context.Background(), tx, memos, m)
				})
				return err
			}
		}
		if won, _, _ := race(edit(1), edit(2)); won == 2 {
			both++
		}
	}
	if both == 0 {
		t.Fatal("the bar passes although no revision is held: it cannot fail")
	}
	figure("B08 control: without the revision check %d of 50 races have two winners, as they must", both)
}
