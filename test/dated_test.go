// SPDX-License-Identifier: Apache-2.0

package test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// What holds of days and of what is in force on them, one rule each. The company is that of the twelve days on its first
// morning; each test lives the days that it needs.

func young(t *testing.T) *spring {
	t.Helper()
	s := openSpring(t, "")
	s.found(t)
	return s
}

// at sets the clock to an hour of a day, counted from the first.
func (s *spring) at(day, hour int) *spring {
	s.clock.Set(testkit.Start.Truncate(24*time.Hour).AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour))
	return s
}

// run runs the tests; jo has a second factor or not.
func (s *spring) run(t *testing.T, good bool) *spring {
	t.Helper()
	s.users = []collect.Resource{account("jo", good)}
	if _, err := s.app.Works.Cycle(t.Context(), s.org, store.System("check.run"), "schedule", nil, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// since are the letters of a subject from the first day until today, as a moment knows them.
func (s *spring) since(t *testing.T, what string, asOf time.Time) string {
	t.Helper()
	var out []string
	if err := s.app.DB.View(t.Context(), s.org, asOf, store.System("test"), func(v *store.View) error {
		o, err := grc.OrganizationOf(t.Context(), v)
		if err != nil {
			return err
		}
		zone, err := o.Zone()
		if err != nil {
			return err
		}
		boards := &report.Boards{DB: s.app.DB, Rules: s.app.Boards.Rules}
		b, err := boards.Of(t.Context(), v, int(check.DayOf(v.Now, zone)-check.DayOf(testkit.Start, time.UTC))+2)
		if err != nil {
			return err
		}
		for i := range b.Days {
			if b.Days[i] < check.DayOf(testkit.Start, time.UTC) {
				continue
			}
			switch c, k := b.Control(what), b.Criterion(what); {
			case c != nil:
				out = append(out, c.Letters[i].String())
			case k != nil:
				out = append(out, k.Letters[i].String())
			case b.Tests[what] != nil:
				out = append(out, b.Tests[what].Cells[i].Letter.String())
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(out)
	return strings.Join(out, "")
}

// is holds the letters until today against what is wanted.
func (s *spring) is(t *testing.T, what, want, when string) {
	t.Helper()
	if got := s.since(t, what, time.Time{}); got != want {
		t.Errorf("%s: %s is %s, want %s", when, what, got, want)
	}
}

func (s *spring) refuses(t *testing.T, code errs.Code, name string, in map[string]any) {
	t.Helper()
	if _, err := s.try(s.author(s.org), name, in); !errors.Is(err, errs.Public(errs.New(code, "")).Code) {
		t.Errorf("%s %v: %v, want %s", name, in, err, code)
	}
}

// failedOnce is a company in which OWN-01 passed, failed and passed again, and today is the fourth day.
func failedOnce(t *testing.T) *spring {
	s := young(t)
	s.version(t, "OWN-01", map[string]any{"action": "activate"})
	s.run(t, true).at(1, 9).run(t, false).at(2, 9).run(t, true).at(3, 9).run(t, true)
	s.is(t, "OWN-01", "PFPP", "as it was lived")
	return s
}

func TestANotApplicableDecisionOfTodayLeavesClosedDays(t *testing.T) {
	s := failedOnce(t)
	s.decide(t, "OWN-01", nil)
	s.is(t, "OWN-01", "PFPP", "decided in the middle of the day")
	s.is(t, "CC1.5", "PFPP", "and its criterion")
	s.at(4, 9).run(t, false)
	s.is(t, "OWN-01", "PFPP–", "on the day after")
}

func TestADecisionDatedBackHoldsFromItsApproval(t *testing.T) {
	s := failedOnce(t)
	id := s.decide(t, "OWN-01", map[string]any{"from_day": "2026-03-06", "to_day": "2026-03-10"})
	s.at(4, 9).run(t, false)
	s.is(t, "OWN-01", "PFPP–", "approved on the fourth day")
	s.at(4, 12)
	s.do(t, "decision.revoke", map[string]any{"id": id, "revoke_reason": "It does apply after all."})
	s.at(5, 9).run(t, false)
	s.is(t, "OWN-01", "PFPPNF", "a revocation gives nothing back, and the rest of its day is looked at again")
	s.decide(t, "OWN-01", map[string]any{"from_day": "2026-03-06", "to_day": "2026-03-08"})
	s.is(t, "OWN-01", "PFPPNF", "a decision that was over before it was approved")
}

func TestATestTakenAwayTodayLeavesClosedDays(t *testing.T) {
	for name, tests := range map[string][]any{"removed": {}, "supporting": supporting("idp.mfa_all"),
		"exchanged": required("host.ssh_password"), "kept beside a new one": required("idp.mfa_all", "host.ssh_password")} {
		s := failedOnce(t)
		s.version(t, "OWN-01", map[string]any{"tests": tests})
		if got := s.since(t, "OWN-01", time.Time{}); !strings.HasPrefix(got, "PFP") {
			t.Errorf("%s: %s", name, got)
		}
		if got := s.since(t, "CC1.5", time.Time{}); !strings.HasPrefix(got, "PFP") {
			t.Errorf("%s: its criterion is %s", name, got)
		}
	}
}

func TestEvidenceRequiredFromTodayLeavesClosedDays(t *testing.T) {
	s := failedOnce(t)
	s.version(t, "OWN-01", map[string]any{"evidence": asked("yearly", 0, true)})
	s.at(4, 9).run(t, true)
	s.is(t, "OWN-01", "PFPFF", "required on the fourth day, and missing since")
}

func TestARetiredControlStaysInItsCriterionUntilItsLastDay(t *testing.T) {
	s := failedOnce(t)
	s.run(t, false).at(3, 15)
	s.version(t, "OWN-01", map[string]any{"action": "retire"})
	s.is(t, "CC1.5", "PFPF", "retired in the afternoon")
	s.at(4, 9).run(t, true)
	s.is(t, "OWN-01", "PFPF–", "a day later")
	s.is(t, "CC1.5", "PFPFN", "the criterion that nothing serves any more")
}

func TestARetiredControlIsFoundOnEveryDay(t *testing.T) {
	s := failedOnce(t)
	s.version(t, "OWN-01", map[string]any{"action": "retire"})
	s.at(9, 9)
	for _, kept := range []bool{false, true} { // whether the whole board of these days was made before
		if kept {
			s.do(t, "monitoring.grid", map[string]any{"days": 2})
			s.do(t, "monitoring.day", map[string]any{"subject": "CC1.5", "day": "2026-03-14"})
		}
		for day, want := range map[string]string{"2026-03-07": "F", "2026-03-11": "–", "2026-03-14": "–"} {
			if got := s.do(t, "monitoring.day", map[string]any{"subject": "OWN-01", "day": day})["letter"]; got != want {
				t.Errorf("%s is %v, want %s", day, got, want)
			}
		}
		if got := s.do(t, "control.status", map[string]any{"ref": "OWN-01", "days": 2})["ref"]; got != "OWN-01" {
			t.Errorf("%v", got)
		}
	}
}

func TestADayBeginsForScheduledVersionsWhenItBeginsForLetters(t *testing.T) {
	s := failedOnce(t)
	v := s.version(t, "OWN-01", map[string]any{"tests": required("vcs.2fa"), "effective_from": kind.Date("2026-03-10")})
	s.at(3, 12)
	s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": "Pacific/Kiritimati"}) // it is the tenth there
	s.at(3, 13).applied(t).run(t, false)
	if got := s.thing(t, "control", s.ids["OWN-01"])["version_no"]; got != 1.0 {
		t.Errorf("the new zone holds from the end of the day, and the control is at version %v", got)
	}
	s.is(t, "OWN-01", "PFPF", "the day before")
	s.do(t, "control_version.withdraw", map[string]any{"id": v, "answer": "We think otherwise"})
}

func TestARefIsPutInForceAgainAndNeverMadeAgain(t *testing.T) {
	s := failedOnce(t)
	again := map[string]any{"ref": "own-01", "title": "A control of our own", "text": "Somebody does something about it."}
	s.refuses(t, errs.Invalid, "control.create", again)
	s.refuses(t, errs.Conflict, "control.end", map[string]any{"id": s.ids["OWN-01"]})
	s.version(t, "OWN-01", map[string]any{"action": "retire"})
	s.refuses(t, errs.Invalid, "control.create", again)
	s.refuses(t, errs.Conflict, "control.end", map[string]any{"id": s.ids["OWN-01"]})
	s.at(5, 9)
	s.version(t, "OWN-01", map[string]any{"action": "activate"})
	s.run(t, false)
	s.is(t, "OWN-01", "PFPP–F", "in force again after a day")
	s.own(t, "OWN-09", nil)
	s.do(t, "control.end", map[string]any{"id": s.ids["OWN-09"]}) // it was never in force
}

func TestAChangeOfTimeZoneLeavesClosedDays(t *testing.T) {
	for _, zone := range []string{"Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Europe/Berlin"} {
		s := young(t)
		s.version(t, "OWN-01", map[string]any{"action": "activate"})
		for day, good := range []bool{true, false, true, false} {
			s.at(day, 23).run(t, good) // near the end of the day, where a zone decides
		}
		s.is(t, "OWN-01", "PFPF", "as it was lived")
		s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": zone})
		s.at(4, 12).run(t, true).at(5, 12).run(t, true).at(6, 12)
		if got := s.since(t, "OWN-01", time.Time{}); !strings.HasPrefix(got, "PFPF") {
			t.Errorf("%s: %s", zone, got)
		}
		if got := s.since(t, "idp.mfa_all", time.Time{}); !strings.HasPrefix(got, "PFPF") {
			t.Errorf("%s: the test is %s", zone, got)
		}
	}
}

func TestADayAsOfWhichIsAskedEndsWhereItEnded(t *testing.T) {
	s := failedOnce(t)
	ask := func() string {
		ans, err := s.app.Gate.Call(t.Context(), s.full(s.org), op.Call{Op: "readiness.get", Day: "2026-03-07"})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(decoded(t, ans)["at"])
	}
	was := ask()
	s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": "Pacific/Kiritimati"})
	s.at(5, 9)
	if now := ask(); now != was || was != "2026-03-07T23:59:59.999Z" {
		t.Errorf("the day ended at %s, and after a change of time zone at %s", was, now)
	}
}

func TestADateThatAChangeOfTimeZoneSkipsHasNoLetter(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-01", map[string]any{"action": "activate"})
	s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": "Pacific/Pago_Pago"}) // UTC-11
	s.run(t, true).at(1, 12).run(t, true)
	s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": "Pacific/Kiritimati"}) // UTC+14: a day and an hour ahead
	s.at(2, 12).run(t, true).at(3, 12).run(t, true)
	got := s.since(t, "OWN-01", time.Time{})
	if !strings.Contains(got, "–") || strings.ContainsAny(got, "NEF") {
		t.Errorf("%s: one date is skipped, and no other has no answer", got)
	}
}

func TestACategoryInScopeFromTodayHasNoDaysBefore(t *testing.T) {
	s := failedOnce(t)
	before := s.controls(t, "active")
	s.scope(t, map[string]any{"categories": []string{"security", "availability"}})
	s.at(4, 9).run(t, true)
	s.is(t, "A1.1", "–––NN", "in scope from the fourth day")
	s.is(t, "AVL-01", "–––NN", "a control of the category comes along")
	now := s.controls(t, "active")
	if len(now) <= len(before) || !slices.ContainsFunc(now, func(c map[string]any) bool {
		return c["set"] == "availability" && c["version_no"] == 1.0 && c["library"] == true
	}) {
		t.Errorf("%d controls were in force, and %d are: those of the category come along", len(before), len(now))
	}
	s.scope(t, map[string]any{"categories": []string{"security"}})
	s.at(5, 9).run(t, true)
	s.is(t, "A1.1", "–––NN–", "out of scope again")
}

func (s *spring) controls(t *testing.T, state string) (out []map[string]any) {
	t.Helper()
	list := s.must(t, s.full(s.org), s.h.Set.Find("control.list"), map[string]any{"state": state, "limit": 1000})
	for _, x := range list["data"].([]any) {
		out = append(out, x.(map[string]any))
	}
	return out
}

func TestNobodyAloneEndsACriterion(t *testing.T) {
	s := failedOnce(t)
	for _, name := range []string{"requirement.end", "requirement.create"} {
		if s.h.Set.Find(name) != nil {
			t.Errorf("%s is there", name)
		}
	}
	for _, f := range []string{"framework", "ref", "text", "series", "category", "position"} {
		if _, err := s.try(s.full(s.org), "requirement.update", map[string]any{"id": s.ids["CC1.5"], f: "privacy"}); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s of a criterion: %v", f, err)
		}
	}
	in := map[string]any{"subject": "CC1.5", "decision": "not_applicable", "reason": "We have nothing of the kind"}
	id := s.do(t, "decision.create", in)["id"]
	s.refuses(t, errs.Denied, "decision.approve", map[string]any{"id": id})
	s.at(4, 9).run(t, true)
	s.is(t, "CC1.5", "PFPPP", "decided by one alone")
}

func TestAControlInForceChangesOnlyByAnApprovedVersion(t *testing.T) {
	s := failedOnce(t)
	id := s.ids["OWN-01"]
	for f, v := range map[string]any{"ref": "OWN-10", "title": "Another", "text": "Another text of it", "weight": 2, "frequency": "yearly", "grace_days": 9,
		"purpose": "detective", "operation": "manual",
		"criteria": []string{"CC1.1"}, "policies": []string{"POL-05"}, "tests": []any{}, "evidence": []any{map[string]any{"key": "k", "title": "K"}}} {
		s.refuses(t, errs.Conflict, "control.update", map[string]any{"id": id, f: v})
	}
	for _, f := range []string{"state", "version_no", "version_from", "library"} {
		s.refuses(t, errs.Invalid, "control.update", map[string]any{"id": id, f: "retired"})
	}
	s.do(t, "control.update", map[string]any{"id": id, "owner_role": "it", "chores": []string{"Look at it"}}) // no part of a version
	s.refuses(t, errs.Invalid, "control_version.create", map[string]any{"control": id, "title": "Another"})
	s.refuses(t, errs.Invalid, "control_version.create", map[string]any{"control": id, "title": "Another", "reason": "Because"})
	past := map[string]any{"control": id, "title": "Another", "reason": "It is done otherwise", "effective_from": "2026-03-08"}
	s.refuses(t, errs.Invalid, "control_version.create", past)
	v := s.propose(t, "OWN-01", map[string]any{"title": "Another title"})
	s.refuses(t, errs.Denied, "control_version.approve", map[string]any{"id": v})
	if got := s.thing(t, "control", id)["title"]; got != "A control of our own" {
		t.Errorf("proposed, and the title is %v", got)
	}
	s.agree(t, "control_version.approve", map[string]any{"id": v})
	c := s.thing(t, "control", id)
	if c["title"] != "Another title" || c["version_no"] != 2.0 || c["confirmed_by"] != s.full(s.org).ID {
		t.Errorf("approved, and the control is %v", c)
	}
	n := s.thing(t, "control_version", v)
	if n["number"] != 2.0 || n["approved_by"] != s.full(s.org).ID || n["approved_at"] == nil || n["reason"] == "" {
		t.Errorf("what is kept of the version: %v", n)
	}
	s.refuses(t, errs.Conflict, "control_version.update", map[string]any{"id": v, "reason": "Another reason for it"})
}

func TestNobodyAloneRetiresAControl(t *testing.T) {
	s := failedOnce(t)
	if s.h.Set.Find("control.retire") != nil {
		t.Error("control.retire is there")
	}
	v := s.propose(t, "OWN-01", map[string]any{"action": "retire"})
	s.refuses(t, errs.Denied, "control_version.approve", map[string]any{"id": v})
	s.at(4, 9).run(t, true)
	s.is(t, "OWN-01", "PFPPP", "proposed to be retired")
}

func TestAScheduledVersionHoldsFromTheFirstMomentOfItsDay(t *testing.T) {
	s := failedOnce(t)
	day := kind.Date("2026-03-11") // the sixth
	v := s.version(t, "OWN-01", map[string]any{"tests": required("vcs.2fa"), "effective_from": day})
	if got := s.thing(t, "control", s.ids["OWN-01"])["version_no"]; got != 1.0 {
		t.Errorf("scheduled, and the control is at version %v", got)
	}
	s.at(4, 9).run(t, false)
	s.is(t, "OWN-01", "PFPPF", "while it is scheduled the old one decides")
	s.at(5, 9).run(t, false)
	between := s.clock.Now()
	s.is(t, "OWN-01", "PFPPF–", "from its first moment the new one decides, although nothing has applied it")
	s.refuses(t, errs.Conflict, "control_version.withdraw", map[string]any{"id": v, "answer": "It is too late"})
	s.at(5, 17).applied(t)
	if got := s.thing(t, "control", s.ids["OWN-01"])["version_no"]; got != 2.0 {
		t.Errorf("applied, and the control is at version %v", got)
	}
	s.is(t, "OWN-01", "PFPPF–", "applied late")
	s.at(7, 9).run(t, false)
	if got := s.since(t, "OWN-01", between); got != "PFPPF–" {
		t.Errorf("as of the morning on which it held and was not applied: %s", got)
	}
	s.is(t, "OWN-01", "PFPPF–N–", "two days later")
}

func TestAScheduledVersionIsWithdrawnUntilItsDay(t *testing.T) {
	s := failedOnce(t)
	v := s.version(t, "OWN-01", map[string]any{"tests": required("vcs.2fa"), "effective_from": kind.Date("2026-03-11")})
	other := s.propose(t, "OWN-01", map[string]any{"title": "Another title"})
	if _, err := s.try(s.full(s.org), "control_version.approve", map[string]any{"id": other}); !errors.Is(err, errs.Conflict) {
		t.Errorf("another while one is scheduled: %v", err)
	}
	s.at(4, 9).run(t, false)
	s.do(t, "control_version.withdraw", map[string]any{"id": v, "answer": "We think otherwise"})
	s.agree(t, "control_version.approve", map[string]any{"id": other})
	s.at(5, 9).applied(t).run(t, false)
	s.is(t, "OWN-01", "PFPPFF", "withdrawn before its day")
	r := s.version(t, "OWN-01", map[string]any{"action": "retire", "effective_from": kind.Date("2026-03-12")})
	s.at(6, 9).run(t, false)
	s.is(t, "OWN-01", "PFPPFF–", "retired from a day on, and not applied yet")
	s.at(6, 10).applied(t)
	s.is(t, "OWN-01", "PFPPFF–", "retired")
	if got := s.thing(t, "control_version", r)["applied_at"]; got == nil {
		t.Error("when it was applied is not kept")
	}
}

// applied does what the daily work does first.
func (s *spring) applied(t *testing.T) *spring {
	t.Helper()
	apply := func(tx *store.Tx) error { return applied(grc.ApplyScheduled(t.Context(), tx)) }
	if _, err := s.app.DB.Change(t.Context(), s.org, store.System("control_version.apply"), apply); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnEditInTheAfternoonKeepsTheMorningsF(t *testing.T) {
	for name, change := range map[string]map[string]any{
		"removed": {"tests": required("vcs.2fa")}, "supporting": {"tests": supporting("idp.mfa_all")}, "retired": {"action": "retire"},
		"without tests": {"tests": []any{}},
	} {
		s := young(t)
		s.version(t, "OWN-01", map[string]any{"action": "activate"})
		s.run(t, true).at(1, 9).run(t, false).at(1, 15)
		s.version(t, "OWN-01", change)
		s.at(1, 16).run(t, true)
		if got := s.since(t, "OWN-01", time.Time{}); got != "PF" {
			t.Errorf("%s in the afternoon: %s", name, got)
		}
		s.at(2, 9).run(t, true)
		if got := s.since(t, "CC1.5", time.Time{}); !strings.HasPrefix(got, "PF") {
			t.Errorf("%s in the afternoon: its criterion is %s", name, got)
		}
	}
}

func TestADefinitionHeldOnlyAMomentIsJudged(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-03", map[string]any{"action": "activate"})
	s.run(t, true).at(1, 9).run(t, false)
	s.version(t, "OWN-03", map[string]any{"tests": required("vcs.2fa", "idp.mfa_all")})
	s.clock.Move(time.Second)
	s.run(t, false)
	s.clock.Move(time.Second)
	s.version(t, "OWN-03", map[string]any{"tests": required("vcs.2fa")})
	s.at(1, 12).run(t, true)
	s.is(t, "OWN-03", "–F", "for two seconds it stood on a test that failed in them")
	s.at(2, 9).run(t, true)
	s.is(t, "OWN-03", "–F–", "a day later")
}

// day is what the page of a subject on a day is made of.
func (s *spring) day(t *testing.T, subject, day string) *report.DayReport {
	t.Helper()
	d, err := op.Do[*report.DayReport](t.Context(), s.app.Gate, s.full(s.org), "monitoring.day", map[string]any{"subject": subject, "day": day}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A day speaks of the run that made its letter, whatever ran after it.
func TestTheReasonOfADayIsThatOfTheRunThatMadeIt(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-01", map[string]any{"action": "activate"})
	s.at(1, 8).run(t, true).at(1, 10).run(t, false).at(1, 12).run(t, true).at(1, 13)
	day := s.day(t, "OWN-01", testkit.Start.AddDate(0, 0, 1).Format(time.DateOnly))
	parts := 0
	for _, p := range day.Parts {
		if p.Kind != "test" || p.Letter != "F" {
			continue
		}
		parts++
		own := s.day(t, p.Ref, day.Day)
		i := slices.IndexFunc(own.Checks, func(c report.CheckDay) bool { return c.State == "fail" })
		if i < 0 || own.Letter != "F" || own.Checks[i].Text == own.Checks[len(own.Checks)-1].Text {
			t.Fatalf("%s: no failing run among others: %+v", p.Ref, own.Checks)
		}
		if want := own.Checks[i].Text; p.Reason != want || own.Reason != want {
			t.Errorf("%s is F because %q, and by its own page because %q; want %q", p.Ref, p.Reason, own.Reason, want)
		}
	}
	if parts == 0 {
		t.Errorf("no test of OWN-01 failed: %+v", day.Parts)
	}
}

// A day names the version of a control, which is not how often something about it was saved.
func TestADayNamesTheVersionOfAControl(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-01", map[string]any{"action": "activate"})
	for i := range 3 {
		c := s.thing(t, "control", s.ids["OWN-01"])
		s.do(t, "control.update", map[string]any{"id": c["id"], "rev": c["rev"], "owner_role": strings.Repeat("Head of ", i+1) + "IT"})
	}
	is := func(day string, want ...int64) {
		t.Helper()
		var got []int64
		for _, v := range s.day(t, "OWN-01", day).Versions {
			got = append(got, v.Number)
		}
		if !slices.Equal(got, want) {
			t.Errorf("on %s versions %v judged, want %v", day, got, want)
		}
	}
	s.at(1, 9).run(t, true)
	is(testkit.Start.AddDate(0, 0, 1).Format(time.DateOnly), 1)
	s.version(t, "OWN-01", map[string]any{"text": "Somebody else does something about it."})
	s.at(2, 9).run(t, true)
	is(testkit.Start.AddDate(0, 0, 1).Format(time.DateOnly), 1, 2)
	is(testkit.Start.AddDate(0, 0, 2).Format(time.DateOnly), 2)
	if c := s.thing(t, "control", s.ids["OWN-01"]); fmt.Sprint(c["version_no"]) != "2" {
		t.Errorf("the control is at version %v", c["version_no"])
	}
}

func TestEvidenceThatWasWithdrawnNoLongerChanges(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-02", map[string]any{"action": "activate", "evidence": asked("yearly", 0, true)})
	id := s.proof(t, "OWN-02", "report", nil)
	s.at(2, 9)
	s.agree(t, "evidence.withdraw", map[string]any{"id": id, "reason": "It was not ours"})
	s.at(4, 9)
	s.is(t, "OWN-02", "PPFFF", "withdrawn on the third day")
	s.refuses(t, errs.Conflict, "evidence.update", map[string]any{"id": id, "reason": "Another reason for it"})
	s.refuses(t, errs.Conflict, "evidence.end", map[string]any{"id": id})
	s.is(t, "OWN-02", "PPFFF", "two days later")
}

func TestTheLastDayOfEvidenceIsThatOfItsOwnTimeZone(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-02", map[string]any{"action": "activate", "evidence": asked("yearly", 0, true)})
	s.proof(t, "OWN-02", "report", map[string]any{"valid_until": "2026-03-08"})
	s.at(4, 9)
	s.is(t, "OWN-02", "PPPFF", "valid until the third day")
	for i, zone := range []string{"Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": zone})
		s.at(7+3*i, 9) // it holds from the end of the day
		if got := s.since(t, "OWN-02", time.Time{}); !strings.HasPrefix(got, "PPPF") {
			t.Errorf("with the days of %s: %s", zone, got)
		}
	}
}

func TestARunAtTheVeryMomentOfAChangeCountsForBoth(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-01", map[string]any{"action": "activate"})
	s.run(t, true).at(1, 9).run(t, false)
	s.version(t, "OWN-01", map[string]any{"action": "retire"})
	s.is(t, "OWN-01", "PF", "retired in the millisecond of the run that failed")
}

func TestAClockSetBackWritesNothingIntoClosedDays(t *testing.T) {
	s := failedOnce(t)
	s.at(4, 9).run(t, true).at(1, 12).run(t, false)
	s.decide(t, "OWN-01", nil)
	s.at(5, 9)
	want := "PFPPF"
	if got := s.since(t, "OWN-01", time.Time{}); !strings.HasPrefix(got, want) {
		t.Errorf("%s: the run belongs to the newest day that the ledger knows, want %s", got, want)
	}
}

// applied is what applying scheduled versions came to: none may be stuck.
func applied(stuck []error, err error) error { return errors.Join(append(stuck, err)...) }
