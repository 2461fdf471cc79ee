// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// whole says what of a piece of evidence does not fit together, whatever its control.
func (e *Evidence) whole() error {
	switch {
	case e.CoversTo != "" && e.CoversFrom != "" && e.CoversTo < e.CoversFrom:
		return errs.At("covers_to", "is before covers_from")
	case e.Event != "" && e.EventOn == "":
		return errs.At("event_on", "is required: the day of the event")
	case e.EventOn != "" && e.Event == "":
		return errs.At("event", "is required: say which event, such as a ticket number")
	case e.Rows != nil && *e.Rows < 0:
		return errs.At("row_count", "is less than 0")
	case e.Nothing && e.Event != "":
		return errs.At("event", "contradicts nothing_happened").Mend("remove one of them")
	case e.Nothing && e.CoversFrom == "":
		return errs.At("covers_from", "is required: the first day on which nothing happened")
	case e.Nothing && e.CoversTo == "":
		return errs.At("covers_to", "is required: the last day on which nothing happened")
	case e.State == "draft" || e.File != "" || e.SourceLocator != "":
		return nil
	case e.Nothing && e.Notes == "":
		return errs.At("notes", "is required: say how you know that nothing happened, such as the list or query that you checked")
	case !e.Nothing:
		return errs.At("file", "is missing: upload a file, or say in source_locator where the evidence is")
	}
	return nil
}

// submitted is what must not change once a piece was submitted.
func (e *Evidence) submitted() Evidence {
	c := *e
	c.Meta, c.State, c.Reason, c.ReviewedBy, c.ReviewedAt, c.Confirmed = kind.Meta{}, "", "", "", time.Time{}, false
	c.WithdrawnBy, c.WithdrawnAt, c.ApprovedHow = "", time.Time{}, ""
	return c
}

// EndedAt is when a piece that was accepted stopped counting because it was withdrawn or superseded; zero where it was not.
// Pieces withdrawn before that moment was kept have the moment of their last change.
func (e *Evidence) EndedAt() time.Time {
	switch {
	case e.State != "withdrawn" && e.State != "superseded":
		return time.Time{}
	case !e.WithdrawnAt.IsZero():
		return e.WithdrawnAt
	}
	return e.UpdatedAt
}

// evidenceFits holds a piece against its control and the calendar, in the transaction that writes it: the key is one of the
// control's list; nothing is claimed for days to come; and what is submitted for single events names its event, or declares
// that there was none. What is submitted or accepted is held against its file.
func evidenceFits(verb string) op.Also[Evidence] {
	return op.Also[Evidence]{Verb: verb, Do: func(ctx context.Context, tx *store.Tx, was, now *Evidence) error {
		today, err := todayOf(ctx, tx)
		if err != nil {
			return err
		}
		if err := now.ahead(today); err != nil {
			return err
		}
		if now.TakenAt.After(tx.Now.Add(24 * time.Hour)) {
			return errs.At("taken_at", "is in the future")
		}
		if err := now.measured(ctx, tx); err != nil {
			return err
		}
		k, err := kindOf(ctx, tx, now)
		if err != nil || verb != "submit" {
			return err
		}
		switch {
		case now.Nothing && (k == nil || k.Frequency != "per_event"):
			return errs.At("nothing_happened", "is only for evidence collected per event").Mend("choose an evidence item that is collected per event, or upload a file")
		case k == nil || k.Frequency != "per_event" || now.Nothing || now.Event != "":
		case k.Type == "population" && (now.CoversFrom == "" || now.CoversTo == ""):
			return errs.At("covers_from", "is required, together with covers_to: the days whose events the list contains")
		case k.Type != "population":
			return errs.At("event", "is required: say which event it proves, such as a ticket number").Mend("or set nothing_happened and give the days on which no such event happened")
		}
		return looked(ctx, tx, now, k)
	}}
}

// measured sets size and type of the file to what was found when it was uploaded, whatever a client says.
func (e *Evidence) measured(ctx context.Context, tx *store.Tx) error {
	if e.File == "" {
		e.Size, e.MediaType = 0, ""
		return nil
	}
	rows, err := op.Uploads.Select(ctx, &tx.View, "sha256=$3", "", string(e.File))
	if err == nil && len(rows) > 0 {
		e.Size, e.MediaType = rows[0].Size, rows[0].Media
	}
	return err
}

