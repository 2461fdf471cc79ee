// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/blob"
	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/job"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/testkit"
)

// builtIn compiles the catalogue once for all tests here.
var builtIn = sync.OnceValues(check.BuiltIn)

// real is the product's own set of operations.
func real() world {
	var w *job.Works
	var b *report.Boards
	rules := func(context.Context, *store.View) (*check.Catalogue, error) { return builtIn() }
	r := &parts{}
	return world{
		add: func(s *op.Set) {
			w, b = &job.Works{Log: slog.New(slog.DiscardHandler), Rules: rules, Runner: &collect.Runner{Connectors: []collect.Connector{fixed}}}, &report.Boards{Rules: rules}
			auth.Add(s)
			grc.Add(s, b.Severity)
			collect.Add(s, []collect.Connector{fixed})
			check.Add(s)
			report.Add(s, b)
			w.Add(s)
		},
		prepare: func(t *testing.T, h *testkit.House, org string) map[string]string {
			w.DB, b.DB = h.Store, h.Store
			return r.prepare(t, h, org, w)
		},
		actor: r.actor,
		given: map[string]map[string]any{
			"control.confirm":        {"id": r.unconfirmed, "rev": r.unconfirmedRev},
			"scope_version.create":   {"programme_start": anotherDay()},
			"control_version.create": {"control": r.id("active"), "title": mark + "0000 title"},
			"run.get":                {"id": r.id("run")},
			"resource.get":           {"id": r.id("resource")},
			"resource.history":       {"id": r.id("resource")},
			"resource.status":        {"id": r.id("resource")},
			"test.get":               {"id": "idp.mfa_all"},
			"test.results":           {"id": "idp.mfa_all"},
			"control.status":         {"ref": "IAM-02"},
			"monitoring.controls":    {"criterion": "CC6.1"},
			"monitoring.day":         {"subject": "CC6.1", "day": testkit.Start.Format("2006-01-02")},
			"ledger.entry":           {"seq": 0},
			"source.create":          {"connector": "fixed"},
			"source.preview":         {"connector": "fixed"},
			"user.invite":            {"roles": []string{"guest"}},
			"user.grant":             {"roles": []string{"owner"}},
			"token.create":           {"scopes": []string{"read"}},
			"definition.create":      {"text": "tests:\n  - id: idp.dormant\n    severity: high\n", "reason": "It matters more to us."},
			"test_pause.create":      {"test": "idp.mfa_all", "ends_at": clock.Format(testkit.Start.AddDate(0, 0, 6))},
			"test_pause.update":      {"test": "idp.mfa_all"},
			"test.versions":          {"id": "idp.mfa_all"},
			"rule_file.update":       {"id": r.ruleFile},
			"rule_file.approve":      {"id": r.ruleFile},
			"rule_file.reject":       {"id": r.ruleFile},
			"exception.create":       {"test": "cloud.bucket_versioned"},
		},
		silent: map[string]string{},
		shared: map[string]string{"test.get": "the catalogue is the same for all", "test.results": "the catalogue is the same for all", "test.versions": "the catalogue is the same for all"},
	}
}

// anotherDay is a day that differs each time.
func anotherDay() func(*maker, string) any {
	n := 0
	return func(*maker, string) any {
		n++
		return testkit.Start.AddDate(0, 0, -n).Format(time.DateOnly)
	}
}

// parts are what was prepared, by engine and organisation.
type parts struct {
	ids    map[string]map[string]string
	people map[string]op.Actor
	house  *testkit.House
	files  int
}

func (p *parts) id(what string) func(*maker, string) any {
	return func(_ *maker, org string) any { return p.ids[org][what] }
}

// rev is the revision at which a prepared thing is.
func (p *parts) rev(kindName, what string) func(*maker, string) any {
	return func(m *maker, org string) any {
		return m.must(m.tb, m.full(org), m.h.Set.Find(kindName+".get"), map[string]any{"id": p.ids[org][what]})["rev"]
	}
}

// unconfirmed is a control of the library whose text nobody has confirmed yet.
func (p *parts) unconfirmed(m *maker, org string) any {
	out := m.must(m.tb, m.full(org), m.h.Set.Find("control.list"), map[string]any{"state": "active", "limit": 200})
	for _, x := range out["data"].([]any) {
		if c := x.(map[string]any); c["library"] == true && c["confirmed_at"] == nil {
			p.ids[org]["unconfirmed"] = fmt.Sprint(c["id"])
		}
	}
	return p.ids[org]["unconfirmed"]
}

func (p *parts) unconfirmedRev(m *maker, org string) any {
	p.unconfirmed(m, org)
	return p.rev("control", "unconfirmed")(m, org)
}

// ruleFile is a file of the data folder that waits for approval: the program makes it when it reads the folder.
func (p *parts) ruleFile(_ *maker, org string) any {
	p.files++
	f := &check.RuleFile{Path: fmt.Sprintf("made-%d.yaml", p.files), Text: "tests:\n  - id: idp.dormant\n    severity: high\n", State: "proposed"}
	_, err := p.house.Store.Change(context.Background(), org, store.System("test"), func(tx *store.Tx) error {
		return store.Put(context.Background(), tx, check.RuleFiles, f)
	})
	if err != nil {
		panic(err)
	}
	return f.ID
}

// fixed is a connector that always gives the same.
var fixed = collect.Connector{Name: "fixed", Title: "Fixed", Doc: "Gives always the same.", New: func(json.RawMessage) (collect.Source, error) { return fixedSource{}, nil },
	Over: func(json.RawMessage, string, func() (io.ReadCloser, error)) (collect.Source, error) {
		return fixedSource{}, nil
	}}

