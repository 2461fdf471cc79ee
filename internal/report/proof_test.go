// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/kind"
)

// piece is a good piece of evidence: uploaded, taken, submitted and accepted on a day.
func piece(day string, change ...func(*grc.Evidence)) *grc.Evidence {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	at = at.Add(9 * time.Hour)
	e := &grc.Evidence{Title: "A piece", Type: "report", Control: "ctl", EvidenceKey: "key", File: "aa", TakenAt: at, SubmittedAt: at.Add(time.Hour), ReviewedAt: at.Add(2 * time.Hour), State: "accepted"}
	for _, f := range change {
		f(e)
	}
	return e
}

func covers(from, to string) func(*grc.Evidence) {
	return func(e *grc.Evidence) { e.CoversFrom, e.CoversTo = kind.Date(from), kind.Date(to) }
}

func about(event, on string) func(*grc.Evidence) {
	return func(e *grc.Evidence) { e.Event, e.EventOn = event, kind.Date(on) }
}

func nothing(from, to string) func(*grc.Evidence) {
	return func(e *grc.Evidence) {
		e.Nothing, e.File, e.Notes = true, "", "The list of tickets."
		covers(from, to)(e)
	}
}

func withdrawn(day string) func(*grc.Evidence) {
	return func(e *grc.Evidence) {
		e.State = "withdrawn"
		e.WithdrawnAt, _ = time.Parse(time.DateOnly, day)
		e.UpdatedAt = e.WithdrawnAt.AddDate(0, 1, 0) // something of it changed later
	}
}

func stands(t *testing.T, what string, k grc.EvidenceKind, day string, want EvidenceState, pieces ...*grc.Evidence) {
	t.Helper()
	k.Key = "key"
	b := &Board{Zone: time.UTC, spans: &spanCache{}, data: &boardData{evidence: map[string][]*grc.Evidence{"ctl": pieces}}}
	b.Now, _ = time.Parse(time.DateOnly, day)
	c := &grc.Control{}
	c.ID = "ctl"
	got, e, _ := b.stateOn(c, k, b.Now)
	if got != want {
		t.Errorf("%s: on %s it %s, want %s", what, day, got.word(), want.word())
	}
	if (e == nil) != (got == EvidenceMissing || got == EvidenceNotDue) {
		t.Errorf("%s: %s, and the piece that decides is %v", what, got.word(), e)
	}
}

var (
	monthly   = grc.EvidenceKind{Type: "report", Frequency: "monthly", ValidityDays: 38}
	quarterly = grc.EvidenceKind{Type: "report", Frequency: "quarterly"}
	everyone  = grc.EvidenceKind{Type: "population", Frequency: "quarterly"}
	onEvent   = grc.EvidenceKind{Type: "ticket", Frequency: "per_event"}
	allEvents = grc.EvidenceKind{Type: "population", Frequency: "per_event"}
)

// INV-19: what is about other days proves nothing, whenever it was taken, submitted or accepted.
func TestEvidenceProvesOnlyTheDaysNearItsCover(t *testing.T) {
	stands(t, "cover of January 2019", monthly, "2026-11-20", EvidenceExpired, piece("2026-11-10", covers("2019-01-01", "2019-01-31")))
	stands(t, "only the first day is given", monthly, "2026-11-20", EvidenceCurrent, piece("2026-11-10", covers("2026-10-01", "")))
	stands(t, "only the last day is given", monthly, "2026-11-20", EvidenceExpired, piece("2026-11-10", covers("", "2019-01-31")))
	stands(t, "cover of last month", monthly, "2026-11-20", EvidenceCurrent, piece("2026-11-10", covers("2026-10-01", "2026-10-31")))
	stands(t, "38 days after its cover", monthly, "2026-12-08", EvidenceExpiring, piece("2026-11-10", covers("2026-10-01", "2026-10-31"))) // 1 Nov 00:00 + 38 d = 9 Dec
	stands(t, "39 days after its cover", monthly, "2026-12-09", EvidenceExpired, piece("2026-11-10", covers("2026-10-01", "2026-10-31")))
	stands(t, "taken long before it was submitted", monthly, "2026-11-20", EvidenceExpired, piece("2026-11-10", func(e *grc.Evidence) { e.TakenAt = e.TakenAt.AddDate(-2, 0, 0) }))
	stands(t, "taken before the days that it covers", monthly, "2026-11-20", EvidenceMissing, piece("2026-11-10", covers("2026-11-12", "2026-11-18")))
	stands(t, "not accepted yet", monthly, "2026-11-09", EvidenceMissing, piece("2026-11-10"))
	stands(t, "a frequency that nobody knows", grc.EvidenceKind{Frequency: ""}, "2030-11-09", EvidenceExpired, piece("2026-11-10"))
}

