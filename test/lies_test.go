// SPDX-License-Identifier: Apache-2.0

package test

import (
	"maps"
	"testing"
	"time"

	"assay/internal/kind"
)

// lie is one change made today. Sharp ones repaint the closed days of a board that reads the definitions of today.
type lie struct {
	name  string
	sharp bool
	do    func(t *testing.T, s *spring)
}

func (l lie) tell(t *testing.T, x *trial) {
	t.Helper()
	size := x.size(t, x.org)
	x.clock.Move(time.Minute)
	l.do(t, x.spring)
	if x.size(t, x.org) == size {
		t.Errorf("%s: nothing was done", l.name)
	}
	x.shown(t, l.name)
}

func versioned(ref string, change map[string]any) func(*testing.T, *spring) {
	return func(t *testing.T, s *spring) { s.version(t, ref, change) }
}

func updated(kindName, which string, change map[string]any) func(*testing.T, *spring) {
	return func(t *testing.T, s *spring) {
		in := maps.Clone(change)
		in["id"] = s.ids[which]
		if which == "" {
			in["id"] = s.org
		}
		s.do(t, kindName+".update", in)
	}
}

func supporting(tests ...string) []any {
	out := required(tests...)
	for _, x := range out {
		x.(map[string]any)["role"] = "supporting"
	}
	return out
}

// asked is a kind of evidence that a control asks for.
func asked(frequency string, days int, required bool) []any {
	return []any{map[string]any{"key": "report", "title": "Report", "type": "report", "frequency": frequency, "validity_days": days, "required": required}}
}

