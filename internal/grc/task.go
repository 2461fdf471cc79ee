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
	Kind     TaskKind  `json:"kind" doc:"Type of work." index:"" default:"other"`
	Subject  string    `json:"subject" doc:"What it is about: the id of a control, a policy or anything else." ref:"*" index:""`
	Assignee string    `json:"assignee" doc:"The person assigned to it." ref:"person" index:"" list:""`
	DueOn    kind.Date `json:"due_on" doc:"Due date." index:"" list:""`
	Priority Severity  `json:"priority" doc:"How urgent it is." index:"" list:"" default:"medium"`
	Notes    string    `json:"notes" doc:"Anything that helps to complete it." max:"5000" long:""`
	Outcome  string    `json:"outcome" doc:"The result, or why it was cancelled." max:"2000"`
	DoneBy   string    `json:"done_by" doc:"Who closed it." read:"only"`
	DoneAt   time.Time `json:"done_at,omitzero" doc:"When it was closed." read:"only"`
	State    TaskState `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"open"`
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
	Doc: "A task has an owner and a due date.",
	Moves: []kind.Move{
		{Verb: "begin", Doc: "Start a task.", From: []string{"open", "blocked"}, To: "in_progress", Act: "edit"},
		{Verb: "block", Doc: "Mark a task as blocked, and say why.", From: []string{"open", "in_progress"}, To: "blocked", Act: "edit", Takes: []string{"notes"}, Wants: []string{"notes"}},
		{Verb: "finish", Doc: "Complete a task.", From: []string{"open", "in_progress", "blocked"}, To: "done", Act: "edit", Takes: []string{"outcome"}, By: "done_by", At: "done_at"},
		{Verb: "cancel", Doc: "Cancel a task, and say why.", From: []string{"open", "in_progress", "blocked"}, To: "cancelled", Act: "edit", Takes: []string{"outcome"}, Wants: []string{"outcome"}, By: "done_by", At: "done_at"},
		{Verb: "reopen", Doc: "Reopen a closed task.", From: []string{"done", "cancelled"}, To: "open", Act: "edit"},
	},
}
