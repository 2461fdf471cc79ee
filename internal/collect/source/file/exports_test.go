// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/content"
	"assay/internal/collect/source/file"
)

// peoplePresets are the presets whose rows are people.
func peoplePresets(t *testing.T) []content.Preset {
	t.Helper()
	all, err := content.Presets()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(all), func(p content.Preset) bool { return p.Kind != "person" })
}

func TestNoPresetTakesAWordThatItDoesNotKnow(t *testing.T) {
	all, err := content.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		values, _ := p.Config["values"].(map[string]any)
		for attr, words := range values {
			if of, _ := words.(map[string]any); of["*"] != nil {
				t.Errorf("%s: every word is %s %v", p.ID, attr, of["*"])
			}
		}
	}
}

func TestAnUnknownStatusOrEngagementIsAskedAboutByName(t *testing.T) {
	for _, p := range peoplePresets(t) {
		_, text := sample(t, p.ID)
		for column, word := range map[string]string{"Status": "Suspended", "Employment Status": "Suspended", "Employment status": "Suspended", "Employee status": "Suspended", "Employment type": "Agency"} {
			if !strings.Contains(text, column) {
				continue
			}
			said := strings.NewReplacer("Full-Time", word, "Active", word, "Salaried", word, "Internal", word).Replace(text)
			_, report, err := taken(t, file.Config{Preset: p.ID, Format: "csv"}, said)
			if err == nil || !strings.Contains(fmt.Sprint(report.Faults), fmt.Sprintf("%q", word)+" is none of") || !strings.Contains(err.Error(), "Say in values") {
				t.Errorf("%s, %s: %v", p.ID, column, err)
			}
		}
	}
}

func TestLeaversAndContractorsAreWhatTheirExportSays(t *testing.T) {
	head := "Employee #,Full Name,Work Email,Status,Hire Date,Termination Date\n"
	for word, want := range map[string]any{"Resigned": "terminated", "Laid Off": "terminated", "Quit": "terminated", "Pre-Hire": "candidate", "Leave of Absence": "leave", "Active": "active"} {
		got, _, err := taken(t, file.Config{Preset: "bamboohr-people"}, head+"1,Ann,ann@example.com,"+word+",2024-01-31,2026-01-02\n")
		if err != nil || got[0].Attrs["status"] != want {
			t.Errorf("%s: %v %v", word, got, err)
		}
	}
	for word, want := range map[string]any{"Contractor (1099)": "contractor", "Independent Contractor": "contractor", "Salaried, full-time": "employee"} {
		got, _, err := taken(t, file.Config{Preset: "rippling-people"}, "Work email,Employment status,Employment type,Start date\nann@example.com,Active,\""+word+"\",2024-01-31\n")
		if err != nil || got[0].Attrs["kind"] != want {
			t.Errorf("%s: %v %v", word, got, err)
		}
	}
}

func TestAWordOfAPersonLeavesTheOtherWordsOfThePreset(t *testing.T) {
	text := "Employee #,Full Name,Work Email,Status,Hire Date\n1,Ann,ann@example.com,Suspended,2024-01-31\n2,Bo,bo@example.com,Inactive,2024-01-31\n3,Cy,cy@example.com,Retired,2024-01-31\n"
	cfg := file.Config{Preset: "bamboohr-people", Values: map[string]map[string]string{"status": {"suspended": "leave"}}, Unknown: map[string]file.Words{"status": {"Retired"}}}
	got, _, err := taken(t, cfg, text)
	if err != nil || got[0].Attrs["status"] != "leave" || got[1].Attrs["status"] != "terminated" || got[2].Attrs["status"] != nil {
		t.Errorf("%v %v", got, err)
	}
}

func TestADateOfZerosIsNone(t *testing.T) {
	head := "Employee #,Full Name,Work Email,Status,Hire Date,Termination Date\n"
	got, _, err := taken(t, file.Config{Preset: "bamboohr-people"}, head+"1,Ann,ann@example.com,Active,0000-00-00,0000-00-00\n")
	if err != nil {
		t.Fatal(err)
	}
	end, known := got[0].Attrs["end_on"]
	if _, start := got[0].Attrs["start_on"]; end != nil || !known || start {
		t.Errorf("%v", got[0].Attrs)
	}
	_, _, err = taken(t, file.Config{Kind: "person"}, "id,end_on\n1,0000-00-00\n")
	if err == nil || !strings.Contains(err.Error(), "none_words") {
		t.Errorf("an own file: %v", err)
	}
}

func TestASumIsNoRow(t *testing.T) {
	for _, label := range []string{"Total", "Total: 3", "Sum", "Subtotal", "Gesamt", "Headcount"} {
		for name, cfg := range map[string]file.Config{
			"mail only": {Kind: "person", Columns: map[string]string{"Mail": "id"}},
			"named":     {Kind: "person", Columns: map[string]string{"Mail": "id, email", "Name": "name"}},
			"device":    {Kind: "device", Columns: map[string]string{"Mail": "id"}},
		} {
			_, report, err := taken(t, cfg, "Name,Mail\nAnn Lee,ann@example.com\n"+label+",3\n")
			if err == nil || !strings.Contains(fmt.Sprint(report.Faults), "is a sum") {
				t.Errorf("%s, %s: %v", name, label, err)
			}
		}
	}
	got, _, err := taken(t, file.Config{Kind: "person", Columns: map[string]string{"Mail": "id, email", "First": "name"}}, "First,Mail\nSum,sum.yee@example.com\n")
	if err != nil || len(got) != 1 {
		t.Errorf("a person called Sum: %v", err)
	}
}