// stillSound holds a piece that was submitted before its file was looked at against it once more: what is accepted is proof.
func stillSound(ctx context.Context, tx *store.Tx, _, now *Evidence) error {
	var k *EvidenceKind
	if now.Control != "" && now.EvidenceKey != "" {
		c, err := store.Get(ctx, &tx.View, Controls, now.Control)
		if err != nil && !errors.Is(err, errs.NotFound) {
			return err
		} else if err == nil {
			k = c.EvidenceKind(now.EvidenceKey)
		}
	}
	err := looked(ctx, tx, now, k)
	var e *errs.Error
	if errors.As(err, &e) && e.Code == errs.Invalid {
		return e.Mend("return it to its submitter")
	}
	return err
}

// ahead says which day lies in the future although it must not. An end of cover may: it is a claim, and never makes evidence younger.
func (e *Evidence) ahead(today kind.Date) error {
	switch {
	case e.CoversFrom > today:
		return errs.At("covers_from", "is in the future")
	case e.EventOn > today:
		return errs.At("event_on", "is in the future")
	case e.Nothing && e.CoversTo > today:
		return errs.At("covers_to", "is in the future: you can't declare that nothing will happen")
	}
	return nil
}

// todayOf is the day that a moment of the organisation belongs to. A change of its time zone holds from the end of the day
// on which it is made, as it does for letters.
func todayOf(ctx context.Context, tx *store.Tx) (kind.Date, error) { return todayIn(ctx, &tx.View) }

func todayIn(ctx context.Context, v *store.View) (kind.Date, error) {
	all, err := store.Versions(ctx, v, Organizations, 0)
	if err != nil || len(all) == 0 {
		return kind.Date(v.Now.Format(time.DateOnly)), err
	}
	zone, err := all[0].Thing.Zone()
	from, over := time.Time{}, kind.Date("")
	for _, o := range all[1:] {
		next, err := o.Thing.Zone()
		if err != nil {
			return "", err
		}
		if o.From.Before(from) { // changed again on the same day: the last one holds
			zone = next
		} else if next.String() != zone.String() {
			y, m, d := o.From.In(zone).Date()
			ends := clock.DayStart(y, m, d+1, zone)
			if v.Now.Before(ends) {
				break
			}
			zone, from, over = next, ends, kind.Date(o.From.In(zone).Format(time.DateOnly))
		}
	}
	if err != nil {
		return "", err
	}
	return max(kind.Date(v.Now.In(zone).Format(time.DateOnly)), over), nil
}

// kindOf is the kind of evidence that a piece says it is; nil where it says none, or its control is not there, which
// writing it finds out.
func kindOf(ctx context.Context, tx *store.Tx, e *Evidence) (*EvidenceKind, error) {
	if e.EvidenceKey == "" {
		return nil, nil
	}
	if e.Control == "" {
		return nil, errs.At("control", "is required with evidence_key").Mend("choose the control, or leave evidence_key empty")
	}
	c, err := store.Get(ctx, &tx.View, Controls, e.Control)
	if errors.Is(err, errs.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if k := c.EvidenceKind(e.EvidenceKey); k != nil {
		return k, nil
	}
	keys := make([]string, len(c.Evidence))
	for i, k := range c.Evidence {
		keys[i] = k.Key
	}
	fix := "leave it empty: " + c.Ref + " has no evidence items"
	if len(keys) > 0 {
		fix = "use one of " + strings.Join(keys, ", ") + ", or leave it empty"
	}
	return nil, errs.At("evidence_key", "%.60q is not an evidence item of %s", e.EvidenceKey, c.Ref).Mend("%s", fix)
}

// EvidenceKind finds a kind of evidence of the control by its key; nil where it asks for none such.
func (c *Control) EvidenceKind(key string) *EvidenceKind {
	i := slices.IndexFunc(c.Evidence, func(k EvidenceKind) bool { return k.Key == key })
	if i < 0 {
		return nil
	}
	return &c.Evidence[i]
}
