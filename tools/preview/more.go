// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"time"

	"assay/internal/web/page"
	"assay/internal/web/ui"
)

const sum = "7f3a9c01d2b44e5f8a6677889900aabbccddeeff00112233445566778899aabb"

func runs() []page.RunLine {
	mk := func(mins int, s ui.Status, failed, unknown int, by string) page.RunLine {
		return page.RunLine{At: now.Add(-time.Duration(mins) * time.Minute), Name: "Every active human identity has MFA", Href: "/tests/idp.mfa_all", Status: s, Evaluated: 142, Passed: 142 - failed - unknown, Failed: failed, Unknown: unknown, Trigger: by}
	}
	out := []page.RunLine{mk(4, ui.Failing, 3, 1, "schedule"), mk(184, ui.Failing, 3, 1, "Ravi Lindqvist"), mk(364, ui.Passing, 0, 0, "schedule"), mk(544, ui.Errored, 0, 0, "schedule")}
	out[3].Note, out[3].Evaluated, out[3].Passed = "The identity provider answered 503 to every try", 0, 0
	return out
}

func failures() []page.Failure {
	return []page.Failure{
		{Resource: "otto@example.com", Kind: "idp.user", Href: "/resources/1", Status: ui.Failing, Since: day(3), Owner: "Otto Fairweather", Seen: []page.Seen{{Name: "status", Value: "active"}, {Name: "mfa_enrolled", Value: "false"}}},
		{Resource: "svc-report@example.com", Kind: "idp.user", Href: "/resources/2", Status: ui.Failing, Since: day(19), Seen: []page.Seen{{Name: "is_service", Value: "false"}, {Name: "mfa_enrolled", Value: "false"}}, Message: "looks like a service account that nobody has marked"},
		{Resource: "lena@example.com", Kind: "idp.user", Href: "/resources/3", Status: ui.Failing, Since: day(1), Owner: "Lena Marchetti", Seen: []page.Seen{{Name: "mfa_enrolled", Value: "false"}}},
		{Resource: "guest-17@example.com", Kind: "idp.user", Href: "/resources/4", Status: ui.NoData, Since: day(6), Seen: []page.Seen{{Name: "mfa_enrolled", Unknown: true, Why: "the token may not read factors"}}},
	}
}

func dayView() page.DayView {
	return page.DayView{
		Ref: "IAM-02", Title: "MFA for every identity", Href: "/controls/IAM-02", Day: day(0), Letter: ui.F, Reason: "3 identities have no MFA", Prev: "/monitoring/IAM-02/2026-11-21",
		Strip: strip(4, "IAM-02", 90, ui.F), Runs: runs(), Failing: failures(), Entry: 48211,
		Versions: []page.DayVersion{
			{No: 2, Library: true, From: day(0).Truncate(24 * time.Hour), To: day(0).Truncate(24 * time.Hour).Add(11 * time.Hour), Letter: ui.F, Title: "MFA for every identity", Text: "Every person who signs in does so with a second factor.", Tests: []page.Tied{{ID: "idp.mfa_all", Href: "/tests/idp.mfa_all", Role: "required"}}},
			{No: 3, From: day(0).Truncate(24 * time.Hour).Add(11 * time.Hour), To: day(0).Truncate(24 * time.Hour).Add(20 * time.Hour), Letter: ui.P, Title: "Multi-factor authentication", Text: "Every person who signs in to a system in scope does so with a second factor; administrators use one that cannot be phished.", Tests: []page.Tied{{ID: "idp.mfa_all", Href: "/tests/idp.mfa_all", Role: "required"}, {ID: "idp.session", Href: "/tests/idp.session", Role: "supporting"}}, Evidence: []string{"Screenshot of the sign-on policy"}, Policies: []ui.Link{{Text: "POL-04", Href: "/policies/4"}}},
		},
		Parts: []page.DayPart{
			{Kind: "test", Name: "Every active human identity has MFA", Href: "/tests/idp.mfa_all", Letter: ui.F, Required: true, Reason: "3 identities have no MFA"},
			{Kind: "test", Name: "Administrators use a phishing-resistant factor", Href: "/tests/idp.admin_factor", Letter: ui.P, Required: true},
			{Kind: "evidence", Name: "Quarterly access review, third quarter", Href: "/controls/IAM-02#evidence", Letter: ui.P, Required: true, Reason: "is current", Piece: ui.Link{Text: "Access review, third quarter", Href: "/evidence/1"}},
			{Kind: "test", Name: "Idle sessions end within 12 hours", Href: "/tests/idp.session", Letter: ui.N, Reason: "No complete run since 14 Nov"},
		},
	}
}

