// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"assay/internal/testkit"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// drive opens a browser on the made-up company. What the browser complains of fails the test.
func drive(t *testing.T) (context.Context, string) {
	t.Helper()
	if testkit.Fast() {
		t.Skip("a browser takes half a minute: ASSAY_TESTS=all")
	}
	srv := httptest.NewServer(handler())
	t.Cleanup(srv.CloseClientConnections)
	profile, err := os.MkdirTemp("", "drive") // not t.TempDir: the browser may still be writing when the test ends
	if err != nil {
		t.Fatal(err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.ExecPath(testkit.Browser(t)), chromedp.UserDataDir(profile), chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(func() {
		stop()
		if err := os.RemoveAll(profile); err != nil {
			t.Logf("the profile stays behind: %v", err)
		}
	})
	tab, stopTab := chromedp.NewContext(alloc)
	t.Cleanup(stopTab)
	tab, cancel := context.WithTimeout(tab, 60*time.Second)
	t.Cleanup(cancel)
	chromedp.ListenTarget(tab, func(ev any) {
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			t.Errorf("browser: %s", e.Entry.Text)
		case *runtime.EventExceptionThrown:
			t.Errorf("browser: %s", e.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(tab, log.Enable(), runtime.Enable()); err != nil {
		t.Fatal(err)
	}
	return tab, srv.URL
}

func run1(t *testing.T, ctx context.Context, what string, acts ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, acts...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func read(t *testing.T, ctx context.Context, js string) string {
	t.Helper()
	var s string
	run1(t, ctx, js, chromedp.Evaluate("String("+js+")", &s))
	return s
}

// until waits for a condition in the page.
func until(t *testing.T, ctx context.Context, js string) {
	t.Helper()
	for range 100 {
		var yes bool
		// While a page gives way to the next there is nobody to ask: that is no answer yet.
		if err := chromedp.Run(ctx, chromedp.Evaluate("!!("+js+")", &yes)); err == nil && yes {
			return
		}
		if err := chromedp.Run(ctx, chromedp.Sleep(50*time.Millisecond)); err != nil {
			t.Fatalf("waiting for %s: %v", js, err)
		}
	}
	t.Fatalf("never came true: %s", js)
}

func TestTheStripNamesTheDayUnderTheKeyAndOpensIt(t *testing.T) {
	ctx, base := drive(t)
	run1(t, ctx, "open", chromedp.Navigate(base+"/monitoring"), chromedp.WaitReady(".strip"))
	until(t, ctx, `document.querySelector(".live.on")`)
	run1(t, ctx, "focus", chromedp.KeyEvent("j"), chromedp.KeyEvent("\t"), chromedp.KeyEvent("\t"))
	for i := 0; i < 6 && read(t, ctx, `document.activeElement.className`) != "strip at"; i++ {
		run1(t, ctx, "tab", chromedp.KeyEvent("\t"))
	}
	run1(t, ctx, "arrows", chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	if tip := read(t, ctx, `document.querySelector(".tip.on").textContent`); !strings.Contains(tip, "20 Nov 2026") {
		t.Fatalf("the tip says %q", tip)
	}
	run1(t, ctx, "far away", chromedp.KeyEvent(kb.End))
	if s := read(t, ctx, `document.querySelector(".grid-box").scrollLeft > 100`); s != "true" {
		t.Fatal("the last day was not brought into sight")
	}
	run1(t, ctx, "first", chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.Enter))
	until(t, ctx, `location.pathname.endsWith("/2026-11-22")`)
}

func TestEveryStripIsAsWideAsItsDays(t *testing.T) {
	ctx, base := drive(t)
	run1(t, ctx, "open", chromedp.Navigate(base+"/monitoring?days=365"), chromedp.WaitReady(".strip"))
	until(t, ctx, `document.fonts.check("10px 'JetBrains Mono'")`)
	if wide := read(t, ctx, `[...document.querySelectorAll(".strip")].filter(s => Math.abs(s.getBoundingClientRect().width - 12*365) > 4).length`); wide != "0" {
		t.Fatalf("%s strips are not 365 cells of 12 px", wide)
	}
}

func TestARowUnfoldsByKeyAndFoldsAgain(t *testing.T) {
	ctx, base := drive(t)
	run1(t, ctx, "open", chromedp.Navigate(base+"/monitoring"), chromedp.WaitReady(".strip"))
	until(t, ctx, `document.querySelector(".live.on")`)
	run1(t, ctx, "unfold", chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
	until(t, ctx, `document.querySelectorAll("#k-CC1-1 tr.sub").length > 0`)
	if s := read(t, ctx, `document.querySelector("tr.crit.open [data-twist]").getAttribute("aria-expanded")`); s != "true" {
		t.Fatalf("aria-expanded is %s", s)
	}
	if s := read(t, ctx, `location.search`); s != "?open=CC1.1" {
		t.Fatalf("the address says %q", s)
	}
	run1(t, ctx, "a run ends", chromedp.Evaluate(`document.querySelector("#grid").dataset.old = "1"; document.querySelector(".grid-box").scrollTop = 40; htmx.trigger(document.body, "run"); true`, nil))
	until(t, ctx, `!document.querySelector("#grid").dataset.old`)
	if s := read(t, ctx, `document.querySelectorAll("#k-CC1-1 tr.sub").length > 0 && document.querySelector(".grid-box").scrollTop === 40 && document.querySelector("tr.on") !== null`); s != "true" {
		t.Fatal("the refresh lost the open row, the place or the chosen row")
	}
	run1(t, ctx, "fold", chromedp.KeyEvent("x"))
	until(t, ctx, `document.querySelectorAll("#k-CC1-1 tr").length === 0`)
}

func TestSearchOpensByOneKeyAndGoesByEnter(t *testing.T) {
	ctx, base := drive(t)
	run1(t, ctx, "open", chromedp.Navigate(base+"/"), chromedp.WaitReady("#palette"))
	until(t, ctx, `document.querySelector(".live.on")`)
	run1(t, ctx, "slash", chromedp.KeyEvent("/"))
	until(t, ctx, `document.getElementById("palette").open`)
	run1(t, ctx, "type", chromedp.KeyEvent("mfa"))
	until(t, ctx, `document.querySelector("#palette .hit.on")?.textContent.includes("IAM-02")`)
	run1(t, ctx, "go", chromedp.KeyEvent(kb.Enter))
	until(t, ctx, `location.pathname === "/controls/IAM-02"`)
	run1(t, ctx, "go to", chromedp.WaitReady("#palette"))
	until(t, ctx, `document.querySelector(".live.on")`)
	run1(t, ctx, "g m", chromedp.KeyEvent("g"), chromedp.KeyEvent("m"))
	until(t, ctx, `location.pathname === "/monitoring"`)
}

func TestSearchInTheGridKeepsTheAddressTrue(t *testing.T) {
	ctx, base := drive(t)
	run1(t, ctx, "open", chromedp.Navigate(base+"/monitoring"), chromedp.WaitReady(".strip"))
	until(t, ctx, `document.querySelector(".live.on")`)
	run1(t, ctx, "type", chromedp.SendKeys(`.search-field input`, "fraud"))
	until(t, ctx, `location.search === "?q=fraud" && document.querySelectorAll("tr.crit").length === 1`)
}

func TestTheChosenThemeStays(t *testing.T) {
	ctx, base := drive(t)
	run1(t, ctx, "choose", chromedp.Navigate(base+"/"), chromedp.WaitReady("[data-theme-set=dark]"))
	until(t, ctx, `document.querySelector(".live.on")`)
	run1(t, ctx, "dark", chromedp.Evaluate(`document.querySelector("[data-theme-set=dark]").click()`, nil), chromedp.Navigate(base+"/controls"))
	if s := read(t, ctx, `document.documentElement.dataset.theme + getComputedStyle(document.body).color`); s != "darkrgb(233, 233, 230)" {
		t.Fatalf("got %s", s)
	}
}

func TestAFinishedRunRefreshesThePartsAndKeepsThePage(t *testing.T) {
	ctx, base := drive(t)
	run1(t, ctx, "open", chromedp.Navigate(base+"/"), chromedp.WaitReady("#work"))
	until(t, ctx, `document.querySelector(".live.on")`)
	run1(t, ctx, "mark", chromedp.Evaluate(`document.getElementById("work").dataset.old = "1"; window.here = 1; true`, nil))
	until(t, ctx, `!document.getElementById("work").dataset.old`)
	if s := read(t, ctx, `window.here + " " + document.querySelectorAll("#work").length`); s != "1 1" {
		t.Fatalf("got %s", s)
	}
}
