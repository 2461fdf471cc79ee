// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

var now = clock.NewFake(time.Date(2026, 11, 22, 9, 41, 12, 0, time.UTC)).Now()

func day(back int) time.Time { return now.AddDate(0, 0, -back) }

func frame(r *http.Request, title, section string, crumbs ...ui.Link) ui.Frame {
	f := ui.Frame{
		Title: title, Section: section, Org: "Harrow & Pike Ltd", Person: "Ines Okafor", Email: "ines@example.com",
		Now: now, Crumbs: crumbs, Counts: map[string]int{"tasks": 7, "exceptions": 2}, Path: r.URL.RequestURI(), Dev: true, LivePath: "/live",
	}
	if r.URL.Query().Has("past") {
		f.AsOf, f.Entry = time.Date(2026, 9, 30, 23, 59, 59, 0, time.UTC), 31877
	}
	return f
}

var reasons = map[ui.Letter][]string{
	ui.F: {"2 security controls failing a test", "1 security control missing documentation", "3 identities have no MFA", "1 security control overdue review"},
	ui.E: {"The identity provider answered 503 to every try"},
	ui.N: {"No run was complete: the source was not reachable"},
	ui.Z: {"Paused by Ravi Lindqvist during the move to the new data centre"},
	ui.X: {"1 service account excepted until 31 Dec 2026"},
}

// strip makes up a year of days that always ends in the same letter.
func strip(seed uint64, label string, days int, today ui.Letter) ui.Strip {
	rnd := rand.New(rand.NewPCG(seed, 7))
	s := ui.Strip{Label: label, First: now, Href: "/monitoring/" + label + "/{day}"}
	add := func(l ui.Letter, n int) {
		if n = min(n, days); n < 1 {
			return
		}
		days -= n
		x := ui.Span{Letter: l, Days: n}
		if why := reasons[l]; len(why) > 0 {
			x.Reason = why[rnd.IntN(len(why))]
		}
		s.Spans = append(s.Spans, x)
	}
	add(today, 1+rnd.IntN(9))
	for days > 0 {
		add(ui.P, 5+rnd.IntN(46))
		add([]ui.Letter{ui.F, ui.F, ui.E, ui.N, ui.X, ui.Z, ui.F, ui.N}[rnd.IntN(8)], 1+rnd.IntN(4))
		if seed%9 == 4 && days > 60 {
			add(ui.NA, 40)
		}
	}
	return s
}

// unproven is what a company can say on its first day.
func unproven() []page.Statement {
	out := homeView().Statements
	for i := range out {
		out[i].Status, out[i].Proof = ui.NoData, "nothing has been collected yet"
	}
	return out
}

var today = []ui.Status{ui.Passing, ui.Passing, ui.Passing, ui.Failing, ui.Passing, ui.NeedsAttention, ui.Passing, ui.Passing, ui.NoData, ui.Passing, ui.Passing, ui.Passing}

func statusOf(i int) ui.Status {
	if i%23 == 11 {
		return ui.NotStarted
	}
	return today[i%len(today)]
}

func letterOf(s ui.Status) ui.Letter {
	switch s {
	case ui.Passing, ui.NeedsAttention:
		return ui.P
	case ui.Failing:
		return ui.F
	case ui.NotApplicable:
		return ui.NA
	}
	return ui.N
}

func gridRow(ref, text, href string, i, days int) page.GridRow {
	s := statusOf(i)
	why := map[ui.Status]string{ui.Failing: "2 security controls failing a test", ui.NoData: "no complete run since 14 Nov", ui.NeedsAttention: "evidence expires on 30 Nov", ui.NotStarted: "no proof has been accepted yet", ui.Passing: ""}[s]
	cover := 100 - i%7
	if s == ui.NotStarted {
		cover = -1
	}
	st := strip(uint64(i+1), ref, days, letterOf(s))
	if s == ui.NotStarted {
		st.Spans = []ui.Span{{Letter: ui.N, Days: days, Reason: "nothing has been collected yet"}}
	}
	return page.GridRow{
		Ref: ref, Text: text, Href: href, Status: s, Strip: st, Coverage: cover, Why: ui.Link{Text: why, Href: "/monitoring/" + ref + "/2026-11-22"},
		OpenHref: "/monitoring?open=" + ref, RowsHref: "/monitoring/" + ref + "/controls",
	}
}

func controlRows(criterion string, days int) []page.GridRow {
	var out []page.GridRow
	for i, c := range controls {
		if slices.Contains(c.criteria, criterion) {
			out = append(out, gridRow(c.ref, c.title, "/controls/"+c.ref, i, days))
		}
	}
	return out
}

