// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/db"
	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// rest is everything that is held against the entries: nodes of the tree, checkpoints, index tables, links, facts.
func (v *verifier) rest() []task {
	var tasks []task // those that are likely to take long come first
	for name, t := range v.d.tables {
		tasks = append(tasks, task{"facts " + name, func(ctx context.Context, c *db.Conn) error { return v.table(ctx, c, t) }})
	}
	tasks = append(tasks, task{"links", v.links}, task{"nodes of the tree", v.nodes}, task{"checkpoints", v.checkpoints}, task{"shapes", v.shapes}, task{"bodies", v.spare})
	if v.toldByAll() {
		tasks = append(tasks, task{"groups of facts", v.groups})
	} else {
		v.out.Unheld = append(v.out.Unheld, "when groups of facts were finished: a batch was disposed of that may have said it")
	}
	if v.opt.File != nil {
		tasks = append(tasks, task{"database file", v.engine})
	} else if v.d.sql.Engine == db.SQLite {
		v.out.Unheld = append(v.out.Unheld, "the engine's own check of its file: it is made where files are read too")
	}
	for _, name := range v.d.order {
		s := v.d.kinds[name]
		tasks = append(tasks, task{"index of " + s.Plural, func(ctx context.Context, c *db.Conn) error { return v.kind(ctx, c, s) }})
	}
	for _, t := range v.d.allTables() {
		tasks = append(tasks, task{"table " + t, func(ctx context.Context, c *db.Conn) error { return v.strays(ctx, c, t) }})
	}
	return tasks
}

// allTables are the tables that hold rows of organisations, but for slip, which proves nothing.
func (d *DB) allTables() []string {
	out := []string{"entry", "body", "node", "checkpoint", "link", "part"}
	for _, n := range d.order {
		out = append(out, d.kinds[n].table())
	}
	for n := range d.tables {
		out = append(out, "f_"+n)
	}
	return out
}

// strays names rows of organisations that have no ledger.
func (v *verifier) strays(ctx context.Context, c *db.Conn, table string) error {
	q, args := `SELECT org FROM `+table+` ORDER BY org LIMIT 1`, []any(nil)
	for last := ""; ; {
		var org text
		if found, err := c.One(ctx, q, args, &org); err != nil || !found {
			return err
		}
		var one num
		if found, err := c.One(ctx, `SELECT 1 FROM head WHERE org=$1`, []any{org.s}, &one); err != nil {
			return err
		} else if !found || !org.ok {
			v.bad(Missing, -1, "rows of "+table, "some are of the organisation %q, which has no ledger", clip(org.s))
		}
		if !org.ok || org.s <= last { // a text with a zero byte may be read shorter than it is compared
			return nil
		}
		last = org.s
		q, args = `SELECT org FROM `+table+` WHERE org>$1 ORDER BY org LIMIT 1`, []any{org.s}
	}
}

// spare names bodies without an entry.
func (v *verifier) spare(ctx context.Context, c *db.Conn) error {
	said := 0
	name := func(r *sql.Rows) error {
		var seq num
		err := r.Scan(&seq)
		if said++; said <= 10 {
			v.bad(Missing, seq.n, fmt.Sprintf("body of entry %d", seq.n), "there is no such entry")
		}
		return err
	}
	if v.uneven.Load() { // a row may lie where only a look at every row finds it
		return c.Each(ctx, `SELECT seq FROM body WHERE org=$1 AND (seq<0 OR seq>=$2) ORDER BY seq LIMIT 10`, []any{v.org, v.out.Size}, name)
	}
	if err := c.Each(ctx, `SELECT seq FROM body WHERE org=$1 AND seq<0 ORDER BY seq LIMIT 10`, []any{v.org}, name); err != nil {
		return err
	}
	return c.Each(ctx, `SELECT seq FROM body WHERE org=$1 AND seq>=$2 ORDER BY seq LIMIT 10`, []any{v.org, v.out.Size}, name)
}

