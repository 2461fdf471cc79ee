// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/internal/cli"
	"assay/internal/site"
	"assay/internal/testkit"
	"github.com/spf13/cobra"
)

// recipe is one of the four in CONTRIBUTING.md: a heading, and the diff below it.
type recipe struct{ name, diff string }

var recipeText = regexp.MustCompile("(?s)\n### Add an? ([a-z]+)\n.*?\n```diff\n(.*?)\n```\n")

func recipes(t *testing.T) []recipe {
	t.Helper()
	b, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []recipe
	for _, m := range recipeText.FindAllStringSubmatch(string(b), -1) {
		out = append(out, recipe{m[1], m[2] + "\n"})
	}
	return out
}

// file is what a diff does to one file.
type file struct {
	path           string
	fresh          bool
	added, removed int
}

func (r recipe) files() []file {
	var out []file
	fresh := false
	for l := range strings.Lines(r.diff) {
		l = strings.TrimRight(l, "\n")
		switch {
		case strings.HasPrefix(l, "--- "):
			fresh = l == "--- /dev/null"
		case strings.HasPrefix(l, "+++ b/"):
			out = append(out, file{path: l[len("+++ b/"):], fresh: fresh})
		case strings.HasPrefix(l, "+"):
			out[len(out)-1].added++
		case strings.HasPrefix(l, "-"):
			out[len(out)-1].removed++
		}
	}
	return out
}

