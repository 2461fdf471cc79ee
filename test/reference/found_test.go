// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"testing"
	"time"
)

// What random histories found once, each as small as it came to be, and named for the rule that it broke.

func at(day, hour int) time.Time {
	return time.Date(2026, 3, day, hour, 0, 0, 1e6, time.UTC)
}

// told is a history of one control, OWN-1, that begins on 1 March; want is what is said of it at the end.
func told(t *testing.T, control *terms, end time.Time, events []event, want map[string]string) {
	t.Helper()
	h := house(t)
	h.Clock.Set(end)
	all := append([]event{{At: at(1, 0), What: "scope", Who: "UTC", ID: "security"}, {At: at(1, 1), What: "control", Who: "OWN-1", Action: "active",
		Terms: control}}, events...)
	if err := write(t.Context(), h, "org_told", all); err != nil {
		t.Fatal(err)
	}
	p, err := shown(t.Context(), h, "org_told", all, end, false)
	if err != nil {
		t.Fatal(err)
	}
	for k, w := range want {
		if p[k] != w {
			t.Errorf("%s is %s, want %s", k, p[k], w)
		}
	}
}

func checked(day, hour int, state string) event {
	return event{At: at(day, hour), What: "check", Runs: map[string]string{"idp.mfa_all": state}}
}

var mfa = map[string]string{"idp.mfa_all": "required"}

func TestADecisionOnACriterionLeavesItsDaysBefore(t *testing.T) {
	c := &terms{Tests: mfa, Kinds: []ekind{{Key: "export", Valid: 38, Required: true}}, Criteria: []string{"CC6.1"}, Weight: 1}
	told(t, c, at(6, 12), []event{checked(1, 2, "pass"), {At: at(4, 9), What: "decide", Who: "CC6.1", ID: "n1", Day: "2026-03-05"}},
		map[string]string{"2026-03-02 CC6.1": "F", "2026-03-03 CC6.1": "F", "2026-03-04 CC6.1": "F", "2026-03-05 CC6.1": "–", "2026-03-06 CC6.1": "–"})
}

func TestADayThatADecisionCutsMakesNoOtherDayLikeIt(t *testing.T) {
	c := &terms{Tests: mfa, Weight: 1}
	told(t, c, at(8, 12), []event{checked(1, 2, "pass"), checked(5, 9, "error"), {At: at(5, 12), What: "decide", Who: "OWN-1", ID: "n1", To: "2026-03-07"}},
		map[string]string{"2026-03-03 OWN-1": "N", "2026-03-04 OWN-1": "N", "2026-03-05 OWN-1": "E", "2026-03-06 OWN-1": "–", "2026-03-08 OWN-1": "N"})
}

func TestALateRunStartsNoControlLater(t *testing.T) {
	c := &terms{Tests: mfa, Policies: []string{"POL-91"}, Weight: 1}
	told(t, c, at(8, 12), []event{checked(1, 2, "pass"), {At: at(6, 9), What: "late", Who: "idp.mfa_all", ID: "pass", Collected: at(5, 9)}},
		map[string]string{"2026-03-01 OWN-1": "F", "2026-03-04 OWN-1": "F", "2026-03-05 OWN-1": "F"})
}

func TestNotStartedNeverStandsBesideAnF(t *testing.T) {
	c := &terms{Tests: mfa, Weight: 1}
	other := &terms{Tests: map[string]string{"vcs.2fa": "required"}, Policies: []string{"POL-91"}, Weight: 1}
	told(t, c, at(4, 12), []event{checked(1, 2, "pass"), {At: at(3, 8), What: "propose", Who: "OWN-1", ID: "n1", Action: "change", Terms: other},
		{At: at(3, 9), What: "approve", Who: "OWN-1", ID: "n1"}},
		map[string]string{"2026-03-04 OWN-1": "F", "health of OWN-1": "failing"})
}

func TestALateRunStartsAControlAndItsHealth(t *testing.T) {
	c := &terms{Tests: mfa, Weight: 1}
	told(t, c, at(4, 12), []event{{At: at(4, 9), What: "late", Who: "idp.mfa_all", ID: "fail", Collected: at(3, 9)}},
		map[string]string{"2026-03-03 OWN-1": "F", "health of OWN-1": "no_data"})
}

func TestALinkWithoutAFileStartsNoControl(t *testing.T) {
	c := &terms{Kinds: []ekind{{Key: "export", Valid: 38, Required: true}}, Weight: 1}
	told(t, c, at(4, 12), []event{{At: at(2, 8), What: "submit", Who: "OWN-1", ID: "n1", Piece: &piece{Control: "OWN-1", Key: "export",
		NoFile: true}}, {At: at(2, 9), What: "accept", Who: "OWN-1", ID: "n1"}},
		map[string]string{"2026-03-03 OWN-1": "N", "health of OWN-1": "not_started"})
}

