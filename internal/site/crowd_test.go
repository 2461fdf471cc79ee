// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/db"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// crowd gives the firm n users.
func (f *firm) crowd(n int) {
	f.users = nil
	for i := range n {
		f.users = append(f.users, user(fmt.Sprintf("user%06d", i), i%2 == 0))
	}
}

// sizes are how many batches a table has, the rows of all, and of the largest.
func (f *firm) sizes(t *testing.T, table string) (batches, rows, most int64) {
	t.Helper()
	raw, err := db.Open(t.Context(), "sqlite:"+f.Data+"/assay.db")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.Writer().Each(t.Context(), `SELECT count(*) FROM `+table+` GROUP BY org, batch`, nil, func(r *sql.Rows) error {
		var n int64
		err := r.Scan(&n)
		batches, rows, most = batches+1, rows+n, max(most, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return batches, rows, most
}

// seen is how many checks, runs of the source, resources and results are seen.
func (f *firm) seen(t *testing.T) (checks, runs, resources, results int) {
	t.Helper()
	err := f.DB.View(t.Context(), f.org, time.Time{}, store.System("test"), func(v *store.View) error {
		c, err1 := check.Checks.Select(t.Context(), v, "", "")
		r, err2 := collect.Runs.Select(t.Context(), v, "connector='fixed'", "")
		x, err3 := store.Project[struct{ Key string }](t.Context(), v, collect.Versions, []string{"key"}, "kind='idp.user' AND present=1")
		p, err4 := store.Project[struct{ Test string }](t.Context(), v, check.Finds, []string{"test"}, "verdict<>'gone'")
		checks, runs, resources, results = len(c), len(r), len(x), len(p)
		return errors.Join(err1, err2, err3, err4)
	})
	if err != nil {
		t.Fatal(err)
	}
	return checks, runs, resources, results
}

// proved says that the whole ledger verifies.
func (f *firm) proved(t *testing.T) {
	t.Helper()
	a, err := f.DB.Verify(t.Context(), f.org, store.VerifyOptions{})
	if err != nil || len(a.Problems) > 0 {
		t.Errorf("verify: %v %+v", err, a.Problems)
	}
}

func TestACheckOverManyNewResourcesLetsOthersWriteInBetween(t *testing.T) {
	f := newFirm(t, "")
	n := 100_000
	if testkit.Fast() {
		n = 3_000
	}
	f.crowd(n)
	other, err := f.Found(t.Context(), "Other Ltd", "other@example.com")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	between := int64(0)
	var wait sync.WaitGroup
	wait.Go(func() {
		for ctx.Err() == nil {
			if _, err := f.DB.Change(ctx, other, store.System("test"), func(tx *store.Tx) error {
				return tx.SetSlip(ctx, "session", "one", "x", tx.Now.Add(time.Hour))
			}); err == nil {
				between++
			}
		}
	})
	if _, err := f.Works.Cycle(t.Context(), f.org, store.System("check.run"), "manual", nil, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	wait.Wait()
	checks, runs, resources, results := f.seen(t)
	if checks != 1 || runs != 1 || resources != n || results < n {
		t.Errorf("%d checks, %d runs, %d resources, %d results", checks, runs, resources, results)
	}
	all := int64(0)
	for _, table := range []string{"f_resource", "f_result"} {
		batches, rows, most := f.sizes(t, table)
		if most > store.MaxRows || rows < int64(n) {
			t.Errorf("%s: %d rows in %d batches, %d in the largest", table, rows, batches, most)
		}
		all += batches
	}
	if between < all/4 {
		t.Errorf("another organisation wrote %d times while %d batches were written", between, all)
	}
	f.proved(t)
}

func TestAnUnchangedCheckOfUnknownsWritesNothingNew(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{{Kind: "idp.user", Key: "a", Name: "a"}} // nothing is known of it
	f.check(t)
	_, rows, _ := f.sizes(t, "f_result")
	f.check(t)
	if _, again, _ := f.sizes(t, "f_result"); again != rows || rows == 0 {
		t.Errorf("%d rows of results, and %d after a check that saw the same", rows, again)
	}
}

// Wherever a cycle is called off, what it wrote so far is not seen, and the next one is whole.
func TestACycleThatIsCalledOffKeepsNothingHalfDone(t *testing.T) {
	const n = 2_500
	for _, where := range []string{"reading identities", "running tests", "keeping results"} {
		t.Run(where, func(t *testing.T) {
			f := newFirm(t, "")
			f.crowd(10)
			f.check(t)
			before := [4]int{}
			before[0], before[1], before[2], before[3] = f.seen(t)
			f.crowd(n)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			calls := 0
			_, err := f.Works.Cycle(ctx, f.org, store.System("check.run"), "manual", nil, func(what string, done, all int) {
				if what == where && (done > 0 || where == "reading identities") {
					if calls++; calls == 1 {
						stop()
					}
				}
			})
			if !errors.Is(err, context.Canceled) || calls == 0 {
				t.Fatalf("it was not called off: %v", err)
			}
			after := [4]int{}
			after[0], after[1], after[2], after[3] = f.seen(t)
			want := before
			if where != "reading identities" { // the run was whole
				want[1], want[2] = before[1]+1, n
			}
			if after != want {
				t.Errorf("checks, runs, resources, results: %v, want %v", after, want)
			}
			f.proved(t)
			f.check(t)
			if checks, _, resources, results := f.seen(t); checks != before[0]+1 || resources != n || results < n {
				t.Errorf("after the next one: %d checks, %d resources, %d results", checks, resources, results)
			}
			f.proved(t)
		})
	}
}

// A check that took several batches is one line of what happened, and the pages go on behind it.
func TestWhatWasWrittenInPartsIsOneLineOfTheActivity(t *testing.T) {
	f := newFirm(t, "")
	f.crowd(3 * store.MaxRows)
	f.check(t)
	batches, _, _ := f.sizes(t, "f_result")
	if batches < 4 {
		t.Fatalf("%d batches of results: this proves nothing", batches)
	}
	lines, entries := 0, map[int64]bool{}
	for before := int64(0); ; {
		p, err := op.Do[*report.EventPage](t.Context(), f.Gate, f.me, "activity.list", map[string]any{"limit": 5, "before": before}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Data {
			if e.Kind == "result" {
				lines++
			}
			if entries[e.Seq] {
				t.Errorf("entry %d is told twice", e.Seq)
			}
			entries[e.Seq] = true
		}
		if before = p.Next; before == 0 {
			break
		}
	}
	if !entries[0] || lines == 0 || lines > 2 {
		t.Errorf("results stand on %d lines; the first entry is there: %t", lines, entries[0])
	}
}
