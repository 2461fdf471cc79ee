// SPDX-License-Identifier: Apache-2.0

package check

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"assay/content"
	"assay/internal/errs"
)

// Override is one file of a company: tests and controls that it adds or changes.
type Override struct {
	File     string          `yaml:"-"`
	Tests    []TestChange    `yaml:"tests"`
	Controls []ControlChange `yaml:"controls"`

	Origin Origin    `yaml:"-"` // who stands behind it, where it has come into force
	tree   *ast.File // where each field stands, for errors
	later  bool      // it may change what another has changed: it came into force after it
}

// TestChange changes a test of the catalogue, or adds one. What is not given stays as it is; Params
// are changed one by one. A test that the catalogue does not have must be given whole.
type TestChange struct {
	ID            string                 `yaml:"id"`
	Enabled       *bool                  `yaml:"enabled"`
	Reason        string                 `yaml:"reason"` // why; a test that is switched off must have one
	Title         *string                `yaml:"title"`
	Doc           *string                `yaml:"doc"`
	Kind          *string                `yaml:"kind"`
	Severity      *string                `yaml:"severity"`
	IntervalHours *int                   `yaml:"interval_hours"`
	Over          *string                `yaml:"over"`
	By            *[]string              `yaml:"by"`
	Latest        *string                `yaml:"latest"`
	Expect        *content.Expect        `yaml:"expect"`
	Counts        *map[string]string     `yaml:"counts"`
	Params        map[string]any         `yaml:"params"`
	Filter        *string                `yaml:"filter"`
	Event         *content.Event         `yaml:"event"`
	Condition     *string                `yaml:"condition"`
	Empty         *string                `yaml:"empty"`
	Message       *string                `yaml:"message"`
	Observed      *[]string              `yaml:"observed"`
	Controls      *[]content.ControlLink `yaml:"controls"`
	Fixtures      *content.Fixtures      `yaml:"fixtures"`
}

// ControlChange adds a control or changes one of the library. It is only read here; who keeps the
// controls applies it.
type ControlChange struct {
	Ref       string               `yaml:"ref" json:"ref"`
	Enabled   *bool                `yaml:"enabled" json:"enabled,omitempty"`
	Reason    string               `yaml:"reason" json:"reason,omitempty"`
	Title     *string              `yaml:"title" json:"title,omitempty"`
	Text      *string              `yaml:"text" json:"text,omitempty"`
	Weight    *int                 `yaml:"weight" json:"weight,omitempty"`
	Frequency *string              `yaml:"frequency" json:"frequency,omitempty"`
	Owner     *string              `yaml:"owner" json:"owner,omitempty"`
	Criteria  *[]string            `yaml:"criteria" json:"criteria,omitempty"`
	Policies  *[]string            `yaml:"policies" json:"policies,omitempty"`
	Tests     *[]ControlTestChange `yaml:"tests" json:"tests,omitempty"`
}

// ControlTestChange ties a test to a control.
type ControlTestChange struct {
	Test string `yaml:"test" json:"test"`
	Role string `yaml:"role" json:"role"`
}

const (
	maxOverrideBytes = 1 << 20
	maxOverrideFiles = 1000
)

