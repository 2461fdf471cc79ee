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
	`{"id":"1"}` + "\n" + `{"id":"2"}`, `[{"id":"1"},`, `[[[[`, `[{"id":1e400}]`, `[{"id":"1","count":1e2}]`, "\ufeff[]",
}

// fuzz checks, for any bytes: no panic; the same verdict twice; a run is complete or hands over
// nothing; what is handed over keeps to its declarations.
func fuzz(f *testing.F, format string) {
	all, _ := kinds()
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := source(t, file.Config{Format: format, Dates: []string{"DD/MM/YYYY"}}, text)
		got, again := sourcetest.Take(t.Context(), s), sourcetest.Take(t.Context(), s)
		if (got.Err == nil) != (again.Err == nil) || len(got.Resources()) != len(again.Resources()) {
			t.Fatal("two readings differ")
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
	})
}

func FuzzCSV(f *testing.F)       { fuzz(f, "csv") }
func FuzzJSON(f *testing.F)      { fuzz(f, "json") }
func FuzzJSONLines(f *testing.F) { fuzz(f, "jsonl") }
