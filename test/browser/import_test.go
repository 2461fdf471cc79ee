// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// aFileIsImportedInThreeClicks goes from the sources to an imported file: the button, the preview, the import. Choosing the
// file is the browser's own dialog. A file with faults and a list that is compared are looked at on the way.
func aFileIsImportedInThreeClicks(t *testing.T, d *demo, _ *tab) {
	axe, err := os.ReadFile("../../internal/web/testdata/axe.min.js")
	must(t, err)
	b := open(t, d)
	b.complaints()
	bad := filepath.Join(t.TempDir(), "people.csv")
	must(t, os.WriteFile(bad, []byte("Employee #,Full Name,Work Email,Employment Status,Hire Date,Termination Date,Shoe size\n"+strings.Repeat("7,Ann One,ann@example.com,Full-Time,3/6/2023,soon,44\n", 12)), 0o600))
	samples, err := filepath.Abs("../../internal/collect/source/file/testdata/presets")
	must(t, err)
	for _, x := range []struct{ name, file, says string }{
		{"import-faults", bad, "Nothing was imported"}, {"import-compared", filepath.Join(samples, "drata-controls.csv"), "Compared with the library"},
		{"import-ready", filepath.Join(samples, "google-workspace-users.csv"), "Ready to import"},
	} {
		b.size(wide, 900, light)
		b.goTo("/sources")
		b.run("import", chromedp.Click(`a[href="/sources/import"]`), chromedp.WaitReady(`input[type=file]`)) // 1
		b.run("choose", chromedp.SetUploadFiles(`input[type=file]`, []string{x.file}))
		b.until(`document.querySelector("[data-chosen]").textContent.includes("sha256")`)
		b.run("preview", chromedp.Click(`form.write button[type=submit]`), chromedp.WaitReady(`#import`)) // 2
		if text := b.read("document.body.innerText"); !strings.Contains(text, x.says) {
			t.Fatalf("%s: the page does not say %q: %.600s", x.name, x.says, text)
		}
		for _, w := range []int64{wide, phone} {
			for _, theme := range []string{light, dark} {
				b.size(w, map[int64]int64{wide: 900, phone: 844}[w], theme)
				b.run("painted", chromedp.Evaluate(`new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`, nil, awaited))
				b.complaints() // a refused file is answered with 422
				b.judge([2]string{x.name, "the preview of " + filepath.Base(x.file)}, string(axe), w, theme, everyRule)
			}
		}
	}
	b.size(wide, 900, light)
	b.run("import", chromedp.Click(`button[value=import]`), chromedp.WaitReady(`#runs`)) // 3
	if text := b.read("document.body.innerText"); !strings.Contains(text, "google-workspace-users.csv") || !strings.Contains(text, "complete") {
		t.Errorf("%.600s", text)
	}
}
