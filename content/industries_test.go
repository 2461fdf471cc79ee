// SPDX-License-Identifier: Apache-2.0

package content_test

import (
	"slices"
	"testing"

	"assay/content"
)

// TestEachIndustryProposesOnlyWhatThereIs also holds the counts of T-014: security and what an industry adds to it.
func TestEachIndustryProposesOnlyWhatThereIs(t *testing.T) {
	f := must[content.Framework](t)(content.SOC2())
	criteria := func(x content.Industry) (n int) {
		for _, c := range f.Criteria {
			if c.Category == "security" || slices.ContainsFunc(x.Categories, func(p content.IndustryCategory) bool { return p.Key == c.Category }) {
				n++
			}
		}
		return n
	}
	counts := map[string]int{"saas": 38, "fintech": 41, "healthcare": 53, "ecommerce_payments": 51, "msp_data_center": 36, "legal": 53, "security_it_services": 38, "general": 33}
	seen := map[string]bool{}
	kinds := must[[]content.ResourceKind](t)(content.ResourceKinds())
	i := slices.IndexFunc(kinds[0].Attributes, func(a content.Attribute) bool { return a.Name == "data_types" })
	for _, x := range must[[]content.Industry](t)(content.Industries()) {
		for _, d := range x.DataTypes {
			if !slices.Contains(kinds[0].Attributes[i].Values, d) {
				t.Errorf("%s holds %s, which is no type of data", x.Key, d)
			}
		}
		if x.Key == "" || x.Title == "" || seen[x.Key] {
			t.Errorf("%+v has no key or title, or is there twice", x)
		}
		seen[x.Key] = true
		for _, p := range x.Categories {
			if p.Key == "security" || p.Reason == "" || !slices.ContainsFunc(f.Categories, func(c content.Category) bool { return c.Key == p.Key }) {
				t.Errorf("%s proposes %+v", x.Key, p)
			}
		}
		for _, ref := range x.Controls {
			if !slices.ContainsFunc(must[[]content.Control](t)(content.Controls()), func(c content.Control) bool { return c.Ref == ref && c.Set == "optional" }) {
				t.Errorf("%s proposes %s, which is no optional control", x.Key, ref)
			}
		}
		for _, key := range x.Crosswalks {
			if !slices.ContainsFunc(must[[]content.Crosswalk](t)(content.Crosswalks()), func(c content.Crosswalk) bool { return c.Key == key }) {
				t.Errorf("%s names %s, which is no crosswalk", x.Key, key)
			}
		}
		if n, ok := counts[x.Key]; ok && criteria(x) != n {
			t.Errorf("%s proposes %d criteria, want %d", x.Key, criteria(x), n)
		}
		delete(counts, x.Key)
	}
	if len(seen) != 10 || len(counts) > 0 {
		t.Errorf("%d industries; not there: %v", len(seen), counts)
	}
}
