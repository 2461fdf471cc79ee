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

// OperationOf sums up a period: the days of each required test, and the performances that were due in it, as they stood
// at a moment.
func OperationOf(tests []TestDays, performances []Occurrence, from, to, at time.Time) Operation {
	o := Operation{Tests: tests}
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
	assessable, failed, thin, late := false, false, false, 0
	for _, t := range tests {
		assessable = assessable || t.Coverage >= 0
		failed = failed || t.Failed > 0
		late += t.Late
		thin = thin || t.Coverage >= 0 && t.Coverage < coverageNum
	}
	switch {
	case !assessable && due == 0 && late == 0:
		o.Summary = "no_occurrence"
	case thin || o.Awaiting > 0: // what nobody has reviewed is neither done nor missed
		o.Summary = "insufficient_data"
	case failed || o.Late+o.Missed+late > 0:
		o.Summary = "deviations"
	default:
		o.Summary = "no_deviations"
	}
	return o
}

// operation is how a control operated over the newest days of the board, by what was in force on each.
func (b *Board) operation(c *ControlLine, days int) Operation {
	days = min(days, len(b.Days))
	order, letters := []string{}, map[string][]check.Letter{}
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
	o := OperationOf(tests, c.Occurrences, b.starts[days], b.starts[0], b.Now)
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
