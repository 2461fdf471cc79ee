// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"assay/internal/site"
	"assay/internal/testkit"
)

// Programs that look at every link in a letter must not use it up.
func TestLookingAtALinkDoesNotUseItUpAndConfirmingDoesOnce(t *testing.T) {
	cases := map[string]string{"sqlite": ""}
	if !testkit.Fast() {
		cases["postgres"] = testkit.PostgresDSN(t)
	}
	for name, dsn := range cases {
		t.Run(name, func(t *testing.T) {
			cfg, err := site.Load(map[string]string{"data": t.TempDir(), "log_level": "error", "database": dsn})
			if err != nil {
				t.Fatal(err)
			}
			a, err := site.Open(t.Context(), cfg, site.Parts{Clock: testkit.NewClock()})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			org, err := a.Found(t.Context(), "Example Ltd", "owner@example.com")
			if err != nil {
				t.Fatal(err)
			}
			link, err := a.SignInLink(t.Context(), org)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			h, code := a.Handler("test"), u.Query().Get("code")
			ask := func(method, path string, form url.Values) *httptest.ResponseRecorder {
				r := httptest.NewRequestWithContext(t.Context(), method, "http://"+u.Host+path, strings.NewReader(form.Encode()))
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				if form != nil {
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w
			}
			for _, method := range []string{"GET", "HEAD", "GET"} {
				if w := ask(method, u.RequestURI(), nil); w.Code != http.StatusOK || len(w.Result().Cookies()) != 0 {
					t.Errorf("%s: %d with %d cookies; want the question alone", method, w.Code, len(w.Result().Cookies()))
				}
			}
			if w := ask("POST", "/welcome", url.Values{"token": {code}, "password": {"elevenchars"}}); w.Code != http.StatusUnprocessableEntity || len(w.Result().Cookies()) != 0 {
				t.Errorf("with a short password: %d", w.Code)
			}
			w := ask("POST", "/welcome", url.Values{"token": {code}, "password": {"twelve chars"}})
			cookies := w.Result().Cookies()
			if w.Code != http.StatusSeeOther || len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
				t.Fatalf("confirmed: %d %v", w.Code, cookies)
			}
			if who, err := a.Door.ByCookie(t.Context(), cookies[0].Value); err != nil || who.Org != org {
				t.Errorf("signed in as %+v, %v", who, err)
			}
			if _, err := a.Door.ByPassword(t.Context(), org, "owner@example.com", "twelve chars"); err != nil {
				t.Errorf("by the password that was chosen with the link: %v", err)
			}
			if w := ask("POST", "/welcome", url.Values{"token": {code}}); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) != 0 {
				t.Errorf("confirmed again: %d %v", w.Code, w.Result().Cookies())
			}
		})
	}
}
