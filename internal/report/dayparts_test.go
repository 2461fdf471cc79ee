// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/testkit"
)

// A life is a control over some days, hour by hour: what it required in each hour, and what its tests came to. It is made
// at random, and told in two ways: as the board is given it, and as a table of hours.
type life struct {
	days  int
	now   int              // the hour in which it is looked at
	turns []turn           // as the ledger tells them
	away  []ruling         // when it did not apply
	runs  []map[string]run // of each hour: the run of each test
}

type run = check.RunState

const hour = time.Hour

var (
	dawn  = time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)
	names = []string{"a", "b", "c"}
	word  = map[run]check.Word{check.RunPassed: "pass", check.RunFailed: "fail", check.RunExcepted: "excepted",
		check.RunErrored: "error", check.RunUnknown: "unknown", check.RunNotApplicable: "not_applicable"}
)

func newLife(r *rand.Rand) *life {
	l := &life{days: 1 + r.IntN(4)}
	l.now = 24*(l.days-1) + r.IntN(24)
	for range r.IntN(7) {
		t := turn{at: dawn.Add(time.Duration(r.IntN(24*l.days)) * hour)}
		if r.IntN(4) > 0 {
			t.def = &grc.Control{}
			for _, n := range names {
				if role := []grc.TestRole{"", "required", "supporting"}[r.IntN(3)]; role != "" {
					t.def.Tests = append(t.def.Tests, grc.ControlTest{Test: n, Role: role})
				}
			}
			t.terms = fmt.Sprint(t.def.Tests)
		}
		l.turns = append(l.turns, t)
	}
	slices.SortStableFunc(l.turns, func(a, b turn) int { return a.at.Compare(b.at) })
	for range r.IntN(3) {
		from := r.IntN(24 * l.days)
		s := stretch{From: dawn.Add(time.Duration(from) * hour)}
		if r.IntN(3) > 0 {
			s.To = s.From.Add(time.Duration(1+r.IntN(30)) * hour)
		}
		l.away = append(l.away, ruling{s, "so it was decided"})
	}
	states := []run{check.RunPassed, check.RunPassed, check.RunFailed, check.RunExcepted, check.RunErrored, check.RunUnknown, check.RunNotApplicable}
	for range l.now + 1 {
		in := map[string]run{}
		for _, n := range names {
			if r.IntN(5) == 0 {
				in[n] = states[r.IntN(len(states))]
			}
		}
		l.runs = append(l.runs, in)
	}
	return l
}

// board tells the life as a board knows it.
func (l *life) board(t *testing.T) *ControlLine {
	t.Helper()
	b := &Board{Now: dawn.Add(time.Duration(l.now) * hour), Zone: time.UTC, Tests: map[string]*TestLine{}, spans: &spanCache{}, data: &boardData{}}
	b.dated = &dated{days: check.NewDays(time.UTC), began: dawn, decided: map[string][]ruling{"OWN-01": l.away}, changes: map[string][]change{}}
	today := b.dated.days.DayOf(b.Now)
	b.starts = []time.Time{b.dated.days.Start(today + 1)}
	for i := range l.days {
		b.Days = append(b.Days, today-check.Day(i))
		b.starts = append(b.starts, b.dated.days.Start(today-check.Day(i)))
	}
	for _, n := range names {
		line := &TestLine{ID: n}
		h := check.TestHistory{Dates: []check.Stretch{{From: dawn}}}
		for at, in := range l.runs {
			s, ran := in[n]
			if !ran {
				continue
			}
			moment := dawn.Add(time.Duration(at) * hour)
			line.runs = append(line.runs, check.RunAt{At: moment})
			if k := len(h.Changes); k == 0 || h.Changes[k-1].State != s { // only changes are kept
				h.Changes = append(h.Changes, check.StateChange{At: moment, State: s})
				b.dated.changes[n] = append(b.dated.changes[n], change{Verdict: word[s], At: moment})
			}
		}
		placed, err := check.NewStrip(b.dated.days, b.Now, l.days).Place(line.runs)
		if err != nil {
			t.Fatal(err)
		}
		line.history, line.Cells = h, placed.Letters(nil, h)
		b.Tests[n] = line
	}
	p := &controlPast{newest: &grc.Control{Ref: "OWN-01"}, own: []stretch{{From: dawn}}} // its design is proved
	p.fill(l.turns)
	c := &ControlLine{Control: p.newest, past: p}
	b.daysOf(c)
	return c
}

