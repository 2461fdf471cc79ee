// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/check"
)

func TestTheLetterOfAControlsDayIsTheFirstRuleThatApplies(t *testing.T) {
	const P, F, X, E, N, Z, NA = check.Passed, check.Failed, check.Excepted, check.Errored, check.NoData, check.Paused, check.NotApplicable
	in := []PolicyState{PolicyInForce}
	for _, c := range []struct {
		why   string
		facts DayFacts
		want  check.Letter
		cause string
	}{
		{"a required test failed", DayFacts{Tests: []check.Letter{P, F}, Policies: in}, F, "[failing a test]"},
		{"evidence missing", DayFacts{Tests: []check.Letter{P}, Evidence: []EvidenceState{EvidenceCurrent, EvidenceMissing}, Policies: in}, F, "[missing documentation]"},
		{"evidence expired", DayFacts{Evidence: []EvidenceState{EvidenceExpired}, Policies: in}, F, "[missing documentation]"},
		{"no policy in force", DayFacts{Tests: []check.Letter{P}, Policies: []PolicyState{PolicyMissing}}, F, "[missing documentation]"},
		{"overdue", DayFacts{Tests: []check.Letter{P}, Overdue: 1, Policies: in}, F, "[overdue review]"},
		{"all at once", DayFacts{Tests: []check.Letter{F}, Evidence: []EvidenceState{EvidenceWithdrawn}, Overdue: 1}, F, "[failing a test missing documentation overdue review]"},
		{"an error beside a pass", DayFacts{Tests: []check.Letter{P, E, N}}, E, "[]"},
		{"no data beside a pass", DayFacts{Tests: []check.Letter{P, N, Z}}, N, "[]"},
		{"a pause beside a waiver", DayFacts{Tests: []check.Letter{X, Z}}, Z, "[]"},
		{"a waiver", DayFacts{Tests: []check.Letter{P, X}}, X, "[]"},
		{"passes, and one had nothing to look at", DayFacts{Tests: []check.Letter{P, NA}, Policies: []PolicyState{PolicyReviewOverdue}}, P, "[]"},
		{"nothing to look at, with evidence", DayFacts{Tests: []check.Letter{NA}, Evidence: []EvidenceState{EvidenceCurrent}}, P, "[]"},
		{"nothing to look at, and designed", DayFacts{Tests: []check.Letter{NA}, Designed: true}, NA, "[no occurrence]"},
		{"nothing to look at, and nobody confirmed the text", DayFacts{Tests: []check.Letter{NA}}, N, "[text not confirmed]"},
		{"an approved statement that nothing happened", DayFacts{Evidence: []EvidenceState{EvidenceNilDeclared}, Designed: true}, NA, "[no occurrence]"},
		{"a performance awaits review", DayFacts{Tests: []check.Letter{P}, Awaiting: 1}, N, "[awaiting review]"},
		{"a failure does not hide what is not known", DayFacts{Tests: []check.Letter{F, N}}, F, "[failing a test no data for another test]"},
		{"evidence alone", DayFacts{Evidence: []EvidenceState{EvidenceCurrent, EvidenceExpiring, EvidenceNilDeclared}}, P, "[]"},
		{"evidence alone, and nobody says whether there were events", DayFacts{Evidence: []EvidenceState{EvidenceCurrent, EvidenceNotDue}}, N, "[no event on record, and none declared]"},
		{"a waived performance", DayFacts{Evidence: []EvidenceState{EvidenceWaived}}, X, "[]"},
		{"no event is known, and nobody says that there was none", DayFacts{Evidence: []EvidenceState{EvidenceNotDue}, Designed: true}, N, "[no event on record, and none declared]"},
		{"nothing at all", DayFacts{Designed: true}, N, "[]"},
		{"outside its dates", DayFacts{Outside: true, Overdue: 1}, NA, "[]"},
	} {
		got := DayOfControl(c.facts)
		if got.Letter != c.want || fmt.Sprint(got.Causes) != c.cause {
			t.Errorf("%s: %v %v, want %v %s", c.why, got.Letter, got.Causes, c.want, c.cause)
		}
	}
}

