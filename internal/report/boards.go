// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/store"
)

// Boards makes boards, and keeps the last ones: a board at one position of the ledger in one minute is
// always the same.
type Boards struct {
	DB    *store.DB
	Rules func(ctx context.Context, v *store.View) (*check.Catalogue, error)
	// File holds a file against its digest; nil where files are not looked at.
	File func(ctx context.Context, org, sha string) error
	// OfToday judges every day by what is in force today, as no product may: the control of the tests that hold that
	// nothing done today changes a day that is over. It is set before the first board is made.
	OfToday bool

	mu    sync.Mutex
	kept  map[string]*kept
	alone map[string]*kept   // of one control each
	past  map[string]*memory // by organisation
	last  map[string]*Board  // the last that was made of an organisation, a number of days and a control
}

type kept struct {
	once  sync.Once
	done  atomic.Bool
	board *Board
	err   error
}

// Of gives the board of the last days as a view sees it.
func (b *Boards) Of(ctx context.Context, v *store.View, days int) (*Board, error) {
	return b.once(&b.kept, keyOf(v, days), func() (*Board, error) {
		return b.make(ctx, v, days, nil)
	})
}

// make makes the board of the last days: the whole of it, or with only what one control stands on.
func (b *Boards) make(ctx context.Context, v *store.View, days int, only *controlPast) (*Board, error) {
	cat, err := b.Rules(ctx, v)
	if err != nil {
		return nil, err
	}
	d, err := b.dated(ctx, v)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%s|%d|", v.Org, days)
	if only != nil {
		key += only.newest.ID
	}
	b.mu.Lock()
	was := b.last[key]
	b.mu.Unlock()
	board, err := makeBoard(ctx, v, cat, d, days, only, was)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.last) > 64 || b.last == nil {
		b.last = map[string]*Board{}
	}
	if was == nil || board.At >= was.At { // a look at the past takes nothing from the present
		b.last[key] = board
	}
	return board, nil
}

// dated gives what was in force when, as a view knows it.
func (b *Boards) dated(ctx context.Context, v *store.View) (*dated, error) {
	b.mu.Lock()
	if b.past == nil {
		b.past = map[string]*memory{}
	}
	m := b.past[v.Org]
	if m == nil {
		m = &memory{org: v.Org, ofToday: b.OfToday}
		b.past[v.Org] = m
	}
	b.mu.Unlock()
	return m.read(ctx, v)
}

// once makes a board that is not kept yet; whoever asks for it meanwhile waits for the same.
func (b *Boards) once(in *map[string]*kept, key string, make func() (*Board, error)) (*Board, error) {
	b.mu.Lock()
	if len(*in) > 64 || *in == nil {
		*in = map[string]*kept{}
	}
	k := (*in)[key]
	if k == nil {
		k = &kept{}
		(*in)[key] = k
	}
	b.mu.Unlock()
	k.once.Do(func() {
		k.board, k.err = make()
		k.done.Store(k.err == nil)
	})
	if k.err != nil { // it may have been the caller's own doing, such as going away
		b.mu.Lock()
		delete(*in, key)
		b.mu.Unlock()
	}
	return k.board, k.err
}

func keyOf(v *store.View, days int) string {
	return fmt.Sprintf("%s|%d|%d|%d", v.Org, v.At, v.Now.Truncate(time.Minute).Unix(), days)
}

// Control gives a board that has at least the control with this ref or id, or no control where there is none. Where
// the whole board is not there already, or has it no longer, only what that control stands on is read.
func (b *Boards) Control(ctx context.Context, v *store.View, days int, ref string) (*Board, *ControlLine, error) {
	key := keyOf(v, days)
	b.mu.Lock()
	k := b.kept[key]
	b.mu.Unlock()
	if k != nil && k.done.Load() {
		if c := k.board.named(ref); c != nil {
			return k.board, c, nil
		}
	}
	d, err := b.dated(ctx, v)
	if err != nil {
		return nil, nil, err
	}
	only := d.named(ref, v.Now)
	if only == nil {
		return nil, nil, nil
	}
	board, err := b.once(&b.alone, key+"|"+only.newest.ID, func() (*Board, error) { return b.make(ctx, v, days, only) })
	if err != nil {
		return nil, nil, err
	}
	return board, board.named(ref), nil
}

// named finds a control that is or was in force by its ref, in any case of letters, or by its id.
func (b *Board) named(ref string) *ControlLine {
	p := b.dated.named(ref, b.Now)
	if p == nil {
		return nil
	}
	return b.byID[p.newest.ID]
}

func byRef(a, b *grc.Control) int {
	return cmp.Or(strings.Compare(a.Ref, b.Ref), strings.Compare(a.ID, b.ID))
}

// Score is readiness after a check, kept where it has changed, so that its course can be drawn.
type Score struct {
	store.Place
	Name    string    `json:"name" doc:"readiness."`
	Percent int64     `json:"percent" doc:"Readiness, rounded down."`
	Below   int64     `json:"below" doc:"Criteria below 100 percent."`
	Failing int64     `json:"failing" doc:"Controls that fail."`
	At      time.Time `json:"at" doc:"When."`
}

// Scores are the scores.
var Scores = store.Facts[Score]("score", "Readiness after checks; only changes are kept.", []string{"name"})

// Score keeps readiness where it has changed.
func (b *Boards) Score(ctx context.Context, org string, by store.By) error {
	var s *Score
	err := b.DB.View(ctx, org, time.Time{}, by, func(v *store.View) error {
		board, err := b.Of(ctx, v, 1)
		if err != nil {
			return err
		}
		n := Score{Name: "readiness", Percent: int64(board.Readiness.Percent), Below: int64(board.Readiness.Below), Failing: int64(len(board.Readiness.Failing)), At: v.Now}
		was, err := Scores.Select(ctx, v, "name=$3", "", "readiness")
		if err == nil && (len(was) == 0 || was[0].Percent != n.Percent || was[0].Below != n.Below || was[0].Failing != n.Failing) {
			s = &n
		}
		return err
	})
	if err != nil || s == nil {
		return err
	}
	_, err = b.DB.Change(ctx, org, by, func(tx *store.Tx) error {
		_, err := Scores.Append(ctx, tx, "readiness", []Score{*s}, nil)
		return err
	})
	return err
}
