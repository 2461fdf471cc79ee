// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// fieldsFunc says what changed in which field. It is asked of what is shown only.
type fieldsFunc = func(context.Context, *store.View, *dated) ([]WasNow, error)

func fixed(f ...WasNow) fieldsFunc {
	return func(context.Context, *store.View, *dated) ([]WasNow, error) { return f, nil }
}

// encoded is a value as it is shown: a text as it is, anything else as JSON.
func encoded(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := store.Encode(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return plainJSON(b)
}

func plainJSON(b json.RawMessage) string {
	var s string
	var list []string
	switch {
	case len(b) == 0 || string(b) == "null":
		return ""
	case json.Unmarshal(b, &s) == nil:
		return s
	case json.Unmarshal(b, &list) == nil:
		return strings.Join(list, ", ")
	}
	return string(b)
}

// termFields are what a version of a control changes: held against the control as it was when it was proposed.
func termFields(n *grc.ControlVersion, control string, at int64) fieldsFunc {
	return func(_ context.Context, _ *store.View, d *dated) ([]WasNow, error) {
		var was *grc.Control
		for _, c := range d.over.controls {
			if c.ID == control && (c.Since < at || was == nil) && c.Thing.VersionNo <= n.Replaces {
				was = c.Thing
			}
		}
		if was == nil {
			return nil, nil
		}
		var out []WasNow
		if state := map[grc.VersionAction]string{"activate": "active", "retire": "retired"}[n.Action]; state != "" {
			out = append(out, WasNow{"state", string(was.State), state})
		}
		terms, err := differ(was.Terms(), n.Terms)
		return append(out, terms...), err
	}
}

// controlFieldsOf are what changed between two versions of a control; was is nil where it was added.
func controlFieldsOf(was *store.Dated[grc.Control], now *grc.Control) fieldsFunc {
	return func(context.Context, *store.View, *dated) ([]WasNow, error) {
		if was == nil {
			return []WasNow{{"state", "", string(now.State)}}, nil
		}
		out, err := differ(was.Thing.Terms(), now.Terms())
		if was.Thing.State != now.State {
			out = append([]WasNow{{"state", string(was.Thing.State), string(now.State)}}, out...)
		}
		return out, err
	}
}

// differ lists the fields in which two values differ, in the order of their names.
func differ(a, b any) ([]WasNow, error) {
	var x, y map[string]json.RawMessage
	for _, one := range []struct {
		from any
		to   *map[string]json.RawMessage
	}{{a, &x}, {b, &y}} {
		raw, err := store.Encode(one.from)
		if err == nil {
			err = json.Unmarshal(raw, one.to)
		}
		if err != nil {
			return nil, fmt.Errorf("compare: %w", err)
		}
	}
	var names []string
	for n := range x {
		names = append(names, n)
	}
	slices.Sort(names)
	var out []WasNow
	for _, n := range names {
		if was, now := shownField(n, x[n]), shownField(n, y[n]); was != now {
			out = append(out, WasNow{n, was, now})
		}
	}
	return out, nil
}

// shownField is a field of a control as a person reads it.
func shownField(name string, raw json.RawMessage) string {
	switch name {
	case "tests":
		var list []grc.ControlTest
		if json.Unmarshal(raw, &list) != nil {
			return string(raw)
		}
		var out []string
		for _, t := range list {
			text := t.Test
			if t.Role != "" {
				text += " (" + string(t.Role) + ")"
			}
			if len(t.OnlyPolicies) > 0 {
				text += " for " + strings.Join(t.OnlyPolicies, ", ")
			}
			out = append(out, text)
		}
		return strings.Join(out, ", ")
	case "evidence":
		var list []grc.EvidenceKind
		if json.Unmarshal(raw, &list) != nil {
			return string(raw)
		}
		var out []string
		for _, e := range list {
			text := e.Title + " (" + op.Title(string(e.Frequency))
			if e.ValidityDays > 0 {
				text += fmt.Sprintf(", valid for %d days", e.ValidityDays)
			}
			if !e.Required {
				text += ", not required"
			}
			out = append(out, text+")")
		}
		return strings.Join(out, ", ")
	}
	return plainJSON(raw)
}

// catalogueAt is the catalogue that was in force just before an entry of the ledger.
func catalogueAt(ctx context.Context, v *store.View, entry int64) (*check.Catalogue, error) {
	then := *v.Whole()
	then.At, then.Past = entry, true
	return check.InForce(ctx, &then)
}

// testFields are what a definition or a file changes in tests, once it is in force; before that, what it would change in words.
func testFields(tests, changes []string, entry int64, state ChangeState) fieldsFunc {
	if state != "in_force" {
		if len(changes) == 0 {
			return nil // what was told before stays
		}
		var out []WasNow
		for _, c := range changes {
			test, what, _ := strings.Cut(c, ": ")
			out = append(out, WasNow{Name: test, Now: what})
		}
		if state == "proposed" || state == "rejected" {
			return fixed(out...)
		}
		return nil
	}
	return func(ctx context.Context, v *store.View, d *dated) ([]WasNow, error) {
		before := entry
		for _, f := range d.over.files {
			if f.Since == entry-1 && f.Thing.State == "superseded" {
				before-- // the file that it took the place of went just before
			}
		}
		return catalogueFields(ctx, v, before, entry+1, tests)
	}
}

// catalogueFields are the differences of tests between two entries; of all tests where none are named.
func catalogueFields(ctx context.Context, v *store.View, before, after int64, tests []string) ([]WasNow, error) {
	from, err := catalogueAt(ctx, v, before)
	if err != nil {
		return nil, err
	}
	to, err := catalogueAt(ctx, v, after)
	if err != nil {
		return nil, err
	}
	if tests == nil {
		tests = slices.Compact(slices.Sorted(slices.Values(slices.Concat(from.Names(), to.Names()))))
	}
	var out []WasNow
	for _, c := range check.FieldChanges(from, to, tests) {
		out = append(out, WasNow{Name: c.Test + " " + c.Field, Was: plainJSON(c.Was), Now: plainJSON(c.Now)})
	}
	return out, nil
}

// mostFields is how many fields of a new catalogue are told one by one.
const mostFields = 40

// editionFields are what another catalogue of Assay changed in the tests.
func editionFields(entry int64, was, now string) fieldsFunc {
	return func(ctx context.Context, v *store.View, _ *dated) ([]WasNow, error) {
		all, err := catalogueFields(ctx, v, entry, entry+1, nil)
		if len(all) > mostFields {
			all = append(all[:mostFields:mostFields], WasNow{Name: fmt.Sprintf("and %d more", len(all)-mostFields)})
		}
		return append([]WasNow{{"catalogue", was, now}}, all...), err
	}
}
