// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"
)

// What happened at a company as a list of events, and what of it is known at a moment: its days, and what was in force on them.

// event is one thing that happened at a company. A history is a list of them, in the order of time.
type event struct {
	At        time.Time
	What      string            // what happened; see world
	Who       string            // the control, criterion, policy, test, time zone or list of categories that it is about
	ID        string            // of what later events name again
	Action    string            // of a version: change, activate, retire; of a control: active or draft
	Terms     *terms            // what a control says from then on
	Day, To   string            // first and last date, where dates are named
	Runs      map[string]string // of a check: what each test came to
	Windows   map[string]window // of a check: what the tests over events came to beside that
	Collected time.Time         // of a late run: when the server began to collect; of a pause: its start
	Until     time.Time
	Piece     *piece
	Days      int // after how many days a policy is reviewed
}

type terms struct {
	Tests    map[string]string // required or supporting
	Kinds    []ekind
	Policies []string
	Criteria []string
	Weight   int64
	Weekly   bool // performed in each week, else continuous
	Grace    int
}

type ekind struct {
	Key      string
	Event    bool // of single events, else taken again and again
	Valid    int  // days
	Required bool
}

type piece struct {
	Control, Key, From, To, Until, On string
	Taken                             time.Time
	Nil, NoFile                       bool
}

// world is what is known at a moment: the events until then. Everything below is computed from them alone.
type world struct {
	t       time.Time
	all     []event
	first   time.Time      // of the table of quarters
	quarter []int          // the date of each quarter of an hour
	kept    map[string]any // what was computed before
}

// once computes something once.
func once[T any](w *world, key string, f func() T) T {
	if x, ok := w.kept[key]; ok {
		return x.(T)
	}
	x := f()
	w.kept[key] = x
	return x
}

const quarter = 15 * time.Minute

func knownAt(all []event, t time.Time) *world {
	w := &world{t: t, kept: map[string]any{}, first: all[0].At.Truncate(24*time.Hour).AddDate(0, 0, -20)}
	for _, e := range all {
		if !e.At.After(t) {
			w.all = append(w.all, e)
		}
	}
	zone, _ := time.LoadLocation(all[0].Who)
	next, changes := zone, w.of("zone", "")
	for m, last := w.first, 0; m.Before(t.AddDate(0, 0, 50)); m = m.Add(quarter) {
		for ; len(changes) > 0 && !changes[0].At.After(m); changes = changes[1:] {
			next, _ = time.LoadLocation(changes[0].Who)
		}
		d := max(dateOf(m.In(zone)), last) // never a day that is over
		if d > last && zone != next {      // the day ends, and another zone holds from here
			zone = next
			d = max(dateOf(m.In(zone)), last)
		}
		w.quarter, last = append(w.quarter, d), d
	}
	return w
}

