// SPDX-License-Identifier: Apache-2.0

package check

import (
	"slices"
	"strings"
	"testing"

	"assay/content"
)

// everyone are the kinds that a company of the base set can be judged by: it has such systems or keeps such lists, and
// a complete source without rows says that there are none. A required test that needs another kind would be unknown for
// most companies and keep them from being ready.
var everyone = strings.Fields(`person training.record device ticket idp.user idp.settings vcs.member vcs.repo vcs.branch_rule vcs.change deploy.event
cloud.account cloud.user cloud.key cloud.grant cloud.bucket cloud.database cloud.disk cloud.firewall cloud.instance cloud.trail cloud.flowlog cloud.alarm
cloud.backup cloud.kmskey cloud.secret net.endpoint vuln.finding vuln.scan siem.source siem.alert
internal.policy internal.policy_version internal.acknowledgement internal.access_review internal.access_review_item internal.agreement
internal.background_check internal.checklist internal.exception internal.exercise internal.incident internal.meeting internal.notification_duty
internal.restore_test internal.risk internal.risk_assessment internal.vendor`)

func TestARequiredTestOfTheBaseSetIsOneThatEveryCompanyCanBeJudgedBy(t *testing.T) {
	c, used := catalogue(t), map[string]bool{}
	controls, err := content.Controls()
	if err != nil {
		t.Fatal(err)
	}
	for _, ctl := range controls {
		for _, x := range ctl.Tests {
			r, ok := c.Rule(x.Test)
			if !ok || ctl.Set != "base" || x.Role != "required" {
				continue
			}
			for _, kind := range r.kinds {
				used[kind] = true
				if !slices.Contains(everyone, kind) {
					t.Errorf("%s requires %s, but not every company has %s: make it supporting", ctl.Ref, x.Test, kind)
				}
			}
		}
	}
	for _, kind := range everyone {
		if !used[kind] {
			t.Errorf("no required test of the base set looks at %s: take it off the list", kind)
		}
	}
}

// The doc of a test that never decides names the reason.
func TestATestOfWhatNotEveryCompanyHasSaysThatItOnlySupports(t *testing.T) {
	for _, r := range catalogue(t).Rules() {
		decides := slices.ContainsFunc(r.Def.Controls, func(l content.ControlLink) bool { return l.Role == "required" })
		if !decides && !r.Def.Beyond && !slices.Contains(everyone, r.Def.Kind) && !strings.Contains(r.Def.Doc, "only supports") {
			t.Errorf("%s looks at %s, which not every company has, and its doc does not say that it only supports", r.ID(), r.Def.Kind)
		}
	}
}
