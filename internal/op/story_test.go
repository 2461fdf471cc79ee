// SPDX-License-Identifier: Apache-2.0

package op_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// A widget is the throwaway kind: it shows what a kind costs, one struct and one line.
type widget struct {
	kind.Meta
	Title  string      `json:"title" doc:"What it is called." min:"3" list:""`
	Size   int         `json:"size" doc:"How large it is." min:"1" max:"5" index:""`
	Friend string      `json:"friend" doc:"The widget beside it." ref:"widget" index:""`
	State  state       `json:"state" doc:"Where it stands." read:"only" index:"" default:"draft"`
	Reason string      `json:"reason" doc:"Why."`
	Pass   kind.Secret `json:"pass" doc:"Its password." secret:""`
}

type state string

func (state) Values() []string { return []string{"draft", "approved"} }

var widgets = kind.Kind[widget]{Name: "widget", Plural: "widgets", Prefix: "wid", Doc: "A widget is for tests.", Object: "risks", Label: "title",
	Moves: []kind.Move{{Verb: "approve", Doc: "Approve a widget.", From: []string{"draft"}, To: "approved", Act: "approve", Takes: []string{"reason"}, Wants: []string{"reason"}, NotBy: []string{"created_by"}}}}

func addWidget(s *op.Set) { op.Kind(s, widgets) }

func call(t *testing.T, h *testkit.House, a op.Actor, name, in string) map[string]any {
	t.Helper()
	out, err := try(h, a, name, in)
	if err != nil {
		t.Fatalf("%s %s: %v", name, in, err)
	}
	return out
}

func try(h *testkit.House, a op.Actor, name, in string) (map[string]any, error) {
	ans, err := h.Gate.Call(context.Background(), a, op.Call{Op: name, In: json.RawMessage(in)})
	if err != nil {
		return nil, err
	}
	b, _ := json.Marshal(ans.Out)
	m := map[string]any{}
	json.Unmarshal(b, &m)
	return m, nil
}

func TestAThingLivesThroughItsOperations(t *testing.T) {
	testkit.Engines(t, addWidget, func(t *testing.T, h *testkit.House) {
		me := testkit.As(op.Manager)
		w := call(t, h, me, "widget.create", `{"title":"First","size":3,"pass":"hunter2-not-real"}`)
		id := w["id"].(string)
		if w["rev"] != 1.0 || w["state"] != "draft" || w["pass"] != nil {
			t.Fatalf("created: %v", w)
		}
		before := h.Clock.Now()
		h.Clock.Move(time.Minute)
		if _, err := try(h, me, "widget.update", `{"id":"`+id+`","size":4}`); !errors.Is(err, errs.Precond) {
			t.Errorf("without a rev: %v", err)
		}
		w = call(t, h, me, "widget.update", `{"id":"`+id+`","rev":1,"size":4}`)
		if w["size"] != 4.0 || w["title"] != "First" || w["rev"] != 2.0 {
			t.Fatalf("updated: %v", w)
		}
		if _, err := try(h, me, "widget.update", `{"id":"`+id+`","rev":1,"size":5}`); !errors.Is(err, errs.Conflict) {
			t.Errorf("stale rev: %v", err)
		}
		if _, err := try(h, me, "widget.approve", `{"id":"`+id+`","rev":2,"reason":"good"}`); !errors.Is(err, errs.Denied) {
			t.Errorf("its author approved it: %v", err)
		}
		w = call(t, h, testkit.As(op.Owner), "widget.approve", `{"id":"`+id+`","rev":2,"reason":"good"}`)
		if w["state"] != "approved" {
			t.Errorf("approved: %v", w)
		}
		ans, err := h.Gate.Call(t.Context(), me, op.Call{Op: "widget.get", In: json.RawMessage(`{"id":"` + id + `"}`), AsOf: before})
		if err != nil {
			t.Fatal(err)
		}
		var then widget
		json.Unmarshal(ans.Out.(json.RawMessage), &then)
		if then.Size != 3 {
			t.Errorf("as of then: %+v", then)
		}
		other := call(t, h, me, "widget.create", `{"title":"Second","size":4,"friend":"`+id+`"}`)
		l := call(t, h, me, "widget.list", `{"size":4,"sort":"-size"}`)
		if n := len(l["data"].([]any)); n != 2 {
			t.Errorf("%d of size 4", n)
		}
		if _, err := try(h, testkit.Elsewhere(op.Manager), "widget.get", `{"id":"`+id+`"}`); !errors.Is(err, errs.NotFound) {
			t.Errorf("foreign: %v", err)
		}
		if _, err := try(h, testkit.Elsewhere(op.Manager), "widget.create", `{"title":"Third","size":4,"friend":"`+id+`"}`); !errors.Is(err, errs.NotFound) {
			t.Errorf("foreign reference: %v", err)
		}
		call(t, h, me, "widget.end", `{"id":"`+other["id"].(string)+`","rev":1}`)
		if _, err := try(h, me, "widget.get", `{"id":"`+other["id"].(string)+`"}`); !errors.Is(err, errs.NotFound) {
			t.Errorf("ended: %v", err)
		}
		if _, err := h.Store.Sign(t.Context(), testkit.Org, true); err != nil {
			t.Fatal(err)
		}
		a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{})
		if err != nil || len(a.Problems) > 0 || a.Size != 5 {
			t.Fatalf("verify: %v %+v", err, a)
		}
	})
}

