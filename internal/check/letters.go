// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"time"

	"assay/internal/clock"
)

// Letter is what one day came to, for a test, a control or a criterion (F-00).
// The zero Letter is NoData: a day that nobody filled in is not a good one.
type Letter uint8

// The letters. Their order is not their precedence; Worst knows that.
const (
	NoData        Letter = iota // N: nothing was learned that day
	Failed                      // F: at least one failing resource that no waiver covers
	Errored                     // E: it was tried, and no run came to an end
	Paused                      // Z: a person paused the test, and no run came to an end
	Excepted                    // X: everything that failed was covered by a waiver in force
	Passed                      // P: a run passed
	NotApplicable               // –: there was nothing to look at, or the day lies outside the control's dates
)

var letterText = [...]string{NoData: "N", Failed: "F", Errored: "E", Paused: "Z", Excepted: "X", Passed: "P", NotApplicable: "–"}

var letterWord = [...]string{NoData: "no data", Failed: "failed", Errored: "error", Paused: "paused", Excepted: "passed with exception", Passed: "passed", NotApplicable: "not applicable"}

// letterRank orders the letters by precedence F > E > N > Z > X > P > –: a lower rank hides a higher one.
var letterRank = [...]uint8{Failed: 0, Errored: 1, NoData: 2, Paused: 3, Excepted: 4, Passed: 5, NotApplicable: 6}

func (l Letter) String() string { return byLetter(letterText[:], l) }

// Word is the letter in words.
func (l Letter) Word() string { return byLetter(letterWord[:], l) }

// Worse reports whether l hides m where both stand for the same day.
func (l Letter) Worse(m Letter) bool { return byLetter(letterRank[:], l) < byLetter(letterRank[:], m) }

// MarshalText writes the letter itself.
func (l Letter) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a letter; the dash may be a hyphen.
func (l *Letter) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "-" {
		s = "–"
	}
	i := slices.Index(letterText[:], s)
	if i < 0 {
		return fmt.Errorf("letter %q: it is one of P F X E Z N –", text)
	}
	*l = Letter(i)
	return nil
}

// byLetter reads a table by letter; what is no letter counts as NoData.
func byLetter[T any](table []T, l Letter) T {
	if int(l) >= len(table) {
		l = NoData
	}
	return table[l]
}

// Worst is the letter of a day on which several stand: the control-day over its required tests.
// Of no letters it is NotApplicable.
func Worst(letters ...Letter) Letter {
	w := NotApplicable
	for _, l := range letters {
		if l.Worse(w) {
			w = l
		}
	}
	return w
}

// CriterionDay is the letter of a criterion, over its controls in scope. A criterion that no
// control answers for has no data: it is in scope and nobody looked.
func CriterionDay(controls []Letter) Letter {
	if len(controls) == 0 {
		return NoData
	}
	return Worst(controls...)
}

// RunState is what one run of a test came to. The zero RunState is unknown, which never passes.
type RunState uint8

// The states of a run.
const (
	RunUnknown       RunState = iota // it ran, and what it needed to know was not known
	RunPassed                        // everything passed
	RunFailed                        // at least one resource failed without a waiver in force
	RunExcepted                      // everything that failed was covered by a waiver in force
	RunErrored                       // it did not come to an end, or its data was not complete
	RunNotApplicable                 // complete data, and nothing to look at (INV-08)
	runStates
)

// stateSet is a set of run states.
type stateSet uint8

func (s stateSet) has(r RunState) bool { return s&(1<<r) != 0 }

func (s *stateSet) add(r RunState) {
	if r >= runStates {
		r = RunUnknown
	}
	*s |= 1 << r
}

// DayLetter is the letter of a test's day (F-00): the first rule that applies to the runs of the
// day, in whatever order they came. A later pass never takes an F away (INV-05), and neither no
// run, nor an error, a pause or an unknown makes a P (INV-06). A run that stayed unknown did not
// come to an end.
func DayLetter(runs []RunState, paused, outside bool) Letter {
	var s stateSet
	for _, r := range runs {
		s.add(r)
	}
	return s.letter(paused, outside)
}

