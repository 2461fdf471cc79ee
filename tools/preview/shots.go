// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var sizes = []struct {
	name string
	w, h int64
}{{"wide", 1440, 900}, {"phone", 390, 844}}

type finding struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Nodes  []string `json:"nodes"`
}

const axeRun = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 3).map(n => n.target.join(" ") + " | " + (n.any[0]?.message || n.failureSummary))}))))`

func photograph(ctx context.Context, base, dir, axePath, only, browser string) error {
	axe, err := os.ReadFile(axePath)
	if err != nil {
		return fmt.Errorf("read the accessibility checker: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	profile, err := os.MkdirTemp("", "preview")
	if err != nil {
		return fmt.Errorf("make profile: %w", err)
	}
	defer os.RemoveAll(profile)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	if browser != "" {
		opts = append(opts, chromedp.ExecPath(browser))
	}
	alloc, stop := chromedp.NewExecAllocator(ctx, opts...)
	defer stop()
	tab, stopTab := chromedp.NewContext(alloc)
	defer stopTab()

	var mu sync.Mutex
	var said []string
	chromedp.ListenTarget(tab, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			said = append(said, e.Entry.Text+" "+e.Entry.URL)
		case *runtime.EventExceptionThrown:
			said = append(said, e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			said = append(said, "console "+string(e.Type))
		}
	})
	if err := chromedp.Run(tab, log.Enable(), runtime.Enable(), page.Enable()); err != nil {
		return fmt.Errorf("start the browser: %w", err)
	}
	seen := map[string]bool{}
	for _, p := range pages() {
		if only != "" && !strings.Contains(p.name, only) {
			continue
		}
		for _, size := range sizes {
			for _, theme := range []string{"light", "dark"} {
				var shot []byte
				var found string
				var tall int64
				tctx, cancel := context.WithTimeout(tab, 30*time.Second)
				err := chromedp.Run(tctx,
					chromedp.EmulateViewport(size.w, size.h),
					emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
					chromedp.Navigate(base+p.visit),
					chromedp.Evaluate(`document.fonts.ready.then(() => true)`, nil, awaited),
					chromedp.Sleep(150*time.Millisecond),
					chromedp.Evaluate(`document.documentElement.scrollHeight`, &tall),
					chromedp.ActionFunc(func(ctx context.Context) error {
						return chromedp.EmulateViewport(size.w, min(max(size.h, tall), 3000)).Do(ctx)
					}),
					chromedp.CaptureScreenshot(&shot),
					chromedp.Evaluate(string(axe)+";true", nil),
					chromedp.Evaluate(axeRun, &found, awaited),
				)
				cancel()
				if err != nil {
					return fmt.Errorf("photograph %s: %w", p.name, err)
				}
				name := fmt.Sprintf("%s-%s-%s.png", p.name, size.name, theme)
				if err := os.WriteFile(filepath.Join(dir, name), shot, 0o644); err != nil {
					return fmt.Errorf("write %s: %w", name, err)
				}
				var list []finding
				if err := json.Unmarshal([]byte(found), &list); err != nil {
					return fmt.Errorf("read findings: %w", err)
				}
				for _, f := range list {
					if text := f.Impact + " " + f.ID + ": " + strings.Join(f.Nodes, " ;; "); !seen[text] {
						seen[text] = true
						fmt.Println(name, text)
					}
				}
				mu.Lock()
				for _, s := range said {
					if p.code == 0 || !strings.Contains(s, "Failed to load resource") {
						fmt.Println(name, "said:", s)
					}
				}
				said = nil
				mu.Unlock()
			}
		}
	}
	return nil
}

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
