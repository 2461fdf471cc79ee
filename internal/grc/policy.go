// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"cmp"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
)

// A Policy is a rule of the organisation, in writing, that somebody other than its author has approved. Its body is
// the text that is worked on. The text that binds stands beside it: it stays in force, and can be read, while the
// next version is written, until that one is published (INV-18).
type Policy struct {
	kind.Meta
	Ref            string       `json:"ref" doc:"Its short name, such as POL-04." min:"2" max:"30" index:"" list:""`
	Title          string       `json:"title" doc:"Title." min:"2" max:"200" list:""`
	Kind           PolicyKind   `json:"kind" doc:"Policy, standard, procedure, plan or notice." index:"" default:"policy"`
	Owner          string       `json:"owner" doc:"The person responsible for it." ref:"person" index:"" list:""`
	Author         string       `json:"author" doc:"Who wrote this version." ref:"person" index:""`
	Required       bool         `json:"required" doc:"Whether the programme needs it." index:"" list:""`
	ReviewDays     int64        `json:"review_days" doc:"Days between reviews." min:"1" max:"1100" default:"380"`
	Audience       []string     `json:"audience" doc:"Who has to follow it."`
	Sections       []string     `json:"sections" doc:"Sections it must have."`
	Body           string       `json:"body" doc:"The working draft, in Markdown." long:""`
	ChangeNote     string       `json:"change_note" doc:"What changed in this version." max:"2000"`
	VersionNo      int64        `json:"version_no" doc:"Number of the approved version." read:"only" list:""`
	ApprovedBy     string       `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedAt     time.Time    `json:"approved_at,omitzero" doc:"When it was approved, by the server's clock." read:"only"`
	ApprovedHow    kind.How     `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	PublishedText  string       `json:"published_text" doc:"The text in force, in Markdown." read:"only" long:""`
	PublishedNo    int64        `json:"published_no" doc:"Number of the version in force; 0 if there is none." read:"only" list:""`
	PublishedAt    time.Time    `json:"published_at,omitzero" doc:"When the version in force was published." read:"only"`
	WrittenBy      string       `json:"published_written_by" doc:"Who wrote the version in force." read:"only"`
	AgreedBy       string       `json:"published_approved_by" doc:"Who approved the version in force." read:"only"`
	AgreedAt       time.Time    `json:"published_approved_at,omitzero" doc:"When the version in force was approved." read:"only"`
	AgreedHow      kind.How     `json:"published_approved_how" doc:"How the version in force was approved; empty if two separate people wrote and approved it." read:"only"`
	ForceTitle     string       `json:"published_title" doc:"Title of the version in force." read:"only"`
	ForceRequired  bool         `json:"published_required" doc:"Whether the programme needs the policy, as of the version in force." read:"only"`
	ForceDays      int64        `json:"published_review_days" doc:"Days between reviews of the version in force." read:"only"`
	ForceKind      PolicyKind   `json:"published_kind" doc:"Kind of document of the version in force." read:"only"`
	ForceAudience  []string     `json:"published_audience" doc:"Who the version in force applies to." read:"only"`
	ForceSections  []string     `json:"published_sections" doc:"Sections the version in force must have." read:"only"`
	ForceFilled    []FieldValue `json:"published_template_fields" doc:"Values of template fields that the version in force states." read:"only"`
	InForceSince   time.Time    `json:"in_force_since,omitzero" doc:"Start of the unbroken period with a version in force." read:"only"`
	RejectReason   string       `json:"reject_reason" doc:"Why it was last returned to its author." read:"only" max:"2000"`
	LastReviewedAt time.Time    `json:"last_reviewed_at,omitzero" doc:"When it was last reviewed and confirmed." read:"only" list:""`
	RetireReason   string       `json:"retire_reason" doc:"Why it should be retired." read:"only" max:"2000"`
	RetireAskedBy  string       `json:"retire_asked_by" doc:"Who requested to retire it." read:"only"`
	State          PolicyState  `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"draft"`

	Template    []TemplateSection `json:"template_sections" doc:"Sections that came from a template or from a token or program, and who confirmed them." read:"only"`
	Filled      []FieldValue      `json:"template_fields" doc:"What the fields of the template were filled with." read:"only"`
	Unconfirmed []string          `json:"unconfirmed_sections" doc:"Sections whose text is still that of the template, or that a token or program wrote, and that nobody has confirmed." read:"only"`
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

// InForce says whether a version of the policy binds.
func (p *Policy) InForce() bool {
	p.settle()
	return p.PublishedNo > 0 && p.State != "retired"
}

// WasInForce says whether a version of the policy bound at a moment.
func (p *Policy) WasInForce(at time.Time) bool {
	p.settle()
	return p.PublishedNo > 0 && !p.InForceSince.After(at) && (p.State != "retired" || p.UpdatedAt.After(at))
}

// settle fills in the version in force of a policy that was published before it was kept apart.
func (p *Policy) settle() {
	if p.State == "published" && p.PublishedNo == 0 {
		p.publish()
	}
}

// Needed says whether the programme needs the policy: as approved, where a version is in force.
func (p *Policy) Needed() bool {
	p.settle()
	if p.ForceDays > 0 {
		return p.ForceRequired
	}
	return p.Required
}

// Days is after how many days it is reviewed again: as approved, where a version is in force.
func (p *Policy) Days() int64 {
	p.settle()
	if p.ForceDays > 0 {
		return p.ForceDays
	}
	return p.ReviewDays
}

// Called is its title: as approved, where a version is in force.
func (p *Policy) Called() string {
	p.settle()
	if p.ForceTitle != "" {
		return p.ForceTitle
	}
	return p.Title
}

// keep copies what a version that was published before all of it was kept apart asked for. No list is nil once it was kept.
func (p *Policy) keep(from *Policy) {
	if p.ForceDays == 0 {
		p.ForceTitle, p.ForceRequired, p.ForceDays = from.Title, from.Required, from.ReviewDays
	}
	if p.ForceSections == nil {
		wanted, err := from.required()
		if err != nil {
			wanted = from.Sections
		}
		p.ForceKind, p.ForceAudience, p.ForceSections = from.Kind, append([]string{}, from.Audience...), append([]string{}, wanted...)
	}
	if p.ForceFilled == nil && from.Body == p.PublishedText {
		p.ForceFilled = from.stated()
	}
}

// holds keeps what a version in force stands on, whatever is written beside it. Its ref is a key, and stays by itself.
func (p *Policy) holds(was *Policy) {
	if was.settle(); was.PublishedNo != 0 {
		p.keep(was)
	}
}

// publish puts the approved version in force, in the place of the one before.
func (p *Policy) publish() {
	if p.PublishedNo == 0 {
		p.InForceSince = p.PublishedAt
	}
	p.PublishedText, p.PublishedNo, p.AgreedBy, p.AgreedAt = p.Body, p.VersionNo, p.ApprovedBy, p.ApprovedAt
	p.AgreedHow, p.ForceDays, p.ForceSections, p.ForceFilled = p.ApprovedHow, 0, nil, nil
	p.keep(p)
	if p.WrittenBy = p.Author; p.WrittenBy == "" {
		p.WrittenBy = cmp.Or(confirmer(p.Template), p.CreatedBy)
	}
}

// unpublish forgets the version that was in force before the policy was retired: its next one comes into force anew.
func (p *Policy) unpublish() {
	p.PublishedText, p.PublishedNo, p.PublishedAt, p.InForceSince = "", 0, time.Time{}, time.Time{}
	p.WrittenBy, p.AgreedBy, p.AgreedAt, p.AgreedHow = "", "", time.Time{}, ""
	p.ForceTitle, p.ForceRequired, p.ForceDays, p.ForceKind, p.ForceAudience, p.ForceSections, p.ForceFilled = "", false, 0, "", nil, nil, nil
	p.RetireReason, p.RetireAskedBy = "", ""
}

// Policies are the policies.
var Policies = kind.Kind[Policy]{
	Name: "policy", Plural: "policies", Prefix: "pol", Object: "policies", Label: "title", Key: "ref",
	Doc:     "A policy is a written rule of your company that someone other than its author has approved.",
	Settled: []string{"published"}, Free: []string{"owner"},
	Check: func(o, n *Policy) error {
		if o == nil || n.Ref != o.Ref {
			if err := plainRef(n.Ref); err != nil {
				return err
			}
		}
		n.settleTemplate()
		if n.State != "draft" && n.State != "retired" && (o == nil || o.State == "draft") {
			if err := n.reviewable(); err != nil {
				return err
			}
		}
		if o != nil && o.State != "draft" && n.Body != o.Body {
			return errs.New(errs.Conflict, "the text of a policy that is %s can't be edited", o.State).Mend("revise it to start a draft of the next version")
		}
		if o != nil {
			n.holds(o)
		}
		if o != nil && o.State == "published" && n.State == "draft" {
			n.RetireReason, n.RetireAskedBy = "", ""
		}
		if o != nil && o.State == "retired" && n.State == "draft" {
			n.unpublish()
		}
		if n.State == "approved" && o != nil && o.State == "in_review" {
			n.VersionNo++
		}
		if o != nil && (o.State == "approved" && n.State == "published" || o.State == "published" && n.PublishedNo == 0) {
			n.publish()
		}
		if o != nil && o.State == "approved" && n.State == "published" { // what was looked at is in force from now on
			n.LastReviewedAt = n.ApprovedAt
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "submit", Doc: "Submit a draft for review.", From: []string{"draft"}, To: "in_review", Act: "edit"},
		{Verb: "reject", Doc: "Return a policy to its author, and say why.", From: []string{"in_review"}, To: "draft", Act: "approve", Takes: []string{"reject_reason"}, Wants: []string{"reject_reason"}},
		{Verb: "approve", Doc: "Approve a policy. You can't approve your own.", From: []string{"in_review"}, To: "approved", Act: "approve", By: "approved_by", At: "approved_at", TwoPeople: true},
		{Verb: "publish", Doc: "Publish an approved policy. It is in force from then on.", From: []string{"approved"}, To: "published", Act: "publish", At: "published_at"},
		{Verb: "confirm", Doc: "Record that a policy was reviewed and needs no change.", From: []string{"published"}, To: "published", Act: "approve", At: "last_reviewed_at"},
		{Verb: "revise", Doc: "Start a draft of the next version.", From: []string{"published", "approved", "retired"}, To: "draft", Act: "edit"},
		{Verb: "propose_retire", Doc: "Request to retire a policy, and say why.", From: []string{"published"}, To: "published", Act: "edit", By: "retire_asked_by",
			Takes: []string{"retire_reason"}, Wants: []string{"retire_reason"}},
		{Verb: "retire", Doc: "Retire a policy. You can't approve your own request.", From: []string{"published"}, To: "retired", Act: "approve", Wants: []string{"retire_reason"},
			NotBy: []string{"retire_asked_by"}, TwoPeople: true},
	},
}
