// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"assay/internal/errs"
)

// disposalKind is the kind of the entries that say what was lawfully removed.
const disposalKind = "disposal"

// Disposal is what is lawfully removed, and why. It is the body of the entry that says so.
type Disposal struct {
	Entries []int64        `json:"entries"`
	Rows    []DisposedRows `json:"rows,omitempty"`
	Reason  string         `json:"reason"`
}

// DisposedRows are rows of one batch of facts.
type DisposedRows struct {
	Batch int64   `json:"batch"`
	N     []int64 `json:"n"`
}

// Dispose removes the bodies and salts of entries, what was made from them in index tables and links,
// and all rows of those that are batches of facts; of single rows it removes salt and text. The entries
// stay, and the ledger still verifies: one new entry lists what was removed. Nothing brings back what was
// disposed of. It returns the number of the new entry.
func Dispose(ctx context.Context, tx *Tx, what Disposal) (int64, error) {
	if what.Reason == "" {
		return 0, errs.At("reason", "is required")
	}
	what.Entries = slices.Compact(slices.Sorted(slices.Values(what.Entries)))
	if n := len(what.Entries) + len(what.Rows); n == 0 || n > 10_000 {
		return 0, errs.At("entries", "wants between 1 and 10000 entries or rows")
	}
	made := make([]Version, len(what.Entries))
	for i, seq := range what.Entries {
		var err error
		if made[i], err = tx.disposable(ctx, seq); err != nil {
			return 0, err
		}
	}
	if err := tx.named(ctx, made); err != nil {
		return 0, err
	}
	body, err := Encode(what)
	if err != nil {
		return 0, fmt.Errorf("write disposal: %w", err)
	}
	at, err := tx.entry(ctx, disposalKind, tx.db.ids.New("dis", tx.Now), 1, body)
	if err != nil {
		return 0, err
	}
	for _, e := range made {
		if err := tx.erase(ctx, e); err != nil {
			return 0, fmt.Errorf("dispose of entry %d: %w", e.Seq, err)
		}
	}
	for _, r := range what.Rows {
		if err := tx.eraseRows(ctx, r); err != nil {
			return 0, fmt.Errorf("dispose of rows of batch %d: %w", r.Batch, err)
		}
	}
	return at, nil
}

// disposable reads an entry whose body may be removed.
func (tx *Tx) disposable(ctx context.Context, seq int64) (Version, error) {
	e, err := tx.Entry(ctx, seq)
	switch {
	case err != nil:
		return e, err
	case e.State == "disposed":
		return e, errs.New(errs.Conflict, "entry %d was disposed of before", seq)
	case e.Kind == disposalKind:
		return e, errs.At("entries", "entry %d says what was disposed of, and stays", seq)
	}
	return e, nil
}

// erase removes what one entry has made.
func (tx *Tx) erase(ctx context.Context, e Version) error {
	if _, err := tx.c.Exec(ctx, `UPDATE body SET salt=NULL, body=NULL WHERE org=$1 AND seq=$2`, tx.Org, e.Seq); err != nil {
		return err
	}
	if tx.db.tables[e.Kind] != nil {
		_, err := tx.c.Exec(ctx, `DELETE FROM f_`+e.Kind+` WHERE org=$1 AND batch=$2`, tx.Org, e.Seq)
		return err
	}
	s := tx.db.kinds[e.Kind]
	if s == nil {
		return nil
	}
	if _, err := tx.c.Exec(ctx, `DELETE FROM `+s.table()+` WHERE org=$1 AND id=$2 AND since=$3`, tx.Org, e.ID, e.Seq); err != nil {
		return err
	}
	_, err := tx.c.Exec(ctx, `DELETE FROM link WHERE org=$1 AND from_id=$2 AND since=$3`, tx.Org, e.ID, e.Seq)
	return err
}

// eraseRows removes salt and columns of single rows of a batch of facts, the key with them. Such a row ends
// at its own batch, so that it is seen at no moment; what it replaced stays replaced.
func (tx *Tx) eraseRows(ctx context.Context, r DisposedRows) error {
	e, err := tx.disposable(ctx, r.Batch)
	if err != nil {
		return err
	}
	t := tx.db.tables[e.Kind]
	if t == nil {
		return errs.At("rows", "entry %d is not a batch of facts", r.Batch)
	}
	set := "salt=NULL"
	if t.key() != nil {
		set += ", until=batch"
	}
	for _, c := range t.columns() {
		set += fmt.Sprintf(", %q=NULL", c.name)
	}
	for _, n := range r.N {
		var done sql.Result
		if done, err = tx.c.Exec(ctx, `UPDATE f_`+e.Kind+` SET `+set+` WHERE org=$1 AND batch=$2 AND n=$3`, tx.Org, r.Batch, n); err != nil {
			return err
		}
		if k, err := done.RowsAffected(); err != nil || k != 1 {
			return errs.At("rows", "batch %d has no row %d", r.Batch, n).Because(err)
		}
	}
	return nil
}
