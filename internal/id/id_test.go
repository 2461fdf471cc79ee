// SPDX-License-Identifier: Apache-2.0

package id_test

import (
	"slices"
	"testing"
	"time"

	"assay/internal/id"
)

func TestIdentifiersSortByTimeAndNeverMeet(t *testing.T) {
	var s id.Source
	at := time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)
	var all []string
	seen := map[string]bool{}
	for range 2000 {
		at = at.Add(time.Millisecond)
		x := s.New("ctl", at)
		if !id.Valid("ctl", x) || len(x) != len("ctl_")+26 {
			t.Fatalf("%q is not an identifier", x)
		}
		all = append(all, x)
		seen[x] = true
		seen[s.New("ctl", at)] = true // in the same millisecond
	}
	if !slices.IsSorted(all) || len(seen) != 4000 {
		t.Errorf("sorted: %v, %d of 4000 differ", slices.IsSorted(all), len(seen))
	}
	far := s.New("ctl", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	if far < all[len(all)-1] {
		t.Error("the far future sorts before today")
	}
}

func TestAnOddIdentifierIsNone(t *testing.T) {
	for _, x := range []string{"", "ctl", "ctl_", "rsk_01", "ctl_A", "ctl_é", "ctl_a b", "ctl_a/b", "ctl_a\n"} {
		if id.Valid("ctl", x) {
			t.Errorf("%q passes", x)
		}
	}
	if len((id.Source{}).Token()) != 32 {
		t.Error("a token of another length than 160 bits")
	}
}
