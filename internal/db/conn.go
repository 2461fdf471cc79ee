// SPDX-License-Identifier: Apache-2.0

package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/internal/errs"
	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the PostgreSQL driver
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// Conn is one connection with its prepared statements. It is not for concurrent use.
type Conn struct {
	engine Engine
	c      *sql.Conn
	stmts  map[string]*sql.Stmt

	// steady: the connection serves operations of many callers in one transaction. A caller who gives
	// up must not cost the others theirs, and an interrupted statement ends the whole transaction.
	steady bool
	// doomed is the failure after which the engine has given up the transaction by itself. What came
	// after it would be committed statement by statement.
	doomed error
	// low reads the same file below database/sql: on SQLite, and only where it was asked for.
	low  *low
	file string
	// both: the two are at the same moment, and their transactions end together.
	both bool
	held held
	// under are statements that are prepared below database/sql.
	under map[string]driver.Stmt
}

func newConn(e Engine, c *sql.Conn) *Conn {
	return &Conn{engine: e, c: c, stmts: map[string]*sql.Stmt{}}
}

// Engine is which database this connection speaks to.
func (c *Conn) Engine() Engine { return c.engine }

func (c *Conn) close() {
	for _, s := range c.stmts {
		s.Close()
	}
	c.forget()
	c.c.Close()
	if c.low != nil {
		c.low.close()
	}
}

// stmt keeps statements prepared on SQLite; pgx does so by itself.
func (c *Conn) stmt(ctx context.Context, q string) (*sql.Stmt, error) {
	if s := c.stmts[q]; s != nil {
		return s, nil
	}
	s, err := c.c.PrepareContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("prepare %.60q: %w", q, err)
	}
	makeRoom(c.stmts, 500, func(old *sql.Stmt) { old.Close() })
	c.stmts[q] = s
	return s, nil
}

// prepareUnder is stmt, below database/sql: on the driver's own connection.
func (c *Conn) prepareUnder(ctx context.Context, dc any, q string) (driver.Stmt, error) {
	if s := c.under[q]; s != nil {
		return s, nil
	}
	d, known := dc.(driver.ConnPrepareContext)
	if !known {
		return nil, fmt.Errorf("the driver %T prepares no statements", dc)
	}
	s, err := d.PrepareContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("prepare %.60q: %w", q, err)
	}
	if c.under == nil {
		c.under = map[string]driver.Stmt{}
	}
	makeRoom(c.under, 500, func(old driver.Stmt) { old.Close() })
	c.under[q] = s
	return s, nil
}

// makeRoom drops one of the statements that are kept prepared, whichever, where there are more than most.
func makeRoom[S any](kept map[string]S, most int, drop func(S)) {
	if len(kept) <= most {
		return
	}
	for q, s := range kept {
		drop(s)
		delete(kept, q)
		return
	}
}

// forget closes what was prepared there: the engine closes no file that has a statement open.
func (c *Conn) forget() {
	if len(c.under) == 0 {
		return
	}
	c.c.Raw(func(any) error {
		for _, s := range c.under {
			s.Close()
		}
		return nil
	})
	c.under = nil
}

// Exec runs a statement that gives no rows.
func (c *Conn) Exec(ctx context.Context, q string, args ...any) (sql.Result, error) {
	if err := c.settle(ctx, true); err != nil {
		return nil, err
	}
	return c.do(ctx, q, args)
}

func (c *Conn) do(ctx context.Context, q string, args []any) (sql.Result, error) {
	if c.doomed != nil {
		return nil, c.doomed
	}
	if c.steady {
		ctx = context.WithoutCancel(ctx)
	}
	res, err := c.exec(ctx, q, args)
	return res, c.judge(err)
}

// judge remembers a failure that ends the transaction.
func (c *Conn) judge(err error) error {
	if err != nil && c.steady && c.doomed == nil && c.engine == SQLite && (IsFull(err) || IsBroken(err)) {
		c.doomed = err
	}
	return err
}

func (c *Conn) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	if c.engine != SQLite || ddl(q) {
		return c.c.ExecContext(ctx, q, args...)
	}
	var res sql.Result
	err := c.c.Raw(func(dc any) (err error) {
		res, err = c.execUnder(ctx, dc, q, args)
		return err
	})
	return res, err
}

// execUnder passes database/sql by, which would take its locks and copy the arguments each time.
func (c *Conn) execUnder(ctx context.Context, dc any, q string, args []any) (sql.Result, error) {
	st, err := c.prepareUnder(ctx, dc, q)
	if err != nil {
		return nil, err
	}
	given, err := named(q, args)
	if err != nil {
		return nil, err
	}
	d, known := st.(driver.StmtExecContext)
	if !known {
		return nil, fmt.Errorf("the driver %T runs no statements", dc)
	}
	return d.ExecContext(ctx, given)
}

