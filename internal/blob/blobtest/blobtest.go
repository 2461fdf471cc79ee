// SPDX-License-Identifier: Apache-2.0

// Package blobtest is the contract of a store of files: every implementation runs it, and what it does
// not say no caller may count on. It knows no implementation.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"assay/internal/blob"
	"assay/internal/errs"
)

// Harness is an implementation and the two ways in which a disk betrays it.
type Harness struct {
	Store blob.Store
	// Damage changes the stored bytes of a file behind the back of the store.
	Damage func(t *testing.T, sha string, change func([]byte) []byte)
	// Leftovers counts what is stored beside whole files; nil where that cannot be seen.
	Leftovers func(t *testing.T) int
}

// Run holds an implementation against the contract. open gives a fresh, empty store each time.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for name, rule := range map[string]func(*testing.T, Harness){
		"WhatIsPutIsRead":               whatIsPutIsRead,
		"TheSameBytesAreOneFile":        theSameBytesAreOneFile,
		"TooMuchIsRefusedAndLeavesNone": tooMuch,
		"ABrokenUploadLeavesNothing":    brokenUpload,
		"AnAlteredFileIsNeverReadWhole": altered,
		"APutMendsAnAlteredFile":        mends,
		"AnOddNameIsRefused":            oddNames,
		"WalkNamesEveryFileOnce":        walk,
		"ManyMayPutAtOnce":              together,
	} {
		t.Run(name, func(t *testing.T) { rule(t, open(t)) })
	}
}

func put(t *testing.T, s blob.Store, b []byte) blob.Info {
	t.Helper()
	in, err := s.Put(t.Context(), bytes.NewReader(b), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(b)); in.SHA256 != want || in.Size != int64(len(b)) {
		t.Fatalf("put gave %+v for %d bytes with digest %s", in, len(b), want)
	}
	return in
}