// ParseOverride reads one file. The error names the file, the line and the field.
func ParseOverride(data []byte, filename string) (*Override, error) {
	if len(data) > maxOverrideBytes {
		return nil, errs.At(filename, "the file is larger than %d bytes", maxOverrideBytes)
	}
	o := &Override{}
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil, errs.At(filename, "the file is empty").Mend("write tests: or controls:, each with a list")
	}
	if err := content.DecodeYAML(data, filename, o); err != nil {
		return nil, err
	}
	tree, err := parseTree(data)
	if err != nil {
		return nil, errs.At(filename, "it is not valid YAML").Because(err)
	}
	o.File, o.tree = filename, tree
	for i, t := range o.Tests {
		if t.ID == "" {
			return nil, o.wrong(fmt.Sprintf("tests[%d]", i), "id", "it is missing")
		}
		if t.Enabled != nil && !*t.Enabled && strings.TrimSpace(t.Reason) == "" {
			return nil, o.wrong(fmt.Sprintf("tests[%d]", i), "enabled", "a test that is switched off needs a reason")
		}
	}
	for i, c := range o.Controls {
		if err := o.checkControl(i, c); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *Override) checkControl(i int, c ControlChange) error {
	at := fmt.Sprintf("controls[%d]", i)
	switch {
	case c.Ref == "":
		return o.wrong(at, "ref", "it is missing")
	case c.Enabled != nil && !*c.Enabled && strings.TrimSpace(c.Reason) == "":
		return o.wrong(at, "enabled", "a control that is switched off needs a reason")
	case c.Weight != nil && *c.Weight != 1 && *c.Weight != 2:
		return o.wrong(at, "weight", "it must be 1, or 2 for a key control")
	}
	if c.Tests == nil {
		return nil
	}
	for _, t := range *c.Tests {
		if t.Test == "" || (t.Role != "required" && t.Role != "supporting") {
			return o.wrong(at, "tests", fmt.Sprintf("%q with role %q: name a test, and a role of required or supporting", t.Test, t.Role))
		}
	}
	return nil
}

// FileText is a file of the data folder, as it was read.
type FileText struct{ Path, Text string }

// ReadFolder reads all YAML files of a folder and the folders in it, in name order. No folder is no file. Links are not
// followed, and what is no regular file is refused.
func ReadFolder(dir fs.FS) ([]FileText, error) {
	var out []FileText
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if name == "." && errors.Is(err, fs.ErrNotExist) {
				return fs.SkipAll
			}
			return fmt.Errorf("read overrides: %w", err)
		}
		if ext := path.Ext(name); d.IsDir() || (ext != ".yaml" && ext != ".yml") {
			return nil
		}
		if len(out) == maxOverrideFiles {
			return errs.At(name, "there are more than %d override files", maxOverrideFiles)
		}
		if !d.Type().IsRegular() {
			return irregular(name)
		}
		text, err := readRegular(dir, name)
		out = append(out, FileText{name, text})
		return err
	})
	return out, err
}

func irregular(name string) error {
	return errs.At(name, "is a link, a pipe or a device, not a regular file").Mend("replace it with a regular file, or remove it")
}

// readRegular reads a file, and looks at what was opened: it may be another than the folder listed.
func readRegular(dir fs.FS, name string) (string, error) {
	f, err := dir.Open(name)
	if err != nil {
		return "", fmt.Errorf("read override %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read override %s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return "", irregular(name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxOverrideBytes+1))
	if err != nil {
		return "", fmt.Errorf("read override %s: %w", name, err)
	}
	if len(data) > maxOverrideBytes {
		return "", errs.At(name, "the file is larger than %d bytes", maxOverrideBytes)
	}
	return string(data), nil
}

// LoadOverrides reads and parses all YAML files of a folder.
func LoadOverrides(dir fs.FS) ([]*Override, error) {
	files, err := ReadFolder(dir)
	if err != nil {
		return nil, err
	}
	var out []*Override
	for _, f := range files {
		o, err := ParseOverride([]byte(f.Text), f.Path)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// wrong makes an error that says where in the file the field stands, or the entry where it is missing.
func (o *Override) wrong(entry, field, reason string) *errs.Error {
	where := o.File
	for _, p := range []string{entry + "." + field, entry + "." + strings.SplitN(field, ".", 2)[0], entry} {
		if line := o.line(p); line > 0 {
			where = fmt.Sprintf("%s:%d", o.File, line)
			break
		}
	}
	return errs.At(where, "%s.%s: %s", entry, field, reason)
}

// parseTree keeps the faults of the library from stopping the program.
func parseTree(data []byte) (tree *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("parse: %v", p)
		}
	}()
	return parser.ParseBytes(data, 0)
}

// line is where a field stands, or 0 where that is not known.
func (o *Override) line(p string) (line int) {
	defer func() {
		if recover() != nil {
			line = 0 // the error is told without a line
		}
	}()
	at, err := yaml.PathString("$." + p)
	if err != nil {
		return 0
	}
	node, err := at.FilterFile(o.tree)
	if err != nil || node == nil || node.GetToken() == nil || node.GetToken().Position == nil {
		return 0
	}
	return node.GetToken().Position.Line
}
