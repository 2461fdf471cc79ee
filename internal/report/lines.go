// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// tests lays every test that was run, or that the catalogue has, over the days.
func (b *Board) tests(cat *check.Catalogue) error {
	ids := map[string]bool{}
	for _, r := range cat.Rules() {
		if only := b.data.only; only != nil && !slices.Contains(only.tests(), r.ID()) {
			continue
		}
		b.Tests[r.ID()] = ruleLine(cat, r)
		ids[r.ID()] = true
	}
	for _, off := range cat.Disabled() {
		if only := b.data.only; only == nil || slices.Contains(only.tests(), off.ID) {
			b.Tests[off.ID] = &TestLine{ID: off.ID, Off: &off}
			ids[off.ID] = true
		}
	}
	for id := range b.dated.changes {
		if !ids[id] {
			b.Tests[id] = &TestLine{ID: id}
		}
	}
	runs := map[string][]check.RunAt{}
	for id, t := range b.Tests {
		which := b.scopesOf(id)
		if _, done := runs[which]; !done {
			runs[which] = b.runsOf(id)
		}
		t.Paused = check.Covers(b.data.pauses[id], b.Now)
		t.runs = runs[which]
		t.fill(b.data.states[id], b.dated.changes[id], t.runs)
		t.window(b.data.windows[id])
		h := check.TestHistory{Pauses: b.data.pauses[id], Changes: make([]check.StateChange, 0, len(b.dated.letters[id])), Dates: []check.Stretch{{From: b.since(t)}}}
		for _, s := range b.dated.letters[id] {
			h.Changes = append(h.Changes, check.StateChange{At: s.At, State: s.Verdict.RunState()})
		}
		for _, l := range b.dated.lates[id] {
			h.Late = append(h.Late, check.RunLate{At: l.Collected, Evaluated: l.At, State: l.Verdict.RunState()})
		}
		t.history = h
	}
	return b.cells(runs)
}

// cells lays the runs of the tests over the days.
func (b *Board) cells(runs map[string][]check.RunAt) error {
	placed := map[string]*check.Placed{}
	for id, t := range b.Tests {
		var old []check.DayCell
		if b.was != nil && b.was.Tests[id] != nil {
			old = b.was.Tests[id].Cells[b.anew:]
		}
		which := fmt.Sprint(b.scopesOf(id), len(old))
		if placed[which] == nil {
			var err error
			if placed[which], err = check.NewStrip(b.dated.days, b.Now, len(b.Days)-len(old)).Place(t.runs); err != nil {
				return fmt.Errorf("runs of %s: %w", id, err)
			}
		}
		t.Cells = append(placed[which].Letters(nil, t.history), old...)
	}
	return nil
}

// since is the moment from which there was a test: with the organisation, or when it was first run.
func (b *Board) since(t *TestLine) time.Time {
	if std, err := check.Standard(); err == nil {
		if _, ours := std.Rule(t.ID); ours {
			return b.dated.began
		}
	}
	if changes := b.dated.changes[t.ID]; len(changes) > 0 {
		return changes[0].At
	}
	return b.Now
}

// ruleLine is a test of the catalogue with what the company made of it.
func ruleLine(cat *check.Catalogue, r *check.Rule) *TestLine {
	t := &TestLine{ID: r.ID(), Rule: r}
	if x, ok := cat.Changed(r.ID()); ok {
		t.Changed = &x
	}
	if x, ok := cat.Added(r.ID()); ok {
		t.Added = &x
	}
	return t
}

// off says how a test is not in force; it is empty where it is.
func (t *TestLine) off() string {
	switch {
	case t.Off != nil:
		return "switched off: " + t.Off.Reason
	case t.Rule == nil:
		return "no longer in the catalogue"
	}
	return ""
}

