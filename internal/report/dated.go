// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/store"
)

// stretch is a stretch of time, From included and To not; a zero To has no end.
type stretch = check.Stretch

// dated is what was in force when: the definitions of an organisation with their times, as one position of the ledger
// knows them. Everything that judges a day asks it, so that no edit of today reaches a day that is over.
type dated struct {
	at        int64
	began     time.Time // when the organisation came to be
	days      *check.Days
	controls  []*controlPast // by ref
	policies  map[string][]store.Dated[grc.Policy]
	decided   map[string][]ruling // by subject: when it did not apply
	scope     map[string][]stretch
	criteria  []*grc.Requirement // as they are now, in their order
	exists    map[string][]stretch
	newest    map[string]*grc.Policy // by ref, as they are now
	programme []store.Dated[grc.Organization]
	performed map[string][]Performance                // by control id
	claims    map[string][]claim                      // by control id: events that are told of
	waivers   map[string][]store.Dated[grc.Exception] // of whole controls, approved
	checks    []check.Check                           // oldest first
	plans     map[string]map[string]bool              // tests by scope
	changes   map[string][]change                     // by test, oldest first
	letters   map[string][]change                     // the same as the days take it: of a test over events what was due on them
	lates     map[string][]check.Late                 // by test: late runs, oldest first
	over      *overrides                              // what was changed about how days are judged
}

// ruling is a stretch in which something did not apply, and why.
type ruling struct {
	stretch
	why string
}

// held gives the versions that a position of the ledger knows: each for its own time, or for a control of the tests the
// newest for all time.
func held[T any](m *memory, all []store.Dated[T], at int64) []store.Dated[T] {
	known := cut(all, at)
	if !m.ofToday {
		return known
	}
	known = slices.DeleteFunc(known, func(d store.Dated[T]) bool { return !d.To.IsZero() })
	for i := range known {
		known[i].From = time.Time{}
	}
	return known
}

func (m *memory) upTo(at int64) (*dated, error) {
	d := &dated{at: at, policies: map[string][]store.Dated[grc.Policy]{}, decided: map[string][]ruling{}, scope: map[string][]stretch{},
		exists: map[string][]stretch{}, newest: map[string]*grc.Policy{}, changes: map[string][]change{}, letters: map[string][]change{}, lates: map[string][]check.Late{}}
	if err := d.ofOrganization(held(m, m.orgs, at)); err != nil {
		return nil, err
	}
	if d.days == nil {
		return nil, store.NoSuch(grc.Organizations.Name, m.org)
	}
	for _, r := range held(m, m.requirements, at) {
		d.exists[r.Thing.Ref] = join(d.exists[r.Thing.Ref], stretch{From: r.From, To: r.To})
		if r.To.IsZero() {
			d.criteria = append(d.criteria, r.Thing)
		}
	}
	slices.SortFunc(d.criteria, func(a, b *grc.Requirement) int { return int(a.Position - b.Position) })
	for _, p := range held(m, m.policies, at) {
		d.policies[p.Thing.Ref] = append(d.policies[p.Thing.Ref], p)
		if p.To.IsZero() {
			d.newest[p.Thing.Ref] = p.Thing
		}
	}
	for _, x := range held(m, m.decisions, at) {
		d.rule(x)
	}
	d.ofControls(held(m, m.controls, at), m.terms, held(m, m.proposals, at))
	d.ofEvidence(cut(m.evidence, at))
	d.claims = claimsOf(cut(m.evidence, at))
	d.waivers = map[string][]store.Dated[grc.Exception]{}
	for _, x := range cut(m.exceptions, at) {
		if x.Thing.Test == "" && x.Thing.State == "approved" {
			d.waivers[x.Thing.Control] = append(d.waivers[x.Thing.Control], x)
		}
	}
	d.over = &overrides{orgs: cut(m.orgs, at), controls: cut(m.controls, at), proposals: cut(m.proposals, at), policies: cut(m.policies, at), decisions: cut(m.decisions, at), exceptions: cut(m.exceptions, at),
		evidence: cut(m.evidence, at), definitions: cut(m.definitions, at), files: cut(m.files, at), pauses: cut(m.pauses, at), sources: cut(m.sources, at), systems: cut(m.systems, at), scopes: cut(m.scopes, at), terms: maps.Clone(m.terms)}
	n, _ := slices.BinarySearchFunc(m.checks, at, func(c check.Check, at int64) int { return cmp.Compare(c.Batch, at) })
	d.checks, d.plans = m.checks[:n:n], m.plans
	for _, l := range m.lates {
		if l.Batch < at {
			d.lates[l.Test] = append(d.lates[l.Test], l)
		}
	}
	for t, all := range m.changes {
		if known := upToBatch(all, at); len(known) > 0 {
			d.changes[t] = known
			d.letters[t] = ofDays(known, upToBatch(m.windows[t], at))
		}
	}
	return d, nil
}

func upToBatch(all []change, at int64) []change {
	n, _ := slices.BinarySearchFunc(all, at, func(c change, at int64) int { return cmp.Compare(c.batch, at) })
	return all[:n:n]
}

// ofDays is what the days take of a test: from the check on that first judged it over events that is what was due on the
// day, and what it came to before that and after. So a day that was over then stays as it was judged.
func ofDays(states, windows []change) []change {
	if len(windows) == 0 {
		return states
	}
	out := make([]change, 0, len(states)+len(windows))
	var own *change
	windowed := false
	for s, w := 0, 0; s < len(states) || w < len(windows); {
		if w == len(windows) || s < len(states) && !states[s].At.After(windows[w].At) {
			if own = &states[s]; !windowed {
				out = append(out, *own)
			}
			s++
			continue
		}
		x := windows[w]
		if windowed = x.Verdict != check.Gone; !windowed && own != nil {
			x.Verdict, x.Reason = own.Verdict, own.Reason
		}
		out = append(out, x)
		w++
	}
	return out
}

