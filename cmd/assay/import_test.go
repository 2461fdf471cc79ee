// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/errs"
)

// From this machine and through a server: a file is offered its preset, shown, imported, and followed by the next one.
func TestOneCommandShowsAndImportsAnExport(t *testing.T) {
	a, org, dir, _ := house(t)
	server := serve(t, a, org)
	heading := "First Name [Required],Last Name [Required],Email Address [Required],Status [READ ONLY],Last Sign In [READ ONLY],2sv Enrolled [READ ONLY],Org Unit Path [Required]\n"
	ann, bo := "Ann,One,ann@example.com,Active,2020/11/20 22:47:20,True,/\n", "Bo,Two,bo@example.com,Suspended,Never logged in,False,/\n"
	path := filepath.Join(t.TempDir(), "users.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, where := range [][]string{{"--data", dir}, {"--server", server}} {
		last := ""
		run := func(args ...string) (map[string]any, string, error) {
			t.Helper()
			out, said, err := command(t, "", append(append([]string{"source", "import", "--file", path, "--json"}, args...), where...)...)
			last = out
			got := map[string]any{}
			if err == nil && json.Unmarshal([]byte(out), &got) != nil {
				t.Fatalf("%v: %s", args, out)
			}
			return got, said, err
		}
		write(heading + ann + strings.Repeat(" ", i) + bo)
		_, _, err := run()
		if e := errs.Public(err); e.Field != "config.preset" || !strings.Contains(e.Text+e.Fix, "google-workspace-users") {
			t.Fatalf("%v: %v (field %s, fix %s)", where, err, e.Field, e.Fix)
		}
		before := len(entries(t, a, org))
		got, said, err := run("--preset", "google-workspace-users")
		if err != nil || got["state"] != "complete" || got["added"] != 2.0 || !strings.Contains(said, "Add --yes") || !strings.Contains(jsonOf(got["notes"]), "Org Unit Path") {
			t.Fatalf("%v: %v %s %v %s", where, got, said, err, last)
		}
		for _, e := range entries(t, a, org)[before:] {
			if e.Op != "file.create" {
				t.Errorf("%v: a look wrote %s", where, e.Op)
			}
		}
		got, _, err = run("--preset", "google-workspace-users", "--name", "Google", "--yes")
		if err != nil || got["state"] != "complete" || !strings.Contains(jsonOf(got["notes"]), "Org Unit Path") {
			t.Fatalf("%v: %v %v %s", where, got, err, last)
		}
		source := got["source"].(string)
		write(heading + ann + strings.Repeat(" ", i))
		got, _, err = run("--into", source, "--yes")
		if err != nil || got["gone"] != 1.0 || got["source"] != source {
			t.Fatalf("%v: the next file: %v %v %s", where, got, err, last)
		}
		write(heading + ann + "Bo,Two,bo@example.com,Vanished,Never logged in,False,/\n" + strings.Repeat(" ", i))
		before = len(entries(t, a, org))
		if _, _, err = run("--into", source, "--yes"); err == nil || !strings.Contains(err.Error(), "nothing was imported") {
			t.Errorf("%v: a bad file: %v", where, err)
		}
		for _, e := range entries(t, a, org)[before:] {
			if e.Op != "file.create" {
				t.Errorf("%v: a bad file wrote %s", where, e.Op)
			}
		}
	}
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
