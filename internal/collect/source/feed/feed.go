// SPDX-License-Identifier: Apache-2.0

// Package feed hands resources over in pages and counts them, so that every source ends a run in
// the same honest way.
//
// It knows the Source contract and nothing of where resources come from. It refuses what no source
// may do: hand over a kind it did not announce, the same key twice, or anything after a
// cancelled context. It does not store, type-check against kind declarations, or retry.
package feed

import (
	"context"
	"crypto/sha256"
	"fmt"

	"assay/internal/collect"
)

// Size is how many resources stand on one page.
const Size = 500

// Feed collects resources into pages. One goroutine uses it.
type Feed struct {
	ctx    context.Context
	page   func(collect.Page) error
	buf    []collect.Resource
	raw    []byte
	counts map[string]int
	seen   map[[16]byte]struct{}
	reason string
	notes  []string
}

// New starts a run that will supply exactly these kinds. A kind that turns out empty is counted as 0.
func New(ctx context.Context, page func(collect.Page) error, kinds ...string) *Feed {
	f := &Feed{ctx: ctx, page: page, counts: map[string]int{}, seen: map[[16]byte]struct{}{}}
	for _, k := range kinds {
		f.counts[k] = 0
	}
	return f
}

// Add puts one resource on the page, and hands the page over when it is full.
func (f *Feed) Add(r collect.Resource) error {
	if err := f.ctx.Err(); err != nil {
		return err
	}
	if _, ok := f.counts[r.Kind]; !ok {
		return fmt.Errorf("resource %q: kind %q was not announced", r.Key, r.Kind)
	}
	if r.Key == "" {
		return fmt.Errorf("resource of kind %q without a key", r.Kind)
	}
	sum := sha256.Sum256([]byte(r.Kind + "\x00" + r.Key))
	mark := [16]byte(sum[:16])
	if _, twice := f.seen[mark]; twice {
		return fmt.Errorf("%s %q came twice in one run", r.Kind, r.Key)
	}
	f.seen[mark] = struct{}{}
	f.buf = append(f.buf, r)
	f.counts[r.Kind]++
	if len(f.buf) >= Size {
		return f.Flush()
	}
	return nil
}

// Raw adds to the raw answer of the page that is being filled.
func (f *Feed) Raw(b []byte) { f.raw = append(f.raw, b...) }

// Flush hands over the page that is being filled, if there is anything on it.
func (f *Feed) Flush() error {
	if err := f.ctx.Err(); err != nil {
		return err
	}
	if len(f.buf) == 0 && len(f.raw) == 0 {
		return nil
	}
	p := collect.Page{Resources: f.buf, Raw: f.raw}
	f.buf, f.raw = nil, nil
	if err := f.page(p); err != nil {
		return fmt.Errorf("hand over a page: %w", err)
	}
	return f.ctx.Err() // a run that was called off while its page was taken is not a whole one
}

// Incomplete says that the run will end without being complete, and why. The first reason stays.
func (f *Feed) Incomplete(format string, a ...any) {
	if f.reason == "" {
		f.reason = fmt.Sprintf(format, a...)
	}
}

// Tell notes what a person should know of how it was read.
func (f *Feed) Tell(notes ...string) { f.notes = append(f.notes, notes...) }

// End hands over the last page and returns the end marker.
func (f *Feed) End() (collect.Manifest, error) {
	if err := f.Flush(); err != nil {
		return f.Fail(err)
	}
	return collect.Manifest{Complete: f.reason == "", Reason: f.reason, Counts: f.counts, Notes: f.notes}, nil
}

// Fail ends the run with err; what was handed over before is still counted, and none of it is complete.
func (f *Feed) Fail(err error) (collect.Manifest, error) {
	for _, r := range f.buf { // never left the house
		f.counts[r.Kind]--
	}
	f.buf = nil
	return collect.Manifest{Reason: err.Error(), Counts: f.counts, Notes: f.notes}, err
}
