// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/content"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var past, open = new(true), new(false)

// testKinds is a small world: things with an owner, and parts of things.
func testKinds() []content.ResourceKind {
	shared := []content.Attribute{{Name: "id", Type: "string"}, {Name: "name", Type: "string"}, {Name: "present", Type: "bool"}}
	return []content.ResourceKind{
		{Kind: "thing", Title: "things", Attributes: append([]content.Attribute{
			{Name: "on", Type: "bool"}, {Name: "off", Type: "bool"}, {Name: "n", Type: "int"}, {Name: "m", Type: "int"},
			{Name: "s", Type: "string"}, {Name: "colour", Type: "string", Values: []string{"red", "blue"}},
			{Name: "at", Type: "time", Past: past}, {Name: "since", Type: "time", Past: open}, {Name: "day", Type: "date", Past: open},
			{Name: "tags", Type: "strings"}, {Name: "holds", Type: "strings", Values: []string{"personal", "health"}}, {Name: "owner_ref", Type: "string"},
			{Name: "who", Type: "string", IgnoreCase: true}, {Name: "team", Type: "strings", IgnoreCase: true},
		}, shared...), Joins: []content.Join{
			{Name: "owner", Kinds: []string{"owner"}, By: "owner_ref", To: []string{"id"}},
			{Name: "parts", Kinds: []string{"part"}, By: "id", To: []string{"thing_ref"}, Many: true},
			{Name: "newest", Kinds: []string{"part"}, By: "id", To: []string{"thing_ref"}, Where: map[string][]string{"good": {"true"}}, Latest: "made_at"},
			{Name: "oldest", Kinds: []string{"part"}, By: "id", To: []string{"thing_ref"}, First: "made_at"},
			{Name: "boss", Kinds: []string{"owner"}, By: "who", To: []string{"id", "email"}, Optional: true},
		}},
		{Kind: "owner", Title: "owners", NeverEmpty: true, Attributes: append([]content.Attribute{
			{Name: "active", Type: "bool"}, {Name: "left_on", Type: "date", Past: open}, {Name: "n", Type: "int"}, {Name: "s", Type: "string"},
			{Name: "email", Type: "string", IgnoreCase: true},
		}, shared...), Joins: []content.Join{
			{Name: "newest", Kinds: []string{"part"}, By: "id", Or: []string{"email"}, To: []string{"made_by"}, Latest: "made_at"},
		}},
		{Kind: "part", Title: "parts", Attributes: append([]content.Attribute{
			{Name: "thing_ref", Type: "string"}, {Name: "good", Type: "bool"}, {Name: "made_at", Type: "time", Past: past}, {Name: "size", Type: "int"},
			{Name: "made_by", Type: "string", IgnoreCase: true},
		}, shared...)},
	}
}

func testOf(filter, condition string) content.Test {
	return content.Test{ID: "x.test", Title: "It holds", Kind: "thing", Severity: "high", IntervalHours: 24,
		Filter: filter, Condition: condition, Message: "{name} is wrong."}
}

// world compiles one test over the small world.
func world(t testing.TB, def content.Test) (*Catalogue, *Rule) {
	t.Helper()
	c, err := Compile([]content.Test{def}, testKinds())
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Rule(def.ID)
	return c, r
}

// lax compiles one test whether it says anything or not, as one that was kept long ago.
func lax(t interface{ Fatal(...any) }, def content.Test) (*Catalogue, *Rule) {
	c, err := Compile(nil, testKinds())
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.compile(def)
	if err != nil {
		t.Fatal(def.Condition, err)
	}
	r.hollow = nil
	return c, r
}

type attrs = map[string]any

