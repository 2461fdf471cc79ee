// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/site"
	"assay/internal/store"
)

// both are two people at their own browsers: an owner, who was there first, and a manager, who owes the account to nobody.
type both struct {
	*people
	jars map[string]http.CookieJar
}

func throughTwo(t *testing.T, fn func(t *testing.T, p *both)) {
	throughPages(t, func(t *testing.T, p *people) {
		b := &both{p, map[string]http.CookieJar{}}
		b.jars["owner"] = p.http.Jar
		p.signIn()
		b.arrives("manager", op.Manager)
		fn(t, b)
	})
}

// arrives puts a user with a person there and signs it in, in a browser of its own.
func (b *both) arrives(name string, role op.Role) {
	b.t.Helper()
	email := name + "@example.com"
	u, err := op.Do[auth.Invited](context.Background(), b.app.Gate, site.Here(b.org), "user.invite", map[string]any{"name": "Kim " + name, "email": email, "roles": []string{string(role)}}, time.Time{})
	fine(b.t, err)
	jar, err := cookiejar.New(nil)
	fine(b.t, err)
	b.jars[name], b.http.Jar = jar, jar
	b.wants(b.post("/sign-in/link", "token", strings.TrimPrefix(u.Path, "/welcome?code="), "password", "a password of Kim"), 303)
	b.wants(b.post("/sign-in", "email", email, "password", "a password of Kim"), 303)
	_, err = b.app.DB.Change(b.t.Context(), b.org, store.System("test"), func(tx *store.Tx) error {
		all, err := store.All(b.t.Context(), &tx.View, auth.Users, nil)
		if err != nil {
			return err
		}
		for _, x := range all {
			if x.Email == email && x.Person == "" {
				p := &grc.Person{Name: "Kim " + name, Email: email, Kind: "employee", State: "active"}
				if err := store.Put(b.t.Context(), tx, grc.People, p); err != nil {
					return err
				}
				x.Person = p.ID
				if err := store.Put(b.t.Context(), tx, auth.Users, x); err != nil {
					return err
				}
			}
		}
		return nil
	})
	fine(b.t, err)
}

// later is some time on: sessions have ended meanwhile, and everybody signs in again.
func (b *both) later(d time.Duration) {
	b.t.Helper()
	b.clock.Move(d)
	for name := range b.jars {
		if b.as(name); name == "owner" {
			b.signIn()
			continue
		}
		b.wants(b.post("/sign-in", "email", name+"@example.com", "password", "a password of Kim"), 303)
	}
	b.as("owner")
}

// as goes on in the browser of somebody.
func (b *both) as(name string) *both { b.http.Jar = b.jars[name]; return b }

// fill gives every field of the form on a page as it stands there, with some of them changed.
func (b *both) fill(path string, change ...string) []string {
	b.t.Helper()
	page := b.wants(b.get(path), 200).text
	v := url.Values{}
	form := page[strings.LastIndex(page, "<form method=\"post\""):]
	for _, m := range regexp.MustCompile(`<input[^>]*>`).FindAllString(form, -1) {
		name, value := attr(m, "name"), attr(m, "value")
		if name != "" && (attr(m, "type") != "checkbox" || strings.Contains(m, " checked")) {
			v.Set(name, value)
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea([^>]*)>(.*?)</textarea>`).FindAllStringSubmatch(form, -1) {
		v.Set(attr(m[1], "name"), m[2])
	}
	for _, m := range regexp.MustCompile(`(?s)<select([^>]*)>(.*?)</select>`).FindAllStringSubmatch(form, -1) {
		v.Set(attr(m[1], "name"), "")
		if o := regexp.MustCompile(`<option value="([^"]*)" selected`).FindStringSubmatch(m[2]); o != nil {
			v.Set(attr(m[1], "name"), o[1])
		}
	}
	for i := 0; i < len(change); i += 2 {
		v.Set(change[i], change[i+1])
	}
	var out []string
	for n := range v {
		out = append(out, n, v.Get(n))
	}
	return out
}

