// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/store"
)

// refForm is what a ref is written in: no two that differ look alike.
var refForm = regexp.MustCompile(`^[A-Za-z0-9]+([-._][A-Za-z0-9]+)*$`)

// plainRef refuses a new ref that could be taken for another, such as one with a letter of another script.
func plainRef(ref string) error {
	if !refForm.MatchString(ref) {
		return errs.At("ref", "has a character that could be mistaken for another").Mend("use letters A to Z, digits, and single hyphens, dots or underscores between them, such as IAM-02")
	}
	return nil
}

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
