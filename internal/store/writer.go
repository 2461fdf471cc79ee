// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"assay/internal/clock"
	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/ledger"
)

// How many operations are committed together, and how long the first of them waits for the others.
const (
	maxBatch = 256
	maxWait  = 2 * time.Millisecond
)

// Tx is a View of the present that can also write.
type Tx struct {
	View
	log     *ledger.Log
	Receipt Receipt
	quiet   bool // a part of something whose end will be told
}

// Receipt proves what an operation wrote: the place of its last entry, and that entry's leaf hash.
type Receipt struct {
	Org   string `json:"org"`
	First int64  `json:"first"` // number of the first entry that it wrote
	Seq   int64  `json:"seq"`   // number of the last one
	Count int64  `json:"count"`
	Leaf  string `json:"leaf"` // leaf hash of the last one, in hex
}

type change struct {
	ctx  context.Context
	org  string
	by   By
	fn   func(*Tx) error
	out  Receipt
	err  error
	done chan struct{}

	quiet bool
}

// Change calls fn with a Tx and commits what it wrote, or nothing. It returns after the commit did.
// fn may run on another goroutine and must not wait for anything but the database.
func (d *DB) Change(ctx context.Context, org string, by By, fn func(*Tx) error) (Receipt, error) {
	ch := &change{ctx: ctx, org: org, by: by, fn: fn, done: make(chan struct{})}
	select {
	case <-d.stop:
		return Receipt{}, errs.New(errs.Unavailable, "the program is stopping; nothing was written")
	case <-d.broken:
		return Receipt{}, d.refusal()
	case d.queue <- ch:
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
	select {
	case <-ch.done:
		return ch.out, ch.err
	case <-d.done: // the writer has ended: it may have served us before
		select {
		case <-ch.done:
			return ch.out, ch.err
		default:
			return Receipt{}, errs.New(errs.Unavailable, "the program is stopping; nothing was written")
		}
	}
}

func (d *DB) refusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errs.New(errs.Unavailable, "the disk failed; nothing more is written until the program is started again").Because(d.poison)
}

// run is the single writer.
func (d *DB) run() {
	defer close(d.done)
	logs := map[string]*ledger.Log{}
	for {
		if ch := d.held; ch != nil {
			d.held = nil
			d.commit(ch, logs)
			continue
		}
		select {
		case first := <-d.queue:
			d.commit(first, logs)
		case <-d.stop:
			for {
				first := d.held
				if d.held = nil; first == nil {
					select {
					case first = <-d.queue:
					default:
						return
					}
				}
				d.commit(first, logs)
			}
		}
	}
}

// commit runs a batch of operations in one transaction and tells each what became of it.
func (d *DB) commit(first *change, logs map[string]*ledger.Log) {
	batch := []*change{first}
	defer func() {
		for _, ch := range batch {
			close(ch.done)
		}
	}()
	select {
	case <-d.broken:
		first.err = d.refusal()
		return
	default:
	}
	ctx := context.Background()
	c := d.sql.Writer()
	fail := func(err error) {
		clear(logs)
		c.Rollback(ctx) // it may be gone already
		err = d.judge(ctx, err)
		for _, ch := range batch {
			if ch.err == nil {
				ch.err, ch.out = err, Receipt{}
			}
		}
	}
	if err := c.Begin(ctx, true); err != nil {
		if d.sql.Engine == db.Postgres && d.sql.NewWriter(ctx) == nil {
			c = d.sql.Writer()
			err = c.Begin(ctx, true)
		}
		if err != nil {
			fail(fmt.Errorf("begin: %w", err))
			return
		}
	}
	used := map[string]*ledger.Log{}
	since := clock.Since()
	for ch := first; ch != nil; ch = d.next(&batch, since) {
		if ch != first && used[ch.org] == nil {
			free, err := ledger.Free(ctx, c, ch.org)
			if err != nil {
				fail(err)
				return
			}
			if !free { // another process writes for it: it is first in the next batch, and waits there holding nothing
				batch = batch[:len(batch)-1]
				d.held = ch
				break
			}
		}
		if err := d.one(ctx, c, ch, logs, used); err != nil {
			fail(err)
			return
		}
	}
	for _, l := range used {
		if err := l.Save(ctx, c); err != nil {
			fail(err)
			return
		}
	}
	ends := clock.Since()
	if err := c.Commit(ctx); err != nil {
		fail(fmt.Errorf("commit: %w", err))
		return
	}
	d.pace.saw(len(batch), ends())
	for org, l := range used {
		e := Event{Org: org, Size: l.Size}
		for _, ch := range batch {
			if ch.org == org && ch.err == nil && !ch.quiet {
				e.Ops = append(e.Ops, ch.by.Op)
			}
		}
		d.publish(e)
	}
}

