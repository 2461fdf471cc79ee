// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// home answers whether the organisation can be trusted with data, today. Who may not see that goes to his work.
func home(q *ask) (answer, error) {
	if !q.may("readiness.get") {
		return goTo("/work", "")
	}
	o, err := do[*report.Overview](q, "readiness.get", struct{}{})
	if e := errs.Public(err); err != nil && e.Code == errs.Denied {
		return goTo("/work", "")
	}
	if err != nil {
		return answer{}, err
	}
	v := page.HomeView{Readiness: o.Percent, Criteria: o.Criteria, Failing: page.Counted{N: len(o.Failing), Href: "/controls?status=failing"},
		NoProof: page.Counted{N: len(o.Zero), Href: "/criteria?show=none"}, Newest: q.localOf(o.Newest), NewestHref: "/sources", ReadinessHref: "/criteria?show=open"}
	v.Next = q.steps(o.Next)
	for _, s := range o.Statements {
		v.Statements = append(v.Statements, page.Statement{Text: s.Text, Proof: s.Detail, Status: proofOf(s.Proof), Href: statementHref[s.Key]})
	}
	for _, a := range o.Areas {
		v.Areas = append(v.Areas, page.AreaScore{Name: a.Title, Percent: a.Percent, Known: a.Known, Href: areaHref(a.Key)})
	}
	v.History, v.HistoryRows = q.curve(o.History)
	items, err := q.waiting()
	if err != nil {
		return answer{}, err
	}
	if v.Work = items; len(items) > 6 {
		v.Work = items[:6]
	}
	if len(items) > 0 {
		v.WorkMore = ui.Link{Text: fmt.Sprintf("%d in all", len(items)), Href: "/work"}
	}
	if v.Sources, err = q.sourceHealth(); err != nil {
		return answer{}, err
	}
	if q.may("activity.list") {
		p, err := do[*report.EventPage](q, "activity.list", map[string]any{"limit": 7})
		if err == nil { // who sees only his own sees none here
			v.Recent = q.events(p.Data)
		}
	}
	return show(page.Home(q.frame("Home", "home"), v))
}

var statementHref = map[string]string{"controls_defined": "/controls", "access_known": "/evidence?type=access_review", "systems_monitored": "/tests/siem.sources_live", "vendors_managed": "/tests/vendor.reviewed",
	"risk_assessed": "/criteria/CC3.2", "incident_ready": "/controls?q=INC-", "evidence_documented": "/evidence", "controls_consistent": "/monitoring?days=90"}

func areaHref(key string) string {
	part := map[string]string{"access_review": "IAM-", "cloud_configuration": "NET-", "vendor_risk": "VEN-", "incident_response": "INC-", "policy_review": "GOV-"}[key]
	if part == "" {
		return "/controls"
	}
	return "/controls" + query("q", part)
}

// steps are what to do next while the programme is being set up: until every policy is in force and every control
// has an owner. After that the daily work has its own places.
func (q *ask) steps(all []report.Step) []ui.Step {
	setUp := true
	var out []ui.Step
	for _, s := range all {
		if (s.Key == "policies" || s.Key == "owners") && !s.Done() {
			setUp = false
		}
		x := ui.Step{Text: s.Text, Why: s.Why, Got: s.Got, Of: s.Of, Href: stepHref[s.Key]}
		for _, g := range q.gaps(s.Gaps[:min(len(s.Gaps), 3)]) {
			x.Parts = append(x.Parts, ui.Link{Text: g.Text, Href: g.Act.Href})
		}
		if s.Key == "sources" && q.mayChange("source.create") {
			x.Act = ui.Link{Text: "Connect", Href: "/sources/new"}
		}
		if s.Key == "evidence" && q.mayChange("evidence.create") {
			x.Act = ui.Link{Text: "Add", Href: "/evidence/new"}
		}
		out = append(out, x)
	}
	if setUp {
		return nil
	}
	return out
}

var stepHref = map[string]string{"sources": "/tests?state=unknown", "policies": "/policies", "owners": "/controls?mine=nobody", "failing": "/tests?state=fail", "evidence": "/evidence"}

// curve draws readiness over time from its changes. A day before the first is not known, which is not nothing.
func (q *ask) curve(all []report.Score) (ui.Area, []page.ReadinessRow) {
	a := ui.Area{Unit: "%", Max: 100}
	var rows []page.ReadinessRow
	if len(all) == 0 {
		return a, nil
	}
	days := int(q.at().Sub(q.local(all[0].At)).Hours()/24) + 1
	days = min(max(days, 0), 364)
	end := q.at()
	i := 0
	for d := days; d >= 0; d-- {
		day := time.Date(end.Year(), end.Month(), end.Day()-d, 23, 59, 59, 0, end.Location())
		for i < len(all) && !all[i].At.After(day) {
			i++
		}
		p := ui.Point{At: day, Known: i > 0}
		if i > 0 {
			p.Value = int(all[i-1].Percent)
		}
		a.Points = append(a.Points, p)
	}
	for i := len(all) - 1; i >= 0 && len(rows) < 30; i-- {
		s := all[i]
		rows = append(rows, page.ReadinessRow{Day: q.local(s.At), Percent: int(s.Percent), Why: ui.Count(int(s.Failing), "control") + " failing, " + ui.Num(s.Below) + " criteria not fully proved"})
	}
	a.Label = fmt.Sprintf("Readiness over the last %d days, from %d%% to %d%%", len(a.Points), all[0].Percent, all[len(all)-1].Percent)
	return a, rows
}

