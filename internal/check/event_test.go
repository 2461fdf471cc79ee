// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"assay/content"
)

// slowStanding is the rule over events written out: every quarter of an hour of the day and of the window is looked at.
// The zero moment is never.
func slowStanding(now, start, due, over time.Time, window int) (own, day string, late bool) {
	const step = 15 * time.Minute
	if due.Before(start) {
		return "not_applicable", "not_applicable", false
	}
	overdueAt := func(m time.Time) bool { return m.After(due) && (over.IsZero() || m.Before(over)) }
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	own, day = "not_applicable", "not_applicable"
	inTime := !over.IsZero() && !over.After(due)
	if inTime && !due.Before(midnight) && due.Before(midnight.AddDate(0, 0, 1)) {
		day = "pass"
	}
	if inTime && !due.Before(now.AddDate(0, 0, -window)) {
		own = "pass"
	}
	for m := midnight; !m.After(now); m = m.Add(step / 2) {
		if overdueAt(m) {
			day = "fail"
		}
	}
	if !inTime && due.Before(now) {
		switch {
		case over.IsZero():
			own = "fail"
		case !over.Before(now.AddDate(0, 0, -window)):
			own, late = "pass", true
		}
	}
	return own, day, late
}

func TestEventsAreJudgedAsTheSlowReadingOfTheRule(t *testing.T) {
	def := testOf("", "")
	def.Condition, def.Event = "", &content.Event{Due: "due_at", Done: "done_at"}
	c := eventCatalogue(t, def)
	r, _ := c.Rule(def.ID)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	seen := map[string]int{}
	for range 20_000 {
		now := time.Date(2026, 3, 10, rng.IntN(24), 15*rng.IntN(4), 0, 0, time.UTC)
		ago := func() time.Time { // near the edges as often as anywhere else
			days := []int{0, 0, 1, 2, rng.IntN(200), 91, 92, 93}[rng.IntN(8)]
			return now.AddDate(0, 0, -days).Add(time.Duration(rng.IntN(193)-96) * 15 * time.Minute)
		}
		due, over := ago(), time.Time{}
		if rng.IntN(3) > 0 {
			if over = ago(); over.After(now) {
				over = now // nothing is done before it happens
			}
		}
		var start time.Time
		if rng.IntN(4) == 0 {
			start = now.AddDate(0, 0, -rng.IntN(100))
		}
		attrs := map[string]any{"due_at": due.Format(time.RFC3339), "done_at": nil}
		if !over.IsZero() {
			attrs["done_at"] = over.Format(time.RFC3339)
		}
		b, err := c.Bind(Resource{ID: "e", Kind: "event", Key: "e", Attrs: attrs}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		out := r.Evaluate(&Input{Now: now, Since: start, Resources: NewPopulation(map[string]Set{"event": {State: SourceComplete, Resources: []*Bound{b}}})})
		own, day, late := slowStanding(now, start, due, over, 92)
		seen[own+day+fmt.Sprint(late)]++
		if out.State.String() != own || out.OnDay.State.String() != day || (out.OnDay.Late > 0) != late {
			t.Fatalf("now %s, due %s, done %s, programme from %s: %s, for the day %s, late %d; want %s, %s, %v", now, due, over, start, out.State, out.OnDay.State, out.OnDay.Late, own, day, late)
		}
	}
	if len(seen) < 6 {
		t.Errorf("only these came up: %v", seen)
	}
}

// eventCatalogue has one kind: events with a date by which they are due.
func eventCatalogue(t *testing.T, tests ...content.Test) *Catalogue {
	t.Helper()
	for i := range tests {
		tests[i].Kind = "event"
	}
	never, yes := false, true
	c, err := Compile(tests, []content.ResourceKind{{Kind: "event", Title: "events", Doc: "Events.", Attributes: []content.Attribute{{Name: "id", Type: "string"}, {Name: "name", Type: "string"},
		{Name: "due_at", Type: "time", Past: &never}, {Name: "done_at", Type: "time", Past: &yes}, {Name: "right", Type: "bool"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func judged(t *testing.T, e content.Event, condition string, in Input, attrs ...map[string]any) Outcome {
	t.Helper()
	def := testOf("", condition)
	def.Event = &e
	c := eventCatalogue(t, def)
	set := Set{State: SourceComplete}
	for i, a := range attrs {
		b, err := c.Bind(Resource{ID: fmt.Sprint("e", i), Kind: "event", Key: fmt.Sprint("e", i), Attrs: a}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		set.Resources = append(set.Resources, b)
	}
	in.Now, in.Resources = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC), NewPopulation(map[string]Set{"event": set})
	r, _ := c.Rule(def.ID)
	out := r.Evaluate(&in)
	for i, b := range set.Resources {
		one := r.EvaluateOne(&in, b)
		if len(out.Results) == len(attrs) && one.Verdict != out.Results[i].Verdict {
			t.Errorf("alone it comes to %s, with the others to %s", one.Verdict, out.Results[i].Verdict)
		}
	}
	return out
}

func wantBoth(t *testing.T, out Outcome, state, day Verdict) {
	t.Helper()
	if out.State != state || out.OnDay.State != day {
		t.Errorf("%s (%s), for the day %s (%s); want %s and %s", out.State, out.Reason, out.OnDay.State, out.OnDay.Reason, state, day)
	}
}

var plainEvent = content.Event{Due: "due_at", Done: "done_at"}

func TestWhatIsNotKnownOfAnEventNeverPasses(t *testing.T) {
	for name, attrs := range map[string]map[string]any{
		"due":         {"done_at": "2026-03-09T10:00:00Z"},
		"done":        {"due_at": "2026-03-09T10:00:00Z"},
		"no due date": {"due_at": nil, "done_at": "2026-03-09T10:00:00Z"},
		"in future":   {"due_at": "2026-03-09T10:00:00Z", "done_at": "2027-03-09T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			wantBoth(t, judged(t, plainEvent, "", Input{}, attrs), VerdictUnknown, VerdictUnknown)
		})
	}
	wantBoth(t, judged(t, plainEvent, "right", Input{}, map[string]any{"due_at": "2026-03-10T10:00:00Z", "done_at": "2026-03-10T09:00:00Z"}), VerdictUnknown, VerdictUnknown)
}

func TestALapseThatIsMadeGoodIsCountedAndSaid(t *testing.T) {
	out := judged(t, plainEvent, "", Input{}, map[string]any{"due_at": "2026-03-01T10:00:00Z", "done_at": "2026-03-02T10:00:00Z"}, map[string]any{"due_at": "2026-03-05T10:00:00Z", "done_at": "2026-03-05T09:00:00Z"})
	wantBoth(t, out, VerdictPass, VerdictNotApplicable)
	if out.OnDay.Late != 1 || out.Passed != 2 || !strings.Contains(out.Reason, "2 of 2 passed; 1 late in the last 92 days: ") {
		t.Errorf("%d late, %d passed: %s", out.OnDay.Late, out.Passed, out.Reason)
	}
}

func TestAnExceptionCoversALapseOnItsDayAndNow(t *testing.T) {
	excused := Input{Exceptions: []Exception{{ID: "x1", Test: "x.test", Resource: "e0", StartsAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}}
	wantBoth(t, judged(t, plainEvent, "", excused, map[string]any{"due_at": "2026-03-01T10:00:00Z", "done_at": nil}), VerdictExcepted, VerdictExcepted)
	out := judged(t, plainEvent, "", excused, map[string]any{"due_at": "2026-03-01T10:00:00Z", "done_at": "2026-03-10T09:00:00Z"})
	wantBoth(t, out, VerdictPass, VerdictExcepted)
	if out.OnDay.Late != 0 {
		t.Errorf("%d late", out.OnDay.Late)
	}
}

func TestWhatIsDoneWronglyStaysOpenUntilItIsRightOrEnds(t *testing.T) {
	wrong := map[string]any{"due_at": "2026-01-01T10:00:00Z", "done_at": "2026-01-01T09:00:00Z", "right": false}
	wantBoth(t, judged(t, plainEvent, "right", Input{}, wrong), VerdictFail, VerdictFail)
	ends := content.Event{Due: "due_at", Done: "done_at", Ends: "due_at + days(30)"}
	out := judged(t, ends, "right", Input{}, wrong)
	wantBoth(t, out, VerdictPass, VerdictNotApplicable)
	if out.OnDay.Late != 1 {
		t.Errorf("%d late", out.OnDay.Late)
	}
	for _, before := range []string{"due_at", "due_at - days(1)"} { // it fell away before it was due
		ends.Ends = before
		wantBoth(t, judged(t, ends, "right", Input{}, wrong), VerdictNotApplicable, VerdictNotApplicable)
	}
}

func TestAnOldLapseThatEndedIsNotUnknownForWhatNobodyKnows(t *testing.T) {
	ends := content.Event{Due: "due_at", Done: "done_at", Ends: "due_at + days(1)"}
	wantBoth(t, judged(t, ends, "right", Input{}, map[string]any{"due_at": "2025-03-01T10:00:00Z", "done_at": "2025-03-01T10:00:00Z"}), VerdictNotApplicable, VerdictNotApplicable)
	wantBoth(t, judged(t, ends, "right", Input{}, map[string]any{"due_at": "2026-03-09T10:00:00Z", "done_at": "2026-03-09T10:00:00Z"}), VerdictUnknown, VerdictUnknown)
}

func TestTheDayOfAnEventIsTheOneOfTheOrganisation(t *testing.T) {
	late := map[string]any{"due_at": "2026-03-09T10:00:00Z", "done_at": "2026-03-09T20:00:00Z"} // made good on the 10th in Auckland, and on the 9th in UTC
	wantBoth(t, judged(t, plainEvent, "", Input{}, late), VerdictPass, VerdictNotApplicable)
	days := NewDays(zone(t, "Pacific/Auckland"))
	wantBoth(t, judged(t, plainEvent, "", Input{Zone: zone(t, "Pacific/Auckland"), Days: days}, map[string]any{"due_at": "2026-03-10T10:00:00Z", "done_at": "2026-03-10T11:30:00Z"}), VerdictPass, VerdictFail)
}

func TestAnEventBlockThatCannotJudgeIsRefusedByName(t *testing.T) {
	for want, change := range map[string]func(*content.Test){
		"x.test.event.due: it is missing":                                                   func(d *content.Test) { d.Event.Due = "" },
		"x.test.event.done: it is missing":                                                  func(d *content.Test) { d.Event.Done = "" },
		"x.test.event.due: it gives bool, and a time is wanted":                             func(d *content.Test) { d.Event.Due = "right" },
		"x.test.event.done: column 1: event has no attribute dune_at; did you mean done_at": func(d *content.Test) { d.Event.Done = "dune_at" },
		"x.test.event.due: it reads no attribute of the resource":                           func(d *content.Test) { d.Event.Due = "now" },
		"x.test.event: events are judged one by one":                                        func(d *content.Test) { d.Over, d.By = "group", []string{"name"} },
		"x.test.empty: without an event":                                                    func(d *content.Test) { d.Empty = "fail" },
		"x.test.params.window_days: it must be a whole number between 1 and 3660":           func(d *content.Test) { d.Params = map[string]any{"window_days": 0} },
		"x.test.condition: it is true for every resource":                                   func(d *content.Test) { d.Condition = "right || true" },
	} {
		def := testOf("", "")
		def.Kind, def.Event = "event", &content.Event{Due: "due_at", Done: "done_at"}
		change(&def)
		never := false
		_, err := Compile([]content.Test{def}, []content.ResourceKind{{Kind: "event", Title: "events", Attributes: []content.Attribute{{Name: "name", Type: "string"},
			{Name: "due_at", Type: "time", Past: &never}, {Name: "done_at", Type: "time", Past: &never}, {Name: "right", Type: "bool"}}}})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAnEventIsExplainedInWords(t *testing.T) {
	for id, want := range map[string]string{
		"siem.alert_closed": "Passes when: closed_at is not after created_at plus 5 business days, and disposition is given\nWindow: events due in the last 92 days",
		"vcs.change_tested": "Passes when: as of merged_at, checks_passed is yes\n",
		"deploy.linked":     "No longer open after: the end of the day of deployed_at plus 1 days. From then on it counts as late\n",
		"hr.screened":       "Passes when: the end of the day of background_check.completed_on is not after the end of the day of start_on plus 30 days\n",
	} {
		if r, _ := catalogue(t).Rule(id); !strings.Contains(r.Explain(), want) {
			t.Errorf("%s\nlacks\n%s", r.Explain(), want)
		}
	}
}