// shapes holds the descriptions of the tables against those that this program makes.
func (v *verifier) shapes(ctx context.Context, c *db.Conn) error {
	have := map[string]text{}
	err := c.Each(ctx, `SELECT name, ddl FROM shape`, nil, func(r *sql.Rows) error {
		var name, ddl text
		err := r.Scan(&name, &ddl)
		have[name.s] = ddl
		return err
	})
	want := map[string]string{"#version": fmt.Sprint(schemaVersion)}
	for _, name := range v.d.order {
		want[name] = strings.Join(v.d.kinds[name].ddl(), ";\n")
	}
	for name, ddl := range want {
		if was := have[name]; !was.ok || was.s != ddl {
			v.bad(Altered, -1, "shape of "+name, "it is not the shape that this program made")
		}
	}
	return err
}

// kind holds the rows of an index table against what the entries must have made.
func (v *verifier) kind(ctx context.Context, c *db.Conn, s *shape) error {
	cols := ""
	for _, f := range s.index {
		cols += fmt.Sprintf(", %q", f.Name)
	}
	r := v.reader()
	var id text
	var since, until, rev num
	vals := make([]any, len(s.index))
	rows := int64(0)
	var odd []oddRow
	err := c.EachCell(ctx, `SELECT id, since, until, rev`+cols+` FROM `+s.table()+` WHERE org=$1`, []any{v.org}, func(x []db.Cell) error {
		id.from(&x[0])
		since.from(&x[1])
		until.from(&x[2])
		rev.from(&x[3])
		for i := range vals {
			vals[i] = x[4+i].Value()
		}
		rows++
		seq := since.n
		name := func() string { return fmt.Sprintf("index row of %s %s at entry %d", s.Name, id.s, seq) }
		if !since.ok || seq < 0 || seq >= v.out.Size || v.row[seq] == 0 || v.who[seq] != r.sum(s.Name, id.s, 0) {
			v.bad(Missing, seq, name(), "no entry has made it")
			return nil
		}
		if !id.ok || !until.ok || !rev.ok || until.n != v.next[seq] {
			v.bad(Altered, seq, name(), "its span or revision is not that of the ledger")
		}
		if v.row[seq] != r.rowSum(s, id.s, rev.n, vals) {
			if odd = append(odd, oddRow{seq, name(), slices.Clone(vals)}); len(odd) >= 4*v.opt.Limit {
				slices.SortFunc(odd, func(a, b oddRow) int { return cmp.Compare(a.seq, b.seq) })
				odd = odd[:v.opt.Limit]
			}
		}
		v.row[seq] = 0
		return nil
	})
	for _, o := range odd {
		v.bad(Altered, o.seq, o.name, "%s", v.differs(ctx, c, s, o.seq, o.vals))
	}
	v.mu.Lock()
	v.out.Rows += rows
	v.mu.Unlock()
	return err
}

// oddRow is a row of an index table that is not what its entry must have made.
type oddRow struct {
	seq  int64
	name string
	vals []any
}

// differs says which column of an index row is not what the body says.
func (v *verifier) differs(ctx context.Context, c *db.Conn, s *shape, seq int64, vals []any) string {
	var body text
	var picked [][]byte
	if found, err := c.One(ctx, `SELECT body FROM body WHERE org=$1 AND seq=$2`, []any{v.org, seq}, &body); err != nil || !found {
		return "it is not what the body says"
	}
	want, _, err := s.read([]byte(body.s), &picked)
	for i, f := range s.index {
		if b, ok := vals[i].([]byte); err == nil && (ok || vals[i] != want[i]) {
			return fmt.Sprintf("%s is %q and not what the body says", f.Name, clip(fmt.Sprint(vals[i], string(b))))
		}
	}
	return "its span or revision is not that of the ledger"
}

