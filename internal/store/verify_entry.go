// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/internal/db"
	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// What a cell holds, and nothing that would have to be turned into it: a text that has become a blob is altered.
type (
	num struct {
		n        int64
		ok, null bool
	}
	text struct {
		s        string
		ok, null bool
	}
	raw struct {
		b        []byte
		ok, null bool
	}
)

// Scan implements sql.Scanner.
func (x *num) Scan(v any) error { x.set(v); return nil }

// Scan implements sql.Scanner.
func (x *text) Scan(v any) error { x.set(v); return nil }

// Scan implements sql.Scanner. The bytes hold until the next row.
func (x *raw) Scan(v any) error { x.set(v); return nil }

// from takes a cell as it is.
func (x *num) from(c *db.Cell)  { x.n, x.ok, x.null = c.Num, c.Type == db.Num, c.Type == db.Null }
func (x *text) from(c *db.Cell) { x.s, x.ok, x.null = c.Text, c.Type == db.Text, c.Type == db.Null }
func (x *raw) from(c *db.Cell)  { x.b, x.ok, x.null = c.Bytes, c.Type == db.Bytes, c.Type == db.Null }

func (x *num) set(v any)  { x.n, x.ok = v.(int64); x.null = v == nil }
func (x *text) set(v any) { x.s, x.ok = v.(string); x.null = v == nil }
func (x *raw) set(v any)  { x.b, x.ok = v.([]byte); x.null = v == nil }

// entries recomputes every leaf and every body's digest, several stretches at once.
func (v *verifier) entries(ctx context.Context) error {
	n := v.out.Size
	v.leaf, v.at, v.state = make([]tlog.Hash, n), make([]int64, n), make([]entryState, n)
	v.who, v.row, v.link = make([]uint64, n), make([]uint64, n), make([]uint64, n)
	v.batchAt = make([]int32, n)
	v.low = make([]tlog.Hash, n>>8)
	const stretch = 1 << 10 // what is read ahead stays near the processor
	next := make(chan int64, n/stretch+1)
	for from := int64(0); from < n; from += stretch {
		next <- from
	}
	close(next)
	var wg sync.WaitGroup
	for _, c := range v.conns {
		wg.Go(func() {
			r := v.reader()
			for from := range next {
				if ctx.Err() != nil {
					return
				}
				to := min(from+stretch, n)
				r.stretch(ctx, c, from, to)
				for i := from; i+256 <= to; i += 256 {
					v.low[i>>8] = fold(v.leaf[i : i+256])
				}
			}
			r.merge()
		})
	}
	wg.Wait()
	return ctx.Err()
}

// entryReader is what one goroutine needs to read entries.
type entryReader struct {
	v                              *verifier
	seq, at, rev                   num
	actor, via, op, kind, id, body text
	digest, leaf, salt             raw
	hash                           maphash.Hash
	picked                         [][]byte
	ahead                          []bodyCells
	keyed                          []byte
	bodies                         int64
	said                           [][2]int64
	gone                           map[int64]string
	batch                          []batchRoot
	table                          string // of the last batch, and its place in names
	tableAt                        int
	file                           map[string]int64
	parts                          []partOf
}

func (v *verifier) reader() *entryReader {
	r := &entryReader{v: v, gone: map[int64]string{}, file: map[string]int64{}}
	r.hash.SetSeed(v.seed)
	return r
}

func (r *entryReader) merge() {
	v := r.v
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Bodies += r.bodies
	for _, s := range r.said {
		v.said[s] = true
	}
	for k, kind := range r.gone {
		v.gone[k] = kind
	}
	for _, b := range r.batch {
		v.batches = append(v.batches, b)
		v.batchAt[b.seq] = int32(len(v.batches))
	}
	for k, s := range r.file {
		v.file[k] = s
	}
	v.parts = append(v.parts, r.parts...)
}

