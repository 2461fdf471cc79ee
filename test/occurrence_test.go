// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/report"
)

// review makes a control in force from the first day, 6 March 2026, which a report performs, both as often.
func review(t *testing.T, s *spring, ref, frequency string, grace int) {
	t.Helper()
	s.own(t, ref, map[string]any{"frequency": frequency, "grace_days": grace, "evidence": asked(frequency, 0, true)})
	s.version(t, ref, map[string]any{"action": "activate"})
}

// on sets the clock.
func (s *spring) on(month time.Month, day, hour int) {
	s.clock.Set(time.Date(2026, month, day, hour, 0, 0, 0, time.UTC))
}

// sent uploads and submits a report that nobody has reviewed.
func (s *spring) sent(t *testing.T, ref string, more map[string]any) string {
	t.Helper()
	info, err := s.h.Gate.Upload(t.Context(), s.author(s.org), strings.NewReader("sent "+s.clock.Now().String()+fmt.Sprint(more)))
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]any{"title": "A report", "type": "report", "control": s.ids[ref], "evidence_key": "report", "file": info.SHA256, "file_name": "report.txt"}
	for k, v := range more {
		in[k] = v
	}
	id := fmt.Sprint(s.do(t, "evidence.create", in)["id"])
	s.do(t, "evidence.submit", map[string]any{"id": id})
	return id
}

func (s *spring) accepted(t *testing.T, id string) {
	t.Helper()
	s.agree(t, "evidence.accept", map[string]any{"id": id})
}

// stands are the occurrences of a control that were due, oldest first, as "from state".
func (s *spring) stands(t *testing.T, ref string) string {
	t.Helper()
	var out []string
	for _, o := range s.status(t, ref, 90).Occurrences {
		if o.State != report.OccurrenceExpected {
			out = append([]string{string(o.From) + " " + o.State}, out...)
		}
	}
	return strings.Join(out, ", ")
}

// last are the letters of the last days, oldest first.
func (s *spring) last(t *testing.T, ref string, last int) string {
	t.Helper()
	all := []rune(s.since(t, ref, time.Time{}))
	return string(all[max(0, len(all)-last):])
}

func (s *spring) stood(t *testing.T, ref, want, when string) {
	t.Helper()
	if got := s.stands(t, ref); got != want {
		t.Errorf("%s: %s has %q, want %q", when, ref, got, want)
	}
}

func TestOnePieceCountsForOneWindowWhateverIsEdited(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "quarterly", 15)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(6, 1, 9)
	s.version(t, "OWN-60", map[string]any{"weight": 2})
	s.on(7, 10, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(10, 20, 9)
	s.stood(t, "OWN-60", "2026-04-01 done, 2026-07-01 missed", "one review on 10 July")
	if got := s.last(t, "OWN-60", 6); got != "PFFFFF" {
		t.Errorf("overdue from 16 October: %s", got)
	}
}

func TestAReviewChangesNoDayThatIsOver(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 3)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(4, 29, 9)
	a := s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-04-01", "covers_to": "2026-04-28"})
	s.on(5, 6, 9)
	b := s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-04-01", "covers_to": "2026-04-30"})
	s.on(5, 12, 9)
	before := s.last(t, "OWN-60", 9)
	if before != "NNNNNNNNN" {
		t.Errorf("in time, and not reviewed: %s", before)
	}
	s.accepted(t, b)
	if got := s.last(t, "OWN-60", 9); got[:8] != before[:8] {
		t.Errorf("accepting the later piece made %s of %s", got, before)
	}
	s.stood(t, "OWN-60", "2026-04-01 late", "the later piece was accepted")
	s.accepted(t, a)
	s.stood(t, "OWN-60", "2026-04-01 done", "the piece that was in time was accepted too")
	if got := s.last(t, "OWN-60", 9); got[:8] != before[:8] {
		t.Errorf("accepting both made %s of %s", got, before)
	}
}

