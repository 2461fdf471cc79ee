// SPDX-License-Identifier: Apache-2.0

package git_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"assay/internal/collect/source/sourcetest"
	"assay/internal/errs"
)

func TestTheContractHolds(t *testing.T) {
	w := start(t)
	w.commit(ada, ada, 10, "First")
	w.git("switch", "-q", "-c", "feature")
	w.commit(ben, ben, 9, "Work")
	w.git("switch", "-q", "main")
	w.merge(ada, forge, 8, "feature", "Merge pull request #12 from shop/feature\n\nAdd it\n\nFixes #7")
	sourcetest.Run(t, connector(), map[string]any{"path": w.dir})
}

func TestAMergeSaysWhoWroteItAndWhoMerged(t *testing.T) {
	w := start(t)
	w.commit(ada, ada, 10, "First")
	w.git("switch", "-q", "-c", "feature")
	one := w.commit(ben, ben, 9, "Work")
	two := w.commit(ben, ada, 9, "More\n\nCo-authored-by: Cleo <cleo@example.com>\nReviewed-by: Somebody <s@example.com>")
	w.git("switch", "-q", "main")
	m := w.merge(ada, forge, 8, "feature", "Merge pull request #12 from shop/feature\n\nAdd it\n\nFixes #7")
	got := complete(t, map[string]any{"path": w.dir})
	r := byKey(t, got, "vcs.change", m)
	want := map[string]any{"repo": "shop", "number": int64(12), "author": "ben@example.com",
		"commits_by":   []string{"ada@example.com", "ben@example.com", "cleo@example.com"},
		"merge_commit": m, "merged_by": "ada@example.com", "merged_at": "2026-11-12T12:00:00.000Z", "ticket_ref": "#7"}
	if !reflect.DeepEqual(r.Attrs, want) {
		t.Errorf("got  %v\nwant %v", r.Attrs, want)
	}
	for _, name := range []string{"approvers", "checks_passed", "labels", "emergency", "post_review_at"} {
		if r.Why[name] == "" {
			t.Errorf("%s is unknown and there is no reason", name)
		}
	}
	for _, c := range []string{one, two, m} {
		if byKey(t, got, "vcs.commit", c).Attrs["change"] != m {
			t.Errorf("commit %s does not belong to its change", c)
		}
	}
	if got := byKey(t, got, "vcs.commit", two).Attrs["claimed_reviewers"]; !reflect.DeepEqual(got, []string{"Somebody <s@example.com>"}) {
		t.Errorf("claimed reviewers %v", got)
	}
	if n := len(got.Of("vcs.member")); n != 2 { // neither the host nor a mere co-author is a member
		t.Errorf("%d members", n)
	}
}

func TestASquashByAHostNamesNoMerger(t *testing.T) {
	w := start(t)
	c := w.commit(ben, forge, 3, "Add the cart (#31)")
	r := byKey(t, complete(t, map[string]any{"path": w.dir}), "vcs.change", c)
	if _, known := r.Attrs["merged_by"]; known || r.Why["merged_by"] == "" {
		t.Errorf("merged_by %v, reason %q", r.Attrs["merged_by"], r.Why["merged_by"])
	}
	if r.Attrs["number"] != int64(31) || r.Attrs["author"] != "ben@example.com" {
		t.Errorf("%v", r.Attrs)
	}
}

func TestSeveralAuthorsAreNotOneAuthor(t *testing.T) {
	w := start(t)
	w.commit(ada, ada, 10, "First")
	w.git("switch", "-q", "-c", "feature")
	w.commit(ben, ben, 9, "Work")
	w.commit(ada, ada, 9, "Work")
	w.git("switch", "-q", "main")
	m := w.merge(ada, ada, 8, "feature", "Merge branch 'feature'")
	r := byKey(t, complete(t, map[string]any{"path": w.dir}), "vcs.change", m)
	if _, known := r.Attrs["author"]; known || !strings.Contains(r.Why["author"], "several") {
		t.Errorf("author %v, reason %q", r.Attrs["author"], r.Why["author"])
	}
	if _, known := r.Attrs["number"]; known {
		t.Error("a number was made up")
	}
}

