// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"testing"
	"time"

	"assay/internal/clock"
	"pgregory.net/rapid"
)

func TestATimeIsWrittenAsTheLayoutSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(-80_000_000_000_000, 260_000_000_000_000).Draw(t, "ms")).UTC()
		if got, want := string(appendTime(nil, at)), at.Format(clock.Layout); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}
