// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/store"
)

// Summary is what a check came to.
type Summary struct {
	Check    Check
	Outcomes []Outcome
}

// Evaluate runs rules over a population. Progress, where not nil, is told after each.
// Where ctx ends it gives its error and no outcomes: a part of them would look like the whole.
func Evaluate(ctx context.Context, rules []*Rule, in *Input, progress func(done, total int)) ([]Outcome, error) {
	with := *in
	with.Halt = ctx.Done()
	out := make([]Outcome, len(rules))
	for i, r := range rules {
		out[i] = r.Evaluate(&with)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(i+1, len(rules))
		}
	}
	return out, nil
}

// Before is what was kept of earlier checks: what the next is compared with.
type Before struct {
	states  map[string]State
	windows map[string]Window
	finds   map[string]map[string]find // by test and resource
	plan    map[string]bool
	seen    int64 // the size of the ledger at which they were read
}

type find struct {
	verdict Word
	mark    string
}

// LoadBefore reads what the tests came to last.
func LoadBefore(ctx context.Context, v *store.View) (*Before, error) {
	b := &Before{states: map[string]State{}, windows: map[string]Window{}, finds: map[string]map[string]find{}, plan: map[string]bool{}, seen: v.At}
	states, err := States.Select(ctx, v, "", "")
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		b.states[s.Test] = s
	}
	windows, err := Windows.Select(ctx, v, "", "")
	if err != nil {
		return nil, err
	}
	for _, w := range windows {
		b.windows[w.Test] = w
	}
	type row struct {
		Test, Resource string
		Verdict        Word
		Message        string
		Observed       string
		Exception      string
	}
	rows, err := store.Project[row](ctx, v, Finds, []string{"test", "resource", "verdict", "message", "observed", "exception"}, "verdict<>'gone'")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		m := b.finds[r.Test]
		if m == nil {
			m = map[string]find{}
			b.finds[r.Test] = m
		}
		m[r.Resource] = find{r.Verdict, mark(r.Verdict, r.Message, r.Observed, r.Exception)}
	}
	scopes, err := store.Project[struct{ Scope string }](ctx, v, Plans, []string{"scope"}, "")
	for _, s := range scopes {
		b.plan[s.Scope] = true
	}
	return b, err
}

// mark says what of a result, when it changes, is a change worth keeping: of a pass, that it is one.
func mark(v Word, message, observed, exception string) string {
	if v == "pass" {
		return ""
	}
	if observed == "{}" { // nothing was observed, written down in the other way
		observed = ""
	}
	return message + "\x00" + observed + "\x00" + exception
}

// Keep writes a check: of its outcomes what has changed, and the check itself last. Nothing of it counts before that.
// told is told how far it is; nil is not.
func Keep(ctx context.Context, db *store.DB, org string, by store.By, b *Before, c Check, outcomes []Outcome, told func(done, all int)) (Check, error) {
	plan := Plan{}
	for _, o := range outcomes {
		plan.Tests = append(plan.Tests, o.Test+"@"+o.Version)
		switch o.State {
		case VerdictPass:
			c.Passed++
		case VerdictFail:
			c.Failed++
		default:
			c.Other++
		}
	}
	slices.Sort(plan.Tests)
	plan.Scope = fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(plan.Tests, "\n"))))[:32]
	c.Scope = plan.Scope
	states, finds, err := b.changes(ctx, c, outcomes)
	if err != nil {
		return c, err
	}
	c.Changed = int64(len(states))
	windows := b.newWindows(c, outcomes)
	g := store.Group{ID: c.ID, Seen: b.seen, Told: told}
	err = Finds.Spread(ctx, db, org, by, g, finds, func(tx *store.Tx) error {
		if !b.plan[plan.Scope] {
			if _, err := Plans.Append(ctx, tx, c.ID, []Plan{plan}, nil); err != nil {
				return err
			}
		}
		if len(states) > 0 {
			if _, err := States.Append(ctx, tx, c.ID, states, nil); err != nil {
				return err
			}
		}
		if len(windows) > 0 {
			if _, err := Windows.Append(ctx, tx, c.ID, windows, nil); err != nil {
				return err
			}
		}
		_, err := Checks.Append(ctx, tx, c.ID, []Check{c}, nil)
		return err
	})
	return c, err
}

