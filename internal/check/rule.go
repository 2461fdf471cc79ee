// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"assay/content"
	"assay/internal/errs"
)

// Rule is one test, compiled. It never changes, and any number of goroutines may use it at once.
type Rule struct {
	Def     content.Test
	Version string // of everything in the definition that can change a verdict

	plan      *plan
	filter    *expr
	condition *expr
	event     *event // nil for all but tests over events
	counts    []*expr
	expect    *expected
	message   *template
	seesGone  bool     // it asks whether a resource is still there
	kinds     []string // that it reads: its own first
	byNow     bool
	observed  []*variable
	hollow    *errs.Error // why it says nothing; such a rule never passes
}

// expected says for which resources of another kind there must be a row.
type expected struct {
	content.Expect
	kind       *kind
	where      *expr
	among      *expr // of the rule's own kind: which rows count
	plan       *plan // of the other kind
	message    *template
	ignoreCase bool // in the names of rows
}

var (
	severities = []string{"critical", "high", "medium", "low"}
	scopes     = []string{"each", "group", "all"}
	empties    = []string{"not_applicable", "fail", "error"}
	roles      = []string{"required", "supporting"}
)

// ID is the name of the test.
func (r *Rule) ID() string { return r.Def.ID }

// Kinds lists the kinds that the rule reads, its own first.
func (r *Rule) Kinds() []string { return slices.Clone(r.kinds) }

// Joins lists the kinds that it reads besides its own: when one of those changes, all is tested again.
func (r *Rule) Joins() []string { return slices.Clone(r.kinds[1:]) }

// TimeDependent reports whether the verdict can change while no resource does.
func (r *Rule) TimeDependent() bool { return r.byNow }

// Single reports whether one changed resource can be tested alone, with EvaluateOne.
func (r *Rule) Single() bool { return r.Def.Over == "each" && len(r.counts) == 0 }

// compile checks a definition and compiles its expressions.
func (c *Catalogue) compile(t content.Test) (*Rule, error) {
	if t.Over == "" {
		t.Over = "each"
	}
	if t.Empty == "" {
		t.Empty = "not_applicable"
	}
	t = withWindow(t)
	if err := c.checkShape(t); err != nil {
		return nil, err
	}
	k := c.kinds[t.Kind]
	p, err := newPlan(k, t.Params, t.Counts, t.Over != "each")
	if err != nil {
		return nil, errs.At(t.ID+".params", "%v", err)
	}
	r := &Rule{Def: t, plan: p, Version: versionOf(t)}
	if err := c.compileExprs(r); err != nil {
		return nil, err
	}
	if err := r.compileTexts(); err != nil {
		return nil, err
	}
	if err := c.compileExpect(r); err != nil {
		return nil, err
	}
	r.hollow = r.checkMeaning()
	r.kinds = r.readKinds()
	return r, nil
}

func (c *Catalogue) checkShape(t content.Test) error {
	at := func(field string) string { return t.ID + "." + field }
	k, ok := c.kinds[t.Kind]
	switch {
	case t.ID == "" || strings.ContainsAny(t.ID, " \t\n/"):
		return errs.At("id", "%q is no name for a test", t.ID).Mend("write family.name, such as acme.backup_named")
	case t.Title == "":
		return errs.At(at("title"), "it is missing").Mend("say in a sentence what must hold")
	case !ok:
		return errs.At(at("kind"), "%q is not a resource kind", t.Kind)
	case t.Condition == "" && t.Event == nil:
		return errs.At(at("condition"), "it is missing")
	case !slices.Contains(severities, t.Severity):
		return errs.At(at("severity"), "%q is none of %s", t.Severity, strings.Join(severities, ", "))
	case t.IntervalHours < 1 || t.IntervalHours > 24*31:
		return errs.At(at("interval_hours"), "%d is not between 1 and %d", t.IntervalHours, 24*31)
	case !slices.Contains(scopes, t.Over):
		return errs.At(at("over"), "%q is none of %s", t.Over, strings.Join(scopes, ", "))
	case !slices.Contains(empties, t.Empty):
		return errs.At(at("empty"), "%q is none of %s", t.Empty, strings.Join(empties, ", "))
	case (t.Over == "group") != (len(t.By) > 0):
		return errs.At(at("by"), "a test over groups needs it, and no other test has it")
	case t.Over == "each" && t.Latest != "":
		return errs.At(at("over"), "latest is for tests over a group or all")
	}
	if err := checkEvent(t); err != nil {
		return err
	}
	for _, attr := range append(slices.Clone(t.By), t.Latest) {
		if _, ok := k.slots[attr]; !ok && attr != "" {
			return errs.At(at("by"), "%s has no attribute %s", t.Kind, attr)
		}
	}
	for _, l := range t.Controls {
		if l.ID == "" || !slices.Contains(roles, l.Role) {
			return errs.At(at("controls"), "%q with role %q: name a control, and a role of %s", l.ID, l.Role, strings.Join(roles, " or "))
		}
	}
	return nil
}

