// SPDX-License-Identifier: Apache-2.0

package content_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"assay/content"
)

// sourceOf is what a field of the policy texts takes its value from; empty where that is not exactly one.
func sourceOf(f content.PolicyField) string {
	var out []string
	for name, has := range map[string]bool{"setting": f.Setting != "", "params": len(f.Params) > 0, "words": f.Words != "" && f.Value != "", "ask": f.Ask != ""} {
		if has {
			out = append(out, name)
		}
	}
	if len(out) != 1 || (f.Unit != "" && out[0] != "params") || ((f.Words != "") != (f.Value != "")) {
		return ""
	}
	return out[0]
}

func TestEveryPolicyHasATextWithItsSections(t *testing.T) {
	sections, words := 0, 0
	known := map[string]bool{}
	for _, p := range must[[]content.Policy](t)(content.Policies()) {
		known["policies/"+p.Ref+".md"] = true
		var headings []string
		for _, s := range must[[]content.PolicySection](t)(content.PolicyText(p.Ref)) {
			n := len(strings.Fields(s.Text))
			if sections, words = sections+1, words+n; n < 25 || n > 200 {
				t.Errorf("%s, %s: %d words", p.Ref, s.Heading, n)
			}
			if slices.Contains(headings, s.Heading) || strings.Contains(s.Text, "\n#") || strings.HasPrefix(s.Text, "#") {
				t.Errorf("%s, %s: a heading stands twice, or within a section", p.Ref, s.Heading)
			}
			headings = append(headings, s.Heading)
		}
		if own := slices.DeleteFunc(slices.Clone(headings), func(h string) bool { return !slices.Contains(p.Sections, h) }); !slices.Equal(own, p.Sections) {
			t.Errorf("%s has the sections %q, want %q", p.Ref, own, p.Sections)
		}
		if headings[0] != "Purpose and scope" || !strings.HasPrefix(headings[len(headings)-1], "Evidence") {
			t.Errorf("%s does not begin with its purpose, or does not end with its evidence: %q", p.Ref, headings)
		}
	}
	for _, name := range must[[]string](t)(fs.Glob(content.Files(), "policies/*.md")) {
		if !known[name] {
			t.Errorf("%s belongs to no policy", name)
		}
		if text := string(must[[]byte](t)(fs.ReadFile(content.Files(), name))); !strings.HasPrefix(text, "## ") {
			t.Errorf("%s has text before its first heading", name)
		}
	}
	t.Logf("%d policies, %d sections, %d words", len(known), sections, words)
}

func TestEveryFieldOfAPolicyTextIsDeclaredOnceWithOneSource(t *testing.T) {
	declared, sources := map[string]bool{}, map[string]int{}
	for _, f := range must[[]content.PolicyField](t)(content.PolicyFields()) {
		if declared[f.Name] || f.Name == "" || f.Label == "" || sourceOf(f) == "" {
			t.Errorf("%q is declared twice, or has no name, no label, or not one source: %+v", f.Name, f)
		}
		declared[f.Name] = true
		sources[sourceOf(f)]++
	}
	used := map[string]bool{}
	for _, p := range must[[]content.Policy](t)(content.Policies()) {
		for _, s := range must[[]content.PolicySection](t)(content.PolicyText(p.Ref)) {
			rest := content.Blank.ReplaceAllStringFunc(s.Text, func(b string) string {
				name := content.Blank.FindStringSubmatch(b)[1]
				if used[name] = true; !declared[name] || b != "{{"+name+"}}" {
					t.Errorf("%s, %s: the field %s is not declared", p.Ref, s.Heading, b)
				}
				return ""
			})
			if strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
				t.Errorf("%s, %s: a field is not closed", p.Ref, s.Heading)
			}
		}
	}
	for name := range declared {
		if !used[name] {
			t.Errorf("no text uses the field %s", name)
		}
	}
	t.Logf("%d fields: %v", len(declared), sources)
}

// What a policy says of a limit is what the test measures, or what the control says.
func TestFieldsOfPolicyTextsAgreeWithTestsAndControls(t *testing.T) {
	params, said := map[string]any{}, map[string]string{}
	for _, x := range must[[]content.Test](t)(content.Tests()) {
		said[x.ID] = x.Title + " " + x.Doc
		for name, v := range x.Params {
			params[x.ID+"."+name] = v
		}
	}
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		said[c.Ref] = c.Text + " " + strings.Join(c.Tasks, " ")
	}
	for _, f := range must[[]content.PolicyField](t)(content.PolicyFields()) {
		for _, p := range f.Params {
			if params[p] == nil || fmt.Sprint(params[p]) != fmt.Sprint(params[f.Params[0]]) {
				t.Errorf("%s: %s is %v, and %s is %v", f.Name, p, params[p], f.Params[0], params[f.Params[0]])
			}
		}
		if f.Words != "" && !strings.Contains(said[f.Words], f.Value) {
			t.Errorf("%s: %s does not say %q: %s", f.Name, f.Words, f.Value, said[f.Words])
		}
	}
}

// sameNumber are limits in the texts that only happen to be the number of a parameter, and what each is instead.
var sameNumber = map[string]string{
	"POL-13, Retention, 90 days":              "how long the central store is searched directly and debug output is kept",
	"POL-24, Deficiency grading, 30 days":     "by when a deficiency of its grade is closed",
	"POL-19, Offices and visitors, 12 months": "how long visitor records are kept",
}

var limits = regexp.MustCompile(`(\d+)(%| (?:business )?(?:day|hour|minute|month)s?)\b`)

// A limit that a test measures is a field: a number in the text of a policy would stay when the parameter changes.
func TestNoPolicyTextHasANumberThatIsAParameterOfItsTests(t *testing.T) {
	controls, of := map[string]content.Control{}, map[string]map[string][]string{} // by policy and number with its unit, the parameters
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		controls[c.Ref] = c
	}
	for _, x := range must[[]content.Test](t)(content.Tests()) {
		for name, v := range x.Params {
			for _, l := range x.Controls {
				for _, p := range controls[l.ID].Policies {
					if of[p] == nil {
						of[p] = map[string][]string{}
					}
					for _, number := range asLimits(name, v) {
						of[p][number] = append(of[p][number], x.ID+"."+name)
					}
				}
			}
		}
	}
	used := map[string]bool{}
	for _, p := range must[[]content.Policy](t)(content.Policies()) {
		for _, s := range must[[]content.PolicySection](t)(content.PolicyText(p.Ref)) {
			for _, number := range limits.FindAllString(s.Text, -1) {
				key := p.Ref + ", " + s.Heading + ", " + number
				if params := of[p.Ref][strings.TrimSuffix(number, "s")]; len(params) > 0 && sameNumber[key] == "" {
					t.Errorf("%s is also %v: make it a field", key, params)
				}
				used[key] = true
			}
		}
	}
	for key := range sameNumber {
		if !used[key] {
			t.Errorf("%s is no longer in the text", key)
		}
	}
}

// asLimits writes a parameter as texts would, without the plural.
func asLimits(name string, v any) []string {
	n := fmt.Sprint(v)
	switch {
	case strings.Contains(name, "business_days"):
		return []string{n + " business day"}
	case strings.HasSuffix(name, "days"):
		out := []string{n + " day", n + " business day"}
		if n == "365" {
			out = append(out, "12 month")
		}
		return out
	case strings.HasSuffix(name, "hours"):
		return []string{n + " hour"}
	case strings.HasSuffix(name, "minutes"):
		return []string{n + " minute"}
	case strings.HasSuffix(name, "percent"):
		return []string{n + "%"}
	}
	return nil
}