// given binds resources, by kind; all kinds count as read to their end.
func given(t testing.TB, c *Catalogue, by map[string][]attrs) *Input {
	t.Helper()
	sets := map[string]Set{}
	for _, k := range c.Kinds() {
		set := Set{State: SourceComplete}
		for i, a := range by[k] {
			r := fixtureResource(k, a)
			if r.ID == "" {
				r.ID, r.Key = fmt.Sprintf("%s-%d", k, i), fmt.Sprintf("%s-%d", k, i)
			}
			if why, ok := a["why"].(map[string]string); ok {
				r.Why = why
			}
			b, err := c.Bind(r, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			set.Resources = append(set.Resources, b)
		}
		sets[k] = set
	}
	return &Input{Now: noon, Resources: NewPopulation(sets)}
}

func expect(t *testing.T, out Outcome, want Verdict, reason string) {
	t.Helper()
	if out.State != want || !strings.Contains(out.Reason, reason) {
		t.Errorf("got %s: %s; want %s: ...%s...", out.State, out.Reason, want, reason)
	}
}

func TestAnUnknownAttributeNeverPasses(t *testing.T) {
	c, r := world(t, testOf("", "on"))
	in := given(t, c, map[string][]attrs{"thing": {{"id": "a", "on": true}, {"id": "b", "why": map[string]string{"on": "needs root"}}}})
	out := r.Evaluate(in)
	expect(t, out, VerdictUnknown, "b: on is not known: needs root")
	if out.Passed != 1 || out.Unknown != 1 || out.Evaluated != 2 {
		t.Errorf("counts are %+v", out)
	}
}

func TestWhatDecidesAloneDecidesBesideTheUnknown(t *testing.T) {
	for condition, want := range map[string]Verdict{
		"on && off": VerdictFail, "on || off": VerdictUnknown, "off || !on": VerdictPass, "on ? off : true": VerdictPass, "off && on": VerdictFail,
	} {
		c, r := world(t, testOf("", condition))
		expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": false}}})), want, "")
	}
}

func TestAResourceOfWhichTheFilterIsUnknownCountsAsUnknown(t *testing.T) {
	c, r := world(t, testOf("on", "off"))
	out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"off": true}, {"on": false}, {"on": true, "off": true}}}))
	expect(t, out, VerdictUnknown, "on is not known")
	if out.Unknown != 1 || out.OutOfFilter != 1 || out.Passed != 1 {
		t.Errorf("counts are %+v", out)
	}
}

func TestNullIsKnownAndAbsentIsNot(t *testing.T) {
	c, r := world(t, testOf("", "owner_ref != null"))
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"owner_ref": nil}}})), VerdictFail, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{}}})), VerdictUnknown, "owner_ref is not known")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"owner_ref": "o"}}})), VerdictPass, "")
}

func TestAnIllTypedValueIsUnknownWithAReason(t *testing.T) {
	c, r := world(t, testOf("", "on && n > 1 && colour == \"red\" && at < now && \"x\" in tags && \"health\" in holds"))
	good := attrs{"holds": []any{"personal", "health"}, "on": true, "n": 2, "colour": "red", "at": "2026-03-01T00:00:00Z", "tags": []any{"x"}}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {good}})), VerdictPass, "")
	for name, bad := range map[string]struct {
		value any
		says  string
	}{
		"on": {"yes", "yes or no is wanted"}, "n": {1.5, "a whole number is wanted"}, "colour": {"green", "none of red, blue"},
		"at": {"yesterday", "a time is wanted"}, "tags": {[]any{"x", 1}, "a list of texts is wanted"},
		"holds": {[]any{"health", "gossip"}, "\"gossip\", which is none of personal, health"},
	} {
		one := attrs{}
		for k, v := range good {
			one[k] = v
		}
		one[name] = bad.value
		out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {one}}))
		expect(t, out, VerdictUnknown, name+" is not known: the source sent")
		expect(t, out, VerdictUnknown, bad.says)
	}
}

func TestWithoutACompleteRunNothingPasses(t *testing.T) {
	c, r := world(t, testOf("", "owner.active"))
	full := map[string][]attrs{"thing": {{"owner_ref": "o"}}, "owner": {{"id": "o", "active": true}}}
	expect(t, r.Evaluate(given(t, c, full)), VerdictPass, "")
	for _, kind := range []string{"thing", "owner"} {
		for state, want := range map[SourceState]Verdict{SourceNever: VerdictUnknown, SourcePartial: VerdictError, SourceFailed: VerdictError} {
			in := given(t, c, full)
			set := in.Resources.sets[kind]
			set.State, set.Reason = state, "page 3 was refused"
			in.Resources.sets[kind] = set
			says := kind + " could not be read: page 3 was refused"
			switch state {
			case SourceNever:
				says = "no source supplies " + kind + ": connect one"
			case SourcePartial:
				says = kind + " was not read to its end: page 3 was refused"
			}
			out := r.Evaluate(in)
			expect(t, out, want, says)
			if len(out.Results) != 0 {
				t.Error("there are results, and nothing could be evaluated")
			}
		}
	}
	expect(t, r.Evaluate(&Input{Now: noon}), VerdictUnknown, "no source supplies thing")
}

