// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// tests lays every test that was run, or that the catalogue has, over the days.
func (b *Board) tests(cat *check.Catalogue) error {
	ids := map[string]bool{}
	for _, r := range cat.Rules() {
		if only := b.data.only; only != nil && !slices.ContainsFunc(only.Tests, func(t grc.ControlTest) bool { return t.Test == r.ID() }) {
			continue
		}
		b.Tests[r.ID()] = &TestLine{ID: r.ID(), Rule: r}
		ids[r.ID()] = true
	}
	for id := range b.data.changes {
		if !ids[id] {
			b.Tests[id] = &TestLine{ID: id}
		}
	}
	strip := check.NewStrip(b.Zone, b.Now, len(b.Days))
	placed := map[string]*check.Placed{}
	runs := map[string][]check.RunAt{}
	for id, t := range b.Tests {
		which := b.scopesOf(id)
		if placed[which] == nil {
			var err error
			runs[which] = b.runsOf(id)
			if placed[which], err = strip.Place(runs[which]); err != nil {
				return fmt.Errorf("runs of %s: %w", id, err)
			}
		}
		t.fill(b.data.states[id], b.data.changes[id], runs[which])
		h := check.TestHistory{Changes: make([]check.StateChange, 0, len(b.data.changes[id]))}
		for _, s := range b.data.changes[id] {
			h.Changes = append(h.Changes, check.StateChange{At: s.At, State: s.Verdict.RunState()})
		}
		t.Cells = placed[which].Letters(nil, h)
	}
	return nil
}

