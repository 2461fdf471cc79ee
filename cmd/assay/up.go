// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/job"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
	"github.com/spf13/cobra"
)

func (t *tool) up() *cobra.Command {
	var repos, endpoints []string
	var email string
	c := &cobra.Command{
		Use: "up", Short: "Set up, read this machine, run all tests, and serve", GroupID: "main",
		Long: "Makes the data folder, the organisation and its first owner where they are missing, connects this\n" +
			"machine, the git repositories and the endpoints that you name, reads them, runs all tests, and\n" +
			"serves the site. Run it again at any time: what is there already stays.",
		Example: "  assay up\n  assay up --repo . --endpoint www.example.com:443 --org \"Example Ltd\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.runUp(cmd, repos, endpoints, email)
		},
	}
	c.Flags().StringArrayVar(&repos, "repo", nil, "path of a git repository; can be given several times")
	c.Flags().StringArrayVar(&endpoints, "endpoint", nil, "HOST:PORT whose TLS is looked at; can be given several times")
	c.Flags().StringVar(&email, "email", "", "e-mail address of the first owner (default: that of git, else owner@localhost)")
	c.Flags().String("listen", "", "address to listen on (default 127.0.0.1:8080)")
	return c
}

func (t *tool) runUp(cmd *cobra.Command, repos, endpoints []string, email string) error {
	err := t.setUp(cmd, repos, endpoints, email)
	if ctx := cmd.Context(); ctx.Err() != nil {
		return t.stopped(ctx, err, "Unfinished work does not count; run assay up again to complete it.")
	}
	if err != nil {
		return err
	}
	return t.listen(cmd.Context(), true)
}

// setUp does what comes before serving.
func (t *tool) setUp(cmd *cobra.Command, repos, endpoints []string, email string) error {
	ctx := cmd.Context()
	if err := t.open(cmd, true, true); err != nil {
		return err
	}
	org, err := t.app.Org(ctx)
	if e := errs.Public(err); err != nil && e.Code == errs.NotFound {
		name := t.cfg.Get("org")
		if name == "" {
			name = "My company"
		}
		if email == "" {
			email = gitEmail(repos)
		}
		org, err = t.app.Found(ctx, name, email)
		if err == nil {
			fmt.Fprintf(t.out, "Made the organisation %q in %s.\n", name, t.app.Data)
		}
	}
	if err != nil {
		return err
	}
	t.org = org
	if err := t.readRules(ctx); err != nil {
		return err
	}
	if err := t.connect(ctx, repos, endpoints); err != nil {
		return err
	}
	bar := newBar(t.errOut)
	cycle, err := t.app.Works.Cycle(ctx, org, store.System("check.run"), "manual", nil, bar.step)
	bar.end(err == nil)
	if err != nil {
		return err
	}
	return t.summary(ctx, cycle)
}

// readRules reads the tests of the program and of the data folder, and says which files wait for approval.
func (t *tool) readRules(ctx context.Context) error {
	n, err := t.app.ReadRules(ctx, t.org)
	if n.Problem != "" {
		fmt.Fprintln(t.errOut, n.Problem)
	}
	for _, w := range n.Waiting {
		fmt.Fprintf(t.out, "Waiting for approval: %s. The file is not used until someone approves it (Controls, Rule files).\n", w)
	}
	if len(n.Library) > 0 {
		fmt.Fprintf(t.out, "New in the library, as drafts: %s. They don't count until someone proposes to activate them and someone else approves (Controls).\n", strings.Join(n.Library, ", "))
	}
	for _, ref := range n.Drafts {
		fmt.Fprintf(t.out, "Waiting for approval: control %s. It doesn't count until someone proposes to activate it and someone else approves (Controls, %s).\n", ref, ref)
	}
	return err
}

