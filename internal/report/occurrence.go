// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// Occurrence is one expected performance of a periodic control (INV-11): a window, and when it is due.
type Occurrence struct {
	From, To check.Day // first and last day of the window
	Due      time.Time // the end of the window and the grace that was given when it began
	Open     time.Time // until when a miss counts as open: when the day is over on which the next window of its frequency is due
	Waived   bool      // an exception was in force when it was due

	frequency grc.Frequency
	start     time.Time // when the window begins
	since     time.Time // from when it is expected, where that was not so for a short time; zero where it always was
	keys      []string  // what a performance takes
	whole     []string  // of these, the populations: a piece must span all of the window
	then      []ask     // what it takes after changes
	waivers   []waiver  // of its control
	parts     []Performance
	openLast  time.Time // of it and all before it in the list, the last Open
}

// Performance is a piece of evidence as it was submitted once to perform a control.
type Performance struct {
	ID        string    // of the evidence
	Key       string    // which kind of evidence
	From, To  check.Day // what it covers, or the day on which it was submitted
	Submitted time.Time
	Accepted  time.Time // zero where it was not
	Returned  time.Time // when it was returned, or deleted; zero where it was not
	Withdrawn time.Time // zero where it was not
	Whole     bool      // a population: it must span all of the window
	Named     bool      // it says which days it covers, and so which window it performs

	spare bool      // another piece had its window when it was submitted: it counts once that one falls
	no    int       // in the order of their submission
	since time.Time // from when it has the window, where that is not its submission
	until time.Time // until when, where it took another one; zero where it did not
}

// valid says whether a piece was submitted by a moment, and neither returned nor withdrawn.
func (p *Performance) valid(at time.Time) bool {
	gone := func(t time.Time) bool { return !t.IsZero() && !t.After(at) }
	return !p.Submitted.After(at) && !gone(p.Withdrawn) && (p.accepted(at) || !gone(p.Returned))
}

// has says whether a piece had a window at a moment.
func (p *Performance) has(at time.Time) bool {
	return p.valid(at) && !p.since.After(at) && (p.until.IsZero() || p.until.After(at))
}

func (p *Performance) accepted(at time.Time) bool {
	return !p.Accepted.IsZero() && !p.Accepted.After(at)
}

// The states of an occurrence at a moment.
const (
	OccurrenceExpected = "expected" // not due yet
	OccurrenceAwaiting = "awaiting" // submitted in time, and not reviewed yet
	OccurrenceDone     = "done"
	OccurrenceLate     = "late"   // done, and submitted after it was due
	OccurrenceMissed   = "missed" // due, and not done
	OccurrenceWaived   = "waived"
)

// performed is when all that an occurrence asks for had been submitted and accepted, as was known at a moment; zero where it
// was not. What was returned later counts as submitted until then. What was done before something else was asked for stays done.
func (o *Occurrence) performed(at time.Time) (submitted, accepted time.Time) {
	submitted, accepted = o.given(o.asked(at).keys, at)
	if accepted.IsZero() && len(o.then) > 0 && !o.then[0].from.After(at) {
		if s, a := o.given(o.keys, at); !a.IsZero() && s.Before(o.then[0].from) {
			return s, a
		}
	}
	return submitted, accepted
}

// given is when some kinds of evidence had been submitted and accepted for an occurrence.
func (o *Occurrence) given(keys []string, at time.Time) (submitted, accepted time.Time) {
	whole := len(keys) > 0
	for _, key := range keys {
		best := o.by(key, at)
		if best == nil {
			return time.Time{}, time.Time{}
		}
		submitted = later(submitted, best.Submitted)
		whole = whole && best.accepted(at)
		accepted = later(accepted, best.Accepted)
	}
	if !whole {
		accepted = time.Time{}
	}
	return submitted, accepted
}

