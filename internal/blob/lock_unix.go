// SPDX-License-Identifier: Apache-2.0

//go:build unix

package blob

import (
	"errors"
	"os"
	"syscall"
)

var errHeld = errors.New("another process holds it")

// lock holds a file lock until the returned function is called. Without wait, a lock that is held is errHeld.
func lock(path string, wait bool) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, err
	}
	return func() { f.Close() }, nil
}