func TestACorrectedPieceTakesThePlaceOfTheOneThatIsWithdrawn(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 0)
	s.on(4, 27, 9)
	a := s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-04-01", "covers_to": "2026-04-26"})
	s.accepted(t, a)
	s.on(4, 29, 9)
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-04-01", "covers_to": "2026-04-29"}))
	s.agree(t, "evidence.withdraw", map[string]any{"id": a, "reason": "The list was of another team"})
	s.on(5, 3, 9)
	s.stood(t, "OWN-60", "2026-04-01 done", "corrected in time")
	if got := s.last(t, "OWN-60", 4); got != "PPPP" {
		t.Errorf("corrected in time: %s", got)
	}
}

func TestEvidenceThatWasAcceptedForADraftStartsTheControl(t *testing.T) {
	s := young(t)
	s.own(t, "OWN-60", map[string]any{"frequency": "monthly", "evidence": asked("monthly", 0, true)})
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(3, 10, 9)
	s.version(t, "OWN-60", map[string]any{"action": "activate"})
	s.on(3, 14, 9)
	if got := s.last(t, "OWN-60", 5); got != "PPPPP" {
		t.Errorf("proved before it was in force: %s", got)
	}
	s.on(5, 4, 9)
	if got := s.last(t, "OWN-60", 5); got != "PFFFF" {
		t.Errorf("April was missed: %s", got)
	}
}

func TestEvidenceThatDoesNotCountPerformsNothing(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 3)
	s.own(t, "OWN-61", map[string]any{"frequency": "monthly", "grace_days": 3, "evidence": []any{map[string]any{"key": "report", "title": "Report", "type": "population", "frequency": "monthly", "required": true}}})
	s.version(t, "OWN-61", map[string]any{"action": "activate"})
	april := map[string]any{"covers_from": "2026-04-01", "covers_to": "2026-04-30"}
	with := func(more map[string]any) map[string]any {
		for k, v := range april {
			more[k] = v
		}
		return more
	}
	s.on(5, 2, 9)
	s.accepted(t, s.sent(t, "OWN-60", with(map[string]any{"taken_at": "2024-01-01T00:00:00Z"})))
	s.accepted(t, s.sent(t, "OWN-61", with(map[string]any{"type": "population", "row_count": 12, "taken_at": "2026-04-10T00:00:00Z"})))
	s.on(5, 5, 9)
	s.stood(t, "OWN-60", "2026-04-01 missed", "taken before the days that it covers")
	s.stood(t, "OWN-61", "2026-04-01 missed", "a list that was taken before the month was over")
}

func TestWhatWasDeletedAwaitsNoReview(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 3)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(5, 2, 9)
	id := s.sent(t, "OWN-60", nil)
	s.on(5, 6, 9)
	s.stood(t, "OWN-60", "2026-04-01 awaiting", "submitted in time")
	s.do(t, "evidence.end", map[string]any{"id": id})
	s.stood(t, "OWN-60", "2026-04-01 missed", "and deleted")
	s.on(5, 9, 9)
	if got := s.last(t, "OWN-60", 7); got != "PNNFFFF" {
		t.Errorf("deleted on 6 May: %s", got)
	}
}

// What holds for a moment takes no performance away: each edit is made in the evening on which April is due, and taken back.
func TestAnEditForAnHourTakesNoPerformanceAway(t *testing.T) {
	scope := func(s *spring, start string) { s.scope(t, map[string]any{"programme_start": start}) }
	for _, x := range []struct {
		name       string
		month      time.Month
		day        int
		edit, back func(*spring)
	}{
		{"nothing", 5, 3, func(*spring) {}, func(*spring) {}},
		{"retired", 5, 3, func(s *spring) { s.version(t, "OWN-60", map[string]any{"action": "retire"}) }, func(s *spring) { s.version(t, "OWN-60", map[string]any{"action": "activate"}) }},
		{"not applicable on that day", 5, 3, func(s *spring) {
			s.decide(t, "OWN-60", map[string]any{"from_day": "2026-05-03", "to_day": "2026-05-03"})
		}, func(*spring) {}},
		{"the programme begins later", 5, 3, func(s *spring) { scope(s, "2026-05-01") }, func(s *spring) { scope(s, "2026-03-01") }},
		{"another frequency when it begins", 3, 31, func(s *spring) { s.version(t, "OWN-60", map[string]any{"frequency": "continuous"}) }, func(s *spring) { s.version(t, "OWN-60", map[string]any{"frequency": "monthly"}) }},
		{"another frequency when it is due", 5, 3, func(s *spring) { s.version(t, "OWN-60", map[string]any{"frequency": "continuous"}) }, func(s *spring) { s.version(t, "OWN-60", map[string]any{"frequency": "monthly"}) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := young(t)
			review(t, s, "OWN-60", "monthly", 3)
			s.on(3, 30, 9)
			s.accepted(t, s.sent(t, "OWN-60", nil))
			s.on(x.month, x.day, 23)
			x.edit(s)
			s.clock.Move(2 * time.Hour)
			x.back(s)
			s.on(5, 8, 9)
			s.stood(t, "OWN-60", "2026-04-01 missed", x.name)
			if got := s.last(t, "OWN-60", 4); got != "FFFF" {
				t.Errorf("%s: %s", x.name, got)
			}
		})
	}
}

