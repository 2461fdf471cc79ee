// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/blob"
	"assay/internal/check"
	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
	"github.com/alexedwards/argon2id"
)

// The approvals walk, as attack. Four humans have an account each, and come to other means: cookies, links, tokens, passwords
// and, one of them, the data folder. The model knows nothing of the rules. It keeps which human truly holds which means, and
// for each thing which humans wrote or asked. What is approved by one of those, without a stamp, is a violation.

// mean is a way to act that a human holds.
type mean struct{ cookie, token, folder string }

type attacker struct {
	means     []mean
	links     []string
	passwords map[string]string // by address of the account
}

// walk is one sequence in an organisation of its own.
type walk struct {
	h       house
	org     string
	hole    bool
	rnd     *rand.Rand
	humans  []*attacker
	chief   int // most steps are his
	people  []string
	control string
	draft   string                  // a control of the library that is not in force
	wrote   map[string]int          // the texts that humans wrote into it, and who
	brought map[string]map[int]bool // who uploaded which file
	files   []check.FileText        // in the data folder
	things  []*target
	tokens  []string
	log     []string
	done    map[string]int
	given   map[string]int // links that a human handed to another, and who
	helped  map[string]int // accounts that were opened with such a link, and who handed it over: a second person who stands behind what they do
}

// target is something that is to be approved, and the humans who wrote it or asked for it, by the truth.
type target struct {
	kind, id string
	wrote    map[int]bool
	asked    map[int]bool // to retire it
	as       string       // the ref under which a policy was approved last
	ref      string       // and the one of the version in force
	file     string       // that it cites
}

// leaking is the planted hole: an operation that opens an account and leaves no mark.
func leaking(s *op.Set) {
	attacked(s)
	op.Change(s, op.Spec{Name: "user.leak", Doc: "Open an account without a mark.", Object: "users", Act: "view", Public: true}, func(ctx context.Context, tx *store.Tx, in linkIn) (Invited, error) {
		u, err := store.Get(ctx, &tx.View, Users, in.ID)
		if err != nil {
			return Invited{}, err
		}
		return newLink(ctx, tx, u)
	})
}

// attacked are the kinds of the walk: those of accounts, of what is governed, and of tests.
func attacked(s *op.Set) {
	add(s)
	check.Add(s)
}

func TestNothingIsApprovedByFewerThanTwoPeopleWithoutItsStamp(t *testing.T) {
	n := 500
	if os.Getenv("ASSAY_BARS") == "full" {
		n = 20_000
	}
	quick(t)
	testkit.Engines(t, attacked, func(t *testing.T, th *testkit.House) {
		h := house{th, Door{DB: th.Store}}
		if h.Engine != db.SQLite {
			n = min(n, 200) // the rules are the same Go; here it is about what the database gives back
		}
		found, done := attack(t, h, n, false)
		for _, f := range found {
			t.Error(f)
		}
		for _, k := range []string{"approved by two", "approved with a stamp", "refused", "user.link", "user.invite", "user.password", "token.create", "token.revoke", "in by link", "in by password", "user.identify",
			"user.grant", "user.disable", "end", "folder", "solo", "retired", "tried another ref", "edited a draft", "scope with an edited draft", "cited the file of another"} {
			if n > 1000 && done[k] < n/1000 { // in a short round chance may leave one out
				t.Errorf("%s happened %d times in %d sequences: too few to prove anything", k, done[k], n)
			}
		}
		for _, k := range decided(h.Set) { // every kind that two people decide on, and any that comes later
			if got := done["approved "+k]; n > 1000 && got < n/200 { // a text waits for confirmation more often than it is approved: in a short round chance may leave it out
				t.Errorf("of the kind %s %d were approved in %d sequences: too few to prove anything", k, got, n)
			}
		}
		if done["approved by two"] < n/8 {
			t.Errorf("%d were approved by two in %d sequences: too few to prove anything", done["approved by two"], n)
		}
		t.Logf("%d sequences: %v", n, done)
	})
}

// The control of the walk: it finds one hole that was planted.
func TestTheApprovalsWalkFindsAPlantedHole(t *testing.T) {
	quick(t)
	th := testkit.SQLite(t, leaking)
	found, done := attack(t, house{th, Door{DB: th.Store}}, 1500, true)
	if len(found) == 0 || !strings.Contains(found[0], "bears no stamp") {
		t.Errorf("1500 sequences went past it: %v %v", done, found)
	} else {
		t.Logf("found %d times, such as %s", len(found), found[0])
	}
}

