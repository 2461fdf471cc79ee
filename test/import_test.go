// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"assay/content"
	"assay/internal/collect"
	"assay/internal/op"
	"assay/internal/site"
	"assay/internal/store"
)

// offers sends a file to the page that imports it.
func (p *people) offers(name, content string, fields ...string) shown {
	p.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile("file", name)
	fine(p.t, err)
	_, err = f.Write([]byte(content))
	fine(p.t, err)
	for i := 0; i < len(fields); i += 2 {
		fine(p.t, w.WriteField(fields[i], fields[i+1]))
	}
	fine(p.t, w.Close())
	r, err := http.NewRequest("POST", p.srv.URL+"/sources/import", &b)
	fine(p.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return p.send(r)
}

var (
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	selectTag = regexp.MustCompile(`(?s)<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>`)
	chosenTag = regexp.MustCompile(`<option value="([^"]*)" selected`)
	attribute = regexp.MustCompile(` (name|value)="([^"]*)"`)
)

// filledIn are the fields of the form that imports a file, as the page fills them in.
func filledIn(t *testing.T, s shown) map[string]string {
	t.Helper()
	_, form, ok := strings.Cut(s.text, `action="/sources/import"`)
	form, _, end := strings.Cut(form, "</form>")
	if !ok || !end {
		t.Fatalf("the page has no form: %.400s", s.text)
	}
	out := map[string]string{}
	for _, tag := range inputTag.FindAllString(form, -1) {
		got := map[string]string{}
		for _, a := range attribute.FindAllStringSubmatch(tag, -1) {
			got[a[1]] = a[2]
		}
		out[got["name"]] = got["value"]
	}
	for _, m := range selectTag.FindAllStringSubmatch(form, -1) {
		if c := chosenTag.FindStringSubmatch(m[2]); c != nil {
			out[m[1]] = c[1]
		}
	}
	return out
}

// imports sends the form of a page back, with what else was chosen.
func (p *people) imports(s shown, do string, more ...string) shown {
	p.t.Helper()
	form := []string{"do", do}
	fields := filledIn(p.t, s)
	for i := 0; i < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	for n, v := range fields {
		form = append(form, n, v)
	}
	return p.post("/sources/import", form...)
}

func runsOf(t *testing.T, p *people, source string) []collect.Run {
	t.Helper()
	r, err := op.Do[collect.RunPage](context.Background(), p.app.Gate, site.Here(p.org), "run.list", map[string]any{"source": source, "limit": 25}, time.Time{})
	fine(t, err)
	return r.Data
}

const samples = "../internal/collect/source/file/testdata/presets/"

func TestEveryKnownExportIsImportedByItsHeadingInThreeRequests(t *testing.T) {
	presets, err := content.Presets()
	fine(t, err)
	if len(presets) < 10 {
		t.Fatalf("%d presets", len(presets))
	}
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		p.wants(p.get("/sources"), 200, `href="/sources/import"`)
		for _, x := range presets {
			all, err := filepath.Glob(samples + x.ID + ".*")
			if fine(t, err); len(all) != 1 {
				t.Fatalf("%s has %d samples", x.ID, len(all))
			}
			b, err := os.ReadFile(all[0])
			fine(t, err)
			p.wants(p.get("/sources/import"), 200, `enctype="multipart/form-data"`) // 1
			if x.Compare != "" {
				seen := p.wants(p.offers(filepath.Base(all[0]), string(b)), 200, x.Title, "Compared with the library", "in the file")
				p.wants(p.imports(seen, "import"), 200, "Compared with the library")
				continue
			}
			seen := p.wants(p.offers(filepath.Base(all[0]), string(b)), 200, `<option value="`+x.ID+`"`, "Ready to import", x.Title) // 2
			if got := filledIn(t, seen)["config.preset"]; got != x.ID {                                                              // another fits better: this one is chosen
				done := p.imports(seen, "import", "config.preset", x.ID)
				p.wants(done, 303)
				seen = done
			} else {
				seen = p.wants(p.imports(seen, "import"), 303) // 3
			}
			runs := runsOf(t, p, strings.TrimPrefix(seen.to, "/sources/"))
			if len(runs) != 1 || runs[0].State != collect.Complete || runs[0].Counts[x.Kind] == 0 || runs[0].Raw == "" {
				t.Errorf("%s: %+v", x.ID, runs)
			}
		}
	})
}

