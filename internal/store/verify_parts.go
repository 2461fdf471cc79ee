// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"assay/internal/db"
	"assay/internal/ledger"
)

// partOf is what the body of a batch says of its group.
type partOf struct {
	seq, i, n           int64
	table, scope, group string
}

// part remembers what the body of a batch says of its group.
func (r *entryReader) part(e *ledger.Entry, body string) {
	t := r.v.d.tables[e.Kind]
	if t == nil || !t.inGroups() {
		return
	}
	if scope, i, n, ok := partNote(body); ok {
		r.parts = append(r.parts, partOf{e.Seq, i, n, t.name(), strings.Clone(scope), strings.Clone(e.ID)})
	}
}

// toldByAll says whether the bodies of all batches that may belong to a group are there.
func (v *verifier) toldByAll() bool {
	for seq, kind := range v.gone {
		if t := v.d.tables[kind]; t != nil && t.inGroups() && v.state[seq] == entryGone {
			return false
		}
	}
	return true
}

// groups holds the table that says when groups of facts were finished against the bodies of their batches: whoever
// changed it could hide the newest results, or show some that never counted.
func (v *verifier) groups(ctx context.Context, c *db.Conn) error {
	want := map[part]bool{}
	for _, p := range partsFrom(v.parts) {
		want[p] = true
	}
	err := c.EachCell(ctx, `SELECT tbl, scope, since, good, until, grp FROM part WHERE org=$1 ORDER BY tbl, scope, since`, []any{v.org}, func(x []db.Cell) error {
		p := part{x[0].Text, x[1].Text, x[2].Num, x[3].Num, x[4].Num, x[5].Text}
		if !want[p] {
			v.bad(Altered, p.since, p.String(), "the batches of the ledger do not say so")
		}
		delete(want, p)
		return nil
	})
	for p := range want {
		v.bad(Missing, p.since, p.String(), "it is missing")
	}
	return err
}

func (p part) String() string {
	return fmt.Sprintf("part of %s from entry %d (%s)", p.table, p.since, p.group)
}

// partsFrom makes the rows of the table part from what the batches say.
func partsFrom(said []partOf) []part {
	slices.SortFunc(said, func(a, b partOf) int { return cmp.Compare(a.seq, b.seq) })
	type key struct{ table, scope string }
	open := map[key]part{}
	var out []part
	for _, s := range said {
		k := key{s.table, s.scope}
		p, is := open[k]
		switch {
		case s.i == 1 && !is:
			p = part{s.table, s.scope, s.seq, s.seq, forever, s.group}
		case s.i == 1:
			p.good, p.group = s.seq, s.group
		case !is || p.group != s.group:
			continue // nobody writes this
		}
		open[k] = p
		if s.i == s.n {
			p.until = s.seq
			out = append(out, p)
			delete(open, k)
		}
	}
	for _, p := range open {
		out = append(out, p)
	}
	return out
}
