// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Holidays are days without business, written 2026-12-25.
type Holidays map[string]bool

// Calendar counts business days in one time zone: Monday to Friday, holidays left out.
type Calendar struct {
	zone     *time.Location
	holidays Holidays
}

// NewCalendar returns the calendar of a time zone; nil stands for UTC.
func NewCalendar(zone *time.Location, holidays Holidays) *Calendar {
	if zone == nil {
		zone = time.UTC
	}
	return &Calendar{zone: zone, holidays: holidays}
}

// maxBusinessDays bounds what one expression can ask for.
const maxBusinessDays = 3660

func (c *Calendar) business(t time.Time) bool {
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		return false
	}
	return len(c.holidays) == 0 || !c.holidays[t.Format(time.DateOnly)]
}

// PlusBusinessDays is the same time of day, n business days later. Zero days change nothing.
func (c *Calendar) PlusBusinessDays(t time.Time, n int) (time.Time, error) {
	if n < 0 || n > maxBusinessDays {
		return time.Time{}, fmt.Errorf("count %d business days: use 0 to %d", n, maxBusinessDays)
	}
	local := t.In(c.zone)
	for steps := 0; n > 0; steps++ {
		if steps > 4*maxBusinessDays {
			return time.Time{}, fmt.Errorf("count business days: the holidays leave none")
		}
		local = local.AddDate(0, 0, 1)
		if c.business(local) {
			n--
		}
	}
	return local.UTC(), nil
}

// PeriodStart is the moment from which something that is done again and again still counts now: the start of the day
// so many days ago or, where that is earlier, the start of the calendar quarter or year before the present one, because
// it was then done in each. An empty word is no calendar period.
func (c *Calendar) PeriodStart(now time.Time, days int, word string) (time.Time, error) {
	if days < 0 || days > maxBusinessDays {
		return time.Time{}, fmt.Errorf("count %d days back: use 0 to %d", days, maxBusinessDays)
	}
	from := DayOf(now, c.zone) - Day(days)
	y, m, _ := now.In(c.zone).Date()
	switch word {
	case "":
	case "quarter":
		from = min(from, civilDay(y, m-(m-1)%3-3, 1))
	case "year":
		from = min(from, civilDay(y-1, time.January, 1))
	default:
		return time.Time{}, fmt.Errorf("%q is no calendar period: use quarter, year or nothing", word)
	}
	return from.Start(c.zone).UTC(), nil
}

// EndOfDay is the last millisecond of the day of t.
func (c *Calendar) EndOfDay(t time.Time) time.Time {
	return (DayOf(t, c.zone) + 1).Start(c.zone).Add(-time.Millisecond)
}

// StartOfDay is the first moment of the day of t.
func (c *Calendar) StartOfDay(t time.Time) time.Time {
	return DayOf(t, c.zone).Start(c.zone).UTC()
}

// A calendar travels through expressions as a hidden argument. These make it a value there.

var calendarType = types.NewOpaqueType("calendar")

// Type is the type of calendars in expressions.
func (c *Calendar) Type() ref.Type { return calendarType }

// Value returns the calendar itself.
func (c *Calendar) Value() any { return c }

// Equal holds for the same calendar.
func (c *Calendar) Equal(other ref.Val) ref.Val {
	o, ok := other.(*Calendar)
	return types.Bool(ok && o == c)
}

// ConvertToNative is not supported.
func (c *Calendar) ConvertToNative(want reflect.Type) (any, error) {
	return nil, fmt.Errorf("convert a calendar to %s: not supported", want)
}

// ConvertToType is not supported.
func (c *Calendar) ConvertToType(want ref.Type) ref.Val {
	return types.NewErr("a calendar cannot become %s", want.TypeName())
}
