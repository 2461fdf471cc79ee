// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"assay/content"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// A PolicyField is a value that the texts of policies share and no setting holds, such as the security contact. It is
// entered once, so that no two policies say different things.
type PolicyField struct {
	kind.Meta
	Name  string `json:"name" doc:"Its name, as it stands in the text of a policy between {{ and }}." read:"only" index:"" list:""`
	About string `json:"about" doc:"What it is." read:"only" list:""`
	Value string `json:"value" doc:"What policies say in its place." max:"200" list:""`
}

// PolicyFields are the shared values of policies. They come with the templates.
var PolicyFields = kind.Kind[PolicyField]{
	Name: "policy_field", Plural: "policy_fields", Prefix: "pfd", Object: "policies", Label: "name", Create: kind.Never,
	Doc: "A policy field is a value that the texts of your policies share, such as the security contact.",
	Check: func(_, n *PolicyField) error {
		if strings.Contains(n.Value, "{{") || strings.Contains(n.Value, "}}") || strings.ContainsFunc(n.Value, unicode.IsControl) {
			return errs.At("value", "must be one line without {{ or }}").Mend("write it as it should stand in a sentence")
		}
		return nil
	},
}

// Parameters says what a parameter of a test is now: nil where the test is switched off or has none of that name. The
// tests are known above, so that it is given from there.
type Parameters func(ctx context.Context, v *store.View, test, name string) (any, error)

// A FieldValue is what a field of a policy template was filled with, and from where.
type FieldValue struct {
	Name   string `json:"name" doc:"Name of the field."`
	Value  string `json:"value" doc:"Its value; empty where it has none yet."`
	Source string `json:"source" doc:"Where the value comes from."`
}

