// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
)

// rosters is a company whose people stand in an imported roster, and some of them in Assay too.
type rosters struct {
	*crew
	sources map[string]map[string]any
	made    string // when its files say that they were written; empty is today
}

func newRosters(t *testing.T) *rosters {
	return &rosters{crew: foundCrew(t, ""), sources: map[string]map[string]any{}}
}

// day is a date some days from today.
func (c *rosters) day(n int) string { return c.clock.Now().AddDate(0, 0, n).Format(time.DateOnly) }

// file imports rows of a kind: the first time as a new source, later as its next file.
func (c *rosters) file(kind, head string, rows ...string) map[string]any {
	c.t.Helper()
	made := c.made
	if made == "" {
		made = c.day(0)
	}
	text := head + ",exported " + made + "\n" + strings.Join(rows, ",\n") + ",\n" // the same bytes on another day would be no new data
	info, err := c.app.Gate.Upload(c.t.Context(), c.manager, strings.NewReader(text))
	fine(c.t, err)
	in := map[string]any{"file": info.SHA256, "file_name": kind + ".csv"}
	if s, there := c.sources[kind]; there {
		in["id"], in["rev"] = s["id"], s["rev"]
		c.sources[kind] = c.do(c.manager, "source.update", in)
	} else {
		empty := []string{}
		for _, h := range strings.Split(head, ",") {
			if strings.HasSuffix(h, "_on") {
				empty = append(empty, h)
			}
		}
		in["name"], in["connector"], in["config"] = kind, "file", map[string]any{"kind": kind, "none_when_empty": empty}
		c.sources[kind] = c.do(c.manager, "source.create", in)
	}
	return c.read(kind)
}

func (c *rosters) read(kind string) map[string]any {
	c.t.Helper()
	run := c.do(c.manager, "source.run", map[string]any{"id": c.sources[kind]["id"]})
	if run["state"] != "complete" {
		c.t.Fatalf("%s: %v", kind, run["problem"])
	}
	return run
}

func (c *rosters) people(rows ...string) {
	c.t.Helper()
	rows = append(rows, "9,Root,founder@example.com,employee,leave,2020-01-01,") // the record that setup made is confirmed by nobody
	c.file("person", "id,name,email,kind,status,start_on,end_on", rows...)
}

// accounts are enabled, of nobody special; who is an administrator is not known.
func (c *rosters) accounts(mails ...string) {
	c.t.Helper()
	var rows []string
	for _, m := range mails {
		rows = append(rows, fmt.Sprintf("%s,%s,active,false", m, m))
	}
	c.file("idp.user", "id,email,status,is_service", rows...)
}

func (c *rosters) check() {
	c.t.Helper()
	_, err := c.app.Works.Cycle(c.t.Context(), c.org, store.System("check.run"), "schedule", nil, nil)
	fine(c.t, err)
}

// holds runs the tests, and holds that some came to these results.
func (c *rosters) holds(when string, want map[string]string) {
	c.t.Helper()
	c.check()
	page, err := op.Do[*report.TestList](c.t.Context(), c.app.Gate, c.manager, "test.list", map[string]any{}, time.Time{})
	fine(c.t, err)
	want = maps.Clone(want)
	for _, r := range page.Data {
		if w, asked := want[r.Test]; asked && r.State != w {
			c.t.Errorf("%s: %s is %s, want %s: %s", when, r.Test, r.State, w, r.Reason)
		}
		delete(want, r.Test)
	}
	for id := range want {
		c.t.Errorf("%s: no test %s", when, id)
	}
}

func TestAPersonWhoseLastDayIsOverHasLeftWhateverTheRosterSays(t *testing.T) {
	c := newRosters(t)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Bob,bob@example.com,employee,active,2020-01-01,"+c.day(0))
	c.accounts("ann@example.com", "bob@example.com")
	c.holds("on the last day", map[string]string{"idp.terminated_disabled": "not_applicable", "idp.orphan": "pass"})
	c.clock.Move(10 * aDay)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Bob,bob@example.com,employee,active,2020-01-01,"+c.day(-10))
	c.accounts("ann@example.com", "bob@example.com")
	c.holds("ten days later", map[string]string{"idp.terminated_disabled": "fail", "idp.orphan": "pass"})
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Bob,bob@example.com,contractor,active,2020-01-01,"+c.day(-10))
	c.holds("a contractor", map[string]string{"idp.terminated_disabled": "not_applicable", "hr.contractor_ended": "fail"})
}

