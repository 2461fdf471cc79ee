// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/store"
)

// Narrow judges tests over the rows of some policies alone, for the controls that a test counts for on those only. It
// knows what was kept of each row, so that it says of any moment what the check before it came to.
type Narrow struct {
	refs  map[string][]refAt // by resource: of which policy it is a row, oldest first
	tests map[string]*rowHistory
}

type refAt struct {
	at  time.Time
	ref string
}

// rowHistory is what was kept of one test, oldest first.
type rowHistory struct {
	finds  []findAt
	states []stateAt

	windows []windowAt // of a test over events
}

// windowAt is what a test over events came to for the letter of a day, from a moment on; gone when it no longer judges events.
type windowAt struct {
	at      time.Time
	verdict check.Word
	rows    map[string]check.Word // nil where the source allowed no look at them
}

type findAt struct {
	at       time.Time
	resource string
	verdict  check.Word
}

type stateAt struct {
	at      time.Time
	state   check.RunState
	stopped bool // nothing was looked at: the rows are as old as they were, and the state says why
}

// Narrowed lists the tests that some control counts on certain policies alone.
func Narrowed(controls []*grc.Control) []string {
	var out []string
	for _, c := range controls {
		for _, t := range c.Tests {
			if len(t.OnlyPolicies) > 0 && !slices.Contains(out, t.Test) {
				out = append(out, t.Test)
			}
		}
	}
	slices.Sort(out)
	return out
}

// ReadNarrow reads what it takes to judge some tests over the rows of policies. Without tests it reads nothing.
func ReadNarrow(ctx context.Context, v *store.View, tests []string) (*Narrow, error) {
	n := &Narrow{refs: map[string][]refAt{}, tests: map[string]*rowHistory{}}
	if len(tests) == 0 {
		return n, nil
	}
	where, args := "", []any{}
	for i, t := range tests {
		where += fmt.Sprintf(", $%d", i+3)
		args = append(args, t)
		n.tests[t] = &rowHistory{}
	}
	where = "test IN (" + where[2:] + ")"
	finds, err := store.ProjectChanges[struct {
		Test, Resource string
		Verdict        check.Word
		At             int64
	}](ctx, v, check.Finds, []string{"test", "resource", "verdict", "at"}, where, args...)
	if err != nil {
		return nil, err
	}
	for _, f := range finds {
		n.tests[f.Test].finds = append(n.tests[f.Test].finds, findAt{time.UnixMilli(f.At).UTC(), f.Resource, f.Verdict})
	}
	states, err := store.ProjectChanges[struct {
		Test          string
		Verdict       check.Word
		Evaluated, At int64
	}](ctx, v, check.States, []string{"test", "state", "evaluated", "at"}, where, args...)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		stopped := s.Evaluated == 0 && (s.Verdict == "error" || s.Verdict == "unknown")
		n.tests[s.Test].states = append(n.tests[s.Test].states, stateAt{time.UnixMilli(s.At).UTC(), s.Verdict.RunState(), stopped})
	}
	windows, err := store.ProjectChanges[struct {
		Test  string
		OnDay check.Word
		Rows  string
		At    int64
	}](ctx, v, check.Windows, []string{"test", "on_day", "rows", "at"}, where, args...)
	if err != nil {
		return nil, err
	}
	for _, w := range windows {
		x := windowAt{at: time.UnixMilli(w.At).UTC(), verdict: w.OnDay}
		if w.Rows != "" {
			if err := json.Unmarshal([]byte(w.Rows), &x.rows); err != nil {
				return nil, fmt.Errorf("rows of the window of %s: %w", w.Test, err)
			}
		}
		n.tests[w.Test].windows = append(n.tests[w.Test].windows, x)
	}
	if len(finds) == 0 {
		return n, nil
	}
	return n, n.readRefs(ctx, v)
}

// readRefs reads of which policy each row is, and was.
func (n *Narrow) readRefs(ctx context.Context, v *store.View) error {
	rows, err := store.ProjectChanges[struct {
		ID, Attrs string
		At        int64
	}](ctx, v, collect.Versions, []string{"id", "attrs", "at"}, "kind IN ($3, $4, $5)", "internal.policy", "internal.policy_version", "internal.acknowledgement")
	if err != nil {
		return err
	}
	for _, r := range rows {
		var a struct {
			Ref       any `json:"ref"`
			PolicyRef any `json:"policy_ref"`
		}
		if err := json.Unmarshal([]byte(r.Attrs), &a); err != nil {
			return fmt.Errorf("attributes of %s: %w", r.ID, err)
		}
		ref, ok := a.PolicyRef.(string)
		if !ok {
			ref, _ = a.Ref.(string)
		}
		if old := n.refs[r.ID]; len(old) == 0 || old[len(old)-1].ref != ref {
			n.refs[r.ID] = append(old, refAt{time.UnixMilli(r.At).UTC(), ref})
		}
	}
	return nil
}

// Changes lists what a test came to over the rows of some policies, oldest first. It takes as long as there are changes,
// not as there are rows.
func (n *Narrow) Changes(test string, policies []string) []check.StateChange {
	return n.changes(test, policies, false)
}

// Letters are the same as the days take them, as the changes of the test itself: of a test over events what was due on
// each day.
func (n *Narrow) Letters(test string, policies []string) []check.StateChange {
	return n.changes(test, policies, true)
}

