// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/ledger"
	"assay/internal/testkit"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The vector is part of the format: it is changed by nobody, ever.
type vector struct {
	Entries []vectorEntry `json:"entries"`
	Roots   []string      `json:"roots"` // of the first 0, 1, 2 … entries
	Key     string        `json:"key"`   // checks the note: its seed is 32 zero bytes
	Note    string        `json:"note"`
}

type vectorEntry struct {
	Salt      string `json:"salt"`
	Body      string `json:"body"`
	Digest    string `json:"digest"`
	Canonical string `json:"canonical"`
	Leaf      string `json:"leaf"`
}

func entries() []ledger.Entry {
	at := time.Date(2026, 3, 6, 9, 0, 0, 7_000_000, time.UTC)
	var out []ledger.Entry
	for i, x := range [][3]string{{"control.create", "control", "ctl_01"}, {"control.update", "control", "ctl_01"}, {"source.run", "result", "run-2026-03-06"}, {"control.end", "control", "ctl_01"}, {"person.erase", "disposal", "dis_01"}} {
		e := ledger.Entry{Org: "org_vector", Seq: int64(i), At: at.Add(time.Duration(i) * time.Second), Actor: "usr_ada", Via: "rest", Op: x[0], Kind: x[1], ID: x[2], Rev: int64(i % 3)}
		e.Digest = ledger.Commit(salt(i), []byte(body(i)))
		out = append(out, e)
	}
	return out
}

func salt(i int) []byte {
	b := make([]byte, 32)
	for k := range b {
		b[k] = byte(i*32 + k)
	}
	return b
}

func body(i int) string {
	return []string{`{"id":"ctl_01","rev":1,"title":"Zugänge & <Rechte>"}`, `{"id":"ctl_01","rev":2,"title":"\"quoted\""}`, `{"table":"result","rows":0,"root":""}`, `null`, `{"entries":[1],"reason":"asked for"}`}[i]
}

func TestTheFormatIsWhatItWas(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "vector.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want vector
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	got := vector{}
	var leaves []tlog.Hash
	for i, e := range entries() {
		leaf := e.Leaf()
		got.Entries = append(got.Entries, vectorEntry{hex.EncodeToString(salt(i)), body(i), hex.EncodeToString(e.Digest[:]), string(e.Canonical()), hex.EncodeToString(leaf[:])})
		got.Roots = append(got.Roots, hexOf(root(leaves)))
		leaves = append(leaves, leaf)
	}
	got.Roots = append(got.Roots, hexOf(root(leaves)))
	skey, vkey, err := note.GenerateKey(zeros{}, ledger.Origin("org_vector"))
	if err != nil {
		t.Fatal(err)
	}
	got.Key, got.Note = vkey, vectorNote(t, skey+"\n"+vkey+"\n")
	now, _ := json.MarshalIndent(got, "", "  ")
	was, _ := json.MarshalIndent(want, "", "  ")
	if string(now) != string(was) {
		t.Errorf("the format has changed: every ledger that exists would fail\n%s", now)
	}
	if !strings.Contains(want.Note, "\n5\n") {
		t.Error("the note is not for five entries")
	}
}

