// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
)

// MaxRows is how many facts Spread writes in one transaction: so many hold the single writer for milliseconds.
const MaxRows = 500

// Group is what belongs together of a table, though it takes several transactions to write it: the results of
// one check, the resources of one run.
type Group struct {
	ID    string              // what the batches are about
	Scope string              // of a table with a scope: the value that all rows have in that column
	Seen  int64               // the size of the ledger that the rows were compared with
	Note  map[string]any      // kept in the body of every batch
	Told  func(done, all int) // told after each batch that was committed; may be nil
}

// Spreads says that rows of the table may come in groups. Of two groups with the same value in the column scope
// one is written after the other; an empty scope is the whole table. gone makes, of a row that a group left behind which
// was never finished, the row that says of its key that there is nothing.
func (t *Table[T]) Spreads(scope string, gone func(*T, Group)) *Table[T] {
	t.spreads, t.scope, t.gone = true, scope, gone
	return t
}

// part is a stretch of the ledger over which a table, or one scope of it, is seen as it was at since: from the first
// batch of a group to the last of the group that was finished. What lies between since and good was left behind.
type part struct {
	table, scope       string
	since, good, until int64
	group              string
}

// inGroups says whether the table has groups.
func (t *Table[T]) inGroups() bool { return t.spreads }

