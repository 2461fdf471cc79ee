// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"slices"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/store"
)

// Parameter is a parameter of a test as it is now; nil where the test is switched off or has none of that name.
func (b *Boards) Parameter(ctx context.Context, v *store.View, test, name string) (any, error) {
	cat, err := b.Rules(ctx, v)
	if err != nil {
		return nil, err
	}
	r, ok := cat.Rule(test)
	if !ok {
		return nil, nil
	}
	return r.Def.Params[name], nil
}

// Severity is how bad the failure is that an exception is about: that of its test and the worst of the required tests of
// its control, and medium where there are none. A company's own change to a test of the catalogue may raise it and not lower it.
func (b *Boards) Severity(ctx context.Context, v *store.View, e *grc.Exception) (grc.Severity, error) {
	cat, err := b.Rules(ctx, v)
	if err != nil {
		return "", err
	}
	std, err := check.Standard()
	if err != nil {
		return "", err
	}
	var s grc.Severity
	if e.Test != "" {
		if s = worst(severityOf(std, e.Test), severityOf(cat, e.Test)); s == "" {
			return "", errs.At("test", "there is no test %s", e.Test).Mend("see: assay test list")
		}
	}
	if e.Control == "" {
		return s, nil
	}
	c, err := store.Get(ctx, v, grc.Controls, e.Control)
	if errors.Is(err, errs.NotFound) {
		return "medium", nil // the store says of the reference that it points at nothing
	}
	if err != nil {
		return "", err
	}
	for _, t := range c.Tests {
		if t.Role != "supporting" {
			s = worst(s, worst(severityOf(std, t.Test), severityOf(cat, t.Test)))
		}
	}
	if s == "" {
		s = "medium"
	}
	return s, nil
}

func severityOf(c *check.Catalogue, test string) grc.Severity {
	r, ok := c.Rule(test)
	if !ok {
		return ""
	}
	return grc.Severity(r.Def.Severity)
}

// worst is the worse of two severities; none is the least.
func worst(a, b grc.Severity) grc.Severity {
	order := grc.Severity("").Values()
	i, j := slices.Index(order, string(a)), slices.Index(order, string(b))
	if i < 0 || j >= 0 && j < i {
		return b
	}
	return a
}