func controlView() page.ControlView {
	return page.ControlView{
		Ref: "IAM-02", Title: "Multi-factor authentication", Text: "Every person who signs in to a system in scope does so with a second factor; administrators use one that cannot be phished. Exceptions are approved, dated and reviewed.",
		Status: ui.Failing, Why: "3 of 142 identities have no MFA since 19 Nov",
		Documented:  page.Light{Status: ui.Passing, Word: "documented", Proof: "text version 3 approved, POL-04 in force", Href: "/policies/4"},
		Implemented: page.Light{Status: ui.Passing, Word: "implemented", Proof: "2 tests and 1 piece of evidence", Href: "#tests"},
		Operating:   page.Light{Status: ui.Failing, Word: "exceptions found", Proof: "4 failed days", Href: "#operation", Counts: []ui.Pair{{Term: "Days observed", Text: "97%"}, {Term: "Pass rate", Text: "95%"}}},
		Strip:       strip(4, "IAM-02", 365, ui.F),
		Tests: []page.ControlTest{
			{ID: "idp.mfa_all", Title: "Every active human identity has MFA", Href: "/tests/idp.mfa_all", Required: true, Status: ui.Failing, Failing: 3, Of: 142, Unknown: 1, Last: now.Add(-4 * time.Minute)},
			{ID: "idp.admin_factor", Title: "Administrators use a phishing-resistant factor", Href: "/tests/idp.admin_factor", Required: true, Status: ui.Passing, Of: 6, Last: now.Add(-4 * time.Minute)},
			{ID: "idp.session", Title: "Idle sessions end within 12 hours", Href: "/tests/idp.session", Status: ui.NoData, Of: 0, Last: day(8)},
		},
		Evidence: []page.EvidenceLine{
			{Kind: "Screenshot of the sign-on policy", Title: "Sign-on policy, October", Href: "/evidence/1", Status: ui.NeedsAttention, Word: "expiring", Line: "Counts for IAM-02, 1 Nov – 4 Dec 2026.", Until: day(-12), Required: true},
			{Kind: "Approval of exceptions", Status: ui.NotStarted, Word: "missing", Add: "/evidence/new"},
		},
		Policies: []ui.Link{{Text: "POL-04 Access Control Policy", Href: "/policies/4"}}, Criteria: []ui.Link{{Text: "CC6.1", Href: "/criteria/CC6.1"}, {Text: "CC6.6", Href: "/criteria/CC6.6"}},
		Owner: "Ravi Lindqvist", Frequency: "continuously", Nature: "preventive, automated", Weight: 2, Version: 3, Effective: day(240),
		Exceptions: []ui.Link{{Text: "svc-report until 31 Dec 2026", Href: "/exceptions/1"}}, Tasks: []ui.Link{{Text: "Enrol 3 identities, due 26 Nov", Href: "/tasks/1"}},
		Elsewhere: []page.Crossing{{Framework: "ISO 27001", Refs: "A.5.17, A.8.5"}, {Framework: "NIST CSF 2.0", Refs: "PR.AA-03"}, {Framework: "HIPAA", Refs: "164.312(d)"}},
		History:   events()[:4], Entry: 48211, Library: true, Chores: []string{"Review exceptions of MFA each quarter"}, AllVersions: "/control-versions",
		Acts: []ui.Button{{Text: "Propose a change", Icon: "edit", Href: "/controls/IAM-02/edit", Key: "e", Write: true}, {Text: "Propose to retire", Kind: "quiet", Href: "/controls/IAM-02/edit", Write: true}, {Text: "Edit owner and tasks", Href: "/controls/IAM-02/edit", Write: true}, {Text: "Confirm library text", Icon: "check", Post: "/controls/IAM-02/confirm", Rev: "3", Write: true}},
		Waiting: []page.Proposal{{Title: "Change this control", Href: "/control-versions/1", By: "Tomoko Brandt", At: day(1), Reason: "Idle sessions end after eight hours since our audit.", From: day(-3), Significant: true,
			Lines: []ui.Line{{Sign: '-', Name: "Text", Text: "Every person who signs in to a system in scope does so with a second factor."}, {Sign: '+', Name: "Text", Text: "Every person who signs in to a system in scope does so with a second factor, and idle sessions end after eight hours."}, {Sign: '+', Name: "Tests", Text: "idp.session (required)"}},
			Acts:  []ui.Button{{Text: "Approve", Kind: "primary", Icon: "check", Write: true, Off: "You can't approve your own request. Ask another approver: Ravi Lindqvist."}, {Text: "Reject", Href: "/control-versions/1", Write: true}, {Text: "Withdraw", Href: "/control-versions/1", Write: true}},
			Off:   []string{"You can't approve your own request. Ask another approver: Ravi Lindqvist."}}},
		Scheduled: []page.Proposal{{Title: "Change this control", Href: "/control-versions/2", By: "Tomoko Brandt", At: day(4), ApprovedBy: "Ravi Lindqvist", Reason: "We look at exceptions each month.", From: day(-11), Lines: []ui.Line{{Sign: '-', Name: "Frequency", Text: "quarterly"}, {Sign: '+', Name: "Frequency", Text: "monthly"}}, Acts: []ui.Button{{Text: "Withdraw", Href: "/control-versions/2", Write: true}}}},
		Versions:  []page.ControlVersion{{No: 3, From: day(40), What: "Changed", By: "Tomoko Brandt", ApprovedBy: "Ravi Lindqvist", Reason: "Administrators use keys now.", Significant: true, Href: "/control-versions/3"}, {No: 2, From: day(90), To: day(40), What: "Changed", By: "Tomoko Brandt", ApprovedBy: "Tomoko Brandt", How: "Approved by author (solo)", Reason: "We took over the web team.", Href: "/control-versions/4"}, {No: 1, From: day(240), To: day(90), What: "Library text", How: "Not confirmed", Href: "/controls/IAM-02/history"}},
		Operation: page.Operation{From: day(91), To: day(0), Expected: 3, OnTime: 1, Late: 1, Missed: 1, Tests: []page.OperationTest{{ID: "idp.mfa_all", Href: "/tests/idp.mfa_all", Observed: "97%", Pass: "95%", Passed: 85, Failed: 4, NoData: 3}, {ID: "idp.admin_factor", Href: "/tests/idp.admin_factor", Observed: "100%", Pass: "100%", Passed: 92}}},
		Expected:  []page.Expected{{Status: ui.NotStarted, Word: "expected", From: day(50), To: day(-40), Due: day(-54), Add: []ui.Link{{Text: "Upload evidence", Href: "/evidence/new"}}}, {Status: ui.Failing, Word: "missed", From: day(140), To: day(51), Due: day(37), Add: []ui.Link{{Text: "Upload evidence", Href: "/evidence/new"}}}, {Status: ui.Passing, Word: "done on time", From: day(230), To: day(141), Due: day(127)}},
	}
}

