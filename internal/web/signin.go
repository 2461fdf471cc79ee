// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// ways are the ways in and out. They are the only pages for those who are not signed in.
func (s *site) ways() {
	for pattern, fn := range map[string]func(*ask){
		"GET /sign-in": signInForm, "POST /sign-in": signIn, "GET /welcome": welcome, "POST /welcome": enter, "POST /sign-in/link": enter, "POST /sign-out": signOut,
	} {
		s.taken[pattern] = true
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
			fn(&ask{site: s, w: w, r: r, ctx: r.Context(), now: s.Gate.Clock().Now(), org: Org{Zone: time.UTC}})
		})
	}
}

// signInView says whose site it is: with several organisations the person chooses one.
func (q *ask) signInView() page.SignInView {
	v := page.SignInView{Next: q.r.FormValue("next"), Email: q.r.FormValue("email"), Chosen: q.r.FormValue("org")}
	if _, ok := localPath(v.Next); !ok {
		v.Next = ""
	}
	all, err := q.Orgs(q.ctx)
	switch {
	case err != nil:
		v.Wrong = "The database is not responding. Try again in a few minutes."
	case len(all) == 1:
		v.Org, v.Chosen = all[0].Name, all[0].ID
	case len(all) == 0:
		v.Wrong = "There is no organisation here yet. Run assay up on the server."
	default:
		v.Org = "Choose the organisation and sign in."
		v.Orgs = true
	}
	return v
}

func signInForm(q *ask) {
	if c, err := q.r.Cookie(q.Cookie); err == nil {
		if _, err := q.Door.ByCookie(q.ctx, c.Value); err == nil {
			http.Redirect(q.w, q.r, "/", http.StatusSeeOther)
			return
		}
	}
	q.write(http.StatusOK, page.SignIn(q.signInView()))
}

func signIn(q *ask) {
	v := q.signInView()
	org := v.Chosen
	if v.Orgs { // named by its id or its name
		all, err := q.Orgs(q.ctx)
		if err != nil {
			q.write(http.StatusServiceUnavailable, page.SignIn(v))
			return
		}
		i := slices.IndexFunc(all, func(o Org) bool { return o.ID == org || strings.EqualFold(o.Name, strings.TrimSpace(org)) })
		if org = ""; i >= 0 {
			org = all[i].ID
		}
	}
	cookie, err := "", error(errs.New(errs.Unsigned, "wrong e-mail address or password"))
	if org != "" {
		cookie, err = q.Door.ByPassword(q.ctx, org, v.Email, q.r.PostFormValue("password"))
	}
	if err != nil {
		e := errs.Public(err)
		v.Wrong = first(e.Error()) + "."
		if e.Fix != "" {
			v.Wrong += " " + first(e.Fix) + "."
		}
		q.write(codeOf(e), page.SignIn(v))
		return
	}
	q.in(cookie, v.Next)
}

// in sets the cookie and goes where the person wanted to go.
func (q *ask) in(cookie, next string) {
	http.SetCookie(q.w, &http.Cookie{Name: q.Cookie, Value: cookie, Path: "/", HttpOnly: true, Secure: q.Secure, SameSite: http.SameSiteLaxMode})
	to, ok := localPath(next)
	if !ok {
		to = "/"
	}
	http.Redirect(q.w, q.r, to, http.StatusSeeOther)
}

// welcome asks whoever opens a one-time link to confirm it: a program that only looks at links must not use it up.
func welcome(q *ask) {
	code := q.r.URL.Query().Get("code")
	v := page.SignInView{Link: true, Token: code, Password: true}
	id, _, _ := strings.Cut(code, ".")
	all, err := q.Orgs(q.ctx)
	i := slices.IndexFunc(all, func(o Org) bool { return o.ID == id })
	opens := false
	if err == nil && i >= 0 {
		opens, err = q.Door.Opens(q.ctx, code)
	}
	if err != nil {
		v, e := q.signInView(), errs.Public(err)
		v.Wrong = first(e.Error()) + "."
		q.write(codeOf(e), page.SignIn(v))
		return
	}
	if !opens {
		v = q.signInView()
		v.Gone = true
		q.write(http.StatusNotFound, page.SignIn(v))
		return
	}
	v.Org = all[i].Name
	q.write(http.StatusOK, page.SignIn(v))
}

