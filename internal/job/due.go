// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/store"
)

// Scheduled does what is due. It reads the sources whose interval is over, or that were not read today. Then it runs
// the tests that look at what was read, those that were not run today, and those whose own interval is over. It says
// whether it did anything.
func (w *Works) Scheduled(ctx context.Context, org string, by store.By) (Cycle, bool, error) {
	var read map[string]bool
	err := w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) (err error) {
		read, err = dueSources(ctx, v)
		return err
	})
	if err != nil {
		return Cycle{}, false, err
	}
	pick := func(t *collect.SourceThing, _ collect.Run) bool { // the own records cost nothing to read, and tests of any interval look at them
		return read[t.ID] || t.Connector == PlatformName
	}
	var runs []collect.Run
	if len(read) > 0 {
		if runs, err = w.lateAndRead(ctx, org, by, pick, nil); err != nil {
			return Cycle{Runs: runs}, true, err
		}
	}
	var tests map[string]bool
	err = w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) (err error) {
		tests, err = w.dueTests(ctx, v, read)
		return err
	})
	if err != nil || len(tests) == 0 {
		return Cycle{Runs: runs}, len(runs) > 0, err
	}
	if len(read) == 0 {
		if runs, err = w.lateAndRead(ctx, org, by, pick, nil); err != nil {
			return Cycle{Runs: runs}, true, err
		}
	}
	c, err := w.checkAfter(ctx, org, by, "schedule", runs, tests, nil)
	return c, true, err
}

// dueSources lists the sources whose interval is over, or that were not read today.
func dueSources(ctx context.Context, v *store.View) (map[string]bool, error) {
	days, err := DaysOf(ctx, v)
	if err != nil {
		return nil, err
	}
	newest, _, err := collect.Last(ctx, v)
	if err != nil {
		return nil, err
	}
	all, err := store.All(ctx, v, collect.Sources, map[string]any{"state": "enabled"})
	out := map[string]bool{}
	for _, t := range all {
		last := newest[t.ID].StartedAt
		if v.Now.Sub(last) >= time.Duration(t.IntervalHours)*time.Hour || days.DayOf(last) != days.DayOf(v.Now) {
			out[t.ID] = true
		}
	}
	return out, err
}

// dueTests lists the tests that are to be run, after some sources were read.
func (w *Works) dueTests(ctx context.Context, v *store.View, read map[string]bool) (map[string]bool, error) {
	days, err := DaysOf(ctx, v)
	if err != nil {
		return nil, err
	}
	newest, complete, err := collect.Last(ctx, v)
	if err != nil {
		return nil, err
	}
	s, seen := &scene{standing: map[string]standing{}}, map[string]bool{}
	for id, run := range newest {
		if err := s.stand(run, complete[id]); err != nil {
			return nil, err
		}
		if read[id] {
			for _, k := range slices.Concat(run.Kinds, complete[id].Kinds) {
				seen[k] = true
			}
		}
	}
	cat, err := w.Rules(ctx, v)
	if err != nil {
		return nil, err
	}
	last, err := lastRuns(ctx, v)
	if err != nil {
		return nil, err
	}
	pauses, err := check.Pauses(ctx, v)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, r := range dueRules(cat, s, v.Now, days) {
		at := last[r.ID()]
		looks := slices.ContainsFunc(r.Kinds(), func(k string) bool { return seen[k] })
		if (looks || days.DayOf(at) != days.DayOf(v.Now) || s.overdue(r, at, v.Now)) && !check.Covers(pauses[r.ID()], v.Now) {
			out[r.ID()] = true
		}
	}
	return out, nil
}

// overdue says whether the interval of a test is over, and there is data that is no older than that: over older data
// time alone would make a source silent, or a deadline missed, that was looked at long before.
func (s *scene) overdue(r *check.Rule, last, now time.Time) bool {
	interval := time.Duration(r.Def.IntervalHours) * time.Hour
	if now.Sub(last) < interval {
		return false
	}
	return !slices.ContainsFunc(r.Kinds(), func(k string) bool {
		kept := slices.Contains(platform{}.Describe().Kinds, k) // read again before the tests are run
		return !kept && now.Sub(s.standing[k].data) >= interval
	})
}

// lastRuns is when each test was run last, of those that were within two days.
func lastRuns(ctx context.Context, v *store.View) (map[string]time.Time, error) {
	checks, err := check.Checks.Select(ctx, v, "at>=$3", "", v.Now.Add(-48*time.Hour).UnixMilli())
	if err != nil {
		return nil, err
	}
	plans, err := check.Plans.Select(ctx, v, "", "")
	if err != nil {
		return nil, err
	}
	newest := map[string]time.Time{} // by list of tests
	for _, c := range checks {
		if c.At.After(newest[c.Scope]) {
			newest[c.Scope] = c.At
		}
	}
	last := map[string]time.Time{}
	for _, p := range plans {
		at, ran := newest[p.Scope]
		if !ran {
			continue
		}
		for name := range p.Names() {
			if at.After(last[name]) {
				last[name] = at
			}
		}
	}
	return last, nil
}
