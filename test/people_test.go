// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

// crew is a company sixty days old, with people who have known each other for longer than that.
type crew struct {
	t     *testing.T
	app   *site.App
	clock *clock.Fake
	org   string
	made  int // policies
	owner, manager, second,
	control, staff, admin op.Actor
}

const aDay = 24 * time.Hour

func crews(t *testing.T, fn func(t *testing.T, c *crew)) {
	tell := func(t *testing.T, dsn string) {
		c := foundCrew(t, dsn)
		c.clock.Move(60 * aDay)
		fn(t, c)
	}
	t.Run("sqlite", func(t *testing.T) { tell(t, "") })
	if !testkit.Fast() {
		t.Run("postgres", func(t *testing.T) { tell(t, testkit.PostgresDSN(t)) })
	}
}

func foundCrew(t *testing.T, dsn string) *crew {
	t.Helper()
	given := map[string]string{"data": t.TempDir(), "listen": "127.0.0.1:0", "log_level": "error"}
	if dsn != "" {
		given["database"] = dsn
	}
	cfg, err := site.Load(given)
	fine(t, err)
	c := &crew{t: t, clock: clock.NewFake(testkit.Start)}
	c.app, err = site.Open(t.Context(), cfg, site.Parts{Clock: c.clock, Log: slog.New(slog.DiscardHandler)})
	fine(t, err)
	t.Cleanup(func() { fine(t, c.app.Close()) })
	c.org, err = c.app.Found(t.Context(), "Example Ltd", "founder@example.com")
	fine(t, err)
	c.owner, c.manager, c.second = c.hire("Olga", op.Owner), c.hire("Max", op.Manager), c.hire("Mia", op.Manager)
	c.control, c.staff, c.admin = c.hire("Carl", op.Control), c.hire("Emil", op.Employee), c.hire("Ada", op.Admin)
	return c
}

// hire makes a person with an account that nobody else has ever opened, who is signed in.
func (c *crew) hire(name string, roles ...op.Role) op.Actor {
	c.t.Helper()
	u := &auth.User{Name: name, Email: strings.ToLower(name) + "@example.com", Roles: roles, State: "active"}
	_, err := c.app.DB.Change(c.t.Context(), c.org, store.System("test"), func(tx *store.Tx) error {
		p := &grc.Person{Name: name, Email: u.Email, Kind: "employee", State: "active"}
		if err := store.Put(c.t.Context(), tx, grc.People, p); err != nil {
			return err
		}
		u.Person = p.ID
		return store.Put(c.t.Context(), tx, auth.Users, u)
	})
	fine(c.t, err)
	return op.Actor{Org: c.org, ID: u.ID, Person: u.Person, Name: name, Roles: roles, Via: "web", Session: "s" + name}
}

func (c *crew) try(a op.Actor, name string, in map[string]any) (map[string]any, error) {
	c.t.Helper()
	c.clock.Move(time.Minute)
	return op.Do[map[string]any](c.t.Context(), c.app.Gate, a, name, in, time.Time{})
}

func (c *crew) do(a op.Actor, name string, in map[string]any) map[string]any {
	c.t.Helper()
	out, err := c.try(a, name, in)
	if err != nil {
		c.t.Fatalf("%s by %s: %v", name, a.Name, err)
	}
	return out
}

// denied holds that an actor may not do it, and that the answer has these words.
func (c *crew) denied(why string, a op.Actor, name string, thing map[string]any, words ...string) {
	c.t.Helper()
	_, err := c.try(a, name, map[string]any{"id": thing["id"], "rev": thing["rev"]})
	if err == nil || errs.Public(err).Code != errs.Denied {
		c.t.Errorf("%s: %s by %s gave %v; want it denied", why, name, a.Name, err)
		return
	}
	for _, w := range words {
		if e := errs.Public(err); !strings.Contains(e.Text+" "+e.Fix, w) {
			c.t.Errorf("%s: %q does not say %q", why, e.Text+" "+e.Fix, w)
		}
	}
}

