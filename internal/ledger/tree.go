// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"

	"assay/internal/db"
	"golang.org/x/mod/sumdb/tlog"
)

// stride is how many levels of the tree lie between two kept levels: hashes stand with the entries
// (level 0) and in node for levels 8, 16, 24 …; what lies between is computed from at most 256 hashes.
const stride = 8

// Frontier is the right edge of the tree: enough to append and to know the root.
// Its hashes are those of the full subtrees from the largest to the smallest.
type Frontier struct {
	Size   int64
	hashes [63]tlog.Hash
}

// node is a hash that must be kept.
type node struct {
	level int
	ix    int64
	hash  tlog.Hash
}

// push appends a leaf and returns the kept nodes that it completes.
func (f *Frontier) push(leaf tlog.Hash) []node {
	var out []node
	n := bits.OnesCount64(uint64(f.Size))
	h := leaf
	level := 0
	for s := f.Size; s&1 == 1; s >>= 1 {
		n--
		h = tlog.NodeHash(f.hashes[n], h)
		level++
		if level%stride == 0 {
			out = append(out, node{level, f.Size >> level, h})
		}
	}
	f.hashes[n] = h
	f.Size++
	return out
}

// Root is the hash that commits to all entries.
func (f *Frontier) Root() tlog.Hash {
	n := bits.OnesCount64(uint64(f.Size))
	if n == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := f.hashes[n-1]
	for i := n - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.hashes[i], h)
	}
	return h
}

// tree reads hashes of the tree of one organisation, each stretch of 256 kept hashes once.
type tree struct {
	ctx   context.Context
	c     *db.Conn
	org   string
	tiles map[[2]int64][]tlog.Hash
}

func newTree(ctx context.Context, c *db.Conn, org string) *tree {
	return &tree{ctx, c, org, map[[2]int64][]tlog.Hash{}}
}

// ReadHashes makes tree a tlog.HashReader.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		h, err := t.subtree(level, n)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// subtree is the hash of the full subtree n at a level, from the kept hashes below it.
func (t *tree) subtree(level int, n int64) (tlog.Hash, error) {
	base := level / stride * stride
	count := int64(1) << (level - base)
	tile, err := t.tile(int64(base), n*count>>stride)
	if err != nil {
		return tlog.Hash{}, err
	}
	from := n * count & (1<<stride - 1)
	if int64(len(tile)) < from+count {
		return tlog.Hash{}, fmt.Errorf("read tree: hashes are missing at level %d from %d", base, n*count)
	}
	hs := append(make([]tlog.Hash, 0, count), tile[from:from+count]...)
	for len(hs) > 1 {
		for i := range len(hs) / 2 {
			hs[i] = tlog.NodeHash(hs[2*i], hs[2*i+1])
		}
		hs = hs[:len(hs)/2]
	}
	return hs[0], nil
}

// tile reads the 256 kept hashes with number ix at a kept level, or as many as there are without a gap.
func (t *tree) tile(base, ix int64) ([]tlog.Hash, error) {
	key := [2]int64{base, ix}
	if hs, ok := t.tiles[key]; ok {
		return hs, nil
	}
	q, args := `SELECT ix, hash FROM node WHERE org=$1 AND level=$2 AND ix>=$3 AND ix<$4 ORDER BY ix`, []any{t.org, base, ix << stride, (ix + 1) << stride}
	if base == 0 {
		q, args = `SELECT seq, leaf FROM entry WHERE org=$1 AND seq>=$2 AND seq<$3 ORDER BY seq`, []any{t.org, ix << stride, (ix + 1) << stride}
	}
	hs := make([]tlog.Hash, 0, 1<<stride)
	err := t.c.Each(t.ctx, q, args, func(r rows) error {
		var n int64
		var b sql.RawBytes
		if err := r.Scan(&n, &b); err != nil {
			return err
		}
		h, err := hash(b)
		if n == ix<<stride+int64(len(hs)) { // after a gap nothing stands in its place
			hs = append(hs, h)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read tree: %w", err)
	}
	t.tiles[key] = hs
	return hs, nil
}

func hash(b []byte) (tlog.Hash, error) {
	var h tlog.Hash
	if len(b) != len(h) {
		return h, fmt.Errorf("a hash of %d bytes", len(b))
	}
	copy(h[:], b)
	return h, nil
}

// LoadFrontier reads the right edge of the tree as the connection sees it.
func LoadFrontier(ctx context.Context, c *db.Conn, org string, size int64) (*Frontier, error) {
	f := &Frontier{Size: size}
	t := newTree(ctx, c, org)
	n, at := 0, int64(0)
	for level := 62; level >= 0; level-- {
		if size>>level&1 == 0 {
			continue
		}
		h, err := t.subtree(level, at>>level)
		if err != nil {
			return nil, err
		}
		f.hashes[n] = h
		n++
		at += 1 << level
	}
	return f, nil
}

// RootAt is the root of the first size entries.
func RootAt(ctx context.Context, c *db.Conn, org string, size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, newTree(ctx, c, org))
}

// ProveEntry proves that entry seq stands in the first size entries.
func ProveEntry(ctx context.Context, c *db.Conn, org string, size, seq int64) (tlog.RecordProof, error) {
	return tlog.ProveRecord(size, seq, newTree(ctx, c, org))
}

// ProveGrowth proves that the first size entries begin with the first old entries.
func ProveGrowth(ctx context.Context, c *db.Conn, org string, size, old int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(size, old, newTree(ctx, c, org))
}
