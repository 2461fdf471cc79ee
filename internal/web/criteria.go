// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

func criteria(q *ask) (answer, error) {
	l, err := do[*report.CriterionList](q, "criterion.list", struct{}{})
	if err != nil {
		return answer{}, err
	}
	v := page.CriteriaView{Tabs: q.tabs("/criteria"), Query: q.get("q"), Keep: q.keep("show", "category")}
	find, open, none, scope := strings.ToLower(strings.TrimSpace(q.get("q"))), 0, 0, 0
	for _, c := range l.Data {
		if c.InScope {
			scope++
		}
		if c.InScope && c.Percent < 100 {
			open++
		}
		if c.InScope && c.Percent == 0 {
			none++
		}
		if !keepsCriterion(q, c, find) {
			continue
		}
		title := seriesOf(c.Ref, c.Series)
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Title != title {
			v.Groups = append(v.Groups, page.CriteriaGroup{Title: title})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Rows = append(g.Rows, criterionRow(c))
	}
	for i := range v.Groups {
		proved := 0
		for _, r := range v.Groups[i].Rows {
			if r.Percent == 100 {
				proved++
			}
		}
		v.Groups[i].Note = ui.Count(len(v.Groups[i].Rows), "criterion")
		if n := len(v.Groups[i].Rows); n != 1 {
			v.Groups[i].Note = fmt.Sprintf("%d criteria", n)
		}
		v.Groups[i].Note += fmt.Sprintf(", %d proved", proved)
	}
	v.Answer = []ui.Part{{Text: fmt.Sprintf("%d of %d criteria", scope-open, scope), Href: "/criteria?show=proved"}, {Text: " in scope are fully proved; "}, {Text: fmt.Sprint(none), Href: "/criteria?show=none"}, {Text: verb(none, " has", " have") + " no proof at all."}}
	for _, c := range []struct {
		text, key string
		n         int
	}{{"not proved", "open", open}, {"no proof", "none", none}, {"proved", "proved", scope - open}, {"include out of scope", "all", len(l.Data)}} {
		on := q.get("show") == c.key
		v.Chips = append(v.Chips, ui.Chip{Text: c.text, N: c.n, On: on, Href: q.with("show", unless(on, c.key))})
	}
	return show(page.Criteria(q.frame("Criteria", "monitoring"), v))
}

func keepsCriterion(q *ask, c report.CriterionRow, find string) bool {
	if find != "" && !strings.Contains(strings.ToLower(c.Ref+" "+strings.ReplaceAll(c.Ref, ".", "")+" "+c.Text), find) {
		return false
	}
	switch q.get("show") {
	case "open":
		return c.InScope && c.Percent < 100
	case "none":
		return c.InScope && c.Percent == 0
	case "proved":
		return c.InScope && c.Percent == 100
	case "all":
		return true
	}
	return c.InScope
}

func criterionRow(c report.CriterionRow) page.CriterionRow {
	why := c.Reason
	if c.Decision != "" {
		why = c.Decision
	}
	return page.CriterionRow{Ref: c.Ref, Text: c.Text, Href: "/criteria/" + seg(c.Ref), Status: healthOf(c.Status), Percent: c.Percent, Controls: len(c.Controls), ControlsHref: "/controls" + query("criterion", c.Ref), Passing: c.Passing, Why: why}
}

// criterion is one criterion: the controls that serve it, and its days.
func criterion(q *ask) (answer, error) {
	l, err := do[*report.CriterionList](q, "criterion.list", struct{}{})
	if err != nil {
		return answer{}, err
	}
	i := slices.IndexFunc(l.Data, func(c report.CriterionRow) bool { return strings.EqualFold(c.Ref, q.id()) })
	if i < 0 {
		return answer{}, errs.New(errs.NotFound, "there is no criterion %.20s", q.id())
	}
	c := l.Data[i]
	v := page.CriterionView{Ref: c.Ref, Text: c.Text, Status: healthOf(c.Status), Why: c.Reason, Percent: c.Percent, InScope: c.InScope, Decision: c.Decision, Category: words(c.Category), Series: seriesOf(c.Ref, c.Series), Coverage: -1}
	g, err := do[*report.Grid](q, "monitoring.grid", map[string]any{"days": 90, "query": c.Ref, "all": true})
	if err != nil {
		return answer{}, err
	}
	for _, r := range g.Rows {
		if r.Ref == c.Ref {
			v.Strip, v.Coverage = stripOf(r.Ref, g.Newest, r.Spans, "/monitoring/"+seg(r.Ref)+"/{day}"), r.Coverage
		}
	}
	k, err := do[*report.Grid](q, "monitoring.controls", map[string]any{"criterion": c.Ref, "days": 30})
	if err != nil {
		return answer{}, err
	}
	for _, r := range k.Rows {
		v.Controls = append(v.Controls, page.CriterionControl{Ref: r.Ref, Title: r.Text, Href: "/controls/" + seg(r.Ref), Status: healthOf(r.Status), Owner: q.label(r.Owner), Why: r.Reason})
	}
	if q.mayChange("decision.create") {
		v.Decide = "/decisions/new" + query("subject", c.Ref)
	}
	return show(page.Criterion(q.frame(c.Ref, "monitoring", ui.Link{Text: "Monitoring", Href: "/monitoring"}, ui.Link{Text: "Criteria", Href: "/criteria"}, ui.Link{Text: c.Ref}), v))
}
