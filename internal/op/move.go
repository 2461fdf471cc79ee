// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// move adds the operation of one change of state.
func move[T any, P kind.Thing[T]](s *Set, k kind.Kind[T], sh kind.Shape, m kind.Move) {
	body := []kind.Field{}
	for _, n := range m.Takes {
		f, _ := sh.Field(n)
		f.ReadOnly, f.Default = false, ""
		f.Required = slices.Contains(m.Wants, n)
		body = append(body, f)
	}
	o := Change(s, Spec{Name: k.Name + "." + m.Verb, Doc: m.Doc, Object: k.Object, Act: m.Act, Example: strings.TrimSpace(k.Name + " " + m.Verb + " --id " + k.Prefix + "_… --rev 1 " + example(body))},
		func(ctx context.Context, tx *store.Tx, in patch) (json.RawMessage, error) {
			t, err := store.Get[T, P](ctx, &tx.View, k, in.ID)
			if err != nil {
				return nil, err
			}
			if err := fresh(k.Name, in.Rev, t.Base().Rev); err != nil {
				return nil, err
			}
			if err := merge((*T)(t), in.named, body); err != nil {
				return nil, err
			}
			if err := step(ctx, tx, reflect.ValueOf(t).Elem(), sh, m); err != nil {
				return nil, err
			}
			return put[T, P](ctx, tx, k, t, sh)
		})
	o.In = append(kind.Fields(reflect.TypeFor[byRev]()), body...)
	o.InSchema, o.OutSchema, o.Versioned = kind.Schema(o.In, false), open(kind.Schema(readable(sh.Fields), true)), true
	o.check = func(raw json.RawMessage) (any, error) { return readPatch(raw, o.In, new(T), body) }
}

// step holds a move against its rules and does it.
func step(ctx context.Context, tx *store.Tx, rv reflect.Value, sh kind.Shape, m kind.Move) error {
	at := func(n string) reflect.Value {
		f, _ := sh.Field(n)
		return rv.FieldByIndex(f.At)
	}
	state := at("state")
	if now := state.String(); !slices.Contains(m.From, now) {
		return errs.New(errs.Conflict, "this %s is %s, and can be %s only when it is %s", Title(sh.Name), Title(now), past(m), strings.Join(titles(m.From), " or "))
	}
	for _, n := range m.Wants {
		if at(n).IsZero() {
			return errs.At(n, "is required to %s", m.Verb)
		}
	}
	me, err := person(ctx, tx)
	if err != nil {
		return err
	}
	for _, n := range m.NotBy {
		if v := at(n); v.Kind() == reflect.String && v.String() != "" && (v.String() == tx.By.Actor || v.String() == me) {
			return errs.New(errs.Denied, "whoever is %s may not %s it: it takes somebody else (INV-01)", Title(n), m.Verb)
		}
	}
	state.SetString(m.To)
	if m.By != "" {
		at(m.By).SetString(tx.By.Actor)
	}
	if m.At != "" {
		at(m.At).Set(reflect.ValueOf(tx.Now))
	}
	return nil
}

// person is the person behind the actor, so that nobody approves his own work under another id.
func person(ctx context.Context, tx *store.Tx) (string, error) {
	kindName := tx.KindOf(tx.By.Actor)
	if kindName == "" {
		return "", nil
	}
	body, _, err := tx.Body(ctx, kindName, tx.By.Actor)
	if err != nil {
		return "", nil //nolint:nilerr // an actor that is no thing, such as the program itself, has no person
	}
	var a struct {
		Person string `json:"person"`
	}
	return a.Person, json.Unmarshal(body, &a)
}

func past(m kind.Move) string { return Title(m.To) }

func titles(states []string) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = Title(s)
	}
	return out
}