func TestAHolidayCountsOnlyWhereItWasSetBeforeItsDayBegan(t *testing.T) {
	s := young(t)
	s.own(t, "OWN-60", map[string]any{"frequency": "daily", "evidence": asked("daily", 30, true)})
	s.version(t, "OWN-60", map[string]any{"action": "activate"})
	holidays := func(days ...string) { s.do(t, "organization.update", map[string]any{"id": s.org, "holidays": days}) }
	s.on(3, 9, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	holidays("2026-03-11")
	s.on(3, 10, 23)
	holidays("2026-03-10", "2026-03-11")
	s.clock.Move(2 * time.Hour)
	holidays("2026-03-11")
	s.on(3, 12, 9)
	s.stood(t, "OWN-60", "2026-03-06 missed, 2026-03-09 done, 2026-03-10 missed", "a holiday of an hour, and one that was set in time")
}

func TestAwaitingIsNotForgottenOnTheLastDay(t *testing.T) {
	s := young(t)
	s.own(t, "OWN-60", map[string]any{"frequency": "daily", "evidence": asked("daily", 38, true)})
	s.version(t, "OWN-60", map[string]any{"action": "activate"})
	s.on(3, 9, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	for day := 10; day <= 13; day++ {
		s.on(3, day, 9)
		s.sent(t, "OWN-60", nil) // nobody looks at it
	}
	s.on(3, 14, 9)
	if got := s.last(t, "OWN-60", 4); got != "NNNN" {
		t.Errorf("nobody has reviewed anything since the 9th: %s", got)
	}
}

func TestAWaivedPerformanceIsAnExceptionAndNoFailure(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 0)
	s.on(5, 20, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(6, 20, 9)
	id := fmt.Sprint(s.do(t, "exception.create", map[string]any{"title": "No review in June", "reason": "The team was at the move of the office", "control": s.ids["OWN-60"], "expires_at": "2026-07-20T00:00:00Z"})["id"])
	s.agree(t, "exception.approve", map[string]any{"id": id})
	s.on(7, 3, 9)
	s.stood(t, "OWN-60", "2026-04-01 missed, 2026-05-01 done, 2026-06-01 waived", "an exception from 20 June")
	if got := s.last(t, "OWN-60", 4); got != "PXXX" {
		t.Errorf("the performance of June was waived: %s", got)
	}
	s.on(8, 1, 9)
	if got := s.last(t, "OWN-60", 1); got != "F" {
		t.Errorf("that of July was not: %s", got)
	}
}

func TestTheGraceOfAControlReachesItsEvidence(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 10)
	s.on(4, 20, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(6, 5, 9)
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-05-01", "covers_to": "2026-05-31"}))
	s.on(6, 7, 9)
	if got := s.last(t, "OWN-60", 12); got != "PPPPPPPPPPPP" {
		t.Errorf("done on time within the grace: %s", got)
	}
}

func TestAKindOfEvidenceMayBeUploadedOnTheDayOnWhichItIsFirstRequired(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 0)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(4, 15, 9)
	two := append(asked("monthly", 0, true), map[string]any{"key": "list", "title": "List", "type": "report", "frequency": "monthly", "required": true})
	s.version(t, "OWN-60", map[string]any{"evidence": two})
	s.clock.Move(2 * time.Hour)
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"evidence_key": "list"}))
	s.on(4, 16, 9)
	if got := s.last(t, "OWN-60", 3); got != "PPP" {
		t.Errorf("uploaded two hours after it was first required: %s", got)
	}
}

