// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// SensitiveRead is the fact that somebody read what is confidential.
type SensitiveRead struct {
	store.Place
	Actor string    `json:"actor" doc:"Who read it."`
	Op    string    `json:"op" doc:"The operation."`
	Thing string    `json:"thing" doc:"What was read."`
	At    time.Time `json:"at" doc:"When."`
}

// Reads are the sensitive reads. The ledger has them before the reader has the answer.
var Reads = store.Facts[SensitiveRead]("sensitive_read", "Reads of what is confidential.", nil, []string{"thing"}).Of("thing")

// readSpace remembers who has read what, for readAgain: within it the same reader of the same thing makes no second fact,
// so that a page that is looked at twice is one reading.
const (
	readSpace = "read"
	readAgain = 10 * time.Minute
)

// note writes that a read operation was called whose every call counts.
func (g *Gate) note(ctx context.Context, a Actor, by store.By, raw json.RawMessage) error {
	var in struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &in) != nil || in.ID == "" {
		in.ID = "list"
	}
	_, err := g.DB.Change(ctx, a.Org, by, func(tx *store.Tx) error { return read(ctx, tx, in.ID) })
	return err
}

func read(ctx context.Context, tx *store.Tx, id string) error {
	_, err := Reads.Append(ctx, tx, id, []SensitiveRead{{Actor: tx.By.Actor, Op: tx.By.Op, Thing: id, At: tx.Now}}, nil)
	return err
}

// noteOnce writes that somebody read a thing, unless it was written a short while ago. way tells a look at the thing from one at its file, and from a copy.
func (g *Gate) noteOnce(ctx context.Context, a Actor, by store.By, way, id string) error {
	name, known := way+"/"+a.ID+"/"+id, false
	err := g.DB.View(ctx, a.Org, time.Time{}, by, func(v *store.View) (err error) {
		_, known, err = v.Slip(ctx, readSpace, name)
		return err
	})
	if err != nil || known {
		return err
	}
	_, err = g.DB.Change(ctx, a.Org, by, func(tx *store.Tx) error {
		if _, known, err := tx.Slip(ctx, readSpace, name); err != nil || known {
			return err
		}
		if err := read(ctx, tx, id); err != nil {
			return err
		}
		return tx.SetSlip(ctx, readSpace, name, "1", tx.Now.Add(readAgain))
	})
	return err
}

// hidden lists the kinds whose guarded things an actor does not see: of which he may not view everything. His own thing,
// where that is what he asks about, is his to see.
func (g *Gate) hidden(ctx context.Context, v *store.View, a Actor, o *Op, raw json.RawMessage) []string {
	var out []string
	for _, sh := range g.shapes {
		if !slices.ContainsFunc(sh.Fields, func(f kind.Field) bool { return f.Guards != "" }) || a.May(sh.Object, "view") == Every {
			continue
		}
		if sh.Name == o.Kind && a.owns(sh.Object, o.Act) && own(ctx, v, a, o, Own, raw) == nil {
			continue
		}
		out = append(out, sh.Name)
	}
	return out
}

type quietKey struct{}

// guarded writes down the reading of a thing whose kind says that it is confidential, before it is handed out. An
// answer that could not be written down is not given.
func (g *Gate) guarded(ctx context.Context, a Actor, o *Op, by store.By, ans *Answer) error {
	if (o.Verb != "get" && o.Verb != "history") || ctx.Value(quietKey{}) != nil {
		return nil
	}
	id, err := g.confidential(o.Kind, ans.Out)
	if err == nil && id != "" {
		err = g.noteOnce(ctx, a, by, "look", id)
	}
	if err != nil {
		ans.Out = nil
	}
	return err
}

// confidential is the id of the thing in an answer, where reading it is written down: a thing, or its versions of
// which one is enough.
func (g *Gate) confidential(kindName string, out any) (string, error) {
	sh, _ := g.Shape(kindName)
	for _, f := range sh.Fields {
		if f.Guards == "" {
			continue
		}
		bodies := []json.RawMessage{}
		switch x := out.(type) {
		case json.RawMessage:
			bodies = append(bodies, x)
		case []store.Version:
			for _, v := range x {
				bodies = append(bodies, v.Body)
			}
		}
		for _, b := range bodies {
			var m map[string]any
			if b == nil {
				continue // disposed of, or ended
			}
			if err := json.Unmarshal(b, &m); err != nil {
				return "", fmt.Errorf("read %s: %w", kindName, err)
			}
			if id, _ := m["id"].(string); m[f.Name] == f.Guards {
				return id, nil
			}
		}
	}
	return "", nil
}

// Label is what a thing is called, for a link to it: nothing where the actor may not see it. It is not a reading of it.
func (g *Gate) Label(ctx context.Context, a Actor, asOf time.Time, kindName, id string) (map[string]string, error) {
	ans, err := g.call(context.WithValue(ctx, quietKey{}, true), a, Call{Op: kindName + ".get", In: mustJSON(map[string]string{"id": id}), AsOf: asOf})
	if e := errs.Public(err); err != nil && (e.Code == errs.NotFound || e.Code == errs.Denied) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := store.Encode(ans.Out)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read %s: %w", id, err)
	}
	sh, _ := g.Shape(kindName)
	out := map[string]string{}
	for _, n := range []string{"id", sh.Label, "title", "ref", "name"} {
		if s, ok := m[n].(string); ok {
			out[n] = s
		}
	}
	return out, nil
}
