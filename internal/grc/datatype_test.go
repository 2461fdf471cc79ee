// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"slices"
	"testing"

	"assay/content"
)

// Registers and resources speak of the same types of data, or a test could not ask for both.
func TestRegistersAndResourcesHaveTheSameTypesOfData(t *testing.T) {
	kinds, err := content.ResourceKinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		i := slices.IndexFunc(k.Attributes, func(a content.Attribute) bool { return a.Name == "data_types" })
		if i < 0 || !slices.Equal(k.Attributes[i].Values, DataType("").Values()) {
			t.Errorf("%s has not the types of data of the registers", k.Kind)
		}
	}
}
