// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
)

// perfect is a company of thirty people on which nothing is wrong: its exports are imported, its policies adopted, its
// evidence accepted, each step by an operation of the product.
type perfect struct {
	*crew
	files   map[string]*export
	sources map[string]map[string]any
	refs    []string // of the controls in force
}

func newPerfect(t *testing.T) *perfect {
	t.Helper()
	c := &perfect{crew: foundCrew(t, ""), sources: map[string]map[string]any{}}
	c.adopt()
	c.own()
	for _, day := range []int{24, 30, 6} { // of March, of April, and all in May
		c.clock.Move(time.Duration(day) * aDay)
		c.prove(day == 6)
	}
	c.files = exports(c.clock.Now())
	c.bring()
	return c
}

// do and next take a second each: whatever is done in one go is done on one day.
func (c *perfect) do(a op.Actor, name string, in map[string]any) map[string]any {
	c.t.Helper()
	c.clock.Move(time.Second)
	out, err := op.Do[map[string]any](c.t.Context(), c.app.Gate, a, name, in, time.Time{})
	if err != nil {
		c.t.Fatalf("%s by %s: %v", name, a.Name, err)
	}
	return out
}

func (c *perfect) next(a op.Actor, name string, thing map[string]any, more ...any) map[string]any {
	c.t.Helper()
	return c.do(a, name, c.with(thing, more...))
}

// adopt puts all policies in force.
func (c *perfect) adopt() {
	c.t.Helper()
	c.answer()
	for _, x := range c.do(c.manager, "policy.list", map[string]any{"limit": 100})["data"].([]any) {
		p := c.do(c.manager, "policy.use_template", c.with(x.(map[string]any)))
		p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p)))
		p = c.next(c.manager, "policy.submit", p)
		p = c.next(c.owner, "policy.approve", p)
		c.next(c.manager, "policy.publish", p)
	}
}

// active are the controls in force.
func (c *perfect) active() []map[string]any {
	c.t.Helper()
	var out []map[string]any
	for after := any(nil); ; {
		in := map[string]any{"limit": 100, "state": "active"}
		if after != nil {
			in["after"] = after
		}
		page := c.do(c.manager, "control.list", in)
		for _, x := range page["data"].([]any) {
			out = append(out, c.do(c.manager, "control.get", map[string]any{"id": x.(map[string]any)["id"]}))
		}
		if after = page["next"]; after == nil || after == "" {
			return out
		}
	}
}

// own confirms the text of each control and gives it an owner.
func (c *perfect) own() {
	c.t.Helper()
	for _, x := range c.active() {
		c.refs = append(c.refs, fmt.Sprint(x["ref"]))
		x = c.next(c.manager, "control.confirm", x)
		c.next(c.manager, "control.update", x, "owner", c.manager.Person)
	}
}

// prove brings what the controls ask of people, all or those that ask each month, and says of events that there was none.
func (c *perfect) prove(all bool) {
	c.t.Helper()
	for _, x := range c.active() {
		kinds := x["evidence"].([]any)
		if !all && !slices.ContainsFunc(kinds, func(k any) bool { return k.(map[string]any)["frequency"] == "monthly" }) {
			continue
		}
		for _, k := range kinds {
			k := k.(map[string]any)
			if k["required"] != true {
				continue
			}
			today := c.clock.Now()
			in := map[string]any{"title": k["title"], "type": k["type"], "control": x["id"], "evidence_key": k["key"], "covers_from": today.AddDate(0, 0, -59).Format(time.DateOnly), "covers_to": today.Format(time.DateOnly)}
			if k["frequency"] == "per_event" {
				in["nothing_happened"], in["notes"] = true, "The list of events was empty when we looked."
			} else {
				info, err := c.app.Gate.Upload(c.t.Context(), c.manager, strings.NewReader(fmt.Sprintf("%s of %s\none line of it\nanother\n", k["title"], x["ref"])))
				fine(c.t, err)
				in["file"], in["file_name"] = info.SHA256, "proof.txt"
			}
			if k["type"] == "population" {
				in["row_count"] = 2
			}
			e := c.next(c.manager, "evidence.submit", c.do(c.manager, "evidence.create", in))
			c.next(c.owner, "evidence.accept", e)
		}
	}
}

