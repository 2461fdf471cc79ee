// SPDX-License-Identifier: Apache-2.0

package op

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/store"
)

// Role is what a user is to an organisation (section 5 of the domain model).
type Role string

// The roles.
const (
	Owner    Role = "owner"    // executive owner
	Manager  Role = "manager"  // compliance manager
	Control  Role = "control"  // control owner
	Employee Role = "employee" // employee
	Auditor  Role = "auditor"  // firm user, one engagement
	Guest    Role = "guest"    // vendor guest
	Prospect Role = "prospect" // prospect with a grant
	Admin    Role = "admin"    // technical administrator
	Reader   Role = "reader"   // board, consultant without edit
	Service  Role = "service"  // a token that acts for a program
	Self     Role = "system"   // the program itself; no user has it
)

// Values lists the roles that a user can hold.
func (Role) Values() []string {
	return []string{"owner", "manager", "control", "employee", "auditor", "guest", "prospect", "admin", "reader", "service"}
}

// table says who may do what: a row for each object, a column for each role, and in a cell the acts that are
// allowed. "act:own" allows it only on a thing of which one is the owner, assignee, subject or author; "view:open" hides what the
// kind guards, such as restricted evidence. What does
// not stand here is denied. It is the whole of it: no other code decides.
const table = `
object       | owner            | manager                  | control                        | employee    | auditor | admin       | reader | service
organization | view             | view                     | -                              | -           | view    | view edit   | view   | view
users        | view grant invite identify | view invite identify | -                              | view:own    | -       | view edit invite | - | -
tokens       | view edit        | view edit                | view:own edit:own              | -           | -       | view edit   | -      | -
scope        | view propose approve | view edit propose approve | view                           | -           | view    | -           | view   | view
controls     | view propose approve | view edit propose approve | view propose                   | view:own    | view    | -           | view   | view
tests        | view approve approve_as_owner | view edit propose approve | view propose         | -           | view    | view        | view   | view
checks       | view run         | view run                 | view run                       | -           | view    | view run    | view   | view run
sources      | view             | view edit run            | view                           | -           | view    | view edit run | view | view run
resources    | view             | view                     | view                           | -           | view    | view        | -      | view
evidence     | view review      | view submit review edit:own | view submit edit:own           | submit view:own | view | -          | view:open | view submit
work         | view edit        | view edit                | view edit:own                  | view:own edit:own | view | -         | view   | view
policies     | view approve     | view edit publish        | view propose                   | view        | view    | -           | view   | view
people       | view             | view edit                | view                           | view:own    | view    | edit view   | -      | view
exceptions   | view approve     | view propose approve edit | view propose                  | propose view:own | view | -          | view   | view
risks        | view approve     | view edit approve propose| view propose edit:own          | propose     | view    | -           | view   | view
vendors      | view approve     | view edit                | view edit:own                  | propose     | view    | -           | view   | view
log          | view             | view export              | view:own                       | view:own    | view    | view        | -      | view
keys         | view             | view                     | view                           | view        | view    | view manage | view   | view
help         | view             | view                     | view                           | view        | view    | view        | view   | view
`

var roles = parse(table)

func parse(t string) map[string]map[Role][]string {
	out := map[string]map[Role][]string{}
	lines := strings.Split(strings.TrimSpace(t), "\n")
	head := cells(lines[0])
	for _, l := range lines[1:] {
		c := cells(l)
		if len(c) != len(head) {
			panic(fmt.Sprintf("role table: %q has %d cells, want %d", c[0], len(c), len(head))) // a slip in the source, met by every test
		}
		row := map[Role][]string{}
		for i := 1; i < len(c); i++ {
			if c[i] != "-" {
				row[Role(head[i])] = strings.Fields(c[i])
			}
		}
		out[c[0]] = row
	}
	return out
}

func cells(l string) []string {
	c := strings.Split(l, "|")
	for i := range c {
		c[i] = strings.TrimSpace(c[i])
	}
	return c
}

// Grant is how far a role reaches for one act.
type Grant int

