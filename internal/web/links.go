// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"
	"strings"

	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/web/ui"
)

// plural is the word for a kind in addresses: the same as in REST.
func plural(set *op.Set, sh kind.Shape) string {
	o := set.Find(sh.Name + ".list")
	if o == nil {
		return strings.ReplaceAll(sh.Name, "_", "-")
	}
	_, path := o.Route()
	return strings.TrimPrefix(path, "/v1/")
}

// shapeOf is the kind that an id belongs to.
func (s *site) shapeOf(id string) (kind.Shape, bool) {
	prefix, _, ok := strings.Cut(id, "_")
	all := s.Gate.Shapes()
	i := slices.IndexFunc(all, func(k kind.Shape) bool { return k.Prefix == prefix })
	if !ok || i < 0 {
		return kind.Shape{}, false
	}
	return all[i], true
}

// hrefOf is where a thing is looked at; empty where there is no page for it.
func (s *site) hrefOf(kindName, id string) string {
	if id == "" || id == "system" {
		return ""
	}
	if p := s.plural[kindName]; p != "" {
		return "/" + p + "/" + seg(id)
	}
	if sh, ok := s.shapeOf(id); ok {
		return "/" + s.plural[sh.Name] + "/" + seg(id)
	}
	switch {
	case strings.HasPrefix(id, "res_"):
		return "/resources/" + seg(id)
	case strings.HasPrefix(id, "run_"):
		return "/runs/" + seg(id)
	case kindName == "test" || kindName == "test_state" || kindName == "result":
		return "/tests/" + seg(id)
	}
	return ""
}

// link leads to a thing by its id, under its name.
func (q *ask) link(id string) ui.Link { return ui.Link{Text: q.label(id), Href: q.hrefOf("", id)} }

func controlLinks(refs []string) []ui.Link {
	var out []ui.Link
	for _, r := range refs {
		out = append(out, ui.Link{Text: r, Href: "/controls/" + seg(r)})
	}
	return out
}

func criterionLinks(refs []string) []ui.Link {
	var out []ui.Link
	for _, r := range refs {
		out = append(out, ui.Link{Text: r, Href: "/criteria/" + seg(r)})
	}
	return out
}
