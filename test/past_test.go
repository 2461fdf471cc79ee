// SPDX-License-Identifier: Apache-2.0

package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

// spring is a company with twelve closed days that hold all letters, over the whole product with a clock of its own. Its
// strips are written here as they must stay, whatever is done afterwards.
type spring struct {
	*maker
	app    *site.App
	clock  *clock.Fake
	org    string
	users  []collect.Resource // what the sources give
	broken error
	ids    map[string]string // of what was made: by ref, or by what it is
	days   []check.Day       // those that are closed, oldest first

	standard func() (*check.Catalogue, error) // what the program brings along
}

// strips are the letters of the twelve days. OWN-01 stands on one test; OWN-02 on evidence; OWN-03 on a test that finds
// nothing to look at; OWN-04 on the same test as OWN-01 and on a policy, and is retired on the tenth day; OWN-05 has its
// test from the seventh day on, the day for which idp.mfa_all was paused.
var strips = map[string]string{
	"idp.mfa_all": "NPPFXFZEEFFP",
	"vcs.2fa":     "N–––––NEE–––",
	"OWN-01":      "–PPFXFZEEFFP",
	"OWN-02":      "–NPPPFFFFPPF",
	"OWN-03":      "––––––NEE–––",
	"OWN-04":      "–FFFXFZEEF––",
	"OWN-05":      "––––––NEEFFP",
	"CC1.5":       "NPPFXFZEEFFP",
	"A1.1":        "––––––––––––",
}

// source is a connector that gives what the company says.
func (s *spring) source(kindName string, given func() []collect.Resource) collect.Connector {
	name := "given_" + strings.ReplaceAll(kindName, ".", "_")
	return collect.Connector{Name: name, Title: "Given", Doc: "Gives what a test says.", New: func(json.RawMessage) (collect.Source, error) {
		return givenSource{kindName, func() ([]collect.Resource, error) { return given(), s.broken }}, nil
	}}
}

type givenSource struct {
	kind string
	give func() ([]collect.Resource, error)
}

func (g givenSource) Describe() collect.Description {
	return collect.Description{Kinds: []string{g.kind}, Query: "what the test says"}
}

func (g givenSource) Collect(_ context.Context, page func(collect.Page) error) (collect.Manifest, error) {
	all, err := g.give()
	if err == nil {
		err = page(collect.Page{Resources: all})
	}
	return collect.Manifest{Complete: true, Counts: map[string]int{g.kind: len(all)}}, err
}

func account(name string, mfa bool) collect.Resource {
	a := map[string]any{"email": name + "@spring.example.com", "status": "active", "is_service": false, "mfa_enrolled": mfa}
	return collect.Resource{Kind: "idp.user", Key: name, Name: name, Attrs: a}
}

// newSpring founds the company and lives its twelve days. database is empty for SQLite.
func newSpring(t *testing.T, database string) *spring {
	t.Helper()
	s := openSpring(t, database)
	s.found(t)
	for day := range 12 {
		s.live(t, day)
		s.clock.Set(testkit.Start.AddDate(0, 0, day+1))
	}
	first := check.DayOf(testkit.Start, time.UTC)
	for i := range 12 {
		s.days = append(s.days, first+check.Day(i))
	}
	return s
}