// How far.
const (
	Nothing Grant = iota
	Own           // on things of one's own
	Open          // on all but what a kind guards
	Every
)

// May says how far a role may do an act on an object. Default is Nothing.
func May(r Role, object, act string) Grant {
	if r == Self {
		return Every
	}
	acts := roles[object][r]
	switch {
	case slices.Contains(acts, act):
		return Every
	case slices.Contains(acts, act+":open"):
		return Open
	case slices.Contains(acts, act+":own"):
		return Own
	}
	return Nothing
}

// Known says whether the table has a row for an object and any role may do the act.
func Known(object, act string) bool {
	for r := range roles[object] {
		if May(r, object, act) != Nothing {
			return true
		}
	}
	return false
}

// Objects lists the rows of the table.
func Objects() []string {
	out := []string{}
	for o := range roles {
		out = append(out, o)
	}
	slices.Sort(out)
	return out
}

// Actor is whoever asks: a user, a token, the program itself.
type Actor struct {
	Org    string
	ID     string   // opaque id, as the ledger keeps it
	Person string   // the person behind it, where there is one
	Name   string   // for greeting; never for deciding
	Roles  []Role   // in this organisation
	Scopes []string // of a token: "read", "write", or names of operations such as control.*; nil means all that the roles allow
	Via    string   // the face

	Session      string // names the sign-in of a person; empty for a token, the program, and whoever runs it on the data folder
	SecondFactor bool   // whether that sign-in showed a second factor
}

// System is the program itself, acting in an organisation.
func System(org string) Actor {
	return Actor{Org: org, ID: "system", Roles: []Role{Self}, Via: "system"}
}

// by is how the ledger and the store know the actor, doing an operation.
func (a Actor) by(name string) store.By {
	return store.By{Actor: a.ID, Via: a.Via, Op: name, Session: a.Session, SecondFactor: a.SecondFactor}
}

// May is the furthest that any of the actor's roles reaches.
func (a Actor) May(object, act string) Grant {
	g := Nothing
	for _, r := range a.Roles {
		g = max(g, May(r, object, act))
	}
	return g
}

// owns says whether one of the actor's roles reaches things of his own.
func (a Actor) owns(object, act string) bool {
	return slices.ContainsFunc(a.Roles, func(r Role) bool { return May(r, object, act) == Own })
}

// Lacks says which right keeps an actor from handing out a role, or nothing where he may. Nobody gives what he does not
// hold: he holds each right of the role himself, as far as it reaches. Whoever may grant roles at all, the owner, gives
// any; and whoever may invite, such as an administrator, takes in an employee, who has what everybody of the workforce has.
func (a Actor) Lacks(r Role) string {
	if a.May("users", "grant") == Every || r == Employee && a.May("users", "invite") == Every {
		return ""
	}
	for _, object := range Objects() {
		for _, right := range roles[object][r] {
			act, own := strings.CutSuffix(right, ":own")
			act, open := strings.CutSuffix(act, ":open")
			if a.May(object, act) == Every || open && a.May(object, act) == Open || own && a.owns(object, act) {
				continue
			}
			if (own || slices.Contains(asking, act)) && slices.ContainsFunc(deciding, func(d string) bool { return a.May(object, d) == Every }) {
				continue // whoever decides on an object can do all that others ask of him, and what they do with their own
			}
			return right + " " + object
		}
	}
	return ""
}

// Asking acts are those whose outcome somebody else decides, by a deciding one.
var (
	asking   = []string{"propose", "submit"}
	deciding = []string{"edit", "approve", "publish", "review"}
)

// inScope says whether a token's scopes cover an operation.
func (a Actor) inScope(o *Op) bool {
	if a.Scopes == nil {
		return true
	}
	for _, s := range a.Scopes {
		switch {
		case s == "write", s == o.Name, s == o.Kind+".*":
			return true
		case s == "read" && !o.Writes && o.Act != "run": // to run something is more than to read, also where nothing is kept
			return true
		}
	}
	return false
}
