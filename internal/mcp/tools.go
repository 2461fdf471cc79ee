// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"encoding/json"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/op"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// fewNamed is up to how many operations outside the groups have a tool of their own.
const fewNamed = 32

// Names of the grouped tools.
const (
	find, get, history, links = "find", "get", "history", "links"
	create, update, end       = "create", "update", "end"
	ask, run                  = "ask", "run"
)

type object = map[string]any

// tool is one tool and the operations behind it.
type tool struct {
	name, doc string
	writes    bool
	outside   bool   // it waits for the outside world
	by        string // the argument that chooses the operation: kind, operation, or nothing
	ops       []*op.Op
	schema    object
	read      func(g *op.Gate, raw json.RawMessage) (op.Call, error)
}

func (t *tool) declare() *sdk.Tool {
	ends := t.name == end
	return &sdk.Tool{Name: t.name, Description: t.doc, InputSchema: t.schema,
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: !t.writes, DestructiveHint: &ends, IdempotentHint: !t.writes, OpenWorldHint: &t.outside}}
}

// group says which of the grouped tools an operation belongs to; ask, run or a name of its own where to none.
func group(o *op.Op) string {
	only := func(names ...string) bool {
		return len(o.In) == len(names) && !slices.ContainsFunc(names, func(n string) bool { return !has(o, n) })
	}
	switch {
	case o.Slow:
	case o.Verb == "list" && !o.Writes:
		return find
	case o.Verb == "get" && !o.Writes && only("id"):
		return get
	case o.Verb == "history" && !o.Writes && only("id"):
		return history
	case o.Verb == "links" && !o.Writes && only("id"):
		return links
	case o.Verb == "create" && o.Writes:
		return create
	case o.Verb == "update" && o.Versioned && has(o, "id"):
		return update
	case o.Verb == "end" && o.Versioned && only("id", "rev"):
		return end
	}
	return ""
}

func has(o *op.Op, field string) bool {
	_, ok := o.InSchema["properties"].(map[string]any)[field]
	return ok
}

// tools groups the operations.
func tools(set *op.Set) []*tool {
	defs := []*tool{
		{name: find, doc: "List things of a kind, by the fields that can be filtered by. describe says which.", by: "kind", schema: object{
			"where": object{"type": "object", "description": "Fields and the values that they must have."},
			"sort":  object{"type": "string", "description": "Order by this field or id; with - in front, the other way round."},
			"after": object{"type": "string", "description": "Go on after this cursor: the value of next in the page before."},
			"limit": object{"type": "integer", "minimum": 1, "maximum": 1000, "default": 20, "description": "How many at the most."}}},
		{name: get, doc: "Show one thing, with the rev that a change of it wants.", by: "kind", schema: object{"id": idSchema}},
		{name: history, doc: "Show every change that made a thing what it is: who, when, through what, and what it was then.", by: "kind", schema: object{"id": idSchema}},
		{name: links, doc: "Show what points at a thing.", by: "kind", schema: object{"id": idSchema}},
		{name: create, doc: "Add a thing. describe says which fields its kind has.", writes: true, by: "kind", schema: object{"fields": fieldsSchema}},
		{name: update, doc: "Change the named fields of a thing; the others stay.", writes: true, by: "kind", schema: object{"id": idSchema, "rev": revSchema, "fields": fieldsSchema}},
		{name: end, doc: "End a thing. Its past stays.", writes: true, by: "kind", schema: object{"id": idSchema, "rev": revSchema}},
	}
	var other []*op.Op
	for _, o := range set.All() {
		if i := slices.IndexFunc(defs, func(t *tool) bool { return t.name == group(o) }); i >= 0 {
			defs[i].ops = append(defs[i].ops, o)
		} else {
			other = append(other, o)
		}
	}
	defs = append(defs, rest(other)...)
	defs = slices.DeleteFunc(defs, func(t *tool) bool { return len(t.ops) == 0 })
	for _, t := range defs {
		t.finish()
	}
	return defs
}

// rest makes the tools of the operations outside the groups.
func rest(other []*op.Op) []*tool {
	var out []*tool
	if len(other) <= fewNamed {
		for _, o := range other {
			t := &tool{name: named(o), doc: o.Doc, writes: o.Writes, outside: o.Slow, ops: []*op.Op{o}, schema: object{}}
			for n, p := range o.InSchema["properties"].(map[string]any) {
				t.schema[n] = p
			}
			out = append(out, t)
		}
		return out
	}
	a := &tool{name: ask, doc: "Call an operation that reads. describe says what it takes.", by: "operation", schema: object{"input": inputSchema}}
	r := &tool{name: run, doc: "Call an operation that does something. describe says what it takes.", writes: true, by: "operation", schema: object{"input": inputSchema}}
	for _, o := range other {
		if o.Writes {
			r.ops, r.outside = append(r.ops, o), r.outside || o.Slow
		} else {
			a.ops, a.outside = append(a.ops, o), a.outside || o.Slow
		}
	}
	return []*tool{a, r}
}

func named(o *op.Op) string { return strings.ReplaceAll(o.Name, ".", "_") }

