// SPDX-License-Identifier: Apache-2.0

package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"assay/internal/errs"
	"assay/internal/op"
)

// library is a policy of the library, as it is now.
func (c *crew) library(ref string) map[string]any {
	c.t.Helper()
	return c.do(c.manager, "policy.list", map[string]any{"ref": ref})["data"].([]any)[0].(map[string]any)
}

// answer enters the fields that no setting holds, and the title of the executive owner.
func (c *crew) answer() {
	c.t.Helper()
	c.do(c.manager, "policy.use_template", map[string]any{"id": c.library("POL-23")["id"], "rev": c.library("POL-23")["rev"]})
	for _, x := range c.do(c.manager, "policy_field.list", map[string]any{})["data"].([]any) {
		f := x.(map[string]any)
		c.do(c.manager, "policy_field.update", map[string]any{"id": f["id"], "rev": f["rev"], "value": "our " + f["name"].(string)})
	}
	org := c.do(c.owner, "organization.get", map[string]any{"id": c.org})
	p := c.do(c.manager, "person.get", map[string]any{"id": org["executive_owner"]})
	c.do(c.manager, "person.update", map[string]any{"id": p["id"], "rev": p["rev"], "title": "Managing Director"})
}

// refused is the error of an operation on a thing, which must say all of what is wanted.
func (c *crew) refused(a op.Actor, name string, p map[string]any, more map[string]any, says ...string) {
	c.t.Helper()
	in := map[string]any{"id": p["id"], "rev": p["rev"]}
	for k, v := range more {
		in[k] = v
	}
	_, err := c.try(a, name, in)
	if err == nil {
		c.t.Errorf("%s was let through", name)
		return
	}
	for _, w := range says {
		if e := errs.Public(err); !strings.Contains(e.Error()+" "+e.Fix, w) {
			c.t.Errorf("%s: %q does not say %q", name, e.Error()+" "+e.Fix, w)
		}
	}
}

func (c *crew) with(p map[string]any, more ...any) map[string]any {
	in := map[string]any{"id": p["id"], "rev": p["rev"]}
	for i := 0; i < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	return in
}

func has(t *testing.T, p map[string]any, parts ...string) {
	t.Helper()
	for _, x := range parts {
		if !strings.Contains(p["body"].(string), x) {
			t.Errorf("the text does not say %q", x)
		}
	}
}

func waiting(p map[string]any) []string {
	var out []string
	list, _ := p["unconfirmed_sections"].([]any)
	for _, x := range list {
		out = append(out, x.(string))
	}
	return out
}

func TestATemplateIsFilledFromSettingsTestsAndAnswers(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-04")))
		has(t, p, "of Example Ltd", "within 1 business day after the last day", "before they are 90 days old", "at least every 12 months", "within 5 business days of the decision")
		if strings.Contains(p["body"].(string), "{{") {
			t.Error("a field is open that has a source")
		}
		p = c.do(c.manager, "policy.use_template", c.with(c.library("POL-01")))
		has(t, p, "{{executive owner}}", "{{oversight body}}", "{{security contact}}", "are: Security.", "time zone UTC")
		c.refused(c.manager, "policy.submit", p, nil, "these fields have no value: executive owner, oversight body, security contact", "use the template again")
		c.refused(c.manager, "policy.confirm_sections", p, map[string]any{"sections": []string{"Roles and executive owner"}}, "fields without a value: executive owner")
		c.answer()
		p = c.do(c.manager, "policy.use_template", c.with(p))
		has(t, p, "is the Managing Director", "to our oversight body", "to our security contact at once")
		c.refused(c.manager, "policy.submit", p, nil, "nobody has edited or confirmed these sections of the template: Purpose and scope, Roles and executive owner, Principles")
		c.do(c.manager, "policy_field.list", map[string]any{})
		for _, bad := range []string{"two\nlines", "a {{field}}"} {
			f := c.do(c.manager, "policy_field.list", map[string]any{})["data"].([]any)[0].(map[string]any)
			c.refused(c.manager, "policy_field.update", f, map[string]any{"value": bad}, "one line without")
		}
	})
}

