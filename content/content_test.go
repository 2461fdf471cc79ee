// SPDX-License-Identifier: Apache-2.0

package content_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/content"
	"assay/internal/errs"
)

var update = flag.Bool("update", false, "write the pages that are made from the embedded data")

func must[T any](t *testing.T) func(T, error) T {
	return func(x T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestThereAreExactly61Criteria holds T-001: 33 common, 3, 5, 2 and 18.
func TestThereAreExactly61Criteria(t *testing.T) {
	f := must[content.Framework](t)(content.SOC2())
	got := map[string]int{}
	seen := map[string]bool{}
	series := map[string]string{}
	for _, s := range f.Series {
		series[s.Key] = s.Category
	}
	for i, c := range f.Criteria {
		got[c.Category]++
		if c.Order != i+1 || seen[c.Ref] || c.Text == "" || series[c.Series] != c.Category || !strings.HasPrefix(c.Ref, c.Series+".") {
			t.Errorf("criterion %d: %+v", i, c)
		}
		seen[c.Ref] = true
	}
	want := map[string]int{"security": 33, "availability": 3, "processing_integrity": 5, "confidentiality": 2, "privacy": 18}
	if len(f.Criteria) != 61 || !maps.Equal(got, want) {
		t.Fatalf("got %d %v, want 61 %v", len(f.Criteria), got, want)
	}
	bySeries := map[string]int{}
	for _, c := range f.Criteria {
		bySeries[c.Series]++
	}
	if want := map[string]int{"CC1": 5, "CC2": 3, "CC3": 4, "CC4": 2, "CC5": 3, "CC6": 8, "CC7": 5, "CC8": 1, "CC9": 2, "A1": 3, "PI1": 5,
		"C1": 2, "P1": 1, "P2": 1, "P3": 2, "P4": 3, "P5": 2, "P6": 7, "P7": 1, "P8": 1}; !maps.Equal(bySeries, want) {
		t.Errorf("by series: %v", bySeries)
	}
}

func TestThereAreNineDescriptionCriteria(t *testing.T) {
	f := must[content.Framework](t)(content.Description())
	if len(f.Criteria) != 9 || f.Criteria[0].Ref != "DC1" || f.Criteria[8].Ref != "DC9" || !f.Criteria[8].Type2Only {
		t.Fatalf("%+v", f.Criteria)
	}
}

func TestTheLibraryHas137ControlsInTheirSets(t *testing.T) {
	cs := must[[]content.Control](t)(content.Controls())
	sets := map[string]int{}
	seen := map[string]bool{}
	weight, tested := 0, 0
	for _, c := range cs {
		sets[c.Set]++
		if seen[c.Ref] {
			t.Errorf("%s stands twice", c.Ref)
		}
		seen[c.Ref] = true
		if c.Set == "base" {
			weight += c.Weight
			if len(c.Tests) > 0 {
				tested++
			}
		}
	}
	want := map[string]int{"base": 93, "optional": 21, "availability": 5, "processing_integrity": 5, "confidentiality": 3, "privacy": 10}
	if len(cs) != 137 || !maps.Equal(sets, want) || weight != 142 || tested != 79 {
		t.Fatalf("got %d controls, sets %v, base weight %d, %d of them tested", len(cs), sets, weight, tested)
	}
	if n := len(content.ForCategories(cs, "security", "confidentiality")); n != 96 {
		t.Errorf("security and confidentiality start with %d controls, want 96", n)
	}
}

// perCriterion is the column of section 1.1 of the domain model, with the controls added by its section 00.9: controls by criterion.
const perCriterion = `CC1.1 4 CC1.2 2 CC1.3 3 CC1.4 8 CC1.5 4 CC2.1 7 CC2.2 12 CC2.3 12 CC3.1 4 CC3.2 6 CC3.3 2 CC3.4 2 CC4.1 4 CC4.2 5
CC5.1 5 CC5.2 3 CC5.3 5 CC6.1 28 CC6.2 11 CC6.3 14 CC6.4 4 CC6.5 4 CC6.6 10 CC6.7 7 CC6.8 7 CC7.1 10 CC7.2 9 CC7.3 8 CC7.4 7 CC7.5 9
CC8.1 16 CC9.1 4 CC9.2 9 A1.1 3 A1.2 8 A1.3 2 PI1.1 1 PI1.2 1 PI1.3 1 PI1.4 1 PI1.5 1 C1.1 10 C1.2 3 P1.1 1 P2.1 1 P3.1 1 P3.2 1
P4.1 1 P4.2 2 P4.3 2 P5.1 1 P5.2 1 P6.1 1 P6.2 1 P6.3 3 P6.4 2 P6.5 3 P6.6 2 P6.7 2 P7.1 1 P8.1 1`

func TestEveryCriterionHasItsControls(t *testing.T) {
	f := must[content.Framework](t)(content.SOC2())
	got := map[string]int{}
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		for _, k := range c.Criteria {
			got[k]++
		}
	}
	words := strings.Fields(perCriterion)
	if len(words) != 2*61 || len(got) != 61 {
		t.Fatalf("%d criteria have controls", len(got))
	}
	for i := 0; i < len(words); i += 2 {
		k := f.Criteria[i/2].Ref
		if words[i] != k || words[i+1] != strconv.Itoa(got[k]) {
			t.Errorf("%s has %d controls, the table says %s %s", k, got[k], words[i], words[i+1])
		}
	}
}

// TestAControlWithoutTestsNeedsEvidence also holds the F-04 defaults.
func TestAControlWithoutTestsNeedsEvidence(t *testing.T) {
	days := map[content.Frequency]int{"continuous": 2, "daily": 2, "weekly": 10, "monthly": 38, "quarterly": 106, "half_yearly": 198, "yearly": 380, "per_event": 0}
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		required := false
		for _, e := range c.Evidence {
			required = required || e.Required
			if e.ValidityDays != days[e.Frequency] {
				t.Errorf("%s %s: %d days for %s", c.Ref, e.Key, e.ValidityDays, e.Frequency)
			}
		}
		if len(c.Tests) == 0 && !required {
			t.Errorf("%s has nothing that it can be judged on", c.Ref)
		}
	}
}

