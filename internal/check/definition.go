// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/internal/errs"
	thing "assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A Definition adds tests of a company's own, or changes those of the catalogue: their parameters,
// severity, interval, or all of them. One that changes a test in force is a proposal until another
// person has approved it (INV-01), and so is taking one out of force.
type Definition struct {
	thing.Meta
	Title         string          `json:"title" doc:"What it changes, in one line." min:"3" max:"200" list:""`
	Text          string          `json:"text" doc:"The tests, as YAML in the form of the catalogue: a list under tests:." min:"5" max:"1000000" long:""`
	Reason        string          `json:"reason" doc:"Why. Required if it changes or switches off an existing test." max:"2000" list:""`
	Notes         string          `json:"notes" doc:"Anything else worth knowing." max:"2000"`
	Changes       []string        `json:"changes" doc:"What it changes about existing tests." read:"only"`
	Over          []string        `json:"over" doc:"Definitions in force that change the same tests. This one builds on them." read:"only"`
	RequestedBy   string          `json:"requested_by" doc:"Who proposed it again." read:"only"`
	ApprovedBy    string          `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedHow   thing.How       `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	ApprovedAt    time.Time       `json:"approved_at,omitzero" doc:"When it was approved." read:"only"`
	RejectReason  string          `json:"reject_reason" doc:"Why it was rejected." read:"only" max:"2000"`
	Since         time.Time       `json:"since,omitzero" doc:"When it came into force." read:"only"`
	RetireReason  string          `json:"retire_reason" doc:"Why it should be retired." max:"2000"`
	RetireChanges []string        `json:"retire_changes" doc:"What retiring it changes." read:"only"`
	RetiredBy     string          `json:"retired_by" doc:"Who requested to retire it." read:"only"`
	State         DefinitionState `json:"state" doc:"Whether it is in force. While retiring, it still is." read:"only" index:"" list:"" default:"proposed"`
}

// DefinitionState is whether a definition is in force.
type DefinitionState string

// Values lists the states.
func (DefinitionState) Values() []string {
	return []string{"proposed", "active", "retiring", "retired", "rejected"}
}

// Definitions are a company's own tests and changes.
var Definitions = thing.Kind[Definition]{
	Name: "definition", Plural: "definitions", Prefix: "def", Object: "tests", Label: "title",
	Settled: []string{"retiring"},
	Doc:     "A definition adds tests of your own, or changes those of the catalogue. A change to an existing test needs the approval of another person.",
	Check: func(_, n *Definition) error {
		_, err := n.Override()
		return err
	},
	Moves: []thing.Move{
		{Verb: "approve", Doc: "Approve a definition. You can't approve your own.", From: []string{"proposed"}, To: "active", Act: "approve", By: "approved_by", At: "approved_at",
			TwoPeople: true},
		{Verb: "reject", Doc: "Reject a definition, and say why.", From: []string{"proposed"}, To: "rejected", Act: "approve",
			Takes: []string{"reject_reason"}, Wants: []string{"reject_reason"}},
		{Verb: "ask_to_retire", Doc: "Request to retire a definition. It stays in force until someone else approves.", From: []string{"active"}, To: "retiring", Act: "edit", By: "retired_by",
			Takes: []string{"retire_reason"}, Wants: []string{"retire_reason"}},
		{Verb: "retire", Doc: "Retire a definition that someone else requested to retire.", From: []string{"retiring"}, To: "retired", Act: "approve",
			NotBy: []string{"retired_by"}, TwoPeople: true},
		{Verb: "keep", Doc: "Cancel the request to retire a definition.", From: []string{"retiring"}, To: "active", Act: "edit"},
		{Verb: "propose", Doc: "Propose a retired or rejected definition again.", From: []string{"retired", "rejected"}, To: "proposed", Act: "edit", By: "requested_by"},
	},
}

var standard = sync.OnceValues(BuiltIn)

// Standard is the catalogue that Assay brings along. It is compiled once, when it is first asked for.
func Standard() (*Catalogue, error) { return standard() }

// parse reads the text.
func (d *Definition) parse() (*Override, error) {
	name := "text"
	if d.ID != "" {
		name = d.ID
	}
	o, err := ParseOverride([]byte(d.Text), name)
	if err != nil {
		return nil, atText(err)
	}
	if len(o.Controls) > 0 {
		return nil, errs.At("text", "a definition contains only tests, not controls").Mend("use control create and control update, or a file in the folder tests of the data folder")
	}
	return o, nil
}

// Override reads the text of a definition and says where its form is wrong. Whether it fits the tests
// in force, which may not be those of this program, its operations say.
func (d *Definition) Override() (*Override, error) { return d.parse() }

// since is when a definition came into force. One from before approvals were kept was in force as it was written.
func (d *Definition) since() time.Time {
	if d.Since.IsZero() {
		return d.CreatedAt
	}
	return d.Since
}

func (d *Definition) origin() Origin {
	reason := d.Reason
	if reason == "" {
		reason = d.Notes
	}
	return Origin{Thing: d.ID, By: d.CreatedBy, ApprovedBy: d.ApprovedBy, Since: d.since(), Reason: reason}
}

