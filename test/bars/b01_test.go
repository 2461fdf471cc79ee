// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"testing"
	"time"

	"assay/internal/testkit"
)

// crashes kills a server again and again while eight clients write, and looks at what is left each time.
func crashes(t *testing.T, kills int, wrong string, each func(state)) (acks int, slowest time.Duration) {
	dir := t.TempDir()
	r := testkit.Seed(t)
	acked := map[string]bool{}
	for round := range kills {
		s := start(t, dir, wrong)
		slowest = max(slowest, s.ready)
		timer := time.AfterFunc(time.Duration(30+r.IntN(120))*time.Millisecond, s.kill)
		some, _ := s.load(round, 8)
		timer.Stop()
		<-s.ended
		for _, token := range some {
			acked[token] = true
		}
		each(look(t, dir, acked))
	}
	return len(acked), slowest
}

func TestB01WhatWasAcknowledgedOutlivesKill9(t *testing.T) {
	kills, lost, half, unclean := count(20, 200), 0, 0, 0
	acks, slowest := crashes(t, kills, "", func(s state) {
		lost, half = lost+s.lost, half+s.half
		if len(s.problems) > 0 {
			unclean++
			t.Errorf("after a kill: %+v", s.problems[0])
		}
	})
	if lost != 0 || half != 0 || acks == 0 {
		t.Errorf("%d acknowledged operations lost, %d half states, %d acks", lost, half, acks)
	}
	figure("B01: %d kills, %d acks, %d lost, %d half states, %d of %d verified clean, ready in %v at most", kills, acks, lost, half, kills-unclean, kills, slowest.Round(time.Millisecond))
}

func TestB01ControlAnEffectAndItsEntryInTwoTransactionsAreFoundApart(t *testing.T) {
	half, n := 0, 0
	for ; half == 0 && n < 10; n++ {
		crashes(t, 4, "split", func(s state) { half += s.half })
	}
	if half == 0 {
		t.Fatal("no half state was found although every operation is two transactions: the bar cannot fail")
	}
	figure("B01 control: with two transactions, half states after %d kills, as there must be", 4*n)
}
