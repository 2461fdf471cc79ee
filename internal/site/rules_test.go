// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/content"
	"assay/internal/auth"
	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
)

// file writes a file of the data folder, or takes it away where the text is empty.
func (f *firm) file(t *testing.T, name, text string) {
	t.Helper()
	at := filepath.Join(f.Data, "tests", name)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if text == "" {
		err = os.Remove(at)
	} else {
		err = os.WriteFile(at, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (f *firm) read(t *testing.T) check.Noticed {
	t.Helper()
	n, err := f.ReadRules(t.Context(), f.org)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// someone is a user with roles, and a person of his own.
func (f *firm) someone(t *testing.T, name string, roles ...op.Role) op.Actor {
	t.Helper()
	var u *auth.User
	_, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error {
		p := &grc.Person{Name: name, Email: name + "@example.com", Kind: "employee", State: "active", Source: "by hand"}
		if err := store.Put(t.Context(), tx, grc.People, p); err != nil {
			return err
		}
		u = &auth.User{Name: name, Email: name + "@example.com", Person: p.ID, Roles: roles, State: "active"}
		return store.Put(t.Context(), tx, auth.Users, u)
	})
	if err != nil {
		t.Fatal(err)
	}
	return op.Actor{Org: f.org, ID: u.ID, Person: u.Person, Roles: roles, Via: "web"}
}

// do calls an operation and gives its answer as JSON does.
func (f *firm) do(t *testing.T, who op.Actor, name string, in map[string]any) (map[string]any, error) {
	t.Helper()
	out, err := op.Do[any](t.Context(), f.Gate, who, name, in, time.Time{})
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	return m, json.Unmarshal(b, &m)
}

func (f *firm) must(t *testing.T, who op.Actor, name string, in map[string]any) map[string]any {
	t.Helper()
	m, err := f.do(t, who, name, in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

// step makes a move of a thing that an earlier answer shows.
func (f *firm) step(t *testing.T, who op.Actor, name string, of map[string]any, more map[string]any) (map[string]any, error) {
	t.Helper()
	in := map[string]any{"id": of["id"], "rev": of["rev"]}
	maps.Copy(in, more)
	return f.do(t, who, name, in)
}

// proposal is the one rule file that waits.
func (f *firm) proposal(t *testing.T) map[string]any {
	t.Helper()
	l := f.must(t, f.me, "rule_file.list", map[string]any{"state": "proposed"})["data"].([]any)
	if len(l) != 1 {
		t.Fatalf("%d files wait, want one", len(l))
	}
	return l[0].(map[string]any)
}

// picture is everything that the organisation says of its days and of a moment.
func (f *firm) picture(t *testing.T, asOf time.Time) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, in := range map[string]map[string]any{"readiness.get": {}, "monitoring.grid": {"days": 12}, "test.list": {}, "criterion.list": {},
		"test.get": {"id": "idp.mfa_all", "days": 12}, "control.status": {"ref": "IAM-02", "days": 12}} {
		got, err := op.Do[any](t.Context(), f.Gate, f.me, name, in, asOf)
		if err != nil {
			t.Fatalf("%s as of %s: %v", name, asOf, err)
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(b)
	}
	return out
}

// days are the letters of the tests, controls and criteria, newest first, without the day in progress.
func (f *firm) days(t *testing.T, days int) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := f.DB.View(t.Context(), f.org, time.Time{}, store.System("test"), func(v *store.View) error {
		b, err := (&report.Boards{DB: f.DB, Rules: f.Boards.Rules}).Of(t.Context(), v, days)
		if err != nil {
			return err
		}
		for id, l := range b.Tests {
			for _, c := range l.Cells[1:] {
				out["test "+id] += c.Letter.String()
			}
		}
		for _, c := range b.Controls {
			for _, l := range c.Letters[1:] {
				out["control "+c.Control.Ref] += l.String()
			}
		}
		for _, c := range b.Criteria {
			for _, l := range c.Letters[1:] {
				out["criterion "+c.Requirement.Ref] += l.String()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func differ(t interface {
	Helper()
	Errorf(string, ...any)
}, what string, was, now map[string]string) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if was[k] != now[k] {
			t.Errorf("%s: %s was\n%s\nand is\n%s", what, k, was[k], now[k])
		}
	}
}

// another is a catalogue as a later program may bring it: a test weakened, one gone, one with another severity.
func another(t *testing.T) func() (*check.Catalogue, error) {
	t.Helper()
	tests, err := content.Tests()
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := content.ResourceKinds()
	if err != nil {
		t.Fatal(err)
	}
	tests = slices.DeleteFunc(tests, func(x content.Test) bool { return x.ID == "idp.dormant" })
	for i := range tests {
		if tests[i].ID == "idp.mfa_all" {
			tests[i].Condition, tests[i].Title, tests[i].IntervalHours = weak, "Another title", 400
		}
	}
	c, err := check.Compile(tests, kinds)
	return func() (*check.Catalogue, error) { return c, err }
}

// again opens the same data folder as another program would.
func (f *firm) again(t *testing.T, cat func() (*check.Catalogue, error)) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	connector := collect.Connector{Name: "fixed", Title: "Fixed", Doc: "For tests.", New: func(json.RawMessage) (collect.Source, error) {
		return fixed{[]string{"idp.user"}, &f.users, f.wrong}, nil
	}}
	a, err := site.Open(t.Context(), f.Settings, site.Parts{Clock: f.clock.(clock.Clock), Connectors: []collect.Connector{connector}, Catalogue: cat, Version: "later"})
	if err != nil {
		t.Fatal(err)
	}
	f.App = a
	t.Cleanup(func() { a.Close() })
}

// tally counts what would be wrong.
type tally int

func (*tally) Helper()                 {}
func (n *tally) Errorf(string, ...any) { *n++ }

// The control of the test above: the same look finds it where the folder is read as it is now, whatever moment is asked for.
func TestReadingTheFolderAsItIsNowIsFound(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{user("jo", true)}
	f.check(t)
	then := f.DB.Clock().Now()
	f.clock.Move(24 * time.Hour)
	f.check(t)
	was := f.picture(t, then)
	f.file(t, "own.yaml", "tests:\n  - id: idp.mfa_all\n    enabled: false\n    reason: We do not want it.\n")
	f.again(t, nil)
	f.Boards.Rules = func(context.Context, *store.View) (*check.Catalogue, error) {
		std, err := check.Standard()
		if err != nil {
			return nil, err
		}
		files, err := check.LoadOverrides(os.DirFS(filepath.Join(f.Data, "tests")))
		if err != nil {
			return nil, err
		}
		return std.With(files, nil)
	}
	var n tally
	differ(&n, "", was, f.picture(t, then))
	if n < 3 {
		t.Errorf("%d answers differ: the look proves nothing", n)
	}
}

const ownOf = `
  - id: own.named
    title: Every identity has an address
    kind: idp.user
    severity: low
    interval_hours: 24
    condition: filled(email)
    message: "{name} has no address."
    observed: [email]
    controls: [{id: IAM-02, role: supporting}]
    fixtures:
      now: "2026-03-02T12:00:00Z"
      pass: {expect: pass, given: {idp.user: [{id: jo, email: jo@example.com}]}}
      fail: {expect: fail, given: {idp.user: [{id: jo, email: null}]}}
      empty: {expect: error, given: {idp.user: []}}
      unknown: {expect: unknown, given: {idp.user: [{id: jo}]}}
`

// weak is a condition that lets one account through.
const weak = "mfa_enrolled || email == 'jo@example.com'"

const weaker = "tests:\n  - id: idp.mfa_all\n    condition: \"" + weak + "\"\n"

func TestNoFileAndNoLaterProgramChangesWhatWas(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		var moments []time.Time
		for day := range 6 {
			f.users = []collect.Resource{user("jo", []any{true, false, nil, true, false, true}[day]), user("li", true)}
			if day != 3 {
				f.check(t)
			}
			moments = append(moments, f.DB.Clock().Now())
			f.clock.Move(24 * time.Hour)
		}
		f.check(t)
		moments = append(moments, f.DB.Clock().Now())
		f.clock.Move(time.Minute)
		was := map[time.Time]map[string]string{}
		for _, m := range moments {
			was[m] = f.picture(t, m)
		}
		days := f.days(t, 12)
		if d := days["test idp.mfa_all"]; !strings.Contains(d, "F") || !strings.Contains(d, "P") || !strings.Contains(d, "N") {
			t.Fatalf("the days %q do not hold enough to lose", d)
		}
		held := func(what string) {
			t.Helper()
			for _, m := range moments {
				differ(t, what+", as of "+m.Format(time.DateOnly), was[m], f.picture(t, m))
			}
			differ(t, what, days, f.days(t, 12))
		}
		for what, text := range map[string]string{"a weaker condition": weaker, "a test switched off": "tests:\n  - id: idp.mfa_all\n    enabled: false\n    reason: We do not want it.\n",
			"another severity": "tests:\n  - id: idp.mfa_all\n    severity: low\n", "a test more": "tests:" + ownOf,
			"a control changed": "controls:\n  - ref: IAM-02\n    weight: 1\n    tests: [{test: idp.dormant, role: required}]\n"} {
			f.file(t, "own.yaml", text)
			held("before it was read, " + what)
			f.read(t)
			held(what)
		}
		f.again(t, another(t))
		held("a later program that has not read anything yet")
		if n := f.read(t); n.Edition == "" {
			t.Error("the catalogue of the later program was not noticed")
		}
		held("a later program")
		if d := f.test(t, "idp.mfa_all"); d.Condition != weak || d.Title != "Another title" {
			t.Errorf("from now on the later catalogue holds, and the test is %q %q", d.Title, d.Condition)
		}
		f.file(t, "own.yaml", "")
		f.read(t)
		held("the file is gone")
		f.clock.Move(time.Minute)
		f.check(t)
		held("a check by the later program")
	})
}

func TestAFileThatChangesATestIsAProposalUntilAnotherPersonApproves(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jo", false)}
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
		if d.Condition != weak || !d.Changed || d.ChangedBy != "file weaker.yaml" || d.ChangeWhy != "Our provider does it." || d.ChangedAt == nil || !slices.Equal(d.Fields, []string{"condition"}) {
			t.Errorf("after approval: %q %+v", d.Condition, d.TestRow)
		}
		// Taking the file away is a change of the test too.
		f.clock.Move(time.Hour)
		f.file(t, "weaker.yaml", "")
		if n := f.read(t); len(n.Waiting) != 1 || f.test(t, "idp.mfa_all").Condition != weak {
			t.Fatalf("the file is gone: %+v", n)
		}
		// The file is back as it was: nothing waits any more.
		f.file(t, "weaker.yaml", weaker)
		f.read(t)
		if l := f.must(t, f.me, "rule_file.list", map[string]any{"state": "proposed"})["data"].([]any); len(l) != 0 {
			t.Errorf("%v still waits", l)
		}
		// What was added by a file is a test like any other from then on.
		f.file(t, "own.yaml", "tests:"+strings.Replace(ownOf, "filled(email)", "filled(email) || filled(status)", 1))
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

func TestADefinitionThatChangesATestTakesTwoPeople(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager)
		f.users = []collect.Resource{user("jo", false)}
		in := map[string]any{"title": "No MFA for us", "text": weaker}
		if _, err := f.do(t, jo, "definition.create", in); errs.Public(err).Field != "reason" {
			t.Errorf("without a reason: %v", err)
		}
		in["reason"] = "Our provider does it."
		d := f.must(t, jo, "definition.create", in)
		f.check(t)
		if x := f.test(t, "idp.mfa_all"); d["state"] != "proposed" || x.State != "fail" || x.Changed {
			t.Fatalf("one person weakened a test: %v %+v", d["state"], x.TestRow)
		}
		if _, err := f.step(t, jo, "definition.approve", d, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("the author approves: %v", err)
		}
		d, err := f.step(t, kim, "definition.approve", d, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := f.test(t, "idp.mfa_all")
		if x.Condition != weak || !x.Changed || x.ChangedBy != jo.ID || x.ChangeWhy != "Our provider does it." {
			t.Errorf("after approval: %+v", x.TestRow)
		}
		if _, err := f.step(t, jo, "definition.update", d, map[string]any{"title": "Something else"}); errs.Public(err).Code != errs.Conflict {
			t.Errorf("what was approved was changed: %v", err)
		}
		if _, err := f.step(t, jo, "definition.end", d, nil); errs.Public(err).Code != errs.Conflict {
			t.Errorf("what is in force was ended: %v", err)
		}
		f.clock.Move(time.Hour)
		if d, err = f.step(t, kim, "definition.ask_to_retire", d, map[string]any{"retire_reason": "We do it again."}); err != nil {
			t.Fatal(err)
		}
		if f.test(t, "idp.mfa_all").Condition != weak || !strings.Contains(fmt.Sprint(d["retire_changes"]), "condition") {
			t.Errorf("one person retired it: %v", d)
		}
		if _, err = f.step(t, kim, "definition.retire", d, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("whoever asked to retire it approves: %v", err)
		}
		if _, err = f.step(t, jo, "definition.retire", d, nil); err != nil {
			t.Fatal(err)
		}
		if x := f.test(t, "idp.mfa_all"); x.Changed || x.Condition == weak {
			t.Errorf("after it was retired: %+v", x.TestRow)
		}
		own := f.must(t, jo, "definition.create", map[string]any{"title": "One more", "text": "tests:" + ownOf})
		if x := f.test(t, "own.named"); own["state"] != "active" || x.Origin != "custom" {
			t.Errorf("a definition that only adds: %v %+v", own["state"], x.TestRow)
		}
	})
}

func TestATestThatWasSwitchedOffGivesNoDataAndSaysWhy(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Owner)
		f.users = []collect.Resource{user("jo", true)}
		f.check(t)
		d := f.must(t, jo, "definition.create", map[string]any{"title": "Off", "reason": "Not for us.", "text": "tests:\n  - id: idp.mfa_all\n    enabled: false\n    reason: We have no passwords.\n"})
		if _, err := f.step(t, kim, "definition.approve", d, nil); err != nil {
			t.Fatal(err)
		}
		x := f.test(t, "idp.mfa_all")
		if x.State != "switched_off" || !strings.Contains(x.Reason, "We have no passwords.") || !x.Changed || x.ChangedBy != jo.ID {
			t.Errorf("%+v", x.TestRow)
		}
		l := f.must(t, f.me, "test.list", map[string]any{"state": "switched_off"})["data"].([]any)
		if len(l) != 1 {
			t.Errorf("the list has %v", l)
		}
		err := f.DB.View(t.Context(), f.org, time.Time{}, store.System("test"), func(v *store.View) error {
			b, err := f.Boards.Of(t.Context(), v, 2)
			if err != nil {
				return err
			}
			n := 0
			for _, c := range b.Controls {
				if slices.ContainsFunc(c.Control.Tests, func(x grc.ControlTest) bool { return x.Test == "idp.mfa_all" && x.Role == "required" }) {
					n++
					if h := c.Health; h.Health == report.Passing || h.Health == report.NeedsAttention || h.Health == report.NoData && !strings.Contains(fmt.Sprint(h.Causes), "We have no passwords.") {
						t.Errorf("%s is %s: %v", c.Control.Ref, h.Health, h.Causes)
					}
				}
			}
			if n == 0 {
				t.Error("no control counts on it")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAPauseMakesAZAndNeverTurnsAnFAway(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim, owner := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager), f.someone(t, "ona", op.Owner)
		f.users = []collect.Resource{user("jo", false)}
		f.check(t)
		f.clock.Move(24 * time.Hour)
		f.check(t)
		ask := func(days int) map[string]any {
			t.Helper()
			return f.must(t, jo, "test_pause.create", map[string]any{"test": "idp.mfa_all", "reason": "The provider is moved this week.", "starts_at": clock.Format(f.DB.Clock().Now().Add(-48 * time.Hour)),
				"ends_at": clock.Format(f.DB.Clock().Now().Add(time.Duration(days) * 24 * time.Hour))})
		}
		if _, err := f.do(t, jo, "test_pause.create", map[string]any{"test": "idp.mfa_all", "reason": "The provider is moved this week.", "ends_at": clock.Format(f.DB.Clock().Now().Add(31 * 24 * time.Hour))}); errs.Public(err).Field != "ends_at" {
			t.Errorf("31 days: %v", err)
		}
		p, long := ask(2), ask(20)
		if _, err := f.step(t, jo, "test_pause.approve", p, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("whoever asks approves: %v", err)
		}
		if _, err := f.step(t, kim, "test_pause.approve", long, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("a manager approves 20 days: %v", err)
		}
		if _, err := f.step(t, kim, "test_pause.approve_as_owner", long, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("a manager approves 20 days as an owner: %v", err)
		}
		before := f.days(t, 5)
		p, err := f.step(t, kim, "test_pause.approve", p, nil)
		if err != nil {
			t.Fatal(err)
		}
		differ(t, "a pause that claims to begin two days ago", before, f.days(t, 5))
		if d := f.test(t, "idp.mfa_all"); d.Spans[0].Letter != "F" || !d.Paused {
			t.Errorf("on the day of the failure: %v, paused %v", d.Spans, d.Paused)
		}
		f.clock.Move(24 * time.Hour)
		f.check(t)
		if d := f.test(t, "idp.mfa_all"); d.Spans[0].Letter != "Z" || d.Spans[1].Letter != "F" {
			t.Errorf("on a day of the pause: %v", d.Spans)
		}
		if d := f.test(t, "idp.dormant"); d.Spans[0].Letter == "Z" {
			t.Errorf("another test rests too: %v", d.Spans)
		}
		if _, err := f.step(t, jo, "test_pause.end", p, nil); errs.Public(err).Code != errs.Conflict {
			t.Errorf("an approved pause was ended: %v", err)
		}
		if _, err := f.step(t, kim, "test_pause.revoke", p, nil); err != nil {
			t.Fatal(err)
		}
		f.check(t)
		if d := f.test(t, "idp.mfa_all"); d.Spans[0].Letter != "F" {
			t.Errorf("after it was revoked and run: %v", d.Spans)
		}
		f.clock.Move(24 * time.Hour)
		if d := f.test(t, "idp.mfa_all"); d.Spans[0].Letter != "N" || d.Spans[1].Letter != "F" {
			t.Errorf("the day after: %v", d.Spans)
		}
		if _, err := f.step(t, owner, "test_pause.approve_as_owner", long, nil); err != nil {
			t.Fatal(err)
		}
		if d := f.test(t, "idp.mfa_all"); d.Spans[0].Letter != "Z" {
			t.Errorf("a long pause by an owner: %v", d.Spans)
		}
		if _, err := f.do(t, jo, "test_pause.create", map[string]any{"test": "no.such", "reason": "The provider is moved this week.", "ends_at": clock.Format(f.DB.Clock().Now().Add(time.Hour))}); errs.Public(err).Field != "test" {
			t.Errorf("a pause of no test: %v", err)
		}
	})
}

func TestEveryDefinitionOfATestIsOnRecordWithItsTime(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager)
		f.clock.Move(time.Hour)
		d := f.must(t, jo, "definition.create", map[string]any{"title": "Weaker", "reason": "Our provider does it.", "text": weaker})
		f.clock.Move(time.Hour)
		d, err := f.step(t, kim, "definition.approve", d, nil)
		if err != nil {
			t.Fatal(err)
		}
		approved := f.DB.Clock().Now()
		f.clock.Move(time.Hour)
		f.again(t, another(t)) // its condition is the same now, and its title is not
		f.read(t)
		read := f.DB.Clock().Now()
		l, err := op.Do[check.VersionList](t.Context(), f.Gate, f.me, "test.versions", map[string]any{"id": "idp.mfa_all"}, time.Time{})
		if err != nil || len(l.Data) != 3 {
			t.Fatalf("%d versions: %v %+v", len(l.Data), err, l.Data)
		}
		newest, changed, first := l.Data[0], l.Data[1], l.Data[2]
		if !newest.From.Equal(read) || newest.Definition.Title != "Another title" || !newest.To.IsZero() {
			t.Errorf("the newest: %+v", newest)
		}
		if changed.Source != "definition" || changed.ChangedBy != jo.ID || changed.ApprovedBy != kim.ID || !changed.From.Equal(approved) || !changed.To.Equal(read) || changed.Definition.Condition != weak {
			t.Errorf("the changed: %+v", changed)
		}
		if first.Source != "catalogue" || first.Definition.Condition == weak || !first.To.Equal(approved) || first.Version == changed.Version {
			t.Errorf("the first: %+v", first)
		}
		_ = d
	})
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
	if c := got["OWN-01"]; c == nil || c.Frequency != "monthly" || c.State != "active" {
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

// A later program whose tests do not fit with what the company changed does not take effect, and what held goes on.
func TestACatalogueThatDoesNotFitWaits(t *testing.T) {
	f := newFirm(t, "")
	jo, kim := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager)
	d := f.must(t, jo, "definition.create", map[string]any{"title": "Stricter", "reason": "Our contract.", "text": "tests:\n  - id: idp.dormant\n    params: {days: 30}\n"})
	d, err := f.step(t, kim, "definition.approve", d, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.again(t, another(t)) // it has no such test
	f.clock.Move(time.Hour)
	if n := f.read(t); n.Edition != "" || !strings.Contains(n.Problem, fmt.Sprint(d["id"])) {
		t.Errorf("%+v", n)
	}
	if f.test(t, "idp.dormant").State == "" || f.test(t, "idp.mfa_all").Title == "Another title" {
		t.Error("the later catalogue holds, and the change of the company does not fit it")
	}
	if d, err = f.step(t, jo, "definition.ask_to_retire", d, map[string]any{"retire_reason": "The new version has no such test."}); err != nil {
		t.Fatal(err)
	}
	if _, err = f.step(t, kim, "definition.retire", d, nil); err != nil {
		t.Fatal(err)
	}
	if n := f.read(t); n.Edition == "" || n.Problem != "" || f.test(t, "idp.mfa_all").Title != "Another title" {
		t.Errorf("after it was retired: %+v", n)
	}
}

// A data folder from before catalogues were kept: the first start writes one, and what was before is read by that one for ever.
func TestBeforeTheFirstCatalogueThatFirstOneIsRead(t *testing.T) {
	f := newFirm(t, "")
	f.org = "org_old"
	if _, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error {
		return grc.Found(t.Context(), tx, "Old Ltd", "", &grc.Person{Name: "Jo", Email: "jo@example.com", Kind: "employee", State: "active"})
	}); err != nil {
		t.Fatal(err)
	}
	f.me = site.Here(f.org)
	then := f.DB.Clock().Now()
	f.clock.Move(24 * time.Hour)
	if n := f.read(t); n.Edition == "" {
		t.Fatal("the first start writes no catalogue")
	}
	f.clock.Move(24 * time.Hour)
	f.again(t, another(t))
	f.read(t)
	for at, want := range map[time.Time]bool{then: false, {}: true} {
		d, err := op.Do[*report.TestDetail](t.Context(), f.Gate, f.me, "test.get", map[string]any{"id": "idp.mfa_all"}, at)
		if err != nil || (d.Title == "Another title") != want {
			t.Errorf("as of %s it is the later one: %v", at, err)
		}
	}
}
