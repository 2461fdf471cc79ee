// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
	"time"
)

func proofs(s []Statement) (out string) {
	for _, x := range s {
		out += map[Proof]string{Proven: "+", PartlyProven: "~", NotProven: "-"}[x.Proof]
	}
	return out
}

func proved() StatementFacts {
	return StatementFacts{
		ApprovedControls: Share{80, 80}, ReviewCompletedAt: now.AddDate(0, 0, -30), ReviewedAccounts: Share{412, 412},
		LiveLogSources: Share{3, 3}, VendorsInDate: Share{9, 9}, RiskAssessedAt: now.AddDate(0, 0, -100),
		IncidentPlan: PolicyInForce, ExerciseAt: now.AddDate(0, 0, -200), EvidenceInDate: Share{40, 40},
		ObservedDays: Share{95, 100}, OnTime: Share{12, 12},
	}
}

func TestNothingIsProvenWithoutData(t *testing.T) {
	s := StatementsOf(StatementFacts{}, now)
	if len(s) != 8 || proofs(s) != "--------" {
		t.Fatalf("%s", proofs(s))
	}
	for _, x := range s {
		if x.Text == "" || x.Detail == "" || x.Query == "" || strings.Contains(x.Detail, "!") {
			t.Errorf("%+v", x)
		}
	}
}

func TestEachStatementHasItsOwnProof(t *testing.T) {
	for _, c := range []struct {
		change func(*StatementFacts)
		want   string
	}{
		{func(*StatementFacts) {}, "++++++++"},
		{func(f *StatementFacts) { f.ApprovedControls.Got = 79 }, "~+++++++"},
		{func(f *StatementFacts) { f.ReviewedAccounts.Got = 411 }, "+~++++++"},
		{func(f *StatementFacts) { f.ReviewCompletedAt = now.AddDate(0, 0, -107) }, "+~++++++"},
		{func(f *StatementFacts) { f.ReviewedAccounts = Share{} }, "+-++++++"},
		{func(f *StatementFacts) { f.LiveLogSources.Got = 0 }, "++-+++++"},
		{func(f *StatementFacts) { f.VendorsInDate.Got = 8 }, "+++~++++"},
		{func(f *StatementFacts) { f.RiskAssessedAt = now.Add(-380*24*time.Hour - 1) }, "++++~+++"},
		{func(f *StatementFacts) { f.RiskAssessedAt = now.Add(time.Hour) }, "++++-+++"},
		{func(f *StatementFacts) { f.IncidentPlan = PolicyReviewOverdue }, "+++++~++"},
		{func(f *StatementFacts) { f.ExerciseAt = time.Time{} }, "+++++~++"},
		{func(f *StatementFacts) { f.ExerciseAt, f.IncidentPlan = time.Time{}, PolicyMissing }, "+++++-++"},
		{func(f *StatementFacts) { f.EvidenceInDate.Got = 1 }, "++++++~+"},
		{func(f *StatementFacts) { f.ObservedDays.Got = 94 }, "+++++++~"},
		{func(f *StatementFacts) { f.OnTime.Got = 11 }, "+++++++~"},
		{func(f *StatementFacts) { f.OnTime = Share{} }, "++++++++"},
		{func(f *StatementFacts) { f.OnTime, f.ObservedDays = Share{}, Share{} }, "+++++++-"},
	} {
		f := proved()
		c.change(&f)
		if got := proofs(StatementsOf(f, now)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
