// SPDX-License-Identifier: Apache-2.0

// Package schema knows the declared resource kinds and judges whether a resource keeps to them.
//
// It reads the declarations from content and nothing else. It does not know where resources come
// from or what tests make of them.
package schema

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/content"
	"assay/internal/clock"
	"assay/internal/collect"
)

// Schema answers what a kind is declared to be.
type Schema interface {
	Kind(name string) (Kind, bool)
	Names() []string
}

// Kind is one resource kind.
type Kind struct {
	Name       string
	NeverEmpty bool // zero of them is an error, not a fact (INV-08)
	Kept       bool // Assay keeps them itself: no source supplies them
	Attrs      map[string]Attr
}

// Attr is one declared attribute. Type is bool, int, string, time, date, strings or ints.
type Attr struct {
	Name, Type, Doc string
	Values          []string // the only values there are, where that is so
	Past            bool     // of a time or day: it is that of an event that has happened
}

// Of the resource itself, and never among its attributes: its key, its name, and what the engine sets.
var itself = map[string]bool{"id": true, "name": true, "present": true, "imported": true}

// Kinds is a Schema held in memory.
type Kinds map[string]Kind

// Declared reads the kinds that Assay brings along.
func Declared() (Kinds, error) {
	list, err := content.ResourceKinds()
	if err != nil {
		return nil, fmt.Errorf("read the resource kinds: %w", err)
	}
	all := Kinds{}
	for _, k := range list {
		if k.Kind == "*" { // what every kind has stands in every kind already
			continue
		}
		attrs := make([]Attr, 0, len(k.Attributes))
		for _, a := range k.Attributes {
			attrs = append(attrs, Attr{Name: a.Name, Type: a.Type, Doc: a.Doc, Values: a.Values, Past: a.InPast()})
		}
		all.Add(k.Kind, k.NeverEmpty, attrs...)
		if k.Register == content.RegisterKept {
			kept := all[k.Kind]
			kept.Kept = true
			all[k.Kind] = kept
		}
	}
	return all, nil
}

// Add declares one kind.
func (k Kinds) Add(name string, neverEmpty bool, attrs ...Attr) {
	kind := Kind{Name: name, NeverEmpty: neverEmpty, Attrs: map[string]Attr{}}
	for _, a := range attrs {
		if !itself[a.Name] {
			kind.Attrs[a.Name] = a
		}
	}
	k[name] = kind
}

// Kind implements Schema.
func (k Kinds) Kind(name string) (Kind, bool) { v, ok := k[name]; return v, ok }

// Names implements Schema, in order.
func (k Kinds) Names() []string {
	out := make([]string, 0, len(k))
	for n := range k {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// Check says what is wrong with a resource: an attribute that is not declared, a value of another
// type, a value that is not one of those declared, a reason for something that is known.
// A nil value is right for every type: it is known that there is none.
func Check(s Schema, r collect.Resource) error {
	kind, ok := s.Kind(r.Kind)
	if !ok {
		return fmt.Errorf("%s %q: the kind is not declared", r.Kind, r.Key)
	}
	if r.Key == "" {
		return fmt.Errorf("a resource of kind %s has no key", r.Kind)
	}
	for name, v := range r.Attrs {
		a, ok := kind.Attrs[name]
		if !ok {
			return fmt.Errorf("%s %q: attribute %s is not declared", r.Kind, r.Key, name)
		}
		if err := a.Check(v); err != nil {
			return fmt.Errorf("%s %q: attribute %s: %w", r.Kind, r.Key, name, err)
		}
	}
	for name, reason := range r.Why {
		if _, ok := kind.Attrs[name]; !ok {
			return fmt.Errorf("%s %q: there is a reason for %s, which is not declared", r.Kind, r.Key, name)
		}
		if _, known := r.Attrs[name]; known {
			return fmt.Errorf("%s %q: %s is known and has a reason why it is not", r.Kind, r.Key, name)
		}
		if strings.TrimSpace(reason) == "" {
			return fmt.Errorf("%s %q: the reason for %s is empty", r.Kind, r.Key, name)
		}
	}
	return nil
}

// Check says whether a value is of the declared type and among the declared values.
func (a Attr) Check(v any) error {
	var fits bool
	switch x := v.(type) {
	case nil:
		return nil
	case bool:
		fits = a.Type == "bool"
	case int64:
		fits = a.Type == "int"
	case []string:
		fits = a.Type == "strings"
		for _, one := range x {
			if err := a.declared(one); fits && err != nil {
				return err
			}
		}
	case []int64:
		fits = a.Type == "ints"
	case string:
		switch a.Type {
		case "time":
			if _, err := clock.Parse(x); err != nil {
				return fmt.Errorf("%q is not a time", x)
			}
			return nil
		case "date":
			if _, err := time.Parse(time.DateOnly, x); err != nil {
				return fmt.Errorf("%q is not a day", x)
			}
			return nil
		}
		fits = a.Type == "string"
		if err := a.declared(x); fits && err != nil {
			return err
		}
	}
	if !fits {
		return fmt.Errorf("%T does not fit the type %s", v, a.Type)
	}
	return nil
}

// declared says whether a text is among the declared values, where there are any.
func (a Attr) declared(x string) error {
	if len(a.Values) > 0 && !slices.Contains(a.Values, x) {
		return fmt.Errorf("%q is none of %s", x, strings.Join(a.Values, ", "))
	}
	return nil
}
