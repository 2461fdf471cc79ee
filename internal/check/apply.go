// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/content"
	"assay/internal/errs"
)

// Disabled is a test that a company switched off, and why.
type Disabled struct {
	ID, Reason, File string

	Title  string // of the test as it was
	Change Change // since when, and who stands behind it

	was content.Test // what a later change is laid over
}

// With returns the catalogue as a company has it. Nothing of a bad file is taken: the first fault is
// returned with file, line, field and reason. controls are the controls there are; tests may only be
// tied to those and to controls that the overrides add. Nil leaves that out: it was looked at when the
// override came into force, and a control that has ended since does not undo it.
func (c *Catalogue) With(overrides []*Override, controls []string) (*Catalogue, error) {
	out := &Catalogue{kinds: c.kinds, env: c.env, src: c.src, rules: maps.Clone(c.rules), order: slices.Clone(c.order), disabled: slices.Clone(c.disabled),
		changes: maps.Clone(c.changes), added: maps.Clone(c.added)}
	if out.changes == nil {
		out.changes, out.added = map[string]Change{}, map[string]Change{}
	}
	var known map[string]bool
	if controls != nil {
		known = map[string]bool{}
	}
	for _, ref := range controls {
		known[ref] = true
	}
	for _, o := range overrides {
		for _, ctl := range o.Controls {
			if known != nil {
				known[ctl.Ref] = true
			}
		}
	}
	changed := map[string]string{}
	for _, o := range overrides {
		for i := range o.Tests {
			if err := out.change(o, i, known, changed); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range overrides {
		if err := out.checkControlTests(o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Disabled lists the tests that were switched off.
func (c *Catalogue) Disabled() []Disabled { return slices.Clone(c.disabled) }

// on forgets that a test was switched off.
func (c *Catalogue) on(id string) {
	c.disabled = slices.DeleteFunc(c.disabled, func(d Disabled) bool { return d.ID == id })
}

// change lays one entry of an override over the catalogue. A definition came into force after what it lies over, and wins;
// of two files neither does, so that one of them is refused.
func (c *Catalogue) change(o *Override, i int, controls map[string]bool, changed map[string]string) error {
	t, entry := o.Tests[i], fmt.Sprintf("tests[%d]", i)
	if first, twice := changed[t.ID]; twice && !o.later {
		return o.wrong(entry, "id", fmt.Sprintf("%s is already changed in %s", t.ID, first))
	}
	changed[t.ID] = o.File
	old, exists := c.rules[t.ID]
	def := content.Test{ID: t.ID}
	off, wasOff := c.Off(t.ID)
	switch {
	case exists:
		def = old.Def
	case wasOff && o.later:
		def = off.was
	}
	known := exists || wasOff && o.later
	if t.Enabled != nil && !*t.Enabled {
		if !known {
			return o.wrong(entry, "id", fmt.Sprintf("there is no test %s to switch off", t.ID))
		}
		delete(c.rules, t.ID)
		c.order = slices.DeleteFunc(c.order, func(id string) bool { return id == t.ID })
		c.on(t.ID)
		c.disabled = append(c.disabled, Disabled{ID: t.ID, Reason: t.Reason, File: o.File, Title: def.Title, Change: o.change(t, []string{"enabled"}), was: def})
		return nil
	}
	if known {
		if t.Condition == nil && t.Event == nil {
			if err := o.checkParams(entry, t, def); err != nil {
				return err
			}
		}
	}
	was := def
	t.onto(&def)
	r, err := c.compile(def)
	if err != nil {
		return o.translate(entry, t.ID, err)
	}
	for _, l := range def.Controls {
		if controls != nil && !controls[l.ID] {
			return o.wrong(entry, "controls", fmt.Sprintf("there is no control %s", l.ID))
		}
	}
	if t.Fixtures != nil && controls != nil { // of what is in force they were looked at before
		if err := c.checkFixtures(o, entry, r); err != nil {
			return err
		}
	}
	c.rules[t.ID] = r
	if !exists {
		c.order = append(c.order, t.ID)
		c.on(t.ID)
	}
	if !known {
		c.added[t.ID] = o.change(t, nil)
		return nil
	}
	if fields := fieldsOf(was, r.Def); len(fields) > 0 {
		c.changes[t.ID] = o.change(t, slices.Compact(slices.Sorted(slices.Values(append(fields, c.changes[t.ID].Fields...)))))
	}
	return nil
}

// checkParams refuses a parameter that the test does not have, or of another type.
func (o *Override) checkParams(entry string, t TestChange, def content.Test) error {
	for _, name := range sortedKeys(t.Params) {
		if _, ok := def.Params[name]; !ok {
			has := strings.Join(sortedKeys(def.Params), ", ")
			if has == "" {
				has = "none"
			}
			return o.wrong(entry, "params."+name, fmt.Sprintf("%s has no such parameter; it has: %s", t.ID, has))
		}
		_, now, err := paramValue(t.Params[name])
		if err != nil {
			return o.wrong(entry, "params."+name, err.Error())
		}
		if _, was, err := paramValue(def.Params[name]); err == nil && !was.IsExactType(now) {
			return o.wrong(entry, "params."+name, fmt.Sprintf("it is of type %s, and %s is wanted", plainTypes(now.String()), plainTypes(was.String())))
		}
	}
	return nil
}

// checkFixtures runs the examples that came with a test.
func (c *Catalogue) checkFixtures(o *Override, entry string, r *Rule) error {
	if n := resourcesIn(r.Def.Fixtures); n > mostExamples {
		return o.wrong(entry, "fixtures", fmt.Sprintf("the examples have %d resources, and %d is the most", n, mostExamples))
	}
	for _, name := range ExamplesOf(r.Def.Fixtures) {
		want, err := ParseVerdict(FixtureOf(r.Def.Fixtures, name).Expect)
		if err != nil {
			return o.wrong(entry, "fixtures."+name, "expect: "+err.Error())
		}
		got, err := c.RunFixture(r, name)
		if err != nil {
			return o.translate(entry, r.Def.ID, err)
		}
		if got.State != want {
			return o.wrong(entry, "fixtures."+name, fmt.Sprintf("the test comes to %s and not to %s: %s", got.State, want, got.Reason))
		}
	}
	for _, name := range sortedKeys(r.Def.Fixtures.Window) {
		if err := c.CheckWindow(r, name); err != nil {
			return o.translate(entry, r.Def.ID, err)
		}
	}
	return nil
}

func (c *Catalogue) checkControlTests(o *Override) error {
	for i, ctl := range o.Controls {
		if ctl.Tests == nil {
			continue
		}
		for _, t := range *ctl.Tests {
			if c.rules[t.Test] == nil {
				return o.wrong(fmt.Sprintf("controls[%d]", i), "tests", fmt.Sprintf("there is no test %s", t.Test))
			}
		}
	}
	return nil
}

// translate turns a compile error, which names test and field, into one that names file, line and field.
func (o *Override) translate(entry, id string, err error) error {
	public := errs.Public(err)
	if public.Code != errs.Invalid {
		return err
	}
	out := o.wrong(entry, strings.TrimPrefix(public.Field, id+"."), public.Text)
	if public.Fix != "" {
		out = out.Mend("%s", public.Fix)
	}
	return out.Because(err)
}

// onto lays what is given over a definition.
func (t TestChange) onto(def *content.Test) {
	set(&def.Title, t.Title)
	set(&def.Doc, t.Doc)
	set(&def.Kind, t.Kind)
	set(&def.Severity, t.Severity)
	set(&def.IntervalHours, t.IntervalHours)
	set(&def.Over, t.Over)
	set(&def.By, t.By)
	set(&def.Latest, t.Latest)
	set(&def.Counts, t.Counts)
	set(&def.Filter, t.Filter)
	set(&def.Condition, t.Condition)
	set(&def.Empty, t.Empty)
	set(&def.Message, t.Message)
	set(&def.Observed, t.Observed)
	set(&def.Controls, t.Controls)
	if t.Event != nil {
		def.Event = t.Event
	}
	if t.Expect != nil {
		def.Expect = t.Expect
	}
	if t.Fixtures != nil {
		def.Fixtures = t.Fixtures
	}
	params := maps.Clone(def.Params)
	if params == nil {
		params = map[string]any{}
	}
	maps.Copy(params, t.Params)
	def.Params = params
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
