// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/site"
)

// What is in scope decides what is judged at all: one administrator must not take a category out, nor move the start.
func TestScopeAndProgrammeStartChangeByTwoPeopleWithAReason(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		org := func() map[string]any { return c.do(c.owner, "organization.get", map[string]any{"id": c.org}) }
		for field, v := range map[string]any{"categories": []string{"security", "availability"}, "programme_start": "2026-01-01"} {
			for _, who := range []op.Actor{c.admin, site.Here(c.org)} {
				if _, err := c.try(who, "organization.update", map[string]any{"id": c.org, "rev": org()["rev"], field: v}); errs.Public(err).Code != errs.Invalid {
					t.Errorf("%s was changed by one: %v", field, err)
				}
			}
		}
		if c.app.Set.Find("scope_version.create") == nil {
			t.Fatal("nobody can propose another scope")
		}
		in := map[string]any{"categories": []string{"availability", "security"}, "programme_start": "2026-01-01", "reason": "Customers ask for availability."}
		if _, err := c.try(c.admin, "scope_version.create", in); errs.Public(err).Code != errs.Denied {
			t.Errorf("an administrator proposed it: %v", err)
		}
		for field, bad := range map[string]map[string]any{
			"reason":     {"categories": in["categories"], "reason": "Because"},
			"categories": {"categories": []string{"privacy"}, "reason": in["reason"]},
			"":           {"categories": []string{"security"}, "reason": in["reason"]},
		} {
			if _, err := c.try(c.manager, "scope_version.create", bad); errs.Public(err).Code != errs.Invalid || errs.Public(err).Field != field {
				t.Errorf("%v: %v", bad, err)
			}
		}
		v := c.do(c.manager, "scope_version.create", in)
		late := c.do(c.manager, "scope_version.create", map[string]any{"categories": []string{"security", "privacy"}, "reason": "We keep data about people."})
		if len(org()["categories"].([]any)) != 1 {
			t.Fatal("a proposal changed the scope")
		}
		c.denied("he proposed it", c.manager, "scope_version.approve", v)
		c.denied("the program on the data folder", site.Here(c.org), "scope_version.approve", v)
		zone := org()
		c.next(c.admin, "organization.update", zone, "timezone", "Europe/Berlin") // another field of the organisation is in nobody's way
		if v = c.next(c.owner, "scope_version.approve", v); v["approved_how"] != "" || v["approved_by"] != c.owner.ID {
			t.Errorf("approved by two: %v", v)
		}
		o := org()
		if fmt.Sprint(o["categories"]) != "[security availability]" || o["programme_start"] != "2026-01-01" || o["timezone"] != "Europe/Berlin" {
			t.Errorf("after the approval: %v %v %v", o["categories"], o["programme_start"], o["timezone"])
		}
		came := c.do(c.owner, "control.list", map[string]any{"set": "availability", "state": "active"})["data"].([]any)
		if len(came) == 0 || came[0].(map[string]any)["version_no"] != 1.0 {
			t.Errorf("%d controls of the category came along", len(came))
		}
		if _, err := c.try(c.owner, "scope_version.approve", map[string]any{"id": late["id"], "rev": late["rev"]}); errs.Public(err).Code != errs.Conflict {
			t.Errorf("the scope was another when this was proposed: %v", err)
		}
		if _, err := c.try(c.owner, "scope_version.reject", map[string]any{"id": late["id"], "rev": late["rev"]}); errs.Public(err).Field != "answer" {
			t.Errorf("rejected without a reason: %v", err)
		}
		c.next(c.owner, "scope_version.reject", late, "answer", "It is no longer right.")
		c.toldOfScope(v["id"], late["id"])

		file := c.next(c.owner, "scope_version.approve", c.do(site.Here(c.org), "scope_version.create", map[string]any{"categories": []string{"security"}, "reason": "We sell nothing of it now."}))
		if file["approved_how"] != "same_hand" {
			t.Errorf("proposed on the data folder: stamped %v", file["approved_how"])
		}
		if l := c.do(c.owner, "approval.list", map[string]any{})["data"].([]any); len(l) != 1 || l[0].(map[string]any)["thing"] != file["id"] {
			t.Errorf("approvals by one person: %v", l)
		}
	})
}

// On the pages one starts from the scope in force, and another approves.
func TestScopeChangesOnItsPagesByTwoPeople(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		b.as("manager").wants(b.get("/organizations/"+b.org), 200, "Change scope", "/scope-versions/new")
		form := b.fill("/scope-versions/new", "reason", "Customers ask for availability.")
		if got := strings.Join(form, "|"); !strings.Contains(got, "categories|security") {
			t.Errorf("the form does not start from the scope in force: %s", got)
		}
		b.wants(b.post("/scope-versions", form...), 422, "Nothing would change")
		made := b.wants(b.post("/scope-versions", "categories", "security\navailability", "reason", "Customers ask for availability."), 303)
		b.wants(b.get(made.to), 200, "Customers ask for availability.", "You can't approve your own request", "Withdraw", "Reject")
		b.wants(b.get("/controls/AVL-01"), 200, "The text isn't approved yet.")
		at, rev := b.as("owner").button(made.to, "approve")
		b.wants(b.post(at, "rev", rev), 303)
		b.wants(b.get("/organizations/"+b.org), 200, "availability")
		b.wants(b.get("/changes"), 200, "Scope changed", "Customers ask for availability.", "Kim manager")
		b.wants(b.get("/controls/AVL-01"), 200, "library text")
	})
}

// toldOfScope holds that the list of changes tells of a change of scope once, with both people and the reason.
func (c *crew) toldOfScope(approved, rejected any) {
	c.t.Helper()
	all := c.do(c.owner, "changes.list", map[string]any{})["data"].([]any)
	seen := 0
	for _, x := range all {
		l := x.(map[string]any)
		switch {
		case l["thing"] == approved:
			seen++
			want := "[map[name:categories now:availability, security was:security] map[name:programme_start now:2026-01-01 was:]]"
			if l["kind"] != "scope" || l["state"] != "in_force" || l["asked_by"] != c.manager.ID || l["approved_by"] != c.owner.ID || l["reason"] != "Customers ask for availability." || fmt.Sprint(l["fields"]) != want {
				c.t.Errorf("the change of scope: %v", l)
			}
		case l["thing"] == rejected:
			seen++
			if l["state"] != "rejected" || l["end_reason"] != "It is no longer right." {
				c.t.Errorf("the rejected change: %v", l)
			}
		case l["kind"] == "scope" || l["kind"] == "programme":
			c.t.Errorf("told twice: %v", l)
		}
	}
	if seen != 2 {
		c.t.Errorf("%d changes of scope are listed, want two", seen)
	}
}
