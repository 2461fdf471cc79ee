// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
)

// of is the status of a control now.
func (s *spring) of(t *testing.T, ref string) map[string]any {
	t.Helper()
	return s.must(t, s.full(s.org), s.h.Set.Find("control.status"), map[string]any{"ref": ref})
}

// inForceFor is a company with a control on a policy that was published so long ago.
func inForceFor(t *testing.T, months int) *spring {
	t.Helper()
	s := young(t)
	s.version(t, "OWN-04", map[string]any{"action": "activate"})
	s.policy(t, "POL-04", "submit", "approve", "publish")
	s.run(t, true)
	s.clock.Set(s.clock.Now().AddDate(0, months, 0))
	s.run(t, true)
	return s
}

func overdueReview(m map[string]any) bool {
	return strings.Contains(fmt.Sprint(m["causes"]), "the review of policy POL-04 is overdue")
}

func TestAReviewIsDoneByPublishingOrConfirmingAndNotByADraft(t *testing.T) {
	move := func(verb string) func(*spring, *testing.T) {
		return func(s *spring, t *testing.T) { s.agree(t, "policy."+verb, map[string]any{"id": s.ids["POL-04"]}) }
	}
	revise := func(s *spring, t *testing.T) {
		s.do(t, "policy.revise", map[string]any{"id": s.ids["POL-04"]})
		s.do(t, "policy.update", map[string]any{"id": s.ids["POL-04"], "change_note": "Written anew"})
		s.do(t, "policy.submit", map[string]any{"id": s.ids["POL-04"]})
	}
	for what, one := range map[string]struct {
		do   []func(*spring, *testing.T)
		want bool
	}{
		"nothing is done":                {nil, true},
		"a draft waits":                  {[]func(*spring, *testing.T){revise}, true},
		"a draft is approved":            {[]func(*spring, *testing.T){revise, move("approve")}, true},
		"it is revised again":            {[]func(*spring, *testing.T){revise, move("approve"), revise}, true},
		"it is published":                {[]func(*spring, *testing.T){revise, move("approve"), move("publish")}, false},
		"the text in force is confirmed": {[]func(*spring, *testing.T){move("confirm")}, false},
	} {
		s := inForceFor(t, 13)
		for _, do := range one.do {
			do(s, t)
		}
		s.clock.Move(time.Hour)
		s.run(t, true)
		if got := overdueReview(s.of(t, "OWN-04")); got != one.want {
			t.Errorf("%s: overdue %v, want %v", what, got, one.want)
		}
		if reviewed := fmt.Sprint(s.thing(t, "policy", s.ids["POL-04"])["last_reviewed_at"]); (reviewed == "2026-03-06T09:00:00Z") != one.want {
			t.Errorf("%s: reviewed %s", what, reviewed)
		}
	}
}

// Whatever field of the next version is written, what is said of the one in force stays: its letters, lights and causes, and what the
// tests see of it. Derived from the fields of the operation.
func TestNothingWrittenForTheNextVersionChangesThePolicyInForce(t *testing.T) {
	s := inForceFor(t, 1)
	id := s.ids["POL-04"]
	s.do(t, "policy.revise", map[string]any{"id": id})
	picture := func() string {
		s.run(t, true)
		m := s.of(t, "OWN-04")
		rows := s.must(t, s.full(s.org), s.h.Set.Find("resource.list"), map[string]any{"kind": "internal.policy", "limit": 100})
		var seen []any
		for _, x := range rows["data"].([]any) {
			if r := x.(map[string]any); r["key"] == id {
				seen = append(seen, r["name"], r["attrs"])
			}
		}
		if len(seen) == 0 {
			t.Fatalf("no test sees the policy: %v", rows)
		}
		p := s.thing(t, "policy", id)
		published := []any{}
		for _, f := range []string{"title", "required", "review_days", "kind", "audience", "sections", "text", "no"} {
			published = append(published, p["published_"+f])
		}
		return fmt.Sprint(m["health"], m["causes"], m["documented"], m["policies"], s.since(t, "OWN-04", time.Time{}), seen, published)
	}
	before := picture()
	if !strings.Contains(before, "all its policies are in force") {
		t.Fatalf("in force: %s", before)
	}
	values := map[string]any{"title": "Another title", "kind": "plan", "author": s.author(s.org).Person, "required": false, "review_days": 1, "audience": []string{"Nobody"}, "sections": []string{"Something that is not there"},
		"body": "Nothing any more.", "change_note": "All anew", "ref": "OWN-77"}
	for _, f := range s.h.Set.Find("policy.update").In {
		if f.Name == "id" || f.Name == "rev" || f.Name == "owner" { // who answers for it changes at once
			continue
		}
		v, given := values[f.Name]
		if !given {
			t.Errorf("nothing is said of the field %s", f.Name)
			continue
		}
		_, err := s.try(s.author(s.org), "policy.update", map[string]any{"id": id, f.Name: v})
		if f.Name == "ref" {
			if e := errs.Public(err); e.Code != errs.Conflict || e.Field != "ref" || e.Fix == "" {
				t.Errorf("another ref while a version is in force: %v", err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if now := picture(); now != before {
			t.Errorf("%s was written for the next version:\n was %s\n is  %s", f.Name, before, now)
			before = now
		}
	}
}
