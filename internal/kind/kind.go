// SPDX-License-Identifier: Apache-2.0

// Package kind describes what a kind of thing is: its name, its fields, its rules, its states.
//
// A kind is a Go struct with tags; everything else is read from it: columns, validation, JSON
// Schema, forms, help, documents. The package does no I/O and knows no operation and no database.
package kind

import (
	"fmt"
	"maps"
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
	// Key is the field by which others name a thing, such as the ref of a policy: it is one thing's only, and stays once the
	// thing was approved. Empty where others name it by its id.
	Key string
	// Moves are the states of the field "state" and who may change them; nil where there are none.
	Moves []Move
	// Check says whether new may take the place of old; old is nil for a new thing.
	// Rules of one field stand in its tags; what spans fields stands here. It never writes.
	Check func(old, new *T) error
	// Create is the act that making one takes; edit where empty.
	Create string
	// With is a reference to a thing of which what was not approved yet is approved with this one: who wrote that counts too.
	With string
	// System means that only the program itself makes and changes it: faces may read.
	System bool
	// Settled are states in which what was approved stands, beside those that follow from its moves (Shape.Settled).
	Settled []string
	// Free are fields that are no part of what is approved: they change at any time, and whoever changes them wrote nothing.
	Free []string
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
	NotBy     []string // more fields whose person may not do it (INV-01), beside those that say who wrote or asked

	// TwoPeople says that only a person may do it who wrote and asked for no part of what it is about, and whose account
	// none of those opened of late (INV-01). Such a kind has a field How, which says where that did not hold.
	TwoPeople bool
	// OwnerWhen are fields, and values of them, with which only an owner may do it.
	OwnerWhen map[string][]string
}

// Apart says whether a move takes somebody else than those who wrote and asked.
func (m Move) Apart() bool { return m.TwoPeople || len(m.NotBy) > 0 }

// Decides says whether a move is a decision: made by a person who is signed in, never by a program.
func (m Move) Decides() bool { return m.Apart() || Deciding(m.Act) }

// Deciding says whether an act of the role table is a decision on what others made.
func Deciding(act string) bool { return act == "approve" || act == "review" || act == "publish" }

// ApprovedHow is the field of every kind with an approval that says how it was approved.
const ApprovedHow = "approved_how"

// How is what an auditor must know of an approval. It is empty where two people stand behind it.
type How string

// How something was approved, where two people do not plainly stand behind it.
const (
	Solo     How = "solo"              // by its author, in solo mode
	Invited  How = "invited_by_author" // by somebody whose account the author had opened, or the other way round
	SameHand How = "same_hand"         // the accounts of both, or what was written, came from one hand: a person's, or the data folder's
)

// Values lists them.
func (How) Values() []string { return []string{string(Solo), string(Invited), string(SameHand)} }

// Shape is a kind without its Go type: what the store and the faces must know of it.
type Shape struct {
	Name, Plural, Prefix, Doc, Object, Label, Key string
	Fields                                        []Field
	Moves                                         []Move
	Create                                        string
	System                                        bool
	Free                                          []string
	With                                          string

	settled []string
}

// Settled says whether what was approved stands in a state: one that a move of two people leads to, one that a decision
// leads to from there, or one that the kind names. In it nothing changes but what is Free, and the thing is not ended.
func (s Shape) Settled(state string) bool { return slices.Contains(s.settled, state) }

// Settles says whether there is such a state.
func (s Shape) Settles() bool { return len(s.settled) > 0 }

// Over says whether a state is the end: a move leads to it, and none leads on.
func (s Shape) Over(state string) bool {
	return slices.ContainsFunc(s.Moves, func(m Move) bool { return m.To == state }) &&
		!slices.ContainsFunc(s.Moves, func(m Move) bool { return slices.Contains(m.From, state) })
}

// settled lists the states in which what was approved stands.
func settled(named []string, moves []Move) []string {
	out := slices.Clone(named)
	for range moves { // each round goes one move further
		for _, m := range moves {
			from := slices.ContainsFunc(m.From, func(s string) bool { return slices.Contains(out, s) })
			if !slices.Contains(out, m.To) && (m.Apart() || m.Decides() && from && !slices.ContainsFunc(moves, func(x Move) bool { return x.Apart() && slices.Contains(x.From, m.To) })) {
				out = append(out, m.To)
			}
		}
	}
	return out
}

// Shape describes the kind without its type.
func (k Kind[T]) Shape() Shape {
	return Shape{k.Name, k.Plural, k.Prefix, k.Doc, k.Object, k.Label, k.Key, Fields(reflect.TypeFor[T]()), k.Moves, k.Create, k.System, k.Free, k.With, settled(k.Settled, k.Moves)}
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
	if f, ok := s.Field(k.Key); k.Key != "" && (!ok || f.Type != "string" || f.Hidden()) {
		return fmt.Errorf("kind %s: there is no text field %q to be its key", k.Name, k.Key)
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
		need := slices.Concat(m.Takes, m.Wants, m.NotBy, some(m.By), some(m.At), slices.Collect(maps.Keys(m.OwnerWhen)))
		if f, ok := s.Field(ApprovedHow); m.TwoPeople && (!ok || !f.ReadOnly || !f.Index) {
			return fmt.Errorf("kind %s: %s takes two people, and wants an indexed, read-only field %s", k.Name, m.Verb, ApprovedHow)
		}
		for _, n := range need {
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
