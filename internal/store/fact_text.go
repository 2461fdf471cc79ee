// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"reflect"
	"strings"
	"unicode/utf8"

	"assay/internal/errs"
)

// sound refuses a row with text that not every reader reads alike: text that is not UTF-8, or with a NUL in
// it, which one engine keeps and the other refuses. JSON is looked at as it will stand, and its keys with it.
func (t *Table[T]) sound(n int, vals []any, row reflect.Value) error {
	for i, c := range t.cols {
		s, ok := vals[i].(string)
		if !ok {
			continue
		}
		what := ""
		switch {
		case !utf8.ValidString(s):
			what = "is not UTF-8"
		case strings.IndexByte(s, 0) >= 0, c.typ == "json" && escaped(s, `\u0000`):
			what = "has a NUL in it"
		case c.typ == "json" && escaped(s, `\ufffd`) && !wellFormed(row.FieldByIndex(c.at)):
			what = "is not UTF-8" // the encoder puts \ufffd for what it cannot read, and tells nobody
		}
		if what != "" {
			return errs.At(t.Name+"."+c.name, "column %s of row %d of table %s holds text that %s", c.name, n, t.Name, what).Mend("clean the text where it comes in")
		}
	}
	return nil
}

// escaped says whether JSON has this escape, and not a backslash in front of what looks like it.
func escaped(s, escape string) bool {
	for from := 0; ; {
		i := strings.Index(s[from:], escape)
		if i < 0 {
			return false
		}
		at := from + i
		slashes := 0
		for at-1-slashes >= 0 && s[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return true
		}
		from = at + 1
	}
}

// wellFormed says whether every text in a value is UTF-8. Bytes stand for JSON that somebody else wrote.
func wellFormed(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return v.IsNil() || wellFormed(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if !wellFormed(v.Field(i)) {
				return false
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if !wellFormed(it.Key()) || !wellFormed(it.Value()) {
				return false
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Kind() == reflect.Array || utf8.Valid(bytes.Clone(v.Bytes()))
		}
		for i := range v.Len() {
			if !wellFormed(v.Index(i)) {
				return false
			}
		}
	}
	return true
}
