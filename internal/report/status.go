// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/content"
	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/store"
)

// ControlStatus is how one control stands.
type ControlStatus struct {
	ID          string          `json:"id" doc:"The control."`
	Ref         string          `json:"ref" doc:"Its ref."`
	Title       string          `json:"title" doc:"Its title."`
	Health      string          `json:"health" doc:"Health now (F-02); retired if it is no longer in force."`
	Causes      []Cause         `json:"causes" doc:"Why."`
	Retired     *time.Time      `json:"retired_at,omitempty" doc:"When it was retired, if it was."`
	Documented  Light           `json:"documented" doc:"Whether it is documented."`
	Implemented Light           `json:"implemented" doc:"Whether there is proof that it is implemented."`
	Operating   Light           `json:"operating" doc:"Whether it operated over the last 92 days."`
	Operation   Operation       `json:"operation" doc:"The last 92 days, counted (F-06)."`
	Occurrences []OccurrenceRow `json:"occurrences" doc:"The performances expected of it, newest first: the last 24."`
	Tests       []TestRow       `json:"tests" doc:"Its tests."`
	Evidence    []EvidenceRow   `json:"evidence" doc:"Its evidence items."`
	Policies    []PolicyRow     `json:"policies" doc:"The policies it depends on."`
	Row         Row             `json:"row" doc:"Its days."`
	Elsewhere   []Elsewhere     `json:"elsewhere" doc:"Where it applies in other frameworks. For information only."`
}

// EvidenceRow is one kind of evidence of a control.
type EvidenceRow struct {
	Key      string     `json:"key" doc:"Short name."`
	Title    string     `json:"title" doc:"What it is."`
	Type     string     `json:"type" doc:"Type of evidence."`
	Required bool       `json:"required" doc:"Whether the control needs it."`
	State    string     `json:"state" doc:"missing, current, expiring, expired, withdrawn, not_due or nil_declared (F-04)."`
	Piece    string     `json:"piece,omitempty" doc:"The evidence that decides."`
	Until    *time.Time `json:"until,omitempty" doc:"When it expires."`
	Line     string     `json:"line,omitempty" doc:"The days the newest piece counts for, or why it does not count."`
}

// PolicyRow is one policy of a control.
type PolicyRow struct {
	Ref   string `json:"ref" doc:"Its ref."`
	ID    string `json:"id,omitempty" doc:"The policy."`
	Title string `json:"title" doc:"Its title."`
	State string `json:"state" doc:"in_force, review_overdue or missing."`
}

// Elsewhere is where a control counts in another framework.
type Elsewhere struct {
	Framework string `json:"framework" doc:"The framework."`
	Refs      string `json:"refs" doc:"The references."`
}

type refIn struct {
	Ref  string `json:"ref" doc:"Ref of the control, such as IAM-02." min:"2" max:"60"`
	Days int64  `json:"days" doc:"How many days." min:"1" max:"400" default:"90"`
}

func (b *Boards) controlStatus(ctx context.Context, v *store.View, in refIn) (*ControlStatus, error) {
	board, c, err := b.Control(ctx, v, max(int(in.Days), operatingDays), in.Ref)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errs.New(errs.NotFound, "no control %.60s is or was in force", in.Ref)
	}
	s := &ControlStatus{ID: c.Control.ID, Ref: c.Control.Ref, Title: c.Control.Title, Health: c.Health.Health.String(), Causes: c.Health.Causes, Tests: []TestRow{}, Evidence: []EvidenceRow{}, Policies: []PolicyRow{}, Row: c.row(int(in.Days), board.Zone)}
	if !c.Retired.IsZero() {
		s.Health, s.Causes, s.Retired = "retired", []Cause{}, &c.Retired
	}
	if s.Occurrences, err = board.occurrenceRows(ctx, v, c); err != nil {
		return nil, err
	}
	board.markControl(&s.Row, c)
	s.Operation = board.operation(c, operatingDays)
	s.Documented, s.Implemented, s.Operating = board.lights(c, s.Operation)
	for _, t := range c.Control.Tests {
		if l := board.Tests[t.Test]; l != nil {
			r := l.row()
			r.Role = string(t.Role)
			s.Tests = append(s.Tests, r)
		} else {
			s.Tests = append(s.Tests, TestRow{Test: t.Test, Title: "this test is not in the catalogue or is switched off", State: "never_run", Role: string(t.Role), Origin: "custom"})
		}
	}
	for _, e := range c.Evidence {
		r := EvidenceRow{Key: e.Kind.Key, Title: e.Kind.Title, Type: e.Kind.Type, Required: e.Kind.Required, State: evidenceName[e.State]}
		if p := board.shown(c.Control, e); p != nil {
			if seen, err := v.Exists(ctx, grc.Evidences.Name, p.ID); err != nil {
				return nil, err
			} else if seen {
				r.Line = board.lineOf(c.Control, e.Kind, p)
				if e.Piece != nil {
					r.Piece = p.ID
				}
			}
		}
		if !e.Until.IsZero() {
			r.Until = &e.Until
		}
		s.Evidence = append(s.Evidence, r)
	}
	for _, p := range c.Control.Policies {
		r := PolicyRow{Ref: p, State: policyName[board.policyOn(p, board.Now)]}
		if x := board.dated.newest[p]; x != nil {
			r.ID, r.Title = x.ID, x.Called()
		}
		s.Policies = append(s.Policies, r)
	}
	s.Elsewhere, err = elsewhere(c.Control.Ref)
	return s, err
}

