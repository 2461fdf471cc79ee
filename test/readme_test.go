// SPDX-License-Identifier: Apache-2.0

package test

import (
	"assay/internal/testkit"
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"assay/content"
	"assay/internal/check"
)

func page(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var fence = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```")

// blocks gives the fenced blocks of a page that are marked with a word.
func blocks(text, mark string) []string {
	var out []string
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == mark {
			out = append(out, m[2])
		}
	}
	return out
}

// table reads the floors out of the source, as ARCHITECTURE.md writes them.
func table(t *testing.T) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "house_test.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name != "floors" {
			return true
		}
		for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
			kv := e.(*ast.KeyValueExpr)
			name, err := strconv.Unquote(kv.Key.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			floor := kv.Value.(*ast.BasicLit).Value
			out[strings.TrimPrefix(name, "internal/")] = floor[:1] + "." + floor[1:]
		}
		return false
	})
	return out
}

func TestThePictureOfTheFloorsIsTheTable(t *testing.T) {
	want := table(t)
	if len(want) < 20 {
		t.Fatalf("the table has %d packages", len(want))
	}
	got := map[string]string{}
	for l := range strings.Lines(blocks(page(t, "docs/ARCHITECTURE.md"), "")[0]) {
		l, _, _ = strings.Cut(l, "#")
		words := strings.Fields(l)
		if len(words) == 0 {
			continue
		}
		for _, p := range words[1:] {
			got[p] = words[0]
		}
	}
	for p, floor := range want {
		if got[p] != floor {
			t.Errorf("docs/ARCHITECTURE.md has %s on floor %q, the table in house_test.go on %s", p, got[p], floor)
		}
		delete(got, p)
	}
	for p := range got {
		t.Errorf("docs/ARCHITECTURE.md has %s, which is on no floor", p)
	}
}

var (
	named    = regexp.MustCompile("`((?:internal|docs|cmd|test|content|bench|tools)/[A-Za-z0-9_./-]+|[A-Z]+\\.md)`")
	linked   = regexp.MustCompile(`\]\(([A-Za-z0-9_./-]+)\)`)
	testName = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
)

func TestWhatTheDocumentsNameIsThere(t *testing.T) {
	docs := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/ARCHITECTURE.md", "docs/guide.md", "docs/dependencies.md"}
	records, err := filepath.Glob("../docs/adr/*.md")
	if err != nil || len(records) < 9 {
		t.Fatalf("%d records: %v", len(records), err)
	}
	for _, r := range records {
		docs = append(docs, strings.TrimPrefix(r, "../"))
	}
	tests := allTests(t)
	for _, d := range docs {
		text := page(t, d)
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat("../" + m[1]); err != nil {
				t.Errorf("%s names %s, which is not there", d, m[1])
			}
		}
		for _, m := range linked.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(d), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", d, m[1])
			}
		}
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			if !tests[m[1]] && m[1] != "TestAnAcceptedRiskWantsAReason" {
				t.Errorf("%s names %s, and there is no such test", d, m[1])
			}
		}
		if strings.Contains(strings.ToLower(text), "soc 2 certified") {
			t.Errorf("%s calls somebody certified", d)
		}
	}
}

func allTests(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	decl := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	for _, dir := range []string{"../internal", "../test", "../content"} {
		err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			b, err := os.ReadFile(path)
			for _, m := range decl.FindAllSubmatch(b, -1) {
				out[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// commands are the command lines of the README, in order.
func commands(t *testing.T) []string {
	t.Helper()
	var out []string
	text := page(t, "README.md")
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == "text" {
			continue // what a command prints
		}
		for l := range strings.Lines(m[2]) {
			if l = strings.TrimSpace(l); l != "" {
				out = append(out, l)
			}
		}
	}
	return out
}

func TestTheReadmeHasTwoCommands(t *testing.T) {
	if got := commands(t); !slices.Equal(got, []string{"go run ./cmd/assay up", "./test.sh"}) {
		t.Fatalf("README.md has the commands %q", got)
	}
	st, err := os.Stat("../test.sh")
	if err != nil || st.Mode()&0o111 == 0 {
		t.Errorf("test.sh cannot be run: %v", err)
	}
	if out, err := exec.Command("bash", "-n", "../test.sh").CombinedOutput(); err != nil {
		t.Errorf("test.sh: %v\n%s", err, out)
	}
}

func TestTheFirstScreenOfTheReadmeHasAsManyTestsAsThereAre(t *testing.T) {
	m := regexp.MustCompile(`tests +(\d+) +(\d+) pass, (\d+) fail, (\d+) unknown, (\d+) not applicable`).FindStringSubmatch(page(t, "README.md"))
	if m == nil {
		t.Fatal("README.md has no line of tests")
	}
	var n [5]int
	for i, text := range m[1:] {
		n[i], _ = strconv.Atoi(text)
	}
	cat, err := check.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	if all := len(cat.Rules()); n[0] != all || n[1]+n[2]+n[3]+n[4] != all {
		t.Errorf("README.md shows %s, and there are %d tests", m[0], all)
	}
}

func TestTheCommandsOfTheDocumentsWork(t *testing.T) {
	if testkit.Fast() {
		return // it builds the program, and reads this machine
	}
	assay := filepath.Join(t.TempDir(), "assay")
	words := strings.Fields(commands(t)[0])
	run(t, "..", nil, "go", "build", "-o", assay, words[2]) // go run does this first; it would keep the signal from the program
	t.Run("the first command of the README", func(t *testing.T) { up(t, assay, words) })
	t.Run("every command of the guide", func(t *testing.T) { guide(t, assay) })
}

// up runs the command of the README until it gives the link, and stops it as a person would.
func up(t *testing.T, assay string, words []string) {
	if words[0] != "go" || words[1] != "run" {
		t.Fatalf("%q is not go run", words)
	}
	c := exec.CommandContext(t.Context(), assay, append(words[3:], "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0")...)
	c.Dir = ".."
	var other bytes.Buffer
	c.Stderr = &other
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	link := false
	for s := bufio.NewScanner(out); s.Scan(); {
		fmt.Fprintln(&told, s.Text())
		if !link && strings.Contains(s.Text(), "/welcome?code=org_") {
			link = true
			if err := c.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err != nil || !link || !strings.Contains(told.String(), "Stopped") {
		t.Fatalf("link: %v, end: %v\n%s%s", link, err, told.String(), other.String())
	}
}

// Every command line of the guide names a command that is there, with flags that it has.
func guide(t *testing.T, assay string) {
	n := 0
	for _, doc := range []string{"docs/guide.md", "docs/cli.md"} {
		for _, b := range blocks(page(t, doc), "") {
			for l := range strings.Lines(b) {
				if words := strings.Fields(strings.TrimSpace(l)); len(words) > 1 && words[0] == "assay" {
					n++
					command(t, assay, doc, strings.TrimSpace(l), words[1:])
				}
			}
		}
	}
	if n < 15 {
		t.Errorf("the guide has %d command lines", n)
	}
}

func command(t *testing.T, assay, doc, line string, words []string) {
	t.Helper()
	verbs := []string{}
	for _, w := range words {
		if strings.HasPrefix(w, "-") || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(w) {
			break
		}
		verbs = append(verbs, w)
	}
	out, err := exec.Command(assay, append(slices.Clone(verbs), "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %s: %v\n%s", doc, line, err, out)
		return
	}
	if !strings.Contains(string(out), "assay "+strings.Join(verbs, " ")) {
		t.Errorf("%s: %s: there is no command %s", doc, line, strings.Join(verbs, " "))
	}
	for _, f := range regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(line, -1) {
		if !regexp.MustCompile(`(?m)\s` + f + `\b`).Match(out) {
			t.Errorf("%s: %s: %s has no flag %s", doc, line, strings.Join(verbs, " "), f)
		}
	}
}

// The example of the guide is loaded and compiled as the program would.
func TestTheTestOfTheGuideIsAccepted(t *testing.T) {
	dir := t.TempDir()
	all := blocks(page(t, "docs/guide.md"), "yaml")
	n := 0
	for i, b := range all {
		if !strings.Contains(b, "tests:") {
			continue
		}
		n++
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("own%d.yaml", i)), []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own, err := check.LoadOverrides(os.DirFS(dir))
	if err != nil || n == 0 || len(own) != n {
		t.Fatalf("%d examples, %d read: %v", n, len(own), err)
	}
	std, err := check.Standard()
	if err != nil {
		t.Fatal(err)
	}
	library, err := content.Controls()
	if err != nil {
		t.Fatal(err)
	}
	refs := []string{}
	for _, c := range library {
		refs = append(refs, c.Ref)
	}
	cat, err := std.With(own, refs)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range own {
		for _, x := range o.Tests {
			if _, ok := cat.Rule(x.ID); !ok {
				t.Errorf("%s is not there", x.ID)
			}
		}
	}
}

var code = regexp.MustCompile("`([a-z0-9.]+\\.[a-z]+/[^`]+|[a-z]+\\.[a-z]+/[a-z0-9-]+)`")

// Every module that the product or its tests import has its line in docs/dependencies.md, and no other has one.
func TestEveryDependencyHasItsLine(t *testing.T) {
	listed := map[string]bool{}
	for _, m := range code.FindAllStringSubmatch(page(t, "docs/dependencies.md"), -1) {
		listed[m[1]] = false
	}
	for _, i := range imports(t) {
		found := false
		for m := range listed {
			if i == m || strings.HasPrefix(i, m+"/") {
				listed[m], found = true, true
			}
		}
		if !found {
			t.Errorf("%s is imported and has no line in docs/dependencies.md", i)
		}
	}
	for m, used := range listed {
		if !used {
			t.Errorf("docs/dependencies.md has %s, which nothing imports", m)
		}
	}
}

// imports lists what is imported from outside, by the product, its tests and its tools.
func imports(t *testing.T) []string {
	t.Helper()
	c := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}
{{join .TestImports "\n"}}
{{join .XTestImports "\n"}}`, "./...")
	c.Dir = ".."
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(i string) bool {
		first, _, _ := strings.Cut(i, "/")
		return !strings.Contains(first, ".")
	})
}
