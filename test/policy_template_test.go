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
		if got := waiting(edited); !slices.Equal(got, []string{"MFA"}) {
			t.Errorf("a sentence was added, and %v wait", got)
		}
		rewritten := c.next(c.manager, "policy.update", edited, "body", rewrite(body, "MFA"))
		if got := waiting(rewritten); len(got) > 0 {
			t.Errorf("written anew by a person, and %v wait", got)
		}
		back := c.next(c.manager, "policy.update", rewritten, "body", body)
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
		if got := waiting(p); !slices.Contains(got, "Length") || !slices.Contains(got, "Purpose and scope") || !slices.Contains(got, "Managers") {
			t.Errorf("a person added two words to Length, and %v wait", got)
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
		p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-04")))
		p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p)))
		c.define("  - id: idp.dormant\n    params: {days: 60}\n")
		c.refused(c.manager, "policy.submit", p, nil, "dormant account limit was 90 days and is 60 days", "Sections: Access reviews", "use the template again")
		p = c.do(c.manager, "policy.use_template", c.with(p))
		has(t, p, "unused for 60 days")
		if got := waiting(p); !slices.Equal(got, []string{"Access reviews"}) {
			t.Errorf("what stayed as it was is still confirmed; now %v wait", got)
		}
		c.next(c.manager, "policy.submit", c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p))))

		c.define("  - id: vcs.leaver_removed\n    params: {sla_days: 3}\n")
		q := c.do(c.manager, "policy.use_template", c.with(c.library("POL-17")))
		has(t, q, "{{access removal limit}}")
		c.refused(c.manager, "policy.submit", q, nil, "these fields have no value: access removal limit")
		q = c.next(c.manager, "policy.update", q, "body", strings.ReplaceAll(q["body"].(string), "{{access removal limit}}", "3 business days"))
		if got := waiting(q); !slices.Contains(got, "Offboarding") || !slices.Contains(got, "Screening") {
			t.Errorf("a person filled in Offboarding, and %v wait", got)
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

// What is no longer so is said where a policy is read, by the same derivation.
func TestThePagesNameValuesThatAreNoLongerCurrent(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		const says = "Outdated values in the version in force"
		c := &crew{t: t, app: p.app, clock: p.clock, org: p.org}
		c.owner, c.manager = c.hire("Olga", op.Owner), c.hire("Max", op.Manager)
		c.clock.Move(60 * aDay)
		pol := c.next(c.owner, "policy.approve", c.next(c.manager, "policy.submit", c.confirmed(c.library("POL-04"))))
		c.next(c.manager, "policy.publish", pol)
		p.signIn()
		if s := p.wants(p.get("/policies/POL-04"), 200, "Template fields of the version in force"); strings.Contains(s.text, says) {
			t.Error("nothing has changed, and values are outdated")
		}
		c.define("  - id: idp.dormant\n    params: {days: 30}\n")
		p.wants(p.get("/policies/POL-04"), 200, says, "dormant account limit", "90 days; now 30 days (idp.dormant.days)")
		p.wants(p.get("/policies"), 200, "Values have changed since publication", "POL-04")
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
	if p = c.next(c.manager, "policy.update", p, "body", rewrite(body, all...)); len(waiting(p)) > 0 {
		t.Errorf("written by a person, and %v wait", waiting(p))
	}
}

// rewrite puts text of a person in the place of that of sections.
func rewrite(body string, headings ...string) string {
	for _, h := range headings {
		one := regexp.MustCompile(`(?ms)^## ` + regexp.QuoteMeta(h) + `\n.*?(\n## |\z)`)
		body = one.ReplaceAllString(body, "## "+h+"\n\nOur three founders agreed on "+strings.ToLower(h)+" last spring: everybody follows the wiki page, Mary looks at it monthly.\n$1")
	}
	return body
}

// INV-27: an edit is one where at least a third of the words are the person's own; with less a person has to confirm the section.
func TestASectionIsAPersonsOwnFromAThirdOfItsWords(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		c.answer()
		p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-05")))
		body, all := p["body"].(string), waiting(p)
		half := regexp.MustCompile(`(?m)^([A-Z].{40,}?\. ).*$`)
		for what, text := range map[string]string{"one word": each(body, "x"), "a word again and again": each(body, strings.Repeat("own ", 200)), "a sentence": each(body, "We do this."),
			"all but the first sentence left out": half.ReplaceAllString(body, "$1"), "a word in capitals": strings.ReplaceAll(body, "password", "PASSWORD")} {
			if p = c.next(c.manager, "policy.update", p, "body", text); !slices.Equal(waiting(p), all) {
				t.Errorf("%s: of %v %v wait", what, all, waiting(p))
			}
			p = c.next(c.manager, "policy.update", p, "body", body)
		}
		// By way of another text, of another policy, and of a token it is the same.
		p = c.next(c.manager, "policy.update", p, "body", rewrite(body, all...))
		p = c.next(c.manager, "policy.update", p, "body", each(body, "x"))
		if !slices.Equal(waiting(p), all) {
			t.Errorf("by way of a text of one's own: of %v %v wait", all, waiting(p))
		}
		p = c.do(c.manager, "policy.create", map[string]any{"ref": "OWN-05", "title": "Pasted", "body": strings.ReplaceAll(each(body, "x"), "## ", "## My ")})
		if len(waiting(p)) != len(all) {
			t.Errorf("pasted with a word: of %v %v wait", all, waiting(p))
		}
		p = c.next(c.manager, "policy.submit", c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p))))
		if p["state"] != "in_review" {
			t.Errorf("what was edited a little and confirmed is %v", p["state"])
		}
	})
}