// scopesOf names the lists of tests in which a test stands: tests with the same name share their runs.
func (b *Board) scopesOf(id string) string {
	out := []string{}
	for scope, names := range b.dated.plans {
		if names[id] {
			out = append(out, scope)
		}
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

func (b *Board) runsOf(id string) []check.RunAt {
	var out []check.RunAt
	for _, c := range b.dated.checks {
		if b.dated.plans[c.Scope][id] {
			out = append(out, check.RunAt{At: c.At})
		}
	}
	return out
}

// fill sets what a test came to last, when it was last run, and when it last came to an end.
func (t *TestLine) fill(now check.State, changes []change, runs []check.RunAt) {
	if len(changes) == 0 {
		return
	}
	t.State, t.Known = now, true
	t.Latest = t.State.At
	if len(runs) > 0 && runs[len(runs)-1].At.After(t.Latest) {
		t.Latest = runs[len(runs)-1].At
	}
	until := t.Latest
	for i := len(changes) - 1; i >= 0; i-- {
		if ended(changes[i].Verdict.RunState()) {
			t.Done, t.Completed = changes[i].Verdict.RunState(), changes[i].At
			for _, r := range runs {
				if r.At.After(t.Completed) && !r.At.After(until) {
					t.Completed = r.At
				}
			}
			return
		}
		until = changes[i].At.Add(-time.Millisecond)
	}
}

func ended(s check.RunState) bool {
	return s == check.RunPassed || s == check.RunFailed || s == check.RunExcepted || s == check.RunNotApplicable
}

// window sets which lapses the window has; none where the test does not judge events.
func (t *TestLine) window(w check.Window) {
	if w.Verdict != check.Gone {
		t.Late, t.Open, t.WindowDays = int(w.Late), int(w.Open), int(w.Days)
	}
}

// controls judges every control that is in force, and those that were on one of the days.
func (b *Board) controls() {
	all := b.dated.controls
	if b.data.only != nil {
		all = []*controlPast{b.data.only}
	}
	oldest := b.starts[len(b.starts)-1]
	for _, p := range all {
		last := -1 // the newest era that has begun
		for i := range p.eras {
			if !p.eras[i].From.After(b.Now) {
				last = i
			}
		}
		if last < 0 {
			continue
		}
		end := p.eras[last].To
		if gone := !end.IsZero() && !end.After(b.Now); gone && !end.After(oldest) && b.data.only == nil {
			continue
		}
		b.control(p, &p.eras[last])
	}
}

func (b *Board) control(p *controlPast, last *era) {
	l := &ControlLine{Control: last.def, past: p}
	if during(last.stretch, b.Now) {
		now := *p.newest // who owns it is as it is now
		now.SetTerms(last.def.Terms())
		now.VersionNo, now.VersionFrom = max(now.VersionNo, last.def.VersionNo), last.From
		l.Control = &now
		b.Controls = append(b.Controls, l)
	} else {
		l.Retired = last.To
		b.Former = append(b.Former, l)
	}
	l.Occurrences = b.occurrences(p)
	b.daysOf(l)
	l.Evidence = b.evidenceOf(l)
	l.Facts = b.factsOf(l, l.Evidence)
	l.Health = HealthOf(l.Facts, b.Now)
	l.Letters = make([]check.Letter, len(l.Days))
	for i := range l.Days {
		l.Letters[i] = l.Days[i].Letter
	}
	b.byID[p.newest.ID] = l
}

// policyOn is how a policy stood at a moment.
func (b *Board) policyOn(ref string, at time.Time) PolicyState { return b.dated.policyAt(ref, at) }

// ruled says why something does not apply at a moment; empty where it does.
func (b *Board) ruled(at time.Time, names ...string) string {
	for _, r := range b.dated.rulings(names...) {
		if during(r.stretch, at) {
			return r.why
		}
	}
	return ""
}

func (b *Board) factsOf(l *ControlLine, evidence []EvidenceLine) ControlFacts {
	c := l.Control
	f := ControlFacts{NotApplicable: b.ruled(b.Now, c.Ref, c.ID) != "", HasOwner: c.Owner != "", OverdueTasks: b.data.overdue[c.ID], TextAwaitingApproval: l.past.proposed > 0, Designed: l.past.designed(b.Now),
		Started: !l.began.IsZero()}
	f.OverdueOccurrences, f.AwaitedOccurrences = l.due(b.Now)
	f.UpcomingOccurrences = l.upcoming(b.Now)
	for _, k := range c.Evidence {
		if k.Required {
			f.OpenEvents += b.openEvents(c, k)
		}
	}
	f.RecentLapses = lapses(l.Occurrences, b.Now.AddDate(0, 0, -operatingDays), b.Now)
	for _, t := range c.Tests {
		x := TestFacts{Test: t.Test, Required: t.Role != "supporting", Interval: 24 * time.Hour, Paused: check.Covers(b.data.pauses[t.Test], b.Now)}
		if l := b.Tests[t.Test]; l != nil {
			x.Off = l.off()
		}
		if l := b.testOf(t); l != nil && l.Known {
			x.Latest, x.Completed, x.CompletedAt = l.State.Verdict.RunState(), l.Done, l.Completed
			x.Late, x.WindowDays = l.Late, l.WindowDays
			if l.Rule != nil {
				x.Interval = time.Duration(l.Rule.Def.IntervalHours) * time.Hour
			}
		}
		f.Tests = append(f.Tests, x)
		for _, e := range b.data.exceptions {
			if e.Test == t.Test {
				f.ActiveExceptions++
			}
		}
	}
	for _, e := range b.data.exceptions {
		if e.Control == c.ID && e.Test == "" {
			f.ActiveExceptions++
		}
	}
	for _, e := range evidence {
		f.Evidence = append(f.Evidence, EvidenceFacts{Title: e.Kind.Title, Required: e.Kind.Required, State: e.State})
	}
	for _, p := range c.Policies {
		f.Policies = append(f.Policies, PolicyFacts{Ref: p, State: b.policyOn(p, b.Now)})
	}
	return f
}

// testOf is how a test stands for a control: of one that it counts for on some policies alone, judged over the rows of
// these and over no others. It is nil where there is no such test.
func (b *Board) testOf(t grc.ControlTest) *TestLine {
	whole := b.Tests[t.Test]
	if len(t.OnlyPolicies) == 0 || whole == nil {
		return whole
	}
	key := t.Test + "|" + strings.Join(t.OnlyPolicies, "|")
	if l, ok := b.data.narrowed.Load(key); ok {
		return l.(*TestLine)
	}
	l := &TestLine{ID: t.Test, Rule: whole.Rule, runs: whole.runs, history: check.TestHistory{Pauses: whole.history.Pauses, Dates: whole.history.Dates}} // late runs keep no rows: they say nothing of some policies alone
	var old []check.DayCell
	if was := b.settledNarrowed(key); was != nil {
		l.own, l.history.Changes, old = was.own, was.history.Changes, was.Cells[b.anew:]
	} else {
		l.own, l.history.Changes = b.data.narrow.Changes(t.Test, t.OnlyPolicies), b.data.narrow.Letters(t.Test, t.OnlyPolicies)
	}
	if all := l.own; len(all) > 0 {
		words := make([]change, len(all))
		for i, c := range all {
			words[i] = change{Verdict: wordOf(c.State), At: c.At}
		}
		l.fill(check.State{Test: t.Test, Verdict: words[len(words)-1].Verdict, At: words[len(words)-1].At}, words, l.runs)
	}
	l.Cells = make([]check.DayCell, len(b.Days))
	if placed, err := check.NewStrip(b.dated.days, b.Now, len(b.Days)-len(old)).Place(l.runs); err == nil { // in order: tests() has placed them
		l.Cells = append(placed.Letters(nil, l.history), old...)
	}
	kept, _ := b.data.narrowed.LoadOrStore(key, l) // a board is asked by many at once
	return kept.(*TestLine)
}

// settledNarrowed is a test over the rows of some policies on the board from which settled days come; nil where there is none.
func (b *Board) settledNarrowed(key string) *TestLine {
	if b.was == nil {
		return nil
	}
	l, _ := b.was.data.narrowed.Load(key)
	was, _ := l.(*TestLine)
	return was
}

// wordOf is the word for the state of a run.
func wordOf(s check.RunState) check.Word {
	return map[check.RunState]check.Word{check.RunPassed: "pass", check.RunFailed: "fail", check.RunExcepted: "excepted", check.RunErrored: "error", check.RunUnknown: "unknown", check.RunNotApplicable: "not_applicable"}[s]
}
