// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	"assay/internal/check"
)

// What counts as observed is a result or evidence that counts, and nothing else (00.7).
func TestADayIsObservedByAResultOrByEvidenceThatCounts(t *testing.T) {
	missing, current := []EvidenceState{EvidenceMissing}, []EvidenceState{EvidenceCurrent}
	for _, x := range []struct {
		name string
		f    DayFacts
		seen bool
	}{
		{"a policy is missing, and no test gave a result", DayFacts{Tests: []check.Letter{check.NoData}, Policies: []PolicyState{PolicyMissing}}, false},
		{"evidence is missing", DayFacts{Evidence: missing}, false},
		{"a performance is overdue", DayFacts{Overdue: 1}, false},
		{"errors and pauses", DayFacts{Tests: []check.Letter{check.Errored, check.Paused, check.NotApplicable}}, false},
		{"nothing is declared", DayFacts{Evidence: []EvidenceState{EvidenceNotDue}}, false},
		{"a test failed", DayFacts{Tests: []check.Letter{check.Failed}, Evidence: missing}, true},
		{"a test passed with an exception", DayFacts{Tests: []check.Letter{check.Excepted}}, true},
		{"evidence counted, and a policy was missing", DayFacts{Evidence: current, Policies: []PolicyState{PolicyMissing}}, true},
		{"it is declared that nothing happened", DayFacts{Evidence: []EvidenceState{EvidenceNilDeclared}, Overdue: 1}, true},
	} {
		if d := DayOfControl(x.f); d.Seen != x.seen {
			t.Errorf("%s: %+v", x.name, d)
		}
	}
}

// The light says everything that does not go without saying, and is green only where there is nothing to say.
func TestTheOperatingLightHidesNothing(t *testing.T) {
	from, to := at(t, "2026-01-01T00:00:00Z"), at(t, "2026-04-02T00:00:00Z")
	due := func(day string, parts ...Performance) Occurrence {
		d := at(t, day+"T23:59:59.999Z")
		return Occurrence{Due: d, Open: d.AddDate(0, 1, 0), keys: []string{"k"}, parts: parts}
	}
	piece := func(submitted, accepted string) Performance {
		p := Performance{Key: "k", Submitted: at(t, submitted+"T00:00:00Z")}
		if accepted != "" {
			p.Accepted = at(t, accepted+"T00:00:00Z")
		}
		return p
	}
	done, late, missed, awaiting := due("2026-01-31", piece("2026-01-20", "2026-01-21")), due("2026-01-31", piece("2026-02-02", "2026-02-03")), due("2026-02-28"), due("2026-03-31", piece("2026-03-20", ""))
	waived := due("2026-02-28")
	waived.Waived = true
	tested := func(parts ...any) []TestDays { return []TestDays{countDays("t", row(parts...))} }
	for _, x := range []struct {
		name   string
		days   DayCounts
		tests  []TestDays
		list   []Occurrence
		status string
		text   string
	}{
		{"all well", DayCounts{}, tested(check.Passed, 92), nil, "passing", "no exceptions: on 92 observed days, test coverage 100%"},
		{"seen on one day alone", DayCounts{}, tested(check.Passed, 1, check.NotApplicable, 91), nil, "passing", "no exceptions: on 1 observed day, test coverage 100%"},
		{"done in time", DayCounts{periodic: true}, nil, []Occurrence{done}, "passing", "no exceptions: 1 performance on time"},
		{"one missed beside one that waits", DayCounts{periodic: true}, nil, []Occurrence{missed, awaiting}, "failing", "exceptions found: 1 missed; 1 performance is not reviewed yet"},
		{"late", DayCounts{periodic: true}, nil, []Occurrence{late}, "failing", "exceptions found: 1 performed late"},
		{"missed beside thin coverage", DayCounts{}, tested(check.Passed, 9, check.NoData, 1), []Occurrence{missed}, "failing", "exceptions found: 1 missed; test coverage is 90%"},
		{"thin coverage, and days failed", DayCounts{Failed: 12}, tested(check.Passed, 78, check.Failed, 12, check.NoData, 10), nil, "failing", "test coverage is 90%; 12 days failed"},
		{"thin coverage alone", DayCounts{}, tested(check.Passed, 9, check.NoData, 1), nil, "no_data", "test coverage is 90%; 95% is needed"},
		{"one waits, and nothing deviates", DayCounts{periodic: true}, nil, []Occurrence{done, awaiting}, "no_data", "1 performance is not reviewed yet"},
		{"days with an exception", DayCounts{Observed: 25, Excepted: 24}, tested(check.Passed, 1, check.Excepted, 24), nil, "needs_attention", "24 of 25 days passed with an approved exception, test coverage 100%"},
		{"days without documents", DayCounts{Observed: 92, Documents: 5}, tested(check.Passed, 92), nil, "failing", "exceptions found: 5 days failed for missing documents"},
		{"due and waived", DayCounts{periodic: true}, nil, []Occurrence{waived}, "needs_attention", "1 performance waived"},
		{"overdue since before the period", DayCounts{periodic: true, Overdue: 92}, nil, nil, "failing", "exceptions found: a performance was overdue on 92 days"},
		{"nothing was due", DayCounts{periodic: true, Judged: 20, Observed: 20}, nil, nil, "no_data", "no occurrence: nothing was due in this period"},
		{"events are silent", DayCounts{Judged: 30, Silent: 30}, nil, nil, "no_data", "on 30 days no event is on record, and no accepted statement says that there was none"},
		{"nothing proved it yet", DayCounts{Judged: 30, Waiting: 30}, nil, nil, "no_data", "no evidence yet"},
		{"evidence of an event", DayCounts{Judged: 30, Observed: 30}, nil, nil, "passing", "no exceptions: on 30 observed days"},
	} {
		o := OperationOf(x.days, x.tests, x.list, from, to, to)
		if l := operatingLight(o); l.Status != x.status || l.Text != x.text {
			t.Errorf("%s (%s): %s, %q", x.name, o.Summary, l.Status, l.Text)
		}
	}
}

