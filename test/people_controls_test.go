// SPDX-License-Identifier: Apache-2.0

package test

import "testing"

// Whoever wrote a draft wrote what is put in force with it, whoever proposes that.
func TestWhoWroteADraftDoesNotApproveItsActivation(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		d := c.do(c.second, "control.create", map[string]any{"ref": "OWN-01", "title": "Our own control", "text": "We look at it each month.", "criteria": []string{"CC6.1"}})
		v := c.do(c.manager, "control_version.create", map[string]any{"control": d["id"], "action": "activate", "reason": "It is ready to be used."})
		c.denied("he wrote the draft", c.second, "control_version.approve", v)
		c.denied("he proposed it", c.manager, "control_version.approve", v)
		c.next(c.owner, "control_version.approve", v)
		v = c.do(c.manager, "control_version.create", map[string]any{"control": d["id"], "reason": "It is monthly, after all.", "frequency": "monthly"})
		c.next(c.second, "control_version.approve", v) // what he wrote was approved before
	})
}