// stretch reads the entries from one number up to another. Where the engine cannot read a row, it goes on behind it.
func (r *entryReader) stretch(ctx context.Context, c *db.Conn, from, to int64) {
	v := r.v
	want, err := r.even(ctx, c, from, to)
	if err != nil && ctx.Err() == nil {
		v.uneven.Store(true)
		if want == to {
			v.badIn(want, partEntry, 0, Altered, fmt.Sprintf("entry %d", want), "it cannot be read: %v", err)
		}
	}
	for tries := 0; want < to && ctx.Err() == nil; tries++ {
		err := c.Each(ctx, `SELECT e.seq, e.at, e.actor, e.via, e.op, e.kind, e.id, e.rev, e.digest, e.leaf, b.salt, b.body FROM entry e LEFT JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.seq>=$2 AND e.seq<$3 ORDER BY e.seq`,
			[]any{v.org, want, to}, func(rows *sql.Rows) error {
				if err := rows.Scan(&r.seq, &r.at, &r.actor, &r.via, &r.op, &r.kind, &r.id, &r.rev, &r.digest, &r.leaf, &r.salt, &r.body); err != nil {
					return err
				}
				for ; want < r.seq.n; want++ {
					v.badIn(want, partEntry, 0, Missing, fmt.Sprintf("entry %d", want), "it is missing")
				}
				r.entry()
				want++
				return nil
			})
		if err == nil {
			break
		}
		if tries == 100 {
			v.badIn(want, partEntry, 0, Altered, fmt.Sprintf("entries %d to %d", want, to-1), "they cannot be read: %v", err)
			return
		}
		v.badIn(want, partEntry, 0, Altered, fmt.Sprintf("entry %d", want), "it cannot be read: %v", err)
		want++
	}
	for ; want < to && ctx.Err() == nil; want++ {
		v.badIn(want, partEntry, 0, Missing, fmt.Sprintf("entry %d", want), "it is missing")
	}
	if v.opt.Progress != nil {
		v.mu.Lock()
		v.done += to - from
		v.opt.Progress(v.done, v.out.Size)
		v.mu.Unlock()
	}
}

func (r *entryReader) entry() {
	v, seq := r.v, r.seq.n
	if !r.seq.ok || seq < 0 || seq >= v.out.Size {
		v.badIn(seq, partEntry, 0, Altered, fmt.Sprintf("entry %d", seq), "its number is not one")
		return
	}
	v.state[seq], v.at[seq] = entryThere, r.at.n
	e := ledger.Entry{Org: v.org, Seq: seq, At: time.UnixMilli(r.at.n), Actor: r.actor.s, Via: r.via.s, Op: r.op.s, Kind: r.kind.s, ID: r.id.s, Rev: r.rev.n}
	whole := r.at.ok && r.actor.ok && r.via.ok && r.op.ok && r.kind.ok && r.id.ok && r.rev.ok && r.digest.ok && len(r.digest.b) == len(e.Digest)
	copy(e.Digest[:], r.digest.b)
	h := e.Leaf()
	v.leaf[seq] = h
	v.who[seq] = r.sum(r.kind.s, r.id.s, 0)
	if !whole || !r.leaf.ok || !bytes.Equal(r.leaf.b, h[:]) {
		v.badIn(seq, partEntry, 0, Altered, fmt.Sprintf("entry %d (%s %s)", seq, e.Kind, e.ID), "its columns do not give its leaf hash")
	}
	name := func() string { return fmt.Sprintf("body of entry %d (%s %s)", seq, e.Kind, e.ID) }
	switch {
	case r.salt.null && r.body.null:
		v.state[seq] = entryGone
		r.gone[seq] = strings.Clone(e.Kind) // and not all that was read with it
	case !r.salt.ok || !r.body.ok || len(r.salt.b) != bodySalt: // zeros behind a key do not change an HMAC
		v.badIn(seq, partBody, 0, Altered, name(), "its body or its salt is missing or of another type")
	default:
		r.bodies++
		digest, body := commit(r, r.salt.b, r.body.s)
		if digest != e.Digest {
			v.badIn(seq, partBody, 0, Altered, name(), "it is not what the ledger committed to")
		}
		if err := r.made(&e, body); err != nil {
			v.bad(Altered, seq, name(), "%v", err)
		}
	}
}

