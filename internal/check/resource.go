// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"assay/content"
	"assay/internal/errs"
)

// Resource is one version of one thing that a source saw.
//
// An attribute that is not in Attrs is unknown; one that is there with nil is known to be absent.
type Resource struct {
	ID     string            `json:"id"` // unique in the organisation
	Kind   string            `json:"kind"`
	Key    string            `json:"key"` // natural key in its source
	Name   string            `json:"name"`
	Attrs  map[string]any    `json:"attrs"`
	Why    map[string]string `json:"why,omitempty"` // for attributes that could not be read: the reason
	Source string            `json:"source,omitempty"`
	Gone   bool              `json:"gone,omitempty"` // the last complete run no longer saw it
}

// Bound is a resource that was brought into the form that rules work with. It never changes, so one
// Bound serves every rule and every run until the resource has a new version.
type Bound struct {
	ID   string
	Key  string
	Name string
	Gone bool
	kind *kind
	vals []ref.Val // by attribute; nil is unknown
	why  map[string]string

	imported bool      // it belongs in a register of the platform that there is not yet
	latest   time.Time // of the times of past events in it
}

// Kind is the kind of the resource.
func (b *Bound) Kind() string { return b.kind.name }

// Bind brings a resource into the form that rules work with. Days are read in zone. A value that is
// not of its declared type becomes unknown, with a reason; an undeclared attribute is left out.
func (c *Catalogue) Bind(r Resource, zone *time.Location) (*Bound, error) {
	k, ok := c.kinds[r.Kind]
	if !ok {
		return nil, errs.At("kind", "%q is not a resource kind", r.Kind)
	}
	b := &Bound{ID: r.ID, Key: r.Key, Name: r.Name, Gone: r.Gone, kind: k, vals: make([]ref.Val, len(k.attrs))}
	b.imported, _ = r.Attrs[content.Imported].(bool)
	for i := range k.attrs {
		a := &k.attrs[i]
		v, given := r.Attrs[a.name]
		switch {
		case a.name == "present":
			b.vals[i] = types.Bool(!r.Gone)
			continue
		case a.name == content.Imported:
			b.vals[i] = types.Bool(b.imported)
			continue
		case !given && a.name == "id" && r.Key != "":
			v, given = r.Key, true
		case !given && a.name == "name" && r.Name != "":
			v, given = r.Name, true
		}
		if !given && r.Why[a.name] == "" && a.def != nil {
			b.vals[i] = a.def
			continue
		}
		if !given {
			b.because(a.name, r.Why[a.name])
			continue
		}
		var reason string
		if b.vals[i], reason = a.convert(v, zone); reason != "" {
			b.because(a.name, reason)
		}
		b.noteAhead(a, b.vals[i])
	}
	if b.Name == "" {
		b.Name = r.Key
	}
	return b, nil
}

func (b *Bound) because(attr, reason string) {
	if reason == "" {
		return
	}
	if b.why == nil {
		b.why = map[string]string{}
	}
	b.why[attr] = reason
}

// Attr gives an attribute as JSON knows it. It is not ok where it is unknown or not declared.
func (b *Bound) Attr(name string) (any, bool) { return native(b.value(name)) }

// Why says why an attribute is unknown, where somebody knows.
func (b *Bound) Why(name string) string { return b.why[name] }

// value gives an attribute by name: nil where it is unknown or the kind has no such attribute.
func (b *Bound) value(attr string) ref.Val {
	if i, ok := b.kind.slots[attr]; ok {
		return b.vals[i]
	}
	return nil
}

// What follows lets expressions reach into a resource that is an element of a list.

var (
	stringsGo = reflect.TypeFor[[]string]()
	intsGo    = reflect.TypeFor[[]int64]()
)

// Get returns an attribute, or an unknown that names it.
func (b *Bound) Get(field ref.Val) ref.Val {
	name, ok := field.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(field)
	}
	i, ok := b.kind.slots[string(name)]
	if !ok {
		return types.NewErr("%s has no attribute %s", b.kind.name, string(name))
	}
	if b.vals[i] == nil {
		return b.kind.attrs[i].absent
	}
	return b.vals[i]
}

// Type is the kind, as expressions see it.
func (b *Bound) Type() ref.Type { return b.kind.celType }

// Value returns the resource itself.
func (b *Bound) Value() any { return b }

// Equal holds for the same resource.
func (b *Bound) Equal(other ref.Val) ref.Val {
	o, ok := other.(*Bound)
	return types.Bool(ok && o == b)
}

// ConvertToNative is not supported: a resource does not leave the engine through an expression.
func (b *Bound) ConvertToNative(want reflect.Type) (any, error) {
	return nil, fmt.Errorf("convert a resource to %s: not supported", want)
}

// ConvertToType is not supported.
func (b *Bound) ConvertToType(want ref.Type) ref.Val {
	return types.NewErr("a resource cannot become %s", want.TypeName())
}
