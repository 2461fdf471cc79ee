// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// Nothing that can be done today changes a day that is over. What is tried is derived from the list of operations; the
// inputs that would repaint a day, if anything could, stand in lies. Files of the data folder and another catalogue are
// beside them: they are no operations.

// mayChange are operations that change a closed day by right, each with the reason. Late runs do, and are tried apart.
var mayChange = map[string]string{}

func springs(t *testing.T, fn func(*testing.T, *spring)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, newSpring(t, "")) })
	if !testkit.Fast() {
		t.Run("postgres", func(t *testing.T) { fn(t, newSpring(t, testkit.PostgresDSN(t))) })
	}
}

func TestTheCompanyOfTwelveDaysHoldsAllLetters(t *testing.T) {
	springs(t, func(t *testing.T, s *spring) {
		p := s.take(t, s.app.Boards)
		seen := map[string]map[rune]bool{}
		for k, v := range p {
			what := strings.Fields(k)[1]
			if seen[what] == nil {
				seen[what] = map[rune]bool{}
			}
			seen[what][[]rune(v)[0]] = true
		}
		for _, what := range []string{"test", "control", "criterion"} {
			for _, l := range "PFXENZ–" {
				if !seen[what][l] {
					t.Errorf("no %s has a %c", what, l)
				}
			}
		}
		for what, want := range strips {
			if got := p.letters(s, what); got != want {
				t.Errorf("%s is %s, and was lived as %s", what, got, want)
			}
		}
	})
}

// whole is what every face says of the closed days, and readiness as of the last moment of each.
func (s *spring) whole(t *testing.T, boards *report.Boards) picture {
	t.Helper()
	p := s.take(t, boards)
	maps.Copy(p, s.faces(t, false))
	maps.Copy(p, s.readiness(t))
	return p
}

