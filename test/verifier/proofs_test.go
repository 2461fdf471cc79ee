// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

const trees = 256

// levels are the hashes of all full subtrees.
type levels [][]tlog.Hash

func (l leaves) levels() levels {
	out := levels{l}
	for below := out[0]; len(below) > 1; below = out[len(out)-1] {
		var up []tlog.Hash
		for i := 0; i+1 < len(below); i += 2 {
			up = append(up, tlog.NodeHash(below[i], below[i+1]))
		}
		out = append(out, up)
	}
	return out
}

// ReadHashes makes levels a tlog.HashReader.
func (l levels) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		out[i] = l[level][n]
	}
	return out, nil
}

// proof is a line of the file that --proofs reads.
type proof struct {
	Type    string   `json:"type"`
	Size    int64    `json:"size"`
	Seq     *int64   `json:"seq,omitempty"`
	Old     int64    `json:"old,omitempty"`
	Leaf    string   `json:"leaf,omitempty"`
	OldRoot string   `json:"old_root,omitempty"`
	Root    string   `json:"root"`
	Proof   []string `json:"proof"`
}

func hexes[T ~[]tlog.Hash](p T) []string {
	out := []string{}
	for _, h := range p {
		out = append(out, fmt.Sprintf("%x", h[:]))
	}
	return out
}

// spoil makes a proof false in one of several ways, and says whether it could.
func spoil(d dice, p *proof) bool {
	flip := func(s string) string {
		i := d.IntN(64)
		c := "0"
		if s[i] == '0' {
			c = "1"
		}
		return s[:i] + c + s[i+1:]
	}
	switch d.IntN(6) {
	case 0:
		p.Root = flip(p.Root)
	case 1:
		if p.Leaf != "" {
			p.Leaf = flip(p.Leaf)
		} else {
			p.OldRoot = flip(p.OldRoot)
		}
	case 2:
		if len(p.Proof) == 0 {
			return false
		}
		p.Proof = p.Proof[:len(p.Proof)-1]
	case 3:
		p.Proof = append(p.Proof, p.Root)
	case 4:
		if len(p.Proof) == 0 {
			return false
		}
		i := d.IntN(len(p.Proof))
		p.Proof[i] = flip(p.Proof[i])
	case 5:
		if p.Seq != nil {
			n := p.Size + d.Int64N(3)
			p.Seq = &n
		} else {
			p.Old = p.Size + 1 + d.Int64N(3)
		}
	}
	return true
}

// proofs makes every inclusion and every consistency proof of the trees of 1 to upTo leaves, an eighth
// of them spoiled, and the line that must be printed for each.
func proofs(t testing.TB, upTo int64, each func(p proof, want string)) {
	d := dice{rand.New(rand.NewChaCha8(sha256.Sum256([]byte("assay proofs"))))}
	all := make(leaves, upTo)
	for i := range all {
		all[i] = sha256.Sum256(fmt.Appendf([]byte{0}, "leaf %d", i))
	}
	stored := all.levels()
	n := 0
	give := func(p proof) {
		n++
		word := "ok"
		if d.IntN(8) == 0 && spoil(d, &p) {
			word = "bad"
		}
		each(p, fmt.Sprintf("%d %s", n, word))
	}
	roots := make([]string, upTo+1)
	for size := range upTo + 1 {
		r := plainRoot(all[:size])
		roots[size] = fmt.Sprintf("%x", r[:])
	}
	for size := int64(1); size <= upTo; size++ {
		for seq := range size {
			in, err := tlog.ProveRecord(size, seq, stored)
			if err != nil {
				t.Fatal(err)
			}
			give(proof{Type: "inclusion", Size: size, Seq: &seq, Leaf: fmt.Sprintf("%x", all[seq][:]), Root: roots[size], Proof: hexes(in)})
			old := seq + 1
			growth, err := tlog.ProveTree(size, old, stored)
			if err != nil {
				t.Fatal(err)
			}
			give(proof{Type: "consistency", Size: size, Old: old, OldRoot: roots[old], Root: roots[size], Proof: hexes(growth)})
		}
	}
}

