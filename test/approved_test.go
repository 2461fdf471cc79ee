// SPDX-License-Identifier: Apache-2.0

package test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/site"
	"assay/internal/store"
)

// Finding 16: the severity is that of the test, never what somebody says.
func TestAnExceptionHasTheSeverityOfItsTest(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		if _, err := c.try(c.staff, "exception.create", map[string]any{"title": "Said to be low", "test": "idp.mfa_all", "resource": "x", "reason": "Because I say that it is low.",
			"severity": "low", "expires_at": clock.Format(c.clock.Now().Add(aDay))}); errs.Public(err).Field != "severity" {
			t.Errorf("a requester says the severity: %v", err)
		}
		if _, err := c.try(c.staff, "exception.create", map[string]any{"title": "About nothing", "test": "no.such_test", "resource": "x", "reason": "Because I say so, again and again.",
			"expires_at": clock.Format(c.clock.Now().Add(aDay))}); errs.Public(err).Field != "test" {
			t.Errorf("about a test that is none: %v", err)
		}
		e := c.exception(c.staff, "test", "cloud.bucket_private") // critical
		if e["severity"] != "critical" {
			t.Fatalf("severity %v", e["severity"])
		}
		c.denied("critical goes to an owner", c.manager, "exception.approve", e, "owner", "Olga")
		e = c.next(c.manager, "exception.update", e, "test", "cloud.bucket_encrypted")
		if e["severity"] != "high" {
			t.Errorf("of another test: %v", e["severity"])
		}
		c.denied("high goes to an owner", c.second, "exception.approve", e, "owner", "Olga")
		c.next(c.owner, "exception.approve", e)

		long := c.exception(c.staff, "test", "cloud.bucket_private", "expires_at", clock.Format(c.clock.Now().Add(120*aDay)))
		if _, err := c.try(c.owner, "exception.approve", map[string]any{"id": long["id"], "rev": long["rev"]}); errs.Public(err).Field != "expires_at" {
			t.Errorf("120 days on a critical test: %v", err)
		}
		ctl := c.controlID("DAT-04")
		if e := c.exception(c.staff, "test", "", "resource", "", "control", ctl); e["severity"] != "critical" {
			t.Errorf("of a control with a critical required test: %v", e["severity"])
		}
	})
}

// Finding 16: what was approved does not change, and does not vanish. It is held for every kind that has an approval.
func TestWhatWasApprovedNeitherChangesNorVanishes(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		ways := c.approvable()
		free := map[string]string{"policy.owner": "who answers for it is no part of what was approved"}
		for _, sh := range c.app.Set.Shapes() {
			first := true
			for _, m := range sh.Moves {
				if !m.Apart() || !first {
					continue
				}
				first = false
				if ways[sh.Name] == nil {
					t.Errorf("%s is approved, and this test does not know how to make one", sh.Name)
					continue
				}
				x := c.next(c.owner, sh.Name+"."+m.Verb, ways[sh.Name](), wanted(m)...)
				c.unmoved(sh.Name, x, free)
				for _, after := range sh.Moves { // and in the states that come after it by a decision
					if after.Decides() && !after.Apart() && sh.Settled(after.To) && len(after.From) == 1 && after.From[0] == m.To && after.To != m.To {
						who := c.owner
						who.Roles = []op.Role{op.Owner, op.Manager}
						x = c.next(who, sh.Name+"."+after.Verb, x, wanted(after)...)
						c.unmoved(sh.Name, x, free)
						break
					}
				}
			}
		}
	})
}

