// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strings"

	"assay/content"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/job"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// testStates are what a test can come to, worst first, and how pages say it.
var testStates = [][2]string{{"fail", "failing"}, {"error", "error"}, {"unknown", "no data"}, {"excepted", "excepted"}, {"pass", "passing"}, {"not_applicable", "not applicable"}, {"never_run", "never run"}, {"switched_off", "switched off"}}

func testList(q *ask) (answer, error) {
	l, err := do[*report.TestList](q, "test.list", map[string]any{"state": clip(q.get("state"), 30), "kind": clip(q.get("kind"), 100)})
	if err != nil {
		return answer{}, err
	}
	v := page.ListView{Title: "Tests", Tabs: q.tabs("/tests"), Query: q.get("q"), Search: "Name, title or resource kind", Action: "/tests", Keep: q.keep("state", "kind"), Icon: "run", Empty: "Clear filters or search for less. A test checks each resource.",
		Cols: []ui.Col{{Text: "Test", Fill: true}, {Text: "Now"}, {Text: "Resource kind", Low: true}, {Text: "Severity", Low: true}, {Text: "Failing", Num: true}, {Text: "Unknown", Num: true, Low: true}, {Text: "Checked", Num: true, Low: true}, {Text: "Reason", Fill: true, Low: true}}}
	all := 0
	for _, s := range testStates {
		n := l.Count[s[0]]
		all += n
		on := q.get("state") == s[0]
		v.Chips = append(v.Chips, ui.Chip{Text: s[1], N: n, On: on, Href: q.with("state", unless(on, s[0]))})
	}
	find := strings.ToLower(strings.TrimSpace(q.get("q")))
	slices.SortStableFunc(l.Data, func(a, b report.TestRow) int { return rankOf(a.State) - rankOf(b.State) })
	for _, t := range l.Data {
		if find != "" && !strings.Contains(strings.ToLower(t.Test+" "+t.Title+" "+t.Kind), find) {
			continue
		}
		v.Rows = append(v.Rows, page.ListRow{Href: "/tests/" + seg(t.Test), Cells: []page.Cell{{Text: t.Title + badges(t), Marks: overrideMarks(t.Marks, "switched off")}, {Status: healthOf(t.State), Health: true}, {Mono: t.Kind}, {Text: t.Severity},
			{Num: ui.Num(t.Failed)}, {Num: ui.Num(t.Unknown)}, {Num: ui.Num(t.Evaluated)}, {Text: t.Reason}}})
	}
	if q.get("state") == "unknown" && find == "" {
		v.Gaps = q.gaps(l.Gaps)
	}
	v.Answer = []ui.Part{{Text: fmt.Sprintf("%d of %s", l.Count["fail"], ui.Count(all, "test")), Href: "/tests?state=fail"}, {Text: verb(l.Count["fail"], " fails", " fail") + "; "},
		{Text: fmt.Sprint(l.Count["unknown"]), Href: "/tests?state=unknown"}, {Text: verb(int(l.Count["unknown"]), " has", " have") + " no data."}}
	v.Pager.Text = fmt.Sprintf("%d of %d", len(v.Rows), all)
	if q.mayChange("definition.create") {
		v.New = ui.Link{Text: "New test", Href: "/definitions/new"}
	}
	return show(page.List(q.frame("Tests", "controls"), v))
}

// rankOf puts the worst first.
func rankOf(state string) int {
	return slices.IndexFunc(testStates, func(s [2]string) bool { return s[0] == state })
}

