// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// Sign signs a checkpoint for everything that is durable now, moves the anchor, and with keep
// also leaves the checkpoint in the database.
func (d *DB) Sign(ctx context.Context, org string, keep bool) (ledger.Checkpoint, error) {
	var cp ledger.Checkpoint
	err := d.View(ctx, org, time.Time{}, System("ledger.sign"), func(v *View) (err error) {
		cp, err = ledger.Sign(ctx, v.c, org, d.keys, d.anchors, d.clock.Now())
		return err
	})
	if err != nil || !keep {
		return cp, err
	}
	_, err = d.Change(ctx, org, System("ledger.sign"), func(tx *Tx) error {
		var at int64 // the time of its last entry: whoever reads the row can hold it against the ledger
		if cp.Size > 0 {
			t, err := tx.timeOf(ctx, cp.Size-1)
			if err != nil {
				return err
			}
			at = t.UnixMilli()
		}
		_, err := tx.c.Exec(ctx, `INSERT INTO checkpoint (org, size, at, note) VALUES ($1,$2,$3,$4) ON CONFLICT DO NOTHING`, org, cp.Size, at, cp.Note)
		return err
	})
	return cp, err
}

// PublicKey is the key that checks the checkpoints of an organisation.
func (d *DB) PublicKey(org string) (string, error) {
	_, vkey, err := d.keys.Signer(org)
	return vkey, err
}

// LastCheckpoint is the last checkpoint that was signed, or an empty one.
func (d *DB) LastCheckpoint(org string) (ledger.Checkpoint, error) {
	msg, err := d.anchors.Last(org)
	if err != nil || msg == "" {
		return ledger.Checkpoint{}, err
	}
	return ledger.ReadNote(msg)
}

// Behind says whether the database lost entries that a signed checkpoint covers.
func (d *DB) Behind(ctx context.Context, org string) error {
	cp, err := d.LastCheckpoint(org)
	if err != nil || cp.Note == "" {
		return err
	}
	return d.View(ctx, org, time.Time{}, System("ledger.sign"), func(v *View) error {
		if v.At < cp.Size {
			return errs.New(errs.Conflict, "the database has %d entries, and a checkpoint for %d was signed: it was restored from an older copy or lost entries", v.At, cp.Size)
		}
		return nil
	})
}

// Prove proves that an entry stands in the ledger as the view sees it, under the root that it gives.
func (v *View) Prove(ctx context.Context, seq int64) (tlog.RecordProof, tlog.Hash, error) {
	if seq < 0 || seq >= v.At {
		return nil, tlog.Hash{}, errs.New(errs.NotFound, "there is no ledger entry %d", seq)
	}
	p, err := ledger.ProveEntry(ctx, v.c, v.Org, v.At, seq)
	if err != nil {
		return nil, tlog.Hash{}, fmt.Errorf("prove entry %d: %w", seq, err)
	}
	root, err := ledger.RootAt(ctx, v.c, v.Org, v.At)
	return p, root, err
}

// Orgs lists the organisations that have a ledger.
func (d *DB) Orgs(ctx context.Context) ([]string, error) {
	c, err := d.sql.Reader(ctx)
	if err != nil {
		return nil, err
	}
	out := []string{}
	err = c.Each(ctx, `SELECT org FROM head ORDER BY org`, nil, func(r *sql.Rows) error {
		var o string
		err := r.Scan(&o)
		out = append(out, o)
		return err
	})
	d.sql.Release(c, err != nil)
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	return out, nil
}

// SQL lends the database to the few packages that keep tables of their own.
func (d *DB) SQL() *db.DB { return d.sql }