func attr(tag, name string) string {
	m := regexp.MustCompile(`\b` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return m[1]
}

// button finds the address to which a button of a page posts, and the revision that goes with it.
func (b *both) button(path, verb string) (string, string) {
	b.t.Helper()
	m := regexp.MustCompile(`action="([^"]*/` + verb + `)"[^>]*>\s*<input type="hidden" name="rev" value="(\d+)"`).FindStringSubmatch(b.wants(b.get(path), 200).text)
	if m == nil {
		b.t.Fatalf("%s has no button to %s", path, verb)
	}
	return m[1], m[2]
}

func (b *both) lacks(s shown, parts ...string) {
	b.t.Helper()
	for _, x := range parts {
		if strings.Contains(s.text, x) {
			b.t.Errorf("the page says %q", x)
		}
	}
}

// A control in force changes on its page by a proposal that somebody else approves; only what was changed is sent.
func TestAControlChangesOnItsPageByTwoPeople(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		b.as("manager").wants(b.get("/controls/IAM-02"), 200, "Propose a change", "Edit owner and tasks", "Propose to retire", "library text", "Confirm library text")
		b.lacks(b.wants(b.get("/controls/IAM-02/edit"), 200, "Owner", "Recurring tasks"), `name="text"`, `name="weight"`)

		form := b.wants(b.get("/controls/IAM-02/change"), 200, "First day", "2026-03-07", "each decide part of the day", "Reason")
		b.lacks(form, "json", "GraceDays")
		b.wants(b.post("/controls/IAM-02/change", b.fill("/controls/IAM-02/change", "title", "Strong sign-in for all", "reason", "")...), 422, "Reason")
		sent := b.fill("/controls/IAM-02/change", "title", "Strong sign-in for all", "reason", "Everybody has it since June.", "effective_from", "")
		made := b.wants(b.post("/controls/IAM-02/change", sent...), 303)
		if made.to != "/controls/IAM-02" {
			t.Fatalf("goes to %q", made.to)
		}
		own := b.wants(b.get("/controls/IAM-02"), 200, "Changes waiting for approval", "Everybody has it since June.", "<ins>Strong sign-in for all</ins>", "You can't approve your own request", "Kim manager", "Withdraw", "Reject")
		b.lacks(own, "<ins></ins>", "Weight</td>")
		if got := own.text; strings.Count(got, "<ins>") != 1 {
			t.Errorf("%d lines are new, 1 was changed", strings.Count(got, "<ins>"))
		}

		b.wants(b.as("owner").get("/work"), 200, "Control change, from Kim manager", "IAM-02 Multi-factor authentication: Everybody has it since June.")
		at, rev := b.as("owner").button("/controls/IAM-02", "approve")
		if s := b.wants(b.post(at, "rev", rev), 303); s.to != "/controls/IAM-02" {
			t.Errorf("approving goes to %q", s.to)
		}
		now := b.wants(b.get("/controls/IAM-02"), 200, "Strong sign-in for all", "Version 2", "Version history", "Kim manager", "Everybody has it since June.")
		b.lacks(now, "Changes waiting for approval", "library text", "Confirm library text")
	})
}

// A proposal of another day than this one is scheduled, and withdrawn until then.
func TestAChangeOfALaterDayIsShownAsScheduled(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		b.as("manager").wants(b.post("/controls/IAM-02/change", b.fill("/controls/IAM-02/change", "title", "Strong sign-in for all", "reason", "Everybody has it since June.")...), 303)
		at, rev := b.as("owner").button("/controls/IAM-02", "approve")
		b.wants(b.post(at, "rev", rev), 303)
		s := b.wants(b.get("/controls/IAM-02"), 200, "Scheduled from 7 Mar 2026", "Withdraw", "library text")
		b.lacks(s, "Changes waiting for approval", ">Approve<")
		before := b.clock.Now()
		b.later(24 * time.Hour)
		_, err := b.app.DB.Change(t.Context(), b.org, store.System("test"), func(tx *store.Tx) error { return applied(grc.ApplyScheduled(t.Context(), tx)) })
		fine(t, err)
		b.lacks(b.wants(b.get("/controls/IAM-02"), 200, "Strong sign-in for all", "Version 2"), "Scheduled from")

		then := b.wants(b.get("/controls/IAM-02?as_of="+before.Format("2006-01-02T15:04:05Z")), 200, "Scheduled from 7 Mar 2026")
		b.lacks(then, "Propose a change", "Confirm library text", "Withdraw", ">Approve<", "Edit owner")
	})
}