func TestThePopulationIsThePeriodAndWhole(t *testing.T) {
	w := start(t)
	w.commit(ada, ada, 500, "Long ago")
	w.commit(ada, ada, 200, "Inside")
	w.commit(ada, ada, 400, "A clock that went wrong stands before the period")
	w.commit(ada, ada, 1, "Yesterday")
	got := complete(t, map[string]any{"path": w.dir})
	if n := len(got.Of("vcs.change")); n != 2 {
		t.Errorf("%d changes, want 2: the walk must not stop at the first old date", n)
	}
	if n := len(complete(t, map[string]any{"path": w.dir, "since": "2020-01-01"}).Of("vcs.change")); n != 4 {
		t.Errorf("%d changes since 2020, want 4", n)
	}
	if got.Manifest.Counts["vcs.member"] != 1 {
		t.Errorf("members %v", got.Manifest.Counts)
	}
}

func TestAnEmptyRepositoryIsCompleteAndEmpty(t *testing.T) {
	for _, bare := range [][]string{nil, {"--bare"}} {
		w := start(t, bare...)
		got := complete(t, map[string]any{"path": w.dir})
		if got.Manifest.Counts["vcs.repo"] != 1 || got.Manifest.Counts["vcs.change"] != 0 {
			t.Errorf("%v: %v", bare, got.Manifest.Counts)
		}
		if b := got.Of("vcs.repo")[0].Attrs["default_branch"]; b != "main" {
			t.Errorf("default branch %v", b)
		}
	}
}

func TestAShallowCloneIsNotComplete(t *testing.T) {
	w := start(t)
	w.commit(ada, ada, 3, "One")
	w.commit(ada, ada, 2, "Two")
	to := filepath.Join(t.TempDir(), "clone")
	w.git("clone", "-q", "--depth", "1", "file://"+w.dir, to)
	got := take(t, map[string]any{"path": to})
	if got.Manifest.Complete || !strings.Contains(got.Manifest.Reason, "unshallow") {
		t.Errorf("complete %v: %q %v", got.Manifest.Complete, got.Manifest.Reason, got.Err)
	}
}

func TestAMissingCommitIsNotComplete(t *testing.T) {
	w := start(t)
	gone := w.commit(ada, ada, 3, "One")
	w.commit(ada, ada, 2, "Two")
	if err := os.Remove(filepath.Join(w.dir, ".git", "objects", gone[:2], gone[2:])); err != nil {
		t.Fatal(err)
	}
	got := take(t, map[string]any{"path": w.dir})
	if got.Manifest.Complete || got.Err == nil || len(got.Pages) > 0 {
		t.Errorf("complete %v, err %v, %d pages", got.Manifest.Complete, got.Err, len(got.Pages))
	}
	if !errors.Is(got.Err, errs.Unavailable) || !strings.Contains(errs.Public(got.Err).Fix, "fsck") {
		t.Errorf("%v", got.Err)
	}
}