// approvable makes one of each kind that is approved, by somebody else than the owner.
func (c *crew) approvable() map[string]func() map[string]any {
	return map[string]func() map[string]any{
		"exception": func() map[string]any { return c.exception(c.staff) },
		"policy":    func() map[string]any { return c.next(c.manager, "policy.submit", c.policy(c.manager)) },
		"evidence": func() map[string]any {
			return c.next(c.manager, "evidence.submit", c.do(c.manager, "evidence.create", map[string]any{"title": "Export", "type": "log", "source_locator": "https://example.com/export"}))
		},
		"decision": func() map[string]any {
			return c.do(c.manager, "decision.create", map[string]any{"subject": "CC6.4", "decision": "not_applicable", "reason": "There is no office of our own."})
		},
		"control_version": func() map[string]any {
			return c.do(c.manager, "control_version.create", map[string]any{"control": c.controlID("IAM-02"), "title": "Another title", "reason": "It is done otherwise now."})
		},
		"scope_version": func() map[string]any {
			return c.do(c.manager, "scope_version.create", map[string]any{"categories": []string{"security", "privacy"}, "reason": "We keep data about people."})
		},
		"definition": func() map[string]any {
			return c.do(c.manager, "definition.create", map[string]any{"title": "Stricter", "text": severer, "reason": "It matters more to us."})
		},
		"test_pause": func() map[string]any {
			return c.do(c.manager, "test_pause.create", map[string]any{"test": "idp.mfa_all", "reason": "The provider is being replaced.", "requested_by": c.manager.Person,
				"ends_at": clock.Format(c.clock.Now().Add(6 * aDay))})
		},
		"rule_file": func() map[string]any {
			f := &check.RuleFile{Path: "made.yaml", Text: severer, State: "proposed"} // the program makes it when it reads the folder
			_, err := c.app.DB.Change(c.t.Context(), c.org, store.System("test"), func(tx *store.Tx) error { return store.Put(c.t.Context(), tx, check.RuleFiles, f) })
			fine(c.t, err)
			return c.do(c.owner, "rule_file.get", map[string]any{"id": f.ID})
		},
	}
}

const severer = "tests:\n  - id: idp.dormant\n    severity: high\n"

// wanted gives what a move wants.
func wanted(m kind.Move) (out []any) {
	for _, w := range m.Wants {
		out = append(out, w, "A reason that is long enough.")
	}
	return out
}

// controlID is the id of a control.
func (c *crew) controlID(ref string) any {
	c.t.Helper()
	return c.do(c.owner, "control.list", map[string]any{"ref": ref})["data"].([]any)[0].(map[string]any)["id"]
}

// unmoved holds that no field of a thing can be changed and that it cannot be ended.
func (c *crew) unmoved(kindName string, x map[string]any, free map[string]string) {
	c.t.Helper()
	all := c.owner
	all.Roles = []op.Role{op.Self}
	for _, f := range c.app.Set.Find(kindName + ".update").In {
		if f.Name == "id" || f.Name == "rev" {
			continue
		}
		var v any = "A text that is another, and long enough."
		switch {
		case f.Type == "boolean":
			v = x[f.Name] != true
		case f.Type == "integer":
			n := int64(77)
			if f.Max != nil {
				n = *f.Max
			}
			if x[f.Name] == float64(n) {
				n--
			}
			v = n
		case f.Fields != nil:
			row := map[string]any{}
			for _, r := range f.Fields {
				if r.Required {
					row[r.Name] = "another"
				}
			}
			v = []any{row}
		case f.Type == "array":
			v = []string{"another"}
		case f.Ref == "person":
			v = c.second.Person
		case f.Ref == "control":
			v = c.controlID("DAT-04")
		case f.Enum != nil:
			if v = f.Enum[0]; v == x[f.Name] {
				v = f.Enum[1]
			}
		case f.Format == "date":
			v = "2027-01-01"
		case f.Format == "date-time":
			v = clock.Format(c.clock.Now().Add(20 * aDay))
		case f.Format == "sha256":
			v = strings.Repeat("ab", 32)
		}
		out, err := c.try(all, kindName+".update", map[string]any{"id": x["id"], "rev": x["rev"], f.Name: v})
		if free[kindName+"."+f.Name] != "" {
			if err != nil {
				c.t.Errorf("%s.%s: %v", kindName, f.Name, err)
			} else {
				x["rev"] = out["rev"]
			}
			continue
		}
		if err == nil || errs.Public(err).Code != errs.Conflict {
			c.t.Errorf("%s that is %v: %s was changed: %v", kindName, x["state"], f.Name, err)
		}
		if err == nil {
			x["rev"] = out["rev"]
		}
	}
	if c.app.Set.Find(kindName+".end") == nil {
		return
	}
	if _, err := c.try(all, kindName+".end", map[string]any{"id": x["id"], "rev": x["rev"]}); err == nil || errs.Public(err).Code != errs.Conflict {
		c.t.Errorf("%s that is %v was ended: %v", kindName, x["state"], err)
	}
}