func testView() page.TestView {
	return page.TestView{
		ID: "idp.mfa_all", Title: "Every active human identity has MFA", Words: "For every identity that is active and belongs to a person, a second factor is enrolled. An identity whose factors cannot be read is unknown, and unknown is not a pass.",
		Filter: "resource.status == \"active\" && !resource.is_service", Code: "resource.mfa_enrolled", Kind: "idp.user", Severity: "critical", Every: "every 24 h", Status: ui.Failing,
		Params:    []page.Param{{Name: "sla_days", Value: "3", Default: "7", About: "days to repair"}, {Name: "grace_hours", Value: "24", Default: "24", About: "for accounts made today"}},
		Evaluated: 142, Passed: 137, Failed: 3, Excepted: 1, Unknown: 1, Last: now.Add(-4 * time.Minute), Strip: strip(4, "idp.mfa_all", 180, ui.F), Coverage: 97,
		Failing: failures(), Controls: []ui.Link{{Text: "IAM-02", Href: "/controls/IAM-02"}}, Sources: []ui.Link{{Text: "Identity provider", Href: "/sources/1"}}, Version: 2, Origin: "built in",
		Runs: runs(), Entry: 48211, Edit: "/tests/idp.mfa_all/edit",
		Marks:    []page.TestMark{{Word: "changed", Text: "params, since 3 Mar 2026, by Ravi Lindqvist: our contract asks for 3 days.", Link: ui.Link{Text: "Show the change", Href: "/definitions/1"}}},
		Versions: []page.TestVersion{{From: day(240), What: "changed by Ravi Lindqvist", Why: "Our contract asks for 3 days.", Lines: []ui.Pair{{Term: "Severity", Text: "critical"}}}, {To: day(240), What: "built in", Lines: []ui.Pair{{Term: "Severity", Text: "critical"}}}},
		Pause:    "/tests/idp.mfa_all/pause", Run: "/tests/idp.mfa_all/run",
	}
}