// bring imports the exports of some names, or all: the first time as new sources, later as their next file.
func (c *perfect) bring(names ...string) {
	c.t.Helper()
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(c.files))
	}
	for _, name := range names {
		x := c.files[name]
		info, err := c.app.Gate.Upload(c.t.Context(), c.manager, strings.NewReader(x.text()))
		fine(c.t, err)
		in := map[string]any{"file": info.SHA256, "file_name": name}
		if s, there := c.sources[name]; there {
			c.sources[name] = c.do(c.manager, "source.update", map[string]any{"id": s["id"], "rev": s["rev"], "file": info.SHA256, "file_name": name})
		} else {
			config := maps.Clone(x.config)
			if config == nil {
				config = map[string]any{}
			}
			for k, v := range map[string]string{"preset": x.preset, "kind": x.kind} {
				if v != "" {
					config[k] = v
				}
			}
			in["name"], in["connector"], in["config"] = name, "file", config
			c.sources[name] = c.do(c.manager, "source.create", in)
		}
		if run := c.do(c.manager, "source.run", map[string]any{"id": c.sources[name]["id"]}); run["state"] != "complete" {
			c.t.Fatalf("%s: %v", name, run["problem"])
		}
	}
}

// test runs all tests.
func (c *perfect) test() {
	c.t.Helper()
	_, err := c.app.Works.Cycle(c.t.Context(), c.org, store.System("check.run"), "schedule", nil, nil)
	fine(c.t, err)
}

// red are the tests that do not hold, with why, and the controls that do not, with their causes.
func (c *perfect) red() (tests, controls map[string]string) {
	c.t.Helper()
	tests, controls = map[string]string{}, map[string]string{}
	page, err := op.Do[*report.TestList](c.t.Context(), c.app.Gate, c.manager, "test.list", map[string]any{}, time.Time{})
	fine(c.t, err)
	for _, r := range page.Data {
		if r.State == "fail" || r.State == "error" {
			tests[r.Test] = r.Reason
		}
	}
	for _, ref := range c.refs {
		if s := c.status(ref); s.Health != "passing" && s.Health != "no_occurrence" {
			controls[ref] = fmt.Sprint(s.Health, s.Causes)
		}
	}
	return tests, controls
}

// silent are the tests that cannot say anything, but those over what this company has not got: machines of its own to look
// into, a list of commits, and what belongs to other categories.
func (c *perfect) silent() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	page, err := op.Do[*report.TestList](c.t.Context(), c.app.Gate, c.manager, "test.list", map[string]any{}, time.Time{})
	fine(c.t, err)
	for _, r := range page.Data {
		absent := slices.ContainsFunc([]string{"host.", "vcs.commit", "mail.", "job.", "uptime.", "capacity.", "internal.data_request"}, func(k string) bool { return strings.HasPrefix(r.Kind, k) })
		if r.State == "unknown" && !absent {
			out[r.Test] = r.Reason
		}
	}
	return out
}

func (c *perfect) status(ref string) *report.ControlStatus {
	c.t.Helper()
	s, err := op.Do[*report.ControlStatus](c.t.Context(), c.app.Gate, c.manager, "control.status", map[string]any{"ref": ref}, time.Time{})
	fine(c.t, err)
	return s
}

// failures are what a test says of all that fails it.
func (c *perfect) failures(test string) string {
	c.t.Helper()
	out, err := op.Do[map[string]any](c.t.Context(), c.app.Gate, c.manager, "test.results", map[string]any{"id": test, "verdict": "fail"}, time.Time{})
	fine(c.t, err)
	return fmt.Sprint(out["data"])
}

