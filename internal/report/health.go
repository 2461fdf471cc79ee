// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"time"

	"assay/internal/check"
)

// Health is how a control stands now (F-02). The zero Health is NotStarted.
type Health uint8

// The states of health, worst first; the last two are left out of every score.
const (
	NotStarted     Health = iota // nothing was ever proved
	Failing                      // something that must hold does not
	NoData                       // a required test has no fresh answer
	NeedsAttention               // it holds, and something about it will not for long
	Passing                      // it holds, and there is proof
	NotApplicable                // an approved decision says so
	NoOccurrence                 // it is designed, and nothing happened that it could act on, which is shown
)

var healthText = [...]string{"not_started", "failing", "no_data", "needs_attention", "passing", "not_applicable", "no_occurrence"}

func (h Health) String() string {
	if int(h) >= len(healthText) {
		h = NotStarted
	}
	return healthText[h]
}

// MarshalText writes the state in lower snake case.
func (h Health) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads a state.
func (h *Health) UnmarshalText(text []byte) error {
	i := slices.Index(healthText[:], string(text))
	if i < 0 {
		return fmt.Errorf("health %q: it is one of %v", text, healthText)
	}
	*h = Health(i)
	return nil
}

// halves is the score in halves: 2 for passing, 1 for needs attention, 0 for all else.
func (h Health) halves() int64 {
	switch h {
	case Passing:
		return 2
	case NeedsAttention:
		return 1
	}
	return 0
}

// hasData reports whether the state rests on something that was seen.
func (h Health) hasData() bool { return h == Failing || h == NeedsAttention || h == Passing }

// EvidenceState is how one kind of evidence stands (F-04). The zero state is missing.
type EvidenceState uint8

// The states of evidence.
const (
	EvidenceMissing     EvidenceState = iota // none was ever accepted
	EvidenceCurrent                          // accepted and in date
	EvidenceExpiring                         // in date, and soon not
	EvidenceExpired                          // was in date once
	EvidenceWithdrawn                        // was accepted and taken back
	EvidenceNotDue                           // kept per event, and no event is known
	EvidenceNilDeclared                      // kept per event, and an accepted declaration says that there was none
	EvidenceWaived                           // it lacks, and an exception waived the performance that would have brought it
	EvidenceAwaited                          // it lacks, and a piece that was submitted in time awaits review
)

// lacking reports whether the state proves nothing although it should.
func (e EvidenceState) lacking() bool {
	return !e.proves() && !e.idle() && e != EvidenceWaived && e != EvidenceAwaited
}

// proves reports whether a piece that is in date is behind the state.
func (e EvidenceState) proves() bool { return e == EvidenceCurrent || e == EvidenceExpiring }

var evidenceWord = [...]string{"is missing", "is current", "expires soon", "expired", "was withdrawn", "is not due", "is not due: nothing happened", "is waived", "awaits review"}

func (e EvidenceState) word() string {
	if int(e) >= len(evidenceWord) {
		e = EvidenceMissing
	}
	return evidenceWord[e]
}

// fresh is the state of accepted evidence by what is left of its validity (F-04). It is expiring when 14 days are left, or a
// fifth of its validity where that is less.
func fresh(left, validity time.Duration) EvidenceState {
	switch {
	case left <= 0:
		return EvidenceExpired
	case left <= min(14*24*time.Hour, validity/5):
		return EvidenceExpiring
	}
	return EvidenceCurrent
}

// PolicyState is how a policy that a control requires stands. The zero state is missing.
type PolicyState uint8

// The states of a required policy.
const (
	PolicyMissing       PolicyState = iota // no approved version is in force
	PolicyReviewOverdue                    // in force, and its review is late
	PolicyInForce                          // in force and reviewed in time
)

// TestFacts is what health must know of one test of a control.
type TestFacts struct {
	Test        string
	Required    bool
	Interval    time.Duration
	Latest      check.RunState // of the newest run of all
	Completed   check.RunState // of the newest run that came to an end
	CompletedAt time.Time      // when that was; zero means never
	Paused      bool
	Late        int    // of a test over events: lapses of its window that are over
	WindowDays  int    // how many days that window has
	Off         string // how it is not in force, such as: switched off: We have no passwords; empty where it is
}

// EvidenceFacts is what health must know of one kind of evidence.
type EvidenceFacts struct {
	Title    string
	Required bool
	State    EvidenceState
}

// PolicyFacts is what health must know of one required policy.
type PolicyFacts struct {
	Ref   string
	State PolicyState
}

