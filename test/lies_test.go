// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/content"
	"assay/internal/check"
	"assay/internal/clock"
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

// scoped puts other categories in scope: one proposes it, another approves.
func scoped(categories ...string) func(*testing.T, *spring) {
	return func(t *testing.T, s *spring) { s.scope(t, map[string]any{"categories": categories}) }
}

func (s *spring) scope(t *testing.T, change map[string]any) string {
	t.Helper()
	in := map[string]any{"reason": "Our customers ask for it."}
	maps.Copy(in, change)
	id := fmt.Sprint(s.do(t, "scope_version.create", in)["id"])
	s.agree(t, "scope_version.approve", map[string]any{"id": id})
	return id
}

func supporting(tests ...string) []any {
	out := required(tests...)
	for _, x := range out {
		x.(map[string]any)["role"] = "supporting"
	}
	return out
}

// excused is a condition with which jo passes too.
const excused = `mfa_enrolled || email == "jo@spring.example.com"`

// defined changes a test: one proposes it, another approves it.
func (s *spring) defined(t *testing.T, title, text string) string {
	t.Helper()
	id := fmt.Sprint(s.do(t, "definition.create", map[string]any{"title": title, "text": text, "reason": "It is better for us like this"})["id"])
	s.agree(t, "definition.approve", map[string]any{"id": id})
	return id
}

// asked is a kind of evidence that a control asks for.
func asked(frequency string, days int, required bool) []any {
	return []any{map[string]any{"key": "report", "title": "Report", "type": "report", "frequency": frequency, "validity_days": days, "required": required}}
}

// reissued makes the next version of the policy and puts it in force.
func reissued(change map[string]any) func(*testing.T, *spring) {
	return func(t *testing.T, s *spring) {
		s.do(t, "policy.revise", map[string]any{"id": s.ids["POL-04"]})
		updated("policy", "POL-04", change)(t, s)
		s.inForce(t)
	}
}

// inForce leads a draft of the policy into force.
func (s *spring) inForce(t *testing.T) {
	t.Helper()
	s.do(t, "policy.submit", map[string]any{"id": s.ids["POL-04"]})
	s.agree(t, "policy.approve", map[string]any{"id": s.ids["POL-04"]})
	s.do(t, "policy.publish", map[string]any{"id": s.ids["POL-04"]})
}

// file writes a file of the data folder, or takes it away where text is empty; the program reads it, and another approves it.
func (s *spring) file(t *testing.T, name, text string) {
	t.Helper()
	at := filepath.Join(s.app.Data, "tests", name)
	fine(t, os.MkdirAll(filepath.Dir(at), 0o700))
	if text == "" {
		fine(t, os.Remove(at))
	} else {
		fine(t, os.WriteFile(at, []byte(text), 0o600))
	}
	n, err := s.app.ReadRules(t.Context(), s.org)
	if fine(t, err); len(n.Waiting) != 1 {
		t.Fatalf("%s: %+v", name, n)
	}
	list := s.must(t, s.full(s.org), s.h.Set.Find("rule_file.list"), map[string]any{"state": "proposed", "path": name})["data"].([]any)
	s.agree(t, "rule_file.approve", map[string]any{"id": list[0].(map[string]any)["id"], "reason": "It is better for us like this"})
}

// brings is a program that brings another catalogue along, in which a test says something else.
func (s *spring) brings(t *testing.T, change func(*content.Test)) {
	t.Helper()
	kinds, err := content.ResourceKinds()
	fine(t, err)
	tests, err := content.Tests()
	fine(t, err)
	for i := range tests {
		change(&tests[i])
	}
	c, err := check.Compile(tests, kinds)
	fine(t, err)
	s.standard = func() (*check.Catalogue, error) { return c, nil }
	n, err := s.app.ReadRules(t.Context(), s.org)
	if fine(t, err); n.Edition == "" || n.Problem != "" {
		t.Errorf("another catalogue: %+v", n)
	}
	s.do(t, "check.run", map[string]any{})
}

