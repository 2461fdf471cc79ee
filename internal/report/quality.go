// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// QualityFlag is one doubt about a piece of evidence (F-04).
type QualityFlag struct {
	Code string `json:"code" doc:"Q1 to Q8."`
	Text string `json:"text" doc:"What is wrong."`
	Fix  string `json:"fix" doc:"What to do."`
}

// EvidenceProof is for what a piece of evidence counts, and how good it is.
type EvidenceProof struct {
	ID      string        `json:"id" doc:"The piece of evidence."`
	Title   string        `json:"title" doc:"What it is."`
	Control string        `json:"control" doc:"Ref of its control."`
	State   string        `json:"state" doc:"Its state: current, expiring, expired, nil_declared, withdrawn, context, waiting or not_counting."`
	Counts  bool          `json:"counts" doc:"Whether it is proof now."`
	Line    string        `json:"line" doc:"The control and days it counts for, or why it does not count."`
	From    *time.Time    `json:"from,omitempty" doc:"From when it counts: its acceptance."`
	Until   *time.Time    `json:"until,omitempty" doc:"When it stops counting."`
	Flags   []QualityFlag `json:"flags" doc:"Its quality flags."`
	Ready   bool          `json:"ready" doc:"Ready for fieldwork: none of Q1, Q2, Q3 and Q5 is open."`
}

// EvidenceProofs is the proof of several pieces.
type EvidenceProofs struct {
	Data []EvidenceProof `json:"data" doc:"Each piece, newest first."`
}

// judge knows what judging pieces of evidence takes: the controls, who opened what, and where else each file is used.
type judge struct {
	now      time.Time
	days     calendar
	controls map[string]*grc.Control
	opened   map[string][]op.SensitiveRead
	sharing  map[string][]*grc.Evidence // by file
	events   map[string][]*grc.Evidence // by control: pieces that tell of an event
	fallen   func(s *span) bool         // whether an event is known of the days of a declaration; nil where events say it
}

func addProof(s *op.Set) {
	query(s, "evidence.quality", "evidence", "Show the control and days that one piece of evidence counts for, and its quality flags.", "evidence quality --id evd_…", evidenceQuality)
	query(s, "evidence.proof", "evidence", "Show the control and days that each piece of evidence counts for, and its quality flags.", "evidence proof --flag Q2", evidenceProof)
}

func evidenceQuality(ctx context.Context, v *store.View, in idIn) (*EvidenceProof, error) {
	e, err := store.Get(ctx, v, grc.Evidences, in.ID)
	if err != nil {
		return nil, err
	}
	j, err := newJudge(ctx, v)
	if err != nil {
		return nil, err
	}
	reads, err := op.Reads.Select(ctx, v, "thing=$3", "", e.ID)
	if err != nil {
		return nil, err
	}
	j.open(reads)
	if e.File != "" {
		if j.sharing[string(e.File)], err = store.All(ctx, v.Whole(), grc.Evidences, map[string]any{"file": string(e.File)}); err != nil {
			return nil, err
		}
	}
	if e.Control != "" {
		all, err := store.All(ctx, v.Whole(), grc.Evidences, map[string]any{"control": e.Control})
		if err != nil {
			return nil, err
		}
		j.tell(all)
	}
	for _, x := range append(j.sharing[string(e.File)], e) {
		if x.Control == "" || j.controls[x.Control] != nil {
			continue
		}
		if c, err := store.Get(ctx, v, grc.Controls, x.Control); err == nil {
			j.controls[c.ID] = c
		} else if !errors.Is(err, errs.NotFound) {
			return nil, err
		}
	}
	p := j.proof(e)
	return &p, nil
}

type proofIn struct {
	Control string `json:"control" doc:"Only for this control." ref:"control"`
	Flag    string `json:"flag" doc:"Only with this quality flag, such as Q2." max:"2"`
	State   string `json:"state" doc:"Only in this state, such as expired." max:"20"`
}

