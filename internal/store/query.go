// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/ledger"
)

// Entry returns one entry of the ledger with its body.
func (v *View) Entry(ctx context.Context, seq int64) (Version, error) {
	out, err := v.Entries(ctx, EntryPage{Before: seq + 1, Limit: 1})
	if err != nil {
		return Version{}, err
	}
	if len(out) == 0 || out[0].Seq != seq {
		return Version{}, errs.New(errs.NotFound, "there is no ledger entry %d", seq)
	}
	return out[0], nil
}

// EntryPage is a part of the ledger, newest first.
type EntryPage struct {
	Before int64  // entries before this one; all where zero
	Kind   string // of this kind only
	Actor  string // by this actor only
	ID     string // about this thing only
	Limit  int
}

// Entries lists entries of the ledger, newest first, with their bodies.
func (v *View) Entries(ctx context.Context, p EntryPage) ([]Version, error) {
	before := v.At
	if p.Before > 0 {
		before = min(before, p.Before)
	}
	if p.Limit <= 0 || p.Limit > 1000 {
		p.Limit = 50
	}
	q, args := `SELECT `+ledger.Columns+`, b.salt IS NOT NULL, b.body FROM `, []any{v.Org, before}
	if about := v.about(p.ID); about != "" { // CROSS JOIN: the few entries of the thing lead, not the many of the ledger
		q += `(` + about + `) s CROSS JOIN entry e LEFT JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.seq<$2 AND e.seq=s.seq`
		args, p.ID = append(args, p.ID), ""
	} else {
		q += `entry e LEFT JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.seq<$2`
	}
	q += v.seenOf("e.id")
	for _, w := range []struct{ col, val string }{{"kind", p.Kind}, {"actor", p.Actor}, {"id", p.ID}} {
		if w.val != "" {
			args = append(args, w.val)
			q += fmt.Sprintf(" AND e.%s=$%d", w.col, len(args))
		}
	}
	var out []Version
	err := v.c.Each(ctx, q+fmt.Sprintf(` ORDER BY e.seq DESC LIMIT %d`, p.Limit), args, func(r *sql.Rows) error {
		var e ledger.Entry
		var salted bool
		var body sql.NullString
		if err := ledger.Scan(r, &e, &salted, &body); err != nil {
			return err
		}
		leaf := e.Leaf()
		x := Version{Seq: e.Seq, At: e.At, Actor: e.Actor, Via: e.Via, Op: e.Op, Kind: e.Kind, ID: e.ID, Rev: e.Rev, Leaf: fmt.Sprintf("%x", leaf[:]), State: "kept"}
		switch {
		case !body.Valid:
			x.State = "disposed"
		case ledger.IsEnd([]byte(body.String)):
			x.State = "ended"
		default:
			x.Body = json.RawMessage(body.String)
		}
		out = append(out, x)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	return out, nil
}

// about selects the numbers of the entries of a thing, whose id is $3: those that made and ended its versions, and those of
// the facts that are about it. It is nothing where the id is of no kind.
func (v *View) about(id string) string {
	s := v.db.kinds[v.KindOf(id)]
	if s == nil {
		return ""
	}
	q := fmt.Sprintf("SELECT since AS seq FROM %s WHERE org=$1 AND id=$3 UNION SELECT until FROM %s WHERE org=$1 AND id=$3", s.table(), s.table())
	for _, n := range slices.Sorted(maps.Keys(v.db.tables)) {
		if t := v.db.tables[n]; t.of() != "" {
			q += fmt.Sprintf(" UNION SELECT batch FROM f_%s WHERE org=$1 AND %q=$3", n, t.of())
		}
	}
	return q
}

// Kinds lists the kinds.
func (v *View) Kinds() []kind.Shape { return v.db.Kinds() }

// Find reads the things of a kind in whose body a text stands, in any letter case, by id.
func (v *View) Find(ctx context.Context, kindName, text string, limit int) (map[string]json.RawMessage, error) {
	s := v.db.kinds[kindName]
	if s == nil {
		return nil, errs.New(errs.NotFound, "there is no kind %s", kindName)
	}
	like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text)) + "%"
	args := []any{v.Org, like}
	if v.Past {
		args = append(args, v.At)
	}
	out := map[string]json.RawMessage{}
	err := v.c.Each(ctx, fmt.Sprintf(`SELECT k.id, b.body FROM %s k JOIN body b ON b.org=k.org AND b.seq=k.since WHERE k.org=$1 AND %s%s AND lower(b.body) LIKE $2 ESCAPE '\' ORDER BY k.id LIMIT %d`, s.table(), v.span("k.", "since", 3), v.seen(s, "k.id"), limit), args, func(r *sql.Rows) error {
		var id, body string
		if err := r.Scan(&id, &body); err != nil {
			return err
		}
		out[id] = json.RawMessage(body)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", s.Plural, err)
	}
	return out, nil
}

// TimeOf is the time of an entry.
func (v *View) TimeOf(ctx context.Context, seq int64) (time.Time, error) { return v.timeOf(ctx, seq) }

// Count counts things of a kind by the values of one indexed field.
func (v *View) Count(ctx context.Context, kindName, by string) (map[string]int64, error) {
	s := v.db.kinds[kindName]
	if s == nil {
		return nil, errs.New(errs.NotFound, "there is no kind %s", kindName)
	}
	f, _, err := s.sort(by)
	if err != nil || f == nil {
		return nil, errs.At("by", "%s cannot be counted by %q", s.Plural, clip(by))
	}
	args := []any{v.Org}
	if v.Past {
		args = append(args, v.At)
	}
	out := map[string]int64{}
	err = v.c.Each(ctx, fmt.Sprintf(`SELECT %q, count(*) FROM %s WHERE org=$1 AND %s%s GROUP BY %q`, f.Name, s.table(), v.span("", "since", 2), v.seen(s, s.table()+".id"), f.Name), args, func(r *sql.Rows) error {
		var val sql.NullString
		var n int64
		if err := r.Scan(&val, &n); err != nil {
			return err
		}
		out[val.String] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", s.Plural, err)
	}
	return out, nil
}

// resolve checks that every reference that is new points at a thing of this organisation: what is not there and what
// belongs to somebody else get the same answer. One that the thing had before was resolved then: what has become of it since
// is no reason why the thing cannot change.
func (tx *Tx) resolve(ctx context.Context, s *shape, rv, old reflect.Value) error {
	for _, f := range s.refs {
		var had []string
		if old.IsValid() {
			had = IDsIn(old.FieldByIndex(f.At))
		}
		for _, id := range IDsIn(rv.FieldByIndex(f.At)) {
			if slices.Contains(had, id) {
				continue
			}
			if err := tx.Resolve(ctx, f.Name, f.Ref, id, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// IDsIn are the ids that a field of references holds: one text, or a list of them.
func IDsIn(v reflect.Value) []string {
	v = reflect.Indirect(v)
	switch {
	case v.Kind() == reflect.String && v.String() != "":
		return []string{v.String()}
	case v.Kind() == reflect.Slice:
		var out []string
		for i := range v.Len() {
			if e := reflect.Indirect(v.Index(i)); e.Kind() == reflect.String && e.String() != "" {
				out = append(out, e.String())
			}
		}
		return out
	}
	return nil
}

// Resolve says that a field points at nothing where the organisation has no thing of the kind with this id. With ever, it is
// enough that it had one at any time.
func (v *View) Resolve(ctx context.Context, field, kindName, id string, ever bool) error {
	look := v.Exists
	if ever {
		look = v.known
	}
	if ok, err := look(ctx, kindName, id); err != nil || ok {
		return err
	}
	e := NoSuch(refName(kindName), id)
	e.Field = field
	return e
}

func refName(ref string) string {
	if ref == "*" {
		return "thing"
	}
	return ref
}

// Exists says whether there is a thing of a kind with this id; with the kind *, the prefix of the id says the kind.
func (v *View) Exists(ctx context.Context, kindName, id string) (bool, error) {
	if kindName == "*" {
		kindName = v.KindOf(id)
	}
	s := v.db.kinds[kindName]
	if s == nil {
		return false, nil
	}
	args := []any{v.Org, id}
	if v.Past {
		args = append(args, v.At)
	}
	var one int
	return v.c.One(ctx, `SELECT 1 FROM `+s.table()+` WHERE org=$1 AND id=$2 AND `+v.span("", "since", 3)+v.seen(s, "$2"), args, &one)
}

// known is Exists for any time, before and after the moment of the view.
func (v *View) known(ctx context.Context, kindName, id string) (bool, error) {
	if kindName == "*" {
		kindName = v.KindOf(id)
	}
	s := v.db.kinds[kindName]
	if s == nil {
		return false, nil
	}
	var one int
	return v.c.One(ctx, `SELECT 1 FROM `+s.table()+` WHERE org=$1 AND id=$2`+v.seen(s, "$2")+` LIMIT 1`, []any{v.Org, id}, &one)
}

// KindOf is the kind whose prefix an id has, or nothing.
func (v *View) KindOf(id string) string {
	prefix, _, _ := strings.Cut(id, "_")
	for _, n := range v.db.order {
		if v.db.kinds[n].Prefix == prefix {
			return n
		}
	}
	return ""
}

type link struct{ field, to string }

// Link is one thing that points at another.
type Link struct {
	Kind  string `json:"kind"`
	ID    string `json:"id"`
	Field string `json:"field"`
}

// Pointing lists what points at a thing.
func (v *View) Pointing(ctx context.Context, id string) ([]Link, error) {
	args := []any{v.Org, id}
	if v.Past {
		args = append(args, v.At)
	}
	var out []Link
	err := v.c.Each(ctx, `SELECT from_kind, from_id, field FROM link WHERE org=$1 AND to_id=$2 AND `+v.span("", "since", 3)+v.seenOf("link.from_id")+` ORDER BY from_kind, from_id LIMIT 1000`, args, func(r *sql.Rows) error {
		var l Link
		err := r.Scan(&l.Kind, &l.ID, &l.Field)
		out = append(out, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return out, nil
}
