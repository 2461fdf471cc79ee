// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
	"assay/internal/testkit"
)

// fillUp writes until a write is refused.
func fillUp(s *server, name string, acked map[string]bool, limit int) (err error) {
	for i := 0; err == nil && i < limit; i++ {
		token := fmt.Sprintf("%s-%d-%s", name, i, strings.Repeat("x", 300))
		if err = s.write(context.Background(), token); err == nil {
			acked[token] = true
		}
	}
	return err
}

func TestB04AFullDiskRefusesWritesKeepsReadsAndGoesOn(t *testing.T) {
	for _, which := range []string{"database", "files"} {
		t.Run(which, func(t *testing.T) {
			small := testkit.SmallDisk(t, "24m")
			if small == "" {
				return
			}
			dir, ballast := small, filepath.Join(small, "ballast")
			if which == "files" {
				dir = t.TempDir()
				if err := os.Symlink(small, filepath.Join(dir, "files")); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer s.db.Close()
			defer s.files.Close()
			acked := map[string]bool{}
			err = fillUp(s, "before", acked, 20_000)
			if !errors.Is(err, errs.Full) {
				t.Fatalf("after %d writes: %v", len(acked), err)
			}
			before := len(acked)
			for range 20 { // it goes on saying so, and nothing breaks
				if err := s.write(context.Background(), "again"+strings.Repeat("y", 30_000)); !errors.Is(err, errs.Full) {
					t.Fatalf("while it is full: %v", err)
				}
			}
			read := 0
			err = s.db.View(context.Background(), testkit.Org, time.Time{}, store.System("test"), func(v *store.View) error {
				all, err := store.All(context.Background(), v, memos, nil)
				read = len(all)
				return err
			})
			if err != nil || read != before {
				t.Errorf("while it is full, %d of %d were read: %v", read, before, err)
			}
			os.Remove(ballast)
			if err := fillUp(s, "after", acked, 50); err != nil {
				t.Errorf("with space again: %v", err)
			}
			s.db.Close()
			got := look(t, dir, acked)
			if got.lost+got.half+len(got.problems) > 0 {
				t.Errorf("%+v", got)
			}
			figure("B04 disk of the %s full: %d acks before, every write refused as no_space, reads work, %d acks after space came back, %d lost", which, before, len(acked)-before, got.lost)
		})
	}
}

func TestB04AFailedFsyncStopsTheProcess(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is needed to make an fsync fail (./test.sh installs it)")
	}
	for _, from := range []int{20, 60} {
		dir := t.TempDir()
		s := start(t, dir, "", strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d+", from))
		some, refused := s.load(0, 4)
		end := make(chan struct{})
		timer := time.AfterFunc(20*time.Second, func() { close(end) })
		select {
		case err := <-s.ended:
			if err == nil {
				t.Error("it ended as if all were well")
			}
		case <-end:
			t.Error("it goes on after a failed fsync")
			s.kill()
		}
		timer.Stop()
		acked := map[string]bool{}
		for _, token := range some {
			acked[token] = true
		}
		got := look(t, dir, acked)
		if got.lost+got.half+len(got.problems) > 0 {
			t.Errorf("%+v", got)
		}
		figure("B04 fsync fails from call %d of a thread on: %d acks before, %d refused, the process stopped, %d lost", from, len(some), len(refused), got.lost)
	}
}

// The control writes the row although the file could not be written.
func TestB04ControlIgnoringTheErrorOfAFileIsFound(t *testing.T) {
	s, err := open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.db.Close()
	defer s.files.Close()
	sha := fmt.Sprintf("%x", sha256.Sum256([]byte("never written")))
	if _, err := s.db.Change(t.Context(), testkit.Org, store.System("test"), func(tx *store.Tx) error {
		return store.Put(context.Background(), tx, memos, &memo{Title: "Cites nothing", State: "draft", Files: []kind.SHA256{kind.SHA256(sha)}})
	}); err != nil {
		t.Fatal(err)
	}
	a, err := s.db.Verify(t.Context(), testkit.Org, store.VerifyOptions{File: s.files.Check})
	if err != nil || len(a.Problems) != 1 || a.Problems[0].Object != "file "+sha {
		t.Fatalf("a row without its file is not found: %v %+v", err, a.Problems)
	}
	figure("B04 control: a row whose file was never written is named, as it must be")
}
