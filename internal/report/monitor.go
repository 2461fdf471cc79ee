// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// Span is a stretch of days with one letter and one reason, newest first.
type Span struct {
	Letter string `json:"letter" doc:"P, F, X, E, Z, N or –."`
	Days   int    `json:"days" doc:"How many."`
	Reason string `json:"reason,omitempty" doc:"Why (F-07)."`
	Mark   string `json:"mark,omitempty" doc:"What was overridden on these days, such as an exception, a pause or an edit."`
}

// Row is one line of the grid.
type Row struct {
	Ref      string   `json:"ref" doc:"Number of the criterion, ref of the control or name of the test."`
	Text     string   `json:"text" doc:"What it is about."`
	Group    string   `json:"group,omitempty" doc:"The series of the criterion."`
	Status   string   `json:"status" doc:"Health now."`
	Reason   string   `json:"reason,omitempty" doc:"Why."`
	Percent  int      `json:"percent" doc:"Of a criterion: how far it is proved."`
	Coverage int      `json:"coverage" doc:"Percent of assessable days that were observed; -1 if none was assessable."`
	Controls []string `json:"controls,omitempty" doc:"Controls of the criterion."`
	Owner    string   `json:"owner,omitempty" doc:"Owner of the control."`
	Spans    []Span   `json:"spans" doc:"The days, newest first."`
	Marks    []Mark   `json:"marks,omitempty" doc:"What is overridden on it now."`
}

// Grid is the monitoring grid.
type Grid struct {
	At      time.Time  `json:"at" doc:"The moment it is for."`
	Newest  string     `json:"newest" doc:"The first day of every row."`
	Days    int        `json:"days" doc:"How many days a row has."`
	Updated *time.Time `json:"updated,omitempty" doc:"When tests were last run."`
	Rows    []Row      `json:"rows" doc:"The rows."`
	NoProof int        `json:"not_proved" doc:"Criteria in scope that are not proved today."`
	InScope int        `json:"in_scope" doc:"Criteria in scope."`
	Gap     int        `json:"oldest_gap" doc:"Days of the oldest gap; at least so many where it is as long as a row."`
}

type gridIn struct {
	Days   int64  `json:"days" doc:"How many days." min:"1" max:"400" default:"30"`
	Query  string `json:"query" doc:"Only rows that contain this: number with or without hyphen, text or control." max:"100"`
	Status string `json:"status" doc:"Only rows with this health: failing, no_data, needs_attention, passing, not_started, no_occurrence." max:"30"`
	Mine   bool   `json:"mine" doc:"Only criteria with a control of your own."`
	All    bool   `json:"all" doc:"Include criteria that are not in scope."`
}

func (b *Boards) grid(ctx context.Context, v *store.View, in gridIn) (*Grid, error) {
	board, err := b.Of(ctx, v, int(in.Days))
	if err != nil {
		return nil, err
	}
	g := &Grid{At: board.Now, Newest: board.Days[0].String(), Days: int(in.Days), Rows: []Row{}, Gap: board.oldestGap()}
	if n := len(board.Checks); n > 0 {
		g.Updated = &board.Checks[n-1].At
	}
	me := ""
	if in.Mine {
		if me, err = op.PersonOf(ctx, v); err != nil {
			return nil, err
		}
	}
	for _, c := range board.Criteria {
		out := c.NotInScope || c.Decided != ""
		if !out {
			g.InScope++
			if c.Score.Percent < 100 {
				g.NoProof++
			}
		}
		if out && !in.All && !c.everInScope() || !c.matches(in.Query) || in.Mine && !c.ownedBy(me) {
			continue
		}
		r := c.row()
		board.markCriterion(&r, c)
		if in.Status == "" || in.Status == r.Status {
			g.Rows = append(g.Rows, r)
		}
	}
	return g, nil
}

// everInScope says whether a criterion was in scope on one of the days: then it is shown, whatever was decided since.
func (c *CriterionLine) everInScope() bool {
	return slices.ContainsFunc(c.Letters, func(l check.Letter) bool { return l != check.NotApplicable })
}

// plainRef is a number as people may write it: CC7.2, CC-7.2, cc72.
func plainRef(s string) string { return unpunctuated.Replace(strings.ToLower(s)) }

var unpunctuated = strings.NewReplacer("-", "", ".", "", " ", "")

func (c *CriterionLine) matches(q string) bool {
	if q == "" {
		return true
	}
	low := strings.ToLower(q)
	if strings.Contains(plainRef(c.Requirement.Ref), plainRef(q)) || strings.Contains(strings.ToLower(c.Requirement.Text), low) {
		return true
	}
	return slices.ContainsFunc(c.Controls, func(x *ControlLine) bool { return x.matches(low) })
}

