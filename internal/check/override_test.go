// SPDX-License-Identifier: Apache-2.0

package check

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"assay/internal/errs"
)

var someControls = []string{"IAM-02", "HRS-04"}

// applied lays one override file over the built-in catalogue.
func applied(t testing.TB, text string) (*Catalogue, error) {
	t.Helper()
	o, err := ParseOverride([]byte(text), "company.yaml")
	if err != nil {
		return nil, err
	}
	return catalogue(t).With([]*Override{o}, append(lines(t, "controls.txt"), someControls...))
}

const ownTest = `tests:
  - id: acme.named
    title: Every identity has a name
    kind: idp.user
    severity: low
    interval_hours: 24
    condition: filled(email)
    message: "{name} has no address."
    observed: [email]
    controls: [{id: IAM-02, role: supporting}]
    fixtures:
      now: "2026-03-02T12:00:00Z"
      pass: {expect: pass, given: {idp.user: [{id: jo, email: jo@example.com}]}}
      fail: {expect: fail, given: {idp.user: [{id: jo, email: null}]}}
      empty: {expect: error, given: {idp.user: []}}
      unknown: {expect: unknown, given: {idp.user: [{id: jo}]}}
`

func TestACompanyAddsChangesAndSwitchesOffTests(t *testing.T) {
	c, err := applied(t, ownTest+`
  - id: idp.dormant
    severity: high
    params: {days: 30}
  - id: net.hsts
    enabled: false
    reason: We serve no pages.
`)
	if err != nil {
		t.Fatal(err)
	}
	base := catalogue(t)
	own, ok := c.Rule("acme.named")
	if !ok || len(c.Rules()) != len(base.Rules()) { // one more, one switched off
		t.Fatalf("there are %d rules", len(c.Rules()))
	}
	if out, err := c.RunFixture(own, "fail"); err != nil || out.State != VerdictFail {
		t.Errorf("got %v, %v", out, err)
	}
	was, _ := base.Rule("idp.dormant")
	now, _ := c.Rule("idp.dormant")
	if now.Def.Severity != "high" || was.Def.Severity != "medium" || now.Version == was.Version || now.Def.Condition != was.Def.Condition {
		t.Errorf("the changed test is %+v", now.Def)
	}
	if _, ok := c.Rule("net.hsts"); ok || len(c.Disabled()) != 1 || c.Disabled()[0].Reason != "We serve no pages." {
		t.Errorf("switched off are %v", c.Disabled())
	}
}

func TestACompanyMakesATestOfItsOwnOverEvents(t *testing.T) {
	const over = `
  - id: siem.alert_closed
    params: {window_days: 30, business_days: 3}
  - id: siem.alert_triage
    event: {}
    condition: acknowledged_at != null
  - id: ticket.access_approved
    event: {due: granted_at + days(1), done: approved_at}
  - id: acme.alert
    title: Medium alerts are acknowledged in a day
    kind: siem.alert
    severity: low
    interval_hours: 24
    filter: severity == "medium"
    event:
      due: created_at + hours(24)
      done: acknowledged_at
    message: "{rule} was not acknowledged in a day."
    observed: [rule]
    controls: [{id: OPS-03, role: supporting}]
    fixtures:
      now: "2026-03-02T12:00:00Z"
      pass: {expect: pass, given: {siem.alert: [{id: a, severity: medium, created_at: "2026-03-01T10:00:00Z", acknowledged_at: "2026-03-01T12:00:00Z"}]}}
      fail: {expect: fail, given: {siem.alert: [{id: a, severity: medium, created_at: "2026-03-01T10:00:00Z", acknowledged_at: null}]}}
      empty: {expect: not_applicable, given: {siem.alert: []}}
      unknown: {expect: unknown, given: {siem.alert: [{id: a, severity: medium, created_at: "2026-03-01T10:00:00Z"}]}}
      window:
        made_good: {expect: pass, on_day: not_applicable, late: 1, given: {siem.alert: [{id: a, severity: medium, created_at: "2026-02-01T10:00:00Z", acknowledged_at: "2026-02-03T10:00:00Z"}]}}
`
	c, err := applied(t, "tests:"+over)
	if err != nil {
		t.Fatal(err)
	}
	for id, days := range map[string]int{"siem.alert_closed": 30, "siem.alert_triage": 0, "ticket.access_approved": 92, "acme.alert": 92} {
		if r, _ := c.Rule(id); r.WindowDays() != days || r.Event() != (days > 0) {
			t.Errorf("%s looks back %d days, want %d", id, r.WindowDays(), days)
		}
	}
	if _, err := applied(t, "tests:"+strings.Replace(over, "late: 1", "late: 2", 1)); err == nil || !strings.Contains(err.Error(), "tests[3].fixtures.window.made_good: 1 events are late, and not 2") {
		t.Errorf("a window example that does not hold: %v", err)
	}
}

