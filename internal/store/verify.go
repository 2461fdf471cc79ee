// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"sort"
	"sync"

	"assay/internal/db"
	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// The classes of what can be wrong, as formula F-14 numbers them. They are exit codes too.
const (
	Altered  = 2 // altered content
	Missing  = 3 // a missing or extra entry, row or file
	BadSign  = 4 // a bad signature or an unknown key
	Diverged = 5 // the history is not an extension of a checkpoint that somebody kept
)

// Problem is one thing that is wrong, by name.
type Problem struct {
	Class  int    `json:"class"`
	Object string `json:"object"` // what is wrong: "entry 12", "risk rsk_… at entry 40", "file 9f86…"
	Entry  int64  `json:"entry"`  // the ledger entry that says what it should be; -1 where there is none
	Text   string `json:"text"`
}

// Audit is the result of recomputing everything from the ledger up.
type Audit struct {
	Org         string    `json:"org"`
	Size        int64     `json:"size"`
	Root        string    `json:"root"`
	Bodies      int64     `json:"bodies"`
	Disposed    int64     `json:"disposed"`
	Rows        int64     `json:"rows"` // rows of index tables, links and facts
	Files       int64     `json:"files"`
	Checkpoints int64     `json:"checkpoints"`
	Kept        int       `json:"kept_checkpoints"` // checkpoints from outside that the ledger was held against
	Problems    []Problem `json:"problems"`
}

// VerifyOptions are what the ledger is held against beside itself.
type VerifyOptions struct {
	Saved    []string                                    // checkpoints that somebody kept outside
	File     func(ctx context.Context, sha string) error // checks a file; nil where files are not looked at
	Progress func(done, total int64)
	Limit    int // how many problems are listed; 100 where zero
}

type verifier struct {
	d    *DB
	org  string
	opt  VerifyOptions
	mu   sync.Mutex
	out  Audit
	leaf []tlog.Hash
	ends map[int64]bool // entries that ended a thing
	gone map[int64]bool // entries whose body was disposed of
	file map[string]int64
	done int64
}

// Verify recomputes everything of one organisation from the ledger up, and names what is wrong.
func (d *DB) Verify(ctx context.Context, org string, opt VerifyOptions) (Audit, error) {
	if opt.Limit == 0 {
		opt.Limit = 100
	}
	v := &verifier{d: d, org: org, opt: opt, ends: map[int64]bool{}, gone: map[int64]bool{}, file: map[string]int64{}}
	v.out.Org, v.out.Problems = org, []Problem{}
	d.verifying.Lock() // one at a time: each takes several connections
	defer d.verifying.Unlock()
	err := d.View(ctx, org, timeZero, System("ledger.verify"), func(view *View) error {
		v.out.Size = view.At
		if err := v.head(ctx, view.c); err != nil {
			return err
		}
		if err := v.entries(ctx); err != nil {
			return err
		}
		return v.rest(ctx, view)
	})
	sort.SliceStable(v.out.Problems, func(i, j int) bool { return v.out.Problems[i].Entry < v.out.Problems[j].Entry })
	return v.out, err
}

func (v *verifier) bad(class int, entry int64, object, format string, a ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.out.Problems) < v.opt.Limit {
		v.out.Problems = append(v.out.Problems, Problem{class, object, entry, fmt.Sprintf(format, a...)})
	}
}

func (v *verifier) head(ctx context.Context, c *db.Conn) error {
	var n, last, at, headAt int64
	if _, err := c.One(ctx, `SELECT count(*), coalesce(max(seq),-1), coalesce(max(at),0) FROM entry WHERE org=$1`, []any{v.org}, &n, &last, &at); err != nil {
		return err
	}
	if _, err := c.One(ctx, `SELECT at FROM head WHERE org=$1`, []any{v.org}, &headAt); err != nil {
		return err
	}
	switch {
	case n != v.out.Size || last != v.out.Size-1:
		v.bad(Missing, last+1, "head", "the head says %d entries, and there are %d up to number %d", v.out.Size, n, last)
		v.out.Size = max(v.out.Size, last+1)
		if v.out.Size > last+1+1_000_000 { // a head that was tampered with must not make us allocate without bound
			v.out.Size = last + 1
		}
	case at != headAt:
		v.bad(Altered, last, "head", "the time in the head is not that of the last entry")
	}
	return nil
}

