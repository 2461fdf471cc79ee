// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"assay/internal/errs"
)

// compileExpect checks and compiles what says which rows there must be.
func (c *Catalogue) compileExpect(r *Rule) error {
	x := r.Def.Expect
	if x == nil {
		return nil
	}
	e, at := &expected{Expect: *x}, r.Def.ID+".expect"
	if len(e.By) == 0 && len(r.Def.By) == 1 {
		e.By = r.Def.By
	}
	if err := c.checkExpect(r, e); err != nil {
		return err
	}
	e.kind = c.kinds[x.Kind]
	var err error
	if e.plan, err = newPlan(e.kind, r.Def.Params, nil, false); err != nil {
		return errs.At(at, "%v", err)
	}
	env, err := c.env.Extend(e.plan.options()...)
	if err != nil {
		return fmt.Errorf("extend environment for %s: %w", at, err)
	}
	if e.where, err = newExpr(env, e.plan, c.kinds, x.Where); err != nil {
		return errs.At(at+".where", "%v", err)
	}
	if e.among = r.filter; x.Among != "" {
		if env, err = c.env.Extend(r.plan.options()...); err != nil {
			return fmt.Errorf("extend environment for %s: %w", at, err)
		}
		if e.among, err = newExpr(env, r.plan, c.kinds, x.Among); err != nil {
			return errs.At(at+".among", "%v", err)
		}
	}
	text := x.Message
	if text == "" {
		text = "{name}: there are no " + r.plan.kind.title + " for it in any source."
	}
	if e.message, err = newTemplate(text, e.plan); err != nil {
		return errs.At(at+".message", "%v", err)
	}
	r.expect = e
	r.byNow = r.byNow || slices.Contains(e.where.vars, nowIdent) || slices.Contains(e.among.vars, nowIdent)
	return nil
}

func (c *Catalogue) checkExpect(r *Rule, e *expected) error {
	at := r.Def.ID + ".expect"
	k, ok := c.kinds[e.Kind]
	switch {
	case !ok:
		return errs.At(at, "%q is not a resource kind", e.Kind)
	case r.Def.Over == "all" || r.Def.Over == "group" && (len(r.Def.By) != 1 || !slices.Equal(e.By, r.Def.By)):
		return errs.At(at, "it goes with a test over each resource, or over groups by one attribute")
	case len(e.By) == 0:
		return errs.At(at+".by", "it is missing").Mend("name the attribute of %s that says which of %s a row is about", r.Def.Kind, e.Kind)
	case e.Else != "" && e.Else != "fail" && e.Else != "unknown":
		return errs.At(at+".else", "%q is neither fail nor unknown", e.Else)
	case r.Def.Over == "group" && (len(e.Also) > 0 || e.Among != "" || e.Else != "unknown" && e.Message != ""):
		return errs.At(at, "also, among and message are for tests over each resource: an empty group is judged by the condition, or is unknown")
	}
	slot, ok := k.slots[e.Key]
	if !ok {
		return errs.At(at, "%s has no attribute %s", e.Kind, e.Key)
	}
	e.ignoreCase = k.attrs[slot].ignoreCase
	for here, there := range e.Also {
		if _, ok := r.plan.kind.slots[here]; !ok {
			return errs.At(at+".also", "%s has no attribute %s", r.Def.Kind, here)
		}
		if _, ok := k.slots[there]; !ok {
			return errs.At(at+".also", "%s has no attribute %s", e.Kind, there)
		}
	}
	for _, attr := range e.By {
		slot, ok := r.plan.kind.slots[attr]
		if !ok {
			return errs.At(at+".by", "%s has no attribute %s", r.Def.Kind, attr)
		}
		e.ignoreCase = e.ignoreCase || r.plan.kind.attrs[slot].ignoreCase
	}
	return nil
}

// key is a name as rows are looked for by it.
func (e *expected) key(s string) string {
	if e.ignoreCase {
		return folded(s)
	}
	return s
}

// want is one resource for which there must be a row.
type want struct {
	from  *Bound
	key   ref.Val
	names []string // that a row may call it by
	doubt *answer  // why it is not known whether there must be one
}

