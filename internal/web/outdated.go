// SPDX-License-Identifier: Apache-2.0

package web

import (
	"assay/internal/grc"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// outdated are the values in policies in force that are no longer current; of one policy, where one is given.
func (q *ask) outdated(policy string) ([]grc.Outdated, error) {
	if !q.may("policy.outdated") {
		return nil, nil
	}
	in := map[string]any{}
	if policy != "" {
		in["policy"] = policy
	}
	all, err := do[grc.OutdatedValues](q, "policy.outdated", in)
	return all.Data, err
}

// outdatedValues puts in front of the parts of a policy what its version in force says that has changed since.
func (q *ask) outdatedValues(t thing, all []page.Section) ([]page.Section, error) {
	found, err := q.outdated(t.id())
	if err != nil || len(found) == 0 {
		return all, err
	}
	s := page.Section{Title: "Outdated values in the version in force"}
	for _, x := range found {
		now := "now " + x.Now
		if x.Now == "" {
			now = "no value now"
		}
		s.Pairs = append(s.Pairs, ui.Pair{Term: x.Field, Text: x.Says + "; " + now + " (" + x.Source + ")"})
	}
	return append([]page.Section{s}, all...), nil
}

// outdatedPolicies says above the list which policies in force state such values.
func (q *ask) outdatedPolicies(v *page.ListView) error {
	found, err := q.outdated("")
	if err != nil || len(found) == 0 {
		return err
	}
	parts, last := []ui.Part{{Text: " Values have changed since publication: "}}, ""
	for _, x := range found {
		if x.Policy == last {
			continue
		}
		if last != "" {
			parts = append(parts, ui.Part{Text: ", "})
		}
		parts, last = append(parts, ui.Part{Text: x.Ref, Href: q.hrefOf("policy", x.Policy)}), x.Policy
	}
	v.Answer = append(v.Answer, append(parts, ui.Part{Text: "."})...)
	return nil
}
