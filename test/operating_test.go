// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/op"
	"assay/internal/report"
)

func ask[Out any](t *testing.T, s *spring, who op.Actor, name string, in map[string]any) Out {
	t.Helper()
	out, err := op.Do[Out](t.Context(), s.app.Gate, who, name, in, time.Time{})
	fine(t, err)
	return out
}

func (s *spring) status(t *testing.T, ref string, days int) *report.ControlStatus {
	t.Helper()
	return ask[*report.ControlStatus](t, s, s.full(s.org), "control.status", map[string]any{"ref": ref, "days": days})
}

// monthly is a company with a control that is performed once a month, and due three days after it.
func monthly(t *testing.T) *spring {
	s := young(t)
	s.own(t, "OWN-09", map[string]any{"criteria": []string{"CC1.5"}, "frequency": "monthly", "grace_days": 3, "evidence": asked("monthly", 400, true)})
	s.version(t, "OWN-09", map[string]any{"action": "activate"})
	return s
}

var april = map[string]any{"covers_from": "2026-04-01", "covers_to": "2026-04-30"}

// A day that failed for a document that was not there was not observed: the control, its criterion, its test and every list
// of them say the same.
func TestADayThatFailedForPapersAloneWasNotObserved(t *testing.T) {
	s := young(t)
	s.own(t, "OWN-10", map[string]any{"tests": required("idp.mfa_all"), "policies": []string{"POL-04"}})
	s.version(t, "OWN-10", map[string]any{"action": "activate"})
	s.run(t, true).at(9, 9) // the policy is not in force, and nothing ran for nine days
	s.is(t, "OWN-10", "FFFFFFFFFF", "a policy is missing")
	c := s.status(t, "OWN-10", 10)
	grid := ask[*report.Grid](t, s, s.full(s.org), "monitoring.controls", map[string]any{"criterion": "CC1.5", "days": 10})
	i := slices.IndexFunc(grid.Rows, func(r report.Row) bool { return r.Ref == "OWN-10" })
	criteria := ask[*report.Grid](t, s, s.full(s.org), "monitoring.grid", map[string]any{"days": 10, "query": "CC1.5"})
	test := ask[*report.TestDetail](t, s, s.full(s.org), "test.get", map[string]any{"id": "idp.mfa_all", "days": 10})
	for what, got := range map[string]int{"control": c.Row.Coverage, "operation": c.Operation.Days.Coverage, "row of the grid": grid.Rows[i].Coverage, "criterion": criteria.Rows[0].Coverage, "test": test.Coverage} {
		if got != 10 {
			t.Errorf("%s: observed on %d%% of the days, want 10%%", what, got)
		}
	}
	if l := c.Operating; l.Status == "passing" || !strings.Contains(l.Text, "days failed for missing documents") {
		t.Errorf("operating: %+v", l)
	}
}

// Each expected performance names what performed it, who submitted and accepted it, and how late it was.
func TestAPerformanceNamesItsPieceItsPeopleAndItsDelay(t *testing.T) {
	s := monthly(t)
	s.proof(t, "OWN-09", "report", nil)
	s.on(5, 5, 10)
	id := s.sent(t, "OWN-09", april)
	s.on(5, 7, 9)
	s.agree(t, "evidence.accept", map[string]any{"id": id})
	s.on(6, 5, 9)
	rows := s.status(t, "OWN-09", 90).Occurrences
	if len(rows) != 3 {
		t.Fatalf("%+v", rows)
	}
	if may := rows[1]; may.State != "missed" || may.Late != 2 || len(may.Pieces) != 0 {
		t.Errorf("May: %+v", may)
	}
	a := rows[2]
	if a.State != "late" || a.Late != 2 || len(a.Pieces) != 1 {
		t.Fatalf("April: %+v", a)
	}
	p := a.Pieces[0]
	if p.Evidence != id || p.Title != "A report" || p.SubmittedName == "" || p.AcceptedName == "" || p.SubmittedBy == p.AcceptedBy || !p.SubmittedAt.Equal(time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)) || p.AcceptedAt == nil || p.AcceptedAt.Day() != 7 {
		t.Errorf("the piece for April: %+v", p)
	}
}

// Who may not see a piece is told that and when one was submitted, and nothing of it.
func TestAPerformanceTellsNothingOfARestrictedPiece(t *testing.T) {
	s := monthly(t)
	s.proof(t, "OWN-09", "report", nil)
	s.on(5, 2, 10)
	s.sent(t, "OWN-09", map[string]any{"covers_from": "2026-04-01", "covers_to": "2026-04-30", "classification": "restricted", "title": "Salaries of all"})
	reader := s.actor(s.org, op.Reader, "")
	reader.Roles = []op.Role{op.Reader}
	c := ask[*report.ControlStatus](t, s, reader, "control.status", map[string]any{"ref": "OWN-09"})
	i := slices.IndexFunc(c.Occurrences, func(o report.OccurrenceRow) bool { return len(o.Pieces) > 0 })
	if i < 0 {
		t.Fatalf("%+v", c.Occurrences)
	}
	p := c.Occurrences[i].Pieces[0]
	p.SubmittedAt = time.Time{}
	if p != (report.PerformancePiece{Key: "report"}) {
		t.Errorf("a reader is told %+v", p)
	}
}

