// SPDX-License-Identifier: Apache-2.0

package file

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/collect"
	"assay/internal/collect/source/feed"
)

// mapping turns rows into resources, and gathers what is wrong in the report.
type mapping struct {
	s         *Source
	report    *Report
	sv        *survey
	used      []used              // of a table: the columns that are asked for
	becomes   map[string][]string // column to attributes
	seen      map[string]bool     // columns that were there
	ignored   map[string]bool
	keys      map[[16]byte]int // first row of each key
	mails     map[[16]byte]int // first row of each person's address
	since1904 bool             // the days of an old workbook are counted from then
	nothing   map[string]int   // words that may mean nothing, in attributes that take any text
}

// used is a column of a table: where it stands, and the name that the configuration has for it.
type used struct {
	at   int
	name string
}

func newMapping(s *Source, report *Report, sv *survey) *mapping {
	return &mapping{s: s, report: report, sv: sv, becomes: map[string][]string{}, seen: map[string]bool{}, ignored: map[string]bool{},
		keys: map[[16]byte]int{}, mails: map[[16]byte]int{}, nothing: map[string]int{}}
}

// refuse counts a row that cannot be read at all.
func (m *mapping) refuse(row int, format string, a ...any) {
	m.report.Rows++
	m.report.Refused++
	if !m.sv.open {
		m.report.fault(row, "", format, a...)
	}
}

