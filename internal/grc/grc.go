// SPDX-License-Identifier: Apache-2.0

// Package grc holds the kinds of things that a compliance programme is made of, one file each: their
// fields, their states, their rules. No SQL, no HTTP, no HTML. Adding a kind is one file here and one
// line in Add.
package grc

import (
	"context"

	"assay/internal/op"
	"assay/internal/store"
)

// Severities says how bad the failure is that an exception is about. What tests there are is known above, so that it is
// given from there.
type Severities func(ctx context.Context, v *store.View, e *Exception) (Severity, error)

// Add adds every kind to a set. It is the table of contents.
func Add(s *op.Set, of ...Severities) {
	s.Today = func(ctx context.Context, v *store.View) (string, error) {
		day, err := todayIn(ctx, v)
		return string(day), err
	}
	op.Kind(s, Organizations, op.Also[Organization]{Verb: "update", Do: bySomebody})
	op.Kind(s, People)
	op.Kind(s, Systems)
	op.Kind(s, Requirements)
	addScope(s)
	addControls(s)
	op.Kind(s, Policies, op.Also[Policy]{Verb: "end", Do: restedOn})
	op.Kind(s, Evidences, evidenceFits("create"), evidenceFits("update"), evidenceFits("submit"), op.Also[Evidence]{Verb: "accept", Do: stillSound})
	op.Kind(s, Exceptions, inherits(of)...)
	op.Kind(s, Tasks)
	op.Kind(s, Decisions)
}
