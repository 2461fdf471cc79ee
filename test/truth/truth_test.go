// SPDX-License-Identifier: Apache-2.0

// Package truth holds bar B16: whatever happens to the sources, nothing passes without proof.
package truth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

// The ways in which a source can go wrong. Each gives the resources that arrive, the manifest and the error.
var faults = map[string]func(r *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error){
	"cut short": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return all[:len(all)/2], full(all), nil
	},
	"half an answer": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return all[:1], collect.Manifest{Reason: "page 2 did not come", Counts: map[string]int{"idp.user": 1}}, nil
	},
	"error": func(*rand.Rand, []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return nil, collect.Manifest{}, errors.New("status 503")
	},
	"error page with 200": func(*rand.Rand, []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return nil, collect.Manifest{}, errors.New("status 200 with an HTML page")
	},
	"error after everything": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return all, full(all), errors.New("the connection was lost")
	},
	"no end marker": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return all, collect.Manifest{Counts: full(all).Counts}, nil
	},
	"no counts": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return all, collect.Manifest{Complete: true}, nil
	},
	"too many": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return append(all, all[0]), full(all), nil
	},
	"no key": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return append(all[1:], collect.Resource{Kind: "idp.user"}), full(all), nil
	},
	"empty": func(*rand.Rand, []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return nil, collect.Manifest{Complete: true, Counts: map[string]int{"idp.user": 0}}, nil
	},
	"another kind": func(_ *rand.Rand, all []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		return []collect.Resource{{Kind: "ticket", Key: "T-1"}}, collect.Manifest{Complete: true, Counts: map[string]int{"ticket": 1}}, nil
	},
	"panic": func(*rand.Rand, []collect.Resource) ([]collect.Resource, collect.Manifest, error) {
		panic("index out of range")
	},
}

func full(all []collect.Resource) collect.Manifest {
	return collect.Manifest{Complete: true, Counts: map[string]int{"idp.user": len(all)}}
}

type scripted struct {
	give func() ([]collect.Resource, collect.Manifest, error)
}

func (s scripted) Describe() collect.Description {
	return collect.Description{Kinds: []string{"idp.user"}}
}

func (s scripted) Collect(_ context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	all, m, err := s.give()
	if e := page(collect.Page{Resources: all}); e != nil {
		return collect.Manifest{}, e
	}
	return m, err
}

// world is a company with one source, and what is true about it day by day.
type world struct {
	*site.App
	org   string
	clock interface {
		Move(time.Duration)
		Now() time.Time
	}
	give func() ([]collect.Resource, collect.Manifest, error)
	day  map[string]*truth
	// careless makes the source swallow what goes wrong, as a bad connector does: what arrived counts as all there is.
	careless bool
}

// truth is what happened on a day: whether some complete run showed nobody without MFA, and whether one showed somebody.
type truth struct{ good, bad bool }

