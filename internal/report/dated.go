// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/store"
)

// memory keeps every version of what decides over letters, as it stands in the ledger. Versions never change, so only
// what is new is read; a view of an earlier moment is given what was known then.
type memory struct {
	org          string
	mu           sync.Mutex
	size         int64 // of the ledger that was read
	orgs         []store.Dated[grc.Organization]
	requirements []store.Dated[grc.Requirement]
	controls     []store.Dated[grc.Control]
	policies     []store.Dated[grc.Policy]
	decisions    []store.Dated[grc.Decision]
	proposals    []store.Dated[grc.ControlVersion]
	terms        map[int64]string // what a version of a control says of itself, by entry
	checks       []check.Check
	plans        map[string]map[string]bool // tests by scope
	changes      map[string][]change        // all that each test came to, oldest first
	made         []*dated                   // the last ones
	ofToday      bool                       // see Boards.OfToday
}

// read brings the memory up to a view, and gives what the view may know of it.
func (m *memory) read(ctx context.Context, v *store.View) (*dated, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.made, func(d *dated) bool { return d.at == v.At }); i >= 0 {
		return m.made[i], nil
	}
	if v.At > m.size {
		if err := m.grow(ctx, v.Whole()); err != nil {
			m.size, m.orgs, m.requirements, m.controls, m.policies, m.decisions, m.proposals = 0, nil, nil, nil, nil, nil, nil // half read is not read
			m.checks, m.plans, m.changes = nil, nil, nil
			return nil, err
		}
	}
	d, err := m.upTo(v.At)
	if err != nil {
		return nil, err
	}
	if len(m.made) >= 8 {
		m.made = m.made[1:]
	}
	m.made = append(m.made, d)
	return d, nil
}

func (m *memory) grow(ctx context.Context, v *store.View) error {
	if err := grow(ctx, v, grc.Organizations, &m.orgs, m.size); err != nil {
		return err
	}
	if err := grow(ctx, v, grc.Requirements, &m.requirements, m.size); err != nil {
		return err
	}
	if err := grow(ctx, v, grc.Policies, &m.policies, m.size); err != nil {
		return err
	}
	if err := grow(ctx, v, grc.Decisions, &m.decisions, m.size); err != nil {
		return err
	}
	if err := grow(ctx, v, grc.ControlVersions, &m.proposals, m.size); err != nil {
		return err
	}
	if err := grow(ctx, v, grc.Controls, &m.controls, m.size); err != nil {
		return err
	}
	if m.terms == nil {
		m.terms = map[int64]string{}
	}
	for _, c := range m.controls {
		if m.terms[c.Since] == "" {
			b, err := json.Marshal(c.Thing.Terms())
			if err != nil {
				return fmt.Errorf("terms of %s: %w", c.Thing.Ref, err)
			}
			m.terms[c.Since] = string(b)
		}
	}
	if err := m.growRuns(ctx, v); err != nil {
		return err
	}
	m.size = v.At
	return nil
}

// growRuns reads the runs of the tests since, and what they came to.
func (m *memory) growRuns(ctx context.Context, v *store.View) error {
	if m.changes == nil {
		m.plans, m.changes = map[string]map[string]bool{}, map[string][]change{}
	}
	checks, err := check.Checks.Select(ctx, v, "batch>=$3", "", m.size)
	if err != nil {
		return err
	}
	m.checks = append(m.checks, checks...)
	plans, err := check.Plans.Changes(ctx, v, "batch>=$3", "", m.size)
	if err != nil {
		return err
	}
	if len(plans) > 0 {
		all := maps.Clone(m.plans) // what was handed out is not written to
		for _, p := range plans {
			all[p.Scope] = p.Names()
		}
		m.plans = all
	}
	type row struct {
		Batch   int64
		Test    string
		Verdict check.Word
		Reason  string
		At      int64
	}
	rows, err := store.ProjectChanges[row](ctx, v, check.States, []string{"batch", "test", "state", "reason", "at"}, "batch>=$3", m.size)
	for _, s := range rows {
		m.changes[s.Test] = append(m.changes[s.Test], change{s.Verdict, s.Reason, time.UnixMilli(s.At).UTC(), s.Batch})
	}
	return err
}

