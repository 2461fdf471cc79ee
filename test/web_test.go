// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/clock"
	"assay/internal/op"
	"assay/internal/site"
	"assay/internal/testkit"
)

// people tells the story of the product through its pages, as people do: forms, links, a cookie.
type people struct {
	t     *testing.T
	app   *site.App
	clock *clock.Fake
	org   string
	srv   *httptest.Server
	http  *http.Client
}

func throughPages(t *testing.T, fn func(t *testing.T, p *people)) {
	tell := func(t *testing.T, dsn string) {
		given := map[string]string{"data": t.TempDir(), "listen": "127.0.0.1:0"}
		if dsn != "" {
			given["database"] = dsn
		}
		cfg, err := site.Load(given)
		fine(t, err)
		p := &people{t: t, clock: clock.NewFake(testkit.Start)}
		p.app, err = site.Open(t.Context(), cfg, site.Parts{Clock: p.clock, Log: slog.New(slog.DiscardHandler)})
		fine(t, err)
		t.Cleanup(func() { fine(t, p.app.Close()) })
		p.org, err = p.app.Found(context.Background(), "Example Ltd", "owner@example.com")
		fine(t, err)
		p.srv = httptest.NewServer(p.app.Handler("test"))
		t.Cleanup(p.srv.Close)
		jar, err := cookiejar.New(nil)
		fine(t, err)
		p.http = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		fn(t, p)
	}
	t.Run("sqlite", func(t *testing.T) { tell(t, "") })
	if !testkit.Fast() {
		t.Run("postgres", func(t *testing.T) { tell(t, testkit.PostgresDSN(t)) })
	}
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shown is what a person gets.
type shown struct {
	code int
	to   string // where a redirect leads
	text string // the page, with its entities resolved
	head http.Header
}

func (p *people) send(r *http.Request) shown {
	p.t.Helper()
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := p.http.Do(r)
	fine(p.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	fine(p.t, err)
	return shown{res.StatusCode, res.Header.Get("Location"), html.UnescapeString(string(b)), res.Header}
}

func (p *people) get(path string) shown {
	p.t.Helper()
	r, err := http.NewRequest("GET", p.srv.URL+path, nil)
	fine(p.t, err)
	return p.send(r)
}

func (p *people) post(path string, form ...string) shown {
	p.t.Helper()
	v := url.Values{}
	for i := 0; i < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	r, err := http.NewRequest("POST", p.srv.URL+path, strings.NewReader(v.Encode()))
	fine(p.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.send(r)
}

// wants holds a page against what it must say.
func (p *people) wants(s shown, code int, parts ...string) shown {
	p.t.Helper()
	if s.code != code {
		p.t.Fatalf("status %d, want %d: %.400s", s.code, code, s.text)
	}
	for _, x := range parts {
		if !strings.Contains(s.text, x) {
			p.t.Errorf("the page does not say %q", x)
		}
	}
	return s
}

func (p *people) signIn() {
	p.t.Helper()
	link, err := p.app.SignInLink(context.Background(), p.org)
	fine(p.t, err)
	u, err := url.Parse(link)
	fine(p.t, err)
	for range 2 { // looking at it does not use it up
		p.wants(p.get(u.RequestURI()), 200, "Example Ltd", "Sign in")
	}
	s := p.wants(p.post("/sign-in/link", "token", u.Query().Get("code")), 303)
	if s.to != "/" || !strings.Contains(s.head.Get("Set-Cookie"), "HttpOnly") || !strings.Contains(s.head.Get("Set-Cookie"), "SameSite=Lax") {
		p.t.Fatalf("signed in to %q with %q", s.to, s.head.Get("Set-Cookie"))
	}
	p.wants(p.post("/sign-in/link", "token", u.Query().Get("code")), 401, "already been used or has expired")
}

var revField = regexp.MustCompile(`name="rev" value="(\d+)"`)

func (p *people) rev(path string) string {
	p.t.Helper()
	m := revField.FindStringSubmatch(p.wants(p.get(path), 200).text)
	if m == nil {
		p.t.Fatalf("%s has no form with a revision", path)
	}
	return m[1]
}

func TestTheStoryIsToldThroughPages(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		if s := p.wants(p.get("/tasks?state=open"), 303); s.to != "/sign-in?next=%2Ftasks%3Fstate%3Dopen" {
			t.Fatalf("somebody unknown is led to %s", s.to)
		}
		p.signIn()
		form := []string{"title", "Rotate the <keys>", "kind", "gap", "priority", "high", "due_on", "2026-13-40", "notes", "kept while typed"}
		s := p.wants(p.post("/tasks", form...), 422, "is not a date", "kept while typed", `value="Rotate the <keys>"`)
		if !strings.Contains(s.text, `aria-invalid="true"`) {
			t.Error("the field at fault is not marked")
		}
		form[7] = "2026-04-01"
		s = p.wants(p.post("/tasks", form...), 303)
		one := s.to
		p.wants(p.get(one), 200, "Rotate the <keys>", "Task added as", "ledger entry")
		then := p.clock.Now()
		p.clock.Move(20 * time.Minute) // shorter than a session may rest

		seen := p.rev(one + "/edit")
		p.wants(p.post(one, "rev", seen, "title", "Rotate all keys", "kind", "gap", "priority", "high", "due_on", "2026-04-01", "notes", "kept while typed"), 303)
		p.wants(p.post(one, "rev", seen, "title", "Another title", "kind", "gap", "priority", "low"), 409, "Someone else edited this", "Rotate all keys", "Rotate the <keys>")
		p.wants(p.post(one, "title", "No revision"), 428, "no revision number")

		p.wants(p.get(one+"/cancel"), 200, "and say why")
		seen = p.rev(one + "/cancel")
		p.wants(p.post(one+"/cancel", "rev", seen, "outcome", ""), 422, "It is required to cancel")
		p.wants(p.post(one+"/cancel", "rev", seen, "outcome", "The keys are gone"), 303)
		p.wants(p.get(one), 200, "cancelled", "The keys are gone")
		p.wants(p.get(one+"/block"), 200, "It is cancelled")

		p.wants(p.get("/tasks?state=cancelled&priority=high"), 200, "Rotate all keys")
		if s := p.wants(p.get("/tasks?state=open"), 200); strings.Contains(s.text, "Rotate all keys") {
			t.Error("the filter lets through what is in another state")
		}
		p.wants(p.get("/tasks?state=nonsense"), 422, "is not one of")
		p.wants(p.get(one+"/history"), 200, "revision 3", "Rotate the <keys>", "Rotate all keys")

		at := "?as_of=" + url.QueryEscape(clock.Format(then))
		s = p.wants(p.get(one+at), 200, "Rotate the <keys>", "You are looking at", "Nothing can be changed here", "/tasks?as_of=")
		if strings.Contains(s.text, `action="`+one) || strings.Contains(s.text, one+"/edit") || strings.Contains(s.text, "Rotate all keys") {
			t.Error("the past shows the present, or offers to change it")
		}
		p.wants(p.post(one+at, "rev", "1", "title", "Rewritten"), 422, "the past can't be changed")
		p.wants(p.get("/as-of?day=2026-03-03&back=//evil.example.com/"), 303)
		if s := p.get("/as-of?day=2026-03-03&back=" + url.QueryEscape(one+"?x=1")); s.to != one+"?as_of=2026-03-03&x=1" {
			t.Errorf("the date leads to %s", s.to)
		}

		p.wants(p.post("/sign-out"), 303)
		p.wants(p.get(one), 303)
	})
}

func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		r, err := http.NewRequest("POST", p.srv.URL+"/tasks", strings.NewReader("title=From+elsewhere&kind=gap"))
		fine(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		res, err := p.http.Do(r)
		fine(t, err)
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Fatalf("status %d", res.StatusCode)
		}
		if s := p.get("/tasks"); strings.Contains(s.text, "From elsewhere") {
			t.Error("it was made all the same")
		}
	})
}