// Query runs a statement that gives rows.
func (c *Conn) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if err := c.settle(ctx, !strings.HasPrefix(q, "SELECT")); err != nil {
		return nil, err
	}
	if c.doomed != nil {
		return nil, c.doomed
	}
	if c.steady {
		ctx = context.WithoutCancel(ctx)
	}
	rows, err := c.query(ctx, q, args)
	return rows, c.judge(err)
}

func (c *Conn) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	if c.engine == SQLite {
		s, err := c.stmt(ctx, q)
		if err != nil {
			return nil, err
		}
		return s.QueryContext(ctx, args...)
	}
	return c.c.QueryContext(ctx, q, args...)
}

// One scans the only row of an answer into dest, and says whether there was one.
func (c *Conn) One(ctx context.Context, q string, args []any, dest ...any) (bool, error) {
	rows, err := c.Query(ctx, q, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, c.judge(rows.Err())
	}
	if err := rows.Scan(dest...); err != nil {
		return false, err
	}
	return true, rows.Err()
}

// Each calls fn for every row of an answer.
func (c *Conn) Each(ctx context.Context, q string, args []any, fn func(*sql.Rows) error) error {
	rows, err := c.Query(ctx, q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return c.judge(rows.Err())
}

// eachRow steps through rows and closes them. What fn said is apart from what the engine said.
func eachRow(ctx context.Context, rows driver.Rows, fn func([]Cell) error) (err, own error) {
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	vals := make([]driver.Value, len(rows.Columns()))
	cells := make([]Cell, len(vals))
	for n := 0; ; n++ {
		if n&255 == 255 && ctx.Err() != nil {
			return ctx.Err(), nil
		}
		if err := rows.Next(vals); err == io.EOF {
			return nil, nil
		} else if err != nil {
			return err, nil
		}
		for i, x := range vals {
			cells[i].set(x)
		}
		if own := fn(cells); own != nil {
			return nil, own
		}
	}
}

func ddl(q string) bool {
	return strings.HasPrefix(q, "CREATE") || strings.HasPrefix(q, "DROP") || strings.HasPrefix(q, "PRAGMA")
}

// Begin starts a transaction: one that writes, or one that sees a single moment.
func (c *Conn) Begin(ctx context.Context, write bool) error {
	q := "BEGIN"
	switch {
	case c.engine == SQLite && write:
		q = "BEGIN IMMEDIATE"
	case c.engine == Postgres && !write:
		q = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	}
	c.doomed = nil
	_, err := c.Exec(ctx, q)
	return err
}

// Commit ends the transaction and keeps it.
func (c *Conn) Commit(ctx context.Context) error { _, err := c.Exec(ctx, "COMMIT"); return err }

// Rollback ends the transaction and drops it.
func (c *Conn) Rollback(ctx context.Context) error {
	c.doomed, c.held.open = nil, false
	_, err := c.Exec(ctx, "ROLLBACK")
	if c.both {
		c.both = false
		err = errors.Join(err, c.low.exec("ROLLBACK"))
	}
	return err
}

// IsFull says whether err means that the disk has no space left.
func IsFull(err error) bool {
	var s *sqlite.Error
	if errors.As(err, &s) {
		return s.Code()&0xff == sqlitelib.SQLITE_FULL
	}
	var p *pgconn.PgError
	return errors.As(err, &p) && p.Code == "53100"
}

// IsBusy says whether err means that another process held the database for too long.
func IsBusy(err error) bool {
	var s *sqlite.Error
	return errors.As(err, &s) && (s.Code()&0xff == sqlitelib.SQLITE_BUSY || s.Code()&0xff == sqlitelib.SQLITE_LOCKED)
}

// IsCut says whether err means that the engine ended a statement because its context had ended.
func IsCut(err error) bool {
	var s *sqlite.Error
	if errors.As(err, &s) {
		return s.Code()&0xff == sqlitelib.SQLITE_INTERRUPT
	}
	var p *pgconn.PgError
	return errors.As(err, &p) && p.Code == "57014"
}

// Busy is what is said of an error that IsBusy.
func Busy(err error) *errs.Error {
	return errs.New(errs.Unavailable, "another process is using the database and did not release it within %d seconds; nothing was written", int(patience.Seconds())).
		Mend("stop the other process, or wait until it has ended, and try again").Because(err)
}

// IsBroken says whether err means that what was written may not be on the disk:
// an I/O error, a failed fsync, a corrupt file. Nothing may be retried after it.
func IsBroken(err error) bool {
	var s *sqlite.Error
	if errors.As(err, &s) {
		switch s.Code() & 0xff {
		case sqlitelib.SQLITE_IOERR, sqlitelib.SQLITE_CORRUPT, sqlitelib.SQLITE_NOTADB, sqlitelib.SQLITE_READONLY, sqlitelib.SQLITE_CANTOPEN:
			return true
		}
		return false
	}
	var p *pgconn.PgError
	return errors.As(err, &p) && (strings.HasPrefix(p.Code, "58") || strings.HasPrefix(p.Code, "XX"))
}

// plain is the part of a driver's message that helps a person, without addresses or passwords.
func plain(err error) string {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Message
	}
	var s *sqlite.Error
	if errors.As(err, &s) {
		return s.Error()
	}
	var c *pgconn.ConnectError
	if errors.As(err, &c) {
		return "no connection could be made"
	}
	return "the connection failed"
}

