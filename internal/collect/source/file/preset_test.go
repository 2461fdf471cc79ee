// SPDX-License-Identifier: Apache-2.0

package file_test

import (
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
	format, text string
	want         string // keys
	first        map[string]any
	verdicts     map[string]string // of tests, over these resources and the people below
}{
	"google-workspace-users": {"csv", "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Org Unit Path [Required],Status [READ ONLY],Last Sign In [READ ONLY],Employee ID,2sv Enrolled [READ ONLY],2sv Enforced [READ ONLY]\n" +
		"Ann,One,Ann@Example.com,****,/,Active,2026/11/20 22:47:20,0007,True,True\nBo,Two,bo@example.com,****,/,Suspended,Never logged in,0008,False,False\n",
		"Ann@Example.com bo@example.com", map[string]any{"status": "active", "mfa_enrolled": true, "last_login_at": "2026-11-20T22:47:20.000Z", "is_service": false, "email": "Ann@Example.com"},
		map[string]string{"idp.mfa_all": "pass", "idp.dormant": "pass"}},
	"okta-users": {"json", `[{"id":"00u1","status":"ACTIVE","created":"2024-01-02T03:04:05.000Z","lastLogin":null,"profile":{"login":"ann@example.com","firstName":"Ann","lastName":"One"},"factors":[{"factorType":"push"}]},
		{"id":"00u2","status":"STAGED","created":"2024-01-02T03:04:05.000Z","lastLogin":"2026-11-01T00:00:00.000Z","profile":{"login":"bo@example.com"}},{"id":"00u3","status":"DEPROVISIONED","lastLogin":null,"profile":{"login":"cy@example.com"}}]`,
		"00u1 00u2 00u3", map[string]any{"status": "active", "last_login_at": nil, "created_at": "2024-01-02T03:04:05.000Z"}, map[string]string{"idp.mfa_all": "unknown", "idp.dormant": "fail"}},
	"entra-users": {"csv", "userPrincipalName,displayName,surname,mail,givenName,objectId,userType,accountEnabled,createdDateTime,directorySynced\nann@example.com,Ann One,One,ann@example.com,Ann,1-2,Member,True,2026-11-01T10:00:00Z,\nbo@example.com,Bo,,,,1-3,Guest,False,2024-01-01T10:00:00Z,\n",
		"ann@example.com bo@example.com", map[string]any{"status": "active", "created_at": "2026-11-01T10:00:00.000Z", "is_guest": false}, map[string]string{"idp.mfa_all": "unknown"}},
	"entra-registration": {"csv", "userPrincipalName,userDisplayName,userType,isAdmin,isSsprRegistered,isMfaCapable,isMfaRegistered,methodsRegistered\nann@example.com,Ann One,member,True,True,True,False,\n",
		"ann@example.com", map[string]any{"mfa_enrolled": false, "is_admin": true, "is_guest": false}, map[string]string{"idp.mfa_all": "unknown"}},
	"aws-credential-report": {"csv", awsReport, "arn:aws:iam::000000000000:user/cli arn:aws:iam::000000000000:user/web", map[string]any{"console": false, "mfa": false}, map[string]string{"cloud.user_mfa": "pass"}},
	"aws-root":              {"csv", awsReport, "arn:aws:iam::000000000000:root", map[string]any{"root_mfa": false, "root_last_used_at": "2022-08-26T15:26:38.000Z"}, map[string]string{"cloud.root_unused": "pass", "cloud.root_mfa": "fail"}},
	"aws-access-keys-1":     {"csv", awsReport, "arn:aws:iam::000000000000:user/cli", map[string]any{"active": true, "owner": "cli", "created_at": "2026-10-01T13:51:50.000Z", "last_used_at": nil}, map[string]string{"cloud.key_age": "pass"}},
	"aws-access-keys-2":     {"csv", awsReport, "arn:aws:iam::000000000000:user/web", map[string]any{"active": true, "created_at": "2020-10-01T13:51:50.000Z"}, map[string]string{"cloud.key_age": "fail"}},
	"github-members": {"csv", "id,login,name,role,tfa_enabled,is_public,updated_at,last_active,saml_name_id\n1,ann-one,Ann One,owner,true,false,2026-11-01 10:00:00 UTC,2026-11-20 10:00:00 UTC,\n2,bo,,member,false,false,2026-11-01 10:00:00 UTC,,\n",
		"ann-one bo", map[string]any{"role": "owner", "two_factor": true, "last_active_at": "2026-11-20T10:00:00.000Z"}, map[string]string{"vcs.2fa": "fail"}},
	"jira-issues": {"csv", "\ufeffSummary,Issue key,Issue Type,Status,Reporter,Created,Resolved,Labels,Labels,Description\r\n\"Grant VPN access\",ACC-1,Access,Done,ann@example.com,12/Mar/26 9:41 AM,13/Mar/26 4:00 PM,vpn,urgent,\"Line one\r\n\r\nLine \"\"two\"\"\"\r\n\"Other\",ACC-2,Bug,To Do,bo@example.com,14/Mar/26 10:00 AM,,,,\r\n",
		"ACC-1 ACC-2", map[string]any{"type": "access_request", "created_at": "2026-03-12T09:41:00.000Z", "closed_at": "2026-03-13T16:00:00.000Z"}, nil},
	"bamboohr-people": {"csv", "Employee #,Full Name,Work Email,Employment Status,Hire Date,Termination Date\n7,Ann One,ann@example.com,Full-Time,2023-03-06,\n8,Bo Two,bo@example.com,Terminated,2022-11-20,2026-06-01\n9,Cy,cy@example.com,Contractor,2022-11-20,\n",
		"7 8 9", map[string]any{"status": "active", "kind": "employee", "start_on": "2023-03-06", "end_on": nil}, nil},
	"rippling-people": {"csv", "Full name,Work email,Employment status,Employment type,Start date,End date,Department,Title\nAnn One,ann@example.com,Active,Salaried,03/13/2023,,Engineering,CTO\nBo,bo@example.com,Terminated,Contractor,01/02/2022,06/30/2026,,\n",
		"ann@example.com bo@example.com", map[string]any{"status": "active", "kind": "employee", "start_on": "2023-03-13"}, nil},
	"gusto-people": {"csv", "First name,Last name,Work email,Start date,Employee status,Last day\nAnn,One,ann@example.com,2023-03-13,Active,\n",
		"ann@example.com", map[string]any{"status": "active", "kind": "employee", "end_on": nil}, nil},
	"personio-people": {"csv", "First name;Last name;Email;Status;Hire date;Termination date;Employment type\nAnn;One;ann@example.com;Active;13.03.2023;;Internal\nBo;Two;bo@example.com;Inactive;01.02.2022;30.06.2026;External\n",
		"ann@example.com bo@example.com", map[string]any{"status": "active", "kind": "employee", "start_on": "2023-03-13"}, nil},
	"jamf-computers": {"csv", "Computer Name,Serial Number,Operating System Version,Email Address,FileVault 2 Status,Last Check-in\nmac-1,C02A,14.5,ann@example.com,All Partitions Encrypted,2026-11-29 10:00:00\nmac-2,C02B,14.5,,No Partitions Encrypted,2026-11-29 10:00:00\n",
		"C02A C02B", map[string]any{"disk_encrypted": true, "active": true, "owner_ref": "ann@example.com", "last_seen_at": "2026-11-29T10:00:00.000Z"}, map[string]string{"device.encrypted": "fail", "device.reporting": "pass"}},
	"kandji-devices": {"json", `[{"device_id":"1","device_name":"mac-1","serial_number":"C02A","os_version":"14.5","last_check_in":"2026-11-29T10:00:00Z","user":{"email":"ann@example.com"}}]`,
		"C02A", map[string]any{"owner_ref": "ann@example.com", "active": true}, map[string]string{"device.encrypted": "unknown", "device.reporting": "pass"}},
	"kandji-devices-report": {"csv", "Device name,Serial number,Blueprint,OS version,User email,FileVault enabled,Last check-in\nmac-1,C02A,Base,14.5,ann@example.com,Yes,2026-11-29T10:00:00Z\n",
		"C02A", map[string]any{"disk_encrypted": true}, map[string]string{"device.encrypted": "pass"}},
	"intune-devices": {"csv", "Device ID,Device name,Managed by,Ownership,Compliance,OS,OS version,Last check-in,Primary user UPN,Serial number,Encrypted\n1-2,PC-1,Intune,Corporate,Compliant,Windows,10.0.1,11/29/2026 6:40:38 PM,ann@example.com,SN1,True\n1-3,PC-2,Intune,Corporate,Compliant,Windows,10.0.1,9/1/2026 6:40:38 PM,None,SN2,True\n",
		"1-2 1-3", map[string]any{"disk_encrypted": true, "last_seen_at": "2026-11-29T18:40:38.000Z", "serial": "SN1"}, map[string]string{"device.encrypted": "pass", "device.reporting": "fail"}},
	"prowler-findings": {"csv", "AUTH_METHOD;TIMESTAMP;ACCOUNT_UID;FINDING_UID;CHECK_TITLE;STATUS;MUTED;SEVERITY;RESOURCE_UID\np;2026-01-12 07:28:08.338160;0;f-1;Public bucket;FAIL;False;critical;arn:b\np;2026-01-12 07:28:08.338160;0;f-2;Public bucket;PASS;False;critical;arn:c\n",
		"f-1", map[string]any{"severity": "critical", "asset": "arn:b", "fixed_at": nil}, map[string]string{"vuln.sla_critical": "unknown"}},
}