func (c *crew) next(a op.Actor, name string, thing map[string]any, more ...any) map[string]any {
	c.t.Helper()
	in := map[string]any{"id": thing["id"], "rev": thing["rev"]}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	return c.do(a, name, in)
}

func (c *crew) exception(a op.Actor, more ...any) map[string]any {
	c.t.Helper()
	in := map[string]any{"title": "One account without it", "test": "cloud.bucket_versioned", "resource": "res_1", "reason": "The vendor does not support it yet.",
		"expires_at": clock.Format(c.clock.Now().Add(30 * aDay))}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	return c.do(a, "exception.create", in)
}

func (c *crew) policy(a op.Actor) map[string]any {
	c.t.Helper()
	c.made++
	return c.do(a, "policy.create", map[string]any{"ref": fmt.Sprintf("OWN-%02d", c.made), "title": "Own policy", "body": testkit.PolicyText(nil, "A text that is long enough to bind somebody.")})
}

// token makes a token of somebody and gives the actor that it stands for.
func (c *crew) token(a op.Actor) op.Actor {
	c.t.Helper()
	out := c.do(a, "token.create", map[string]any{"name": "CI", "scopes": []string{"write"}, "days": 30})
	who, err := c.app.Door.ByToken(c.t.Context(), out["secret"].(string))
	fine(c.t, err)
	who.Via = "rest"
	return who
}

// Finding 12: the link from a token to its owner outlives the token.
func TestATokenThatHasEndedStillStandsForItsOwner(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		tok := c.token(c.manager)
		e := c.exception(tok)
		c.do(c.manager, "token.revoke", map[string]any{"id": tok.ID})
		c.denied("made with a token that was revoked", c.manager, "exception.approve", e, "another approver", "Olga", "Mia")
		c.next(c.second, "exception.approve", e)

		both := c.hire("Bo", op.Owner, op.Manager)
		tok = c.token(both)
		p := c.policy(tok)
		c.do(both, "token.revoke", map[string]any{"id": tok.ID})
		p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p)))
		p = c.next(c.manager, "policy.submit", p)
		c.denied("its text was written with a token", both, "policy.approve", p, "another approver")
		c.next(c.owner, "policy.approve", p)
	})
}

// Finding 13: who wrote is everybody who changed what is being approved.
func TestWhoeverWroteAnyPartMayNotApproveIt(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := c.exception(c.staff)
		e = c.next(c.manager, "exception.update", e, "title", "Every account without it", "reason", "Because it is easier like this.")
		e = c.next(c.second, "exception.update", e, "compensating", "We look at it each day.")
		c.denied("he wrote it anew", c.manager, "exception.approve", e, "you can't approve")
		c.next(c.owner, "exception.approve", e)

		both := c.hire("Bo", op.Owner, op.Manager)
		p := c.policy(c.manager)
		p = c.next(both, "policy.update", p, "body", testkit.PolicyText(nil, "The text of Bo, which is long enough to bind somebody."))
		p = c.next(c.second, "policy.update", p, "title", "Our own policy")
		p = c.next(c.manager, "policy.submit", p)
		c.denied("the owner wrote the text and the manager submitted it", both, "policy.approve", p)
		p = c.next(c.owner, "policy.approve", p)
		p = c.next(c.manager, "policy.publish", p)

		// Of the next version only who wrote that one counts, and whoever sent it back wrote nothing.
		p = c.next(c.manager, "policy.revise", p)
		p = c.next(c.manager, "policy.update", p, "body", testkit.PolicyText(nil, "The next text, which is long enough to bind somebody."))
		p = c.next(c.manager, "policy.submit", p)
		p = c.next(both, "policy.reject", p, "reject_reason", "It does not say who answers for it.")
		p = c.next(c.manager, "policy.submit", p)
		c.next(both, "policy.approve", p)

		cora := c.hire("Cora", op.Control, op.Manager)
		v := c.do(cora, "evidence.create", map[string]any{"title": "Export", "type": "log", "source_locator": "https://example.com/export"})
		v = c.next(cora, "evidence.update", v, "notes", "Taken on Monday.")
		v = c.next(c.manager, "evidence.submit", v)
		c.denied("she wrote it and he submitted it", cora, "evidence.accept", v)
		c.next(c.owner, "evidence.accept", v)

		d := c.do(c.manager, "decision.create", map[string]any{"subject": "CC6.4", "decision": "not_applicable", "reason": "There is no office of our own."})
		d = c.next(both, "decision.update", d, "reason", "There is no office at all, of anybody.")
		c.denied("he wrote the reason", both, "decision.approve", d)
		c.next(c.owner, "decision.approve", d)
	})
}

