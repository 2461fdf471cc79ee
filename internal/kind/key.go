// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// FoldedKey is a key as it is compared: letter case, spaces, dashes, ways to write one letter and characters that nobody sees tell
// nothing apart.
func FoldedKey(key string) string {
	key = strings.Map(func(r rune) rune {
		if Unseen(r) && !unicode.IsSpace(r) {
			return -1
		}
		if unicode.Is(unicode.Dash, r) {
			return '-'
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, norm.NFKC.String(key))
	return strings.Join(strings.Fields(key), " ")
}
