// SPDX-License-Identifier: Apache-2.0

// Package id makes identifiers: a prefix that says the kind, and 26 characters that sort by time.
//
// The characters are Crockford base32 in lower case: 48 bits of milliseconds, then 80 random bits
// (the layout of a ULID). It does not know which prefixes exist.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"io"
	"strings"
	"time"
)

var enc = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Source makes identifiers from a source of randomness. The zero Source uses the machine's.
type Source struct{ Rand io.Reader }

// Bytes returns n random bytes.
func (s Source) Bytes(n int) []byte {
	b := make([]byte, n)
	r := s.Rand
	if r == nil {
		r = rand.Reader
	}
	if _, err := io.ReadFull(r, b); err != nil {
		panic("no randomness: " + err.Error()) // crypto/rand never fails on a supported system
	}
	return b
}

// New returns prefix_ and 26 characters.
func (s Source) New(prefix string, now time.Time) string {
	var b [17]byte // 16 bytes in 26 characters: the first two bits are zero
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	copy(b[6:16], s.Bytes(10))
	return prefix + "_" + encode(b[:16])
}

// encode writes 128 bits as 26 characters that sort as the bits do.
func encode(b []byte) string {
	var p [17]byte // two zero bits in front: shift right by 2, so that 130 bits fill 26 characters
	for i := range 16 {
		p[i] |= b[i] >> 2
		p[i+1] |= b[i] << 6
	}
	return enc.EncodeToString(p[:])[:26]
}

// Token returns a secret of 160 random bits, in the same characters.
func (s Source) Token() string { return enc.EncodeToString(s.Bytes(20)) }

// Valid says whether v looks like an identifier with this prefix.
func Valid(prefix, v string) bool {
	rest, ok := strings.CutPrefix(v, prefix+"_")
	if !ok || len(rest) < 1 || len(rest) > 64 {
		return false
	}
	for _, r := range rest {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-' && r != '.' {
			return false
		}
	}
	return true
}
