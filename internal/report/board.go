// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"slices"
	"sync"
	"time"

	"assay/content"
	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/store"
)

// Board is the programme at one moment: every criterion, control and test with its strip of days, its
// health, and the scores. It is a pure function of a View and a catalogue.
type Board struct {
	Org       *grc.Organization
	Now       time.Time
	At        int64
	Zone      *time.Location
	Days      []check.Day // newest first
	Criteria  []*CriterionLine
	Controls  []*ControlLine // in force
	Former    []*ControlLine // no longer in force, and in force on one of the days
	Tests     map[string]*TestLine
	Checks    []check.Check // in the time of the board, oldest first
	Readiness Readiness
	Areas     []Area
	Security  SystemSecurity
	Sources   map[string]collect.Run // newest run by source
	Newest    time.Time              // when the newest complete data was collected

	supplied map[string]bool // kinds that some source supplies

	dated  *dated
	starts []time.Time // when each day begins, as in Days, and before them when the newest one ends
	byID   map[string]*ControlLine
	byKey  map[string]*CriterionLine
	data   *boardData
	spans  *spanCache // when each piece of evidence counts
	was    *Board     // while it is made: an earlier one of which all settled days are the same; nil where there is none
	anew   int        // how many days are judged anew; the rest are settled

	summed sync.Once
	sum    *Overview
}

// CriterionLine is one criterion on the board.
type CriterionLine struct {
	Requirement *grc.Requirement
	Controls    []*ControlLine // in force
	Former      []*ControlLine // no longer in force, and in force for it on one of the days
	Letters     []check.Letter // newest first
	Seen        []bool         // whether one of its controls was observed on that day
	Reasons     []string       // beside each letter
	Score       CriterionScore
	NotInScope  bool   // its category is not in scope
	Decided     string // why it does not apply; empty where it does
}

// ControlLine is one control on the board.
type ControlLine struct {
	Control  *grc.Control // as it is, or was last
	Retired  time.Time    // when it went out of force; zero where it is in force
	Health   ControlHealth
	Facts    ControlFacts
	Letters  []check.Letter
	Days     []ControlDay
	Evidence []EvidenceLine
	// Occurrences are the performances that were and are expected, oldest first.
	Occurrences []Occurrence

	past  *controlPast
	began time.Time   // since when it is judged; zero where nothing has proved it yet
	parts [][]dayPart // of each day
}

// EvidenceLine is one kind of evidence of a control, with the piece that proves it now.
type EvidenceLine struct {
	Kind  grc.EvidenceKind
	State EvidenceState
	Piece *grc.Evidence
	Until time.Time // when it expires; zero where it does not
}

// TestLine is one test on the board.
type TestLine struct {
	ID        string
	Rule      *check.Rule     // nil where the test is no longer in the catalogue
	Off       *check.Disabled // where it was switched off
	Changed   *check.Change   // where the company changed it
	Added     *check.Change   // where it is the company's own
	State     check.State     // what it came to last
	Paused    bool            // it rests now
	Known     bool            // it was run at least once
	Latest    time.Time       // when it was last run
	Completed time.Time       // when it last came to an end
	Done      check.RunState
	Cells     []check.DayCell

	// Of a test over events: lapses of its window that are over, those that are open, and how many days the window has.
	Late, Open, WindowDays int

	runs    []check.RunAt // all that it had part in, oldest first
	history check.TestHistory
	own     []check.StateChange // of a test that is counted on some policies alone: what it came to now
}

// boardData is what a board is made of.
type boardData struct {
	evidence   map[string][]*grc.Evidence // by control id
	overdue    map[string]int             // overdue tasks by subject
	exceptions []*grc.Exception           // live ones
	states     map[string]check.State     // what each test came to last
	windows    map[string]check.Window    // the same of tests over events, for the letters of days
	only       *controlPast               // the one control that is looked at; nil where all are
	narrow     *Narrow                    // tests that a control counts on some policies alone
	narrowed   sync.Map                   // what they came to (*TestLine), by test and policies
	pauses     map[string][]check.Stretch // by test
}

// change is what a test came to from a moment on: of a State, what the days need.
type change struct {
	Verdict check.Word
	Reason  string
	At      time.Time
	batch   int64
}