// clean holds that nothing is wrong: no test fails, no control lacks anything, every criterion is whole, now and as letters of the day.
func (c *perfect) clean(when string) {
	c.t.Helper()
	c.test()
	tests, controls := c.red()
	for id, why := range tests {
		c.t.Errorf("%s: a false alarm of %s: %s", when, id, why)
	}
	for id, why := range c.silent() {
		c.t.Errorf("%s: %s says nothing: %s", when, id, why)
	}
	for ref, why := range controls {
		c.t.Errorf("%s: %s: %s", when, ref, why)
	}
	o, err := op.Do[*report.Overview](c.t.Context(), c.app.Gate, c.manager, "readiness.get", map[string]any{}, time.Time{})
	fine(c.t, err)
	if o.Percent != 100 || o.Criteria != 33 || len(o.NotProved)+len(o.SourcesFailing) > 0 {
		c.t.Errorf("%s: %d%% of %d criteria; not proved: %v; sources: %v", when, o.Percent, o.Criteria, o.NotProved, o.SourcesFailing)
	}
	grid, err := op.Do[*report.Grid](c.t.Context(), c.app.Gate, c.manager, "monitoring.grid", map[string]any{"days": 1}, time.Time{})
	fine(c.t, err)
	for _, r := range grid.Rows {
		if l := r.Spans[0].Letter; r.Status != "passing" && r.Status != "no_occurrence" || l != "P" && l != "–" {
			c.t.Errorf("%s: %s is %s, and its day %s: %s", when, r.Ref, r.Status, l, r.Reason)
		}
	}
}

// TestAPerfectQuietCompanyHasNoFalseAlarm is the company of thirty people in which nothing happens and nothing is wrong: on its first day with data, and on the next ones.
func TestAPerfectQuietCompanyHasNoFalseAlarm(t *testing.T) {
	c := newPerfect(t)
	c.clean("on the first day")
	for _, when := range []string{"on the second day", "on the third day"} {
		c.clock.Move(aDay)
		c.files = exports(c.clock.Now())
		c.bring()
		c.clean(when)
	}
}

// planted is one thing that is really wrong.
type planted struct {
	what, test, says string
	controls         []string
	do               func(t *testing.T, f map[string]*export, now time.Time)
	also             []string // tests that fail for the same reason
}

