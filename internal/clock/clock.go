// SPDX-License-Identifier: Apache-2.0

// Package clock tells the time, and is the only place that asks the machine for it.
//
// Everything else is handed a Clock. Times are UTC with millisecond precision, the precision that
// the ledger keeps. It knows the time zones and where a day begins in one, and
// nothing else of calendars.
package clock

import (
	"sync"
	"time"
)

// Layout is how a time is written in the ledger and on every machine-read face: RFC 3339, UTC, milliseconds.
const Layout = "2006-01-02T15:04:05.000Z"

// Clock tells the present moment.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock.
type System struct{}

// Now returns the present moment in UTC, in milliseconds.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Since measures how long something took, on the monotonic clock.
func Since() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// Fake is a clock for tests: it stands still until it is moved.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// NewFake returns a clock that stands at t.
func NewFake(t time.Time) *Fake { return &Fake{now: t.UTC().Truncate(time.Millisecond)} }

// Now returns the moment at which the clock stands.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Move moves the clock by d, which may be negative.
func (f *Fake) Move(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d).Truncate(time.Millisecond)
}

// Set puts the clock at t.
func (f *Fake) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t.UTC().Truncate(time.Millisecond)
}

// Format writes t as the ledger does.
func Format(t time.Time) string { return t.UTC().Format(Layout) }

// Parse reads any RFC 3339 time, and gives it in UTC.
func Parse(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}
