// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"assay/content"
	"assay/internal/errs"
)

// A test over past events judges them in a window (F-00, F-02). What it comes to now looks at the trailing days of the
// window: a lapse that is open fails, one that is over is counted as late, an older one counts no more. The letter of a
// day looks at that day alone: at what was due on it, and at what was overdue on any part of it.

const (
	windowParam = "window_days"
	windowDays  = 92 // where the test says nothing
	longest     = 3660
)

// event is what a test over events compiled to.
type event struct {
	due  *expr
	done *expr // nil: the event is of one moment
	ends *expr // nil: a lapse is open until it is made good
	days int   // of the window
}

// OnDay is what a test over events came to for the letter of the day of its run.
type OnDay struct {
	State  Verdict         `json:"state"`
	Reason string          `json:"reason"`
	Judged int             `json:"judged"` // events that were due on the day or overdue on it
	Open   int             `json:"open"`   // lapses that nobody has made good, waived ones among them
	Late   int             `json:"late"`   // lapses of the window that are over
	Days   int             `json:"window_days"`
	Rows   map[string]Word `json:"rows,omitempty"` // where they belong to policies
}

// OfDay is what an outcome says of the day of its run, and why.
func (o Outcome) OfDay() (Verdict, string) {
	if o.OnDay != nil {
		return o.OnDay.State, o.OnDay.Reason
	}
	return o.State, o.Reason
}

// Event reports whether the test judges past events in a window.
func (r *Rule) Event() bool { return r.event != nil }

// WindowDays is over how many days a test over events looks back.
func (r *Rule) WindowDays() int {
	if r.event == nil {
		return 0
	}
	return r.event.days
}

// withWindow gives a test over events its parameter, so that it can be changed as any other.
func withWindow(t content.Test) content.Test {
	if t.Event != nil && *t.Event == (content.Event{}) {
		t.Event = nil // event: {} in an override makes it a test over resources again
	}
	if t.Event == nil || t.Params[windowParam] != nil {
		return t
	}
	params := map[string]any{windowParam: windowDays}
	for k, v := range t.Params {
		params[k] = v
	}
	t.Params = params
	return t
}

// checkEvent checks what is not an expression.
func checkEvent(t content.Test) error {
	if t.Event == nil {
		return nil
	}
	at := func(field string) string { return t.ID + "." + field }
	days, whole := wholeNumber(t.Params[windowParam])
	switch {
	case t.Event.Due == "":
		return errs.At(at("event.due"), "it is missing").Mend("write when the event is due, such as created_at + hours(8)")
	case t.Event.Done == "" && t.Condition == "":
		return errs.At(at("event.done"), "it is missing").Mend("write the attribute that says when the event was done, or a condition that says whether it was right")
	case t.Over != "each":
		return errs.At(at("event"), "events are judged one by one").Mend("leave out over, or leave out event")
	case t.Expect != nil:
		return errs.At(at("expect"), "a test over events expects no rows").Mend("leave out expect, or leave out event")
	case t.Empty != "not_applicable":
		return errs.At(at("empty"), "without an event in the window a test over events is not applicable").Mend("leave out empty, or leave out event")
	case !whole || days < 1 || days > longest:
		return errs.At(at("params."+windowParam), "it must be a whole number between 1 and %d", longest)
	}
	return nil
}

// expressions are those of the rule that are there.
func (r *Rule) expressions() []*expr {
	out := []*expr{r.filter, r.condition}
	if r.event != nil {
		for _, e := range []*expr{r.event.due, r.event.done, r.event.ends} {
			if e != nil {
				out = append(out, e)
			}
		}
	}
	return append(out, r.counts...)
}

// windowAt is the window of a run: what is the same for all its events.
type windowAt struct {
	now, since        time.Time // since: what was due before it is not judged; zero where all is
	from              time.Time // when the window begins
	dayFrom, dayUntil time.Time
}

func (r *Rule) windowAt(in *Input) windowAt {
	w := windowAt{now: in.Now, since: in.Since, from: in.Now.AddDate(0, 0, -r.event.days)}
	days := in.Days
	if days == nil {
		days = NewDays(in.calendar().zone)
	}
	d := days.DayOf(in.Now)
	if w.dayFrom, w.dayUntil = days.Start(d), days.Start(d+1); w.dayFrom.Before(w.from) {
		w.from = w.dayFrom
	}
	return w
}

// standing is how one event stands: for what the test comes to now, and for the letter of the day.
type standing struct {
	now, day Verdict
	late     bool // a lapse of the window that is over
}

// notJudged is an event that nothing is said of.
var notJudged = standing{now: VerdictNotApplicable, day: VerdictNotApplicable}

// judge says how an event stands that was due at a moment and done, or over, at another; zero is not yet.
func (w *windowAt) judge(due, over time.Time) standing {
	s := notJudged
	switch {
	case due.Before(w.since):
		return s
	case over.IsZero() || over.After(due) && !due.Before(w.now):
		if due.Before(w.now) {
			return standing{now: VerdictFail, day: VerdictFail}
		}
		return s // it is not due yet
	case over.After(due):
		if !over.Before(w.from) {
			s.now, s.late = VerdictPass, true
		}
		if over.After(w.dayFrom) {
			s.day = VerdictFail // it was overdue on a part of the day
		}
		return s
	}
	if !due.Before(w.from) {
		s.now = VerdictPass
	}
	if !due.Before(w.dayFrom) && due.Before(w.dayUntil) {
		s.day = VerdictPass
	}
	return s
}