const awsReport = "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date\n" +
	"<root_account>,arn:aws:iam::000000000000:root,2022-03-23T10:21:07+00:00,not_supported,2022-08-26T15:26:38+00:00,false,false,N/A,N/A,false,N/A,N/A\n" +
	"cli,arn:aws:iam::000000000000:user/cli,2022-07-18T09:03:38+00:00,false,N/A,false,true,2026-10-01T13:51:50+00:00,N/A,false,N/A,N/A\n" +
	"web,arn:aws:iam::000000000000:user/web,2022-07-18T09:03:38+00:00,true,no_information,true,false,N/A,N/A,true,2020-10-01T13:51:50+00:00,2026-11-01T13:51:50+00:00\n"

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
		got, report, err := taken(t, file.Config{Preset: p.ID, Format: x.format}, x.text)
		if err != nil || keys(got) != x.want {
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
		if x.text = strings.Replace(x.text, p.Heading[0], "Other", -1); x.format == "csv" {
			if _, report, _ = taken(t, file.Config{Preset: p.ID, Format: x.format}, x.text); report.Total == 0 {
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
	set := check.Set{State: check.SourceComplete}
	for _, r := range all {
		b, err := cat.Bind(check.Resource{ID: r.Key, Kind: kind, Key: r.Key, Name: r.Name, Attrs: r.Attrs, Why: r.Why}, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		set.Resources = append(set.Resources, b)
	}
	return rule.Evaluate(&check.Input{Now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), Resources: check.NewPopulation(map[string]check.Set{kind: set})}).State.String()
}

func TestAPresetIsOfferedByItsHeadingAndNeverForced(t *testing.T) {
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	for id, x := range exports {
		_, err := file.New(file.Config{Format: x.format}, all, lines(x.text))
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
	x := exports["google-workspace-users"]
	got, _, err := taken(t, file.Config{Preset: "google-workspace-users", Columns: map[string]string{"Org Unit Path [Required]": "is_service", "2sv Enforced [READ ONLY]": "mfa_enrolled"},
		Values: map[string]map[string]string{"is_service": {"/": "true", "*": "false"}}}, x.text)
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
