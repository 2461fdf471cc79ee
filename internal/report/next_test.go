// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/store"
)

func TestTheNextStepsCountWhatIsDone(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	published := grc.Policy{Required: true, State: "published", ReviewDays: 365, PublishedNo: 1, InForceSince: now.AddDate(0, -1, 0)}
	published.LastReviewedAt = now.AddDate(0, -1, 0)
	line := func(w check.Word) *TestLine {
		return &TestLine{Rule: &check.Rule{}, Known: true, State: check.State{Verdict: w}}
	}
	b := &Board{Now: now, Zone: time.UTC,
		Tests:    map[string]*TestLine{"a": line("pass"), "b": line("fail"), "c": line("unknown"), "never": {Rule: &check.Rule{}}, "left the catalogue": {Known: true, State: check.State{Verdict: "fail"}}},
		Controls: []*ControlLine{{Control: &grc.Control{}, Facts: ControlFacts{HasOwner: true}}, {Control: &grc.Control{}}, {Control: &grc.Control{}, Health: ControlHealth{Health: NotApplicable}}},
		data:     &boardData{}, dated: &dated{newest: map[string]*grc.Policy{"POL-01": &published, "POL-02": {Required: true, State: "draft"}, "POL-03": {State: "draft"}, "POL-04": {Required: true, State: "retired"}}}}
	b.dated.policies = map[string][]store.Dated[grc.Policy]{}
	for ref, p := range b.dated.newest {
		b.dated.policies[ref] = []store.Dated[grc.Policy]{{Thing: p, From: now.AddDate(0, -1, 0)}}
	}
	got := map[string][2]int{}
	for _, s := range b.next(b.statementFacts().EvidenceInDate) {
		got[s.Key] = [2]int{s.Got, s.Of}
	}
	want := map[string][2]int{"sources": {2, 4}, "failing": {1, 2}, "policies": {1, 2}, "owners": {1, 2}}
	for k, w := range want {
		if got[k] != w {
			t.Errorf("%s: %v of what should be %v", k, got[k], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("a step with nothing to do is offered: %v", got)
	}
}