// by is the piece that performed an occurrence with one kind of evidence, as was known at a moment: what was accepted comes
// before what was not, what was given to this window before a spare, and then what was submitted first.
func (o *Occurrence) by(key string, at time.Time) *Performance {
	var best *Performance
	for i := range o.parts { // in the order of their submission
		p := &o.parts[i]
		if p.Key != key || !p.has(at) {
			continue
		}
		if best == nil || p.accepted(at) && !best.accepted(at) || p.accepted(at) == best.accepted(at) && best.spare && !p.spare {
			best = p
		}
	}
	return best
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// State is how an occurrence stood at a moment.
func (o *Occurrence) State(at time.Time) string {
	submitted, accepted := o.performed(at)
	inTime := !submitted.IsZero() && !submitted.After(o.Due)
	switch {
	case !accepted.IsZero() && inTime:
		return OccurrenceDone
	case !accepted.IsZero():
		return OccurrenceLate
	case o.Waived && o.Due.Before(at):
		return OccurrenceWaived
	case !o.Due.Before(at):
		return OccurrenceExpected
	case inTime:
		return OccurrenceAwaiting
	}
	return OccurrenceMissed
}

// isPeriodic says whether a control of a frequency is performed once in each window of the calendar.
func isPeriodic(f grc.Frequency) bool { return f != "continuous" && f != "per_event" && f != "" }

// schedule is what the occurrences of one definition of a control depend on.
type schedule struct {
	frequency grc.Frequency
	grace     check.Day
	begin     time.Time         // since when the definition holds
	end       time.Time         // zero where it still holds
	keys      []string          // the kinds of evidence that a performance takes
	whole     []string          // of these, the populations: a piece must span all of the window
	needs     []string          // the kinds of evidence that it requires, these and others
	kinds     map[string]string // every kind of evidence that it names, with its type
}

// performedEach is how often a control is expected to be performed: as it says, or where all evidence is asked for less often,
// as often as the most frequent of that.
func performedEach(c *grc.Control) grc.Frequency {
	if !isPeriodic(c.Frequency) {
		return c.Frequency
	}
	first := len(frequencies)
	for _, k := range c.Evidence {
		if k.Required && k.Frequency != "per_event" {
			first = min(first, slices.Index(frequencies, k.Frequency))
		}
	}
	if first == len(frequencies) {
		return c.Frequency
	}
	return frequencies[max(first, slices.Index(frequencies, c.Frequency))]
}

// performing says whether a kind of evidence performs a control: one that is asked for less often is looked at by its age alone.
func performing(k grc.EvidenceKind, c *grc.Control) bool {
	f := performedEach(c)
	return k.Required && isPeriodic(f) && k.Frequency != "per_event" && slices.Index(frequencies, k.Frequency) <= slices.Index(frequencies, f)
}

// frequencies are all that a calendar has, the most frequent first.
var frequencies = []grc.Frequency{"continuous", "daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly"}

// windows lists the windows of a control under its definitions, in the order of time, as far as they have begun by a moment:
//
//   - The first is the first whole window of the calendar that begins while a definition holds.
//   - A window is that of the definition under which it began, and stays so when another takes its place.
//   - Windows follow each other without a gap. After a change to a longer window the first one begins where the last one of before ends;
//     after a change to a shorter one with the first whole one, while the longer one stays due.
//   - Where no definition held for less than half a window, it is as if there had been one.
//
// Without a kind of evidence that is required there is nothing that could perform them, and none is expected.
func windows(all []schedule, days *check.Days, now time.Time, waived func(time.Time) bool) []Occurrence {
	var out []Occurrence
	var before grc.Frequency // of the windows that follow each other; empty before the first
	var covered check.Day    // until which day they are laid
	var gone time.Time       // since when no definition expects any
	type window struct {
		each grc.Frequency
		to   check.Day
	}
	begun := map[window]bool{}
	for i, s := range all {
		if !isPeriodic(s.frequency) || len(s.keys) == 0 {
			continue
		}
		next := firstWhole(s.frequency, days.DayOf(s.begin))
		wasBefore, wasCovered := before, covered
		back, over := takenBack(all[i:], before, days, covered+1)
		switch {
		case before == "" || s.begin.After(gone) && s.begin.Sub(gone) >= half(s.frequency, days, covered+1):
			before, covered, back = s.frequency, next-1, false
		case slices.Index(frequencies, s.frequency) >= slices.Index(frequencies, before):
			next = covered + 1
		}
		for gone = s.end; ; next = covered + 1 {
			_, to := windowOf(s.frequency, next)
			start := days.Start(next)
			if start.After(now) || !s.end.IsZero() && !start.Before(s.end) {
				break
			}
			before, covered = s.frequency, to
			due := days.Start(to + 1 + s.grace).Add(-time.Millisecond)
			w := window{s.frequency, to}
			if back && due.After(over) {
				break // it was taken back before anything was due under it
			}
			if begun[w] || !due.After(s.begin) {
				continue // the definitions between left it due, or nobody expected it when it was
			}
			begun[w] = true
			_, then := windowOf(s.frequency, to+1)
			out = append(out, Occurrence{From: next, To: to, Due: due, Open: days.Start(then + 1 + s.grace), Waived: waived(due), frequency: s.frequency, start: start,
				keys: s.keys, whole: s.whole, then: asksOf(all[i:], start, due)})
		}
		if back {
			before, covered = wasBefore, wasCovered
		}
	}
	slices.SortStableFunc(out, func(a, b Occurrence) int { return cmp.Or(a.Due.Compare(b.Due), int(a.From-b.From)) })
	return out
}

// takenBack says whether the first of some definitions has another frequency than the windows before it, and whether that came
// back before half of the next window was over, and when.
func takenBack(all []schedule, before grc.Frequency, days *check.Days, next check.Day) (bool, time.Time) {
	if before == "" || all[0].frequency == before {
		return false, time.Time{}
	}
	i := slices.IndexFunc(all, func(s schedule) bool { return s.frequency == before && len(s.keys) > 0 })
	if i <= 0 {
		return false, time.Time{}
	}
	over := all[i].begin
	return over.Sub(all[0].begin) < half(before, days, next), over
}

// firstWhole is the first day of the first whole window that begins on a day or after it.
func firstWhole(f grc.Frequency, d check.Day) check.Day {
	from, to := windowOf(f, d)
	if from < d {
		return to + 1
	}
	return from
}

// half is half the length of the window of a frequency that a day lies in.
func half(f grc.Frequency, days *check.Days, d check.Day) time.Duration {
	from, to := windowOf(f, d)
	return days.Start(to+1).Sub(days.Start(from)) / 2
}

// listed notes for each of some occurrences, the first due first, until when any is open that comes before it.
func listed(all []Occurrence) {
	last := time.Time{}
	for i := range all {
		last = later(last, all[i].Open)
		all[i].openLast = last
	}
}

// standingAt counts the occurrences that were open at a moment: due and not done, and the next window not due yet; and of
// those that were due, how many awaited a review.
func standingAt(all []Occurrence, at time.Time) (overdue, awaiting int) {
	due, _ := slices.BinarySearchFunc(all, at, func(o Occurrence, at time.Time) int { return o.Due.Compare(at) })
	for i := due - 1; i >= 0 && at.Before(all[i].openLast); i-- { // before that none is open any longer
		if !at.Before(all[i].Open) || at.Before(all[i].since) {
			continue
		}
		switch all[i].State(at) {
		case OccurrenceMissed:
			overdue++
		case OccurrenceAwaiting:
			awaiting++
		}
	}
	return overdue, awaiting
}

// lapses counts the occurrences that were done late, or missed and are no longer open, where that was over in a stretch of time:
// one that was open for long is not forgotten on the day on which it is made good.
func lapses(all []Occurrence, from, at time.Time) (n int) {
	for i := range all {
		o := &all[i]
		if !o.Due.Before(at) {
			continue
		}
		var over time.Time
		switch o.State(at) {
		case OccurrenceLate:
			_, over = o.performed(at)
		case OccurrenceMissed:
			over = o.Open
		}
		if !over.IsZero() && !over.Before(from) && !over.After(at) {
			n++
		}
	}
	return n
}
