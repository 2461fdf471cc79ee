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
func move[T any, P kind.Thing[T]](s *Set, k kind.Kind[T], sh kind.Shape, m kind.Move, also []Also[T]) {
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
			was := *(*T)(t)
			if err := merge((*T)(t), in.named, body); err != nil {
				return nil, err
			}
			if err := step(ctx, tx, reflect.ValueOf(t).Elem(), sh, m); err != nil {
				return nil, err
			}
			if err := more(ctx, tx, also, m.Verb, &was, (*T)(t)); err != nil {
				return nil, err
			}
			return put[T, P](ctx, tx, k, t, sh)
		})
	o.apart = m.Apart()
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
		return errs.New(errs.Conflict, "can't %s this %s: %s %s, not %s", Title(m.Verb), Title(sh.Name), itIs(sh), Title(now), strings.Join(titles(m.From), " or "))
	}
	var missing []error
	for _, n := range m.Wants {
		if at(n).IsZero() {
			missing = append(missing, errs.At(n, "is required to %s", Title(m.Verb)))
		}
	}
	if err := errs.Join(missing...); err != nil {
		return err
	}
	if err := decide(ctx, tx, rv, sh, m); err != nil {
		return err
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

func titles(states []string) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = Title(s)
	}
	return out
}

// decide holds a move against those who wrote what it is about, and stamps it.
func decide(ctx context.Context, tx *store.Tx, rv reflect.Value, sh kind.Shape, m kind.Move) error {
	id := rv.FieldByName("ID").String()
	a, err := ActorOf(ctx)
	if err != nil { // a job of the program
		a = Actor{Org: tx.Org, ID: tx.By.Actor, Session: tx.By.Session}
	}
	how, err := Approvable(ctx, &tx.View, a, sh, m, id)
	if err != nil {
		return err
	}
	f, ok := sh.Field(kind.ApprovedHow)
	if !m.Apart() || !ok || how == "" && sh.Settled(rv.FieldByIndex(stateAt(sh)).String()) {
		return nil // the stamp of an approval stays, whatever becomes of the thing
	}
	rv.FieldByIndex(f.At).SetString(string(how))
	return nil
}

func stateAt(sh kind.Shape) []int {
	f, _ := sh.Field("state")
	return f.At
}
