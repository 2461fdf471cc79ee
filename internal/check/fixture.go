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
	at := r.Def.ID + ".fixtures"
	now, err := time.Parse(time.RFC3339, r.Def.Fixtures.Now)
	if err != nil {
		return Outcome{}, errs.At(at+".now", "%q is no time", r.Def.Fixtures.Now).Mend("write it like 2026-03-02T12:00:00Z")
	}
	sets := map[string]Set{}
	for _, k := range r.kinds {
		sets[k] = Set{State: SourceComplete}
	}
	for kind, resources := range FixtureOf(r.Def.Fixtures, name).Given {
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
	return r.Evaluate(&Input{Now: now, Resources: NewPopulation(sets)}), nil
}

func fixtureResource(kind string, attrs map[string]any) Resource {
	key, _ := attrs["id"].(string)
	name, _ := attrs["name"].(string)
	present, told := attrs["present"].(bool)
	attrs = maps.Clone(attrs)
	delete(attrs, "present")
	return Resource{ID: key, Kind: kind, Key: key, Name: name, Attrs: attrs, Gone: told && !present}
}
