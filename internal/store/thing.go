// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/ledger"
)

// Get returns the thing with this id.
func Get[T any, P kind.Thing[T]](ctx context.Context, v *View, k kind.Kind[T], id string) (P, error) {
	body, _, err := v.Body(ctx, k.Name, id)
	if err != nil {
		return nil, err
	}
	t := P(new(T))
	if err := json.Unmarshal(body, t); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", k.Name, id, err)
	}
	return t, nil
}

// Body returns a thing as it was stored, and the entry that made it so.
func (v *View) Body(ctx context.Context, kindName, id string) (json.RawMessage, int64, error) {
	s := v.db.kinds[kindName]
	if s == nil {
		return nil, 0, errs.New(errs.NotFound, "there is no kind %s", kindName)
	}
	args := []any{v.Org, id}
	if v.Past {
		args = append(args, v.At)
	}
	var body sql.NullString
	var since int64
	found, err := v.c.One(ctx, `SELECT b.body, k.since FROM `+s.table()+` k JOIN body b ON b.org=k.org AND b.seq=k.since WHERE k.org=$1 AND k.id=$2 AND `+v.span("k.", "since", 3)+v.seen(s, "k.id"), args, &body, &since)
	if err != nil {
		return nil, 0, fmt.Errorf("get %s: %w", kindName, err)
	}
	if !found || !body.Valid {
		return nil, 0, NoSuch(kindName, id)
	}
	return json.RawMessage(body.String), since, nil
}

// Page is what a list is asked for.
type Page struct {
	Where map[string]any // indexed fields and their values; a list of values means any of them
	Sort  string         // an indexed field or id, with - in front for the other way round
	After string         // cursor of the page before
	Limit int            // at most 1000; 50 where zero
}

// Listing is one page of things as they were stored.
type Listing struct {
	Bodies []string // JSON, as the engine handed it over: a page of many is not copied to be handed on
	IDs    []string
	Next   string // cursor of the next page; empty at the end
}

// List returns a page of things of a kind.
func List[T any, P kind.Thing[T]](ctx context.Context, v *View, k kind.Kind[T], p Page) ([]P, string, error) {
	l, err := v.List(ctx, k.Name, p)
	if err != nil {
		return nil, "", err
	}
	out := make([]P, len(l.Bodies))
	for i, b := range l.Bodies {
		out[i] = P(new(T))
		if err := json.Unmarshal([]byte(b), out[i]); err != nil {
			return nil, "", fmt.Errorf("read %s: %w", k.Name, err)
		}
	}
	return out, l.Next, nil
}

// All returns every thing of a kind that fits. It is for kinds of which there are few.
func All[T any, P kind.Thing[T]](ctx context.Context, v *View, k kind.Kind[T], where map[string]any) ([]P, error) {
	var out []P
	for p := (Page{Where: where, Limit: 1000}); ; {
		some, next, err := List[T, P](ctx, v, k, p)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
		if p.After = next; next == "" {
			return out, nil
		}
	}
}

// List returns a page of things as they were stored, in order of id or of an indexed field.
func (v *View) List(ctx context.Context, kindName string, p Page) (Listing, error) {
	s := v.db.kinds[kindName]
	if s == nil {
		return Listing{}, errs.New(errs.NotFound, "there is no kind %s", kindName)
	}
	q, err := s.query(v, p)
	if err != nil {
		return Listing{}, err
	}
	var out Listing
	var last, lastID string
	err = v.c.EachCell(ctx, q.text, q.args, func(x []db.Cell) error {
		switch len(out.IDs) {
		case 0:
			n := min(q.limit, 64)
			out.IDs, out.Bodies = make([]string, 0, n), make([]string, 0, n)
		case q.limit:
			out.Next = cursor(last, lastID)
			return nil
		}
		lastID = x[0].Text
		if len(x) > 2 { // what is sorted by
			if last = x[2].Text; x[2].Type == db.Num {
				last = strconv.FormatInt(x[2].Num, 10)
			}
		}
		out.IDs = append(out.IDs, x[0].Text)
		out.Bodies = append(out.Bodies, x[1].Text)
		return nil
	})
	if err != nil {
		return Listing{}, fmt.Errorf("list %s: %w", s.Plural, err)
	}
	return out, nil
}

