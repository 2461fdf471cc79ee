// SPDX-License-Identifier: Apache-2.0

// Package auth knows who asks: users, their roles, sessions, one-time links and API tokens. It turns a
// cookie or a bearer token into an op.Actor. What an actor may do is decided by the Gate, not here.
package auth

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A User is somebody with an account in the organisation.
type User struct {
	kind.Meta
	Name     string      `json:"name" doc:"Name." min:"1" max:"200" list:"" personal:""`
	Email    string      `json:"email" doc:"E-mail address, used to sign in." min:"3" max:"254" index:"" list:"" personal:""`
	Person   string      `json:"person" doc:"The person this account belongs to." ref:"person" index:"" read:"only"`
	Roles    []op.Role   `json:"roles" doc:"Roles of the user." read:"only" list:""`
	State    UserState   `json:"state" doc:"Whether the account can be used." read:"only" index:"" list:"" default:"invited"`
	Password kind.Secret `json:"password" doc:"Hash of the password (argon2id), sealed." read:"only" secret:""`
}

// UserState is whether an account can be used.
type UserState string

// Values lists the states.
func (UserState) Values() []string { return []string{"invited", "active", "disabled"} }

// Users are the accounts.
var Users = kind.Kind[User]{
	Name: "user", Plural: "users", Prefix: "usr", Object: "users", Label: "name", Create: kind.Never,
	Doc: "A user is someone with an account in the organisation.",
	Check: func(_, n *User) error {
		if !strings.Contains(n.Email, "@") || strings.ContainsAny(n.Email, " \t\r\n<>") {
			return errs.At("email", "%q is not an e-mail address", n.Email)
		}
		if n.Email != strings.ToLower(n.Email) {
			return errs.At("email", "must be in lower case")
		}
		for i, r := range n.Roles {
			if !slices.Contains(op.Role("").Values(), string(r)) || slices.Contains(n.Roles[:i], r) {
				return errs.At("roles", "%q is not a role, or appears twice", r)
			}
		}
		if len(n.Roles) == 0 {
			return errs.At("roles", "a user has at least one role")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "disable", Doc: "Disable an account. Its sessions and tokens end immediately.", From: []string{"invited", "active"}, To: "disabled", Act: "edit"},
		{Verb: "enable", Doc: "Enable a disabled account.", From: []string{"disabled"}, To: "invited", Act: "edit"},
	},
}

// SignIn is the fact that somebody signed in, or that an account signed out.
type SignIn struct {
	store.Place
	User   string    `json:"user" doc:"Who."`
	How    string    `json:"how" doc:"By password, one-time link or token."`
	At     time.Time `json:"at" doc:"When."`
	Action string    `json:"action" doc:"in, out, or link made."`
}

// SignIns are the sign-ins and sign-outs.
var SignIns = store.Facts[SignIn]("sign_in", "Sign-ins and sign-outs.", nil, []string{"user"}).Of("user")

// Add adds the operations on users and tokens.
func Add(s *op.Set) {
	s.Table(SignIns)
	op.Kind(s, Users, op.Also[User]{Verb: "disable", Do: closing}, op.Also[User]{Verb: "update", Do: moving})
	op.Change(s, op.Spec{Name: "user.invite", Doc: "Create an account and a one-time sign-in link.", Object: "users", Act: "invite", ShownOnce: true, Example: `user invite --name "Jo Doe" --email jo@example.com --roles control`}, invite)
	granting := op.Change(s, op.Spec{Name: "user.grant", Doc: "Set the roles of a user. Sessions and unused links of the account end.", Object: "users", Act: "grant", Example: "user grant --id usr_… --rev 1 --roles manager,reader"}, grant)
	granting.OutSchema = s.Find("user.get").OutSchema
	op.Change(s, op.Spec{Name: "user.identify", Doc: "Link an account to a person. You can't link your own account.", Object: "users", Act: "identify", Example: "user identify --id usr_… --rev 1 --person per_…"}, identify).OutSchema = granting.OutSchema
	op.Change(s, op.Spec{Name: "user.link", Doc: "Create a new one-time sign-in link.", Object: "users", Act: "invite", ShownOnce: true, Example: "user link --id usr_…"}, link)
	op.Change(s, op.Spec{Name: "user.password", Doc: "Set your own password. Your other sessions end.", Object: "users", Act: "view", Public: true, Example: "user password --password @-"}, password)
	addTokens(s)
	op.Job(s, op.Spec{Name: "secret.rotate", Doc: "Make a new seal key, and seal every secret of the organisation with it. Older keys stay.", Object: "keys", Act: "manage", Example: "secret rotate"}, false, rotate)
}

type rotateIn struct {
	KeepKey bool `json:"keep_key" doc:"Make no new key: seal with the newest one that is there, such as one that you put there yourself, or after an interruption."`
}

func rotate(ctx context.Context, d op.Desk, in rotateIn) (store.Rotation, error) {
	return d.DB.Rotate(ctx, d.Actor.Org, d.By, in.KeepKey)
}

type inviteIn struct {
	Name   string    `json:"name" doc:"Name." min:"1" max:"200"`
	Email  string    `json:"email" doc:"E-mail address, in lower case." min:"3" max:"254"`
	Person string    `json:"person" doc:"The person this account belongs to." ref:"person"`
	Roles  []op.Role `json:"roles" doc:"Roles of the user." min:"1"`
}

