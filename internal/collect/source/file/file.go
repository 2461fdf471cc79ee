// SPDX-License-Identifier: Apache-2.0

// Package file imports resources of any declared kind from CSV and JSON files.
//
// It knows how to map columns to attributes, to read values strictly, and to say by row and column
// what is wrong. One row in error means that nothing is imported. It does not guess: an ambiguous
// date, an unknown word for true, a column that is not there are errors, and an empty cell is unknown.
package file

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/collect/source/schema"
	"assay/internal/errs"
)

// Config is what a person sets.
type Config struct {
	Path       string                       `json:"path"`
	Kind       string                       `json:"kind"`
	Format     string                       `json:"format"`
	Delimiter  string                       `json:"delimiter"`
	Columns    map[string]string            `json:"columns"`
	Constants  map[string]any               `json:"constants"`
	Values     map[string]map[string]string `json:"values"`
	Key        []string                     `json:"key"`
	Dates      []string                     `json:"date_formats"`
	TrueWords  []string                     `json:"true_words"`
	FalseWords []string                     `json:"false_words"`
	Separator  string                       `json:"list_separator"`
	NoneEmpty  []string                     `json:"none_when_empty"`
	Rows       *int                         `json:"rows"`
}

// Source reads one file.
type Source struct {
	cfg  Config
	kind schema.Kind
	open func() (io.ReadCloser, error)
	conv *converter
}

// At makes the source take the time from a clock: what lies ahead of it has not happened.
func (s *Source) At(c clock.Clock) *Source {
	s.conv.clock = c
	return s
}

var fields = []collect.ConfigField{
	{Name: "path", Doc: "The file.", Example: "/srv/import/people.csv", Required: true},
	{Name: "kind", Doc: "What its rows are.", Example: "person", Required: true},
	{Name: "format", Doc: "csv, json (a list of objects) or jsonl (one object on each line). Without it, by the file's ending.", Example: "csv"},
	{Name: "delimiter", Doc: "What stands between the cells of a CSV file. A comma without it.", Example: ";"},
	{Name: "columns", Doc: "Which column is which attribute, as an object. id is the key and name the name to show. Without it, columns named as attributes are used.", Example: `{"E-mail":"email"}`},
	{Name: "constants", Doc: "Attributes that are the same in every row, as an object.", Example: `{"kind":"employee"}`},
	{Name: "values", Doc: "Words of the file and what they mean, by attribute.", Example: `{"status":{"Left":"terminated"}}`},
	{Name: "key", Doc: "Columns that together name a row and stay the same from file to file.", Example: "employee_no", List: true},
	{Name: "date_formats", Doc: "How dates are written, in YYYY, MM, DD, hh, mm and ss. Without it only 2026-01-31 and RFC 3339 are read.", Example: "DD.MM.YYYY", List: true},
	{Name: "true_words", Doc: "Words for true, in place of true, yes, y and 1.", Example: "enrolled", List: true},
	{Name: "false_words", Doc: "Words for false, in place of false, no, n and 0.", Example: "missing", List: true},
	{Name: "list_separator", Doc: "What stands between the parts of a list in one cell. A semicolon without it.", Example: ";"},
	{Name: "none_when_empty", Doc: "Attributes whose empty cell means that there is none. Elsewhere an empty cell is unknown.", Example: "end_on", List: true},
	{Name: "rows", Doc: "How many rows the file must have, where its sender says so.", Example: "120"},
}

// Connector describes the source for forms and help. Kinds are read when a source is made.
func Connector(kinds func() (schema.Schema, error)) collect.Connector {
	return collect.Connector{
		Name:   "file",
		Title:  "CSV or JSON file",
		Doc:    "Imports people, devices, tickets or any other kind from a file, all rows or none.",
		Fields: fields,
		New: func(raw json.RawMessage) (collect.Source, error) {
			var cfg Config
			if err := feed.Config(raw, &cfg); err != nil {
				return nil, err
			}
			if strings.TrimSpace(cfg.Path) == "" {
				return nil, errs.At("path", "is missing").Mend("give the file to read")
			}
			s, err := kinds()
			if err != nil {
				return nil, err
			}
			return New(cfg, s, nil)
		},
	}
}

// New makes a source from a configuration, and refuses one that cannot work. open gives the bytes,
// twice in one run; without it the file at Path is read.
func New(cfg Config, s schema.Schema, open func() (io.ReadCloser, error)) (*Source, error) {
	kind, ok := s.Kind(cfg.Kind)
	if !ok {
		if cfg.Kind == "" {
			return nil, errs.At("kind", "is missing").Mend("say what the rows are, such as person")
		}
		return nil, errs.At("kind", "there is no kind %q", cfg.Kind).Mend("choose one of: %s", strings.Join(importable(s), ", "))
	}
	if kind.Kept {
		return nil, errs.At("kind", "%s cannot be imported: Assay keeps them itself, with who wrote and who approved each", cfg.Kind).
			Mend("create them in Assay; a file can hold one of: %s", strings.Join(importable(s), ", "))
	}
	if open == nil {
		open = func() (io.ReadCloser, error) {
			f, err := os.Open(cfg.Path)
			if err != nil {
				return nil, errs.At("path", "%s cannot be read", cfg.Path).
					Mend("check that it exists and that the user that runs Assay may read it").Because(err)
			}
			return f, nil
		}
	}
	if err := settle(&cfg); err != nil {
		return nil, err
	}
	conv, err := newConverter(cfg, kind)
	if err != nil {
		return nil, err
	}
	return &Source{cfg: cfg, kind: kind, open: open, conv: conv}, nil
}