// cost says what a recipe costs: the lines of its new files, and those that it adds to files that are there.
func (r recipe) cost() string {
	files, lines, more := 0, 0, 0
	for _, f := range r.files() {
		if f.fresh {
			files, lines = files+1, lines+f.added
		} else {
			more += f.added
		}
	}
	if files == 0 {
		return fmt.Sprintf("recipe %s: %d lines in files that are there", r.name, more)
	}
	return fmt.Sprintf("recipe %s: %s, %d lines + %s", r.name, several(files, "file"), lines, several(more, "line"))
}

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// The recipes of CONTRIBUTING.md are applied to a copy that only the compiler sees, and what they promise is asked for.
func TestEveryRecipeDoesWhatItSays(t *testing.T) {
	if testkit.Fast() {
		return // it builds the whole program anew
	}
	all := recipes(t)
	names := []string{}
	for _, r := range all {
		names = append(names, r.name)
		t.Log(r.cost())
	}
	if got := strings.Join(names, " "); got != "kind test connector operation" {
		t.Fatalf("CONTRIBUTING.md has the recipes %q", got)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := mix(t, root, dir, all)
	run(t, root, nil, "go", "test", "-c", "-vet=off", "-ldflags=-w", "-overlay", overlay, "-o", dir+"/", "./internal/collect/source/shelf", "./internal/check", "./test")
	run(t, dir, nil, filepath.Join(dir, "shelf.test"))
	beside(t, filepath.Join(root, "internal/check/testdata"), filepath.Join(dir, "internal/check/testdata"))
	run(t, filepath.Join(dir, "internal/check"), nil, filepath.Join(dir, "check.test"), "-test.run", "Examples|OnlySupports|AgreeOnWhatTiesThem|SaysWhatItIs|Forgives")
	run(t, filepath.Join(root, "test"), []string{"ASSAY_RECIPES=1", "GOFLAGS=-overlay=" + overlay},
		filepath.Join(dir, "test.test"), "-test.short", "-test.run",
		"TestTheRecipesAreThere|TestEveryArrowGoesDown|TestEveryOperationOfTheProductHoldsTheRules/sqlite/^(reachable|unknown_field|nobody|foreign_id|foreign_reference)$")
}

// mix applies the recipes to copies of the files that they touch, and says to the compiler where those are.
func mix(t *testing.T, root, dir string, all []recipe) (overlay string) {
	t.Helper()
	replace := map[string]string{}
	for _, r := range all {
		for _, f := range r.files() {
			to := filepath.Join(dir, f.path)
			replace[filepath.Join(root, f.path)] = to
			if f.fresh {
				continue
			}
			if _, err := os.Stat(to); err == nil {
				continue
			}
			b, err := os.ReadFile(filepath.Join(root, f.path))
			if err == nil {
				err = os.MkdirAll(filepath.Dir(to), 0o700)
			}
			if err == nil {
				err = os.WriteFile(to, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		patch := filepath.Join(dir, r.name+".diff")
		if err := os.WriteFile(patch, []byte(r.diff), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, dir, []string{"GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir)}, "git", "apply", patch)
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// beside copies the files of a folder that are not in the other yet.
func beside(t *testing.T, from, to string) {
	t.Helper()
	all, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		b, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			continue // a folder: the tests that are run here need none
		}
		if _, err := os.Stat(filepath.Join(to, f.Name())); err == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(to, f.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func run(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}

// TestTheRecipesAreThere runs in the program that was built with the recipes; in any other there is nothing to ask.
func TestTheRecipesAreThere(t *testing.T) {
	if os.Getenv("ASSAY_RECIPES") == "" {
		return
	}
	cfg, err := site.Load(map[string]string{"data": t.TempDir(), "log_level": "error"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := site.Open(t.Context(), cfg, site.Parts{Clock: testkit.NewClock()})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	org, err := a.Found(t.Context(), "Example Ltd", "owner@example.com")
	if err != nil {
		t.Fatal(err)
	}
	b := visitor{t: t, h: a.Handler("test"), name: a.CookieName(), cookie: enter(t, a, org)}

	office := b.json("POST", "/v1/offices", `{"name":"Example House","opened_on":"2026-01-05"}`, 201)
	if b.json("POST", fmt.Sprintf("/v1/offices/%s/close", office["id"]), `{"rev":1,"reason":"Too small"}`, 200)["state"] != "closed" {
		t.Error("the office was not closed")
	}
	var out bytes.Buffer
	root := &cobra.Command{Use: "assay"}
	root.AddCommand(cli.Commands(cli.Local{Gate: a.Gate, Actor: site.Here(org)}, a.Set, &out, &out)...)
	root.SetArgs([]string{"office", "list"})
	if err := root.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "Example House") {
		t.Errorf("the command line: %v\n%s", err, out.String())
	}
	b.wants("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"describe","arguments":{"kind":"office"}}}`, "opened_on")
	b.wants("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","arguments":{"kind":"office"}}}`, "Example House")
	b.wants("GET", "/openapi.json", "", `"/v1/offices/{id}"`)

	b.wants("GET", "/v1/tests/net.tls13", "", "TLS 1.3")

	b.wants("GET", "/v1/connectors", "", `"shelf"`)
	src := b.json("POST", "/v1/sources", fmt.Sprintf(`{"name":"Inbox","connector":"shelf","config":{"path":%q,"limit":10}}`, t.TempDir()), 201)
	if got := b.json("POST", fmt.Sprintf("/v1/sources/%s/run", src["id"]), `{}`, 200); got["state"] != "complete" {
		t.Errorf("the connector: %v", got)
	}
	b.wants("GET", "/v1/resources?kind=capacity.sample", "", `"p95_percent":0`)

	b.json("POST", "/v1/tasks", `{"title":"Water the plants","due_on":"2026-03-09"}`, 201)
	b.wants("GET", "/v1/tasks/due?until=2026-03-10", "", "Water the plants")

	for _, path := range []string{"/offices", "/offices/new", fmt.Sprintf("/offices/%s", office["id"])} {
		b.page(path)
	}
}

func enter(t *testing.T, a *site.App, org string) string {
	t.Helper()
	link, err := a.SignInLink(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(link, "code=")
	cookie, err := a.Door.ByLink(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// visitor asks the whole site, signed in.
type visitor struct {
	t            *testing.T
	h            http.Handler
	name, cookie string
}

func (b visitor) ask(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.t.Context(), method, "http://127.0.0.1:8080"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.AddCookie(&http.Cookie{Name: b.name, Value: b.cookie})
	w := httptest.NewRecorder()
	b.h.ServeHTTP(w, r)
	return w
}

func (b visitor) json(method, path, body string, want int) map[string]any {
	b.t.Helper()
	w := b.ask(method, path, body)
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != want {
		b.t.Fatalf("%s %s: %d, want %d: %v\n%.500s", method, path, w.Code, want, err, w.Body)
	}
	return m
}

func (b visitor) wants(method, path, body, text string) {
	b.t.Helper()
	if w := b.ask(method, path, body); w.Code != 200 || !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), text) {
		b.t.Errorf("%s %s: %d, without %s\n%.500s", method, path, w.Code, text, w.Body)
	}
}

// page asks for a page of people.
func (b visitor) page(path string) {
	b.t.Helper()
	if w := b.ask("GET", path, ""); w.Code != 200 || !strings.Contains(strings.ToLower(w.Body.String()), "office") {
		b.t.Errorf("page %s: %d\n%.300s", path, w.Code, w.Body)
	}
}