// quick turns the hashing of passwords down: it is not what is tried here.
func quick(t *testing.T) {
	was := params
	unknownHash() // made once, with what is turned down only afterwards
	params = &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	t.Cleanup(func() { params = was })
}

// together is how many sequences are walked at once, step by step, because they share a clock and the writer's commits.
const together = 250

// attack walks n sequences, until something is found.
func attack(t *testing.T, h house, n int, hole bool) (found []string, done map[string]int) {
	t.Helper()
	seeds, done := testkit.Seed(t), map[string]int{}
	files, err := blob.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h.Gate.Files = func(string) (blob.Store, error) { return files, nil }
	for first := 0; first < n && len(found) == 0; first += together {
		var all []*walk
		for i := first; i < min(n, first+together); i++ {
			all = append(all, &walk{h: h, org: fmt.Sprintf("org_w%d", i), hole: hole, rnd: rand.New(rand.NewPCG(seeds.Uint64(), uint64(i))), done: map[string]int{}, wrote: map[string]int{}, given: map[string]int{}, helped: map[string]int{}, brought: map[string]map[int]bool{}})
		}
		each := func(do func(*walk) error) {
			var busy sync.WaitGroup
			var mu sync.Mutex
			for _, w := range all {
				busy.Go(func() {
					if err := do(w); err != nil {
						mu.Lock()
						found = append(found, fmt.Sprintf("%s: %v after\n  %s", w.org, err, strings.Join(w.log, "\n  ")))
						mu.Unlock()
					}
				})
			}
			busy.Wait()
		}
		each(func(w *walk) error { return w.begin(t.Context()) })
		h.Clock.Move([]time.Duration{0, 60 * 24 * time.Hour}[min(1, seeds.IntN(4))])
		each(func(w *walk) error { return w.enter(t.Context()) })
		for range 12 {
			each(func(w *walk) error { return w.step(t.Context()) })
			h.Clock.Move([]time.Duration{time.Second, time.Minute, 24 * time.Hour}[min(2, seeds.IntN(12)/5)/(1+seeds.IntN(2))])
		}
		for _, w := range all {
			for k, v := range w.done {
				done[k] += v
			}
		}
	}
	return found, done
}

// begin makes the company: four people with an account each, which nobody else has ever opened.
func (w *walk) begin(ctx context.Context) error {
	_, err := w.h.Store.Change(ctx, w.org, store.System("test"), func(tx *store.Tx) error {
		for i, roles := range [][]op.Role{{op.Owner, op.Manager, op.Admin}, {op.Manager}, {op.Control}, {op.Employee}} {
			p := &grc.Person{Name: fmt.Sprint("Person ", i), Email: fmt.Sprintf("user%d@example.com", i), Kind: "employee", State: "active"}
			if i == 0 {
				if err := grc.Found(ctx, tx, "Example Ltd", "", p); err != nil {
					return err
				}
			} else if err := store.Put(ctx, tx, grc.People, p); err != nil {
				return err
			}
			hash, err := hashPassword(fmt.Sprint("the password of ", i))
			if err != nil {
				return err
			}
			u := &User{Name: p.Name, Email: p.Email, Person: p.ID, Roles: roles, State: "active", Password: kind.NewSecret(hash)}
			if err := store.Put(ctx, tx, Users, u); err != nil {
				return err
			}
			w.people = append(w.people, p.ID)
			w.humans = append(w.humans, &attacker{passwords: map[string]string{u.Email: fmt.Sprint("the password of ", i)}})
		}
		c := &grc.Control{Ref: "IAM-09", Title: "Access is reviewed", Text: "Access is reviewed.", Family: "access", Weight: 1, Frequency: "monthly", State: "active", VersionNo: 1,
			Criteria: []string{"CC6.1"}, Tests: []grc.ControlTest{{Test: "idp.dormant", Role: "required"}}, Evidence: []grc.EvidenceKind{{Key: "export", Title: "Export", Type: "log", Frequency: "monthly"}}}
		if err := store.Put(ctx, tx, grc.Controls, c); err != nil {
			return err
		}
		d := &grc.Control{Ref: "CNF-01", Title: "Secrets are kept", Text: "Secrets are kept.", Family: "confidentiality", Set: "confidentiality", Weight: 1, Frequency: "yearly", State: "draft", Library: true,
			Criteria: []string{"C1.1"}, Tests: []grc.ControlTest{{Test: "idp.dormant", Role: "required"}}}
		if err := store.Put(ctx, tx, grc.Controls, d); err != nil {
			return err
		}
		w.control, w.draft = c.ID, d.ID
		return nil
	})
	return err
}

