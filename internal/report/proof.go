// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"sync"
	"time"

	"assay/content"
	"assay/internal/check"
	"assay/internal/grc"
)

// When a piece of evidence counts (F-04, INV-19):
//
//   - It was accepted, it names a kind of evidence that its control asks for, and it has a file. Without a file it is context.
//   - Its age is measured from the earliest of: when it was taken, when it was submitted, and the end of the days that it
//     covers. It counts from its acceptance until that moment plus the validity of the kind (F-04). So a piece about January
//     never proves November, whatever it says of when it was taken, and no time in the future makes it younger.
//   - A piece of one window of the calendar (by the last day that it covers) counts until the end of the next window, where that
//     is later: whoever brings one in each window is never late, early in one and late in the next. A kind that performs its
//     control counts until the grace of that window is over. A kind that asks for fewer days than its frequency has by itself
//     keeps to its days.
//   - A population proves nothing short of a whole window of the kind's frequency (day, ISO week, month, quarter, half-year or
//     year in the organisation's zone). Its age is measured from the end of the last whole window that it covers.
//   - valid_until may end it earlier, and never later.
//   - Evidence of single events proves its event. The kind counts as current for 365 days after the event, or for the days that
//     the kind says. An accepted declaration that nothing happened, or a list of all events (an empty one says the same), counts
//     for the days that it covers, and after them until the next one is due: for as many days as it covers, and 92 at most; that
//     of a month or a quarter until the next one is over. A
//     declaration falls when an event within its days comes up: from the submission of that event on, accepted or not yet.
//     Without any of these the kind is not due, and proves nothing.
//   - What was withdrawn counts until then: the days before keep it.

const (
	eventDays = 365 // for how long an event is proof that a control acts
	nilDays   = 92  // for how long at most a declaration or a list of events counts after its last day
)

// span is when a piece of evidence counts for a kind.
type span struct {
	piece   *grc.Evidence
	key     grc.EvidenceKind // of which these fields decide: Type, Frequency, ValidityDays
	from    time.Time        // its acceptance
	until   time.Time        // zero where it never counts
	ended   time.Time        // when it was withdrawn or superseded; zero where it was not
	grace   check.Day        // for how much longer than its window it may count: the grace of its control
	life    time.Duration    // the validity of its kind
	first   check.Day        // what it covers, as far as it can
	last    check.Day
	empty   bool   // it says that nothing happened
	capped  bool   // it asked to count for longer
	event   bool   // it is about a single event, on its first day
	context bool   // there is no file
	why     string // why it never counts
}

// spanOf finds out when a piece counts for a kind of evidence of its control.
func spanOf(e *grc.Evidence, k grc.EvidenceKind, grace check.Day, cal calendar) span {
	s := span{piece: e, key: k, from: e.ReviewedAt, ended: e.EndedAt(), grace: grace}
	taken := e.SubmittedAt
	if !e.TakenAt.IsZero() && e.TakenAt.Before(taken) { // a claimed time never makes evidence younger (INV-02)
		taken = e.TakenAt
	}
	s.first, s.last = coverOf(e, cal.DayOf(taken))
	single := k.Frequency == "per_event"
	switch {
	case e.Nothing && !single:
		s.why = "only evidence collected per event can be replaced by a declaration"
	case e.File == "" && !e.Nothing:
		s.why, s.context = "context only, because it has no file", true
	case s.first > s.last:
		s.why = "it was taken before the days it covers"
	case single:
		s.single(e, cal)
	default:
		s.periodic(taken, cal)
	}
	if d, err := check.ParseDay(string(e.ValidUntil)); err == nil && !s.until.IsZero() {
		if end := cal.Start(d + 1); end.Before(s.until) {
			s.until = end
		} else if end.After(s.until) {
			s.capped = true
		}
	}
	return s
}

// coverOf is the days that a piece covers: those that it claims, as far as it can know them. Without any it covers the day
// on which it was taken.
func coverOf(e *grc.Evidence, taken check.Day) (first, last check.Day) {
	first, last = taken, taken
	to, err := check.ParseDay(string(e.CoversTo))
	if err == nil {
		first, last = min(to, taken), min(to, taken)
	}
	if from, err := check.ParseDay(string(e.CoversFrom)); err == nil {
		first = from
	}
	return first, last
}

