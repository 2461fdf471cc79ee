// SPDX-License-Identifier: Apache-2.0

package file

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay/internal/kind"
	"golang.org/x/text/unicode/norm"
)

// clean takes away what nobody sees at the ends of a text (spaces of every width, marks of width zero), and writes
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
		return "it holds a NUL character"
	}
	return ""
}

// nothing are words with which programs fill a cell that holds nothing. They are offered, and never applied by themselves:
// whether "N/A" means that there is none or that nobody knows is for a person to say.
var nothing = []string{"n/a", "na", "#n/a", "none", "(none)", "null", "nil", "-", "--", "—", "never", "never logged in", "never signed in", "no_information",
	"not_supported", "not available", "not applicable", "not reported", "unknown", "no data", "undefined"}

func meansNothing(s string) bool { return slices.Contains(nothing, folded(s)) }

// sums are the words that stand at the beginning of a row that is no thing but a sum.
var sums = []string{"total", "totals", "grand total", "subtotal", "sub-total", "sum", "summe", "gesamt"}

func isSum(s string) bool { return slices.Contains(sums, strings.TrimRight(folded(s), ": ")) }

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
