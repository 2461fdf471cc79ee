// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"assay/content"
)

// scope gives the criteria of some categories and the controls that such a scope starts with.
func scope(t testing.TB, categories ...string) (criteria []string, controls []ScoredControl) {
	f, err := content.SOC2()
	if err != nil {
		t.Fatal(err)
	}
	all, err := content.Controls()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Criteria {
		if slices.Contains(categories, c.Category) {
			criteria = append(criteria, c.Ref)
		}
	}
	for _, c := range content.ForCategories(all, categories...) {
		controls = append(controls, ScoredControl{Ref: c.Ref, Weight: c.Weight, Criteria: c.Criteria, HasOwner: true})
	}
	return criteria, controls
}

// set puts the controls named in refs ("GOV-02, 07; HRS-06") into a state, and fails on a name
// that is not there.
func set(t testing.TB, controls []ScoredControl, h Health, refs string) {
	for group := range strings.SplitSeq(refs, ";") {
		family := ""
		for ref := range strings.SplitSeq(group, ",") {
			ref = strings.TrimSpace(ref)
			if f, _, whole := strings.Cut(ref, "-"); whole {
				family = f
			} else {
				ref = family + "-" + ref
			}
			i := slices.IndexFunc(controls, func(c ScoredControl) bool { return c.Ref == ref })
			if i < 0 {
				t.Fatalf("there is no control %s", ref)
			}
			controls[i].Health = h
		}
	}
}

func setAll(controls []ScoredControl, h Health) {
	for i := range controls {
		controls[i].Health = h
	}
}

const (
	golden3 = "IAM-01, 02, 04, 08, 10, 12; NET-01, 04, 05; DAT-01, 02, 04; AST-02; VUL-01, 02, 05; CHG-02, 03, 04, 06; OPS-01, 02"
	golden4 = golden3 + "; GOV-01, 03, 05, 06, 09, 10, 11; CHG-01; INC-01; RSK-01, 02, 03, 05; DAT-03, 06; CNF-01, 03"
)

