// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"cel.dev/cel-go/common/types/ref"
)

// Input is what an evaluation looks at.
type Input struct {
	Now        time.Time
	Resources  *Population
	Exceptions []Exception
	Zone       *time.Location // of the organisation; nil is UTC
	Holidays   Holidays
	Days       *Days           // of the organisation, whatever zones it had; nil are those of Zone
	Since      time.Time       // when the programme began: no event that was due before it is judged; zero judges all
	Halt       <-chan struct{} // once it is closed, an evaluation ends early, and its outcome is to be thrown away; nil never does

	example bool // the resources are those of an example
}

// halted says, at every 256th resource, whether nobody wants the outcome any more.
func (in *Input) halted(i int) bool {
	if in.Halt == nil || i&255 != 0 {
		return false
	}
	select {
	case <-in.Halt:
		return true
	default:
		return false
	}
}

func (in *Input) calendar() *Calendar { return NewCalendar(in.Zone, in.Holidays) }

// Exception excuses one resource from one test for a time. Before and after it has no effect (INV-03).
type Exception struct {
	ID        string
	Test      string
	Resource  string // ID of a resource, or of a group
	StartsAt  time.Time
	ExpiresAt time.Time
}

// Result is what a test says of one resource or group.
type Result struct {
	Resource  string         `json:"resource"`
	Verdict   Verdict        `json:"verdict"`
	Message   string         `json:"message,omitempty"`   // empty where it passed
	Observed  map[string]any `json:"observed,omitempty"`  // what decided, where it did not pass; what is unknown is not in it
	Exception string         `json:"exception,omitempty"` // that excuses it

	day  Verdict // of an event: what the letter of the day takes of it
	late bool    // of an event: a lapse of the window that is over
}

// Outcome is what one evaluation of a test came to.
type Outcome struct {
	Test        string   `json:"test"`
	Version     string   `json:"version"`
	State       Verdict  `json:"state"`
	Reason      string   `json:"reason"`
	Evaluated   int      `json:"evaluated"` // resources or groups that the filter let through, or may have
	Passed      int      `json:"passed"`
	Failed      int      `json:"failed"`
	Excepted    int      `json:"excepted"`
	Unknown     int      `json:"unknown"`
	Errors      int      `json:"errors"`
	OutOfFilter int      `json:"out_of_filter"`
	Results     []Result `json:"results"`
	OnDay       *OnDay   `json:"on_day,omitempty"` // of a test over events alone
}

// Evaluate tests all resources. It uses all processors where there is enough to do.
func (r *Rule) Evaluate(in *Input) Outcome {
	out := Outcome{Test: r.Def.ID, Version: r.Version}
	if r.stopped(&out, in) {
		if r.event != nil {
			out.OnDay = &OnDay{State: out.State, Reason: out.Reason, Days: r.event.days}
		}
		return out
	}
	in = in.sober(r.kinds)
	resources := in.Resources.Set(r.Def.Kind).Resources
	excuses := excusesFor(in, r.Def.ID)
	present := 0
	for _, b := range resources {
		if !b.Gone {
			present++
		}
	}
	if r.Def.Over == "each" {
		r.each(&out, in, resources, excuses)
		if present > 0 || !r.plan.kind.neverEmpty { // none of what there always is, is an error of its own (INV-08)
			r.missing(&out, in, resources, excuses)
		}
	} else {
		r.aggregate(&out, in, resources, excuses)
	}
	r.conclude(&out, present)
	if kind := r.importedKind(in); kind != "" && out.Evaluated > 0 {
		out.Reason += fmt.Sprintf(" (%s are imported: Assay does not keep them itself yet)", kind)
	}
	return out
}

// EvaluateOne tests one resource alone, as Evaluate would have. A resource that the filter leaves
// out is not applicable. Only for rules that are Single, and when all kinds were read completely.
func (r *Rule) EvaluateOne(in *Input, b *Bound) Result {
	if !r.Single() || b.kind != r.plan.kind {
		return Result{Resource: b.ID, Verdict: VerdictError, Message: "this test does not look at this resource alone"}
	}
	var stopped Outcome
	if r.stopped(&stopped, in) {
		return Result{Resource: b.ID, Verdict: stopped.State, Message: stopped.Reason}
	}
	if b.Gone && !r.seesGone {
		return Result{Resource: b.ID, Verdict: VerdictNotApplicable}
	}
	set := in.Resources.Set(b.Kind())
	b = b.sober(set.until(in.Now), in.Zone)
	return r.one(r.frame(in.sober(r.kinds)), b, excusesFor(in, r.Def.ID))
}

