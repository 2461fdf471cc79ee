// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"os"
	"slices"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/store"
)

// ApplyControls brings the controls that stand in the files of the data folder into the organisation: new ones
// are added, others changed, and what has not changed is left alone. It happens in one transaction, or not at all.
func (a *App) ApplyControls(ctx context.Context, org string) error {
	if _, err := os.Stat(a.rules.dir); err != nil {
		return nil //nolint:nilerr // no folder, nothing to apply
	}
	files, err := check.LoadOverrides(os.DirFS(a.rules.dir))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(files, func(o *check.Override) bool { return len(o.Controls) > 0 }) {
		return nil
	}
	_, err = a.DB.Change(ctx, org, store.System("control.update"), func(tx *store.Tx) error {
		all, err := store.All(ctx, &tx.View, grc.Controls, nil)
		if err != nil {
			return err
		}
		byRef := map[string]*grc.Control{}
		for _, c := range all {
			byRef[c.Ref] = c
		}
		for _, f := range files {
			for _, c := range f.Controls {
				if err := applyControl(ctx, tx, byRef[c.Ref], c); err != nil {
					e := *errs.Public(err)
					if e.Code == errs.Internal {
						return err
					}
					e.Text, e.Field = c.Ref+": "+e.Error(), f.File
					return &e
				}
			}
		}
		return nil
	})
	return err
}

func applyControl(ctx context.Context, tx *store.Tx, was *grc.Control, c check.ControlChange) error {
	now := &grc.Control{Ref: c.Ref, Set: "custom", State: "active", Weight: 1, Frequency: "continuous"}
	if was != nil {
		x := *was
		now = &x
	}
	lay(&now.Title, c.Title)
	lay(&now.Text, c.Text)
	lay(&now.Criteria, c.Criteria)
	lay(&now.Policies, c.Policies)
	lay(&now.OwnerRole, c.Owner)
	if c.Weight != nil {
		now.Weight = int64(*c.Weight)
	}
	if c.Frequency != nil {
		now.Frequency = grc.Frequency(*c.Frequency)
	}
	if c.Enabled != nil {
		now.State = map[bool]grc.ControlState{true: "active", false: "retired"}[*c.Enabled]
	}
	if c.Tests != nil {
		now.Tests = nil
		for _, t := range *c.Tests {
			now.Tests = append(now.Tests, grc.ControlTest{Test: t.Test, Role: grc.TestRole(t.Role)})
		}
	}
	if was != nil {
		a, err := store.Encode(was)
		if err != nil {
			return err
		}
		b, err := store.Encode(now)
		if err != nil || string(a) == string(b) {
			return err
		}
	}
	return store.Put(ctx, tx, grc.Controls, now)
}

// lay puts a value over another, where one was given.
func lay[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
