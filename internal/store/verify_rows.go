// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/internal/kind"
	"assay/internal/ledger"
)

var timeZero time.Time

// disposals holds every removed body against the entry that says who removed it and why.
func (v *verifier) disposals(ctx context.Context, view *View) error {
	if len(v.gone) == 0 {
		return nil
	}
	said := map[int64]bool{}
	err := view.c.Each(ctx, `SELECT b.body FROM entry e JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.kind='disposal' AND b.body IS NOT NULL`, []any{v.org}, func(r *sql.Rows) error {
		var body string
		if err := r.Scan(&body); err != nil {
			return err
		}
		var d struct {
			Entries []int64 `json:"entries"`
		}
		if err := json.Unmarshal([]byte(body), &d); err == nil {
			for _, s := range d.Entries {
				said[s] = true
			}
		}
		return nil
	})
	for seq := range v.gone {
		if !said[seq] {
			v.bad(Missing, seq, fmt.Sprintf("body of entry %d", seq), "it is gone, and no entry says that it was disposed of")
		}
	}
	return err
}

// kinds holds the index table of every kind against the bodies.
func (v *verifier) kinds(ctx context.Context, view *View) error {
	for _, name := range v.d.order {
		s := v.d.kinds[name]
		var was string
		if _, err := view.c.One(ctx, `SELECT ddl FROM shape WHERE name=$1`, []any{name}, &was); err != nil {
			return err
		}
		if was != strings.Join(s.ddl(), ";\n") {
			v.bad(Altered, -1, "shape of "+name, "it is not the shape that this program made")
		}
		if err := v.kind(ctx, view, s); err != nil {
			return fmt.Errorf("verify %s: %w", s.Plural, err)
		}
	}
	return nil
}

func (v *verifier) kind(ctx context.Context, view *View, s *shape) error {
	cols := ""
	for _, f := range s.index {
		cols += fmt.Sprintf(", k.%q", f.Name)
	}
	// Every entry of the kind, with the next one about the same thing, beside the row that it made.
	q := fmt.Sprintf(`SELECT e.seq, e.id, e.rev, coalesce(lead(e.seq) OVER (PARTITION BY e.id ORDER BY e.seq), %d), b.body, k.until, k.rev%s
		FROM entry e LEFT JOIN body b ON b.org=e.org AND b.seq=e.seq LEFT JOIN %s k ON k.org=e.org AND k.id=e.id AND k.since=e.seq WHERE e.org=$1 AND e.kind=$2`, forever, cols, s.table())
	var entries, rows int64
	vals := make([]cell, len(s.index))
	err := view.c.Each(ctx, q, []any{v.org, s.Name}, func(r *sql.Rows) error {
		var seq, rev, next int64
		var id string
		var body sql.NullString
		var until, rowRev sql.NullInt64
		dest := []any{&seq, &id, &rev, &next, &body, &until, &rowRev}
		for i := range vals {
			vals[i] = cell{}
			dest = append(dest, &vals[i])
		}
		if err := r.Scan(dest...); err != nil {
			return err
		}
		entries++
		name := fmt.Sprintf("%s %s at entry %d", s.Name, id, seq)
		live := body.Valid && !ledger.IsEnd([]byte(body.String))
		if !live {
			if until.Valid && body.Valid {
				v.bad(Missing, seq, "index row of "+name, "the thing was ended, and the row says that it is there")
			}
			return nil
		}
		rows++
		if !until.Valid {
			v.bad(Missing, seq, "index row of "+name, "it is missing")
			return nil
		}
		want, err := s.row([]byte(body.String))
		if err != nil {
			return nil // the body itself was named already
		}
		if until.Int64 != next || rowRev.Int64 != rev {
			v.bad(Altered, seq, "index row of "+name, "its span or revision is not that of the ledger")
		}
		for i, f := range s.index {
			if fmt.Sprint(vals[i].val) != fmt.Sprint(want[i]) {
				v.bad(Altered, seq, "index row of "+name, "%s is not what the body says", f.Name)
			}
		}
		v.cite(s.Fields, []byte(body.String), seq)
		return nil
	})
	if err != nil {
		return err
	}
	var have int64
	if _, err := view.c.One(ctx, `SELECT count(*) FROM `+s.table()+` WHERE org=$1`, []any{v.org}, &have); err != nil {
		return err
	}
	v.out.Rows += have
	if have > rows {
		v.bad(Missing, -1, "index of "+s.Plural, "%d rows, and the ledger has made %d: %s", have, rows, v.extra(ctx, view, s))
	}
	return nil
}

