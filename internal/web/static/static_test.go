// SPDX-License-Identifier: Apache-2.0

package static

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(t *testing.T, path string, head map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for k, v := range head {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestAHashedAddressMayBeKeptForEver(t *testing.T) {
	if err := Check(); err != nil {
		t.Fatal(err)
	}
	w := get(t, URL("css/app.css"), map[string]string{"Accept-Encoding": "gzip"})
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
}

func TestAnOldAddressIsServedButNotKept(t *testing.T) {
	w := get(t, Prefix+"old/css/app.css", nil)
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if w := get(t, Prefix+"old/css/app.css", map[string]string{"If-None-Match": w.Header().Get("ETag")}); w.Code != 304 {
		t.Fatalf("got %d", w.Code)
	}
}

func TestNothingOutsideTheListIsServed(t *testing.T) {
	for _, p := range []string{"", "x", "x/", "x/static.go", "x/../static.go", "x/css/", "x/js/none.js"} {
		if w := get(t, Prefix+p, nil); w.Code != 404 {
			t.Errorf("%q: got %d", p, w.Code)
		}
	}
}

func TestEveryListedScriptExists(t *testing.T) {
	for _, s := range append(Scripts(), "js/theme.js", "vendor/htmx.min.js", "icons.svg") {
		if w := get(t, URL(s), nil); w.Code != 200 {
			t.Errorf("%s: got %d", s, w.Code)
		}
	}
}
