// SPDX-License-Identifier: Apache-2.0

// Package testkit gives tests real parts: both databases, a clock that stands still, a store with its
// Gate. It knows no kind of the product and is linked into no binary.
package testkit

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/internal/clock"
	"assay/internal/db"
	"assay/internal/ledger"
	"assay/internal/op"
	"assay/internal/seal"
	"assay/internal/store"
)

// Start is the moment at which the clock of a test stands first.
var Start = time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)

// Org is the organisation of a test, and Other is one that must never be seen from it.
const (
	Org   = "org_test"
	Other = "org_other"
)

// House is a store with a Gate in front of it, on one engine.
type House struct {
	Engine db.Engine
	DSN    string
	Dir    string
	Conn   *db.DB
	Store  *store.DB
	Gate   *op.Gate
	Clock  *clock.Fake
	Set    *op.Set
	Rand   io.Reader // the machine's where nil
}

// Fast says whether only the fast part of the tests is wanted: go test alone, or with -short. It takes SQLite and
// what is quick; ./test.sh sets ASSAY_TESTS=all for PostgreSQL, browsers, whole programs and long rounds.
func Fast() bool { return testing.Short() || os.Getenv("ASSAY_TESTS") != "all" }

// Engines runs fn on SQLite and on PostgreSQL, each with a database of its own. PostgreSQL is left out
// in the fast part of the tests.
func Engines(t *testing.T, add func(*op.Set), fn func(*testing.T, *House)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t, add)) })
	if Fast() {
		return
	}
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t, add)) })
}

// SQLite makes a house on a file of its own.
func SQLite(t testing.TB, add func(*op.Set)) *House {
	t.Helper()
	dir := t.TempDir()
	return Build(t, dir, "sqlite:"+filepath.Join(dir, "assay.db"), add)
}

// Build opens a house over a database. It closes with the test.
func Build(t testing.TB, dir, dsn string, add func(*op.Set)) *House {
	t.Helper()
	h := &House{Dir: dir, DSN: dsn, Clock: clock.NewFake(Start), Set: &op.Set{}}
	op.Kernel(h.Set)
	add(h.Set)
	if err := h.Set.Sound(); err != nil {
		t.Fatal(err)
	}
	h.Open(t)
	t.Cleanup(func() { h.Store.Close() })
	return h
}

// Open opens the store of the house, again after it was closed.
func (h *House) Open(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	var err error
	if h.Conn, err = db.Open(ctx, h.DSN); err != nil {
		t.Fatal(err)
	}
	h.Engine = h.Conn.Engine
	h.Store, err = store.Open(ctx, h.Conn, store.Options{Clock: h.Clock, Rand: h.Rand, Kinds: h.Set.Shapes(), Tables: h.Set.Tables(),
		Keys: &ledger.Keys{Dir: filepath.Join(h.Dir, "keys")}, Anchors: &ledger.Anchors{Dir: filepath.Join(h.Dir, "anchor")},
		Seals: &seal.Ring{Path: filepath.Join(h.Dir, "keys")}})
	if err != nil {
		t.Fatal(err)
	}
	h.Gate = &op.Gate{Set: h.Set, DB: h.Store, Log: slog.New(slog.DiscardHandler)}
}

// As is a person with a role in the organisation of the test, who is signed in.
func As(r op.Role) op.Actor {
	return op.Actor{Org: Org, ID: "usr_" + string(r), Person: "per_" + string(r), Roles: []op.Role{r}, Via: "rest", Session: "session"}
}

// Elsewhere is a user with a role in the other organisation.
func Elsewhere(r op.Role) op.Actor {
	a := As(r)
	a.Org, a.ID, a.Person = Other, "usr_other", "per_other"
	return a
}

// Seed makes a random source and says its seed when the test fails.
func Seed(t testing.TB) *rand.Rand {
	seed := uint64(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Unix()) + uint64(rand.Int64N(1<<40))
	t.Cleanup(func() {
		if t.Failed() {
			fmt.Printf("seed of %s: %d\n", t.Name(), seed)
		}
	})
	return rand.New(rand.NewPCG(seed, seed))
}

// NewClock is a clock that stands at Start.
func NewClock() *clock.Fake { return clock.NewFake(Start) }
