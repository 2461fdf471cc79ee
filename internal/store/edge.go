// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is the right edge of a growing tree of RFC 6962: of the entries of a ledger, or of the
// commitments of the rows of a batch. It grows with the logarithm of what was pushed.
type edge struct {
	size   int64
	hashes []tlog.Hash
}

func (f *edge) push(h tlog.Hash) {
	for s := f.size; s&1 == 1; s >>= 1 {
		h = tlog.NodeHash(f.hashes[len(f.hashes)-1], h)
		f.hashes = f.hashes[:len(f.hashes)-1]
	}
	f.hashes = append(f.hashes, h)
	f.size++
}

// reset makes it the edge of an empty tree again.
func (f *edge) reset() { f.size, f.hashes = 0, f.hashes[:0] }

func (f *edge) root() tlog.Hash {
	if len(f.hashes) == 0 {
		return sha256.Sum256(nil)
	}
	h := f.hashes[len(f.hashes)-1]
	for i := len(f.hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.hashes[i], h)
	}
	return h
}
