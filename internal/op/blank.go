// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"assay/internal/blob"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// blankFile is the answer for a file in which there is nothing to read.
func blankFile() *errs.Error {
	return errs.At("file", "the file is empty").Mend("upload a file with content")
}

// substance passes a file on and, in the place of its end, refuses one that holds nothing: no bytes, or only spaces, line ends and
// characters that nobody sees. It is held against while it streams, so that such a file is never kept.
type substance struct {
	r    io.Reader
	some bool
	rest []byte // the beginning of a sign of which the other bytes are still to come
}

// Read implements io.Reader.
func (s *substance) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if !s.some {
		s.look(p[:n], err != nil)
	}
	if errors.Is(err, io.EOF) && !s.some {
		err = blankFile()
	}
	return n, err
}

func (s *substance) look(b []byte, last bool) {
	b = append(s.rest, b...)
	for len(b) > 0 && (last || utf8.FullRune(b)) {
		r, n := utf8.DecodeRune(b)
		// FE and FF are what is left of spaces in UTF-16.
		unseen := kind.Unseen(r) || r == utf8.RuneError && n == 1 && b[0] >= 0xfe
		if !unseen {
			s.some, s.rest = true, nil
			return
		}
		b = b[n:]
	}
	s.rest = append([]byte(nil), b...)
}

// Cited opens the file that a thing cites, for the rules of its kind; what a person reads goes by Download.
func Cited(ctx context.Context, tx *store.Tx, sha string) (io.ReadCloser, blob.Info, error) {
	g, _ := ctx.Value(gateKey{}).(*Gate)
	if g == nil || g.Files == nil {
		return nil, blob.Info{}, errs.New(errs.Unavailable, "there is no place for files")
	}
	files, err := g.Files(tx.Org)
	if err != nil {
		return nil, blob.Info{}, err
	}
	return files.Open(ctx, sha)
}

// Filled refuses a thing that cites a file in which there is nothing to read. Only a file that was uploaded before such files were
// refused can be one.
func Filled(ctx context.Context, tx *store.Tx, sha string) error {
	f, _, err := Cited(ctx, tx, sha)
	if err != nil {
		return err
	}
	defer f.Close()
	s, buf := &substance{r: f}, make([]byte, 4096)
	for !s.some {
		if _, err := s.Read(buf); err != nil && !s.some {
			return fmt.Errorf("read the file that is cited: %w", err)
		}
	}
	return nil
}
