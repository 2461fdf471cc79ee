// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"assay/internal/collect"
	"assay/internal/collect/source/file"
	"assay/internal/collect/source/schema"
	"assay/internal/collect/source/sourcetest"
	"assay/internal/errs"
)

func kinds() (schema.Schema, error) {
	k := schema.Kinds{}
	k.Add("person", true,
		schema.Attr{Name: "email", Type: "string"},
		schema.Attr{Name: "kind", Type: "string", Values: []string{"employee", "contractor"}},
		schema.Attr{Name: "status", Type: "string", Values: []string{"active", "leave", "terminated"}},
		schema.Attr{Name: "start_on", Type: "date"},
		schema.Attr{Name: "end_on", Type: "date"})
	k.Add("thing", false,
		schema.Attr{Name: "environment", Type: "string"},
		schema.Attr{Name: "text", Type: "string"},
		schema.Attr{Name: "on", Type: "bool"},
		schema.Attr{Name: "count", Type: "int"},
		schema.Attr{Name: "at", Type: "time"},
		schema.Attr{Name: "list", Type: "strings"},
		schema.Attr{Name: "ports", Type: "ints"})
	return k, nil
}

// source makes one over a text.
func source(t testing.TB, cfg file.Config, text string) *file.Source {
	t.Helper()
	all, _ := kinds()
	if cfg.Kind == "" {
		cfg.Kind = "thing"
	}
	if cfg.Format == "" {
		cfg.Format = "csv"
	}
	s, err := file.New(cfg, all, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rows(t *testing.T, cfg file.Config, text string) []collect.Resource {
	t.Helper()
	got := sourcetest.Take(t.Context(), source(t, cfg, text))
	if got.Err != nil || !got.Manifest.Complete {
		t.Fatalf("not complete: %v", got.Err)
	}
	return got.Resources()
}

// faults gives the report of a file, and sees to it that nothing of it is imported.
func faults(t *testing.T, cfg file.Config, text string) file.Report {
	t.Helper()
	s := source(t, cfg, text)
	report, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := sourcetest.Take(t.Context(), s)
	if report.Total > 0 && (got.Err == nil || got.Manifest.Complete || len(got.Pages) > 0 || !errors.Is(got.Err, errs.Invalid)) {
		t.Fatalf("a file in error: complete %v, %d pages, %v", got.Manifest.Complete, len(got.Pages), got.Err)
	}
	return report
}

func TestTheContractHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv")
	text := "\ufeffMail,Kind,Status,Start,End\r\nada@example.com,employee,Active,01.02.2024,\r\nben@example.com,Contractor,terminated,03.04.2023,05.06.2025\r\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sourcetest.Run(t, file.Connector(func() (schema.Schema, error) { return schema.Declared() }), map[string]any{
		"path": path, "kind": "person", "key": []string{"Mail"}, "date_formats": []string{"DD.MM.YYYY"}, "none_when_empty": []string{"end_on"},
		"columns": map[string]string{"Mail": "email", "Kind": "kind", "Status": "status", "Start": "start_on", "End": "end_on"}})
}

func TestEveryDeclaredKindCanBeImported(t *testing.T) {
	all, err := schema.Declared()
	if err != nil {
		t.Fatal(err)
	}
	sample := map[string]any{"bool": true, "int": 7, "string": "x", "time": "2026-01-31", "date": "2026-01-31", "strings": []string{"a", "b"}, "ints": []int{1}}
	for _, name := range all.Names() {
		kind, _ := all.Kind(name)
		if kind.Kept {
			continue // Assay's own: TestWhatAssayKeepsItselfIsRefusedByName
		}
		object := map[string]any{"id": "k1", "name": "One"}
		for attr, a := range kind.Attrs {
			object[attr] = sample[a.Type]
			if len(a.Values) > 0 {
				object[attr] = a.Values[0]
			}
			if attr == "email" {
				object[attr] = "x@example.com"
			}
		}
		line, _ := json.Marshal(object)
		s, err := file.New(file.Config{Kind: name, Format: "jsonl"}, all, func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(line))), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got := sourcetest.Take(t.Context(), s)
		if err := sourcetest.Judge(all, s.Describe(), got); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := len(got.Resources()[0].Attrs); n != len(kind.Attrs) {
			t.Errorf("%s: %d of %d attributes arrived", name, n, len(kind.Attrs))
		}
	}
}

