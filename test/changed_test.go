// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/report"
)

// noOverride are lies after which there is nothing to list, each with the reason.
var noOverride = map[string]string{
	"a policy is revised":                       "the version in force stays in force until the next one is published",
	"evidence is accepted that covers the past": "accepted evidence is proof and no override",
	"a source is away":                          "nobody changed anything",
}

// unreasoned are kinds of changes for which the product asks no reason.
var unreasoned = []report.ChangeKind{"time_zone", "solo_mode", "programme", "source", "system", "deleted", "policy"}

// changes lists what the company changed, all of it.
func (s *spring) changes(t *testing.T, in map[string]any, asOf time.Time) []report.OwnChange {
	t.Helper()
	var out []report.OwnChange
	for in["limit"] = 200; ; {
		ans, err := s.gate(s.full(s.org), s.h.Set.Find("changes.list"), in, asOf)
		if err != nil {
			t.Fatal(err)
		}
		p := ans.Out.(*report.ChangePage)
		if out = append(out, p.Data...); p.Next == "" {
			return out
		}
		in["after"] = p.Next
	}
}

// news are the changes that were not there before, and those that are no longer as they were.
func news(was, now []report.OwnChange) []report.OwnChange {
	seen := map[string]string{}
	for _, c := range was {
		seen[c.ID] = fmt.Sprint(c.State, c.Until, c.EndedName)
	}
	return slices.DeleteFunc(slices.Clone(now), func(c report.OwnChange) bool {
		return seen[c.ID] == fmt.Sprint(c.State, c.Until, c.EndedName)
	})
}

// Every call of which another day could come out otherwise leaves a line that names what it is about, who did it and why.
func TestEveryOverrideLeavesALineThatNamesIt(t *testing.T) {
	springs(t, func(t *testing.T, s *spring) {
		all := s.changes(t, map[string]any{}, time.Time{})
		for _, l := range lies {
			s.clock.Move(time.Minute)
			before := all
			l.do(t, s)
			all = s.changes(t, map[string]any{}, time.Time{})
			fresh := news(before, all)
			if noOverride[l.name] != "" {
				if len(fresh) > 0 {
					t.Errorf("%s: it is no override, and lists %v", l.name, fresh)
				}
				continue
			}
			if len(fresh) == 0 {
				t.Errorf("%s: no line says so", l.name)
			}
			for _, c := range fresh {
				s.sound(t, l.name, c)
			}
		}
		for _, c := range all {
			s.sound(t, "after all of it", c)
		}
	})
}

// sound holds that a line says what it must.
func (s *spring) sound(t *testing.T, when string, c report.OwnChange) {
	t.Helper()
	if len(c.Subjects) == 0 || c.Label == "" || c.What == "" || c.AskedName == "" || c.AskedAt.IsZero() || c.State == "" {
		t.Errorf("%s: a line does not say what it is about, or who did it: %+v", when, c)
	}
	if c.Reason == "" && !slices.Contains(unreasoned, c.Kind) {
		t.Errorf("%s: a line gives no reason: %+v", when, c)
	}
	for _, n := range []string{c.AskedName, c.ApprovedName, c.EndedName, c.AskedFor} {
		if strings.HasPrefix(n, "usr_") || strings.HasPrefix(n, "per_") {
			t.Errorf("%s: %q is an id and no name: %+v", when, n, c)
		}
	}
	if (c.State == "in_force" || c.State == "scheduled" || c.State == "ended") && c.From == nil {
		t.Errorf("%s: it held, and does not say from when: %+v", when, c)
	}
	if c.State == "in_force" && len(c.Fields) == 0 {
		t.Errorf("%s: it does not say what changed: %+v", when, c)
	}
}

// notListed are operations that change things and override nothing, each with the reason. An operation that is not here
// and leaves no line fails the test below: whoever adds one says which it is.
var notListed = map[string]string{
	"policy.approve": "it is in force once it is published, and listed then",
	"policy.reject":  "what was in force stays so",
}