func TestAKindThatIsAskedForLessOftenIsNotDueInEachWindow(t *testing.T) {
	s := young(t)
	s.own(t, "OWN-60", map[string]any{"frequency": "monthly", "evidence": append(asked("monthly", 0, true), map[string]any{"key": "yearly", "title": "Assessment", "type": "report", "frequency": "yearly", "required": true})})
	s.version(t, "OWN-60", map[string]any{"action": "activate"})
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"evidence_key": "yearly"}))
	for _, month := range []time.Month{3, 4, 5} {
		s.on(month, 20, 9)
		s.accepted(t, s.sent(t, "OWN-60", nil))
	}
	s.on(6, 2, 9)
	s.stood(t, "OWN-60", "2026-04-01 done, 2026-05-01 done", "a yearly assessment beside monthly reports")
}

func TestAnEventWhoseEvidenceWasReturnedNeedsAttention(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "per_event", 0)
	event := func(name, day string) string {
		return s.sent(t, "OWN-60", map[string]any{"event": name, "event_on": day})
	}
	concern := func() bool {
		return strings.Contains(fmt.Sprint(s.status(t, "OWN-60", 90).Causes), "1 event has no accepted evidence")
	}
	s.on(3, 9, 9)
	s.accepted(t, event("CHG-1", "2026-03-09"))
	s.on(3, 10, 9)
	second := event("CHG-2", "2026-03-10")
	s.agree(t, "evidence.return", map[string]any{"id": second, "reason": "It was done without an approval"})
	if !concern() {
		t.Error("CHG-2 was returned, and nothing says so")
	}
	s.accepted(t, event("CHG-2", "2026-03-10"))
	if concern() {
		t.Error("CHG-2 is proved by another piece")
	}
}

func TestAnExcusedPerformanceIsExcusedToTheEndOfItsLastDay(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 0)
	review(t, s, "OWN-61", "weekly", 0)
	s.on(3, 13, 9)
	s.accepted(t, s.sent(t, "OWN-61", nil))
	for day := 20; day <= 27; day += 7 {
		s.on(3, day, 9)
		s.sent(t, "OWN-61", nil) // nobody reviews it
	}
	s.on(3, 31, 9)
	if got := s.last(t, "OWN-61", 8); strings.Trim(got, "N") != "" {
		t.Errorf("submitted each Friday, and never reviewed: %s", got)
	}
	s.on(4, 20, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	id := fmt.Sprint(s.do(t, "exception.create", map[string]any{"title": "No reviews this summer", "reason": "The team was at the move of the office", "control": s.ids["OWN-60"], "expires_at": "2026-09-20T00:00:00Z"})["id"])
	s.agree(t, "exception.approve", map[string]any{"id": id})
	s.on(8, 3, 9)
	if got := s.last(t, "OWN-60", 60); strings.Contains(got, "F") {
		t.Errorf("waived from April to September: %s", got)
	}
}

func TestALongerFrequencyForTwoDaysTakesNoPerformanceAway(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "quarterly", 0)
	review(t, s, "OWN-61", "quarterly", 0)
	s.on(3, 31, 23)
	s.version(t, "OWN-61", map[string]any{"frequency": "monthly"})
	s.clock.Move(2 * time.Hour)
	s.version(t, "OWN-61", map[string]any{"frequency": "quarterly"})
	s.on(6, 30, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.accepted(t, s.sent(t, "OWN-61", nil))
	s.on(6, 30, 20)
	s.version(t, "OWN-60", map[string]any{"frequency": "yearly"})
	s.on(7, 2, 9)
	s.version(t, "OWN-60", map[string]any{"frequency": "quarterly"})
	s.on(10, 10, 9)
	s.stood(t, "OWN-60", "2026-04-01 done, 2026-07-01 missed", "yearly for two days")
	s.stood(t, "OWN-61", "2026-04-01 done, 2026-07-01 missed", "monthly for two hours")
}

