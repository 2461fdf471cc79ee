// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Enum is a string type with a closed list of values.
type Enum interface{ Values() []string }

// Date is a calendar day, as 2026-11-22.
type Date string

// Field is one field of a struct, as its tags tell it.
//
// Tags: json (name), doc (what it is; every field has one), min and max (length of a text or list,
// size of a number), ref (the kind it points at, or * for any), index (it can be filtered and sorted
// by), list (it stands in tables), read:"only" (no face sets it), secret (a Secret: written, never read),
// digest (of a random secret: found by, never shown), personal (about a person: can be erased), default,
// long (text of several lines), holds (of a file: the row of the role table that what is in it belongs to; evidence where
// it is not said).
type Field struct {
	Name, Doc, Type, Format, Ref, Default string
	Enum                                  []string
	Fields                                []Field // of an object, or of the objects in a list
	Required, ReadOnly, List, Index       bool
	Secret, Digest, Personal, Long        bool
	Guards                                string // reading a thing that has this value is written to the ledger, and takes more than view:open
	Holds                                 string // of a file: viewing this object is what opening it takes
	Text                                  bool   // in JSON it is a text, whatever it is in Go
	Min, Max                              *int64
	At                                    []int
}

// Fields lists the fields of a struct type, those of Meta first.
func Fields(t reflect.Type) []Field {
	var out []Field
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "" || name == "-" {
			continue
		}
		out = append(out, field(name, f))
	}
	return out
}

func field(name string, f reflect.StructField) Field {
	tag := func(k string) bool { _, ok := f.Tag.Lookup(k); return ok }
	x := Field{Name: name, Doc: f.Tag.Get("doc"), Ref: f.Tag.Get("ref"), Default: f.Tag.Get("default"), At: f.Index,
		ReadOnly: f.Tag.Get("read") == "only", List: tag("list"), Index: tag("index"), Secret: f.Type == secretType || tag("secret"), Digest: tag("digest"), Personal: tag("personal"), Long: tag("long"), Guards: f.Tag.Get("guards"), Holds: f.Tag.Get("holds"),
		Min: num(f.Tag.Get("min")), Max: num(f.Tag.Get("max"))}
	x.shape(f.Type)
	if x.Max == nil && x.Type == "string" && x.Format == "" {
		n := int64(500)
		if x.Long {
			n = 200_000
		}
		x.Max = &n
	}
	if x.Max == nil && x.Type == "array" {
		n := int64(1000)
		x.Max = &n
	}
	x.Required = !x.ReadOnly && x.Default == "" && x.Type != "boolean" && ((x.Min != nil && *x.Min > 0) || (x.Min != nil && x.Type == "integer") || (len(x.Enum) > 0 && x.Type == "string" && !tag("optional")))
	return x
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

// Hidden says that no face reads the field.
func (x Field) Hidden() bool { return x.Secret || x.Digest }

func (x *Field) shape(t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == secretType {
		x.Type = "string"
		return
	}
	if e, ok := reflect.Zero(t).Interface().(Enum); ok {
		x.Type, x.Enum = "string", e.Values()
		return
	}
	x.Text = t != timeType && (t.Implements(textType) || reflect.PointerTo(t).Implements(textType))
	switch {
	case t == timeType:
		x.Type, x.Format = "string", "date-time"
	case t == reflect.TypeFor[Date]():
		x.Type, x.Format = "string", "date"
	case t == reflect.TypeFor[SHA256]():
		x.Type, x.Format = "string", "sha256"
	case t == rawType || t.Kind() == reflect.Interface:
		x.Type = "any"
	case t.Kind() == reflect.Slice:
		var item Field
		item.shape(t.Elem())
		x.Type, x.Enum, x.Fields, x.Format = "array", item.Enum, item.Fields, item.Format
		if item.Text {
			item.Type, x.Fields = "string", nil
		}
		if item.Fields == nil && item.Format == "" {
			x.Format = item.Type
		}
	case t.Kind() == reflect.Map:
		x.Type, x.Format = "object", "map"
	case t.Kind() == reflect.Struct:
		x.Type, x.Fields = "object", Fields(t)
	case t.Kind() == reflect.Bool:
		x.Type = "boolean"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		x.Type = "integer"
	default:
		x.Type = "string"
	}
}

func (x Field) sound() error {
	if x.Doc == "" {
		return fmt.Errorf("field %s wants a doc", x.Name)
	}
	if !name.MatchString(x.Name) {
		return fmt.Errorf("field %s is not snake_case", x.Name)
	}
	if x.Index && x.Type != "string" && x.Type != "integer" && x.Type != "boolean" {
		return fmt.Errorf("field %s cannot be indexed: it is of type %s", x.Name, x.Type)
	}
	if x.Guards != "" && (!x.Index || !slices.Contains(x.Enum, x.Guards)) {
		return fmt.Errorf("field %s guards %q, and wants an index and that value among its own", x.Name, x.Guards)
	}
	for _, f := range x.Fields {
		if err := f.sound(); err != nil {
			return fmt.Errorf("%s: %w", x.Name, err)
		}
	}
	return nil
}

func num(s string) *int64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return &n
	}
	return nil
}

