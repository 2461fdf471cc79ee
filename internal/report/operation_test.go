// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"testing"
	"time"

	"assay/internal/check"
)

func row(parts ...any) (out []check.Letter) {
	for i := 0; i < len(parts); i += 2 {
		out = append(out, slices.Repeat([]check.Letter{parts[i].(check.Letter)}, parts[i+1].(int))...)
	}
	return out
}

func TestOperationIsCountedAsF06Says(t *testing.T) {
	from, to := at(t, "2026-01-01T00:00:00Z"), at(t, "2026-04-02T00:00:00Z")
	due := func(day string) time.Time { return at(t, day+"T23:59:59.999Z") }
	done := func(d, submitted string) Occurrence {
		return Occurrence{Due: due(d), keys: []string{"k"}, parts: []Performance{{Key: "k", Submitted: at(t, submitted), Accepted: at(t, submitted)}}}
	}
	for _, x := range []struct {
		name        string
		tests       []TestDays
		occurrences []Occurrence
		summary     string
		coverage    int
		timely      int
	}{
		{"nothing was expected", nil, nil, "no_occurrence", 0, -1},
		{"a test with nothing to test, and nothing due", []TestDays{countDays("t", row(check.NotApplicable, 92))}, nil, "no_occurrence", -1, -1},
		{"every day passed", []TestDays{countDays("t", row(check.Passed, 92))}, nil, "no_deviations", 100, -1},
		{"an exception is listed and is no deviation", []TestDays{countDays("t", row(check.Passed, 91, check.Excepted, 1))}, nil, "no_deviations", 100, -1},
		{"one failed day, repaired within hours", []TestDays{countDays("t", row(check.Passed, 91, check.Failed, 1))}, nil, "deviations", 100, -1},
		{"errors, gaps and pauses lower coverage alone", []TestDays{countDays("t", row(check.Passed, 88, check.NoData, 2, check.Errored, 1, check.Paused, 1))}, nil, "no_deviations", 95, -1},
		{"below 95 percent nothing is concluded, not even from a failure", []TestDays{countDays("t", row(check.Passed, 86, check.NoData, 5, check.Failed, 1))}, nil, "insufficient_data", 94, -1},
		{"done in time", nil, []Occurrence{done("2026-01-31", "2026-01-20T00:00:00Z"), done("2026-02-28", "2026-02-20T00:00:00Z")}, "no_deviations", 0, 100},
		{"done late", nil, []Occurrence{done("2026-01-31", "2026-02-02T00:00:00Z"), done("2026-02-28", "2026-02-20T00:00:00Z")}, "deviations", 0, 50},
		{"missed", nil, []Occurrence{{Due: due("2026-01-31")}, done("2026-02-28", "2026-02-20T00:00:00Z"), done("2026-03-31", "2026-03-20T00:00:00Z")}, "deviations", 0, 66},
		{"due after the period and done in it", nil, []Occurrence{done("2026-06-30", "2026-03-20T00:00:00Z")}, "no_deviations", 0, 100},
		{"due after the period and not done", nil, []Occurrence{{Due: due("2026-06-30")}}, "no_occurrence", 0, -1},
	} {
		o := OperationOf(DayCounts{}, x.tests, x.occurrences, from, to, to)
		if o.Summary != x.summary || o.Timely != x.timely || len(x.tests) > 0 && o.Tests[0].Coverage != x.coverage {
			t.Errorf("%s: %+v", x.name, o)
		}
	}
}
