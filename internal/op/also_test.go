// SPDX-License-Identifier: Apache-2.0

package op_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// What else an operation does is done with it, or neither is.
func TestWhatElseAnOperationDoesHappensInItsTransaction(t *testing.T) {
	var seen []string
	note := func(verb string) op.Also[widget] {
		return op.Also[widget]{Verb: verb, Do: func(ctx context.Context, tx *store.Tx, was, now *widget) error {
			if was == nil {
				was = &widget{Title: "none"}
			}
			seen = append(seen, verb+" "+was.Title+" "+string(was.State)+" > "+now.Title+" "+string(now.State))
			if now.Title == "Other" {
				return nil
			}
			if err := store.Put(ctx, tx, widgets, &widget{Title: "Other", Size: 1, State: "draft"}); err != nil {
				return err
			}
			if strings.HasPrefix(now.Title, "No") {
				return errs.New(errs.Conflict, "not this one")
			}
			return nil
		}}
	}
	add := func(s *op.Set) { op.Kind(s, widgets, note("create"), note("update"), note("approve")) }
	testkit.Engines(t, add, func(t *testing.T, h *testkit.House) {
		seen = nil
		me := testkit.As(op.Manager)
		id := call(t, h, me, "widget.create", `{"title":"First","size":3}`)["id"].(string)
		call(t, h, me, "widget.update", `{"id":"`+id+`","rev":1,"title":"Next"}`)
		call(t, h, testkit.As(op.Owner), "widget.approve", `{"id":"`+id+`","rev":2,"reason":"good"}`)
		want := "create none  > First draft; update First draft > Next draft; approve Next draft > Next approved"
		if got := strings.Join(seen, "; "); got != want {
			t.Errorf("%s; want %s", got, want)
		}
		count := func() int { return len(call(t, h, me, "widget.list", `{}`)["data"].([]any)) }
		if n := count(); n != 4 {
			t.Errorf("%d widgets, want one and three others", n)
		}
		for name, in := range map[string]string{"widget.create": `{"title":"None","size":3}`, "widget.update": `{"id":"` + id + `","rev":3,"title":"Nope"}`} {
			if _, err := try(h, me, name, in); !errors.Is(err, errs.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		before := len(seen)
		if _, err := try(h, testkit.As(op.Owner), "widget.approve", `{"id":"`+id+`","rev":3,"reason":"again"}`); !errors.Is(err, errs.Conflict) || len(seen) != before {
			t.Errorf("approved again: %v; what else there is must wait for the rules of the move", err)
		}
		if n := count(); n != 4 {
			t.Errorf("%d widgets after refusals, want 4", n)
		}
	})
}

func TestAnOperationThatIsNotThereCannotDoMore(t *testing.T) {
	none := func(context.Context, *store.Tx, *widget, *widget) error { return nil }
	never := kind.Kind[widget]{Name: "widget", Plural: "widgets", Prefix: "wid", Doc: "A widget.", Object: "risks", Label: "title", Create: kind.Never}
	for verb, k := range map[string]kind.Kind[widget]{"sit": widgets, "create": never, "end": never} {
		s := &op.Set{}
		op.Kind(s, k, op.Also[widget]{Verb: verb, Do: none})
		if s.Sound() == nil {
			t.Errorf("%s is taken", verb)
		}
	}
}

func TestWhatMayNotEndIsThereStill(t *testing.T) {
	keep := op.Also[widget]{Verb: "end", Do: func(_ context.Context, _ *store.Tx, was, now *widget) error {
		if now != nil || was.Size > 4 {
			return errs.New(errs.Conflict, "it is too large to go")
		}
		return nil
	}}
	testkit.Engines(t, func(s *op.Set) { op.Kind(s, widgets, keep) }, func(t *testing.T, h *testkit.House) {
		me := testkit.As(op.Manager)
		small := call(t, h, me, "widget.create", `{"title":"Small","size":3}`)["id"].(string)
		large := call(t, h, me, "widget.create", `{"title":"Large","size":5}`)["id"].(string)
		if _, err := try(h, me, "widget.end", `{"id":"`+large+`","rev":1}`); !errors.Is(err, errs.Conflict) {
			t.Errorf("ended, and it may not: %v", err)
		}
		if _, err := try(h, me, "widget.end", `{"id":"`+small+`","rev":2}`); err == nil {
			t.Errorf("ended as it was not seen: %v", err)
		}
		call(t, h, me, "widget.end", `{"id":"`+small+`","rev":1}`)
		if n := len(call(t, h, me, "widget.list", `{}`)["data"].([]any)); n != 1 {
			t.Errorf("%d are there", n)
		}
	})
}