// newWindows finds what differs for the letters of days from what was kept.
func (b *Before) newWindows(c Check, outcomes []Outcome) []Window {
	var out []Window
	for _, o := range outcomes {
		was, known := b.windows[o.Test]
		w := Window{Test: o.Test, Verdict: Gone, Check: c.ID, At: c.At}
		if d := o.OnDay; d != nil {
			w.Verdict, w.Reason, w.Judged, w.Open, w.Late, w.Days, w.Rows = WordOf(d.State), d.Reason, int64(d.Judged), int64(d.Open), int64(d.Late), int64(d.Days), d.Rows
		} else if !known || was.Verdict == Gone {
			continue
		}
		if !known || !sameWindow(was, w) {
			out = append(out, w)
		}
	}
	return out
}

func sameWindow(a, b Window) bool {
	return a.Verdict == b.Verdict && a.Reason == b.Reason && a.Judged == b.Judged && a.Open == b.Open && a.Late == b.Late && a.Days == b.Days && maps.Equal(a.Rows, b.Rows)
}

// changes finds what differs from what was kept.
func (b *Before) changes(ctx context.Context, c Check, outcomes []Outcome) ([]State, []Found, error) {
	var states []State
	var finds []Found
	for _, o := range outcomes {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		s := State{Test: o.Test, Version: o.Version, Verdict: WordOf(o.State), Reason: o.Reason, Evaluated: int64(o.Evaluated), Passed: int64(o.Passed), Failed: int64(o.Failed),
			Excepted: int64(o.Excepted), Unknown: int64(o.Unknown), Errors: int64(o.Errors), Check: c.ID, At: c.At}
		if was := b.states[o.Test]; !same(was, s) {
			states = append(states, s)
		}
		if stopped(o) {
			continue // nothing was looked at: what was found before stays, and the state says that it is old
		}
		old := b.finds[o.Test]
		now := make(map[string]bool, len(o.Results))
		for _, r := range o.Results {
			now[r.Resource] = true
			f := Found{Test: o.Test, Resource: r.Resource, Verdict: WordOf(r.Verdict), Message: r.Message, Observed: r.Observed, Exception: r.Exception, Check: c.ID, At: c.At}
			was, known := old[r.Resource]
			if known && f.Verdict == "pass" && was.verdict == "pass" {
				continue
			}
			obs, err := observed(r.Observed)
			if err != nil {
				return nil, nil, err
			}
			if known && was.verdict == f.Verdict && was.mark == mark(f.Verdict, f.Message, obs, f.Exception) {
				continue
			}
			finds = append(finds, f)
		}
		gone := []string{}
		for id := range old {
			if !now[id] {
				gone = append(gone, id)
			}
		}
		slices.Sort(gone)
		for _, id := range gone {
			finds = append(finds, Found{Test: o.Test, Resource: id, Verdict: Gone, Check: c.ID, At: c.At})
		}
	}
	return states, finds, nil
}

// stopped says whether the sources did not allow the test to look at anything.
func stopped(o Outcome) bool {
	return o.Evaluated == 0 && len(o.Results) == 0 && (o.State == VerdictError || o.State == VerdictUnknown)
}

func same(a, b State) bool {
	a.Place, b.Place, a.Check, b.Check, a.At, b.At = store.Place{}, store.Place{}, "", "", time.Time{}, time.Time{}
	return a == b
}

func observed(m map[string]any) (string, error) {
	if len(m) == 0 {
		return "", nil
	}
	b, err := store.Encode(m)
	return string(b), err
}

// Names reads the list of a plan: test names without their versions.
func (p Plan) Names() map[string]bool {
	out := make(map[string]bool, len(p.Tests))
	for _, t := range p.Tests {
		name, _, _ := strings.Cut(t, "@")
		out[name] = true
	}
	return out
}
