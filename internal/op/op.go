// SPDX-License-Identifier: Apache-2.0

// Package op defines operations and the Gate that they are called through.
//
// An operation is written once, as a function from an input struct to an output struct; REST,
// OpenAPI, the CLI, MCP and the web pages are made from the list of operations and hold no list of
// their own. A Query is given a View, so every query can be asked of the past. A Change is given a
// Tx, so every change is in the ledger. A Job is for work that waits for the outside world: it is
// given a Desk, from which it may open Views and Changes, because it must not hold the one writer.
//
// The package knows roles, but no kind and no face.
package op

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"assay/internal/kind"
	"assay/internal/store"
)

// Spec is what is said of an operation beside its types.
type Spec struct {
	Name      string   // "exception.approve": the kind, a dot, the verb
	Doc       string   // one sentence; it is the help text everywhere
	Object    string   // row of the role table
	Act       string   // what the row must allow
	Sensitive bool     // reading it is itself written to the ledger, before the answer
	ShownOnce bool     // its answer holds a secret: a repeated call with the same key is told so, and the answer is never kept
	Personal  bool     // it takes an active person who is signed in, as a decision does
	Public    bool     // anyone signed in to the organisation may, whatever the table says: own sign-out, own profile
	From      []string // states of the thing in which it can be called; every one where empty. The operation itself decides
	Example   string   // arguments of an example on the command line, without the program's name
}

// Op is an operation as the faces see it: without its types.
type Op struct {
	Spec
	Kind, Verb string
	Writes     bool
	Slow       bool         // it waits for the outside world
	In         []kind.Field // of the input
	InSchema   map[string]any
	OutSchema  map[string]any
	Fresh      bool // it makes a new thing: 201 in REST
	Versioned  bool // it wants the rev of the thing that it changes

	check  func(raw json.RawMessage) (any, error)
	query  func(ctx context.Context, v *store.View, in any) (any, error)
	change func(ctx context.Context, tx *store.Tx, in any) (any, error)
	job    func(ctx context.Context, d Desk, in any) (any, error)
	apart  bool                   // it is a move that takes somebody else
	owners []string               // fields that make a thing somebody's own
	points func(in any) []pointed // reads the references of an input; nil where there are none, or store.Put resolves them
}

// Decides says whether it is a decision on what others made, such as an approval: only an active person who is signed in may.
func (o *Op) Decides() bool { return o.Writes && (kind.Deciding(o.Act) || o.apart || o.Personal) }

// Desk is what a Job works at.
type Desk struct {
	DB    *store.DB
	Actor Actor
	By    store.By
	Gate  *Gate
}

// View reads at the desk's organisation.
func (d Desk) View(ctx context.Context, fn func(*store.View) error) error {
	return d.DB.View(ctx, d.Actor.Org, time.Time{}, d.By, fn)
}

// Change writes at the desk's organisation.
func (d Desk) Change(ctx context.Context, fn func(*store.Tx) error) (store.Receipt, error) {
	return d.DB.Change(ctx, d.Actor.Org, d.By, fn)
}

// Set is a list of operations and of the kinds and tables of facts that they work on. It does no I/O.
type Set struct {
	ops    []*Op
	byName map[string]*Op
	shapes []kind.Shape
	tables []store.FactTable
	errs   []error

	// Today gives the day that it is in the organisation of a view, at its moment; in UTC where nil.
	Today func(ctx context.Context, v *store.View) (string, error)
}

// All lists the operations in the order in which they were added.
func (s *Set) All() []*Op { return s.ops }

// Shapes lists the kinds.
func (s *Set) Shapes() []kind.Shape { return s.shapes }

// Tables lists the tables of facts.
func (s *Set) Tables() []store.FactTable { return s.tables }

// Table adds a table of facts.
func (s *Set) Table(t store.FactTable) { s.tables = append(s.tables, t) }

// Find finds an operation by name; nil where there is none.
func (s *Set) Find(name string) *Op { return s.byName[name] }

// Shape finds a kind by name.
func (s *Set) Shape(name string) (kind.Shape, bool) {
	i := slices.IndexFunc(s.shapes, func(k kind.Shape) bool { return k.Name == name })
	if i < 0 {
		return kind.Shape{}, false
	}
	return s.shapes[i], true
}

