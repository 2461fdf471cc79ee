// SPDX-License-Identifier: Apache-2.0

package web

import (
	"maps"
	"slices"
	"strings"

	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// plain serves a kind whatever it is: list, form, detail, history, and a page for each move. A kind that is added
// has its pages at once; those made by hand were claimed before.
func (s *site) plain(sh kind.Shape) {
	base := "/" + s.plural[sh.Name]
	s.page("GET "+base, func(q *ask) (answer, error) { return q.list(sh) })
	s.page("GET "+base+"/{id}", func(q *ask) (answer, error) {
		t, err := q.resolve(sh, q.id())
		if err != nil {
			return answer{}, err
		}
		return q.detail(sh.Name, t)
	})
	s.page("GET "+base+"/{id}/history", func(q *ask) (answer, error) { return q.history(sh) })
	if o := s.Gate.Find(sh.Name + ".create"); o != nil {
		s.page("GET "+base+"/new", func(q *ask) (answer, error) { return q.newForm(sh) })
		s.page("POST "+base, func(q *ask) (answer, error) { return q.create(sh) })
	}
	if o := s.Gate.Find(sh.Name + ".update"); o != nil {
		s.page("GET "+base+"/{id}/edit", func(q *ask) (answer, error) { return q.editForm(sh) })
		s.page("POST "+base+"/{id}", func(q *ask) (answer, error) { return q.update(sh) })
	}
	verbs := []string{}
	for _, m := range sh.Moves {
		verbs = append(verbs, m.Verb)
	}
	if s.Gate.Find(sh.Name+".end") != nil {
		verbs = append(verbs, "end")
	}
	for _, o := range s.extras(sh) {
		verbs = append(verbs, o.Verb)
	}
	for _, verb := range verbs {
		at := base + "/{id}/" + strings.ReplaceAll(verb, "_", "-")
		s.page("GET "+at, func(q *ask) (answer, error) { return q.moveForm(sh, verb) })
		s.page("POST "+at, func(q *ask) (answer, error) { return q.move(sh, verb) })
	}
}

// extras are the operations that change one thing of a kind and are no moves: they have a form each. A link to
// sign in with has a page of its own, because what it answers is shown once.
func (s *site) extras(sh kind.Shape) []*op.Op {
	var out []*op.Op
	for _, o := range s.Gate.All() {
		if o.Kind != sh.Name || !o.Writes || o.Slow || o.Name == "user.link" || !takes(o, "id") {
			continue
		}
		if _, move := hasVerb(sh, o.Verb); !move && o.Verb != "update" && o.Verb != "end" {
			out = append(out, o)
		}
	}
	return out
}

func takes(o *op.Op, field string) bool {
	return slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == field })
}

// resolve reads a thing by its id, or by its ref where it has one.
func (q *ask) resolve(sh kind.Shape, id string) (thing, error) {
	if f, ok := sh.Field("ref"); ok && f.Index && !strings.HasPrefix(id, sh.Prefix+"_") {
		l, err := do[listing](q, sh.Name+".list", map[string]any{"ref": id, "limit": 1})
		if err != nil || len(l.Data) == 0 {
			return nil, op.None(sh.Name, id, err)
		}
		return l.Data[0], nil
	}
	return do[thing](q, sh.Name+".get", map[string]any{"id": id})
}

// sectionOf is the item of the menu under which a kind stands.
func (s *site) sectionOf(kindName string) string {
	p := s.plural[kindName]
	for _, n := range ui.Nav() {
		if n.Href == "/"+p {
			return n.Key
		}
	}
	switch kindName {
	case "user", "token", "organization", "scope_version":
		return "settings"
	case "policy_field":
		return "policies"
	case "control_version", "definition", "rule_file", "test_pause", "requirement", "decision":
		return "controls"
	}
	return ""
}

const listSize = 50

