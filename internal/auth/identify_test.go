// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// person makes a member of the workforce.
func (h house) person(t *testing.T, name string) string {
	t.Helper()
	p := &grc.Person{Name: name, Email: strings.ToLower(name) + "@example.com", Kind: "employee", State: "active"}
	if _, err := h.Store.Change(t.Context(), testkit.Org, store.System("test"), func(tx *store.Tx) error { return store.Put(t.Context(), tx, grc.People, p) }); err != nil {
		t.Fatal(err)
	}
	return p.ID
}

func TestAnAddressIsThatOfOneAccount(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		admin, u, v := h.user(t, op.Admin), h.user(t, op.Control), h.user(t, op.Control)
		_, err := h.try(t, h.as(admin), "user.update", "", m{"id": v.ID, "rev": v.Rev, "email": u.Email})
		if e := errs.Public(err); err == nil || e.Code != errs.Conflict || e.Field != "email" {
			t.Errorf("taken over: %v", err)
		}
		_, err = h.try(t, h.as(admin), "user.update", "", m{"id": v.ID, "rev": v.Rev, "email": strings.ToUpper(u.Email)})
		is(t, err, errs.Invalid, "in other letters")
		h.call(t, h.as(admin), "user.update", m{"id": v.ID, "rev": v.Rev, "email": v.Email, "name": "The same"})
		x := h.userIn(t, testkit.Other, op.Control)
		h.call(t, h.as(admin), "user.update", m{"id": v.ID, "rev": v.Rev + 1, "email": x.Email}) // another organisation is another matter
	})
}

func TestOfTwoWhoTakeAnAddressAtOnceOneGetsIt(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		second := *h.House
		second.Open(t) // another process on the same database
		defer second.Store.Close()
		houses := []house{h, {&second, h.door}}
		owner := h.user(t, op.Owner, op.Admin)
		for round := range 5 {
			want := "race" + string(rune('a'+round)) + "@example.com"
			u, v := h.user(t, op.Control), h.user(t, op.Control)
			failures := make([]error, 3)
			var all sync.WaitGroup
			for i, x := range []*User{u, v} {
				all.Go(func() {
					_, failures[i] = houses[i].try(t, h.as(owner), "user.update", "", m{"id": x.ID, "rev": x.Rev, "email": want})
				})
			}
			all.Go(func() {
				_, failures[2] = houses[round%2].try(t, h.as(owner), "user.invite", "", m{"name": "Jo", "email": want, "roles": []op.Role{op.Reader}})
			})
			all.Wait()
			won := 0
			for _, err := range failures {
				if err == nil {
					won++
				} else {
					is(t, err, errs.Conflict, "who came later")
				}
			}
			if won != 1 {
				t.Errorf("%d got the address: %v", won, failures)
			}
		}
	})
}

func TestWhoIsBehindAnAccountIsSaidBySomebodyElseAndSeen(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		ann, bob := h.person(t, "Ann"), h.person(t, "Bob")
		owner, manager, admin, u := h.user(t, op.Owner), h.user(t, op.Manager), h.user(t, op.Admin, op.Control, op.Reader), h.user(t, op.Control)
		_, err := h.try(t, h.as(admin), "user.update", "", m{"id": u.ID, "rev": u.Rev, "person": ann})
		is(t, err, errs.Invalid, "by changing the user")
		for _, r := range others(op.Owner, op.Manager) {
			_, err := h.try(t, h.as(h.user(t, r)), "user.identify", "", m{"id": u.ID, "rev": u.Rev, "person": ann})
			is(t, err, errs.Denied, string(r))
		}
		_, err = h.try(t, h.as(admin), "user.invite", "", m{"name": "Jo", "email": "jo@example.com", "roles": []op.Role{op.Admin}, "person": ann})
		is(t, err, errs.Denied, "an invitation by an administrator")
		_, err = h.try(t, h.bearer(t, second(h.token(t, manager, "write"))), "user.identify", "", m{"id": u.ID, "rev": u.Rev, "person": ann})
		is(t, err, errs.Denied, "a token")
		for _, self := range []*User{owner, manager} {
			_, err = h.try(t, h.as(self), "user.identify", "", m{"id": self.ID, "rev": self.Rev, "person": ann})
			is(t, err, errs.Denied, "of himself")
		}
		out := h.call(t, h.as(owner), "user.identify", m{"id": manager.ID, "rev": manager.Rev, "person": ann})
		if out["person"] != ann || out["password"] != nil {
			t.Errorf("%v", out)
		}
		_, err = h.try(t, h.as(manager), "user.identify", "", m{"id": u.ID, "rev": u.Rev, "person": ann})
		is(t, err, errs.Denied, "another account as himself")
		h.call(t, h.as(owner), "user.identify", m{"id": u.ID, "rev": u.Rev, "person": ann})
		_, err = h.try(t, h.as(manager), "user.identify", "", m{"id": u.ID, "rev": u.Rev + 1, "person": bob})
		is(t, err, errs.Denied, "another account of his own as somebody else")
		h.call(t, h.as(manager), "user.invite", m{"name": "Bob", "email": "bob@example.com", "roles": []op.Role{op.Control}, "person": bob})
		_, err = h.try(t, h.as(owner), "user.identify", "", m{"id": u.ID, "rev": u.Rev, "person": ""})
		is(t, err, errs.Conflict, "a stale revision")
		h.call(t, h.as(owner), "user.identify", m{"id": u.ID, "rev": u.Rev + 1, "person": ""})
		var ops []string
		h.see(t, func(v *store.View) error {
			all, err := v.History(t.Context(), "user", u.ID)
			for _, e := range all {
				ops = append(ops, e.Op)
			}
			return err
		})
		if n := len(slices.DeleteFunc(ops, func(s string) bool { return s != "user.identify" })); n != 2 {
			t.Errorf("it stands %d times in the ledger under its name", n)
		}
	})
}

func second(_, s string) string { return s }
