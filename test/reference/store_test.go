// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/store"
	"assay/internal/testkit"
)

// writer writes a history through the store, as the operations do.
type writer struct {
	ctx     context.Context
	tx      *store.Tx
	ids     map[string]string
	states  map[string]check.State
	windows map[string]check.Window
	plans   map[string]bool
	later   bool // a version may wait for its day
}

// write writes a whole history in one transaction, each event at its moment.
func write(ctx context.Context, h *testkit.House, org string, events []event) error {
	_, err := h.Store.Change(ctx, org, store.System("test"), func(tx *store.Tx) error {
		w := newWriter(ctx)
		for i := range events {
			if err := w.next(tx, events, i); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func newWriter(ctx context.Context) *writer {
	return &writer{ctx, nil, map[string]string{}, map[string]check.State{}, map[string]check.Window{}, map[string]bool{}, false}
}

// next writes an event at its moment.
func (w *writer) next(tx *store.Tx, events []event, i int) error {
	e := events[i]
	w.tx, tx.Now = tx, e.At
	if i == 0 {
		if err := w.found(e); err != nil {
			return err
		}
	}
	if tx.Receipt.Seq > 0 {
		tx.At = tx.Receipt.Seq + 1
	}
	if w.later && (e.What != "check" || i%7 == 0) { // the daily work comes around
		if err := applied(grc.ApplyScheduled(w.ctx, tx)); err != nil {
			return err
		}
	}
	if err := w.event(e); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	return nil
}

func put[T any, P kind.Thing[T]](w *writer, k kind.Kind[T], name string, t P) error {
	err := store.Put(w.ctx, w.tx, k, t)
	w.ids[name] = t.Base().ID
	return err
}

// change reads a thing, changes it and writes it.
func change[T any, P kind.Thing[T]](w *writer, k kind.Kind[T], name string, how ...func(P)) error {
	for _, f := range how {
		t, err := store.Get[T, P](w.ctx, &w.tx.View, k, w.ids[name])
		if err != nil {
			return err
		}
		f(t)
		if err := store.Put(w.ctx, w.tx, k, t); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) found(e event) error {
	o := &grc.Organization{Meta: kind.Meta{ID: w.tx.Org}, Name: "Example Ltd", Timezone: e.Who, FiscalYearStartMonth: 1, Categories: categories(e.ID)}
	if err := put(w, grc.People, "somebody", &grc.Person{Name: "Jo", Kind: "employee", State: "active"}); err != nil {
		return err
	}
	if err := put(w, grc.Organizations, "org", o); err != nil {
		return err
	}
	for i, k := range criteria {
		if err := put(w, grc.Requirements, k[0], &grc.Requirement{Framework: "soc2", Ref: k[0], Text: "A criterion", Series: k[0][:3], Category: k[1],
			Position: int64(i)}); err != nil {
			return err
		}
	}
	for _, p := range policies {
		if err := put(w, grc.Policies, p, &grc.Policy{Ref: p, Title: "A policy", Kind: "policy", ReviewDays: 365, Sections: []string{"Scope"},
			Body: testkit.PolicyText([]string{"Scope"}, "So it is."), State: "draft"}); err != nil {
			return err
		}
	}
	return nil
}

func categories(list string) (out []grc.Category) {
	for c := range strings.SplitSeq(list, ",") {
		out = append(out, grc.Category(c))
	}
	return out
}

func of(t *terms) grc.Terms {
	out := grc.Terms{Title: "A control", Text: "Somebody does something.", Weight: t.Weight, Frequency: "continuous", GraceDays: int64(t.Grace),
		Policies: t.Policies, Criteria: t.Criteria}
	if t.Weekly {
		out.Frequency = "weekly"
	}
	for _, id := range slices.Sorted(maps.Keys(t.Tests)) {
		out.Tests = append(out.Tests, grc.ControlTest{Test: id, Role: grc.TestRole(t.Tests[id])})
	}
	for _, k := range t.Kinds {
		f := grc.Frequency("monthly")
		if k.Event {
			f = "per_event"
		}
		out.Evidence = append(out.Evidence, grc.EvidenceKind{Key: k.Key, Title: "Proof", Type: "report", Frequency: f, ValidityDays: int64(k.Valid),
			Required: k.Required})
	}
	return out
}

func (w *writer) event(e event) error {
	switch e.What {
	case "scope":
		return change(w, grc.Organizations, "org", func(o *grc.Organization) { o.Categories = categories(e.ID) })
	case "zone":
		return change(w, grc.Organizations, "org", func(o *grc.Organization) { o.Timezone = e.Who })
	case "control":
		c := &grc.Control{Ref: e.Who, Set: "custom", State: grc.ControlState(e.Action)}
		if e.Action == "active" {
			c.VersionNo, c.VersionFrom, c.Library = 1, w.tx.Now, true
		}
		c.SetTerms(of(e.Terms))
		return put(w, grc.Controls, e.Who, c)
	case "confirm":
		return change(w, grc.Controls, e.Who, func(c *grc.Control) { c.ConfirmedBy, c.ConfirmedAt = "usr_b", w.tx.Now })
	case "own":
		return change(w, grc.Controls, e.Who, func(c *grc.Control) { c.Owner = w.ids[e.ID] })
	case "propose", "approve", "withdraw":
		return w.version(e)
	case "decide":
		return put(w, grc.Decisions, e.ID, &grc.Decision{Subject: e.Who, Decision: "not_applicable", Reason: "We have nothing of the kind",
			FromDay: kind.Date(e.Day), ToDay: kind.Date(e.To), ApprovedBy: "usr_b", State: "approved"})
	case "revoke":
		return change(w, grc.Decisions, e.ID, func(d *grc.Decision) { d.State, d.RevokeReason = "revoked", "Now we have" })
	case "publish", "drop", "review":
		return w.policy(e)
	case "submit", "accept", "return", "take back":
		return w.evidence(e)
	case "pause":
		return put(w, check.TestPauses, e.ID, &check.TestPause{Test: e.Who, Reason: "The provider is moved", StartsAt: e.Collected, EndsAt: e.Until,
			ApprovedBy: "usr_b", ApprovedAt: w.tx.Now, State: "approved"})
	case "unpause":
		return change(w, check.TestPauses, e.ID, func(p *check.TestPause) { p.State, p.RevokedBy, p.RevokedAt = "revoked", "usr_b", w.tx.Now })
	case "except":
		return put(w, grc.Exceptions, e.ID, &grc.Exception{Title: "Not now", Control: w.ids[e.Who], Reason: "Until it is replaced", Severity: "medium",
			ApprovedBy: "usr_b", ApprovedAt: w.tx.Now, ExpiresAt: e.Until, State: "approved"})
	case "unexcept":
		return change(w, grc.Exceptions, e.ID, func(x *grc.Exception) { x.State = "revoked" })
	case "check":
		return w.check(e)
	case "late":
		_, err := check.Lates.Append(w.ctx, w.tx, "chk", []check.Late{{ID: "chk", Test: e.Who, Version: "1", Verdict: check.Word(e.ID),
			Collected: e.Collected, At: w.tx.Now}}, nil)
		return err
	}
	return fmt.Errorf("nobody writes %s", e.What)
}

func (w *writer) version(e event) error {
	c, err := store.Get(w.ctx, &w.tx.View, grc.Controls, w.ids[e.Who])
	if err != nil {
		return err
	}
	if e.What == "propose" {
		return put(w, grc.ControlVersions, e.ID, &grc.ControlVersion{Control: c.ID, Action: grc.VersionAction(e.Action),
			Reason: "It is done otherwise", Terms: of(e.Terms), EffectiveFrom: kind.Date(e.Day), Replaces: c.VersionNo, State: "proposed"})
	}
	if e.What == "withdraw" {
		return change(w, grc.ControlVersions, e.ID, func(v *grc.ControlVersion) { v.State, v.Answer = "withdrawn", "We think otherwise" })
	}
	if err := change(w, grc.ControlVersions, e.ID, func(v *grc.ControlVersion) {
		v.State, v.ApprovedBy, v.ApprovedAt, v.Number = "approved", "usr_b", w.tx.Now, c.VersionNo+1
	}); err != nil {
		return err
	}
	w.later = true
	return applied(grc.ApplyScheduled(w.ctx, w.tx)) // those of a later day wait
}

func (w *writer) policy(e event) error {
	step := func(s grc.PolicyState, more func(*grc.Policy)) func(*grc.Policy) {
		return func(p *grc.Policy) {
			p.State = s
			if more != nil {
				more(p)
			}
		}
	}
	switch e.What {
	case "drop":
		return change(w, grc.Policies, e.Who, step("retired", nil))
	case "review":
		return change(w, grc.Policies, e.Who, func(p *grc.Policy) { p.LastReviewedAt = w.tx.Now })
	}
	return change(w, grc.Policies, e.Who, step("draft", func(p *grc.Policy) { p.ReviewDays = int64(e.Days) }), step("in_review", nil),
		step("approved", func(p *grc.Policy) { p.ApprovedBy, p.ApprovedAt = "usr_b", w.tx.Now }), step("published",
			func(p *grc.Policy) { p.PublishedAt = w.tx.Now }))
}

func (w *writer) evidence(e event) error {
	if e.What == "submit" {
		p := e.Piece
		x := &grc.Evidence{Title: "Proof", Type: "report", Control: w.ids[e.Who], EvidenceKey: p.Key, EventOn: kind.Date(p.On), Nothing: p.Nil,
			TakenAt: p.Taken, CoversFrom: kind.Date(p.From), CoversTo: kind.Date(p.To),
			ValidUntil: kind.Date(p.Until), Classification: "confidential", SourceLocator: "https://example.com", Notes: "We looked",
			SubmittedBy: "usr_a", SubmittedAt: w.tx.Now, State: "submitted"}
		if p.On != "" {
			x.Event = "T-1"
		}
		if !p.NoFile {
			x.File = kind.SHA256(fmt.Sprintf("%x", sha256.Sum256([]byte(e.ID))))
		}
		return put(w, grc.Evidences, e.ID, x)
	}
	return change(w, grc.Evidences, e.ID, func(x *grc.Evidence) {
		switch e.What {
		case "accept":
			x.State, x.ReviewedBy, x.ReviewedAt = "accepted", "usr_b", w.tx.Now
		case "return":
			x.State, x.ReviewedBy, x.ReviewedAt, x.Reason = "returned", "usr_b", w.tx.Now, "It is not readable"
		default:
			x.State, x.WithdrawnBy, x.WithdrawnAt, x.Reason = "withdrawn", "usr_b", w.tx.Now, "It was wrong"
		}
	})
}

// check writes what check.Keep writes: the list of tests where it is new, the states that changed, and the check last.
func (w *writer) check(e event) error {
	p, c := check.Plan{}, check.Check{ID: "chk" + e.At.Format("0102150405.000"), At: w.tx.Now, DataAt: w.tx.Now, Trigger: "schedule", Position: w.tx.At}
	var changed []check.State
	var windows []check.Window
	for _, id := range slices.Sorted(maps.Keys(e.Runs)) {
		p.Tests = append(p.Tests, id+"@1")
		s := check.State{Test: id, Version: "1", Verdict: check.Word(e.Runs[id]), Check: c.ID, At: c.At}
		if w.states[id].Verdict != s.Verdict {
			w.states[id] = s
			changed = append(changed, s)
		}
		was, now := w.windows[id], check.Window{Test: id, Verdict: check.Gone, Days: 92}
		if x, events := e.Windows[id]; events {
			now.Verdict, now.Late = check.Word(x.day), x.late
		} else if was.Test == "" {
			continue
		}
		if w.windows[id] = now; was.Verdict != now.Verdict || was.Late != now.Late {
			now.Check, now.At = c.ID, c.At
			windows = append(windows, now)
		}
	}
	p.Scope = fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(p.Tests, "\n"))))[:32]
	c.Scope, c.Changed = p.Scope, int64(len(changed))
	if !w.plans[p.Scope] {
		w.plans[p.Scope] = true
		if _, err := check.Plans.Append(w.ctx, w.tx, c.ID, []check.Plan{p}, nil); err != nil {
			return err
		}
	}
	if len(changed) > 0 {
		if _, err := check.States.Append(w.ctx, w.tx, c.ID, changed, nil); err != nil {
			return err
		}
	}
	if len(windows) > 0 {
		if _, err := check.Windows.Append(w.ctx, w.tx, c.ID, windows, nil); err != nil {
			return err
		}
	}
	_, err := check.Checks.Append(w.ctx, w.tx, c.ID, []check.Check{c}, nil)
	return err
}

func applied(stuck []error, err error) error { return errors.Join(append(stuck, err)...) }
