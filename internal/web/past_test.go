// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html"
	"strings"
	"testing"

	"assay/internal/op"
)

func TestEveryLinkOfThePastKeepsItsMoment(t *testing.T) {
	for in, want := range map[string]string{
		`<a href="/controls">`:                                   `<a href="/controls?as_of=2026-03-03">`,
		`<a class="x" href="/a?b=1&amp;c=2#d">`:                  `<a class="x" href="/a?b=1&amp;c=2&amp;as_of=2026-03-03#d">`,
		`<div data-href="/monitoring/CC6.1/{day}">`:              `<div data-href="/monitoring/CC6.1/{day}?as_of=2026-03-03">`,
		`<tr hx-get="/monitoring/CC6.1/controls?days=30">`:       `<tr hx-get="/monitoring/CC6.1/controls?days=30&amp;as_of=2026-03-03">`,
		`<link href="/static/x/css/app.css">`:                    `<link href="/static/x/css/app.css">`,
		`<a href="/as-of?back=%2F">`:                             `<a href="/as-of?back=%2F">`,
		`<a href="https://example.com/">`:                        `<a href="https://example.com/">`,
		`<a href="#x">`:                                          `<a href="#x">`,
		`<a href="/x?as_of=2025-01-01">`:                         `<a href="/x?as_of=2025-01-01">`,
		`<p>text with href=&#34;/controls&#34; in it</p>`:        `<p>text with href=&#34;/controls&#34; in it</p>`,
		`<form method="get" action="/controls">`:                 `<form method="get" action="/controls"><input type="hidden" name="as_of" value="2026-03-03">`,
		`<form class="menu-form" method="get" action="/as-of">`:  `<form class="menu-form" method="get" action="/as-of">`,
		`<form method="post" action="/sign-out"><button></form>`: `<form method="post" action="/sign-out"><button></form>`,
	} {
		if got := string(inPast([]byte(in), "2026-03-03")); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", in, got, want)
		}
	}
	want := `<form method="get"><input type="hidden" name="as_of" value="2026-03-03T10:00:00+01:00">` // the form encodes it when it is sent
	if got := string(inPast([]byte(`<form method="get">`), "2026-03-03T10:00:00+01:00")); html.UnescapeString(got) != want {
		t.Errorf("a form became %s", got)
	}
	if got := string(inPast([]byte(`<a href="/x"><form method="get">`), `"><script>`)); strings.Contains(got, "<script") {
		t.Errorf("the moment breaks out of its attribute: %s", got)
	}
}

func TestOnlyPathsOfThisSiteAreLedTo(t *testing.T) {
	for _, p := range []string{"", "x", "//evil.example.com", "https://evil.example.com", `/\evil.example.com`, "/a\r\nX: y", "javascript:alert(1)", "/\t/evil.example.com", "/" + strings.Repeat("x", 3000)} {
		if _, ok := localPath(p); ok {
			t.Errorf("%.60q is taken for a page of this site", p)
		}
	}
	for _, p := range []string{"/", "/tasks?state=open", "/controls/IAM-02#x"} {
		if got, ok := localPath(p); !ok || got != p {
			t.Errorf("%q is not taken for a page of this site", p)
		}
	}
}

func TestANameOfAFileIsOnlyItsLastPartAndNoControlCharacters(t *testing.T) {
	for in, want := range map[string]string{"../../etc/passwd": "passwd", `C:\x\report.pdf`: "report.pdf", "a\r\n\"b.html": `a"b.html`, "ünïcode 表.png": "ünïcode 表.png"} {
		if got := op.FileName(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// What follows a form stays as it was: a piece that is found stands in the page, and may not be written past its end.
func TestWhatFollowsAFormOfThePastStaysWhole(t *testing.T) {
	form, rest := `<form role="search" method="get" action="/search">`, `<label for="q">Search</label><input id="q" name="q"></form><p>the rest of the page</p>`
	in := []byte("<p>before</p>" + form + rest + form + rest)
	for _, spare := range []int{0, 4096} { // with and without room behind the page, as a buffer has it
		html := append(make([]byte, 0, len(in)+spare), in...)
		want := strings.ReplaceAll(string(in), form, form+`<input type="hidden" name="as_of" value="2026-03-03">`)
		if got := string(inPast(html, "2026-03-03")); got != want {
			t.Errorf("became %s\nwant   %s", got, want)
		}
		if string(html) != string(in) {
			t.Errorf("the page that was handed over has changed: %s", html)
		}
	}
}
