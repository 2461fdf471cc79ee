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

// From this machine and through a server: with a key the same command twice is one import, also of the next file.
func TestAnImportWithAKeyIsCarriedOutOnce(t *testing.T) {
	a, org, dir, _ := house(t)
	server := serve(t, a, org)
	path := filepath.Join(t.TempDir(), "people.csv")
	for i, where := range [][]string{{"--data", dir}, {"--server", server}} {
		run := func(text string, args ...string) (map[string]any, error) {
			t.Helper()
			if err := os.WriteFile(path, []byte("email,status\n"+text+strings.Repeat(" \n", i)), 0o600); err != nil {
				t.Fatal(err)
			}
			out, _, err := command(t, "", append(append([]string{"source", "import", "--file", path, "--json", "--yes"}, args...), where...)...)
			got := map[string]any{}
			if err == nil && json.Unmarshal([]byte(out), &got) != nil {
				t.Fatalf("%v: %s", args, out)
			}
			return got, err
		}
		wrote := func() (n int) {
			for _, e := range entries(t, a, org) {
				if e.Op != "file.create" {
					n++
				}
			}
			return n
		}
		source := ""
		for _, step := range []struct {
			text string
			args []string
		}{
			{"ann@example.com,active\n", []string{"--kind", "person", "--set", `columns={"email":"id, email","status":"status"}`, "--set", `constants={"kind":"employee"}`, "--key", "first"}},
			{"ann@example.com,active\nbo@example.com,active\n", []string{"--into", "", "--key", "second"}},
			{"cy@example.com,active\n", []string{"--into", "", "--key", "third"}},
			{"cy@example.com,active\n", []string{"--into", "", "--key", "the same file again"}},
			{"ann@example.com,active\nbo@example.com,active\n", []string{"--into", "", "--key", "back to the second"}},
		} {
			args := append([]string{}, step.args...)
			if args[0] == "--into" {
				args[1] = source
			}
			args[len(args)-1] += where[0]
			before := wrote()
			first, err := run(step.text, args...)
			if err != nil || first["state"] != "complete" {
				t.Fatalf("%v: %v %v", args, first, err)
			}
			after := wrote()
			if source = first["source"].(string); after == before {
				t.Errorf("%v: nothing was written", args)
			}
			for range 2 {
				again, err := run(step.text, args...)
				if now := wrote(); err != nil || jsonOf(again) != jsonOf(first) || now != after {
					t.Errorf("%v, again: %v and not %v, %v; %d entries", args, again, first, err, now-after)
				}
			}
		}
		if _, err := run("di@example.com,active\n", "--into", source, "--key", "third"+where[0]); errs.Public(err).Code != errs.Conflict {
			t.Errorf("another file under a key that was used: %v", err)
		}
	}
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
