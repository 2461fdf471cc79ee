// SPDX-License-Identifier: Apache-2.0

package file

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
)

// mapping turns rows into resources, and gathers what is wrong in the report.
type mapping struct {
	s       *Source
	report  *Report
	columns map[string]string // column to attribute, as far as it is known
	seen    map[string]bool   // columns that were there
	ignored map[string]bool
	keys    map[[16]byte]int // first row of each key
	head    []byte           // the heading's bytes, until the first row takes them
}

func newMapping(s *Source, report *Report) *mapping {
	return &mapping{s: s, report: report, columns: s.cfg.Columns, seen: map[string]bool{}, ignored: map[string]bool{}, keys: map[[16]byte]int{}}
}

func (m *mapping) takeHead() []byte {
	h := m.head
	m.head = nil
	return h
}

// heading checks the heading of a CSV file: nothing twice, and every column that the
// configuration speaks of.
func (m *mapping) heading(names []string) error {
	if len(names) > maxColumns {
		return &badFile{row: 1, text: fmt.Sprintf("it has %d columns, and at most %d are read", len(names), maxColumns)}
	}
	for i, n := range names {
		if bad := textFault(n); bad != "" {
			return &badFile{row: 1, column: n, text: bad}
		}
		if n != "" && slices.Contains(names[:i], n) {
			return &badFile{row: 1, column: n, text: "two columns have this name"}
		}
		m.see(n)
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t|") {
		return &badFile{row: 1, text: "the heading has one column only; set delimiter to what stands between the cells"}
	}
	for _, c := range m.wanted() {
		if !m.seen[c] {
			return &badFile{row: 1, column: c, text: "there is no such column; the file has: " + cut(strings.Join(names, ", "))}
		}
	}
	return nil
}

// wanted are the columns that the configuration names.
func (m *mapping) wanted() []string {
	var out []string
	for c := range m.s.cfg.Columns {
		out = append(out, c)
	}
	out = append(out, m.s.cfg.Key...)
	slices.Sort(out)
	return slices.Compact(out)
}

// see notes that a column is there, and what it becomes.
func (m *mapping) see(name string) {
	if m.seen[name] {
		return
	}
	m.seen[name] = true
	if m.attr(name) == "" && !slices.Contains(m.s.cfg.Key, name) && len(m.ignored) < maxColumns {
		m.ignored[name] = true
	}
}

// attr gives the attribute that a column becomes, or nothing.
func (m *mapping) attr(name string) string {
	if len(m.s.cfg.Columns) > 0 {
		return m.s.cfg.Columns[name]
	}
	plain := column(name)
	if _, ok := m.s.kind.Attrs[plain]; ok || plain == "id" || plain == "name" {
		return plain
	}
	return ""
}

// resource maps one row. Every fault of the row is reported, not only the first.
func (m *mapping) resource(r row) (collect.Resource, bool) {
	before := m.report.Total
	a := feed.NewAttrs()
	id, name := "", ""
	for _, c := range sortedKeys(r.cells) {
		m.see(c)
		attr := m.attr(c)
		if attr == "" {
			continue
		}
		v, state, problem := m.s.conv.cell(attr, r.cells[c])
		_, taken := a.Known[attr]
		switch {
		case problem != "":
			m.report.fault(r.number, c, "%s", problem)
		case state == empty:
			a.Unknown("the cell is empty", attr)
		case attr == "id":
			id, _ = v.(string)
		case attr == "name":
			name, _ = v.(string)
		case taken:
			m.report.fault(r.number, c, "another column is %s too", attr)
		default:
			a.Set(attr, v)
		}
	}
	delete(a.Why, "id")
	delete(a.Why, "name")
	for attr, v := range m.s.conv.constants {
		a.Set(attr, v)
	}
	key := m.key(r, id)
	if key != "" {
		m.once(r.number, key)
	}
	if name == "" {
		name = key
	}
	return a.Resource(m.s.kind.Name, key, name), m.report.Total == before
}

// key joins the key columns of a row.
func (m *mapping) key(r row, id string) string {
	if len(m.s.cfg.Key) == 0 {
		if id == "" {
			m.report.fault(r.number, "", "it has no key: name the columns of the key, or one that is the id")
		}
		return id
	}
	parts := make([]string, len(m.s.cfg.Key))
	for i, c := range m.s.cfg.Key {
		v, state, problem := m.s.conv.cell("id", r.cells[c])
		if problem != "" {
			m.report.fault(r.number, c, "%s", problem)
			return ""
		}
		if state == empty {
			m.report.fault(r.number, c, "the key is empty")
			return ""
		}
		text, _ := v.(string)
		parts[i] = strings.ReplaceAll(text, "|", "||") // so that no two keys become one
	}
	if len(parts) == 1 {
		text, _, _ := m.s.conv.cell("id", r.cells[m.s.cfg.Key[0]])
		return fmt.Sprint(text)
	}
	return strings.Join(parts, " | ")
}

// once reports a key that came before.
func (m *mapping) once(row int, key string) {
	sum := sha256.Sum256([]byte(key))
	mark := [16]byte(sum[:16])
	if first, twice := m.keys[mark]; twice {
		m.report.fault(row, strings.Join(m.s.cfg.Key, ", "), "the key %q stands in row %d already", cut(key), first)
		return
	}
	m.keys[mark] = row
}

// end checks what can only be known at the end of the file.
func (m *mapping) end() {
	if m.s.cfg.Format != "csv" && m.report.Rows > 0 {
		for _, c := range m.wanted() {
			if !m.seen[c] {
				m.report.fault(0, c, "no object has the name %q", cut(c))
			}
		}
	}
	if m.report.Rows == 0 && m.s.kind.NeverEmpty {
		m.report.fault(0, "", "the file has no rows, and %s is never empty", m.s.kind.Name)
	}
	if want := m.s.cfg.Rows; want != nil && *want != m.report.Rows {
		m.report.fault(0, "", "the file has %d rows, and %d were announced", m.report.Rows, *want)
	}
	for c := range m.ignored {
		m.report.Ignored = append(m.report.Ignored, cut(c))
	}
	slices.Sort(m.report.Ignored)
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// same compares two values as they are stored.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
