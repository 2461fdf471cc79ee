// SPDX-License-Identifier: Apache-2.0

// Package file imports resources of any declared kind from CSV and JSON files.
//
// It knows how to map columns to attributes, to read values strictly, and to say by row and column
// what is wrong. One row in error means that nothing is imported. It does not guess: an ambiguous
// date, an unknown word for true, a column that is not there are errors, and an empty cell is unknown.
package file

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"assay/internal/blob"
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
	Preset     string                       `json:"preset"`
	Name       []string                     `json:"name"`
	Sheet      string                       `json:"sheet"`
	List       string                       `json:"list"`
	Only       map[string]Words             `json:"only"`
	Except     map[string]Words             `json:"except"`
	LatestBy   string                       `json:"latest_by"`
	Shared     []string                     `json:"shared"`
	NoneWords  map[string]Words             `json:"none_words"`
	Unknown    map[string]Words             `json:"unknown_words"`
	DayFirst   *bool                        `json:"day_first"`
	Zone       string                       `json:"time_zone"`
	Dates      []string                     `json:"date_formats"`
	TrueWords  []string                     `json:"true_words"`
	FalseWords []string                     `json:"false_words"`
	Separator  string                       `json:"list_separator"`
	NoneEmpty  []string                     `json:"none_when_empty"`
	Rows       *int                         `json:"rows"`
	Repeat     []string                     `json:"repeat"`

	optional map[string]bool // columns of a preset that an export may lack
	instead  map[string]bool // columns of a preset that count where no other gives their attribute
	page     int             // how many rows an export has at most, by its preset
}

// Words are one word or a list of them.
type Words []string

// UnmarshalJSON takes "FAIL" for ["FAIL"].
func (w *Words) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*w = Words{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(w))
}

func (w Words) has(s string) bool {
	return slices.ContainsFunc(w, func(x string) bool { return folded(x) == folded(s) })
}

// Source reads one file.
type Source struct {
	cfg  Config
	kind schema.Kind
	open func() (io.ReadCloser, error)
	conv *converter
	// server says that the file lies on the server: whoever tries a path is not told what is in the file.
	server bool
	// heading, where it is set, is shown each row that may be the heading, and says whether it is; nothing more is read.
	heading func(names []string) bool
	// each, where it is set, is given every row with all its cells in place of making resources.
	each func(r row)
}

// At makes the source take the time from a clock: what lies ahead of it has not happened.
func (s *Source) At(c clock.Clock) *Source {
	s.conv.clock = c
	return s
}

var fields = []collect.ConfigField{
	{Name: "path", Doc: "The file.", Example: "/srv/import/people.csv", Required: true},
	{Name: "preset", Values: PresetNames(), Doc: "A known export, whose columns are mapped for you. What you set yourself comes first. Leave it out with kind, and Assay names the presets that fit the heading.", Example: "okta-users"},
	{Name: "kind", Values: KindNames(), Doc: "What its rows are. A preset says it too.", Example: "person"},
	{Name: "format", Doc: "csv, xlsx, json (a list of objects) or jsonl (one object on each line). Default: from the file extension.", Example: "csv"},
	{Name: "sheet", Doc: "The sheet of an XLSX file. Default: the first one.", Example: "Devices"},
	{Name: "list", Doc: "Where the list is inside a JSON file, by names with dots. Default: the file itself, or its only list.", Example: "data.hosts"},
	{Name: "delimiter", Doc: "Separator between the cells of a CSV file. Default: found in the heading.", Example: ";"},
	{Name: "columns", Doc: "Which column is which attribute, as an object. id is the key and name the name to show. Default: columns named like attributes.", Example: `{"E-mail":"email"}`},
	{Name: "constants", Doc: "Attributes that are the same in every row, as an object.", Example: `{"kind":"employee"}`},
	{Name: "values", Doc: "Words of the file and what they mean, by attribute.", Example: `{"status":{"Left":"terminated"}}`},
	{Name: "key", Doc: "Columns that together name a row and stay the same from file to file.", Example: "employee_no", List: true},
	{Name: "name", Doc: "Columns that together are the name to show.", Example: "First name", List: true},
	{Name: "only", Doc: "Import only the rows with one of these words in a column.", Example: `{"STATUS":"FAIL"}`},
	{Name: "except", Doc: "Leave out the rows with one of these words in a column.", Example: `{"user":["<root_account>"]}`},
	{Name: "latest_by", Doc: "A date column: of several rows with one key, or of one person by e-mail, only the latest is imported.", Example: "Hire date"},
	{Name: "shared", Doc: "Attributes that several rows may have in common. Otherwise two people with one e-mail are refused.", Example: "email", List: true},
	{Name: "none_words", Doc: "Words that mean there is none, by attribute.", Example: `{"last_login_at":"Never logged in"}`},
	{Name: "unknown_words", Doc: "Words that mean it is not known, by attribute.", Example: `{"mfa_enrolled":["N/A"]}`},
	{Name: "day_first", Values: []string{"true", "false"}, Doc: "How 3/6/2026 is read where no row of the column decides it: true for 3 June, false for March 6.", Example: "true"},
	{Name: "time_zone", Doc: "Time zone of dates and times that name none. Default: UTC.", Example: "Europe/Berlin"},
	{Name: "date_formats", Doc: "How dates are written, in YYYY, MM, DD, hh, mm and ss. Only these and 2026-01-31 are then read. Default: found over the whole column.", Example: "DD.MM.YYYY", List: true},
	{Name: "true_words", Doc: "Words for true, in place of true, yes, y and 1.", Example: "enrolled", List: true},
	{Name: "false_words", Doc: "Words for false, in place of false, no, n and 0.", Example: "missing", List: true},
	{Name: "list_separator", Doc: "Separator inside list cells. Default: a semicolon.", Example: ";"},
	{Name: "none_when_empty", Doc: "Attributes whose empty cell means there is none. Otherwise an empty cell is unknown.", Example: "end_on", List: true},
	{Name: "repeat", Doc: "For rows that hold several things in numbered columns: what # stands for in the names of columns, one thing for each.", Example: "1; 2", List: true},
	{Name: "rows", Doc: "How many rows the file must have, where its sender says so.", Example: "120"},
}

