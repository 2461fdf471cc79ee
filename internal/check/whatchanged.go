// SPDX-License-Identifier: Apache-2.0

package check

import (
	"encoding/json"
	"slices"
)

// FieldChange is a field of a test that two catalogues give differently, as JSON; nothing where one of them has no such test or field.
type FieldChange struct {
	Test, Field string
	Was, Now    json.RawMessage
}

// FieldChanges says in which fields tests differ between two catalogues. A test that one of them does not have, or has
// switched off, differs in the field enabled.
func FieldChanges(from, to *Catalogue, tests []string) []FieldChange {
	var out []FieldChange
	word := map[bool]json.RawMessage{true: json.RawMessage("true"), false: json.RawMessage("false")}
	for _, id := range tests {
		a, was := from.Rule(id)
		b, now := to.Rule(id)
		if was != now {
			c := FieldChange{Test: id, Field: "enabled", Now: word[now]}
			if _, off := from.Off(id); was || off {
				c.Was = word[was]
			}
			out = append(out, c)
			continue
		}
		if !was {
			continue
		}
		x, y := fieldMap(a.Def), fieldMap(b.Def)
		for _, f := range fieldsOf(a.Def, b.Def) {
			out = append(out, FieldChange{id, f, x[f], y[f]})
		}
	}
	return out
}

// Names lists the tests of a catalogue, with those that were switched off.
func (c *Catalogue) Names() []string {
	out := slices.Clone(c.order)
	for _, d := range c.disabled {
		out = append(out, d.ID)
	}
	return out
}
