// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/testkit"
)

// token makes a token and gives its id and its secret.
func (h house) token(t *testing.T, u *User, scopes ...string) (id, secret string) {
	t.Helper()
	out := h.call(t, h.as(u), "token.create", m{"name": "CI", "scopes": scopes, "days": 30})
	return out["id"].(string), out["secret"].(string)
}

// bearer is whoever a token stands for.
func (h house) bearer(t *testing.T, secret string) op.Actor {
	t.Helper()
	a, err := h.door.ByToken(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	a.Via = "rest"
	return a
}

func TestATokenReachesNoFurtherThanItsScopes(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Manager)
		person := m{"name": "Jo Doe", "email": "jo@example.com", "kind": "employee"}
		task := m{"title": "Count the laptops"}
		for _, c := range []struct {
			scopes string
			can    string
		}{
			{"read", "person.list task.list user.list"},
			{"write", "person.list task.list user.list person.create task.create"},
			{"person.list", "person.list"},
			{"person.*", "person.list person.create"},
			{"person.create", "person.create"},
			{"read,task.create", "person.list task.list user.list task.create"},
			{"perso.*,person.lis,.*,*.*,*.list,person.", ""},
		} {
			_, secret := h.token(t, u, strings.Split(c.scopes, ",")...)
			a := h.bearer(t, secret)
			for name, in := range map[string]m{"person.list": {}, "task.list": {}, "user.list": {}, "person.create": person, "task.create": task} {
				_, err := h.try(t, a, name, "", in)
				denied := err != nil && errs.Public(err).Code == errs.Denied
				if want := !slices.Contains(strings.Fields(c.can), name); denied != want {
					t.Errorf("scopes %s, %s: %v; want denied %v", c.scopes, name, err, want)
				}
			}
		}
		_, secret := h.token(t, h.user(t, op.Employee), "write")
		_, err := h.try(t, h.bearer(t, secret), "person.create", "", person)
		is(t, err, errs.Denied, "a scope wider than the role of the owner")
	})
}

func TestATokenWantsScopesAndAnEnd(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Manager)
		for field, in := range map[string][]m{
			"scopes": {{"name": "CI", "days": 9}, {"name": "CI", "days": 9, "scopes": nil}, {"name": "CI", "days": 9, "scopes": []string{}}, {"name": "CI", "days": 9, "scopes": []string{"all"}}, {"name": "CI", "days": 9, "scopes": []string{""}}},
			"days":   {{"name": "CI", "scopes": []string{"read"}}, {"name": "CI", "scopes": []string{"read"}, "days": 0}, {"name": "CI", "scopes": []string{"read"}, "days": 366}, {"name": "CI", "scopes": []string{"read"}, "days": -1}},
		} {
			for _, x := range in {
				_, err := h.try(t, h.as(u), "token.create", "", x)
				if e := errs.Public(err); err == nil || e.Code != errs.Invalid || e.Field != field {
					t.Errorf("%v: %v; want %s refused", x, err, field)
				}
			}
		}
		if l := h.call(t, h.as(u), "token.list", m{}); len(l["data"].([]any)) != 0 {
			t.Errorf("a refused token was kept: %v", l)
		}
	})
}

func TestATokenIsMadeByAUserForHimselfOnly(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, u := h.user(t, op.Owner, op.Manager, op.Admin), h.user(t, op.Control)
		_, err := h.try(t, h.as(owner), "token.create", "", m{"name": "CI", "scopes": []string{"read"}, "days": 9, "owner": u.ID})
		is(t, err, errs.Denied, "for another")
		_, secret := h.token(t, owner, "read", "token.*", "user.*")
		a := h.bearer(t, secret)
		for name, in := range map[string]m{
			"token.create": {"name": "CI", "scopes": []string{"write"}, "days": 9},
			"user.invite":  {"name": "Jo", "email": "jo@example.com", "roles": []op.Role{op.Reader}},
			"user.link":    {"id": owner.ID},
			"user.grant":   {"id": u.ID, "rev": u.Rev, "roles": []op.Role{op.Owner}},
		} {
			_, err := h.try(t, a, name, "", in)
			is(t, err, errs.Denied, name+" by a token, which would reach further than its scopes")
		}
	})
}

func TestATokenEndsInTimeAndWhenItIsRevoked(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u := h.user(t, op.Manager)
		_, first := h.token(t, u, "read")
		id, second := h.token(t, u, "read")
		a := h.bearer(t, second)
		if a.ID != id || a.Org != testkit.Org || !slices.Equal(a.Roles, u.Roles) || !slices.Equal(a.Scopes, []string{"read"}) {
			t.Errorf("stands for %+v", a)
		}
		h.call(t, h.as(u), "token.revoke", m{"id": id})
		_, err := h.door.ByToken(t.Context(), second)
		is(t, err, errs.Unsigned, "revoked")
		h.bearer(t, first)
		h.Clock.Move(30*24*time.Hour - time.Second)
		h.bearer(t, first)
		h.Clock.Move(time.Second)
		_, err = h.door.ByToken(t.Context(), first)
		is(t, err, errs.Unsigned, "after its days")
	})
}

