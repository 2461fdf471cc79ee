// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/store"
)

// ofEvidence reads when evidence was submitted, accepted and returned: what performs periodic controls.
func (d *dated) ofEvidence(all []store.Dated[grc.Evidence]) {
	d.performed = map[string][]Performance{}
	byID := map[string][]store.Dated[grc.Evidence]{}
	order := []string{}
	for _, x := range all {
		if byID[x.ID] == nil {
			order = append(order, x.ID)
		}
		byID[x.ID] = append(byID[x.ID], x)
	}
	for _, id := range order {
		was := grc.EvidenceState("")
		var p *Performance
		for _, x := range byID[id] {
			now := x.Thing.State
			switch {
			case now == was:
			case now == "submitted":
				if p = d.performance(x); p != nil {
					d.performed[x.Thing.Control] = append(d.performed[x.Thing.Control], *p)
					n := len(d.performed[x.Thing.Control])
					p = &d.performed[x.Thing.Control][n-1]
				}
			case p != nil && now == "accepted":
				p.Accepted = x.From
			case p != nil && now == "returned":
				p.Returned = x.From
			case p != nil && (now == "withdrawn" || now == "superseded"):
				p.Withdrawn = x.From
			}
			was = now
		}
		if last := byID[id][len(byID[id])-1]; p != nil && !last.To.IsZero() && p.Accepted.IsZero() && p.Returned.IsZero() {
			p.Returned = last.To // it was deleted, and awaits no review any more
		}
	}
}

// performance is a piece as it performs a control when it is submitted; nil where it can perform nothing: no file was
// kept, or it speaks of days to come.
func (d *dated) performance(x store.Dated[grc.Evidence]) *Performance {
	e, on := x.Thing, d.days.DayOf(x.From)
	if e.File == "" || e.Control == "" || e.EvidenceKey == "" {
		return nil
	}
	taken := on
	if !e.TakenAt.IsZero() && e.TakenAt.Before(x.From) { // a claimed time never makes it younger
		taken = d.days.DayOf(e.TakenAt)
	}
	p := &Performance{ID: x.ID, Key: e.EvidenceKey, Submitted: x.From, Whole: e.Type == "population", Named: e.CoversFrom != "" || e.CoversTo != ""}
	p.From, p.To = coverOf(e, taken)
	if p.From > p.To {
		return nil
	}
	return p
}

// occurrences lists the performances that a control was and is expected to give, under the definitions that were in force
// when their windows began.
func (b *Board) occurrences(p *controlPast) []Occurrence {
	var all []schedule
	for i := range p.eras {
		e := &p.eras[i]
		s := schedule{frequency: performedEach(e.def), grace: check.Day(e.def.GraceDays), begin: e.From, end: e.To, kinds: map[string]string{}}
		for _, k := range e.def.Evidence {
			s.kinds[k.Key] = k.Type
			if k.Required && k.Frequency != "per_event" {
				s.needs = append(s.needs, k.Key)
			}
			if performing(k, e.def) {
				if s.keys = append(s.keys, k.Key); k.Type == "population" {
					s.whole = append(s.whole, k.Key)
				}
			}
		}
		all = append(all, s)
	}
	terms := b.terms(p)
	waivers := b.waiversOf(p.newest.ID)
	out := windows(all, b.dated.days, b.Now, func(due time.Time) bool {
		return slices.ContainsFunc(waivers, func(w waiver) bool { return w.waives(due, due) })
	})
	for i := range out {
		out[i].waivers = waivers
	}
	starts := b.dated.starts()
	perform(out, b.dated.performed[p.newest.ID], func(o *Occurrence, at time.Time) bool {
		is, _ := b.expected(terms, starts, o, at)
		return is
	})
	expected := out[:0]
	for _, o := range out {
		is := false
		if is, o.since = b.expected(terms, starts, &o, b.Now); is && !o.asksNothing(b.Now) {
			o.since = later(o.since, o.askedAgain())
			expected = append(expected, o)
		}
	}
	listed(expected)
	return expected
}

