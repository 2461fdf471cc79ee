// SPDX-License-Identifier: Apache-2.0

package web

import (
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// gap is a group of tests without data as pages show it, with the form in which its source is added.
func (q *ask) gap(g report.Gap) page.Gap {
	out := page.Gap{Text: g.Text, How: g.How}
	for _, t := range g.Tests {
		out.Tests = append(out.Tests, ui.Link{Text: t, Href: "/tests/" + seg(t)})
	}
	if g.Connector == "" || !q.mayChange("source.create") {
		return out
	}
	out.Act = ui.Link{Text: "Connect", Href: "/sources/new" + query("connector", g.Connector)}
	if g.Connector == fileConnector {
		out.Act = ui.Link{Text: "Import", Href: "/sources/import" + query("kind", g.Kinds[0])}
	}
	return out
}

func (q *ask) gaps(all []report.Gap) []page.Gap {
	var out []page.Gap
	for _, g := range all {
		out = append(out, q.gap(g))
	}
	return out
}
