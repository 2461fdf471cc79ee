// SPDX-License-Identifier: Apache-2.0

package db

import (
	"context"
	"database/sql/driver"
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

// EachCell calls fn for every row of an answer, for reading rows by the million. The slice holds until fn
// returns, what its cells hold for good, and fn must not use the connection.
//
// On a connection of FastReader it goes below database/sql, which costs several times as much as reading.
func (c *Conn) EachCell(ctx context.Context, q string, args []any, fn func([]Cell) error) error {
	if c.doomed != nil {
		return c.doomed
	}
	if c.steady {
		ctx = context.WithoutCancel(ctx)
	}
	if c.both {
		return c.low.each(ctx, q, args, fn)
	}
	known := true
	var own error // what fn said, which says nothing about the engine
	err := c.c.Raw(func(under any) error {
		var d driver.QueryerContext
		if d, known = under.(driver.QueryerContext); !known {
			return fmt.Errorf("the driver %T cannot be read by the row", under)
		}
		named := make([]driver.NamedValue, len(args))
		for i, a := range args {
			v, err := driver.DefaultParameterConverter.ConvertValue(a)
			if err != nil {
				return fmt.Errorf("argument %d of %.60q: %w", i+1, q, err)
			}
			named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
		}
		rows, err := d.QueryContext(ctx, q, named)
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

// EachLater is EachCell for a question that names the moment it asks for by itself: on SQLite it may see what
// was committed since the transaction of the connection began. It is the quickest way to read many rows.
func (c *Conn) EachLater(ctx context.Context, q string, args []any, fn func([]Cell) error) error {
	if c.steady || c.file == "" { // the one that writes must see what it has just written
		return c.EachCell(ctx, q, args, fn)
	}
	if err := c.dive(); err != nil {
		return err
	}
	return c.low.each(ctx, q, args, fn)
}

// dive opens the way below database/sql.
func (c *Conn) dive() (err error) {
	if c.low == nil {
		c.low, err = openLow(c.file)
	}
	return err
}
