// SPDX-License-Identifier: Apache-2.0

package check

import "time"

// Days says which moments belong to which day of an organisation, whose time zone may have changed. A change
// holds from the end of the day on which it was made: from then on every moment belongs to the date that the new
// zone gives it, but never to a day that was over. So one day is longer or shorter, and a date may be skipped.
type Days struct{ parts []daysPart }

type daysPart struct {
	zone *time.Location
	from time.Time // zero for the first
	over Day       // the day that ends where this part begins
}

// NewDays are the days of one time zone.
func NewDays(zone *time.Location) *Days {
	return &Days{parts: []daysPart{{zone: zone}}}
}

// Change says that the time zone was changed at a moment. Changes come in the order of time.
func (c *Days) Change(at time.Time, zone *time.Location) {
	last := &c.parts[len(c.parts)-1]
	if !last.from.IsZero() && at.Before(last.from) { // changed again on the same day: the last one holds
		last.zone = zone
		return
	}
	if last.zone.String() == zone.String() {
		return
	}
	d := c.DayOf(at)
	c.parts = append(c.parts, daysPart{zone: zone, from: c.Start(d + 1), over: d})
}

// Zone is the time zone that holds at a moment.
func (c *Days) Zone(t time.Time) *time.Location { return c.part(t).zone }

func (c *Days) part(t time.Time) *daysPart {
	i := len(c.parts) - 1
	for i > 0 && t.Before(c.parts[i].from) {
		i--
	}
	return &c.parts[i]
}

// DayOf is the day that a moment belongs to.
func (c *Days) DayOf(t time.Time) Day {
	p := c.part(t)
	d := DayOf(t, p.zone)
	if !p.from.IsZero() && d < p.over {
		return p.over
	}
	return d
}

// Start is the first moment of a day. A day that is skipped has none: it starts where the next one does.
func (c *Days) Start(d Day) time.Time {
	for i, p := range c.parts {
		last := i == len(c.parts)-1
		if !p.from.IsZero() && d <= p.over {
			continue
		}
		at := d.Start(p.zone)
		if at.Before(p.from) {
			at = p.from
		}
		if last || at.Before(c.parts[i+1].from) {
			return at
		}
	}
	return c.parts[len(c.parts)-1].from // not reached: the last part returns
}

// Closes is the moment from which a day is closed: two hours after its end.
func (c *Days) Closes(d Day) time.Time { return c.Start(d + 1).Add(dayGrace) }

// Closed reports whether a day is closed at a moment. Until then its letter is the letter so far.
func (c *Days) Closed(d Day, now time.Time) bool { return !now.Before(c.Closes(d)) }