// scopesOf names the lists of tests in which a test stands: tests with the same name share their runs.
func (b *Board) scopesOf(id string) string {
	out := []string{}
	for scope, names := range b.data.plans {
		if names[id] {
			out = append(out, scope)
		}
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

func (b *Board) runsOf(id string) []check.RunAt {
	var out []check.RunAt
	for _, c := range b.Checks {
		if b.data.plans[c.Scope][id] {
			out = append(out, check.RunAt{At: c.At})
		}
	}
	return out
}

// fill sets what a test came to last, when it was last run, and when it last came to an end.
func (t *TestLine) fill(now check.State, changes []change, runs []check.RunAt) {
	if len(changes) == 0 {
		return
	}
	t.State, t.Known = now, true
	t.Latest = t.State.At
	if len(runs) > 0 && runs[len(runs)-1].At.After(t.Latest) {
		t.Latest = runs[len(runs)-1].At
	}
	until := t.Latest
	for i := len(changes) - 1; i >= 0; i-- {
		if ended(changes[i].Verdict.RunState()) {
			t.Done, t.Completed = changes[i].Verdict.RunState(), changes[i].At
			for _, r := range runs {
				if r.At.After(t.Completed) && !r.At.After(until) {
					t.Completed = r.At
				}
			}
			return
		}
		until = changes[i].At.Add(-time.Millisecond)
	}
}

// letterOf is the letter of one run.
func letterOf(s check.RunState) check.Letter {
	return check.DayLetter([]check.RunState{s}, false, false)
}

func ended(s check.RunState) bool {
	return s == check.RunPassed || s == check.RunFailed || s == check.RunExcepted || s == check.RunNotApplicable
}

// controls judges every control in force, now and on each day.
func (b *Board) controls() {
	for _, c := range b.data.controls {
		l := &ControlLine{Control: c}
		l.Evidence = b.evidenceOf(c)
		l.Facts = b.factsOf(c, l.Evidence)
		l.Health = HealthOf(l.Facts, b.Now)
		l.Days = b.daysOf(c)
		l.Letters = make([]check.Letter, len(l.Days))
		for i := range l.Days {
			l.Letters[i] = l.Days[i].Letter
		}
		b.Controls = append(b.Controls, l)
		b.byRef[c.Ref] = l
	}
}

// policyOn is how a policy stood at a moment.
func (b *Board) policyOn(ref string, at time.Time) PolicyState {
	return policyAt(b.data.policies[ref], at)
}

func policyAt(p *grc.Policy, at time.Time) PolicyState {
	if p == nil || !p.WasInForce(at) {
		return PolicyMissing
	}
	if at.Sub(p.LastReviewedAt) > time.Duration(p.Days())*24*time.Hour {
		return PolicyReviewOverdue
	}
	return PolicyInForce
}

func (b *Board) factsOf(c *grc.Control, evidence []EvidenceLine) ControlFacts {
	f := ControlFacts{NotApplicable: b.data.decisions[c.Ref] != nil || b.data.decisions[c.ID] != nil, HasOwner: c.Owner != "", OverdueTasks: b.data.overdue[c.ID]}
	for _, t := range c.Tests {
		x := TestFacts{Test: t.Test, Required: t.Role != "supporting", Interval: 24 * time.Hour}
		if l := b.Tests[t.Test]; l != nil && l.Known {
			x.Latest, x.Completed, x.CompletedAt = l.State.Verdict.RunState(), l.Done, l.Completed
			if n := b.narrow(letterOf(l.Done), t.OnlyPolicies, b.Now); len(t.OnlyPolicies) > 0 && n != letterOf(l.Done) {
				x.Latest = map[check.Letter]check.RunState{check.Passed: check.RunPassed, check.Failed: check.RunFailed}[n]
				x.Completed = x.Latest
			}
			if l.Rule != nil {
				x.Interval = time.Duration(l.Rule.Def.IntervalHours) * time.Hour
			}
		}
		f.Tests = append(f.Tests, x)
		for _, e := range b.data.exceptions {
			if e.Test == t.Test {
				f.ActiveExceptions++
			}
		}
	}
	for _, e := range b.data.exceptions {
		if e.Control == c.ID && e.Test == "" {
			f.ActiveExceptions++
		}
	}
	for _, e := range evidence {
		f.Evidence = append(f.Evidence, EvidenceFacts{Title: e.Kind.Title, Required: e.Kind.Required, State: e.State})
	}
	for _, p := range c.Policies {
		f.Policies = append(f.Policies, PolicyFacts{Ref: p, State: b.policyOn(p, b.Now)})
	}
	return f
}

// daysOf judges a control on each day. What changes within a day counts at its worst: evidence and policies
// are looked at both when the day begins and when it ends, or now.
func (b *Board) daysOf(c *grc.Control) []ControlDay {
	out := make([]ControlDay, len(b.Days))
	var tests [][]check.DayCell
	var only [][]string
	for _, t := range c.Tests {
		if t.Role == "supporting" {
			continue
		}
		var cells []check.DayCell
		if l := b.Tests[t.Test]; l != nil {
			cells = l.Cells
		}
		tests, only = append(tests, cells), append(only, t.OnlyPolicies)
	}
	na := b.data.decisions[c.Ref] != nil || b.data.decisions[c.ID] != nil
	since := check.DayOf(c.CreatedAt, b.Zone)
	letters, evidence, policies := make([]check.Letter, len(tests)), []EvidenceState{}, []PolicyState{}
	rules := make([]*grc.Policy, len(c.Policies))
	for i, p := range c.Policies {
		rules[i] = b.data.policies[p]
	}
	var last DayFacts // of the day after, which is most often the same
	for i, d := range b.Days {
		f := DayFacts{Outside: na || d < since}
		if !f.Outside {
			for j, cells := range tests {
				letters[j] = check.NoData
				if cells != nil {
					letters[j] = cells[i].Letter
				}
			}
			from, to := b.starts[i+1], b.starts[i].Add(-time.Millisecond)
			if to.After(b.Now) {
				to = b.Now
			}
			for j := range letters {
				letters[j] = b.narrow(letters[j], only[j], to)
			}
			if from.Before(c.CreatedAt) {
				from = to
			}
			evidence, policies = evidence[:0], policies[:0]
			for _, k := range c.Evidence {
				if k.Required {
					s, _, _ := b.stateOn(c, k, to)
					if e, _, _ := b.stateOn(c, k, from); e == EvidenceExpired || e == EvidenceWithdrawn {
						s = e
					}
					evidence = append(evidence, s)
				}
			}
			for _, p := range rules {
				policies = append(policies, min(policyAt(p, from), policyAt(p, to)))
			}
			f.Tests, f.Evidence, f.Policies = letters, evidence, policies
		}
		if i > 0 && f.same(last) {
			out[i] = out[i-1]
			continue
		}
		out[i] = DayOfControl(f)
		last = DayFacts{f.Outside, slices.Clone(f.Tests), slices.Clone(f.Evidence), slices.Clone(f.Policies), f.Overdue}
	}
	return out
}

// narrow is the letter of a test for a control that it counts for on some policies alone: where the test came to
// an answer, these policies decide.
func (b *Board) narrow(l check.Letter, only []string, at time.Time) check.Letter {
	if len(only) == 0 || (l != check.Failed && l != check.Passed && l != check.Excepted) {
		return l
	}
	for _, p := range only {
		if b.policyOn(p, at) != PolicyInForce {
			return check.Failed
		}
	}
	return check.Passed
}

// criteria judges every criterion of the categories in scope on each day.
func (b *Board) criteria() {
	serving := map[string][]*ControlLine{}
	for _, c := range b.Controls {
		for _, k := range c.Control.Criteria {
			serving[k] = append(serving[k], c)
		}
	}
	for _, r := range b.data.requirements {
		l := &CriterionLine{Requirement: r, Controls: serving[r.Ref], NotInScope: !slices.Contains(b.Org.Categories, grc.Category(r.Category))}
		if d := b.data.decisions[r.Ref]; d != nil {
			l.Decided = d.Reason
		}
		l.Letters, l.Reasons = b.daysOfCriterion(l)
		b.Criteria = append(b.Criteria, l)
		b.byKey[r.Ref] = l
	}
}

func (b *Board) daysOfCriterion(l *CriterionLine) ([]check.Letter, []string) {
	letters, reasons := make([]check.Letter, len(b.Days)), make([]string, len(b.Days))
	day := make([]check.Letter, len(l.Controls))
	parts := make([]ControlLetter, len(l.Controls))
	var last string
	var lastParts []ControlLetter
	for i := range b.Days {
		if l.NotInScope || l.Decided != "" {
			letters[i] = check.NotApplicable
			continue
		}
		changed := i == 0
		for j, c := range l.Controls {
			day[j] = c.Letters[i]
			parts[j] = ControlLetter{Ref: c.Control.Ref, ControlDay: c.Days[i]}
			changed = changed || lastParts[j].Letter != parts[j].Letter || !slices.Equal(lastParts[j].Causes, parts[j].Causes)
		}
		letters[i] = check.CriterionDay(day)
		if changed {
			last = ReasonOf(l.Requirement.Category, letters[i], parts).Text
			lastParts = slices.Clone(parts)
		}
		reasons[i] = last
	}
	return letters, reasons
}
