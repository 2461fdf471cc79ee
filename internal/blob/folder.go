// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"assay/internal/errs"
)

// Folder keeps files in a folder, as ab/cd/abcd…. What is being written stands in tmp until it is whole.
type Folder struct {
	dir, tmp string
	release  func()

	mu     sync.Mutex
	poison error
	broken chan struct{}
}

var _ Store = (*Folder)(nil)

// OpenFolder opens a folder of files, makes it where there is none, and sweeps out what processes that
// are gone have left half written. Several processes may share one folder.
func OpenFolder(dir string) (*Folder, error) {
	f := &Folder{dir: dir, broken: make(chan struct{})}
	base := filepath.Join(dir, "tmp")
	if err := f.mkdir(base); err != nil {
		return nil, told("open the folder of files", err)
	}
	unlock, err := lock(filepath.Join(base, "lock"), true)
	if err != nil {
		return nil, told("open the folder of files", err)
	}
	defer unlock()
	if err := sweep(base); err != nil {
		return nil, told("sweep the folder of files", err)
	}
	if f.tmp, err = os.MkdirTemp(base, "p-"); err != nil {
		return nil, told("open the folder of files", err)
	}
	if f.release, err = lock(filepath.Join(f.tmp, "lock"), true); err != nil {
		return nil, told("open the folder of files", err)
	}
	return f, nil
}

// Close gives up the folder's place for half-written files.
func (f *Folder) Close() error {
	f.release()
	return os.RemoveAll(f.tmp)
}

// Broken is closed when a file may not have reached the disk although it was written. The process must then stop.
func (f *Folder) Broken() <-chan struct{} { return f.broken }

// sweep removes the places of processes that no longer hold them.
func sweep(base string) error {
	places, err := filepath.Glob(filepath.Join(base, "p-*"))
	if err != nil {
		return err
	}
	for _, p := range places {
		unlock, err := lock(filepath.Join(p, "lock"), false)
		if errors.Is(err, errHeld) {
			continue
		}
		if err != nil {
			return err
		}
		err = os.RemoveAll(p)
		unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

func told(what string, err error) error {
	if e := full(err); e != nil {
		return e
	}
	return errs.New(errs.Unavailable, "cannot %s", what).Because(err)
}

func (f *Folder) path(sha string) string { return filepath.Join(f.dir, sha[:2], sha[2:4], sha) }

// Put implements Store: temp file, hash while writing, fsync, rename, fsync of the folder.
func (f *Folder) Put(ctx context.Context, r io.Reader, limit int64) (Info, error) {
	if err := f.refusal(); err != nil {
		return Info{}, err
	}
	t, err := os.CreateTemp(f.tmp, "put-*")
	if err != nil {
		return Info{}, f.failed(err)
	}
	defer os.Remove(t.Name()) // it is gone already when all went well
	h := sha256.New()
	n, err := counted(ctx, t, h, r, limit)
	if err != nil {
		t.Close()
		return Info{}, f.failed(err)
	}
	if err := f.sync(t); err != nil {
		t.Close()
		return Info{}, f.failed(err)
	}
	if err := t.Close(); err != nil {
		return Info{}, f.failed(err)
	}
	in := Info{hex.EncodeToString(h.Sum(nil)), n}
	if err := f.place(ctx, t.Name(), in); err != nil {
		return Info{}, f.failed(err)
	}
	return in, nil
}

// place gives a whole file its name. A file that stands there and is right is left alone; one that was
// altered is replaced, since its name says what it must be.
func (f *Folder) place(ctx context.Context, tmp string, in Info) error {
	to := f.path(in.SHA256)
	if err := f.mkdir(filepath.Dir(to)); err != nil {
		return err
	}
	switch err := f.Check(ctx, in.SHA256); {
	case err == nil: // its first writer may have died before the folder was on the disk
		return f.syncDir(filepath.Dir(to))
	case !errors.Is(err, errs.NotFound) && !errors.Is(err, errs.Conflict):
		return err
	}
	if err := os.Chmod(tmp, 0o400); err != nil {
		return err
	}
	if err := os.Rename(tmp, to); err != nil {
		return err
	}
	return f.syncDir(filepath.Dir(to))
}

// mkdir makes a folder and those above it, each of them durable in the one that holds it.
func (f *Folder) mkdir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	up := filepath.Dir(dir)
	if up != dir {
		if err := f.mkdir(up); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return f.syncDir(up)
}

func (f *Folder) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return f.sync(d)
}

// sync remembers its first failure: the kernel may have dropped what it could not write, and a second
// fsync would then report success for bytes that are gone.
func (f *Folder) sync(t *os.File) error {
	err := t.Sync()
	if err == nil || full(err) != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.poison == nil {
		f.poison = err
		close(f.broken)
	}
	return err
}

func (f *Folder) refusal() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.poison == nil {
		return nil
	}
	return errs.New(errs.Unavailable, "the disk for files failed; nothing more is written until the program is started again").Because(f.poison)
}

func (f *Folder) failed(err error) error {
	if e := full(err); e != nil {
		return e
	}
	if e := f.refusal(); e != nil {
		return e
	}
	return fmt.Errorf("write file: %w", err)
}

// Open implements Store.
func (f *Folder) Open(_ context.Context, sha string) (io.ReadCloser, Info, error) {
	if !Valid(sha) {
		return nil, Info{}, badName()
	}
	r, st, err := Regular(f.path(sha))
	if errors.Is(err, ErrIrregular) {
		return nil, Info{}, Altered(sha)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Info{}, Missing(sha)
	}
	if err != nil {
		return nil, Info{}, fmt.Errorf("open file: %w", err)
	}
	return Verified(sha, r), Info{sha, st.Size()}, nil
}

// Has implements Store.
func (f *Folder) Has(_ context.Context, sha string) (bool, error) {
	if !Valid(sha) {
		return false, badName()
	}
	_, err := os.Stat(f.path(sha))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for file: %w", err)
	}
	return true, nil
}

// Check implements Store.
func (f *Folder) Check(ctx context.Context, sha string) error {
	r, _, err := f.Open(ctx, sha)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, stopper{ctx, r})
	return err
}

// stopper ends a long read when its context ends.
type stopper struct {
	ctx context.Context
	r   io.Reader
}

func (s stopper) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// Walk implements Store.
func (f *Folder) Walk(ctx context.Context, fn func(Info) error) error {
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("walk files: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && path == filepath.Join(f.dir, "tmp"):
			return filepath.SkipDir
		case d.IsDir() || !Valid(d.Name()):
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return fmt.Errorf("walk files: %w", err)
		}
		return fn(Info{d.Name(), st.Size()})
	})
}
