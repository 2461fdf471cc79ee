// SPDX-License-Identifier: Apache-2.0

package check

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/content"
)

func TestAPastEventThatLiesAheadIsUnknown(t *testing.T) {
	c, r := world(t, testOf("", "at >= now - days(31)"))
	for at, want := range map[string]Verdict{
		"2026-03-02T11:00:00Z": VerdictPass,
		"2026-03-03T12:00:00Z": VerdictPass, // 24 hours: clocks and zones differ
		"2026-03-03T12:00:01Z": VerdictUnknown,
		"2031-01-01T00:00:00Z": VerdictUnknown,
		"2020-01-01T00:00:00Z": VerdictFail,
	} {
		out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"id": "a", "at": at}}}))
		expect(t, out, want, "")
		if want == VerdictUnknown && !strings.Contains(out.Reason, "at is "+at[:10]) {
			t.Errorf("%s: the reason names neither attribute nor value: %s", at, out.Reason)
		}
	}
}

func TestWhatMayLieAheadMayLieAhead(t *testing.T) {
	c, r := world(t, testOf("", "since >= now"))
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"since": "2031-01-01T00:00:00Z"}}})), VerdictPass, "")
}

func TestTheCollectionAndNotTheCheckSaysWhatLiesAhead(t *testing.T) {
	c, r := world(t, testOf("", "at >= now - days(31)"))
	in := given(t, c, map[string][]attrs{"thing": {{"id": "a", "at": "2026-03-02T11:00:00Z"}}})
	set := in.Resources.Set("thing")
	set.Collected = noon.Add(-26 * time.Hour)
	in.Resources = NewPopulation(map[string]Set{"thing": set})
	expect(t, r.Evaluate(in), VerdictUnknown, "which is in the future")
}

func TestAPartThatLiesAheadIsNotTheNewest(t *testing.T) {
	for _, condition := range []string{"newest.made_at >= now - days(31)", "parts.exists(p, p.made_at >= now - days(31))"} {
		c, r := world(t, testOf("", condition))
		in := given(t, c, map[string][]attrs{"thing": {{"id": "a"}}, "part": {{"thing_ref": "a", "good": true, "made_at": "2031-01-01T00:00:00Z"}}})
		expect(t, r.Evaluate(in), VerdictUnknown, "made_at")
	}
}

func TestOneResourceAloneMayNotLieAheadEither(t *testing.T) {
	c, r := world(t, testOf("", "at >= now - days(31)"))
	in := given(t, c, nil)
	b, err := c.Bind(Resource{ID: "p", Kind: "thing", Key: "p", Attrs: attrs{"at": "2031-01-01T00:00:00Z"}}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	in.Resources.Put(b)
	if got := r.EvaluateOne(in, b); got.Verdict != VerdictUnknown {
		t.Errorf("got %+v", got)
	}
	expect(t, r.Evaluate(in), VerdictUnknown, "at is 2031-01-01")
}

// Derived from all tests and all kinds: in every example, any time of a past event may lie in 2031. The outcome is
// then what it is without that time.
func TestNoTimeIn2031MakesAnyTestPass(t *testing.T) {
	c := catalogue(t)
	run := func(r *Rule, given map[string][]map[string]any) Outcome {
		one := *r
		one.Def.Fixtures = &content.Fixtures{Now: r.Def.Fixtures.Now, Pass: content.Fixture{Given: given}}
		out, err := c.RunFixture(&one, "pass")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	tried := 0
	for _, r := range c.Rules() {
		for _, name := range FixtureNames {
			example := FixtureOf(r.Def.Fixtures, name)
			for kind, resources := range example.Given {
				for i := range resources {
					for _, a := range c.kinds[kind].attrs {
						if !a.past {
							continue
						}
						with := func(change func(map[string]any)) map[string][]map[string]any {
							out := maps.Clone(example.Given)
							out[kind] = slices.Clone(resources)
							out[kind][i] = maps.Clone(resources[i])
							change(out[kind][i])
							return out
						}
						tried++
						ahead := run(r, with(func(m map[string]any) { m[a.name] = "2031-06-01" }))
						without := run(r, with(func(m map[string]any) { delete(m, a.name) }))
						if ahead.State != without.State || ahead.Passed != without.Passed {
							t.Errorf("%s, %s: %s.%s in 2031 comes to %s, and without it to %s", r.ID(), name, kind, a.name, ahead.State, without.State)
						}
					}
				}
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d times were tried", tried)
	}
}

func TestEveryTimeOfEveryKindIsDecided(t *testing.T) {
	for _, a := range []content.Attribute{{Name: "made_at", Type: "time"}, {Name: "made_on", Type: "date"}, {Name: "n", Type: "int", Past: past}} {
		if _, err := Compile(nil, []content.ResourceKind{{Kind: "thing", Title: "things", Attributes: []content.Attribute{a}}}); err == nil || !strings.Contains(err.Error(), "past") && !strings.Contains(err.Error(), "future") {
			t.Errorf("%+v was taken: %v", a, err)
		}
	}
}