// Control finds a control on the board by ref: the one in force, or else the last that was.
func (b *Board) Control(ref string) *ControlLine {
	for _, all := range [][]*ControlLine{b.Controls, b.Former} {
		for _, c := range slices.Backward(all) {
			if c.Control.Ref == ref {
				return c
			}
		}
	}
	return nil
}

// Criterion finds a criterion on the board by number.
func (b *Board) Criterion(ref string) *CriterionLine { return b.byKey[ref] }

// makeBoard makes the board of the last days: the whole of it, or with only what one control stands on. What is
// said of that control is the same on both; a test holds them against each other.
func makeBoard(ctx context.Context, v *store.View, cat *check.Catalogue, d *dated, days int, only *controlPast, was *Board) (*Board, error) {
	org, err := grc.OrganizationOf(ctx, v)
	if err != nil {
		return nil, err
	}
	b := &Board{Org: org, Now: v.Now, At: v.At, Zone: d.days.Zone(v.Now), Tests: map[string]*TestLine{}, dated: d, byID: map[string]*ControlLine{}, byKey: map[string]*CriterionLine{}, spans: &spanCache{}}
	today := d.days.DayOf(v.Now)
	b.starts = append(b.starts, d.days.Start(today+1))
	for i := range days {
		b.Days = append(b.Days, today-check.Day(i))
		b.starts = append(b.starts, d.days.Start(b.Days[i]))
	}
	b.settle(was)
	defer func() { b.was = nil }() // or each board would hold all those before it
	if err := b.read(ctx, v, only); err != nil {
		return nil, err
	}
	oldest, _ := slices.BinarySearchFunc(d.checks, b.starts[days], func(c check.Check, at time.Time) int { return c.At.Compare(at) })
	b.Checks = d.checks[oldest:]
	if only != nil {
		if err := b.tests(cat); err != nil {
			return nil, err
		}
		b.controls()
		return b, nil
	}
	newest, complete, err := collect.Last(ctx, v)
	if err != nil {
		return nil, err
	}
	b.Sources = newest
	if err := b.supply(newest, complete); err != nil {
		return nil, err
	}
	for _, r := range complete {
		if r.Since().After(b.Newest) {
			b.Newest = r.Since()
		}
	}
	if err := b.tests(cat); err != nil {
		return nil, err
	}
	b.controls()
	b.criteria()
	b.scores()
	return b, nil
}

// settle finds out which days are the same as on an earlier board. With the same definitions, runs and evidence these are
// all for which no late run may come in any longer: the time of day decides over nothing there.
func (b *Board) settle(was *Board) {
	b.anew = len(b.Days)
	if was == nil || was.dated != b.dated || len(was.Days) != len(b.Days) || len(b.Days) == 0 || was.Days[0] != b.Days[0] {
		return
	}
	for i := range b.Days {
		if !b.starts[i].Add(check.LateUntil).After(b.starts[1]) {
			b.was, b.anew = was, i
			return
		}
	}
}

// read reads what the board is made of, beside what was in force.
func (b *Board) read(ctx context.Context, v *store.View, only *controlPast) error {
	b.data = &boardData{overdue: map[string]int{}, only: only}
	if b.was != nil { // evidence and rows are among what was the same
		b.data.evidence, b.data.states, b.data.windows, b.data.narrow, b.spans = b.was.data.evidence, b.was.data.states, b.was.data.windows, b.was.data.narrow, b.was.spans
	} else if err := b.data.readProof(ctx, v, b.dated.narrowed(only)); err != nil {
		return err
	}
	return b.data.readWork(ctx, v, b.dated.days.DayOf(v.Now))
}

func (d *boardData) readProof(ctx context.Context, v *store.View, narrowed []string) error {
	d.evidence, d.states, d.windows = map[string][]*grc.Evidence{}, map[string]check.State{}, map[string]check.Window{}
	brought := map[string]any{"state": []string{"accepted", "superseded", "withdrawn"}}
	if d.only != nil {
		brought["control"] = d.only.newest.ID
	}
	pieces, err := store.All(ctx, v.Whole(), grc.Evidences, brought) // what proves a control proves it, whoever asks
	if err != nil {
		return err
	}
	for _, e := range pieces {
		d.evidence[e.Control] = append(d.evidence[e.Control], e)
	}
	now, err := check.States.Select(ctx, v, "", "")
	if err != nil {
		return err
	}
	for _, s := range now {
		d.states[s.Test] = s
	}
	windows, err := check.Windows.Select(ctx, v, "", "")
	if err != nil {
		return err
	}
	for _, w := range windows {
		d.windows[w.Test] = w
	}
	d.narrow, err = ReadNarrow(ctx, v, narrowed)
	return err
}