// readiness is how ready the company was at the last moment of each day.
func (s *spring) readiness(t *testing.T) picture {
	t.Helper()
	p, boards := picture{}, s.fresh()
	for _, d := range s.days {
		_, ends, err := s.app.Gate.Days(t.Context(), s.org, d.Start(time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		at := ends.Add(-time.Millisecond)
		if err := s.app.DB.View(t.Context(), s.org, at, store.System("test"), func(v *store.View) error {
			b, err := boards.Of(t.Context(), v, 90)
			if err == nil {
				p[d.String()+" readiness"] = fmt.Sprint(b.Readiness.Exact.RatString(), b.Readiness.Failing, b.Readiness.Zero, b.Areas)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// faces are the same days as people are shown them; quick leaves out what the board has said already.
func (s *spring) faces(t *testing.T, quick bool) picture {
	t.Helper()
	p, n := picture{}, 18
	ask := func(name string, in map[string]any) map[string]any {
		return s.must(t, s.full(s.org), s.h.Set.Find(name), in)
	}
	lay := func(what string, row map[string]any, newest string) {
		first, err := check.ParseDay(newest)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range row["spans"].([]any) {
			span := x.(map[string]any)
			for range int(span["days"].(float64)) {
				if slices.Contains(s.days, first) {
					p[fmt.Sprintf("%s %s", first, what)] = words(span["letter"], span["reason"])
				}
				first--
			}
		}
	}
	grid := ask("monitoring.grid", map[string]any{"days": n})
	for _, r := range grid["rows"].([]any) {
		row := r.(map[string]any)
		lay("row in scope "+row["ref"].(string), row, grid["newest"].(string))
	}
	grid = ask("monitoring.grid", map[string]any{"all": true, "days": n})
	for _, r := range grid["rows"].([]any) {
		row := r.(map[string]any)
		ref := row["ref"].(string)
		lay("row of "+ref, row, grid["newest"].(string))
		if quick && !strings.HasPrefix(ref, "CC1.") {
			continue
		}
		below := ask("monitoring.controls", map[string]any{"criterion": ref, "days": n})
		for _, r := range below["rows"].([]any) {
			row := r.(map[string]any)
			lay("row of "+ref+" "+row["ref"].(string), row, below["newest"].(string))
		}
	}
	refs := slices.Sorted(maps.Keys(strips))
	if !quick {
		for _, id := range []string{"IAM-02", "IAM-03", "CC6.1", "P1.1"} {
			refs = append(refs, id)
		}
	}
	for _, ref := range refs {
		if strings.HasPrefix(ref, "OWN-") || strings.HasPrefix(ref, "IAM-") {
			lay("status of "+ref, ask("control.status", map[string]any{"ref": ref, "days": n})["row"].(map[string]any), grid["newest"].(string))
		}
		for i, d := range s.days {
			if quick && i != 3 && i != 7 && i != 10 {
				continue
			}
			day, err := s.try(s.full(s.org), "monitoring.day", map[string]any{"subject": ref, "day": d.String()})
			if err != nil {
				continue // on a board without a day of its own a retired control is not found
			}
			p[fmt.Sprintf("%s day of %s", d, ref)] = words(day["letter"], day["reason"])
			for _, x := range day["parts"].([]any) {
				if part := x.(map[string]any); part["kind"] == "test" {
					delete(part, "text") // what a test is called is as the catalogue of today says
				}
			}
			p[fmt.Sprintf("%s what made %s", d, ref)] = fmt.Sprint(day["parts"], " ", day["checks"])
		}
	}
	return p
}

// words are what is there of some values.
func words(all ...any) string {
	var out []string
	for _, v := range all {
		if v != nil && v != "" {
			out = append(out, fmt.Sprint(v))
		}
	}
	return strings.Join(out, " ")
}

// trial holds what a closed day says against what it said before, after each thing that is done.
type trial struct {
	*spring
	was     picture         // of the board
	seen    picture         // of the faces
	allowed map[string]bool // of mayChange, what did change something
	tried   map[string]int  // operations that did their work
	refused map[string]error
}

// shown compares once something was done what the faces say, and what the board says.
func (x *trial) shown(t *testing.T, what string) {
	t.Helper()
	now := x.faces(t, true)
	if diff := x.seen.differs(now); len(diff) > 0 {
		t.Errorf("%s changed what is shown of closed days: %s", what, some(diff))
	}
	x.seen = now
	x.after(t, what)
}

// after compares once something was done what the board says, and goes on from what is there now.
func (x *trial) after(t *testing.T, what string) {
	t.Helper()
	now := x.take(t, x.app.Boards)
	diff := x.was.differs(now)
	x.was = now
	if len(diff) == 0 {
		return
	}
	name, _, _ := strings.Cut(what, " ")
	if mayChange[name] != "" {
		x.allowed[name] = true
		return
	}
	t.Errorf("%s changed closed days: %s", what, some(diff))
}

func some(all []string) string {
	if len(all) > 6 {
		return fmt.Sprintf("%s … (%d in all)", strings.Join(all[:6], "; "), len(all))
	}
	return strings.Join(all, "; ")
}

// changing are the operations that change something, those that end things last.
func changing(s *op.Set) []*op.Op {
	ops := slices.DeleteFunc(slices.Clone(s.All()), func(o *op.Op) bool { return !o.Writes && !o.Slow })
	slices.SortStableFunc(ops, func(a, b *op.Op) int { return boolInt(a.Verb == "end") - boolInt(b.Verb == "end") })
	return ops
}

func TestNothingDoneTodayChangesAClosedDay(t *testing.T) {
	springs(t, func(t *testing.T, s *spring) {
		whole := s.whole(t, s.fresh())
		x := &trial{spring: s, allowed: map[string]bool{}, tried: map[string]int{}, refused: map[string]error{}}
		x.was, x.seen = s.take(t, s.app.Boards), s.faces(t, true)
		t.Run("the calls that would repaint", x.lies)
		t.Run("each operation on something new", x.onNew)
		t.Run("each operation on what is there", x.onOld)
		t.Run("a clock that is set back", x.clockBack)
		s.clock.Move(26 * time.Hour)
		if _, err := s.app.Works.Cycle(t.Context(), s.org, store.System("check.run"), "schedule", nil, nil); err != nil {
			t.Error(err)
		}
		x.shown(t, "the day after")
		if diff := whole.differs(s.whole(t, s.fresh())); len(diff) > 0 {
			t.Errorf("read anew: %s", some(diff))
		}
		for _, o := range changing(s.h.Set) {
			if x.tried[o.Name] == 0 && x.apart[o.Name] == "" {
				t.Errorf("%s never did its work: %v", o.Name, x.refused[o.Name])
			}
		}
		for name := range mayChange {
			if !x.allowed[name] {
				t.Errorf("%s may change closed days, and did not", name)
			}
		}
	})
}

// call calls an operation and looks at the closed days. A refusal is as good as an answer: nothing was done.
func (x *trial) call(t *testing.T, by op.Actor, name string, in map[string]any) map[string]any {
	t.Helper()
	out, err := x.try(by, name, in)
	if err != nil {
		if errs.Public(err).Code == errs.Internal {
			t.Errorf("%s %v: %v", name, in, err)
		}
		x.refused[name] = err
		return nil
	}
	x.tried[name]++
	return out
}

// onNew calls each operation with a good input about something that was made for it.
func (x *trial) onNew(t *testing.T) {
	for _, o := range changing(x.h.Set) {
		if why := x.apart[o.Name]; why != "" {
			t.Logf("%s is not called here: %s", o.Name, why)
			continue
		}
		in := x.input(t, x.org, o, true)
		if !testkit.Fast() { // else it is told with the operation
			x.after(t, "what "+o.Name+" is about")
		}
		if x.call(t, x.full(x.org), o.Name, in) == nil && x.learns(o) {
			in = x.input(t, x.org, o, true)
			x.call(t, x.full(x.org), o.Name, in)
		}
		if x.tried[o.Name] == 0 {
			t.Errorf("%s %v: %v", o.Name, in, x.refused[o.Name])
		}
		x.after(t, fmt.Sprint(o.Name, " ", in))
	}
	x.shown(t, "something new")
}

// TestADayStaysAsItWasWhenItClosed lives on: some of the lies on each day, and each day is pictured as soon as it is closed.
func TestADayStaysAsItWasWhenItClosed(t *testing.T) {
	springs(t, func(t *testing.T, s *spring) {
		closed, ready := s.take(t, s.app.Boards), s.readiness(t)
		for i, l := range lies {
			s.clock.Move(time.Minute)
			l.do(t, s)
			if i%4 != 3 && i != len(lies)-1 {
				continue
			}
			s.clock.Move(time.Hour)
			s.run(t, i%8 == 3)
			s.clock.Move(24 * time.Hour)
			old := len(s.days)
			for d := s.days[old-1] + 1; s.closed(d); d++ {
				s.days = append(s.days, d)
			}
			now, then := s.take(t, s.app.Boards), s.readiness(t)
			for k, v := range now {
				for _, d := range s.days[old:] {
					if strings.HasPrefix(k, d.String()) {
						closed[k] = v
					}
				}
			}
			if diff := closed.differs(now); len(diff) > 0 {
				t.Errorf("on the day after %q: %s", l.name, some(diff))
			}
			for k, v := range ready {
				if then[k] != v {
					t.Errorf("after %q readiness of %s was %s and is %s", l.name, k, v, then[k])
				}
			}
			closed, ready = now, then
		}
		if len(s.days) < 19 {
			t.Errorf("only %d days have closed", len(s.days))
		}
		if diff := closed.differs(s.take(t, s.fresh())); len(diff) > 0 {
			t.Errorf("read anew: %s", some(diff))
		}
	})
}

// closed says whether a day is over for good.
func (s *spring) closed(d check.Day) bool {
	day, err := s.try(s.full(s.org), "monitoring.day", map[string]any{"subject": "CC1.5", "day": d.String()})
	return err == nil && day["closed"] == true
}

// learns says whether an operation was refused for want of a field that is given when its thing is made.
func (x *trial) learns(o *op.Op) bool {
	create, f := x.h.Set.Find(o.Kind+".create"), errs.Public(x.refused[o.Name]).Field
	if create == nil || field(create, f).Name == "" || x.learned[o.Kind][f] {
		return false
	}
	x.learn(o.Kind, f)
	return true
}

// onOld calls each operation about a thing on the things that made the closed days, an update once with each field.
func (x *trial) onOld(t *testing.T) {
	for _, o := range changing(x.h.Set) {
		if !takesID(o) || x.apart[o.Name] != "" {
			continue
		}
		if _, isKind := x.h.Set.Shape(o.Kind); !isKind {
			continue
		}
		for _, id := range x.old(t, o.Kind) {
			size := x.size(t, x.org)
			in := map[string]any{}
			for _, f := range o.In {
				if f.Required && f.Name != "id" && f.Name != "rev" {
					in[f.Name] = x.value(t, x.org, f)
				}
			}
			if o.Verb != "update" {
				in["id"] = id
				x.call(t, x.full(x.org), o.Name, in)
			}
			for _, f := range o.In {
				if o.Verb == "update" && f.Name != "id" && f.Name != "rev" {
					x.call(t, x.full(x.org), o.Name, map[string]any{"id": id, f.Name: x.other(t, f)})
				}
			}
			if x.size(t, x.org) != size {
				x.after(t, o.Name+" of "+id)
			}
		}
	}
	x.shown(t, "something that was there")
}

// old are things of a kind on which the closed days rest: the company's own, and the first of the others.
func (x *trial) old(t *testing.T, kindName string) []string {
	list := x.must(t, x.full(x.org), x.h.Set.Find(kindName+".list"), map[string]any{"limit": 200})
	var own, rest []string
	for _, one := range list["data"].([]any) {
		thing := one.(map[string]any)
		id := fmt.Sprint(thing["id"])
		created, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(thing["created_at"]))
		switch {
		case check.DayOf(created, time.UTC) > x.days[len(x.days)-1]:
		case strings.HasPrefix(fmt.Sprint(thing["ref"]), "OWN-"), slices.Contains([]string{"evidence", "exception", "source"}, kindName),
			thing["ref"] == "POL-04", thing["ref"] == "CC1.5":
			own = append(own, id)
		default:
			rest = append(rest, id)
		}
	}
	return append(own, rest[:min(2, len(rest))]...)
}

// other is another value of a field than a thing has.
func (x *trial) other(t *testing.T, f kind.Field) any {
	if f.Enum != nil {
		return f.Enum[len(f.Enum)-1]
	}
	if f.Type == "integer" && f.Max != nil {
		return *f.Max
	}
	return x.value(t, x.org, f)
}

// lies are the calls that would repaint closed days, were they judged by the definitions of today.
func (x *trial) lies(t *testing.T) {
	for _, l := range lies {
		l.tell(t, x)
	}
}

// The control of the test: where each day is judged by the definitions of today, as it once was, what repaints is seen.
func TestReadingTheDefinitionsOfTodayWouldChangeClosedDays(t *testing.T) {
	s := newSpring(t, "")
	boards := s.fresh()
	boards.OfToday = true
	was, sharp := s.take(t, boards), 0
	for _, l := range lies {
		s.clock.Move(time.Minute)
		l.do(t, s)
		now := s.take(t, boards)
		diff := was.differs(now)
		if was = now; l.sharp {
			sharp++
			if len(diff) == 0 {
				t.Errorf("%s: no closed day is another, although it is judged by the definitions of today", l.name)
			}
		}
	}
	if sharp < 15 {
		t.Errorf("only %d are sharp", sharp)
	}
}

// clockBack sets the clock three days back, and looks at everything again.
func (x *trial) clockBack(t *testing.T) {
	now := x.clock.Now()
	x.clock.Move(-72 * time.Hour)
	x.users, x.broken = []collect.Resource{account("jo", false)}, nil
	for _, o := range changing(x.h.Set) {
		if o.Slow && x.apart[o.Name] == "" {
			x.call(t, x.full(x.org), o.Name, x.input(t, x.org, o, true))
		}
	}
	x.call(t, x.author(x.org), "check.run", map[string]any{})
	x.decide(t, "CC1.2", map[string]any{"from_day": x.days[0].String()})
	x.shown(t, "what was done with the clock set back")
	x.clock.Set(now)
}
