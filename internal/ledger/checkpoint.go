// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"assay/internal/db"
	"assay/internal/errs"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a signed statement of the size and the root of a ledger (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
	At     time.Time // by the clock of the signer; zero where the note does not say
	Note   string    // the signed note as it is handed out
}

// Origin is the name of an organisation's ledger. It is also the name of its key.
func Origin(org string) string { return "assay/" + org }

// Keys keeps one signing key for each organisation, in a folder of their own.
type Keys struct {
	Dir  string
	Rand io.Reader
	mu   sync.Mutex
}

// Signer gives the key of an organisation's ledger, and makes it when there is none.
func (k *Keys) Signer(org string) (note.Signer, string, error) {
	if err := CheckOrg(org); err != nil {
		return nil, "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	path := filepath.Join(k.Dir, org+".key")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		skey, vkey, err := note.GenerateKey(k.Rand, Origin(org))
		if err != nil {
			return nil, "", fmt.Errorf("make key: %w", err)
		}
		if err := writeDurably(path, []byte(skey+"\n"+vkey+"\n"), 0o600); err != nil {
			return nil, "", err
		}
		b = []byte(skey + "\n" + vkey + "\n")
	} else if err != nil {
		return nil, "", fmt.Errorf("read key: %w", err)
	}
	skey, vkey, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	s, err := note.NewSigner(skey)
	if err != nil {
		return nil, "", errs.New(errs.Unavailable, "the signing key of %s cannot be read", org)
	}
	return s, strings.TrimSpace(vkey), nil
}

// Anchors keeps the last signed checkpoint of each organisation in a place that restoring the
// database does not rewind.
type Anchors struct {
	Dir string
	mu  sync.Mutex
}

// Last is the last checkpoint that was signed, or none.
func (a *Anchors) Last(org string) (string, error) {
	if err := CheckOrg(org); err != nil {
		return "", err
	}
	b, err := os.ReadFile(a.path(org))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read anchor: %w", err)
	}
	return string(b), nil
}

func (a *Anchors) path(org string) string { return filepath.Join(a.Dir, org+".checkpoint") }

// Swap puts next in the place of last, if last still stands there.
func (a *Anchors) Swap(org, last, next string) error {
	if err := CheckOrg(org); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	unlock, err := lockFile(filepath.Join(a.Dir, org+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	now, err := a.Last(org)
	if err != nil {
		return err
	}
	if now != last {
		return errs.New(errs.Conflict, "another process has signed a checkpoint")
	}
	return writeDurably(a.path(org), []byte(next), 0o644)
}

// Sign signs a checkpoint for the entries that the connection sees, which must be durable: c must be
// a reader, never a transaction that is still open for writing. It refuses to sign what does not
// extend the last checkpoint, so that a restored or altered database cannot pass for the true one. now is the time that is signed with
// them; where nothing was added, the last checkpoint is given again with its own time.
func Sign(ctx context.Context, c *db.Conn, org string, keys *Keys, anchors *Anchors, now time.Time) (Checkpoint, error) {
	last, err := anchors.Last(org)
	if err != nil {
		return Checkpoint{}, err
	}
	signer, vkey, err := keys.Signer(org)
	if err != nil {
		return Checkpoint{}, err
	}
	size, err := SizeOf(ctx, c, org)
	if err != nil {
		return Checkpoint{}, err
	}
	if last != "" {
		old, err := OpenCheckpoint(last, vkey)
		if err != nil {
			return Checkpoint{}, errs.New(errs.Conflict, "the anchor of %s was not signed by its key; nothing is signed until that is understood", org).Because(err)
		}
		if old.Size == size {
			if root, err := RootAt(ctx, c, org, size); err != nil || root != old.Root {
				return Checkpoint{}, forked(org, old.Size)
			}
			return old, nil
		}
		if old.Size > size {
			return Checkpoint{}, errs.New(errs.Conflict, "the database has %d entries, and a checkpoint for %d was signed: it is behind its anchor. It was restored from an older copy, or it lost entries. Nothing is signed", size, old.Size).
				Mend("restore a newer copy, or compare with the checkpoints that were handed out")
		}
		if root, err := RootAt(ctx, c, org, old.Size); err != nil || root != old.Root {
			return Checkpoint{}, forked(org, old.Size)
		}
	}
	root, err := RootAt(ctx, c, org, size)
	if err != nil {
		return Checkpoint{}, err
	}
	cp := Checkpoint{Origin: Origin(org), Size: size, Root: root, At: now.UTC().Truncate(time.Millisecond)}
	msg, err := note.Sign(&note.Note{Text: text(cp.Origin, size, root, cp.At)}, signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	cp.Note = string(msg)
	if err := anchors.Swap(org, last, cp.Note); err != nil {
		return Checkpoint{}, err // what the anchor does not hold was never signed
	}
	return cp, nil
}

func forked(org string, size int64) error {
	return errs.New(errs.Conflict, "the first %d entries of %s are not those of the last signed checkpoint: history was changed. Nothing is signed", size, org).
		Mend("run assay verify")
}

// writeDurably writes a file so that after a power cut it is there whole, or the old one is.
func writeDurably(path string, b []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	f, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return errors.Join(d.Sync(), d.Close())
}
