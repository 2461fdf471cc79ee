// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"assay/internal/collect/source/file"
)

const (
	packageNS = "http://schemas.openxmlformats.org/package/2006"
	mainNS    = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relNS     = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	twoRows   = `<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>0</v></c></row>`
)

// packed makes a workbook of raw parts, so that it can be one that nobody's program would write.
func packed(t testing.TB, more map[string]func(io.Writer)) string {
	t.Helper()
	text := func(s string) func(io.Writer) { return func(w io.Writer) { _, _ = io.WriteString(w, s) } }
	parts := map[string]func(io.Writer){
		"[Content_Types].xml":        text(`<Types xmlns="` + packageNS + `/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`),
		"_rels/.rels":                text(`<Relationships xmlns="` + packageNS + `/relationships"><Relationship Id="rId1" Type="` + relNS + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`),
		"xl/workbook.xml":            text(`<workbook xmlns="` + mainNS + `" xmlns:r="` + relNS + `"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`),
		"xl/_rels/workbook.xml.rels": text(`<Relationships xmlns="` + packageNS + `/relationships"><Relationship Id="rId1" Type="` + relNS + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + relNS + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`),
		"xl/sharedStrings.xml":       text(`<sst xmlns="` + mainNS + `"><si><t>id</t></si></sst>`),
		"xl/worksheets/sheet1.xml":   text(`<worksheet xmlns="` + mainNS + `"><sheetData>` + twoRows + `</sheetData></worksheet>`),
	}
	for name, part := range more {
		parts[name] = part
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, part := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		part(w)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// filled writes one thing over and over between a beginning and an end.
func filled(before, again string, total int, after string) func(io.Writer) {
	return func(w io.Writer) {
		_, _ = io.WriteString(w, before)
		chunk := strings.Repeat(again, 1+64<<10/max(1, len(again)))
		for n := 0; n < total; n += max(1, len(chunk)) {
			_, _ = io.WriteString(w, chunk)
		}
		_, _ = io.WriteString(w, after)
	}
}

// highest runs something, and says how much memory was in use at the most.
func highest(do func()) uint64 {
	runtime.GC()
	stop, done := make(chan bool), make(chan uint64)
	go func() {
		var top uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapInuse)
			select {
			case <-stop:
				done <- top
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	do()
	close(stop)
	return <-done
}

func TestAWorkbookOfAFewBytesTakesNoMoreThan256MegabytesOfMemory(t *testing.T) {
	const sheet, shared = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	sheetOf := func(before, again string, total int, after string) func(io.Writer) {
		return filled(`<worksheet xmlns="`+mainNS+`"><sheetData>`+before, again, total, after+`</sheetData></worksheet>`)
	}
	sharedOf := func(before, again string, total int, after string) func(io.Writer) {
		return filled(`<sst xmlns="`+mainNS+`"><si><t>id</t></si>`+before, again, total, after+`</sst>`)
	}
	for _, c := range []struct {
		what, part, want string
		write            func(io.Writer)
	}{
		{"a million shared texts and more", shared, "more than 1000000 entries", sharedOf("", "<si/>", 8<<20, "")},
		{"shared texts of many bytes", shared, "unpacks to more than 33554432 bytes", sharedOf("", "<si><t>"+strings.Repeat("x", 200)+"</t></si>", 60<<20, "")},
		{"one shared text of many pieces", shared, "more than 200000 marks", sharedOf("<si>", "<r/>", 24<<20, "</si>")},
		{"one shared text that is long", shared, "more than 131072 bytes", sharedOf("<si><t>", "<r>"+strings.Repeat("x", 1000)+"</r>", 8<<20, "</t></si>")},
		{"a row of many cells", sheet, "more than 200000 marks", sheetOf(twoRows+"<row>", "<c/>", 24<<20, "</row>")},
		{"a row of many cells behind comments that look like rows", sheet, "more than 200000 marks", sheetOf(twoRows+"<row>", "<c/><!-- <row> -->", 24<<20, "</row>")},
		{"rows of many cells that are empty", sheet, "more than 2000000 cells", sheetOf(twoRows, "<row>"+strings.Repeat("<c/>", 150_000)+"</row>", 24<<20, "")},
		{"a row of many values", sheet, "more than 1000 columns", sheetOf(twoRows+"<row>", `<c t="s"><v>0</v></c>`, 1<<20, "</row>")},
		{"no row at all", sheet, "more than 200000 marks", sheetOf("", "<a>", 24<<20, "")},
		{"many rows", sheet, "more than 1048576 entries", sheetOf(twoRows, "<row/>", 24<<20, "")},
		{"one tag of many attributes", sheet, "without a mark of XML", sheetOf(twoRows+"<row", ` a=">"`, 24<<20, "/>")},
		{"one long text", sheet, "without a mark of XML", sheetOf(twoRows+`<row><c t="str"><v>`, "x", 24<<20, "</v></c></row>")},
		{"a large sheet", sheet, "unpacks to more than 134217728 bytes", sheetOf(twoRows, "<row>"+strings.Repeat(" ", 4000)+"</row>", 200<<20, "")},
		{"other characters", sheet, "not in UTF-8", filled(`<?xml version="1.0" encoding="utf-16le"?>`, "<\x00c\x00/\x00>\x00", 8<<20, "")},
		{"names of sheets", "xl/workbook.xml", "more than 200000 marks", filled(`<workbook xmlns="`+mainNS+`"><sheets>`, "<sheet/>", 4<<20, "</sheets></workbook>")},
		{"types of parts", "[Content_Types].xml", "more than 8388608 bytes", filled(`<Types>`, "<Override PartName='"+strings.Repeat("x", 400)+"'/>", 12<<20, "</Types>")},
		{"a declaration of entities", sheet, "declares types", filled(`<!DOCTYPE x [<!ENTITY a "b">]>`, "&a;", 1<<20, "")},
		{"a text that is not there", sheet, "names a text that is not in it", sheetOf(`<row r="1"><c r="A1" t="s"><v>7</v></c></row>`, "", 0, "")},
		{"styles, which nobody needs", "xl/styles.xml", "", filled(`<styleSheet xmlns="`+mainNS+`"><cellXfs>`, "<xf/>", 60<<20, "</cellXfs></styleSheet>")},
		{"pictures", "xl/media/image1.png", "", filled("", "\x00", 300<<20, "")},
		{"merged cells behind the rows", sheet, "", filled(`<worksheet xmlns="`+mainNS+`"><sheetData>`+twoRows+`</sheetData><mergeCells>`, `<mergeCell ref="A1:B2"/>`, 12<<20, "</mergeCells></worksheet>")},
	} {
		text := packed(t, map[string]func(io.Writer){c.part: c.write})
		var report file.Report
		var err error
		top := highest(func() {
			report, err = source(t, file.Config{Kind: "thing", Format: "xlsx", Path: "x.xlsx", Columns: map[string]string{"id": "id"}}, text).Check(t.Context())
		})
		said := fmt.Sprint(report.Faults, err)
		if c.want == "" && (err != nil || len(report.Faults) > 0 || report.Read != 1) || !strings.Contains(said, c.want) {
			t.Errorf("%s: %.300s, %d rows; want %q", c.what, said, report.Read, c.want)
		}
		if top > 256<<20 {
			t.Errorf("%s: %d MB of memory", c.what, top>>20)
		}
	}
}

func TestALargeWorkbookIsReadAsASmallOne(t *testing.T) {
	const rows = 30_000 // past what is held in memory, texts and sheet
	text := packed(t, map[string]func(io.Writer){
		"xl/sharedStrings.xml": func(w io.Writer) {
			fmt.Fprintf(w, `<x:sst xmlns:x="%s"><x:si><x:t>id</x:t></x:si>`, mainNS)
			for i := range rows {
				fmt.Fprintf(w, `<x:si><x:r><x:t>device</x:t></x:r><x:r><x:t xml:space="preserve"> number %d</x:t></x:r></x:si>`, i)
			}
			fmt.Fprint(w, `</x:sst>`)
		},
		"xl/worksheets/sheet1.xml": func(w io.Writer) {
			fmt.Fprintf(w, `<x:worksheet xmlns:x="%s"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c></x:row>`, mainNS)
			for i := range rows {
				fmt.Fprintf(w, `<x:row r="%d"><x:c r="A%d" t="s"><x:v>%d</x:v></x:c></x:row>`, i+2, i+2, i+1)
			}
			fmt.Fprint(w, `</x:sheetData></x:worksheet>`)
		},
	})
	got, report, err := taken(t, file.Config{Kind: "device", Format: "xlsx", Path: "x.xlsx", Columns: map[string]string{"id": "id"}}, text)
	if err != nil || len(got) != rows || got[rows-1].Key != fmt.Sprintf("device number %d", rows-1) {
		t.Fatalf("%d of %d rows: %v %v", len(got), rows, report.Faults, err)
	}
}

func TestASheetWithoutAValueCanBeInterrupted(t *testing.T) {
	text := packed(t, map[string]func(io.Writer){"xl/worksheets/sheet1.xml": filled(`<worksheet xmlns="`+mainNS+`"><sheetData>`+twoRows, "<row/>", 5<<20, `</sheetData></worksheet>`)})
	ctx, stop := context.WithCancel(t.Context())
	s := source(t, file.Config{Kind: "thing", Format: "xlsx", Path: "x.xlsx", Columns: map[string]string{"id": "id"}}, text)
	seen := 0
	_, err := s.Check(watched{ctx, func() {
		if seen++; seen == 500 {
			stop()
		}
	}})
	if !errors.Is(err, context.Canceled) || seen > 600 {
		t.Fatalf("after %d looks: %v", seen, err)
	}
}

// watched counts how often somebody asks whether to stop.
type watched struct {
	context.Context
	asked func()
}

func (w watched) Err() error { w.asked(); return w.Context.Err() }

func TestAWorkbookWithOnePartTwiceIsRefused(t *testing.T) {
	const sheet = "xl/worksheets/sheet1.xml"
	text := packed(t, map[string]func(io.Writer){sheet: filled(`<worksheet xmlns="`+mainNS+`"><sheetData>`+twoRows, "", 0, `</sheetData></worksheet>`)})
	z, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{sheet, "xl/Worksheets/sheet1.xml", `xl\worksheets\sheet1.xml`, "/xl/worksheets/./sheet1.xml"} {
		var b strings.Builder
		w := zip.NewWriter(&b)
		for _, f := range z.File {
			if err := w.Copy(f); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Create(again); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		report, err := source(t, file.Config{Kind: "thing", Format: "xlsx", Path: "x.xlsx", Columns: map[string]string{"id": "id"}}, b.String()).Check(t.Context())
		if said := fmt.Sprint(report.Faults, err); !strings.Contains(said, "twice") {
			t.Errorf("%s: %s", again, said)
		}
	}
}