// links holds the table of links against the bodies.
func (v *verifier) links(ctx context.Context, c *db.Conn) error {
	r := v.reader()
	var kindName, from, field, to text
	var since, until num
	rows := int64(0)
	err := c.EachCell(ctx, `SELECT from_kind, from_id, field, to_id, since, until FROM link WHERE org=$1`, []any{v.org}, func(x []db.Cell) error {
		kindName.from(&x[0])
		from.from(&x[1])
		field.from(&x[2])
		to.from(&x[3])
		since.from(&x[4])
		until.from(&x[5])
		rows++
		name := func() string { return fmt.Sprintf("link from %s to %s since entry %d", from.s, to.s, since.n) }
		switch seq := since.n; {
		case !since.ok || seq < 0 || seq >= v.out.Size || !kindName.ok || !from.ok || !field.ok || !to.ok:
			v.bad(Missing, seq, name(), "no entry has made it")
		case v.who[seq] != r.sum(kindName.s, from.s, 0):
			v.bad(Missing, seq, name(), "no entry has made it")
		case !until.ok || until.n != v.next[seq]:
			v.bad(Altered, seq, name(), "its span is not that of the ledger")
			fallthrough
		default:
			v.link[seq] -= r.linkSum(kindName.s, from.s, field.s, to.s)
		}
		return nil
	})
	v.mu.Lock()
	v.out.Rows += rows
	v.mu.Unlock()
	return err
}

// missing names what the entries must have made and nobody found.
func (v *verifier) missing(ctx context.Context) {
	for seq := range v.out.Size {
		if v.row[seq] == 0 && v.link[seq] == 0 {
			continue
		}
		var kindName, id text
		if _, err := v.conns[0].One(ctx, `SELECT kind, id FROM entry WHERE org=$1 AND seq=$2`, []any{v.org, seq}, &kindName, &id); err != nil {
			v.bad(Altered, seq, fmt.Sprintf("entry %d", seq), "it cannot be read: %v", err)
		}
		if v.row[seq] != 0 {
			v.bad(Missing, seq, fmt.Sprintf("index row of %s %s at entry %d", kindName.s, id.s, seq), "it is missing")
		}
		if v.link[seq] != 0 {
			v.bad(Altered, seq, fmt.Sprintf("links of %s %s at entry %d", kindName.s, id.s, seq), "they are not those that the body says")
		}
	}
	v.missingFacts()
}

// missingFacts names the batches of which no row was met.
func (v *verifier) missingFacts() {
	unknown := map[string]int64{}
	empty := sha256.Sum256(nil)
	for i, b := range v.batches {
		if v.batchAt[b.seq] != int32(i+1) {
			continue
		}
		table, seq := v.names[b.table], b.seq
		name := fmt.Sprintf("%s batch %d", table, seq)
		switch {
		case v.d.tables[table] == nil:
			unknown[table] += b.rows
		case b.rows > 0:
			v.badIn(seq, partRows, 0, Missing, name, "its %d rows are missing", b.rows)
		case b.root != empty:
			v.badIn(seq, partBatch, 0, Altered, name, "it has no rows, and its root is not that of no rows")
		}
	}
	for _, t := range slices.Sorted(maps.Keys(unknown)) {
		v.out.Unheld = append(v.out.Unheld, fmt.Sprintf("the facts of %s: this program does not know the table, and did not read its %d rows", t, unknown[t]))
	}
}

func (v *verifier) nodes(ctx context.Context, c *db.Conn) error {
	want := map[[2]int64]bool{}
	for level := int64(8); v.out.Size>>level > 0; level += 8 {
		for ix := range v.out.Size >> level {
			want[[2]int64{level, ix}] = true
		}
	}
	err := c.Each(ctx, `SELECT level, ix, hash FROM node WHERE org=$1`, []any{v.org}, func(r *sql.Rows) error {
		var level, ix num
		var h raw
		if err := r.Scan(&level, &ix, &h); err != nil {
			return err
		}
		k := [2]int64{level.n, ix.n}
		name := fmt.Sprintf("node %d/%d", level.n, ix.n)
		if !level.ok || !ix.ok || !want[k] {
			v.bad(Missing, -1, name, "the tree has no such node")
			return nil
		}
		delete(want, k)
		if x := v.tree[level.n-8][ix.n]; !h.ok || !bytes.Equal(h.b, x[:]) {
			v.bad(Altered, ix.n<<level.n, name, "it is not the hash of the entries below it")
		}
		return nil
	})
	for k := range want {
		v.bad(Missing, k[1]<<k[0], fmt.Sprintf("node %d/%d", k[0], k[1]), "it is missing")
	}
	return err
}

