// SPDX-License-Identifier: Apache-2.0

package test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/internal/db"
)

// open opens the database of the house beside the store, as somebody who does not go through it.
func (m *maker) open(t *testing.T) *sql.DB {
	t.Helper()
	if m.beside != nil {
		return m.beside
	}
	driver, dsn := "pgx", m.h.DSN
	if m.h.Engine == db.SQLite {
		driver, dsn = "sqlite", strings.TrimPrefix(m.h.DSN, "sqlite:")
	}
	c, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	m.beside = c
	m.tb.Cleanup(func() { c.Close() })
	return c
}

func (m *maker) do(t *testing.T, statements ...string) {
	t.Helper()
	c := m.open(t)
	for _, q := range statements {
		if _, err := c.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// breakLedger makes every new entry fail, inside the database.
func (m *maker) breakLedger(t *testing.T) {
	t.Helper()
	if m.h.Engine == db.SQLite {
		m.do(t, `CREATE TRIGGER no_entry BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no entry'); END`)
		return
	}
	m.do(t, `CREATE FUNCTION no_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no entry'; END $$`,
		`CREATE TRIGGER no_entry BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION no_entry()`)
}

func (m *maker) mendLedger(t *testing.T) {
	t.Helper()
	if m.h.Engine == db.SQLite {
		m.do(t, `DROP TRIGGER no_entry`)
		return
	}
	m.do(t, `DROP TRIGGER no_entry ON entry`, `DROP FUNCTION no_entry`)
}

// grows are tables of which rows are added and none is changed: they are counted.
var grows = []string{"entry", "body", "node"}

// dump is a digest of every row of every other table.
func (m *maker) dump(t *testing.T) string {
	t.Helper()
	c := m.open(t)
	list := `SELECT tablename FROM pg_tables WHERE schemaname='public'`
	if m.h.Engine == db.SQLite {
		list = `SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'`
	}
	lines := []string{}
	for _, table := range rows(t, c, list) {
		what := "*"
		if slices.Contains(grows, table) {
			what = "count(*)"
		}
		for _, r := range rows(t, c, `SELECT `+what+` FROM "`+table+`"`) {
			lines = append(lines, table+" "+r)
		}
	}
	slices.Sort(lines)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))
}

// rows reads what a query gives, each row as a text.
func rows(t *testing.T, c *sql.DB, q string) []string {
	t.Helper()
	r, err := c.QueryContext(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer r.Close()
	cols, err := r.Columns()
	if err != nil {
		t.Fatal(err)
	}
	vals := make([]sql.RawBytes, len(cols)) // of the driver's own memory: this runs thousands of times
	into := make([]any, len(cols))
	for i := range vals {
		into[i] = &vals[i]
	}
	var out []string
	var line []byte
	for r.Next() {
		if err := r.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line = line[:0]
		for i, v := range vals {
			if i > 0 {
				line = append(line, 0x1f)
			}
			if v == nil {
				line = append(line, 0)
			}
			line = append(line, v...)
		}
		out = append(out, string(line))
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
