// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Point is one value of a chart. A point that is not Known leaves a hatched hole, never a zero.
type Point struct {
	At    time.Time
	Value int
	Known bool
}

// Mark is an event on a chart.
type Mark struct {
	At   time.Time
	Text string
}

// Area is a curve over time, oldest point first, with values from 0 to Max.
type Area struct {
	Label  string // what the picture says, in one sentence
	Unit   string // "%"
	Max    int
	Points []Point
	Marks  []Mark
	Href   string // where a day leads, with {day}; empty: nowhere
}

// The room around the curve, and its height: the same at every width.
const (
	areaH                    = 208
	areaL, areaR, areaT, low = 36, 10, 34, 24
)

// sized is a curve for one width: text in a picture must not shrink with it, so there is one for
// the phone and one for everything else, and the style sheet shows one of them.
type sized struct {
	Area
	w int
}

func (a sized) x(i int) float64 {
	if len(a.Points) < 2 {
		return areaL
	}
	return areaL + float64(i)*float64(a.w-areaL-areaR)/float64(len(a.Points)-1)
}

func (a sized) y(v int) float64 {
	return areaT + float64(a.Max-v)*float64(areaH-areaT-low)/float64(max(a.Max, 1))
}

// runs gives the stretches of points that are known (or not), as first and last index.
func (a Area) runs(known bool) [][2]int {
	var out [][2]int
	for i := 0; i < len(a.Points); i++ {
		if a.Points[i].Known != known {
			continue
		}
		j := i
		for j+1 < len(a.Points) && a.Points[j+1].Known == known {
			j++
		}
		out = append(out, [2]int{i, j})
		i = j
	}
	return out
}

// AreaOf draws the curve as SVG: it prints, mails and exports, and has its words in its label.
func AreaOf(a Area) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		sized{a, 760}.draw(&b, "wide")
		sized{a, 350}.draw(&b, "phone")
		_, err := io.WriteString(w, b.String())
		return err
	})
}

func (a sized) draw(b *strings.Builder, class string) {
	fmt.Fprintf(b, `<svg class="chart %s" viewBox="0 0 %d %d" role="img" aria-label="%s">`, class, a.w, areaH, templ.EscapeString(a.Label))
	a.axes(b)
	for _, r := range a.runs(true) {
		a.curve(b, r[0], r[1])
	}
	for _, r := range a.runs(false) {
		x0, x1 := a.x(max(r[0]-1, 0)), a.x(min(r[1]+1, len(a.Points)-1))
		fmt.Fprintf(b, `<rect class="gap" x="%.1f" y="%d" width="%.1f" height="%d"><title>No data</title></rect>`, x0, areaT, max(x1-x0, 1), areaH-areaT-low)
	}
	a.marks(b)
	b.WriteString(`</svg>`)
}

func (a sized) axes(b *strings.Builder) {
	for q := range 5 {
		v := a.Max * q / 4
		class := "grid-line"
		if q == 0 {
			class = "axis"
		}
		fmt.Fprintf(b, `<line class="%s" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%d%s</text>`,
			class, areaL, a.w-areaR, a.y(v), a.y(v), areaL-6, a.y(v)+4, v, templ.EscapeString(a.Unit))
	}
	if len(a.Points) == 0 {
		return
	}
	last := -100.0
	for i, p := range a.Points {
		if p.At.Day() != 1 || a.x(i)-last < 56 || a.x(i) > float64(a.w-40) {
			continue
		}
		last = a.x(i)
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, last, areaH-6, p.At.Format("Jan 06"))
	}
}

func (a sized) curve(b *strings.Builder, i, j int) {
	var line strings.Builder
	for k := i; k <= j; k++ {
		op := "L"
		if k == i {
			op = "M"
		}
		fmt.Fprintf(&line, "%s%.1f %.1f", op, a.x(k), a.y(a.Points[k].Value))
	}
	fmt.Fprintf(b, `<path class="area" d="%sL%.1f %.1fL%.1f %.1fZ"/><path class="line" d="%s"/>`, line.String(), a.x(j), a.y(0), a.x(i), a.y(0), line.String())
	if j == len(a.Points)-1 {
		fmt.Fprintf(b, `<circle class="dot" cx="%.1f" cy="%.1f" r="3.5"/>`, a.x(j), a.y(a.Points[j].Value))
	}
}

func (a sized) marks(b *strings.Builder) {
	for n, m := range a.Marks {
		for i, p := range a.Points {
			if p.At.Format(time.DateOnly) != m.At.Format(time.DateOnly) {
				continue
			}
			anchor := "start"
			dx := 4.0
			if a.x(i) > float64(a.w)*0.6 {
				anchor, dx = "end", -4.0
			}
			fmt.Fprintf(b, `<line class="event-line" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="event" x="%.1f" y="%d" text-anchor="%s">%s</text>`,
				a.x(i), a.x(i), 2+n%2*14, areaH-low, a.x(i)+dx, 12+n%2*14, anchor, templ.EscapeString(m.Text))
			break
		}
	}
}

// Spark is a small curve for a table; values run from 0 to the greatest of them. Its label says what it shows.
func Spark(label string, values []int) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		top := 1
		for _, v := range values {
			top = max(top, v)
		}
		var b strings.Builder
		fmt.Fprintf(&b, `<svg class="spark" viewBox="0 0 96 20" preserveAspectRatio="none" role="img" aria-label="%s"><path d="`, templ.EscapeString(label))
		for i, v := range values {
			op := "L"
			if i == 0 {
				op = "M"
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", op, float64(i)*96/float64(max(len(values)-1, 1)), 18-float64(v)*16/float64(top))
		}
		b.WriteString(`"/></svg>`)
		_, err := io.WriteString(w, b.String())
		return err
	})
}
