// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// stateWord puts the state of a thing into that of its change. What is not known was neither proposed nor in force.
func stateWord(s string) ChangeState {
	switch s {
	case "proposed", "requested":
		return "proposed"
	case "approved", "active", "retiring":
		return "in_force"
	case "rejected", "revoked", "withdrawn":
		return ChangeState(s)
	}
	return "ended"
}

// ofProposal tells of a change of a control.
func (d *dated) ofProposal(refs map[string]string) func(*store.Dated[grc.ControlVersion]) (telling, bool) {
	what := map[grc.VersionAction]string{"change": "Control changed", "activate": "Control activated", "retire": "Control retired"}
	word := map[grc.VersionAction]string{"change": "changed", "activate": "activated", "retire": "retired"}
	return func(x *store.Dated[grc.ControlVersion]) (telling, bool) {
		n := x.Thing
		t := telling{}
		t.kind, t.what, t.word, t.once = "control", what[n.Action], word[n.Action], true
		t.label, t.subjects = n.Title, []string{orText(refs[n.Control], n.Control)}
		t.state, t.reason, t.answer, t.how, t.approved = stateWord(string(n.State)), n.Reason, n.Answer, n.ApprovedHow, n.ApprovedBy
		if day, err := check.ParseDay(string(n.EffectiveFrom)); err == nil {
			t.from = d.days.Start(day)
		}
		id, at := n.Control, x.Since
		t.fields = termFields(n, id, at)
		return t, true
	}
}

// controlEdits are the changes of controls that no proposal holds: controls that a file added, and what the program did.
func (o *overrides) controlEdits() []*changeLine {
	proposed := map[string]bool{}
	for _, x := range o.proposals {
		if x.Thing.State == "approved" && !x.Thing.AppliedAt.IsZero() { // one that never came into force hides nothing
			proposed[versionKey(x.Thing.Control, x.Thing.Number)] = true
		}
	}
	var out []*changeLine
	last := map[string]*store.Dated[grc.Control]{}
	for i := range o.controls {
		x := &o.controls[i]
		was := last[x.ID]
		last[x.ID] = x
		c := x.Thing
		if c.Library && c.VersionNo <= 1 && was == nil || proposed[versionKey(x.ID, c.VersionNo)] && (was == nil || was.Thing.VersionNo != c.VersionNo) {
			continue
		}
		inForce := c.State != "draft" || was != nil && was.Thing.State != "draft"
		if !inForce || was != nil && was.Thing.State == c.State && o.terms[was.Since] == o.terms[x.Since] {
			continue
		}
		l := &changeLine{entry: x.Since, at: x.From, kind: "control", what: "Control changed", word: "changed", once: true, label: c.Title, thing: x.ID, thingKind: grc.Controls.Name, subjects: []string{c.Ref},
			state: "in_force", asked: c.UpdatedBy, askedAt: x.From, from: x.From, fields: controlFieldsOf(was, c)}
		if was == nil {
			l.what, l.word = "Control added", "added"
		}
		switch {
		case c.Set == "file":
			l.reason = "Defined by a file in the data folder"
		case was != nil && was.Thing.State == "draft" && c.Library:
			l.what, l.word, l.reason = "Control activated", "activated", "Its category was added to the scope"
		}
		out = append(out, l)
	}
	return out
}

func versionKey(control string, number int64) string { return control + "|" + itoa(number) }

// ofDecision tells that something does not apply, or does.
func (d *dated) ofDecision(x *store.Dated[grc.Decision]) (telling, bool) {
	n, t := x.Thing, telling{}
	t.kind, t.what, t.word = "not_applicable", "Not applicable", "not applicable"
	if n.Decision == "applicable" {
		t.what, t.word = "Applicable", ""
	}
	t.label, t.subjects, t.reason, t.answer = n.Subject, []string{n.Subject}, n.Reason, n.RejectReason+n.RevokeReason
	t.state, t.how, t.approved, t.askedFor = stateWord(string(n.State)), n.ApprovedHow, n.ApprovedBy, n.RequestedBy
	if from, err := check.ParseDay(string(n.FromDay)); err == nil {
		t.from = d.days.Start(from)
	}
	if to, err := check.ParseDay(string(n.ToDay)); err == nil {
		t.until = d.days.Start(to + 1)
	}
	t.fields = fixed(WasNow{Name: "decision", Was: map[grc.Applies]string{"not_applicable": "applicable", "applicable": "not applicable"}[n.Decision], Now: op.Title(string(n.Decision))})
	return t, true
}

// ofException tells of an exception.
func ofException(refs map[string]string) func(*store.Dated[grc.Exception]) (telling, bool) {
	return func(x *store.Dated[grc.Exception]) (telling, bool) {
		n, t := x.Thing, telling{}
		t.kind, t.what, t.word, t.label, t.reason, t.answer = "exception", "Exception", "exception: "+n.Title, n.Title, n.Reason, n.RejectReason+n.RevokeReason
		if n.Test != "" {
			t.subjects = append(t.subjects, n.Test)
		}
		if n.Control != "" {
			t.subjects = append(t.subjects, orText(refs[n.Control], n.Control))
		}
		t.state, t.how, t.approved, t.askedFor, t.from, t.until = stateWord(string(n.State)), n.ApprovedHow, n.ApprovedBy, n.RequestedBy, n.StartsAt, n.ExpiresAt
		fields := []WasNow{{Name: "severity", Now: string(n.Severity)}}
		if n.Resource != "" {
			fields = append(fields, WasNow{Name: "resource", Now: n.Resource})
		}
		if n.Compensating != "" {
			fields = append(fields, WasNow{Name: "compensating", Now: n.Compensating})
		}
		t.fields = fixed(fields...)
		return t, true
	}
}

