// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
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
	scopes       []store.Dated[grc.ScopeVersion]
	evidence     []store.Dated[grc.Evidence]
	exceptions   []store.Dated[grc.Exception]
	definitions  []store.Dated[check.Definition]
	files        []store.Dated[check.RuleFile]
	pauses       []store.Dated[check.TestPause]
	sources      []store.Dated[collect.SourceThing]
	systems      []store.Dated[grc.System]
	terms        map[int64]string // what a version of a control says of itself, by entry
	checks       []check.Check
	plans        map[string]map[string]bool // tests by scope
	changes      map[string][]change        // all that each test came to, oldest first
	windows      map[string][]change        // what each test over events came to for the letters of days, oldest first
	lates        []check.Late
	made         []*dated // the last ones
	news         int      // how many versions and rows were read
	since        int64    // from this position of the ledger on there are no more of them
	newest       *dated   // what holds from there on; nil where nobody has asked yet
	ofToday      bool     // see Boards.OfToday
}

// read brings the memory up to a view, and gives what the view may know of it.
func (m *memory) read(ctx context.Context, v *store.View) (*dated, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.made, func(d *dated) bool { return d.at == v.At }); i >= 0 {
		return m.made[i], nil
	}
	if v.At > m.size {
		before := m.news
		if err := m.grow(ctx, v.Whole()); err != nil {
			m.size, m.orgs, m.requirements, m.controls, m.policies, m.decisions, m.proposals = 0, nil, nil, nil, nil, nil, nil // half read is not read
			m.checks, m.plans, m.changes, m.windows, m.lates, m.evidence, m.exceptions = nil, nil, nil, nil, nil, nil, nil
			m.definitions, m.files, m.pauses, m.sources, m.systems, m.scopes, m.newest = nil, nil, nil, nil, nil, nil, nil
			return nil, err
		}
		if m.news != before {
			m.since, m.newest = v.At, nil
		}
	}
	if v.At >= m.since && m.newest != nil {
		return m.newest, nil // a task or a sign-in decides over no day
	}
	d, err := m.upTo(v.At)
	if err != nil {
		return nil, err
	}
	if v.At >= m.since {
		m.newest = d
		return d, nil
	}
	if len(m.made) >= 8 {
		m.made = m.made[1:]
	}
	m.made = append(m.made, d)
	return d, nil
}

func (m *memory) grow(ctx context.Context, v *store.View) error {
	if err := grow(ctx, v, m, grc.Organizations, &m.orgs); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.Requirements, &m.requirements); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.Policies, &m.policies); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.Decisions, &m.decisions); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.ControlVersions, &m.proposals); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.Evidences, &m.evidence); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.Exceptions, &m.exceptions); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.Controls, &m.controls); err != nil {
		return err
	}
	if err := m.growOverrides(ctx, v); err != nil {
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

// growOverrides reads what else was changed about how days are judged.
func (m *memory) growOverrides(ctx context.Context, v *store.View) error {
	if err := grow(ctx, v, m, check.Definitions, &m.definitions); err != nil {
		return err
	}
	if err := grow(ctx, v, m, check.RuleFiles, &m.files); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.ScopeVersions, &m.scopes); err != nil {
		return err
	}
	if err := grow(ctx, v, m, check.TestPauses, &m.pauses); err != nil {
		return err
	}
	if err := grow(ctx, v, m, grc.Systems, &m.systems); err != nil {
		return err
	}
	return grow(ctx, v, m, collect.Sources, &m.sources)
}

// growRuns reads the runs of the tests since, and what they came to.
func (m *memory) growRuns(ctx context.Context, v *store.View) error {
	if m.changes == nil {
		m.plans, m.changes, m.windows = map[string]map[string]bool{}, map[string][]change{}, map[string][]change{}
	}
	checks, err := check.Checks.Select(ctx, v, "batch>=$3", "", m.size)
	if err != nil {
		return err
	}
	m.checks = append(m.checks, checks...)
	m.news += len(checks)
	lates, err := check.Lates.Select(ctx, v, "batch>=$3", "", m.size)
	if err != nil {
		return err
	}
	m.lates = append(m.lates, lates...)
	m.news += len(lates)
	plans, err := check.Plans.Changes(ctx, v, "batch>=$3", "", m.size)
	if err != nil {
		return err
	}
	m.news += len(plans)
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
	if err != nil {
		return err
	}
	m.news += len(rows)
	for _, s := range rows {
		m.changes[s.Test] = append(m.changes[s.Test], change{s.Verdict, s.Reason, time.UnixMilli(s.At).UTC(), s.Batch})
	}
	windows, err := store.ProjectChanges[row](ctx, v, check.Windows, []string{"batch", "test", "on_day", "reason", "at"}, "batch>=$3", m.size)
	m.news += len(windows)
	for _, s := range windows {
		m.windows[s.Test] = append(m.windows[s.Test], change{s.Verdict, s.Reason, time.UnixMilli(s.At).UTC(), s.Batch})
	}
	return err
}

// grow adds the versions that were made since, and ends those that were ended.
func grow[T any, P kind.Thing[T]](ctx context.Context, v *store.View, m *memory, k kind.Kind[T], to *[]store.Dated[T]) error {
	after := m.size
	news, err := store.Versions[T, P](ctx, v, k, after)
	if err != nil {
		return err
	}
	m.news += len(news)
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
