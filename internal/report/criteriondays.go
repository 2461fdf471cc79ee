// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"assay/internal/check"
	"assay/internal/grc"
)

// criteria judges every criterion on each day: by the controls that served it on that day, while it was in scope.
func (b *Board) criteria() {
	serving, served := map[string][]*ControlLine{}, map[string][]*ControlLine{}
	for _, c := range b.Controls {
		for _, k := range c.Control.Criteria {
			serving[k] = append(serving[k], c)
		}
	}
	for _, all := range [][]*ControlLine{b.Controls, b.Former} {
		for _, c := range all {
			for _, k := range c.past.criteria() {
				served[k] = append(served[k], c)
			}
		}
	}
	for _, r := range b.dated.criteria {
		l := &CriterionLine{Requirement: r, Controls: serving[r.Ref], NotInScope: !slices.Contains(b.Org.Categories, grc.Category(r.Category)), Decided: b.ruled(b.Now, r.Ref)}
		for _, c := range served[r.Ref] {
			if !slices.Contains(l.Controls, c) {
				l.Former = append(l.Former, c)
			}
		}
		b.daysOfCriterion(l, served[r.Ref])
		b.Criteria = append(b.Criteria, l)
		b.byKey[r.Ref] = l
	}
}

// criteria names every criterion that a control ever served.
func (p *controlPast) criteria() []string {
	var out []string
	for _, e := range p.eras {
		for _, k := range e.def.Criteria {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

func (b *Board) daysOfCriterion(l *CriterionLine, served []*ControlLine) {
	letters, reasons, seen := make([]check.Letter, len(b.Days)), make([]string, len(b.Days)), make([]bool, len(b.Days))
	l.Letters, l.Reasons, l.Seen = letters, reasons, seen
	scope := b.dated.inScope(l.Requirement)
	parts := make([]ControlLetter, 0, len(served))
	all := make([]check.Letter, 0, len(served))
	anew := len(b.Days)
	if b.was != nil && b.was.byKey[l.Requirement.Ref] != nil {
		old := b.was.byKey[l.Requirement.Ref]
		anew = b.anew
		copy(letters[anew:], old.Letters[anew:])
		copy(reasons[anew:], old.Reasons[anew:])
		copy(seen[anew:], old.Seen[anew:])
	}
	now := make([]servedDay, len(served))
	was := make([]servedDay, len(served)) // of the day after, which is most often the same
	for i := range anew {
		day := stretch{From: b.starts[i+1], To: b.starts[i]}
		in, whole := covered(scope, day)
		if day.From.After(b.Now) || !in || !day.From.Before(day.To) {
			letters[i] = check.NotApplicable
			continue
		}
		same := i > 0 && letters[i-1] != check.NotApplicable
		for j, c := range served {
			now[j] = c.serves(i, day, l.Requirement.Ref, scope, whole)
			same = same && now[j].same(was[j])
		}
		now, was = was, now // was is this day from here on
		if same {
			letters[i], reasons[i], seen[i] = letters[i-1], reasons[i-1], seen[i-1]
			continue
		}
		parts, all = parts[:0], all[:0]
		for j, c := range served {
			if was[j].any {
				parts = append(parts, ControlLetter{Ref: c.Control.Ref, ControlDay: was[j].day})
				all = append(all, was[j].day.Letter)
				seen[i] = seen[i] || was[j].seen
			}
		}
		letters[i] = check.CriterionDay(all)
		reasons[i] = ReasonOf(l.Requirement.Category, letters[i], parts).Text
	}
}

// covered says whether any of a day lies in some stretches, and whether all of it lies in one.
func covered(scope []stretch, day stretch) (any, whole bool) {
	for _, s := range scope {
		if both, meets := meet(s, day); meets && both.From.Before(day.To) {
			any, whole = true, whole || both.From.Equal(day.From) && both.To.Equal(day.To)
		}
	}
	return any, whole
}

// servedDay is what a control came to on a day for a criterion, where it served it.
type servedDay struct {
	any  bool
	day  ControlDay
	seen bool // in one of its parts
}

func (d servedDay) same(o servedDay) bool {
	return d.any == o.any && d.seen == o.seen && d.day.Letter == o.day.Letter && slices.Equal(d.day.Causes, o.day.Causes)
}

// serves is servedOn without a look at the scope, where all of the day is in it.
func (c *ControlLine) serves(i int, day stretch, criterion string, scope []stretch, whole bool) servedDay {
	if parts := c.parts[i]; whole && len(parts) <= 1 {
		if len(parts) == 0 || !slices.Contains(parts[0].era.def.Criteria, criterion) {
			return servedDay{}
		}
		return servedDay{true, parts[0].day, parts[0].day.Seen}
	}
	mine := c.servingParts(i, day, criterion, scope)
	if len(mine) == 0 {
		return servedDay{}
	}
	return servedDay{true, worstPart(mine), slices.ContainsFunc(mine, func(p dayPart) bool { return p.day.Seen })}
}

// servedOn is what a control came to on a day for a criterion: in the parts of the day in which it served it, and in which
// the criterion was in scope. A control that was decided away serves, and says nothing.
func (c *ControlLine) servedOn(i int, day stretch, criterion string, scope []stretch) (ControlDay, bool) {
	if mine := c.servingParts(i, day, criterion, scope); len(mine) > 0 {
		return worstPart(mine), true
	}
	return ControlDay{Letter: check.NotApplicable}, false
}

func (c *ControlLine) servingParts(i int, day stretch, criterion string, scope []stretch) (mine []dayPart) {
	for _, p := range c.partsIn(i, day) {
		if slices.Contains(p.era.def.Criteria, criterion) && slices.ContainsFunc(scope, func(s stretch) bool { _, any := meet(s, p.stretch); return any }) {
			mine = append(mine, p)
		}
	}
	return mine
}
