// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// An Exception lets something fail for a while, with a reason, an approver and an end.
type Exception struct {
	kind.Meta
	Title        string         `json:"title" doc:"What is allowed, in one line." min:"3" max:"200" list:""`
	Test         string         `json:"test" doc:"The test it applies to, such as idp.mfa_all." max:"100" index:"" list:""`
	Resource     string         `json:"resource" doc:"The resource it applies to: its id or its natural key." max:"300" index:"" list:""`
	Control      string         `json:"control" doc:"The control it applies to, if it is not for a single resource." ref:"control" index:""`
	Reason       string         `json:"reason" doc:"Why." min:"10" max:"2000"`
	Compensating string         `json:"compensating" doc:"What is done instead." max:"2000"`
	Severity     Severity       `json:"severity" doc:"Severity of the test, or the highest severity of the control's required tests." read:"only" index:"" list:"" default:"medium"`
	RequestedBy  string         `json:"requested_by" doc:"Who requested it." ref:"person" index:""`
	ApprovedBy   string         `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedAt   time.Time      `json:"approved_at,omitzero" doc:"When it was approved." read:"only"`
	ApprovedHow  kind.How       `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	StartsAt     time.Time      `json:"starts_at,omitzero" doc:"When it starts. Empty: on approval."`
	ExpiresAt    time.Time      `json:"expires_at" doc:"When it ends: at most 365 days after approval, 90 if critical." list:""`
	RejectReason string         `json:"reject_reason" doc:"Why it was rejected." read:"only" max:"2000"`
	RevokeReason string         `json:"revoke_reason" doc:"Why it was revoked." read:"only" max:"2000"`
	State        ExceptionState `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"requested"`
}

// Severity is how bad something is.
type Severity string

// Values lists the severities, worst first.
func (Severity) Values() []string { return []string{"critical", "high", "medium", "low"} }

// ExceptionState is where an exception stands. That it has expired follows from the time.
type ExceptionState string

// Values lists the states.
func (ExceptionState) Values() []string {
	return []string{"requested", "approved", "rejected", "revoked"}
}

// Begins is when the exception begins to hold: at its start, and never before it was approved.
func (e *Exception) Begins() time.Time {
	if e.ApprovedAt.After(e.StartsAt) {
		return e.ApprovedAt
	}
	return e.StartsAt
}

// Live says whether the exception holds at a moment (INV-03).
func (e *Exception) Live(now time.Time) bool {
	return e.State == "approved" && !now.Before(e.Begins()) && now.Before(e.ExpiresAt)
}

// Exceptions are the exceptions.
var Exceptions = kind.Kind[Exception]{
	Name: "exception", Plural: "exceptions", Prefix: "exc", Object: "exceptions", Label: "title", Create: "propose",
	Doc: "An exception allows a failure for a limited time, with a reason, an approver and an end date.",
	Check: func(o, n *Exception) error {
		if n.Test == "" && n.Control == "" {
			return errs.At("test", "name the test or the control it applies to")
		}
		if n.Test != "" && n.Resource == "" {
			return errs.At("resource", "name the resource that may fail the test")
		}
		if n.ExpiresAt.IsZero() {
			return errs.At("expires_at", "is required: every exception has an end date (INV-03)")
		}
		if n.State != "approved" || (o != nil && o.State == "approved") {
			return nil
		}
		limit := 365 * 24 * time.Hour
		if n.Severity == "critical" {
			limit = 90 * 24 * time.Hour
		}
		switch {
		case !n.ExpiresAt.After(n.ApprovedAt):
			return errs.At("expires_at", "must be in the future (INV-03)")
		case n.ExpiresAt.Sub(n.ApprovedAt) > limit:
			return errs.At("expires_at", "is more than %d days after approval", int(limit.Hours()/24))
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "approve", Doc: "Approve an exception. You can't approve your own; high and critical ones need an owner.", From: []string{"requested"}, To: "approved", Act: "approve", By: "approved_by", At: "approved_at",
			TwoPeople: true, OwnerWhen: map[string][]string{"severity": {"high", "critical"}}},
		{Verb: "reject", Doc: "Reject an exception, and say why.", From: []string{"requested"}, To: "rejected", Act: "approve", Takes: []string{"reject_reason"}, Wants: []string{"reject_reason"}},
		{Verb: "revoke", Doc: "End an approved exception now, and say why.", From: []string{"approved"}, To: "revoked", Act: "approve", Takes: []string{"revoke_reason"}, Wants: []string{"revoke_reason"}},
	},
}

// inherits gives an exception the severity of what it is about, whatever is said of it. Where that has changed since it was
// asked for, it is asked for anew: whom it goes to depends on it.
func inherits(of []Severities) []op.Also[Exception] {
	take := func(ctx context.Context, tx *store.Tx, _, e *Exception) error {
		e.Severity = "medium"
		for _, f := range of {
			s, err := f(ctx, &tx.View, e)
			if err != nil {
				return err
			}
			e.Severity = s
		}
		return nil
	}
	same := func(ctx context.Context, tx *store.Tx, was, e *Exception) error {
		if err := take(ctx, tx, was, e); err != nil || e.Severity == was.Severity {
			return err
		}
		return (&errs.Error{Code: errs.Conflict, Field: "severity", Text: "is " + string(e.Severity) + " now, and was " + string(was.Severity) + " when this was requested"}).Mend("save the exception again, then approve it")
	}
	return []op.Also[Exception]{{Verb: "create", Do: take}, {Verb: "update", Do: take}, {Verb: "approve", Do: same}}
}
