// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"github.com/spf13/cobra"
)

// Bringer is a caller that can bring files. A file is read as it goes, and never held as a whole.
type Bringer interface {
	Upload(ctx context.Context, r io.Reader) (op.Brought, error)
}

// Upload passes the file to the Gate.
func (l Local) Upload(ctx context.Context, r io.Reader) (op.Brought, error) {
	a := l.Actor
	a.Via = "cli"
	return l.Gate.Upload(ctx, a, r)
}

// fromTheFile are the fields of a new thing that are found in the file that it cites.
var fromTheFile = []string{"file", "file_name", "media_type", "size", "source_kind"}

// brings says whether a kind's new things cite a file.
func brings(o *op.Op) bool {
	return o.Verb == "create" && slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "file" && f.Type == "string" && f.Format == "sha256" })
}

// upload makes the command that brings a file and makes the thing that cites it: the same operations, in the same
// order, as the form in the browser.
func (m *maker) upload(create *op.Op) *cobra.Command {
	var g given
	var path, name string
	var submit bool
	o := *create // the same operation, with fewer questions
	o.In = slices.DeleteFunc(slices.Clone(create.In), func(f kind.Field) bool { return slices.Contains(fromTheFile, f.Name) })
	c := &cobra.Command{Use: "upload", Short: "Bring a file, and add the " + op.Title(o.Kind) + " that cites it.", SilenceUsage: true, SilenceErrors: true,
		Example: "  assay " + kebab(o.Kind) + " upload --file report.pdf " + example(o.In) + "\n  pg_dump --schema-only app | assay " + kebab(o.Kind) + " upload --file - --file-name schema.sql " + example(o.In)}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&path, "file", "", "The file; - is standard input. Required.")
	f.StringVar(&name, "file-name", "", "Name of the file, where it is another than its own.")
	fields := m.flags(c, &o)
	next := m.set.Find(o.Kind + ".submit")
	if next != nil {
		f.BoolVar(&submit, "submit", false, "Submit it for review at once. What is submitted does not change any more.")
	}
	f.BoolVar(&g.json, "json", false, "Write the answer as JSON.")
	f.StringVar(&g.key, "key", "", "A key of your choice: the same command with the same key is carried out once.")
	c.SetFlagErrorFunc(FlagError)
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return errs.At(args[0], "is one word too many").Mend("give values as flags, and put quotes around a value with spaces")
	}
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		raw, err := input(cmd, g, fields, nil)
		if err != nil {
			return err
		}
		for _, x := range fields { // before a large file is sent for nothing
			if x.field.Required && !cmd.Flags().Changed(x.name) {
				return errs.At(x.field.Name, "is required").Mend("give --%s", x.name)
			}
		}
		in := map[string]any{}
		if err := json.Unmarshal(raw, &in); err != nil {
			return fmt.Errorf("read input: %w", err)
		}
		file, err := m.bring(cmd, path)
		if err != nil {
			return err
		}
		if name == "" && path != "-" {
			name = path
		}
		in["file"], in["media_type"], in["size"] = file.SHA256, file.Media, file.Size
		if name != "" {
			in["file_name"] = op.FileName(name)
		}
		fmt.Fprintf(m.errOut, "sha256 %s, %s bytes\n", file.SHA256, thousands(file.Size))
		ans, err := m.then(cmd.Context(), create, in, g.key)
		if err != nil || !submit {
			return m.said(ans, create, g, err)
		}
		made, err := decoded(ans)
		if err != nil {
			return err
		}
		key := g.key
		if key != "" {
			key += "/submit"
		}
		sent, err := m.then(cmd.Context(), next, map[string]any{"id": made["id"], "rev": made["rev"]}, key)
		if err != nil { // it is there, as a draft
			return errors.Join(m.said(ans, create, g, nil), err)
		}
		return m.said(sent, next, g, nil)
	}
	return c
}

func (m *maker) then(ctx context.Context, o *op.Op, in map[string]any, key string) (op.Answer, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return op.Answer{}, fmt.Errorf("encode input of %s: %w", o.Name, err)
	}
	return m.caller.Call(ctx, op.Call{Op: o.Name, In: raw, Key: key})
}

func (m *maker) said(ans op.Answer, o *op.Op, g given, err error) error {
	if err != nil {
		return err
	}
	ans.Op = o
	return m.answer(ans, g.json)
}

func decoded(ans op.Answer) (map[string]any, error) {
	b, err := json.Marshal(ans.Out)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	out := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return out, d.Decode(&out)
}

// bring sends a file, and holds the digest that comes back against what was read here.
func (m *maker) bring(cmd *cobra.Command, path string) (op.Brought, error) {
	b, ok := m.caller.(Bringer)
	if !ok {
		return op.Brought{}, errs.New(errs.Unavailable, "files cannot be brought from here")
	}
	if path == "" {
		return op.Brought{}, errs.At("--file", "is required").Mend("give the path of the file, or - for standard input")
	}
	var r io.Reader = cmd.InOrStdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return op.Brought{}, errs.At("--file", "cannot read the file %s", path).Because(err)
		}
		defer f.Close()
		if s, err := f.Stat(); err != nil || s.IsDir() {
			return op.Brought{}, errs.At("--file", "%s is a folder", path).Mend("give a file")
		}
		r = f
	}
	h := sha256.New()
	file, err := b.Upload(cmd.Context(), io.TeeReader(r, h))
	if err != nil {
		return file, err
	}
	if sum := fmt.Sprintf("%x", h.Sum(nil)); sum != file.SHA256 {
		return file, errs.New(errs.Invalid, "the file that was kept has the digest %s, and the file that was read %s", file.SHA256, sum).Mend("send it again; was it being written to?")
	}
	return file, nil
}

// Upload streams a file to the server. It is sent once: what was read from a pipe cannot be read again.
func (r *remote) Upload(ctx context.Context, file io.Reader) (op.Brought, error) {
	var out op.Brought
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/v1/files", io.NopCloser(file))
	if err != nil {
		return out, errs.At("--server", "the address cannot be used").Because(err)
	}
	q.Header.Set("Accept", "application/json")
	q.Header.Set("Content-Type", "application/octet-stream")
	if r.token != "" {
		q.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := r.client.Do(q)
	if err != nil {
		return out, r.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return out, r.unreachable(ctx, err)
	}
	if resp.StatusCode >= 300 {
		return out, refused(resp, b)
	}
	if json.Unmarshal(b, &out) != nil || out.SHA256 == "" {
		return out, stranger(resp)
	}
	return out, nil
}

// example writes the flags of the required fields.
func example(fields []kind.Field) string {
	var out []string
	for _, f := range fields {
		if v := "…"; f.Required {
			if f.Enum != nil {
				v = f.Enum[0]
			}
			out = append(out, fmt.Sprintf("--%s %q", FlagName(f.Name), v))
		}
	}
	return strings.Join(out, " ")
}