// extra names a row of an index table that no entry has made.
func (v *verifier) extra(ctx context.Context, view *View, s *shape) string {
	var id string
	var since int64
	view.c.One(ctx, `SELECT k.id, k.since FROM `+s.table()+` k LEFT JOIN entry e ON e.org=k.org AND e.seq=k.since AND e.id=k.id AND e.kind=$2 WHERE k.org=$1 AND e.seq IS NULL LIMIT 1`, []any{v.org, s.Name}, &id, &since)
	return fmt.Sprintf("%s at entry %d is one too many", id, since)
}

// cite remembers the files that a body cites.
func (v *verifier) cite(fields []kind.Field, body []byte, seq int64) {
	if v.opt.File == nil || !slices.ContainsFunc(fields, func(f kind.Field) bool { return f.Format == "sha256" }) {
		return
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil {
		return
	}
	for _, f := range fields {
		if f.Format != "sha256" {
			continue
		}
		for _, sha := range digests.FindAllString(string(m[f.Name]), -1) {
			v.file[sha] = seq
		}
	}
}

var digests = regexp.MustCompile(`[0-9a-f]{64}`)

// facts holds every row of every table of facts against its commitment, and these against the entry of the batch.
func (v *verifier) facts(ctx context.Context, view *View) error {
	names := []string{}
	for n := range v.d.tables {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if err := v.table(ctx, view, v.d.tables[n]); err != nil {
			return fmt.Errorf("verify %s: %w", n, err)
		}
	}
	return nil
}

func (v *verifier) table(ctx context.Context, view *View, t FactTable) error {
	batches := map[int64]Batch{}
	err := view.c.Each(ctx, `SELECT e.seq, b.body FROM entry e JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.kind=$2`, []any{v.org, t.name()}, func(r *sql.Rows) error {
		var seq int64
		var body sql.NullString
		if err := r.Scan(&seq, &body); err != nil {
			return err
		}
		var b Batch
		if body.Valid && json.Unmarshal([]byte(body.String), &b) == nil {
			batches[seq] = b
		}
		return nil
	})
	if err != nil {
		return err
	}
	cols, next := "", ""
	for _, c := range t.columns() {
		cols += fmt.Sprintf(", %q", c.name)
	}
	if k := t.key(); k != nil {
		quoted := make([]string, len(k))
		for i := range k {
			quoted[i] = fmt.Sprintf("%q", k[i])
		}
		next = fmt.Sprintf(", until, coalesce(lead(batch) OVER (PARTITION BY %s ORDER BY batch, n), %d)", strings.Join(quoted, ", "), forever)
	}
	check := tableCheck{v: v, t: t, batches: batches, sum: sha256.New()}
	q := fmt.Sprintf(`SELECT batch, n, salt, h%s%s FROM f_%s WHERE org=$1 ORDER BY batch, n`, cols, next, t.name())
	if err := view.c.Each(ctx, q, []any{v.org}, check.row); err != nil {
		return err
	}
	check.endBatch()
	for seq, b := range check.batches {
		if b.Rows > 0 {
			v.bad(Missing, seq, fmt.Sprintf("%s batch %d", t.name(), seq), "its %d rows are missing", b.Rows)
		}
	}
	return nil
}

type tableCheck struct {
	v       *verifier
	t       FactTable
	batches map[int64]Batch
	sum     interface {
		Write([]byte) (int, error)
		Sum([]byte) []byte
		Reset()
	}
	batch, n int64
	any      bool
}

func (k *tableCheck) row(r *sql.Rows) error {
	cols := k.t.columns()
	var batch, n, until, next int64
	var salt, h sql.RawBytes
	cells := make([]cell, len(cols))
	dest := []any{&batch, &n, &salt, &h}
	for i := range cells {
		dest = append(dest, &cells[i])
	}
	if k.t.key() != nil {
		dest = append(dest, &until, &next)
	}
	if err := r.Scan(dest...); err != nil {
		return err
	}
	if !k.any || batch != k.batch {
		k.endBatch()
		k.batch, k.n, k.any = batch, 0, true
	}
	name := fmt.Sprintf("%s row %d of batch %d", k.t.name(), n, batch)
	if n != k.n {
		k.v.bad(Missing, batch, fmt.Sprintf("%s row %d of batch %d", k.t.name(), k.n, batch), "it is missing")
		k.n = n
	}
	k.n++
	k.v.out.Rows++
	vals := make([]any, len(cells))
	for i := range cells {
		vals[i] = cells[i].val
		if sha, ok := cells[i].val.(string); ok && cols[i].file && sha != "" {
			k.v.file[sha] = batch
		}
	}
	if salt != nil && !bytes.Equal(rowHash(salt, rowText(cols, vals)), h) {
		k.v.bad(Altered, batch, name, "it is not what was committed to")
	}
	if until != next {
		k.v.bad(Altered, batch, name, "its span is not that of the ledger")
	}
	k.sum.Write(h)
	return nil
}

// endBatch holds the rows of a batch that has ended against the root in its entry.
func (k *tableCheck) endBatch() {
	if !k.any {
		return
	}
	b, ok := k.batches[k.batch]
	delete(k.batches, k.batch)
	name := fmt.Sprintf("%s batch %d", k.t.name(), k.batch)
	root := fmt.Sprintf("%x", k.sum.Sum(nil))
	k.sum.Reset()
	switch {
	case !ok && k.v.gone[k.batch]:
	case !ok:
		k.v.bad(Missing, k.batch, name, "rows without an entry in the ledger")
	case b.Rows != k.n:
		k.v.bad(Missing, k.batch, name, "%d rows, and the ledger committed to %d", k.n, b.Rows)
	case b.Root != root:
		k.v.bad(Altered, k.batch, name, "its rows are not those that the ledger committed to")
	}
}

// links holds the table of links against the bodies.
func (v *verifier) links(ctx context.Context, view *View) error {
	type row struct {
		kind, from, field, to string
		since, until          int64
	}
	want := map[row]bool{}
	for _, name := range v.d.order {
		s := v.d.kinds[name]
		if len(s.refs) == 0 {
			continue
		}
		q := fmt.Sprintf(`SELECT e.seq, e.id, coalesce(lead(e.seq) OVER (PARTITION BY e.id ORDER BY e.seq), %d), b.body FROM entry e LEFT JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.kind=$2`, forever)
		err := view.c.Each(ctx, q, []any{v.org, name}, func(r *sql.Rows) error {
			var seq, until int64
			var id string
			var body sql.NullString
			if err := r.Scan(&seq, &id, &until, &body); err != nil {
				return err
			}
			for _, l := range s.links([]byte(body.String)) {
				want[row{name, id, l.field, l.to, seq, until}] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	err := view.c.Each(ctx, `SELECT from_kind, from_id, field, to_id, since, until FROM link WHERE org=$1`, []any{v.org}, func(r *sql.Rows) error {
		var x row
		if err := r.Scan(&x.kind, &x.from, &x.field, &x.to, &x.since, &x.until); err != nil {
			return err
		}
		v.out.Rows++
		if !want[x] {
			v.bad(Altered, x.since, fmt.Sprintf("link from %s to %s", x.from, x.to), "no body says so")
		}
		delete(want, x)
		return nil
	})
	for x := range want {
		v.bad(Missing, x.since, fmt.Sprintf("link from %s to %s", x.from, x.to), "it is missing or altered")
	}
	return err
}

// files has every file that is cited looked at.
func (v *verifier) files(ctx context.Context, _ *View) error {
	if v.opt.File == nil {
		return nil
	}
	for sha, seq := range v.file {
		v.out.Files++
		if err := v.opt.File(ctx, sha); err != nil {
			v.bad(Altered, seq, "file "+sha, "%v", err)
		}
	}
	return ctx.Err()
}