func (c *ControlLine) matches(low string) bool {
	return strings.Contains(plainRef(c.Control.Ref), plainRef(low)) || strings.Contains(strings.ToLower(c.Control.Title), low) || strings.Contains(strings.ToLower(c.Control.Text), low)
}

func (c *CriterionLine) ownedBy(person string) bool {
	return slices.ContainsFunc(c.Controls, func(x *ControlLine) bool { return person != "" && x.Control.Owner == person })
}

// row is the criterion as a line of the grid. Its health is that of its worst control.
func (c *CriterionLine) row() Row {
	r := Row{Ref: c.Requirement.Ref, Text: c.Requirement.Text, Group: c.Requirement.Series, Percent: c.Score.Percent, Coverage: coverage(c.Letters, func(i int) bool { return c.Seen[i] }), Spans: spans(c.Letters, c.Reasons), Status: c.Health().String()}
	if len(c.Reasons) > 0 {
		r.Reason = c.Reasons[0]
	}
	if c.Decided != "" {
		r.Reason = c.Decided
	}
	for _, x := range c.Controls {
		r.Controls = append(r.Controls, x.Control.Ref)
	}
	return r
}

// Health is the worst health of the criterion's controls.
func (c *CriterionLine) Health() Health {
	if c.NotInScope || c.Decided != "" {
		return NotApplicable
	}
	worst, any, quiet := Passing, false, false
	for _, x := range c.Controls {
		if h := x.Health.Health; h == NoOccurrence {
			quiet = true
		} else if h != NotApplicable {
			any = true
			if healthRank[h] < healthRank[worst] {
				worst = h
			}
		}
	}
	switch {
	case any:
		return worst
	case quiet:
		return NoOccurrence
	}
	return NoData
}

var healthRank = map[Health]int{Failing: 0, NoData: 1, NotStarted: 2, NeedsAttention: 3, Passing: 4}

func spans(letters []check.Letter, reasons []string) []Span {
	out := []Span{}
	for i, l := range letters {
		why := ""
		if reasons != nil {
			why = reasons[i]
		}
		if n := len(out); n > 0 && out[n-1].Letter == l.String() && out[n-1].Reason == why {
			out[n-1].Days++
			continue
		}
		out = append(out, Span{Letter: l.String(), Days: 1, Reason: why})
	}
	return out
}

type gridControlsIn struct {
	Criterion string `json:"criterion" doc:"Number of the criterion." min:"2" max:"20"`
	Days      int64  `json:"days" doc:"How many days." min:"1" max:"400" default:"30"`
}

func (b *Boards) gridControls(ctx context.Context, v *store.View, in gridControlsIn) (*Grid, error) {
	board, err := b.Of(ctx, v, int(in.Days))
	if err != nil {
		return nil, err
	}
	c := board.find(in.Criterion)
	if c == nil {
		return nil, errs.New(errs.NotFound, "there is no criterion %.20s", in.Criterion)
	}
	g := &Grid{At: board.Now, Newest: board.Days[0].String(), Days: int(in.Days), Rows: []Row{}}
	for _, x := range c.ever() {
		r := x.row(int(in.Days), board.Zone)
		board.markControl(&r, x)
		g.Rows = append(g.Rows, r)
	}
	return g, nil
}

func (b *Board) find(ref string) *CriterionLine {
	if c := b.byKey[ref]; c != nil {
		return c
	}
	if r := b.dated.criterion(ref); r != nil {
		return b.byKey[r.Ref]
	}
	return nil
}

// criterion finds a criterion by its number as people may write it; nil where there is none.
func (d *dated) criterion(ref string) *grc.Requirement {
	plain := plainRef(ref)
	i := slices.IndexFunc(d.criteria, func(r *grc.Requirement) bool { return plainRef(r.Ref) == plain })
	if i < 0 {
		return nil
	}
	return d.criteria[i]
}

func (c *ControlLine) row(days int, zone *time.Location) Row {
	days = min(days, len(c.Days))
	letters := c.Letters[:days]
	reasons := make([]string, days)
	for i, d := range c.Days[:days] {
		words := make([]string, len(d.Causes))
		for j, x := range d.Causes {
			words[j] = string(x)
		}
		reasons[i] = strings.Join(words, "; ")
	}
	r := Row{Ref: c.Control.Ref, Text: c.Control.Title, Status: c.Health.Health.String(), Coverage: coverage(letters, c.seen), Spans: spans(letters, reasons), Owner: c.Control.Owner}
	if len(c.Health.Causes) > 0 {
		r.Reason = c.Health.Causes[0].Text
	}
	if !c.Retired.IsZero() {
		r.Status, r.Reason = "retired", "retired on "+c.Retired.In(zone).Format(time.DateOnly)
	}
	return r
}

