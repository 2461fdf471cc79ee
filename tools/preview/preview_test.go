// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

var (
	inlineScript = regexp.MustCompile(`<script(?:\s+(?:type="module"|defer|src="[^"]+"))*\s*>[^<]`)
	inlineAny    = regexp.MustCompile(`<[a-zA-Z][^>]*\s(?:style|on[a-z]+)="`)
	ids          = regexp.MustCompile(`\sid="([^"]*)"`)
	hrefs        = regexp.MustCompile(`<a\s[^>]*href=""`)
)

func body(t *testing.T, base, path string) string {
	t.Helper()
	res, err := http.Get(base + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// every runs f over the HTML of every page.
func every(t *testing.T, f func(t *testing.T, html string)) {
	srv := httptest.NewServer(handler())
	defer srv.Close()
	for _, p := range pages() {
		t.Run(p.name, func(t *testing.T) { f(t, body(t, srv.URL, p.visit)) })
	}
}

func TestNoPageCarriesAScriptOrAStyleOfItsOwn(t *testing.T) {
	every(t, func(t *testing.T, html string) {
		for _, re := range []*regexp.Regexp{inlineScript, inlineAny} {
			if m := re.FindString(html); m != "" {
				t.Error(m)
			}
		}
		if strings.Contains(html, "http://") || strings.Contains(html, "//cdn") {
			t.Error("a page names another host")
		}
	})
}

func TestNoIdStandsTwiceOnAPage(t *testing.T) {
	every(t, func(t *testing.T, html string) {
		seen := map[string]bool{}
		for _, m := range ids.FindAllStringSubmatch(html, -1) {
			if seen[m[1]] {
				t.Errorf("id %q", m[1])
			}
			seen[m[1]] = true
		}
	})
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	every(t, func(t *testing.T, html string) {
		if m := hrefs.FindString(html); m != "" {
			t.Error(m)
		}
	})
}

func TestThePastIsMarkedAndHasNoForm(t *testing.T) {
	srv := httptest.NewServer(handler())
	defer srv.Close()
	for _, path := range []string{"/?past", "/controls/IAM-02/edit?past", "/evidence/new?past", "/settings?tab=tokens&past", "/activity?past", "/exceptions/3?past", "/tests/idp.mfa_all?past", "/sources/4?past", "/evidence/1?past"} {
		html := body(t, srv.URL, path)
		if !strings.Contains(html, `class="band"`) {
			t.Errorf("%s: no band", path)
		}
		for _, form := range regexp.MustCompile(`<form[^>]*method="post"[^>]*action="([^"]*)"`).FindAllStringSubmatch(html, -1) {
			if form[1] != "/sign-out" {
				t.Errorf("%s: a form to %s", path, form[1])
			}
		}
	}
}