// Finding 14: whoever opened an account may be the one who uses it.
func TestAnAccountThatTheAuthorOpenedDoesNotApproveForHim(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := c.exception(c.manager)
		c.do(c.manager, "user.link", map[string]any{"id": c.second.ID})
		c.denied("the author made her a sign-in link", c.second, "exception.approve", e, "another approver", "Olga")
		c.clock.Move(31 * aDay)
		e = c.exception(c.manager)
		if e = c.next(c.second, "exception.approve", e); e["approved_how"] != "" {
			t.Errorf("a month later it is stamped %v", e["approved_how"])
		}

		// The other way round: as the employee whose account he opened.
		c.do(c.second, "user.link", map[string]any{"id": c.staff.ID})
		e = c.exception(c.staff)
		c.denied("she opened the account that asks", c.second, "exception.approve", e, "another approver", "Olga", "Max")
		c.next(c.manager, "exception.approve", e)

		// Where nobody else can, it is allowed and seen: what was written in those days stays written in them.
		m := c.hire("Nina", op.Manager)
		c.do(c.owner, "user.link", map[string]any{"id": m.ID})
		p := c.next(m, "policy.submit", c.policy(m))
		if p = c.next(c.owner, "policy.approve", p); p["approved_how"] != "invited_by_author" {
			t.Errorf("the only owner opened the account of the author: stamped %v", p["approved_how"])
		}

		// Who is behind an account, and what it may do, is said by somebody who did not ask.
		jo, admin := c.hire("Jo", op.Manager), c.second
		admin.Roles = []op.Role{op.Manager, op.Admin} // of this session: what counts is who did it
		row := c.do(c.owner, "user.get", map[string]any{"id": jo.ID})
		c.do(admin, "user.update", map[string]any{"id": jo.ID, "rev": row["rev"], "name": "Joanna"})
		e = c.exception(c.second)
		c.denied("she changed the account", jo, "exception.approve", e)
		// One after the other: she opened the account of Jo, as whom she opened that of Kim.
		kim := c.hire("Kim", op.Manager)
		c.do(c.second, "user.link", map[string]any{"id": jo.ID})
		c.do(jo, "user.link", map[string]any{"id": kim.ID})
		c.denied("through a second account", kim, "exception.approve", e)
		c.next(c.owner, "exception.approve", e)
	})
}

func TestAnAccountWithoutAPersonNeverApproves(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := c.exception(c.staff)
		nobody := c.hire("Ghost", op.Owner, op.Manager)
		row := c.do(c.owner, "user.get", map[string]any{"id": nobody.ID})
		c.do(c.owner, "user.identify", map[string]any{"id": nobody.ID, "rev": row["rev"], "person": ""})
		nobody.Person = ""
		c.denied("no person", nobody, "exception.approve", e, "person")
		c.denied("no person", nobody, "exception.reject", e, "person")
	})
}

// An account is every person that it ever was.
func TestWhoWasBehindAnAccountBeforeStillCounts(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := c.exception(c.manager)
		row := c.do(c.owner, "user.get", map[string]any{"id": c.manager.ID})
		c.do(c.owner, "user.identify", map[string]any{"id": c.manager.ID, "rev": row["rev"], "person": c.hire("Decoy", op.Reader).Person})
		twin := c.hire("Twin", op.Manager)
		row = c.do(c.owner, "user.get", map[string]any{"id": twin.ID})
		c.do(c.owner, "user.identify", map[string]any{"id": twin.ID, "rev": row["rev"], "person": c.manager.Person})
		twin.Person = c.manager.Person
		c.denied("the same person in another account", twin, "exception.approve", e, "you can't approve")
	})
}

