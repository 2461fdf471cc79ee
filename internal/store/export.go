// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"assay/internal/clock"
	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/ledger"
)

// ExportFormat is the format of exports. docs/ledger-format.md describes it.
const ExportFormat = "assay-ledger/v1"

// ExportOptions are how a ledger is exported.
type ExportOptions struct {
	Public     bool   // entries only: no bodies, no salts, no rows
	Program    string // what wrote the file: "assay 1.2.0"
	Checkpoint string // a signed note that the file ends at; a new one is signed where empty
}

// exportPage is how many entries are held in memory at once.
const exportPage = 64

// Export writes the ledger of an organisation as a file that a stranger can verify, and returns the
// checkpoint it ends at. Bodies and rows are written as they are stored, personal fields with them.
// Memory does not grow with the ledger. Nothing is verified while writing: what is wrong in the
// database is wrong in the file, where the verifier names it; only what the format cannot hold is refused.
func (d *DB) Export(ctx context.Context, org string, w io.Writer, o ExportOptions) (ledger.Checkpoint, error) {
	cp, vkey, err := d.exportAt(ctx, org, o.Checkpoint)
	if err != nil {
		return cp, err
	}
	err = d.View(ctx, org, timeZero, System("ledger.export"), func(v *View) error {
		if v.At < cp.Size {
			return errs.New(errs.Conflict, "the checkpoint is for %d entries, and the ledger has %d", cp.Size, v.At).Mend("take a checkpoint of this ledger, or find out what was lost: assay verify")
		}
		x := &exporter{v: v, w: bufio.NewWriterSize(w, 1<<16), public: o.Public}
		if err := x.all(ctx, cp, vkey, o.Program); err != nil {
			return err
		}
		if err := x.w.Flush(); err != nil {
			return fmt.Errorf("write export: %w", err)
		}
		return nil
	})
	return cp, err
}

// exportAt reads the checkpoint of an export, or signs one.
func (d *DB) exportAt(ctx context.Context, org, given string) (ledger.Checkpoint, string, error) {
	vkey, err := d.PublicKey(org)
	if err != nil {
		return ledger.Checkpoint{}, "", err
	}
	if given == "" {
		cp, err := d.Sign(ctx, org, true)
		return cp, vkey, err
	}
	cp, err := ledger.OpenCheckpoint(given, vkey)
	return cp, vkey, err
}

type exporter struct {
	v      *View
	w      *bufio.Writer
	public bool
	line   []byte
}

type exportEntry struct {
	ledger.Entry
	leaf, salt, body []byte
}

func (x *exporter) all(ctx context.Context, cp ledger.Checkpoint, vkey, program string) error {
	if err := x.header(cp, vkey, program); err != nil {
		return err
	}
	for from := int64(0); from < cp.Size; from += exportPage {
		page, err := x.page(ctx, from, min(from+exportPage, cp.Size))
		if err != nil {
			return err
		}
		for i := range page {
			if err := x.entry(ctx, &page[i]); err != nil {
				return err
			}
		}
	}
	x.line = appendText(append(x.line[:0], `{"checkpoint":`...), cp.Note)
	return x.end("checkpoint")
}

func (x *exporter) header(cp ledger.Checkpoint, vkey, program string) error {
	b := append(x.line[:0], `{"exported_at":"`...)
	b = x.v.Now.UTC().AppendFormat(b, clock.Layout)
	b = append(b, `","format":"`+ExportFormat+`","key":`...)
	b = appendText(b, vkey)
	b = append(b, `,"origin":`...)
	b = appendText(b, cp.Origin)
	b = append(b, `,"program":`...)
	b = appendText(b, program)
	b = append(b, `,"public":`...)
	b = strconv.AppendBool(b, x.public)
	b = append(b, `,"size":`...)
	x.line = strconv.AppendInt(b, cp.Size, 10)
	return x.end("header")
}

