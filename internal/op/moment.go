// SPDX-License-Identifier: Apache-2.0

package op

import (
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
)

// Moment reads what a person or program gave as as_of: an RFC 3339 time, or a day, which means its end.
// It stands here so that every face reads it alike. What lies ahead of now is refused: nothing is known
// of it. A minute is allowed for clocks that differ, and means now.
func Moment(s string, now time.Time) (time.Time, error) {
	t, err := clock.Parse(s)
	if err != nil {
		day, notDay := time.Parse(time.DateOnly, s)
		if notDay != nil {
			return time.Time{}, errs.At("as_of", "%q is not a time", short(s)).Mend("write it as 2026-11-22T09:00:00Z, or as 2026-11-22 for the end of that day (UTC)")
		}
		if t = day.AddDate(0, 0, 1).Add(-time.Millisecond); t.After(now) && !day.After(now) {
			return now, nil
		}
	}
	if t.IsZero() || t.After(now.Add(time.Minute)) {
		return time.Time{}, errs.At("as_of", "%s is not in the past", short(s)).Mend("give a moment that has been")
	}
	if t.After(now) {
		t = now
	}
	return t, nil
}
