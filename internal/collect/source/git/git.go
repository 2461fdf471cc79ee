// SPDX-License-Identifier: Apache-2.0

// Package git reads a local git repository: the repository, the people in its history, and every
// change on its default branch in a period.
//
// It knows what git records: commits, names, dates, signatures that are there or not. It does not
// know what only a host such as a forge records (approvals, checks, rights, visibility) and says
// so for each attribute. It asks the git program, never a network, and trusts nothing that the
// repository's own configuration says (see safe.go).
package git

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source/command"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// The kinds that this source supplies.
const (
	kindRepo   = "vcs.repo"
	kindMember = "vcs.member"
	kindChange = "vcs.change"
	kindCommit = "vcs.commit"
)

// Config is what a person sets.
type Config struct {
	Path           string   `json:"path"`
	Name           string   `json:"name"`
	Branch         string   `json:"branch"`
	SinceDays      int      `json:"since_days"`
	Since          string   `json:"since"`
	Production     *bool    `json:"production"`
	TicketPrefixes []string `json:"ticket_prefixes"`
	MessagesTell   bool     `json:"tickets_in_messages"`
}

// Source reads one repository.
type Source struct {
	cfg     Config
	clock   clock.Clock
	run     command.Runner
	tickets *ticketFinder
}

// Connector describes the source for forms and help.
func Connector(c clock.Clock, run command.Runner) collect.Connector {
	return collect.Connector{
		Name:  "git",
		Title: "Git repository",
		Doc:   "Reads a repository on this machine: the people in its history and every change on its default branch.",
		Fields: []collect.ConfigField{
			{Name: "path", Doc: "Folder of the repository, with files or bare.", Example: "/srv/git/shop.git", Required: true},
			{Name: "name", Doc: "Name to show. Without it, the folder's name.", Example: "shop"},
			{Name: "branch", Doc: "Default branch. Without it, what the clone recorded as the remote's default.", Example: "main"},
			{Name: "since_days", Doc: "How many days back the changes go. 365 without it.", Example: "365"},
			{Name: "since", Doc: "First day of the period, in place of since_days.", Example: "2026-01-01"},
			{Name: "production", Doc: "Whether what is merged here reaches production. True without it.", Example: "true"},
			{Name: "ticket_prefixes", Doc: "Keys of your ticket projects, so that SHOP-12 anywhere in a message counts as a ticket.", Example: "SHOP", List: true},
			{Name: "tickets_in_messages", Doc: "Say true if your rule is that the commit message names the ticket: then a message without one means that there is none.", Example: "true"},
		},
		New: func(raw json.RawMessage) (collect.Source, error) {
			var cfg Config
			if err := feed.Config(raw, &cfg); err != nil {
				return nil, err
			}
			return New(cfg, c, run)
		},
	}
}

var prefixForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,30}$`)

// New makes a source from a configuration, and refuses one that cannot work.
func New(cfg Config, c clock.Clock, run command.Runner) (*Source, error) {
	if strings.TrimSpace(cfg.Path) == "" {
		return nil, errs.At("path", "is missing").Mend("give the folder of the repository")
	}
	abs, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, errs.At("path", "%q is not a path", cfg.Path).Because(err)
	}
	cfg.Path = abs
	if cfg.SinceDays < 0 || cfg.SinceDays > 36500 {
		return nil, errs.At("since_days", "must be between 1 and 36500")
	}
	if cfg.Since != "" {
		if _, err := time.Parse(time.DateOnly, cfg.Since); err != nil {
			return nil, errs.At("since", "%q is not a day", cfg.Since).Mend("write it as 2026-01-31")
		}
		if cfg.SinceDays != 0 {
			return nil, errs.At("since_days", "stands beside since").Mend("keep one of the two")
		}
	}
	for _, p := range cfg.TicketPrefixes {
		if !prefixForm.MatchString(p) {
			return nil, errs.At("ticket_prefixes", "%q is not a project key", p).Mend("letters and digits only, such as SHOP")
		}
	}
	return &Source{cfg: cfg, clock: c, run: run, tickets: newTicketFinder(cfg.TicketPrefixes, cfg.MessagesTell)}, nil
}

// Describe implements collect.Source.
func (s *Source) Describe() collect.Description {
	return collect.Description{
		Kinds:       []string{kindRepo, kindMember, kindChange, kindCommit},
		Reads:       "The whole commit history of the repository at " + s.cfg.Path + ". It writes nothing and contacts no other machine.",
		Permissions: []string{"read access to the repository's folder"},
		Query:       "git " + strings.Join(logArgs, " ") + " <tip>; changes since " + s.sinceText(),
		Version:     "git object format",
	}
}

func (s *Source) sinceText() string {
	if s.cfg.Since != "" {
		return s.cfg.Since
	}
	return fmt.Sprintf("%d days ago", s.days())
}

func (s *Source) days() int {
	if s.cfg.SinceDays == 0 {
		return 365
	}
	return s.cfg.SinceDays
}

func (s *Source) since() time.Time {
	if s.cfg.Since != "" {
		t, _ := time.Parse(time.DateOnly, s.cfg.Since) // checked by New
		return t
	}
	return s.clock.Now().AddDate(0, 0, -s.days())
}

// Collect implements collect.Source. Nothing is handed over before the whole history was read.
func (s *Source) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	out := feed.New(ctx, page, kindRepo, kindMember, kindChange, kindCommit)
	r, err := open(ctx, s.cfg, s.run)
	if err != nil {
		return out.Fail(err)
	}
	h := newHistory(r.tip, s.since().Unix(), s.clock.Now().Unix(), s.tickets)
	warnings, err := r.log(ctx, h)
	if err != nil {
		return out.Fail(err)
	}
	switch {
	case r.shallow:
		out.Incomplete("the clone is shallow, so its history is cut off: run git fetch --unshallow in it")
	case warnings != "":
		out.Incomplete("git could not read all of the repository: %s", feed.Text(warnings))
	case h.missing() > 0:
		out.Incomplete("%d commits are named by others but are not in the repository: run git fsck in it", h.missing())
	}
	if err := s.emit(out, r, h); err != nil {
		return out.Fail(err)
	}
	return out.End()
}

func (s *Source) emit(out *feed.Feed, r *repo, h *history) error {
	out.Raw(r.refs)
	if err := out.Add(s.repoResource(r)); err != nil {
		return err
	}
	for _, m := range h.members() {
		if err := out.Add(m); err != nil {
			return err
		}
	}
	return h.eachChange(func(c *change) error {
		if err := out.Add(c.resource(r.name, h)); err != nil {
			return err
		}
		for _, at := range c.brought {
			if err := out.Add(c.commit(r.name, h, at)); err != nil {
				return err
			}
		}
		return nil
	})
}

const onlyHost = "git does not record it; a source that reads the repository's host does"

func (s *Source) repoResource(r *repo) collect.Resource {
	a := feed.NewAttrs()
	a.Set("default_branch", r.branch)
	a.Set("production", s.cfg.Production == nil || *s.cfg.Production)
	a.Unknown(onlyHost, "visibility", "archived", "secret_scanning", "dependency_alerts", "approved_public")
	return a.Resource(kindRepo, r.name, r.name)
}
