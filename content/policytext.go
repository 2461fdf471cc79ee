// SPDX-License-Identifier: Apache-2.0

package content

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// PolicyField is a named blank in the texts of the policy templates, with the one source of its value.
type PolicyField struct {
	Name  string `json:"name"`  // as it stands in a text, between {{ and }}
	Label string `json:"label"` // what it is

	Setting string   `json:"setting,omitempty"` // of the organisation, or of the policy
	Params  []string `json:"params,omitempty"`  // test.parameter: all of them are equal, or the field has no value
	Unit    string   `json:"unit,omitempty"`    // of the parameters, for one of them
	Words   string   `json:"words,omitempty"`   // the control or test whose own words fix Value
	Value   string   `json:"value,omitempty"`
	Ask     string   `json:"ask,omitempty"` // an example of what a person enters
}

// PolicySection is one section of the text of a policy template, in Markdown. Its heading is not part of the text.
type PolicySection struct {
	Heading string
	Text    string
}

// PolicyFields returns the fields of the policy texts. What it returns is shared: do not change it.
func PolicyFields() ([]PolicyField, error) { return loadPolicyFields() }

// PolicyText returns the text of a policy template, section by section; none where there is no such template. What it
// returns is shared: do not change it.
func PolicyText(ref string) ([]PolicySection, error) {
	all, err := loadPolicyTexts()
	return all[strings.ToUpper(ref)], err
}

// Blank finds the fields in a text: the first group is the name of each.
var Blank = regexp.MustCompile(`\{\{\s*(.*?)\s*\}\}`)

// policyFile is a file of the folder policies.
type policyFile struct {
	Policies []Policy      `json:"policies"`
	Fields   []PolicyField `json:"fields"`
}

var (
	loadPolicyFiles = sync.OnceValues(func() (all policyFile, err error) {
		lists, err := decodeAll[policyFile]("policies")
		for _, l := range lists {
			all.Policies, all.Fields = append(all.Policies, l.Policies...), append(all.Fields, l.Fields...)
		}
		return all, err
	})

	loadPolicyFields = sync.OnceValues(func() ([]PolicyField, error) {
		all, err := loadPolicyFiles()
		return all.Fields, err
	})

	loadPolicyTexts = sync.OnceValues(func() (map[string][]PolicySection, error) {
		policies, err := Policies()
		if err != nil {
			return nil, err
		}
		out := map[string][]PolicySection{}
		for _, p := range policies {
			data, err := files.ReadFile("policies/" + p.Ref + ".md")
			if err != nil {
				return nil, fmt.Errorf("read embedded text of %s: %w", p.Ref, err)
			}
			out[p.Ref] = sectionsOf(string(data))
		}
		return out, nil
	})
)

// sectionsOf cuts a text at its headings of the second level. What stands before the first is no section.
func sectionsOf(text string) []PolicySection {
	var out []PolicySection
	for _, part := range strings.Split("\n"+text, "\n## ")[1:] {
		heading, rest, _ := strings.Cut(part, "\n")
		out = append(out, PolicySection{strings.TrimSpace(heading), strings.TrimSpace(rest)})
	}
	return out
}
