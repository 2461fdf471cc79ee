// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// SourceState says how well the sources of a kind were read last. The zero value says that there is none.
type SourceState uint8

// The states of a kind's sources, taken together: the worst of them.
const (
	SourceNever    SourceState = iota // no source supplies the kind, or none ever finished
	SourceComplete                    // every source was read to its end
	SourcePartial                     // a source was not read to its end
	SourceFailed                      // a source could not be read
)

// Set is all resources of one kind, and how well their sources were read.
type Set struct {
	State     SourceState
	Reason    string // why it is not complete
	Resources []*Bound
	Collected time.Time // when the oldest of the newest complete runs of its sources began; zero counts as the run of the tests

	latest time.Time // of the times of past events in it
}

// Population is what one evaluation sees: the resources of all kinds, and the ways from one to another.
// It may be read by many goroutines. After Put or Drop, evaluations see the change.
type Population struct {
	mu      sync.RWMutex
	sets    map[string]Set
	paths   map[*join]*paths
	sobered *sobered // at the last moment that was asked for
}

// NewPopulation takes the sets by kind.
func NewPopulation(sets map[string]Set) *Population {
	p := &Population{sets: make(map[string]Set, len(sets)), paths: map[*join]*paths{}}
	for k, s := range sets {
		s.latest = time.Time{}
		for _, b := range s.Resources {
			if b.latest.After(s.latest) {
				s.latest = b.latest
			}
		}
		p.sets[k] = s
	}
	return p
}

// Set returns the resources of a kind. Do not change the slice.
func (p *Population) Set(kind string) Set {
	if p == nil {
		return Set{}
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.sets[kind]
}

// Put adds a resource, or puts it in the place of the version that was there.
func (p *Population) Put(b *Bound) { p.change(b.Kind(), b.ID, b) }

// Drop takes a resource away.
func (p *Population) Drop(kind, id string) { p.change(kind, id, nil) }

func (p *Population) change(kind, id string, b *Bound) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := p.sets[kind]
	set.Resources = slices.Clone(set.Resources)
	at := slices.IndexFunc(set.Resources, func(x *Bound) bool { return x.ID == id })
	switch {
	case at >= 0 && b != nil:
		set.Resources[at] = b
	case at >= 0:
		set.Resources = slices.Delete(set.Resources, at, at+1)
	case b != nil:
		set.Resources = append(set.Resources, b)
	}
	if b != nil && b.latest.After(set.latest) {
		set.latest = b.latest
	}
	p.sets[kind], p.sobered = set, nil
	for j := range p.paths {
		if slices.Contains(j.Kinds, kind) || len(j.or) > 0 && j.from.name == kind {
			delete(p.paths, j)
		}
	}
}

// found is where a join led.
type found struct {
	state foundState
	one   *Bound
	many  []ref.Val
	part  bool // the last of many stands for those of which it is not known whether they belong here
	why   string
}

type foundState uint8

const (
	notLooked foundState = iota
	foundOne
	foundMany
	foundNone   // known: there is none
	foundUnsure // not known
)

func (f *found) attr(v *variable) ref.Val {
	switch f.state {
	case foundOne:
		if i := v.slot; i < len(f.one.kind.attrs) && &f.one.kind.attrs[i] == v.attr {
			return f.one.vals[i]
		}
		return f.one.value(v.attr.name)
	case foundNone:
		return v.attr.null()
	default:
		return nil
	}
}

// list is all that was found. Where there may be more, the last of it is one of which nothing is known: one member can
// decide an exists or an all. What asks for the whole list, such as its size, gets none.
func (f *found) list(whole bool) ref.Val {
	if f.state != foundMany || f.part && whole {
		return nil
	}
	return types.NewRefValList(types.DefaultTypeAdapter, f.many)
}

// somebody stands for resources of which nothing is known but why.
func (j *join) somebody(why string) *Bound {
	k := j.kinds[0]
	b := &Bound{Name: k.title, kind: k, vals: make([]ref.Val, len(k.attrs)), why: map[string]string{}}
	for i := range k.attrs {
		b.why[k.attrs[i].name] = why
	}
	return b
}

// paths leads from the values of a join to the resources that have them.
type paths struct {
	to    map[string][]*Bound
	stray int    // values that belong to no resource of the kind that is joined; counted where it goes by several names
	why   string // of one of the resources of which it is not known whether they belong to anybody; empty where there is none
}

// find follows a join from a resource.
func (w *paths) find(j *join, from *Bound) found {
	if j.By == "" {
		return j.choose(w.to[""], w.why, false, nil)
	}
	by := from.vals[j.by]
	if by == nil {
		why := j.By + " is not known"
		if because := from.why[j.By]; because != "" {
			why += ": " + because
		}
		return found{state: foundUnsure, why: why}
	}
	var hits []*Bound
	switch v := by.(type) {
	case types.String:
		hits = w.to[j.key(string(v))]
	case types.Null:
		if j.By != "id" {
			return j.choose(nil, w.why, true, by)
		}
	default:
		return found{state: foundUnsure, why: j.By + " is not a text"}
	}
	if j.By == "id" && from.ID != from.Key {
		hits = union(hits, w.to[j.key(from.ID)])
	}
	unsure := w.why
	for i, slot := range j.or {
		switch v := from.vals[slot].(type) {
		case types.String:
			if v != "" {
				hits = union(hits, w.to[j.key(string(v))])
			}
		case nil: // what nobody else is called may be its own
			if w.stray > 0 {
				unsure = fmt.Sprintf("%s is not known, and some %s name nobody in any source", j.Or[i], j.kinds[0].title)
			}
		}
	}
	return j.choose(hits, unsure, false, by)
}