func resourceView() page.ResourceView {
	return page.ResourceView{
		Name: "otto@example.com", Kind: "idp.user", Source: ui.Link{Text: "Identity provider", Href: "/sources/1"}, Person: ui.Link{Text: "Otto Fairweather", Href: "/people/7"}, Present: true,
		FirstSeen: day(212), LastSeen: now.Add(-14 * time.Minute), Status: ui.Failing, FailingInText: "fails 1 of 4 tests", Entry: 48210,
		Attributes: []page.Attribute{{Name: "status", Value: "active", Changed: day(212)}, {Name: "mfa_enrolled", Value: "false", Changed: day(3)}, {Name: "is_service", Value: "false", Changed: day(212)}, {Name: "last_sign_in_at", Value: "2026-11-21T16:20:04Z", Changed: day(1)}, {Name: "factor_strength", Unknown: true, Why: "the token may not read factors"}, {Name: "groups", Value: "engineering, on-call", Changed: day(40)}},
		Tests:      []page.ControlTest{{ID: "idp.mfa_all", Title: "Every active human identity has MFA", Href: "/tests/idp.mfa_all", Status: ui.Failing, Last: now.Add(-4 * time.Minute)}, {ID: "idp.leaver", Title: "Leavers lose access within a day", Href: "/tests/idp.leaver", Status: ui.Passing, Last: now.Add(-4 * time.Minute)}, {ID: "idp.factor", Title: "Factors cannot be phished", Href: "/tests/idp.factor", Status: ui.NoData, Last: now.Add(-4 * time.Minute)}},
		Versions: []page.ResourceVersion{
			{From: day(3), Changes: []ui.Line{{Sign: '-', Name: "mfa_enrolled", Text: "true"}, {Sign: '+', Name: "mfa_enrolled", Text: "false"}}, Entry: 47120, Run: ui.Link{Text: "run of 19 Nov 06:00", Href: "/sources/1/runs/4"}},
			{From: day(40), To: day(3), Changes: []ui.Line{{Sign: '-', Name: "groups", Text: "engineering"}, {Sign: '+', Name: "groups", Text: "engineering, on-call"}}, Entry: 40022, Run: ui.Link{Text: "run of 13 Oct 06:00", Href: "/sources/1/runs/3"}},
		},
		Raw: ui.Link{Text: "users-page-2.json", Href: "/files/" + sum},
	}
}

func sourcesView() page.SourcesView {
	v := page.SourcesView{Answer: []ui.Part{{Text: "6 of 8 sources", Href: "/sources?state=ok"}, {Text: " gave good data in the last day; "}, {Text: "2 did not", Href: "/sources?state=failed"}, {Text: "."}}}
	mk := func(name, kind string, s ui.Status, mins, n int, err string) {
		v.Rows = append(v.Rows, page.SourceRow{Name: name, Kind: kind, Href: "/sources/1", Status: s, ResourcesHref: "/resources", Word: map[ui.Status]string{ui.Passing: "working", ui.NeedsAttention: "read in part", ui.NoData: "not readable"}[s], LastGood: now.Add(-time.Duration(mins) * time.Minute), Every: "every 6 h", Resources: n, Error: err})
	}
	mk("Identity provider", "okta", ui.Passing, 14, 163, "")
	mk("harrow/platform", "git", ui.Passing, 31, 2210, "")
	mk("harrow/web", "git", ui.Passing, 31, 984, "")
	mk("build-01", "host", ui.NeedsAttention, 1560, 41, "4 attributes need root to be read")
	mk("www.example.com:443", "tls", ui.Passing, 22, 1, "")
	mk("Roster", "file", ui.Passing, 2900, 42, "")
	mk("Tracker", "jira", ui.NoData, 11520, 0, "refused: permission to read projects")
	mk("Assay itself", "internal", ui.Passing, 4, 512, "")
	v.Kinds = []page.SourceKind{{Key: "host", Name: "This machine", About: "accounts, updates, disks, firewall", Href: "/sources/new?kind=host"}, {Key: "git", Name: "A git repository", About: "members, changes, signatures", Href: "/sources/new?kind=git"}, {Key: "tls", Name: "An endpoint", About: "protocols and certificates", Href: "/sources/new?kind=tls"}, {Key: "file", Name: "A CSV, XLSX or JSON file", About: "any kind of resource, with a dry run first", Href: "/sources/new?kind=file"}}
	return v
}

func sourceView() page.SourceView {
	v := page.SourceView{
		Name: "Tracker", Kind: "jira", Status: ui.Errored, Word: "not readable", State: "enabled", Why: "no complete run for 8 days", LastGood: day(8), Next: now.Add(2 * time.Hour), Every: "every 6 h",
		Error: "The tracker refused to list projects (403).", Fix: "Give the token the permission browse_projects, then read again.",
		Settings:    []ui.Pair{{Term: "Address", Text: "https://tracker.example.com"}, {Term: "Token", Text: "[secret]"}, {Term: "Projects", Text: "OPS, SEC, WEB"}},
		Permissions: []page.Permission{{Name: "browse_projects", Why: "read tickets and their approvals", Held: ui.Failing, Missing: "changes cannot be tied to tickets"}, {Name: "read_users", Why: "match accounts to people", Held: ui.Passing}, {Name: "read_audit", Why: "see who changed permissions", Missing: "permission changes are unknown"}},
		Counts:      []page.KindCount{{Kind: "ticket", Href: "/resources?kind=ticket", N: 1204}, {Kind: "app.user", Href: "/resources?kind=app.user", N: 58}},
		History:     events()[1:3], Entry: 48190, Edit: "/sources/4/edit", Run: "/sources/4/run",
	}
	for i, s := range []ui.Status{ui.Failing, ui.Failing, ui.NeedsAttention, ui.Passing, ui.Passing} {
		r := page.CollectionRun{Href: "/sources/4/runs/1", Started: now.Add(-time.Duration(i*6*60+14) * time.Minute), Took: "1.2 s", Status: s, State: "failed", Pages: 1, Error: "403 on page 1"}
		if s == ui.NeedsAttention {
			r.State, r.Error, r.Pages, r.Resources = "partial", "page 14 was cut short; not used", 14, 650
		}
		if s == ui.Passing {
			r.State, r.Error, r.Pages, r.Resources, r.Changed, r.Took = "complete", "", 26, 1262, 17*i, "9.4 s"
		}
		v.Runs = append(v.Runs, r)
	}
	return v
}

