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
	for name, lend := range map[string]func() (*db.Conn, error){
		"through database/sql": func() (*db.Conn, error) { return d.Reader(t.Context()) },
		"below it":             func() (*db.Conn, error) { return d.FastReader(t.Context()) },
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
			t.Fatalf("%s: %v", name, err)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d rows of %d", name, len(got), len(want))
		}
		for i := range want {
			for j, w := range want[i] {
				if g := got[i][j]; g.Type != w.Type || g.Num != w.Num || g.Text != w.Text || !bytes.Equal(g.Bytes, w.Bytes) {
					t.Errorf("%s: row %d cell %d is %.60v, want %.60v", name, i, j, g, w)
				}
			}
		}
		own := errors.New("enough")
		if err := c.EachCell(t.Context(), `SELECT n FROM a`, nil, func([]db.Cell) error { return own }); err != own {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.EachCell(t.Context(), `SELECT nothing FROM a`, nil, func([]db.Cell) error { return nil }); err == nil || !strings.Contains(err.Error(), "nothing") {
			t.Errorf("%s: %v", name, err)
		}
		d.Release(c, false)
	}
}

func TestAFastReaderOnlyReadsAndSeesOneMoment(t *testing.T) {
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
	c, err := d.FastReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.EachCell(t.Context(), `INSERT INTO a VALUES (9)`, nil, func([]db.Cell) error { return nil }); err == nil {
		t.Error("a reader wrote")
	}
	count := func() (n int64) {
		t.Helper()
		if err := c.EachCell(t.Context(), `SELECT count(*) FROM a`, nil, func(x []db.Cell) error { n = x[0].Num; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := c.Begin(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	before := count()
	write(`INSERT INTO a VALUES (2)`)
	if after := count(); before != 1 || after != 1 {
		t.Errorf("%d rows, and then %d in the same transaction", before, after)
	}
	d.Release(c, c.Rollback(t.Context()) != nil)
	c, err = d.FastReader(t.Context()) // the same connection, lent again
	if err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 2 {
		t.Errorf("%d rows after the transaction", n)
	}
	d.Release(c, false)
}