// ofPause tells of a pause of a test.
func ofPause(x *store.Dated[check.TestPause]) (telling, bool) {
	n, t := x.Thing, telling{}
	t.kind, t.what, t.word, t.label, t.subjects, t.reason = "pause", "Test paused", "paused", n.Test, []string{n.Test}, n.Reason
	t.state, t.how, t.approved, t.askedFor, t.from, t.until = stateWord(string(n.State)), n.ApprovedHow, n.ApprovedBy, n.RequestedBy, n.StartsAt, n.EndsAt
	t.answer = n.RejectReason + n.RevokeReason
	t.fields = fixed(WasNow{Name: "test", Was: "running", Now: "paused"})
	return t, true
}

// touched are the tests of an override, and what is done to them.
func touched(o *check.Override) (tests []string, what, word string) {
	what, word = "Test added", "added"
	std, err := check.Standard()
	for _, t := range o.Tests {
		tests = append(tests, t.ID)
		known := false
		if err == nil {
			_, known = std.Rule(t.ID)
		}
		if t.Enabled != nil && !*t.Enabled {
			return testsOf(o), "Test switched off", "switched off"
		} else if known {
			what, word = "Test changed", "changed"
		}
	}
	return tests, what, word
}

func testsOf(o *check.Override) []string {
	var out []string
	for _, t := range o.Tests {
		out = append(out, t.ID)
	}
	return out
}

// ofDefinition tells of a test that a definition changes, switches off or adds.
func ofDefinition(x *store.Dated[check.Definition]) (telling, bool) {
	n, t := x.Thing, telling{}
	o, err := n.Override()
	if err != nil {
		o = &check.Override{} // it was held against other kinds of resources then; what it is called is told all the same
	}
	t.kind, t.label, t.reason, t.how, t.approved, t.state = "test", n.Title, orText(n.Reason, n.Notes), n.ApprovedHow, n.ApprovedBy, stateWord(string(n.State))
	t.subjects, t.what, t.word = touched(o)
	if len(n.Changes) > 0 && t.word == "added" {
		t.what, t.word = "Test changed", "changed"
	}
	switch t.state {
	case "ended":
		t.answer = n.RetireReason
	case "rejected":
		t.answer = n.RejectReason
	}
	if t.word == "added" {
		t.once = true
	}
	t.fields = testFields(t.subjects, n.Changes, x.Since, t.state)
	return t, true
}

// ofRuleFile tells of the tests that a file of the data folder changes, switches off or adds.
func ofRuleFile(x *store.Dated[check.RuleFile]) (telling, bool) {
	n, t := x.Thing, telling{}
	o := &check.Override{}
	if !n.Removed {
		if p, err := check.ParseOverride([]byte(n.Text), n.Path); err == nil {
			o = p
		}
	}
	t.kind, t.label, t.reason, t.how, t.approved, t.state = "test", "file "+n.Path, n.Reason, n.ApprovedHow, n.ApprovedBy, stateWord(string(n.State))
	t.subjects, t.what, t.word = touched(o)
	for _, c := range o.Controls {
		t.subjects = append(t.subjects, c.Ref)
	}
	switch {
	case n.Removed:
		t.what, t.word = "File removed", "changed"
		for _, c := range n.Changes {
			test, _, _ := strings.Cut(c, ":")
			t.subjects = append(t.subjects, test)
		}
	case len(o.Tests) == 0:
		t.kind, t.what, t.word, t.once = "control", "Draft control added", "", true // it marks no day: it does not count yet
	}
	if t.once = t.once || t.word == "added"; t.reason == "" && t.once {
		t.reason = "Defined by a file in the data folder"
	}
	if t.state == "rejected" {
		t.answer, t.reason = n.Reason, ""
	}
	t.subjects = slices.Compact(t.subjects)
	t.fields = testFields(t.subjects, n.Changes, x.Since, t.state)
	return t, true
}

// ofWithdrawal tells of evidence that was accepted and taken back.
func ofWithdrawal(refs map[string]string) func(*store.Dated[grc.Evidence]) (telling, bool) {
	return func(x *store.Dated[grc.Evidence]) (telling, bool) {
		n, t := x.Thing, telling{}
		if n.State != "withdrawn" {
			return t, false
		}
		t.kind, t.what, t.word, t.once, t.label, t.reason, t.state = "evidence", "Evidence withdrawn", "evidence withdrawn", true, n.Title, n.Reason, "in_force"
		t.subjects, t.fields = []string{orText(refs[n.Control], n.Control)}, fixed(WasNow{Name: "state", Was: "accepted", Now: "withdrawn"})
		return t, true
	}
}

func noun(sh kind.Shape) string { return op.Title(sh.Name) }

func first(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func orText(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
