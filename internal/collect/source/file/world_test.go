// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/collect/source/file"
	"assay/internal/collect/source/schema"
	"assay/internal/collect/source/sourcetest"

	"github.com/xuri/excelize/v2"
)

var declared = sync.OnceValues(schema.Declared)

// taken reads a text as a declared kind, and gives its resources and its report.
func taken(t *testing.T, cfg file.Config, text string) ([]collect.Resource, file.Report, error) {
	t.Helper()
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Format == "" {
		cfg.Format = "csv"
	}
	s, err := file.New(cfg, all, lines(text))
	if err != nil {
		t.Fatal(err)
	}
	s.At(clock.NewFake(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)))
	report, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Read+report.Refused+report.Filtered != report.Rows {
		t.Errorf("%d read, %d refused and %d filtered are not the %d rows", report.Read, report.Refused, report.Filtered, report.Rows)
	}
	got := sourcetest.Take(t.Context(), s)
	if got.Err == nil {
		if err := sourcetest.Judge(all, s.Describe(), got); err != nil {
			t.Error(err)
		}
	}
	return got.Resources(), report, got.Err
}

func keys(all []collect.Resource) string {
	var out []string
	for _, r := range all {
		out = append(out, r.Key)
	}
	return strings.Join(out, " ")
}

// Layouts that people's programs write, each with the devices that it holds.
func TestAFileIsReadInEveryLayoutThatProgramsWrite(t *testing.T) {
	const want = "d1 d2"
	for name, text := range map[string]string{
		"plain":                     "id,disk_encrypted\nd1,true\nd2,false\n",
		"lone carriage returns":     "id,disk_encrypted\rd1,true\rd2,false\r",
		"and no end of the last":    "id,disk_encrypted\rd1,true\rd2,false",
		"mixed line ends":           "id,disk_encrypted\r\nd1,true\rd2,false\n",
		"a byte-order mark":         "\ufeffid,disk_encrypted\nd1,true\nd2,false\n",
		"mark and carriage returns": "\ufeffid,disk_encrypted\rd1,true\rd2,false\r",
		"semicolons":                "id;disk_encrypted\nd1;true\nd2;false\n",
		"tabs":                      "id\tdisk_encrypted\nd1\ttrue\nd2\tfalse\n",
		"a sep line":                "sep=;\r\nid;disk_encrypted\r\nd1;true\r\nd2;false\r\n",
		"a sep line behind a mark":  "\ufeffsep=|\nid|disk_encrypted\nd1|true\nd2|false\n",
		"titles above":              "Device report\n\nid,disk_encrypted\nd1,true\nd2,false\n",
		"padded titles above":       "Devices,,,\nall sites,,,\nid,name,os,disk_encrypted\nd1,,,true\nd2,,,false\n",
		"empty rows at the end":     "id,disk_encrypted\nd1,true\nd2,false\n,\n , \n\n",
		"empty cells at the end":    "id,disk_encrypted\nd1,true,,\nd2,false,\n",
		"a heading with spaces":     "\u00a0Id\u00a0, Disk  Encrypted \nd1\u00a0,true\n\u200bd2,\u00a0false\n",
		"repeated unused headings":  "id,Label,disk_encrypted,Label\nd1,a,true,b\nd2,c,false,d\n",
		"unused in another case":    "id,Label,disk_encrypted,label\nd1,a,true,b\nd2,c,false,d\n",
		"line breaks in a cell":     "id,note,disk_encrypted\nd1,\"one\r\n\r\ntwo \"\"x\"\"\",true\nd2,,false\n",
		"carriage returns in one":   "id,note,disk_encrypted\rd1,\"one\rtwo\",true\rd2,,false\r",
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := taken(t, file.Config{Kind: "device"}, text)
			if err != nil || keys(got) != want || got[0].Attrs["disk_encrypted"] != true || got[1].Attrs["disk_encrypted"] != false {
				t.Errorf("%v %v", got, err)
			}
		})
	}
}

func TestACutOfTheBytesNeverChangesHowLinesEnd(t *testing.T) {
	row := strings.Repeat("x", 5000)
	for pad := range 12 { // so that a carriage return is the last byte of what is read at once
		text := "id,text\r1," + row[:4075+pad] + "\r2,b\r\n3,c\r\r4,d"
		if got := rows(t, file.Config{}, text); keys(got) != "1 2 3 4" {
			t.Errorf("%d: %s", pad, keys(got))
		}
	}
}

