// SPDX-License-Identifier: Apache-2.0

package file

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay/internal/kind"
	"golang.org/x/text/unicode/norm"
)

// clean takes away what nobody sees at the ends of a text (spaces of every width, marks of width zero and of the direction of writing), and writes
// letters in their composed form, so that what looks the same is the same.
func clean(s string) string { return norm.NFC.String(strings.TrimFunc(s, unseen)) }

// unseen is what is no fault at the ends of a text. Of control characters only spaces are.
func unseen(r rune) bool { return unicode.IsSpace(r) || kind.Unseen(r) && !unicode.IsControl(r) }

// folded is a text as it is compared where letter case and the width of spaces do not matter.
func folded(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(clean(s), unseen), " "))
}

// column is a heading as it is compared with the name of an attribute: without case, and with underscores for spaces.
func column(s string) string { return strings.ReplaceAll(folded(s), " ", "_") }

// textFault says what is wrong with a text, or nothing.
func textFault(s string) string {
	switch {
	case len(s) > maxCell:
		return fmt.Sprintf("it is longer than %d bytes", maxCell)
	case !utf8.ValidString(s):
		return "it is not UTF-8; save the file as UTF-8"
	case strings.ContainsRune(s, 0):
		return "it holds a NUL character; if the file is in UTF-16, save it as UTF-8"
	}
	return ""
}

// spelled writes out a whole number in scientific notation that has all its digits, as workbooks store long ones.
func spelled(s string) string {
	m := shortened.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	if exponent := number(m[2]); exponent <= 14 && len(m[1]) == exponent+1 { // the point, and a digit for each place
		return s[:1] + m[1][1:]
	}
	return s
}

// altered says how a spreadsheet changed a text so that it is no longer what it was, or nothing.
func altered(s string) string {
	switch {
	case shortened.MatchString(s):
		return fmt.Sprintf("%q is a long number in scientific notation: its digits are lost. Format the column as text, and export it again", cut(s))
	case len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@0123456789", rune(s[1])):
		return fmt.Sprintf("%q begins with an apostrophe, which spreadsheets put before text. Remove it", cut(s))
	}
	return ""
}

// shortened is a number as a spreadsheet shows it that has no room for its digits.
var shortened = regexp.MustCompile(`^[1-9](\.[0-9]+)?E\+([0-9]{2,3})$`)

// nothing are words with which programs fill a cell that holds nothing. They are offered, and never applied by themselves:
// whether "N/A" means that there is none or that nobody knows is for a person to say.
var nothing = []string{"n/a", "na", "#n/a", "none", "(none)", "null", "nil", "-", "--", "—", "never", "never logged in", "never signed in", "no_information",
	"not_supported", "not available", "not applicable", "not reported", "unknown", "no data", "undefined", "0000-00-00", "0000-00-00 00:00:00", "00/00/0000"}

func meansNothing(s string) bool { return slices.Contains(nothing, folded(s)) }

// sums are the words that stand at the beginning of a row that is no thing but a sum.
var sums = []string{"total", "totals", "grand total", "subtotal", "sub-total", "sum", "summe", "gesamt", "insgesamt", "gesamtsumme", "zwischensumme",
	"total count", "total rows", "total employees", "total people", "total users", "total devices", "headcount", "row count", "totale", "totaal", "somme", "suma"}

// isSum says whether a text is such a word, also with its number behind it: "Total: 3".
func isSum(s string) bool {
	return slices.Contains(sums, strings.TrimRight(folded(s), ":=()0123456789., "))
}

// lineEnds writes a line feed for each carriage return that stands alone: old programs end their lines so. Every byte
// keeps its place.
type lineEnds struct {
	in   interface{ Read([]byte) (int, error) }
	held bool // a carriage return at the end of what was read, whose follower is not known yet
}

func (l *lineEnds) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, fmt.Errorf("read line ends: %d bytes are too few", len(p))
	}
	at := 0
	if l.held {
		p[0], at, l.held = '\r', 1, false
	}
	n, err := l.in.Read(p[at:])
	n += at
	if n == 0 {
		return 0, err
	}
	if p[n-1] == '\r' && err == nil {
		l.held = true
		n--
	}
	for i := range n {
		if p[i] == '\r' && (i+1 < n && p[i+1] != '\n' || i+1 == n && !l.held && err != nil) {
			p[i] = '\n'
		}
	}
	if l.held && n > 0 && p[n-1] == '\r' { // two in a row: the first stands alone
		p[n-1] = '\n'
	}
	return n, err
}
