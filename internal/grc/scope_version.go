// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"slices"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A ScopeVersion is a change of what is in scope, or of when the programme starts, that one person proposes and another
// approves. It holds from its approval: days that are over keep the scope that they had.
type ScopeVersion struct {
	kind.Meta
	Categories     []Category        `json:"categories" doc:"The trust services categories in scope. Security is always included." read:"only" list:""`
	ProgrammeStart kind.Date         `json:"programme_start" doc:"First day of the programme. Nothing due before it is expected." read:"only" list:""`
	Reason         string            `json:"reason" doc:"Why." min:"10" max:"2000" list:""`
	Replaces       int64             `json:"replaces" doc:"The revision of the organisation it changes." read:"only"`
	Brings         []string          `json:"brings_controls,omitempty" doc:"Library controls of the new categories that come into force with it, as of the proposal." read:"only"`
	Requires       []string          `json:"requires_policies,omitempty" doc:"Policies that these controls depend on and that become required with it, as of the proposal." read:"only"`
	Left           []string          `json:"left_as_drafts,omitempty" doc:"Controls of the new categories that stayed drafts: someone edited or created them, or their activation is scheduled. Activate each with its own approval." read:"only"`
	Missing        []string          `json:"missing_controls,omitempty" doc:"Library controls of the new categories that you don't have: their drafts were deleted, or they were retired. Create or reactivate each one you need." read:"only"`
	ApprovedBy     string            `json:"approved_by" doc:"Who approved it." read:"only"`
	ApprovedAt     time.Time         `json:"approved_at,omitzero" doc:"When it was approved and took effect." read:"only"`
	ApprovedHow    kind.How          `json:"approved_how" doc:"How it was approved; empty if two separate people requested and approved it." read:"only" index:""`
	Answer         string            `json:"answer" doc:"Why it was rejected or withdrawn." max:"2000"`
	State          ScopeVersionState `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"proposed"`
}

// ScopeVersionState is where a change of scope stands.
type ScopeVersionState string

// Values lists the states.
func (ScopeVersionState) Values() []string {
	return []string{"proposed", "approved", "rejected", "withdrawn"}
}

// ScopeVersions are the changes of scope.
var ScopeVersions = kind.Kind[ScopeVersion]{
	Name: "scope_version", Plural: "scope_versions", Prefix: "scv", Object: "scope", Label: "reason", Create: kind.Never,
	Doc: "A scope version is a change of the categories in scope or of the programme's start. One person proposes it and another approves.",
	Check: func(o, n *ScopeVersion) error {
		if o == nil || o.State == "proposed" {
			return nil
		}
		a, b := *o, *n
		a.Meta, b.Meta, a.State, b.State, a.Answer, b.Answer = kind.Meta{}, kind.Meta{}, "", "", "", ""
		if !same(a, b) {
			return errs.New(errs.Conflict, "a change of scope that is %s can't be edited", o.State).Mend("propose a new one")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "approve", Doc: "Approve a change of scope. You can't approve your own.", From: []string{"proposed"}, To: "approved", Act: "approve", By: "approved_by", At: "approved_at", TwoPeople: true},
		{Verb: "reject", Doc: "Reject a change of scope, and say why.", From: []string{"proposed"}, To: "rejected", Act: "approve", Takes: []string{"answer"}, Wants: []string{"answer"}},
		{Verb: "withdraw", Doc: "Withdraw a change of scope that is not approved yet, and say why.", From: []string{"proposed"}, To: "withdrawn", Act: "propose", Takes: []string{"answer"}, Wants: []string{"answer"}},
	},
}

// addScope adds the changes of scope.
func addScope(s *op.Set) {
	op.Kind(s, ScopeVersions, op.Also[ScopeVersion]{Verb: "approve", Do: approveScope})
	op.Query(s, op.Spec{Name: "scope_version.suggest", Doc: "Show what companies of an industry usually take into scope: categories with a reason, and optional controls.", Object: "scope", Act: "view",
		Example: "scope_version suggest --industry legal"}, suggestScope)
	op.Change(s, op.Spec{Name: "scope_version.create", Doc: "Propose a change of scope or of the programme's start. It takes effect once another person approves it.", Object: "scope", Act: "propose",
		Example: `scope_version create --categories security --categories availability --reason "Customers ask for availability"`}, proposeScope)
}

type scopeIn struct {
	Categories     *[]Category `json:"categories" doc:"All trust services categories in scope. Security is always included." optional:""`
	ProgrammeStart *kind.Date  `json:"programme_start" doc:"First day of the programme. Nothing due before it is expected."`
	Reason         string      `json:"reason" doc:"Why." min:"10" max:"2000" long:""`
}

