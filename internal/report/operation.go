// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// operatingDays is over how many days the light "operating" looks.
const operatingDays = 92

// TestDays is how one required test went over a period.
type TestDays struct {
	Test     string `json:"test" doc:"The test."`
	Passed   int    `json:"passed" doc:"Days passed."`
	Failed   int    `json:"failed" doc:"Days failed."`
	Excepted int    `json:"excepted" doc:"Days passed with an exception."`
	Errors   int    `json:"errors" doc:"Days on which every run ended in an error."`
	NoData   int    `json:"no_data" doc:"Days without data."`
	Paused   int    `json:"paused" doc:"Days on which the test was paused."`
	None     int    `json:"not_applicable" doc:"Days with nothing to test."`
	Coverage int    `json:"coverage" doc:"Percent of the days with something to test that were observed; -1 if there was none."`
	Strict   int    `json:"strict" doc:"Pass rate in percent: passed days of observed days; -1 if none was observed."`
	Pass     int    `json:"pass" doc:"The same, counting days with an exception as passed."`
	Late     int    `json:"late_events" doc:"Of a test over events: events that were late and have been made good, over the days of its window."`
}

// Operation is how a control operated over a period: facts, not an opinion (F-06).
type Operation struct {
	From      string     `json:"from" doc:"First day of the period."`
	To        string     `json:"to" doc:"Last day of the period."`
	Days      DayCounts  `json:"days" doc:"Its days."`
	Tests     []TestDays `json:"tests" doc:"Its required tests."`
	Expected  int        `json:"expected" doc:"Performances that were expected."`
	OnTime    int        `json:"on_time" doc:"Of these, done in time."`
	Late      int        `json:"late" doc:"Of these, done late."`
	Missed    int        `json:"missed" doc:"Of these, due and not done."`
	Awaiting  int        `json:"awaiting" doc:"Of these, submitted in time and not reviewed yet, though due."`
	Pending   int        `json:"pending" doc:"Of these, not due yet."`
	Waived    int        `json:"waived" doc:"Of these, waived by an exception."`
	Timely    int        `json:"timeliness" doc:"Percent of the due performances that were done on time; -1 if none was due."`
	Performed int        `json:"performed" doc:"Percent of the due performances that were done; -1 if none was due."`
	Summary   string     `json:"summary" doc:"no_occurrence, insufficient_data, deviations or no_deviations."`
}

// DayCounts are the days of a control over a period. One that failed is counted once, under the first of its causes.
type DayCounts struct {
	Judged    int `json:"judged" doc:"Days on which there was something to observe."`
	Observed  int `json:"observed" doc:"Of these, days on which a required test gave a result or required evidence counted."`
	Coverage  int `json:"coverage" doc:"The same in percent; -1 where there was nothing to observe."`
	Failed    int `json:"failed" doc:"Days on which a required test failed."`
	Documents int `json:"missing_documents" doc:"Days failed because evidence or a policy was missing or expired."`
	Overdue   int `json:"overdue" doc:"Days failed because a performance was overdue."`
	Excepted  int `json:"excepted" doc:"Days passed with an approved exception."`
	Silent    int `json:"silent" doc:"Days on which no event was on record and no accepted statement said that there was none."`
	Waiting   int `json:"not_started" doc:"Days before anything proved it."`

	periodic    bool // it is performed in each window of the calendar
	unconfirmed int  // days on which nothing happened and nobody had confirmed its text
}

// count takes one day in, with the letters of the required tests on it.
func (n *DayCounts) count(d ControlDay, tests map[string]check.Letter, seen bool) {
	if d.Letter == check.NotApplicable {
		return
	}
	n.Judged++
	if seen {
		n.Observed++
	}
	excepted := d.Letter == check.Excepted
	for _, l := range tests {
		excepted = excepted || l == check.Excepted
	}
	switch class := classOf(d); {
	case d.Letter == check.Failed && class == MissingDocumentation:
		n.Documents++
	case d.Letter == check.Failed && class == OverdueReview:
		n.Overdue++
	case d.Letter == check.Failed:
		n.Failed++
	case excepted:
		n.Excepted++
	case slices.Contains(d.Causes, NotYetStarted):
		n.Waiting++
	case slices.Contains(d.Causes, Unconfirmed):
		n.unconfirmed++
	case slices.Contains(d.Causes, Silent), d.Letter == check.NoData && len(d.Causes) == 0 && len(tests) == 0:
		n.Silent++
	}
}

// countDays counts the letters of one test over the days on which it was required.
func countDays(test string, letters []check.Letter) TestDays {
	d := TestDays{Test: test}
	for _, l := range letters {
		switch l {
		case check.Passed:
			d.Passed++
		case check.Failed:
			d.Failed++
		case check.Excepted:
			d.Excepted++
		case check.Errored:
			d.Errors++
		case check.Paused:
			d.Paused++
		case check.NotApplicable:
			d.None++
		default:
			d.NoData++
		}
	}
	observed := d.Passed + d.Failed + d.Excepted
	d.Coverage = percentOf(observed, len(letters)-d.None)
	d.Strict, d.Pass = percentOf(d.Passed, observed), percentOf(d.Passed+d.Excepted, observed)
	return d
}

