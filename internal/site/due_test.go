// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"slices"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
)

// scheduled does what is due, as the server does every few minutes, and names the tests that were run.
func (f *firm) scheduled(t *testing.T) []string {
	t.Helper()
	c, did, err := f.Works.Scheduled(t.Context(), f.org, store.System("check.run"))
	if err != nil {
		t.Fatal(err)
	}
	if !did {
		return nil
	}
	var names []string
	f.view(t, func(v *store.View) error {
		plans, err := check.Plans.Select(t.Context(), v, "scope=$3", "", c.Check.Scope)
		for _, p := range plans {
			for name := range p.Names() {
				names = append(names, name)
			}
		}
		return err
	})
	return names
}

func (f *firm) view(t *testing.T, do func(v *store.View) error) {
	t.Helper()
	if err := f.DB.View(t.Context(), f.org, time.Time{}, store.System("test"), do); err != nil {
		t.Fatal(err)
	}
}

func TestADueTestIsRunByItsIntervalAndTheOthersAreNot(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jo", true)}
		if ran := f.scheduled(t); len(ran) < 100 {
			t.Fatalf("the first time ran %d tests, want all", len(ran))
		}
		for _, step := range []struct {
			wait time.Duration
			want []string
		}{{5 * time.Minute, nil}, {54 * time.Minute, nil}, {time.Minute, []string{"exception.live"}}, {5 * time.Minute, nil}, {time.Hour, []string{"exception.live"}}} {
			f.clock.Move(step.wait)
			if ran := f.scheduled(t); !slices.Equal(ran, step.want) {
				t.Errorf("after %s more ran %v, want %v", step.wait, ran, step.want)
			}
		}
		if d := f.test(t, "idp.mfa_all"); d.State != "pass" || d.Spans[0].Letter != "P" {
			t.Errorf("a test that was not due: %s %s", d.State, d.Spans[0].Letter)
		}
		f.clock.Move(24 * time.Hour)
		if ran := f.scheduled(t); len(ran) < 100 {
			t.Errorf("a new day ran %d tests, want all", len(ran))
		}
	})
}

func TestASourceThatIsReadMoreOftenRunsTheTestsThatLookAtIt(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{user("jo", true)}
	f.scheduled(t)
	f.every(t, 6)
	f.users[0] = user("jo", false)
	f.clock.Move(6 * time.Hour)
	ran := f.scheduled(t)
	if !slices.Contains(ran, "idp.mfa_all") || slices.Contains(ran, "policy.current") || slices.Contains(ran, "cloud.user_mfa") {
		t.Errorf("ran %v", ran)
	}
	if d := f.test(t, "idp.mfa_all"); d.State != "fail" {
		t.Errorf("new data was read: %s", d.State)
	}
}

// every sets how often the source of a firm is read.
func (f *firm) every(t *testing.T, hours int64) {
	t.Helper()
	_, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error {
		all, err := store.All(t.Context(), &tx.View, collect.Sources, map[string]any{"connector": "fixed"})
		for _, s := range all {
			s.IntervalHours = hours
			err = store.Put(t.Context(), tx, collect.Sources, s)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A log source that was alive when it was looked at is not silent because nobody looked since.
func TestAnHourlyTestIsNotJudgedByOldData(t *testing.T) {
	f := newFirm(t, "")
	f.kinds = []string{"siem.source"}
	live := func() {
		f.users = []collect.Resource{{Kind: "siem.source", Key: "web", Name: "web", Attrs: map[string]any{"kind": "log", "required": true,
			"last_event_at": clock.Format(f.clock.Now()), "expected_interval_minutes": int64(60)}}}
	}
	live()
	f.scheduled(t)
	f.clock.Move(3 * time.Hour)
	if ran := f.scheduled(t); !slices.Equal(ran, []string{"exception.live"}) {
		t.Errorf("three hours after the source was read ran %v", ran)
	}
	f.every(t, 1)
	live()
	if ran := f.scheduled(t); !slices.Contains(ran, "siem.sources_live") || f.test(t, "siem.sources_live").State != "pass" {
		t.Errorf("read again: %v %s", ran, f.test(t, "siem.sources_live").State)
	}
}

// excepts puts an approved exception in force, for a while from now on.
func (f *firm) excepts(t *testing.T, test, resource string, lasts time.Duration) {
	t.Helper()
	_, err := f.DB.Change(t.Context(), f.org, store.System("test"), func(tx *store.Tx) error {
		return store.Put(t.Context(), tx, grc.Exceptions, &grc.Exception{Title: "For a while", Test: test, Resource: resource, Reason: "There is a reason for it.", Severity: "medium",
			State: "approved", ApprovedAt: tx.Now, StartsAt: tx.Now, ExpiresAt: tx.Now.Add(lasts)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnEndedExceptionFailsOnlyIfWhatItCoveredStillFails(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{user("jo", false), user("kim", false)}
	f.check(t)
	f.excepts(t, "idp.mfa_all", "jo", 30*time.Minute)
	f.excepts(t, "idp.mfa_all", "kim", 30*time.Minute)
	f.check(t)
	if d := f.test(t, "exception.live"); d.State != "pass" {
		t.Errorf("both run: %s %s", d.State, d.Reason)
	}
	f.users[0] = user("jo", true)
	f.clock.Move(time.Hour)
	f.check(t)
	list, err := op.Do[*report.ResultPage](t.Context(), f.Gate, f.me, "test.results", map[string]any{"id": "exception.live"}, time.Time{})
	if d := f.test(t, "exception.live"); err != nil || d.State != "fail" || d.Failed != 1 || d.Passed != 1 || d.Spans[0].Letter != "F" {
		t.Errorf("ended, one put right: %s %s %v %v", d.State, d.Reason, list, err)
	}
	f.users[1] = user("kim", true)
	f.check(t)
	f.check(t)
	if d := f.test(t, "exception.live"); d.State != "pass" {
		t.Errorf("ended and both put right: %s %s", d.State, d.Reason)
	}
}
