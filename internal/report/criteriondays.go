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
		l.Letters, l.Reasons = b.daysOfCriterion(l, served[r.Ref])
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

func (b *Board) daysOfCriterion(l *CriterionLine, served []*ControlLine) ([]check.Letter, []string) {
	letters, reasons := make([]check.Letter, len(b.Days)), make([]string, len(b.Days))
	scope := b.dated.inScope(l.Requirement)
	parts := make([]ControlLetter, 0, len(served))
	was := make([]*dayPart, len(served)) // of the day after
	for i := range b.Days {
		day := stretch{From: b.starts[i+1], To: b.starts[i]}
		if day.From.After(b.Now) || !slices.ContainsFunc(scope, func(s stretch) bool { _, any := meet(s, day); return any && s.From.Before(day.To) }) || !day.From.Before(day.To) {
			letters[i] = check.NotApplicable
			clear(was)
			continue
		}
		same := i > 0 && letters[i-1] != check.NotApplicable
		for j, c := range served {
			var first *dayPart
			if len(c.parts[i]) > 0 {
				first = &c.parts[i][0]
			}
			same = same && first == was[j]
			was[j] = first
		}
		if same {
			letters[i], reasons[i] = letters[i-1], reasons[i-1]
			continue
		}
		parts = parts[:0]
		for _, c := range served {
			if d, any := c.servedOn(i, day, l.Requirement.Ref, scope); any {
				parts = append(parts, ControlLetter{Ref: c.Control.Ref, ControlDay: d})
			}
		}
		all := make([]check.Letter, len(parts))
		for j := range parts {
			all[j] = parts[j].Letter
		}
		letters[i] = check.CriterionDay(all)
		reasons[i] = ReasonOf(l.Requirement.Category, letters[i], parts).Text
	}
	return letters, reasons
}

// servedOn is what a control came to on a day for a criterion: in the parts of the day in which it served it, and in which
// the criterion was in scope. A control that was decided away serves, and says nothing.
func (c *ControlLine) servedOn(i int, day stretch, criterion string, scope []stretch) (ControlDay, bool) {
	var mine []dayPart
	for _, p := range c.partsIn(i, day) {
		if slices.Contains(p.era.def.Criteria, criterion) && slices.ContainsFunc(scope, func(s stretch) bool { _, any := meet(s, p.stretch); return any }) {
			mine = append(mine, p)
		}
	}
	if len(mine) > 0 {
		return worstPart(mine), true
	}
	return ControlDay{Letter: check.NotApplicable}, false
}