func bytesOf(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func whatIsPutIsRead(t *testing.T, h Harness) {
	for _, n := range []int{0, 1, 100, 32<<10 - 1, 32 << 10, 32<<10 + 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		b := bytesOf(n)
		in := put(t, h.Store, b)
		r, got, err := h.Store.Open(t.Context(), in.SHA256)
		if err != nil || got != in {
			t.Fatalf("%d bytes: %+v %v", n, got, err)
		}
		back, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || !bytes.Equal(back, b) {
			t.Errorf("%d bytes: read %d back: %v", n, len(back), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if ok, err := h.Store.Has(t.Context(), in.SHA256); !ok || err != nil {
			t.Errorf("has: %v %v", ok, err)
		}
		if err := h.Store.Check(t.Context(), in.SHA256); err != nil {
			t.Error(err)
		}
	}
	none := strings.Repeat("0", 64)
	if ok, err := h.Store.Has(t.Context(), none); ok || err != nil {
		t.Errorf("has what is not there: %v %v", ok, err)
	}
	if _, _, err := h.Store.Open(t.Context(), none); !errors.Is(err, errs.NotFound) {
		t.Errorf("open what is not there: %v", err)
	}
	if err := h.Store.Check(t.Context(), none); !errors.Is(err, errs.NotFound) {
		t.Errorf("check what is not there: %v", err)
	}
}

func theSameBytesAreOneFile(t *testing.T, h Harness) {
	a, b := put(t, h.Store, []byte("twice")), put(t, h.Store, []byte("twice"))
	if a != b || len(list(t, h.Store)) != 1 {
		t.Errorf("%v %v %v", a, b, list(t, h.Store))
	}
	clean(t, h)
}

func tooMuch(t *testing.T, h Harness) {
	if _, err := h.Store.Put(t.Context(), bytes.NewReader(bytesOf(1001)), 1000); !errors.Is(err, errs.Invalid) {
		t.Errorf("one byte too many: %v", err)
	}
	if len(list(t, h.Store)) != 0 {
		t.Error("it was kept")
	}
	if _, err := h.Store.Put(t.Context(), bytes.NewReader(bytesOf(1000)), 1000); err != nil {
		t.Errorf("just enough: %v", err)
	}
	clean(t, h)
}

func brokenUpload(t *testing.T, h Harness) {
	broke := errors.New("the line broke")
	if _, err := h.Store.Put(t.Context(), io.MultiReader(bytes.NewReader(bytesOf(300_000)), iotest.ErrReader(broke)), 0); !errors.Is(err, broke) {
		t.Errorf("broken line: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Store.Put(ctx, bytes.NewReader(bytesOf(10)), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if len(list(t, h.Store)) != 0 {
		t.Error("something was kept")
	}
	clean(t, h)
}

func altered(t *testing.T, h Harness) {
	for name, change := range map[string]func([]byte) []byte{
		"one bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"last byte": func(b []byte) []byte { b[len(b)-1] ^= 0x80; return b },
		"cut":       func(b []byte) []byte { return b[:len(b)-1] },
		"longer":    func(b []byte) []byte { return append(b, 0) },
		"empty":     func([]byte) []byte { return nil },
	} {
		for _, n := range []int{1, 1000, 32 << 10, 100_000} {
			b := append(bytesOf(n), name...)
			in := put(t, h.Store, b)
			h.Damage(t, in.SHA256, change)
			if err := h.Store.Check(t.Context(), in.SHA256); !errors.Is(err, errs.Conflict) {
				t.Errorf("%s of %d: check: %v", name, n, err)
			}
			r, _, err := h.Store.Open(t.Context(), in.SHA256)
			if err != nil {
				continue
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err == nil || len(got) >= len(b) {
				t.Errorf("%s of %d: read %d bytes and %v", name, n, len(got), err)
			}
		}
	}
}

func mends(t *testing.T, h Harness) {
	in := put(t, h.Store, []byte("what it must be"))
	h.Damage(t, in.SHA256, func(b []byte) []byte { b[0] ^= 1; return b })
	put(t, h.Store, []byte("what it must be"))
	if err := h.Store.Check(t.Context(), in.SHA256); err != nil {
		t.Error(err)
	}
}

func oddNames(t *testing.T, h Harness) {
	good := put(t, h.Store, []byte("x")).SHA256
	for _, name := range []string{"", "..", "../../etc/passwd", good[:63], good + "0", strings.ToUpper(good), good[:62] + "/x", good[:63] + "\x00", " " + good[1:]} {
		_, _, openErr := h.Store.Open(t.Context(), name)
		_, hasErr := h.Store.Has(t.Context(), name)
		for _, err := range []error{openErr, hasErr, h.Store.Check(t.Context(), name)} {
			if !errors.Is(err, errs.Invalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func walk(t *testing.T, h Harness) {
	var want []string
	for i := range 50 {
		want = append(want, put(t, h.Store, bytesOf(i)).SHA256)
	}
	slices.Sort(want)
	if got := list(t, h.Store); !slices.Equal(got, want) {
		t.Errorf("walked %d of %d", len(got), len(want))
	}
	stop := errors.New("enough")
	if err := h.Store.Walk(t.Context(), func(blob.Info) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
}

func together(t *testing.T, h Harness) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 20 {
				if _, err := h.Store.Put(t.Context(), bytes.NewReader(bytesOf((i*k)%30+1)), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, sha := range list(t, h.Store) {
		if err := h.Store.Check(t.Context(), sha); err != nil {
			t.Error(err)
		}
	}
	clean(t, h)
}

func list(t *testing.T, s blob.Store) []string {
	t.Helper()
	var out []string
	if err := s.Walk(t.Context(), func(in blob.Info) error { out = append(out, in.SHA256); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func clean(t *testing.T, h Harness) {
	t.Helper()
	if h.Leftovers != nil && h.Leftovers(t) != 0 {
		t.Errorf("%d half-written files were left", h.Leftovers(t))
	}
}
