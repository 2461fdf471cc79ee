// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"time"

	"assay/internal/errs"
	"assay/internal/id"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A Token lets a program act with the rights of its owner, narrowed to its scopes.
type Token struct {
	kind.Meta
	Name    string    `json:"name" doc:"What it is for." min:"1" max:"200" list:""`
	Owner   string    `json:"owner" doc:"The user whose rights it has." ref:"user" index:"" list:"" read:"only"`
	Scopes  []string  `json:"scopes" doc:"What it may do: read, write, or operations such as evidence.*." list:"" read:"only"`
	Expires time.Time `json:"expires" doc:"When it ends." list:"" read:"only"`
	Hash    string    `json:"hash" doc:"SHA-256 of the token." index:"" digest:"" read:"only"`
}

// Tokens are the API tokens.
var Tokens = kind.Kind[Token]{Name: "token", Plural: "tokens", Prefix: "tok", Object: "tokens", Label: "name", System: true,
	Doc: "A token lets a program act with the rights of its owner, narrowed to its scopes."}

func addTokens(s *op.Set) {
	op.Kind(s, Tokens)
	op.Change(s, op.Spec{Name: "token.create", Doc: "Make an API token with your own rights. It is shown once.", Object: "users", Act: "view", Public: true, ShownOnce: true, Example: `token create --name "CI" --scopes read,check.run --days 90`}, createToken).Fresh = true
	op.Change(s, op.Spec{Name: "token.revoke", Doc: "End a token at once.", Object: "tokens", Act: "edit", Example: "token revoke --id tok_…"}, revokeToken)
}

type tokenIn struct {
	Name   string   `json:"name" doc:"What it is for." min:"1" max:"200"`
	Scopes []string `json:"scopes" doc:"What it may do: read, write, or operations such as evidence.*." min:"1" max:"50"`
	Days   int64    `json:"days" doc:"How many days it lives, at most 365." min:"1" max:"365"`
	Owner  string   `json:"owner" doc:"The user whose rights it has. Empty: you. Only someone with access to the data folder can name another user." ref:"user"`
}

// NewToken is a token with its secret, which is shown this once.
type NewToken struct {
	ID      string    `json:"id" doc:"The token."`
	Secret  string    `json:"secret" doc:"Send it as: Authorization: Bearer …"`
	Expires time.Time `json:"expires" doc:"When it ends."`
}

func createToken(ctx context.Context, tx *store.Tx, in tokenIn) (NewToken, error) {
	for _, s := range in.Scopes {
		if s != "read" && s != "write" && !strings.Contains(s, ".") {
			return NewToken{}, errs.At("scopes", "%q is not a scope", s).Mend("use read, write, or an operation such as evidence.create or evidence.*")
		}
	}
	if in.Owner != "" { // what is not there and what is another organisation's get the same answer, before any other
		if ok, err := tx.Exists(ctx, Users.Name, in.Owner); err != nil || !ok {
			return NewToken{}, orElse(err, noUser(in.Owner))
		}
	}
	owner := tx.By.Actor
	if in.Owner != "" && owner != "system" && owner != in.Owner {
		return NewToken{}, errs.New(errs.Denied, "you can make a token only for yourself")
	}
	if owner == "system" {
		if in.Owner == "" {
			return NewToken{}, errs.At("owner", "is required here: say whose rights the token has").Mend("see: assay user list")
		}
		owner = in.Owner
	}
	if _, err := store.Get(ctx, &tx.View, Users, owner); err != nil {
		return NewToken{}, errs.New(errs.Denied, "only a user can make a token")
	}
	t := &Token{Name: in.Name, Owner: owner, Scopes: in.Scopes, Expires: tx.Now.AddDate(0, 0, int(in.Days))}
	body := strings.TrimPrefix(tx.Org, "org_") + "_" + id.Source{}.Token()
	secret := "assay_pat_" + body + checksum(body)
	t.Hash = digest(secret)
	if err := store.Put(ctx, tx, Tokens, t); err != nil {
		return NewToken{}, err
	}
	return NewToken{t.ID, secret, t.Expires}, nil
}

func noUser(id string) error {
	e := store.NoSuch(Users.Name, id)
	e.Field = "owner"
	return e
}

// checksum lets a scanner of leaked secrets tell a true token from a look-alike.
func checksum(s string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(s))) }

func revokeToken(ctx context.Context, tx *store.Tx, in linkIn) (struct{}, error) {
	return struct{}{}, store.End(ctx, tx, Tokens, in.ID, 0)
}

// ByToken says who a bearer token stands for.
func (d Door) ByToken(ctx context.Context, secret string) (op.Actor, error) {
	bad := errs.New(errs.Unsigned, "this token is unknown or has expired").Mend("create a new one: assay token create")
	body, ok := strings.CutPrefix(secret, "assay_pat_")
	if !ok || len(body) < 9 || checksum(body[:len(body)-8]) != body[len(body)-8:] {
		return op.Actor{}, bad
	}
	name, _, _ := strings.Cut(body, "_")
	org := "org_" + name
	var a op.Actor
	err := d.DB.View(ctx, org, time.Time{}, store.System("token.use"), func(v *store.View) error {
		found, _, err := store.List(ctx, v, Tokens, store.Page{Where: map[string]any{"hash": digest(secret)}, Limit: 1})
		if err != nil || len(found) == 0 || !found[0].Expires.After(v.Now) {
			return orElse(err, bad)
		}
		t := found[0]
		if a, err = actorOf(ctx, v, t.Owner); err != nil {
			return err
		}
		a.ID, a.Scopes = t.ID, append([]string{}, t.Scopes...) // never nil, which would mean all
		return nil
	})
	return a, err
}

// unknownHash is what the password of an unknown user is compared with.
var unknownHash = sync.OnceValue(func() string {
	h, err := hashPassword("nobody has this password")
	if err != nil {
		return ""
	}
	return h
})