// key is a value as the ways of the join are kept.
func (j *join) key(s string) string {
	if j.ignoreCase {
		return folded(s)
	}
	return s
}

// several says that more than one may be found.
func (j *join) several() bool { return j.Many || j.Latest != "" || j.First != "" }

// union keeps each resource once. It does not change either list.
func union(a, b []*Bound) []*Bound {
	if len(a) == 0 {
		return b
	}
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// choose makes one answer of what was found. unsure says why there may be more; "" is that there is no more.
func (j *join) choose(hits []*Bound, unsure string, nothingAsked bool, by ref.Val) found {
	switch {
	case nothingAsked && !j.Many:
		return found{state: foundNone}
	case j.Many:
		list := make([]ref.Val, len(hits), len(hits)+1)
		for i, b := range hits {
			list[i] = b
		}
		if unsure != "" {
			list = append(list, j.somebody(unsure))
		}
		return found{state: foundMany, many: list, part: unsure != ""}
	case unsure != "" && (j.several() || len(hits) == 0):
		return found{state: foundUnsure, why: unsure}
	case len(hits) == 0 && j.optional():
		return found{state: foundNone}
	case len(hits) == 0:
		return found{state: foundUnsure, why: fmt.Sprintf("%s is %s, and there is no such resource of kind %s", j.By, short(by.Value()), strings.Join(j.Kinds, " or "))}
	case j.Latest != "":
		return extreme(hits, j.Latest, 1)
	case j.First != "":
		return extreme(hits, j.First, -1)
	case len(hits) > 1:
		return found{state: foundUnsure, why: fmt.Sprintf("%s is %s, which %d resources have", j.By, short(by.Value()), len(hits))}
	default:
		return found{state: foundOne, one: hits[0]}
	}
}

// extreme picks the last (sign 1) or first (sign -1) by an attribute. Those that have none do not count.
func extreme(hits []*Bound, attr string, sign types.Int) found {
	var best *Bound
	for _, b := range hits {
		v := b.value(attr)
		switch {
		case v == nil:
			return found{state: foundUnsure, why: attr + " of " + b.Name + " is not known"}
		case v == types.NullValue:
		case best == nil:
			best = b
		default:
			if c, ok := compare(v, best.value(attr)); ok && c == sign {
				best = b
			}
		}
	}
	if best == nil {
		return found{state: foundNone}
	}
	return found{state: foundOne, one: best}
}

func (p *Population) waysOf(j *join) *paths {
	p.mu.RLock()
	ways := p.paths[j]
	p.mu.RUnlock()
	if ways != nil {
		return ways
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paths[j] == nil {
		p.paths[j] = p.lay(j)
	}
	return p.paths[j]
}

// lay builds the ways of a join over all resources of its kinds.
func (p *Population) lay(j *join) *paths {
	ways := &paths{to: map[string][]*Bound{}}
	for _, k := range j.kinds {
		if j.By == "" && p.sets[k.name].State == SourceNever {
			ways.why = "no source supplies " + k.title
		}
		for _, b := range p.sets[k.name].Resources {
			if !b.Gone {
				ways.add(j, b)
			}
		}
	}
	if len(j.or) > 0 {
		ways.stray = len(ways.to) - ways.owned(j, p.sets[j.from.name].Resources)
	}
	return ways
}

// owned counts the values that some resource of the joined kind is known by.
func (w *paths) owned(j *join, all []*Bound) int {
	known := map[string]bool{}
	if w.to[""] != nil { // nobody's, and that is known
		known[""] = true
	}
	note := func(v string) {
		if w.to[j.key(v)] != nil {
			known[j.key(v)] = true
		}
	}
	for _, b := range all {
		note(b.ID)
		for _, slot := range append([]int{j.by}, j.or...) {
			if s, ok := b.vals[slot].(types.String); ok {
				note(string(s))
			}
		}
	}
	return len(known)
}

func (w *paths) add(j *join, b *Bound) {
	unclear := ""
	for in, those := range map[bool]map[string][]string{true: j.Where, false: j.Except} {
		for attr, values := range those {
			v := b.value(attr)
			if v == nil {
				unclear = attr
			} else if slices.ContainsFunc(values, b.saysOf(attr, fmt.Sprint(v.Value()))) != in {
				return
			}
		}
	}
	if unclear != "" {
		w.doubt(b, unclear)
		return
	}
	if j.By == "" {
		w.to[""] = append(w.to[""], b)
		return
	}
	known := false
	seen := map[string]bool{}
	for _, attr := range j.To {
		v := b.value(attr)
		known = known || v != nil
		names := []string{}
		if s, ok := v.(types.String); ok {
			names = append(names, string(s))
		}
		if attr == "id" && b.ID != "" {
			names = append(names, b.ID)
		}
		for _, name := range names {
			if name = j.key(name); !seen[name] {
				seen[name] = true
				w.to[name] = append(w.to[name], b)
			}
		}
	}
	if !known {
		w.doubt(b, j.To[0])
	}
}

// saysOf compares a value of an attribute, with letter case where that counts.
func (b *Bound) saysOf(attr, value string) func(string) bool {
	ignoreCase := b.kind.attrs[b.kind.slots[attr]].ignoreCase
	return func(other string) bool {
		return other == value || ignoreCase && folded(other) == folded(value)
	}
}

func (w *paths) doubt(b *Bound, attr string) {
	if w.why == "" {
		w.why = attr + " of " + b.Name + " is not known"
	}
}