type fixedSource struct{}

func (fixedSource) Describe() collect.Description {
	return collect.Description{Kinds: []string{"idp.user"}, Reads: "Nothing.", Query: "none", Version: "1"}
}

func (fixedSource) Collect(_ context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	err := page(collect.Page{Resources: []collect.Resource{{Kind: "idp.user", Key: "jo", Name: "Jo", Attrs: map[string]any{"email": "jo@example.com", "status": "active", "mfa_enrolled": true}}}})
	return collect.Manifest{Complete: true, Counts: map[string]int{"idp.user": 1}}, err
}

// prepare founds an organisation with the library, a source that was read once, and a token.
func (p *parts) prepare(t *testing.T, h *testkit.House, org string, w *job.Works) map[string]string {
	t.Helper()
	if p.house != h {
		p.house, p.ids, p.people = h, map[string]map[string]string{}, map[string]op.Actor{}
	}
	keep := func(org string) (blob.Store, error) { return blob.OpenFolder(filepath.Join(h.Dir, "files", org)) }
	h.Gate.Files = keep
	w.Runner.Keep = func(ctx context.Context, org string, r io.Reader) (kind.SHA256, error) {
		s, err := keep(org)
		if err != nil {
			return "", err
		}
		info, err := s.Put(ctx, r, 0)
		return kind.SHA256(info.SHA256), err
	}
	by := store.System("test")
	tok := &auth.Token{Name: "A token", Scopes: []string{"read"}, Expires: testkit.Start.AddDate(1, 0, 0), Hash: "none"}
	src := &collect.SourceThing{Name: "Fixed", Connector: "fixed", IntervalHours: 24, State: "enabled"}
	var user *auth.User
	_, err := h.Store.Change(t.Context(), org, by, func(tx *store.Tx) error {
		person := &grc.Person{Name: "Jo Doe", Email: "jo@example.com", Kind: "employee", State: "active"}
		if err := grc.Found(t.Context(), tx, "Example "+org, "", person); err != nil {
			return err
		}
		if err := grc.Install(t.Context(), tx, []string{"base"}); err != nil {
			return err
		}
		user = &auth.User{Name: "Jo Doe", Email: "jo@example.com", Person: person.ID, Roles: []op.Role{op.Owner}, State: "active"}
		if err := store.Put(t.Context(), tx, auth.Users, user); err != nil {
			return err
		}
		// The token is of somebody whom no operation of the tests touches: it ends with the rights of its owner.
		keeper := &auth.User{Name: "Kim Doe", Email: "kim@example.com", Roles: []op.Role{op.Owner}, State: "active"}
		if err := store.Put(t.Context(), tx, auth.Users, keeper); err != nil {
			return err
		}
		tok.Owner = keeper.ID
		if err := store.Put(t.Context(), tx, auth.Tokens, tok); err != nil {
			return err
		}
		return store.Put(t.Context(), tx, collect.Sources, src)
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.Read(t.Context(), org, by, src)
	if err != nil || run.State != collect.Complete {
		t.Fatalf("%v %+v", err, run)
	}
	ids := map[string]string{"organization": org, "token": tok.ID, "run": run.ID}
	var list collect.ResourcePage
	list, err = op.Do[collect.ResourcePage](t.Context(), h.Gate, op.System(org), "resource.list", struct{}{}, testkit.Start)
	if err != nil || len(list.Data) == 0 {
		t.Fatalf("resources: %v %v", err, list)
	}
	ids["resource"] = list.Data[0].ID
	if err := h.Store.View(t.Context(), org, time.Time{}, by, func(v *store.View) error {
		all, err := store.All(t.Context(), v, grc.Controls, map[string]any{"ref": "IAM-02"})
		if len(all) == 1 {
			ids["active"] = all[0].ID
		}
		if err != nil {
			return err
		}
		criteria, err := store.All(t.Context(), v, grc.Requirements, map[string]any{"ref": "CC6.1"})
		if len(criteria) == 1 {
			ids["requirement"] = criteria[0].ID
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	p.ids[org] = ids
	ids["user"] = user.ID
	ids["rule_file"] = p.ruleFile(nil, org).(string)
	return ids
}

// actor is a user of the organisation with one role.
func (p *parts) actor(t *testing.T, h *testkit.House, org string, r op.Role, name string) op.Actor {
	t.Helper()
	k := org + string(r) + name
	if a, ok := p.people[k]; ok {
		return a
	}
	u := &auth.User{Name: "A " + string(r), Email: string(r) + name + "@example.com", Roles: []op.Role{r}, State: "active"}
	if _, err := h.Store.Change(t.Context(), org, store.System("test"), func(tx *store.Tx) error {
		who := &grc.Person{Name: u.Name, Email: u.Email, Kind: "employee", State: "active"}
		if err := store.Put(t.Context(), tx, grc.People, who); err != nil {
			return err
		}
		u.Person = who.ID
		return store.Put(t.Context(), tx, auth.Users, u)
	}); err != nil {
		t.Fatal(err)
	}
	p.people[k] = op.Actor{Org: org, ID: u.ID, Person: u.Person, Roles: u.Roles, Via: "rest", Session: "session"}
	return p.people[k]
}

func TestEveryOperationOfTheProductHoldsTheRules(t *testing.T) { derived(t, real()) }
