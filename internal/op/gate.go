// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"assay/internal/blob"
	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/store"
)

// Gate is the one way in: what is valid, who may, and in which transaction is decided here and nowhere else.
type Gate struct {
	*Set
	DB  *store.DB
	Log *slog.Logger
	// Files gives the files of an organisation; nil where there are none.
	Files func(org string) (blob.Store, error)
	// Days gives the first moment of a date of an organisation, and the first after it; in UTC where nil.
	Days func(ctx context.Context, org string, date time.Time) (from, to time.Time, err error)
	// MaxFile is how large a file may be, in bytes; 512 MiB where zero.
	MaxFile int64
	// PerMinute is how many calls one actor may make in a minute; 600,000 where zero.
	PerMinute int

	mu     sync.Mutex
	budget map[string]*spent
}

type spent struct {
	minute int64
	calls  int
}

// Call is one call of an operation.
type Call struct {
	Op   string
	In   json.RawMessage
	AsOf time.Time // the moment that is asked of; now where zero
	Day  string    // in its place, a day: its end is asked of
	Key  string    // idempotency key, where the caller wants a repeated call answered once
}

// Answer is what an operation gave, and what proves it.
type Answer struct {
	Out     any // what the operation returned; a json.RawMessage is the text of it
	Receipt *store.Receipt
	Op      *Op
	Replay  bool // an earlier call with the same key did the work
}

// Call runs an operation for an actor, now, or as of a moment past.
func (g *Gate) Call(ctx context.Context, a Actor, c Call) (Answer, error) {
	ans, err := g.call(ctx, a, c)
	if err == nil {
		return ans, nil
	}
	if e := errs.Public(err); g.Log != nil {
		switch e.Code {
		case errs.Internal, errs.Unavailable, errs.Full:
			g.Log.ErrorContext(ctx, "operation failed", "op", c.Op, "org", a.Org, "actor", a.ID, "via", a.Via, "code", e.Code, "error", cause(err))
		case errs.Denied, errs.Limited:
			g.Log.WarnContext(ctx, "operation denied", "op", c.Op, "org", a.Org, "actor", a.ID, "via", a.Via, "code", e.Code)
		}
	}
	return ans, err
}

func cause(err error) string {
	var e *errs.Error
	if errors.As(err, &e) && e.Unwrap() != nil {
		return e.Unwrap().Error()
	}
	return err.Error()
}

func (g *Gate) call(ctx context.Context, a Actor, c Call) (Answer, error) {
	o := g.Find(c.Op)
	if o == nil {
		return Answer{}, errs.New(errs.NotFound, "there is no operation %s", short(c.Op))
	}
	in, err := o.check(c.In)
	if err != nil {
		return Answer{Op: o}, err
	}
	if o.Writes && c.past() {
		return Answer{Op: o}, errs.At("as_of", "the past can't be changed")
	}
	if o.job != nil && c.past() {
		return Answer{Op: o}, errs.At("as_of", "this reads live data, so it can't be run for a past moment")
	}
	if err := g.spend(a); err != nil {
		return Answer{Op: o}, err
	}
	reach, err := g.may(a, o)
	if err != nil {
		return Answer{Op: o}, err
	}
	if c.AsOf, err = g.when(ctx, a, c); err != nil {
		return Answer{Op: o}, err
	}
	by := a.by(o.Name)
	if o.Sensitive {
		if err := g.note(ctx, a, by, c.In); err != nil {
			return Answer{Op: o}, err
		}
	}
	ans := Answer{Op: o}
	ctx = context.WithValue(context.WithValue(ctx, actorKey{}, a), gateKey{}, g)
	switch {
	case o.query != nil:
		err = g.DB.View(ctx, a.Org, c.AsOf, by, func(v *store.View) error {
			if err := own(ctx, v, a, o, reach, c.In); err != nil {
				return err
			}
			v.Veil(g.hidden(ctx, v, a, o, c.In))
			if err := o.refer(ctx, v, in); err != nil {
				return err
			}
			ans.Out, err = o.query(ctx, v, in)
			return err
		})
		if err == nil {
			err = g.guarded(ctx, a, o, by, &ans)
		}
	case o.change != nil:
		err = g.change(ctx, a, c, o, by, reach, in, &ans)
	default:
		if reach == Own {
			return ans, denied(a, o)
		}
		err = g.work(ctx, a, c, o, by, in, &ans)
	}
	return ans, err
}

