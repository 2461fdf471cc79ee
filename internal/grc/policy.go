// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
)

// A Policy is a rule of the organisation, in writing, that somebody other than its author has approved.
type Policy struct {
	kind.Meta
	Ref            string      `json:"ref" doc:"Its short name, such as POL-04." min:"2" max:"30" index:"" list:""`
	Title          string      `json:"title" doc:"What it is called." min:"2" max:"200" list:""`
	Kind           PolicyKind  `json:"kind" doc:"Policy, standard, procedure, plan or notice." index:"" default:"policy"`
	Owner          string      `json:"owner" doc:"Who answers for it." ref:"person" index:"" list:""`
	Author         string      `json:"author" doc:"Who wrote this version." ref:"person" index:""`
	Required       bool        `json:"required" doc:"Whether the programme needs it." index:"" list:""`
	ReviewDays     int64       `json:"review_days" doc:"After how many days it is reviewed again." min:"1" max:"1100" default:"365"`
	Audience       []string    `json:"audience" doc:"Whom it binds."`
	Sections       []string    `json:"sections" doc:"What it must cover."`
	Body           string      `json:"body" doc:"The text, in Markdown." long:""`
	ChangeNote     string      `json:"change_note" doc:"What changed in this version." max:"2000"`
	VersionNo      int64       `json:"version_no" doc:"Number of the approved version." read:"only" list:""`
	ApprovedBy     string      `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedAt     time.Time   `json:"approved_at,omitzero" doc:"When it was approved: the server's time, never another." read:"only"`
	PublishedAt    time.Time   `json:"published_at,omitzero" doc:"When it was published." read:"only"`
	LastReviewedAt time.Time   `json:"last_reviewed_at,omitzero" doc:"When it was last looked at and found right." read:"only" list:""`
	State          PolicyState `json:"state" doc:"Where it stands." read:"only" index:"" list:"" default:"draft"`
}

// PolicyKind is what sort of document it is.
type PolicyKind string

// Values lists the kinds.
func (PolicyKind) Values() []string {
	return []string{"policy", "standard", "procedure", "plan", "notice"}
}

// PolicyState is where a policy stands.
type PolicyState string

// Values lists the states.
func (PolicyState) Values() []string {
	return []string{"draft", "in_review", "approved", "published", "retired"}
}

// InForce says whether the policy binds.
func (p *Policy) InForce() bool { return p.State == "published" }

// Policies are the policies.
var Policies = kind.Kind[Policy]{
	Name: "policy", Plural: "policies", Prefix: "pol", Object: "policies", Label: "title",
	Doc: "A policy is a rule of the organisation, in writing, that somebody other than its author has approved.",
	Check: func(o, n *Policy) error {
		if n.State != "draft" && len(n.Body) < 20 {
			return errs.At("body", "there is no text to review yet").Mend("write the policy first")
		}
		if o != nil && o.State != "draft" && n.Body != o.Body {
			return errs.New(errs.Conflict, "the text of a policy that is %s does not change", o.State).Mend("revise it: that makes a draft of the next version")
		}
		if n.State == "approved" && o != nil && o.State == "in_review" {
			n.VersionNo++
			n.LastReviewedAt = n.ApprovedAt
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "submit", Doc: "Give a draft to be reviewed.", From: []string{"draft"}, To: "in_review", Act: "edit"},
		{Verb: "reject", Doc: "Give a policy back to its author.", From: []string{"in_review"}, To: "draft", Act: "approve"},
		{Verb: "approve", Doc: "Approve a policy. Not its author (INV-01).", From: []string{"in_review"}, To: "approved", Act: "approve", By: "approved_by", At: "approved_at", NotBy: []string{"author", "created_by", "updated_by"}},
		{Verb: "publish", Doc: "Put an approved policy in force.", From: []string{"approved"}, To: "published", Act: "publish", At: "published_at"},
		{Verb: "confirm", Doc: "Say that a policy was reviewed and needs no change.", From: []string{"published"}, To: "published", Act: "approve", At: "last_reviewed_at"},
		{Verb: "revise", Doc: "Make a draft of the next version.", From: []string{"published", "approved"}, To: "draft", Act: "edit"},
		{Verb: "retire", Doc: "Take a policy out of force.", From: []string{"published", "approved", "draft"}, To: "retired", Act: "edit"},
	},
}
