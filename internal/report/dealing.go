// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"time"

	"assay/internal/grc"
)

// waiver is an exception of a whole control.
type waiver struct {
	known stretch // since when it is approved, and until when: it was revoked, or is still
	stretch
}

// waives says whether it waives what is due at a moment, as was known at another: it was in force then, and at least a day before.
// What is approved in the last hour excuses nothing that should have been done by then.
func (w waiver) waives(due, at time.Time) bool {
	if due.Before(at) {
		at = due
	}
	return during(w.known, at) && !due.Add(-24*time.Hour).Before(w.From) && due.Before(w.To)
}

func (o *Occurrence) waived(at time.Time) bool {
	return slices.ContainsFunc(o.waivers, func(w waiver) bool { return w.waives(o.Due, at) })
}

// dealer gives pieces to windows.
type dealer struct {
	all      []Occurrence
	expected func(*Occurrence, time.Time) bool
	spares   []*spare
	had      map[string][]*Occurrence // what a piece of evidence had when it was submitted before
}

// spare is a piece all whose windows others had when it was submitted.
type spare struct {
	Performance
	of *Occurrence // the first of them
}

// perform gives each piece, in the order of their submission, to the earliest window that it can perform and that no other
// piece has. What was submitted has its window until it is returned or withdrawn; submitted again, it has the same one. One
// performance counts for one window only, and for one of another frequency that shares days with it. Where others have all its
// windows it is a spare, and takes the first that loses its piece. At each moment only what was known at it decides.
func perform(all []Occurrence, pieces []Performance, expected func(*Occurrence, time.Time) bool) {
	pieces = slices.Clone(pieces)
	slices.SortStableFunc(pieces, func(a, b Performance) int { return a.Submitted.Compare(b.Submitted) })
	d := &dealer{all: all, expected: expected, had: map[string][]*Occurrence{}}
	var fallen []*Performance
	for i := range pieces {
		if pieces[i].no = i; !pieces[i].falls().IsZero() {
			fallen = append(fallen, &pieces[i])
		}
	}
	slices.SortStableFunc(fallen, func(a, b *Performance) int { return a.falls().Compare(b.falls()) })
	for i := range pieces {
		for len(fallen) > 0 && !fallen[0].falls().After(pieces[i].Submitted) {
			d.fall(fallen[0])
			fallen = fallen[1:]
		}
		d.deal(pieces[i])
	}
	for _, p := range fallen {
		d.fall(p)
	}
}

// falls is when a piece was returned or withdrawn; zero where it was not.
func (p *Performance) falls() time.Time {
	if !p.Returned.IsZero() && (p.Accepted.IsZero() || p.Returned.Before(p.Accepted)) && (p.Withdrawn.IsZero() || p.Returned.Before(p.Withdrawn)) {
		return p.Returned
	}
	return p.Withdrawn
}

// deal gives a piece its windows when it is submitted.
func (d *dealer) deal(p Performance) {
	if d.again(p) {
		return
	}
	var mine, free []*Occurrence
	for i := range d.all {
		if key := d.all[i].takes(&p); key != "" && d.expected(&d.all[i], p.Submitted) {
			if mine = append(mine, &d.all[i]); !d.all[i].held(key, p.Submitted) {
				free = append(free, &d.all[i])
			}
		}
	}
	if len(free) == 0 && len(mine) > 0 {
		p.spare = true
		d.spares = append(d.spares, &spare{p, mine[0]})
		mine[0].take(p, mine[0].takes(&p))
		return
	}
	slices.SortStableFunc(free, func(a, b *Occurrence) int { return cmp.Compare(a.lost(p.Submitted), b.lost(p.Submitted)) })
	given := map[grc.Frequency]bool{}
	for _, o := range free {
		if given[o.frequency] || o.From > free[0].To || free[0].From > o.To {
			continue
		}
		given[o.frequency] = true
		d.give(o, p, o.takes(&p))
	}
}

// again gives a piece that was returned the windows that it had, where no other piece has them.
func (d *dealer) again(p Performance) (is bool) {
	had := d.had[p.ID]
	if p.ID == "" {
		return false
	}
	delete(d.had, p.ID)
	for _, o := range had {
		key := o.accepts(&p)
		if key == "" || o.held(key, p.Submitted) || p.Named && (p.From > o.To || p.To < o.From) {
			continue
		}
		d.give(o, p, key)
		is = true
	}
	return is
}

func (d *dealer) give(o *Occurrence, p Performance, key string) {
	o.take(p, key)
	d.had[p.ID] = append(d.had[p.ID], o)
}

func (o *Occurrence) take(p Performance, key string) {
	p.Key = key
	o.parts = append(o.parts, p)
}

// fall takes a piece away from its windows. A spare takes its place.
func (d *dealer) fall(p *Performance) {
	at := p.falls()
	for i := range d.all {
		o := &d.all[i]
		for k := range o.parts {
			if x := &o.parts[k]; x.no == p.no && !x.spare {
				d.replace(o, x.Key, at)
				break
			}
		}
	}
}

// replace gives a window that lost its piece to a spare: one that was accepted before one that was not, and the first of them.
func (d *dealer) replace(o *Occurrence, key string, at time.Time) {
	if o.held(key, at) {
		return
	}
	best := -1
	for i, s := range d.spares {
		if s.valid(at) && o.takes(&s.Performance) == key && d.expected(o, s.Submitted) && (s.of == o || !s.performs(at)) &&
			(best < 0 || s.accepted(at) && !d.spares[best].accepted(at)) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	s := d.spares[best]
	d.spares = slices.Delete(d.spares, best, best+1)
	for k := range s.of.parts {
		if x := &s.of.parts[k]; x.no == s.no {
			x.until = at
		}
	}
	p := s.Performance
	p.spare, p.since = false, at
	d.give(o, p, key)
}

// performs says whether a spare performs its first window at a moment: it was accepted, and the piece that has it was not.
func (s *spare) performs(at time.Time) bool {
	return slices.ContainsFunc(s.of.parts, func(p Performance) bool {
		if p.no != s.no {
			return false
		}
		best := s.of.by(p.Key, at)
		return best != nil && best.no == s.no
	})
}

// takes is the kind of evidence of an occurrence that a piece can perform; empty where it can perform none.
func (o *Occurrence) takes(p *Performance) string {
	within := p.From <= o.To && p.To >= o.From
	if !p.Named && o.From <= p.To && !o.Due.Before(p.Submitted) { // without cover it performs the earliest window that can still be performed in time
		within = true
	}
	if !within {
		return ""
	}
	return o.accepts(p)
}

// accepts is takes for a piece of which it is known that it is about this window.
func (o *Occurrence) accepts(p *Performance) string {
	a := o.asked(p.Submitted)
	key := a.of(p.Key)
	if (p.Whole || slices.Contains(a.whole, key)) && (p.From > o.From || p.To < o.To) {
		return ""
	}
	return key
}

// lost says how little a piece that is submitted at a moment helps an occurrence: it can be in time, or it is late, or waived as
// far as was known.
func (o *Occurrence) lost(submitted time.Time) int {
	switch {
	case o.waived(submitted):
		return 2
	case o.Due.Before(submitted):
		return 1
	}
	return 0
}

// held says whether a piece has an occurrence at a moment.
func (o *Occurrence) held(key string, at time.Time) bool {
	return slices.ContainsFunc(o.parts, func(p Performance) bool { return p.Key == key && !p.spare && p.has(at) })
}