func TestAProgrammeStartThatMovesMovesNoPiece(t *testing.T) {
	s := young(t)
	s.own(t, "OWN-60", map[string]any{"frequency": "daily", "grace_days": 5, "evidence": asked("daily", 38, true)})
	s.version(t, "OWN-60", map[string]any{"action": "activate"})
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-03-06", "covers_to": "2026-03-06"}))
	s.on(3, 10, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(3, 14, 9)
	s.scope(t, map[string]any{"programme_start": "2026-03-10"})
	s.on(3, 17, 3)
	before := s.last(t, "OWN-60", 4)
	s.scope(t, map[string]any{"programme_start": "2026-03-01"})
	if after := s.last(t, "OWN-60", 4); after[:3] != before[:3] {
		t.Errorf("closed days were %s and are %s", before, after)
	}
}

// excuse has an exception of a control approved.
func (s *spring) excuse(t *testing.T, ref, until string) string {
	t.Helper()
	id := fmt.Sprint(s.do(t, "exception.create", map[string]any{"title": "No review now", "reason": "The team was at the move of the office", "control": s.ids[ref], "expires_at": until})["id"])
	s.agree(t, "exception.approve", map[string]any{"id": id})
	return id
}

func TestAnExceptionMovesNoPieceThatWasSubmittedBefore(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 0)
	review(t, s, "OWN-61", "monthly", 10)
	s.on(3, 20, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(4, 20, 9)
	s.accepted(t, s.sent(t, "OWN-61", nil))
	s.on(5, 10, 9)
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-04-15", "covers_to": "2026-05-10"}))
	s.on(5, 20, 9)
	before := s.last(t, "OWN-60", 21)
	id := s.excuse(t, "OWN-60", "2026-06-15T00:00:00Z")
	if got := s.last(t, "OWN-60", 21); got != before {
		t.Errorf("an exception made %s of %s", got, before)
	}
	s.clock.Move(time.Hour)
	s.agree(t, "exception.revoke", map[string]any{"id": id, "revoke_reason": "The office is there."})
	if got := s.last(t, "OWN-60", 21); got != before {
		t.Errorf("an exception that was revoked made %s of %s", got, before)
	}
	s.on(6, 3, 9)
	s.accepted(t, s.sent(t, "OWN-61", map[string]any{"covers_from": "2026-05-01", "covers_to": "2026-06-03"}))
	s.on(6, 5, 9)
	s.excuse(t, "OWN-61", "2026-06-15T00:00:00Z")
	s.on(7, 15, 9)
	s.stood(t, "OWN-61", "2026-04-01 done, 2026-05-01 done, 2026-06-01 missed", "what was done is not waived, and its piece does not do June")
}

func TestACorrectionTakesWhicheverOfItsWindowsLosesItsPiece(t *testing.T) {
	for name, cover := range map[string][3]map[string]any{
		"named":   {{"covers_from": "2026-04-01", "covers_to": "2026-04-30"}, {"covers_from": "2026-04-29", "covers_to": "2026-05-05"}, {"covers_from": "2026-04-30", "covers_to": "2026-05-06"}},
		"unnamed": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := young(t)
			review(t, s, "OWN-60", "monthly", 10)
			s.on(5, 4, 9)
			s.accepted(t, s.sent(t, "OWN-60", cover[0]))
			s.on(5, 5, 9)
			b := s.sent(t, "OWN-60", cover[1])
			s.accepted(t, b)
			s.on(5, 6, 9)
			s.accepted(t, s.sent(t, "OWN-60", cover[2]))
			s.clock.Move(2 * time.Hour)
			s.agree(t, "evidence.withdraw", map[string]any{"id": b, "reason": "The list was of another team"})
			s.on(6, 14, 9)
			s.stood(t, "OWN-60", "2026-04-01 done, 2026-05-01 done", "the piece of May was corrected")
			if got := s.last(t, "OWN-60", 6); got != "PPPPPP" {
				t.Errorf("the piece of May was corrected: %s", got)
			}
		})
	}
}

