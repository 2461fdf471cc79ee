// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// day is one subject on one day: what ran, what came out, and why.
func day(q *ask) (answer, error) {
	text := q.r.PathValue("day")
	when := dayOf(text)
	if when.IsZero() {
		return answer{}, errs.At("day", "%.20q is not a valid date", text).Mend("write it as 2026-11-22")
	}
	d, err := do[*report.DayReport](q, "monitoring.day", map[string]any{"subject": q.id(), "day": text})
	if err != nil {
		return answer{}, err
	}
	base := "/monitoring/" + seg(d.Subject) + "/"
	v := page.DayView{Ref: d.Subject, Title: d.Title, Href: subjectHref(d.Kind, d.Subject), Day: when, Letter: letterOf(d.Letter), Reason: d.Reason, Rule: d.Rule, Closed: d.Closed,
		Prev: base + when.AddDate(0, 0, -1).Format(time.DateOnly)}
	if next := when.AddDate(0, 0, 1); !next.After(q.at()) && next.Format(time.DateOnly) <= q.at().Format(time.DateOnly) {
		v.Next = base + next.Format(time.DateOnly)
	}
	v.Versions = q.dayVersions(d)
	v.Overrides = q.dayOverrides(d)
	for _, p := range d.Parts {
		part := page.DayPart{Kind: p.Kind, Name: p.Text, Href: base, Letter: letterOf(p.Letter), Required: p.Required, Reason: p.Reason}
		if p.Text == "" {
			part.Name = p.Ref
		}
		switch p.Kind {
		case "control", "test":
			part.Name = p.Ref + " " + p.Text
			part.Href = "/monitoring/" + seg(p.Ref) + "/" + text
		case "policy":
			part.Name = p.Ref + " " + p.Text
			part.Href = "/policies" + query("q", p.Ref)
		case "evidence", "performance":
			part.Href = "/controls/" + seg(d.Subject) + map[string]string{"evidence": "#evidence", "performance": "#expected"}[p.Kind]
			if p.Piece != "" {
				part.Piece = q.link(p.Piece)
				if part.Piece.Text == p.Piece { // it is there, and not for you
					part.Piece = ui.Link{Text: "Restricted: not shown to you"}
				}
			}
		}
		v.Parts = append(v.Parts, part)
	}
	for _, c := range d.Checks {
		r := page.RunLine{At: q.local(c.At), Href: "/activity/" + strconv.FormatInt(c.Entry, 10), Trigger: triggerWord(c.Trigger), Note: c.Text, Status: healthOf(c.State), Entry: c.Entry, Bare: true}
		v.Runs = append(v.Runs, r)
	}
	if n := len(d.Checks); n > 0 {
		v.Entry = d.Checks[n-1].Entry
	}
	if d.Kind == "test" && text == q.at().Format(time.DateOnly) {
		if v.Failing, _, err = q.failures(d.Subject, 50); err != nil {
			return answer{}, err
		}
	}
	return show(page.Day(q.frame(d.Subject+" on "+ui.Day(when), "monitoring", ui.Link{Text: "Monitoring", Href: "/monitoring"}, ui.Link{Text: d.Subject, Href: v.Href}, ui.Link{Text: ui.Day(when)}), v))
}

// dayVersions are the definitions that judged a control on a day, in order.
func (q *ask) dayVersions(d *report.DayReport) []page.DayVersion {
	out := make([]page.DayVersion, 0, len(d.Versions))
	for _, x := range d.Versions {
		v := page.DayVersion{No: int(x.Number), Library: x.Library, From: q.local(x.From), To: q.local(x.To), Letter: letterOf(x.Letter), Title: x.Title, Text: x.Text, Evidence: x.Evidence}
		for _, t := range x.Tests {
			id, role, _ := strings.Cut(t, " (")
			v.Tests = append(v.Tests, page.Tied{ID: id, Href: "/monitoring/" + seg(id) + "/" + d.Day, Role: strings.TrimSuffix(role, ")")})
		}
		for _, p := range x.Policies {
			v.Policies = append(v.Policies, ui.Link{Text: p, Href: "/policies" + query("q", p)})
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b page.DayVersion) int { return a.From.Compare(b.From) })
	return out
}

func subjectHref(kindName, ref string) string {
	switch kindName {
	case "criterion":
		return "/criteria/" + seg(ref)
	case "test":
		return "/tests/" + seg(ref)
	}
	return "/controls/" + seg(ref)
}

func triggerWord(t string) string {
	switch t {
	case "schedule":
		return "on schedule"
	case "manual":
		return "started by hand"
	case "event":
		return "after a change"
	}
	return t
}
