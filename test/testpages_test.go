// SPDX-License-Identifier: Apache-2.0

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// The page of a test says what was made of it, by whom and why, and every definition that it had.
func TestThePageOfATestSaysWhatWasMadeOfIt(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		p.wants(p.get("/tests/idp.mfa_all"), 200, "Pause this test", "History of this test", "From the start", "Built in")
		p.clock.Move(time.Minute)
		made := p.post("/definitions", "title", "Monthly is enough", "text", "tests:\n  - id: idp.mfa_all\n    severity: low\n", "reason", "Our provider does it.")
		p.wants(made, 303)
		p.wants(p.get(made.to), 200, "proposed", "idp.mfa_all: severity")
		if s := p.get("/tests/idp.mfa_all"); strings.Contains(s.text, "Our provider does it.") {
			t.Error("a proposal changes the page of the test")
		}
		kim := &auth.User{Name: "Kim Doe", Email: "kim@example.com", Roles: []op.Role{op.Manager}, State: "active"}
		_, err := p.app.DB.Change(t.Context(), p.org, store.System("test"), func(tx *store.Tx) error {
			x := &grc.Person{Name: "Kim Doe", Email: "kim@example.com", Kind: "employee", State: "active"}
			if err := store.Put(t.Context(), tx, grc.People, x); err != nil {
				return err
			}
			kim.Person = x.ID
			return store.Put(t.Context(), tx, auth.Users, kim)
		})
		fine(t, err)
		_, err = op.Do[any](t.Context(), p.app.Gate, op.Actor{Org: p.org, ID: kim.ID, Person: kim.Person, Roles: kim.Roles, Via: "web", Session: "kim"}, "definition.approve", map[string]any{"id": strings.TrimPrefix(made.to, "/definitions/"), "rev": 1}, time.Time{})
		fine(t, err)
		p.wants(p.get("/tests/idp.mfa_all"), 200, "changed", "severity, since", "Our provider does it.", "Show definition", "approved by Kim Doe", "From the start to")
		p.wants(p.get("/tests"), 200, "changed", "switched off", "Rule files", "Pauses", "Custom tests")
		p.wants(p.get("/test-pauses/new?test=idp.mfa_all"), 200, `value="idp.mfa_all"`, "Ends at")

		dir := filepath.Join(p.app.Data, "tests")
		fine(t, os.MkdirAll(dir, 0o700))
		fine(t, os.WriteFile(filepath.Join(dir, "off.yaml"), []byte("tests:\n  - id: net.hsts\n    enabled: false\n    reason: We serve no pages.\n"), 0o600))
		_, err = p.app.ReadRules(t.Context(), p.org)
		fine(t, err)
		p.wants(p.get("/rule-files"), 200, "off.yaml", "proposed")
		var file string
		fine(t, p.app.DB.View(t.Context(), p.org, time.Time{}, store.System("test"), func(v *store.View) error {
			all, err := store.All(t.Context(), v, check.RuleFiles, nil)
			file = "/rule-files/" + all[0].ID
			return err
		}))
		p.wants(p.get(file), 200, "net.hsts: switched off (We serve no pages.)", "Approve")
		p.wants(p.post(file+"/approve", "rev", "1", "reason", "There are none."), 303)
		p.wants(p.get("/tests/net.hsts"), 200, "switched off", "We serve no pages.", "file off.yaml", "Show rule file", "approved by")
		p.wants(p.get("/tests?state=switched_off"), 200, "net.hsts")
	})
}
