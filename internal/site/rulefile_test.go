// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

func TestAFileThatChangesATestIsAProposalUntilAnotherPersonApproves(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jude", false)}
		f.file(t, "own.yaml", "tests:"+ownOf)
		if n := f.read(t); len(n.Held) != 1 || len(n.Waiting) != 0 {
			t.Fatalf("a file that only adds: %+v", n)
		}
		if d := f.test(t, "own.named"); d.Origin != "by_file" || d.Changed {
			t.Errorf("the added test: %+v", d.TestRow)
		}
		if n := f.read(t); n.Any() {
			t.Errorf("read again: %+v", n)
		}
		f.clock.Move(time.Hour)
		f.file(t, "weaker.yaml", weaker)
		if n := f.read(t); len(n.Waiting) != 1 || len(n.Held) != 0 {
			t.Fatalf("a file that weakens: %+v", n)
		}
		f.check(t)
		if d := f.test(t, "idp.mfa_all"); d.State != "fail" || d.Changed {
			t.Errorf("the weakening took effect alone: %+v", d.TestRow)
		}
		p := f.proposal(t)
		if c := fmt.Sprint(p["changes"]); !strings.Contains(c, "idp.mfa_all: condition") {
			t.Errorf("the proposal says %s", c)
		}
		if _, err := f.step(t, f.me, "rule_file.approve", p, map[string]any{"reason": "It is right."}); errs.Public(err).Code != errs.Denied {
			t.Errorf("the program on the data folder approves: %v", err)
		}
		kim := f.someone(t, "kim", op.Manager)
		if _, err := f.step(t, kim, "rule_file.approve", p, nil); errs.Public(err).Field != "reason" {
			t.Errorf("approved without a reason: %v", err)
		}
		if _, err := f.step(t, kim, "rule_file.approve", p, map[string]any{"reason": "Our provider does it."}); err != nil {
			t.Fatal(err)
		}
		d := f.test(t, "idp.mfa_all")
		if d.Condition != exempt || !d.Changed || d.ChangedBy != "file weaker.yaml" || d.ChangeWhy != "Our provider does it." || d.ChangedAt == nil || !slices.Equal(d.Fields, []string{"condition"}) {
			t.Errorf("after approval: %q %+v", d.Condition, d.TestRow)
		}
		// Taking the file away is a change of the test too.
		f.clock.Move(time.Hour)
		f.file(t, "weaker.yaml", "")
		if n := f.read(t); len(n.Waiting) != 1 || f.test(t, "idp.mfa_all").Condition != exempt {
			t.Fatalf("the file is gone: %+v", n)
		}
		// The file is back as it was: nothing waits any more.
		f.file(t, "weaker.yaml", weaker)
		f.read(t)
		if l := f.must(t, f.me, "rule_file.list", map[string]any{"state": "proposed"})["data"].([]any); len(l) != 0 {
			t.Errorf("%v still waits", l)
		}
		// What was added by a file is a test like any other from then on.
		f.file(t, "own.yaml", "tests:"+strings.Replace(ownOf, "filled(email)", "true", 1))
		if _, err := f.ReadRules(t.Context(), f.org); err == nil {
			t.Error("a test that does not keep its examples was taken")
		}
		f.file(t, "own.yaml", "tests:"+strings.Replace(ownOf, "severity: low", "severity: medium", 1))
		if n := f.read(t); len(n.Waiting) != 1 {
			t.Errorf("an added test was changed by its file alone: %+v", n)
		}
		if _, err := f.step(t, kim, "rule_file.reject", f.proposal(t), map[string]any{"reason": "No."}); err != nil {
			t.Fatal(err)
		}
		if n := f.read(t); n.Any() {
			t.Errorf("a rejected file was proposed again: %+v", n)
		}
		// Moved to another file, a test is the same test.
		f.file(t, "own.yaml", "")
		f.file(t, "moved/own.yml", "tests:"+ownOf)
		if n := f.read(t); len(n.Waiting) != 0 || len(n.Held) != 2 {
			t.Errorf("a test that moved: %+v", n)
		}
	})
}

func TestATestThatAControlCountsOnIsNotAddedAlone(t *testing.T) {
	f := newFirm(t, "")
	f.must(t, f.me, "control.create", map[string]any{"ref": "OWN-01", "title": "Own", "text": "We do this ourselves.", "criteria": []string{"CC6.1"}, "tests": []map[string]any{{"test": "own.named", "role": "required"}}})
	f.file(t, "own.yaml", "tests:"+ownOf)
	if n := f.read(t); len(n.Waiting) != 1 || !strings.Contains(n.Waiting[0], "OWN-01 already uses it") {
		t.Errorf("%+v", n)
	}
}

