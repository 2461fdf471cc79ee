// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"

	"assay/internal/check"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// originWord says whose test it is.
var originWord = map[string]string{"catalogue": "Built in", "by_file": "File in the data folder", "custom": "Custom test"}

// badges are what a list says behind the title of a test.
func badges(t report.TestRow) string {
	var out []string
	for _, b := range []struct {
		on   bool
		text string
	}{{t.Origin == "by_file", "by file"}, {t.Origin == "custom", "custom"}, {len(t.Imported) > 0, "imported data"}} {
		if b.on {
			out = append(out, b.text)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// marks say on the page of a test what was made of it, by whom and why.
func (q *ask) marks(t report.TestRow) []page.TestMark {
	var out []page.TestMark
	if t.Changed {
		m := page.TestMark{Word: "changed", Text: words(strings.Join(t.Fields, ", "))}
		if t.State == "switched_off" {
			m = page.TestMark{Word: "switched off", Text: "This test is switched off"}
		}
		if t.ChangedAt != nil {
			m.Text += ", since " + ui.Exact(q.local(*t.ChangedAt))
		}
		m.Text += ", by " + q.label(t.ChangedBy)
		if t.ChangeWhy != "" {
			m.Text += ": " + t.ChangeWhy
		}
		m.Link = q.linkTo(t.ChangeOf)
		out = append(out, m)
	}
	if t.Paused {
		out = append(out, page.TestMark{Word: "paused", Text: "This test is paused.", Link: ui.Link{Text: "Show pauses", Href: "/" + q.plural["test_pause"] + query("test", t.Test)}})
	}
	return out
}

// linkTo leads to the rule file or definition behind a change.
func (q *ask) linkTo(id string) ui.Link {
	sh, ok := q.shapeOf(id)
	if !ok {
		return ui.Link{}
	}
	return ui.Link{Text: "Show " + words(sh.Name), Href: q.hrefOf(sh.Name, id)}
}

// testVersions are the definitions that a test had.
func (q *ask) testVersions(test string) ([]page.TestVersion, error) {
	l, err := do[check.VersionList](q, "test.versions", map[string]any{"id": test})
	if isGone(err) {
		return nil, nil // a test that was run once, and of which no definition is on record
	}
	if err != nil {
		return nil, err
	}
	var out []page.TestVersion
	for _, v := range l.Data {
		x := page.TestVersion{What: "built in", Why: v.Reason, Link: q.linkTo(v.Thing)}
		if !v.From.IsZero() {
			x.From = q.local(v.From)
		}
		if !v.To.IsZero() {
			x.To = q.local(v.To)
		}
		switch v.Source {
		case "file":
			x.What = "by file"
		case "definition":
			x.What = "by " + q.label(v.ChangedBy)
		}
		if v.ApprovedBy != "" {
			x.What += ", approved by " + q.label(v.ApprovedBy)
		}
		if d := v.Definition; d != nil {
			x.Lines = []ui.Pair{{Term: "Title", Text: d.Title}, {Term: "Severity", Text: d.Severity}, {Term: "Runs", Text: every(int64(d.IntervalHours))}, {Term: "Resource kind", Text: d.Kind}}
			if d.Filter != "" {
				x.Lines = append(x.Lines, ui.Pair{Term: "Applies to", Text: d.Filter})
			}
			for _, l := range d.Code() {
				term := map[string]string{"due": "Due", "done": "Done", "ends": "No longer open after", "condition": "Passes when"}[l[0]]
				x.Lines = append(x.Lines, ui.Pair{Term: term, Text: l[1]})
			}
			for _, name := range sortedKeys(d.Params) {
				x.Lines = append(x.Lines, ui.Pair{Term: name, Text: plainText(d.Params[name])})
			}
			x.Lines = append(x.Lines, ui.Pair{Term: "Version", Text: clip(v.Version, 8)})
		} else if v.Off {
			x.What = "switched off " + x.What
		} else {
			x.What = "not there"
		}
		out = append(out, x)
	}
	return out, nil
}
