// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// seriesTitle names the series of criteria in our own words.
var seriesTitle = map[string]string{"CC1": "CC1 Control environment", "CC2": "CC2 Communication and information", "CC3": "CC3 Risk assessment", "CC4": "CC4 Monitoring of controls",
	"CC5": "CC5 Control activities", "CC6": "CC6 Logical and physical access", "CC7": "CC7 System operations", "CC8": "CC8 Change management", "CC9": "CC9 Risk mitigation",
	"A1": "A1 Availability", "PI1": "PI1 Processing integrity", "C1": "C1 Confidentiality"}

func seriesOf(ref, given string) string {
	s, _, _ := strings.Cut(ref, ".")
	if t := seriesTitle[s]; t != "" {
		return t
	}
	if strings.HasPrefix(s, "P") {
		return "Privacy"
	}
	return given
}

func (q *ask) days() int64 {
	switch n := q.number("days", 30); n {
	case 90, 365:
		return n
	}
	return 30
}

func monitoring(q *ask) (answer, error) {
	days := q.days()
	in := map[string]any{"days": days, "query": clip(q.get("q"), 100)}
	g, err := do[*report.Grid](q, "monitoring.grid", in)
	if err != nil {
		return answer{}, err
	}
	count := map[string]int{}
	for _, r := range g.Rows {
		count[r.Status]++
	}
	rows := g.Rows
	if st, mine := q.get("status"), q.get("mine") != ""; st != "" || mine {
		in["status"], in["mine"] = clip(st, 30), mine
		narrow, err := do[*report.Grid](q, "monitoring.grid", in)
		if err != nil {
			return answer{}, err
		}
		rows = narrow.Rows
	}
	v := page.GridView{Tabs: q.tabs("/monitoring"), Query: q.get("q"), First: dayOf(g.Newest), Days: g.Days, Updated: q.localOf(g.Updated), Path: q.r.URL.RequestURI(), Keep: q.keep("status", "mine", "days"),
		Answer: gridAnswer(g, ui.Frame{AsOf: q.asOf}.Today()), Chips: q.gridChips(count)}
	for _, n := range []int64{30, 90, 365} {
		text := strconv.FormatInt(n, 10)
		if n == 30 {
			text += " days"
		}
		v.Ranges = append(v.Ranges, ui.Tab{Text: text, Href: q.with("days", strconv.FormatInt(n, 10)), Current: n == days})
	}
	if v.Groups, err = q.gridGroups(g, rows, days); err != nil {
		return answer{}, err
	}
	f := q.frame("Monitoring", "monitoring")
	f.Wide = true
	return show(page.Grid(f, v))
}

func (q *ask) gridChips(count map[string]int) []ui.Chip {
	chip := func(text, status string) ui.Chip {
		on := q.get("status") == status
		to := status
		if on {
			to = ""
		}
		return ui.Chip{Text: text, Href: q.with("status", to), N: count[status], On: on}
	}
	mine := ui.Chip{Text: "My controls", Href: q.with("mine", "1"), N: -1}
	if q.get("mine") != "" {
		mine.On, mine.Href = true, q.with("mine", "")
	}
	return []ui.Chip{chip("failing", "failing"), chip("no data", "no_data"), chip("needs attention", "needs_attention"), chip("not started", "not_started"), chip("passing", "passing"), chip("no occurrence", "no_occurrence"), mine}
}