// sourceHealth says of each source how its newest run went.
func (q *ask) sourceHealth() ([]page.SourceHealth, error) {
	if !q.may("source.list") {
		return nil, nil
	}
	l, err := do[listing](q, "source.list", map[string]any{"limit": 100})
	if err != nil {
		return nil, err
	}
	runs, err := q.newestRuns(l.Data)
	if err != nil {
		return nil, err
	}
	var out []page.SourceHealth
	for _, t := range l.Data {
		r := runs[t.id()]
		h := page.SourceHealth{Name: t.text("name"), Kind: t.text("connector"), Href: "/sources/" + seg(t.id()), Status: r.status(t), Word: r.word(t), LastGood: q.local(r.good)}
		switch {
		case t.text("state") == "disabled":
			h.Note = "is not read"
		case r.any && r.last.State != collect.Complete:
			h.Note = r.last.Problem
		}
		out = append(out, h)
	}
	return out, nil
}

// sourceRuns is what is known of the runs of one source.
type sourceRuns struct {
	any  bool
	last collect.Run
	good time.Time // of the newest complete run
}

func (r sourceRuns) status(t thing) ui.Status {
	switch {
	case t.text("state") == "disabled":
		return ui.Paused
	case !r.any:
		return ui.NotStarted
	case r.last.State == collect.Complete:
		return ui.Passing
	case r.last.State == collect.Partial:
		return ui.NeedsAttention
	}
	return ui.Errored
}

// word is the status as one says it of a source: a source does not pass, it works.
func (r sourceRuns) word(t thing) string {
	switch {
	case t.text("state") == "disabled":
		return "switched off"
	case !r.any:
		return "not read yet"
	case r.last.State == collect.Complete:
		return "working"
	case r.last.State == collect.Partial:
		return "read in part"
	}
	return "not readable"
}

// newestRuns finds the newest runs of sources: a few of each, so that a source that always fails says so.
func (q *ask) newestRuns(all []thing) (map[string]sourceRuns, error) {
	out := map[string]sourceRuns{}
	for _, t := range all {
		p, err := do[collect.RunPage](q, "run.list", map[string]any{"source": t.id(), "limit": 10})
		if err != nil {
			return nil, err
		}
		var s sourceRuns
		if s.any = len(p.Data) > 0; s.any {
			s.last = p.Data[0]
			if i := slices.IndexFunc(p.Data, func(r collect.Run) bool { return r.State == collect.Complete }); i >= 0 {
				s.good = p.Data[i].Since()
			}
		}
		out[t.id()] = s
	}
	return out, nil
}

// events turns activity into lines of pages.
func (q *ask) events(all []report.Event) []page.Event {
	out := make([]page.Event, len(all))
	for i, e := range all {
		out[i] = q.event(e)
	}
	return out
}

func (q *ask) event(e report.Event) page.Event {
	x := page.Event{Entry: e.Seq, At: q.local(e.At), Actor: e.Who, Text: e.Text, Object: ui.Link{Text: e.Label, Href: q.hrefOf(e.Kind, e.ID)}, Via: e.Via}
	if _, isKind := q.Gate.Shape(e.Kind); !isKind { // a batch of facts: its id says nothing to a person
		x.Object = ui.Link{}
		if l := q.label(e.ID); l != e.ID {
			x.Object = ui.Link{Text: l, Href: q.hrefOf("", e.ID)}
		}
	}
	if e.Kind == "run" || e.Kind == "resource" { // of a reading: the source says more than the run
		if r, err := do[*collect.Run](q, "run.get", map[string]any{"id": e.ID}); err == nil {
			x.Text, x.Object = "read", ui.Link{Text: q.label(r.Source), Href: "/runs/" + seg(r.ID)}
			if e.Kind == "resource" {
				x.Text = e.Text + " in"
			}
			x.Status, x.Shown = healthOf(string(r.State)), r.State != collect.Complete
		}
	}
	if e.Kind == "sign_in" {
		if x.Object = (ui.Link{}); e.Label != "" {
			x.Object = ui.Link{Text: e.Label, Href: q.hrefOf("user", e.ID)}
		}
	}
	if e.Actor == "system" && strings.HasPrefix(e.Via, "system") { // nobody asked for it through anything
		x.Via = ""
	}
	return x
}
