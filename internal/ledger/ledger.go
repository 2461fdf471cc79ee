// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"golang.org/x/mod/sumdb/tlog"
)

type rows = *sql.Rows

// Schema makes the tables of the ledger. In entry, node and checkpoint nothing is ever updated or
// deleted; body loses a row's salt and body only by lawful disposal; head is one row for each
// organisation, and whoever has updated it is the one writer.
var Schema = []string{
	`CREATE TABLE IF NOT EXISTS head (org TEXT NOT NULL PRIMARY KEY, size BIGINT NOT NULL, at BIGINT NOT NULL) {clustered}`,
	`CREATE TABLE IF NOT EXISTS entry (org TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, op TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, rev BIGINT NOT NULL, digest {bytes} NOT NULL, leaf {bytes} NOT NULL, PRIMARY KEY (org, seq)) {clustered}`,
	`CREATE TABLE IF NOT EXISTS body (org TEXT NOT NULL, seq BIGINT NOT NULL, salt {bytes}, body TEXT, PRIMARY KEY (org, seq)) {clustered}`,
	`CREATE TABLE IF NOT EXISTS node (org TEXT NOT NULL, level INTEGER NOT NULL, ix BIGINT NOT NULL, hash {bytes} NOT NULL, PRIMARY KEY (org, level, ix)) {clustered}`,
	`CREATE TABLE IF NOT EXISTS checkpoint (org TEXT NOT NULL, size BIGINT NOT NULL, at BIGINT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (org, size)) {clustered}`,
}

// Log appends to the ledger of one organisation inside the caller's transaction.
// It lives as long as the transaction does not fail; after a failure it must be loaded anew.
type Log struct {
	org  string
	last time.Time
	Frontier
}