// oneEvent tests one event that the filter let through.
func (r *Rule) oneEvent(f *frame, b *Bound, excuses map[string]string) Result {
	due, a := r.event.due.time(f)
	if a.truth != isTrue {
		return r.doubt(f, b, a, excuses)
	}
	if due.IsZero() {
		return Result{Resource: b.ID, Verdict: VerdictUnknown, day: VerdictUnknown, Message: b.Name + ": there is no date by which it is due", Observed: f.observe(r.observed)}
	}
	if due.Before(f.window.since) {
		return Result{Resource: b.ID, Verdict: VerdictNotApplicable, day: VerdictNotApplicable}
	}
	over, a := r.doneAt(f, due)
	ends, e := r.endsAt(f, a, over)
	switch {
	case e.truth == isTrue && !ends.IsZero() && !ends.After(due): // it fell away before it was due
		return Result{Resource: b.ID, Verdict: VerdictNotApplicable, day: VerdictNotApplicable}
	case a.truth != isTrue && e.truth == isTrue && !ends.IsZero() && ends.Before(f.window.from): // whatever it was, it counts no more
		return Result{Resource: b.ID, Verdict: VerdictNotApplicable, day: VerdictNotApplicable}
	case a.truth != isTrue:
		return r.doubt(f, b, a, excuses)
	case e.truth != isTrue:
		return r.doubt(f, b, e, excuses)
	case over.IsZero() && !ends.After(f.window.now):
		over = ends
	}
	return r.said(f, b, f.window.judge(due, over), excuses)
}

// doneAt is when an event was done as it must be; zero where it was not.
func (r *Rule) doneAt(f *frame, due time.Time) (time.Time, answer) {
	done, a := due, answer{truth: isTrue}
	if r.event.done != nil {
		done, a = r.event.done.time(f)
	}
	if a.truth != isTrue || done.IsZero() {
		return time.Time{}, a
	}
	switch a = r.condition.eval(f); a.truth {
	case isTrue:
		return done, a
	case isFalse:
		return time.Time{}, answer{truth: isTrue}
	}
	return time.Time{}, a
}

// endsAt is until when a lapse counts as open: it is asked where the event was not done, or where that is not known.
func (r *Rule) endsAt(f *frame, a answer, over time.Time) (time.Time, answer) {
	if r.event.ends == nil || a.truth == isTrue && !over.IsZero() {
		return time.Time{}, answer{truth: isTrue}
	}
	return r.event.ends.time(f)
}

// doubt is the result of an event of which something is not known.
func (r *Rule) doubt(f *frame, b *Bound, a answer, excuses map[string]string) Result {
	res := r.explainOne(f, b.ID, b.Name, a, excuses)
	res.day = res.Verdict
	return res
}

// said makes the result of an event that is judged.
func (r *Rule) said(f *frame, b *Bound, s standing, excuses map[string]string) Result {
	if s.now == VerdictNotApplicable || s.now == VerdictPass && !s.late {
		return Result{Resource: b.ID, Verdict: s.now, day: s.day}
	}
	res := r.explainOne(f, b.ID, b.Name, answer{truth: isFalse}, excuses)
	res.day, res.late = s.day, s.late && res.Exception == ""
	if s.day == VerdictFail && res.Exception != "" {
		res.day = VerdictExcepted
	}
	if s.now == VerdictPass { // made good: what was wrong stays written beside it
		res.Verdict, res.Exception = VerdictPass, ""
	}
	return res
}

// onDay draws what the letter of the day takes.
func (r *Rule) onDay(out *Outcome, resources int) {
	d := &OnDay{Days: r.event.days}
	day := Outcome{}
	for i := range out.Results {
		x := &out.Results[i]
		if x.late {
			d.Late++
		}
		if x.Verdict == VerdictFail || x.Verdict == VerdictExcepted {
			d.Open++
		}
		if x.day != VerdictNotApplicable {
			day.Results = append(day.Results, Result{Resource: x.Resource, Verdict: x.day, Message: x.Message})
		}
	}
	r.draw(&day, resources)
	d.State, d.Reason, d.Judged = day.State, day.Reason, day.Evaluated
	if day.Evaluated == 0 && day.State == VerdictNotApplicable {
		d.Reason = "no event was due or overdue on this day"
	}
	if _, ofPolicies := r.plan.kind.slots["policy_ref"]; ofPolicies && len(day.Results) > 0 {
		d.Rows = map[string]Word{}
		for _, x := range day.Results {
			d.Rows[x.Resource] = WordOf(x.Verdict)
		}
	}
	if d.Late > 0 && (out.State == VerdictPass || out.State == VerdictExcepted) {
		for _, x := range out.Results {
			if x.late {
				out.Reason += fmt.Sprintf("; %d late in the last %d days: %s", d.Late, r.event.days, x.Message)
				break
			}
		}
	}
	if out.Evaluated == 0 && out.State == VerdictNotApplicable {
		out.Reason = fmt.Sprintf("no event was due in the last %d days", r.event.days)
	}
	out.OnDay = d
}

// time is the moment that an expression comes to; zero where that is null. The answer is true where it is known.
func (e *expr) time(f *frame) (time.Time, answer) {
	if e.fastVal != nil {
		if at, ok := timeOf(e.fastVal(f)); ok {
			return at, answer{truth: isTrue}
		}
	}
	out, err := e.run(f)
	if err != nil {
		return time.Time{}, e.failed(f, err)
	}
	if at, ok := timeOf(out); ok {
		return at, answer{truth: isTrue}
	}
	if u, ok := out.(*types.Unknown); ok {
		return time.Time{}, answer{truth: isUnknown, missing: missing(u)}
	}
	return time.Time{}, answer{truth: isError, err: fmt.Sprintf("it came to %s, and a time is wanted", short(out.Value()))}
}

func timeOf(v ref.Val) (time.Time, bool) {
	switch x := v.(type) {
	case types.Timestamp:
		return x.Time, true
	case types.Null:
		return time.Time{}, true
	}
	return time.Time{}, false
}
