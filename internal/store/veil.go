// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"slices"
	"strings"
)

// Veil hides the guarded things of these kinds from a view: each that is restricted, or was or will be in any version of
// it, is not there, in no list, search, history, link, ledger entry or count, at no moment. A view is veiled before it is
// handed out.
func (v *View) Veil(kinds []string) { v.veiled = kinds }

// Whole is the view without its veil: for what is computed of all things and shown without what they are, such as the
// status of a control. Whoever shows a thing of it asks the veiled view first.
func (v *View) Whole() *View {
	w := *v
	w.veiled = nil
	return &w
}

// seen is the condition under which a thing of a kind, whose id stands in a column, is not behind the veil.
func (v *View) seen(s *shape, col string) string {
	if !slices.Contains(v.veiled, s.Name) {
		return ""
	}
	var b strings.Builder
	for _, f := range s.index {
		if f.Guards != "" {
			fmt.Fprintf(&b, ` AND NOT EXISTS (SELECT 1 FROM %s guard WHERE guard.org=$1 AND guard.id=%s AND guard.%q='%s')`, s.table(), col, f.Name, f.Guards)
		}
	}
	return b.String()
}

// seenOf is seen for an id of any kind.
func (v *View) seenOf(col string) string {
	out := ""
	for _, n := range v.veiled {
		if s := v.db.kinds[n]; s != nil {
			out += v.seen(s, col)
		}
	}
	return out
}