// importable are the names of the kinds that a file can hold.
func importable(s schema.Schema) []string {
	return slices.DeleteFunc(s.Names(), func(n string) bool {
		k, ok := s.Kind(n)
		return ok && k.Kept
	})
}

// settle fills in what can be told from the rest.
func settle(cfg *Config) error {
	if cfg.Format == "" {
		switch strings.ToLower(filepath.Ext(cfg.Path)) {
		case ".csv", ".tsv", ".txt":
			cfg.Format = "csv"
		case ".json":
			cfg.Format = "json"
		case ".jsonl", ".ndjson":
			cfg.Format = "jsonl"
		}
	}
	if !slices.Contains([]string{"csv", "json", "jsonl"}, cfg.Format) {
		return errs.At("format", "it is not plain what the file is").Mend("set format to csv, json or jsonl")
	}
	if cfg.Delimiter == "" {
		cfg.Delimiter = ","
		if strings.EqualFold(filepath.Ext(cfg.Path), ".tsv") {
			cfg.Delimiter = "\t"
		}
	}
	if r := []rune(cfg.Delimiter); len(r) != 1 || strings.ContainsRune("\"\r\n\ufffd", r[0]) {
		return errs.At("delimiter", "must be one character, and no quote or line end")
	}
	if cfg.Separator == "" {
		cfg.Separator = ";"
	}
	if cfg.Rows != nil && *cfg.Rows < 0 {
		return errs.At("rows", "must not be negative")
	}
	return nil
}

// Describe implements collect.Source.
func (s *Source) Describe() collect.Description {
	var pairs []string
	for column, attr := range s.cfg.Columns {
		pairs = append(pairs, column+" as "+attr)
	}
	slices.Sort(pairs)
	query := "every row of " + s.cfg.Path
	if len(pairs) > 0 {
		query += ": " + strings.Join(pairs, ", ")
	}
	return collect.Description{
		Kinds:       []string{s.kind.Name},
		Reads:       "The file " + s.cfg.Path + ", whole.",
		Permissions: []string{"read access to the file"},
		Query:       query,
		Version:     s.cfg.Format,
	}
}

// Collect implements collect.Source. The file is read once to check it all, and handed over in a
// second reading; if it is not the same file any more, the run fails.
func (s *Source) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	out := feed.New(ctx, page, s.kind.Name)
	report, err := s.Check(ctx)
	if err != nil {
		return out.Fail(err)
	}
	if err := report.Err(); err != nil {
		return out.Fail(err)
	}
	again, err := s.scan(ctx, func(r collect.Resource, at row) error {
		out.Raw(at.raw)
		return out.Add(r)
	})
	if err != nil {
		return out.Fail(err)
	}
	if again.Digest != report.Digest {
		return out.Fail(errs.New(errs.Unavailable, "the file changed while it was read").Mend("import it again when it is written"))
	}
	return out.End()
}

// Check reads the whole file and says what is wrong with it. The error is for what ends the
// reading; what is wrong with the rows stands in the report.
func (s *Source) Check(ctx context.Context) (Report, error) { return s.scan(ctx, nil) }

// Report is what was found in a file.
type Report struct {
	Rows    int      `json:"rows"`   // without the heading
	Faults  []Fault  `json:"faults"` // the first MaxFaults
	Total   int      `json:"total"`  // of all faults
	Ignored []string `json:"ignored,omitempty"`
	Digest  string   `json:"digest"` // SHA-256 of the file
}

// Fault is one thing that is wrong with a file, and where.
type Fault struct {
	Row    int    `json:"row"` // the heading of a CSV file is row 1; 0 means the whole file
	Column string `json:"column,omitempty"`
	Text   string `json:"message"`
}

func (f Fault) String() string {
	switch {
	case f.Row == 0:
		return f.Text
	case f.Column == "":
		return fmt.Sprintf("row %d: %s", f.Row, f.Text)
	}
	return fmt.Sprintf("row %d, column %s: %s", f.Row, f.Column, f.Text)
}

// MaxFaults is how many faults are listed; all of them are counted.
const MaxFaults = 100

func (r *Report) fault(row int, column, format string, a ...any) {
	r.Total++
	if len(r.Faults) < MaxFaults {
		r.Faults = append(r.Faults, Fault{Row: row, Column: cut(column), Text: fmt.Sprintf(format, a...)})
	}
}

// Err is nil for a file that can be imported.
func (r *Report) Err() error {
	if r.Total == 0 {
		return nil
	}
	first := r.Faults[0].String()
	if r.Total == 1 {
		return errs.At("file", "nothing was imported: %s", first)
	}
	var rest strings.Builder // each fault by row and column, so that all can be mended at once
	for _, f := range r.Faults[1:min(len(r.Faults), 20)] {
		rest.WriteString("; " + f.String())
	}
	if more := r.Total - min(len(r.Faults), 20); more > 0 {
		fmt.Fprintf(&rest, "; and %d more", more)
	}
	return errs.At("file", "nothing was imported: %d faults: %s%s", r.Total, first, rest.String())
}

func digest(sum []byte) string { return hex.EncodeToString(sum) }

// cut shortens what is shown of a file's own text.
func cut(s string) string {
	s = feed.Text(s)
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
