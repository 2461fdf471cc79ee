// SPDX-License-Identifier: Apache-2.0

// Package ledger is an append-only, tamper-evident list of entries, one list for each organisation.
//
// An entry says who did which operation to what, and commits to what the thing became by a keyed
// digest. Entries are the leaves of an RFC 6962 Merkle tree (golang.org/x/mod/sumdb/tlog); signed
// checkpoints in the C2SP note format commit to the whole list. Bodies and their salts stand apart,
// so that lawful erasure removes them and the list still verifies. docs/ledger-format.md is the
// specification. The package knows nothing of what entries mean.
package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"assay/internal/clock"
	"golang.org/x/mod/sumdb/tlog"
)

// Version is the version of the encoding of entries. It is part of every leaf.
const Version = 1

// Entry is one line of the ledger. Nothing in it is personal or free text.
type Entry struct {
	Org    string    `json:"org"`
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"` // opaque id of a user or token, or "system"
	Via    string    `json:"via"`   // the face: rest, cli, mcp, web, system
	Op     string    `json:"op"`    // the operation: "control.update"
	Kind   string    `json:"kind"`  // the kind of thing, or the table of facts
	ID     string    `json:"id"`
	Rev    int64     `json:"rev"` // revision of the thing; 0 for facts
	Digest [32]byte  `json:"-"`   // HMAC-SHA-256(salt, body)
}

// Canonical is the entry in RFC 8785 form: the bytes that the leaf hashes.
// Every string in it is plain ASCII without quotes or backslashes; Sound refuses any other.
func (e *Entry) Canonical() []byte { return e.append(make([]byte, 0, 320)) }

func (e *Entry) append(b []byte) []byte {
	b = append(b, `{"actor":"`...)
	b = append(b, e.Actor...)
	b = append(b, `","at":"`...)
	b = appendTime(b, e.At.UTC())
	b = append(b, `","digest":"`...)
	b = hex.AppendEncode(b, e.Digest[:])
	b = append(b, `","id":"`...)
	b = append(b, e.ID...)
	b = append(b, `","kind":"`...)
	b = append(b, e.Kind...)
	b = append(b, `","op":"`...)
	b = append(b, e.Op...)
	b = append(b, `","org":"`...)
	b = append(b, e.Org...)
	b = append(b, `","rev":`...)
	b = strconv.AppendInt(b, e.Rev, 10)
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, e.Seq, 10)
	b = append(b, `,"v":`...)
	b = strconv.AppendInt(b, Version, 10)
	b = append(b, `,"via":"`...)
	b = append(b, e.Via...)
	return append(b, `"}`...)
}

// appendTime writes a time as clock.Layout does, which it is asked for by the million.
func appendTime(b []byte, t time.Time) []byte {
	y, m, d := t.Date()
	if y < 0 || y > 9999 {
		return t.AppendFormat(b, clock.Layout)
	}
	h, min, s := t.Clock()
	ms := t.Nanosecond() / 1_000_000
	b = digits(append(digits(append(digits(digits(b, y/100), y%100), '-'), int(m)), '-'), d)
	b = digits(append(digits(append(digits(append(b, 'T'), h), ':'), min), ':'), s)
	return append(digits(append(b, '.', byte('0'+ms/100)), ms%100), 'Z')
}

func digits(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// Leaf is the leaf hash of the entry: SHA-256(0x00 || canonical).
func (e *Entry) Leaf() tlog.Hash {
	var buf [512]byte
	b := e.append(append(buf[:0], 0))
	return sha256.Sum256(b)
}

// Sound says whether the strings of the entry may stand in the canonical form.
func (e *Entry) Sound() bool {
	for _, s := range []string{e.Org, e.Actor, e.Via, e.Op, e.Kind, e.ID} {
		if s == "" || len(s) > 80 {
			return false
		}
		for i := range len(s) {
			c := s[i]
			if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
				return false
			}
		}
	}
	return e.Seq >= 0 && e.Seq <= maxNumber && e.Rev >= 0 && e.Rev <= maxNumber
}

// Commit is the keyed digest of a body.
func Commit(salt, body []byte) [32]byte {
	m := hmac.New(sha256.New, salt)
	m.Write(body)
	var d [32]byte
	m.Sum(d[:0])
	return d
}

// nothing is the body that stands for "the thing was ended". It has a salt and a digest like any other;
// what was disposed of has none of the three.
var nothing = []byte("null")

// IsEnd says whether a body means that the thing was ended.
func IsEnd(body []byte) bool { return bytes.Equal(body, nothing) }
