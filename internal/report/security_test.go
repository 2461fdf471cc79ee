// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func systemTest(severity string, passed, evaluated int) SystemTest {
	return SystemTest{Test: severity, Kind: "cloud.bucket", Severity: severity, Security: true, CompletedAt: now.Add(-time.Hour), Passed: passed, Evaluated: evaluated}
}

// TestSystemSecurityOfTheGoldenStates holds the two examples of F-05.
func TestSystemSecurityOfTheGoldenStates(t *testing.T) {
	for _, c := range []struct {
		tests   []SystemTest
		exact   *big.Rat
		percent int
	}{
		{[]SystemTest{systemTest("critical", 100, 100), systemTest("high", 48, 50), systemTest("medium", 49, 50)}, big.NewRat(884, 900), 98},
		{[]SystemTest{systemTest("critical", 100, 100), systemTest("high", 47, 50), systemTest("medium", 18, 20)}, big.NewRat(862, 900), 95},
	} {
		s := SystemSecurityOf(c.tests, now)
		if !s.Known || !s.Current || s.Percent != c.percent || s.Exact.Cmp(c.exact) != 0 {
			t.Errorf("%+v, want %v = %d%%", s, c.exact, c.percent)
		}
	}
}

func TestSystemSecurityCountsSystemsOnly(t *testing.T) {
	base := []SystemTest{systemTest("high", 1, 2)}
	for _, kind := range []string{"internal.policy", "person", "training.record", "ticket"} {
		x := systemTest("critical", 5, 5)
		x.Kind = kind
		if s := SystemSecurityOf(append(slices.Clone(base), x), now); s.Percent != 50 || s.Tests != 1 {
			t.Errorf("%s counts: %+v", kind, s)
		}
	}
	elsewhere := systemTest("critical", 5, 5)
	elsewhere.Security = false
	empty := systemTest("critical", 0, 0)
	if s := SystemSecurityOf(append(slices.Clone(base), elsewhere, empty), now); s.Percent != 50 || s.Tests != 1 {
		t.Errorf("%+v", s)
	}
}

func TestAnOldOrAbsentRunIsShownAndNeverCounted(t *testing.T) {
	old, never := systemTest("critical", 9, 9), systemTest("low", 9, 9)
	old.CompletedAt, never.CompletedAt = now.Add(-24*time.Hour-time.Millisecond), time.Time{}
	s := SystemSecurityOf([]SystemTest{systemTest("high", 1, 2), old, never}, now)
	if s.Current || s.Percent != 50 || fmt.Sprint(s.Stale, s.NeverRun) != "[critical] [low]" {
		t.Errorf("%+v", s)
	}
	if s := SystemSecurityOf([]SystemTest{old, never}, now); s.Known || s.Current || s.Percent != 0 {
		t.Errorf("a figure out of nothing: %+v", s)
	}
}

func TestSystemSecurityDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tests := rapid.SliceOf(rapid.Custom(func(t *rapid.T) SystemTest {
			n := rapid.IntRange(0, 99).Draw(t, "evaluated")
			return systemTest(rapid.SampledFrom([]string{"critical", "high", "medium", "low"}).Draw(t, "severity"), rapid.IntRange(0, n).Draw(t, "passed"), n)
		})).Draw(t, "tests")
		a, b := SystemSecurityOf(tests, now), SystemSecurityOf(rapid.Permutation(tests).Draw(t, "order"), now)
		if a.Exact.Cmp(b.Exact) != 0 || a.Percent < 0 || a.Percent > 100 {
			t.Fatalf("%v and %v", a.Exact, b.Exact)
		}
	})
}
