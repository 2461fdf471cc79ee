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
	return c.do(a, "policy.create", map[string]any{"ref": "OWN-01", "title": "Own policy", "body": "A text that is long enough to bind somebody."})
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
		p = c.next(both, "policy.update", p, "body", "The text of Bo, which is long enough to bind somebody.")
		p = c.next(c.second, "policy.update", p, "title", "Our own policy")
		p = c.next(c.manager, "policy.submit", p)
		c.denied("the owner wrote the text and the manager submitted it", both, "policy.approve", p)
		p = c.next(c.owner, "policy.approve", p)
		p = c.next(c.manager, "policy.publish", p)

		// Of the next version only who wrote that one counts, and whoever sent it back wrote nothing.
		p = c.next(c.manager, "policy.revise", p)
		p = c.next(c.manager, "policy.update", p, "body", "The next text, which is long enough to bind somebody.")
		p = c.next(c.manager, "policy.submit", p)
		p = c.next(both, "policy.reject", p)
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
					}
				}
				_, err := c.try(a, o.Name, in)
				if e := errs.Public(err); err == nil || e.Code != errs.Denied {
					t.Errorf("%s by %s: %v", o.Name, what, err)
				} else if a.May(o.Object, o.Act) == op.Every && !strings.Contains(e.Text+e.Fix, "web page") {
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
		if code, text := send("Authorization", "Bearer "+made["secret"].(string)); code != 403 || !strings.Contains(text, "web page") {
			t.Errorf("with a token: %d %s", code, text)
		}
		if code, text := send("Cookie", c.app.CookieName()+"="+cookie); code != 200 {
			t.Errorf("with a session: %d %s", code, text)
		}
	})
}

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
		list := c.do(c.owner, "control.list", map[string]any{"ref": "DAT-04"})
		ctl := list["data"].([]any)[0].(map[string]any)["id"]
		if e := c.exception(c.staff, "test", "", "resource", "", "control", ctl); e["severity"] != "critical" {
			t.Errorf("of a control with a critical required test: %v", e["severity"])
		}
	})
}

// Finding 16: what was approved does not change, and does not vanish. It is held for every kind that has an approval.
func TestWhatWasApprovedNeitherChangesNorVanishes(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		ways := map[string]func() map[string]any{
			"exception": func() map[string]any { return c.exception(c.staff) },
			"policy":    func() map[string]any { return c.next(c.manager, "policy.submit", c.policy(c.manager)) },
			"evidence": func() map[string]any {
				return c.next(c.manager, "evidence.submit", c.do(c.manager, "evidence.create", map[string]any{"title": "Export", "type": "log", "source_locator": "https://example.com/export"}))
			},
			"decision": func() map[string]any {
				return c.do(c.manager, "decision.create", map[string]any{"subject": "CC6.4", "decision": "not_applicable", "reason": "There is no office of our own."})
			},
		}
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
				x := c.next(c.owner, sh.Name+"."+m.Verb, ways[sh.Name]())
				c.unmoved(sh.Name, x, free)
				for _, after := range sh.Moves { // and in the states that come after it by a decision
					if after.Decides() && !after.Apart() && sh.Settled(after.To) && len(after.From) == 1 && after.From[0] == m.To && after.To != m.To {
						more := []any{}
						for _, w := range after.Wants {
							more = append(more, w, "A reason that is long enough.")
						}
						who := c.owner
						who.Roles = []op.Role{op.Owner, op.Manager}
						x = c.next(who, sh.Name+"."+after.Verb, x, more...)
						c.unmoved(sh.Name, x, free)
						break
					}
				}
			}
		}
	})
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
			v = 77
		case f.Type == "array":
			v = []string{"another"}
		case f.Ref == "person":
			v = c.second.Person
		case f.Ref == "control":
			v = c.do(c.owner, "control.list", map[string]any{"ref": "DAT-04"})["data"].([]any)[0].(map[string]any)["id"]
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
		if n := len(l["solo"].([]any)); n != 2 {
			t.Errorf("solo mode was changed %d times, want on and off: %v", n, l["solo"])
		}
		if _, err := c.try(site.Here(c.org), "organization.update", map[string]any{"id": c.org, "rev": c.do(c.owner, "organization.get", map[string]any{"id": c.org})["rev"], "solo_mode": true}); errs.Public(err).Code != errs.Denied {
			t.Errorf("a program turned solo mode on: %v", err)
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
