// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"slices"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
)

type disableIn struct {
	ID  string `json:"id" doc:"Identifier." min:"1"`
	Rev int64  `json:"rev" doc:"The revision that you saw."` // that it is wanted is said below, with its own code
}

// closing puts disable in the place of the plain move of that name: it must see the other users, and end what the
// account has given out. The move stays on the kind, for the pages that show it.
func closing(s *op.Set) {
	plain := s.Find("user.disable")
	own := op.Change(&op.Set{}, plain.Spec, disable)
	own.In, own.InSchema, own.OutSchema, own.Versioned = plain.In, plain.InSchema, plain.OutSchema, plain.Versioned
	*plain = *own
}

func disable(ctx context.Context, tx *store.Tx, in disableIn) (json.RawMessage, error) {
	u, err := store.Get(ctx, &tx.View, Users, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Rev == 0 {
		return nil, &errs.Error{Code: errs.Precond, Field: "rev", Text: "is required: the revision that you saw", Fix: "read the user and give back its rev (in REST: If-Match)"}
	}
	if u.Rev != in.Rev {
		return nil, store.Stale("user", u.Rev)
	}
	if u.State == "disabled" {
		return nil, errs.New(errs.Conflict, "this user is disabled, and can be disabled only when it is invited or active")
	}
	if slices.Contains(u.Roles, op.Owner) {
		if ok, err := ownerBeside(ctx, &tx.View, u.ID); err != nil || !ok {
			return nil, orElse(err, errs.New(errs.Conflict, "the organisation would be left without an owner").Mend("make somebody else an owner first"))
		}
	}
	u.State = "disabled"
	if err := store.Put(ctx, tx, Users, u); err != nil {
		return nil, err
	}
	if err := endTokens(ctx, tx, u.ID); err != nil {
		return nil, err
	}
	if err := shut(ctx, tx, u.ID); err != nil {
		return nil, err
	}
	b, err := store.Encode(u)
	return op.Mask(b, Users.Shape()), err
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
