// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrIrregular is the error about what is a pipe, a device or a folder.
var ErrIrregular = errors.New("it is no regular file")

// Regular opens a regular file. It never waits: a pipe, which would until somebody writes, is refused.
func Regular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrIrregular
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
