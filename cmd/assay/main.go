// SPDX-License-Identifier: Apache-2.0

// Command assay is the whole of Assay: the server, the command line and the tool server in one binary.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"assay/internal/cli"
	"assay/internal/collect/source"
	"assay/internal/errs"
	"assay/internal/job"
	"assay/internal/report"
	"assay/internal/site"
	"github.com/spf13/cobra"
)

// version is set by the release build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends it at once
		time.AfterFunc(longestStop, func() {
			fmt.Fprintln(os.Stderr, "assay: it did not stop within 9 seconds and was ended; everything that was confirmed is saved")
			os.Exit(1)
		})
	})
	os.Exit(run(ctx, os.Args[1:]))
}

// longestStop is how long the program may take to stop: whoever started it kills it after ten seconds.
const longestStop = 9 * time.Second

// run runs one command and returns its exit code.
func run(ctx context.Context, args []string) int {
	t := &tool{out: os.Stdout, errOut: os.Stderr}
	defer t.close()
	root := t.root()
	root.SetArgs(args)
	root.SetContext(ctx)
	cmd, err := root.ExecuteC()
	if err == nil {
		return t.code
	}
	if x, ok := err.(exit); ok {
		return int(x)
	}
	if e := errs.Public(err); e.Code == errs.Internal && !cli.Misused(err) { // the Gate logs its own; what failed around it is said here
		fmt.Fprintf(t.errOut, "%s: %v\n", cmd.CommandPath(), err)
	}
	code := cli.Fail(t.errOut, err)
	if cmd.Name() == "verify" { // its exit codes are verdicts, and 2 would say that something was altered
		return notChecked
	}
	return code
}

// notChecked is the exit code of verify where there is no verdict.
const notChecked = 1

// exit is an outcome that is no error: the command has said all that there is to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func (t *tool) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "assay",
		Short:         "Prove that your company can be trusted with data",
		Long:          "Assay connects to your systems, tests your controls every day, says honestly how ready you are\nfor a SOC 2 examination, and keeps proof that can be checked offline.",
		Example:       "  assay up --repo .\n  assay readiness\n  assay verify",
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprint(t.out, firstSteps)
			return nil
		},
	}
	root.SetOut(t.out)
	root.SetErr(t.errOut)
	root.SetFlagErrorFunc(cli.FlagError)
	f := root.PersistentFlags()
	f.String("data", "", "data folder (default ./assay-data)")
	f.String("database", "", "sqlite:FILE or postgres://… (default: SQLite in the data folder)")
	f.String("org", "", "organisation: its id, or at the first start its name")
	f.String("server", "", "address of a running server that the command is sent to")
	f.String("token", "", "API token for --server (better: the variable ASSAY_TOKEN)")
	root.AddGroup(&cobra.Group{ID: "main", Title: "Every day:"}, &cobra.Group{ID: "proof", Title: "Proof:"}, &cobra.Group{ID: "house", Title: "The program itself:"}, &cobra.Group{ID: "kinds", Title: "Everything that is kept (each has operations of its own):"})
	t.set = site.Operations(&job.Works{}, &report.Boards{}, source.Connectors(nil))
	for _, c := range []*cobra.Command{t.up(), t.serve(), t.check(), t.readiness(), t.status(), t.criteria(), t.verify(), t.export(), t.mcp(), t.config(), t.versionCmd()} {
		root.AddCommand(c)
	}
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) { t.cmd = cmd }
	for _, c := range cli.Commands(wire{t}, t.set, t.out, t.errOut) {
		if taken(root, c.Name()) { // check, readiness, criteria: the same word does the usual thing
			join(root, c)
			continue
		}
		c.GroupID = "kinds"
		root.AddCommand(c)
	}
	root.SetHelpCommandGroupID("house")
	root.SetCompletionCommandGroupID("house")
	return root
}

func taken(root *cobra.Command, name string) bool {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return true
		}
	}
	return false
}

// join puts the operations of a kind below the command that has its name already.
func join(root, kind *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() == kind.Name() {
			for _, o := range kind.Commands() {
				kind.RemoveCommand(o)
				c.AddCommand(o)
			}
		}
	}
}

const firstSteps = `Assay proves that your company can be trusted with data.

  assay up --repo .     make the data folder, read this machine and this git repository,
                        run all tests, and serve the site on http://127.0.0.1:8080
  assay readiness       say how ready you are, and what stands in the way
  assay verify          recompute everything that is kept, and name what is wrong

  assay --help          all commands
`
