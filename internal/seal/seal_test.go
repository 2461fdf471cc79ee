// SPDX-License-Identifier: Apache-2.0

package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/seal"
)

var (
	here = seal.Place{Org: "org_test", Kind: "vault", ID: "vlt_1", Field: "code"}
	now  = time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)
)

const text = "horse-battery-7411"

func ring(t *testing.T) *seal.Ring {
	t.Helper()
	r := &seal.Ring{Path: filepath.Join(t.TempDir(), "keys")}
	if _, err := r.Make(now); err != nil {
		t.Fatal(err)
	}
	return r
}

func sealed(t *testing.T, r *seal.Ring) string {
	t.Helper()
	s, err := r.Seal(here, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASecretOpensWhereItWasSealedAndNowhereElse(t *testing.T) {
	r := ring(t)
	s := sealed(t, r)
	if got, err := r.Open(here, s); err != nil || got != text {
		t.Fatalf("%q %v", got, err)
	}
	for what, p := range map[string]seal.Place{"another organisation": {"org_other", "vault", "vlt_1", "code"}, "another kind": {"org_test", "user", "vlt_1", "code"},
		"another thing": {"org_test", "vault", "vlt_2", "code"}, "another field": {"org_test", "vault", "vlt_1", "pin"}, "shifted": {"org_test", "vault", "vlt_1\ncode", ""}} {
		if got, err := r.Open(p, s); err == nil {
			t.Errorf("%s opens it: %q", what, got)
		}
	}
	if got, err := ring(t).Open(here, s); !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), seal.KeyOf(s)) {
		t.Errorf("another ring: %q %v; want the key named", got, err)
	}
}

func TestAnAlteredSecretDoesNotOpen(t *testing.T) {
	r := ring(t)
	s := sealed(t, r)
	id, b64, _ := strings.Cut(s, ".")
	b, err := base64.RawURLEncoding.DecodeString(b64)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		x := bytes.Clone(b)
		x[i] ^= 1
		if _, err := r.Open(here, id+"."+base64.RawURLEncoding.EncodeToString(x)); err == nil {
			t.Errorf("byte %d of %d may be altered", i, len(b))
		}
	}
	for _, bad := range []string{"", ".", id, id + ".", id + "." + b64[:20], id + "." + b64 + "A", id + "." + b64 + "=", strings.ToUpper(id) + "." + b64} {
		if _, err := r.Open(here, bad); err == nil {
			t.Errorf("%q opens", bad)
		}
	}
}

func TestNoTwoSealsAreAlikeAndNoneHoldsTheText(t *testing.T) {
	r, seen := ring(t), map[string]bool{}
	for range 100 {
		s := sealed(t, r)
		_, b64, _ := strings.Cut(s, ".")
		b, _ := base64.RawURLEncoding.DecodeString(b64)
		if salt := string(b[:32]); seen[salt] || seen[string(b[32:])] || bytes.Contains(b, []byte(text[:6])) {
			t.Fatal("a salt or a text came twice, or stands there")
		} else {
			seen[salt], seen[string(b[32:])] = true, true
		}
	}
}

func TestTheNewestKeySealsAndAllOpen(t *testing.T) {
	r := ring(t)
	before := sealed(t, r)
	second, err := r.Make(now.Add(-time.Hour)) // the clock went back: it is the newest all the same
	if err != nil {
		t.Fatal(err)
	}
	after := sealed(t, r)
	if seal.KeyOf(after) != second || seal.KeyOf(before) == second {
		t.Errorf("sealed with %s and %s, the newest is %s", seal.KeyOf(before), seal.KeyOf(after), second)
	}
	for _, s := range []string{before, after} {
		if got, err := r.Open(here, s); err != nil || got != text {
			t.Errorf("%q %v", got, err)
		}
	}
	files, err := os.ReadDir(r.Path)
	if err != nil || len(files) != 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestKeysOfAFileThatSomebodyElseKeeps(t *testing.T) {
	r := ring(t)
	s := sealed(t, r)
	files, err := filepath.Glob(filepath.Join(r.Path, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	line, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "seal")
	given := &seal.Ring{Path: path, Given: true}
	if _, err := given.IDs(); !errors.Is(err, errs.Unavailable) {
		t.Errorf("a file that is not there: %v", err)
	}
	newer := "assay-seal-v1 2026-05-01T00:00:00.000Z " + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# ours\n\n" + newer + "\n" + string(line))
	if got, err := given.Open(here, s); err != nil || got != text {
		t.Errorf("%q %v", got, err)
	}
	if got := sealed(t, given); seal.KeyOf(got) == seal.KeyOf(s) {
		t.Error("the older key sealed")
	}
	if _, err := given.Make(now); !errors.Is(err, errs.Conflict) {
		t.Errorf("a key was made where somebody else keeps them: %v", err)
	}
	hushed := strings.Fields(newer)[2]
	for _, bad := range []string{hushed, "assay-seal-v2 " + newer[14:], newer + " x", strings.Replace(newer, "T00", " 00", 1), newer[:len(newer)-8], strings.Replace(newer, "Bw", "!!", 1)} {
		write(bad + "\n")
		_, err := given.Seal(here, text)
		if err == nil {
			t.Errorf("%q is taken for a key", bad)
			continue
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), hushed[:8]) || strings.Contains(e.Error(), text) {
				t.Errorf("the error holds a key or the secret: %v", e)
			}
		}
	}
}

// The format is frozen: this was sealed by it, and another implementation (docs/adr/0010-sealed-secrets.md) made the same bytes.
func TestWhatWasSealedOnceOpensForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal")
	if err := os.WriteFile(path, []byte("assay-seal-v1 2026-05-01T00:00:00.000Z "+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &seal.Ring{Path: path, Given: true, Rand: bytes.NewReader(bytes.Repeat([]byte{9}, 32))}
	const want = "c8a7d4d93770deb8.CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQmbNnk1Nn4LnleZ1GJH3McbB0TwK2ZfUcu7fdSPfDxnhCXw"
	if got := sealed(t, r); got != want {
		t.Errorf("sealed as %s, want %s", got, want)
	}
	if got, err := r.Open(here, want); err != nil || got != text {
		t.Errorf("%q %v", got, err)
	}
}

func TestWithoutAKeyNothingIsSealed(t *testing.T) {
	r := &seal.Ring{Path: filepath.Join(t.TempDir(), "keys")}
	if ids, err := r.IDs(); err != nil || len(ids) > 0 {
		t.Errorf("%v %v", ids, err)
	}
	if s, err := r.Seal(here, text); !errors.Is(err, errs.Unavailable) || s != "" {
		t.Errorf("%q %v", s, err)
	}
}
