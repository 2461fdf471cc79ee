// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"assay/internal/check"
)

// CauseClass groups causes, for the reason that stands beside a day (F-07).
type CauseClass string

// The classes. The first four make a control fail, in the order in which a control with several
// is counted; their words are the words of the reason.
const (
	FailingTest          CauseClass = "failing a test"
	MissingDocumentation CauseClass = "missing documentation"
	OverdueReview        CauseClass = "overdue review"
	UnresolvedFinding    CauseClass = "unresolved finding"

	NoProof    CauseClass = "no proof"    // nothing fresh to judge by
	Concern    CauseClass = "concern"     // it holds, and wants a look
	ByDecision CauseClass = "by decision" // a person decided so

	NotYetStarted CauseClass = "not started"     // nothing has proved it yet
	AwaitsReview  CauseClass = "awaiting review" // performed in time, and not reviewed yet
	Quiet         CauseClass = "no occurrence"   // nothing happened that it could act on
	Unconfirmed   CauseClass = "text not confirmed"
	Silent        CauseClass = "no event on record, and none declared"
	PartlyUnknown CauseClass = "no data for another test"
)

var failureOrder = []CauseClass{FailingTest, MissingDocumentation, OverdueReview, UnresolvedFinding}

// DayFacts is what the letter of a control's day depends on (F-00).
type DayFacts struct {
	Outside  bool            // the day lies outside the control's effective dates
	Designed bool            // its text was approved or confirmed
	Tests    []check.Letter  // of the required tests; supporting tests never count
	Evidence []EvidenceState // of the required kinds, each at its worst during the day
	Policies []PolicyState   // of the required policies, each at its worst during the day
	Overdue  int             // occurrences that were overdue that day
	Awaiting int             // occurrences that were submitted in time and waited for a review
}

// same says whether two days were alike in everything that decides.
func (f DayFacts) same(g DayFacts) bool {
	return f.Outside == g.Outside && f.Designed == g.Designed && f.Overdue == g.Overdue && f.Awaiting == g.Awaiting && slices.Equal(f.Tests, g.Tests) && slices.Equal(f.Evidence, g.Evidence) && slices.Equal(f.Policies, g.Policies)
}

func (f DayFacts) clone() DayFacts {
	g := f
	g.Tests, g.Evidence, g.Policies = slices.Clone(f.Tests), slices.Clone(f.Evidence), slices.Clone(f.Policies)
	return g
}

// ControlDay is the letter of a control's day and, where it failed, why, the first class first.
type ControlDay struct {
	Letter check.Letter `json:"letter"`
	Causes []CauseClass `json:"causes,omitempty"`
	Seen   bool         `json:"seen"` // observed, which is not the same as passed (00.7)
}

// DayOfControl decides a control's day: the first rule of F-00 that applies, and whether it was observed.
func DayOfControl(f DayFacts) ControlDay {
	d := f.day()
	d.Seen = f.seen()
	return d
}

// seen says whether a required test gave an answer, or required evidence that counts was there. That something is missing
// or overdue was not observed of the control, whatever it makes of the day.
func (f DayFacts) seen() bool {
	return slices.ContainsFunc(f.Tests, observed) || slices.ContainsFunc(f.Evidence, func(e EvidenceState) bool { return e.proves() || e == EvidenceNilDeclared })
}

// observed says whether a test gave an answer on a day (F-06).
func observed(l check.Letter) bool {
	return l == check.Passed || l == check.Failed || l == check.Excepted
}