func evidenceList() page.EvidenceListView {
	v := page.EvidenceListView{Answer: []ui.Part{{Text: "204 of 231 items"}, {Text: " are valid today; "}, {Text: "21", Href: "/evidence?fresh=expired"}, {Text: " expired."}}, New: "/evidence/new", Pager: ui.Pager{Text: "1 to 7 of 231", Next: "/evidence?after=7"},
		Chips: []ui.Chip{{Text: "expiring", Href: "?", N: 6}, {Text: "expired", Href: "?", N: 21}, {Text: "Q2 no source", Href: "?", N: 3}, {Text: "mine", Href: "?", N: 18}}}
	says := func(word, c string) string {
		switch word {
		case "in review":
			return "Does not count yet: waiting for review."
		case "returned":
			return "Does not count: it was returned."
		case "draft":
			return "Does not count yet: submit it for review."
		case "expired":
			return "Expired. It counted for " + c + ", 2 Feb – 2 Nov 2026."
		}
		return "Counts for " + c + ", 6 Oct – 4 Dec 2026."
	}
	mk := func(title, kind string, s ui.Status, word, state string, taken, until int, flags, by, c string) {
		v.Rows = append(v.Rows, page.EvidenceRow{Title: title, Type: kind, Href: "/evidence/1", Fresh: s, FreshWord: word, State: state, Taken: day(taken), Until: day(-until), By: by, Line: says(word, c), Flags: flags, Controls: []ui.Link{{Text: c, Href: "/controls/" + c}}})
	}
	mk("Quarterly access review, third quarter", "access review", ui.NeedsAttention, "expiring", "accepted", 50, 12, "", "Ravi Lindqvist", "IAM-05")
	mk("Sign-on policy, October", "screenshot", ui.NoData, "in review", "submitted", 22, 60, "Q2", "Mara Castellanos", "IAM-02")
	mk("Deployment list, October", "population", ui.Passing, "current", "accepted", 21, 40, "", "Assay", "CHG-02")
	mk("Penetration test, spring", "report", ui.Failing, "expired", "accepted", 300, -20, "", "Jonas Adeyemi", "VUL-03")
	mk("Board minutes, second quarter", "minutes", ui.Passing, "current", "accepted", 90, 110, "", "Ines Okafor", "GOV-02")
	mk("Restore test of the main database", "log", ui.NoData, "returned", "returned", 12, 180, "Q1 Q2", "Jonas Adeyemi", "AVL-03")
	mk("Training records 2026", "training record", ui.NoData, "draft", "draft", 4, 300, "", "Tomoko Brandt", "HRS-06")
	return v
}

func evidenceView() page.EvidenceView {
	return page.EvidenceView{
		Title: "Quarterly access review, third quarter", Type: "access review", State: "accepted", Fresh: ui.NeedsAttention, FreshWord: "expiring", Counts: true, Line: "Counts for IAM-05, 6 Oct – 4 Dec 2026.",
		Notes:   "142 accounts reviewed, 5 removed. The list came from the identity provider by the query below.",
		Files:   []page.FileLine{{Name: "review-q3.csv", Media: "text/csv", SHA256: sum, Size: 18211, Download: "/files/" + sum, At: day(50)}},
		Preview: page.Preview{Text: "account,decision,reviewer,at\notto@example.com,keep,ravi@example.com,2026-10-02T09:14:00Z\nlena@example.com,keep,ravi@example.com,2026-10-02T09:14:21Z\nold-build@example.com,remove,ravi@example.com,2026-10-02T09:15:02Z"},
		Fields:  []ui.Pair{{Term: "Taken", Show: ui.Date(day(50))}, {Term: "By", Show: ui.Person("Ravi Lindqvist")}, {Term: "Covers", Text: "1 Jul 2026 – 30 Sep 2026"}, {Term: "Valid until", Show: ui.Date(day(-12))}, {Term: "From", Text: "Identity provider"}, {Term: "Locator", Text: "users?filter=status eq \"ACTIVE\""}, {Term: "Class", Text: "confidential"}},
		Links:   []ui.Link{{Text: "IAM-05", Href: "/controls/IAM-05"}, {Text: "IAM-03", Href: "/controls/IAM-03"}}, Flags: []page.Flag{{Code: "Q2", Text: "No source locator on the second file.", Fix: "Add the address or the query that it was taken from."}},
		Acts: []ui.Button{{Text: "Withdraw", Kind: "danger", Open: "w", Write: true}, {Text: "New version", Icon: "upload", Href: "/evidence/new", Write: true}}, Versions: []ui.Link{{Text: "1", Href: "?v=1"}, {Text: "2, this one"}}, History: events()[3:6], Entry: 48208,
	}
}

