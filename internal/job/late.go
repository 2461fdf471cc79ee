// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/store"
)

// late runs the tests whose newest data was begun on a day that is over, and that were not run on it: by the definitions
// and exceptions of the moment at which it was begun, and for that day. The server itself must have begun the collection then, and both must
// have ended within 48 hours after the day was closed. A time that a source or a client claims makes nothing late.
func (w *Works) late(ctx context.Context, org string, by store.By) error {
	now, err := w.DB.Now(ctx, org)
	if err != nil {
		return err
	}
	var days *check.Days
	var data collected
	err = w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) error {
		if days, err = DaysOf(ctx, v); err != nil {
			return err
		}
		data, err = collectedBefore(ctx, v, days, now)
		return err
	})
	if err != nil {
		return err
	}
	missed, err := w.missed(ctx, org, by, days, now, data)
	if err != nil {
		return err
	}
	for _, d := range sortedDays(missed) {
		if err := w.runLate(ctx, org, by, days, d, missed[d], now); err != nil {
			return fmt.Errorf("late run for %s: %w", d, err)
		}
	}
	return nil
}

// lateTest is a test that was not run on the day of its data.
type lateTest struct {
	id        string
	collected time.Time
}

// collected is the newest complete data of days that are over, where it may still count for them.
type collected struct {
	began   map[string]time.Time // by kind: when the oldest of the newest complete runs was begun
	moments []time.Time          // the different ones of them that are old
	ran     func(test string, collected time.Time, d check.Day) bool
}

func collectedBefore(ctx context.Context, v *store.View, days *check.Days, now time.Time) (c collected, err error) {
	newest, complete, err := collect.Last(ctx, v)
	if err != nil {
		return c, err
	}
	ended := map[string]time.Time{}
	c.began = map[string]time.Time{}
	for id, run := range newest {
		full := complete[id]
		for _, k := range run.Kinds {
			if full.ID != run.ID || full.Since().Before(full.StartedAt) { // no data: it is not complete, or it read an old file
				c.began[k] = time.Time{}
				continue
			}
			if at, known := c.began[k]; !known || full.StartedAt.Before(at) {
				c.began[k] = full.StartedAt
			}
			if full.FinishedAt.After(ended[k]) {
				ended[k] = full.FinishedAt
			}
		}
	}
	today := days.DayOf(now)
	old := false
	for k, at := range c.began {
		d := days.DayOf(at)
		if at.IsZero() || d >= today || !inGrace(days, d, now) {
			continue
		}
		if old = old || inGrace(days, d, ended[k]); !slices.ContainsFunc(c.moments, at.Equal) {
			c.moments = append(c.moments, at)
		}
	}
	if !old {
		return collected{}, nil
	}
	c.ran, err = ranSince(ctx, v, days, today)
	return c, err
}

