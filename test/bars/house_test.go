// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/blob"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// A memo is a thing with every sort of indexed field.
type memo struct {
	kind.Meta
	Title  string        `json:"title" doc:"What it is called." min:"1" list:""`
	Size   int           `json:"size" doc:"How large it is." index:""`
	Open   bool          `json:"open" doc:"Whether it is open." index:""`
	Group  string        `json:"group" doc:"What it belongs to." index:""`
	Parent string        `json:"parent" doc:"The memo above it." ref:"memo" index:""`
	State  memoState     `json:"state" doc:"Where it stands." read:"only" index:"" default:"draft"`
	Reason string        `json:"reason" doc:"Why."`
	Files  []kind.SHA256 `json:"files" doc:"What is attached."`
}

type memoState string

func (memoState) Values() []string { return []string{"draft", "approved"} }

// A sighting is a fact that happened once; a level is a fact that replaces the one before.
type (
	sighting struct {
		store.Place
		Memo string      `json:"memo" doc:"What was seen."`
		N    int         `json:"n_seen" doc:"How often."`
		Well bool        `json:"well" doc:"Whether it was well."`
		At   time.Time   `json:"at" doc:"When."`
		Raw  kind.SHA256 `json:"raw" doc:"The raw answer."`
		Tags []string    `json:"tags" doc:"Words."`
	}
	level struct {
		store.Place
		Memo  string `json:"memo" doc:"Of what."`
		Level int    `json:"level" doc:"How high."`
	}
)

var (
	memos = kind.Kind[memo]{Name: "memo", Plural: "memos", Prefix: "mem", Doc: "A memo is for tests.", Object: "risks", Label: "title",
		Moves: []kind.Move{{Verb: "approve", Doc: "Approve a memo.", From: []string{"draft"}, To: "approved", Act: "approve", Takes: []string{"reason"}}}}
	sightings = store.Facts[sighting]("sighting", "Sightings.", nil, []string{"memo"})
	levels    = store.Facts[level]("level", "Levels.", []string{"memo"})
)

func declare(s *op.Set) {
	op.Kind(s, memos)
	s.Table(sightings)
	s.Table(levels)
}

// full says whether the full counts are wanted.
func full() bool { return os.Getenv("ASSAY_BARS") == "full" }

// count is how many rounds a bar takes: few in every run, all where full counts are asked for.
func count(fast, all int) int {
	if full() {
		return all
	}
	return fast
}

// figure prints the line of a bar.
func figure(format string, a ...any) { fmt.Printf(format+"\n", a...) }

// furnished is a house with things, versions, links, ended things, facts of both sorts, files, and two checkpoints.
type furnished struct {
	*testkit.House
	files *blob.Folder
	dir   string
	ids   []string
	saved string // the checkpoint that somebody keeps outside
}

func furnish(t testing.TB, h *testkit.House, n int) *furnished {
	t.Helper()
	f := &furnished{House: h, dir: filepath.Join(h.Dir, "files")}
	var err error
	if f.files, err = blob.OpenFolder(f.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.files.Close() })
	for i := range n {
		f.write(t, i)
		h.Clock.Move(time.Second)
		if i == n/2 {
			f.sign(t)
		}
	}
	f.saved = f.sign(t)
	return f
}

func (f *furnished) sign(t testing.TB) string {
	t.Helper()
	cp, err := f.Store.Sign(context.Background(), testkit.Org, true)
	if err != nil {
		t.Fatal(err)
	}
	return cp.Note
}

// write does one round of what a day brings.
func (f *furnished) write(t testing.TB, i int) {
	t.Helper()
	ctx := context.Background()
	file, err := f.files.Put(ctx, bytes.NewReader([]byte(fmt.Sprintf("evidence %d %s", i, strings.Repeat("x", i%50)))), 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Store.Change(ctx, testkit.Org, store.By{Actor: "usr_ada", Via: "rest", Op: "memo.create"}, func(tx *store.Tx) error {
		m := &memo{Title: fmt.Sprintf("Memo %d \"quoted\"", i), Size: i % 7, Open: i%2 == 0, Group: fmt.Sprintf("g%d", i%3), State: "draft", Files: []kind.SHA256{kind.SHA256(file.SHA256)}}
		if len(f.ids) > 0 {
			m.Parent = f.ids[i%len(f.ids)]
		}
		if err := store.Put(ctx, tx, memos, m); err != nil {
			return err
		}
		f.ids = append(f.ids, m.ID)
		if i%3 == 2 {
			m.Size, m.Group = m.Size+1, "moved"
			if err := store.Put(ctx, tx, memos, m); err != nil {
				return err
			}
		}
		if i%5 == 4 {
			if err := store.End(ctx, tx, memos, m.ID, 0); err != nil {
				return err
			}
			f.ids = f.ids[:len(f.ids)-1]
		}
		if _, err := sightings.Append(ctx, tx, "run", []sighting{{Memo: m.ID, N: i, Well: i%2 == 0, At: tx.Now, Raw: kind.SHA256(file.SHA256), Tags: []string{"a", "b"}}, {Memo: m.ID, N: -i}}, map[string]any{"i": i}); err != nil {
			return err
		}
		_, err := levels.Append(ctx, tx, "run", []level{{Memo: f.ids[i%len(f.ids)], Level: i}}, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// verify recomputes everything, with the files and with what was saved outside.
func (f *furnished) verify(t testing.TB, saved ...string) store.Audit {
	t.Helper()
	a, err := f.Store.Verify(context.Background(), testkit.Org, store.VerifyOptions{Saved: saved, File: f.files.Check})
	if err != nil {
		t.Fatalf("the verification itself failed: %v", err)
	}
	return a
}

func (f *furnished) clean(t testing.TB) {
	t.Helper()
	if a := f.verify(t, f.saved); len(a.Problems) > 0 || a.Files == 0 || a.Checkpoints == 0 {
		t.Fatalf("not clean to begin with: %+v", a)
	}
}

func blobPath(dir, sha string) string { return filepath.Join(dir, sha[:2], sha[2:4], sha) }
