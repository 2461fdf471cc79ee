// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/content"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/store"
)

// widened puts a category in scope, and gives the change of scope.
func (s *spring) widened(t *testing.T) map[string]any {
	t.Helper()
	return s.thing(t, "scope_version", s.scope(t, map[string]any{"categories": []string{"security", "confidentiality"}}))
}

// pack are the refs of the library's controls for a category.
func pack(t *testing.T, set string) (out []string) {
	t.Helper()
	families, err := content.Families()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, c := range f.Controls {
			if c.Set == set {
				out = append(out, c.Ref)
			}
		}
	}
	if len(out) < 3 {
		t.Fatalf("the library has %v for %s", out, set)
	}
	slices.Sort(out)
	return out
}

// drafts lets a company know its drafts.
func (s *spring) drafts(t *testing.T) *spring {
	t.Helper()
	for _, c := range s.controls(t, "draft") {
		s.ids[c["ref"].(string)] = c["id"].(string)
	}
	return s
}

// A change of scope puts in force what the library ships, and no text that one person wrote into a draft of it. It is held for
// every way to write into one.
func TestAChangeOfScopePutsOnlyTheTextOfTheLibraryInForce(t *testing.T) {
	s := failedOnce(t).drafts(t)
	all := pack(t, "confidentiality")
	edits := []map[string]any{{"text": "One person says so."}, {"tests": []any{}}, {"policies": []string{}}, {"evidence": asked("yearly", 3660, true)}, {"title": "Another title"}, {"criteria": []string{"CC1.5"}}, {"weight": 1, "frequency": "yearly"}}
	var edited []string
	for i, change := range edits[:min(len(edits), len(all)-1)] {
		change["id"] = s.ids[all[i]]
		out, err := s.try(s.full(s.org), "control.update", change)
		if err != nil {
			t.Fatal(err)
		}
		if out["library"] != false {
			t.Errorf("%s was edited (%v), and is said to be the text of the library", all[i], change)
		}
		edited = append(edited, all[i])
	}
	rest := all[len(edited):]
	if _, err := s.try(s.full(s.org), "control.update", map[string]any{"id": s.ids[rest[0]], "chores": []string{"Ask for it"}}); err != nil {
		t.Fatal(err)
	}
	left, _ := s.widened(t)["left_as_drafts"].([]any)
	for _, ref := range edited {
		if c := s.thing(t, "control", s.ids[ref]); c["state"] != "draft" || fmt.Sprint(c["version_no"]) != "0" {
			t.Errorf("%s, which one person wrote, is %v", ref, c["state"])
		}
		if !slices.Contains(left, any(ref)) {
			t.Errorf("%s is not said to be a draft: %v", ref, left)
		}
	}
	for _, ref := range rest {
		if c := s.thing(t, "control", s.ids[ref]); c["state"] != "active" || c["library"] != true || fmt.Sprint(c["version_no"]) != "1" {
			t.Errorf("%s, which nobody edited, is %v, library %v, version %v", ref, c["state"], c["library"], c["version_no"])
		}
		if len(s.changes(t, map[string]any{"kind": "control", "subject": ref}, s.clock.Now())) != 1 {
			t.Errorf("that %s came into force is not listed", ref)
		}
	}
	told := s.changes(t, map[string]any{"kind": "scope"}, s.clock.Now())
	if len(told) == 0 || !strings.Contains(fmt.Sprint(told[0].Fields), edited[0]) {
		t.Errorf("the list of changes does not say what is left: %+v", told)
	}
	id := s.propose(t, edited[0], map[string]any{"action": "activate"}) // and whoever edited it approves it nowhere
	if _, err := s.try(s.full(s.org), "control_version.approve", map[string]any{"id": id}); errs.Public(err).Code != errs.Denied {
		t.Errorf("whoever edited the draft puts it in force: %v", err)
	}
}

// A draft that was edited before the program kept library apart is told by its past.
func TestADraftThatWasEditedLongAgoIsNoTextOfTheLibrary(t *testing.T) {
	s := failedOnce(t).drafts(t)
	ref := pack(t, "confidentiality")[0]
	if _, err := s.app.DB.Change(t.Context(), s.org, store.System("test"), func(tx *store.Tx) error {
		c, err := store.Get(t.Context(), &tx.View, grc.Controls, s.ids[ref])
		if err != nil {
			return err
		}
		c.Text = "One person said so."
		return store.Put(t.Context(), tx, grc.Controls, c)
	}); err != nil {
		t.Fatal(err)
	}
	s.widened(t)
	if c := s.thing(t, "control", s.ids[ref]); c["state"] != "draft" || c["library"] != true {
		t.Errorf("%s is %v, library %v", ref, c["state"], c["library"])
	}
}

// What two people decided on for a later day is left alone by a change of scope, and comes into force on its day.
func TestAChangeOfScopeLeavesWhatIsScheduled(t *testing.T) {
	s := failedOnce(t).drafts(t)
	v := s.version(t, "CNF-02", map[string]any{"action": "activate", "text": "Our own stricter text of disposal.", "tests": required("idp.mfa_all"), "policies": []string{}, "evidence": []any{}, "effective_from": kind.Date("2026-03-11")})
	s.at(3, 15)
	if left := s.widened(t)["left_as_drafts"]; fmt.Sprint(left) != "[CNF-02]" {
		t.Errorf("left are %v", left)
	}
	if c := s.thing(t, "control", s.ids["CNF-02"]); c["state"] != "draft" {
		t.Errorf("on the ninth it is %v", c["state"])
	}
	s.at(5, 9).appliedBut(t, 0)
	if c := s.thing(t, "control", s.ids["CNF-02"]); c["state"] != "active" || fmt.Sprint(c["version_no"]) != "1" || c["text"] != "Our own stricter text of disposal." {
		t.Errorf("on the eleventh it is %v: %v", c["state"], c["text"])
	}
	s.refuses(t, errs.Conflict, "control_version.withdraw", map[string]any{"id": v, "answer": "It is in force."})
	if c := s.changes(t, map[string]any{"subject": "CNF-02"}, s.clock.Now()); len(c) != 1 || c[0].State != "in_force" {
		t.Errorf("listed are %+v", c)
	}
	s.version(t, "CNF-02", map[string]any{"text": "Another text of disposal."})
	s.version(t, "CNF-02", map[string]any{"action": "retire"})
}