// wanted lists the resources for which there must be a row.
func (r *Rule) wanted(in *Input) []want {
	x := r.expect
	if x == nil {
		return nil
	}
	var out []want
	f := newFrame(x.plan, in)
	for _, b := range in.Resources.Set(x.kind.name).Resources {
		if b.Gone {
			continue
		}
		f.on(b)
		a := guard(x.where, f)
		if a.truth == isFalse {
			continue
		}
		w := want{from: b, key: b.value(x.Key)}
		switch v := w.key.(type) {
		case nil:
			a = answer{missing: []string{x.Key}}
		case types.String:
			w.names = []string{string(v)}
			if x.Key == "id" {
				w.names = append(w.names, b.ID, b.Name)
				if mail, ok := b.value("email").(types.String); ok { // a person is named by it too
					w.names = append(w.names, string(mail))
				}
			}
		case types.Null: // it is known that nothing stands there
		default:
			w.names = []string{spoken(v, nil)}
		}
		if a.truth != isTrue {
			doubt := a
			w.doubt = &doubt
		}
		out = append(out, w)
	}
	return out
}

// rows are the rows of a test over each resource, as others may look for them.
type rows struct {
	by    map[string][]*Bound
	doubt string // why it is not known of some row what it is about
}

func (r *Rule) rows(f *frame, resources []*Bound) rows {
	out := rows{by: map[string][]*Bound{}}
	for _, b := range resources {
		if b.Gone {
			continue
		}
		f.on(b)
		if guard(r.expect.among, f).truth == isFalse {
			continue
		}
		known := false
		for _, attr := range r.expect.By {
			v := b.value(attr)
			known = known || v != nil
			if s, ok := v.(types.String); ok {
				key := r.expect.key(string(s))
				out.by[key] = append(out.by[key], b)
			}
			if attr == "id" {
				key := r.expect.key(b.ID)
				out.by[key] = append(out.by[key], b)
			}
		}
		if !known {
			out.doubt = r.expect.By[0] + " of " + b.Name + " is not known"
		}
	}
	return out
}

// shares says whether a row agrees with the resource that it is about in all that it must.
func (r *Rule) shares(row, from *Bound) bool {
	for here, there := range r.expect.Also {
		a, ok := row.value(here).(types.String)
		b, known := from.value(there).(types.String)
		if name := strings.TrimPrefix(string(a), "refs/heads/"); ok && known && name != string(b) && !strings.ContainsAny(name, "*~?[") {
			return false
		}
	}
	return true
}

// missing adds a result for each resource of the other kind for which there is no row. What nobody looked at has not
// passed: it fails, or it is unknown where the test says so.
func (r *Rule) missing(out *Outcome, in *Input, resources []*Bound, excuses map[string]string) {
	wanted := r.wanted(in)
	if len(wanted) == 0 {
		return
	}
	have := r.rows(newFrame(r.plan, in), resources)
	f, told := newFrame(r.expect.plan, in), map[string]bool{}
	for _, w := range wanted {
		if slices.ContainsFunc(w.names, func(n string) bool {
			return slices.ContainsFunc(have.by[r.expect.key(n)], func(row *Bound) bool { return r.shares(row, w.from) })
		}) {
			continue
		}
		f.on(w.from)
		res := Result{Resource: r.groupID(w.from.Key), Observed: map[string]any{}}
		if len(w.names) > 0 && r.expect.Key != "id" {
			res.Resource = r.groupID(w.names[0])
		}
		if told[res.Resource] {
			continue
		}
		told[res.Resource] = true
		if v, ok := native(w.key); ok {
			res.Observed[r.expect.kind.name+"."+r.expect.Key] = v
		}
		switch {
		case w.doubt != nil && w.doubt.truth == isError:
			res.Verdict, res.Message = VerdictError, w.from.Name+": the test could not be evaluated: "+w.doubt.err
		case w.doubt != nil:
			res.Verdict, res.Message = VerdictUnknown, w.from.Name+": "+f.unknowns(w.doubt.missing)
		case have.doubt != "":
			res.Verdict, res.Message = VerdictUnknown, r.expect.message.render(f)+" There may be one: "+have.doubt
		case r.expect.Else == "unknown":
			res.Verdict, res.Message = VerdictUnknown, r.expect.message.render(f)
		default:
			res.Verdict, res.Message = VerdictFail, r.expect.message.render(f)
			for _, id := range []string{res.Resource, w.from.ID} {
				if x, ok := excuses[id]; ok {
					res.Verdict, res.Exception = VerdictExcepted, x
				}
			}
		}
		out.Results = append(out.Results, res)
	}
}

// importedKind is the title of the first kind that the rule reads and that has imported rows.
func (r *Rule) importedKind(in *Input) string {
	for _, k := range r.kinds {
		for _, b := range in.Resources.Set(k).Resources {
			if b.imported && !b.Gone {
				return b.kind.title
			}
		}
	}
	return ""
}
