// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"assay/internal/errs"
)

// Validate holds v against the tags of its fields, and tells all that is wrong. Fields that no face sets are left out.
func Validate(v any) error {
	rv := reflect.Indirect(reflect.ValueOf(v))
	if rv.Kind() != reflect.Struct {
		return nil
	}
	fields, ok := known.Load(rv.Type())
	if !ok {
		fields, _ = known.LoadOrStore(rv.Type(), Fields(rv.Type()))
	}
	return validate(rv, fields.([]Field), "")
}

// known are the fields of types that were validated before; they are never changed.
var known sync.Map

func validate(rv reflect.Value, fields []Field, at string) error {
	var faults []error
	for _, f := range fields {
		if f.ReadOnly {
			continue
		}
		if err := f.check(rv.FieldByIndex(f.At), at); err != nil {
			faults = append(faults, err)
		}
	}
	return errs.Join(faults...)
}

func (x Field) check(v reflect.Value, at string) error {
	path := at + x.Name
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch x.Type {
	case "string":
		if x.Secret {
			s, _ := v.Interface().(Secret)
			return x.secretBounds(s, path)
		}
		if x.Format == "date-time" {
			return nil
		}
		return x.text(v.String(), path)
	case "integer":
		if v.CanInt() {
			return x.size(v.Int(), path, "")
		}
		return x.size(int64(min(v.Uint(), 1<<62)), path, "")
	case "array":
		if err := x.size(int64(v.Len()), path, " entries"); err != nil {
			return err
		}
		var faults []error
		for i := range v.Len() {
			if err := x.item(v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				faults = append(faults, err)
			}
			if len(faults) == errs.AtOnce {
				break
			}
		}
		return errs.Join(faults...)
	case "object":
		if v.Kind() == reflect.Struct {
			return validate(v, x.Fields, path+".")
		}
	}
	return nil
}

func (x Field) item(v reflect.Value, path string) error {
	switch {
	case x.Fields != nil:
		return validate(reflect.Indirect(v), x.Fields, path+".")
	case v.Kind() == reflect.String:
		return Field{Name: path, Enum: x.Enum, Required: x.Enum != nil}.text(v.String(), path)
	}
	return nil
}

func (x Field) text(s, path string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return errs.At(path, "is not readable text (UTF-8 without NUL)")
	}
	if s == "" && x.Required {
		return errs.At(path, "is required")
	}
	if s == "" {
		return nil
	}
	if x.Enum != nil && !slices.Contains(x.Enum, s) {
		return errs.At(path, "%q is not one of %s", short(s), strings.Join(x.Enum, ", "))
	}
	if x.Format == "date" {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return errs.At(path, "%q is not a date", short(s)).Mend("write it as 2026-11-22")
		}
	}
	if x.Format == "sha256" {
		if b, err := hex.DecodeString(s); err != nil || len(b) != 32 || s != strings.ToLower(s) {
			return errs.At(path, "is not a SHA-256 digest").Mend("write 64 lower-case hex characters")
		}
		return nil
	}
	return x.size(int64(utf8.RuneCountInString(s)), path, " characters")
}

func (x Field) size(n int64, path, unit string) error {
	if x.Min != nil && n < *x.Min {
		return errs.At(path, "must be at least %d%s", *x.Min, unit)
	}
	if x.Max != nil && n > *x.Max {
		return errs.At(path, "must be at most %d%s", *x.Max, unit)
	}
	return nil
}

func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
