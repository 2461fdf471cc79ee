// SPDX-License-Identifier: Apache-2.0

package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// held is what an operation has written so far and nobody has read: statements that wait for the next one that
// must see them, or for the end of the operation. Most operations read first and write last. Of those an engine
// that runs inside this process needs no savepoint, because one that fails has not written yet; and one that is
// reached over a network is sent all of it at once.
type held struct {
	open  bool // between Savepoint and Keep or Undo
	saved bool // the engine has the savepoint
	ran   int  // statements that were run without one, at the end
	wait  []statement
}

type statement struct {
	q    string
	args []any
}

const (
	mark     = "SAVEPOINT op"
	release  = "RELEASE SAVEPOINT op"
	backward = "ROLLBACK TO SAVEPOINT op"
)

// Later runs a statement that gives no rows, and of which nobody asks how many rows it touched: at once, or before
// the next statement of the operation, or when the operation is kept. Its error may come only then, and what its
// arguments point to must not change before.
func (c *Conn) Later(ctx context.Context, q string, args ...any) error {
	if !c.held.open {
		_, err := c.Exec(ctx, q, args...)
		return err
	}
	c.held.wait = append(c.held.wait, statement{q, args})
	return c.doomed
}

// Savepoint marks a place to go back to. The engine hears of it when it must.
func (c *Conn) Savepoint(context.Context) error {
	c.held.open, c.held.saved, c.held.ran, c.held.wait = true, false, 0, c.held.wait[:0]
	return c.doomed
}

// settle brings the engine up to date before a statement: one that reads, or one that may write.
func (c *Conn) settle(ctx context.Context, writes bool) error {
	switch {
	case !c.held.open:
		return nil
	case c.engine == Postgres: // there even a statement that only reads spoils the transaction when it fails
		return c.send(ctx, false)
	case !writes && len(c.held.wait) == 0:
		return nil
	case !c.held.saved:
		if _, err := c.do(ctx, mark, nil); err != nil {
			return err
		}
		c.held.saved = true
	}
	return c.runHeld(ctx)
}

// Keep drops the mark and keeps what came after it.
func (c *Conn) Keep(ctx context.Context) error {
	if c.engine == Postgres {
		if err := c.send(ctx, true); err != nil {
			return err
		}
		c.held.open = false
		return nil
	}
	if err := c.runHeld(ctx); err != nil {
		return err
	}
	c.held.open = false
	if !c.held.saved {
		return nil
	}
	_, err := c.do(ctx, release, nil)
	return err
}

// Undo goes back to the mark.
func (c *Conn) Undo(ctx context.Context) error {
	c.held.open, c.held.wait = false, c.held.wait[:0]
	switch {
	case c.doomed != nil:
		return c.doomed
	case c.held.saved:
		if _, err := c.do(ctx, backward, nil); err != nil {
			return err
		}
		_, err := c.do(ctx, release, nil)
		return err
	case c.held.ran > 0:
		return errors.New("half of an operation was written, and there is no mark to go back to")
	}
	return nil
}

// send gives PostgreSQL what waits in one journey, behind the savepoint.
func (c *Conn) send(ctx context.Context, last bool) error {
	var b pgx.Batch
	if !c.held.saved && (!last || len(c.held.wait) > 0) {
		b.Queue(mark)
		c.held.saved = true
	}
	for _, s := range c.held.wait {
		b.Queue(s.q, s.args...)
	}
	c.held.wait = c.held.wait[:0]
	if last && c.held.saved {
		b.Queue(release)
	}
	if b.Len() == 0 {
		return nil
	}
	if c.steady {
		ctx = context.WithoutCancel(ctx)
	}
	return c.c.Raw(func(dc any) error {
		under, known := dc.(*stdlib.Conn)
		if !known {
			return fmt.Errorf("the driver %T takes no batches", dc)
		}
		return under.Conn().SendBatch(ctx, &b).Close()
	})
}

// runHeld runs what waits, on SQLite.
func (c *Conn) runHeld(ctx context.Context) error {
	if c.doomed != nil || len(c.held.wait) == 0 {
		return c.doomed
	}
	ctx = context.WithoutCancel(ctx)
	err := c.c.Raw(func(dc any) error {
		for _, s := range c.held.wait {
			if _, err := c.execUnder(ctx, dc, s.q, s.args); err != nil {
				return err
			}
			if !c.held.saved {
				c.held.ran++
			}
		}
		return nil
	})
	c.held.wait = c.held.wait[:0]
	return c.judge(err)
}
