// SPDX-License-Identifier: Apache-2.0

// Package kind describes what a kind of thing is: its name, its fields, its rules, its states.
//
// A kind is a Go struct with tags; everything else is read from it: columns, validation, JSON
// Schema, forms, help, documents. The package does no I/O and knows no operation and no database.
package kind

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"
)

// Meta is what every thing has. Kinds embed it first. The store sets it.
type Meta struct {
	ID        string    `json:"id" read:"only" doc:"Identifier."`
	Rev       int64     `json:"rev" read:"only" doc:"Revision: give it back when you change the thing, so that nothing is overwritten unseen."`
	CreatedAt time.Time `json:"created_at" read:"only" doc:"When it was made."`
	CreatedBy string    `json:"created_by" read:"only" doc:"Who made it."`
	UpdatedAt time.Time `json:"updated_at" read:"only" doc:"When it last changed."`
	UpdatedBy string    `json:"updated_by" read:"only" doc:"Who last changed it."`
}

// Base gives the part that all things share.
func (m *Meta) Base() *Meta { return m }

// Thing is a pointer to a struct that embeds Meta.
type Thing[T any] interface {
	*T
	Base() *Meta
}

// Kind is one kind of thing.
type Kind[T any] struct {
	Name, Plural, Prefix, Doc string

	// Object is the row of the role table that says who may do what with it.
	Object string
	// Label is the field that names a thing to a person.
	Label string
	// Moves are the states of the field "state" and who may change them; nil where there are none.
	Moves []Move
	// Check says whether new may take the place of old; old is nil for a new thing.
	// Rules of one field stand in its tags; what spans fields stands here. It never writes.
	Check func(old, new *T) error
	// Create is the act that making one takes; edit where empty.
	Create string
	// System means that only the program itself makes and changes it: faces may read.
	System bool
}

// Never as the Create of a kind means that no face makes or ends one: operations of its own do.
const Never = "-"

// Move is one change of state: the verb of its operation, from where, to where, and its rules.
type Move struct {
	Verb, Doc string
	From      []string
	To        string
	Act       string   // what the role table must allow: edit, approve, submit …
	Takes     []string // fields that are given with the move
	Wants     []string // of these, the ones that may not be empty
	By        string   // field that takes the id of who did it
	At        string   // field that takes the time of it
	NotBy     []string // fields whose person may not do it (INV-01)
}

// Shape is a kind without its Go type: what the store and the faces must know of it.
type Shape struct {
	Name, Plural, Prefix, Doc, Object, Label string
	Fields                                   []Field
	Moves                                    []Move
	Create                                   string
	System                                   bool
}

// Shape describes the kind without its type.
func (k Kind[T]) Shape() Shape {
	return Shape{k.Name, k.Plural, k.Prefix, k.Doc, k.Object, k.Label, Fields(reflect.TypeFor[T]()), k.Moves, k.Create, k.System}
}

// Field finds a field by name.
func (s Shape) Field(name string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return s.Fields[i], true
}

var name = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Sound says what is wrong with the description of a kind. It runs once, at start.
func (k Kind[T]) Sound() error {
	if !name.MatchString(k.Name) || !name.MatchString(k.Prefix) || k.Plural == "" || k.Doc == "" || k.Object == "" {
		return fmt.Errorf("kind %q wants a name, a plural, a prefix, a doc and an object", k.Name)
	}
	s := k.Shape()
	for _, f := range s.Fields {
		if err := f.sound(); err != nil {
			return fmt.Errorf("kind %s: %w", k.Name, err)
		}
	}
	if err := SecretsSound(reflect.TypeFor[T]()); err != nil {
		return fmt.Errorf("kind %s: %w", k.Name, err)
	}
	if l, ok := s.Field(k.Label); ok && l.Hidden() {
		return fmt.Errorf("kind %s: its label %q is a secret", k.Name, k.Label)
	}
	if _, ok := s.Field(k.Label); !ok {
		return fmt.Errorf("kind %s: there is no field %q to be its label", k.Name, k.Label)
	}
	if len(k.Moves) == 0 {
		return nil
	}
	st, ok := s.Field("state")
	if !ok || !st.ReadOnly || !st.Index {
		return fmt.Errorf("kind %s has moves and wants an indexed, read-only field state", k.Name)
	}
	for _, m := range k.Moves {
		for _, v := range append(slices.Clone(m.From), m.To) {
			if !slices.Contains(st.Enum, v) {
				return fmt.Errorf("kind %s: %s: there is no state %q", k.Name, m.Verb, v)
			}
		}
		for _, n := range slices.Concat(m.Takes, m.Wants, m.NotBy, some(m.By), some(m.At)) {
			if _, ok := s.Field(n); !ok {
				return fmt.Errorf("kind %s: %s: there is no field %q", k.Name, m.Verb, n)
			}
		}
	}
	return nil
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
