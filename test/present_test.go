// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// stands changes the record of a person, whatever its moves allow.
func stands(t *testing.T, db *store.DB, org, person string, change func(*grc.Person)) {
	t.Helper()
	if _, err := db.Change(t.Context(), org, store.System("test"), func(tx *store.Tx) error {
		p, err := store.Get(t.Context(), &tx.View, grc.People, person)
		if err != nil {
			return err
		}
		change(p)
		return store.Put(t.Context(), tx, grc.People, p)
	}); err != nil {
		t.Fatal(err)
	}
}

// Every decision of the product is refused to somebody who has left, whatever role the account still has.
func TestOnlyAnActivePersonDecides(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		gone := m.actor(testkit.Org, op.Owner, "gone")
		gone.Roles = []op.Role{op.Self}
		stands(t, h.Store, testkit.Org, gone.Person, func(p *grc.Person) {
			p.State, p.EndOn = "terminated", kind.Date(h.Clock.Now().AddDate(0, 0, -1).Format(time.DateOnly))
		})
		token := m.actor(testkit.Org, op.Owner, "token")
		token.Roles, token.Session = []op.Role{op.Self}, ""
		for _, o := range h.Set.All() {
			if !o.Writes || m.apart[o.Name] != "" {
				continue
			}
			if !o.Decides() { // and whatever takes a person who is signed in takes an active one
				if _, err := m.gate(token, o, m.input(t, testkit.Org, o, true), time.Time{}); err != nil && strings.Contains(errs.Public(err).Text, "tokens, tools") {
					t.Errorf("%s is refused to a token, and not to somebody who has left: %v", o.Name, err)
				}
				continue
			}
			held++
			in := m.input(t, testkit.Org, o, true)
			if _, err := m.gate(gone, o, in, time.Time{}); errs.Public(err).Code != errs.Denied || !strings.Contains(errs.Public(err).Text, "left on") {
				t.Errorf("%s by somebody who has left: %v", o.Name, err)
			}
		}
		if held < 20 {
			t.Errorf("%d decisions were looked at", held)
		}
	})
}

// What counts because a person did it does not where that person has left.
func TestSomebodyWhoHasLeftStandsBehindNothing(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		c.answer()
		p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-05")))
		all := waiting(p)
		o := c.do(c.owner, "organization.get", map[string]any{"id": c.org})
		for _, person := range []string{c.manager.Person, c.admin.Person} {
			stands(t, c.app.DB, c.org, person, func(x *grc.Person) { x.State, x.EndOn = "terminated", "2026-01-01" })
		}
		c.refused(c.manager, "policy.confirm_sections", p, map[string]any{"sections": all}, "left on 2026-01-01")
		if p = c.next(c.manager, "policy.update", p, "body", each(p["body"].(string), "We do this.")); !slices.Equal(waiting(p), all) {
			t.Errorf("of %v %v wait", all, waiting(p))
		}
		c.refused(c.admin, "organization.update", o, map[string]any{"solo_mode": true}, "can't be changed", "left on 2026-01-01")
	})
}

func TestWhoIsActiveIsToldByTheDayOfTheOrganisation(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		day := func(n int) kind.Date { return kind.Date(c.clock.Now().AddDate(0, 0, n).Format(time.DateOnly)) }
		for _, x := range []struct {
			what string
			said string // empty where they may
			in   grc.Person
		}{
			{"at work", "", grc.Person{State: "active"}},
			{"whose last day is today", "", grc.Person{State: "terminated", EndOn: day(0)}},
			{"who will leave", "", grc.Person{State: "active", EndOn: day(9)}},
			{"who left yesterday", "left on", grc.Person{State: "terminated", EndOn: day(-1)}},
			{"whose last day is over", "left on", grc.Person{State: "active", EndOn: day(-1)}},
			{"who left on no day", "has left", grc.Person{State: "terminated"}},
			{"who has not started", "not started", grc.Person{State: "candidate"}},
			{"who starts tomorrow", "starts on", grc.Person{State: "active", StartOn: day(1)}},
			{"on leave", "on leave", grc.Person{State: "leave"}},
		} {
			e := c.exception(c.staff)
			stands(t, c.app.DB, c.org, c.second.Person, func(p *grc.Person) { p.State, p.StartOn, p.EndOn = x.in.State, x.in.StartOn, x.in.EndOn })
			can := c.do(c.second, "approval.check", map[string]any{"thing": e["id"], "verb": "approve"})
			if x.said == "" {
				c.next(c.second, "exception.approve", e)
			} else {
				c.denied(x.what, c.second, "exception.approve", e, x.said)
			}
			if can["allowed"] != (x.said == "") {
				t.Errorf("somebody %s is told %v", x.what, can)
			}
		}
		own := c.exception(c.manager) // and whoever is away is named to nobody as one who could
		_, err := c.try(c.manager, "exception.approve", map[string]any{"id": own["id"], "rev": own["rev"]})
		if said := errs.Public(err).Fix; strings.Contains(said, "Mia") || !strings.Contains(said, "Olga") {
			t.Errorf("others who can: %q", said)
		}
		if _, err := c.app.DB.Change(t.Context(), c.org, store.System("test"), func(tx *store.Tx) error { return store.End(t.Context(), tx, grc.People, c.second.Person, 0) }); err != nil {
			t.Fatal(err)
		}
		c.denied("whose record was deleted", c.second, "exception.approve", c.exception(c.staff), "deleted")
		u := c.do(c.owner, "user.get", map[string]any{"id": c.second.ID})
		if u = c.next(c.owner, "user.grant", u, "roles", []string{"reader"}); u["state"] != "active" { // and the account can be closed
			t.Errorf("%v", u)
		}
		if u = c.next(c.admin, "user.disable", u); u["state"] != "disabled" {
			t.Errorf("%v", u)
		}
	})
}

