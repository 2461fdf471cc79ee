// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"fmt"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/op"
	"assay/internal/site"
)

const longEnough = "twelve stools in a row"

// invite makes an account with one role, and gives the code of its link.
func (p *people) invite(role, email string) string {
	p.t.Helper()
	u, err := op.Do[auth.Invited](context.Background(), p.app.Gate, site.Here(p.org), "user.invite", map[string]any{"name": "Jo " + role, "email": email, "roles": []string{role}}, time.Time{})
	fine(p.t, err)
	return strings.TrimPrefix(u.Path, "/welcome?code=")
}

// fresh is a browser that nobody has used.
func (p *people) fresh() {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	fine(p.t, err)
	p.http.Jar = jar
}

// lands follows where a form leads, to a page that is there.
func (p *people) lands(s shown) (string, shown) {
	p.t.Helper()
	at := ""
	for range 5 {
		if s.code != 303 {
			break
		}
		at = s.to
		s = p.get(at)
	}
	return at, p.wants(s, 200)
}

// Whoever can be invited comes in by the link, with a password or without, and stands on a page of his own.
func TestEverybodyWhoIsInvitedComesInAndStays(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		for _, role := range op.Role("").Values() {
			for _, pass := range []string{longEnough, ""} {
				t.Run(role+map[bool]string{true: " skips the password", false: " chooses a password"}[pass == ""], func(t *testing.T) {
					p := *p
					p.t = t
					p.fresh()
					email := fmt.Sprintf("%s%d@example.com", role, len(pass))
					code := p.invite(role, email)
					p.wants(p.get("/welcome?code="+url.QueryEscape(code)), 200, "Choose a password", "Example Ltd")
					at, s := p.lands(p.post("/sign-in/link", "token", code, "password", pass))
					p.isIn(at, s, role)
					if pass == "" {
						return
					}
					p.wants(p.post("/sign-out"), 303)
					at, s = p.lands(p.post("/sign-in", "email", email, "password", pass))
					p.isIn(at, s, role)
					at, s = p.lands(p.post("/me/password", "password", pass+", again"))
					if at != "/me" || strings.Contains(s.text, `name="next"`) {
						t.Errorf("after a new password one stands on %s", at)
					}
				})
			}
		}
	})
}

// isIn says that somebody is signed in, on the first page that his role can see.
func (p *people) isIn(at string, s shown, role string) {
	p.t.Helper()
	title := map[bool]string{true: "<title>My work", false: "<title>Home"}[at == "/work"]
	if at != "/" && at != "/work" || !strings.Contains(s.text, "Jo "+role) || !strings.Contains(s.text, title) {
		p.t.Fatalf("%s stands on %q: %.300s", role, at, s.text)
	}
	if role == "employee" && at != "/work" {
		p.t.Errorf("an employee stands on %s, not on the own work", at)
	}
	p.wants(p.get("/me"), 200, "Your account")
}

// A link that opens nothing any more says so before a password is typed, and who can help.
func TestALinkThatOpensNothingSaysWhatToDo(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		says := []string{"This link has already been used or has expired", "Ask the person who invited you for a new link", `action="/sign-in"`}
		dead := func(what, code string) {
			t.Helper()
			p.fresh()
			s := p.wants(p.get("/welcome?code="+url.QueryEscape(code)), 404, says...)
			if strings.Contains(s.text, "Choose a password") {
				t.Errorf("%s: a password can be chosen for nothing", what)
			}
			for _, pass := range []string{"", longEnough} {
				p.wants(p.post("/sign-in/link", "token", code, "password", pass), 401, says...)
			}
		}
		used := p.invite("employee", "twice@example.com")
		p.wants(p.post("/sign-in/link", "token", used, "password", "short"), 422, "must have at least 12 characters", "The link was not used")
		p.wants(p.post("/sign-in/link", "token", used, "password", longEnough), 303)
		dead("used", used)
		old := p.invite("employee", "late@example.com")
		p.wants(p.get("/welcome?code="+url.QueryEscape(old)), 200)
		p.clock.Move(25 * time.Hour)
		dead("too old", old)
		dead("of another", p.org+".nonsense")
		dead("of nobody", "nonsense")
	})
}