func TestAPersonWhoHasNotStartedOwesNothingYet(t *testing.T) {
	c := newRosters(t)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Bob,bob@example.com,employee,active,"+c.day(1)+",")
	c.file("device", "id,owner_ref,active,class", "d1,ann@example.com,true,workstation")
	for _, p := range []string{"Olga", "Max", "Mia", "Carl", "Emil", "Ada"} {
		c.gone(p, -1)
	}
	c.holds("before the first day", map[string]string{"device.owned": "pass"})
	c.clock.Move(aDay)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Bob,bob@example.com,employee,active,"+c.day(0)+",")
	c.file("device", "id,owner_ref,active,class", "d1,ann@example.com,true,workstation", "d2,ann@example.com,true,workstation")
	c.holds("on the first day", map[string]string{"device.owned": "fail"})
}

// gone records in Assay that somebody of the crew leaves some days from today.
func (c *rosters) gone(name string, days int) {
	c.t.Helper()
	for _, x := range c.do(c.manager, "person.list", map[string]any{"limit": 100})["data"].([]any) {
		if p := x.(map[string]any); p["name"] == name {
			c.next(c.manager, "person.terminate", p, "end_on", c.day(days))
		}
	}
}

func TestWhoIsGoneFromTheRosterIsNotBroughtBackByTheRecordInAssay(t *testing.T) {
	c := newRosters(t)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Emil,emil@example.com,employee,active,2020-01-01,")
	c.accounts("ann@example.com", "emil@example.com", "carl@example.com")
	c.holds("listed", map[string]string{"idp.orphan": "pass"})
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,")
	c.holds("gone", map[string]string{"idp.orphan": "fail", "idp.terminated_disabled": "not_applicable"})
	c.gone("Emil", -10)
	c.holds("gone, and recorded as a leaver", map[string]string{"idp.orphan": "pass", "idp.terminated_disabled": "fail"})
}

func TestADepartureRecordedInAssayCountsBeforeTheNextRoster(t *testing.T) {
	c := newRosters(t)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Emil,emil@example.com,employee,active,2020-01-01,")
	c.accounts("ann@example.com", "emil@example.com")
	c.gone("Emil", 3)
	c.holds("while they still work", map[string]string{"idp.orphan": "pass", "idp.terminated_disabled": "not_applicable"})
	c.clock.Move(10 * aDay)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Emil,emil@example.com,employee,active,2020-01-01,", "3,Zoe,zoe@example.com,employee,active,2020-01-01,")
	c.accounts("ann@example.com", "emil@example.com")
	c.holds("after the deadline", map[string]string{"idp.orphan": "pass", "idp.terminated_disabled": "fail"})
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Emil,emil@example.com,employee,active,"+c.day(-1)+",")
	c.holds("hired again", map[string]string{"idp.orphan": "pass", "idp.terminated_disabled": "not_applicable"})
}

// Whichever of two rosters was read last, neither hides what the other says of the same address.
func TestASecondRosterDoesNotHideThatSomebodyLeft(t *testing.T) {
	c := newRosters(t)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Bob,bob@example.com,employee,terminated,2020-01-01,"+c.day(-10))
	c.accounts("ann@example.com", "bob@example.com")
	c.holds("one roster", map[string]string{"idp.terminated_disabled": "fail"})
	for i := range 6 { // sources are told apart by chance: one of the two comes last
		delete(c.sources, "person")
		c.file("person", "id,name,email,kind,status,start_on,end_on", fmt.Sprintf("z%d,Bob,bob@example.com,employee,active,2020-01-01,", i))
		c.holds("two rosters", map[string]string{"idp.terminated_disabled": "unknown"})
		c.do(c.manager, "source.disable", map[string]any{"id": c.sources["person"]["id"], "rev": c.sources["person"]["rev"]})
	}
}

func TestTheIdOfARecordLeadsToTheRowOfTheRoster(t *testing.T) {
	c := newRosters(t)
	c.people("1,Ann,ann@example.com,employee,active,2020-01-01,", "2,Emil,emil@example.com,employee,active,2020-01-01,")
	for _, p := range []string{"Olga", "Max", "Mia", "Carl", "Ada"} {
		c.gone(p, -1)
	}
	c.file("device", "id,owner_ref,active,class", "d1,ann@example.com,true,workstation", "d2,"+c.staff.Person+",true,workstation")
	c.file("idp.user", "id,email,status,is_service,person_ref", "a,a@example.com,active,false,ann@example.com", "e,e@example.com,active,false,"+c.staff.Person)
	c.holds("named by id", map[string]string{"device.owned": "pass", "idp.orphan": "pass", "device.identity_without": "pass"})
}

