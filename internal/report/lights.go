// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/check"
)

// Light is one of the three lights of a control (T-051). None implies another.
type Light struct {
	Status string `json:"status" doc:"passing, needs_attention, failing or no_data."`
	Text   string `json:"text" doc:"Why."`
}

// lights are documented, implemented and operating. Each has its own proof, and none implies another.
func (b *Board) lights(c *ControlLine, o Operation) (documented, implemented, operating Light) {
	return b.documentedLight(c), c.implementedLight(), operatingLight(o)
}

// documentedLight: the text is the company's own, and every policy under it is in force and covers what it must.
func (b *Board) documentedLight(c *ControlLine) Light {
	missing, thin := []string{}, []string{}
	for _, p := range c.Facts.Policies {
		if p.State == PolicyMissing {
			missing = append(missing, p.Ref)
		}
		if x := b.dated.newest[p.Ref]; x != nil && p.State != PolicyMissing && len(x.MissingSections()) > 0 {
			thin = append(thin, p.Ref)
		}
	}
	switch {
	case len(missing) > 0:
		return Light{"failing", "no approved version in force: " + strings.Join(missing, ", ")}
	case !c.Facts.Designed && !c.Control.Library:
		return Light{"no_data", "the text isn't approved yet"}
	case !c.Facts.Designed:
		return Light{"no_data", "the library text isn't confirmed yet"}
	case len(thin) > 0:
		return Light{"needs_attention", "required sections are missing: " + strings.Join(thin, ", ")}
	}
	return Light{"passing", "the text is approved and all its policies are in force"}
}

// implementedLight: at least one accepted proof, or a completed run that passed. What else is required and does not prove
// it is said too.
func (c *ControlLine) implementedLight() Light {
	for _, e := range c.Facts.Evidence {
		if e.Required && e.State.proves() {
			return Light{"passing", clauses(append([]string{"accepted evidence: " + e.Title}, c.Facts.unanswered("", "")...))}
		}
	}
	for _, t := range c.Facts.Tests {
		if t.Required && (t.Completed == check.RunPassed || t.Completed == check.RunExcepted) {
			return Light{"passing", clauses(append([]string{"test " + t.Test + " has passed"}, c.Facts.unanswered(t.Test, "other ")...))}
		}
	}
	was := c.Facts.lapsed()
	for _, t := range c.Facts.Tests {
		if t.Required && t.Completed == check.RunFailed {
			return Light{"failing", clauses(append([]string{"test " + t.Test + " failed, and nothing else proves it"}, was...))}
		}
	}
	if len(was) > 0 {
		return Light{"no_data", clauses(was)}
	}
	return Light{"no_data", "no accepted evidence, and no required test has passed"}
}

// unanswered says how many required tests but one have no result yet, and how many failed.
func (f ControlFacts) unanswered(but, other string) (out []string) {
	silent, failed := 0, 0
	for _, t := range f.Tests {
		switch {
		case !t.Required || t.Test == but:
		case t.CompletedAt.IsZero():
			silent++
		case t.Completed == check.RunFailed:
			failed++
		}
	}
	if silent > 0 {
		out = append(out, count(silent, other+"required test has", other+"required tests have")+" no result yet")
	}
	if failed > 0 {
		out = append(out, count(failed, other+"required test fails", other+"required tests fail"))
	}
	return out
}

// lapsed names required evidence that was accepted and no longer counts.
func (f ControlFacts) lapsed() (out []string) {
	for _, e := range f.Evidence {
		if e.Required && (e.State == EvidenceExpired || e.State == EvidenceWithdrawn) {
			out = append(out, "evidence was accepted and "+e.State.word()+": "+e.Title)
		}
	}
	return out
}

func clauses(parts []string) string { return strings.Join(parts, "; ") }

