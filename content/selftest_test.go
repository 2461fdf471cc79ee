// SPDX-License-Identifier: Apache-2.0

package content_test

import (
	"slices"
	"strings"
	"testing"

	"assay/content"
)

// What a control is judged by is a required test or required evidence: what only supports it proves nothing.
func TestEveryControlHasAProofThatCanShowIt(t *testing.T) {
	byTest, byEvidence, both := 0, 0, 0
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		tested := slices.ContainsFunc(c.Tests, func(x content.ControlTest) bool { return x.Role == "required" })
		shown := slices.ContainsFunc(c.Evidence, func(e content.EvidenceKind) bool { return e.Required })
		switch {
		case tested && shown:
			both++
		case tested:
			byTest++
		case shown:
			byEvidence++
		default:
			t.Errorf("%s has neither a required test nor required evidence", c.Ref)
		}
	}
	t.Logf("controls proved by tests %d, by evidence %d, by both %d", byTest, byEvidence, both)
}

// notProof are pairs of which practitioners said that the test does not show what the control says.
const notProof = `DAT-05 device.encrypted, DAT-05 device.reporting, PIN-04 ticket.access_approved, HRS-09 train.current, HRS-05 ticket.access_approved,
GOV-03 hr.agreement_signed, AST-03 device.reporting, AST-03 cloud.instance_managed, CHG-07 cloud.trail_on, CHG-07 cloud.instance_managed, PRV-10 dsr.on_time,
RSK-04 risk.reviewed, NET-02 cloud.no_open_admin_ports, DAT-08 cloud.env_separated, OPS-07 device.av, OPS-07 vuln.scan_recent, AVL-07 cloud.db_protected,
VEN-05 vendor.contract`

func TestNoTestIsRequiredWhereItDoesNotShowTheControl(t *testing.T) {
	for pair := range strings.SplitSeq(notProof, ",") {
		ref, id, _ := strings.Cut(strings.TrimSpace(pair), " ")
		found := false
		for _, c := range must[[]content.Control](t)(content.Controls()) {
			if c.Ref != ref {
				continue
			}
			found = true
			if slices.ContainsFunc(c.Tests, func(x content.ControlTest) bool { return x.Test == id && x.Role == "required" }) {
				t.Errorf("%s is required for %s and does not show it", id, ref)
			}
		}
		if !found {
			t.Errorf("there is no control %q", ref)
		}
	}
}

// Says what there is: run with -v.
func TestEveryTestCarriesItsExamples(t *testing.T) {
	tests := must[[]content.Test](t)(content.Tests())
	fixtures, windows, events, roles := 0, 0, 0, map[string]int{}
	for _, x := range tests {
		if x.Fixtures == nil {
			t.Errorf("%s has no examples", x.ID)
			continue
		}
		for name, f := range map[string]content.Fixture{"pass": x.Fixtures.Pass, "fail": x.Fixtures.Fail, "empty": x.Fixtures.Empty, "unknown": x.Fixtures.Unknown} {
			if f.Expect == "" || f.Given == nil {
				t.Errorf("%s has no example %s", x.ID, name)
			}
		}
		if x.Event != nil {
			events++
		}
		fixtures, windows = fixtures+4+len(x.Fixtures.More), windows+len(x.Fixtures.Window)
		for _, c := range x.Controls {
			roles[c.Role]++
		}
	}
	sets := map[string]int{}
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		sets[c.Set]++
	}
	t.Logf("controls by set: %v", sets)
	t.Logf("tests: %d, %d of them over events; links to controls: %v", len(tests), events, roles)
	t.Logf("kinds: %d", len(must[[]content.ResourceKind](t)(content.ResourceKinds())))
	t.Logf("fixtures: %d, window fixtures: %d", fixtures, windows)
}
