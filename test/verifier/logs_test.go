// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// This file makes ledgers without a database and writes them as docs/ledger-format.md says, apart
// from the writer in the store: the two must agree because both agree with the page.

type row struct {
	batch, n         int64
	table, h         string
	salt             []byte
	text             string
	hasSalt, hasText bool
}

type entry struct {
	ledger.Entry
	leaf             string
	salt             []byte
	body             string
	hasSalt, hasBody bool
	rows             []row
}

type log struct {
	org     string
	signer  note.Signer
	key     string // in the header
	format  string
	size    int64 // in the header
	public  bool
	entries []entry
	note    string
	trusted string // the .key file; none where empty
	kept    []string
}

// seedKey is the key pair of an Ed25519 seed.
func seedKey(seed []byte, org string) (note.Signer, string) {
	pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(ledger.Origin(org), pub)
	if err != nil {
		panic(err)
	}
	hash := strings.Split(vkey, "+")[1]
	s, err := note.NewSigner("PRIVATE+KEY+" + ledger.Origin(org) + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)))
	if err != nil {
		panic(err)
	}
	return s, vkey
}

type leaves []tlog.Hash

// plainRoot is the definition of RFC 6962, word for word.
func plainRoot(l leaves) tlog.Hash {
	switch len(l) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return l[0]
	}
	k := 1
	for k*2 < len(l) {
		k *= 2
	}
	a, b := plainRoot(l[:k]), plainRoot(l[k:])
	return sha256.Sum256(append(append([]byte{1}, a[:]...), b[:]...))
}

func (l *log) root(n int) tlog.Hash {
	hs := make(leaves, n)
	for i := range hs {
		hs[i] = l.entries[i].Leaf()
	}
	return plainRoot(hs)
}

// checkpoint signs the first n entries.
func (l *log) checkpoint(n int, by note.Signer) string {
	r := l.root(n)
	return signText(fmt.Sprintf("%s\n%d\n%s\n%s\n", ledger.Origin(l.org), n, base64.StdEncoding.EncodeToString(r[:]), l.timeLine(n)), by)
}

// timeLine is the extension that says when a checkpoint was signed: a minute after its last entry.
func (l *log) timeLine(n int) string {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if n > 0 {
		at = l.entries[n-1].At
	}
	return "time " + clock.Format(at.Add(time.Minute))
}

func signText(text string, by note.Signer) string {
	msg, err := note.Sign(&note.Note{Text: text}, by)
	if err != nil {
		panic(err)
	}
	return string(msg)
}

// reseal does what the holder of the key can do: everything anew.
func (l *log) reseal() {
	for i := range l.entries {
		e := &l.entries[i]
		h := e.Leaf()
		e.leaf = fmt.Sprintf("%x", h[:])
	}
	l.size = int64(len(l.entries))
	l.note = l.checkpoint(len(l.entries), l.signer)
}

// commit makes the digest that goes with the body and salt.
func (e *entry) commit() { e.Digest = ledger.Commit(e.salt, []byte(e.body)) }

func (r *row) commit() { d := ledger.Commit(r.salt, []byte(r.text)); r.h = fmt.Sprintf("%x", d[:]) }

// batch makes the body of an entry from its rows.
func (e *entry) batch() {
	root := batchRoot(e.rows)
	e.body = fmt.Sprintf(`{"table":"%s","rows":%d,"root":"%x"}`, e.Kind, len(e.rows), root[:])
	e.commit()
}

// batchRoot is the root of the tree over the commitments of rows.
func batchRoot(rows []row) tlog.Hash {
	hs := make(leaves, len(rows))
	for i, r := range rows {
		hs[i] = rowLeaf(r.h)
	}
	return plainRoot(hs)
}

func rowLeaf(h string) tlog.Hash { return sha256.Sum256(append([]byte{0}, unhex(h)...)) }

func unhex(s string) []byte {
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		panic(err)
	}
	return b
}