// lies are what somebody might do today so that the past looks better, or might do without thinking of it. Files of the data
// folder (below s.app.Data) and another catalogue of the program have their place here once they enter the ledger.
var lies = []lie{
	{"a decision is revoked", false, func(t *testing.T, s *spring) {
		id := s.decide(t, "CC1.3", map[string]any{"from_day": s.days[0].String()})
		s.do(t, "decision.revoke", map[string]any{"id": id})
	}},
	{"the failing test is removed", true, versioned("OWN-01", map[string]any{"tests": required("vcs.2fa")})},
	{"the failing test supports", true, versioned("OWN-05", map[string]any{"tests": supporting("vcs.2fa", "idp.mfa_all")})},
	{"a kind of evidence is required", true, versioned("OWN-03", map[string]any{"evidence": asked("yearly", 0, true)})},
	{"a test is exchanged for a new one", true, versioned("OWN-03", map[string]any{"tests": required("host.ssh_password")})},
	{"a kind of evidence is not required", true, versioned("OWN-02", map[string]any{"evidence": asked("weekly", 3, false)})},
	{"a kind of evidence is valid for longer", true, versioned("OWN-02", map[string]any{"evidence": asked("yearly", 400, true)})},
	{"a control serves another criterion", true, versioned("OWN-01", map[string]any{"criteria": []string{"CC1.1"}})},
	{"a control weighs more", false, versioned("OWN-01", map[string]any{"weight": 2})},
	{"a control rests on a policy that is missing", true, versioned("OWN-05", map[string]any{"policies": []string{"POL-05"}, "tests": required("idp.mfa_all")})},
	{"a control says something else", false, versioned("OWN-05", map[string]any{"title": "Another title", "text": "Another text, and nothing else."})},
	{"a control is due more seldom", false, versioned("OWN-05", map[string]any{"frequency": "yearly", "grace_days": 90})},
	{"a control is retired", true, versioned("OWN-01", map[string]any{"action": "retire"})},
	{"a control is put in force again", true, versioned("OWN-04", map[string]any{"action": "activate"})},
	{"a control does not apply", true, func(t *testing.T, s *spring) { s.decide(t, "OWN-04", nil) }},
	{"a control did not apply from a day in the past", true, func(t *testing.T, s *spring) {
		s.decide(t, "OWN-05", map[string]any{"from_day": s.days[3].String()})
	}},
	{"a control did not apply on days in the past", true, func(t *testing.T, s *spring) {
		s.decide(t, "OWN-02", map[string]any{"from_day": s.days[3].String(), "to_day": s.days[8].String()})
	}},
	{"a criterion does not apply", true, func(t *testing.T, s *spring) { s.decide(t, "CC1.4", nil) }},
	{"a change is scheduled and withdrawn", false, func(t *testing.T, s *spring) {
		day := kind.Date(s.clock.Now().AddDate(0, 0, 3).Format(time.DateOnly))
		id := s.version(t, "OWN-05", map[string]any{"tests": required("vcs.2fa"), "effective_from": day})
		s.do(t, "control_version.withdraw", map[string]any{"id": id, "answer": "We think otherwise"})
	}},
	{"a control of the library is retired", true, versioned("IAM-02", map[string]any{"action": "retire"})},
	{"the time zone is another", true, updated("organization", "", map[string]any{"timezone": "Pacific/Pago_Pago"})},
	{"the time zone is a third", true, updated("organization", "", map[string]any{"timezone": "Pacific/Kiritimati"})},
	{"a category comes into scope", true, updated("organization", "", map[string]any{"categories": []string{"security", "privacy", "availability"}})},
	{"a category goes out of scope", true, updated("organization", "", map[string]any{"categories": []string{"security"}})},
	{"a policy is reviewed more often", false, updated("policy", "POL-04", map[string]any{"review_days": 1})},
	{"a policy is not required", false, updated("policy", "POL-04", map[string]any{"required": false})},
	{"a policy is revised", false, func(t *testing.T, s *spring) { s.do(t, "policy.revise", map[string]any{"id": s.ids["POL-04"]}) }},
	{"a policy is retired", false, func(t *testing.T, s *spring) { s.do(t, "policy.retire", map[string]any{"id": s.ids["POL-04"]}) }},
	{"evidence is accepted that covers the past", false, func(t *testing.T, s *spring) {
		s.ids["late proof"] = s.proof(t, "OWN-02", "report", map[string]any{
			"covers_from": s.days[0].String(), "covers_to": s.days[11].String(), "taken_at": s.days[2].String() + "T09:00:00.000Z"})
	}},
	{"evidence is withdrawn", false, func(t *testing.T, s *spring) {
		s.agree(t, "evidence.withdraw", map[string]any{"id": s.ids["first proof"], "reason": "It was not ours"})
	}},
	{"an exception begins in the past", false, func(t *testing.T, s *spring) {
		in := map[string]any{"title": "Jo has no phone", "test": "idp.mfa_all", "resource": "jo", "reason": "A new phone is on its way",
			"starts_at": s.days[1].String() + "T00:00:00.000Z", "expires_at": s.clock.Now().AddDate(0, 0, 30).Format(time.RFC3339)}
		id := s.do(t, "exception.create", in)["id"]
		s.agree(t, "exception.approve", map[string]any{"id": id})
		s.do(t, "check.run", map[string]any{})
		s.agree(t, "exception.revoke", map[string]any{"id": id})
	}},
	{"a test means something else", false, func(t *testing.T, s *spring) {
		id := s.do(t, "definition.create", map[string]any{"title": "All is well", "text": "tests:\n  - id: idp.mfa_all\n    condition: 'true'\n"})["id"]
		s.do(t, "check.run", map[string]any{})
		s.do(t, "definition.retire", map[string]any{"id": id})
	}},
	{"a test is switched off", false, func(t *testing.T, s *spring) {
		s.do(t, "definition.create", map[string]any{"title": "Switched off",
			"text": "tests:\n  - id: vcs.2fa\n    enabled: false\n    reason: We have no source control\n"})
		s.do(t, "check.run", map[string]any{})
	}},
	{"a source is away", false, func(t *testing.T, s *spring) {
		s.users = nil
		s.do(t, "check.run", map[string]any{})
	}},
}
