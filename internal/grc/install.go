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
		x := &Policy{Ref: p.Ref, Title: p.Title, Kind: PolicyKind(p.Kind), Required: used[p.Ref], ReviewDays: int64(p.ReviewDays), Audience: p.Audience, Sections: p.Sections, State: "draft"}
		if x.Kind == "" || !slices.Contains(x.Kind.Values(), string(x.Kind)) {
			x.Kind = "policy"
		}
		if err := store.Put(ctx, tx, Policies, x); err != nil {
			return fmt.Errorf("install %s: %w", p.Ref, err)
		}
	}
	return nil
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

// widen puts the controls of the library for a category in force when the category comes into scope, with the text that the
// library has for them; and makes the policies that they rest on required. A draft that somebody edited or made is no text of
// the library, and one that is scheduled has been decided on: left says which stay drafts, to be activated by themselves.
func widen(ctx context.Context, tx *store.Tx, was, now *Organization) (left []string, err error) {
	shipped, err := library()
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, category := range now.Categories {
		if slices.Contains(was.Categories, category) {
			continue
		}
		pack, err := store.All(ctx, &tx.View, Controls, map[string]any{"set": string(category), "state": "draft"})
		if err != nil {
			return nil, err
		}
		for _, c := range pack {
			ready, err := pristine(ctx, tx, c)
			if err != nil {
				return nil, err
			}
			if !ready {
				left = append(left, c.Ref)
				continue
			}
			if x := shipped[c.Ref]; x != nil {
				c.SetTerms(x.Terms())
			}
			if c.VersionNo, err = nextNumber(ctx, &tx.View, c); err != nil {
				return nil, err
			}
			c.State, c.VersionFrom = "active", tx.Now
			if err := store.Put(ctx, tx, Controls, c); err != nil {
				return nil, err
			}
			for _, p := range c.Policies {
				used[p] = true
			}
		}
	}
	slices.Sort(left)
	return left, require(ctx, tx, used)
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
func pristine(ctx context.Context, tx *store.Tx, c *Control) (bool, error) {
	if c.VersionNo > 0 || !c.Library {
		return false, nil
	}
	h, err := tx.History(ctx, Controls.Name, c.ID)
	if err != nil {
		return false, err
	}
	var first Control
	if body := h[len(h)-1].Body; body == nil {
		return false, nil
	} else if err := json.Unmarshal(body, &first); err != nil {
		return false, fmt.Errorf("read %s: %w", c.ID, err)
	}
	scheduled, err := scheduledFor(ctx, &tx.View, c.ID)
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
