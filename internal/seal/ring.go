// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"cmp"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
)

// Ring is the keys that seal secrets: the newest seals, all open. Each key is a line, "assay-seal-v1", the time it was
// made, and base64 of 32 bytes, in a file of its own (seal-ID.key) in a folder, or with others in one file.
//
// Keys are read anew at every use. A secret is used seldom, and so a key that another process made, or that somebody
// put back, is there at once.
type Ring struct {
	Path  string // the folder of the keys; with Given, a file or a folder that somebody else keeps
	Given bool   // no key is made here
	Rand  io.Reader
}

type key struct {
	id    string
	made  time.Time
	bytes []byte
}

// IDs lists the ids of the keys, the newest first.
func (r *Ring) IDs() ([]string, error) {
	keys, err := r.read()
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.id
	}
	return out, err
}

// Make makes a key, which is the newest from then on. It is durable before Make returns.
func (r *Ring) Make(now time.Time) (string, error) {
	if r.Given {
		return "", errs.New(errs.Conflict, "the seal keys are kept outside of Assay (setting seal_keys), and none can be made here").
			Mend("add a key there as docs/guide.md says, and rotate with keep_key")
	}
	keys, err := r.read()
	if err != nil {
		return "", err
	}
	now = now.UTC().Truncate(time.Millisecond)
	if len(keys) > 0 && !now.After(keys[0].made) {
		now = keys[0].made.Add(time.Millisecond)
	}
	b := make([]byte, keySize)
	if _, err := io.ReadFull(r.rand(), b); err != nil {
		return "", fmt.Errorf("make seal key: %w", err)
	}
	id, err := idOf(b)
	if err != nil {
		return "", err
	}
	line := suite + " " + clock.Format(now) + " " + base64.StdEncoding.EncodeToString(b) + "\n"
	return id, keep(filepath.Join(r.Path, "seal-"+id+".key"), line)
}

// read reads all keys, the newest first.
func (r *Ring) read() ([]key, error) {
	names := []string{r.Path}
	info, err := os.Stat(r.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !r.Given:
		return nil, nil
	case err != nil:
		return nil, unreadable(r.Path, err)
	case info.IsDir():
		files, err := os.ReadDir(r.Path)
		if err != nil {
			return nil, unreadable(r.Path, err)
		}
		names = nil
		for _, f := range files {
			if strings.HasPrefix(f.Name(), "seal-") && strings.HasSuffix(f.Name(), ".key") {
				names = append(names, filepath.Join(r.Path, f.Name()))
			}
		}
	}
	var out []key
	for _, name := range names {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && name != r.Path {
			continue // somebody has just taken it away
		}
		if err != nil {
			return nil, unreadable(name, err)
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			k, err := parse(line)
			if err != nil {
				return nil, unreadable(name, err)
			}
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b key) int { return cmp.Or(b.made.Compare(a.made), cmp.Compare(a.id, b.id)) })
	return out, nil
}

func unreadable(path string, err error) error {
	return errs.New(errs.Unavailable, "the seal keys in %s cannot be read", filepath.Base(path)).Because(err).Mend("put the file back as it was: secrets sealed with it are kept")
}

// parse reads one line. Nothing of the line stands in its error.
func parse(line string) (key, error) {
	f := strings.Fields(line)
	if len(f) != 3 || f[0] != suite {
		return key{}, errors.New("a line is not of the form: " + suite + " TIME BASE64")
	}
	made, err := time.Parse(clock.Layout, f[1])
	if err != nil {
		return key{}, errors.New("the time of a key is not of the form 2026-11-22T09:00:00.000Z")
	}
	b, err := base64.StdEncoding.DecodeString(f[2])
	if err != nil || len(b) != keySize {
		return key{}, errors.New("a key is not 32 bytes in base64")
	}
	id, err := idOf(b)
	return key{id, made, b}, err
}

// idOf names a key without telling anything of it.
func idOf(b []byte) (string, error) {
	id, err := hkdf.Key(sha256.New, b, nil, suite+" id", 8)
	if err != nil {
		return "", fmt.Errorf("name seal key: %w", err)
	}
	return fmt.Sprintf("%x", id), nil
}

// keep writes the file of a key so that after a power cut it is there whole, or not at all.
func keep(path, text string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep seal key: %w", err)
	}
	f, err := os.CreateTemp(dir, ".tmp-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep seal key: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("keep seal key: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("keep seal key: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
