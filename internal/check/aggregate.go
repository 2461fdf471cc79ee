// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// group is what a test over groups, or over all, makes one statement about.
type group struct {
	id      string
	name    string
	members []*Bound
	by      []ref.Val
	doubt   *answer // a member of which it is not known whether it belongs here
	about   *Bound  // that member

	unlisted string // why a group without members is unknown
}

// doubtAll takes over the doubt about a resource that could belong to any group.
func (g *group) doubtAll(lost *group) {
	if g.doubt == nil {
		g.doubt, g.about = lost.doubt, lost.about
	}
}

// aggregate evaluates a test over groups or over all.
func (r *Rule) aggregate(out *Outcome, in *Input, resources []*Bound, excuses map[string]string) {
	f := newFrame(r.plan, in)
	groups := &grouping{rule: r, byID: map[string]*group{}}
	for i, b := range resources {
		if in.halted(i) {
			return
		}
		if b.Gone && !r.seesGone {
			continue
		}
		f.on(b)
		switch a := guard(r.filter, f); a.truth {
		case isFalse:
			out.OutOfFilter++
		case isTrue:
			groups.add(b, nil)
		default:
			doubt := a // a copy, so that only doubts are kept on the heap
			groups.add(b, &doubt)
		}
	}
	astray := len(groups.lost) > 0
	groups.expected(in)
	doubt := r.count(f, resources)
	if astray {
		for _, g := range groups.order {
			g.doubtAll(groups.lost[0])
		}
	}
	for _, g := range groups.order {
		out.Results = append(out.Results, r.judge(f, g, doubt, excuses))
	}
	for _, lost := range groups.lost {
		f.on(lost.about)
		out.Results = append(out.Results, r.explainOne(f, lost.about.ID, lost.about.Name, *lost.doubt, nil))
	}
}

// guard evaluates an expression and turns a panic into an error.
func guard(e *expr, f *frame) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{truth: isError, err: fmt.Sprint(p)}
		}
	}()
	return e.eval(f)
}

// grouping sorts resources into groups.
type grouping struct {
	rule  *Rule
	byID  map[string]*group
	order []*group
	lost  []*group // resources whose group is not known
}

func (g *grouping) add(b *Bound, doubt *answer) {
	by := make([]ref.Val, len(g.rule.Def.By))
	for i, attr := range g.rule.Def.By {
		if by[i] = b.value(attr); by[i] == nil {
			g.lost = append(g.lost, &group{about: b, doubt: &answer{missing: []string{attr}}})
			return
		}
	}
	to := g.named(by)
	if doubt != nil {
		if to.doubt == nil {
			to.doubt, to.about = doubt, b
		}
		return
	}
	to.members = append(to.members, b)
}

// named finds or makes the group of some values. Its id is the same in every run.
func (g *grouping) named(by []ref.Val) *group {
	words := make([]string, len(by))
	for i, v := range by {
		words[i] = spoken(v, nil)
	}
	name := strings.Join(words, " ")
	id := g.rule.groupID(words...)
	if len(by) == 0 {
		id, name = g.rule.Def.Kind+":all", g.rule.plan.kind.title
	}
	if g.byID[id] == nil {
		g.byID[id] = &group{id: id, name: name, by: by}
		g.order = append(g.order, g.byID[id])
	}
	return g.byID[id]
}

// groupID is the id of the group, or of the missing row, of some values.
func (r *Rule) groupID(words ...string) string { return r.Def.Kind + ":" + strings.Join(words, "|") }

// expected adds the groups that must exist.
func (g *grouping) expected(in *Input) {
	wanted := g.rule.wanted(in)
	if len(wanted) == 0 {
		return
	}
	f := newFrame(g.rule.expect.plan, in)
	for _, w := range wanted {
		if w.doubt != nil {
			g.lost = append(g.lost, &group{about: w.from, doubt: w.doubt})
			continue
		}
		if !slices.ContainsFunc(w.names, func(n string) bool { return g.byID[g.rule.groupID(n)] != nil }) {
			to := g.named([]ref.Val{w.key})
			if g.rule.expect.Else == "unknown" {
				f.on(w.from)
				to.unlisted = g.rule.expect.message.render(f)
			}
		}
	}
}

// count works out the named counts over all resources; it returns a doubt where one is not known.
func (r *Rule) count(f *frame, resources []*Bound) *answer {
	var doubt *answer
	for i, e := range r.counts {
		n, known := 0, true
		for _, b := range resources {
			if b.Gone && !r.seesGone {
				continue
			}
			f.on(b)
			switch a := guard(e, f); a.truth {
			case isTrue:
				n++
			case isFalse:
			default:
				first := a
				doubt, known = &first, false
			}
		}
		if f.counts[i] = nil; known {
			f.counts[i] = types.Int(n)
		}
	}
	return doubt
}

// judge evaluates the condition over one group. While it is not known who belongs to it, or what a
// count is, the group is unknown: a doubtful member could tip it either way.
func (r *Rule) judge(f *frame, g *group, doubt *answer, excuses map[string]string) Result {
	items := make([]ref.Val, len(g.members))
	for i, b := range g.members {
		items[i] = b
	}
	f.items, f.count = types.NewRefValList(types.DefaultTypeAdapter, items), types.Int(len(items))
	if g.doubt != nil {
		f.on(g.about)
		return r.explainOne(f, g.id, g.name, *g.doubt, excuses)
	}
	if g.unlisted != "" {
		return Result{Resource: g.id, Verdict: VerdictUnknown, Message: g.unlisted, Observed: map[string]any{}}
	}
	spokesman, missing := r.spokesman(g)
	f.on(spokesman)
	switch {
	case doubt != nil:
		return r.explainOne(f, g.id, g.name, *doubt, excuses)
	case missing != "":
		return r.explainOne(f, g.id, g.name, answer{missing: []string{missing}}, excuses)
	}
	a := guard(r.condition, f)
	if a.truth == isTrue {
		return Result{Resource: g.id, Verdict: VerdictPass}
	}
	return r.explainOne(f, g.id, g.name, a, excuses)
}

// spokesman is the member whose attributes the condition sees: the newest where the test says
// latest, else the first. A group without members has one that knows only what makes the group.
func (r *Rule) spokesman(g *group) (*Bound, string) {
	if len(g.members) == 0 {
		b := &Bound{ID: g.id, Key: g.id, Name: g.name, kind: r.plan.kind, vals: make([]ref.Val, len(r.plan.kind.attrs))}
		for i, attr := range r.Def.By {
			b.vals[r.plan.kind.slots[attr]] = g.by[i]
		}
		return b, ""
	}
	if r.Def.Latest == "" {
		return g.members[0], ""
	}
	best := g.members[0]
	for _, b := range g.members {
		v := b.value(r.Def.Latest)
		if v == nil {
			return b, r.Def.Latest
		}
		if c, ok := compare(v, best.value(r.Def.Latest)); ok && c > 0 {
			best = b
		} else if best.value(r.Def.Latest) == types.NullValue {
			best = b
		}
	}
	return best, ""
}
