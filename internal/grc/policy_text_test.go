// SPDX-License-Identifier: Apache-2.0

package grc_test

import (
	"slices"
	"strings"
	"testing"

	"assay/content"
	"assay/internal/grc"
	"assay/internal/testkit"
)

// submit is what becomes of a draft that somebody gives to be reviewed.
func submit(p grc.Policy) error {
	p.State = "draft"
	n := p
	n.State = "in_review"
	return grc.Policies.Check(&p, &n)
}

func TestAPolicyThatSaysNothingCannotBeReviewed(t *testing.T) {
	long := testkit.PolicyText(nil, "This is the rule.")
	for name, one := range map[string]struct{ body, says string }{
		"28 letters":       {strings.Repeat("a", 28), "the text has 1 words"},
		"nothing":          {"", "the text has 0 words"},
		"the same word":    {strings.Repeat("security ", 80), "only 1 different words"},
		"the same line":    {strings.Repeat("We keep it all safe here.\n", 20), "different words"},
		"blanks to fill":   {strings.Repeat("[Insert your company name here and describe the rule] ", 30), "the text has 0 words"},
		"only comments":    {"<!-- " + long + " -->", "the text has 0 words"},
		"a text":           {long, ""},
		"another language": {strings.Repeat("。", 3) + "本方針は会社の情報を守るために全員が守る規則を定めるものであり毎年見直しを行い責任者が承認し変更を記録し違反は速やかに報告して再発を防ぐ措置を講じる", ""},
	} {
		err := submit(grc.Policy{Ref: "OWN-01", Body: one.body})
		if (err == nil) != (one.says == "") || err != nil && !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s: got %v, want %q", name, err, one.says)
		}
	}
}

func TestAPolicyFillsEachOfItsSections(t *testing.T) {
	own := "Each team lead checks the list of accounts every quarter and removes what nobody uses."
	other := "Passwords have twelve characters, and everybody uses a key or an application as second factor."
	filler := "# Purpose\n\n" + strings.Repeat("Our customers trust us with their records, so we protect these against loss, theft and careless handling by anybody inside or outside. ", 3) + "\n\n"
	sections := []string{"Access reviews", "MFA"}
	for name, one := range map[string]struct{ body, missing string }{
		"both":                             {filler + "# Access reviews\n\n" + own + "\n\n## 2. MFA for everybody\n\n" + other, ""},
		"numbered, underlined":             {filler + "1. Access reviews\n-----\n" + own + "\n\nMFA\n===\n" + other, ""},
		"text in a smaller heading":        {filler + "# Access reviews\n## When\n" + own + "\n# MFA\n### How\n" + other, ""},
		"one has no heading":               {filler + "# Access reviews\n\n" + own + "\n\nMFA: " + other, "MFA"},
		"one has no text":                  {filler + "# Access reviews\n# MFA\n" + other, "Access reviews"},
		"one is still to come":             {filler + "# Access reviews\n" + own + "\n# MFA\nTODO: to be written by the security team", "MFA"},
		"one is a placeholder":             {filler + "# Access reviews\n" + own + "\n# MFA\n[Describe here how your company uses several factors]", "MFA"},
		"one repeats its heading":          {filler + "# Access reviews\n" + own + "\n# MFA\nMFA MFA MFA MFA MFA MFA MFA", "MFA"},
		"one is a copy":                    {filler + "# Access reviews\n" + own + "\n# MFA\n" + own, "MFA"},
		"one changes a number":             {filler + "# Access reviews\nRule 1: everybody follows what the head of operations wrote down in 2025.\n# MFA\nRule 2: everybody follows what the head of operations wrote down in 2026.", "MFA"},
		"one changes two words":            {filler + "# Access reviews\nThe team lead checks each account every quarter and keeps the list.\n# MFA\nThe team lead checks each device every month and keeps the list.", "MFA"},
		"one puts in its heading":          {filler + "# Access reviews\nOur rule for access reviews is kept by everybody at all times.\n# MFA\nOur rule for MFA is kept by everybody at all times.", "MFA"},
		"one is only numbers":              {filler + "# Access reviews\n" + own + "\n# MFA\n1 2 3 4 5 6 7 8 9 10", "MFA"},
		"short and of its own":             {filler + "# Access reviews\nTeam leads check all accounts quarterly.\n# MFA\nEverybody signs in with keys.", ""},
		"the heading stands in an example": {filler + "# Access reviews\n" + own + "\n```\n# MFA\n" + other + "\n```\n", "MFA"},
		"none":                             {filler, "Access reviews, MFA"},
	} {
		p := grc.Policy{Ref: "OWN-01", Sections: sections, Body: one.body}
		err := submit(p)
		if one.missing == "" && err != nil || one.missing != "" && (err == nil || !strings.Contains(err.Error(), "these required sections need text of their own: "+one.missing)) {
			t.Errorf("%s: got %v", name, err)
		}
		p.State, p.PublishedNo, p.PublishedText = "published", 1, one.body
		if got := strings.Join(p.MissingSections(), ", "); got != one.missing {
			t.Errorf("%s: the text in force lacks %q, want %q", name, got, one.missing)
		}
	}
	if err := submit(grc.Policy{Ref: "OWN-01", Sections: sections, Body: strings.Repeat("a", 28)}); err == nil {
		t.Error("28 letters were taken")
	}
}

