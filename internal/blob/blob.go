// SPDX-License-Identifier: Apache-2.0

// Package blob keeps files by the SHA-256 of their bytes.
//
// A file is written once, is on the disk before its digest is handed out, and is held against its
// digest whenever it is read. The package knows nothing of what a file is, who may read it or which
// thing cites it: the caller writes the row after Put returned, so a row never cites what is not there.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"syscall"

	"assay/internal/errs"
)

// Info is what a file is known by.
type Info struct {
	SHA256 string `json:"sha256"` // 64 lower-case hex characters
	Size   int64  `json:"size"`
}

// Store keeps files. Every implementation passes blobtest.Run.
type Store interface {
	// Put reads r to its end and keeps the bytes. More than limit bytes are refused; 0 sets no limit.
	// When it returns without an error, the file is durable.
	Put(ctx context.Context, r io.Reader, limit int64) (Info, error)
	// Open reads a file. The last bytes are handed out only after the whole was held against its
	// digest: a reader that met io.EOF has read what was put.
	Open(ctx context.Context, sha string) (io.ReadCloser, Info, error)
	// Has says whether a file is there, without reading it.
	Has(ctx context.Context, sha string) (bool, error)
	// Check reads a file and holds it against its digest.
	Check(ctx context.Context, sha string) error
	// Walk calls fn for every file, in order of digest.
	Walk(ctx context.Context, fn func(Info) error) error
}

// Valid says whether sha is a digest in the one form that names a file.
func Valid(sha string) bool {
	if len(sha) != 2*sha256.Size {
		return false
	}
	for i := range len(sha) {
		if c := sha[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func badName() error {
	return errs.At("sha256", "is not a SHA-256 digest").Mend("write 64 lower-case hex characters")
}

// Missing is the answer for a file that is not there.
func Missing(sha string) error { return errs.New(errs.NotFound, "there is no file %s", sha) }

// Altered is the answer for a file that is not what its digest says.
func Altered(sha string) error {
	return errs.New(errs.Conflict, "the file %s is not what was stored: its bytes do not give its digest", sha).Mend("restore it from a backup")
}

// TooLarge is the answer for a file beyond the limit.
func TooLarge(limit int64) error {
	return errs.At("file", "is larger than %d bytes", limit)
}

// full turns the errors of a disk without space into the one that a person may read.
func full(err error) error {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, e) {
			return errs.New(errs.Full, "the disk for files is full; nothing was written").Because(err).Mend("free some space; writing goes on by itself")
		}
	}
	return nil
}

// counted copies r to w and to h, up to limit bytes, and stops when ctx does.
func counted(ctx context.Context, w io.Writer, h hash.Hash, r io.Reader, limit int64) (int64, error) {
	buf := make([]byte, 128<<10)
	var n int64
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		k, err := r.Read(buf)
		if n += int64(k); limit > 0 && n > limit {
			return n, TooLarge(limit)
		}
		h.Write(buf[:k])
		if m, werr := w.Write(buf[:k]); werr != nil {
			return n, werr
		} else if m < k {
			return n, io.ErrShortWrite
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// Verified wraps a file being read: it holds back the last bytes until the whole is known to be right.
func Verified(sha string, r io.ReadCloser) io.ReadCloser {
	return &verified{sha: sha, r: r, h: sha256.New(), buf: make([]byte, 2*32<<10)}
}

type verified struct {
	sha   string
	r     io.ReadCloser
	h     hash.Hash
	buf   []byte // half of it is handed out while the other half is read
	ready []byte // may be handed out
	held  []byte // read, hashed, and not yet handed out
	which int
	whole bool // the end was met and the digest is right
	err   error
}

// Read hands out what is followed by more, and the last piece when the digest is right.
func (v *verified) Read(p []byte) (int, error) {
	for len(v.ready) == 0 {
		if v.err != nil {
			return 0, v.err
		}
		if v.whole {
			return 0, io.EOF
		}
		v.fill()
	}
	n := copy(p, v.ready)
	v.ready = v.ready[n:]
	return n, nil
}

func (v *verified) fill() {
	half := len(v.buf) / 2
	next := v.buf[v.which*half : (v.which+1)*half]
	v.which = 1 - v.which
	n, err := io.ReadFull(v.r, next)
	v.h.Write(next[:n])
	switch {
	case err == nil:
		v.ready, v.held = v.held, next
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		if hex.EncodeToString(v.h.Sum(nil)) != v.sha {
			v.err, v.held = Altered(v.sha), nil
			return
		}
		v.whole, v.ready = true, append(append([]byte(nil), v.held...), next[:n]...)
	default:
		v.err = err
	}
}

// Close ends the reading.
func (v *verified) Close() error { return v.r.Close() }