// enter uses the link up. A password may be chosen at once.
func enter(q *ask) {
	code, pass := q.r.PostFormValue("token"), q.r.PostFormValue("password")
	if code == "" {
		code = q.r.FormValue("code")
	}
	org, _, _ := strings.Cut(code, ".")
	if pass != "" && len([]rune(pass)) < 12 { // said before the link is gone
		o, err := q.orgOf(q.ctx, org)
		if err != nil {
			q.fail(err)
			return
		}
		q.write(http.StatusUnprocessableEntity, page.SignIn(page.SignInView{Link: true, Token: code, Password: true, Org: o.Name, Wrong: "The password must have at least 12 characters. The link was not used: try again."}))
		return
	}
	cookie, err := q.Door.ByLink(q.ctx, code)
	if err != nil {
		v := q.signInView()
		e := errs.Public(err)
		if v.Gone = e.Code == errs.Unsigned; !v.Gone {
			v.Wrong = first(e.Error()) + "."
		}
		q.write(codeOf(e), page.SignIn(v))
		return
	}
	if pass != "" {
		var err error
		if cookie, err = q.setPassword(q.ctx, cookie, pass); cookie == "" {
			v, e := q.signInView(), errs.Public(err)
			v.Wrong = "Your password is set, but you could not be signed in: " + e.Error() + ". Sign in with your new password."
			q.write(codeOf(e), page.SignIn(v))
			return
		}
		if err != nil {
			q.say("You are signed in, but the password was not set: " + errs.Public(err).Error() + ".")
		}
	}
	q.in(cookie, "/")
}

// setPassword sets the password of whoever has the cookie. That ends the session, so a new one begins; where it cannot, there
// is no cookie, and the password is set all the same.
func (q *ask) setPassword(ctx context.Context, cookie, pass string) (string, error) {
	a, err := q.Door.ByCookie(ctx, cookie)
	if err != nil {
		return cookie, err
	}
	a.Via = "web"
	if _, err := op.Do[struct{}](ctx, q.Gate, a, "user.password", map[string]any{"password": pass}, time.Time{}); err != nil {
		return cookie, err
	}
	return q.Door.Again(ctx, a.Org, a.ID, pass)
}

func signOut(q *ask) {
	if c, err := q.r.Cookie(q.Cookie); err == nil {
		if err := q.Door.End(q.ctx, c.Value); err != nil {
			e := errs.Public(err)
			q.write(codeOf(e), page.ErrorAlone(errorView(e)))
			return
		}
	}
	http.SetCookie(q.w, &http.Cookie{Name: q.Cookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: q.Secure, SameSite: http.SameSiteLaxMode})
	http.Redirect(q.w, q.r, "/sign-in", http.StatusSeeOther)
}

// me is one's own account.
func me(q *ask) (answer, error) {
	v := page.AccountView{About: []ui.Pair{{Term: "Name", Text: q.actor.Name}, {Term: "Organisation", Text: q.org.Name}, {Term: "Roles", Text: strings.Join(roleWords(q.actor.Roles), ", ")},
		{Term: "Tokens", Text: "Tokens for programs", Href: "/settings?tab=tokens"}, {Term: "Work", Text: "My work", Href: "/work"}}}
	if !q.past() {
		v.Password = &ui.Form{Action: "/me/password", Send: "Set password", Fields: []ui.Field{{Kind: "username", Name: "email", Value: q.actor.Name},
			{Kind: "password", Name: "password", Label: "New password", Required: true, Complete: "new-password", Hint: "At least 12 characters. Your other sessions end."}}}
	}
	return show(page.Account(q.frame("Your account", ""), v))
}

func password(q *ask) (answer, error) {
	cookie, err := q.setPassword(q.ctx, q.cookie, q.r.PostFormValue("password"))
	if err != nil {
		return answer{}, err
	}
	http.SetCookie(q.w, &http.Cookie{Name: q.Cookie, Value: cookie, Path: "/", HttpOnly: true, Secure: q.Secure, SameSite: http.SameSiteLaxMode})
	return goTo("/me", "Your password is set. Your other sessions have ended.")
}
