// SPDX-License-Identifier: Apache-2.0

package report

import "assay/internal/check"

// Step is one of the next things to do so that more is proved: what, why it matters, and how far it has come.
type Step struct {
	Key  string `json:"key" doc:"sources, policies, owners, failing or evidence."`
	Text string `json:"text" doc:"What to do."`
	Why  string `json:"why" doc:"What stays as it is until that is done."`
	Got  int    `json:"got" doc:"How many are done."`
	Of   int    `json:"of" doc:"How many there are to do."`
	Gaps []Gap  `json:"gaps,omitempty" doc:"Of sources: what would answer the tests that have no data."`
}

// Done says whether nothing of the step is left.
func (s Step) Done() bool { return s.Got >= s.Of }

// next lists what moves readiness, in the order in which one does best to begin. What there is none of is left out;
// evidence is what of it is due.
func (b *Board) next(evidence Share) []Step {
	sources, failing, policies, owners := Share{}, Share{}, Share{}, Share{}
	for _, t := range b.Tests {
		if t.Rule == nil {
			continue
		}
		sources.Of++
		if t.Known && t.State.Verdict.RunState() != check.RunUnknown {
			sources.Got++
			failing.Of++
			if t.State.Verdict.RunState() != check.RunFailed && t.State.Verdict.RunState() != check.RunErrored {
				failing.Got++
			}
		}
	}
	for ref, p := range b.dated.newest {
		if !p.Needed() || p.State == "retired" {
			continue
		}
		policies.Of++
		if b.policyOn(ref, b.Now) != PolicyMissing {
			policies.Got++
		}
	}
	for _, c := range b.Controls {
		if c.Health.Health == NotApplicable {
			continue
		}
		owners.Of++
		if c.Facts.HasOwner {
			owners.Got++
		}
	}
	all := []Step{
		{"sources", "Connect your systems", "Tests without data show \"no data\" and never count as passed.", sources.Got, sources.Of, b.gaps(sortedTests(b))},
		{"policies", "Publish your policies", "Until then, every started control that depends on one fails with \"missing documentation\". You can't approve a policy you wrote: it takes two people.", policies.Got, policies.Of, nil},
		{"owners", "Assign control owners", "Every failure then has someone responsible. A control without an owner counts half at most.", owners.Got, owners.Of, nil},
		{"failing", "Fix failing tests", "These tests ran and failed, or ended in an error.", failing.Got, failing.Of, nil},
		{"evidence", "Upload evidence", "For example a network diagram or a list of employees. One person uploads it, another approves it.", evidence.Got, evidence.Of, nil},
	}
	out := []Step{}
	for _, s := range all {
		if s.Of > 0 {
			out = append(out, s)
		}
	}
	return out
}
