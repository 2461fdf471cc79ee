// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"assay/internal/cli"
	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/site"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tool is what the commands share: where they write, and the data folder once it is open.
type tool struct {
	out, errOut io.Writer
	app         *site.App
	cfg         site.Settings
	org         string
	code        int
	failing     bool           // the last check had tests that fail
	cmd         *cobra.Command // the one that runs
	set         *op.Set
	release     func() // gives the data folder back to the next process that serves
	asOf        string // the moment that the command asks of, where one was given
}

func (t *tool) close() {
	if err := t.shut(); err != nil {
		fmt.Fprintln(t.errOut, "closing the data folder:", err)
	}
}

// shut closes the data folder, and then lets the next process have it.
func (t *tool) shut() error {
	var err error
	if t.app != nil {
		err = t.app.Close()
		t.app = nil
	}
	if t.release != nil {
		t.release()
		t.release = nil
	}
	return err
}

// hold takes the data folder for a command that serves.
func (t *tool) hold(ctx context.Context, cfg site.Settings) (err error) {
	t.release, err = site.Hold(ctx, cfg, func(pid string) {
		fmt.Fprintf(t.errOut, "Waiting for another assay process (pid %s) to stop using %s …\n", pid, cfg.Get("data"))
	})
	return err
}

// stopped closes the data folder and says so: the last that a command says that serves. An error that only says that it was
// told to stop is none.
func (t *tool) stopped(ctx context.Context, err error, kept string) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || db.IsCut(err)) {
		err = nil
	}
	if e := t.shut(); e != nil {
		err = errors.Join(err, fmt.Errorf("close the data folder: %w", e))
	}
	if err == nil {
		fmt.Fprintln(t.out, "Stopped. "+kept)
	}
	return err
}

// settings reads the settings with the flags that were given.
func (t *tool) settings(cmd *cobra.Command) (site.Settings, error) {
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		given[strings.ReplaceAll(f.Name, "-", "_")] = f.Value.String()
	})
	return site.Load(given)
}

// open opens the data folder. It is made only where create is true; a command that serves has it for itself.
func (t *tool) open(cmd *cobra.Command, create, serves bool) error {
	if t.app != nil {
		return nil
	}
	cfg, err := t.settings(cmd)
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Get("data")); !create && cfg.Get("database") == "" && errors.Is(err, os.ErrNotExist) {
		return errs.At("data", "there is no folder %s yet", cfg.Get("data")).Mend("run: assay up")
	}
	if serves {
		if err := t.hold(cmd.Context(), cfg); err != nil {
			return err
		}
	}
	t.cfg = cfg
	t.app, err = site.Open(cmd.Context(), cfg, site.Parts{Version: version})
	return err
}

// ready opens the data folder and finds the organisation.
func (t *tool) ready(cmd *cobra.Command) error {
	if err := t.open(cmd, false, false); err != nil {
		return err
	}
	org, err := t.app.Org(cmd.Context())
	t.org = org
	return err
}

// wire calls operations for the commands that are made of them, when their flags have been read.
type wire struct{ t *tool }

// Call calls an operation: on a server where one is named, else in this process.
func (w wire) Call(_ context.Context, c op.Call) (op.Answer, error) {
	return w.t.do(w.t.cmd, c)
}

// Upload brings a file.
func (w wire) Upload(ctx context.Context, r io.Reader) (op.Brought, error) {
	c, err := w.t.caller(w.t.cmd)
	if err != nil {
		return op.Brought{}, err
	}
	b, ok := c.(cli.Bringer)
	if !ok {
		return op.Brought{}, fmt.Errorf("a caller that brings no files: %T", c)
	}
	return b.Upload(ctx, r)
}

// caller is a server where one is named, else this process.
func (t *tool) caller(cmd *cobra.Command) (cli.Caller, error) {
	cfg, err := t.settings(cmd)
	if err != nil {
		return nil, err
	}
	if url := cfg.Get("server"); url != "" {
		return cli.Remote(t.set, url, cfg.Get("token"))
	}
	if err := t.ready(cmd); err != nil {
		return nil, err
	}
	return cli.Local{Gate: t.app.Gate, Actor: site.Here(t.org)}, nil
}

func (t *tool) do(cmd *cobra.Command, c op.Call) (op.Answer, error) {
	to, err := t.caller(cmd)
	if err != nil {
		return op.Answer{}, err
	}
	return to.Call(cmd.Context(), c)
}

// ask calls an operation and decodes its answer.
func ask[Out any](t *tool, cmd *cobra.Command, name string, in any) (Out, error) {
	var out Out
	raw, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	c := op.Call{Op: name, In: raw}
	if cmd.Flags().Changed(cli.AsOf) {
		if err := c.Ask(t.asOf); err != nil {
			return out, err
		}
	}
	ans, err := t.do(cmd, c)
	if err != nil {
		return out, err
	}
	b, err := json.Marshal(ans.Out)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

func (t *tool) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
