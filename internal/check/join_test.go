// SPDX-License-Identifier: Apache-2.0

package check

import (
	"testing"
	"time"

	"assay/content"
)

func TestAReferenceThatLeadsNowhereIsUnknown(t *testing.T) {
	c, r := world(t, testOf("", "owner.active"))
	owners := []attrs{{"id": "o", "active": true}, {"id": "p"}}
	for _, one := range []struct {
		thing attrs
		want  Verdict
		says  string
	}{
		{attrs{"owner_ref": "o"}, VerdictPass, ""},
		{attrs{"owner_ref": "p"}, VerdictUnknown, "owner.active is not known"},
		{attrs{"owner_ref": "q"}, VerdictUnknown, `owner_ref is "q", and there is no such resource of kind owner`},
		{attrs{}, VerdictUnknown, "owner.active is not known: owner_ref is not known"},
		{attrs{"owner_ref": nil}, VerdictUnknown, "owner.active is empty"},
	} {
		in := given(t, c, map[string][]attrs{"thing": {one.thing}, "owner": owners})
		expect(t, r.Evaluate(in), one.want, one.says)
	}
}

func TestNoReferenceIsKnownToLeadToNobody(t *testing.T) {
	c, r := world(t, testOf("owner.s == \"left\"", "on"))
	in := given(t, c, map[string][]attrs{"thing": {{"owner_ref": nil}}, "owner": {{"id": "o", "s": "left"}}})
	expect(t, r.Evaluate(in), VerdictNotApplicable, "")
}

func TestTwoResourcesWithOneKeyAreNotGuessedBetween(t *testing.T) {
	c, r := world(t, testOf("", "owner.active"))
	in := given(t, c, map[string][]attrs{"thing": {{"owner_ref": "o"}}, "owner": {{"id": "o", "active": true}, {"id": "o", "active": true}}})
	expect(t, r.Evaluate(in), VerdictUnknown, "which 2 resources have")
}

func TestTheNewestAndTheOldestPartAreFound(t *testing.T) {
	parts := []attrs{
		{"id": "1", "thing_ref": "a", "good": true, "made_at": "2026-01-01T00:00:00Z", "size": 1},
		{"id": "2", "thing_ref": "a", "good": true, "made_at": "2026-02-01T00:00:00Z", "size": 2},
		{"id": "3", "thing_ref": "a", "good": false, "made_at": "2026-03-01T00:00:00Z", "size": 3},
		{"id": "4", "thing_ref": "a", "good": true, "made_at": nil, "size": 4},
		{"id": "5", "thing_ref": "b", "good": true, "made_at": "2026-03-01T00:00:00Z", "size": 5},
	}
	c, r := world(t, testOf("", "newest.size == 2 && oldest.size == 1 && size(parts) == 4 && parts.exists(p, !p.good)"))
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"id": "a"}}, "part": parts})), VerdictPass, "")
	c, r = world(t, testOf("", "newest.made_at == null && size(parts) == 0"))
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"id": "none"}}, "part": parts})), VerdictPass, "")
}

func TestAPartThatMayBelongHereLeavesItUnknown(t *testing.T) {
	for condition, doubtful := range map[string]attrs{
		"size(parts) == 0":                 {"good": true, "made_at": "2026-01-01T00:00:00Z"},
		"newest.made_at == null":           {"thing_ref": "a", "made_at": "2026-01-01T00:00:00Z"},
		"parts.all(p, p.good)":             {"thing_ref": "a", "made_at": "2026-01-01T00:00:00Z"},
		"parts.map(p, p.size).sum() < 100": {"thing_ref": "a", "good": true},
		"oldest.made_at < now":             {"good": true},
	} {
		c, r := world(t, testOf("", condition))
		in := given(t, c, map[string][]attrs{"thing": {{"id": "a"}}, "part": {doubtful}})
		expect(t, r.Evaluate(in), VerdictUnknown, "is not known")
	}
}

