// SPDX-License-Identifier: Apache-2.0

package op_test

import (
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
)

func TestAMomentIsATimeOrTheEndOfADayAndNeverAhead(t *testing.T) {
	now := time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2026-03-05T10:00:00+02:00": time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC),
		"2026-03-05":                time.Date(2026, 3, 5, 23, 59, 59, 999e6, time.UTC),
		"2026-03-06":                now,
		"2026-03-06T09:00:30Z":      now,
	} {
		if got, err := op.Moment(in, now, op.DaysIn(time.UTC)); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for _, in := range []string{"", "yesterday", "2026-03-07", "2026-03-06T09:02:00Z", "2026-02-30", "0001-01-01T00:00:00Z"} {
		if _, err := op.Moment(in, now, op.DaysIn(time.UTC)); errs.Public(err).Field != "as_of" {
			t.Errorf("%s: %v", in, err)
		}
	}
	auckland, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := op.Moment("2026-03-05", now, op.DaysIn(auckland)); err != nil || !got.Equal(time.Date(2026, 3, 5, 10, 59, 59, 999e6, time.UTC)) {
		t.Errorf("the end of a day in Auckland: %v %v", got, err)
	}
	if got, err := op.Moment("2026-03-06", now.Add(5*time.Hour), op.DaysIn(auckland)); err != nil || !got.Equal(time.Date(2026, 3, 6, 10, 59, 59, 999e6, time.UTC)) {
		t.Errorf("a day that has ended in Auckland and not in UTC: %v %v", got, err)
	}
}
