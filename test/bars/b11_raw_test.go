// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/db"
	"assay/internal/ledger"
	"assay/internal/store"
	"assay/internal/testkit"
)

// What became of a database in which one bit was flipped.
const (
	engineSaw = "the engine said so"
	auditSaw  = "the audit named it"
	unchanged = "no stored value has changed"
	served    = "an altered value was served as if it were right"
)

func TestB11ABitFlippedAnywhereInTheFileIsNeverServedSilently(t *testing.T) {
	f := furnish(t, testkit.SQLite(t, declare), 25)
	f.Store.Close()
	path := strings.TrimPrefix(f.DSN, "sqlite:")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was := dumped(f.DSN)
	if was == "" {
		t.Fatal("nothing to compare with")
	}
	r := testkit.Seed(t)
	n, seen := count(200, 2000), map[string]int{}
	dir := t.TempDir()
	for i := range n {
		b := slices.Clone(whole)
		at, bit := r.IntN(len(b)), r.IntN(8)
		b[at] ^= 1 << bit
		p := filepath.Join(dir, fmt.Sprintf("%d.db", i))
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got := fate(f, "sqlite:"+p, was)
		if seen[got]++; got == served {
			t.Errorf("byte %d bit %d: %s: %s", at, bit, got, differing(was, dumped("sqlite:"+p)))
		}
		for _, ext := range []string{"", "-wal", "-shm"} {
			os.Remove(p + ext)
		}
	}
	figure("B11 raw file: %d flips in %d bytes: %d %s, %d %s, %d %s, %d served silently", n, len(whole), seen[engineSaw], engineSaw, seen[auditSaw], auditSaw, seen[unchanged], unchanged, seen[served])
}

// fate opens a damaged copy as the program does, and verifies it.
func fate(f *furnished, dsn, was string) string {
	ctx := context.Background()
	c, err := db.Open(ctx, dsn)
	if err != nil {
		return engineSaw
	}
	d, err := store.Open(ctx, c, store.Options{Clock: f.Clock, Kinds: f.Set.Shapes(), Tables: f.Set.Tables(),
		Keys: &ledger.Keys{Dir: filepath.Join(f.Dir, "keys")}, Anchors: &ledger.Anchors{Dir: filepath.Join(f.Dir, "anchor")}})
	if err != nil {
		c.Close()
		return engineSaw
	}
	a, err := d.Verify(ctx, testkit.Org, store.VerifyOptions{Saved: []string{f.saved}, File: f.files.Check})
	d.Close()
	switch {
	case err != nil:
		return engineSaw
	case len(a.Problems) > 0:
		return auditSaw
	case dumped(dsn) == was:
		return unchanged
	}
	return served
}

// differing is the first line that is not what it was.
func differing(was, now string) string {
	a, b := strings.Split(was, "\n"), strings.Split(now, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%.300q became %.300q", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines became %d", len(a), len(b))
}

// dumped is every value that proves something, in order of table and key; nothing where it cannot be read.
func dumped(dsn string) string {
	raw, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:"))
	if err != nil {
		return ""
	}
	defer raw.Close()
	var out strings.Builder
	for _, table := range []string{"head", "entry", "body", "node", "checkpoint", "link", "shape", "is_memo", "f_sighting", "f_level", "f_sensitive_read"} {
		rows, err := raw.Query(`SELECT * FROM ` + table)
		if err != nil {
			return ""
		}
		cols, _ := rows.Columns()
		vals := make([]any, len(cols))
		dest := make([]any, len(cols))
		for i := range vals {
			dest[i] = &vals[i]
		}
		for rows.Next() {
			if rows.Scan(dest...) != nil {
				return ""
			}
			fmt.Fprintf(&out, "%s %T %v\n", table, vals, vals)
		}
		if rows.Err() != nil {
			return ""
		}
		rows.Close()
	}
	return out.String()
}
