// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"fmt"
	"io"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
)

// mostCounted is how much of a list is counted while others wait to write.
const mostCounted = 4 << 20

// looked holds a piece that somebody is asked to look at, or accepts, against its file: there is something in it, and a population says
// how many rows it has and has as many.
func looked(ctx context.Context, tx *store.Tx, e *Evidence, k *EvidenceKind) error {
	list := !e.Nothing && (e.Type == "population" || e.Event == "" && k != nil && k.Type == "population")
	var faults []error
	if list && e.Rows == nil {
		faults = append(faults, errs.At("row_count", "is required: how many rows the population has").Mend("enter the number of rows; 0 if the list is empty"))
	}
	if e.File != "" {
		faults = append(faults, op.Filled(ctx, tx, string(e.File)))
	}
	if err := errs.Join(faults...); err != nil || e.File == "" || !list {
		return err
	}
	return counted(ctx, tx, e)
}

// counted refuses a number of rows that the file contradicts, where its rows can be counted.
func counted(ctx context.Context, tx *store.Tx, e *Evidence) error {
	f, info, err := op.Cited(ctx, tx, string(e.File))
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostCounted))
	if err != nil {
		return fmt.Errorf("count the rows of %s: %w", e.File, err)
	}
	has := rowsIn(e.FileName, string(b), info.Size <= mostCounted)
	says := ""
	switch {
	case has.ok && *e.Rows < int64(has.least):
		says = fmt.Sprintf("at least %d", has.least)
	case has.ok && *e.Rows > int64(has.most):
		says = fmt.Sprintf("at most %d", has.most)
	default:
		return nil
	}
	return errs.At("row_count", "is %d, but the file has %s rows", *e.Rows, says).Mend("correct the number, or upload the list that it counts")
}