// end closes the object of the line and writes it. The name of the line is only for an error.
func (x *exporter) end(what string, n ...any) error {
	x.line = append(x.line, '}', '\n')
	if !utf8.Valid(x.line) {
		return errs.New(errs.Conflict, what+" cannot be exported: it is not UTF-8", n...).Mend("run assay verify")
	}
	if len(x.line) > maxLine+1 { // with its end
		return errs.New(errs.Conflict, what+" cannot be exported: it is longer than 64 MiB", n...)
	}
	if _, err := x.w.Write(x.line); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// page reads a stretch of entries with their bodies.
func (x *exporter) page(ctx context.Context, from, to int64) ([]exportEntry, error) {
	out := make([]exportEntry, 0, to-from)
	q := `SELECT ` + ledger.Columns + `, e.leaf, b.salt, b.body FROM entry e LEFT JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.seq>=$2 AND e.seq<$3 ORDER BY e.seq`
	err := x.v.c.Each(ctx, q, []any{x.v.Org, from, to}, func(r *sql.Rows) error {
		var e exportEntry
		var leaf, salt, body sql.RawBytes
		if err := ledger.Scan(r, &e.Entry, &leaf, &salt, &body); err != nil {
			return err
		}
		e.leaf, e.salt, e.body = bytes.Clone(leaf), bytes.Clone(salt), bytes.Clone(body)
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("export entries: %w", err)
	}
	return out, nil
}

func (x *exporter) entry(ctx context.Context, e *exportEntry) error {
	if !e.Sound() || len(e.leaf) != 32 || e.salt != nil && len(e.salt) != bodySalt {
		return errs.New(errs.Conflict, "entry %d cannot be exported: its columns are not those of an entry", e.Seq).Mend("run assay verify")
	}
	b := append(x.line[:0], '{')
	if e.body != nil && !x.public {
		b = append(b, `"body":`...)
		b = appendText(b, string(e.body))
		b = append(b, ',')
	}
	b = append(b, `"entry":`...)
	b = append(b, e.Canonical()...)
	b = append(b, `,"leaf":"`...)
	b = hex.AppendEncode(b, e.leaf)
	b = append(b, '"')
	if e.salt != nil && !x.public {
		b = appendSalt(b, e.salt)
	}
	x.line = b
	if err := x.end("entry %d", e.Seq); err != nil {
		return err
	}
	if e.Rev != 0 || x.public {
		return nil
	}
	return x.rows(ctx, e)
}

func appendSalt(b, salt []byte) []byte {
	b = append(b, `,"salt":"`...)
	b = base64.StdEncoding.AppendEncode(b, salt)
	return append(b, '"')
}

// rows writes the rows of a batch of facts.
func (x *exporter) rows(ctx context.Context, e *exportEntry) error {
	t := x.v.db.tables[e.Kind]
	if t == nil {
		return errs.New(errs.Conflict, "entry %d cannot be exported: this program does not know the table %s", e.Seq, e.Kind).Mend("use the version of assay that wrote it, or a newer one")
	}
	cols := t.columns()
	q := "SELECT n, salt, h"
	for _, c := range cols {
		q += fmt.Sprintf(", %q", c.name)
	}
	vals := make([]any, len(cols))
	err := x.v.each(ctx, q+` FROM f_`+t.name()+` WHERE org=$1 AND batch=$2 ORDER BY n`, []any{x.v.Org, e.Seq}, func(cells []db.Cell) error {
		for i := range vals {
			vals[i] = cells[i+3].Value()
		}
		return x.row(e, cells[0].Num, cells[1].Bytes, cells[2].Bytes, cols, vals)
	})
	if err != nil {
		return fmt.Errorf("export %s: %w", t.name(), err)
	}
	return nil
}

func (x *exporter) row(e *exportEntry, n int64, salt, h []byte, cols []column, vals []any) error {
	for i := range vals {
		if b, ok := vals[i].([]byte); ok {
			vals[i] = string(b) // somebody tampered with it: it is exported as it reads, for whoever verifies to find
		}
	}
	if n < 0 || len(h) != 32 || salt != nil && len(salt) != rowSalt {
		return errs.New(errs.Conflict, "row %d of batch %d cannot be exported: its columns are not those of a row", n, e.Seq).Mend("run assay verify")
	}
	b := append(x.line[:0], `{"h":"`...)
	b = hex.AppendEncode(b, h)
	b = append(b, `","n":`...)
	b = strconv.AppendInt(b, n, 10)
	b = append(b, `,"rows":{"batch":`...)
	b = strconv.AppendInt(b, e.Seq, 10)
	b = append(b, `,"table":"`...)
	b = append(b, e.Kind...)
	b = append(b, `"}`...)
	if salt != nil {
		b = appendSalt(b, salt)
		b = append(b, `,"text":`...)
		b = appendText(b, string(rowText(cols, vals)))
	}
	x.line = b
	return x.end("row %d of batch %d", n, e.Seq)
}

// Verdict is the exit code of F-14 and the first object that is wrong; 0 and "-" where nothing is.
func (a Audit) Verdict() (int, string) {
	if len(a.Problems) == 0 {
		return 0, "-"
	}
	return a.Problems[0].Class, a.Problems[0].Object
}

// ExportAudit is the result of verifying an export.
type ExportAudit struct {
	Audit
	Public     bool      `json:"public"`    // entries only: bodies and rows could not be verified
	KeyGiven   bool      `json:"key_given"` // the key came from outside, not from the file itself
	Program    string    `json:"program"`
	ExportedAt time.Time `json:"exported_at"`
}