// required says whether a test decided in an hour, and whether the control counted in it at all.
func (l *life) required(at int, test string) (decides, counts bool) {
	var def *grc.Control
	moment := dawn.Add(time.Duration(at) * hour)
	for _, t := range l.turns {
		if !t.at.After(moment) {
			def = t.def
		}
	}
	for _, a := range l.away {
		if !moment.Before(a.From) && (a.To.IsZero() || moment.Before(a.To)) {
			def = nil
		}
	}
	if def == nil {
		return false, false
	}
	for _, t := range def.Tests {
		decides = decides || t.Test == test && t.Role == "required"
	}
	return decides, true
}

// slow judges a day by looking at each hour of it: a test is judged over each stretch of hours in which it decided.
func (l *life) slow(day int) check.Letter {
	last := min(24*day+23, l.now)
	began, counted := false, false
	for at := 0; at <= last; at++ {
		for _, n := range names {
			decides, counts := l.required(at, n)
			s, ran := l.runs[at][n]
			began = began || decides && ran && s != check.RunErrored && s != check.RunUnknown
			counted = counted || counts && at >= 24*day
		}
	}
	if !counted {
		return check.NotApplicable
	}
	if !began {
		return check.NoData
	}
	letter := check.NotApplicable
	for at := 24 * day; at <= last; at++ { // a definition that asks for no proof has none
		counts, asks := false, false
		for _, n := range names {
			d, c := l.required(at, n)
			counts, asks = counts || c, asks || d
		}
		if counts && !asks {
			letter = check.NoData
		}
	}
	for _, n := range names {
		for at := 24 * day; at <= last; at++ {
			var states []run
			first := at
			for ; at <= last; at++ {
				if decides, _ := l.required(at, n); !decides {
					break
				}
				if s, ran := l.runs[at][n]; ran {
					states = append(states, s)
				}
			}
			if at == first {
				continue
			}
			if at <= last { // a run at the very moment of the change counts for what was, too
				if s, ran := l.runs[at][n]; ran {
					states = append(states, s)
				}
			}
			letter = check.Worst(letter, check.DayLetter(states, false, false))
		}
	}
	return letter
}

// On a day on which a definition changes each judges its part, and the worse letter holds.
func TestTheDaysOfAControlAreThoseOfASlowLookAtEachHour(t *testing.T) {
	r, seen := testkit.Seed(t), map[check.Letter]int{}
	rounds := 20_000
	if testkit.Fast() {
		rounds = 3_000
	}
	for range rounds {
		l := newLife(r)
		c := l.board(t)
		for day := range l.days {
			got, want := c.Days[l.days-1-day].Letter, l.slow(day)
			if seen[want]++; got != want {
				t.Fatalf("day %d is %s, want %s\nnow %d\nturns %v\naway %v\nruns %v", day, got, want, l.now, l.tell(), l.away, l.runs)
			}
		}
	}
	for _, s := range []check.Letter{check.Passed, check.Failed, check.Excepted, check.Errored, check.NoData, check.NotApplicable} {
		if seen[s] < 20 {
			t.Errorf("%s was seen %d times", s, seen[s])
		}
	}
}

func (l *life) tell() (out []string) {
	for _, t := range l.turns {
		out = append(out, fmt.Sprint(t.at.Sub(dawn).Hours(), t.terms))
	}
	return out
}
