// SPDX-License-Identifier: Apache-2.0

package file

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"assay/content"
	"assay/internal/collect"
	"assay/internal/collect/source/feed"
	"assay/internal/errs"
)

// A list of controls, evidence or policies of another platform is compared with the library, and never imported: what
// Assay keeps itself is approved by people here. The comparison is by reference (criteria, titles); nothing is guessed.

// comparison is a source that only compares.
type comparison struct {
	*Source
	what  string
	title string
}

// compared is what a list says of one of its rows.
type compared struct {
	key, name string
	criteria  []string
}

// comparing makes the comparison that the preset of a configuration is for, or nothing for one that imports.
func comparing(cfg Config, open func() (io.ReadCloser, error)) (collect.Source, error) {
	all, err := content.Presets()
	if err != nil {
		return nil, fmt.Errorf("read the presets: %w", err)
	}
	i := slices.IndexFunc(all, func(p content.Preset) bool { return p.ID == cfg.Preset && p.Compare != "" })
	if i < 0 {
		return nil, nil
	}
	if cfg.Kind != "" {
		return nil, errs.At("kind", "the preset %s is not imported", cfg.Preset).Mend("leave kind empty, or leave preset empty")
	}
	if cfg, err = withPreset(cfg); err != nil {
		return nil, err
	}
	if err := settle(&cfg); err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg, open: open, server: open == nil}
	if s.server {
		s.open = onServer(cfg.Path)
	}
	if s.conv, err = newConverter(cfg, s.kind); err != nil {
		return nil, err
	}
	return &comparison{s, all[i].Compare, all[i].Title}, nil
}

// Describe implements collect.Source: it supplies nothing.
func (c *comparison) Describe() collect.Description {
	d := c.Source.Describe()
	d.Kinds = nil
	return d
}

// Collect implements collect.Source. It ends with an error, since nothing of the list is used.
func (c *comparison) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	out := feed.New(ctx, page)
	var rows []compared
	c.each = func(r row) { rows = append(rows, comparedOf(c.cfg, r)) }
	defer func() { c.each = nil }()
	report, err := c.scan(ctx, &survey{}, taker{})
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		return out.Fail(err)
	}
	notes, err := c.notes(rows)
	if err != nil {
		return out.Fail(err)
	}
	out.Tell(notes...)
	return out.Fail(errs.At("preset", "%s: compared with the library, not imported. Assay keeps %s itself, with who approved each", c.title, c.what).
		Mend("use the notes to find what to adopt, and import the other lists"))
}

func comparedOf(cfg Config, r row) compared {
	out := compared{name: clean(cellText(r.cells[cfg.Name[0]])), key: clean(cellText(r.cells[cfg.Key[0]]))}
	if out.name == "" {
		out.name = out.key
	}
	for _, c := range sortedKeys(r.cells) {
		out.criteria = append(out.criteria, criteriaIn(cellText(r.cells[c]))...)
	}
	slices.Sort(out.criteria)
	out.criteria = slices.Compact(out.criteria)
	return out
}

var criteria = sync.OnceValue(func() *regexp.Regexp {
	var ids []string
	if f, err := content.SOC2(); err == nil { // that it can be read is held by a test
		for _, c := range f.Criteria {
			letters := strings.TrimRight(c.Ref, "0123456789.")
			ids = append(ids, letters+`[- ]?`+regexp.QuoteMeta(strings.TrimPrefix(c.Ref, letters)))
		}
	}
	return regexp.MustCompile(`\b(?:` + strings.Join(ids, "|") + `)\b`)
})

// criteriaIn finds the criteria that a text names, such as CC6.1 or CC-6.1.
func criteriaIn(text string) []string {
	out := criteria().FindAllString(text, -1)
	for i := range out {
		out[i] = strings.NewReplacer("-", "", " ", "").Replace(out[i])
	}
	return out
}

func (c *comparison) notes(rows []compared) ([]string, error) {
	if c.what == "policies" {
		return policyNotes(rows)
	}
	library, err := content.Controls()
	if err != nil {
		return nil, fmt.Errorf("read the library: %w", err)
	}
	by := map[string][]string{}
	var without []string
	for _, r := range rows {
		for _, id := range r.criteria {
			by[id] = append(by[id], r.key)
		}
		if len(r.criteria) == 0 {
			without = append(without, r.key)
		}
	}
	out := []string{fmt.Sprintf("%d rows, %d with SOC 2 criteria.", len(rows), len(rows)-len(without))}
	for _, id := range slices.SortedFunc(maps.Keys(by), byNumber) {
		var ours []string
		for _, l := range library {
			if slices.Contains(l.Criteria, id) {
				ours = append(ours, l.Ref)
			}
		}
		out = append(out, fmt.Sprintf("%s: %s in the file; %s in Assay.", id, listed(by[id]), listed(ours)))
	}
	if len(without) > 0 {
		out = append(out, "Without a criterion, to be compared by hand: "+listed(without)+".")
	}
	return out, nil
}

func policyNotes(rows []compared) ([]string, error) {
	library, err := content.Policies()
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	out := []string{fmt.Sprintf("%d policies in the file.", len(rows))}
	var without []string
	for _, r := range rows {
		i := slices.IndexFunc(library, func(p content.Policy) bool { return subject(p.Title) == subject(r.name) })
		if i < 0 {
			without = append(without, r.name)
			continue
		}
		out = append(out, fmt.Sprintf("%s: template %s has the same title.", cut(r.name), library[i].Ref))
	}
	if len(without) > 0 {
		out = append(out, "No template has this title; compare by hand, or add a policy of your own: "+listed(without)+".")
	}
	return out, nil
}

// subject is a title of a policy without the words that say that it is one.
func subject(title string) string {
	words := slices.DeleteFunc(strings.Fields(folded(strings.ReplaceAll(title, "&", " "))), func(w string) bool {
		return slices.Contains([]string{"policy", "and", "the", "plan", "standard"}, w)
	})
	return strings.Join(words, " ")
}

// byNumber sorts CC2.1 before CC10.1.
func byNumber(a, b string) int { return strings.Compare(padded(a), padded(b)) }

var digits = regexp.MustCompile(`[0-9]+`)

func padded(s string) string {
	return digits.ReplaceAllStringFunc(s, func(n string) string { return fmt.Sprintf("%04s", n) })
}

// listed names at most 20 things.
func listed(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	out := make([]string, 0, 20)
	for _, s := range all[:min(len(all), 20)] {
		out = append(out, cut(s))
	}
	text := strings.Join(out, ", ")
	if more := len(all) - len(out); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
