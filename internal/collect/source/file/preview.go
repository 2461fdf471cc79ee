// SPDX-License-Identifier: Apache-2.0

package file

import (
	"context"
	"iter"
	"slices"

	"assay/internal/collect"
)

// Preview is what an import would change. Nothing was changed to find out.
type Preview struct {
	Report
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Gone    int `json:"gone"`
	Same    int `json:"same"`
	// The first few of each, in order of the file; those gone in order of their keys.
	AddedFirst   []Change `json:"added_first"`
	ChangedFirst []Change `json:"changed_first"`
	GoneFirst    []Change `json:"gone_first"`
}

// Change is one resource that an import would add, change or take away.
type Change struct {
	Row   int               `json:"row,omitempty"`
	Key   string            `json:"key"`
	Name  string            `json:"name"`
	Attrs map[string]OldNew `json:"attrs,omitempty"`
}

// OldNew is a value before and after; nil is for what is not known.
type OldNew struct {
	Old any `json:"old"`
	New any `json:"new"`
}

const examples = 10

// Preview compares the file with the resources that its source has now. Rows in error are left out
// of the counts and stand in the report; with any of them an import would change nothing.
func (s *Source) Preview(ctx context.Context, current iter.Seq[collect.Resource]) (Preview, error) {
	var p Preview
	now := map[string]collect.Resource{}
	for r := range current {
		if r.Kind == s.kind.Name {
			now[r.Key] = r
		}
	}
	sv, err := s.survey(ctx)
	if err != nil {
		return p, err
	}
	report, err := s.scan(ctx, sv, taker{row: func(r collect.Resource, at row) error {
		old, was := now[r.Key]
		delete(now, r.Key)
		change := Change{Row: at.number, Key: r.Key, Name: r.Name}
		if !was {
			p.Added++
			p.AddedFirst = first(p.AddedFirst, change)
			return nil
		}
		if change.Attrs = differences(old, r); len(change.Attrs) == 0 {
			p.Same++
			return nil
		}
		p.Changed++
		p.ChangedFirst = first(p.ChangedFirst, change)
		return nil
	}})
	p.Report = report
	if err != nil {
		return p, err
	}
	p.Gone = len(now)
	keys := make([]string, 0, len(now))
	for k := range now {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys[:min(len(keys), examples)] {
		p.GoneFirst = append(p.GoneFirst, Change{Key: k, Name: now[k].Name})
	}
	return p, nil
}

func first(list []Change, c Change) []Change {
	if len(list) < examples {
		list = append(list, c)
	}
	return list
}

func differences(old, fresh collect.Resource) map[string]OldNew {
	out := map[string]OldNew{}
	if old.Name != fresh.Name {
		out["name"] = OldNew{old.Name, fresh.Name}
	}
	for n, v := range fresh.Attrs {
		if was, known := old.Attrs[n]; !known || !same(was, v) {
			out[n] = OldNew{was, v}
		}
	}
	for n, was := range old.Attrs {
		if _, known := fresh.Attrs[n]; !known {
			out[n] = OldNew{was, nil}
		}
	}
	return out
}
