// SPDX-License-Identifier: Apache-2.0

package file

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"assay/internal/clock"
)

// A written is what a text can mean as a date. Where day and month could change places, there are two readings.
type written struct {
	dayFirst, monthFirst time.Time // zero where the text has no such reading
	form                 form
	dayOnly              bool // it has no time of day
}

// form is how a date is written. Forms that say nothing about themselves must hold for a whole column.
type form int

const (
	plain  form = iota // only one reading, whatever stands beside it
	turned             // day and month, or month and day
	serial             // the days of a spreadsheet
)

var (
	datePart = regexp.MustCompile(`^(\d{1,4})([-/.])(\d{1,2})([-/.])(\d{1,4})(?:$|[T,\s])`)
	dayMonth = regexp.MustCompile(`^(\d{1,2})(?:st|nd|rd|th)?[-/. ]{1,2}([a-z]{3,9})[-/., ]{1,2}(\d{4}|\d{2})(?:$|[,\s])`)
	monthDay = regexp.MustCompile(`^([a-z]{3,9})[. ]{1,2}(\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?:$|[,\s])`)
	yearName = regexp.MustCompile(`^(\d{4})[-/ ]([a-z]{3,9})[-/ ](\d{1,2})(?:$|[T,\s])`)
	compact  = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	weekday  = regexp.MustCompile(`^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +`)
	timePart = regexp.MustCompile(`^(?:t|,? *(?:at +)?)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: *(am|pm|a\.m\.|p\.m\.))?(?: *(z|utc|gmt)?([+-]\d{2})?(?::?(\d{2}))?)?$`)
	inBraces = regexp.MustCompile(` *\([^()]*\)$`)
	days     = regexp.MustCompile(`^\d{5}(?:\.\d+)?$`)
	seconds  = regexp.MustCompile(`^\d{10}(?:\d{3})?$`)
)

// readDate reads a date as people's programs write it, in a time zone where it names none. 1904 says from which day a
// spreadsheet counts.
func readDate(s string, zone *time.Location, since1904 bool) (written, bool) {
	if len(s) > 80 {
		return written{}, false
	}
	if days.MatchString(s) {
		return readSerial(s, zone, since1904)
	}
	if seconds.MatchString(s) {
		n, _ := strconv.ParseInt(s, 10, 64)
		if len(s) == 10 {
			n *= 1000
		}
		t := time.UnixMilli(n).UTC()
		return written{dayFirst: t, monthFirst: t}, true
	}
	s = strings.ToLower(strings.Join(strings.FieldsFunc(s, unseen), " "))
	s = inBraces.ReplaceAllString(weekday.ReplaceAllString(s, ""), "")
	if m := datePart.FindStringSubmatch(strings.ToUpper(s)); m != nil && m[2] == m[4] {
		return numbers(m, s, zone)
	}
	for _, named := range []struct {
		re               *regexp.Regexp
		year, month, day int
	}{{dayMonth, 3, 2, 1}, {monthDay, 3, 1, 2}, {yearName, 1, 2, 3}, {compact, 1, 2, 3}} {
		text := s
		if named.re == compact {
			text = strings.ToUpper(s)
		}
		m := named.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		month, ok := monthOf(m[named.month])
		if !ok {
			return written{}, false
		}
		t, dayOnly, ok := moment(year(m[named.year]), month, number(m[named.day]), rest(s, m[0]), zone)
		return written{dayFirst: t, monthFirst: t, dayOnly: dayOnly}, ok
	}
	return written{}, false
}

// numbers reads 2026-01-31, 31.01.2026, 1/31/26 and their kin, with a time of day behind them.
func numbers(m []string, s string, zone *time.Location) (written, bool) {
	a, b := number(m[1]), number(m[3])
	tail := rest(s, m[0])
	if len(m[1]) == 4 {
		t, dayOnly, ok := moment(a, b, number(m[5]), tail, zone)
		return written{dayFirst: t, monthFirst: t, dayOnly: dayOnly}, ok && len(m[5]) <= 2
	}
	if len(m[1]) > 2 || len(m[5]) != 4 && len(m[5]) != 2 {
		return written{}, false
	}
	w := written{form: turned}
	y := year(m[5])
	var first, second bool
	if t, dayOnly, ok := moment(y, b, a, tail, zone); ok {
		w.dayFirst, w.dayOnly, first = t, dayOnly, true
	}
	if t, dayOnly, ok := moment(y, a, b, tail, zone); ok {
		w.monthFirst, w.dayOnly, second = t, dayOnly, true
	}
	return w, first || second
}

// rest is what stands behind the date, with the character that ended it.
func rest(s, date string) string {
	end := len(date)
	if end > 0 && strings.ContainsRune("tT, ", rune(date[end-1])) {
		end--
	}
	return s[end:]
}

func number(s string) int { n, _ := strconv.Atoi(s); return n }

// year reads two digits as Go and POSIX do: 69 and later belong to the century before.
func year(s string) int {
	n := number(s)
	if len(s) == 2 {
		if n += 1900; n < 1969 {
			n += 100
		}
	}
	return n
}

var months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

func monthOf(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	for i, m := range months {
		if s == m || s == m[:3] || s == "sept" && i == 8 {
			return i + 1, true
		}
	}
	return 0, false
}

