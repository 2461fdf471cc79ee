// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"reflect"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
)

// An Evidence is a document, an export or a picture that proves something about a stretch of time.
type Evidence struct {
	kind.Meta
	Title          string         `json:"title" doc:"What it is." min:"2" max:"200" list:""`
	Type           EvidenceType   `json:"type" doc:"The type of evidence." index:"" list:""`
	Control        string         `json:"control" doc:"The control it proves." ref:"control" index:"" list:""`
	EvidenceKey    string         `json:"evidence_key" doc:"Which of the control's evidence items it is: a key from the control's list. Without one it is context only and proves nothing." index:""`
	Event          string         `json:"event" doc:"For evidence collected per event: the event it proves, such as a ticket, an incident or a change." max:"300"`
	EventOn        kind.Date      `json:"event_on" doc:"Date of the event."`
	Nothing        bool           `json:"nothing_happened" doc:"You declare that no such event happened from covers_from to covers_to. No file is needed; say in the notes how you know."`
	SourceKind     EvidenceSource `json:"source_kind" doc:"How it was collected." index:"" default:"upload"`
	SourceSystem   string         `json:"source_system" doc:"The system it was taken from."`
	SourceLocator  string         `json:"source_locator" doc:"Address or query it was taken with." max:"2000"`
	TakenAt        time.Time      `json:"taken_at,omitzero" doc:"When it was taken, as you state it. A time after submission does not make it newer." list:""`
	CoversFrom     kind.Date      `json:"covers_from" doc:"First day it covers."`
	CoversTo       kind.Date      `json:"covers_to" doc:"Last day it covers. Its age counts from this day."`
	ValidUntil     kind.Date      `json:"valid_until" doc:"Last day it is valid, if that is earlier than the control's rule. A later day has no effect."`
	Classification Classification `json:"classification" doc:"How confidential it is. The ledger records every time restricted evidence is read." index:"" default:"confidential" guards:"restricted"`
	DataTypes      []DataType     `json:"data_types,omitempty" doc:"Types of data in it, beside how confidential it is."`
	File           kind.SHA256    `json:"file" doc:"SHA-256 of the file. Upload the file first. Without a file, evidence is context only and proves nothing." index:"" list:""`
	FileName       string         `json:"file_name" doc:"Name of the uploaded file." max:"255"`
	MediaType      string         `json:"media_type" doc:"Type of the file, detected from its contents." max:"100"`
	Size           int64          `json:"size" doc:"Size of the file in bytes."`
	Rows           *int64         `json:"row_count,omitempty" doc:"How many rows the population has; 0 if it is empty. Required to submit a population."`
	URLVisible     bool           `json:"url_visible" doc:"For a screenshot: the address is visible."`
	ClockVisible   bool           `json:"clock_visible" doc:"For a screenshot: date and time are visible."`
	Confirmed      bool           `json:"visible_confirmed" doc:"For a screenshot: the reviewer confirmed that address and clock are visible." read:"only"`
	Notes          string         `json:"notes" doc:"Anything a reader should know." max:"5000" long:""`
	Reason         string         `json:"reason" doc:"Why it was returned or withdrawn." max:"2000"`
	SubmittedBy    string         `json:"submitted_by" doc:"Who submitted it." read:"only" index:""`
	SubmittedAt    time.Time      `json:"submitted_at,omitzero" doc:"When it was submitted." read:"only"`
	ReviewedBy     string         `json:"reviewed_by" doc:"Who accepted or returned it." read:"only"`
	ReviewedAt     time.Time      `json:"reviewed_at,omitzero" doc:"When it was accepted or returned." read:"only"`
	WithdrawnBy    string         `json:"withdrawn_by" doc:"Who withdrew it." read:"only"`
	WithdrawnAt    time.Time      `json:"withdrawn_at,omitzero" doc:"When it was withdrawn. Days before that keep their result." read:"only"`
	ApprovedHow    kind.How       `json:"approved_how" doc:"How it was accepted; empty if two separate people submitted and accepted it." read:"only" index:""`
	State          EvidenceState  `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"draft"`
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

// DataType is what sort of data something holds, beside its class.
type DataType string

// Values lists the types, as resources have them.
func (DataType) Values() []string {
	return []string{"intellectual_property", "legal", "financial", "proprietary", "personal", "health", "payment"}
}

// EvidenceState is where evidence stands.
type EvidenceState string

// Values lists the states.
func (EvidenceState) Values() []string {
	return []string{"draft", "submitted", "accepted", "returned", "superseded", "withdrawn"}
}

// Evidences are the pieces of evidence.
var Evidences = kind.Kind[Evidence]{
	Name: "evidence", Plural: "evidence", Prefix: "evd", Object: "evidence", Label: "title", Create: "submit",
	Doc: "Evidence is a document, an export or a screenshot that proves something about a period.",
	Check: func(o, n *Evidence) error {
		if err := n.whole(); err != nil {
			return err
		}
		if o == nil || o.State == "draft" || o.State == "returned" {
			return nil
		}
		if o.State == n.State && o.Reason != n.Reason || !reflect.DeepEqual(o.submitted(), n.submitted()) { // a correction is a new piece of evidence
			return errs.New(errs.Conflict, "submitted evidence can't be changed").Mend("add new evidence instead")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "submit", Doc: "Submit evidence for review.", From: []string{"draft", "returned"}, To: "submitted", Act: "submit", By: "submitted_by", At: "submitted_at"},
		{Verb: "accept", Doc: "Accept evidence as proof. You can't accept your own.", From: []string{"submitted"}, To: "accepted", Act: "review", By: "reviewed_by", At: "reviewed_at", TwoPeople: true, Takes: []string{"visible_confirmed"}},
		{Verb: "return", Doc: "Return evidence, and say what is missing.", From: []string{"submitted"}, To: "returned", Act: "review", By: "reviewed_by", At: "reviewed_at", Takes: []string{"reason"}, Wants: []string{"reason"}},
		{Verb: "withdraw", Doc: "Withdraw accepted evidence, and say why.", From: []string{"accepted"}, To: "withdrawn", Act: "review", By: "withdrawn_by", At: "withdrawn_at", Takes: []string{"reason"}, Wants: []string{"reason"}},
	},
}
