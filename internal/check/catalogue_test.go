// SPDX-License-Identifier: Apache-2.0

package check

import (
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"assay/content"
)

var builtIn = sync.OnceValues(BuiltIn)

func catalogue(t testing.TB) *Catalogue {
	t.Helper()
	c, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func lines(t testing.TB, file string) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func TestEveryTestKeepsItsFourExamples(t *testing.T) {
	c := catalogue(t)
	for _, r := range c.Rules() {
		for _, name := range ExamplesOf(r.Def.Fixtures) {
			t.Run(r.ID()+"/"+name, func(t *testing.T) {
				want, err := ParseVerdict(FixtureOf(r.Def.Fixtures, name).Expect)
				if err != nil {
					t.Fatal(err)
				}
				out, err := c.RunFixture(r, name)
				if err != nil {
					t.Fatal(err)
				}
				if out.State != want || !strings.Contains(out.Reason, FixtureOf(r.Def.Fixtures, name).Says) {
					t.Errorf("got %s (%s), want %s", out.State, out.Reason, want)
				}
			})
		}
	}
}

func TestEveryTestOverEventsKeepsItsWindowExamples(t *testing.T) {
	c, held := catalogue(t), 0
	for _, r := range c.Rules() {
		for name := range r.Def.Fixtures.Window {
			held++
			if err := c.CheckWindow(r, name); err != nil {
				t.Error(err)
			}
		}
	}
	if held < 100 {
		t.Errorf("%d examples were looked at", held)
	}
}

func TestTheExamplesOfATestShowAllFourSides(t *testing.T) {
	for _, r := range catalogue(t).Rules() {
		f := r.Def.Fixtures
		if f.Pass.Expect != "pass" || f.Fail.Expect != "fail" || f.Unknown.Expect != "unknown" {
			t.Errorf("%s: examples expect %s, %s and %s", r.ID(), f.Pass.Expect, f.Fail.Expect, f.Unknown.Expect)
		}
		if len(f.Empty.Given[r.Def.Kind]) != 0 || !slices.Contains([]string{"not_applicable", "error", "fail"}, f.Empty.Expect) {
			t.Errorf("%s: the empty example has resources, or expects %s", r.ID(), f.Empty.Expect)
		}
	}
}

// The control that must fail: an engine that took unknown for a pass would be caught by the
// examples of every single test, and so would one that left doubtful resources out.
func TestAnEngineThatForgivesTheUnknownIsCaughtByEveryTest(t *testing.T) {
	c := catalogue(t)
	for _, r := range c.Rules() {
		honest, err := c.RunFixture(r, "unknown")
		if err != nil {
			t.Fatal(err)
		}
		if honest.State != VerdictUnknown || honest.Unknown == 0 {
			t.Errorf("%s: honest engine says %s", r.ID(), honest.State)
		}
		forgiving := Outcome{Results: slices.Clone(honest.Results)}
		for i := range forgiving.Results {
			if forgiving.Results[i].Verdict == VerdictUnknown {
				forgiving.Results[i].Verdict = VerdictPass
			}
		}
		r.conclude(&forgiving, 1)
		blind := Outcome{Results: slices.DeleteFunc(slices.Clone(honest.Results), func(x Result) bool { return x.Verdict == VerdictUnknown })}
		r.conclude(&blind, 1)
		for name, out := range map[string]Outcome{"forgiving": forgiving, "blind": blind} {
			if out.State.String() == r.Def.Fixtures.Unknown.Expect {
				t.Errorf("%s: the %s engine is not caught", r.ID(), name)
			}
		}
	}
}

// In every example, of every test, any attribute of any resource may go missing: that can only make
// the outcome less certain. It never turns a fail into a pass, nor a pass into a fail.
func TestKnowingLessNeverTurnsAnOutcome(t *testing.T) {
	c := catalogue(t)
	for _, r := range c.Rules() {
		for name, wrong := range map[string]Verdict{"fail": VerdictPass, "pass": VerdictFail} {
			example := FixtureOf(r.Def.Fixtures, name)
			for kind, resources := range example.Given {
				for i, full := range resources {
					for attr := range full {
						if attr == "id" || attr == "present" {
							continue
						}
						less := maps.Clone(full)
						delete(less, attr)
						given := maps.Clone(example.Given)
						given[kind] = slices.Clone(resources)
						given[kind][i] = less
						one := *r
						one.Def.Fixtures = &content.Fixtures{Now: r.Def.Fixtures.Now, Pass: content.Fixture{Given: given}}
						out, err := c.RunFixture(&one, "pass")
						if err != nil {
							t.Fatal(err)
						}
						if out.State == wrong || out.State == VerdictNotApplicable {
							t.Errorf("%s: the example of %s without %s.%s comes to %s", r.ID(), name, kind, attr, out.State)
						}
					}
				}
			}
		}
	}
}

func TestTheCatalogueIsTheOneOfTheSpecification(t *testing.T) {
	want, extra := lines(t, "tests.txt"), lines(t, "beyond.txt")
	var got, more []string
	for _, r := range catalogue(t).Rules() {
		if r.Def.Beyond {
			more = append(more, r.ID())
		} else {
			got = append(got, r.ID())
		}
	}
	for _, l := range [][]string{want, extra, got, more} {
		slices.Sort(l)
	}
	if len(got) != 149 || !slices.Equal(got, want) {
		t.Errorf("the catalogue has %d tests, and they are not the 149 of the specification", len(got))
	}
	if len(more) != 18 || !slices.Equal(more, extra) {
		t.Errorf("beyond the specification are %v, want %v", more, extra)
	}
}

// A test that the specification does not name must not decide what a control's proof is.
func TestATestBeyondTheSpecificationOnlySupports(t *testing.T) {
	for _, r := range catalogue(t).Rules() {
		if !r.Def.Beyond {
			continue
		}
		if r.Def.Doc == "" || r.Def.Title == "" {
			t.Errorf("%s does not say what it sees", r.ID())
		}
		for _, l := range r.Def.Controls {
			if l.Role != "supporting" {
				t.Errorf("%s is %s for %s", r.ID(), l.Role, l.ID)
			}
		}
	}
}

func TestTheKindsOfTheSpecificationAreThere(t *testing.T) {
	c := catalogue(t)
	var never []string
	for name, k := range c.kinds {
		if k.neverEmpty {
			never = append(never, name)
		}
	}
	var wantNever []string
	for _, line := range lines(t, "kinds.txt") {
		name, mark, _ := strings.Cut(line, " ")
		if mark == "never_empty" {
			wantNever = append(wantNever, name)
		}
		if name != "internal.*" && c.kinds[name] == nil {
			t.Errorf("there is no kind %s", name)
		}
	}
	slices.Sort(never)
	slices.Sort(wantNever)
	if !slices.Equal(never, wantNever) {
		t.Errorf("never empty are %v, want %v", never, wantNever)
	}
}

func TestEveryTestIsTiedToControlsThatExist(t *testing.T) {
	known := lines(t, "controls.txt")
	for _, r := range catalogue(t).Rules() {
		if len(r.Def.Controls) == 0 {
			t.Errorf("%s is tied to no control", r.ID())
		}
		for _, l := range r.Def.Controls {
			if !slices.Contains(known, l.ID) {
				t.Errorf("%s is tied to %s, which does not exist", r.ID(), l.ID)
			}
		}
	}
}

func TestTestsAndControlsAgreeOnWhatTiesThem(t *testing.T) {
	controls, err := content.Controls()
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]string{}
	for _, c := range controls {
		for _, l := range c.Tests {
			theirs[l.Test+" "+c.Ref] = l.Role
		}
	}
	n := 0
	for _, r := range catalogue(t).Rules() {
		for _, l := range r.Def.Controls {
			n++
			if got := theirs[r.ID()+" "+l.ID]; got != l.Role {
				t.Errorf("%s to %s: %q in the control, %q in the test", r.ID(), l.ID, got, l.Role)
			}
		}
	}
	if n != len(theirs) {
		t.Errorf("the tests have %d ties, the controls %d", n, len(theirs))
	}
}

func TestEveryAttributeAndTestSaysWhatItIs(t *testing.T) {
	kinds, err := content.ResourceKinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if k.Title == "" || k.Doc == "" {
			t.Errorf("%s has no title or no doc", k.Kind)
		}
		for _, a := range k.Attributes {
			if a.Doc == "" {
				t.Errorf("%s.%s has no doc", k.Kind, a.Name)
			}
		}
	}
	for _, r := range catalogue(t).Rules() {
		if r.Def.Message == "" || len(r.Def.Observed) == 0 || slices.ContainsFunc(r.Def.Code(), func(l [2]string) bool { return !strings.Contains(r.Explain(), l[0]+": "+l[1]) }) {
			t.Errorf("%s has no message, shows nothing or cannot be explained", r.ID())
		}
	}
}