// grow adds the versions that were made since, and ends those that were ended.
func grow[T any, P kind.Thing[T]](ctx context.Context, v *store.View, k kind.Kind[T], to *[]store.Dated[T], after int64) error {
	news, err := store.Versions[T, P](ctx, v, k, after)
	if err != nil {
		return err
	}
	for _, n := range news {
		if n.Since >= after {
			*to = append(*to, n)
			continue
		}
		i, found := slices.BinarySearchFunc(*to, n.Since, func(d store.Dated[T], seq int64) int { return cmp.Compare(d.Since, seq) })
		if !found {
			return fmt.Errorf("versions of %s: entry %d was ended and never seen", k.Plural, n.Since)
		}
		(*to)[i].Until, (*to)[i].To = n.Until, n.To
	}
	return nil
}

// cut gives the versions that a position of the ledger knows.
func cut[T any](all []store.Dated[T], at int64) []store.Dated[T] {
	out := make([]store.Dated[T], 0, len(all))
	for _, d := range all {
		if d.Since >= at {
			break
		}
		if d.Until >= at {
			d.To = time.Time{}
		}
		out = append(out, d)
	}
	return out
}

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
	decisions map[string]*grc.Decision
	checks    []check.Check              // oldest first
	plans     map[string]map[string]bool // tests by scope
	changes   map[string][]change        // by test, oldest first
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
		exists: map[string][]stretch{}, newest: map[string]*grc.Policy{}, changes: map[string][]change{}, decisions: map[string]*grc.Decision{}}
	d.ofOrganization(held(m, m.orgs, at))
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
	n, _ := slices.BinarySearchFunc(m.checks, at, func(c check.Check, at int64) int { return cmp.Compare(c.Batch, at) })
	d.checks, d.plans = m.checks[:n:n], m.plans
	for t, all := range m.changes {
		if n, _ := slices.BinarySearchFunc(all, at, func(c change, at int64) int { return cmp.Compare(c.batch, at) }); n > 0 {
			d.changes[t] = all[:n:n]
		}
	}
	return d, nil
}

// ofOrganization reads when the organisation was there, in which zone its days were counted and what was in scope.
func (d *dated) ofOrganization(all []store.Dated[grc.Organization]) {
	for i, o := range all {
		zone := o.Thing.Zone()
		if i == 0 {
			d.began, d.days = o.From, check.NewDays(zone)
		} else {
			d.days.Change(o.From, zone)
		}
		for _, c := range o.Thing.Categories {
			d.scope[string(c)] = join(d.scope[string(c)], stretch{From: o.From, To: o.To})
		}
	}
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
	if t.State != "approved" || t.Decision != "not_applicable" {
		return
	}
	s := stretch{From: x.From, To: x.To}
	if from, err := check.ParseDay(string(t.FromDay)); err == nil && d.days.Start(from).After(s.From) {
		s.From = d.days.Start(from)
	}
	if to, err := check.ParseDay(string(t.ToDay)); err == nil {
		if end := d.days.Start(to + 1); s.To.IsZero() || end.Before(s.To) {
			s.To = end
		}
	}
	if s.To.IsZero() || s.From.Before(s.To) {
		d.decided[t.Subject] = append(d.decided[t.Subject], ruling{s, t.Reason})
	}
	if x.To.IsZero() {
		d.decisions[t.Subject] = t
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
	if at.Sub(p.LastReviewedAt) > time.Duration(p.ReviewDays)*24*time.Hour {
		return PolicyReviewOverdue
	}
	return PolicyInForce
}

// named finds a control that is or was in force by its ref, in any case of letters, or by its id. What is in force comes first.
func (d *dated) named(ref string, now time.Time) *controlPast {
	var out *controlPast
	for _, p := range d.controls {
		if len(p.eras) == 0 || p.newest.ID != ref && !strings.EqualFold(p.newest.Ref, ref) {
			continue
		}
		if out == nil || out.at(now) == nil || p.at(now) != nil && p.newest.Ref == strings.ToUpper(ref) {
			out = p
		}
	}
	return out
}