// enter signs everybody in, and gives one of them the data folder.
func (w *walk) enter(ctx context.Context) error {
	for i, p := range w.humans {
		cookie, err := w.h.door.ByPassword(ctx, w.org, fmt.Sprintf("user%d@example.com", i), fmt.Sprint("the password of ", i))
		if err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		p.means = append(p.means, mean{cookie: cookie})
	}
	w.chief = []int{0, 0, 1, 1, 2, 3}[w.rnd.IntN(6)]
	old := &grc.Policy{Ref: "OWN-00", Title: "A policy in force", Kind: "policy", ReviewDays: 365, Body: testkit.PolicyText(nil, "That is all."), VersionNo: 1, State: "published"}
	if w.rnd.IntN(4) == 0 {
		if _, err := w.h.Store.Change(ctx, w.org, store.System("test"), func(tx *store.Tx) error { return store.Put(ctx, tx, grc.Policies, old) }); err != nil {
			return err
		}
		w.things = append(w.things, &target{kind: "policy", id: old.ID, wrote: map[int]bool{}, asked: map[int]bool{}, as: old.Ref, ref: old.Ref})
	}
	if w.rnd.IntN(2) == 0 {
		p := w.humans[w.rnd.IntN(4)]
		p.means = append(p.means, mean{folder: "cli"}, mean{folder: "mcp"})
	}
	return nil
}

// actor is a human at one of his means. One that no longer opens is none.
func (w *walk) actor(ctx context.Context, p *attacker) (op.Actor, bool) {
	if len(p.means) == 0 {
		return op.Actor{}, false
	}
	x := p.means[len(p.means)-1-w.rnd.IntN(2)*w.rnd.IntN(min(3, len(p.means)))]
	via := []string{"rest", "web", "web", "web", "web", "mcp"}[w.rnd.IntN(6)]
	var a op.Actor
	var err error
	switch {
	case x.folder != "":
		return op.Actor{Org: w.org, ID: "system", Roles: []op.Role{op.Owner, op.Manager, op.Admin}, Via: x.folder}, true
	case x.cookie != "":
		a, err = w.h.door.ByCookie(ctx, x.cookie)
	default:
		a, err = w.h.door.ByToken(ctx, x.token)
	}
	a.Via = via
	return a, err == nil
}

// step is one try of one human.
func (w *walk) step(ctx context.Context) error {
	who := w.chief
	switch w.rnd.IntN(3) {
	case 0:
		who = w.rnd.IntN(4)
	case 1: // one of those who may approve
		who = w.rnd.IntN(2)
	}
	p := w.humans[who]
	switch n := w.rnd.IntN(10); {
	case n < 6 && len(p.links) > 0:
		return w.useLink(ctx, who)
	case n == 9 && w.rnd.IntN(4) == 0:
		return w.signIn(ctx, who)
	}
	a, ok := w.actor(ctx, p)
	if !ok { // his session is over
		if err := w.signIn(ctx, who); err != nil {
			return err
		}
		if a, ok = w.actor(ctx, p); !ok {
			return nil
		}
	}
	if w.rnd.IntN(3) < 2 {
		return w.work(ctx, who, a)
	}
	return w.account(ctx, who, a)
}

func (w *walk) useLink(ctx context.Context, who int) error {
	p := w.humans[who]
	link := p.links[len(p.links)-1]
	p.links = p.links[:len(p.links)-1]
	if w.rnd.IntN(4) == 0 { // he hands it to somebody
		to := w.humans[w.rnd.IntN(4)]
		if to.links = append(to.links, link); to != p {
			w.given[link] = who
		}
		return nil
	}
	cookie, err := w.h.door.ByLink(ctx, link)
	w.log = append(w.log, fmt.Sprintf("human %d uses a link: %v", who, err))
	if err == nil {
		p.means = append(p.means, mean{cookie: cookie})
		w.done["in by link"]++
		if by, given := w.given[link]; given && by != who {
			a, err := w.h.door.ByCookie(ctx, cookie)
			if err != nil {
				return err
			}
			w.helped[a.ID] = by
		}
	}
	return nil
}

