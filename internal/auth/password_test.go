// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/testkit"
	"github.com/alexedwards/argon2id"
)

const secretWords = "correct horse battery"

// watch sees every comparison; answer, where given, takes the place of the true one.
func watch(t *testing.T, answer func(pass string) bool) (hashes func() []string) {
	t.Helper()
	var mu sync.Mutex
	var seen []string
	was := compare
	t.Cleanup(func() { compare = was })
	compare = func(p, hash string) (bool, error) {
		mu.Lock()
		seen = append(seen, hash)
		mu.Unlock()
		if answer != nil {
			return answer(p), nil
		}
		return was(p, hash)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := seen
		seen = nil
		return out
	}
}

func (h house) withPassword(t *testing.T, roles ...op.Role) *User {
	t.Helper()
	u := h.user(t, roles...)
	h.call(t, h.as(u), "user.password", m{"password": secretWords})
	return u
}

func TestNobodyLearnsFromAFailedSignInWhetherTheAccountIsThere(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u, none, shut := h.withPassword(t, op.Control), h.user(t, op.Control), h.withPassword(t, op.Control)
		shut = h.now(t, shut.ID)
		shut.State = "disabled"
		h.put(t, testkit.Org, shut)
		compared := watch(t, nil)
		texts := map[string]bool{}
		for what, in := range map[string][2]string{
			"a wrong password":          {u.Email, secretWords + "!"},
			"an unknown address":        {"nobody@example.com", secretWords},
			"an account without one":    {none.Email, secretWords},
			"a disabled account":        {shut.Email, secretWords},
			"the password of nobody":    {"nobody@example.com", "nobody has this password"},
			"that, without one of ours": {none.Email, "nobody has this password"},
			"an empty password":         {none.Email, ""},
			"an empty address":          {"", ""},
		} {
			cookie, err := h.door.ByPassword(t.Context(), testkit.Org, in[0], in[1])
			is(t, err, errs.Unsigned, what)
			if cookie != "" {
				t.Errorf("%s was given a cookie", what)
			}
			e := errs.Public(err)
			texts[e.Error()+"/"+e.Fix+"/"+e.Field] = true
			work := compared()
			if len(work) != 1 {
				t.Errorf("%s: %d comparisons; want 1", what, len(work))
				continue
			}
			p, salt, key, err := argon2id.DecodeHash(work[0])
			if err != nil || *p != *params || len(salt) != 16 || len(key) != 32 {
				t.Errorf("%s: compared with %+v, %v; want the work of a true password %+v", what, p, err, params)
			}
		}
		if len(texts) != 1 {
			t.Errorf("failures tell apart what failed: %v", texts)
		}
		if c, err := h.door.ByPassword(t.Context(), testkit.Org, " "+strings.ToUpper(u.Email), secretWords); err != nil {
			t.Errorf("the right one: %v", err)
		} else {
			h.alive(t, c, u, "the right one")
		}
	})
}

