// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

type leaflet struct {
	kind.Meta
	Title string `json:"title" doc:"What it is called."`
}

// A disposal as docs/ledger-format.md asks for it.
type disposal struct {
	kind.Meta
	Entries []int64 `json:"entries" doc:"Entries whose body was removed."`
	Rows    []gone  `json:"rows" doc:"Rows that were removed."`
}

type gone struct {
	Batch int64   `json:"batch" doc:"The entry of the batch."`
	N     []int64 `json:"n" doc:"Which of its rows."`
}

type door struct {
	store.Place
	Person string    `json:"person" doc:"Who."`
	Count  int       `json:"count" doc:"How often."`
	Open   bool      `json:"open" doc:"Whether it opened."`
	At     time.Time `json:"at" doc:"When."`
	Tags   []string  `json:"tags" doc:"More."`
}

var (
	leaflets  = kind.Kind[leaflet]{Name: "leaflet", Plural: "leaflets", Prefix: "lft", Doc: "A leaflet is for tests.", Object: "risks", Label: "title"}
	disposals = kind.Kind[disposal]{Name: "disposal", Plural: "disposals", Prefix: "dsp", Doc: "A disposal is for tests.", Object: "risks", Label: "id"}
	doors     = store.Facts[door]("door", "Doors that were used.", nil)
)

func addExported(s *op.Set) {
	op.Kind(s, leaflets)
	op.Kind(s, disposals)
	s.Table(doors)
}

