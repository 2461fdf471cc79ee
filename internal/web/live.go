// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const heartbeat = 15 * time.Second

// live tells an open page that a source was read or tests were run, so that it fetches its parts again. The
// stream says no more than that: what a page shows is asked for through the Gate. It ends with the session.
func live(q *ask) error {
	events, stop := q.DB.Watch()
	defer stop()
	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(q.w)
	if err := out.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	send := func(text string) bool {
		_, err := io.WriteString(q.w, text)
		return err == nil && out.Flush() == nil
	}
	if !send("retry: 2000\n: here\n\n") {
		return nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-q.ctx.Done():
			return nil
		case <-q.DB.Broken():
			return nil
		case e := <-events:
			if e.Org == q.actor.Org && slices.ContainsFunc(e.Ops, ran) && !send(fmt.Sprintf("event: run\nid: %d\ndata: {\"size\":%d}\n\n", e.Size, e.Size)) {
				return nil
			}
		case <-beat.C:
			if _, err := q.Door.Peek(q.ctx, q.cookie); err != nil || !send(": still here\n\n") {
				return nil
			}
		}
	}
}

func ran(op string) bool {
	return strings.HasSuffix(op, ".run") || strings.HasSuffix(op, ".pull")
}
