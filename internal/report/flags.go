// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/op"
)

// flags are the quality flags of F-04.
func (j *judge) flags(e *grc.Evidence, s *span) []QualityFlag {
	var out []QualityFlag
	add := func(yes bool, code, text, fix string) {
		if yes {
			out = append(out, QualityFlag{code, text, fix})
		}
	}
	fix, again := mending(e.State)
	population := s.key.Type == "population" || e.Type == "population"
	add(e.TakenAt.IsZero() && !e.Nothing, "Q1", "It does not say when it was taken.", fix("Add the date and time.", "Upload a corrected piece with the date and time."))
	add(e.SourceLocator == "" && !e.Nothing, "Q2", "It does not say where it came from.", fix("Add the address or the query, so that someone else can reproduce it.", "Upload a corrected piece with the address or the query, so that someone else can reproduce it."))
	outside := s.why != "" && !s.context && !e.Nothing && s.key.Frequency != "per_event" || !s.until.IsZero() && !s.until.After(e.SubmittedAt) && !s.event
	add(s.key.Key != "" && outside, "Q3", "It covers "+daysWords(min(s.first, s.last), s.last)+", not the period it is used for.", "Upload evidence for the period you want to prove.")
	seen := e.URLVisible && e.ClockVisible
	add(e.Type == "screenshot" && !seen, "Q4", "The address or the clock is not visible in the screenshot.", "Take a screenshot of the whole screen, with address bar and clock.")
	add(e.Type == "screenshot" && seen && e.State == "accepted" && !e.Confirmed, "Q4", "The reviewer did not confirm that address and clock are visible.", "Upload it again, and ask the reviewer to confirm both.")
	add(population && (e.SourceLocator == "" || e.Rows == nil), "Q5", "The query or the number of rows of this population is missing.", fix("Add both, so that someone else can check that it is complete.", "Upload a corrected piece with both, so that someone else can check that it is complete."))
	if to, err := check.ParseDay(string(e.CoversTo)); err == nil {
		late := !e.TakenAt.IsZero() && e.TakenAt.After(j.days.Start(to+31))
		add(late, "Q6", "It was taken more than 30 days after the last day it covers.", fix("Take it again closer to its period, or explain in the notes why it is still accurate.", "Upload a corrected piece that explains in its notes why it is still accurate, and take the next one closer to its period."))
	}
	add(j.usedElsewhere(e, s), "Q7", "The same file is also used for another period.", "Upload a file for each period.")
	if e.File != "" && !e.ReviewedAt.IsZero() {
		at := func(r op.SensitiveRead) bool { return r.Actor == e.ReviewedBy && !r.At.After(e.ReviewedAt) }
		long := func(r op.SensitiveRead) bool { return at(r) && e.ReviewedAt.Sub(r.At) >= 2*time.Second }
		add(!slices.ContainsFunc(j.opened[e.ID], at), "Q8", "The reviewer never opened the file.", again("Ask the reviewer to open it."))
		add(slices.ContainsFunc(j.opened[e.ID], at) && !slices.ContainsFunc(j.opened[e.ID], long), "Q8", "The reviewer had the file open for less than 2 seconds.", again("Ask the reviewer to read it."))
	}
	slices.SortStableFunc(out, func(a, b QualityFlag) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// mending gives what helps: what was submitted changes only after it was returned, and what was accepted never does.
func mending(state grc.EvidenceState) (fix func(before, after string) string, again func(before string) string) {
	switch state {
	case "draft", "returned":
		return func(before, _ string) string { return before }, func(before string) string { return before }
	case "submitted":
		return func(before, _ string) string { return "Ask the reviewer to return it. " + before }, func(before string) string { return before }
	}
	return func(_, after string) string { return after }, func(before string) string {
		return "Upload it again. " + strings.TrimSuffix(before, ".") + " before accepting it."
	}
}

// usedElsewhere says whether another piece with the same file stands for another window of time.
func (j *judge) usedElsewhere(e *grc.Evidence, s *span) bool {
	if e.File == "" || e.State == "withdrawn" || e.State == "returned" {
		return false
	}
	mine, until := windowOf(s.key.Frequency, s.last)
	return slices.ContainsFunc(j.sharing[string(e.File)], func(o *grc.Evidence) bool {
		if o.ID == e.ID || o.State == "withdrawn" || o.State == "returned" {
			return false
		}
		k := s.key
		if c := j.controls[o.Control]; c != nil && c.EvidenceKind(o.EvidenceKey) != nil {
			k = *c.EvidenceKind(o.EvidenceKey)
		}
		x := spanOf(o, k, graceOf(j.controls[o.Control], k), j.days)
		if s.event || x.event {
			return s.event && x.event && e.Event != o.Event
		}
		first, last := windowOf(k.Frequency, x.last)
		return last < mine || first > until
	})
}
