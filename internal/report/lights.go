// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
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

// implementedLight: at least one accepted proof, or a completed run that passed.
func (c *ControlLine) implementedLight() Light {
	for _, e := range c.Facts.Evidence {
		if e.Required && e.State.proves() {
			return Light{"passing", "accepted evidence: " + e.Title}
		}
	}
	for _, t := range c.Facts.Tests {
		if t.Required && (t.Completed == check.RunPassed || t.Completed == check.RunExcepted) {
			return Light{"passing", "test " + t.Test + " has passed"}
		}
	}
	for _, t := range c.Facts.Tests {
		if t.Required && t.Completed == check.RunFailed {
			return Light{"failing", "test " + t.Test + " failed, and nothing else proves it"}
		}
	}
	return Light{"no_data", "no accepted evidence, and no required test has passed"}
}

// operatingLight says in words what F-06 came to.
func operatingLight(o Operation) Light {
	days, bad, late, least := 0, 0, 0, 100
	for _, t := range o.Tests {
		days, bad = max(days, t.Passed+t.Failed+t.Excepted+t.Errors+t.NoData+t.Paused+t.None), bad+t.Failed
		late += t.Late
		if t.Coverage >= 0 {
			least = min(least, t.Coverage)
		}
	}
	switch o.Summary {
	case "no_occurrence":
		return Light{"no_data", "no occurrence: nothing was due in this period"}
	case "insufficient_data":
		if o.Awaiting > 0 {
			return Light{"no_data", fmt.Sprintf("%s not reviewed yet", count(o.Awaiting, "performance is", "performances are"))}
		}
		return Light{"no_data", fmt.Sprintf("coverage is %d%%, but %d%% is needed", least, coverageNum)}
	case "deviations":
		var parts []string
		if bad > 0 {
			parts = append(parts, count(bad, "failed day", "failed days"))
		}
		if late > 0 {
			parts = append(parts, count(late, "late event", "late events"))
		}
		if o.Late > 0 {
			parts = append(parts, fmt.Sprintf("%d performed late", o.Late))
		}
		if o.Missed > 0 {
			parts = append(parts, fmt.Sprintf("%d missed", o.Missed))
		}
		return Light{"failing", "exceptions found: " + strings.Join(parts, ", ")}
	}
	if days == 0 {
		return Light{"passing", fmt.Sprintf("no exceptions: %s on time", count(o.OnTime, "performance", "performances"))}
	}
	return Light{"passing", fmt.Sprintf("no exceptions in %s, coverage %d%%", count(days, "day", "days"), least)}
}
