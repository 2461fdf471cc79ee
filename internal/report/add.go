// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"

	"assay/internal/op"
	"assay/internal/store"
)

// Add adds the operations that read the whole programme.
func Add(s *op.Set, b *Boards) {
	s.Table(Scores)
	query(s, "readiness.get", "controls", "Show how ready you are, and what is missing.", "readiness get", b.readiness)
	query(s, "criterion.list", "controls", "List the criteria with their controls and how far each one is proved.", "criterion list", b.criterionList)
	query(s, "monitoring.grid", "controls", "Show the days of every criterion.", "monitoring grid --days 30", b.grid)
	query(s, "monitoring.controls", "controls", "Show the days of the controls of one criterion.", "monitoring controls --criterion CC6.1", b.gridControls)
	query(s, "monitoring.day", "controls", "Show one day of a criterion, a control or a test, and what decided its letter.", "monitoring day --subject CC6.1 --day 2026-11-22", b.day)
	query(s, "control.status", "controls", "Show the status of one control, and why.", "control status --ref IAM-02", b.controlStatus)
	query(s, "test.list", "tests", "List the tests with their latest results.", "test list --state fail", b.testList)
	query(s, "test.get", "tests", "Show one test: its definition, its result and its days.", "test get --id idp.mfa_all", b.testGet)
	query(s, "test.results", "tests", "List the result of a test for each resource.", "test results --id idp.mfa_all --verdict fail", b.testResults)
	query(s, "resource.status", "resources", "Show the test results of one resource.", "resource status --id res_…", resourceStatus)
	query(s, "changes.list", "controls", "List what you changed that affects your results, newest first: tests, exceptions, decisions, controls, pauses and more.", "changes list --state in_force", b.changes)
	query(s, "check.list", "tests", "List runs of the tests, newest first.", "check list", checkList)
	addProof(s)
	addLedger(s, b)
	query(s, "search.find", "help", "Search everything for a text.", "search find --q mfa", b.search)
}

func query[In, Out any](s *op.Set, name, object, doc, example string, fn func(context.Context, *store.View, In) (Out, error)) {
	op.Query(s, op.Spec{Name: name, Doc: doc, Object: object, Act: "view", Example: example}, fn)
}

type empty struct{}