func TestABadOverrideIsRefusedWithFileLineFieldAndReason(t *testing.T) {
	for name, bad := range map[string]struct{ text, where, says string }{
		"unknown field":        {"tests:\n  - id: a.b\n    conditon: on\n", "company.yaml:3", `unknown field "conditon"`},
		"wrong type":           {"tests:\n  - id: idp.dormant\n    interval_hours: often\n", "company.yaml:3", "this is a string"},
		"not yaml":             {"tests: [\n", "company.yaml:1", ""},
		"empty":                {"\n", "company.yaml", "the file is empty"},
		"no id":                {"tests:\n  - title: x\n", "company.yaml:2", "tests[0].id: it is missing"},
		"no reason":            {"tests:\n  - id: net.hsts\n    enabled: false\n", "company.yaml:3", "needs a reason"},
		"nothing to stop":      {"tests:\n  - id: net.none\n    enabled: false\n    reason: x\n", "company.yaml:2", "there is no test net.none"},
		"unknown attribute":    {"tests:\n  - id: idp.mfa_all\n    condition: mfa_enroled\n", "company.yaml:3", "tests[0].condition: column 1: idp.user has no attribute mfa_enroled; did you mean mfa_enrolled"},
		"type error":           {"tests:\n  - id: idp.mfa_all\n    severity: low\n    condition: 'mfa_enrolled > 3'\n", "company.yaml:4", "> does not go with bool, int"},
		"not a condition":      {"tests:\n  - id: idp.mfa_all\n    condition: email\n", "company.yaml:3", "a yes or no is wanted"},
		"syntax":               {"tests:\n  - id: idp.mfa_all\n    condition: 'a &&'\n", "company.yaml:3", "tests[0].condition: column"},
		"bad severity":         {"tests:\n  - id: idp.mfa_all\n    severity: urgent\n", "company.yaml:3", "is none of critical, high, medium, low"},
		"bad interval":         {"tests:\n  - id: idp.mfa_all\n    interval_hours: 0\n", "company.yaml:3", "0 is not between 1 and"},
		"no such parameter":    {"tests:\n  - id: idp.dormant\n    params: {dayz: 3}\n", "company.yaml:3", "tests[0].params.dayz: idp.dormant has no such parameter; it has: days"},
		"wrong parameter":      {"tests:\n  - id: idp.dormant\n    params: {days: many}\n", "company.yaml:3", "it is of type string, and int is wanted"},
		"unknown control":      {"tests:\n  - id: idp.dormant\n    controls: [{id: NOPE-01, role: required}]\n", "company.yaml:3", "there is no control NOPE-01"},
		"unknown role":         {"tests:\n  - id: idp.dormant\n    controls: [{id: IAM-02, role: main}]\n", "company.yaml:3", "a role of required or supporting"},
		"unknown kind":         {strings.Replace(ownTest, "kind: idp.user", "kind: idp.users", 1), "company.yaml:4", "tests[0].kind: \"idp.users\" is not a resource kind"},
		"half a test":          {"tests:\n  - id: acme.half\n    title: Half\n    kind: idp.user\n", "company.yaml:2", "tests[0].condition: it is missing"},
		"false example":        {strings.Replace(ownTest, "fail: {expect: fail", "fail: {expect: pass", 1), "company.yaml:14", "the test comes to fail and not to pass"},
		"example of nothing":   {strings.Replace(ownTest, "expect: error", "expect: ok", 1), "company.yaml:15", `"ok" is not a verdict`},
		"bad message":          {"tests:\n  - id: idp.dormant\n    message: '{nobody} is late'\n", "company.yaml:3", "has no attribute nobody"},
		"bad observed":         {"tests:\n  - id: idp.dormant\n    observed: [nobody]\n", "company.yaml:3", "has no attribute nobody"},
		"changed twice":        {"tests:\n  - id: idp.dormant\n    severity: low\n  - id: idp.dormant\n    severity: high\n", "company.yaml:4", "is already changed in company.yaml"},
		"event, unknown field": {"tests:\n  - id: siem.alert_triage\n    event:\n      due_at: created_at\n", "company.yaml:4", `unknown field "due_at"`},
		"event, no due":        {"tests:\n  - id: siem.alert_triage\n    event:\n      done: acknowledged_at\n", "company.yaml:4", "tests[0].event.due: it is missing"},
		"event, no time":       {"tests:\n  - id: siem.alert_triage\n    event:\n      due: severity\n      done: acknowledged_at\n", "company.yaml:4", "tests[0].event.due: it gives"},
		"event, misspelt":      {"tests:\n  - id: siem.alert_triage\n    event:\n      due: created_at\n      done: acknowledged\n", "company.yaml:5", "tests[0].event.done: column 1: siem.alert has no attribute acknowledged"},
		"event, of groups":     {"tests:\n  - id: vuln.scan_recent\n    event: {due: finished_at, done: finished_at}\n", "company.yaml:3", "tests[0].event: events are judged one by one"},
		"event, window":        {"tests:\n  - id: siem.alert_triage\n    params: {window_days: 0}\n", "company.yaml:3", "tests[0].params.window_days: it must be a whole number between 1 and 3660"},
		"event, none":          {"tests:\n  - id: siem.alert_triage\n    event: {}\n", "company.yaml:2", "tests[0].condition: it is missing"},
		"control, no ref":      {"controls:\n  - title: x\n", "company.yaml:2", "controls[0].ref: it is missing"},
		"control, weight":      {"controls:\n  - ref: A-1\n    weight: 9\n", "company.yaml:3", "it must be 1, or 2"},
		"control, no test":     {"controls:\n  - ref: A-1\n    tests: [{test: no.such, role: required}]\n", "company.yaml:3", "there is no test no.such"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := applied(t, bad.text)
			if !errors.Is(err, errs.Invalid) {
				t.Fatalf("got %v", err)
			}
			if got := errs.Public(err); got.Field != bad.where || !strings.Contains(got.Text, bad.says) {
				t.Errorf("got %s: %s; want %s: ...%s...", got.Field, got.Text, bad.where, bad.says)
			}
		})
	}
}