func (v *verifier) checkpoints(ctx context.Context, c *db.Conn) error {
	_, vkey, err := v.d.keys.Signer(v.org)
	if err != nil {
		return err
	}
	err = c.Each(ctx, `SELECT size, at, note FROM checkpoint WHERE org=$1 ORDER BY size`, []any{v.org}, func(r *sql.Rows) error {
		var size, at num
		var msg text
		if err := r.Scan(&size, &at, &msg); err != nil {
			return err
		}
		v.out.Checkpoints++
		name := fmt.Sprintf("checkpoint for %d entries", size.n)
		if !size.ok || !at.ok || !msg.ok {
			v.bad(Altered, -1, name, "a column is of another type")
		}
		v.checkpoint(name, msg.s, vkey, size.n, checkpointPlaces{stageDatabase, stageRoot, Altered, 0})
		if size.n > 0 && size.n <= v.out.Size && at.n != v.at[size.n-1] {
			v.bad(Altered, size.n-1, name, "its time is not that of its last entry")
		}
		return nil
	})
	v.outside(vkey)
	return err
}

// outside holds the ledger against the checkpoints that the database cannot rewind, and says which were not there.
func (v *verifier) outside(vkey string) {
	last, err := v.d.anchors.Last(v.org)
	switch {
	case err != nil:
		v.bad(Altered, -1, "anchor (the last signed checkpoint)", "it cannot be read: %v", err)
	case last != "":
		v.checkpoint("anchor (the last signed checkpoint)", last, vkey, -1, checkpointPlaces{stageSign, stageRoot, Altered, -1})
	default:
		v.out.Unheld = append(v.out.Unheld, "the anchor: there is none, so an older copy of the database would not be noticed")
	}
	for i, msg := range v.opt.Saved {
		v.out.Kept++
		v.checkpoint(fmt.Sprintf("kept checkpoint %d", i+1), msg, vkey, -1, checkpointPlaces{stageSign, stageKept, Diverged, int64(i)})
	}
	if v.out.Kept == 0 {
		v.out.Unheld = append(v.out.Unheld, "a checkpoint kept outside: none was given, so whoever holds the signing key could have written everything anew")
	}
}

// checkpointPlaces say in which stages it counts that a checkpoint is not signed, or that the ledger is not
// the one that it was signed for, and what that means. The checkpoints in the database and the anchor are
// the ledger's own, like the one at the end of an export; only a ledger that is too short for one has lost history.
type checkpointPlaces struct {
	sign, root int64
	class      int
	n          int64
}

// checkpoint holds the ledger against one signed note.
func (v *verifier) checkpoint(name, msg, vkey string, size int64, at checkpointPlaces) {
	cp, err := ledger.OpenCheckpoint(msg, vkey)
	switch {
	case err != nil:
		v.badAt(place{stage: at.sign, n: at.n}, BadSign, -1, name, "%v", err)
	case size >= 0 && cp.Size != size:
		v.bad(Altered, -1, name, "it stands under the size %d and says %d", size, cp.Size)
	case cp.Size > v.out.Size:
		v.badAt(place{stage: stageKept, n: at.n}, Diverged, v.out.Size, name, "the log is behind checkpoint %d: it has %d entries", cp.Size, v.out.Size)
	default:
		if root, err := tlog.TreeHash(cp.Size, v); err != nil || root != cp.Root {
			v.badAt(place{stage: at.root, n: at.n}, at.class, cp.Size-1, name, "the first %d entries are not those that it was signed for", cp.Size)
		}
	}
}

func keyColumns(t FactTable) []int {
	var out []int
	for i, c := range t.columns() {
		if slices.Contains(t.key(), c.name) {
			out = append(out, i)
		}
	}
	return out
}