var wrongs = []planted{
	{"somebody who left is signed in by an address in other letters", "idp.terminated_disabled", "Eva Hoff left", []string{"HRS-04"}, func(t *testing.T, f map[string]*export, now time.Time) {
		leaves(t, f, now, "eva.hoff@example.com")
		f["accounts.csv"].set(t, "Eva.hoff@example.com", "User principal name", "EVA.Hoff@Example.com")
		f["checklists.csv"].copied(t, "off-rolf", map[string]string{"id": "off-eva", "person_ref": "eva.hoff@example.com", "opened_at": ago(now, 12), "completed_at": ago(now, 10)})
	}, []string{"device.owned", "vcs.leaver_removed"}},
	{"somebody left, and no checklist says that access was taken", "hr.offboard_done", "Lea Falk left", []string{"HRS-04"}, func(t *testing.T, f map[string]*export, now time.Time) {
		leaves(t, f, now, "lea.falk@example.com")
		f["accounts.csv"].set(t, "Lea.falk@example.com", "Status", "Disabled")
		f["laptops.csv"].drop(t, "MBP-Falk")
	}, nil},
	{"a machine's account belongs to nobody who works here", "idp.service_owned", "ghost@example.com", []string{"IAM-01", "IAM-07"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["accounts.csv"].set(t, "backup-robot@example.com", "Sponsor", "ghost@example.com")
	}, nil},
	{"an account that no person has", "idp.orphan", "tester@example.com", []string{"IAM-01", "IAM-09"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["accounts.csv"].copied(t, "Nils.ganz@example.com", map[string]string{"User principal name": "tester@example.com", "Display name": "Tester"})
	}, nil},
	{"somebody signs in with a password alone", "idp.mfa_all", "Jan.iken@example.com", []string{"IAM-02"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["accounts.csv"].set(t, "Jan.iken@example.com", "MFA registered", "No")
	}, nil},
	{"an administrator's second factor is a text message", "idp.mfa_strong_admin", "sms", []string{"IAM-02"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["accounts.csv"].set(t, "Mia@example.com", "Default method", "SMS")
	}, nil},
	{"an account that nobody has used for months", "idp.dormant", "Ines.jost@example.com", []string{"IAM-09"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["accounts.csv"].set(t, "Ines.jost@example.com", "Last sign-in", ago(now, 120))
	}, nil},
	{"a change that only a bot approved", "vcs.change_approved", "shop #201", []string{"CHG-02"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["changes.csv"].copied(t, "shop#199", map[string]string{"id": "shop#201", "number": "201", "approvers": "renovate[bot]", "approved_at": ago(now, 0), "merged_at": ago(now, 0)})
	}, nil},
	{"a release that no change is behind", "deploy.linked", "carries no approved change", []string{"CHG-04"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["releases.csv"].copied(t, "run-499", map[string]string{"id": "run-501", "deployed_at": ago(now, 0), "change_ref": "", "commit": ""})
	}, nil},
	{"a developer without a second factor", "vcs.2fa", "carl-dev", []string{"IAM-02"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["members.csv"].set(t, "carl-dev", "tfa_enabled", "false")
	}, nil},
	{"access that its requester approved", "ticket.access_approved", "IT-13", []string{"IAM-03"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["tickets.csv"].copied(t, "IT-11", map[string]string{"id": "IT-13", "key": "IT-13", "requester": "Ada@Example.com", "created_at": ago(now, 1), "approved_at": ago(now, 0), "granted_at": ago(now, 0), "closed_at": ago(now, 0)})
	}, nil},
	{"a certificate that is not valid yet", "net.cert_valid", "is valid from", []string{"NET-04"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["endpoints.csv"].set(t, "www", "cert_not_before", ago(now, -3))
	}, nil},
	{"a mail domain that everybody can forge", "mail.dmarc", "policy none", []string{"NET-07"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["mail-domains.csv"].set(t, "example.com", "dmarc_policy", "none")
	}, nil},
	{"a bucket that everybody can read", "cloud.bucket_private", "files is public", []string{"DAT-04"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["buckets.csv"].set(t, "files", "public", "true")
	}, nil},
	{"a database port that is open to the internet", "cloud.no_open_admin_ports", "5000 to 6000", []string{"NET-01"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["firewall.csv"].copied(t, "sg-1", map[string]string{"id": "sg-9", "port_from": "5000", "port_to": "6000"})
	}, nil},
	{"a database that no backup names", "cloud.backup_recent", "shop-db has no successful backup", []string{"AVL-02"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["backups.csv"].drop(t, "shop-db")
	}, []string{"cloud.backup_offsite"}},
	{"an access key that is a year old", "cloud.key_age", "deployer", []string{"IAM-07"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["access-keys.csv"].set(t, "deployer", "access_key_1_last_rotated", ago(now, 365))
	}, nil},
	{"an account of the cloud whose trail was switched off", "cloud.trail_on", "222", []string{"OPS-01", "IAM-10"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["trails.csv"].set(t, "t2", "enabled", "false")
	}, []string{"cloud.trail_retained"}},
	{"a laptop that is not encrypted", "device.encrypted", "C02X0013", []string{"AST-02"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["laptops.csv"].set(t, "C02X0013", "FileVault enabled", "No")
	}, nil},
	{"an employee without a laptop", "device.owned", "Nora Lang", []string{"AST-01"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["laptops.csv"].drop(t, "MBP-Lang")
	}, []string{"device.identity_without"}},
	{"somebody who joined and was never trained", "train.onboard", "pia@example.com", []string{"HRS-06", "HRS-03"}, func(t *testing.T, f map[string]*export, now time.Time) {
		joins(t, f, now, "pia")
		f["courses.csv"].drop(t, "pia@example.com")
	}, []string{"train.current"}},
	{"somebody who joined without a background check", "hr.screened", "nele@example.com", []string{"HRS-01"}, func(t *testing.T, f map[string]*export, now time.Time) {
		joins(t, f, now, "nele")
		f["screening.csv"].drop(t, "nele@example.com")
	}, nil},
	{"somebody who signed no terms", "hr.agreement_signed", "timo@example.com", []string{"HRS-02"}, func(t *testing.T, f map[string]*export, now time.Time) {
		joins(t, f, now, "timo")
		f["agreements.csv"].drop(t, "timo@example.com")
	}, nil},
	{"somebody who has not read a policy in time", "policy.ack", "Paul Maas has not acknowledged POL-03", []string{"GOV-06"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["acknowledged.csv"].set(t, "paul-3", "acknowledged_at", "")
		f["acknowledged.csv"].set(t, "paul-3", "due_at", ago(now, 2))
	}, nil},
	{"an alert that nobody took", "siem.alert_triage", "Impossible travel", []string{"OPS-03"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["alerts.csv"].copied(t, "a1", map[string]string{"id": "a9", "created_at": ago(now, 2), "acknowledged_at": "", "closed_at": "", "disposition": ""})
	}, nil},
	{"a log source that went silent", "siem.sources_live", "cloud", []string{"OPS-01"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["log-sources.csv"].set(t, "cloud", "last_event_at", ago(now, 3))
	}, nil},
	{"a critical finding that is too old", "vuln.sla_critical", "Remote code execution", []string{"VUL-02"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["findings.csv"].rows = append(f["findings.csv"].rows, []string{"f9", "Remote code execution", "shop", "critical", ago(now, 20), "", "scanner"})
	}, nil},
	{"a machine that no scan reached", "vuln.scan_recent", "i-1", []string{"VUL-01"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["scans.csv"].set(t, "s3", "finished_at", ago(now, 50))
	}, nil},
	{"a reviewer who reviewed her own access", "review.no_self", "ADA@example.com", []string{"IAM-05"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["review-items.csv"].set(t, "i1", "reviewer", "ADA@example.com")
	}, nil},
	{"a review that is overdue", "review.on_time", "Q2", []string{"IAM-05"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["reviews.csv"].copied(t, "Q1", map[string]string{"id": "Q2", "state": "in_review", "due_at": ago(now, 1), "completed_at": "", "undecided": "4"})
	}, nil},
	{"a small vendor that nobody ever looked at", "vendor.reviewed", "Example Mail", []string{"VEN-01", "VEN-04"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["vendors.csv"].set(t, "mail", "last_review_at", "")
	}, nil},
	{"a risk whose review is overdue", "risk.reviewed", "Cloud outage", []string{"RSK-03"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["risks.csv"].set(t, "R-2", "review_due", ago(now, 2))
	}, nil},
	{"a risk whose owner is nobody who works here", "risk.owned", "Phishing", []string{"RSK-03"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["risks.csv"].set(t, "R-1", "owner", "ghost@example.com")
	}, nil},
	{"an emergency change that its author alone approved", "vcs.no_self_approval", "shop #202", []string{"CHG-02"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["changes.csv"].copied(t, "shop#199", map[string]string{"id": "shop#202", "number": "202", "approvers": "Carl-Dev", "approved_at": ago(now, 0), "merged_at": ago(now, 0), "emergency": "true", "post_review_at": ago(now, 0)})
	}, nil},
	{"somebody who changed role and kept the old access", "hr.mover_reviewed", "nils.ganz@example.com", []string{"HRS-05"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["checklists.csv"].copied(t, "off-rolf", map[string]string{"id": "move-nils", "person_ref": "nils.ganz@example.com", "type": "role_change", "opened_at": ago(now, 12), "completed_at": ""})
	}, nil},
	{"somebody who joined and never accepted the code of conduct", "policy.ack_joiner", "POL-02", []string{"GOV-03", "HRS-03"}, func(t *testing.T, f map[string]*export, now time.Time) {
		joins(t, f, now, "lars")
		f["acknowledged.csv"].set(t, "lars-2", "due_at", ago(now, 8))
		f["acknowledged.csv"].set(t, "lars-2", "acknowledged_at", "")
	}, nil},
	{"an incident without a cause", "incident.closed_out", "INC-1", []string{"INC-03"}, func(t *testing.T, f map[string]*export, _ time.Time) {
		f["incidents.csv"].rows = append(f["incidents.csv"].rows, strings.Split("INC-1,INC-1,2,true,,We were slow,A new alert,", ","))
	}, nil},
	{"a notice that was not sent", "incident.notified", "Authority", []string{"INC-04"}, func(t *testing.T, f map[string]*export, now time.Time) {
		f["duties.csv"].rows = append(f["duties.csv"].rows, []string{"d1", "INC-1", "Authority", ago(now, 1), "", ""})
	}, nil},
}