// str writes a string in RFC 8785 form.
func str(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20:
			if i := strings.IndexRune("\b\t\n\f\r", r); i >= 0 {
				b.WriteString([]string{`\b`, `\t`, `\n`, `\f`, `\r`}[i])
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func b64(b []byte) string { return `"` + base64.StdEncoding.EncodeToString(b) + `"` }

// lines writes the log as an export.
func (l *log) lines() []string {
	out := []string{fmt.Sprintf(`{"exported_at":"2026-11-22T00:00:00.000Z","format":%s,"key":%s,"origin":%s,"program":"vectors","public":%t,"size":%d}`,
		str(l.format), str(l.key), str(ledger.Origin(l.org)), l.public, l.size)}
	for i := range l.entries {
		out = append(out, l.entries[i].line(l.public))
		for _, r := range l.entries[i].rows {
			if !l.public {
				out = append(out, r.line())
			}
		}
	}
	return append(out, `{"checkpoint":`+str(l.note)+`}`)
}

func (e *entry) line(public bool) string {
	s := "{"
	if e.hasBody && !public {
		s += `"body":` + str(e.body) + `,`
	}
	s += `"entry":` + string(e.Canonical()) + `,"leaf":"` + e.leaf + `"`
	if e.hasSalt && !public {
		s += `,"salt":` + b64(e.salt)
	}
	return s + "}"
}

func (r *row) line() string {
	s := fmt.Sprintf(`{"h":"%s","n":%d,"rows":{"batch":%d,"table":"%s"}`, r.h, r.n, r.batch, r.table)
	if r.hasSalt {
		s += `,"salt":` + b64(r.salt)
	}
	if r.hasText {
		s += `,"text":` + str(r.text)
	}
	return s + "}"
}

// add appends an entry of which nothing is random.
func (l *log) add(kind, op, id string, rev int64, body string) *entry {
	n := int64(len(l.entries))
	at := time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC).Add(time.Duration(n) * 1500 * time.Millisecond)
	e := entry{Entry: ledger.Entry{Org: l.org, Seq: n, At: at, Actor: "usr_one", Via: "web", Op: op, Kind: kind, ID: id, Rev: rev},
		salt: bytes.Repeat([]byte{byte(0xa0 + n)}, 32), body: body, hasSalt: true, hasBody: true}
	e.commit()
	l.entries = append(l.entries, e)
	return &l.entries[n]
}

// facts appends a batch of rows.
func (l *log) facts(table, op string, rows ...string) *entry {
	e := l.add(table, op, "usr_one", 0, "")
	for n, text := range rows {
		r := row{batch: e.Seq, n: int64(n), table: table, salt: bytes.Repeat([]byte{byte(0xb0 + n)}, 16), text: text, hasSalt: true, hasText: true}
		r.commit()
		e.rows = append(e.rows, r)
	}
	e.batch()
	return e
}

// example is the log of appendix A.
func example() *log {
	seed := make([]byte, 32)
	for i := range seed {
		seed[i] = byte(i)
	}
	l := &log{org: "org_example", format: "assay-ledger/v1"}
	l.signer, l.key = seedKey(seed, l.org)
	l.add("risk", "risk.create", "rsk_one", 1, `{"id":"rsk_one","rev":1,"title":"Laptop lost — no disk encryption"}`)
	l.facts("sign_in", "auth.sign_in", `{"method":"password","ok":1,"user":"usr_one"}`, `{"method":"passkey","ok":0,"user":"usr_two"}`, `{"ok":0,"user":"usr_one"}`)
	l.add("risk", "risk.end", "rsk_one", 2, "null")
	l.add("disposal", "disposal.create", "dsp_one", 1, `{"entries":[0],"reason":"a person asked for it","rows":[]}`)
	l.reseal()
	l.entries[0].hasBody, l.entries[0].hasSalt = false, false
	return l
}