// ofOrganization reads when the organisation was there, in which zone its days were counted and what was in scope.
func (d *dated) ofOrganization(all []store.Dated[grc.Organization]) error {
	d.programme = all
	for i, o := range all {
		zone, err := o.Thing.Zone()
		if err != nil {
			return err
		}
		if i == 0 {
			d.began, d.days = o.From, check.NewDays(zone)
		} else {
			d.days.Change(o.From, zone)
		}
		for _, c := range o.Thing.Categories {
			d.scope[string(c)] = join(d.scope[string(c)], stretch{From: o.From, To: o.To})
		}
	}
	return nil
}

// join adds a stretch to those before it, and makes one of two that touch.
func join(all []stretch, s stretch) []stretch {
	if n := len(all); n > 0 && all[n-1].To.Equal(s.From) && !all[n-1].To.IsZero() {
		all[n-1].To = s.To
		return all
	}
	return append(all, s)
}

// rule reads when a decision held: from its approval or its first day, whichever is later, until its last day is over
// or it was taken back. What is taken back today held until today.
func (d *dated) rule(x store.Dated[grc.Decision]) {
	t := x.Thing
	if t.State != "approved" {
		return
	}
	s := stretch{From: x.From, To: x.To}
	if from, err := check.ParseDay(string(t.FromDay)); err == nil && d.days.Start(from).After(s.From) {
		s.From = d.days.Start(from)
	}
	if t.Decision == "applicable" { // from its first day on it ends what was decided before it
		for i := range d.decided[t.Subject] {
			if r := &d.decided[t.Subject][i]; (r.To.IsZero() || r.To.After(s.From)) && r.From.Before(s.From) {
				r.To = s.From
			}
		}
	}
	if t.Decision != "not_applicable" {
		return
	}
	if to, err := check.ParseDay(string(t.ToDay)); err == nil {
		if end := d.days.Start(to + 1); s.To.IsZero() || end.Before(s.To) {
			s.To = end
		}
	}
	if s.To.IsZero() || s.From.Before(s.To) {
		d.decided[t.Subject] = append(d.decided[t.Subject], ruling{s, t.Reason})
	}
}

// rulings are when a control or a criterion did not apply, by any of its names.
func (d *dated) rulings(names ...string) []ruling {
	var out []ruling
	for _, n := range names {
		out = append(out, d.decided[n]...)
	}
	return out
}

// during reports whether a moment lies in a stretch.
func during(s stretch, at time.Time) bool {
	return !at.Before(s.From) && (s.To.IsZero() || at.Before(s.To))
}

// without takes stretches out of a stretch.
func without(s stretch, out []ruling) []stretch {
	rest := []stretch{s}
	for _, o := range out {
		var next []stretch
		for _, r := range rest {
			if !o.To.IsZero() && !r.From.Before(o.To) || !r.To.IsZero() && !o.From.Before(r.To) {
				next = append(next, r)
				continue
			}
			if r.From.Before(o.From) {
				next = append(next, stretch{From: r.From, To: o.From})
			}
			if !o.To.IsZero() && (r.To.IsZero() || o.To.Before(r.To)) {
				next = append(next, stretch{From: o.To, To: r.To})
			}
		}
		rest = next
	}
	return rest
}

// inScope is when a criterion counted: it was there, its category was in scope, and no decision said otherwise.
func (d *dated) inScope(r *grc.Requirement) []stretch {
	var out []stretch
	for _, e := range d.exists[r.Ref] {
		for _, s := range d.scope[r.Category] {
			if both, any := meet(e, s); any {
				out = append(out, without(both, d.rulings(r.Ref))...)
			}
		}
	}
	return out
}

// meet is the part that two stretches share.
func meet(a, b stretch) (stretch, bool) {
	if b.From.After(a.From) {
		a.From = b.From
	}
	if a.To.IsZero() || !b.To.IsZero() && b.To.Before(a.To) {
		a.To = b.To
	}
	return a, a.To.IsZero() || a.From.Before(a.To)
}

// policyAt is how a policy stood at a moment.
func (d *dated) policyAt(ref string, at time.Time) PolicyState {
	state := PolicyMissing
	for _, p := range d.policies[ref] {
		if during(stretch{From: p.From, To: p.To}, at) {
			state = max(state, policyState(p.Thing, at))
		}
	}
	return state
}

// policyIn is how a policy stood at its worst in [from, to).
func (d *dated) policyIn(ref string, from, to time.Time) PolicyState {
	last := to.Add(-time.Millisecond)
	worst := min(d.policyAt(ref, from), d.policyAt(ref, last))
	for _, p := range d.policies[ref] {
		if p.From.After(from) && p.From.Before(to) {
			worst = min(worst, d.policyAt(ref, p.From))
		}
		if !p.To.IsZero() && p.To.After(from) && p.To.Before(to) {
			worst = min(worst, d.policyAt(ref, p.To))
		}
	}
	return worst
}

func policyState(p *grc.Policy, at time.Time) PolicyState {
	if !p.InForce() {
		return PolicyMissing
	}
	if at.Sub(p.LastReviewedAt) > time.Duration(p.Days())*24*time.Hour {
		return PolicyReviewOverdue
	}
	return PolicyInForce
}