// A retired control keeps its page, and is put in force again under its own history.
func TestARetiredControlKeepsItsPage(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		b.as("manager").wants(b.get("/controls/IAM-02/retire"), 200, "Reason", "First day")
		b.wants(b.post("/controls/IAM-02/retire", b.fill("/controls/IAM-02/retire", "reason", "We closed that office.", "effective_from", "")...), 303)
		b.wants(b.get("/controls/IAM-02"), 200, "Retire this control", "We closed that office.")
		b.later(time.Hour)
		at, rev := b.as("owner").button("/controls/IAM-02", "approve")
		b.wants(b.post(at, "rev", rev), 303)
		page := b.wants(b.get("/controls/IAM-02"), 200, "Retired on 6 Mar 2026", "Day by day", "Propose to reactivate", "retired")
		b.lacks(page, "Propose a change", "Propose to retire", "Confirm library text")
		b.wants(b.get("/controls?status=retired"), 200, "IAM-02", "retired")
		b.lacks(b.get("/controls?status=failing"), "IAM-02 ")
		b.as("manager").wants(b.post("/controls/IAM-02/activate", b.fill("/controls/IAM-02/activate", "reason", "We opened it again.", "effective_from", "")...), 303)
		at, rev = b.as("owner").button("/controls/IAM-02", "approve")
		b.wants(b.post(at, "rev", rev), 303)
		b.wants(b.get("/controls/IAM-02"), 200, "Propose a change", "Version 3")
	})
}

// One click says that the text of the library is the company's own.
func TestTheTextOfTheLibraryIsConfirmedByOneClick(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		at, rev := b.as("manager").button("/controls/IAM-02", "confirm")
		if s := b.wants(b.post(at, "rev", rev), 303); !strings.HasPrefix(s.to, "/controls/") {
			t.Errorf("confirming goes to %q", s.to)
		}
		b.lacks(b.wants(b.get("/controls/IAM-02"), 200, "confirmed by Kim manager"), "Confirm library text", `>library text<`)
		b.arrives("boss", op.Owner)
		b.lacks(b.wants(b.get("/controls/IAM-03"), 200, "library text", "Confirm library text"), "Edit owner") // an owner decides, and edits nothing
	})
}

// The day of a control says by which definition it was judged.
func TestTheDayOfAControlShowsTheDefinitionInForce(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		day := b.clock.Now().Format(time.DateOnly)
		b.wants(b.get("/monitoring/IAM-02/"+day), 200, "Definition in force", "Version 1", "library text", "idp.mfa_all")
		b.as("manager").wants(b.post("/controls/IAM-02/change", b.fill("/controls/IAM-02/change", "title", "Strong sign-in for all", "reason", "Everybody has it since June.", "effective_from", "")...), 303)
		b.later(time.Hour)
		at, rev := b.as("owner").button("/controls/IAM-02", "approve")
		b.wants(b.post(at, "rev", rev), 303)
		b.later(time.Hour)
		b.wants(b.get("/monitoring/IAM-02/"+day), 200, "Definitions in force", "Version 1", "Version 2", "Strong sign-in for all")
	})
}