// TestADayWithAGapNeverPasses: N, E and Z of a required test never give a P.
func TestADayWithAGapNeverPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := DayFacts{Outside: rapid.IntRange(0, 9).Draw(t, "outside") == 0, Overdue: rapid.IntRange(0, 1).Draw(t, "overdue")}
		for range rapid.IntRange(0, 4).Draw(t, "tests") {
			f.Tests = append(f.Tests, check.Letter(rapid.IntRange(0, 6).Draw(t, "letter")))
		}
		for range rapid.IntRange(0, 3).Draw(t, "evidence") {
			f.Evidence = append(f.Evidence, EvidenceState(rapid.IntRange(0, 6).Draw(t, "state")))
		}
		for range rapid.IntRange(0, 2).Draw(t, "policies") {
			f.Policies = append(f.Policies, PolicyState(rapid.IntRange(0, 3).Draw(t, "policy")))
		}
		got := DayOfControl(f)
		if got.Letter != check.Passed {
			return
		}
		if slices.ContainsFunc(f.Tests, func(l check.Letter) bool { return l != check.Passed && l != check.NotApplicable }) ||
			slices.ContainsFunc(f.Evidence, EvidenceState.lacking) || slices.Contains(f.Policies, PolicyMissing) || f.Overdue > 0 {
			t.Fatalf("P from %+v", f)
		}
	})
}

func failing(ref string, causes ...CauseClass) ControlLetter {
	return ControlLetter{ref, ControlDay{Letter: check.Failed, Causes: causes}}
}

// TestTheReasonIsWordedAsAgreed holds the example of F-07.
func TestTheReasonIsWordedAsAgreed(t *testing.T) {
	passed := ControlLetter{"OPS-01", ControlDay{Letter: check.Passed}}
	for _, c := range []struct {
		category string
		letter   check.Letter
		controls []ControlLetter
		want     string
		refs     string
	}{
		{"security", check.Failed, []ControlLetter{failing("IAM-10", MissingDocumentation), passed, failing("OPS-03", MissingDocumentation)},
			"2 security controls missing documentation", "[IAM-10 OPS-03]"},
		{"security", check.Failed, []ControlLetter{failing("IAM-10", FailingTest, OverdueReview)}, "1 security control failing a test", "[IAM-10]"},
		{"security", check.Failed, []ControlLetter{failing("A", OverdueReview), failing("B", MissingDocumentation), failing("C", MissingDocumentation), failing("D", UnresolvedFinding)},
			"2 security controls missing documentation, 1 security control overdue review", "[A B C D]"},
		{"processing_integrity", check.Failed, []ControlLetter{failing("PIN-01", UnresolvedFinding)}, "1 processing integrity control unresolved finding", "[PIN-01]"},
		{"security", check.NoData, []ControlLetter{passed, {"OPS-02", ControlDay{Letter: check.NoData}}}, "1 security control without data", "[OPS-02]"},
		{"security", check.Errored, []ControlLetter{{"OPS-02", ControlDay{Letter: check.Errored}}}, "1 security control ended in an error", "[OPS-02]"},
		{"security", check.Paused, []ControlLetter{{"OPS-02", ControlDay{Letter: check.Paused}}}, "1 security control paused", "[OPS-02]"},
		{"security", check.Excepted, []ControlLetter{{"OPS-02", ControlDay{Letter: check.Excepted}}}, "1 security control passing with an exception", "[OPS-02]"},
		{"security", check.Passed, []ControlLetter{passed}, "", "[]"},
	} {
		got := ReasonOf(c.category, c.letter, c.controls)
		if got.Text != c.want || fmt.Sprint(got.ControlRefs) != c.refs {
			t.Errorf("%q %v, want %q %s", got.Text, got.ControlRefs, c.want, c.refs)
		}
	}
}
