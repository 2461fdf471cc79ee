// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// What is kept from an earlier board never shows: after each event of a history, and of a task that decides over no day, a
// board made after others says the same as one that is made from nothing, and so does the board of one control.
func TestABoardMadeAfterOthersReadsAsOneMadeFromNothing(t *testing.T) {
	n := 6
	if testkit.Fast() {
		n = 2
	}
	h := house(t)
	seed := uint64(time.Now().UnixNano())
	reused := 0
	for i := range n {
		r := rand.New(rand.NewPCG(seed+uint64(i), 9))
		s := tell(r)
		org, w := fmt.Sprint("org_", i), newWriter(t.Context())
		kept := &report.Boards{DB: h.Store, Rules: check.InForce}
		look := func(what string) {
			reused += sameAsFromNothing(t, h, org, kept, r, fmt.Sprintf("seed %d: %s", seed+uint64(i), what))
		}
		for k, e := range s.events {
			h.Clock.Set(e.At)
			if _, err := h.Store.Change(t.Context(), org, store.System("test"), func(tx *store.Tx) error { return w.next(tx, s.events, k) }); err != nil {
				t.Fatal(err)
			}
			look(e.String())
			h.Clock.Move(time.Duration(r.IntN(900)) * time.Millisecond)
			if _, err := h.Store.Change(t.Context(), org, store.System("test"), func(tx *store.Tx) error {
				return store.Put(t.Context(), tx, grc.Tasks, &grc.Task{Title: "Look", State: "open", Kind: "other", Priority: "low",
					Subject: w.ids[s.events[r.IntN(k+1)].Who], DueOn: kind.Date(e.At.AddDate(0, 0, -1).Format(time.DateOnly))})
			}); err != nil {
				t.Fatal(err)
			}
			look("a task after " + e.String())
			if t.Failed() {
				return
			}
		}
	}
	if reused == 0 {
		t.Error("nothing was ever kept: this test compares a board with itself")
	}
}

// sameAsFromNothing compares; it says how many days were taken over from an earlier board.
func sameAsFromNothing(t *testing.T, h *testkit.House, org string, kept *report.Boards, r *rand.Rand, what string) (settled int) {
	t.Helper()
	err := h.Store.View(t.Context(), org, time.Time{}, store.System("test"), func(v *store.View) error {
		a, err := kept.Of(t.Context(), v, 25)
		if err != nil {
			return err
		}
		fresh := &report.Boards{DB: h.Store, Rules: check.InForce}
		b, err := fresh.Of(t.Context(), v, 25)
		if err != nil {
			return err
		}
		if x, y := said(t, a), said(t, b); x != y {
			t.Errorf("%s\nafter others\n%s\nfrom nothing\n%s", what, x, y)
		}
		settled = a.Settled()
		if len(b.Controls) == 0 {
			return nil
		}
		return sameAlone(t.Context(), t, v, kept, b.Controls[r.IntN(len(b.Controls))], what)
	})
	if err != nil {
		t.Fatal(err)
	}
	return settled
}

func sameAlone(ctx context.Context, t *testing.T, v *store.View, kept *report.Boards, want *report.ControlLine, what string) error {
	t.Helper()
	alone := &report.Boards{DB: kept.DB, Rules: kept.Rules}
	_, b, err := alone.Control(ctx, v, 26, want.Control.Ref)
	if err != nil {
		return err
	}
	_, a, err := kept.Control(ctx, v, 26, want.Control.Ref) // 26 days: no whole board has so many
	if err != nil {
		return err
	}
	if x, y := said(t, a), said(t, b); x != y {
		t.Errorf("%s\nalone after others\n%s\nfrom nothing\n%s", what, x, y)
	}
	return nil
}

func said(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