// expected says whether a window is judged: the control was in force and applied when it was due, and the programme had
// begun when the window did, as was said then. What was said for less than half of the window, and taken back, takes no
// performance away: it is expected again from then on, and days that are over stay.
func (b *Board) expected(terms []era, starts []programmeStart, o *Occurrence, now time.Time) (is bool, since time.Time) {
	at := o.Due
	if at.After(now) {
		at = now
	}
	if o.From == o.To && !b.workday(o.From, o.start) {
		return false, since // what is done each day is done on business days
	}
	brief := func(s stretch) bool {
		return !s.To.IsZero() && !s.To.After(now) && s.To.Sub(s.From) < o.Due.Sub(o.start)/2
	}
	if away, any := awayAt(terms, at); any {
		if !brief(away) {
			return false, since
		}
		since = away.To
	}
	for _, x := range slices.Backward(starts) {
		switch {
		case x.From.After(at):
		case brief(x.stretch) && o.From < x.day:
			if during(x.stretch, at) {
				since = later(since, x.To)
			}
		default:
			return o.From >= x.day, since
		}
	}
	return true, since
}

// awayAt is the stretch around a moment in which a control was not in force or was decided away, where there is one.
func awayAt(terms []era, at time.Time) (away stretch, any bool) {
	for i := range terms {
		switch {
		case during(terms[i].stretch, at):
			return stretch{}, false
		case terms[i].From.After(at):
			away.To = terms[i].From
			return away, true
		}
		away.From = terms[i].To
	}
	return away, true
}

// programmeStart is a stretch in which the programme began on a day, as was said then.
type programmeStart struct {
	stretch
	day check.Day
}

// starts lists when the programme began, as was said when.
func (d *dated) starts() []programmeStart {
	var out []programmeStart
	for _, x := range d.programme {
		day, err := check.ParseDay(string(x.Thing.ProgrammeStart))
		if err != nil {
			day = math.MinInt32 // it began before everything
		}
		if n := len(out); n > 0 && out[n-1].day == day {
			out[n-1].To = x.To
			continue
		}
		out = append(out, programmeStart{stretch{From: x.From, To: x.To}, day})
	}
	return out
}

// workday says whether a day is a business day, by the holidays that were set at a moment.
func (b *Board) workday(d check.Day, at time.Time) bool {
	if w := (int(d)%7 + 7 + 4) % 7; w == 0 || w == 6 { // 1 January 1970 was a Thursday
		return false
	}
	for _, x := range b.dated.programme {
		if during(stretch{From: x.From, To: x.To}, at) && slices.Contains(x.Thing.Holidays, kind.Date(d.String())) {
			return false
		}
	}
	return true
}

// waiversOf lists the exceptions of a whole control, as far as they were approved.
func (b *Board) waiversOf(control string) (out []waiver) {
	for _, x := range b.dated.waivers[control] {
		known := stretch{From: x.From, To: x.To}
		out = append(out, waiver{known, stretch{From: later(x.From, x.Thing.StartsAt), To: x.Thing.ExpiresAt}})
	}
	return out
}

// due counts the occurrences that were overdue, and those that awaited a review, at a moment.
func (c *ControlLine) due(at time.Time) (overdue, awaiting int) { return standingAt(c.Occurrences, at) }

// upcoming counts the occurrences that are due soon and for which nothing was submitted: within seven days, or a fifth of the
// window where that is less, so that what is done each week does not want attention all week.
func (c *ControlLine) upcoming(now time.Time) (n int) {
	for i := range c.Occurrences {
		o := &c.Occurrences[i]
		soon := min(7*24*time.Hour, o.Due.Sub(o.start)/5)
		if submitted, _ := o.performed(now); o.State(now) == OccurrenceExpected && submitted.IsZero() && o.Due.Sub(now) <= soon {
			n++
		}
	}
	return n
}