func change(t *testing.T, h *testkit.House, fn func(ctx context.Context, tx *store.Tx) error) store.Receipt {
	t.Helper()
	r, err := h.Store.Change(t.Context(), testkit.Org, store.By{Actor: "usr_one", Via: "rest", Op: "test.write"}, func(tx *store.Tx) error { return fn(t.Context(), tx) })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fill writes things and facts with text of every sort, and returns the entries of a thing and of a batch.
func fill(t *testing.T, h *testkit.House) (thing, batch int64) {
	t.Helper()
	one := &leaflet{Title: "ended soon"}
	change(t, h, func(ctx context.Context, tx *store.Tx) error { return store.Put(ctx, tx, leaflets, one) })
	h.Clock.Move(time.Second)
	thing = change(t, h, func(ctx context.Context, tx *store.Tx) error {
		for i := range 70 { // more than a page of the exporter
			if err := store.Put(ctx, tx, leaflets, &leaflet{Title: fmt.Sprintf("%d \"quoted\" back\\slash\nline\t\u2028 é 🙂 <&>", i)}); err != nil {
				return err
			}
		}
		return nil
	}).Seq
	h.Clock.Move(time.Second)
	change(t, h, func(ctx context.Context, tx *store.Tx) error { return store.End(ctx, tx, leaflets, one.ID, 0) })
	batch = change(t, h, func(ctx context.Context, tx *store.Tx) error {
		_, err := doors.Append(ctx, tx, "building", []door{{Person: "Ada\x01\n", Count: -3, Open: true, At: testkit.Start, Tags: []string{"a\"b"}}, {}, {Person: "🙂"}}, map[string]any{"why": "a test"})
		return err
	}).Seq
	return thing, batch
}

func export(t *testing.T, h *testkit.House, o store.ExportOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := h.Store.Export(t.Context(), testkit.Org, &b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func verdict(t *testing.T, file []byte, key string, kept ...string) (store.ExportAudit, string) {
	t.Helper()
	a, err := store.VerifyExport(bytes.NewReader(file), key, kept)
	if err != nil {
		t.Fatal(err)
	}
	code, object := a.Verdict()
	return a, fmt.Sprint(code, " ", object)
}

func publicKey(t *testing.T, h *testkit.House) string {
	t.Helper()
	k, err := h.Store.PublicKey(testkit.Org)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func exec(t *testing.T, h *testkit.House, q string, args ...any) {
	t.Helper()
	c := h.Conn.Writer()
	if err := c.Begin(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), q, args...); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAnExportIsVerifiedFromTheFileAlone(t *testing.T) {
	testkit.Engines(t, addExported, func(t *testing.T, h *testkit.House) {
		_, _ = fill(t, h)
		old, err := h.Store.Sign(t.Context(), testkit.Org, true)
		if err != nil {
			t.Fatal(err)
		}
		change(t, h, func(ctx context.Context, tx *store.Tx) error {
			return store.Put(ctx, tx, leaflets, &leaflet{Title: "later"})
		})
		file := export(t, h, store.ExportOptions{Program: "assay test"})
		a, got := verdict(t, file, publicKey(t, h), old.Note)
		if got != "0 -" || a.Size != old.Size+1 || a.Bodies != a.Size || a.Rows != 3 || a.Kept != 1 || !a.KeyGiven || a.Public || a.Program != "assay test" || a.Org != testkit.Org {
			t.Errorf("%s: %+v", got, a)
		}
		db, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{})
		if err != nil || db.Root != a.Root || db.Size != a.Size || len(db.Problems) > 0 {
			t.Errorf("the database says %+v, %v", db, err)
		}
		again := export(t, h, store.ExportOptions{Program: "assay test"})
		if !bytes.Equal(file, again) {
			t.Error("the same ledger, checkpoint and moment gave another file")
		}
		before := export(t, h, store.ExportOptions{Checkpoint: old.Note})
		if a, got := verdict(t, before, publicKey(t, h)); got != "0 -" || a.Size != old.Size {
			t.Errorf("as of an older checkpoint: %s %d", got, a.Size)
		}
		if _, got := verdict(t, before, publicKey(t, h), string(mustNote(t, h))); got != "5 kept 1" {
			t.Errorf("behind a kept checkpoint: %s", got)
		}
	})
}

func mustNote(t *testing.T, h *testkit.House) string {
	t.Helper()
	cp, err := h.Store.LastCheckpoint(testkit.Org)
	if err != nil {
		t.Fatal(err)
	}
	return cp.Note
}

func TestAPublicExportHasNoContentAndVerifies(t *testing.T) {
	testkit.Engines(t, addExported, func(t *testing.T, h *testkit.House) {
		fill(t, h)
		file := export(t, h, store.ExportOptions{Public: true})
		if s := string(file); strings.Contains(s, "quoted") || strings.Contains(s, "salt") || strings.Contains(s, "Ada") {
			t.Error("content in a public export")
		}
		if a, got := verdict(t, file, ""); got != "0 -" || !a.Public || a.KeyGiven || a.Bodies != 0 {
			t.Errorf("%s: %+v", got, a)
		}
		file = bytes.Replace(file, []byte("usr_one"), []byte("usr_two"), 1)
		if _, got := verdict(t, file, ""); got != "2 entry 0" {
			t.Errorf("altered: %s", got)
		}
	})
}

func TestWhatIsWrongInTheDatabaseIsNamedInItsExport(t *testing.T) {
	for name, alter := range map[string]func(t *testing.T, h *testkit.House, thing, batch int64) string{
		"body": func(t *testing.T, h *testkit.House, thing, _ int64) string {
			exec(t, h, `UPDATE body SET body=replace(body, 'quoted', 'forged') WHERE org=$1 AND seq=$2`, testkit.Org, thing)
			return fmt.Sprintf("2 body of entry %d", thing)
		},
		"actor": func(t *testing.T, h *testkit.House, thing, _ int64) string {
			exec(t, h, `UPDATE entry SET actor='usr_two' WHERE org=$1 AND seq=$2`, testkit.Org, thing)
			return fmt.Sprintf("2 entry %d", thing)
		},
		"row": func(t *testing.T, h *testkit.House, _, batch int64) string {
			exec(t, h, `UPDATE f_door SET count=7 WHERE org=$1 AND batch=$2 AND n=1`, testkit.Org, batch)
			return fmt.Sprintf("2 row 1 of batch %d", batch)
		},
		"row gone": func(t *testing.T, h *testkit.House, _, batch int64) string {
			exec(t, h, `DELETE FROM f_door WHERE org=$1 AND batch=$2 AND n=2`, testkit.Org, batch)
			return fmt.Sprintf("3 row 2 of batch %d", batch)
		},
		"row emptied": func(t *testing.T, h *testkit.House, _, batch int64) string {
			exec(t, h, `UPDATE f_door SET salt=NULL WHERE org=$1 AND batch=$2 AND n=0`, testkit.Org, batch)
			return fmt.Sprintf("3 row 0 of batch %d", batch)
		},
		"body emptied": func(t *testing.T, h *testkit.House, thing, _ int64) string {
			exec(t, h, `UPDATE body SET salt=NULL, body=NULL WHERE org=$1 AND seq=$2`, testkit.Org, thing)
			return fmt.Sprintf("3 body of entry %d", thing)
		},
		"entry": func(t *testing.T, h *testkit.House, thing, _ int64) string {
			cp := mustNote(t, h)
			exec(t, h, `DELETE FROM entry WHERE org=$1 AND seq=$2`, testkit.Org, thing)
			if cp == "" {
				t.Fatal("no checkpoint")
			}
			return fmt.Sprintf("3 entry %d", thing)
		},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Engines(t, addExported, func(t *testing.T, h *testkit.House) {
				thing, batch := fill(t, h)
				cp, err := h.Store.Sign(t.Context(), testkit.Org, false)
				if err != nil {
					t.Fatal(err)
				}
				want := alter(t, h, thing, batch)
				file := export(t, h, store.ExportOptions{Checkpoint: cp.Note})
				if _, got := verdict(t, file, publicKey(t, h)); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			})
		})
	}
}

func TestALawfulDisposalVerifies(t *testing.T) {
	testkit.Engines(t, addExported, func(t *testing.T, h *testkit.House) {
		thing, batch := fill(t, h)
		change(t, h, func(ctx context.Context, tx *store.Tx) error {
			return store.Put(ctx, tx, disposals, &disposal{Entries: []int64{thing}, Rows: []gone{{batch, []int64{0, 2}}}})
		})
		exec(t, h, `UPDATE body SET salt=NULL, body=NULL WHERE org=$1 AND seq=$2`, testkit.Org, thing)
		exec(t, h, `UPDATE f_door SET salt=NULL, person='' WHERE org=$1 AND batch=$2 AND n<>1`, testkit.Org, batch)
		file := export(t, h, store.ExportOptions{})
		if bytes.Contains(file, []byte("Ada")) {
			t.Error("a row that was disposed of is in the file")
		}
		if a, got := verdict(t, file, publicKey(t, h)); got != "0 -" || a.Disposed != 1 {
			t.Errorf("%s: %+v", got, a)
		}
	})
}

func TestAnExportIsRefusedWhereTheFormatCannotHoldIt(t *testing.T) {
	h := testkit.SQLite(t, addExported)
	thing, _ := fill(t, h)
	cp, err := h.Store.Sign(t.Context(), testkit.Org, false)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, h, `UPDATE entry SET actor='two words' WHERE org=$1 AND seq=$2`, testkit.Org, thing)
	_, err = h.Store.Export(t.Context(), testkit.Org, &bytes.Buffer{}, store.ExportOptions{Checkpoint: cp.Note})
	if errs.Public(err).Code != errs.Conflict || !strings.Contains(err.Error(), fmt.Sprintf("entry %d", thing)) {
		t.Errorf("got %v", err)
	}
	if _, err = h.Store.Export(t.Context(), testkit.Org, &bytes.Buffer{}, store.ExportOptions{Checkpoint: cp.Note + "x"}); errs.Public(err).Field != "checkpoint" {
		t.Errorf("a broken checkpoint: %v", err)
	}
}
