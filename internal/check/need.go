// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"
)

// A Need is what would answer a test of which no source supplies the data.
type Need struct {
	Kinds     []string // resource kinds, any one of which would do
	Titles    []string // of these, plural
	From      []string // what supplies them, such as Okta
	Connector string   // the built-in connector that reads it; empty where there is none and a file is imported
	About     string   // of what a company records itself: the subject, such as incidents
}

// Need says what the rule cannot do without and nobody supplies. It is not ok where nothing is missing.
func (r *Rule) Need(supplied func(kind string) bool) (Need, bool) {
	lacks := r.lacks(supplied)
	if len(lacks) == 0 {
		return Need{}, false
	}
	n := Need{Connector: lacks[0].connector, About: lacks[0].about}
	for _, k := range lacks {
		n.Kinds, n.Titles = append(n.Kinds, k.name), append(n.Titles, k.title)
		for _, f := range k.from {
			if !slices.Contains(n.From, f) {
				n.From = append(n.From, f)
			}
		}
	}
	return n, true
}

// Subject is what the rule looks at, plural: identities.
func (r *Rule) Subject() string { return r.plan.kind.title }

// lacks gives the first kind that the rule cannot do without and nobody supplies; several where one of them would do.
func (r *Rule) lacks(supplied func(kind string) bool) []*kind {
	if !supplied(r.Def.Kind) {
		return []*kind{r.plan.kind}
	}
	if r.expect != nil && !r.expect.Optional && !supplied(r.expect.kind.name) {
		return []*kind{r.expect.kind}
	}
	for i, j := range r.plan.joins {
		if r.plan.used[i] && !j.Spare && !slices.ContainsFunc(j.Kinds, supplied) {
			return j.kinds
		}
	}
	return nil
}

// String says what is missing and what to do about it, as the reason of a test.
func (n Need) String() string {
	return fmt.Sprintf("no source supplies %s: %s", OneOf(n.Kinds), n.do())
}

func (n Need) do() string {
	switch {
	case n.About != "":
		return "import your " + OneOf(n.Titles) + " from a file"
	case n.Connector != "":
		return "connect " + OneOf(n.From)
	case len(n.From) > 0:
		return "connect " + OneOf(n.From) + ", or import an export of it"
	}
	return "connect one"
}

// Do is the same as the heading of all tests that need it.
func (n Need) Do() string {
	switch {
	case n.About != "":
		return "Not recorded yet"
	case len(n.From) > 0:
		return "Connect " + OneOf(n.From)
	}
	return "Connect a source of " + OneOf(n.Kinds)
}

// OneOf joins names as a person does.
func OneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