// Of a periodic control its page lists what was expected, and leads to the form that brings it for that window.
func TestExpectedPerformancesStandOnThePageOfAControl(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		b.later(125 * 24 * time.Hour)
		var refs []string
		_, err := b.app.DB.Change(t.Context(), b.org, store.System("test"), func(tx *store.Tx) error {
			all, err := store.All(t.Context(), &tx.View, grc.Controls, map[string]any{"state": "active"})
			if err != nil {
				return err
			}
			for _, c := range all {
				if c.Frequency == "quarterly" {
					for _, e := range c.Evidence {
						if e.Required && e.Frequency != "per_event" {
							refs = append(refs, c.Ref)
						}
					}
				}
			}
			return nil
		})
		fine(t, err)
		if len(refs) == 0 {
			t.Fatal("the library has no quarterly control with required evidence")
		}
		s := b.wants(b.as("manager").get("/controls/"+refs[0]), 200, "Expected performances", "1 Apr 2026", "30 Jun 2026", "missed", "covers_from=2026-04-01", "covers_to=2026-06-30", "evidence_key=")
		m := regexp.MustCompile(`href="(/evidence/new\?[^"]*covers_from=2026-04-01[^"]*)"`).FindStringSubmatch(s.text)
		if m == nil {
			t.Fatal("no link")
		}
		b.wants(b.get(m[1]), 200, `value="2026-04-01"`, `value="2026-06-30"`)
		b.wants(b.get("/controls/IAM-02"), 200, "Days observed", "Pass rate")
	})
}

// What the page of a control offers is what the role may do.
func TestTheButtonsOfAControlFollowTheRole(t *testing.T) {
	throughTwo(t, func(t *testing.T, b *both) {
		b.as("manager").wants(b.post("/controls/IAM-02/change", b.fill("/controls/IAM-02/change", "title", "Strong sign-in for all", "reason", "Everybody has it since June.")...), 303)
		change := []string{"Propose a change", "Propose to retire"}
		decide := []string{">Approve<", "Reject", "Withdraw"}
		edit, confirm := []string{"Edit owner and tasks"}, []string{"Confirm library text"}
		for _, x := range []struct {
			role  op.Role
			sees  []string
			lacks [][]string
		}{
			{op.Owner, slices.Concat(change, decide[1:], confirm), [][]string{edit}},
			{op.Manager, slices.Concat(change, edit, confirm, decide[2:]), nil},
			{op.Control, change, [][]string{decide, edit, confirm}},
			{op.Auditor, nil, [][]string{change, decide, edit, confirm}},
			{op.Reader, nil, [][]string{change, decide, edit, confirm}},
		} {
			b.arrives("a"+string(x.role), x.role)
			s := b.wants(b.get("/controls/IAM-02"), 200, append(x.sees, "Changes waiting for approval", "Version history", "Strong sign-in for all")...)
			for _, l := range x.lacks {
				b.lacks(s, l...)
			}
			version := regexp.MustCompile(`href="(/control-versions/[^"]+)"`).FindStringSubmatch(s.text)
			b.wants(b.get(version[1]), 200, "Change this control", "<ins>Strong sign-in for all</ins>")
			if x.sees == nil {
				b.wants(b.get("/controls/IAM-02/change"), 403)
				b.wants(b.post("/controls/IAM-02/retire", "rev", "1", "reason", "We closed that office."), 403)
			}
		}
		b.arrives("anemployee", op.Employee)
		b.wants(b.get("/controls/IAM-02"), 403) // of others' controls an employee sees none
		id := ""
		_, err := b.app.DB.Change(t.Context(), b.org, store.System("test"), func(tx *store.Tx) error {
			all, err := store.All(t.Context(), &tx.View, grc.Controls, map[string]any{"ref": "IAM-03"})
			if err != nil {
				return err
			}
			people, err := store.All(t.Context(), &tx.View, grc.People, nil)
			if err != nil {
				return err
			}
			for _, p := range people {
				if p.Email == "anemployee@example.com" {
					all[0].Owner, id = p.ID, all[0].ID
				}
			}
			return store.Put(t.Context(), tx, grc.Controls, all[0])
		})
		fine(t, err)
		b.lacks(b.wants(b.get("/controls/"+id), 200, "IAM-03"), change...)
	})
}
