// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/ledger"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// A crate is a thing with references of both sorts, one with a column and one without.
type crate struct {
	kind.Meta
	Title  string   `json:"title" doc:"What it is called." min:"1"`
	Size   int      `json:"size" doc:"How large it is." index:""`
	Label  string   `json:"label" doc:"What stands on it." index:""`
	Within string   `json:"within" doc:"The crate around it." ref:"crate" index:""`
	Beside []string `json:"beside" doc:"The crates beside it." ref:"crate"`
}

type weight struct {
	store.Place
	Crate string `json:"crate" doc:"Of what."`
	Grams int    `json:"grams" doc:"How heavy."`
}

var (
	crates  = kind.Kind[crate]{Name: "crate", Plural: "crates", Prefix: "crt", Doc: "A crate is for tests.", Object: "risks", Label: "title"}
	weights = store.Facts[weight]("weight", "Weights.", []string{"crate"})
)

func addCrates(s *op.Set) {
	op.Kind(s, crates)
	s.Table(weights)
}

func write(t testing.TB, h *testkit.House, fn func(context.Context, *store.Tx) error) store.Receipt {
	t.Helper()
	r, err := h.Store.Change(context.Background(), testkit.Org, store.System("test"), func(tx *store.Tx) error { return fn(context.Background(), tx) })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func see(t testing.TB, h *testkit.House, asOf time.Time, fn func(context.Context, *store.View) error) {
	t.Helper()
	if err := h.Store.View(context.Background(), testkit.Org, asOf, store.System("test"), func(v *store.View) error { return fn(context.Background(), v) }); err != nil {
		t.Fatal(err)
	}
}

func sound(t testing.TB, h *testkit.House) store.Audit {
	t.Helper()
	a, err := h.Store.Verify(context.Background(), testkit.Org, store.VerifyOptions{})
	if err != nil || len(a.Problems) > 0 {
		t.Errorf("verify: %v %+v", err, a.Problems)
	}
	return a
}

func newCrate(t testing.TB, h *testkit.House, c crate) *crate {
	t.Helper()
	if c.Title == "" {
		c.Title = "Crate"
	}
	write(t, h, func(ctx context.Context, tx *store.Tx) error { return store.Put(ctx, tx, crates, &c) })
	return &c
}

func TestWhatPointsAtAThingIsKnownNowAndThen(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		a, b := newCrate(t, h, crate{}), newCrate(t, h, crate{})
		c := newCrate(t, h, crate{Within: a.ID, Beside: []string{a.ID, b.ID}})
		then := h.Clock.Now()
		h.Clock.Move(time.Hour)
		c.Within, c.Beside = b.ID, nil
		write(t, h, func(ctx context.Context, tx *store.Tx) error { return store.Put(ctx, tx, crates, c) })
		for _, x := range []struct {
			at   time.Time
			id   string
			want string
		}{{time.Time{}, a.ID, ""}, {time.Time{}, b.ID, "within"}, {then, a.ID, "beside within"}, {then, b.ID, "beside"}} {
			see(t, h, x.at, func(ctx context.Context, v *store.View) error {
				links, err := v.Pointing(ctx, x.id)
				got := map[string]bool{}
				for _, l := range links {
					got[l.Field] = true
				}
				for _, f := range strings.Fields(x.want) {
					if !got[f] {
						t.Errorf("at %v nothing points by %s: %v", x.at, f, links)
					}
				}
				if len(got) != len(strings.Fields(x.want)) {
					t.Errorf("at %v: %v, want %s", x.at, links, x.want)
				}
				return err
			})
		}
		sound(t, h)
	})
}

func TestPagesGoThroughEqualValuesInBothDirections(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		write(t, h, func(ctx context.Context, tx *store.Tx) error {
			for i := range 23 {
				if err := store.Put(ctx, tx, crates, &crate{Title: "C", Size: i % 3, Label: fmt.Sprint("l", i%2)}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, sort := range []string{"", "id", "-id", "size", "-size", "label", "-label"} {
			seen := map[string]bool{}
			see(t, h, time.Time{}, func(ctx context.Context, v *store.View) error {
				for p := (store.Page{Sort: sort, Limit: 4}); ; {
					l, next, err := store.List(ctx, v, crates, p)
					if err != nil {
						return err
					}
					for _, c := range l {
						if seen[c.ID] {
							t.Errorf("sort %q gives %s twice", sort, c.ID)
						}
						seen[c.ID] = true
					}
					if p.After = next; next == "" {
						return nil
					}
				}
			})
			if len(seen) != 23 {
				t.Errorf("sort %q gives %d of 23", sort, len(seen))
			}
		}
	})
}

func TestAFactWithAKeyIsReadAsOfAnyMoment(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		var moments []time.Time
		for i := range 5 {
			write(t, h, func(ctx context.Context, tx *store.Tx) error {
				_, err := weights.Append(ctx, tx, "run", []weight{{Crate: "a", Grams: i}, {Crate: "b", Grams: 10 * i}}, nil)
				return err
			})
			moments = append(moments, h.Clock.Now())
			h.Clock.Move(time.Minute)
		}
		for i, at := range moments {
			see(t, h, at, func(ctx context.Context, v *store.View) error {
				rows, err := weights.Select(ctx, v, "", "")
				if len(rows) != 2 || rows[0].Grams+rows[1].Grams != 11*i {
					t.Errorf("after %d: %+v", i, rows)
				}
				all, _ := weights.Changes(ctx, v, "", "")
				if len(all) != 2*(i+1) {
					t.Errorf("after %d: %d changes", i, len(all))
				}
				return err
			})
		}
		sound(t, h)
	})
}

