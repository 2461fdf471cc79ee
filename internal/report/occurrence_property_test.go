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
)

// tale is a control whose frequency changes now and then, and what was submitted for it.
type tale struct {
	defs    []schedule
	pieces  []Performance
	waivers []waiver
	end     time.Time
}

// tellAsks are what a definition in a tale may take: two kinds of evidence, one, and one of another type in their place.
var tellAsks = []schedule{
	{keys: []string{"k"}, kinds: map[string]string{"k": "report"}},
	{keys: []string{"k", "l"}, kinds: map[string]string{"k": "report", "l": "log"}},
	{keys: []string{"m"}, kinds: map[string]string{"m": "minutes"}},
	{keys: []string{"l"}, kinds: map[string]string{"k": "report", "l": "log"}},
	{keys: []string{"n"}, kinds: map[string]string{"n": "report"}},
}

// tellEdits makes the definitions of a tale ask for this and that, and has exceptions approved, revoked and over.
func (x tale) tellEdits(r *rand.Rand) tale {
	for i := range x.defs {
		a := tellAsks[max(0, r.IntN(len(tellAsks)+3)-3)]
		x.defs[i].keys, x.defs[i].kinds = a.keys, a.kinds
	}
	for i := range x.pieces {
		x.pieces[i].Key = []string{"k", "k", "l", "m", "n"}[r.IntN(5)]
		if r.IntN(4) == 0 { // the same piece again
			x.pieces[i].ID = "again"
		}
	}
	for range r.IntN(4) {
		from := x.defs[0].begin.Add(time.Duration(r.IntN(365*24)) * time.Hour)
		w := waiver{stretch{From: from}, stretch{From: from, To: from.Add(time.Duration(r.IntN(90*24)) * time.Hour)}}
		if r.IntN(2) == 0 {
			w.known.To = from.Add(time.Duration(1+r.IntN(60*24)) * time.Hour)
		}
		x.waivers = append(x.waivers, w)
	}
	return x
}