func TestAnAddressHasAnAt(t *testing.T) {
	for _, kind := range []string{"person", "idp.user"} {
		if _, _, err := taken(t, file.Config{Kind: kind}, "id,email\n1,3\n"); err == nil || !strings.Contains(err.Error(), "no e-mail address") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestMembersOfGitHubAreMatchedByTheirAddressWhereItIsOne(t *testing.T) {
	got, _, err := taken(t, file.Config{Preset: "github-members"}, "login,role,tfa_enabled,saml_name_id\na,Owner,true,ann@example.com\nb,Member,true,ffe1-22\nc,Member,true,\n")
	if err != nil || got[0].Attrs["email"] != "ann@example.com" {
		t.Fatalf("%v %v", got, err)
	}
	for _, r := range got[1:] {
		if v, known := r.Attrs["email"]; known {
			t.Errorf("%s: %v", r.Key, v)
		}
	}
}

func TestMutedFindingsAreNotOpen(t *testing.T) {
	head := "FINDING_UID;CHECK_TITLE;STATUS;MUTED;SEVERITY;RESOURCE_UID\n"
	got, report, err := taken(t, file.Config{Preset: "prowler-findings"}, head+"f1;A;FAIL;False;high;r\nf2;B;FAIL;True;high;r\n")
	if err != nil || keys(got) != "f1" || report.Filtered != 1 {
		t.Errorf("%v %v", got, err)
	}
	if got, _, err = taken(t, file.Config{Preset: "prowler-findings"}, "FINDING_UID;STATUS;SEVERITY;RESOURCE_UID\nf1;FAIL;high;r\n"); err != nil || keys(got) != "f1" {
		t.Errorf("without the column: %v %v", got, err)
	}
}

func TestAnEmptyObjectHasNoInnerValue(t *testing.T) {
	for _, none := range []string{`""`, "null", `{"email":null}`, `{"email":""}`} {
		got, _, err := taken(t, file.Config{Preset: "kandji-devices", Format: "json"}, `[{"device_name":"m","serial_number":"C1","last_check_in":"2026-11-29T10:00:00Z","user":`+none+`}]`)
		if err != nil {
			t.Fatal(err)
		}
		if owner, known := got[0].Attrs["owner_ref"]; !known || owner != nil {
			t.Errorf("%s: %v, known: %v", none, owner, known)
		}
	}
}

func TestARowThatHoldsSeveralThingsGivesEach(t *testing.T) {
	text := "user,key 1,key 2\nann,true,false\nbo,,true\n"
	cfg := file.Config{Kind: "cloud.key", Repeat: []string{"1", "2"}, Key: []string{"user", "#"}, Columns: map[string]string{"key #": "active", "user": "owner"}, Except: map[string]file.Words{"key #": {""}}}
	got, report, err := taken(t, cfg, text)
	if err != nil || keys(got) != "ann | 1 ann | 2 bo | 2" || report.Filtered != 1 || len(report.Ignored) > 0 {
		t.Fatalf("%v %+v %v", keys(got), report, err)
	}
	two := 2
	if cfg.Rows = &two; true {
		if _, _, err = taken(t, cfg, text); err != nil {
			t.Errorf("two rows were announced: %v", err)
		}
	}
	all, _ := declared()
	for field, wrong := range map[string]file.Config{"repeat": {Repeat: []string{"1", "1"}, Key: []string{"user", "#"}}, "key": {Repeat: []string{"1", "2"}, Key: []string{"user"}}} {
		wrong.Kind, wrong.Format = "cloud.key", "csv"
		if _, err := file.New(wrong, all, lines(text)); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestAFileAsLongAsOnePageSaysSo(t *testing.T) {
	all, err := content.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Page == 0 {
			continue
		}
		format := map[string]string{"okta-users": `{"id":"u%d","status":"ACTIVE","profile":{"login":"u%[1]d@example.com"}}`, "jira-issues": "x,A-%d,Task,Done\n"}[p.ID]
		for n, want := range map[int]bool{p.Page: true, p.Page - 1: false} {
			var rows []string
			for i := range n {
				rows = append(rows, fmt.Sprintf(format, i))
			}
			text, as := "["+strings.Join(rows, ",")+"]", "json"
			if p.Formats[0] == "csv" {
				text, as = strings.Join(p.Heading, ",")+"\n"+strings.Join(rows, ""), "csv"
			}
			_, report, err := taken(t, file.Config{Preset: p.ID, Format: as}, text)
			if said := strings.Contains(strings.Join(report.Notes, " "), "as many as one page"); err != nil || said != want {
				t.Errorf("%s with %d rows: %v %v", p.ID, n, report.Notes, err)
			}
		}
	}
}

func TestTimesWithoutAZoneAreNamed(t *testing.T) {
	for text, want := range map[string]bool{"2026-11-20 22:47:20": true, "12/Mar/26 9:41 AM": true, "2026-11-20T22:47:20Z": false, "2026-11-20 22:47:20 +0900": false, "2026-11-20": false, "1763678840": false} {
		for zone, said := range map[string]bool{"": want, "Asia/Tokyo": false} {
			_, report, err := taken(t, file.Config{Kind: "idp.user", Zone: zone}, "id,last_login_at\n1,"+text+"\n")
			if got := strings.Contains(strings.Join(report.Notes, " "), "name no time zone"); err != nil || got != said {
				t.Errorf("%s in %q: %v %v", text, zone, report.Notes, err)
			}
		}
	}
}