func TestOneOperationThatFailsPanicsOrIsGivenUpCostsNoOther(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		good, internal := 0, 0
		for i := range 300 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				_, err := h.Store.Change(ctx, testkit.Org, store.System("test"), func(tx *store.Tx) error {
					if err := store.Put(ctx, tx, crates, &crate{Title: fmt.Sprint("C", i)}); err != nil {
						return err
					}
					switch i % 6 {
					case 1:
						return errs.New(errs.Conflict, "no")
					case 2:
						panic("a mistake of ours")
					case 3: // the caller hangs up in the middle
						cancel()
						return store.Put(ctx, tx, crates, &crate{})
					}
					return nil
				})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					good++
				case i%6 == 0 || i%6 > 3:
					t.Errorf("%d was sunk by another: %v", i, err)
				case i%6 == 2 && errs.Public(err).Code == errs.Internal:
					internal++
				}
			})
		}
		wg.Wait()
		if good != 150 || internal != 50 {
			t.Errorf("%d written, %d panics told", good, internal)
		}
		if a := sound(t, h); a.Size != 150 {
			t.Errorf("%d entries", a.Size)
		}
	})
}

func TestTwoProcessesOnOneDatabaseWriteOneHistory(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		c, err := db.Open(t.Context(), h.DSN)
		if err != nil {
			t.Fatal(err)
		}
		other, err := store.Open(t.Context(), c, store.Options{Clock: h.Clock, Kinds: h.Set.Shapes(), Tables: h.Set.Tables(),
			Keys: &ledger.Keys{Dir: h.Dir + "/keys"}, Anchors: &ledger.Anchors{Dir: h.Dir + "/anchor"}})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		var wg sync.WaitGroup
		for i := range 8 {
			d := []*store.DB{h.Store, other}[i%2]
			wg.Go(func() {
				for k := range 25 {
					org := []string{testkit.Org, testkit.Other}[(i/2+k)%2] // both orders, so that heads could be waited for crosswise
					if _, err := d.Change(context.Background(), org, store.System("test"), func(tx *store.Tx) error {
						return store.Put(context.Background(), tx, crates, &crate{Title: "C"})
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if a := sound(t, h); a.Size != 100 {
			t.Errorf("%d entries", a.Size)
		}
	})
}

func TestTimeNeverGoesBackInTheLedger(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		for _, jump := range []time.Duration{0, time.Second, -time.Second, time.Hour, -2 * time.Hour, 365 * 24 * time.Hour, -2 * 365 * 24 * time.Hour} {
			h.Clock.Move(jump)
			newCrate(t, h, crate{})
		}
		see(t, h, time.Time{}, func(ctx context.Context, v *store.View) error {
			all, err := v.Entries(ctx, store.EntryPage{})
			for i := 1; i < len(all); i++ {
				if all[i-1].At.Before(all[i].At) {
					t.Errorf("entry %d is before entry %d", all[i-1].Seq, all[i].Seq)
				}
			}
			return err
		})
		sound(t, h)
	})
}

func TestAProjectionMadeAnewIsTheOneThatWasThere(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		a := newCrate(t, h, crate{Size: 1})
		b := newCrate(t, h, crate{Size: 2, Within: a.ID})
		b.Size = 3
		r := write(t, h, func(ctx context.Context, tx *store.Tx) error { return store.Put(ctx, tx, crates, b) })
		b.Size = 4
		write(t, h, func(ctx context.Context, tx *store.Tx) error {
			if err := store.Put(ctx, tx, crates, b); err != nil {
				return err
			}
			return store.End(ctx, tx, crates, a.ID, 0)
		})
		write(t, h, func(ctx context.Context, tx *store.Tx) error {
			_, err := store.Dispose(ctx, tx, store.Disposal{Entries: []int64{r.Seq}, Reason: "asked for"})
			return err
		})
		dump := func() string {
			raw := h.Raw(t)
			defer raw.Close()
			out := ""
			for _, q := range []string{`SELECT id||' '||since||' '||until||' '||rev||' '||size||' '||within FROM is_crate ORDER BY id, since`, `SELECT from_id||' '||field||' '||to_id||' '||since||' '||until FROM link ORDER BY from_id, since, field`} {
				rows, err := raw.Query(q)
				if err != nil {
					t.Fatal(err)
				}
				for rows.Next() {
					var s string
					rows.Scan(&s)
					out += s + "\n"
				}
				rows.Close()
			}
			return out
		}
		was := dump()
		raw := h.Raw(t)
		if _, err := raw.Exec(`UPDATE shape SET ddl='other tags' WHERE name='crate'`); err != nil {
			t.Fatal(err)
		}
		raw.Close()
		h.Store.Close()
		h.Open(t)
		if now := dump(); now != was || strings.Count(was, "\n") != 5 {
			t.Errorf("was:\n%snow:\n%s", was, now)
		}
		sound(t, h)
	})
}

