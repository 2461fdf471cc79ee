// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// dayPart is what a stretch of a day came to under one definition of a control. Most days have one part, and on days
// alike it is the same.
type dayPart struct {
	stretch
	era *era
	day ControlDay
}

// tests names every test that a control ever had.
func (p *controlPast) tests() []string {
	var out []string
	for _, e := range p.eras {
		for _, t := range e.def.Tests {
			if !slices.Contains(out, t.Test) {
				out = append(out, t.Test)
			}
		}
	}
	return out
}

// designed says whether the text of a control was the company's own at a moment.
func (p *controlPast) designed(at time.Time) bool {
	return slices.ContainsFunc(p.own, func(s stretch) bool { return during(s, at) })
}

// terms are the stretches in which a control counted, each with its definition: in force, and not decided away.
func (b *Board) terms(p *controlPast) []era {
	out := make([]era, 0, len(p.eras))
	rulings := b.dated.rulings(p.newest.Ref, p.newest.ID)
	for i := range p.eras {
		for _, s := range without(p.eras[i].stretch, rulings) {
			out = append(out, era{s, p.eras[i].def})
		}
	}
	return out
}

// daysOf judges a control on each day by what was in force on it. On a day on which its definition changed, the old one
// judges its part of the day and the new one the rest, and the worse letter holds.
func (b *Board) daysOf(l *ControlLine) {
	l.Days, l.parts = make([]ControlDay, len(b.Days)), make([][]dayPart, len(b.Days))
	terms := b.terms(l.past)
	started := b.started(l.past, terms)
	l.began = started
	anew := len(b.Days)
	if old := b.settledControl(l.past); old != nil {
		anew = b.anew
		copy(l.Days[anew:], old.Days[anew:])
		copy(l.parts[anew:], old.parts[anew:])
	}
	j := &dayJudge{b: b, line: l}
	next := len(terms) - 1 // the newest that may reach into the day
	var last DayFacts      // of the day after, which is most often the same
	var whole *era         // that judged the whole of the day after
	for i := range anew {
		from, to := b.starts[i+1], b.starts[i]
		if now := b.Now.Add(time.Millisecond); to.After(now) {
			to = now
		}
		for next >= 0 && !terms[next].From.Before(to) {
			next--
		}
		first := next
		for first >= 0 && (terms[first].To.IsZero() || terms[first].To.After(from)) {
			first--
		}
		switch within := terms[first+1 : next+1]; {
		case len(within) == 0 || !from.Before(to):
			l.Days[i] = ControlDay{Letter: check.NotApplicable}
		case started.IsZero() || !started.Before(b.starts[i]):
			l.Days[i] = ControlDay{Letter: check.NoData, Causes: []CauseClass{NotYetStarted}}
			for k := range within {
				l.parts[i] = append(l.parts[i], dayPart{clip(within[k].stretch, from, to), &within[k], l.Days[i]})
			}
		case len(within) == 1 && !within[0].From.After(from) && (within[0].To.IsZero() || !within[0].To.Before(to)):
			f := j.facts(&within[0], i, from, to)
			if whole == &within[0] && f.same(last) {
				l.Days[i], l.parts[i] = l.Days[i-1], l.parts[i-1]
				continue
			}
			l.Days[i] = DayOfControl(f)
			l.parts[i] = []dayPart{{stretch{From: from, To: to}, &within[0], l.Days[i]}}
			last, whole = f.clone(), &within[0]
			continue
		default:
			for k := range within {
				s := clip(within[k].stretch, from, to)
				l.parts[i] = append(l.parts[i], dayPart{s, &within[k], DayOfControl(j.part(terms, first+1+k, i, s))})
			}
			l.Days[i] = worstPart(l.parts[i])
		}
		whole = nil
	}
}

// settledControl is the line of a control on the board from which settled days come; nil where there is none.
func (b *Board) settledControl(p *controlPast) *ControlLine {
	if b.was == nil {
		return nil
	}
	return b.was.byID[p.newest.ID]
}

// partsIn are the parts of a day. Days alike share one that was made for the newest of them: here it has the times of the day.
func (c *ControlLine) partsIn(i int, day stretch) []dayPart {
	parts := c.parts[i]
	if len(parts) == 1 {
		if _, any := meet(parts[0].stretch, day); !any {
			return []dayPart{{day, parts[0].era, parts[0].day}}
		}
	}
	return parts
}

func clip(s stretch, from, to time.Time) stretch {
	if s.From.Before(from) {
		s.From = from
	}
	if s.To.IsZero() || s.To.After(to) {
		s.To = to
	}
	return s
}

// worstPart is the day of which these are parts.
func worstPart(parts []dayPart) ControlDay {
	out := ControlDay{Letter: check.NotApplicable}
	for _, p := range parts {
		switch {
		case p.day.Letter == out.Letter:
			for _, c := range p.day.Causes {
				if !slices.Contains(out.Causes, c) {
					out.Causes = append(slices.Clip(out.Causes), c)
				}
			}
		case p.day.Letter.Worse(out.Letter):
			out = p.day
		}
	}
	return out
}

