// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"assay/internal/store"
)

// InForce is the catalogue of an organisation at the moment of a view: the built-in edition that the program had
// read by then, with the files of the data folder and the definitions that were in force. It is a function of the
// view alone: no file and no later program changes what it was at an earlier moment.
func InForce(ctx context.Context, v *store.View) (*Catalogue, error) {
	s, err := inForce(ctx, v)
	if err != nil {
		return nil, err
	}
	return s.catalogue()
}

// setInForce is what a catalogue is made of.
type setInForce struct {
	base        *Catalogue
	digest      string
	files       map[string]*RuleFile // by path; those that hold, also that a file was removed
	definitions []*Definition        // in the order in which they came into force
}

func inForce(ctx context.Context, v *store.View) (*setInForce, error) {
	s := &setInForce{files: map[string]*RuleFile{}}
	var err error
	if s.base, s.digest, err = editionOf(ctx, v); err != nil {
		return nil, err
	}
	files, err := store.All(ctx, v, RuleFiles, map[string]any{"state": "active"})
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		s.files[f.Path] = f
	}
	if s.definitions, err = store.All(ctx, v, Definitions, map[string]any{"state": []string{"active", "retiring"}}); err != nil {
		return nil, err
	}
	slices.SortFunc(s.definitions, func(a, b *Definition) int {
		return cmp.Or(a.since().Compare(b.since()), strings.Compare(a.ID, b.ID))
	})
	return s, nil
}

func (s *setInForce) clone() *setInForce {
	return &setInForce{s.base, s.digest, maps.Clone(s.files), slices.Clone(s.definitions)}
}

// withFile is the set with a file in the place of what its path holds now.
func (s *setInForce) withFile(f *RuleFile) *setInForce {
	out := s.clone()
	out.files[f.Path] = f
	return out
}

// with is the set with a definition, which comes last; without is the set without it.
func (s *setInForce) with(d *Definition) *setInForce {
	out := s.without(d)
	out.definitions = append(out.definitions, d)
	return out
}

func (s *setInForce) without(d *Definition) *setInForce {
	out := s.clone()
	out.definitions = slices.DeleteFunc(out.definitions, func(x *Definition) bool { return x.ID == d.ID })
	return out
}

// overrides reads what is laid over the edition: files in the order of their names, then definitions.
func (s *setInForce) overrides() ([]*Override, error) {
	var out []*Override
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		if f := s.files[path]; !f.Removed {
			o, err := f.override()
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	for _, d := range s.definitions {
		o, err := d.parse()
		if err != nil {
			return nil, err
		}
		o.later, o.Origin = true, d.origin()
		out = append(out, o)
	}
	return out, nil
}

// catalogue compiles the set; what was compiled is kept under everything that it is made of.
func (s *setInForce) catalogue() (*Catalogue, error) {
	if len(s.files) == 0 && len(s.definitions) == 0 {
		return s.base, nil
	}
	key := s.digest
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		f := s.files[path]
		key += fmt.Sprintf("|%s|%s|%s|%s|%d|%s", path, f.ID, digestOf(f.Text), f.ApprovedBy, f.Since.UnixMilli(), f.Reason)
	}
	for _, d := range s.definitions {
		key += fmt.Sprintf("|%s|%s|%v", d.ID, digestOf(d.Text), d.origin())
	}
	return keepCompiled(digestOf(key), func() (*Catalogue, error) {
		all, err := s.overrides()
		if err != nil {
			return nil, err
		}
		return s.base.With(all, nil)
	})
}