type dayIn struct {
	Subject string `json:"subject" doc:"Number of a criterion, ref of a control or name of a test." min:"2" max:"100"`
	Day     string `json:"day" doc:"The day, as 2026-11-22." min:"10" max:"10"`
}

// DayReport is one day of one subject, with what made its letter.
type DayReport struct {
	Subject  string       `json:"subject" doc:"What it is about."`
	Title    string       `json:"title" doc:"In words."`
	Kind     string       `json:"kind" doc:"criterion, control or test."`
	Day      string       `json:"day" doc:"The day."`
	Letter   string       `json:"letter" doc:"Its letter."`
	Word     string       `json:"word" doc:"The letter as a word."`
	Reason   string       `json:"reason,omitempty" doc:"Why."`
	Closed   bool         `json:"closed" doc:"Whether the letter is final."`
	Versions []DayVersion `json:"versions,omitempty" doc:"Of a control: the definitions in force that day."`
	Parts    []DayPart    `json:"parts" doc:"What decided the letter."`
	Rule     string       `json:"rule,omitempty" doc:"How the parts decided it."`
	Checks   []CheckDay   `json:"checks" doc:"The runs of the tests that day."`

	Overrides []OwnChange      `json:"overrides" doc:"What was overridden that day; changes.list says what changed."`
	Withdrawn []LaterWithdrawn `json:"withdrawn,omitempty" doc:"Of a control: evidence this day relied on that was withdrawn later."`
}

// DayVersion is a definition of a control that was in force on a day, or on a part of it.
type DayVersion struct {
	Number   int64     `json:"number" doc:"Number of the version."`
	Holds    time.Time `json:"holds_from" doc:"When it came into force."`
	From     time.Time `json:"from" doc:"Start of the part of the day it decided."`
	To       time.Time `json:"to" doc:"End of that part."`
	Letter   string    `json:"letter" doc:"Result of its part of the day."`
	Library  bool      `json:"library" doc:"Its text was from the library and not confirmed."`
	Title    string    `json:"title" doc:"Title of the control."`
	Text     string    `json:"text" doc:"Its text."`
	Tests    []string  `json:"tests" doc:"Its tests, each with its role."`
	Evidence []string  `json:"evidence" doc:"Its evidence items."`
	Policies []string  `json:"policies" doc:"The policies it depended on."`
}

// DayPart is one thing that a letter is made of.
type DayPart struct {
	Kind     string `json:"kind" doc:"control, test, evidence, policy or performance."`
	Ref      string `json:"ref" doc:"Which."`
	Text     string `json:"text" doc:"In words."`
	Letter   string `json:"letter" doc:"Its letter; of evidence and policies P or F, of a performance F where it was overdue and N where it awaited a review."`
	Required bool   `json:"required" doc:"Whether it counts."`
	Reason   string `json:"reason,omitempty" doc:"Why."`
	Piece    string `json:"piece,omitempty" doc:"The evidence that decided; empty if you can't see it."`
}

// CheckDay is one run of the tests on a day, with what the subject's test came to.
type CheckDay struct {
	ID        string     `json:"id" doc:"The check."`
	At        time.Time  `json:"at" doc:"When."`
	Entry     int64      `json:"entry" doc:"Its ledger entry."`
	State     string     `json:"state,omitempty" doc:"Of a test: its result."`
	Text      string     `json:"text,omitempty" doc:"Why, in words."`
	Trigger   string     `json:"trigger" doc:"schedule, manual, event, or late where the data was collected on the day and tested after it."`
	Collected *time.Time `json:"collected_at,omitempty" doc:"Of a late run: when the server began to collect its data."`
}

