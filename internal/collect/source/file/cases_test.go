// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/collect/source/file"
)

// The files of testdata/cases stand each for a kind of export. What is right for them:
var worldCases = map[string][]struct {
	cfg   file.Config
	keys  string           // where they are imported
	attrs []map[string]any // of the resources, in order
	says  string           // where not: the error; else a note
}{
	"cr.csv":       {{file.Config{Kind: "device"}, "d1 d2", []map[string]any{{"disk_encrypted": false, "active": true}, {"disk_encrypted": false, "active": true}}, ""}},
	"hris-us.csv":  {{file.Config{Preset: "bamboohr-people"}, "", nil, "column Termination Date: \"6/1/2026\" can be read"}, {file.Config{Preset: "bamboohr-people", DayFirst: new(bool)}, "7 8", []map[string]any{{"start_on": "2023-03-06", "end_on": nil, "status": "active"}, {"start_on": "2022-11-20", "end_on": "2026-06-01", "status": "terminated"}}, ""}},
	"jira.csv":     {{file.Config{Preset: "jira-issues"}, "ACC-1 ACC-2", []map[string]any{{"created_at": "2026-03-12T09:41:00.000Z", "closed_at": "2026-03-13T16:00:00.000Z"}, {}}, ""}, {file.Config{Preset: "jira-issues", Columns: map[string]string{"Labels": "tags"}}, "", nil, "two columns have this name"}},
	"aws.csv":      {{file.Config{Preset: "aws-credential-report"}, "arn:aws:iam::000000000000:user/cli arn:aws:iam::000000000000:user/web", []map[string]any{{"console": false}, {"console": true, "mfa": true}}, ""}, {file.Config{Preset: "aws-access-keys"}, "arn:aws:iam::000000000000:user/cli | 1 arn:aws:iam::000000000000:user/web | 2", []map[string]any{{"active": true, "last_used_at": nil}}, ""}},
	"google.csv":   {{file.Config{Preset: "google-workspace-users"}, "Ann@Example.com bo@example.com", []map[string]any{{"last_login_at": "2026-11-20T22:47:20.000Z"}, {"last_login_at": nil, "status": "suspended"}}, ""}},
	"idp.csv":      {{leaverAccounts, "u1 u2 u3", []map[string]any{{"email": "re.hired@example.com"}, {}, {"email": "ann.one@example.com"}}, ""}},
	"people.csv":   {{withLatest(""), "", nil, "is already in row 3"}, {withLatest("Start"), "1 11 13", []map[string]any{{}, {"status": "active"}, {"status": "terminated", "end_on": "2026-06-01"}}, "2 older rows were left out"}},
	"prowler2.csv": {{file.Config{Kind: "vuln.finding", Columns: map[string]string{"FINDING_UID": "id", "SEVERITY": "severity"}, Only: map[string]file.Words{"STATUS": {"FAIL"}}}, "f-1", []map[string]any{{"severity": "critical"}}, ""}},
	"trailing.csv": {{file.Config{Kind: "device"}, "d1", nil, ""}},
	"sep.csv":      {{file.Config{Kind: "device"}, "d1", []map[string]any{{"active": true}}, ""}},
	"title.csv":    {{file.Config{Kind: "device"}, "d1", []map[string]any{{"disk_encrypted": true}}, ""}},
	"total.csv":    {{file.Config{Kind: "device"}, "", nil, `"Total" is a sum`}, {file.Config{Kind: "device", Except: map[string]file.Words{"id": {"Total"}}}, "d1", nil, ""}},
	"graph.json":   {{file.Config{Preset: "entra-users"}, "ann@example.com", []map[string]any{{"status": "active"}}, ""}, {file.Config{Preset: "entra-users", List: "value"}, "ann@example.com", nil, ""}},
	"okta.json":    {{file.Config{Preset: "okta-users"}, "00u1 00u2 00u3", []map[string]any{{"status": "active", "last_login_at": nil}, {"status": "suspended"}, {"status": "deleted"}}, ""}},
	"ignored.csv":  {{file.Config{Kind: "device"}, "d1", []map[string]any{{"active": true}}, ""}},
	"devices.csv":  {{file.Config{Kind: "device"}, "d1", nil, ""}, {file.Config{Kind: "device", Columns: map[string]string{"id": "id", "Disk Encryption": "disk_encrypted"}}, "d1", []map[string]any{{"disk_encrypted": true}}, ""}},
	"nbsp.csv":     {{file.Config{Kind: "device"}, "d1", []map[string]any{{"disk_encrypted": true}}, ""}},
	"nfd.csv":      {{file.Config{Kind: "device"}, "", nil, "is already in row 2"}},
}