func TestValuesAreReadAsTheyAreDeclared(t *testing.T) {
	got := rows(t, file.Config{Key: []string{"no"}, NoneEmpty: []string{"at"}, Constants: map[string]any{"environment": "production"}},
		"no,Text,On,Count,At,List,Ports\n"+
			"1,\" =HYPERLINK(\"\"x\"\") \",YES,-12,2026-01-31,a; b;;c,22;443\n"+
			"2,\"two\nlines, and \"\"quotes\"\"\",0,0,2026-01-31T10:00:00+02:00,,\n"+
			"3,,,,,,\n")
	want := []map[string]any{
		{"text": `=HYPERLINK("x")`, "on": true, "count": int64(-12), "at": "2026-01-31T00:00:00.000Z", "list": []string{"a", "b", "c"}, "ports": []int64{22, 443}},
		{"text": "two\nlines, and \"quotes\"", "on": false, "count": int64(0), "at": "2026-01-31T08:00:00.000Z"},
		{"at": nil},
	}
	for i, w := range want {
		w["environment"] = "production"
		if !reflect.DeepEqual(got[i].Attrs, w) {
			t.Errorf("row %d: %v, want %v", i+2, got[i].Attrs, w)
		}
	}
	if got[2].Why["on"] != "the cell is empty" {
		t.Errorf("an empty cell has the reason %q", got[2].Why["on"])
	}
}

func TestAStrayQuoteIsAFault(t *testing.T) {
	r := faults(t, file.Config{Key: []string{"id"}}, "id,text\n1,a \"b\" c\n")
	if r.Total != 1 || r.Faults[0].Row != 2 {
		t.Errorf("%+v", r)
	}
}

func TestJSONIsReadLikeCSV(t *testing.T) {
	list := `[{"id":1,"name":"One","text":"x","on":true,"count":5,"list":["a"],"more":{"deep":1}},
		{"id":"2","on":"no","count":"7","at":"2026-01-31T00:00:00Z","ports":[1,2],"list":"a;b"}, {"id":"3","on":null}]`
	lines := strings.NewReplacer("[{\"id\":1", "{\"id\":1", "}]", "}", "},", "}", "}, ", "}\n").Replace(list)
	for format, text := range map[string]string{"json": list, "jsonl": lines} {
		got := rows(t, file.Config{Format: format}, text)
		if len(got) != 3 || got[0].Key != "1" || got[0].Name != "One" || got[1].Attrs["count"] != int64(7) {
			t.Errorf("%s: %v", format, got)
		}
		if _, known := got[2].Attrs["on"]; known {
			t.Errorf("%s: null became known", format)
		}
	}
	deep := rows(t, file.Config{Format: "json", Columns: map[string]string{"a.b.c": "id", "a.t": "text"}}, `[{"a":{"b":{"c":"k"},"t":"v"}}]`)
	if deep[0].Key != "k" || deep[0].Attrs["text"] != "v" {
		t.Errorf("%v", deep)
	}
}