func TestNothingToLookAtIsNotApplicableOnlyWhereThatCanBe(t *testing.T) {
	c, r := world(t, testOf("on", "off"))
	expect(t, r.Evaluate(given(t, c, nil)), VerdictNotApplicable, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": false}}})), VerdictNotApplicable, "")
	never := testOf("active", "n > 0")
	never.Kind = "owner"
	c, r = world(t, never)
	expect(t, r.Evaluate(given(t, c, nil)), VerdictError, "supplied no owner, and there are always some")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"owner": {{"active": true, "n": 1, "present": false}}})), VerdictError, "there are always some")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"owner": {{"active": false}}})), VerdictNotApplicable, "")
	for empty, want := range map[string]Verdict{"fail": VerdictFail, "error": VerdictError} {
		def := testOf("on", "off")
		def.Empty = empty
		c, r := world(t, def)
		expect(t, r.Evaluate(given(t, c, nil)), want, "")
	}
}

func TestTheWorstResultIsTheStateOfTheTest(t *testing.T) {
	c, r := world(t, testOf("", "on && n / m > 0"))
	bad := map[string]attrs{
		"fail": {"id": "fail", "on": false}, "error": {"id": "error", "on": true, "n": 1, "m": 0},
		"unknown": {"id": "unknown"}, "excepted": {"id": "excepted", "on": false}, "pass": {"id": "pass", "on": true, "n": 2, "m": 1},
	}
	order := []string{"fail", "error", "unknown", "excepted", "pass"}
	for i, worst := range order {
		var things []attrs
		for _, name := range order[i:] {
			things = append(things, bad[name])
		}
		in := given(t, c, map[string][]attrs{"thing": things})
		in.Exceptions = []Exception{{ID: "x1", Test: "x.test", Resource: "excepted", StartsAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Hour)}}
		want, _ := ParseVerdict(worst)
		expect(t, r.Evaluate(in), want, "")
	}
}

func TestAnExceptionCountsOnlyWhileItIsInForceAndForItsOwn(t *testing.T) {
	c, r := world(t, testOf("", "on"))
	live := Exception{ID: "x1", Test: "x.test", Resource: "a", StartsAt: noon, ExpiresAt: noon.Add(time.Minute)}
	over, early, otherTest, otherThing := live, live, live, live
	over.ExpiresAt = noon
	early.StartsAt = noon.Add(time.Millisecond)
	otherTest.Test, otherThing.Resource = "x.other", "b"
	for want, xs := range map[Verdict][]Exception{VerdictExcepted: {live}, VerdictFail: {over, early, otherTest, otherThing}} {
		for _, x := range xs {
			in := given(t, c, map[string][]attrs{"thing": {{"id": "a", "on": false}}})
			in.Exceptions = []Exception{x}
			out := r.Evaluate(in)
			expect(t, out, want, "")
			if want == VerdictExcepted && (out.Results[0].Exception != "x1" || out.Results[0].Message != "a is wrong.") {
				t.Errorf("the excepted result is %+v", out.Results[0])
			}
		}
	}
	in := given(t, c, map[string][]attrs{"thing": {{"id": "a"}}})
	in.Exceptions = []Exception{live}
	expect(t, r.Evaluate(in), VerdictUnknown, "on is not known")
}

func TestAnEmptyValueLeavesItsResourceUnknownAndNoOther(t *testing.T) {
	for condition, name := range map[string]string{"at < now": "at", "on": "on", "at + days(1) > now": "at",
		"end_of_day(at) > now": "at", "plus_business_days(at, 1) > now": "at", "lower(s) == \"a\"": "s"} {
		c, r := world(t, testOf("", condition))
		expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"at": nil, "on": nil, "s": nil}}})), VerdictUnknown, name+" is empty")
	}
}

