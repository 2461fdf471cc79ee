// SPDX-License-Identifier: Apache-2.0

package git_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source/command"
	"assay/internal/collect/source/git"
	"assay/internal/collect/source/sourcetest"
)

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	ada   = "Ada Example <ada@example.com>"
	ben   = "Ben Example <Ben@Example.com>"
	forge = "GitHub <noreply@github.com>"
)

// work is a real repository that a test fills.
type work struct {
	t   *testing.T
	dir string
}

func start(t *testing.T, args ...string) *work {
	t.Helper()
	w := &work{t: t, dir: filepath.Join(t.TempDir(), "shop")}
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return w
}

func (w *work) git(args ...string) string { w.t.Helper(); return w.as(ada, ada, today, args...) }

func (w *work) as(author, committer string, at time.Time, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", args...)
	cmd.Dir = w.dir
	who := func(role, s string) []string {
		name, mail, _ := strings.Cut(strings.TrimSuffix(s, ">"), " <")
		return []string{"GIT_" + role + "_NAME=" + name, "GIT_" + role + "_EMAIL=" + mail,
			"GIT_" + role + "_DATE=" + fmt.Sprintf("%d +0000", at.Unix())}
	}
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	cmd.Env = append(append(cmd.Env, who("AUTHOR", author)...), who("COMMITTER", committer)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes an empty commit and gives its name.
func (w *work) commit(author, committer string, daysAgo int, message string) string {
	w.t.Helper()
	w.as(author, committer, today.AddDate(0, 0, -daysAgo), "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message)
	return w.git("rev-parse", "HEAD")
}

// merge merges a branch into the current one with a commit of its own.
func (w *work) merge(author, committer string, daysAgo int, branch, message string) string {
	w.t.Helper()
	w.as(author, committer, today.AddDate(0, 0, -daysAgo), "merge", "-q", "--no-ff", "-m", message, branch)
	return w.git("rev-parse", "HEAD")
}

// raw writes a commit object byte by byte and gives its name.
func (w *work) raw(object string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin")
	cmd.Dir, cmd.Stdin = w.dir, strings.NewReader(object)
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func connector() collect.Connector {
	return git.Connector(clock.NewFake(today), command.System{})
}

func open(t *testing.T, cfg map[string]any) collect.Source {
	t.Helper()
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := connector().New(raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func take(t *testing.T, cfg map[string]any) sourcetest.Taken {
	t.Helper()
	return sourcetest.Take(t.Context(), open(t, cfg))
}

func complete(t *testing.T, cfg map[string]any) sourcetest.Taken {
	t.Helper()
	got := take(t, cfg)
	if got.Err != nil || !got.Manifest.Complete {
		t.Fatalf("not complete: %v %q", got.Err, got.Manifest.Reason)
	}
	return got
}

func byKey(t *testing.T, got sourcetest.Taken, kind, key string) collect.Resource {
	t.Helper()
	for _, r := range got.Of(kind) {
		if r.Key == key {
			return r
		}
	}
	t.Fatalf("no %s %q", kind, key)
	return collect.Resource{}
}