// made remembers what an entry must have made in other tables.
func (r *entryReader) made(e *ledger.Entry, body []byte) error {
	v := r.v
	if e.Rev == 0 {
		r.facts(e, r.body.s)
		return nil
	}
	if e.Kind == disposalKind {
		r.disposal(e.Seq, r.body.s)
	}
	if s := v.d.kinds[e.Kind]; s != nil {
		if ledger.IsEnd(body) {
			return nil
		}
		vals, err := s.pick(body, &r.picked)
		if err != nil {
			return err
		}
		if v.row[e.Seq], err = r.madeSum(s, e.ID, e.Rev, vals); err != nil {
			return err
		}
		links, err := s.links(vals)
		if err != nil {
			return err
		}
		for i, l := range links {
			if !slices.Contains(links[:i], l) {
				v.link[e.Seq] += r.linkSum(s.Name, e.ID, l.field, l.to)
			}
		}
		if len(s.cites) > 0 {
			cite(r.file, s.cites, body, e.Seq)
		}
		return nil
	}
	return nil
}

// facts remembers what the entry of a batch of facts committed to.
func (r *entryReader) facts(e *ledger.Entry, body string) {
	rows, root, ok := plainBatch(e.Kind, body)
	if !ok {
		rows, root, ok = batchBody(e.Kind, body)
		r.part(e, body)
	}
	if !ok {
		r.v.badIn(e.Seq, partBody, 0, Altered, fmt.Sprintf("body of entry %d (%s %s)", e.Seq, e.Kind, e.ID), "it is not the body of a batch of %s", e.Kind)
		return
	}
	if e.Kind != r.table {
		r.table = strings.Clone(e.Kind)
		r.tableAt = r.v.nameOf(r.table)
	}
	b := batchRoot{seq: e.Seq, table: r.tableAt, rows: rows}
	hex.Decode(b.root[:], []byte(root)) // that it is 64 digits was seen above
	r.batch = append(r.batch, b)
}

// disposal remembers what an entry says was removed before it.
func (r *entryReader) disposal(seq int64, body string) {
	entries, rows := disposalBody(seq, body)
	for _, s := range entries {
		r.said = append(r.said, [2]int64{s, wholeEntry})
	}
	r.said = append(r.said, rows...)
}

// wholeEntry stands for the body of an entry, and for all rows of a batch.
const wholeEntry = -1

func (r *entryReader) sum(a, b string, n int64) uint64 {
	h := &r.hash
	h.Reset()
	h.WriteString(a)
	h.WriteByte(0)
	h.WriteString(b)
	h.WriteByte(0)
	r.num(n)
	return h.Sum64()
}

func (r *entryReader) num(n int64) {
	var b [8]byte
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
	r.hash.Write(b[:])
}

// rowSum is what stands for a row of an index table, and madeSum for the one that a body must have made.
func (r *entryReader) rowSum(s *shape, id string, rev int64, row []any) uint64 {
	h := r.rowHead(s, id, rev)
	for _, x := range row {
		switch x := x.(type) {
		case int64:
			h.WriteByte(1)
			r.num(x)
		case string:
			h.WriteByte(2)
			r.num(int64(len(x)))
			h.WriteString(x)
		}
	}
	return h.Sum64() | 1 // 0 stands for no row
}

func (r *entryReader) madeSum(s *shape, id string, rev int64, vals [][]byte) (uint64, error) {
	h := r.rowHead(s, id, rev)
	for i, f := range s.index {
		t, n, err := s.column(i, vals)
		if err != nil {
			return 0, err
		}
		if f.Type == "string" {
			h.WriteByte(2)
			r.num(int64(len(t)))
			h.Write(t)
		} else {
			h.WriteByte(1)
			r.num(n)
		}
	}
	return h.Sum64() | 1, nil
}

func (r *entryReader) rowHead(s *shape, id string, rev int64) *maphash.Hash {
	h := &r.hash
	h.Reset()
	h.WriteString(s.Name)
	h.WriteByte(0)
	h.WriteString(id)
	h.WriteByte(0)
	r.num(rev)
	return h
}

func (r *entryReader) linkSum(kindName, from, field, to string) uint64 {
	h := &r.hash
	h.Reset()
	for _, s := range [...]string{kindName, from, field, to} {
		h.WriteString(s)
		h.WriteByte(0)
	}
	return h.Sum64()
}

// cite remembers the files that a body cites.
func cite(files map[string]int64, fields []string, body []byte, seq int64) {
	vals := make([][]byte, len(fields))
	if pick(body, fields, vals) != nil {
		return
	}
	for _, val := range vals {
		for _, sha := range digests.FindAll(val, -1) {
			files[string(sha[1:len(sha)-1])] = seq
		}
	}
}

var digests = regexp.MustCompile(`"[0-9a-f]{64}"`)
