// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
)

func TestADefinitionThatChangesATestTakesTwoPeople(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager)
		f.users = []collect.Resource{user("jude", false)}
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
		if x.Condition != exempt || !x.Changed || x.ChangedBy != jo.ID || x.ChangeWhy != "Our provider does it." {
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
		if f.test(t, "idp.mfa_all").Condition != exempt || !strings.Contains(fmt.Sprint(d["retire_changes"]), "condition") {
			t.Errorf("one person retired it: %v", d)
		}
		if _, err = f.step(t, kim, "definition.retire", d, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("whoever asked to retire it approves: %v", err)
		}
		if _, err = f.step(t, jo, "definition.retire", d, nil); err != nil {
			t.Fatal(err)
		}
		if x := f.test(t, "idp.mfa_all"); x.Changed || x.Condition == exempt {
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
		f.users = []collect.Resource{user("jude", true)}
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
		f.users = []collect.Resource{user("jude", false)}
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
		if _, err := f.step(t, kim, "test_pause.revoke", p, map[string]any{"revoke_reason": "It is back."}); err != nil {
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
		if changed.Source != "definition" || changed.ChangedBy != jo.ID || changed.ApprovedBy != kim.ID || !changed.From.Equal(approved) || !changed.To.Equal(read) || changed.Definition.Condition != exempt {
			t.Errorf("the changed: %+v", changed)
		}
		if first.Source != "catalogue" || first.Definition.Condition == exempt || !first.To.Equal(approved) || first.Version == changed.Version {
			t.Errorf("the first: %+v", first)
		}
		_ = d
	})
}
