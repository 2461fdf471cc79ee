// SPDX-License-Identifier: Apache-2.0

package db

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
)

func TestAHeldDatabaseSaysWhatToDo(t *testing.T) {
	was := patience
	defer func() { patience = was }()
	patience = time.Second
	path := "sqlite:" + filepath.Join(t.TempDir(), "a.db")
	first, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := first.Writer().Begin(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	second, err := Open(t.Context(), path)
	if err != nil { // it may come to wait for the file here or at its first transaction
		t.Fatal(err)
	}
	defer second.Close()
	err = second.Writer().Begin(t.Context(), true)
	if !IsBusy(err) {
		t.Fatalf("it did not wait for the other: %v", err)
	}
	e := errs.Public(Busy(err))
	if e.Code != errs.Unavailable || e.Fix == "" || strings.Contains(e.Error(), "SQLITE") {
		t.Errorf("%v", e)
	}
	first.Writer().Rollback(t.Context())
	if err := second.Writer().Begin(t.Context(), true); err != nil {
		t.Errorf("after the other let go: %v", err)
	}
	second.Writer().Rollback(t.Context())
}

// A statement inside a transaction that keeps what it may take back in memory walks through all of it.
func TestTheWriterKeepsWhatItMayTakeBackOnTheDisk(t *testing.T) {
	d, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var store int64
	if _, err := d.Writer().One(t.Context(), `PRAGMA temp_store`, nil, &store); err != nil || store != 1 {
		t.Errorf("temp_store of the writer is %d, %v; want 1 (file)", store, err)
	}
}
