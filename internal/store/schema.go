// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/ledger"
)

// schemaVersion is the version of the fixed tables. A newer database is refused.
const schemaVersion = 1

// fixed are the tables that are not made from kinds. Rows of link follow the fields tagged ref.
// slip holds what is neither thing nor fact: sessions, one-time links, answers to repeated requests. part says of groups of
// facts when they were finished; it follows from the bodies of their batches.
var fixed = []string{
	`CREATE TABLE IF NOT EXISTS shape (name TEXT NOT NULL PRIMARY KEY, ddl TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS link (org TEXT NOT NULL, from_kind TEXT NOT NULL, from_id TEXT NOT NULL, field TEXT NOT NULL, to_id TEXT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (org, to_id, from_id, field, since)) {clustered}`,
	`CREATE INDEX IF NOT EXISTS link_by ON link (org, from_id, since)`,
	`CREATE TABLE IF NOT EXISTS slip (org TEXT NOT NULL, space TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (org, space, name)) {clustered}`,
	`CREATE INDEX IF NOT EXISTS slip_expires ON slip (expires)`,
	`CREATE TABLE IF NOT EXISTS part (org TEXT NOT NULL, tbl TEXT NOT NULL, scope TEXT NOT NULL, since BIGINT NOT NULL, good BIGINT NOT NULL, until BIGINT NOT NULL, grp TEXT NOT NULL, PRIMARY KEY (org, tbl, scope, since)) {clustered}`,
}

// migrate makes the tables. Several processes may do so at once: one does, the others wait.
func (d *DB) migrate(ctx context.Context) error {
	c := d.sql.Writer()
	if err := c.Begin(ctx, true); err != nil {
		if db.IsBusy(err) {
			return db.Busy(err)
		}
		return fmt.Errorf("begin: %w", err)
	}
	err := d.migrateIn(ctx, c)
	if err != nil {
		return errors.Join(err, c.Rollback(ctx))
	}
	return c.Commit(ctx)
}

func (d *DB) migrateIn(ctx context.Context, c *db.Conn) error {
	if err := d.sql.Lock(ctx, c); err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	for _, q := range append(append([]string{}, ledger.Schema...), fixed...) {
		if _, err := c.Exec(ctx, d.sql.DDL(q)); err != nil {
			return fmt.Errorf("schema: %w", err)
		}
	}
	if err := d.version(ctx, c); err != nil {
		return err
	}
	for _, name := range d.order {
		if err := d.table(ctx, c, d.kinds[name]); err != nil {
			return err
		}
	}
	for name, t := range d.tables {
		for i, q := range t.ddl() {
			if _, err := c.Exec(ctx, d.sql.DDL(q)); err != nil {
				return fmt.Errorf("table of %s: %w", name, err)
			}
			if i == 0 { // an index may be over a column that is new
				if err := d.columns(ctx, c, t); err != nil {
					return fmt.Errorf("columns of %s: %w", name, err)
				}
			}
		}
	}
	return d.sql.Plan(ctx, c)
}