func (w *walk) signIn(ctx context.Context, who int) error {
	p := w.humans[who]
	all := slices.Sorted(maps.Keys(p.passwords))
	email := all[w.rnd.IntN(len(all))]
	cookie, err := w.h.door.ByPassword(ctx, w.org, email, p.passwords[email])
	w.log = append(w.log, fmt.Sprintf("human %d signs in as %s: %v", who, email, err))
	if err == nil {
		p.means = append(p.means, mean{cookie: cookie})
		w.done["in by password"]++
	}
	return nil
}

// call calls an operation; what fails by itself is an error, what is refused is not.
func (w *walk) call(ctx context.Context, who int, a op.Actor, name string, in m) (any, bool, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, false, err
	}
	ans, err := w.h.Gate.Call(ctx, a, op.Call{Op: name, In: raw})
	w.log = append(w.log, fmt.Sprintf("human %d as %s via %s: %s %s: %v", who, a.ID, a.Via, name, raw, err))
	if err == nil {
		w.done[name]++
		if a.ID == "system" {
			w.done["folder"]++
		}
		return ans.Out, true, nil
	}
	if c := errs.Public(err).Code; c == errs.Internal || c == errs.Unavailable {
		return nil, false, err
	}
	w.done["refused"]++
	return nil, false, nil
}

// account is a step on accounts, tokens and the organisation.
func (w *walk) account(ctx context.Context, who int, a op.Actor) error {
	p := w.humans[who]
	var all []*User
	var org *grc.Organization
	if err := w.h.Store.View(ctx, w.org, time.Time{}, store.System("test"), func(v *store.View) (err error) {
		if all, err = store.All(ctx, v, Users, nil); err == nil {
			org, err = grc.OrganizationOf(ctx, v)
		}
		return err
	}); err != nil {
		return err
	}
	u := all[w.rnd.IntN(1+w.rnd.IntN(len(all)))] // the first are those who may approve
	roles := [][]op.Role{{op.Owner}, {op.Manager}, {op.Owner, op.Manager}, {op.Control}}[w.rnd.IntN(4)]
	person := append(slices.Clone(w.people), "")[w.rnd.IntN(5)]
	secret := fmt.Sprintf("a password of human %d, no %d", who, len(w.log))
	names := []string{"user.link", "user.link", "user.link", "user.invite", "user.invite", "user.identify", "user.grant", "user.password", "user.disable", "user.enable", "user.update", "token.create", "token.create", "token.revoke",
		"organization.update", "organization.update"}
	if w.hole {
		names = append(names, slices.Repeat([]string{"user.leak"}, 40)...)
	}
	name := names[w.rnd.IntN(len(names))]
	in := map[string]m{
		"user.link":     {"id": u.ID},
		"user.leak":     {"id": u.ID},
		"user.invite":   {"name": "Jo", "email": fmt.Sprintf("jo%d@example.com", len(w.log)), "roles": roles, "person": person},
		"user.identify": {"id": u.ID, "rev": u.Rev, "person": person},
		"user.grant":    {"id": u.ID, "rev": u.Rev, "roles": roles},
		"user.password": {"password": secret},
		"user.disable":  {"id": u.ID, "rev": u.Rev},
		"user.enable":   {"id": u.ID, "rev": u.Rev},
		"user.update":   {"id": u.ID, "rev": u.Rev, "name": "Jo"},
		"token.create":  {"name": "CI", "scopes": []string{"write"}, "days": 99},
		"token.revoke":  {"id": append(w.tokens, "tok_none")[w.rnd.IntN(len(w.tokens)+1)]},

		"organization.update": {"id": org.ID, "rev": org.Rev, "solo_mode": w.rnd.IntN(2) == 0},
	}[name]
	if name == "token.create" && a.ID == "system" {
		in["owner"] = u.ID
	}
	out, ok, err := w.call(ctx, who, a, name, in)
	if err != nil || !ok {
		return err
	}
	switch x := out.(type) {
	case Invited:
		p.links = append(p.links, strings.TrimPrefix(x.Path, "/welcome?code="))
	case NewToken:
		p.means, w.tokens = append(p.means, mean{token: x.Secret}), append(w.tokens, x.ID)
	}
	for _, u := range all {
		if name == "user.password" && u.ID == a.ID {
			p.passwords[u.Email] = secret
		}
	}
	if name == "organization.update" && in["solo_mode"] == true {
		w.done["solo"]++
	}
	return nil
}
