// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/store"
)

// Overview is the answer to the one question: can this company be trusted with data, and how do we know.
type Overview struct {
	Organization   string           `json:"organization" doc:"Its name."`
	At             time.Time        `json:"at" doc:"The moment that the answer is for."`
	Position       int64            `json:"position" doc:"Number of ledger entries that it rests on."`
	Percent        int              `json:"percent" doc:"Readiness, rounded down (F-01)."`
	Exact          string           `json:"exact" doc:"The same as a fraction."`
	Criteria       int              `json:"criteria" doc:"Criteria in scope."`
	NotProved      []string         `json:"not_proved" doc:"Criteria that are below 100 percent."`
	Zero           []string         `json:"zero" doc:"Criteria with no proof at all."`
	Controls       map[string]int   `json:"controls" doc:"Controls in force by health (F-02)."`
	Failing        []string         `json:"failing" doc:"Controls that fail."`
	Tests          map[string]int   `json:"tests" doc:"Number of tests by latest result."`
	Newest         *time.Time       `json:"newest,omitempty" doc:"When the newest complete data was collected."`
	SourcesFailing []string         `json:"sources_failing" doc:"Sources whose newest run is not complete."`
	OldestGap      int              `json:"oldest_gap" doc:"Days since the criterion that has gone longest without a good day had one; 90 is at least 90."`
	Areas          []Area           `json:"areas" doc:"The seven areas (F-03)."`
	Security       SystemSecurity   `json:"system_security" doc:"Security of systems (F-05)."`
	Next           []Step           `json:"next" doc:"What to do next so that more is proved, the best beginning first."`
	Statements     []Statement      `json:"statements" doc:"The eight statements (T-007)."`
	History        []Score          `json:"history" doc:"Readiness over time: the changes of the last year."`
	Scores         []CriterionScore `json:"scores" doc:"Readiness of each criterion."`
}

const overviewDays = 90

func (b *Boards) readiness(ctx context.Context, v *store.View, _ empty) (*Overview, error) {
	board, err := b.Of(ctx, v, overviewDays)
	if err != nil {
		return nil, err
	}
	o := *board.overview() // the copy is this answer's own; what it points to is the board's, and is only read
	o.History, err = Scores.Changes(ctx, v, "at>=$3", "ORDER BY batch", board.Now.AddDate(-1, 0, 0).UnixMilli())
	return &o, err
}

// overview sums the board up, once: a board does not change.
func (b *Board) overview() *Overview {
	b.summed.Do(func() { b.sum = b.summarize() })
	return b.sum
}

func (b *Board) summarize() *Overview {
	facts := b.statementFacts()
	o := &Overview{Organization: b.Org.Name, At: b.Now, Position: b.At, Percent: b.Readiness.Percent, Exact: b.Readiness.Exact.RatString(), Criteria: len(b.Readiness.Criteria),
		NotProved: []string{}, Zero: b.Readiness.Zero, Failing: b.Readiness.Failing, Controls: map[string]int{}, Tests: map[string]int{}, SourcesFailing: []string{},
		Areas: b.Areas, Security: b.Security, Next: b.next(facts.EvidenceInDate), Statements: StatementsOf(facts, b.Now), Scores: b.Readiness.Criteria, OldestGap: b.oldestGap()}
	for _, c := range b.Readiness.Criteria {
		if c.Exact.Num().Cmp(c.Exact.Denom()) < 0 {
			o.NotProved = append(o.NotProved, c.Ref)
		}
	}
	for _, c := range b.Controls {
		o.Controls[c.Health.Health.String()]++
	}
	for _, t := range b.Tests {
		if t.Rule == nil {
			continue
		}
		word := "never_run"
		if t.Known {
			word = string(t.State.Verdict)
		}
		o.Tests[word]++
	}
	if !b.Newest.IsZero() {
		o.Newest = &b.Newest
	}
	for id, r := range b.Sources {
		if r.State != "complete" {
			o.SourcesFailing = append(o.SourcesFailing, id)
		}
	}
	slices.Sort(o.SourcesFailing)
	return o
}

// oldestGap is the longest time, in days, that a criterion in scope has now gone without a good day.
func (b *Board) oldestGap() int {
	worst := 0
	for _, c := range b.Criteria {
		n := 0
		for _, l := range c.Letters {
			if l == check.Passed || l == check.Excepted || l == check.NotApplicable {
				break
			}
			n++
		}
		worst = max(worst, n)
	}
	return worst
}

// statementFacts gathers what the eight statements depend on. What this platform does not keep yet is absent,
// and absence proves nothing.
func (b *Board) statementFacts() StatementFacts {
	f := StatementFacts{IncidentPlan: b.policyOn("POL-14", b.Now)}
	for _, c := range b.Controls {
		if c.Health.Health == NotApplicable {
			continue
		}
		f.ApprovedControls.Of++
		if c.documented() {
			f.ApprovedControls.Got++
		}
		for _, e := range c.Evidence {
			if e.Kind.Required && !e.State.idle() {
				f.EvidenceInDate.Of++
				if e.State == EvidenceCurrent || e.State == EvidenceExpiring {
					f.EvidenceInDate.Got++
				}
			}
		}
		for _, l := range c.Letters { // days before the organisation or the control was there are not counted
			if l != check.NotApplicable {
				f.ObservedDays.Of++
			}
			switch l {
			case check.Passed:
				f.ObservedDays.Got++
			case check.Excepted:
				f.ExceptedDays++
			}
		}
		due := c.timely(b.Now)
		f.OnTime.Got, f.OnTime.Of = f.OnTime.Got+due.Got, f.OnTime.Of+due.Of
	}
	if t := b.Tests["siem.sources_live"]; t != nil && t.Known {
		f.LiveLogSources = Share{int(t.State.Passed), int(t.State.Evaluated)}
	}
	if t := b.Tests["vendor.reviewed"]; t != nil && t.Known {
		f.VendorsInDate = Share{int(t.State.Passed), int(t.State.Evaluated)}
	}
	return f
}

// documented says whether the text of the control is the company's own, and the policies that it rests on are in force.
func (c *ControlLine) documented() bool {
	return c.Facts.Designed && !slices.ContainsFunc(c.Facts.Policies, func(p PolicyFacts) bool { return p.State == PolicyMissing })
}
