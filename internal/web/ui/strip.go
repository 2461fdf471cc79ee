// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Span is a run of days with one result and one reason.
type Span struct {
	Letter Letter
	Days   int
	Reason string
	Mark   string // what was overridden on these days
}

// Strip is one row of days, newest first.
type Strip struct {
	Label string    // what the strip is of, for a screen reader: "CC6.1"
	First time.Time // the newest day
	Spans []Span
	Href  string // where a day leads, with {day} in it; empty: nowhere
}

// Days is the length of the strip.
func (s Strip) Days() int {
	n := 0
	for _, x := range s.Spans {
		n += x.Days
	}
	return n
}

// Summary is the strip in one sentence, for those who cannot see it.
func (s Strip) Summary() string {
	var count [256]int
	for _, x := range s.Spans {
		count[x.Letter.class()[0]] += x.Days
	}
	parts := make([]string, 0, 7)
	for _, l := range Letters() {
		if n := count[l.class()[0]]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+l.Word())
		}
	}
	marked := 0
	for _, x := range s.Spans {
		if x.Mark != "" {
			marked += x.Days
		}
	}
	if marked > 0 {
		parts = append(parts, strconv.Itoa(marked)+" with an override")
	}
	return s.Label + ", last " + strconv.Itoa(s.Days()) + " days: " + strings.Join(parts, ", ")
}

// Dated is a Span with its days.
type Dated struct {
	Span
	From, To time.Time // both included; From is the older one
}

// Dated gives the spans with their days, newest first: the list that says all that the picture says.
func (s Strip) Dated() []Dated {
	out := make([]Dated, 0, len(s.Spans))
	day := s.First
	for _, x := range s.Spans {
		if x.Days < 1 {
			continue
		}
		from := day.AddDate(0, 0, 1-x.Days)
		out = append(out, Dated{Span: x, From: from, To: day})
		day = from.AddDate(0, 0, -1)
	}
	return out
}

const cells = 64

// texts holds each letter many times over, so that a run of up to 64 days costs one write and no memory.
var texts = func() map[string]string {
	m := map[string]string{}
	for _, l := range Letters() {
		m[l.class()] = strings.Repeat(l.Text(), cells)
	}
	return m
}()

// StripOf draws the strip with one element for each run of days, so that a year costs what changed in it.
// It is written by hand because a grid holds hundreds of them.
func StripOf(s Strip) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		b.Grow(256 + 48*len(s.Spans))
		b.WriteString(`<div class="strip" tabindex="0" role="img" data-first="`)
		b.WriteString(s.First.Format(time.DateOnly))
		b.WriteString(`" data-days="`)
		b.WriteString(strconv.Itoa(s.Days()))
		if s.Href != "" {
			b.WriteString(`" data-href="`)
			b.WriteString(templ.EscapeString(string(templ.URL(s.Href))))
		}
		b.WriteString(`" aria-label="`)
		b.WriteString(templ.EscapeString(s.Summary()))
		b.WriteString(`">`)
		for i := 0; i < len(s.Spans); i++ {
			writeSpan(&b, s.Spans[i])
		}
		b.WriteString(`</div>`)
		_, err := io.WriteString(w, b.String())
		return err
	})
}

func writeSpan(b *strings.Builder, x Span) {
	if x.Days < 1 {
		return
	}
	class := x.Letter.class()
	b.WriteString(`<i class="`)
	b.WriteString(class)
	if x.Reason != "" {
		b.WriteString(`" data-w="`)
		b.WriteString(templ.EscapeString(x.Reason))
	}
	if x.Mark != "" {
		b.WriteString(`" data-m="`)
		b.WriteString(templ.EscapeString(x.Mark))
	}
	b.WriteString(`">`)
	text := texts[class]
	one := len(text) / cells
	for n := x.Days; n > 0; n -= cells {
		b.WriteString(text[:one*min(n, cells)])
	}
	b.WriteString(`</i>`)
}

// Ruler names the months above strips of so many days, newest first.
func Ruler(first time.Time, days int) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		fmt.Fprintf(&b, `<svg class="ruler" width="%d" height="20" aria-hidden="true" focusable="false">`, days*12)
		last := -1000
		for i := range days {
			d := first.AddDate(0, 0, -i)
			if i != 0 && d.Day() != daysIn(d) {
				continue
			}
			if i == 0 || i-last >= 6 {
				layout := "Jan 2006"
				if d.Month() != time.December && i != 0 {
					layout = "Jan"
				}
				fmt.Fprintf(&b, `<text x="%d" y="14">%s</text>`, i*12+4, d.Format(layout))
				last = i
			}
			fmt.Fprintf(&b, `<line x1="%d.5" x2="%d.5" y1="2" y2="20"/>`, i*12, i*12)
		}
		b.WriteString(`</svg>`)
		_, err := io.WriteString(w, b.String())
		return err
	})
}

func daysIn(d time.Time) int {
	return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, d.Location()).Day()
}
