// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"assay/internal/blob"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// blanks are files in which there is nothing to read.
var blanks = map[string]string{"no bytes": "", "a space": " ", "line ends": "\r\n\n", "a mark": "\ufeff", "a mark and spaces": "\ufeff \t\n", "much of nothing": strings.Repeat(" \n", 100_000), "UTF-16": "\xff\xfe \x00\r\x00\n\x00", "unseen signs": "\u200b\u00a0\u00ad\u034f", "fillers": "\u3164\u2800\ufe0f\U000e0020", "control characters": "\x01\x00\x1b\x7f"}

// utf16Of is a text as Windows writes "Unicode".
func utf16Of(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// kept counts the files of the organisation.
func (o *office) kept() (n int) {
	o.t.Helper()
	files, err := o.app.Gate.Files(o.org)
	fine(o.t, err)
	fine(o.t, files.Walk(context.Background(), func(blob.Info) error { n++; return nil }))
	return n
}

// stored is a file that was stored before empty ones were refused.
func (o *office) stored(text string) string {
	o.t.Helper()
	files, err := o.app.Gate.Files(o.org)
	fine(o.t, err)
	f, err := files.Put(context.Background(), strings.NewReader(text), 0)
	fine(o.t, err)
	_, err = o.app.DB.Change(context.Background(), o.org, store.System("test"), func(tx *store.Tx) error {
		_, err := op.Uploads.Append(context.Background(), tx, "file", []op.Uploaded{{Digest: f.SHA256, Size: f.Size, Actor: o.me.ID, Person: o.me.Person, At: tx.Now}}, nil)
		return err
	})
	fine(o.t, err)
	return f.SHA256
}

func TestAnEmptyFileIsRefusedOnEveryFace(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		o.signInAs("manager")
		rest := func(text string) shown {
			r, err := http.NewRequest("POST", o.srv.URL+"/v1/files", strings.NewReader(text))
			fine(t, err)
			return o.send(r)
		}
		for what, text := range blanks {
			before := o.kept()
			_, err := o.app.Gate.Upload(context.Background(), o.me, strings.NewReader(text))
			o.refused(what, err, "file", "the file is empty", "upload a file with content")
			o.wants(rest(text), 422, `"file"`, "the file is empty", "upload a file with content")
			o.wants(o.brings(map[string]string{"title": "A page", "type": "report", "notes": "what was typed", "submit": "true"}, "a.txt", text), 422, "The file is empty. Upload a file with content.", "what was typed")
			if now := o.kept(); now != before {
				t.Errorf("%s: %d files were kept", what, now-before)
			}
		}
		if l := o.do(o.me, "evidence.list", map[string]any{})["data"].([]any); len(l) > 0 {
			t.Errorf("evidence was added: %v", l)
		}
		for what, text := range map[string]string{"one letter": "x", "a letter after much of nothing": strings.Repeat(" ", 9000) + "x", "a sign of three bytes": " \u4e00", "not text": "\x89PNG", "nothing but zeros and half a letter": "\x00\x00\x89"} {
			if _, err := o.app.Gate.Upload(context.Background(), o.me, strings.NewReader(text)); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			o.wants(rest(text), 201)
		}
	})
}

func TestEvidenceThatCitesAnEmptyFileIsNoProof(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		for what, text := range blanks {
			file := o.stored(text)
			_, err := o.submit(o.piece("IAM-09", "removals", "file", file))
			o.refused(what, err, "file", "the file is empty", "upload a file")
			e := &grc.Evidence{Title: "Submitted before", Type: "report", Control: o.control("IAM-09"), EvidenceKey: "removals", State: "submitted", SourceKind: "upload", Classification: "confidential", SubmittedBy: o.me.ID, SubmittedAt: o.clock.Now()}
			e.File = kind.SHA256(file)
			_, err = o.app.DB.Change(context.Background(), o.org, store.System("test"), func(tx *store.Tx) error { return store.Put(context.Background(), tx, grc.Evidences, e) })
			fine(t, err)
			_, err = o.try(o.them, "evidence.accept", map[string]any{"id": e.ID, "rev": e.Rev})
			o.refused(what+", submitted before", err, "file", "the file is empty", "return it")
		}
	})
}