func newWorld(t *testing.T) *world {
	cfg, err := site.Load(map[string]string{"data": t.TempDir(), "log_level": "error"})
	if err != nil {
		t.Fatal(err)
	}
	c := testkit.NewClock()
	w := &world{clock: c, day: map[string]*truth{}}
	src := collect.Connector{Name: "scripted", New: func(json.RawMessage) (collect.Source, error) {
		return scripted{func() ([]collect.Resource, collect.Manifest, error) { return w.give() }}, nil
	}}
	if w.App, err = site.Open(t.Context(), cfg, site.Parts{Clock: c, Connectors: []collect.Connector{src}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	if w.org, err = w.Found(t.Context(), "Example Ltd", "owner@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := w.Connect(t.Context(), w.org, "identities", "scripted", nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// step reads the source once, well or badly, and runs the tests.
func (w *world) step(t *testing.T, r *rand.Rand, fault string) {
	var all []collect.Resource
	good := true
	for i := range 1 + r.IntN(4) {
		mfa := r.IntN(4) > 0
		good = good && mfa
		all = append(all, collect.Resource{Kind: "idp.user", Key: fmt.Sprint("u", i), Name: fmt.Sprint("u", i), Attrs: map[string]any{"status": "active", "is_service": false, "mfa_enrolled": mfa}})
	}
	w.give = func() ([]collect.Resource, collect.Manifest, error) { return all, full(all), nil }
	if fault != "" {
		w.give = func() (some []collect.Resource, m collect.Manifest, err error) {
			if w.careless {
				defer func() {
					if p := recover(); p != nil || err != nil || len(some) == 0 {
						some = all[:1]
					}
					some = some[:min(len(some), len(all))]
					m, err = full(some), nil
				}()
			}
			return faults[fault](r, all)
		}
	}
	if _, err := w.Works.Cycle(t.Context(), w.org, store.System("check.run"), "manual", nil, nil); err != nil {
		t.Fatal(err)
	}
	day := check.DayOf(w.clock.Now(), time.UTC).String()
	if w.day[day] == nil {
		w.day[day] = &truth{}
	}
	if fault == "" {
		w.day[day].good = w.day[day].good || good
		w.day[day].bad = w.day[day].bad || !good
	}
}

func (w *world) letters(t *testing.T) map[string]string {
	d, err := op.Do[*report.TestDetail](t.Context(), w.Gate, site.Here(w.org), "test.get", map[string]any{"id": "idp.mfa_all", "days": 60}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	day, err := check.ParseDay(d.Newest)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Spans {
		for range s.Days {
			out[day.String()] = s.Letter
			day--
		}
	}
	return out
}

// tell runs random histories and counts the days that say more, or less, than is true.
func tell(t *testing.T, histories int, careless bool) (runs, passes, falsePasses, hidden int, wrong []string) {
	names := []string{}
	for n := range faults {
		names = append(names, n)
	}
	slices.Sort(names)
	r := testkit.Seed(t)
	for range histories {
		w := newWorld(t)
		w.careless = careless
		for range 30 {
			fault := ""
			if r.IntN(2) == 0 {
				fault = names[r.IntN(len(names))]
			}
			w.step(t, r, fault)
			runs++
			w.clock.Move(time.Duration(1+r.IntN(40)) * time.Hour)
		}
		for day, l := range w.letters(t) {
			is := w.day[day]
			switch {
			case l == "P":
				passes++
				if is == nil || !is.good || is.bad {
					falsePasses++
					wrong = append(wrong, fmt.Sprintf("%s is P, and the truth is %+v", day, is))
				}
			case is != nil && is.bad && l != "F":
				hidden++
				wrong = append(wrong, fmt.Sprintf("%s is %s, and a complete run showed somebody without MFA", day, l))
			}
		}
	}
	return runs, passes, falsePasses, hidden, wrong
}

func TestB16NothingPassesWithoutACompleteRunOfThatDay(t *testing.T) {
	histories := 6
	if os.Getenv("ASSAY_BARS") == "full" {
		histories = 100
	}
	if testkit.Fast() {
		histories = 2
	}
	runs, passes, falsePasses, hidden, wrong := tell(t, histories, false)
	t.Logf("B16 %d histories, %d runs with %d kinds of fault, %d passes, %d false passes, %d hidden failures", histories, runs, len(faults), passes, falsePasses, hidden)
	for _, w := range wrong {
		t.Error(w)
	}
	if passes == 0 {
		t.Error("no day passed at all: the bar proves nothing")
	}
}

// The control of B16: connectors that swallow what goes wrong are found by the same count.
func TestB16FindsSourcesThatSwallowTheirErrors(t *testing.T) {
	_, _, falsePasses, _, _ := tell(t, 3, true)
	if falsePasses == 0 {
		t.Error("careless sources gave no false pass: the bar cannot fail")
	}
	t.Logf("B16 control: %d false passes found", falsePasses)
}