// stopped settles the outcome where the sources do not allow an evaluation (INV-06, INV-07).
func (r *Rule) stopped(out *Outcome, in *Input) bool {
	if r.hollow != nil {
		out.State, out.Reason = VerdictError, "the test says nothing: "+r.hollow.Text
		return true
	}
	need, lacking := r.Need(in.supplied)
	if lacking && slices.Contains(need.Kinds, r.Def.Kind) {
		out.State, out.Reason = VerdictUnknown, need.String()
		return true
	}
	for _, k := range r.kinds {
		if s := in.Resources.Set(k); s.State == SourceFailed || s.State == SourcePartial {
			out.State, out.Reason = VerdictError, unread(k, s)
			return true
		}
	}
	if lacking {
		out.State, out.Reason = VerdictUnknown, need.String()
	}
	return lacking
}

func unread(kind string, s Set) string {
	what := "could not be read"
	if s.State == SourcePartial {
		what = "was not read to its end"
	}
	if s.Reason == "" {
		return fmt.Sprintf("the source of %s %s", kind, what)
	}
	return fmt.Sprintf("the source of %s %s: %s", kind, what, s.Reason)
}

func (in *Input) supplied(kind string) bool { return in.Resources.Set(kind).State != SourceNever }

// excusesFor gives the exceptions in force now, by resource.
func excusesFor(in *Input, test string) map[string]string {
	var out map[string]string
	for _, x := range in.Exceptions {
		if x.Test != test || in.Now.Before(x.StartsAt) || !in.Now.Before(x.ExpiresAt) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[x.Resource] = x.ID
	}
	return out
}

// parallelFrom is the number of resources from which dividing the work pays.
const parallelFrom = 1024

func (r *Rule) each(out *Outcome, in *Input, resources []*Bound, excuses map[string]string) {
	workers := 1
	if len(resources) >= parallelFrom {
		workers = runtime.GOMAXPROCS(0)
	}
	share := (len(resources) + workers - 1) / workers
	var counts []ref.Val
	if len(r.counts) > 0 {
		f := newFrame(r.plan, in)
		r.count(f, resources)
		counts = f.counts
	}
	results, filled := make([]Result, len(resources)), make([]int, workers)
	looked := make([]int, workers)
	var wait sync.WaitGroup
	for w := range workers {
		from, to := min(w*share, len(resources)), min((w+1)*share, len(resources))
		work := func() {
			filled[w], looked[w] = r.some(in, counts, resources[from:to], results[from:to], excuses)
		}
		if w == workers-1 {
			work()
			break
		}
		wait.Go(work)
	}
	wait.Wait()
	n := 0
	for w := range workers {
		from := min(w*share, len(resources))
		n += copy(results[n:], results[from:from+filled[w]])
		out.OutOfFilter += looked[w] - filled[w]
	}
	out.Results = results[:n]
}

// some tests a share of the resources; it returns how many results it wrote and how many it looked at.
func (r *Rule) some(in *Input, counts []ref.Val, resources []*Bound, results []Result, excuses map[string]string) (written, looked int) {
	f := r.frame(in)
	copy(f.counts, counts)
	for i, b := range resources {
		if in.halted(i) {
			break
		}
		if b.Gone && !r.seesGone {
			continue
		}
		looked++
		if res := r.one(f, b, excuses); res.Verdict != VerdictNotApplicable {
			results[written] = res
			written++
		}
	}
	return written, looked
}

// one tests one resource. No fault in an expression, nor in the engine, reaches the caller as a panic.
func (r *Rule) one(f *frame, b *Bound, excuses map[string]string) (res Result) {
	defer func() {
		if p := recover(); p != nil {
			res = Result{Resource: b.ID, Verdict: VerdictError, day: VerdictError, Message: fmt.Sprintf("%s: the test could not be evaluated: %v", b.Name, p)}
		}
	}()
	f.on(b)
	if a := r.filter.eval(f); a.truth != isTrue {
		if a.truth == isFalse {
			return Result{Resource: b.ID, Verdict: VerdictNotApplicable}
		}
		return r.doubt(f, b, a, excuses)
	}
	if r.event != nil {
		return r.oneEvent(f, b, excuses)
	}
	a := r.condition.eval(f)
	if a.truth == isTrue {
		return Result{Resource: b.ID, Verdict: VerdictPass}
	}
	return r.explainOne(f, b.ID, b.Name, a, excuses)
}