func TestANextFileReplacesTheRowsOfItsSourceInANewRun(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		heading := "id,name,disk_encrypted\n"
		s := p.wants(p.offers("laptops.csv", heading+"d1,one,true\nd2,two,true\n"), 422, "Rows are", "Say what the file is")
		s = p.wants(p.imports(s, "preview", "config.kind", "device"), 200, "2 added, 0 changed, 0 gone", ">device<")
		first := p.wants(p.imports(s, "import"), 303)
		again := p.wants(p.imports(s, "import"), 303)
		if again.to != first.to {
			t.Errorf("the form was sent twice, and made %s and %s", first.to, again.to)
		}
		id := strings.TrimPrefix(first.to, "/sources/")
		p.wants(p.get(first.to), 200, "/sources/import?into="+id, "Import next file")
		p.wants(p.get("/sources/import?into="+id), 200, "Import the next file of laptops.csv")
		s = p.wants(p.offers("laptops-2.csv", heading+"d2,two,false\nd3,three,true\n", "into", id), 200, "1 added, 1 changed, 1 gone", "next file of", "Disk encrypted: true → false", "Disk encrypted: true<")
		p.wants(p.imports(s, "import"), 303)
		p.wants(p.imports(s, "import"), 409)
		runs := runsOf(t, p, id)
		if len(runs) != 2 || runs[0].Gone != 1 || runs[0].Counts["device"] != 2 {
			t.Errorf("%+v", runs)
		}
	})
}

func TestANextFileWithoutRowsIsRefusedUnlessSaid(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		heading := "id,name,disk_encrypted\n"
		s := p.offers("laptops.csv", heading+"d1,one,true\nd2,two,true\n", "config.kind", "device")
		p.wants(s, 200, "2 added")
		id := strings.TrimPrefix(p.wants(p.imports(s, "import"), 303).to, "/sources/")
		s = p.wants(p.offers("laptops-2.csv", heading, "into", id), 422, "Nothing was imported", "the last import had 2", "set rows to 0")
		p.wants(p.imports(s, "import"), 422, "the last import had 2")
		if runs := runsOf(t, p, id); len(runs) != 1 {
			t.Errorf("%+v", runs)
		}
		source, err := op.Do[collect.SourceThing](context.Background(), p.app.Gate, site.Here(p.org), "source.get", map[string]any{"id": id}, time.Time{})
		fine(t, err)
		_, err = op.Do[collect.SourceThing](context.Background(), p.app.Gate, site.Here(p.org), "source.update", map[string]any{"id": id, "rev": source.Rev, "config": map[string]any{"kind": "device", "rows": 0}}, time.Time{})
		fine(t, err)
		s = p.wants(p.offers("laptops-3.csv", heading, "into", id), 200, "0 added, 0 changed, 2 gone")
		p.wants(p.imports(s, "import"), 303)
		s = p.offers("empty.csv", heading, "config.kind", "device")
		p.wants(s, 200, "This file changes nothing")
	})
}

func TestAPreviewSaysWhichValuesAreLost(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		head := "Employee #,Full Name,Work Email,Status,Hire Date,Termination Date\n"
		s := p.wants(p.offers("people.csv", head+"1,Ann,ann@example.com,Resigned,2024-01-31,2026-01-02\n2,Bo,bo@example.com,Active,2024-01-31,\n"), 200, "Status: terminated<")
		id := strings.TrimPrefix(p.wants(p.imports(s, "import"), 303).to, "/sources/")
		p.wants(p.offers("people-2.csv", strings.Replace(head, "Termination Date", "Last day", 1)+"1,Ann,ann@example.com,Resigned,2024-01-31,2026-01-02\n2,Bo,bo@example.com,Active,2024-01-31,\n", "into", id),
			200, "end_on of person: 2 values become unknown, because the file has no Termination Date.", "End on: 2026-01-02 → unknown", "End on: none → unknown")
	})
}

