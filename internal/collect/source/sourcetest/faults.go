// SPDX-License-Identifier: Apache-2.0

package sourcetest

import (
	"context"
	"errors"
	"fmt"

	"assay/internal/collect"
)

// Fixed is a source that supplies what it was given, for tests of what stands above sources.
type Fixed struct {
	Kinds    []string
	Pages    []collect.Page
	Manifest *collect.Manifest // in place of an honest one
	Err      error             // returned after the pages
}

// Describe implements collect.Source.
func (f Fixed) Describe() collect.Description {
	return collect.Description{Kinds: f.Kinds, Reads: "What a test made up.", Permissions: []string{"none"}, Query: "fixed", Version: "1"}
}

// Collect implements collect.Source.
func (f Fixed) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	counts := map[string]int{}
	for _, k := range f.Kinds {
		counts[k] = 0
	}
	for _, p := range f.Pages {
		if err := ctx.Err(); err != nil {
			return collect.Manifest{Counts: counts, Reason: err.Error()}, err
		}
		for _, r := range p.Resources {
			counts[r.Kind]++
		}
		if err := page(p); err != nil {
			return collect.Manifest{Counts: counts, Reason: err.Error()}, err
		}
	}
	if f.Err != nil {
		return collect.Manifest{Counts: counts, Reason: f.Err.Error()}, f.Err
	}
	if f.Manifest != nil {
		return *f.Manifest, nil
	}
	return collect.Manifest{Complete: true, Counts: counts}, nil
}

// faulty changes what another source does.
type faulty struct {
	collect.Source
	collect func(context.Context, func(collect.Page) error) (collect.Manifest, error)
}

func (f faulty) Collect(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	return f.collect(ctx, page)
}

// ErrFault is the error of sources that stop.
var ErrFault = errors.New("the source stopped answering")

// CutShort loses everything after n resources, and still claims to be complete.
func CutShort(s collect.Source, n int) collect.Source {
	return pages(s, func(p collect.Page) collect.Page {
		keep := min(n, len(p.Resources))
		n -= keep
		p.Resources = p.Resources[:keep]
		return p
	})
}

// HalfAnswer loses every second resource, and still claims to be complete.
func HalfAnswer(s collect.Source) collect.Source {
	i := 0
	return pages(s, func(p collect.Page) collect.Page {
		var kept []collect.Resource
		for _, r := range p.Resources {
			if i++; i%2 == 1 {
				kept = append(kept, r)
			}
		}
		p.Resources = kept
		return p
	})
}

// Twice hands every page over twice.
func Twice(s collect.Source) collect.Source {
	return faulty{s, func(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
		return s.Collect(ctx, func(p collect.Page) error {
			if err := page(p); err != nil {
				return err
			}
			return page(p)
		})
	}}
}

// Untyped hands every value over in another type than it has.
func Untyped(s collect.Source) collect.Source {
	return pages(s, func(p collect.Page) collect.Page {
		for i := range p.Resources {
			for name, v := range p.Resources[i].Attrs {
				if text, ok := v.(string); ok {
					p.Resources[i].Attrs[name] = []string{text}
				} else {
					p.Resources[i].Attrs[name] = fmt.Sprint(v)
				}
			}
		}
		return p
	})
}

// ErrorPage answers with a page of HTML and no resource, and claims to be complete.
func ErrorPage(s collect.Source) collect.Source {
	return faulty{s, func(_ context.Context, page func(collect.Page) error) (collect.Manifest, error) {
		err := page(collect.Page{Raw: []byte("<html><title>Sign in</title></html>")})
		counts := map[string]int{}
		for _, k := range s.Describe().Kinds {
			counts[k] = 0
		}
		return collect.Manifest{Complete: true, Counts: counts}, err
	}}
}

// Stops ends with ErrFault after n pages.
func Stops(s collect.Source, n int) collect.Source {
	return faulty{s, func(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
		m, err := s.Collect(ctx, func(p collect.Page) error {
			if n--; n < 0 {
				return ErrFault
			}
			return page(p)
		})
		if err == nil {
			err = ErrFault
		}
		m.Complete, m.Reason = false, err.Error()
		return m, err
	}}
}

// Miscounts claims n more resources of every kind than it hands over.
func Miscounts(s collect.Source, n int) collect.Source {
	return faulty{s, func(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
		m, err := s.Collect(ctx, page)
		for k := range m.Counts {
			m.Counts[k] += n
		}
		return m, err
	}}
}

// Uncounted leaves one of its kinds out of the end marker and out of its pages.
func Uncounted(s collect.Source, kind string) collect.Source {
	return faulty{s, func(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
		m, err := s.Collect(ctx, func(p collect.Page) error {
			var kept []collect.Resource
			for _, r := range p.Resources {
				if r.Kind != kind {
					kept = append(kept, r)
				}
			}
			p.Resources = kept
			return page(p)
		})
		delete(m.Counts, kind)
		return m, err
	}}
}

func pages(s collect.Source, change func(collect.Page) collect.Page) collect.Source {
	return faulty{s, func(ctx context.Context, page func(collect.Page) error) (collect.Manifest, error) {
		return s.Collect(ctx, func(p collect.Page) error { return page(change(p)) })
	}}
}