func TestRowsHaveTheNumbersOfASpreadsheet(t *testing.T) {
	r := faults(t, file.Config{}, "sep=,\nReport\n\nid,on\n\n1,perhaps\n,\n2,perhaps\n")
	if len(r.Faults) != 2 || r.Faults[0].Row != 6 || r.Faults[1].Row != 8 || r.Above != 1 || r.Blank != 1 {
		t.Errorf("%+v", r)
	}
}

func TestAMappedColumnThatIsThereTwiceIsAskedAbout(t *testing.T) {
	for _, c := range []struct {
		cfg  file.Config
		text string
		ok   bool
	}{
		{file.Config{Columns: map[string]string{"id": "id", "Text": "text"}}, "id,Text,Text\n1,a,b\n", false},
		{file.Config{Columns: map[string]string{"id": "id", "TEXT": "text"}}, "id,Text,text\n1,a,b\n", false},
		{file.Config{Columns: map[string]string{"id": "id", "Text": "text"}}, "id,Text,text\n1,a,b\n", true},
		{file.Config{Columns: map[string]string{"ID": "id", "text": "text"}}, "Id,TEXT\n1,a\n", true},
		{file.Config{}, "id,Text,text\n1,a,b\n", false},
	} {
		if r := faults(t, c.cfg, c.text); (r.Total == 0) != c.ok || !c.ok && r.Faults[0].Row != 1 {
			t.Errorf("%q: %+v", c.text, r)
		}
	}
}

func TestSpellingsOfOneKeyAreOneKey(t *testing.T) {
	for _, text := range []string{"id,text\njos\u00e9,a\njose\u0301,b\n", "id,text\nann@example.com,a\nAnn@Example.com ,b\n", "id,text\nk,a\n\u00a0k\u200b,b\n"} {
		if r := faults(t, file.Config{}, text); r.Total != 1 || !strings.Contains(r.Faults[0].Text, "is already in row 2") {
			t.Errorf("%q: %+v", text, r)
		}
	}
	if r := faults(t, file.Config{}, "id,text\n001aB,a\n001ab,b\n"); r.Total != 0 {
		t.Errorf("keys that differ in case are two: %+v", r)
	}
}

func TestWholeNumbersAreReadAsProgramsWriteThem(t *testing.T) {
	for text, want := range map[string]any{"10": int64(10), "10.0": int64(10), "1e2": int64(100), "-3.00": int64(-3), "-3.000": nil, "10.5": nil, "1,000": nil, "0x10": nil, "1/1": nil, "1e99": nil, "10.": nil} {
		_, report, err := taken(t, file.Config{Kind: "device"}, "id,lock_minutes\nd,\""+text+"\"\n")
		if got, _, _ := taken(t, file.Config{Kind: "device"}, "id,lock_minutes\nd,\""+text+"\"\n"); want != nil && (err != nil || got[0].Attrs["lock_minutes"] != want) || want == nil && report.Total != 1 {
			t.Errorf("%s: %v %v", text, report.Faults, err)
		}
	}
}

func TestWordsThatMeanNothingAreOfferedAndNeverApplied(t *testing.T) {
	cfg := file.Config{Kind: "idp.user"}
	text := "id,last_login_at,mfa_enrolled\nann,Never logged in,N/A\n"
	_, report, _ := taken(t, cfg, text)
	if report.Total != 2 || !strings.Contains(report.Faults[0].Text, `none_words to {"last_login_at": ["Never logged in"]}`) || !strings.Contains(report.Faults[1].Text, `unknown_words to {"mfa_enrolled": ["N/A"]}`) {
		t.Errorf("%v", report.Faults)
	}
	cfg.NoneWords = map[string]file.Words{"last_login_at": {"never logged in"}}
	cfg.Unknown = map[string]file.Words{"mfa_enrolled": {"n/a"}}
	got, _, err := taken(t, cfg, text)
	if err != nil {
		t.Fatal(err)
	}
	none, known := got[0].Attrs["last_login_at"]
	if _, guessed := got[0].Attrs["mfa_enrolled"]; !known || none != nil || guessed || got[0].Why["mfa_enrolled"] != `the cell says "N/A"` {
		t.Errorf("%v", got)
	}
	all, _ := declared()
	if _, err := file.New(file.Config{Kind: "idp.user", Format: "csv", NoneWords: map[string]file.Words{"mfa_enrolled": {"N/A"}}}, all, lines("")); err == nil || !strings.Contains(err.Error(), "mfa_enrolled is true or false") {
		t.Errorf("a word for no boolean: %v", err)
	}
	_, report, err = taken(t, file.Config{Kind: "device"}, "id,owner_ref\nd,N/A\n")
	if err != nil || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], `owner_ref holds the word "N/A"`) {
		t.Errorf("%v %v", report.Notes, err)
	}
}

