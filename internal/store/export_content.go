// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/hex"
	"fmt"

	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// entryLine reads an entry with its body, and holds it against the entries in front of it.
func (k *exportCheck) entryLine(s *scan) {
	var e ledger.Entry
	var body string
	var salt []byte
	hasBody := s.try(`{"body":`)
	if hasBody {
		body = s.text()
		s.lit(`,"entry":`)
	} else {
		s.lit(`{"entry":`)
	}
	s.entry(&e)
	s.lit(`,"leaf":`)
	leaf := s.hash()
	hasSalt := s.try(`,"salt":`)
	if hasSalt {
		salt = s.salt(bodySalt)
	}
	s.lit(`}`)
	switch {
	case !s.end():
		k.form("it is not a line in the form of %s", ExportFormat)
		return
	case k.out.Public && (hasBody || hasSalt):
		k.form("a public file has no bodies")
		return
	}
	k.endBatch()
	k.now = &batchNow{seq: e.Seq, kind: e.Kind, skip: !k.inPlace(e.Seq)}
	if k.now.skip {
		return
	}
	k.entry(&e, leaf)
	if !k.out.Public {
		k.body(&e, body, salt, hasBody, hasSalt)
	}
}

// inPlace says whether the entry is one that comes next or later, and names those that are missing in between.
func (k *exportCheck) inPlace(seq int64) bool {
	if seq >= k.size || seq < k.next {
		k.bad(place{stageContent, seq, partEntry, 0}, Missing, fmt.Sprintf("entry %d", seq), "it is there once too often")
		return false
	}
	if seq > k.next {
		k.bad(place{stageContent, k.next, partEntry, 0}, Missing, fmt.Sprintf("entry %d", k.next), "it is missing; entry %d follows", seq)
	}
	k.next = seq + 1
	return true
}

func (k *exportCheck) entry(e *ledger.Entry, leaf [32]byte) {
	at := place{stageContent, e.Seq, partEntry, 0}
	bad := func(format string, a ...any) { k.bad(at, Altered, fmt.Sprintf("entry %d", e.Seq), format, a...) }
	h := e.Leaf()
	switch {
	case h != leaf:
		bad("its fields do not give its leaf hash")
	case ledger.Origin(e.Org) != k.origin:
		bad("it belongs to the organisation %s", e.Org)
	case k.edge.size > 0 && e.At.Before(k.last.At):
		bad("it is dated before the entry in front of it")
	}
	k.last = *e
	k.edge.push(h)
	if _, ok := k.roots[k.edge.size]; ok {
		k.roots[k.edge.size] = k.edge.root()
	}
}

func (k *exportCheck) body(e *ledger.Entry, body string, salt []byte, hasBody, hasSalt bool) {
	bad := func(class int, format string, a ...any) {
		k.bad(place{stageContent, e.Seq, partBody, 0}, class, fmt.Sprintf("body of entry %d", e.Seq), format, a...)
	}
	if hasBody && e.Rev == 0 {
		k.open(body)
	}
	switch {
	case hasBody != hasSalt:
		bad(Altered, "it lost its text or its salt, not both")
	case !hasBody && e.Kind == disposalKind:
		bad(Missing, "it is gone, and the body of a disposal is never disposed of")
	case !hasBody:
		k.out.Disposed++
		k.gone[e.Seq] = true
	case ledger.Commit(salt, []byte(body)) != e.Digest:
		bad(Altered, "it is not what the entry of %s %s committed to", e.Kind, e.ID)
	case e.Rev == 0 && !k.now.open:
		bad(Altered, "it is not the body of a batch of facts")
	}
	if hasBody {
		k.out.Bodies++
		if e.Kind == disposalKind && e.Rev > 0 {
			k.dispose(e.Seq, body)
		}
	}
}

// open reads the body of a batch of facts.
func (k *exportCheck) open(body string) {
	if rows, root, ok := batchBody(k.now.kind, body); ok {
		k.now.open, k.now.rows, k.now.root = true, rows, root
	}
}

// dispose takes what a disposal says was removed off the list of what is gone without a reason.
func (k *exportCheck) dispose(seq int64, body string) {
	entries, rows := disposalBody(seq, body)
	for _, n := range entries {
		delete(k.gone, n)
	}
	for _, r := range rows {
		delete(k.goneRows, r)
	}
}

// rowLine reads a row and holds it against its commitment and its batch.
func (k *exportCheck) rowLine(s *scan) {
	var r exportRow
	r.h = s.hash()
	s.lit(`,"n":`)
	r.n = s.number()
	s.lit(`,"rows":{"batch":`)
	r.batch = s.number()
	s.lit(`,"table":`)
	r.table = s.name()
	s.lit(`}`)
	if r.hasSalt = s.try(`,"salt":`); r.hasSalt {
		r.salt = s.salt(rowSalt)
	}
	if r.hasText = s.try(`,"text":`); r.hasText {
		r.text = s.text()
	}
	s.lit(`}`)
	switch {
	case !s.end():
		k.form("it is not a line in the form of %s", ExportFormat)
	case k.out.Public:
		k.form("a public file has no rows")
	case k.now == nil || !k.now.skip:
		k.row(&r)
	}
}

type exportRow struct {
	h                [32]byte
	n, batch         int64
	table, text      string
	salt             []byte
	hasSalt, hasText bool
}

func (k *exportCheck) row(r *exportRow) {
	bad := func(class int, format string, a ...any) {
		k.bad(place{stageContent, r.batch, partRows, r.n}, class, fmt.Sprintf("row %d of batch %d", r.n, r.batch), format, a...)
	}
	b := k.now
	if b == nil || r.batch != b.seq || !b.open || r.n < b.next || r.n >= b.rows {
		bad(Missing, "the ledger committed to no such row here")
		return
	}
	if r.n > b.next {
		k.bad(place{stageContent, b.seq, partRows, b.next}, Missing, fmt.Sprintf("row %d of batch %d", b.next, b.seq), "it is missing")
	}
	b.next = r.n + 1
	b.sum.push(tlog.RecordHash(r.h[:]))
	k.out.Rows++
	switch {
	case r.table != b.kind:
		bad(Altered, "it says that it is of %s, and the batch is of %s", r.table, b.kind)
	case r.hasSalt != r.hasText:
		bad(Altered, "it lost its text or its salt, not both")
	case !r.hasSalt:
		k.goneRows[[2]int64{r.batch, r.n}] = true
	case ledger.Commit(r.salt, []byte(r.text)) != r.h:
		bad(Altered, "it is not what was committed to")
	}
}

// endBatch holds the rows that were read against the root in the body of their entry.
func (k *exportCheck) endBatch() {
	b := k.now
	k.now = nil
	if b == nil || b.skip || !b.open {
		return
	}
	if b.next < b.rows {
		k.bad(place{stageContent, b.seq, partRows, b.next}, Missing, fmt.Sprintf("row %d of batch %d", b.next, b.seq), "it is missing; the ledger committed to %d rows", b.rows)
	}
	if root := b.sum.root(); hex.EncodeToString(root[:]) != b.root {
		k.bad(place{stageContent, b.seq, partBatch, 0}, Altered, fmt.Sprintf("batch %d", b.seq), "its rows are not those that the ledger committed to")
	}
}