// list is the plain list of a kind: its filters are the indexed fields, in the address.
func (q *ask) list(sh kind.Shape) (answer, error) {
	in, keep := q.filters(sh)
	find := strings.ToLower(strings.TrimSpace(q.get("q")))
	in["limit"] = listSize
	if after := q.get("after"); after != "" && find == "" {
		in["after"] = after
	}
	if s := orElse(q.get("sort"), usualOrder(sh)); s != "" {
		in["sort"] = s
	}
	var l listing
	var err error
	if find != "" {
		l, err = q.all(sh, in, func(t thing) bool { return holds(t, find) })
	} else {
		l, err = q.rows(sh, in)
	}
	if err != nil {
		return answer{}, err
	}
	base := "/" + q.plural[sh.Name]
	v := page.ListView{Title: q.title(sh.Name), Query: q.get("q"), Search: "Search " + strings.ToLower(q.title(sh.Name)), Action: base, Keep: q.keep(append(keep, "sort")...), Icon: kindIcons[sh.Name], Empty: sh.Doc, Tabs: q.tabs(base), Chips: q.stateChips(sh, in)}
	q.listAnswer(&v, sh)
	if sh.Name == "policy" {
		if err := q.outdatedPolicies(&v); err != nil {
			return answer{}, err
		}
	}
	if q.mayChange(sh.Name+".create") && sh.Create != kind.Never {
		v.New = ui.Link{Text: "New " + words(sh.Name), Href: base + "/new"}
	}
	cols := listed(sh)
	for i, f := range cols {
		v.Cols = append(v.Cols, q.col(sh, f, i))
	}
	for _, t := range l.Data[:min(len(l.Data), mostShown)] {
		row := page.ListRow{Href: base + "/" + seg(t.id())}
		for _, f := range cols {
			row.Cells = append(row.Cells, q.cell(f, t[f.Name]))
		}
		v.Rows = append(v.Rows, row)
	}
	if q.narrowed(sh, find) {
		v.None, v.Empty, v.Act = "No results", "No "+words(sh.Name)+" matches. Clear filters or search for less.", ui.Link{Text: "Clear filters", Href: base}
	}
	v.Pager.Text = q.foot(sh, len(v.Rows), len(l.Data), find != "" && l.Next != "")
	if l.Next != "" && find == "" {
		v.Pager.Next = q.with("after", l.Next)
	}
	if q.get("after") != "" {
		v.Pager.Prev = q.with("after", "")
	}
	return show(page.List(q.frame(v.Title, q.sectionOf(sh.Name)), v))
}

// listAnswer opens a list with how many there are in which state. Where there are too many to count at once, the
// title stands alone.
func (q *ask) listAnswer(v *page.ListView, sh kind.Shape) {
	f, ok := sh.Field("state")
	if !ok || !f.Index || q.get("owner") != "" {
		return
	}
	base, all := v.Action, 0
	var parts []ui.Part
	for i, s := range f.Enum {
		n := v.Chips[i].N
		if n < 0 {
			return
		}
		if all += n; n > 0 {
			parts = append(parts, ui.Part{Text: ui.Num(int64(n)) + " " + words(s), Href: base + query("state", s)}, ui.Part{Text: ", "})
		}
	}
	if in, _ := q.filters(sh); all == 0 || len(in) > 1 || len(in) == 1 && in["state"] == nil {
		return
	}
	noun := strings.ToLower(v.Title)
	if all == 1 {
		noun = words(sh.Name)
	}
	parts[len(parts)-1].Text = "."
	v.Answer = append([]ui.Part{{Text: ui.Num(int64(all)) + " " + noun, Href: base}, {Text: ": "}}, parts...)
}

// usualOrder is the field by which people look a kind through, where it has one.
func usualOrder(sh kind.Shape) string {
	for _, n := range []string{"position", "ref", "due_on"} {
		if f, ok := sh.Field(n); ok && f.Index {
			return n
		}
	}
	return ""
}

// filters reads the indexed fields that the address names, and "mine".
func (q *ask) filters(sh kind.Shape) (map[string]any, []string) {
	in, keep := map[string]any{}, []string{}
	for _, f := range sh.Fields {
		text := q.get(f.Name)
		if !f.Index || text == "" {
			continue
		}
		keep = append(keep, f.Name)
		if text == "me" && f.Ref == "person" {
			if text = q.actor.Person; text == "" {
				in[f.Name] = nobody
				continue
			}
		}
		raw, err := f.FromText(text)
		if err != nil { // it filters for what cannot be there: the operation says so
			in[f.Name] = text
			continue
		}
		in[f.Name] = raw
	}
	if who := q.get("owner"); who == "me" {
		if f, ok := ownerField(sh); ok {
			delete(in, "owner")
			in[f.Name] = orElse(q.actor.Person, nobody)
			keep = append(keep, "owner")
		}
	}
	return in, keep
}

// ownerField is the indexed field that says whose a thing is.
func ownerField(sh kind.Shape) (kind.Field, bool) {
	for _, n := range []string{"owner", "assignee", "requested_by", "person"} {
		if f, ok := sh.Field(n); ok && f.Index && f.Ref == "person" {
			return f, true
		}
	}
	return kind.Field{}, false
}