// connect connects what can be read without any account.
func (t *tool) connect(ctx context.Context, repos, endpoints []string) error {
	if err := t.app.Connect(ctx, t.org, site.HostName(), "host", map[string]any{}); err != nil {
		return err
	}
	for _, r := range repos {
		path, err := filepath.Abs(r)
		if err != nil {
			return errs.At("repo", "%q is not a path", r)
		}
		if _, err := os.Stat(path); err != nil {
			return errs.At("repo", "there is nothing at %s", path).Mend("give the folder of a git repository")
		}
		if err := t.app.Connect(ctx, t.org, filepath.Base(path), "git", map[string]any{"path": path}); err != nil {
			return err
		}
	}
	if len(endpoints) > 0 {
		return t.app.Connect(ctx, t.org, "TLS endpoints: "+strings.Join(endpoints, ", "), "tls", map[string]any{"endpoints": endpoints})
	}
	return nil
}

// gitEmail is the address that git knows its user by.
func gitEmail(repos []string) string {
	dir := "."
	if len(repos) > 0 {
		dir = repos[0]
	}
	out, err := exec.Command("git", "-C", dir, "config", "user.email").Output()
	mail := strings.ToLower(strings.TrimSpace(string(out)))
	if err != nil || !strings.Contains(mail, "@") || strings.ContainsAny(mail, " <>") {
		return "owner@localhost"
	}
	return mail
}

// summary says in a few honest lines what was found.
func (t *tool) summary(ctx context.Context, c job.Cycle) error {
	var o *report.Overview
	ans, err := ask[report.Overview](t, t.cmd, "readiness.get", struct{}{})
	if err != nil {
		return err
	}
	o = &ans
	for _, r := range c.Runs {
		if r.State != "complete" {
			fmt.Fprintf(t.out, "%s could not be read to its end (%s): %s\n", r.Connector, r.State, r.Problem)
		}
	}
	fmt.Fprintln(t.out)
	printOverview(t.out, o)
	return ctx.Err()
}

func (t *tool) serve() *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "Serve the site, REST and MCP, and do the daily work", GroupID: "main",
		Example: "  assay serve --listen 127.0.0.1:8080", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.open(cmd, false, true); err != nil {
				return err
			}
			if err := t.ready(cmd); err != nil {
				return err
			}
			if err := t.readRules(cmd.Context()); err != nil {
				return err
			}
			return t.listen(cmd.Context(), false)
		},
	}
	c.Flags().String("listen", "", "address to listen on (default 127.0.0.1:8080)")
	return c
}

// listen serves until it is told to stop.
func (t *tool) listen(ctx context.Context, link bool) error {
	url, err := "", error(nil)
	if link {
		if url, err = t.app.SignInLink(ctx, t.org); err != nil {
			return err
		}
	}
	err = t.app.Serve(ctx, version, func(addr string) {
		fmt.Fprintf(t.out, "\nServing on http://%s. Ctrl-C stops.\n", addr)
		if url != "" {
			fmt.Fprintf(t.out, "Sign in (this link works once, for 24 hours):\n\n  %s\n\n", url)
		}
	})
	return t.stopped(ctx, err, "Everything that was confirmed is saved.")
}

// bar shows the progress of long work on a terminal, and a line for each step elsewhere.
type bar struct {
	w    interface{ Write([]byte) (int, error) }
	tty  bool
	last string
	took func() time.Duration
}

func newBar(w interface{ Write([]byte) (int, error) }) *bar {
	b := &bar{w: w, took: clock.Since()}
	if f, ok := w.(*os.File); ok {
		if st, err := f.Stat(); err == nil {
			b.tty = st.Mode()&os.ModeCharDevice != 0
		}
	}
	return b
}

func (b *bar) step(what string, done, total int) {
	const width = 24
	if !b.tty {
		if what != b.last {
			fmt.Fprintf(b.w, "%s\n", what)
		}
		b.last = what
		return
	}
	full := 0
	if total > 0 {
		full = width * done / total
	}
	fmt.Fprintf(b.w, "\r\x1b[K[%s%s] %d/%d %s", strings.Repeat("=", full), strings.Repeat(" ", width-full), done, total, what)
}

func (b *bar) end(done bool) {
	if b.tty {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
	if !done {
		return
	}
	fmt.Fprintf(b.w, "done in %s\n", b.took().Round(10*time.Millisecond))
}