// Finding 15: no program approves, whoever it acts for.
func TestNoProgramApproves(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := c.exception(c.staff)
		folder := site.Here(c.org)
		made := c.do(folder, "token.create", map[string]any{"name": "CI", "scopes": []string{"write"}, "days": 30, "owner": c.owner.ID})
		tok, err := c.app.Door.ByToken(t.Context(), made["secret"].(string))
		fine(t, err)
		tok.Via = "rest"
		tools := c.owner
		tools.Via = "mcp"
		for what, a := range map[string]op.Actor{"a token": tok, "the data folder": folder, "the program itself": op.System(c.org), "a tool": tools} {
			for _, o := range c.app.Set.All() {
				if !o.Decides() {
					continue
				}
				in := map[string]any{"id": e["id"], "rev": e["rev"]}
				for _, f := range o.In {
					if f.Required && f.Name != "id" && f.Name != "rev" {
						in[f.Name] = "A text that is long enough for anything."
						if f.Type == "array" {
							in[f.Name] = []any{in[f.Name]}
						}
					}
				}
				_, err := c.try(a, o.Name, in)
				if e := errs.Public(err); err == nil || e.Code != errs.Denied {
					t.Errorf("%s by %s: %v", o.Name, what, err)
				} else if a.May(o.Object, o.Act) == op.Every && !strings.Contains(e.Text+e.Fix, "in the browser") {
					t.Errorf("%s by %s: %v does not say where to approve", o.Name, what, err)
				}
			}
		}
		// Over the wire: a cookie of a session approves on a page and over REST, and not as a tool; a token nowhere.
		srv := httptest.NewServer(c.app.Handler("test"))
		t.Cleanup(srv.Close)
		link, err := c.app.Door.Link(t.Context(), c.org, c.owner.ID)
		fine(t, err)
		cookie, err := c.app.Door.ByLink(t.Context(), strings.TrimPrefix(link.Path, "/welcome?code="))
		fine(t, err)
		send := func(header, value string) (int, string) {
			r := httptest.NewRequestWithContext(t.Context(), "POST", srv.URL+fmt.Sprintf("/v1/exceptions/%s/approve", e["id"]), strings.NewReader("{}"))
			r.RequestURI = ""
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("If-Match", fmt.Sprintf(`"%v"`, e["rev"]))
			r.Header.Set(header, value)
			res, err := srv.Client().Do(r)
			fine(t, err)
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			fine(t, err)
			return res.StatusCode, string(b)
		}
		if code, text := send("Authorization", "Bearer "+made["secret"].(string)); code != 403 || !strings.Contains(text, "in the browser") {
			t.Errorf("with a token: %d %s", code, text)
		}
		if code, text := send("Cookie", c.app.CookieName()+"="+cookie); code != 200 {
			t.Errorf("with a session: %d %s", code, text)
		}
	})
}

// What no person wrote, such as a proposal of the program, has one person behind it who approves it: that is seen.
func TestWhatNobodyWroteIsStampedWhenItIsApproved(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := &grc.Exception{Title: "By the program", Test: "cloud.bucket_versioned", Resource: "x", Reason: "The program proposes it.", Severity: "medium", ExpiresAt: c.clock.Now().Add(aDay), State: "requested"}
		_, err := c.app.DB.Change(t.Context(), c.org, store.System("check.run"), func(tx *store.Tx) error { return store.Put(t.Context(), tx, grc.Exceptions, e) })
		fine(t, err)
		if x := c.do(c.manager, "exception.approve", map[string]any{"id": e.ID, "rev": e.Rev}); x["approved_how"] != "same_hand" {
			t.Errorf("stamped %v", x["approved_how"])
		}
	})
}
