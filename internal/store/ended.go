// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"

	"assay/internal/errs"
)

// Ended is a thing that was ended: the entry that did it, and what the thing was before.
type Ended struct {
	By  Version // the entry that ended it
	Was Version // its last version; without a body where that was disposed of
}

// Ended lists the things of a kind that were ended, as the view knows them, in the order in which that was done.
func (v *View) Ended(ctx context.Context, kindName string) ([]Ended, error) {
	s := v.db.kinds[kindName]
	if s == nil {
		return nil, errs.New(errs.NotFound, "there is no kind %s", kindName)
	}
	var seqs [][2]int64
	q := fmt.Sprintf(`SELECT k.since, k.until FROM %[1]s k WHERE k.org=$1 AND k.until<$2
AND NOT EXISTS (SELECT 1 FROM %[1]s n WHERE n.org=k.org AND n.id=k.id AND n.since=k.until)%[2]s ORDER BY k.until`, s.table(), v.seen(s, "k.id"))
	err := v.c.Each(ctx, q, []any{v.Org, v.At}, func(r *sql.Rows) error {
		var x [2]int64
		err := r.Scan(&x[0], &x[1])
		seqs = append(seqs, x)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list ended %s: %w", s.Plural, err)
	}
	out := make([]Ended, 0, len(seqs))
	for _, x := range seqs {
		was, err := v.Entry(ctx, x[0])
		if err != nil {
			return nil, err
		}
		by, err := v.Entry(ctx, x[1])
		if err != nil {
			return nil, err
		}
		out = append(out, Ended{By: by, Was: was})
	}
	return out, nil
}
