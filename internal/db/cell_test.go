// SPDX-License-Identifier: Apache-2.0

package db_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/db"
)

// A cell is what lies in the file, whichever way it is read: through database/sql or below it.
func TestACellIsReadAsItLiesAndStaysAsItWas(t *testing.T) {
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a folder", "it's 100%.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	long := strings.Repeat("long ", 40_000)
	want := [][]db.Cell{
		{{Type: db.Num, Num: 1}, {Type: db.Text, Text: "x"}, {Type: db.Bytes, Bytes: []byte{0, 1}}},
		{{Type: db.Num, Num: -1 << 62}, {Type: db.Text, Text: long}, {}},
		{{Type: db.Num, Num: 3}, {Type: db.Text, Text: "a\x00b"}, {Type: db.Text, Text: "a text in the place of bytes"}},
		{{Type: db.Num, Num: 4}, {Type: db.Bytes, Bytes: []byte("bytes in the place of a text")}, {Type: db.Num, Num: 7}},
		{{Type: db.Num, Num: 5}, {Type: db.Text}, {Type: db.Bytes, Bytes: []byte{}}},
		{{Type: db.Num, Num: 6}, {Type: db.Other}, {}},
	}
	if _, err := d.Writer().Exec(t.Context(), `CREATE TABLE a (n, x, y)`); err != nil {
		t.Fatal(err)
	}
	for _, row := range want {
		if _, err := d.Writer().Exec(t.Context(), `INSERT INTO a VALUES ($1,$2,$3)`, row[0].Value(), row[1].Value(), row[2].Value()); err != nil {
			t.Fatal(err)
		}
	}
	for way, lend := range map[string]func() (*db.Conn, error){
		"through database/sql": func() (*db.Conn, error) { return d.Reader(t.Context()) },
		"below it": func() (*db.Conn, error) {
			c, err := d.Reader(t.Context())
			if err == nil {
				err = c.Begin(t.Context(), false)
			}
			if err == nil {
				var same bool
				if same, err = c.Together(t.Context(), 7, `SELECT 7`); !same {
					t.Errorf("they did not come together: %v", err)
				}
			}
			return c, err
		},
	} {
		c, err := lend()
		if err != nil {
			t.Fatal(err)
		}
		var got [][]db.Cell
		if err := c.EachCell(t.Context(), `SELECT n, x, y FROM a WHERE n>=$1 AND $2='it''s' ORDER BY rowid`, []any{int64(-1 << 62), "it's"}, func(x []db.Cell) error {
			got = append(got, append([]db.Cell{}, x...))
			return nil
		}); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d rows of %d", way, len(got), len(want))
		}
		for i := range want {
			for j, w := range want[i] {
				if g := got[i][j]; g.Type != w.Type || g.Num != w.Num || g.Text != w.Text || !bytes.Equal(g.Bytes, w.Bytes) {
					t.Errorf("%s: row %d cell %d is %.60v, want %.60v", way, i, j, g, w)
				}
			}
		}
		type name string
		if err := c.EachCell(t.Context(), `SELECT n FROM a WHERE n=$1 AND 'x'=$2`, []any{4, name("x")}, func(x []db.Cell) error { got = append(got, nil); return nil }); err != nil || len(got) != len(want)+1 {
			t.Errorf("%s: arguments of other types: %v", way, err)
		}
		own := errors.New("enough")
		if err := c.EachCell(t.Context(), `SELECT n FROM a`, nil, func([]db.Cell) error { return own }); err != own {
			t.Errorf("%s: %v", way, err)
		}
		if err := c.EachCell(t.Context(), `SELECT nothing FROM a`, nil, func([]db.Cell) error { return nil }); err == nil || !strings.Contains(err.Error(), "nothing") {
			t.Errorf("%s: %v", way, err)
		}
		c.Rollback(t.Context())
		d.Release(c, false)
	}
}

func TestBothWaysOfReadingSeeOneMomentOrDoNotComeTogether(t *testing.T) {
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	write := func(q string) {
		t.Helper()
		if _, err := d.Writer().Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	write(`CREATE TABLE a (n BIGINT)`)
	write(`INSERT INTO a VALUES (1)`)
	c, err := d.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const count = `SELECT count(*) FROM a`
	cells := func() (n int64) {
		t.Helper()
		if err := c.EachCell(t.Context(), count, nil, func(x []db.Cell) error { n = x[0].Num; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for round, late := range []bool{false, true, false} { // the same connection, used again and again
		var was, n int64
		if err := c.Begin(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if _, err := c.One(t.Context(), count, nil, &was); err != nil {
			t.Fatal(err)
		}
		if late {
			write(`INSERT INTO a VALUES (2)`)
		}
		same, err := c.Together(t.Context(), was, count)
		if err != nil || same == late {
			t.Errorf("round %d: together %t, %v", round, same, err)
		}
		write(`INSERT INTO a VALUES (3)`)
		if n = cells(); n != was {
			t.Errorf("round %d: %d rows, and %d by the cell", round, was, n)
		}
		if err := c.EachCell(t.Context(), `INSERT INTO a VALUES (9)`, nil, func([]db.Cell) error { return nil }); err == nil {
			t.Error("a reader wrote")
		}
		if err := c.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n = cells(); n <= was {
			t.Errorf("round %d: %d rows after the transaction, and %d before it", round, n, was)
		}
	}
	d.Release(c, false)
}

// Below database/sql arguments are bound in the order in which they appear: a statement in which they do not is refused,
// for it would be given the wrong ones without a word.
func TestAStatementWhoseParametersAreOutOfOrderIsRefused(t *testing.T) {
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Writer().Exec(t.Context(), `CREATE TABLE a (n BIGINT, m BIGINT)`); err != nil {
		t.Fatal(err)
	}
	c, err := d.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Release(c, false)
	if err := c.Begin(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if same, err := c.Together(t.Context(), 0, `SELECT count(*) FROM a`); err != nil || !same {
		t.Fatalf("together %t, %v", same, err)
	}
	none := func([]db.Cell) error { return nil }
	if err := c.EachCell(t.Context(), `SELECT 1 FROM a WHERE n=$2 AND m=$1`, []any{1, 2}, none); err == nil {
		t.Error("a statement that names its second argument first was taken")
	}
	if err := c.EachCell(t.Context(), `SELECT 1 FROM a WHERE n=$1 AND m=$2 AND n<>$1`, []any{1, 2}, none); err != nil {
		t.Error(err)
	}
	if err := c.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}