func (s stateSet) letter(paused, outside bool) Letter {
	completed := s.has(RunPassed) || s.has(RunFailed) || s.has(RunExcepted) || s.has(RunNotApplicable)
	switch {
	case s.has(RunFailed):
		return Failed
	case s.has(RunErrored) && !completed:
		return Errored
	case s.has(RunExcepted):
		return Excepted
	case s.has(RunPassed):
		return Passed
	case s == 1<<RunNotApplicable, outside:
		return NotApplicable
	case paused && !completed:
		return Paused
	}
	return NoData
}

// Day is a calendar day, as the number of days since 1970-01-01. It has no time zone; the
// organisation's zone says which moments belong to it.
type Day int32

const (
	dayGrace = 2 * time.Hour // how long after its end a day stays open

	// LateUntil is how long after the end of a day a run still counts whose data was collected on it: 48 hours after its close.
	LateUntil = dayGrace + 48*time.Hour
)

// DayOf is the day of a moment in a time zone.
func DayOf(t time.Time, zone *time.Location) Day {
	y, m, d := t.In(zone).Date()
	return civilDay(y, m, d)
}

func civilDay(y int, m time.Month, d int) Day {
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDay reads 2026-03-03.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("day %q: write it like 2026-03-03", s)
	}
	return civilDay(t.Date()), nil
}

func (d Day) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d Day) String() string { return d.utc().Format(time.DateOnly) }

// MarshalText writes the day as a date.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a date.
func (d *Day) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDay(string(text))
	return err
}

// Start is the first moment of the day in a zone, also where clocks skip midnight.
func (d Day) Start(zone *time.Location) time.Time {
	y, m, n := d.utc().Date()
	return clock.DayStart(y, m, n, zone)
}

// Closes is the moment from which the day is closed: two hours after its end.
func (d Day) Closes(zone *time.Location) time.Time { return (d + 1).Start(zone).Add(dayGrace) }

// Closed reports whether the day is closed at now. Until then its letter is the letter so far.
func (d Day) Closed(zone *time.Location, now time.Time) bool { return !now.Before(d.Closes(zone)) }

// RunAt is one run that a test had part in. It belongs to the day on which its data was collected.
type RunAt struct {
	At        time.Time // when its data was collected
	Evaluated time.Time // when the test was run on it; zero means at once
}

// StateChange says that from this moment on the runs of a test came to State.
type StateChange struct {
	At    time.Time
	State RunState
}

// Stretch is a stretch of time, From included and To not; a zero To has no end.
type Stretch struct{ From, To time.Time }

// DayCell is one day of a strip. First and Last are the places, in the list of runs, of the first
// and last run of the day; both are -1 on a day without a run.
type DayCell struct {
	Day    Day    `json:"day"`
	Letter Letter `json:"letter"`
	Open   bool   `json:"open,omitempty"` // the day is not closed; its letter may still change
	First  int    `json:"first_run"`
	Last   int    `json:"last_run"`
	Late   bool   `json:"late,omitempty"` // a run whose data was collected on the day came in after its end
}

// Seen reports whether anything was learned of the test on the day, or it was paused: a day on which the test was not there says nothing.
func (c DayCell) Seen() bool { return c.First >= 0 || c.Late || c.Letter == Paused }

// Strip is the frame of the last n days: it is made once for a moment and a zone, and used for
// every test. It holds where the days begin, so that placing a run needs no calendar.
type Strip struct {
	last   Day
	starts []int64 // unix milliseconds; starts[i] begins day last-n+1+i, and the one after the last day ends it
	now    int64
}

// NewStrip makes the frame of the n days that end with the day of now.
func NewStrip(days *Days, now time.Time, n int) *Strip {
	n = max(n, 0)
	s := &Strip{last: days.DayOf(now), starts: make([]int64, n+1), now: now.UnixMilli()}
	for i := range s.starts {
		s.starts[i] = days.Start(s.last - Day(n) + 1 + Day(i)).UnixMilli()
	}
	return s
}

// Days is how many days the strip has.
func (s *Strip) Days() int { return len(s.starts) - 1 }

// Placed is a list of runs laid over the days of a strip. Tests that share their runs share it.
type Placed struct {
	strip *Strip
	runs  []RunAt
	first []int  // first[i] is the first run of day i; the runs of day i end before first[i+1]
	late  []bool // day i has a run that came too late to count
}

