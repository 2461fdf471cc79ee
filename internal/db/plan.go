// SPDX-License-Identifier: Apache-2.0

package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Plan tells SQLite how selective indexes are that begin with the organisation. Left to its defaults it
// takes every first column for one that leaves ten rows, and reads all rows of an organisation where the
// second column would have led to one. The figures are fixed, so the same statement is run in the same
// way on every machine. PostgreSQL counts for itself.
func (d *DB) Plan(ctx context.Context, c *Conn) error {
	if d.Engine != SQLite {
		return nil
	}
	if _, err := c.c.ExecContext(ctx, `ANALYZE sqlite_schema`); err != nil { // makes the table of figures
		return fmt.Errorf("plan: %w", err)
	}
	var want, have int
	if err := c.c.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_schema WHERE type IN ('table','index') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'), (SELECT count(*) FROM sqlite_stat1)`).Scan(&want, &have); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if want == have {
		return nil
	}
	type index struct {
		table, name, origin string
		unique, partial     bool
		columns             int
	}
	var all []index
	err := c.Each(ctx, `SELECT t.name, i.name, i.origin, i."unique", i.partial, (SELECT count(*) FROM pragma_index_info(i.name)) FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type='table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'`, nil, func(r *sql.Rows) error {
		var x index
		err := r.Scan(&x.table, &x.name, &x.origin, &x.unique, &x.partial, &x.columns)
		all = append(all, x)
		return err
	})
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if _, err := c.c.ExecContext(ctx, `DELETE FROM sqlite_stat1`); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	for _, x := range all {
		if x.origin == "pk" {
			x.name = x.table
		}
		if _, err := c.c.ExecContext(ctx, `INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?,?,?)`, x.table, x.name, figures(x.columns, x.unique, x.partial)); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
	}
	if _, err := c.c.ExecContext(ctx, `ANALYZE sqlite_schema`); err != nil { // loads the figures
		return fmt.Errorf("plan: %w", err)
	}
	return nil
}

// figures says how many rows an index has, and how many of them share the first one, two … columns. A partial
// index, of what holds now, is far smaller than its table.
func figures(columns int, unique, partial bool) string {
	total, same := 1_000_000, 500_000
	if partial {
		total, same = 20_000, 10_000
	}
	rows := []string{fmt.Sprint(total)}
	for i := range columns {
		switch {
		case i == 0:
		case i == 1 && !unique:
			same = 1000
		case i == 1:
			same = 20
		default:
			same = max(same/4, 2)
		}
		if unique && i == columns-1 {
			same = 1
		}
		rows = append(rows, fmt.Sprint(same))
	}
	return strings.Join(rows, " ")
}

// Relieve moves what SQLite's log holds into the database file, as far as nobody reads it and there is space.
// It does not wait. A disk that is full while it does so is no new failure.
func (d *DB) Relieve(ctx context.Context) error {
	if d.Engine != SQLite {
		return nil
	}
	var busy, log, moved int
	err := d.writer.c.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &log, &moved)
	if err != nil && !IsFull(err) && !IsBusy(err) {
		return fmt.Errorf("move log: %w", err)
	}
	return nil
}