// appliedBut puts in force what is scheduled; so many versions are stuck.
func (s *spring) appliedBut(t *testing.T, stuck int) {
	t.Helper()
	if _, err := s.app.DB.Change(t.Context(), s.org, store.System("control_version.apply"), func(tx *store.Tx) error {
		all, err := grc.ApplyScheduled(t.Context(), tx)
		if len(all) != stuck {
			t.Errorf("%d versions are stuck, want %d: %v", len(all), stuck, all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A version whose day has come and that cannot be put in force keeps nobody from going on: it is withdrawn, the days after are
// judged by what the control says, and its number is never given again. An earlier program made such ones.
func TestAScheduledVersionThatIsStuckCanBeWithdrawn(t *testing.T) {
	s := failedOnce(t).drafts(t)
	v := s.version(t, "CNF-02", map[string]any{"action": "activate", "text": "Our own stricter text of disposal.", "tests": required("vcs.2fa"), "policies": []string{}, "evidence": []any{}, "effective_from": kind.Date("2026-03-11")})
	if _, err := s.app.DB.Change(t.Context(), s.org, store.System("test"), func(tx *store.Tx) error { // as an earlier program put it in force
		c, err := store.Get(t.Context(), &tx.View, grc.Controls, s.ids["CNF-02"])
		if err != nil {
			return err
		}
		c.State, c.VersionNo, c.VersionFrom, c.Policies, c.Evidence, c.Tests = "active", 1, tx.Now, nil, nil, []grc.ControlTest{{Test: "idp.mfa_all", Role: "required"}}
		return store.Put(t.Context(), tx, grc.Controls, c)
	}); err != nil {
		t.Fatal(err)
	}
	if c := s.changes(t, map[string]any{"subject": "CNF-02", "state": "in_force"}, s.clock.Now()); len(c) != 1 {
		t.Errorf("the control in force is not listed: %+v", c)
	}
	s.at(4, 9).run(t, true).at(5, 9).run(t, true).appliedBut(t, 1)
	s.do(t, "control_version.withdraw", map[string]any{"id": v, "answer": "It can't be put in force."})
	s.appliedBut(t, 0)
	s.at(6, 9).run(t, true)
	if got := s.since(t, "CNF-02", time.Time{}); !strings.HasSuffix(got, "P") || s.since(t, "CNF-02", time.Time{})[len(got)-3:len(got)-2] != "P" {
		t.Errorf("its days are %s", got)
	}
	at := s.day(t, "CNF-02", "2026-03-12").Versions
	if len(at) != 1 || strings.Contains(at[0].Text, "stricter") {
		t.Errorf("the day after is judged by %+v", at)
	}
	id := s.version(t, "CNF-02", map[string]any{"text": "Another text of disposal."})
	if n := s.thing(t, "control_version", id)["number"]; fmt.Sprint(n) != "2" {
		t.Errorf("the next version is number %v", n)
	}
}

func TestNoNumberOfAVersionIsGivenTwice(t *testing.T) {
	s := failedOnce(t)
	first := s.version(t, "OWN-01", map[string]any{"text": "A text for later.", "effective_from": kind.Date("2026-03-20")})
	s.do(t, "control_version.withdraw", map[string]any{"id": first, "answer": "We do it otherwise."})
	second := s.version(t, "OWN-01", map[string]any{"text": "A text for now."})
	a, b := s.thing(t, "control_version", first)["number"], s.thing(t, "control_version", second)["number"]
	if a == b {
		t.Errorf("both are number %v", a)
	}
	if c := s.thing(t, "control", s.ids["OWN-01"]); c["version_no"] != b {
		t.Errorf("the control is at version %v, want %v", c["version_no"], b)
	}
}

// What the library has for a category and the company does not is named, at the proposal and when it is approved.
func TestAChangeOfScopeNamesTheControlsThatAreGone(t *testing.T) {
	s := failedOnce(t).drafts(t)
	all := pack(t, "confidentiality")
	for _, ref := range all[1:3] {
		c := s.thing(t, "control", s.ids[ref])
		if _, err := s.try(s.full(s.org), "control.end", map[string]any{"id": c["id"], "rev": c["rev"]}); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprint(all[1:3])
	n := s.do(t, "scope_version.create", map[string]any{"reason": "Our customers ask for it.", "categories": []string{"security", "confidentiality"}})
	if got := fmt.Sprint(n["missing_controls"]); got != want {
		t.Errorf("proposed, and %s are said to be missing, not %s", got, want)
	}
	s.agree(t, "scope_version.approve", map[string]any{"id": n["id"]})
	n = s.thing(t, "scope_version", fmt.Sprint(n["id"]))
	if got := fmt.Sprint(n["missing_controls"]); got != want {
		t.Errorf("approved, and %s are said to be missing, not %s", got, want)
	}
	told := s.changes(t, map[string]any{"kind": "scope"}, s.clock.Now())
	if len(told) == 0 || !strings.Contains(fmt.Sprint(told[0].Fields), "missing_controls") {
		t.Errorf("the list of changes does not say what is missing: %+v", told)
	}
}
