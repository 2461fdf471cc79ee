// SPDX-License-Identifier: Apache-2.0

package file

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// The limits of a workbook: it is held in memory as a whole.
const (
	maxWorkbook = 64 << 20  // as it is
	maxUnpacked = 256 << 20 // with everything in it unpacked
	maxParts    = 2000
)

// readXLSX reads one sheet of a workbook. Cells are taken as they are stored, so that no date depends on how a cell is
// formatted.
func readXLSX(t *tap, m *mapping, each func(row) error) (err error) {
	data, err := t.whole(maxWorkbook)
	if err != nil {
		return err
	}
	if bad := packed(data); bad != "" {
		return &badFile{text: bad}
	}
	defer func() {
		if p := recover(); p != nil { // the library has faults on files that nobody's program wrote
			err = &badFile{text: "it is not a workbook that can be read; save it again as XLSX or as CSV"}
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked})
	if err != nil {
		return &badFile{text: "it is not a workbook that can be read; if it is protected, save it without a password: " + cut(err.Error())}
	}
	defer f.Close()
	name, err := sheetOf(f, m)
	if err != nil {
		return err
	}
	if props, err := f.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		m.since1904 = *props.Date1904
	}
	facts, err := factsOf(data, name)
	if err != nil {
		return &badFile{text: "the sheet cannot be read: " + cut(err.Error())}
	}
	return sheetRows(f, name, facts, m, each)
}

// sheetOf chooses the sheet, and says which others were not read.
func sheetOf(f *excelize.File, m *mapping) (string, error) {
	all := f.GetSheetList()
	if len(all) == 0 {
		return "", &badFile{text: "the workbook has no sheet"}
	}
	at := max(slices.IndexFunc(all, func(n string) bool { seen, err := f.GetSheetVisible(n); return err == nil && seen }), 0)
	if want := m.s.cfg.Sheet; want != "" {
		if at = slices.IndexFunc(all, func(n string) bool { return folded(n) == folded(want) }); at < 0 {
			return "", &badFile{text: fmt.Sprintf("the workbook has no sheet %s; it has: %s", cut(want), cut(strings.Join(all, ", ")))}
		}
	}
	if others := slices.Delete(slices.Clone(all), at, at+1); len(others) > 0 && !m.sv.open {
		m.report.note("Sheets that were not read: %s.", cut(strings.Join(others, ", ")))
	}
	return all[at], nil
}

func sheetRows(f *excelize.File, name string, facts sheetFacts, m *mapping, each func(row) error) error {
	first, err := firstRows(f, name)
	if err != nil {
		return err
	}
	above, _ := m.headingAt(first)
	rows, err := f.Rows(name)
	if err != nil {
		return &badFile{text: "the sheet cannot be read: " + cut(err.Error())}
	}
	defer rows.Close()
	tb := &table{m: m, each: each, above: max(above, 0), short: true}
	for rows.Next() {
		cells, err := rows.Columns()
		if err != nil {
			return &badFile{row: tb.n + 1, text: "the row cannot be read: " + cut(err.Error())}
		}
		if cells = trimEnd(cells); len(cells) > maxColumns {
			return &badFile{row: tb.n + 1, text: fmt.Sprintf("it has more than %d columns", maxColumns)}
		}
		if err := tb.record(cells); err != nil {
			return err
		}
	}
	if err := rows.Error(); err != nil {
		return &badFile{row: tb.n + 1, text: "the sheet cannot be read: " + cut(err.Error())}
	}
	if !m.sv.open {
		facts.tell(m, tb.head)
	}
	return tb.end()
}

// trimEnd takes away the empty cells at the end of a row: a sheet has as many as somebody once touched.
func trimEnd(cells []string) []string {
	for len(cells) > 0 && clean(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func firstRows(f *excelize.File, name string) ([][]string, error) {
	rows, err := f.Rows(name)
	if err != nil {
		return nil, &badFile{text: "the sheet cannot be read: " + cut(err.Error())}
	}
	defer rows.Close()
	var out [][]string
	for len(out) <= titles && rows.Next() {
		cells, err := rows.Columns()
		if err != nil {
			break // told when the row is read
		}
		out = append(out, trimEnd(cells))
	}
	return out, nil
}

// packed says why a file is no workbook that may be opened: what it unpacks to is measured, never believed.
func packed(data []byte) string {
	if bytes.HasPrefix(data, []byte{0xd0, 0xcf, 0x11, 0xe0}) {
		return "it is an old or a protected workbook; save it as XLSX without a password"
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "it is no XLSX workbook; set format to what it is"
	}
	if len(z.File) > maxParts {
		return fmt.Sprintf("the workbook has more than %d parts", maxParts)
	}
	left := int64(maxUnpacked)
	for _, part := range z.File {
		r, err := part.Open()
		if err != nil {
			return "a part of the workbook is damaged"
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, left+1))
		r.Close()
		if left -= n; left < 0 {
			return fmt.Sprintf("the workbook unpacks to more than %d bytes", int64(maxUnpacked))
		}
		if err != nil {
			return "a part of the workbook is damaged"
		}
	}
	return ""
}

// whole reads all of a file that is held in memory, and hands it on.
func (t *tap) whole(most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(io.TeeReader(t.in, t.sum), most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("it has more than %d bytes", most)
	}
	t.total, t.base = int64(len(data)), int64(len(data))
	if t.to != nil && len(data) > 0 {
		return data, t.to(data)
	}
	return data, nil
}
