// SPDX-License-Identifier: Apache-2.0

package web

import (
	"assay/internal/report"
	"assay/internal/web/ui"
)

// healthOf puts the word of an operation into the vocabulary of the pages. A word that is not known is no data.
func healthOf(word string) ui.Status {
	switch word {
	case "passing", "pass", "complete", "in_force", "current", "accepted", "enabled":
		return ui.Passing
	case "needs_attention", "review_overdue", "expiring", "partial":
		return ui.NeedsAttention
	case "failing", "fail", "expired", "withdrawn", "missing":
		return ui.Failing
	case "not_started":
		return ui.NotStarted
	case "not_applicable", "not_due", "waived":
		return ui.NotApplicable
	case "no_occurrence", "nil_declared":
		return ui.NoOccurrence
	case "retired":
		return ui.Retired
	case "excepted":
		return ui.Excepted
	case "error", "failed":
		return ui.Errored
	case "paused", "disabled", "switched_off":
		return ui.Paused
	}
	return ui.NoData
}

func letterOf(s string) ui.Letter {
	switch s {
	case "P", "F", "X", "E", "Z":
		return ui.Letter(s[0])
	case "–", "-":
		return ui.NA
	}
	return ui.N
}

func stripOf(label, newest string, spans []report.Span, href string) ui.Strip {
	s := ui.Strip{Label: label, First: dayOf(newest), Href: href, Spans: make([]ui.Span, len(spans))}
	for i, x := range spans {
		s.Spans[i] = ui.Span{Letter: letterOf(x.Letter), Days: x.Days, Reason: x.Reason, Mark: x.Mark}
	}
	return s
}

// proofOf is how far a statement is proved, in the vocabulary of the pages.
func proofOf(p report.Proof) ui.Status {
	switch p {
	case report.Proven:
		return ui.Passing
	case report.PartlyProven:
		return ui.NeedsAttention
	}
	return ui.NotStarted
}