// Derived from the library: each of its policies can be written, lacks all its sections before, and cannot be freed
// of them by leaving the list empty.
func TestEveryPolicyOfTheLibraryCanBeWritten(t *testing.T) {
	all, err := content.Policies()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		p := grc.Policy{Ref: x.Ref, Sections: x.Sections, Body: testkit.PolicyText(x.Sections, "That is all.")}
		if err := submit(p); err != nil {
			t.Errorf("%s: %v", x.Ref, err)
		}
		if got := p.MissingSections(); !slices.Equal(got, x.Sections) {
			t.Errorf("%s: before it is in force it lacks %v", x.Ref, got)
		}
		p.Sections, p.Body = nil, testkit.PolicyText(nil, "That is all.")
		if err := submit(p); err == nil || !strings.Contains(err.Error(), x.Sections[0]) {
			t.Errorf("%s without its list of sections: %v", x.Ref, err)
		}
	}
}

// What was published before the rule was there stays as it is: it can be confirmed, revised and retired.
func TestAPolicyInForceIsNotJudgedAnew(t *testing.T) {
	p := grc.Policy{Ref: "OWN-01", State: "published", PublishedNo: 1, Body: "short", PublishedText: "short"}
	for _, state := range []grc.PolicyState{"published", "draft", "retired"} {
		n := p
		n.State = state
		if err := grc.Policies.Check(&p, &n); err != nil {
			t.Errorf("to %s: %v", state, err)
		}
	}
}

// A policy that was published before its sections were kept apart keeps those that it has when its next version is written.
func TestSectionsOfTheVersionInForceAreKeptWithTheNextChange(t *testing.T) {
	for _, state := range []grc.PolicyState{"published", "draft"} {
		p := grc.Policy{Ref: "OWN-01", Title: "Own", State: state, PublishedNo: 1, ForceDays: 365, ReviewDays: 365, Sections: []string{"Scope"}, PublishedText: testkit.PolicyText([]string{"Scope"}, "That is all.")}
		p.Body = p.PublishedText
		n := p
		n.State, n.Sections = "draft", []string{"Something that is not there"}
		if err := grc.Policies.Check(&p, &n); err != nil {
			t.Fatal(err)
		}
		if got := n.MissingSections(); len(got) > 0 || !slices.Equal(n.ForceSections, []string{"Scope"}) {
			t.Errorf("%s: missing %v, in force %v", state, got, n.ForceSections)
		}
	}
}
