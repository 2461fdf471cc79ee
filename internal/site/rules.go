// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/op"
	"assay/internal/store"
)

// rules brings the tests into the ledger: those of this program and those of the data folder. What holds is read from
// there alone (check.InForce).
type rules struct {
	dir      string
	program  string
	standard func() (*check.Catalogue, error) // what this program brings along
}

// ReadRules reads the tests of this program and the files of the data folder, and writes what is new into the ledger: it is
// the one place that does. It is called when the program starts and before each check. Of a folder with a bad file nothing is
// taken, and what held before goes on.
func (a *App) ReadRules(ctx context.Context, org string) (check.Noticed, error) {
	var out check.Noticed
	edition, err := a.readEdition(ctx, org)
	if e := errs.Public(err); err != nil && e.Code == errs.Invalid { // the tests of the version before go on
		a.Log.ErrorContext(ctx, "the built-in tests of this version are not in force", "org", org, "error", err)
		out.Problem, err = e.Error(), nil
	}
	if err != nil {
		return out, err
	}
	out.Edition = edition
	if out.Library, err = a.readLibrary(ctx, org); err != nil {
		return out, err
	}
	files, err := readTests(a.rules.dir)
	if err != nil {
		return out, err
	}
	news := false
	by := store.System(op.FromFolder)
	if err := a.DB.View(ctx, org, timeZero, by, func(v *store.View) (err error) {
		if news, err = check.FilesNew(ctx, v, files); err == nil && !news {
			news, err = controlsNew(ctx, v)
		}
		return err
	}); err != nil || !news {
		return out, err
	}
	_, err = a.DB.Change(ctx, org, by, func(tx *store.Tx) error {
		more, err := controlChanges(ctx, &tx.View)
		if err != nil {
			return err
		}
		n, err := check.NoticeFiles(ctx, tx, files, more)
		if err != nil {
			return err
		}
		out.Held, out.Waiting = n.Held, n.Waiting
		out.Drafts, err = a.applyControls(ctx, tx)
		return err
	})
	if err != nil {
		return check.Noticed{Edition: out.Edition, Problem: out.Problem, Library: out.Library}, err
	}
	for _, ref := range out.Drafts {
		a.Log.WarnContext(ctx, "a control from a file in the data folder is a draft, waiting for approval", "org", org, "control", ref)
	}
	for _, p := range out.Waiting {
		a.Log.WarnContext(ctx, "a file in the data folder is waiting for approval", "org", org, "file", p)
	}
	for _, p := range out.Held {
		a.Log.InfoContext(ctx, "a file in the data folder is in force", "org", org, "file", p)
	}
	return out, err
}

// readTests reads the files of a folder; none where there is no folder.
func readTests(dir string) ([]check.FileText, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the tests of the data folder: %w", err)
	}
	if !info.IsDir() {
		return nil, errs.At("tests", "of the data folder is not a folder").Mend("put a folder in its place, or remove it")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read the tests of the data folder: %w", err)
	}
	defer root.Close()
	return check.ReadFolder(patient{root})
}

// patient opens what lies in a folder, and nothing outside it, without ever waiting for somebody to write.
type patient struct{ root *os.Root }

func (p patient) Open(name string) (fs.File, error) {
	return p.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// readEdition writes the catalogue of this program where the ledger does not have it as the newest.
func (a *App) readEdition(ctx context.Context, org string) (digest string, err error) {
	mine, err := a.rules.standard()
	if err != nil {
		return "", err
	}
	news := false
	by := store.System("catalogue.read")
	if err := a.DB.View(ctx, org, timeZero, by, func(v *store.View) (err error) {
		news, err = check.EditionNew(ctx, v, mine)
		return err
	}); err != nil || !news {
		return "", err
	}
	_, err = a.DB.Change(ctx, org, by, func(tx *store.Tx) error {
		digest, err = check.NoticeEdition(ctx, tx, mine, a.rules.program)
		return err
	})
	return digest, err
}

// readLibrary offers an organisation what the library of this program has and it never had.
func (a *App) readLibrary(ctx context.Context, org string) (refs []string, err error) {
	news := false
	by := store.System("library.read")
	if err := a.DB.View(ctx, org, timeZero, by, func(v *store.View) (err error) {
		news, err = grc.LibraryNew(ctx, v)
		return err
	}); err != nil || !news {
		return nil, err
	}
	if _, err = a.DB.Change(ctx, org, by, func(tx *store.Tx) error {
		refs, err = grc.OfferLibrary(ctx, tx)
		return err
	}); err != nil {
		return nil, err
	}
	if len(refs) > 0 {
		a.Log.InfoContext(ctx, "the library has new controls; they are drafts", "org", org, "controls", refs)
	}
	return refs, nil
}

// beforeCheck reads the rules before a check. What cannot be read is told, and the check goes on with what holds: a
// slip in a file must not end the daily work.
func (a *App) beforeCheck(ctx context.Context, org string) {
	if _, err := a.ReadRules(ctx, org); err != nil && ctx.Err() == nil {
		a.Log.ErrorContext(ctx, "the data folder could not be read; the tests in force stay in force", "org", org, "error", err)
	}
}