// zeros is what the key of the vector was made from. No other key ever is.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// vectorNote writes the entries of the vector into a database and signs a checkpoint over it.
func vectorNote(t *testing.T, key string) string {
	t.Helper()
	ctx := t.Context()
	d, c := empty(t)
	l, err := ledger.Load(ctx, c, "org_vector", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries() {
		if _, err := l.Append(ctx, c, &e, salt(i), []byte(body(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.Save(ctx, c), c.Commit(ctx)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "org_vector.key"), []byte(key), 0o600)
	r, err := d.Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Release(r, false)
	cp, err := ledger.Sign(ctx, r, "org_vector", &ledger.Keys{Dir: dir}, &ledger.Anchors{Dir: filepath.Join(dir, "a")}, time.Date(2026, 3, 6, 10, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return cp.Note
}

func hexOf(h tlog.Hash) string { return hex.EncodeToString(h[:]) }

// root is the root of RFC 6962, as the RFC says it.
func root(l []tlog.Hash) tlog.Hash {
	switch len(l) {
	case 0:
		h, _ := tlog.TreeHash(0, nil)
		return h
	case 1:
		return l[0]
	}
	k := 1
	for k*2 < len(l) {
		k *= 2
	}
	return tlog.NodeHash(root(l[:k]), root(l[k:]))
}

// empty is a database with the tables of the ledger, in a transaction that writes.
func empty(t *testing.T) (*db.DB, *db.Conn) {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "l.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	c := d.Writer()
	if err := c.Begin(ctx, true); err != nil {
		t.Fatal(err)
	}
	for _, q := range ledger.Schema {
		if _, err := c.Exec(ctx, d.DDL(q)); err != nil {
			t.Fatal(err)
		}
	}
	return d, c
}

// log is a ledger of n entries in a database of its own.
func log(t *testing.T, n int) (*db.Conn, []tlog.Hash) {
	t.Helper()
	ctx := context.Background()
	_, c := empty(t)
	l, err := ledger.Load(ctx, c, "org_a", nil)
	if err != nil {
		t.Fatal(err)
	}
	var leaves []tlog.Hash
	for i := range n {
		e := &ledger.Entry{At: time.UnixMilli(int64(i)), Actor: "usr_a", Via: "rest", Op: "a.b", Kind: "a", ID: fmt.Sprint("a_", i)}
		if _, err := l.Append(ctx, c, e, salt(i%5), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, e.Leaf())
		if i%37 == 0 && l.Root() != root(leaves) {
			t.Fatalf("the root after %d entries is not that of the RFC", i+1)
		}
	}
	if err := errors.Join(l.Save(ctx, c), c.Commit(ctx)); err != nil {
		t.Fatal(err)
	}
	return c, leaves
}

func TestTheEdgeThatIsReadIsTheOneThatWasGrown(t *testing.T) {
	c, leaves := log(t, 2000)
	for _, size := range []int64{0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 1025, 1535, 1536, 1999, 2000} {
		f, err := ledger.LoadFrontier(t.Context(), c, "org_a", size)
		if err != nil || f.Root() != root(leaves[:size]) {
			t.Errorf("of %d entries: %v", size, err)
		}
		h, err := ledger.RootAt(t.Context(), c, "org_a", size)
		if err != nil || h != root(leaves[:size]) {
			t.Errorf("root of %d entries: %v", size, err)
		}
	}
}

func TestEveryProofUpTo300EntriesIsAccepted(t *testing.T) {
	most := int64(300)
	if testkit.Race {
		most = 70
	}
	c, leaves := log(t, int(most))
	roots := make([]tlog.Hash, most+1)
	for n := range roots {
		roots[n] = root(leaves[:n])
	}
	for size := int64(1); size <= most; size++ {
		step := int64(1)
		if size < most-10 {
			step = 13 // all pairs of the largest sizes, a part of the others: each pair is a query
		}
		for k := size % step; k < size; k += step {
			p, err := ledger.ProveEntry(t.Context(), c, "org_a", size, k)
			if err != nil || tlog.CheckRecord(p, size, roots[size], k, leaves[k]) != nil {
				t.Fatalf("entry %d in %d: %v", k, size, err)
			}
			if tlog.CheckRecord(p, size, roots[size], k, leaves[(k+1)%most]) == nil {
				t.Fatalf("entry %d in %d proves another entry", k, size)
			}
			g, err := ledger.ProveGrowth(t.Context(), c, "org_a", size, k+1)
			if err != nil || tlog.CheckTree(g, size, roots[size], k+1, roots[k+1]) != nil {
				t.Fatalf("%d in %d: %v", k+1, size, err)
			}
		}
	}
}

func TestAnEntryThatCouldBeReadTwoWaysIsRefused(t *testing.T) {
	for _, bad := range []string{"", "a b", `a"b`, `a\b`, "é", "a\n", strings.Repeat("a", 81)} {
		e := ledger.Entry{Org: "o", Actor: "a", Via: "v", Op: "x.y", Kind: "k", ID: bad}
		if e.Sound() {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestACheckpointIsReadOnlyAsItWasSigned(t *testing.T) {
	c, _ := log(t, 5)
	dir := t.TempDir()
	keys, anchors := &ledger.Keys{Dir: filepath.Join(dir, "k")}, &ledger.Anchors{Dir: filepath.Join(dir, "a")}
	cp, err := ledger.Sign(t.Context(), c, "org_a", keys, anchors, time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	_, vkey, _ := keys.Signer("org_a")
	if _, err := ledger.OpenCheckpoint(cp.Note, vkey); err != nil {
		t.Fatal(err)
	}
	for i := range cp.Note {
		for bit := range 8 {
			b := []byte(cp.Note)
			b[i] ^= 1 << bit
			if _, err := ledger.OpenCheckpoint(string(b), vkey); err == nil {
				t.Errorf("byte %d bit %d is not noticed: %q", i, bit, b)
			}
		}
	}
}

func TestOfTwoSignersAtTheSameAnchorOneWins(t *testing.T) {
	a := &ledger.Anchors{Dir: t.TempDir()}
	if err := a.Swap("o", "", "first"); err != nil {
		t.Fatal(err)
	}
	if err := a.Swap("o", "", "second"); !errors.Is(err, errs.Conflict) {
		t.Errorf("%v", err)
	}
	if last, _ := a.Last("o"); last != "first" {
		t.Error(last)
	}
}
