// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/db"
	"assay/internal/kind"
	"golang.org/x/mod/sumdb/tlog"
)

// Place is where a fact stands: the ledger entry of its batch, and its number in the batch. Facts embed it first.
type Place struct {
	Batch int64 `json:"-"`
	N     int64 `json:"-"`
}

// Table is a table of facts: what happened once and never changes. A batch of rows has one entry in the
// ledger, whose body commits to every row. With a Key, a newer row with the same key takes the place of
// the older one from its batch on, so that a table of changes can be read as of any moment.
type Table[T any] struct {
	Name, Doc string
	Key       []string   // columns
	Index     [][]string // columns; org comes first by itself
	about     string     // column
	cols      []column

	spreads bool // rows may come in groups: Spread
	scope   string
	gone    func(*T, Group)
}

type column struct {
	name string
	typ  string // text, int, bool, time or json
	file bool   // cites a file by its digest
	at   []int
}

// FactTable is a Table without its type.
type FactTable interface {
	name() string
	of() string
	ddl() []string
	columns() []column
	key() []string
	inGroups() bool
}

// Facts declares a table of facts from the fields of T: text, whole numbers, booleans, times; anything else is kept as JSON.
func Facts[T any](name, doc string, key []string, index ...[]string) *Table[T] {
	t := &Table[T]{Name: name, Doc: doc, Key: key, Index: index}
	for _, f := range kind.Fields(reflect.TypeFor[T]()) {
		c := column{name: f.Name, at: f.At, typ: "json", file: f.Format == "sha256" || len(cites(f.Fields)) > 0}
		switch {
		case f.Format == "date-time":
			c.typ = "time"
		case f.Type == "string":
			c.typ = "text"
		case f.Type == "integer":
			c.typ = "int"
		case f.Type == "boolean":
			c.typ = "bool"
		}
		t.cols = append(t.cols, c)
	}
	slices.SortFunc(t.cols, func(a, b column) int { return strings.Compare(a.name, b.name) }) // as rowText wants them
	return t
}

// Of says in which column, with an index of its own, stands the thing that a fact is about: so they are found among what
// happened to the thing.
func (t *Table[T]) Of(column string) *Table[T] {
	t.about = column
	return t
}

func (t *Table[T]) name() string      { return t.Name }
func (t *Table[T]) of() string        { return t.about }
func (t *Table[T]) columns() []column { return t.cols }
func (t *Table[T]) key() []string     { return t.Key }

// ddl declares the column. Every column may be null: a row that was written before the column was
// declared has none, and reads as the zero value.
func (c column) ddl() string {
	if c.typ == "text" || c.typ == "json" {
		return fmt.Sprintf("%q TEXT", c.name)
	}
	return fmt.Sprintf("%q BIGINT", c.name)
}