func TestEvidenceThatLackedForAPartOfADayFailsIt(t *testing.T) {
	c := &terms{Tests: mfa, Kinds: []ekind{{Key: "export", Valid: 38, Required: true}}, Weight: 1}
	give := func(id string, day int) []event {
		return []event{{At: at(day, 6), What: "submit", Who: "OWN-1", ID: id, Piece: &piece{Control: "OWN-1", Key: "export"}}, {At: at(day, 12),
			What: "accept", Who: "OWN-1", ID: id}}
	}
	all := append([]event{checked(1, 2, "pass"), checked(2, 2, "pass")}, give("n1", 2)...) // missing until noon of the second day
	all = append(all, checked(3, 2, "pass"), checked(4, 2, "pass"))
	all = append(all, event{At: at(4, 5), What: "take back", Who: "OWN-1", ID: "n1"}) // and from five until noon of the fourth
	all = append(all, give("n2", 4)...)
	told(t, c, at(5, 12), append(all, checked(5, 2, "pass")),
		map[string]string{"2026-03-01 OWN-1": "F", "2026-03-02 OWN-1": "F", "2026-03-03 OWN-1": "P", "2026-03-04 OWN-1": "F", "2026-03-05 OWN-1": "P"})
}

func TestEvidenceThatStartsAControlDoesNotFailItsFirstDay(t *testing.T) {
	c := &terms{Kinds: []ekind{{Key: "export", Valid: 38, Required: true}}, Weight: 1}
	told(t, c, at(3, 12), []event{{At: at(2, 6), What: "submit", Who: "OWN-1", ID: "n1", Piece: &piece{Control: "OWN-1", Key: "export"}}, {At: at(2,
		12), What: "accept", Who: "OWN-1", ID: "n1"}},
		map[string]string{"2026-03-01 OWN-1": "N", "2026-03-02 OWN-1": "P", "2026-03-03 OWN-1": "P"})
}

func TestAScheduledVersionIsTheCompanysOwnTextFromItsDay(t *testing.T) {
	c := &terms{Tests: map[string]string{"vcs.2fa": "required"}, Weight: 1}
	next := &terms{Tests: mfa, Weight: 1}
	told(t, c, at(4, 12), []event{{At: at(2, 8), What: "propose", Who: "OWN-1", ID: "n1", Action: "change", Day: "2026-03-03", Terms: next},
		{At: at(2, 9), What: "approve", Who: "OWN-1", ID: "n1"},
		checked(3, 9, "not_applicable"), checked(4, 9, "not_applicable")}, // the daily work that writes it to the control has not come around
		map[string]string{"2026-03-03 OWN-1": "–", "2026-03-04 OWN-1": "–", "health of OWN-1": "no_occurrence"})
}

func TestNothingLackedBeforeAControlWasProvedForTheFirstTime(t *testing.T) {
	c := &terms{Kinds: []ekind{{Key: "export", Valid: 38, Required: true}}, Weight: 1}
	told(t, c, at(3, 12), []event{{At: at(2, 6), What: "propose", Who: "OWN-1", ID: "n1", Action: "change", Terms: &terms{Tests: mfa, Weight: 1}},
		{At: at(2, 8), What: "approve", Who: "OWN-1", ID: "n1"}, checked(2, 9, "pass"), checked(3, 9, "pass")},
		map[string]string{"2026-03-01 OWN-1": "N", "2026-03-02 OWN-1": "N", "2026-03-03 OWN-1": "P"})
}

func TestADecisionThatEndsAsksForNothingTheFirstTime(t *testing.T) {
	c := &terms{Tests: mfa, Weight: 1}
	next := &terms{Tests: mfa, Kinds: []ekind{{Key: "export", Valid: 38, Required: true}}, Weight: 1}
	told(t, c, at(7, 12), []event{checked(1, 2, "pass"), {At: at(2, 8), What: "propose", Who: "OWN-1", ID: "n1", Action: "change", Terms: next},
		{At: at(2, 9), What: "approve", Who: "OWN-1", ID: "n1"}, {At: at(4, 9), What: "decide", Who: "OWN-1", ID: "n2", To: "2026-03-05"},
		{At: at(5, 9), What: "submit", Who: "OWN-1", ID: "n3", Piece: &piece{Control: "OWN-1", Key: "export"}}, {At: at(6, 11), What: "accept", Who: "OWN-1", ID: "n3"}},
		map[string]string{"2026-03-03 OWN-1": "F", "2026-03-05 OWN-1": "–", "2026-03-06 OWN-1": "F", "2026-03-07 OWN-1": "N"})
}
