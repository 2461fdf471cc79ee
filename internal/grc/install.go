// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"assay/content"
	"assay/internal/kind"
	"assay/internal/store"
)

// Install puts the library into a new organisation: the criteria, the controls of the sets that are
// chosen, and the policies that they rest on, as drafts without a text. Nothing of it counts as proof.
func Install(ctx context.Context, tx *store.Tx, sets []string) error {
	f, err := content.SOC2()
	if err != nil {
		return fmt.Errorf("read criteria: %w", err)
	}
	for _, c := range f.Criteria {
		r := &Requirement{Framework: f.Key, Ref: c.Ref, Text: c.Text, Series: c.Series, Category: c.Category, Position: int64(c.Order)}
		if err := store.Put(ctx, tx, Requirements, r); err != nil {
			return fmt.Errorf("install %s: %w", c.Ref, err)
		}
	}
	families, err := content.Families()
	if err != nil {
		return fmt.Errorf("read controls: %w", err)
	}
	used := map[string]bool{}
	for _, f := range families {
		for _, c := range f.Controls {
			x := control(f.Family, c)
			if !slices.Contains(sets, c.Set) {
				x.State = "draft"
			} else {
				x.VersionNo, x.VersionFrom = 1, tx.Now
				for _, p := range c.Policies {
					used[p] = true
				}
			}
			if err := store.Put(ctx, tx, Controls, x); err != nil {
				return fmt.Errorf("install %s: %w", c.Ref, err)
			}
		}
	}
	policies, err := content.Policies()
	if err != nil {
		return fmt.Errorf("read policies: %w", err)
	}
	for _, p := range policies {
		x := policy(p)
		x.Required = used[p.Ref]
		if err := store.Put(ctx, tx, Policies, x); err != nil {
			return fmt.Errorf("install %s: %w", p.Ref, err)
		}
	}
	return (&filler{ctx: ctx, v: &tx.View}).askFields(tx)
}

// policy is a policy of the library as a thing, without a text.
func policy(p content.Policy) *Policy {
	x := &Policy{Ref: p.Ref, Title: p.Title, Kind: PolicyKind(p.Kind), ReviewDays: int64(p.ReviewDays), Audience: p.Audience, Sections: p.Sections, State: "draft"}
	if x.Kind == "" || !slices.Contains(x.Kind.Values(), string(x.Kind)) {
		x.Kind = "policy"
	}
	return x
}

// control is a control of the library as a thing.
func control(family string, c content.Control) *Control {
	x := &Control{Ref: c.Ref, Title: c.Title, Text: c.Text, Family: family, Set: c.Set, State: "active", OwnerRole: c.Owner, Weight: int64(c.Weight), Frequency: Frequency(c.Frequency),
		Purpose: c.Purpose, Operation: c.Operation, Criteria: c.Criteria, Policies: c.Policies, Chores: c.Tasks}
	x.Library = true
	for _, t := range c.Tests {
		x.Tests = append(x.Tests, ControlTest{Test: t.Test, Role: TestRole(t.Role), OnlyPolicies: t.OnlyPolicies})
	}
	for _, e := range c.Evidence {
		x.Evidence = append(x.Evidence, EvidenceKind{Key: e.Key, Title: e.Title, Type: e.Type, Frequency: Frequency(e.Frequency), ValidityDays: int64(e.ValidityDays), Required: e.Required})
	}
	return x
}

// Found makes the organisation itself, and its first person.
func Found(ctx context.Context, tx *store.Tx, name, publicKey string, owner *Person) error {
	if err := store.Put(ctx, tx, People, owner); err != nil {
		return fmt.Errorf("first person: %w", err)
	}
	o := &Organization{Meta: kind.Meta{ID: tx.Org}, Name: name, Timezone: "UTC", FiscalYearStartMonth: 1, Categories: []Category{"security"}, PublicKey: publicKey, ExecutiveOwner: owner.ID}
	return store.Put(ctx, tx, Organizations, o)
}

// pack is what categories bring along when they come into scope.
type pack struct {
	controls []*Control      // come into force, with the text that the library has for them
	left     []string        // stay drafts, to be activated by themselves
	missing  []string        // are in the library and not here: deleted as drafts, or retired
	policies map[string]bool // become required, by their refs
}

// packOf says what the categories that are new bring. A draft that somebody edited or made is no text of the library, and one
// that is scheduled has been decided on: they are left.
func packOf(ctx context.Context, v *store.View, was, now []Category) (*pack, error) {
	shipped, err := library()
	if err != nil {
		return nil, err
	}
	all, err := store.All(ctx, v, Controls, nil)
	if err != nil {
		return nil, err
	}
	here := map[string]bool{}
	for _, c := range all {
		here[kind.FoldedKey(c.Ref)] = c.State != "retired"
	}
	out := &pack{policies: map[string]bool{}}
	for _, category := range now {
		if slices.Contains(was, category) {
			continue
		}
		for ref, c := range shipped {
			if c.Set == string(category) && !here[kind.FoldedKey(ref)] {
				out.missing = append(out.missing, ref)
			}
		}
		drafts, err := store.All(ctx, v, Controls, map[string]any{"set": string(category), "state": "draft"})
		if err != nil {
			return nil, err
		}
		for _, c := range drafts {
			ready, err := pristine(ctx, v, c)
			if err != nil {
				return nil, err
			}
			if !ready {
				out.left = append(out.left, c.Ref)
				continue
			}
			if x := shipped[c.Ref]; x != nil {
				c.SetTerms(x.Terms())
			}
			out.controls = append(out.controls, c)
			for _, p := range c.Policies {
				out.policies[p] = true
			}
		}
	}
	slices.Sort(out.left)
	slices.Sort(out.missing)
	return out, nil
}

