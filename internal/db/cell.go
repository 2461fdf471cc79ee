// SPDX-License-Identifier: Apache-2.0

package db

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// CellType is what a cell holds. Nothing is turned into anything else: a text that has become bytes is bytes.
type CellType uint8

// What a cell can hold. Other is what no table of ours has: a number with a point, a truth value, a time.
const (
	Null CellType = iota
	Num
	Text
	Bytes
	Other
)

// Cell is one value of a row, as the engine holds it.
type Cell struct {
	Type  CellType
	Num   int64
	Text  string
	Bytes []byte
}

// Value is the cell as database/sql would hand it over.
func (c *Cell) Value() any {
	switch c.Type {
	case Num:
		return c.Num
	case Text:
		return c.Text
	case Bytes:
		return c.Bytes
	case Null:
		return nil
	}
	return 0.5 // no column of ours takes it
}

func (c *Cell) set(v driver.Value) {
	switch v := v.(type) {
	case nil:
		*c = Cell{}
	case int64:
		*c = Cell{Type: Num, Num: v}
	case string:
		*c = Cell{Type: Text, Text: v}
	case []byte:
		*c = Cell{Type: Bytes, Bytes: v}
	default:
		*c = Cell{Type: Other}
	}
}

// Scan takes a value from database/sql.
func (c *Cell) Scan(v any) error {
	if b, ok := v.([]byte); ok {
		v = bytes.Clone(b) // it is lent for this call only
	}
	c.set(v)
	return nil
}

// EachCell calls fn for every row of an answer, for reading many rows. The slice holds until fn returns, what its
// cells hold for good, and fn must not use the connection.
//
// Where the connection is at the same moment below database/sql (Together), it reads there.
func (c *Conn) EachCell(ctx context.Context, q string, args []any, fn func([]Cell) error) error {
	if c.doomed != nil {
		return c.doomed
	}
	switch {
	case c.both:
		return c.low.each(ctx, q, args, fn)
	case !c.steady:
		return c.eachFromDriver(ctx, q, args, fn)
	}
	var cells []Cell
	var dest []any
	return c.Each(ctx, q, args, func(r *sql.Rows) error {
		if dest == nil {
			cols, err := r.Columns()
			if err != nil {
				return err
			}
			cells, dest = make([]Cell, len(cols)), make([]any, len(cols))
			for i := range cells {
				dest[i] = &cells[i]
			}
		}
		if err := r.Scan(dest...); err != nil {
			return err
		}
		return fn(cells)
	})
}

// eachFromDriver asks the driver itself.
func (c *Conn) eachFromDriver(ctx context.Context, q string, args []any, fn func([]Cell) error) error {
	var own error // what fn said, which says nothing about the engine
	err := c.c.Raw(func(under any) error {
		named, err := named(q, args)
		if err != nil {
			return err
		}
		rows, err := c.rowsUnder(ctx, under, q, named)
		if err != nil {
			return err
		}
		err, own = eachRow(ctx, rows, fn)
		return err
	})
	if own != nil {
		return own
	}
	return c.judge(err)
}

// rowsUnder asks for rows. PostgreSQL's driver keeps its own statements prepared.
func (c *Conn) rowsUnder(ctx context.Context, under any, q string, args []driver.NamedValue) (driver.Rows, error) {
	if c.engine == Postgres {
		if d, known := under.(driver.QueryerContext); known {
			return d.QueryContext(ctx, q, args)
		}
		return nil, fmt.Errorf("the driver %T cannot be read by the row", under)
	}
	st, err := c.prepareUnder(ctx, under, q)
	if err != nil {
		return nil, err
	}
	d, known := st.(driver.StmtQueryContext)
	if !known {
		return nil, fmt.Errorf("the driver %T cannot be read by the row", under)
	}
	return d.QueryContext(ctx, args)
}

// named makes arguments what a driver takes.
func named(q string, args []any) ([]driver.NamedValue, error) {
	out := make([]driver.NamedValue, len(args))
	for i, a := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return nil, fmt.Errorf("argument %d of %.60q: %w", i+1, q, err)
		}
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out, nil
}

// Together brings the way below database/sql to the moment of the transaction that the connection is in, until it
// ends: a moment is the same where probe answers want. It says whether they came together. Where something was
// committed in between they do not, and EachCell goes on through database/sql.
func (c *Conn) Together(ctx context.Context, want int64, probe string, args ...any) (bool, error) {
	if c.both || c.steady || c.file == "" {
		return c.both, nil
	}
	if err := c.dive(); err != nil {
		return false, err
	}
	if err := c.low.exec("BEGIN"); err != nil {
		return false, err
	}
	same := false
	err := c.low.each(ctx, probe, args, func(x []Cell) error { same = x[0].Type == Num && x[0].Num == want; return nil })
	if err != nil || !same {
		return false, errors.Join(err, c.low.exec("ROLLBACK"))
	}
	c.both = true
	return true, nil
}

// dive opens the way below database/sql.
func (c *Conn) dive() (err error) {
	if c.low == nil {
		c.low, err = openLow(c.file)
	}
	return err
}
