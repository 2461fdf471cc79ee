// SPDX-License-Identifier: Apache-2.0

//go:build unix

package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// Nobody knows who put a file into the data folder, whoever else edits what is said of it.
func TestAFileOfTheFolderStaysOfAnUnknownHandWhateverIsEdited(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager)
		f.file(t, "weaker.yaml", weaker)
		f.read(t)
		p, err := f.step(t, jo, "rule_file.update", f.proposal(t), map[string]any{"reason": "Our provider does it for us."})
		if err != nil {
			t.Fatal(err)
		}
		if p, err = f.step(t, kim, "rule_file.approve", p, map[string]any{"reason": "Our provider does it for us."}); err != nil || p["approved_how"] != "same_hand" {
			t.Errorf("stamped %v, %v", p["approved_how"], err)
		}
	})
}

// Many short pauses are one long one.
func TestPausesThatTouchAreOnePause(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim, owner := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager), f.someone(t, "ona", op.Owner)
		now, day := f.DB.Clock().Now(), 24*time.Hour
		asked := func(test string, from, to int) (map[string]any, error) {
			return f.do(t, jo, "test_pause.create", map[string]any{"test": test, "reason": "The provider is moved.", "starts_at": clock.Format(now.Add(time.Duration(from) * day)), "ends_at": clock.Format(now.Add(time.Duration(to) * day))})
		}
		ask := func(test string, from, to int) map[string]any {
			t.Helper()
			p, err := asked(test, from, to)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		approved := func(who op.Actor, verb string, p map[string]any) {
			t.Helper()
			if _, err := f.step(t, who, "test_pause."+verb, p, nil); err != nil {
				t.Fatal(err)
			}
		}
		approved(kim, "approve", ask("idp.mfa_all", 0, 6))
		for name, p := range map[string]map[string]any{"one that touches": ask("idp.mfa_all", 6, 12), "one that overlaps": ask("idp.mfa_all", 5, 8), "one six days later": ask("idp.mfa_all", 12, 15)} {
			if _, err := f.step(t, kim, "test_pause.approve", p, nil); errs.Public(err).Code != errs.Denied {
				t.Errorf("a manager approves %s: %v", name, err)
			}
		}
		approved(kim, "approve", ask("idp.dormant", 6, 12))
		approved(kim, "approve", ask("idp.mfa_all", 13, 20))
		next := ask("idp.mfa_all", 6, 13)
		if _, err := f.step(t, kim, "test_pause.approve", next, nil); errs.Public(err).Code != errs.Denied {
			t.Errorf("a manager joins two pauses: %v", err)
		}
		early := ask("idp.mfa_all", 20, 29)
		approved(owner, "approve_as_owner", next)
		approved(owner, "approve_as_owner", early)
		if _, err := asked("idp.mfa_all", 29, 32); errs.Public(err).Field != "ends_at" {
			t.Errorf("asked for more than 30 days in a row: %v", err)
		}
		late, more := ask("idp.orphan", 0, 16), ask("idp.orphan", 16, 32)
		approved(owner, "approve_as_owner", late)
		if _, err := f.step(t, owner, "test_pause.approve_as_owner", more, nil); errs.Public(err).Field != "ends_at" {
			t.Errorf("an owner approves more than 30 days in a row: %v", err)
		}
	})
}

// A test that a change of a control names, which waits for its day or its approval, is not added alone.
func TestATestThatAWaitingVersionCountsOnIsNotAddedAlone(t *testing.T) {
	for _, state := range []grc.ControlVersionState{"proposed", "approved"} {
		f := newFirm(t, "")
		_, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error {
			all, err := store.All(t.Context(), &tx.View, grc.Controls, map[string]any{"ref": "IAM-02"})
			if err != nil {
				return err
			}
			n := &grc.ControlVersion{Control: all[0].ID, Action: "change", Reason: "It is done by a test now.", Terms: all[0].Terms(), EffectiveFrom: "2099-01-01", State: state}
			n.Tests = []grc.ControlTest{{Test: "own.named", Role: "required"}}
			return store.Put(t.Context(), tx, grc.ControlVersions, n)
		})
		if err != nil {
			t.Fatal(err)
		}
		f.file(t, "own.yaml", "tests:"+ownOf)
		if n := f.read(t); len(n.Waiting) != 1 || !strings.Contains(n.Waiting[0], "IAM-02 already uses it") {
			t.Errorf("a version that is %s: %+v", state, n)
		}
	}
}

// What is no file of its own is named, and nothing waits for it.
func TestOnlyRegularFilesOfTheFolderAreRead(t *testing.T) {
	f := newFirm(t, "")
	f.file(t, "own.yaml", "tests:"+ownOf)
	folder := filepath.Join(f.Data, "tests")
	for name, lay := range map[string]func(string) error{
		"pipe.yaml": func(at string) error { return syscall.Mkfifo(at, 0o600) },
		"link.yaml": func(at string) error { return os.Symlink(filepath.Join(folder, "own.yaml"), at) },
		"gone.yml":  func(at string) error { return os.Symlink("nowhere", at) },
	} {
		if err := lay(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
		done := inBackground(func() error { _, err := f.ReadRules(t.Context(), f.org); return err })
		select {
		case err := <-done:
			if e := errs.Public(err); err == nil || e.Code != errs.Invalid || !strings.Contains(e.Error(), name) || e.Fix == "" {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s stops the program", name)
		}
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.read(t); len(n.Held) != 1 {
		t.Errorf("afterwards: %+v", n)
	}
}

func inBackground(do func() error) chan error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return done
}
