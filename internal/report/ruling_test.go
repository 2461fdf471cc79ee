// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/store"
)

// What was decided not to apply does so until the first day of the decision that it applies, and not until its approval.
func TestADecisionThatSomethingAppliesHoldsFromItsFirstDay(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 5, d, 9, 0, 0, 0, time.UTC) }
	for from, want := range map[string]time.Time{"": day(10), "2026-05-02": day(10), "2026-05-20": time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC)} {
		d := &dated{days: check.NewDays(time.UTC), decided: map[string][]ruling{}}
		d.rule(store.Dated[grc.Decision]{Thing: &grc.Decision{Subject: "IAM-02", State: "approved", Decision: "not_applicable"}, From: day(1)})
		yes := &grc.Decision{Subject: "IAM-02", State: "approved", Decision: "applicable", FromDay: kind.Date(from)}
		d.rule(store.Dated[grc.Decision]{Thing: yes, From: day(10)})
		if got := d.decided["IAM-02"]; len(got) != 1 || !got[0].To.Equal(want) {
			t.Errorf("from %q: held %v, want until %s", from, got, want)
		}
	}
}
