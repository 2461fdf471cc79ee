// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

// fixed is a source that gives what the test says, or fails as the test says.
type fixed struct {
	kinds     []string
	resources *[]collect.Resource
	manifest  func() (collect.Manifest, error)
}

func (f fixed) Describe() collect.Description {
	return collect.Description{Kinds: f.kinds, Query: "what the test says"}
}

func (f fixed) Collect(_ context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	if err := page(collect.Page{Resources: *f.resources, Raw: []byte("raw")}); err != nil {
		return collect.Manifest{}, err
	}
	if f.manifest != nil {
		return f.manifest()
	}
	m := collect.Manifest{Complete: true, Counts: map[string]int{}}
	for _, k := range f.kinds {
		m.Counts[k] = 0
	}
	for _, r := range *f.resources {
		m.Counts[r.Kind]++
	}
	return m, nil
}

// firm is a small company with one source of identities.
type firm struct {
	*site.App
	org   string
	me    op.Actor
	users []collect.Resource
	wrong func() (collect.Manifest, error)
	parts site.Parts
	kinds []string // that the source supplies; identities where none are named
	clock interface {
		Move(time.Duration)
		Now() time.Time
	}
}

func newFirm(t *testing.T, database string) *firm {
	t.Helper()
	f := &firm{}
	given := map[string]string{"data": t.TempDir(), "log_level": "error"}
	if database != "" {
		given["database"] = database
	}
	cfg, err := site.Load(given)
	if err != nil {
		t.Fatal(err)
	}
	c := testkit.NewClock()
	f.clock = c
	connector := collect.Connector{Name: "fixed", Title: "Fixed", Doc: "For tests.", New: func(json.RawMessage) (collect.Source, error) {
		kinds := f.kinds
		if kinds == nil {
			kinds = []string{"idp.user"}
		}
		return fixed{kinds, &f.users, f.wrong}, nil
	}}
	f.parts = site.Parts{Clock: c, Connectors: []collect.Connector{connector}}
	f.App, err = site.Open(t.Context(), cfg, f.parts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if f.org, err = f.Found(t.Context(), "Example Ltd", "owner@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := f.Connect(t.Context(), f.org, "identities", "fixed", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	f.me = site.Here(f.org)
	return f
}

func user(name string, mfa any) collect.Resource {
	a := map[string]any{"email": name + "@example.com", "status": "active", "is_service": false}
	if mfa != nil {
		a["mfa_enrolled"] = mfa
	}
	return collect.Resource{Kind: "idp.user", Key: name, Name: name, Attrs: a}
}

func (f *firm) check(t *testing.T) {
	t.Helper()
	if _, err := f.Works.Cycle(t.Context(), f.org, store.System("check.run"), "manual", nil, nil); err != nil {
		t.Fatal(err)
	}
}

func (f *firm) test(t *testing.T, id string) *report.TestDetail {
	t.Helper()
	d, err := op.Do[*report.TestDetail](t.Context(), f.Gate, f.me, "test.get", map[string]any{"id": id, "days": 10}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func firms(t *testing.T, fn func(*testing.T, *firm)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, newFirm(t, "")) })
	if !testkit.Fast() {
		t.Run("postgres", func(t *testing.T) { fn(t, newFirm(t, testkit.PostgresDSN(t))) })
	}
}

func TestAFailedDayStaysFailed(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jo", false), user("kim", true)}
		f.check(t)
		if d := f.test(t, "idp.mfa_all"); d.State != "fail" || d.Failed != 1 || d.Spans[0].Letter != "F" {
			t.Fatalf("one of two has no MFA: %+v", d.TestRow)
		}
		f.clock.Move(time.Hour)
		f.users[0] = user("jo", true)
		f.check(t)
		d := f.test(t, "idp.mfa_all")
		if d.State != "pass" || d.Spans[0].Letter != "F" {
			t.Errorf("mended within the day: state %s, letter %s; want pass and F (INV-05)", d.State, d.Spans[0].Letter)
		}
		f.clock.Move(24 * time.Hour)
		f.check(t)
		if d = f.test(t, "idp.mfa_all"); d.Spans[0].Letter != "P" || d.Spans[1].Letter != "F" {
			t.Errorf("the next day: %v", d.Spans)
		}
		f.clock.Move(48 * time.Hour)
		f.check(t)
		if d = f.test(t, "idp.mfa_all"); d.Spans[0].Letter != "P" || d.Spans[1].Letter != "N" || d.Spans[1].Days != 1 {
			t.Errorf("after a day without a run: %v", d.Spans)
		}
	})
}

