// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"testing"
	"time"

	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// throwaway is a small world with one of each sort of field, state and operation.
var throwaway = world{add: addThrowaway, prepare: prepareThrowaway}

type gadget struct {
	kind.Meta
	Title    string      `json:"title" doc:"What it is called." min:"3" max:"40" list:""`
	Size     int64       `json:"size" doc:"How large it is." min:"2" max:"5" index:"" list:""`
	Colour   hue         `json:"colour" doc:"Its colour." index:""`
	Shade    hue         `json:"shade" doc:"Its second colour." default:"blue"`
	Ready    bool        `json:"ready" doc:"Whether it is ready." index:""`
	Owner    string      `json:"owner" doc:"Whose it is." ref:"holder" index:"" list:""`
	Main     string      `json:"main" doc:"What it belongs to." ref:"holder" min:"1"`
	Others   []string    `json:"others" doc:"What it also belongs to." ref:"holder"`
	About    string      `json:"about" doc:"What it is about." ref:"*"`
	DueOn    kind.Date   `json:"due_on" doc:"By when." index:""`
	Seen     time.Time   `json:"seen,omitzero" doc:"When it was seen."`
	File     kind.SHA256 `json:"file" doc:"Digest of its file."`
	Parts    []piece     `json:"parts" doc:"Its parts." max:"5"`
	Core     piece       `json:"core" doc:"Its core."`
	Default  string      `json:"default" doc:"A field with the name of a word of JSON Schema."`
	Kind     string      `json:"kind" doc:"A field with the name of an argument." index:""`
	Password kind.Secret `json:"password" doc:"What opens it." secret:""`
	Body     string      `json:"body" doc:"All about it." long:""`
	Reason   string      `json:"reason" doc:"Why."`
	State    gadgetState `json:"state" doc:"Where it stands." read:"only" index:"" default:"draft"`
	By       string      `json:"by" doc:"Who approved it." read:"only"`
	When     time.Time   `json:"when,omitzero" doc:"When it was approved." read:"only"`
}

type piece struct {
	Name  string `json:"name" doc:"Its name." max:"20"`
	Count int64  `json:"count" doc:"How many."`
}

type hue string

func (hue) Values() []string { return []string{"red", "blue"} }

type gadgetState string

func (gadgetState) Values() []string { return []string{"draft", "sent", "approved", "gone"} }

var gadgets = kind.Kind[gadget]{Name: "gadget", Plural: "gadgets", Prefix: "gad", Doc: "A gadget is for tests.", Object: "exceptions", Label: "title", Create: "propose",
	Moves: []kind.Move{
		{Verb: "send", Doc: "Send a gadget.", From: []string{"draft"}, To: "sent", Act: "edit"},
		{Verb: "approve", Doc: "Approve a gadget.", From: []string{"sent"}, To: "approved", Act: "approve", By: "by", At: "when", NotBy: []string{"created_by"}},
		{Verb: "drop", Doc: "Drop a gadget.", From: []string{"approved"}, To: "gone", Act: "edit", Takes: []string{"reason", "main"}, Wants: []string{"reason"}},
	}}

type holder struct {
	kind.Meta
	Name string `json:"name" doc:"What it is called." min:"1" list:""`
}

var holders = kind.Kind[holder]{Name: "holder", Plural: "holders", Prefix: "hol", Doc: "A holder holds gadgets.", Object: "people", Label: "name"}

type gauge struct {
	kind.Meta
	Name string `json:"name" doc:"What it is called." min:"1" list:"" index:""`
}

// gauges are made by the program itself.
var gauges = kind.Kind[gauge]{Name: "gauge", Plural: "gauges", Prefix: "gau", Doc: "A gauge is made by the program.", Object: "tests", Label: "name", System: true}

type reading struct {
	store.Place
	Gauge string    `json:"gauge" doc:"Which gauge."`
	Value int64     `json:"value" doc:"What it showed."`
	At    time.Time `json:"at" doc:"When."`
}

var readings = store.Facts[reading]("reading", "What gauges showed.", nil, []string{"gauge"})

