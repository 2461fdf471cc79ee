// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"assay/internal/blob"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/testkit"
)

type opener func(ctx context.Context, a op.Actor, kind, id, field string) (io.ReadCloser, blob.Info, error)

// Opening a file takes the right to view what is in it: of the raw file of a source, the resources that were read from it.
// Derived from the kinds that cite files and from the role table.
func TestAFileIsOpenedByWhoMayViewWhatIsInIt(t *testing.T) {
	holds := map[string]string{"source.file": "resources", "evidence.file": "evidence"}
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m := newMaker(t, h, w)
		for _, sh := range h.Set.Shapes() {
			create, get := h.Set.Find(sh.Name+".create"), h.Set.Find(sh.Name+".get")
			for _, f := range sh.Fields {
				if f.Format != "sha256" || get == nil {
					continue
				}
				held := holds[sh.Name+"."+f.Name]
				if held == "" {
					t.Errorf("say here what is in %s of %s", f.Name, sh.Name)
					continue
				}
				author := m.author(testkit.Org)
				b, err := h.Gate.Upload(t.Context(), author, strings.NewReader("what was read"))
				fine(t, err)
				in := m.fresh(m.input(t, testkit.Org, create, true))
				in[f.Name] = b.SHA256
				if g, ok := guard(sh); ok {
					in[g.Name] = "internal"
				}
				id := m.must(t, author, create, in)["id"].(string)
				for _, r := range op.Role("").Values() {
					if reach := op.May(op.Role(r), sh.Object, "view"); reach == op.Own {
						continue // whose own it is, is held elsewhere
					}
					a := m.actor(testkit.Org, op.Role(r), "")
					want := op.May(op.Role(r), held, "view") != op.Nothing && op.May(op.Role(r), sh.Object, "view") != op.Nothing
					for way, open := range map[string]opener{"download": h.Gate.Download, "preview": h.Gate.Preview} {
						file, _, err := open(t.Context(), a, sh.Name, id, f.Name)
						if err == nil {
							fine(t, file.Close())
						}
						if want && err != nil || !want && !errors.Is(err, errs.Denied) {
							t.Errorf("%s of %s of %s by %s: %v; want allowed %v", way, f.Name, sh.Name, r, err, want)
						}
					}
				}
			}
		}
	})
}

// A token that reads runs nothing: what makes the server read its files or ask the network takes the scope of running it.
// Derived from the list of operations; what is slow and only reads the ledger stands here by name.
func TestAReadTokenMakesTheServerReachNowhere(t *testing.T) {
	inside := map[string]bool{"ledger.verify": true, "ledger.sign": true}
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		for _, o := range h.Set.All() {
			if !o.Slow || inside[o.Name] {
				continue
			}
			held++
			a := m.full(testkit.Org)
			a.Scopes = []string{"read"}
			if h.Gate.May(a, o.Name) {
				t.Errorf("a token that reads may call %s", o.Name)
			}
			if a.Scopes = []string{o.Name}; !h.Gate.May(a, o.Name) && !o.Decides() {
				t.Errorf("a token for %s may not call it", o.Name)
			}
		}
		if held < 3 {
			t.Errorf("%d operations reach outside: this proves nothing", held)
		}
	})
}