func TestTheDayOfWhoDecidesIsCountedInTheZoneOfTheOrganisation(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		o := c.do(c.owner, "organization.get", map[string]any{"id": c.org})
		c.next(c.admin, "organization.update", o, "timezone", "Pacific/Auckland")
		today := c.clock.Now().Format(time.DateOnly)
		c.clock.Move(testkit.Start.Truncate(aDay).Add(61*aDay + 20*time.Hour).Sub(c.clock.Now())) // in Auckland it is the next day
		if now := clock.Format(c.clock.Now()); now[:10] < today {
			t.Fatalf("the clock went back to %s", now)
		}
		stands(t, c.app.DB, c.org, c.second.Person, func(p *grc.Person) { p.State, p.EndOn = "terminated", kind.Date(c.clock.Now().Format(time.DateOnly)) })
		c.denied("whose last day is over there", c.second, "exception.approve", c.exception(c.staff), "left on")
	})
}

// Whoever uploaded a file wrote that part of what cites it, whoever cites it.
func TestWhoeverUploadedACitedFileAcceptsItNowhere(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		upload := func(a op.Actor, text string) string {
			t.Helper()
			c.clock.Move(time.Minute)
			f, err := c.app.Gate.Upload(t.Context(), a, strings.NewReader(text))
			fine(t, err)
			return f.SHA256
		}
		submitted := func(file string) map[string]any {
			t.Helper()
			e := c.do(c.manager, "evidence.create", map[string]any{"title": "Export", "type": "log", "file": file})
			return c.next(c.manager, "evidence.submit", e)
		}
		both := func(a op.Actor, text string) string {
			upload(c.manager, text)
			return upload(a, text)
		}
		c.denied("the reviewer uploaded it too", c.second, "evidence.accept", submitted(both(c.second, "one")), "own request")
		file := upload(c.second, "two")
		c.do(c.second, "evidence.create", map[string]any{"title": "A draft that cites it", "type": "log", "file": file})
		e := submitted(file)
		c.denied("the reviewer alone uploaded it", c.second, "evidence.accept", e, "own request", "Olga")
		if e = c.next(c.owner, "evidence.accept", e); e["approved_how"] != "" {
			t.Errorf("accepted by somebody apart: %v", e["approved_how"])
		}
		c.denied("by a token of the reviewer", c.second, "evidence.accept", submitted(both(c.token(c.second), "three")), "own request")
		folder := op.System(c.org)
		folder.Via = "cli"
		if e = c.next(c.owner, "evidence.accept", submitted(both(folder, "four"))); e["approved_how"] != string(kind.SameHand) {
			t.Errorf("uploaded on the data folder, which nobody knows of: %v", e["approved_how"])
		}
	})
}

// A person and an account are spoken of as people, in every answer that refuses a move or an end.
func TestNoErrorCallsAPersonIt(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		said := []error{}
		for _, name := range []string{"person", "user"} {
			sh, _ := c.app.Set.Shape(name)
			x := c.do(c.owner, name+".get", map[string]any{"id": map[string]string{"person": c.staff.Person, "user": c.staff.ID}[name]})
			for _, m := range sh.Moves {
				in := map[string]any{"id": x["id"], "rev": x["rev"]}
				for _, n := range m.Wants {
					in[n] = "2026-05-01"
				}
				if !slices.Contains(m.From, x["state"].(string)) {
					_, err := c.try(c.admin, name+"."+m.Verb, in)
					said = append(said, err)
				}
			}
		}
		p := c.do(c.admin, "person.get", map[string]any{"id": c.staff.Person})
		_, err := c.try(c.admin, "person.end", map[string]any{"id": p["id"], "rev": p["rev"]})
		said = append(said, err)
		if len(said) < 3 {
			t.Errorf("%d answers were looked at", len(said))
		}
		for _, err := range said {
			if e := errs.Public(err); err == nil || e.Code != errs.Conflict || slices.Contains(strings.FieldsFunc(e.Text+" "+e.Fix, func(r rune) bool { return r == ' ' || r == ':' || r == ',' }), "it") {
				t.Errorf("it is said: %v (%s)", err, e.Fix)
			}
		}
	})
}