// next is the operation that joins the batch: one that waits, or one that comes while it is worth waiting.
func (d *DB) next(batch *[]*change, since func() time.Duration) *change {
	if len(*batch) >= maxBatch || since() > maxWait {
		return nil
	}
	var ch *change
	select {
	case ch = <-d.queue:
	default:
		if ch = d.wait(len(*batch), since()); ch == nil {
			return nil
		}
	}
	*batch = append(*batch, ch)
	return ch
}

// wait waits for one more operation where the last batch was larger than this one: whoever was answered by its
// commit is about to ask again, and a commit on the disk costs more than a moment. It never waits longer than
// a commit takes, so that nobody loses more than he can gain.
func (d *DB) wait(have int, spent time.Duration) *change {
	left := min(maxWait, d.pace.commit) - spent
	if have >= d.pace.batch || left <= 0 {
		return nil
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case ch := <-d.queue:
		return ch
	case <-t.C:
		return nil
	case <-d.stop:
		return nil
	}
}

// pace is what the writer has seen of late: how many operations its last batch had, and how long a commit takes.
type pace struct {
	batch  int
	commit time.Duration
}

func (p *pace) saw(batch int, commit time.Duration) {
	p.batch = batch
	p.commit += (commit - p.commit) / 8
}

// one runs one operation behind a mark. Its own failure is its own; an error that is returned sinks the batch.
func (d *DB) one(ctx context.Context, c *db.Conn, ch *change, logs, used map[string]*ledger.Log) error {
	if ch.err = ch.ctx.Err(); ch.err != nil {
		return nil
	}
	l := used[ch.org]
	if l == nil {
		var err error
		if l, err = ledger.Load(ctx, c, ch.org, logs[ch.org]); err != nil {
			return err
		}
		logs[ch.org], used[ch.org] = l, l
	}
	if err := c.Savepoint(ctx); err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	mark := l.Mark()
	now := d.clock.Now()
	if now.Before(l.Last()) {
		now = l.Last()
	}
	tx := &Tx{View: View{Org: ch.org, At: l.Size, Now: now, c: c, db: d, By: ch.by, inTx: true}, log: l}
	tx.Receipt.First = l.Size
	err := guard(func() error { return ch.fn(tx) })
	if err == nil {
		if err = c.Keep(ctx); err == nil {
			ch.out, ch.quiet = tx.Receipt, tx.quiet
			ch.out.Org = ch.org
			return nil
		}
	}
	l.Reset(mark)
	if undo := c.Undo(ctx); undo != nil {
		return errors.Join(err, fmt.Errorf("undo: %w", undo)) // the engine gave up the whole transaction
	}
	if db.IsBroken(err) {
		return err
	}
	ch.err = err
	if db.IsFull(err) {
		ch.err = full(err)
	}
	return nil
}

// guard turns a panic of an operation into its error: it costs that operation and nothing else.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

func full(err error) error {
	return errs.New(errs.Full, "the disk is full; nothing was written").Because(err).Mend("free some space; writing goes on by itself")
}

// judge decides what an error of the whole transaction means.
func (d *DB) judge(ctx context.Context, err error) error {
	switch {
	case db.IsFull(err):
		// The log may be all that grows: what it holds is moved into the database, so that it can begin anew.
		if e := d.sql.Relieve(ctx); db.IsBroken(e) {
			return d.judge(ctx, e)
		}
		return full(err)
	case db.IsBusy(err):
		return db.Busy(err)
	case d.sql.Engine == db.Postgres:
		// The connection may be lost, and with it the word on whether the commit happened.
		if e := d.sql.NewWriter(ctx); e != nil {
			err = errors.Join(err, e)
		}
		return errs.New(errs.Unavailable, "the database did not confirm; try again with the same Idempotency-Key").Because(err)
	case db.IsBroken(err):
		d.mu.Lock()
		d.poison = err
		d.mu.Unlock()
		close(d.broken)
		return d.refusal()
	}
	return err
}