// define changes parameters of tests, in force at once.
func (c *crew) define(text string) {
	c.t.Helper()
	d := c.do(c.manager, "definition.create", map[string]any{"title": "Another limit", "reason": "It fits us better.", "text": "tests:\n" + text})
	c.next(c.owner, "definition.approve", d)
}

// confirmed is a draft with the text of the template, confirmed.
func (c *crew) confirmed(p map[string]any) map[string]any {
	c.t.Helper()
	p = c.do(c.manager, "policy.use_template", c.with(p))
	return c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p)))
}

func TestAPolicyThatDiffersFromItsTestIsNeitherApprovedNorPublished(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		p := c.next(c.manager, "policy.submit", c.confirmed(c.library("POL-04")))
		c.define("  - id: idp.dormant\n    params: {days: 30}\n")
		c.refused(c.owner, "policy.approve", p, nil, "dormant account limit was 90 days and is 30 days", "Sections: Access reviews", "reject it with this reason, then use the template again")
		p = c.next(c.owner, "policy.reject", p, "reject_reason", "The limit is 30 days now.")
		p = c.next(c.owner, "policy.approve", c.next(c.manager, "policy.submit", c.confirmed(p)))
		c.define("  - id: idp.dormant\n    params: {days: 45}\n")
		c.refused(c.manager, "policy.publish", p, nil, "dormant account limit was 30 days and is 45 days", "revise it, then use the template again")
		p = c.next(c.owner, "policy.approve", c.next(c.manager, "policy.submit", c.confirmed(c.next(c.manager, "policy.revise", p))))
		has(t, c.next(c.manager, "policy.publish", p), "unused for 45 days")

		// Pasted under another ref, and with a word changed, the text states the limit of the test all the same.
		own := strings.ReplaceAll(p["body"].(string), "disables accounts", "closes accounts")
		q := c.do(c.manager, "policy.create", map[string]any{"ref": "OWN-04", "title": "Pasted", "body": own})
		q = c.next(c.manager, "policy.submit", c.do(c.manager, "policy.confirm_sections", c.with(q, "sections", waiting(q))))
		c.define("  - id: idp.dormant\n    params: {days: 50}\n")
		c.refused(c.owner, "policy.approve", q, nil, "dormant account limit was 45 days and is 50 days")
	})
}