func (s *span) periodic(taken time.Time, cal calendar) {
	last := s.last
	if s.key.Type == "population" {
		from, to := windowOf(s.key.Frequency, s.last)
		if to > s.last {
			from, to = windowOf(s.key.Frequency, from-1)
		}
		if from < s.first {
			s.why = "it does not cover a whole " + windowWord(s.key.Frequency)
			return
		}
		last = to
	}
	age := cal.Start(last + 1)
	if taken.Before(age) {
		age = taken
	}
	s.life = time.Duration(lasts(s.key)) * 24 * time.Hour
	s.until = age.Add(s.life)
	if int(s.key.ValidityDays) > 0 && int(s.key.ValidityDays) < content.Frequency(s.key.Frequency).ValidityDays() {
		return // the control asks for more than its frequency does
	}
	_, to := windowOf(s.key.Frequency, last)
	_, next := windowOf(s.key.Frequency, to+1)
	if end := cal.Start(next + 1 + s.grace); end.After(s.until) {
		s.until = end
	}
}

// single is for evidence of single events: about one, or about days with none, or a list of all in some days.
func (s *span) single(e *grc.Evidence, cal calendar) {
	day, err := check.ParseDay(string(e.EventOn))
	listed := s.key.Type == "population" && e.CoversFrom != "" && e.CoversTo != ""
	switch {
	case e.Nothing, listed && err != nil:
		s.empty = e.Nothing || e.Rows != nil && *e.Rows == 0
		days := min(s.last-s.first+1, nilDays) // what is told for a day is told again the next day
		s.life = time.Duration(days) * 24 * time.Hour
		last := s.last + days
		for _, f := range []grc.Frequency{"monthly", "quarterly"} { // what is told for a month is told again for the next one, however long it is
			if from, to := windowOf(f, s.first); from == s.first && to == s.last {
				_, last = windowOf(f, s.last+1)
			}
		}
		s.until = cal.Start(last + 1)
	case err != nil || e.Event == "":
		s.why = "the event or its date is missing"
	default:
		days := check.Day(eventDays)
		if s.key.ValidityDays > 0 {
			days = check.Day(s.key.ValidityDays)
		}
		s.event, s.first, s.last = true, day, day
		s.life = time.Duration(days) * 24 * time.Hour
		s.until = cal.Start(day + 1 + days)
	}
}

// at is how the piece stands at a moment, by itself.
func (s *span) at(at time.Time) EvidenceState {
	switch {
	case !s.ended.IsZero() && !s.ended.After(at) && s.why == "":
		return EvidenceWithdrawn
	case s.why != "" || s.from.IsZero() || s.from.After(at):
		return EvidenceMissing
	}
	state := fresh(s.until.Sub(at), s.life)
	if s.empty && state != EvidenceExpired {
		return EvidenceNilDeclared
	}
	return state
}

// lasts is for how many days a kind of evidence is valid. A frequency that is not known is yearly, and never for ever.
func lasts(k grc.EvidenceKind) int {
	if n := validity(k); n > 0 {
		return n
	}
	return content.Yearly.ValidityDays()
}

// evidenceOf finds for each kind of evidence of a control the piece that proves it now.
func (b *Board) evidenceOf(l *ControlLine) []EvidenceLine {
	out := make([]EvidenceLine, len(l.Control.Evidence))
	for i, k := range l.Control.Evidence {
		out[i] = EvidenceLine{Kind: k}
		out[i].State, out[i].Piece, out[i].Until = b.stateOn(l.Control, k, b.Now)
		out[i].State = l.excused(out[i].State, k, b.Now)
	}
	return out
}

// stateOn is how a kind of evidence stood at a moment, with the piece that decided.
func (b *Board) stateOn(c *grc.Control, k grc.EvidenceKind, at time.Time) (EvidenceState, *grc.Evidence, time.Time) {
	return standing(b.spansOf(c, k), b.claimsOf(c.ID, k), at)
}

