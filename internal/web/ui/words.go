// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strconv"
	"strings"
	"time"
)

// Link is a text that leads somewhere.
type Link struct {
	Text string
	Href string // empty: text alone
}

// Day writes a date as people do: 3 Mar 2026.
func Day(t time.Time) string { return t.Format("2 Jan 2006") }

// Exact writes the whole moment with its zone.
func Exact(t time.Time) string { return t.Format("2 Jan 2006 15:04:05 MST") }

// Num writes a number with its thousands apart: 48,211.
func Num(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Count writes a number with its noun, which takes an s unless there is one: "1 control", "3 controls".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Num(int64(n)) + " " + noun + "s"
}

// Ago writes how long it is from t to now, in one unit, rounded down: "4 min ago", "12 days ago".
// What lies ahead, or more than 30 days back, is written as its day.
func Ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	switch {
	case d < 0:
		return Day(t)
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min ago"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h ago"
	case d > 30*24*time.Hour:
		return Day(t)
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days ago"
}

// Size writes a number of bytes.
func Size(n int64) string {
	switch {
	case n < 1<<10:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1<<20:
		return strconv.FormatInt(n>>10, 10) + " KB"
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64), ".0") + " MB"
}

// initials is what stands in a person's circle.
func initials(name string) string {
	out := ""
	for _, w := range strings.Fields(name) {
		r := []rune(w)
		out += strings.ToUpper(string(r[0]))
		if len([]rune(out)) == 2 {
			break
		}
	}
	return out
}

// Anchor makes a text fit to be the id of an element: CC6.1 becomes CC6-1.
func Anchor(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, s)
}
