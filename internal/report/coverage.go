// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"assay/internal/check"
)

// Coverage counts observed tests and accepted evidence only, and is not the pass rate (00.7): a test-day is observed when
// the test came to P, F or X, a control-day when one of its required tests was or required evidence counted, and a
// criterion-day when one of its controls was.

// coverage is the share of assessable days that were observed, in percent and rounded down; -1 where none was assessable.
func coverage(letters []check.Letter, seen func(i int) bool) int {
	n, of := 0, 0
	for i, l := range letters {
		if l != check.NotApplicable {
			of++
			if seen(i) {
				n++
			}
		}
	}
	return percentOf(n, of)
}

// seen says whether a control was observed on a day: in one of its parts.
func (c *ControlLine) seen(i int) bool {
	return slices.ContainsFunc(c.parts[i], func(p dayPart) bool { return p.day.Seen })
}
