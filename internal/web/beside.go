// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"

	"assay/internal/web/ui"
)

// beside are the lists that belong together: those of one place of the menu.
var beside = [][]struct{ path, text, op string }{
	{{"/monitoring", "Grid", "monitoring.grid"}, {"/criteria", "Criteria", "criterion.list"}},
	{{"/controls", "Controls", "control.list"}, {"/control-versions", "Changes", "control_version.list"}, {"/tests", "Tests", "test.list"}, {"/definitions", "Custom tests", "definition.list"}, {"/rule-files", "Rule files", "rule_file.list"},
		{"/test-pauses", "Pauses", "test_pause.list"}},
	{{"/policies", "Policies", "policy.list"}, {"/policy-fields", "Fields", "policy_field.list"}},
	{{"/sources", "Sources", "source.list"}, {"/resources", "Resources", "resource.list"}},
}

// tabs are the lists beside this one that this person may see. One alone is no choice.
func (q *ask) tabs(path string) []ui.Tab {
	for _, group := range beside {
		var out []ui.Tab
		here := false
		for _, t := range group {
			here = here || t.path == path
			if q.may(t.op) {
				out = append(out, ui.Tab{Text: t.text, Href: t.path, Current: t.path == path})
			}
		}
		if here && len(out) > 1 && slices.ContainsFunc(out, func(t ui.Tab) bool { return t.Current }) {
			return out
		}
	}
	return nil
}