// differences says what of the tests in force another set would change. What it adds is no difference, unless a
// control counts on a test of that name already: then the test would decide on what is there.
func (s *setInForce) differences(ctx context.Context, v *store.View, next *setInForce) ([]string, error) {
	from, err := s.catalogue()
	if err != nil {
		return nil, err
	}
	refs, tied, err := controlsOf(ctx, v)
	if err != nil {
		return nil, err
	}
	all, err := next.overrides()
	if err != nil {
		return nil, err
	}
	to, err := next.base.With(all, refs)
	if err != nil {
		return nil, err
	}
	out := Differences(from, to)
	was, err := s.overrides()
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		old := slices.ContainsFunc(was, func(w *Override) bool { return w.File == o.File && reflect.DeepEqual(w.Tests, o.Tests) })
		if err := to.checkOverride(o); err != nil && !old {
			return nil, err
		}
	}
	for _, id := range restated(was, all) {
		_, off := from.Off(id)
		if (off || from.rules[id] != nil) && !slices.ContainsFunc(out, func(d string) bool { return strings.HasPrefix(d, id+":") }) {
			out = append(out, id+": set to its current value")
		}
	}
	for _, id := range to.order {
		if _, off := from.Off(id); from.rules[id] == nil && !off && tied[id] != "" {
			out = append(out, id+": added, and control "+tied[id]+" already uses it")
		}
	}
	return out, nil
}

// restated lists the tests of which an override says what neither it said before, nor one that goes as it comes. Where that
// is what holds already it changes nothing yet; but it would, once what lies under it is another.
func restated(was, now []*Override) []string {
	stays := map[string]bool{}
	for _, o := range now {
		stays[o.File] = true
	}
	said := func(t TestChange, file string) bool {
		for _, o := range was {
			if o.File != file && stays[o.File] {
				continue
			}
			for _, x := range o.Tests {
				if x.Fixtures, t.Fixtures = nil, nil; x.ID == t.ID && reflect.DeepEqual(x, t) {
					return true
				}
			}
		}
		return false
	}
	var out []string
	for _, o := range now {
		for _, t := range o.Tests {
			if !said(t, o.File) {
				out = append(out, t.ID)
			}
		}
	}
	return out
}

// controlsOf reads the refs of the controls that there are, and of each test the control that counts on it, or will by a change
// that waits for its approval or its day. Controls are a kind of another package on the same floor, so they are read by name.
func controlsOf(ctx context.Context, v *store.View) ([]string, map[string]string, error) {
	refs, tied, byID := []string{}, map[string]string{}, map[string]string{}
	if _, ok := v.Shape("control"); !ok {
		return nil, tied, nil // a store without controls, as some tests have it
	}
	err := eachTied(ctx, v, "control", nil, func(c *tiedControl) {
		refs, byID[c.ID] = append(refs, c.Ref), c.Ref
		c.tie(c.Ref, tied)
	})
	if err != nil {
		return nil, nil, err
	}
	err = eachTied(ctx, v, "control_version", map[string]any{"state": []string{"proposed", "approved"}}, func(c *tiedControl) {
		if ref := byID[c.Control]; c.AppliedAt.IsZero() && ref != "" {
			c.tie(ref, tied)
		}
	})
	return refs, tied, err
}

// tiedControl is a control, or a change of one, as far as it names tests.
type tiedControl struct {
	ID        string    `json:"id"`
	Ref       string    `json:"ref"`
	Control   string    `json:"control"`
	AppliedAt time.Time `json:"applied_at"`
	Tests     []struct {
		Test string `json:"test"`
	} `json:"tests"`
}

func (c *tiedControl) tie(ref string, tied map[string]string) {
	for _, t := range c.Tests {
		if tied[t.Test] == "" {
			tied[t.Test] = ref
		}
	}
}

// eachTied reads the things of a kind; none where the store does not have the kind, as in some tests.
func eachTied(ctx context.Context, v *store.View, kindName string, where map[string]any, do func(*tiedControl)) error {
	if _, ok := v.Shape(kindName); !ok {
		return nil
	}
	for p := (store.Page{Where: where, Limit: 1000}); ; {
		l, err := v.List(ctx, kindName, p)
		if err != nil {
			return err
		}
		for _, body := range l.Bodies {
			var c tiedControl
			if err := json.Unmarshal([]byte(body), &c); err != nil {
				return fmt.Errorf("read %s: %w", kindName, err)
			}
			do(&c)
		}
		if p.After = l.Next; l.Next == "" {
			return nil
		}
	}
}

// at is the view of an earlier position of the ledger.
func at(v *store.View, entry int64, when time.Time) *store.View {
	w := *v
	w.At, w.Past, w.Now = entry+1, true, when
	return &w
}
