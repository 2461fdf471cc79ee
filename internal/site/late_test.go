// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"testing"
	"time"

	"assay/internal/collect"
	"assay/internal/store"
)

// slowly lets the source of a firm take a while until it has given all.
func (f *firm) slowly(takes time.Duration) {
	f.wrong = func() (collect.Manifest, error) {
		f.clock.Move(takes)
		m := collect.Manifest{Complete: true, Counts: map[string]int{"idp.user": len(f.users)}}
		f.wrong = nil
		return m, nil
	}
}

func (f *firm) letters(t *testing.T, days int) string {
	t.Helper()
	out := ""
	for _, s := range f.test(t, "idp.mfa_all").Spans {
		for range s.Days {
			out += s.Letter
		}
	}
	return string([]rune(out)[:days])
}

// A collection that the server began before midnight and that ended after it belongs to the day on which it began.
func TestALateRunBelongsToTheDayOnWhichItsCollectionBegan(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.clock.Move(14*time.Hour + 30*time.Minute) // 23:30
		f.users = []collect.Resource{user("jo", true)}
		f.slowly(time.Hour)
		f.check(t)
		if got := f.letters(t, 2); got != "NP" {
			t.Errorf("begun at 23:30 and ended at 00:30: %s, want N today and P yesterday", got)
		}
		f.check(t)
		if got := f.letters(t, 2); got != "PP" {
			t.Errorf("and read again today: %s", got)
		}
	})
}

func TestALateRunNeverTakesAnFAway(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jo", false)}
		f.check(t)
		f.clock.Move(14*time.Hour + 30*time.Minute)
		f.users[0] = user("jo", true)
		f.slowly(time.Hour)
		f.check(t)
		if got := f.letters(t, 2); got != "NF" {
			t.Errorf("failed in the morning, and passed by a late run: %s, want the F to stay", got)
		}
	})
}

func TestARunThatEndsMoreThan48HoursAfterTheCloseCountsForNoDay(t *testing.T) {
	for name, x := range map[string]struct {
		takes time.Duration
		want  string
	}{
		"within 48 hours": {50*time.Hour + 29*time.Minute, "NNNP"},
		"after them":      {50*time.Hour + 31*time.Minute, "NNNN"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFirm(t, "")
			f.clock.Move(14*time.Hour + 30*time.Minute)
			f.users = []collect.Resource{user("jo", true)}
			f.slowly(x.takes)
			f.check(t)
			if got := f.letters(t, 4); got != x.want {
				t.Errorf("begun on the oldest day: %s, want %s", got, x.want)
			}
		})
	}
}

// A clock that is set back makes no run late: nothing is begun before what the ledger knows already.
func TestAClockSetBackMakesNoRunLate(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jo", true)}
		f.clock.Move(72 * time.Hour)
		f.check(t)
		before := f.letters(t, 4)
		f.clock.Move(-72 * time.Hour)
		f.users[0] = user("jo", false)
		if _, err := f.Works.ReadAll(t.Context(), f.org, store.System("source.run"), nil, nil); err != nil {
			t.Fatal(err)
		}
		f.check(t)
		f.clock.Move(72 * time.Hour)
		if got := f.letters(t, 4); got[1:] != before[1:] {
			t.Errorf("the days before were %s, and are %s after the clock was set back", before, got)
		}
	})
}
