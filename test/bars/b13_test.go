// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/internal/clock"
	"assay/internal/db"
	"assay/internal/errs"
	"assay/internal/ledger"
	"assay/internal/store"
	"assay/internal/testkit"
)

// opened is a store over a copy of a database, with the keys and the anchor of a house.
func opened(t testing.TB, f *furnished, dsn, anchors string) *store.DB {
	t.Helper()
	c, err := db.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	d, err := store.Open(t.Context(), c, store.Options{Clock: clock.NewFake(f.Clock.Now()), Kinds: f.Set.Shapes(), Tables: f.Set.Tables(),
		Keys: &ledger.Keys{Dir: filepath.Join(f.Dir, "keys")}, Anchors: &ledger.Anchors{Dir: anchors}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// snapshot copies the database as a backup does.
func snapshot(t testing.TB, f *furnished, to string) string {
	t.Helper()
	raw := f.Raw(t)
	if _, err := raw.Exec(`VACUUM INTO $1`, to); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	return to
}

func copied(t testing.TB, from, to string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func TestB13ARestoredSnapshotCannotSign(t *testing.T) {
	f := furnish(t, testkit.SQLite(t, declare), 6)
	anchors := filepath.Join(f.Dir, "anchor")
	var old []string
	for i := range 5 {
		old = append(old, snapshot(t, f, filepath.Join(f.Dir, fmt.Sprintf("old%d.db", i))))
		f.write(t, i)
	}
	f.saved = f.sign(t)
	cp, _ := ledger.ReadNote(f.saved)
	r := testkit.Seed(t)
	n := count(20, 100)
	refused, reported := 0, 0
	for i := range n {
		d := opened(t, f, "sqlite:"+copied(t, old[r.IntN(len(old))], filepath.Join(f.Dir, fmt.Sprintf("restored%d.db", i))), anchors)
		if _, err := d.Sign(t.Context(), testkit.Org, true); errors.Is(err, errs.Conflict) && strings.Contains(err.Error(), "behind its anchor") {
			refused++
		}
		a, err := d.Verify(t.Context(), testkit.Org, store.VerifyOptions{Saved: []string{f.saved}})
		for _, p := range a.Problems {
			if err == nil && p.Class == store.Diverged && p.Object == "kept checkpoint 1" && strings.Contains(p.Text, fmt.Sprintf("log is behind checkpoint %d", cp.Size)) {
				reported++
			}
		}
		d.Close()
	}
	if refused != n || reported != n {
		t.Errorf("of %d restores, %d were refused a signature and %d were reported as behind", n, refused, reported)
	}
	figure("B13: %d of %d restored snapshots refused to sign, %d reported as behind", refused, n, reported)

	d := opened(t, f, "sqlite:"+copied(t, old[0], filepath.Join(f.Dir, "control.db")), filepath.Join(f.Dir, "no anchor"))
	if _, err := d.Sign(t.Context(), testkit.Org, false); err != nil {
		t.Errorf("control: without its anchor an old copy signs, and here it did not: %v", err)
	}
	figure("B13 control: with the anchor deleted an old copy signs, as it must")
}

func TestB13TwoStartsOnCopiesNeverSignTwoHistories(t *testing.T) {
	f := furnish(t, testkit.SQLite(t, declare), 4)
	base := snapshot(t, f, filepath.Join(f.Dir, "base.db"))
	n := count(20, 100)
	forks := func(anchorOf func(i, side int) string) (inconsistent int) {
		for i := range n {
			var signed [2]ledger.Checkpoint
			var wg sync.WaitGroup
			for side := range 2 {
				d := opened(t, f, "sqlite:"+copied(t, base, filepath.Join(f.Dir, fmt.Sprintf("copy%d.db", side))), anchorOf(i, side))
				wg.Go(func() {
					g := &furnished{House: &testkit.House{Store: d, Clock: f.Clock}, files: f.files}
					g.write(t, side) // the same number of entries, with other salts: another history
					signed[side], _ = d.Sign(t.Context(), testkit.Org, false)
				})
				defer d.Close()
			}
			wg.Wait()
			if signed[0].Note != "" && signed[1].Note != "" && (signed[0].Size != signed[1].Size || signed[0].Root != signed[1].Root) {
				inconsistent++
			}
			for side := range 2 {
				for _, ext := range []string{"", "-wal", "-shm"} {
					os.Remove(filepath.Join(f.Dir, fmt.Sprintf("copy%d.db%s", side, ext)))
				}
			}
		}
		return inconsistent
	}
	shared := func(i, _ int) string { return filepath.Join(f.Dir, fmt.Sprint("shared", i)) }
	if bad := forks(shared); bad != 0 {
		t.Errorf("%d of %d double starts signed two histories", bad, n)
	} else {
		figure("B13: %d double starts on copies, 0 pairs of inconsistent checkpoints", n)
	}
	if bad := forks(func(i, side int) string { return filepath.Join(f.Dir, fmt.Sprint("own", i, side)) }); bad == 0 {
		t.Error("control: with an anchor each, two copies sign two histories; here none did")
	}
	figure("B13 control: with an anchor each, two histories are signed, as they must be")
}