func (c *Catalogue) compileExprs(r *Rule) error {
	env, err := c.env.Extend(r.plan.options()...)
	if err != nil {
		return fmt.Errorf("extend environment for %s: %w", r.Def.ID, err)
	}
	with := newExpr
	one := func(field, src string) *expr {
		if err != nil {
			return nil
		}
		e, wrong := with(env, r.plan, c.kinds, src)
		if wrong != nil {
			err = errs.At(r.Def.ID+"."+field, "%v", wrong)
		}
		return e
	}
	r.filter = one("filter", r.Def.Filter)
	r.condition = one("condition", r.Def.Condition)
	if x := r.Def.Event; x != nil {
		with = newTimeExpr
		days, _ := wholeNumber(r.Def.Params[windowParam])
		r.event, r.byNow = &event{due: one("event.due", x.Due), done: one("event.done", x.Done), ends: one("event.ends", x.Ends), days: int(days)}, true
		with = newExpr
	}
	for _, name := range r.plan.counts {
		r.counts = append(r.counts, one("counts."+name, r.Def.Counts[name]))
	}
	if err != nil {
		return err
	}
	for _, e := range append([]*expr{r.filter}, r.counts...) {
		for _, name := range e.vars {
			if at := r.plan.vars[name].place; at == itemsVar || at == countVar || at == countsVar {
				return errs.At(r.Def.ID+".filter", "%s is only known in the condition", name)
			}
		}
	}
	for _, e := range r.expressions() {
		r.seesGone = r.seesGone || slices.Contains(e.vars, "present")
		r.byNow = r.byNow || slices.Contains(e.vars, nowIdent)
	}
	return nil
}

func (r *Rule) compileTexts() (err error) {
	text := r.Def.Message
	if text == "" {
		text = "{name}: " + r.Def.Title
	}
	if r.message, err = newTemplate(text, r.plan); err != nil {
		return errs.At(r.Def.ID+".message", "%v", err)
	}
	for _, name := range r.Def.Observed {
		v, ok := r.plan.vars[name]
		if !ok {
			return errs.At(r.Def.ID+".observed", "%s has no attribute %s", r.Def.Kind, name)
		}
		r.observed = append(r.observed, v)
	}
	return nil
}

// readKinds lists what the expressions reach. Texts do not count: a message needs no proof.
func (r *Rule) readKinds() []string {
	out := []string{r.Def.Kind}
	add := func(names ...string) {
		for _, n := range names {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	if r.expect != nil {
		add(r.expect.kind.name)
	}
	for i, j := range r.plan.joins {
		if r.plan.used[i] {
			add(j.Kinds...)
		}
	}
	return out
}

// plainName names a variable in an unknown, without the prefix that list elements carry.
func plainName(name string) string {
	if _, attr, ok := strings.Cut(name, ":"); ok {
		return attr
	}
	return name
}
