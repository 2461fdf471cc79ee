// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// ever are the controls of a criterion by ref: those in force, and those that were on one of the days.
func (c *CriterionLine) ever() []*ControlLine {
	all := slices.Concat(c.Controls, c.Former)
	slices.SortStableFunc(all, func(x, y *ControlLine) int { return byRef(x.past.newest, y.past.newest) })
	return all
}

// moments are the first moment of a day, and the first after it, or after now where the day is not over.
func (b *Board) moments(i int) (from, to time.Time) {
	from, to = b.starts[i+1], b.starts[i]
	if now := b.Now.Add(time.Millisecond); to.After(now) {
		to = now
	}
	return from, to
}

// partOf is what a control had to do with the letter of a criterion on a day, where it served it on that day. One that
// was decided away serves, and says nothing.
func (b *Board) partOf(x *ControlLine, c *CriterionLine, i int) (DayPart, bool) {
	var def *grc.Control
	from, to := b.moments(i)
	for _, e := range x.past.eras {
		if _, any := meet(e.stretch, stretch{From: from, To: to}); any && e.From.Before(to) && slices.Contains(e.def.Criteria, c.Requirement.Ref) {
			def = e.def
		}
	}
	if def == nil {
		return DayPart{}, false
	}
	d, _ := x.servedOn(i, stretch{From: from, To: to}, c.Requirement.Ref, b.dated.inScope(c.Requirement))
	p := DayPart{Kind: "control", Ref: x.Control.Ref, Text: def.Title, Letter: d.Letter.String(), Required: true}
	if len(d.Causes) > 0 {
		p.Reason = string(d.Causes[0])
	}
	return p, true
}

// partsOf are what a control stood on that day, each once: as the last definition of the day says, and after it what only
// an earlier one says.
func (b *Board) partsOf(c *ControlLine, i int) []DayPart {
	var out []DayPart
	from, to := b.moments(i)
	add := func(p DayPart) {
		j := slices.IndexFunc(out, func(o DayPart) bool { return o.Kind == p.Kind && o.Ref == p.Ref })
		if j < 0 {
			out = append(out, p)
		} else if p.Required {
			out[j].Required = true
		}
	}
	for _, e := range slices.Backward(c.past.eras) {
		s, any := meet(e.stretch, stretch{From: from, To: to})
		if !any || !e.From.Before(to) {
			continue
		}
		for _, t := range e.def.Tests {
			add(b.testPart(t, i))
		}
		for _, k := range e.def.Evidence {
			add(c.sinceStart(b.evidencePart(c, &e, k, s.From, s.To), s.To))
		}
		for _, p := range e.def.Policies {
			add(c.sinceStart(b.policyPart(p, s.From, s.To), s.To))
		}
	}
	if c.startedBy(to) {
		out = append(out, b.performanceParts(c, from, to)...)
	}
	return out
}

// startedBy says whether a control was judged before a moment.
func (c *ControlLine) startedBy(at time.Time) bool { return !c.began.IsZero() && c.began.Before(at) }

// sinceStart is a part of a day as it counts: before a control has started nothing is lacking.
func (c *ControlLine) sinceStart(p DayPart, to time.Time) DayPart {
	if !c.startedBy(to) && p.Letter == check.Failed.String() {
		p.Letter = check.NoData.String()
		if p.Reason = "not started"; p.Kind == "policy" {
			p.Reason += "; has no approved version in force"
		}
	}
	return p
}

// ruleOf says how the parts of a day make its letter, where the worst of those that count does not.
func ruleOf(parts []DayPart, d ControlDay) string {
	worst := check.NotApplicable
	for _, p := range parts {
		var l check.Letter
		if p.Required && l.UnmarshalText([]byte(p.Letter)) == nil && l.Worse(worst) {
			worst = l
		}
	}
	switch {
	case slices.Contains(d.Causes, NotYetStarted):
		return "not started: nothing is judged before the first result or accepted evidence"
	case slices.Contains(d.Causes, Quiet):
		return "nothing happened that the control could act on"
	case slices.Contains(d.Causes, Silent):
		return "no event is on record, and no accepted statement says that there was none"
	case slices.Contains(d.Causes, Unconfirmed):
		return "nothing happened that the control could act on, and nobody has confirmed its text"
	case worst == d.Letter:
		return "the worst required result counts"
	case d.Letter == check.NotApplicable:
		return "it did not apply on this day"
	case d.Letter == check.NoData:
		return "no event is on record, and no accepted statement says that there was none"
	}
	return ""
}