// A population spans its window, and proves nothing before a whole one is over: a company would be red until then. What a
// control must have is a register as it stands, which is a report or an export, or a list of single events.
func TestNoControlWaitsForAWholeWindowToHaveItsList(t *testing.T) {
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		for _, e := range c.Evidence {
			if e.Required && e.Type == "population" && e.Frequency != content.PerEvent {
				t.Errorf("%s: %s is a population that is due %s", c.Ref, e.Key, e.Frequency)
			}
		}
	}
}

// TestTestsAndControlsAgreeOnTheirLinks: the link stands in both files, so that each reads whole.
func TestTestsAndControlsAgreeOnTheirLinks(t *testing.T) {
	links := map[string]string{}
	for _, x := range must[[]content.Test](t)(content.Tests()) {
		for _, c := range x.Controls {
			links[c.ID+" "+x.ID] = c.Role
		}
	}
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		for _, x := range c.Tests {
			k := c.Ref + " " + x.Test
			if links[k] != x.Role {
				t.Errorf("%s: %q for the control, %q for the test", k, x.Role, links[k])
			}
			delete(links, k)
		}
	}
	if len(links) > 0 {
		t.Errorf("tests name controls that do not name them: %v", links)
	}
}

const catalogueHead = `# The tests

Made from the embedded data: "go test ./content -update" writes this page again.

Assay brings %d tests: the %d of its specification, and %d beyond it ("yes" in the last column) that say what a machine and a repository show by themselves. Those beyond it only support a control; what a control requires is the specification's.

A test looks at each resource of its kind that the filter lets through, or at groups of them, and the condition must hold. What no source says is unknown, and unknown never passes. Controls in brackets are supported, the others require the test. What a row that is not there would hide, and what shows it, stands beside each test. A time of a past event that lies more than 24 hours ahead of the collection is unknown. A name after "params." is a value that you can change; what it is stands behind the condition.

A test with "due" looks at past events, in a window of the last 92 days (%d tests; the parameter window_days changes it). Now, an open lapse fails, one that was made good in the window needs attention, and an older one counts no more. The letter of a day looks at what was due on that day or overdue on a part of it; with neither it is –. Nothing is judged that was due before the programme started. "done" says when the event was done, "ends" until when a lapse that nobody can make good counts as open, and the condition what must hold besides.

| test | what must hold | kind | severity | every | controls | filter | condition | what a missing row hides | beyond |
|---|---|---|---|---|---|---|---|---|---|
`

