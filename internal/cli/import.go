// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"github.com/spf13/cobra"
)

// imports says whether a kind's new things read a file that can be tried first: it is brought, tried, and then read.
func (m *maker) imports(create *op.Op) bool {
	try := m.set.Find(create.Kind + ".preview")
	return brings(create) && m.set.Find(create.Kind+".run") != nil && try != nil &&
		slices.ContainsFunc(try.In, func(f kind.Field) bool { return f.Name == "file" })
}

// imported is what one run of the command was given.
type imported struct {
	file, name, connector, config, label, into string
	set                                        []string
	preset, kind                               string
	yes                                        bool
	g                                          given
}

// importing makes the command that brings a file, shows what reading it would change, and reads it when that was agreed to:
// the same operations as by hand, in their order.
func (m *maker) importing(create *op.Op) *cobra.Command {
	var in imported
	noun, word := op.Title(create.Kind), "  assay "+kebab(create.Kind)+" import --file "
	c := &cobra.Command{Use: "import", Short: "Bring a file, show what it would change, and import it with --yes.", SilenceUsage: true, SilenceErrors: true,
		Example: word + "users.csv\n" + word + "users.csv --preset okta-users --yes\n" + word + "people.csv --kind person --set day_first=false --set 'columns={\"Mail\":\"email\",\"No\":\"id\"}' --yes\n" + word + "users.csv --into src_… --yes"}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&in.file, "file", "", "The file; - is standard input. Required.")
	f.StringVar(&in.name, "file-name", "", "Name of the file, where it is another than its own.")
	f.StringVar(&in.preset, "preset", "", "The known export that it is. Without it and --kind you are told which ones fit.")
	f.StringVar(&in.kind, "kind", "", "What its rows are, such as person.")
	f.StringArrayVar(&in.set, "set", nil, "A field of the configuration, as name=value. Can be given several times.")
	f.StringVar(&in.config, "config", "", "The whole configuration as a JSON object.")
	f.StringVar(&in.connector, "connector", "file", "The connector that reads the file.")
	f.StringVar(&in.label, "name", "", "Name of the new "+noun+". Default: the name of the file.")
	f.StringVar(&in.into, "into", "", "The "+noun+" that the file is the next one of. Its configuration stays.")
	f.BoolVar(&in.yes, "yes", false, "Import it. Without this nothing is changed.")
	f.BoolVar(&in.g.json, "json", false, "Write the answer as JSON.")
	f.StringVar(&in.g.key, "key", "", "A key of your choice: the same command with the same key is carried out once.")
	c.SetFlagErrorFunc(FlagError)
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return errs.At(args[0], "is one word too many").Mend("give values as flags, and put quotes around a value with spaces")
	}
	c.RunE = func(cmd *cobra.Command, _ []string) error { return m.runImport(cmd, create, &in) }
	return c
}

func (m *maker) runImport(cmd *cobra.Command, create *op.Op, in *imported) error {
	config, err := in.configuration()
	if err != nil {
		return err
	}
	file, err := m.bring(cmd, in.file)
	if err != nil {
		return err
	}
	if in.name == "" && in.file != "-" {
		in.name = in.file
	}
	in.name = op.FileName(in.name)
	fmt.Fprintf(m.errOut, "sha256 %s, %s bytes\n", file.SHA256, thousands(file.Size))
	ask := map[string]any{"file": file.SHA256, "file_name": in.name}
	if in.into != "" {
		ask["id"] = in.into
	} else {
		ask["connector"] = in.connector
	}
	if config != nil {
		ask["config"] = config
	}
	try := m.set.Find(create.Kind + ".preview")
	ans, err := m.then(cmd.Context(), try, ask, "")
	if err != nil {
		return err
	}
	shown, err := decoded(ans)
	if err != nil {
		return err
	}
	good := shown["state"] == "complete"
	if !good || !in.yes || !in.g.json { // as JSON one answer is written, not two
		if err := m.said(ans, try, in.g, nil); err != nil {
			return err
		}
	}
	if !good && compared(shown) {
		return errs.New(errs.Invalid, "nothing was imported: this list is only compared, see the notes").Mend("adopt what you need in Assay")
	}
	if !good {
		return errs.New(errs.Invalid, "nothing was imported: the file cannot be read completely").Mend("correct the file or the configuration, and import it again")
	}
	if !in.yes {
		fmt.Fprintln(m.errOut, "Nothing was imported yet. Add --yes to import it.")
		return nil
	}
	return m.importNow(cmd.Context(), create, in, ask)
}

