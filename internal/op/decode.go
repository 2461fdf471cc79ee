// SPDX-License-Identifier: Apache-2.0

package op

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"assay/internal/errs"
	"assay/internal/kind"
)

// MaxInput is how large an input may be, in bytes.
const MaxInput = 4 << 20

// decode reads an input strictly: one JSON object, no unknown field, every field of its type and within its bounds.
func decode[In any](raw json.RawMessage, fields []kind.Field) (in In, err error) {
	named, err := object(raw, fields)
	if err != nil {
		return in, err
	}
	mistaken := merge(&in, named, fields)
	var missing []error
	for _, f := range fields {
		if _, ok := named[f.Name]; f.Required && f.Type == "integer" && !ok {
			missing = append(missing, errs.At(f.Name, "is required"))
		}
	}
	fill(reflect.ValueOf(&in).Elem(), fields, named)
	return in, errs.Join(mistaken, errs.Join(missing...), beside(mistaken, kind.Validate(&in)))
}

// beside leaves out of faults what is said of a field that could not be read at all: it stands empty there.
func beside(mistaken, faults error) error {
	var bad, e *errs.Error
	if !errors.As(mistaken, &bad) || !errors.As(faults, &e) {
		return faults
	}
	var out []error
	for _, x := range e.All() {
		if !slices.ContainsFunc(bad.All(), func(b *errs.Error) bool { return top(b.Field) == top(x.Field) }) {
			out = append(out, x)
		}
	}
	return errs.Join(out...)
}

// top is the field of the input in which a field stands.
func top(field string) string {
	if i := strings.IndexAny(field, ".["); i > 0 {
		return field[:i]
	}
	return field
}

// object reads the fields of a JSON object and refuses those that are not there.
func object(raw json.RawMessage, fields []kind.Field) (map[string]json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage(`{}`)
	}
	if len(raw) > MaxInput {
		return nil, errs.New(errs.Invalid, "the input is larger than %d bytes", MaxInput)
	}
	if !utf8.Valid(raw) { // Go's decoder would mend it unseen
		return nil, errs.New(errs.Invalid, "the input is not valid UTF-8 text")
	}
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &named) != nil || named == nil { // read again, slower, for what is wrong
		named = nil
		d := json.NewDecoder(bytes.NewReader(raw))
		if err := d.Decode(&named); err != nil || named == nil {
			return nil, errs.New(errs.Invalid, "the input is not a JSON object%s", where(err))
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, errs.New(errs.Invalid, "there is extra text after the JSON object")
		}
	}
	unknown := []string{}
	for n := range named {
		if !slices.ContainsFunc(fields, func(f kind.Field) bool { return f.Name == n }) {
			unknown = append(unknown, n)
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		var faults []error
		for _, n := range unknown[:min(len(unknown), errs.AtOnce)] {
			faults = append(faults, errs.At(short(n), "there is no such field, or it can't be set").Mend("%s", "the fields are "+names(fields)))
		}
		return nil, errs.Join(faults...)
	}
	return named, nil
}

// merge lays the named fields over v and leaves the others as they are. It tells of all that have another type.
func merge(v any, named map[string]json.RawMessage, fields []kind.Field) error {
	rv := reflect.ValueOf(v).Elem()
	if rv.Kind() != reflect.Struct {
		return nil
	}
	var faults []error
	for _, f := range fields {
		raw, ok := named[f.Name]
		if !ok {
			continue
		}
		if f.Secret && kind.GivenSecret(raw) != nil { // what is sealed is the store's: nobody plants it, or brings it from another thing
			faults = append(faults, errs.At(f.Name, "must be text: send the secret itself; it can't be read back"))
			continue
		}
		x := rv.FieldByIndex(f.At)
		x.SetZero() // Go's decoder would otherwise reuse what is there
		if err := into(x, raw, f); err != nil {
			faults = append(faults, mismatch(f, err))
		}
	}
	return errs.Join(faults...)
}

// into reads one value. Only what has fields of its own can hold one that is not there.
func into(x reflect.Value, raw json.RawMessage, f kind.Field) error {
	if f.Plain() && f.Type != "array" {
		return json.Unmarshal(raw, x.Addr().Interface())
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(x.Addr().Interface())
}

// fill gives the fields that were not named their defaults.
func fill(rv reflect.Value, fields []kind.Field, named map[string]json.RawMessage) {
	for _, f := range fields {
		if _, ok := named[f.Name]; ok || f.Default == "" || f.ReadOnly {
			continue
		}
		x := rv.FieldByIndex(f.At)
		if x.Kind() == reflect.String {
			x.SetString(f.Default)
		} else {
			_ = json.Unmarshal([]byte(f.Default), x.Addr().Interface()) // a bad default is found by the test over all operations
		}
	}
}

func mismatch(f kind.Field, err error) error {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		at := f.Name
		if t.Field != "" {
			at += "." + t.Field
		}
		return errs.At(at, "must be %s, not %s", wants(f), t.Value)
	}
	if f.Format == "date-time" {
		return errs.At(f.Name, "is not a valid time").Mend("write it as 2026-11-22T09:00:00Z")
	}
	return errs.At(f.Name, "%s", strings.TrimPrefix(err.Error(), "json: "))
}

func wants(f kind.Field) string {
	switch {
	case f.Format == "date-time":
		return "a time"
	case f.Type == "integer":
		return "a whole number"
	case f.Type == "boolean":
		return "true or false"
	case f.Type == "array":
		return "a list"
	case f.Type == "object":
		return "an object"
	}
	return "text"
}

func where(err error) string {
	var s *json.SyntaxError
	if errors.As(err, &s) {
		return ": " + s.Error()
	}
	return ""
}

func names(fields []kind.Field) string {
	out := []string{}
	for _, f := range fields {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