// cataloguePage is docs/catalogue.md.
func cataloguePage(tests []content.Test) string {
	var rows strings.Builder
	beyond, events := 0, 0
	cell := func(text string) string {
		return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
	}
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`" + cell(text) + "`"
	}
	for _, x := range tests {
		var links []string
		for _, c := range x.Controls {
			if c.Role == "required" {
				links = append(links, c.ID)
			} else {
				links = append(links, "("+c.ID+")")
			}
		}
		if x.Event != nil {
			events++
		}
		mark := ""
		if x.Beyond {
			beyond++
			mark = "yes"
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s | %d h | %s | %s | %s | %s | %s |\n", x.ID, cell(x.Title), x.Kind, x.Severity,
			x.IntervalHours, strings.Join(links, " "), code(x.Filter), strings.TrimSpace(decides(x, code)+" "+cell(settings(x))), cell(x.Missing), mark)
	}
	return fmt.Sprintf(catalogueHead, len(tests), len(tests)-beyond, beyond, events) + rows.String()
}

const kindsHead = `
# The kinds

The %d kinds of resources that sources supply and tests look at. Every kind also has ` + "`id`, `name`, `account`, `environment`, `owner_ref`, `class`, `data_types` and `tags`" + `. %s If only certain values count, they are listed; any other value leaves the attribute unknown. What a source does not supply is unknown, unless "else" gives a default: always one that is judged more strictly, or that adds no requirement. "Any case" means that comparisons ignore letter case.
`

// kindsPage is the second part of docs/catalogue.md.
func kindsPage(kinds []content.ResourceKind) string {
	var out strings.Builder
	fmt.Fprintf(&out, kindsHead, len(kinds), dataTypes(kinds))
	shared := []string{"id", "name", "account", "environment", "owner_ref", "class", "data_types", "tags", "present", "imported"}
	cell := func(text string) string {
		return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
	}
	for _, k := range kinds {
		fmt.Fprintf(&out, "\n## `%s`: %s\n\n%s From: %s.\n\n| attribute | type | values that count | what it is |\n|---|---|---|---|\n", k.Kind, k.Title, k.Doc, strings.TrimSuffix(k.Sources, "."))
		for _, a := range k.Attributes {
			if slices.Contains(shared, a.Name) && a.Default == nil {
				continue
			}
			values := strings.Join(a.Values, ", ")
			if a.IgnoreCase {
				values = "any case"
			}
			if a.Default != nil {
				values = strings.TrimPrefix(fmt.Sprintf("%s; else %v", values, a.Default), "; ")
			}
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", a.Name, a.Type, cell(values), cell(a.Doc))
		}
	}
	return out.String()
}