// moment puts date and time together. Without a time it is the first moment of the day.
func moment(y, m, d int, tail string, zone *time.Location) (t time.Time, dayOnly, ok bool) {
	if check := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC); m < 1 || m > 12 || d < 1 || check.Day() != d || y < 1 {
		return t, false, false
	}
	if tail = strings.TrimSpace(tail); tail == "" {
		return clock.DayStart(y, time.Month(m), d, zone), true, true
	}
	p := timePart.FindStringSubmatch(tail)
	if p == nil {
		return t, false, false
	}
	hour, minute, second := number(p[1]), number(p[2]), number(p[3])
	if half := p[5]; half != "" {
		if hour < 1 || hour > 12 {
			return t, false, false
		}
		if hour %= 12; half[0] == 'p' {
			hour += 12
		}
	}
	if hour > 23 || minute > 59 || second > 59 {
		return t, false, false
	}
	nanos := number((p[4] + "000000000")[:9])
	switch {
	case p[7] != "":
		h, mins := number(p[7][1:]), number(p[8])
		if h > 14 || mins > 59 {
			return t, false, false
		}
		offset := h*3600 + mins*60
		if p[7][0] == '-' {
			offset = -offset
		}
		zone = time.FixedZone("", offset)
	case p[8] != "":
		return t, false, false
	case p[6] != "":
		zone = time.UTC
	}
	return time.Date(y, time.Month(m), d, hour, minute, second, nanos, zone), false, true
}

// readSerial reads the day number of a spreadsheet: whole days, and the time of day behind the point.
func readSerial(s string, zone *time.Location, since1904 bool) (written, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 10000 || f > 109574 { // 1927 to 2200
		return written{}, false
	}
	day, part := math.Modf(f)
	if since1904 {
		day += 1462
	}
	d := time.Date(1899, 12, 30+int(day), 0, 0, 0, 0, time.UTC)
	second := int(math.Round(part * 86400))
	t := clock.DayStart(d.Year(), d.Month(), d.Day(), zone)
	if second > 0 {
		t = time.Date(d.Year(), d.Month(), d.Day(), 0, 0, second, 0, zone)
	}
	return written{dayFirst: t, monthFirst: t, form: serial, dayOnly: second == 0}, true
}

// place is where a text stands in a file.
type place struct {
	row    int
	column string
	text   string
}

// dating gathers over a whole column how its dates are written: what one row leaves open another may decide.
type dating struct {
	onlyDay, onlyMonth, either *place // the first row of each
	serial, plain              *place
	zoneless                   *place // a time of day that names no time zone
}

func (d *dating) note(w written, at place) {
	into := &d.plain
	switch {
	case w.form == serial:
		into = &d.serial
	case w.form == turned && w.monthFirst.IsZero():
		into = &d.onlyDay
	case w.form == turned && w.dayFirst.IsZero():
		into = &d.onlyMonth
	case w.form == turned && !w.dayFirst.Equal(w.monthFirst):
		into = &d.either
	}
	if *into == nil {
		*into = &at
	}
}

// elsewhere is a zone in which a time that names none is another moment.
var elsewhere = time.FixedZone("elsewhere", -11*60*60)

// zone notes the first time of day that names no zone.
func (d *dating) zone(w written, at place, since1904 bool) {
	if d.zoneless != nil || w.dayOnly {
		return
	}
	if other, ok := readDate(at.text, elsewhere, since1904); ok && !(other.dayFirst.Equal(w.dayFirst) && other.monthFirst.Equal(w.monthFirst)) {
		d.zoneless = &at
	}
}

// order is whether the day or the month comes first in a column.
type order int

const (
	free       order = iota // no row asks
	dayFirst                // 31/1/2026
	monthFirst              // 1/31/2026
	undecided               // the file does not say, and nobody else did
)

// decide says how a column is read, or what a person must say first.
func (d *dating) decide(said *bool) (order, *Fault) {
	if d.serial != nil {
		if other := earliest(d.plain, d.onlyDay, d.onlyMonth, d.either); other != nil {
			return undecided, &Fault{Row: d.serial.row, Column: d.serial.column, Text: fmt.Sprintf("%q is the day number of a spreadsheet, and row %d is a written date (%q): nobody can say how the column was meant. Format the column as text in one way, and save the file again",
				cut(d.serial.text), other.row, cut(other.text))}
		}
	}
	switch {
	case said != nil && *said:
		return dayFirst, nil
	case said != nil:
		return monthFirst, nil
	case d.onlyDay != nil && d.onlyMonth != nil:
		return undecided, &Fault{Row: d.onlyDay.row, Column: d.onlyDay.column, Text: fmt.Sprintf("%q has the day first, and row %d has the month first (%q). Write the column in one way", cut(d.onlyDay.text), d.onlyMonth.row, cut(d.onlyMonth.text))}
	case d.onlyDay != nil:
		return dayFirst, nil
	case d.onlyMonth != nil:
		return monthFirst, nil
	case d.either != nil:
		return undecided, &Fault{Row: d.either.row, Column: d.either.column, Text: fmt.Sprintf("%q can be read with the day first or with the month first, and no row of the column decides it. Set day_first to true if the day comes first, or to false if the month does", cut(d.either.text)), asks: "day_first"}
	}
	return free, nil
}

func earliest(all ...*place) *place {
	var out *place
	for _, p := range all {
		if p != nil && (out == nil || p.row < out.row) {
			out = p
		}
	}
	return out
}

// in gives the reading of a date in a column.
func (w written) in(o order) (time.Time, bool) {
	t := w.dayFirst
	if o == monthFirst || w.form == turned && o == free && t.IsZero() {
		t = w.monthFirst
	}
	return t, !t.IsZero()
}
