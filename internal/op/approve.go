// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// young is for how long an organisation may have nobody but those whom the author let in.
const young = 30 * 24 * time.Hour

// signed holds that a decision is made by a person who is signed in on a page: not with a token, not on the data folder,
// not by a tool.
func (a Actor) signed(o *Op) error {
	if !o.Decides() {
		return nil
	}
	if a.Session == "" || a.Scopes != nil || a.Via == "mcp" || a.Via == "cli" {
		return errs.New(errs.Denied, "tokens, tools and the command line can't %s", Title(o.Verb)).Mend("sign in and %s in the browser", it(o.Verb))
	}
	if a.Person == "" {
		return errs.New(errs.Denied, "your account isn't linked to a person, so you can't %s", Title(o.Verb)).Mend("ask a compliance manager or an owner to link your account to a person")
	}
	return nil
}

// it is a verb with what it is done to: "approve it". A verb of several words says "do it".
func it(verb string) string {
	if strings.Contains(verb, "_") {
		return "do it"
	}
	return verb + " it"
}

// A tie is how somebody who wants to approve stands to those who wrote and asked.
type tie int

const (
	apart     tie = iota // two people
	oneHand              // apart, but one hand may have used both accounts
	tookIn               // he opened the account of an author, in the thirty days before that wrote
	letIn                // an author opened or changed his account in the last thirty days
	ownAuthor            // the same person
)

// authors are those who wrote and asked: they themselves, and all who may have used their accounts.
type authors struct{ self, reach ids }

func (s *standing) authors(ctx context.Context, hands []Hand) (authors, error) {
	out := authors{ids{}, ids{}}
	for _, h := range hands {
		self, err := s.self(ctx, h.Who)
		if err != nil {
			return out, err
		}
		reach, err := s.reach(ctx, h.Who, h.At, true)
		if err != nil {
			return out, err
		}
		maps.Copy(out.self, self)
		maps.Copy(out.reach, reach)
	}
	return out, nil
}

// tied says how a user stands to the authors, now.
func (s *standing) tied(ctx context.Context, user, person string, w authors) (tie, error) {
	self, err := s.self(ctx, user)
	if err != nil {
		return ownAuthor, err
	}
	if person != "" {
		self[person] = true
	}
	if self.meets(w.self) {
		return ownAuthor, nil
	}
	changed, err := s.reach(ctx, user, s.v.Now, false)
	if err != nil {
		return ownAuthor, err
	}
	used, err := s.reach(ctx, user, s.v.Now, true)
	if err != nil {
		return ownAuthor, err
	}
	delete(changed, machine) // nobody knows who that is
	switch {
	case changed.meets(w.self):
		return letIn, nil
	case self.meets(w.reach):
		return tookIn, nil
	case used.meets(w.reach), used[machine], w.reach[machine]:
		return oneHand, nil
	}
	return apart, nil
}

// judged says whether an actor may make a move of two people, and how it is stamped.
func judged(ctx context.Context, v *store.View, a Actor, sh kind.Shape, m kind.Move, id string, body json.RawMessage) (kind.How, error) {
	hands, err := Wrote(ctx, v, sh, m, id)
	if err != nil {
		return "", err
	}
	s := newStanding(v)
	w, err := s.authors(ctx, hands)
	if err != nil {
		return "", err
	}
	t, err := s.tied(ctx, a.ID, a.Person, w)
	if err == nil && len(hands) == 0 {
		t = max(t, oneHand) // no person wrote it: the program did, or a file that somebody put there
	}
	if err != nil || t == apart {
		return "", err
	}
	if t == oneHand {
		return kind.SameHand, nil
	}
	solo, isYoung, err := s.terms(ctx)
	switch {
	case err != nil:
		return "", err
	case solo && t == ownAuthor:
		return kind.Solo, nil
	case solo:
		return kind.Invited, nil
	}
	others, err := s.others(ctx, sh, m, body, w, a.ID)
	if err != nil {
		return "", err
	}
	if len(others) == 0 && (t == tookIn || t == letIn && isYoung) { // what was written so stays so: waiting would not help
		return kind.Invited, nil
	}
	return "", refusal(t, m, others)
}

func refusal(t tie, m kind.Move, others []string) error {
	e := errs.New(errs.Denied, "you can't %s your own request", Title(m.Verb))
	switch t {
	case letIn:
		e = errs.New(errs.Denied, "you can't %s this, because an author opened or changed your account in the last 30 days", Title(m.Verb))
	case tookIn:
		e = errs.New(errs.Denied, "you can't %s this, because you opened an author's account in the 30 days before it was written", Title(m.Verb))
	}
	if len(others) == 0 {
		return e.Mend("nobody else can %s: invite another approver, or turn on solo mode if you work alone", it(m.Verb))
	}
	return e.Mend("ask another approver: %s", strings.Join(others[:min(5, len(others))], ", "))
}

