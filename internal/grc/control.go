// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"reflect"
	"slices"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
)

// A Control is something the organisation does so that criteria are met.
type Control struct {
	kind.Meta
	Ref       string         `json:"ref" doc:"Its short name, such as IAM-02." min:"2" max:"30" index:"" list:""`
	Title     string         `json:"title" doc:"Title." min:"2" max:"200" list:""`
	Text      string         `json:"text" doc:"What is done, by whom, how often." min:"5" max:"5000" long:""`
	Family    string         `json:"family" doc:"The group it belongs to." index:"" list:""`
	Set       string         `json:"set" doc:"base, optional, the category of a pack, or custom." index:"" default:"custom"`
	State     ControlState   `json:"state" doc:"Whether the control is in force." read:"only" index:"" list:"" default:"draft"`
	Owner     string         `json:"owner" doc:"The person responsible for it." ref:"person" index:"" list:""`
	OwnerRole string         `json:"owner_role" doc:"The role that usually owns it."`
	Weight    int64          `json:"weight" doc:"2 for a key control, else 1." min:"1" max:"2" default:"1"`
	Frequency Frequency      `json:"frequency" doc:"How often it is performed." list:"" default:"continuous"`
	GraceDays int64          `json:"grace_days" doc:"Days after the end of a window in which a performance still counts as on time." min:"0" max:"90" default:"0"`
	Purpose   string         `json:"purpose" doc:"preventive, detective or corrective."`
	Operation string         `json:"operation" doc:"manual, automated or both."`
	Criteria  []string       `json:"criteria" doc:"Numbers of the criteria it supports, such as CC6.1."`
	Policies  []string       `json:"policies" doc:"Policies it depends on, such as POL-04."`
	Tests     []ControlTest  `json:"tests" doc:"Tests that prove it."`
	Evidence  []EvidenceKind `json:"evidence" doc:"Evidence that proves it."`
	Chores    []string       `json:"chores" doc:"Tasks that recur for this control."`

	VersionNo   int64     `json:"version_no" doc:"Number of the version in force; 0 if it was never in force." read:"only"`
	VersionFrom time.Time `json:"version_from,omitzero" doc:"When that version came into force." read:"only"`
	Library     bool      `json:"library" doc:"The text comes from the library, and nobody has confirmed it yet." read:"only"`
	ConfirmedBy string    `json:"confirmed_by" doc:"Who confirmed or approved its text." read:"only"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero" doc:"When." read:"only"`
}

// ControlTest ties a test to a control.
type ControlTest struct {
	Test         string   `json:"test" doc:"Name of the test, such as idp.mfa_all." min:"3"`
	Role         TestRole `json:"role" doc:"Whether the control fails when this test fails." default:"required"`
	OnlyPolicies []string `json:"only_policies,omitempty" doc:"Count only these policies."`
}

// TestRole is whether a test decides on a control.
type TestRole string

// Values lists the roles.
func (TestRole) Values() []string { return []string{"required", "supporting"} }

// EvidenceKind is one kind of evidence that a control wants.
type EvidenceKind struct {
	Key          string    `json:"key" doc:"Short name, unique within the control." min:"1" max:"60"`
	Title        string    `json:"title" doc:"What it is." min:"1" max:"200"`
	Type         string    `json:"type" doc:"The type of evidence."`
	Frequency    Frequency `json:"frequency" doc:"How often it is collected." default:"yearly"`
	ValidityDays int64     `json:"validity_days" doc:"Days it stays valid; 0 means that the frequency decides." min:"0" max:"3660" default:"0"`
	Required     bool      `json:"required" doc:"Whether the control needs it."`
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
	Name: "control", Plural: "controls", Prefix: "ctl", Object: "controls", Label: "ref", Key: "ref",
	Doc:     "A control is something your company does to meet criteria.",
	Settled: []string{"active", "retired"}, Free: []string{"owner", "owner_role", "chores"},
	Check: func(o, n *Control) error {
		if o == nil || n.Ref != o.Ref {
			if err := plainRef(n.Ref); err != nil {
				return err
			}
		}
		keys := []string{}
		for _, e := range n.Evidence {
			if slices.Contains(keys, e.Key) {
				return errs.At("evidence", "the key %q appears twice", e.Key)
			}
			keys = append(keys, e.Key)
		}
		if o == nil || o.State == "draft" || o.VersionNo != n.VersionNo {
			return nil
		}
		if n.ConfirmedAt != o.ConfirmedAt && o.Own() {
			return errs.New(errs.Conflict, "its text is already confirmed or approved").Mend("to change the text, propose a change")
		}
		if n.Ref != o.Ref {
			return errs.At("ref", "the ref of a control can't change once the control has been in force")
		}
		if !reflect.DeepEqual(o.Terms(), n.Terms()) {
			return errs.New(errs.Conflict, "changing the definition of a control in force needs an approval").Mend("propose the change for another person to approve")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "confirm", Doc: "Confirm that the library text describes what your company does.", From: []string{"active"}, To: "active", Act: "approve", By: "confirmed_by", At: "confirmed_at"},
	},
}

// Terms are what a control says of itself: what is done and what proves it. They change with an approval only, and
// each day is judged by those that were in force on it. Who owns a control and what has to be done for it are no part of them.
type Terms struct {
	Title     string         `json:"title" doc:"Title." min:"2" max:"200"`
	Text      string         `json:"text" doc:"What is done, by whom, how often." min:"5" max:"5000" long:""`
	Weight    int64          `json:"weight" doc:"2 for a key control, else 1." min:"1" max:"2" default:"1"`
	Frequency Frequency      `json:"frequency" doc:"How often it is performed." default:"continuous"`
	GraceDays int64          `json:"grace_days" doc:"Days after the end of a window in which a performance still counts as on time." min:"0" max:"90" default:"0"`
	Purpose   string         `json:"purpose" doc:"preventive, detective or corrective."`
	Operation string         `json:"operation" doc:"manual, automated or both."`
	Criteria  []string       `json:"criteria" doc:"Numbers of the criteria it supports, such as CC6.1."`
	Policies  []string       `json:"policies" doc:"Policies it depends on, such as POL-04."`
	Tests     []ControlTest  `json:"tests" doc:"Tests that prove it."`
	Evidence  []EvidenceKind `json:"evidence" doc:"Evidence that proves it."`
}

// Own says whether somebody of the company has confirmed or approved the text: neither that of the library nor that of a
// file or a draft is the company's own by itself.
func (c *Control) Own() bool { return c.VersionNo > 0 && !c.ConfirmedAt.IsZero() }

// Terms gives what the control says of itself.
func (c *Control) Terms() Terms {
	return Terms{c.Title, c.Text, c.Weight, c.Frequency, c.GraceDays, c.Purpose, c.Operation, c.Criteria, c.Policies, c.Tests, c.Evidence}
}

// SetTerms puts other terms in the place of the control's.
func (c *Control) SetTerms(t Terms) {
	c.Title, c.Text, c.Weight, c.Frequency, c.GraceDays, c.Purpose, c.Operation = t.Title, t.Text, t.Weight, t.Frequency, t.GraceDays, t.Purpose, t.Operation
	c.Criteria, c.Policies, c.Tests, c.Evidence = t.Criteria, t.Policies, t.Tests, t.Evidence
}
