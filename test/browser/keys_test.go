// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func everythingIsReachedByKeys(t *testing.T, d *demo, b *tab) {
	b.goTo("/monitoring")
	b.until(`document.querySelector(".live.on")`)
	b.run("search", chromedp.KeyEvent("/"), chromedp.WaitVisible("#palette[open]"), chromedp.Evaluate(`document.querySelector("#palette input").value = ""`, nil), chromedp.SendKeys("#palette input", "iam-02"))
	b.until(`[...document.querySelectorAll("#palette .hit")].some(h => h.textContent.includes("IAM-02"))`)
	b.run("close", chromedp.KeyEvent(kb.Escape))
	b.until(`!document.querySelector("#palette[open]")`)
	b.run("rows", chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"))
	if row := b.read(`document.querySelector("[data-row].on").dataset.row`); row != "CC1.1" {
		t.Fatalf("down, down and up chose %s", row)
	}
	b.run("unfold", chromedp.KeyEvent("x"))
	b.until(`document.querySelector("#k-CC1-1 tr[data-row]")`)
	if !strings.Contains(b.read("location.search"), "open=CC1.1") {
		t.Error("the open row does not stand in the address")
	}
	b.run("open", chromedp.KeyEvent(kb.Enter))
	b.until(`location.pathname === "/criteria/CC1.1" && document.querySelector(".live.on")`)
	b.run("go to controls", chromedp.KeyEvent("g"), chromedp.KeyEvent("c"))
	b.until(`location.pathname === "/controls" && document.querySelector(".live.on")`)
	b.run("new", chromedp.KeyEvent("n"))
	b.until(`location.pathname === "/controls/new"`)
	if said := b.complaints(); len(said) > 0 {
		t.Error(said)
	}
}

func aCellOpensItsDay(t *testing.T, d *demo, b *tab) {
	b.goTo("/monitoring")
	b.until(`document.querySelector(".strip")`)
	b.run("third cell", chromedp.Evaluate(`(() => { const s = document.querySelector('[data-row="CC8.1"] .strip'); s.scrollIntoView({block: "center"}); const r = s.getBoundingClientRect(); s.dispatchEvent(new MouseEvent("click", {bubbles: true, clientX: r.left + 2.5 * 12, clientY: r.top + 5})); })()`, nil))
	b.until(`location.pathname === "/monitoring/CC8.1/` + d.day(2) + `"`)
	if text := b.read(`document.querySelector("main").innerText`); !strings.Contains(text, d.clock.Now().AddDate(0, 0, -2).Format("2 Jan 2006")) || !strings.Contains(text, "CHG-02") {
		t.Errorf("the day says %.300s", text)
	}
}

func aFinishedRunShowsWithoutReloading(t *testing.T, d *demo, b *tab) {
	for _, p := range []string{"/monitoring", "/"} {
		b.goTo(p)
		b.until(`document.querySelector(".live.on")`)
		b.run("mark", chromedp.Evaluate(`window.sameDocument = true; document.body.addEventListener("htmx:afterSwap", () => { window.fresh = true; })`, nil))
		d.do(t, d.owner, "check.run", map[string]any{})
		b.until(`window.fresh && window.sameDocument`)
	}
	if said := b.complaints(); len(said) > 0 {
		t.Error(said)
	}
}

func thePastIsUnmistakableAndCannotBeChanged(t *testing.T, d *demo, b *tab) {
	for _, p := range []string{"/", "/monitoring", "/controls/IAM-02", "/controls/IAM-02/edit", "/exceptions/" + d.exception, "/evidence/new", "/settings?tab=tokens", "/sources", "/sources/import", "/tasks/new", "/activity"} {
		b.goTo("/as-of?day=" + d.day(2) + "&back=" + strings.ReplaceAll(p, "?", "%3F"))
		b.until(`document.querySelector(".band")`)
		if s := b.read(`getComputedStyle(document.querySelector(".band")).display + " " + document.documentElement.className`); !strings.Contains(s, "past") || strings.HasPrefix(s, "none") {
			t.Errorf("%s in the past: %s", p, s)
		}
		if s := b.read(`[...document.querySelectorAll("form[method=post]")].map(f => f.getAttribute("action")).filter(a => a !== "/sign-out").join(" ")`); s != "" {
			t.Errorf("%s in the past has the form %s", p, s)
		}
		if s := b.read(`[...document.querySelectorAll('a[href^="/"]')].map(a => a.getAttribute("href")).filter(h => !h.includes("as_of=") && !h.startsWith("/as-of")).join(" ")`); s != "" {
			t.Errorf("%s in the past leads to the present: %s", p, s)
		}
	}
	b.goTo("/?as_of=" + d.day(2))
	b.run("back to now", chromedp.Click(".band a"))
	b.until(`!document.querySelector(".band") && location.search === ""`)
	if said := b.complaints(); len(said) > 0 {
		t.Error(said)
	}
}

// nothingMovesForLong: what moves by itself ends within five seconds (WCAG 2.2.2), also for who has not asked for less motion.
func nothingMovesForLong(t *testing.T, _ *demo, b *tab) {
	b.run("motion", emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "no-preference"}}))
	b.goTo("/")
	b.until(`document.getAnimations().length > 0`) // the mark of a live page beats when it gets its connection
	if long := b.read(`document.getAnimations().filter(a => !(a.effect.getComputedTiming().endTime <= 5000)).map(a => a.animationName).join(" ")`); long != "" {
		t.Errorf("moves for longer than five seconds: %s", long)
	}
}