// columns adds to a table of facts the columns that were declared after it was made. The rows that are
// there keep their text, for what is null is not in it.
func (d *DB) columns(ctx context.Context, c *db.Conn, t FactTable) error {
	q := `SELECT name FROM pragma_table_info($1)`
	if c.Engine() == db.Postgres {
		q = `SELECT column_name FROM information_schema.columns WHERE table_schema=current_schema() AND table_name=$1`
	}
	have := map[string]bool{}
	if err := c.Each(ctx, q, []any{"f_" + t.name()}, func(r *sql.Rows) error {
		var n string
		err := r.Scan(&n)
		have[n] = true
		return err
	}); err != nil {
		return err
	}
	for _, col := range t.columns() {
		if have[col.name] {
			continue
		}
		if _, err := c.Exec(ctx, `ALTER TABLE f_`+t.name()+` ADD COLUMN `+col.ddl()); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) version(ctx context.Context, c *db.Conn) error {
	var was string
	found, err := c.One(ctx, `SELECT ddl FROM shape WHERE name=$1`, []any{"#version"}, &was)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if !found {
		_, err = c.Exec(ctx, `INSERT INTO shape (name, ddl) VALUES ($1,$2)`, "#version", fmt.Sprint(schemaVersion))
		return err
	}
	var n int
	if _, err := fmt.Sscan(was, &n); err != nil || n > schemaVersion {
		return errs.New(errs.Unavailable, "will not start: the database has schema %s, and this program knows %d", was, schemaVersion).Mend("use a newer version of assay")
	}
	return nil
}

// table makes the index table of a kind, again when its fields have changed.
func (d *DB) table(ctx context.Context, c *db.Conn, s *shape) error {
	ddl := strings.Join(s.ddl(), ";\n")
	var was string
	found, err := c.One(ctx, `SELECT ddl FROM shape WHERE name=$1`, []any{s.Name}, &was)
	if err != nil {
		return fmt.Errorf("read shape of %s: %w", s.Name, err)
	}
	if found && was == ddl {
		return nil
	}
	if _, err := c.Exec(ctx, `DROP TABLE IF EXISTS `+s.table()); err != nil {
		return fmt.Errorf("table of %s: %w", s.Name, err)
	}
	for _, q := range s.ddl() {
		if _, err := c.Exec(ctx, d.sql.DDL(q)); err != nil {
			return fmt.Errorf("table of %s: %w", s.Name, err)
		}
	}
	if _, err := c.Exec(ctx, `DELETE FROM shape WHERE name=$1`, s.Name); err != nil {
		return err
	}
	if _, err := c.Exec(ctx, `INSERT INTO shape (name, ddl) VALUES ($1,$2)`, s.Name, ddl); err != nil {
		return err
	}
	return d.replay(ctx, c, s)
}

func (s *shape) table() string { return "is_" + s.Name }

func (s *shape) ddl() []string {
	t, cols := s.table(), ""
	out := []string{""}
	for _, f := range s.index {
		typ := "TEXT"
		if f.Type != "string" {
			typ = "BIGINT"
		}
		cols += fmt.Sprintf(", %q %s NOT NULL", f.Name, typ)
		if f.Name == keyColumn { // asked for ended things too
			out = append(out, fmt.Sprintf("CREATE INDEX %s_key ON %s (org, %q, id)", t, t, f.Name))
			continue
		}
		out = append(out, fmt.Sprintf("CREATE INDEX %s_%s ON %s (org, %q, id) WHERE until = %d", t, f.Name, t, f.Name, forever))
	}
	out[0] = fmt.Sprintf("CREATE TABLE %s (org TEXT NOT NULL, id TEXT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL, rev BIGINT NOT NULL%s, PRIMARY KEY (org, id, since)) {clustered}", t, cols)
	return out
}

// prepare writes down once what is needed at every write.
func (s *shape) prepare() {
	cols, marks := "", ""
	for i, f := range s.index {
		s.names = append(s.names, f.Name)
		cols += fmt.Sprintf(", %q", f.Name)
		marks += fmt.Sprintf(", $%d", i+6)
	}
	place := func(name string) int { // most of them have a column too
		at := slices.Index(s.names, name)
		if at < 0 {
			at, s.names = len(s.names), append(s.names, name)
		}
		return at
	}
	for _, f := range s.refs {
		s.refAt = append(s.refAt, place(f.Name))
	}
	if s.keyAt = -1; s.Key != "" {
		s.keyAt = place(s.Key)
	}
	s.cites = cites(s.Fields)
	s.insert = `INSERT INTO ` + s.table() + ` (org, id, since, until, rev` + cols + `) VALUES ($1,$2,$3,$4,$5` + marks + `)`
	s.end = fmt.Sprintf(`UPDATE %s SET until=$1 WHERE org=$2 AND id=$3 AND until=%d`, s.table(), forever)
}

// replay makes the rows of a kind's table from the ledger.
func (d *DB) replay(ctx context.Context, c *db.Conn, s *shape) error {
	type row struct {
		org, id  string
		body     sql.NullString
		seq, rev int64
	}
	if _, err := c.Exec(ctx, `DELETE FROM link WHERE from_kind=$1`, s.Name); err != nil {
		return err
	}
	orgs := []string{}
	if err := c.Each(ctx, `SELECT org FROM head`, nil, func(r *sql.Rows) error {
		var o string
		err := r.Scan(&o)
		orgs = append(orgs, o)
		return err
	}); err != nil {
		return err
	}
	for _, org := range orgs {
		for from := int64(-1); ; {
			var page []row
			err := c.Each(ctx, `SELECT e.seq, e.id, e.rev, b.body FROM entry e JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND e.seq>$2 AND e.kind=$3 ORDER BY e.seq LIMIT 1000`,
				[]any{org, from, s.Name}, func(r *sql.Rows) error {
					x := row{org: org}
					err := r.Scan(&x.seq, &x.id, &x.rev, &x.body)
					page = append(page, x)
					return err
				})
			if err != nil {
				return fmt.Errorf("replay %s: %w", s.Name, err)
			}
			for _, x := range page {
				var body []byte // stays nil for one that was disposed of: it ended what was before it
				if x.body.Valid {
					body = []byte(x.body.String)
				}
				if err := project(ctx, c, s, org, x.id, x.seq, x.rev, body, true); err != nil {
					return fmt.Errorf("replay %s: %w", s.Name, err)
				}
				from = x.seq
			}
			if len(page) < 1000 {
				break
			}
		}
	}
	return nil
}
