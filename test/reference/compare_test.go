// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// picture is what is said of a company at a moment: letters, health, readiness.
type picture map[string]string

// expected is the picture that the reference makes.
func expected(events []event, at time.Time) picture {
	p, w := picture{}, knownAt(events, at)
	if len(w.all) == 0 {
		return p
	}
	var controls []string
	for _, e := range w.of("control", "") {
		controls = append(controls, e.Who)
	}
	for d := w.dayOf(w.all[0].At) - 2; d <= w.dayOf(at); d++ {
		day := check.Day(d).String()
		for _, id := range testIDs {
			p[day+" "+id] = w.testDay(id, d)
		}
		for _, c := range controls {
			p[day+" "+c] = w.controlDay(c, d)
		}
		for _, k := range criteria {
			p[day+" "+k[0]] = w.criterionDay(k[0], k[1], controls, d)
		}
	}
	for _, c := range controls {
		p["health of "+c] = w.health(c)
	}
	r, percent := w.readiness(criteria, controls)
	for k, x := range r {
		p["score of "+k] = x.RatString()
	}
	p["readiness"] = fmt.Sprint(percent)
	return p
}

// shown is the picture that the product makes.
func shown(ctx context.Context, h *testkit.House, org string, events []event, at time.Time, ofToday bool) (picture, error) {
	w := knownAt(events, at)
	p := picture{}
	if len(w.all) == 0 {
		return p, nil
	}
	boards := &report.Boards{DB: h.Store, Rules: check.InForce, OfToday: ofToday}
	err := h.Store.View(ctx, org, at, store.System("test"), func(v *store.View) error {
		first := w.dayOf(w.all[0].At) - 2
		b, err := boards.Of(ctx, v, w.dayOf(at)-first+1)
		if err != nil {
			return err
		}
		for i, d := range b.Days {
			if int(d) < first {
				continue
			}
			for _, id := range testIDs {
				p[d.String()+" "+id] = "–"
				if x := b.Tests[id]; x != nil && len(x.Cells) > 0 {
					p[d.String()+" "+id] = x.Cells[i].Letter.String()
				}
			}
			for _, e := range w.of("control", "") {
				p[d.String()+" "+e.Who] = "–"
				if c := b.Control(e.Who); c != nil {
					p[d.String()+" "+e.Who] = c.Letters[i].String()
				}
			}
			for _, k := range criteria {
				p[d.String()+" "+k[0]] = b.Criterion(k[0]).Letters[i].String()
			}
		}
		for _, e := range w.of("control", "") {
			p["health of "+e.Who] = ""
			if c := b.Control(e.Who); c != nil && c.Retired.IsZero() {
				p["health of "+e.Who] = c.Health.Health.String()
			}
		}
		for _, s := range b.Readiness.Criteria {
			p["score of "+s.Ref] = s.Exact.RatString()
		}
		p["readiness"] = fmt.Sprint(b.Readiness.Percent)
		return nil
	})
	return p, err
}

// differences writes a history and lists where the two pictures of it differ, at each moment.
func differences(ctx context.Context, h *testkit.House, org string, s *history, ofToday bool) ([]string, error) {
	if err := write(ctx, h, org, s.events); err != nil {
		return nil, err
	}
	var out []string
	for _, at := range s.looks {
		want := expected(s.events, at)
		got, err := shown(ctx, h, org, s.events, at, ofToday)
		if err != nil {
			return nil, err
		}
		all := maps.Clone(want)
		maps.Copy(all, got)
		for _, k := range slices.Sorted(maps.Keys(all)) {
			if got[k] != want[k] {
				out = append(out, fmt.Sprintf("as of %s: %s is %q, and the reference says %q", at.Format("2006-01-02 15:04:05.000"), k, got[k], want[k]))
			}
		}
	}
	return out, nil
}

// String is an event as a failing history is printed.
func (e event) String() string {
	out := []string{e.At.Format("2006-01-02 15:04:05.000"), e.What, e.Who, e.ID, e.Action, e.Day, e.To}
	if e.Terms != nil {
		out = append(out, fmt.Sprintf("%+v", *e.Terms))
	}
	if e.Piece != nil {
		out = append(out, fmt.Sprintf("%+v", *e.Piece))
	}
	if e.Runs != nil {
		out = append(out, fmt.Sprint(e.Runs, e.Windows))
	}
	for _, t := range []time.Time{e.Collected, e.Until} {
		if !t.IsZero() {
			out = append(out, t.Format("2006-01-02 15:04:05.000"))
		}
	}
	if e.Days > 0 {
		out = append(out, fmt.Sprint(e.Days, " days"))
	}
	return strings.Join(slices.DeleteFunc(out, func(s string) bool { return s == "" }), " ")
}