var (
	evidenceName = map[EvidenceState]string{EvidenceMissing: "missing", EvidenceCurrent: "current", EvidenceExpiring: "expiring", EvidenceExpired: "expired", EvidenceWithdrawn: "withdrawn", EvidenceNotDue: "not_due", EvidenceNilDeclared: "nil_declared"}
	policyName   = map[PolicyState]string{PolicyMissing: "missing", PolicyReviewOverdue: "review_overdue", PolicyInForce: "in_force"}
)

func elsewhere(ref string) ([]Elsewhere, error) {
	out := []Elsewhere{}
	all, err := content.Controls()
	if err != nil {
		return nil, err
	}
	walks, err := content.Crosswalks()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c content.Control) bool { return c.Ref == ref })
	for _, w := range walks {
		if i < 0 {
			break
		}
		if refs := w.In(all[i]); len(refs) > 0 {
			out = append(out, Elsewhere{w.Title, strings.Join(refs, ", ")})
		}
	}
	return out, nil
}

// CriterionRow is one criterion with how far it is proved.
type CriterionRow struct {
	Ref      string   `json:"ref" doc:"Official number."`
	Text     string   `json:"text" doc:"What it is about, in our own words."`
	Category string   `json:"category" doc:"The category."`
	Series   string   `json:"series" doc:"The series."`
	InScope  bool     `json:"in_scope" doc:"Whether it is in scope."`
	Decision string   `json:"decision,omitempty" doc:"Why it does not apply."`
	Percent  int      `json:"percent" doc:"How far it is proved."`
	Status   string   `json:"status" doc:"Health of its worst control."`
	Reason   string   `json:"reason,omitempty" doc:"Why (F-07)."`
	Controls []string `json:"controls" doc:"Its controls in force."`
	Passing  int      `json:"passing" doc:"Of these, passing."`
}

// CriterionList is all criteria, with counts.
type CriterionList struct {
	Data       []CriterionRow `json:"data" doc:"The criteria, in official order."`
	Categories map[string]int `json:"categories" doc:"Criteria by category."`
	Total      int            `json:"total" doc:"All criteria."`
}

func (b *Boards) criterionList(ctx context.Context, v *store.View, _ empty) (*CriterionList, error) {
	board, err := b.Of(ctx, v, 30)
	if err != nil {
		return nil, err
	}
	out := &CriterionList{Data: []CriterionRow{}, Categories: map[string]int{}, Total: len(board.Criteria)}
	for _, c := range board.Criteria {
		r := c.row()
		x := CriterionRow{Ref: r.Ref, Text: r.Text, Category: c.Requirement.Category, Series: c.Requirement.Series, InScope: !c.NotInScope, Decision: c.Decided, Percent: c.Score.Percent, Status: r.Status, Reason: r.Reason, Controls: r.Controls}
		if x.Controls == nil {
			x.Controls = []string{}
		}
		for _, k := range c.Controls {
			if k.Health.Health == Passing {
				x.Passing++
			}
		}
		out.Categories[c.Requirement.Category]++
		out.Data = append(out.Data, x)
	}
	return out, nil
}

