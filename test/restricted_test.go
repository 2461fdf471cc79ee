// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/testkit"
)

// Whoever may not view all of a kind is told nothing of what it guards that is not his own, by any operation, now or as of any moment, and
// cannot tell it from what never was. Derived from the role table, the tags and the list of operations.
func TestWhatIsRestrictedIsHiddenFromWhoMayNotSeeAll(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, held := newMaker(t, h, w), 0
		for _, sh := range h.Set.Shapes() {
			for _, f := range sh.Fields {
				for _, r := range op.Role("").Values() {
					if reach := op.May(op.Role(r), sh.Object, "view"); f.Guards != "" && reach != op.Every {
						if reach == op.Open {
							held++
						}
						m.hides(t, sh, f, m.actor(testkit.Org, op.Role(r), ""))
					}
				}
			}
		}
		if held == 0 {
			t.Error("no role is kept from anything: this proves nothing")
		}
	})
}

const telling = "zxsecretzx"

// hides makes a thing that was open, is guarded, and can be found by its words, and one beside it that stays open.
func (m *maker) hides(t *testing.T, sh kind.Shape, f kind.Field, a op.Actor) {
	create, update := m.h.Set.Find(sh.Name+".create"), m.h.Set.Find(sh.Name+".update")
	add := func(name string) map[string]any {
		in := m.fresh(m.input(t, testkit.Org, create, true))
		in[f.Name], in[sh.Label] = f.Enum[0], telling+" "+name
		return m.must(t, m.author(testkit.Org), create, in)
	}
	open, thing := add("for all"), add("for few")
	m.h.Clock.Move(time.Hour)
	before := m.h.Clock.Now()
	m.h.Clock.Move(time.Hour)
	thing = m.must(t, m.author(testkit.Org), update, map[string]any{"id": thing["id"], "rev": thing["rev"], f.Name: f.Guards})
	id, seen := thing["id"].(string), 0
	m.must(t, m.full(testkit.Org), m.h.Set.Find(sh.Name+".get"), map[string]any{"id": id}) // its reading is written down too
	m.h.Clock.Move(time.Hour)
	for _, moment := range []time.Time{{}, before} {
		for _, o := range m.h.Set.All() {
			if o.Writes || o.Slow || !m.h.Gate.May(a, o.Name) {
				continue
			}
			ask := m.input(t, testkit.Org, o, true)
			switch {
			case o.Kind == sh.Name && takesID(o):
				ask["id"] = id
				_, err := m.gate(a, o, ask, moment)
				gone := map[string]any{"id": m.nonexistent(id)}
				_, want := m.gate(a, o, gone, moment)
				if !errors.Is(err, errs.NotFound) || !same(err, id, want, gone["id"]) {
					t.Errorf("%s of what is %s, at %v: %v, and of nothing %v", o.Name, f.Guards, moment, err, want)
				}
				ask["id"] = open["id"]
			case takesID(o):
				continue
			}
			if field(o, "q").Name != "" {
				ask["q"] = telling
			}
			if field(o, "limit").Name != "" {
				ask["limit"] = 200
			}
			ans, err := m.gate(a, o, ask, moment)
			if err != nil && !errors.Is(err, errs.NotFound) && !errors.Is(err, errs.Denied) {
				t.Errorf("%s: %v", o.Name, err)
			}
			text := asText(t, ans)
			if strings.Contains(text, id) || strings.Contains(text, telling+" for few") {
				t.Errorf("%s, at %v, tells %s of what is %s", o.Name, moment, a.Roles, f.Guards)
			}
			seen += strings.Count(text, open["id"].(string))
		}
	}
	for _, x := range sh.Fields {
		if x.Format != "sha256" {
			continue
		}
		_, _, err := m.h.Gate.Download(t.Context(), a, sh.Name, id, x.Name)
		if !errors.Is(err, errs.NotFound) && !errors.Is(err, errs.Denied) {
			t.Errorf("the file of what is %s gives %s %v", f.Guards, a.Roles, err)
		}
	}
	if seen < 4 && op.May(a.Roles[0], sh.Object, "view") == op.Open {
		t.Errorf("what is not %s was seen %d times: this proves nothing", f.Guards, seen)
	}
	for seq := range m.size(t, testkit.Org) { // every entry of the ledger
		ans, err := m.gate(a, m.h.Set.Find("ledger.entry"), map[string]any{"seq": seq}, time.Time{})
		if text := asText(t, ans); err == nil && strings.Contains(text, id) {
			t.Errorf("entry %d tells of %s: %s", seq, id, text)
		}
	}
}

