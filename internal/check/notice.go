// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/store"
)

// Noticed is what the program found new in its own catalogue and in the data folder.
type Noticed struct {
	Edition string   // digest of the catalogue, where it is a new one
	Problem string   // why the catalogue of this program does not hold; empty where it does
	Held    []string // files that hold from now on
	Waiting []string // files that wait for a person to approve them, each with what it changes
	Library []string // controls that the library has and the organisation did not: it has them as drafts now
	Drafts  []string // controls that a file added: each waits until one person proposes to activate it and another approves
}

// Any says whether there was anything new.
func (n Noticed) Any() bool {
	return n.Edition != "" || len(n.Held)+len(n.Waiting)+len(n.Library)+len(n.Drafts) > 0
}

// NoticeEdition writes the catalogue that the program brings along into the ledger where it is a new one: it holds from
// this moment. One that the company's own changes in force do not fit on is not taken: the one before goes on, and the
// error says what is in the way. It is called by the program itself only.
func NoticeEdition(ctx context.Context, tx *store.Tx, mine *Catalogue, program string) (string, error) {
	text, digest, err := mine.Text()
	if err != nil {
		return "", err
	}
	rows, err := store.Project[struct{ Digest string }](ctx, &tx.View, Editions, []string{"digest"}, "")
	if err != nil || len(rows) > 0 && rows[0].Digest == digest {
		return "", err
	}
	set, err := inForce(ctx, &tx.View)
	if err != nil {
		return "", err
	}
	set.base, set.digest = mine, digest
	if _, err := set.catalogue(); err != nil {
		e := *errs.Public(err)
		e.Text = "the built-in tests of this version conflict with one of your changes, so the tests of the previous version stay in force: " + e.Error()
		return "", &e
	}
	_, err = Editions.Append(ctx, tx, editionName, []Edition{{Name: editionName, Program: program, Digest: digest, Text: text, At: tx.Now}}, nil)
	return digest, err
}

// EditionNew says whether NoticeEdition has something to write.
func EditionNew(ctx context.Context, v *store.View, mine *Catalogue) (bool, error) {
	_, digest, err := mine.Text()
	if err != nil {
		return false, err
	}
	rows, err := store.Project[struct{ Digest string }](ctx, v, Editions, []string{"digest"}, "")
	return err == nil && (len(rows) == 0 || rows[0].Digest != digest), err
}

// folder is how the files of the data folder stand to what the ledger has of them.
type folder struct {
	read    map[string]FileText  // as they are now, by path
	waiting map[string]*RuleFile // proposals, by path
	news    []*RuleFile          // what is neither in force nor waiting nor rejected
	stale   []*RuleFile          // proposals that are no longer what stands in the folder
}

func (f *folder) digest(path string) string {
	if x, ok := f.read[path]; ok {
		return digestOf(x.Text)
	}
	return ""
}

// compareFolder reads what the ledger has of the files.
func compareFolder(ctx context.Context, v *store.View, set *setInForce, files []FileText) (*folder, error) {
	f := &folder{read: map[string]FileText{}, waiting: map[string]*RuleFile{}}
	paths := map[string]bool{}
	for _, x := range files {
		f.read[x.Path] = x
		paths[x.Path] = true
	}
	for path := range set.files {
		paths[path] = true
	}
	proposed, err := store.All(ctx, v, RuleFiles, map[string]any{"state": "proposed"})
	if err != nil {
		return nil, err
	}
	for _, p := range proposed {
		held := ""
		if a := set.files[p.Path]; a != nil {
			held = a.SHA256
		}
		if now := f.digest(p.Path); now != p.SHA256 || now == held {
			f.stale = append(f.stale, p)
			continue
		}
		f.waiting[p.Path] = p
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		held, digest := "", f.digest(path)
		if a := set.files[path]; a != nil {
			held = a.SHA256
		}
		if digest == held || f.waiting[path] != nil {
			continue
		}
		no, err := store.All(ctx, v, RuleFiles, map[string]any{"state": "rejected", "path": path, "digest": digest})
		if err != nil {
			return nil, err
		}
		if len(no) == 0 {
			f.news = append(f.news, &RuleFile{Path: path, SHA256: digest, Text: f.read[path].Text, Removed: digest == "", State: "proposed"})
		}
	}
	return f, nil
}

// FilesNew says whether NoticeFiles has something to write.
func FilesNew(ctx context.Context, v *store.View, files []FileText) (bool, error) {
	set, err := inForce(ctx, v)
	if err != nil {
		return false, err
	}
	f, err := compareFolder(ctx, v, set, files)
	return err == nil && len(f.news)+len(f.stale) > 0, err
}

// NoticeFiles brings the files of the data folder into the ledger. What only adds tests holds from this moment; what changes,
// weakens, removes or switches off a test that is there waits for a person. Of a folder with a bad file nothing is taken.
// More says what else a file changes that needs approval, such as controls. It is called by the program itself only.
func NoticeFiles(ctx context.Context, tx *store.Tx, files []FileText, more func(*Override) []string) (Noticed, error) {
	var out Noticed
	set, err := inForce(ctx, &tx.View)
	if err != nil {
		return out, err
	}
	f, err := compareFolder(ctx, &tx.View, set, files)
	if err != nil {
		return out, err
	}
	for _, p := range f.stale {
		if err := endFile(ctx, tx, p); err != nil {
			return out, err
		}
	}
	for _, n := range f.news {
		if n.Removed {
			continue
		}
		if _, err := n.override(); err != nil {
			return out, err
		}
	}
	all := set
	for _, n := range f.news {
		all = all.withFile(n)
	}
	diff, err := set.differences(ctx, &tx.View, all) // of all together: a test may have moved from one file to another
	if err != nil {
		return out, err
	}
	for _, n := range f.news {
		if err := n.enter(ctx, tx, &set, len(diff) == 0, more, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// enter writes one file: in force, or as a proposal. Together says that all new files only add tests.
func (f *RuleFile) enter(ctx context.Context, tx *store.Tx, set **setInForce, together bool, more func(*Override) []string, out *Noticed) error {
	next := (*set).withFile(f)
	if !together {
		diff, err := (*set).differences(ctx, &tx.View, next)
		if err != nil {
			diff = []string{"depends on other files: " + errs.Public(err).Error()}
		}
		f.Changes = diff
	}
	if len(f.Changes) > 0 {
		said := strings.Join(f.Changes[:min(3, len(f.Changes))], "; ")
		if n := len(f.Changes) - 3; n > 0 {
			said += fmt.Sprintf("; and %d more", n)
		}
		out.Waiting = append(out.Waiting, f.Path+": "+said)
		return store.Put(ctx, tx, RuleFiles, f)
	}
	if !f.Removed && more != nil {
		o, err := f.override()
		if err != nil {
			return err
		}
		f.Changes = more(o)
	}
	old := (*set).files[f.Path]
	f.State, f.Since = "active", tx.Now
	if err := endFile(ctx, tx, old); err != nil {
		return err
	}
	if err := store.Put(ctx, tx, RuleFiles, f); err != nil {
		return err
	}
	*set = next
	out.Held = append(out.Held, f.Path)
	return nil
}

// FilesInForce are the files of the data folder that hold, parsed, in the order of their names: for whoever keeps the
// controls that they add.
func FilesInForce(ctx context.Context, v *store.View) ([]*Override, error) {
	set, err := inForce(ctx, v)
	if err != nil {
		return nil, err
	}
	var out []*Override
	for _, path := range slices.Sorted(maps.Keys(set.files)) {
		if f := set.files[path]; !f.Removed {
			o, err := f.override()
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	return out, nil
}