// Whatever a source does wrong, it is never a pass, and what it showed before stays and is marked old.
func TestASourceThatFailsNeverPasses(t *testing.T) {
	faults := map[string]func() (collect.Manifest, error){
		"a page cut short": func() (collect.Manifest, error) {
			return collect.Manifest{Complete: true, Counts: map[string]int{"idp.user": 50}}, nil
		},
		"half an answer": func() (collect.Manifest, error) {
			return collect.Manifest{Reason: "page 2 of 9 did not come", Counts: map[string]int{"idp.user": 1}}, nil
		},
		"an error page with status 200": func() (collect.Manifest, error) { return collect.Manifest{}, errorPage{} },
		"an end without a count": func() (collect.Manifest, error) {
			return collect.Manifest{Complete: true, Counts: map[string]int{}}, nil
		},
		"a panic in the connector":           func() (collect.Manifest, error) { panic("nil map") },
		"an error in the middle":             func() (collect.Manifest, error) { return collect.Manifest{}, context.DeadlineExceeded },
		"an empty list where there are some": nil,
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			f := newFirm(t, "")
			f.users = []collect.Resource{user("jo", true)}
			f.check(t)
			if d := f.test(t, "idp.mfa_all"); d.State != "pass" {
				t.Fatalf("the good run: %+v", d.TestRow)
			}
			f.clock.Move(24 * time.Hour)
			f.users, f.wrong = []collect.Resource{user("jo", true)}, fault
			if fault == nil {
				f.users = nil
			}
			f.check(t)
			d := f.test(t, "idp.mfa_all")
			if d.State != "error" || d.Spans[0].Letter != "E" || d.Reason == "" {
				t.Errorf("with the fault: %s %s %q; want error, E and a reason", d.State, d.Spans[0].Letter, d.Reason)
			}
			list, err := op.Do[*report.ResultPage](t.Context(), f.Gate, f.me, "test.results", map[string]any{"id": "idp.mfa_all"}, time.Time{})
			if err != nil || (fault != nil && len(list.Data) != 1) {
				t.Errorf("what was known before is gone: %v %+v", err, list)
			}
			res, err := op.Do[collect.ResourcePage](t.Context(), f.Gate, f.me, "resource.list", map[string]any{"kind": "idp.user"}, time.Time{})
			if err != nil || (fault != nil && len(res.Data) != 1) {
				t.Errorf("the resource itself is gone: %v %+v", err, res)
			}
		})
	}
}

type errorPage struct{}

func (errorPage) Error() string {
	return "status 200, and the body is an HTML page: <title>Maintenance</title>"
}

func TestAnUnknownAttributeIsShownAsUnknownWithItsReason(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{user("jo", nil)}
	f.users[0].Why = map[string]string{"mfa_enrolled": "the token may not read it"}
	f.check(t)
	d := f.test(t, "idp.mfa_all")
	if d.State != "unknown" || d.Spans[0].Letter != "N" || !contains(d.Reason, "the token may not read it") {
		t.Errorf("%s %s %q", d.State, d.Spans[0].Letter, d.Reason)
	}
}

