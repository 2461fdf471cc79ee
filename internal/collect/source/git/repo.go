// SPDX-License-Identifier: Apache-2.0

package git

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/internal/collect/source/command"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// repo is one repository, as far as it is known before its history is read.
type repo struct {
	dir     string // the folder that git calls its own
	bare    bool
	name    string
	branch  string // short name of the default branch
	tip     string // commit at its end; empty in a repository without commits
	head    string // commit that is checked out; may stand on no branch
	shallow bool
	refs    []byte // all branches and tags as git lists them
	run     command.Runner
}

const (
	quick   = time.Minute
	patient = 30 * time.Minute
	maxRefs = 64 << 20
)

func open(ctx context.Context, cfg Config, run command.Runner) (*repo, error) {
	dir, top, bare, err := findDir(cfg.Path)
	if err != nil {
		return nil, err
	}
	r := &repo{dir: dir, bare: bare, name: cfg.Name, run: run}
	if r.name == "" {
		r.name = feed.Text(strings.TrimSuffix(filepath.Base(top), ".git"))
	}
	shallow, err := r.ask(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return nil, err
	}
	r.shallow = shallow == "true"
	if r.refs, err = r.output(ctx, "for-each-ref", "--format=%(objectname) %(refname) %(symref)",
		"refs/heads", "refs/remotes", "refs/tags"); err != nil {
		return nil, err
	}
	if r.head, err = r.maybe(ctx, "rev-parse", "--quiet", "--verify", "HEAD^{commit}"); err != nil {
		return nil, err
	}
	return r, r.findBranch(ctx, cfg.Branch)
}

// findDir finds git's own folder from path upwards, and the folder that people call the repository.
func findDir(path string) (dir, top string, bare bool, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return "", "", false, errs.At("path", "%s is not a folder that can be read", path).
			Mend("give the folder of the repository, readable by the user that runs Assay").Because(err)
	}
	for at := path; ; at = filepath.Dir(at) {
		if dir, ok := dotGit(filepath.Join(at, ".git")); ok {
			return dir, at, false, nil
		}
		if isGitDir(at) {
			if filepath.Base(at) == ".git" { // the inside of a repository was named
				return at, filepath.Dir(at), false, nil
			}
			return at, at, true, nil
		}
		if at == filepath.Dir(at) {
			return "", "", false, errs.At("path", "%s is not a git repository", path).
				Mend("give a folder with a .git in it, or a bare repository")
		}
	}
}

// dotGit resolves a .git that is a folder, or a file that points to one (worktrees, submodules).
func dotGit(path string) (string, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false
	}
	if info.IsDir() {
		return path, isGitDir(path)
	}
	if !info.Mode().IsRegular() || info.Size() > 4096 {
		return "", false
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	to, ok := strings.CutPrefix(strings.TrimRight(string(b), "\r\n"), "gitdir: ")
	if !ok {
		return "", false
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(path), to)
	}
	return to, isGitDir(to)
}

func isGitDir(path string) bool {
	if _, err := os.Lstat(filepath.Join(path, "HEAD")); err != nil {
		return false
	}
	if _, err := os.Stat(filepath.Join(path, "commondir")); err == nil {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "objects"))
	return err == nil
}

// findBranch decides which branch is the default one, and where it ends. What is checked out
// says nothing about it in a repository with files, so it counts only where nothing else does.
func (r *repo) findBranch(ctx context.Context, wanted string) error {
	heads, remotes, origin := r.branches()
	pick := wanted
	if pick == "" {
		pick = origin
	}
	if pick == "" {
		head, err := r.maybe(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
		if err != nil {
			return err
		}
		pick = guess(head, r.bare, heads)
	}
	if pick == "" {
		return errs.At("branch", "it is not plain which branch of %s is the default one", r.name).
			Mend("name it in the field branch")
	}
	r.branch = feed.Text(pick)
	if tip, ok := remotes["origin/"+pick]; ok { // what the team shares, not what waits on this machine
		r.tip = tip
	} else if tip, ok := heads[pick]; ok {
		r.tip = tip
	} else if len(heads)+len(remotes) > 0 {
		return errs.At("branch", "there is no branch %q in %s", feed.Text(pick), r.name).
			Mend("check the name, or fetch it first")
	}
	return nil
}

func guess(head string, bare bool, heads map[string]string) string {
	if len(heads) == 0 || bare {
		return head // empty, or a bare repository: there HEAD is the default branch
	}
	if len(heads) == 1 {
		for only := range heads {
			return only
		}
	}
	var usual []string
	for _, n := range []string{"main", "master", "trunk"} {
		if _, ok := heads[n]; ok {
			usual = append(usual, n)
		}
	}
	if len(usual) == 1 {
		return usual[0]
	}
	return ""
}

// branches reads the list of references.
func (r *repo) branches() (heads, remotes map[string]string, origin string) {
	heads, remotes = map[string]string{}, map[string]string{}
	for line := range strings.Lines(string(r.refs)) {
		part := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(part) < 3 {
			continue
		}
		switch name := part[1]; {
		case name == "refs/remotes/origin/HEAD":
			origin = strings.TrimPrefix(part[2], "refs/remotes/origin/")
		case strings.HasPrefix(name, "refs/heads/"):
			heads[name[len("refs/heads/"):]] = part[0]
		case strings.HasPrefix(name, "refs/remotes/"):
			remotes[name[len("refs/remotes/"):]] = part[0]
		}
	}
	return heads, remotes, origin
}

// log streams the history into h, and returns what git complained about without giving up.
func (r *repo) log(ctx context.Context, h *history) (warnings string, err error) {
	args := slices.Clone(logArgs)
	for _, c := range []string{r.tip, r.head} {
		if c != "" {
			args = append(args, c)
		}
	}
	stderr, err := r.run.Stream(ctx, gitCommand(r.dir, patient, args...), func(in io.Reader) error { return h.read(ctx, in) })
	return strings.TrimSpace(stderr), explain(err)
}

func (r *repo) output(ctx context.Context, args ...string) ([]byte, error) {
	out, _, err := command.Output(ctx, r.run, gitCommand(r.dir, quick, args...), maxRefs)
	return out, explain(err)
}

func (r *repo) ask(ctx context.Context, args ...string) (string, error) {
	out, err := r.output(ctx, args...)
	return strings.TrimRight(string(out), "\n"), err
}

// maybe asks for something that may not be there: git then ends with 1 and says nothing.
func (r *repo) maybe(ctx context.Context, args ...string) (string, error) {
	out, err := r.ask(ctx, args...)
	if exit := (*command.Exit)(nil); errors.As(err, &exit) && exit.Code == 1 && exit.Stderr == "" {
		return "", nil
	}
	return out, err
}

// explain turns git's own words into an error that a person can act on.
func explain(err error) error {
	var exit *command.Exit
	switch {
	case err == nil:
		return nil
	case errors.Is(err, command.ErrMissing):
		return errs.New(errs.Unavailable, "git is not installed on this machine").Mend("install git").Because(err)
	case errors.As(err, &exit):
		return errs.New(errs.Unavailable, "git could not read the repository: %s", feed.Text(firstLine(exit.Stderr))).
			Mend("run git fsck in the repository").Because(err)
	}
	return err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