// standing is how a kind of evidence stood at a moment by some pieces, and by the events that are told of without an acceptance.
func standing(pieces []span, claims claims, at time.Time) (EvidenceState, *grc.Evidence, time.Time) {
	state, single := EvidenceMissing, claims.single
	if single {
		state = EvidenceNotDue
	}
	var piece *grc.Evidence
	var until time.Time
	for i := range pieces {
		p := &pieces[i]
		s := p.at(at)
		switch {
		case s == EvidenceMissing,
			single && s == EvidenceExpired,                          // it proves an event that is long past
			single && s == EvidenceWithdrawn && !at.Before(p.until), // and so did this
			s == EvidenceWithdrawn && p.empty,                       // no event is known of that would want proof
			s == EvidenceNilDeclared && (known(pieces, p, at) || claims.about(p, at)):
			continue
		}
		if better(s, state) || s == state && p.until.After(until) {
			state, piece, until = s, p.piece, p.until
			if s == EvidenceWithdrawn {
				until = time.Time{}
			}
		}
	}
	return state, piece, until
}

// known says whether an event is known that happened on one of the days for which a piece says that nothing did.
func known(pieces []span, nothing *span, at time.Time) bool {
	for i := range pieces {
		e := pieces[i].piece
		if e.EventOn == "" || e.ReviewedAt.After(at) {
			continue
		}
		if d, err := check.ParseDay(string(e.EventOn)); err == nil && d >= nothing.first && d <= nothing.last {
			return true
		}
	}
	return false
}

// spanCache holds the spans of the pieces of each control's kinds of evidence, found out once.
type spanCache struct {
	sync.RWMutex
	of map[spanKey][]span
}

type spanKey struct {
	control, key, typ string
	frequency         grc.Frequency
	days              int64
	grace             check.Day
}

// graceOf is for how much longer than its window a kind of evidence of a control counts: where it performs the control, the next
// piece is not due before. c is nil where there is no such control.
func graceOf(c *grc.Control, k grc.EvidenceKind) check.Day {
	if c == nil || !performing(k, c) {
		return 0
	}
	from, to := windowOf(performedEach(c), 0)
	return min(check.Day(c.GraceDays), to-from+1) // a window that is never over would make evidence that never ends
}

// spansOf are the spans of the accepted pieces of a kind of evidence of a control, under one of its definitions.
func (b *Board) spansOf(c *grc.Control, k grc.EvidenceKind) []span {
	grace := graceOf(c, k)
	key := spanKey{c.ID, k.Key, k.Type, k.Frequency, k.ValidityDays, grace}
	b.spans.RLock()
	out, ok := b.spans.of[key]
	b.spans.RUnlock()
	if ok {
		return out
	}
	cal := b.calendar()
	for _, e := range b.data.evidence[c.ID] {
		if e.EvidenceKey == k.Key {
			out = append(out, spanOf(e, k, grace, cal))
		}
	}
	b.spans.Lock()
	defer b.spans.Unlock()
	if b.spans.of == nil {
		b.spans.of = map[spanKey][]span{}
	}
	b.spans.of[key] = out
	return out
}

// withdrawnLater finds the piece that a kind of evidence rested on at the end of a day, and that was withdrawn or superseded
// since: the letter of the day stays, and the day is marked. The moment is that of the withdrawal. nil where there is none, or
// where other pieces prove the day as well.
func (b *Board) withdrawnLater(c *grc.Control, k grc.EvidenceKind, day check.Day) (*grc.Evidence, time.Time) {
	end := b.calendar().Start(day + 1).Add(-time.Millisecond)
	all, claims := b.spansOf(c, k), b.claimsOf(c.ID, k)
	gone := func(s span) bool { return !s.ended.IsZero() && !s.ended.After(b.Now) }
	if end.After(b.Now) || !slices.ContainsFunc(all, gone) {
		return nil, time.Time{}
	}
	was, e, _ := standing(all, claims, end)
	if e == nil || was == EvidenceWithdrawn || e.EndedAt().IsZero() {
		return nil, time.Time{}
	}
	if still, _, _ := standing(slices.DeleteFunc(slices.Clone(all), gone), claims, end); still == was {
		return nil, time.Time{}
	}
	return e, e.EndedAt()
}

// evidenceRank is how much a state says, by state, the most first.
var evidenceRank = [...]uint8{EvidenceCurrent: 0, EvidenceExpiring: 1, EvidenceNilDeclared: 2, EvidenceExpired: 3, EvidenceWithdrawn: 4, EvidenceMissing: 5, EvidenceNotDue: 5}

func better(a, b EvidenceState) bool { return evidenceRank[a] < evidenceRank[b] }

// idle says that there was nothing to prove: no event is known. It is never proof by itself.
func (e EvidenceState) idle() bool { return e == EvidenceNotDue || e == EvidenceNilDeclared }