func contains(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

func TestAnUnchangedRunWritesNothingButItself(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		for range 3 {
			f.users = append(f.users, user(string(rune('a'+len(f.users)))+"x", true))
		}
		f.check(t)
		f.clock.Move(time.Hour)
		var before, after int64
		size := func(n *int64) {
			f.DB.View(t.Context(), f.org, time.Time{}, store.System("test"), func(v *store.View) error { *n = v.At; return nil })
		}
		f.check(t) // readiness may change once more, as the first check was kept
		size(&before)
		f.clock.Move(time.Hour)
		f.check(t)
		size(&after)
		if n := after - before; n != 3 { // two collection runs (identities, this platform) and one check
			t.Errorf("%d entries written by a repeat run, want 3: the two runs and the check", n)
		}
	})
}

func TestThePastReadsAsItWas(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jo", false)}
		f.check(t)
		then := f.DB.Clock().Now()
		f.clock.Move(24 * time.Hour)
		f.users[0] = user("jo", true)
		f.check(t)
		d, err := op.Do[*report.TestDetail](t.Context(), f.Gate, f.me, "test.get", map[string]any{"id": "idp.mfa_all", "days": 5}, then)
		if err != nil || d.State != "fail" || d.Newest != check.DayOf(then, time.UTC).String() {
			t.Errorf("as of yesterday: %v %+v", err, d)
		}
		o, err := op.Do[*report.Overview](t.Context(), f.Gate, f.me, "readiness.get", struct{}{}, then)
		if err != nil || !o.At.Equal(then) {
			t.Errorf("readiness as of yesterday: %v %+v", err, o)
		}
	})
}

// A control's page reads only what that control stands on. It must say what the whole board says.
func TestAControlAloneReadsAsItDoesOnTheBoard(t *testing.T) {
	firms(t, func(t *testing.T, f *firm) {
		f.users = []collect.Resource{user("jo", false), user("li", true)}
		var moments []time.Time
		for day := range 4 {
			f.users[0] = user("jo", []any{false, true, nil, false}[day])
			f.check(t)
			moments = append(moments, f.DB.Clock().Now())
			f.clock.Move(25 * time.Hour)
		}
		by, letters := store.System("test"), map[string]bool{}
		for _, at := range append(moments, time.Time{}) {
			if err := f.DB.View(t.Context(), f.org, at, by, func(v *store.View) error {
				whole := &report.Boards{DB: f.DB, Rules: f.Boards.Rules}
				board, err := whole.Of(t.Context(), v, 10)
				if err != nil {
					return err
				}
				if len(board.Controls) < 60 {
					t.Fatalf("%d controls", len(board.Controls))
				}
				for _, want := range board.Controls {
					alone := &report.Boards{DB: f.DB, Rules: f.Boards.Rules} // nothing is kept from before
					_, got, err := alone.Control(t.Context(), v, 10, want.Control.Ref)
					if err != nil {
						return err
					}
					if a, b := text(t, got), text(t, want); a != b {
						t.Fatalf("%s as of %s is\n%s\nalone, and on the board\n%s", want.Control.Ref, at, a, b)
					}
					for _, l := range want.Letters {
						letters[l.String()] = true
					}
				}
				for _, name := range []string{board.Controls[0].Control.ID, "iam-02"} {
					if _, got, err := whole.Control(t.Context(), v, 10, name); err != nil || got == nil {
						t.Errorf("%s is not found on the board: %v", name, err)
					}
					if _, got, err := (&report.Boards{DB: f.DB, Rules: f.Boards.Rules}).Control(t.Context(), v, 10, name); err != nil || got == nil {
						t.Errorf("%s is not found alone: %v", name, err)
					}
				}
				_, none, err := (&report.Boards{DB: f.DB, Rules: f.Boards.Rules}).Control(t.Context(), v, 10, "NON-99")
				if none != nil {
					t.Error("a control was found that is not there")
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if len(letters) < 2 {
			t.Errorf("only %v was compared", letters)
		}
	})
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
