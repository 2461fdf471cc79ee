// SPDX-License-Identifier: Apache-2.0

// Package sourcetest holds the contract that every source must keep, as one suite of tests, and
// sources that break it on purpose, for tests of what stands above.
//
// It knows the Source contract and the declared kinds. It does not know any source in particular.
package sourcetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"assay/internal/collect"
	"assay/internal/collect/source/schema"
	"assay/internal/errs"
)

// Taken is what one run handed over.
type Taken struct {
	Pages    []collect.Page
	Manifest collect.Manifest
	Err      error
}

// Take runs a source to its end and keeps everything.
func Take(ctx context.Context, s collect.Source) Taken {
	var t Taken
	t.Manifest, t.Err = s.Collect(ctx, func(p collect.Page) error {
		t.Pages = append(t.Pages, p)
		return nil
	})
	return t
}

// Resources are all resources of a run, in order.
func (t Taken) Resources() []collect.Resource {
	var out []collect.Resource
	for _, p := range t.Pages {
		out = append(out, p.Resources...)
	}
	return out
}

// Of are the resources of one kind.
func (t Taken) Of(kind string) []collect.Resource {
	var out []collect.Resource
	for _, r := range t.Resources() {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// Judge says why a run does not count as complete and well-formed, or nil. It is the reading of
// INV-07 that the suite holds sources to.
func Judge(s schema.Schema, d collect.Description, t Taken) error {
	if t.Err != nil {
		return fmt.Errorf("the run failed: %w", t.Err)
	}
	if !t.Manifest.Complete {
		return fmt.Errorf("the run is not complete: %s", t.Manifest.Reason)
	}
	counts, seen := map[string]int{}, map[string]bool{}
	for _, k := range d.Kinds {
		counts[k] = 0
	}
	for _, r := range t.Resources() {
		if _, ok := counts[r.Kind]; !ok {
			return fmt.Errorf("%s %q: the source did not announce the kind", r.Kind, r.Key)
		}
		counts[r.Kind]++
		if seen[r.Kind+"\x00"+r.Key] {
			return fmt.Errorf("%s %q came twice", r.Kind, r.Key)
		}
		seen[r.Kind+"\x00"+r.Key] = true
		if !utf8.ValidString(r.Key) || !utf8.ValidString(r.Name) {
			return fmt.Errorf("%s %q: key or name is not UTF-8", r.Kind, r.Key)
		}
		if err := schema.Check(s, r); err != nil {
			return err
		}
	}
	if !reflect.DeepEqual(counts, t.Manifest.Counts) {
		return fmt.Errorf("the end marker counts %v, and %v arrived", t.Manifest.Counts, counts)
	}
	for k, n := range counts {
		if kind, _ := s.Kind(k); kind.NeverEmpty && n == 0 {
			return fmt.Errorf("%s is never empty, and none arrived", k)
		}
	}
	return nil
}

// Run holds one connector to the contract. config must make a source whose runs are complete.
func Run(t *testing.T, c collect.Connector, config any) {
	t.Helper()
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	declared, err := schema.Declared()
	if err != nil {
		t.Fatal(err)
	}
	open := func(t *testing.T) collect.Source {
		t.Helper()
		s, err := c.New(raw)
		if err != nil {
			t.Fatalf("New: %v", err)
		}
		return s
	}
	t.Run("AConnectorSaysWhatItIs", func(t *testing.T) { connectorTold(t, c, raw) })
	t.Run("AnUnknownFieldIsRefusedByName", func(t *testing.T) { strictConfig(t, c) })
	t.Run("ASourceSaysWhatItReads", func(t *testing.T) { described(t, declared, open(t).Describe()) })
	t.Run("ACompleteRunKeepsTheContract", func(t *testing.T) {
		s := open(t)
		if err := Judge(declared, s.Describe(), Take(t.Context(), s)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("KeysAreStableOverRuns", func(t *testing.T) {
		a, b := keys(Take(t.Context(), open(t))), keys(Take(t.Context(), open(t)))
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("first %d keys, then %d, not the same", len(a), len(b))
		}
	})
	t.Run("ACancelledRunIsAnErrorNotAPartialSuccess", func(t *testing.T) { cancelled(t, open) })
	t.Run("ARefusedPageEndsTheRun", func(t *testing.T) { refused(t, open(t)) })
	t.Run("AFaultNeverLooksComplete", func(t *testing.T) { faults(t, declared, open) })
}

func connectorTold(t *testing.T, c collect.Connector, raw []byte) {
	if c.Name == "" || c.Title == "" || c.Doc == "" {
		t.Errorf("name, title or doc is missing: %q %q %q", c.Name, c.Title, c.Doc)
	}
	var given map[string]any
	if err := json.Unmarshal(raw, &given); err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	for _, f := range c.Fields {
		if f.Name == "" || f.Doc == "" || strings.Contains(f.Doc, "!") {
			t.Errorf("field %q: its doc is missing or shouts: %q", f.Name, f.Doc)
		}
		fields[f.Name] = true
		if f.Required {
			without := map[string]any{}
			for k, v := range given {
				if k != f.Name {
					without[k] = v
				}
			}
			b, _ := json.Marshal(without)
			if _, err := c.New(b); !errors.Is(err, errs.Invalid) {
				t.Errorf("without the required field %s: %v", f.Name, err)
			} else if errs.Public(err).Field != f.Name {
				t.Errorf("without %s the error names the field %q", f.Name, errs.Public(err).Field)
			}
		}
	}
	for k := range given {
		if !fields[k] {
			t.Errorf("field %q is used and not described", k)
		}
	}
}

func strictConfig(t *testing.T, c collect.Connector) {
	for _, bad := range []string{`{"no_such_field":1}`, `[]`, `"x"`, `{`, `{} {}`} {
		_, err := c.New(json.RawMessage(bad))
		if !errors.Is(err, errs.Invalid) {
			t.Errorf("New(%s) = %v, want an error that names the field", bad, err)
		}
	}
	_, err := c.New(json.RawMessage(`{"no_such_field":1}`))
	if got := errs.Public(err); got.Field != "no_such_field" || got.Fix == "" {
		t.Errorf("the error names %q and the fix %q", got.Field, got.Fix)
	}
}

func described(t *testing.T, s schema.Schema, d collect.Description) {
	if len(d.Kinds) == 0 || d.Reads == "" || len(d.Permissions) == 0 || d.Query == "" {
		t.Errorf("something is missing: %+v", d)
	}
	for _, k := range d.Kinds {
		if _, ok := s.Kind(k); !ok {
			t.Errorf("kind %q is not declared", k)
		}
	}
}

func keys(t Taken) map[string]bool {
	out := map[string]bool{}
	for _, r := range t.Resources() {
		out[r.Kind+" "+r.Key] = true
	}
	return out
}

func cancelled(t *testing.T, open func(*testing.T) collect.Source) {
	before, stop := context.WithCancel(t.Context())
	stop()
	if got := Take(before, open(t)); got.Err == nil || got.Manifest.Complete || len(got.Pages) > 0 {
		t.Errorf("cancelled before: err %v, complete %v, %d pages", got.Err, got.Manifest.Complete, len(got.Pages))
	}
	during, stop := context.WithCancel(t.Context())
	defer stop()
	m, err := open(t).Collect(during, func(collect.Page) error { stop(); return nil })
	if err == nil || m.Complete {
		t.Errorf("cancelled on the first page: err %v, complete %v", err, m.Complete)
	}
}

func refused(t *testing.T, s collect.Source) {
	full, calls := errors.New("the store is full"), 0
	m, err := s.Collect(t.Context(), func(collect.Page) error { calls++; return full })
	if !errors.Is(err, full) || m.Complete || calls != 1 {
		t.Errorf("err %v, complete %v, %d pages after the refusal", err, m.Complete, calls-1)
	}
}

func faults(t *testing.T, s schema.Schema, open func(*testing.T) collect.Source) {
	n := len(Take(t.Context(), open(t)).Resources())
	for name, f := range map[string]collect.Source{
		"a page cut short":     CutShort(open(t), n-1),
		"everything lost":      CutShort(open(t), 0),
		"a page sent twice":    Twice(open(t)),
		"other types":          Untyped(open(t)),
		"an error page":        ErrorPage(open(t)),
		"stopped on the way":   Stops(open(t), 0),
		"one counted too many": Miscounts(open(t), 1),
		"a kind left out":      Uncounted(open(t), open(t).Describe().Kinds[0]),
	} {
		if n == 0 && name != "one counted too many" && name != "stopped on the way" && name != "a kind left out" {
			continue // nothing to lose: such a fault cannot be told from the truth
		}
		if name == "an error page" && !neverEmpty(s, f.Describe()) {
			continue // zero resources can be the truth here; the raw answer is what tells
		}
		if err := Judge(s, f.Describe(), Take(t.Context(), f)); err == nil {
			t.Errorf("%s: passed for a complete run", name)
		}
	}
}

func neverEmpty(s schema.Schema, d collect.Description) bool {
	for _, k := range d.Kinds {
		if kind, _ := s.Kind(k); kind.NeverEmpty {
			return true
		}
	}
	return false
}