// ControlFacts is all that the health of a control depends on.
type ControlFacts struct {
	NotApplicable        bool // an approved applicability decision says so
	Started              bool // it was proved once, as its definition was then
	Designed             bool // its text was approved or confirmed by the company; with policies in force its design is proved
	HasOwner             bool
	Tests                []TestFacts
	Evidence             []EvidenceFacts
	Policies             []PolicyFacts
	OverdueOccurrences   int // late and open, or missed within the last window
	AwaitedOccurrences   int // submitted in time, and not reviewed yet
	OpenEvents           int // told of, and without accepted evidence
	RecentLapses         int // done late, or missed and over, in the last 92 days
	UpcomingOccurrences  int // due within 7 days and not started
	OverdueFindings      int // high or critical, open and past due
	OverdueTasks         int
	ActiveExceptions     int
	TextAwaitingApproval bool
}

// Cause is why a control stands as it does, in plain words.
type Cause struct {
	Class CauseClass `json:"class"`
	Text  string     `json:"text"`
}

// ControlHealth is the health of a control with the causes of it.
type ControlHealth struct {
	Health Health  `json:"health"`
	Causes []Cause `json:"causes"`
}

// HealthOf decides the health of a control at a moment: the first rule of F-02 that applies, with
// everything that makes it apply. Required evidence that was never accepted counts as what has
// expired does once the control has started: F-00 calls such a day failed, and so does this.
func HealthOf(f ControlFacts, now time.Time) ControlHealth {
	if f.NotApplicable {
		return ControlHealth{NotApplicable, []Cause{{ByDecision, "marked as not applicable by an approved decision"}}}
	}
	if !f.started() {
		return ControlHealth{NotStarted, []Cause{{NoProof, "no evidence yet"}}}
	}
	gaps, proved := f.gaps(now)
	if c := f.failures(now); len(c) > 0 {
		return ControlHealth{Failing, append(c, gaps...)} // what is not known besides is said too
	}
	if len(gaps) > 0 {
		return ControlHealth{NoData, gaps}
	}
	if !proved {
		return f.quiet()
	}
	if c := f.concerns(now); len(c) > 0 {
		return ControlHealth{NeedsAttention, c}
	}
	return ControlHealth{Passing, []Cause{}}
}

// started reports whether a state says that a control was proved once.
func (e EvidenceState) started() bool { return e.proves() || e == EvidenceNilDeclared }

func (f ControlFacts) started() bool {
	return f.Started || slices.ContainsFunc(f.Tests, func(t TestFacts) bool { return t.Required && !t.CompletedAt.IsZero() }) ||
		slices.ContainsFunc(f.Evidence, func(e EvidenceFacts) bool {
			return e.Required && e.State != EvidenceMissing && e.State != EvidenceNotDue
		})
}

// failing says that a test whose last answer was a failure fails; where a newer run gave no answer, that and when it failed.
func (t TestFacts) failing(now time.Time) string {
	if t.Latest != check.RunUnknown && t.Latest != check.RunErrored {
		return t.Test + " fails"
	}
	ago := "less than an hour ago"
	if h := int(now.Sub(t.CompletedAt) / time.Hour); h >= 48 {
		ago = fmt.Sprintf("%d days ago", h/24)
	} else if h >= 1 {
		ago = count(h, "hour", "hours") + " ago"
	}
	return t.Test + " failed on its last complete run, " + ago
}

// failures are the causes of rule 3.
func (f ControlFacts) failures(now time.Time) (c []Cause) {
	for _, t := range f.Tests {
		if t.Required && t.Off == "" && !t.CompletedAt.IsZero() && t.Completed == check.RunFailed {
			c = append(c, Cause{FailingTest, "test " + t.failing(now)})
		}
	}
	for _, e := range f.Evidence {
		if e.Required && e.State.lacking() {
			c = append(c, Cause{MissingDocumentation, fmt.Sprintf("required evidence %q %s", e.Title, e.State.word())})
		}
	}
	for _, p := range f.Policies {
		if p.State != PolicyInForce && p.State != PolicyReviewOverdue {
			c = append(c, Cause{MissingDocumentation, fmt.Sprintf("policy %s has no approved version in force", p.Ref)})
		}
	}
	if f.OverdueOccurrences > 0 {
		c = append(c, Cause{OverdueReview, count(f.OverdueOccurrences, "performance is", "performances are") + " overdue"})
	}
	if f.OverdueFindings > 0 {
		c = append(c, Cause{UnresolvedFinding, count(f.OverdueFindings, "high or critical finding is", "high or critical findings are") + " past due"})
	}
	return c
}