func dateOf(m time.Time) int {
	y, mo, d := m.Date()
	return int(time.Date(y, mo, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func date(s string) int { t, _ := time.Parse(time.DateOnly, s); return dateOf(t) }

func (w *world) dayOf(m time.Time) int { return w.quarter[int(m.Sub(w.first)/quarter)] }

// start is the first moment of a date, or of the next one where it was skipped.
func (w *world) start(d int) time.Time {
	i := sort.SearchInts(w.quarter, d)
	if i == 0 || i == len(w.quarter) {
		return time.Unix(int64(d)*86400, 0)
	}
	return w.first.Add(time.Duration(i) * quarter)
}

// of lists events of a kind that name a subject or an id; an empty one is any.
func (w *world) of(what, name string) (out []event) {
	for _, e := range w.all {
		if e.What == what && (name == "" || e.Who == name || e.ID == name) {
			out = append(out, e)
		}
	}
	return out
}

type span struct{ from, to time.Time }

func (s span) has(m time.Time) bool { return !m.Before(s.from) && (s.to.IsZero() || m.Before(s.to)) }

func within(all []span, m time.Time) bool {
	return slices.ContainsFunc(all, func(s span) bool { return s.has(m) })
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// away is when a control or criterion did not apply: from the approval, and until a revocation.
func (w *world) away(subject string) []span {
	return once(w, "away "+subject, func() []span { return w.findAway(subject) })
}

func (w *world) findAway(subject string) (out []span) {
	for _, e := range w.of("decide", subject) {
		s := span{from: e.At}
		if e.Day != "" {
			s.from = later(e.At, w.start(date(e.Day)))
		}
		if e.To != "" {
			s.to = w.start(date(e.To) + 1)
		}
		for _, r := range w.of("revoke", e.ID) {
			s.to = earlier(s.to, r.At)
		}
		out = append(out, s)
	}
	return out
}

// def is a definition of a control with the moment from which it holds; without terms it is not in force.
type def struct {
	since time.Time
	*terms
	own bool // confirmed or approved by the company, and no longer the text of the library
}

func (w *world) defs(control string) []def {
	return once(w, "defs "+control, func() []def { return w.findDefs(control) })
}

func (w *world) findDefs(control string) []def {
	var out []def
	for _, e := range w.all {
		switch {
		case e.What == "control" && e.Who == control && e.Action == "active":
			out = append(out, def{e.At, e.Terms, false})
		case e.What == "confirm" && e.Who == control:
			out = append(out, def{e.At, nil, true})
		case e.What == "approve" && e.Who == control:
			p, from := w.of("propose", e.ID)[0], e.At
			if p.Day != "" {
				from = later(e.At, w.start(date(p.Day)))
			}
			if b := w.of("withdraw", e.ID); from.After(w.t) || len(b) > 0 {
				continue
			}
			x := def{from, p.Terms, true}
			if p.Action == "retire" {
				x.terms, x.own = nil, false
			}
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b def) int { return a.since.Compare(b.since) })
	for i := range out {
		if out[i].terms == nil && out[i].own { // the text that there was, confirmed
			out[i].terms = out[i-1].terms
		}
	}
	return out
}

// holds is the definition that judges a control at a moment; without terms there is none.
func (w *world) holds(control string, m time.Time) (d def) {
	for _, x := range w.defs(control) {
		if !x.since.After(m) {
			d = x
		}
	}
	if within(w.away(control), m) {
		d.terms = nil
	}
	return d
}

// window is what a test over events came to for the letter of the day, and how many events of its window were late.
type window struct {
	day  string
	late int64
}

// run is one run of a test: when it counts, what it came to, and what of that the day takes: the same, but of a test over
// events. A late one counts for the day of its data, for 48 hours after its close.
type run struct {
	at         time.Time
	state, day string
	late       bool
	lapses     int64 // events that were late
}

func (w *world) runs(test string) []run {
	return once(w, "runs "+test, func() []run { return w.findRuns(test) })
}

func (w *world) findRuns(test string) (out []run) {
	for _, e := range w.all {
		switch {
		case e.What == "check" && e.Runs[test] != "":
			r := run{at: e.At, state: e.Runs[test], day: e.Runs[test]}
			if x, events := e.Windows[test]; events {
				r.day, r.lapses = x.day, x.late
			}
			out = append(out, r)
		case e.What == "late" && e.Who == test && e.At.Before(w.start(w.dayOf(e.Collected)+1).Add(50*time.Hour)):
			out = append(out, run{at: e.Collected, state: e.ID, day: e.ID, late: true})
		}
	}
	slices.SortStableFunc(out, func(a, b run) int { return a.at.Compare(b.at) })
	return out
}

func completed(state string) bool { return state != "error" && state != "unknown" }

func (w *world) pauses(test string) (out []span) {
	for _, e := range w.of("pause", test) {
		s := span{later(e.At, e.Collected), e.Until}
		for _, r := range w.of("unpause", e.ID) {
			s.to = earlier(s.to, r.At)
		}
		out = append(out, s)
	}
	return out
}

// part is a stretch of a day with the definition that judges it.
type part struct {
	span
	def
}

// parts cuts a stretch where the definition of a control changes.
func (w *world) parts(control string, day span) (out []part) {
	cuts := []time.Time{day.from, day.to}
	for i, d := range w.defs(control) {
		if i == 0 || d.terms == nil || d.terms != w.defs(control)[i-1].terms { // to confirm a text changes nothing of it
			cuts = append(cuts, d.since)
		}
	}
	for _, s := range w.away(control) {
		cuts = append(cuts, s.from, s.to)
	}
	cuts = slices.DeleteFunc(cuts, func(m time.Time) bool { return m.Before(day.from) || m.After(day.to) })
	slices.SortFunc(cuts, time.Time.Compare)
	for i := range cuts[1:] {
		if cuts[i].Before(cuts[i+1]) {
			out = append(out, part{span{cuts[i], cuts[i+1]}, w.holds(control, cuts[i])})
		}
	}
	return out
}

// moments are those at which anything may change in a stretch, and its first.
func (w *world) moments(control string, s span, began time.Time) []time.Time {
	out := []time.Time{s.from}
	add := func(m time.Time) {
		if m.After(s.from) && m.Before(s.to) && !m.After(w.t) {
			out = append(out, m)
		}
	}
	add(began)
	for _, e := range w.all {
		add(e.At)
	}
	for d := w.dayOf(s.from); d <= w.dayOf(s.to)+1; d++ {
		add(w.start(d))
	}
	for _, d := range w.defs(control) {
		for _, m := range slices.Clone(out) {
			if d.terms != nil {
				for _, k := range d.Kinds {
					_, until := w.proof(control, k, m)
					add(until)
				}
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

func (w *world) day(d int) span { return span{w.start(d), w.start(d + 1)} }

// scope cuts a stretch to where a criterion is in scope.
func (w *world) scope(criterion, category string, s span) (out []span) {
	var in []span
	for _, e := range w.of("scope", "") {
		if len(in) > 0 && in[len(in)-1].to.IsZero() {
			in[len(in)-1].to = e.At
		}
		if slices.Contains(strings.Split(e.ID, ","), category) {
			in = append(in, span{from: e.At})
		}
	}
	cuts := []time.Time{s.from, s.to}
	for _, x := range append(w.away(criterion), in...) {
		cuts = append(cuts, x.from, x.to)
	}
	cuts = slices.DeleteFunc(cuts, func(m time.Time) bool { return m.Before(s.from) || m.After(s.to) })
	slices.SortFunc(cuts, time.Time.Compare)
	for i := range cuts[1:] {
		if m := cuts[i]; m.Before(cuts[i+1]) && within(in, m) && !within(w.away(criterion), m) {
			out = append(out, span{m, cuts[i+1]})
		}
	}
	return out
}

// started is when a control was first proved in any way: a test that it required then came to an end, or evidence that it
// required then was accepted.
func (w *world) started(control string) time.Time {
	return once(w, "started "+control, func() time.Time { return w.findStarted(control) })
}

func (w *world) findStarted(control string) (at time.Time) {
	for _, e := range w.all {
		d := w.holds(control, e.At)
		if a := w.of("submit", e.ID); e.What == "accept" && e.Who == control && d.terms != nil && (!a[0].Piece.NoFile || a[0].Piece.Nil) {
			if slices.ContainsFunc(d.Kinds, func(k ekind) bool { return k.Required && k.Key == a[0].Piece.Key }) {
				at = earlier(at, e.At)
			}
		}
	}
	for _, m := range w.turns(control) { // what was accepted before the control asked for it
		for _, k := range w.holds(control, m).required() {
			if state, _ := w.proof(control, k, m); state == "current" || state == "nil" {
				at = earlier(at, m)
			}
		}
	}
	for _, test := range testIDs {
		for _, r := range w.runs(test) {
			if d := w.holds(control, r.at); completed(r.state) && d.terms != nil && d.Tests[test] == "required" {
				at = earlier(at, r.at)
			}
		}
	}
	return at
}

// turns are the moments at which a control became something else.
func (w *world) turns(control string) (out []time.Time) {
	for _, d := range w.defs(control) {
		out = append(out, d.since)
	}
	for _, s := range w.away(control) {
		out = append(out, s.to)
	}
	return slices.DeleteFunc(out, func(m time.Time) bool { return m.IsZero() || m.After(w.t) })
}

// firstAsked says whether a control that was there before asks for a kind of evidence for the first time on the day of a part.
func (w *world) firstAsked(control, key string, p part) bool {
	since, first := time.Time{}, time.Time{}
	for _, d := range w.defs(control) {
		if d.terms != nil && !d.since.After(p.from) {
			first = earlier(first, d.since)
		}
		asks := d.terms != nil && slices.ContainsFunc(d.required(), func(k ekind) bool { return k.Key == key })
		switch {
		case d.since.After(p.from):
		case !asks:
			since = time.Time{}
		case since.IsZero():
			since = d.since
		}
	}
	return !since.IsZero() && !since.Equal(first) && w.dayOf(since) == w.dayOf(p.from)
}

// required is the stretch around a part in which the definitions require a test: it is judged by the runs of all of them.
func required(test string, all []part, p part) span {
	s, before := p.span, true
	for _, x := range all {
		switch requires := x.terms != nil && x.Tests[test] == "required"; {
		case x.span == p.span:
			before = false
		case before && !requires:
			s.from = p.from
		case before && s.from.Equal(p.from):
			s.from = x.from
		case !before && requires && s.to.Equal(x.from):
			s.to = x.to
		}
	}
	return s
}

func worst(letters ...string) string {
	for _, l := range []string{"F", "E", "N", "Z", "X", "P"} {
		if slices.Contains(letters, l) {
			return l
		}
	}
	return "–"
}

var score = map[string]*big.Rat{"passing": big.NewRat(1, 1), "needs_attention": big.NewRat(1, 2), "failing": {}, "no_data": {}, "not_started": {}}

// paused says whether a pause of a test covers any part of some stretches.
func (w *world) paused(test string, spans []span) bool {
	return slices.ContainsFunc(w.pauses(test), func(p span) bool {
		return p.from.Before(p.to) && slices.ContainsFunc(spans, func(s span) bool { return p.from.Before(s.to) && s.from.Before(p.to) })
	})
}

// newest is the newest run of a test, and the newest that came to an end. What is late says what its day came to, and not
// what the test comes to now.
func (w *world) newest(test string) (last, done run) {
	for _, r := range w.runs(test) {
		if r.late {
			continue
		}
		if last = r; completed(r.state) {
			done = r
		}
	}
	return last, done
}
