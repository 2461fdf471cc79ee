// SPDX-License-Identifier: Apache-2.0

package clock

import (
	"fmt"
	"regexp"
	"time"
	_ "time/tzdata" // a machine without time zone data counts the same days
)

// ofTheMachine are names that mean something else on every machine, or count seconds in another way.
var ofTheMachine = regexp.MustCompile(`^(|Local|localtime|posixrules|Factory|(posix|right)/.*)$`)

// Zone is the time zone of a name. One that is not known is an error and never UTC: another zone makes other days.
func Zone(name string) (*time.Location, error) {
	if ofTheMachine.MatchString(name) {
		return nil, fmt.Errorf("load time zone %q: it is another one on every machine", name)
	}
	return time.LoadLocation(name)
}

// DayStart is the first moment of a day in a time zone. Where clocks were put forward at midnight, that is not midnight.
func DayStart(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	date := func(t time.Time) time.Time {
		y, m, d := t.In(zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	from, to := t.ZoneBounds()
	switch {
	case date(t).Before(want): // midnight was skipped, and Date chose the moment before the skip
		t = to
	case !from.IsZero() && t.After(from) && date(from).Equal(want) && date(from.Add(-1)).Before(want):
		t = from // midnight was skipped, and Date chose the moment after it
	}
	return t.UTC()
}
