// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/store"
)

// rules gives the tests of an organisation: the built-in ones, with the files of the data folder and its own
// definitions laid over them. What was compiled is kept until one of these changes.
type rules struct {
	dir  string
	mu   sync.Mutex
	kept map[string]*check.Catalogue
}

func (r *rules) of(ctx context.Context, v *store.View) (*check.Catalogue, error) {
	std, err := check.Standard()
	if err != nil {
		return nil, err
	}
	own, err := store.All(ctx, v, check.Definitions, map[string]any{"state": "active"})
	if err != nil {
		return nil, err
	}
	print, err := fingerprint(r.dir)
	if err != nil {
		return nil, err
	}
	for _, d := range own {
		print += fmt.Sprintf("|%s@%d", d.ID, d.Rev)
	}
	if print == "" {
		return std, nil
	}
	key := v.Org + "|" + print
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.kept[key]; c != nil {
		return c, nil
	}
	c, err := r.compile(ctx, v, std, own)
	if err != nil {
		return nil, err
	}
	if r.kept == nil || len(r.kept) > 100 {
		r.kept = map[string]*check.Catalogue{}
	}
	r.kept[key] = c
	return c, nil
}

func (r *rules) compile(ctx context.Context, v *store.View, std *check.Catalogue, own []*check.Definition) (*check.Catalogue, error) {
	var overrides []*check.Override
	if _, err := os.Stat(r.dir); err == nil {
		if overrides, err = check.LoadOverrides(os.DirFS(r.dir)); err != nil {
			return nil, err
		}
	}
	for _, d := range own {
		o, err := d.Override()
		if err != nil {
			return nil, err
		}
		overrides = append(overrides, o)
	}
	all, err := store.All(ctx, v, grc.Controls, nil)
	if err != nil {
		return nil, err
	}
	refs := make([]string, len(all))
	for i, c := range all {
		refs[i] = c.Ref
	}
	return std.With(overrides, refs)
}

// fingerprint says which files there are and what is in them.
func fingerprint(dir string) (string, error) {
	sum, any := sha256.New(), false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		any = true
		fmt.Fprintf(sum, "%s\x00%d\x00%s", path, len(b), b)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read tests of the data folder: %w", err)
	}
	if !any {
		return "", nil
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}
