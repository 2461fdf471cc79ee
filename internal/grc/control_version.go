// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A ControlVersion is a change of a control that one person proposes and another approves: of what it says of itself, or
// of whether it is in force. Approved for a later day it is scheduled, and can be withdrawn until that day begins.
type ControlVersion struct {
	kind.Meta
	Control string        `json:"control" doc:"The control." ref:"control" read:"only" index:"" list:""`
	Action  VersionAction `json:"action" doc:"What happens to the control: change, activate or retire." read:"only" index:"" list:"" default:"change"`
	Reason  string        `json:"reason" doc:"Why." min:"10" max:"2000" list:""`
	Terms
	Significant   bool                `json:"change_significant" doc:"Whether your system description must mention this change."`
	EffectiveFrom kind.Date           `json:"effective_from" doc:"First day it is in force. Empty: from approval." list:""`
	Replaces      int64               `json:"replaces" doc:"The version of the control it changes." read:"only"`
	Number        int64               `json:"number" doc:"Its version number, once approved." read:"only"`
	ApprovedBy    string              `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedAt    time.Time           `json:"approved_at,omitzero" doc:"When it was approved." read:"only"`
	ApprovedHow   kind.How            `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	AppliedAt     time.Time           `json:"applied_at,omitzero" doc:"When the control was changed; empty while the change is scheduled." read:"only"`
	Answer        string              `json:"answer" doc:"Why it was rejected or withdrawn." max:"2000"`
	State         ControlVersionState `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"proposed"`
}

// VersionAction is what a version does to its control.
type VersionAction string

// Values lists the actions.
func (VersionAction) Values() []string { return []string{"change", "activate", "retire"} }

// ControlVersionState is where a version stands.
type ControlVersionState string

// Values lists the states.
func (ControlVersionState) Values() []string {
	return []string{"proposed", "approved", "rejected", "withdrawn"}
}

// ControlVersions are the changes of controls.
var ControlVersions = kind.Kind[ControlVersion]{
	Name: "control_version", Plural: "control_versions", Prefix: "ctv", Object: "controls", Label: "reason", Create: kind.Never, With: "control",
	Doc: "A control version is a change to a control. One person proposes it and another approves.",
	Check: func(o, n *ControlVersion) error {
		if o == nil || o.State == "proposed" {
			return nil
		}
		a, b := *o, *n
		a.Meta, b.Meta, a.State, b.State, a.Answer, b.Answer, a.AppliedAt, b.AppliedAt = kind.Meta{}, kind.Meta{}, "", "", "", "", time.Time{}, time.Time{}
		if !same(a, b) {
			return errs.New(errs.Conflict, "a version that is %s can't be edited", o.State).Mend("propose a new one")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "approve", Doc: "Approve a control change. You can't approve your own.", From: []string{"proposed"}, To: "approved", Act: "approve", By: "approved_by", At: "approved_at", TwoPeople: true},
		{Verb: "reject", Doc: "Reject a control change, and say why.", From: []string{"proposed"}, To: "rejected", Act: "approve", Takes: []string{"answer"}, Wants: []string{"answer"}},
		{Verb: "withdraw", Doc: "Withdraw a control change that is not in force yet, and say why.", From: []string{"proposed", "approved"}, To: "withdrawn", Act: "approve", Takes: []string{"answer"}, Wants: []string{"answer"}},
	},
}

func same[T any](a, b T) bool {
	x, err := store.Encode(a)
	if err != nil {
		return false
	}
	y, err := store.Encode(b)
	return err == nil && string(x) == string(y)
}

// addControls adds controls, their versions and the way from one to the next.
func addControls(s *op.Set) {
	op.Kind(s, Controls, op.Also[Control]{Verb: "update", Do: edited}, op.Also[Control]{Verb: "end", Do: neverInForce})
	op.Kind(s, ControlVersions, op.Also[ControlVersion]{Verb: "update", Do: stillFits}, op.Also[ControlVersion]{Verb: "approve", Do: approveVersion}, op.Also[ControlVersion]{Verb: "withdraw", Do: withdrawVersion})
	op.Change(s, op.Spec{Name: "control_version.create", Doc: "Propose a change to a control. The fields you give change once another person approves.", Object: "controls", Act: "propose",
		Example: `control_version create --control ctl_… --reason "The review is monthly now" --frequency monthly`}, propose)
}

// edited is what the edit of a draft does beside: its text is no longer that of the library. And what it is called does not
// change while it waits to be put in force.
func edited(ctx context.Context, tx *store.Tx, was, now *Control) error {
	named := was.Ref != now.Ref || was.Set != now.Set || was.Family != now.Family
	if named || !same(was.Terms(), now.Terms()) {
		now.Library = false
	}
	if !named {
		return nil
	}
	return waits(ctx, tx, was)
}

// waits says that a version of a control waits for its approval or its day.
func waits(ctx context.Context, tx *store.Tx, c *Control) error {
	all, err := store.All(ctx, &tx.View, ControlVersions, map[string]any{"control": c.ID, "state": []string{"proposed", "approved"}})
	for _, n := range all {
		if n.AppliedAt.IsZero() {
			return errs.New(errs.Conflict, "this control already has a version that is %s", n.State).Mend("reject or withdraw that one first")
		}
	}
	return err
}

