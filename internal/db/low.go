// SPDX-License-Identifier: Apache-2.0

package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	sqlitelib "modernc.org/sqlite/lib"
)

// low is a connection to a SQLite file that only reads, without database/sql and without the locks with which
// the driver shares a connection among threads. Reading a million rows through those two costs three times
// what reading them costs. It is used by one goroutine at a time; the engine is the one that the driver runs on.
type low struct {
	tls   *libc.TLS
	db    uintptr
	stmts map[string]uintptr
}

// lowFlags: it must exist, is only read, belongs to one goroutine, and has an address with escapes.
const lowFlags = sqlitelib.SQLITE_OPEN_READONLY | sqlitelib.SQLITE_OPEN_NOMUTEX | sqlitelib.SQLITE_OPEN_URI

func openLow(address string) (*low, error) {
	l := &low{tls: libc.NewTLS(), stmts: map[string]uintptr{}}
	name, err := libc.CString(address)
	if err != nil {
		l.tls.Close()
		return nil, fmt.Errorf("open for reading: %w", err)
	}
	defer libc.Xfree(l.tls, name)
	at := l.tls.Alloc(8)
	defer l.tls.Free(8)
	rc := sqlitelib.Xsqlite3_open_v2(l.tls, name, at, lowFlags, 0)
	l.db = libc.AtomicLoadPUintptr(at)
	if rc != sqlitelib.SQLITE_OK {
		err := l.wrong("open for reading", rc)
		l.close()
		return nil, err
	}
	sqlitelib.Xsqlite3_busy_timeout(l.tls, l.db, 10_000)
	if err := l.exec("PRAGMA query_only=1"); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *low) close() {
	for _, s := range l.stmts {
		sqlitelib.Xsqlite3_finalize(l.tls, s)
	}
	sqlitelib.Xsqlite3_close_v2(l.tls, l.db)
	l.tls.Close()
}

func (l *low) wrong(doing string, rc int32) error {
	text := "no memory"
	if l.db != 0 {
		text = libc.GoString(sqlitelib.Xsqlite3_errmsg(l.tls, l.db))
	}
	return fmt.Errorf("%s: %s (%d)", doing, text, rc)
}

// exec runs a statement of which no rows are wanted.
func (l *low) exec(q string) error {
	return l.each(context.Background(), q, nil, func([]Cell) error { return nil })
}

// each is Conn.EachCell.
func (l *low) each(ctx context.Context, q string, args []any, fn func([]Cell) error) (err error) {
	stmt, done, err := l.prepare(q, args)
	if err != nil {
		return err
	}
	defer done()
	cells := make([]Cell, sqlitelib.Xsqlite3_column_count(l.tls, stmt))
	var texts chunk
	for n := 0; ; n++ {
		if n&255 == 255 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch rc := sqlitelib.Xsqlite3_step(l.tls, stmt); rc {
		case sqlitelib.SQLITE_ROW:
		case sqlitelib.SQLITE_DONE:
			return nil
		default:
			return l.wrong("read", rc)
		}
		for i := range cells {
			if err := l.cell(stmt, int32(i), &cells[i], &texts); err != nil {
				return err
			}
		}
		if err := fn(cells); err != nil {
			return err
		}
	}
}

// stmt prepares a statement, or finds it as it was prepared before.
func (l *low) stmt(q string) (uintptr, error) {
	if s, ok := l.stmts[q]; ok {
		return s, nil
	}
	zq, err := libc.CString(q)
	if err != nil {
		return 0, fmt.Errorf("prepare %.60q: %w", q, err)
	}
	defer libc.Xfree(l.tls, zq)
	at := l.tls.Alloc(8)
	defer l.tls.Free(8)
	if rc := sqlitelib.Xsqlite3_prepare_v2(l.tls, l.db, zq, -1, at, 0); rc != sqlitelib.SQLITE_OK {
		return 0, l.wrong(fmt.Sprintf("prepare %.60q", q), rc)
	}
	stmt := libc.AtomicLoadPUintptr(at)
	for i := int32(1); i <= sqlitelib.Xsqlite3_bind_parameter_count(l.tls, stmt); i++ {
		if name := libc.GoString(sqlitelib.Xsqlite3_bind_parameter_name(l.tls, stmt, i)); name != fmt.Sprintf("$%d", i) {
			sqlitelib.Xsqlite3_finalize(l.tls, stmt)
			return 0, fmt.Errorf("prepare %.60q: %s appears where $%d is wanted: arguments are bound in the order in which they appear", q, name, i)
		}
	}
	makeRoom(l.stmts, 200, func(old uintptr) { sqlitelib.Xsqlite3_finalize(l.tls, old) })
	l.stmts[q] = stmt
	return stmt, nil
}