// Schema is the JSON Schema (2020-12) of a struct with these fields. With partial, none is required.
func Schema(fields []Field, partial bool) map[string]any {
	props, required := map[string]any{}, []string{}
	for _, f := range fields {
		props[f.Name] = f.Schema()
		if f.Required && !partial {
			required = append(required, f.Name)
		}
	}
	s := map[string]any{"type": "object", "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// Schema is the JSON Schema of one field.
func (x Field) Schema() map[string]any {
	p := map[string]any{}
	if x.Doc != "" {
		p["description"] = x.Doc
	}
	if x.Default != "" {
		p["default"] = x.Default
		if x.Type == "integer" || x.Type == "boolean" {
			p["default"] = json.RawMessage(x.Default)
		}
	}
	if x.ReadOnly {
		p["readOnly"] = true
	}
	if x.Secret {
		p["writeOnly"] = true
	}
	if x.Text {
		p["type"] = []string{"string", "null"}
		return p
	}
	switch x.Type {
	case "any":
		return p
	case "array":
		item := map[string]any{"type": "string"}
		switch {
		case x.Fields != nil:
			item = Schema(x.Fields, false)
		case x.Format == "any":
			item = map[string]any{}
		case x.Format == "sha256", x.Format == "date", x.Format == "date-time":
		case x.Format == "array", x.Format == "object":
			item = map[string]any{"type": x.Format}
		case x.Format != "":
			item = map[string]any{"type": x.Format}
		}
		if x.Enum != nil {
			item["enum"] = x.Enum
		}
		p["type"], p["items"] = []string{"array", "null"}, item
		bound(p, "minItems", "maxItems", x)
	case "object":
		if x.Fields != nil {
			for k, v := range Schema(x.Fields, false) {
				p[k] = v
			}
		} else {
			p["type"] = []string{"object", "null"}
		}
	case "integer":
		p["type"] = "integer"
		bound(p, "minimum", "maximum", x)
	case "boolean":
		p["type"] = "boolean"
	default:
		p["type"] = "string"
		if x.Enum != nil {
			p["enum"] = x.Enum
			if !x.Required {
				p["enum"] = append([]string{""}, x.Enum...)
			}
			return p
		}
		if x.Format == "date-time" {
			p["format"] = x.Format
			return p
		}
		if x.Format == "sha256" {
			p["pattern"] = `^([0-9a-f]{64})?$`
			return p
		}
		if x.Format == "date" {
			p["pattern"] = `^([0-9]{4}-[0-9]{2}-[0-9]{2})?$`
			return p
		}
		bound(p, "minLength", "maxLength", x)
	}
	return p
}

func bound(p map[string]any, lo, hi string, x Field) {
	if x.Min != nil {
		p[lo] = *x.Min
	}
	if x.Max != nil {
		p[hi] = *x.Max
	}
}

// SHA256 is the digest of a file, in lower-case hex. A thing or fact that has one cites that file.
type SHA256 string
