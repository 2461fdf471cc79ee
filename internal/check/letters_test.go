// SPDX-License-Identifier: Apache-2.0

package check

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/clock"
)

func zone(t testing.TB, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func moment(t testing.TB, s string) time.Time {
	m, err := clock.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheLetterOfADayIsTheFirstRuleThatApplies(t *testing.T) {
	const p, f, x, e, n, u = RunPassed, RunFailed, RunExcepted, RunErrored, RunNotApplicable, RunUnknown
	for _, c := range []struct {
		why             string
		runs            []RunState
		paused, outside bool
		want            Letter
	}{
		{"a fail", []RunState{f}, false, false, Failed},
		{"a fail, then a pass", []RunState{f, p}, false, false, Failed},
		{"a fail on a paused day", []RunState{f}, true, false, Failed},
		{"only errors", []RunState{e, e}, false, false, Errored},
		{"an error on a paused day", []RunState{e}, true, false, Errored},
		{"an error, then a pass", []RunState{e, p}, false, false, Passed},
		{"an error and nothing to look at", []RunState{e, n}, false, false, NoData},
		{"an error and an unknown", []RunState{u, e}, false, false, Errored},
		{"waived", []RunState{x}, false, false, Excepted},
		{"waived, then a pass", []RunState{x, p}, false, false, Excepted},
		{"a pass", []RunState{p}, false, false, Passed},
		{"a pass before a pause", []RunState{p}, true, false, Passed},
		{"a pass and nothing to look at", []RunState{n, p}, false, false, Passed},
		{"nothing to look at", []RunState{n, n}, false, false, NotApplicable},
		{"nothing to look at, paused", []RunState{n}, true, false, NotApplicable},
		{"outside the dates", nil, true, true, NotApplicable},
		{"paused", nil, true, false, Paused},
		{"paused, and what ran stayed unknown", []RunState{u}, true, false, Paused},
		{"unknown", []RunState{u}, false, false, NoData},
		{"unknown beside nothing to look at", []RunState{u, n}, false, false, NoData},
		{"no run", nil, false, false, NoData},
		{"a state that is none", []RunState{99}, false, false, NoData},
	} {
		if got := DayLetter(c.runs, c.paused, c.outside); got != c.want {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}

var anyState = rapid.SampledFrom([]RunState{RunUnknown, RunPassed, RunFailed, RunExcepted, RunErrored, RunNotApplicable})

// TestALaterRunNeverTakesAnFAway holds INV-05.
func TestALaterRunNeverTakesAnFAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := append(rapid.SliceOf(anyState).Draw(t, "before"), RunFailed)
		runs = append(runs, rapid.SliceOf(anyState).Draw(t, "after")...)
		if got := DayLetter(runs, rapid.Bool().Draw(t, "paused"), rapid.Bool().Draw(t, "outside")); got != Failed {
			t.Fatalf("%v", got)
		}
	})
}

// TestAbsenceNeverPasses holds INV-06 for a day.
func TestAbsenceNeverPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SliceOf(rapid.SampledFrom([]RunState{RunUnknown, RunErrored, RunNotApplicable})).Draw(t, "runs")
		got := DayLetter(runs, rapid.Bool().Draw(t, "paused"), rapid.Bool().Draw(t, "outside"))
		if got == Passed || got == Excepted {
			t.Fatalf("%v", got)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SliceOfN(rapid.SampledFrom([]Letter{NoData, Errored, Paused, Excepted, Passed, NotApplicable, Failed}), 1, 9).Draw(t, "letters")
		got := Worst(letters...)
		if got == Passed && slices.ContainsFunc(letters, func(l Letter) bool { return l != Passed && l != NotApplicable }) {
			t.Fatalf("%v of %v", got, letters)
		}
		if p := rapid.Permutation(letters).Draw(t, "order"); Worst(p...) != got || CriterionDay(p) != got {
			t.Fatalf("%v counts for something in the order %v", letters, p)
		}
	})
	if CriterionDay(nil) != NoData || Worst() != NotApplicable || Letter(0) != NoData || RunState(0) != RunUnknown {
		t.Error("what nobody filled in must not look good")
	}
}

func TestTheWorstLetterIsByPrecedence(t *testing.T) {
	order := []Letter{Failed, Errored, NoData, Paused, Excepted, Passed, NotApplicable}
	for i := range order {
		if got := Worst(order[i:]...); got != order[i] {
			t.Errorf("of %v: %v", order[i:], got)
		}
		data, err := json.Marshal(order[i])
		var back Letter
		if err != nil || json.Unmarshal(data, &back) != nil || back != order[i] {
			t.Errorf("%s read back as %v", data, back)
		}
	}
	var l Letter
	if l.UnmarshalText([]byte("-")) != nil || l != NotApplicable || l.UnmarshalText([]byte("Q")) == nil {
		t.Error("a hyphen is the dash, and Q is no letter")
	}
}

