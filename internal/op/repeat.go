// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// A call with a key is carried out once: for a day the same request gets the first answer, and another request
// under the same key is refused. A Change keeps its answer in the transaction that does the work. A Job cannot:
// it claims the key first, works, and keeps its answer then. A claim ends by itself where the program ended, so
// that the work, of which nobody can say how far it came, can be done anew.

// answerSpace is where the answers to calls with a key are kept, and for how long.
const (
	answerSpace = "idempotency"
	answerFor   = 24 * time.Hour
	claimFor    = time.Minute
	claimBeat   = 20 * time.Second
)

// shownOnce stands in the place of an answer that is not kept.
var shownOnce = json.RawMessage(`{"shown_once":true}`)

// kept is the answer to a call with a key, or the claim of the call that is under way.
type kept struct {
	Mark    string          `json:"mark"`
	Claim   string          `json:"claim,omitempty"`
	Out     json.RawMessage `json:"out,omitempty"`
	Receipt *store.Receipt  `json:"receipt,omitempty"`
}

// repeat is what a call says of its own repetition: nothing where it has no key.
type repeat struct {
	name, mark string
	once       bool // the answer holds a secret and is not kept
}

// repeated reads the key of a call.
func repeated(a Actor, o *Op, c Call) (repeat, error) {
	if c.Key == "" || !o.Writes || slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Secret }) {
		return repeat{}, nil // of an input that holds a secret not even a digest is kept
	}
	if len(c.Key) > 200 {
		return repeat{}, errs.At("idempotency_key", "is longer than 200 characters")
	}
	return repeat{a.ID + "/" + c.Key, fmt.Sprintf("%x", sha256.Sum256(slices.Concat([]byte(o.Name+"\n"), c.In))), o.ShownOnce}, nil
}

func (p repeat) none() bool { return p.name == "" }

func keyConflict(text, fix string) error {
	return &errs.Error{Code: errs.Conflict, Field: "idempotency_key", Text: text, Fix: fix}
}

// replay gives the answer that an earlier call with the same key got, and whether there is one.
func (p repeat) replay(ctx context.Context, v *store.View, ans *Answer) (bool, error) {
	k, found, err := p.read(ctx, v)
	switch {
	case err != nil || !found:
		return false, err
	case k.Mark != p.mark:
		return false, keyConflict("this key was used for another request", "use a new key for a new request")
	case k.Claim != "":
		return false, keyConflict("the first request with this key is still running", "wait, then send the same request again to get its answer")
	case string(k.Out) == string(shownOnce):
		return false, errs.New(errs.Conflict, "this request already succeeded, and its answer contains a secret that is shown only once").Mend("create a new one and revoke the first")
	}
	ans.Out, ans.Receipt, ans.Replay = k.Out, k.Receipt, true
	return true, nil
}

func (p repeat) read(ctx context.Context, v *store.View) (k kept, found bool, err error) {
	was, found, err := v.Slip(ctx, answerSpace, p.name)
	if err != nil || !found {
		return k, false, err
	}
	if err := json.Unmarshal([]byte(was), &k); err != nil {
		return k, false, fmt.Errorf("read kept answer: %w", err)
	}
	return k, true, nil
}

// keep keeps the answer.
func (p repeat) keep(ctx context.Context, tx *store.Tx, out any, r *store.Receipt) error {
	if p.once {
		out = shownOnce
	}
	b, err := store.Encode(out)
	if err != nil {
		return err
	}
	return p.write(ctx, tx, kept{Mark: p.mark, Out: b, Receipt: r}, answerFor)
}

func (p repeat) write(ctx context.Context, tx *store.Tx, k kept, d time.Duration) error {
	v, err := store.Encode(k)
	if err != nil {
		return err
	}
	return tx.SetSlip(ctx, answerSpace, p.name, string(v), tx.Now.Add(d))
}

// work carries out a job, once where the call has a key.
func (g *Gate) work(ctx context.Context, a Actor, c Call, o *Op, by store.By, in any, ans *Answer) error {
	p, err := repeated(a, o, c)
	if err != nil {
		return err
	}
	if p.none() {
		ans.Out, err = o.do(ctx, Desk{g.DB, a, by, g}, in)
		return err
	}
	claim := g.DB.IDs().Token()
	_, err = g.DB.Change(ctx, a.Org, by, func(tx *store.Tx) error {
		if done, err := p.replay(ctx, &tx.View, ans); err != nil || done {
			return err
		}
		return p.write(ctx, tx, kept{Mark: p.mark, Claim: claim}, claimFor)
	})
	if err != nil || ans.Replay {
		return err
	}
	// From here on the claim is ours, and is given back whatever happens: also when the caller has gone, or the job panics.
	after := context.WithoutCancel(ctx)
	ours := func(fn func(*store.Tx) error) error {
		_, err := g.DB.Change(after, a.Org, by, func(tx *store.Tx) error {
			if k, found, err := p.read(after, &tx.View); err != nil || found && k.Claim != claim {
				return err // it ran out, and another has it
			}
			return fn(tx)
		})
		return err
	}
	stop := beat(func() error {
		return ours(func(tx *store.Tx) error { return p.write(after, tx, kept{Mark: p.mark, Claim: claim}, claimFor) })
	}, g.Log)
	finished := false
	defer func() {
		stop()
		last := func(tx *store.Tx) error { return p.keep(after, tx, ans.Out, nil) }
		if !finished {
			last = func(tx *store.Tx) error { _, _, err := tx.TakeSlip(after, answerSpace, p.name); return err }
		}
		if err := ours(last); err != nil && g.Log != nil { // the work is done and its answer stands: only a repetition would not find it
			g.Log.ErrorContext(ctx, "key of a job not kept", "op", o.Name, "org", a.Org, "error", err)
		}
	}()
	ans.Out, err = o.do(ctx, Desk{g.DB, a, by, g}, in)
	finished = err == nil
	return err
}

// do does the job, where everything that its input points at is there.
func (o *Op) do(ctx context.Context, d Desk, in any) (any, error) {
	if o.points != nil {
		if err := d.View(ctx, func(v *store.View) error { return o.refer(ctx, v, in) }); err != nil {
			return nil, err
		}
	}
	return o.job(ctx, d, in)
}

// beat calls fn again and again until it is stopped.
func beat(fn func() error, log *slog.Logger) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(claimBeat)
		defer t.Stop()
		for {
			select {
			case <-end:
				return
			case <-t.C:
				if err := fn(); err != nil && log != nil {
					log.Warn("key of a job not renewed", "error", err)
				}
			}
		}
	}()
	return func() { close(end); <-ended }
}
