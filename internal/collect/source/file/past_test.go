// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/collect/source/file"
	"assay/internal/collect/source/sourcetest"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func lines(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func TestWhatAssayKeepsItselfIsRefusedByName(t *testing.T) {
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, name := range all.Names() {
		k, _ := all.Kind(name)
		_, err := file.New(file.Config{Kind: name, Format: "csv"}, all, lines("id\nx\n"))
		if k.Kept {
			kept++
			if err == nil || !strings.Contains(err.Error(), name+" cannot be imported") || strings.Contains(err.Error(), ", "+name+",") {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if kept != 3 {
		t.Errorf("%d kinds are kept, want policies, their versions and exceptions", kept)
	}
}

// Derived from all kinds: a past event in 2031 is refused by row and column with what to do; a time that may lie
// ahead is taken, and so is a past event of tomorrow morning, for clocks and zones differ.
func TestAPastEventInTheFutureIsRefusedByRowAndColumn(t *testing.T) {
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	tried := map[bool]int{}
	for _, name := range all.Names() {
		kind, _ := all.Kind(name)
		if kind.Kept {
			continue
		}
		for attr, a := range kind.Attrs {
			if a.Type != "time" && a.Type != "date" {
				continue
			}
			tried[a.Past]++
			for day, refused := range map[string]bool{"2031-06-01": a.Past, "2026-03-04": a.Past, "2026-03-03": false, "2025-01-01": false} {
				row, _ := json.Marshal(map[string]any{"id": "k", attr: day})
				s, err := file.New(file.Config{Kind: name, Format: "jsonl"}, all, lines(`{"id":"first"}`+"\n"+string(row)))
				if err != nil {
					t.Fatal(err)
				}
				got := sourcetest.Take(t.Context(), s.At(clock.NewFake(noon)))
				want := fmt.Sprintf("row 2, column %s: %q is in the future, and %s is when something happened. Correct the date", attr, day, attr)
				if refused != (got.Err != nil) || refused && (!strings.Contains(got.Err.Error(), want) || len(got.Pages) > 0) {
					t.Errorf("%s.%s = %s: %v", name, attr, day, got.Err)
				}
			}
		}
	}
	if tried[true] < 40 || tried[false] < 10 {
		t.Errorf("tried %v", tried)
	}
}

func TestNoFileSaysThatItIsNotImported(t *testing.T) {
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	s, err := file.New(file.Config{Kind: "internal.vendor", Format: "csv"}, all, lines("id,imported\nv1,false\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := sourcetest.Take(t.Context(), s)
	if got.Err != nil || len(got.Resources()[0].Attrs) != 0 {
		t.Errorf("%v, %v", got.Err, got.Resources())
	}
}