func TestAnUploadedFileThatWasReadBeforeMakesNoNewData(t *testing.T) {
	c := newRosters(t)
	c.made = "once"
	const head = "id,email,status,is_service,mfa_enrolled"
	c.file("idp.user", head, "ann,ann@example.com,active,false,true")
	first := c.clock.Now()
	c.holds("when it is new", map[string]string{"idp.mfa_all": "pass"})
	answered := func() string {
		return fmt.Sprint(c.do(c.manager, "test.get", map[string]any{"id": "idp.mfa_all"})["spans"])
	}
	c.clock.Move(40 * aDay)
	c.check()
	silent := answered()
	again := map[string]func() map[string]any{
		"read again":     func() map[string]any { return c.read("idp.user") },
		"imported again": func() map[string]any { return c.file("idp.user", head, "ann,ann@example.com,active,false,true") },
		"with another configuration": func() map[string]any {
			s := c.sources["idp.user"]
			c.sources["idp.user"] = c.do(c.manager, "source.update", map[string]any{"id": s["id"], "rev": s["rev"], "config": map[string]any{"kind": "idp.user", "columns": map[string]string{"mfa_enrolled": "mfa_enrolled", "email": "email", "status": "status", "is_service": "is_service"}, "key": []string{"id"}}})
			return c.read("idp.user")
		},
		"after a newer one": func() map[string]any {
			c.file("idp.user", head, "ann,ann@example.com,active,false,true", "bob,bob@example.com,active,false,true")
			return c.file("idp.user", head, "ann,ann@example.com,active,false,true")
		},
	}
	for _, how := range []string{"read again", "imported again", "with another configuration"} {
		run := again[how]()
		at, err := time.Parse(time.RFC3339, fmt.Sprint(run["data_at"]))
		if err != nil || at.Sub(first).Abs() > time.Hour {
			t.Errorf("%s: its data is of %v, want that of %s (%v)", how, run["data_at"], first, err)
		}
		if !strings.Contains(fmt.Sprint(run["notes"]), "this file was read before: its data stays that of "+at.UTC().Format("2 Jan 2006")) {
			t.Errorf("%s: the notes do not say since when its data is: %v", how, run["notes"])
		}
		c.check()
		if now := answered(); now != silent {
			t.Errorf("%s: the days became %s, and were %s", how, now, silent)
		}
	}
	run := again["after a newer one"]()
	if at, _ := time.Parse(time.RFC3339, fmt.Sprint(run["data_at"])); at.Sub(first).Abs() > time.Hour {
		t.Errorf("an old file after a newer one: its data is of %v", run["data_at"])
	}
}

func TestAnUploadedSourceShowsSinceWhenItsDataIsAndThatFilesAreImported(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		s := p.offers("u.csv", "id,email,status,is_service,mfa_enrolled\n1,ann@example.com,active,false,true\n")
		s = p.wants(p.imports(s, "preview", "config.kind", "idp.user"), 200)
		s = p.wants(p.imports(s, "import"), 303)
		first := p.clock.Now()
		p.clock.Move(40 * aDay)
		id := strings.TrimPrefix(s.to, "/sources/")
		_, err := op.Do[map[string]any](t.Context(), p.app.Gate, site.Here(p.org), "source.run", map[string]any{"id": id}, time.Time{})
		fine(t, err)
		p.signIn()
		for _, at := range []string{"/sources", "/sources/" + id} {
			page := p.wants(p.get(at), 200).text
			if !strings.Contains(page, "when a file is imported") || at != "/sources" && strings.Contains(page, "every day") {
				t.Errorf("%s does not say that it is read when a file is imported", at)
			}
			if !strings.Contains(page, first.Format("2006-01-02")) {
				t.Errorf("%s does not say that its data is of %s", at, first.Format(time.DateOnly))
			}
		}
	})
}

// What docs/sources/file.md says of the two files of Entra ID.
func TestTheTwoFilesOfEntraAreImportedJoined(t *testing.T) {
	c := newRosters(t)
	info, err := c.app.Gate.Upload(t.Context(), c.manager, strings.NewReader("userPrincipalName,displayName,accountEnabled,userType,isMfaRegistered,isAdmin\nann@example.com,Ann,true,Member,true,false\n"))
	fine(t, err)
	c.sources["idp.user"] = c.do(c.manager, "source.create", map[string]any{"name": "Entra", "connector": "file", "file": info.SHA256, "file_name": "entra.csv",
		"config": map[string]any{"preset": "entra-users", "columns": map[string]string{"isMfaRegistered": "mfa_enrolled", "isAdmin": "is_admin"}}})
	c.read("idp.user")
	c.holds("joined", map[string]string{"idp.mfa_all": "pass"})
}