func TestAPopulationSaysHowManyRowsItHas(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		list := func(change ...any) (map[string]any, error) {
			return o.submit(o.piece("VEN-01", "register_export", append([]any{"type", "population", "covers_from", "2025-10-01", "covers_to", "2025-12-31"}, change...)...))
		}
		_, err := list()
		o.refused("without a count", err, "row_count", "is required", "enter the number of rows; 0 if the list is empty")
		_, err = list("type", "report")
		o.refused("under another type, for an item that is a population", err, "row_count", "is required")
		_, err = o.submit(o.piece("IAM-09", "removals", "type", "population"))
		o.refused("for an item that is none", err, "row_count", "is required")
		for _, n := range []int{0, 9} {
			if _, err := list("row_count", n); err != nil {
				t.Errorf("with %d: %v", n, err)
			}
		}
		rows := "id,closed\nF-1,2026-01-02\nF-2,\n"
		for _, one := range []struct {
			what, name, text string
			count            int
			says             string
		}{
			{"as many", "a.csv", rows, 2, ""},
			{"the heading counted", "a.csv", rows, 3, ""},
			{"more", "a.csv", rows, 4, "is 4, but the file has at most 3 rows"},
			{"a heading alone", "a.csv", "id,closed\n", 0, ""},
			{"an empty list that has rows", "a.csv", "id,closed\nF-1,2026-01-02\nF-2,2026-01-02\n", 0, "is 0, but the file has at least 2 rows"},
			{"titles and totals", "a.CSV", "\ufeffFindings of 2025\n\nid;closed\r\nF-1;2026-01-02\r\nF-2;2026-01-02\r\nTotal: 2\r\n;;\r\n", 2, ""},
			{"a cell of two lines", "a.csv", "id,note\n1,\"one\ntwo\"\n", 1, ""},
			{"one column", "a.csv", "id\nF-1\nF-2\n", 5, "at most 3"},
			{"a JSON list", "a.json", `[{"id":1},{"id":2}]`, 2, ""},
			{"a JSON list with more", "a.json", `[{"id":1},{"id":2}]`, 1, "at least 2"},
			{"a list within an object", "a.json", `{"value":[{"id":1}],"next":null}`, 0, "at least 1"},
			{"an empty JSON list", "a.json", `{"value":[]}`, 1, "at most 0"},
			{"two lists", "a.json", `{"a":[{"id":1}],"b":[]}`, 7, "at most 1"},
			{"all of two lists", "a.json", `{"people":[{"id":1},{"id":2}],"services":[{"id":3}]}`, 3, ""},
			{"one of two lists", "a.json", `{"people":[{"id":1},{"id":2}],"errors":[]}`, 2, ""},
			{"none of two lists", "a.json", `{"people":[{"id":1},{"id":2}],"errors":[]}`, 0, "at least 2"},
			{"a list that stands twice", "a.json", `{"value":[{"id":1},{"id":2}],"value":[]}`, 0, "at least 2"},
			{"a list deep in an object", "a.json", `{"data":{"value":[{"id":1},{"id":2}]}}`, 0, "at least 2"},
			{"JSON lines", "a.jsonl", "{\"id\":1}\n{\"id\":2}\n", 0, "at least 2"},
			{"JSON lines under no name", "", "{\"id\":1}\n{\"id\":2}\n", 2, ""},
			{"a list of lists with a heading", "a.json", `[["id"],["F-1"],["F-2"]]`, 2, ""},
			{"another name", "a.txt", "name\nann\nbo\ncy\n", 0, "at least 3"},
			{"a name with a space", "a.csv ", "name\nann\nbo\ncy\n", 0, "at least 3"},
			{"a CSV called a workbook", "a.xlsx", rows, 0, "at least 1"},
			{"JSON called CSV", "a.csv", `[{"id":1},{"id":2}]`, 0, "at least 2"},
			{"UTF-16 with one column", "a.csv", utf16Of("name\r\nann\r\nbo\r\ncy\r\n"), 3, ""},
			{"UTF-16 with two columns", "a.csv", utf16Of("name,x\r\nann,1\r\nbo,1\r\ncy,1\r\n"), 3, ""},
			{"UTF-16 and none", "a.txt", utf16Of("name,x\r\nann,1\r\nbo,1\r\ncy,1\r\n"), 0, "at least 3"},
			{"UTF-16 without a mark", "a.csv", utf16Of("name,x\r\nann,1\r\nbo,1\r\ncy,1\r\n")[2:], 0, "at least 3"},
			{"one column with notes beneath", "a.csv", "name\nann\nbo\n\nTotal: 2\nExported by Jo\n", 2, ""},
			{"one column with notes at once", "a.csv", "name\nann\nbo\n2 rows\nThe list of all people\n", 2, ""},
			{"an empty list with notes", "a.csv", "name\nNo results\nExported by Jo\n", 0, ""},
			{"a total in two columns", "a.csv", "name,count\nann,1\nbo,1\nTotal,2\nExported by,Jo\n", 2, ""},
			{"pages with their heading", "a.csv", "name,x\nann,1\nname,x\nbo,1\n", 2, ""},
			{"a quote that does not end", "a.csv", "name,note\n1,\"5 inch\n2,b\n3,c\n4,d\n", 4, ""},
			{"separators in the cells", "a.csv", "a;b\n1,2,3;x\n4,5,6;y\n7,8,9;z\n", 3, ""},
			{"values on one line", "a.txt", "ann, bo, cy, di\n", 4, ""},
			{"a text about a list", "a.txt", "We looked at the access of all.\nNobody has it, as Jo said.\nAll was closed.\n", 0, ""},
			{"a list as the database prints it", "a.txt", " name | x\n------+---\n ann  | 1\n bo   | 1\n cy   | 2\n(3 rows)\n", 3, ""},
			{"a page", "a.html", "<table>\n<tr><td>a\n<tr><td>b\n</table>", 0, ""},
			{"a long list", "a.csv", "name,x\n" + strings.Repeat("ann,1\n", 3) + strings.Repeat("\n", 5<<20), 0, "at least 3"},
			{"many of a long list", "a.csv", "name,x\n" + strings.Repeat("ann,1\n", 1<<20), 1 << 20, ""},
			{"no JSON", "a.json", `{"a":[1`, 7, ""},
			{"what cannot be counted", "a.pdf", "%PDF-1.7\n1,2\n3,4\n", 7, ""},
			{"nor this", "a.csv", "\x1f\x8b\x08\x00\x03,\n1,2\n3,4\n", 7, ""},
		} {
			_, err := list("row_count", one.count, "file_name", one.name, "file", o.file(one.text))
			if one.says != "" {
				o.refused(one.what, err, "row_count", one.says, "correct the number")
			} else if err != nil {
				t.Errorf("%s: %v", one.what, err)
			}
		}
		if _, err := o.submit(o.piece("CHG-08", "design_reviews", "type", "population", "file", nil, "nothing_happened", true, "covers_from", "2025-12-01", "covers_to", "2026-02-28", "notes", "The list of changes.")); err != nil {
			t.Errorf("a declaration counts nothing: %v", err)
		}
		e := &grc.Evidence{Title: "Submitted before", Type: "population", File: kind.SHA256(o.file(rows)), FileName: "a.csv", State: "submitted", SourceKind: "upload", Classification: "confidential", SubmittedBy: o.me.ID, SubmittedAt: o.clock.Now()}
		_, err = o.app.DB.Change(context.Background(), o.org, store.System("test"), func(tx *store.Tx) error { return store.Put(context.Background(), tx, grc.Evidences, e) })
		fine(t, err)
		_, err = o.try(o.them, "evidence.accept", map[string]any{"id": e.ID, "rev": e.Rev})
		o.refused("submitted before without a count", err, "row_count", "is required", "return it")
		o.signInAs("manager")
		at := o.wants(o.brings(map[string]string{"title": "A list", "type": "population", "submit": "true"}, "list.csv", rows), 303).to
		o.wants(o.get(at), 200, "draft")
		o.wants(o.get("/evidence/new"), 200, "Required to submit a population")
	})
}

// Size and type of a file are what was found in it, and nothing is taken in the future, whatever a client says.
func TestWhatAClientSaysOfAFileIsNotKept(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		info, err := c.app.Gate.Upload(t.Context(), c.manager, strings.NewReader("proof\n"))
		if err != nil {
			t.Fatal(err)
		}
		e := c.do(c.manager, "evidence.create", map[string]any{"title": "A proof", "type": "report", "file": info.SHA256, "size": -5, "media_type": "application/x-anything"})
		if fmt.Sprint(e["size"]) != "6" || e["media_type"] != info.Media {
			t.Errorf("kept %v and %v, want 6 and %s", e["size"], e["media_type"], info.Media)
		}
		c.refused(c.manager, "evidence.update", e, map[string]any{"taken_at": "2030-01-01T00:00:00Z"}, "taken_at: is in the future")
	})
}
