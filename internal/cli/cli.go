// SPDX-License-Identifier: Apache-2.0

// Package cli makes a command of every operation: assay <kind> <verb>.
//
// It turns flags into the input of an operation, calls it through a Caller, in this process or on a
// server, and writes the answer for a person or as JSON. It decides nothing and knows no kind. The
// commands that are no operation (serve, verify) are not made here.
package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"github.com/spf13/cobra"
)

// Caller calls operations, here or elsewhere.
type Caller interface {
	Call(ctx context.Context, c op.Call) (op.Answer, error)
}

// Local calls operations in this process.
type Local struct {
	Gate  *op.Gate
	Actor op.Actor
}

// Call passes the call to the Gate.
func (l Local) Call(ctx context.Context, c op.Call) (op.Answer, error) {
	a := l.Actor
	a.Via = "cli"
	return l.Gate.Call(ctx, a, c)
}

type maker struct {
	caller Caller
	set    *op.Set
	out    io.Writer
	errOut io.Writer
}

// Commands makes one command for each kind, with one below it for each operation. They return errors and
// do not print them: Fail does.
func Commands(c Caller, set *op.Set, out, errOut io.Writer) []*cobra.Command {
	m := &maker{c, set, out, errOut}
	var all []*cobra.Command
	for _, o := range set.All() {
		i := slices.IndexFunc(all, func(c *cobra.Command) bool { return c.Annotations["kind"] == o.Kind })
		if i < 0 {
			all = append(all, m.kind(o.Kind))
			i = len(all) - 1
		}
		all[i].AddCommand(m.operation(o))
		if _, can := c.(Bringer); can && brings(o) {
			switch {
			case m.imports(o):
				all[i].AddCommand(m.importing(o))
			case set.Find(o.Kind+".upload") == nil:
				all[i].AddCommand(m.upload(o))
			}
		}
	}
	return all
}

func kebab(s string) string { return strings.ReplaceAll(s, "_", "-") }

func (m *maker) kind(name string) *cobra.Command {
	doc := "Operations on " + op.Title(name) + "."
	if sh, ok := m.set.Shape(name); ok {
		doc = sh.Doc
	}
	c := &cobra.Command{Use: kebab(name), Short: doc, Annotations: map[string]string{"kind": name}, SilenceUsage: true, SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			verbs := []string{}
			for _, s := range cmd.Commands() {
				verbs = append(verbs, s.Name())
			}
			return errs.At(args[0], "there is no operation of this name for %s", op.Title(name)).Mend("%s", "use one of "+strings.Join(verbs, ", "))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	if kebab(name) != name {
		c.Aliases = []string{name}
	}
	return c
}

// AsOf is the flag of every read that asks of the past, and AsOfDoc its help.
const (
	AsOf    = "as-of"
	AsOfDoc = "Answer as of this moment: 2026-03-06T09:00:00Z, or 2026-03-06 for the end of that day."
)

// given is what one run of a command was given beside the fields.
type given struct {
	json   bool
	asOf   string
	jsonIn string
	key    string
}

func (m *maker) operation(o *op.Op) *cobra.Command {
	var g given
	c := &cobra.Command{Use: kebab(o.Verb), Short: o.Doc, SilenceUsage: true, SilenceErrors: true}
	if kebab(o.Verb) != o.Verb {
		c.Aliases = []string{o.Verb}
	}
	if o.Example != "" {
		c.Example = "  assay " + o.Example
	}
	f := c.Flags()
	f.SortFlags = false
	fields := m.flags(c, o)
	f.BoolVar(&g.json, "json", false, "Write the answer as JSON.")
	f.StringVar(&g.jsonIn, "json-in", "", "Take the input from this file as one JSON object; - is standard input. Flags go before it.")
	if o.Writes {
		f.StringVar(&g.key, "key", "", "A key of your choice: the same command with the same key is carried out once.")
	} else if !o.Slow {
		f.StringVar(&g.asOf, AsOf, "", AsOfDoc)
	}
	c.SetFlagErrorFunc(FlagError)
	wantsID := slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "id" && f.Required })
	if wantsID {
		c.Use += " [id]"
	}
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 || wantsID && len(args) == 1 {
			return nil
		}
		return errs.At(args[len(args)-1], "is one word too many").Mend("give values as flags, and put quotes around a value with spaces")
	}
	c.RunE = func(cmd *cobra.Command, args []string) error { return m.run(cmd, o, g, fields, args) }
	if wantsID {
		c.ValidArgsFunction = m.ids(o.Kind)
	}
	return c
}

func (m *maker) run(cmd *cobra.Command, o *op.Op, g given, fields []*flag, args []string) error {
	in, err := input(cmd, g, fields, args)
	if err != nil {
		return err
	}
	call := op.Call{Op: o.Name, In: in, Key: g.key}
	if cmd.Flags().Changed(AsOf) {
		if err = call.Ask(g.asOf); err != nil {
			return err
		}
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ans, err := m.caller.Call(ctx, call)
	if err != nil {
		return m.advise(o, err)
	}
	ans.Op = o
	return m.answer(ans, g.json)
}

// advised is an error that leaves open what to do, with what to do at a terminal. The error itself is the same
// through every face; Fail prints the advice below it.
type advised struct {
	error
	fix []string // one for each fault
}

func (a advised) Unwrap() error { return a.error }

func (m *maker) advise(o *op.Op, err error) error {
	e := errs.Public(err)
	list := m.set.Find(o.Kind + ".list")
	out := advised{error: err}
	for _, x := range e.All() {
		fix := ""
		switch {
		case x.Code == errs.NotFound && (x.Field == "" || x.Field == "id") && list != nil && o != list:
			fix = "assay " + kebab(o.Kind) + " list shows what there is"
		case x.Code == errs.Invalid && x.Text == "is required" && !strings.ContainsAny(x.Field, ".["):
			fix = "give it as --" + kebab(x.Field)
		}
		out.fix = append(out.fix, fix)
	}
	return out
}

// FlagError names the flag in errors of the flag parser, and where the flags are listed.
func FlagError(c *cobra.Command, err error) error {
	var e *errs.Error
	text := err.Error()
	if i := strings.Index(text, inner); i >= 0 { // the parser wraps texts, not errors
		e = errs.New(errs.Invalid, "%s", text[i+len(inner):])
	} else {
		e = errs.New(errs.Invalid, "%s", text)
	}
	return e.Mend("%s", "assay "+strings.TrimPrefix(c.CommandPath(), "assay ")+" --help lists the flags")
}

// inner marks our own text inside an error of the flag parser.
const inner = "\x00"
