// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// A part is a thing of the size of a control: a name, a text, an owner and two indexed fields.
type part struct {
	kind.Meta
	Title string `json:"title" doc:"What it is called." min:"1" list:""`
	Text  string `json:"text" doc:"What it is for." long:""`
	Size  int    `json:"size" doc:"How large it is." index:""`
	Group string `json:"group" doc:"What it belongs to." index:""`
	Whole string `json:"whole" doc:"The part that it is a part of." ref:"part" index:""`
}

// A reading is a fact of the size of a test result.
type reading struct {
	store.Place
	Part    string    `json:"part" doc:"What was read."`
	Verdict string    `json:"verdict" doc:"What was found."`
	Detail  string    `json:"detail" doc:"In words."`
	At      time.Time `json:"at" doc:"When."`
}

var (
	parts    = kind.Kind[part]{Name: "part", Plural: "parts", Prefix: "prt", Doc: "A part is for measuring.", Object: "risks", Label: "title"}
	readings = store.Facts[reading]("reading", "Readings.", []string{"part"})
)

func declare(s *op.Set) {
	op.Kind(s, parts)
	s.Table(readings)
}

const text = "Access to production is granted by role, asked for in a ticket and taken away on the day on which somebody leaves; the list of grants is looked through every quarter."

// fill writes n entries: a third new things, a third changes of them, a third batches of one fact.
func fill(t testing.TB, h *testkit.House, n int) {
	t.Helper()
	ctx := context.Background()
	var made []*part
	for done := 0; done < n; {
		_, err := h.Store.Change(ctx, testkit.Org, store.System("bench.fill"), func(tx *store.Tx) error {
			for range min(3000, n-done) {
				var err error
				switch i := done; {
				case i%3 == 0 || len(made) == 0:
					p := &part{Title: "Part " + strconv.Itoa(i), Text: text, Size: i % 100, Group: "g" + strconv.Itoa(i%17)}
					if len(made) > 0 {
						p.Whole = made[i%len(made)].ID
					}
					err = store.Put(ctx, tx, parts, p)
					made = append(made, p)
				case i%3 == 1:
					p := made[i*7919%len(made)]
					p.Size++
					err = store.Put(ctx, tx, parts, p)
				default:
					_, err = readings.Append(ctx, tx, "run", []reading{{Part: made[i*7919%len(made)].ID, Verdict: "pass", Detail: text[:80], At: tx.Now}}, nil)
				}
				if err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		h.Clock.Move(time.Second)
	}
}

// size is how many entries the ledger of the run has: a million with ASSAY_BARS=full.
func size() int {
	if os.Getenv("ASSAY_BARS") == "full" {
		return 1_000_000
	}
	return 30_000
}

// BenchmarkB17 measures what a proof costs. The control hashes the same bytes and does nothing else.
func BenchmarkB17(b *testing.B) {
	h := testkit.SQLite(b, declare)
	since := clock.Since()
	n := size()
	fill(b, h, n)
	built := since()
	ctx := b.Context()

	since = clock.Since()
	var bytes int64
	if err := h.Store.View(ctx, testkit.Org, time.Time{}, store.System("bench"), func(v *store.View) error {
		_, err := v.Entries(ctx, store.EntryPage{Limit: 1000})
		return err
	}); err != nil {
		b.Fatal(err)
	}
	var best time.Duration
	worked := processor(b)
	for b.Loop() {
		since = clock.Since()
		a, err := h.Store.Verify(ctx, testkit.Org, store.VerifyOptions{})
		if err != nil || len(a.Problems) > 0 || a.Size != int64(n) {
			b.Fatalf("%v %+v", err, a)
		}
		if d := since(); best == 0 || d < best {
			best = d
		}
		if bytes == 0 {
			bytes = a.Size * 700
		}
	}
	worked = (processor(b) - worked) / time.Duration(b.N)
	since = clock.Since()
	block := make([]byte, 700)
	for range n {
		sha256.Sum256(block)
	}
	control := since()

	proofs := make([]time.Duration, 2000)
	for i := range proofs {
		since = clock.Since()
		err := h.Store.View(ctx, testkit.Org, time.Time{}, store.System("bench"), func(v *store.View) error {
			_, _, err := v.Prove(ctx, int64(i*7919%n))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		proofs[i] = since()
	}
	signs := make([]time.Duration, 100)
	for i := range signs {
		since = clock.Since()
		fill(b, h, 1)
		if _, err := h.Store.Sign(ctx, testkit.Org, false); err != nil {
			b.Fatal(err)
		}
		signs[i] = since()
	}
	fmt.Printf("B17 verify %d entries %v, %v of processor time (control: SHA-256 over %d bytes each, one core, %v), inclusion proof p99 %v, entry to signed checkpoint p99 %v (built in %v)\n",
		n, best.Round(time.Millisecond), worked.Round(time.Millisecond), len(block), control.Round(time.Millisecond), p99(proofs), p99(signs), built.Round(time.Second))
	b.ReportMetric(float64(n)/best.Seconds(), "entries/s")
}

// processor is the processor time that this process has used, which says more than the clock where others work too.
func processor(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func p99(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)*99/100].Round(10 * time.Microsecond)
}
