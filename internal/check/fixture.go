// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"assay/content"
	"assay/internal/errs"
)

// FixtureNames are the four examples that every test carries.
var FixtureNames = []string{"pass", "fail", "empty", "unknown"}

// FixtureOf picks an example of a test by name.
func FixtureOf(f *content.Fixtures, name string) content.Fixture {
	if more, ok := f.More[name]; ok {
		return more
	}
	switch name {
	case "pass":
		return f.Pass
	case "fail":
		return f.Fail
	case "empty":
		return f.Empty
	default:
		return f.Unknown
	}
}

// ExamplesOf names all examples of a test: the four, then what more there are.
func ExamplesOf(f *content.Fixtures) []string {
	return append(slices.Clone(FixtureNames), sortedKeys(f.More)...)
}

// RunFixture evaluates one example of a rule, and returns what came out. All kinds that the rule
// reads count as read to their end.
func (c *Catalogue) RunFixture(r *Rule, name string) (Outcome, error) {
	if r.Def.Fixtures == nil {
		return Outcome{}, errs.At(r.Def.ID+".fixtures", "they are missing").Mend("add a pass, a fail, an empty and an unknown example")
	}
	return c.example(r, name, FixtureOf(r.Def.Fixtures, name).Given, time.Time{})
}

// CheckWindow evaluates an example of how a test over events judges as time goes by, and says what of it is not as it should be.
func (c *Catalogue) CheckWindow(r *Rule, name string) error {
	at, x := r.Def.ID+".fixtures.window."+name, r.Def.Fixtures.Window[name]
	if r.event == nil {
		return errs.At(r.Def.ID+".fixtures.window", "these examples are for tests over events").Mend("leave them out, or add event")
	}
	var since time.Time
	if x.ProgrammeStart != "" {
		d, err := ParseDay(x.ProgrammeStart)
		if err != nil {
			return errs.At(at+".programme_start", "%v", err)
		}
		since = d.Start(time.UTC)
	}
	state, err := ParseVerdict(x.Expect)
	if err != nil {
		return errs.At(at+".expect", "%v", err)
	}
	day, err := ParseVerdict(x.OnDay)
	if err != nil {
		return errs.At(at+".on_day", "%v", err)
	}
	out, err := c.example(r, "window."+name, x.Given, since)
	switch {
	case err != nil:
		return err
	case out.State != state:
		return errs.At(at, "the test comes to %s and not to %s: %s", out.State, state, out.Reason)
	case out.OnDay.State != day:
		return errs.At(at, "for the day it comes to %s and not to %s: %s", out.OnDay.State, day, out.OnDay.Reason)
	case out.OnDay.Late != x.Late:
		return errs.At(at, "%d events are late, and not %d", out.OnDay.Late, x.Late)
	}
	return nil
}

// example evaluates a rule over the resources of an example.
func (c *Catalogue) example(r *Rule, name string, given map[string][]map[string]any, since time.Time) (Outcome, error) {
	at := r.Def.ID + ".fixtures"
	now, err := time.Parse(time.RFC3339, r.Def.Fixtures.Now)
	if err != nil {
		return Outcome{}, errs.At(at+".now", "%q is no time", r.Def.Fixtures.Now).Mend("write it like 2026-03-02T12:00:00Z")
	}
	sets := map[string]Set{}
	for _, k := range r.kinds {
		sets[k] = Set{State: SourceComplete}
	}
	for kind, resources := range given {
		set := Set{State: SourceComplete}
		for i, attrs := range resources {
			b, err := c.Bind(fixtureResource(kind, attrs), time.UTC)
			if err != nil {
				return Outcome{}, errs.At(fmt.Sprintf("%s.%s.given.%s[%d]", at, name, kind, i), "%v", err)
			}
			set.Resources = append(set.Resources, b)
		}
		sets[kind] = set
	}
	return r.Evaluate(&Input{Now: now, Resources: NewPopulation(sets), Since: since, example: true}), nil
}

// resourcesIn counts the resources of all examples.
func resourcesIn(f *content.Fixtures) (n int) {
	count := func(given map[string][]map[string]any) {
		for _, all := range given {
			n += len(all)
		}
	}
	for _, name := range ExamplesOf(f) {
		count(FixtureOf(f, name).Given)
	}
	for _, x := range f.Window {
		count(x.Given)
	}
	return n
}

func fixtureResource(kind string, attrs map[string]any) Resource {
	key, _ := attrs["id"].(string)
	name, _ := attrs["name"].(string)
	present, told := attrs["present"].(bool)
	attrs = maps.Clone(attrs)
	delete(attrs, "present")
	return Resource{ID: key, Kind: kind, Key: key, Name: name, Attrs: attrs, Gone: told && !present}
}
