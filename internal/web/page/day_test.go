// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// A day without a run says what decided, and never beside a letter that nothing did.
func TestADayWithoutARunSaysWhatDecided(t *testing.T) {
	for letter, want := range map[ui.Letter]string{
		ui.P: "No tests ran on this day. The result comes from evidence, policies and performances.",
		ui.F: "No tests ran on this day. The result comes from evidence, policies and performances.",
		ui.N: "nothing else gave a result",
	} {
		var out bytes.Buffer
		if err := page.Day(ui.Frame{}, page.DayView{Ref: "OWN-02", Day: now, Letter: letter}).Render(context.Background(), &out); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, want) || letter != ui.N && strings.Contains(got, "without data never") {
			t.Errorf("%s: it does not say %q", letter.Word(), want)
		}
	}
}
