// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/content"
	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/collect/source/file"
)

// exports are small ones in the shape of the real ones, with what they come to.
var exports = map[string]struct {
	want     string // keys
	first    map[string]any
	verdicts map[string]string // of tests, over these resources and the people below
}{
	"google-workspace-users": {"Ann@Example.com bo@example.com", map[string]any{"status": "active", "mfa_enrolled": true, "last_login_at": "2026-11-20T22:47:20.000Z", "is_service": false, "email": "Ann@Example.com", "person_ref": "Ann@Example.com"},
		map[string]string{"idp.mfa_all": "pass", "idp.dormant": "pass"}},
	"okta-users":            {"00u1 00u2 00u3", map[string]any{"status": "active", "last_login_at": nil, "created_at": "2024-01-02T03:04:05.000Z"}, map[string]string{"idp.mfa_all": "unknown", "idp.dormant": "fail"}},
	"entra-users":           {"ann@example.com bo@example.com", map[string]any{"status": "active", "created_at": "2026-11-01T10:00:00.000Z", "is_guest": false}, map[string]string{"idp.mfa_all": "unknown"}},
	"entra-registration":    {"ann@example.com", map[string]any{"mfa_enrolled": false, "is_admin": true, "is_guest": false}, map[string]string{"idp.mfa_all": "unknown"}},
	"aws-credential-report": {"arn:aws:iam::000000000000:user/cli arn:aws:iam::000000000000:user/web", map[string]any{"console": false, "mfa": false}, map[string]string{"cloud.user_mfa": "pass"}},
	"aws-root":              {"arn:aws:iam::000000000000:root", map[string]any{"root_mfa": false, "root_last_used_at": "2022-08-26T15:26:38.000Z"}, map[string]string{"cloud.root_unused": "pass", "cloud.root_mfa": "fail"}},
	"aws-access-keys":       {"arn:aws:iam::000000000000:user/cli,|,1 arn:aws:iam::000000000000:user/web,|,2", map[string]any{"active": true, "owner": "cli", "created_at": "2026-10-01T13:51:50.000Z", "last_used_at": nil}, map[string]string{"cloud.key_age": "fail"}},
	"github-members":        {"ann-one bo", map[string]any{"role": "owner", "two_factor": true, "last_active_at": "2026-11-20T10:00:00.000Z"}, map[string]string{"vcs.2fa": "fail"}},
	"jira-issues":           {"ACC-1 ACC-2", map[string]any{"type": "access_request", "created_at": "2026-03-12T09:41:00.000Z", "closed_at": "2026-03-13T16:00:00.000Z"}, nil},
	"bamboohr-people":       {"7 8 9", map[string]any{"status": "active", "kind": "employee", "start_on": "2023-03-06", "end_on": nil}, nil},
	"rippling-people":       {"ann@example.com bo@example.com", map[string]any{"status": "active", "kind": "employee", "start_on": "2023-03-13"}, nil},
	"gusto-people":          {"ann@example.com", map[string]any{"status": "active", "kind": "employee", "end_on": nil}, nil},
	"personio-people":       {"ann@example.com bo@example.com", map[string]any{"status": "active", "kind": "employee", "start_on": "2023-03-13"}, nil},
	"jamf-computers":        {"C02A C02B", map[string]any{"disk_encrypted": true, "active": true, "owner_ref": "ann@example.com", "last_seen_at": "2026-11-29T10:00:00.000Z"}, map[string]string{"device.encrypted": "fail", "device.reporting": "pass"}},
	"kandji-devices":        {"C02A", map[string]any{"owner_ref": "ann@example.com", "active": true}, map[string]string{"device.encrypted": "unknown", "device.reporting": "pass"}},
	"kandji-devices-report": {"C02A", map[string]any{"disk_encrypted": true}, map[string]string{"device.encrypted": "pass"}},
	"intune-devices":        {"1-2 1-3", map[string]any{"disk_encrypted": true, "last_seen_at": "2026-11-29T18:40:38.000Z", "serial": "SN1"}, map[string]string{"device.encrypted": "pass", "device.reporting": "fail"}},
	"vanta-vendors":         {"a2f7e1b9 a2f7e1c0", map[string]any{"tier": "high", "active": true, "last_review_at": "2026-02-01T00:00:00.000Z"}, map[string]string{"vendor.reviewed": "pass"}},
	"vanta-risks":           {"assets-unknown old-office", map[string]any{"title": "Assets are not identified.", "open": true, "owner": "ann@example.com"}, nil},
	"drata-vendors":         {"Example Cloud,Example Mail", map[string]any{"tier": "high", "active": true, "owner_ref": "ann@example.com"}, map[string]string{"vendor.reviewed": "unknown"}},
	"drata-vendors-api":     {"1", map[string]any{"tier": "medium", "active": true, "owner_ref": "ann@example.com"}, map[string]string{"vendor.reviewed": "unknown"}},
	"drata-risks":           {"IR-01 IR-02", map[string]any{"title": "Lost laptop", "open": true, "owner": "ann@example.com"}, nil},
	"prowler-findings":      {"f-1", map[string]any{"severity": "critical", "asset": "arn:b", "fixed_at": nil}, map[string]string{"vuln.sla_critical": "unknown"}},
}

// sample gives the small export of a preset, and its format.
func sample(t *testing.T, id string) (format, text string) {
	t.Helper()
	all, err := filepath.Glob("testdata/presets/" + id + ".*")
	if err != nil || len(all) != 1 {
		t.Fatalf("%s: there are %d examples in testdata/presets: %v", id, len(all), err)
	}
	b, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Ext(all[0])[1:], string(b)
}

