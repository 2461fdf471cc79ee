// SPDX-License-Identifier: Apache-2.0

// Package store keeps things and facts of one or many organisations, now and at any moment past.
//
// A View reads, for one organisation, at one point of its ledger. A Tx is a View that can also
// change things, and each change is an entry of the ledger in the same database transaction: there
// is no other way to write. Every write goes through one goroutine that commits several operations
// together, and is acknowledged only after the commit returned.
//
// Bodies stand once, in the ledger; each kind has an index table made from the tags of its struct.
// Index tables are projections: when the tags change they are dropped and made again. The package
// knows no kind by name, no role and no face.
package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"time"

	"assay/internal/clock"
	"assay/internal/db"
	"assay/internal/id"
	"assay/internal/kind"
	"assay/internal/ledger"
	"assay/internal/seal"
)

// forever is the until of what still holds.
const forever = int64(1) << 62

// Options are what a store is opened with.
type Options struct {
	Clock   clock.Clock
	Rand    io.Reader
	Kinds   []kind.Shape
	Tables  []FactTable
	Keys    *ledger.Keys
	Anchors *ledger.Anchors
	Seals   *seal.Ring // the keys of secrets; nil where no kind has any
}

// DB is an open store.
type DB struct {
	sql     *db.DB
	clock   clock.Clock
	ids     id.Source
	kinds   map[string]*shape
	order   []string // names of kinds, as they were declared
	tables  map[string]FactTable
	keys    *ledger.Keys
	anchors *ledger.Anchors
	seals   *seal.Ring
	unread  unread

	queue  chan *change
	held   *change // taken from the queue and put off to the next batch; the writer's own
	pace   pace    // the writer's own
	stop   chan struct{}
	done   chan struct{}
	broken chan struct{}

	verifying sync.Mutex

	mu      sync.Mutex
	poison  error
	watch   map[chan Event]bool
	closing bool
}

// shape is a kind as the store needs it.
type shape struct {
	kind.Shape
	index []kind.Field // fields with a column
	refs  []kind.Field
	names []string // of these two, each once
	refAt []int    // of each reference, its place in names
	keyAt int      // of the key, its place in names; -1 where the kind has none
	cites []string // fields in which a file can be cited

	secrets     []kind.Field
	secretNames []string

	insert, end string // the statements that make and end a row of its table
}

// Event says that the ledger of an organisation has grown, and by which operations; those that are under way are not among them.
type Event struct {
	Org  string
	Size int64
	Ops  []string
}

// Open makes the tables that are missing, and again those whose kind has changed.
func Open(ctx context.Context, conn *db.DB, o Options) (*DB, error) {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	d := &DB{sql: conn, clock: o.Clock, ids: id.Source{Rand: o.Rand}, kinds: map[string]*shape{}, tables: map[string]FactTable{},
		keys: o.Keys, anchors: o.Anchors, seals: o.Seals, queue: make(chan *change, 1024), stop: make(chan struct{}), done: make(chan struct{}),
		broken: make(chan struct{}), watch: map[chan Event]bool{}}
	for _, k := range o.Kinds {
		s := &shape{Shape: k}
		for _, f := range k.Fields {
			if f.Index {
				s.index = append(s.index, f)
			}
			if f.Ref != "" {
				s.refs = append(s.refs, f)
			}
			if f.Secret {
				s.secrets, s.secretNames = append(s.secrets, f), append(s.secretNames, f.Name)
			}
		}
		if k.Key != "" {
			s.index = append(s.index, kind.Field{Name: keyColumn, Type: "string"})
		}
		s.prepare()
		if d.kinds[k.Name] != nil {
			return nil, fmt.Errorf("kind %s is declared twice", k.Name)
		}
		d.kinds[k.Name] = s
		d.order = append(d.order, k.Name)
	}
	for _, t := range o.Tables {
		if d.tables[t.name()] != nil || d.kinds[t.name()] != nil {
			return nil, fmt.Errorf("table %s is declared twice", t.name())
		}
		d.tables[t.name()] = t
	}
	if err := d.migrate(ctx); err != nil {
		return nil, err
	}
	if err := d.firstSeal(ctx); err != nil {
		return nil, err
	}
	go d.run()
	return d, nil
}

// Clock is the clock of the store.
func (d *DB) Clock() clock.Clock { return d.clock }

// IDs makes identifiers and tokens.
func (d *DB) IDs() id.Source { return d.ids }

// Kinds lists the kinds, as they were declared.
func (d *DB) Kinds() []kind.Shape {
	out := make([]kind.Shape, len(d.order))
	for i, n := range d.order {
		out[i] = d.kinds[n].Shape
	}
	return out
}

