// SPDX-License-Identifier: Apache-2.0

package db_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"assay/internal/db"
	"assay/internal/testkit"
	"pgregory.net/rapid"
)

// Operations in one transaction, each of which writes, reads what it wrote, and is kept or undone. What is held back
// shows only in what it costs: every read sees all that the operation wrote, and what was undone is gone.
func TestWhatIsHeldBackIsSeenByItsOperationAndUndoneWithIt(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { operations(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"))) })
	if !testkit.Fast() {
		t.Run("postgres", func(t *testing.T) { operations(t, open(t, testkit.PostgresDSN(t))) })
	}
}

func operations(t *testing.T, d *db.DB) {
	c, ctx := d.Writer(), t.Context()
	run(t, c, `CREATE TABLE a (n BIGINT NOT NULL PRIMARY KEY)`)
	rapid.Check(t, func(t *rapid.T) {
		run(t, c, `DELETE FROM a`)
		var want []int64
		if err := c.Begin(ctx, true); err != nil {
			t.Fatal(err)
		}
		for op := range rapid.IntRange(1, 5).Draw(t, "operations") {
			if err := c.Savepoint(ctx); err != nil {
				t.Fatal(err)
			}
			mine := slices.Clone(want)
			failed := false
			for step := range rapid.IntRange(0, 6).Draw(t, "steps") {
				if failed {
					break
				}
				n := int64(10*op + step)
				switch rapid.SampledFrom([]string{"later", "later", "exec", "take", "read", "fail"}).Draw(t, "step") {
				case "later":
					if err := c.Later(ctx, `INSERT INTO a (n) VALUES ($1)`, n); err != nil {
						t.Fatal(err)
					}
					mine = append(mine, n)
				case "exec":
					run(t, c, `INSERT INTO a (n) VALUES ($1)`, n)
					mine = append(mine, n)
				case "take": // a statement that gives rows and writes
					var got int64
					found, err := c.One(ctx, `DELETE FROM a WHERE n=(SELECT max(n) FROM a) RETURNING n`, nil, &got)
					if err != nil || found != (len(mine) > 0) || found && got != mine[len(mine)-1] {
						t.Fatalf("took %d (%v, %v) from %v", got, found, err, mine)
					}
					if found {
						mine = mine[:len(mine)-1]
					}
				case "fail": // what fails costs nothing else once the operation is undone
					if _, err := c.Exec(ctx, `INSERT INTO a (n) VALUES (NULL)`); err == nil {
						t.Fatal("no error")
					}
					failed = true
				case "read":
					if got := all(t, c); !slices.Equal(got, mine) {
						t.Fatalf("inside: %v, want %v", got, mine)
					}
				}
			}
			if !failed && rapid.Bool().Draw(t, "kept") {
				if err := c.Keep(ctx); err != nil {
					t.Fatal(err)
				}
				want = mine
			} else if err := c.Undo(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if got := all(t, c); !slices.Equal(got, want) {
			t.Fatalf("after the commit: %v, want %v", got, want)
		}
	})
}

// An operation whose first statement fails when it is kept has written nothing and costs the others nothing. One of
// which half was written cannot be undone alone: then the transaction must not be committed.
func TestHalfOfAnOperationIsNeverKept(t *testing.T) {
	d := open(t, "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	c, ctx := d.Writer(), t.Context()
	run(t, c, `CREATE TABLE a (n BIGINT NOT NULL PRIMARY KEY)`)
	operation := func(numbers ...int64) (kept, undone error) {
		if err := c.Savepoint(ctx); err != nil {
			t.Fatal(err)
		}
		for _, n := range numbers {
			if err := c.Later(ctx, `INSERT INTO a (n) VALUES ($1)`, n); err != nil {
				t.Fatal(err)
			}
		}
		if kept = c.Keep(ctx); kept != nil {
			undone = c.Undo(ctx)
		}
		return kept, undone
	}
	if err := c.Begin(ctx, true); err != nil {
		t.Fatal(err)
	}
	if kept, _ := operation(1, 2); kept != nil {
		t.Fatal(kept)
	}
	if kept, undone := operation(2, 3); kept == nil || undone != nil {
		t.Fatalf("kept: %v, undone: %v; want a failure that costs nobody else", kept, undone)
	}
	if kept, _ := operation(4); kept != nil {
		t.Fatal(kept)
	}
	if kept, undone := operation(5, 1); kept == nil || undone == nil {
		t.Fatalf("kept: %v, undone: %v; want one that cannot be undone", kept, undone)
	}
	if err := c.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if got := all(t, c); len(got) > 0 {
		t.Fatalf("%v is left", got)
	}
}

// The engine moves its log into the file when the last connection goes, unless a statement was left open.
func TestStatementsThatWereHeldBackAreClosedWithTheirConnection(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	d := open(t, "sqlite:"+file)
	c, ctx := d.Writer(), t.Context()
	run(t, c, `CREATE TABLE a (n BIGINT NOT NULL PRIMARY KEY)`)
	if err := c.Savepoint(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Later(ctx, `INSERT INTO a (n) VALUES ($1)`, int64(1)); err != nil {
		t.Fatal(err)
	}
	if err := c.Keep(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file + "-wal"); !os.IsNotExist(err) {
		t.Fatalf("the log is still there: %v", err)
	}
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func open(t *testing.T, address string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func run(t fataler, c *db.Conn, q string, args ...any) {
	t.Helper()
	if _, err := c.Exec(context.Background(), q, args...); err != nil {
		t.Fatal(fmt.Sprintf("%s: %v", q, err))
	}
}

func all(t fataler, c *db.Conn) []int64 {
	t.Helper()
	var out []int64
	if err := c.EachCell(context.Background(), `SELECT n FROM a ORDER BY n`, nil, func(x []db.Cell) error {
		out = append(out, x[0].Num)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}