// TestRow is one test with what it came to last.
type TestRow struct {
	Test      string     `json:"test" doc:"Its name."`
	Title     string     `json:"title" doc:"What must be true."`
	Kind      string     `json:"kind" doc:"The resource kind it checks."`
	Severity  string     `json:"severity" doc:"critical, high, medium or low."`
	Role      string     `json:"role,omitempty" doc:"For a control: required or supporting."`
	State     string     `json:"state" doc:"Its latest result, or never_run."`
	Reason    string     `json:"reason" doc:"Why."`
	Evaluated int64      `json:"evaluated" doc:"Resources it checked."`
	Passed    int64      `json:"passed" doc:"Of these, passed."`
	Failed    int64      `json:"failed" doc:"Of these, failed."`
	Excepted  int64      `json:"excepted" doc:"Of these, failed under an exception."`
	Unknown   int64      `json:"unknown" doc:"Of these, not known."`
	Last      *time.Time `json:"last,omitempty" doc:"When it was last run."`
	Late      int        `json:"late,omitempty" doc:"Of a test over events: events of its window that were late and have been made good."`
	Entry     int64      `json:"entry,omitempty" doc:"Ledger entry of its latest result."`
	Imported  []string   `json:"imported,omitempty" doc:"Resource kinds that it reads and that were imported, because Assay does not keep them itself yet."`
	Paused    bool       `json:"paused" doc:"Whether it is paused now."`
	Origin    string     `json:"origin" doc:"Where the test comes from: catalogue, by_file or custom."`
	Changed   bool       `json:"changed" doc:"Whether the organisation changed or switched off this test."`
	ChangedBy string     `json:"changed_by,omitempty" doc:"Who changed it, or the file."`
	ChangedAt *time.Time `json:"changed_at,omitempty" doc:"When the change came into force."`
	ChangeWhy string     `json:"change_reason,omitempty" doc:"Why it was changed."`
	Fields    []string   `json:"changed_fields,omitempty" doc:"What was changed."`
	ChangeOf  string     `json:"change,omitempty" doc:"The rule file or definition that changed it."`
	Marks     []Mark     `json:"marks,omitempty" doc:"What is overridden on it now."`
}

func (t *TestLine) row() TestRow {
	r := TestRow{Test: t.ID, Title: t.ID, State: "never_run", Reason: "it has never run"}
	if t.Rule != nil {
		r.Title, r.Kind, r.Severity = t.Rule.Def.Title, t.Rule.Def.Kind, t.Rule.Def.Severity
	}
	if t.Known {
		r.State, r.Reason, r.Evaluated, r.Passed, r.Failed, r.Excepted, r.Unknown = string(t.State.Verdict), t.State.Reason, t.State.Evaluated, t.State.Passed, t.State.Failed, t.State.Excepted, t.State.Unknown
		r.Late = t.Late
		r.Last, r.Entry = &t.Latest, t.State.Batch
	}
	t.mark(&r)
	return r
}

type testListIn struct {
	State string `json:"state" doc:"Only tests with this result: pass, fail, unknown, error, excepted, not_applicable, never_run, switched_off." max:"30"`
	Kind  string `json:"kind" doc:"Only tests of this resource kind." max:"100"`
}

// TestList is the tests.
type TestList struct {
	Data  []TestRow      `json:"data" doc:"The tests."`
	Count map[string]int `json:"count" doc:"Number of tests by result."`
	Gaps  []Gap          `json:"gaps" doc:"Those of the listed tests that have no data, by what would answer them."`
}

func (b *Boards) testList(ctx context.Context, v *store.View, in testListIn) (*TestList, error) {
	board, err := b.Of(ctx, v, 30)
	if err != nil {
		return nil, err
	}
	out := &TestList{Data: []TestRow{}, Count: map[string]int{}}
	for _, id := range sortedTests(board) {
		t := board.Tests[id]
		if t.Rule == nil && t.Off == nil {
			continue
		}
		r := t.row()
		if r.Imported, err = board.imported(t); err != nil {
			return nil, err
		}
		board.markTest(&r)
		out.Count[r.State]++
		if (in.State == "" || in.State == r.State) && (in.Kind == "" || in.Kind == r.Kind) {
			out.Data = append(out.Data, r)
		}
	}
	listed := make([]string, len(out.Data))
	for i, r := range out.Data {
		listed[i] = r.Test
	}
	out.Gaps = board.gaps(listed)
	return out, nil
}