// brings sends the form that adds evidence, with a file.
func (p *people) brings(fields map[string]string, name, content string) shown {
	p.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile("file", name)
	fine(p.t, err)
	_, err = f.Write([]byte(content))
	fine(p.t, err)
	for n, v := range fields {
		fine(p.t, w.WriteField(n, v))
	}
	fine(p.t, w.Close())
	r, err := http.NewRequest("POST", p.srv.URL+"/evidence", &b)
	fine(p.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return p.send(r)
}

func TestAFileIsKeptGivenBackAndNeverRun(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		hostile := `<html><script>alert(1)</script>` + strings.Repeat("x", 100)
		p.wants(p.brings(map[string]string{"title": "x", "type": "report", "notes": "kept"}, "a.html", hostile), 422, "It must be at least 2 characters", "kept", "Choose the file again")
		s := p.wants(p.brings(map[string]string{"title": "A page", "type": "report", "submit": "true"}, "../../a\r\n\"b.html", hostile), 303)
		one := s.to
		s = p.wants(p.get(one), 200, "A page", "submitted", "text/html", "sha256")
		if strings.Contains(s.text, "<html><script>alert") {
			raw := p.get(one)
			if !strings.Contains(raw.head.Get("Content-Security-Policy"), "script-src 'self'") {
				t.Error("the page has no policy")
			}
		}
		s = p.wants(p.get(one+"/file"), 200)
		if s.head.Get("Content-Security-Policy") != "sandbox" || !strings.HasPrefix(s.head.Get("Content-Disposition"), "attachment") || s.head.Get("X-Content-Type-Options") != "nosniff" || s.head.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("given back as %v", s.head)
		}
		if s.text != hostile {
			t.Errorf("given back %q", s.text)
		}
		p.wants(p.get(one+"/picture"), 404)
	})
}