// INV-27, and for all 24: the text of a template counts once each of its sections was confirmed, and then it can be approved.
func TestEveryTemplateCanBeAdoptedSectionBySection(t *testing.T) {
	c := foundCrew(t, "")
	c.clock.Move(60 * aDay)
	c.answer()
	all := c.do(c.manager, "policy.list", map[string]any{"limit": 100})["data"].([]any)
	for _, x := range all {
		p := c.do(c.manager, "policy.use_template", c.with(x.(map[string]any)))
		names := waiting(p)
		if want := len(p["template_sections"].([]any)); len(names) != want || want < 7 {
			t.Errorf("%s: %d of %d sections wait", p["ref"], len(names), want)
		}
		p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", names[1:]))
		c.refused(c.manager, "policy.submit", p, nil, "of the template: "+names[0])
		p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", names[:1]))
		p = c.next(c.manager, "policy.submit", p)
		c.denied("he confirmed it", c.manager, "policy.approve", p)
		p = c.next(c.owner, "policy.approve", p)
		if p = c.next(c.manager, "policy.publish", p); p["published_text"] != p["body"] || strings.Contains(p["body"].(string), "{{") {
			t.Errorf("%s is not in force as it was confirmed", p["ref"])
		}
		c.refused(c.manager, "policy.use_template", p, nil, "is published does not change")
	}
	if len(all) != 24 {
		t.Errorf("%d policies", len(all))
	}
}

func TestAConfirmationHoldsForTheTextThatWasRead(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-04")))
		all := waiting(p)
		c.refused(c.manager, "policy.confirm_sections", p, map[string]any{"sections": []string{"Leavers", "No such section"}}, `"No such section" is not text of the template`, "Access reviews")
		machine := c.manager
		machine.Via, machine.Session = "mcp", ""
		c.refused(machine, "policy.confirm_sections", p, map[string]any{"sections": all}, "tokens, tools and the command line can't confirm sections")
		p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", all))
		if len(waiting(p)) > 0 {
			t.Fatalf("confirmed, and %v wait", waiting(p))
		}
		for _, x := range p["template_sections"].([]any) {
			if s := x.(map[string]any); s["confirmed_by"] != c.manager.ID || s["confirmed_at"] == nil || len(s["digest"].(string)) != 64 {
				t.Errorf("who confirmed is not kept: %v", s)
			}
		}
		body := p["body"].(string)
		blanks := c.next(c.manager, "policy.update", p, "body", strings.ReplaceAll(body+"<!-- read -->", "\n", "\r\n"))
		if len(waiting(blanks)) > 0 {
			t.Errorf("other line ends and a comment took confirmations away: %v", waiting(blanks))
		}
		edited := c.next(c.manager, "policy.update", blanks, "body", strings.Replace(body, "## MFA\n\n", "## MFA\n\nOur own rule. ", 1))
		back := c.next(c.manager, "policy.update", edited, "body", body)
		if got := waiting(edited); len(got) > 0 {
			t.Errorf("edited by a person, and %v wait", got)
		}
		if got := waiting(back); !slices.Equal(got, []string{"MFA"}) {
			t.Errorf("the text came back, and %v wait: what was confirmed had been changed in between", got)
		}
	})
}

func TestATemplateNeverOverwritesWhatAPersonWroteUnlessToldTo(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		own := c.next(c.manager, "policy.update", c.library("POL-05"), "body", "We use keys.\n\n## Length\n\nTwelve characters.\n")
		c.refused(c.manager, "policy.use_template", own, nil, "a person wrote this text: the text before the first heading, Length", "set replace")
		p := c.do(c.manager, "policy.use_template", c.with(own, "replace", true))
		has(t, p, "at least 12 characters", "at most 10 failed attempts", "after at most 24 hours")
		p = c.do(c.manager, "policy.use_template", c.with(p)) // nothing of it is a person's
		p = c.next(c.manager, "policy.update", p, "body", strings.Replace(p["body"].(string), "unique to one account", "unique to one account and site", 1))
		p = c.next(c.manager, "policy.update", p, "body", strings.Replace(p["body"].(string), "\n## Managers\n\n", "\n## Our lists\n\nSee {{company}}.\n\n## Managers\n\n", 1))
		p = c.next(c.manager, "policy.update", p, "review_days", 180)
		p = c.do(c.manager, "policy.use_template", c.with(p)) // the rest is brought up to date
		has(t, p, "unique to one account and site", "See Example Ltd.", "at least every 180 days")
		if got := waiting(p); slices.Contains(got, "Length") || !slices.Contains(got, "Purpose and scope") || !slices.Contains(got, "Managers") {
			t.Errorf("a person wrote Length, and %v wait", got)
		}
		c.refused(c.manager, "policy.use_template", map[string]any{"id": own["id"], "rev": own["rev"]}, nil, "changed")
		mine := c.do(c.manager, "policy.create", map[string]any{"ref": "OWN-01", "title": "A policy of our own"})
		c.refused(c.manager, "policy.use_template", mine, nil, "there is no template for OWN-01")
	})
}