func (b *Board) testPart(t grc.ControlTest, i int) DayPart {
	p := DayPart{Kind: "test", Ref: t.Test, Text: t.Test, Letter: check.NoData.String(), Required: t.Role != "supporting", Reason: "the test did not run"}
	if l := b.testOf(t); l != nil {
		if l.Rule != nil {
			p.Text = l.Rule.Def.Title
		}
		switch {
		case l.Cells[i].First < 0 && l.Cells[i].Letter == check.Paused:
			p.Letter, p.Reason = check.Paused.String(), "the test was paused"
		case l.Cells[i].Seen():
			if p.Letter, p.Reason = l.Cells[i].Letter.String(), ""; len(t.OnlyPolicies) == 0 {
				p.Reason = b.whyOf(l, i)
			}
		}
	}
	return p
}

// whyOf is what the run said that made the letter of a test's day: of those that came to it the first where it is a bad
// one, the last where it is not. Empty where no run came to it.
func (b *Board) whyOf(t *TestLine, i int) string {
	letter, day := t.Cells[i].Letter, stretch{From: b.starts[i+1], To: b.starts[i]}
	var said []change
	for _, r := range t.runs {
		if s := b.stateAt(t.ID, r.At); s != nil && during(day, r.At) {
			said = append(said, change{Verdict: s.Verdict, Reason: s.Reason, At: r.At})
		}
	}
	for _, r := range b.dated.lates[t.ID] {
		if during(day, r.Collected) && r.At.Before(day.To.Add(check.LateUntil)) {
			said = append(said, change{Verdict: r.Verdict, Reason: r.Reason, At: r.Collected})
		}
	}
	slices.SortStableFunc(said, func(x, y change) int { return x.At.Compare(y.At) })
	if letter == check.Passed || letter == check.NotApplicable {
		slices.Reverse(said)
	}
	for _, s := range said {
		if check.DayLetter([]check.RunState{s.Verdict.RunState()}, false, false) == letter {
			return s.Reason
		}
	}
	return ""
}

func (b *Board) evidencePart(x *ControlLine, e *era, k grc.EvidenceKind, from, to time.Time) DayPart {
	s := b.stateIn(x, e, k, from, to)
	l := check.Passed
	switch {
	case s.lacking():
		l = check.Failed
	case s.idle():
		l = check.NotApplicable
	case s == EvidenceWaived:
		l = check.Excepted
	case s == EvidenceAwaited:
		l = check.NoData
	}
	p := DayPart{Kind: "evidence", Ref: k.Key, Text: k.Title, Letter: l.String(), Required: k.Required, Reason: s.word()}
	if _, piece, _ := b.stateOn(e.def, k, to.Add(-time.Millisecond)); piece != nil && s != EvidenceMissing {
		p.Piece = piece.ID
	}
	return p
}

func (b *Board) policyPart(ref string, from, to time.Time) DayPart {
	l, why := check.Passed, "is in force"
	switch b.dated.policyIn(ref, from, to) {
	case PolicyMissing:
		l, why = check.Failed, "has no approved version in force"
	case PolicyReviewOverdue:
		why = "is in force; its review is overdue"
	}
	text := ref
	for _, p := range b.dated.policies[ref] {
		if p.From.Before(to) {
			text = p.Thing.Title
		}
	}
	return DayPart{Kind: "policy", Ref: ref, Text: text, Letter: l.String(), Required: true, Reason: why}
}

// versionsOn are the definitions that judged a control on a day.
func (b *Board) versionsOn(c *ControlLine, i int) []DayVersion {
	out := []DayVersion{}
	from, to := b.moments(i)
	for _, p := range c.partsIn(i, stretch{From: from, To: to}) {
		t := p.era.def.Terms()
		v := DayVersion{Number: p.era.def.VersionNo, From: p.From, To: p.To, Holds: p.era.From, Title: t.Title, Text: t.Text, Library: !c.past.designed(p.From), Letter: p.day.Letter.String()}
		for _, x := range t.Tests {
			v.Tests = append(v.Tests, x.Test+" ("+string(x.Role)+")")
		}
		for _, x := range t.Evidence {
			v.Evidence = append(v.Evidence, x.Title)
		}
		v.Policies = t.Policies
		out = append(out, v)
	}
	return out
}
