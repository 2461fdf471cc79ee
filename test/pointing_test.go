// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// What becomes of a thing when what it refers to is gone. Both tests are made from the list of all references of all kinds.

// noEnd are kinds of which nothing can be deleted by an operation: a reference to them keeps nothing.
var noEnd = []string{"user", "source"}

// pointer is one field of a kind that refers to another thing.
type pointer struct {
	kind.Shape
	field kind.Field
}

// to is the field as one that refers to something that can be ended.
func (p pointer) to() kind.Field {
	if p.field.Ref == "*" {
		p.field.Ref = grc.People.Name
	}
	return p.field
}

// pointers are the references of all kinds.
func pointers(s *op.Set) (out []pointer) {
	for _, sh := range s.Shapes() {
		for _, f := range sh.Fields {
			if f.Ref != "" {
				out = append(out, pointer{sh, f})
			}
		}
	}
	return out
}

// pointing makes a thing that refers to another one, both new where an operation makes them.
func (m *maker) pointing(t *testing.T, p pointer, state string) (id, to string) {
	t.Helper()
	org := testkit.Org
	if create := m.h.Set.Find(p.Name + ".create"); create != nil && field(create, p.field.Name).Name != "" {
		if m.given[create.Name] == nil {
			m.given[create.Name] = map[string]any{}
		}
		if _, has := m.given[create.Name][p.field.Name]; !has {
			m.given[create.Name][p.field.Name] = m.value(t, org, p.to())
			defer delete(m.given[create.Name], p.field.Name)
		}
	}
	id, rev := m.make(t, org, p.Name, state, m.author(org))
	if set := m.h.Set.Find(p.Name + ".identify"); set != nil && field(set, p.field.Name).Name != "" {
		m.must(t, m.full(org), set, map[string]any{"id": id, "rev": rev, p.field.Name: m.value(t, org, p.to())})
	}
	if update := m.h.Set.Find(p.Name + ".update"); update != nil && field(update, p.field.Name).Name != "" && m.ready[org][p.Name] != "" {
		m.must(t, m.full(org), update, map[string]any{"id": id, "rev": rev, p.field.Name: m.value(t, org, p.to())})
	}
	thing := m.must(t, m.full(org), m.h.Set.Find(p.Name+".get"), map[string]any{"id": id})
	if to, _ = thing[p.field.Name].(string); to == "" {
		t.Fatalf("%s %s refers to nothing by %s", p.Name, id, p.field.Name)
	}
	return id, to
}

func TestNothingIsDeletedThatOthersReferTo(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		for _, p := range pointers(h.Set) {
			if slices.Contains(noEnd, p.field.Ref) || p.Name == "control_version" { // the control of a version is never deleted
				continue
			}
			id, to := m.pointing(t, p, "")
			sh := m.shapeOf(t, to)
			rev := m.must(t, m.full(testkit.Org), h.Set.Find(sh.Name+".get"), map[string]any{"id": to})["rev"]
			_, err := m.gate(m.full(testkit.Org), h.Set.Find(sh.Name+".end"), map[string]any{"id": to, "rev": rev}, time.Time{})
			e := errs.Public(err)
			if !errors.Is(err, errs.Conflict) || !strings.Contains(e.Text, op.Title(p.Name)) || !strings.Contains(e.Text, op.Title(p.field.Name)) || e.Fix == "" {
				t.Errorf("%s %s refers to %s by %s, which was ended: %v", p.Name, id, to, p.field.Name, err)
			}
			held++
		}
		if held < 12 {
			t.Errorf("%d references were looked at", held)
		}
	})
}

func TestWhatIsOverKeepsNothingFromBeingDeleted(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		p := c.do(c.manager, "person.create", map[string]any{"name": "Pat", "email": "pat@example.com"})
		e := c.exception(c.staff, "requested_by", p["id"])
		in := map[string]any{"id": p["id"], "rev": p["rev"]}
		if _, err := c.try(c.manager, "person.end", in); !errors.Is(err, errs.Conflict) || !strings.Contains(errs.Public(err).Fix, "terminate") {
			t.Errorf("somebody who asks for an exception: %v", err)
		}
		c.next(c.owner, "exception.reject", e, "reject_reason", "It is not needed.")
		c.do(c.manager, "person.end", in)
	})
}

// A program before this one let things be deleted that others refer to. Whatever refers to them goes on: it can be changed,
// decided on and taken back.
func TestAWriteResolvesOnlyTheReferencesThatItChanges(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		for _, p := range pointers(h.Set) {
			if p.System || slices.Contains(noEnd, p.field.Ref) || p.Name == "control_version" { // the same
				continue
			}
			for _, o := range h.Set.All() {
				if o.Kind != p.Name || !o.Writes || !takesID(o) || o.Slow || o.Name == p.Name+".end" || m.apart[o.Name] != "" || m.given[o.Name]["id"] != nil {
					continue
				}
				m.goesOn(t, p, o)
				held++
			}
		}
		if held < 40 {
			t.Errorf("%d writes were looked at", held)
		}
	})
}

// goesOn calls an operation on a thing that refers to what is gone.
func (m *maker) goesOn(t *testing.T, p pointer, o *op.Op) {
	t.Helper()
	org := testkit.Org
	id, to := m.pointing(t, p, m.from(o))
	thing := m.must(t, m.full(org), m.h.Set.Find(p.Name+".get"), map[string]any{"id": id})
	in := m.base(t, org, o)
	in["id"] = id
	if slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "rev" }) {
		in["rev"] = thing["rev"]
	}
	if o.Verb == "update" {
		if f := field(o, p.Label); f.Type == "string" {
			in[p.Label] = m.text(f)
		}
	}
	m.gone(t, to)
	if _, err := m.gate(m.full(org), o, in, time.Time{}); errors.Is(err, errs.NotFound) {
		t.Errorf("%s, of which %s is gone: %v", o.Name, p.field.Name, err)
	}
}

// gone ends a thing as a program did that asked for nothing.
func (m *maker) gone(t *testing.T, id string) {
	t.Helper()
	sh := m.shapeOf(t, id)
	end := map[string]func(context.Context, *store.Tx) error{
		"person":  func(ctx context.Context, tx *store.Tx) error { return store.End(ctx, tx, grc.People, id, 0) },
		"control": func(ctx context.Context, tx *store.Tx) error { return store.End(ctx, tx, grc.Controls, id, 0) },
	}[sh.Name]
	if end == nil {
		t.Fatalf("this test does not know how to end a %s", sh.Name)
	}
	if _, err := m.h.Store.Change(t.Context(), testkit.Org, store.System("test"), func(tx *store.Tx) error { return end(t.Context(), tx) }); err != nil && !errors.Is(err, errs.NotFound) {
		t.Fatal(err)
	}
}

func (m *maker) shapeOf(t *testing.T, id string) kind.Shape {
	t.Helper()
	prefix, _, _ := strings.Cut(id, "_")
	for _, sh := range m.h.Set.Shapes() {
		if sh.Prefix == prefix {
			return sh
		}
	}
	t.Fatalf("%q is of no kind", id)
	return kind.Shape{}
}
