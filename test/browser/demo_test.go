// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/op"
	"assay/internal/site"
	"assay/internal/store"
	"assay/internal/testkit"
)

// demo is a small company with a week behind it: this machine and a git repository as sources, evidence in
// every state, exceptions, tasks, a policy that waits for approval, and two people.
type demo struct {
	app       *site.App
	clock     *clock.Fake
	org, base string
	owner     op.Actor // who signs in
	other     op.Actor // somebody else, for what takes two
	repo      string
	evidence  string
	exception string
	key       string // of the evidence that a control asks for
	version   string // a change of a control that holds
}

var began = time.Date(2026, 11, 10, 8, 30, 0, 0, time.UTC)

const days = 7

func newDemo(t *testing.T) *demo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d := &demo{clock: clock.NewFake(began), base: "http://" + l.Addr().String(), repo: filepath.Join(t.TempDir(), "shop")}
	cfg, err := site.Load(map[string]string{"data": t.TempDir(), "listen": l.Addr().String()})
	must(t, err)
	d.app, err = site.Open(t.Context(), cfg, site.Parts{Clock: d.clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	must(t, err)
	d.makeRepo(t)
	ctx := context.Background()
	d.org, err = d.app.Found(ctx, "Harrow & Pike Ltd", "ines@example.com")
	must(t, err)
	must(t, d.app.Connect(ctx, d.org, "build-01", "host", map[string]any{}))
	must(t, d.app.Connect(ctx, d.org, "harrow/shop", "git", map[string]any{"path": d.repo}))
	must(t, d.app.Connect(ctx, d.org, "harrow/old", "git", map[string]any{"path": filepath.Join(d.repo, "is-not-there")}))
	d.people(t)
	d.programme(t)
	for i := range days {
		d.clock.Set(began.AddDate(0, 0, i+1))
		if i == 3 {
			d.commit(t, "payments.go", "Hot fix on a Friday", false)
			d.propose(t, "AST-01", "retire", "We closed the warehouse that this was about.", nil, true)
		}
		if i == 5 { // nobody was there: a hole in every row
			continue
		}
		_, err := d.app.Works.Cycle(ctx, d.org, store.System("check.run"), "schedule", nil, nil)
		must(t, err)
	}
	d.do(t, d.owner, "ledger.sign", map[string]any{})
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: d.app.Handler("test")}}
	srv.Start()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		must(t, d.app.Close())
	})
	return d
}

// day is a past day, as it stands in addresses.
func (d *demo) day(back int) string { return d.clock.Now().AddDate(0, 0, -back).Format(time.DateOnly) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// do calls an operation and gives its answer.
func (d *demo) do(t *testing.T, a op.Actor, name string, in map[string]any) map[string]any {
	t.Helper()
	out, err := op.Do[map[string]any](context.Background(), d.app.Gate, a, name, in, time.Time{})
	if err != nil {
		t.Fatalf("%s %v: %v", name, in, err)
	}
	return out
}

func (d *demo) list(t *testing.T, name string, in map[string]any) []map[string]any {
	t.Helper()
	out := d.do(t, d.owner, name, in)
	raw, err := json.Marshal(out["data"])
	must(t, err)
	var all []map[string]any
	must(t, json.Unmarshal(raw, &all))
	return all
}

func (d *demo) makeRepo(t *testing.T) {
	t.Helper()
	must(t, os.MkdirAll(d.repo, 0o755))
	d.git(t, "init", "-q", "-b", "main")
	for i, f := range []string{"main.go", "orders.go", "users.go", "README.md"} {
		d.commit(t, f, fmt.Sprintf("Add %s (#%d)", f, 10+i), true)
	}
}

func (d *demo) commit(t *testing.T, file, message string, reviewed bool) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(d.repo, file), []byte("package shop\n\n// "+message+"\n"), 0o644))
	if reviewed {
		message += "\n\nReviewed-by: Ravi Lindqvist <ravi@example.com>"
	}
	d.git(t, "add", ".")
	d.git(t, "commit", "-q", "-m", message)
}

