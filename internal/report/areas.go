// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math/big"
	"slices"
	"strings"

	"assay/internal/check"
)

// AreaFacts is what the seven areas of the readiness assessment depend on (F-03).
type AreaFacts struct {
	Criteria         []string // in scope
	Controls         []ScoredControl
	PolicyCurrent    check.Letter // what the test policy.current came to last; NoData where it never ran
	RequiredEvidence int          // required kinds that are due
	CurrentEvidence  int          // of them, in state current
}

// Area is one of the seven scores. Without data it has none, which is not the same as 0.
type Area struct {
	Key     string   `json:"key"`
	Title   string   `json:"title"`
	Known   bool     `json:"known"`
	Percent int      `json:"percent"`
	Exact   *big.Rat `json:"exact"`
	Items   int      `json:"items"` // what it was computed over
}

// taggedAreas names the controls of the five areas that are a mean of controls: a ref, or a
// family with its dash.
var taggedAreas = []struct {
	key, title string
	tags       []string
}{
	{"policy_review", "Policy review", []string{"GOV-03", "GOV-06", "GOV-09", "CHG-01", "INC-01"}},
	{"access_review", "Access review", []string{"IAM-", "HRS-03", "HRS-04", "HRS-05"}},
	{"cloud_configuration", "Cloud configuration", []string{"NET-", "DAT-01", "DAT-02", "DAT-04", "CHG-06", "CHG-07", "OPS-01", "OPS-02"}},
	{"vendor_risk", "Vendor risk", []string{"VEN-", "AST-05"}},
	{"incident_response", "Incident response", []string{"INC-"}},
}

// AreasOf computes the seven scores, in their usual order.
func AreasOf(f AreaFacts) []Area {
	areas := make([]Area, 0, 7)
	for _, t := range taggedAreas {
		var got, of int64
		known, items := false, 0
		for _, c := range f.Controls {
			if c.Health == NotApplicable || c.Health == NoOccurrence || !tagged(c.Ref, t.tags) {
				continue
			}
			got += int64(c.Weight) * c.Health.halves()
			of += 2 * int64(c.Weight)
			known = known || c.Health.hasData()
			items++
		}
		if t.key == "policy_review" {
			switch f.PolicyCurrent { // one more item, of weight 1
			case check.Passed:
				got, of, known, items = got+2, of+2, true, items+1
			case check.Excepted:
				got, of, known, items = got+1, of+2, true, items+1
			case check.Failed:
				of, known, items = of+2, true, items+1
			}
		}
		areas = append(areas, area(t.key, t.title, known, got, of, items))
	}
	mapped := int64(0)
	for _, k := range f.Criteria {
		if owned(k, f.Controls) {
			mapped++
		}
	}
	n := int64(len(f.Criteria))
	return append(areas,
		area("control_mapping", "Control mapping", n > 0, mapped, n, int(n)),
		area("evidence_readiness", "Evidence readiness", f.RequiredEvidence > 0,
			int64(min(f.CurrentEvidence, f.RequiredEvidence)), int64(f.RequiredEvidence), f.RequiredEvidence))
}

func area(key, title string, known bool, got, of int64, items int) Area {
	if !known {
		return Area{Key: key, Title: title, Exact: new(big.Rat), Items: items}
	}
	exact := share(got, of)
	return Area{Key: key, Title: title, Known: true, Percent: percent(exact), Exact: exact, Items: items}
}

func tagged(ref string, tags []string) bool {
	return slices.ContainsFunc(tags, func(tag string) bool {
		return ref == tag || strings.HasSuffix(tag, "-") && strings.HasPrefix(ref, tag)
	})
}

// owned reports whether a criterion has an applicable control, and each such control an owner.
func owned(criterion string, controls []ScoredControl) bool {
	found := false
	for _, c := range controls {
		if c.Health == NotApplicable || !slices.Contains(c.Criteria, criterion) {
			continue
		}
		if !c.HasOwner {
			return false
		}
		found = true
	}
	return found
}