func TestFaultsNameRowAndColumn(t *testing.T) {
	text := "id,text,on,count,at\n" +
		"1,ok,maybe,1.5,31/01/26/1\n" +
		"2,ok,true\n" +
		",ok,true,1,2026-01-31\n" +
		"4,ok,true,1,2026-02-30\n" +
		"1,again,true,1,1066-10-14\n" +
		"6,bad\xff,true,9223372036854775808,2026-01-31\n"
	r := faults(t, file.Config{}, text)
	var got []string
	for _, f := range r.Faults {
		got = append(got, fmt.Sprintf("%d %s", f.Row, f.Column))
	}
	want := []string{"2 at", "2 count", "2 on", "3 ", "4 ", "5 at", "6 at", "6 ", "7 count", "7 text"}
	if !reflect.DeepEqual(got, want) || r.Rows != 6 {
		t.Errorf("got %v\nwant %v\n%v", got, want, r.Faults)
	}
	if msg := r.Err().Error(); !strings.Contains(msg, "10 faults") || !strings.Contains(msg, "row 2, column at") {
		t.Error(msg)
	}
}

func TestAllFaultsAreCountedAndSomeListed(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,on\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "%d,perhaps\n", i)
	}
	if r := faults(t, file.Config{}, b.String()); r.Total != 5000 || len(r.Faults) != file.MaxFaults {
		t.Errorf("%d faults, %d listed", r.Total, len(r.Faults))
	}
}

func TestAnAmbiguousDateIsNotGuessed(t *testing.T) {
	cfg := file.Config{Dates: []string{"DD/MM/YYYY", "MM/DD/YYYY"}}
	if r := faults(t, cfg, "id,at\n1,03/04/2026\n"); r.Total != 1 || !strings.Contains(r.Faults[0].Text, "can be read as") {
		t.Errorf("%+v", r)
	}
	if r := faults(t, cfg, "id,at\n1,03/03/2026\n2,31/01/2026\n"); r.Total != 0 {
		t.Errorf("%+v", r)
	}
}

func TestWordsAndValuesAreMapped(t *testing.T) {
	got := rows(t, file.Config{Kind: "person", Values: map[string]map[string]string{"status": {"Left": "terminated"}},
		Columns: map[string]string{"Mail": "id", "State": "status"}, Constants: map[string]any{"kind": "Employee"}},
		"Mail,State,Extra\na@example.com,Left,x\nb@example.com,ACTIVE,y\n")
	if got[0].Attrs["status"] != "terminated" || got[1].Attrs["status"] != "active" || got[0].Attrs["kind"] != "employee" {
		t.Errorf("%v", got)
	}
	if r := faults(t, file.Config{Kind: "person", Columns: map[string]string{"Mail": "id", "State": "status"}}, "Mail,State\na@example.com,Left\n"); r.Total != 1 {
		t.Errorf("%+v", r)
	}
}

// A list of types of data has only types that there are, in their spelling.
func TestTypesOfDataAreCheckedOneByOne(t *testing.T) {
	got, _, err := taken(t, file.Config{Kind: "cloud.bucket", Format: "csv"}, "id,data_types\nfiles,Health;personal\nempty,\n")
	if err != nil || !reflect.DeepEqual(got[0].Attrs["data_types"], []string{"health", "personal"}) {
		t.Errorf("read as %v: %v", got, err)
	}
	_, report, _ := taken(t, file.Config{Kind: "cloud.bucket", Format: "csv"}, "id,data_types\nfiles,health;gossip\n")
	if report.Total != 1 || !strings.Contains(report.Err().Error(), `"gossip" is none of intellectual_property, legal`) {
		t.Errorf("%+v: %v", report, report.Err())
	}
}

func TestAnEmptyFileOfAKindThatIsNeverEmptyIsAFault(t *testing.T) {
	for _, c := range []struct {
		cfg  file.Config
		text string
		ok   bool
	}{
		{file.Config{Kind: "person"}, "id,email\n", false},
		{file.Config{Kind: "person", Format: "json"}, "[]", false},
		{file.Config{Kind: "thing"}, "id,text\n", true},
		{file.Config{Kind: "thing", Format: "json"}, "[]", true},
		{file.Config{Kind: "thing"}, "", false},
		{file.Config{Kind: "thing", Format: "json"}, "", false},
		{file.Config{Kind: "thing", Format: "jsonl"}, "\n", false},
		{file.Config{Kind: "thing"}, "\ufeff", false},
	} {
		if r := faults(t, c.cfg, c.text); (r.Total == 0) != c.ok {
			t.Errorf("%s %q: %+v", c.cfg.Kind, c.text, r)
		}
	}
	n := 3
	if r := faults(t, file.Config{Rows: &n}, "id\n1\n2\n"); r.Total != 1 {
		t.Errorf("announced 3 of 2: %+v", r)
	}
}