func TestWhatAPolicyInForceSaysAndIsNoLongerSoIsListed(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		c.answer()
		outdated := func(of string) (out []string) {
			t.Helper()
			for _, x := range c.do(c.manager, "policy.outdated", map[string]any{"policy": of})["data"].([]any) {
				r := x.(map[string]any)
				out = append(out, r["ref"].(string)+" "+r["field"].(string)+": "+r["says"].(string)+", "+r["now"].(string))
			}
			return out
		}
		for _, ref := range []string{"POL-01", "POL-04"} {
			p := c.next(c.owner, "policy.approve", c.next(c.manager, "policy.submit", c.confirmed(c.library(ref))))
			c.next(c.manager, "policy.publish", p)
		}
		if got := outdated(""); len(got) > 0 {
			t.Errorf("nothing changed, and %q is outdated", got)
		}
		f := c.do(c.manager, "policy_field.list", map[string]any{"name": "security contact"})["data"].([]any)[0].(map[string]any)
		c.do(c.manager, "policy_field.update", c.with(f, "value", "help@example.com"))
		c.define("  - id: idp.dormant\n    params: {days: 30}\n")
		want := []string{"POL-01 security contact: our security contact, help@example.com", "POL-04 dormant account limit: 90 days, 30 days"}
		if got := outdated(""); !slices.Equal(got, want) {
			t.Errorf("outdated are %q, want %q", got, want)
		}
		p := c.next(c.manager, "policy.revise", c.library("POL-04"))
		p = c.do(c.manager, "policy.use_template", c.with(p)) // the text in force stays as it is
		if got := outdated(p["id"].(string)); !slices.Equal(got, want[1:]) {
			t.Errorf("while the next version is written, outdated is %q", got)
		}
		p = c.next(c.owner, "policy.approve", c.next(c.manager, "policy.submit", c.confirmed(p)))
		c.next(c.manager, "policy.publish", p)
		if got := outdated(""); !slices.Equal(got, want[:1]) {
			t.Errorf("after the next version outdated are %q", got)
		}
	})
}

// The library's value stands for the control only while the control says it.
func TestAControlThatSaysAnotherLimitFillsNoField(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		c.answer()
		p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-14")))
		has(t, p, "within 24 hours of confirmation")
		i := c.do(c.manager, "control.list", map[string]any{"ref": "INC-04"})["data"].([]any)[0].(map[string]any)
		if i["state"] == "draft" {
			i = c.do(c.manager, "control.update", c.with(i, "text", "Duties are decided within 72 hours, clocked and met."))
		} else {
			v := c.do(c.manager, "control_version.create", map[string]any{"control": i["id"], "reason": "It takes us longer.", "text": "Duties are decided within 72 hours, clocked and met."})
			c.next(c.owner, "control_version.approve", v)
		}
		p = c.do(c.manager, "policy.use_template", c.with(p))
		has(t, p, "{{notification decision limit}}")
		for _, x := range p["template_fields"].([]any) {
			if f := x.(map[string]any); f["name"] == "notification decision limit" && (f["value"] != "" || !strings.Contains(f["source"].(string), "INC-04 differs from the library")) {
				t.Errorf("the field says %v", f)
			}
		}
		c.refused(c.manager, "policy.submit", p, nil, "these fields have no value: notification decision limit")
		f := c.do(c.manager, "policy_field.list", map[string]any{"name": "notification decision limit"})["data"].([]any)[0].(map[string]any)
		c.do(c.manager, "policy_field.update", c.with(f, "value", "72 hours"))
		has(t, c.do(c.manager, "policy.use_template", c.with(p)), "within 72 hours of confirmation")
	})
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
			if got := waiting(p); !slices.Equal(got, all[:1]) {
				t.Errorf("a person added a sentence to text of %s, and %v wait", what, got)
			}
			p = c.next(c.manager, "policy.update", p, "body", rewrite(p["body"].(string), all[0]))
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
