// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/errs"
)

func TestPreviewsRunOneOfAnOrganisationAndFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, now, most, done := &Runner{}, map[string]int{}, 0, 0
		var mu sync.Mutex
		for i := range 12 {
			go func() {
				org := fmt.Sprintf("org_%d", i%4)
				_, err := r.Try(t.Context(), org, func(context.Context) (Preview, error) {
					mu.Lock()
					now[org]++
					if now[org] > 1 {
						t.Errorf("%d previews of %s at once", now[org], org)
					}
					sum := 0
					for n := range maps.Values(now) {
						sum += n
					}
					most = max(most, sum)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					defer mu.Unlock()
					now[org]--
					return Preview{}, nil
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				done++
			}()
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if most != previewsAtOnce || done != 12 {
			t.Errorf("%d at once, %d ended", most, done)
		}
	})
}

func TestAPreviewThatWaitsCanBeCalledOffAndEndsWithAClearAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Runner{}
		nothing := func(context.Context) (Preview, error) { return Preview{}, nil }
		slow := func(ctx context.Context) (Preview, error) { <-ctx.Done(); return Preview{State: Failed}, nil }
		got := make(chan error, 20)
		go func() { _, err := r.Try(t.Context(), "a", slow); got <- err }()
		synctest.Wait()
		for range previewsWaiting {
			go func() { _, err := r.Try(t.Context(), "a", nothing); got <- err }()
		}
		synctest.Wait()
		if _, err := r.Try(t.Context(), "a", nothing); !errors.Is(err, errs.Limited) {
			t.Errorf("one more than may wait: %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go func() { _, err := r.Try(ctx, "b", nothing); got <- err }()
		if err := <-got; err != nil {
			t.Errorf("another organisation: %v", err)
		}
		stop()
		for range previewsWaiting {
			if err := <-got; !errors.Is(err, errs.Unavailable) {
				t.Errorf("after waiting: %v", err)
			}
		}
		ctx, stop = context.WithCancel(t.Context())
		go func() { _, err := r.Try(ctx, "a", nothing); got <- err }()
		synctest.Wait()
		stop()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("called off: %v", err)
		}
		if err := <-got; !errors.Is(err, errs.Unavailable) {
			t.Errorf("longer than a preview may take: %v", err)
		}
		if len(r.turns.busy)+len(r.turns.waiting) > 0 {
			t.Errorf("left behind: %v %v", r.turns.busy, r.turns.waiting)
		}
	})
}