// Spread writes rows that belong together in as many transactions as they need, and last in the last of them: until that
// one is committed nobody sees any of the rows, and what they replace is seen as before. Other writes come in between.
//
// Where it is cut short, nothing of it is ever seen: the next group of the same scope puts its own rows, or those
// that held before, over what was left behind. So no row is taken back, and the ledger says what happened.
func (t *Table[T]) Spread(ctx context.Context, d *DB, org string, by By, g Group, rows []T, last func(*Tx) error) error {
	open, more, err := t.leftBehind(ctx, d, org, by, g, rows)
	if err != nil {
		return err
	}
	rows = append(slices.Clip(rows), more...)
	n := max(1, (len(rows)+MaxRows-1)/MaxRows)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		some := rows[i*MaxRows : min((i+1)*MaxRows, len(rows))]
		_, err := d.Change(ctx, org, by, func(tx *Tx) error {
			if i == 0 {
				if err := t.untouched(ctx, tx, g); err != nil {
					return err
				}
			}
			if n > 1 || open {
				if err := t.writePart(ctx, tx, g, some, i, n, open); err != nil {
					return err
				}
			} else if len(some) > 0 {
				if _, err := t.Append(ctx, tx, g.ID, some, g.Note); err != nil {
					return err
				}
			}
			if i == n-1 && last != nil {
				return last(tx)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if g.Told != nil {
			g.Told(i+1, n)
		}
	}
	return nil
}

// writePart writes one batch of a group, and what it means for what is seen.
func (t *Table[T]) writePart(ctx context.Context, tx *Tx, g Group, rows []T, i, n int, open bool) error {
	if i > 0 {
		var group string
		found, err := tx.c.One(ctx, `SELECT grp FROM part WHERE org=$1 AND tbl=$2 AND scope=$3 AND until=$4`, []any{tx.Org, t.Name, g.Scope, forever}, &group)
		if err != nil {
			return fmt.Errorf("read part of %s: %w", t.Name, err)
		}
		if !found || group != g.ID {
			return overtaken()
		}
	}
	note := map[string]any{}
	for k, v := range g.Note {
		note[k] = v
	}
	note["part"], note["parts"], note["scope"] = i+1, n, g.Scope
	seq, err := t.Append(ctx, tx, g.ID, rows, note)
	if err != nil {
		return err
	}
	switch {
	case i == 0 && open:
		_, err = tx.c.Exec(ctx, `UPDATE part SET good=$1, grp=$2 WHERE org=$3 AND tbl=$4 AND scope=$5 AND until=$6`, seq, g.ID, tx.Org, t.Name, g.Scope, forever)
	case i == 0:
		_, err = tx.c.Exec(ctx, `INSERT INTO part (org, tbl, scope, since, good, until, grp) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
			tx.Org, t.Name, g.Scope, seq, seq, forever, g.ID)
	}
	tx.quiet = i < n-1
	if err == nil && i == n-1 {
		_, err = tx.c.Exec(ctx, `UPDATE part SET until=$1 WHERE org=$2 AND tbl=$3 AND scope=$4 AND until=$5`, seq, tx.Org, t.Name, g.Scope, forever)
	}
	if err != nil {
		return fmt.Errorf("write part of %s: %w", t.Name, err)
	}
	return nil
}

func overtaken() error {
	return errs.New(errs.Conflict, "another process has written the same results meanwhile; nothing of this run counts").
		Mend("run it again when the other one has ended")
}

// untouched says that nobody has written to the scope since the rows were compared with it.
func (t *Table[T]) untouched(ctx context.Context, tx *Tx, g Group) error {
	q, args := fmt.Sprintf(`SELECT 1 FROM f_%s WHERE org=$1 AND batch>=$2`, t.Name), []any{tx.Org, g.Seen}
	if t.scope != "" {
		q, args = q+fmt.Sprintf(` AND %q=$3`, t.scope), append(args, g.Scope)
	}
	var one int64
	found, err := tx.c.One(ctx, q+` LIMIT 1`, args, &one)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	if found {
		return overtaken()
	}
	return nil
}

// leftBehind finds what a group left that was never finished, and makes the rows that must be put over it because
// rows has none with the same key: what held before, or that there is nothing. open says whether there was such a group.
func (t *Table[T]) leftBehind(ctx context.Context, d *DB, org string, by By, g Group, rows []T) (open bool, more []T, err error) {
	err = d.View(ctx, org, time.Time{}, by, func(v *View) error {
		parts, err := v.parts(ctx, t.Name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(parts, func(p part) bool { return p.scope == g.Scope && p.until == forever })
		if open = i >= 0; !open {
			return nil
		}
		where, args := "", []any{v.Org, v.At}
		if t.scope != "" {
			where, args = fmt.Sprintf("%q=$3", t.scope), append(args, g.Scope)
		}
		left, err := t.read(ctx, v, fmt.Sprintf("until=%d AND batch>=%d AND batch<$2", forever, parts[i].since), where, "ORDER BY batch, n", args)
		if err != nil {
			return err
		}
		have := make(map[string]bool, len(rows))
		for j := range rows {
			k, err := t.keyOf(&rows[j])
			if err != nil {
				return err
			}
			have[fmt.Sprintf("%q", k)] = true
		}
		for j := range left {
			k, err := t.keyOf(&left[j])
			if err != nil {
				return err
			}
			if have[fmt.Sprintf("%q", k)] {
				continue
			}
			was, err := t.before(ctx, v, k, parts[i].since)
			if err != nil {
				return err
			}
			if was == nil {
				was = &left[j]
				t.gone(was, g)
			}
			more = append(more, *was)
		}
		return nil
	})
	return open, more, err
}

// before is the row that held of a key in front of an entry.
func (t *Table[T]) before(ctx context.Context, v *View, key []any, since int64) (*T, error) {
	where, args := make([]string, len(t.Key)), []any{v.Org, since}
	for i, c := range t.Key {
		where[i] = fmt.Sprintf("%q=$%d", c, i+3)
		args = append(args, key[i])
	}
	rows, err := t.read(ctx, v, "batch<$2 AND until>=$2", strings.Join(where, " AND "), "", args)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

func (t *Table[T]) keyOf(x *T) ([]any, error) {
	vals, err := values(t.cols, reflect.ValueOf(x).Elem())
	if err != nil {
		return nil, err
	}
	out := make([]any, len(t.Key))
	for i, k := range t.Key {
		out[i] = vals[t.col(k)]
	}
	return out, nil
}

// parts are the stretches of a table that matter at the moment of the view: those under way, and those in which
// something was left behind.
func (v *View) parts(ctx context.Context, table string) ([]part, error) {
	if !v.partsRead {
		at := v.At
		if v.inTx {
			at = forever
		}
		const q = `SELECT tbl, scope, since, good, until, grp FROM part WHERE org=$1 AND since<$2 AND (until>=$2 OR good>since) ORDER BY since`
		err := v.each(ctx, q, []any{v.Org, at}, func(x []db.Cell) error {
			p := part{x[0].Text, x[1].Text, x[2].Num, x[3].Num, x[4].Num, x[5].Text}
			if p.until >= at {
				p.until, p.good = forever, forever // as of this moment it is not finished
			}
			v.open = append(v.open, p)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read parts: %w", err)
		}
		v.partsRead = true
	}
	var out []part
	for _, p := range v.open {
		if p.table == table {
			out = append(out, p)
		}
	}
	return out, nil
}

// holds is the condition under which a row holds at the moment of the view, which is $2: plain, but for groups that
// are under way. all asks for every row that was written before it.
func (t *Table[T]) holds(ctx context.Context, v *View, all bool, plain string) (string, error) {
	if !t.spreads {
		return plain, nil
	}
	parts, err := v.parts(ctx, t.Name)
	if err != nil {
		return "", err
	}
	others, within := plain, ""
	for _, p := range parts {
		in := "1=1"
		if t.scope != "" { // as a value it would have a number behind those of the caller, and SQLite numbers them as they come
			in = fmt.Sprintf("%q='%s'", t.scope, strings.ReplaceAll(p.scope, "'", "''"))
		}
		switch {
		case all:
			others += fmt.Sprintf(" AND NOT (%s AND batch>=%d AND batch<%d)", in, p.since, p.good)
		case p.until == forever: // what was left behind in one that is finished was replaced
			others += fmt.Sprintf(" AND NOT (%s)", in)
			within += fmt.Sprintf(" OR %s AND batch<%d AND until>=%d", in, p.since, p.since)
		}
	}
	if within == "" {
		return others, nil
	}
	if t.scope == "" {
		return "batch<$2" + strings.Replace(within, " OR 1=1", "", 1), nil
	}
	return "(" + others + within + ")", nil
}

// partNote reads what the body of a batch says of its group: which part of how many it is.
func partNote(body string) (scope string, i, n int64, ok bool) {
	var b struct {
		Note *struct {
			Part  int64  `json:"part"`
			Parts int64  `json:"parts"`
			Scope string `json:"scope"`
		} `json:"note"`
	}
	if !strings.Contains(body, `"parts":`) || json.Unmarshal([]byte(body), &b) != nil || b.Note == nil || b.Note.Parts < 1 {
		return "", 0, 0, false
	}
	return b.Note.Scope, b.Note.Part, b.Note.Parts, true
}