// settings are the settings that fields are filled from.
var settings = map[string]struct {
	where string
	of    func(f *filler) (string, error)
}{
	"company":     {"settings of the organisation: legal name, else name", func(f *filler) (string, error) { return cmp.Or(f.org.LegalName, f.org.Name), nil }},
	"timezone":    {"settings of the organisation: time zone", func(f *filler) (string, error) { return f.org.Timezone, nil }},
	"review_days": {"this policy: review days", func(f *filler) (string, error) { return reviewEach(f.policy.ReviewDays), nil }},
	"categories": {"scope: categories", func(f *filler) (string, error) {
		all, err := content.SOC2()
		var out []string
		for _, c := range all.Categories {
			for _, in := range f.org.Categories {
				if c.Key == string(in) {
					out = append(out, c.Title)
				}
			}
		}
		return strings.Join(out, ", "), err
	}},
	"restore_interval": {"scope: once a quarter with Availability, else once a year", func(f *filler) (string, error) {
		for _, c := range f.org.Categories {
			if c == "availability" {
				return "once a quarter", nil
			}
		}
		return "once a year", nil
	}},
	"executive_owner": {"people: title of the executive owner named in the settings", func(f *filler) (string, error) {
		if f.org.ExecutiveOwner == "" {
			return "", nil
		}
		p, err := store.Get(f.ctx, f.v, People, f.org.ExecutiveOwner)
		if errors.Is(err, errs.NotFound) { // somebody who is no longer on record
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return p.Title, nil
	}},
}

// filler fills the fields of one policy, as they are at a view.
type filler struct {
	ctx     context.Context
	v       *store.View
	org     *Organization
	policy  *Policy
	params  Parameters
	answers map[string]string     // by name, of those that a person enters
	known   map[string]FieldValue // by name, of those that are the same for every policy
}

func newFiller(ctx context.Context, v *store.View, p *Policy, params Parameters) (*filler, error) {
	org, err := OrganizationOf(ctx, v)
	if err != nil {
		return nil, err
	}
	f := &filler{ctx: ctx, v: v, org: org, policy: p, params: params, answers: map[string]string{}, known: map[string]FieldValue{}}
	all, err := store.All(ctx, v, PolicyFields, nil)
	for _, x := range all {
		f.answers[x.Name] = x.Value
	}
	return f, err
}

// value is what a field is now, and where that comes from.
func (f *filler) value(x content.PolicyField) (FieldValue, error) {
	if out, ok := f.known[x.Name]; ok {
		return out, nil
	}
	out, err := f.read(x)
	if err == nil && x.Setting == "" {
		f.known[x.Name] = out
	}
	return out, err
}

func (f *filler) read(x content.PolicyField) (FieldValue, error) {
	out := FieldValue{Name: x.Name}
	var err error
	switch {
	case x.Ask != "":
		out.Source, out.Value = "policy fields", f.answers[x.Name]
	case x.Words != "":
		out.Source, out.Value = x.Words, x.Value
		var said bool
		if said, err = f.stillSays(x); !said {
			out.Source, out.Value = "policy fields: "+x.Words+" differs from the library", f.answers[x.Name]
		}
	case len(x.Params) > 0:
		out.Source = strings.Join(x.Params, ", ")
		out.Value, err = f.measured(x)
	default:
		s, ok := settings[x.Setting]
		if !ok {
			return out, fmt.Errorf("policy field %s: there is no setting %s", x.Name, x.Setting)
		}
		out.Source = s.where
		out.Value, err = s.of(f)
	}
	out.Value = strings.Join(strings.Fields(out.Value), " ")
	return out, err
}

// measured is the value of parameters. Where they differ, or no test in force has one, there is none.
func (f *filler) measured(x content.PolicyField) (string, error) {
	var found []string
	for _, p := range x.Params {
		dot := strings.LastIndex(p, ".")
		if f.params == nil || dot < 0 {
			continue
		}
		v, err := f.params(f.ctx, f.v, p[:dot], p[dot+1:])
		if err != nil {
			return "", fmt.Errorf("read %s: %w", p, err)
		}
		if v != nil {
			found = append(found, withUnit(v, x.Unit))
		}
	}
	for _, v := range found {
		if v != found[0] {
			return "", nil
		}
	}
	return cmp.Or(found...), nil
}

// withUnit is a number with its unit.
func withUnit(n any, unit string) string {
	text := fmt.Sprint(n)
	switch {
	case unit == "" || unit == "%":
		return text + unit
	case text != "1":
		unit += "s"
	}
	return text + " " + unit
}

// stillSays says whether the control that fixes the value of a field reads as the library wrote it. Another text, or a control
// that is retired, may mean another value, and which one only a person can tell.
func (f *filler) stillSays(x content.PolicyField) (bool, error) {
	all, err := content.Controls()
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(all, func(c content.Control) bool { return c.Ref == x.Words })
	if i < 0 { // a test: its words are those of the library
		return true, nil
	}
	found, err := store.All(f.ctx, f.v, Controls, map[string]any{"ref": x.Words})
	if err != nil {
		return false, fmt.Errorf("read control %s: %w", x.Words, err)
	}
	for _, now := range found {
		if now.State == "retired" || now.Text != all[i].Text || !slices.Equal(now.Chores, all[i].Tasks) {
			return false, nil
		}
	}
	return true, nil
}

// askFields makes the fields that a person enters, where they are not there yet: in organisations older than a field too, and
// those whose control no longer says the value.
func (f *filler) askFields(tx *store.Tx) error {
	all, err := content.PolicyFields()
	if err != nil {
		return err
	}
	for _, x := range all {
		about := x.Label + ", such as: " + x.Ask
		if x.Words != "" {
			about = x.Label + ", because " + x.Words + " no longer reads as in the library (" + x.Value + " there)"
			said, err := f.stillSays(x)
			if err != nil {
				return err
			}
			if said {
				continue
			}
		} else if x.Ask == "" {
			continue
		}
		if _, there := f.answers[x.Name]; there {
			continue
		}
		if err := store.Put(f.ctx, tx, PolicyFields, &PolicyField{Name: x.Name, About: about}); err != nil {
			return fmt.Errorf("add policy field %s: %w", x.Name, err)
		}
	}
	return nil
}

// reviewEach says how often a policy is reviewed: in months where the days are a year and its grace.
func reviewEach(days int64) string {
	if days >= 365 && days <= 380 {
		return "12 months"
	}
	return withUnit(days, "day")
}
