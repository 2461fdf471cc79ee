// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// An Evidence is a document, an export or a picture that proves something about a stretch of time.
type Evidence struct {
	kind.Meta
	Title          string         `json:"title" doc:"What it is." min:"2" max:"200" list:""`
	Type           EvidenceType   `json:"type" doc:"The type of evidence." index:"" list:""`
	Control        string         `json:"control" doc:"The control that it proves." ref:"control" index:"" list:""`
	EvidenceKey    string         `json:"evidence_key" doc:"Which kind of evidence of that control it is." index:""`
	SourceKind     EvidenceSource `json:"source_kind" doc:"How it came here." index:"" default:"upload"`
	SourceSystem   string         `json:"source_system" doc:"The system that it was taken from."`
	SourceLocator  string         `json:"source_locator" doc:"Address or query that it was taken with." max:"2000"`
	TakenAt        time.Time      `json:"taken_at,omitzero" doc:"When it was taken, as its bringer says (claimed)." list:""`
	CoversFrom     kind.Date      `json:"covers_from" doc:"First day that it says something about."`
	CoversTo       kind.Date      `json:"covers_to" doc:"Last day that it says something about."`
	ValidUntil     kind.Date      `json:"valid_until" doc:"Last day on which it is current; empty means by the control's rule."`
	Classification Classification `json:"classification" doc:"How confidential it is. Every reading of what is restricted is written to the ledger." index:"" default:"internal" guards:"restricted"`
	File           kind.SHA256    `json:"file" doc:"SHA-256 of the file. Upload it first." index:"" list:""`
	FileName       string         `json:"file_name" doc:"Name of the file as it was brought." max:"255"`
	MediaType      string         `json:"media_type" doc:"Type of the file, as found in its bytes." max:"100"`
	Size           int64          `json:"size" doc:"Size of the file in bytes."`
	Notes          string         `json:"notes" doc:"What a reader should know." max:"5000" long:""`
	Reason         string         `json:"reason" doc:"Why it was returned or withdrawn." max:"2000"`
	SubmittedBy    string         `json:"submitted_by" doc:"Who submitted it." read:"only" index:""`
	SubmittedAt    time.Time      `json:"submitted_at,omitzero" doc:"When it was submitted." read:"only"`
	ReviewedBy     string         `json:"reviewed_by" doc:"Who accepted or returned it." read:"only"`
	ReviewedAt     time.Time      `json:"reviewed_at,omitzero" doc:"When it was accepted or returned." read:"only"`
	State          EvidenceState  `json:"state" doc:"Where it stands." read:"only" index:"" list:"" default:"draft"`
}

// EvidenceType is what sort of proof it is.
type EvidenceType string

// Values lists the types.
func (EvidenceType) Values() []string {
	return []string{"screenshot", "log", "ticket", "approval", "report", "policy", "access_review", "training_record", "vendor_review", "incident_test", "scan_result", "configuration_export", "population", "attestation", "minutes", "other"}
}

// EvidenceSource is how evidence came here.
type EvidenceSource string

// Values lists the ways.
func (EvidenceSource) Values() []string {
	return []string{"upload", "connector", "link_capture", "generated_by_platform"}
}

// Classification is how confidential something is.
type Classification string

// Values lists the classes, least first.
func (Classification) Values() []string {
	return []string{"public", "internal", "confidential", "restricted"}
}

// EvidenceState is where evidence stands.
type EvidenceState string

// Values lists the states.
func (EvidenceState) Values() []string {
	return []string{"draft", "submitted", "accepted", "returned", "superseded", "withdrawn"}
}

// notProof keeps a piece that was accepted from being ended: the days that rest on it stay as they are.
func notProof(_ context.Context, _ *store.Tx, was, _ *Evidence) error {
	if was.State == "accepted" || was.State == "withdrawn" || was.State == "superseded" {
		return errs.New(errs.Conflict, "evidence that was accepted is withdrawn, never removed").Mend("withdraw it, and say why")
	}
	return nil
}

// Evidences are the pieces of evidence.
var Evidences = kind.Kind[Evidence]{
	Name: "evidence", Plural: "evidence", Prefix: "evd", Object: "evidence", Label: "title", Create: "submit",
	Doc: "An evidence is a document, an export or a picture that proves something about a stretch of time.",
	Check: func(o, n *Evidence) error {
		if n.CoversTo != "" && n.CoversFrom != "" && n.CoversTo < n.CoversFrom {
			return errs.At("covers_to", "is before covers_from")
		}
		if n.State != "draft" && n.File == "" && n.SourceLocator == "" {
			return errs.At("file", "there is nothing to look at: bring a file or say where it is")
		}
		if o == nil || o.State == "draft" || o.State == "returned" {
			return nil
		}
		if o.State == n.State && o.Reason != n.Reason { // when it was withdrawn is when it last changed
			return errs.New(errs.Conflict, "evidence that is %s does not change", o.State).Mend("bring a new piece of evidence")
		}
		a, b := *o, *n // what was submitted never changes; a correction is a new piece of evidence
		a.Meta, b.Meta, a.State, b.State, a.Reason, b.Reason = kind.Meta{}, kind.Meta{}, "", "", "", ""
		a.ReviewedBy, b.ReviewedBy, a.ReviewedAt, b.ReviewedAt = "", "", time.Time{}, time.Time{}
		if a != b {
			return errs.New(errs.Conflict, "what was submitted does not change").Mend("bring a new piece of evidence")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "submit", Doc: "Submit evidence for review.", From: []string{"draft", "returned"}, To: "submitted", Act: "submit", By: "submitted_by", At: "submitted_at"},
		{Verb: "accept", Doc: "Accept evidence as proof. Not its submitter.", From: []string{"submitted"}, To: "accepted", Act: "review", By: "reviewed_by", At: "reviewed_at", NotBy: []string{"submitted_by", "created_by"}},
		{Verb: "return", Doc: "Give evidence back, and say what is missing.", From: []string{"submitted"}, To: "returned", Act: "review", By: "reviewed_by", At: "reviewed_at", Takes: []string{"reason"}, Wants: []string{"reason"}},
		{Verb: "withdraw", Doc: "Take accepted evidence back, and say why.", From: []string{"accepted"}, To: "withdrawn", Act: "review", Takes: []string{"reason"}, Wants: []string{"reason"}},
	},
}