var leaverAccounts = file.Config{Kind: "idp.user", Columns: map[string]string{"User": "id", "Login": "email, person_ref", "State": "status", "Admin": "is_admin", "Service": "is_service", "MFA": "mfa_enrolled"}}

func withLatest(by string) file.Config {
	return file.Config{Kind: "person", Columns: map[string]string{"No": "id", "Name": "name", "Mail": "email", "Status": "status", "Start": "start_on", "End": "end_on"}, NoneEmpty: []string{"end_on"}, LatestBy: by}
}

func worldCase(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/cases/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEachCaseOfTheWorldHasItsRightAnswer(t *testing.T) {
	all, err := os.ReadDir("testdata/cases")
	if err != nil || len(all) != len(worldCases) {
		t.Errorf("%d files and %d answers: %v", len(all), len(worldCases), err)
	}
	for name, cases := range worldCases {
		for _, c := range cases {
			c.cfg.Format = name[strings.LastIndex(name, ".")+1:]
			got, report, err := taken(t, c.cfg, worldCase(t, name))
			if c.keys == "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if err != nil || keys(got) != c.keys || !strings.Contains(strings.Join(report.Notes, " "), c.says) {
				t.Errorf("%s: %s %q %v", name, keys(got), report.Notes, err)
				continue
			}
			for i, attrs := range c.attrs {
				for a, want := range attrs {
					if v, known := got[i].Attrs[a]; !known || v != want {
						t.Errorf("%s: %s of %s is %v (known: %v), want %v", name, a, got[i].Key, v, known, want)
					}
				}
			}
		}
	}
	for _, name := range []string{"ignored.csv", "devices.csv"} {
		if _, report, _ := taken(t, file.Config{Kind: "device"}, worldCase(t, name)); len(report.Ignored) != 1 || report.Ignored[0] != "Disk Encryption" {
			t.Errorf("%s: %v", name, report.Ignored)
		}
	}
}

// The directory and the roster are joined without regard to case and space: who left and still has an account fails, and
// who was hired again does not.
func TestALeaverWithAnAccountIsFoundAndARehiredPersonIsNot(t *testing.T) {
	users, _, err := taken(t, leaverAccounts, strings.ReplaceAll(worldCase(t, "idp.csv"), "still.gone@", " Still.Gone@"))
	if err != nil {
		t.Fatal(err)
	}
	people, _, err := taken(t, withLatest("Start"), worldCase(t, "people.csv"))
	if err != nil {
		t.Fatal(err)
	}
	cat, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	rule, _ := cat.Rule("idp.terminated_disabled")
	in := check.Input{Now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), Resources: check.NewPopulation(map[string]check.Set{"idp.user": bound(t, cat, "idp.user", users), "person": bound(t, cat, "person", people)})}
	out := rule.Evaluate(&in)
	var failing []string
	for _, r := range out.Results {
		if r.Verdict == check.VerdictFail {
			failing = append(failing, r.Resource)
		}
	}
	if strings.Join(failing, " ") != "u2" {
		t.Errorf("%s: %v, %s", out.State, failing, out.Reason)
	}
}

func bound(t *testing.T, cat *check.Catalogue, kind string, all []collect.Resource) check.Set {
	t.Helper()
	set := check.Set{State: check.SourceComplete}
	for _, r := range all {
		b, err := cat.Bind(check.Resource{ID: r.Key, Kind: kind, Key: r.Key, Name: r.Name, Attrs: r.Attrs, Why: r.Why}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		set.Resources = append(set.Resources, b)
	}
	return set
}
