// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"assay/internal/testkit"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"assay/internal/kind"
	"github.com/chromedp/chromedp"
)

// byHand are the pages made by hand.
func (d *demo) byHand(t *testing.T) [][2]string {
	t.Helper()
	src := d.list(t, "source.list", map[string]any{})
	run := d.list(t, "run.list", map[string]any{"limit": 1})[0]["id"].(string)
	res := d.list(t, "resource.list", map[string]any{"limit": 1})[0]["id"].(string)
	out := [][2]string{{"home", "/"}, {"grid", "/monitoring"}, {"grid-open", "/monitoring?days=90&open=CC6.1"}, {"grid-none", "/monitoring?q=zzz"}, {"day", "/monitoring/CC8.1/" + d.day(1)}, {"day-control", "/monitoring/CHG-02/" + d.day(2)}, {"controls", "/controls"}, {"control", "/controls/IAM-02"},
		{"control-edit", "/controls/IAM-02/edit"}, {"control-change", "/controls/IAM-02/change"}, {"control-retire", "/controls/IAM-02/retire"}, {"control-activate", "/controls/AST-01/activate"}, {"control-retired", "/controls/AST-01"}, {"control-version", "/control-versions/" + d.version}, {"control-changed", "/controls/IAM-03"}, {"control-day-changed", "/monitoring/IAM-03/" + d.day(days)}, {"control-history", "/controls/IAM-02/history"}, {"tests", "/tests"}, {"tests-no-data", "/tests?state=unknown"}, {"test", "/tests/device.firewall"}, {"test-no-data", "/tests/incident.notified"}, {"source-import-kind", "/sources/import?kind=internal.incident"}, {"criteria", "/criteria"}, {"criterion", "/criteria/CC6.1"}, {"resources", "/resources"}, {"resource", "/resources/" + res},
		{"sources", "/sources"}, {"source-new", "/sources/new?connector=git"}, {"source-import-file", "/sources/import"}, {"run", "/runs/" + run}, {"evidence", "/evidence"}, {"evidence-one", "/evidence/" + d.evidence}, {"evidence-new", "/evidence/new"}, {"evidence-new-for", "/evidence/new?control=CHG-08&evidence_key=design_reviews"}, {"evidence-control", "/controls/CHG-08"}, {"activity", "/activity"}, {"approvals", "/approvals"}, {"changes", "/changes"}, {"changes-past", "/changes?as_of=" + d.day(2)}, {"entry", "/activity/12"},
		{"search", "/search?q=access"}, {"work", "/work"}, {"me", "/me"}, {"settings", "/settings"}, {"settings-users", "/settings?tab=users"}, {"settings-tokens", "/settings?tab=tokens"}, {"home-past", "/?as_of=" + d.day(2)}, {"grid-past", "/monitoring?as_of=" + d.day(2)}}
	for _, s := range src {
		out = append(out, [2]string{"source-" + s["connector"].(string), "/sources/" + s["id"].(string)})
	}
	return out
}

// plain are the pages that every kind has.
func (d *demo) plain(t *testing.T, sh kind.Shape) [][2]string {
	t.Helper()
	_, path := d.app.Set.Find(sh.Name + ".list").Route()
	base := strings.TrimPrefix(path, "/v1")
	out := [][2]string{{sh.Name + "-list", base}}
	if d.app.Set.Find(sh.Name+".create") != nil && sh.Name != "source" && d.app.Set.Find(sh.Name+".end") != nil {
		out = append(out, [2]string{sh.Name + "-new", base + "/new"})
	}
	all := d.list(t, sh.Name+".list", map[string]any{"limit": 1})
	if len(all) == 0 {
		return out
	}
	one := base + "/" + all[0]["id"].(string)
	out = append(out, [2]string{sh.Name + "-one", one}, [2]string{sh.Name + "-history", one + "/history"})
	if d.app.Gate.May(d.owner, sh.Name+".update") {
		out = append(out, [2]string{sh.Name + "-edit", one + "/edit"})
	}
	if len(sh.Moves) > 0 { // the pages of all moves are made alike
		out = append(out, [2]string{sh.Name + "-move", one + "/" + strings.ReplaceAll(sh.Moves[len(sh.Moves)-1].Verb, "_", "-")})
	}
	return out
}

