// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"encoding/json"
	"strings"
	"testing"

	"assay/content"
	"assay/internal/collect/source/file"
	"assay/internal/collect/source/schema"
	"assay/internal/collect/source/sourcetest"
)

// comparisons are what the notes say of the samples of lists that are only compared.
var comparisons = map[string][]string{
	"vanta-controls":  {"2 rows, 1 with SOC 2 criteria", "CC6.1: CRY-104 in the file; ", "CC6.7: CRY-104 in the file; ", "by hand: X-1"},
	"vanta-documents": {"CC6.2: Access requests in the file; "},
	"vanta-policies":  {"Access Control Policy: template POL-04 has the same title", "Office Dog Policy"},
	"drata-controls":  {"CC6.1: DCF-71 in the file; ", "CC6.2: DCF-71", "by hand: DCF-9"},
	"drata-evidence":  {"CC4.1: Penetration test in the file; "},
	"drata-policies":  {"Information Security Policy: template POL-01"},
}

func TestAListOfAnotherPlatformIsComparedAndNeverImported(t *testing.T) {
	presets, err := content.Presets()
	if err != nil {
		t.Fatal(err)
	}
	c := file.Connector(func() (schema.Schema, error) { return declared() })
	for _, p := range presets {
		if p.Compare == "" {
			continue
		}
		want, ok := comparisons[p.ID]
		if !ok || p.Kind != "" || p.Doc == "" {
			t.Errorf("%s has no example, or is imported too", p.ID)
		}
		for _, format := range p.Formats {
			raw, err := json.Marshal(map[string]any{"preset": p.ID, "format": format})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Over(raw, "x", lines("")); err != nil {
				t.Errorf("%s as %s: %v", p.ID, format, err)
			}
		}
		format, text := sample(t, p.ID)
		raw, _ := json.Marshal(map[string]any{"preset": p.ID, "format": format})
		s, err := c.Over(raw, "x", lines(text))
		if err != nil {
			t.Fatal(err)
		}
		got := sourcetest.Take(t.Context(), s)
		if got.Err == nil || !strings.Contains(got.Err.Error(), "not imported") || got.Manifest.Complete || len(got.Resources()) > 0 || len(s.Describe().Kinds) > 0 {
			t.Errorf("%s: %v %+v", p.ID, got.Err, got.Manifest)
		}
		notes := strings.Join(got.Manifest.Notes, " ")
		for _, w := range want {
			if !strings.Contains(notes, w) || strings.Contains(notes, "; none in Assay") {
				t.Errorf("%s: the notes do not say %q: %s", p.ID, w, notes)
			}
		}
		if s, err = c.Over(raw, "x", lines("Other\n1\n")); err != nil || sourcetest.Take(t.Context(), s).Err == nil {
			t.Errorf("%s reads any file", p.ID)
		}
	}
	if _, err := c.Over(json.RawMessage(`{"preset":"vanta-controls","kind":"device"}`), "x.json", lines("")); err == nil {
		t.Error("it has a kind all the same")
	}
}