func ago(now time.Time, days int) string {
	return now.AddDate(0, 0, -days).Add(-time.Hour).Format("2006-01-02T15:04:05Z")
}

// leaves has somebody leave ten days ago.
func leaves(t *testing.T, f map[string]*export, now time.Time, mail string) {
	f["people.csv"].set(t, mail, "Status", "Inactive")
	f["people.csv"].set(t, mail, "Termination Date", now.AddDate(0, 0, -10).Format("01/02/2006"))
}

// joins has somebody join forty days ago, with all that belongs to it.
func joins(t *testing.T, f map[string]*export, now time.Time, name string) {
	mail, like := name+"@example.com", "kai.ott@example.com"
	day := func(n int) string { return now.AddDate(0, 0, -n).Format(time.DateOnly) }
	f["people.csv"].copied(t, like, map[string]string{"Employee #": name, "Full Name": mail, "Work Email": mail, "Hire Date": now.AddDate(0, 0, -40).Format("01/02/2006")})
	f["accounts.csv"].copied(t, "Kai.ott@example.com", map[string]string{"User principal name": mail, "Display name": name, "Created": ago(now, 40)})
	f["laptops.csv"].copied(t, like, map[string]string{"Device name": "MBP-" + name, "Serial number": name, "User email": mail})
	f["screening.csv"].copied(t, like, map[string]string{"id": "check-" + name, "person_ref": mail, "ordered_on": day(60), "completed_on": day(50)})
	f["agreements.csv"].copied(t, like, map[string]string{"id": "nda-" + name, "person_ref": mail, "signed_on": day(45)})
	f["courses.csv"].copied(t, "kai-TR-01", map[string]string{"id": name + "-TR-01", "person_ref": mail, "assigned_at": ago(now, 40), "completed_at": ago(now, 30)})
	for n := 1; n <= 24; n++ {
		f["acknowledged.csv"].copied(t, fmt.Sprintf("kai-%d", n), map[string]string{"id": fmt.Sprintf("%s-%d", name, n), "person_ref": mail, "acknowledged_at": ago(now, 30)})
	}
}