func openSpring(t *testing.T, database string) *spring {
	t.Helper()
	s := &spring{clock: testkit.NewClock(), ids: map[string]string{}, standard: builtIn}
	given := map[string]string{"data": t.TempDir(), "log_level": "error"}
	if database != "" {
		given["database"] = database
	}
	cfg, err := site.Load(given)
	if err != nil {
		t.Fatal(err)
	}
	people := s.source("idp.user", func() []collect.Resource { return s.users })
	members := s.source("vcs.member", func() []collect.Resource { return nil })
	s.app, err = site.Open(t.Context(), cfg, site.Parts{Clock: s.clock, Connectors: []collect.Connector{people, members, fixed},
		Catalogue: func() (*check.Catalogue, error) { return s.standard() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.app.Close() })
	if s.org, err = s.app.Found(t.Context(), "Example Ltd", "owner@example.com"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []collect.Connector{people, members} {
		if err := s.app.Connect(t.Context(), s.org, c.Name, c.Name, map[string]any{}); err != nil {
			t.Fatal(err)
		}
	}
	h := &testkit.House{Engine: s.app.DB.Engine(), Dir: s.app.Data, Store: s.app.DB, Gate: s.app.Gate, Clock: s.clock, Set: s.app.Set}
	s.maker = &maker{world: s.world(), h: h, ready: map[string]map[string]string{}, learned: map[string]map[string]bool{}, tb: t}
	return s
}

// world is what the operations of the company want to know.
func (s *spring) world() world {
	people := map[op.Role]op.Actor{}
	id := func(what string) func(*maker, string) any { return func(*maker, string) any { return s.ids[what] } }
	given := real().given
	given["control_version.create"] = map[string]any{"control": id("OWN-05"), "title": mark + "0000 title"}
	given["control.confirm"] = map[string]any{"id": id("IAM-03"), "rev": func(m *maker, _ string) any { return s.thing(m.tb, "control", s.ids["IAM-03"])["rev"] }}
	given["test_pause.create"] = map[string]any{"test": "idp.mfa_all", "ends_at": func(*maker, string) any { return clock.Format(s.clock.Now().AddDate(0, 0, 6)) }}
	files := &parts{}
	for _, name := range []string{"rule_file.update", "rule_file.approve", "rule_file.reject"} {
		given[name] = map[string]any{"id": func(m *maker, org string) any { files.house = m.h; return files.ruleFile(m, org) }}
	}
	// Two definitions of one test cannot stand side by side: each is of another one.
	defined := 0
	given["definition.create"] = map[string]any{"reason": "It matters more to us.", "text": func(m *maker, _ string) any {
		c, err := builtIn()
		if err != nil {
			m.tb.Fatal(err)
		}
		for {
			r := c.Rules()[defined]
			if defined++; r.Def.Severity != "critical" && !slices.Contains([]string{"idp.dormant", "idp.mfa_all", "vcs.2fa"}, r.Def.ID) {
				return "tests:\n  - id: " + r.Def.ID + "\n    severity: critical\n"
			}
		}
	}}
	return world{given: given, actor: func(t *testing.T, _ *testkit.House, org string, r op.Role, name string) op.Actor {
		if a, ok := people[r]; ok {
			return a
		}
		p := &grc.Person{Name: "A " + string(r), Email: string(r) + "@example.com", Kind: "employee", State: "active"}
		u := &auth.User{Name: p.Name, Email: p.Email, Roles: []op.Role{op.Owner, op.Manager, op.Admin}, State: "active"}
		if _, err := s.app.DB.Change(t.Context(), org, store.System("test"), func(tx *store.Tx) error {
			if err := store.Put(t.Context(), tx, grc.People, p); err != nil {
				return err
			}
			u.Person = p.ID
			return store.Put(t.Context(), tx, auth.Users, u)
		}); err != nil {
			t.Fatal(err)
		}
		people[r] = op.Actor{Org: org, ID: u.ID, Person: p.ID, Roles: u.Roles, Via: "rest", Session: "s" + string(r)}
		return people[r]
	}}
}

// try calls an operation as one of the two people.
func (s *spring) try(by op.Actor, name string, in map[string]any) (map[string]any, error) {
	o := s.h.Set.Find(name)
	if o == nil {
		return nil, fmt.Errorf("there is no operation %s", name)
	}
	if _, given := in["rev"]; o.Versioned && !given {
		in["rev"] = s.thing(s.tb, o.Kind, fmt.Sprint(in["id"]))["rev"]
	}
	ans, err := s.gate(by, o, in, time.Time{})
	if err != nil {
		return nil, err
	}
	return decoded(s.tb, ans), nil
}

// do calls an operation as the author; agree as another.
func (s *spring) do(t *testing.T, name string, in map[string]any) map[string]any {
	t.Helper()
	out, err := s.try(s.author(s.org), name, in)
	if err != nil {
		t.Fatalf("%s %v: %v", name, in, err)
	}
	return out
}

func (s *spring) agree(t *testing.T, name string, in map[string]any) map[string]any {
	t.Helper()
	out, err := s.try(s.full(s.org), name, in)
	if err != nil {
		t.Fatalf("%s %v: %v", name, in, err)
	}
	return out
}

// thing reads one thing as it is.
func (s *spring) thing(t *testing.T, kindName, id string) map[string]any {
	return s.must(t, s.full(s.org), s.h.Set.Find(kindName+".get"), map[string]any{"id": id})
}

// version changes a control: one proposes it, another approves it.
func (s *spring) version(t *testing.T, ref string, change map[string]any) string {
	t.Helper()
	id := s.propose(t, ref, change)
	s.agree(t, "control_version.approve", map[string]any{"id": id})
	return id
}

func (s *spring) propose(t *testing.T, ref string, change map[string]any) string {
	t.Helper()
	in := map[string]any{"control": s.ids[ref], "reason": "It is done otherwise now"}
	for k, v := range change {
		in[k] = v
	}
	return fmt.Sprint(s.do(t, "control_version.create", in)["id"])
}

// decide decides that something does not apply.
func (s *spring) decide(t *testing.T, subject string, more map[string]any) string {
	t.Helper()
	in := map[string]any{"subject": subject, "decision": "not_applicable", "reason": "We do nothing of the kind"}
	for k, v := range more {
		in[k] = v
	}
	id := fmt.Sprint(s.do(t, "decision.create", in)["id"])
	s.agree(t, "decision.approve", map[string]any{"id": id})
	return id
}

// proof brings a piece of evidence and has it accepted.
func (s *spring) proof(t *testing.T, ref, key string, more map[string]any) string {
	t.Helper()
	info, err := s.h.Gate.Upload(t.Context(), s.author(s.org), strings.NewReader("proof of "+s.clock.Now().String()))
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]any{"title": "A proof", "type": "report", "control": s.ids[ref], "evidence_key": key, "file": info.SHA256, "file_name": "proof.txt"}
	for k, v := range more {
		in[k] = v
	}
	id := fmt.Sprint(s.do(t, "evidence.create", in)["id"])
	s.do(t, "evidence.submit", map[string]any{"id": id})
	s.agree(t, "evidence.accept", map[string]any{"id": id})
	return id
}

// own makes a control as a draft.
func (s *spring) own(t *testing.T, ref string, more map[string]any) {
	t.Helper()
	in := map[string]any{"ref": ref, "title": "A control of our own", "text": "Somebody does something about it.", "set": "custom", "criteria": []string{"CC1.5"}}
	for k, v := range more {
		in[k] = v
	}
	s.ids[ref] = fmt.Sprint(s.do(t, "control.create", in)["id"])
}

func required(tests ...string) []any {
	out := []any{}
	for _, t := range tests {
		out = append(out, map[string]any{"test": t, "role": "required"})
	}
	return out
}

// found makes the company's own controls; those of the library for one criterion do not apply.
func (s *spring) found(t *testing.T) {
	t.Helper()
	var own []*grc.Control
	if err := s.app.DB.View(t.Context(), s.org, time.Time{}, store.System("test"), func(v *store.View) (err error) {
		own, err = store.All(t.Context(), v, grc.Controls, nil)
		if err != nil {
			return err
		}
		policies, err := store.All(t.Context(), v, grc.Policies, map[string]any{"ref": "POL-04"})
		for _, p := range policies {
			s.ids[p.Ref] = p.ID
		}
		reqs, err2 := store.All(t.Context(), v, grc.Requirements, map[string]any{"ref": "CC1.5"})
		for _, r := range reqs {
			s.ids[r.Ref] = r.ID
		}
		return errors.Join(err, err2)
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range own {
		s.ids[c.Ref] = c.ID
		if slices.Contains(c.Criteria, "CC1.5") && c.State == "active" {
			s.decide(t, c.Ref, nil)
		}
	}
	s.own(t, "OWN-01", map[string]any{"tests": required("idp.mfa_all")})
	s.own(t, "OWN-02", map[string]any{"criteria": []string{"CC1.4"}, "evidence": asked("weekly", 3, true)})
	s.own(t, "OWN-03", map[string]any{"criteria": []string{"CC1.3"}, "tests": required("vcs.2fa")})
	s.own(t, "OWN-04", map[string]any{"tests": required("idp.mfa_all"), "criteria": []string{"CC1.2"}, "policies": []string{"POL-04"}})
	s.own(t, "OWN-05", map[string]any{"tests": required("vcs.2fa"), "criteria": []string{"CC1.2"}})
	user := &auth.User{Name: "Somebody", Email: "somebody@example.com", Roles: []op.Role{op.Reader}, State: "active"}
	keeper := &auth.User{Name: "A keeper", Email: "keeper@example.com", Roles: []op.Role{op.Reader}, State: "active"}
	tok := &auth.Token{Name: "A token", Scopes: []string{"read"}, Expires: testkit.Start.AddDate(1, 0, 0), Hash: "none"}
	if _, err := s.app.DB.Change(t.Context(), s.org, store.System("test"), func(tx *store.Tx) error {
		if err := store.Put(t.Context(), tx, auth.Users, user); err != nil {
			return err
		}
		if err := store.Put(t.Context(), tx, auth.Users, keeper); err != nil {
			return err
		}
		tok.Owner = keeper.ID
		return store.Put(t.Context(), tx, auth.Tokens, tok)
	}); err != nil {
		t.Fatal(err)
	}
	s.ready[s.org] = map[string]string{"organization": s.org, "user": user.ID, "token": tok.ID, "requirement": s.ids["CC1.5"]}
}

// live is one day of the company, from its morning on.
func (s *spring) live(t *testing.T, day int) {
	t.Helper()
	s.users, s.broken = []collect.Resource{account("jo", slices.Contains([]int{1, 2, 6, 11}, day)), account("kim", true)}, nil
	switch day {
	case 0, 6:
		return // nobody looked
	case 1:
		for i := 1; i <= 5; i++ {
			s.version(t, fmt.Sprintf("OWN-0%d", i), map[string]any{"action": "activate"})
		}
	case 2:
		s.policy(t, "POL-04", "submit", "approve", "publish")
		s.ids["first proof"] = s.proof(t, "OWN-02", "report", nil)
	case 4:
		in := map[string]any{"title": "Jo has no phone", "test": "idp.mfa_all", "resource": "jo", "reason": "A new phone is on its way",
			"expires_at": clock.Format(s.clock.Now().AddDate(0, 0, 30))}
		s.ids["exception"] = fmt.Sprint(s.do(t, "exception.create", in)["id"])
		s.agree(t, "exception.approve", map[string]any{"id": s.ids["exception"]})
	case 5:
		s.agree(t, "exception.revoke", map[string]any{"id": s.ids["exception"], "revoke_reason": "The phone is there."})
		midnight := s.clock.Now().Truncate(24 * time.Hour)
		in := map[string]any{"test": "idp.mfa_all", "reason": "The provider is replaced tomorrow", "requested_by": s.author(s.org).Person,
			"starts_at": clock.Format(midnight.AddDate(0, 0, 1)), "ends_at": clock.Format(midnight.AddDate(0, 0, 2))}
		s.ids["pause"] = fmt.Sprint(s.do(t, "test_pause.create", in)["id"])
		s.agree(t, "test_pause.approve", map[string]any{"id": s.ids["pause"]})
	case 7, 8:
		s.broken = errors.New("status 503")
	}
	if day == 7 {
		s.version(t, "OWN-05", map[string]any{"tests": required("vcs.2fa", "idp.mfa_all")})
	}
	if day == 8 {
		s.ids["second proof"] = s.proof(t, "OWN-02", "report", nil)
	}
	if _, err := s.app.Works.Cycle(t.Context(), s.org, store.System("check.run"), "schedule", nil, nil); err != nil {
		t.Fatal(err)
	}
	if s.clock.Move(time.Hour); day == 9 {
		s.version(t, "OWN-04", map[string]any{"action": "retire"})
	}
}

// policy leads a policy through its moves.
func (s *spring) policy(t *testing.T, ref string, moves ...string) {
	t.Helper()
	sections := []string{}
	for _, x := range s.thing(t, "policy", s.ids[ref])["sections"].([]any) {
		sections = append(sections, fmt.Sprint(x))
	}
	s.do(t, "policy.update", map[string]any{"id": s.ids[ref], "body": testkit.PolicyText(sections, "Everybody signs in with two factors, always.")})
	for _, m := range moves {
		by := s.do
		if m == "approve" {
			by = s.agree
		}
		by(t, "policy."+m, map[string]any{"id": s.ids[ref]})
	}
}

// board is the board of today over the closed days and the one before them, made from nothing where fresh.
func (s *spring) board(t *testing.T, boards *report.Boards) (b *report.Board) {
	t.Helper()
	if err := s.app.DB.View(t.Context(), s.org, time.Time{}, store.System("test"), func(v *store.View) (err error) {
		b, err = boards.Of(t.Context(), v, 40)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

// fresh are boards that know nothing yet.
func (s *spring) fresh() *report.Boards {
	return &report.Boards{DB: s.app.DB, Rules: s.app.Boards.Rules}
}

// picture is what the closed days say: by subject, face and day.
type picture map[string]string

// take pictures the letters and reasons of every test, control and criterion on the closed days.
func (s *spring) take(t *testing.T, boards *report.Boards) picture {
	t.Helper()
	p, b := picture{}, s.board(t, boards)
	at := map[check.Day]int{}
	for i, d := range b.Days {
		at[d] = i
	}
	for _, d := range append([]check.Day{s.days[0] - 1}, s.days...) {
		i, found := at[d]
		if !found {
			t.Fatalf("the board has no day %s: %v", d, b.Days)
		}
		for id, l := range b.Tests {
			p[fmt.Sprintf("%s test %s", d, id)] = l.Cells[i].Letter.String()
		}
		for _, l := range append(slices.Clone(b.Controls), b.Former...) {
			p[fmt.Sprintf("%s control %s", d, l.Control.Ref)] = fmt.Sprint(l.Letters[i], l.Days[i].Causes)
		}
		for _, l := range b.Criteria {
			p[fmt.Sprintf("%s criterion %s", d, l.Requirement.Ref)] = fmt.Sprint(l.Letters[i], " ", l.Reasons[i])
		}
	}
	return p
}

// differs lists what is not as it was. What is new on a day that is over says – and nothing else, but where it is the strip
// of a control that is shown in one more place.
func (p picture) differs(now picture) (out []string) {
	for k, v := range p {
		if w, there := now[k]; !there || v != w {
			if !there {
				w = "gone"
			}
			out = append(out, fmt.Sprintf("%s was %s and is %s", k, v, w))
		}
	}
	for k, v := range now {
		if _, was := p[k]; !was && strings.Trim(v, "–[] ") != "" && !strings.Contains(k, " row of ") && !strings.Contains(k, " what made ") {
			out = append(out, fmt.Sprintf("%s is new and is %s", k, v))
		}
	}
	slices.Sort(out)
	return out
}

// letters are those of one subject on the closed days, oldest first.
func (p picture) letters(s *spring, what string) string {
	var out strings.Builder
	for _, d := range s.days {
		l := "gone"
		for _, k := range []string{"test", "control", "criterion"} {
			if v, ok := p[fmt.Sprintf("%s %s %s", d, k, what)]; ok {
				l = string([]rune(v)[:1])
			}
		}
		out.WriteString(l)
	}
	return out.String()
}
