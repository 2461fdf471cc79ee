// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var updateVectors = flag.Bool("update-vectors", false, "write docs/verifier/vectors again")

const vectorDir = "../../docs/verifier/vectors"

// vectors are the values of appendix A, one by one, for whoever writes a verifier.
type vectors struct {
	About       string             `json:"about"`
	Seed        string             `json:"ed25519_seed"`
	Key         string             `json:"key"`
	Commitments []commitmentVector `json:"commitments"`
	Entries     []entryVector      `json:"entries"`
	Batches     []batchVector      `json:"batches"`
	Roots       []string           `json:"roots"` // of the first 0, 1, 2 … entries
	Checkpoint  string             `json:"checkpoint"`
	Strings     []stringVector     `json:"strings"`
}

type commitmentVector struct {
	Salt   string `json:"salt"`
	Text   string `json:"text"`
	Digest string `json:"digest"`
}

type entryVector struct {
	Canonical string `json:"canonical"`
	Leaf      string `json:"leaf"`
}

type batchVector struct {
	H      []string `json:"h"`
	Leaves []string `json:"leaves"` // SHA-256(0x00 and h)
	Root   string   `json:"root"`
}

type stringVector struct {
	Text      string `json:"text"`
	Canonical string `json:"canonical"`
}

func values() vectors {
	l := example()
	v := vectors{About: "Values of appendix A of docs/ledger-format.md. Bytes are hex.", Key: l.key, Checkpoint: l.note}
	for i := range 32 {
		v.Seed += fmt.Sprintf("%02x", i)
	}
	for i := range l.entries {
		e := &l.entries[i]
		v.Entries = append(v.Entries, entryVector{string(e.Canonical()), e.leaf})
		v.Commitments = append(v.Commitments, commitmentVector{fmt.Sprintf("%x", e.salt), e.body, fmt.Sprintf("%x", e.Digest[:])})
		b := batchVector{H: []string{}, Leaves: []string{}}
		for _, r := range e.rows {
			v.Commitments = append(v.Commitments, commitmentVector{fmt.Sprintf("%x", r.salt), r.text, r.h})
			h := rowLeaf(r.h)
			b.H, b.Leaves = append(b.H, r.h), append(b.Leaves, fmt.Sprintf("%x", h[:]))
		}
		if e.Rev == 0 {
			b.Root = e.body[strings.Index(e.body, `"root":"`)+8:][:64]
			v.Batches = append(v.Batches, b)
		}
	}
	v.Batches = append(v.Batches, batchVector{[]string{}, []string{}, fmt.Sprintf("%x", sha256.Sum256(nil))})
	for n := range len(l.entries) + 1 {
		r := l.root(n)
		v.Roots = append(v.Roots, fmt.Sprintf("%x", r[:]))
	}
	for _, s := range []string{"plain", "\"\\/", "\b\t\n\f\r", "\x00\x01\x1f\x7f", "é日本🙂", "\u2028\u2029\ufeff", "<&>"} {
		v.Strings = append(v.Strings, stringVector{s, str(s)})
	}
	return v
}

// small is the small set as files: the example, a log for each way to tamper, and one for each choice.
func small(t testing.TB) map[string][]byte {
	files := map[string][]byte{}
	asJSON := func(v any) []byte {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	files["vectors.json"] = asJSON(values())
	l := example()
	l.trusted = l.key
	put := func(n int, file []byte, l *log, code int, object, why string) {
		name := fmt.Sprintf("logs/%05d", n)
		files[name+".ndjson"] = file
		if l.trusted != "" {
			files[name+".key"] = []byte(l.trusted + "\n")
		}
		if l.kept != nil {
			files[name+".kept"] = []byte(keptFile(l.kept))
		}
		files["expected.txt"] = fmt.Appendf(files["expected.txt"], "%05d %d %s\n", n, code, object)
		files["about.txt"] = fmt.Appendf(files["about.txt"], "%05d %s\n", n, why)
	}
	put(0, tampered{lines: l.lines()}.file(), l, 0, "-", "the example of appendix A")
	for i, k := range tampers {
		for try := 0; ; try++ {
			d := dice{rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "assay small set %s %d", k.name, try))))}
			l := d.log()
			if x := k.do(d, l); x.object != "" && len(l.entries) < 12 && separated(l.kept) {
				if x.lines == nil {
					x.lines = l.lines()
				}
				put(i+1, x.file(), l, x.code, x.object, k.name)
				break
			}
		}
	}
	for i, c := range choices() {
		put(1+len(tampers)+i, c.file, &log{trusted: c.trusted, kept: c.kept}, c.code, c.object, c.about)
	}
	smallProofs(t, files)
	return files
}

// smallProofs adds the proofs of the trees up to 16 leaves, and the checkpoints.
func smallProofs(t testing.TB, files map[string][]byte) {
	line := func(name string, v any, want string) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		files[name+".ndjson"] = append(append(files[name+".ndjson"], b...), '\n')
		files[name+".txt"] = append(append(files[name+".txt"], want...), '\n')
	}
	proofs(t, 16, func(p proof, want string) { line("proofs", p, want) })
	l, n := example(), 0
	d := dice{rand.New(rand.NewChaCha8(sha256.Sum256([]byte("assay notes"))))}
	for _, m := range fine(l) {
		n++
		line("checkpoints", signed{l.key, m}, fmt.Sprint(n, " 0"))
	}
	for _, m := range malformed(d, l) {
		n++
		line("checkpoints", signed{l.key, m}, fmt.Sprint(n, " 4"))
	}
}

func TestThePublishedVectorsAreThoseOfTheGenerator(t *testing.T) {
	files := small(t)
	if *updateVectors {
		if err := os.RemoveAll(filepath.Join(vectorDir, "logs")); err != nil { // a file of an older set must not stay beside the new one
			t.Fatal(err)
		}
		for name, b := range files {
			path := filepath.Join(vectorDir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, b := range files {
		if have, err := os.ReadFile(filepath.Join(vectorDir, name)); err != nil || !bytes.Equal(have, b) {
			t.Errorf("%s is not what the generator makes (%v): go test ./test/verifier -run Published -update-vectors", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(vectorDir, "logs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if _, ok := files["logs/"+filepath.Base(f)]; !ok {
			t.Errorf("logs/%s is of no set", filepath.Base(f))
		}
	}
	page, err := os.ReadFile("../../docs/ledger-format.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(strings.Split(strings.TrimSpace(string(files["logs/00000.ndjson"])), "\n"), values().Roots...) {
		if !bytes.Contains(page, []byte(s)) {
			t.Errorf("the page does not show %s", s)
		}
	}
}

func TestASecondVerifierPassesThePublishedVectors(t *testing.T) {
	if alone(t) {
		return
	}
	files := small(t)
	lines := func(name string) []string {
		return strings.Split(strings.TrimSpace(string(files[name])), "\n")
	}
	about := lines("about.txt")
	agree(t, theirs(t, "--batch", filepath.Join(vectorDir, "logs")), lines("expected.txt"), func(i int) string { return about[i] })
	for _, name := range []string{"proofs", "checkpoints"} {
		agree(t, theirs(t, "--"+name, filepath.Join(vectorDir, name+".ndjson")), lines(name+".txt"), func(i int) string { return fmt.Sprint(name, " ", i+1) })
	}
}