// smallest drops events and looks one by one as long as the history still shows a difference.
func smallest(ctx context.Context, h *testkit.House, org string, s *history, diff []string) (*history, []string) {
	n := 0
	try := func(x *history) bool {
		n++
		d, err := differences(ctx, h, fmt.Sprintf("%s_%d", org, n), x, false)
		if err != nil || len(d) == 0 {
			return false
		}
		s, diff = x, d
		return true
	}
	for i := len(s.looks) - 1; i >= 0 && len(s.looks) > 1; i-- {
		try(&history{s.events, slices.Delete(slices.Clone(s.looks), i, i+1)})
	}
	for again := true; again; {
		again = false
		for i := len(s.events) - 1; i > 0; i-- {
			if i < len(s.events) && try(&history{sound(slices.Delete(slices.Clone(s.events), i, i+1)), s.looks}) {
				again = true
			}
		}
	}
	return s, diff
}

func house(t *testing.T) *testkit.House {
	return testkit.SQLite(t, func(s *op.Set) {
		grc.Add(s, grc.Above{})
		collect.Add(s, nil)
		check.Add(s)
		s.Table(report.Scores)
	})
}

// The numbers of a board are those of the reference: of each day the letter of each test, control and criterion, the health
// of each control, and readiness, now and as of three earlier moments. A history is told again with ASSAY_SEED.
func TestEveryHistoryReadsAsTheReferenceReadsIt(t *testing.T) {
	n := 300
	if testing.Short() {
		n = 100
	}
	if os.Getenv("ASSAY_BARS") == "full" {
		n = 10000
	}
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("ASSAY_SEED"), 10, 64); err == nil {
		seed, n = s, 1
	}
	if s, err := strconv.Atoi(os.Getenv("ASSAY_HISTORIES")); err == nil {
		n = s
	}
	h := house(t)
	h.Clock.Set(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC))
	failed, seen := 0, map[string]int{}
	var lock sync.Mutex
	var both sync.WaitGroup
	one := func(seed uint64, org string) error {
		s := tell(rand.New(rand.NewPCG(seed, 9)))
		diff, err := differences(t.Context(), h, org, s, false)
		if err != nil {
			return err
		}
		lock.Lock()
		defer lock.Unlock()
		for _, v := range expected(s.events, s.looks[len(s.looks)-1]) {
			seen[v]++
		}
		if len(diff) == 0 {
			return nil
		}
		if failed++; failed <= 3 {
			s, diff = smallest(t.Context(), h, org, s, diff)
			var told strings.Builder
			for _, e := range s.events {
				fmt.Fprintln(&told, e)
			}
			t.Errorf("ASSAY_SEED=%d:\n%s\n%s", seed, strings.Join(diff, "\n"), &told)
		}
		return nil
	}
	for half := range uint64(2) {
		both.Go(func() {
			for i := half; i < uint64(n); i += 2 {
				if err := one(seed+i, fmt.Sprint("org_", i)); err != nil {
					t.Errorf("ASSAY_SEED=%d: %v", seed+i, err)
				}
			}
		})
	}
	both.Wait()
	if failed > 0 {
		t.Errorf("%d of %d histories differ", failed, n)
	}
	for _, v := range strings.Fields("P F X E Z N – passing failing no_data needs_attention not_started no_occurrence not_applicable 100") {
		if seen[v] == 0 && n >= 100 {
			t.Errorf("no history came to %s", v)
		}
	}
}

// The control: a board that judges every day by what is in force today is found.
func TestABoardOfTodaysDefinitionsIsFound(t *testing.T) {
	h, found := house(t), 0
	h.Clock.Set(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC))
	for i := range uint64(10) {
		diff, err := differences(t.Context(), h, fmt.Sprint("org_", i), tell(rand.New(rand.NewPCG(i, 9))), true)
		if err != nil {
			t.Fatal(err)
		}
		if len(diff) > 0 {
			found++
		}
	}
	if found == 0 {
		t.Error("no history showed it: the reference can find nothing")
	}
}
