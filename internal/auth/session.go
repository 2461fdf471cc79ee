// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/id"
	"assay/internal/op"
	"assay/internal/store"
	"github.com/alexedwards/argon2id"
)

// How long things live.
const (
	linkLife     = 24 * time.Hour
	sessionLife  = 12 * time.Hour
	idleLife     = 2 * time.Hour
	idleAdmin    = 30 * time.Minute
	tryWindow    = 15 * time.Minute
	tryLimit     = 10
	sessionSpace = "session"
	linkSpace    = "link"
	trySpace     = "try"
)

// Door lets people in: it makes and ends sessions. It is used by the faces that speak to people.
type Door struct{ DB *store.DB }

// session is the value of a slip: the user, a space, and this. The space in front lets all sessions of a user be dropped.
type session struct {
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Idle    int64     `json:"idle"` // seconds
}

func digest(secret string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(secret))) }

// newLink makes a link that signs a user in once.
func newLink(ctx context.Context, tx *store.Tx, u *User) (Invited, error) {
	if u.State == "disabled" {
		return Invited{}, errs.New(errs.Conflict, "this account is disabled").Mend("enable it first")
	}
	secret := id.Source{}.Token()
	out := Invited{ID: u.ID, Path: "/welcome?code=" + tx.Org + "." + secret, Expires: tx.Now.Add(linkLife)}
	return out, tx.SetSlip(ctx, linkSpace, digest(secret), u.ID, out.Expires)
}

// Link makes a sign-in link for a user, for the one who holds the machine.
func (d Door) Link(ctx context.Context, org, user string) (Invited, error) {
	var out Invited
	_, err := d.DB.Change(ctx, org, store.System("user.link"), func(tx *store.Tx) error {
		u, err := store.Get(ctx, &tx.View, Users, user)
		if err != nil {
			return err
		}
		if _, err := SignIns.Append(ctx, tx, u.ID, []SignIn{{User: u.ID, How: "link", At: tx.Now, Action: "link made"}}, map[string]any{"action": "link made"}); err != nil {
			return err
		}
		out, err = newLink(ctx, tx, u)
		return err
	})
	return out, err
}

// Opens says whether a one-time link would sign somebody in, and leaves it as it is.
func (d Door) Opens(ctx context.Context, code string) (yes bool, err error) {
	org, secret, ok := strings.Cut(code, ".")
	if !ok || !id.Valid("org", org) {
		return false, nil
	}
	err = d.DB.View(ctx, org, time.Time{}, store.System("session.start"), func(v *store.View) error {
		user, found, err := v.Slip(ctx, linkSpace, digest(secret))
		if err != nil || !found {
			return err
		}
		u, err := store.Get(ctx, v, Users, user)
		yes = err == nil && u.State != "disabled"
		if errs.Public(err).Code == errs.NotFound {
			return nil
		}
		return err
	})
	return yes, err
}

// ByLink signs in with a one-time link. Of several uses exactly one succeeds.
func (d Door) ByLink(ctx context.Context, code string) (cookie string, err error) {
	org, secret, ok := strings.Cut(code, ".")
	gone := errs.New(errs.Unsigned, "this link has already been used or has expired").Mend("ask the person who invited you for a new link, or run: assay user link")
	if !ok || !id.Valid("org", org) {
		return "", gone
	}
	_, err = d.DB.Change(ctx, org, store.System("session.start"), func(tx *store.Tx) error {
		user, found, err := tx.TakeSlip(ctx, linkSpace, digest(secret))
		if err != nil || !found {
			return orElse(err, gone)
		}
		u, err := store.Get(ctx, &tx.View, Users, user)
		if err != nil || u.State == "disabled" {
			return orElse(err, gone)
		}
		if u.State == "invited" {
			u.State = "active"
			if err := store.Put(ctx, tx, Users, u); err != nil {
				return err
			}
		}
		cookie, err = start(ctx, tx, u, "link")
		return err
	})
	return cookie, err
}

