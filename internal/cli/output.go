// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// pair is one field of a JSON object, in the order in which it stands there.
type pair struct {
	name  string
	value json.RawMessage
}

// answer writes what an operation gave, and on the side where it stands in the ledger.
func (m *maker) answer(ans op.Answer, asJSON bool) error {
	raw, ok := ans.Out.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = store.Encode(ans.Out); err != nil {
			return fmt.Errorf("encode output of %s: %w", ans.Op.Name, err)
		}
	}
	var err error
	if asJSON {
		_, err = m.out.Write([]byte(string(bytes.TrimSpace(raw)) + "\n"))
	} else {
		err = m.human(ans.Op, raw)
	}
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if r := ans.Receipt; r != nil && r.Count > 0 {
		note := ""
		if ans.Replay {
			note = " (done before, with the same key)"
		}
		fmt.Fprintf(m.errOut, "ledger entry %s%s\n", thousands(r.Seq), note)
	}
	return nil
}

func (m *maker) human(o *op.Op, raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	sh, known := m.set.Shape(o.Kind)
	switch {
	case len(raw) == 0 || string(raw) == "{}" || string(raw) == "null":
		_, err := fmt.Fprintln(m.out, "done")
		return err
	case raw[0] == '[':
		var rows []json.RawMessage
		if err := json.Unmarshal(raw, &rows); err != nil {
			return err
		}
		return m.rows(rows, nil, "")
	case raw[0] != '{':
		_, err := fmt.Fprintln(m.out, text(raw))
		return err
	}
	pairs, err := object(raw)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(pairs, func(p pair) bool { return p.name == "data" && len(p.value) > 0 && p.value[0] == '[' }); i >= 0 {
		var rows []json.RawMessage
		if err := json.Unmarshal(pairs[i].value, &rows); err != nil {
			return err
		}
		more := ""
		if j := slices.IndexFunc(pairs, func(p pair) bool { return p.name == "next" }); j >= 0 {
			more = "--after " + text(pairs[j].value)
			if !slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "after" }) {
				more = "--before " + text(pairs[j].value)
			}
		}
		var columns []kind.Field
		if known && o.Verb == "list" {
			columns = shown(sh)
		}
		if err := m.rows(rows, columns, more); err != nil {
			return err
		}
		return m.advice(pairs)
	}
	return m.block(pairs)
}

// advice writes, below a table, what can be done about the rows: each list that stands beside the data and says it in
// its fields text and how.
func (m *maker) advice(pairs []pair) error {
	for _, p := range pairs {
		var all []struct{ Text, How string }
		if p.name == "data" || json.Unmarshal(p.value, &all) != nil {
			continue
		}
		for _, a := range all {
			if a.Text == "" || a.How == "" {
				continue
			}
			if _, err := fmt.Fprintf(m.out, "\n%s\n  %s\n", a.Text, a.How); err != nil {
				return fmt.Errorf("write advice: %w", err)
			}
		}
	}
	return nil
}

// shown are the columns of a table of a kind: its id and what is tagged for lists, else its label.
func shown(sh kind.Shape) []kind.Field {
	out := []kind.Field{{Name: "id", Type: "string"}}
	for _, f := range sh.Fields {
		if f.List && f.Name != "id" {
			out = append(out, f)
		}
	}
	if f, ok := sh.Field(sh.Label); ok && len(out) == 1 {
		out = append(out, f)
	}
	return out
}

// object reads a JSON object and keeps the order of its fields.
func object(raw json.RawMessage) ([]pair, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []pair
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		out = append(out, pair{fmt.Sprint(name), v})
	}
	return out, nil
}

// last are the fields that every thing has; they stand below what it is about.
var last = []string{"rev", "created_at", "created_by", "updated_at", "updated_by"}

// block writes one thing: a line for each field that holds something.
func (m *maker) block(pairs []pair) error {
	slices.SortStableFunc(pairs, func(a, b pair) int { return slices.Index(last, a.name) - slices.Index(last, b.name) })
	width := 0
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return empty(p.value) })
	for _, p := range pairs {
		width = max(width, cells(p.name))
	}
	for _, p := range pairs {
		lines := strings.Split(text(p.value), "\n")
		if nested(p.value) {
			lines = items(p.value)
		}
		label := op.Title(p.name) + ":" + strings.Repeat(" ", width-cells(p.name)+1)
		for i, l := range lines {
			if i > 0 {
				label = strings.Repeat(" ", width+2)
			}
			if _, err := fmt.Fprintln(m.out, strings.TrimRight(label+clean(l), " ")); err != nil {
				return err
			}
		}
	}
	return nil
}

func empty(v json.RawMessage) bool {
	s := string(v)
	return s == `""` || s == "null" || s == "[]" || s == "{}" || s == `"0001-01-01T00:00:00Z"`
}

// nested says whether a value is an object or a list of objects.
func nested(v json.RawMessage) bool {
	return v[0] == '{' || v[0] == '[' && bytes.HasPrefix(bytes.TrimSpace(v[1:]), []byte("{"))
}

// items writes an object, or each of several, on a line.
func items(v json.RawMessage) []string {
	all := []json.RawMessage{v}
	if v[0] == '[' && json.Unmarshal(v, &all) != nil {
		return []string{string(v)}
	}
	var out []string
	for _, x := range all {
		pairs, err := object(x)
		if err != nil {
			out = append(out, string(x))
			continue
		}
		parts := []string{}
		for _, p := range pairs {
			if !empty(p.value) {
				parts = append(parts, op.Title(p.name)+" "+strings.ReplaceAll(text(p.value), "\n", " "))
			}
		}
		out = append(out, strings.Join(parts, ", "))
	}
	return out
}

// text writes a value as a person reads it.
func text(v json.RawMessage) string {
	if len(v) == 0 || empty(v) {
		return ""
	}
	switch v[0] {
	case '"':
		var s string
		if json.Unmarshal(v, &s) != nil {
			return string(v)
		}
		return moment(s)
	case '[':
		var all []json.RawMessage
		if json.Unmarshal(v, &all) != nil || nested(v) {
			return string(v)
		}
		parts := make([]string, len(all))
		for i, x := range all {
			parts[i] = text(x)
		}
		return strings.Join(parts, ", ")
	case 't':
		return "yes"
	case 'f':
		return "no"
	}
	return string(v)
}
