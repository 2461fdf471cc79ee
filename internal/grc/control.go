// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"slices"

	"assay/internal/errs"
	"assay/internal/kind"
)

// A Control is something the organisation does so that criteria are met.
type Control struct {
	kind.Meta
	Ref       string         `json:"ref" doc:"Its short name, such as IAM-02." min:"2" max:"30" index:"" list:""`
	Title     string         `json:"title" doc:"What it is called." min:"2" max:"200" list:""`
	Text      string         `json:"text" doc:"What is done, by whom, how often." min:"5" max:"5000" long:""`
	Family    string         `json:"family" doc:"The group that it belongs to." index:"" list:""`
	Set       string         `json:"set" doc:"base, optional, the category of a pack, or custom." index:"" default:"custom"`
	State     ControlState   `json:"state" doc:"Whether it is in force." read:"only" index:"" list:"" default:"active"`
	Owner     string         `json:"owner" doc:"The person who answers for it." ref:"person" index:"" list:""`
	OwnerRole string         `json:"owner_role" doc:"The role that usually answers for it."`
	Weight    int64          `json:"weight" doc:"2 for a key control, else 1." min:"1" max:"2" default:"1"`
	Frequency Frequency      `json:"frequency" doc:"How often it is performed." list:"" default:"continuous"`
	Purpose   string         `json:"purpose" doc:"preventive, detective or corrective."`
	Operation string         `json:"operation" doc:"manual, automated or both."`
	Criteria  []string       `json:"criteria" doc:"Numbers of the criteria that it serves."`
	Policies  []string       `json:"policies" doc:"Refs of the policies that it rests on, such as POL-04."`
	Tests     []ControlTest  `json:"tests" doc:"The tests that prove it."`
	Evidence  []EvidenceKind `json:"evidence" doc:"The kinds of evidence that prove it."`
	Chores    []string       `json:"chores" doc:"What has to be done for it, again and again."`
}

// ControlTest ties a test to a control.
type ControlTest struct {
	Test         string   `json:"test" doc:"Name of the test, such as idp.mfa_all." min:"3"`
	Role         TestRole `json:"role" doc:"Whether the control fails with it." default:"required"`
	OnlyPolicies []string `json:"only_policies,omitempty" doc:"Count only these policies."`
}

// TestRole is whether a test decides on a control.
type TestRole string

// Values lists the roles.
func (TestRole) Values() []string { return []string{"required", "supporting"} }

// EvidenceKind is one kind of evidence that a control wants.
type EvidenceKind struct {
	Key          string    `json:"key" doc:"Short name, unique in the control." min:"1" max:"60"`
	Title        string    `json:"title" doc:"What it is." min:"1" max:"200"`
	Type         string    `json:"type" doc:"The type of evidence."`
	Frequency    Frequency `json:"frequency" doc:"How often it is taken." default:"yearly"`
	ValidityDays int64     `json:"validity_days" doc:"For how many days it is current; 0 means by frequency."`
	Required     bool      `json:"required" doc:"Whether the control is not proved without it."`
}

// Frequency is how often something is due.
type Frequency string

// Values lists the frequencies.
func (Frequency) Values() []string {
	return []string{"continuous", "daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly", "per_event"}
}

// ControlState is whether a control is in force.
type ControlState string

// Values lists the states.
func (ControlState) Values() []string { return []string{"draft", "active", "retired"} }

// Controls are the controls.
var Controls = kind.Kind[Control]{
	Name: "control", Plural: "controls", Prefix: "ctl", Object: "controls", Label: "ref",
	Doc: "A control is something the organisation does so that criteria are met.",
	Check: func(_, n *Control) error {
		keys := []string{}
		for _, e := range n.Evidence {
			if slices.Contains(keys, e.Key) {
				return errs.At("evidence", "the key %q stands twice", e.Key)
			}
			keys = append(keys, e.Key)
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "activate", Doc: "Put a control in force.", From: []string{"draft", "retired"}, To: "active", Act: "edit"},
		{Verb: "retire", Doc: "Take a control out of force. Its past stays.", From: []string{"draft", "active"}, To: "retired", Act: "edit"},
	},
}

// A Decision says that a criterion or a control does not apply, or does, and why.
type Decision struct {
	kind.Meta
	Subject      string        `json:"subject" doc:"Number of the criterion, or ref of the control." min:"2" max:"40" index:"" list:""`
	Decision     Applies       `json:"decision" doc:"Whether it applies." index:"" list:""`
	Reason       string        `json:"reason" doc:"Why." min:"10" max:"2000" list:""`
	RequestedBy  string        `json:"requested_by" doc:"Who asks for it." ref:"person" index:""`
	ApprovedBy   string        `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedHow  kind.How      `json:"approved_how" doc:"Empty where two people stand behind the approval; else how it was approved." read:"only" index:""`
	RevokeReason string        `json:"revoke_reason" doc:"Why it was taken back." read:"only" max:"2000"`
	FromDay      kind.Date     `json:"from_day" doc:"First day on which it holds."`
	ToDay        kind.Date     `json:"to_day" doc:"Last day on which it holds."`
	State        DecisionState `json:"state" doc:"Where it stands." read:"only" index:"" list:"" default:"proposed"`
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
	Doc: "A decision says that a criterion or a control does not apply, or does, and why.",
	Check: func(_, n *Decision) error {
		if n.ToDay != "" && n.FromDay != "" && n.ToDay < n.FromDay {
			return errs.At("to_day", "is before from_day")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "approve", Doc: "Approve a decision. Not its author.", From: []string{"proposed"}, To: "approved", Act: "approve", By: "approved_by", TwoPeople: true},
		{Verb: "reject", Doc: "Reject a decision.", From: []string{"proposed"}, To: "rejected", Act: "approve"},
		{Verb: "revoke", Doc: "Take an approved decision back.", From: []string{"approved"}, To: "revoked", Act: "approve", Takes: []string{"revoke_reason"}, Wants: []string{"revoke_reason"}},
	},
}
