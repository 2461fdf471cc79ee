// SPDX-License-Identifier: Apache-2.0

package kind

import "unicode"

// Unseen says whether a character leaves no mark on a page: a space of any width, a control or format character, a filler, the
// empty Braille cell. A text that has only such characters says nothing, and one that has more of them says nothing else.
func Unseen(r rune) bool {
	return unicode.IsSpace(r) || r == '\u2800' ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}