// weigh says what a definition changes once it is in force.
func (d *Definition) weigh(ctx context.Context, tx *store.Tx) error {
	set, err := inForce(ctx, &tx.View)
	if err != nil {
		return err
	}
	if d.Changes, err = set.differences(ctx, &tx.View, set.with(d)); err != nil {
		return atText(err)
	}
	d.Over, err = set.without(d).under(d)
	return err
}

// under lists the definitions of a set that change a test which another one changes too.
func (s *setInForce) under(d *Definition) ([]string, error) {
	mine, err := d.parse()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, x := range s.definitions {
		o, err := x.parse()
		if err != nil {
			return nil, err
		}
		if mine.shares(o) != "" {
			out = append(out, x.ID)
		}
	}
	return out, nil
}

// shares names a test that two overrides both change; none is "".
func (o *Override) shares(other *Override) string {
	for _, t := range o.Tests {
		if slices.ContainsFunc(other.Tests, func(x TestChange) bool { return x.ID == t.ID }) {
			return t.ID
		}
	}
	return ""
}

// once refuses a test that stands twice in one definition. One that is in force already is read all the same.
func (d *Definition) once() error {
	o, err := d.parse()
	if err != nil {
		return err
	}
	for i, t := range o.Tests {
		if slices.ContainsFunc(o.Tests[:i], func(x TestChange) bool { return x.ID == t.ID }) {
			return errs.At("text", "%s is changed twice", t.ID).Mend("combine your changes to a test in one entry")
		}
	}
	return nil
}

// informed refuses a definition whose author did not know of another that has come into force since and changes the same test.
func (d *Definition) informed(was *Definition) error {
	for _, id := range d.Over {
		if !slices.Contains(was.Over, id) {
			return errs.New(errs.Conflict, "definition %s, which came into force after this was proposed, changes the same tests: %s", id, strings.Join(d.Changes, "; ")).
				Mend("save this one again so that it builds on %s, then approve it", id)
		}
	}
	return nil
}

// definitionRules are what the operations on definitions hold beside their moves.
var definitionRules = []op.Also[Definition]{
	{Verb: "create", Do: func(ctx context.Context, tx *store.Tx, _, now *Definition) error {
		if err := now.once(); err != nil {
			return err
		}
		if err := now.weigh(ctx, tx); err != nil {
			return err
		}
		if len(now.Changes) == 0 { // it only adds tests
			now.State, now.Since = "active", tx.Now
			return nil
		}
		return now.wantsReason()
	}},
	{Verb: "update", Do: func(ctx context.Context, tx *store.Tx, was, now *Definition) error {
		if was.inForce() {
			return errs.New(errs.Conflict, "a definition in force can't be edited").Mend("create another definition, which is applied on top of it, or retire it")
		}
		if err := now.once(); err != nil {
			return err
		}
		if err := now.weigh(ctx, tx); err != nil {
			return err
		}
		return now.wantsReason()
	}},
	{Verb: "end", Do: func(_ context.Context, _ *store.Tx, was, _ *Definition) error {
		if was.inForce() {
			return errs.New(errs.Conflict, "a definition in force can't be deleted").Mend("request to retire it")
		}
		return nil
	}},
	{Verb: "approve", Do: func(ctx context.Context, tx *store.Tx, was, now *Definition) error {
		now.Since = tx.Now
		if err := now.weigh(ctx, tx); err != nil {
			return err
		}
		return now.informed(was)
	}},
	{Verb: "ask_to_retire", Do: retiring},
	{Verb: "retire", Do: retiring},
	{Verb: "propose", Do: func(ctx context.Context, tx *store.Tx, _, now *Definition) error {
		now.ApprovedBy, now.ApprovedAt, now.Since, now.RejectReason = "", time.Time{}, time.Time{}, ""
		now.RetiredBy, now.RetireReason, now.RetireChanges = "", "", nil
		if err := now.weigh(ctx, tx); err != nil {
			return err
		}
		return now.wantsReason()
	}},
}

// retiring says what goes with a definition, and refuses to take one away that another needs.
func retiring(ctx context.Context, tx *store.Tx, _, now *Definition) error {
	set, err := inForce(ctx, &tx.View)
	if err == nil {
		now.RetireChanges, err = set.differences(ctx, &tx.View, set.without(now))
	}
	return err
}

func (d *Definition) inForce() bool { return d.State == "active" || d.State == "retiring" }

func (d *Definition) wantsReason() error {
	if len(d.Changes) > 0 && strings.TrimSpace(d.Reason) == "" {
		return errs.At("reason", "is required, because this changes %s", strings.Join(d.Changes, "; "))
	}
	return nil
}

func atText(err error) error {
	if err == nil {
		return nil
	}
	e := *errs.Public(err)
	if e.Code == errs.Internal {
		return err
	}
	e.Text, e.Field = strings.TrimPrefix(e.Error(), "text:"), "text"
	return &e
}