func evidenceProof(ctx context.Context, v *store.View, in proofIn) (*EvidenceProofs, error) {
	j, err := newJudge(ctx, v)
	if err != nil {
		return nil, err
	}
	where := map[string]any{}
	if in.Control != "" {
		where["control"] = in.Control
	}
	pieces, err := store.All(ctx, v, grc.Evidences, where)
	if err != nil {
		return nil, err
	}
	all := pieces
	if a, err := op.ActorOf(ctx); in.Control != "" || err != nil || a.May(grc.Evidences.Object, "view") != op.Every {
		if all, err = store.All(ctx, v.Whole(), grc.Evidences, nil); err != nil { // where a file is used counts, whoever may see it
			return nil, err
		}
	}
	for _, e := range all {
		if e.File != "" {
			j.sharing[string(e.File)] = append(j.sharing[string(e.File)], e)
		}
	}
	j.tell(all)
	if err := j.readAll(ctx, v); err != nil {
		return nil, err
	}
	out := &EvidenceProofs{Data: []EvidenceProof{}}
	for _, e := range slices.Backward(pieces) {
		p := j.proof(e)
		if (in.State == "" || in.State == p.State) && (in.Flag == "" || slices.ContainsFunc(p.Flags, func(f QualityFlag) bool { return f.Code == in.Flag })) {
			out.Data = append(out.Data, p)
		}
	}
	return out, nil
}

func newJudge(ctx context.Context, v *store.View) (*judge, error) {
	org, err := grc.OrganizationOf(ctx, v)
	if err != nil {
		return nil, err
	}
	zone, err := org.Zone()
	if err != nil {
		return nil, err
	}
	return &judge{now: v.Now, days: oneZone{zone}, controls: map[string]*grc.Control{}, opened: map[string][]op.SensitiveRead{},
		sharing: map[string][]*grc.Evidence{}, events: map[string][]*grc.Evidence{}}, nil
}

// tell keeps the pieces that tell of an event and were submitted.
func (j *judge) tell(all []*grc.Evidence) {
	for _, e := range all {
		if e.EventOn != "" && e.State != "draft" {
			j.events[e.Control] = append(j.events[e.Control], e)
		}
	}
}

// overtaken says whether an event is known that happened on one of the days for which a piece says that nothing did.
func (j *judge) overtaken(e *grc.Evidence, s *span) bool {
	if j.fallen != nil {
		return j.fallen(s)
	}
	return slices.ContainsFunc(j.events[e.Control], func(x *grc.Evidence) bool {
		d, err := check.ParseDay(string(x.EventOn))
		return err == nil && x.EvidenceKey == e.EvidenceKey && d >= s.first && d <= s.last
	})
}

// readAll reads all controls, and who opened which piece.
func (j *judge) readAll(ctx context.Context, v *store.View) error {
	controls, err := store.All(ctx, v, grc.Controls, nil)
	if err != nil {
		return err
	}
	for _, c := range controls {
		j.controls[c.ID] = c
	}
	files := op.FileReads(grc.Evidences.Name)
	reads, err := op.Reads.Select(ctx, v, "op IN ($3,$4)", "", files[0], files[1])
	if err != nil {
		return err
	}
	j.open(reads)
	return nil
}

// open keeps who opened which file. Who read only what is said of a piece has not opened its file.
func (j *judge) open(reads []op.SensitiveRead) {
	files := op.FileReads(grc.Evidences.Name)
	for _, r := range reads {
		if slices.Contains(files, r.Op) {
			j.opened[r.Thing] = append(j.opened[r.Thing], r)
		}
	}
}

// proof judges one piece.
func (j *judge) proof(e *grc.Evidence) EvidenceProof {
	p := EvidenceProof{ID: e.ID, Title: e.Title, Flags: []QualityFlag{}}
	if e.SubmittedAt.IsZero() { // as if it were submitted now
		draft := *e
		draft.SubmittedAt = j.now
		e = &draft
	}
	k := grc.EvidenceKind{}
	c := j.controls[e.Control]
	if c != nil {
		p.Control = c.Ref
		if x := c.EvidenceKind(e.EvidenceKey); x != nil {
			k = *x
		}
	}
	s := spanOf(e, k, graceOf(c, k), j.days)
	p.State, p.Line = j.line(e, c, &s)
	p.Counts = p.State == "current" || p.State == "expiring" || p.State == "nil_declared"
	if slices.Contains(decided, e.State) && s.until.After(s.from) && k.Key != "" {
		p.From, p.Until = moment(s.from), moment(s.until)
	}
	p.Flags = append(p.Flags, j.flags(e, &s)...)
	p.Ready = !slices.ContainsFunc(p.Flags, func(f QualityFlag) bool { return slices.Contains([]string{"Q1", "Q2", "Q3", "Q5"}, f.Code) })
	return p
}

