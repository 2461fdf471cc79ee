// SPDX-License-Identifier: Apache-2.0

package check

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// grammar draws expressions over the small world, well typed, of the forms that tests are made of.
type grammar struct{ *rapid.T }

func (g grammar) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(g.T, label)
}

func (g grammar) boolean(depth int) string {
	if depth <= 0 {
		return g.pick("leaf", "on", "off", "owner.active", "true", "false", "present")
	}
	a, b := depth-1, depth-2
	switch rapid.IntRange(0, 11).Draw(g.T, "form") {
	case 0, 1:
		return "(" + g.boolean(a) + " && " + g.boolean(a) + ")"
	case 2:
		return "(" + g.boolean(a) + " || " + g.boolean(a) + ")"
	case 3:
		return "!(" + g.boolean(a) + ")"
	case 4:
		return "(" + g.boolean(b) + " ? " + g.boolean(b) + " : " + g.boolean(b) + ")"
	case 5:
		op := g.pick("order", "<", "<=", ">", ">=", "==", "!=")
		if g.pick("sort", "int", "time") == "int" {
			return "(" + g.number(b) + op + g.number(b) + ")"
		}
		return "(" + g.moment(b) + op + g.moment(b) + ")"
	case 6:
		return "(" + g.text() + g.pick("eq", " == ", " != ") + g.text() + ")"
	case 7:
		return g.text() + " in " + g.pick("list", `["red", "x"]`, "tags", "params.allowed", "team", `["RED"]`)
	case 8:
		return g.pick("nullable", "s", "colour", "n", "at", "on", "owner.s", "owner.left_on", "owner.n") + g.pick("eq", " == null", " != null")
	case 9:
		return "tags." + g.pick("loop", "exists", "all") + "(x, " + g.pick("body", "x == s", "x != owner.s && !(x in params.allowed)", "x in tags && on", "size(x) > n", "tags.exists(y, y != x)", "x == who", "team.all(y, y != x && !(y in tags))") + ")"
	case 10:
		return "parts." + g.pick("loop", "exists", "all") + "(p, " + g.pick("body", "p.good", "!p.good || p.size > n", "p.made_at != null && p.made_at >= at", "p.size == m && on", "p.id in tags", "p.made_by == s", "parts.all(on, on.size >= p.size)") + ")"
	default:
		return "filled(" + g.pick("text", "s", "owner.s", "colour") + ")"
	}
}

func (g grammar) number(depth int) string {
	leaf := g.pick("number", "n", "m", "owner.n", "3", "0", "-1", "params.limit", "size(tags)")
	if depth <= 0 {
		return leaf
	}
	return "(" + leaf + g.pick("arithmetic", " + ", " - ", " * ", " / ") + g.number(depth-1) + ")"
}

func (g grammar) moment(depth int) string {
	leaf := g.pick("moment", "at", "since", "day", "now", "owner.left_on", "params.start")
	if depth <= 0 {
		return leaf
	}
	switch rapid.IntRange(0, 5).Draw(g.T, "moment form") {
	case 0:
		return "(" + leaf + g.pick("shift", " + ", " - ") + "days(" + g.number(depth-1) + "))"
	case 1:
		return "plus_business_days(" + leaf + ", " + g.number(0) + ")"
	case 2:
		return "end_of_day(" + leaf + ")"
	case 3:
		return "(" + g.boolean(depth-1) + " ? " + leaf + " : " + g.moment(0) + ")"
	default:
		return leaf
	}
}

func (g grammar) text() string {
	return g.pick("text", "s", "who", "colour", "owner.s", `"red"`, `"x"`, `""`, "params.word", "lower(s)")
}

// thing draws a resource in which every attribute may be there, null, absent or of the wrong type.
func (g grammar) attrs(from map[string][]any) attrs {
	out := attrs{}
	for _, name := range sortedKeys(from) {
		i := rapid.IntRange(-1, len(from[name])).Draw(g.T, name)
		switch {
		case i < 0: // absent
		case i == len(from[name]):
			out[name] = nil
		default:
			out[name] = from[name][i]
		}
	}
	return out
}

var someThings = map[string][]any{
	"on": {true, false, "wrong"}, "off": {true, false}, "n": {int64(0), int64(3), int64(-1), int64(1) << 62}, "m": {int64(0), int64(4)},
	"s": {"", "x", "red", "RED"}, "colour": {"red", "blue", "green"}, "at": {"2026-03-02T12:00:00Z", "2020-01-01T00:00:00Z", "9999-12-31T00:00:00Z"},
	"since": {"2026-02-28T09:00:00Z"}, "day": {"2026-03-01"}, "tags": {[]any{}, []any{"x"}, []any{"red", "y"}}, "owner_ref": {"o", "nobody"},
	"who": {"RED", "x", "X", ""}, "team": {[]any{}, []any{"Red", "x"}},
}

var someParts = map[string][]any{
	"made_by": {"X", "red"}, "good": {true, false}, "size": {int64(0), int64(4), "wrong"}, "made_at": {"2026-03-02T12:00:00Z", "2020-01-01T00:00:00Z"},
}

var someOwners = map[string][]any{"active": {true, false}, "left_on": {"2026-02-27"}, "n": {int64(3)}, "s": {"x", ""}}