func (n *Narrow) changes(test string, policies []string, ofDays bool) []check.StateChange {
	h := n.tests[test]
	if h == nil {
		return nil
	}
	var out []check.StateChange
	t := tally{narrow: n, policies: policies, verdicts: map[string]check.Word{}, counted: map[string]counted{}, rows: map[string]int{}}
	moved, f, s, m := n.moved(h), 0, 0, 0
	for _, at := range h.moments() {
		for ; m < len(moved) && !moved[m].at.After(at); m++ {
			t.count(moved[m].resource, at)
		}
		for ; f < len(h.finds) && !h.finds[f].at.After(at); f++ {
			t.verdicts[h.finds[f].resource] = h.finds[f].verdict
			t.count(h.finds[f].resource, at)
		}
		for s < len(h.states) && !h.states[s].at.After(at) {
			s++
		}
		if s == 0 {
			continue // it was not run yet
		}
		state := h.states[s-1].state
		w := h.windowAt(at)
		switch {
		case w != nil && ofDays:
			state = n.onDay(w, policies, at)
		case !h.states[s-1].stopped:
			state = t.worst(w != nil)
		}
		if len(out) == 0 || out[len(out)-1].State != state {
			out = append(out, check.StateChange{At: at, State: state})
		}
	}
	return out
}

// moments are those at which the answer may change: what was found is all of one check, at one moment.
func (h *rowHistory) moments() []time.Time {
	out := make([]time.Time, 0, len(h.finds)+len(h.states)+len(h.windows))
	for _, w := range h.windows {
		out = append(out, w.at)
	}
	for _, f := range h.finds {
		out = append(out, f.at)
	}
	for _, s := range h.states {
		out = append(out, s.at)
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// windowAt is what the letters of days took at a moment; nil where the test did not judge events then.
func (h *rowHistory) windowAt(at time.Time) *windowAt {
	i, _ := slices.BinarySearchFunc(h.windows, at, func(w windowAt, t time.Time) int { return cmp.Or(w.at.Compare(t), -1) })
	if i == 0 || h.windows[i-1].verdict == check.Gone {
		return nil
	}
	return &h.windows[i-1]
}

// onDay is what the letter of a day takes over the rows of some policies.
func (n *Narrow) onDay(w *windowAt, policies []string, at time.Time) check.RunState {
	if w.rows == nil && w.verdict != "not_applicable" {
		if w.verdict == "error" {
			return check.RunErrored
		}
		return check.RunUnknown // no row is of any policy
	}
	state := check.RunNotApplicable
	for resource, verdict := range w.rows {
		if ref, _ := n.refOf(resource, at); !slices.Contains(policies, ref) {
			continue
		}
		if s := verdict.RunState(); state == check.RunNotApplicable || graver(s, state) {
			state = s
		}
	}
	return state
}

func graver(a, b check.RunState) bool {
	i, j := slices.Index(gravity, a), slices.Index(gravity, b)
	return i >= 0 && (j < 0 || i < j)
}

// moved lists the rows of a test that became those of another policy, oldest first.
func (n *Narrow) moved(h *rowHistory) []findAt {
	var out []findAt
	seen := map[string]bool{}
	for _, f := range h.finds {
		if refs := n.refs[f.resource]; len(refs) > 1 && !seen[f.resource] {
			for _, r := range refs[1:] {
				out = append(out, findAt{at: r.at, resource: f.resource})
			}
		}
		seen[f.resource] = true
	}
	slices.SortStableFunc(out, func(a, b findAt) int { return a.at.Compare(b.at) })
	return out
}

// At is what the last check before a moment came to over the rows of some policies. Before the first it is unknown.
func (n *Narrow) At(test string, policies []string, at time.Time) check.RunState {
	state := check.RunUnknown
	for _, c := range n.Changes(test, policies) {
		if !c.At.After(at) {
			state = c.State
		}
	}
	return state
}

// gravity orders the states of rows: the gravest is that of the whole.
var gravity = []check.RunState{check.RunFailed, check.RunErrored, check.RunUnknown, check.RunExcepted}

// tally counts the rows of some policies by what they came to.
type tally struct {
	narrow   *Narrow
	policies []string
	verdicts map[string]check.Word // of each row of the test
	counted  map[string]counted    // the rows that count
	states   [8]int                // how many of those that count are in each state
	rows     map[string]int        // how many rows each policy has
}

type counted struct {
	ref   string
	state check.RunState
}

// count takes a row into account as it is at a moment. What a test found missing is no row of any policy, and so
// counts for each.
func (t *tally) count(resource string, at time.Time) {
	if old, ok := t.counted[resource]; ok {
		t.states[old.state]--
		t.rows[old.ref]--
		delete(t.counted, resource)
	}
	verdict, found := t.verdicts[resource]
	if !found || verdict == check.Gone {
		return
	}
	ref, row := t.narrow.refOf(resource, at)
	if row && !slices.Contains(t.policies, ref) || !row && !strings.Contains(resource, ":") {
		return
	}
	if !row {
		ref = ""
	}
	c := counted{ref, verdict.RunState()}
	t.counted[resource] = c
	t.states[c.state]++
	t.rows[ref]++
}

// worst is the gravest state of the rows. A policy without any row is unknown, never passed; of a test over events, it
// had none in the window.
func (t *tally) worst(events bool) check.RunState {
	alone := !events && slices.ContainsFunc(t.policies, func(p string) bool { return p == "" || t.rows[p] == 0 })
	for _, s := range gravity {
		if t.states[s] > 0 || s == check.RunUnknown && alone {
			return s
		}
	}
	if events && len(t.counted) == 0 {
		return check.RunNotApplicable
	}
	return check.RunPassed
}

// refOf says of which policy a resource was a row at a moment.
func (n *Narrow) refOf(resource string, at time.Time) (ref string, row bool) {
	all := n.refs[resource]
	i, _ := slices.BinarySearchFunc(all, at, func(r refAt, t time.Time) int { return cmp.Or(r.at.Compare(t), -1) })
	if i == 0 {
		return "", len(all) > 0
	}
	return all[i-1].ref, true
}
