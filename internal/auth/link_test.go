// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/testkit"
)

func TestOfFiftyUsesOfALinkExactlyOneSignsIn(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Control)
		c := h.link(t, u)
		const n = 50
		cookies, failures := make([]string, n), make([]error, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { cookies[i], failures[i] = h.door.ByLink(t.Context(), c) })
		}
		all.Wait()
		in := 0
		for i := range n {
			if failures[i] == nil {
				in++
				h.alive(t, cookies[i], u, "the one that signed in")
				continue
			}
			is(t, failures[i], errs.Unsigned, "one that came late")
			if cookies[i] != "" {
				t.Error("a use that failed was given a cookie")
			}
		}
		if in != 1 {
			t.Errorf("%d of %d uses signed in; want 1", in, n)
		}
	})
}

func TestALinkEndsAfterADay(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Control)
		first, second := h.link(t, u), h.link(t, u)
		h.Clock.Move(24*time.Hour - time.Second)
		if _, err := h.door.ByLink(t.Context(), first); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		h.Clock.Move(time.Second)
		_, err := h.door.ByLink(t.Context(), second)
		is(t, err, errs.Unsigned, "after a day")
	})
}

func TestALinkOfADisabledUserSignsNobodyIn(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Control)
		c := h.link(t, u)
		u.State = "disabled" // past the operation, which would end the link too
		h.put(t, testkit.Org, u)
		_, err := h.door.ByLink(t.Context(), c)
		is(t, err, errs.Unsigned, "a link from before")
		_, err = h.door.Link(t.Context(), testkit.Org, u.ID)
		is(t, err, errs.Conflict, "a new link on the machine")
		_, err = h.try(t, h.as(h.user(t, op.Manager)), "user.link", "", m{"id": u.ID})
		is(t, err, errs.Conflict, "a new link by an administrator")
	})
}

func TestWhatIsNotALinkSignsNobodyIn(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Control)
		c := h.link(t, u)
		org, secret, _ := strings.Cut(c, ".")
		other := []byte(secret)
		other[0] = map[bool]byte{true: '1', false: '0'}[other[0] == '0']
		for _, bad := range []string{"", ".", secret, org, org + ".", org + "." + string(other), testkit.Other + "." + secret, org + "." + digest(secret), "usr_x." + secret, c + "0", strings.ToUpper(c), h.in(t, u)} {
			cookie, err := h.door.ByLink(t.Context(), bad)
			is(t, err, errs.Unsigned, bad)
			if cookie != "" {
				t.Errorf("%q was given a cookie", bad)
			}
		}
		if _, err := h.door.ByLink(t.Context(), c); err != nil {
			t.Errorf("the true one, after all of them: %v", err)
		}
	})
}

func TestTheLinkOfAnInvitationOpensTheAccount(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		out := h.call(t, h.as(h.user(t, op.Manager)), "user.invite", m{"name": "Jo Doe", "email": "jo@example.com", "roles": []op.Role{op.Reader}})
		u := h.now(t, out["id"].(string))
		if u.State != "invited" || !slices.Equal(u.Roles, []op.Role{op.Reader}) {
			t.Errorf("invited: %+v", u)
		}
		cookie, err := h.door.ByLink(t.Context(), code(t, out["path"].(string)))
		if err != nil {
			t.Fatal(err)
		}
		h.alive(t, cookie, u, "the invited")
		if s := h.now(t, u.ID).State; s != "active" {
			t.Errorf("after the first sign-in the account is %s", s)
		}
	})
}

// Whoever made a link for an account held what the account was then, not what it becomes.
func TestALinkDoesNotRiseWithTheAccount(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, admin, u := h.user(t, op.Owner), h.user(t, op.Manager), h.user(t, op.Control)
		made := code(t, h.call(t, h.as(admin), "user.link", m{"id": u.ID})["path"].(string))
		used := code(t, h.call(t, h.as(admin), "user.link", m{"id": u.ID})["path"].(string))
		cookie, err := h.door.ByLink(t.Context(), used)
		if err != nil {
			t.Fatal(err)
		}
		a, err := h.door.ByCookie(t.Context(), cookie)
		if err != nil {
			t.Fatal(err)
		}
		a.Via = "rest"
		token := h.call(t, a, "token.create", m{"name": "CI", "scopes": []string{"write"}, "days": 300})["secret"].(string)
		if _, err := h.door.ByToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		h.call(t, a, "user.password", m{"password": secretWords})
		keep := h.in(t, u)
		if _, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords); err != nil {
			t.Fatal(err)
		}
		rev := h.now(t, u.ID).Rev
		h.call(t, h.as(owner), "user.grant", m{"id": u.ID, "rev": rev, "roles": []op.Role{op.Owner}})
		h.over(t, keep, "a session of before")
		_, err = h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords)
		is(t, err, errs.Unsigned, "the password that was set in such a session")
		if got := h.hash(t, u.ID); got != "" {
			t.Error("the password was kept")
		}
		_, err = h.door.ByLink(t.Context(), made)
		is(t, err, errs.Unsigned, "a link that a compliance manager made for him who is an owner now")
		h.over(t, cookie, "a session by such a link")
		_, err = h.door.ByToken(t.Context(), token)
		is(t, err, errs.Unsigned, "a token made in such a session")
	})
}

// Whoever gains nothing that he could not have handed out himself keeps his password and tokens.
func TestAPasswordStaysWhereNothingIsGained(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, u := h.user(t, op.Owner), h.withPassword(t, op.Manager)
		_, token := h.token(t, u, "read")
		h.call(t, h.as(owner), "user.grant", m{"id": u.ID, "rev": h.now(t, u.ID).Rev, "roles": []op.Role{op.Control, op.Reader}})
		h.bearer(t, token)
		if _, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, secretWords); err != nil {
			t.Error(err)
		}
		o := h.withPassword(t, op.Owner) // an owner is not locked out by what he gives himself
		h.call(t, h.as(o), "user.grant", m{"id": o.ID, "rev": h.now(t, o.ID).Rev, "roles": []op.Role{op.Owner, op.Manager, op.Admin}})
		if _, err := h.door.ByPassword(t.Context(), testkit.Org, o.Email, secretWords); err != nil {
			t.Error(err)
		}
	})
}
