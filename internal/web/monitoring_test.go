// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"assay/internal/report"
)

// A gap that fills the view may have begun before it, and the page of a past day does not speak of today.
func TestAGapAsLongAsTheViewIsAtLeastThat(t *testing.T) {
	said := func(g report.Grid) (out string) {
		for _, p := range gridAnswer(&g, "on 3 Mar 2026") {
			out += p.Text
		}
		return out
	}
	for _, x := range []struct {
		g    report.Grid
		want string
	}{
		{report.Grid{InScope: 33, NoProof: 5, Gap: 30, Days: 30}, "the oldest gap is at least 30 days."},
		{report.Grid{InScope: 33, NoProof: 5, Gap: 365, Days: 365}, "the oldest gap is at least 365 days."},
		{report.Grid{InScope: 33, NoProof: 5, Gap: 91, Days: 365}, "the oldest gap is 91 days."},
		{report.Grid{InScope: 33, NoProof: 5, Gap: 1, Days: 30}, "the oldest gap is 1 day."},
		{report.Grid{InScope: 33, Days: 30}, "are met on 3 Mar 2026."},
	} {
		if got := said(x.g); !strings.HasSuffix(got, x.want) {
			t.Errorf("%+v: %s", x.g, got)
		}
	}
}