// Text of the library that came in by hand is as unconfirmed as any, and can be confirmed.
func TestPastedTemplateTextCountsForNothing(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		from := c.do(c.manager, "policy.use_template", c.with(c.library("POL-04")))
		p := c.do(c.manager, "policy.create", map[string]any{"ref": "OWN-04", "title": "Pasted", "body": strings.Replace(from["body"].(string), "## Leavers", "## 6. Leavers", 1)})
		c.refused(c.manager, "policy.submit", p, nil, "edited or confirmed these sections of the template: Purpose and scope, Request and approval", "6. Leavers")
		names := append(slices.DeleteFunc(waiting(from), func(s string) bool { return s == "Leavers" }), "6. Leavers")
		c.next(c.manager, "policy.submit", c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", names)))
	})
}

func TestAPolicyNeverSaysAnotherLimitThanTheTest(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		define := func(text string) {
			t.Helper()
			d := c.do(c.manager, "definition.create", map[string]any{"title": "Another limit", "reason": "It fits us better.", "text": "tests:\n" + text})
			c.next(c.owner, "definition.approve", d)
		}
		p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-04")))
		p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p)))
		define("  - id: idp.dormant\n    params: {days: 60}\n")
		c.refused(c.manager, "policy.submit", p, nil, "dormant account limit was 90 days and is 60 days", "Sections: Access reviews", "use the template again")
		p = c.do(c.manager, "policy.use_template", c.with(p))
		has(t, p, "unused for 60 days")
		if got := waiting(p); !slices.Equal(got, []string{"Access reviews"}) {
			t.Errorf("what stayed as it was is still confirmed; now %v wait", got)
		}
		c.next(c.manager, "policy.submit", c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p))))

		define("  - id: vcs.leaver_removed\n    params: {sla_days: 3}\n")
		q := c.do(c.manager, "policy.use_template", c.with(c.library("POL-17")))
		has(t, q, "{{access removal limit}}")
		c.refused(c.manager, "policy.submit", q, nil, "these fields have no value: access removal limit")
		q = c.next(c.manager, "policy.update", q, "body", strings.ReplaceAll(q["body"].(string), "{{access removal limit}}", "3 business days"))
		if got := waiting(q); slices.Contains(got, "Offboarding") || !slices.Contains(got, "Screening") {
			t.Errorf("a person edited Offboarding, and %v wait", got)
		}
	})
}

func TestThePageOffersTheTemplateAndConfirmsEachSection(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		link := func() string {
			t.Helper()
			s := p.wants(p.get("/policies/POL-04"), 200)
			return s.text
		}
		if text := link(); !strings.Contains(text, "Use template") || strings.Contains(text, "Confirm section") {
			t.Error("a draft without a text offers its template, and nothing to confirm")
		}
		at := "/policies/POL-04"
		p.wants(p.get(at+"/use-template"), 200, "Put the text of the template into a draft")
		s := p.wants(p.post(at+"/use-template", "rev", p.rev(at+"/use-template")), 303)
		s = p.wants(p.get(s.to), 200, "Confirm section", "Access reviews", "To confirm", "1 business day")
		before := strings.Count(s.text, `name="sections"`)
		s = p.wants(p.post(at+"/confirm-sections", "rev", p.rev(at), "sections", "Access reviews"), 303)
		s = p.wants(p.get(s.to), 200, "Confirmed by")
		if after := strings.Count(s.text, `name="sections"`); before != 9 || after != 8 {
			t.Errorf("%d sections could be confirmed, and then %d", before, after)
		}
		p.wants(p.get("/policy-fields"), 200, "security contact", "oversight body")
		s = p.wants(p.post("/policies/POL-03/use-template", "rev", p.rev("/policies/POL-03/use-template")), 303)
		p.wants(p.get(s.to), 200, "{{oversight body}}", "Fill its fields first.", "No value yet (policy fields)", "<table>")
	})
}