// settings refuses to go on where the engine could lose what was acknowledged (bar B10).
func (d *DB) settings(ctx context.Context) error {
	if d.Engine == SQLite {
		return d.sqliteSettings(ctx)
	}
	return d.postgresSettings(ctx)
}

func (d *DB) sqliteSettings(ctx context.Context) error {
	var version, journal string
	var sync, fk int
	for q, dest := range map[string]any{
		"SELECT sqlite_version()": &version, "PRAGMA journal_mode": &journal, "PRAGMA synchronous": &sync, "PRAGMA foreign_keys": &fk,
	} {
		if err := d.writer.c.QueryRowContext(ctx, q).Scan(dest); err != nil {
			return errs.New(errs.Unavailable, "the database file cannot be opened: %s", plain(err)).Because(err)
		}
	}
	return JudgeSQLite(version, journal, sync, fk)
}

// JudgeSQLite says whether SQLite with these settings may hold a ledger.
func JudgeSQLite(version, journal string, sync, fk int) error {
	var a, b, c int
	fmt.Sscanf(version, "%d.%d.%d", &a, &b, &c)
	switch {
	case a*1_000_000+b*1_000+c < 3_051_003:
		return refuse("SQLite %s has a known corruption race; at least 3.51.3 is needed", version)
	case !strings.EqualFold(journal, "wal"):
		return refuse("SQLite journal_mode is %s, not wal", journal)
	case sync != 2:
		return refuse("SQLite synchronous is %d, not 2 (FULL): acknowledged work could be lost", sync)
	case fk != 1:
		return refuse("SQLite foreign_keys is off")
	}
	return nil
}

func (d *DB) postgresSettings(ctx context.Context) error {
	s := map[string]string{}
	for _, name := range []string{"server_version_num", "fsync", "full_page_writes", "synchronous_commit"} {
		var v string
		if err := d.writer.c.QueryRowContext(ctx, "SHOW "+name).Scan(&v); err != nil {
			return errs.New(errs.Unavailable, "the database does not answer: %s", plain(err)).Because(err)
		}
		s[name] = v
	}
	var super, bypass bool
	if err := d.writer.c.QueryRowContext(ctx, `SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname=current_user`).Scan(&super, &bypass); err != nil {
		return fmt.Errorf("read role: %w", err)
	}
	return JudgePostgres(s, super, bypass)
}

// JudgePostgres says whether PostgreSQL with these settings may hold a ledger.
func JudgePostgres(s map[string]string, super, bypass bool) error {
	var version int
	fmt.Sscanf(s["server_version_num"], "%d", &version)
	switch {
	case version < 150000:
		return refuse("PostgreSQL %s is too old; at least 15 is needed", s["server_version_num"])
	case s["fsync"] != "on":
		return refuse("PostgreSQL fsync is %s: acknowledged work could be lost", s["fsync"])
	case s["full_page_writes"] != "on":
		return refuse("PostgreSQL full_page_writes is %s: a power cut could corrupt pages", s["full_page_writes"])
	case s["synchronous_commit"] == "off" || s["synchronous_commit"] == "":
		return refuse("PostgreSQL synchronous_commit is off: acknowledged work could be lost")
	case super:
		return refuse("the PostgreSQL role is a superuser").Mend("make an ordinary role that owns only this database")
	case bypass:
		return refuse("the PostgreSQL role has BYPASSRLS").Mend("ALTER ROLE … NOBYPASSRLS")
	}
	return nil
}

func refuse(format string, a ...any) *errs.Error {
	return errs.New(errs.Unavailable, "will not start: "+format, a...)
}