// TestReadinessOfTheGoldenStates holds G-1 to G-6 of the domain model, with AVL-02, AVL-04 and AVL-05 in the base set (its section
// 00.9), each of weight 2. They serve CC7.5 (all three), CC9.1 (AVL-04) and C1.1 (AVL-02), whose weights grow from 7 to 13, from 4
// to 6, and with Confidentiality from 9 to 11. Where the sums of r change:
//
//	G-2  CC7.5 5/7 to 11/13: the sum grows by 12/91
//	G-3  C1.1 2/9 to 2/11: it falls by 4/99
//	G-4  CC9.1 1 to 2/3, C1.1 7/9 to 7/11: it falls by 47/99
//	G-5  CC7.5 6/7 to 12/13: it grows by 6/91
//	G-6  CC7.5 6/7 to 12/13: it grows by 6/91
//
// Ten more controls joined the base set: DAT-09, IAM-13 and CHG-10 of weight 2; DAT-10, GOV-14, CHG-11, NET-06, NET-07, HRS-10 and
// OPS-08 of weight 1. The weights grow: CC2.3 8 to 9 (with Confidentiality 9 to 10), CC6.1 28 to 36 (30 to 38), CC6.2 12 to 13,
// CC6.3 15 to 21, CC6.6 9 to 11, CC7.1 13 to 14, CC7.2 11 to 12, CC8.1 15 to 18, C1.1 11 to 15. In G-2, G-5 and G-6 the ten pass,
// in G-3 and G-4 they do not. Where the sums of r change:
//
//	G-2  CC7.1 11/13 to 12/14, CC8.1 14/15 to 17/18: the sum grows by 181/8190
//	G-3  CC6.1 20/30 to 20/38, CC6.2 2/12 to 2/13, CC6.3 4/15 to 4/21, CC6.6 8/9 to 8/11, CC7.1 9/13 to 9/14, CC7.2 7/11 to 7/12,
//	     CC8.1 10/15 to 10/18, C1.1 2/11 to 2/15: it falls by 35487/54340
//	G-4  as G-3, but CC2.3 3/9 to 3/10, CC6.1 23/30 to 23/38, CC8.1 11/15 to 11/18, C1.1 7/11 to 7/15: it falls by 82139/97812
//	G-5  CC7.1 12/13 to 13/14: it grows by 1/182
//	G-6  CC6.1 22/28 to 30/36, CC6.2 8/12 to 9/13, CC6.3 11/15 to 17/21, CC6.6 7/9 to 9/11, CC7.1 10/13 to 11/14,
//	     CC8.1 7/15 to 10/18: it grows by 26597/90090
func TestReadinessOfTheGoldenStates(t *testing.T) {
	conf := []string{"security", "confidentiality"}
	for _, g := range []struct {
		name       string
		categories []string
		state      func([]ScoredControl)
		exact      string
		percent    int
		below      int
		zero       string // the criteria at 0, or how many
	}{
		{"G-1", []string{"security"}, func([]ScoredControl) {}, "0", 0, 33, "33"},
		{"G-2", []string{"security"}, func(cs []ScoredControl) {
			setAll(cs, Passing)
			set(t, cs, Failing, "GOV-02, GOV-07, RSK-02, RSK-04, RSK-05, HRS-08, AST-05, VUL-03, CHG-01, INC-05, VEN-02, VEN-04, VEN-05")
			set(t, cs, NeedsAttention, "HRS-06, INC-03")
		}, "1127008/1486485", 75, 18, "[CC1.2 CC3.3 CC3.4]"},
		{"G-3", conf, func(cs []ScoredControl) { set(t, cs, Passing, golden3) }, "4356193/23963940", 18, 35, "19"},
		{"G-4", conf, func(cs []ScoredControl) { set(t, cs, Passing, golden4) }, "51884389/119819700", 43, 34, "[CC1.2 CC3.4 CC4.1 CC6.4 CC7.5]"},
		{"G-5", conf, func(cs []ScoredControl) {
			setAll(cs, Passing)
			set(t, cs, NoData, "INC-05")
			set(t, cs, NeedsAttention, "VUL-03, GOV-07")
		}, "24476/25025", 97, 6, "0"},
		{"G-6", []string{"security"}, func(cs []ScoredControl) {
			setAll(cs, Passing)
			set(t, cs, NoData, "IAM-01, IAM-02, IAM-12, HRS-04, CHG-02, CHG-03, CHG-05, VUL-01, VUL-05")
		}, "5420171/5945940", 91, 11, "0"},
		{"all passing", conf, func(cs []ScoredControl) { setAll(cs, Passing) }, "1", 100, 0, "0"},
	} {
		criteria, controls := scope(t, g.categories...)
		g.state(controls)
		r := ReadinessOf(criteria, controls)
		want, _ := new(big.Rat).SetString(g.exact)
		if r.Exact.Cmp(want) != 0 || r.Percent != g.percent || r.Below != g.below {
			t.Errorf("%s: %v = %d%%, %d below, want %s = %d%%, %d below", g.name, r.Exact, r.Percent, r.Below, g.exact, g.percent, g.below)
		}
		if g.zero != fmt.Sprint(r.Zero) && g.zero != fmt.Sprint(len(r.Zero)) {
			t.Errorf("%s: at zero %v, want %s", g.name, r.Zero, g.zero)
		}
	}
}

// TestGolden2SumsTo25020 holds the sum behind G-2, rounded.
func TestGolden2SumsTo25020(t *testing.T) {
	sum := new(big.Rat).Mul(big.NewRat(1127008, 1486485), big.NewRat(33, 1))
	if s := sum.FloatString(3); s != "25.020" {
		t.Fatal(s)
	}
}

// TestTheSourceControlControlsAreNine: G-6 says which controls hang on a required source-control test.
func TestTheSourceControlControlsAreNine(t *testing.T) {
	all, err := content.Controls()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range content.ForCategories(all) {
		if slices.ContainsFunc(c.Tests, func(x content.ControlTest) bool {
			return strings.HasPrefix(x.Test, "vcs.") && x.Role == "required"
		}) {
			got = append(got, c.Ref)
		}
	}
	slices.Sort(got)
	if s := strings.Join(got, " "); s != "CHG-02 CHG-03 CHG-05 HRS-04 IAM-01 IAM-02 IAM-12 VUL-01 VUL-05" {
		t.Error(s)
	}
}

var anyHealth = rapid.SampledFrom([]Health{NotStarted, Failing, NoData, NeedsAttention, Passing, NotApplicable})

func drawControls(t *rapid.T, controls []ScoredControl) []ScoredControl {
	cs := slices.Clone(controls)
	for i := range cs {
		cs[i].Health = anyHealth.Draw(t, "health")
	}
	return cs
}