func TestAChangedPartIsSeenAtOnce(t *testing.T) {
	c, r := world(t, testOf("", "size(parts) == 1"))
	in := given(t, c, map[string][]attrs{"thing": {{"id": "a"}}})
	expect(t, r.Evaluate(in), VerdictFail, "")
	b, err := c.Bind(Resource{ID: "p", Kind: "part", Key: "p", Attrs: attrs{"thing_ref": "a"}}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	in.Resources.Put(b)
	expect(t, r.Evaluate(in), VerdictPass, "")
	in.Resources.Drop("part", "p")
	expect(t, r.Evaluate(in), VerdictFail, "")
}

func grouped(over string, by []string, latest, filter, condition string) content.Test {
	def := testOf(filter, condition)
	def.Over, def.By, def.Latest = over, by, latest
	return def
}

func TestAGroupIsJudgedAsOne(t *testing.T) {
	c, r := world(t, grouped("group", []string{"s"}, "", "on", "items.exists(i, i.n > 5) && count <= 2"))
	in := given(t, c, map[string][]attrs{"thing": {
		{"s": "x", "on": true, "n": 9}, {"s": "x", "on": true, "n": 1}, {"s": "y", "on": true, "n": 1}, {"s": "y", "on": false, "n": 9},
	}})
	out := r.Evaluate(in)
	expect(t, out, VerdictFail, "1 of 2 failed")
	if out.Results[0].Resource != "thing:x" || out.Results[1].Resource != "thing:y" || out.OutOfFilter != 1 {
		t.Errorf("the results are %+v", out)
	}
}

func TestADoubtfulMemberLeavesItsGroupUnknown(t *testing.T) {
	c, r := world(t, grouped("group", []string{"s"}, "", "on", "count < 10"))
	out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"s": "x", "on": true}, {"s": "x"}, {"s": "y", "on": true}}}))
	expect(t, out, VerdictUnknown, "1 of 2 unknown: x: on is not known")
	if out.Passed != 1 {
		t.Errorf("counts are %+v", out)
	}
	out = r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"s": "x", "on": true}, {"s": "y", "on": true}, {"on": true}}}))
	expect(t, out, VerdictUnknown, "3 of 3 unknown: x: s is not known")
}

func TestOnlyTheNewestSpeaks(t *testing.T) {
	c, r := world(t, grouped("all", nil, "at", "", "n > 5"))
	old, recent, undated := attrs{"n": 1, "at": "2025-01-01T00:00:00Z"}, attrs{"n": 9, "at": "2026-01-01T00:00:00Z"}, attrs{"n": 9}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {recent, old}})), VerdictPass, "1 of 1")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {recent, old, undated}})), VerdictUnknown, "at is not known")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"n": 1, "at": nil}, recent}})), VerdictPass, "")
}

func TestACountOverAllIsUnknownWhenOneIs(t *testing.T) {
	def := grouped("all", nil, "", "on", "count * 2 <= counts.all_off")
	def.Counts = map[string]string{"all_off": "off"}
	c, r := world(t, def)
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": true, "off": true}, {"on": false, "off": true}}})), VerdictPass, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": true, "off": true}, {"on": false, "off": false}}})), VerdictFail, "")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"on": true, "off": true}, {"on": false}}})), VerdictUnknown, "off is not known")
}

func TestAGroupThatMustExistFailsWithoutMembers(t *testing.T) {
	def := grouped("group", []string{"owner_ref"}, "", "", "items.exists(i, i.on)")
	def.Expect = &content.Expect{Kind: "owner", Key: "id", Where: "active"}
	def.Message = "{owner_ref} has nothing."
	c, r := world(t, def)
	owners := []attrs{{"id": "o", "active": true}, {"id": "p", "active": true}, {"id": "q", "active": false}}
	out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"owner_ref": "o", "on": true}}, "owner": owners}))
	expect(t, out, VerdictFail, "1 of 2 failed: p has nothing.")
	out = r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"owner_ref": "o", "on": true}}, "owner": {owners[0], {"id": "z"}}}))
	expect(t, out, VerdictUnknown, "z: active is not known")
}
