// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/store"
)

// controlsByRef reads the controls.
func controlsByRef(ctx context.Context, v *store.View) (map[string]*grc.Control, error) {
	all, err := store.All(ctx, v, grc.Controls, nil)
	out := map[string]*grc.Control{}
	for _, c := range all {
		out[c.Ref] = c
	}
	return out, err
}

// controlsNew says whether a file in force adds a control that is not there yet.
func controlsNew(ctx context.Context, v *store.View) (bool, error) {
	files, err := check.FilesInForce(ctx, v)
	if err != nil || len(files) == 0 {
		return false, err
	}
	have, err := controlsByRef(ctx, v)
	for _, f := range files {
		for _, c := range f.Controls {
			if have[c.Ref] == nil {
				return true, err
			}
		}
	}
	return false, err
}

// applyControls adds the controls that the files in force have and the organisation does not, as drafts, and says which: a
// draft counts once one person has proposed to activate it and another has approved. A control that is there is never
// changed by a file: that takes a proposal and a second person.
func (a *App) applyControls(ctx context.Context, tx *store.Tx) (drafts []string, err error) {
	files, err := check.FilesInForce(ctx, &tx.View)
	if err != nil {
		return nil, err
	}
	have, err := controlsByRef(ctx, &tx.View)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		for _, c := range f.Controls {
			now := changed(have[c.Ref], c)
			if was := have[c.Ref]; was != nil {
				if diff := controlFields(was, now); len(diff) > 0 {
					err = a.proposeControl(ctx, tx, was, now, f.File, diff)
				}
			} else if err = store.Put(ctx, tx, grc.Controls, now); err == nil {
				have[c.Ref] = now
				drafts = append(drafts, c.Ref)
			}
			if err != nil {
				return nil, inFile(f.File, c.Ref, err)
			}
		}
	}
	return drafts, nil
}

// inFile says in which file, and about which control, something is wrong.
func inFile(file, ref string, err error) error {
	e := *errs.Public(err)
	if e.Code == errs.Internal {
		return err
	}
	e.Text, e.Field = ref+": "+e.Error(), file
	return &e
}

// proposeControl is where the change of a control by a file becomes a proposal. Until controls have versions that are
// proposed and approved, it is told and nothing is changed.
func (a *App) proposeControl(ctx context.Context, tx *store.Tx, was, _ *grc.Control, file string, fields []string) error {
	a.Log.WarnContext(ctx, "a file in the data folder would change a control; propose the change on the control instead", "org", tx.Org, "control", was.Ref, "file", file, "fields", strings.Join(fields, ", "))
	return nil
}

// controlChanges gives the function that says which controls a file would change.
func controlChanges(ctx context.Context, v *store.View) (func(*check.Override) []string, error) {
	have, err := controlsByRef(ctx, v)
	return func(o *check.Override) []string {
		var out []string
		for _, c := range o.Controls {
			if was := have[c.Ref]; was != nil {
				if diff := controlFields(was, changed(was, c)); len(diff) > 0 {
					out = append(out, fmt.Sprintf("control %s: %s: not applied, propose the change on the control", c.Ref, strings.Join(diff, ", ")))
				}
			}
		}
		return out
	}, err
}

// changed is a control with what a file says of it; was is nil for a new one, which no file can put in force.
func changed(was *grc.Control, c check.ControlChange) *grc.Control {
	now := &grc.Control{Ref: c.Ref, Set: "file", State: "draft", Weight: 1, Frequency: "continuous"}
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
	if c.Enabled != nil && was != nil {
		now.State = map[bool]grc.ControlState{true: "active", false: "retired"}[*c.Enabled]
	}
	if c.Tests != nil {
		now.Tests = nil
		for _, t := range *c.Tests {
			now.Tests = append(now.Tests, grc.ControlTest{Test: t.Test, Role: grc.TestRole(t.Role)})
		}
	}
	return now
}

// controlFields names the fields in which two states of a control differ.
func controlFields(was, now *grc.Control) []string {
	read := func(c *grc.Control) map[string]json.RawMessage {
		out := map[string]json.RawMessage{}
		if b, err := store.Encode(c); err == nil {
			_ = json.Unmarshal(b, &out) // it was written a line above
		}
		return out
	}
	a, b := read(was), read(now)
	var out []string
	for _, n := range slices.Sorted(maps.Keys(b)) {
		if string(a[n]) != string(b[n]) {
			out = append(out, n)
		}
	}
	return out
}

// lay puts a value over another, where one was given.
func lay[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