// lies are what somebody might do today so that the past looks better, or might do without thinking of it.
var lies = []lie{
	{"a decision is revoked", false, func(t *testing.T, s *spring) {
		id := s.decide(t, "CC1.3", map[string]any{"from_day": s.days[0].String()})
		s.do(t, "decision.revoke", map[string]any{"id": id, "revoke_reason": "It does apply after all."})
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
	{"a category comes into scope", true, scoped("security", "privacy", "availability")},
	{"a category goes out of scope", true, scoped("security")},
	{"a policy is reviewed more often", false, reissued(map[string]any{"review_days": 1})},
	{"a policy is not required", false, reissued(map[string]any{"required": false})},
	{"a policy is revised", false, func(t *testing.T, s *spring) { s.do(t, "policy.revise", map[string]any{"id": s.ids["POL-04"]}) }},
	{"a policy is retired", false, func(t *testing.T, s *spring) {
		s.inForce(t) // it is a draft
		s.do(t, "policy.propose_retire", map[string]any{"id": s.ids["POL-04"], "retire_reason": "Another policy says it all."})
		s.agree(t, "policy.retire", map[string]any{"id": s.ids["POL-04"]})
	}},
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
		s.agree(t, "exception.revoke", map[string]any{"id": id, "revoke_reason": "The phone is there."})
	}},
	{"a test means something else", false, func(t *testing.T, s *spring) {
		id := s.defined(t, "All is well", "tests:\n  - id: idp.mfa_all\n    condition: '"+excused+"'\n")
		s.do(t, "check.run", map[string]any{})
		s.do(t, "definition.ask_to_retire", map[string]any{"id": id, "retire_reason": "It was not well at all."})
		s.agree(t, "definition.retire", map[string]any{"id": id})
	}},
	{"a test is switched off", false, func(t *testing.T, s *spring) {
		s.defined(t, "Switched off", "tests:\n  - id: vcs.2fa\n    enabled: false\n    reason: We have no source control\n")
		s.do(t, "check.run", map[string]any{})
	}},
	{"a test is paused", false, func(t *testing.T, s *spring) {
		in := map[string]any{"test": "idp.mfa_all", "reason": "It is red all the time", "requested_by": s.author(s.org).Person,
			"starts_at": s.days[1].String() + "T00:00:00.000Z", "ends_at": clock.Format(s.clock.Now().AddDate(0, 0, 2))}
		id := s.do(t, "test_pause.create", in)["id"]
		s.agree(t, "test_pause.approve", map[string]any{"id": id})
		s.do(t, "check.run", map[string]any{})
		s.do(t, "test_pause.revoke", map[string]any{"id": id, "revoke_reason": "It is needed"})
	}},
	{"a file of the data folder says something else", false, func(t *testing.T, s *spring) {
		s.file(t, "well.yaml", "tests:\n  - id: idp.mfa_all\n    condition: '"+excused+"'\n")
		s.do(t, "check.run", map[string]any{})
		s.file(t, "well.yaml", "")
	}},
	{"a file of the data folder switches a test off", false, func(t *testing.T, s *spring) {
		s.file(t, "off.yaml", "tests:\n  - id: idp.mfa_all\n    enabled: false\n    reason: We need it no more\n")
		s.do(t, "check.run", map[string]any{})
		s.file(t, "off.yaml", "")
	}},
	{"the program says something else of a test", false, func(t *testing.T, s *spring) {
		s.brings(t, func(x *content.Test) {
			if x.ID == "idp.mfa_all" {
				x.Condition, x.Severity = excused, "low"
			}
		})
	}},
	{"a source is away", false, func(t *testing.T, s *spring) {
		s.users = nil
		s.do(t, "check.run", map[string]any{})
	}},
	{"a system is taken out of scope", false, func(t *testing.T, s *spring) {
		sys := s.do(t, "system.create", map[string]any{"name": "Billing", "in_scope": true, "criticality": 1})
		s.do(t, "system.update", map[string]any{"id": sys["id"], "rev": sys["rev"], "in_scope": false})
	}},
}