// F-04 with section 00 item 8: whoever brings a piece in each window of the calendar is never late, wherever in it.
func TestAPieceOfAWindowCountsUntilTheEndOfTheNext(t *testing.T) {
	april, september := piece("2026-04-05"), piece("2026-09-20")
	for d := range 400 {
		day := april.ReviewedAt.AddDate(0, 0, d+1)
		if day.Year() > 2026 {
			break
		}
		k := quarterly
		k.Key = "key"
		b := &Board{Zone: time.UTC, Now: day, spans: &spanCache{}, data: &boardData{evidence: map[string][]*grc.Evidence{"ctl": {april, september}}}}
		c := &grc.Control{}
		c.ID = "ctl"
		if got, _, _ := b.stateOn(c, k, day); got.lacking() {
			t.Fatalf("on %s it %s, with a piece in each quarter", day.Format(time.DateOnly), got.word())
		}
	}
	stands(t, "one quarter without", quarterly, "2026-10-01", EvidenceExpired, april)
	stands(t, "taken in April about March", quarterly, "2026-07-15", EvidenceExpiring, piece("2026-04-05", covers("2026-03-01", "2026-03-31"))) // 1 Apr + 106 d
	stands(t, "taken in April about March", quarterly, "2026-07-16", EvidenceExpired, piece("2026-04-05", covers("2026-03-01", "2026-03-31")))
	weekly, yearly := grc.EvidenceKind{Type: "report", Frequency: "weekly"}, grc.EvidenceKind{Type: "report", Frequency: "yearly"}
	daily, half := grc.EvidenceKind{Type: "report", Frequency: "daily"}, grc.EvidenceKind{Type: "report", Frequency: "half_yearly"}
	stands(t, "each week", weekly, "2026-11-22", EvidenceExpiring, piece("2026-11-09")) // Monday, and the Sunday of the week after
	stands(t, "each week", weekly, "2026-11-23", EvidenceExpired, piece("2026-11-09"))
	stands(t, "each half-year", half, "2026-12-31", EvidenceExpiring, piece("2026-01-05"))
	stands(t, "each half-year", half, "2027-01-01", EvidenceExpired, piece("2026-01-05"))
	stands(t, "each year", yearly, "2027-12-31", EvidenceExpiring, piece("2026-01-05"))
	stands(t, "each year", yearly, "2028-01-01", EvidenceExpired, piece("2026-01-05"))
	stands(t, "each day", daily, "2026-11-11", EvidenceCurrent, piece("2026-11-10"))
	stands(t, "each day", daily, "2026-11-13", EvidenceExpired, piece("2026-11-10"))
	stands(t, "valid_until is earlier", quarterly, "2026-05-02", EvidenceExpired, piece("2026-04-05", func(e *grc.Evidence) { e.ValidUntil = "2026-05-01" }))
	strict := quarterly
	strict.ValidityDays = 30
	stands(t, "a kind that asks for fewer days than its frequency", strict, "2026-05-06", EvidenceExpired, piece("2026-04-05"))
}

// INV-02: what is claimed of the future makes nothing younger.
func TestATimeInTheFutureMakesNoEvidenceYounger(t *testing.T) {
	later := func(e *grc.Evidence) { e.TakenAt = e.TakenAt.AddDate(5, 0, 0) }
	stands(t, "taken in five years", monthly, "2026-12-31", EvidenceExpiring, piece("2026-11-10", later))
	stands(t, "taken in five years", monthly, "2027-01-01", EvidenceExpired, piece("2026-11-10", later))
	stands(t, "cover until 2031", monthly, "2027-01-01", EvidenceExpired, piece("2026-11-10", covers("2026-11-01", "2031-01-01"), later))
	stands(t, "a population of days to come", everyone, "2026-12-19", EvidenceMissing, piece("2026-11-10", covers("2026-10-01", "2026-12-31"), later))
}