// started is the moment from which a control is judged: when a required test first completed, whatever it came to, or
// required evidence was first accepted; zero where neither has happened.
func (b *Board) started(p *controlPast, terms []era) time.Time {
	var first time.Time
	sooner := func(at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	for i := range terms {
		e := &terms[i]
		for _, t := range e.def.Tests {
			if l := b.Tests[t.Test]; l != nil && t.Role != "supporting" {
				if at := b.completedIn(l, e.stretch); !at.IsZero() {
					sooner(at)
				}
			}
		}
		for _, k := range e.def.Evidence {
			for _, x := range b.spansOf(e.def, k) {
				if k.Required && x.why == "" && during(e.stretch, x.from) { // context proves nothing, and starts nothing
					sooner(x.from)
				}
			}
			if s, _, _ := b.stateOn(e.def, k, e.From); k.Required && s.started() && !e.From.After(b.Now) { // it was accepted before, for a draft
				sooner(e.From)
			}
		}
		if !first.IsZero() {
			break // what comes later is later
		}
	}
	return first
}

// completedIn is when a test first came to an end in a stretch, as far back as is known; a late run does not come before an
// earlier one that was in time.
func (b *Board) completedIn(l *TestLine, s stretch) time.Time {
	first := b.inTime(l, s)
	for _, r := range b.dated.lates[l.ID] {
		if during(s, r.Collected) && ended(r.Verdict.RunState()) && (first.IsZero() || r.Collected.Before(first)) {
			first = r.Collected
		}
	}
	return first
}

// inTime is completedIn without late runs.
func (b *Board) inTime(l *TestLine, s stretch) time.Time {
	changes := b.dated.changes[l.ID]
	for i, c := range changes {
		until := time.Time{}
		if i+1 < len(changes) {
			until = changes[i+1].At
		}
		if !ended(c.Verdict.RunState()) || !until.IsZero() && !until.After(s.From) {
			continue
		}
		if during(s, c.At) {
			return c.At
		}
		if !s.To.IsZero() && !c.At.Before(s.To) {
			return time.Time{}
		}
		for _, r := range l.runs { // the same again, in a later run
			if !r.At.Before(s.From) && during(s, r.At) && (until.IsZero() || r.At.Before(until)) {
				return r.At
			}
		}
	}
	return time.Time{}
}

// dayJudge gathers what the letter of a control's day depends on. What it hands out holds until it is asked again.
type dayJudge struct {
	b    *Board
	line *ControlLine
	f    DayFacts
}

// facts are those of a whole day under one definition. What changes within a day counts at its worst: evidence and
// policies are looked at both when the day begins and when it ends, or now.
func (j *dayJudge) facts(e *era, i int, from, to time.Time) DayFacts {
	j.papers(e, from, to)
	j.f.Tests = j.f.Tests[:0]
	for _, t := range e.def.Tests {
		if t.Role == "supporting" {
			continue
		}
		letter := check.NoData
		if l := j.b.testOf(t); l != nil && l.Cells[i].Seen() {
			letter = l.Cells[i].Letter
		}
		j.f.Tests = append(j.f.Tests, letter)
	}
	return j.f
}

// part are those of a part of a day. A test that the definitions before and after it have too is judged by the runs of
// all these parts.
func (j *dayJudge) part(terms []era, at, i int, s stretch) DayFacts {
	e := &terms[at]
	j.papers(e, s.From, s.To)
	j.f.Tests = j.f.Tests[:0]
	day := stretch{From: j.b.starts[i+1], To: j.b.starts[i]}
	for _, t := range e.def.Tests {
		if t.Role == "supporting" {
			continue
		}
		from, to := e.From, e.To
		for k := at - 1; k >= 0 && terms[k].To.Equal(from) && requires(terms[k].def, t); k-- {
			from = terms[k].From
		}
		for k := at + 1; k < len(terms) && terms[k].From.Equal(to) && requires(terms[k].def, t); k++ {
			to = terms[k].To
		}
		letter := check.NoData
		if l := j.b.testOf(t); l != nil {
			letter = l.in(clip(stretch{From: from, To: to}, day.From, day.To), day.To)
		}
		j.f.Tests = append(j.f.Tests, letter)
	}
	return j.f
}

func requires(c *grc.Control, tie grc.ControlTest) bool {
	return slices.ContainsFunc(c.Tests, func(t grc.ControlTest) bool {
		return t.Test == tie.Test && t.Role != "supporting" && slices.Equal(t.OnlyPolicies, tie.OnlyPolicies)
	})
}

// papers looks at evidence and policies at their worst between two moments. On the day on which a control is proved for the
// first time they are looked at when it ends: whatever belongs to it is brought one after the other.
func (j *dayJudge) papers(e *era, from, to time.Time) {
	last := to.Add(-time.Millisecond)
	j.f.Designed = j.line.past.designed(from)
	j.f.Overdue, j.f.Awaiting = j.line.due(last)
	overdue, awaiting := j.line.due(from) // it may have been done, or have been reviewed, in the course of the day
	j.f.Overdue, j.f.Awaiting = max(j.f.Overdue, overdue), max(j.f.Awaiting, awaiting)
	j.f.Evidence, j.f.Policies = j.f.Evidence[:0], j.f.Policies[:0]
	if j.b.dated.days.DayOf(j.line.began) == j.b.dated.days.DayOf(from) {
		from = last
	}
	for _, k := range e.def.Evidence {
		switch {
		case k.Required && !j.line.began.Before(to):
			j.f.Evidence = append(j.f.Evidence, EvidenceNotDue) // a part of its first day, before anything proved it
		case k.Required:
			j.f.Evidence = append(j.f.Evidence, j.b.stateIn(j.line, e, k, from, to))
		}
	}
	for _, p := range e.def.Policies {
		j.f.Policies = append(j.f.Policies, j.b.dated.policyIn(p, from, to))
	}
}

// stateIn is how a kind of evidence stood in [from, to): at the end, or as it lacked at any moment of it (F-00: for the whole
// or a part of the day). On the day on which a kind is first asked for there is time until the end of it.
func (b *Board) stateIn(l *ControlLine, e *era, k grc.EvidenceKind, from, to time.Time) EvidenceState {
	c, last := e.def, to.Add(-time.Millisecond)
	if from.Sub(e.From) < 26*time.Hour && b.firstAsked(l, e, k.Key, from) {
		from = last
	}
	pieces, told := b.spansOf(c, k), b.claimsOf(c.ID, k)
	moments := []time.Time{from}
	for i := range pieces {
		for _, at := range []time.Time{pieces[i].from, pieces[i].until, pieces[i].ended} {
			if at.After(from) && at.Before(to) {
				moments = append(moments, at)
			}
		}
	}
	for _, at := range moments {
		if s, _, _ := standing(pieces, told, at); l.excused(s, k, at).lacking() {
			return s
		}
	}
	s, _, _ := standing(pieces, told, last)
	return l.excused(s, k, last)
}

// firstAsked says whether a moment lies on the day on which a control that was there before first asked for a kind of evidence.
func (b *Board) firstAsked(l *ControlLine, e *era, key string, at time.Time) bool {
	asked := l.past.asked(e, key)
	return !asked.Equal(l.past.eras[0].From) && b.dated.days.DayOf(asked) == b.dated.days.DayOf(at)
}

// asked is since when a kind of evidence is required without a break. A decision for which a control did not count is none.
func (p *controlPast) asked(e *era, key string) time.Time {
	since := e.From
	for i := len(p.eras) - 1; i >= 0; i-- {
		x := &p.eras[i]
		if x.def == e.def && x.From.Before(since) {
			since = x.From
		}
		if x.To.Equal(since) && slices.ContainsFunc(x.def.Evidence, func(k grc.EvidenceKind) bool { return k.Key == key && k.Required }) {
			since = x.From
		}
	}
	return since
}

// excused is a state of evidence at a moment, with regard to performances: what lacks because one was waived, or awaits its
// review in time, does not fail until the next one is due.
func (c *ControlLine) excused(s EvidenceState, k grc.EvidenceKind, at time.Time) EvidenceState {
	if !s.lacking() {
		return s
	}
	for i := range c.Occurrences {
		o := &c.Occurrences[i]
		if o.asked(at).of(k.Key) == "" || !at.Before(o.Open) || at.Before(o.since) {
			continue
		}
		switch o.State(at) {
		case OccurrenceWaived:
			return EvidenceWaived
		case OccurrenceAwaiting:
			return EvidenceAwaited
		}
	}
	return s
}

// in is the letter of the runs of a test in a part of a day that ends at a moment. A run at the very moment of a change
// counts for what was and for what is: nothing says which of them came first.
func (t *TestLine) in(s stretch, ends time.Time) check.Letter {
	var states []check.RunState
	for _, r := range t.runs {
		if !during(s, r.At) && !(r.At.Equal(s.To) && s.To.Before(ends)) {
			continue
		}
		k := len(t.history.Changes) - 1
		for k >= 0 && t.history.Changes[k].At.After(r.At) {
			k--
		}
		if k >= 0 {
			states = append(states, t.history.Changes[k].State)
		}
	}
	for _, r := range t.history.Late {
		if during(s, r.At) && r.Evaluated.Before(ends.Add(check.LateUntil)) {
			states = append(states, r.State)
		}
	}
	paused := slices.ContainsFunc(t.history.Pauses, func(p check.Stretch) bool { _, any := meet(p, s); return any })
	return check.DayLetter(states, paused, false)
}
