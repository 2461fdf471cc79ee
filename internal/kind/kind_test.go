// SPDX-License-Identifier: Apache-2.0

package kind_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/kind"
)

type colour string

func (colour) Values() []string { return []string{"red", "green"} }

type leg struct {
	Name string `json:"name" doc:"What it is called." min:"1"`
}

type chair struct {
	kind.Meta
	Title  string      `json:"title" doc:"What it is called." min:"2" max:"5"`
	Legs   uint        `json:"legs" doc:"How many legs." min:"1" max:"9"`
	Colour colour      `json:"colour" doc:"Which colour." optional:""`
	Built  kind.Date   `json:"built" doc:"When it was built."`
	File   kind.SHA256 `json:"file" doc:"A picture."`
	Parts  []leg       `json:"parts" doc:"Its parts." max:"2"`
	Tags   []colour    `json:"tags" doc:"Colours."`
	State  string      `json:"state" doc:"Where it stands." read:"only" min:"99"`
}

func TestAFieldIsHeldToItsTags(t *testing.T) {
	good := func() chair { return chair{Title: "Oak", Legs: 4} }
	if err := kind.Validate(ptr(good())); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*chair){
		"title":         func(c *chair) { c.Title = "" },
		"title ":        func(c *chair) { c.Title = "O" },
		"title  ":       func(c *chair) { c.Title = "Ööööööö" },
		"title   ":      func(c *chair) { c.Title = "a\x00b" },
		"title    ":     func(c *chair) { c.Title = "a\xff" },
		"legs":          func(c *chair) { c.Legs = 0 },
		"legs ":         func(c *chair) { c.Legs = 1 << 63 },
		"colour":        func(c *chair) { c.Colour = "blue" },
		"built":         func(c *chair) { c.Built = "2026-02-30" },
		"file":          func(c *chair) { c.File = kind.SHA256(strings.Repeat("A", 64)) },
		"parts":         func(c *chair) { c.Parts = make([]leg, 3) },
		"parts[1].name": func(c *chair) { c.Parts = []leg{{"a"}, {}} },
		"tags[0]":       func(c *chair) { c.Tags = []colour{"blue"} },
	} {
		c := good()
		change(&c)
		err := kind.Validate(&c)
		if e := errs.Public(err); err == nil || e.Code != errs.Invalid || e.Field != strings.TrimSpace(field) {
			t.Errorf("%s: %v (field %q)", field, err, e.Field)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestTheSchemaSaysWhatIsValid(t *testing.T) {
	b, err := json.Marshal(kind.Schema(kind.Fields(reflect.TypeFor[chair]()), false))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"required":["title","legs"]`, `"additionalProperties":false`, `"maxLength":5`, `"minimum":1`, `"enum":["","red","green"]`, `"maxItems":2`, `"readOnly":true`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
}

func TestAKindThatIsNotSoundIsNamed(t *testing.T) {
	good := kind.Kind[chair]{Name: "chair", Plural: "chairs", Prefix: "chr", Doc: "A chair.", Object: "risks", Label: "title"}
	if err := good.Sound(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*kind.Kind[chair]){
		"no doc":        func(k *kind.Kind[chair]) { k.Doc = "" },
		"odd name":      func(k *kind.Kind[chair]) { k.Name = "Chair" },
		"no such label": func(k *kind.Kind[chair]) { k.Label = "name" },
		"odd state":     func(k *kind.Kind[chair]) { k.Moves = []kind.Move{{Verb: "sit", From: []string{"x"}, To: "y"}} },
	} {
		k := good
		change(&k)
		if k.Sound() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