func uploadView() page.UploadView {
	return page.UploadView{For: ui.Link{Text: "IAM-05 Quarterly access review", Href: "/controls/IAM-05"}, Form: ui.Form{Action: "/evidence", Upload: true, Send: "Submit", Cancel: "/evidence", Fields: []ui.Field{
		{Kind: "file", Name: "files", Label: "Files", Required: true, Multiple: true}, {Kind: "text", Name: "title", Label: "Title", Required: true}, {Kind: "select", Name: "type", Label: "What it is", Required: true, Options: []ui.Option{{Value: "access_review", Text: "Access review"}, {Value: "report", Text: "Report"}}},
		{Kind: "text", Name: "source_locator", Label: "Where it comes from", Hint: "The address or the query, so that somebody else can take it again."}, {Kind: "date", Name: "taken_at", Label: "Taken on", Required: true}, {Kind: "textarea", Name: "notes", Label: "Notes"},
	}}}
}

func activityView(good bool) page.ActivityView {
	v := page.ActivityView{
		Answer: []ui.Part{{Text: "48,211 entries", Href: "/activity"}, {Text: ", the newest "}, {Text: "4 min ago", Href: "/activity/48211"}, {Text: "; the last full check, 2 h ago, found "}, {Text: "nothing wrong", Href: "#verify"}, {Text: "."}},
		Chips:  []ui.Chip{{Text: "by people", Href: "?", N: -1}, {Text: "by programs", Href: "?", N: -1}, {Text: "approvals", Href: "?", N: -1}, {Text: "reads of personal data", Href: "?", N: -1}},
		Days:   []page.ActivityDay{{Day: day(0), Events: events()[:5]}, {Day: day(1), Events: events()[5:]}}, Pager: ui.Pager{Text: "48,211 to 48,204", Next: "?before=48204"},
		Size: 48211, Root: sum, Checkpoint: page.Checkpoint{Size: 48208, At: now, Key: "harrow-2026a", Download: "/checkpoint", Elsewhere: "/var/lib/anchor"}, Verify: "/activity/verify", Export: "/activity/export",
	}
	v.Verified = &page.Verified{Good: true, At: now.Add(-2 * time.Hour), Entries: 48102, Took: "0.31 s", Text: "Every entry, body and file agrees."}
	if !good {
		v.Verified = &page.Verified{At: now, Entries: 48211, Text: "The ledger does not agree with itself.", Wrong: []string{"entry 31,877: the body does not match its digest", "the checkpoint of 12 Nov names another root"}}
	}
	return v
}

func entryView() page.EntryView {
	return page.EntryView{Seq: 48206, Sentence: events()[5], Prev: "/activity/48205", Next: "/activity/48207", Leaf: sum, Proof: []string{sum, sum, sum}, Size: 48208, Root: sum,
		Body:   "{\n  \"approver\": \"per_01k9\",\n  \"reason\": \"yearly review\",\n  \"state\": \"approved\",\n  \"version\": \"3.0\"\n}",
		Fields: []ui.Pair{{Term: "At", Show: ui.At(now)}, {Term: "Actor", Text: "per_01k9"}, {Term: "Via", Text: "web"}, {Term: "Operation", Text: "policy.approve"}, {Term: "Kind", Text: "policy"}, {Term: "Thing", Text: "pol_01k2", Href: "/policies/1"}, {Term: "Revision", Text: "7"}, {Term: "Digest", Show: ui.Hash(sum)}}}
}

func criteriaView() page.CriteriaView {
	v := page.CriteriaView{Answer: []ui.Part{{Text: "43 of 61 criteria", Href: "?"}, {Text: " are fully proved; "}, {Text: "3 have no proof", Href: "?"}, {Text: " at all."}}, Chips: []ui.Chip{{Text: "failing", Href: "?", N: 5}, {Text: "no proof", Href: "?", N: 3}, {Text: "not applicable", Href: "?", N: 0}}}
	for _, g := range gridView(&http.Request{URL: mustURL("/monitoring")}).Groups {
		group := page.CriteriaGroup{Title: g.Title, Note: ui.Num(int64(len(g.Rows))) + " criteria"}
		for i, r := range g.Rows {
			n := 3 + i%6
			group.Rows = append(group.Rows, page.CriterionRow{Ref: r.Ref, Text: r.Text, Href: "/criteria/" + r.Ref, Status: r.Status, Percent: 100 - (i*13)%45, Controls: n, Passing: n - i%3, ControlsHref: "/controls?criterion=" + r.Ref, Why: r.Why.Text})
		}
		v.Groups = append(v.Groups, group)
	}
	return v
}

