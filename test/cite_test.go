// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/testkit"
)

// A thing cites only a file that was uploaded here, by the one who cites it or in something that he may read. Derived from
// the fields of all kinds that hold digests, for making and for changing; what another organisation has is not here.
func TestAFileIsCitedOnlyByWhoUploadedItOrMayReadIt(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		for _, sh := range h.Set.Shapes() {
			create, update := h.Set.Find(sh.Name+".create"), h.Set.Find(sh.Name+".update")
			for _, f := range sh.Fields {
				if f.Format != "sha256" || f.ReadOnly || create == nil {
					continue
				}
				held++
				m.cited(t, sh, f, create, update)
			}
		}
		if held == 0 {
			t.Error("no kind cites a file: this proves nothing")
		}
	})
}

func (m *maker) cited(t *testing.T, sh kind.Shape, f kind.Field, create, update *op.Op) {
	keep := func(a op.Actor, text string) string {
		b, err := m.h.Gate.Upload(t.Context(), a, strings.NewReader(text))
		fine(t, err)
		return b.SHA256
	}
	author := m.author(testkit.Org)
	reader := op.Actor{Org: testkit.Org, ID: "usr_stranger", Roles: []op.Role{op.Employee, op.Reader}, Via: "rest"} // submits, and does not see what is restricted
	open := []string{}
	g, guarded := guard(sh)
	if guarded {
		open = []string{g.Name, "internal"}
	} else { // nothing of this kind is hidden from whoever makes one
		reader.Roles = author.Roles
	}
	base := m.fresh(m.input(t, testkit.Org, create, true))
	with := func(sha string, more ...string) map[string]any {
		in := m.fresh(base)
		in[f.Name] = sha
		for i := 0; i+1 < len(more); i += 2 {
			in[more[i]] = more[i+1]
		}
		return in
	}
	refused := func(what string, a op.Actor, o *op.Op, in map[string]any) {
		t.Helper()
		_, err := m.gate(a, o, in, time.Time{})
		if e := errs.Public(err); err == nil || e.Code != errs.Invalid || e.Field != f.Name || e.Fix != "upload the file first" {
			t.Errorf("%s with a file %s: %v (field %q, fix %q)", o.Name, what, err, e.Field, e.Fix)
		}
	}
	never, elsewhere := strings.Repeat("cd", 32), keep(m.author(testkit.Other), "a file of another organisation")
	thing := m.must(t, author, create, with(keep(author, "brought by its author")))
	refused("that was never uploaded", author, create, with(never))
	refused("of another organisation", author, create, with(elsewhere))
	refused("that was never uploaded", author, update, map[string]any{"id": thing["id"], "rev": thing["rev"], f.Name: never})
	refused("that only the raw store has", author, create, with(m.raw(t, "not uploaded by anybody")))

	m.must(t, reader, create, with(keep(reader, "brought by the reader"), open...))
	m.must(t, reader, create, with(keep(author, "brought by its author"))) // in something that he may read
	alone := keep(author, "brought by another, cited by nothing")
	refused("that another uploaded and nothing cites", reader, create, with(alone))
	if guarded {
		secret := keep(author, "known from what is restricted")
		m.must(t, author, create, with(secret, g.Name, g.Guards))
		refused("known only from what he may not read", reader, create, with(secret))
		m.must(t, author, create, with(secret))
	}
	again := m.must(t, author, m.h.Set.Find(sh.Name+".get"), map[string]any{"id": thing["id"]})
	for _, x := range sh.Fields { // what is cited already may stay, whoever changes something else
		if x.Name == sh.Label {
			m.must(t, m.full(testkit.Org), update, map[string]any{"id": thing["id"], "rev": again["rev"], x.Name: "Another name for it"})
		}
	}
}

func guard(sh kind.Shape) (kind.Field, bool) {
	for _, f := range sh.Fields {
		if f.Guards != "" {
			return f, true
		}
	}
	return kind.Field{}, false
}

// raw puts a file into the store of files beside the Gate, as a source does.
func (m *maker) raw(t *testing.T, text string) string {
	s, err := m.h.Gate.Files(testkit.Org)
	fine(t, err)
	i, err := s.Put(t.Context(), strings.NewReader(text), 0)
	fine(t, err)
	return i.SHA256
}

// What reads a file by its digest asks the same of its caller as what cites one.
func TestAFileIsTriedOnlyByWhoMayCiteIt(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		author := m.author(testkit.Org)
		b, err := h.Gate.Upload(t.Context(), author, strings.NewReader("brought by its author"))
		fine(t, err)
		stranger := op.Actor{Org: testkit.Org, ID: "usr_stranger", Roles: author.Roles, Via: "rest"}
		for _, o := range h.Set.All() {
			if slices.Contains([]string{"create", "update", "list"}, o.Verb) || !slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Format == "sha256" }) {
				continue
			}
			held++
			in := map[string]any{"connector": "fixed", "file": b.SHA256}
			if _, err := m.gate(author, o, in, time.Time{}); err != nil {
				t.Errorf("%s by who uploaded it: %v", o.Name, err)
			}
			for what, sha := range map[string]string{"of another": b.SHA256, "of nobody": m.raw(t, "in the store only"), "that is none": "../../keys"} {
				in["file"] = sha
				if _, err := m.gate(stranger, o, in, time.Time{}); err == nil || errs.Public(err).Field != "file" {
					t.Errorf("%s of a file %s: %v", o.Name, what, err)
				}
			}
		}
		if held != 1 {
			t.Errorf("%d operations read a file by its digest, and this test knows the input of one", held)
		}
	})
}
