// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"testing"
	"time"

	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// For every kind, every role and every way of reading: the ledger is shown to many, and what a thing is called only to those who
// may see it.
func TestTheActivityNamesNothingToARoleThatMayNotSeeIt(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, told, hidden := newMaker(t, h, w), 0, 0
		for _, sh := range h.Set.Shapes() {
			if h.Set.Find(sh.Name+".create") == nil && m.ready[testkit.Org][sh.Name] == "" {
				continue
			}
			id, _ := m.make(t, testkit.Org, sh.Name, "", m.author(testkit.Org))
			for _, verb := range []string{"get", "download", "preview"} {
				by := store.By{Actor: "usr_reader", Via: "web", Op: sh.Name + "." + verb}
				if _, err := h.Store.Change(t.Context(), testkit.Org, by, func(tx *store.Tx) error {
					_, err := op.Reads.Append(t.Context(), tx, id, []op.SensitiveRead{{Actor: by.Actor, Op: by.Op, Thing: id, At: tx.Now}}, nil)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range op.Role("").Values() {
				a := op.Actor{Org: testkit.Org, ID: "usr_x", Roles: []op.Role{op.Role(name)}, Via: "rest"}
				if a.May("log", "view") < op.Open {
					continue
				}
				all, err := op.Do[*report.EventPage](t.Context(), h.Gate, a, "activity.list", map[string]any{"id": id, "limit": 200}, time.Time{})
				fine(t, err)
				reads := 0
				for _, e := range all.Data {
					one, err := op.Do[map[string]any](t.Context(), h.Gate, a, "ledger.entry", map[string]any{"seq": e.Seq}, time.Time{})
					fine(t, err)
					raw, err := json.Marshal(one["event"])
					fine(t, err)
					var same report.Event
					fine(t, json.Unmarshal(raw, &same))
					if e.Kind == op.Reads.Name {
						reads++
					}
					if may := a.May(sh.Object, "view") >= op.Open; !may && (e.Label != id || same.Label != id || e.Kind == sh.Name && one["body"] != nil) {
						t.Errorf("%s sees what a %s is called: %q, %q (%s)", name, sh.Name, e.Label, same.Label, e.Op)
					} else if may && e.Label != id {
						told++
					} else if !may {
						hidden++
					}
				}
				if reads != 3 {
					t.Errorf("%s sees %d of 3 reads of a %s", name, reads, sh.Name)
				}
			}
		}
		if told < 50 || hidden < 20 {
			t.Errorf("%d names were told and %d not: %s", told, hidden, op.Role("").Values())
		}
	})
}
