// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

type visit struct {
	store.Place
	Crate string `json:"crate" doc:"Of what."`
	Who   string `json:"who" doc:"By whom."`
}

var visits = store.Facts[visit]("visit", "Visits.", nil, []string{"crate"}).Of("crate")

// What the index gives for a thing is what reading the whole ledger gives.
func TestTheEntriesOfAThingAreThoseOfTheLedger(t *testing.T) {
	add := func(s *op.Set) {
		addCrates(s)
		s.Table(visits)
	}
	testkit.Engines(t, add, func(t *testing.T, h *testkit.House) {
		a, b, c := newCrate(t, h, crate{Title: "A"}), newCrate(t, h, crate{Title: "B"}), newCrate(t, h, crate{Title: "C"})
		for i := range 3 {
			write(t, h, func(ctx context.Context, tx *store.Tx) error {
				a.Size = i
				if err := store.Put(ctx, tx, crates, a); err != nil {
					return err
				}
				_, err := visits.Append(ctx, tx, b.ID, []visit{{Crate: b.ID, Who: "Jo Doe"}}, nil)
				return err
			})
		}
		write(t, h, func(ctx context.Context, tx *store.Tx) error { return store.End(ctx, tx, crates, c.ID, c.Rev) })
		err := h.Store.View(t.Context(), testkit.Org, time.Time{}, store.By{}, func(v *store.View) error {
			all, err := v.Entries(t.Context(), store.EntryPage{Limit: 1000})
			if err != nil {
				return err
			}
			want, seen := map[string]string{}, 0
			for _, e := range all {
				want[e.ID] += fmt.Sprint(e.Seq, e.State, string(e.Body), " ")
			}
			for id, text := range want {
				got, err := v.Entries(t.Context(), store.EntryPage{ID: id, Limit: 1000})
				if err != nil {
					return err
				}
				have := ""
				for _, e := range got {
					have += fmt.Sprint(e.Seq, e.State, string(e.Body), " ")
				}
				if seen++; have != text {
					t.Errorf("%s:\n%s\nwant\n%s", id, have, text)
				}
				if one, err := v.Entries(t.Context(), store.EntryPage{ID: id, Before: got[0].Seq, Limit: 1}); err != nil || len(got) > 1 && one[0].Seq != got[1].Seq {
					t.Errorf("%s before %d: %v %v", id, got[0].Seq, one, err)
				}
			}
			if seen < 3 || len(all) != 10 {
				t.Errorf("the story is about %d things only", seen)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
