// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

type seenThing struct {
	store.Place
	Source string `json:"source" doc:"Where."`
	Key    string `json:"key" doc:"Which."`
	Says   string `json:"says" doc:"What."`
}

// seenThings is a table whose rows come in groups, one for each source.
func seenThings() *store.Table[seenThing] {
	return store.Facts[seenThing]("sight", "Sights.", []string{"source", "key"}).
		Spreads("source", func(s *seenThing, g store.Group) { s.Says = "gone by " + g.ID })
}

func rowsOf(source, says string, n int) []seenThing {
	out := make([]seenThing, n)
	for i := range out {
		out[i] = seenThing{Source: source, Key: fmt.Sprintf("k%06d", i), Says: says}
	}
	return out
}

// told says how many rows hold at a moment, by what they say.
func told(t *testing.T, h *testkit.House, tab *store.Table[seenThing], at int64) string {
	t.Helper()
	out := ""
	view := func(v *store.View) error {
		n := map[string]int{}
		rows, err := tab.Select(t.Context(), v, "", "ORDER BY source, key")
		for _, r := range rows {
			n[r.Source+" "+r.Says]++
		}
		short, e := store.Project[struct{ Source, Says string }](t.Context(), v, tab, []string{"source", "says"}, "key>=$3", "")
		for _, r := range short {
			n[r.Source+" "+r.Says]--
		}
		for k, left := range n {
			if left != 0 {
				t.Errorf("Project and Select differ by %d rows that say %s", left, k)
			}
			n[k] = 0
		}
		for _, r := range rows {
			n[r.Source+" "+r.Says]++
		}
		out = fmt.Sprint(n)
		return errors.Join(err, e)
	}
	var err error
	if at == 0 {
		err = h.Store.View(t.Context(), testkit.Org, time.Time{}, store.System("test"), view)
	} else {
		err = h.Store.ViewAt(t.Context(), testkit.Org, at, store.System("test"), view)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sizeOf(t *testing.T, h *testkit.House, org string) (n int64) {
	t.Helper()
	if err := h.Store.View(t.Context(), org, time.Time{}, store.System("test"), func(v *store.View) error { n = v.At; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// spread writes a group, and stops after batch number cut where that is not 0. After each batch it calls between.
func spread(t *testing.T, h *testkit.House, tab *store.Table[seenThing], id, source string, rows []seenThing, cut int, between func(batch int)) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	g := store.Group{ID: id, Scope: source, Seen: sizeOf(t, h, testkit.Org), Told: func(done, all int) {
		if between != nil && done < all {
			between(done)
		}
		if done == cut {
			stop()
		}
	}}
	return tab.Spread(ctx, h.Store, testkit.Org, store.System("test"), g, rows, nil)
}

func TestAGroupIsWrittenInBoundedBatchesAndOthersWriteInBetween(t *testing.T) {
	tab := seenThings()
	testkit.Engines(t, func(s *op.Set) { s.Table(tab) }, func(t *testing.T, h *testkit.House) {
		other := 0
		rows := rowsOf("a", "one", 4*store.MaxRows+1)
		if err := spread(t, h, tab, "g1", "a", rows, 0, func(int) {
			if _, err := h.Store.Change(t.Context(), testkit.Other, store.System("test"), func(tx *store.Tx) error {
				other++
				return tx.SetSlip(t.Context(), "x", "y", "z", tx.Now.Add(time.Hour))
			}); err != nil {
				t.Error(err)
			}
			if got := told(t, h, tab, 0); got != "map[]" {
				t.Errorf("in the middle one sees %s", got)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if other != 4 {
			t.Errorf("another organisation wrote %d times in between, want 4", other)
		}
		if got := told(t, h, tab, 0); got != fmt.Sprintf("map[a one:%d]", len(rows)) {
			t.Errorf("afterwards one sees %s", got)
		}
		events, stop := h.Store.Watch()
		if err := spread(t, h, tab, "g2", "b", rowsOf("b", "one", 4*store.MaxRows), 0, nil); err != nil {
			t.Fatal(err)
		}
		ops := 0
		for range 4 {
			ops += len((<-events).Ops)
		}
		if stop(); ops != 1 {
			t.Errorf("open pages were told %d times that something ended, want once", ops)
		}
		for n, most := range batches(t, h) {
			if most > store.MaxRows {
				t.Errorf("batch %d has %d rows", n, most)
			}
		}
		for at := range int64(5) {
			if got := told(t, h, tab, max(at, 1)); got != "map[]" {
				t.Errorf("as of entry %d one sees %s", at, got)
			}
		}
		groupsSound(t, h)
	})
}

// batches are the rows of each batch of sights.
func batches(t *testing.T, h *testkit.House) map[int64]int {
	t.Helper()
	out := map[int64]int{}
	raw, err := db.Open(t.Context(), h.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.Writer().Each(t.Context(), `SELECT batch, count(*) FROM f_sight GROUP BY batch`, nil, func(r *sql.Rows) error {
		var b int64
		var n int
		err := r.Scan(&b, &n)
		out[b] = n
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func groupsSound(t *testing.T, h *testkit.House) {
	t.Helper()
	a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Problems) > 0 {
		t.Errorf("verify: %+v", a.Problems)
	}
}

func TestAGroupThatWasCutShortIsNeverSeen(t *testing.T) {
	tab := seenThings()
	testkit.Engines(t, func(s *op.Set) { s.Table(tab) }, func(t *testing.T, h *testkit.House) {
		m := store.MaxRows
		first := append(rowsOf("a", "one", 3*m), rowsOf("b", "one", 10)...)
		for _, src := range []string{"a", "b"} {
			part := first[:3*m]
			if src == "b" {
				part = first[3*m:]
			}
			if err := spread(t, h, tab, "g1"+src, src, part, 0, nil); err != nil {
				t.Fatal(err)
			}
		}
		whole := fmt.Sprintf("map[a one:%d b one:10]", 3*m)
		before := sizeOf(t, h, testkit.Org)
		// It writes two batches of four: new words for old keys, and keys that are new.
		more := append(rowsOf("a", "two", m+5), rowsOf("a", "new", 5*m)[4*m:]...)
		if err := spread(t, h, tab, "g2", "a", more, 2, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("it was not cut short: %v", err)
		}
		cut := sizeOf(t, h, testkit.Org)
		if cut == before {
			t.Fatal("nothing was written before it was cut short: this proves nothing")
		}
		if got := told(t, h, tab, 0); got != whole {
			t.Errorf("after it one sees %s, want %s", got, whole)
		}
		groupsSound(t, h)
		// Another source goes on as if nothing were.
		if err := spread(t, h, tab, "g3", "b", rowsOf("b", "two", 4), 0, nil); err != nil {
			t.Fatal(err)
		}
		if got, want := told(t, h, tab, 0), fmt.Sprintf("map[a one:%d b one:6 b two:4]", 3*m); got != want {
			t.Errorf("with another source one sees %s, want %s", got, want)
		}
		// The next group of the same source changes ten keys only, and is cut short too, and the one after it is finished.
		if err := spread(t, h, tab, "g4", "a", rowsOf("a", "three", 10), 1, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("it was not cut short: %v", err)
		}
		if got, want := told(t, h, tab, 0), fmt.Sprintf("map[a one:%d b one:6 b two:4]", 3*m); got != want {
			t.Errorf("after two of them one sees %s, want %s", got, want)
		}
		groupsSound(t, h)
		if err := spread(t, h, tab, "g5", "a", rowsOf("a", "four", 10), 0, nil); err != nil {
			t.Fatal(err)
		}
		got := told(t, h, tab, 0)
		if want := fmt.Sprintf("map[a four:10 a gone by g5:%d a one:%d b one:6 b two:4]", m-5, 3*m-10); got != want {
			t.Errorf("after the next one sees %s, want %s", got, want)
		}
		for at := before; at <= cut; at++ {
			if got := told(t, h, tab, at); got != whole {
				t.Errorf("as of entry %d one sees %s", at, got)
			}
		}
		var changes []seenThing
		if err := h.Store.View(t.Context(), testkit.Org, time.Time{}, store.System("test"), func(v *store.View) (err error) {
			changes, err = tab.Changes(t.Context(), v, "says='two' AND source='a' OR says='new' OR says='three'", "")
			return err
		}); err != nil || len(changes) > 0 {
			t.Errorf("the history has %d rows of groups that were never finished, %v", len(changes), err)
		}
		groupsSound(t, h)
	})
}

// What nobody held before, and nobody holds after, says so.
func TestWhatOnlyAnUnfinishedGroupSawIsSaidToBeGone(t *testing.T) {
	tab := seenThings()
	h := testkit.SQLite(t, func(s *op.Set) { s.Table(tab) })
	if err := spread(t, h, tab, "g1", "a", rowsOf("a", "one", 2*store.MaxRows), 1, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := spread(t, h, tab, "g2", "a", nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := told(t, h, tab, 0), fmt.Sprintf("map[a gone by g2:%d]", store.MaxRows); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	groupsSound(t, h)
}

func TestOfTwoGroupsAtOnceOneIsRefused(t *testing.T) {
	tab := seenThings()
	h := testkit.SQLite(t, func(s *op.Set) { s.Table(tab) })
	old := sizeOf(t, h, testkit.Org)
	err := spread(t, h, tab, "g1", "a", rowsOf("a", "one", 3*store.MaxRows), 0, func(n int) {
		if n == 1 { // compared with what was there before the first began
			late := tab.Spread(t.Context(), h.Store, testkit.Org, store.System("test"), store.Group{ID: "g2", Scope: "a", Seen: old}, rowsOf("a", "two", 1), nil)
			if errs.Public(late).Code != errs.Conflict {
				t.Errorf("the late one: %v", late)
			}
		}
		if n == 2 { // compared with what is there now: it takes over, and the first must not go on
			if err := tab.Spread(t.Context(), h.Store, testkit.Org, store.System("test"), store.Group{ID: "g3", Scope: "a", Seen: sizeOf(t, h, testkit.Org)}, rowsOf("a", "three", 1), nil); err != nil {
				t.Error(err)
			}
		}
	})
	if errs.Public(err).Code != errs.Conflict {
		t.Errorf("the first went on: %v", err)
	}
	if got, want := told(t, h, tab, 0), fmt.Sprintf("map[a gone by g3:%d a three:1]", 2*store.MaxRows-1); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	groupsSound(t, h)
}

func TestWhoeverChangesWhatIsFinishedIsNamed(t *testing.T) {
	tab := seenThings()
	for name, q := range map[string]string{
		"a group that was finished is made open": `UPDATE part SET until=4611686018427387904`,
		"a group is taken away":                  `DELETE FROM part`,
		"a group is made up":                     `INSERT INTO part (org, tbl, scope, since, good, until, grp) VALUES ('org_test','sight','a',1,1,4611686018427387904,'g9')`,
	} {
		h := testkit.SQLite(t, func(s *op.Set) { s.Table(tab) })
		if err := spread(t, h, tab, "g1", "a", rowsOf("a", "one", 2*store.MaxRows), 0, nil); err != nil {
			t.Fatal(err)
		}
		raw, err := db.Open(t.Context(), h.DSN)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Writer().Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		raw.Close()
		a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{})
		if err != nil || len(a.Problems) == 0 {
			t.Errorf("%s: nothing was found, %v", name, err)
		}
	}
}