// entries recomputes every leaf and every body's digest, several stretches at once.
func (v *verifier) entries(ctx context.Context) error {
	v.leaf = make([]tlog.Hash, v.out.Size)
	const stretch = 1 << 14
	next := make(chan int64)
	var wg sync.WaitGroup
	var first error
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			c, err := v.d.sql.Reader(ctx)
			if err == nil {
				for from := range next {
					if err == nil {
						err = v.stretch(ctx, c, from, min(from+stretch, v.out.Size))
					}
				}
				v.d.sql.Release(c, err != nil)
			}
			for range next { //nolint:revive // drained after a failure so that the sender does not wait
			}
			if err != nil {
				v.mu.Lock()
				first = err
				v.mu.Unlock()
			}
		})
	}
	for from := int64(0); from < v.out.Size; from += stretch {
		next <- from
	}
	close(next)
	wg.Wait()
	return first
}

func (v *verifier) stretch(ctx context.Context, c *db.Conn, from, to int64) error {
	want, lastAt := from, int64(0)
	var bodies, disposed int64
	var leaf, salt, body sql.RawBytes
	var e ledger.Entry
	err := c.Each(ctx, `SELECT `+ledger.Columns+`, e.leaf, b.salt, b.body FROM entry e LEFT JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.seq>=$2 AND e.seq<$3 ORDER BY e.seq`,
		[]any{v.org, from, to}, func(r *sql.Rows) error {
			if err := ledger.Scan(r, &e, &leaf, &salt, &body); err != nil {
				v.bad(Altered, want, fmt.Sprintf("entry %d", want), "it cannot be read")
				want++
				return nil
			}
			for want < e.Seq {
				v.bad(Missing, want, fmt.Sprintf("entry %d", want), "it is missing")
				want++
			}
			v.entry(&e, leaf, salt, body, &bodies, &disposed)
			if e.At.UnixMilli() < lastAt {
				v.bad(Altered, e.Seq, fmt.Sprintf("entry %d", e.Seq), "it is dated before the entry in front of it")
			}
			lastAt = e.At.UnixMilli()
			want++
			return nil
		})
	if err != nil {
		return fmt.Errorf("verify entries: %w", err)
	}
	for ; want < to; want++ {
		v.bad(Missing, want, fmt.Sprintf("entry %d", want), "it is missing")
	}
	v.mu.Lock()
	v.out.Bodies += bodies
	v.out.Disposed += disposed
	v.done += to - from
	if v.opt.Progress != nil {
		v.opt.Progress(v.done, v.out.Size)
	}
	v.mu.Unlock()
	return nil
}

func (v *verifier) entry(e *ledger.Entry, leaf, salt, body []byte, bodies, disposed *int64) {
	h := e.Leaf()
	v.leaf[e.Seq] = h
	name := fmt.Sprintf("entry %d", e.Seq)
	if !bytes.Equal(leaf, h[:]) {
		v.bad(Altered, e.Seq, name, "its columns do not give its leaf hash")
	}
	switch {
	case salt == nil && body == nil:
		*disposed++
		v.mark(v.gone, e.Seq)
	case salt == nil || body == nil:
		v.bad(Altered, e.Seq, "body of "+name, "it lost its body or its salt, not both")
	default:
		*bodies++
		if ledger.Commit(salt, body) != e.Digest {
			v.bad(Altered, e.Seq, fmt.Sprintf("body of %s (%s %s)", name, e.Kind, e.ID), "it is not what the ledger committed to")
		}
		if ledger.IsEnd(body) {
			v.mark(v.ends, e.Seq)
		}
	}
}

func (v *verifier) mark(m map[int64]bool, seq int64) {
	v.mu.Lock()
	m[seq] = true
	v.mu.Unlock()
}

// ReadHashes makes the recomputed leaves a tlog.HashReader.
func (v *verifier) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		out[i] = fold(v.leaf[n<<level : (n+1)<<level])
	}
	return out, nil
}

// fold is the hash of a full subtree over 2^k leaves.
func fold(hs []tlog.Hash) tlog.Hash {
	if len(hs) == 1 {
		return hs[0]
	}
	w := make([]tlog.Hash, len(hs)/2)
	for i := range w {
		w[i] = tlog.NodeHash(hs[2*i], hs[2*i+1])
	}
	for len(w) > 1 {
		for i := range len(w) / 2 {
			w[i] = tlog.NodeHash(w[2*i], w[2*i+1])
		}
		w = w[:len(w)/2]
	}
	return w[0]
}

