// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
)

type query struct {
	text  string
	args  []any
	limit int
}

// maxBranches is how many combinations of values are asked for one by one. With more, all that fits is sorted.
const maxBranches = 64

// a filter is what one field must be: one of some values.
type filter struct {
	name  string
	vals  []any
	marks []string // of the values that are used: an engine refuses an argument that stands nowhere
}

// a lister writes the statement of one page of a list. Names come from the kind, never from the caller.
type lister struct {
	query
	s         *shape
	where     string // what holds whatever is filtered by
	filters   []filter
	col       *kind.Field // what is sorted by; by id where nil
	expr      string      // its column
	cmp, dir  string      // what comes behind the cursor, and the order
	after     bool        // there is a cursor: its value and its id
	val       any
	id        string
	sameField int // which of the filters is by the field that is sorted by; -1 if none
}

func (q *query) arg(a any) string { q.args = append(q.args, a); return fmt.Sprintf("$%d", len(q.args)) }

// mark is the place of a value of a filter.
func (l *lister) mark(filter, val int) string {
	f := &l.filters[filter]
	if f.marks[val] == "" {
		f.marks[val] = l.arg(f.vals[val])
	}
	return f.marks[val]
}

// query writes the statement of a list. Where an index has what is filtered by in the order that is asked for, it reads a page
// and not the kind: of several values of a field, each is a list of its own, of which the first ones are merged.
func (s *shape) query(v *View, p Page) (query, error) {
	l := &lister{s: s, query: query{args: []any{v.Org}, limit: p.Limit}, cmp: ">", dir: "ASC", sameField: -1}
	if l.limit <= 0 {
		l.limit = 50
	}
	l.limit = min(l.limit, 1000)
	if err := l.read(p); err != nil {
		return l.query, err
	}
	l.where = "k.org=$1"
	if v.Past {
		n := l.arg(v.At)
		l.where += " AND k.since<" + n + " AND k.until>=" + n
	} else {
		until := "k.until"
		if len(l.filters) == 0 && l.col == nil {
			until = "+k.until" // by no index: the table lies in the order that is asked for, and all of an index would have to be sorted
		}
		l.where += fmt.Sprintf(" AND %s=%d", until, forever)
	}
	l.where += v.seen(s, "k.id")
	if all := l.branches(); !v.Past && all != nil {
		l.merged(all)
		return l.query, nil
	}
	l.plain(v.Past)
	return l.query, nil
}

// read reads what is asked for: filters in the order of the kind, so that the same question gives the same text.
func (l *lister) read(p Page) (err error) {
	for name := range p.Where {
		if !slices.ContainsFunc(l.s.index, func(f kind.Field) bool { return f.Name == name }) {
			return errs.At(name, "%s cannot be filtered by it", l.s.Plural).Mend("%s", "use one of "+l.s.indexed())
		}
	}
	var desc bool
	if l.col, desc, err = l.s.sort(p.Sort); err != nil {
		return err
	}
	if desc {
		l.cmp, l.dir = "<", "DESC"
	}
	if l.col != nil {
		l.expr = fmt.Sprintf("k.%q", l.col.Name)
	}
	for _, f := range l.s.index {
		val, ok := p.Where[f.Name]
		if !ok {
			continue
		}
		if l.col != nil && l.col.Name == f.Name {
			l.sameField = len(l.filters)
		}
		w := filter{name: f.Name}
		switch val := val.(type) {
		case []string:
			for _, x := range val {
				if !slices.Contains(w.vals, any(x)) { // twice the same value is no two lists
					w.vals = append(w.vals, x)
				}
			}
		case bool:
			w.vals = []any{map[bool]int64{true: 1}[val]}
		default:
			w.vals = []any{val}
		}
		w.marks = make([]string, len(w.vals))
		l.filters = append(l.filters, w)
	}
	if p.After == "" {
		return nil
	}
	l.after = true
	val, id, err := openCursor(p.After)
	if err != nil {
		return err
	}
	l.val, l.id = val, id
	if l.col != nil && l.col.Type != "string" {
		if l.val, err = number(val); err != nil {
			return badCursor()
		}
	}
	return nil
}

// branches are the combinations of the values that are filtered by, as positions in the filters; none where no index has each
// of them in the order that is asked for.
func (l *lister) branches() [][]int {
	if len(l.filters) == 0 || l.col != nil && l.sameField < 0 {
		return nil
	}
	out := [][]int{{}}
	for _, f := range l.filters {
		var next [][]int
		for _, b := range out {
			for i := range f.vals {
				next = append(next, append(slices.Clip(b), i))
			}
		}
		if out = next; len(out) > maxBranches {
			return nil
		}
	}
	if out == nil {
		out = [][]int{} // one of no values: nothing fits
	}
	return out
}

