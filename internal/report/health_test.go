// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/check"
	"assay/internal/clock"
)

var now = clock.NewFake(time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)).Now()

// good is a control that passes: one fresh test, one piece of evidence, one policy, an owner.
func good() ControlFacts {
	return ControlFacts{
		HasOwner: true,
		Tests:    []TestFacts{{Test: "idp.mfa_all", Required: true, Interval: 24 * time.Hour, Latest: check.RunPassed, Completed: check.RunPassed, CompletedAt: now.Add(-time.Hour)}},
		Evidence: []EvidenceFacts{{Title: "Network diagram", Required: true, State: EvidenceCurrent}},
		Policies: []PolicyFacts{{"POL-04", PolicyInForce}},
	}
}

func TestHealthIsTheFirstRuleThatApplies(t *testing.T) {
	for _, c := range []struct {
		why    string
		change func(*ControlFacts)
		want   Health
		cause  string
	}{
		{"all well", func(*ControlFacts) {}, Passing, ""},
		{"decided not applicable", func(f *ControlFacts) { f.NotApplicable = true }, NotApplicable, "decision"},
		{"nothing ever proved, no policy", func(f *ControlFacts) { *f = ControlFacts{Policies: []PolicyFacts{{"POL-01", PolicyMissing}}} }, NotStarted, "no evidence yet"},
		{"only supporting proof", func(f *ControlFacts) { f.Tests[0].Required, f.Evidence[0].Required = false, false }, NotStarted, "no evidence yet"},
		{"failing test", func(f *ControlFacts) { f.Tests[0].Completed, f.Tests[0].Latest = check.RunFailed, check.RunFailed }, Failing, "test idp.mfa_all fails"},
		{"failing test that went stale", func(f *ControlFacts) {
			f.Tests[0].Completed, f.Tests[0].CompletedAt = check.RunFailed, now.AddDate(0, -1, 0)
		}, Failing, "fails"},
		{"failing test without an answer since", func(f *ControlFacts) {
			f.Tests[0].Completed, f.Tests[0].Latest = check.RunFailed, check.RunUnknown
		}, Failing, "test idp.mfa_all failed on its last complete run, 1 hour ago"},
		{"failing test that ended in an error since", func(f *ControlFacts) {
			f.Tests[0].Completed, f.Tests[0].Latest, f.Tests[0].CompletedAt = check.RunFailed, check.RunErrored, now.Add(-75*time.Hour)
		}, Failing, "test idp.mfa_all failed on its last complete run, 3 days ago"},
		{"supporting test without an answer since", func(f *ControlFacts) {
			f.Tests = append(f.Tests, TestFacts{Test: "net.hsts", Completed: check.RunFailed, CompletedAt: now})
		}, NeedsAttention, "supporting test net.hsts failed on its last complete run, less than an hour ago"},
		{"evidence expired", func(f *ControlFacts) { f.Evidence[0].State = EvidenceExpired }, Failing, `"Network diagram" expired`},
		{"evidence withdrawn", func(f *ControlFacts) { f.Evidence[0].State = EvidenceWithdrawn }, Failing, "withdrawn"},
		{"evidence missing", func(f *ControlFacts) { f.Evidence[0].State = EvidenceMissing }, Failing, "missing"},
		{"no policy in force", func(f *ControlFacts) { f.Policies[0].State = PolicyMissing }, Failing, "POL-04 has no approved version"},
		{"overdue occurrence", func(f *ControlFacts) { f.OverdueOccurrences = 1 }, Failing, "1 performance is overdue"},
		{"overdue finding", func(f *ControlFacts) { f.OverdueFindings = 2 }, Failing, "2 high or critical findings are past due"},
		{"stale test", func(f *ControlFacts) { f.Tests[0].CompletedAt = now.Add(-50*time.Hour - time.Millisecond) }, NoData, "no complete run since"},
		{"just fresh enough", func(f *ControlFacts) { f.Tests[0].CompletedAt = now.Add(-50 * time.Hour) }, Passing, ""},
		{"error", func(f *ControlFacts) { f.Tests[0].Latest = check.RunErrored }, NoData, "error"},
		{"unknown", func(f *ControlFacts) { f.Tests[0].Latest = check.RunUnknown }, NoData, "could not be evaluated"},
		{"paused", func(f *ControlFacts) { f.Tests[0].Paused = true }, NoData, "paused"},
		{"a second test never ran", func(f *ControlFacts) { f.Tests = append(f.Tests, TestFacts{Test: "vcs.2fa", Required: true}) }, NoData, "vcs.2fa has never completed"},
		{"nothing to look at and no evidence", func(f *ControlFacts) {
			f.Tests[0].Completed, f.Tests[0].Latest, f.Evidence = check.RunNotApplicable, check.RunNotApplicable, nil
		}, NoData, "its text is not confirmed yet"},
		{"nothing to look at, and the design is proved", func(f *ControlFacts) {
			f.Tests[0].Completed, f.Tests[0].Latest, f.Evidence, f.Designed = check.RunNotApplicable, check.RunNotApplicable, nil, true
		}, NoOccurrence, "no occurrence"},
		{"no event is known, and nobody says that there was none", func(f *ControlFacts) {
			f.Tests, f.Designed = nil, true
			f.Evidence[0].State = EvidenceNotDue
		}, NotStarted, "no evidence yet"},
		{"an accepted statement that there was none", func(f *ControlFacts) {
			f.Tests, f.Designed = nil, true
			f.Evidence[0].State = EvidenceNilDeclared
		}, NoOccurrence, "no occurrence"},
		{"a failure does not hide what is not known", func(f *ControlFacts) {
			f.Tests[0].Completed, f.Tests[0].Latest = check.RunFailed, check.RunFailed
			f.Tests = append(f.Tests, TestFacts{Test: "vcs.2fa", Required: true})
		}, Failing, "vcs.2fa has never completed"},
		{"performed in time, and not reviewed", func(f *ControlFacts) { f.AwaitedOccurrences = 1 }, NoData, "is waiting for review"},
		{"nothing to look at beside evidence", func(f *ControlFacts) {
			f.Tests[0].Completed, f.Tests[0].Latest = check.RunNotApplicable, check.RunNotApplicable
		}, Passing, ""},
		{"no owner", func(f *ControlFacts) { f.HasOwner = false }, NeedsAttention, "no owner"},
		{"evidence expires", func(f *ControlFacts) { f.Evidence[0].State = EvidenceExpiring }, NeedsAttention, "expires soon"},
		{"task overdue", func(f *ControlFacts) { f.OverdueTasks = 3 }, NeedsAttention, "3 tasks are overdue"},
		{"waiver", func(f *ControlFacts) { f.ActiveExceptions = 1 }, NeedsAttention, "1 exception is in force"},
		{"passed with waiver", func(f *ControlFacts) { f.Tests[0].Completed, f.Tests[0].Latest = check.RunExcepted, check.RunExcepted }, NeedsAttention, "exception"},
		{"supporting test fails", func(f *ControlFacts) {
			f.Tests = append(f.Tests, TestFacts{Test: "net.hsts", Latest: check.RunFailed, Completed: check.RunFailed, CompletedAt: now})
		}, NeedsAttention, "supporting test net.hsts fails"},
		{"policy review overdue", func(f *ControlFacts) { f.Policies[0].State = PolicyReviewOverdue }, NeedsAttention, "review of policy POL-04"},
		{"occurrence near", func(f *ControlFacts) { f.UpcomingOccurrences = 1 }, NeedsAttention, "due within 7 days"},
		{"text awaits approval", func(f *ControlFacts) { f.TextAwaitingApproval = true }, NeedsAttention, "is waiting for approval"},
	} {
		f := good()
		c.change(&f)
		got := HealthOf(f, now)
		text := ""
		for _, x := range got.Causes {
			text += x.Text + "; "
		}
		if got.Health != c.want || !strings.Contains(text, c.cause) || (c.cause == "") != (text == "") {
			t.Errorf("%s: %v because %s", c.why, got.Health, text)
		}
	}
}