func sortedTests(b *Board) []string {
	ids := make([]string, 0, len(b.Tests))
	for id := range b.Tests {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

type testIn struct {
	Test string `json:"id" doc:"Name of the test, such as idp.mfa_all." min:"3" max:"100"`
	Days int64  `json:"days" doc:"How many days." min:"1" max:"400" default:"90"`
}

// TestDetail is one test.
type TestDetail struct {
	TestRow
	Doc       string         `json:"about,omitempty" doc:"More about it."`
	Words     string         `json:"words" doc:"The definition in words."`
	Filter    string         `json:"filter" doc:"Which resources, as code."`
	Event     *content.Event `json:"event,omitempty" doc:"Of a test over events: when each is due, when it is done, and until when a lapse is open, as code."`
	Condition string         `json:"condition" doc:"What must be true, as code; of an event, besides being done in time."`
	Params    map[string]any `json:"params" doc:"Its parameters."`
	Interval  int            `json:"interval_hours" doc:"How often it is run."`
	Version   string         `json:"version" doc:"Version of the definition."`
	Controls  []string       `json:"controls" doc:"Controls that it proves."`
	Spans     []Span         `json:"spans" doc:"Its days, newest first."`
	Newest    string         `json:"newest" doc:"The first of these days."`
	Coverage  int            `json:"coverage" doc:"Percent of assessable days that were observed."`
	Changes   []check.State  `json:"changes" doc:"Its earlier results, newest first."`
	Gap       *Gap           `json:"gap,omitempty" doc:"What would answer it and others, if it has no data."`
}

func (b *Boards) testGet(ctx context.Context, v *store.View, in testIn) (*TestDetail, error) {
	board, err := b.Of(ctx, v, int(in.Days))
	if err != nil {
		return nil, err
	}
	t := board.Tests[in.Test]
	if t == nil {
		return nil, errs.New(errs.NotFound, "there is no test %.60s", in.Test)
	}
	d := &TestDetail{TestRow: t.row(), Params: map[string]any{}, Controls: []string{}, Newest: board.Days[0].String(), Changes: []check.State{}}
	if t.Rule != nil {
		def := t.Rule.Def
		d.Event = def.Event
		d.Doc, d.Words, d.Filter, d.Condition, d.Interval, d.Version = def.Doc, t.Rule.Explain(), def.Filter, def.Condition, def.IntervalHours, t.Rule.Version
		if def.Params != nil {
			d.Params = def.Params
		}
	}
	for _, c := range board.Controls {
		for _, x := range c.Control.Tests {
			if x.Test == in.Test {
				d.Controls = append(d.Controls, c.Control.Ref)
			}
		}
	}
	letters := make([]check.Letter, len(t.Cells))
	for i, c := range t.Cells {
		letters[i] = c.Letter
	}
	d.Spans, d.Coverage = board.markTestDays(spans(letters, nil), in.Test), coverage(letters, func(i int) bool { return observed(letters[i]) })
	board.markTest(&d.TestRow)
	d.Gap = board.gapOf(in.Test)
	if d.Imported, err = board.imported(t); err != nil {
		return nil, err
	}
	if d.Changes, err = check.States.Changes(ctx, v, "test=$3", "ORDER BY batch DESC LIMIT 50", in.Test); d.Changes == nil {
		d.Changes = []check.State{}
	}
	return d, err
}

type resultsIn struct {
	Test    string `json:"id" doc:"Name of the test, such as idp.mfa_all." min:"3" max:"100"`
	Verdict string `json:"verdict" doc:"Only these: fail, unknown, error, excepted, pass." max:"20"`
	After   int64  `json:"after" doc:"Start after this number: the value of next from the previous page." min:"0" default:"0"`
	Limit   int64  `json:"limit" doc:"Maximum number of results." min:"1" max:"1000" default:"50"`
}

// ResultPage is a page of what a test says of resources.
type ResultPage struct {
	Data []Result `json:"data" doc:"The results, worst first."`
	Next int64    `json:"next,omitempty" doc:"Send it as after to get the next page."`
}

// Result is what a test says of one resource.
type Result struct {
	check.Found
	Name     string `json:"name" doc:"Name of the resource."`
	Kind     string `json:"kind" doc:"Its kind."`
	Imported bool   `json:"imported,omitempty" doc:"Whether it was imported, because Assay does not keep its kind itself yet."`
	Entry    int64  `json:"entry" doc:"Ledger entry of the result."`
}

func (b *Boards) testResults(ctx context.Context, v *store.View, in resultsIn) (*ResultPage, error) {
	where, args := "test=$3 AND verdict<>'gone'", []any{in.Test}
	if in.Verdict != "" {
		where, args = where+" AND verdict=$4", append(args, in.Verdict)
	}
	order := "CASE verdict WHEN 'fail' THEN 0 WHEN 'error' THEN 1 WHEN 'unknown' THEN 2 WHEN 'excepted' THEN 3 ELSE 4 END, resource"
	rows, err := check.Finds.Select(ctx, v, where, fmt.Sprintf("ORDER BY %s LIMIT %d OFFSET %d", order, in.Limit+1, in.After), args...)
	if err != nil {
		return nil, err
	}
	p := &ResultPage{Data: []Result{}}
	if len(rows) > int(in.Limit) {
		rows, p.Next = rows[:in.Limit], in.After+in.Limit
	}
	for _, f := range rows {
		r := Result{Found: f, Entry: f.Batch}
		if r.Name, r.Kind, err = nameOf(ctx, v, f.Resource); err != nil {
			return nil, err
		}
		if r.Imported, err = collect.Imported(r.Kind); err != nil {
			return nil, err
		}
		p.Data = append(p.Data, r)
	}
	return p, nil
}
