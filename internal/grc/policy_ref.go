// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/store"
)

// restedOn refuses to end a policy that controls in force rest on: they name it by its ref.
func restedOn(ctx context.Context, tx *store.Tx, was, _ *Policy) error {
	all, err := store.All(ctx, &tx.View, Controls, map[string]any{"state": "active"})
	if err != nil {
		return err
	}
	var refs []string
	for _, c := range all {
		if slices.Contains(c.Policies, was.Ref) {
			refs = append(refs, c.Ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	slices.Sort(refs)
	return errs.New(errs.Conflict, "this policy can't be deleted, because controls rest on it: %s", strings.Join(refs[:min(5, len(refs))], ", ")).
		Mend("propose a change of those controls first")
}
