// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"
	"testing"
)

// What is written into the ledger must judge as what was compiled from the files.
func TestACatalogueReadFromItsTextIsTheSame(t *testing.T) {
	c := catalogue(t)
	text, digest, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := readEdition(text)
	if err != nil {
		t.Fatal(err)
	}
	if d := append(Differences(c, again), Differences(again, c)...); len(d) > 0 {
		t.Errorf("read again, it differs in %v", d)
	}
	for _, r := range c.Rules() {
		now, ok := again.Rule(r.ID())
		if !ok || now.Version != r.Version {
			t.Errorf("%s has another version", r.ID())
			continue
		}
		now.Def.Fixtures = r.Def.Fixtures
		for _, name := range FixtureNames {
			want, err := c.RunFixture(r, name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := again.RunFixture(now, name); err != nil || got.State != want.State {
				t.Errorf("%s, example %s: %v, %v; want %v", r.ID(), name, got.State, err, want.State)
			}
		}
	}
	if text2, digest2, err := again.Text(); err != nil || text2 != text || digest2 != digest {
		t.Errorf("its text is another: %v", err)
	}
	if strings.Contains(text, "fixtures") {
		t.Error("the examples stand in the text")
	}
}

func TestEveryFieldOfATestIsAChange(t *testing.T) {
	base := catalogue(t)
	for name, text := range map[string]string{
		"params": "params: {days: 30}", "severity": "severity: high", "interval_hours": "interval_hours: 500", "condition": "condition: 'true'", "filter": "filter: 'false'",
		"title": "title: Something else", "doc": "doc: Something else", "message": "message: '{name}'", "observed": "observed: [email]", "empty": "empty: fail", "controls": "controls: []", "kind": "kind: vcs.member\n    condition: 'true'\n    filter: ''\n    params: {}\n    observed: []\n    message: x",
		"switched off": "enabled: false\n    reason: We do not want it.",
	} {
		c, err := applied(t, "tests:\n  - id: idp.dormant\n    "+text+"\n")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := Differences(base, c); len(d) != 1 || !strings.HasPrefix(d[0], "idp.dormant: ") || !strings.Contains(d[0], name) {
			t.Errorf("%s: the differences are %v", name, d)
		}
		if d := Differences(c, base); len(d) != 1 {
			t.Errorf("%s taken back: the differences are %v", name, d)
		}
		x, changed := c.Changed("idp.dormant")
		if off, is := c.Off("idp.dormant"); changed == is || is && off.Title == "" || changed && len(x.Fields) == 0 {
			t.Errorf("%s: changed %v %+v, off %v %+v", name, changed, x, is, off)
		}
	}
	same, err := applied(t, "tests:\n  - id: idp.dormant\n    severity: medium\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, changed := same.Changed("idp.dormant"); changed || len(Differences(base, same)) > 0 {
		t.Error("what is said again is a change")
	}
	own, err := applied(t, ownTest)
	if err != nil {
		t.Fatal(err)
	}
	if _, added := own.Added("acme.named"); !added || len(Differences(base, own)) > 0 || len(Differences(own, base)) != 1 {
		t.Errorf("a test more: added %v, %v; and gone again: %v", added, Differences(base, own), Differences(own, base))
	}
}
