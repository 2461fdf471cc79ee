// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// floors says on which floor each package stands. An arrow (import) goes down, never up and never sideways.
// Between the tens of docs/ARCHITECTURE.md lie a few half floors: op under auth and collect, the helper
// packages of sources under the sources, ui and static under page under web.
var floors = map[string]int{
	"internal/errs": 10, "internal/clock": 10, "internal/id": 10, "content": 11,
	"internal/kind": 20, "internal/db": 20, "internal/seal": 20, "internal/ledger": 21,
	"internal/blob": 30, "internal/store": 31,
	"internal/op": 40, "internal/auth": 41, "internal/collect": 41,
	"internal/collect/source/command": 45, "internal/collect/source/feed": 45, "internal/collect/source/schema": 45,
	"internal/collect/source/file": 50, "internal/collect/source/git": 50, "internal/collect/source/host": 50, "internal/collect/source/mail": 50, "internal/collect/source/tls": 50,
	"internal/collect/source": 51, "internal/grc": 50, "internal/check": 50,
	"internal/report": 60, "internal/job": 60,
	"internal/rest": 70, "internal/mcp": 70, "internal/cli": 70,
	"internal/web/static": 70, "internal/web/ui": 71, "internal/web/page": 72, "internal/web": 73,
	"internal/site": 79, "cmd/assay": 80,
}

// Of these nothing of the product depends: tests, and programs for those who build it.
var outside = []string{"internal/testkit", "internal/blob/blobtest", "internal/collect/source/sourcetest", "test", "bench", "tools"}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func isOutside(name string) bool {
	for _, o := range outside {
		if name == o || strings.HasPrefix(name, o+"/") {
			return true
		}
	}
	return false
}

func TestEveryArrowGoesDown(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "assay/")
		if isOutside(name) {
			continue
		}
		floor, known := floors[name]
		if !known {
			t.Errorf("%s stands on no floor: give it one in test/house_test.go, and say why in docs/adr", name)
			continue
		}
		for _, i := range p.Imports {
			below, ours := strings.CutPrefix(i, "assay/")
			if !ours {
				continue
			}
			if isOutside(below) {
				t.Errorf("%s imports %s, which is for tests", name, below)
			} else if floors[below] >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d): arrows go down", name, floor, below, floors[below])
			}
		}
	}
}

// sqlRooms are the packages in which SQL may stand: the store and those with tables of facts.
var sqlRooms = []string{"internal/db", "internal/ledger", "internal/store"}

var (
	sqlText  = regexp.MustCompile("[`\"](SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE) ")
	wallTime = regexp.MustCompile(`\btime\.(Now|Since|Until)\(`)
)

// The program carries the time zones with it: on a machine without them no day is counted in another zone.
func TestTimeZonesAreInTheProgram(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath == "assay/internal/clock" && contains(p.Imports, "time/tzdata") { // where zones are loaded
			return
		}
	}
	t.Error("internal/clock, which loads time zones, does not import time/tzdata")
}

func TestTimeAndSQLStandWhereTheyBelong(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "assay/")
		if isOutside(name) {
			continue
		}
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || strings.HasSuffix(f, "_templ.go") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
				n++
				l := s.Text()
				if strings.HasPrefix(strings.TrimSpace(l), "//") {
					continue
				}
				if name != "internal/clock" && wallTime.MatchString(l) {
					t.Errorf("%s/%s:%d asks the machine for the time; ask the clock", name, filepath.Base(f), n)
				}
				if name != "internal/clock" && strings.Contains(l, "time.LoadLocation") {
					t.Errorf("%s/%s:%d loads a time zone; ask the organisation or the clock, which refuse one that is not known", name, filepath.Base(f), n)
				}
				if sqlText.MatchString(l) && !contains(sqlRooms, name) {
					t.Errorf("%s/%s:%d holds SQL", name, filepath.Base(f), n)
				}
			}
			if n > 500 {
				t.Errorf("%s/%s has %d lines; split it", name, filepath.Base(f), n)
			}
		}
	}
}

// opens says which packages may read a secret, and why each must.
var opens = map[string]string{
	"internal/kind":  "holds it against the bounds of its field",
	"internal/store": "seals it",
	"internal/auth":  "hashes a password, and compares one",
}

var opening = regexp.MustCompile(`\.Clear\(\)|\bstore\.Reveal\(|\bkind\.SealedSecret\(`)

func TestSecretsAreReadByThoseWhoMustAndNobodyElse(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "assay/")
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if isOutside(name) || strings.HasSuffix(f, "_test.go") || !opening.Match(b) {
				continue
			}
			if seen[name] = true; opens[name] == "" {
				t.Errorf("%s/%s reads a secret; if it must, say why in test/house_test.go", name, filepath.Base(f))
			}
		}
	}
	if len(seen) != len(opens) {
		t.Errorf("found in %v, listed are %v", seen, opens)
	}
}

var fix = regexp.MustCompile(`\bMend\("((?:[^"\\]|\\.)*)"`)

// What to do about an error is said alike everywhere: a part of a sentence, to which each face gives its capital and its
// full stop.
func TestWhatToDoAboutAnErrorIsPartOfASentence(t *testing.T) {
	sentence := func(text string) bool {
		return len(text) > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z' || strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "..")
	}
	if !sentence("Write it so") || !sentence("write it so.") || sentence("ALTER ROLE x") || sentence("write it as 2026-11-22") {
		t.Error("the rule is wrong")
	}
	n := 0
	for _, p := range packages(t) {
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range fix.FindAllSubmatch(b, -1) {
				if n++; sentence(string(m[1])) {
					t.Errorf("%s: %q", filepath.Base(f), m[1])
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("found %d of them", n)
	}
}

func contains(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}

func TestEveryPackageSaysWhatItKnows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "assay/")
		files, _ := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		found := false
		for _, f := range files {
			b, _ := os.ReadFile(f)
			i := bytes.Index(b, []byte("\npackage "))
			if i < 0 {
				continue
			}
			head := bytes.TrimSpace(b[:i])
			if j := bytes.LastIndex(head, []byte("\n\n")); j >= 0 {
				head = head[j:]
			}
			found = found || bytes.Contains(head, []byte("// Package ")) || bytes.Contains(head, []byte("// Command "))
		}
		if !found && len(files) > 0 && !strings.HasPrefix(name, "test") && !strings.HasPrefix(name, "bench") {
			t.Errorf("%s has no package doc", name)
		}
	}
}