func TestADisposalIsSaidAndOneThatIsNotIsNamed(t *testing.T) {
	testkit.Engines(t, addCrates, func(t *testing.T, h *testkit.House) {
		c := newCrate(t, h, crate{Label: "Ada"})
		batch := write(t, h, func(ctx context.Context, tx *store.Tx) error {
			_, err := weights.Append(ctx, tx, "run", []weight{{Crate: "a", Grams: 71}, {Crate: "b", Grams: 72}}, nil)
			return err
		}).Seq
		later := write(t, h, func(ctx context.Context, tx *store.Tx) error {
			_, err := weights.Append(ctx, tx, "run", []weight{{Crate: "a", Grams: 73}}, nil)
			return err
		}).Seq
		write(t, h, func(ctx context.Context, tx *store.Tx) error {
			_, err := store.Dispose(ctx, tx, store.Disposal{Entries: []int64{0, later}, Rows: []store.DisposedRows{{Batch: batch, N: []int64{1}}}, Reason: "asked for"})
			return err
		})
		if a := sound(t, h); a.Disposed != 2 {
			t.Errorf("%+v", a)
		}
		see(t, h, time.Time{}, func(ctx context.Context, v *store.View) error {
			if _, err := store.Get(ctx, v, crates, c.ID); !errors.Is(err, errs.NotFound) {
				t.Errorf("a thing that was disposed of: %v", err)
			}
			rows, err := weights.Select(ctx, v, "", "")
			for _, r := range rows {
				if r.Grams > 71 {
					t.Errorf("a row that was disposed of: %+v", r)
				}
			}
			return err
		})
		raw := h.Raw(t)
		if _, err := raw.Exec(`UPDATE body SET salt=NULL, body=NULL WHERE org=$1 AND seq=$2`, testkit.Org, batch); err != nil {
			t.Fatal(err)
		}
		a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{})
		if err != nil || len(a.Problems) == 0 || a.Problems[0].Entry != batch {
			t.Errorf("%v %+v", err, a.Problems)
		}
	})
}

func TestACommitIsToldToThoseWhoWatch(t *testing.T) {
	h := testkit.SQLite(t, addCrates)
	events, stop := h.Store.Watch()
	defer stop()
	newCrate(t, h, crate{})
	if e := <-events; e.Org != testkit.Org || e.Size != 1 || len(e.Ops) != 1 || e.Ops[0] != "test" {
		t.Errorf("%+v", e)
	}
}

func TestTheLedgerIsTheSameOnBothEngines(t *testing.T) {
	if testkit.Fast() {
		return
	}
	roots := map[string]bool{}
	for _, h := range []*testkit.House{testkit.SQLite(t, addCrates), testkit.Postgres(t, addCrates)} {
		h.Store.Close()
		h.Rand = &steps{}
		h.Open(t)
		for i := range 300 {
			newCrate(t, h, crate{Title: fmt.Sprint("C", i), Size: i})
			h.Clock.Move(time.Second)
		}
		roots[sound(t, h).Root] = true
	}
	if len(roots) != 1 {
		t.Errorf("the same operations gave %d histories", len(roots))
	}
}

// steps is a randomness that is the same every time.
type steps struct{ n byte }

func (s *steps) Read(p []byte) (int, error) {
	for i := range p {
		s.n = s.n*7 + 3
		p[i] = s.n + byte(i)
	}
	return len(p), nil
}
