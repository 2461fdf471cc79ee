// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strconv"
	"time"

	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// occurrenceWord says how an expected performance stands.
var occurrenceWord = map[string]struct {
	status ui.Status
	word   string
}{
	"expected": {ui.NotStarted, "expected"}, "awaiting": {ui.NoData, "awaiting review"}, "done": {ui.Passing, "done on time"},
	"late": {ui.NeedsAttention, "done late"}, "missed": {ui.Failing, "missed"}, "waived": {ui.Excepted, "waived"},
}

// controlOperation fills how a control worked over the last days, and what was expected of it.
func (q *ask) controlOperation(v *page.ControlView, s *report.ControlStatus, t thing) {
	o := s.Operation
	v.Operation = page.Operation{From: dayOf(o.From), To: dayOf(o.To), Expected: o.Expected, OnTime: o.OnTime, Late: o.Late, Missed: o.Missed, Awaiting: o.Awaiting, Pending: o.Pending, Waived: o.Waived}
	passed := -1
	for _, x := range o.Tests {
		v.Operation.Tests = append(v.Operation.Tests, page.OperationTest{ID: x.Test, Href: "/tests/" + seg(x.Test), Observed: percent(x.Coverage), Pass: percent(x.Pass), Passed: x.Passed, Excepted: x.Excepted, Failed: x.Failed, NoData: x.NoData + x.Errors + x.Paused, None: x.None})
		passed = least(passed, x.Pass)
	}
	if o.Days.Judged > 0 || len(o.Tests) > 0 {
		v.Operating.Counts = []ui.Pair{{Term: "Days observed", Text: percent(o.Days.Coverage)}}
	}
	if len(o.Tests) > 0 {
		v.Operating.Counts = append(v.Operating.Counts, ui.Pair{Term: "Pass rate", Text: percent(passed)})
	}
	today := q.at().Format(time.DateOnly)
	for _, x := range s.Occurrences {
		w := occurrenceWord[x.State]
		e := page.Expected{Status: w.status, Word: w.word, From: dayOf(x.From), To: dayOf(x.To), Due: q.local(x.Due), Late: x.Late, Pieces: q.expectedPieces(x.Pieces)}
		if (x.State == "expected" || x.State == "missed") && q.mayChange("evidence.create") && t.text("state") == "active" {
			e.Add = q.bringLinks(s.Ref, t, x.From, min(x.To, today))
		}
		v.Expected = append(v.Expected, e)
	}
}

// expectedPieces are the pieces that perform an occurrence, with who submitted and accepted them.
func (q *ask) expectedPieces(all []report.PerformancePiece) []page.ExpectedPiece {
	out := make([]page.ExpectedPiece, len(all))
	for i, p := range all {
		out[i] = page.ExpectedPiece{Submitted: q.local(p.SubmittedAt), SubmittedBy: p.SubmittedName, Accepted: q.localOf(p.AcceptedAt), AcceptedBy: p.AcceptedName}
		switch l := q.link(p.Evidence); {
		case p.Evidence == "":
			out[i].Link = ui.Link{Text: "Restricted: not shown to you"}
		case l.Text == p.Evidence: // it was deleted
			out[i].Link = ui.Link{Text: p.Title}
		default:
			out[i].Link = l
		}
	}
	return out
}

// bringLinks lead to the form that adds what a performance takes, filled in for its window.
func (q *ask) bringLinks(ref string, t thing, from, to string) []ui.Link {
	var out []ui.Link
	kinds, _ := t["evidence"].([]any)
	for _, k := range kinds {
		m, _ := k.(map[string]any)
		if e := thing(m); e["required"] == true && e.text("frequency") != "per_event" {
			out = append(out, ui.Link{Text: "Upload " + e.text("title"), Href: "/evidence/new" + query("control", ref, "evidence_key", e.text("key"), "type", e.text("type"), "title", e.text("title"), "covers_from", from, "covers_to", to)})
		}
	}
	if len(out) == 1 {
		out[0].Text = "Upload evidence"
	}
	return out
}

// percent writes a share; -1 is of nothing.
func percent(n int) string {
	if n < 0 {
		return "–"
	}
	return strconv.Itoa(n) + "%"
}

// least is the smaller of two shares, where -1 says nothing.
func least(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