// prepare makes a statement with its arguments, and what gives it back.
func (l *low) prepare(q string, args []any) (stmt uintptr, done func(), err error) {
	if stmt, err = l.stmt(q); err != nil {
		return 0, nil, err
	}
	var kept []uintptr
	free := func() {
		sqlitelib.Xsqlite3_reset(l.tls, stmt)
		sqlitelib.Xsqlite3_clear_bindings(l.tls, stmt)
		for _, p := range kept {
			libc.Xfree(l.tls, p)
		}
	}
	for i, a := range args {
		rc := int32(sqlitelib.SQLITE_OK)
		a, err := driver.DefaultParameterConverter.ConvertValue(a) // as database/sql does
		if err != nil {
			free()
			return stmt, nil, fmt.Errorf("argument %d of %.60q: %w", i+1, q, err)
		}
		switch a := a.(type) {
		case int64:
			rc = sqlitelib.Xsqlite3_bind_int64(l.tls, stmt, int32(i+1), a)
		case bool:
			var n int64
			if a {
				n = 1
			}
			rc = sqlitelib.Xsqlite3_bind_int64(l.tls, stmt, int32(i+1), n)
		case string:
			p, err := libc.CString(a)
			if err != nil {
				free()
				return stmt, nil, fmt.Errorf("argument %d of %.60q: %w", i+1, q, err)
			}
			kept = append(kept, p)
			rc = sqlitelib.Xsqlite3_bind_text(l.tls, stmt, int32(i+1), p, int32(len(a)), 0) // it stays until the end: nothing is copied
		default:
			free()
			return stmt, nil, fmt.Errorf("argument %d of %.60q is a %T: a text or an int64 is wanted", i+1, q, a)
		}
		if rc != sqlitelib.SQLITE_OK {
			free()
			return stmt, nil, l.wrong("bind", rc)
		}
	}
	return stmt, free, nil
}

// cell reads one value. The value is looked up once and asked for its parts: each sqlite3_column_… would look it up
// again, and the one for texts copies them to put a zero behind. A value may be asked so by whoever has the connection
// to himself, which is what lowFlags say.
func (l *low) cell(stmt uintptr, i int32, c *Cell, texts *chunk) error {
	v := sqlitelib.Xsqlite3_column_value(l.tls, stmt, i)
	switch sqlitelib.Xsqlite3_value_type(l.tls, v) {
	case sqlitelib.SQLITE_INTEGER:
		*c = Cell{Type: Num, Num: sqlitelib.Xsqlite3_value_int64(l.tls, v)}
	case sqlitelib.SQLITE_TEXT:
		b, err := texts.take(sqlitelib.Xsqlite3_value_blob(l.tls, v), sqlitelib.Xsqlite3_value_bytes(l.tls, v))
		*c = Cell{Type: Text, Text: unsafe.String(unsafe.SliceData(b), len(b))}
		return err
	case sqlitelib.SQLITE_BLOB:
		b, err := texts.take(sqlitelib.Xsqlite3_value_blob(l.tls, v), sqlitelib.Xsqlite3_value_bytes(l.tls, v))
		*c = Cell{Type: Bytes, Bytes: b}
		return err
	case sqlitelib.SQLITE_NULL:
		*c = Cell{}
	default:
		*c = Cell{Type: Other}
	}
	return nil
}

// chunk is memory that is given out piece by piece and never again: what was read stays as it is, and a
// thousand texts cost one allocation.
type chunk []byte

var errMemory = errors.New("the engine has no memory left")

func (k *chunk) take(p uintptr, n int32) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	if p == 0 {
		return nil, errMemory
	}
	if int(n) > cap(*k)-len(*k) {
		*k = make([]byte, 0, max(1<<16, int(n)))
	}
	from := len(*k)
	*k = append(*k, libc.GoBytes(p, int(n))...)
	return (*k)[from:len(*k):len(*k)], nil
}
