// SPDX-License-Identifier: Apache-2.0

package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"assay/content"
	"assay/internal/collect/source/feed"
	"assay/internal/collect/source/schema"
	"assay/internal/errs"
)

// KindNames are what the rows of a file can be: every declared kind that Assay does not keep itself.
func KindNames() []string {
	all, err := schema.Declared()
	if err != nil {
		return nil // the declarations are embedded: what is wrong with them is said where they are compiled
	}
	return slices.DeleteFunc(all.Names(), func(n string) bool { return all[n].Kept })
}

// PresetNames are the identifiers of all presets, in order.
func PresetNames() []string {
	all, _ := content.Presets() // that they can be read is held by a test
	var out []string
	for _, p := range all {
		out = append(out, p.ID)
	}
	slices.Sort(out)
	return out
}

// withPreset lays the configuration over the one of its preset: what a person set comes first, also where it gives an
// attribute to another column, or to none.
func withPreset(cfg Config) (Config, error) {
	if cfg.Preset == "" {
		return cfg, nil
	}
	all, err := content.Presets()
	if err != nil {
		return cfg, fmt.Errorf("read the presets: %w", err)
	}
	i := slices.IndexFunc(all, func(p content.Preset) bool { return p.ID == cfg.Preset })
	if i < 0 {
		return cfg, errs.At("preset", "there is no preset %q", cut(cfg.Preset)).Mend("choose one of: %s", strings.Join(PresetNames(), ", "))
	}
	p := all[i]
	if cfg.Kind != "" && cfg.Kind != p.Kind {
		return cfg, errs.At("kind", "the preset %s is for %s", p.ID, p.Kind).Mend("leave kind empty, or leave preset empty")
	}
	base, err := presetConfig(p)
	if err != nil {
		return cfg, err
	}
	return cfg.over(base, p), nil
}

// presetConfig reads the configuration of a preset as strictly as one that a person writes.
func presetConfig(p content.Preset) (Config, error) {
	var base Config
	raw, err := json.Marshal(p.Config)
	if err != nil {
		return base, fmt.Errorf("encode preset %s: %w", p.ID, err)
	}
	if err := feed.Config(raw, &base); err != nil {
		return base, fmt.Errorf("preset %s: %w", p.ID, err)
	}
	return base, nil
}

func (cfg Config) over(base Config, p content.Preset) Config {
	out := cfg
	out.Kind = p.Kind
	out.Columns, out.optional, out.instead = map[string]string{}, map[string]bool{}, map[string]bool{}
	own := map[string]bool{}
	for _, to := range cfg.Columns {
		for _, attr := range targets(to) {
			own[attr] = true
		}
	}
	for attr := range cfg.Constants {
		own[attr] = true
	}
	add := func(columns map[string]string, instead bool) {
		for c, to := range columns {
			left := slices.DeleteFunc(targets(to), func(a string) bool { return own[a] })
			if _, set := cfg.Columns[c]; set || len(left) == 0 {
				continue
			}
			out.Columns[c] = strings.Join(left, ", ")
			out.optional[c], out.instead[c] = !has(p.Heading, c), instead
		}
	}
	add(base.Columns, false)
	add(p.Instead, true)
	for c, to := range cfg.Columns {
		if strings.TrimSpace(to) != "" {
			out.Columns[c] = to
		}
	}
	for attr, v := range base.Constants {
		if !own[attr] {
			out.Constants = put(out.Constants, attr, v)
		}
	}
	if len(out.Key) == 0 && !own["id"] {
		out.Key = base.Key
	}
	if len(out.Name) == 0 && !own["name"] {
		out.Name = base.Name
		for _, c := range out.Name {
			out.optional[c] = !has(p.Heading, c)
		}
	}
	out.Values = mergeWords(base, cfg)
	out.page = p.Page
	if out.Repeat == nil {
		out.Repeat = base.Repeat
	}
	for c := range merge(base.Only, base.Except) {
		out.optional[c] = !has(p.Heading, c) && len(base.Only[c]) == 0
	}
	out.Only, out.Except = merge(base.Only, out.Only), merge(base.Except, out.Except)
	out.NoneWords, out.Unknown = merge(base.NoneWords, out.NoneWords), merge(base.Unknown, out.Unknown)
	if out.NoneEmpty == nil {
		out.NoneEmpty = base.NoneEmpty
	}
	return out
}

// mergeWords lays the words of a person over those of a preset, one by one: a preset's word stays where the person says
// nothing of it. "*" of the person is for what the preset does not know.
func mergeWords(base, cfg Config) map[string]map[string]string {
	out := maps.Clone(cfg.Values)
	if out == nil {
		out = map[string]map[string]string{}
	}
	for attr, words := range base.Values {
		own := map[string]string{}
		for from, to := range words {
			said := slices.ContainsFunc(sortedKeys(cfg.Values[attr]), func(w string) bool { return folded(w) == folded(from) })
			if !said && !cfg.NoneWords[attr].has(from) && !cfg.Unknown[attr].has(from) {
				own[from] = to
			}
		}
		maps.Copy(own, cfg.Values[attr])
		out[attr] = own
	}
	return out
}

func put(m map[string]any, k string, v any) map[string]any {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]any{}
	}
	m[k] = v
	return m
}

func merge[V any](base, over map[string]V) map[string]V {
	if len(base) == 0 {
		return over
	}
	out := maps.Clone(base)
	maps.Copy(out, over)
	return out
}

func has(names []string, want string) bool { return len(places(names, want)) > 0 }

// targets are the attributes that one column becomes.
func targets(to string) []string {
	var out []string
	for a := range strings.SplitSeq(to, ",") {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, a)
		}
	}
	return out
}

// detect gives the presets whose columns a heading has, the most particular first.
func detect(names []string, format string) []content.Preset {
	all, _ := content.Presets() // that they can be read is held by a test
	var out []content.Preset
	for _, p := range all {
		fits := slices.Contains(p.Formats, format)
		for _, c := range p.Heading {
			fits = fits && has(names, c)
		}
		for _, c := range p.Without {
			fits = fits && !has(names, c)
		}
		if fits {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b content.Preset) int { return len(b.Heading) - len(a.Heading) })
	return out
}

// offers names presets in a sentence.
func offers(all []content.Preset) string {
	var out []string
	for _, p := range all {
		out = append(out, p.ID+" ("+p.Title+")")
	}
	return strings.Join(out, " or ")
}

var errSeen = errors.New("the heading was seen")

// fitting gives the presets that fit a file whose kind nobody has said. What cannot be read fits none: why it cannot is
// said when it is imported.
func fitting(cfg Config, open func() (io.ReadCloser, error)) (found []content.Preset) {
	s := &Source{cfg: Config{Format: cfg.Format, Path: cfg.Path, Delimiter: cfg.Delimiter, List: cfg.List, Sheet: cfg.Sheet}, open: open}
	s.conv, _ = newConverter(s.cfg, s.kind)
	s.heading = func(names []string) bool {
		all := detect(names, s.cfg.Format)
		if len(found) == 0 {
			found = all
		}
		return len(all) > 0
	}
	sv := &survey{open: true}
	if _, err := s.scan(context.Background(), sv, taker{}); err != nil && !errors.Is(err, errSeen) {
		return nil
	}
	return found
}
