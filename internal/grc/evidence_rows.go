// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// span is how many rows a file can honestly be said to have. One that is unsure of a bound leaves it open: nobody is refused whose
// number may be right.
type span struct {
	least, most int
	ok          bool
}

// rowsIn counts the rows of a list by what is in it. Its name says only that lines are rows, where they need not be.
func rowsIn(name, text string, whole bool) span {
	text, ok := decoded(text)
	if !ok {
		return span{}
	}
	if s := jsonRows(text); s.ok {
		return s
	}
	switch strings.ToLower(path.Ext(strings.TrimSpace(name))) {
	case ".csv", ".tsv":
		return lineRows(text, true, whole)
	}
	if strings.HasPrefix(strings.TrimSpace(text), "<") { // a page, or XML
		return span{}
	}
	return lineRows(text, false, whole)
}

// decoded is a file as text; not ok where it is something else, such as a picture, a PDF or a workbook.
func decoded(text string) (string, bool) {
	little, big := strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff")
	if len(text) > 3 && !little && !big { // without a mark, by the zeros of letters
		little, big = text[0] != 0 && text[1] == 0 && text[2] != 0 && text[3] == 0, text[0] == 0 && text[1] != 0 && text[2] == 0 && text[3] != 0
	}
	if little || big {
		units := make([]uint16, 0, len(text)/2)
		for i := 0; i+1 < len(text); i += 2 {
			a, b := uint16(text[i]), uint16(text[i+1])
			if big {
				a, b = b, a
			}
			units = append(units, a|b<<8)
		}
		text = string(utf16.Decode(units))
	}
	text = strings.TrimPrefix(text, "\ufeff")
	binary := strings.HasPrefix(text, "%PDF-") || strings.HasPrefix(text, `{\rtf`) || strings.HasPrefix(text, "PK\x03\x04") ||
		strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) && r < 0x80 })
	return text, !binary
}

var (
	footers  = regexp.MustCompile(`(?i)^\W*(total|totals|grand total|subtotal|sum|count|rows?|records?|results?|entries|items|users|end|page|exported|generated|created|printed|report|source|query|filter|date|note|no|none|nothing|empty|summe|gesamt)\b`)
	counting = regexp.MustCompile(`^\W*\d+\s+\pL+\W*$`) // (12 rows)
)

// noRow says whether a line stands beneath a list, or above it: a sum, a count, a note.
func noRow(first string) bool {
	return strings.HasPrefix(first, "#") || footers.MatchString(first) || counting.MatchString(first)
}

// single says whether a line is a value of a list with one column, and not a sentence about it.
func single(value string) bool {
	return len(strings.Fields(value)) <= 2 && !strings.Contains(value, ": ") && !strings.HasSuffix(value, ":") && !noRow(value)
}

// lineRows counts lines: the first may be the heading or a row, and one with fewer cells than others a row, a title or a note. Of a
// file that is not named as a table it must be plain that it is one.
func lineRows(text string, named, whole bool) span {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	if !whole { // its last line is cut off
		text = text[:strings.LastIndexByte(text, '\n')+1]
	}
	lines, cells, comma := 0, 0, separator(text)
	for l := range strings.SplitSeq(text, "\n") {
		if strings.Trim(l, string(comma)+"\" \t\f") != "" { // programs write such lines at the end
			lines++
			cells += 1 + strings.Count(l, string(comma))
		}
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord, r.Comma = -1, true, true, comma
	widest, wide, even, heading := 0, 0, 0, ""
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return span{}
		}
		first, all := strings.TrimSpace(row[0]), strings.Join(row, "\x00")
		if len(row) > widest {
			widest, wide, even, heading = len(row), 0, 0, all
		}
		if len(row) == widest && (widest > 1 || single(first)) {
			even++
		}
		switch {
		case len(row) < widest || widest == 1 && (first == "" || !single(first)):
		case widest > 1 && (strings.TrimSpace(strings.Join(row[1:], "")) == "" || noRow(first)):
		case wide > 0 && all == heading: // again, at the top of a page
		default:
			wide++
		}
	}
	most := lines
	if !named {
		if lines < 2 || even*5 < lines*4 {
			return span{}
		}
		most = cells
	}
	if !whole {
		most = int(^uint(0) >> 1)
	}
	return span{max(wide-1, 0), most, true}
}

// separator is the sign that stands most often in the text.
func separator(text string) rune {
	best, most := ',', 0
	for _, c := range ",;\t|" {
		if n := strings.Count(text, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// inside is how deep in a JSON object lists are looked for.
const inside = 4

// jsonRows counts the lists of a JSON text, or its texts where there are several. Of several lists one is meant, or all.
func jsonRows(text string) span {
	d := json.NewDecoder(strings.NewReader(text))
	var values []json.RawMessage
	for {
		var v json.RawMessage
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return span{}
		}
		if v = trimmed(v); len(v) == 0 || v[0] != '{' && v[0] != '[' {
			return span{} // numbers and words on lines of their own
		}
		values = append(values, v)
	}
	if len(values) > 1 {
		return span{len(values) - headed(values), len(values), true}
	}
	if len(values) == 0 {
		return span{}
	}
	var found []span
	lists(values[0], 0, &found)
	out := span{ok: len(found) > 0}
	for _, f := range found {
		if f.most > 0 && (out.most == 0 || f.least < out.least) {
			out.least = f.least
		}
		out.most += f.most
	}
	return out
}

func trimmed(v json.RawMessage) json.RawMessage { return json.RawMessage(strings.TrimSpace(string(v))) }

// headed is 1 where the first row of a list can be its heading.
func headed(rows []json.RawMessage) int {
	if len(rows) > 0 && trimmed(rows[0])[0] == '[' {
		return 1
	}
	return 0
}

// lists finds the lists of a value, but for those inside of lists.
func lists(v json.RawMessage, depth int, found *[]span) {
	d := json.NewDecoder(strings.NewReader(string(v)))
	begin, err := d.Token()
	if err != nil || depth > inside || begin != json.Delim('[') && begin != json.Delim('{') {
		return
	}
	var members []json.RawMessage
	for d.More() {
		if begin == json.Delim('{') {
			if _, err := d.Token(); err != nil {
				return
			}
		}
		var m json.RawMessage
		if d.Decode(&m) != nil {
			return
		}
		members = append(members, m)
	}
	if begin == json.Delim('[') {
		*found = append(*found, span{len(members) - headed(members), len(members), true})
		return
	}
	for _, m := range members {
		if i := slices.Index([]byte{'[', '{'}, trimmed(m)[0]); i >= 0 {
			lists(m, depth+1, found)
		}
	}
}
