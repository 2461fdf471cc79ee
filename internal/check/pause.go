// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"slices"
	"time"

	"assay/internal/errs"
	thing "assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A TestPause lets a test rest for a while, with a reason, an approver and an end. It holds from its approval or
// its start, whichever comes later, so that it changes no day before.
type TestPause struct {
	thing.Meta
	Test         string         `json:"test" doc:"The test to pause, such as idp.mfa_all." min:"3" max:"100" index:"" list:""`
	Reason       string         `json:"reason" doc:"Why." min:"10" max:"2000"`
	RequestedBy  string         `json:"requested_by" doc:"Who requests it." ref:"person" index:""`
	StartsAt     time.Time      `json:"starts_at,omitzero" doc:"When the pause starts. Empty: on approval." list:""`
	EndsAt       time.Time      `json:"ends_at" doc:"When the pause ends, at most 30 days after it starts. Pauses less than 7 days apart count as one." list:""`
	ApprovedBy   string         `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedHow  thing.How      `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	ApprovedAt   time.Time      `json:"approved_at,omitzero" doc:"When it was approved." read:"only"`
	RejectReason string         `json:"reject_reason" doc:"Why it was rejected." read:"only" max:"2000"`
	RevokedBy    string         `json:"revoked_by" doc:"Who ended it early." read:"only"`
	RevokedAt    time.Time      `json:"revoked_at,omitzero" doc:"When it was ended early." read:"only"`
	RevokeReason string         `json:"revoke_reason" doc:"Why it was ended early." read:"only" max:"2000"`
	State        TestPauseState `json:"state" doc:"Whether it was approved. An approved pause ends at its end time." read:"only" index:"" list:"" default:"requested"`
}

// TestPauseState is where a pause stands.
type TestPauseState string

// Values lists the states.
func (TestPauseState) Values() []string {
	return []string{"requested", "approved", "rejected", "revoked"}
}

const (
	longestPause = 30 * 24 * time.Hour
	shortPause   = 7 * 24 * time.Hour // longer ones are approved by an owner
	pauseGap     = 7 * 24 * time.Hour // pauses that are closer together than this count as one
)

// Holds is the stretch for which a pause holds, or held; false where it never did.
func (p *TestPause) Holds() (Stretch, bool) {
	if p.ApprovedAt.IsZero() || p.State != "approved" && p.State != "revoked" {
		return Stretch{}, false
	}
	s := Stretch{From: p.from(), To: p.EndsAt}
	if !p.RevokedAt.IsZero() && p.RevokedAt.Before(s.To) {
		s.To = p.RevokedAt
	}
	return s, s.From.Before(s.To)
}

// from is when a pause begins: at its start, and never before it was approved or, as long as it is not, asked for.
func (p *TestPause) from() time.Time {
	from := p.StartsAt
	for _, t := range []time.Time{p.CreatedAt, p.ApprovedAt} {
		if t.After(from) {
			from = t
		}
	}
	return from
}

// TestPauses are the pauses.
var TestPauses = thing.Kind[TestPause]{
	Name: "test_pause", Plural: "test pauses", Prefix: "tpa", Object: "tests", Label: "test", Create: "propose",
	Doc: "A pause stops a test for a while. Another person approves it; pauses longer than 7 days need an owner.",
	Check: func(o, n *TestPause) error {
		switch {
		case o != nil && o.State != "requested" && (n.Test != o.Test || n.Reason != o.Reason || n.RequestedBy != o.RequestedBy || !n.StartsAt.Equal(o.StartsAt) || !n.EndsAt.Equal(o.EndsAt)):
			return errs.New(errs.Conflict, "this pause is %s and can no longer be changed", o.State).Mend("request a new pause")
		case n.EndsAt.IsZero():
			return errs.At("ends_at", "is required")
		case n.State != "requested" && n.State != "approved":
			return nil
		case !n.EndsAt.After(n.from()):
			return errs.At("ends_at", "must be after the start of the pause")
		case n.EndsAt.Sub(n.from()) > longestPause:
			return errs.At("ends_at", "is more than 30 days after the start").Mend("choose an earlier end")
		}
		return nil
	},
	Moves: []thing.Move{
		{Verb: "approve", Doc: "Approve a pause of up to 7 days, counted together with pauses less than 7 days apart. You can't approve your own request.", From: []string{"requested"}, To: "approved", Act: "approve", By: "approved_by", At: "approved_at",
			TwoPeople: true},
		{Verb: "approve_as_owner", Doc: "Approve a pause of up to 30 days, as an owner. You can't approve your own request.", From: []string{"requested"}, To: "approved", Act: "approve_as_owner", By: "approved_by", At: "approved_at",
			TwoPeople: true},
		{Verb: "reject", Doc: "Reject a pause, and say why.", From: []string{"requested"}, To: "rejected", Act: "approve",
			Takes: []string{"reject_reason"}, Wants: []string{"reject_reason"}},
		{Verb: "revoke", Doc: "End an approved pause now, and say why.", From: []string{"approved"}, To: "revoked", Act: "approve", By: "revoked_by", At: "revoked_at",
			Takes: []string{"revoke_reason"}, Wants: []string{"revoke_reason"}},
	},
}