// narrowed says whether the address asks for a part of a list.
func (q *ask) narrowed(sh kind.Shape, find string) bool {
	in, _ := q.filters(sh)
	return find != "" || len(in) > 0
}

// stateChips are filters by state, each with how many things it leaves of those that the other filters let through.
func (q *ask) stateChips(sh kind.Shape, in map[string]any) []ui.Chip {
	var out []ui.Chip
	if f, ok := sh.Field("state"); ok && f.Index {
		for _, s := range f.Enum {
			on := q.get("state") == s
			where := maps.Clone(in)
			where["state"] = s
			for _, k := range []string{"limit", "after", "sort"} {
				delete(where, k)
			}
			n := q.count(sh.Name, where)
			if n >= many {
				n = -1
			}
			out = append(out, ui.Chip{Text: words(s), N: n, On: on, Href: q.with("state", unless(on, s))})
		}
	}
	if f, ok := ownerField(sh); ok && q.actor.Person != "" {
		on := q.get("owner") == "me"
		out = append(out, ui.Chip{Text: words(f.Name) + " is me", N: -1, On: on, Href: q.with("owner", unless(on, "me"))})
	}
	return out
}

// listed are the fields that stand in the list, the one that names the thing first.
func listed(sh kind.Shape) []kind.Field {
	var out []kind.Field
	if f, ok := sh.Field("ref"); ok {
		out = append(out, f)
	}
	if f, ok := sh.Field(sh.Label); ok && f.Name != "ref" {
		out = append(out, f)
	}
	for _, f := range sh.Fields {
		if f.List && f.Name != sh.Label && f.Name != "ref" && !f.Hidden() {
			out = append(out, f)
		}
	}
	return out
}

// col is the head of a column; a field that is indexed can be sorted by.
func (q *ask) col(sh kind.Shape, f kind.Field, i int) ui.Col {
	c := ui.Col{Text: first(fieldTitle(f.Name)), Num: f.Type == "integer", Fill: i == 0 || f.Name == "title" || f.Name == "text", Low: i > 0 && f.Name != sh.Label && f.Name != "title" && f.Name != "state" && f.Name != "due_on"}
	if f.Name == "ref" {
		c.Fill = false
	}
	if f.Index {
		c.Sort = q.with("sort", f.Name)
		switch q.get("sort") {
		case f.Name:
			c.Order, c.Sort = "ascending", q.with("sort", "-"+f.Name)
		case "-" + f.Name:
			c.Order = "descending"
		}
	}
	return c
}

func fieldTitle(name string) string {
	if name == "version_no" {
		return "version"
	}
	for _, tail := range []string{"_on", "_at"} {
		if len(name) > 6 {
			name = strings.TrimSuffix(name, tail)
		}
	}
	return words(name)
}

// cell is a value as a list shows it.
func (q *ask) cell(f kind.Field, v any) page.Cell {
	text := plainText(v)
	switch {
	case f.Ref == "person":
		return page.Cell{Person: q.label(text), Owner: true}
	case f.Ref != "" && text != "" && f.Type == "string":
		return page.Cell{Links: []ui.Link{q.link(text)}}
	case f.Name == "state":
		return page.Cell{State: words(text)}
	case f.Format == "date" || f.Format == "date-time":
		t := timeOf(text)
		if f.Format == "date-time" {
			t = q.local(t)
		}
		return page.Cell{Day: t}
	case f.Type == "integer":
		return page.Cell{Num: text}
	case f.Type == "boolean":
		return page.Cell{Text: map[string]string{"true": "yes", "false": "no"}[text]}
	case f.Format == "sha256":
		return page.Cell{Mono: clip(text, 12)}
	case f.Name == "ref" || f.Name == "test":
		return page.Cell{Mono: text}
	case f.Name == "roles":
		if list, ok := v.([]any); ok {
			parts := []string{}
			for _, r := range list {
				parts = append(parts, roleWord(plainText(r)))
			}
			return page.Cell{Text: strings.Join(parts, ", ")}
		}
	case len(f.Enum) > 0:
		return page.Cell{Text: words(text)}
	}
	return page.Cell{Text: clip(text, 160)}
}

// hasVerb says whether a kind has a move.
func hasVerb(sh kind.Shape, verb string) (kind.Move, bool) {
	i := slices.IndexFunc(sh.Moves, func(m kind.Move) bool { return m.Verb == verb })
	if i < 0 {
		return kind.Move{}, false
	}
	return sh.Moves[i], true
}
