// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/grc"

	"pgregory.net/rapid"
)

var dayOne = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func after(h int) time.Time { return dayOne.Add(time.Duration(h) * time.Hour) }

// threeRows is a test that was run every 6 hours over the versions of three policies.
func threeRows() *Narrow {
	n := &Narrow{refs: map[string][]refAt{}, tests: map[string]*rowHistory{}}
	for r, ref := range map[string]string{"r1": "POL-01", "r2": "POL-02", "r3": "POL-03"} {
		n.refs[r] = []refAt{{after(-1), ref}}
	}
	n.tests["policy.sod"] = &rowHistory{}
	return n
}

func (n *Narrow) found(h int, state check.RunState, verdicts map[string]check.Word) *Narrow {
	t := n.tests["policy.sod"]
	for r, v := range verdicts {
		t.finds = append(t.finds, findAt{after(h), r, v})
	}
	t.states = append(t.states, stateAt{at: after(h), state: state})
	return n
}

func TestATestOnOnePolicyFailsWhenTheTestFailsThere(t *testing.T) {
	n := threeRows().found(0, check.RunFailed, map[string]check.Word{"r1": "fail", "r2": "fail", "r3": "fail"})
	for _, p := range []string{"POL-01", "POL-02", "POL-03"} {
		if got := n.At("policy.sod", []string{p}, after(1)); got != check.RunFailed {
			t.Errorf("3 of 3 failed, and for %s it came to %v", p, got)
		}
	}
}

func TestTheGravestRowOfThePoliciesDecides(t *testing.T) {
	for name, one := range map[string]struct {
		verdicts map[string]check.Word
		policies []string
		want     check.RunState
	}{
		"its own passes, another fails": {map[string]check.Word{"r1": "pass", "r2": "fail"}, []string{"POL-01"}, check.RunPassed},
		"one of two fails":              {map[string]check.Word{"r1": "pass", "r2": "fail"}, []string{"POL-01", "POL-02"}, check.RunFailed},
		"error before unknown":          {map[string]check.Word{"r1": "unknown", "r2": "error"}, []string{"POL-01", "POL-02"}, check.RunErrored},
		"unknown before excepted":       {map[string]check.Word{"r1": "unknown", "r2": "excepted"}, []string{"POL-01", "POL-02"}, check.RunUnknown},
		"excepted before passed":        {map[string]check.Word{"r1": "pass", "r2": "excepted"}, []string{"POL-01", "POL-02"}, check.RunExcepted},
		"a policy without a row":        {map[string]check.Word{"r1": "pass"}, []string{"POL-01", "POL-09"}, check.RunUnknown},
		"no row at all":                 {nil, []string{"POL-01"}, check.RunUnknown},
		"a row that is gone":            {map[string]check.Word{"r1": check.Gone}, []string{"POL-01"}, check.RunUnknown},
		"a row of nobody":               {map[string]check.Word{"r9": "pass"}, []string{""}, check.RunUnknown},
		"a missing row, of any policy":  {map[string]check.Word{"r1": "pass", "internal.acknowledgement:p1": "fail"}, []string{"POL-01"}, check.RunFailed},
		"a group is no row":             {map[string]check.Word{"internal.policy:all": "pass"}, []string{"POL-01"}, check.RunUnknown},
	} {
		if got := threeRows().found(0, check.RunPassed, one.verdicts).At("policy.sod", one.policies, after(1)); got != one.want {
			t.Errorf("%s: got %v, want %v", name, got, one.want)
		}
	}
}

// F-00: what failed in any run of a day stays an F of that day, over these rows as over all.
func TestAFailureOfTheRowsStaysInItsDay(t *testing.T) {
	n := threeRows().found(0, check.RunPassed, map[string]check.Word{"r1": "pass", "r2": "pass"})
	n.found(6, check.RunFailed, map[string]check.Word{"r1": "fail"}).found(12, check.RunFailed, map[string]check.Word{"r1": "pass", "r2": "fail"}).found(30, check.RunPassed, map[string]check.Word{"r2": "pass"})
	n.tests["policy.sod"].states = append(n.tests["policy.sod"].states, stateAt{at: after(48), state: check.RunErrored, stopped: true})
	b := &Board{Zone: time.UTC, Now: after(50), spans: &spanCache{}, data: &boardData{narrow: n}, dated: &dated{days: check.NewDays(time.UTC), plans: map[string]map[string]bool{"s": {"policy.sod": true}}}}
	for i := range 4 {
		b.Days = append(b.Days, check.DayOf(b.Now, time.UTC)-check.Day(i))
	}
	for h := 0; h <= 48; h += 6 {
		b.dated.checks = append(b.dated.checks, check.Check{At: after(h), Scope: "s"})
	}
	whole := &TestLine{ID: "policy.sod"}
	whole.runs = b.runsOf("policy.sod")
	b.Tests = map[string]*TestLine{"policy.sod": whole}
	for policy, want := range map[string]string{"POL-01": "PPFN", "POL-02": "PFFN", "POL-09": "ENNN"} {
		l := b.testOf(grc.ControlTest{Test: "policy.sod", OnlyPolicies: []string{policy}})
		got := ""
		for _, c := range l.Cells {
			got += c.Letter.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", policy, got, want)
		}
	}
	l := b.testOf(grc.ControlTest{Test: "policy.sod", OnlyPolicies: []string{"POL-01"}})
	if l.State.Verdict != "error" || l.Done != check.RunPassed || !l.Completed.Equal(after(42)) {
		t.Errorf("now it is %s, and last came to %v at %s", l.State.Verdict, l.Done, l.Completed)
	}
	if b.testOf(grc.ControlTest{Test: "policy.sod"}) != whole {
		t.Error("a test that counts whole was narrowed")
	}
}