// readWork reads what is due and what holds now. A task is overdue when its day is over where the organisation is.
func (d *boardData) readWork(ctx context.Context, v *store.View, today check.Day) error {
	tasks, err := store.All(ctx, v, grc.Tasks, map[string]any{"state": []string{"open", "in_progress", "blocked"}})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if due, err := check.ParseDay(string(t.DueOn)); err == nil && due < today {
			d.overdue[t.Subject]++
		}
	}
	exceptions, err := store.All(ctx, v, grc.Exceptions, map[string]any{"state": "approved"})
	if err != nil {
		return err
	}
	for _, e := range exceptions {
		if e.Live(v.Now) {
			d.exceptions = append(d.exceptions, e)
		}
	}
	d.pauses, err = check.Pauses(ctx, v)
	return err
}

// scores computes readiness, the seven areas and the security of systems.
func (b *Board) scores() {
	var refs []string
	for _, c := range b.Criteria {
		if !c.NotInScope && c.Decided == "" {
			refs = append(refs, c.Requirement.Ref)
		}
	}
	scored := make([]ScoredControl, len(b.Controls))
	facts := AreaFacts{Criteria: refs}
	for i, c := range b.Controls {
		scored[i] = ScoredControl{Ref: c.Control.Ref, Weight: int(c.Control.Weight), Criteria: c.Control.Criteria, Health: c.Health.Health, HasOwner: c.Control.Owner != ""}
		for _, e := range c.Evidence {
			if e.Kind.Required && !e.State.idle() && c.Health.Health != NotApplicable {
				facts.RequiredEvidence++
				if e.State == EvidenceCurrent {
					facts.CurrentEvidence++
				}
			}
		}
	}
	facts.Controls = scored
	b.Readiness = ReadinessOf(refs, scored)
	for i := range b.Readiness.Criteria {
		b.byKey[b.Readiness.Criteria[i].Ref].Score = b.Readiness.Criteria[i]
	}
	facts.PolicyCurrent = check.NoData
	if t := b.Tests["policy.current"]; t != nil && len(t.Cells) > 0 {
		facts.PolicyCurrent = t.Cells[0].Letter
	}
	b.Areas = AreasOf(facts)
	b.Security = SystemSecurityOf(b.systemTests(), b.Now)
}

func (b *Board) systemTests() []SystemTest {
	common := map[string]bool{}
	for _, c := range b.Controls {
		if c.Health.Health == NotApplicable || !slices.ContainsFunc(c.Control.Criteria, func(k string) bool { return len(k) > 1 && k[:2] == "CC" }) {
			continue
		}
		for _, t := range c.Control.Tests {
			common[t.Test] = true
		}
	}
	var out []SystemTest
	for id, t := range b.Tests {
		if t.Rule == nil {
			continue
		}
		done := t.State.Verdict == "pass" || t.State.Verdict == "fail" || t.State.Verdict == "excepted"
		s := SystemTest{Test: id, Kind: t.Rule.Def.Kind, Severity: t.Rule.Def.Severity, Security: common[id], CompletedAt: t.Completed}
		if done {
			s.Evaluated, s.Passed = int(t.State.Evaluated), int(t.State.Passed)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b SystemTest) int { return slices.Compare([]string{a.Test}, []string{b.Test}) })
	return out
}

// validity is for how many days a kind of evidence is current (F-04).
func validity(k grc.EvidenceKind) int {
	if k.ValidityDays > 0 {
		return int(k.ValidityDays)
	}
	return content.Frequency(k.Frequency).ValidityDays()
}

// Settled is how many days were taken over from an earlier board.
func (b *Board) Settled() int { return len(b.Days) - b.anew }
