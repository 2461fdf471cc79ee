// SPDX-License-Identifier: Apache-2.0

//go:build unix

package blob

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/errs"
)

// What stands in the place of a file and is none is told as altered, at once: a pipe must not hold up who verifies.
func TestAPipeInThePlaceOfAFileIsToldAndNotWaitedFor(t *testing.T) {
	f, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := f.Put(t.Context(), strings.NewReader("evidence"), 0)
	if err != nil {
		t.Fatal(err)
	}
	path := f.path(in.SHA256)
	for what, put := range map[string]func() error{
		"a pipe":   func() error { return syscall.Mkfifo(path, 0o600) },
		"a folder": func() error { return os.Mkdir(path, 0o700) },
		"a link":   func() error { return os.Symlink("/dev/zero", path) },
	} {
		if err := errors.Join(os.RemoveAll(path), put()); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- f.Check(t.Context(), in.SHA256) }()
		select {
		case err := <-done:
			if !errors.Is(err, errs.Conflict) {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(10 * time.Second):
			w, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|syscall.O_NONBLOCK, 0)
			if err == nil {
				w.Close()
			}
			t.Fatalf("%s was waited for", what)
		}
	}
}