// TestHealthNeverPassesWithoutProof holds INV-06 for what is shown now.
func TestHealthNeverPassesWithoutProof(t *testing.T) {
	states := rapid.SampledFrom([]check.RunState{check.RunUnknown, check.RunPassed, check.RunFailed, check.RunExcepted, check.RunErrored, check.RunNotApplicable})
	rapid.Check(t, func(t *rapid.T) {
		f := ControlFacts{HasOwner: true}
		for range rapid.IntRange(0, 3).Draw(t, "tests") {
			x := TestFacts{Required: rapid.Bool().Draw(t, "required"), Interval: 24 * time.Hour, Latest: states.Draw(t, "latest"), Completed: states.Draw(t, "completed"), Paused: rapid.IntRange(0, 4).Draw(t, "paused") == 0}
			if rapid.IntRange(0, 3).Draw(t, "ran") > 0 {
				x.CompletedAt = now.Add(-time.Duration(rapid.IntRange(0, 70).Draw(t, "age")) * time.Hour)
			}
			f.Tests = append(f.Tests, x)
		}
		for range rapid.IntRange(0, 2).Draw(t, "evidence") {
			f.Evidence = append(f.Evidence, EvidenceFacts{Required: rapid.Bool().Draw(t, "needed"), State: EvidenceState(rapid.IntRange(0, 6).Draw(t, "state"))})
		}
		got := HealthOf(f, now).Health
		if got != Passing && got != NeedsAttention {
			return
		}
		proof := slices.ContainsFunc(f.Evidence, func(e EvidenceFacts) bool {
			return e.Required && (e.State == EvidenceCurrent || e.State == EvidenceExpiring)
		})
		for _, x := range f.Tests {
			if !x.Required {
				continue
			}
			held := x.Completed == check.RunPassed || x.Completed == check.RunExcepted || x.Completed == check.RunNotApplicable
			if x.CompletedAt.IsZero() || !held || x.Paused || x.Latest == check.RunErrored || x.Latest == check.RunUnknown || now.Sub(x.CompletedAt) > 50*time.Hour {
				t.Fatalf("%v with %+v", got, x)
			}
			proof = proof || x.Completed != check.RunNotApplicable
		}
		if !proof {
			t.Fatalf("%v without proof: %+v", got, f)
		}
	})
}

