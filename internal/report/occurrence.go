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
	Open     time.Time // until when a miss counts as open: when the next window of its frequency is due
	Waived   bool      // an exception was in force when it was due

	keys  []string // what a performance takes
	parts []Performance
}

// Performance is a piece of evidence as it was submitted once to perform a control.
type Performance struct {
	ID        string    // of the evidence
	Key       string    // which kind of evidence
	From, To  check.Day // what it covers, or the day on which it was submitted
	Submitted time.Time
	Accepted  time.Time // zero where it was not
	Returned  time.Time // zero where it was not
	Withdrawn time.Time // zero where it was not
	Whole     bool      // a population: it must span all of the window
	Named     bool      // it says which days it covers, and so which window it performs
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

// performed is when all that an occurrence takes had been submitted and accepted, as was known at a moment; zero where it
// was not. What was returned later counts as submitted until then.
func (o *Occurrence) performed(at time.Time) (submitted, accepted time.Time) {
	whole := len(o.keys) > 0
	for _, key := range o.keys {
		var best *Performance
		for i := range o.parts {
			p := &o.parts[i]
			if p.Key != key || p.Submitted.After(at) {
				continue
			}
			done := !p.Accepted.IsZero() && !p.Accepted.After(at)
			if !done && !p.Returned.IsZero() && !p.Returned.After(at) || !p.Withdrawn.IsZero() && !p.Withdrawn.After(at) {
				continue
			}
			if done {
				best = p
				break // the first that was accepted
			}
			if best == nil {
				best = p
			}
		}
		if best == nil {
			return time.Time{}, time.Time{}
		}
		submitted = later(submitted, best.Submitted)
		if best.Accepted.IsZero() || best.Accepted.After(at) {
			whole = false
		}
		accepted = later(accepted, best.Accepted)
	}
	if !whole {
		accepted = time.Time{}
	}
	return submitted, accepted
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
	first     check.Day // the first window begins on this day or after it
	begin     time.Time // windows that begin while the definition holds are its own; zero where none held before it
	end       time.Time // zero where it still holds
	keys      []string  // the kinds of evidence that a performance takes
	whole     []string  // of these, the populations: a piece must span all of the window
}

// occurrences lists the windows of a definition that begin up to a moment, with what performed them. Without a kind of
// evidence that is required there is nothing that could perform them, and none is expected.
func (s schedule) occurrences(days *check.Days, now time.Time, pieces []Performance, waived func(time.Time) bool) []Occurrence {
	if !isPeriodic(s.frequency) || len(s.keys) == 0 {
		return nil
	}
	var out []Occurrence
	from, to := windowOf(s.frequency, s.first)
	if from < s.first { // not whole
		from, to = windowOf(s.frequency, to+1)
	}
	for ; !days.Start(from).After(now); from, to = windowOf(s.frequency, to+1) {
		start := days.Start(from)
		if start.Before(s.begin) {
			continue
		}
		if !s.end.IsZero() && !start.Before(s.end) {
			break
		}
		due := days.Start(to + 1 + s.grace).Add(-time.Millisecond)
		_, next := windowOf(s.frequency, to+1)
		out = append(out, Occurrence{From: from, To: to, Due: due, Open: days.Start(next + 1 + s.grace).Add(-time.Millisecond), Waived: waived(due), keys: s.keys})
	}
	s.perform(out, pieces)
	return out
}

// perform gives each piece to the earliest window that it covers and that was not performed when it was submitted: one
// performance counts for one window only.
func (s schedule) perform(all []Occurrence, pieces []Performance) {
	pieces = slices.Clone(pieces)
	slices.SortStableFunc(pieces, func(a, b Performance) int { return a.Submitted.Compare(b.Submitted) })
	for _, p := range pieces {
		if !slices.Contains(s.keys, p.Key) {
			continue
		}
		open := func(o Occurrence) bool { // without cover it performs the earliest window that can still be performed in time
			return !p.Named && o.From <= p.To && !o.Due.Before(p.Submitted)
		}
		i := slices.IndexFunc(all, func(o Occurrence) bool {
			whole := p.Whole || slices.Contains(s.whole, p.Key)
			return (open(o) || p.From <= o.To && p.To >= o.From) && (!whole || p.From <= o.From && p.To >= o.To) && !slices.ContainsFunc(o.parts, func(q Performance) bool {
				gone := !q.Withdrawn.IsZero() && !q.Withdrawn.After(p.Submitted)
				return q.Key == p.Key && !q.Accepted.IsZero() && q.Accepted.Before(p.Submitted) && !gone
			})
		})
		if i >= 0 {
			all[i].parts = append(all[i].parts, p)
		}
	}
	for i := range all { // of several, the first that was accepted performs
		slices.SortStableFunc(all[i].parts, func(a, b Performance) int { return cmp.Or(missing(a)-missing(b), a.Accepted.Compare(b.Accepted)) })
	}
}

func missing(p Performance) int {
	if p.Accepted.IsZero() {
		return 1
	}
	return 0
}

// standingAt counts the occurrences that were open at a moment: due and not done, and the next window not due yet; and of
// those that were due, how many awaited a review.
func standingAt(all []Occurrence, at time.Time) (overdue, awaiting int) {
	for i := len(all) - 1; i >= 0; i-- {
		o := &all[i]
		if !o.Due.Before(at) {
			continue
		}
		if !at.Before(o.Open) {
			break // older ones are no longer open either
		}
		switch o.State(at) {
		case OccurrenceMissed:
			overdue++
		case OccurrenceAwaiting:
			awaiting++
		}
	}
	return overdue, awaiting
}

// lapses counts the occurrences of a stretch of time that were done late, or missed and are no longer open.
func lapses(all []Occurrence, from, at time.Time) (n int) {
	for i := range all {
		o := &all[i]
		if o.Due.Before(from) || !o.Due.Before(at) {
			continue
		}
		if st := o.State(at); st == OccurrenceLate || st == OccurrenceMissed && !at.Before(o.Open) {
			n++
		}
	}
	return n
}