// neverInForce keeps a control that was in force from being ended: its days stay, and going out of force takes an approval.
func neverInForce(ctx context.Context, tx *store.Tx, was, _ *Control) error {
	if was.State != "draft" || was.VersionNo > 0 {
		return errs.New(errs.Conflict, "a control that was in force can't be deleted").Mend("propose to retire it instead")
	}
	return waits(ctx, tx, was)
}

type proposeIn struct {
	Control       string          `json:"control" doc:"The control." ref:"control" min:"1"`
	Action        VersionAction   `json:"action" doc:"What happens to it: change, activate or retire." default:"change"`
	Reason        string          `json:"reason" doc:"Why." min:"10" max:"2000"`
	Title         *string         `json:"title" doc:"Title." max:"200"`
	Text          *string         `json:"text" doc:"What is done, by whom, how often." max:"5000" long:""`
	Weight        *int64          `json:"weight" doc:"2 for a key control, else 1."`
	Frequency     *Frequency      `json:"frequency" doc:"How often it is performed." optional:""`
	GraceDays     *int64          `json:"grace_days" doc:"Days after the end of a window in which a performance still counts as on time."`
	Purpose       *string         `json:"purpose" doc:"preventive, detective or corrective."`
	Operation     *string         `json:"operation" doc:"manual, automated or both."`
	Criteria      *[]string       `json:"criteria" doc:"Numbers of the criteria it supports, such as CC6.1."`
	Policies      *[]string       `json:"policies" doc:"Policies it depends on, such as POL-04."`
	Tests         *[]ControlTest  `json:"tests" doc:"Tests that prove it."`
	Evidence      *[]EvidenceKind `json:"evidence" doc:"Evidence that proves it."`
	Significant   bool            `json:"change_significant" doc:"Whether your system description must mention this change."`
	EffectiveFrom kind.Date       `json:"effective_from" doc:"First day it is in force. Empty: from approval."`
}

func (in proposeIn) onto(t *Terms) {
	lay(&t.Title, in.Title)
	lay(&t.Text, in.Text)
	lay(&t.Weight, in.Weight)
	lay(&t.Frequency, in.Frequency)
	lay(&t.GraceDays, in.GraceDays)
	lay(&t.Purpose, in.Purpose)
	lay(&t.Operation, in.Operation)
	lay(&t.Criteria, in.Criteria)
	lay(&t.Policies, in.Policies)
	lay(&t.Tests, in.Tests)
	lay(&t.Evidence, in.Evidence)
}