// decided are the states of a piece that was accepted once.
var decided = []grc.EvidenceState{"accepted", "superseded", "withdrawn"}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// line says in one sentence for which control and days a piece counts, or why it does not.
func (j *judge) line(e *grc.Evidence, c *grc.Control, s *span) (state, text string) {
	switch {
	case s.context:
		return "context", "Does not count: " + s.why + "."
	case e.Control == "":
		return "context", "Does not count: context only, because it has no control."
	case c == nil:
		return "context", "Does not count: its control was archived."
	case e.EvidenceKey == "":
		return "context", "Does not count: context only, because no evidence item of " + c.Ref + " was chosen."
	case s.key.Key == "":
		return "not_counting", "Does not count: " + c.Ref + " no longer lists it as evidence."
	case s.why != "":
		return "not_counting", "Does not count for " + c.Ref + ": " + s.why + "."
	case e.State == "draft":
		return "waiting", "Does not count yet: submit it for review."
	case e.State == "submitted":
		return "waiting", "Does not count yet: waiting for review."
	case e.State == "returned":
		return "waiting", "Does not count: it was returned."
	case c.State != "active":
		return "not_counting", "Does not count: " + c.Ref + " is not active."
	}
	what := c.Ref + ", " + j.between(s.from, s.until)
	switch {
	case s.event:
		what = c.Ref + ": " + e.Event + " on " + dayWords(s.first) + ". Valid " + j.between(s.from, s.until)
	case s.empty:
		what = c.Ref + ", " + j.between(s.from, s.until) + ": nothing happened (" + daysWords(s.first, s.last) + ")"
	}
	if s.capped {
		what += ". The end date you gave is later and has no effect"
	}
	st := s.at(j.now)
	switch st {
	case EvidenceNilDeclared:
		if j.overtaken(e, s) {
			return "not_counting", "Does not count: it says that nothing happened (" + daysWords(s.first, s.last) + "), but there is evidence of an event in that time."
		}
	case EvidenceWithdrawn:
		return evidenceName[st], fmt.Sprintf("Does not count: withdrawn on %s. Until then it counted for %s.", dayWords(j.days.DayOf(s.ended)), what)
	case EvidenceExpired:
		if !s.until.After(s.from) {
			return evidenceName[st], "Does not count for " + c.Ref + ": it was too old when it was accepted (covers " + daysWords(s.first, s.last) + ")."
		}
		return evidenceName[st], "Expired. It counted for " + what + "."
	}
	return evidenceName[st], "Counts for " + what + "."
}

// between writes the days from one moment until another.
func (j *judge) between(from, until time.Time) string {
	return daysWords(j.days.DayOf(from), j.days.DayOf(until.Add(-time.Millisecond)))
}

func daysWords(first, last check.Day) string {
	a, b := time.Unix(int64(first)*86400, 0).UTC(), time.Unix(int64(last)*86400, 0).UTC()
	if first == last {
		return b.Format("2 Jan 2006")
	}
	if a.Year() == b.Year() && a.Month() == b.Month() {
		return a.Format("2") + " – " + b.Format("2 Jan 2006")
	}
	if a.Year() == b.Year() {
		return a.Format("2 Jan") + " – " + b.Format("2 Jan 2006")
	}
	return a.Format("2 Jan 2006") + " – " + b.Format("2 Jan 2006")
}

func dayWords(d check.Day) string { return daysWords(d, d) }

// shown is the piece of a control that is spoken of beside a kind of evidence: the one that decides, or the newest accepted one
// that does not count.
func (b *Board) shown(c *grc.Control, l EvidenceLine) *grc.Evidence {
	newest := l.Piece
	for _, e := range b.data.evidence[c.ID] {
		if l.Piece == nil && e.EvidenceKey == l.Kind.Key && (newest == nil || e.ReviewedAt.After(newest.ReviewedAt)) {
			newest = e
		}
	}
	return newest
}

// lineOf says for which days a piece of a control counts, or why it does not.
func (b *Board) lineOf(c *grc.Control, k grc.EvidenceKind, e *grc.Evidence) string {
	j := judge{now: b.Now, days: b.calendar()}
	s := spanOf(e, k, graceOf(c, k), b.calendar())
	j.fallen = func(s *span) bool { return known(b.spansOf(c, k), s, b.Now) || b.claimsOf(c.ID, k).about(s, b.Now) }
	_, text := j.line(e, c, &s)
	return text
}
