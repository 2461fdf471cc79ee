// SPDX-License-Identifier: Apache-2.0

// Package site puts the parts of Assay together: one data folder, one Gate, one HTTP address. It
// decides nothing; it knows which parts there are and in which order they start and stop.
package site

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"assay/internal/auth"
	"assay/internal/blob"
	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source"
	"assay/internal/collect/source/mail"
	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/job"
	"assay/internal/kind"
	"assay/internal/ledger"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/seal"
	"assay/internal/store"
)

// Parts are what an App is made of beside its settings. Tests give their own; the zero value is the product's.
type Parts struct {
	Clock      clock.Clock
	Connectors []collect.Connector
	Log        *slog.Logger
	Version    string                           // of the program
	Catalogue  func() (*check.Catalogue, error) // the built-in tests; those of this program where nil
}

// App is Assay over one data folder.
type App struct {
	Settings Settings
	Set      *op.Set
	Gate     *op.Gate
	DB       *store.DB
	Works    *job.Works
	Door     auth.Door
	Boards   *report.Boards
	Log      *slog.Logger
	Data     string
	rules    rules
	files    files
}

// Operations lists every operation of the product.
func Operations(w *job.Works, b *report.Boards, connectors []collect.Connector) *op.Set {
	s := &op.Set{}
	op.Kernel(s)
	auth.Add(s)
	grc.Add(s, grc.Above{Severities: b.Severity, Parameters: b.Parameter})
	collect.Add(s, connectors)
	check.Add(s)
	report.Add(s, b)
	w.Add(s)
	return s
}

// Open opens the data folder, and makes it where there is none.
func Open(ctx context.Context, cfg Settings, p Parts) (*App, error) {
	dns, err := mail.Ask(cfg.Get("dns_resolver"))
	if err != nil {
		return nil, err
	}
	if p.Connectors == nil {
		p.Connectors = source.Connectors(dns)
	}
	if p.Log == nil {
		p.Log = logger(cfg, os.Stderr)
	}
	if p.Clock == nil {
		p.Clock = clock.System{}
	}
	a := &App{Settings: cfg, Log: p.Log, Data: cfg.Get("data")}
	if err := os.MkdirAll(a.Data, 0o700); err != nil {
		return nil, errs.At("data", "the folder %s can't be created", a.Data).Because(err)
	}
	dsn := cfg.Get("database")
	if dsn == "" {
		dsn = "sqlite:" + filepath.Join(a.Data, "assay.db")
	}
	a.files = files{dir: filepath.Join(a.Data, "files")}
	a.rules = rules{dir: filepath.Join(a.Data, "tests"), program: p.Version, standard: p.Catalogue}
	if p.Catalogue == nil {
		a.rules.standard = check.Standard
	}
	a.Works = &job.Works{Log: p.Log, Rules: check.InForce, Before: a.beforeCheck, Runner: &collect.Runner{Connectors: p.Connectors, Keep: a.files.keep, Open: a.files.open}}
	a.Boards = &report.Boards{Rules: check.InForce}
	a.Set = Operations(a.Works, a.Boards, p.Connectors)
	if err := a.Set.Sound(); err != nil {
		return nil, err
	}
	conn, err := db.Open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	a.DB, err = store.Open(ctx, conn, store.Options{Clock: p.Clock, Kinds: a.Set.Shapes(), Tables: a.Set.Tables(),
		Keys: &ledger.Keys{Dir: filepath.Join(a.Data, "keys")}, Anchors: &ledger.Anchors{Dir: filepath.Join(a.Data, "anchor")},
		Seals: seals(cfg, a.Data)})
	if err != nil {
		conn.Close()
		return nil, err
	}
	a.Works.DB, a.Door, a.Boards.DB = a.DB, auth.Door{DB: a.DB}, a.DB
	a.Boards.File = a.files.check
	a.Works.After = a.Boards.Score
	a.Gate = &op.Gate{Set: a.Set, DB: a.DB, Log: p.Log, Files: a.files.of, Days: a.days, MaxFile: a.maxFile()}
	return a, nil
}

// seals are the keys of secrets: in the data folder, or where the settings say.
func seals(cfg Settings, data string) *seal.Ring {
	if p := cfg.Get("seal_keys"); p != "" {
		return &seal.Ring{Path: p, Given: true}
	}
	return &seal.Ring{Path: filepath.Join(data, "keys")}
}

// Close waits for what is under way and closes the data folder.
func (a *App) Close() error { return a.DB.Close() }

func logger(cfg Settings, w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(cfg.Get("log_level"))) // a wrong word leaves info
	o := &slog.HandlerOptions{Level: level}
	if cfg.Get("log_format") == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// files keeps the files of each organisation in a folder of its own, so that one cannot learn what another has.
type files struct{ dir string }

func (f files) of(org string) (blob.Store, error) {
	if strings.ContainsAny(org, `/\.`) || org == "" {
		return nil, fmt.Errorf("no folder for %q", org)
	}
	return blob.OpenFolder(filepath.Join(f.dir, org))
}

func (f files) keep(ctx context.Context, org string, r io.Reader) (kind.SHA256, error) {
	s, err := f.of(org)
	if err != nil {
		return "", err
	}
	info, err := s.Put(ctx, r, 0)
	return kind.SHA256(info.SHA256), err
}

func (f files) open(ctx context.Context, org, sha string) (io.ReadCloser, error) {
	s, err := f.of(org)
	if err != nil {
		return nil, err
	}
	r, _, err := s.Open(ctx, sha)
	return r, err
}

func (f files) check(ctx context.Context, org, sha string) error {
	s, err := f.of(org)
	if err != nil {
		return err
	}
	return s.Check(ctx, sha)
}
