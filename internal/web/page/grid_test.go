// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

var now = clock.NewFake(time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)).Now()

// year makes a strip of 365 days out of runs of 12 days: 31 changes in a year, which is a bad year.
func year(ref string) ui.Strip {
	s := ui.Strip{Label: ref, First: now, Href: "/monitoring/" + ref + "/{day}"}
	letters := []ui.Letter{ui.P, ui.F, ui.P, ui.N, ui.P, ui.X, ui.P, ui.E}
	for left, i := 365, 0; left > 0; i++ {
		n := min(12, left)
		left -= n
		x := ui.Span{Letter: letters[i%len(letters)], Days: n}
		if x.Letter != ui.P {
			x.Reason = "2 security controls missing documentation"
		}
		s.Spans = append(s.Spans, x)
	}
	return s
}

func row(ref string) page.GridRow {
	return page.GridRow{Ref: ref, Text: "Logical access architecture protects assets", Href: "/controls/" + ref, Status: ui.Failing, Strip: year(ref), Coverage: 98,
		Why: ui.Link{Text: "2 controls failing a test", Href: "/x"}, OpenHref: "/monitoring?open=" + ref, RowsHref: "/monitoring/" + ref + "/controls"}
}

func grid(criteria, controls int) page.GridView {
	v := page.GridView{First: now, Days: 365, Updated: now, Path: "/monitoring", Answer: []ui.Part{{Text: "5 of 61 criteria", Href: "/x"}}}
	g := page.GridGroup{Title: "All"}
	for i := range criteria {
		r := row(fmt.Sprintf("CC%d.%d", i/8+1, i%8+1))
		r.Open = controls > 0
		for j := range controls / criteria {
			r.Controls = append(r.Controls, row(fmt.Sprintf("IAM-%02d", j+1)))
		}
		g.Rows = append(g.Rows, r)
	}
	v.Groups = []page.GridGroup{g}
	return v
}

func frame() ui.Frame {
	return ui.Frame{Title: "Monitoring", Section: "monitoring", Org: "Harrow & Pike Ltd", Person: "Ines Okafor", Now: now, Path: "/monitoring"}
}

func html(t *testing.T, v page.GridView) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Grid(frame(), v).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAYearOfDaysCostsItsChangesAndNotItsDays(t *testing.T) {
	out := html(t, grid(61, 0))
	if n := strings.Count(out, "<i class="); n != 61*31 {
		t.Fatalf("%d elements for 61 strips of 31 runs", n)
	}
	if kb := len(out) >> 10; kb > 400 {
		t.Fatalf("the grid weighs %d KB", kb)
	}
}

func TestAStripHoldsOneLetterForEachDay(t *testing.T) {
	s := year("CC6.1")
	var b bytes.Buffer
	if err := ui.StripOf(s).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	letters := 0
	for _, run := range strings.Split(b.String(), "<i ")[1:] {
		text := run[strings.Index(run, ">")+1 : strings.Index(run, "</i>")]
		letters += len([]rune(text))
	}
	if letters != 365 || s.Days() != 365 {
		t.Fatalf("%d letters, %d days", letters, s.Days())
	}
}

func TestTheDatedListSaysEveryDayOfTheStrip(t *testing.T) {
	day := now
	for _, d := range year("CC6.1").Dated() {
		if !d.To.Equal(day) {
			t.Fatalf("a gap before %s", d.To)
		}
		day = d.From.AddDate(0, 0, -1)
	}
	if want := now.AddDate(0, 0, -365); !day.Equal(want) {
		t.Fatalf("ends at %s, want %s", day, want)
	}
}

func TestALongRunAndADashKeepTheirLength(t *testing.T) {
	s := ui.Strip{Label: "x", First: now, Spans: []ui.Span{{Letter: ui.NA, Days: 200}, {Letter: ui.P, Days: 129}, {Letter: ui.F}}}
	var b bytes.Buffer
	if err := ui.StripOf(s).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if n, p, f := strings.Count(b.String(), "–"), strings.Count(strings.ReplaceAll(b.String(), `class="P`, ""), "P"), strings.Count(b.String(), `<i class="F`); n != 200 || p != 129 || f != 0 {
		t.Fatalf("%d dashes, %d P, %d empty runs", n, p, f)
	}
}

func TestAnUnsetStatusIsNoDataAndNeverGreen(t *testing.T) {
	var s ui.Status
	var l ui.Letter
	if s.Word() != "no data" || l.Word() != "no data" || l.Text() != "N" {
		t.Fatalf("%q %q %q", s.Word(), l.Word(), l.Text())
	}
	var b bytes.Buffer
	if err := ui.Badge("a word nobody knows").Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "passing") || !strings.Contains(b.String(), "no data") {
		t.Fatal(b.String())
	}
}

func TestAReasonCannotBreakOutOfItsAttribute(t *testing.T) {
	s := ui.Strip{Label: `"><script>`, First: now, Href: "javascript:alert(1)", Spans: []ui.Span{{Letter: ui.F, Days: 1, Reason: `"><img src=x>`}}}
	var b bytes.Buffer
	if err := ui.StripOf(s).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); strings.Contains(out, "<script") || strings.Contains(out, "<img") || strings.Contains(out, "javascript:") {
		t.Fatal(out)
	}
}

func benchmark(b *testing.B, v page.GridView) {
	f := frame()
	var size bytes.Buffer
	if err := page.Grid(f, v).Render(b.Context(), &size); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := page.Grid(f, v).Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size.Len())/1024, "KB/page")
}

func BenchmarkGrid61Rows365Days(b *testing.B)                { benchmark(b, grid(61, 0)) }
func BenchmarkGrid61Rows500Controls365DaysOpen(b *testing.B) { benchmark(b, grid(61, 500)) }