var menuLink = regexp.MustCompile(`<a class="nav-item" href="([^"]+)"`)

func TestEveryRoleFindsItsWayInAndNoDeadEndInItsMenu(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		for _, role := range op.Role("").Values() {
			owner := site.Here(p.org)
			u, err := op.Do[auth.Invited](context.Background(), p.app.Gate, owner, "user.invite", map[string]any{"name": "Somebody " + role, "email": "a-" + role + "@example.com", "roles": []string{role}}, time.Time{})
			fine(t, err)
			jar, err := cookiejar.New(nil)
			fine(t, err)
			p.http.Jar = jar
			code := strings.TrimPrefix(u.Path, "/welcome?code=")
			p.wants(p.post("/sign-in/link", "token", code, "password", "short"), 422, "was not used")
			p.wants(p.post("/sign-in/link", "token", code, "password", "a password of "+role), 303)
			s := p.get("/")
			if s.code == 303 && strings.HasPrefix(s.to, "/sign-in") { // a role that may not read its own address signs in by itself
				p.wants(p.post("/sign-in", "email", "a-"+role+"@example.com", "password", "a password of "+role), 303)
				s = p.get("/")
			}
			if s.code == 303 {
				s = p.get(s.to)
			}
			p.wants(s, 200, "Somebody "+role)
			items := menuLink.FindAllStringSubmatch(s.text, -1)
			for _, m := range items {
				if s := p.get(m[1]); s.code != 200 {
					t.Errorf("as %s the menu leads to %s, which answers %d", role, m[1], s.code)
				}
			}
			for _, path := range []string{"/me", "/work", "/search"} {
				p.wants(p.get(path), 200)
			}
			for _, sh := range p.app.Set.Shapes() {
				_, path := p.app.Set.Find(sh.Name + ".list").Route()
				if s := p.get(strings.TrimPrefix(path, "/v1")); s.code != 200 && s.code != 403 {
					t.Errorf("as %s the list of %s answers %d: %.300s", role, sh.Plural, s.code, s.text)
				}
			}
		}
	})
}

