// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"strings"
	"testing"
	"time"

	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// supplies makes the source of the firm supply other kinds too.
func (f *firm) supplies(t *testing.T, kinds []string, resources ...collect.Resource) {
	t.Helper()
	f.kinds, f.users = kinds, resources
}

func (f *firm) lastRun(t *testing.T) collect.Run {
	t.Helper()
	runs, err := op.Do[collect.RunPage](t.Context(), f.Gate, f.me, "run.list", map[string]any{"limit": 20}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs.Data {
		if r.Connector == "fixed" {
			return r
		}
	}
	t.Fatal("no run")
	return collect.Run{}
}

// A row of a file is not an approved policy, whatever brings it: what Assay keeps itself comes from Assay alone.
func TestWhatAssayKeepsItselfComesFromNoSource(t *testing.T) {
	approved := map[string]any{"ref": "POL-01", "title": "Security", "required": true, "approved_version": "1", "last_reviewed_at": "2026-03-01T00:00:00Z"}
	for _, kind := range []string{"internal.policy", "internal.policy_version", "internal.exception"} {
		f := newFirm(t, "")
		f.supplies(t, []string{kind}, collect.Resource{Kind: kind, Key: "k", Name: "k", Attrs: approved})
		f.check(t)
		if r := f.lastRun(t); r.State != collect.Failed || !strings.Contains(r.Problem, kind) || !strings.Contains(r.Problem, "Assay keeps itself") {
			t.Errorf("%s: the run is %s: %s", kind, r.State, r.Problem)
		}
		if d := f.test(t, "policy.current"); d.State != "fail" || strings.Contains(d.Reason, "could not be read") {
			t.Errorf("%s: policy.current is %s: %s", kind, d.State, d.Reason)
		}
	}
	f := newFirm(t, "") // a source that does not say beforehand what it supplies
	f.supplies(t, []string{"idp.user"}, user("jo", true), collect.Resource{Kind: "internal.policy", Key: "k", Name: "k", Attrs: approved})
	f.check(t)
	if r := f.lastRun(t); r.State != collect.Failed {
		t.Errorf("smuggled in: the run is %s", r.State)
	}
}

func TestRowsOfARegisterThatDoesNotExistAreMarked(t *testing.T) {
	f := newFirm(t, "")
	f.supplies(t, []string{"internal.restore_test"}, collect.Resource{Kind: "internal.restore_test", Key: "r1", Name: "r1",
		Attrs: map[string]any{"store": "db", "production": true, "performed_at": f.clock.Now().Add(-time.Hour).Format(time.RFC3339), "result": "ok", "imported": false}})
	f.check(t)
	if d := f.test(t, "restore.tested"); d.State != "pass" || !strings.Contains(d.Reason, "imported") {
		t.Errorf("restore.tested is %s: %s", d.State, d.Reason)
	}
	all, err := op.Do[collect.ResourcePage](t.Context(), f.Gate, f.me, "resource.list", map[string]any{"kind": "internal.restore_test"}, time.Time{})
	if err != nil || len(all.Data) != 1 || all.Data[0].Attrs["imported"] != true {
		t.Errorf("the resource is not marked: %+v, %v", all.Data, err)
	}
}

// The person whom setup makes from an e-mail address proves nothing about the workforce, until somebody has confirmed it.
func TestTheRecordThatSetupMadeIsNoRoster(t *testing.T) {
	f := newFirm(t, "")
	f.supplies(t, []string{"vcs.member"}, collect.Resource{Kind: "vcs.member", Key: "owner", Name: "owner",
		Attrs: map[string]any{"login": "owner", "email": "owner@example.com", "approved_outside": false}})
	f.check(t)
	if d := f.test(t, "vcs.member_known"); d.State != "unknown" || !strings.Contains(d.Reason, "during setup") {
		t.Errorf("before it is confirmed: %s: %s", d.State, d.Reason)
	}
	people := f.must(t, f.me, "person.list", map[string]any{})["data"].([]any)
	p := people[0].(map[string]any)
	f.must(t, f.me, "person.update", map[string]any{"id": p["id"], "rev": p["rev"], "title": "Head of operations"})
	f.clock.Move(time.Hour)
	f.check(t)
	if d := f.test(t, "vcs.member_known"); d.State != "pass" {
		t.Errorf("after somebody saved it: %s: %s", d.State, d.Reason)
	}
}

// A control that is tied to one policy is judged by the test on the rows of that policy, and by nothing else.
func TestAControlOfOnePolicyIsJudgedByTheRowsOfThatPolicy(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		letters := func() (string, string) {
			t.Helper()
			s, err := op.Do[*report.ControlStatus](t.Context(), f.Gate, f.me, "control.status", map[string]any{"ref": "OWN-01", "days": 10}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			out := ""
			for _, sp := range s.Row.Spans {
				out += strings.Repeat(sp.Letter, sp.Days)
			}
			return s.Health, out
		}
		f.policy(t, "OWN-POL-1", "per_same", "per_same")
		f.policy(t, "OWN-POL-2", "per_a", "per_b")
		c := &grc.Control{Ref: "OWN-01", Title: "One policy", Text: "The policy is approved by somebody else.", Family: "governance", Weight: 1, Frequency: "continuous", State: "active", Criteria: []string{"CC1.1"}, ConfirmedAt: f.clock.Now()}
		tie := func(policy string) {
			t.Helper()
			c.Tests = []grc.ControlTest{{Test: "policy.sod", Role: "required", OnlyPolicies: []string{policy}}}
			c.VersionNo++ // as an approved version does
			put(t, f, grc.Controls, c)
		}
		tie("OWN-POL-1")
		f.clock.Move(time.Minute)
		f.check(t)
		if d := f.test(t, "policy.sod"); d.State != "fail" {
			t.Fatalf("policy.sod is %s: %s", d.State, d.Reason)
		}
		if h, l := letters(); h != "failing" || l[0] != 'F' {
			t.Errorf("its row fails, and the control is %s, %s", h, l)
		}
		f.clock.Move(20 * time.Hour)
		tie("OWN-POL-2")
		f.clock.Move(24 * time.Hour)
		f.check(t)
		if h, l := letters(); h == "failing" || !strings.HasPrefix(l, "–") { // it was approved two days ago
			t.Errorf("the row of the other policy passes, and the control is %s, %s", h, l)
		}
		tie("OWN-POL-9")
		f.clock.Move(24 * time.Hour)
		f.check(t)
		if h, l := letters(); h != "no_occurrence" || !strings.HasPrefix(l, "–") {
			t.Errorf("a policy without a row, and the control is %s, %s", h, l)
		}
	})
}

// policy puts a policy in force that one person wrote and another approved, past the rules of its moves.
func (f *firm) policy(t *testing.T, ref, author, approver string) {
	t.Helper()
	now, text := f.clock.Now(), testkit.PolicyText(nil, "That is all.")
	put(t, f, grc.Policies, &grc.Policy{Ref: ref, Title: "A policy", Kind: "policy", ReviewDays: 365, State: "published", Body: text, VersionNo: 1, PublishedNo: 1, PublishedText: text,
		WrittenBy: author, AgreedBy: approver, AgreedAt: now, PublishedAt: now, InForceSince: now, LastReviewedAt: now})
}

func put[T any, P kind.Thing[T]](t *testing.T, f *firm, k kind.Kind[T], x P) {
	t.Helper()
	if _, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error { return store.Put(t.Context(), tx, k, x) }); err != nil {
		t.Fatal(err)
	}
}
