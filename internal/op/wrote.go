// SPDX-License-Identifier: Apache-2.0

package op

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// AskFields are the fields that say who wrote a thing or asked for it.
var AskFields = []string{"created_by", "requested_by", "submitted_by", "author"}

// Wrote lists who wrote or asked for what a move decides on: everybody who changed any part of it since what was approved
// last, and whoever its fields name. Who decided on it, such as by sending it back, wrote nothing; nor did who changed what
// is no part of it.
func Wrote(ctx context.Context, v *store.View, sh kind.Shape, m kind.Move, id string) ([]Hand, error) {
	h, err := v.Whole().History(ctx, sh.Name, id)
	if err != nil {
		return nil, err
	}
	out, err := wroteWith(ctx, v, sh, h[0].Body)
	if err != nil {
		return nil, err
	}
	for i, e := range h {
		var now struct{ State string }
		if e.Body != nil {
			if err := json.Unmarshal(e.Body, &now); err != nil {
				return nil, fmt.Errorf("read %s: %w", id, err)
			}
		}
		if sh.Settled(now.State) && !slices.Contains(m.From, now.State) {
			break
		}
		who := actorOf(e)
		if e.Op == FromFolder {
			who = machine // an unknown author counts, whoever else edits
		}
		if who != "" && writes(sh, h, i) {
			out = append(out, Hand{who, e.At})
		}
	}
	brought, err := broughtIn(ctx, v, sh, h[0].Body)
	if err != nil {
		return nil, err
	}
	more, err := named(sh, m, h[0].Body)
	return slices.Concat(out, brought, more), err
}

// broughtIn lists everybody who uploaded a file that a thing cites: they wrote that part of it, whoever cites it.
func broughtIn(ctx context.Context, v *store.View, sh kind.Shape, body json.RawMessage) ([]Hand, error) {
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("read what it cites: %w", err)
	}
	var out []Hand
	for _, sha := range cited(nil, sh.Fields, all) {
		rows, err := Uploads.Select(ctx, v, "sha256=$3", "", sha)
		if err != nil {
			return nil, err
		}
		for _, u := range rows {
			if u.Actor == "system" {
				u.Actor = machine // on the data folder: nobody knows who
			}
			out = append(out, Hand{u.Actor, u.At})
			if u.Person != "" {
				out = append(out, Hand{Who: u.Person, At: u.At})
			}
		}
	}
	return out, nil
}

// cited lists the files that a body cites, however deep.
func cited(out []string, fields []kind.Field, body map[string]any) []string {
	for _, f := range fields {
		many, ok := body[f.Name].([]any)
		if !ok {
			many = []any{body[f.Name]}
		}
		for _, x := range many {
			switch x := x.(type) {
			case string:
				if f.Format == "sha256" && x != "" {
					out = append(out, x)
				}
			case map[string]any:
				out = cited(out, f.Fields, x)
			}
		}
	}
	return out
}

// wroteWith lists who wrote what is approved together with a thing.
func wroteWith(ctx context.Context, v *store.View, sh kind.Shape, body json.RawMessage) ([]Hand, error) {
	var all map[string]any
	if sh.With == "" {
		return nil, nil
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("read what is approved with it: %w", err)
	}
	id, _ := all[sh.With].(string)
	other, known := v.Shape(v.KindOf(id))
	if !known {
		return nil, nil
	}
	return Wrote(ctx, v, other, kind.Move{}, id)
}

// writes says whether an entry of the history of a thing changed what is decided on.
func writes(sh kind.Shape, h []store.Version, i int) bool {
	verb := strings.TrimPrefix(h[i].Op, sh.Name+".")
	if slices.ContainsFunc(sh.Moves, func(m kind.Move) bool { return m.Verb == verb && m.Decides() }) {
		return false
	}
	if verb != "update" || i+1 == len(h) || h[i].Body == nil || h[i+1].Body == nil {
		return true
	}
	return len(changed(sh, h[i+1].Body, h[i].Body)) > 0
}

