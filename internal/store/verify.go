// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
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
	Kept        int       `json:"kept_checkpoints"`           // checkpoints from outside that the ledger was held against
	Unheld      []string  `json:"not_held_against,omitempty"` // what the ledger was not held against, and what that leaves open
	Problems    []Problem `json:"problems"`
}

// VerifyOptions are what the ledger is held against beside itself.
type VerifyOptions struct {
	Saved    []string                                    // checkpoints that somebody kept outside
	File     func(ctx context.Context, sha string) error // checks a file; nil where files are not looked at
	Progress func(done, total int64)
	Limit    int // how many problems are listed; 100 where zero
}

// verifier holds the state of one verification. What each entry must have made in other tables is kept
// as keyed 64-bit sums by entry number, so that nothing is sorted or joined: the seed is random, and
// nobody can make two rows meet.
type verifier struct {
	d    *DB
	org  string
	opt  VerifyOptions
	seed maphash.Seed

	conns []*db.Conn // readers that all see the same moment

	leaf  []tlog.Hash
	at    []int64
	who   []uint64 // kind and id
	row   []uint64 // the row of an index table that it made
	link  []uint64 // sum of the links that it made
	next  []int64  // the next entry about the same thing
	state []entryState
	low   []tlog.Hash   // level 8, made as the entries are read
	tree  [][]tlog.Hash // full levels from 8 up

	uneven atomic.Bool // some entries and bodies were not one to one and in order

	mu      sync.Mutex
	out     Audit
	found   findings
	said    map[[2]int64]bool // entries and rows that were lawfully disposed of
	gone    map[int64]string  // kind of the entries whose body was disposed of, and of the batches with rows that were
	batches []batchRoot
	batchAt []int32  // by entry: its place in batches, counted from one; 0 where it has none or its rows were met
	names   []string // of tables, for batches
	parts   []partOf // of groups of facts
	file    map[string]int64
	done    int64
}

type entryState uint8

const (
	entryThere entryState = iota + 1
	entryGone             // its body is not there
)

// batchRoot is what an entry committed to. It points at nothing: there may be hundreds of thousands.
type batchRoot struct {
	seq, rows int64
	root      [32]byte
	table     int // in names
}

// nameOf gives the number of a name of a table.
func (v *verifier) nameOf(table string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.Index(v.names, table)
	if i < 0 {
		i, v.names = len(v.names), append(v.names, strings.Clone(table))
	}
	return i
}

// batchOf is the batch of an entry whose rows were not met yet.
func (v *verifier) batchOf(seq int64) (batchRoot, bool) {
	if seq < 0 || seq >= int64(len(v.batchAt)) || v.batchAt[seq] == 0 {
		return batchRoot{}, false
	}
	return v.batches[v.batchAt[seq]-1], true
}

// Verify recomputes everything of one organisation from the ledger up, and names what is wrong.
func (d *DB) Verify(ctx context.Context, org string, opt VerifyOptions) (Audit, error) {
	if opt.Limit == 0 {
		opt.Limit = 100
	}
	v := &verifier{d: d, org: org, opt: opt, seed: maphash.MakeSeed(), found: findings{limit: opt.Limit}, said: map[[2]int64]bool{}, gone: map[int64]string{}, file: map[string]int64{}}
	v.out.Org, v.out.Problems = org, []Problem{}
	d.verifying.Lock() // one at a time: each takes several connections
	defer d.verifying.Unlock()
	if err := v.open(ctx); err != nil {
		return v.out, err
	}
	defer v.close(ctx)
	err := v.all(ctx)
	v.out.Problems = v.found.list()
	return v.out, err
}

var timeZero time.Time

