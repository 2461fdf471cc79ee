// SPDX-License-Identifier: Apache-2.0

package file

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// readCSV reads a heading and rows. encoding/csv follows RFC 4180: quotes double, lines may break inside them.
func readCSV(t *tap, m *mapping, each func(row) error) error {
	in, mark, err := start(t)
	if err != nil {
		return err
	}
	b := bufio.NewReaderSize(&lineEnds{in: in}, ahead)
	head, err := b.Peek(ahead)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	how, err := look(head, m)
	if err != nil {
		return err
	}
	if _, err := b.Discard(how.skip); err != nil {
		return err
	}
	mark += int64(how.skip)
	r := csv.NewReader(b)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = how.comma, -1, true
	tb := &table{m: m, each: each, above: how.above, n: min(how.skip, 1)}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return tb.end()
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return &badFile{row: tb.n + 1, text: "a quote stands where none may stand, or one is missing: " + parse.Err.Error()}
		}
		if err != nil {
			return err
		}
		raw, err := t.until(mark + r.InputOffset())
		if err != nil {
			return err
		}
		tb.n += emptyLines(raw)
		if err := tb.record(cells); err != nil {
			return err
		}
	}
}

// emptyLines counts the lines without a character before a record, which encoding/csv passes over: rows have the numbers
// that a spreadsheet gives them.
func emptyLines(raw []byte) int {
	n := 0
	for len(raw) > 0 && (raw[0] == '\n' || raw[0] == '\r') {
		if bytes.HasPrefix(raw, []byte("\r\n")) {
			raw = raw[1:]
		}
		raw = raw[1:]
		n++
	}
	return n
}

// shape is how a CSV file is laid out.
type shape struct {
	comma rune
	skip  int // bytes of a line that only names the separator
	above int // records above the heading
}

// commas are the separators that are looked for where none is set, the commonest first.
var commas = []rune{',', ';', '\t', '|'}

// look finds the separator and the heading at the beginning of a file. Where nothing fits the configuration it is the
// separator that makes the most columns, and the first row that has any text, so that the faults can say what is missing.
func look(head []byte, m *mapping) (shape, error) {
	var s shape
	all := commas
	if set := m.s.cfg.Delimiter; set != "" {
		s.comma, _ = utf8.DecodeRuneInString(set)
		all = []rune{s.comma}
	}
	line, _, whole := bytes.Cut(head, []byte("\n"))
	if name := strings.TrimRight(string(line), "\r"); whole && len(name) > 4 && strings.EqualFold(name[:4], "sep=") {
		comma, n := utf8.DecodeRuneInString(name[4:])
		if rest := strings.Trim(name[4+n:], ",;\t\" "); rest == "" && comma != '"' && comma != utf8.RuneError {
			if s.comma != 0 && s.comma != comma {
				return s, &badFile{row: 1, text: "the file says that its separator is " + string(comma) + ", and delimiter is " + string(s.comma) + "; leave delimiter empty"}
			}
			s.skip, all = len(line)+1, []rune{comma}
			head = head[s.skip:]
		}
	}
	best, most := -1, 0
	for i, comma := range all {
		first := records(head, comma)
		at, fits := m.headingAt(first)
		if at < 0 {
			continue
		}
		columns := len(first[at])
		if fits {
			columns += maxColumns + 1 // whatever does not fit
		}
		if columns > most {
			best, most = i, columns
			s.above = at
		}
	}
	if best < 0 {
		best = 0
	}
	s.comma = all[best]
	return s, nil
}

// records are the first ones of a file, as one separator cuts them.
func records(head []byte, comma rune) [][]string {
	cut := len(head) >= ahead
	r := csv.NewReader(bytes.NewReader(head))
	r.Comma, r.FieldsPerRecord = comma, -1
	var out [][]string
	for len(out) < titles+1 {
		cells, err := r.Read()
		if err != nil {
			break
		}
		out = append(out, cells)
	}
	if cut && len(out) > 1 && len(out) < titles+1 { // the last one may have been cut off
		out = out[:len(out)-1]
	}
	return out
}

// titles is how many rows may stand above a heading.
const titles = 20

// headingAt finds the heading among the first records: the first that has every column that is asked for, below rows that
// have fewer cells. Without one it is the first that has any text.
func (m *mapping) headingAt(first [][]string) (at int, fits bool) {
	at = slices.IndexFunc(first, func(cells []string) bool { return !blank(cells) })
	if at < 0 || m.fits(first[at]) {
		return at, at >= 0
	}
	widest := 0
	for i, cells := range first {
		if n := texts(cells); n > widest {
			if m.fits(cells) {
				return i, true
			}
			widest = n
		}
	}
	return at, false
}

func blank(cells []string) bool { return texts(cells) == 0 }

// label is the first text of a record: what a sheet puts before a sum.
func label(cells []string) string {
	for _, c := range cells {
		if s := clean(c); s != "" {
			return s
		}
	}
	return ""
}

func texts(cells []string) int {
	n := 0
	for _, c := range cells {
		if clean(c) != "" {
			n++
		}
	}
	return n
}

// table takes the records of a CSV file or a sheet one after the other, and makes rows of those below the heading.
type table struct {
	m     *mapping
	each  func(row) error
	above int // records above the heading that are still to come
	n     int // number of the record, as a spreadsheet counts
	width int
	head  int  // number of the heading
	short bool // a record may lack empty cells at its end, as in a sheet
}

func (t *table) record(cells []string) error {
	t.n++
	switch {
	case t.width == 0 && t.above > 0:
		if t.above--; !blank(cells) {
			t.m.report.Above++
		}
		return nil
	case t.width == 0 && blank(cells):
		return nil
	case t.width == 0:
		t.width, t.head = len(cells), t.n
		return t.m.heading(t.n, cells)
	case blank(cells):
		t.m.report.Blank++
		return nil
	}
	for len(cells) > t.width && clean(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) > t.width || len(cells) < t.width && !t.short {
		t.m.refuse(t.n, "it has %d cells, and the heading has %d", len(cells), t.width)
		return nil
	}
	r := row{number: t.n, label: label(cells), cells: make(map[string]any, len(t.m.used))}
	for _, u := range t.m.used {
		r.cells[u.name] = ""
		if u.at < len(cells) {
			r.cells[u.name] = cells[u.at]
		}
	}
	return t.each(r)
}

func (t *table) end() error {
	if t.width == 0 {
		return &badFile{text: "the file is empty; it needs a heading at least"}
	}
	return nil
}
