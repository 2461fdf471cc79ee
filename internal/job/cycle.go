// SPDX-License-Identifier: Apache-2.0

// Package job does the programme's daily work: it reads sources when they are due, runs the tests,
// and keeps what they came to. It also signs checkpoints and sweeps what has run out. It decides no
// right and shows nothing; faces and the command line start it through its operations.
package job

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// Works is what the daily work needs.
type Works struct {
	DB     *store.DB
	Runner *collect.Runner
	// Rules gives the tests of an organisation: the built-in ones with its own laid over them.
	Rules func(ctx context.Context, v *store.View) (*check.Catalogue, error)
	Log   *slog.Logger
	// Before is called before a check: what is new about the tests is read there; nil does nothing.
	Before func(ctx context.Context, org string)
	// After is called when a check was kept; nil does nothing.
	After func(ctx context.Context, org string, by store.By) error

	binder binder
	mu     sync.Mutex // one cycle at a time in this process
}

// Step is told about the progress of long work: what is being done, and how far it is.
type Step func(what string, done, total int)

func (s Step) tell(what string, done, total int) {
	if s != nil {
		s(what, done, total)
	}
}

// Read reads one source now.
func (w *Works) Read(ctx context.Context, org string, by store.By, t *collect.SourceThing) (collect.Run, error) {
	src, err := w.source(org, t, nil)
	if err != nil {
		return collect.Run{}, err
	}
	return w.Runner.Run(ctx, w.DB, org, by, t, src)
}

func (w *Works) source(org string, t *collect.SourceThing, open func() (io.ReadCloser, error)) (collect.Source, error) {
	if t.Connector == PlatformName {
		return platform{w.DB, org}, nil
	}
	src, err := w.Runner.Make(org, t, open)
	if err != nil {
		return unusable{errs.Public(err)}, nil // kept as a failed run: it must be seen, not only logged
	}
	return src, nil
}

// unusable stands for a source whose configuration cannot be used.
type unusable struct{ why *errs.Error }

func (u unusable) Describe() collect.Description {
	return collect.Description{Query: "nothing was asked"}
}

func (u unusable) Collect(context.Context, func(collect.Page) error) (collect.Manifest, error) {
	return collect.Manifest{}, u.why
}