func TestAPieceThatWasReturnedKeepsItsWindow(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 3)
	s.on(4, 10, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(6, 2, 9)
	a := s.sent(t, "OWN-60", nil)
	s.on(6, 3, 12)
	s.agree(t, "evidence.return", map[string]any{"id": a, "reason": "A page is missing"})
	s.on(6, 4, 1)
	s.do(t, "evidence.submit", map[string]any{"id": a})
	s.accepted(t, a)
	s.on(6, 30, 9)
	s.stood(t, "OWN-60", "2026-04-01 done, 2026-05-01 late", "returned, and submitted again an hour after it was due")
}

func TestAWindowAsksOnlyForWhatCanStillBeUploaded(t *testing.T) {
	kinds := func(more ...any) map[string]any { return map[string]any{"evidence": more} }
	report := asked("monthly", 0, true)[0]
	list := map[string]any{"key": "list", "title": "List", "type": "configuration_export", "frequency": "monthly", "required": true}
	minutes := map[string]any{"key": "minutes", "title": "Minutes", "type": "minutes", "frequency": "monthly", "required": true}
	for name, x := range map[string]struct {
		then []any
		sent map[string]any
	}{
		"one of two is dropped":                  {[]any{report}, nil},
		"both are replaced by one of a new type": {[]any{minutes}, map[string]any{"type": "minutes", "evidence_key": "minutes"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := young(t)
			s.own(t, "OWN-60", map[string]any{"frequency": "monthly", "evidence": []any{report, list}})
			s.version(t, "OWN-60", map[string]any{"action": "activate"})
			s.on(4, 10, 9)
			s.accepted(t, s.sent(t, "OWN-60", nil))
			s.accepted(t, s.sent(t, "OWN-60", map[string]any{"type": "configuration_export", "evidence_key": "list"}))
			s.on(5, 5, 9)
			s.version(t, "OWN-60", kinds(x.then...))
			s.accepted(t, s.sent(t, "OWN-60", x.sent))
			s.on(6, 5, 9)
			s.stood(t, "OWN-60", "2026-04-01 done, 2026-05-01 done", name)
			if got := s.last(t, "OWN-60", 10); got != "PPPPPPPPPP" {
				t.Errorf("%s: %s", name, got)
			}
		})
	}
}

func TestAKindThatIsOptionalForAnHourIsMissedFromThenOn(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 3)
	s.on(3, 30, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(5, 3, 23)
	s.version(t, "OWN-60", map[string]any{"evidence": asked("monthly", 0, false)})
	s.clock.Move(2 * time.Hour)
	s.version(t, "OWN-60", map[string]any{"evidence": asked("monthly", 0, true)})
	s.on(5, 8, 9)
	s.stood(t, "OWN-60", "2026-04-01 missed", "optional when April was due")
}

func TestAPieceThatEndsInTheFutureCoversTheDayOnWhichItWasTaken(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "monthly", 0)
	s.on(3, 20, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(4, 28, 9)
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"covers_to": "2026-04-30"}))
	s.on(5, 5, 9)
	s.stood(t, "OWN-60", "2026-04-01 done", "two days ahead")
}

func TestALongLapseNeedsAttentionForAQuarterAfterItIsOver(t *testing.T) {
	s := young(t)
	review(t, s, "OWN-60", "quarterly", 0)
	s.on(3, 28, 9)
	s.accepted(t, s.sent(t, "OWN-60", nil))
	s.on(8, 1, 9)
	s.accepted(t, s.sent(t, "OWN-60", map[string]any{"covers_from": "2026-07-01", "covers_to": "2026-08-01"}))
	s.on(10, 2, 9)
	if got := fmt.Sprint(s.status(t, "OWN-60", 90).Causes); !strings.Contains(got, "late or missed in the last 92 days") {
		t.Errorf("the miss of April to June was open until yesterday: %s", got)
	}
}
