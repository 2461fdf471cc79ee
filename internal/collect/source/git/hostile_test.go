// SPDX-License-Identifier: Apache-2.0

package git_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestARepositoryCannotRunPrograms plants a program in every place of the repository's own
// configuration that git could start, and a missing object that git would want to fetch.
func TestARepositoryCannotRunPrograms(t *testing.T) {
	w := start(t)
	gone := w.commit(ada, ada, 3, "One")
	w.commit(ada, ada, 2, "Two")
	canary := filepath.Join(t.TempDir(), "ran")
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n: >"+canary+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, kv := range [][2]string{
		{"core.fsmonitor", program}, {"core.pager", program}, {"core.sshCommand", program},
		{"core.alternateRefsCommand", program}, {"core.hooksPath", filepath.Dir(program)},
		{"core.askPass", program}, {"core.gitProxy", program}, {"credential.helper", program},
		{"diff.external", program}, {"gpg.program", program}, {"gpg.ssh.program", program},
		{"log.showSignature", "true"}, {"pager.rev-list", program}, {"alias.rev-list", "!" + program},
		{"core.repositoryFormatVersion", "1"}, {"extensions.partialClone", "origin"},
		{"remote.origin.promisor", "true"}, {"remote.origin.url", "ext::" + program},
		{"remote.origin.uploadpack", program}, {"protocol.allow", "always"}, {"protocol.ext.allow", "always"},
	} {
		w.git("config", kv[0], kv[1])
	}
	if err := os.Remove(filepath.Join(w.dir, ".git", "objects", gone[:2], gone[2:])); err != nil {
		t.Fatal(err)
	}
	got := take(t, map[string]any{"path": w.dir})
	if _, err := os.Stat(canary); err == nil {
		t.Fatal("the repository made us run its program")
	}
	if got.Err == nil || got.Manifest.Complete {
		t.Error("complete with a missing commit")
	}
	// The control: without our flags the same repository does run its program.
	plain := exec.CommandContext(t.Context(), "git", "--git-dir="+filepath.Join(w.dir, ".git"), "rev-list", "--branches")
	if out, err := plain.CombinedOutput(); err == nil {
		t.Errorf("git found the missing commit: %s", out)
	}
	if _, err := os.Stat(canary); err != nil {
		t.Error("the control did not fire, so this test proves nothing")
	}
}

func TestRefusedMessagesDoNotBreakTheStream(t *testing.T) {
	w := start(t)
	tree := w.git("hash-object", "-t", "tree", "-w", "/dev/null")
	who := "Ada Example <ada@example.com> 1795000000 +0000"
	parent := ""
	var all []string
	for i, body := range []string{"", "\n", "\n\n", "\nwith\x00nul\n", "\nauthor Eve <eve@example.com> 1 +0000\ngpgsig x\n",
		"\n" + strings.Repeat("x", 1<<20) + "\n", "\nname\n\nCo-authored-by: <>\nCo-authored-by: >\n", "\n\x1b[31mred\u202e\n"} {
		c := w.raw(fmt.Sprintf("tree %s\n%sauthor %s\ncommitter %s\nencoding no-such-%d\n%s", tree, parent, who, who, i, body))
		parent = "parent " + c + "\n"
		all = append(all, c)
	}
	w.git("update-ref", "refs/heads/main", all[len(all)-1])
	got := complete(t, map[string]any{"path": w.dir})
	for _, c := range all {
		if r := byKey(t, got, "vcs.commit", c); r.Attrs["author"] != "ada@example.com" || r.Attrs["signed"] != false {
			t.Errorf("%v", r.Attrs)
		}
	}
	if n := len(got.Of("vcs.member")); n != 1 {
		t.Errorf("%d members: a message made one up", n)
	}
}

// TestAHundredThousandCommitsAreAllHandedOver is the population without a cap. How long it takes
// is measured in bench, not here.
func TestAHundredThousandCommitsAreAllHandedOver(t *testing.T) {
	const n = 100_000
	w := start(t, "--bare")
	var in bytes.Buffer
	for i := range n {
		fmt.Fprintf(&in, "commit refs/heads/main\nmark :%d\ncommitter P%d <p%d@example.com> %d +0000\ndata 8\nChange x\n",
			i+1, i%300, i%300, today.AddDate(0, 0, -300).Unix()+int64(i))
		if i > 0 {
			fmt.Fprintf(&in, "from :%d\n", i)
		}
		in.WriteString("\n")
	}
	cmd := exec.CommandContext(t.Context(), "git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = w.dir, &in
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	got := complete(t, map[string]any{"path": w.dir})
	c := got.Manifest.Counts
	if c["vcs.change"] != n || c["vcs.commit"] != n || c["vcs.member"] != 300 {
		t.Errorf("%v", c)
	}
}

func TestARepositoryOfTheLongerHashIsReadToo(t *testing.T) {
	w := start(t, "--object-format=sha256")
	c := w.commit(ada, ada, 1, "One")
	got := complete(t, map[string]any{"path": w.dir})
	if byKey(t, got, "vcs.commit", c); len(c) != 64 {
		t.Errorf("%q", c)
	}
}

func TestAMessageWithoutATicketIsOnlyNoneWhereThatIsTheRule(t *testing.T) {
	w := start(t)
	plain := w.commit(ada, ada, 5, "UTF-8: read it, as RFC-3629 and SHA-256 say (#12)")
	named := w.commit(ada, ada, 4, "Tidy up after SHOP-12")
	for _, c := range []struct {
		cfg    map[string]any
		commit string
		want   any
		known  bool
	}{
		{map[string]any{}, plain, nil, false},
		{map[string]any{}, named, nil, false},
		{map[string]any{"tickets_in_messages": true}, plain, nil, true},
		{map[string]any{"ticket_prefixes": []string{"SHOP"}}, named, "SHOP-12", true},
		{map[string]any{"ticket_prefixes": []string{"SHOP"}}, plain, nil, false},
	} {
		c.cfg["path"] = w.dir
		got, known := byKey(t, complete(t, c.cfg), "vcs.change", c.commit).Attrs["ticket_ref"]
		if got != c.want || known != c.known {
			t.Errorf("%v: %v, known %v", c.cfg, got, known)
		}
	}
}
