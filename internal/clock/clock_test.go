// SPDX-License-Identifier: Apache-2.0

package clock_test

import (
	"testing"
	"time"

	"assay/internal/clock"
)

func TestAFakeClockStandsUntilItIsMoved(t *testing.T) {
	zone := time.FixedZone("east", 3600)
	c := clock.NewFake(time.Date(2026, 3, 6, 9, 0, 0, 1_234_567, zone))
	if got := clock.Format(c.Now()); got != "2026-03-06T08:00:00.001Z" || !c.Now().Equal(c.Now()) {
		t.Error(got)
	}
	c.Move(-time.Hour)
	if got := clock.Format(c.Now()); got != "2026-03-06T07:00:00.001Z" {
		t.Error(got)
	}
	c.Set(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	if c.Now().Year() != 2027 {
		t.Error(c.Now())
	}
}

func TestTheTimeIsInUTCAndMilliseconds(t *testing.T) {
	now := clock.System{}.Now()
	if now.Location() != time.UTC || now.Nanosecond()%1_000_000 != 0 {
		t.Error(now)
	}
	back, err := clock.Parse(clock.Format(now))
	if err != nil || !back.Equal(now) {
		t.Errorf("%v %v", back, err)
	}
	if clock.Since()() < 0 {
		t.Error("something took less than no time")
	}
}

func TestADayBeginsAtItsFirstMomentAlsoWhereMidnightIsSkipped(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for d := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2027; d = d.AddDate(0, 0, 1) {
			from := clock.DayStart(d.Year(), d.Month(), d.Day(), zone)
			day := func(at time.Time) string { return at.In(zone).Format(time.DateOnly) }
			want := d.Format(time.DateOnly)
			if name == "Pacific/Apia" && want == "2011-12-30" { // a day that never was
				continue
			}
			if day(from) != want || day(from.Add(-time.Millisecond)) >= want {
				t.Errorf("%s: %s begins at %s", name, want, from)
			}
		}
	}
}
