// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/testkit"
)

var idles = map[op.Role]time.Duration{
	op.Owner: 30 * time.Minute, op.Manager: 30 * time.Minute, op.Admin: 30 * time.Minute,
	op.Control: 2 * time.Hour, op.Employee: 2 * time.Hour, op.Auditor: 2 * time.Hour, op.Reader: 2 * time.Hour,
}

func TestASessionEndsWhenItIsLeftIdle(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		for r, idle := range idles {
			u := h.user(t, op.Guest, r)
			c := h.in(t, u)
			h.Clock.Move(idle)
			h.alive(t, c, u, string(r)+" as long as allowed")
			h.Clock.Move(idle)
			h.alive(t, c, u, string(r)+" as long again, after use")
			h.Clock.Move(idle + time.Second)
			h.over(t, c, string(r)+" a second longer")
		}
	})
}

func TestAPageThatAsksByItselfKeepsNoSessionAlive(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Owner)
		c := h.in(t, u)
		h.Clock.Move(29 * time.Minute)
		if a, err := h.door.Peek(t.Context(), c); err != nil || a.ID != u.ID {
			t.Errorf("in time: %v %v", a, err)
		}
		h.Clock.Move(2 * time.Minute)
		h.over(t, c, "after 31 minutes without use")
	})
}

func TestASessionEndsAfterTwelveHoursHoweverMuchItIsUsed(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		for _, r := range []op.Role{op.Owner, op.Control} {
			u := h.user(t, r)
			c := h.in(t, u)
			for range 28 {
				h.Clock.Move(25 * time.Minute)
				h.alive(t, c, u, string(r)+" in use")
			}
			h.Clock.Move(20*time.Minute - time.Second)
			h.alive(t, c, u, string(r)+" a second before")
			h.Clock.Move(time.Second)
			h.over(t, c, string(r)+" after twelve hours")
		}
	})
}

func TestSigningOutEndsThisSessionAndNoOther(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Control)
		c, other := h.in(t, u), h.in(t, u)
		for range 2 {
			if err := h.door.End(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		h.over(t, c, "after signing out")
		h.alive(t, other, u, "the other session")
		h.over(t, testkit.Other+other[len(testkit.Org):], "its secret in another organisation")
		for _, bad := range []string{"", ".", testkit.Org + ".", other + "0", testkit.Org + "." + digest(other)} {
			h.over(t, bad, bad)
		}
	})
}

func TestANewPasswordEndsTheSessions(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u, bystander := h.user(t, op.Control), h.user(t, op.Control)
		c, other, theirs := h.in(t, u), h.in(t, u), h.in(t, bystander)
		h.call(t, h.as(u), "user.password", m{"password": "correct horse battery"})
		h.over(t, c, "the first")
		h.over(t, other, "the second")
		h.alive(t, theirs, bystander, "somebody else's")
		again, err := h.door.ByPassword(t.Context(), testkit.Org, u.Email, "correct horse battery")
		if err != nil {
			t.Fatal(err)
		}
		h.alive(t, again, u, "by the new password")
	})
}

func TestNewRolesEndTheSessionsAndHoldInTheNext(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, u := h.user(t, op.Owner), h.user(t, op.Control)
		c, mine := h.in(t, u), h.in(t, owner)
		h.call(t, h.as(owner), "user.grant", m{"id": u.ID, "rev": u.Rev, "roles": []op.Role{op.Reader}})
		h.over(t, c, "with the roles of before")
		h.alive(t, mine, owner, "the owner's")
		a, err := h.door.ByCookie(t.Context(), h.in(t, u))
		if err != nil || len(a.Roles) != 1 || a.Roles[0] != op.Reader {
			t.Errorf("next session: %v %v", a.Roles, err)
		}
	})
}

func TestDisablingEndsWhatTheAccountGaveOutForGood(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		h.user(t, op.Owner)
		admin, u, bystander := h.user(t, op.Admin), h.user(t, op.Control), h.user(t, op.Control)
		c, theirs := h.in(t, u), h.in(t, bystander)
		l := h.link(t, u)
		tok := h.call(t, h.as(u), "token.create", m{"name": "CI", "scopes": []string{"read"}, "days": 9})["secret"].(string)
		kept := h.call(t, h.as(bystander), "token.create", m{"name": "CI", "scopes": []string{"read"}, "days": 9})["secret"].(string)
		dead := func(when string) {
			t.Helper()
			h.over(t, c, when+": the session")
			_, err := h.door.ByLink(t.Context(), l)
			is(t, err, errs.Unsigned, when+": the link")
			_, err = h.door.ByToken(t.Context(), tok)
			is(t, err, errs.Unsigned, when+": the token")
		}
		out := h.call(t, h.as(admin), "user.disable", m{"id": u.ID, "rev": u.Rev})
		if out["state"] != "disabled" || out["password"] != nil {
			t.Errorf("disabled: %v", out)
		}
		dead("disabled")
		_, err := h.try(t, h.as(admin), "user.disable", "", m{"id": u.ID, "rev": u.Rev})
		is(t, err, errs.Conflict, "with the revision of before")
		_, err = h.try(t, h.as(admin), "user.disable", "", m{"id": u.ID, "rev": u.Rev + 1})
		is(t, err, errs.Conflict, "disabled already")
		_, err = h.try(t, h.as(admin), "user.disable", "", m{"id": bystander.ID})
		is(t, err, errs.Precond, "without a revision")
		h.call(t, h.as(admin), "user.enable", m{"id": u.ID, "rev": u.Rev + 1})
		dead("enabled again")
		h.alive(t, h.in(t, u), u, "by a new link")
		h.alive(t, theirs, bystander, "somebody else's")
		if _, err := h.door.ByToken(t.Context(), kept); err != nil {
			t.Errorf("somebody else's token: %v", err)
		}
	})
}
