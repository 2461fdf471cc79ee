// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"

	"assay/internal/db"
)

// errUneven says that entries and bodies do not stand one to one and in order, so that they have to be
// looked up one by one.
var errUneven = errors.New("the rows are not in order")

// bodyCells are a body and its salt, as the engine holds them.
type bodyCells struct{ salt, body db.Cell }

// even reads a stretch as long as everything is as it should be: the bodies ahead and then the entries, each
// in the order in which they lie in the file. It returns the first entry that it has not read, and why.
func (r *entryReader) even(ctx context.Context, c *db.Conn, from, to int64) (int64, error) {
	clear(r.ahead)
	r.ahead = r.ahead[:0]
	args := []any{r.v.org, from, to}
	err := c.EachCell(ctx, `SELECT seq, salt, body FROM body WHERE org=$1 AND seq>=$2 AND seq<$3 ORDER BY seq`, args, func(x []db.Cell) error {
		if x[0].Type != db.Num || x[0].Num != from+int64(len(r.ahead)) {
			return errUneven
		}
		r.ahead = append(r.ahead, bodyCells{x[1], x[2]})
		return nil
	})
	if err != nil {
		return from, err
	}
	if int64(len(r.ahead)) != to-from {
		return from, errUneven
	}
	want := from
	err = c.EachCell(ctx, `SELECT seq, at, actor, via, op, kind, id, rev, digest, leaf FROM entry WHERE org=$1 AND seq>=$2 AND seq<$3 ORDER BY seq`, args, func(x []db.Cell) error {
		if r.seq.from(&x[0]); !r.seq.ok || r.seq.n != want || want >= to {
			return errUneven
		}
		r.at.from(&x[1])
		r.actor.from(&x[2])
		r.via.from(&x[3])
		r.op.from(&x[4])
		r.kind.from(&x[5])
		r.id.from(&x[6])
		r.rev.from(&x[7])
		r.digest.from(&x[8])
		r.leaf.from(&x[9])
		r.salt.from(&r.ahead[want-from].salt)
		r.body.from(&r.ahead[want-from].body)
		r.entry()
		want++
		return nil
	})
	if err == nil && want < to {
		err = errUneven
	}
	return want, err
}

// commit is ledger.Commit without making anything anew: HMAC-SHA-256 as RFC 2104 writes it, for keys that
// fill no block. It returns the body as bytes too, which hold until the next call.
func commit[T string | []byte](r *entryReader, salt []byte, body T) (digest [32]byte, text []byte) {
	var key [sha256.BlockSize]byte
	copy(key[:], salt[:min(len(salt), bodySalt)])
	for i := range key {
		key[i] ^= 0x36
	}
	r.keyed = append(append(r.keyed[:0], key[:]...), body...)
	inner := sha256.Sum256(r.keyed)
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range key {
		outer[i] = key[i] ^ 0x36 ^ 0x5c
	}
	copy(outer[sha256.BlockSize:], inner[:])
	return sha256.Sum256(outer[:]), r.keyed[sha256.BlockSize:]
}

// plainBatch reads the body of a batch that stands exactly as this program writes one without a note, and
// false for any other: batchBody then reads it as JSON.
func plainBatch(table, body string) (rows int64, root string, ok bool) {
	for i := range len(table) {
		if c := table[i]; c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return 0, "", false
		}
	}
	rest, a := strings.CutPrefix(body, `{"table":"`)
	rest, b := strings.CutPrefix(rest, table)
	rest, c := strings.CutPrefix(rest, `","rows":`)
	n := 0
	for n < len(rest) && n < 15 && rest[n] >= '0' && rest[n] <= '9' {
		rows = rows*10 + int64(rest[n]-'0')
		n++
	}
	if !a || !b || !c || n == 0 || n > 1 && rest[0] == '0' {
		return 0, "", false
	}
	rest, a = strings.CutPrefix(rest[n:], `,"root":"`)
	rest, b = strings.CutSuffix(rest, `"}`)
	if !a || !b || len(rest) != 2*sha256.Size {
		return 0, "", false
	}
	for i := range len(rest) {
		if c := rest[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0, "", false
		}
	}
	return rows, rest, true
}