func (v *verifier) all(ctx context.Context) error {
	if err := v.head(ctx); err != nil {
		return err
	}
	if err := v.entries(ctx); err != nil {
		return err
	}
	v.chain()
	if err := v.roots(); err != nil {
		return err
	}
	if err := v.together(ctx, v.rest()); err != nil {
		return err
	}
	v.missing(ctx)
	if err := v.files(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

// open takes readers until all see the same number of entries: whatever is written of an organisation
// has an entry, so they then see the same moment of it.
func (v *verifier) open(ctx context.Context) error {
	for range 200 {
		sizes := map[int64]bool{}
		for range runtime.GOMAXPROCS(0) {
			c, err := v.d.sql.Reader(ctx)
			if err == nil {
				if err = c.Begin(ctx, false); err != nil {
					v.d.sql.Release(c, true)
				}
			}
			if err != nil {
				v.close(ctx)
				return fmt.Errorf("open readers: %w", err)
			}
			v.conns = append(v.conns, c)
			var size num
			if _, err := c.One(ctx, `SELECT size FROM head WHERE org=$1`, []any{v.org}, &size); err != nil {
				v.close(ctx)
				return fmt.Errorf("read head: %w", err)
			}
			sizes[size.n] = true
			same, err := c.Together(ctx, size.n, `SELECT size FROM head WHERE org=$1`, v.org)
			if err != nil {
				v.close(ctx)
				return fmt.Errorf("read head: %w", err)
			}
			if !same && size.ok && v.d.sql.Engine == db.SQLite {
				sizes[-1] = true
			}
		}
		if len(sizes) == 1 {
			return nil
		}
		v.close(ctx)
	}
	return errs.New(errs.Unavailable, "too much is being written to verify now; try again")
}

func (v *verifier) close(ctx context.Context) {
	for _, c := range v.conns {
		v.d.sql.Release(c, c.Rollback(context.WithoutCancel(ctx)) != nil)
	}
	v.conns = nil
}

// task is a part of the verification that needs a connection.
type task struct {
	name string
	do   func(context.Context, *db.Conn) error
}

// together runs tasks, one on each connection at a time. What cannot be read is a problem with a name,
// and not the end of the verification.
func (v *verifier) together(ctx context.Context, tasks []task) error {
	next := make(chan task, len(tasks))
	for _, t := range tasks {
		next <- t
	}
	close(next)
	var wg sync.WaitGroup
	for _, c := range v.conns {
		wg.Go(func() {
			for t := range next {
				if ctx.Err() != nil {
					return
				}
				if err := t.do(ctx, c); err != nil && ctx.Err() == nil {
					v.bad(Altered, -1, t.name, "it cannot be read: %v", err)
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// bad notes what is wrong with something that only a database has. It never decides the verdict where
// something is wrong that an export would show as well.
func (v *verifier) bad(class int, entry int64, object, format string, a ...any) {
	v.badAt(place{stageDatabase, entry, 0, 0}, class, entry, object, format, a...)
}

// badIn notes what is wrong with a part of an entry.
func (v *verifier) badIn(entry, part, n int64, class int, object, format string, a ...any) {
	v.badAt(place{stageContent, entry, part, n}, class, entry, object, format, a...)
}

func (v *verifier) badAt(p place, class int, entry int64, object, format string, a ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.found.add(placed{p, Problem{class, object, entry, fmt.Sprintf(format, a...)}})
}

// head reads how many entries there are to be, and how many there are.
func (v *verifier) head(ctx context.Context) error {
	c := v.conns[0]
	var size, at, first, last num
	found, err := c.One(ctx, `SELECT size, at FROM head WHERE org=$1`, []any{v.org}, &size, &at)
	if err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	if _, err := c.One(ctx, `SELECT (SELECT min(seq) FROM entry WHERE org=$1), (SELECT max(seq) FROM entry WHERE org=$1)`, []any{v.org}, &first, &last); err != nil {
		v.bad(Altered, -1, "entries", "they cannot be read: %v", err)
	}
	end := int64(0)
	if last.ok {
		end = last.n + 1
	}
	v.out.Size = size.n
	switch {
	case !found && end == 0:
		return nil
	case !found || !size.ok || !at.ok:
		v.bad(Altered, end, "head", "it is missing or cannot be read")
		v.out.Size = end
	case size.n != end || end > 0 && first.n != 0:
		v.badIn(min(end, max(size.n, 0)), partEntry, 0, Missing, "head", "the head says %d entries, and there are entries from number %d to %d", size.n, first.n, end-1)
		v.out.Size = max(size.n, end)
	}
	if err := v.bound(ctx, c); err != nil {
		v.bad(Altered, -1, "entries", "they cannot be counted: %v", err)
	}
	if end > 0 && at.ok {
		var lastAt num
		if _, err := c.One(ctx, `SELECT at FROM entry WHERE org=$1 AND seq=$2`, []any{v.org, end - 1}, &lastAt); err == nil && lastAt.n != at.n {
			v.bad(Altered, end-1, "head", "its time is not that of the last entry")
		}
	}
	return nil
}

// bound keeps a number that was tampered with from making us allocate without bound: where the middle of
// the ledger is not there, the entries are counted.
func (v *verifier) bound(ctx context.Context, c *db.Conn) error {
	for i := int64(0); i < 8 && v.out.Size > 1000; i++ {
		var one num
		found, err := c.One(ctx, `SELECT seq FROM entry WHERE org=$1 AND seq=$2`, []any{v.org, v.out.Size / 8 * i}, &one)
		if err == nil && found {
			continue
		}
		var n num
		if _, err := c.One(ctx, `SELECT count(*) FROM entry WHERE org=$1`, []any{v.org}, &n); err != nil {
			return err
		}
		if v.out.Size > n.n+1_000_000 {
			v.bad(Missing, n.n, "entries", "there are %d, and the last number is %d", n.n, v.out.Size-1)
			v.out.Size = n.n
		}
		return nil
	}
	v.out.Size = max(v.out.Size, 0)
	return nil
}

// chain links every entry to the next one about the same thing.
func (v *verifier) chain() {
	v.next = make([]int64, v.out.Size)
	later := make(map[uint64]int64, v.out.Size/4)
	for seq := v.out.Size - 1; seq >= 0; seq-- {
		v.next[seq] = forever
		if v.state[seq] == 0 {
			continue
		}
		if n, ok := later[v.who[seq]]; ok {
			v.next[seq] = n
		}
		later[v.who[seq]] = seq
	}
	v.order()
}

// order looks at what only all entries together show: whether time goes on from one stretch to the next,
// and whether what is gone was disposed of.
func (v *verifier) order() {
	last := int64(-1) // the last entry that is there
	for seq := range v.out.Size {
		if v.state[seq] == 0 {
			continue
		}
		if last >= 0 && v.at[seq] < v.at[last] {
			v.badIn(seq, partEntry, 0, Altered, fmt.Sprintf("entry %d", seq), "it is dated before the entry in front of it")
		}
		last = seq
		if v.state[seq] != entryGone {
			continue
		}
		name := fmt.Sprintf("body of entry %d", seq)
		switch {
		case v.gone[seq] == disposalKind:
			v.badIn(seq, partBody, 0, Missing, name, "it is gone, and the body of a disposal is never disposed of")
		case !v.said[[2]int64{seq, wholeEntry}]:
			v.badIn(seq, partBody, 0, Missing, name, "it is gone, and no entry says that it was disposed of")
		default:
			v.out.Disposed++
		}
	}
	for r := range v.said {
		if b, ok := v.batchOf(r[0]); ok && r[1] != wholeEntry {
			v.gone[r[0]] = v.names[b.table]
		}
	}
}

// roots computes the full levels of the tree from 8 up, and the root.
func (v *verifier) roots() error {
	level := v.low
	for len(level) > 0 {
		v.tree = append(v.tree, level)
		up := make([]tlog.Hash, len(level)/2)
		for i := range up {
			up[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = up
	}
	root, err := tlog.TreeHash(v.out.Size, v)
	v.out.Root = fmt.Sprintf("%x", root[:])
	return err
}

// ReadHashes makes the recomputed leaves a tlog.HashReader.
func (v *verifier) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		switch {
		case level >= 8 && level-8 < len(v.tree) && n < int64(len(v.tree[level-8])):
			out[i] = v.tree[level-8][n]
		case level < 8 && (n+1)<<level <= v.out.Size:
			out[i] = fold(v.leaf[n<<level : (n+1)<<level])
		default:
			return nil, errors.New("the tree has no such node")
		}
	}
	return out, nil
}

// fold is the hash of a full subtree over 2^k leaves.
func fold(hs []tlog.Hash) tlog.Hash {
	if len(hs) == 1 {
		return hs[0]
	}
	var buf [128]tlog.Hash
	w := buf[:len(hs)/2]
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

// files has every file that is cited looked at.
func (v *verifier) files(ctx context.Context) error {
	if v.opt.File == nil {
		if len(v.file) > 0 {
			v.out.Unheld = append(v.out.Unheld, fmt.Sprintf("files: %d are cited, and none was read", len(v.file)))
		}
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
