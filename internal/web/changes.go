// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// changeKinds are the sorts of changes, and how pages say them.
var changeKinds = [][2]string{{"test", "tests"}, {"exception", "exceptions"}, {"not_applicable", "not applicable"}, {"control", "controls"}, {"pause", "pauses"}, {"policy", "policies"}, {"evidence", "evidence"}, {"source", "sources"}, {"system", "systems"},
	{"scope", "scope"}, {"time_zone", "time zone"}, {"solo_mode", "solo mode"}, {"programme", "programme"}, {"catalogue", "built-in tests"}, {"deleted", "deleted"}}

// changes is the page "What we changed".
func changes(q *ask) (answer, error) {
	subject := strings.TrimSpace(orElse(q.get("q"), q.get("subject")))
	in := map[string]any{"kind": clip(q.get("kind"), 30), "state": clip(q.get("state"), 30), "subject": clip(subject, 120), "from": clip(q.get("from"), 10), "to": clip(q.get("to"), 10), "one_person": q.get("one") != "", "after": clip(q.get("after"), 40), "limit": 50}
	p, err := do[*report.ChangePage](q, "changes.list", in)
	if err != nil {
		return answer{}, err
	}
	v := page.ChangesView{Query: subject, Keep: q.keep("kind", "state", "one", "from", "to"), KeepDays: q.keep("q", "kind", "state", "one"), From: q.get("from"), To: q.get("to")}
	for _, k := range changeKinds {
		on := q.get("kind") == k[0]
		if p.Count[k[0]] > 0 || on {
			v.Kinds = append(v.Kinds, ui.Chip{Text: k[1], N: p.Count[k[0]], On: on, Href: q.with("kind", unless(on, k[0]))})
		}
	}
	for _, s := range report.ChangeState("").Values() {
		on := q.get("state") == s
		v.States = append(v.States, ui.Chip{Text: words(s), N: -1, On: on, Href: q.with("state", unless(on, s))})
	}
	one := q.get("one") != ""
	v.States = append(v.States, ui.Chip{Text: "approved by one person", N: p.One, On: one, Href: q.with("one", unless(one, "1"))})
	for _, c := range p.Data {
		v.Rows = append(v.Rows, q.changeRow(c))
	}
	v.Answer = []ui.Part{{Text: ui.Count(p.Total, "change") + ", "}, {Text: fmt.Sprint(p.One), Href: q.with("one", "1")}, {Text: " approved by one person."}}
	v.Pager.Text = fmt.Sprintf("%d of %d shown", len(p.Data), p.Total)
	if p.Next != "" {
		v.Pager.Next = q.with("after", p.Next)
	}
	return show(page.Changes(q.frame("What we changed", "changes"), v))
}

func (q *ask) changeRow(c report.OwnChange) page.ChangeRow {
	r := page.ChangeRow{ID: c.ID, What: c.What, Name: ui.Link{Text: c.Label}, State: words(string(c.State)), Stamp: howText[c.How], From: q.localOf(c.From), Until: q.localOf(c.Until), Asked: c.AskedName, For: c.AskedFor, AskedAt: q.local(c.AskedAt),
		Approved: c.ApprovedName, Agreed: q.localOf(c.ApprovedAt), Ended: c.EndedName, Reason: c.Reason, Why: c.EndReason, Entry: c.Entry}
	if c.Kind != "deleted" && c.Thing != "" && c.ThingKind != "organization" {
		r.Name.Href = q.hrefOf(c.ThingKind, c.Thing)
	}
	for _, s := range c.Subjects {
		if s != c.Label && s != c.Thing {
			r.Subjects = append(r.Subjects, subjectLink(s))
		}
	}
	for _, x := range c.Fields {
		r.Fields = append(r.Fields, page.ChangeField{Name: words(x.Name), Was: x.Was, Now: x.Now})
	}
	return r
}

// subjectLink leads to a control, a criterion or a test, by the look of its name.
func subjectLink(s string) ui.Link {
	switch series, rest, dotted := strings.Cut(s, "."); {
	case dotted && strings.ToUpper(series) == series && rest != "":
		return ui.Link{Text: s, Href: "/criteria/" + seg(s)}
	case dotted:
		return ui.Link{Text: s, Href: "/tests/" + seg(s)}
	case strings.HasPrefix(s, "POL-"):
		return ui.Link{Text: s, Href: "/policies" + query("q", s)}
	case strings.Contains(s, "-") && strings.ToUpper(s) == s:
		return ui.Link{Text: s, Href: "/controls/" + seg(s)}
	}
	return ui.Link{Text: words(s)}
}

// changeHref leads to a change in the list: by its subject, so that it stands on the first page.
func changeHref(subject, id string) string {
	if id == "" {
		return ""
	}
	return "/changes" + query("q", subject) + "#c-" + id
}

// overrideMarks are the badges of a thing, but for those with one of some words.
func overrideMarks(all []report.Mark, not ...string) []ui.Override {
	var out []ui.Override
	for _, m := range all {
		if !slices.Contains(not, m.Word) {
			out = append(out, ui.Override{Word: m.Word, Text: m.Text, Href: changeHref(m.Subject, m.Change)})
		}
	}
	return out
}

// dayOverrides are what was overridden on a day.
func (q *ask) dayOverrides(d *report.DayReport) []page.DayOverride {
	var out []page.DayOverride
	for _, c := range d.Overrides {
		o := page.DayOverride{Word: c.What, Text: c.Label, By: "by " + c.AskedName}
		if len(c.Subjects) > 0 {
			o.Href = changeHref(c.Subjects[0], c.ID)
			if c.Subjects[0] != c.Label {
				o.Text = c.Subjects[0] + ": " + c.Label
			}
		}
		if c.ApprovedName != "" {
			o.By += ", approved by " + c.ApprovedName
		}
		if s := howText[c.How]; s != "" {
			o.By += " (" + s + ")"
		}
		if c.From != nil {
			o.By += ", since " + ui.Exact(q.local(*c.From))
		}
		if c.Until != nil {
			o.By += " until " + ui.Exact(q.local(*c.Until))
		}
		if c.Reason != "" {
			o.By += ". " + c.Reason
		}
		out = append(out, o)
	}
	for _, w := range d.Withdrawn {
		o := page.DayOverride{Word: "Evidence withdrawn later", Text: w.Title, By: "This day relied on it. It was withdrawn on " + dayIn(q.local(w.At)) + "; the day's result stays."}
		if w.Piece != "" {
			o.Href = "/evidence/" + seg(w.Piece)
		}
		out = append(out, o)
	}
	return out
}

func dayIn(t time.Time) string { return t.Format("2 Jan 2006") }
