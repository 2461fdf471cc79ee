// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"assay/content"
	"assay/internal/cli"
	"assay/internal/errs"
	"assay/internal/grc"
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

// Whichever category is added, and by whichever way: the proposal says which controls and policies come along, and with the
// approval they are there.
func TestANewCategoryBringsItsControlsAndPoliciesWhereverItIsAdded(t *testing.T) {
	const why = "Customers ask for it in their contracts."
	t.Run("operation", func(t *testing.T) {
		crews(t, func(t *testing.T, c *crew) {
			broughtAlong(t, c.app, c.org, func(all []string) {
				c.next(c.owner, "scope_version.approve", c.do(c.manager, "scope_version.create", map[string]any{"categories": all, "reason": why}))
			})
		})
	})
	t.Run("command line", func(t *testing.T) {
		crews(t, func(t *testing.T, c *crew) {
			broughtAlong(t, c.app, c.org, func(all []string) {
				var out bytes.Buffer
				root := &cobra.Command{Use: "assay", SilenceUsage: true}
				root.AddCommand(cli.Commands(cli.Local{Gate: c.app.Gate, Actor: c.manager}, c.app.Set, &out, &out)...)
				args := []string{"scope-version", "create", "--reason", why}
				for _, x := range all {
					args = append(args, "--categories", x)
				}
				root.SetArgs(args)
				if err := root.ExecuteContext(t.Context()); err != nil {
					t.Fatalf("%v: %s", err, out.String())
				}
				proposed := c.listed("scope_version", "state", "proposed")
				c.next(c.owner, "scope_version.approve", proposed[0])
			})
		})
	})
	t.Run("pages", func(t *testing.T) {
		throughTwo(t, func(t *testing.T, b *both) {
			broughtAlong(t, b.app, b.org, func(all []string) {
				made := b.as("manager").wants(b.post("/scope-versions", "categories", strings.Join(all, "\n"), "reason", why), 303)
				b.wants(b.get(made.to), 200, libraryOf(t, all[len(all)-1])[0].Ref)
				at, rev := b.as("owner").button(made.to, "approve")
				b.wants(b.post(at, "rev", rev), 303)
			})
		})
	})
}

// broughtAlong adds one category after the other, and looks at what is there then.
func broughtAlong(t *testing.T, app *site.App, org string, add func(all []string)) {
	t.Helper()
	ask := func(name string, in map[string]any) []any {
		out, err := op.Do[map[string]any](t.Context(), app.Gate, site.Here(org), name, in, time.Time{})
		fine(t, err)
		return out["data"].([]any)
	}
	all := []string{"security"}
	for _, category := range grc.Category("").Values()[1:] {
		all = append(all, category)
		add(all)
		var refs []string
		needed := map[string]bool{}
		for _, c := range libraryOf(t, category) {
			refs = append(refs, c.Ref)
			for _, p := range c.Policies {
				needed[p] = true
			}
		}
		slices.Sort(refs)
		var active []string
		for _, x := range ask("control.list", map[string]any{"set": category, "state": "active", "sort": "ref"}) {
			active = append(active, x.(map[string]any)["ref"].(string))
		}
		if !slices.Equal(active, refs) {
			t.Errorf("%s brought %v, want %v", category, active, refs)
		}
		for _, x := range ask("policy.list", map[string]any{}) {
			if p := x.(map[string]any); needed[p["ref"].(string)] && p["required"] != true {
				t.Errorf("%s rests on %v, which is not required", category, p["ref"])
			}
		}
		for _, x := range ask("scope_version.list", map[string]any{"state": "approved"}) {
			if v := x.(map[string]any); fmt.Sprint(v["categories"]) == fmt.Sprint(all) && fmt.Sprint(v["brings_controls"]) != fmt.Sprint(refs) {
				t.Errorf("%s: the proposal said that %v come", category, v["brings_controls"])
			}
		}
	}
}

// libraryOf are the controls that the library has for a category.
func libraryOf(t *testing.T, category string) (out []content.Control) {
	t.Helper()
	all, err := content.Controls()
	fine(t, err)
	for _, c := range all {
		if c.Set == category {
			out = append(out, c)
		}
	}
	return out
}

// What an industry usually has in scope is told with what would come along, and changes nothing.
func TestAnIndustrySuggestsAScopeAndChangesNothing(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		ask := func(in map[string]any) (*grc.SuggestedScope, error) {
			return op.Do[*grc.SuggestedScope](t.Context(), b.app.Gate, site.Here(b.org), "scope_version.suggest", in, time.Time{})
		}
		if _, err := ask(map[string]any{}); errs.Public(err).Field != "industry" {
			t.Errorf("no industry: %v", err)
		}
		if _, err := ask(map[string]any{"industry": "piracy"}); errs.Public(err).Code != errs.Invalid {
			t.Errorf("an industry that is not there: %v", err)
		}
		all := grc.Industry("").Values()
		for _, key := range all {
			s, err := ask(map[string]any{"industry": key})
			fine(t, err)
			for _, c := range s.Categories {
				if c.InScope || len(c.Controls) != len(libraryOf(t, string(c.Category))) {
					t.Errorf("%s: %+v", key, c)
				}
			}
			for _, c := range s.Controls {
				if c.State != "draft" || c.Title == "" {
					t.Errorf("%s: %+v", key, c)
				}
			}
		}
		o, err := op.Do[map[string]any](t.Context(), b.app.Gate, site.Here(b.org), "organization.get", map[string]any{"id": b.org}, time.Time{})
		fine(t, err)
		_, err = op.Do[map[string]any](t.Context(), b.app.Gate, site.Here(b.org), "organization.update", map[string]any{"id": b.org, "rev": o["rev"], "industry_preset": "legal"}, time.Time{})
		fine(t, err)
		s, err := ask(map[string]any{"industry": "legal"})
		fine(t, err)
		if s.Industry != "legal" || len(s.Categories) != 2 || len(all) != 10 {
			t.Errorf("of %v: %+v", all, s)
		}
		b.as("manager").wants(b.get("/scope-versions/new"), 200, "Usual for Law firms and legal technology: security, confidentiality, privacy.")
		b.wants(b.get("/organizations/"+b.org), 200, "legal")
		if list := b.wants(b.get("/controls/CNF-01"), 200).text; !strings.Contains(list, "The text isn&#39;t approved yet.") && !strings.Contains(list, "The text isn't approved yet.") {
			t.Error("a suggestion put a control in force")
		}
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

// What was due before the start is not judged: a start that no programme has would hide what fails now.
func TestAProgrammeStartsNeitherInTheFutureNorBefore2000(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		today := c.clock.Now()
		for on, good := range map[string]bool{
			"9999-12-31": false, "1999-12-31": false, "0001-01-01": false, "2000-01-01": true,
			today.AddDate(0, 0, 2).Format(time.DateOnly): false, today.AddDate(0, 0, -1).Format(time.DateOnly): true,
		} {
			_, err := c.try(c.manager, "scope_version.create", map[string]any{"programme_start": on, "reason": "We began on that day."})
			if good && err != nil || !good && errs.Public(err).Field != "programme_start" {
				t.Errorf("a start on %s: %v", on, err)
			}
		}
	})
}
