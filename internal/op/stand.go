// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"assay/internal/errs"
	"assay/internal/store"
)

// Who stands behind what. This is the one place that answers it, and every rule of two people asks here. It reads the
// history of accounts and tokens in the ledger, not only what is live: a token that has ended still stands for its owner,
// and an account is every person that it ever was. It knows accounts by the names of their kinds and fields only.

// opened is for how long an account also counts as that of whoever opened it.
const opened = 30 * 24 * time.Hour

// linkLife is for how long a sign-in link works.
const linkLife = 24 * time.Hour

// machine stands for whoever holds the data folder. Nobody knows which of the people that is.
const machine = "machine"

// FromFolder is the operation in which the program reads the data folder: what it writes there, somebody put there.
const FromFolder = "rule_file.read"

// A Hand is somebody who did something, and when.
type Hand struct {
	Who string
	At  time.Time
}

type ids map[string]bool

func (a ids) meets(b ids) bool {
	for id := range a {
		if b[id] {
			return true
		}
	}
	return false
}

// standing reads who stands behind what, each account once.
type standing struct {
	v    *store.View
	kept map[string][]store.Version
	done map[string]bool
}

func newStanding(v *store.View) *standing {
	return &standing{v: v.Whole(), kept: map[string][]store.Version{}}
}

// Behind lists everybody that an id stands for: itself, the owner of a token, every person that a user ever was.
func Behind(ctx context.Context, v *store.View, id string) ([]string, error) {
	all, err := newStanding(v).self(ctx, id)
	return slices.Sorted(maps.Keys(all)), err
}

// PersonOf is the person behind the actor of a view.
func PersonOf(ctx context.Context, v *store.View) (string, error) {
	for id := v.By.Actor; id != ""; {
		var a struct{ Person, Owner string }
		body, _, err := v.Body(ctx, v.KindOf(id), id)
		if errors.Is(err, errs.NotFound) {
			return "", nil
		}
		if err == nil {
			err = json.Unmarshal(body, &a)
		}
		if err != nil || a.Person != "" {
			return a.Person, err
		}
		id = a.Owner
	}
	return "", nil
}

// versions are all versions of an account or a token, newest first; none where it is neither.
func (s *standing) versions(ctx context.Context, id string) ([]store.Version, error) {
	if h, ok := s.kept[id]; ok {
		return h, nil
	}
	var h []store.Version
	var err error
	if k := s.v.KindOf(id); k == "user" || k == "token" {
		if h, err = s.v.History(ctx, k, id); errors.Is(err, errs.NotFound) {
			h, err = nil, nil
		}
	}
	s.kept[id] = h
	return h, err
}

// self is everybody that an id stands for.
func (s *standing) self(ctx context.Context, id string) (ids, error) {
	out := ids{id: true}
	h, err := s.versions(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, e := range h {
		var a struct{ Person, Owner string }
		if e.Body == nil {
			continue
		}
		if err := json.Unmarshal(e.Body, &a); err != nil {
			return nil, fmt.Errorf("read %s: %w", id, err)
		}
		if a.Person != "" {
			out[a.Person] = true
		}
		if a.Owner != "" && !out[a.Owner] {
			more, err := s.self(ctx, a.Owner)
			if err != nil {
				return nil, err
			}
			maps.Copy(out, more)
		}
	}
	return out, nil
}

// actorOf is who did an entry: nobody where it was the program by itself, the machine where it was done on the data folder.
func actorOf(e store.Version) string {
	switch {
	case e.Actor != "system":
		return e.Actor
	case e.Op == FromFolder:
		return machine
	case e.Via == "system" && e.Op != "user.link":
		return ""
	}
	return machine
}

// quiet are operations on a user that give nobody anything.
var quiet = []string{"session.start", "session.end", "session.use", "secret.rotate", "organization.create", "user.disable"}

// touched lists who else had a hand in an account in the thirty days before a moment. With open only those who could
// sign in to it: they invited it, or made a link for it. A link that was made on the data folder counts where it was used,
// because the program offers one at each start.
func (s *standing) touched(ctx context.Context, user string, at time.Time, open bool) ([]Hand, error) {
	var out []Hand
	var in []time.Time // sign-ins by link
	for p := (store.EntryPage{ID: user, Limit: 200}); ; {
		page, err := s.v.Entries(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if p.Before = e.Seq; e.At.Before(at.Add(-opened)) {
				return out, nil
			}
			who := actorOf(e)
			switch {
			case e.At.After(at):
			case e.Op == "session.start" && e.Kind != "user" && byLink(e):
				in = append(in, e.At)
			case who == "" || who == user:
			case e.Op == "user.link":
				used := slices.ContainsFunc(in, func(t time.Time) bool { return t.Before(e.At.Add(linkLife)) })
				if who != machine || used {
					out = append(out, Hand{who, e.At})
				}
			case e.Kind == "user" && (e.Op == "user.invite" || !open && !slices.Contains(quiet, e.Op)):
				out = append(out, Hand{who, e.At})
			}
		}
		if len(page) < p.Limit {
			return out, nil
		}
	}
}

// byLink says whether a sign-in was by link, or may have been: older entries do not say.
func byLink(e store.Version) bool {
	var b store.Batch
	if json.Unmarshal(e.Body, &b) != nil {
		return true
	}
	how, ok := b.Note["how"]
	return !ok || how == "link"
}

// reach is everybody who may have used an id at a moment: whom it stands for, and who had a hand in the account in the thirty
// days before, and in theirs. With open only those who could sign in count; of what lies further back they alone ever do.
func (s *standing) reach(ctx context.Context, id string, at time.Time, open bool) (ids, error) {
	out := ids{}
	s.done = map[string]bool{}
	return out, s.add(ctx, id, at, open, out)
}

func (s *standing) add(ctx context.Context, id string, at time.Time, open bool, out ids) error {
	key := fmt.Sprintf("%s %d %t", id, at.UnixMilli(), open)
	if s.done[key] {
		return nil
	}
	s.done[key] = true
	all, err := s.self(ctx, id)
	if err != nil {
		return err
	}
	maps.Copy(out, all)
	for x := range all {
		var hands []Hand
		switch s.v.KindOf(x) {
		case "user":
			if !at.IsZero() {
				hands, err = s.touched(ctx, x, at, open)
			}
		case "token": // it stays in the hands that it was given to
			hands, err = s.given(ctx, x)
		}
		for _, h := range hands {
			if err == nil {
				err = s.add(ctx, h.Who, h.At, true, out)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// given lists who had a token when it was made: whoever made it, and its owner as the account was then.
func (s *standing) given(ctx context.Context, token string) ([]Hand, error) {
	h, err := s.versions(ctx, token)
	if err != nil || len(h) == 0 {
		return nil, err
	}
	first := h[len(h)-1]
	var a struct{ Owner string }
	if first.Body != nil {
		err = json.Unmarshal(first.Body, &a)
	}
	var out []Hand
	for _, who := range []string{actorOf(first), a.Owner} {
		if who != "" {
			out = append(out, Hand{who, first.At})
		}
	}
	return out, err
}
