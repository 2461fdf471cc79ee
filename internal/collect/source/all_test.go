// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"os"
	"strings"
	"testing"

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