func TestFreshnessFollowsTheValidity(t *testing.T) {
	for _, c := range []struct {
		days int
		left time.Duration
		want EvidenceState
	}{
		{380, 14*24*time.Hour + 1, EvidenceCurrent}, {380, 14 * 24 * time.Hour, EvidenceExpiring}, {380, 0, EvidenceExpired},
		{10, 48*time.Hour + 1, EvidenceCurrent}, {10, 48 * time.Hour, EvidenceExpiring}, {10, 1, EvidenceExpiring}, {10, -1, EvidenceExpired},
		{2, 12 * time.Hour, EvidenceCurrent},
	} {
		if got := fresh(c.left, time.Duration(c.days)*24*time.Hour); got != c.want {
			t.Errorf("%d days with %v left: %v, want %v", c.days, c.left, got, c.want)
		}
	}
}

func TestHealthIsWrittenInWords(t *testing.T) {
	for h := NotStarted; h <= NoOccurrence; h++ {
		data, err := json.Marshal(h)
		var back Health
		if err != nil || json.Unmarshal(data, &back) != nil || back != h {
			t.Errorf("%s read back as %v", data, back)
		}
	}
	if h := Health(99); h.String() != "not_started" || h.halves() != 0 || h.UnmarshalText([]byte("ok")) == nil {
		t.Error("what is no health must not score")
	}
}

// A test that was switched off says nothing of now, whatever it came to last.
func TestASwitchedOffRequiredTestIsNoData(t *testing.T) {
	for _, last := range []check.RunState{check.RunPassed, check.RunFailed, check.RunExcepted, check.RunErrored} {
		f := ControlFacts{HasOwner: true, Tests: []TestFacts{
			{Test: "idp.mfa_all", Required: true, Interval: 24 * time.Hour, Latest: last, Completed: last, CompletedAt: now, Off: "switched off: We have no passwords."},
			{Test: "idp.dormant", Required: true, Interval: 24 * time.Hour, Latest: check.RunPassed, Completed: check.RunPassed, CompletedAt: now}}}
		h := HealthOf(f, now)
		if h.Health != NoData || len(h.Causes) != 1 || h.Causes[0].Text != "test idp.mfa_all is switched off: We have no passwords." {
			t.Errorf("after %v: %v %v", last, h.Health, h.Causes)
		}
		f.Tests[0].Required = false
		if h := HealthOf(f, now); h.Health != Passing {
			t.Errorf("supporting, after %v: %v %v", last, h.Health, h.Causes)
		}
	}
}