func TestAPopulationSpansTheWholeWindowThatItProves(t *testing.T) {
	for what, c := range map[string]struct {
		from, to string
		want     EvidenceState
	}{
		"the whole third quarter":                  {"2026-07-01", "2026-09-30", EvidenceCurrent},
		"and some days more":                       {"2026-06-20", "2026-10-09", EvidenceCurrent},
		"all but its first day":                    {"2026-07-02", "2026-09-30", EvidenceMissing},
		"all but its last day":                     {"2026-07-01", "2026-09-29", EvidenceMissing},
		"half of two quarters":                     {"2026-05-15", "2026-08-15", EvidenceMissing},
		"one month":                                {"2026-09-01", "2026-09-30", EvidenceMissing},
		"no cover: a list of one day":              {"", "", EvidenceMissing},
		"the whole second quarter":                 {"2026-04-01", "2026-06-30", EvidenceExpired}, // + 106 days = 14 Oct
		"the second quarter and half of the third": {"2026-04-01", "2026-08-15", EvidenceExpired},
	} {
		stands(t, what, everyone, "2026-10-20", c.want, piece("2026-10-10", covers(c.from, c.to)))
	}
	daily := grc.EvidenceKind{Type: "population", Frequency: "continuous"}
	stands(t, "a list of the day", daily, "2026-10-11", EvidenceCurrent, piece("2026-10-10"))
	stands(t, "a list of an older day", daily, "2026-10-13", EvidenceExpired, piece("2026-10-10"))
}

func TestTheWindowsOfAFrequencyAreThoseOfTheCalendar(t *testing.T) {
	for f, want := range map[grc.Frequency][2]string{
		"continuous": {"2028-02-29", "2028-02-29"}, "daily": {"2028-02-29", "2028-02-29"}, "weekly": {"2028-02-28", "2028-03-05"}, "monthly": {"2028-02-01", "2028-02-29"},
		"quarterly": {"2028-01-01", "2028-03-31"}, "half_yearly": {"2028-01-01", "2028-06-30"}, "yearly": {"2028-01-01", "2028-12-31"},
	} {
		d, _ := check.ParseDay("2028-02-29")
		from, to := windowOf(f, d)
		if from.String() != want[0] || to.String() != want[1] {
			t.Errorf("%s: %s to %s", f, from, to)
		}
		for _, x := range []check.Day{from, to} { // both ends lie in the same window, and the next ones do not
			if a, b := windowOf(f, x); a != from || b != to {
				t.Errorf("%s: %s lies in %s to %s", f, x, a, b)
			}
		}
		if a, _ := windowOf(f, to+1); a != to+1 {
			t.Errorf("%s: the next window begins on %s", f, a)
		}
	}
	d, _ := check.ParseDay("2026-12-27") // a Sunday
	if from, to := windowOf("weekly", d); from.String() != "2026-12-21" || to != d {
		t.Errorf("the week of a Sunday is %s to %s", from, to)
	}
}

func TestValidUntilShortensAndNeverExtends(t *testing.T) {
	until := func(day string) func(*grc.Evidence) { return func(e *grc.Evidence) { e.ValidUntil = kind.Date(day) } }
	stands(t, "until 2099", monthly, "2026-12-31", EvidenceExpiring, piece("2026-11-10", until("2099-12-31")))
	stands(t, "until 2099", monthly, "2027-01-01", EvidenceExpired, piece("2026-11-10", until("2099-12-31")))
	stands(t, "until 15 November", monthly, "2026-11-15", EvidenceExpiring, piece("2026-11-10", until("2026-11-15")))
	stands(t, "until 15 November", monthly, "2026-11-16", EvidenceExpired, piece("2026-11-10", until("2026-11-15")))
	stands(t, "an event, until 2099", onEvent, "2030-01-01", EvidenceNotDue, piece("2026-11-10", about("INC-7", "2026-11-09"), until("2099-12-31")))
}

func TestALinkWithoutAKeptCopyProvesNothing(t *testing.T) {
	link := func(e *grc.Evidence) { e.File, e.SourceLocator = "", "https://example.com/x" }
	stands(t, "a link", monthly, "2026-11-12", EvidenceMissing, piece("2026-11-10", link))
	stands(t, "a link about an event", onEvent, "2026-11-12", EvidenceNotDue, piece("2026-11-10", link, about("INC-7", "2026-11-09")))
	stands(t, "a link beside a file", monthly, "2026-11-12", EvidenceCurrent, piece("2026-11-10", link), piece("2026-11-10"))
}

