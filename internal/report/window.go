// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// calendar says which moments belong to which day of an organisation.
type calendar interface {
	DayOf(t time.Time) check.Day
	Start(d check.Day) time.Time
}

// oneZone is the calendar of an organisation that never changed its time zone.
type oneZone struct{ *time.Location }

func (z oneZone) DayOf(t time.Time) check.Day { return check.DayOf(t, z.Location) }
func (z oneZone) Start(d check.Day) time.Time { return d.Start(z.Location) }

// calendar is by which days the evidence of a board is judged.
func (b *Board) calendar() calendar {
	if b.dated == nil { // a board that was made by hand
		return oneZone{b.Zone}
	}
	return b.dated.days
}

// windowOf is the calendar window of a frequency that a day lies in, with its first and last day.
func windowOf(f grc.Frequency, d check.Day) (first, last check.Day) {
	t := time.Unix(int64(d)*86400, 0).UTC()
	y, m, _ := t.Date()
	months := map[grc.Frequency]int{"monthly": 1, "quarterly": 3, "half_yearly": 6}[f]
	switch f {
	case "continuous", "daily":
		return d, d
	case "weekly":
		first = d - check.Day((int(t.Weekday())+6)%7)
		return first, first + 6
	}
	if months == 0 {
		months = 12
	}
	from := time.Date(y, (m-1)/time.Month(months)*time.Month(months)+1, 1, 0, 0, 0, 0, time.UTC)
	return check.DayOf(from, time.UTC), check.DayOf(from.AddDate(0, months, -1), time.UTC)
}

func windowWord(f grc.Frequency) string {
	switch f {
	case "continuous", "daily":
		return "day"
	case "weekly":
		return "week"
	case "monthly":
		return "month"
	case "quarterly":
		return "quarter"
	case "half_yearly":
		return "half-year"
	}
	return "year"
}
