// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// frame is what one worker evaluates one resource with. It is an activation: expressions that the
// fast path does not know look their variables up here by name.
type frame struct {
	plan   *plan
	in     *Input
	own    *Bound
	now    ref.Val
	cal    *Calendar
	joined []found
	ways   []*paths // of each join, looked up once a run
	folded []ref.Val
	loop   []ref.Val // where each loop is at
	steps  int       // that loops have taken for this resource

	window windowAt // of a test over events

	items  ref.Val // of the group; nil is unknown
	count  ref.Val
	counts []ref.Val
}

// newFrame prepares a frame for one run: what is the same for every resource is worked out once.
func newFrame(p *plan, in *Input) *frame {
	f := &frame{plan: p, in: in, now: types.Timestamp{Time: in.Now.UTC()}, cal: in.calendar(),
		loop: make([]ref.Val, p.deepest), joined: make([]found, len(p.joins)), ways: make([]*paths, len(p.joins)),
		folded: make([]ref.Val, len(p.folds)), counts: make([]ref.Val, len(p.counts))}
	for i, fold := range p.folds {
		f.folded[i] = fold(f)
	}
	return f
}

// frame prepares a frame for a run of the rule.
func (r *Rule) frame(in *Input) *frame {
	f := newFrame(r.plan, in)
	if r.event != nil {
		f.window = r.windowAt(in)
	}
	return f
}

// on points the frame at a resource.
func (f *frame) on(b *Bound) {
	f.own, f.steps = b, 0
	clear(f.joined)
}

// get returns the value of a variable; nil is unknown.
func (f *frame) get(v *variable) ref.Val {
	switch v.place {
	case ownAttr:
		return f.own.vals[v.slot]
	case joinAttr:
		return f.reach(v.join).attr(v)
	case joinList:
		return f.reach(v.join).list(f.plan.whole[v.join])
	case param:
		return f.plan.params[v.slot]
	case nowVar:
		return f.now
	case calendarVar:
		return f.cal
	case itemsVar:
		return f.items
	case countVar:
		return f.count
	default:
		return f.counts[v.slot]
	}
}

// reach finds what a join leads to, once for each resource.
func (f *frame) reach(i int) *found {
	if f.joined[i].state == notLooked {
		j := f.plan.joins[i]
		if f.ways[i] == nil {
			f.ways[i] = f.in.Resources.waysOf(j)
		}
		f.joined[i] = f.ways[i].find(j, f.own)
	}
	return &f.joined[i]
}

// ResolveName makes the frame an activation.
func (f *frame) ResolveName(name string) (any, bool) {
	v, ok := f.plan.vars[name]
	if !ok {
		return nil, false
	}
	if val := f.get(v); val != nil {
		return val, true
	}
	return v.absent, true
}

// Parent makes the frame an activation.
func (f *frame) Parent() cel.Activation { return nil }

// empty reports whether the variable of that name is known to have no value.
func (f *frame) empty(name string) bool {
	v, ok := f.plan.vars[name]
	if !ok {
		return false
	}
	_, null := f.get(v).(types.Null)
	return null
}

// whyUnknown says why the variable of that name has no value, or nothing where nobody knows.
func (f *frame) whyUnknown(name string) string {
	v, ok := f.plan.vars[name]
	if !ok {
		return ""
	}
	switch v.place {
	case ownAttr:
		return f.own.why[v.attr.name]
	case joinAttr, joinList:
		to := f.reach(v.join)
		if to.state == foundOne {
			return to.one.why[v.attr.name]
		}
		return to.why
	}
	return ""
}
