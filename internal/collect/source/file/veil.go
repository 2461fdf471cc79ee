// SPDX-License-Identifier: Apache-2.0

package file

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// veil keeps what a file on the server says out of errors and notes: the path can be that of any file, and whoever tries
// one may not have any right to it. Rows, columns and rules stay, so that the mapping can be mended. A nil veil hides nothing.
type veil struct {
	known  []string // columns that the configuration names
	export bool     // the path ends as that of an export: then the names of its columns may be told
}

// quoted is what a file says, where an error quotes it.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)+"`)

func (v *veil) text(s string) string {
	if v == nil {
		return s
	}
	return quoted.ReplaceAllString(s, `"…"`)
}

func (v *veil) column(s string) string {
	if v == nil || v.export || slices.ContainsFunc(v.known, func(k string) bool { return cut(k) == s }) {
		return s
	}
	return ""
}

func (v *veil) names(all []string) string {
	if v == nil || v.export {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%d that are not named here, since the path does not end in .csv, .txt, .xlsx, .json or .jsonl", len(all))
}