func (d *demo) git(t *testing.T, args ...string) {
	t.Helper()
	c := exec.Command("git", append([]string{"-C", d.repo, "-c", "user.name=Mara Castellanos", "-c", "user.email=mara@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	when := d.clock.Now().Format(time.RFC3339)
	c.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+when, "GIT_COMMITTER_DATE="+when, "GIT_CONFIG_GLOBAL=/dev/null")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// people are the first owner and somebody else with the same rights.
func (d *demo) people(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	here := site.Here(d.org)
	d.owner = here
	u := d.list(t, "user.list", map[string]any{})[0]
	d.owner = op.Actor{Org: d.org, ID: u["id"].(string), Person: u["person"].(string), Roles: []op.Role{op.Owner, op.Manager, op.Admin}, Via: "web", Session: "demo"}
	d.do(t, d.owner, "user.update", map[string]any{"id": d.owner.ID, "rev": u["rev"], "name": "Ines Okafor"})
	p := d.do(t, d.owner, "person.get", map[string]any{"id": d.owner.Person})
	d.do(t, d.owner, "person.update", map[string]any{"id": d.owner.Person, "rev": p["rev"], "name": "Ines Okafor", "department": "Security", "title": "Head of security"})
	who := d.do(t, d.owner, "person.create", map[string]any{"name": "Ravi Lindqvist", "email": "ravi@example.com", "kind": "employee", "department": "Engineering"})
	d.do(t, d.owner, "person.create", map[string]any{"name": "Tomoko Brandt", "email": "tomoko@example.com", "kind": "contractor", "department": "Support"})
	inv := d.do(t, d.owner, "user.invite", map[string]any{"name": "Ravi Lindqvist", "email": "ravi@example.com", "roles": []string{"manager"}, "person": who["id"]})
	code := strings.TrimPrefix(inv["path"].(string), "/welcome?code=")
	cookie, err := d.app.Door.ByLink(ctx, code)
	must(t, err)
	d.other, err = d.app.Door.ByCookie(ctx, cookie)
	must(t, err)
	d.other.Via = "web"
}

// programme fills every kind with a few things.
func (d *demo) programme(t *testing.T) {
	t.Helper()
	for i, c := range d.list(t, "control.list", map[string]any{"limit": 60, "sort": "ref"}) {
		who := []string{d.owner.Person, d.other.Person, ""}[i%3]
		d.do(t, d.owner, "control.update", map[string]any{"id": c["id"], "rev": c["rev"], "owner": who})
	}
	d.do(t, d.owner, "system.create", map[string]any{"name": "Shop", "summary": "Where customers order.", "criticality": 1, "environment": "production", "owner": d.other.Person, "in_scope": true})
	iam := d.list(t, "control.list", map[string]any{"ref": "IAM-02"})[0]
	control := iam["id"]
	if kinds, _ := iam["evidence"].([]any); len(kinds) > 0 {
		d.key, _ = kinds[0].(map[string]any)["key"].(string)
	}
	d.changes(t)
	e := d.do(t, d.other, "exception.create", map[string]any{"title": "Build account without rotation", "test": "host.updates_checked", "resource": "build-01", "reason": "The build machine is replaced in December and is rebuilt each night.", "compensating": "It is rebuilt each night.", "expires_at": "2026-12-31T00:00:00Z"})
	d.exception = e["id"].(string)
	e = d.do(t, d.other, "exception.create", map[string]any{"title": "One shared account in the old shop", "control": control, "reason": "The old shop knows one account only and is switched off in spring.", "expires_at": clock.Format(d.clock.Now().AddDate(0, 0, 80))})
	d.do(t, d.owner, "exception.approve", map[string]any{"id": e["id"], "rev": e["rev"]})
	for i, title := range []string{"Enrol three identities with a second factor", "Write the plan for incidents", "Review who may reach the shop"} {
		d.do(t, d.other, "task.create", map[string]any{"title": title, "kind": "gap", "assignee": d.owner.Person, "due_on": began.AddDate(0, 0, 5+5*i).Format(time.DateOnly), "priority": "high", "subject": control})
	}
	d.do(t, d.owner, "decision.create", map[string]any{"subject": "CC6.4", "decision": "not_applicable", "reason": "There is no office: everybody works from home."})
	pol := d.list(t, "policy.list", map[string]any{"limit": 1, "sort": "ref"})[0]
	pol = d.do(t, d.other, "policy.update", map[string]any{"id": pol["id"], "rev": pol["rev"], "body": testkit.PolicyText(texts(pol["sections"]), "This policy says how we keep **information** safe.\n\n- Everybody reads it.\n- Everybody keeps to it.\n\n"), "author": d.other.Person})
	d.do(t, d.other, "policy.submit", map[string]any{"id": pol["id"], "rev": pol["rev"]})
	for _, pol := range d.list(t, "policy.list", map[string]any{"state": "draft", "limit": 50}) { // with sections to confirm
		d.do(t, d.other, "policy.use_template", map[string]any{"id": pol["id"], "rev": pol["rev"]})
	}
	d.do(t, d.owner, "definition.create", map[string]any{"title": "Our own severity", "text": "tests: []\n"})
	d.bring(t, "Sign-on settings, November", "screenshot", control, picture(), "accepted")
	d.evidence = d.bring(t, "Accounts of the shop", "access_review", control, []byte("account,decision\notto@example.com,keep\nlena@example.com,remove\n"), "submitted")
	design := d.list(t, "control.list", map[string]any{"ref": "CHG-08"})[0]["id"]
	quiet := d.do(t, d.other, "evidence.create", map[string]any{"title": "No design changed in October", "type": "attestation", "control": design, "evidence_key": "design_reviews", "nothing_happened": true, "covers_from": "2026-10-01", "covers_to": "2026-10-31", "notes": "The list of tickets with the label design is empty."})
	quiet = d.do(t, d.other, "evidence.submit", map[string]any{"id": quiet["id"], "rev": quiet["rev"]})
	d.do(t, d.owner, "evidence.accept", map[string]any{"id": quiet["id"], "rev": quiet["rev"]})
	d.bring(t, "A page from the outside", "other", control, []byte("<html><script>alert(1)</script><body>Not to be shown</body></html>"), "draft")
}

// changes are those of controls: one that holds, one of a later day, and one that waits.
func (d *demo) changes(t *testing.T) {
	t.Helper()
	d.version = d.propose(t, "IAM-03", "change", "We review accounts each month since our last audit.", map[string]any{"title": "Accounts are reviewed each month", "change_significant": true}, true)
	d.propose(t, "IAM-02", "change", "The weight says how much depends on it.", map[string]any{"weight": 1, "effective_from": d.clock.Now().AddDate(0, 1, 0).Format(time.DateOnly)}, true)
	d.propose(t, "IAM-02", "change", "Idle sessions end after eight hours, as a customer asked for in October.", map[string]any{"text": "Every person who signs in to a system in scope does so with a second factor, and idle sessions end after eight hours."}, false)
}

func (d *demo) propose(t *testing.T, ref, action, reason string, more map[string]any, approve bool) string {
	t.Helper()
	in := map[string]any{"control": d.list(t, "control.list", map[string]any{"ref": ref})[0]["id"], "action": action, "reason": reason}
	maps.Copy(in, more)
	v := d.do(t, d.other, "control_version.create", in)
	if approve {
		d.do(t, d.owner, "control_version.approve", map[string]any{"id": v["id"], "rev": v["rev"]})
	}
	return v["id"].(string)
}

func texts(list any) []string {
	out := []string{}
	all, _ := list.([]any)
	for _, x := range all {
		out = append(out, fmt.Sprint(x))
	}
	return out
}

func (d *demo) bring(t *testing.T, title, kind string, control any, file []byte, until string) string {
	t.Helper()
	info, err := d.app.Gate.Upload(context.Background(), d.other, bytes.NewReader(file))
	must(t, err)
	e := d.do(t, d.other, "evidence.create", map[string]any{"title": title, "type": kind, "control": control, "evidence_key": d.key, "source_system": "Identity provider", "source_locator": "https://id.example.com/settings", "taken_at": "2026-11-09T10:00:00Z", "covers_from": "2026-11-01", "covers_to": "2026-11-09",
		"file": info.SHA256, "file_name": strings.ToLower(strings.ReplaceAll(title, " ", "-")) + ".bin", "media_type": http.DetectContentType(file), "size": info.Size, "notes": "Taken by hand."})
	id := e["id"].(string)
	if until == "draft" {
		return id
	}
	e = d.do(t, d.other, "evidence.submit", map[string]any{"id": id, "rev": e["rev"]})
	if until == "accepted" {
		d.do(t, d.owner, "evidence.accept", map[string]any{"id": id, "rev": e["rev"]})
	}
	return id
}