// merged reads the first ones of each branch, in the order of an index, and of those the first ones.
func (l *lister) merged(all [][]int) {
	value, order, outer := "", "k.id "+l.dir, "id "+l.dir
	if l.col != nil {
		value, order, outer = ", "+l.expr+" AS v", "k.v "+l.dir+", k.id "+l.dir, "v "+l.dir+", id "+l.dir
	}
	var parts []string
	behind := ""
	for n, b := range all {
		side := l.side(b)
		if side < 0 { // all of it stands before the cursor
			continue
		}
		where := l.where
		for i, f := range l.filters {
			where += fmt.Sprintf(" AND k.%q=%s", f.name, l.mark(i, b[i]))
		}
		if l.after && side == 0 {
			if behind == "" {
				behind = " AND k.id " + l.cmp + " " + l.arg(l.id)
			}
			where += behind
		}
		parts = append(parts, fmt.Sprintf(`SELECT * FROM (SELECT k.org, k.id, k.since%s FROM %s k WHERE %s ORDER BY k.id %s LIMIT %d) b%d`, value, l.s.table(), where, l.dir, l.limit+1, n))
	}
	if len(parts) == 0 {
		l.text = fmt.Sprintf(`SELECT k.id, '' FROM %s k WHERE k.org=$1 AND 1=0`, l.s.table())
		l.args = l.args[:1]
		return
	}
	if value != "" {
		value = ", k.v"
	}
	l.text = fmt.Sprintf(`SELECT k.id, b.body%s FROM (%s ORDER BY %s LIMIT %d) k JOIN body b ON b.org=k.org AND b.seq=k.since ORDER BY %s`, value, strings.Join(parts, " UNION ALL "), outer, l.limit+1, order)
}

// side says where a branch stands: before the cursor, with it, or behind it. Only where it is by the field that is sorted by,
// does its value say so; text has the order of bytes in both engines.
func (l *lister) side(b []int) int {
	if !l.after || l.sameField < 0 {
		return 0
	}
	n := 0
	val := l.filters[l.sameField].vals[b[l.sameField]]
	if was, ok := l.val.(int64); ok {
		x, err := number(fmt.Sprint(val))
		if err != nil {
			return 1 // no number: nothing fits, and the engine says so
		}
		n = cmp.Compare(x, was)
	} else {
		n = strings.Compare(fmt.Sprint(val), l.val.(string))
	}
	if l.dir == "DESC" {
		return -n
	}
	return n
}

// plain is the one list of all that fits.
func (l *lister) plain(past bool) {
	where := l.where
	for i, f := range l.filters {
		for n := range f.vals {
			l.mark(i, n)
		}
		if len(f.vals) == 0 {
			where += " AND 1=0"
			continue
		}
		where += fmt.Sprintf(" AND k.%q IN (%s)", f.name, strings.Join(l.filters[i].marks, ","))
	}
	order, expr, value := "k.id "+l.dir, "k.id", ""
	if l.col != nil {
		order, expr, value = l.expr+" "+l.dir+", "+order, l.expr, ", "+l.expr
	}
	if l.after && l.col == nil {
		where += " AND k.id " + l.cmp + " " + l.arg(l.id)
	} else if l.after {
		where += fmt.Sprintf(" AND (%s, k.id) %s (%s, %s)", expr, l.cmp, l.arg(l.val), l.arg(l.id))
	}
	if len(l.filters) == 0 || l.col == nil && past { // an index has the order, or the table has
		l.text = fmt.Sprintf(`SELECT k.id, b.body%s FROM %s k JOIN body b ON b.org=k.org AND b.seq=k.since WHERE %s ORDER BY %s LIMIT %d`, value, l.s.table(), where, order, l.limit+1)
		return
	}
	// What fits is sorted, and bodies are fetched for the page alone.
	page := fmt.Sprintf(`SELECT k.org, k.id, k.since, %s AS v FROM %s k WHERE %s ORDER BY %s LIMIT %d`, expr, l.s.table(), where, order, l.limit+1)
	l.text = fmt.Sprintf(`SELECT k.id, b.body, k.v FROM (%s) k JOIN body b ON b.org=k.org AND b.seq=k.since ORDER BY k.v %s, k.id %s`, page, l.dir, l.dir)
}

func number(text string) (n int64, err error) {
	_, err = fmt.Sscan(text, &n)
	return n, err
}

func (s *shape) indexed() string {
	names := []string{}
	for _, f := range s.index {
		if f.Name != keyColumn {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (s *shape) sort(by string) (*kind.Field, bool, error) {
	by, desc := strings.CutPrefix(by, "-")
	if by == "" || by == "id" {
		return nil, desc, nil
	}
	for i := range s.index {
		if s.index[i].Name == by {
			return &s.index[i], desc, nil
		}
	}
	return nil, false, errs.At("sort", "%s cannot be sorted by %q", s.Plural, clip(by)).Mend("%s", "use id or one of "+s.indexed())
}

func cursor(val, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(val + "\x00" + id))
}

func openCursor(c string) (val, id string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(c)
	i := strings.LastIndexByte(string(b), 0)
	if err != nil || i < 0 {
		return "", "", badCursor()
	}
	return string(b[:i]), string(b[i+1:]), nil
}

func badCursor() error {
	return errs.At("after", "this is not a cursor of this list").Mend("use the value of next from the page before, unchanged")
}