func orElse(err error, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

var wrong = errs.New(errs.Unsigned, "wrong e-mail address or password")

// ByPassword signs in with e-mail address and password. A wrong address takes as long as a wrong password.
func (d Door) ByPassword(ctx context.Context, org, email, pass string) (cookie string, err error) {
	email = strings.ToLower(strings.TrimSpace(email))
	return d.byPassword(ctx, org, email, pass, func(v *store.View) (*User, error) {
		found, _, err := store.List(ctx, v, Users, store.Page{Where: map[string]any{"email": email}, Limit: 1})
		if err != nil || len(found) == 0 {
			return nil, err
		}
		return found[0], nil
	})
}

// Again signs somebody in whose sessions ended because he set his password just now. He need not be able to read his own
// account: he is found by his id.
func (d Door) Again(ctx context.Context, org, user, pass string) (cookie string, err error) {
	return d.byPassword(ctx, org, user, pass, func(v *store.View) (*User, error) { return store.Get(ctx, v, Users, user) })
}

// byPassword compares a password; attempts are counted under the name that was given.
func (d Door) byPassword(ctx context.Context, org, name, pass string, find func(*store.View) (*User, error)) (cookie string, err error) {
	var u *User
	var hash string
	var shut error // why the hash cannot be opened
	err = d.DB.View(ctx, org, time.Time{}, store.System("session.start"), func(v *store.View) (err error) {
		if u, err = find(v); err == nil && u != nil {
			hash, shut = store.Reveal(v, Users, u, "password")
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if err := d.try(ctx, org, name); err != nil {
		return "", err
	}
	known := hash
	if known == "" {
		known = unknownHash()
	}
	match, err := comparePassword(pass, known)
	if err != nil || !match || u == nil || hash == "" || u.State != "active" {
		return "", orElse(err, d.noMatch(ctx, shut))
	}
	_, err = d.DB.Change(ctx, org, store.System("session.start"), func(tx *store.Tx) error {
		now, err := store.Get(ctx, &tx.View, Users, u.ID)
		if err != nil {
			return err
		}
		same, err := store.Reveal(&tx.View, Users, now, "password") // what was compared may have changed meanwhile, or been sealed again
		if err != nil || same != hash || now.State != "active" {
			return orElse(err, wrong)
		}
		u = now
		if _, _, err := tx.TakeSlip(ctx, trySpace, digest(name)); err != nil {
			return err
		}
		cookie, err = start(ctx, tx, u, "password")
		return err
	})
	return cookie, err
}

// noMatch is the answer to a password that does not fit. Where a key of secrets is not there it says so, to whomever asks
// and whatever the address is, so that nobody learns who has an account.
func (d Door) noMatch(ctx context.Context, shut error) error {
	if shut == nil {
		shut = d.DB.SecretTrouble(ctx)
	}
	if shut == nil {
		return wrong
	}
	return errs.New(errs.Unavailable, "wrong e-mail address or password, or the password can't be checked right now").Because(shut).Mend("use a one-time link: assay user link")
}

// try counts an attempt, in the database so that replicas count together.
func (d Door) try(ctx context.Context, org, name string) error {
	_, err := d.DB.Change(ctx, org, store.System("session.start"), func(tx *store.Tx) error {
		var n int
		was, found, err := tx.Slip(ctx, trySpace, digest(name))
		if err != nil {
			return err
		}
		if found {
			fmt.Sscan(was, &n)
		}
		if n >= tryLimit {
			return errs.New(errs.Limited, "too many attempts").Mend("wait 15 minutes, or use a one-time link")
		}
		return tx.SetSlip(ctx, trySpace, digest(name), fmt.Sprint(n+1), tx.Now.Add(tryWindow))
	})
	return err
}

// start makes a session and the fact of it. The cookie is never kept: only its digest is.
func start(ctx context.Context, tx *store.Tx, u *User, how string) (string, error) {
	secret := id.Source{}.Token()
	s := session{Started: tx.Now, Seen: tx.Now, Idle: int64(idleLife.Seconds())}
	if slices.ContainsFunc(u.Roles, func(r op.Role) bool { return r == op.Owner || r == op.Admin || r == op.Manager }) {
		s.Idle = int64(idleAdmin.Seconds())
	}
	b, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	if err := tx.SetSlip(ctx, sessionSpace, digest(secret), u.ID+" "+string(b), tx.Now.Add(sessionLife)); err != nil {
		return "", err
	}
	_, err = SignIns.Append(ctx, tx, u.ID, []SignIn{{User: u.ID, How: how, At: tx.Now, Action: "in"}}, map[string]any{"action": "in", "how": how})
	return tx.Org + "." + secret, err
}

// ByCookie says who a session cookie stands for. The user and the roles are read anew each time.
func (d Door) ByCookie(ctx context.Context, cookie string) (op.Actor, error) {
	out := errs.New(errs.Unsigned, "your session has ended").Mend("sign in again")
	org, secret, ok := strings.Cut(cookie, ".")
	if !ok || !id.Valid("org", org) {
		return op.Actor{}, out
	}
	var a op.Actor
	var s session
	now := d.DB.Clock().Now()
	err := d.DB.View(ctx, org, time.Time{}, store.System("session.use"), func(v *store.View) error {
		val, found, err := v.Slip(ctx, sessionSpace, digest(secret))
		if err != nil || !found {
			return orElse(err, out)
		}
		user, rest, _ := strings.Cut(val, " ")
		if err := json.Unmarshal([]byte(rest), &s); err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		if now.Sub(s.Seen) > time.Duration(s.Idle)*time.Second {
			return out
		}
		a, err = signedIn(ctx, v, user, secret)
		return err
	})
	if err != nil {
		return op.Actor{}, err
	}
	if now.Sub(s.Seen) > time.Minute {
		s.Seen = now
		b, _ := json.Marshal(s)
		_, err = d.DB.Change(ctx, org, store.System("session.use"), func(tx *store.Tx) error {
			if _, found, err := tx.Slip(ctx, sessionSpace, digest(secret)); err != nil || !found {
				return orElse(err, out) // ended meanwhile: it must not come back
			}
			return tx.SetSlip(ctx, sessionSpace, digest(secret), a.ID+" "+string(b), s.Started.Add(sessionLife))
		})
	}
	return a, err
}

// End ends a session.
func (d Door) End(ctx context.Context, cookie string) error {
	org, secret, ok := strings.Cut(cookie, ".")
	if !ok || !id.Valid("org", org) {
		return nil
	}
	_, err := d.DB.Change(ctx, org, store.System("session.end"), func(tx *store.Tx) error {
		val, found, err := tx.TakeSlip(ctx, sessionSpace, digest(secret))
		if err != nil || !found {
			return err
		}
		user, _, _ := strings.Cut(val, " ")
		_, err = SignIns.Append(ctx, tx, user, []SignIn{{User: user, How: "cookie", At: tx.Now, Action: "out"}}, map[string]any{"action": "out"})
		return err
	})
	return err
}

// signedIn reads a user as an actor who is signed in. The session is named by a part of its digest, which opens nothing.
func signedIn(ctx context.Context, v *store.View, user, secret string) (op.Actor, error) {
	a, err := actorOf(ctx, v, user)
	a.Session = digest(secret)[:16]
	return a, err
}

// actorOf reads a user as an actor.
func actorOf(ctx context.Context, v *store.View, user string) (op.Actor, error) {
	u, err := store.Get(ctx, v, Users, user)
	if err != nil {
		return op.Actor{}, errs.New(errs.Unsigned, "this user no longer exists").Because(err)
	}
	if u.State == "disabled" {
		return op.Actor{}, errs.New(errs.Unsigned, "this account is disabled")
	}
	return op.Actor{Org: v.Org, ID: u.ID, Person: u.Person, Name: u.Name, Roles: u.Roles}, nil
}

// At most this many passwords are hashed at once: each takes 19 MiB.
var hashing = make(chan struct{}, min(4, runtime.NumCPU()))

var params = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

func hashPassword(p string) (string, error) {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2id.CreateHash(p, params)
}

func comparePassword(p, hash string) (bool, error) {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return compare(p, hash)
}

// compare does the work of one comparison. It is a variable so that a test can count them.
var compare = argon2id.ComparePasswordAndHash