func TestNothingThatWasSentIsPassedOver(t *testing.T) {
	h := testkit.SQLite(t, addWidget)
	for in, field := range map[string]string{
		`{"title":"First","size":3,"colour":"red"}`:     "colour",
		`{"title":"First","size":9}`:                    "size",
		`{"title":"First","size":"3"}`:                  "size",
		`{"title":"First"}`:                             "size",
		`{"size":3}`:                                    "title",
		`{"title":"First","size":3,"id":"wid_x"}`:       "id",
		`{"title":"First","size":3,"state":"approved"}`: "state",
		`{"title":"First","size":3,"friend":"wid_no"}`:  "friend",
		`{"title":"A\u0000B","size":3}`:                 "title",
		`[]`:                                            "",
		`{"title":"First","size":3}{}`:                  "",
	} {
		_, err := try(h, testkit.As(op.Manager), "widget.create", in)
		if e := errs.Public(err); err == nil || e.Field != field || e.Code == errs.Internal {
			t.Errorf("%s: %v (field %q)", in, err, e.Field)
		}
	}
}

// A question may name what has been; a change may not point at it.
func TestAReferenceInAQuestionMayHaveEnded(t *testing.T) {
	testkit.Engines(t, addWidget, func(t *testing.T, h *testkit.House) {
		a := op.Actor{Org: testkit.Org, ID: "usr_1", Roles: []op.Role{op.Self}, Via: "rest"}
		friend := call(t, h, a, "widget.create", `{"title":"friend","size":1}`)["id"].(string)
		call(t, h, a, "widget.create", `{"title":"other","size":1,"friend":"`+friend+`"}`)
		if _, err := try(h, a, "widget.end", `{"id":"`+friend+`","rev":1}`); !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "widget other (friend)") {
			t.Errorf("something was deleted that another refers to: %v", err)
		}
		if _, err := h.Store.Change(t.Context(), testkit.Org, store.System("test"), func(tx *store.Tx) error { return store.End(t.Context(), tx, widgets, friend, 0) }); err != nil {
			t.Fatal(err) // as an earlier version of the program did
		}
		if l := call(t, h, a, "widget.list", `{"friend":"`+friend+`"}`); len(l["data"].([]any)) != 1 {
			t.Errorf("what points at something that ended is not found: %v", l)
		}
		if _, err := try(h, a, "widget.create", `{"title":"late","size":1,"friend":"`+friend+`"}`); !errors.Is(err, errs.NotFound) {
			t.Errorf("something new points at what has ended: %v", err)
		}
		if _, err := try(h, a, "widget.list", `{"friend":"wid_none"}`); !errors.Is(err, errs.NotFound) || errs.Public(err).Field != "friend" {
			t.Errorf("a list of what points at nothing: %v", err)
		}
	})
}