// Place lays runs, which must be in the order of At, over the days of the strip.
func (s *Strip) Place(runs []RunAt) (*Placed, error) {
	if !slices.IsSortedFunc(runs, func(a, b RunAt) int { return a.At.Compare(b.At) }) {
		return nil, fmt.Errorf("place runs: they are not in the order in which their data was collected")
	}
	p := &Placed{strip: s, runs: runs, first: make([]int, len(s.starts)), late: make([]bool, len(s.starts))}
	r := 0
	for i, start := range s.starts {
		for r < len(runs) && runs[r].At.UnixMilli() < start {
			r++
		}
		p.first[i] = r
	}
	for i := range s.Days() {
		for r := p.first[i]; r < p.first[i+1] && !p.late[i]; r++ {
			p.late[i] = s.tooLate(i, runs[r])
		}
	}
	return p, nil
}

// tooLate reports whether a run of day i was evaluated more than 48 hours after the day was closed.
func (s *Strip) tooLate(i int, r RunAt) bool {
	return !r.Evaluated.IsZero() && r.Evaluated.UnixMilli() >= s.starts[i+1]+LateUntil.Milliseconds()
}

// TestHistory is what the strip must know of one test, each list in the order of time.
type TestHistory struct {
	Changes []StateChange // a run before the first change is no run of this test
	Pauses  []Stretch
	Dates   []Stretch // when the control or test is in force; none means always
	Late    []RunLate // runs that came in after the end of the day on which their data was collected
}

// RunLate is a late run: when its data was collected, when it was tested, and what it came to.
type RunLate struct {
	At, Evaluated time.Time
	State         RunState
}

// Letters appends the strip of one test to dst, newest day first, in steps of its days and
// changes. A run that comes in after its day was closed counts like any other for 48 hours, and then
// not at all: an F never goes, and a day without an answer may still get one.
func (p *Placed) Letters(dst []DayCell, h TestHistory) []DayCell {
	s := p.strip
	n := s.Days()
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	c := 0 // changes before c are in force
	for i := range n {
		day := s.last - Day(n-1-i)
		from, to := s.starts[i], s.starts[i+1]
		set, first, last, next := p.states(i, c, h.Changes)
		c = next
		late := false
		for _, r := range h.Late {
			if at := r.At.UnixMilli(); at >= from && at < to && r.Evaluated.UnixMilli() < to+LateUntil.Milliseconds() {
				set.add(r.State)
				late = true
			}
		}
		outside := from == to || len(h.Dates) > 0 && !touches(h.Dates, from, to) // a skipped date has no moment
		dst[at+n-1-i] = DayCell{
			Day: day, Letter: set.letter(touches(h.Pauses, from, to), outside),
			Open: s.now < to+dayGrace.Milliseconds(), First: first, Last: last, Late: late,
		}
	}
	return dst
}

// states gives the set of states of day i, its first and last run, and how many changes have
// taken place by its last run.
func (p *Placed) states(i, c int, changes []StateChange) (set stateSet, first, last, next int) {
	first, last = -1, -1
	for r := p.first[i]; r < p.first[i+1]; r++ {
		for c < len(changes) && !changes[c].At.After(p.runs[r].At) {
			c++
		}
		if c == 0 {
			continue // the test was not there yet
		}
		if first < 0 {
			first = r
		}
		last = r
		state := changes[c-1].State
		if !p.late[i] && (c == len(changes) || !changes[c].At.Before(p.strip.end(i))) {
			set.add(state) // nothing changes for the rest of the day
			last = p.first[i+1] - 1
			break
		}
		if !p.strip.tooLate(i, p.runs[r]) {
			set.add(state)
		}
	}
	return set, first, last, c
}

func (s *Strip) end(i int) time.Time { return time.UnixMilli(s.starts[i+1]) }

// touches reports whether a span covers any part of [from, to).
func touches(spans []Stretch, from, to int64) bool {
	for _, sp := range spans {
		if sp.From.UnixMilli() < to && (sp.To.IsZero() || sp.To.UnixMilli() > from) {
			return true
		}
	}
	return false
}
