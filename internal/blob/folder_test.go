// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/blob"
	"assay/internal/blob/blobtest"
	"assay/internal/errs"
	"assay/internal/testkit"
)

func folder(t *testing.T, dir string) *blob.Folder {
	t.Helper()
	f, err := blob.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func at(dir, sha string) string { return filepath.Join(dir, sha[:2], sha[2:4], sha) }

func halfWritten(t *testing.T, dir string) int {
	n := 0
	filepath.WalkDir(filepath.Join(dir, "tmp"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		if !d.IsDir() && d.Name() != "lock" {
			n++
		}
		return nil
	})
	return n
}

func TestAFolderKeepsTheContract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Harness {
		dir := t.TempDir()
		return blobtest.Harness{
			Store:     folder(t, dir),
			Leftovers: func(t *testing.T) int { return halfWritten(t, dir) },
			Damage: func(t *testing.T, sha string, change func([]byte) []byte) {
				b, err := os.ReadFile(at(dir, sha))
				if err != nil {
					t.Fatal(err)
				}
				os.Chmod(at(dir, sha), 0o600)
				if err := os.WriteFile(at(dir, sha), change(b), 0o600); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func TestWhatADeadProcessLeftIsSweptAndWhatALivingOneWritesIsNot(t *testing.T) {
	dir := t.TempDir()
	first := folder(t, dir)
	living, err := filepath.Glob(filepath.Join(dir, "tmp", "p-*"))
	if err != nil || len(living) != 1 {
		t.Fatal(living, err)
	}
	os.WriteFile(filepath.Join(living[0], "put-1"), []byte("half"), 0o600)
	dead := filepath.Join(dir, "tmp", "p-dead")
	os.Mkdir(dead, 0o700)
	os.WriteFile(filepath.Join(dead, "put-2"), []byte("half"), 0o600)
	folder(t, dir)
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the dead one's half file is still there")
	}
	if halfWritten(t, dir) != 1 {
		t.Error("the living one's half file was swept")
	}
	if _, err := first.Put(t.Context(), bytes.NewReader([]byte("x")), 0); err != nil {
		t.Error(err)
	}
}

func TestAFullDiskRefusesAndGoesOnWhenThereIsSpaceAgain(t *testing.T) {
	dir := testkit.SmallDisk(t, "2m")
	if dir == "" {
		return
	}
	f := folder(t, dir)
	kept := map[string]bool{}
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		var in blob.Info
		if in, err = f.Put(t.Context(), bytes.NewReader(bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 50_000)), 0); err == nil {
			kept[in.SHA256] = true
		}
	}
	if !errors.Is(err, errs.Full) || len(kept) == 0 {
		t.Fatalf("%d files, then %v", len(kept), err)
	}
	if n := halfWritten(t, dir); n != 0 {
		t.Errorf("%d half-written files eat the space that is missing", n)
	}
	n := 0
	for sha := range kept {
		if err := f.Check(t.Context(), sha); err != nil {
			t.Error(err)
		}
		if n++; n <= 3 {
			os.Remove(at(dir, sha))
		}
	}
	if _, err := f.Put(t.Context(), bytes.NewReader(bytes.Repeat([]byte("new"), 50_000)), 0); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

func TestAFileThatCannotBeNamedIsNotAcknowledged(t *testing.T) {
	dir := t.TempDir()
	f := folder(t, dir)
	b := []byte("in the way")
	sha := fmt.Sprintf("%x", sha256.Sum256(b))
	os.WriteFile(filepath.Join(dir, sha[:2]), nil, 0o600) // a file where the folder should be
	if in, err := f.Put(t.Context(), bytes.NewReader(b), 0); err == nil {
		t.Errorf("acknowledged: %+v", in)
	}
	if halfWritten(t, dir) != 0 {
		t.Error("a half-written file was left")
	}
}
