// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"time"

	"cel.dev/cel-go/common/types/ref"

	"assay/internal/errs"
)

// checkMeaning finds a test that says nothing: a condition or a filter that reads nothing of the resource, or that
// has its answer while nothing is known.
func (r *Rule) checkMeaning() *errs.Error {
	at := func(field string) string { return r.Def.ID + "." + field }
	if r.event != nil {
		for i, e := range []*expr{r.event.due, r.event.done} {
			if e != nil && !r.reads(e) {
				return errs.At(at([]string{"event.due", "event.done"}[i]), "it reads no attribute of the resource, so every event gets the same time").Mend("use an attribute of %s", r.Def.Kind)
			}
		}
	}
	bare := r.event != nil && r.condition.src == "" // being done in time is all that it asks
	switch {
	case !bare && !r.reads(r.condition):
		return errs.At(at("condition"), "it reads no attribute of the resource, so every resource gets the same result").
			Mend("use an attribute of %s; to stop a test, switch it off and give a reason", r.Def.Kind)
	case r.filter.src != "" && !r.reads(r.filter):
		return errs.At(at("filter"), "it reads no attribute of the resource, so it selects all resources or none").
			Mend("use an attribute of %s, or leave the filter empty", r.Def.Kind)
	}
	f := r.knowingNothing()
	if t := guard(r.condition, f).truth; !bare && (t == isTrue || t == isFalse) {
		return errs.At(at("condition"), "it is %s for every resource", map[truth]string{isTrue: "true", isFalse: "false"}[t]).
			Mend("write what must be true of %s; to stop a test, switch it off and give a reason", r.Def.Kind)
	}
	if r.filter.src != "" && guard(r.filter, f).truth == isFalse {
		return errs.At(at("filter"), "it never selects a resource").Mend("to stop a test, switch it off and give a reason")
	}
	return nil
}

// checkOverride refuses a change of a test that leaves it without meaning: one that says nothing, or one whose examples
// of a failure and of missing data now pass. It is asked when a change is written; a change that was kept before is
// read all the same, and a rule without meaning then comes to an error.
func (c *Catalogue) checkOverride(o *Override) error {
	for i, t := range o.Tests {
		r, ok := c.rules[t.ID]
		if !ok {
			continue
		}
		entry := fmt.Sprintf("tests[%d]", i)
		if r.hollow != nil {
			return o.translate(entry, t.ID, r.hollow)
		}
		if t.Condition == nil && t.Filter == nil && t.Event == nil && t.Fixtures == nil || r.Def.Fixtures == nil {
			continue
		}
		if err := c.checkSides(o, entry, r, t.Fixtures != nil); err != nil {
			return err
		}
	}
	return nil
}

// checkSides refuses a test whose example of a failure no longer fails. Examples that came with the change must show
// all their sides; those of the catalogue may lack what the change asks for, but must not pass or be left out.
func (c *Catalogue) checkSides(o *Override, entry string, r *Rule, own bool) error {
	for _, side := range []struct {
		name string
		want Verdict
		what string
	}{{"fail", VerdictFail, "shows a failure"}, {"unknown", VerdictUnknown, "lacks data"}, {"pass", VerdictPass, "shows a pass"}} {
		out, err := c.RunFixture(r, side.name)
		if err != nil {
			return o.translate(entry, r.Def.ID, err)
		}
		hidden := side.want != VerdictPass && (out.State == VerdictPass || out.State == VerdictNotApplicable)
		if hidden || own && out.State != side.want {
			return o.wrong(entry, "condition", fmt.Sprintf("the example that %s now gives %s", side.what, out.State)).
				Mend("keep the purpose of the test, or add a pass, a fail, an empty and an unknown example of your own under fixtures")
		}
	}
	return nil
}

// reads says whether an expression looks at the resource, at what it is joined to, or at the group.
func (r *Rule) reads(e *expr) bool {
	for _, name := range e.vars {
		switch r.plan.vars[name].place {
		case ownAttr, joinAttr, joinList, itemsVar, countVar, countsVar:
			return true
		}
	}
	return false
}

// knowingNothing is a frame on a resource of which nothing is known.
func (r *Rule) knowingNothing() *frame {
	f := newFrame(r.plan, &Input{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Resources: NewPopulation(nil)})
	f.on(&Bound{kind: r.plan.kind, vals: make([]ref.Val, len(r.plan.kind.attrs))})
	return f
}
