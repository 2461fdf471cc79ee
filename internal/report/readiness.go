// SPDX-License-Identifier: Apache-2.0

// Package report computes what pages and documents say of an organisation: readiness, health,
// areas, reasons, statements. It holds pure functions of plain input: the same input gives the
// same number on every machine, in integers and rationals, rounded down when shown.
//
// It does not read stores, clocks or settings, and it never gives an auditor's conclusion: a
// readiness of 100 is our number, not an opinion.
package report

import "math/big"

// ScoredControl is what a score must know of one control in scope.
type ScoredControl struct {
	Ref      string
	Weight   int
	Criteria []string
	Health   Health
	HasOwner bool
}

// Readiness is how much of the scope is ready to be shown to an auditor (F-01).
type Readiness struct {
	Percent  int              `json:"percent"` // rounded down
	Exact    *big.Rat         `json:"exact"`   // the share itself, from 0 to 1
	Criteria []CriterionScore `json:"criteria"`
	Below    int              `json:"below"`   // criteria that are not fully ready
	Zero     []string         `json:"zero"`    // blockers: criteria with nothing at all
	Failing  []string         `json:"failing"` // blockers: controls that fail
}

// CriterionScore is one line of readiness.
type CriterionScore struct {
	Ref      string   `json:"ref"`
	Percent  int      `json:"percent"`
	Exact    *big.Rat `json:"exact"`
	Controls int      `json:"controls"` // applicable ones
}

// ReadinessOf computes F-01 over the criteria in scope. The order of controls does not matter;
// criteria keep theirs. A criterion without an applicable control scores nothing. 100 comes out
// only where every criterion is whole, because the share is exact and rounded down.
func ReadinessOf(criteria []string, controls []ScoredControl) Readiness {
	type sum struct{ got, of, n, quiet int64 }
	sums := make(map[string]sum, len(criteria))
	r := Readiness{Exact: new(big.Rat), Criteria: make([]CriterionScore, 0, len(criteria)), Zero: []string{}, Failing: []string{}}
	for _, c := range controls {
		if c.Health == Failing {
			r.Failing = append(r.Failing, c.Ref)
		}
		if c.Health == NotApplicable || c.Weight <= 0 {
			continue
		}
		for _, k := range c.Criteria {
			s := sums[k]
			if c.Health == NoOccurrence { // its weight is left out; where all are quiet, that is all there is to show
				sums[k] = sum{s.got, s.of, s.n + 1, s.quiet + 1}
				continue
			}
			sums[k] = sum{s.got + int64(c.Weight)*c.Health.halves(), s.of + 2*int64(c.Weight), s.n + 1, s.quiet}
		}
	}
	for _, k := range criteria {
		s := sums[k]
		if s.of == 0 && s.quiet > 0 {
			s.got, s.of = 1, 1
		}
		score := share(s.got, s.of)
		r.Exact.Add(r.Exact, score)
		r.Criteria = append(r.Criteria, CriterionScore{Ref: k, Percent: percent(score), Exact: score, Controls: int(s.n)})
		if s.got == 0 {
			r.Zero = append(r.Zero, k)
		}
		if s.got < s.of || s.of == 0 {
			r.Below++
		}
	}
	if len(criteria) > 0 {
		r.Exact.Mul(r.Exact, big.NewRat(1, int64(len(criteria))))
	}
	r.Percent = percent(r.Exact)
	return r
}

// share is got out of of, and nothing out of nothing is nothing.
func share(got, of int64) *big.Rat {
	if of == 0 {
		return new(big.Rat)
	}
	return big.NewRat(got, of)
}

// percent rounds a share down to whole percent.
func percent(r *big.Rat) int {
	n := new(big.Int).Mul(r.Num(), big.NewInt(100))
	return int(n.Div(n, r.Denom()).Int64())
}