func (g *Gate) change(ctx context.Context, a Actor, c Call, o *Op, by store.By, reach Grant, in any, ans *Answer) error {
	p, err := repeated(a, o, c)
	if err != nil {
		return err
	}
	r, err := g.DB.Change(ctx, a.Org, by, func(tx *store.Tx) error {
		if !p.none() {
			if done, err := p.replay(ctx, &tx.View, ans); err != nil || done {
				return err
			}
		}
		if err := own(ctx, &tx.View, a, o, reach, c.In); err != nil {
			return err
		}
		if o.Decides() {
			if err := present(ctx, &tx.View, a.Person); err != nil {
				return err
			}
		}
		if err := o.refer(ctx, &tx.View, in); err != nil {
			return err
		}
		var err error
		if ans.Out, err = o.change(ctx, tx, in); err != nil || p.none() {
			return err
		}
		tx.Receipt.Org = tx.Org
		return p.keep(ctx, tx, ans.Out, &tx.Receipt)
	})
	if err != nil {
		return err
	}
	if !ans.Replay {
		ans.Receipt = &r
	}
	return nil
}

type actorKey struct{}

// ActorOf is the actor on whose behalf an operation runs: for the few that answer by what he may see.
func ActorOf(ctx context.Context) (Actor, error) {
	a, ok := ctx.Value(actorKey{}).(Actor)
	if !ok {
		return a, errs.New(errs.Unsigned, "you are not signed in")
	}
	return a, nil
}

// may says how far the actor reaches, or that he does not.
func (g *Gate) may(a Actor, o *Op) (Grant, error) {
	if a.Org == "" || a.ID == "" {
		return Nothing, errs.New(errs.Unsigned, "you are not signed in").Mend("sign in, or send a token")
	}
	reach := a.May(o.Object, o.Act)
	if o.Public {
		reach = Every
	}
	if reach == Nothing || !a.inScope(o) {
		return Nothing, denied(a, o)
	}
	return reach, a.signed(o)
}

func denied(a Actor, o *Op) error {
	who := "you can't"
	if a.Scopes != nil && a.May(o.Object, o.Act) != Nothing {
		return errs.New(errs.Denied, "this token can't call %s: its scopes are too narrow", o.Name)
	}
	if len(a.Roles) > 0 {
		who = "your role (" + Title(string(a.Roles[0])) + ") can't"
	}
	return errs.New(errs.Denied, "%s %s %s", who, Title(o.Act), objectText(o.Object)).Mend("ask a compliance manager or an owner")
}

// objectText names an object of the role table in a sentence.
func objectText(object string) string {
	switch object {
	case "work":
		return "tasks"
	case "log":
		return "the ledger"
	case "organization", "scope":
		return "the " + object
	}
	return Title(object)
}

// May says whether an actor may call an operation at all: for buttons and menus. The call itself decides anew.
func (g *Gate) May(a Actor, name string) bool {
	o := g.Find(name)
	if o == nil {
		return false
	}
	_, err := g.may(a, o)
	return err == nil
}

// own lets an actor who reaches only his own things through to those, and to nothing else.
func own(ctx context.Context, v *store.View, a Actor, o *Op, reach Grant, raw json.RawMessage) error {
	if reach != Own {
		return nil
	}
	var in struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &in) != nil || in.ID == "" || len(o.owners) == 0 {
		return denied(a, o)
	}
	body, _, err := v.Body(ctx, o.Kind, in.ID)
	if err != nil {
		return err
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("read %s: %w", in.ID, err)
	}
	if a.holds(m, o.owners) {
		return nil
	}
	return store.NoSuch(o.Kind, in.ID)
}

// spend counts a call against the actor's budget.
func (g *Gate) spend(a Actor) error {
	limit := g.PerMinute
	if limit == 0 {
		limit = 600_000
	}
	minute := g.DB.Clock().Now().Unix() / 60
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.budget == nil || len(g.budget) > 100_000 {
		g.budget = map[string]*spent{}
	}
	k := a.Org + "/" + a.ID
	s := g.budget[k]
	if s == nil || s.minute != minute {
		s = &spent{minute: minute}
		g.budget[k] = s
	}
	if s.calls++; s.calls > limit {
		return errs.New(errs.Limited, "more than %d calls in this minute", limit).Mend("wait until the next minute")
	}
	return nil
}

// Clock is the clock of the store behind the Gate.
func (g *Gate) Clock() clock.Clock { return g.DB.Clock() }

// Do calls an operation with a Go value as input and decodes its output: for faces and jobs that know the types.
func Do[Out any](ctx context.Context, g *Gate, a Actor, name string, in any, asOf time.Time) (Out, error) {
	var out Out
	raw, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("encode input of %s: %w", name, err)
	}
	ans, err := g.Call(ctx, a, Call{Op: name, In: raw, AsOf: asOf})
	if err != nil {
		return out, err
	}
	if v, ok := ans.Out.(Out); ok {
		return v, nil
	}
	b, err := store.Encode(ans.Out)
	if err != nil {
		return out, fmt.Errorf("encode output of %s: %w", name, err)
	}
	return out, json.Unmarshal(b, &out)
}