func TestEveryProofUpTo256EntriesIsJudgedAlike(t *testing.T) {
	if alone(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "proofs.ndjson")
	var buf bytes.Buffer
	var want []string
	proofs(t, trees, func(p proof, line string) {
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		buf.Write(append(b, '\n'))
		want = append(want, line)
	})
	if len(want) != trees*(trees+1) {
		t.Fatalf("%d proofs", len(want))
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	agree(t, theirs(t, "--proofs", path), want, func(i int) string { return want[i] })
}

type signed struct {
	Key  string `json:"key"`
	Note string `json:"note"`
}

// malformed are ways to write a checkpoint that must not be taken, each signed by the true key where
// it can be.
func malformed(d dice, l *log) []string {
	good := l.note
	line := strings.Split(good, "\n")
	root, sig := line[2], line[5]
	sign := func(text string) string {
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return signText(text, l.signer)
	}
	o, n := line[0], line[1]
	out := []string{"", "\n", "\n\n", good + "\n", good + "x", strings.TrimSuffix(good, "\n"), strings.ReplaceAll(good, "\n", "\r\n"), "\ufeff" + good, good[1:],
		strings.Replace(good, "— ", "- ", 1), strings.Replace(good, "— ", "—  ", 1), strings.Replace(good, "— ", " — ", 1), strings.Replace(good, "\n\n", "\n", 1), strings.Replace(good, "\n\n", "\n\n\n", 1),
		good[:strings.LastIndex(good, "— ")], good[:len(good)-10] + "\n", strings.Replace(good, sig, sig+" x", 1), strings.Replace(good, sig, sig[:len(sig)-1], 1), strings.Replace(good, sig, sig+"=", 1),
		good + "— x\n", good + "— \n", good + "— x+y AAAAAAAA\n", good + "— x AAAA\n", good + "— x !!!!!!!!\n", good + "— x\u00a0y AAAAAAAA\n", good + "\n— x AAAAAAAA\n", good + strings.Repeat("— x AAAAAAAA\n", 100),
		sign(o + "\n" + n), sign(o), sign(o + "\n" + n + "\n" + root[:43] + "\n"), sign(o + "\n" + n + "\n" + root + "=\n"), sign(o + "\n" + n + "\n" + root + " \n"), sign(o + "\n" + n + "\n" + root[:20] + "\n" + root[20:] + "\n"),
		sign(o + "\n0" + n + "\n" + root + "\n"), sign(o + "\n+" + n + "\n" + root + "\n"), sign(o + "\n-1\n" + root + "\n"), sign(o + "\n" + n + ".0\n" + root + "\n"), sign(o + "\n0x4\n" + root + "\n"), sign(o + "\n1e1\n" + root + "\n"),
		sign(o + "\n " + n + "\n" + root + "\n"), sign(o + "\n\n" + n + "\n" + root + "\n"), sign(o + "\n9007199254740992\n" + root + "\n"), sign(o + "\n99999999999999999999\n" + root + "\n"), sign(o + "\n٣\n" + root + "\n"), sign(o + "\n" + n + "\n" + root + "\n\nmore\n"), sign("\n" + o + "\n" + n + "\n" + root + "\n"),
		sign(o + "x\n" + n + "\n" + root + "\n"), sign(strings.ToUpper(o) + "\n" + n + "\n" + root + "\n"), sign(o + " \n" + n + "\n" + root + "\n"), sign(n + "\n" + o + "\n" + root + "\n"),
		sign(o + "\n" + n + "\n" + loose(root) + "\n"), strings.Replace(good, sig, loose(sig), 1), strings.Replace(good, sig, sig+"\n"+loose(sig), 1),
		strings.Replace(good, o, "assay/org_other", 1), strings.Replace(good, "— assay/", "— assay//", 1), signText(o+"\n"+n+"\n"+root+"\nmore\x01\n", l.signer), o + "\n" + n + "\n" + root + "\nmore\xff\n\n" + sig + "\n"}
	for len(out) < 200 {
		b := []byte(good)
		b[d.IntN(len(b))] ^= 1 << d.IntN(8)
		out = append(out, string(b))
	}
	return out
}

// loose sets an unused bit in the last character of base64.
func loose(s string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := len(strings.TrimRight(s, "=")) - 1
	return s[:i] + string(digits[strings.IndexByte(digits, s[i])|1]) + s[i+1:]
}

// fine are checkpoints that are unusual and good.
func fine(l *log) []string {
	line := strings.Split(l.note, "\n")
	text := strings.Join(line[:4], "\n") + "\n"
	sig := line[5] + "\n"
	bare := strings.Join(line[:3], "\n") + "\n"
	return []string{l.note, l.note + "— x AAAAAAAA\n", text + "\n— ü/witness AAAAAAAA\n" + sig, l.note + sig, signText(text+"extension 1\n— no signature\n", l.signer), l.note + strings.Repeat("— x AAAAAAAA\n", 99),
		signText(bare, l.signer), signText(bare+"time\n", l.signer), signText(bare+"time 2026-02-30T03:00:00.000Z\n", l.signer), signText(bare+"other\n"+line[3]+"\n", l.signer),
		signText(line[0]+"\n9007199254740991\n"+line[2]+"\n", l.signer), signText(line[0]+"\n0\n"+line[2]+"\n", l.signer)}
}

func TestMalformedCheckpointsAreRefusedByBoth(t *testing.T) {
	d := dice{rand.New(rand.NewChaCha8(sha256.Sum256([]byte("assay notes"))))}
	l := example()
	var buf bytes.Buffer
	var want []string
	add := func(msg string, code int) {
		empty := *l
		empty.note, empty.trusted, empty.kept = l.note, l.key, []string{msg}
		got, object := ours(t, tampered{lines: l.lines()}.file(), &empty)
		if (got == 4) != (code == 4) {
			t.Errorf("kept checkpoint %q: %d %s, want %d", msg, got, object, code)
		}
		b, err := json.Marshal(signed{l.key, msg})
		if err != nil {
			t.Fatal(err)
		}
		buf.Write(append(b, '\n'))
		want = append(want, fmt.Sprintf("%d %d", len(want)+1, code))
	}
	for _, m := range fine(l) {
		add(m, 0)
	}
	for _, m := range malformed(d, l) {
		add(m, 4)
	}
	if alone(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "checkpoints.ndjson")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	agree(t, theirs(t, "--checkpoints", path), want, func(i int) string { return want[i] })
}