const crosswalkHead = `
# The crosswalk

How the %d controls map to other frameworks. All mappings were read one by one on the day in the table, and compared with a public crosswalk where one was at hand: the Secure Controls Framework, in the copy of the public repository Ansvar-Systems/security-controls-mcp. The mapping files of the AICPA, the informative references of NIST and NIST SP 800-66 were not at hand. A mapping agrees if that crosswalk ties one of its own controls both to the reference and to a criterion of our control. That is a coarse sign, since criteria are wide. The others are our own judgement and are listed below the table. The mapping is help: check it before you rely on it.

| framework | requirements listed | whole framework | with a control | mappings | compared with | agree | own judgement | dropped as wrong | added as missing | read on |
|---|---|---|---|---|---|---|---|---|---|---|
`

// crosswalkPage is the third part of docs/catalogue.md: what the mappings were checked against.
func crosswalkPage(all []content.Crosswalk, cs []content.Control) string {
	var rows, own strings.Builder
	for _, x := range all {
		n, mapped := mappings(x, cs), map[string]bool{}
		var alone []string
		for _, c := range cs {
			for _, r := range x.In(c) {
				mapped[r] = true
			}
			if refs := x.Checked.Own[c.Ref]; len(refs) > 0 {
				alone = append(alone, c.Ref+" to "+strings.Join(refs, ", "))
			}
		}
		whole, against := "no", "nothing public found"
		if x.Complete {
			whole = "yes"
		}
		if x.Checked.Against != "" {
			against = x.Checked.Against
			fmt.Fprintf(&own, "\nOur own judgement, %s: %s.\n", x.Title, strings.Join(alone, "; "))
		}
		fmt.Fprintf(&rows, "| %s | %d | %s | %d | %d | %s | %d | %d | %d | %d | %s |\n", x.Title, len(x.Requirements), whole, len(mapped), n,
			against, x.Checked.Agreed, n-x.Checked.Agreed, x.Checked.Dropped, x.Checked.Added, x.Checked.On)
	}
	return fmt.Sprintf(crosswalkHead, len(cs)) + rows.String() + own.String()
}

// dataTypes says which types of data there are, from the attribute that all kinds have.
func dataTypes(kinds []content.ResourceKind) string {
	for _, a := range kinds[0].Attributes {
		if a.Name == "data_types" {
			return "The types of data, beside the class, are " + strings.Join(a.Values, ", ") + "."
		}
	}
	return ""
}

// decides is what must hold, as code: of an event also when it is due and done.
func decides(x content.Test, code func(string) string) string {
	if x.Event == nil {
		return code(x.Condition)
	}
	var parts []string
	for _, l := range x.Code() {
		parts = append(parts, l[0]+" "+code(l[1]))
	}
	return strings.Join(parts, "<br>")
}

// Every test over events shows how it judges as time goes by.
func TestEveryTestOverEventsShowsItsWindow(t *testing.T) {
	over := 0
	for _, x := range must[[]content.Test](t)(content.Tests()) {
		if x.Event == nil {
			if len(x.Fixtures.Window) > 0 {
				t.Errorf("%s has window examples and no event", x.ID)
			}
			continue
		}
		over++
		for _, name := range content.WindowNames {
			if _, ok := x.Fixtures.Window[name]; !ok {
				t.Errorf("%s has no window example %s", x.ID, name)
			}
		}
		for name, f := range x.Fixtures.Window {
			if !slices.Contains(content.WindowNames, name) || (name == "before_start") != (f.ProgrammeStart != "") {
				t.Errorf("%s: the window example %s is none of %v, or names the start of the programme wrongly", x.ID, name, content.WindowNames)
			}
			if name == "open" && f.Expect != "fail" || name == "today" && f.OnDay != "fail" || slices.Contains([]string{"before_start", "old_lapse", "tomorrow"}, name) && f.Expect+f.OnDay != "not_applicablenot_applicable" {
				t.Errorf("%s: the window example %s expects %s, and %s for the day", x.ID, name, f.Expect, f.OnDay)
			}
		}
	}
	for _, id := range eventTests {
		if !slices.ContainsFunc(must[[]content.Test](t)(content.Tests()), func(x content.Test) bool { return x.ID == id && x.Event != nil }) {
			t.Errorf("%s judges no events", id)
		}
	}
	t.Logf("%d tests over events, %d window examples", over, over*len(content.WindowNames))
}

