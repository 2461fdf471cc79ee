// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"time"
)

// A slip is a small note that is neither thing nor fact and proves nothing: a session, a one-time
// link, the answer to a request that may be repeated. It has no ledger entry and ends by itself.
// What matters about it (that somebody signed in) is written as a fact.

// Slip reads a slip that has not run out.
func (v *View) Slip(ctx context.Context, space, name string) (string, bool, error) {
	var value string
	found, err := v.c.One(ctx, `SELECT value FROM slip WHERE org=$1 AND space=$2 AND name=$3 AND expires>$4`, []any{v.Org, space, name, v.db.clock.Now().UnixMilli()}, &value)
	if err != nil {
		return "", false, fmt.Errorf("read slip: %w", err)
	}
	return value, found, nil
}

// SetSlip writes a slip, over an older one of the same name.
func (tx *Tx) SetSlip(ctx context.Context, space, name, value string, until time.Time) error {
	err := tx.c.Later(ctx, `INSERT INTO slip (org, space, name, value, expires) VALUES ($1,$2,$3,$4,$5) ON CONFLICT (org, space, name) DO UPDATE SET value=excluded.value, expires=excluded.expires`,
		tx.Org, space, name, value, until.UnixMilli())
	if err != nil {
		return fmt.Errorf("write slip: %w", err)
	}
	return nil
}

// TakeSlip removes a slip and says whether it was there: of several takers exactly one is told so.
func (tx *Tx) TakeSlip(ctx context.Context, space, name string) (string, bool, error) {
	var value string
	found, err := tx.c.One(ctx, `DELETE FROM slip WHERE org=$1 AND space=$2 AND name=$3 AND expires>$4 RETURNING value`, []any{tx.Org, space, name, tx.db.clock.Now().UnixMilli()}, &value)
	if err != nil {
		return "", false, fmt.Errorf("take slip: %w", err)
	}
	return value, found, nil
}

// DropSlips removes all slips of a space whose value starts with prefix: all sessions of one user.
func (tx *Tx) DropSlips(ctx context.Context, space, prefix string) error {
	_, err := tx.c.Exec(ctx, `DELETE FROM slip WHERE org=$1 AND space=$2 AND substr(value, 1, length($3))=$3`, tx.Org, space, prefix)
	if err != nil {
		return fmt.Errorf("drop slips: %w", err)
	}
	return nil
}

// Sweep removes the slips of an organisation that have run out.
func (tx *Tx) Sweep(ctx context.Context) error {
	if _, err := tx.c.Exec(ctx, `DELETE FROM slip WHERE org=$1 AND expires<=$2`, tx.Org, tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("sweep slips: %w", err)
	}
	return nil
}
