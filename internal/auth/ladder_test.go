// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// A human has an account, and the cookies, links and tokens that he was given by what he did. The model keeps by itself, from the words
// of the rule, which of the guarded roles he may come to hold: those that somebody who held them gave him.
type human struct {
	user    string
	cookies []string
	links   []string
	tokens  []string
	lawful  map[op.Role]bool
}

// ladder is one sequence: an organisation of its own, four humans, and what they try.
type ladder struct {
	h      house
	org    string
	rnd    *rand.Rand
	humans []*human
	log    []string
	done   map[string]int // what succeeded
	all    []*User        // the users, read anew after a success
	stale  bool
}

// Bar B20, on what there is of it: invitations, roles, links, tokens, closing and opening of accounts.
func TestNobodyClimbsAboveThoseWhoGaveHimRoles(t *testing.T) {
	engines(t, func(t *testing.T, h house) {
		n := 500
		if testkit.Fast() {
			n = 150
		}
		if os.Getenv("ASSAY_BARS") == "full" {
			n = 2000
		}
		if h.Engine != db.SQLite {
			n = 100 // the rules are the same Go; here it is about what the database gives back
		}
		seeds := testkit.Seed(t)
		var mu sync.Mutex
		done := map[string]int{}
		work := make(chan *ladder)
		var all sync.WaitGroup
		for range 16 { // the writer commits what comes together in one transaction
			all.Go(func() {
				for l := range work {
					err := l.run(t.Context())
					mu.Lock()
					for k, v := range l.done {
						done[k] += v
					}
					mu.Unlock()
					if err != nil {
						t.Errorf("%s: %v after\n  %s", l.org, err, strings.Join(l.log, "\n  "))
					}
				}
			})
		}
		for i := range n {
			if t.Failed() {
				break
			}
			work <- &ladder{h: h, org: fmt.Sprintf("org_l%d", i), rnd: rand.New(rand.NewPCG(seeds.Uint64(), uint64(i))), done: map[string]int{}}
		}
		close(work)
		all.Wait()
		for _, k := range []string{"user.invite", "user.grant", "user.link", "token.create", "user.disable", "user.enable", "in by link", "made an owner", "refused"} {
			if least := max(1, n/50); n >= 500 && done[k] < least { // in a short round chance may leave one out
				t.Errorf("%s happened %d times in %d sequences: too few to prove anything", k, done[k], n)
			}
		}
		t.Logf("%d sequences: %v", n, done)
	})
}

func (l *ladder) run(ctx context.Context) error {
	start4 := func(tx *store.Tx) error {
		for i, roles := range [][]op.Role{{op.Owner}, {op.Manager, op.Admin}, {op.Admin}, {op.Control}} {
			u := &User{Name: fmt.Sprint("User ", i), Email: fmt.Sprintf("user%d@example.com", i), Roles: roles, State: "active"}
			if err := store.Put(ctx, tx, Users, u); err != nil {
				return err
			}
			cookie, err := start(ctx, tx, u, "link")
			if err != nil {
				return err
			}
			l.humans = append(l.humans, &human{user: u.ID, cookies: []string{cookie}, lawful: map[op.Role]bool{op.Owner: i == 0, op.Manager: i < 2}})
		}
		return nil
	}
	if _, err := l.h.Store.Change(ctx, l.org, store.System("test"), start4); err != nil {
		return err
	}
	l.stale = true
	for range 12 {
		if err := l.step(ctx); err != nil {
			return err
		}
		if !l.stale {
			continue // what was refused changed nothing: the end looks at everything once more
		}
		if err := l.holds(ctx); err != nil {
			return err
		}
	}
	l.stale = true
	return l.holds(ctx)
}

// actor is a human at one of his keys. A key that no longer opens is none.
func (l *ladder) actor(ctx context.Context, p *human) (op.Actor, bool) {
	var a op.Actor
	err := error(errs.New(errs.Unsigned, "none"))
	if n := l.rnd.IntN(len(p.cookies) + len(p.tokens)); n < len(p.cookies) {
		a, err = l.h.door.ByCookie(ctx, p.cookies[len(p.cookies)-1-n])
	} else {
		a, err = l.h.door.ByToken(ctx, p.tokens[n-len(p.cookies)])
	}
	a.Via = "rest"
	return a, err == nil
}

func (l *ladder) users(ctx context.Context) (all []*User, err error) {
	if !l.stale {
		return l.all, nil
	}
	l.stale = false
	err = l.h.Store.View(ctx, l.org, time.Time{}, store.System("test"), func(v *store.View) error {
		l.all, err = store.All(ctx, v, Users, nil)
		return err
	})
	return l.all, err
}

