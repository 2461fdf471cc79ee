// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/check"

	"pgregory.net/rapid"
)

// At any moment a day takes what the newest window said, as long as there is one, and what the test came to where there is none.
func TestDaysTakeTheWindowWhileThereIsOne(t *testing.T) {
	word := rapid.SampledFrom([]check.Word{"pass", "fail", "unknown", "error", "excepted", "not_applicable"})
	rapid.Check(t, func(t *rapid.T) {
		var states, windows []change
		gone := true
		for h := range 30 {
			if rapid.IntRange(0, 2).Draw(t, "a state") == 0 || h == 0 {
				states = append(states, change{Verdict: word.Draw(t, "state"), At: after(h)})
			}
			switch rapid.IntRange(0, 5).Draw(t, "a window") {
			case 0:
				windows, gone = append(windows, change{Verdict: word.Draw(t, "day"), At: after(h)}), false
			case 1:
				if !gone {
					windows, gone = append(windows, change{Verdict: check.Gone, At: after(h)}), true
				}
			}
		}
		last := func(all []change, at time.Time) (found check.Word) {
			for _, c := range all {
				if !c.At.After(at) {
					found = c.Verdict
				}
			}
			return found
		}
		got := ofDays(states, windows)
		if !slices.IsSortedFunc(got, func(a, b change) int { return a.At.Compare(b.At) }) {
			t.Fatal("they are not in the order of time")
		}
		for h := range 31 {
			want := last(windows, after(h))
			if want == "" || want == check.Gone {
				want = last(states, after(h))
			}
			if x := last(got, after(h)); x != want {
				t.Fatalf("after %d hours %q, want %q: %v and %v", h, x, want, states, windows)
			}
		}
	})
}

// window adds what a test over events came to for the day.
func (n *Narrow) window(h int, verdict check.Word, rows map[string]check.Word) *Narrow {
	t := n.tests["policy.sod"]
	t.windows = append(t.windows, windowAt{after(h), verdict, rows})
	return n
}

func TestAnEventOfAnotherPolicyDecidesOverNoDayOfThisOne(t *testing.T) {
	n := threeRows().found(0, check.RunPassed, map[string]check.Word{"r1": "pass", "r2": "pass"})
	n.found(24, check.RunFailed, map[string]check.Word{"r2": "fail"}).window(24, "fail", map[string]check.Word{"r2": "fail", "r3": "pass"})
	n.found(48, check.RunPassed, map[string]check.Word{"r2": "pass", "r1": check.Gone}).window(48, "not_applicable", nil)
	n.found(72, check.RunErrored, nil).window(72, "error", nil)
	n.tests["policy.sod"].states[3].stopped = true
	at := func(all []check.StateChange, h int) (s check.RunState) {
		for _, c := range all {
			if !c.At.After(after(h)) {
				s = c.State
			}
		}
		return s
	}
	for policy, want := range map[string]struct{ days, now [4]check.RunState }{
		"POL-01": {[4]check.RunState{check.RunPassed, check.RunNotApplicable, check.RunNotApplicable, check.RunErrored},
			[4]check.RunState{check.RunPassed, check.RunPassed, check.RunNotApplicable, check.RunErrored}},
		"POL-02": {[4]check.RunState{check.RunPassed, check.RunFailed, check.RunNotApplicable, check.RunErrored},
			[4]check.RunState{check.RunPassed, check.RunFailed, check.RunPassed, check.RunErrored}},
		"POL-03": {[4]check.RunState{check.RunUnknown, check.RunPassed, check.RunNotApplicable, check.RunErrored},
			[4]check.RunState{check.RunUnknown, check.RunNotApplicable, check.RunNotApplicable, check.RunErrored}},
	} {
		days, now := n.Letters("policy.sod", []string{policy}), n.Changes("policy.sod", []string{policy})
		for i := range 4 {
			if d, s := at(days, 24*i), at(now, 24*i); d != want.days[i] || s != want.now[i] {
				t.Errorf("%s, day %d: %v for the day and %v now, want %v and %v", policy, i, d, s, want.days[i], want.now[i])
			}
		}
	}
}

// Of a kind whose rows are of no policy the fact keeps no rows: that is unknown, and never a pass.
func TestEventsWithoutRowsOfPoliciesAreUnknownForOnePolicy(t *testing.T) {
	n := threeRows().found(0, check.RunPassed, map[string]check.Word{"r1": "pass"}).window(0, "pass", nil)
	if got := n.Letters("policy.sod", []string{"POL-01"}); len(got) != 1 || got[0].State != check.RunUnknown {
		t.Errorf("it came to %v", got)
	}
}

func TestALateEventNeedsAttentionAndAnOpenOneFails(t *testing.T) {
	now := after(0)
	f := ControlFacts{Started: true, HasOwner: true, Tests: []TestFacts{{Test: "siem.alert_triage", Required: true, Interval: time.Hour, Latest: check.RunPassed, Completed: check.RunPassed, CompletedAt: now, Late: 2, WindowDays: 30}}}
	h := HealthOf(f, now)
	if h.Health != NeedsAttention || len(h.Causes) != 1 || h.Causes[0].Text != "2 events were late in the last 30 days: test siem.alert_triage" {
		t.Errorf("two were late: %v", h)
	}
	f.Tests[0].Required = false
	if h := HealthOf(f, now); h.Health == NeedsAttention {
		t.Errorf("a supporting test had late events: %v", h)
	}
	f.Tests[0].Required, f.Tests[0].Completed, f.Tests[0].Latest = true, check.RunFailed, check.RunFailed
	if h := HealthOf(f, now); h.Health != Failing {
		t.Errorf("and one is open: %v", h)
	}
}

func TestALateEventIsADeviationOfThePeriod(t *testing.T) {
	day := countDays("siem.alert_triage", []check.Letter{check.Passed, check.NotApplicable})
	day.Late = 1
	o := OperationOf(DayCounts{}, []TestDays{day}, nil, after(-48), after(0), after(0))
	if l := operatingLight(o); o.Summary != "deviations" || l.Status != "failing" || !strings.Contains(l.Text, "1 late event") {
		t.Errorf("%s, %+v", o.Summary, l)
	}
	for want, letters := range map[string][]check.Letter{"no_occurrence": row(check.NotApplicable, 90, check.NoData, 2), "no_deviations": row(check.NotApplicable, 88, check.NoData, 2, check.Passed, 2),
		"insufficient_data": row(check.NotApplicable, 40, check.NoData, 52), "deviations": row(check.NotApplicable, 91, check.Failed, 1)} {
		if o := OperationOf(DayCounts{}, []TestDays{countDays("t", letters).overEvents()}, nil, after(-48), after(0), after(0)); o.Summary != want {
			t.Errorf("%s, want %s", o.Summary, want)
		}
	}
}
