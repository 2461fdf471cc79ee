// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/content"
	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

func ago(f *firm, d time.Duration) string { return f.clock.Now().Add(-d).Format(time.RFC3339) }

func alert(id, created string, acknowledged any) collect.Resource {
	return collect.Resource{Kind: "siem.alert", Key: id, Name: id, Attrs: map[string]any{"rule": "root sign-in", "severity": "critical", "created_at": created,
		"acknowledged_at": acknowledged, "closed_at": acknowledged, "disposition": "benign"}}
}

// status is how a control stands.
func (f *firm) status(t *testing.T, ref string) *report.ControlStatus {
	t.Helper()
	s, err := op.Do[*report.ControlStatus](t.Context(), f.Gate, f.me, "control.status", map[string]any{"ref": ref, "days": 10}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// strip are the letters of a test, newest first.
func (f *firm) strip(t *testing.T, id string, days int) string {
	t.Helper()
	out := ""
	for _, s := range f.test(t, id).Spans {
		out += strings.Repeat(s.Letter, s.Days)
	}
	return string([]rune(out)[:days])
}

// design confirms the text of a control and puts its policies in force.
func (f *firm) design(t *testing.T, refs ...string) {
	t.Helper()
	have := []string{}
	_, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error {
		all, err := store.All(t.Context(), &tx.View, grc.Controls, map[string]any{"ref": refs})
		for _, c := range all {
			for _, p := range c.Policies {
				have = append(have, string(p))
			}
			c.ConfirmedBy, c.ConfirmedAt, c.Owner = "usr_1", tx.Now, ""
			if err := store.Put(t.Context(), tx, grc.Controls, c); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		policies, err := store.All(t.Context(), &tx.View, grc.Policies, map[string]any{"ref": have})
		for _, p := range policies {
			text := testkit.PolicyText(p.Sections, "That is all.")
			p.State, p.Body, p.VersionNo, p.PublishedNo, p.PublishedText, p.WrittenBy, p.AgreedBy = "published", text, 1, 1, text, "usr_1", "usr_2"
			p.AgreedAt, p.PublishedAt, p.InForceSince, p.LastReviewedAt = tx.Now, tx.Now, tx.Now, tx.Now
			if err := store.Put(t.Context(), tx, grc.Policies, p); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// confirmed saves the record of the person that setup made, so that it counts.
func (f *firm) confirmed(t *testing.T) {
	t.Helper()
	for _, x := range f.must(t, f.me, "person.list", map[string]any{})["data"].([]any) {
		p := x.(map[string]any)
		f.must(t, f.me, "person.update", map[string]any{"id": p["id"], "rev": p["rev"], "title": "Head of operations"})
	}
}

func TestALapseFailsItsDaysAndThenNeedsAttention(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.kinds = []string{"siem.alert"}
		old := alert("al-0", ago(f, 200*24*time.Hour), ago(f, 150*24*time.Hour))
		step := func(want, state string, late int, all ...collect.Resource) {
			t.Helper()
			f.users = append([]collect.Resource{old}, all...)
			f.check(t)
			d := f.test(t, "siem.alert_triage")
			if got := f.strip(t, "siem.alert_triage", len([]rune(want))); got != want || d.State != state || d.Late != late {
				t.Fatalf("%s: %s, %s with %d late (%s); want %s, %s with %d", f.clock.Now(), got, d.State, d.Late, d.Reason, want, state, late)
			}
		}
		step("–", "not_applicable", 0)
		raised := ago(f, 0)
		f.clock.Move(4 * time.Hour)
		step("F", "fail", 0, alert("al-1", raised, nil))
		f.clock.Move(24 * time.Hour)
		step("FF", "fail", 0, alert("al-1", raised, nil))
		done := ago(f, 0)
		f.clock.Move(time.Hour)
		step("FF", "pass", 1, alert("al-1", raised, done))
		f.clock.Move(24 * time.Hour)
		step("–FF", "pass", 1, alert("al-1", raised, done))
		s := f.status(t, "OPS-03")
		if !strings.Contains(fmt.Sprint(s.Tests), "1 late in the last 92 days") {
			t.Errorf("nothing says that it was late: %+v", s.Tests)
		}
		found := false
		for _, x := range s.Operation.Tests {
			found = found || x.Test == "siem.alert_triage" && x.Late == 1
		}
		if !found || s.Operation.Summary == "no_deviations" || s.Operation.Summary == "no_occurrence" {
			t.Errorf("the late event is not counted: %+v", s.Operation)
		}
		f.clock.Move(93 * 24 * time.Hour)
		step("–", "not_applicable", 0, alert("al-1", raised, done))
		fresh := ago(f, 30*time.Minute)
		step("P", "pass", 0, alert("al-1", raised, done), alert("al-2", fresh, ago(f, 20*time.Minute)))
	})
}

func TestALapseThatWasMadeGoodNeedsAttentionAndSaysHowManyWereLate(t *testing.T) {
	f := newFirm(t, "")
	f.kinds = []string{"vuln.finding"}
	f.design(t, "VUL-02")
	finding := func(severity, seen, fixed string) collect.Resource {
		return collect.Resource{Kind: "vuln.finding", Key: severity + seen, Name: "EX-1", Attrs: map[string]any{"asset": "api", "severity": severity, "first_seen_at": seen, "fixed_at": fixed}}
	}
	day := 24 * time.Hour
	f.users = []collect.Resource{finding("critical", ago(f, 30*day), ago(f, 10*day)), finding("high", ago(f, 40*day), ago(f, 20*day)), finding("medium", ago(f, 100*day), ago(f, 50*day))}
	f.check(t)
	if s := f.status(t, "VUL-02"); s.Health != "needs_attention" || !strings.Contains(fmt.Sprint(s.Causes), "1 event was late in the last 92 days: test vuln.sla_critical") {
		t.Errorf("%s: %v", s.Health, s.Causes)
	}
}

func TestNothingThatWasDueBeforeTheProgrammeIsJudged(t *testing.T) {
	f := newFirm(t, "")
	f.kinds = []string{"siem.alert"}
	f.users = []collect.Resource{alert("al-1", ago(f, 48*time.Hour), nil)}
	f.check(t)
	if d := f.test(t, "siem.alert_triage"); d.State != "fail" {
		t.Fatalf("without a start it is %s", d.State)
	}
	f.clock.Move(24 * time.Hour)
	_, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error {
		o, err := grc.OrganizationOf(t.Context(), &tx.View)
		if err != nil {
			return err
		}
		o.ProgrammeStart = kind.Date(tx.Now.AddDate(0, 0, -1).Format(time.DateOnly))
		return store.Put(t.Context(), tx, grc.Organizations, o)
	})
	if err != nil {
		t.Fatal(err)
	}
	f.check(t)
	if d := f.test(t, "siem.alert_triage"); d.State != "not_applicable" || f.strip(t, "siem.alert_triage", 2) != "–F" {
		t.Errorf("with a start after it was due it is %s, %s", d.State, f.strip(t, "siem.alert_triage", 2))
	}
}

func TestAQuietCompanyHasNoOccurrence(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		quiet := []string{"VUL-02", "CHG-05", "INC-02", "INC-03", "INC-04", "HRS-04"}
		f.kinds = []string{"vuln.finding", "vcs.change", "siem.alert", "internal.incident", "internal.notification_duty", "internal.checklist", "idp.user", "vcs.member", "cloud.user"}
		person := &grc.Person{Name: "Jo Doe", Email: "jo@example.com", Kind: "employee", State: "active", Source: grc.ByHand, StartOn: "2025-01-01"}
		put(t, f, grc.People, person)
		f.confirmed(t)
		f.design(t, quiet...)
		f.users = []collect.Resource{user("jo", true)}
		f.users[0].Attrs["person_ref"] = person.ID
		f.check(t)
		for _, ref := range quiet {
			if s := f.status(t, ref); s.Health != "no_occurrence" {
				t.Errorf("%s is %s: %v", ref, s.Health, s.Causes)
				for _, x := range s.Tests {
					t.Logf("%s %s: %s", x.Test, x.State, x.Reason)
				}
			}
		}
	})
}

// A late run belongs to the day on which its collection began, and judges what was due on that day.
func TestALateRunJudgesTheEventsOfItsDay(t *testing.T) {
	f := newFirm(t, "")
	f.kinds = []string{"siem.alert"}
	f.users = []collect.Resource{alert("al-0", ago(f, 300*24*time.Hour), ago(f, 300*24*time.Hour))}
	f.clock.Move(14*time.Hour + 30*time.Minute) // 23:30
	f.users = append(f.users, alert("al-1", ago(f, 4*time.Hour), ago(f, time.Hour)))
	f.wrong = func() (collect.Manifest, error) {
		f.clock.Move(time.Hour)
		f.wrong = nil
		return collect.Manifest{Complete: true, Counts: map[string]int{"siem.alert": 2}}, nil
	}
	f.check(t)
	if got := f.strip(t, "siem.alert_triage", 2); got != "NF" {
		t.Errorf("late on the day before, and made good on it: %s, want N today and F yesterday", got)
	}
}

// asBefore is the catalogue as a program before events had it.
func asBefore(t *testing.T) func() (*check.Catalogue, error) {
	t.Helper()
	return recompiled(t, func(tests []content.Test) []content.Test {
		for i := range tests {
			if tests[i].ID == "siem.alert_triage" {
				tests[i].Event, tests[i].Condition = nil, "(acknowledged_at != null ? acknowledged_at : now) - created_at <= hours(params.critical_hours)"
			}
		}
		return tests
	})
}

func TestDaysBeforeATestJudgedEventsStayAsTheyWere(t *testing.T) {
	f := newFirm(t, "")
	f.kinds = []string{"siem.alert"}
	open := func(cat func() (*check.Catalogue, error)) {
		t.Helper()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		a, err := site.Open(t.Context(), f.Settings, site.Parts{Clock: f.parts.Clock, Connectors: f.parts.Connectors, Catalogue: cat, Version: fmt.Sprint(f.clock.Now())})
		if err != nil {
			t.Fatal(err)
		}
		f.App = a
		t.Cleanup(func() { a.Close() })
		f.read(t)
	}
	open(asBefore(t))
	f.users = []collect.Resource{alert("al-1", ago(f, 48*time.Hour), ago(f, 24*time.Hour))} // late: it fails for ever
	f.check(t)
	f.clock.Move(24 * time.Hour)
	f.check(t)
	f.clock.Move(24 * time.Hour)
	if got := f.strip(t, "siem.alert_triage", 3); got != "NFF" {
		t.Fatalf("before: %s", got)
	}
	was := f.days(t, 10)
	open(nil)
	f.check(t)
	if got := f.strip(t, "siem.alert_triage", 3); got != "–FF" {
		t.Errorf("from the day on which it judges events: %s", got)
	}
	now := f.days(t, 10)
	differ(t, "closed days", was, now)
	f.clock.Move(24 * time.Hour)
	open(asBefore(t))
	f.check(t)
	if got := f.strip(t, "siem.alert_triage", 4); got != "F–FF" {
		t.Errorf("and it is a test over resources again: %s", got)
	}
}