// Engine is which database lies beneath.
func (d *DB) Engine() db.Engine { return d.sql.Engine }

// Broken is closed when a write may not have reached the disk. The process must then stop.
func (d *DB) Broken() <-chan struct{} { return d.broken }

// Close waits for writes under way, then closes the database.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		return nil
	}
	d.closing = true
	d.mu.Unlock()
	close(d.stop)
	<-d.done
	return d.sql.Close()
}

// Watch tells of every commit until the returned function is called. A slow listener misses events, never delays a commit.
func (d *DB) Watch() (<-chan Event, func()) {
	ch := make(chan Event, 64)
	d.mu.Lock()
	d.watch[ch] = true
	d.mu.Unlock()
	return ch, func() {
		d.mu.Lock()
		delete(d.watch, ch)
		d.mu.Unlock()
	}
}

func (d *DB) publish(e Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ch := range d.watch {
		select {
		case ch <- e:
		default:
		}
	}
}

// View reads one organisation at one point of its ledger. It is not for concurrent use.
type View struct {
	Org  string
	At   int64     // number of entries that are seen
	Now  time.Time // the moment that is seen: now, or the moment asked for
	Past bool      // whether an earlier moment was asked for
	By   By        // who asks

	c     *db.Conn
	db    *DB
	inTx  bool
	size  int64 // of the ledger, as the transaction sees it
	tried bool  // whether the quicker way was tried

	open      []part // groups of facts that are under way
	partsRead bool

	veiled []string // kinds whose guarded things are hidden
}

// By is who does or asks something, and through which face.
type By struct {
	Actor, Via, Op string
	Session        string // the sign-in of a person on a page; empty for a token and for the program
	SecondFactor   bool   // whether that person showed a second factor
}

// System is the program itself, doing op.
func System(op string) By { return By{Actor: "system", Via: "system", Op: op} }

// View calls fn with a view of the present, or of the moment asOf where it is not zero.
func (d *DB) View(ctx context.Context, org string, asOf time.Time, by By, fn func(*View) error) (err error) {
	c, err := d.sql.Reader(ctx)
	if err != nil {
		return err
	}
	broken := true
	defer func() { d.sql.Release(c, broken) }()
	if err := c.Begin(ctx, false); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	v := &View{Org: org, c: c, db: d, By: by}
	var last time.Time
	v.size, last, err = ledger.Head(ctx, c, org)
	v.Now = d.notBefore(last)
	if v.At = v.size; err == nil && !asOf.IsZero() {
		v.Past, v.Now = true, asOf.UTC()
		v.At, err = ledger.SizeAt(ctx, c, org, asOf)
	}
	if err == nil {
		err = fn(v)
	}
	broken = c.Rollback(context.WithoutCancel(ctx)) != nil
	return err
}

// notBefore is the moment that the clock says, but never one before an entry that is there: a clock that is set back makes
// nothing happen in the past.
func (d *DB) notBefore(last time.Time) time.Time {
	if now := d.clock.Now(); now.After(last) {
		return now
	}
	return last
}

// Now is the moment at which something happens in an organisation.
func (d *DB) Now(ctx context.Context, org string) (now time.Time, err error) {
	err = d.View(ctx, org, time.Time{}, System("now"), func(v *View) error { now = v.Now; return nil })
	return now, err
}

// ViewAt is View at a position of the ledger instead of a moment.
func (d *DB) ViewAt(ctx context.Context, org string, size int64, by By, fn func(*View) error) error {
	return d.View(ctx, org, time.Time{}, by, func(v *View) error {
		if size < v.At {
			v.At, v.Past = size, true
			if t, err := v.timeOf(ctx, size-1); err == nil {
				v.Now = t
			}
		}
		return fn(v)
	})
}

func (v *View) timeOf(ctx context.Context, seq int64) (time.Time, error) {
	var ms int64
	ok, err := v.c.One(ctx, `SELECT at FROM entry WHERE org=$1 AND seq=$2`, []any{v.Org, seq}, &ms)
	if err == nil && !ok {
		err = fmt.Errorf("there is no entry %d", seq)
	}
	return time.UnixMilli(ms).UTC(), err
}

// Shape describes a kind by name.
func (v *View) Shape(name string) (kind.Shape, bool) {
	s := v.db.kinds[name]
	if s == nil {
		return kind.Shape{}, false
	}
	return s.Shape, true
}

// span is the condition under which a row of a table with since and until (or batch and until) is seen,
// with $n standing for v.At where the past is looked at.
func (v *View) span(alias, since string, n int) string {
	if !v.Past {
		return fmt.Sprintf("%suntil=%d", alias, forever)
	}
	return fmt.Sprintf("%s%s<$%d AND %suntil>=$%d", alias, since, n, alias, n)
}