// compared says of a preview that the file was read as a known export that is never imported.
func compared(shown map[string]any) bool {
	all, _ := shown["exports"].([]any)
	return slices.ContainsFunc(all, func(x any) bool {
		e, _ := x.(map[string]any)
		return e["name"] == shown["preset"] && e["kind"] == ""
	})
}

// importNow makes the thing that reads the file, or gives one its next file, and reads it.
func (m *maker) importNow(ctx context.Context, create *op.Op, in *imported, ask map[string]any) error {
	keyed := func(step string) string {
		if in.g.key == "" {
			return ""
		}
		return in.g.key + "/" + step
	}
	var ans op.Answer
	var err error
	if in.into == "" {
		if ask["name"] = in.label; in.label == "" {
			ask["name"] = in.name
		}
		ans, err = m.then(ctx, create, ask, keyed("write"))
	} else {
		ans, err = m.nextFile(ctx, create, ask, keyed("write"))
	}
	if err != nil {
		return err
	}
	made, err := decoded(ans)
	if err != nil {
		return err
	}
	run := m.set.Find(create.Kind + ".run")
	ans, err = m.then(ctx, run, map[string]any{"id": made["id"]}, keyed("run"))
	if err != nil {
		return err
	}
	done, err := decoded(ans)
	if err != nil {
		return err
	}
	if err := m.said(ans, run, in.g, nil); err != nil {
		return err
	}
	if done["state"] != "complete" {
		return errs.New(errs.Invalid, "the %s was connected, and its file was not read completely", op.Title(create.Kind)).Mend("see the problem above")
	}
	return nil
}

// nextFile gives a thing that reads a file its next one. With a key it first asks as it must have asked when the thing was given
// this file: at the revision before. If that was this command, it is answered as then and nothing is done again.
func (m *maker) nextFile(ctx context.Context, create *op.Op, ask map[string]any, key string) (op.Answer, error) {
	ans, err := m.then(ctx, m.set.Find(create.Kind+".get"), map[string]any{"id": ask["id"]}, "")
	if err != nil {
		return ans, err
	}
	now, err := decoded(ans)
	if err != nil {
		return ans, err
	}
	update := m.set.Find(create.Kind + ".update")
	if key != "" {
		rev, err := m.given(ctx, create, ask)
		if err != nil {
			return ans, err
		}
		if ask["rev"] = rev; rev > 0 {
			if ans, err = m.then(ctx, update, ask, key); !errors.Is(err, errs.Conflict) {
				return ans, err
			}
		}
	}
	ask["rev"] = now["rev"]
	return m.then(ctx, update, ask, key)
}

// given is the revision at which a thing was last given a file; 0 where it never was.
func (m *maker) given(ctx context.Context, create *op.Op, ask map[string]any) (int64, error) {
	ans, err := m.then(ctx, m.set.Find(create.Kind+".history"), map[string]any{"id": ask["id"]}, "")
	if err != nil {
		return 0, err
	}
	raw, err := json.Marshal(ans.Out)
	if err != nil {
		return 0, fmt.Errorf("read history: %w", err)
	}
	var all []struct {
		Rev  int64
		Op   string
		Body struct{ File string }
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return 0, fmt.Errorf("read history: %w", err)
	}
	for i := 0; i+1 < len(all); i++ { // the newest is first
		if all[i].Body.File == ask["file"] && all[i].Rev == all[i+1].Rev+1 && all[i].Op == create.Kind+".update" {
			return all[i+1].Rev, nil
		}
	}
	return 0, nil
}

// configuration puts the flags together: --config first, --set over it, and the two that have a flag of their own.
func (in *imported) configuration() (map[string]any, error) {
	var out map[string]any
	if in.config != "" {
		if err := json.Unmarshal([]byte(in.config), &out); err != nil || out == nil {
			return nil, errs.At("--config", "is not a JSON object").Because(err)
		}
	}
	put := func(name string, v any) {
		if out == nil {
			out = map[string]any{}
		}
		out[name] = v
	}
	for _, s := range in.set {
		name, text, ok := strings.Cut(s, "=")
		if name = strings.ReplaceAll(strings.TrimSpace(name), "-", "_"); !ok || name == "" {
			return nil, errs.At("--set", "%q is not name=value", s).Mend("write it like --set day_first=true")
		}
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
		put(name, v)
	}
	for name, text := range map[string]string{"preset": in.preset, "kind": in.kind} {
		if text != "" {
			put(name, text)
		}
	}
	if out == nil && in.into == "" {
		out = map[string]any{}
	}
	return out, nil
}
