// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/op"
)

// boards holds that the boards can be drawn, and that a test has the severity that a definition gave it.
func (f *firm) boards(t *testing.T, what, severity string) {
	t.Helper()
	for name, in := range map[string]map[string]any{"readiness.get": {}, "monitoring.grid": {"days": 3}, "test.list": {}, "criterion.list": {}} {
		if _, err := f.do(t, f.me, name, in); err != nil {
			t.Errorf("%s: %s: %v", what, name, err)
		}
	}
	if d := f.test(t, "idp.dormant"); d.State != "switched_off" && d.Severity != severity {
		t.Errorf("%s: the severity is %s, want %s", what, d.Severity, severity)
	}
}

// Two proposals that change the same test: whoever approves the second must have seen what the first made of it.
func TestADefinitionThatDidNotKnowAnotherOfTheSameTestIsRefused(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		jo, kim := f.someone(t, "jo", op.Manager), f.someone(t, "kim", op.Manager)
		ask := func(text string) map[string]any {
			t.Helper()
			return f.must(t, jo, "definition.create", map[string]any{"title": "Ours", "reason": "Our contract.", "text": text})
		}
		first, second := ask("tests:\n  - id: idp.dormant\n    severity: critical\n"), ask("tests:\n  - id: idp.dormant\n    severity: low\n")
		if _, err := f.step(t, kim, "definition.approve", first, nil); err != nil {
			t.Fatal(err)
		}
		_, err := f.step(t, kim, "definition.approve", second, nil)
		if e := errs.Public(err); e.Code != errs.Conflict || !strings.Contains(e.Text, fmt.Sprint(first["id"])) || !strings.Contains(e.Text, "idp.dormant") || e.Fix == "" {
			t.Errorf("approved over another that it did not know: %v", err)
		}
		f.boards(t, "after the refusal", "critical")
		// Saved again it is weighed against what holds now, and then laid over it.
		if second, err = f.step(t, jo, "definition.update", second, map[string]any{"reason": "Our contract, section 4."}); err != nil {
			t.Fatal(err)
		}
		f.clock.Move(time.Hour)
		if _, err = f.step(t, kim, "definition.approve", second, nil); err != nil {
			t.Fatal(err)
		}
		f.boards(t, "the later one", "low")
		other := ask("tests:\n  - id: idp.mfa_all\n    severity: low\n") // of another test: nothing to know
		if _, err = f.step(t, kim, "definition.approve", other, nil); err != nil {
			t.Error(err)
		}
		if _, err := f.do(t, jo, "definition.create", map[string]any{"title": "Twice", "reason": "Our contract.",
			"text": "tests:\n  - id: idp.dormant\n    severity: low\n  - id: idp.dormant\n    severity: high\n"}); errs.Public(err).Field != "text" || !strings.Contains(err.Error(), "twice") {
			t.Errorf("the same test twice in one definition: %v", err)
		}
	})
}

// Whatever definitions of the same test are in force, from this program or an older one: the later one wins, and every board is drawn.
func TestOfTwoDefinitionsOfATestTheLaterOneWins(t *testing.T) {
	const high, off, days = "severity: high\n", "enabled: false\n    reason: Not for us.\n", "params: {days: 20}\n    severity: critical\n"
	firms(t, func(t *testing.T, f *firm) {
		for name, c := range map[string]struct{ first, second, severity, state string }{
			"changed, changed":   {high, days, "critical", ""},
			"off, changed":       {off, days, "critical", ""},
			"off, off":           {off, off, "", "switched_off"},
			"changed, off":       {high, off, "", "switched_off"},
			"twice in one":       {"severity: low\n  - id: idp.dormant\n    " + high, days, "critical", ""},
			"off, twice, on, on": {off, "enabled: true\n  - id: idp.dormant\n    " + high, "high", ""},
		} {
			var all []*check.Definition
			for i, text := range []string{c.first, c.second} {
				d := &check.Definition{Title: "Ours", Reason: "Ours.", Text: "tests:\n  - id: idp.dormant\n    " + text, State: "active", Since: f.clock.Now().Add(time.Duration(i) * time.Second)}
				put(t, f, check.Definitions, d)
				all = append(all, d)
			}
			f.clock.Move(time.Hour)
			f.boards(t, name, c.severity)
			if d := f.test(t, "idp.dormant"); (d.State == "switched_off") != (c.state != "") {
				t.Errorf("%s: the test is %s", name, d.State)
			}
			for _, d := range all {
				d.State = "retired"
				put(t, f, check.Definitions, d)
			}
		}
	})
}