func TestADayBeginsAtTheFirstMomentOfItsDate(t *testing.T) {
	for _, c := range []struct{ zone, day, start, closes string }{
		{"UTC", "2026-03-03", "2026-03-03T00:00:00Z", "2026-03-04T02:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-30T00:00:00Z"}, // 23 hours
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-26T01:00:00Z"}, // 25 hours
		{"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T23:00:00Z"},  // midnight is skipped
		{"America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z", "2026-09-07T05:00:00Z"},
		{"Pacific/Apia", "2026-03-03", "2026-03-02T11:00:00Z", "2026-03-03T13:00:00Z"},
	} {
		z := zone(t, c.zone)
		d, err := ParseDay(c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := clock.Format(d.Start(z)); got != clock.Format(moment(t, c.start)) {
			t.Errorf("%s %s starts %s, want %s", c.zone, c.day, got, c.start)
		}
		if got := clock.Format(d.Closes(z)); got != clock.Format(moment(t, c.closes)) {
			t.Errorf("%s %s closes %s, want %s", c.zone, c.day, got, c.closes)
		}
		if DayOf(d.Start(z), z) != d || DayOf(d.Start(z).Add(-time.Millisecond), z) != d-1 || d.String() != c.day {
			t.Errorf("%s %s: the start is not on the border", c.zone, c.day)
		}
		if d.Closed(z, d.Closes(z).Add(-time.Millisecond)) || !d.Closed(z, d.Closes(z)) {
			t.Errorf("%s %s closes at another moment", c.zone, c.day)
		}
	}
}

func letters(cells []DayCell) (s string) {
	for _, c := range cells {
		s += c.Letter.String()
	}
	return s
}

// TestAStripIsNewestFirst follows the picture of the grid: the fourth entry, 2026-03-03, failed.
func TestAStripIsNewestFirst(t *testing.T) {
	z := zone(t, "Europe/Berlin")
	now := moment(t, "2026-03-06T10:00:00Z")
	var runs []RunAt
	for d := 27; d <= 34; d++ { // 27 February to 6 March, daily at 08:00
		runs = append(runs, RunAt{At: time.Date(2026, 2, d, 7, 0, 0, 0, time.UTC)})
	}
	p, err := NewStrip(NewDays(z), now, 8).Place(runs)
	if err != nil {
		t.Fatal(err)
	}
	cells := p.Letters(nil, TestHistory{Changes: []StateChange{
		{runs[0].At, RunPassed}, {runs[4].At, RunFailed}, {runs[5].At, RunPassed},
	}})
	if got := letters(cells); got != "PPPFPPPP" || cells[3].Day.String() != "2026-03-03" || cells[3].First != 4 || cells[3].Last != 4 {
		t.Fatalf("%s %+v", got, cells[3])
	}
	if !cells[0].Open || cells[1].Open {
		t.Error("today is open and yesterday is closed")
	}
}

func TestARunBelongsToTheDayOfItsData(t *testing.T) {
	z := zone(t, "UTC")
	collected := moment(t, "2026-03-03T23:50:00Z")
	now := moment(t, "2026-03-05T12:00:00Z")
	for _, c := range []struct {
		evaluated string
		state     RunState
		want      string
	}{
		{"2026-03-04T01:59:59Z", RunPassed, "NNP"}, // late, and the day is still open
		{"2026-03-04T09:00:00Z", RunPassed, "NNP"}, // late, and within 48 hours after the day was closed
		{"2026-03-04T09:00:00Z", RunFailed, "NNF"},
		{"2026-03-06T01:59:59Z", RunPassed, "NNP"},
		{"2026-03-06T02:00:00Z", RunPassed, "NNN"}, // too late: the day stays as it was reported
		{"2026-03-06T02:00:00Z", RunFailed, "NNN"},
	} {
		p, err := NewStrip(NewDays(z), now, 3).Place([]RunAt{{At: collected, Evaluated: moment(t, c.evaluated)}})
		if err != nil {
			t.Fatal(err)
		}
		cells := p.Letters(nil, TestHistory{Changes: []StateChange{{collected, c.state}}})
		if got := letters(cells); got != c.want || cells[2].First != 0 {
			t.Errorf("evaluated %s: %s, want %s", c.evaluated, got, c.want)
		}
	}
	if _, err := NewStrip(NewDays(z), now, 3).Place([]RunAt{{At: now}, {At: collected}}); err == nil {
		t.Error("runs out of order were placed")
	}
}

// TestAStripAgreesWithItsDays compares the fast strip with F-00 applied to each day by itself.
func TestAStripAgreesWithItsDays(t *testing.T) {
	zones := []*time.Location{zone(t, "UTC"), zone(t, "Europe/Berlin"), zone(t, "Africa/Cairo"), zone(t, "America/Santiago")}
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SampledFrom(zones).Draw(t, "zone")
		start := time.Date(2026, rapid.SampledFrom([]time.Month{3, 4, 9, 10}).Draw(t, "month"), 20, 12, 0, 0, 0, time.UTC)
		n := rapid.IntRange(0, 12).Draw(t, "days")
		now := start.AddDate(0, 0, 10)
		var runs []RunAt
		h := TestHistory{}
		for _, m := range slices.Sorted(slices.Values(rapid.SliceOfNDistinct(rapid.IntRange(-48*60, 12*24*60), 0, 40, rapid.ID).Draw(t, "minutes"))) {
			r := RunAt{At: start.Add(time.Duration(m) * time.Minute)}
			if rapid.IntRange(0, 5).Draw(t, "late") == 0 {
				r.Evaluated = r.At.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "hours")) * time.Hour)
			}
			runs = append(runs, r)
			if rapid.IntRange(0, 3).Draw(t, "changes") == 0 {
				h.Changes = append(h.Changes, StateChange{r.At, anyState.Draw(t, "state")})
			}
		}
		for range rapid.IntRange(0, 3).Draw(t, "late runs") {
			at := start.Add(time.Duration(rapid.IntRange(-48*60, 12*24*60).Draw(t, "collected")) * time.Minute)
			h.Late = append(h.Late, RunLate{at, at.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "tested")) * time.Hour), anyState.Draw(t, "late state")})
		}
		if rapid.Bool().Draw(t, "paused") {
			h.Pauses = []Stretch{{start.AddDate(0, 0, 2), start.AddDate(0, 0, 3)}}
		}
		if rapid.Bool().Draw(t, "dated") {
			h.Dates = []Stretch{{From: start.AddDate(0, 0, 4)}}
		}
		p, err := NewStrip(NewDays(z), now, n).Place(runs)
		if err != nil {
			t.Fatal(err)
		}
		cells := p.Letters(nil, h)
		if len(cells) != n {
			t.Fatalf("%d cells for %d days", len(cells), n)
		}
		for i, c := range cells {
			if want := slowCell(z, now, DayOf(now, z)-Day(i), runs, h); c != want {
				t.Fatalf("%+v, want %+v", c, want)
			}
		}
	})
}