// part finds what a day says of a kind of thing.
func part(t *testing.T, d *report.DayReport, kind string) report.DayPart {
	t.Helper()
	i := slices.IndexFunc(d.Parts, func(p report.DayPart) bool { return p.Kind == kind })
	if i < 0 {
		t.Fatalf("%s %s says nothing of a %s: %+v", d.Subject, d.Day, kind, d.Parts)
	}
	return d.Parts[i]
}

// The page of a day shows the performance that made the letter.
func TestADayNamesThePerformanceThatMadeIt(t *testing.T) {
	s := monthly(t)
	s.proof(t, "OWN-09", "report", nil)
	s.on(5, 2, 9)
	id := s.sent(t, "OWN-09", april)
	s.on(6, 6, 9)
	d := s.day(t, "OWN-09", "2026-06-05")
	if d.Letter != "F" || d.Rule != "the worst required result counts" {
		t.Errorf("%+v", d)
	}
	if p := part(t, d, "performance"); p.Letter != "F" || !p.Required || p.Text != "Performance for 1 – 31 May 2026" || p.Reason != "overdue; it was due on 3 Jun 2026" {
		t.Errorf("overdue: %+v", p)
	}
	d = s.day(t, "OWN-09", "2026-05-05")
	if p := part(t, d, "performance"); d.Letter != "N" || p.Letter != "N" || p.Piece != id || p.Reason != "submitted in time, and not reviewed yet" {
		t.Errorf("awaiting: %s %+v", d.Letter, p)
	}
}

// Before its start nothing of a control has failed, and its days say so.
func TestBeforeItsStartNothingOfAControlFailed(t *testing.T) {
	s := monthly(t)
	s.on(3, 20, 9)
	d := s.day(t, "OWN-09", "2026-03-19")
	if p := part(t, d, "evidence"); d.Letter != "N" || p.Letter != "N" || p.Reason != "not started" || !strings.HasPrefix(d.Rule, "not started") {
		t.Errorf("%s %q: %+v", d.Letter, d.Rule, p)
	}
}

// alone retires every control but one, so that only that one is counted.
func (s *spring) alone(t *testing.T, ref string) {
	t.Helper()
	for _, c := range s.controls(t, "active") {
		if name := c["ref"].(string); name != ref {
			s.ids[name] = c["id"].(string)
			s.version(t, name, map[string]any{"action": "retire"})
		}
	}
}

func (s *spring) consistent(t *testing.T) report.Statement {
	t.Helper()
	o := ask[*report.Overview](t, s, s.full(s.org), "readiness.get", map[string]any{})
	return o.Statements[slices.IndexFunc(o.Statements, func(x report.Statement) bool { return x.Key == "run_consistently" })]
}

// Who missed a performance does not run his controls all the time, however the days look.
func TestAMissedPerformanceIsNoConsistentProgramme(t *testing.T) {
	s := monthly(t)
	s.alone(t, "OWN-09")
	s.proof(t, "OWN-09", "report", nil)
	s.on(5, 2, 9)
	s.proof(t, "OWN-09", "report", april)
	s.on(6, 1, 9)
	if x := s.consistent(t); x.Proof != report.Proven || !strings.Contains(x.Detail, "1 of 1 performances were on time") {
		t.Errorf("all in time: %+v", x)
	}
	s.on(6, 4, 9)
	if x := s.consistent(t); x.Proof == report.Proven || !strings.Contains(x.Detail, "1 of 2 performances were on time") {
		t.Errorf("May was missed: %+v", x)
	}
}

// A day with an exception is not a day that passed.
func TestADayWithAnExceptionIsNotCalledPassed(t *testing.T) {
	s := young(t)
	s.version(t, "OWN-01", map[string]any{"action": "activate"})
	s.alone(t, "OWN-01")
	s.at(1, 8)
	in := map[string]any{"title": "Jo has no phone", "test": "idp.mfa_all", "resource": "jo", "reason": "A new phone is on its way", "expires_at": s.clock.Now().AddDate(0, 0, 60).Format(time.RFC3339)}
	s.agree(t, "exception.approve", map[string]any{"id": s.do(t, "exception.create", in)["id"]})
	for d := 1; d < 6; d++ {
		s.at(d, 9).run(t, false)
	}
	s.is(t, "OWN-01", "NXXXXX", "all under an exception")
	if x := s.consistent(t); x.Proof == report.Proven || !strings.Contains(x.Detail, " 5 with an exception") || !strings.HasPrefix(x.Detail, "0 of ") {
		t.Errorf("%+v", x)
	}
	c := s.status(t, "OWN-01", 90)
	if l := c.Operating; l.Status == "passing" || !strings.Contains(l.Text, "5 of 5 days passed with an approved exception") {
		t.Errorf("%+v %+v", l, c.Operation)
	}
}
