// SPDX-License-Identifier: Apache-2.0

package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"assay/internal/collect"
	"assay/internal/errs"
)

// The limits of a file. What is beyond them ends the reading with an error.
const (
	maxBytes   = 4 << 30
	maxRows    = 2_000_000
	maxRow     = 1 << 20
	maxColumns = 1000
	maxCell    = 64 << 10
	maxDepth   = 16
)

// row is one record of a file, with the cells that the configuration asks for.
type row struct {
	number int
	label  string         // the first text of a record of a table
	cells  map[string]any // string for CSV and XLSX; string, bool, json.Number, []any, nil for JSON
}

// taker is given what a reading finds; what is nil is not wanted.
type taker struct {
	row func(collect.Resource, row) error // each resource
	raw func([]byte) error                // every byte of the file, in its order
}

// tap hashes what is read, keeps the bytes of the record being read, and stops a record that grows too long.
type tap struct {
	in    io.Reader
	sum   hash.Hash
	buf   []byte
	base  int64 // where buf begins
	total int64
	to    func([]byte) error
}

// ahead is how much of a file is looked at before its heading is known.
const ahead = 64 << 10

var errLongRow = fmt.Errorf("it has a row of more than %d bytes", maxRow)

func (t *tap) Read(p []byte) (int, error) {
	if len(t.buf) > maxRow+2*ahead {
		return 0, errLongRow
	}
	n, err := t.in.Read(p[:min(len(p), 4096)]) // no more than is soon forgotten
	t.sum.Write(p[:n])
	t.buf = append(t.buf, p[:n]...)
	if t.total += int64(n); t.total > maxBytes {
		return 0, fmt.Errorf("it has more than %d bytes", int64(maxBytes))
	}
	return n, err
}

// until gives the bytes up to an offset, hands them on, and forgets them.
func (t *tap) until(offset int64) ([]byte, error) {
	n := min(max(offset-t.base, 0), int64(len(t.buf)))
	out := bytes.Clone(t.buf[:n])
	t.buf = append(t.buf[:0], t.buf[n:]...)
	t.base += n
	if len(out) > maxRow {
		return nil, errLongRow
	}
	if t.to == nil || len(out) == 0 {
		return out, nil
	}
	return out, t.to(out)
}

// finish reads what a reader left that stopped early, and hands the last bytes on.
func (t *tap) finish() error {
	for {
		if _, err := t.until(t.total); err != nil {
			return err
		}
		if _, err := t.Read(make([]byte, 4096)); errors.Is(err, io.EOF) {
			_, err = t.until(t.total)
			return err
		} else if err != nil {
			return err
		}
	}
}

// scan reads the file from its beginning to its end, in rows, and hands over those without fault.
func (s *Source) scan(ctx context.Context, sv *survey, to taker) (Report, error) {
	var report Report
	in, err := s.open()
	if err != nil {
		return report, err
	}
	defer in.Close()
	text := io.Reader(in)
	if s.cfg.Format != "xlsx" {
		if text, err = narrowed(in); err != nil {
			return report, s.ended(ctx, err, &report)
		}
	}
	t := &tap{in: text, sum: sha256.New(), to: to.raw}
	m := newMapping(s, &report, sv)
	if s.server {
		report.veil = &veil{known: m.spoken(), export: formatOf(s.cfg.Path) != ""}
	}
	sv.begin(&report)
	each := func(r row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, r := range s.repeated(r) {
			if report.Rows++; report.Rows > maxRows {
				return fmt.Errorf("it has more than %d rows", maxRows)
			}
			if err := m.take(r, to.row); err != nil {
				return err
			}
		}
		return nil
	}
	switch s.cfg.Format {
	case "csv":
		err = readCSV(t, m, each)
	case "xlsx":
		err = readXLSX(ctx, t, m, each)
	default:
		err = readJSON(t, s.cfg.Format == "jsonl", m, each)
	}
	if err == nil {
		err = t.finish()
	}
	if err != nil {
		return report, s.ended(ctx, err, &report)
	}
	m.end()
	report.Digest = digest(t.sum.Sum(nil))
	return report, nil
}

// take reads one row: it is filtered, refused or read.
func (m *mapping) take(r row, yield func(collect.Resource, row) error) error {
	if m.s.heading != nil { // of JSON: the first object has the names
		m.s.heading(sortedKeys(r.cells))
		return errSeen
	}
	if m.s.each != nil {
		for c := range r.cells {
			m.see(c)
		}
		m.report.Read++
		m.s.each(r)
		return nil
	}
	if left, judged := m.filtered(r); left || !judged {
		return nil
	}
	if m.sv.open {
		m.survey(r)
		return nil
	}
	if m.sv.older[r.number] {
		m.report.Filtered++
		return nil
	}
	res, ok := m.resource(r)
	if !ok {
		m.report.Refused++
		return nil
	}
	m.report.Read++
	if yield == nil {
		return nil
	}
	return yield(res, r)
}

// ended sorts the errors that end a reading: those of the file become a fault in the report.
func (s *Source) ended(ctx context.Context, err error, report *Report) error {
	var person *errs.Error
	if ctx.Err() != nil || errors.As(err, &person) {
		return err
	}
	if errors.Is(err, errSeen) {
		return err
	}
	var broken *badFile
	if errors.As(err, &broken) {
		report.fault(broken.row, broken.column, "%s", broken.text)
		return nil
	}
	return errs.At("file", "%s cannot be imported: %s", s.cfg.Path, err.Error()).Because(err)
}

// badFile is a fault after which the rest of the file cannot be trusted.
type badFile struct {
	row    int
	column string
	text   string
}

func (b *badFile) Error() string { return Fault{Row: b.row, Column: b.column, Text: b.text}.String() }

// start takes off a byte-order mark, and refuses what is neither CSV nor JSON. It also gives the offset at which the rest
// begins.
func start(t *tap) (io.Reader, int64, error) {
	head := make([]byte, 32)
	n, err := io.ReadFull(t, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, err
	}
	head = head[:n]
	if what := other(head); what != "" {
		return nil, 0, &badFile{text: what}
	}
	rest, marked := bytes.CutPrefix(head, []byte{0xef, 0xbb, 0xbf})
	if marked {
		return io.MultiReader(bytes.NewReader(rest), t), 3, nil
	}
	return io.MultiReader(bytes.NewReader(head), t), 0, nil
}
