// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// pointed is one reference of an input: the field that has it, as a caller would name it, and the id.
type pointed struct {
	field, ref, id string
}

// refer resolves every reference of an input inside the caller's organisation: what belongs to another and what never was
// get the same answer. The one exception is the input of a kind's own writes, whose references store.Put resolves.
// A question may also name what has been: its past can be asked about, whatever became of it.
func (o *Op) refer(ctx context.Context, v *store.View, in any) error {
	if o.points == nil {
		return nil
	}
	for _, p := range o.points(in) {
		if err := v.Resolve(ctx, p.field, p.ref, p.id, o.query != nil); err != nil {
			return err
		}
	}
	return nil
}

// pointsOf says how the references of inputs with these fields are read; nil where no field is one.
func pointsOf(fields []kind.Field) func(any) []pointed {
	if !points(fields) {
		return nil
	}
	return func(in any) []pointed { return reach(nil, "", fields, reflect.ValueOf(in)) }
}

func points(fields []kind.Field) bool {
	for _, f := range fields {
		if f.Ref != "" || points(f.Fields) {
			return true
		}
	}
	return false
}

// reach adds the references in a struct, and in the structs within it.
func reach(out []pointed, at string, fields []kind.Field, rv reflect.Value) []pointed {
	if rv = reflect.Indirect(rv); !rv.IsValid() {
		return out
	}
	for _, f := range fields {
		if f.Ref == "" && !points(f.Fields) {
			continue
		}
		v, err := rv.FieldByIndexErr(f.At)
		if err != nil {
			continue // within a struct that is not there
		}
		if f.Ref != "" {
			for _, id := range store.IDsIn(v) {
				out = append(out, pointed{at + f.Name, f.Ref, id})
			}
			continue
		}
		for _, x := range structs(v) {
			out = reach(out, at+f.Name+".", f.Fields, x)
		}
	}
	return out
}

// structs are the elements of a list, or the one that is no list.
func structs(v reflect.Value) []reflect.Value {
	if v = reflect.Indirect(v); !v.IsValid() || v.Kind() != reflect.Slice {
		return []reflect.Value{v}
	}
	out := make([]reflect.Value, v.Len())
	for i := range out {
		out[i] = v.Index(i)
	}
	return out
}

// filtered reads the references that a list is narrowed by.
func filtered(fields []kind.Field) func(any) []pointed {
	if !points(fields) {
		return nil
	}
	return func(in any) (out []pointed) {
		p, _ := in.(store.Page)
		for _, f := range fields {
			if id, ok := p.Where[f.Name].(string); ok && f.Ref != "" && id != "" {
				out = append(out, pointed{f.Name, f.Ref, id})
			}
		}
		return out
	}
}

// unnamed holds that nothing is ended that others still refer to: they would point at nothing. What is over keeps nothing.
func unnamed(ctx context.Context, v *store.View, sh kind.Shape, id string) error {
	all, err := v.Whole().Pointing(ctx, id)
	if err != nil {
		return err
	}
	var said []string
	for _, l := range all {
		name, err := naming(ctx, v.Whole(), l)
		if err != nil {
			return err
		}
		if name != "" && l.ID != id {
			said = append(said, name)
		}
	}
	if len(said) == 0 {
		return nil
	}
	text := strings.Join(said[:min(5, len(said))], ", ")
	if n := len(said) - 5; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	fix, err := keptInstead(ctx, v, sh, id)
	if err != nil {
		return err
	}
	return errs.New(errs.Conflict, "this %s can't be deleted, because others refer to %s: %s", Title(sh.Name), themOrIt(sh), text).Mend("%s", fix)
}

// naming is how a thing that points at another is called, to somebody who may view all of its kind; "" where it is over.
func naming(ctx context.Context, v *store.View, l store.Link) (string, error) {
	sh, ok := v.Shape(l.Kind)
	if !ok {
		return "", nil
	}
	body, _, err := v.Body(ctx, l.Kind, l.ID)
	if err != nil {
		return "", err
	}
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return "", fmt.Errorf("read %s: %w", l.ID, err)
	}
	if state, _ := all["state"].(string); sh.Over(state) {
		return "", nil
	}
	name := Title(l.Kind)
	if a, err := ActorOf(ctx); err == nil && a.May(sh.Object, "view") == Every {
		label, _ := all[sh.Label].(string)
		name += " " + short(label)
	}
	return name + " (" + Title(l.Field) + ")", nil
}

// keptInstead says what to do in place of ending a thing that others refer to.
func keptInstead(ctx context.Context, v *store.View, sh kind.Shape, id string) (string, error) {
	fix := "change those first"
	body, _, err := v.Body(ctx, sh.Name, id)
	var now struct{ State string }
	if err == nil {
		err = json.Unmarshal(body, &now)
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", id, err)
	}
	for _, m := range sh.Moves {
		if slices.Contains(m.From, now.State) && sh.Over(m.To) {
			fix += ", or " + Title(m.Verb) + " " + themOrIt(sh) + " instead"
		}
	}
	return fix, nil
}
