// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"time"

	"assay/internal/kind"
)

// A Task is something that somebody has to do by a day.
type Task struct {
	kind.Meta
	Title    string    `json:"title" doc:"What has to be done." min:"3" max:"200" list:""`
	Kind     TaskKind  `json:"kind" doc:"What sort of work it is." index:"" default:"other"`
	Subject  string    `json:"subject" doc:"What it is about: the id of any thing." ref:"*" index:""`
	Assignee string    `json:"assignee" doc:"Who does it." ref:"person" index:"" list:""`
	DueOn    kind.Date `json:"due_on" doc:"By when." index:"" list:""`
	Priority Severity  `json:"priority" doc:"How urgent it is." index:"" list:"" default:"medium"`
	Notes    string    `json:"notes" doc:"What helps to do it." max:"5000" long:""`
	Outcome  string    `json:"outcome" doc:"What came of it, or why it was cancelled." max:"2000"`
	DoneBy   string    `json:"done_by" doc:"Who closed it." read:"only"`
	DoneAt   time.Time `json:"done_at,omitzero" doc:"When it was closed." read:"only"`
	State    TaskState `json:"state" doc:"Where it stands." read:"only" index:"" list:"" default:"open"`
}

// TaskKind is what sort of work a task is.
type TaskKind string

// Values lists the kinds.
func (TaskKind) Values() []string {
	return []string{"gap", "evidence", "occurrence", "review", "remediation", "training", "vendor", "request", "other"}
}

// TaskState is where a task stands.
type TaskState string

// Values lists the states.
func (TaskState) Values() []string {
	return []string{"open", "in_progress", "blocked", "done", "cancelled"}
}

// Tasks are the tasks. Closing one never closes the gap that it is about: gaps are computed from proof.
var Tasks = kind.Kind[Task]{
	Name: "task", Plural: "tasks", Prefix: "tsk", Object: "work", Label: "title",
	Doc: "A task is something that somebody has to do by a day.",
	Moves: []kind.Move{
		{Verb: "begin", Doc: "Begin a task.", From: []string{"open", "blocked"}, To: "in_progress", Act: "edit"},
		{Verb: "block", Doc: "Say that a task cannot go on, and why.", From: []string{"open", "in_progress"}, To: "blocked", Act: "edit", Takes: []string{"notes"}, Wants: []string{"notes"}},
		{Verb: "finish", Doc: "Close a task as done.", From: []string{"open", "in_progress", "blocked"}, To: "done", Act: "edit", Takes: []string{"outcome"}, By: "done_by", At: "done_at"},
		{Verb: "cancel", Doc: "Close a task without doing it, and say why.", From: []string{"open", "in_progress", "blocked"}, To: "cancelled", Act: "edit", Takes: []string{"outcome"}, Wants: []string{"outcome"}, By: "done_by", At: "done_at"},
		{Verb: "reopen", Doc: "Open a closed task again.", From: []string{"done", "cancelled"}, To: "open", Act: "edit"},
	},
}
