// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/url"

	"assay/internal/web/page"
	"assay/internal/web/ui"

	"github.com/a-h/templ"
)

// one is a page at an address of its own. An empty path is another look at a page that is already there.
type one struct {
	name, path, visit string
	code              int
	show              func(r *http.Request) templ.Component
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		return &url.URL{Path: s}
	}
	return u
}

type shower = func(r *http.Request) templ.Component

func framed(title, section string, f func(ui.Frame) templ.Component, crumbs ...ui.Link) shower {
	return func(r *http.Request) templ.Component { return f(frame(r, title, section, crumbs...)) }
}

func pages() []one {
	up := func(text, href, here string) []ui.Link { return []ui.Link{{Text: text, Href: href}, {Text: here}} }
	grid := func(r *http.Request) templ.Component {
		f := frame(r, "Monitoring", "monitoring")
		f.Wide = true
		return page.Grid(f, gridView(r))
	}
	settings := func(r *http.Request) templ.Component {
		return page.Settings(frame(r, "Settings", "settings"), settingsView(r.URL.Query().Get("tab")))
	}
	activity := func(r *http.Request) templ.Component {
		return page.Activity(frame(r, "Activity", "activity"), activityView(!r.URL.Query().Has("bad")))
	}
	search := func(r *http.Request) templ.Component {
		if r.Header.Get("HX-Request") != "" {
			return page.Hits(searchView(r.URL.Query().Get("q")))
		}
		return page.Search(frame(r, "Search", ""), searchView(r.URL.Query().Get("q")))
	}
	return []one{
		{"home", "/{$}", "/", 0, framed("Home", "home", func(f ui.Frame) templ.Component { return page.Home(f, homeView()) })},
		{"home-past", "", "/?past", 0, nil},
		{"home-new", "/new", "/new", 0, framed("Home", "home", func(f ui.Frame) templ.Component {
			return page.Home(f, page.HomeView{Criteria: 61, NoProof: page.Counted{N: 61, Href: "/criteria"}, Failing: page.Counted{Href: "/controls"}, ReadinessHref: "/criteria", NewestHref: "/sources", Statements: unproven()})
		})},
		{"grid", "/monitoring", "/monitoring", 0, grid},
		{"grid-open", "", "/monitoring?open=CC1.3&days=365", 0, nil},
		{"grid-none", "", "/monitoring?q=zzz", 0, nil},
		{"day", "/monitoring/{ref}/{day}", "/monitoring/IAM-02/2026-11-22", 0, framed("IAM-02 on 22 Nov 2026", "monitoring", func(f ui.Frame) templ.Component { return page.Day(f, dayView()) }, up("Monitoring", "/monitoring", "22 Nov 2026")...)},
		{"control", "/controls/{ref}", "/controls/IAM-02", 0, framed("IAM-02", "controls", func(f ui.Frame) templ.Component { return page.Control(f, controlView()) }, up("Controls", "/controls", "IAM-02")...)},
		{"control-past", "", "/controls/IAM-02?past", 0, nil},
		{"test", "/tests/{id}", "/tests/idp.mfa_all", 0, framed("idp.mfa_all", "controls", func(f ui.Frame) templ.Component { return page.Test(f, testView()) }, up("Tests", "/tests", "idp.mfa_all")...)},
		{"resource", "/resources/{id}", "/resources/1", 0, framed("otto@example.com", "sources", func(f ui.Frame) templ.Component { return page.Resource(f, resourceView()) }, up("Resources", "/resources", "otto@example.com")...)},
		{"sources", "/sources", "/sources", 0, framed("Sources", "sources", func(f ui.Frame) templ.Component { return page.Sources(f, sourcesView()) })},
		{"source", "/sources/{id}", "/sources/4", 0, framed("Tracker", "sources", func(f ui.Frame) templ.Component { return page.Source(f, sourceView()) }, up("Sources", "/sources", "Tracker")...)},
		{"evidence-list", "/evidence", "/evidence", 0, framed("Evidence", "evidence", func(f ui.Frame) templ.Component { return page.EvidenceList(f, evidenceList()) })},
		{"evidence-one", "/evidence/{id}", "/evidence/1", 0, framed("Access review", "evidence", func(f ui.Frame) templ.Component { return page.Evidence(f, evidenceView()) }, up("Evidence", "/evidence", "Quarterly access review")...)},
		{"upload", "/evidence/new", "/evidence/new", 0, framed("Add evidence", "evidence", func(f ui.Frame) templ.Component { return page.Upload(f, uploadView()) }, up("Evidence", "/evidence", "Add")...)},
		{"activity", "/activity", "/activity", 0, activity},
		{"activity-bad", "", "/activity?bad", 0, nil},
		{"entry", "/activity/{seq}", "/activity/48206", 0, framed("Ledger entry 48,206", "activity", func(f ui.Frame) templ.Component { return page.LedgerEntry(f, entryView()) }, up("Activity", "/activity", "48,206")...)},
		{"criteria", "/criteria", "/criteria", 0, framed("Criteria", "monitoring", func(f ui.Frame) templ.Component { return page.Criteria(f, criteriaView()) })},
		{"settings", "/settings", "/settings", 0, settings},
		{"settings-users", "", "/settings?tab=users", 0, nil},
		{"settings-tokens", "", "/settings?tab=tokens", 0, nil},
		{"search", "/search", "/search?q=mfa", 0, search},
		{"list", "/controls", "/controls", 0, framed("Controls", "controls", func(f ui.Frame) templ.Component { return page.List(f, listView()) })},
		{"detail", "/exceptions/{id}", "/exceptions/3", 0, framed("EXC-3", "exceptions", func(f ui.Frame) templ.Component { return page.Detail(f, detailView()) }, up("Exceptions", "/exceptions", "EXC-3")...)},
		{"form", "/controls/{ref}/edit", "/controls/IAM-02/edit", 0, framed("Edit IAM-02", "controls", func(f ui.Frame) templ.Component { return page.FormPage(f, formView()) }, up("Controls", "/controls", "IAM-02")...)},
		{"history", "/controls/{ref}/history", "/controls/IAM-02/history", 0, framed("History", "controls", func(f ui.Frame) templ.Component { return page.History(f, historyView()) }, up("Controls", "/controls", "IAM-02")...)},
		{"error-404", "/404", "/404", 404, framed("Not found", "", func(f ui.Frame) templ.Component {
			return page.Error(f, page.ErrorView{Code: 404, Request: "req_01k9x7"})
		})},
		{"error-409", "/409", "/409", 409, framed("Conflict", "", func(f ui.Frame) templ.Component {
			return page.Error(f, page.ErrorView{Code: 409, Request: "req_01k9x8", Acts: []ui.Link{{Text: "View current version", Href: "/controls/IAM-02"}}, Changes: []ui.Line{{Sign: '-', Name: "owner", Text: "Tomoko Brandt"}, {Sign: '+', Name: "owner", Text: "Ravi Lindqvist"}}})
		})},
		{"error-500", "/500", "/500", 500, func(*http.Request) templ.Component {
			return page.ErrorAlone(page.ErrorView{Code: 500, Request: "req_01k9x9"})
		}},
		{"sign-in", "/sign-in", "/sign-in", 0, func(*http.Request) templ.Component {
			return page.SignIn(page.SignInView{Org: "Harrow & Pike Ltd", Wrong: "That e-mail and password do not belong together."})
		}},
		{"sign-in-link", "/sign-in/link", "/sign-in/link", 0, func(*http.Request) templ.Component {
			return page.SignIn(page.SignInView{Org: "Harrow & Pike Ltd", Link: true, Person: "Ines", Token: "made-up", Password: true})
		}},
		{"design", "/design", "/design", 0, framed("Design", "", page.Design)},
	}
}