func test(q *ask) (answer, error) {
	t, err := do[*report.TestDetail](q, "test.get", map[string]any{"id": q.id(), "days": 90})
	if err != nil {
		return answer{}, err
	}
	said := t.Words[:max(0, strings.LastIndex(t.Words, "\n\n"))] // the code stands below, by itself
	v := page.TestView{ID: t.Test, Title: t.Title, Words: said, Filter: t.Filter, Code: decides(t), Kind: t.Kind, Severity: t.Severity, Every: every(int64(t.Interval)), Status: healthOf(t.State), Why: t.Reason,
		Evaluated: int(t.Evaluated), Passed: int(t.Passed), Failed: int(t.Failed), Excepted: int(t.Excepted), Unknown: int(t.Unknown), Last: q.localOf(t.Last),
		Strip: stripOf(t.Test, t.Newest, t.Spans, "/monitoring/"+seg(t.Test)+"/{day}"), Coverage: t.Coverage, Controls: controlLinks(t.Controls), Entry: t.Entry, Origin: originWord[t.Origin], Edition: "version " + clip(t.Version, 8)}
	v.Imported = strings.Join(t.Imported, ", ")
	if t.Gap != nil {
		v.Gap = q.gap(*t.Gap)
	}
	v.Marks, v.Overrides = q.marks(t.TestRow), overrideMarks(t.TestRow.Marks, "changed", "switched off", "paused")
	if v.Versions, err = q.testVersions(t.Test); err != nil {
		return answer{}, err
	}
	for _, name := range sortedKeys(t.Params) {
		text := plainText(t.Params[name])
		v.Params = append(v.Params, page.Param{Name: name, Value: text, Default: text})
	}
	if v.Failing, v.FailingMore, err = q.failures(t.Test, 20); err != nil {
		return answer{}, err
	}
	for _, c := range t.Changes {
		v.Runs = append(v.Runs, page.RunLine{At: q.local(c.At), Href: "/activity/" + fmt.Sprint(c.Batch), Status: healthOf(string(c.Verdict)), Evaluated: int(c.Evaluated), Passed: int(c.Passed), Failed: int(c.Failed), Excepted: int(c.Excepted), Unknown: int(c.Unknown), Trigger: c.Reason, Entry: c.Batch})
	}
	if q.mayChange("check.run") {
		v.Run = "/tests/run" + query("back", t.Test)
	}
	if q.mayChange("test_pause.create") && t.State != "switched_off" {
		v.Pause = "/" + q.plural["test_pause"] + "/new" + query("test", t.Test)
	}
	return show(page.Test(q.frame(t.Test, "controls", ui.Link{Text: "Tests", Href: "/tests"}, ui.Link{Text: t.Test}), v))
}

// decides is what decides, as code: of a test over events when each is due and done, and what must hold besides.
func decides(t *report.TestDetail) string {
	if t.Event == nil {
		return t.Condition
	}
	var out []string
	for _, l := range (&content.Test{Event: t.Event, Condition: t.Condition}).Code() {
		out = append(out, l[0]+": "+l[1])
	}
	return strings.Join(out, "\n")
}

// failures are the resources that a test does not pass, worst first.
func (q *ask) failures(test string, n int64) ([]page.Failure, ui.Link, error) {
	var out []page.Failure
	var more ui.Link
	for _, verdict := range []string{"fail", "error", "unknown"} {
		p, err := do[*report.ResultPage](q, "test.results", map[string]any{"id": test, "verdict": verdict, "limit": n})
		if err != nil {
			return nil, more, err
		}
		for _, r := range p.Data {
			x := page.Failure{Resource: r.Name, Kind: r.Kind, Imported: r.Imported, Href: "/resources/" + seg(r.Resource), Status: healthOf(string(r.Verdict)), Message: r.Message, Since: q.local(r.At)}
			if !strings.HasPrefix(r.Resource, "res_") { // a group, or all of them together
				x.Href = "/activity/" + fmt.Sprint(r.Entry)
			}
			for _, name := range sortedKeys(r.Observed) {
				x.Seen = append(x.Seen, page.Seen{Name: name, Value: plainText(r.Observed[name])})
			}
			out = append(out, x)
		}
		if p.Next > 0 {
			more = ui.Link{Text: "there are more"}
		}
		if int64(len(out)) >= n {
			break
		}
	}
	return out, more, nil
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// runTests reads every source and runs every test now.
func runTests(q *ask) (answer, error) {
	c, err := do[job.Cycle](q, "check.run", map[string]any{"collect": true})
	if err != nil {
		return answer{}, err
	}
	bad := slices.ContainsFunc(c.Runs, func(r collect.Run) bool { return r.State != collect.Complete })
	said := fmt.Sprintf("%s read, %s run: %d passed, %d failed, %d unknown.", ui.Count(len(c.Runs), "source"), ui.Count(total(c.Tests), "test"), c.Tests["pass"], c.Tests["fail"], c.Tests["unknown"])
	if bad {
		said += " Not every source could be read."
	}
	to := "/monitoring"
	if b := q.get("back"); b != "" {
		to = "/tests/" + seg(b)
	}
	return goTo(to, said)
}

func total(m map[string]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

func every(hours int64) string {
	switch {
	case hours <= 0:
		return ""
	case hours == 1:
		return "every hour"
	case hours == 24:
		return "every day"
	case hours%24 == 0:
		return fmt.Sprintf("every %d days", hours/24)
	}
	return fmt.Sprintf("every %d hours", hours)
}

func isGone(err error) bool {
	return err != nil && (errs.Public(err).Code == errs.NotFound || errs.Public(err).Code == errs.Denied)
}
