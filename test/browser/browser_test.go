// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/testkit"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is one tab of a browser, and what it complained of.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	mu   sync.Mutex
	said []string
	asks map[network.RequestID]string
}

// watch is put into every page before its own scripts: a breach of the content policy is kept for the test.
const watch = `window.breaches = []; document.addEventListener("securitypolicyviolation", (e) => window.breaches.push(e.violatedDirective + " " + e.blockedURI));`

func open(t *testing.T, d *demo) *tab {
	t.Helper()
	b := start(t)
	b.base = d.base
	link, err := d.app.SignInLink(t.Context(), d.org)
	must(t, err)
	b.run("open the link", chromedp.Navigate(link), chromedp.WaitVisible("form button[type=submit]"), chromedp.Click("form button[type=submit]"), chromedp.WaitReady("#home"))
	return b
}

// quiet makes a browser stop reporting every element and every rule of style, which nobody reads here. After it the
// tab goes to pages and asks them by script; nothing can be clicked any more.
func (b *tab) quiet() {
	b.t.Helper()
	b.run("quiet", css.Disable(), dom.Disable())
}

// start starts a browser with an empty tab.
func start(t *testing.T) *tab {
	t.Helper()
	profile, err := os.MkdirTemp("", "browser") // not t.TempDir: the browser may still be writing when the test ends
	must(t, err)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.ExecPath(testkit.Browser(t)), chromedp.UserDataDir(profile), chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(func() {
		stop()
		if err := os.RemoveAll(profile); err != nil {
			t.Logf("the profile stays behind: %v", err)
		}
	})
	ctx, stopTab := chromedp.NewContext(alloc)
	t.Cleanup(stopTab)
	b := &tab{t: t, ctx: ctx, asks: map[network.RequestID]string{}}
	chromedp.ListenTarget(ctx, b.hear)
	b.run("start", log.Enable(), runtime.Enable(), network.Enable(), page.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(watch).Do(ctx)
		return err
	}))
	return b
}

// hear keeps what a browser says that it should not have to say.
func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *log.EventEntryAdded:
		b.said = append(b.said, e.Entry.Text+" "+e.Entry.URL)
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		b.said = append(b.said, "console: "+string(e.Type))
	case *network.EventRequestWillBeSent:
		b.asks[e.RequestID] = e.Request.URL
	case *network.EventLoadingFailed:
		if !e.Canceled && !strings.HasSuffix(b.asks[e.RequestID], "/live") { // a page that is left ends its stream
			b.said = append(b.said, "failed: "+e.ErrorText+" "+b.asks[e.RequestID])
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			b.said = append(b.said, fmt.Sprintf("%d %s", e.Response.Status, e.Response.URL))
		}
	}
}

// complaints takes what was said since the last time.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.said
	b.said = nil
	return out
}

func (b *tab) run(what string, acts ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
	defer cancel()
	if what == "start" { // the browser lives as long as the context that it was started with
		ctx = b.ctx
	}
	if err := chromedp.Run(ctx, acts...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

func (b *tab) goTo(path string) { b.t.Helper(); b.run(path, chromedp.Navigate(b.base+path)) }

func (b *tab) read(js string) string {
	b.t.Helper()
	var s string
	b.run(js, chromedp.Evaluate("String("+js+")", &s))
	return s
}

// until waits for a condition in the page.
func (b *tab) until(js string) {
	b.t.Helper()
	for range 120 {
		var yes bool
		// While a page gives way to the next there is nobody to ask, or half a page: that is no answer yet.
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(`document.readyState === "complete" && !!(`+js+`)`, &yes)); err == nil && yes {
			return
		}
		b.run("wait", chromedp.Sleep(50*time.Millisecond))
	}
	b.t.Fatalf("never came true: %s; the page is %s", js, b.read("location.href"))
}

func (b *tab) size(w, h int64, theme string) {
	b.t.Helper()
	b.run("size", chromedp.EmulateViewport(w, h), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
}

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

const (
	everyRule   = `{type: "tag", values: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa"]}`
	colourRules = `{type: "rule", values: ["color-contrast","link-in-text-block"]}`
)

const axeRun = `axe.run(document, {resultTypes: ["violations"], runOnly: %s}).then(r => JSON.stringify(r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target.join(" ") + " | " + (n.any[0]?.message || n.failureSummary)).join(" ;; "))))`

// axe lists what keeps people from using the page.
func (b *tab) axe(script, rules string) []string {
	b.t.Helper()
	var found string
	b.run("axe", chromedp.Evaluate(script+";true", nil), chromedp.Evaluate(fmt.Sprintf(axeRun, rules), &found, awaited))
	var list []string
	must(b.t, json.Unmarshal([]byte(found), &list))
	return list
}

// shoot photographs the page for people to look at, where ASSAY_SHOTS names a folder.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("ASSAY_SHOTS")
	if dir == "" {
		return
	}
	must(b.t, os.MkdirAll(dir, 0o755))
	var shot []byte
	b.run("photograph", chromedp.CaptureScreenshot(&shot))
	must(b.t, os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o644))
}
