// SPDX-License-Identifier: Apache-2.0

package check

import (
	"slices"

	"cel.dev/cel-go/cel"

	"assay/content"
	"assay/internal/errs"
)

// Catalogue is a set of rules, compiled against the resource kinds. It never changes.
type Catalogue struct {
	kinds map[string]*kind
	env   *cel.Env
	rules map[string]*Rule
	order []string

	src      []content.ResourceKind // what kinds were made from: it is the text of an edition
	disabled []Disabled
	changes  map[string]Change // of tests that were there before, by name
	added    map[string]Change // of tests that were not
}

// Compile compiles tests against kinds. The error names the test, the field and what is wrong.
func Compile(tests []content.Test, kinds []content.ResourceKind) (*Catalogue, error) {
	ks, err := newKinds(kinds)
	if err != nil {
		return nil, err
	}
	env, err := newEnv(ks)
	if err != nil {
		return nil, err
	}
	c := &Catalogue{kinds: ks, env: env, rules: make(map[string]*Rule, len(tests)), src: kinds}
	for _, t := range tests {
		if c.rules[t.ID] != nil {
			return nil, errs.At(t.ID, "the test is defined twice")
		}
		r, err := c.compile(t)
		if err != nil {
			return nil, err
		}
		if r.hollow != nil {
			return nil, r.hollow
		}
		c.rules[t.ID] = r
		c.order = append(c.order, t.ID)
	}
	return c, nil
}

// BuiltIn compiles what Assay brings along.
func BuiltIn() (*Catalogue, error) {
	tests, err := content.Tests()
	if err != nil {
		return nil, err
	}
	kinds, err := content.ResourceKinds()
	if err != nil {
		return nil, err
	}
	return Compile(tests, kinds)
}

// Rule finds a rule.
func (c *Catalogue) Rule(id string) (*Rule, bool) {
	r, ok := c.rules[id]
	return r, ok
}

// Rules lists all rules in the order in which they were defined.
func (c *Catalogue) Rules() []*Rule {
	out := make([]*Rule, len(c.order))
	for i, id := range c.order {
		out[i] = c.rules[id]
	}
	return out
}

// RulesOf lists the rules that must be looked at again when resources of a kind have changed.
func (c *Catalogue) RulesOf(kind string) []*Rule {
	var out []*Rule
	for _, r := range c.Rules() {
		if slices.Contains(r.kinds, kind) {
			out = append(out, r)
		}
	}
	return out
}

// Kinds lists the names of the resource kinds.
func (c *Catalogue) Kinds() []string { return sortedKeys(c.kinds) }
