// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// template is a message with the names of variables in braces: {lock_minutes}, or
// {lock_minutes|it never does} with what to say where there is no value.
type template struct {
	texts []string
	vars  []*variable // one between each two texts
	orsay []string    // what stands there where the variable has no value
}

func newTemplate(src string, p *plan) (*template, error) {
	t := &template{}
	for {
		before, rest, open := strings.Cut(src, "{")
		t.texts = append(t.texts, before)
		if !open {
			return t, nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("a brace is not closed")
		}
		name, otherwise, _ := strings.Cut(inside, "|")
		v, ok := p.vars[name]
		if !ok {
			return nil, fmt.Errorf("%s has no attribute %s", p.kind.name, name)
		}
		t.vars, t.orsay, src = append(t.vars, v), append(t.orsay, otherwise), after
	}
}

func (t *template) render(f *frame) string {
	var out strings.Builder
	for i, text := range t.texts {
		out.WriteString(text)
		if i >= len(t.vars) {
			break
		}
		out.WriteString(t.word(i, f))
	}
	return out.String()
}

// word is what stands for a variable.
func (t *template) word(i int, f *frame) string {
	v := t.vars[i]
	val := f.get(v)
	switch {
	case (val == nil || val == types.NullValue) && t.orsay[i] != "":
		return t.orsay[i]
	case v.name == "name" && val == nil, t.named(i) && (val == nil || val == types.NullValue) && f.own != nil:
		return f.own.Name // so that it is clear which one is meant, also where its serial number is not known
	case v.attr != nil && (v.attr.typ == timeType || v.attr.typ == dateType) && val == types.NullValue:
		return "never"
	default:
		return spoken(val, f)
	}
}

// named says whether a variable names the resource: the text that a message begins with.
func (t *template) named(i int) bool {
	v := t.vars[i]
	return i == 0 && t.texts[0] == "" && v.place == ownAttr && v.attr != nil && v.attr.typ == stringType
}

// spoken is a value as a sentence says it.
func spoken(v ref.Val, f *frame) string {
	switch x := v.(type) {
	case nil:
		return "not known"
	case types.Null:
		return "none"
	case types.Bool:
		if x {
			return "yes"
		}
		return "no"
	case types.Timestamp:
		return spokenTime(x.Time, f)
	case traits.Lister:
		var words []string
		for it := x.Iterator(); it.HasNext() == types.True; {
			words = append(words, spoken(it.Next(), f))
		}
		if len(words) == 0 {
			return "none"
		}
		return strings.Join(words, ", ")
	case *Bound:
		return x.Name
	default:
		return fmt.Sprint(v.Value())
	}
}

// spokenTime leaves the hour away where it is midnight in the organisation's time zone.
func spokenTime(t time.Time, f *frame) string {
	zone := time.UTC
	if f != nil {
		zone = f.cal.zone
	}
	local := t.In(zone)
	if local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0 {
		return local.Format(time.DateOnly)
	}
	return local.Format("2006-01-02 15:04")
}

// unknowns says what is not known, and why.
func (f *frame) unknowns(names []string) string {
	var parts []string
	for _, name := range names {
		if f.follows(name, names) {
			continue
		}
		text := plainName(name) + " is not known"
		if f.empty(name) {
			text = plainName(name) + " is empty"
		}
		why := f.whyUnknown(name)
		if why == "" {
			why = f.whyElement(name)
		}
		if why != "" {
			text += ": " + why
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "what decides is not known"
	}
	return strings.Join(parts, "; ")
}

// follows reports whether a name is unknown only because the reference to its resource is, which is
// among the names too.
func (f *frame) follows(name string, names []string) bool {
	v, ok := f.plan.vars[name]
	if !ok || (v.place != joinAttr && v.place != joinList) {
		return false
	}
	by := f.plan.joins[v.join].By
	return by != "" && f.own.value(by) == nil && slices.Contains(names, by)
}

// whyElement looks for the reason in the resources of lists that the expression went through.
func (f *frame) whyElement(name string) string {
	kind, attr, ok := strings.Cut(name, ":")
	if !ok {
		return ""
	}
	lists := [][]ref.Val{}
	for i := range f.joined {
		lists = append(lists, f.joined[i].many)
	}
	if l, ok := f.items.(traits.Lister); ok {
		var items []ref.Val
		for it := l.Iterator(); it.HasNext() == types.True; {
			items = append(items, it.Next())
		}
		lists = append(lists, items)
	}
	for _, l := range lists {
		for _, v := range l {
			if b, ok := v.(*Bound); ok && b.kind.name == kind && b.value(attr) == nil && b.why[attr] != "" {
				return b.why[attr]
			}
		}
	}
	return ""
}

// observe gives the values that a result shows. What is unknown is left out.
func (f *frame) observe(vars []*variable) map[string]any {
	out := make(map[string]any, len(vars))
	for _, v := range vars {
		if x, ok := native(f.get(v)); ok {
			out[v.name] = x
		}
	}
	return out
}
