// SPDX-License-Identifier: Apache-2.0

// Package grc holds the kinds of things that a compliance programme is made of, one file each: their
// fields, their states, their rules. No SQL, no HTTP, no HTML. Adding a kind is one file here and one
// line in Add.
package grc

import "assay/internal/op"

// Add adds every kind to a set. It is the table of contents.
func Add(s *op.Set) {
	op.Kind(s, Organizations, op.Also[Organization]{Verb: "update", Do: widen})
	op.Kind(s, People)
	op.Kind(s, Systems)
	op.Kind(s, Requirements)
	addControls(s)
	op.Kind(s, Policies)
	op.Kind(s, Evidences, op.Also[Evidence]{Verb: "end", Do: notProof})
	op.Kind(s, Exceptions)
	op.Kind(s, Tasks)
	op.Kind(s, Decisions)
}
