// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"assay/internal/clock"
	"assay/internal/kind"
	"assay/internal/op"
	"golang.org/x/term"
	"golang.org/x/text/width"
)

// rows writes a table. Without columns it has those that the rows have. more are the flags of the next page.
func (m *maker) rows(rows []json.RawMessage, columns []kind.Field, more string) error {
	var read [][]pair
	for _, r := range rows {
		if len(r) == 0 || r[0] != '{' {
			if _, err := fmt.Fprintln(m.out, clean(text(r))); err != nil {
				return err
			}
			continue
		}
		p, err := object(r)
		if err != nil {
			return err
		}
		read = append(read, p)
	}
	if columns == nil {
		columns = found(read)
	}
	if len(read) > 0 {
		if err := m.table(columns, read); err != nil {
			return err
		}
	}
	switch {
	case len(rows) == 0:
		fmt.Fprintln(m.errOut, "nothing found")
	case more != "":
		fmt.Fprintf(m.errOut, "there is more: add %s\n", clean(more))
	}
	return nil
}

// found are the fields of rows that hold something plain.
func found(rows [][]pair) []kind.Field {
	var out []kind.Field
	for _, r := range rows {
		for _, p := range r {
			if nested(p.value) || slices.ContainsFunc(out, func(f kind.Field) bool { return f.Name == p.name }) {
				continue
			}
			f := kind.Field{Name: p.name, Type: "string"}
			if c := p.value[0]; c == '-' || c >= '0' && c <= '9' {
				f.Type = "integer"
			}
			out = append(out, f)
		}
	}
	return out
}

const gap = 2

// table writes rows under a heading, each column as wide as it needs, within the width of the terminal.
func (m *maker) table(columns []kind.Field, rows [][]pair) error {
	grid := make([][]string, len(rows)+1)
	widths := make([]int, len(columns))
	for i, f := range columns {
		h := strings.ToUpper(op.Title(f.Name))
		grid[0] = append(grid[0], h)
		widths[i] = cells(h)
	}
	for r, pairs := range rows {
		for i, f := range columns {
			cell := ""
			if j := slices.IndexFunc(pairs, func(p pair) bool { return p.name == f.Name }); j >= 0 {
				cell = clean(strings.ReplaceAll(text(pairs[j].value), "\n", " "))
			}
			grid[r+1] = append(grid[r+1], cell)
			widths[i] = max(widths[i], cells(cell))
		}
	}
	wide, bold := m.terminal()
	if wide > 0 {
		fit(widths, wide)
	}
	for r, line := range grid {
		var b strings.Builder
		for i, cell := range line {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			cell = cut(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-cells(cell))
			if columns[i].Type == "integer" {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
		}
		text := strings.TrimRight(b.String(), " ")
		if r == 0 && bold {
			text = "\x1b[1m" + text + "\x1b[0m"
		}
		if _, err := fmt.Fprintln(m.out, text); err != nil {
			return err
		}
	}
	return nil
}

// terminal gives the width to keep to, 0 where there is none, and whether there may be bold type.
func (m *maker) terminal() (int, bool) {
	f, ok := m.out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w < 20 {
		w = 80
	}
	return w, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// fit takes from the widest column until the line fits. The first column, the id, stays whole.
func fit(widths []int, wide int) {
	for {
		sum, widest := gap*(len(widths)-1), -1
		for i, w := range widths {
			sum += w
			if i > 0 && w > 8 && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if sum <= wide || widest < 0 {
			return
		}
		widths[widest]--
	}
}

// cells is how many columns of a terminal a text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += cell(r)
	}
	return n
}

func cell(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// cut shortens a text to a width.
func cut(s string, to int) string {
	if cells(s) <= to {
		return s
	}
	n := 0
	for i, r := range s {
		if n+cell(r) > to-1 {
			return s[:i] + "…"
		}
		n += cell(r)
	}
	return s
}

// clean takes out what would steer a terminal: stored text must not.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return '\uFFFD'
		}
		return r
	}, s)
}

var isTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)

// moment writes a time for a person; any other text stays.
func moment(s string) string {
	if isTime.MatchString(s) {
		if t, err := clock.Parse(s); err == nil {
			return t.Format("2006-01-02 15:04:05 UTC")
		}
	}
	return s
}

// thousands writes a number with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