// refs are the refs of the controls that come into force.
func (p *pack) refs() (out []string) {
	for _, c := range p.controls {
		out = append(out, c.Ref)
	}
	slices.Sort(out)
	return out
}

// widen puts the controls of the library for a category in force when the category comes into scope, and makes the policies
// that they rest on required. What it gives says which stay drafts, and which are not here.
func widen(ctx context.Context, tx *store.Tx, was, now *Organization) (*pack, error) {
	p, err := packOf(ctx, &tx.View, was.Categories, now.Categories)
	if err != nil {
		return nil, err
	}
	for _, c := range p.controls {
		if c.VersionNo, err = nextNumber(ctx, &tx.View, c); err != nil {
			return nil, err
		}
		c.State, c.VersionFrom = "active", tx.Now
		if err := store.Put(ctx, tx, Controls, c); err != nil {
			return nil, err
		}
	}
	return p, require(ctx, tx, p.policies)
}

// offer are the controls and policies of this program's library that an organisation never had, in their usual order.
func offer(ctx context.Context, v *store.View) (controls []*Control, policies []*Policy, err error) {
	families, err := content.Families()
	if err != nil {
		return nil, nil, fmt.Errorf("read controls: %w", err)
	}
	texts, err := content.Policies()
	if err != nil {
		return nil, nil, fmt.Errorf("read policies: %w", err)
	}
	had, err := everHad(ctx, v, Controls, func(c *Control) string { return c.Ref })
	if err != nil {
		return nil, nil, err
	}
	for _, f := range families {
		for _, c := range f.Controls {
			if !had[c.Ref] {
				x := control(f.Family, c)
				x.State = "draft"
				controls = append(controls, x)
			}
		}
	}
	if had, err = everHad(ctx, v, Policies, func(p *Policy) string { return p.Ref }); err != nil {
		return nil, nil, err
	}
	for _, p := range texts {
		if !had[p.Ref] {
			policies = append(policies, policy(p))
		}
	}
	return controls, policies, nil
}

// everHad are the refs that things of a kind have, or had at any time: what was deleted is not offered again.
func everHad[T any, P kind.Thing[T]](ctx context.Context, v *store.View, k kind.Kind[T], ref func(P) string) (map[string]bool, error) {
	had := map[string]bool{}
	page := store.EntryPage{Kind: k.Name, Limit: 1000}
	for {
		entries, err := v.Entries(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			x := P(new(T))
			if e.Body == nil {
				continue
			}
			if err := json.Unmarshal(e.Body, x); err != nil {
				return nil, fmt.Errorf("read entry %d: %w", e.Seq, err)
			}
			had[ref(x)] = true
		}
		if len(entries) < page.Limit {
			return had, nil
		}
		page.Before = entries[len(entries)-1].Seq
	}
}

// LibraryNew says whether OfferLibrary may have something to write.
func LibraryNew(ctx context.Context, v *store.View) (bool, error) {
	all, err := content.Controls()
	if err != nil {
		return false, fmt.Errorf("read controls: %w", err)
	}
	now, err := store.All(ctx, v, Controls, nil)
	if err != nil {
		return false, err
	}
	have := map[string]bool{}
	for _, c := range now {
		have[c.Ref] = true
	}
	return slices.ContainsFunc(all, func(c content.Control) bool { return !have[c.Ref] }), nil
}

// OfferLibrary gives an organisation that an earlier program founded what the library has got since, as drafts: they count for
// nothing until two people activate them, or a change of scope brings their category. It says which controls came.
func OfferLibrary(ctx context.Context, tx *store.Tx) ([]string, error) {
	controls, policies, err := offer(ctx, &tx.View)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, c := range controls {
		if err := store.Put(ctx, tx, Controls, c); err != nil {
			return nil, fmt.Errorf("offer %s: %w", c.Ref, err)
		}
		refs = append(refs, c.Ref)
	}
	for _, p := range policies {
		if err := store.Put(ctx, tx, Policies, p); err != nil {
			return nil, fmt.Errorf("offer %s: %w", p.Ref, err)
		}
	}
	return refs, nil
}

// library are the controls of the library by their refs.
func library() (map[string]*Control, error) {
	families, err := content.Families()
	if err != nil {
		return nil, fmt.Errorf("read controls: %w", err)
	}
	out := map[string]*Control{}
	for _, f := range families {
		for _, c := range f.Controls {
			out[c.Ref] = control(f.Family, c)
		}
	}
	return out, nil
}

// pristine says whether a draft is as the library installed it, and nobody has decided when it comes into force.
func pristine(ctx context.Context, v *store.View, c *Control) (bool, error) {
	if c.VersionNo > 0 || !c.Library {
		return false, nil
	}
	h, err := v.History(ctx, Controls.Name, c.ID)
	if err != nil {
		return false, err
	}
	var first Control
	if body := h[len(h)-1].Body; body == nil {
		return false, nil
	} else if err := json.Unmarshal(body, &first); err != nil {
		return false, fmt.Errorf("read %s: %w", c.ID, err)
	}
	scheduled, err := scheduledFor(ctx, v, c.ID)
	return scheduled == nil && first.Ref == c.Ref && first.Set == c.Set && same(first.Terms(), c.Terms()), err
}

// require makes policies required by their refs.
func require(ctx context.Context, tx *store.Tx, used map[string]bool) error {
	if len(used) == 0 {
		return nil
	}
	policies, err := store.All(ctx, &tx.View, Policies, nil)
	if err != nil {
		return err
	}
	for _, p := range policies {
		if used[p.Ref] && !p.Required {
			p.Required = true
			if err := store.Put(ctx, tx, Policies, p); err != nil {
				return err
			}
		}
	}
	return nil
}