func TestEveryPresetReadsItsExport(t *testing.T) {
	presets, err := content.Presets()
	if err != nil {
		t.Fatal(err)
	}
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range presets {
		x, ok := exports[p.ID]
		if p.Compare != "" {
			continue // held by TestAListOfAnotherPlatformIsComparedAndNeverImported
		}
		if !ok || seen[p.ID] || p.Title == "" || p.Doc == "" || len(p.Heading) == 0 {
			t.Errorf("%s: there is no example, or it is there twice, or something is missing", p.ID)
			continue
		}
		seen[p.ID] = true
		for _, f := range p.Formats {
			if _, err := file.New(file.Config{Preset: p.ID, Format: f}, all, lines("")); err != nil {
				t.Errorf("%s as %s: %v", p.ID, f, err)
			}
		}
		format, text := sample(t, p.ID)
		got, report, err := taken(t, file.Config{Preset: p.ID, Format: format}, text)
		if err != nil || keys(got) != strings.ReplaceAll(x.want, ",", " ") {
			t.Errorf("%s: %s %v", p.ID, keys(got), err)
			continue
		}
		for attr, want := range x.first {
			if v, known := got[0].Attrs[attr]; !known || v != want {
				t.Errorf("%s: %s is %v (known: %v), want %v", p.ID, attr, v, known, want)
			}
		}
		for test, want := range x.verdicts {
			if v := verdict(t, test, p.Kind, got); v != want {
				t.Errorf("%s: %s is %s, want %s", p.ID, test, v, want)
			}
		}
		if text = strings.ReplaceAll(text, p.Heading[0], "Other"); format == "csv" {
			if _, report, _ = taken(t, file.Config{Preset: p.ID, Format: format}, text); report.Total == 0 {
				t.Errorf("%s: a column by which it is known is gone, and it was read", p.ID)
			}
		}
	}
	if len(seen) != len(exports) {
		t.Errorf("%d presets and %d examples", len(seen), len(exports))
	}
}

var builtIn = sync.OnceValues(check.BuiltIn)

// verdict runs one test over what was read.
func verdict(t *testing.T, id, kind string, all []collect.Resource) string {
	t.Helper()
	cat, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	rule, ok := cat.Rule(id)
	if !ok {
		t.Fatalf("there is no test %s", id)
	}
	return rule.Evaluate(&check.Input{Now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), Resources: check.NewPopulation(map[string]check.Set{kind: bound(t, cat, kind, all)})}).State.String()
}

func TestAPresetIsOfferedByItsHeadingAndNeverForced(t *testing.T) {
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	presets, err := content.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range presets {
		id := p.ID
		format, text := sample(t, id)
		_, err := file.New(file.Config{Format: format}, all, lines(text))
		if err == nil || !strings.Contains(err.Error(), id+" (") {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, text := range []string{"", "id,name\n1,a\n", "\xff\xfe", "[", "{}", "PK\x03\x04"} {
		for _, format := range []string{"csv", "json", "jsonl", "xlsx"} {
			if _, err := file.New(file.Config{Format: format}, all, lines(text)); err == nil || !strings.Contains(err.Error(), "kind: is missing") {
				t.Errorf("%s %q: %v", format, text, err)
			}
		}
	}
	if !slices.Contains(file.PresetNames(), "okta-users") {
		t.Error(file.PresetNames())
	}
}

func TestAListOfTheGraphIsReadWithItsPreset(t *testing.T) {
	got, report, err := taken(t, file.Config{Preset: "entra-users", Format: "json"}, `{"@odata.context":"x","value":[{"id":"u1","userPrincipalName":"ann@example.com","accountEnabled":true,"signInActivity":{"lastSignInDateTime":"2026-11-20T10:00:00Z"}},{"id":"u2","userPrincipalName":"bo@example.com","accountEnabled":false}]}`)
	if err != nil || keys(got) != "ann@example.com bo@example.com" || got[0].Attrs["status"] != "active" || got[1].Attrs["status"] != "suspended" || got[0].Attrs["last_login_at"] != "2026-11-20T10:00:00.000Z" {
		t.Errorf("%v %v %v", got, report.Faults, err)
	}
}

func TestWhatAPersonSetsComesBeforeThePreset(t *testing.T) {
	_, text := sample(t, "google-workspace-users")
	got, _, err := taken(t, file.Config{Preset: "google-workspace-users", Columns: map[string]string{"Org Unit Path [Required]": "is_service", "2sv Enforced [READ ONLY]": "mfa_enrolled"},
		Values: map[string]map[string]string{"is_service": {"/": "true", "*": "false"}}}, text)
	if err != nil || got[0].Attrs["is_service"] != true || got[0].Attrs["status"] != "active" || got[1].Attrs["mfa_enrolled"] != false {
		t.Errorf("%v %v", got, err)
	}
	all, _ := declared()
	for field, cfg := range map[string]file.Config{"preset": {Preset: "none", Format: "csv"}, "kind": {Preset: "okta-users", Kind: "device", Format: "csv"}} {
		if _, err := file.New(cfg, all, lines("")); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// A column that stands in for two attributes gives the one that no other column gives.
func TestAColumnOfAPresetGivesWhatNoOtherColumnGives(t *testing.T) {
	text := "Employee #,Full Name,Work Email,Status,Employment Status,Hire Date,Termination Date\n7,Ann One,ann@example.com,Inactive,Contractor,2023-03-06,2026-01-02\n"
	got, report, err := taken(t, file.Config{Preset: "bamboohr-people", Format: "csv"}, text)
	if err != nil || report.Total != 0 {
		t.Fatalf("%v %+v", err, report)
	}
	if a := got[0].Attrs; a["status"] != "terminated" || a["kind"] != "contractor" {
		t.Errorf("%v", a)
	}
}
