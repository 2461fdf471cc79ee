// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/rest"
	"assay/internal/site"
	"assay/internal/store"
)

// command runs one command line in this process.
func command(t *testing.T, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	x := &tool{out: &o, errOut: &e}
	defer x.close()
	root := x.root()
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(args)
	root.SetContext(t.Context())
	err = root.Execute()
	return o.String(), e.String(), err
}

// house is a data folder with an organisation whose days end eleven hours before those of UTC.
func house(t *testing.T) (a *site.App, org, dir string, c *clock.Fake) {
	t.Helper()
	dir = t.TempDir()
	cfg, err := site.Load(map[string]string{"data": dir, "log_level": "error"})
	if err != nil {
		t.Fatal(err)
	}
	c = clock.NewFake(time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC))
	if a, err = site.Open(t.Context(), cfg, site.Parts{Clock: c}); err != nil {
		t.Fatal(err)
	}
	if org, err = a.Found(t.Context(), "Example Ltd", "owner@example.com"); err != nil {
		t.Fatal(err)
	}
	o, err := op.Do[map[string]any](t.Context(), a.Gate, site.Here(org), "organization.get", map[string]string{"id": org}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]any{"id": org, "rev": o["rev"], "timezone": "Pacific/Auckland"}
	if _, err := op.Do[map[string]any](t.Context(), a.Gate, site.Here(org), "organization.update", in, time.Time{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	c.Set(time.Date(2026, 3, 5, 9, 0, 0, 0, time.UTC)) // the zone has held since the end of the day on which it was set
	return a, org, dir, c
}

// serve serves REST for an owner of the organisation.
func serve(t *testing.T, a *site.App, org string) string {
	t.Helper()
	h := rest.Handler(a.Gate, func(*http.Request) (op.Actor, error) { return site.Here(org), nil }, rest.Options{})
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestEveryReadOfTheCommandLineTakesAMoment(t *testing.T) {
	a, org, dir, c := house(t)
	size := func() (n int64) {
		if err := a.DB.View(t.Context(), org, time.Time{}, store.System("test"), func(v *store.View) error { n = v.At; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := size()
	c.Set(time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)) // in Auckland the next day has begun
	if _, err := op.Do[map[string]any](t.Context(), a.Gate, site.Here(org), "person.create", map[string]string{"name": "Jo Doe"}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	after := size()
	c.Set(time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC))
	server := serve(t, a, org)

	for _, where := range [][]string{{"--data", dir}, {"--server", server}} {
		at := func(moment string) int64 {
			out, _, err := command(t, "", append([]string{"status", "--json", "--as-of", moment}, where...)...)
			var s struct{ Size int64 }
			if json.Unmarshal([]byte(out), &s); err != nil || s.Size == 0 {
				t.Errorf("%v as of %s: %v %s", where, moment, err, out)
			}
			return s.Size
		}
		if got := at("2026-03-05"); got != before {
			t.Errorf("%v: the day ended with %d entries in its time zone, and status says %d", where, before, got)
		}
		if got := at("2026-03-06"); got != after {
			t.Errorf("%v: a day later there were %d entries, and status says %d", where, after, got)
		}
		if got := at("2026-03-05T11:59:00Z"); got != before {
			t.Errorf("%v: at the moment there were %d entries, and status says %d", where, before, got)
		}
		for _, name := range []string{"readiness", "criteria", "status"} {
			if out, _, err := command(t, "", append([]string{name, "--as-of", "2026-03-05"}, where...)...); err != nil || out == "" {
				t.Errorf("%s: %v", name, err)
			}
			for _, wrong := range []string{"yesterday", "05.03.2026", "", "2026-02-30", "2027-01-01"} {
				_, _, err := command(t, "", append([]string{name, "--as-of=" + wrong}, where...)...)
				if e := errs.Public(err); e.Field != "as_of" || e.Fix == "" {
					t.Errorf("%s as of %q: %v", name, wrong, err)
				}
			}
		}
	}
}

// Of the commands that are no single operation, those that read take the flag, and those that do not have none.
func TestOnlyReadsHaveTheFlagOfTheMoment(t *testing.T) {
	x := &tool{out: &bytes.Buffer{}, errOut: &bytes.Buffer{}}
	for _, c := range x.root().Commands() {
		for _, verb := range c.Commands() {
			o := x.set.Find(strings.ReplaceAll(c.Name(), "-", "_") + "." + strings.ReplaceAll(verb.Name(), "-", "_"))
			if o != nil && (verb.Flags().Lookup("as-of") != nil) != (!o.Writes && !o.Slow) {
				t.Errorf("%s: the flag of the moment is as it should not be", o.Name)
			}
		}
	}
}