// What a policy in force asks for stays, while its next version is written.
func TestADraftOfTheNextVersionChangesNothingInForce(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		p := c.next(c.manager, "policy.submit", c.policy(c.manager))
		p = c.next(c.owner, "policy.approve", p)
		p = c.next(c.manager, "policy.publish", p)
		p = c.next(c.manager, "policy.revise", p)
		p = c.next(c.manager, "policy.update", p, "review_days", 1000, "required", true, "title", "Another title")
		if p["published_review_days"] != 365.0 || p["published_required"] != false || p["published_title"] != "Own policy" {
			t.Errorf("in force: %v %v %v", p["published_review_days"], p["published_required"], p["published_title"])
		}
		if _, err := c.try(c.manager, "policy.end", map[string]any{"id": p["id"], "rev": p["rev"]}); errs.Public(err).Code != errs.Conflict {
			t.Errorf("a draft whose earlier version is in force was ended: %v", err)
		}
	})
}

// Taking a policy out of force weakens what was promised: one asks with a reason, another does it.
func TestAPolicyIsRetiredByTwo(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		both := c.hire("Bo", op.Owner, op.Manager)
		p := c.next(c.manager, "policy.submit", c.policy(c.manager))
		p = c.next(c.owner, "policy.approve", p)
		p = c.next(c.manager, "policy.publish", p)
		if _, err := c.try(c.owner, "policy.retire", map[string]any{"id": p["id"], "rev": p["rev"]}); err == nil {
			t.Fatal("retired without a request")
		}
		p = c.next(both, "policy.propose_retire", p, "retire_reason", "The service that it is about has ended.")
		if p["state"] != "published" {
			t.Errorf("asked, and it is %v", p["state"])
		}
		c.denied("he asked for it", both, "policy.retire", p)
		if p = c.next(c.owner, "policy.retire", p); p["state"] != "retired" {
			t.Errorf("%v", p)
		}
	})
}

// Finding 17: a company of one approves its own, and it is seen.
func TestSoloModeIsStampedCountedAndListed(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		both := c.hire("Bo", op.Owner, op.Manager)
		e := c.exception(both)
		c.denied("his own", both, "exception.approve", e)
		set := func(on bool) {
			o := c.do(c.admin, "organization.get", map[string]any{"id": c.org})
			c.next(c.admin, "organization.update", o, "solo_mode", on)
		}
		set(true)
		if e = c.next(both, "exception.approve", e); e["approved_how"] != "solo" {
			t.Errorf("stamped %v", e["approved_how"])
		}
		other := c.next(c.owner, "exception.approve", c.exception(c.staff))
		if other["approved_how"] != "" {
			t.Errorf("by two, and stamped %v", other["approved_how"])
		}
		c.denied("the program", site.Here(c.org), "exception.approve", c.exception(c.staff))
		set(false)
		c.denied("solo mode is off again", both, "exception.approve", c.exception(both))
		c.next(c.manager, "exception.revoke", e, "revoke_reason", "It is no longer needed at all.")
		l := c.do(c.owner, "approval.list", map[string]any{})
		rows := l["data"].([]any)
		if len(rows) != 1 || rows[0].(map[string]any)["how"] != "solo" || rows[0].(map[string]any)["thing"] != e["id"] {
			t.Errorf("listed: %v", l)
		}
		if l["solo_mode"] != false || l["count"].(map[string]any)["solo"] != 1.0 {
			t.Errorf("counted: %v", l)
		}
		link, err := c.app.Door.Link(t.Context(), c.org, c.owner.ID)
		fine(t, err)
		cookie, err := c.app.Door.ByLink(t.Context(), strings.TrimPrefix(link.Path, "/welcome?code="))
		fine(t, err)
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/approvals", nil)
		r.Header.Set("Cookie", c.app.CookieName()+"="+cookie)
		if c.app.Handler("test").ServeHTTP(w, r); !strings.Contains(w.Body.String(), "Approved by author (solo)") || !strings.Contains(w.Body.String(), "Solo mode is off") {
			t.Errorf("the page: %d %s", w.Code, w.Body)
		}
		if n := len(l["solo"].([]any)); n != 2 {
			t.Errorf("solo mode was changed %d times, want on and off: %v", n, l["solo"])
		}
		if _, err := c.try(site.Here(c.org), "organization.update", map[string]any{"id": c.org, "rev": c.do(c.owner, "organization.get", map[string]any{"id": c.org})["rev"], "solo_mode": true}); errs.Public(err).Code != errs.Denied {
			t.Errorf("a program turned solo mode on: %v", err)
		}
	})
}

