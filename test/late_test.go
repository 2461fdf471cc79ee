// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/store"
)

// What was approved, taken back or changed after data was collected changes nothing about that data, whenever the tests run on it:
// each story gives the same day, be the tests run at once or on the next morning.
func TestALateRunJudgesAsOfTheCollection(t *testing.T) {
	exception := func(s *spring, t *testing.T) string {
		in := map[string]any{"title": "Jo has no phone", "test": "idp.mfa_all", "resource": "jo", "reason": "A new phone is on its way", "expires_at": clock.Format(s.clock.Now().AddDate(0, 0, 30))}
		id := fmt.Sprint(s.do(t, "exception.create", in)["id"])
		s.agree(t, "exception.approve", map[string]any{"id": id})
		return id
	}
	pause := func(s *spring, t *testing.T) string {
		id := fmt.Sprint(s.do(t, "test_pause.create", map[string]any{"test": "idp.mfa_all", "reason": "The provider is replaced tomorrow", "ends_at": clock.Format(s.clock.Now().AddDate(0, 0, 6))})["id"])
		s.agree(t, "test_pause.approve", map[string]any{"id": id})
		return id
	}
	defined := func(text string) func(*spring, *testing.T, string) {
		return func(s *spring, t *testing.T, _ string) {
			id := fmt.Sprint(s.do(t, "definition.create", map[string]any{"title": "Another look", "reason": "We look at it otherwise.", "text": "tests:\n  - id: idp.mfa_all\n    " + text + "\n"})["id"])
			s.agree(t, "definition.approve", map[string]any{"id": id})
		}
	}
	for _, one := range []struct {
		what   string
		before func(*spring, *testing.T) string  // at 08:00
		after  func(*spring, *testing.T, string) // at 20:00, with the id of what was done before
		want   string                            // the letter of the day
	}{
		{"an exception that is approved afterwards", nil, func(s *spring, t *testing.T, _ string) { exception(s, t) }, "F"},
		{"an exception that is approved before", exception, nil, "X"},
		{"an exception that is revoked afterwards", exception, func(s *spring, t *testing.T, id string) {
			s.agree(t, "exception.revoke", map[string]any{"id": id, "revoke_reason": "The phone is there."})
		}, "X"},
		{"a pause that is approved afterwards", nil, func(s *spring, t *testing.T, _ string) { pause(s, t) }, "F"},
		{"a pause that is revoked afterwards", pause, func(s *spring, t *testing.T, id string) {
			s.agree(t, "test_pause.revoke", map[string]any{"id": id, "revoke_reason": "It stays for now."})
		}, "Z"},
		{"a test that is changed afterwards", nil, defined(`filter: 'status == "active" && email != "jo@spring.example.com"'`), "F"},
		{"a test that is switched off afterwards", nil, defined("enabled: false\n    reason: We do not need it."), "F"},
	} {
		for _, late := range []bool{false, true} {
			s := young(t)
			s.version(t, "OWN-01", map[string]any{"action": "activate"})
			s.run(t, true)
			s.at(1, 8)
			id := ""
			if one.before != nil {
				id = one.before(s, t)
			}
			s.at(1, 9)
			s.users = []collect.Resource{account("jo", false)}
			if _, err := s.app.Works.ReadAll(t.Context(), s.org, store.System("source.run"), nil, nil); err != nil {
				t.Fatal(err)
			}
			if !late {
				s.run(t, false)
			}
			if s.at(1, 20); one.after != nil {
				one.after(s, t, id)
			}
			s.at(2, 9).run(t, false)
			if got := string([]rune(s.since(t, "idp.mfa_all", time.Time{}))[1]); got != one.want {
				t.Errorf("%s, late %v: %s, want %s", one.what, late, got, one.want)
			}
		}
	}
}
