// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"time"

	"assay/internal/errs"
	thing "assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A RuleFile is a file of the data folder as the program once read it. What holds is this text, not the file: it
// holds from the moment at which it was read where it only adds tests, else from its approval.
type RuleFile struct {
	thing.Meta
	Path        string        `json:"path" doc:"File name inside the tests folder of the data folder." read:"only" index:"" list:""`
	SHA256      string        `json:"digest" doc:"SHA-256 of its text; empty if the file was removed." read:"only" index:""`
	Text        string        `json:"text" doc:"Contents of the file." read:"only" long:""`
	Removed     bool          `json:"removed" doc:"The file was deleted. Its tests and changes end once this is approved." read:"only"`
	Changes     []string      `json:"changes" doc:"What it changes about existing tests and controls." read:"only"`
	Reason      string        `json:"reason" doc:"Why. Given on approval, because the author of a file is not known." max:"2000" list:""`
	ApprovedBy  string        `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedHow thing.How     `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	ApprovedAt  time.Time     `json:"approved_at,omitzero" doc:"When it was approved." read:"only"`
	RejectedBy  string        `json:"rejected_by" doc:"Who rejected it." read:"only"`
	Since       time.Time     `json:"since,omitzero" doc:"When it came into force." read:"only"`
	Until       time.Time     `json:"until,omitzero" doc:"When it ended." read:"only"`
	State       RuleFileState `json:"state" doc:"Whether it is in force." read:"only" index:"" list:"" default:"proposed"`
}

// RuleFileState is whether a file of the data folder holds.
type RuleFileState string

// Values lists the states.
func (RuleFileState) Values() []string {
	return []string{"proposed", "active", "rejected", "superseded"}
}

// RuleFiles are the files of the data folder as they were read.
var RuleFiles = thing.Kind[RuleFile]{
	Name: "rule_file", Plural: "rule files", Prefix: "rfl", Object: "tests", Label: "path", Create: thing.Never,
	Doc: "A rule file is a file with tests and controls from the data folder, as Assay read it. If it changes existing tests, someone has to approve it first.",
	Check: func(o, n *RuleFile) error {
		if o != nil && o.State != "proposed" && o.Reason != n.Reason {
			return errs.New(errs.Conflict, "this file is %s; its reason can no longer be changed", o.State)
		}
		return nil
	},
	Moves: []thing.Move{
		{Verb: "approve", Doc: "Approve the contents of a file in the data folder.", From: []string{"proposed"}, To: "active", Act: "approve", By: "approved_by", At: "approved_at",
			Takes: []string{"reason"}, Wants: []string{"reason"}, TwoPeople: true},
		{Verb: "reject", Doc: "Reject a file in the data folder. What was in force before stays in force.", From: []string{"proposed"}, To: "rejected", Act: "approve", By: "rejected_by",
			Takes: []string{"reason"}, Wants: []string{"reason"}},
	},
}

// override reads the text of a file that holds.
func (f *RuleFile) override() (*Override, error) {
	o, err := ParseOverride([]byte(f.Text), f.Path)
	if err != nil {
		return nil, err
	}
	o.Origin = Origin{Thing: f.ID, ByFile: true, ApprovedBy: f.ApprovedBy, Since: f.Since, Reason: f.Reason}
	return o, nil
}

// approveFile lets a file hold: it is looked at anew, because other things may have changed since it was read.
func approveFile(ctx context.Context, tx *store.Tx, _, now *RuleFile) error {
	set, err := inForce(ctx, &tx.View)
	if err != nil {
		return err
	}
	old := set.files[now.Path]
	now.Since = tx.Now
	diff, err := set.differences(ctx, &tx.View, set.withFile(now))
	if err != nil {
		return err
	}
	now.Changes = diff
	return endFile(ctx, tx, old)
}

// endFile ends a file that another takes the place of; nil is none.
func endFile(ctx context.Context, tx *store.Tx, f *RuleFile) error {
	if f == nil {
		return nil
	}
	f.State, f.Until = "superseded", tx.Now
	return store.Put(ctx, tx, RuleFiles, f)
}

var fileRules = []op.Also[RuleFile]{{Verb: "approve", Do: approveFile}}
