// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"slices"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
)

// closing is what the closing of an account does beside the move: it leaves the organisation an owner, and ends what the
// account has given out.
func closing(ctx context.Context, tx *store.Tx, _, u *User) error {
	if slices.Contains(u.Roles, op.Owner) {
		if ok, err := ownerBeside(ctx, &tx.View, u.ID); err != nil || !ok {
			return orElse(err, errs.New(errs.Conflict, "the organisation would be left without an owner").Mend("make someone else an owner first"))
		}
	}
	if err := endTokens(ctx, tx, u.ID); err != nil {
		return err
	}
	return shut(ctx, tx, u.ID)
}

// ownerBeside says whether somebody else who can use his account is an owner.
func ownerBeside(ctx context.Context, v *store.View, user string) (bool, error) {
	all, err := store.All(ctx, v, Users, nil)
	return slices.ContainsFunc(all, func(u *User) bool {
		return u.ID != user && u.State != "disabled" && slices.Contains(u.Roles, op.Owner)
	}), err
}

// endTokens ends every token of a user.
func endTokens(ctx context.Context, tx *store.Tx, user string) error {
	all, err := store.All(ctx, &tx.View, Tokens, map[string]any{"owner": user})
	for _, t := range all {
		if err == nil {
			err = store.End(ctx, tx, Tokens, t.ID, 0)
		}
	}
	return err
}

// shut ends the sessions of a user and the links that nobody has used.
func shut(ctx context.Context, tx *store.Tx, user string) error {
	if err := tx.DropSlips(ctx, sessionSpace, user+" "); err != nil {
		return err
	}
	return tx.DropSlips(ctx, linkSpace, user)
}
