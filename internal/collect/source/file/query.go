// SPDX-License-Identifier: Apache-2.0

package file

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// What is told of one setting at most: so that none is so long that another is not seen.
const maxSetting = 1000

// query is what was asked of the file, as an auditor should see it: which rows, which columns, and every setting that
// decides what a row or a word comes to, those of a preset too.
func (c Config) query() string {
	var pairs []string
	for column, attr := range c.Columns {
		pairs = append(pairs, column+" as "+attr)
	}
	slices.Sort(pairs)
	rows := "every row of "
	if len(c.Only)+len(c.Except) > 0 || c.LatestBy != "" {
		rows = "some rows of "
	}
	out := rows + c.Path
	if len(pairs) > 0 {
		out += ": " + bounded(strings.Join(pairs, ", "))
	}
	return strings.Join(append([]string{out}, c.settings()...), "; ")
}

// settings are the fields that are set, beside the path and the columns, as name and JSON.
func (c Config) settings() (out []string) {
	v := reflect.ValueOf(c)
	for _, f := range reflect.VisibleFields(v.Type()) {
		name := f.Tag.Get("json")
		if x := v.FieldByIndex(f.Index); name == "" || name == "path" || name == "columns" || x.IsZero() {
			continue
		}
		out = append(out, name+" "+bounded(plainJSON(v.FieldByIndex(f.Index).Interface())))
	}
	return out
}

// plainJSON is JSON that leaves < and & as they are.
func plainJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "(it cannot be shown)"
	}
	return strings.TrimSpace(b.String())
}

func bounded(s string) string {
	r := []rune(s)
	if len(r) <= maxSetting {
		return s
	}
	return fmt.Sprintf("%s… and %d more characters", string(r[:maxSetting]), len(r)-maxSetting)
}
