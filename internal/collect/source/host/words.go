// SPDX-License-Identifier: Apache-2.0

package host

import (
	"iter"
	"strings"
)

// Sudo rules quote with "..." and escape with \, and group with ( ). These split outside of that.

// splitOutside splits at a separator that is neither quoted, escaped nor in parentheses.
func splitOutside(s string, sep byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			left, right, ok := cutOutside(s, sep)
			if !yield(left) || !ok {
				return
			}
			s = right
		}
	}
}

func cutOutside(s string, sep byte) (left, right string, found bool) {
	quoted, depth := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == sep && depth == 0:
			return s[:i], s[i+1:], true
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		}
	}
	return s, "", false
}

// commasOutside gives the parts between commas, without what is empty.
func commasOutside(s string) []string {
	var out []string
	for part := range splitOutside(s, ',') {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// commas gives the parts between commas, with quotes and escapes taken off.
func commas(s string) []string {
	var out []string
	for _, part := range commasOutside(s) {
		part = strings.ReplaceAll(part, `"`, "")
		var b strings.Builder
		for i := 0; i < len(part); i++ {
			if part[i] == '\\' && i+1 < len(part) {
				i++
			}
			b.WriteByte(part[i])
		}
		if text := strings.TrimSpace(b.String()); text != "" {
			out = append(out, strings.ReplaceAll(text, "! ", "!"))
		}
	}
	return out
}

// tightCommas takes off the blanks around commas, so that a list is one word.
func tightCommas(s string) string {
	return strings.Join(commasOutside(s), ",")
}

// fieldsOutside splits at blanks that are neither quoted nor escaped.
func fieldsOutside(s string) []string {
	var out []string
	for part := range splitOutside(strings.ReplaceAll(s, "\t", " "), ' ') {
		if part != "" {
			out = append(out, part)
		}
	}
	return out
}
