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
		return errs.At("as_of", "%q is not a time", short(text)).Mend("write it as 2026-11-22T09:00:00Z, or as 2026-11-22 for the end of that day")
	}
	c.AsOf, c.Day = time.Time{}, text
	return nil
}

// past says whether a call asks of another moment than now.
func (c Call) past() bool { return c.Day != "" || !c.AsOf.IsZero() }

// Moment reads as_of for a face that must know the moment itself. What lies ahead of now is refused: nothing is
// known of it. A minute is allowed for clocks that differ, and means now.
func Moment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	var c Call
	if err := c.Ask(text); err != nil {
		return time.Time{}, err
	}
	return c.moment(now, zone)
}

func (c Call) moment(now time.Time, zone *time.Location) (time.Time, error) {
	t, asked := c.AsOf, clock.Format(c.AsOf)
	if c.Day != "" {
		day, err := time.ParseInLocation(time.DateOnly, c.Day, zone)
		if err != nil {
			return t, errs.At("as_of", "%q is not a day", short(c.Day)).Mend("write it as 2026-11-22")
		}
		asked = c.Day
		if t = day.AddDate(0, 0, 1).Add(-time.Millisecond).UTC(); t.After(now) && !day.After(now) {
			return now, nil
		}
	}
	if t.After(now.Add(time.Minute)) {
		return t, errs.At("as_of", "%s is not in the past", asked).Mend("give a moment that has been")
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
	zone := time.UTC
	if c.Day != "" && g.Zone != nil {
		var err error
		if zone, err = g.Zone(ctx, a.Org); err != nil {
			return time.Time{}, err
		}
	}
	return c.moment(g.DB.Clock().Now(), zone)
}