func settingsView(tab string) page.SettingsView {
	v := page.SettingsView{Tab: tab, Tabs: []ui.Tab{{Text: "Configuration", Href: "/settings", Current: tab == ""}, {Text: "People", Href: "/settings?tab=users", Count: 3, Current: tab == "users"}, {Text: "Tokens", Href: "/settings?tab=tokens", Count: 2, Current: tab == "tokens"}}}
	v.Config = []page.Setting{{Name: "listen", Value: "127.0.0.1:8080", From: "built in", About: "address that the server listens on"}, {Name: "data", Value: "./assay-data", From: "flag", About: "folder of the database and the files"}, {Name: "database", From: "environment", About: "where the database is", Secret: true}, {Name: "time_zone", Value: "Europe/Lisbon", From: "file", About: "days begin and end in this zone"}}
	v.Users = []page.UserRow{{Name: "Ines Okafor", Email: "ines@example.com", Href: "/users/1", Roles: []string{"owner"}, MFA: true, Changed: now, State: "active"}, {Name: "Ravi Lindqvist", Email: "ravi@example.com", Href: "/users/2", Roles: []string{"compliance manager", "approver"}, MFA: true, Changed: now.Add(-time.Hour), State: "active"}, {Name: "Sanne Whitlock", Email: "sanne@auditor.example", Href: "/users/3", Roles: []string{"auditor"}, State: "invited"}}
	v.Tokens = []page.TokenRow{{Name: "Pipeline", Prefix: "assay_7f3a", Owner: "Mara Castellanos", Scopes: []string{"evidence:write", "check:run"}, Used: now.Add(-3 * time.Hour), Until: day(-60), Revoke: "/tokens/1/revoke"}, {Name: "Dashboard", Prefix: "assay_c01d", Owner: "Ravi Lindqvist", Scopes: []string{"read"}, Until: day(-200), Revoke: "/tokens/2/revoke"}}
	v.NewTok = &ui.Form{Action: "/tokens", Send: "Make token", Fields: []ui.Field{{Kind: "text", Name: "name", Label: "Name", Required: true}, {Kind: "select", Name: "scope", Label: "May", Required: true, Options: []ui.Option{{Value: "read", Text: "read everything I can read"}, {Value: "write", Text: "do everything I can do"}}}, {Kind: "date", Name: "until", Label: "Good until", Required: true}}}
	v.NewUser = &ui.Form{Action: "/users", Send: "Invite", Fields: []ui.Field{{Kind: "email", Name: "email", Label: "E-mail", Required: true}, {Kind: "select", Name: "role", Label: "Role", Required: true, Options: []ui.Option{{Value: "viewer", Text: "viewer"}}}}}
	if tab == "tokens" {
		v.Secret = "assay_made_up_for_the_preview_only"
	}
	return v
}

func searchView(q string) page.SearchView {
	if q == "" {
		return page.SearchView{}
	}
	return page.SearchView{Query: q, Total: 6, Groups: []page.HitGroup{
		{Kind: "Controls", Icon: "control", Hits: []page.Hit{{Ref: "IAM-02", Text: "Multi-factor authentication", Href: "/controls/IAM-02", Status: ui.Failing, Shown: true}, {Ref: "IAM-04", Text: "Administrators are few and named", Href: "/controls/IAM-04", Status: ui.Passing, Shown: true}}},
		{Kind: "Tests", Icon: "run", Hits: []page.Hit{{Ref: "idp.mfa_all", Text: "Every active human identity has MFA", Href: "/tests/idp.mfa_all", Status: ui.Failing, Shown: true}}},
		{Kind: "Evidence", Icon: "evidence", Hits: []page.Hit{{Text: "Sign-on policy, October", Href: "/evidence/2", Note: "screenshot, taken 31 Oct 2026"}}},
		{Kind: "People", Icon: "people", Hits: []page.Hit{{Text: "Otto Fairweather", Href: "/people/7", Note: "Engineering"}}, More: ui.Link{Text: "1 more person", Href: "/people?q=mfa"}},
	}}
}