func gridAnswer(g *report.Grid, today string) []ui.Part {
	if g.InScope == 0 {
		return []ui.Part{{Text: "No criteria are in scope yet."}}
	}
	if g.NoProof == 0 {
		return []ui.Part{{Text: fmt.Sprintf("All %d criteria", g.InScope), Href: "/criteria"}, {Text: " are met " + today + "."}}
	}
	verb := " are not met yet; the oldest gap is "
	if g.NoProof == 1 {
		verb = " is not met yet; the oldest gap is "
	}
	gap := ui.Part{Text: ui.Count(g.Gap, "day"), Href: "/criteria?show=open"}
	if g.Gap >= g.Days { // what was before the first day shown is not known here
		gap.Text = "at least " + gap.Text
	}
	out := []ui.Part{{Text: fmt.Sprintf("%d of %d criteria", g.NoProof, g.InScope), Href: "/criteria?show=open"}, {Text: verb}, gap, {Text: "."}}
	if g.NoProof == g.InScope { // the first days are a wall of red: say where to begin
		out = append(out, ui.Part{Text: " See "}, ui.Part{Text: "what to do next", Href: "/#next"}, ui.Part{Text: "."})
	}
	return out
}

func (q *ask) gridGroups(g *report.Grid, rows []report.Row, days int64) ([]page.GridGroup, error) {
	open := strings.Split(q.get("open"), ",")
	var out []page.GridGroup
	for _, r := range rows {
		row := gridRow(r, g.Newest, "/criteria/")
		row.RowsHref = "/monitoring/" + seg(r.Ref) + "/controls" + query("days", strconv.FormatInt(days, 10))
		row.OpenHref = q.with("open", turned(open, r.Ref))
		if row.Open = slices.Contains(open, r.Ref); row.Open {
			c, err := do[*report.Grid](q, "monitoring.controls", map[string]any{"criterion": r.Ref, "days": days})
			if err != nil {
				return nil, err
			}
			row.Controls = controlRows(c)
		}
		title := seriesOf(r.Ref, r.Group)
		if n := len(out); n == 0 || out[n-1].Title != title {
			out = append(out, page.GridGroup{Title: title})
		}
		out[len(out)-1].Rows = append(out[len(out)-1].Rows, row)
	}
	return out, nil
}

// turned is the list of open rows with one of them turned over.
func turned(open []string, ref string) string {
	var out []string
	for _, o := range open {
		if o != "" && o != ref {
			out = append(out, o)
		}
	}
	if !slices.Contains(open, ref) {
		out = append(out, ref)
	}
	return strings.Join(out, ",")
}

func gridRow(r report.Row, newest, base string) page.GridRow {
	row := page.GridRow{Ref: r.Ref, Text: r.Text, Href: base + seg(r.Ref), Status: healthOf(r.Status), Coverage: r.Coverage,
		Strip: stripOf(r.Ref, newest, r.Spans, "/monitoring/"+seg(r.Ref)+"/{day}"), Why: ui.Link{Text: r.Reason}, Marks: overrideMarks(r.Marks)}
	if r.Reason != "" {
		row.Why.Href = "/monitoring/" + seg(r.Ref) + "/" + newest
	}
	return row
}

func controlRows(g *report.Grid) []page.GridRow {
	out := make([]page.GridRow, len(g.Rows))
	for i, r := range g.Rows {
		out[i] = gridRow(r, g.Newest, "/controls/")
	}
	return out
}

// gridControls is what stands under one criterion when it is unfolded.
func gridControls(q *ask) (answer, error) {
	if !q.partial() {
		return goTo("/monitoring"+query("open", q.id(), "days", q.get("days"), "as_of", q.get("as_of")), "")
	}
	days := q.days()
	g, err := do[*report.Grid](q, "monitoring.controls", map[string]any{"criterion": q.id(), "days": days})
	if err != nil {
		return answer{}, err
	}
	all, err := do[*report.Grid](q, "monitoring.grid", map[string]any{"days": days, "query": q.id(), "all": true})
	if err != nil {
		return answer{}, err
	}
	row := page.GridRow{Ref: q.id(), Coverage: -1}
	for _, r := range all.Rows {
		if strings.EqualFold(r.Ref, q.id()) {
			row = gridRow(r, all.Newest, "/criteria/")
		}
	}
	row.Controls = controlRows(g)
	return show(page.GridControls(row))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
