// SPDX-License-Identifier: Apache-2.0

package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/content"
)

func expecting(change func(*content.Expect)) content.Test {
	def := testOf("on", "off")
	def.Expect = &content.Expect{Kind: "owner", Key: "id", By: []string{"owner_ref"}, Where: "active", Message: "{name} has no thing."}
	if change != nil {
		change(def.Expect)
	}
	return def
}

func TestAMissingRowFails(t *testing.T) {
	c, r := world(t, expecting(nil))
	owners := []attrs{{"id": "o", "active": true}, {"id": "p", "active": true}, {"id": "q", "active": false}}
	good := attrs{"id": "1", "owner_ref": "o", "on": true, "off": true}
	out := r.Evaluate(given(t, c, map[string][]attrs{"thing": {good}, "owner": owners}))
	expect(t, out, VerdictFail, "1 of 2 failed: p has no thing.")
	if out.Results[1].Resource != "thing:p" {
		t.Errorf("the results are %+v", out.Results)
	}
	out = r.Evaluate(given(t, c, map[string][]attrs{"owner": owners}))
	expect(t, out, VerdictFail, "2 of 2 failed")
	both := []attrs{good, {"id": "2", "owner_ref": "p", "on": true, "off": true}}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": both, "owner": owners})), VerdictPass, "2 of 2")
}

func TestARowThatTheFilterLeavesOutIsMissing(t *testing.T) {
	owners := []attrs{{"id": "o", "active": true}}
	c, r := world(t, expecting(nil))
	out := []attrs{{"owner_ref": "o", "on": false, "off": true}}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": out, "owner": owners})), VerdictFail, "o has no thing.")
	c, r = world(t, expecting(func(x *content.Expect) { x.Among = "off" }))
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": out, "owner": owners})), VerdictNotApplicable, "")
}

func TestARowThatMayBeTheOneLeavesItUnknown(t *testing.T) {
	c, r := world(t, expecting(nil))
	owners := []attrs{{"id": "o", "active": true}}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"id": "1", "on": true, "off": true}}, "owner": owners})), VerdictUnknown, "owner_ref of 1 is not known")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"owner": {{"id": "o"}}})), VerdictUnknown, "o: active is not known")
}

func TestWhatIsExpectedWithoutASourceIsUnknown(t *testing.T) {
	for optional, want := range map[bool]Verdict{false: VerdictUnknown, true: VerdictPass} {
		c, r := world(t, expecting(func(x *content.Expect) { x.Optional = optional }))
		in := given(t, c, map[string][]attrs{"thing": {{"owner_ref": "o", "on": true, "off": true}}})
		in.Resources = NewPopulation(map[string]Set{"thing": in.Resources.Set("thing")})
		expect(t, r.Evaluate(in), want, "")
	}
}

func TestAMissingRowCanBeUnknownAndCanBeExcepted(t *testing.T) {
	c, r := world(t, expecting(func(x *content.Expect) { x.Else = "unknown" }))
	owners := map[string][]attrs{"owner": {{"id": "o", "active": true}}}
	expect(t, r.Evaluate(given(t, c, owners)), VerdictUnknown, "o has no thing.")
	c, r = world(t, expecting(nil))
	for _, id := range []string{"o", "thing:o"} {
		in := given(t, c, owners)
		in.Exceptions = []Exception{{ID: "exc", Test: "x.test", Resource: id, StartsAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(time.Hour)}}
		expect(t, r.Evaluate(in), VerdictExcepted, "")
	}
}

func TestAReferenceToNobodyIsAMissingRow(t *testing.T) {
	def := testOf("", "on")
	def.Expect = &content.Expect{Kind: "part", Key: "thing_ref", By: []string{"id"}, Message: "{name} belongs to {thing_ref|nobody}."}
	c, r := world(t, def)
	things := []attrs{{"id": "a", "on": true}}
	for ref, says := range map[any]string{"a": "", "b": "x belongs to b.", nil: "x belongs to nobody."} {
		out := r.Evaluate(given(t, c, map[string][]attrs{"thing": things, "part": {{"id": "x", "thing_ref": ref}}}))
		expect(t, out, map[bool]Verdict{true: VerdictPass, false: VerdictFail}[says == ""], says)
	}
}

// A rule for another branch does not protect the main one.
func TestARuleForAnotherBranchIsNone(t *testing.T) {
	c := catalogue(t)
	r, _ := c.Rule("vcs.no_force_push")
	for _, one := range []struct {
		main   any
		branch string
		want   Verdict
	}{
		{"main", "main", VerdictPass}, {"main", "refs/heads/main", VerdictPass}, {"main", "release/*", VerdictPass}, {"main", "~DEFAULT_BRANCH", VerdictPass},
		{"main", "develop", VerdictFail}, {nil, "develop", VerdictPass},
	} {
		repo := attrs{"id": "api", "name": "api", "production": true, "archived": false, "default_branch": one.main}
		out := r.Evaluate(given(t, c, map[string][]attrs{"vcs.repo": {repo}, "vcs.branch_rule": {{"id": "1", "repo": "api", "branch": one.branch, "allow_force_push": false}}}))
		if out.State != one.want {
			t.Errorf("main branch %v, rule for %s: %s (%s)", one.main, one.branch, out.State, out.Reason)
		}
	}
}