// Where nothing was approved nobody was a second person.
func TestWithoutAnyApprovalNoneIsClaimed(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		page := func() string {
			t.Helper()
			link, err := c.app.Door.Link(t.Context(), c.org, c.manager.ID) // not of who approves: whoever opens an account may stand behind it
			fine(t, err)
			cookie, err := c.app.Door.ByLink(t.Context(), strings.TrimPrefix(link.Path, "/welcome?code="))
			fine(t, err)
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/approvals", nil)
			r.Header.Set("Cookie", c.app.CookieName()+"="+cookie)
			c.app.Handler("test").ServeHTTP(w, r)
			return w.Body.String()
		}
		if text := page(); !strings.Contains(text, "No approvals yet") || strings.Contains(text, "Every approval") {
			t.Error("nothing was approved, and the page claims something else")
		}
		c.next(c.owner, "exception.approve", c.exception(c.staff))
		if text := page(); !strings.Contains(text, "Every approval was made by a second person") || strings.Contains(text, "No approvals yet") {
			t.Error("one was approved by two people, and the page does not say so")
		}
	})
}

// In its first days a company has nobody else: the founder invites the one who approves. It is allowed, and seen.
func TestInTheFirstThirtyDaysAnInvitedApproverIsStamped(t *testing.T) {
	t.Parallel()
	c := foundCrew(t, "")
	boss := c.hire("Boss", op.Owner, op.Manager)
	for _, u := range []op.Actor{c.owner, c.second} { // two who remain
		row := c.do(c.admin, "user.get", map[string]any{"id": u.ID})
		c.do(c.admin, "user.disable", map[string]any{"id": u.ID, "rev": row["rev"]})
	}
	c.do(boss, "user.link", map[string]any{"id": c.manager.ID})
	e := c.exception(boss)
	if e = c.next(c.manager, "exception.approve", e); e["approved_how"] != "invited_by_author" {
		t.Errorf("stamped %v", e["approved_how"])
	}
	third := c.hire("Third", op.Owner)
	c.denied("there is a third person now", c.manager, "exception.approve", c.exception(boss), "Third")
	row := c.do(boss, "user.get", map[string]any{"id": third.ID})
	c.do(boss, "user.grant", map[string]any{"id": third.ID, "rev": row["rev"], "roles": []string{"reader"}})
	c.clock.Move(20 * aDay)
	c.do(boss, "user.link", map[string]any{"id": c.manager.ID})
	c.clock.Move(15 * aDay)
	c.denied("the first thirty days are over", c.manager, "exception.approve", c.exception(boss))
}

// What is done from the data folder may be done by anyone who has it: what it touches is approved, and seen.
func TestWhatTheDataFolderTouchedIsStamped(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		folder := site.Here(c.org)
		if e := c.next(c.owner, "exception.approve", c.exception(folder)); e["approved_how"] != "same_hand" {
			t.Errorf("written on the data folder: stamped %v", e["approved_how"])
		}
		l, err := c.app.Door.Link(t.Context(), c.org, c.manager.ID)
		fine(t, err)
		if e := c.next(c.manager, "exception.approve", c.exception(c.staff)); e["approved_how"] != "" {
			t.Errorf("a link that nobody used: stamped %v", e["approved_how"])
		}
		_, err = c.app.Door.ByLink(t.Context(), strings.TrimPrefix(l.Path, "/welcome?code="))
		fine(t, err)
		if e := c.next(c.manager, "exception.approve", c.exception(c.staff)); e["approved_how"] != "same_hand" {
			t.Errorf("signed in with a link of the data folder: stamped %v", e["approved_how"])
		}
	})
}

// Finding 17: each field of the organisation does what it says, or goes.
func TestTheOrganizationHasNoFieldThatNothingReads(t *testing.T) {
	t.Parallel()
	c := foundCrew(t, "")
	for _, f := range c.app.Set.Find("organization.update").In {
		if f.Name == "retention_years" || f.Name == "id_style" {
			t.Errorf("%s does nothing", f.Name)
		}
	}
}