// explainOne makes the result of what did not pass, with its message and what was observed.
func (r *Rule) explainOne(f *frame, id, name string, a answer, excuses map[string]string) Result {
	res := Result{Resource: id, Observed: f.observe(r.observed)}
	switch a.truth {
	case isFalse:
		res.Verdict, res.Message = VerdictFail, r.message.render(f)
		if x, ok := excuses[id]; ok {
			res.Verdict, res.Exception = VerdictExcepted, x
		}
	case isError:
		res.Verdict, res.Message = VerdictError, name+": the test could not be evaluated: "+a.err
	default:
		res.Verdict, res.Message = VerdictUnknown, name+": "+f.unknowns(a.missing)
	}
	return res
}

// conclude counts the results and draws the verdict of the whole; of a test over events that of the day too.
func (r *Rule) conclude(out *Outcome, resources int) {
	r.draw(out, resources)
	if r.event != nil {
		r.onDay(out, resources)
	}
}

// draw counts the results and draws the verdict of them: the worst that there is.
func (r *Rule) draw(out *Outcome, resources int) {
	for i := range out.Results {
		switch out.Results[i].Verdict {
		case VerdictPass:
			out.Passed++
		case VerdictFail:
			out.Failed++
		case VerdictExcepted:
			out.Excepted++
		case VerdictError:
			out.Errors++
		default:
			out.Unknown++
		}
	}
	out.Evaluated = len(out.Results)
	switch {
	case out.Evaluated == 0:
		out.State, out.Reason = r.nothing(resources)
	case out.Failed > 0:
		out.State, out.Reason = VerdictFail, tally(out.Failed, out.Evaluated, "failed", out, VerdictFail)
	case out.Errors > 0:
		out.State, out.Reason = VerdictError, tally(out.Errors, out.Evaluated, "could not be evaluated", out, VerdictError)
	case out.Unknown > 0:
		out.State, out.Reason = VerdictUnknown, tally(out.Unknown, out.Evaluated, "unknown", out, VerdictUnknown)
	case out.Excepted > 0:
		out.State, out.Reason = VerdictExcepted, fmt.Sprintf("%d of %d failed, and an exception covers each", out.Excepted, out.Evaluated)
	default:
		out.State, out.Reason = VerdictPass, fmt.Sprintf("%d of %d passed", out.Passed, out.Evaluated)
	}
}

// Narrow is the outcome for some of the resources only, as a control sees it that a test counts for
// on those alone. An outcome without results, because nothing could be evaluated, stays as it is.
func (r *Rule) Narrow(out Outcome, keep func(resource string) bool) Outcome {
	if out.Evaluated == 0 {
		return out
	}
	part := Outcome{Test: out.Test, Version: out.Version, OutOfFilter: out.OutOfFilter}
	for _, res := range out.Results {
		if keep(res.Resource) {
			part.Results = append(part.Results, res)
		}
	}
	r.conclude(&part, len(out.Results))
	return part
}

// nothing is the verdict when there was nothing to look at (INV-08).
func (r *Rule) nothing(resources int) (Verdict, string) {
	switch {
	case resources == 0 && r.plan.kind.neverEmpty:
		return VerdictError, fmt.Sprintf("the source supplied no %s, and there are always some: check what it may read", r.Def.Kind)
	case r.Def.Empty == "fail":
		return VerdictFail, fmt.Sprintf("there is no %s that this test could find", r.Def.Kind)
	case r.Def.Empty == "error":
		return VerdictError, fmt.Sprintf("the source supplied no %s that this test could look at", r.Def.Kind)
	default:
		return VerdictNotApplicable, "there is nothing that this test speaks of"
	}
}

// tally says how many there are of a verdict, with the first of them.
func tally(n, of int, word string, out *Outcome, v Verdict) string {
	for i := range out.Results {
		if out.Results[i].Verdict == v {
			return fmt.Sprintf("%d of %d %s: %s", n, of, word, out.Results[i].Message)
		}
	}
	return fmt.Sprintf("%d of %d %s", n, of, word)
}
