// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
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
//   - A population proves nothing short of a whole window of the kind's frequency (day, ISO week, month, quarter, half-year or
//     year in the organisation's zone). Its age is measured from the end of the last whole window that it covers.
//   - valid_until may end it earlier, and never later.
//   - Evidence of single events proves its event. The kind counts as current for 365 days after the event, or for the days that
//     the kind says. An accepted declaration that nothing happened, or an empty population, holds until 92 days after the last
//     day that it covers, and falls when an event within its days comes up. Without either the kind is not due, and proves nothing.
//   - What was withdrawn counts until then: the days before keep it.

const (
	eventDays = 365 // for how long an event is proof that a control acts
	nilDays   = 92  // for how long a declaration that nothing happened holds after its last day
)

// span is when a piece of evidence counts for a kind.
type span struct {
	key     grc.EvidenceKind // of which these fields decide: Type, Frequency, ValidityDays
	from    time.Time        // its acceptance
	until   time.Time        // zero where it never counts
	ended   time.Time        // when it was withdrawn or superseded; zero where it was not
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
func spanOf(e *grc.Evidence, k grc.EvidenceKind, zone *time.Location) span {
	s := span{key: k, from: e.ReviewedAt, ended: e.EndedAt()}
	taken := e.SubmittedAt
	if !e.TakenAt.IsZero() && e.TakenAt.Before(taken) { // a claimed time never makes evidence younger (INV-02)
		taken = e.TakenAt
	}
	s.first, s.last = coverOf(e, check.DayOf(taken, zone))
	single := k.Frequency == "per_event"
	switch {
	case e.Nothing && !single:
		s.why = "only evidence of single events can be replaced by a declaration"
	case e.File == "" && !e.Nothing:
		s.why, s.context = "context only: no file kept", true
	case s.first > s.last:
		s.why = "it was taken before the days that it covers"
	case single:
		s.single(e, zone)
	default:
		s.periodic(taken, zone)
	}
	if d, err := check.ParseDay(string(e.ValidUntil)); err == nil && !s.until.IsZero() {
		if end := (d + 1).Start(zone); end.Before(s.until) {
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
		first, last = to, min(to, taken)
	}
	if from, err := check.ParseDay(string(e.CoversFrom)); err == nil {
		first = from
	}
	return first, last
}

func (s *span) periodic(taken time.Time, zone *time.Location) {
	last := s.last
	if s.key.Type == "population" {
		from, to := windowOf(s.key.Frequency, s.last)
		if to > s.last {
			from, to = windowOf(s.key.Frequency, from-1)
		}
		if from < s.first {
			s.why = "it covers no whole " + windowWord(s.key.Frequency)
			return
		}
		last = to
	}
	age := (last + 1).Start(zone)
	if taken.Before(age) {
		age = taken
	}
	s.life = time.Duration(lasts(s.key)) * 24 * time.Hour
	s.until = age.Add(s.life)
}

// single is for evidence of single events: about one, or about days with none, or a list of all in some days.
func (s *span) single(e *grc.Evidence, zone *time.Location) {
	day, err := check.ParseDay(string(e.EventOn))
	listed := s.key.Type == "population" && e.CoversFrom != "" && e.CoversTo != ""
	switch {
	case e.Nothing, listed && err != nil:
		s.empty = e.Nothing || e.Rows != nil && *e.Rows == 0
		s.life = nilDays * 24 * time.Hour
		s.until = (s.last + 1 + nilDays).Start(zone)
	case err != nil || e.Event == "":
		s.why = "it names no event"
	default:
		days := check.Day(eventDays)
		if s.key.ValidityDays > 0 {
			days = check.Day(s.key.ValidityDays)
		}
		s.event, s.first, s.last = true, day, day
		s.life = time.Duration(days) * 24 * time.Hour
		s.until = (day + 1 + days).Start(zone)
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
func (b *Board) evidenceOf(c *grc.Control) []EvidenceLine {
	out := make([]EvidenceLine, len(c.Evidence))
	for i, k := range c.Evidence {
		out[i] = EvidenceLine{Kind: k}
		out[i].State, out[i].Piece, out[i].Until = b.stateOn(c, k, b.Now)
	}
	return out
}

// stateOn is how a kind of evidence stood at a moment, with the piece that decided.
func (b *Board) stateOn(c *grc.Control, k grc.EvidenceKind, at time.Time) (EvidenceState, *grc.Evidence, time.Time) {
	return b.standing(b.data.evidence[c.ID], k, at)
}

// standing is stateOn with some pieces of a control.
func (b *Board) standing(pieces []*grc.Evidence, k grc.EvidenceKind, at time.Time) (EvidenceState, *grc.Evidence, time.Time) {
	state := EvidenceMissing
	single := k.Frequency == "per_event"
	if single {
		state = EvidenceNotDue
	}
	var piece *grc.Evidence
	var until time.Time
	for _, e := range pieces {
		if e.EvidenceKey != k.Key || e.ReviewedAt.After(at) {
			continue
		}
		p := b.spanOf(e, k)
		s := p.at(at)
		switch {
		case s == EvidenceMissing,
			single && s == EvidenceExpired,                          // it proves an event that is long past
			single && s == EvidenceWithdrawn && !at.Before(p.until), // and so did this
			s == EvidenceWithdrawn && p.empty,                       // no event is known of that would want proof
			s == EvidenceNilDeclared && known(pieces, k, p, at):
			continue
		}
		if better(s, state) || s == state && p.until.After(until) {
			state, piece, until = s, e, p.until
			if s == EvidenceWithdrawn {
				until = time.Time{}
			}
		}
	}
	return state, piece, until
}

// known says whether an event is known that happened on one of the days for which a piece says that nothing did.
func known(pieces []*grc.Evidence, k grc.EvidenceKind, nothing *span, at time.Time) bool {
	for _, e := range pieces {
		if e.EvidenceKey != k.Key || e.EventOn == "" || e.ReviewedAt.After(at) {
			continue
		}
		if d, err := check.ParseDay(string(e.EventOn)); err == nil && d >= nothing.first && d <= nothing.last {
			return true
		}
	}
	return false
}

// spanOf is the span of a piece, found out once.
func (b *Board) spanOf(e *grc.Evidence, k grc.EvidenceKind) *span {
	if x, ok := b.spans.Load(e); ok {
		if s := x.(*span); s.key.Type == k.Type && s.key.Frequency == k.Frequency && s.key.ValidityDays == k.ValidityDays {
			return s
		}
	}
	s := spanOf(e, k, b.Zone)
	b.spans.Store(e, &s)
	return &s
}

// withdrawnLater finds the piece that a kind of evidence rested on at the end of a day, and that was withdrawn or superseded
// since: the letter of the day stays, and the day is marked. The moment is that of the withdrawal. nil where there is none, or
// where other pieces prove the day as well.
func (b *Board) withdrawnLater(c *grc.Control, k grc.EvidenceKind, day check.Day) (*grc.Evidence, time.Time) {
	end := (day + 1).Start(b.Zone).Add(-time.Millisecond)
	all := b.data.evidence[c.ID]
	gone := func(e *grc.Evidence) bool { at := e.EndedAt(); return !at.IsZero() && !at.After(b.Now) }
	if end.After(b.Now) || !slices.ContainsFunc(all, gone) {
		return nil, time.Time{}
	}
	was, e, _ := b.standing(all, k, end)
	if e == nil || was == EvidenceWithdrawn || !gone(e) {
		return nil, time.Time{}
	}
	if still, _, _ := b.standing(slices.DeleteFunc(slices.Clone(all), gone), k, end); still == was {
		return nil, time.Time{}
	}
	return e, e.EndedAt()
}

var evidenceRank = map[EvidenceState]int{EvidenceCurrent: 0, EvidenceExpiring: 1, EvidenceNilDeclared: 2, EvidenceExpired: 3, EvidenceWithdrawn: 4, EvidenceMissing: 5, EvidenceNotDue: 5}

func better(a, b EvidenceState) bool { return evidenceRank[a] < evidenceRank[b] }

// idle says that there was nothing to prove: no event is known. It is never proof by itself.
func (e EvidenceState) idle() bool { return e == EvidenceNotDue || e == EvidenceNilDeclared }

// windowOf is the calendar window of a frequency that a day lies in, with its first and last day.
func windowOf(f grc.Frequency, d check.Day) (first, last check.Day) {
	t := time.Unix(int64(d)*86400, 0).UTC()
	y, m, _ := t.Date()
	months := map[grc.Frequency]int{"monthly": 1, "quarterly": 3, "half_yearly": 6}[f]
	switch f {
	case "continuous", "daily":
		return d, d
	case "weekly":
		first = d - check.Day((int(t.Weekday())+6)%7)
		return first, first + 6
	}
	if months == 0 {
		months = 12
	}
	from := time.Date(y, (m-1)/time.Month(months)*time.Month(months)+1, 1, 0, 0, 0, 0, time.UTC)
	return check.DayOf(from, time.UTC), check.DayOf(from.AddDate(0, months, -1), time.UTC)
}

func windowWord(f grc.Frequency) string {
	switch f {
	case "continuous", "daily":
		return "day"
	case "weekly":
		return "week"
	case "monthly":
		return "month"
	case "quarterly":
		return "quarter"
	case "half_yearly":
		return "half-year"
	}
	return "year"
}