// terms are what the organisation says of its size: whether one person runs everything, and whether it has just begun.
func (s *standing) terms(ctx context.Context) (solo, isYoung bool, err error) {
	if s.v.KindOf(s.v.Org) != "organization" {
		return false, false, nil
	}
	body, _, err := s.v.Body(ctx, "organization", s.v.Org)
	if errors.Is(err, errs.NotFound) {
		return false, false, nil
	}
	var o struct {
		Solo bool      `json:"solo_mode"`
		At   time.Time `json:"created_at"`
	}
	if err == nil {
		err = json.Unmarshal(body, &o)
	}
	if err != nil {
		return false, false, fmt.Errorf("read organization: %w", err)
	}
	return o.Solo, s.v.Now.Before(o.At.Add(young)), nil
}

// account is a user, as far as it matters who may approve.
type account struct {
	ID, Name, Person, State string
	Roles                   []Role
}

func (s *standing) accounts(ctx context.Context) ([]account, error) {
	var out []account
	if _, ok := s.v.Shape("user"); !ok {
		return nil, nil
	}
	for p := (store.Page{Limit: 1000}); ; {
		l, err := s.v.List(ctx, "user", p)
		if err != nil {
			return nil, err
		}
		for _, b := range l.Bodies {
			var a account
			if err := json.Unmarshal([]byte(b), &a); err != nil {
				return nil, fmt.Errorf("read user: %w", err)
			}
			out = append(out, a)
		}
		if p.After = l.Next; p.After == "" {
			return out, nil
		}
	}
}

// others names those who could make the move in the place of an actor.
func (s *standing) others(ctx context.Context, sh kind.Shape, m kind.Move, body json.RawMessage, w authors, not string) ([]string, error) {
	all, err := s.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, u := range all {
		if a := (Actor{Roles: u.Roles}); u.ID == not || u.State != "active" || u.Person == "" || a.May(sh.Object, m.Act) != Every || !a.rank(m, body) {
			continue
		}
		t, err := s.tied(ctx, u.ID, u.Person, w)
		if err != nil {
			return nil, err
		}
		if why, err := absent(ctx, s.v, u.Person); err != nil {
			return nil, err
		} else if t <= oneHand && why == "" {
			out = append(out, u.Name)
		}
	}
	return out, nil
}

// rank says whether an actor is high enough for what a thing says of itself.
func (a Actor) rank(m kind.Move, body json.RawMessage) bool {
	if len(m.OwnerWhen) == 0 || slices.Contains(a.Roles, Owner) || slices.Contains(a.Roles, Self) {
		return true
	}
	var all map[string]any
	if json.Unmarshal(body, &all) != nil {
		return false
	}
	for n, values := range m.OwnerWhen {
		if s, _ := all[n].(string); slices.Contains(values, s) {
			return false
		}
	}
	return true
}

// ranked holds that an owner does what only an owner may.
func ranked(ctx context.Context, v *store.View, a Actor, sh kind.Shape, m kind.Move, body json.RawMessage) error {
	if a.rank(m, body) {
		return nil
	}
	e := errs.New(errs.Denied, "only an owner can %s this %s, because it is high or critical", Title(m.Verb), Title(sh.Name))
	all, err := newStanding(v).accounts(ctx)
	if err != nil {
		return err
	}
	var owners []string
	for _, u := range all {
		if u.State != "active" || u.Person == "" || !slices.Contains(u.Roles, Owner) {
			continue
		}
		if why, err := absent(ctx, v.Whole(), u.Person); err != nil {
			return err
		} else if why == "" {
			owners = append(owners, u.Name)
		}
	}
	if len(owners) == 0 {
		return e.Mend("link an owner's account to a person, and ask that owner")
	}
	return e.Mend("ask an owner: %s", strings.Join(owners, ", "))
}

// Approvable says whether an actor may make a move on a thing as it is, and how that would be stamped: for a page, before the
// button is used. The move decides anew.
func Approvable(ctx context.Context, v *store.View, a Actor, sh kind.Shape, m kind.Move, id string) (kind.How, error) {
	body, _, err := v.Body(ctx, sh.Name, id)
	if err != nil {
		return "", err
	}
	if m.Decides() {
		if err := present(ctx, v, a.Person); err != nil {
			return "", err
		}
	}
	if err := ranked(ctx, v, a, sh, m, body); err != nil || !m.Apart() {
		return "", err
	}
	return judged(ctx, v, a, sh, m, id, body)
}