func TestASourceIsConnectedInAFormWithAFieldForEachThing(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		p.wants(p.get("/sources/new"), 200, "Git repository", "/sources/new?connector=git")
		p.wants(p.get("/sources/new?connector=git"), 200, `name="config.path"`, `name="config.branch"`)
		s := p.wants(p.post("/sources", "connector", "git", "name", "Shop", "config.branch", "kept while typed"), 422, "kept while typed", `value="Shop"`)
		if !regexp.MustCompile(`name="config.path"[^>]*aria-invalid="true"|aria-invalid="true"[^>]*name="config.path"`).MatchString(s.text) {
			t.Error("the field at fault is not marked")
		}
		s = p.wants(p.post("/sources", "connector", "git", "name", "Shop", "config.path", "/srv/git/shop.git", "config.since_days", "30"), 303)
		p.wants(p.get(s.to), 200, "/srv/git/shop.git", "30", "not read yet")

		one := s.to
		form := p.wants(p.get(one+"/edit"), 200, `name="config.path"`, `value="/srv/git/shop.git"`, `value="30"`, "Name of this source")
		if strings.Contains(form.text, `name="config"`) || strings.Contains(form.text, `name="connector"`) {
			t.Error("the whole configuration, or another connector, is asked for too")
		}
		rev := p.rev(one + "/edit")
		hours := regexp.MustCompile(`value="(\d+)"[^>]*name="interval_hours"`).FindStringSubmatch(form.text)
		if hours == nil {
			t.Fatal("the form does not say how often it is read")
		}
		send := func(more ...string) shown {
			return p.post(one, append([]string{"rev", rev, "name", "Shop", "interval_hours", hours[1]}, more...)...)
		}
		s = p.wants(send("config.path", "", "config.since_days", "30"), 422)
		if !regexp.MustCompile(`name="config.path"[^>]*aria-invalid="true"|aria-invalid="true"[^>]*name="config.path"`).MatchString(s.text) {
			t.Error("the field at fault is not marked")
		}
		p.wants(send("config.path", "/srv/git/shop.git", "config.since_days", "30"), 303)
		if p.rev(one+"/edit") != rev {
			t.Error("a form in which nothing was touched changed the source")
		}
		p.wants(send("config.path", "/srv/git/shop.git", "config.since_days", "", "config.branch", "main"), 303)
		p.wants(p.get(one+"/history"), 200, "branch", "since_days")
		form = p.wants(p.get(one+"/edit"), 200, `value="/srv/git/shop.git"`, `value="main"`)
		if strings.Contains(form.text, `value="30"`) {
			t.Error("what was taken away is still there")
		}

		s = p.wants(p.post("/sources", "connector", "git", "name", "Digits", "config", `{"path": "/srv/git/42.git", "name": "42"}`), 303)
		form = p.wants(p.get(s.to+"/edit"), 200, `name="config"`, "/srv/git/42.git") // a field would read "42" back as a number
		if strings.Contains(form.text, `name="config.path"`) {
			t.Error("a field is offered that would change what it shows")
		}
	})
}

func TestTheFormOfAFileOffersThePresetThatFits(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		path := filepath.Join(t.TempDir(), "users.csv")
		fine(t, os.WriteFile(path, []byte("userPrincipalName,displayName,accountEnabled,Extra\nann@example.com,Ann,True,x\n"), 0o600))
		p.wants(p.get("/sources/new?connector=file"), 200, `name="config.preset"`, `<option value="okta-users"`)
		s := p.wants(p.post("/sources", "connector", "file", "name", "Users", "config.path", path), 422, "entra-users (Entra ID users)")
		if !regexp.MustCompile(`name="config.preset"[^>]*aria-invalid="true"|aria-invalid="true"[^>]*name="config.preset"`).MatchString(s.text) {
			t.Error("the field with the presets is not marked")
		}
		s = p.wants(p.post("/sources", "connector", "file", "name", "Users", "config.path", path, "config.preset", "entra-users"), 303)
		s = p.wants(p.post(s.to+"/run"), 303)
		p.wants(p.get(s.to), 200, "Ignored columns: Extra")
	})
}

func TestATaskIsMadeFromThePageOfWhatItIsAbout(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		leads := regexp.MustCompile(`/tasks/new\?subject=(ctl_[a-z0-9]+)`).FindStringSubmatch(p.wants(p.get("/controls/IAM-02"), 200).text)
		if leads == nil {
			t.Fatal("the page of a control offers no task about it")
		}
		s := p.wants(p.get(leads[0]), 200, `value="`+leads[1]+`"`, "Filled in: IAM-02 Multi-factor authentication.")
		if !regexp.MustCompile(`<option value="` + leads[1] + `">\s*Control: IAM-02 Multi-factor authentication`).MatchString(s.text) {
			t.Error("what a task is about is not found by its name")
		}
		s = p.wants(p.post("/tasks", "title", "Enrol the last three", "kind", "gap", "priority", "high", "subject", leads[1]), 303)
		s2 := p.wants(p.get(s.to), 200, "Multi-factor authentication")
		if strings.Contains(s2.text, "/tasks/new?subject=") {
			t.Error("a task about a task is offered")
		}
		p.wants(p.get("/controls/IAM-02"), 200, "Enrol the last three")
		past := p.get("/controls/IAM-02?as_of=" + url.QueryEscape(clock.Format(p.clock.Now())))
		if strings.Contains(past.text, "/tasks/new") {
			t.Error("the past offers to make something")
		}
	})
}
