// SPDX-License-Identifier: Apache-2.0

package ui

// Status is the health of a thing, in the one vocabulary that every page uses. The zero value is
// unknown on purpose: a status that nobody set reads "no data" and is never green.
type Status string

// The statuses: eight of health, three that only a single result can have.
const (
	NoData         Status = ""
	Passing        Status = "passing"
	NeedsAttention Status = "needs_attention"
	Failing        Status = "failing"
	NotStarted     Status = "not_started"
	NotApplicable  Status = "not_applicable"
	NoOccurrence   Status = "no_occurrence" // nothing happened that it could act on, and that is shown
	Retired        Status = "retired"       // it was in force, and is no longer
	Excepted       Status = "excepted"
	Errored        Status = "error"
	Paused         Status = "paused"
)

type look struct{ word, class, icon string }

func (s Status) look() look {
	switch s {
	case Passing:
		return look{"passing", "badge t-passing", "s-passing"}
	case NeedsAttention:
		return look{"needs attention", "badge t-attention", "s-attention"}
	case Failing:
		return look{"failing", "badge t-failing", "s-failing"}
	case NotStarted:
		return look{"not started", "badge t-notstarted", "s-notstarted"}
	case NotApplicable:
		return look{"not applicable", "badge t-na", "s-na"}
	case NoOccurrence:
		return look{"no occurrence", "badge t-na", "s-na"}
	case Retired:
		return look{"retired", "badge t-na", "s-na"}
	case Excepted:
		return look{"excepted", "badge t-excepted", "s-excepted"}
	case Errored:
		return look{"error", "badge t-error", "s-error"}
	case Paused:
		return look{"paused", "badge t-paused", "s-paused"}
	}
	return look{"no data", "badge t-nodata", "s-nodata"}
}

// Word is the status as a person reads it.
func (s Status) Word() string { return s.look().word }

// Letter is the result of a day: P, F, X, E, Z, N, or '-' for not applicable. Anything else reads as no data.
type Letter byte

// The letters of a day.
const (
	P  Letter = 'P'
	F  Letter = 'F'
	X  Letter = 'X'
	E  Letter = 'E'
	Z  Letter = 'Z'
	N  Letter = 'N'
	NA Letter = '-'
)

// Word is the letter as a person reads it.
func (l Letter) Word() string {
	switch l {
	case P:
		return "passed"
	case F:
		return "failed"
	case X:
		return "passed with exception"
	case E:
		return "error"
	case Z:
		return "paused"
	case NA:
		return "not applicable"
	}
	return "no data"
}

// class is the letter's class name; not applicable is D, for dash.
func (l Letter) class() string {
	switch l {
	case P, F, X, E, Z:
		return string(rune(l))
	case NA:
		return "D"
	}
	return "N"
}

// Text is what stands in the cell.
func (l Letter) Text() string {
	switch l {
	case P, F, X, E, Z:
		return string(rune(l))
	case NA:
		return "–"
	}
	return "N"
}

// Letters lists them in order of precedence.
func Letters() []Letter { return []Letter{F, E, N, Z, X, P, NA} }

// Statuses lists every status, for the design page and for filters.
func Statuses() []Status {
	return []Status{Passing, NeedsAttention, Failing, NoData, NotStarted, NotApplicable, NoOccurrence, Retired, Excepted, Errored, Paused}
}

// Tone says how much a message matters.
type Tone string

// The tones.
const (
	Plain Tone = ""
	Good  Tone = "good"
	Warn  Tone = "warn"
	Bad   Tone = "bad"
)

func (t Tone) icon() string {
	switch t {
	case Good:
		return "check"
	case Warn:
		return "warn"
	case Bad:
		return "stop"
	}
	return "info"
}