func TestReadinessNeverRisesWhenAControlFalls(t *testing.T) {
	criteria, controls := scope(t, "security", "privacy")
	rapid.Check(t, func(t *rapid.T) {
		cs := drawControls(t, controls)
		before := ReadinessOf(criteria, cs)
		i := rapid.IntRange(0, len(cs)-1).Draw(t, "control")
		if cs[i].Health == NotApplicable || cs[i].Health == NotStarted {
			return // a decision is no fall, and there is nothing below not started
		}
		cs[i].Health = rapid.SampledFrom([]Health{NotStarted, Failing, NoData, NeedsAttention}).
			Filter(func(h Health) bool { return h.halves() <= cs[i].Health.halves() }).Draw(t, "fall")
		if after := ReadinessOf(criteria, cs); after.Exact.Cmp(before.Exact) > 0 || after.Percent > before.Percent {
			t.Fatalf("%s fell to %v, and readiness rose from %v to %v", cs[i].Ref, cs[i].Health, before.Exact, after.Exact)
		}
	})
}

func TestReadinessDoesNotDependOnTheOrder(t *testing.T) {
	criteria, controls := scope(t, "security", "availability", "processing_integrity", "confidentiality", "privacy")
	rapid.Check(t, func(t *rapid.T) {
		cs := drawControls(t, controls)
		a := ReadinessOf(criteria, cs)
		b := ReadinessOf(rapid.Permutation(criteria).Draw(t, "criteria"), rapid.Permutation(cs).Draw(t, "controls"))
		if a.Exact.Cmp(b.Exact) != 0 || a.Percent != b.Percent || a.Below != b.Below || len(a.Zero) != len(b.Zero) || len(a.Failing) != len(b.Failing) {
			t.Fatalf("%v in one order, %v in another", a.Exact, b.Exact)
		}
	})
}

func TestReadinessIs100OnlyWhenEveryCriterionIsWhole(t *testing.T) {
	criteria, controls := scope(t, "security")
	rapid.Check(t, func(t *rapid.T) {
		cs := slices.Clone(controls)
		setAll(cs, Passing)
		for range rapid.IntRange(0, 2).Draw(t, "falls") {
			cs[rapid.IntRange(0, len(cs)-1).Draw(t, "control")].Health = anyHealth.Draw(t, "health")
		}
		r := ReadinessOf(criteria, cs)
		whole := !slices.ContainsFunc(r.Criteria, func(c CriterionScore) bool { return c.Exact.Cmp(big.NewRat(1, 1)) != 0 })
		if (r.Percent == 100) != whole || (r.Below == 0) != whole {
			t.Fatalf("%d%%, %d below, whole: %v", r.Percent, r.Below, whole)
		}
	})
}

func TestACriterionWithoutControlsScoresNothing(t *testing.T) {
	r := ReadinessOf([]string{"CC1.1", "CC1.2"}, []ScoredControl{
		{Ref: "A", Weight: 1, Criteria: []string{"CC1.1"}, Health: Passing},
		{Ref: "B", Weight: 2, Criteria: []string{"CC1.2"}, Health: NotApplicable},
	})
	if r.Percent != 50 || fmt.Sprint(r.Zero) != "[CC1.2]" || r.Criteria[1].Controls != 0 {
		t.Fatalf("%+v", r)
	}
	if r := ReadinessOf(nil, nil); r.Percent != 0 || r.Exact.Sign() != 0 {
		t.Fatalf("an empty scope is ready: %+v", r)
	}
}

// TestAQuietControlIsLeftOutOfTheWeights: what no event could prove takes no part in r(k), so that a quiet company whose all
// else passes is whole.
func TestAQuietControlIsLeftOutOfTheWeights(t *testing.T) {
	criteria, controls := scope(t, "security")
	setAll(controls, Passing)
	set(t, controls, NoOccurrence, "INC-03, INC-05, VEN-05, HRS-05")
	if r := ReadinessOf(criteria, controls); r.Percent != 100 || r.Below != 0 || r.Exact.Cmp(big.NewRat(1, 1)) != 0 {
		t.Errorf("all passes or is quiet: %d%%, %d below", r.Percent, r.Below)
	}
	// CC1.1: (2·1 + 1·0) / (2 + 1) = 2/3, the quiet one of weight 2 not counted. CC1.2: all quiet, 1. (2/3 + 1) / 2 = 5/6 = 83.3 %.
	r := ReadinessOf([]string{"CC1.1", "CC1.2"}, []ScoredControl{
		{Ref: "A", Weight: 2, Criteria: []string{"CC1.1"}, Health: Passing},
		{Ref: "B", Weight: 1, Criteria: []string{"CC1.1"}, Health: Failing},
		{Ref: "C", Weight: 2, Criteria: []string{"CC1.1", "CC1.2"}, Health: NoOccurrence},
	})
	if r.Exact.Cmp(big.NewRat(5, 6)) != 0 || r.Percent != 83 {
		t.Errorf("%v = %d%%, want 5/6 = 83%%", r.Exact, r.Percent)
	}
}