// places are where a column stands: by its name as written, or, where no column has it, by its name without regard to case
// and width of spaces.
func places(names []string, want string) []int {
	var exact, near []int
	for i, n := range names {
		if clean(n) == clean(want) {
			exact = append(exact, i)
		} else if folded(n) == folded(want) {
			near = append(near, i)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return near
}

// fits says whether a record can be the heading: it has every column that must be there, or without a mapping a key and
// an attribute.
func (m *mapping) fits(names []string) bool {
	if m.s.heading != nil {
		return m.s.heading(names)
	}
	for _, c := range m.wanted() {
		if len(places(names, c)) == 0 {
			return false
		}
	}
	if len(m.s.cfg.Columns) > 0 {
		return true
	}
	known, id := 0, len(m.s.cfg.Key) > 0
	for _, n := range names {
		if plain := m.plain(n); plain != "" {
			known++
			id = id || plain == "id"
		}
	}
	return known > 0 && id
}

// heading checks the heading of a table: every column that the configuration speaks of is there once.
func (m *mapping) heading(row int, names []string) error {
	if m.s.heading != nil {
		return errSeen
	}
	if len(names) > maxColumns {
		return &badFile{row: row, text: fmt.Sprintf("it has %d columns, and at most %d are read", len(names), maxColumns)}
	}
	taken := map[int]bool{}
	for _, n := range names {
		if bad := textFault(n); bad != "" {
			return &badFile{row: row, column: n, text: bad}
		}
	}
	for _, c := range m.spoken() {
		at := places(names, c)
		switch {
		case m.spare(c, names):
			continue
		case len(at) == 0 && m.s.cfg.optional[c]:
			continue
		case len(at) == 0 && len(names) == 1 && strings.ContainsAny(names[0], ";,\t|"):
			return &badFile{row: row, text: "the heading has one column only; set delimiter to what stands between the cells"}
		case len(at) == 0:
			return &badFile{row: row, column: c, text: "there is no such column; the file has: " + cut(m.report.veil.names(names))}
		case len(at) > 1:
			return &badFile{row: row, column: c, text: fmt.Sprintf("two columns have this name (columns %d and %d); rename one, or leave it out of the mapping", at[0]+1, at[1]+1)}
		}
		m.use(at[0], c)
		taken[at[0]] = true
	}
	if err := m.byName(row, names, taken); err != nil {
		return err
	}
	for i, n := range names {
		if m.s.each != nil && !taken[i] {
			m.use(i, n)
		} else if !taken[i] && clean(n) != "" {
			m.ignored[n] = true
		}
	}
	return nil
}

// spare says whether a column of a preset is not needed, because others give all of its attributes.
func (m *mapping) spare(c string, names []string) bool {
	return m.s.cfg.instead[c] && !slices.ContainsFunc(targets(m.s.cfg.Columns[c]), func(attr string) bool { return !m.replaced(c, attr, names) })
}

// replaced says whether another column gives an attribute in place of this one of a preset.
func (m *mapping) replaced(c, attr string, names []string) bool {
	if !m.s.cfg.instead[c] {
		return false
	}
	for other, to := range m.s.cfg.Columns {
		if other != c && !m.s.cfg.instead[other] && slices.Contains(targets(to), attr) && has(names, other) {
			return true
		}
	}
	return attr == "name" && len(m.s.cfg.Name) > 0
}

func (m *mapping) use(at int, name string) {
	m.seen[name] = true
	m.used = append(m.used, used{at, name})
}

// byName maps the columns of a file without a mapping: those that are named like attributes.
func (m *mapping) byName(row int, names []string, taken map[int]bool) error {
	if len(m.s.cfg.Columns) > 0 {
		return nil
	}
	from := map[string]string{}
	for i, n := range names {
		attr := m.plain(n)
		if attr == "" {
			continue
		}
		if first, twice := from[attr]; twice {
			return &badFile{row: row, column: n, text: fmt.Sprintf("it is %s, and so is column %s; say in columns which one is meant", attr, cut(first))}
		}
		from[attr] = n
		if !taken[i] {
			m.use(i, n)
			taken[i] = true
		}
	}
	if len(names) == 1 && len(from) == 0 && strings.ContainsAny(names[0], ";,\t|") {
		return &badFile{row: row, text: "the heading has one column only; set delimiter to what stands between the cells"}
	}
	return nil
}

// spoken are all columns that the configuration names, and wanted those of them that must be there.
func (m *mapping) spoken() []string {
	out := m.s.numbered(m.s.cfg.named())
	slices.Sort(out)
	return slices.Compact(out)
}

// named are the columns as the configuration writes them.
func (cfg *Config) named() []string {
	out := slices.Concat(slices.Collect(maps.Keys(cfg.Columns)), cfg.Key, cfg.Name, slices.Collect(maps.Keys(cfg.Only)), slices.Collect(maps.Keys(cfg.Except)))
	if cfg.LatestBy != "" {
		out = append(out, cfg.LatestBy)
	}
	return out
}

func (m *mapping) wanted() []string {
	return slices.DeleteFunc(m.spoken(), func(c string) bool { return m.s.cfg.optional[c] })
}

// see notes a name of a JSON object.
func (m *mapping) see(name string) {
	if m.seen[name] {
		return
	}
	m.seen[name] = true
	if name == numberSign && len(m.s.cfg.Repeat) > 0 {
		return
	}
	if len(m.attrs(name)) == 0 && !slices.Contains(m.spoken(), name) && len(m.ignored) < maxColumns {
		m.ignored[name] = true
	}
}

// hollow makes outer.inner an empty cell where outer is null or empty, and so has no inner.
func (m *mapping) hollow(cells map[string]any) {
	for c := range m.s.cfg.Columns {
		outer, _, nested := strings.Cut(c, ".")
		if v, there := cells[outer]; nested && there && (v == nil || v == "") {
			cells[c] = nil
		}
	}
}

// attrs gives the attributes that a column becomes.
func (m *mapping) attrs(name string) []string {
	out, known := m.becomes[name]
	if known {
		return out
	}
	if out = targets(m.s.cfg.Columns[name]); len(m.s.cfg.Columns) == 0 {
		out = targets(m.plain(name))
	}
	if m.becomes != nil && len(m.becomes) < maxColumns {
		m.becomes[name] = out
	}
	return out
}

// plain gives the attribute that has the name of a column.
func (m *mapping) plain(name string) string {
	plain := column(name)
	if _, ok := m.s.kind.Attrs[plain]; ok || plain == "id" || plain == "name" {
		return plain
	}
	return ""
}

// filtered says whether the configuration leaves a row out, and whether that could be judged: a row without a word in a
// column that decides is not passed over, it is refused.
func (m *mapping) filtered(r row) (left, judged bool) {
	for _, c := range sortedKeys(m.s.cfg.Except) {
		if m.s.cfg.Except[c].has(cellText(r.cells[c])) {
			m.report.Filtered++
			return true, true
		}
	}
	for _, c := range sortedKeys(m.s.cfg.Only) {
		word := cellText(r.cells[c])
		if m.s.cfg.Only[c].has(word) {
			continue
		}
		if clean(word) == "" {
			m.report.Refused++
			if !m.sv.open {
				m.report.fault(r.number, c, "it is empty, and decides whether the row is imported. Add \"\" to only or to except")
			}
			return false, false
		}
		m.report.Filtered++
		return true, true
	}
	return false, true
}

// cellText is a cell as filters compare it.
func cellText(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	return fmt.Sprint(v)
}

// resource maps one row. Every fault of the row is reported, not only the first.
func (m *mapping) resource(r row) (collect.Resource, bool) {
	before := m.report.Total
	a := feed.NewAttrs()
	named := map[string]string{}
	for _, c := range sortedKeys(r.cells) {
		m.see(c)
		for _, attr := range m.attrs(c) {
			if len(m.s.cfg.instead) == 0 || !m.replaced(c, attr, slices.Collect(maps.Keys(r.cells))) {
				m.one(a, named, attr, c, r)
			}
		}
	}
	for _, c := range sortedKeys(m.s.cfg.Columns) {
		if _, there := r.cells[c]; !there {
			a.Unknown("the file has no "+cut(c), targets(m.s.cfg.Columns[c])...)
		}
	}
	delete(a.Why, "id")
	delete(a.Why, "name")
	for attr, v := range m.s.conv.constants {
		a.Set(attr, v)
	}
	name := named["name"]
	if len(m.s.cfg.Name) > 0 {
		name = m.fullName(r)
	}
	key := m.key(r, named["id"], name)
	m.notLabelled(r, key, name)
	if key != "" {
		m.once(r.number, key)
		m.mail(r.number, a)
	}
	if name == "" {
		name = key
	}
	return a.Resource(m.s.kind.Name, key, name), m.report.Total == before
}

// one reads one cell into its attribute.
func (m *mapping) one(a *feed.Attrs, named map[string]string, attr, c string, r row) {
	v, state, problem := m.s.conv.cell(attr, r.cells[c], reading{m.sv.orders[attr], m.since1904})
	_, taken := a.Known[attr]
	switch {
	case problem != "" && len(m.s.kind.Attrs[attr].Values) > 0:
		m.report.add(Fault{Row: r.number, Column: cut(c), Text: problem, asks: "values"})
	case problem != "":
		m.report.fault(r.number, c, "%s", problem)
	case attr == "email" && state == filled && noAddress(v):
		m.noAddress(a, c, r)
	case state == empty:
		a.Unknown("the cell is empty", attr)
	case state == unsaid:
		a.Unknown(fmt.Sprintf("the cell says %q", cut(cellText(r.cells[c]))), attr)
	case attr == "id" || attr == "name":
		named[attr], _ = v.(string)
	case taken:
		m.report.fault(r.number, c, "another column is %s too", attr)
	default:
		a.Set(attr, v)
		if s, ok := v.(string); ok && len(m.nothing) < 20 && meansNothing(s) && len(m.s.kind.Attrs[attr].Values) == 0 {
			m.nothing[fmt.Sprintf("%s holds the word %q", attr, s)]++
		}
	}
}

func (m *mapping) fullName(r row) string {
	var parts []string
	for _, c := range m.s.cfg.Name {
		v, _, problem := m.s.conv.cell("name", r.cells[c], reading{})
		if problem != "" {
			m.report.fault(r.number, c, "%s", problem)
		}
		if text, _ := v.(string); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// key joins the key columns of a row. A row without one is told by its name, where it has that.
func (m *mapping) key(r row, id, name string) string {
	if len(m.s.cfg.Key) == 0 {
		if id == "" && name != "" {
			m.report.fault(r.number, "", "%q has no key: name the columns of the key, or one that is the id", cut(name))
		} else if id == "" {
			m.report.fault(r.number, "", "it has no key: name the columns of the key, or one that is the id")
		}
		return m.notASum(r.number, id)
	}
	parts := make([]string, len(m.s.cfg.Key))
	for i, c := range m.s.cfg.Key {
		v, state, problem := m.s.conv.cell("id", r.cells[c], reading{})
		if state == empty && name != "" {
			problem = fmt.Sprintf("the key of %q is empty", cut(name))
		} else if state == empty {
			problem = "the key is empty"
		}
		if problem != "" {
			m.report.fault(r.number, c, "%s", problem)
			return ""
		}
		parts[i], _ = v.(string)
	}
	if len(parts) == 1 {
		return m.notASum(r.number, parts[0])
	}
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "|", "||") // so that no two keys become one
	}
	return m.notASum(r.number, strings.Join(parts, " | "))
}

// end checks what can only be known at the end of the file.
func (m *mapping) end() {
	if m.sv.open {
		return
	}
	if m.s.cfg.Format != "csv" && m.s.cfg.Format != "xlsx" && m.report.Rows > 0 {
		for _, c := range m.wanted() {
			if !m.seen[c] {
				m.report.fault(0, c, "no object has the name %q", cut(c))
			}
		}
	}
	if m.report.Rows == 0 && m.report.Total == 0 && len(m.used) == 0 && (m.s.cfg.Format == "csv" || m.s.cfg.Format == "xlsx") {
		m.report.fault(0, "", "the file has no rows, and no column that is named like an attribute of %s; set preset, or map its columns", m.s.kind.Name)
	}
	if m.report.Read+m.report.Refused == 0 && m.s.kind.NeverEmpty {
		m.report.fault(0, "", "the file has no rows to import, and %s is never empty", m.s.kind.Name)
	}
	if want := m.s.cfg.Rows; want != nil && *want*m.s.perRow() != m.report.Rows {
		m.report.fault(0, "", "the file has %d rows, and %d were announced", m.report.Rows/m.s.perRow(), *want)
	}
	if p := m.s.cfg.page; p > 0 && m.report.Rows == p {
		m.report.note("The file has exactly %d rows, which is as many as one page of this export can have. Check that no rows are missing.", p)
	}
	for c := range m.ignored {
		m.report.Ignored = append(m.report.Ignored, cut(c))
	}
	slices.Sort(m.report.Ignored)
	m.report.Ignored = slices.Compact(m.report.Ignored)
	for _, text := range sortedKeys(m.nothing) {
		m.report.note("%s (%d rows). If it means that there is none, add it to none_words.", text, m.nothing[text])
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// same compares two values as they are stored.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