// proposeScope makes a version out of the scope as it is and what is named.
func proposeScope(ctx context.Context, tx *store.Tx, in scopeIn) (*ScopeVersion, error) {
	o, err := OrganizationOf(ctx, &tx.View)
	if err != nil {
		return nil, err
	}
	n := &ScopeVersion{Categories: o.Categories, ProgrammeStart: o.ProgrammeStart, Reason: in.Reason, Replaces: o.Rev, State: "proposed"}
	if in.Categories != nil {
		if n.Categories, err = inOrder(*in.Categories); err != nil {
			return nil, err
		}
	}
	lay(&n.ProgrammeStart, in.ProgrammeStart)
	if sameScope(o, n.Categories, n.ProgrammeStart) {
		return nil, errs.New(errs.Invalid, "nothing would change").Mend("change the categories or programme_start")
	}
	if n.ProgrammeStart != o.ProgrammeStart {
		if err := startsInTime(ctx, tx, n.ProgrammeStart); err != nil {
			return nil, err
		}
	}
	changed := *o
	changed.Categories, changed.ProgrammeStart = n.Categories, n.ProgrammeStart
	if err := kind.Validate(&changed); err != nil {
		return nil, err
	}
	if err := Organizations.Check(o, &changed); err != nil {
		return nil, err
	}
	p, err := packOf(ctx, &tx.View, o.Categories, n.Categories)
	if err != nil {
		return nil, err
	}
	n.Brings, n.Left, n.Missing = p.refs(), p.left, p.missing
	if n.Requires, err = notYetRequired(ctx, &tx.View, p.policies); err != nil {
		return nil, err
	}
	return n, store.Put(ctx, tx, ScopeVersions, n)
}

// firstStart is before any programme: a date that is earlier is a slip.
const firstStart = kind.Date("2000-01-01")

// startsInTime refuses a start of the programme that no programme has. What was due before the start is not judged, so that
// one in the future would hide whatever fails now.
func startsInTime(ctx context.Context, tx *store.Tx, start kind.Date) error {
	today, err := todayOf(ctx, tx)
	switch {
	case err != nil || start == "":
		return err
	case start > today:
		return errs.At("programme_start", "is in the future: nothing that happened until then would be judged").Mend("name today or an earlier day")
	case start < firstStart:
		return errs.At("programme_start", "is before %s", firstStart).Mend("name the day on which the programme began")
	}
	return nil
}

// notYetRequired are those of some policies that nothing requires so far.
func notYetRequired(ctx context.Context, v *store.View, used map[string]bool) (out []string, err error) {
	all, err := store.All(ctx, v, Policies, nil)
	for _, p := range all {
		if used[p.Ref] && !p.Required {
			out = append(out, p.Ref)
		}
	}
	slices.Sort(out)
	return out, err
}

// inOrder gives categories in their usual order, each once.
func inOrder(all []Category) ([]Category, error) {
	var out []Category
	for _, c := range Category("").Values() {
		if slices.Contains(all, Category(c)) {
			out = append(out, Category(c))
		}
	}
	for _, c := range all {
		if !slices.Contains(out, c) {
			return nil, errs.At("categories", "%.40q is not a category", string(c)).Mend("name security, availability, processing_integrity, confidentiality or privacy")
		}
	}
	return out, nil
}

// sameScope says whether an organisation has these categories, in any order, and this start.
func sameScope(o *Organization, categories []Category, start kind.Date) bool {
	a, b := slices.Sorted(slices.Values(o.Categories)), slices.Sorted(slices.Values(categories))
	return slices.Equal(a, b) && o.ProgrammeStart == start
}

// approveScope changes the organisation, and brings the controls of a new category along.
func approveScope(ctx context.Context, tx *store.Tx, _, n *ScopeVersion) error {
	o, err := OrganizationOf(ctx, &tx.View)
	if err != nil {
		return err
	}
	if o.Rev != n.Replaces { // another field may have changed since, but not the scope
		all, err := store.Versions(ctx, &tx.View, Organizations, 0)
		if err != nil {
			return err
		}
		for _, x := range all {
			if x.Thing.Rev >= n.Replaces && !sameScope(o, x.Thing.Categories, x.Thing.ProgrammeStart) {
				return errs.New(errs.Conflict, "the scope has changed since this was proposed").Mend("reject this one and propose the change again")
			}
		}
	}
	if n.ProgrammeStart != o.ProgrammeStart { // proposed by an earlier program, which did not ask
		if err := startsInTime(ctx, tx, n.ProgrammeStart); err != nil {
			return err
		}
	}
	was := *o
	o.Categories, o.ProgrammeStart = n.Categories, n.ProgrammeStart
	p, err := widen(ctx, tx, &was, o)
	if err != nil {
		return err
	}
	n.Left, n.Missing = p.left, p.missing
	return store.Put(ctx, tx, Organizations, o)
}