func TestHostileFilesAreRefusedInBounds(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for name, c := range map[string]struct{ format, text string }{
		"ten million columns":   {"csv", strings.Repeat(",", 10_000_000) + "\n"},
		"ten million cells":     {"csv", "id,text\n" + strings.Repeat(",", 10_000_000) + "\n"},
		"a cell without end":    {"csv", "id,text\n1,\"" + strings.Repeat("x", 5_000_000)},
		"a long cell":           {"csv", "id,text\n1," + strings.Repeat("x", 100_000) + "\n"},
		"many columns":          {"csv", "id" + strings.Repeat(",x", 2000) + "\n"},
		"half of utf-16":        {"csv", "\xff\xfei\x00d"},
		"a spreadsheet":         {"csv", "PK\x03\x04whatever"},
		"nul":                   {"csv", "id,text\n1,a\x00b\n"},
		"twice in the heading":  {"csv", "id,text,text\n"},
		"a bad heading":         {"csv", "id,te\xffxt\n"},
		"two columns, one attr": {"csv", "id,text,Text\n1,a,b\n"},
		"deep":                  {"json", `[{"id":` + deep},
		"deep but whole":        {"json", `[{"id":"1","x":` + strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50) + "}]"},
		"cut short":             {"json", `[{"id":"1"},{"id":`},
		"no end":                {"json", `[{"id":"1"}`},
		"more after the end":    {"json", `[{"id":"1"}] {"id":"2"}`},
		"an object":             {"json", `{"id":"1"}`},
		"a list of texts":       {"json", `["a"]`},
		"a name twice":          {"json", `[{"id":"1","id":"2"}]`},
		"half a character":      {"json", `[{"id":"1","text":"\ud800"}]`},
		"not utf-8":             {"json", "[{\"id\":\"1\",\"text\":\"\xff\"}]"},
		"a huge string":         {"json", `[{"id":"1","text":"` + strings.Repeat("x", 5_000_000) + `"}]`},
		"a page of html":        {"json", "<html><title>Sign in</title></html>"},
		"html as csv":           {"csv", "<html>\n<title>Sign in</title>\n</html>\n"},
		"a wrong type":          {"json", `[{"id":"1","on":3}]`},
		"an object for a text":  {"json", `[{"id":"1","text":["a"]}]`},
		"a fraction":            {"json", `[{"id":"1","count":1.5}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got := sourcetest.Take(t.Context(), source(t, file.Config{Format: c.format}, c.text))
			if got.Err == nil || got.Manifest.Complete || len(got.Pages) > 0 {
				t.Errorf("complete %v, %d pages", got.Manifest.Complete, len(got.Pages))
			}
			if p := errs.Public(got.Err); p.Code != errs.Invalid || len(p.Text) > 500 {
				t.Errorf("%s (%d characters)", p.Code, len(p.Text))
			}
		})
	}
}

func TestAColumnThatIsNotThereIsAFault(t *testing.T) {
	for format, text := range map[string]string{"csv": "id,other\n1,x\n", "json": `[{"id":"1","other":"x"}]`} {
		r := faults(t, file.Config{Format: format, Columns: map[string]string{"id": "id", "Remark": "text"}}, text)
		if r.Total != 1 || r.Faults[0].Column != "Remark" {
			t.Errorf("%+v", r)
		}
	}
}

func TestABadMappingIsRefusedByField(t *testing.T) {
	all, _ := kinds()
	for field, cfg := range map[string]file.Config{
		"kind":            {Kind: "nothing", Format: "csv"},
		"format":          {Kind: "thing"},
		"columns":         {Kind: "thing", Format: "csv", Columns: map[string]string{"x": "nothing"}},
		"constants":       {Kind: "thing", Format: "csv", Constants: map[string]any{"on": "perhaps"}},
		"date_formats":    {Kind: "thing", Format: "csv", Dates: []string{"DD.MM"}},
		"delimiter":       {Kind: "thing", Format: "csv", Delimiter: "ab"},
		"true_words":      {Kind: "thing", Format: "csv", TrueWords: []string{"no"}},
		"none_when_empty": {Kind: "thing", Format: "csv", NoneEmpty: []string{"x"}},
		"values":          {Kind: "thing", Format: "csv", Values: map[string]map[string]string{"x": {}}},
	} {
		_, err := file.New(cfg, all, nil)
		if errs.Public(err).Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestThePagesKeepEveryByteOfTheFile(t *testing.T) {
	text := "\ufeffid,text\r\n1,\"a\r\nb\"\r\n"
	for i := range 1500 {
		text += fmt.Sprintf("k%d,x\r\n", i)
	}
	got := sourcetest.Take(t.Context(), source(t, file.Config{}, text))
	var raw strings.Builder
	for _, p := range got.Pages {
		raw.Write(p.Raw)
	}
	if raw.String() != text || len(got.Pages) != 4 {
		t.Errorf("%d pages, %d of %d bytes", len(got.Pages), raw.Len(), len(text))
	}
}

func TestAFileThatChangesWhileItIsReadIsNotComplete(t *testing.T) {
	all, _ := kinds()
	n := 0
	s, err := file.New(file.Config{Kind: "thing", Format: "csv"}, all, func() (io.ReadCloser, error) {
		n++
		return io.NopCloser(strings.NewReader(fmt.Sprintf("id,count\n1,%d\n", n))), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := sourcetest.Take(t.Context(), s); got.Err == nil || got.Manifest.Complete {
		t.Error("two different files passed for one")
	}
}

func TestADryRunShowsWhatWouldChange(t *testing.T) {
	now := []collect.Resource{
		{Kind: "thing", Key: "1", Name: "1", Attrs: map[string]any{"text": "same"}},
		{Kind: "thing", Key: "2", Name: "2", Attrs: map[string]any{"text": "old", "on": true}},
		{Kind: "thing", Key: "3", Name: "3", Attrs: map[string]any{}},
		{Kind: "person", Key: "1", Name: "of another kind"},
	}
	p, err := source(t, file.Config{}, "id,text\n1,same\n2,new\n4,fresh\n").Preview(context.Background(), slices.Values(now))
	if err != nil {
		t.Fatal(err)
	}
	if p.Added != 1 || p.Changed != 1 || p.Gone != 1 || p.Same != 1 {
		t.Errorf("%+v", p)
	}
	if got := p.ChangedFirst[0].Attrs; !reflect.DeepEqual(got, map[string]file.OldNew{"text": {Old: "old", New: "new"}, "on": {Old: true}}) {
		t.Errorf("%v", got)
	}
	if p.AddedFirst[0].Key != "4" || p.AddedFirst[0].Row != 4 || p.GoneFirst[0].Key != "3" {
		t.Errorf("%+v", p)
	}
	bad, err := source(t, file.Config{}, "id,on\n1,perhaps\n2,true\n").Preview(context.Background(), slices.Values(now))
	if err != nil || bad.Total != 1 || bad.Changed != 1 {
		t.Errorf("%+v %v", bad, err)
	}
}

func TestCompoundKeysStayApart(t *testing.T) {
	got := rows(t, file.Config{Key: []string{"a", "b"}}, "a,b\nx|,y\nx,|y\n")
	if got[0].Key == got[1].Key {
		t.Errorf("both are %q", got[0].Key)
	}
}
