// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	x, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return x.UTC()
}

func dayAt(t *testing.T, s string) check.Day {
	t.Helper()
	d, err := check.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func never(time.Time) bool { return false }

func always(*Occurrence, time.Time) bool { return true }

// told are the occurrences of one definition that stays, with what performed them.
func told(s schedule, now time.Time, pieces []Performance, waived func(time.Time) bool) []Occurrence {
	all := windows([]schedule{s}, check.NewDays(time.UTC), now, waived)
	perform(all, pieces, always)
	listed(all)
	return all
}

func TestTheFirstOccurrenceIsTheFirstWholeWindow(t *testing.T) {
	for _, x := range []struct {
		frequency            grc.Frequency
		first, from, to, due string
	}{
		{"daily", "2026-03-06", "2026-03-06", "2026-03-06", "2026-03-06T23:59:59.999Z"},
		{"weekly", "2026-03-06", "2026-03-09", "2026-03-15", "2026-03-15T23:59:59.999Z"},
		{"monthly", "2026-03-06", "2026-04-01", "2026-04-30", "2026-04-30T23:59:59.999Z"},
		{"monthly", "2026-03-01", "2026-03-01", "2026-03-31", "2026-03-31T23:59:59.999Z"},
		{"quarterly", "2026-03-06", "2026-04-01", "2026-06-30", "2026-06-30T23:59:59.999Z"},
		{"half_yearly", "2026-03-06", "2026-07-01", "2026-12-31", "2026-12-31T23:59:59.999Z"},
		{"yearly", "2026-03-06", "2027-01-01", "2027-12-31", "2027-12-31T23:59:59.999Z"},
	} {
		s := schedule{frequency: x.frequency, begin: at(t, x.first+"T00:00:00Z"), keys: []string{"k"}}
		all := told(s, at(t, "2028-01-01T00:00:00Z"), nil, never)
		if len(all) == 0 || all[0].From != dayAt(t, x.from) || all[0].To != dayAt(t, x.to) || !all[0].Due.Equal(at(t, x.due)) {
			t.Errorf("%s from %s: %+v", x.frequency, x.first, all[:min(1, len(all))])
		}
	}
	for _, frequency := range []grc.Frequency{"continuous", "per_event"} {
		s := schedule{frequency: frequency, begin: at(t, "2026-03-06T00:00:00Z"), keys: []string{"k"}}
		if all := told(s, at(t, "2028-01-01T00:00:00Z"), nil, never); len(all) > 0 {
			t.Errorf("%s has occurrences", frequency)
		}
	}
	none := schedule{frequency: "monthly", begin: at(t, "2026-03-06T00:00:00Z")}
	if all := told(none, at(t, "2028-01-01T00:00:00Z"), nil, never); len(all) > 0 {
		t.Error("a control that only tests prove has occurrences, and nothing that could perform them")
	}
}

func TestAnOccurrenceIsDoneLateMissedWaivedOrAwaitsReview(t *testing.T) {
	month := schedule{frequency: "monthly", begin: at(t, "2026-03-01T00:00:00Z"), keys: []string{"review"}, grace: 5}
	now := at(t, "2026-07-01T00:00:00Z")
	march := func(submitted, accepted string) []Performance {
		p := Performance{Key: "review", From: dayAt(t, "2026-03-01"), To: dayAt(t, "2026-03-31"), Submitted: at(t, submitted)}
		if accepted != "" {
			p.Accepted = at(t, accepted)
		}
		return []Performance{p}
	}
	for _, x := range []struct {
		name   string
		pieces []Performance
		waived bool
		at     string
		want   string
	}{
		{"not due yet, with the days of grace", nil, false, "2026-04-05T23:00:00Z", OccurrenceExpected},
		{"nothing was submitted", nil, false, "2026-04-06T00:00:00Z", OccurrenceMissed},
		{"submitted in time and not reviewed", march("2026-04-05T10:00:00Z", ""), false, "2026-04-20T00:00:00Z", OccurrenceAwaiting},
		{"submitted in time and reviewed later", march("2026-04-05T10:00:00Z", "2026-04-20T00:00:00Z"), false, "2026-04-10T00:00:00Z", OccurrenceAwaiting},
		{"accepted after it was due, and submitted before", march("2026-04-05T10:00:00Z", "2026-04-20T00:00:00Z"), false, "2026-04-20T00:00:00Z", OccurrenceDone},
		{"submitted after it was due", march("2026-04-06T10:00:00Z", ""), false, "2026-04-20T00:00:00Z", OccurrenceMissed},
		{"submitted late and accepted", march("2026-04-06T10:00:00Z", "2026-04-08T00:00:00Z"), false, "2026-04-08T00:00:00Z", OccurrenceLate},
		{"before it was accepted nothing was done", march("2026-04-06T10:00:00Z", "2026-04-08T00:00:00Z"), false, "2026-04-07T00:00:00Z", OccurrenceMissed},
		{"submitted in time and returned: until then it waited", []Performance{{Key: "review", From: dayAt(t, "2026-03-01"), To: dayAt(t, "2026-03-31"), Submitted: at(t, "2026-04-05T10:00:00Z"), Returned: at(t, "2026-04-20T00:00:00Z")}}, false, "2026-04-19T00:00:00Z", OccurrenceAwaiting},
		{"submitted in time and returned: from then it is overdue", []Performance{{Key: "review", From: dayAt(t, "2026-03-01"), To: dayAt(t, "2026-03-31"), Submitted: at(t, "2026-04-05T10:00:00Z"), Returned: at(t, "2026-04-20T00:00:00Z")}}, false, "2026-04-20T00:00:00Z", OccurrenceMissed},
		{"waived", nil, true, "2026-04-06T00:00:00Z", OccurrenceWaived},
	} {
		all := told(month, now, x.pieces, func(time.Time) bool { return x.waived })
		if got := all[0].State(at(t, x.at)); got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
}

func TestOnePerformanceCountsForOneWindow(t *testing.T) {
	month := schedule{frequency: "monthly", begin: at(t, "2026-03-01T00:00:00Z"), keys: []string{"review"}}
	year := Performance{Key: "review", From: dayAt(t, "2026-01-01"), To: dayAt(t, "2026-12-31"), Submitted: at(t, "2026-03-10T00:00:00Z"), Accepted: at(t, "2026-03-11T00:00:00Z")}
	all := told(month, at(t, "2026-06-01T00:00:00Z"), []Performance{year}, never)
	done := 0
	for _, o := range all {
		if o.State(at(t, "2026-06-01T00:00:00Z")) == OccurrenceDone {
			done++
		}
	}
	if len(all) != 4 || done != 1 || all[0].State(at(t, "2026-06-01T00:00:00Z")) != OccurrenceDone {
		t.Errorf("one piece that covers a year performed %d of %d windows", done, len(all))
	}
	both := schedule{frequency: "monthly", begin: at(t, "2026-03-01T00:00:00Z"), keys: []string{"review", "list"}}
	if all := told(both, at(t, "2026-06-01T00:00:00Z"), []Performance{year}, never); all[0].State(at(t, "2026-06-01T00:00:00Z")) != OccurrenceMissed {
		t.Error("one of two required kinds performed a window")
	}
}

func TestAMissIsOpenUntilTheNextWindowIsDueAndThenALapse(t *testing.T) {
	month := schedule{frequency: "monthly", begin: at(t, "2026-03-01T00:00:00Z"), keys: []string{"review"}}
	april := Performance{Key: "review", From: dayAt(t, "2026-04-01"), To: dayAt(t, "2026-04-30"), Submitted: at(t, "2026-04-20T00:00:00Z"), Accepted: at(t, "2026-04-21T00:00:00Z")}
	all := told(month, at(t, "2026-09-10T00:00:00Z"), []Performance{april}, never)
	for moment, want := range map[string][2]int{
		"2026-03-31T23:00:00Z": {0, 0}, // not due
		"2026-04-01T00:00:00Z": {1, 0}, // March was missed, and is open
		"2026-04-22T00:00:00Z": {1, 0}, // that April is done does not forgive March
		"2026-05-01T00:00:00Z": {0, 1}, // April is done in time; the miss of March is a lapse that is over
		"2026-06-15T00:00:00Z": {1, 1}, // May was missed
	} {
		m := at(t, moment)
		overdue, _ := standingAt(all, m)
		if old := lapses(all, m.AddDate(0, 0, -92), m); overdue != want[0] || old != want[1] {
			t.Errorf("%s: %d open and %d over, want %v", moment, overdue, old, want)
		}
	}
}

func TestWhatWasWithdrawnPerformsNothingFromThenOn(t *testing.T) {
	month := schedule{frequency: "monthly", begin: at(t, "2026-03-01T00:00:00Z"), keys: []string{"review"}}
	forged := Performance{Key: "review", From: dayAt(t, "2026-03-01"), To: dayAt(t, "2026-03-31"), Submitted: at(t, "2026-03-20T00:00:00Z"), Accepted: at(t, "2026-03-21T00:00:00Z"), Withdrawn: at(t, "2026-04-20T00:00:00Z")}
	again := forged
	again.Submitted, again.Accepted, again.Withdrawn = at(t, "2026-04-21T00:00:00Z"), at(t, "2026-04-22T00:00:00Z"), time.Time{}
	all := told(month, at(t, "2026-05-10T00:00:00Z"), []Performance{forged, again}, never)
	for moment, want := range map[string]string{"2026-04-19T00:00:00Z": OccurrenceDone, "2026-04-20T00:00:00Z": OccurrenceMissed, "2026-04-23T00:00:00Z": OccurrenceLate} {
		if got := all[0].State(at(t, moment)); got != want {
			t.Errorf("%s: %s, want %s", moment, got, want)
		}
	}
}

func TestAPopulationPerformsOnlyAWholeWindow(t *testing.T) {
	month := schedule{frequency: "monthly", begin: at(t, "2026-03-01T00:00:00Z"), keys: []string{"list"}, whole: []string{"list"}}
	day := Performance{Key: "list", From: dayAt(t, "2026-03-10"), To: dayAt(t, "2026-03-10"), Submitted: at(t, "2026-03-20T00:00:00Z"), Accepted: at(t, "2026-03-21T00:00:00Z")}
	if all := told(month, at(t, "2026-04-10T00:00:00Z"), []Performance{day}, never); all[0].State(at(t, "2026-04-10T00:00:00Z")) != OccurrenceMissed {
		t.Error("a list of one day performed a month")
	}
}