func controlsOf(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("ref")
	row := gridRow(ref, "", "", indexOf(ref), 90)
	row.Controls = controlRows(ref, 90)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.GridControls(row).Render(r.Context(), w); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func indexOf(ref string) int {
	return slices.IndexFunc(criteria, func(c [2]string) bool { return c[0] == ref })
}

var groups = []struct{ prefix, title string }{
	{"CC1.", "CC1 Control environment"}, {"CC2.", "CC2 Communication and information"}, {"CC3.", "CC3 Risk assessment"}, {"CC4.", "CC4 Monitoring"},
	{"CC5.", "CC5 Control activities"}, {"CC6.", "CC6 Logical and physical access"}, {"CC7.", "CC7 System operations"}, {"CC8.", "CC8 Change management"},
	{"CC9.", "CC9 Risk mitigation"}, {"A1.", "Availability"}, {"PI1.", "Processing integrity"}, {"C1.", "Confidentiality"}, {"P", "Privacy"},
}

func gridView(r *http.Request) page.GridView {
	days := 90
	if r.URL.Query().Get("days") == "365" {
		days = 365
	}
	v := page.GridView{
		Answer: []ui.Part{{Text: "5 of 61 criteria", Href: "/monitoring?state=failing"}, {Text: " are not proved today; the oldest gap is "}, {Text: "12 days", Href: "/monitoring?state=no_data"}, {Text: "."}},
		Query:  r.URL.Query().Get("q"), First: now, Days: days, Updated: now.Add(-4 * time.Minute), Path: r.URL.RequestURI(),
		Chips:  []ui.Chip{{Text: "failing", Href: "/monitoring?state=failing", N: 5}, {Text: "no data", Href: "/monitoring?state=no_data", N: 5}, {Text: "mine", Href: "/monitoring?owner=me", N: 14, On: r.URL.Query().Has("owner")}},
		Ranges: []ui.Tab{{Text: "30 days", Href: "/monitoring?days=30"}, {Text: "90", Href: "/monitoring", Current: days == 90}, {Text: "365", Href: "/monitoring?days=365", Current: days == 365}},
	}
	used := map[string]bool{}
	for _, g := range groups {
		group := page.GridGroup{Title: g.title}
		for i, c := range criteria {
			if used[c[0]] || !strings.HasPrefix(c[0], g.prefix) || v.Query != "" && !strings.Contains(strings.ToLower(c[0]+c[1]), strings.ToLower(v.Query)) {
				continue
			}
			used[c[0]] = true
			row := gridRow(c[0], c[1], "/criteria/"+c[0], i, days)
			if row.Open = slices.Contains(strings.Split(r.URL.Query().Get("open"), ","), c[0]); row.Open {
				row.Controls = controlRows(c[0], days)
				row.OpenHref = "/monitoring"
			}
			group.Rows = append(group.Rows, row)
		}
		if len(group.Rows) > 0 {
			v.Groups = append(v.Groups, group)
		}
	}
	return v
}

func homeView() page.HomeView {
	v := page.HomeView{
		Readiness: 75, Criteria: 61, Failing: page.Counted{N: 4, Href: "/controls?state=failing"}, NoProof: page.Counted{N: 3, Href: "/monitoring?state=no_proof"},
		Newest: now.Add(-14 * time.Minute), NewestHref: "/sources", ReadinessHref: "/readiness", WorkMore: ui.Link{Text: "7 in all", Href: "/tasks?owner=me"},
		Statements: []page.Statement{
			{Text: "Our controls are defined", Proof: "118 of 119 controls have approved text", Status: ui.NeedsAttention, Href: "/controls"},
			{Text: "We know who can reach data", Proof: "142 accounts reviewed on 2 Oct 2026", Status: ui.Passing, Href: "/evidence"},
			{Text: "Our systems are monitored", Proof: "11 of 11 log sources are live", Status: ui.Passing, Href: "/sources"},
			{Text: "Our vendors are managed", Proof: "9 of 14 reviews are in date", Status: ui.NeedsAttention, Href: "/vendors"},
			{Text: "Risk has been assessed", Proof: "last assessment 3 Feb 2026", Status: ui.Passing, Href: "/risks"},
			{Text: "We can answer an incident", Proof: "no exercise in the last 365 days", Status: ui.Failing, Href: "/policies"},
			{Text: "Evidence is documented", Proof: "204 of 231 items are in date", Status: ui.NeedsAttention, Href: "/evidence"},
			{Text: "Controls run every day", Proof: "the tracker has not been read for 90 days", Status: ui.NoData, Href: "/monitoring"},
		},
		Work: []page.WorkItem{
			{Kind: "Control you own", Text: "IAM-02 fails: 3 identities have no MFA", Href: "/controls/IAM-02", Status: ui.Failing, Due: day(3), Late: true},
			{Kind: "Exception to approve", Text: "Build account without rotation, asked by Mara Castellanos", Href: "/exceptions/1", Due: day(-1)},
			{Kind: "Policy review", Text: "Incident Response Policy, yearly review", Href: "/policies/1", Due: day(-8)},
			{Kind: "Evidence expires", Text: "Quarterly access review, third quarter", Href: "/evidence/1", Due: day(-12)},
			{Kind: "Source", Text: "Tracker: permission to read projects is missing", Href: "/sources/4", Status: ui.NoData},
		},
		Areas: []page.AreaScore{{Name: "Policy review", Percent: 88, Known: true, Href: "/policies"}, {Name: "Access review", Percent: 71, Known: true, Href: "/people"}, {Name: "Cloud configuration", Percent: 93, Known: true, Href: "/systems"}, {Name: "Vendor risk", Percent: 0, Known: false, Href: "/vendors"}, {Name: "Incident response", Percent: 60, Known: true, Href: "/controls"}, {Name: "Control mapping", Percent: 95, Known: true, Href: "/controls"}, {Name: "Evidence readiness", Percent: 84, Known: true, Href: "/evidence"}},
		Sources: []page.SourceHealth{
			{Name: "Identity provider", Kind: "okta", Href: "/sources/1", Status: ui.Passing, Word: "working", LastGood: now.Add(-14 * time.Minute)},
			{Name: "harrow/platform", Kind: "git", Href: "/sources/2", Status: ui.Passing, Word: "working", LastGood: now.Add(-31 * time.Minute)},
			{Name: "build-01", Kind: "host", Href: "/sources/3", Status: ui.NeedsAttention, Word: "read in part", LastGood: now.Add(-26 * time.Hour), Note: "4 attributes need root to be read"},
			{Name: "Tracker", Kind: "jira", Href: "/sources/4", Status: ui.Errored, Word: "not readable", LastGood: day(8), Note: "refused: permission to read projects"},
		},
		Recent: events()[:5],
	}
	v.History = ui.Area{Label: "Readiness over the last 180 days, from 41% to 75%", Unit: "%", Max: 100, Marks: []ui.Mark{{At: day(118), Text: "Identity provider connected"}, {At: day(31), Text: "Policies approved"}}}
	val := 41
	for i := 180; i >= 0; i-- {
		if i%9 == 0 && val < 75 {
			val += i%5 + 1
		}
		if i == 74 {
			val -= 8
		}
		v.History.Points = append(v.History.Points, ui.Point{At: day(i), Value: min(val, 75), Known: i < 96 || i > 101})
	}
	v.HistoryRows = []page.ReadinessRow{{Day: day(0), Percent: 75, Why: "CHG-01 passes again"}, {Day: day(31), Percent: 72, Why: "6 policies approved"}, {Day: day(74), Percent: 55, Why: "VUL-01 began to fail: 4 servers miss security updates"}}
	return v
}

func events() []page.Event {
	mk := func(n int64, mins int, who, text, obj, href, via string) page.Event {
		return page.Event{Entry: n, At: now.Add(-time.Duration(mins) * time.Minute), Actor: who, Text: text, Object: ui.Link{Text: obj, Href: href}, Via: via}
	}
	out := []page.Event{
		mk(48211, 4, "Assay", "ran 103 tests on", "the run of 09:37", "/sources/1/runs/9", "schedule"),
		mk(48210, 14, "Assay", "collected 142 accounts from", "Identity provider", "/sources/1", "schedule"),
		mk(48209, 52, "Mara Castellanos", "asked for an exception for", "Build account without rotation", "/exceptions/1", "web"),
		mk(48208, 96, "Ravi Lindqvist", "accepted", "Quarterly access review, third quarter", "/evidence/1", "web"),
		mk(48207, 180, "deploy token", "uploaded", "Deployment list, October", "/evidence/2", "REST"),
		mk(48206, 1300, "Ines Okafor", "approved version 3.0 of", "Information Security Policy", "/policies/1", "web"),
		mk(48205, 1900, "Tomoko Brandt", "changed the owner of", "HRS-04", "/controls/HRS-04", "CLI"),
		mk(48204, 2900, "Ravi Lindqvist", "asked to read", "the list of sign-ins", "/activity", "MCP"),
	}
	out[0].Status, out[0].Shown = ui.Failing, true
	return out
}

func ref(i int) string { return fmt.Sprintf("%d", i) }
