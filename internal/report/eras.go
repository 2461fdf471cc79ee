// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/store"
)

// controlPast is a control with all that it ever was.
type controlPast struct {
	newest    *grc.Control          // as it is now, or was last
	eras      []era                 // when it was in force, and as what; in the order of time
	own       []stretch             // when its text was the company's own: approved, or confirmed
	proposed  int                   // changes that wait for an approval
	scheduled []*grc.ControlVersion // approved, and not yet in force
}

// at is the era that holds at a moment; nil where the control is not in force.
func (p *controlPast) at(t time.Time) *era {
	for i := len(p.eras) - 1; i >= 0; i-- {
		if during(p.eras[i].stretch, t) {
			return &p.eras[i]
		}
	}
	return nil
}

// era is a stretch of time in which a control was in force and said the same of itself.
type era struct {
	stretch
	def *grc.Control
}

// turn is a moment at which a control became something else; def is nil where it went out of force.
type turn struct {
	at    time.Time
	def   *grc.Control
	terms string
}

// ofControls reads when each control was in force and as what: from its versions in the ledger, and from those that were
// approved for a later day, which hold from the first moment of that day.
func (d *dated) ofControls(all []store.Dated[grc.Control], terms map[int64]string, proposals []store.Dated[grc.ControlVersion]) {
	byID := map[string]*controlPast{}
	turns, last := map[string][]turn{}, map[string]string{}
	for _, x := range all {
		p := byID[x.ID]
		if p == nil {
			p = &controlPast{}
			byID[x.ID] = p
			d.controls = append(d.controls, p)
			last[x.ID] = "-"
		}
		p.newest = x.Thing
		if x.Thing.Own() {
			p.own = join(p.own, stretch{From: x.From, To: x.To})
		}
		now := turn{at: x.From}
		if x.Thing.State == "active" {
			now.def, now.terms = x.Thing, terms[x.Since]
		}
		if now.terms != last[x.ID] { // whoever owns it is no part of what it says
			turns[x.ID], last[x.ID] = append(turns[x.ID], now), now.terms
		}
		if !x.To.IsZero() && d.ends(all, x) {
			turns[x.ID], last[x.ID] = append(turns[x.ID], turn{at: x.To}), ""
		}
	}
	for _, x := range proposals {
		if p := byID[x.Thing.Control]; p != nil {
			turns[x.Thing.Control] = append(turns[x.Thing.Control], d.scheduled(p, x, back(all, terms, x))...)
		}
	}
	for id, p := range byID {
		slices.SortStableFunc(turns[id], func(a, b turn) int { return a.at.Compare(b.at) })
		p.fill(turns[id])
	}
	slices.SortStableFunc(d.controls, func(a, b *controlPast) int { return byRef(a.newest, b.newest) })
}

// ends says whether a version that is over was the last one: the thing itself was ended then.
func (d *dated) ends(all []store.Dated[grc.Control], x store.Dated[grc.Control]) bool {
	i, _ := slices.BinarySearchFunc(all, x.Until, func(c store.Dated[grc.Control], seq int64) int { return cmp.Compare(c.Since, seq) })
	return i >= len(all) || all[i].Since != x.Until
}

// back is the turn to what the control says of itself, at the moment at which a scheduled version gives way to it: it was
// written to the control, or it could not be and was withdrawn.
func back(all []store.Dated[grc.Control], terms map[int64]string, x store.Dated[grc.ControlVersion]) []turn {
	if x.To.IsZero() {
		return nil
	}
	t := turn{at: x.To}
	for _, c := range all {
		if c.ID != x.Thing.Control || c.From.After(x.To) {
			continue
		}
		if t.def, t.terms = nil, ""; c.Thing.State == "active" {
			t.def, t.terms = c.Thing, terms[c.Since]
		}
	}
	return []turn{t}
}

// scheduled is the turn that a version makes which was approved for a later day, and the one after it.
func (d *dated) scheduled(p *controlPast, x store.Dated[grc.ControlVersion], then []turn) []turn {
	n := x.Thing
	if n.State == "proposed" && x.To.IsZero() {
		p.proposed++
	}
	day, err := check.ParseDay(string(n.EffectiveFrom))
	if n.State != "approved" || err != nil || !d.days.Start(day).After(n.ApprovedAt) {
		return nil
	}
	from := d.days.Start(day)
	if n.AppliedAt.IsZero() && x.To.IsZero() {
		p.scheduled = append(p.scheduled, n)
	}
	if !during(stretch{From: x.From, To: x.To}, from) {
		return nil // withdrawn before, or this is how it stood later
	}
	if n.Action == "retire" {
		return append([]turn{{at: from}}, then...)
	}
	p.own = append(p.own, stretch{From: from, To: x.To}) // whenever the daily work writes it to the control
	def := *p.newest
	def.SetTerms(n.Terms)
	def.State, def.VersionNo, def.VersionFrom = "active", n.Number, from
	b, err := json.Marshal(n.Terms)
	if err != nil {
		return nil // it was read from JSON
	}
	return append([]turn{{from, &def, string(b)}}, then...)
}

// fill makes the eras of a control out of its turns.
func (p *controlPast) fill(turns []turn) {
	said := ""
	for _, t := range turns {
		n := len(p.eras)
		open := n > 0 && p.eras[n-1].To.IsZero()
		if open && t.def != nil && t.terms == said {
			continue
		}
		if open {
			if p.eras[n-1].To = t.at; !p.eras[n-1].From.Before(t.at) {
				p.eras = p.eras[:n-1] // it never held
			}
		}
		if said = t.terms; t.def != nil {
			p.eras = append(p.eras, era{stretch{From: t.at}, t.def})
		}
	}
}

// named finds a control that is or was in force by its ref, in any case of letters, or by its id. What is in force comes first.
func (d *dated) named(ref string, now time.Time) *controlPast {
	var out *controlPast
	for _, p := range d.controls {
		if len(p.eras) == 0 || p.newest.ID != ref && !strings.EqualFold(p.newest.Ref, ref) {
			continue
		}
		if out == nil || out.at(now) == nil || p.at(now) != nil && p.newest.Ref == strings.ToUpper(ref) {
			out = p
		}
	}
	return out
}

// narrowed lists the tests that some control, or one alone, ever counted on certain policies alone.
func (d *dated) narrowed(only *controlPast) []string {
	var defs []*grc.Control
	for _, p := range d.controls {
		if only != nil && p != only {
			continue
		}
		for _, e := range p.eras {
			defs = append(defs, e.def)
		}
	}
	return Narrowed(defs)
}
