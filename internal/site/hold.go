// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assay/internal/errs"
)

// holdWait is how long a process that serves waits for the one before it: a little longer than that one takes to stop.
var holdWait = 12 * time.Second

// Hold takes the data folder for a process that serves, until the returned function is called; the system gives it
// back when a process dies. Where another process serves from it already, waiting is called once with its number, and when
// that does not stop within a while the error says what to do. Processes that share a PostgreSQL database are replicas and
// hold nothing.
func Hold(ctx context.Context, cfg Settings, waiting func(pid string)) (func(), error) {
	dir := cfg.Get("data")
	if d := cfg.Get("database"); d != "" && !strings.HasPrefix(d, "sqlite:") {
		return func() {}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, errs.At("data", "the folder %s can't be created", dir).Because(err)
	}
	path := filepath.Join(dir, "serving.pid")
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	end := time.NewTimer(holdWait)
	defer end.Stop()
	for told := false; ; told = true {
		release, err := tryLock(path)
		if err != nil {
			return nil, errs.At("data", "the folder %s can't be written to", dir).Because(err)
		}
		if release != nil {
			return release, nil
		}
		pid := "unknown number"
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 && len(b) < 20 {
			pid = strings.TrimSpace(string(b))
		}
		if !told && waiting != nil {
			waiting(pid)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-end.C:
			return nil, errs.New(errs.Unavailable, "another assay process (pid %s) is serving from %s; nothing was changed", pid, dir).
				Mend("stop that process and start this one again, or choose another folder with --data")
		case <-every.C:
		}
	}
}
