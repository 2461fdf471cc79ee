// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"assay/internal/cli"
	"assay/internal/job"
	"assay/internal/report"
	"github.com/spf13/cobra"
)

// printOverview says how ready the organisation is: first the answer, then what it rests on.
func printOverview(w io.Writer, o *report.Overview) {
	fmt.Fprintf(w, "Readiness %d%%. %d of %d criteria are not proved; %d have no proof at all.\n\n", o.Percent, len(o.NotProved), o.Criteria, len(o.Zero))
	total := 0
	for _, n := range o.Controls {
		total += n
	}
	fmt.Fprintf(w, "  criteria  %3d   %d proved, %d in part, %d without proof\n", o.Criteria, o.Criteria-len(o.NotProved), len(o.NotProved)-len(o.Zero), len(o.Zero))
	fmt.Fprintf(w, "  controls  %3d   %s\n", total, tally(o.Controls, "passing", "needs_attention", "failing", "no_data", "not_started", "not_applicable"))
	total = 0
	for _, n := range o.Tests {
		total += n
	}
	fmt.Fprintf(w, "  tests     %3d   %s\n", total, tally(o.Tests, "pass", "fail", "excepted", "error", "unknown", "not_applicable", "never_run"))
	if o.Newest != nil {
		fmt.Fprintf(w, "  data            newest from %s\n", o.Newest.Format("2 Jan 2006 15:04 MST"))
	} else {
		fmt.Fprintln(w, "  data            none yet")
	}
	if n := len(o.SourcesFailing); n > 0 {
		fmt.Fprintf(w, "  sources         %d could not be read; what they showed before is marked old\n", n)
	}
	fmt.Fprintln(w, "\nUnknown means that no source says so. It never counts as a pass.")
	printNext(w, o.Next)
}

// printNext says what to do next, where something is left to do.
func printNext(w io.Writer, all []report.Step) {
	said := false
	for _, s := range all {
		if s.Done() {
			continue
		}
		if !said {
			fmt.Fprintln(w, "\nWhat to do next, best first:")
			said = true
		}
		fmt.Fprintf(w, "  %3d of %3d  %s\n", s.Got, s.Of, s.Text)
		for _, g := range s.Gaps[:min(len(s.Gaps), 3)] {
			fmt.Fprintf(w, "              %s\n", g.Text)
		}
	}
}

func tally(n map[string]int, order ...string) string {
	parts := []string{}
	for _, k := range order {
		if n[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[k], strings.ReplaceAll(k, "_", " ")))
		}
	}
	return strings.Join(parts, ", ")
}

func (t *tool) readiness() *cobra.Command {
	return question(t, "readiness", "main", "Say how ready you are, and what stands in the way", "readiness.get", func(o report.Overview) error {
		printOverview(t.out, &o)
		if len(o.Failing) > 0 {
			fmt.Fprintf(t.out, "\nControls that fail: %s\n", strings.Join(o.Failing, ", "))
		}
		return nil
	})
}

