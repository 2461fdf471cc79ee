// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/store"
)

// OccurrenceRow is one performance expected of a control.
type OccurrenceRow struct {
	From   string             `json:"from" doc:"First day of its window."`
	To     string             `json:"to" doc:"Last day of its window."`
	Due    time.Time          `json:"due_at" doc:"When it is due: the end of the window and the days of grace."`
	State  string             `json:"state" doc:"expected, awaiting, done, late, missed or waived."`
	Late   int                `json:"days_late" doc:"For how many days it was, or is, late; a day that has begun counts. 0 where it is not."`
	Pieces []PerformancePiece `json:"pieces" doc:"What performs it: one for each kind of evidence that it takes and that was submitted."`
}

// PerformancePiece is a piece of evidence as it performs a control.
type PerformancePiece struct {
	Key           string     `json:"evidence_key" doc:"Which kind of evidence of the control."`
	Evidence      string     `json:"evidence,omitempty" doc:"The piece; empty where it is not shown to you."`
	Title         string     `json:"title,omitempty" doc:"What it is called; empty where it is not shown to you."`
	SubmittedBy   string     `json:"submitted_by,omitempty" doc:"Id of who submitted it; empty where it is not shown to you."`
	SubmittedName string     `json:"submitted_by_name,omitempty" doc:"Who that is."`
	SubmittedAt   time.Time  `json:"submitted_at" doc:"When."`
	AcceptedBy    string     `json:"accepted_by,omitempty" doc:"Id of who accepted it; empty where nobody has yet, or where it is not shown to you."`
	AcceptedName  string     `json:"accepted_by_name,omitempty" doc:"Who that is."`
	AcceptedAt    *time.Time `json:"accepted_at,omitempty" doc:"When."`
}

// occurrenceRows are the newest performances expected of a control, with what performed them.
func (b *Board) occurrenceRows(ctx context.Context, v *store.View, c *ControlLine) ([]OccurrenceRow, error) {
	out := []OccurrenceRow{}
	for i := len(c.Occurrences) - 1; i >= 0 && len(out) < 24; i-- {
		o := &c.Occurrences[i]
		out = append(out, OccurrenceRow{From: o.From.String(), To: o.To.String(), Due: o.Due, State: o.State(b.Now), Late: b.daysLate(o), Pieces: o.piecesAt(b.Now)})
	}
	return out, b.dated.namePieces(ctx, v, out)
}

// daysLate is for how many days of the calendar an occurrence was late when it was submitted, or is until now (F-06:
// rounded up).
func (b *Board) daysLate(o *Occurrence) int {
	state := o.State(b.Now)
	if state != OccurrenceLate && state != OccurrenceMissed {
		return 0
	}
	end, _ := o.performed(b.Now)
	if end.IsZero() {
		end = b.Now
	}
	return max(1, int(b.dated.days.DayOf(end)-b.dated.days.DayOf(o.Due)))
}

// piecesAt are the pieces that performed an occurrence, as was known at a moment: for each kind of evidence the one that
// decides.
func (o *Occurrence) piecesAt(at time.Time) []PerformancePiece {
	out := []PerformancePiece{}
	for _, key := range o.asked(at).keys {
		if p := o.by(key, at); p != nil {
			piece := PerformancePiece{Key: key, Evidence: p.ID, SubmittedAt: p.Submitted}
			if p.accepted(at) {
				piece.AcceptedAt = timeOrNil(p.Accepted)
			}
			out = append(out, piece)
		}
	}
	return out
}

// namePieces says what pieces are called and who submitted and accepted them, but of those that the asker may not see.
func (d *dated) namePieces(ctx context.Context, v *store.View, rows []OccurrenceRow) error {
	n := namer{v: v, names: map[string]string{}}
	for i := range rows {
		for j := range rows[i].Pieces {
			p := &rows[i].Pieces[j]
			hidden, err := hiddenFrom(ctx, v, grc.Evidences.Name, p.Evidence)
			if err != nil {
				return err
			}
			if hidden {
				p.Evidence = ""
				continue
			}
			if err := d.namePiece(ctx, n, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// namePiece reads from the versions of a piece who made them, whatever became of it since.
func (d *dated) namePiece(ctx context.Context, n namer, p *PerformancePiece) (err error) {
	for _, x := range d.over.evidence {
		if x.ID != p.Evidence {
			continue
		}
		if x.From.Equal(p.SubmittedAt) {
			p.Title, p.SubmittedBy = x.Thing.Title, x.Thing.SubmittedBy
		}
		if p.AcceptedAt != nil && x.From.Equal(*p.AcceptedAt) {
			p.AcceptedBy = x.Thing.ReviewedBy
		}
	}
	if p.SubmittedBy != "" {
		if p.SubmittedName, err = n.name(ctx, p.SubmittedBy); err != nil {
			return err
		}
	}
	if p.AcceptedBy != "" {
		p.AcceptedName, err = n.name(ctx, p.AcceptedBy)
	}
	return err
}

// performanceParts are the performances that made the letter of a day: those that were overdue on it, and those that
// waited for a review.
func (b *Board) performanceParts(c *ControlLine, from, to time.Time) []DayPart {
	var out []DayPart
	last := to.Add(-time.Millisecond)
	for i := range c.Occurrences {
		one := c.Occurrences[i : i+1]
		overdue, awaiting := standingAt(one, last)
		before, waited := standingAt(one, from) // it may have been done, or have been reviewed, in the course of the day
		overdue, awaiting = max(overdue, before), max(awaiting, waited)
		o := &one[0]
		p := DayPart{Kind: "performance", Ref: o.From.String(), Text: "Performance for " + daysWords(o.From, o.To), Required: true}
		switch {
		case overdue > 0:
			p.Letter, p.Reason = check.Failed.String(), "overdue; it was due on "+dayWords(b.dated.days.DayOf(o.Due))
		case awaiting > 0:
			p.Letter, p.Reason = check.NoData.String(), "submitted in time, and not reviewed yet"
		default:
			continue
		}
		if pieces := o.piecesAt(last); len(pieces) > 0 {
			p.Piece = pieces[0].Evidence
		}
		out = append(out, p)
	}
	return out
}

// timely is how many performances of a control that were due in the last 92 days were done in time. One that was due before
// that and is still open counts too, and one that was waived does not.
func (c *ControlLine) timely(now time.Time) (s Share) {
	from := now.AddDate(0, 0, -operatingDays)
	for i := range c.Occurrences {
		o := &c.Occurrences[i]
		state := o.State(now)
		open := state == OccurrenceMissed && now.Before(o.Open)
		if !o.Due.Before(now) || state == OccurrenceWaived || o.Due.Before(from) && !open {
			continue
		}
		s.Of++
		if state == OccurrenceDone {
			s.Got++
		}
	}
	return s
}
