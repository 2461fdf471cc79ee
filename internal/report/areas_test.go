// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	"assay/internal/check"
)

func byKey(t *testing.T, areas []Area) map[string]Area {
	if len(areas) != 7 {
		t.Fatalf("%d areas, want 7", len(areas))
	}
	m := map[string]Area{}
	for _, a := range areas {
		m[a.Key] = a
	}
	return m
}

func TestAnAreaWithoutDataHasNoScore(t *testing.T) {
	criteria, controls := scope(t, "security")
	for key, a := range byKey(t, AreasOf(AreaFacts{Criteria: criteria, Controls: controls})) {
		if a.Known != (key == "control_mapping") {
			t.Errorf("%+v", a)
		}
	}
	set(t, controls, NoData, "INC-01, 02, 03, 04, 05, 06")
	if a := byKey(t, AreasOf(AreaFacts{Criteria: criteria, Controls: controls}))["incident_response"]; a.Known || a.Items != 6 {
		t.Errorf("%+v", a)
	}
}

func TestTheAreasAreWeightedMeansOfTheirControls(t *testing.T) {
	criteria, controls := scope(t, "security")
	set(t, controls, Passing, "INC-01, INC-02; GOV-03, 06")
	set(t, controls, NeedsAttention, "INC-03, CHG-01")
	set(t, controls, Failing, "IAM-01; NET-01; VEN-01")
	m := byKey(t, AreasOf(AreaFacts{Criteria: criteria, Controls: controls, PolicyCurrent: check.Passed, RequiredEvidence: 3, CurrentEvidence: 2}))
	for key, want := range map[string]struct {
		exact          string
		percent, items int
	}{
		"incident_response":   {"1/2", 50, 6},   // (2+2+1) of 10: weights 2 2 2 2 1 1
		"policy_review":       {"13/16", 81, 6}, // weights GOV-03 1, GOV-06 2, GOV-09 1, CHG-01 1, INC-01 2, and the test 1
		"access_review":       {"0", 0, 16},
		"cloud_configuration": {"0", 0, 12},
		"vendor_risk":         {"0", 0, 6},
		"control_mapping":     {"1", 100, 33},
		"evidence_readiness":  {"2/3", 66, 3},
	} {
		if a := m[key]; !a.Known || a.Exact.RatString() != want.exact || a.Percent != want.percent || a.Items != want.items {
			t.Errorf("%s: %v = %d%% over %d, want %+v", key, a.Exact, a.Percent, a.Items, want)
		}
	}
}

func TestACriterionIsMappedOnlyWhenEachControlHasAnOwner(t *testing.T) {
	criteria, controls := scope(t, "security")
	for i := range controls {
		if controls[i].Ref == "GOV-02" { // the one control of CC1.2; it also serves CC2.2 and CC4.2
			controls[i].HasOwner = false
		}
	}
	if a := byKey(t, AreasOf(AreaFacts{Criteria: criteria, Controls: controls}))["control_mapping"]; a.Exact.RatString() != "10/11" {
		t.Errorf("%v", a.Exact)
	}
}
