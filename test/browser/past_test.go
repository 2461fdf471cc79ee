// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/op"
	"assay/internal/report"
)

// seen is what a person has before them of a page, and what its forms would send.
type seen struct {
	Text  string   `json:"text"`
	Torn  []string `json:"torn"`  // what stands beside its place: text between the rows of a table, markup as text
	Band  string   `json:"band"`  // what the band of the past says, if it can be seen
	Posts []string `json:"posts"` // forms that change something, but signing out
	Lost  []string `json:"lost"`  // forms that lead out of the past, or name it twice
	Rows  []string `json:"rows"`  // of the grid: criterion and the letters that are painted
}

const whatIsSeen = `(() => {
	const shown = (e) => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0; };
	const moment = new URLSearchParams(location.search).get("as_of");
	const band = document.querySelector(".band"), forms = [...document.querySelectorAll("form")];
	const markup = /as_of=|<\/?(a|b|br|button|div|form|h[1-6]|i|input|label|li|main|option|p|section|select|span|strong|svg|t[abdhr]\w*|ul|use)\b[^<]*|["']\/?>|\b(class|href|name|type|value|hidden|action|method|hx-\w+|aria-\w+|data-\w+)="/g;
	const text = document.body.innerText;
	return JSON.stringify({text,
		torn: [...(text + "\n" + document.title).matchAll(markup)].map(m => text.slice(Math.max(0, m.index - 30), m.index + 50)),
		band: band && shown(band) ? band.innerText : "",
		posts: forms.filter(f => f.method === "post" && f.getAttribute("action") !== "/sign-out").map(f => f.getAttribute("action") ?? ""),
		lost: moment === null ? [] : forms.filter(f => f.method === "get" && f.getAttribute("action") !== "/as-of").filter(f => { const v = new FormData(f).getAll("as_of"); return v.length !== 1 || v[0] !== moment; }).map(f => f.outerHTML.slice(0, 200)),
		rows: [...document.querySelectorAll("#grid tr[data-row]")].filter(shown).map(r => { const s = r.querySelector(".strip"); return r.dataset.row + " " + (s && shown(s) ? [...s.children].filter(shown).map(e => e.textContent).join("") : "nothing"); })});
})()`

// see opens a page and judges what can be seen of it, now or in the past.
func (b *tab) see(path string) seen {
	b.t.Helper()
	b.goTo(path)
	b.until("true")
	var s seen
	must(b.t, json.Unmarshal([]byte(b.read(whatIsSeen)), &s))
	for _, x := range s.Torn {
		b.t.Errorf("%s shows torn markup: %q", path, x)
	}
	if strings.TrimSpace(s.Text) == "" {
		b.t.Errorf("%s is blank", path)
	}
	return s
}

// whole are the addresses of every page: those made by hand and those that each kind has.
func (d *demo) whole(t *testing.T) []string {
	t.Helper()
	var out []string
	all := d.byHand(t)
	for _, sh := range d.app.Set.Shapes() {
		all = append(all, d.plain(t, sh)...)
	}
	for _, v := range all {
		if !strings.Contains(v[1], "as_of=") && !slices.Contains(out, v[1]) {
			out = append(out, v[1])
		}
	}
	return out
}

// everyPageIsWholeNowAndInThePast: what is shown is the page, with nothing torn, and in the past with its band and nothing to change.
func everyPageIsWholeNowAndInThePast(t *testing.T, d *demo, _ *tab) {
	all := d.whole(t)
	everyRouteIsAmong(t, all)
	b := open(t, d)
	b.quiet()
	for _, width := range []int64{wide, phone} {
		b.size(width, 900, light)
		for _, p := range all {
			if width == phone && strings.Count(p, "/") > 2 { // made alike: looked at once
				continue
			}
			now := b.see(p)
			if now.Band != "" {
				t.Errorf("%s says that it shows the past: %s", p, now.Band)
			}
			sep := map[bool]string{true: "&", false: "?"}[strings.Contains(p, "?")]
			then := b.see(p + sep + "as_of=" + d.day(2))
			b.shoot(fmt.Sprintf("past-%s-%d", strings.Trim(strings.NewReplacer("/", "-", "?", "-", "&", "-").Replace(p), "-"), width))
			if !strings.Contains(then.Band, d.clock.Now().AddDate(0, 0, -2).Format("2 Jan 2006")) {
				t.Errorf("%s in the past: the band says %q", p, then.Band)
			}
			if len(then.Posts) > 0 || len(then.Lost) > 0 {
				t.Errorf("%s in the past has the forms %v; these lead out of it: %v", p, then.Posts, then.Lost)
			}
		}
		for _, moment := range []string{"", d.day(2)} {
			d.gridAsTheBoardSays(t, b, moment)
		}
	}
}

// gridAsTheBoardSays: every row of the board is a row of the grid, with its letters.
func (d *demo) gridAsTheBoardSays(t *testing.T, b *tab, moment string) {
	t.Helper()
	var at time.Time
	if moment != "" {
		var err error
		at, err = op.Moment(moment, d.clock.Now(), op.DaysIn(time.UTC))
		must(t, err)
	}
	g, err := op.Do[*report.Grid](context.Background(), d.app.Gate, d.owner, "monitoring.grid", map[string]any{"days": 30}, at)
	must(t, err)
	want, letters := []string{}, map[string]bool{}
	for _, r := range g.Rows {
		days := ""
		for _, s := range r.Spans {
			days += strings.Repeat(s.Letter, s.Days)
			letters[s.Letter] = true
		}
		want = append(want, r.Ref+" "+days)
	}
	if len(want) < 20 || len(letters) < 2 {
		t.Fatalf("a board of %d rows and the letters %v shows nothing", len(want), letters)
	}
	path := "/monitoring"
	if moment != "" {
		path += "?as_of=" + moment
	}
	got := b.see(path)
	slices.Sort(got.Rows)
	slices.Sort(want)
	if !slices.Equal(got.Rows, want) {
		t.Errorf("%s shows the rows %v, the board has %v", path, got.Rows, want)
	}
}

// everyRouteIsAmong: the list of pages leaves out no page that the site serves.
func everyRouteIsAmong(t *testing.T, all []string) {
	t.Helper()
	src, err := os.ReadFile("../../internal/web/web.go")
	must(t, err)
	mux, missing := http.NewServeMux(), map[string]bool{}
	for _, m := range regexp.MustCompile(`s\.page\("(GET [^"]+)"`).FindAllStringSubmatch(string(src), -1) {
		mux.HandleFunc(m[1], func(http.ResponseWriter, *http.Request) {})
		missing[m[1]] = true
	}
	if len(missing) < 25 {
		t.Fatalf("only %d routes were found", len(missing))
	}
	for _, p := range all {
		_, pattern := mux.Handler(httptest.NewRequest("GET", p, nil))
		delete(missing, pattern)
	}
	// What is no page: a redirect, part of a page, a page of the development build.
	for _, p := range []string{"GET /as-of", "GET /monitoring/{id}/controls", "GET /design"} {
		delete(missing, p)
	}
	delete(missing, "GET /") // every address that is not there
	if len(missing) > 0 {
		t.Errorf("these pages are not looked at: %v", missing)
	}
}
