// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/collect"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

func resources(q *ask) (answer, error) {
	const size = 50
	after := q.number("after", 0)
	p, err := do[collect.ResourcePage](q, "resource.list", map[string]any{"kind": orElse(q.get("kind"), strings.TrimSpace(q.get("q"))), "source": q.get("source"), "after": after, "limit": size})
	if err != nil {
		return answer{}, err
	}
	v := page.ListView{Title: "Resources", Tabs: q.tabs("/resources"), Action: "/resources", Search: "Resource kind, such as device", Icon: "source", Empty: "No source has seen any. Connect a source, or read one again.",
		Cols: []ui.Col{{Text: "Name", Fill: true}, {Text: "Kind"}, {Text: "Source", Low: true}, {Text: "Key", Low: true}, {Text: "Changed", Low: true}}, Keep: q.keep("source"), Query: q.get("q")}
	kinds := map[string]int{}
	for _, r := range p.Data {
		kinds[r.Kind]++
		v.Rows = append(v.Rows, page.ListRow{Href: "/resources/" + seg(r.ID), Cells: []page.Cell{{Text: orElse(r.Name, r.Key)}, {Mono: r.Kind}, {Links: []ui.Link{q.link(r.Source)}}, {Mono: clip(r.Key, 60)}, {Day: q.local(r.At)}}})
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		on := q.get("kind") == k
		v.Chips = append(v.Chips, ui.Chip{Text: k, N: -1, On: on, Href: q.with("kind", unless(on, k))})
	}
	v.Pager.Text = fmt.Sprintf("%d to %d", min(after+1, after+int64(len(p.Data))), after+int64(len(p.Data)))
	if p.Next > 0 {
		v.Pager.Next = q.turn("after", p.Next)
	}
	if after > 0 {
		v.Pager.Prev = q.turn("after", max(after-size, 0))
	}
	return show(page.List(q.frame("Resources", "sources"), v))
}

// turn is the address of another page of a list.
func (q *ask) turn(name string, n int64) string {
	if n == 0 {
		return q.with(name, "")
	}
	return q.with(name, fmt.Sprint(n))
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func resource(q *ask) (answer, error) {
	r, err := do[*collect.Version](q, "resource.get", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	past, err := do[[]collect.Version](q, "resource.history", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	tests, err := do[*report.ResourceStatus](q, "resource.status", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	v := page.ResourceView{Name: orElse(r.Name, r.Key), Kind: r.Kind, Source: q.link(r.Source), Present: r.Present, LastSeen: q.local(r.At), Entry: r.Batch, Status: ui.Passing}
	v.FirstSeen = q.local(past[len(past)-1].At)
	changed := changedAt(past)
	for _, n := range slices.Sorted(maps.Keys(r.Attrs)) {
		v.Attributes = append(v.Attributes, page.Attribute{Name: n, Value: plainText(r.Attrs[n]), Changed: q.local(changed[n].At)})
	}
	for _, n := range slices.Sorted(maps.Keys(r.Why)) {
		v.Attributes = append(v.Attributes, page.Attribute{Name: n, Unknown: true, Why: r.Why[n]})
	}
	bad, open := 0, 0
	for _, t := range tests.Data {
		st := healthOf(string(t.Verdict))
		switch st {
		case ui.Failing, ui.Errored:
			bad++
		case ui.NoData:
			open++
		}
		v.Tests = append(v.Tests, page.ControlTest{ID: t.Test, Title: t.Message, Href: "/tests/" + seg(t.Test), Status: st, Last: q.local(t.At)})
		if t.Message == "" {
			v.Tests[len(v.Tests)-1].Title = t.Test
		}
		if t.Exception != "" {
			v.Exceptions = append(v.Exceptions, q.link(t.Exception))
		}
	}
	switch {
	case bad > 0:
		v.Status = ui.Failing
	case open > 0 || len(tests.Data) == 0:
		v.Status = ui.NoData
	}
	v.FailingInText = fmt.Sprintf("fails %d of %s", bad, ui.Count(len(tests.Data), "test"))
	if open > 0 {
		v.FailingInText += fmt.Sprintf(", and of %d it is not known", open)
	}
	v.Versions = q.versions(past)
	return show(page.Resource(q.frame(v.Name, "sources", ui.Link{Text: "Sources", Href: "/sources"}, ui.Link{Text: r.Kind, Href: "/resources" + query("kind", r.Kind)}, ui.Link{Text: v.Name}), v))
}

// changedAt says in which version each attribute came to its present value.
func changedAt(past []collect.Version) map[string]collect.Version {
	out := map[string]collect.Version{}
	for i := len(past) - 1; i >= 0; i-- {
		for n, val := range past[i].Attrs {
			if i == len(past)-1 || plainText(past[i+1].Attrs[n]) != plainText(val) {
				out[n] = past[i]
			}
		}
	}
	return out
}

func (q *ask) versions(past []collect.Version) []page.ResourceVersion {
	var out []page.ResourceVersion
	for i := range min(len(past), 30) {
		x := page.ResourceVersion{From: q.local(past[i].At), Entry: past[i].Batch}
		if past[i].Run != "" {
			x.Run = ui.Link{Text: "run", Href: "/runs/" + seg(past[i].Run)}
		}
		if i > 0 {
			x.To = q.local(past[i-1].At)
		}
		if i+1 < len(past) {
			x.Changes = difference(attrsOf(past[i+1]), attrsOf(past[i]))
		} else {
			x.Changes = []ui.Line{{Sign: ' ', Name: "first seen", Text: ui.Count(len(past[i].Attrs), "attribute") + " known"}}
		}
		out = append(out, x)
	}
	return out
}

func attrsOf(v collect.Version) map[string]any {
	out := map[string]any{"name": v.Name, "present": v.Present}
	maps.Copy(out, v.Attrs)
	for n, why := range v.Why {
		out[n] = "unknown: " + why
	}
	return out
}

// difference lists what changed between two states of a thing, by field.
func difference(was, is map[string]any) []ui.Line {
	names := map[string]bool{}
	for n := range was {
		names[n] = true
	}
	for n := range is {
		names[n] = true
	}
	var out []ui.Line
	for _, n := range slices.Sorted(maps.Keys(names)) {
		a, b := plainText(was[n]), plainText(is[n])
		if a == b {
			continue
		}
		if a != "" {
			out = append(out, ui.Line{Sign: '-', Name: words(n), Text: clip(a, 2000)})
		}
		if b != "" {
			out = append(out, ui.Line{Sign: '+', Name: words(n), Text: clip(b, 2000)})
		}
	}
	return out
}

// plainText writes a value as a person reads it: lists with commas, anything deeper as JSON.
func plainText(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case []any:
		parts := make([]string, len(x))
		for i, y := range x {
			if _, deep := y.(map[string]any); deep {
				return jsonText(v)
			}
			parts[i] = plainText(y)
		}
		return strings.Join(parts, ", ")
	}
	return jsonText(v)
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
