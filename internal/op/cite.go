// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"

	"assay/internal/blob"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// Uploaded is the fact that somebody uploaded a file.
type Uploaded struct {
	store.Place
	Digest string    `json:"sha256" doc:"SHA-256 of the file."` // a text and no citation: a file that nothing cites may go
	Size   int64     `json:"size" doc:"Size in bytes."`
	Media  string    `json:"media_type" doc:"Type, as found in its bytes."`
	Actor  string    `json:"actor" doc:"Who uploaded it."`
	Person string    `json:"person" doc:"The person this account belongs to, if any."`
	At     time.Time `json:"at" doc:"When."`
}

// Uploads says who uploaded which file: the first time that each did. A file is kept on the disk before its row is written.
var Uploads = store.Facts[Uploaded]("upload", "Files that were uploaded, and by whom.", nil, []string{"sha256"})

// uploaded writes down who uploaded a file, once.
func (g *Gate) uploaded(ctx context.Context, a Actor, f Brought) error {
	known := func(v *store.View) (bool, error) {
		rows, err := Uploads.Select(ctx, v, "sha256=$3", "", f.SHA256)
		return slices.ContainsFunc(rows, func(u Uploaded) bool { return u.Actor == a.ID }), err
	}
	by, done := store.By{Actor: a.ID, Via: a.Via, Op: upload.Name}, false
	err := g.DB.View(ctx, a.Org, time.Time{}, by, func(v *store.View) (err error) {
		done, err = known(v)
		return err
	})
	if err != nil || done {
		return err
	}
	_, err = g.DB.Change(ctx, a.Org, by, func(tx *store.Tx) error {
		if done, err := known(&tx.View); err != nil || done {
			return err
		}
		person, err := PersonOf(ctx, &tx.View)
		if err != nil {
			return err
		}
		_, err = Uploads.Append(ctx, tx, "file", []Uploaded{{Digest: f.SHA256, Size: f.Size, Media: f.Media, Actor: a.ID, Person: person, At: tx.Now}}, nil)
		return err
	})
	return err
}

type gateKey struct{}

// citable holds a thing that is about to be written against the rule of citing: a digest that it did not have before is
// that of a file in the organisation's store, which its writer uploaded, or which something cites that he may read. What
// is none of these gets one answer, so that nobody finds out which files there are.
func citable[T any, P kind.Thing[T]](ctx context.Context, tx *store.Tx, k kind.Kind[T], t P, sh kind.Shape) error {
	now := digests(nil, "", sh.Fields, reflect.ValueOf(t))
	if len(now) == 0 {
		return nil
	}
	var was []pointed
	if t.Base().Rev > 0 {
		old, err := store.Get[T, P](ctx, &tx.View, k, t.Base().ID)
		if err != nil {
			return err
		}
		was = digests(nil, "", sh.Fields, reflect.ValueOf(old))
	}
	g, _ := ctx.Value(gateKey{}).(*Gate)
	var faults []error
	for _, d := range now {
		if !blob.Valid(d.id) || slices.ContainsFunc(was, func(w pointed) bool { return w.id == d.id }) {
			continue // Put refuses what is no digest
		}
		ok, err := g.mayCite(ctx, &tx.View, d.id)
		if err != nil {
			return err
		}
		if !ok {
			faults = append(faults, notUploaded(d.field))
		}
	}
	return errs.Join(faults...)
}

// digests lists the files that a value cites, however deep.
func digests(out []pointed, at string, fields []kind.Field, rv reflect.Value) []pointed {
	if rv = reflect.Indirect(rv); !rv.IsValid() {
		return out
	}
	for _, f := range fields {
		if f.Format != "sha256" && f.Fields == nil {
			continue
		}
		v, err := rv.FieldByIndexErr(f.At)
		if err != nil {
			continue // within a struct that is not there
		}
		for _, x := range structs(v) {
			switch {
			case f.Format != "sha256":
				out = digests(out, at+f.Name+".", f.Fields, x)
			case x.Kind() == reflect.String && x.String() != "":
				out = append(out, pointed{field: at + f.Name, id: x.String()})
			}
		}
	}
	return out
}

func (g *Gate) mayCite(ctx context.Context, v *store.View, sha string) (bool, error) {
	a, err := ActorOf(ctx)
	if err != nil || g == nil || g.Files == nil {
		return false, err
	}
	files, err := g.Files(v.Org)
	if err != nil {
		return false, err
	}
	if has, err := files.Has(ctx, sha); err != nil || !has {
		return false, err
	}
	me, err := PersonOf(ctx, v)
	if err != nil {
		return false, err
	}
	rows, err := Uploads.Select(ctx, v, "sha256=$3", "", sha)
	if err != nil || slices.ContainsFunc(rows, func(u Uploaded) bool { return u.Actor == a.ID || me != "" && u.Person == me }) {
		return err == nil, err
	}
	for _, sh := range g.shapes {
		if ok, err := g.reads(ctx, v, a, sh, sha); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// reads says whether the actor may read a thing of a kind that cites the file.
func (g *Gate) reads(ctx context.Context, all *store.View, a Actor, sh kind.Shape, sha string) (bool, error) {
	get := g.Find(sh.Name + ".get")
	if get == nil {
		return false, nil
	}
	reach, err := g.may(a, get)
	if errors.Is(err, errs.Denied) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v := *all
	if reach == Open {
		v.Veil([]string{sh.Name})
	}
	for _, f := range sh.Fields {
		if f.Format != "sha256" || !f.Index || a.May(heldIn(f), "view") == Nothing {
			continue
		}
		l, err := v.List(ctx, sh.Name, store.Page{Where: map[string]any{f.Name: sha}, Limit: 1000})
		if err != nil {
			return false, err
		}
		for i := range l.Bodies {
			if reach != Own {
				return true, nil
			}
			var m map[string]any
			if err := json.Unmarshal([]byte(l.Bodies[i]), &m); err != nil {
				return false, fmt.Errorf("read %s: %w", l.IDs[i], err)
			}
			if a.holds(m, get.owners) {
				return true, nil
			}
		}
	}
	return false, nil
}

// holds says whether one of the fields that make a thing somebody's own names the actor.
func (a Actor) holds(m map[string]any, owners []string) bool {
	return slices.ContainsFunc(owners, func(f string) bool {
		s, _ := m[f].(string)
		return s != "" && (s == a.Person || s == a.ID)
	})
}

// Uploaded gives what opens a file that the caller may cite: one that he uploaded, or that something cites which he may
// read.
func (d Desk) Uploaded(ctx context.Context, field, sha string) (func() (io.ReadCloser, error), error) {
	ok := false
	err := d.View(ctx, func(v *store.View) (err error) {
		if blob.Valid(sha) {
			ok, err = d.Gate.mayCite(ctx, v, sha)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, notUploaded(field)
	}
	files, err := d.Gate.Files(d.Actor.Org)
	if err != nil {
		return nil, err
	}
	return func() (io.ReadCloser, error) {
		r, _, err := files.Open(ctx, sha)
		return r, err
	}, nil
}

func notUploaded(field string) error {
	return errs.At(field, "no file with this digest was uploaded").Mend("upload the file first")
}
