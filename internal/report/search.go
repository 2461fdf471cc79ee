// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"sort"
	"strings"

	"assay/internal/op"
	"assay/internal/store"
)

// search looks for a text in everything that the asker may see: numbers and names first, then what stands in them.
func (b *Boards) search(ctx context.Context, v *store.View, in searchIn) (*Hits, error) {
	q := strings.ToLower(strings.TrimSpace(in.Q))
	type scored struct {
		Hit
		rank int
	}
	var all []scored
	a, err := op.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	for _, sh := range v.Kinds() {
		if a.May(sh.Object, "view") < op.Open || sh.Object == "tokens" {
			continue
		}
		find, limit := q, 300
		if _, numbered := sh.Field("ref"); numbered { // numbers are found in any way of writing: all are looked at
			find, limit = "", 3000
		}
		rows, err := v.Find(ctx, sh.Name, find, limit)
		if err != nil {
			return nil, err
		}
		for id, body := range rows {
			var m map[string]any
			if json.Unmarshal(op.Mask(body, sh), &m) != nil {
				continue
			}
			h := Hit{Kind: sh.Name, ID: id, Label: text(m, sh.Label)}
			if h.Ref = text(m, "ref"); h.Ref != "" {
				h.Label = text(m, "title")
				if h.Label == "" {
					h.Label = text(m, "text")
				}
			}
			if r := rank(h, m, q); r > 0 {
				all = append(all, scored{h, r})
			}
		}
	}
	board, err := b.Of(ctx, v, 30)
	if err != nil {
		return nil, err
	}
	for _, id := range sortedTests(board) {
		if t := board.Tests[id]; t.Rule != nil && a.May("tests", "view") == op.Every {
			h := Hit{Kind: "test", ID: id, Ref: id, Label: t.Rule.Def.Title}
			if r := rank(h, nil, q); r > 0 {
				all = append(all, scored{h, r})
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].rank != all[j].rank {
			return all[i].rank > all[j].rank
		}
		return all[i].Ref+all[i].Label < all[j].Ref+all[j].Label
	})
	out := &Hits{Data: []Hit{}}
	for i := range min(len(all), int(in.Limit)) {
		out.Data = append(out.Data, all[i].Hit)
	}
	return out, nil
}

func text(m map[string]any, field string) string {
	s, _ := m[field].(string)
	return s
}

// rank is how well a thing fits: its number, the start of its name, its name, anything else in it.
func rank(h Hit, m map[string]any, q string) int {
	ref, label := plainRef(h.Ref), strings.ToLower(h.Label)
	p := plainRef(q)
	switch {
	case p != "" && ref == p:
		return 5
	case p != "" && ref != "" && strings.HasPrefix(ref, p):
		return 4
	case strings.HasPrefix(label, q):
		return 3
	case strings.Contains(label, q) || p != "" && strings.Contains(ref, p):
		return 2
	}
	for _, v := range m {
		if s, ok := v.(string); ok && strings.Contains(strings.ToLower(s), q) {
			return 1
		}
	}
	return 0
}