// Derived from all tests: each says what a row that is not there hides, and one that expects rows is caught by an
// example in which all of them are missing.
func TestEveryTestSaysWhatAMissingRowHides(t *testing.T) {
	c := catalogue(t)
	for _, r := range c.Rules() {
		if len(strings.Fields(r.Def.Missing)) < 3 {
			t.Errorf("%s does not say what a missing row hides", r.ID())
		}
		if r.expect == nil {
			continue
		}
		one := *r
		fixtures := *r.Def.Fixtures
		rest := map[string][]map[string]any{}
		for k, v := range fixtures.Pass.Given {
			if k != r.Def.Kind {
				rest[k] = v
			}
		}
		fixtures.Pass.Given = rest
		one.Def.Fixtures = &fixtures
		out, err := c.RunFixture(&one, "pass")
		if err != nil {
			t.Fatal(err)
		}
		if out.State == VerdictPass || out.State == VerdictNotApplicable {
			t.Errorf("%s: without a row it comes to %s (%s)", r.ID(), out.State, out.Reason)
		}
	}
}

// Those tests whose missing rows hid a failure: the world of their passing example, with the row taken away.
func TestTheRowsThatHidFailuresAreExpected(t *testing.T) {
	var got []string
	for _, r := range catalogue(t).Rules() {
		if r.expect != nil || r.ID() == "cloud.alarm_on" && r.Def.Empty == "fail" || r.ID() == "siem.sources_live" && r.Def.Empty == "fail" {
			got = append(got, r.ID())
		}
	}
	for _, want := range []string{"vcs.review_required", "vcs.checks_required", "vcs.no_force_push", "cloud.flowlog_on", "cloud.trail_on", "cloud.alarm_on", "siem.sources_live",
		"cloud.backup_recent", "cloud.backup_offsite", "vuln.scan_recent", "device.owned", "policy.ack", "uptime.sla"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s expects no rows", want)
		}
	}
}

// Derived from the tests that ask for an owner: whoever the reference names must be in the roster.
func TestAReferenceToNobodyIsNoOwner(t *testing.T) {
	c := catalogue(t)
	jo := func(status any) []attrs {
		return []attrs{{"id": "p1", "name": "Jo", "email": "jo@example.com", "status": status, "kind": "employee"}}
	}
	user := attrs{"id": "u", "email": "u@example.com", "status": "active", "is_service": false}
	with := func(base attrs, k string, v any) []attrs {
		out := attrs{}
		for name, x := range base {
			out[name] = x
		}
		out[k] = v
		return []attrs{out}
	}
	service := attrs{"id": "bot", "email": "bot@example.com", "status": "active", "is_service": true}
	member := attrs{"id": "m", "login": "m", "approved_outside": false}
	for _, one := range []struct {
		test, kind, attr string
		base             attrs
		leaver           Verdict
	}{
		{"idp.orphan", "idp.user", "person_ref", user, VerdictPass}, // idp.terminated_disabled says by when
		{"vcs.member_known", "vcs.member", "person_ref", member, VerdictPass},
		{"idp.service_owned", "idp.user", "owner_ref", service, VerdictFail},
	} {
		r, _ := c.Rule(one.test)
		for _, x := range []struct {
			ref    any
			people []attrs
			want   Verdict
			says   string
		}{
			{"p1", jo("active"), VerdictPass, ""}, {"jo@example.com", jo("active"), VerdictPass, ""}, {"p1", jo("leave"), VerdictPass, ""},
			{"nobody", jo("active"), VerdictFail, "nobody"}, {nil, jo("active"), VerdictFail, "empty"}, {"", jo("active"), VerdictFail, ""},
			{"p1", jo("terminated"), one.leaver, ""},
			{"p1", []attrs{{"id": "p1", "name": "Jo"}}, VerdictUnknown, "status is not known"},
		} {
			out := r.Evaluate(given(t, c, map[string][]attrs{one.kind: with(one.base, one.attr, x.ref), "person": x.people}))
			if out.State != x.want || !strings.Contains(out.Reason, x.says) {
				t.Errorf("%s, %v: got %s (%s), want %s ...%s...", one.test, x.ref, out.State, out.Reason, x.want, x.says)
			}
		}
	}
	r, _ := c.Rule("device.owned")
	for owner, says := range map[any]string{"p1": "", "ghost": "The device laptop belongs to ghost", nil: "belongs to nobody"} {
		out := r.Evaluate(given(t, c, map[string][]attrs{"person": jo("active"), "device": {{"id": "d0", "owner_ref": "p1", "active": true}, {"id": "d1", "name": "laptop", "owner_ref": owner, "active": true}}}))
		expect(t, out, map[bool]Verdict{true: VerdictPass, false: VerdictFail}[says == ""], says)
	}
	left := append(jo("active"), attrs{"id": "p2", "status": "terminated", "kind": "employee"})
	out := r.Evaluate(given(t, c, map[string][]attrs{"person": left, "device": {{"id": "d0", "owner_ref": "p1", "active": true}, {"id": "d1", "owner_ref": "p2", "active": true}}}))
	expect(t, out, VerdictFail, "d1 belongs to p2")
}

// The product is not believed where a register is imported: every reason says so.
func TestImportedRowsAreNamedInTheReason(t *testing.T) {
	c := catalogue(t)
	r, _ := c.Rule("restore.tested")
	row := attrs{"id": "r1", "store": "db", "production": true, "performed_at": "2026-02-01T00:00:00Z", "result": "ok", "imported": true}
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"internal.restore_test": {row}})), VerdictPass, "restore tests are imported")
	delete(row, "imported")
	if out := r.Evaluate(given(t, c, map[string][]attrs{"internal.restore_test": {row}})); strings.Contains(out.Reason, "imported") {
		t.Error(out.Reason)
	}
}