// each is a text in which something is put beneath every heading.
func each(body, mark string) string { return beneath.ReplaceAllString(body, "$0\n"+mark+"\n") }

var beneath = regexp.MustCompile(`(?m)^## .*\n`)

// INV-27: what a reader cannot see is no edit.
func TestAnEditThatNobodySeesIsNone(t *testing.T) {
	c := foundCrew(t, "")
	c.answer()
	p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-05")))
	body, all := p["body"].(string), waiting(p)
	for what, mark := range map[string]string{"a space of no width": "\u200b", "a soft hyphen": "\u00ad", "a word joiner": "\u2060", "a Hangul filler": "\u3164", "an empty Braille cell": "\u2800",
		"a combining joiner": "\u034f", "a variation": "\ufe0f", "a tag": "\U000e0041", "an HTML space": "&nbsp;", "an entity of no width": "&#8203;", "an empty link": "[](x)", "the target of a link": "[x]: y\n",
		"a hard line break": "\\\n", "stars": "****", "a rule": "\n---\n", "a break": "<br>", "a tag of HTML": "<b></b>", "a comment": "<!-- mine -->", "an empty picture": "![](x)", "a lone point": "."} {
		if p = c.next(c.manager, "policy.update", p, "body", each(body, mark)); !slices.Equal(waiting(p), all) {
			t.Errorf("%s: of %d sections %v wait", what, len(all), waiting(p))
		}
	}
	bold := regexp.MustCompile(`(?m)^([A-Z]\w+) `).ReplaceAllString(body, "**$1**\u200b ")
	if p = c.next(c.manager, "policy.update", p, "body", bold); bold == body || !slices.Equal(waiting(p), all) {
		t.Errorf("bold: %v wait", waiting(p))
	}
	if p = c.next(c.manager, "policy.update", p, "body", each(body, "We do this.")); len(waiting(p)) > 0 {
		t.Errorf("edited by a person, and %v wait", waiting(p))
	}
}

// INV-27: what a token, an agent or the command line writes is no edit by a person, in whatever policy.
func TestTextOfAProgramCountsForNothingUntilAPersonStandsBehindIt(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		c.answer()
		folder, agent := op.System(c.org), c.manager
		folder.Via, agent.Via, agent.Session = "cli", "mcp", ""
		for what, a := range map[string]op.Actor{"a token": c.token(c.manager), "the command line": folder, "an agent": agent} {
			p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-05"), "replace", true))
			all := waiting(p)
			p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", all[:1]))
			p = c.next(a, "policy.update", p, "body", each(p["body"].(string), "Nobody needs to do this."))
			if got := waiting(p); !slices.Equal(got, all) {
				t.Errorf("edited by %s, and of %v %v wait", what, all, got)
			}
			c.refused(a, "policy.submit", p, nil, "written by a token or program: "+all[0])
			p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", all[1:]))
			p = c.next(c.manager, "policy.update", p, "body", strings.Replace(p["body"].(string), "## "+all[0]+"\n", "## "+all[0]+"\n\nOur own sentence.\n", 1))
			if got := waiting(p); len(got) > 0 {
				t.Errorf("edited and confirmed by a person after %s, and %v wait", what, got)
			}
			c.next(c.manager, "policy.submit", p)
			p = c.next(c.owner, "policy.reject", c.library("POL-05"), "reject_reason", "Once more.")

			own := c.do(a, "policy.create", map[string]any{"ref": "OWN-" + strings.ToUpper(a.Via) + a.ID[len(a.ID)-4:], "title": "Made by " + what, "body": "Text above.\n\n## A rule\n\nWe lock doors for {{company}}.\n"})
			if got := waiting(own); !slices.Equal(got, []string{"the text before the first heading", "A rule"}) {
				t.Errorf("made by %s, and %v wait", what, got)
			}
			own = c.next(c.manager, "policy.update", own, "review_days", 100)
			own = c.do(c.manager, "policy.confirm_sections", c.with(own, "sections", []string{"The text before the first heading"}))
			if got := waiting(own); !slices.Equal(got, []string{"A rule"}) {
				t.Errorf("made by %s and confirmed in part, and %v wait", what, got)
			}
		}
	})
}
