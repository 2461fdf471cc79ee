// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// listed are the changes about a subject, oldest first: what was done, from when until when.
func (s *spring) listed(t *testing.T, subject string) (out []string) {
	t.Helper()
	m := s.must(t, s.full(s.org), s.h.Set.Find("changes.list"), map[string]any{"subject": subject, "limit": 100})
	for _, x := range m["data"].([]any) {
		c := x.(map[string]any)
		out = append(out, fmt.Sprint(c["what"], " ", c["from"], " ", c["until"]))
	}
	slices.Reverse(out)
	return out
}

// opened are the edits that the page of a day names, oldest first; mark is what the strip says of the day.
func (s *spring) opened(t *testing.T, subject, day string) (edits []string, mark string) {
	t.Helper()
	m := s.must(t, s.full(s.org), s.h.Set.Find("monitoring.day"), map[string]any{"subject": subject, "day": day})
	for _, x := range m["overrides"].([]any) {
		edits = append(edits, fmt.Sprint(x.(map[string]any)["what"]))
	}
	slices.Reverse(edits)
	var spans any
	switch {
	case strings.HasPrefix(subject, "CC"):
		for _, x := range s.must(t, s.full(s.org), s.h.Set.Find("monitoring.grid"), map[string]any{"days": 60})["rows"].([]any) {
			if r := x.(map[string]any); r["ref"] == subject {
				spans = r["spans"]
			}
		}
	case strings.Contains(subject, "."):
		spans = s.must(t, s.full(s.org), s.h.Set.Find("test.get"), map[string]any{"id": subject})["spans"]
	default:
		spans = s.of(t, subject)["row"].(map[string]any)["spans"]
	}
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	back := int(s.clock.Now().Truncate(24*time.Hour).Sub(at).Hours() / 24)
	for _, x := range spans.([]any) {
		span := x.(map[string]any)
		if back -= int(span["days"].(float64)); back < 0 {
			return edits, fmt.Sprint(span["mark"])
		}
	}
	return edits, "no such day"
}

func onDay(s *spring, month time.Month, day, hour int) {
	s.clock.Set(time.Date(2026, month, day, hour, 0, 0, 0, time.UTC))
}

// What one person changes in the calendar at night and takes back in the morning is told, with its times, on the organisation, on the
// days of both edits and on those that they touch.
func TestAnEditOfTheCalendarMarksItsDayAndThoseThatItTouches(t *testing.T) {
	holidays := func(days ...string) func(*spring, *testing.T) {
		return func(s *spring, t *testing.T) {
			s.do(t, "organization.update", map[string]any{"id": s.org, "holidays": append([]string{}, days...)})
		}
	}
	zone := func(name string) func(*spring, *testing.T) {
		return func(s *spring, t *testing.T) {
			s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": name})
		}
	}
	start := func(on string) func(*spring, *testing.T) {
		return func(s *spring, t *testing.T) { s.scope(t, map[string]any{"programme_start": on}) }
	}
	for _, one := range []struct {
		setting, what, mark string
		there, back         func(*spring, *testing.T)
		touched             []string
	}{
		{"holidays", "Holidays changed", "holidays changed", holidays("2026-03-16", "2026-03-09"), holidays(), []string{"2026-03-09", "2026-03-16"}},
		{"timezone", "Time zone changed", "time zone changed", zone("America/New_York"), zone("UTC"), nil},
		{"programme_start", "Programme start changed", "programme start changed", start("2026-03-11"), start("2026-03-09"), []string{"2026-03-09", "2026-03-10"}},
	} {
		s := young(t)
		s.own(t, "OWN-09", map[string]any{"criteria": []string{"CC1.4"}, "frequency": "daily", "evidence": asked("daily", 0, true)})
		s.version(t, "OWN-09", map[string]any{"action": "activate"})
		s.run(t, true)
		onDay(s, 3, 11, 23)
		one.there(s, t)
		onDay(s, 3, 12, 1)
		one.back(s, t)
		onDay(s, 3, 18, 12)
		s.run(t, true)
		want := []string{one.what + " 2026-03-11T23:00:00Z 2026-03-12T01:00:00Z", one.what + " 2026-03-12T01:00:00Z <nil>"}
		if got := s.listed(t, one.setting); !slices.Equal(got, want) {
			t.Errorf("%s: listed %q, want %q", one.setting, got, want)
		}
		for _, subject := range []string{"OWN-09", "CC1.4", "idp.mfa_all"} {
			for _, on := range append([]string{"2026-03-11", "2026-03-12"}, one.touched...) {
				edits, mark := s.opened(t, subject, on)
				if !slices.Contains(edits, one.what) || !strings.Contains(mark, one.mark) {
					t.Errorf("%s of %s on %s: the day names %q, and the strip says %q", one.setting, subject, on, edits, mark)
				}
			}
			edits, mark := s.opened(t, subject, "2026-03-14")
			if slices.Contains(edits, one.what) || strings.Contains(mark, one.mark) {
				t.Errorf("%s of %s on a day that it does not touch: %q, %q", one.setting, subject, edits, mark)
			}
		}
	}
}

