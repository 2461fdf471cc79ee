// SPDX-License-Identifier: Apache-2.0

package kind_test

import (
	"testing"

	"assay/internal/kind"
)

type paper struct {
	kind.Meta
	Title       string     `json:"title" doc:"What it is called." min:"1" list:""`
	ApprovedHow kind.How   `json:"approved_how" doc:"How." read:"only" index:""`
	State       paperState `json:"state" doc:"Where it stands." read:"only" index:"" default:"draft"`
}

type paperState string

func (paperState) Values() []string { return []string{"draft", "sent", "agreed", "out", "gone"} }

// What was approved stands in the state that an approval leads to, and in those that a decision leads to from there.
func TestWhatWasApprovedStandsInTheStatesThatFollow(t *testing.T) {
	k := kind.Kind[paper]{Name: "paper", Plural: "papers", Prefix: "pap", Object: "policies", Label: "title", Doc: "A paper.", Moves: []kind.Move{
		{Verb: "send", Doc: "Send.", From: []string{"draft"}, To: "sent", Act: "edit"},
		{Verb: "reject", Doc: "Reject.", From: []string{"sent"}, To: "draft", Act: "approve"},
		{Verb: "agree", Doc: "Agree.", From: []string{"sent"}, To: "agreed", Act: "approve", TwoPeople: true},
		{Verb: "revise", Doc: "Revise.", From: []string{"agreed"}, To: "draft", Act: "edit"},
		{Verb: "issue", Doc: "Issue.", From: []string{"agreed"}, To: "out", Act: "publish"},
		{Verb: "drop", Doc: "Drop.", From: []string{"out"}, To: "gone", Act: "approve"},
	}}
	if err := k.Sound(); err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]bool{"draft": false, "sent": false, "agreed": true, "out": true, "gone": true} {
		if got := k.Shape().Settled(state); got != want {
			t.Errorf("%s: settled is %t", state, got)
		}
	}
	type bare struct {
		kind.Meta
		Title string     `json:"title" doc:"What it is called." min:"1" list:""`
		State paperState `json:"state" doc:"Where it stands." read:"only" index:"" default:"draft"`
	}
	b := kind.Kind[bare]{Name: "bare", Plural: "bares", Prefix: "bar", Object: "policies", Label: "title", Doc: "A bare paper.", Moves: k.Moves}
	if b.Sound() == nil {
		t.Error("a kind with an approval and no field for its stamp is sound")
	}
}
