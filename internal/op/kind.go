// SPDX-License-Identifier: Apache-2.0

package op

import (
	"bytes"
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

type byID struct {
	ID string `json:"id" doc:"Identifier." min:"1"`
}

type byRev struct {
	ID  string `json:"id" doc:"Identifier." min:"1"`
	Rev int64  `json:"rev" doc:"The revision you read." min:"1"`
}

// ownFields are the fields that make a thing somebody's own.
var ownFields = []string{"owner", "assignee", "person", "requested_by", "submitted_by", "created_by", "lead"}

// Also is what else an operation of a kind does in its transaction, or why it may not. It is called when the rules of the
// operation itself hold, and before the thing is written; was is the thing as it is, and nil for a new one.
type Also[T any] struct {
	Verb string // create, update, end (with nil for now), or that of a move
	Do   func(ctx context.Context, tx *store.Tx, was, now *T) error
}

// Kind adds the operations that every kind has: list, get, history, links, create, update, end, and one for each move.
func Kind[T any, P kind.Thing[T]](s *Set, k kind.Kind[T], also ...Also[T]) {
	if err := k.Sound(); err != nil {
		s.errs = append(s.errs, err)
		return
	}
	sh := k.Shape()
	for _, a := range also {
		if a.Verb != "update" && !((a.Verb == "create" || a.Verb == "end") && k.Create != kind.Never) && !slices.ContainsFunc(k.Moves, func(m kind.Move) bool { return m.Verb == a.Verb }) || k.System {
			s.errs = append(s.errs, fmt.Errorf("kind %s: there is no operation %s that does more", k.Name, a.Verb))
		}
	}
	s.shapes = append(s.shapes, sh)
	reading[T, P](s, k, sh)
	if !k.System {
		writing[T, P](s, k, sh, also)
		for _, m := range k.Moves {
			move[T, P](s, k, sh, m, also)
		}
	}
	owners := []string{}
	for _, n := range ownFields {
		if _, ok := sh.Field(n); ok {
			owners = append(owners, n)
		}
	}
	for _, o := range s.ops {
		if o.Kind == k.Name {
			o.owners = owners
		}
	}
}

// Title is how a kind or a field is called in a sentence.
func Title(name string) string { return strings.ReplaceAll(name, "_", " ") }

// themOrIt is how a thing of a kind is spoken of: people and accounts are no it.
func themOrIt(sh kind.Shape) string {
	if sh.Object == "people" || sh.Object == "users" {
		return "them"
	}
	return "it"
}

func itIs(sh kind.Shape) string {
	if themOrIt(sh) == "them" {
		return "they are"
	}
	return "it is"
}

func reading[T any, P kind.Thing[T]](s *Set, k kind.Kind[T], sh kind.Shape) {
	secret := secrets(sh)
	out := open(kind.Schema(readable(sh.Fields), true))
	list(s, sh, secret, out)
	o := Query(s, Spec{Name: k.Name + ".get", Doc: "Show one " + Title(k.Name) + ".", Object: k.Object, Act: "view", Example: k.Name + " get --id " + k.Prefix + "_…"},
		func(ctx context.Context, v *store.View, in byID) (json.RawMessage, error) {
			body, _, err := v.Body(ctx, k.Name, in.ID)
			return mask(body, secret), err
		})
	o.OutSchema = out
	Query(s, Spec{Name: k.Name + ".history", Doc: "Show every change to one " + Title(k.Name) + ".", Object: k.Object, Act: "view", Example: k.Name + " history --id " + k.Prefix + "_…"},
		func(ctx context.Context, v *store.View, in byID) ([]store.Version, error) {
			h, err := v.History(ctx, k.Name, in.ID)
			for i := range h {
				h[i].Body = mask(h[i].Body, secret)
			}
			return h, err
		})
	Query(s, Spec{Name: k.Name + ".links", Doc: "Show what links to one " + Title(k.Name) + ".", Object: k.Object, Act: "view", Example: k.Name + " links --id " + k.Prefix + "_…"},
		func(ctx context.Context, v *store.View, in byID) ([]store.Link, error) {
			if ok, err := v.Exists(ctx, k.Name, in.ID); err != nil || !ok {
				return nil, None(k.Name, in.ID, err)
			}
			l, err := v.Pointing(ctx, in.ID)
			if l == nil {
				l = []store.Link{}
			}
			return l, err
		})
}

// None is the answer where there is no such thing; err is what went wrong in looking, and comes first.
func None(what, id string, err error) error {
	if err != nil {
		return err
	}
	return store.NoSuch(what, id)
}

// list adds the operation that lists a kind: its filters are the indexed fields.
func list(s *Set, sh kind.Shape, secret []string, out map[string]any) {
	o := Query(s, Spec{Name: sh.Name + ".list", Doc: "List " + sh.Plural + ".", Object: sh.Object, Act: "view", Example: sh.Name + " list --limit 20"},
		func(ctx context.Context, v *store.View, p store.Page) (json.RawMessage, error) {
			if slices.Contains(secret, strings.TrimPrefix(p.Sort, "-")) { // the order would tell of it, and the cursor hold it
				return nil, errs.At("sort", "%s can't be sorted by %q", sh.Plural, short(p.Sort))
			}
			l, err := v.List(ctx, sh.Name, p)
			if err != nil {
				return nil, err
			}
			return page(l, secret)
		})
	o.In = nil
	for _, f := range sh.Fields {
		if f.Index && !f.Hidden() {
			f.Required, f.Min, f.Default, f.ReadOnly = false, nil, "", false
			f.Doc = "Filter by this value. " + f.Doc
			o.In = append(o.In, f)
		}
	}
	most, least := int64(1000), int64(1)
	o.In = append(o.In,
		kind.Field{Name: "sort", Type: "string", Doc: "Sort by this indexed field or by id; put - in front for descending order."},
		kind.Field{Name: "after", Type: "string", Doc: "Start after this cursor: the value of next from the previous page."},
		kind.Field{Name: "limit", Type: "integer", Doc: "Maximum number of results; 50 by default.", Min: &least, Max: &most})
	o.InSchema = kind.Schema(o.In, true)
	o.OutSchema = map[string]any{"type": "object", "required": []string{"data"}, "properties": map[string]any{
		"data": map[string]any{"type": "array", "items": out},
		"next": map[string]any{"type": "string", "description": "Cursor of the next page; absent on the last page."}}}
	fields := o.In
	o.check = func(raw json.RawMessage) (any, error) { return listPage(raw, fields) }
	o.points = filtered(fields)
}

// listPage reads the input of a list.
func listPage(raw json.RawMessage, fields []kind.Field) (store.Page, error) {
	p := store.Page{Where: map[string]any{}}
	named, err := object(raw, fields)
	if err != nil {
		return p, err
	}
	var faults []error
	for _, f := range fields {
		v, ok := named[f.Name]
		if !ok {
			continue
		}
		val, err := filterValue(f, v)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		switch f.Name {
		case "sort":
			p.Sort = val.(string)
		case "after":
			p.After = val.(string)
		case "limit":
			p.Limit = int(val.(int64))
		default:
			p.Where[f.Name] = val
		}
	}
	return p, errs.Join(faults...)
}

// filterValue reads one field of a list's input.
func filterValue(f kind.Field, raw json.RawMessage) (val any, err error) {
	switch f.Type {
	case "integer":
		var n int64
		if err = json.Unmarshal(raw, &n); err == nil && f.Name == "limit" && (n < 1 || n > 1000) {
			return nil, errs.At("limit", "must be between 1 and 1000")
		}
		val = n
	case "boolean":
		var b bool
		err = json.Unmarshal(raw, &b)
		val = b
	default:
		var t string
		if err = json.Unmarshal(raw, &t); err == nil && f.Enum != nil && t != "" && !slices.Contains(f.Enum, t) {
			return nil, errs.At(f.Name, "%q is not one of %s", short(t), strings.Join(f.Enum, ", "))
		}
		val = t
	}
	if err != nil {
		return nil, mismatch(f, err)
	}
	return val, nil
}

// page writes a listing without decoding what it lists.
func page(l store.Listing, secret []string) (json.RawMessage, error) {
	n := len(`{"data":[],"next":""}`) + len(l.Next)
	for _, b := range l.Bodies {
		n += len(b) + 1
	}
	out := append(make([]byte, 0, n), `{"data":[`...)
	for i, b := range l.Bodies {
		if i > 0 {
			out = append(out, ',')
		}
		if len(secret) == 0 {
			out = append(out, b...)
		} else {
			out = append(out, mask(json.RawMessage(b), secret)...)
		}
	}
	out = append(out, ']')
	if l.Next != "" {
		out = append(append(append(out, `,"next":"`...), l.Next...), '"')
	}
	return append(out, '}'), nil
}

// secrets lists the fields that no face may read.
func secrets(sh kind.Shape) []string {
	var out []string
	for _, f := range sh.Fields {
		if f.Hidden() {
			out = append(out, f.Name)
		}
	}
	return out
}

// Mask takes the fields of a kind that no face may read out of a body.
func Mask(body json.RawMessage, sh kind.Shape) json.RawMessage { return mask(body, secrets(sh)) }

func readable(fields []kind.Field) []kind.Field {
	return slices.DeleteFunc(slices.Clone(fields), kind.Field.Hidden)
}

// mask takes the secret fields out of a body.
func mask(body json.RawMessage, secret []string) json.RawMessage {
	if len(secret) == 0 || body == nil {
		return body
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil {
		return json.RawMessage(`{}`)
	}
	for _, n := range secret {
		delete(m, n)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return b
}

// more does what else an operation does.
func more[T any](ctx context.Context, tx *store.Tx, also []Also[T], verb string, was, now *T) error {
	for _, a := range also {
		if a.Verb != verb {
			continue
		}
		if err := a.Do(ctx, tx, was, now); err != nil {
			return err
		}
	}
	return nil
}

func writing[T any, P kind.Thing[T]](s *Set, k kind.Kind[T], sh kind.Shape, also []Also[T]) {
	body := slices.DeleteFunc(slices.Clone(sh.Fields), func(f kind.Field) bool { return f.ReadOnly })
	out := open(kind.Schema(readable(sh.Fields), true))
	idRev := kind.Fields(reflect.TypeFor[byRev]())
	if k.Create != kind.Never {
		creating[T, P](s, k, sh, body, out, also)
	}
	update := Change(s, Spec{Name: k.Name + ".update", Doc: "Change the named fields of one " + Title(k.Name) + ".", Object: k.Object, Act: "edit", Example: k.Name + " update --id " + k.Prefix + "_… --rev 1 " + example(body)},
		func(ctx context.Context, tx *store.Tx, in patch) (json.RawMessage, error) {
			t, err := store.Get[T, P](ctx, &tx.View, k, in.ID)
			if err != nil {
				return nil, err
			}
			if err := fresh(k.Name, in.Rev, t.Base().Rev); err != nil {
				return nil, err
			}
			was := *(*T)(t)
			before, err := store.Encode(t)
			if err != nil {
				return nil, err
			}
			if err := merge((*T)(t), in.named, body); err != nil {
				return nil, err
			}
			after, err := store.Encode(t)
			if err != nil {
				return nil, err
			}
			if err := frozen(sh, before, after); err != nil {
				return nil, err
			}
			if err := keyed(ctx, &tx.View, sh, in.ID, before, after); err != nil {
				return nil, err
			}
			if err := more(ctx, tx, also, "update", &was, (*T)(t)); err != nil {
				return nil, err
			}
			return put[T, P](ctx, tx, k, t, sh)
		})
	update.In = append(slices.Clone(idRev), optional(body)...)
	update.InSchema, update.OutSchema, update.Versioned = kind.Schema(update.In, false), out, true
	update.check = func(raw json.RawMessage) (any, error) { return readPatch(raw, update.In, new(T), body) }

	if k.Create == kind.Never {
		return
	}
	end := Change(s, Spec{Name: k.Name + ".end", Doc: "End one " + Title(k.Name) + ". Its history stays.", Object: k.Object, Act: "edit", Example: k.Name + " end --id " + k.Prefix + "_… --rev 1"},
		func(ctx context.Context, tx *store.Tx, in byRev) (json.RawMessage, error) {
			if in.Rev == 0 {
				return nil, wantsRev()
			}
			t, err := store.Get[T, P](ctx, &tx.View, k, in.ID)
			if err != nil {
				return nil, err
			}
			if err := fresh(k.Name, in.Rev, t.Base().Rev); err != nil {
				return nil, err
			}
			if err := lasting(ctx, &tx.View, sh, in.ID); err != nil {
				return nil, err
			}
			if err := unnamed(ctx, &tx.View, sh, in.ID); err != nil {
				return nil, err
			}
			if err := more(ctx, tx, also, "end", (*T)(t), nil); err != nil {
				return nil, err
			}
			return json.RawMessage(`{}`), store.End[T, P](ctx, tx, k, in.ID, in.Rev)
		})
	end.Versioned = true
}

// creating adds the operation that makes a new thing.
func creating[T any, P kind.Thing[T]](s *Set, k kind.Kind[T], sh kind.Shape, body []kind.Field, out map[string]any, also []Also[T]) {
	act := k.Create
	if act == "" {
		act = "edit"
	}
	create := Change(s, Spec{Name: k.Name + ".create", Doc: "Add a " + Title(k.Name) + ". " + k.Doc, Object: k.Object, Act: act, Example: k.Name + " create " + example(body)},
		func(ctx context.Context, tx *store.Tx, in P) (json.RawMessage, error) {
			made, err := store.Encode(in)
			if err != nil {
				return nil, err
			}
			if err := keyed(ctx, &tx.View, sh, "", nil, made); err != nil {
				return nil, err
			}
			if err := more(ctx, tx, also, "create", nil, (*T)(in)); err != nil {
				return nil, err
			}
			return put[T, P](ctx, tx, k, in, sh)
		})
	create.In, create.InSchema, create.OutSchema, create.Fresh = body, kind.Schema(body, false), out, true
	create.points = nil // Put resolves them
	create.check = func(raw json.RawMessage) (any, error) {
		v, err := decode[T](raw, body)
		initial(&v, sh)
		return P(&v), err
	}
}

// optional turns the fields of a new thing into those of a change: none is required.
func optional(fields []kind.Field) []kind.Field {
	out := slices.Clone(fields)
	for i := range out {
		out[i].Required, out[i].Default = false, ""
	}
	return out
}

// patch is the input of an update: what is named is changed.
type patch struct {
	ID    string `json:"id"`
	Rev   int64  `json:"rev"`
	named map[string]json.RawMessage
}

func readPatch(raw json.RawMessage, fields []kind.Field, probe any, body []kind.Field) (any, error) {
	named, err := object(raw, fields)
	if err != nil {
		return nil, err
	}
	var p patch
	if err := merge(&p, named, fields[:0]); err != nil {
		return nil, err
	}
	if err := merge(probe, named, body); err != nil { // for its errors: types are checked before anything is opened
		return nil, err
	}
	if json.Unmarshal(named["id"], &p.ID) != nil || p.ID == "" {
		return nil, errs.At("id", "is required")
	}
	if raw, ok := named["rev"]; ok && json.Unmarshal(raw, &p.Rev) != nil {
		return nil, errs.At("rev", "must be a whole number")
	}
	if p.Rev == 0 {
		return nil, wantsRev()
	}
	p.named = named
	return p, nil
}

func wantsRev() error {
	return &errs.Error{Code: errs.Precond, Field: "rev", Text: "is required: the revision you read", Fix: "read it first and send its rev (in REST: If-Match)"}
}

func fresh(k string, given, now int64) error {
	if given != now {
		return store.Stale(k, now)
	}
	return nil
}

// initial puts a new thing into its first state.
func initial(v any, sh kind.Shape) {
	st, ok := sh.Field("state")
	if !ok || !st.ReadOnly || st.Default == "" {
		return
	}
	reflect.ValueOf(v).Elem().FieldByIndex(st.At).SetString(st.Default)
}

func put[T any, P kind.Thing[T]](ctx context.Context, tx *store.Tx, k kind.Kind[T], t P, sh kind.Shape) (json.RawMessage, error) {
	if err := citable[T, P](ctx, tx, k, t, sh); err != nil {
		return nil, err
	}
	if err := store.Put(ctx, tx, k, t); err != nil {
		return nil, err
	}
	b, err := store.Encode(t)
	return mask(b, secrets(sh)), err
}

// example writes the arguments of the required fields.
func example(fields []kind.Field) string {
	var b bytes.Buffer
	for _, f := range fields {
		if !f.Required {
			continue
		}
		v := "…"
		switch {
		case f.Enum != nil:
			v = f.Enum[0]
		case f.Type == "integer":
			v = fmt.Sprint(*f.Min)
		case f.Format == "date":
			v = "2026-11-22"
		}
		fmt.Fprintf(&b, "--%s %q ", strings.ReplaceAll(f.Name, "_", "-"), v)
	}
	return strings.TrimSpace(b.String())
}