// One file by one person must not prove anything: who wrote it is not known, so its control waits for two.
func TestAControlOfAFileCountsOnlyOnceAnotherPersonActivatesIt(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		ready := func() float64 {
			t.Helper()
			return f.must(t, f.me, "readiness.get", map[string]any{})["percent"].(float64)
		}
		f.users = []collect.Resource{user("jo", true)}
		f.check(t)
		before := ready()
		criteria := []string{}
		for _, c := range f.must(t, f.me, "requirement.list", map[string]any{"category": "security", "limit": 1000})["data"].([]any) {
			criteria = append(criteria, fmt.Sprint(c.(map[string]any)["ref"]))
		}
		f.file(t, "own.yaml", "controls:\n  - ref: OWN-01\n    title: All of it\n    text: We do everything, always.\n    weight: 2\n    enabled: true\n    criteria: ["+
			strings.Join(criteria, ", ")+"]\n    tests: [{test: own.named, role: required}]\ntests:"+ownOf)
		if n := f.read(t); !slices.Equal(n.Drafts, []string{"OWN-01"}) || len(n.Held) != 1 {
			t.Errorf("the control does not wait: %+v", n)
		}
		if n := f.read(t); n.Any() || len(n.Drafts) != 0 {
			t.Errorf("read again: %+v", n)
		}
		f.clock.Move(time.Hour)
		f.check(t)
		own := func() map[string]any {
			t.Helper()
			return f.must(t, f.me, "control.list", map[string]any{"ref": "OWN-01"})["data"].([]any)[0].(map[string]any)
		}
		if c := own(); c["state"] != "draft" || c["version_no"] != 0.0 {
			t.Fatalf("a file put a control in force: %v, version %v", c["state"], c["version_no"])
		}
		if now := ready(); now != before {
			t.Errorf("a file lifted readiness from %v to %v", before, now)
		}
		kim, lee := f.someone(t, "kim", op.Manager), f.someone(t, "lee", op.Owner)
		v := f.must(t, kim, "control_version.create", map[string]any{"control": own()["id"], "action": "activate", "reason": "We do all of it already."})
		if _, err := f.step(t, kim, "control_version.approve", v, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("one person put it in force: %v", err)
		}
		v, err := f.step(t, lee, "control_version.approve", v, nil)
		if err != nil {
			t.Fatal(err)
		}
		if v["approved_how"] != "same_hand" {
			t.Errorf("who wrote the file is not known, and the approval is stamped %q", v["approved_how"])
		}
		if c := own(); c["state"] != "active" || c["version_no"] != 1.0 {
			t.Errorf("after the approval: %v, version %v", c["state"], c["version_no"])
		}
		f.clock.Move(time.Hour)
		f.check(t)
		if now := ready(); now <= before {
			t.Errorf("approved, and readiness is %v, as before %v", now, before)
		}
	})
}

// A control whose text nobody approved says so, and its text is no proof that it is documented.
func TestTheTextOfAControlWithoutAVersionIsNotApproved(t *testing.T) {
	f := newFirm(t, "")
	put(t, f, grc.Controls, &grc.Control{Ref: "OWN-01", Title: "Own", Text: "We do this ourselves.", Weight: 1, Frequency: "continuous", State: "active", Criteria: []string{"CC1.1"}})
	s := f.must(t, f.me, "control.status", map[string]any{"ref": "OWN-01"})
	if d := s["documented"].(map[string]any); d["status"] != "no_data" || d["text"] != "the text isn't approved yet" {
		t.Errorf("documented: %v", d)
	}
}

func TestFilesAddControlsAndNeverChangeThem(t *testing.T) {
	f := newFirm(t, "")
	controls := func() map[string]*grc.Control {
		out := map[string]*grc.Control{}
		err := f.DB.View(t.Context(), f.org, time.Time{}, store.System("test"), func(v *store.View) error {
			all, err := store.All(t.Context(), v, grc.Controls, nil)
			for _, c := range all {
				out[c.Ref] = c
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	was := controls()["IAM-02"]
	f.file(t, "own.yaml", "controls:\n  - ref: OWN-01\n    title: Own control\n    text: We do this ourselves, every month.\n    frequency: monthly\n    criteria: [CC6.1]\n  - ref: IAM-02\n    weight: 1\n")
	if n := f.read(t); len(n.Held) != 1 {
		t.Errorf("%+v", n)
	}
	got := controls()
	if c := got["OWN-01"]; c == nil || c.Frequency != "monthly" || c.State != "draft" || c.Own() {
		t.Errorf("own control: %+v", c)
	}
	if c := got["IAM-02"]; c.Weight != was.Weight || c.Rev != was.Rev {
		t.Errorf("a file changed a control: %+v", c)
	}
	l := f.must(t, f.me, "rule_file.list", map[string]any{"state": "active"})["data"].([]any)
	if s := fmt.Sprint(l[0].(map[string]any)["changes"]); !strings.Contains(s, "control IAM-02: weight") {
		t.Errorf("the file says nothing of it: %s", s)
	}
	if n := f.read(t); n.Any() || controls()["OWN-01"].Rev != 1 {
		t.Errorf("read again: %+v", n)
	}
	f.file(t, "own.yaml", "controls:\n  - ref: OWN-02\n    title: Own control\n    text: We do this ourselves.\n    frequency: sometimes\n    criteria: [CC6.1]\n")
	_, err := f.ReadRules(t.Context(), f.org)
	if e := errs.Public(err); err == nil || e.Code != errs.Invalid || !strings.Contains(e.Error(), "own.yaml") {
		t.Errorf("a bad file: %v; want it refused by name", err)
	}
}