// A control that does not count for a few hours says so: both edits stand in the list and on their days.
func TestAControlTakenOutForHoursNamesBothEdits(t *testing.T) {
	for what, hours := range map[string][2]time.Time{
		"over midnight":  {time.Date(2026, 3, 10, 22, 0, 0, 0, time.UTC), time.Date(2026, 3, 11, 8, 0, 0, 0, time.UTC)},
		"within one day": {time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)},
	} {
		s := young(t)
		for _, ref := range []string{"OWN-10", "OWN-11"} {
			s.own(t, ref, map[string]any{"criteria": []string{"CC1.4"}, "frequency": "monthly", "evidence": asked("monthly", 0, true)})
			s.version(t, ref, map[string]any{"action": "activate"})
			s.proof(t, ref, "report", nil)
			s.clock.Move(time.Minute)
		}
		s.clock.Set(hours[0])
		s.version(t, "OWN-10", map[string]any{"action": "retire"})
		decision := s.decide(t, "OWN-11", nil)
		s.clock.Set(hours[1])
		s.version(t, "OWN-10", map[string]any{"action": "activate"})
		s.agree(t, "decision.revoke", map[string]any{"id": decision, "revoke_reason": "It does apply."})
		onDay(s, 3, 15, 12)
		from, until := hours[0].Format(time.RFC3339), hours[1].Format(time.RFC3339)
		if got := s.listed(t, "OWN-10"); !slices.Equal(got[1:], []string{"Control retired " + from + " " + until, "Control activated " + until + " <nil>"}) {
			t.Errorf("%s: of the control %q", what, got)
		}
		if got := s.listed(t, "OWN-11"); !slices.Equal(got[1:], []string{"Not applicable " + from + " " + until}) {
			t.Errorf("%s: of the decision %q", what, got)
		}
		first, last := hours[0].Format(time.DateOnly), hours[1].Format(time.DateOnly)
		for _, x := range []struct{ ref, day, edit, mark string }{
			{"OWN-10", first, "Control retired", "retired"}, {"OWN-10", last, "Control activated", "activated"},
			{"OWN-11", first, "Not applicable", "not applicable"}, {"OWN-11", last, "Not applicable", "not applicable"},
			{"CC1.4", first, "Control retired", ""}, {"CC1.4", last, "Control activated", ""},
		} {
			edits, mark := s.opened(t, x.ref, x.day)
			if !slices.Contains(edits, x.edit) || !strings.Contains(mark, x.mark) {
				t.Errorf("%s: %s on %s: the day names %q, want %q; the strip says %q, want %q", what, x.ref, x.day, edits, x.edit, mark, x.mark)
			}
		}
	}
}

func TestATaskIsOverdueWhenItsDayIsOverWhereTheOrganisationIs(t *testing.T) {
	for zone, over := range map[string]time.Time{"America/Los_Angeles": time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC), "UTC": time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC), "Pacific/Auckland": time.Date(2026, 3, 10, 11, 0, 0, 0, time.UTC)} {
		s := young(t)
		s.own(t, "OWN-08", map[string]any{"tests": required("idp.mfa_all"), "owner": s.full(s.org).Person})
		s.version(t, "OWN-08", map[string]any{"action": "activate"})
		s.do(t, "organization.update", map[string]any{"id": s.org, "timezone": zone})
		s.at(2, 18)
		s.do(t, "task.create", map[string]any{"title": "Do something", "kind": "gap", "subject": s.ids["OWN-08"], "due_on": "2026-03-10"})
		for _, x := range []struct {
			at   time.Time
			late bool
		}{{over.Add(-time.Minute), false}, {over, true}} {
			s.clock.Set(x.at)
			s.run(t, true)
			if got := strings.Contains(fmt.Sprint(s.of(t, "OWN-08")["causes"]), "1 task is overdue"); got != x.late {
				t.Errorf("%s at %s: overdue %v", zone, x.at, got)
			}
		}
	}
}
