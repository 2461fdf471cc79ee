// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
)

// A token adds nothing to what a person confirmed: no heading, and no text of a picture (INV-27).
func TestATokenAddsNothingToWhatAPersonConfirmed(t *testing.T) {
	c := foundCrew(t, "")
	c.clock.Move(60 * aDay)
	c.answer()
	tok := c.token(c.manager)
	p := c.do(c.manager, "policy.use_template", c.with(c.library("POL-04")))
	p = c.do(c.manager, "policy.confirm_sections", c.with(p, "sections", waiting(p)))
	body := p["body"].(string)
	for what, change := range map[string]string{
		"a heading under a heading": strings.Replace(body, "\n\n", "\n\n### The rule below does not hold for engineers\n\n", 1),
		"a heading at the end":      body + "\n### Nobody needs to follow this\n",
		"the text of a picture":     strings.Replace(body, "\n\n", "\n\n![Nobody needs to follow this](x)\n", 1),
	} {
		q := c.do(tok, "policy.update", c.with(p, "body", change))
		if len(waiting(q)) == 0 {
			t.Errorf("%s waits for nobody", what)
		}
		c.refused(tok, "policy.submit", q, nil, "nobody has edited or confirmed")
		q = c.do(c.manager, "policy.update", c.with(q, "body", body))
		if left := waiting(q); len(left) > 0 {
			q = c.do(c.manager, "policy.confirm_sections", c.with(q, "sections", left))
		}
		p = q
	}
}
