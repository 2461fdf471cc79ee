// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/op"
	"assay/internal/testkit"
)

func gateCall(b *testing.B, h *testkit.House, a op.Actor, name, in string) {
	if _, err := h.Gate.Call(context.Background(), a, op.Call{Op: name, In: json.RawMessage(in)}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCreate measures creates that were acknowledged as durable, from 32 goroutines through the Gate.
// The control does nothing but append 4 KiB to a file and fsync it, one after the other.
func BenchmarkCreate(b *testing.B) {
	h := testkit.SQLite(b, declare)
	me := testkit.As(op.Manager)
	gateCall(b, h, me, "part.create", `{"title":"First","size":1}`)
	const clients, each = 32, 400
	var acked atomic.Int64
	since := clock.Since()
	for b.Loop() {
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				for i := range each {
					gateCall(b, h, me, "part.create", fmt.Sprintf(`{"title":"Part %d of %d","text":%q,"size":%d,"group":"g"}`, i, c, text, i%100))
					acked.Add(1)
				}
			})
		}
		wg.Wait()
	}
	took := since()
	rate := float64(acked.Load()) / took.Seconds()
	f, err := os.Create(filepath.Join(b.TempDir(), "control"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	since = clock.Since()
	const syncs = 200
	for range syncs {
		f.Write(make([]byte, 4096))
		f.Sync()
	}
	fmt.Printf("store: %.0f acknowledged creates/s by %d goroutines (control: %.0f writes of 4 KiB with an fsync each/s)\n", rate, clients, syncs/since().Seconds())
	b.ReportMetric(rate, "creates/s")
}

// BenchmarkList measures a page of 50 out of 10,000 through the Gate.
func BenchmarkList(b *testing.B) {
	h := testkit.SQLite(b, declare)
	fill(b, h, 15_000)
	me := testkit.As(op.Manager)
	var took []time.Duration
	for b.Loop() {
		for _, in := range []string{`{"limit":50}`, `{"limit":50,"size":7}`, `{"limit":50,"sort":"-size"}`} {
			since := clock.Since()
			gateCall(b, h, me, "part.list", in)
			took = append(took, since())
		}
	}
	slow := p99(took)
	fmt.Printf("store: list of 50 of 5,000 p50 %v, p99 %v\n", took[len(took)/2].Round(10*time.Microsecond), slow)
}

// BenchmarkStart measures opening a store that is there.
func BenchmarkStart(b *testing.B) {
	h := testkit.SQLite(b, declare)
	fill(b, h, 15_000)
	var took []time.Duration
	for b.Loop() {
		h.Store.Close()
		since := clock.Since()
		h.Open(b)
		took = append(took, since())
	}
	p99(took)
	fmt.Printf("store: opening an existing store p50 %v\n", took[len(took)/2].Round(10*time.Microsecond))
}