func asText(t *testing.T, ans op.Answer) string {
	t.Helper()
	b, err := json.Marshal(ans.Out)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s", b)
}

// What is restricted still proves its control, to whoever looks; only who may see it is told which piece it is.
func TestARestrictedPieceProvesItsControlWithoutBeingShown(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		status := func(r op.Role) report.EvidenceRow {
			t.Helper()
			a := op.Actor{Org: p.org, ID: "usr_" + string(r), Roles: []op.Role{r}, Via: "rest"}
			s, err := op.Do[*report.ControlStatus](t.Context(), p.app.Gate, a, "control.status", map[string]any{"ref": "IAM-02"}, time.Time{})
			fine(t, err)
			return s.Evidence[0]
		}
		want := status(op.Manager)
		me, other := op.Actor{Org: p.org, ID: "usr_1", Roles: []op.Role{op.Self}, Via: "rest"}, op.Actor{Org: p.org, ID: "usr_2", Person: "per_2", Roles: []op.Role{op.Self}, Via: "rest", Session: "session"}
		do := func(a op.Actor, name string, in map[string]any) map[string]any {
			t.Helper()
			out, err := op.Do[map[string]any](t.Context(), p.app.Gate, a, name, in, time.Time{})
			fine(t, err)
			return out
		}
		l := do(me, "control.list", map[string]any{"ref": "IAM-02"})
		control := l["data"].([]any)[0].(map[string]any)["id"]
		f, err := p.app.Gate.Upload(t.Context(), me, strings.NewReader("who has a second factor"))
		fine(t, err)
		e := do(me, "evidence.create", map[string]any{"title": "Payroll", "type": want.Type, "control": control, "evidence_key": want.Key, "classification": "restricted", "file": f.SHA256})
		e = do(me, "evidence.submit", map[string]any{"id": e["id"], "rev": e["rev"]})
		do(other, "evidence.accept", map[string]any{"id": e["id"], "rev": e["rev"]})
		for role, piece := range map[op.Role]string{op.Reader: "", op.Manager: e["id"].(string)} {
			if got := status(role); got.State != "current" || got.Piece != piece {
				t.Errorf("%s is told %+v", role, got)
			}
			if got := p.pieceOfToday(role, want.Key); got != piece {
				t.Errorf("the day tells %s of piece %q, want %q", role, got, piece)
			}
		}
		p.signIn()
		p.wants(p.get("/evidence"), 200, "Payroll", "1 shown<")
		u, err := op.Do[auth.Invited](t.Context(), p.app.Gate, site.Here(p.org), "user.invite", map[string]any{"name": "Ro", "email": "ro@example.com", "roles": []string{"reader"}}, time.Time{})
		fine(t, err)
		p.http.Jar, err = cookiejar.New(nil)
		fine(t, err)
		p.wants(p.post("/sign-in/link", "token", strings.TrimPrefix(u.Path, "/welcome?code="), "password", "a password of a reader"), 303)
		p.wants(p.post("/sign-in", "email", "ro@example.com", "password", "a password of a reader"), 303)
		if s := p.wants(p.get("/evidence"), 200, "is not shown to you and not counted here"); strings.Contains(s.text, "Payroll") {
			t.Error("the list shows it")
		}
		p.wants(p.get("/controls/IAM-02"), 200, "Restricted: not shown to you")
		p.wants(p.get("/evidence/"+e["id"].(string)), 404)
	})
}

// pieceOfToday is the piece that the report of today's IAM-02 names to a role.
func (p *people) pieceOfToday(r op.Role, key string) string {
	a := op.Actor{Org: p.org, ID: "usr_" + string(r), Roles: []op.Role{r}, Via: "rest"}
	d, err := op.Do[*report.DayReport](p.t.Context(), p.app.Gate, a, "monitoring.day", map[string]any{"subject": "IAM-02", "day": p.clock.Now().UTC().Format(time.DateOnly)}, time.Time{})
	fine(p.t, err)
	for _, x := range d.Parts {
		if x.Kind == "evidence" && x.Ref == key {
			return x.Piece
		}
	}
	p.t.Errorf("the day says nothing of %s: %+v", key, d.Parts)
	return ""
}