func TestAFilterKeepsOrLeavesOutRowsAndCountsThem(t *testing.T) {
	findings := "FINDING;STATUS;SEVERITY\nf1;FAIL;critical\nf2;PASS;low\nf3;fail;high\n"
	cfg := file.Config{Kind: "vuln.finding", Columns: map[string]string{"FINDING": "id", "SEVERITY": "severity"}, Only: map[string]file.Words{"STATUS": {"FAIL"}}}
	got, report, err := taken(t, cfg, findings)
	if err != nil || keys(got) != "f1 f3" || report.Filtered != 1 || report.Rows != 3 {
		t.Errorf("%v %+v %v", got, report, err)
	}
	_, report, _ = taken(t, cfg, findings+"f4;;low\n")
	if report.Total != 1 || report.Faults[0].Row != 5 || report.Faults[0].Column != "STATUS" {
		t.Errorf("a row that the filter cannot judge: %v", report.Faults)
	}
	cfg.Only = map[string]file.Words{"STATE": {"FAIL"}}
	if _, report, _ = taken(t, cfg, findings); report.Total != 1 || report.Faults[0].Column != "STATE" {
		t.Errorf("a filter on a column that is not there: %v", report.Faults)
	}
	users := "user,password_enabled,mfa_active,password_last_used\n<root_account>,not_supported,false,2022-08-26T15:26:38+00:00\ncli,false,true,N/A\nweb,true,true,no_information\n"
	got, _, err = taken(t, file.Config{Kind: "cloud.user", Columns: map[string]string{"user": "id", "password_enabled": "console", "mfa_active": "mfa", "password_last_used": "last_used_at"},
		Except: map[string]file.Words{"user": {"<root_account>"}}, NoneWords: map[string]file.Words{"last_used_at": {"N/A", "no_information"}}}, users)
	if err != nil || keys(got) != "cli web" || got[1].Attrs["console"] != true || got[1].Attrs["last_used_at"] != nil {
		t.Errorf("%v %v", got, err)
	}
}

func TestASumIsRefusedByNameUntilItIsLeftOut(t *testing.T) {
	text := "id,name,disk_encrypted\nd1,laptop,true\nTotal,1,\n"
	_, report, _ := taken(t, file.Config{Kind: "device"}, text)
	if report.Total != 1 || report.Faults[0].Row != 3 || !strings.Contains(report.Faults[0].Text, `"Total" is a sum`) {
		t.Errorf("%v", report.Faults)
	}
	got, _, err := taken(t, file.Config{Kind: "device", Except: map[string]file.Words{"id": {"total"}}}, text)
	if err != nil || keys(got) != "d1" {
		t.Errorf("%v %v", got, err)
	}
}