// rest holds everything else against the entries: the tree, checkpoints, index tables, links, facts, files.
func (v *verifier) rest(ctx context.Context, view *View) error {
	root, err := tlog.TreeHash(v.out.Size, v)
	if err != nil {
		return err
	}
	v.out.Root = fmt.Sprintf("%x", root[:])
	steps := []func(context.Context, *View) error{v.nodes, v.checkpoints, v.disposals, v.kinds, v.facts, v.links, v.files}
	for _, step := range steps {
		if err := step(ctx, view); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) nodes(ctx context.Context, view *View) error {
	want := map[[2]int64]bool{}
	for level := int64(8); v.out.Size>>level > 0; level += 8 {
		for ix := range v.out.Size >> level {
			want[[2]int64{level, ix}] = true
		}
	}
	err := view.c.Each(ctx, `SELECT level, ix, hash FROM node WHERE org=$1`, []any{v.org}, func(r *sql.Rows) error {
		var level, ix int64
		var h sql.RawBytes
		if err := r.Scan(&level, &ix, &h); err != nil {
			return err
		}
		name := fmt.Sprintf("node %d/%d", level, ix)
		if !want[[2]int64{level, ix}] {
			v.bad(Missing, -1, name, "the tree has no such node")
			return nil
		}
		delete(want, [2]int64{level, ix})
		if x := fold(v.leaf[ix<<level : (ix+1)<<level]); !bytes.Equal(h, x[:]) {
			v.bad(Altered, ix<<level, name, "it is not the hash of the entries below it")
		}
		return nil
	})
	for k := range want {
		v.bad(Missing, k[1]<<k[0], fmt.Sprintf("node %d/%d", k[0], k[1]), "it is missing")
	}
	return err
}

func (v *verifier) checkpoints(ctx context.Context, view *View) error {
	_, vkey, err := v.d.keys.Signer(v.org)
	if err != nil {
		return err
	}
	type row struct {
		size, at int64
		msg      string
	}
	var rows []row
	err = view.c.Each(ctx, `SELECT size, at, note FROM checkpoint WHERE org=$1 ORDER BY size`, []any{v.org}, func(r *sql.Rows) error {
		var x row
		err := r.Scan(&x.size, &x.at, &x.msg)
		rows = append(rows, x)
		return err
	})
	if err != nil {
		return fmt.Errorf("verify checkpoints: %w", err)
	}
	for _, x := range rows {
		size, at, msg := x.size, x.at, x.msg
		v.out.Checkpoints++
		v.checkpoint(fmt.Sprintf("checkpoint for %d entries", size), msg, vkey, size, Altered)
		if size > 0 && size <= v.out.Size {
			if t, err := view.timeOf(ctx, size-1); err == nil && at < t.UnixMilli() {
				v.bad(Altered, size-1, fmt.Sprintf("checkpoint for %d entries", size), "its time is before that of its last entry")
			}
		}
	}
	if last, err := v.d.anchors.Last(v.org); err != nil {
		return err
	} else if last != "" {
		v.checkpoint("anchor (the last signed checkpoint)", last, vkey, -1, Diverged)
	}
	for i, msg := range v.opt.Saved {
		v.out.Kept++
		v.checkpoint(fmt.Sprintf("kept checkpoint %d", i+1), msg, vkey, -1, Diverged)
	}
	return nil
}

// checkpoint holds the ledger against one signed note. class is what it means when they differ.
func (v *verifier) checkpoint(name, msg, vkey string, size int64, class int) {
	cp, err := ledger.OpenCheckpoint(msg, vkey)
	switch {
	case err != nil:
		v.bad(BadSign, -1, name, "%v", err)
	case size >= 0 && cp.Size != size:
		v.bad(Altered, -1, name, "it stands under the size %d and says %d", size, cp.Size)
	case cp.Size > v.out.Size:
		v.bad(Diverged, v.out.Size, name, "the log is behind checkpoint %d: it has %d entries", cp.Size, v.out.Size)
	default:
		if root, err := tlog.TreeHash(cp.Size, v); err != nil || root != cp.Root {
			v.bad(class, cp.Size-1, name, "the first %d entries are not those that it was signed for", cp.Size)
		}
	}
}
