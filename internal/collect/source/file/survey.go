// SPDX-License-Identifier: Apache-2.0

package file

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// survey is what must be known of the whole file before its first row can be read: how the dates of each column are
// written, and which of several rows about one thing is the latest.
type survey struct {
	open   bool // it is being made
	dates  map[string]*dating
	orders map[string]order
	groups map[[16]byte][]version
	older  map[int]bool // rows that a later one replaces
	faults []Fault
	notes  []string
	digest string
}

// version is one of the rows about one thing.
type version struct {
	row int
	at  written
	ok  bool // its date can be read
}

// survey reads the file once, where that is needed. What is wrong with rows is told by the reading that follows.
func (s *Source) survey(ctx context.Context) (*survey, error) {
	sv := &survey{open: true, dates: map[string]*dating{}, orders: map[string]order{}, groups: map[[16]byte][]version{}, older: map[int]bool{}}
	defer func() { sv.open = false }()
	if s.cfg.LatestBy == "" && (!s.dated() || len(s.conv.layouts) > 0) {
		return sv, nil
	}
	report, err := s.scan(ctx, sv, taker{})
	if err != nil {
		return nil, err
	}
	sv.digest = report.Digest
	for _, attr := range sortedKeys(sv.dates) {
		o, fault := sv.dates[attr].decide(s.cfg.DayFirst)
		if sv.orders[attr] = o; fault != nil && !slices.Contains(sv.faults, *fault) { // one column can be several attributes
			sv.faults = append(sv.faults, *fault)
		}
		if note := sv.dates[attr].told(o); note != "" && !slices.Contains(sv.notes, note) {
			sv.notes = append(sv.notes, note)
		}
		if at := sv.dates[attr].zoneless; at != nil {
			sv.notes = append(sv.notes, fmt.Sprintf("Times in column %s name no time zone, such as %s, and are read as UTC. Set time_zone if they are in another.", cut(at.column), cut(at.text)))
		}
	}
	sv.settle(s.cfg.LatestBy)
	sv.groups = nil
	return sv, nil
}

// dated says whether any column can be a date.
func (s *Source) dated() bool {
	if len(s.cfg.Columns) == 0 {
		return slices.ContainsFunc(sortedKeys(s.kind.Attrs), s.timed)
	}
	for _, to := range s.cfg.Columns {
		if slices.ContainsFunc(targets(to), s.timed) {
			return true
		}
	}
	return false
}

func (s *Source) timed(attr string) bool {
	t := s.kind.Attrs[attr].Type
	return t == "date" || t == "time"
}

// begin puts what was found into the report of a reading.
func (sv *survey) begin(r *Report) {
	for _, f := range sv.faults {
		f.Column = cut(f.Column)
		r.add(f)
	}
	for _, n := range sv.notes {
		r.note("%s", n)
	}
}

// latest is the name under which the column of latest_by is dated.
const latest = "latest_by"

// survey notes the dates of one row.
func (m *mapping) survey(r row) {
	for _, c := range sortedKeys(r.cells) {
		for _, attr := range m.attrs(c) {
			if m.s.timed(attr) {
				m.date(attr, c, r)
			}
		}
	}
	if m.s.cfg.LatestBy == "" {
		return
	}
	if group := m.about(r); group != "" {
		w, ok := m.date(latest, m.s.cfg.LatestBy, r)
		m.sv.groups[mark(group)] = append(m.sv.groups[mark(group)], version{r.number, w, ok})
	}
}

func (m *mapping) date(attr, c string, r row) (written, bool) {
	text := clean(cellText(r.cells[c]))
	word, _, left := m.s.conv.says(m.s.kind.Attrs[attr], text)
	if !left || textFault(text) != "" {
		return written{}, false
	}
	w, ok := readDate(word, m.s.conv.zone, m.since1904)
	if !ok {
		return w, false
	}
	d := m.sv.dates[attr]
	if d == nil {
		d = &dating{}
		m.sv.dates[attr] = d
	}
	d.note(w, place{r.number, c, word})
	if m.s.cfg.Zone == "" && m.s.kind.Attrs[attr].Type == "time" {
		d.zone(w, place{r.number, c, word}, m.since1904)
	}
	return w, true
}

// about is what a row is about: a person's address, or the key.
func (m *mapping) about(r row) string {
	if m.s.kind.Name == "person" {
		for c := range r.cells {
			if mail := clean(cellText(r.cells[c])); slices.Contains(m.attrs(c), "email") && mail != "" {
				return mail
			}
		}
	}
	quiet := &mapping{s: m.s, report: &Report{}}
	for c := range r.cells {
		if slices.Contains(m.attrs(c), "id") {
			return quiet.key(r, clean(cellText(r.cells[c])), "")
		}
	}
	return quiet.key(r, "", "")
}

// settle finds the latest of the rows about one thing. Two that are equally late, and one without a date, are asked about.
func (sv *survey) settle(by string) {
	for _, all := range sv.groups {
		if len(all) < 2 {
			continue
		}
		at := func(v version) time.Time {
			t, ok := v.at.in(sv.orders[latest])
			if !ok || !v.ok {
				return time.Time{}
			}
			return t
		}
		newest := slices.MaxFunc(all, func(a, b version) int { return at(a).Compare(at(b)) })
		for _, v := range all {
			switch {
			case v.row == newest.row:
			case at(v).IsZero() || at(v).Equal(at(newest)):
				sv.faults = append(sv.faults, Fault{Row: v.row, Column: by, Text: fmt.Sprintf("it is about the same as row %d, and the column does not say which is the later one", newest.row)})
			default:
				sv.older[v.row] = true
			}
		}
	}
	slices.SortFunc(sv.faults, func(a, b Fault) int { return a.Row - b.Row })
	if len(sv.older) > 0 {
		sv.notes = append(sv.notes, fmt.Sprintf("%d older rows were left out: a later one by %s is about the same.", len(sv.older), by))
	}
}

// told says how a column is read, where that is not plain from its text.
func (d *dating) told(o order) string {
	how := map[order]string{dayFirst: "the day first", monthFirst: "the month first"}[o]
	if at := earliest(d.onlyDay, d.onlyMonth, d.either); how != "" && at != nil {
		return fmt.Sprintf("Column %s is read with %s, such as %q.", cut(at.column), how, cut(at.text))
	}
	if d.serial != nil {
		return fmt.Sprintf("Column %s is read as day numbers of a spreadsheet, such as %q.", cut(d.serial.column), cut(d.serial.text))
	}
	return ""
}