// Proof that lapsed is not proof that never was, and one answer is not all answers.
func TestTheImplementedLightSaysWhatElseIsRequired(t *testing.T) {
	now := at(t, "2026-03-03T00:00:00Z")
	test := func(name string, s check.RunState) TestFacts {
		f := TestFacts{Test: name, Required: true, Completed: s}
		if s != check.RunUnknown {
			f.CompletedAt = now.Add(-time.Hour)
		}
		return f
	}
	never := test("b", check.RunUnknown)
	for _, x := range []struct {
		name         string
		f            ControlFacts
		status, text string
	}{
		{"one of four answered", ControlFacts{Tests: []TestFacts{test("a", check.RunPassed), never, never, never}}, "passing", "test a has passed; 3 other required tests have no result yet"},
		{"evidence beside a silent test", ControlFacts{Tests: []TestFacts{never}, Evidence: []EvidenceFacts{{"Report", true, EvidenceCurrent}}}, "passing", "accepted evidence: Report; 1 required test has no result yet"},
		{"one passed, one fails", ControlFacts{Tests: []TestFacts{test("a", check.RunPassed), test("b", check.RunFailed)}}, "passing", "test a has passed; 1 other required test fails"},
		{"it expired", ControlFacts{Evidence: []EvidenceFacts{{"Report", true, EvidenceExpired}}}, "no_data", "evidence was accepted and expired: Report"},
		{"it was withdrawn", ControlFacts{Evidence: []EvidenceFacts{{"Report", true, EvidenceWithdrawn}}}, "no_data", "evidence was accepted and was withdrawn: Report"},
		{"nothing", ControlFacts{Tests: []TestFacts{never}}, "no_data", "no accepted evidence, and no required test has passed"},
	} {
		if l := (&ControlLine{Facts: x.f}).implementedLight(); l.Status != x.status || l.Text != x.text {
			t.Errorf("%s: %s, %q", x.name, l.Status, l.Text)
		}
	}
}