// slowCell is the rule as it is written, run by run.
func slowCell(z *time.Location, now time.Time, d Day, runs []RunAt, h TestHistory) DayCell {
	c := DayCell{Day: d, First: -1, Last: -1, Open: !d.Closed(z, now)}
	var states []RunState
	for i, r := range runs {
		k := len(h.Changes) - 1
		for k >= 0 && h.Changes[k].At.After(r.At) {
			k--
		}
		if DayOf(r.At, z) != d || k < 0 {
			continue
		}
		if c.First < 0 {
			c.First = i
		}
		c.Last = i
		if late := !r.Evaluated.IsZero() && !r.Evaluated.Before(d.Closes(z).Add(48*time.Hour)); !late {
			states = append(states, h.Changes[k].State)
		}
	}
	for _, r := range h.Late {
		if DayOf(r.At, z) == d && r.Evaluated.Before(d.Closes(z).Add(48*time.Hour)) {
			states, c.Late = append(states, r.State), true
		}
	}
	covers := func(spans []Stretch) bool {
		for _, s := range spans {
			if s.From.Before((d + 1).Start(z)) && (s.To.IsZero() || s.To.After(d.Start(z))) {
				return true
			}
		}
		return false
	}
	c.Letter = DayLetter(states, covers(h.Pauses), len(h.Dates) > 0 && !covers(h.Dates))
	return c
}

// BenchmarkAYearOfAGrid is 1,500 tests (500 controls with three each) over 365 days of hourly runs.
func BenchmarkAYearOfAGrid(b *testing.B) {
	z := zone(b, "Europe/Berlin")
	now := moment(b, "2026-11-01T00:00:00Z")
	var runs []RunAt
	for i := range 365 * 24 {
		runs = append(runs, RunAt{At: now.Add(time.Duration(i-365*24) * time.Hour)})
	}
	var changes []StateChange
	for i := 0; i < len(runs); i += 400 {
		changes = append(changes, StateChange{runs[i].At, RunState(1 + i/400%2)})
	}
	var cells []DayCell
	for b.Loop() {
		p, err := NewStrip(NewDays(z), now, 365).Place(runs)
		if err != nil {
			b.Fatal(err)
		}
		for range 1500 {
			cells = p.Letters(cells[:0], TestHistory{Changes: changes})
		}
	}
}
