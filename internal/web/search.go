// SPDX-License-Identifier: Apache-2.0

package web

import (
	"assay/internal/report"
	"strings"

	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// kindIcons are the pictures of kinds; any other kind has that of a document.
var kindIcons = map[string]string{"control": "control", "test": "run", "evidence": "evidence", "policy": "policy", "person": "people", "user": "people", "task": "task", "exception": "exception", "system": "system", "source": "source", "requirement": "grid"}

// search looks everything up: as a page, and as a part for the palette.
func search(q *ask) (answer, error) {
	v := page.SearchView{Query: clip(strings.TrimSpace(q.get("q")), 100)}
	if v.Query != "" {
		found, err := do[*report.Hits](q, "search.find", map[string]any{"q": v.Query, "limit": 60})
		if err != nil {
			return answer{}, err
		}
		v.Total = len(found.Data)
		v.Groups = q.hits(found.Data)
	}
	if q.partial() && q.r.Header.Get("HX-Target") == "" { // the palette wants the hits alone
		return show(page.Hits(v))
	}
	return show(page.Search(q.frame("Search", ""), v))
}

func (q *ask) hits(all []report.Hit) []page.HitGroup {
	var out []page.HitGroup
	at := map[string]int{}
	for _, h := range all {
		i, ok := at[h.Kind]
		if !ok {
			i = len(out)
			at[h.Kind] = i
			out = append(out, page.HitGroup{Kind: q.title(h.Kind), Icon: orElse(kindIcons[h.Kind], "doc")})
		}
		href := q.hrefOf(h.Kind, h.ID)
		switch h.Kind {
		case "control":
			href = "/controls/" + seg(h.Ref)
		case "requirement":
			href = "/criteria/" + seg(h.Ref)
		case "test":
			href = "/tests/" + seg(h.ID)
		}
		out[i].Hits = append(out[i].Hits, page.Hit{Ref: h.Ref, Text: h.Label, Href: href})
	}
	return out
}

// title is how a list of a kind is called.
func (s *site) title(kindName string) string {
	switch kindName {
	case "test":
		return "Tests"
	case "requirement":
		return "Criteria"
	}
	if sh, ok := s.Gate.Shape(kindName); ok {
		return first(words(sh.Plural))
	}
	return first(words(kindName))
}

func design(q *ask) (answer, error) {
	return show(page.Design(q.frame("Design", "", []ui.Link{}...)))
}