func listView() page.ListView {
	v := page.ListView{Title: "Controls", Answer: []ui.Part{{Text: "4 of 119 controls", Href: "?"}, {Text: " are failing and "}, {Text: "7 have no owner", Href: "?"}, {Text: "."}}, Search: "Id, title or owner", Action: "/controls", New: ui.Link{Text: "New control", Href: "/controls/new"}, Icon: "control", Pager: ui.Pager{Text: "1 to 24 of 119", Next: "?after=24"},
		Chips: []ui.Chip{{Text: "failing", Href: "?", N: 4}, {Text: "no data", Href: "?", N: 5}, {Text: "owner is me", Href: "?", N: 14}, {Text: "no owner", Href: "?", N: 7}},
		Cols:  []ui.Col{{Text: "Id"}, {Text: "Title", Fill: true}, {Text: "Now"}, {Text: "Owner"}, {Text: "Criteria", Low: true}, {Text: "Tests", Num: true, Low: true}, {Text: "Changed", Low: true}}}
	for i, c := range controls[:24] {
		var ls []ui.Link
		for _, x := range c.criteria[:min(2, len(c.criteria))] {
			ls = append(ls, ui.Link{Text: x, Href: "/criteria/" + x})
		}
		cells := []page.Cell{{Mono: c.ref}, {Text: c.title}, {Status: statusOf(i), Health: true}, {Person: c.owner, Owner: true}, {Links: ls}, {Num: ref(i % 5)}, {Day: day(i * 9)}}
		v.Rows = append(v.Rows, page.ListRow{Href: "/controls/" + c.ref, Cells: cells})
	}
	return v
}

func detailView() page.DetailView {
	return page.DetailView{Ref: "EXC-3", Title: "Build account without rotation", State: "requested", Why: "waits for somebody other than Mara Castellanos", Acts: []ui.Button{{Text: "Reject", Post: "/exceptions/3/reject", Rev: "2", Write: true}, {Text: "Approve", Kind: "primary", Icon: "check", Post: "/exceptions/3/approve", Rev: "2", Write: true}},
		Sections: []page.Section{{Title: "Reason", Text: "The build account signs releases. Its key is in hardware and cannot be rotated before the new signer arrives in December."}, {Title: "Instead", Pairs: []ui.Pair{{Term: "Control", Text: "IAM-08 Keys are kept in hardware", Href: "/controls/IAM-08"}, {Term: "Checked", Text: "every week by hand"}}}},
		Side:     []ui.Pair{{Term: "Asked by", Show: ui.Person("Mara Castellanos")}, {Term: "Approver"}, {Term: "From", Show: ui.Date(day(0))}, {Term: "Until", Show: ui.Date(day(-39))}, {Term: "Severity", Text: "high"}},
		Here:     []page.HereGroup{{Kind: "Tasks that point here", Links: []ui.Link{{Text: "Order the new signer", Href: "/tasks/1"}, {Text: "Weekly check of the key", Href: "/tasks/2"}}}}, History: events()[2:4], HistoryAll: "/exceptions/3/history", Entry: 48209, Rev: 2}
}

func formView() page.FormView {
	return page.FormView{Title: "Edit IAM-02", About: "A change of the text becomes version 4 and waits for approval by somebody else.", Form: ui.Form{Action: "/controls/IAM-02", Rev: "7", Send: "Save control", Cancel: "/controls/IAM-02", Fields: []ui.Field{
		{Kind: "text", Name: "title", Label: "Title", Value: "Multi-factor authentication", Required: true}, {Kind: "textarea", Name: "text", Label: "Text", Value: "Every person who signs in to a system in scope does so with a second factor.", Rows: 5, Required: true},
		{Kind: "select", Name: "owner", Label: "Owner", Options: []ui.Option{{Text: "Nobody yet"}, {Value: "1", Text: "Ravi Lindqvist"}}, Value: "1"}, {Kind: "number", Name: "weight", Label: "Weight", Value: "3", Required: true, Wrong: "weight: write 1 or 2."}, {Kind: "checkbox", Name: "significant", Label: "This change is significant: ask everybody to read it again", Value: "true"},
	}}}
}

func historyView() page.HistoryView {
	ev := events()
	return page.HistoryView{Title: "History of IAM-02", Back: ui.Link{Text: "IAM-02 Multi-factor authentication", Href: "/controls/IAM-02"}, Revs: []page.Revision{
		{Rev: 7, Event: ev[6], Reason: "Tomoko has left the team", Changes: []ui.Line{{Sign: '-', Name: "owner", Text: "Tomoko Brandt"}, {Sign: '+', Name: "owner", Text: "Ravi Lindqvist"}}, AsOf: "/as-of?day=2026-11-21"},
		{Rev: 6, Event: ev[5], Changes: []ui.Line{{Sign: '-', Name: "text", Text: "People sign in with a second factor."}, {Sign: '+', Name: "text", Text: "Every person who signs in to a system in scope does so with a second factor; administrators use one that cannot be phished."}, {Sign: ' ', Name: "weight", Text: "2"}}, AsOf: "/as-of?day=2026-11-20"},
	}}
}
