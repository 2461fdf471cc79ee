// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"assay/internal/collect/source/file"

	"github.com/xuri/excelize/v2"
)

// wide writes a text as programs write "Unicode text".
func wide(s string, order binary.ByteOrder) string {
	var b bytes.Buffer
	for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
		_ = binary.Write(&b, order, u)
	}
	return b.String()
}

// book makes a workbook with a sheet of devices, changed by fn.
func book(t testing.TB, fn func(f *excelize.File) error) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for at, row := range map[string][]any{"A1": {"id", "name", "disk_encrypted", "lock_minutes", "last_seen_at"}, "A2": {"d1", "laptop", true, 10, 45017.5}, "A3": {"d2", "other", false, 15, 45018}} {
		if err := f.SetSheetRow("Sheet1", at, &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := fn(f); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Oddities of real files. Each is imported as it was meant, asked about, or refused in words that name the place and what
// to do; it is never read as something else.
func TestAnOddFileIsReadRightAskedAboutOrRefused(t *testing.T) {
	table := "id,name,disk_encrypted,lock_minutes\n"
	yes := true
	for name, c := range map[string]struct {
		cfg   file.Config
		text  string
		keys  string         // where it is imported
		attrs map[string]any // of the first resource
		says  string         // where it is not: the error; else a note
	}{
		"unicode text of Excel, little-endian with tabs":            {file.Config{}, wide("id\tname\tdisk_encrypted\r\nd1\tJosé 😀\ttrue\r\n", binary.LittleEndian), "d1", map[string]any{"disk_encrypted": true}, ""},
		"unicode text, big-endian":                                  {file.Config{}, wide("id,name,disk_encrypted\nd1,x,true\n", binary.BigEndian), "d1", nil, ""},
		"unicode text cut in a character":                           {file.Config{}, wide("id,name\nd1,😀\n", binary.LittleEndian)[:23], "", nil, "UTF-16"},
		"wide JSON":                                                 {file.Config{Format: "json"}, wide(`[{"id":"d1"}]`, binary.LittleEndian), "d1", nil, ""},
		"wide without a mark":                                       {file.Config{}, wide(table+"d1,x,true,1\n", binary.LittleEndian)[2:], "", nil, "NUL"},
		"Windows-1252":                                              {file.Config{}, table + "d1,Jos\xe9,true,10\n", "", nil, "row 2, column name: it is not UTF-8"},
		"semicolons and decimal commas":                             {file.Config{}, "id;disk_encrypted;lock_minutes\nd1;true;10,0\n", "", nil, `row 2, column lock_minutes: "10,0" is not a whole number`},
		"thousands with commas":                                     {file.Config{}, table + "d1,x,true,\"1,000\"\n", "", nil, "without separators"},
		"thousands with points":                                     {file.Config{}, table + "d1,x,true,1.000\n", "", nil, "without separators"},
		"thousands with spaces":                                     {file.Config{}, table + "d1,x,true,1 000\n", "", nil, "without separators"},
		"thousands with apostrophes":                                {file.Config{}, table + "d1,x,true,1'000\n", "", nil, "without separators"},
		"a number of JSON has one meaning":                          {file.Config{Format: "json"}, `[{"id":"d1","lock_minutes":1.000}]`, "d1", map[string]any{"lock_minutes": int64(1)}, ""},
		"line breaks in quotes":                                     {file.Config{}, table + "d1,\"a\r\nb\",true,10\n", "d1", nil, ""},
		"a heading with a line break":                               {file.Config{Columns: map[string]string{"Serial No": "id", "Disk encrypted": "disk_encrypted"}}, "\"Serial\nNo\",\"Disk\r\nencrypted\"\nd1,yes\n", "d1", map[string]any{"disk_encrypted": true}, ""},
		"booleans in French":                                        {file.Config{}, table + "d1,x,VRAI,10\n", "", nil, "true_words"},
		"booleans in German, said":                                  {file.Config{TrueWords: []string{"Ja"}, FalseWords: []string{"Nein"}}, table + "d1,x,ja,10\nd2,y,NEIN,10\n", "d1 d2", map[string]any{"disk_encrypted": true}, ""},
		"booleans of Google Sheets":                                 {file.Config{}, table + "d1,x,TRUE,10\n", "d1", map[string]any{"disk_encrypted": true}, ""},
		"an apostrophe before a number":                             {file.Config{}, table + "'0007,x,true,10\n", "", nil, "begins with an apostrophe"},
		"an apostrophe before a formula":                            {file.Config{}, table + "d1,'=x,true,10\n", "", nil, "begins with an apostrophe"},
		"a name that begins with an apostrophe":                     {file.Config{}, table + "d1,'t Hooft,true,10\n", "d1", nil, ""},
		"an identifier that a spreadsheet shortened":                {file.Config{}, table + "1.23457E+11,x,true,10\n", "", nil, "scientific notation"},
		"an identifier in scientific notation, with all its digits": {file.Config{}, table + "1.23456789012E+11,x,true,10\n", "123456789012", nil, ""},
		"an identifier in letters that look like it":                {file.Config{}, table + "7e10,x,true,10\n1E5,y,true,10\n", "7e10 1E5", nil, ""},
		"marks of the direction of writing":                         {file.Config{}, table + "\u200ed1\u200f,x,\u202atrue\u202c,10\n", "d1", map[string]any{"disk_encrypted": true}, ""},
		"a table name above, as Numbers writes":                     {file.Config{}, "Table 1,,,\n" + table + "d1,x,true,10\n", "d1", nil, ""},
		"a separator at the end of every line":                      {file.Config{}, "id,disk_encrypted,\nd1,true,\n", "d1", map[string]any{"disk_encrypted": true}, ""},
		"HTML renamed":                                              {file.Config{}, "<html><table><tr><td>id</td></tr></table></html>", "", nil, "web page"},
		"XML of an old Excel":                                       {file.Config{}, "\ufeff<?xml version=\"1.0\"?><Workbook/>", "", nil, "XML"},
		"a compressed file":                                         {file.Config{}, "\x1f\x8b\x08\x00\x00", "", nil, "compressed"},
		"a PDF":                                                     {file.Config{}, "%PDF-1.7\n", "", nil, "PDF"},
		"an old workbook renamed":                                   {file.Config{}, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "", nil, "old or a protected workbook"},
		"a workbook renamed CSV":                                    {file.Config{}, "PK\x03\x04\x00", "", nil, "set format to xlsx"},
		"CSV renamed XLSX":                                          {file.Config{Format: "xlsx"}, table, "", nil, "no XLSX workbook"},
		"an OLE file as XLSX":                                       {file.Config{Format: "xlsx"}, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "", nil, "without a password"},
		"1,001 columns":                                             {file.Config{}, "id" + strings.Repeat(",x", 1000) + "\n", "", nil, "at most 1000"},
		"lines of JSON named JSON":                                  {file.Config{Format: "json"}, "{\"id\":\"d1\"}\n{\"id\":\"d2\"}\n", "", nil, "jsonl"},
		"JSON with a byte-order mark":                               {file.Config{Format: "json"}, "\ufeff[{\"id\":\"d1\"}]", "d1", nil, ""},
		"lines of JSON with a mark and empty lines":                 {file.Config{Format: "jsonl"}, "\ufeff{\"id\":\"d1\"}\n\n{\"id\":\"d2\"}\n", "d1 d2", nil, ""},
		"NaN":                                    {file.Config{Format: "json"}, `[{"id":"d1","lock_minutes":NaN}]`, "", nil, "not JSON"},
		"a number too large":                     {file.Config{Format: "json"}, `[{"id":"d1","lock_minutes":1e400}]`, "", nil, "not a whole number"},
		"a large number as identifier":           {file.Config{Format: "json"}, `[{"id":12345678901234567890}]`, "12345678901234567890", nil, ""},
		"the page of an API":                     {file.Config{Format: "json"}, `{"results":{"data":[{"id":"d1"}],"pageInfo":{"hasNextPage":true}}}`, "", nil, "one page of several"},
		"fewer rows than it says":                {file.Config{Format: "json"}, `{"total":120,"data":[{"id":"d1"}]}`, "", nil, "total says 120"},
		"a month in another language":            {file.Config{}, "id,last_seen_at\nd1,13. März 2026\n", "", nil, "is not a date"},
		"a time zone by its letters":             {file.Config{}, "id,last_seen_at\nd1,2026-01-31 10:00 PST\n", "", nil, "is not a date"},
		"day and month, asked":                   {file.Config{}, "id,last_seen_at\nd1,3/6/2026\n", "", nil, "Set day_first"},
		"day and month, said":                    {file.Config{DayFirst: &yes}, "id,last_seen_at\nd1,3/6/2026\n", "d1", map[string]any{"last_seen_at": "2026-06-03T00:00:00.000Z"}, ""},
		"a quote that is escaped by a backslash": {file.Config{}, "id,name\nd1,\"a \\\"b\\\"\"\n", "", nil, "a quote stands"},
		"an unquoted comma":                      {file.Config{}, "id,name\nd1,Doe, Jo\n", "", nil, "it has 3 cells, and the heading has 2"},
		"an error of a spreadsheet":              {file.Config{}, table + "d1,#N/A,true,10\n", "", nil, "#N/A"},
	} {
		t.Run(name, func(t *testing.T) { c.cfg.Kind = "device"; odd(t, c.cfg, c.text, c.keys, c.attrs, c.says) })
	}
}

func odd(t *testing.T, cfg file.Config, text, want string, attrs map[string]any, says string) {
	t.Helper()
	got, report, err := taken(t, cfg, text)
	if want == "" {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, %v", got, err)
		}
		return
	}
	if err != nil || keys(got) != want {
		t.Fatalf("got %v, %v", got, err)
	}
	for a, v := range attrs {
		if got[0].Attrs[a] != v {
			t.Errorf("%s is %v, want %v", a, got[0].Attrs[a], v)
		}
	}
	if says != "" && !strings.Contains(strings.Join(report.Notes, " "), says) {
		t.Errorf("the notes do not say %q: %q", says, report.Notes)
	}
}

func TestAnOddWorkbookIsReadRightAskedAboutOrRefused(t *testing.T) {
	none := func(*excelize.File) error { return nil }
	since := true
	for name, c := range map[string]struct {
		fn    func(f *excelize.File) error
		cfg   file.Config
		keys  string
		attrs map[string]any
		says  string
	}{
		"plain": {none, file.Config{}, "d1 d2", map[string]any{"last_seen_at": "2023-04-01T12:00:00.000Z"}, ""},
		"days since 1904": {func(f *excelize.File) error {
			row := []any{43555.5}
			if err := f.SetSheetRow("Sheet1", "E2", &row); err != nil {
				return err
			}
			if err := f.RemoveRow("Sheet1", 3); err != nil {
				return err
			}
			return f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &since})
		}, file.Config{}, "d1", map[string]any{"last_seen_at": "2023-04-01T12:00:00.000Z"}, ""},
		"a formula whose result is kept": {func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "C3", "NOT(C2)") }, file.Config{}, "d1 d2", nil, ""},
		"a formula without its result": {func(f *excelize.File) error {
			if err := f.SetCellValue("Sheet1", "C3", nil); err != nil {
				return err
			}
			return f.SetCellFormula("Sheet1", "C3", "NOT(C2)")
		}, file.Config{}, "", nil, "C3"},
		"merged rows":         {func(f *excelize.File) error { return f.MergeCell("Sheet1", "B2", "B3") }, file.Config{}, "", nil, "B2:B3"},
		"merged titles above": {merged, file.Config{}, "d1 d2", nil, ""},
		"a hidden sheet first": {func(f *excelize.File) error {
			if _, err := f.NewSheet("Devices"); err != nil {
				return err
			}
			f.SetActiveSheet(1)
			for at, row := range map[string][]any{"A1": {"id", "disk_encrypted"}, "A2": {"seen", true}} {
				if err := f.SetSheetRow("Devices", at, &row); err != nil {
					return err
				}
			}
			return f.SetSheetVisible("Sheet1", false)
		}, file.Config{}, "seen", nil, "Sheets that were not read: Sheet1"},
		"a hidden sheet that is named": {func(f *excelize.File) error {
			if _, err := f.NewSheet("Other"); err != nil {
				return err
			}
			f.SetActiveSheet(1)
			return f.SetSheetVisible("Sheet1", false)
		}, file.Config{Sheet: "Sheet1"}, "d1 d2", nil, ""},
		"hidden rows are read and told": {func(f *excelize.File) error { return f.SetRowVisible("Sheet1", 3, false) }, file.Config{}, "d1 d2", nil, "Hidden rows that were read too: 1"},
		"an error in a cell":            {func(f *excelize.File) error { return f.SetCellValue("Sheet1", "C3", "#N/A") }, file.Config{}, "", nil, "row 3, column disk_encrypted"},
		"a long number as identifier":   {func(f *excelize.File) error { return f.SetCellValue("Sheet1", "A2", 123456789012) }, file.Config{}, "123456789012 d2", nil, ""},
		"16,384 touched columns": {func(f *excelize.File) error {
			for i := 1; i < 4; i++ {
				if err := f.SetCellValue("Sheet1", fmt.Sprintf("XFD%d", i), ""); err != nil {
					return err
				}
			}
			return nil
		}, file.Config{}, "d1 d2", nil, ""},
		"nothing in it": {func(f *excelize.File) error { return f.RemoveRow("Sheet1", 1) }, file.Config{Columns: map[string]string{"id": "id"}}, "", nil, "there is no such column"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Kind, c.cfg.Format = "device", "xlsx"
			odd(t, c.cfg, book(t, c.fn), c.keys, c.attrs, c.says)
		})
	}
	empty := excelize.NewFile()
	defer empty.Close()
	var b, locked bytes.Buffer
	if err := empty.Write(&b); err != nil {
		t.Fatal(err)
	}
	odd(t, file.Config{Kind: "device", Format: "xlsx"}, b.String(), "", nil, "the file is empty")
	if err := empty.Write(&locked, excelize.Options{Password: "of the test"}); err != nil {
		t.Fatal(err)
	}
	odd(t, file.Config{Kind: "device", Format: "xlsx"}, locked.String(), "", nil, "without a password")
}

// merged puts merged titles above the heading.
func merged(f *excelize.File) error {
	if err := f.InsertRows("Sheet1", 1, 2); err != nil {
		return err
	}
	if err := f.SetCellValue("Sheet1", "A1", "Devices"); err != nil {
		return err
	}
	return f.MergeCell("Sheet1", "A1", "E2")
}

func TestAFileOfAnotherProgramIsRefusedByItsEnding(t *testing.T) {
	all, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a.xls", "a.ODS", "a.numbers", "a.pdf", "a.zip", "a"} {
		_, err := file.New(file.Config{Path: path, Kind: "device"}, all, lines(""))
		if err == nil || !strings.HasPrefix(err.Error(), "format:") || path == "a.xls" && !strings.Contains(err.Error(), "old Excel") || path == "a.ODS" && !strings.Contains(err.Error(), "LibreOffice") || path == "a.numbers" && !strings.Contains(err.Error(), "Numbers") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
