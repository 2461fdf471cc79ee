// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
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
	Controls  []*ControlLine
	Tests     map[string]*TestLine
	Checks    []check.Check // in the time of the board, oldest first
	Readiness Readiness
	Areas     []Area
	Security  SystemSecurity
	Sources   map[string]collect.Run // newest run by source
	Newest    time.Time              // when the newest complete data was collected

	starts []time.Time // when each day begins, as in Days, and before them when the newest one ends
	byRef  map[string]*ControlLine
	byKey  map[string]*CriterionLine
	data   *boardData
	spans  spanCache // when each piece of evidence counts

	summed sync.Once
	sum    *Overview
}

// CriterionLine is one criterion on the board.
type CriterionLine struct {
	Requirement *grc.Requirement
	Controls    []*ControlLine // applicable, in force
	Letters     []check.Letter // newest first
	Reasons     []string       // beside each letter
	Score       CriterionScore
	NotInScope  bool   // its category is not in scope
	Decided     string // why it does not apply; empty where it does
}

// ControlLine is one control on the board.
type ControlLine struct {
	Control  *grc.Control
	Health   ControlHealth
	Facts    ControlFacts
	Letters  []check.Letter
	Days     []ControlDay
	Evidence []EvidenceLine
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
	Rule      *check.Rule // nil where the test is no longer in the catalogue
	State     check.State // what it came to last
	Known     bool        // it was run at least once
	Latest    time.Time   // when it was last run
	Completed time.Time   // when it last came to an end
	Done      check.RunState
	Cells     []check.DayCell
}

// boardData is what a board is made of.
type boardData struct {
	requirements []*grc.Requirement
	controls     []*grc.Control
	evidence     map[string][]*grc.Evidence // by control id
	policies     map[string]*grc.Policy     // by ref
	decisions    map[string]*grc.Decision   // by subject
	overdue      map[string]int             // overdue tasks by subject
	exceptions   []*grc.Exception           // live ones
	plans        map[string]map[string]bool // tests by scope
	states       map[string]check.State     // what each test came to last
	only         *grc.Control               // the one control that is looked at; nil where all are
	changes      map[string][]change        // all that each test came to, oldest first
}

// change is what a test came to from a moment on: of a State, what the days need.
type change struct {
	Verdict check.Word
	Reason  string
	At      time.Time
}

// Control finds a control on the board by ref.
func (b *Board) Control(ref string) *ControlLine { return b.byRef[ref] }

// Criterion finds a criterion on the board by number.
func (b *Board) Criterion(ref string) *CriterionLine { return b.byKey[ref] }

// makeBoard makes the board of the last days: the whole of it, or with only what one control stands on. What is
// said of that control is the same on both; a test holds them against each other.
func makeBoard(ctx context.Context, v *store.View, cat *check.Catalogue, days int, only *grc.Control) (*Board, error) {
	org, err := grc.OrganizationOf(ctx, v)
	if err != nil {
		return nil, err
	}
	b := &Board{Org: org, Now: v.Now, At: v.At, Zone: org.Zone(), Tests: map[string]*TestLine{}, byRef: map[string]*ControlLine{}, byKey: map[string]*CriterionLine{}}
	today := check.DayOf(v.Now, b.Zone)
	b.starts = append(b.starts, (today + 1).Start(b.Zone))
	for i := range days {
		b.Days = append(b.Days, today-check.Day(i))
		b.starts = append(b.starts, b.Days[i].Start(b.Zone))
	}
	if b.data, err = readBoard(ctx, v, only); err != nil {
		return nil, err
	}
	from := (today - check.Day(days-1)).Start(b.Zone)
	if b.Checks, err = check.Checks.Select(ctx, v, "at>=$3", "ORDER BY at, batch", from.UnixMilli()); err != nil {
		return nil, err
	}
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
	for _, r := range complete {
		if r.StartedAt.After(b.Newest) {
			b.Newest = r.StartedAt
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

func readBoard(ctx context.Context, v *store.View, only *grc.Control) (*boardData, error) {
	d := &boardData{evidence: map[string][]*grc.Evidence{}, policies: map[string]*grc.Policy{}, decisions: map[string]*grc.Decision{}, overdue: map[string]int{},
		plans: map[string]map[string]bool{}, states: map[string]check.State{}, changes: map[string][]change{}}
	var err error
	brought := map[string]any{"state": []string{"accepted", "superseded", "withdrawn"}}
	if only != nil {
		d.controls, d.only = []*grc.Control{only}, only
		brought["control"] = only.ID
	} else {
		if d.requirements, err = store.All(ctx, v, grc.Requirements, nil); err != nil {
			return nil, err
		}
		slices.SortFunc(d.requirements, func(a, b *grc.Requirement) int { return int(a.Position - b.Position) })
		if d.controls, err = store.All(ctx, v, grc.Controls, map[string]any{"state": "active"}); err != nil {
			return nil, err
		}
		slices.SortFunc(d.controls, byRef)
	}
	pieces, err := store.All(ctx, v.Whole(), grc.Evidences, brought) // what proves a control proves it, whoever asks
	if err != nil {
		return nil, err
	}
	for _, e := range pieces {
		d.evidence[e.Control] = append(d.evidence[e.Control], e)
	}
	policies, err := store.All(ctx, v, grc.Policies, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range policies {
		d.policies[p.Ref] = p
	}
	return d, d.readWork(ctx, v)
}

func (d *boardData) readWork(ctx context.Context, v *store.View) error {
	decisions, err := store.All(ctx, v, grc.Decisions, map[string]any{"state": "approved", "decision": "not_applicable"})
	if err != nil {
		return err
	}
	day := v.Now.UTC().Format(time.DateOnly)
	for _, x := range decisions {
		if (x.FromDay == "" || string(x.FromDay) <= day) && (x.ToDay == "" || string(x.ToDay) >= day) {
			d.decisions[x.Subject] = x
		}
	}
	tasks, err := store.All(ctx, v, grc.Tasks, map[string]any{"state": []string{"open", "in_progress", "blocked"}})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.DueOn != "" && string(t.DueOn) < day {
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
	plans, err := check.Plans.Select(ctx, v, "", "")
	if err != nil {
		return err
	}
	for _, p := range plans {
		d.plans[p.Scope] = p.Names()
	}
	return d.readStates(ctx, v)
}

// readStates reads what the tests came to, now and before.
func (d *boardData) readStates(ctx context.Context, v *store.View) error {
	where, names := "", []any(nil)
	if d.only != nil {
		for i, t := range d.only.Tests {
			where += fmt.Sprintf(", $%d", i+3)
			names = append(names, t.Test)
		}
		if names == nil {
			return nil
		}
		where = "test IN (" + where[2:] + ")"
	}
	now, err := check.States.Select(ctx, v, where, "", names...)
	if err != nil {
		return err
	}
	for _, s := range now {
		d.states[s.Test] = s
	}
	type row struct {
		Test    string
		Verdict check.Word
		Reason  string
		At      int64
	}
	all, err := store.ProjectChanges[row](ctx, v, check.States, []string{"test", "state", "reason", "at"}, where, names...)
	for _, s := range all {
		d.changes[s.Test] = append(d.changes[s.Test], change{s.Verdict, s.Reason, time.UnixMilli(s.At).UTC()})
	}
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