var (
	idSchema     = object{"type": "string", "description": "Identifier of the thing."}
	revSchema    = object{"type": "integer", "minimum": 1, "description": "The rev of the thing as you saw it."}
	fieldsSchema = object{"type": "object", "description": "Fields and their values."}
	inputSchema  = object{"type": "object", "description": "The fields of the operation's input."}
	asOfSchema   = object{"type": "string", "description": "Answer as of this moment: 2026-03-06T09:00:00Z, or 2026-03-06 for the end of that day."}
	keySchema    = object{"type": "string", "maxLength": 200, "description": "A key of your choice: the same call with the same key is carried out once."}
)

// finish completes the schema of a tool and makes its reader.
func (t *tool) finish() {
	required := []string{}
	if t.by != "" {
		names := []string{}
		for _, o := range t.ops {
			names = append(names, t.choice(o))
		}
		t.schema[t.by] = object{"type": "string", "enum": names, "description": "Which " + t.by + "."}
		required = append(required, t.by)
	} else if r, ok := t.ops[0].InSchema["required"].([]string); ok {
		required = append(required, r...)
	}
	for _, n := range []string{"id", "rev", "fields"} {
		if _, ok := t.schema[n]; ok && t.by == "kind" {
			required = append(required, n)
		}
	}
	if t.writes {
		t.schema["key"] = keySchema
	} else if slices.ContainsFunc(t.ops, func(o *op.Op) bool { return !o.Slow }) {
		t.schema["as_of"] = asOfSchema
	}
	props := t.schema
	t.schema = object{"type": "object", "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		t.schema["required"] = required
	}
	t.read = func(g *op.Gate, raw json.RawMessage) (op.Call, error) { return t.call(g, raw, props) }
}

func (t *tool) choice(o *op.Op) string {
	if t.by == "operation" {
		return o.Name
	}
	return o.Kind
}

// call reads the arguments of a tool as a call of an operation.
func (t *tool) call(g *op.Gate, raw json.RawMessage, props object) (op.Call, error) {
	var c op.Call
	args := map[string]json.RawMessage{}
	if len(raw) > 0 && json.Unmarshal(raw, &args) != nil {
		return c, errs.New(errs.Invalid, "the arguments are not a JSON object")
	}
	for n := range args {
		if _, ok := props[n]; !ok {
			return c, errs.At(n, "there is no such argument").Mend("%s", "the arguments are "+strings.Join(keys(props), ", "))
		}
	}
	text := func(n string) (string, error) {
		raw, ok := args[n]
		if !ok {
			return "", nil
		}
		delete(args, n)
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "", errs.At(n, "wants a text")
		}
		return s, nil
	}
	o := t.ops[0]
	if t.by != "" {
		chosen, err := text(t.by)
		i := slices.IndexFunc(t.ops, func(o *op.Op) bool { return t.choice(o) == chosen })
		if err != nil || i < 0 {
			return c, errs.At(t.by, "%q is not a %s of this tool", clip(chosen), t.by).Mend("call describe: it lists them")
		}
		o = t.ops[i]
	}
	c.Op = o.Name
	if t.writes {
		var err error
		if c.Key, err = text("key"); err != nil {
			return c, err
		}
	} else if _, given := args["as_of"]; given {
		moment, err := text("as_of")
		if err != nil {
			return c, err
		}
		if err = c.Ask(moment); err != nil {
			return c, err
		}
	}
	return t.input(c, o, args)
}

// input lays the objects among the arguments flat: the input of an operation is one object.
func (t *tool) input(c op.Call, o *op.Op, args map[string]json.RawMessage) (op.Call, error) {
	in := map[string]json.RawMessage{}
	for _, inner := range []string{"where", "fields", "input"} {
		raw, ok := args[inner]
		if !ok || t.by == "" {
			continue
		}
		delete(args, inner)
		if json.Unmarshal(raw, &in) != nil || in == nil {
			return c, errs.At(inner, "wants an object")
		}
	}
	for n, v := range args {
		if _, twice := in[n]; twice {
			return c, errs.At(n, "is given twice").Mend("give it beside the fields, not among them")
		}
		in[n] = v
	}
	if _, ok := in["limit"]; t.name == find && !ok && has(o, "limit") {
		in["limit"] = json.RawMessage(`20`)
	}
	var err error
	c.In, err = json.Marshal(in)
	return c, err
}

func keys(m object) []string {
	out := []string{}
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// Arguments says which tool calls an operation with an input, and with which arguments.
func Arguments(set *op.Set, name string, in map[string]any) (string, map[string]any) {
	for _, t := range tools(set) {
		for _, o := range t.ops {
			if o.Name != name {
				continue
			}
			args := object{}
			props := t.schema["properties"].(object)
			inner := ""
			for _, n := range []string{"where", "fields", "input"} {
				if _, ok := props[n]; ok && t.by != "" {
					inner = n
					args[n] = object{}
				}
			}
			for n, v := range in {
				if _, beside := props[n]; inner == "" || beside && n != t.by {
					args[n] = v
				} else {
					args[inner].(object)[n] = v
				}
			}
			if t.by != "" {
				args[t.by] = t.choice(o)
			}
			return t.name, args
		}
	}
	return "", nil
}
