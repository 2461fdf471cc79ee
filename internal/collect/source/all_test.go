// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"assay/content"
	"assay/internal/collect"
	"assay/internal/collect/source"
)

func TestEveryConnectorHasANameOfItsOwnAndAPage(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range source.Connectors(nil) {
		if c.Name == "" || seen[c.Name] || c.New == nil {
			t.Errorf("connector %q: the name is missing or taken", c.Name)
		}
		seen[c.Name] = true
		page, err := os.ReadFile("../../../docs/sources/" + c.Name + ".md")
		if err != nil {
			t.Errorf("connector %s has no page: %v", c.Name, err)
		}
		if !strings.Contains(string(page), "(`"+c.Name+"`)") {
			t.Errorf("the page of %s does not name it", c.Name)
		}
	}
}

func TestAKindNamesAConnectorThatThereIs(t *testing.T) {
	kinds, err := content.ResourceKinds()
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, k := range kinds {
		if k.Connector == "" {
			continue
		}
		named++
		if !slices.ContainsFunc(source.Connectors(nil), func(c collect.Connector) bool { return c.Name == k.Connector }) {
			t.Errorf("%s: there is no connector %q", k.Kind, k.Connector)
		}
	}
	if named == 0 {
		t.Error("no kind names a connector")
	}
}