// question makes a command that asks one operation and prints the answer in words, or its JSON.
func question[Out any](t *tool, name, group, short, operation string, say func(Out) error) *cobra.Command {
	var asJSON bool
	example := "  assay " + name + "\n  assay " + name + " --json"
	reads := !t.set.Find(operation).Writes
	if reads {
		example += "\n  assay " + name + " --as-of 2026-11-01"
	}
	c := &cobra.Command{Use: name, Short: short, GroupID: group, Example: example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, err := ask[Out](t, cmd, operation, struct{}{})
			if err != nil {
				return err
			}
			if c, ok := any(out).(job.Cycle); ok {
				t.failing = c.Tests["fail"] > 0
			}
			if asJSON {
				return t.json(out)
			}
			return say(out)
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	if reads {
		c.Flags().StringVar(&t.asOf, cli.AsOf, "", cli.AsOfDoc)
	}
	return c
}

func (t *tool) criteria() *cobra.Command {
	return question(t, "criteria", "main", "List the 61 criteria, with counts by category", "criterion.list", func(o report.CriterionList) error {
		want := map[string]int{"security": 33, "availability": 3, "processing_integrity": 5, "confidentiality": 2, "privacy": 18}
		for _, c := range o.Data {
			scope := ""
			if !c.InScope {
				scope = "not in scope"
			} else if c.Decision != "" {
				scope = "does not apply"
			} else {
				scope = fmt.Sprintf("%3d%%  %s", c.Percent, strings.ReplaceAll(c.Status, "_", " "))
			}
			fmt.Fprintf(t.out, "%-6s %-58s %s\n", c.Ref, clip(c.Text, 58), scope)
		}
		fmt.Fprintln(t.out)
		for _, k := range []string{"security", "availability", "processing_integrity", "confidentiality", "privacy"} {
			fmt.Fprintf(t.out, "%-22s %2d\n", strings.ReplaceAll(k, "_", " "), o.Categories[k])
			if o.Categories[k] != want[k] {
				return fmt.Errorf("there are %d criteria of %s, and there must be %d", o.Categories[k], k, want[k])
			}
		}
		fmt.Fprintf(t.out, "%-22s %2d\n", "all", o.Total)
		return nil
	})
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func (t *tool) status() *cobra.Command {
	return question(t, "status", "main", "Show the ledger, its newest checkpoint and the sources", "ledger.status", func(o report.LedgerStatus) error {
		fmt.Fprintf(t.out, "ledger      %d entries\n", o.Size)
		if o.Checkpoint.Note == "" {
			fmt.Fprintln(t.out, "checkpoint  none was signed yet")
		} else {
			fmt.Fprintf(t.out, "checkpoint  signed for %d entries, root %s\n", o.Checkpoint.Size, o.Checkpoint.Root)
		}
		fmt.Fprintf(t.out, "key         %s\n", o.Key)
		if o.Behind != "" {
			fmt.Fprintf(t.out, "\nNothing is signed: %s\n", o.Behind)
		}
		saySecrets(t.out, o)
		sources, err := ask[struct {
			Data []struct {
				ID, Name, Connector, State string
			}
		}](t, t.cmd, "source.list", struct{}{})
		if err != nil {
			return err
		}
		for _, s := range sources.Data {
			fmt.Fprintf(t.out, "source      %-10s %s, %s\n", s.Connector, s.Name, s.State)
		}
		return nil
	})
}

// saySecrets says which keys seal how many secrets, and what is wrong with them.
func saySecrets(w io.Writer, o report.LedgerStatus) {
	for i, k := range o.Secrets.Keys {
		newest := ""
		if i == 0 {
			newest = ", seals new ones"
		}
		fmt.Fprintf(w, "seal key    %s: %d secrets%s\n", k, o.Secrets.Sealed[k], newest)
	}
	if o.Secrets.Clear > 0 {
		fmt.Fprintf(w, "\n%d secrets were stored before they were sealed. Seal them: assay secret rotate --keep-key\n", o.Secrets.Clear)
	}
	if o.SecretTrouble != "" {
		fmt.Fprintf(w, "\nSecrets cannot be opened: %s\n", o.SecretTrouble)
	}
}

// noData says what would answer the tests that have no data.
func (t *tool) noData(n int) error {
	if n == 0 {
		return nil
	}
	l, err := ask[report.TestList](t, t.cmd, "test.list", map[string]any{"state": "unknown"})
	if err != nil {
		return err
	}
	for _, g := range l.Gaps {
		fmt.Fprintf(t.out, "no data    %s\n", g.Text)
	}
	return nil
}

func (t *tool) check() *cobra.Command {
	c := question(t, "check", "main", "Read all sources and run all tests once", "check.run", func(o job.Cycle) error {
		for _, r := range o.Runs {
			n := 0
			for _, k := range r.Counts {
				n += k
			}
			fmt.Fprintf(t.out, "%-10s %-9s %d resources, %d changed\n", r.Connector, r.State, n, r.Changed)
			if r.Problem != "" {
				fmt.Fprintf(t.out, "           %s\n", r.Problem)
			}
		}
		fmt.Fprintf(t.out, "tests      %s\n", tally(o.Tests, "pass", "fail", "excepted", "error", "unknown", "not_applicable"))
		if o.Tests["fail"] > 0 {
			failing, err := ask[report.TestList](t, t.cmd, "test.list", map[string]any{"state": "fail"})
			if err != nil {
				return err
			}
			for _, x := range failing.Data {
				fmt.Fprintf(t.out, "fails      %-24s %s\n", x.Test, x.Reason)
			}
		}
		return t.noData(o.Tests["unknown"])
	})
	run := c.RunE
	c.Long = "Reads all sources and runs all tests once. Exit code 0: no test fails. 1: at least one fails. 2: it\ncould not run. Tests without data do not fail; what would\nanswer each: assay test list --state unknown"
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := run(cmd, args); err != nil {
			cli.Fail(t.errOut, err)
			return exit(cli.ExitUsage)
		}
		if t.failing {
			return exit(cli.ExitFailed)
		}
		return nil
	}
	return c
}