func TestATokenFallsWithItsOwner(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, admin, u, v := h.user(t, op.Owner), h.user(t, op.Admin), h.user(t, op.Manager), h.user(t, op.Manager)
		_, mine := h.token(t, u, "write")
		_, theirs := h.token(t, v, "write")
		if _, err := h.try(t, h.bearer(t, mine), "person.list", "", m{}); err != nil {
			t.Fatal(err)
		}
		h.call(t, h.as(owner), "user.grant", m{"id": u.ID, "rev": u.Rev, "roles": []op.Role{op.Employee}})
		_, err := h.try(t, h.bearer(t, mine), "person.list", "", m{})
		is(t, err, errs.Denied, "its owner lost the role")
		h.call(t, h.as(admin), "user.disable", m{"id": v.ID, "rev": v.Rev})
		_, err = h.door.ByToken(t.Context(), theirs)
		is(t, err, errs.Unsigned, "its owner is disabled")
		w := h.user(t, op.Manager)
		_, third := h.token(t, w, "write")
		w.State = "disabled" // past the operation, which would end the token too
		h.put(t, testkit.Org, w)
		_, err = h.door.ByToken(t.Context(), third)
		is(t, err, errs.Unsigned, "its owner is disabled, and the token was left")
	})
}

func TestATypoInATokenIsSeenWithoutTheDatabase(t *testing.T) {
	h := house{testkit.SQLite(t, add), Door{}}
	h.door.DB = h.Store
	_, secret := h.token(t, h.user(t, op.Manager), "read")
	nowhere := Door{} // whoever asks it for the database falls
	n := 0
	for i := range secret {
		for _, c := range "0123456789abcdefz_A" {
			typo := secret[:i] + string(c) + secret[i+1:]
			if typo == secret {
				continue
			}
			n++
			if _, err := nowhere.ByToken(t.Context(), typo); err == nil || errs.Public(err).Code != errs.Unsigned {
				t.Errorf("%s: %v", typo, err)
			}
		}
		if i > 0 && secret[i] != secret[i-1] {
			swapped := []byte(secret)
			swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
			if _, err := nowhere.ByToken(t.Context(), string(swapped)); err == nil {
				t.Errorf("%s is taken", swapped)
			}
		}
		if _, err := nowhere.ByToken(t.Context(), secret[:i]); err == nil {
			t.Errorf("%s is taken", secret[:i])
		}
	}
	if n < 900 {
		t.Errorf("%d typos were tried", n)
	}
	h.bearer(t, secret) // the control
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a sound token was answered without the database: the sweep above proves nothing")
			}
		}()
		nowhere.ByToken(t.Context(), secret)
	}()
}

func TestATokenOpensItsOwnOrganisationOnly(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		u, x := h.user(t, op.Manager), h.userIn(t, testkit.Other, op.Manager)
		_, mine := h.token(t, u, "read")
		there := h.as(x)
		there.Org = testkit.Other
		theirs := h.call(t, there, "token.create", m{"name": "CI", "scopes": []string{"read"}, "days": 9})["secret"].(string)
		if a, b := h.bearer(t, mine), h.bearer(t, theirs); a.Org != testkit.Org || b.Org != testkit.Other {
			t.Errorf("in %s and %s", a.Org, b.Org)
		}
		for _, secret := range []string{mine, theirs} { // the same secret with the name of the other, and a sound checksum
			body := strings.TrimPrefix(secret, "assay_pat_")
			body = body[:len(body)-8]
			name, rest, _ := strings.Cut(body, "_")
			name = map[string]string{"test": "other", "other": "test"}[name]
			_, err := h.door.ByToken(t.Context(), "assay_pat_"+name+"_"+rest+checksum(name+"_"+rest))
			is(t, err, errs.Unsigned, "moved to "+name)
		}
		l := h.call(t, h.bearer(t, theirs), "user.list", m{})["data"].([]any)
		if len(l) != 1 || l[0].(map[string]any)["id"] != x.ID {
			t.Errorf("the other organisation's token lists %v; want its one user", l)
		}
		_, err := h.try(t, h.bearer(t, theirs), "user.get", "", m{"id": u.ID})
		is(t, err, errs.NotFound, "ours, asked from there")
	})
}
