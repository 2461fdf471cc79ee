// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"assay/internal/site"
	"assay/internal/testkit"
)

func open(t *testing.T) (*site.App, string) {
	t.Helper()
	cfg, err := site.Load(map[string]string{"data": t.TempDir(), "log_level": "error"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := site.Open(t.Context(), cfg, site.Parts{Clock: testkit.NewClock()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	org, err := a.Found(t.Context(), "Example Ltd", "owner@example.com")
	if err != nil {
		t.Fatal(err)
	}
	return a, org
}

// Bar B31: every answer has the headers, whatever it is: of each operation, each page, errors, redirects and nothing at all.
func TestEveryAnswerHasTheHeaders(t *testing.T) {
	a, _ := open(t)
	h := a.Handler("test")
	paths := map[string]string{"GET /": "", "GET /sign-in": "", "GET /nope/nothing": "", "GET /healthz": "", "GET /readyz": "", "GET /openapi.json": "", "POST /mcp": "", "GET /mcp": "", "GET /favicon.ico": "", "GET /%zz": "", "TRACE /": ""}
	for _, o := range a.Set.All() {
		m, p := o.Route()
		paths[m+" "+strings.ReplaceAll(p, "{id}", "x_1")] = o.Name
	}
	n := 0
	for mp := range paths {
		m, p, _ := strings.Cut(mp, " ")
		for _, site := range []string{"", "cross-site"} {
			r, err := http.NewRequestWithContext(t.Context(), m, "http://127.0.0.1"+p, strings.NewReader("{}"))
			if err != nil {
				r = httptest.NewRequest(m, "/", nil)
				r.URL.Path = p
			}
			r.Header.Set("Content-Type", "application/json")
			if site != "" {
				r.Header.Set("Sec-Fetch-Site", site)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			n++
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s (%d): %s is %q, want %q", mp, w.Code, name, got, want)
				}
			}
			if r := w.Header().Get("Referrer-Policy"); r != "same-origin" && r != "no-referrer" {
				t.Errorf("%s: Referrer-Policy is %q", mp, r)
			}
			if c := w.Header().Get("Cache-Control"); c != "no-store" && p != "/openapi.json" { // the one public document
				t.Errorf("%s (%d): Cache-Control is %q", mp, w.Code, c)
			}
			csp := w.Header().Get("Content-Security-Policy")
			if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("%s: content policy %q", mp, csp)
			}
			if w.Header().Get("Strict-Transport-Security") == "" || w.Header().Get("Permissions-Policy") == "" {
				t.Errorf("%s: no HSTS or permissions policy", mp)
			}
			if s := w.Header().Get("Server") + w.Header().Get("X-Powered-By"); s != "" {
				t.Errorf("%s names its program: %s", mp, s)
			}
			if site == "cross-site" && m != "GET" && m != "HEAD" && w.Code < 400 {
				t.Errorf("%s: a cross-site write was answered with %d", mp, w.Code)
			}
			for _, c := range w.Result().Cookies() {
				if !c.HttpOnly || c.SameSite == http.SameSiteNoneMode || c.SameSite == http.SameSiteDefaultMode {
					t.Errorf("%s: cookie %s is not HttpOnly and SameSite", mp, c.Name)
				}
			}
		}
	}
	t.Logf("B31 %d answers of %d routes have all headers", n, len(paths))
}

// The control of B31: the same sweep finds an answer that went around the guard.
func TestAnAnswerAroundTheGuardIsFound(t *testing.T) {
	w := httptest.NewRecorder()
	http.NotFoundHandler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Header().Get("Content-Security-Policy") != "" {
		t.Error("an unguarded answer has the header: the sweep above proves nothing")
	}
	w = httptest.NewRecorder()
	site.Guard(http.NotFoundHandler(), false).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Header().Get("Content-Security-Policy") == "" {
		t.Error("a guarded answer lacks the header")
	}
}
