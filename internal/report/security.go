// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math/big"
	"slices"
	"strings"
	"time"
)

// SystemTest is what the system security figure must know of one test.
type SystemTest struct {
	Test        string
	Kind        string // the resource kind that it looks at
	Severity    string // critical, high, medium or low
	Security    bool   // linked to a control in scope that serves a CC criterion
	CompletedAt time.Time
	Evaluated   int // resources in the newest complete run
	Passed      int // of them, without the excepted ones
}

// SystemSecurity is the share of systems that are as they should be (F-05). It measures systems,
// not paperwork, so it can be high while readiness is low.
type SystemSecurity struct {
	Known    bool     `json:"known"` // there was something to measure
	Percent  int      `json:"percent"`
	Exact    *big.Rat `json:"exact"`
	Current  bool     `json:"current"`   // no test that belongs here is older than a day
	Tests    int      `json:"tests"`     // tests that the figure rests on
	Stale    []string `json:"stale"`     // tests left out because their newest run is older than a day
	NeverRun []string `json:"never_run"` // tests that never completed: the figure says nothing of them
}

// SystemSecurityOf computes F-05 at a moment.
func SystemSecurityOf(tests []SystemTest, now time.Time) SystemSecurity {
	s := SystemSecurity{Exact: new(big.Rat), Stale: []string{}, NeverRun: []string{}}
	var weights int64
	for _, t := range tests {
		w := severityWeight(t.Severity)
		if !t.Security || w == 0 || !onSystems(t.Kind) {
			continue
		}
		switch {
		case t.CompletedAt.IsZero():
			s.NeverRun = append(s.NeverRun, t.Test)
		case now.Sub(t.CompletedAt) > 24*time.Hour:
			s.Stale = append(s.Stale, t.Test)
		case t.Evaluated > 0:
			part := share(int64(min(max(t.Passed, 0), t.Evaluated)), int64(t.Evaluated))
			s.Exact.Add(s.Exact, part.Mul(part, big.NewRat(w, 1)))
			weights += w
			s.Tests++
		}
	}
	if s.Known = weights > 0; s.Known {
		s.Exact.Mul(s.Exact, big.NewRat(1, weights))
	}
	s.Percent = percent(s.Exact)
	s.Current = s.Known && len(s.Stale) == 0
	slices.Sort(s.Stale)
	slices.Sort(s.NeverRun)
	return s
}

// onSystems reports whether a kind is collected from systems, rather than from people and papers.
func onSystems(kind string) bool {
	return !strings.HasPrefix(kind, "internal.") && kind != "person" && kind != "training.record" && kind != "ticket"
}

func severityWeight(severity string) int64 {
	switch severity {
	case "critical":
		return 4
	case "high":
		return 3
	case "medium":
		return 2
	case "low":
		return 1
	}
	return 0
}
