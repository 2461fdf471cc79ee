// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/store"
	"assay/internal/testkit"
)

// refusal says whether err is a refusal that a person can read in one line.
func refusal(err error) bool {
	e := errs.Public(err)
	return err != nil && (e.Code == errs.Unavailable || e.Code == errs.Invalid) && e.Text != "" && !strings.Contains(e.Text, "\n")
}

func TestB10BadSettingsAreRefused(t *testing.T) {
	good := map[string]string{"server_version_num": "150004", "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
	with := func(k, v string) map[string]string { m := maps.Clone(good); m[k] = v; return m }
	if err := errors.Join(db.JudgeSQLite("3.51.3", "wal", 2, 1), db.JudgePostgres(good, false, false)); err != nil {
		t.Fatalf("control: good settings are refused: %v", err)
	}
	refused, total := 0, 0
	try := func(name string, err error) {
		total++
		if refusal(err) {
			refused++
			return
		}
		t.Errorf("%s: %v", name, err)
	}
	try("old SQLite", db.JudgeSQLite("3.51.2", "wal", 2, 1))
	try("very old SQLite", db.JudgeSQLite("3.8.0", "wal", 2, 1))
	try("no version", db.JudgeSQLite("", "wal", 2, 1))
	try("rollback journal", db.JudgeSQLite("3.53.0", "delete", 2, 1))
	try("memory journal", db.JudgeSQLite("3.53.0", "memory", 2, 1))
	try("synchronous normal", db.JudgeSQLite("3.53.0", "wal", 1, 1))
	try("synchronous off", db.JudgeSQLite("3.53.0", "wal", 0, 1))
	try("no foreign keys", db.JudgeSQLite("3.53.0", "wal", 2, 0))
	try("old PostgreSQL", db.JudgePostgres(with("server_version_num", "140010"), false, false))
	try("fsync off", db.JudgePostgres(with("fsync", "off"), false, false))
	try("full_page_writes off", db.JudgePostgres(with("full_page_writes", "off"), false, false))
	try("synchronous_commit off", db.JudgePostgres(with("synchronous_commit", "off"), false, false))
	try("settings unknown", db.JudgePostgres(nil, false, false))
	try("superuser", db.JudgePostgres(good, true, false))
	try("row security passed over", db.JudgePostgres(good, false, true))
	refused, total = real10(t, try, &refused, &total)
	figure("B10: %d of %d bad settings refused with a reason of one line; good ones are taken", refused, total)
}

// real10 opens databases that are really set up badly.
func real10(t *testing.T, try func(string, error), refused, total *int) (int, int) {
	open := func(dsn string) error {
		d, err := db.Open(context.Background(), dsn)
		if err == nil {
			d.Close()
		}
		return err
	}
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	os.WriteFile(junk, []byte(strings.Repeat("this is not a database ", 500)), 0o600)
	try("not a database", open("sqlite:"+junk))
	try("a folder", open("sqlite:"+dir))
	try("no such engine", open("mysql://root@localhost/assay"))
	try("no name", open("sqlite:"))
	try("a newer schema", newer(t))
	if !testkit.Fast() {
		dsn := testkit.PostgresDSN(t)
		if err := open(dsn); err != nil {
			t.Errorf("control: a good database is refused: %v", err)
		}
		try("really a superuser", open(strings.Replace(dsn, "assay@", "postgres@", 1)))
		try("no such database", open(strings.Replace(dsn, "/t", "/nobody", 1)))
		admin, err := sql.Open("pgx", testkit.Admin(t))
		if err != nil {
			t.Fatal(err)
		}
		defer admin.Close()
		for _, s := range [][3]string{
			{"really synchronous_commit off", `ALTER ROLE assay SET synchronous_commit=off`, `ALTER ROLE assay RESET synchronous_commit`},
			{"really BYPASSRLS", `ALTER ROLE assay BYPASSRLS`, `ALTER ROLE assay NOBYPASSRLS`},
		} {
			if _, err := admin.Exec(s[1]); err != nil {
				t.Fatal(err)
			}
			try(s[0], open(dsn))
			if _, err := admin.Exec(s[2]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return *refused, *total
}

// newer opens a database that a newer program has made.
func newer(t *testing.T) error {
	h := testkit.SQLite(t, declare)
	raw := h.Raw(t)
	if _, err := raw.Exec(`UPDATE shape SET ddl='9999' WHERE name='#version'`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	h.Store.Close()
	c, err := db.Open(t.Context(), h.DSN)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = store.Open(t.Context(), c, store.Options{Clock: h.Clock, Kinds: h.Set.Shapes(), Tables: h.Set.Tables()})
	return err
}
