// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"errors"
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
	var missing []error
	for _, n := range m.Wants {
		if at(n).IsZero() {
			missing = append(missing, errs.At(n, "is required to %s", m.Verb))
		}
	}
	if err := errs.Join(missing...); err != nil {
		return err
	}
	me, err := behind(ctx, &tx.View, tx.By.Actor)
	if err != nil {
		return err
	}
	for _, n := range m.NotBy {
		if at(n).Kind() != reflect.String || at(n).String() == "" {
			continue
		}
		them, err := behind(ctx, &tx.View, at(n).String())
		if err != nil {
			return err
		}
		if slices.ContainsFunc(them, func(id string) bool { return slices.Contains(me, id) }) {
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

func past(m kind.Move) string { return Title(m.To) }

func titles(states []string) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = Title(s)
	}
	return out
}

// PersonOf is the person behind the actor of a view.
func PersonOf(ctx context.Context, v *store.View) (string, error) {
	ids, err := behind(ctx, v, v.By.Actor)
	for _, id := range ids {
		if strings.HasPrefix(id, "per_") {
			return id, err
		}
	}
	return "", err
}

// behind lists everybody that an id stands for: itself, the owner of a token, the person of a user. So nobody
// approves his own work under another id.
func behind(ctx context.Context, v *store.View, id string) ([]string, error) {
	out := []string{}
	for id != "" && !slices.Contains(out, id) {
		out = append(out, id)
		kindName := v.KindOf(id)
		if kindName == "" {
			break
		}
		body, _, err := v.Body(ctx, kindName, id)
		if errors.Is(err, errs.NotFound) {
			break // it was ended: what it stood for is no longer known
		}
		if err != nil {
			return nil, err
		}
		var a struct {
			Person string `json:"person"`
			Owner  string `json:"owner"`
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, err
		}
		if id = a.Person; id == "" && strings.HasPrefix(a.Owner, "usr_") {
			id = a.Owner
		}
	}
	return out, nil
}