// Connector describes the source for forms and help. Kinds are read when a source is made.
func Connector(kinds func() (schema.Schema, error)) collect.Connector {
	return collect.Connector{
		Name:   "file",
		Title:  "CSV, XLSX or JSON file",
		Doc:    "Imports people, devices, tickets or any other kind from a file, all rows or none.",
		Fields: fieldsFor(kinds),
		New:    func(raw json.RawMessage) (collect.Source, error) { return made(raw, "", nil, kinds) },
		Over: func(raw json.RawMessage, name string, open func() (io.ReadCloser, error)) (collect.Source, error) {
			return made(raw, cmp.Or(name, "the uploaded file"), open, kinds)
		},
		Exports: exports,
	}
}

// fieldsFor offers the kinds that a file can hold.
func fieldsFor(kinds func() (schema.Schema, error)) []collect.ConfigField {
	out := slices.Clone(fields)
	if s, err := kinds(); err == nil { // that they cannot be read is told when a source is made
		out[slices.IndexFunc(out, func(f collect.ConfigField) bool { return f.Name == "kind" })].Values = importable(s)
	}
	return out
}

// exports are the presets whose columns an uploaded file has, whatever it is read as.
func exports(raw json.RawMessage, name string, open func() (io.ReadCloser, error)) ([]collect.Export, error) {
	var cfg Config
	if err := feed.Config(raw, &cfg); err != nil {
		return nil, err
	}
	cfg.Path = name
	if err := settle(&cfg); err != nil {
		return nil, err
	}
	var out []collect.Export
	for _, p := range fitting(cfg, open) {
		out = append(out, collect.Export{Name: p.ID, Title: p.Title, Doc: p.Doc, Kind: p.Kind})
	}
	return out, nil
}

// made makes a source of the file at the path of a configuration, or of one that was uploaded.
func made(raw json.RawMessage, uploaded string, open func() (io.ReadCloser, error), kinds func() (schema.Schema, error)) (collect.Source, error) {
	var cfg Config
	if err := feed.Config(raw, &cfg); err != nil {
		return nil, err
	}
	switch {
	case uploaded != "" && cfg.Path != "":
		return nil, errs.At("path", "the source has an uploaded file").Mend("leave path empty")
	case uploaded != "":
		cfg.Path = uploaded
	case strings.TrimSpace(cfg.Path) == "":
		return nil, errs.At("path", "is missing").Mend("give the file to read")
	}
	s, err := kinds()
	if err != nil {
		return nil, err
	}
	if cfg.Preset != "" {
		if c, err := comparing(cfg, open); c != nil || err != nil {
			return c, err
		}
	}
	return New(cfg, s, open)
}

// New makes a source from a configuration, and refuses one that cannot work. open gives the bytes,
// twice in one run; without it the file at Path is read.
func New(cfg Config, s schema.Schema, open func() (io.ReadCloser, error)) (*Source, error) {
	server := open == nil
	if server {
		open = onServer(cfg.Path)
	}
	cfg, err := withPreset(cfg)
	if err != nil {
		return nil, err
	}
	kind, ok := s.Kind(cfg.Kind)
	if !ok {
		if cfg.Kind == "" {
			return nil, noKind(cfg, open)
		}
		return nil, errs.At("kind", "there is no kind %q", cfg.Kind).Mend("choose one of: %s", strings.Join(importable(s), ", "))
	}
	if kind.Kept {
		return nil, errs.At("kind", "%s cannot be imported: Assay keeps them itself, with who wrote and who approved each", cfg.Kind).
			Mend("create them in Assay; a file can hold one of: %s", strings.Join(importable(s), ", "))
	}
	if err := settle(&cfg); err != nil {
		return nil, err
	}
	if err := cfg.repeats(); err != nil {
		return nil, err
	}
	conv, err := newConverter(cfg, kind)
	if err != nil {
		return nil, err
	}
	return &Source{cfg: cfg, kind: kind, open: open, conv: conv, server: server}, nil
}