// step is one try of one human.
func (l *ladder) step(ctx context.Context) error {
	p := l.humans[l.rnd.IntN(len(l.humans))]
	if l.rnd.IntN(4) == 0 && len(p.links) > 0 { // he uses a link that he kept
		i := l.rnd.IntN(len(p.links))
		cookie, err := l.h.door.ByLink(ctx, p.links[i])
		p.links = slices.Delete(p.links, i, i+1)
		if err == nil {
			l.stale = true
			p.cookies = append(p.cookies, cookie)
			l.done["in by link"]++
		}
		l.log = append(l.log, fmt.Sprintf("%s uses a link: %v", p.user, err))
		return nil
	}
	a, ok := l.actor(ctx, p)
	if !ok {
		return nil
	}
	all, err := l.users(ctx)
	if err != nil {
		return err
	}
	u := all[l.rnd.IntN(len(all))]
	name := []string{"user.invite", "user.grant", "user.grant", "user.grant", "user.link", "user.link", "token.create", "user.disable", "user.enable", "user.update"}[l.rnd.IntN(10)]
	if i := slices.IndexFunc(all, func(u *User) bool { return u.State == "disabled" }); i >= 0 && l.rnd.IntN(4) == 0 {
		u, name = all[i], "user.enable"
	}
	roles := []op.Role{op.Owner, op.Manager, op.Admin, op.Control, op.Reader}
	l.rnd.Shuffle(len(roles), func(i, j int) { roles[i], roles[j] = roles[j], roles[i] })
	roles = roles[:1+l.rnd.IntN(2)]
	in := map[string]m{
		"user.invite":  {"name": "Jo", "email": fmt.Sprintf("jo%d@example.com", len(l.log)), "roles": roles},
		"user.grant":   {"id": u.ID, "rev": u.Rev, "roles": roles},
		"user.link":    {"id": u.ID},
		"token.create": {"name": "CI", "scopes": []string{[]string{"write", "read", "user.*"}[l.rnd.IntN(3)]}, "days": 99},
		"user.disable": {"id": u.ID, "rev": u.Rev},
		"user.enable":  {"id": u.ID, "rev": u.Rev},
		"user.update":  {"id": u.ID, "rev": u.Rev, "name": "Jo"},
	}[name]
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ans, err := l.h.Gate.Call(ctx, a, op.Call{Op: name, In: raw})
	l.log = append(l.log, fmt.Sprintf("%s as %s %v: %s %s: %v", p.user, a.ID, a.Roles, name, raw, err))
	if err != nil {
		if c := errs.Public(err).Code; c == errs.Internal || c == errs.Unavailable {
			return err
		}
		l.done["refused"]++
		return nil
	}
	l.stale = name != "token.create" && name != "user.link" // these give a key that the steps after them look at
	l.done[name]++
	return l.given(p, a, name, u, roles, ans.Out)
}

// given holds what was just allowed against the rule, and writes down who may now hold what.
func (l *ladder) given(p *human, a op.Actor, name string, u *User, roles []op.Role, out any) error {
	token := strings.HasPrefix(a.ID, "tok_")
	allowed := func(r op.Role) bool { // of these five: who is below whom; whoever may invite passes on what he holds
		owner, manager, admin := slices.Contains(a.Roles, op.Owner), slices.Contains(a.Roles, op.Manager), slices.Contains(a.Roles, op.Admin)
		return owner || manager && (r == op.Manager || r == op.Control || r == op.Reader) || admin && slices.Contains(a.Roles, r)
	}
	passed := roles
	switch name {
	case "user.link":
		passed = u.Roles
		p.links = append(p.links, strings.TrimPrefix(out.(Invited).Path, "/welcome?code="))
	case "user.invite":
		p.links = append(p.links, strings.TrimPrefix(out.(Invited).Path, "/welcome?code="))
	case "user.grant":
		if !slices.Contains(a.Roles, op.Owner) {
			return errors.New("somebody who is no owner set roles")
		}
	case "token.create":
		p.tokens = append(p.tokens, out.(NewToken).Secret)
		passed = a.Roles
	default:
		return nil
	}
	if token {
		return fmt.Errorf("a token did %s", name)
	}
	if name == "token.create" {
		return nil // it has the rights of its owner, and no more
	}
	for _, r := range passed {
		if !allowed(r) {
			return fmt.Errorf("%v passed on %s", a.Roles, r)
		}
	}
	if name == "user.grant" && slices.Contains(roles, op.Owner) && !slices.Contains(u.Roles, op.Owner) {
		l.done["made an owner"]++
	}
	for _, x := range l.humans { // a grant gives lawfully to whoever owns the account
		if name == "user.grant" && x.user == u.ID {
			for _, r := range roles {
				x.lawful[r] = true
			}
		}
	}
	return nil
}

// holds is the rule: no key of anybody opens more than he was lawfully given, a token opens no more than its owner
// has, and somebody is the owner.
func (l *ladder) holds(ctx context.Context) error {
	all, err := l.users(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(u *User) bool { return u.State != "disabled" && slices.Contains(u.Roles, op.Owner) }) {
		return errors.New("no owner is left")
	}
	for _, p := range l.humans {
		if p.lawful[op.Owner] {
			continue // he may hold anything
		}
		var actors []op.Actor
		for _, c := range p.cookies {
			if a, err := l.h.door.Peek(ctx, c); err == nil {
				actors = append(actors, a)
			}
		}
		for _, s := range p.tokens {
			if a, err := l.h.door.ByToken(ctx, s); err == nil {
				actors = append(actors, a)
			}
		}
		for _, a := range actors {
			if slices.Contains(a.Roles, op.Owner) {
				return fmt.Errorf("%s holds %s, which is an owner", p.user, a.ID)
			}
			if slices.Contains(a.Roles, op.Manager) && !p.lawful[op.Manager] {
				return fmt.Errorf("%s holds %s, which is a compliance manager", p.user, a.ID)
			}
		}
	}
	return nil
}