// Every operation that takes a thing out of force leaves a line, whatever it is called: the list is that of the product.
func TestEveryOperationThatEndsOrDecidesLeavesALine(t *testing.T) {
	s := newSpring(t, "")
	x := &trial{spring: s, allowed: map[string]bool{}, tried: map[string]int{}, refused: map[string]error{}}
	if pause := s.given["test_pause.create"]; pause != nil {
		pause["ends_at"] = clock.Format(s.clock.Now().AddDate(0, 0, 5))
	}
	for _, o := range changing(s.h.Set) {
		sh, isKind := s.h.Set.Shape(o.Kind)
		ends := isKind && !sh.System && sh.Object != "users" && sh.Object != "tokens" && (o.Verb == "end" || slices.Contains([]string{"approve", "approve_as_owner", "revoke", "withdraw", "retire", "disable", "reject"}, o.Verb))
		if !ends || notListed[o.Name] != "" || x.apart[o.Name] != "" {
			continue
		}
		s.clock.Move(time.Minute)
		in := x.input(t, s.org, o, true)
		before := s.changes(t, map[string]any{}, time.Time{})
		if x.call(t, x.full(s.org), o.Name, in) == nil && x.learns(o) {
			in = x.input(t, s.org, o, true)
			before = s.changes(t, map[string]any{}, time.Time{})
			x.call(t, x.full(s.org), o.Name, in)
		}
		if x.tried[o.Name] == 0 {
			t.Errorf("%s %v: %v", o.Name, in, x.refused[o.Name])
			continue
		}
		fresh := news(before, s.changes(t, map[string]any{}, time.Time{}))
		if len(fresh) == 0 {
			t.Errorf("%s leaves no line", o.Name)
		}
		if id := fmt.Sprint(in["id"]); !slices.ContainsFunc(fresh, func(c report.OwnChange) bool { return c.Thing == id }) {
			t.Errorf("%s of %s leaves no line about it, but %v", o.Name, id, fresh)
		}
	}
}

func TestWhatEndedStaysListedAndThePastSaysWhatWasKnown(t *testing.T) {
	s := newSpring(t, "")
	id := s.decide(t, "CC1.3", nil)
	then := s.clock.Now()
	s.clock.Move(time.Hour)
	s.agree(t, "decision.revoke", map[string]any{"id": id, "revoke_reason": "We do it after all"})
	find := func(all []report.OwnChange) report.OwnChange {
		i := slices.IndexFunc(all, func(c report.OwnChange) bool { return c.Thing == id })
		if i < 0 {
			t.Fatalf("the decision is not listed")
		}
		return all[i]
	}
	now := find(s.changes(t, map[string]any{}, time.Time{}))
	if now.State != "revoked" || now.EndReason != "We do it after all" || now.Until == nil || !now.Until.Equal(s.clock.Now()) || now.EndedName == "" || now.ApprovedName == "" {
		t.Errorf("now: %+v", now)
	}
	if was := find(s.changes(t, map[string]any{}, then)); was.State != "in_force" || was.Until != nil || was.EndReason != "" {
		t.Errorf("then: %+v", was)
	}
	exc := s.changes(t, map[string]any{"kind": "exception"}, time.Time{})
	if len(exc) != 1 || exc[0].State != "revoked" || !slices.Equal(exc[0].Subjects, []string{"idp.mfa_all"}) {
		t.Errorf("the exception of the fifth day: %+v", exc)
	}
}

func TestAChangeOfAControlSaysWhatItWasAndIs(t *testing.T) {
	s := newSpring(t, "")
	s.version(t, "OWN-05", map[string]any{"title": "Another title", "frequency": "yearly"})
	c := s.changes(t, map[string]any{"subject": "OWN-05"}, time.Time{})
	want := []report.WasNow{{Name: "frequency", Was: "continuous", Now: "yearly"}, {Name: "title", Was: "A control of our own", Now: "Another title"}}
	if len(c) != 3 || !slices.Equal(c[0].Fields, want) || c[0].What != "Control changed" || c[1].State != "ended" || c[2].What != "Control activated" {
		t.Errorf("%+v", c)
	}
	s.do(t, "definition.create", map[string]any{"title": "All is well", "reason": "It is enough for us", "text": "tests:\n  - id: idp.mfa_all\n    severity: low\n"})
	d := s.changes(t, map[string]any{"subject": "idp.mfa_all", "kind": "test"}, time.Time{})
	if len(d) != 1 || d[0].State != "proposed" || len(d[0].Fields) != 1 || d[0].Fields[0].Now != "severity" {
		t.Fatalf("%+v", d)
	}
	s.agree(t, "definition.approve", map[string]any{"id": d[0].Thing})
	d = s.changes(t, map[string]any{"subject": "idp.mfa_all", "kind": "test"}, time.Time{})
	if want := (report.WasNow{Name: "idp.mfa_all severity", Was: "critical", Now: "low"}); len(d) != 1 || d[0].State != "in_force" || len(d[0].Fields) != 1 || d[0].Fields[0] != want {
		t.Errorf("%+v", d)
	}
}

