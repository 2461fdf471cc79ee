// SPDX-License-Identifier: Apache-2.0

package op_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/testkit"
)

type askIn struct {
	What string `json:"what" doc:"What to ask for." min:"1"`
}

type told struct {
	Times int `json:"times" doc:"How often the outside world was asked."`
}

// outside is a job that waits, or fails, as a test tells it.
type outside struct {
	times   atomic.Int64
	started chan struct{}
	free    chan error
	hang    chan struct{} // where not nil, the first time ends only then
}

func (x *outside) add(s *op.Set) {
	op.Job(s, op.Spec{Name: "outside.ask", Doc: "Ask the outside world.", Object: "sources", Act: "run"}, false, func(_ context.Context, _ op.Desk, in askIn) (told, error) {
		times := x.times.Add(1)
		if in.What == "panic" {
			panic("it broke")
		}
		x.started <- struct{}{}
		if times == 1 && x.hang != nil {
			<-x.hang
			return told{1}, nil
		}
		return told{int(times)}, <-x.free
	})
}

func keyed(h *testkit.House, in string) (op.Answer, error) {
	return h.Gate.Call(context.Background(), testkit.As(op.Manager), op.Call{Op: "outside.ask", In: json.RawMessage(in), Key: "k"})
}

func TestAJobWithAKeyIsCarriedOutOnce(t *testing.T) {
	x := &outside{started: make(chan struct{}, 9), free: make(chan error, 9)}
	testkit.Engines(t, x.add, func(t *testing.T, h *testkit.House) {
		x.times.Store(0)
		done := make(chan error)
		go func() { _, err := keyed(h, `{"what":"this"}`); done <- err }()
		<-x.started
		_, err := keyed(h, `{"what":"this"}`)
		if e := errs.Public(err); e.Code != errs.Conflict || e.Field != "idempotency_key" || !strings.Contains(e.Text, "still running") {
			t.Errorf("while it works: %v", err)
		}
		if _, err := keyed(h, `{"what":"that"}`); !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "another request") {
			t.Errorf("another request while it works: %v", err)
		}
		x.free <- nil
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		ans, err := keyed(h, `{"what":"this"}`)
		if out, _ := ans.Out.(json.RawMessage); err != nil || !ans.Replay || string(out) != `{"times":1}` || x.times.Load() != 1 {
			t.Errorf("again: %v %+v, asked %d times", err, ans, x.times.Load())
		}
		if _, err := keyed(h, `{"what":"that"}`); !errors.Is(err, errs.Conflict) {
			t.Errorf("another request: %v", err)
		}
	})
}

// What failed was not carried out: its key is free. So is that of a program which ended in the middle, a while later.
func TestTheKeyOfAJobThatFailedIsFree(t *testing.T) {
	x := &outside{started: make(chan struct{}, 9), free: make(chan error, 9)}
	h := testkit.SQLite(t, x.add)
	x.free <- errs.New(errs.Unavailable, "not now")
	if _, err := keyed(h, `{"what":"this"}`); !errors.Is(err, errs.Unavailable) {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		keyed(h, `{"what":"panic"}`)
	}()
	x.free <- nil
	if ans, err := keyed(h, `{"what":"this"}`); err != nil || ans.Replay {
		t.Fatalf("after it failed: %v %+v", err, ans)
	}
}

func TestTheClaimOfAProgramThatEndedRunsOut(t *testing.T) {
	x := &outside{started: make(chan struct{}, 9), free: make(chan error, 9), hang: make(chan struct{})}
	h := testkit.SQLite(t, x.add)
	done := make(chan struct{})
	go func() { keyed(h, `{"what":"this"}`); close(done) }() // it hangs, as a program that has ended does
	<-x.started
	h.Clock.Move(2 * time.Minute)
	x.free <- nil
	if ans, err := keyed(h, `{"what":"this"}`); err != nil || ans.Replay {
		t.Errorf("after a while: %v %+v", err, ans)
	}
	close(x.hang)
	<-done
	if ans, err := keyed(h, `{"what":"this"}`); err != nil || string(ans.Out.(json.RawMessage)) != `{"times":2}` {
		t.Errorf("the answer of the second was not kept: %v %+v", err, ans)
	}
}