// missed finds the tests, of those in force when it was collected, whose data is of a day that is over, and that have no run on that
// day since it was collected.
func (w *Works) missed(ctx context.Context, org string, by store.By, days *check.Days, now time.Time, data collected) (map[check.Day][]lateTest, error) {
	out := map[check.Day][]lateTest{}
	for _, m := range data.moments {
		var cat *check.Catalogue
		err := w.DB.View(ctx, org, m, by, func(v *store.View) (err error) {
			cat, err = w.Rules(ctx, v)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, r := range cat.Rules() {
			at, d, ok := oneDay(r, data.began, days)
			if ok && at.Equal(m) && !data.ran(r.ID(), at, d) {
				out[d] = append(out[d], lateTest{r.ID(), at})
			}
		}
	}
	return out, nil
}

// inGrace says whether something that ended at a moment still counts for a day.
func inGrace(days *check.Days, d check.Day, at time.Time) bool {
	return at.Before(days.Start(d + 1).Add(check.LateUntil))
}

// oneDay is the day on which all data of a test was begun, and when the last of it was.
func oneDay(r *check.Rule, began map[string]time.Time, days *check.Days) (at time.Time, d check.Day, ok bool) {
	for _, k := range r.Kinds() {
		b, supplied := began[k]
		if !supplied || b.IsZero() || ok && days.DayOf(b) != d {
			return at, d, false
		}
		if d, ok = days.DayOf(b), true; b.After(at) {
			at = b
		}
	}
	return at, d, ok
}

// ranSince says of which tests the data of a day was looked at already.
func ranSince(ctx context.Context, v *store.View, days *check.Days, today check.Day) (func(test string, collected time.Time, d check.Day) bool, error) {
	checks, err := check.Checks.Select(ctx, v, "at>=$3", "ORDER BY at", days.Start(today-4).UnixMilli())
	if err != nil {
		return nil, err
	}
	plans := map[string]map[string]bool{}
	all, err := check.Plans.Select(ctx, v, "", "")
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		plans[p.Scope] = p.Names()
	}
	lates, err := check.Lates.Select(ctx, v, "collected_at>=$3", "", days.Start(today-4).UnixMilli())
	if err != nil {
		return nil, err
	}
	return func(test string, collected time.Time, d check.Day) bool {
		return slices.ContainsFunc(checks, func(c check.Check) bool {
			return !c.At.Before(collected) && days.DayOf(c.At) == d && plans[c.Scope][test]
		}) || slices.ContainsFunc(lates, func(l check.Late) bool { return l.Test == test && l.Collected.Equal(collected) })
	}, nil
}

// runLate runs tests for a day that is over.
func (w *Works) runLate(ctx context.Context, org string, by store.By, days *check.Days, d check.Day, tests []lateTest, now time.Time) error {
	together := map[time.Time][]string{} // by when the last of their data was begun: each looks at its own moment
	for _, t := range tests {
		together[t.collected] = append(together[t.collected], t.id)
	}
	id := w.DB.IDs().New("chk", now)
	var rows []check.Late
	for _, at := range slices.SortedFunc(maps.Keys(together), time.Time.Compare) {
		rules, in, err := w.asOf(ctx, org, by, at, days, together[at])
		if err != nil {
			return err
		}
		if len(rules) == 0 {
			continue
		}
		outcomes, err := check.Evaluate(ctx, rules, in, nil)
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			state, why := o.OfDay()
			rows = append(rows, check.Late{ID: id, Test: o.Test, Version: o.Version, Verdict: check.WordOf(state), Reason: why, Evaluated: int64(o.Evaluated), Failed: int64(o.Failed), Excepted: int64(o.Excepted),
				Collected: at, At: now})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := w.DB.Change(ctx, org, by, func(tx *store.Tx) error {
		_, err := check.Lates.Append(ctx, tx, id, rows, map[string]any{"day": d.String()})
		return err
	})
	return err
}

// asOf is what a run would have looked at when its data was collected: the tests, exceptions, pauses and holidays in force at that
// moment, and never what was approved or taken back later on the same day; with the data itself, which is still the newest.
func (w *Works) asOf(ctx context.Context, org string, by store.By, at time.Time, days *check.Days, tests []string) ([]*check.Rule, *check.Input, error) {
	var cat *check.Catalogue
	var approved []*grc.Exception
	var rules []*check.Rule
	zone := days.Zone(at)
	in := &check.Input{Now: at, Zone: zone, Days: days}
	err := w.DB.View(ctx, org, at, by, func(v *store.View) (err error) {
		if cat, err = w.Rules(ctx, v); err != nil {
			return err
		}
		o, err := grc.OrganizationOf(ctx, v)
		if err != nil {
			return err
		}
		pauses, err := check.Pauses(ctx, v)
		if err != nil {
			return err
		}
		in.Holidays, in.Since = holidays(o), began(o, days)
		for _, t := range tests {
			if r, ok := cat.Rule(t); ok && !check.Covers(pauses[t], at) {
				rules = append(rules, r)
			}
		}
		approved, err = store.All(ctx, v, grc.Exceptions, map[string]any{"state": "approved"})
		return err
	})
	if err != nil || len(rules) == 0 {
		return nil, nil, err
	}
	err = w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) error {
		s, err := w.binder.look(ctx, v, cat, days, at)
		if err != nil {
			return err
		}
		in.Resources, in.Exceptions = s.population, excused(approved, s)
		return nil
	})
	return rules, in, err
}

// DaysOf are the days of an organisation, whatever time zones it had.
func DaysOf(ctx context.Context, v *store.View) (*check.Days, error) {
	all, err := store.Versions(ctx, v, grc.Organizations, 0)
	if err != nil {
		return nil, err
	}
	var days *check.Days
	for i, o := range all {
		zone, err := o.Thing.Zone()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			days = check.NewDays(zone)
		} else {
			days.Change(o.From, zone)
		}
	}
	if days == nil {
		return nil, store.NoSuch(grc.Organizations.Name, v.Org)
	}
	return days, nil
}

func sortedDays[T any](m map[check.Day]T) []check.Day {
	out := make([]check.Day, 0, len(m))
	for d := range m {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}
