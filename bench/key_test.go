// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// BenchmarkCreateWithAKeyBeside20000 measures a policy that is created where there are 20,000 of 4 KB, half of them deleted: its
// ref must be its own. The control is a task, which has none.
func BenchmarkCreateWithAKeyBeside20000(b *testing.B) {
	a, org, _ := company(b)
	ctx, body := context.Background(), strings.Repeat("lorem ipsum ", 340)
	for from := 0; from < 20_000; from += 500 {
		if _, err := a.DB.Change(ctx, org, store.System("bench"), func(tx *store.Tx) error {
			for i := range 500 {
				p := &grc.Policy{Ref: fmt.Sprintf("Z-%05d", from+i), Title: "A policy", Kind: "policy", ReviewDays: 380, Body: body, State: "draft"}
				if err := store.Put(ctx, tx, grc.Policies, p); err != nil {
					return err
				}
				if i%2 == 0 {
					if err := store.End(ctx, tx, grc.Policies, p.ID, 0); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	me, n := op.System(org), 0
	create := func(name string, in map[string]any) time.Duration {
		since := clock.Since()
		if _, err := op.Do[map[string]any](ctx, a.Gate, me, name, in, time.Time{}); err != nil {
			b.Fatal(err)
		}
		return since()
	}
	var policies, tasks []time.Duration
	for b.Loop() {
		for range 20 {
			n++
			policies = append(policies, create("policy.create", map[string]any{"ref": fmt.Sprint("NEW-", n), "title": "A policy"}))
			tasks = append(tasks, create("task.create", map[string]any{"title": fmt.Sprint("A task ", n)}))
		}
	}
	slices.Sort(policies)
	slices.Sort(tasks)
	fmt.Printf("a policy beside 20,000: median %v, slowest %v (control: a task: median %v)\n", policies[len(policies)/2], policies[len(policies)-1], tasks[len(tasks)/2])
	b.ReportMetric(float64(policies[len(policies)/2].Microseconds()), "µs/create")
}