func TestABrokenReferenceIsNotComplete(t *testing.T) {
	w := start(t)
	w.commit(ada, ada, 3, "One")
	if err := os.WriteFile(filepath.Join(w.dir, ".git", "refs", "heads", "bad"), []byte(strings.Repeat("1", 40)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := take(t, map[string]any{"path": w.dir})
	if got.Err == nil && got.Manifest.Complete {
		t.Error("complete with a branch that points nowhere")
	}
}

func TestTheDefaultBranchIsNotWhateverIsCheckedOut(t *testing.T) {
	w := start(t)
	first := w.commit(ada, ada, 3, "One")
	w.git("switch", "-q", "-c", "feature")
	w.commit(ada, ada, 2, "Not merged")
	got := complete(t, map[string]any{"path": w.dir})
	if b := got.Of("vcs.repo")[0].Attrs["default_branch"]; b != "main" {
		t.Errorf("default branch %v", b)
	}
	if c := got.Of("vcs.change"); len(c) != 1 || c[0].Key != first {
		t.Errorf("changes %v", c)
	}
	w.git("branch", "-q", "-m", "main", "stable")
	if got := take(t, map[string]any{"path": w.dir}); errs.Public(got.Err).Field != "branch" {
		t.Errorf("two unusual branches: %v", got.Err)
	}
	complete(t, map[string]any{"path": w.dir, "branch": "stable"})
	if got := take(t, map[string]any{"path": w.dir, "branch": "nowhere"}); errs.Public(got.Err).Field != "branch" {
		t.Errorf("a branch that is not there: %v", got.Err)
	}
}

func TestACloneCountsWhatTheTeamShares(t *testing.T) {
	w := start(t)
	shared := w.commit(ada, ada, 3, "One")
	to := &work{t: t, dir: filepath.Join(t.TempDir(), "clone")}
	w.git("clone", "-q", w.dir, to.dir)
	to.commit(ben, ben, 1, "Only on this machine")
	to.git("switch", "-q", "--detach")
	got := complete(t, map[string]any{"path": filepath.Join(to.dir, ".git")})
	if c := got.Of("vcs.change"); len(c) != 1 || c[0].Key != shared {
		t.Errorf("changes %v", c)
	}
	if n := len(got.Of("vcs.member")); n != 2 {
		t.Errorf("%d members: who commits on a local branch is one too", n)
	}
	if got.Of("vcs.repo")[0].Key != "clone" {
		t.Errorf("name %q", got.Of("vcs.repo")[0].Key)
	}
}

func TestASignatureIsSeenAndNotBelieved(t *testing.T) {
	w := start(t)
	tree := w.git("hash-object", "-t", "tree", "-w", "/dev/null")
	who := "Ada Example <ada@example.com> 1795000000 +0000"
	c := w.raw("tree " + tree + "\nauthor " + who + "\ncommitter " + who +
		"\ngpgsig -----BEGIN SSH SIGNATURE-----\n bm90IG9uZQ==\n -----END SSH SIGNATURE-----\n\nSigned\n")
	w.git("update-ref", "refs/heads/main", c)
	w.git("config", "log.showSignature", "true")
	r := byKey(t, complete(t, map[string]any{"path": w.dir}), "vcs.commit", c)
	if r.Attrs["signed"] != true {
		t.Errorf("signed %v", r.Attrs["signed"])
	}
	if _, known := r.Attrs["signature_verified"]; known {
		t.Error("a signature was believed without a key")
	}
	plain := w.commit(ada, ada, 1, "Plain")
	if r := byKey(t, complete(t, map[string]any{"path": w.dir}), "vcs.commit", plain); r.Attrs["signed"] != false {
		t.Errorf("signed %v", r.Attrs["signed"])
	}
}

func TestNamesThatAreNotUTF8StayApart(t *testing.T) {
	w := start(t)
	tree := w.git("hash-object", "-t", "tree", "-w", "/dev/null")
	a := w.raw("tree " + tree + "\nauthor A\xff <\xff@example.com> 1795000000 +0000\ncommitter A\xff <\xff@example.com> 1795000000 +0000\n\nfirst \xfe\n")
	b := w.raw("tree " + tree + "\nparent " + a + "\nauthor A <\xfe@example.com> 99999999999 +0000\ncommitter A <\xfe@example.com> nonsense\n\nsecond\n")
	w.git("update-ref", "refs/heads/main", b)
	got := complete(t, map[string]any{"path": w.dir})
	byKey(t, got, "vcs.member", `\xff@example.com`)
	m := byKey(t, got, "vcs.member", `\xfe@example.com`)
	if _, known := m.Attrs["last_active_at"]; known {
		t.Errorf("a date in the future was believed: %v", m.Attrs)
	}
	r := byKey(t, got, "vcs.change", b)
	if _, known := r.Attrs["merged_at"]; known || r.Why["merged_at"] == "" {
		t.Errorf("a date was made up: %v", r.Attrs)
	}
}

func TestReplacementsDoNotHideHistory(t *testing.T) {
	w := start(t)
	one := w.commit(ben, ben, 3, "One")
	two := w.commit(ada, ada, 2, "Two")
	w.git("replace", "--graft", two)
	if err := os.WriteFile(filepath.Join(w.dir, ".git", "info", "grafts"), []byte(two+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := complete(t, map[string]any{"path": w.dir})
	byKey(t, got, "vcs.change", one)
	byKey(t, got, "vcs.member", "ben@example.com")
}

func TestAFolderThatIsNoRepositoryIsRefused(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "nothing")} {
		got := take(t, map[string]any{"path": path})
		if errs.Public(got.Err).Field != "path" || errs.Public(got.Err).Fix == "" {
			t.Errorf("%v", got.Err)
		}
	}
}

func TestAWorktreeAndAFolderInsideAreTheirRepository(t *testing.T) {
	w := start(t)
	c := w.commit(ada, ada, 3, "One")
	inside := filepath.Join(w.dir, "a", "b")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	byKey(t, complete(t, map[string]any{"path": inside}), "vcs.change", c)
	tree := filepath.Join(t.TempDir(), "tree")
	w.git("worktree", "add", "-q", "-b", "side", tree)
	byKey(t, complete(t, map[string]any{"path": tree, "branch": "main"}), "vcs.change", c)
}
