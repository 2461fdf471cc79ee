// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"

	"assay/content"
)

// A test that says the same of everything proves nothing, whatever it says.
func TestAConditionThatReadsNothingIsRefused(t *testing.T) {
	for condition, says := range map[string]string{
		"true": "reads no attribute of the resource", "1 == 1": "reads no attribute", "params.n > 3": "reads no attribute", "now > now - days(1)": "reads no attribute",
		"on || true": "it is true for every resource", "true || parts.all(p, p.good)": "it is true for every", "on && false": "it is false for every",
	} {
		def := testOf("", condition)
		def.Params = map[string]any{"n": 7}
		_, err := Compile([]content.Test{def}, testKinds())
		if err == nil || !strings.Contains(err.Error(), "x.test.condition: it") || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", condition, err)
		}
	}
	for _, filter := range []string{"false", "true", "1 > 2", "on && false"} {
		if _, err := Compile([]content.Test{testOf(filter, "on")}, testKinds()); err == nil || !strings.Contains(err.Error(), "x.test.filter: it ") {
			t.Errorf("filter %s: got %v", filter, err)
		}
	}
}

func TestAChangeThatEmptiesATestIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"tests:\n  - id: idp.mfa_all\n    condition: 'true'\n":                        "tests[0].condition: it reads no attribute",
		"tests:\n  - id: idp.mfa_all\n    filter: 'false'\n":                          "tests[0].filter: it reads no attribute",
		"tests:\n  - id: idp.mfa_all\n    condition: mfa_enrolled || !mfa_enrolled\n": "the example that shows a failure now gives pass",
		"tests:\n  - id: idp.mfa_all\n    condition: present\n":                       "the example that shows a failure now gives pass",
		"tests:\n  - id: idp.mfa_all\n    filter: email == 'nobody@example.com'\n":    "the example that shows a failure now gives not_applicable",
		"tests:\n  - id: idp.mfa_all\n    condition: present\n    fixtures:\n      now: '2026-03-02T12:00:00Z'\n      pass: {expect: pass, given: {idp.user: [{id: a, status: active, is_service: false}]}}\n" +
			"      fail: {expect: pass, given: {idp.user: [{id: a, status: active, is_service: false}]}}\n      empty: {expect: error, given: {}}\n      unknown: {expect: unknown, given: {idp.user: [{id: a, is_service: false}]}}\n": "the example that shows a failure now gives pass",
	} {
		d := &Definition{Title: "Weaker", Text: text}
		if err := fits(t, d); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if err := fits(t, &Definition{Title: "Stricter", Text: "tests:\n  - id: idp.mfa_all\n    condition: mfa_enrolled && mfa_method != 'sms'\n"}); err != nil {
		t.Error(err)
	}
}

// What was kept before the rule was there is read, so that the past can be read; but it proves nothing.
func TestATestWithoutMeaningThatWasKeptBeforeIsAnError(t *testing.T) {
	o, err := ParseOverride([]byte("tests:\n  - id: idp.mfa_all\n    condition: 'true'\n"), "old.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalogue(t).With([]*Override{o}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Rule("idp.mfa_all")
	out, err := c.RunFixture(r, "pass")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, VerdictError, "the test says nothing")
	d := &Definition{Title: "Old", Text: "tests:\n  - id: idp.mfa_all\n    condition: 'true'\n", State: "active"}
	if err := Definitions.Check(d, &Definition{Title: "Old", Text: d.Text, State: "retired"}); err != nil {
		t.Errorf("it cannot be taken out of force: %v", err)
	}
}

// fits holds a definition against the catalogue, as is done when it is written.
func fits(t *testing.T, d *Definition) error {
	t.Helper()
	o, err := d.Override()
	if err != nil {
		return err
	}
	c, err := catalogue(t).With([]*Override{o}, nil)
	if err != nil {
		return err
	}
	return c.checkOverride(o)
}
