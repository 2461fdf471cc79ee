// SPDX-License-Identifier: Apache-2.0

package check

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"assay/content"
)

func TestAMessageSaysValuesInWords(t *testing.T) {
	def := testOf("", "false")
	def.Message = "{name}: {on}, {n}, {tags}, {at}, {day}, {since}, {m|no limit}, {s|no word}, {owner.s}, {parts}"
	c, r := lax(t, def)
	in := given(t, c, map[string][]attrs{"thing": {{
		"id": "a", "on": false, "n": 3, "tags": []any{"x", "y"}, "at": "2026-03-01T09:30:00Z", "day": "2026-03-01", "since": nil, "m": nil, "owner_ref": nil,
	}}})
	want := "a: no, 3, x, y, 2026-03-01 09:30, 2026-03-01, never, no limit, no word, none, none"
	if got := r.Evaluate(in).Results[0].Message; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	in.Zone = zone(t, "Asia/Tokyo")
	if got := r.Evaluate(in).Results[0].Message; !strings.Contains(got, "2026-03-01 18:30") {
		t.Errorf("in Tokyo: %s", got)
	}
}

func TestAMessageNamesItsResourceWhereTheAttributeThatNamesItIsMissing(t *testing.T) {
	for _, s := range []any{nil, "unset", "C02A"} {
		def := testOf("", "false")
		def.Message = "{s} has no disk encryption; {s}."
		c, r := lax(t, def)
		rows := map[string][]attrs{"thing": {{"id": "a", "name": "laptop-1"}}}
		want := "laptop-1 has no disk encryption; not known."
		switch s {
		case nil:
			rows["thing"][0]["s"], want = nil, "laptop-1 has no disk encryption; none."
		case "C02A":
			rows["thing"][0]["s"], want = s, "C02A has no disk encryption; C02A."
		}
		if got := r.Evaluate(given(t, c, rows)).Results[0].Message; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestWhatIsUnknownIsNotShownAsObserved(t *testing.T) {
	def := testOf("", "on && off")
	def.Observed = []string{"on", "off", "n", "at", "tags", "owner_ref"}
	c, r := world(t, def)
	in := given(t, c, map[string][]attrs{"thing": {{"on": true, "n": nil, "at": "2026-03-01T09:30:00+01:00", "tags": []any{"x"}}}})
	got, err := json.Marshal(r.Evaluate(in).Results[0])
	want := `{"resource":"thing-0","verdict":"unknown","message":"thing-0: off is not known","observed":{"at":"2026-03-01T08:30:00Z","n":null,"on":true,"tags":["x"]}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestAnUnknownNamesItsElementAndItsReason(t *testing.T) {
	c, r := world(t, testOf("", "parts.all(p, p.good)"))
	in := given(t, c, map[string][]attrs{"thing": {{"id": "a"}}, "part": {{"thing_ref": "a", "why": map[string]string{"good": "the scanner was off"}}}})
	expect(t, r.Evaluate(in), VerdictUnknown, "a: good is not known: the scanner was off")
}

func TestAnExplanationGivesWordsAndCode(t *testing.T) {
	c := catalogue(t)
	r, _ := c.Rule("idp.terminated_disabled")
	text := r.Explain()
	for _, part := range []string{
		"Looks at: each of the identities (idp.user)", "person.status is terminated and ((is_admin is yes and now is after the end of the day of person.end_on plus 0 business days) or now is after",
		"Must hold: status is not active", "You can change: sla_days = 1", `condition: status != "active"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
	if again, err := c.Explain(r.Def); err != nil || again != text {
		t.Errorf("explained anew: %s, %v", again, err)
	}
}

func TestATestThatCannotWorkDoesNotCompile(t *testing.T) {
	for says, change := range map[string]func(*content.Test){
		"x.test.filter: count is only known in the condition":      func(d *content.Test) { d.Over, d.Filter = "all", "count > 1" },
		"x.test.condition: column 1: thing has no attribute count": func(d *content.Test) { d.Condition = "count > 1" },
		"x.test.by: a test over groups needs it":                   func(d *content.Test) { d.Over = "group" },
		"x.test.by: thing has no attribute nope":                   func(d *content.Test) { d.Over, d.By = "group", []string{"nope"} },
		"x.test.over: latest is for tests over a group":            func(d *content.Test) { d.Latest = "at" },
		"x.test.expect: \"nope\" is not a resource kind":           func(d *content.Test) { d.Over, d.By, d.Expect = "group", []string{"s"}, &content.Expect{Kind: "nope"} },
		"x.test.params: params.p: \"1.5\" is no value":             func(d *content.Test) { d.Params = map[string]any{"p": 1.5} },
		"x.test.message: a brace is not closed":                    func(d *content.Test) { d.Message = "{name" },
		"id: \"\" is no name for a test":                           func(d *content.Test) { d.ID = "" },
		"x.test.empty: \"pass\" is none of":                        func(d *content.Test) { d.Empty = "pass" },
		"x.test.condition: column 15: there is no attribute nope":  func(d *content.Test) { d.Condition = "parts.all(p, p.nope)" },
		"x.test.condition: column":                                 func(d *content.Test) { d.Condition = strings.Repeat("(", 200) + "on" + strings.Repeat(")", 200) },
	} {
		def := testOf("", "on")
		change(&def)
		_, err := Compile([]content.Test{def}, testKinds())
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %s", err, says)
		}
	}
	if _, err := Compile([]content.Test{testOf("", "on"), testOf("", "on")}, testKinds()); err == nil {
		t.Error("a test was defined twice")
	}
}

func TestANumberIsReadInEveryShapeThatDecodersGive(t *testing.T) {
	c, r := world(t, testOf("", "n == 3"))
	for _, n := range []any{3, int64(3), uint64(3), 3.0, json.Number("3"), int32(3), uint32(3)} {
		b, err := c.Bind(Resource{ID: "a", Kind: "thing", Key: "a", Attrs: attrs{"n": n}}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		in := &Input{Now: noon, Resources: NewPopulation(map[string]Set{"thing": {State: SourceComplete, Resources: []*Bound{b}}})}
		if got := r.EvaluateOne(in, b); got.Verdict != VerdictPass {
			t.Errorf("%T: %s %s", n, got.Verdict, got.Message)
		}
	}
	if _, err := c.Bind(Resource{Kind: "no.such"}, time.UTC); err == nil {
		t.Error("a resource of an unknown kind was bound")
	}
}