// gaps are the causes of rule 4, and whether anything proves the control now.
func (f ControlFacts) gaps(now time.Time) (c []Cause, proved bool) {
	for _, t := range f.Tests {
		if !t.Required {
			continue
		}
		text := ""
		switch {
		case t.Off != "":
			text = "is " + t.Off // what it came to before says nothing of now
		case t.Paused:
			text = "is paused"
		case t.CompletedAt.IsZero():
			text = "has never completed"
		case t.Latest == check.RunErrored:
			text = "ended in an error"
		case t.Latest == check.RunUnknown || t.Completed == check.RunUnknown || t.Completed == check.RunErrored:
			text = "could not be evaluated"
		case now.Sub(t.CompletedAt) > 2*t.Interval+2*time.Hour:
			text = "has had no complete run since " + t.CompletedAt.UTC().Format("2006-01-02 15:04") + " UTC"
		default:
			proved = proved || t.Completed == check.RunPassed || t.Completed == check.RunExcepted
			continue
		}
		c = append(c, Cause{NoProof, fmt.Sprintf("test %s %s", t.Test, text)})
	}
	if f.AwaitedOccurrences > 0 {
		c = append(c, Cause{AwaitsReview, count(f.AwaitedOccurrences, "performance is", "performances are") + " waiting for review"})
	}
	tested := slices.ContainsFunc(f.Tests, func(t TestFacts) bool { return t.Required })
	for _, e := range f.Evidence {
		proved = proved || e.Required && (e.State.proves() || e.State == EvidenceWaived)
		if e.Required && e.State == EvidenceNotDue && !tested {
			c = append(c, Cause{NoProof, fmt.Sprintf("no event is on record for %q, and no accepted statement says that there was none", e.Title)})
		}
	}
	return c, proved
}

// quiet is a control that nothing proves and nothing disproves: nothing happened that it could act on. That is a state of
// its own only where it is shown, by a complete population of none or an approved declaration, and where the control is
// designed; anything else is no data.
func (f ControlFacts) quiet() ControlHealth {
	shown := slices.ContainsFunc(f.Tests, func(t TestFacts) bool { return t.Required && t.Completed == check.RunNotApplicable })
	asks := slices.ContainsFunc(f.Tests, func(t TestFacts) bool { return t.Required })
	for _, e := range f.Evidence {
		shown = shown || e.Required && e.State == EvidenceNilDeclared
		asks = asks || e.Required
	}
	switch {
	case !asks:
		return ControlHealth{NoData, []Cause{{NoProof, "no required test or evidence that could prove it"}}}
	case !shown:
		return ControlHealth{NoData, []Cause{{NoProof, "no events recorded, and no accepted evidence says that there were none"}}}
	case !f.Designed:
		return ControlHealth{NoData, []Cause{{NoProof, "nothing to act on, and its text is not confirmed yet"}}}
	}
	return ControlHealth{NoOccurrence, []Cause{{Quiet, "no occurrence"}}}
}

// concerns are the causes of rule 5.
func (f ControlFacts) concerns(now time.Time) (c []Cause) {
	add := func(yes bool, text string) {
		if yes {
			c = append(c, Cause{Concern, text})
		}
	}
	add(!f.HasOwner, "no owner")
	for _, e := range f.Evidence {
		add(e.Required && e.State == EvidenceExpiring, fmt.Sprintf("required evidence %q expires soon", e.Title))
		add(e.Required && e.State == EvidenceWaived, fmt.Sprintf("the performance that required evidence %q comes from was waived", e.Title))
	}
	add(f.OverdueTasks > 0, count(f.OverdueTasks, "task is", "tasks are")+" overdue")
	for _, t := range f.Tests {
		done := !t.CompletedAt.IsZero() && t.Off == ""
		add(done && t.Required && t.Completed == check.RunExcepted, fmt.Sprintf("test %s passes with an exception", t.Test))
		add(done && t.Required && t.Late > 0, fmt.Sprintf("%s late in the last %d days: test %s", count(t.Late, "event was", "events were"), t.WindowDays, t.Test))
		add(done && !t.Required && t.Completed == check.RunFailed, "supporting test "+t.failing(now))
	}
	add(f.ActiveExceptions > 0, count(f.ActiveExceptions, "exception is", "exceptions are")+" in force")
	for _, p := range f.Policies {
		add(p.State == PolicyReviewOverdue, fmt.Sprintf("the review of policy %s is overdue", p.Ref))
	}
	add(f.OpenEvents > 0, count(f.OpenEvents, "event has", "events have")+" no accepted evidence")
	add(f.RecentLapses > 0, count(f.RecentLapses, "performance was", "performances were")+" late or missed in the last 92 days")
	add(f.UpcomingOccurrences > 0, count(f.UpcomingOccurrences, "performance is", "performances are")+" due within 7 days and not started")
	add(f.TextAwaitingApproval, "a change to its text is waiting for approval")
	return c
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
