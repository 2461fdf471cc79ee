// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"assay/internal/store"
)

// formerly gives what would change as it is now. What is new or was gone has nothing there.
func formerly(ctx context.Context, v *store.View, source string, changed []Version, was map[[2]string]string) (map[[2]string]*Version, error) {
	out := map[[2]string]*Version{}
	for _, c := range changed {
		if d, known := was[[2]string{c.Kind, c.Key}]; c.Present && known && d != absent {
			out[[2]string{c.Kind, c.Key}] = nil
		}
	}
	if len(out) == 0 {
		return out, nil
	}
	all, err := Versions.Select(ctx, v, "source=$3", "", source)
	if err != nil {
		return nil, fmt.Errorf("read what the source showed: %w", err)
	}
	for i := range all {
		k := [2]string{all[i].Kind, all[i].Key}
		if _, wanted := out[k]; wanted {
			out[k] = &all[i]
		}
	}
	return out, nil
}

// newValues are the first values of a resource that would be new, with what they are now.
func newValues(old, fresh *Version) []PreviewValue {
	out := []PreviewValue{}
	if !fresh.Present {
		return out
	}
	names := maps.Clone(fresh.Attrs)
	if old != nil {
		names = maps.Clone(old.Attrs)
		if names == nil {
			names = map[string]any{}
		}
		maps.Copy(names, fresh.Attrs)
		if old.Name != fresh.Name {
			out = append(out, PreviewValue{"name", shown(old.Name, true), shown(fresh.Name, true)})
		}
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		now, known := fresh.Attrs[n]
		p := PreviewValue{Name: n, New: shown(now, known)}
		if old != nil {
			before, knew := old.Attrs[n]
			p.Old = shown(before, knew)
		}
		if p.Old != p.New && len(out) < 12 {
			out = append(out, p)
		}
	}
	return out
}

// shown is a value in a line, cut where it is long.
func shown(v any, known bool) string {
	text, is := v.(string)
	switch {
	case !known:
		return "unknown"
	case v == nil:
		return "none"
	case !is:
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprintf("a %T that can't be shown", v)
		}
		text = string(b)
	}
	if r := []rune(text); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return text
}

// lost says which values would become unknown that are known now, as where a column was renamed.
func lost(old map[[2]string]*Version, changed []Version) []string {
	type loss struct{ kind, attr, why string }
	count := map[loss]int{}
	for i := range changed {
		c := &changed[i]
		before := old[[2]string{c.Kind, c.Key}]
		if before == nil {
			continue
		}
		for attr := range before.Attrs {
			if _, known := c.Attrs[attr]; !known && (len(count) < 1000 || count[loss{c.Kind, attr, c.Why[attr]}] > 0) {
				count[loss{c.Kind, attr, c.Why[attr]}]++
			}
		}
	}
	var out []string
	for l, n := range count {
		values := "1 value becomes"
		if n > 1 {
			values = fmt.Sprintf("%d values become", n)
		}
		text := fmt.Sprintf("%s of %s: %s unknown", l.attr, l.kind, values)
		if l.why != "" {
			text += ", because " + l.why
		}
		out = append(out, text+".")
	}
	slices.Sort(out)
	return out[:min(len(out), 20)]
}