func TestIgnoredColumnsAreNamedByTheRun(t *testing.T) {
	all, _ := declared()
	s, err := file.New(file.Config{Kind: "device", Format: "csv"}, all, lines("id,Disk Encryption,active\nd1,yes,true\n,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := sourcetest.Take(t.Context(), s)
	if want := []string{"Ignored columns: Disk Encryption.", "Empty rows skipped: 1."}; !reflect.DeepEqual(got.Manifest.Notes, want) {
		t.Errorf("%q", got.Manifest.Notes)
	}
}

func TestARowWithoutAKeyIsToldByItsName(t *testing.T) {
	if r := faults(t, file.Config{}, "id,name\n,laptop-1\n"); r.Total != 1 || !strings.Contains(r.Faults[0].Text, `"laptop-1" has no key`) {
		t.Errorf("%v", r.Faults)
	}
	if r := faults(t, file.Config{Key: []string{"id"}}, "id,name\n,laptop-1\n"); r.Total != 1 || !strings.Contains(r.Faults[0].Text, `the key of "laptop-1" is empty`) {
		t.Errorf("%v", r.Faults)
	}
}

func TestTwoRowsOfOnePersonAreAskedAbout(t *testing.T) {
	text := "No,Mail,Status,Start,End\n1,ann@example.com,active,2023-03-06,\n10,re.hired@example.com,terminated,2020-01-06,2023-06-01\n11, Re.Hired@example.com,active,2025-02-03,\n"
	cfg := file.Config{Kind: "person", Columns: map[string]string{"No": "id", "Mail": "email", "Status": "status", "Start": "start_on", "End": "end_on"}, NoneEmpty: []string{"end_on"}}
	_, report, _ := taken(t, cfg, text)
	if report.Total != 1 || report.Faults[0].Row != 4 || !strings.Contains(report.Faults[0].Text, "is already in row 3") {
		t.Errorf("%v", report.Faults)
	}
	cfg.LatestBy = "Start"
	got, report, err := taken(t, cfg, text)
	if err != nil || keys(got) != "1 11" || report.Filtered != 1 {
		t.Errorf("%v %+v %v", got, report, err)
	}
	for _, bad := range []string{"12,re.hired@example.com,active,2025-02-03,\n", "12,re.hired@example.com,active,,\n"} {
		if _, report, _ = taken(t, cfg, text+bad); report.Total == 0 || report.Faults[0].Column != "Start" {
			t.Errorf("%s: %v", bad, report.Faults)
		}
	}
	cfg.LatestBy, cfg.Shared = "", []string{"email"}
	if got, _, err = taken(t, cfg, text); err != nil || len(got) != 3 {
		t.Errorf("%v %v", got, err)
	}
}

func TestAListInsideAnObjectIsReadByItsPath(t *testing.T) {
	for _, c := range []struct{ list, text, want string }{
		{"", `{"@odata.context":"x","value":[{"id":"d1"},{"id":"d2"}],"@odata.count":2,"next":null}`, ""},
		{"value", `{"errors":[],"value":[{"id":"d1"},{"id":"d2"}]}`, "failed"},
		{"value", `{"meta":{"value":[1]},"value":[{"id":"d1"},{"id":"d2"}],"other":[3]}`, ""},
		{"data.hosts", `{"data":{"total":2,"hosts":[{"id":"d1"},{"id":"d2"}]},"hosts":[]}`, ""},
		{"", `{"Users":[{"id":"d1"}],"Groups":[]}`, "more than one list (Users, Groups)"},
		{"", `{"value":[{"id":"d1"}],"@odata.nextLink":"https://example.com/2"}`, "one page of several"},
		{"", `{"error":{"code":401},"value":[]}`, "a request that failed"},
		{"", `{"data":{"hosts":[{"id":"d1"}]}}`, "list must say where"},
		{"value", `[{"id":"d1"}]`, "is a list itself"},
		{"data.users", `{"data":{"hosts":[]}}`, "no list at data.users"},
		{"value", `{"value":[{"id":"d1"}]`, "ends in the middle"},
		{"value", `{"value":[{"id":"d1"}]} x`, "after the end"},
		{"value", `{"value":["d1"]}`, "not an object"},
	} {
		got, report, err := taken(t, file.Config{Kind: "device", Format: "json", List: c.list}, c.text)
		if c.want == "" && (err != nil || keys(got) != "d1 d2") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v %v %v", c.text, got, report.Faults, err)
		}
	}
}

// workbook makes one of lines whose cells are separated by commas. A cell that reads as a number is one.
func workbook(t testing.TB, lines []string, more ...string) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	sheet := "Sheet1"
	for i, line := range lines {
		for j, cell := range strings.Split(line, ",") {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				break
			}
			var v any = cell
			var n float64
			if k, _ := fmt.Sscanf(cell, "%f", &n); k == 1 && fmt.Sprint(n) == cell {
				v = n
			}
			if err := f.SetCellValue(sheet, at, v); err != nil {
				break
			}
		}
	}
	for _, name := range more {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		_ = f.SetSheetRow(name, "A1", &[]string{"id", "disk_encrypted"})
		_ = f.SetSheetRow(name, "A2", &[]any{"of " + name, true})
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAWorkbookIsReadLikeAFileOfItsCells(t *testing.T) {
	text := workbook(t, []string{"Devices", "", "id,name,disk_encrypted,lock_minutes,last_seen_at", "d1,laptop,TRUE,10,45017.5", ",,,,", "7,other,FALSE,15,45018"}, "Notes")
	got, report, err := taken(t, file.Config{Kind: "device", Format: "xlsx"}, text)
	if err != nil || keys(got) != "d1 7" || got[0].Attrs["last_seen_at"] != "2023-04-01T12:00:00.000Z" || got[0].Attrs["lock_minutes"] != int64(10) || got[1].Attrs["disk_encrypted"] != false {
		t.Fatalf("%v %v", got, err)
	}
	if report.Above != 1 || report.Blank != 1 || !strings.Contains(strings.Join(report.Notes, " "), "Sheets that were not read: Notes.") {
		t.Errorf("%+v", report)
	}
	got, _, err = taken(t, file.Config{Kind: "device", Format: "xlsx", Sheet: "notes"}, text)
	if err != nil || keys(got) != "of Notes" || got[0].Attrs["disk_encrypted"] != true {
		t.Errorf("%v %v", got, err)
	}
	if _, _, err = taken(t, file.Config{Kind: "device", Format: "xlsx", Sheet: "none"}, text); err == nil || !strings.Contains(err.Error(), "Sheet1, Notes") {
		t.Errorf("%v", err)
	}
	if _, report, _ = taken(t, file.Config{Kind: "device", Format: "xlsx"}, workbook(t, []string{"id,lock_minutes", "d1,#REF!"})); report.Total != 1 || report.Faults[0].Row != 2 {
		t.Errorf("%v", report.Faults)
	}
}

func TestAHostileWorkbookIsRefused(t *testing.T) {
	bomb := func(parts int, size int64) string {
		var b bytes.Buffer
		block := make([]byte, 1<<20)
		z := zip.NewWriter(&b)
		for i := range parts {
			w, _ := z.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", i))
			for n := int64(0); n < size; n += int64(len(block)) {
				_, _ = w.Write(block[:min(int64(len(block)), size-n)])
			}
		}
		_ = z.Close()
		return b.String()
	}
	good := workbook(t, []string{"id", "d1"})
	for name, text := range map[string]string{
		"a bomb": bomb(2, 130<<20), "many parts": bomb(3000, 1), "nothing in it": bomb(0, 0), "cut short": good[:len(good)/2], "a text": "id\nd1\n", "empty": "",
		"an old workbook": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600), "another archive": bomb(1, 10),
	} {
		if got, report, err := taken(t, file.Config{Kind: "device", Format: "xlsx"}, text); err == nil || len(got) > 0 || report.Total != 1 {
			t.Errorf("%s: %v %v", name, report.Faults, err)
		}
	}
}