func TestEvidenceOfSingleEventsProvesItsEvent(t *testing.T) {
	stands(t, "two pieces of 2017", onEvent, "2026-11-20", EvidenceNotDue, piece("2017-03-01", about("CHG-1", "2017-02-28")), piece("2017-05-01", about("CHG-2", "2017-04-30")))
	stands(t, "a piece that names no event", onEvent, "2026-11-20", EvidenceNotDue, piece("2026-11-10"))
	stands(t, "no piece", onEvent, "2026-11-20", EvidenceNotDue)
	stands(t, "an event of this month", onEvent, "2026-11-20", EvidenceCurrent, piece("2026-11-10", about("CHG-3", "2026-11-02")))
	stands(t, "an old event told today", onEvent, "2026-11-20", EvidenceNotDue, piece("2026-11-10", about("CHG-1", "2017-02-28")))
	stands(t, "365 days after the event", onEvent, "2027-11-02", EvidenceExpiring, piece("2026-11-10", about("CHG-3", "2026-11-02")))
	stands(t, "366 days after the event", onEvent, "2027-11-03", EvidenceNotDue, piece("2026-11-10", about("CHG-3", "2026-11-02")))
	short := onEvent
	short.ValidityDays = 30
	stands(t, "a kind that says 30 days", short, "2026-12-03", EvidenceNotDue, piece("2026-11-10", about("CHG-3", "2026-11-02")))
	stands(t, "proof of an event taken back", onEvent, "2026-11-20", EvidenceWithdrawn, piece("2026-11-10", about("CHG-3", "2026-11-02"), withdrawn("2026-11-15")))
	stands(t, "proof of an old event taken back", onEvent, "2026-11-20", EvidenceNotDue, piece("2017-03-01", about("CHG-1", "2017-02-28"), withdrawn("2026-11-15")))
}

func TestADeclarationThatNothingHappenedHoldsForItsDays(t *testing.T) {
	third := nothing("2026-07-01", "2026-09-30")
	stands(t, "the third quarter", onEvent, "2026-11-20", EvidenceNilDeclared, piece("2026-10-02", third))
	stands(t, "92 days after it", onEvent, "2026-12-31", EvidenceNilDeclared, piece("2026-10-02", third))
	stands(t, "93 days after it", onEvent, "2027-01-01", EvidenceNotDue, piece("2026-10-02", third))
	stands(t, "until 2099", onEvent, "2027-01-01", EvidenceNotDue, piece("2026-10-02", third, func(e *grc.Evidence) { e.ValidUntil = "2099-01-01" }))
	stands(t, "days to come", onEvent, "2027-06-01", EvidenceNotDue, piece("2026-10-02", nothing("2026-07-01", "2027-06-30")))
	stands(t, "taken back", onEvent, "2026-11-20", EvidenceNotDue, piece("2026-10-02", third, withdrawn("2026-11-15")))
	stands(t, "an event within its days", onEvent, "2027-09-09", EvidenceNotDue, piece("2027-09-01", nothing("2026-07-01", "2027-08-30")), piece("2026-10-02", about("CHG-3", "2026-08-02")))
	day := nothing("2026-10-01", "2026-10-01")
	stands(t, "one day", onEvent, "2026-10-02", EvidenceNilDeclared, piece("2026-10-01", day))
	stands(t, "two days after one day", onEvent, "2026-10-03", EvidenceNotDue, piece("2026-10-01", day))
	week := nothing("2026-09-21", "2026-09-27")
	stands(t, "seven days after seven days", onEvent, "2026-10-04", EvidenceNilDeclared, piece("2026-09-28", week))
	stands(t, "eight days after seven days", onEvent, "2026-10-05", EvidenceNotDue, piece("2026-09-28", week))
	stands(t, "92 days after a year", onEvent, "2026-12-31", EvidenceNilDeclared, piece("2026-10-02", nothing("2025-10-01", "2026-09-30")))
	stands(t, "93 days after a year", onEvent, "2027-01-01", EvidenceNotDue, piece("2026-10-02", nothing("2025-10-01", "2026-09-30")))
	stands(t, "an event before its days", onEvent, "2026-11-20", EvidenceCurrent, piece("2026-10-02", third), piece("2026-10-02", about("CHG-3", "2026-06-30")))
	stands(t, "for what is collected each month", monthly, "2026-10-20", EvidenceMissing, piece("2026-10-02", third))
	none, some := int64(0), int64(3)
	rows := func(n *int64) func(*grc.Evidence) { return func(e *grc.Evidence) { e.Rows = n } }
	stands(t, "an empty list of all events", allEvents, "2026-11-20", EvidenceNilDeclared, piece("2026-10-02", covers("2026-07-01", "2026-09-30"), rows(&none)))
	stands(t, "a list of three events", allEvents, "2026-11-20", EvidenceCurrent, piece("2026-10-02", covers("2026-07-01", "2026-09-30"), rows(&some)))
	stands(t, "a list of one day, the day after", allEvents, "2026-10-02", EvidenceCurrent, piece("2026-10-01", covers("2026-10-01", "2026-10-01"), rows(&some)))
	stands(t, "a list of one day, two days after", allEvents, "2026-10-03", EvidenceNotDue, piece("2026-10-01", covers("2026-10-01", "2026-10-01"), rows(&some)))
	stands(t, "an empty list of one day, two days after", allEvents, "2026-10-03", EvidenceNotDue, piece("2026-10-01", covers("2026-10-01", "2026-10-01"), rows(&none)))
	stands(t, "a list that does not say how long it is", allEvents, "2026-11-20", EvidenceCurrent, piece("2026-10-02", covers("2026-07-01", "2026-09-30")))
}