// eventTests are those of which practitioners said that one lapse must not fail them for ever.
var eventTests = strings.Fields(`siem.alert_triage siem.alert_closed review.on_time review.no_self review.revokes_done hr.offboard_done hr.agreement_signed
hr.screened job.completed job.balanced train.onboard ticket.access_approved policy.sod incident.notified dsr.on_time deploy.linked vcs.change_approved
vcs.change_tested vcs.change_ticket vcs.emergency_reviewed vuln.sla_critical vuln.sla_high vuln.sla_medium`)

// settings says what a condition alone does not: what it is taken over, and the values that one can change.
func settings(x content.Test) string {
	var parts []string
	switch x.Over {
	case "group":
		parts = append(parts, "taken together by "+strings.Join(x.By, " and "))
	case "all":
		parts = append(parts, "all taken together")
	}
	if e := x.Expect; e != nil {
		text := "there must be one for each " + e.Kind
		if e.Where != "" {
			text += " where " + e.Where
		}
		parts = append(parts, text)
	}
	for _, name := range slices.Sorted(maps.Keys(x.Counts)) {
		parts = append(parts, "counts."+name+" counts those where "+x.Counts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(x.Params)) {
		parts = append(parts, strings.NewReplacer("[", "", "]", "").Replace(fmt.Sprintf("%s = %v", name, x.Params[name])))
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, "; ") + ")"
}

func TestTheCataloguePageIsCurrent(t *testing.T) {
	const file = "../docs/catalogue.md"
	want := cataloguePage(must[[]content.Test](t)(content.Tests())) + kindsPage(must[[]content.ResourceKind](t)(content.ResourceKinds())) +
		crosswalkPage(must[[]content.Crosswalk](t)(content.Crosswalks()), must[[]content.Control](t)(content.Controls()))
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := must[[]byte](t)(os.ReadFile(file)); string(got) != want {
		t.Error("docs/catalogue.md is not current: run go test ./content -update")
	}
}

func TestEveryPolicyIsNamedByAControlAndTheOtherWayRound(t *testing.T) {
	ps := must[[]content.Policy](t)(content.Policies())
	if len(ps) != 24 {
		t.Fatalf("%d policies, want 24", len(ps))
	}
	named := map[string]bool{}
	for _, c := range must[[]content.Control](t)(content.Controls()) {
		for _, p := range c.Policies {
			named[p] = true
		}
		for _, x := range c.Tests {
			for _, p := range x.OnlyPolicies {
				if !slices.Contains(c.Policies, p) {
					t.Errorf("%s looks at %s, which is not its policy", c.Ref, p)
				}
			}
		}
	}
	for _, p := range ps {
		if !named[p.Ref] || len(p.Sections) < 3 || p.ReviewDays != 380 || len(p.Audience) == 0 {
			t.Errorf("%+v", p)
		}
		delete(named, p.Ref)
	}
	if len(named) > 0 {
		t.Errorf("controls name policies that do not exist: %v", named)
	}
}

// TestTheCrosswalkCoversWhatTheSummarySays holds section 17, with what the reading of all mappings changed: requirements, and those with a control.
func TestTheCrosswalkCoversWhatTheSummarySays(t *testing.T) {
	want := map[string][2]int{"iso27001-2022": {97, 88}, "nist-csf-2.0": {106, 94}, "hipaa-security": {74, 54}, "gdpr": {39, 39}, "ccpa": {15, 15}}
	cs := must[[]content.Control](t)(content.Controls())
	for _, x := range must[[]content.Crosswalk](t)(content.Crosswalks()) {
		mapped := map[string]bool{}
		for _, c := range cs {
			for _, r := range x.In(c) {
				mapped[r] = true
				if !slices.Contains(x.Requirements, r) {
					t.Errorf("%s cites %s, which is not in %s", c.Ref, r, x.Key)
				}
			}
		}
		t.Logf("%s: %d of its %d ids are mapped", x.Key, len(mapped), len(x.Requirements))
		if got := [2]int{len(x.Requirements), len(mapped)}; got != want[x.Key] {
			t.Errorf("%s: %v, want %v", x.Key, got, want[x.Key])
		}
	}
}

// TestNoMappingIsUnchecked: each is either one that the public crosswalk has too, or is listed as our own judgement. Whoever adds
// one says which.
func TestNoMappingIsUnchecked(t *testing.T) {
	cs := must[[]content.Control](t)(content.Controls())
	for _, x := range must[[]content.Crosswalk](t)(content.Crosswalks()) {
		all, own := mappings(x, cs), 0
		for ref, refs := range x.Checked.Own {
			i := slices.IndexFunc(cs, func(c content.Control) bool { return c.Ref == ref })
			for _, r := range refs {
				if own++; i < 0 || !slices.Contains(x.In(cs[i]), r) {
					t.Errorf("%s: %s is not mapped to %s, and is listed as our own judgement", x.Key, ref, r)
				}
			}
		}
		if _, err := time.Parse(time.DateOnly, x.Checked.On); err != nil {
			t.Errorf("%s: read on %q", x.Key, x.Checked.On)
		}
		if x.Checked.Against == "" && x.Checked.Agreed+own > 0 || x.Checked.Against != "" && x.Checked.Agreed+own != all {
			t.Errorf("%s has %d mappings, of which %d agree and %d are our own judgement", x.Key, all, x.Checked.Agreed, own)
		}
	}
}

// mappings counts the mappings of all controls to a framework.
func mappings(x content.Crosswalk, cs []content.Control) (n int) {
	for _, c := range cs {
		n += len(x.In(c))
	}
	return n
}

func TestAMisspeltFieldIsRefusedWithItsPlace(t *testing.T) {
	_, err := content.ParseFamily("controls/own.yaml", []byte("family: own\ntitle: Own\ncontrols:\n  - ref: OWN-01\n    titel: Typo\n"))
	var e *errs.Error
	if !errors.As(err, &e) || e.Field != "controls/own.yaml:5" || !strings.Contains(e.Text, "titel") {
		t.Fatalf("%v", err)
	}
	_, err = content.ParseFamily("own.yaml", []byte("controls:\n  - {ref: OWN-01, title: a, text: b, set: base, weight: 3, criteria: [CC1.1]}\n"))
	if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "OWN-01: weight") {
		t.Fatalf("%v", err)
	}
	_, err = content.ParseFamily("own.yaml", []byte("controls:\n  - {ref: OWN-01, title: a, text: b, set: base, weight: 1, criteria: [CC1.1, CC1.1]}\n"))
	if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "each one once") {
		t.Fatalf("%v", err)
	}
}

// TestNobodyIsCertified: SOC 2 is an attestation, and no text of ours says otherwise.
func TestNobodyIsCertified(t *testing.T) {
	for _, from := range []fs.FS{content.Files(), content.Rules} {
		err := fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(from, path)
			if err != nil {
				return err
			}
			if strings.Contains(strings.ToLower(string(data)), "certified") {
				t.Errorf("%s says certified", path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryKindSaysWhatSuppliesIt(t *testing.T) {
	kinds, err := content.ResourceKinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		switch {
		case k.Register == content.RegisterKept && (len(k.From) > 0 || k.About != ""):
			t.Errorf("%s: Assay keeps it itself; remove from and about", k.Kind)
		case k.Register == content.RegisterNone && (k.About == "" || len(k.From) > 0):
			t.Errorf("%s: about says what a company records; add it, and no from", k.Kind)
		case k.Register == "" && (len(k.From) == 0 || k.About != ""):
			t.Errorf("%s: from says what to connect; add it, and no about", k.Kind)
		}
	}
}
