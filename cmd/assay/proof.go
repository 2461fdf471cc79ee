// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/store"
	"github.com/spf13/cobra"
)

func (t *tool) verify() *cobra.Command {
	var saved []string
	var export, key string
	var asJSON bool
	c := &cobra.Command{
		Use: "verify", Short: "Recompute everything from the ledger up, and name what is wrong", GroupID: "proof", Args: cobra.NoArgs,
		Long: "Recomputes every entry, body, row, file and checkpoint from the ledger up. Hold it against a checkpoint\n" +
			"that you kept elsewhere: whoever has the signing key could write a whole false ledger, and only such a\n" +
			"checkpoint shows it.\n\nExit codes: 0 all good; 2 altered content; 3 a missing or extra file, row or entry; 4 a bad signature or\nan unknown key; 5 the history does not extend a checkpoint that you kept. 1: it could not run.",
		Example: "  assay verify\n  assay verify --checkpoint kept.txt\n  assay verify --export ledger.ndjson --key key.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			notes := []string{}
			for _, f := range saved {
				b, err := os.ReadFile(f)
				if err != nil {
					return errs.At("checkpoint", "%s cannot be read", f).Because(err)
				}
				notes = append(notes, noteIn(b))
			}
			took := clock.Since()
			a, err := t.audit(cmd, export, key, notes)
			if err != nil {
				fmt.Fprintln(t.errOut, "error:", errs.Public(err).Error())
				return exit(notChecked)
			}
			if asJSON {
				if err := t.json(a); err != nil {
					return err
				}
			} else {
				t.sayAudit(a, took())
			}
			if len(a.Problems) > 0 {
				code, _ := a.Verdict()
				return exit(code)
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&saved, "checkpoint", nil, "file with a checkpoint that you kept; can be given several times")
	c.Flags().StringVar(&export, "export", "", "verify this export instead of the data folder")
	c.Flags().StringVar(&key, "key", "", "with --export: file with the public key that you trust")
	c.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return c
}

// noteIn is the signed note in a file: the file itself, or the answer of ledger sign as JSON.
func noteIn(b []byte) string {
	var j map[string]any
	if utf8.Valid(b) && json.Unmarshal(b, &j) == nil {
		if s, ok := j["note"].(string); ok && s != "" {
			return s
		}
	}
	return string(b)
}

func (t *tool) audit(cmd *cobra.Command, export, key string, notes []string) (store.Audit, error) {
	if export != "" {
		return verifyExport(export, key, notes)
	}
	cfg, err := t.settings(cmd)
	if err != nil {
		return store.Audit{}, err
	}
	if cfg.Get("server") != "" {
		return ask[store.Audit](t, cmd, "ledger.verify", map[string]any{"checkpoints": notes})
	}
	if err := t.ready(cmd); err != nil {
		return store.Audit{}, err
	}
	b := newBar(t.errOut)
	opt := store.VerifyOptions{Saved: notes, File: t.app.FileCheck(t.org)}
	if b.tty {
		opt.Progress = func(done, total int64) { b.step("entries", int(done), int(total)) }
	}
	a, err := t.app.DB.Verify(cmd.Context(), t.org, opt)
	if b.tty {
		fmt.Fprint(t.errOut, "\r\x1b[K")
	}
	return a, err
}

// verifyExport verifies a file that left the house, with nothing but the file, the key and the checkpoints.
func verifyExport(export, key string, notes []string) (store.Audit, error) {
	f, err := os.Open(export)
	if err != nil {
		return store.Audit{}, errs.At("export", "%s cannot be read", export).Because(err)
	}
	defer f.Close()
	trusted := ""
	if key != "" {
		b, err := os.ReadFile(key)
		if err != nil {
			return store.Audit{}, errs.At("key", "%s cannot be read", key).Because(err)
		}
		trusted = string(b) + "\n" // an empty file is a malformed key, and not the same as none
	}
	a, err := store.VerifyExport(f, trusted, notes)
	return a.Audit, err
}

func (t *tool) export() *cobra.Command {
	var to, checkpoint string
	var public bool
	c := &cobra.Command{
		Use: "export", Short: "Write the ledger as a file that a stranger can verify", GroupID: "proof", Args: cobra.NoArgs,
		Long:    "Writes the ledger with its bodies and rows as one file. docs/ledger-format.md says what is in it, and\ndocs/verifier has a second verifier that runs in a browser without a network. Bodies are written as they\nare stored, personal data with them; --public writes entries only, which still prove order and integrity.",
		Example: "  assay export --to ledger.ndjson\n  assay export --public --to ledger-public.ndjson",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.ready(cmd); err != nil {
				return err
			}
			o := store.ExportOptions{Public: public, Program: "assay " + version}
			if checkpoint != "" {
				b, err := os.ReadFile(checkpoint)
				if err != nil {
					return errs.At("checkpoint", "%s cannot be read", checkpoint).Because(err)
				}
				o.Checkpoint = string(b)
			}
			w := io.WriteCloser(os.Stdout)
			if to != "-" {
				f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
				if err != nil {
					return errs.At("to", "%s cannot be written", to).Because(err)
				}
				w = f
			}
			cp, err := t.app.DB.Export(cmd.Context(), t.org, w, o)
			if e := w.Close(); err == nil && to != "-" {
				err = e
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(t.errOut, "%d entries written; the file ends at the checkpoint for %d.\n", cp.Size, cp.Size)
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "-", "file to write; - is standard output")
	c.Flags().StringVar(&checkpoint, "checkpoint", "", "end at this checkpoint instead of a new one")
	c.Flags().BoolVar(&public, "public", false, "entries only: no bodies, no salts, no rows")
	return c
}

func (t *tool) sayAudit(a store.Audit, took time.Duration) {
	fmt.Fprintf(t.out, "%d entries, %d bodies, %d rows, %d files, %d checkpoints recomputed in %s.\n", a.Size, a.Bodies, a.Rows, a.Files, a.Checkpoints, took.Round(time.Millisecond))
	fmt.Fprintf(t.out, "root %s\n", a.Root)
	if a.Disposed > 0 {
		fmt.Fprintf(t.out, "%d bodies were disposed of lawfully; the ledger says by whom and why.\n", a.Disposed)
	}
	if len(a.Problems) == 0 {
		fmt.Fprintln(t.out, "Intact: everything is what the ledger committed to.")
	}
	for _, p := range a.Problems {
		at := ""
		if p.Entry >= 0 {
			at = fmt.Sprintf(" (ledger entry %d)", p.Entry)
		}
		fmt.Fprintf(t.out, "WRONG  %s%s: %s\n", p.Object, at, p.Text)
	}
	if a.Kept == 0 {
		fmt.Fprintln(t.out, "\nNot held against any checkpoint from outside. Keep one elsewhere (assay ledger sign --json) and\ngive it with --checkpoint: it is what shows a ledger that was rewritten as a whole.")
	}
}

func (t *tool) mcp() *cobra.Command {
	return &cobra.Command{
		Use: "mcp", Short: "Serve the tools of the Model Context Protocol on standard input and output", GroupID: "house", Args: cobra.NoArgs,
		Example: "  assay mcp --data ./assay-data",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.ready(cmd); err != nil {
				return err
			}
			return t.app.MCP(cmd.Context(), version, t.org)
		},
	}
}

func (t *tool) config() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "config", Short: "Show every setting with its value and where that came from", GroupID: "house", Args: cobra.NoArgs, Example: "  assay config\n  ASSAY_LISTEN=127.0.0.1:9000 assay config",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := t.settings(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				return t.json(s.Shown())
			}
			for _, x := range s.Shown() {
				v := x.Value
				if v == "" {
					v = "-"
				}
				fmt.Fprintf(t.out, "%-14s %-28s %-12s %s\n", x.Name, v, x.From, x.About)
			}
			fmt.Fprintf(t.out, "\nA setting is given as a flag, as the variable ASSAY_NAME (or ASSAY_NAME_FILE), or in %s/assay.yaml.\n", s.Get("data"))
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return c
}

func (t *tool) versionCmd() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "Show the version", GroupID: "house", Args: cobra.NoArgs, Example: "  assay version --json",
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				i := slices.IndexFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "vcs.revision" })
				if i >= 0 {
					v["revision"] = info.Settings[i].Value
				}
			}
			if asJSON {
				return t.json(v)
			}
			fmt.Fprintln(t.out, strings.TrimSpace("assay "+v["version"]+" "+v["go"]+" "+v["platform"]))
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return c
}
