// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"slices"
	"strings"

	"assay/content"
	"assay/internal/errs"
	"assay/internal/store"
)

// A policy says what its fields were when it was filled. Here is derived which of them are something else by now: in a text
// that is on its way into force, which is then refused, and in one that is in force, which is then listed.

// changed is a value that a text states and that is another by now.
type changed struct{ was, now FieldValue }

func (c changed) String() string {
	return c.was.Name + " was " + c.was.Value + " and is " + orNone(c.now.Value)
}

func orNone(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}

// changes lists which values are other ones by now.
func (f *filler) changes(stated []FieldValue) ([]changed, error) {
	declared, err := content.PolicyFields()
	if err != nil {
		return nil, err
	}
	var out []changed
	for _, was := range stated {
		i := slices.IndexFunc(declared, func(x content.PolicyField) bool { return x.Name == was.Name })
		if i < 0 || was.Value == "" {
			continue
		}
		now, err := f.value(declared[i])
		if err != nil {
			return nil, err
		}
		if now.Value != was.Value {
			out = append(out, changed{was, now})
		}
	}
	return out, nil
}

// states says whether a text has a value in it, as words.
func states(text, value string) bool {
	words := func(s string) string { return " " + strings.Join(wordsIn(s), " ") + " " }
	return strings.Contains(words(text), words(value))
}

// stated lists the values of fields that the draft states in a section that has the field, by whoever.
func (p *Policy) stated() []FieldValue {
	out, parts := []FieldValue{}, sectionsOf(p.Body)
	for _, f := range p.Filled {
		if f.Value != "" && slices.ContainsFunc(p.Template, func(s TemplateSection) bool { return s.holds(f, parts) }) {
			out = append(out, f)
		}
	}
	return out
}

// holds says whether a section has a field, and the text of its name or its digest states the value.
func (s TemplateSection) holds(f FieldValue, parts []part) bool {
	if s.Fields != nil && !slices.Contains(s.Fields, f.Name) { // older records do not say which fields they have
		return false
	}
	return slices.ContainsFunc(parts, func(x part) bool {
		return (strings.EqualFold(x.heading, s.Section) || digestOf(x.text) == s.Digest) && states(x.text, f.Value)
	})
}

// upToDate refuses to bring text of the template nearer to its being in force when a value has changed since it was filled: the
// policy would say another limit than the test. For what a person wrote instead, that person answers.
func (t templates) upToDate(ctx context.Context, tx *store.Tx, was, p *Policy) error {
	if was.State == "draft" {
		if err := t.recognise(ctx, &tx.View, p); err != nil {
			return err
		}
	}
	f, err := newFiller(ctx, &tx.View, p, t.params)
	if err != nil {
		return err
	}
	all, err := f.changes(p.Filled)
	if err != nil {
		return err
	}
	var stale, sections []string
	for _, x := range sectionsOf(p.Body) {
		i := p.recorded(x.text)
		if i < 0 {
			continue
		}
		for _, c := range all {
			if !p.Template[i].holds(c.was, []part{x}) {
				continue
			}
			stale, sections = with(stale, c.String()), with(sections, p.Template[i].Section)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	first := map[PolicyState]string{"in_review": "reject it with this reason, then ", "approved": "revise it, then "}[was.State]
	return errs.At("body", "settings have changed since the template was used: %s. Sections: %s", strings.Join(stale, "; "), strings.Join(sections, ", ")).
		Mend("%suse the template again, or edit these sections", first)
}

func with(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

// An Outdated value stands in a policy in force and is no longer current.
type Outdated struct {
	Policy string `json:"policy" doc:"The policy."`
	Ref    string `json:"ref" doc:"Its short name."`
	Title  string `json:"title" doc:"Its title."`
	Field  string `json:"field" doc:"What the value is."`
	Says   string `json:"says" doc:"The value in the version in force."`
	Now    string `json:"now" doc:"The current value; empty where it has none."`
	Source string `json:"source" doc:"Where the current value comes from."`
}

// OutdatedValues are all of them.
type OutdatedValues struct {
	Data []Outdated `json:"data" doc:"The values, by policy."`
}

type outdatedIn struct {
	Policy string `json:"policy" doc:"Only of this policy."`
}

// outdated lists what policies in force say that is no longer so.
func (t templates) outdated(ctx context.Context, v *store.View, in outdatedIn) (OutdatedValues, error) {
	out := OutdatedValues{Data: []Outdated{}}
	all, err := store.All(ctx, v, Policies, nil)
	if err != nil {
		return out, err
	}
	slices.SortFunc(all, func(a, b *Policy) int { return strings.Compare(a.Ref, b.Ref) })
	f, err := newFiller(ctx, v, nil, t.params)
	if err != nil {
		return out, err
	}
	for _, p := range all {
		if in.Policy != "" && in.Policy != p.ID || !p.InForce() {
			continue
		}
		f.policy = p.inForce()
		found, err := f.changes(f.policy.ForceFilled)
		if err != nil {
			return out, err
		}
		for _, c := range found {
			out.Data = append(out.Data, Outdated{p.ID, p.Ref, p.Called(), c.was.Name, c.was.Value, c.now.Value, c.now.Source})
		}
	}
	return out, nil
}

// inForce is a policy with what its version in force says, also where that was published before its values were kept.
func (p *Policy) inForce() *Policy {
	out := *p
	out.ReviewDays = p.Days()
	out.keep(p)
	return &out
}