// onServer opens a file at its path.
func onServer(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		f, _, err := blob.Regular(path)
		if err != nil {
			return nil, errs.At("path", "%s cannot be read", path).
				Mend("check that it is a file, and that the user that runs Assay may read it").Because(err)
		}
		return f, nil
	}
}

// noKind asks for what the rows are, and names the presets that the file fits.
func noKind(cfg Config, open func() (io.ReadCloser, error)) error {
	if err := settle(&cfg); err != nil {
		return err
	}
	if found := fitting(cfg, open); len(found) > 0 {
		return errs.At("preset", "the file looks like an export that Assay knows: %s", offers(found)).Mend("set preset to %s, or kind to what the rows are", found[0].ID)
	}
	return errs.At("kind", "is missing").Mend("say what the rows are, such as person; or set preset, to one of: %s", strings.Join(PresetNames(), ", "))
}

// importable are the names of the kinds that a file can hold.
func importable(s schema.Schema) []string {
	return slices.DeleteFunc(s.Names(), func(n string) bool {
		k, ok := s.Kind(n)
		return ok && k.Kept
	})
}

// foreign are the programs whose files are not read, by their endings.
var foreign = map[string]string{".xls": "old Excel (.xls)", ".xlsb": "binary Excel (.xlsb)", ".xlsm": "Excel macro (.xlsm)", ".ods": "LibreOffice (.ods)", ".numbers": "Numbers", ".pdf": "PDF", ".zip": "ZIP", ".html": "HTML", ".xml": "XML"}

// formatOf is the format that the ending of a path names; nothing where it names none.
func formatOf(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv", ".txt":
		return "csv"
	case ".xlsx":
		return "xlsx"
	case ".json":
		return "json"
	case ".jsonl", ".ndjson":
		return "jsonl"
	}
	return ""
}

// settle fills in what can be told from the rest.
func settle(cfg *Config) error {
	if cfg.Format == "" {
		cfg.Format = formatOf(cfg.Path)
	}
	if program := foreign[strings.ToLower(filepath.Ext(cfg.Path))]; cfg.Format == "" && program != "" {
		return errs.At("format", "%s files are not read", program).Mend("open it and save it as XLSX or CSV")
	}
	if !slices.Contains([]string{"csv", "xlsx", "json", "jsonl"}, cfg.Format) {
		return errs.At("format", "it is not plain what the file is").Mend("set format to csv, xlsx, json or jsonl")
	}
	for field, of := range map[string]string{"sheet": "xlsx", "list": "json", "delimiter": "csv"} {
		if set := map[string]string{"sheet": cfg.Sheet, "list": cfg.List, "delimiter": cfg.Delimiter}[field]; set != "" && cfg.Format != of {
			return errs.At(field, "is for format %s, and this file is %s", of, cfg.Format)
		}
	}
	if r := []rune(cfg.Delimiter); cfg.Delimiter != "" && (len(r) != 1 || strings.ContainsRune("\"\r\n\ufffd", r[0])) {
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
	return collect.Description{
		Kinds:       []string{s.kind.Name},
		Reads:       "The file " + s.cfg.Path + ", whole.",
		Permissions: []string{"read access to the file"},
		Query:       s.cfg.query(),
		Version:     s.cfg.Format,
	}
}

// Collect implements collect.Source. The file is read to see how its dates are written, again to check it all, and
// handed over in a last reading; if it is not the same file any more, the run fails.
func (s *Source) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	out := feed.New(ctx, page, s.kind.Name)
	sv, err := s.survey(ctx)
	if err != nil {
		return out.Fail(err)
	}
	report, err := s.scan(ctx, sv, taker{})
	if err != nil {
		return out.Fail(err)
	}
	out.Tell(report.told()...)
	if err := report.Err(); err != nil {
		return out.Fail(err)
	}
	held := 0
	again, err := s.scan(ctx, sv, taker{
		row: func(r collect.Resource, _ row) error { held = 0; return out.Add(r) },
		raw: func(b []byte) error {
			out.Raw(b)
			if held += len(b); held > 8<<20 { // rows that are left out must not pile up
				held = 0
				return out.Flush()
			}
			return nil
		}})
	if err != nil {
		return out.Fail(err)
	}
	if again.Digest != report.Digest || sv.digest != "" && sv.digest != report.Digest {
		return out.Fail(errs.New(errs.Unavailable, "the file changed while it was read").Mend("import it again when it is written"))
	}
	m, err := out.End()
	if report.Rows == 0 && s.cfg.Rows == nil { // a heading alone is what a broken export leaves; rows that are filtered out are an answer
		m.Empty = "Export the file again; or, if it is right, set rows to 0 in the configuration of the source"
	}
	return m, err
}

// Check reads the whole file and says what is wrong with it. The error is for what ends the
// reading; what is wrong with the rows stands in the report.
func (s *Source) Check(ctx context.Context) (Report, error) {
	sv, err := s.survey(ctx)
	if err != nil {
		return Report{}, err
	}
	return s.scan(ctx, sv, taker{})
}
