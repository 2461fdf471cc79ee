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
	return op.Actor{Org: f.org, ID: u.ID, Session: "ses_" + u.ID, Person: u.Person, Roles: roles, Via: "web"}
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
	return recompiled(t, func(tests []content.Test) []content.Test {
		tests = slices.DeleteFunc(tests, func(x content.Test) bool { return x.ID == "idp.dormant" })
		for i := range tests {
			if tests[i].ID == "idp.mfa_all" {
				tests[i].Condition, tests[i].Title, tests[i].IntervalHours = exempt, "Another title", 400
			}
		}
		return tests
	})
}

// recompiled is the catalogue with other tests.
func recompiled(t *testing.T, change func([]content.Test) []content.Test) func() (*check.Catalogue, error) {
	t.Helper()
	tests, err := content.Tests()
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := content.ResourceKinds()
	if err != nil {
		t.Fatal(err)
	}
	c, err := check.Compile(change(tests), kinds)
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

// exempt is a weaker condition: it leaves one person out.
const exempt = `mfa_enrolled || email == "jude@example.com"`

const weaker = "tests:\n  - id: idp.mfa_all\n    condition: '" + exempt + "'\n"

func TestNoFileAndNoLaterProgramChangesWhatWas(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		var moments []time.Time
		for day := range 6 {
			f.users = []collect.Resource{user("jude", []any{true, false, nil, true, false, true}[day]), user("li", true)}
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
		if d := f.test(t, "idp.mfa_all"); d.Condition != exempt || d.Title != "Another title" {
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

// tally counts what would be wrong.
type tally int

func (*tally) Helper()                 {}
func (n *tally) Errorf(string, ...any) { *n++ }

// The control of the test above: the same look finds it where the folder is read as it is now, whatever moment is asked for.
func TestReadingTheFolderAsItIsNowIsFound(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{user("jude", true)}
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

// An organisation that an earlier program founded is offered what the library has got since, once, as drafts. What it deleted
// stays deleted, and a control of its own keeps its ref.
func TestWhatTheLibraryHasGotSinceIsOfferedOnceAsDrafts(t *testing.T) {
	f := newFirm(t, "")
	refs := []string{"DAT-09", "IAM-16", "PRV-03"}
	everything, err := content.Controls()
	if err != nil {
		t.Fatal(err)
	}
	org := "org_" + strings.Repeat("0", 22) + "old1"
	old := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if _, err := f.DB.Change(t.Context(), org, store.System("test"), fn); err != nil {
			t.Fatal(err)
		}
	}
	old(func(tx *store.Tx) error { // as an earlier program left it
		if err := grc.Found(t.Context(), tx, "Old Ltd", "", &grc.Person{Name: "Olga", Kind: "employee", State: "active", Source: "by hand"}); err != nil {
			return err
		}
		for _, c := range everything {
			if slices.Contains(refs, c.Ref) {
				continue
			}
			if err := store.Put(t.Context(), tx, grc.Controls, &grc.Control{Ref: c.Ref, Title: c.Title, Text: c.Text, Set: c.Set, State: "draft", Weight: int64(c.Weight), Library: true}); err != nil {
				return err
			}
		}
		return store.Put(t.Context(), tx, grc.Controls, &grc.Control{Ref: "IAM-16", Title: "Our own", Text: "Our own text.", Set: "custom", State: "draft", Weight: 1})
	})
	read := func() []string {
		t.Helper()
		n, err := f.ReadRules(t.Context(), org)
		if err != nil {
			t.Fatal(err)
		}
		return n.Library
	}
	if got := read(); !slices.Equal(got, []string{"DAT-09", "PRV-03"}) {
		t.Errorf("offered are %v", got)
	}
	old(func(tx *store.Tx) error {
		all, err := store.All(t.Context(), &tx.View, grc.Controls, map[string]any{"set": []string{"base", "custom"}})
		if err != nil {
			return err
		}
		for _, c := range all {
			switch c.Ref {
			case "DAT-09":
				if c.State != "draft" || !c.Library || c.VersionNo != 0 || len(c.Evidence) != 2 {
					t.Errorf("offered as %+v", c)
				}
				return store.End(t.Context(), tx, grc.Controls, c.ID, c.Rev)
			case "IAM-16":
				if c.Title != "Our own" {
					t.Errorf("their own control is now %+v", c)
				}
			}
		}
		t.Error("DAT-09 was not offered")
		return nil
	})
	if got := read(); len(got) > 0 {
		t.Errorf("what was deleted, or is there, is offered again: %v", got)
	}
	if got := f.read(t); len(got.Library) > 0 {
		t.Errorf("a new organisation has all, and is offered %v", got.Library)
	}
}
