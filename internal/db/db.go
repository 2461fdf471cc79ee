// SPDX-License-Identifier: Apache-2.0

// Package db opens the database and holds everything in which the two engines differ.
//
// There is one SQL text for SQLite and PostgreSQL; what cannot be said in one text ({bytes},
// {clustered}, savepoints, error codes, settings) is said here. It knows no table's meaning.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"assay/internal/errs"
)

// Engine is which database it is.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// patience is how long a statement waits for another process that holds the SQLite file.
var patience = 10 * time.Second

// DB is an open database: one connection that writes, and a pool that only reads.
type DB struct {
	Engine  Engine
	file    string // address of the SQLite file
	write   *sql.DB
	read    *sql.DB
	writer  *Conn
	readers chan *Conn

	mu     sync.Mutex
	closed bool
}

// Open opens "sqlite:PATH" or "postgres://…". The schema is the caller's affair.
func Open(ctx context.Context, dsn string) (*DB, error) {
	var d *DB
	var err error
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		d, err = openSQLite(strings.TrimPrefix(dsn, "sqlite:"))
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		d, err = openPostgres(dsn)
	default:
		return nil, errs.At("database", "%q is not a database address", redact(dsn)).Mend("write sqlite:FILE or postgres://USER@HOST/NAME")
	}
	if err != nil {
		return nil, err
	}
	if err := d.connect(ctx); err != nil {
		d.Close()
		return nil, err
	}
	if err := d.settings(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func openSQLite(path string) (*DB, error) {
	if path == "" {
		return nil, errs.At("database", "sqlite: wants a file name")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, errs.New(errs.Unavailable, "cannot make the folder of the database: %v", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would let everybody read it; its log takes the rights from it
	if err != nil {
		return nil, errs.New(errs.Unavailable, "the database file cannot be opened: %v", errors.Unwrap(err)).Because(err)
	}
	f.Close()
	file := "file:" + (&url.URL{Path: path}).EscapedPath()
	base := file +
		fmt.Sprintf("?_pragma=busy_timeout(%d)", patience.Milliseconds()) + "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)" +
		"&_pragma=wal_autocheckpoint(10000)&_pragma=cache_size(-16000)"
	// The writer keeps what it may have to take back on the disk: in memory the engine walks through all of it at every statement
	// of a long transaction.
	w, err := sql.Open("sqlite", base+"&_pragma=temp_store(FILE)")
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	r, err := sql.Open("sqlite", base+"&_pragma=temp_store(MEMORY)&_pragma=query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	return &DB{Engine: SQLite, file: file, write: w, read: r}, nil
}

func openPostgres(dsn string) (*DB, error) {
	w, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, errs.At("database", "the address cannot be read").Because(err)
	}
	r, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, errs.At("database", "the address cannot be read").Because(err)
	}
	return &DB{Engine: Postgres, write: w, read: r}, nil
}

func (d *DB) connect(ctx context.Context) error {
	c, err := d.write.Conn(ctx)
	if IsBusy(err) {
		return Busy(err)
	}
	if err != nil {
		return errs.New(errs.Unavailable, "the database does not answer: %s", plain(err)).Because(err)
	}
	d.writer = newConn(d.Engine, c)
	d.writer.steady = true
	n := max(4, 2*runtime.GOMAXPROCS(0))
	d.read.SetMaxOpenConns(n)
	d.readers = make(chan *Conn, n)
	for range n {
		d.readers <- nil // opened when first used, so that starting costs one connection
	}
	return nil
}

// Writer is the one connection that writes. Only one goroutine may use it.
func (d *DB) Writer() *Conn { return d.writer }

// NewWriter gives the writer a fresh connection, after the old one broke.
func (d *DB) NewWriter(ctx context.Context) error {
	if d.writer != nil {
		d.writer.close()
	}
	c, err := d.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	d.writer = newConn(d.Engine, c)
	d.writer.steady = true
	return nil
}

// Reader lends a connection that only reads, until it is given back by Release.
func (d *DB) Reader(ctx context.Context) (*Conn, error) {
	select {
	case c := <-d.readers:
		if c != nil {
			return c, nil
		}
		conn, err := d.read.Conn(ctx)
		if err != nil {
			d.readers <- nil
			return nil, fmt.Errorf("connect: %w", err)
		}
		r := newConn(d.Engine, conn)
		r.file = d.file
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Release gives a reader back. A broken one is closed instead.
func (d *DB) Release(c *Conn, broken bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if broken || d.closed {
		c.close()
		c = nil
	}
	d.readers <- c
}

// Close closes every connection: those that are lent out when they are given back. The last one to
// leave a SQLite file moves its log into it.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	for range len(d.readers) {
		if c := <-d.readers; c != nil {
			c.close()
		}
		d.readers <- nil
	}
	if d.writer != nil {
		d.writer.close()
	}
	return errors.Join(d.read.Close(), d.write.Close())
}

// DDL fills in what the engines call by different names.
func (d *DB) DDL(q string) string {
	b, cl := "BYTEA", ""
	if d.Engine == SQLite {
		b, cl = "BLOB", "WITHOUT ROWID"
	}
	if d.Engine == Postgres {
		q = strings.ReplaceAll(q, " TEXT", ` TEXT COLLATE "C"`) // one order of text on both engines: that of bytes
	}
	return strings.NewReplacer("{bytes}", b, "{clustered}", cl).Replace(q)
}

// Lock makes processes that set up the schema at once wait for each other, until the transaction ends.
func (d *DB) Lock(ctx context.Context, c *Conn) error {
	if d.Engine == Postgres {
		_, err := c.Exec(ctx, `SELECT pg_advisory_xact_lock(4711001)`)
		return err
	}
	return nil // BEGIN IMMEDIATE has it already
}

func redact(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		return u.Redacted()
	}
	return dsn
}