func TestChangesAreFilteredAndPaged(t *testing.T) {
	s := newSpring(t, "")
	all := s.changes(t, map[string]any{}, time.Time{})
	var paged []string
	in := map[string]any{"limit": 3}
	for {
		p := s.must(t, s.full(s.org), s.h.Set.Find("changes.list"), in)
		for _, c := range p["data"].([]any) {
			paged = append(paged, fmt.Sprint(c.(map[string]any)["id"]))
		}
		if in["after"] = p["next"]; p["next"] == nil {
			break
		}
	}
	var want []string
	for i, c := range all {
		want = append(want, c.ID)
		if i > 0 && c.Entry > all[i-1].Entry {
			t.Errorf("%s stands after %s", c.ID, all[i-1].ID)
		}
	}
	if !slices.Equal(paged, want) {
		t.Errorf("in pages %v, at once %v", paged, want)
	}
	for _, c := range s.changes(t, map[string]any{"state": "revoked"}, time.Time{}) {
		if c.State != "revoked" {
			t.Errorf("%+v", c)
		}
	}
	day := s.days[4].String()
	on := s.changes(t, map[string]any{"kind": "exception", "from": day, "to": day}, time.Time{})
	none := s.changes(t, map[string]any{"kind": "exception", "from": s.days[6].String()}, time.Time{})
	if len(on) != 1 || len(none) != 0 {
		t.Errorf("on %s %+v, later %+v", day, on, none)
	}
	if _, err := s.try(s.full(s.org), "changes.list", map[string]any{"kind": "nothing"}); errs.Public(err).Field != "kind" {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestEmployeesDoNotSeeWhatWasChanged(t *testing.T) {
	s := openSpring(t, "")
	for role, may := range map[op.Role]bool{op.Owner: true, op.Manager: true, op.Auditor: true, op.Reader: true, op.Service: true, op.Employee: false, op.Guest: false} {
		_, err := s.app.Gate.Call(t.Context(), op.Actor{Org: s.org, ID: "usr_x", Roles: []op.Role{role}, Via: "rest"}, op.Call{Op: "changes.list", In: json.RawMessage(`{}`)})
		if (err == nil) != may {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestRestrictedEvidenceIsNotNamedAmongChanges(t *testing.T) {
	s := newSpring(t, "")
	id := s.proof(t, "OWN-02", "report", map[string]any{"title": "Salaries of all", "classification": "restricted"})
	s.agree(t, "evidence.withdraw", map[string]any{"id": id, "reason": "Salaries are not proof"})
	ask := func(r op.Role) string {
		ans, err := s.app.Gate.Call(t.Context(), op.Actor{Org: s.org, ID: "usr_x", Roles: []op.Role{r}, Via: "rest"}, op.Call{Op: "changes.list", In: json.RawMessage(`{"kind":"evidence"}`)})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(ans.Out)
		return string(b)
	}
	if got := ask(op.Reader); strings.Contains(got, "Salaries") || strings.Contains(got, id) || !strings.Contains(got, "Evidence withdrawn") {
		t.Errorf("a reader sees %s", got)
	}
	if got := ask(op.Manager); !strings.Contains(got, "Salaries of all") {
		t.Errorf("a manager sees %s", got)
	}
}

func TestAFileOfTheDataFolderIsListedWithItsApprover(t *testing.T) {
	s := newSpring(t, "")
	dir := filepath.Join(s.app.Data, "tests")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "off.yaml"), []byte("tests:\n  - id: net.hsts\n    enabled: false\n    reason: We serve no pages.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.app.ReadRules(t.Context(), s.org); err != nil {
		t.Fatal(err)
	}
	c := s.changes(t, map[string]any{"subject": "net.hsts"}, time.Time{})
	if len(c) != 1 || c[0].State != "proposed" || c[0].What != "Test switched off" || c[0].AskedName != "file off.yaml" {
		t.Fatalf("%+v", c)
	}
	s.agree(t, "rule_file.approve", map[string]any{"id": c[0].Thing, "reason": "There are none here."})
	c = s.changes(t, map[string]any{"subject": "net.hsts"}, time.Time{})
	if len(c) != 1 || c[0].State != "in_force" || c[0].Reason != "There are none here." || c[0].ApprovedName == "" || c[0].How == "" || !slices.Equal(c[0].Fields, []report.WasNow{{Name: "net.hsts enabled", Was: "true", Now: "false"}}) {
		t.Errorf("%+v", c)
	}
	if one := s.changes(t, map[string]any{"one_person": true}, time.Time{}); len(one) == 0 {
		t.Error("the approval of a file by one hand is not listed among those of one person")
	}
}

// What is overridden is marked where it counts: on the row, on the days, on the day itself, now and as of then.
func TestWhatIsOverriddenIsMarkedOnItsDays(t *testing.T) {
	s := newSpring(t, "")
	ask := func(name string, in map[string]any) map[string]any {
		return s.must(t, s.full(s.org), s.h.Set.Find(name), in)
	}
	marked := func(row map[string]any, newest string) map[string]string {
		out := map[string]string{}
		day, err := check.ParseDay(newest)
		fine(t, err)
		for _, x := range row["spans"].([]any) {
			span := x.(map[string]any)
			for range int(span["days"].(float64)) {
				if m, ok := span["mark"].(string); ok {
					out[day.String()] = m
				}
				day--
			}
		}
		return out
	}
	newest := fmt.Sprint(ask("monitoring.grid", map[string]any{"days": 20})["newest"])
	row := func(ref string) map[string]any {
		return ask("control.status", map[string]any{"ref": ref, "days": 20})["row"].(map[string]any)
	}
	own := marked(row("OWN-01"), newest)
	if !strings.Contains(own[s.days[1].String()], "activated") || !strings.Contains(own[s.days[4].String()], "exception: Jo has no phone") || own[s.days[3].String()] != "" {
		t.Errorf("the days of OWN-01 are marked %v", own)
	}
	day := func(subject string, n int) []any {
		return ask("monitoring.day", map[string]any{"subject": subject, "day": s.days[n].String()})["overrides"].([]any)
	}
	if o := day("OWN-01", 4); len(o) != 1 || o[0].(map[string]any)["label"] != "Jo has no phone" || o[0].(map[string]any)["approved_by_name"] == "" {
		t.Errorf("the fifth day of OWN-01: %v", o)
	}
	if o := day("idp.mfa_all", 4); len(o) != 1 {
		t.Errorf("the fifth day of the test: %v", o)
	}
	if o := day("OWN-01", 3); len(o) != 0 {
		t.Errorf("the fourth day of OWN-01: %v", o)
	}
	words := func(row map[string]any) string {
		var out []string
		all, _ := row["marks"].([]any)
		for _, m := range all {
			out = append(out, fmt.Sprint(m.(map[string]any)["word"]))
		}
		return strings.Join(out, " ")
	}
	s.version(t, "OWN-05", map[string]any{"title": "Another title"})
	def := s.do(t, "definition.create", map[string]any{"title": "Lower", "reason": "It is enough for us", "text": "tests:\n  - id: idp.mfa_all\n    severity: low\n"})["id"]
	s.agree(t, "definition.approve", map[string]any{"id": def})
	id := s.do(t, "test_pause.create", map[string]any{"test": "vcs.2fa", "reason": "The host moves this week", "ends_at": clock.Format(s.clock.Now().AddDate(0, 0, 2))})["id"]
	s.agree(t, "test_pause.approve", map[string]any{"id": id})
	if got := words(row("OWN-05")); got != "edited paused changed" {
		t.Errorf("the badges of OWN-05 are %q", got)
	}
	if got := words(ask("test.get", map[string]any{"id": "idp.mfa_all"})); got != "changed" {
		t.Errorf("the badges of the test are %q", got)
	}
	s.clock.Move(72 * time.Hour)
	if got := words(row("OWN-05")); got != "edited changed" {
		t.Errorf("once the pause is over the badges are %q", got)
	}
}

func TestEvidenceWithdrawnLaterMarksTheDaysThatRestedOnIt(t *testing.T) {
	s := newSpring(t, "")
	report := func(n int) map[string]any {
		return s.must(t, s.full(s.org), s.h.Set.Find("monitoring.day"), map[string]any{"subject": "OWN-02", "day": s.days[n].String()})
	}
	was := report(3)
	s.agree(t, "evidence.withdraw", map[string]any{"id": s.ids["first proof"], "reason": "It was not ours"})
	now := report(3)
	if w, _ := now["withdrawn"].([]any); len(w) != 1 || w[0].(map[string]any)["piece"] != s.ids["first proof"] || was["withdrawn"] != nil {
		t.Errorf("the day is marked %v, and was %v", now["withdrawn"], was["withdrawn"])
	}
	if was["letter"] != now["letter"] || fmt.Sprint(was["parts"]) != fmt.Sprint(now["parts"]) {
		t.Errorf("the day was %v and is %v", was["letter"], now["letter"])
	}
	row := s.must(t, s.full(s.org), s.h.Set.Find("control.status"), map[string]any{"ref": "OWN-02", "days": 20})["row"]
	if !strings.Contains(fmt.Sprint(row), "Report: evidence withdrawn later") {
		t.Errorf("the strip does not say so: %v", row)
	}
	if other := report(9); other["withdrawn"] != nil {
		t.Errorf("a day that rested on another piece is marked: %v", other["withdrawn"])
	}
}
