// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"sync"

	"assay/content"
	"assay/internal/errs"
	thing "assay/internal/kind"
)

// A Definition adds tests of a company's own, or changes those of the catalogue: their parameters,
// severity, interval, or all of them.
type Definition struct {
	thing.Meta
	Title string          `json:"title" doc:"What it changes, in one line." min:"3" max:"200" list:""`
	Text  string          `json:"text" doc:"The tests, as YAML in the form of the catalogue: a list under tests:." min:"5" max:"1000000" long:""`
	Notes string          `json:"notes" doc:"Why it was changed." max:"2000"`
	State DefinitionState `json:"state" doc:"Whether it is in force." read:"only" index:"" list:"" default:"active"`
}

// DefinitionState is whether a definition is in force.
type DefinitionState string

// Values lists the states.
func (DefinitionState) Values() []string { return []string{"active", "retired"} }

// Definitions are a company's own tests and changes.
var Definitions = thing.Kind[Definition]{
	Name: "definition", Plural: "definitions", Prefix: "def", Object: "tests", Label: "title",
	Doc: "A definition adds tests of your own, or changes those of the catalogue.",
	Check: func(old, n *Definition) error {
		o, err := n.Override()
		if err != nil || old != nil && old.Text == n.Text {
			return err // what stands there already can be taken out of force
		}
		std, err := Standard()
		if err != nil {
			return err
		}
		cat, err := std.With([]*Override{o}, ControlsNamed(o))
		if err != nil {
			return atText(err)
		}
		return atText(cat.checkOverride(o))
	},
	Moves: []thing.Move{
		{Verb: "retire", Doc: "Take a definition out of force.", From: []string{"active"}, To: "retired", Act: "edit"},
		{Verb: "activate", Doc: "Put a definition in force again.", From: []string{"retired"}, To: "active", Act: "edit"},
	},
}

var standard = sync.OnceValues(BuiltIn)

// Standard is the catalogue that Assay brings along. It is compiled once, when it is first asked for.
func Standard() (*Catalogue, error) { return standard() }

// Override reads the text of a definition, and says where it is wrong: a definition that does not
// compile is never kept.
func (d *Definition) Override() (*Override, error) {
	name := "text"
	if d.ID != "" {
		name = d.ID
	}
	o, err := ParseOverride([]byte(d.Text), name)
	if err != nil {
		return nil, atText(err)
	}
	if len(o.Controls) > 0 {
		return nil, errs.At("text", "a definition holds tests; controls are things of their own").Mend("use control create and control update, or a file in the folder tests of the data folder")
	}
	std, err := Standard()
	if err != nil {
		return nil, err
	}
	if _, err := std.With([]*Override{o}, ControlsNamed(o)); err != nil {
		return nil, atText(err)
	}
	return o, nil
}

// ControlsNamed lists the controls of the library and those that an override names: whether a company has
// the latter is known only where its controls are.
func ControlsNamed(o *Override) []string {
	var out []string
	if all, err := content.Controls(); err == nil {
		for _, c := range all {
			out = append(out, c.Ref)
		}
	}
	for _, t := range o.Tests {
		if t.Controls != nil {
			for _, l := range *t.Controls {
				out = append(out, strings.TrimSpace(l.ID))
			}
		}
	}
	return out
}

func atText(err error) error {
	if err == nil {
		return nil
	}
	e := *errs.Public(err)
	if e.Code == errs.Internal {
		return err
	}
	e.Text, e.Field = strings.TrimPrefix(e.Error(), "text:"), "text"
	return &e
}
