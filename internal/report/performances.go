// SPDX-License-Identifier: Apache-2.0

package report

import (
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
	p := &Performance{ID: x.ID, Key: e.EvidenceKey, From: taken, To: taken, Submitted: x.From, Whole: e.Type == "population"}
	if from, err := check.ParseDay(string(e.CoversFrom)); err == nil {
		p.From, p.Named = from, true
	}
	if to, err := check.ParseDay(string(e.CoversTo)); err == nil {
		p.To, p.Named = min(to, on), true
		if e.CoversFrom == "" {
			p.From = p.To
		}
	}
	if p.From > p.To {
		return nil
	}
	return p
}

// occurrences lists the performances that a control was and is expected to give, under the definitions that were in force
// when their windows began.
func (b *Board) occurrences(p *controlPast) []Occurrence {
	var out []Occurrence
	pieces := b.dated.performed[p.newest.ID]
	for i := range p.eras {
		e := &p.eras[i]
		s := schedule{frequency: e.def.Frequency, grace: check.Day(e.def.GraceDays), first: b.dated.days.DayOf(e.From), end: e.To}
		if i > 0 && p.eras[i-1].To.Equal(e.From) {
			s.begin = e.From // a window that began under the definition before is that one's
		}
		for _, k := range e.def.Evidence {
			if k.Required && k.Frequency != "per_event" {
				if s.keys = append(s.keys, k.Key); k.Type == "population" {
					s.whole = append(s.whole, k.Key)
				}
			}
		}
		for _, o := range s.occurrences(b.dated.days, b.Now, pieces, func(due time.Time) bool { return b.waived(p.newest.ID, due) }) {
			if b.expected(p, o) {
				out = append(out, o)
			}
		}
	}
	return out
}

// expected says whether a window is judged: the control was in force and applied when it was due, and the programme had
// begun when the window did, as was said then.
func (b *Board) expected(p *controlPast, o Occurrence) bool {
	at := o.Due
	if at.After(b.Now) {
		at = b.Now
	}
	if o.From == o.To && !b.workday(o.From, at) {
		return false // what is done each day is done on business days
	}
	if p.at(at) == nil || b.ruled(at, p.newest.Ref, p.newest.ID) != "" {
		return false
	}
	for _, x := range b.dated.programme {
		if !during(stretch{From: x.From, To: x.To}, at) {
			continue
		}
		start, err := check.ParseDay(string(x.Thing.ProgrammeStart))
		return err != nil || o.From >= start
	}
	return true
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

// waived says whether an exception of the whole control was in force when a window was due, and at least a day before: what is
// approved in the last hour excuses nothing that should have been done by then.
func (b *Board) waived(control string, at time.Time) bool {
	for _, x := range b.dated.waivers[control] {
		since := later(x.From, x.Thing.StartsAt)
		if during(stretch{From: x.From, To: x.To}, at) && !at.Add(-24*time.Hour).Before(since) && at.Before(x.Thing.ExpiresAt) {
			return true
		}
	}
	return false
}

// due counts the occurrences that were overdue, and those that awaited a review, at a moment.
func (c *ControlLine) due(at time.Time) (overdue, awaiting int) { return standingAt(c.Occurrences, at) }

// upcoming counts the occurrences that are due within seven days and for which nothing was submitted.
func (c *ControlLine) upcoming(now time.Time) (n int) {
	for i := range c.Occurrences {
		o := &c.Occurrences[i]
		if submitted, _ := o.performed(now); o.State(now) == OccurrenceExpected && submitted.IsZero() && o.Due.Sub(now) <= 7*24*time.Hour {
			n++
		}
	}
	return n
}
