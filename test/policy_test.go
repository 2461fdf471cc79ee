// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/testkit"
)

// INV-18: the text in force stays in force, and readable, until the next version is published; and what was in force
// on a day stays so in the days past.
func TestAPolicyStaysInForceWhileItsNextVersionIsWritten(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		writer := op.Actor{Org: p.org, ID: "usr_writer", Person: "per_writer", Roles: []op.Role{op.Manager}, Via: "rest", Session: "one"}
		approver := op.Actor{Org: p.org, ID: "usr_approver", Person: "per_approver", Roles: []op.Role{op.Owner}, Via: "rest", Session: "two"}
		list, err := op.Do[struct{ Data []map[string]any }](t.Context(), p.app.Gate, writer, "policy.list", map[string]any{"ref": "POL-01"}, time.Time{})
		fine(t, err)
		pol := list.Data[0]
		id, day := pol["id"].(string), 24*time.Hour
		sections := []string{}
		for _, s := range pol["sections"].([]any) {
			sections = append(sections, s.(string))
		}
		whole := func(text string) string { return testkit.PolicyText(sections, text) }
		do := func(a op.Actor, verb string, more map[string]any) {
			t.Helper()
			p.clock.Move(time.Hour)
			in := map[string]any{"id": id, "rev": pol["rev"]}
			for k, v := range more {
				in[k] = v
			}
			pol, err = op.Do[map[string]any](t.Context(), p.app.Gate, a, "policy."+verb, in, time.Time{})
			fine(t, err)
		}
		write := func(text string) {
			t.Helper()
			do(writer, "update", map[string]any{"body": whole(text)})
			do(writer, "submit", nil)
			do(approver, "approve", nil)
		}
		standing := func(at time.Time) string {
			t.Helper()
			s, err := op.Do[*report.ControlStatus](t.Context(), p.app.Gate, writer, "control.status", map[string]any{"ref": "GOV-01", "days": 30}, at)
			fine(t, err)
			for _, r := range s.Policies {
				if r.Ref == "POL-01" {
					return r.State
				}
			}
			return "not there"
		}
		look := func() shown { p.signIn(); return p.get("/policies/" + id) }
		now := func() time.Time { return p.clock.Now() }
		holds := func(when, text string, no float64) {
			t.Helper()
			if got, _ := pol["published_text"].(string); got != whole(text) || pol["published_no"] != no || standing(time.Time{}) != "in_force" {
				t.Errorf("%s: version %v is in force, %q, and the control sees it %s", when, pol["published_no"], got, standing(time.Time{}))
			}
		}

		first, second := "The first text, long enough to bind.", "The second text, which says it better."
		write(first)
		if pol["published_text"] != "" || standing(time.Time{}) != "missing" {
			t.Errorf("approved and not published: %v, %s", pol["published_text"], standing(time.Time{}))
		}
		do(writer, "publish", nil)
		published := now()
		holds("published", first, 1)
		if s := p.wants(look(), 200, "In force: version 1", first); strings.Count(s.text, first) != 1 {
			t.Error("the page shows the text twice while there is one")
		}

		p.clock.Move(5 * day)
		do(writer, "revise", nil)
		holds("revised", first, 1)
		write(second)
		holds("the next one approved", first, 1)
		between := now()
		p.wants(look(), 200, "In force: version 1", first, "Next version, not in force yet (approved)", second)
		_, err = op.Do[map[string]any](t.Context(), p.app.Gate, writer, "check.run", struct{}{}, time.Time{})
		fine(t, err)
		versions, err := op.Do[struct {
			Data []struct {
				Key   string
				Attrs map[string]any
			}
		}](t.Context(), p.app.Gate, writer, "resource.list", map[string]any{"kind": "internal.policy_version"}, time.Time{})
		fine(t, err)
		states := map[string]any{}
		for _, v := range versions.Data {
			states[strings.TrimPrefix(v.Key, id+"/")] = v.Attrs["state"]
		}
		if states["1"] != "published" || states["2"] != "approved" {
			t.Errorf("the tests see the versions %v", states)
		}

		p.clock.Move(5 * day)
		do(writer, "publish", nil)
		holds("the next one published", second, 2)
		p.clock.Move(day)
		if s := standing(between); s != "in_force" {
			t.Errorf("as of the days between it is %s", s)
		}
		// Days before the second version keep the policy that they had, and those before the first have none.
		past, err := op.Do[map[string]any](t.Context(), p.app.Gate, writer, "policy.get", map[string]any{"id": id}, between)
		fine(t, err)
		if past["published_text"] != whole(first) {
			t.Errorf("as of then the text was %v", past["published_text"])
		}
		b, err := json.Marshal(pol)
		fine(t, err)
		var kept grc.Policy
		fine(t, json.Unmarshal(b, &kept))
		if !kept.WasInForce(between) || !kept.WasInForce(published) || kept.WasInForce(published.Add(-time.Minute)) {
			t.Errorf("in force since %s, and it was published %s", kept.InForceSince, published)
		}

		do(writer, "propose_retire", map[string]any{"retire_reason": "Another policy says it all."})
		do(approver, "retire", nil)
		if standing(time.Time{}) != "missing" {
			t.Errorf("retired, and %s", standing(time.Time{}))
		}
		p.wants(look(), 200, "No longer in force: version 2", second)
	})
}
