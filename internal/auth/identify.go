// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
)

// Who is behind an account decides whose work somebody may approve (INV-01): an account that is said to be somebody else
// could approve what its holder did. So it is an operation of its own, which stands under its name in the ledger. Those who
// invite technically cannot do it, and nobody can for himself.

type identifyIn struct {
	ID     string `json:"id" doc:"The user." min:"1"`
	Rev    int64  `json:"rev" doc:"The revision you read." min:"1"`
	Person string `json:"person" doc:"The person this account belongs to. Empty: nobody." ref:"person"`
}

func identify(ctx context.Context, tx *store.Tx, in identifyIn) (json.RawMessage, error) {
	u, err := store.Get(ctx, &tx.View, Users, in.ID)
	if err != nil {
		return nil, err
	}
	if u.Rev != in.Rev {
		return nil, store.Stale("user", u.Rev)
	}
	if err := mayIdentify(ctx, tx, u, in.Person); err != nil {
		return nil, err
	}
	u.Person = in.Person
	if err := store.Put(ctx, tx, Users, u); err != nil {
		return nil, err
	}
	return shown(u)
}

// mayIdentify says whether whoever acts may say that a person is behind a user. A new user has no id yet.
func mayIdentify(ctx context.Context, tx *store.Tx, u *User, person string) error {
	a, err := byUser(ctx, tx)
	if err != nil || a == nil {
		return err
	}
	if a.May("users", "identify") != op.Every {
		return errs.New(errs.Denied, "only a compliance manager or an owner can link a person to an account").Mend("leave person empty, and ask one of them: assay user identify")
	}
	if u.ID == a.ID || a.Person != "" && (u.Person == a.Person || person == a.Person) {
		return errs.New(errs.Denied, "you can't link a person to your own account").Mend("ask another compliance manager or an owner")
	}
	return nil
}

// moving holds that an address stays that of one account.
func moving(ctx context.Context, tx *store.Tx, was, now *User) error {
	if was.Email == now.Email {
		return nil
	}
	return freeAddress(ctx, tx, now.Email)
}

// freeAddress says whether no account of the organisation has an address. There is one writer, so it holds until the commit.
func freeAddress(ctx context.Context, tx *store.Tx, email string) error {
	same, _, err := store.List(ctx, &tx.View, Users, store.Page{Where: map[string]any{"email": email}, Limit: 1})
	if err == nil && len(same) > 0 {
		err = &errs.Error{Code: errs.Conflict, Field: "email", Text: "an account with this address already exists"}
	}
	return err
}

// shown is a user as faces see him.
func shown(u *User) (json.RawMessage, error) {
	b, err := store.Encode(u)
	if err != nil {
		return nil, err
	}
	return op.Mask(b, Users.Shape()), nil
}