// overEvents is the same for a test over events: a day on which nothing was due was looked at all the same, and few gaps among
// many such days hide nothing.
func (d TestDays) overEvents() TestDays {
	observed := d.Passed + d.Failed + d.Excepted
	d.Coverage = percentOf(observed+d.None, observed+d.None+d.Errors+d.NoData+d.Paused)
	if observed == 0 && d.Coverage >= coverageNum {
		d.Coverage = -1 // nothing happened, which was seen
	}
	return d
}

// percentOf is rounded down; -1 of nothing.
func percentOf(n, of int) int {
	if of == 0 {
		return -1
	}
	return 100 * n / of
}

// OperationOf sums up a period: the days of the control and of each of its required tests, and the performances that were
// due in it, as they stood at a moment.
func OperationOf(days DayCounts, tests []TestDays, performances []Occurrence, from, to, at time.Time) Operation {
	days.Coverage = percentOf(days.Observed, days.Judged)
	o := Operation{Days: days, Tests: tests}
	for i := range performances {
		p := &performances[i]
		_, done := p.performed(at)
		early := p.Due.After(to) && !done.IsZero() && !done.Before(from) && !done.After(to)
		if p.Due.Before(from) || p.Due.After(to) && !early {
			continue
		}
		o.Expected++
		switch p.State(at) {
		case OccurrenceDone:
			o.OnTime++
		case OccurrenceLate:
			o.Late++
		case OccurrenceMissed:
			o.Missed++
		case OccurrenceWaived:
			o.Waived++
		case OccurrenceAwaiting:
			o.Awaiting++
		default:
			o.Pending++
		}
	}
	due := o.Expected - o.Pending - o.Waived
	o.Timely, o.Performed = percentOf(o.OnTime, due), percentOf(o.OnTime+o.Late, due)
	o.Summary = o.summary()
	return o
}

// summary is what a period comes to. A deviation that is known is never hidden by what is not known; what nobody has
// reviewed is neither done nor missed, and decides only where nothing deviates.
func (o *Operation) summary() string {
	n := o.Days
	least, failed, late := o.leastCoverage(), n.Failed > 0, 0
	for _, t := range o.Tests {
		failed, late = failed || t.Failed > 0, late+t.Late
	}
	switch {
	case o.Late+o.Missed+n.Overdue+late > 0:
		return "deviations"
	case least >= 0 && least < coverageNum:
		return "insufficient_data"
	case failed || n.Documents > 0:
		return "deviations"
	case o.Awaiting > 0:
		return "insufficient_data"
	case least >= 0 || o.Expected > o.Pending:
		return "no_deviations"
	case n.Silent+n.unconfirmed > 0 || n.Judged > 0 && n.Judged == n.Waiting: // that nothing happened is not shown
		return "insufficient_data"
	case n.Observed > 0 && !n.periodic:
		return "no_deviations"
	}
	return "no_occurrence"
}

// leastCoverage is that of the required test with the least; -1 where none had anything to test.
func (o *Operation) leastCoverage() int {
	least := -1
	for _, t := range o.Tests {
		if t.Coverage >= 0 && (least < 0 || t.Coverage < least) {
			least = t.Coverage
		}
	}
	return least
}

// operation is how a control operated over the newest days of the board, by what was in force on each.
func (b *Board) operation(c *ControlLine, days int) Operation {
	days = min(days, len(b.Days))
	order, letters := []string{}, map[string][]check.Letter{}
	counts := DayCounts{periodic: isPeriodic(c.Control.Frequency)}
	for i := range days {
		day := map[string]check.Letter{}
		for _, p := range c.parts[i] {
			for _, t := range p.era.def.Tests {
				if t.Role == "supporting" {
					continue
				}
				l := b.letterOf(t, i, p.stretch, len(c.parts[i]) > 1)
				if was, again := day[t.Test]; again {
					l = check.Worst(was, l)
				} else if letters[t.Test] == nil && !slices.Contains(order, t.Test) {
					order = append(order, t.Test)
				}
				day[t.Test] = l
			}
		}
		for t, l := range day {
			letters[t] = append(letters[t], l)
		}
		counts.count(c.Days[i], day, c.seen(i))
	}
	tests := make([]TestDays, 0, len(order))
	for _, t := range order {
		d := countDays(t, letters[t])
		if l := b.Tests[t]; l != nil && l.WindowDays > 0 {
			d = d.overEvents()
			if days >= l.WindowDays { // a shorter period may have been without them
				d.Late = l.Late
			}
		}
		tests = append(tests, d)
	}
	o := OperationOf(counts, tests, c.Occurrences, b.starts[days], b.starts[0], b.Now)
	o.From, o.To = b.Days[days-1].String(), b.Days[0].String()
	return o
}

// letterOf is the letter of a test for a control on a day, or in a part of it.
func (b *Board) letterOf(t grc.ControlTest, i int, s stretch, part bool) check.Letter {
	l := b.testOf(t)
	switch {
	case l == nil:
		return check.NoData
	case part:
		return l.in(s, b.starts[i])
	case l.Cells[i].Seen():
		return l.Cells[i].Letter
	}
	return check.NoData
}