// TestASiteInABrowser looks at one company with one browser: both take long to make.
func TestASiteInABrowser(t *testing.T) {
	if testkit.Fast() {
		t.Skip("it takes minutes: ASSAY_TESTS=all")
	}
	d := newDemo(t)
	b := open(t, d)
	for _, x := range []struct {
		name string
		fn   func(*testing.T, *demo, *tab)
	}{
		{"everything is reached by keys", everythingIsReachedByKeys},
		{"a cell opens its day", aCellOpensItsDay},
		{"nothing moves for longer than five seconds", nothingMovesForLong},
		{"the past is unmistakable and cannot be changed", thePastIsUnmistakableAndCannotBeChanged},
		{"every page is whole, now and in the past", everyPageIsWholeNowAndInThePast},
		{"every page keeps to its policy and is fit for every reader", everyPageIsFitForEveryReader},
		{"a finished run shows without reloading", aFinishedRunShowsWithoutReloading},
		{"a file is imported in three clicks", aFileIsImportedInThreeClicks},
	} {
		t.Run(x.name, func(t *testing.T) {
			b.t = t
			b.complaints()
			x.fn(t, d, b)
		})
	}
}

// everyPageIsFitForEveryReader looks at the pages in two browsers at once. Pages made by hand are looked at in both
// sizes and both colours. Those that are made alike for every kind are looked at where they break, on a phone, each in
// one of the colours, and those of one kind on a wide screen.
func everyPageIsFitForEveryReader(t *testing.T, d *demo, _ *tab) {
	axe, err := os.ReadFile("../../internal/web/testdata/axe.min.js")
	must(t, err)
	byHand, plain := d.byHand(t), [][2]string{}
	for _, sh := range d.app.Set.Shapes() {
		for _, v := range d.plain(t, sh) {
			if !slices.ContainsFunc(byHand, func(h [2]string) bool { return h[1] == v[1] }) {
				plain = append(plain, v)
			}
		}
	}
	for i, x := range []struct {
		width  int64
		colour string // of the plain pages
	}{{wide, light}, {phone, dark}} {
		t.Run(fmt.Sprintf("%d px", x.width), func(t *testing.T) {
			t.Parallel()
			b := open(t, d)
			b.quiet()
			b.complaints()
			for _, v := range byHand {
				b.look(v, string(axe), x.width, light, dark)
			}
			for n, v := range plain {
				if n%2 == i { // each browser takes one half
					b.look(v, string(axe), phone, x.colour)
				}
				if x.width == wide && strings.HasPrefix(v[0], "policy-") {
					b.look(v, string(axe), wide, dark)
				}
			}
		})
	}
}

const (
	wide, phone = 1440, 390
	light, dark = "light", "dark"
)

// look opens a page in one size, and reports all that is wrong with it in each colour.
func (b *tab) look(v [2]string, axe string, width int64, themes ...string) {
	b.t.Helper()
	if only := os.Getenv("ASSAY_ONLY"); only != "" && !strings.Contains(v[0], only) {
		return
	}
	for i, theme := range themes {
		b.size(width, map[int64]int64{wide: 900, phone: 844}[width], theme)
		b.run(v[1], chromedp.Navigate(b.base+v[1]), chromedp.Evaluate(`document.fonts.ready.then(() => true)`, nil, awaited))
		rules := everyRule
		if i > 0 { // of the other colour, what looks at colours: nothing else of the page is another
			rules = colourRules
		}
		b.judge(v, axe, width, theme, rules)
	}
}

// judge looks at the page that is open.
func (b *tab) judge(v [2]string, axe string, width int64, theme, rules string) {
	b.t.Helper()
	b.shoot(fmt.Sprintf("%s-%d-%s", v[0], width, theme))
	where := fmt.Sprintf("%s at %d px, %s", v[1], width, theme)
	if said := b.complaints(); len(said) > 0 {
		b.t.Errorf("%s: %s", where, strings.Join(said, "\n\t"))
	}
	if n := b.read("JSON.stringify(window.breaches)"); n != "[]" {
		b.t.Errorf("%s breaks its policy: %s", where, n)
	}
	if found := b.axe(axe, rules); len(found) > 0 {
		b.t.Errorf("%s: %s", where, strings.Join(found, "\n\t"))
	}
	if width == phone {
		if b.read("document.documentElement.scrollWidth > innerWidth + 1") == "true" {
			b.t.Errorf("%s is wider than the screen", where)
		}
		if wide := b.read(`[...document.querySelectorAll(".table-box, .days-in")].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => (e.querySelector("table")?.ariaLabel ?? e.className) + " by " + (e.scrollWidth - e.clientWidth)).join("; ")`); wide != "" {
			b.t.Errorf("%s scrolls sideways: %s", where, wide)
		}
	}
	b.complaints() // what the checker itself set off
}