func TestTheFastPathAgreesWithCEL(t *testing.T) {
	decided, all := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		g := grammar{rt}
		def := testOf("", g.boolean(rapid.IntRange(0, 4).Draw(rt, "depth")))
		def.Params = map[string]any{"limit": 3, "word": "x", "allowed": []any{"x", "blue"}, "start": "2026-03-02"}
		c, r := lax(rt, def)
		if r.condition.fast == nil {
			rt.Fatalf("%s has no fast path", def.Condition)
		}
		owner := g.attrs(someOwners)
		owner["id"] = "o"
		thing := g.attrs(someThings)
		thing["id"] = "a"
		var parts []attrs
		for range rapid.IntRange(0, 3).Draw(rt, "parts") {
			part := g.attrs(someParts)
			part["thing_ref"] = "a"
			parts = append(parts, part)
		}
		in := given(t, c, map[string][]attrs{"thing": {thing}, "owner": {owner}, "part": parts})
		f := newFrame(r.plan, in)
		f.on(in.Resources.Set("thing").Resources[0])
		fast := r.condition.fast(f)
		f.on(in.Resources.Set("thing").Resources[0])
		slow := r.condition.evalCEL(f)
		all++
		if fast != isTrue && fast != isFalse {
			return // CEL is asked, so they cannot disagree
		}
		decided++
		if fast != slow.truth {
			rt.Fatalf("%s: the fast path says %d, CEL %d %s", def.Condition, fast, slow.truth, slow.err)
		}
	})
	if decided*5 < all {
		t.Errorf("the fast path decided only %d of %d", decided, all)
	}
}

func TestMostOfTheCatalogueTakesTheFastPath(t *testing.T) {
	var slow []string
	for _, r := range catalogue(t).Rules() {
		byCEL := func(e *expr) bool { return e != nil && e.fastVal == nil }
		if r.filter.fast == nil || r.condition.fast == nil || r.event != nil && (byCEL(r.event.due) || byCEL(r.event.done) || byCEL(r.event.ends)) {
			slow = append(slow, r.ID())
		}
	}
	if len(slow) > 3 { // the third matches ranges of addresses by a pattern; there are few firewall rules
		t.Errorf("%d tests are left to CEL: %s", len(slow), strings.Join(slow, ", "))
	}
}

func TestTheCatalogueComesToTheSameWithoutTheFastPath(t *testing.T) {
	c := catalogue(t)
	for _, r := range c.Rules() {
		plain := *r
		filter, condition := *r.filter, *r.condition
		filter.fast, condition.fast = nil, nil
		plain.filter, plain.condition = &filter, &condition
		if r.event != nil {
			e := *r.event
			for _, x := range []**expr{&e.due, &e.done, &e.ends} {
				if *x != nil {
					slow := **x
					slow.fastVal, *x = nil, &slow
				}
			}
			plain.event = &e
		}
		for _, name := range ExamplesOf(r.Def.Fixtures) {
			with, err := c.RunFixture(r, name)
			if err != nil {
				t.Fatal(err)
			}
			without, err := c.RunFixture(&plain, name)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(with, without) {
				t.Errorf("%s %s: with the fast path %v, without %v", r.ID(), name, with, without)
			}
		}
	}
}

func TestBusinessDaysLeaveOutWeekendsAndHolidays(t *testing.T) {
	c := NewCalendar(zone(t, "Europe/Berlin"), Holidays{"2026-04-03": true, "2026-04-06": true}) // around Easter
	for _, one := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-03-26T10:00:00+01:00", 0, "2026-03-26T10:00:00+01:00"},
		{"2026-03-26T10:00:00+01:00", 1, "2026-03-27T10:00:00+01:00"},
		{"2026-03-27T10:00:00+01:00", 1, "2026-03-30T10:00:00+02:00"}, // over the change of clocks
		{"2026-03-28T10:00:00+01:00", 1, "2026-03-30T10:00:00+02:00"}, // from a Saturday
		{"2026-04-02T10:00:00+02:00", 1, "2026-04-07T10:00:00+02:00"}, // over Easter
		{"2026-04-02T10:00:00+02:00", 2, "2026-04-08T10:00:00+02:00"},
	} {
		got, err := c.PlusBusinessDays(moment(t, one.from), one.n)
		if err != nil || !got.Equal(moment(t, one.want)) {
			t.Errorf("%s plus %d business days is %s, %v; want %s", one.from, one.n, got, err, one.want)
		}
	}
	if _, err := c.PlusBusinessDays(moment(t, "2026-04-02T10:00:00Z"), -1); err == nil {
		t.Error("business days were counted backwards")
	}
	if got := c.EndOfDay(moment(t, "2026-03-29T00:30:00+01:00")); !got.Equal(moment(t, "2026-03-29T23:59:59.999+02:00")) {
		t.Errorf("the day ends at %s", got)
	}
}

func TestADayIsADayOfTheOrganisationsTimeZone(t *testing.T) {
	c, _ := world(t, testOf("", "on"))
	for _, name := range []string{"Pacific/Auckland", "America/Los_Angeles", "UTC"} {
		at := zone(t, name)
		for _, written := range []any{"2026-02-20", "2026-02-20T00:00:00Z", time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC)} {
			b, err := c.Bind(Resource{Kind: "thing", Key: "a", Attrs: attrs{"day": written}}, at)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := b.value("day").Value().(time.Time)
			if !ok || DayOf(got, at).String() != "2026-02-20" {
				t.Errorf("%v in %s is %s", written, name, got)
			}
		}
	}
}
