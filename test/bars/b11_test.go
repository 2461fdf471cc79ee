// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"assay/internal/blob"
	"assay/internal/db"
	"assay/internal/store"
	"assay/internal/testkit"
)

// operational tables prove nothing: what they hold ends by itself, and is not under the ledger.
var operational = []string{"slip"}

// A cell is one value in one row of one table.
type cellAt struct {
	table, column string
	key           []string
	keyVals       []any
	val           any
}

func (c cellAt) String() string { return fmt.Sprintf("%s.%s of %v", c.table, c.column, c.keyVals) }

// cells reads every value of every table that the schema has: a table added tomorrow is in it.
func cells(t testing.TB, h *testkit.House, raw *sql.DB) (out []cellAt, tables []string) {
	t.Helper()
	q := `SELECT name FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`
	if h.Engine == db.Postgres {
		q = `SELECT table_name FROM information_schema.tables WHERE table_schema='public' ORDER BY 1`
	}
	for _, table := range column(t, raw, q) {
		if slices.Contains(operational, table) {
			continue
		}
		tables = append(tables, table)
		q := `SELECT name FROM pragma_table_info('` + table + `') WHERE pk>0 ORDER BY pk`
		if h.Engine == db.Postgres {
			q = `SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid=i.indrelid AND a.attnum=ANY(i.indkey) WHERE i.indrelid='` + table + `'::regclass AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)`
		}
		out = append(out, tableCells(t, raw, table, column(t, raw, q))...)
	}
	return out, tables
}

