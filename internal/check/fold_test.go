// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"assay/content"
)

// verdictOn evaluates a condition on one thing.
func verdictOn(t *testing.T, condition string, by map[string][]attrs) Verdict {
	t.Helper()
	def := testOf("", condition)
	def.Params = map[string]any{"known": []any{"Jo@Example.com"}, "one": "JO@example.com"}
	c, r := world(t, def)
	return r.Evaluate(given(t, c, by)).State
}

func TestLetterCaseDoesNotCountWhereTheKindSaysSo(t *testing.T) {
	jo := map[string][]attrs{"thing": {{"id": "a", "who": "jo@EXAMPLE.com", "team": []any{"AL", "jo@example.com"}, "s": "Jo@Example.com", "tags": []any{"JO@example.com"}}},
		"owner": {{"id": "o1", "email": "Jo@example.com", "active": true}}, "part": {{"id": "p", "thing_ref": "a", "made_by": "JO@EXAMPLE.COM"}}}
	for _, holds := range []string{
		`who == "JO@example.com"`, `"jo@example.com" == who`, `who == s`, `who == "  jo@example.com "`, `who == params.one`, `who in params.known`, `who in ["x", "JO@EXAMPLE.COM"]`,
		`who in team`, `s in team`, `team.exists(x, x == s)`, `team.exists(x, x == "Al")`, `team.exists(x, tags.exists(y, x == y))`, `parts.exists(p, p.made_by == s)`,
		`who != "al"`, `!(who != s)`, `who in tags`, `boss.active`, `boss.email == s`, `(s == "" ? s : who) == params.one`, `team.filter(x, x != "al").exists(x, x == s)`,
		`filled(who) && who != null`,
	} {
		if got := verdictOn(t, holds, jo); got != VerdictPass {
			t.Errorf("%s: %s", holds, got)
		}
	}
	for _, fails := range []string{`s == "jo@example.com"`, `s in params.known && s in tags`, `who == "al"`, `"al" in tags`} { // the control: elsewhere it counts
		if got := verdictOn(t, fails, jo); got != VerdictFail {
			t.Errorf("%s: %s", fails, got)
		}
	}
}

func TestAnEarlierCatalogueComparesAsItDid(t *testing.T) {
	kinds := testKinds()
	for i := range kinds {
		for j := range kinds[i].Attributes {
			kinds[i].Attributes[j].IgnoreCase = false
		}
	}
	c, err := Compile([]content.Test{testOf("", `who == "jo"`)}, kinds)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Rule("x.test")
	expect(t, r.Evaluate(given(t, c, map[string][]attrs{"thing": {{"who": "Jo"}}})), VerdictFail, "")
}

func TestAPersonIsFoundByIdAndByAddress(t *testing.T) {
	def := testOf("", "newest.size == 3")
	def.Kind = "owner"
	part := func(by string, size int) attrs {
		return attrs{"id": by + "-part", "made_by": by, "size": size, "made_at": "2026-03-01T12:00:00Z"}
	}
	jo := attrs{"id": "o1", "email": "jo@example.com"}
	for name, one := range map[string]struct {
		owners, parts []attrs
		want          Verdict
	}{
		"by id":                      {[]attrs{jo}, []attrs{part("O1", 3)}, VerdictPass},
		"by address":                 {[]attrs{jo}, []attrs{part("Jo@Example.com", 3)}, VerdictPass},
		"nobody's":                   {[]attrs{jo}, []attrs{part("al@example.com", 3)}, VerdictFail},
		"an address is missing":      {[]attrs{{"id": "o1"}}, []attrs{part("jo@example.com", 3)}, VerdictUnknown},
		"missing, but all are known": {[]attrs{{"id": "o1"}, {"id": "o2", "email": "al@example.com"}}, []attrs{part("o1", 3), part("al@example.com", 3)}, VerdictPass},
	} {
		c, r := world(t, def)
		if out := r.Evaluate(given(t, c, map[string][]attrs{"owner": one.owners, "part": one.parts})); out.State != one.want {
			t.Errorf("%s: %s (%s)", name, out.State, out.Reason)
		}
	}
}

func TestOnlyTextsCanIgnoreCase(t *testing.T) {
	kinds := testKinds()
	kinds[0].Attributes[0].IgnoreCase = true
	if _, err := Compile(nil, kinds); err == nil || !strings.Contains(err.Error(), "ignore_case") {
		t.Errorf("%v", err)
	}
}
