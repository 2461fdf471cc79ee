// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"assay/internal/errs"
	"assay/internal/kind"
)

// A Decision says that a criterion or a control does not apply, or does, and why.
type Decision struct {
	kind.Meta
	Subject      string        `json:"subject" doc:"Number of the criterion, or ref of the control." min:"2" max:"40" index:"" list:""`
	Decision     Applies       `json:"decision" doc:"Whether it applies." index:"" list:""`
	Reason       string        `json:"reason" doc:"Why." min:"10" max:"2000" list:""`
	RequestedBy  string        `json:"requested_by" doc:"Who requested it." ref:"person" index:""`
	ApprovedBy   string        `json:"approved_by" doc:"Who approved it." read:"only"`
	FromDay      kind.Date     `json:"from_day" doc:"First day it applies."`
	ToDay        kind.Date     `json:"to_day" doc:"Last day it applies."`
	ApprovedHow  kind.How      `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	RejectReason string        `json:"reject_reason" doc:"Why it was rejected." read:"only" max:"2000"`
	RevokeReason string        `json:"revoke_reason" doc:"Why it was revoked." read:"only" max:"2000"`
	State        DecisionState `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"proposed"`
}

// Applies is whether something applies.
type Applies string

// Values lists the decisions.
func (Applies) Values() []string { return []string{"not_applicable", "applicable"} }

// DecisionState is where a decision stands.
type DecisionState string

// Values lists the states.
func (DecisionState) Values() []string {
	return []string{"proposed", "approved", "rejected", "revoked"}
}

// Decisions are the decisions on applicability.
var Decisions = kind.Kind[Decision]{
	Name: "decision", Plural: "decisions", Prefix: "dec", Object: "controls", Label: "subject",
	Doc: "A decision records whether a criterion or a control applies, and why.",
	Check: func(_, n *Decision) error {
		if n.ToDay != "" && n.FromDay != "" && n.ToDay < n.FromDay {
			return errs.At("to_day", "is before from_day")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "approve", Doc: "Approve a decision. You can't approve your own.", From: []string{"proposed"}, To: "approved", Act: "approve", By: "approved_by", TwoPeople: true},
		{Verb: "reject", Doc: "Reject a decision, and say why.", From: []string{"proposed"}, To: "rejected", Act: "approve", Takes: []string{"reject_reason"}, Wants: []string{"reject_reason"}},
		{Verb: "revoke", Doc: "Revoke an approved decision, and say why.", From: []string{"approved"}, To: "revoked", Act: "approve", Takes: []string{"revoke_reason"}, Wants: []string{"revoke_reason"}},
	},
}