// Sound says what is wrong with the declarations. It is asked once, at start and in tests.
func (s *Set) Sound() error {
	for _, o := range s.ops {
		if !o.Public && !Known(o.Object, o.Act) {
			return fmt.Errorf("operation %s wants the right to %s %s, and the role table gives it to nobody", o.Name, o.Act, o.Object)
		}
	}
	for _, o := range s.ops {
		if err := s.pointsSound(o.In); err != nil {
			return fmt.Errorf("operation %s: %w", o.Name, err)
		}
	}
	for _, k := range s.shapes {
		if err := s.pointsSound(k.Fields); err != nil {
			return fmt.Errorf("kind %s: %w", k.Name, err)
		}
		for _, f := range k.Fields {
			if f.Format == "sha256" && !Known(heldIn(f), "view") {
				return fmt.Errorf("kind %s: %s holds %s, which the role table lets nobody view", k.Name, f.Name, f.Holds)
			}
			if points(f.Fields) {
				return fmt.Errorf("kind %s: %s holds a reference, which only a field of the thing itself may", k.Name, f.Name)
			}
		}
	}
	if len(s.errs) > 0 {
		return s.errs[0]
	}
	return nil
}

// pointsSound says which reference points at no kind.
func (s *Set) pointsSound(fields []kind.Field) error {
	for _, f := range fields {
		if _, ok := s.Shape(f.Ref); f.Ref != "" && f.Ref != "*" && !ok {
			return fmt.Errorf("%s points at %s, which is not a kind", f.Name, f.Ref)
		}
		if err := s.pointsSound(f.Fields); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// Query adds an operation that reads.
func Query[In, Out any](s *Set, spec Spec, fn func(context.Context, *store.View, In) (Out, error)) *Op {
	o := add[In, Out](s, spec)
	o.query = func(ctx context.Context, v *store.View, in any) (any, error) { return fn(ctx, v, in.(In)) }
	return o
}

// Change adds an operation that writes.
func Change[In, Out any](s *Set, spec Spec, fn func(context.Context, *store.Tx, In) (Out, error)) *Op {
	o := add[In, Out](s, spec)
	o.Writes = true
	o.change = func(ctx context.Context, tx *store.Tx, in any) (any, error) { return fn(ctx, tx, in.(In)) }
	return o
}

// Job adds an operation that waits for the outside world, and may write. reads says that it does not.
func Job[In, Out any](s *Set, spec Spec, reads bool, fn func(context.Context, Desk, In) (Out, error)) *Op {
	o := add[In, Out](s, spec)
	o.Writes, o.Slow = !reads, true
	o.job = func(ctx context.Context, d Desk, in any) (any, error) { return fn(ctx, d, in.(In)) }
	return o
}

func add[In, Out any](s *Set, spec Spec) *Op {
	k, verb, ok := strings.Cut(spec.Name, ".")
	if !ok || spec.Doc == "" || s.Find(spec.Name) != nil {
		s.errs = append(s.errs, fmt.Errorf("operation %q wants a new name with a dot, and a doc", spec.Name))
	}
	f := kind.Fields(reflect.TypeFor[In]())
	if err := kind.SecretsSound(reflect.TypeFor[In]()); err != nil {
		s.errs = append(s.errs, fmt.Errorf("operation %s: %w", spec.Name, err))
	}
	o := &Op{Spec: spec, Kind: k, Verb: verb, In: f, InSchema: kind.Schema(f, false), OutSchema: schemaOf(reflect.TypeFor[Out]())}
	o.check = func(raw json.RawMessage) (any, error) { return decode[In](raw, f) }
	o.points = pointsOf(f)
	if s.byName == nil {
		s.byName = map[string]*Op{}
	}
	if sh, ok := s.Shape(k); ok { // an operation that is added to a kind reaches as far as the kind's own
		o.owners = slices.DeleteFunc(slices.Clone(ownFields), func(n string) bool { _, ok := sh.Field(n); return !ok })
	}
	s.ops, s.byName[spec.Name] = append(s.ops, o), o
	return o
}

// schemaOf is the JSON Schema of an output type.
func schemaOf(t reflect.Type) map[string]any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{}
		}
		return map[string]any{"type": []string{"array", "null"}, "items": schemaOf(t.Elem())}
	case reflect.Struct:
		return open(kind.Schema(kind.Fields(t), true))
	case reflect.Map:
		return map[string]any{"type": "object"}
	case reflect.String:
		return map[string]any{"type": "string"}
	}
	return map[string]any{}
}

// open turns the schema of an input into that of an output: it may gain fields in a later version, and
// what an answer holds is not bounded as an input is.
func open(s map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range s {
		switch k {
		case "additionalProperties", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern", "default":
			continue
		}
		switch x := v.(type) {
		case map[string]any:
			if k != "properties" {
				out[k] = open(x)
				continue
			}
			props := map[string]any{} // names of fields, which may be words of JSON Schema too
			for name, p := range x {
				if m, ok := p.(map[string]any); ok {
					p = open(m)
				}
				props[name] = p
			}
			out[k] = props
		default:
			out[k] = v
		}
	}
	if e, ok := out["enum"].([]string); ok && !slices.Contains(e, "") {
		out["enum"] = append([]string{""}, e...)
	}
	return out
}
