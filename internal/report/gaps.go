// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"

	"assay/internal/check"
	"assay/internal/collect"
)

// Gap is what would answer some of the tests that have no data.
type Gap struct {
	Key       string   `json:"key" doc:"connect, record or values: connect a system, record or import what you keep, or complete what a source supplies."`
	Text      string   `json:"text" doc:"What would answer them, and how many tests it would."`
	How       string   `json:"how" doc:"How to do it."`
	Connector string   `json:"connector,omitempty" doc:"The connector to use."`
	Kinds     []string `json:"kinds" doc:"Resource kinds that are missing."`
	Tests     []string `json:"tests" doc:"The tests."`

	heading, about string
}

// supply notes which kinds are supplied now, as the tests see it.
func (b *Board) supply(newest, complete map[string]collect.Run) error {
	b.supplied = map[string]bool{}
	for id, run := range newest {
		kinds, err := collect.Supplies(run, complete[id])
		if err != nil {
			return err
		}
		for _, k := range kinds {
			b.supplied[k] = true
		}
	}
	return nil
}

// gap says what would answer a test, or nil where it has an answer or never ran.
func (b *Board) gap(t *TestLine) *Gap {
	if t == nil || t.Rule == nil || !t.Known || t.State.Verdict != check.WordOf(check.VerdictUnknown) || b.supplied == nil {
		return nil
	}
	need, lacking := t.Rule.Need(func(kind string) bool { return b.supplied[kind] })
	switch {
	case t.State.Evaluated > 0 || !lacking:
		return &Gap{Key: "values", Kinds: []string{t.Rule.Def.Kind}, heading: "Data incomplete", about: t.Rule.Subject()}
	case need.About != "":
		return &Gap{Key: "record", Connector: "file", Kinds: need.Kinds, heading: need.Do(), about: need.About}
	}
	return &Gap{Key: "connect", Connector: cmp.Or(need.Connector, "file"), Kinds: need.Kinds, heading: need.Do()}
}

// gaps groups tests by what would answer them: what answers most comes first, and values that a source left out last.
func (b *Board) gaps(tests []string) []Gap {
	by := map[string]*Gap{}
	for _, id := range tests {
		g := b.gap(b.Tests[id])
		if g == nil {
			continue
		}
		key := g.Key + "|" + g.Connector + "|" + g.heading + "|" + g.about
		if by[key] == nil {
			by[key] = g
		}
		by[key].add(id, g.Kinds)
	}
	out := make([]Gap, 0, len(by))
	for _, g := range by {
		g.tell()
		out = append(out, *g)
	}
	slices.SortFunc(out, func(x, y Gap) int {
		return cmp.Or(cmp.Compare(x.rank(), y.rank()), cmp.Compare(len(y.Tests), len(x.Tests)), cmp.Compare(x.Text, y.Text))
	})
	return out
}

// gapOf is the group that a test is in, with how it is done for this test; nil where it has an answer.
func (b *Board) gapOf(test string) *Gap {
	all := b.gaps(sortedTests(b))
	i := slices.IndexFunc(all, func(g Gap) bool { return slices.Contains(g.Tests, test) })
	if i < 0 {
		return nil
	}
	g := all[i]
	g.Kinds = b.gap(b.Tests[test]).Kinds
	g.tell()
	return &g
}

func (g Gap) rank() int {
	if g.Key == "values" {
		return 1
	}
	return 0
}

func (g *Gap) add(test string, kinds []string) {
	g.Tests = append(g.Tests, test)
	for _, k := range kinds {
		if !slices.Contains(g.Kinds, k) {
			g.Kinds = append(g.Kinds, k)
		}
	}
	slices.Sort(g.Kinds)
}

// tell writes the texts, once all tests are in.
func (g *Gap) tell() {
	g.Text = g.heading + ": " + count(len(g.Tests), "test", "tests")
	if g.about != "" {
		g.Text += " about " + g.about
	}
	switch {
	case g.Key == "values":
		g.How = "Each test names the value that is missing, and why."
	case g.Key == "record":
		g.How = "Import a list as " + check.OneOf(g.Kinds) + ": assay source import --file FILE --kind " + g.Kinds[0] + ". The results say that it is imported."
	case g.Connector == "file":
		g.How = "Import an export as " + check.OneOf(g.Kinds) + ": assay source import --file FILE --kind " + g.Kinds[0] + ". Without --kind it names the presets that fit."
	default:
		g.How = "Add a source with the connector " + g.Connector + "; assay connector list shows its fields."
	}
}

// imported names the kinds that a test reads and that were imported.
func (b *Board) imported(t *TestLine) ([]string, error) {
	if t.Rule == nil {
		return nil, nil
	}
	var out []string
	for _, k := range t.Rule.Kinds() {
		yes, err := collect.Imported(k)
		if err != nil {
			return nil, err
		}
		if yes && b.supplied[k] {
			out = append(out, k)
		}
	}
	return out, nil
}
