// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"time"

	"assay/internal/errs"
)

// Proof is how far a statement is proved. The zero Proof is not at all.
type Proof uint8

// The grades of proof.
const (
	NotProven Proof = iota
	PartlyProven
	Proven
)

var proofText = [...]string{"not_proven", "partly_proven", "proven"}

func (p Proof) String() string {
	if int(p) >= len(proofText) {
		p = NotProven
	}
	return proofText[p]
}

// MarshalText writes the grade in lower snake case.
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the word, and refuses any other.
func (p *Proof) UnmarshalText(b []byte) error {
	for q := range Proof(3) {
		if q.String() == string(b) {
			*p = q
			return nil
		}
	}
	return errs.At("proof", "%q is no proof word", b)
}

// Share is so many out of so many.
type Share struct{ Got, Of int }

func (s Share) proof() Proof {
	switch {
	case s.Of <= 0 || s.Got <= 0:
		return NotProven
	case s.Got < s.Of:
		return PartlyProven
	}
	return Proven
}

func (s Share) String() string { return fmt.Sprintf("%d of %d", s.Got, s.Of) }

// StatementFacts is what the eight statements depend on (T-007).
type StatementFacts struct {
	ApprovedControls  Share     // applicable controls whose text is approved
	ReviewCompletedAt time.Time // of the latest access review; zero means none was completed
	ReviewedAccounts  Share     // accounts of its population that were decided
	LiveLogSources    Share     // required log sources that delivered in time
	VendorsInDate     Share     // vendors in scope whose review is in date
	RiskAssessedAt    time.Time // zero means never
	IncidentPlan      PolicyState
	ExerciseAt        time.Time // of the latest incident exercise; zero means never
	EvidenceInDate    Share     // required evidence that is due
	ObservedDays      Share     // over the last 90 days: control days that passed, of all days on which the control should have been seen
	ExceptedDays      int       // of these, days that passed with an exception alone: they are not among those that passed
	OnTime            Share     // over the last 92 days: occurrences done in time, of those due; one missed before that and still open is due too
}

// Statement is one of the eight things that a strong programme can say.
type Statement struct {
	Key    string `json:"key"`
	Text   string `json:"text"`
	Proof  Proof  `json:"proof"`
	Detail string `json:"detail"` // the figures, in a sentence
	Query  string `json:"query"`  // what was counted, so that a reader can count again
}

const (
	year          = 365 * 24 * time.Hour
	reviewInDate  = 106 * 24 * time.Hour // a quarter, as long as quarterly evidence is valid
	coverageNum   = 95                   // percent of days that must have an answer (F-06)
	coverageDenom = 100
)

// StatementsOf judges the eight statements at a moment, in their usual order.
func StatementsOf(f StatementFacts, now time.Time) []Statement {
	return []Statement{
		{"controls_defined", "Our controls are defined", f.ApprovedControls.proof(),
			f.ApprovedControls.String() + " controls have approved text",
			"applicable controls whose version in force is approved"},
		f.access(now),
		{"systems_monitored", "Our systems are monitored", f.LiveLogSources.proof(),
			f.LiveLogSources.String() + " required log sources deliver on time",
			"required log sources by the time of their last event"},
		{"vendors_managed", "Our vendors are managed", f.VendorsInDate.proof(),
			f.VendorsInDate.String() + " vendors in scope were reviewed on time",
			"vendors in scope by the date of their next review"},
		f.risk(now),
		f.incidents(now),
		{"evidence_documented", "Our evidence is on file", f.EvidenceInDate.proof(),
			f.EvidenceInDate.String() + " required evidence items are valid",
			"required evidence that is due, by its state"},
		f.consistency(),
	}
}

func (f StatementFacts) access(now time.Time) Statement {
	s := Statement{Key: "access_known", Text: "We know who can reach data", Query: "population and decisions of the latest completed access review"}
	if !happened(f.ReviewCompletedAt, now) {
		s.Detail = "no access review was completed"
		return s
	}
	s.Proof = f.ReviewedAccounts.proof()
	s.Detail = fmt.Sprintf("%v accounts were reviewed in the access review of %s", f.ReviewedAccounts, date(f.ReviewCompletedAt))
	if s.Proof == Proven && !within(f.ReviewCompletedAt, reviewInDate, now) {
		s.Proof = PartlyProven
		s.Detail += ", which is out of date"
	}
	return s
}

func (f StatementFacts) risk(now time.Time) Statement {
	s := Statement{Key: "risk_assessed", Text: "We assess our risks", Query: "date of the latest completed risk assessment"}
	switch {
	case !happened(f.RiskAssessedAt, now):
		s.Detail = "no risk assessment was completed"
	case within(f.RiskAssessedAt, year, now):
		s.Proof, s.Detail = Proven, "the latest risk assessment was on "+date(f.RiskAssessedAt)
	default:
		s.Proof, s.Detail = PartlyProven, "the latest risk assessment was on "+date(f.RiskAssessedAt)+", more than 365 days ago"
	}
	return s
}

func (f StatementFacts) incidents(now time.Time) Statement {
	s := Statement{Key: "incidents_answered", Text: "We are ready to respond to incidents", Query: "incident plan in force and reviewed, and date of the latest exercise"}
	plan, done := "no incident plan is in force", Share{0, 2}
	switch f.IncidentPlan {
	case PolicyInForce:
		plan = "the incident plan is up to date"
		done.Got++
	case PolicyReviewOverdue:
		plan = "the review of the incident plan is overdue"
	}
	exercise := "no exercise was held"
	if happened(f.ExerciseAt, now) {
		exercise = "the latest exercise was on " + date(f.ExerciseAt)
		if within(f.ExerciseAt, year, now) {
			done.Got++
		} else {
			exercise += ", more than 365 days ago"
		}
	}
	s.Proof, s.Detail = done.proof(), plan+"; "+exercise
	return s
}

// consistency wants answers on 95% of the days and every performance in time. Without a day that
// wanted an answer there is nothing to be consistent about.
func (f StatementFacts) consistency() Statement {
	covered := f.ObservedDays.Of > 0 && f.ObservedDays.Got*coverageDenom >= f.ObservedDays.Of*coverageNum
	onTime := f.OnTime.Of <= 0 || f.OnTime.Got >= f.OnTime.Of
	detail := fmt.Sprintf("%v control days passed", f.ObservedDays)
	if f.ExceptedDays > 0 {
		detail += fmt.Sprintf(", %d with an exception", f.ExceptedDays)
	}
	if f.OnTime.Of > 0 {
		detail += fmt.Sprintf("; %v performances were on time", f.OnTime)
	} else {
		detail += "; no performance was due"
	}
	s := Statement{
		Key: "run_consistently", Text: "Our controls operate consistently",
		Detail: detail,
		Query:  "letters of the controls in force over the last 90 days, and their occurrences due in the last 92",
	}
	switch {
	case covered && onTime:
		s.Proof = Proven
	case f.ObservedDays.Got > 0 || f.OnTime.Got > 0:
		s.Proof = PartlyProven
	}
	return s
}

// happened reports whether at is a moment that has come.
func happened(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// within reports whether at, which has come, is no longer ago than span.
func within(at time.Time, span time.Duration, now time.Time) bool { return now.Sub(at) <= span }

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
