// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
)

// Ever lists the versions of things of a kind, ended ones too, in which an indexed text field has one of these values, newest
// first.
func (v *View) Ever(ctx context.Context, kindName, field string, values ...string) ([]Version, error) {
	s := v.db.kinds[kindName]
	if s == nil || !slices.ContainsFunc(s.index, func(f kind.Field) bool { return f.Name == field && f.Type == "string" }) {
		return nil, errs.New(errs.NotFound, "there is no indexed field %s of %s", field, kindName)
	}
	args, marks := []any{v.Org, v.At}, make([]string, len(values))
	for i, x := range values {
		args = append(args, x)
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	var seqs []int64
	q := fmt.Sprintf(`SELECT since FROM %s WHERE org=$1 AND since<$2 AND %q IN (%s)%s ORDER BY since DESC`, s.table(), field, strings.Join(marks, ","), v.seen(s, s.table()+".id"))
	err := v.c.Each(ctx, q, args, func(r *sql.Rows) error {
		var seq int64
		err := r.Scan(&seq)
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", s.Plural, err)
	}
	out := make([]Version, 0, len(seqs))
	for _, q := range seqs {
		e, err := v.Entry(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}
