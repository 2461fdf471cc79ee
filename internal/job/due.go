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

// due is what there is to do at a moment.
type due struct {
	sources map[string]bool // ids of the sources that are to be read; with one of them, all tests are run
	tests   map[string]bool // names of the tests whose interval is over; without a source, only they are run
}

// Scheduled does what is due: it reads the sources whose interval is over, or that were not read today, and runs all
// tests where it read one; otherwise it runs the tests whose own interval is over. It says whether it did anything.
func (w *Works) Scheduled(ctx context.Context, org string, by store.By) (Cycle, bool, error) {
	var d due
	err := w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) (err error) {
		d, err = w.due(ctx, v)
		return err
	})
	if err != nil || len(d.sources)+len(d.tests) == 0 {
		return Cycle{}, false, err
	}
	pick := func(t *collect.SourceThing, _ collect.Run) bool { // the own records cost nothing to read, and tests of any interval look at them
		return d.sources[t.ID] || t.Connector == PlatformName
	}
	if len(d.sources) > 0 {
		c, err := w.Cycle(ctx, org, by, "schedule", pick, nil)
		return c, true, err
	}
	c, err := w.cycle(ctx, org, by, "schedule", pick, d.tests, nil)
	return c, true, err
}

func (w *Works) due(ctx context.Context, v *store.View) (due, error) {
	d := due{sources: map[string]bool{}, tests: map[string]bool{}}
	days, err := DaysOf(ctx, v)
	if err != nil {
		return d, err
	}
	newest, complete, err := collect.Last(ctx, v)
	if err != nil {
		return d, err
	}
	all, err := store.All(ctx, v, collect.Sources, map[string]any{"state": "enabled"})
	if err != nil {
		return d, err
	}
	for _, t := range all {
		last := newest[t.ID].StartedAt
		if v.Now.Sub(last) >= time.Duration(t.IntervalHours)*time.Hour || days.DayOf(last) != days.DayOf(v.Now) {
			d.sources[t.ID] = true
		}
	}
	if len(d.sources) > 0 {
		return d, nil
	}
	s := &scene{standing: map[string]standing{}}
	for id, run := range newest {
		if err := s.stand(run, complete[id]); err != nil {
			return d, err
		}
	}
	cat, err := w.Rules(ctx, v)
	if err != nil {
		return d, err
	}
	rules := slices.DeleteFunc(dueRules(cat, s, v.Now, days), func(r *check.Rule) bool {
		_, supplied := s.standing[r.Def.Kind]
		return !supplied || r.Def.IntervalHours >= 24 // all tests are run each day, and what no source supplies does not change in between
	})
	return d, d.overdue(ctx, v, rules)
}

// overdue notes the tests that were not run within their interval.
func (d *due) overdue(ctx context.Context, v *store.View, rules []*check.Rule) error {
	if len(rules) == 0 {
		return nil
	}
	checks, err := check.Checks.Select(ctx, v, "at>=$3", "", v.Now.Add(-24*time.Hour).UnixMilli())
	if err != nil {
		return err
	}
	plans, err := check.Plans.Select(ctx, v, "", "")
	if err != nil {
		return err
	}
	pauses, err := check.Pauses(ctx, v)
	if err != nil {
		return err
	}
	last := map[string]time.Time{}
	for _, p := range plans {
		names := p.Names()
		for _, c := range checks {
			if c.Scope != p.Scope {
				continue
			}
			for name := range names {
				if c.At.After(last[name]) {
					last[name] = c.At
				}
			}
		}
	}
	for _, r := range rules {
		if v.Now.Sub(last[r.ID()]) >= time.Duration(r.Def.IntervalHours)*time.Hour && !check.Covers(pauses[r.ID()], v.Now) {
			d.tests[r.ID()] = true
		}
	}
	return nil
}
