// SPDX-License-Identifier: Apache-2.0

package check

import (
	"maps"
	"slices"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"assay/content"
	"assay/internal/errs"
)

// kind is a resource kind as the engine uses it: every attribute has a slot.
type kind struct {
	name       string
	title      string
	neverEmpty bool
	from       []string // what supplies it
	connector  string
	about      string // the subject of what a company records itself
	attrs      []attribute
	slots      map[string]int
	joins      map[string]*join
	celType    *types.Type
}

// join is how resources of other kinds are found for one of this kind.
type join struct {
	content.Join
	kinds      []*kind
	from       *kind
	by         int   // the slot of By
	or         []int // the slots of Or
	ignoreCase bool  // in what it compares, letter case does not count
}

// names are the attributes that it goes by; a join to one of all has none.
func (j *join) names() []string {
	if j.By == "" {
		return nil
	}
	return append([]string{j.By}, j.Or...)
}

// optional says that finding none is an answer, and not a broken reference.
func (j *join) optional() bool { return j.Optional || j.Latest != "" || j.First != "" }

func newKinds(defs []content.ResourceKind) (map[string]*kind, error) {
	kinds := make(map[string]*kind, len(defs))
	for _, d := range defs {
		if kinds[d.Kind] != nil {
			return nil, errs.At(d.Kind, "the kind is declared twice")
		}
		k, err := newKind(d)
		if err != nil {
			return nil, err
		}
		kinds[d.Kind] = k
	}
	for _, d := range defs {
		for _, j := range d.Joins {
			if err := kinds[d.Kind].link(j, kinds); err != nil {
				return nil, err
			}
		}
	}
	return kinds, nil
}

func newKind(d content.ResourceKind) (*kind, error) {
	k := &kind{name: d.Kind, title: d.Title, neverEmpty: d.NeverEmpty, from: d.From, connector: d.Connector, about: d.About, slots: map[string]int{},
		joins: map[string]*join{}, celType: types.NewObjectType(d.Kind)}
	if err := d.Decided(); err != nil {
		return nil, err
	}
	for _, a := range d.Attributes {
		typ, ok := attrTypes[a.Type]
		if !ok {
			return nil, errs.At(d.Kind+"."+a.Name, "%q is not a type", a.Type)
		}
		if _, twice := k.slots[a.Name]; twice {
			return nil, errs.At(d.Kind+"."+a.Name, "the attribute is declared twice")
		}
		k.slots[a.Name] = len(k.attrs)
		attr := attribute{name: a.Name, typ: typ, values: a.Values, doc: a.Doc, past: a.InPast(), ignoreCase: a.IgnoreCase,
			absent: types.NewUnknown(1, types.NewAttributeTrail(d.Kind+":"+a.Name))}
		if a.Default != nil {
			var wrong string
			if attr.def, wrong = attr.convert(a.Default, time.UTC); wrong != "" {
				return nil, errs.At(d.Kind+"."+a.Name, "its default: %s", wrong)
			}
		}
		k.attrs = append(k.attrs, attr)
	}
	return k, nil
}

// link resolves a join, and refuses one that names what is not there.
func (k *kind) link(def content.Join, all map[string]*kind) error {
	at := k.name + ".joins." + def.Name
	j := &join{Join: def, from: k}
	if (def.By == "") != (len(def.To) == 0) || def.By == "" && def.Latest == "" && def.First == "" {
		return errs.At(at, "by and to go together, and without them latest or first picks one of all")
	}
	for _, attr := range j.names() {
		slot, ok := k.slots[attr]
		if !ok {
			return errs.At(at, "%s has no attribute %s", k.name, attr)
		}
		j.ignoreCase = j.ignoreCase || k.attrs[slot].ignoreCase
		j.or = append(j.or, slot)
	}
	if def.By != "" {
		j.by, j.or = j.or[0], j.or[1:]
	}
	for _, name := range def.Kinds {
		other, ok := all[name]
		if !ok {
			return errs.At(at, "%q is not a resource kind", name)
		}
		wanted := slices.Clone(def.To)
		wanted = slices.AppendSeq(wanted, maps.Keys(def.Where))
		wanted = slices.AppendSeq(wanted, maps.Keys(def.Except))
		for _, attr := range append(wanted, def.Latest, def.First) {
			if _, ok := other.slots[attr]; !ok && attr != "" {
				return errs.At(at, "%s has no attribute %s", name, attr)
			}
		}
		for _, attr := range def.To {
			j.ignoreCase = j.ignoreCase || other.attrs[other.slots[attr]].ignoreCase
		}
		j.kinds = append(j.kinds, other)
	}
	if def.Many && len(def.Kinds) != 1 {
		return errs.At(at, "a join of many takes one kind")
	}
	k.joins[def.Name] = j
	return nil
}

// provider tells the type checker the attributes of each kind, for resources in lists.
type provider struct {
	types.Provider
	kinds map[string]*kind
}

func (p provider) FindStructType(name string) (*types.Type, bool) {
	if k, ok := p.kinds[name]; ok {
		return types.NewTypeTypeWithParam(k.celType), true
	}
	return p.Provider.FindStructType(name)
}

func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	k, ok := p.kinds[name]
	if !ok {
		return p.Provider.FindStructFieldNames(name)
	}
	names := make([]string, len(k.attrs))
	for i, a := range k.attrs {
		names[i] = a.name
	}
	return names, true
}

func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	k, ok := p.kinds[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, field)
	}
	i, ok := k.slots[field]
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: k.attrs[i].typ.celType()}, true
}

// NewValue refuses: an expression cannot make a resource.
func (p provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := p.kinds[name]; ok {
		return types.NewErr("an expression cannot make a resource")
	}
	return p.Provider.NewValue(name, fields)
}