func lay[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// propose makes a version out of a control as it is and what is named.
func propose(ctx context.Context, tx *store.Tx, in proposeIn) (*ControlVersion, error) {
	c, err := store.Get(ctx, &tx.View, Controls, in.Control)
	if err != nil {
		return nil, err
	}
	if from := map[VersionAction]string{"change": "active", "retire": "active", "activate": "draft or retired"}[in.Action]; !strings.Contains(from, string(c.State)) {
		return nil, errs.At("action", "this control is %s: %q needs a control that is %s", c.State, in.Action, from)
	}
	n := &ControlVersion{Control: c.ID, Action: in.Action, Reason: in.Reason, Terms: c.Terms(), Significant: in.Significant, EffectiveFrom: in.EffectiveFrom, Replaces: c.VersionNo, State: "proposed"}
	in.onto(&n.Terms)
	if err := fits(ctx, tx, c, n); err != nil {
		return nil, err
	}
	return n, store.Put(ctx, tx, ControlVersions, n)
}

// fits holds a version against the control that it changes, and against the calendar: what would be refused on its first day
// is refused when it is written, and again when it is approved.
func fits(ctx context.Context, tx *store.Tx, c *Control, n *ControlVersion) error {
	if n.Action == "change" && same(n.Terms, c.Terms()) {
		return errs.New(errs.Invalid, "nothing would change").Mend("change at least one field")
	}
	changed := *c
	changed.SetTerms(n.Terms)
	changed.VersionNo++
	if err := kind.Validate(&changed); err != nil {
		return err
	}
	if err := Controls.Check(c, &changed); err != nil {
		return err
	}
	day, err := todayOf(ctx, tx)
	if err != nil {
		return err
	}
	if n.EffectiveFrom != "" && n.EffectiveFrom < day {
		return errs.At("effective_from", "is in the past: a version can't take effect before it is approved").Mend("choose today or a later day, or leave it empty")
	}
	return nil
}

// stillFits is fits for a proposal that is edited.
func stillFits(ctx context.Context, tx *store.Tx, _, n *ControlVersion) error {
	c, err := store.Get(ctx, &tx.View, Controls, n.Control)
	if err != nil {
		return err
	}
	return fits(ctx, tx, c, n)
}

// approveVersion gives an approved version its number, and changes the control where it holds at once.
func approveVersion(ctx context.Context, tx *store.Tx, _, n *ControlVersion) error {
	c, err := store.Get(ctx, &tx.View, Controls, n.Control)
	if err != nil {
		return err
	}
	if c.VersionNo != n.Replaces {
		return errs.New(errs.Conflict, "the control has changed since this was proposed: it is now at version %d, and this proposal changes version %d", c.VersionNo, n.Replaces).Mend("reject this one and propose the change again")
	}
	scheduled, err := scheduledFor(ctx, &tx.View, c.ID)
	if err != nil {
		return err
	}
	if scheduled != nil {
		return errs.New(errs.Conflict, "another version of this control is scheduled for %s", scheduled.EffectiveFrom).Mend("withdraw that one first")
	}
	if n.EffectiveFrom != "" { // approved after the day that was asked for, it holds from its approval
		if day, err := todayOf(ctx, tx); err != nil {
			return err
		} else if n.EffectiveFrom < day {
			n.EffectiveFrom = ""
		}
	}
	if err := fits(ctx, tx, c, n); err != nil {
		return err
	}
	if n.Number, err = nextNumber(ctx, &tx.View, c); err != nil {
		return err
	}
	if day, err := todayOf(ctx, tx); err != nil || n.EffectiveFrom > day {
		return err
	}
	return apply(ctx, tx, c, n)
}

// nextNumber is the number of the next version of a control: none is given twice, whatever became of the one that had it.
func nextNumber(ctx context.Context, v *store.View, c *Control) (int64, error) {
	all, err := store.All(ctx, v, ControlVersions, map[string]any{"control": c.ID})
	last := c.VersionNo
	for _, n := range all {
		last = max(last, n.Number)
	}
	return last + 1, err
}

// scheduledFor is the approved version of a control that does not hold yet.
func scheduledFor(ctx context.Context, v *store.View, control string) (*ControlVersion, error) {
	all, err := store.All(ctx, v, ControlVersions, map[string]any{"control": control, "state": "approved"})
	i := slices.IndexFunc(all, func(x *ControlVersion) bool { return x.AppliedAt.IsZero() })
	if err != nil || i < 0 {
		return nil, err
	}
	return all[i], nil
}

// withdrawVersion lets a version be withdrawn until it is in force; and one whose day has come but that cannot be put in
// force, which would wait for ever.
func withdrawVersion(ctx context.Context, tx *store.Tx, was, _ *ControlVersion) error {
	day, err := todayOf(ctx, tx)
	if err != nil || was.State != "approved" || was.AppliedAt.IsZero() && was.EffectiveFrom > day {
		return err
	}
	if was.AppliedAt.IsZero() {
		n := *was
		if stuck, err := applyNow(ctx, tx, &n); err != nil || stuck != nil {
			return err
		}
	}
	return errs.New(errs.Conflict, "this version is already in force").Mend("propose a new one") // and nothing of the try is kept
}

// applyNow puts a version in force whose day has come, or says why it cannot be.
func applyNow(ctx context.Context, tx *store.Tx, n *ControlVersion) (stuck, err error) {
	c, err := store.Get(ctx, &tx.View, Controls, n.Control)
	if err == nil {
		err = kind.Validate(n)
	}
	if err == nil {
		err = apply(ctx, tx, c, n) // what is refused is refused before anything is written
	}
	if err != nil && errs.Public(err).Code != errs.Internal {
		return err, nil
	}
	return nil, err
}

// apply changes a control as its version says.
func apply(ctx context.Context, tx *store.Tx, c *Control, n *ControlVersion) error {
	if c.VersionNo != n.Replaces {
		return errs.New(errs.Conflict, "the control is at version %d now, and this changes version %d", c.VersionNo, n.Replaces).Mend("withdraw it and propose the change again")
	}
	c.SetTerms(n.Terms)
	c.VersionNo, c.VersionFrom, c.Library, c.ConfirmedBy, c.ConfirmedAt = n.Number, tx.Now, false, n.ApprovedBy, n.ApprovedAt
	switch n.Action {
	case "retire":
		c.State = "retired"
	case "activate":
		c.State = "active"
	}
	n.AppliedAt = tx.Now
	return store.Put(ctx, tx, Controls, c)
}

// ApplyScheduled changes the controls whose scheduled versions have come into force. Days are judged by the versions
// themselves: whether this runs at midnight or an hour later changes no letter.
//
// One that cannot be applied keeps no other from it: it is told, and waits.
func ApplyScheduled(ctx context.Context, tx *store.Tx) (stuck []error, err error) {
	all, err := store.All(ctx, &tx.View, ControlVersions, map[string]any{"state": "approved"})
	if err != nil {
		return nil, err
	}
	day, err := todayOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, n := range all {
		if !n.AppliedAt.IsZero() || n.EffectiveFrom > day {
			continue
		}
		why, err := applyNow(ctx, tx, n)
		if err == nil && why == nil {
			err = store.Put(ctx, tx, ControlVersions, n)
		}
		if err != nil {
			return nil, err
		}
		if why != nil {
			stuck = append(stuck, fmt.Errorf("version %d of %s: %w", n.Number, n.Control, why))
		}
	}
	return stuck, nil
}
