// SPDX-License-Identifier: Apache-2.0

package file

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// sheetFacts are what a sheet holds beside its values, and what would be lost without a word: formulas whose result was
// never stored, cells that are merged, and rows that are hidden.
type sheetFacts struct {
	bare   []string // cells with a formula and no result, such as C3
	merged []string // ranges, such as B2:B3
	hidden []int    // rows where the heading can be
	below  int      // hidden rows below those
}

// maxFacts is how many cells and ranges are kept: one is enough to refuse the file.
const maxFacts = 1000

// factsOf looks into the part of a sheet, as a stream. A workbook that is laid out otherwise has none: its rows are read all
// the same.
func factsOf(ctx context.Context, data []byte, sheet string) (sheetFacts, error) {
	var out sheetFacts
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return out, fmt.Errorf("open workbook: %w", err)
	}
	name, err := partOf(z, sheet)
	if err != nil || name == "" {
		return out, err
	}
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == name })
	if i < 0 {
		return out, nil
	}
	for _, pass := range []func(context.Context, io.Reader) (bool, error){mayHold, out.read} {
		r, err := z.File[i].Open()
		if err != nil {
			return out, fmt.Errorf("open sheet: %w", err)
		}
		more, err := pass(ctx, io.LimitReader(r, maxUnpacked))
		r.Close()
		if err != nil || !more {
			return out, err
		}
	}
	return out, nil
}

// mayHold says whether a sheet can have any of it: most have none, and need not be parsed.
func mayHold(ctx context.Context, r io.Reader) (bool, error) {
	buf, kept := make([]byte, 64<<10), 0
	for {
		n, err := io.ReadFull(r, buf[kept:])
		for _, mark := range []string{"hidden=", "mergeCell", "<f", ":f"} {
			if bytes.Contains(buf[:kept+n], []byte(mark)) {
				return true, nil
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		kept = copy(buf, buf[kept+n-16:kept+n]) // a mark may lie over the edge
	}
}

// partOf finds the name of the part that is a sheet.
func partOf(z *zip.Reader, sheet string) (string, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var rels struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &rels} {
		b, err := unpack(z, name)
		if err != nil {
			return "", err
		}
		if b != nil && xml.Unmarshal(b, into) != nil {
			return "", nil
		}
	}
	for _, s := range book.Sheets {
		for _, r := range rels.All {
			if s.Name == sheet && s.ID == r.ID {
				if strings.HasPrefix(r.Target, "/") {
					return strings.TrimPrefix(r.Target, "/"), nil
				}
				return path.Join("xl", r.Target), nil
			}
		}
	}
	return "", nil
}

// unpack gives a small part of a workbook; nil for one that it does not have.
func unpack(z *zip.Reader, name string) ([]byte, error) {
	for _, f := range z.File {
		if f.Name != name {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		defer r.Close()
		b, err := io.ReadAll(io.LimitReader(r, maxSmall))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		return b, nil
	}
	return nil, nil
}

func (s *sheetFacts) read(ctx context.Context, r io.Reader) (bool, error) {
	d := xml.NewDecoder(bufio.NewReaderSize(r, 64<<10))
	cell, formula, result, row := "", false, false, 0
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, &badFile{row: row, text: "the sheet cannot be read: " + cut(err.Error())}
		}
		switch x := tok.(type) {
		case xml.StartElement:
			switch x.Name.Local {
			case "row":
				if row++; ctx.Err() != nil {
					return false, ctx.Err()
				}
				if n, ok := whole(attrOf(x, "r")); ok {
					row = int(n)
				}
				if h := attrOf(x, "hidden"); h == "1" || h == "true" {
					s.hide(row)
				}
			case "c":
				cell, formula, result = attrOf(x, "r"), false, false
			case "f":
				formula = true
			case "v", "is":
				result = true
			case "mergeCell":
				s.merged = few(s.merged, attrOf(x, "ref"))
			}
		case xml.EndElement:
			if x.Name.Local == "c" && formula && !result {
				s.bare = few(s.bare, cell)
			}
		}
	}
}

func few(all []string, one string) []string {
	if len(all) < maxFacts {
		all = append(all, one)
	}
	return all
}

func (s *sheetFacts) hide(row int) {
	if row > titles+1 {
		s.below++
	} else {
		s.hidden = append(s.hidden, row)
	}
}

func attrOf(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// tell reports what lies below the heading, in columns that are read.
func (s *sheetFacts) tell(m *mapping, heading int) {
	column := func(at int) (string, bool) {
		for _, u := range m.used {
			if u.at == at-1 {
				return u.name, true
			}
		}
		return "", false
	}
	for _, ref := range s.bare {
		if c, r, err := excelize.CellNameToCoordinates(ref); err == nil && r > heading {
			if name, read := column(c); read {
				m.report.fault(r, name, "cell %s holds a formula whose result is not stored. Open the workbook in a spreadsheet program, save it, and import it again", cut(ref))
			}
		}
	}
	for _, ref := range s.merged {
		from, to, _ := strings.Cut(ref, ":")
		c1, r1, err1 := excelize.CellNameToCoordinates(from)
		c2, r2, err2 := excelize.CellNameToCoordinates(to)
		if err1 != nil || err2 != nil || r1 <= heading || r1 == r2 && c1 == c2 {
			continue
		}
		for c := c1; c <= c2; c++ {
			if name, read := column(c); read {
				m.report.fault(r1, name, "the cells %s are merged, and only the first holds the value. Unmerge them, and fill in each", cut(ref))
				break
			}
		}
	}
	hidden := s.below
	for _, r := range s.hidden {
		if r > heading {
			hidden++
		}
	}
	if hidden > 0 {
		m.report.note("Hidden rows that were read too: %d.", hidden)
	}
}