func TestAFileWithFaultsIsToldByKindAndNothingIsMade(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		var rows strings.Builder
		rows.WriteString("Employee #,Full Name,Work Email,Employment Status,Hire Date,Termination Date,Shoe size\n")
		for i := range 30 {
			fmt.Fprintf(&rows, "%d,Person %d,p%d@example.com,Full-Time,3/6/2023,soon %d,44\n", i, i, i, i)
		}
		s := p.wants(p.offers("people.csv", rows.String()), 422, "Nothing was imported", "Dates such as 3/6/2026", "30 rows: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 20 more", "Choose it below", "Ignored columns: Shoe size.", `selected>BambooHR people`)
		if n := strings.Count(s.text, "soon "); n != 1 {
			t.Errorf("the same fault is told %d times", n)
		}
		p.wants(p.imports(s, "import", "config.day_first", "false"), 422, "soon 0")
		fixed := regexp.MustCompile(`soon \d+`).ReplaceAllString(rows.String(), "")
		s = p.wants(p.offers("people.csv", fixed), 422, "Dates such as 3/6/2026")
		s = p.wants(p.imports(s, "preview", "config.day_first", "false"), 200, "30 added", "is read with the month first")
		if s := p.get("/sources"); strings.Contains(s.text, "/sources/src_") && strings.Contains(s.text, ">file<") {
			t.Error("a source was made")
		}
		p.wants(p.imports(s, "import", "config.day_first", "false"), 303)
	})
}

func TestAHostileUploadIsRefusedInWords(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		for name, content := range map[string]string{
			"a.csv": "", "b.xlsx": "PK\x03\x04 broken", "c.xls": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "d.exe": "MZ", "e.json": `{"a":`, "f.csv": "id,name\n\"a,b\n",
			"../../g.csv": "\xff\xfei\x00d\x00", "h.ods": "PK\x03\x04", "i.numbers": "PK\x03\x04", "j": "id\n1\n",
		} {
			s := p.offers(name, content, "config.kind", "device")
			if s.code != 422 && s.code != 200 || strings.Contains(s.text, "on our side") {
				t.Errorf("%s: %d %.300s", name, s.code, s.text)
			}
		}
		p.wants(p.post("/sources/import", "do", "import", "file", strings.Repeat("a", 64), "file_name", "x.csv", "config.kind", "device"), 422)
		p.wants(p.post("/sources/import", "do", "import"), 422, "Choose a file.")
		if s := p.get("/sources"); strings.Contains(s.text, "/sources/src_") && strings.Contains(s.text, ">file<") {
			t.Error("a source was made")
		}
	})
}

// Where a page says what is missing, the form it leads to reads a file as that, unless its heading is that of a known export.
func TestAFileIsReadAsWhatTheFormWasOpenedFor(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		_, err := p.app.Works.Cycle(context.Background(), p.org, store.System("check.run"), "schedule", nil, nil)
		fine(t, err)
		p.wants(p.get("/tests?state=unknown"), 200, `href="/sources/import?kind=internal.incident"`)
		form := p.get("/sources/import?kind=internal.incident")
		p.wants(form, 200, `name="rows" value="internal.incident"`)
		s := p.offers("incidents.csv", "id,ref,severity,closed\nINC-1,INC-1,2,false\n", "rows", "internal.incident")
		p.wants(s, 200, "internal.incident")
		if got := filledIn(t, s)["config.kind"]; got != "internal.incident" {
			t.Errorf("the kind is %q", got)
		}
		p.wants(p.imports(s, "import"), 303)
		known, err := os.ReadFile(samples + "bamboohr-people.csv")
		fine(t, err)
		s = p.offers("people.csv", string(known), "rows", "internal.incident")
		if got := filledIn(t, s); got["config.preset"] != "bamboohr-people" || got["config.kind"] != "" {
			t.Errorf("the heading is that of a known export: %v", got)
		}
		p.wants(p.offers("what.csv", "a,b\n1,2\n", "rows", `"><script>`), 422)
	})
}