func (b *Boards) day(ctx context.Context, v *store.View, in dayIn) (*DayReport, error) {
	d, err := check.ParseDay(in.Day)
	if err != nil {
		return nil, errs.At("day", "%q is not a valid date", in.Day).Mend("write it as 2026-11-22")
	}
	known, err := b.dated(ctx, v)
	if err != nil {
		return nil, err
	}
	i := int(known.days.DayOf(v.Now) - d)
	if i < 0 || i >= mostDays {
		return nil, errs.At("day", "is outside the last %d days", mostDays)
	}
	var board *Board
	var c *ControlLine
	if known.criterion(in.Subject) == nil { // of a control, what it stands on is enough
		if board, c, err = b.Control(ctx, v, widthOf(i), in.Subject); err != nil {
			return nil, err
		}
	}
	if c == nil {
		if board, err = b.Of(ctx, v, widthOf(i)); err != nil {
			return nil, err
		}
	}
	r := &DayReport{Subject: in.Subject, Day: in.Day, Closed: known.days.Closed(d, board.Now), Parts: []DayPart{}, Checks: []CheckDay{}}
	switch {
	case c != nil:
		r.Subject = c.Control.Ref
		board.controlDay(r, c, i)
	case board.find(in.Subject) != nil:
		board.criterionDay(r, board.find(in.Subject), i)
	case board.Tests[in.Subject] != nil:
		board.testDay(r, board.Tests[in.Subject], i)
	default:
		return nil, errs.New(errs.NotFound, "there is no criterion, control or test %.60s", in.Subject)
	}
	if err := board.overriddenOn(ctx, v, r, i); err != nil {
		return nil, err
	}
	for _, test := range slices.Sorted(maps.Keys(board.dated.lates)) {
		for _, l := range board.dated.lates[test] {
			if board.dated.days.DayOf(l.Collected) == d && (r.Kind != "test" || test == in.Subject) && !slices.ContainsFunc(r.Checks, func(c CheckDay) bool { return c.ID == l.ID }) {
				x := CheckDay{ID: l.ID, At: l.At, Entry: l.Batch, Trigger: "late", Collected: &l.Collected}
				if r.Kind == "test" {
					x.State, x.Text = string(l.Verdict), l.Reason
				}
				r.Checks = append(r.Checks, x)
			}
		}
	}
	for _, c := range board.Checks {
		if board.dated.days.DayOf(c.At) == d && (r.Kind != "test" || board.dated.plans[c.Scope][in.Subject]) {
			x := CheckDay{ID: c.ID, At: c.At, Entry: c.Batch, Trigger: c.Trigger}
			if s := board.stateAt(in.Subject, c.At); r.Kind == "test" && s != nil {
				x.State, x.Text = string(s.Verdict), s.Reason
			}
			r.Checks = append(r.Checks, x)
		}
	}
	return r, nil
}

const mostDays = 400 // a strip has at most so many

// widthOf is how many days a board has on which a day is looked up: few widths, so that the next day is on a board that is there.
func widthOf(back int) int {
	for _, n := range []int{30, operatingDays, 365} {
		if back < n {
			return n
		}
	}
	return mostDays
}

// stateAt is what the days take of a test at a moment.
func (b *Board) stateAt(test string, at time.Time) *change {
	all := b.dated.letters[test]
	for i := len(all) - 1; i >= 0; i-- {
		if !all[i].At.After(at) {
			return &all[i]
		}
	}
	return nil
}

func (b *Board) criterionDay(r *DayReport, c *CriterionLine, i int) {
	r.Kind, r.Subject, r.Title, r.Letter, r.Word, r.Reason = "criterion", c.Requirement.Ref, c.Requirement.Text, c.Letters[i].String(), c.Letters[i].Word(), c.Reasons[i]
	for _, x := range c.ever() {
		if p, served := b.partOf(x, c, i); served {
			r.Parts = append(r.Parts, p)
		}
	}
	r.Rule = ruleOf(r.Parts, ControlDay{Letter: c.Letters[i]})
}

func (b *Board) controlDay(r *DayReport, c *ControlLine, i int) {
	r.Kind, r.Title, r.Letter, r.Word = "control", c.Control.Title, c.Letters[i].String(), c.Letters[i].Word()
	words := []string{}
	for _, x := range c.Days[i].Causes {
		words = append(words, string(x))
	}
	r.Reason = strings.Join(words, "; ")
	if r.Versions = b.versionsOn(c, i); len(r.Versions) > 0 {
		r.Title = r.Versions[len(r.Versions)-1].Title // what it was called then
	}
	r.Parts = append(r.Parts, b.partsOf(c, i)...)
	r.Rule = ruleOf(r.Parts, c.Days[i])
	r.Withdrawn = b.withdrawnOn(c, i)
}

func (b *Board) testDay(r *DayReport, t *TestLine, i int) {
	r.Kind, r.Title = "test", t.ID
	if t.Rule != nil {
		r.Title = t.Rule.Def.Title
	}
	r.Letter, r.Word = t.Cells[i].Letter.String(), t.Cells[i].Letter.Word()
	r.Reason = b.whyOf(t, i)
}
