// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"sync"
	"time"

	"assay/internal/errs"
)

// The limits of previews: each reads a whole source, and may be asked for at any time.
const (
	previewsAtOnce  = 2 // of all organisations; one of each
	previewsWaiting = 4 // of one organisation
	previewWait     = 30 * time.Second
	previewTime     = 2 * time.Minute
)

// turns lets previews in, one of an organisation and few at a time. The zero value is ready.
type turns struct {
	mu      sync.Mutex
	busy    map[string]bool
	waiting map[string]int
	left    chan struct{} // closed when one leaves
}

// enter waits for a turn, until the caller has gone or waited too long. leave gives the turn back.
func (q *turns) enter(ctx context.Context, org string, most time.Duration) (leave func(), err error) {
	patience := time.NewTimer(most)
	defer patience.Stop()
	for waits := false; ; waits = true {
		next, err := q.try(org, waits)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return func() { q.leave(org) }, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			q.give(org)
			return nil, ctx.Err()
		case <-patience.C:
			q.give(org)
			return nil, errs.New(errs.Unavailable, "other files and sources are being read").Mend("try again in a minute")
		}
	}
}

// try takes a turn, or gives what is closed when one may be free. waits says that the caller is counted already.
func (q *turns) try(org string, waits bool) (<-chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy == nil {
		q.busy, q.waiting, q.left = map[string]bool{}, map[string]int{}, make(chan struct{})
	}
	switch {
	case !q.busy[org] && len(q.busy) < previewsAtOnce:
		q.busy[org] = true
		if waits {
			q.less(org)
		}
		return nil, nil
	case !waits && q.waiting[org] >= previewsWaiting:
		return nil, errs.New(errs.Limited, "%d previews of your organization are waiting already", previewsWaiting).Mend("wait until one of them has ended")
	case !waits:
		q.waiting[org]++
	}
	return q.left, nil
}

func (q *turns) less(org string) {
	if q.waiting[org]--; q.waiting[org] <= 0 {
		delete(q.waiting, org)
	}
}

func (q *turns) give(org string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.less(org)
}

func (q *turns) leave(org string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, org)
	close(q.left)
	q.left = make(chan struct{})
}

// Try runs a preview when it is its turn, for no longer than it may take.
func (r *Runner) Try(ctx context.Context, org string, fn func(context.Context) (Preview, error)) (Preview, error) {
	leave, err := r.turns.enter(ctx, org, previewWait)
	if err != nil {
		return Preview{}, err
	}
	defer leave()
	limited, stop := context.WithTimeout(ctx, previewTime)
	defer stop()
	p, err := fn(limited)
	if limited.Err() != nil && ctx.Err() == nil {
		return Preview{}, errs.New(errs.Unavailable, "reading it took longer than %v", previewTime).Mend("split the file, or save it as CSV; a connected source has no such limit when it is read")
	}
	return p, err
}
