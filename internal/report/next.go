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
		{"sources", "Connect the systems that the tests ask for", "A test that no source answers is unknown, and unknown is never a pass.", sources.Got, sources.Of},
		{"policies", "Put your policies in force", "Until then each control that rests on one fails as \"missing documentation\" once it has started. Who wrote a policy cannot approve it: it takes two people.", policies.Got, policies.Of},
		{"owners", "Give every control an owner", "What fails then waits for somebody by name. A control without an owner counts half at the most.", owners.Got, owners.Of},
		{"failing", "Mend what the tests found", "These have an answer already, and it is no.", failing.Got, failing.Of},
		{"evidence", "Bring the evidence that no source can give", "Such as a diagram of the network or the list of people. A person has to bring it, and another accepts it.", evidence.Got, evidence.Of},
	}
	out := []Step{}
	for _, s := range all {
		if s.Of > 0 {
			out = append(out, s)
		}
	}
	return out
}
