// SPDX-License-Identifier: Apache-2.0

package check

import (
	"time"

	"assay/internal/op"
	"assay/internal/store"
)

// Check is the fact that tests were run: once, at a time. Which tests is said by Scope, a digest of
// their names and versions; the list itself is kept once, as a Plan.
type Check struct {
	store.Place
	ID       string    `json:"id" doc:"Identifier."`
	At       time.Time `json:"at" doc:"When the tests were evaluated."`
	DataAt   time.Time `json:"data_at" doc:"When the newest data that they looked at was collected."`
	Trigger  string    `json:"trigger" doc:"schedule, manual or event."`
	Scope    string    `json:"scope" doc:"Digest of the list of tests."`
	Position int64     `json:"position" doc:"Number of ledger entries that the tests saw."`
	Passed   int64     `json:"passed" doc:"Tests that passed."`
	Failed   int64     `json:"failed" doc:"Tests that failed."`
	Other    int64     `json:"other" doc:"Tests that are unknown, in error, excepted or not applicable."`
	Changed  int64     `json:"changed" doc:"Tests whose outcome changed."`
}

// Plan is a list of tests that were run together.
type Plan struct {
	store.Place
	Scope string   `json:"scope" doc:"Digest of the list."`
	Tests []string `json:"tests" doc:"Names of the tests, each with its version."`
}

// State is what a test came to from one check on, until the next State of the same test. Only changes are kept.
type State struct {
	store.Place
	Test      string    `json:"test" doc:"Name of the test."`
	Version   string    `json:"version" doc:"Version of its definition."`
	Verdict   Word      `json:"state" doc:"What it came to."`
	Reason    string    `json:"reason" doc:"Why, in words."`
	Evaluated int64     `json:"evaluated" doc:"Resources that it was about."`
	Passed    int64     `json:"passed" doc:"Of these, passed."`
	Failed    int64     `json:"failed" doc:"Of these, failed."`
	Excepted  int64     `json:"excepted" doc:"Of these, failed under a live exception."`
	Unknown   int64     `json:"unknown" doc:"Of these, not known."`
	Errors    int64     `json:"errors" doc:"Of these, not evaluated because of a fault."`
	Check     string    `json:"check_id" doc:"The check that saw it first."`
	At        time.Time `json:"at" doc:"When that was."`
}

// Found is the verdict of a test on one resource from one check on. Only changes are kept.
type Found struct {
	store.Place
	Test      string         `json:"test" doc:"Name of the test."`
	Resource  string         `json:"resource" doc:"The resource, or the group of resources."`
	Verdict   Word           `json:"verdict" doc:"What the test says of it; gone when the test no longer looks at it."`
	Message   string         `json:"message" doc:"Why, in words."`
	Observed  map[string]any `json:"observed" doc:"The values that decided."`
	Exception string         `json:"exception" doc:"The exception that covers it."`
	Check     string         `json:"check_id" doc:"The check that saw it first."`
	At        time.Time      `json:"at" doc:"When that was."`
}

// Window is what a test over events came to for the letter of a day, from one check on. Only changes are kept. While there
// is one, the days of the test take it, and no State; a row that says gone ends that.
type Window struct {
	store.Place
	Test    string          `json:"test" doc:"Name of the test."`
	Verdict Word            `json:"on_day" doc:"What the events came to that were due on the day or overdue on it; gone when the test no longer judges events."`
	Reason  string          `json:"reason" doc:"Why, in words."`
	Judged  int64           `json:"judged" doc:"Events that were due on the day or overdue on it."`
	Open    int64           `json:"open" doc:"Lapses that nobody has made good."`
	Late    int64           `json:"late" doc:"Lapses of the window that are over."`
	Days    int64           `json:"window_days" doc:"How many days the window has."`
	Rows    map[string]Word `json:"rows" doc:"Where the rows belong to policies: what each of them came to for the day."`
	Check   string          `json:"check_id" doc:"The check that saw it first."`
	At      time.Time       `json:"at" doc:"When that was."`
}

// Late is what a test came to over data that the server began to collect on a day that was over when the collection ended.
// It belongs to that day, was judged by the definitions of that day, and is kept apart from what the test comes to now.
type Late struct {
	store.Place
	ID        string    `json:"id" doc:"Identifier of the run."`
	Test      string    `json:"test" doc:"Name of the test."`
	Version   string    `json:"version" doc:"Version of its definition."`
	Verdict   Word      `json:"state" doc:"What it came to."`
	Reason    string    `json:"reason" doc:"Why, in words."`
	Evaluated int64     `json:"evaluated" doc:"Resources that it was about."`
	Failed    int64     `json:"failed" doc:"Of these, failed."`
	Excepted  int64     `json:"excepted" doc:"Of these, failed under a live exception."`
	Collected time.Time `json:"collected_at" doc:"When the server began to collect the data."`
	At        time.Time `json:"at" doc:"When the test was run on it."`
}

// Word is a verdict as it is kept and shown: one of a closed list.
type Word string

// Gone is the word for a resource that a test no longer looks at.
const Gone Word = "gone"

// Values lists the words.
func (Word) Values() []string {
	return []string{"unknown", "pass", "fail", "excepted", "error", "not_applicable", "gone"}
}

// WordOf is the word of a verdict.
func WordOf(v Verdict) Word { return Word(v.String()) }

// RunState is the word as the letters of a day take it. What is no verdict is unknown.
func (w Word) RunState() RunState {
	v, err := ParseVerdict(string(w))
	if err != nil {
		return RunUnknown
	}
	return v.RunState()
}

// The tables of what tests came to.
var (
	Checks  = store.Facts[Check]("check_run", "Runs of the tests.", nil, []string{"at"}, []string{"id"})
	Plans   = store.Facts[Plan]("check_plan", "Lists of tests that were run together.", []string{"scope"})
	Lates   = store.Facts[Late]("late_state", "Outcomes of tests over data that was collected on a day that was over.", nil, []string{"test"})
	Windows = store.Facts[Window]("test_window", "What tests over events came to for the letters of days; only changes are kept.", []string{"test"})
	States  = store.Facts[State]("test_state", "Outcomes of tests; only changes are kept.", []string{"test"})
	Finds   = store.Facts[Found]("result", "Verdicts on resources; only changes are kept.", []string{"test", "resource"}, []string{"resource"}).
		Spreads("", func(f *Found, g store.Group) {
			*f = Found{Test: f.Test, Resource: f.Resource, Verdict: Gone, Check: g.ID, At: f.At}
		})
)

// Add adds the kinds of a company's own tests and of pauses, and the tables of what tests came to.
func Add(s *op.Set) {
	op.Kind(s, Definitions, definitionRules...)
	op.Kind(s, RuleFiles, fileRules...)
	op.Kind(s, TestPauses, pauseRules...)
	op.Query(s, op.Spec{Name: "test.versions", Doc: "Show every definition that a test had, newest first: from when to when, who changed it and why.", Object: "tests", Act: "view",
		Example: "test versions --id idp.mfa_all"}, versions)
	s.Table(Editions)
	s.Table(Checks)
	s.Table(Plans)
	s.Table(States)
	s.Table(Windows)
	s.Table(Lates)
	s.Table(Finds)
}