// Why restricted evidence was taken back is as restricted as the evidence.
func TestTheWithdrawalOfARestrictedPieceTellsNothingOfIt(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := c.do(c.manager, "evidence.create", map[string]any{"title": telling, "type": "log", "classification": "restricted", "control": c.controlID("IAM-02"), "evidence_key": "mfa_setting", "source_locator": "https://example.com/export"})
		e = c.next(c.manager, "evidence.submit", e)
		e = c.next(c.owner, "evidence.accept", e)
		c.next(c.owner, "evidence.withdraw", e, "reason", "It names "+telling)
		reader := op.Actor{Org: c.org, ID: "usr_reader", Roles: []op.Role{op.Reader}, Via: "rest"}
		l := asText(t, op.Answer{Out: c.do(reader, "changes.list", map[string]any{})})
		if strings.Contains(l, telling) || strings.Contains(l, e["id"].(string)) || !strings.Contains(l, "Restricted: not shown to you") {
			t.Errorf("the reader is told: %s", l)
		}
	})
}

// Who has no right to a thing is not told what it is called by the list of approvals, only that there is one.
func TestTheListOfApprovalsNamesOnlyWhatOneMayView(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		row := c.do(c.admin, "organization.get", map[string]any{"id": c.org})
		c.do(c.admin, "organization.update", map[string]any{"id": c.org, "rev": row["rev"], "solo_mode": true})
		e := c.do(c.manager, "evidence.create", map[string]any{"title": telling, "type": "log", "source_locator": "https://example.com/export"})
		e = c.next(c.manager, "evidence.submit", e)
		e = c.next(c.manager, "evidence.accept", e)
		if e["approved_how"] != "solo" {
			t.Fatalf("stamped %v", e["approved_how"])
		}
		for _, a := range []op.Actor{c.admin, c.owner} {
			l := asText(t, op.Answer{Out: c.do(a, "approval.list", map[string]any{})})
			want := op.May(a.Roles[0], "evidence", "view") == op.Every
			if strings.Contains(l, telling) != want || !strings.Contains(l, e["id"].(string)) {
				t.Errorf("%v, who may view it %v, is told: %s", a.Roles, want, l)
			}
		}
	})
}

// What was deleted is named in "What we changed" only to those who may see all things of its kind.
func TestTheListOfChangesNamesWhatWasDeletedOnlyToWhoMaySeeIt(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		p := c.do(c.manager, "person.create", map[string]any{"name": telling, "email": "somebody@example.com"})
		c.do(c.manager, "person.end", map[string]any{"id": p["id"], "rev": p["rev"]})
		for _, r := range []op.Role{op.Reader, op.Auditor} {
			a := op.Actor{Org: c.org, ID: "usr_" + string(r), Roles: []op.Role{r}, Via: "rest"}
			l := asText(t, op.Answer{Out: c.do(a, "changes.list", map[string]any{})})
			if want := op.May(r, "people", "view") == op.Every; strings.Contains(l, telling) != want || !strings.Contains(l, "Person deleted") {
				t.Errorf("%s, who may see people %v, is told: %s", r, want, l)
			}
		}
	})
}

// The ledger tells every reader that something was done, and what it was only to those whose role sees things of that kind.
func TestTheLedgerTellsNoRoleWhatItMayNotSee(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		c.do(c.manager, "evidence.create", map[string]any{"title": "A report of ours", "type": "report"})
		at := map[string]int64{}
		for _, sh := range c.app.Gate.Set.Shapes() {
			all, err := op.Do[*report.EventPage](t.Context(), c.app.Gate, c.manager, "activity.list", map[string]any{"kind": sh.Name, "limit": 1}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if len(all.Data) > 0 {
				at[sh.Name] = all.Data[0].Seq
			}
		}
		hidden := 0
		for _, name := range op.Role("").Values() {
			r := op.Role(name)
			a := op.Actor{Org: c.org, ID: "usr_" + string(r), Roles: []op.Role{r}, Via: "rest"}
			if op.May(r, "log", "view") != op.Every {
				continue
			}
			for _, sh := range c.app.Gate.Set.Shapes() {
				seq, there := at[sh.Name]
				if !there {
					continue
				}
				e, err := op.Do[*report.EntryOut](t.Context(), c.app.Gate, a, "ledger.entry", map[string]any{"seq": seq}, time.Time{})
				if err != nil {
					t.Fatalf("%s, %s: %v", r, sh.Name, err)
				}
				sees := op.May(r, sh.Object, "view") >= op.Open
				if (len(e.Body) > 0) != sees || !sees && e.Event.Label != e.Event.ID {
					t.Errorf("%s sees %s: %v, and is told %q %.60s", r, sh.Name, sees, e.Event.Label, e.Body)
				}
				if !sees {
					hidden++
				}
			}
		}
		if hidden == 0 {
			t.Error("no role was kept from anything")
		}
	})
}