func tellTale(r *rand.Rand, gaps bool) tale {
	begin := time.Date(2026, 1, 1+r.IntN(60), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
	x := tale{end: begin.AddDate(1, 0, 0)}
	for at := begin; at.Before(x.end); {
		last := time.Duration(1+r.IntN(120*24)) * time.Hour
		if r.IntN(3) == 0 {
			last = time.Duration(1+r.IntN(50)) * time.Hour // taken back soon
		}
		s := schedule{frequency: []grc.Frequency{"weekly", "monthly", "monthly", "quarterly"}[r.IntN(4)], grace: check.Day(r.IntN(6)), begin: at, end: at.Add(last), keys: []string{"k"}, kinds: map[string]string{"k": "report"}}
		if gaps && r.IntN(4) == 0 {
			s.frequency = "continuous"
		}
		x.defs = append(x.defs, s)
		at = at.Add(last)
	}
	x.defs[len(x.defs)-1].end = time.Time{}
	for range r.IntN(20) {
		at := begin.Add(time.Duration(r.IntN(365*24*60)) * time.Minute)
		on := check.DayOf(at, time.UTC)
		p := Performance{Key: "k", From: on, To: on, Submitted: at}
		if r.IntN(2) == 0 {
			p.Named, p.From = true, on-check.Day(r.IntN(60))
		}
		after := func() time.Time { return at.Add(time.Duration(1+r.IntN(60*24*20)) * time.Minute) }
		switch r.IntN(5) {
		case 0: // nobody looks at it
		case 1:
			p.Returned = after()
		case 2:
			p.Accepted = after()
			p.Withdrawn = p.Accepted.Add(time.Duration(r.IntN(60*24)) * time.Hour)
		default:
			p.Accepted = after()
		}
		x.pieces = append(x.pieces, p)
	}
	return x
}

// asOf is what of it was known at a moment.
func (x tale) asOf(at time.Time) tale {
	y := tale{end: at}
	for _, s := range x.defs {
		if s.begin.After(at) {
			break
		}
		if s.end.After(at) {
			s.end = time.Time{}
		}
		y.defs = append(y.defs, s)
	}
	for _, p := range x.pieces {
		if p.Submitted.After(at) {
			continue
		}
		for _, t := range []*time.Time{&p.Accepted, &p.Returned, &p.Withdrawn} {
			if t.After(at) {
				*t = time.Time{}
			}
		}
		y.pieces = append(y.pieces, p)
	}
	for _, w := range x.waivers {
		if w.known.From.After(at) {
			continue
		}
		if w.known.To.After(at) {
			w.known.To = time.Time{}
		}
		y.waivers = append(y.waivers, w)
	}
	return y
}

func (x tale) occurrences() []Occurrence {
	all := windows(x.defs, check.NewDays(time.UTC), x.end, func(due time.Time) bool {
		return slices.ContainsFunc(x.waivers, func(w waiver) bool { return w.waives(due, due) })
	})
	for i := range all {
		all[i].waivers = x.waivers
	}
	perform(all, x.pieces, always)
	all = slices.DeleteFunc(all, func(o Occurrence) bool { return o.asksNothing(x.end) })
	for i := range all {
		all[i].since = all[i].askedAgain()
	}
	listed(all)
	return all
}

// picture is how each occurrence that was due stood at a moment.
func picture(all []Occurrence, at time.Time) (out []string) {
	for i := range all {
		if o := &all[i]; o.Due.Before(at) && !at.Before(o.since) {
			out = append(out, fmt.Sprintf("%s %s to %s: %s", o.frequency, o.From, o.To, o.State(at)))
		}
	}
	overdue, awaiting := standingAt(all, at)
	return append(out, fmt.Sprintf("%d overdue, %d awaiting", overdue, awaiting))
}

func TestNothingThatComesLaterChangesHowAnOccurrenceStood(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		x := tellTale(r, true)
		if seed%2 == 1 {
			x = x.tellEdits(r)
		}
		all := x.occurrences()
		for range 6 {
			at := x.defs[0].begin.Add(time.Duration(r.IntN(365*24*60)) * time.Minute)
			then, now := picture(x.asOf(at).occurrences(), at), picture(all, at)
			if !slices.Equal(then, now) {
				t.Fatalf("seed %d: as of %s\n%q\nand told at the end\n%q\n%+v", seed, at, then, now, x)
			}
			for _, o := range all {
				seen[o.State(at)]++
			}
		}
	}
	for _, state := range []string{OccurrenceExpected, OccurrenceAwaiting, OccurrenceDone, OccurrenceLate, OccurrenceMissed, OccurrenceWaived} {
		if seen[state] == 0 {
			t.Errorf("none was ever %s", state)
		}
	}
}

func TestAPieceHasOneWindowAndNoDayIsLeftOut(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 5))
		x := tellTale(r, false)
		all := x.occurrences()
		has := map[string]*Occurrence{}
		for i := range all {
			o := &all[i]
			for _, p := range o.parts {
				if !p.until.IsZero() {
					continue // it took the place of another piece
				}
				key := fmt.Sprint(o.frequency, p.Submitted.UnixNano())
				if b := has[key]; b != nil {
					t.Fatalf("seed %d: a piece of %s performs %v and %v", seed, p.Submitted, *b, *o)
				}
				has[key] = o
			}
		}
		if len(all) == 0 {
			continue
		}
		covered := slices.MinFunc(all, func(a, b Occurrence) int { return int(a.From - b.From) }).From - 1
		byFrom := slices.Clone(all)
		slices.SortFunc(byFrom, func(a, b Occurrence) int { return int(a.From - b.From) })
		for _, o := range byFrom {
			shorter := o.frequency == "weekly" && o.From > covered+1 && o.From <= covered+7 // the first whole week after a change
			brief := o.From-covered-1 <= (o.To-o.From+1)/2                                  // a shorter frequency was taken back within half a window
			if o.From > covered+1 && !shorter && !brief && !begins(x, o) {
				t.Fatalf("seed %d: nothing is expected from %s to %s\n%+v", seed, covered+1, o.From-1, x.defs)
			}
			covered = max(covered, o.To)
		}
	}
}

// begins says whether a window is the first whole one after its definition came into force: a change to a shorter one.
func begins(x tale, o Occurrence) bool {
	return slices.ContainsFunc(x.defs, func(s schedule) bool {
		return s.frequency == o.frequency && firstWhole(s.frequency, check.DayOf(s.begin, time.UTC)) == o.From
	})
}
