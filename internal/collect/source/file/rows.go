// SPDX-License-Identifier: Apache-2.0

package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"unicode/utf8"

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

// row is one record of a file.
type row struct {
	number int
	cells  map[string]any // string for CSV; string, bool, json.Number, []any, nil for JSON
	raw    []byte         // its bytes in the file
}

// tap hashes what is read, keeps the bytes of the record being read, and stops a record that grows too long.
type tap struct {
	in    io.Reader
	sum   hash.Hash
	buf   []byte
	base  int64 // where buf begins
	total int64
}

var errLongRow = fmt.Errorf("it has a row of more than %d bytes", maxRow)

func (t *tap) Read(p []byte) (int, error) {
	if len(t.buf) > maxRow+64<<10 {
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

// until gives the bytes up to an offset, and forgets them.
func (t *tap) until(offset int64) []byte {
	n := min(max(offset-t.base, 0), int64(len(t.buf)))
	out := bytes.Clone(t.buf[:n])
	t.buf = append(t.buf[:0], t.buf[n:]...)
	t.base += n
	return out
}

// scan reads the file from its beginning to its end, in rows, and hands over those without fault.
func (s *Source) scan(ctx context.Context, yield func(collect.Resource, row) error) (Report, error) {
	var report Report
	in, err := s.open()
	if err != nil {
		return report, err
	}
	defer in.Close()
	t := &tap{in: in, sum: sha256.New()}
	m := newMapping(s, &report)
	each := func(r row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if report.Rows++; report.Rows > maxRows {
			return fmt.Errorf("it has more than %d rows", maxRows)
		}
		res, ok := m.resource(r)
		if !ok || yield == nil {
			return nil
		}
		return yield(res, r)
	}
	if s.cfg.Format == "csv" {
		err = readCSV(t, rune(firstRune(s.cfg.Delimiter)), m, each)
	} else {
		err = readJSON(t, s.cfg.Format == "jsonl", m, each)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, io.TeeReader(in, t.sum)) // nothing is left, unless the reader stopped early
	}
	if err != nil {
		return report, s.ended(ctx, err, &report)
	}
	m.end()
	report.Digest = digest(t.sum.Sum(nil))
	return report, nil
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// ended sorts the errors that end a reading: those of the file become a fault in the report.
func (s *Source) ended(ctx context.Context, err error, report *Report) error {
	var person *errs.Error
	if ctx.Err() != nil || errors.As(err, &person) {
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

func (b *badFile) Error() string { return Fault{b.row, b.column, b.text}.String() }

// start takes off a byte-order mark, and refuses files in two-byte characters. It also gives the
// offset at which the rest begins.
func start(t *tap) (io.Reader, int64, error) {
	head := make([]byte, 3)
	n, err := io.ReadFull(t, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, 0, err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		return t, 3, nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return nil, 0, &badFile{text: "the file is in UTF-16; save it as UTF-8"}
	case n >= 2 && head[0] == 'P' && head[1] == 'K':
		return nil, 0, &badFile{text: "the file is a spreadsheet or an archive; save it as CSV"}
	}
	return io.MultiReader(bytes.NewReader(head), t), 0, nil
}

// readCSV reads a heading and rows. encoding/csv follows RFC 4180: quotes double, lines may break inside them.
func readCSV(t *tap, comma rune, m *mapping, each func(row) error) error {
	in, mark, err := start(t)
	if err != nil {
		return err
	}
	r := csv.NewReader(in)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	var heading []string
	for n := 1; ; n++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return &badFile{row: n, text: "a quote stands where none may stand, or one is missing: " + parse.Err.Error()}
		}
		if err != nil {
			return err
		}
		raw := t.until(mark + r.InputOffset())
		if len(raw) > maxRow {
			return errLongRow
		}
		if n == 1 {
			heading = append([]string{}, cells...)
			if err := m.heading(heading); err != nil {
				return err
			}
			m.head = raw
			continue
		}
		if len(cells) != len(heading) {
			m.report.Rows++
			m.report.fault(n, "", "it has %d cells, and the heading has %d", len(cells), len(heading))
			continue
		}
		if err := each(csvRow(n, heading, cells, append(m.takeHead(), raw...))); err != nil {
			return err
		}
	}
	if heading == nil {
		return &badFile{text: "the file is empty; it needs a heading at least"}
	}
	return nil
}

func csvRow(n int, heading, cells []string, raw []byte) row {
	out := row{number: n, cells: make(map[string]any, len(cells)), raw: raw}
	for i, c := range cells {
		out.cells[heading[i]] = c
	}
	return out
}

// replaced counts the replacement characters in what was read.
func replaced(v any) int {
	n := 0
	switch x := v.(type) {
	case string:
		n = strings.Count(x, "\ufffd")
	case []any:
		for _, e := range x {
			n += replaced(e)
		}
	case map[string]any:
		for k, e := range x {
			n += replaced(k) + replaced(e)
		}
	}
	return n
}

// honest says whether the text is what the file says: encoding/json puts replacement characters in
// place of bytes and escapes that are no character, and two different texts would become one.
func honest(raw []byte, v any) bool {
	n := replaced(v)
	return utf8.Valid(raw) && (n == 0 || n <= bytes.Count(raw, []byte("\ufffd"))+bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`)))
}

// readJSON reads a list of objects, or one object after the other.
func readJSON(t *tap, lines bool, m *mapping, each func(row) error) error {
	in, mark, err := start(t)
	if err != nil {
		return err
	}
	d := json.NewDecoder(in)
	d.UseNumber()
	if !lines {
		first, err := d.Token()
		if errors.Is(err, io.EOF) {
			return &badFile{text: "the file is empty; an empty list is written []"}
		}
		if err != nil {
			return jsonFault(1, err)
		}
		if first != json.Delim('[') {
			return &badFile{text: "the file must begin with a list of objects"}
		}
	}
	n := 0
	for ; d.More(); n++ {
		got, err := object(d, n+1, 0)
		if err != nil {
			return err
		}
		raw := t.until(mark + d.InputOffset())
		if len(raw) > maxRow {
			return errLongRow
		}
		cells, ok := got.(map[string]any)
		if !ok {
			return &badFile{row: n + 1, text: "it is not an object"}
		}
		if !honest(raw, got) {
			m.report.Rows++
			m.report.fault(n+1, "", "its text is not UTF-8")
			continue
		}
		if err := each(row{number: n + 1, cells: flat(cells), raw: raw}); err != nil {
			return err
		}
	}
	if !lines {
		if _, err := d.Token(); err != nil {
			return jsonFault(n+1, err)
		}
	} else if n == 0 {
		return &badFile{text: "the file is empty"}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &badFile{row: n + 1, text: "there is something after the end of the list"}
	}
	return nil
}

// object reads one value, and refuses what encoding/json would let pass: a name that stands twice,
// and depth that serves nothing.
func object(d *json.Decoder, n, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &badFile{row: n, text: fmt.Sprintf("it is nested more than %d deep", maxDepth)}
	}
	tok, err := d.Token()
	if err != nil {
		return nil, jsonFault(n, err)
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := object(d, n, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, jsonFault(n, err)
	}
	all := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, jsonFault(n, err)
		}
		key, _ := name.(string)
		if _, twice := all[key]; twice {
			return nil, &badFile{row: n, column: key, text: "the name stands twice in one object"}
		}
		if len(all) >= maxColumns {
			return nil, &badFile{row: n, text: fmt.Sprintf("it has more than %d names", maxColumns)}
		}
		if all[key], err = object(d, n, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return all, jsonFault(n, err)
}

// jsonFault names the row of an error in the JSON itself.
func jsonFault(n int, err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &badFile{row: n, text: "the file ends in the middle"}
	case errors.As(err, &syntax):
		return &badFile{row: n, text: "it is not JSON: " + syntax.Error()}
	}
	return err
}

// flat gives the names of nested objects as outer.inner.
func flat(cells map[string]any) map[string]any {
	out := make(map[string]any, len(cells))
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for k, v := range m {
			if inner, ok := v.(map[string]any); ok {
				walk(prefix+k+".", inner)
				continue
			}
			out[prefix+k] = v
		}
	}
	walk("", cells)
	return out
}

// column is a heading as it is compared: without case, and with underscores for spaces.
func column(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), " ", "_")
}