func TestANameThatStandsTwiceInJSONIsRefusedHoweverItIsWritten(t *testing.T) {
	for _, text := range []string{
		`[{"id":"d1","a":{"b":true},"a.b":false}]`,
		`[{"id":"d1","a.b":false,"a":{"b":true}}]`,
		`[{"id":"d1","a":{"b":{"c":1},"b.c":2}}]`,
		`[{"id":"d1","a":{"b.c":1},"a.b":{"c":2}}]`,
		`[{"id":"d1","a":1,"a":2}]`,
		`[{"id":"d1","a":1,"\u0061":2}]`,
		`[{"id":"d1","x":{"a":1,"a":1}}]`,
		`[{"id":"d1","x":[{"a":1,"a":1}]}]`,
		`{"a":1,"value":[{"id":"d1"}],"a":2}`,
		`{"value":{"id":"d1"},"value":[{"id":"d1"}]}`,
		`{"value":[{"id":"d1"}],"value":{"id":"d1"}}`,
	} {
		for range 5 {
			got, report, err := taken(t, file.Config{Kind: "device", Format: "json"}, text)
			if err == nil || !strings.Contains(err.Error(), "stands twice") {
				t.Fatalf("%s: %v %v %v", text, got, report.Faults, err)
			}
		}
	}
	got, _, err := taken(t, file.Config{Kind: "device", Format: "json", Columns: map[string]string{"id": "id", "a.b": "disk_encrypted"}}, `[{"id":"d1","a":{"b":true}},{"id":"d2","a.b":false},{"id":"d3","a":{"c":{}}}]`)
	if err != nil || keys(got) != "d1 d2 d3" || got[0].Attrs["disk_encrypted"] != true || got[1].Attrs["disk_encrypted"] != false {
		t.Errorf("%v %v", got, err)
	}
}