// Invited is a new account and the link that opens it.
type Invited struct {
	ID      string    `json:"id" doc:"The user."`
	Path    string    `json:"path" doc:"Path of the link, below the address of the server."`
	Expires time.Time `json:"expires" doc:"When the link ends."`
}

func invite(ctx context.Context, tx *store.Tx, in inviteIn) (Invited, error) {
	if err := freeAddress(ctx, tx, in.Email); err != nil {
		return Invited{}, err
	}
	if err := mayGrant(ctx, tx, in.Roles); err != nil {
		return Invited{}, err
	}
	if in.Person != "" {
		if err := mayIdentify(ctx, tx, &User{}, in.Person); err != nil {
			return Invited{}, err
		}
	}
	u := &User{Name: in.Name, Email: in.Email, Person: in.Person, Roles: in.Roles, State: "invited"}
	if err := store.Put(ctx, tx, Users, u); err != nil {
		return Invited{}, err
	}
	return newLink(ctx, tx, u)
}

// byUser is the user who acts, as he is now. Accounts, roles and links are handed out by people: a link or an account would
// be wider than the scopes of the token that made it. It is nil for the program itself.
func byUser(ctx context.Context, tx *store.Tx) (*op.Actor, error) {
	if tx.By.Actor == "system" {
		return nil, nil
	}
	if !strings.HasPrefix(tx.By.Actor, Users.Prefix+"_") {
		return nil, errs.New(errs.Denied, "tokens can't create accounts, change roles or make sign-in links").Mend("sign in and do it yourself")
	}
	a, err := actorOf(ctx, &tx.View, tx.By.Actor)
	return &a, err
}

// mayGrant holds that nobody hands out a role with a right that he does not hold.
func mayGrant(ctx context.Context, tx *store.Tx, give []op.Role) error {
	a, err := byUser(ctx, tx)
	if err != nil || a == nil {
		return err
	}
	for _, r := range give {
		if lacks := a.Lacks(r); lacks != "" {
			return errs.New(errs.Denied, "you can't assign the role %s: it can %s, and you can't", r, lacks).Mend("ask an owner, or someone who has that role")
		}
	}
	return nil
}

type grantIn struct {
	ID    string    `json:"id" doc:"The user." min:"1"`
	Rev   int64     `json:"rev" doc:"The revision you read." min:"1"`
	Roles []op.Role `json:"roles" doc:"All roles of the user." min:"1"`
}

func grant(ctx context.Context, tx *store.Tx, in grantIn) (json.RawMessage, error) {
	u, err := store.Get(ctx, &tx.View, Users, in.ID)
	if err != nil {
		return nil, err
	}
	if u.Rev != in.Rev {
		return nil, store.Stale("user", u.Rev)
	}
	if err := mayGrant(ctx, tx, in.Roles); err != nil {
		return nil, err
	}
	if slices.Contains(u.Roles, op.Owner) && !slices.Contains(in.Roles, op.Owner) {
		if ok, err := ownerBeside(ctx, &tx.View, u.ID); err != nil || !ok {
			return nil, orElse(err, errs.At("roles", "the organisation would be left without an owner"))
		}
	}
	if rises(u.Roles, in.Roles) {
		if err := endTokens(ctx, tx, u.ID); err != nil {
			return nil, err
		}
		u.Password = kind.Secret{}
	}
	u.Roles = in.Roles
	if err := store.Put(ctx, tx, Users, u); err != nil {
		return nil, err
	}
	if err := shut(ctx, tx, u.ID); err != nil {
		return nil, err
	}
	return shown(u)
}

// rises says whether somebody gets a role that he could not have handed out himself. Whoever made a link for him before
// need not have held it, so what was made with the link must not rise with him.
func rises(was, now []op.Role) bool {
	return slices.ContainsFunc(now, func(r op.Role) bool { return (op.Actor{Roles: was}).Lacks(r) != "" && !slices.Contains(was, r) })
}

type linkIn struct {
	ID string `json:"id" doc:"The user." min:"1"`
}

func link(ctx context.Context, tx *store.Tx, in linkIn) (Invited, error) {
	u, err := store.Get(ctx, &tx.View, Users, in.ID)
	if err != nil {
		return Invited{}, err
	}
	if err := mayGrant(ctx, tx, u.Roles); err != nil { // whoever holds the link holds the roles
		return Invited{}, err
	}
	if _, err := SignIns.Append(ctx, tx, u.ID, []SignIn{{User: u.ID, How: "link", At: tx.Now, Action: "link made"}}, map[string]any{"action": "link made"}); err != nil {
		return Invited{}, err
	}
	return newLink(ctx, tx, u)
}

type passwordIn struct {
	Password kind.Secret `json:"password" doc:"At least 12 characters." min:"12" max:"500" secret:""`
}

func password(ctx context.Context, tx *store.Tx, in passwordIn) (struct{}, error) {
	u, err := store.Get(ctx, &tx.View, Users, tx.By.Actor)
	if err != nil {
		return struct{}{}, errs.New(errs.Denied, "only a user has a password")
	}
	hash, err := hashPassword(in.Password.Clear())
	if err != nil {
		return struct{}{}, err
	}
	u.Password = kind.NewSecret(hash)
	if u.State == "invited" {
		u.State = "active"
	}
	if err := store.Put(ctx, tx, Users, u); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, tx.DropSlips(ctx, sessionSpace, u.ID+" ")
}