// History lists the entries that made a thing what it is, newest first, with the body after each.
func (v *View) History(ctx context.Context, kindName, id string) ([]Version, error) {
	s := v.db.kinds[kindName]
	if s == nil {
		return nil, errs.New(errs.NotFound, "there is no kind %s", kindName)
	}
	var seqs []int64
	err := v.c.Each(ctx, `SELECT since, until FROM `+s.table()+` WHERE org=$1 AND id=$2 AND since<$3`+v.seen(s, "$2")+` ORDER BY since DESC`, []any{v.Org, id, v.At}, func(r *sql.Rows) error {
		var since, until int64
		if err := r.Scan(&since, &until); err != nil {
			return err
		}
		if until < v.At && (len(seqs) == 0 || seqs[len(seqs)-1] != until) {
			seqs = append(seqs, until) // an entry without a row: it ended the thing, or was disposed of
		}
		seqs = append(seqs, since)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", id, err)
	}
	if len(seqs) == 0 {
		return nil, NoSuch(kindName, id)
	}
	return v.entriesAt(ctx, seqs)
}

// entriesAt are the entries with some numbers, in their order.
func (v *View) entriesAt(ctx context.Context, seqs []int64) ([]Version, error) {
	out := make([]Version, 0, len(seqs))
	for _, q := range seqs {
		e, err := v.Entry(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Put writes t as the new state of the thing with its id, or as a new thing when it has none.
func Put[T any, P kind.Thing[T]](ctx context.Context, tx *Tx, k kind.Kind[T], t P) error {
	m := t.Base()
	s := tx.db.kinds[k.Name]
	if s == nil {
		return fmt.Errorf("kind %s is not declared", k.Name)
	}
	var old P
	if m.ID == "" {
		m.ID, m.Rev, m.CreatedAt, m.CreatedBy = tx.db.ids.New(k.Prefix, tx.Now), 0, tx.Now, tx.By.Actor
	} else if m.Rev > 0 {
		var err error
		if old, err = Get[T, P](ctx, &tx.View, k, m.ID); err != nil {
			return err
		}
		if o := old.Base(); o.Rev != m.Rev {
			return Stale(k.Name, o.Rev)
		}
	} else { // an id that the caller chose, such as the organisation's own
		if taken, err := tx.Exists(ctx, k.Name, m.ID); err != nil || taken {
			return errs.New(errs.Conflict, "there is a %s %s already", k.Name, clip(m.ID)).Because(err)
		}
		m.CreatedAt, m.CreatedBy = tx.Now, tx.By.Actor
	}
	if err := kind.Validate(t); err != nil {
		return err
	}
	if k.Check != nil {
		if err := k.Check((*T)(old), (*T)(t)); err != nil {
			return err
		}
	}
	m.Rev++
	m.UpdatedAt, m.UpdatedBy = tx.Now, tx.By.Actor
	if err := tx.resolve(ctx, s, reflect.ValueOf(t).Elem(), reflect.Indirect(reflect.ValueOf(old))); err != nil {
		return err
	}
	if len(s.secrets) > 0 {
		if err := tx.sealAll(s, m.ID, reflect.ValueOf(t).Elem(), reflect.Indirect(reflect.ValueOf(old))); err != nil {
			return err
		}
	}
	body, err := Encode(t)
	if err == nil && len(s.secrets) > 0 {
		body, err = s.withSecrets(body, reflect.ValueOf(t).Elem())
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", k.Name, err)
	}
	return tx.write(ctx, s, m.ID, m.Rev, body, m.Rev > 1)
}

// NoSuch is the answer where there is no thing with this id, or one of somebody else: the same words everywhere.
func NoSuch(kindName, id string) *errs.Error {
	return errs.New(errs.NotFound, "there is no %s %s", strings.ReplaceAll(kindName, "_", " "), clip(id))
}

// Stale is the answer to a revision that is no longer the newest.
func Stale(kindName string, now int64) error {
	return errs.New(errs.Conflict, "this %s has changed since you read it: it is at revision %d now", strings.ReplaceAll(kindName, "_", " "), now).Mend("read it again and repeat your change")
}

// End ends the thing with this id. Its past stays.
func End[T any, P kind.Thing[T]](ctx context.Context, tx *Tx, k kind.Kind[T], id string, rev int64) error {
	t, err := Get[T, P](ctx, &tx.View, k, id)
	if err != nil {
		return err
	}
	if m := t.Base(); rev != 0 && m.Rev != rev {
		return Stale(k.Name, m.Rev)
	}
	return tx.write(ctx, tx.db.kinds[k.Name], id, t.Base().Rev+1, nil, true)
}

func (tx *Tx) write(ctx context.Context, s *shape, id string, rev int64, body []byte, known bool) error {
	seq, err := tx.entry(ctx, s.Name, id, rev, body)
	if err != nil {
		return err
	}
	return project(ctx, tx.c, s, tx.Org, id, seq, rev, body, known)
}

// entry appends to the ledger and keeps the receipt.
func (tx *Tx) entry(ctx context.Context, kindName, id string, rev int64, body []byte) (int64, error) {
	e := &ledger.Entry{At: tx.Now, Actor: tx.By.Actor, Via: tx.By.Via, Op: tx.By.Op, Kind: kindName, ID: id, Rev: rev}
	leaf, err := tx.log.Append(ctx, tx.c, e, tx.db.ids.Bytes(32), body)
	if err != nil {
		return 0, err
	}
	tx.Receipt.Seq, tx.Receipt.Leaf = e.Seq, hex.EncodeToString(leaf[:])
	tx.Receipt.Count++
	return e.Seq, nil
}

var endLinks = fmt.Sprintf(`UPDATE link SET until=$1 WHERE org=$2 AND from_id=$3 AND until=%d`, forever)

// project brings the index table of a kind and the links up to date with one entry. Nothing else writes to them.
func project(ctx context.Context, c *db.Conn, s *shape, org, id string, seq, rev int64, body []byte, known bool) error {
	if known {
		if err := c.Later(ctx, s.end, seq, org, id); err != nil {
			return fmt.Errorf("end version: %w", err)
		}
		if len(s.refs) > 0 {
			if err := c.Later(ctx, endLinks, seq, org, id); err != nil {
				return fmt.Errorf("end links: %w", err)
			}
		}
	}
	if body == nil || ledger.IsEnd(body) {
		return nil
	}
	var picked [][]byte
	row, links, err := s.read(body, &picked)
	if err != nil {
		return err
	}
	args := append([]any{org, id, seq, forever, rev}, row...)
	if err := c.Later(ctx, s.insert, args...); err != nil {
		return fmt.Errorf("new version: %w", err)
	}
	for _, l := range links {
		if err := c.Later(ctx, `INSERT INTO link (org, from_kind, from_id, field, to_id, since, until) VALUES ($1,$2,$3,$4,$5,$6,$7) ON CONFLICT DO NOTHING`,
			org, s.Name, id, l.field, l.to, seq, forever); err != nil {
			return fmt.Errorf("new link: %w", err)
		}
	}
	return nil
}

// read reads the indexed fields of a body, in the order of the columns, and its references. What is
// null or not there stands as "" or 0, so that it can be sorted and compared.
func (s *shape) read(body []byte, picked *[][]byte) ([]any, []link, error) {
	vals, err := s.pick(body, picked)
	if err != nil {
		return nil, nil, err
	}
	out := make([]any, len(s.index))
	for i, f := range s.index {
		t, n, err := s.column(i, vals)
		if err != nil {
			return nil, nil, err
		}
		if out[i] = n; f.Type == "string" {
			out[i] = string(t)
		}
	}
	links, err := s.links(vals)
	return out, links, err
}

// value is what stands in the column of a field: a text where the field is one, else a number.
func value(f kind.Field, raw []byte) (t []byte, n int64, err error) {
	none := raw == nil || string(raw) == "null"
	switch {
	case f.Type == "string" && none:
		return nil, 0, nil
	case f.Type == "string":
		t, err = textOf(raw)
	case f.Type == "boolean":
		if string(raw) == "true" {
			n = 1
		}
	case !none:
		n, err = strconv.ParseInt(string(raw), 10, 64)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", f.Name, err)
	}
	return t, n, nil
}

// pick finds the fields of a body that have columns or hold references, in the order of names.
func (s *shape) pick(body []byte, picked *[][]byte) ([][]byte, error) {
	if len(*picked) < len(s.names) {
		*picked = make([][]byte, len(s.names))
	}
	vals := (*picked)[:len(s.names)]
	return vals, pick(body, s.names, vals)
}

// links reads references out of the values of the fields that hold them.
func (s *shape) links(vals [][]byte) ([]link, error) {
	var out []link
	for i, f := range s.refs {
		switch raw := vals[s.refAt[i]]; {
		case len(raw) > 2 && raw[0] == '"':
			id, err := textOf(raw)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", f.Name, err)
			}
			out = append(out, link{f.Name, string(id)})
		case len(raw) > 2 && raw[0] == '[':
			var many []string
			if json.Unmarshal(raw, &many) != nil {
				continue // a list of something else, which holds no references of this kind
			}
			for _, id := range many {
				out = append(out, link{f.Name, id})
			}
		}
	}
	return out, nil
}

// Encode writes a body: JSON as Go writes it, without HTML escapes. What is stored is these bytes.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// Version is one entry of the ledger with the body that it committed to.
type Version struct {
	Seq   int64           `json:"seq"`
	At    time.Time       `json:"at"`
	Actor string          `json:"actor"`
	Via   string          `json:"via"`
	Op    string          `json:"op"`
	Kind  string          `json:"kind"`
	ID    string          `json:"id"`
	Rev   int64           `json:"rev"`
	Leaf  string          `json:"leaf"`
	Body  json.RawMessage `json:"body,omitempty"`
	State string          `json:"state"` // kept, ended or disposed
}