func TestTenTriesInAQuarterOfAnHourCountedOverAllProcesses(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		second := *h.House
		second.Open(t) // another process on the same database
		defer second.Store.Close()
		doors := []Door{h.door, {DB: second.Store}}
		u, v := h.user(t, op.Control), h.user(t, op.Control)
		for _, x := range []*User{u, v} {
			x.Password = kind.NewSecret(unknownHash())
			h.put(t, testkit.Org, x)
		}
		compared := watch(t, func(p string) bool { return p == secretWords })
		try := func(i int, email, pass string) error {
			_, err := doors[i%2].ByPassword(t.Context(), testkit.Org, email, pass)
			return err
		}
		for i := range 10 {
			is(t, try(i, []string{u.Email, " " + strings.ToUpper(u.Email)}[i/5], "wrong"), errs.Unsigned, "one of the ten")
		}
		compared()
		for i := range 4 {
			is(t, try(i, u.Email, secretWords), errs.Limited, "the eleventh, though right")
		}
		if n := len(compared()); n != 0 {
			t.Errorf("%d passwords were compared beyond the limit", n)
		}
		if err := try(1, v.Email, secretWords); err != nil {
			t.Errorf("another address: %v", err)
		}
		h.Clock.Move(15*time.Minute - time.Second)
		is(t, try(1, u.Email, secretWords), errs.Limited, "a second too early")
		h.Clock.Move(time.Second)
		for round := range 3 {
			for i := range 9 {
				is(t, try(i, u.Email, "wrong"), errs.Unsigned, "one of nine")
			}
			if err := try(round, u.Email, secretWords); err != nil {
				t.Errorf("round %d, the right one after nine: %v; want every success to start the count anew", round, err)
			}
		}
		compared()
		var passed atomic.Int64
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if errs.Public(try(i, "nobody@example.com", "wrong")).Code == errs.Unsigned {
					passed.Add(1)
				}
			})
		}
		all.Wait()
		if n := len(compared()); n != 10 || passed.Load() != 10 {
			t.Errorf("of 40 at once %d were compared and %d told wrong; want 10", n, passed.Load())
		}
	})
}

func TestAShortPasswordIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Control)
		for _, short := range []string{"", "a", "elevenchars", strings.Repeat("ä", 11)} {
			_, err := h.try(t, h.as(u), "user.password", "", m{"password": short})
			is(t, err, errs.Invalid, short)
			if e := errs.Public(err); e.Field != "password" || short != "" && strings.Contains(e.Error(), short) && len(short) > 1 {
				t.Errorf("%q: field %q, text %q; want the field named and the password not said", short, e.Field, e)
			}
		}
		if h.hash(t, u.ID) != "" {
			t.Error("a refused password was kept")
		}
		h.call(t, h.as(u), "user.password", m{"password": "twelve chars"})
		hash := h.hash(t, u.ID)
		if p, _, _, err := argon2id.DecodeHash(hash); err != nil || *p != *params {
			t.Errorf("kept as %q", hash)
		}
	})
}

func TestOnlyAUserSetsAPasswordAndOnlyHisOwn(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u, owner := h.user(t, op.Control), h.user(t, op.Owner, op.Admin, op.Manager)
		_, err := h.try(t, h.as(owner), "user.password", "", m{"id": u.ID, "password": secretWords})
		is(t, err, errs.Invalid, "of another")
		_, err = h.try(t, h.as(owner), "user.update", "", m{"id": u.ID, "rev": 1, "password": secretWords})
		is(t, err, errs.Invalid, "by changing the user")
		a, err := h.door.ByToken(t.Context(), h.call(t, h.as(owner), "token.create", m{"name": "CI", "scopes": []string{"write"}, "days": 9})["secret"].(string))
		if err != nil {
			t.Fatal(err)
		}
		a.Via = "rest"
		_, err = h.try(t, a, "user.password", "", m{"password": secretWords})
		is(t, err, errs.Denied, "by a token")
	})
}

// The password is compared outside the one writer, so it may change between the comparison and the session.
func TestAnOldPasswordStartsNoSessionAfterTheNewOneIsSet(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		for _, c := range []struct {
			what string
			do   func(u *User)
		}{
			{"a new password", func(u *User) { u.Password = kind.NewSecret(unknownHash()) }},
			{"a closed account", func(u *User) { u.State = "disabled" }},
		} {
			u := h.user(t, op.Control)
			u.Password = kind.NewSecret("$argon2id$old")
			h.put(t, testkit.Org, u)
			watch(t, func(string) bool { // meanwhile
				x := h.now(t, u.ID)
				c.do(x)
				h.put(t, testkit.Org, x)
				return true
			})
			cookie, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords)
			is(t, err, errs.Unsigned, c.what)
			if cookie != "" {
				t.Errorf("%s: a session was started", c.what)
			}
		}
	})
}
