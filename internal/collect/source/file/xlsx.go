// SPDX-License-Identifier: Apache-2.0

package file

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// maxWorkbook is how large a workbook may be: it is held in memory as it is.
const maxWorkbook = 64 << 20

// readXLSX reads one sheet of a workbook. Cells are taken as they are stored, so that no date depends on how a cell is
// formatted.
func readXLSX(ctx context.Context, t *tap, m *mapping, each func(row) error) (err error) {
	data, err := t.whole(maxWorkbook)
	if err != nil {
		return err
	}
	if data, err = slim(ctx, data); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil { // the library has faults on files that nobody's program wrote
			err = &badFile{text: "it is not a workbook that can be read; save it again as XLSX or as CSV"}
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxInMemory})
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
	facts, err := factsOf(ctx, data, name)
	if err != nil {
		return err
	}
	return sheetRows(ctx, f, name, facts, m, each)
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

func sheetRows(ctx context.Context, f *excelize.File, name string, facts sheetFacts, m *mapping, each func(row) error) error {
	first, err := firstRows(ctx, f, name)
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
		cells, err := cellsOf(ctx, rows, tb.n+1)
		if err != nil {
			return err
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

// cellsOf reads one row. Rows without a value are rows too: who waits may stop at each.
func cellsOf(ctx context.Context, rows *excelize.Rows, n int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cells, err := rows.Columns()
	if err != nil {
		return nil, &badFile{row: n, text: "the row cannot be read: " + cut(err.Error())}
	}
	cells, size := trimEnd(cells), 0
	for _, c := range cells {
		size += len(c)
	}
	switch {
	case len(cells) > maxColumns:
		return nil, &badFile{row: n, text: fmt.Sprintf("it has more than %d columns", maxColumns)}
	case size > maxRow:
		return nil, &badFile{row: n, text: fmt.Sprintf("it has more than %d bytes", maxRow)}
	}
	return cells, nil
}

func firstRows(ctx context.Context, f *excelize.File, name string) ([][]string, error) {
	rows, err := f.Rows(name)
	if err != nil {
		return nil, &badFile{text: "the sheet cannot be read: " + cut(err.Error())}
	}
	defer rows.Close()
	var out [][]string
	for len(out) <= titles && rows.Next() {
		cells, err := cellsOf(ctx, rows, len(out)+1)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			break // told when the row is read
		}
		out = append(out, cells)
	}
	return out, nil
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
