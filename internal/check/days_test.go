// SPDX-License-Identifier: Apache-2.0

package check

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAChangeOfTimeZoneHoldsFromTheEndOfItsDay(t *testing.T) {
	for _, x := range []struct {
		name, from, to, at string
		starts             map[string]string
	}{
		{"to the west, the day becomes longer", "UTC", "America/New_York", "2026-03-03T15:00:00Z",
			map[string]string{"2026-03-03": "2026-03-03T00:00:00Z", "2026-03-04": "2026-03-04T05:00:00Z", "2026-03-05": "2026-03-05T05:00:00Z"}},
		{"to the east, the next day is shorter", "UTC", "Asia/Tokyo", "2026-03-03T15:00:00Z",
			map[string]string{"2026-03-03": "2026-03-03T00:00:00Z", "2026-03-04": "2026-03-04T00:00:00Z", "2026-03-05": "2026-03-04T15:00:00Z"}},
		{"over the date line, a date is skipped", "Etc/GMT+12", "Pacific/Kiritimati", "2026-03-03T20:00:00Z",
			map[string]string{"2026-03-03": "2026-03-03T12:00:00Z", "2026-03-04": "2026-03-04T12:00:00Z", "2026-03-05": "2026-03-04T12:00:00Z", "2026-03-06": "2026-03-05T10:00:00Z"}},
		{"back over it, no day that was over comes again", "Pacific/Kiritimati", "Etc/GMT+12", "2026-03-03T20:00:00Z",
			map[string]string{"2026-03-04": "2026-03-03T10:00:00Z", "2026-03-05": "2026-03-05T12:00:00Z"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := NewDays(zone(t, x.from))
			c.Change(moment(t, x.at), zone(t, x.to))
			for d, at := range x.starts {
				day, err := ParseDay(d)
				if got := c.Start(day); err != nil || !got.Equal(moment(t, at)) {
					t.Errorf("%s starts at %s, want %s", d, got.Format(time.RFC3339), at)
				}
			}
		})
	}
}

func TestOfSeveralChangesOnOneDayTheLastHolds(t *testing.T) {
	c := NewDays(zone(t, "UTC"))
	c.Change(moment(t, "2026-03-03T09:00:00Z"), zone(t, "Asia/Tokyo"))
	c.Change(moment(t, "2026-03-03T10:00:00Z"), zone(t, "UTC"))
	day, _ := ParseDay("2026-03-04")
	if got := c.Start(day + 1); !got.Equal(moment(t, "2026-03-05T00:00:00Z")) {
		t.Errorf("taken back on the same day, and yet 5 March starts at %s", got)
	}
}

// Whatever is changed, days follow each other without a gap, and what was over stays as it was.
func TestACalendarIsWithoutGapsAndItsPastStays(t *testing.T) {
	names := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Etc/GMT+12", "Africa/Cairo", "Australia/Lord_Howe"}
	rapid.Check(t, func(t *rapid.T) {
		load := func(n string) *time.Location {
			z, err := time.LoadLocation(n)
			if err != nil {
				t.Fatal(err)
			}
			return z
		}
		name := rapid.SampledFrom(names)
		c := NewDays(load(name.Draw(t, "first")))
		at := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			at = at.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "minutes")) * time.Minute)
			was := Days{parts: append([]daysPart(nil), c.parts...)}
			c.Change(at, load(name.Draw(t, "zone")))
			for m := at.Add(-60 * time.Hour); m.Before(at); m = m.Add(37 * time.Minute) {
				if a, b := was.DayOf(m), c.DayOf(m); a != b {
					t.Fatalf("%s was on %s, and is on %s after the change", m, a, b)
				}
			}
		}
		first := c.DayOf(at.AddDate(0, 0, -10))
		last := first
		for m := at.AddDate(0, 0, -10); m.Before(at.AddDate(0, 0, 6)); m = m.Add(29 * time.Minute) {
			d := c.DayOf(m)
			if d < last || m.Before(c.Start(d)) || !m.Before(c.Start(d+1)) {
				t.Fatalf("%s is on %s, which runs from %s to %s", m, d, c.Start(d), c.Start(d+1))
			}
			last = d
		}
		for d := first; d < last; d++ {
			if c.Start(d + 1).Before(c.Start(d)) {
				t.Fatalf("%s starts at %s, and the day after it at %s", d, c.Start(d), c.Start(d+1))
			}
		}
	})
}
