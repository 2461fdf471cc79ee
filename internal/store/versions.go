// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/kind"
)

// Dated is one version of a thing, with the stretch of the ledger and of time in which it was the newest.
type Dated[T any] struct {
	ID           string
	Thing        *T
	Since, Until int64     // numbers of the entries that made it and ended it; forever where it is the newest
	From, To     time.Time // their times; To is zero where it is the newest
}

// Versions reads the versions of all things of a kind that were made or ended from the entry after on, as the view
// knows them, in the order in which they were made. What was disposed of is left out.
func Versions[T any, P kind.Thing[T]](ctx context.Context, v *View, k kind.Kind[T], after int64) ([]Dated[T], error) {
	s := v.db.kinds[k.Name]
	if s == nil {
		return nil, errs.New(errs.NotFound, "there is no kind %s", k.Name)
	}
	var out []Dated[T]
	// Parameters appear in the order of their numbers: below database/sql they are bound in the order in which they appear.
	q := fmt.Sprintf(`SELECT k.id, k.since, k.until, e.at, u.at, b.body FROM %s k JOIN entry e ON e.org=k.org AND e.seq=k.since
JOIN body b ON b.org=k.org AND b.seq=k.since LEFT JOIN entry u ON u.org=$1 AND u.seq=k.until AND k.until<$2
WHERE k.org=$1 AND k.since<$2 AND (k.since>=$3 OR k.until>=$3 AND k.until<$2)%s ORDER BY k.since`, s.table(), v.seen(s, "k.id"))
	err := v.c.EachCell(ctx, q, []any{v.Org, v.At, after}, func(x []db.Cell) error {
		if x[5].Type == db.Null {
			return nil
		}
		d := Dated[T]{ID: x[0].Text, Since: x[1].Num, Until: forever, From: time.UnixMilli(x[3].Num).UTC(), Thing: new(T)}
		if x[4].Type == db.Num {
			d.Until, d.To = x[2].Num, time.UnixMilli(x[4].Num).UTC()
		}
		out = append(out, d)
		return json.Unmarshal([]byte(x[5].Text), d.Thing)
	})
	if err != nil {
		return nil, fmt.Errorf("read versions of %s: %w", s.Plural, err)
	}
	return out, nil
}
