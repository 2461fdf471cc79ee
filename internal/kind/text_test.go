// SPDX-License-Identifier: Apache-2.0

package kind_test

import (
	"testing"

	"assay/internal/kind"
)

func TestATextBecomesAValueOfItsField(t *testing.T) {
	for _, c := range []struct {
		f        kind.Field
		in, want string
	}{
		{kind.Field{Type: "string"}, `say "so"`, `"say \"so\""`},
		{kind.Field{Type: "integer"}, "-3", "-3"},
		{kind.Field{Type: "integer"}, "3.5", ""},
		{kind.Field{Type: "integer"}, "", ""},
		{kind.Field{Type: "boolean"}, "true", "true"},
		{kind.Field{Type: "boolean"}, "yes", ""},
		{kind.Field{Type: "array", Format: "string"}, `a,"b, c"`, `["a","b, c"]`},
		{kind.Field{Type: "array", Format: "string"}, "", `[]`},
		{kind.Field{Type: "array", Format: "string"}, "a\nb", ""},
		{kind.Field{Type: "array", Format: "string"}, `a"b`, ""},
		{kind.Field{Type: "array", Format: "integer"}, "1,2", `[1,2]`},
		{kind.Field{Type: "array", Format: "integer"}, "1,b", ""},
		{kind.Field{Type: "array", Fields: []kind.Field{{}}}, `[{"a":1}]`, `[{"a":1}]`},
		{kind.Field{Type: "object"}, `{"a":1}`, `{"a":1}`},
		{kind.Field{Type: "object"}, `{"a":1`, ""},
		{kind.Field{Type: "string"}, "\xff", ""},
	} {
		got, err := c.f.FromText(c.in)
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: %s %v, want %s", c.f.Type, c.in, got, err, c.want)
		}
	}
}