func tableCells(t testing.TB, raw *sql.DB, table string, key []string) (out []cellAt) {
	rows, err := raw.Query(`SELECT * FROM ` + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	cols, _ := rows.Columns()
	for rows.Next() {
		vals := make([]any, len(cols))
		dest := make([]any, len(cols))
		for i := range vals {
			dest[i] = &vals[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		keyVals := make([]any, len(key))
		for i, k := range key {
			keyVals[i] = vals[slices.Index(cols, k)]
		}
		for i, c := range cols {
			if vals[i] != nil {
				out = append(out, cellAt{table, c, key, keyVals, vals[i]})
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func column(t testing.TB, raw *sql.DB, q string) (out []string) {
	t.Helper()
	rows, err := raw.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		rows.Scan(&s)
		out = append(out, s)
	}
	return out
}

// flip gives the value with one bit of it the other way round; none where there is no bit.
func flip(r *rand.Rand, v any) any {
	switch x := v.(type) {
	case int64:
		return x ^ 1<<r.IntN(63)
	case float64:
		return math.Float64frombits(math.Float64bits(x) ^ 1<<r.IntN(52))
	case string:
		if x == "" {
			return nil
		}
		b := []byte(x)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		return string(b)
	case []byte:
		if len(x) == 0 {
			return nil
		}
		b := slices.Clone(x)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		return b
	}
	return nil
}

// set puts a value into a cell, and says whether the engine took it.
func (c cellAt) set(raw *sql.DB, e db.Engine, now []any, to any) ([]any, bool) {
	q := fmt.Sprintf(`UPDATE %s SET "%s"=$1 WHERE 1=1`, c.table, c.column)
	args := []any{to}
	if s, ok := to.(string); ok && e == db.SQLite { // any bytes, as text
		q = strings.Replace(q, "$1", "CAST($1 AS TEXT)", 1)
		args[0] = []byte(s)
	}
	after := slices.Clone(now)
	for i, k := range c.key {
		args = append(args, now[i])
		mark := fmt.Sprintf("$%d", i+2)
		if s, ok := now[i].(string); ok && e == db.SQLite {
			mark, args[len(args)-1] = "CAST("+mark+" AS TEXT)", []byte(s)
		}
		q += fmt.Sprintf(` AND "%s"=%s`, k, mark)
		if k == c.column {
			after[i] = to
		}
	}
	res, err := raw.Exec(q, args...)
	if err != nil {
		return now, false
	}
	n, _ := res.RowsAffected()
	return after, n == 1
}

// named says whether a problem names what the cell belongs to.
func named(a store.Audit, c cellAt) bool {
	at := func(i int) string { return fmt.Sprint(c.keyVals[i]) }
	var want []string
	switch table := c.table; table {
	case "entry", "body":
		want = []string{"entry " + at(1)}
	case "head":
		want = []string{"head"}
	case "node":
		want = []string{"node " + at(1) + "/" + at(2)}
	case "checkpoint":
		want = []string{"checkpoint for " + at(1) + " entries"}
	case "shape":
		want = []string{"shape of " + at(0)}
	case "link":
		want = []string{at(2)}
	default:
		if fact, ok := strings.CutPrefix(table, "f_"); ok {
			want = []string{fact + " row " + at(2) + " of batch " + at(1), fact + " batch " + at(1)}
		} else {
			want = []string{at(1) + " at entry " + at(2)}
		}
	}
	if c.column == "org" || c.table == "checkpoint" && c.column == "size" {
		want = append(want, "rows of "+c.table, "checkpoint for")
	}
	for _, p := range a.Problems {
		for _, w := range want {
			if strings.HasSuffix(p.Object, w) || strings.Contains(p.Object, w+" ") {
				return true
			}
		}
	}
	return false
}

func TestB11OneFlippedBitIsNamed(t *testing.T) {
	testkit.Engines(t, declare, func(t *testing.T, h *testkit.House) {
		f := furnish(t, h, 90)
		f.clean(t)
		raw := h.Raw(t)
		all, tables := cells(t, h, raw)
		byTable := map[string][]cellAt{}
		for _, c := range all {
			k := c.table + "." + c.column
			byTable[k] = append(byTable[k], c)
		}
		columns := make([]string, 0, len(byTable))
		for k := range byTable {
			columns = append(columns, k)
		}
		slices.Sort(columns)
		want := count(300, 2000)
		if h.Engine == db.Postgres {
			want = count(100, 500)
		}
		r := testkit.Seed(t)
		done, missed := 0, 0
		for i := 0; done < want; i++ {
			some := byTable[columns[i%len(columns)]] // every column in turn, so that small tables are not passed over
			c := some[r.IntN(len(some))]
			to := flip(r, c.val)
			if to == nil {
				continue
			}
			key, ok := c.set(raw, h.Engine, c.keyVals, to)
			if !ok {
				continue // the engine itself refused it
			}
			done++
			a := f.verify(t, f.saved)
			if !named(a, c) {
				missed++
				t.Errorf("missed: %v from %q to %q: %+v", c, c.val, to, a.Problems[:min(3, len(a.Problems))])
			}
			if _, ok := c.set(raw, h.Engine, key, c.val); !ok {
				t.Fatalf("%v cannot be put back", c)
			}
		}
		f.clean(t)
		figure("B11 %s: %d flips in %d columns of %d tables, %d missed (not under the ledger: %v)", h.Engine, done, len(columns), len(tables), missed, operational)
	})
}

func TestB11AFlippedBitInAFileIsNamed(t *testing.T) {
	f := furnish(t, testkit.SQLite(t, declare), 20)
	f.clean(t)
	var files []blob.Info
	f.files.Walk(t.Context(), func(in blob.Info) error { files = append(files, in); return nil })
	r := testkit.Seed(t)
	missed, n := 0, count(40, 400)
	for range n {
		in := files[r.IntN(len(files))]
		path := blobPath(f.dir, in.SHA256)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		os.Chmod(path, 0o600)
		bad := slices.Clone(b)
		bad[r.IntN(len(b))] ^= 1 << r.IntN(8)
		os.WriteFile(path, bad, 0o600)
		a := f.verify(t)
		if len(a.Problems) != 1 || a.Problems[0].Object != "file "+in.SHA256 || a.Problems[0].Entry < 0 {
			missed++
			t.Errorf("file %s: %+v", in.SHA256, a.Problems)
		}
		os.WriteFile(path, b, 0o400)
	}
	figure("B11 files: %d flips, %d missed", n, missed)
}

func TestB11ATypeThatChangedIsNamed(t *testing.T) {
	f := furnish(t, testkit.SQLite(t, declare), 12)
	raw := f.Raw(t)
	all, _ := cells(t, f.House, raw)
	seen := map[string]bool{}
	missed, n := 0, 0
	for _, c := range all {
		if seen[c.table+c.column] {
			continue
		}
		seen[c.table+c.column] = true
		for _, to := range []any{[]byte(fmt.Sprint(c.val)), "no longer what it was", nil} {
			key, ok := c.set(raw, db.SQLite, c.keyVals, to)
			if s, same := to.([]byte); same && string(s) == fmt.Sprint(c.val) {
				if _, was := c.val.([]byte); was {
					continue
				}
			}
			if !ok {
				continue
			}
			n++
			if a := f.verify(t, f.saved); len(a.Problems) == 0 {
				missed++
				t.Errorf("missed: %v became %T", c, to)
			}
			if s, ok := key[0].(string); len(c.key) > 0 && ok && s == "" {
				t.Fatal("lost the row")
			}
			if !restore(raw, c, key, to) {
				t.Fatalf("%v cannot be put back", c)
			}
		}
	}
	f.clean(t)
	figure("B11 types: %d cells of another type, %d missed", n, missed)
}

// restore puts a value back, also where the key itself is what was changed.
func restore(raw *sql.DB, c cellAt, key []any, now any) bool {
	_, ok := c.set(raw, db.SQLite, key, c.val)
	return ok
}

// A column that stands outside of the canonical form is what the bar must find: here the reason of an
// entry, kept in a column of its own that no leaf commits to.
func TestB11ControlAColumnLeftOutOfTheCanonicalFormIsCaught(t *testing.T) {
	f := furnish(t, testkit.SQLite(t, declare), 10)
	raw := f.Raw(t)
	if _, err := raw.Exec(`ALTER TABLE entry ADD COLUMN remark TEXT NOT NULL DEFAULT 'none'`); err != nil {
		t.Fatal(err)
	}
	r := testkit.Seed(t)
	all, _ := cells(t, f.House, raw)
	missed := 0
	for _, c := range all {
		if c.table != "entry" || c.column != "remark" {
			continue
		}
		key, ok := c.set(raw, db.SQLite, c.keyVals, flip(r, c.val))
		if ok && len(f.verify(t, f.saved).Problems) == 0 {
			missed++
		}
		c.set(raw, db.SQLite, key, c.val)
	}
	if missed == 0 {
		t.Fatal("the bar passes although a column is not under the ledger: it cannot fail")
	}
	figure("B11 control: a column outside of the canonical form, %d flips missed, as they must be", missed)
}