// ddl makes the table, and then its indexes.
func (t *Table[T]) ddl() []string {
	cols := "org TEXT NOT NULL, batch BIGINT NOT NULL, n BIGINT NOT NULL"
	if t.Key != nil {
		cols += ", until BIGINT NOT NULL"
	}
	for _, c := range t.cols {
		cols += ", " + c.ddl()
	}
	f := "f_" + t.Name
	out := []string{fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s, salt {bytes}, h {bytes} NOT NULL, PRIMARY KEY (org, batch, n)) {clustered}", f, cols)}
	quote := func(names []string) string {
		q := make([]string, len(names))
		for i, n := range names {
			q[i] = strconv.Quote(n)
		}
		return strings.Join(q, ", ")
	}
	if t.Key != nil {
		out = append(out, fmt.Sprintf("CREATE UNIQUE INDEX IF NOT EXISTS %s_now ON %s (org, %s) WHERE until = %d", f, f, quote(t.Key), forever))
		out = append(out, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s_key ON %s (org, %s, batch)", f, f, quote(t.Key)))
	}
	for i, ix := range t.Index {
		out = append(out, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s_%d ON %s (org, %s)", f, i, f, quote(ix)))
	}
	return out
}

// Batch is the body of the ledger entry of a batch of facts.
type Batch struct {
	Table string         `json:"table"`
	Rows  int64          `json:"rows"`
	Root  string         `json:"root"` // of the tree over the commitments of the rows, in hex
	Note  map[string]any `json:"note,omitempty"`
}

// Append writes a batch of facts and its ledger entry. id says what the batch is about; note is kept in the body.
func (t *Table[T]) Append(ctx context.Context, tx *Tx, id string, rows []T, note map[string]any) (int64, error) {
	var tree edge
	type made struct {
		vals []any
		salt []byte
		h    []byte
	}
	out := make([]made, len(rows))
	for i := range rows {
		vals, err := values(t.cols, reflect.ValueOf(&rows[i]).Elem())
		if err == nil {
			err = t.sound(i, vals, reflect.ValueOf(&rows[i]).Elem())
		}
		if err != nil {
			return 0, fmt.Errorf("write %s: %w", t.Name, err)
		}
		salt := tx.db.ids.Bytes(16)
		h := rowHash(salt, rowText(t.cols, vals))
		tree.push(tlog.RecordHash(h))
		out[i] = made{vals, salt, h}
	}
	root := tree.root()
	body, err := Encode(Batch{t.Name, int64(len(rows)), fmt.Sprintf("%x", root[:]), note})
	if err != nil {
		return 0, err
	}
	seq, err := tx.entry(ctx, t.Name, id, 0, body)
	if err != nil {
		return 0, err
	}
	closing, insert := t.statements()
	for i, m := range out {
		if closing != "" {
			args := []any{seq, tx.Org}
			for _, k := range t.Key {
				args = append(args, m.vals[t.col(k)])
			}
			if _, err := tx.c.Exec(ctx, closing, args...); err != nil {
				return 0, fmt.Errorf("end row of %s: %w", t.Name, err)
			}
		}
		args := append([]any{tx.Org, seq, int64(i)}, m.vals...)
		args = append(args, m.salt, m.h)
		if _, err := tx.c.Exec(ctx, insert, args...); err != nil {
			return 0, fmt.Errorf("write row of %s: %w", t.Name, err)
		}
		p := reflect.ValueOf(&rows[i]).Elem().FieldByName("Place")
		if p.IsValid() {
			p.Set(reflect.ValueOf(Place{seq, int64(i)}))
		}
	}
	return seq, nil
}

func (t *Table[T]) col(name string) int {
	for i, c := range t.cols {
		if c.name == name {
			return i
		}
	}
	panic("table " + t.Name + " has no column " + name) // a mistake in a declaration, met at the first write of any test
}

func (t *Table[T]) statements() (closing, insert string) {
	if t.Key != nil {
		closing = fmt.Sprintf("UPDATE f_%s SET until=$1 WHERE org=$2 AND until=%d", t.Name, forever)
		for i, k := range t.Key {
			closing += fmt.Sprintf(" AND %q=$%d", k, i+3)
		}
	}
	cols, marks := "org, batch, n", "$1,$2,$3"
	if t.Key != nil {
		cols, marks = cols+", until", marks+fmt.Sprintf(",%d", forever)
	}
	n := 3
	for _, c := range t.cols {
		n++
		cols += fmt.Sprintf(", %q", c.name)
		marks += fmt.Sprintf(",$%d", n)
	}
	return closing, fmt.Sprintf("INSERT INTO f_%s (%s, salt, h) VALUES (%s,$%d,$%d)", t.Name, cols, marks, n+1, n+2)
}

// Select reads the rows that hold at the moment of the view, in ledger order or as rest says.
// where and rest are SQL over the columns, with $3 and up for args; in a table with a key they see the newest row of each key.
func (t *Table[T]) Select(ctx context.Context, v *View, where, rest string, args ...any) ([]T, error) {
	seen := "batch<$2"
	if t.Key != nil {
		seen += " AND until>=$2"
		if !v.Past {
			seen = fmt.Sprintf("until=%d AND +batch<$2", forever) // the plus keeps the engine from going through all rows by number
		}
	}
	return t.scan(ctx, v, false, seen, where, rest, args)
}

// Changes reads every row that was written before the moment of the view, those that were replaced too.
func (t *Table[T]) Changes(ctx context.Context, v *View, where, rest string, args ...any) ([]T, error) {
	return t.scan(ctx, v, true, "batch<$2", where, rest, args)
}

func (t *Table[T]) scan(ctx context.Context, v *View, all bool, seen, where, rest string, args []any) ([]T, error) {
	seen, err := t.holds(ctx, v, all, seen)
	if err != nil {
		return nil, err
	}
	if rest == "" {
		rest = "ORDER BY batch, n"
		if t.Key != nil && !v.Past {
			rest = "ORDER BY +batch, n" // and from meeting them in order rather than ordering the few
		}
	}
	at := v.At
	if v.inTx { // a Tx sees what it has just written
		at = forever
	}
	return t.read(ctx, v, seen, where, rest, append([]any{v.Org, at}, args...))
}

// read reads rows by a condition of its own, with $1 for the organisation.
func (t *Table[T]) read(ctx context.Context, v *View, seen, where, rest string, args []any) ([]T, error) {
	cols := "batch, n"
	for _, c := range t.cols {
		cols += fmt.Sprintf(", %q", c.name)
	}
	q := fmt.Sprintf("SELECT %s FROM f_%s WHERE org=$1 AND salt IS NOT NULL AND %s", cols, t.Name, seen)
	if where != "" {
		q += " AND (" + where + ")"
	}
	var out []T
	err := v.each(ctx, q+" "+rest, args, func(cells []db.Cell) error {
		var x T
		rv := reflect.ValueOf(&x).Elem()
		for i, c := range t.cols {
			if err := c.set(rv.FieldByIndex(c.at), &cells[i+2]); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		if p := rv.FieldByName("Place"); p.IsValid() {
			p.Set(reflect.ValueOf(Place{cells[0].Num, cells[1].Num}))
		}
		out = append(out, x)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name, err)
	}
	return out, nil
}

// values reads the columns of a row out of a struct.
func values(cols []column, rv reflect.Value) ([]any, error) {
	out := make([]any, len(cols))
	for i, c := range cols {
		f := rv.FieldByIndex(c.at)
		switch c.typ {
		case "text":
			out[i] = f.String()
		case "int":
			out[i] = f.Int()
		case "bool":
			out[i] = map[bool]int64{true: 1}[f.Bool()]
		case "time":
			if t := f.Interface().(time.Time); !t.IsZero() {
				out[i] = t.UnixMilli()
			}
		default:
			if f.IsZero() {
				continue
			}
			b, err := Encode(f.Interface())
			if err != nil {
				return nil, err
			}
			out[i] = string(b)
		}
	}
	return out, nil
}

// rowText is the text of a row that its commitment is over: a JSON object of its columns, sorted by name,
// without those that are null. A column that is declared later is null in the rows that were there before
// it, and so their text stays what it was.
func rowText(cols []column, vals []any) []byte {
	b := []byte{'{'}
	for i, c := range cols {
		if vals[i] == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, c.name...)
		b = append(b, '"', ':')
		switch v := vals[i].(type) {
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case string:
			b = appendText(b, v)
		}
	}
	return append(b, '}')
}

// appendText writes a string as RFC 8785 does.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	plain := 0
	for plain < len(s) && s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\' {
		plain++
	}
	b = append(b, s[:plain]...)
	for i := plain; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// rowHash commits to a row: it stands beside the row and, with the others of its batch, in the root.
func rowHash(salt, text []byte) []byte {
	m := hmac.New(sha256.New, salt)
	m.Write(text)
	return m.Sum(nil)
}

// set gives a field the value of its column. What is null leaves it as it is.
func (c column) set(f reflect.Value, x *db.Cell) error {
	switch {
	case x.Type == db.Null:
	case x.Type == db.Num && c.typ == "int":
		f.SetInt(x.Num)
	case x.Type == db.Num && c.typ == "bool":
		f.SetBool(x.Num != 0)
	case x.Type == db.Num && c.typ == "time":
		f.Set(reflect.ValueOf(time.UnixMilli(x.Num).UTC()))
	case x.Type == db.Text && c.typ == "text":
		f.SetString(x.Text)
	case x.Type == db.Text && c.typ == "json":
		return json.Unmarshal([]byte(x.Text), f.Addr().Interface())
	default:
		return fmt.Errorf("its value is not one for %s", c.typ)
	}
	return nil
}

// Project reads some columns of the rows that hold: the fields of R, in order, take the columns. The column batch is
// the entry that wrote the row. It is for reading many rows when few of their columns matter.
func Project[R, T any](ctx context.Context, v *View, t *Table[T], cols []string, where string, args ...any) ([]R, error) {
	held := "batch<$2"
	if t.Key != nil {
		held += " AND until>=$2"
		if !v.Past {
			held = fmt.Sprintf("batch<$2 AND until=%d", forever)
		}
	}
	return columnsOf[R](ctx, v, t, cols, false, held, where, "", args)
}

// ProjectChanges is Project over every row that was written, those that were replaced too, oldest first.
func ProjectChanges[R, T any](ctx context.Context, v *View, t *Table[T], cols []string, where string, args ...any) ([]R, error) {
	return columnsOf[R](ctx, v, t, cols, true, "batch<$2", where, " ORDER BY batch, n", args)
}

func columnsOf[R, T any](ctx context.Context, v *View, t *Table[T], cols []string, all bool, held, where, order string, args []any) ([]R, error) {
	held, err := t.holds(ctx, v, all, held)
	if err != nil {
		return nil, err
	}
	quoted := make([]string, len(cols))
	for i, c := range cols {
		if c != "batch" {
			t.col(c)
		}
		quoted[i] = strconv.Quote(c)
	}
	q := fmt.Sprintf("SELECT %s FROM f_%s WHERE org=$1 AND salt IS NOT NULL AND %s", strings.Join(quoted, ", "), t.Name, held)
	if where != "" {
		q += " AND (" + where + ")"
	}
	at := v.At
	if v.inTx {
		at = forever
	}
	var out []R
	err = v.each(ctx, q+order, append([]any{v.Org, at}, args...), func(cells []db.Cell) error {
		var x R
		rv := reflect.ValueOf(&x).Elem()
		for i := range cells {
			if err := put(rv.Field(i), &cells[i]); err != nil {
				return fmt.Errorf("column %s: %w", cols[i], err)
			}
		}
		out = append(out, x)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name, err)
	}
	return out, nil
}

// put sets a field to a cell. What is null leaves it as it is.
func put(f reflect.Value, c *db.Cell) error {
	switch {
	case c.Type == db.Null:
	case c.Type == db.Text && f.Kind() == reflect.String:
		f.SetString(c.Text)
	case c.Type == db.Num && f.CanInt():
		f.SetInt(c.Num)
	case c.Type == db.Num && f.Kind() == reflect.Bool:
		f.SetBool(c.Num != 0)
	default:
		return fmt.Errorf("its value is not one for a %s", f.Type())
	}
	return nil
}

// each reads the rows of an answer by the quickest way that sees the moment of the view.
func (v *View) each(ctx context.Context, q string, args []any, fn func([]db.Cell) error) error {
	if !v.tried && !v.inTx {
		v.tried = true
		if _, err := v.c.Together(ctx, v.size, `SELECT size FROM head WHERE org=$1`, v.Org); err != nil {
			return err
		}
	}
	return v.c.EachCell(ctx, q, args, fn)
}
