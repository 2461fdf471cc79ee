// SPDX-License-Identifier: Apache-2.0

package store

import (
	"testing"
	"time"
)

// Waiting for company is worth it only where there was company, and never longer than a commit takes.
func TestABatchWaitsOnlyWhereCompanyIsLikely(t *testing.T) {
	for _, c := range []struct {
		name        string
		pace        pace
		have        int
		spent       time.Duration
		stops, join bool
	}{
		{name: "the last batch was larger", pace: pace{batch: 2, commit: time.Second}, have: 1, join: true},
		{name: "the last one was alone too", pace: pace{batch: 1, commit: time.Second}, have: 1},
		{name: "all of the last batch are here", pace: pace{batch: 5, commit: time.Second}, have: 5},
		{name: "a commit would take less", pace: pace{batch: 5, commit: time.Millisecond}, have: 1, spent: time.Millisecond},
		{name: "the longest wait is over", pace: pace{batch: 5, commit: time.Second}, have: 1, spent: maxWait},
		{name: "the program has just started", have: 1},
		{name: "the program stops", pace: pace{batch: 5, commit: time.Second}, have: 1, stops: true},
	} {
		d := &DB{queue: make(chan *change, 1), stop: make(chan struct{}), pace: c.pace}
		if c.stops {
			close(d.stop)
		} else {
			d.queue <- &change{}
		}
		if got := d.wait(c.have, c.spent) != nil; got != c.join {
			t.Errorf("%s: joined %t", c.name, got)
		}
	}
}

func TestThePaceForgetsOneSlowCommit(t *testing.T) {
	var p pace
	for range 100 {
		p.saw(3, 800*time.Microsecond)
	}
	p.saw(7, time.Second)
	if p.batch != 7 || p.commit > 130*time.Millisecond {
		t.Errorf("%+v", p)
	}
	for range 100 {
		p.saw(1, 800*time.Microsecond)
	}
	if p.commit < 700*time.Microsecond || p.commit > 900*time.Microsecond {
		t.Errorf("%+v", p)
	}
}