func TestNothingDueIsNeverProof(t *testing.T) {
	for s, want := range map[EvidenceState]check.Letter{EvidenceNotDue: check.NoData, EvidenceNilDeclared: check.NotApplicable} {
		if d := DayOfControl(DayFacts{Evidence: []EvidenceState{s}, Designed: true}); d.Letter != want {
			t.Errorf("a day on which all evidence %s is %s", s.word(), d.Letter)
		}
		f := ControlFacts{HasOwner: true, Evidence: []EvidenceFacts{{Title: "Incidents", Required: true, State: s}}}
		if h := HealthOf(f, time.Now()); h.Health == Passing || h.Health == NeedsAttention || h.Health == Failing {
			t.Errorf("a control whose evidence %s is %s", s.word(), h.Health)
		}
	}
}

// The days before a withdrawal keep what they had, whatever changes in the piece later, and are marked.
func TestEvidenceWithdrawnLaterLeavesTheDaysBefore(t *testing.T) {
	old := piece("2026-11-10", withdrawn("2026-11-15"))
	stands(t, "before", monthly, "2026-11-14", EvidenceCurrent, old)
	stands(t, "after", monthly, "2026-11-16", EvidenceWithdrawn, old)
	superseded := piece("2026-11-10", withdrawn("2026-11-15"), func(e *grc.Evidence) { e.State = "superseded" })
	stands(t, "superseded, before", monthly, "2026-11-14", EvidenceCurrent, superseded)
	stands(t, "superseded, after", monthly, "2026-11-16", EvidenceWithdrawn, superseded)
	before := piece("2026-11-10", func(e *grc.Evidence) { e.State, e.UpdatedAt = "withdrawn", e.ReviewedAt.AddDate(0, 0, 5) })
	stands(t, "withdrawn before the moment was kept", monthly, "2026-11-14", EvidenceCurrent, before)

	k := monthly
	k.Key = "key"
	c := &grc.Control{}
	c.ID = "ctl"
	b := &Board{Zone: time.UTC, Now: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), spans: &spanCache{}, data: &boardData{evidence: map[string][]*grc.Evidence{"ctl": {old}}}}
	for day, want := range map[string]bool{"2026-11-09": false, "2026-11-10": true, "2026-11-14": true, "2026-11-15": false, "2026-11-19": false, "2026-11-25": false} {
		d, _ := check.ParseDay(day)
		if e, at := b.withdrawnLater(c, k, d); (e != nil) != want || want && !at.Equal(old.WithdrawnAt) {
			t.Errorf("%s: rested on what was withdrawn later: %v %v", day, e != nil, at)
		}
	}
	b = &Board{Zone: time.UTC, Now: b.Now, spans: &spanCache{}, data: &boardData{evidence: map[string][]*grc.Evidence{"ctl": {old, piece("2026-11-08")}}}}
	d, _ := check.ParseDay("2026-11-13")
	if e, _ := b.withdrawnLater(c, k, d); e != nil {
		t.Error("a day that another piece proves too is marked")
	}
}
