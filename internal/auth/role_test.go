// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// others are all roles beside one.
func others(not ...op.Role) []op.Role {
	var out []op.Role
	for _, r := range op.Role("").Values() {
		if !slices.Contains(not, op.Role(r)) {
			out = append(out, op.Role(r))
		}
	}
	return out
}

func TestNobodyButAnOwnerMakesAnOwner(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, u := h.user(t, op.Owner), h.user(t, op.Control)
		h.user(t, op.Owner)
		actors := []*User{h.user(t, others(op.Owner)...)} // one who is everything else
		for _, r := range others(op.Owner) {
			actors = append(actors, h.user(t, r))
		}
		for _, x := range actors {
			a := h.as(x)
			for name, in := range map[string]m{
				"user.invite": {"name": "Jo", "email": "jo@example.com", "roles": []op.Role{op.Reader, op.Owner}},
				"user.grant":  {"id": u.ID, "rev": u.Rev, "roles": []op.Role{op.Owner}},
				"user.link":   {"id": owner.ID},
				"user.update": {"id": x.ID, "rev": x.Rev, "roles": []op.Role{op.Owner}},
			} {
				_, err := h.try(t, a, name, "", in)
				if want := map[bool]errs.Code{true: errs.Invalid, false: errs.Denied}[name == "user.update"]; errs.Public(err).Code != want || err == nil {
					t.Errorf("%s by %v: %v; want %s", name, x.Roles, err, want)
				}
			}
		}
		// Somebody who says that he is an owner, and by the database is none.
		liar := h.as(actors[0])
		liar.Roles = []op.Role{op.Owner, op.Admin}
		_, err := h.try(t, liar, "user.grant", "", m{"id": u.ID, "rev": u.Rev, "roles": []op.Role{op.Owner}})
		is(t, err, errs.Denied, "with roles of before")
		h.see(t, func(v *store.View) error {
			all, err := store.All(t.Context(), v, Users, nil)
			for _, x := range all {
				if slices.Contains(x.Roles, op.Owner) && x.CreatedBy != "system" || x.Email == "jo@example.com" {
					t.Errorf("%+v was made", x)
				}
			}
			return err
		})
		h.call(t, h.as(owner), "user.grant", m{"id": u.ID, "rev": u.Rev, "roles": []op.Role{op.Owner}}) // the control: an owner may
		for _, what := range []string{"manager", "owner"} {
			both := h.user(t, op.Admin, op.Role(what))
			h.call(t, h.as(both), "user.invite", m{"name": "Jo", "email": what + "@example.com", "roles": []string{what}})
		}
	})
}

// The rule is read from the role table: nobody hands out a right that he does not hold, by invitation or by link. Here it is
// written out once, so that a change of the table that lets somebody climb is seen.
func TestNobodyHandsOutARoleWithARightThatHeDoesNotHold(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		for giver, may := range map[op.Role][]op.Role{
			op.Owner:   {op.Owner, op.Manager, op.Control, op.Employee, op.Auditor, op.Guest, op.Prospect, op.Admin, op.Reader, op.Service},
			op.Manager: {op.Manager, op.Control, op.Employee, op.Auditor, op.Guest, op.Prospect, op.Reader, op.Service},
			op.Admin:   {op.Employee, op.Guest, op.Prospect, op.Admin},
		} {
			g := h.user(t, giver)
			for _, name := range op.Role("").Values() {
				r := op.Role(name)
				u := h.user(t, r)
				_, invited := h.try(t, h.as(g), "user.invite", "", m{"name": "Jo", "email": fmt.Sprintf("%s-%s@example.com", giver, r), "roles": []op.Role{r}})
				_, linked := h.try(t, h.as(g), "user.link", "", m{"id": u.ID})
				for what, err := range map[string]error{"invites": invited, "makes a link for": linked} {
					if want := slices.Contains(may, r); (err == nil) != want || err != nil && errs.Public(err).Code != errs.Denied {
						t.Errorf("%s %s %s: %v; want it allowed: %v", giver, what, r, err, want)
					}
				}
			}
		}
		both := h.user(t, op.Admin)
		_, err := h.try(t, h.as(both), "user.invite", "", m{"name": "Jo", "email": "jo@example.com", "roles": []op.Role{op.Guest, op.Control}})
		is(t, err, errs.Denied, "one of two roles")
		if e := errs.Public(err); !strings.Contains(e.Text, "control") || !strings.Contains(e.Text, "view") {
			t.Errorf("it does not say which right is lacking: %v", err)
		}
		for _, r := range others(op.Owner, op.Manager, op.Admin) {
			_, err := h.try(t, h.as(h.user(t, op.Role(r))), "user.invite", "", m{"name": "Jo", "email": "jo@example.com", "roles": []op.Role{op.Guest}})
			is(t, err, errs.Denied, string(r))
		}
	})
}

func TestARoleThatIsNoneIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		owner, u := h.user(t, op.Owner, op.Admin), h.user(t, op.Control)
		for _, roles := range [][]string{nil, {}, {"system"}, {"god"}, {""}, {"reader", "reader"}, {"Owner"}} {
			_, err := h.try(t, h.as(owner), "user.grant", "", m{"id": u.ID, "rev": u.Rev, "roles": roles})
			is(t, err, errs.Invalid, "grant "+strings.Join(roles, ","))
			_, err = h.try(t, h.as(owner), "user.invite", "", m{"name": "Jo", "email": "jo@example.com", "roles": roles})
			is(t, err, errs.Invalid, "invite "+strings.Join(roles, ","))
		}
		if got := h.now(t, u.ID); got.Rev != u.Rev {
			t.Errorf("a refused role was kept: %+v", got)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		admin, owner := h.user(t, op.Admin), h.user(t, op.Owner)
		gone := h.user(t, op.Owner)
		gone.State = "disabled"
		h.put(t, testkit.Org, gone)
		lose := func(by, u *User) error {
			_, err := h.try(t, h.as(by), "user.grant", "", m{"id": u.ID, "rev": u.Rev, "roles": []op.Role{op.Reader}})
			return err
		}
		shut := func(u *User) error {
			_, err := h.try(t, h.as(admin), "user.disable", "", m{"id": u.ID, "rev": u.Rev})
			return err
		}
		for range 2 {
			is(t, lose(owner, owner), errs.Invalid, "the last one gives up the role")
			is(t, shut(owner), errs.Conflict, "the last one is disabled")
		}
		if got := h.now(t, owner.ID); got.State != "active" || !slices.Contains(got.Roles, op.Owner) {
			t.Fatalf("the last owner is %+v", got)
		}
		if err := lose(owner, gone); err != nil {
			t.Errorf("a disabled one who is not the last loses the role: %v", err)
		}
		second := h.user(t, op.Owner)
		if err := shut(second); err != nil {
			t.Errorf("one of two is disabled: %v", err)
		}
		third := h.user(t, op.Owner)
		if err := lose(third, owner); err != nil {
			t.Errorf("one of two gives up the role: %v", err)
		}
		is(t, shut(third), errs.Conflict, "the one who is left is disabled")
	})
}

func TestOfTwoOwnersWhoGoAtOnceOneStays(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		admin := h.user(t, op.Admin)
		for range 5 {
			a, b := h.user(t, op.Owner), h.user(t, op.Owner)
			failures := make([]error, 2)
			var both sync.WaitGroup
			both.Go(func() { _, failures[0] = h.try(t, h.as(admin), "user.disable", "", m{"id": a.ID, "rev": a.Rev}) })
			both.Go(func() {
				_, failures[1] = h.try(t, h.as(b), "user.grant", "", m{"id": b.ID, "rev": b.Rev, "roles": []op.Role{op.Reader}})
			})
			both.Wait()
			if (failures[0] == nil) == (failures[1] == nil) {
				t.Errorf("%v and %v; want exactly one to fail", failures[0], failures[1])
			}
			for _, x := range []*User{a, b} { // the field is clear for the next two
				x = h.now(t, x.ID)
				x.State = "disabled"
				h.put(t, testkit.Org, x)
			}
		}
	})
}