// CheckOrg says whether a name may be that of an organisation. It stands in the names of files and keys and
// at the top of every checkpoint, so that it is one that no file system and no reader can take for another.
func CheckOrg(org string) error {
	ok := len(org) >= 1 && len(org) <= 64 && org[0] >= 'a' && org[0] <= 'z'
	for i := range len(org) {
		c := org[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-')
	}
	if !ok {
		return errs.At("org", "%.70q cannot be the name of an organisation", org).Mend("use 1 to 64 lower-case letters, digits, _ and -, with a letter first")
	}
	return nil
}

// Load takes the head of the organisation's ledger for writing, and makes it if there is none.
// known, where not nil, is a Log from an earlier transaction, used again if nobody else has written since.
func Load(ctx context.Context, c *db.Conn, org string, known *Log) (*Log, error) {
	if err := CheckOrg(org); err != nil {
		return nil, err
	}
	q := `SELECT size, at FROM head WHERE org=$1`
	if c.Engine() == db.Postgres {
		q += ` FOR UPDATE`
	}
	var size, at int64
	found, err := c.One(ctx, q, []any{org}, &size, &at)
	if err == nil && !found { // another process may be making it too: then it is read again, for it may have gone on
		if _, err := c.Exec(ctx, `INSERT INTO head (org, size, at) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING`, org); err != nil {
			return nil, fmt.Errorf("make head: %w", err)
		}
		_, err = c.One(ctx, q, []any{org}, &size, &at)
	}
	if err != nil {
		return nil, fmt.Errorf("take head: %w", err)
	}
	if known != nil && known.Size == size && known.last.UnixMilli() == at {
		return known, nil
	}
	f, err := LoadFrontier(ctx, c, org, size)
	if err != nil {
		return nil, err
	}
	return &Log{org: org, last: time.UnixMilli(at).UTC(), Frontier: *f}, nil
}

// Free says whether the head of the organisation can be taken without waiting for another process.
// A transaction that holds one head must not wait for a second: two that wait for each other never end.
func Free(ctx context.Context, c *db.Conn, org string) (bool, error) {
	if c.Engine() != db.Postgres {
		return true, nil // one process writes at a time
	}
	var one int
	found, err := c.One(ctx, `SELECT 1 FROM head WHERE org=$1 FOR UPDATE SKIP LOCKED`, []any{org}, &one)
	if err != nil {
		return false, fmt.Errorf("look at head: %w", err)
	}
	return found, nil
}

// Append adds an entry with its body, and gives it its place and its time: never before the entry
// in front of it, so that the order of the ledger and the order of time are one. It returns the entry's leaf hash.
func (l *Log) Append(ctx context.Context, c *db.Conn, e *Entry, salt, body []byte) (tlog.Hash, error) {
	e.Org, e.Seq = l.org, l.Size
	if e.At.Before(l.last) {
		e.At = l.last
	}
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if body == nil {
		body = nothing
	}
	e.Digest = Commit(salt, body)
	if !e.Sound() {
		return tlog.Hash{}, fmt.Errorf("entry of %s %s is not sound", e.Op, e.ID)
	}
	leaf := e.Leaf()
	if err := c.Later(ctx, `INSERT INTO entry (org, seq, at, actor, via, op, kind, id, rev, digest, leaf) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`,
		e.Org, e.Seq, e.At.UnixMilli(), e.Actor, e.Via, e.Op, e.Kind, e.ID, e.Rev, e.Digest[:], leaf[:]); err != nil {
		return tlog.Hash{}, fmt.Errorf("append entry: %w", err)
	}
	if err := c.Later(ctx, `INSERT INTO body (org, seq, salt, body) VALUES ($1,$2,$3,$4)`, e.Org, e.Seq, salt, string(body)); err != nil {
		return tlog.Hash{}, fmt.Errorf("append body: %w", err)
	}
	for _, n := range l.push(leaf) {
		if err := c.Later(ctx, `INSERT INTO node (org, level, ix, hash) VALUES ($1,$2,$3,$4)`, l.org, n.level, n.ix, n.hash[:]); err != nil {
			return tlog.Hash{}, fmt.Errorf("append node: %w", err)
		}
	}
	l.last = e.At
	return leaf, nil
}

// Save writes the head. It is called once, before the transaction commits.
func (l *Log) Save(ctx context.Context, c *db.Conn) error {
	_, err := c.Exec(ctx, `UPDATE head SET size=$1, at=$2 WHERE org=$3`, l.Size, l.last.UnixMilli(), l.org)
	if err != nil {
		return fmt.Errorf("save head: %w", err)
	}
	return nil
}

// Mark copies where the log stands, for going back when an operation fails.
func (l *Log) Mark() Log { return *l }

// Reset goes back to a mark.
func (l *Log) Reset(m Log) { *l = m }

// Last is the time of the newest entry.
func (l *Log) Last() time.Time { return l.last }

// SizeOf is the number of entries, as the connection sees it.
func SizeOf(ctx context.Context, c *db.Conn, org string) (int64, error) {
	var n int64
	if err := c.EachCell(ctx, `SELECT size FROM head WHERE org=$1`, []any{org}, func(x []db.Cell) error { n = x[0].Num; return nil }); err != nil {
		return 0, fmt.Errorf("ledger size: %w", err)
	}
	return n, nil
}

// Head is the number of entries, as the connection sees it, and the time of the last one.
func Head(ctx context.Context, c *db.Conn, org string) (size int64, last time.Time, err error) {
	err = c.EachCell(ctx, `SELECT size, at FROM head WHERE org=$1`, []any{org}, func(x []db.Cell) error {
		size, last = x[0].Num, time.UnixMilli(x[1].Num).UTC()
		return nil
	})
	if err != nil {
		return 0, last, fmt.Errorf("ledger head: %w", err)
	}
	return size, last, nil
}

// SizeAt is the number of entries that were there at a moment: those not later than it.
// Times never fall along the ledger, so it is found by halving.
func SizeAt(ctx context.Context, c *db.Conn, org string, at time.Time) (int64, error) {
	hi, err := SizeOf(ctx, c, org)
	if err != nil {
		return 0, err
	}
	lo := int64(0)
	for lo < hi {
		mid := (lo + hi) / 2
		var ms int64
		if _, err := c.One(ctx, `SELECT at FROM entry WHERE org=$1 AND seq=$2`, []any{org, mid}, &ms); err != nil {
			return 0, fmt.Errorf("ledger at %s: %w", at, err)
		}
		if ms <= at.UnixMilli() {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, nil
}

// Columns are the columns of an entry, in the order of Scan.
const Columns = `e.org, e.seq, e.at, e.actor, e.via, e.op, e.kind, e.id, e.rev, e.digest`

// Scan reads the columns of an entry, and then more.
func Scan(r *sql.Rows, e *Entry, more ...any) error {
	var at int64
	var digest sql.RawBytes
	dest := append([]any{&e.Org, &e.Seq, &at, &e.Actor, &e.Via, &e.Op, &e.Kind, &e.ID, &e.Rev, &digest}, more...)
	if err := r.Scan(dest...); err != nil {
		return fmt.Errorf("read entry: %w", err)
	}
	e.At = time.UnixMilli(at).UTC()
	if len(digest) != 32 {
		return fmt.Errorf("entry %d: a digest of %d bytes", e.Seq, len(digest))
	}
	copy(e.Digest[:], digest)
	return nil
}