// changed lists the fields, of those that are written and are part of what is approved, in which two bodies differ.
func changed(sh kind.Shape, was, now json.RawMessage) []string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(was, &a) != nil || json.Unmarshal(now, &b) != nil {
		return []string{"body"}
	}
	var out []string
	for _, f := range sh.Fields {
		if !f.ReadOnly && !slices.Contains(sh.Free, f.Name) && !bytes.Equal(a[f.Name], b[f.Name]) {
			out = append(out, f.Name)
		}
	}
	return out
}

// named lists whom the fields of a thing name as its authors. Who asks for the end of what was approved is no author of it.
func named(sh kind.Shape, m kind.Move, body json.RawMessage) ([]Hand, error) {
	fields := slices.Clone(m.NotBy)
	if slices.ContainsFunc(m.From, func(s string) bool { return !sh.Settled(s) }) {
		fields = append(fields, AskFields...)
	}
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("read whom it names: %w", err)
	}
	var out []Hand
	for _, n := range fields {
		if who, ok := all[n].(string); ok && who != "" && who != "system" {
			out = append(out, Hand{Who: who}) // when is told by the history, where it matters
		}
	}
	return out, nil
}

// frozen holds that what was approved does not change: an update leaves alone what is part of it.
func frozen(sh kind.Shape, was, now json.RawMessage) error {
	var x struct{ State string }
	if err := json.Unmarshal(was, &x); err != nil {
		return fmt.Errorf("read %s: %w", sh.Name, err)
	}
	if !sh.Settled(x.State) {
		return nil
	}
	if fields := changed(sh, was, now); len(fields) > 0 {
		return (&errs.Error{Code: errs.Conflict, Field: fields[0], Text: "can't be changed: this " + Title(sh.Name) + " is " + Title(x.State)}).Mend("%s", instead(sh, x.State))
	}
	return nil
}

// instead says what can be done with a thing in a state in place of changing or ending it.
func instead(sh kind.Shape, state string) string {
	var verbs []string
	for _, m := range sh.Moves {
		if slices.Contains(m.From, state) {
			verbs = append(verbs, Title(m.Verb))
		}
	}
	if len(verbs) == 0 {
		return "add a new " + Title(sh.Name)
	}
	return "you can " + strings.Join(verbs, " or ") + " " + themOrIt(sh) + ", or add a new " + Title(sh.Name)
}

// lasting holds that a thing that was ever approved is not ended: its past would go out of sight.
func lasting(ctx context.Context, v *store.View, sh kind.Shape, id string) error {
	if !sh.Settles() {
		return nil
	}
	was, now, err := settledOnce(ctx, v, sh, id)
	if err != nil || was == "" {
		return err
	}
	return errs.New(errs.Conflict, "this %s was %s and can't be deleted", Title(sh.Name), Title(was)).Mend("%s", instead(sh, now))
}

// settledOnce is the last state of a thing in which what was approved stood, and the state that it is in now; the first is
// empty where it was never approved, the second where it was ended. What others name by a key counts as approved where a version
// of it was disposed of: nobody knows that it was not.
func settledOnce(ctx context.Context, v *store.View, sh kind.Shape, id string) (was, now string, err error) {
	h, err := v.History(ctx, sh.Name, id)
	if err != nil {
		return "", "", err
	}
	var kept, last int64
	for i, e := range h {
		var x struct{ State string }
		if e.Body == nil {
			continue
		}
		kept, last = kept+1, max(last, e.Rev)
		if err := json.Unmarshal(e.Body, &x); err != nil {
			return "", "", fmt.Errorf("read %s: %w", id, err)
		}
		if i == 0 {
			now = x.State
		}
		if sh.Settled(x.State) {
			return x.State, now, nil
		}
	}
	if kept < last && sh.Key != "" {
		return "approved", now, nil
	}
	return "", now, nil
}