// operatingLight says in words what F-06 came to, with everything that does not go without saying.
func operatingLight(o Operation) Light {
	bad, least := o.deviations(), o.leastCoverage()
	var open []string // what is not known
	if least >= 0 && least < coverageNum {
		open = append(open, fmt.Sprintf("test coverage is %d%%", least))
	}
	switch o.Summary {
	case "no_occurrence":
		return Light{"no_data", "no occurrence: nothing was due in this period"}
	case "deviations":
		if o.Awaiting > 0 {
			open = append(open, count(o.Awaiting, "performance is", "performances are")+" not reviewed yet")
		}
		return Light{"failing", "exceptions found: " + clauses(append([]string{strings.Join(slices.Concat(bad, o.excused()), ", ")}, open...))}
	case "insufficient_data":
		return o.unknown(bad, open)
	}
	if excused := o.excused(); len(excused) > 0 {
		if least >= 0 {
			excused = append(excused, fmt.Sprintf("test coverage %d%%", least))
		}
		return Light{"needs_attention", strings.Join(excused, ", ")}
	}
	var parts []string
	if least >= 0 {
		parts = append(parts, fmt.Sprintf("on %s, test coverage %d%%", count(o.leastObserved(), "observed day", "observed days"), least))
	} else if o.OnTime == 0 {
		parts = append(parts, "on "+count(o.Days.Observed, "observed day", "observed days"))
	}
	if o.OnTime > 0 {
		parts = append(parts, count(o.OnTime, "performance", "performances")+" on time")
	}
	return Light{"passing", "no exceptions: " + strings.Join(parts, ", ")}
}

// unknown is the light of a period of which too little is known. Days that failed are known all the same.
func (o Operation) unknown(bad, open []string) Light {
	n := o.Days
	if said := slices.Concat(bad, o.excused()); len(said) > 0 {
		open = append(open, strings.Join(said, ", "))
	} else if len(open) > 0 {
		open = append(open, fmt.Sprintf("%d%% is needed", coverageNum))
	}
	if o.Awaiting > 0 {
		open = append(open, count(o.Awaiting, "performance is", "performances are")+" not reviewed yet")
	}
	switch {
	case len(bad) > 0:
		return Light{"failing", clauses(open)}
	case len(open) > 0:
		return Light{"no_data", clauses(open)}
	case n.Silent > 0:
		return Light{"no_data", fmt.Sprintf("on %s no event is on record, and no accepted statement says that there was none", count(n.Silent, "day", "days"))}
	case n.unconfirmed > 0:
		return Light{"no_data", "nothing happened that it could act on, and nobody has confirmed its text"}
	}
	return Light{"no_data", "no evidence yet"}
}

// deviations names what did not go as it should.
func (o Operation) deviations() (out []string) {
	add := func(n int, text string) {
		if n > 0 {
			out = append(out, text)
		}
	}
	failed, late := o.Days.Failed, 0
	for _, t := range o.Tests {
		failed, late = max(failed, t.Failed), late+t.Late
	}
	add(failed, count(failed, "day", "days")+" failed")
	add(o.Days.Documents, count(o.Days.Documents, "day", "days")+" failed for missing documents")
	add(late, count(late, "late event", "late events"))
	add(o.Late, fmt.Sprintf("%d performed late", o.Late))
	add(o.Missed, fmt.Sprintf("%d missed", o.Missed))
	if o.Late+o.Missed == 0 { // it was due before
		add(o.Days.Overdue, "a performance was overdue on "+count(o.Days.Overdue, "day", "days"))
	}
	return out
}

// excused names what was let pass: it is no deviation, and nobody may read it as if all had passed.
func (o Operation) excused() (out []string) {
	if n := o.Days.Excepted; n > 0 {
		out = append(out, fmt.Sprintf("%d of %s passed with an approved exception", n, count(max(n, o.Days.Observed), "day", "days")))
	}
	if o.Waived > 0 {
		out = append(out, count(o.Waived, "performance", "performances")+" waived")
	}
	return out
}

// leastObserved is on how many days the required test with the fewest results had one.
func (o Operation) leastObserved() int {
	least := -1
	for _, t := range o.Tests {
		if n := t.Passed + t.Failed + t.Excepted; t.Coverage >= 0 && (least < 0 || n < least) {
			least = n
		}
	}
	return least
}