type readIn struct {
	Gauge string `json:"gauge" doc:"Which gauge." ref:"gauge" min:"1"`
	Value int64  `json:"value" doc:"What it shows." min:"0"`
}

// aim points in every way that an input can.
type aim struct {
	Gauge string   `json:"gauge" doc:"Which gauge." ref:"gauge"`
	About string   `json:"about" doc:"What it is about." ref:"*"`
	Many  []string `json:"many" doc:"Whose it is." ref:"holder"`
	At    spot     `json:"at" doc:"Where."`
	Marks []spot   `json:"marks" doc:"Where else."`
}

type spot struct {
	Holder string `json:"holder" doc:"Who stands there." ref:"holder"`
}

type total struct {
	Sum int64 `json:"sum" doc:"The sum."`
}

func addThrowaway(s *op.Set) {
	op.Kind(s, holders)
	op.Kind(s, gadgets)
	op.Kind(s, gauges)
	s.Table(readings)
	op.Change(s, op.Spec{Name: "gauge.read", Doc: "Write down what a gauge shows.", Object: "checks", Act: "run"}, record)
	op.Query(s, op.Spec{Name: "gauge.readings", Doc: "List what gauges showed.", Object: "checks", Act: "view"},
		func(ctx context.Context, v *store.View, _ struct{}) ([]reading, error) {
			return readings.Select(ctx, v, "1=1", "")
		})
	op.Query(s, op.Spec{Name: "gauge.secrets", Doc: "Read what is confidential.", Object: "log", Act: "view", Sensitive: true},
		func(context.Context, *store.View, struct{}) (total, error) { return total{}, nil })
	op.Change(s, op.Spec{Name: "reading.mine", Doc: "Write down one's own.", Object: "help", Act: "view", Public: true}, func(ctx context.Context, tx *store.Tx, _ struct{}) (total, error) {
		_, err := readings.Append(ctx, tx, "own", []reading{{Gauge: "own", Value: 1, At: tx.Now}}, nil)
		return total{Sum: 1}, err
	})
	op.Query(s, op.Spec{Name: "gauge.look", Doc: "Ask about what is named, without looking at it.", Object: "checks", Act: "view"},
		func(context.Context, *store.View, aim) (total, error) { return total{}, nil })
	op.Change(s, op.Spec{Name: "gauge.aim", Doc: "Write down without looking at what is named.", Object: "checks", Act: "run"}, func(ctx context.Context, tx *store.Tx, in aim) (total, error) {
		_, err := readings.Append(ctx, tx, "aim", []reading{{Gauge: "aim", At: tx.Now}}, nil)
		return total{}, err
	})
	op.Job(s, op.Spec{Name: "gauge.ask", Doc: "Ask the outside world.", Object: "sources", Act: "run"}, true,
		func(context.Context, op.Desk, aim) (total, error) { return total{Sum: 1}, nil })
	op.Job(s, op.Spec{Name: "gauge.pull", Doc: "Bring something from the outside world.", Object: "sources", Act: "run"}, false, func(ctx context.Context, d op.Desk, _ struct{}) (total, error) {
		_, err := d.Change(ctx, func(tx *store.Tx) error {
			_, err := readings.Append(ctx, tx, "pull", []reading{{Gauge: "pulled", Value: 1, At: tx.Now}}, nil)
			return err
		})
		return total{Sum: 1}, err
	})
}

func record(ctx context.Context, tx *store.Tx, in readIn) (total, error) {
	if _, err := store.Get(ctx, &tx.View, gauges, in.Gauge); err != nil {
		return total{}, err
	}
	_, err := readings.Append(ctx, tx, in.Gauge, []reading{{Gauge: in.Gauge, Value: in.Value, At: tx.Now}}, nil)
	return total{Sum: in.Value}, err
}

func prepareThrowaway(t *testing.T, h *testkit.House, org string) map[string]string {
	t.Helper()
	g := &gauge{Name: "First"}
	if _, err := h.Store.Change(t.Context(), org, store.System("test"), func(tx *store.Tx) error { return store.Put(t.Context(), tx, gauges, g) }); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"gauge": g.ID}
}