// pauseRules are what the operations on pauses hold beside their moves.
var pauseRules = []op.Also[TestPause]{
	{Verb: "create", Do: pausable},
	{Verb: "update", Do: pausable},
	{Verb: "approve", Do: func(ctx context.Context, tx *store.Tx, _, now *TestPause) error {
		rest, err := inARow(ctx, &tx.View, now)
		if err == nil && rest > shortPause {
			return errs.New(errs.Denied, "pauses longer than 7 days, together with those right before and after, need the approval of an owner").Mend("ask an owner to approve it")
		}
		return err
	}},
	{Verb: "approve_as_owner", Do: func(ctx context.Context, tx *store.Tx, _, now *TestPause) error {
		_, err := inARow(ctx, &tx.View, now)
		return err
	}},
	{Verb: "end", Do: func(_ context.Context, _ *store.Tx, was, _ *TestPause) error {
		if !was.ApprovedAt.IsZero() {
			return errs.New(errs.Conflict, "an approved pause can't be deleted").Mend("revoke it")
		}
		return nil
	}},
}

// pausable refuses a pause of a test that is not in force.
func pausable(ctx context.Context, tx *store.Tx, _, now *TestPause) error {
	c, err := InForce(ctx, &tx.View)
	if err != nil {
		return err
	}
	if _, ok := c.Rule(now.Test); !ok {
		return errs.At("test", "there is no active test %.100q", now.Test)
	}
	_, err = inARow(ctx, &tx.View, now)
	return err
}

// inARow is for how long a test rests by a pause and by the approved ones that are less than a week away from it, or from one
// another: many short pauses are one long one. More than the longest pause is refused.
func inARow(ctx context.Context, v *store.View, p *TestPause) (time.Duration, error) {
	all, err := store.All(ctx, v, TestPauses, map[string]any{"test": p.Test, "state": []string{"approved", "revoked"}})
	if err != nil {
		return 0, err
	}
	from := p.from()
	if v.Now.After(from) { // it is not approved yet, or just now
		from = v.Now
	}
	list := []Stretch{{From: from, To: p.EndsAt}}
	for _, x := range all {
		if s, ok := x.Holds(); ok && x.ID != p.ID {
			list = append(list, s)
		}
	}
	row := chained(list)
	if row > longestPause {
		return row, errs.At("ends_at", "makes more than 30 days of pauses in a row for this test").
			Mend("choose an earlier end, or start at least 7 days after the last pause has ended")
	}
	return row, nil
}

// chained adds up the stretches that are linked to the first one by gaps of less than a week. What overlaps counts once.
func chained(list []Stretch) time.Duration {
	first := list[0]
	all := slices.SortedFunc(slices.Values(list), func(a, b Stretch) int { return a.From.Compare(b.From) })
	var row time.Duration
	var end time.Time
	mine := false
	for _, s := range all {
		if !end.IsZero() && s.From.Sub(end) >= pauseGap {
			if mine {
				break
			}
			row, end = 0, time.Time{}
		}
		mine = mine || s == first
		from := s.From
		if end.After(from) {
			from = end
		}
		if s.To.After(from) {
			row, end = row+s.To.Sub(from), s.To
		}
	}
	return row
}

// Pauses are the stretches for which each test rested or will rest, as a view knows of them, by test and in the order of time.
func Pauses(ctx context.Context, v *store.View) (map[string][]Stretch, error) {
	all, err := store.All(ctx, v, TestPauses, map[string]any{"state": []string{"approved", "revoked"}})
	if err != nil {
		return nil, err
	}
	out := map[string][]Stretch{}
	for _, p := range all {
		if s, ok := p.Holds(); ok {
			out[p.Test] = append(out[p.Test], s)
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b Stretch) int { return a.From.Compare(b.From) })
	}
	return out, nil
}

// Covers says whether a moment lies in one of some stretches.
func Covers(list []Stretch, at time.Time) bool {
	return slices.ContainsFunc(list, func(s Stretch) bool { return !at.Before(s.From) && (s.To.IsZero() || at.Before(s.To)) })
}
