// SPDX-License-Identifier: Apache-2.0

// Package verifier holds two verifiers of exports against each other: one in the program, and one written
// in another language from docs/ledger-format.md alone. They must give the same verdicts. It knows how to
// make ledgers and how to tamper with them, without a database and without the program's own writer.
package verifier

import (
	"assay/internal/testkit"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"assay/internal/store"
)

// How many random logs, and how many flipped bits: fewer in the fast part.
var logs, flips = 10_000, 2_000

func TestMain(m *testing.M) {
	flag.Parse()
	if testkit.Fast() {
		logs, flips = 1_500, 300
	}
	os.Exit(m.Run())
}

// file is the export as bytes.
func (t tampered) file() []byte {
	if len(t.lines) == 0 {
		return nil
	}
	return []byte(strings.Join(t.lines, "\n") + "\n")
}

// ours is the verdict of the program's own verifier.
func ours(t testing.TB, file []byte, l *log) (int, string) {
	t.Helper()
	a, err := store.VerifyExport(bytes.NewReader(file), l.trusted, l.kept)
	if err != nil {
		t.Fatal(err)
	}
	return a.Verdict()
}

// put writes a log for the second verifier.
func put(t testing.TB, dir string, n int, file []byte, l *log) {
	t.Helper()
	name := filepath.Join(dir, fmt.Sprintf("%05d", n))
	write := func(ext, s string) {
		if err := os.WriteFile(name+ext, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(".ndjson", string(file))
	if l.trusted != "" {
		write(".key", l.trusted+"\n")
	}
	if l.kept != nil {
		write(".kept", keptFile(l.kept))
	}
}

// keptFile joins notes with the line ===. A note that was cut off gets no line end of its own: see separated.
func keptFile(kept []string) string { return strings.Join(kept, "===\n") }

// separated says whether the notes can be told apart again in one file.
func separated(kept []string) bool {
	for i, k := range kept {
		if i < len(kept)-1 && !strings.HasSuffix(k, "\n") {
			return false
		}
	}
	return true
}

// alone says that the second verifier is not to be had: there is no node, and the fast part needs nothing but Go.
func alone(t testing.TB) bool {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil || !testkit.Fast() {
		return false
	}
	t.Log("the second verifier was not run: there is no node")
	return true
}

// theirs runs the second verifier and gives its lines.
func theirs(t testing.TB, args ...string) []string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("the second verifier runs in node, and there is none: install nodejs (18 or newer), for instance with apt-get install nodejs")
	}
	cmd := exec.Command(node, append([]string{filepath.Join("..", "..", "docs", "verifier", "verify.js")}, args...)...)
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Run(); err != nil {
		t.Fatalf("verify.js %s: %v\n%s", args[0], err, diag.String())
	}
	return strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
}

// agree holds the lines of the second verifier against what they must be.
func agree(t *testing.T, got, want []string, about func(i int) string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
	bad := 0
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			if bad++; bad <= 20 {
				t.Errorf("second verifier: %q, want %q (%s)", got[i], want[i], about(i))
			}
		}
	}
	t.Logf("%d of %d verdicts differ", bad, len(want))
}

func TestTheOwnVerifierFindsWhatWasDone(t *testing.T) {
	counts := map[string]int{}
	for n := range logs {
		l, x, kind := random(n)
		counts[kind]++
		if code, object := ours(t, x.file(), l); code != x.code || object != x.object {
			t.Errorf("log %d (%s): %d %s, want %d %s", n, kind, code, object, x.code, x.object)
		}
	}
	for _, k := range tampers {
		if counts[k.name] < logs/1000 {
			t.Errorf("only %d logs where %s", counts[k.name], k.name)
		}
	}
	t.Logf("%d logs, %d ways of tampering, %d untouched", logs, len(tampers), counts["none"])
}

func TestASecondVerifierGivesTheSameVerdicts(t *testing.T) {
	if alone(t) {
		return
	}
	dir := t.TempDir()
	want, about := make([]string, logs), make([]string, logs)
	for n := range logs {
		l, x, kind := random(n)
		if !separated(l.kept) {
			l.kept, kind = nil, "not separable" // a kept note without its end cannot stand in front of another
			x.code, x.object = ours(t, x.file(), l)
		}
		put(t, dir, n, x.file(), l)
		want[n], about[n] = fmt.Sprintf("%05d %d %s", n, x.code, x.object), kind
	}
	agree(t, theirs(t, "--batch", dir), want, func(i int) string { return about[i] })
}

// One bit of a file is flipped: there is no telling beforehand what that does, so the verifiers are held
// against each other, and a flip may pass only in what is said not to be signed.
func TestTwoVerifiersAgreeOnEveryFlippedBit(t *testing.T) {
	if alone(t) {
		return
	}
	dir := t.TempDir()
	want := make([]string, flips)
	passed := 0
	for n := range flips {
		l, x, d := flippable(n)
		file := x.file()
		i := d.IntN(len(file))
		file[i] ^= 1 << d.IntN(8)
		put(t, dir, n, file, l)
		code, object := ours(t, file, l)
		if code == 0 {
			passed++
			if head := bytes.IndexByte(file, '\n'); i > head {
				t.Errorf("flip %d at byte %d passes", n, i)
			}
		}
		want[n] = fmt.Sprintf("%05d %d %s", n, code, object)
	}
	t.Logf("%d of %d flips pass, all in the header", passed, flips)
	agree(t, theirs(t, "--batch", dir), want, func(i int) string { return "flip " + strconv.Itoa(i) })
}