// ReadAll reads every enabled source that pick chooses. nil chooses all but those of an uploaded file, which was read when it
// was imported: reading it once more makes no new data.
func (w *Works) ReadAll(ctx context.Context, org string, by store.By, pick func(*collect.SourceThing, collect.Run) bool, step Step) ([]collect.Run, error) {
	var due []*collect.SourceThing
	err := w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) error {
		all, err := store.All(ctx, v, collect.Sources, map[string]any{"state": "enabled"})
		if err != nil {
			return err
		}
		newest, _, err := collect.Last(ctx, v)
		for _, t := range all {
			if pick == nil && t.File == "" || pick != nil && pick(t, newest[t.ID]) {
				due = append(due, t)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var runs []collect.Run
	for i, t := range due {
		step.tell("reading "+t.Name, i, len(due))
		run, err := w.Read(ctx, org, by, t)
		if err != nil {
			return runs, fmt.Errorf("read %s: %w", t.Name, err)
		}
		runs = append(runs, run)
	}
	step.tell("reading sources", len(due), len(due))
	return runs, nil
}

// Check runs the tests on what the sources have shown, and keeps what has changed. A test whose sources were
// not read on the day of the check has no part in it: old data never makes a new day (INV-06).
func (w *Works) Check(ctx context.Context, org string, by store.By, trigger string, step Step) (check.Check, []check.Outcome, error) {
	return w.check(ctx, org, by, trigger, nil, step)
}

// check runs the tests of some names; nil is all.
func (w *Works) check(ctx context.Context, org string, by store.By, trigger string, only map[string]bool, step Step) (check.Check, []check.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Before != nil {
		w.Before(ctx, org)
	}
	now, err := w.DB.Now(ctx, org)
	if err != nil {
		return check.Check{}, nil, err
	}
	c := check.Check{ID: w.DB.IDs().New("chk", now), At: now, Trigger: trigger}
	var rules []*check.Rule
	var in *check.Input
	var before *check.Before
	err = w.DB.View(ctx, org, time.Time{}, by, func(v *store.View) error {
		o, err := grc.OrganizationOf(ctx, v)
		if err != nil {
			return err
		}
		days, err := DaysOf(ctx, v)
		if err != nil {
			return err
		}
		zone := days.Zone(now)
		cat, err := w.Rules(ctx, v)
		if err != nil {
			return err
		}
		s, err := w.binder.look(ctx, v, cat, days, now)
		if err != nil {
			return err
		}
		approved, err := store.All(ctx, v, grc.Exceptions, map[string]any{"state": "approved"})
		if err != nil {
			return err
		}
		pauses, err := check.Pauses(ctx, v)
		if err != nil {
			return err
		}
		c.Position, c.DataAt = v.At, s.newest
		rules = slices.DeleteFunc(dueRules(cat, s, now, days), func(r *check.Rule) bool {
			return check.Covers(pauses[r.ID()], now) || only != nil && !only[r.ID()]
		})
		in = &check.Input{Now: now, Resources: s.population, Exceptions: excused(approved, s), Zone: zone, Days: days, Holidays: holidays(o), Since: began(o, days)}
		before, err = check.LoadBefore(ctx, v)
		return err
	})
	if err != nil || only != nil && len(rules) == 0 {
		return c, nil, err
	}
	outcomes, err := check.Evaluate(ctx, rules, in, func(done, total int) { step.tell("running tests", done, total) })
	if err != nil {
		return c, nil, err
	}
	step.tell("keeping results", 0, 1)
	c, err = check.Keep(ctx, w.DB, org, by, before, c, outcomes, func(done, all int) { step.tell("keeping results", done, all) })
	if err == nil {
		err = w.late(ctx, org, by)
	}
	if err == nil && w.After != nil {
		err = w.After(ctx, org, by)
	}
	return c, outcomes, err
}

// dueRules leaves out the tests whose data is not of the day of the check. A test without any source has
// a part: that nothing supplies it is what the check says of it.
func dueRules(cat *check.Catalogue, s *scene, now time.Time, days *check.Days) []*check.Rule {
	today := days.DayOf(now)
	var out []*check.Rule
	for _, r := range cat.Rules() {
		old := slices.ContainsFunc(r.Kinds(), func(k string) bool {
			st, supplied := s.standing[k]
			return supplied && st.state == check.SourceComplete && days.DayOf(st.data) != today
		})
		if !old {
			out = append(out, r)
		}
	}
	return out
}

// excused are the exceptions as the rule engine takes them: by id of the resource, also where they name its key.
func excused(approved []*grc.Exception, s *scene) []check.Exception {
	var out []check.Exception
	for _, e := range approved {
		if e.Test == "" {
			continue
		}
		ids := append([]string{e.Resource}, s.byKey[e.Resource]...)
		for _, id := range ids {
			out = append(out, check.Exception{ID: e.ID, Test: e.Test, Resource: id, StartsAt: e.Begins(), ExpiresAt: e.ExpiresAt})
		}
	}
	return out
}

// began is when the programme began: the start of its first day; zero where none is named.
func began(o *grc.Organization, days *check.Days) time.Time {
	d, err := check.ParseDay(string(o.ProgrammeStart))
	if err != nil { // a kind.Date is a day or empty
		return time.Time{}
	}
	return days.Start(d)
}

func holidays(o *grc.Organization) check.Holidays {
	h := check.Holidays{}
	for _, d := range o.Holidays {
		h[string(d)] = true
	}
	return h
}

// Cycle reads the sources that pick chooses, and then runs the tests.
func (w *Works) Cycle(ctx context.Context, org string, by store.By, trigger string, pick func(*collect.SourceThing, collect.Run) bool, step Step) (Cycle, error) {
	runs, err := w.lateAndRead(ctx, org, by, pick, step)
	if err != nil {
		return Cycle{}, err
	}
	return w.checkAfter(ctx, org, by, trigger, runs, nil, step)
}

// lateAndRead reads the sources that pick chooses. What they showed yesterday is looked at before: then it is no longer the newest.
func (w *Works) lateAndRead(ctx context.Context, org string, by store.By, pick func(*collect.SourceThing, collect.Run) bool, step Step) ([]collect.Run, error) {
	if err := w.late(ctx, org, by); err != nil {
		return nil, err
	}
	return w.ReadAll(ctx, org, by, pick, step)
}

// checkAfter runs the tests of some names over what was read; nil is all.
func (w *Works) checkAfter(ctx context.Context, org string, by store.By, trigger string, runs []collect.Run, only map[string]bool, step Step) (Cycle, error) {
	if err := w.ended(ctx, org, by, trigger, step); err != nil {
		return Cycle{}, err
	}
	c, outcomes, err := w.check(ctx, org, by, trigger, only, step)
	out := Cycle{Check: c, Runs: runs, Tests: map[string]int{}}
	for _, o := range outcomes {
		out.Tests[o.State.String()]++
	}
	return out, err
}

// Cycle is what one round of reading and testing came to.
type Cycle struct {
	Check check.Check    `json:"check" doc:"The run of the tests."`
	Runs  []collect.Run  `json:"runs" doc:"The collection runs."`
	Tests map[string]int `json:"tests" doc:"Number of tests by result."`
}

type sourceRunIn struct {
	ID string `json:"id" doc:"The source." min:"1"`
}

type checkRunIn struct {
	Collect bool `json:"collect" doc:"Read all sources first." default:"true"`
}

// Add adds the operations that start the work.
func (w *Works) Add(s *op.Set) {
	op.Job(s, op.Spec{Name: "source.run", Doc: "Read one source now.", Object: "sources", Act: "run", Example: "source run --id src_…"}, false,
		func(ctx context.Context, d op.Desk, in sourceRunIn) (collect.Run, error) {
			var t *collect.SourceThing
			err := d.View(ctx, func(v *store.View) (err error) {
				t, err = store.Get(ctx, v, collect.Sources, in.ID)
				return err
			})
			if err != nil {
				return collect.Run{}, err
			}
			return w.Read(ctx, d.Actor.Org, d.By, t)
		})
	op.Job(s, op.Spec{Name: "source.preview", Doc: "Read a source and say what would change, without keeping anything.", Object: "sources", Act: "run", Example: `source preview --connector file --config '{"kind":"idp.user","path":"users.csv"}'`}, true,
		w.preview)
	op.Job(s, op.Spec{Name: "check.run", Doc: "Read all sources and run all tests now.", Object: "checks", Act: "run", Example: "check run"}, false,
		func(ctx context.Context, d op.Desk, in checkRunIn) (Cycle, error) {
			pick := func(t *collect.SourceThing, _ collect.Run) bool {
				return in.Collect && t.File == "" || t.Connector == PlatformName
			}
			return w.Cycle(ctx, d.Actor.Org, d.By, "manual", pick, nil)
		})
}

func versionText(n int64) string { return fmt.Sprint(n) }

// preview reads a source and keeps nothing.
func (w *Works) preview(ctx context.Context, d op.Desk, in collect.PreviewIn) (collect.Preview, error) {
	t, err := in.Thing(func(id string) (t *collect.SourceThing, err error) {
		err = d.View(ctx, func(v *store.View) error {
			t, err = store.Get(ctx, v, collect.Sources, id)
			return err
		})
		return t, err
	})
	if err != nil {
		return collect.Preview{}, err
	}
	return w.Runner.Try(ctx, d.Actor.Org, func(ctx context.Context) (collect.Preview, error) {
		return w.tried(ctx, d, in, t)
	})
}

func (w *Works) tried(ctx context.Context, d op.Desk, in collect.PreviewIn, t *collect.SourceThing) (_ collect.Preview, err error) {
	var open func() (io.ReadCloser, error)
	var known []collect.Export
	if in.File != "" {
		if open, err = d.Uploaded(ctx, "file", string(in.File)); err != nil {
			return collect.Preview{}, err
		}
		if known, err = w.Runner.Exports(t, open); err != nil {
			return collect.Preview{}, err
		}
	}
	if in.Detect {
		detected(t, known)
	}
	src, err := w.source(d.Actor.Org, t, open)
	if err != nil {
		return collect.Preview{}, err
	}
	if u, bad := src.(unusable); bad { // told by field and with what to do, not as a run that failed
		return collect.Preview{}, u.why
	}
	p, err := w.Runner.Preview(ctx, d.DB, d.Actor.Org, d.By, t, src)
	p.Exports = append(p.Exports, known...)
	p.Preset, _ = t.Config["preset"].(string)
	return p, err
}

// detected sets the known export that a file looks most like, where nobody has said what it is.
func detected(t *collect.SourceThing, known []collect.Export) {
	if len(known) == 0 || set(t.Config["preset"]) || set(t.Config["kind"]) {
		return
	}
	if t.Config = maps.Clone(t.Config); t.Config == nil {
		t.Config = map[string]any{}
	}
	t.Config["preset"] = known[0].Name
}

func set(v any) bool { return v != nil && v != "" }
