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
	seqs, err := v.ever(ctx, "ORDER BY since DESC", kindName, field, values)
	if err != nil {
		return nil, err
	}
	return v.entriesAt(ctx, seqs)
}

// EverAny says whether there ever was a version with one of some values in an indexed text field.
func (v *View) EverAny(ctx context.Context, kindName, field string, values ...string) (bool, error) {
	seqs, err := v.ever(ctx, "LIMIT 1", kindName, field, values)
	return len(seqs) > 0, err
}

// ever are the entries of the versions that Ever lists.
func (v *View) ever(ctx context.Context, tail, kindName, field string, values []string) ([]int64, error) {
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
	q := fmt.Sprintf(`SELECT since FROM %s WHERE org=$1 AND since<$2 AND %q IN (%s)%s %s`, s.table(), field, strings.Join(marks, ","), v.seen(s, s.table()+".id"), tail)
	err := v.c.Each(ctx, q, args, func(r *sql.Rows) error {
		var seq int64
		err := r.Scan(&seq)
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", s.Plural, err)
	}
	return seqs, nil
}