func (f DayFacts) day() ControlDay {
	if f.Outside {
		return ControlDay{Letter: check.NotApplicable}
	}
	letter := check.Worst(f.Tests...)
	var causes []CauseClass
	if letter == check.Failed {
		causes = append(causes, FailingTest)
	}
	lacking := slices.ContainsFunc(f.Evidence, EvidenceState.lacking)
	unruled := slices.ContainsFunc(f.Policies, func(p PolicyState) bool { return p != PolicyInForce && p != PolicyReviewOverdue })
	if lacking || unruled {
		causes = append(causes, MissingDocumentation)
	}
	if f.Overdue > 0 {
		causes = append(causes, OverdueReview)
	}
	if slices.Contains(f.Evidence, EvidenceWaived) {
		letter = check.Worst(letter, check.Excepted)
	}
	switch {
	case len(causes) > 0:
		if slices.ContainsFunc(f.Tests, func(l check.Letter) bool { return l == check.NoData || l == check.Errored }) {
			causes = append(causes, PartlyUnknown) // an F does not hide that the rest is not known
		}
		return ControlDay{Letter: check.Failed, Causes: causes}
	case letter == check.Errored:
		return ControlDay{Letter: letter}
	case f.Awaiting > 0:
		return ControlDay{Letter: check.NoData, Causes: []CauseClass{AwaitsReview}}
	case len(f.Tests) == 0 && slices.Contains(f.Evidence, EvidenceNotDue):
		return ControlDay{Letter: check.NoData, Causes: []CauseClass{Silent}} // what is proved besides says nothing of events
	case letter != check.NotApplicable:
		return ControlDay{Letter: letter}
	case slices.ContainsFunc(f.Evidence, EvidenceState.proves):
		return ControlDay{Letter: check.Passed} // no test had anything to look at, and every piece that was due was current
	}
	return f.quiet()
}

// quiet is a day on which nothing happened that the control could act on: shown by complete populations of none or by an
// approved declaration, and with the design proved. Where it is not shown, nothing is known.
func (f DayFacts) quiet() ControlDay {
	shown := len(f.Tests) > 0 || slices.Contains(f.Evidence, EvidenceNilDeclared)
	switch {
	case !shown:
		return ControlDay{Letter: check.NoData}
	case !f.Designed:
		return ControlDay{Letter: check.NoData, Causes: []CauseClass{Unconfirmed}}
	}
	return ControlDay{Letter: check.NotApplicable, Causes: []CauseClass{Quiet}}
}

// ControlLetter is one control's part in the day of a criterion.
type ControlLetter struct {
	Ref string
	ControlDay
}

// Reason says why a criterion's day is what it is.
type Reason struct {
	Text        string   `json:"reason"`
	ControlRefs []string `json:"control_refs"`
}

// ReasonOf words the reason of a criterion's day (F-07): the controls that made the letter, by
// class, the most frequent first and two classes at most. A passed day needs no reason.
func ReasonOf(category string, letter check.Letter, controls []ControlLetter) Reason {
	r := Reason{ControlRefs: []string{}}
	n := map[CauseClass]int{}
	for _, c := range controls {
		if c.Letter != letter || letter == check.Passed || letter == check.NotApplicable {
			continue
		}
		n[classOf(c.ControlDay)]++
		r.ControlRefs = append(r.ControlRefs, c.Ref)
	}
	classes := make([]CauseClass, 0, len(n))
	for c := range n {
		classes = append(classes, c)
	}
	slices.SortFunc(classes, func(a, b CauseClass) int {
		if n[a] != n[b] {
			return n[b] - n[a]
		}
		return slices.Index(failureOrder, a) - slices.Index(failureOrder, b)
	})
	var parts []string
	for _, c := range classes[:min(2, len(classes))] {
		noun := strings.ReplaceAll(category, "_", " ") + " control"
		parts = append(parts, count(n[c], noun, noun+"s")+" "+string(c))
	}
	r.Text = strings.Join(parts, ", ")
	return r
}

// classOf is the one class that a control is counted under.
func classOf(d ControlDay) CauseClass {
	switch d.Letter {
	case check.Failed:
		for _, c := range failureOrder {
			if slices.Contains(d.Causes, c) {
				return c
			}
		}
		return FailingTest
	case check.Errored:
		return "ended in an error"
	case check.Paused:
		return "paused"
	case check.Excepted:
		return "passing with an exception"
	}
	return "without data"
}
