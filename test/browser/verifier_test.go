// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testkit"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const verifier = "../../docs/verifier"

// vector is what the page is given: bytes as base64, because a file need not be text.
type vector struct {
	File []byte   `json:"file"`
	Key  *string  `json:"key"`
	Kept []string `json:"kept"`
}

func readVector(t *testing.T, name string) (v vector) {
	t.Helper()
	at := filepath.Join(verifier, "vectors", "logs", name)
	var err error
	v.File, err = os.ReadFile(at + ".ndjson")
	must(t, err)
	if b, err := os.ReadFile(at + ".key"); err == nil {
		s := string(b)
		v.Key = &s
	}
	v.Kept = []string{}
	if b, err := os.ReadFile(at + ".kept"); err == nil && len(b) > 0 {
		v.Kept = strings.Split(string(b), "===\n")
	}
	return v
}

// judge runs the verifier of the page with the hashes and the signatures of the browser.
const judge = `(async (v) => {
	const run = new AssayVerifier.core.Run(v.key, v.kept);
	run.push(Uint8Array.from(atob(v.file), (c) => c.charCodeAt(0)));
	run.end();
	const r = await run.verdictLater();
	return r.code + " " + r.object;
})`

// The page that a stranger opens from disk judges all published ledgers as the two programs do.
func TestTheVerifierPageGivesThePublishedVerdicts(t *testing.T) {
	if testkit.Fast() {
		return // it needs a browser
	}
	page, err := filepath.Abs(filepath.Join(verifier, "verifier.html"))
	must(t, err)
	expected, err := os.ReadFile(filepath.Join(verifier, "vectors", "expected.txt"))
	must(t, err)
	b := start(t)
	b.run("open the page", chromedp.Navigate("file://"+page), chromedp.WaitVisible("#check"))
	for _, line := range strings.Split(strings.TrimSpace(string(expected)), "\n") {
		name, want, _ := strings.Cut(line, " ")
		in, err := json.Marshal(readVector(t, name))
		must(t, err)
		var got string
		b.run(name, chromedp.Evaluate(fmt.Sprintf("%s(%s)", judge, in), &got, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		if got != want {
			t.Errorf("%s: the page says %s, want %s", name, got, want)
		}
	}
	throughTheForm(t, b)
	if said := b.complaints(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}

// throughTheForm gives the files by hand, no key, and a kept checkpoint as the product answers with it.
func throughTheForm(t *testing.T, b *tab) {
	var v struct{ Checkpoint string }
	raw, err := os.ReadFile(filepath.Join(verifier, "vectors", "vectors.json"))
	must(t, err)
	must(t, json.Unmarshal(raw, &v))
	answer, err := json.Marshal(map[string]any{"note": v.Checkpoint, "size": 4})
	must(t, err)
	kept := filepath.Join(t.TempDir(), "kept.json")
	must(t, os.WriteFile(kept, answer, 0o600))
	for _, c := range []struct{ file, class string }{{"00000", "doubt"}, {"00001", "bad"}} {
		file, err := filepath.Abs(filepath.Join(verifier, "vectors", "logs", c.file+".ndjson"))
		must(t, err)
		var class, text string
		b.run("check "+c.file, chromedp.SetUploadFiles("#file", []string{file}), chromedp.SetUploadFiles("#kept-files", []string{kept}),
			chromedp.Click("#check"), chromedp.WaitVisible("#verdict"), chromedp.AttributeValue("#result", "class", &class, nil), chromedp.Text("#result", &text))
		if class != c.class || strings.Contains(text, "could not be done") {
			t.Errorf("%s: %q\n%s", c.file, class, text)
		}
		b.run("again", chromedp.Reload(), chromedp.WaitVisible("#check"))
	}
}
