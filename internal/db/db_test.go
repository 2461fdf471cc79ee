// SPDX-License-Identifier: Apache-2.0

package db_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/db"
	"assay/internal/errs"
)

func TestAClosedDatabaseIsOneFileThatOnlyItsOwnerReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder", "it's.db")
	d, err := db.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Writer().Exec(t.Context(), `CREATE TABLE a (x TEXT)`); err != nil {
		t.Fatal(err)
	}
	r, err := d.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Exec(t.Context(), `INSERT INTO a VALUES ('x')`); err == nil {
		t.Error("a reader wrote")
	}
	d.Release(r, false)
	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	for _, ext := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + ext); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: a connection was left open", ext)
		}
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
}

func TestACallerWhoGivesUpDoesNotEndTheTransactionOfTheOthers(t *testing.T) {
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := d.Writer()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, step := range []func() error{
		func() error { _, err := c.Exec(t.Context(), `CREATE TABLE a (x BIGINT)`); return err },
		func() error { return c.Begin(t.Context(), true) },
		func() error { _, err := c.Exec(gone, `INSERT INTO a VALUES (1)`); return err },
		func() error { return c.Commit(gone) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPasswordInAnAddressIsNotRepeated(t *testing.T) {
	_, err := db.Open(t.Context(), "mysql://root:hunter2-not-real@localhost/x")
	if !errors.Is(err, errs.Invalid) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