func TestAFaultInAnExpressionIsAnErrorAndNeverAPanic(t *testing.T) {
	for condition, says := range map[string]string{
		"n / m > 1": "divides by zero",
		"tags.all(a, tags.all(b, tags.all(c, tags.all(d, a + b + c + d != \"\"))))": "too many steps",
	} {
		c, r := world(t, testOf("", condition))
		many := make([]any, 300)
		for i := range many {
			many[i] = "tag"
		}
		in := given(t, c, map[string][]attrs{"thing": {{"n": 1, "m": 0, "at": nil, "on": nil, "tags": many}}})
		expect(t, r.Evaluate(in), VerdictError, says)
	}
	c, r := world(t, testOf("", "on"))
	in := given(t, c, map[string][]attrs{"thing": {{"on": true}}})
	broken := *r
	broken.condition = &expr{fast: func(*frame) truth { panic("a fault of ours") }}
	expect(t, broken.Evaluate(in), VerdictError, "a fault of ours")
}

func TestWhatIsGoneIsSeenOnlyByTestsThatAsk(t *testing.T) {
	c, r := world(t, testOf("", "on"))
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": false, "present": false}, {"on": true}}})), VerdictPass, "1 of 1")
	c, r = world(t, testOf("on", "!present"))
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": true, "present": false}}})), VerdictPass, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": true}}})), VerdictFail, "")
}

func TestOneChangedResourceIsTestedAsAllOfThemAre(t *testing.T) {
	c, r := world(t, testOf("n > 1", "on"))
	in := given(t, c, map[string][]attrs{"thing": {{"n": 2, "on": true}, {"n": 2, "on": false}, {"n": 2}, {"n": 0}, {}}})
	all := r.Evaluate(in).Results
	for i, b := range in.Resources.Set("thing").Resources {
		one := r.EvaluateOne(in, b)
		if one.Verdict == VerdictNotApplicable {
			if i != 3 {
				t.Errorf("%s is out of the filter", b.ID)
			}
			continue
		}
		at := i
		if i > 3 {
			at--
		}
		if fmt.Sprint(one) != fmt.Sprint(all[at]) {
			t.Errorf("alone %v, among all %v", one, all[at])
		}
	}
	if !r.Single() || r.TimeDependent() || len(r.Joins()) != 0 {
		t.Error("the rule is single, looks at no clock and at no other kind, and says otherwise")
	}
	_, r = world(t, testOf("", "at > now - days(3) && owner.active && size(parts) > 0"))
	if !r.TimeDependent() || fmt.Sprint(r.Joins()) != "[owner part]" {
		t.Errorf("time %v, joins %v", r.TimeDependent(), r.Joins())
	}
}

func TestManyResourcesOnAllProcessorsComeToTheSame(t *testing.T) {
	c, r := world(t, testOf("on", "n > 1"))
	var things []attrs
	for i := range 5000 {
		things = append(things, attrs{"id": fmt.Sprint(i), "on": i%3 > 0, "n": i % 7})
	}
	in := given(t, c, map[string][]attrs{"thing": things})
	out := r.Evaluate(in)
	var want []Result
	for _, b := range in.Resources.Set("thing").Resources {
		if res := r.EvaluateOne(in, b); res.Verdict != VerdictNotApplicable {
			want = append(want, res)
		}
	}
	if fmt.Sprint(out.Results) != fmt.Sprint(want) || out.OutOfFilter != 5000-len(want) {
		t.Errorf("%d results, %d one by one; %d out of the filter", len(out.Results), len(want), out.OutOfFilter)
	}
}

func TestANarrowedOutcomeIsJudgedOnWhatIsLeft(t *testing.T) {
	def := testOf("", "on")
	def.Empty = "fail"
	c, r := world(t, def)
	out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"id": "a", "on": true}, {"id": "b", "on": false}, {"id": "c"}}}))
	expect(t, out, VerdictFail, "1 of 3")
	for id, want := range map[string]Verdict{"a": VerdictPass, "b": VerdictFail, "c": VerdictUnknown, "none": VerdictFail} {
		expect(t, r.Narrow(out, func(x string) bool { return x == id }), want, "")
	}
	never := r.Evaluate(&Input{Now: noon})
	expect(t, r.Narrow(never, func(string) bool { return true }), VerdictUnknown, "no source supplies")
}