// TestEveryRealFailureOfTheSameCompanyIsSeenOnItsControl plants them all, and holds that these tests fail and no other.
func TestEveryRealFailureOfTheSameCompanyIsSeenOnItsControl(t *testing.T) {
	c := newPerfect(t)
	c.clean("before")
	c.clock.Move(time.Minute)
	now := c.clock.Now()
	right := exports(now)
	c.files = exports(now)
	expected := map[string]bool{}
	for _, w := range wrongs {
		w.do(t, c.files, now)
		expected[w.test] = true
		for _, id := range w.also {
			expected[id] = true
		}
	}
	var touched []string
	for name, x := range c.files {
		if x.text() != right[name].text() {
			touched = append(touched, name)
		}
	}
	c.bring(touched...)
	c.test()
	tests, controls := c.red()
	for _, w := range wrongs {
		if said := c.failures(w.test); !strings.Contains(said, w.says) {
			t.Errorf("%s: %s says %q, and nothing of %s", w.what, w.test, said, w.says)
		}
		for _, ref := range w.controls {
			if why := controls[ref]; !strings.HasPrefix(why, "failing") || !strings.Contains(why, "test "+w.test+" fails") {
				t.Errorf("%s: %s does not fail for it: %q", w.what, ref, why)
			}
		}
	}
	for id, why := range tests {
		if !expected[id] {
			t.Errorf("%s fails, and nothing was done to it: %s", id, why)
		}
	}
	c.files = right
	c.bring(touched...)
	c.test()
	if tests, _ = c.red(); len(tests) > 0 {
		t.Errorf("all was mended, and these fail: %v", tests)
	}
}

// An uploaded file was read when it was imported: no round of reading makes today's data of it, also not the one of a start.
func TestARoundOfAllSourcesReadsNoUploadedFileAgain(t *testing.T) {
	c := newPerfect(t)
	c.clean("before")
	c.clock.Move(3 * aDay)
	c.test()
	for _, id := range []string{"idp.mfa_all", "cloud.bucket_private", "device.encrypted"} {
		out, err := op.Do[*report.TestDetail](t.Context(), c.app.Gate, c.manager, "test.get", map[string]any{"id": id, "days": 1}, time.Time{})
		fine(t, err)
		if l := out.Spans[0].Letter; l == "P" {
			t.Errorf("%s passed today over a file of three days ago", id)
		}
	}
	o, err := op.Do[*report.Overview](t.Context(), c.app.Gate, c.manager, "readiness.get", map[string]any{}, time.Time{})
	if fine(t, err); o.Percent > 50 {
		t.Errorf("%d%% over files of three days ago", o.Percent)
	}
}