// A row belongs to the policy that it named at the time.
func TestARowIsOfThePolicyThatItNamedThen(t *testing.T) {
	n := threeRows().found(0, check.RunFailed, map[string]check.Word{"r1": "fail", "r2": "pass"}).found(24, check.RunFailed, map[string]check.Word{"r2": "excepted"})
	n.refs["r1"] = append(n.refs["r1"], refAt{after(23), "POL-77"})
	for at, want := range map[int]check.RunState{1: check.RunFailed, 25: check.RunUnknown} {
		if got := n.At("policy.sod", []string{"POL-01"}, after(at)); got != want {
			t.Errorf("after %d hours: %v, want %v", at, got, want)
		}
	}
	if got := n.At("policy.sod", []string{"POL-77"}, after(25)); got != check.RunFailed {
		t.Errorf("under its new name: %v", got)
	}
}

// The count that moves along with the changes is that of all rows, looked at anew at each moment.
func TestTheMovingCountIsTheWholeCount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := &Narrow{refs: map[string][]refAt{}, tests: map[string]*rowHistory{"policy.sod": {}}}
		h := n.tests["policy.sod"]
		rows := []string{"r1", "r2", "r3", "r4", "kind:missing", "lost"}
		for _, r := range rows[:4] {
			for at := -1; at < 20; at += rapid.IntRange(3, 12).Draw(rt, "until") {
				n.refs[r] = append(n.refs[r], refAt{after(at), rapid.SampledFrom([]string{"POL-01", "POL-02", "POL-03"}).Draw(rt, "ref")})
			}
		}
		for at := range 20 {
			for _, r := range rows {
				if rapid.IntRange(0, 4).Draw(rt, "changed") == 0 {
					h.finds = append(h.finds, findAt{after(at), r, rapid.SampledFrom([]check.Word{"pass", "fail", "unknown", "excepted", "error", check.Gone}).Draw(rt, "verdict")})
				}
			}
			if rapid.Bool().Draw(rt, "state") {
				h.states = append(h.states, stateAt{after(at), check.RunErrored, rapid.IntRange(0, 5).Draw(rt, "stopped") == 0})
			}
		}
		policies := []string{"POL-01", "POL-02"}[:rapid.IntRange(1, 2).Draw(rt, "policies")]
		for _, m := range h.moments() {
			if len(h.states) == 0 || h.states[0].at.After(m) {
				continue
			}
			if got, want := n.At("policy.sod", policies, m), slowly(n, h, policies, m); got != want {
				rt.Fatalf("at %s: %v, want %v", m, got, want)
			}
		}
	})
}

// slowly looks at every row as it stood at a moment.
func slowly(n *Narrow, h *rowHistory, policies []string, at time.Time) check.RunState {
	last := map[string]check.Word{}
	for _, f := range h.finds {
		if !f.at.After(at) {
			last[f.resource] = f.verdict
		}
	}
	for _, s := range slices.Backward(h.states) {
		if !s.at.After(at) {
			if s.stopped {
				return s.state
			}
			break
		}
	}
	rank := map[check.RunState]int{check.RunPassed: 0, check.RunExcepted: 1, check.RunUnknown: 2, check.RunErrored: 3, check.RunFailed: 4}
	worst, seen := check.RunPassed, map[string]bool{}
	for r, v := range last {
		ref := ""
		for _, x := range n.refs[r] {
			if !x.at.After(at) {
				ref = x.ref
			}
		}
		if v == check.Gone || r == "lost" || r != "kind:missing" && !slices.Contains(policies, ref) {
			continue
		}
		seen[ref] = true
		if rank[v.RunState()] > rank[worst] {
			worst = v.RunState()
		}
	}
	for _, p := range policies {
		if !seen[p] && rank[worst] < rank[check.RunUnknown] {
			worst = check.RunUnknown
		}
	}
	return worst
}
