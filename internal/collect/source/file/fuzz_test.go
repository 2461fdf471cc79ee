// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"strings"
	"testing"

	"assay/internal/collect/source/file"
	"assay/internal/collect/source/sourcetest"
)

var seeds = []string{
	"", "id\n", "id,text,on,count,at,list,ports\n1,a,true,2,2026-01-31,x;y,1;2\n", "\ufeffid\r\n1\r\n", "id,text\n1,\"a\nb\"\n",
	"id,text\n1,a\"b\n", "id;text\n", "id,text\n1,=1+1\n", "\xff\xfe", "id,\xff\n", ",\n,\n", "id,at\n1,0000-00-00\n",
	`[{"id":"1","text":"x","on":true,"count":2,"list":["a"],"ports":[1]}]`, `[]`, `[{}]`, `[{"id":{"a":1}}]`, `[{"id":"\ud800"}]`,
	"id,text\r1,a\r2,b\r", "sep=;\r\nid;text\r\n1;a\r\n", "Report\n\nid,text\n1,a\n,\nTotal,2\n", "id,at,at2\n1,3/6/2023,\n2,13/6/2023,\n", "id,text,text\n1,a,b\n", "id,at\n1,45017\n2,1/2/26 9:41 PM\n",
	"id,text\n1,skip\n2,keep\n", "\u00a0id\u00a0,text\ncafe\u0301,x\ncafé,y\n", `{"value":[{"id":"1"}],"next":"x"}`, `{"a":[{"id":"1"}],"b":[]}`, `{"a":{"b":[{"id":"1","count":10.0}]}}`,
	`{"id":"1"}` + "\n" + `{"id":"2"}`, `[{"id":"1"},`, `[[[[`, `[{"id":1e400}]`, `[{"id":"1","count":1e2}]`, "\ufeff[]",
}

// fuzz checks, for any bytes: no panic; the same verdict twice; every row is read, refused or filtered; a run is complete or hands over
// nothing; what is handed over keeps to its declarations.
func fuzz(f *testing.F, format string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { holds(t, format, text) })
}

func holds(t *testing.T, format, text string) {
	t.Helper()
	all, _ := kinds()
	s := source(t, file.Config{Format: format, Except: map[string]file.Words{"text": {"skip"}}}, text)
	report, err := s.Check(t.Context())
	if err == nil && report.Read+report.Refused+report.Filtered != report.Rows {
		t.Fatalf("%d read, %d refused and %d filtered are not the %d rows of the file", report.Read, report.Refused, report.Filtered, report.Rows)
	}
	got, again := sourcetest.Take(t.Context(), s), sourcetest.Take(t.Context(), s)
	if (got.Err == nil) != (again.Err == nil) || len(got.Resources()) != len(again.Resources()) {
		t.Fatal("two readings differ")
	}
	if whole := err == nil && report.Total == 0; whole != got.Manifest.Complete || whole && (report.Refused > 0 || report.Read != len(got.Resources())) {
		t.Fatalf("complete %v with %+v and %d resources", got.Manifest.Complete, report, len(got.Resources()))
	}
	if got.Err != nil {
		if len(got.Pages) > 0 || got.Manifest.Complete {
			t.Fatalf("half imported: %v", got.Err)
		}
		return
	}
	if err := sourcetest.Judge(all, s.Describe(), got); err != nil {
		t.Fatal(err)
	}
	raw := 0
	for _, p := range got.Pages {
		raw += len(p.Raw)
	}
	if raw > len(text) {
		t.Fatalf("%d raw bytes of %d", raw, len(text))
	}
	for _, r := range got.Resources() {
		if strings.TrimSpace(r.Key) == "" {
			t.Fatal("an empty key")
		}
	}
}

// Every byte of a workbook is one of a zip archive, so that what is fuzzed are the cells of a sheet.
func FuzzXLSX(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data := workbook(t, strings.Split(text, "\n"))
		s := source(t, file.Config{Format: "xlsx"}, data)
		report, err := s.Check(t.Context())
		got := sourcetest.Take(t.Context(), s)
		if err != nil || report.Read+report.Refused+report.Filtered != report.Rows || (report.Total == 0) != got.Manifest.Complete {
			t.Fatalf("%v: %+v, complete %v", err, report, got.Manifest.Complete)
		}
	})
}

func FuzzCSV(f *testing.F)       { fuzz(f, "csv") }
func FuzzJSON(f *testing.F)      { fuzz(f, "json") }
func FuzzJSONLines(f *testing.F) { fuzz(f, "jsonl") }
