// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"assay/internal/db"
	"golang.org/x/mod/sumdb/tlog"
)

// table holds every row of a table of facts against its commitment, and these against the entry of their batch.
func (v *verifier) table(ctx context.Context, c *db.Conn, t FactTable) error {
	cols := ""
	if t.key() != nil {
		cols = ", until"
	}
	for _, col := range t.columns() {
		cols += fmt.Sprintf(", %q", col.name)
	}
	k := &tableCheck{v: v, t: t, r: v.reader(), keys: keyColumns(t), open: map[uint64]factSpan{}, vals: make([]any, len(t.columns()))}
	err := c.EachCell(ctx, fmt.Sprintf(`SELECT batch, n, salt, h%s FROM f_%s WHERE org=$1 ORDER BY batch, n`, cols, t.name()), []any{v.org}, k.row)
	k.endBatch()
	for _, s := range k.open {
		k.held(s, forever)
	}
	v.mu.Lock()
	v.out.Rows += k.rows
	for sha, seq := range k.r.file {
		v.file[sha] = seq
	}
	v.mu.Unlock()
	return err
}

// factSpan is a row of a table with a key, until the next row with its key is met.
type factSpan struct {
	batch, n int64
	until    num
}

type tableCheck struct {
	v    *verifier
	t    FactTable
	r    *entryReader
	sum  edge
	keys []int
	open map[uint64]factSpan // by key

	at, n, until num
	salt, h      raw
	vals         []any

	batch, first, want, rows int64
	any                      bool
}

func (k *tableCheck) name() string {
	return fmt.Sprintf("%s row %d of batch %d", k.t.name(), k.n.n, k.at.n)
}

func (k *tableCheck) row(x []db.Cell) error {
	k.at.from(&x[0])
	k.n.from(&x[1])
	k.salt.from(&x[2])
	k.h.from(&x[3])
	at := 4
	if k.t.key() != nil {
		k.until.from(&x[4])
		at = 5
	}
	for i := range k.vals {
		k.vals[i] = x[at+i].Value()
	}
	v, batch := k.v, k.at.n
	if !k.any || batch != k.batch {
		k.endBatch()
		k.batch, k.first, k.want, k.any = batch, k.n.n, 0, true
	}
	if k.n.n != k.want || !k.n.ok || !k.at.ok {
		v.badIn(batch, partRows, k.want, Missing, fmt.Sprintf("%s row %d of batch %d", k.t.name(), k.want, batch), "it is missing")
		k.want = k.n.n
	}
	k.want++
	k.rows++
	switch {
	case !k.h.ok || len(k.h.b) != sha256.Size:
		v.badIn(batch, partRows, k.n.n, Altered, k.name(), "its commitment is not one")
	case k.salt.null && !v.said[[2]int64{batch, k.n.n}]:
		v.badIn(batch, partRows, k.n.n, Missing, k.name(), "it is gone, and no entry says that it was disposed of")
	case k.salt.null:
		k.disposed()
		return nil
	case !k.salt.ok || len(k.salt.b) != rowSalt || !k.sound() || !k.committed():
		v.badIn(batch, partRows, k.n.n, Altered, k.name(), "it is not what was committed to")
	}
	k.sum.push(tlog.RecordHash(k.h.b))
	k.span()
	return nil
}

// committed says whether the row is the one that its commitment stands for.
func (k *tableCheck) committed() bool {
	h, _ := commit(k.r, k.salt.b, rowText(k.t.columns(), k.vals))
	return bytes.Equal(h[:], k.h.b)
}

// disposed holds a row that was disposed of against what that means: nothing is left but its commitment,
// and it is seen at no moment.
func (k *tableCheck) disposed() {
	k.sum.push(tlog.RecordHash(k.h.b))
	for _, x := range k.vals {
		if x != nil {
			k.v.bad(Altered, k.at.n, k.name(), "it was disposed of, and something is left of it")
			break
		}
	}
	if k.t.key() != nil && (!k.until.ok || k.until.n != k.at.n) {
		k.v.bad(Altered, k.at.n, k.name(), "it was disposed of, and has a span")
	}
}

// sound says whether every cell is of the type of its column, and remembers the files that the row cites.
func (k *tableCheck) sound() bool {
	for i, c := range k.t.columns() {
		s, isText := k.vals[i].(string)
		_, isNum := k.vals[i].(int64)
		wantText := c.typ == "text" || c.typ == "json"
		if k.vals[i] != nil && (wantText && !isText || !wantText && !isNum) {
			return false
		}
		if !c.file || s == "" {
			continue
		}
		if c.typ == "text" {
			k.r.file[s] = k.at.n
			continue
		}
		for _, sha := range digests.FindAllString(s, -1) {
			k.r.file[sha[1:len(sha)-1]] = k.at.n
		}
	}
	return true
}

// span holds the until of the row before with the same key against this row.
func (k *tableCheck) span() {
	if k.t.key() == nil {
		return
	}
	h := &k.r.hash
	h.Reset()
	for _, i := range k.keys {
		switch x := k.vals[i].(type) {
		case nil:
			h.WriteByte(0)
		case int64:
			h.WriteByte(1)
			k.r.num(x)
		case string:
			h.WriteByte(2)
			k.r.num(int64(len(x)))
			h.WriteString(x)
		default:
			fmt.Fprintf(h, "%T%v\x00", x, x)
		}
	}
	key := h.Sum64()
	if s, ok := k.open[key]; ok {
		k.held(s, k.at.n)
	}
	k.open[key] = factSpan{k.at.n, k.n.n, k.until}
}

func (k *tableCheck) held(s factSpan, until int64) {
	v := k.v
	if u := s.until; u.ok && u.n > s.batch && u.n < min(until, v.out.Size) && v.gone[u.n] == k.t.name() {
		return // what replaced it was disposed of
	}
	if !s.until.ok || s.until.n != until {
		k.v.bad(Altered, s.batch, fmt.Sprintf("%s row %d of batch %d", k.t.name(), s.n, s.batch), "its span is not that of the ledger")
	}
}

// endBatch holds the rows of a batch that has ended against the root in its entry.
func (k *tableCheck) endBatch() {
	if !k.any {
		return
	}
	v := k.v
	v.mu.Lock()
	b, ok := v.batchOf(k.batch)
	if ok = ok && v.names[b.table] == k.t.name(); ok {
		v.batchAt[k.batch] = 0
	}
	v.mu.Unlock()
	name := fmt.Sprintf("%s batch %d", k.t.name(), k.batch)
	root := k.sum.root()
	k.sum.reset()
	switch {
	case !ok && (k.batch < 0 || k.batch >= v.out.Size): // an export ends before it
		v.bad(Missing, k.batch, name, "its rows are there, and the ledger has no such entry")
	case !ok:
		v.badIn(k.batch, partRows, k.first, Missing, name, "its rows are there, and the ledger has no such batch or it was disposed of")
	case b.rows != k.want:
		v.badIn(k.batch, partRows, min(k.want, b.rows), Missing, name, "%d rows, and the ledger committed to %d", k.want, b.rows)
	case b.root != root:
		v.badIn(k.batch, partBatch, 0, Altered, name, "its rows are not those that the ledger committed to")
	}
}