func TestATestMayBeTiedToAControlThatTheCompanyAdds(t *testing.T) {
	c, err := applied(t, "controls:\n  - ref: ACME-01\n    title: Ours\n    tests: [{test: idp.dormant, role: required}]\ntests:\n  - id: idp.dormant\n    controls: [{id: ACME-01, role: required}]\n")
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := c.Rule("idp.dormant"); r.Def.Controls[0].ID != "ACME-01" {
		t.Errorf("it is tied to %v", r.Def.Controls)
	}
}

func TestOverridesAreReadFromAFolderInOrder(t *testing.T) {
	dir := fstest.MapFS{
		"b.yaml":      {Data: []byte("tests:\n  - id: idp.dormant\n    severity: low\n")},
		"a/first.yml": {Data: []byte("tests:\n  - id: net.hsts\n    severity: high\n")},
		"a/notes.txt": {Data: []byte("not for us")},
	}
	os, err := LoadOverrides(dir)
	if err != nil || len(os) != 2 || os[0].File != "a/first.yml" || os[1].File != "b.yaml" {
		t.Fatalf("got %v, %v", os, err)
	}
	if none, err := LoadOverrides(fstest.MapFS{}); err != nil || len(none) != 0 {
		t.Errorf("an empty folder gave %v, %v", none, err)
	}
	dir["c.yaml"] = &fstest.MapFile{Data: []byte("test: []\n")}
	if _, err := LoadOverrides(dir); !errors.Is(err, errs.Invalid) {
		t.Errorf("a bad file gave %v", err)
	}
}

func TestOnlyWhatCanChangeAVerdictMakesANewVersion(t *testing.T) {
	base, _ := catalogue(t).Rule("idp.dormant")
	for change, isNew := range map[string]bool{
		"params: {days: 91}": true, "severity: high": true, "interval_hours: 12": true, "condition: is_admin": true, "filter: is_admin": true,
		"params: {days: 90}": false, "title: Other words": false, "message: Other words.": false, "observed: [email]": false, "doc: Other words.": false,
	} {
		c, err := applied(t, "tests:\n  - id: idp.dormant\n    "+change+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := c.Rule("idp.dormant"); (r.Version != base.Version) != isNew {
			t.Errorf("%s: new version %v, want %v", change, r.Version != base.Version, isNew)
		}
	}
}

func TestADeepFileIsRefusedAndDoesNotStopTheProgram(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 200_000), strings.Repeat("a: {", 100_000), "tests: " + strings.Repeat("- ", 100_000), strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)} {
		if _, err := applied(t, text); err == nil {
			t.Error("it was taken")
		}
	}
}

func FuzzAnOverrideNeverPanics(f *testing.F) {
	f.Add(ownTest)
	f.Add("tests:\n  - id: idp.dormant\n    params: {days: 3}\n")
	f.Add("controls: [{ref: A}]")
	f.Add("controls: !00000 000")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := applied(t, text); err == nil && c == nil {
			t.Error("neither a catalogue nor an error")
		}
	})
}

// Examples are run while others wait to write: they are few, and none takes long.
func TestExamplesOfATestAreBounded(t *testing.T) {
	many := strings.Repeat("{id: jo, email: jo@example.com}, ", 101)
	one := "pass: {expect: pass, given: {idp.user: [{id: jo, email: jo@example.com}]}}"
	slow := "filled(email) && " + strings.Repeat("[1,2,3,4,5,6,7,8].all(x, ", 6) + "x > 0" + strings.Repeat(")", 6) // 262,144 steps: one resource may take them, an example may not
	for want, text := range map[string]string{
		"100 is the most": strings.Replace(ownTest, one, "pass: {expect: pass, given: {idp.user: ["+many+"]}}", 1),
		"too many steps":  strings.Replace(ownTest, "condition: filled(email)", "condition: "+slow, 1),
	} {
		if text == ownTest {
			t.Fatal("nothing was replaced")
		}
		if _, err := applied(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
