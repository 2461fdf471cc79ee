// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"github.com/spf13/cobra"
)

// flag is one field on the command line.
type flag struct {
	field kind.Field
	name  string
	texts []string // as they were given
}

// String, Set and Type make it a value of the flag parser.
func (f *flag) String() string { return "" }

// Set takes one more value.
func (f *flag) Set(s string) error {
	if f.field.Type != "array" && len(f.texts) > 0 {
		return errors.New(inner + "--" + f.name + ": is given twice")
	}
	f.texts = append(f.texts, s)
	return nil
}

// Type is the word for the value in help.
func (f *flag) Type() string {
	switch {
	case f.field.Type == "boolean":
		return "bool"
	case f.field.Type == "integer":
		return "number"
	case !f.field.Plain():
		return "json"
	case f.field.Type == "array":
		return "list"
	case f.field.Format == "date":
		return "date"
	case f.field.Format == "date-time":
		return "time"
	case f.fromFile():
		return "text|@file|-"
	}
	return "text"
}

// fromFile says whether a value may be @file or -: long texts, JSON, and what should not stand in the history of a shell.
func (f *flag) fromFile() bool { return f.field.Long || f.field.Secret || !f.field.Plain() }

// taken are the flags that every command has.
var taken = []string{"json", "json-in", "as-of", "key", "help", "server", "token", "data", "org"}

// FlagName is the flag of a field.
func FlagName(field string) string {
	n := kebab(field)
	if slices.Contains(taken, n) {
		n = "field-" + n
	}
	return n
}

// flags adds a flag for each field of an operation's input.
func (m *maker) flags(c *cobra.Command, o *op.Op) []*flag {
	var out []*flag
	for _, x := range o.In {
		f := &flag{field: x, name: FlagName(x.Name)}
		out = append(out, f)
		p := c.Flags().VarPF(f, f.name, "", usage(f))
		if x.Type == "boolean" {
			p.NoOptDefVal = "true"
		}
		switch {
		case x.Enum != nil:
			c.RegisterFlagCompletionFunc(f.name, cobra.FixedCompletions(x.Enum, cobra.ShellCompDirectiveNoFileComp)) // it fails only for a flag that is not there
		case x.Type == "boolean":
			c.RegisterFlagCompletionFunc(f.name, cobra.FixedCompletions([]string{"true", "false"}, cobra.ShellCompDirectiveNoFileComp))
		case x.Name == "id":
			c.RegisterFlagCompletionFunc(f.name, m.ids(o.Kind))
		case x.Ref != "" && x.Ref != "*":
			c.RegisterFlagCompletionFunc(f.name, m.ids(x.Ref))
		}
	}
	return out
}

// usage is the help text of a field.
func usage(f *flag) string {
	x := f.field
	u := x.Doc
	if x.Required {
		u += " Required."
	}
	if x.Enum != nil {
		u += " One of: " + strings.Join(x.Enum, ", ") + "."
	}
	if x.Type == "array" && x.Plain() {
		u += " Give it several times, or with commas between."
	}
	if x.Default != "" {
		u += " If not given: " + x.Default + "."
	}
	if f.fromFile() {
		u += " @file reads a file, - reads standard input."
	}
	return strings.TrimSpace(u)
}

// ids completes identifiers of a kind, with what each is called.
func (m *maker) ids(kindName string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		sh, ok := m.set.Shape(kindName)
		if !ok || len(args) > 0 || m.set.Find(kindName+".list") == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ans, err := m.caller.Call(cmd.Context(), op.Call{Op: kindName + ".list", In: json.RawMessage(`{"limit":100}`)})
		raw, ok := ans.Out.(json.RawMessage)
		if err != nil || !ok {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var l struct {
			Data []map[string]any `json:"data"`
		}
		if json.Unmarshal(raw, &l) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []string
		for _, x := range l.Data {
			out = append(out, cobra.CompletionWithDesc(fmt.Sprint(x["id"]), clean(fmt.Sprint(x[sh.Label]))))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// input makes the input of an operation from what was given.
func input(cmd *cobra.Command, g given, fields []*flag, args []string) (json.RawMessage, error) {
	in := &reader{stdin: cmd.InOrStdin()}
	named := map[string]json.RawMessage{}
	if g.jsonIn != "" {
		text, err := in.read("json-in", g.jsonIn)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &named); err != nil || named == nil {
			return nil, errs.At("--json-in", "is not one JSON object")
		}
	}
	for _, f := range fields {
		if !cmd.Flags().Changed(f.name) {
			continue
		}
		v, err := f.value(in)
		if err != nil {
			return nil, err
		}
		named[f.field.Name] = v
	}
	if len(args) == 1 {
		id, err := json.Marshal(args[0])
		if err != nil {
			return nil, fmt.Errorf("encode id: %w", err)
		}
		if was, ok := named["id"]; ok && !bytes.Equal(was, id) {
			return nil, errs.At("id", "is given twice, and differently")
		}
		named["id"] = id
	}
	return json.Marshal(named)
}

// value reads what was given as JSON of the field's type.
func (f *flag) value(in *reader) (json.RawMessage, error) {
	if f.field.Type == "array" && f.field.Plain() {
		all := []json.RawMessage{}
		for _, t := range f.texts {
			some, err := f.field.FromText(t)
			if err != nil {
				return nil, err
			}
			var items []json.RawMessage
			if err := json.Unmarshal(some, &items); err != nil {
				return nil, fmt.Errorf("read list: %w", err)
			}
			all = append(all, items...)
		}
		return json.Marshal(all)
	}
	text := f.texts[len(f.texts)-1]
	if f.fromFile() {
		switch {
		case strings.HasPrefix(text, "@@"):
			text = text[1:]
		case strings.HasPrefix(text, "@"), text == "-":
			b, err := in.read(f.name, strings.TrimPrefix(text, "@"))
			if err != nil {
				return nil, err
			}
			text = string(b)
			if f.field.Secret {
				text = strings.TrimRight(text, "\r\n")
			}
		}
	}
	return f.field.FromText(text)
}

// reader reads files, and standard input once.
type reader struct {
	stdin io.Reader
	used  bool
}

func (r *reader) read(flagName, path string) ([]byte, error) {
	var from io.Reader
	if path == "-" {
		if r.used {
			return nil, errs.At("--"+flagName, "standard input is read by another flag already")
		}
		r.used, from = true, r.stdin
	} else {
		file, err := os.Open(path)
		if err != nil {
			return nil, errs.At("--"+flagName, "cannot read the file %s", path).Because(err).Mend("check the name, or write @@ for a text that starts with @")
		}
		defer file.Close()
		from = file
	}
	b, err := io.ReadAll(io.LimitReader(from, op.MaxInput+1))
	if err != nil {
		return nil, errs.At("--"+flagName, "cannot be read to its end").Because(err)
	}
	if len(b) > op.MaxInput {
		return nil, errs.At("--"+flagName, "is larger than %d bytes", op.MaxInput)
	}
	return b, nil
}
