// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"assay/content"
)

func TestAPeriodIsSoManyDaysOrTheCalendarPeriodBefore(t *testing.T) {
	berlin := NewCalendar(zone(t, "Europe/Berlin"), nil)
	for _, x := range []struct {
		now, word string
		days      int
		want      string
	}{
		{"2026-03-02T12:00:00Z", "", 106, "2025-11-16T00:00:00+01:00"},
		{"2026-03-02T12:00:00Z", "quarter", 106, "2025-10-01T00:00:00+02:00"},
		{"2026-01-01T00:30:00+01:00", "quarter", 106, "2025-09-17T00:00:00+02:00"}, // the days reach farther back
		{"2025-12-31T23:30:00Z", "quarter", 30, "2025-10-01T00:00:00+02:00"},       // in Berlin the year has begun
		{"2025-12-31T22:30:00Z", "quarter", 30, "2025-07-01T00:00:00+02:00"},
		{"2026-12-31T12:00:00Z", "year", 380, "2025-01-01T00:00:00+01:00"},
		{"2026-03-02T12:00:00Z", "", 380, "2025-02-15T00:00:00+01:00"},
	} {
		got, err := berlin.PeriodStart(moment(t, x.now), x.days, x.word)
		if err != nil || !got.Equal(moment(t, x.want)) {
			t.Errorf("%s %d %q: %s %v, want %s", x.now, x.days, x.word, got, err, x.want)
		}
	}
	for word, days := range map[string]int{"month": 1, "": -1} {
		if _, err := berlin.PeriodStart(noon, days, word); err == nil {
			t.Errorf("%q with %d days was taken", word, days)
		}
	}
}

func TestAConditionOfAPeriodFollowsTheZoneAndItsParameters(t *testing.T) {
	def := testOf("", "day >= period_start(params.days, params.calendar)")
	def.Params = map[string]any{"days": 10, "calendar": "quarter"}
	c, r := world(t, def)
	if !r.TimeDependent() || !strings.Contains(r.Explain(), "day is not before the day 10 days ago, or the start of the calendar quarter before this one") {
		t.Errorf("it says: %s", r.Explain())
	}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"day": "2025-10-01"}}})), VerdictPass, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"day": "2025-09-30"}}})), VerdictFail, "")
	def.Params["calendar"] = "month"
	c, r = world(t, def)
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"day": "2025-09-30"}}})), VerdictError, "use quarter, year or nothing")
}

func TestOneMemberDecidesWhoeverElseMayBelongHere(t *testing.T) {
	parts := []attrs{{"thing_ref": "a", "good": true, "size": 1}, {"good": true, "size": 2}}
	for condition, want := range map[string]Verdict{
		"parts.exists(p, p.good)":                                   VerdictPass,
		"parts.exists(p, p.size > 5)":                               VerdictUnknown,
		"parts.all(p, p.size > 5)":                                  VerdictFail,
		"parts.all(p, p.good)":                                      VerdictUnknown,
		"size(parts) == 1":                                          VerdictUnknown,
		"parts.filter(p, p.good).exists(p, p.good)":                 VerdictUnknown,
		"parts.exists(p, p.good) && size(parts) == 1":               VerdictUnknown,
		"parts.exists(p, parts.all(q, q.size == p.size) && p.good)": VerdictUnknown,
	} {
		c, r := world(t, testOf("", condition))
		if out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"id": "a"}}, "part": parts})); out.State != want {
			t.Errorf("%s: %s (%s), want %s", condition, out.State, out.Reason, want)
		}
	}
}

func TestACountOverAllGoesWithATestOverEach(t *testing.T) {
	def := testOf("", "!on || counts.on <= 1")
	def.Counts = map[string]string{"on": "on"}
	c, r := world(t, def)
	if r.Single() {
		t.Error("one changed resource would be tested alone, and the others with it are not")
	}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": true}, {"on": false}}})), VerdictPass, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": true}, {"on": true}, {"on": false}}})), VerdictFail, "2 of 3")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": false}, {}}})), VerdictUnknown, "1 of 2")
}

func TestADefaultHoldsWhereASourceSaysNothingAndGivesNoReason(t *testing.T) {
	kinds := testKinds()
	for i, a := range kinds[0].Attributes {
		switch a.Name {
		case "s":
			kinds[0].Attributes[i].Default = "laptop"
		case "n":
			kinds[0].Attributes[i].Default = 3
		}
	}
	c, err := Compile([]content.Test{testOf("", `s == "laptop" && n == 3`)}, kinds)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Rule("x.test")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{}}})), VerdictPass, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"s": nil}}})), VerdictFail, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"why": map[string]string{"s": "not allowed to read it"}}}})), VerdictUnknown, "not allowed")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"n": "three"}}})), VerdictUnknown, "three")
	kinds[0].Attributes[0].Default = "perhaps"
	if _, err := Compile(nil, kinds); err == nil || !strings.Contains(err.Error(), "default") {
		t.Errorf("a default of another type: %v", err)
	}
}
