// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/site"
	"assay/internal/store"
)

func TestAFileIsBroughtFromTheCommandLine(t *testing.T) {
	a, org, dir, _ := house(t)
	server := serve(t, a, org)
	content := "%PDF-1.7 quarterly review of access"
	path := filepath.Join(t.TempDir(), "review.pdf")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	known := false
	for _, where := range [][]string{{"--data", dir}, {"--server", server}} {
		for _, from := range []struct{ stdin, file, name string }{{"", path, "review.pdf"}, {content, "-", "from-a-pipe.pdf"}} {
			before := entries(t, a, org)
			args := append([]string{"evidence", "upload", "--file", from.file, "--title", "Access review", "--type", "access_review", "--submit", "--json"}, where...)
			if from.file == "-" {
				args = append(args, "--file-name", "../"+from.name)
			}
			out, said, err := command(t, from.stdin, args...)
			var e struct {
				ID, File, State string
				FileName        string `json:"file_name"`
				MediaType       string `json:"media_type"`
				Size            int
			}
			if json.Unmarshal([]byte(out), &e); err != nil || e.File != digest || e.State != "submitted" || e.FileName != from.name || e.MediaType != "application/pdf" || e.Size != len(content) {
				t.Fatalf("%v %s: %v %s", where, from.file, err, out)
			}
			if !strings.Contains(said, digest) {
				t.Errorf("%v: the digest is not printed: %s", where, said)
			}
			ops := []string{}
			for _, x := range entries(t, a, org)[len(before):] {
				ops = append(ops, x.Op)
			}
			want := "[evidence.create evidence.submit]" // what the form in the browser writes
			if !known {
				want = "[file.create evidence.create evidence.submit]"
			}
			known = true // the same bytes by the same caller
			if fmt.Sprint(ops) != want {
				t.Errorf("%v: the ledger has %v, want %s", where, ops, want)
			}
			body, _, err := a.Gate.Download(t.Context(), site.Here(org), "evidence", e.ID, "file")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(body)
			if body.Close(); err != nil || string(b) != content {
				t.Errorf("%v: kept as %q %v", where, b, err)
			}
		}
		for wrong, field := range map[string]string{"--title=Report": "type", "--type=report": "title", "--title=Report --type=report --file=/no/such/file": "--file", "--title=Report --type=report": "--file", "--title=Report --type=report --file=" + dir: "--file"} {
			before := len(entries(t, a, org))
			_, _, err := command(t, "", append(append([]string{"evidence", "upload"}, strings.Fields(wrong)...), where...)...)
			if e := errs.Public(err); e.Code != errs.Invalid || e.Field != field || len(entries(t, a, org)) != before {
				t.Errorf("%s: %v (field %s)", wrong, err, e.Field)
			}
		}
	}
}

func TestAnEmptyFileIsNotTakenFromTheCommandLine(t *testing.T) {
	a, org, dir, _ := house(t)
	server := serve(t, a, org)
	for _, where := range [][]string{{"--data", dir}, {"--server", server}} {
		for _, content := range []string{"", " \r\n\t\n", "\ufeff"} {
			before := len(entries(t, a, org))
			_, _, err := command(t, content, append([]string{"evidence", "upload", "--file", "-", "--title", "Access review", "--type", "report", "--submit"}, where...)...)
			if e := errs.Public(err); err == nil || e.Code != errs.Invalid || e.Field != "file" || !strings.Contains(e.Error(), "the file is empty") || e.Fix == "" || len(entries(t, a, org)) != before {
				t.Errorf("%v %q: %v", where, content, err)
			}
		}
	}
}

// entries are the ledger, oldest first.
func entries(t *testing.T, a *site.App, org string) []store.Version {
	t.Helper()
	var out []store.Version
	err := a.DB.View(t.Context(), org, time.Time{}, store.By{}, func(v *store.View) (err error) {
		out, err = v.Entries(t.Context(), store.EntryPage{Limit: 1000})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
