// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
)

// Ask sets the moment that a call asks of, from what a person or program wrote as as_of: an RFC 3339 time, or a
// day, which means its end in the time zone of the organisation. It stands here so that every face reads it alike.
func (c *Call) Ask(text string) error {
	t, err := clock.Parse(text)
	if err == nil && !t.IsZero() {
		c.AsOf, c.Day = t, ""
		return nil
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return errs.At("as_of", "%q is not a valid time", short(text)).Mend("write it as 2026-11-22T09:00:00Z, or as 2026-11-22 for the end of that day")
	}
	c.AsOf, c.Day = time.Time{}, text
	return nil
}

// past says whether a call asks of another moment than now.
func (c Call) past() bool { return c.Day != "" || !c.AsOf.IsZero() }

// Moment reads as_of for a face that must know the moment itself. What lies ahead of now is refused: nothing is
// known of it. A minute is allowed for clocks that differ, and means now.
func Moment(text string, now time.Time, days Days) (time.Time, error) {
	var c Call
	if err := c.Ask(text); err != nil {
		return time.Time{}, err
	}
	return c.moment(now, days)
}

// Days gives the first moment of a date, and the first after it.
type Days func(date time.Time) (from, to time.Time, err error)

// DaysIn are the days of one time zone.
func DaysIn(zone *time.Location) Days {
	return func(date time.Time) (from, to time.Time, err error) {
		y, m, d := date.Date()
		return clock.DayStart(y, m, d, zone), clock.DayStart(y, m, d+1, zone), nil
	}
}

func (c Call) moment(now time.Time, days Days) (time.Time, error) {
	t, asked := c.AsOf, clock.Format(c.AsOf)
	if c.Day != "" {
		date, err := time.Parse(time.DateOnly, c.Day)
		if err != nil {
			return t, errs.At("as_of", "%q is not a valid date", short(c.Day)).Mend("write it as 2026-11-22")
		}
		from, to, err := days(date)
		if err != nil {
			return t, err
		}
		asked = c.Day
		if t = to.Add(-time.Millisecond).UTC(); t.After(now) && !from.After(now) {
			return now, nil
		}
	}
	if t.After(now.Add(time.Minute)) {
		return t, errs.At("as_of", "%s is not in the past", asked).Mend("give a time in the past")
	}
	if t.After(now) {
		t = now
	}
	return t, nil
}

// when settles the moment of a call.
func (g *Gate) when(ctx context.Context, a Actor, c Call) (time.Time, error) {
	if !c.past() {
		return time.Time{}, nil
	}
	return c.moment(g.DB.Clock().Now(), g.DaysOf(ctx, a.Org))
}

// DaysOf are the days of an organisation.
func (g *Gate) DaysOf(ctx context.Context, org string) Days {
	if g.Days == nil {
		return DaysIn(time.UTC)
	}
	return func(date time.Time) (from, to time.Time, err error) { return g.Days(ctx, org, date) }
}
