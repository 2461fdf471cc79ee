// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"context"
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

// tree reads hashes of the tree of one organisation.
type tree struct {
	ctx context.Context
	c   *db.Conn
	org string
}

// ReadHashes makes tree a tlog.HashReader.
func (t tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
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
func (t tree) subtree(level int, n int64) (tlog.Hash, error) {
	base := level / stride * stride
	count := int64(1) << (level - base)
	q, args := `SELECT hash FROM node WHERE org=$1 AND level=$2 AND ix>=$3 AND ix<$4 ORDER BY ix`, []any{t.org, base, n * count, (n + 1) * count}
	if base == 0 {
		q, args = `SELECT leaf FROM entry WHERE org=$1 AND seq>=$2 AND seq<$3 ORDER BY seq`, []any{t.org, n * count, (n + 1) * count}
	}
	hs := make([]tlog.Hash, 0, count)
	err := t.c.Each(t.ctx, q, args, func(r rows) error {
		var b []byte
		if err := r.Scan(&b); err != nil {
			return err
		}
		h, err := hash(b)
		hs = append(hs, h)
		return err
	})
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("read tree: %w", err)
	}
	if int64(len(hs)) != count {
		return tlog.Hash{}, fmt.Errorf("read tree: %d hashes at level %d from %d, want %d", len(hs), base, n*count, count)
	}
	for len(hs) > 1 {
		for i := range len(hs) / 2 {
			hs[i] = tlog.NodeHash(hs[2*i], hs[2*i+1])
		}
		hs = hs[:len(hs)/2]
	}
	return hs[0], nil
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
	t := tree{ctx, c, org}
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
	return tlog.TreeHash(size, tree{ctx, c, org})
}

// ProveEntry proves that entry seq stands in the first size entries.
func ProveEntry(ctx context.Context, c *db.Conn, org string, size, seq int64) (tlog.RecordProof, error) {
	return tlog.ProveRecord(size, seq, tree{ctx, c, org})
}

// ProveGrowth proves that the first size entries begin with the first old entries.
func ProveGrowth(ctx context.Context, c *db.Conn, org string, size, old int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(size, old, tree{ctx, c, org})
}
