// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/ledger"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// seat is a fact with a key: the newest row of a seat takes the place of the older one.
type seat struct {
	store.Place
	Seat string `json:"seat" doc:"Which."`
	Who  string `json:"who" doc:"Who sits there."`
}

// seatLater is the same table after a release that knows more.
type seatLater struct {
	store.Place
	Seat   string            `json:"seat" doc:"Which."`
	Who    string            `json:"who" doc:"Who sits there."`
	Colour string            `json:"colour" doc:"Of the seat."`
	Age    int               `json:"age" doc:"In years."`
	Marks  map[string]string `json:"marks" doc:"More."`
}

var (
	seats      = store.Facts[seat]("seat", "Seats that were taken.", []string{"seat"})
	seatsLater = store.Facts[seatLater]("seat", "Seats that were taken.", []string{"seat"}, []string{"colour"})
)

func addPlain(s *op.Set) {
	op.Kind(s, leaflets)
	s.Table(doors)
}

func addSeats(s *op.Set) {
	addPlain(s)
	s.Table(seats)
}

func sit(t *testing.T, h *testkit.House, rows ...seat) int64 {
	t.Helper()
	return change(t, h, func(ctx context.Context, tx *store.Tx) error {
		_, err := seats.Append(ctx, tx, "hall", rows, nil)
		return err
	}).Seq
}

func dispose(t *testing.T, h *testkit.House, d store.Disposal) {
	t.Helper()
	d.Reason = "a person asked for it"
	change(t, h, func(ctx context.Context, tx *store.Tx) error {
		_, err := store.Dispose(ctx, tx, d)
		return err
	})
}

// both gives the verdicts on the database and on an export of it, which must have the same code.
func both(t *testing.T, h *testkit.House, at string) (store.Audit, string) {
	t.Helper()
	a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	code, object := a.Verdict()
	_, got := verdict(t, export(t, h, store.ExportOptions{Checkpoint: at}), publicKey(t, h))
	if !strings.HasPrefix(got, fmt.Sprint(code, " ")) {
		t.Errorf("the database: %d %s, the export: %s; %+v", code, object, got, a.Problems)
	}
	return a, got
}

func sign(t *testing.T, h *testkit.House) string {
	t.Helper()
	cp, err := h.Store.Sign(t.Context(), testkit.Org, false)
	if err != nil {
		t.Fatal(err)
	}
	return cp.Note
}

func seated(t *testing.T, h *testkit.House, past time.Time) string {
	t.Helper()
	var out []string
	err := h.Store.View(t.Context(), testkit.Org, past, store.System("test"), func(v *store.View) error {
		rows, err := seats.Select(t.Context(), v, "", "ORDER BY seat")
		for _, r := range rows {
			out = append(out, r.Seat+"="+r.Who)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestAColumnThatComesLaterLeavesOldRowsAsTheyWere(t *testing.T) {
	testkit.Engines(t, addSeats, func(t *testing.T, h *testkit.House) {
		sit(t, h, seat{Seat: "1", Who: "Ada"}, seat{Seat: "2"})
		sit(t, h, seat{Seat: "1", Who: "Bo"})
		h.Store.Close()
		for range 2 { // the second start finds the columns there
			h = testkit.Build(t, h.Dir, h.DSN, func(s *op.Set) {
				addPlain(s)
				s.Table(seatsLater)
			})
			if _, got := both(t, h, sign(t, h)); got != "0 -" {
				t.Fatalf("old rows under new columns: %s", got)
			}
			change(t, h, func(ctx context.Context, tx *store.Tx) error {
				_, err := seatsLater.Append(ctx, tx, "hall", []seatLater{{Seat: "2", Who: "Cy", Colour: "red", Age: 3, Marks: map[string]string{"é": "x"}}}, nil)
				return err
			})
			err := h.Store.View(t.Context(), testkit.Org, time.Time{}, store.System("test"), func(v *store.View) error {
				rows, err := seatsLater.Select(t.Context(), v, "", "ORDER BY seat")
				if err == nil && (len(rows) != 2 || rows[0].Who != "Bo" || rows[0].Colour != "" || rows[0].Marks != nil || rows[1].Age != 3 || rows[1].Marks["é"] != "x") {
					err = fmt.Errorf("%+v", rows)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, got := both(t, h, sign(t, h)); got != "0 -" {
				t.Fatalf("new rows: %s", got)
			}
			h.Store.Close()
		}
	})
}

func TestARowWithoutItsSaltMustBeNamedByADisposal(t *testing.T) {
	testkit.Engines(t, addSeats, func(t *testing.T, h *testkit.House) {
		batch := sit(t, h, seat{Seat: "1", Who: "Ada"}, seat{Seat: "2", Who: "Bo"})
		next := sit(t, h, seat{Seat: "1", Who: "Cy"})
		exec(t, h, `UPDATE f_seat SET salt=NULL, who=NULL WHERE org=$1 AND batch=$2 AND n=1`, testkit.Org, batch)
		if _, got := both(t, h, sign(t, h)); got != fmt.Sprintf("3 row 1 of batch %d", batch) {
			t.Errorf("without a disposal: %s", got)
		}
		dispose(t, h, store.Disposal{Rows: []store.DisposedRows{{Batch: batch, N: []int64{1}}, {Batch: next, N: []int64{0}}}})
		cp := sign(t, h)
		if a, got := both(t, h, cp); got != "0 -" || len(a.Problems) > 0 {
			t.Errorf("after a disposal: %s %+v", got, a.Problems)
		}
		if now := seated(t, h, time.Time{}); now != "" {
			t.Errorf("what was replaced by a row that is gone came back: %s", now)
		}
		if file := string(export(t, h, store.ExportOptions{Checkpoint: cp})); strings.Contains(file, `\"Cy\"`) || strings.Contains(file, `\"Bo\"`) || !strings.Contains(file, `\"Ada\"`) {
			t.Error("the export has what was disposed of, or lost what was not")
		}
		sit(t, h, seat{Seat: "1", Who: "Di"})
		if now := seated(t, h, time.Time{}); now != "1=Di" {
			t.Errorf("seated: %s", now)
		}
		for column, to := range map[string]string{"until": "4611686018427387904", "who": "'Eve'"} {
			exec(t, h, `UPDATE f_seat SET `+column+`=`+to+` WHERE org=$1 AND batch=$2 AND n=0`, testkit.Org, next)
			if a, _ := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{}); len(a.Problems) != 1 || a.Problems[0].Class != store.Altered || a.Problems[0].Entry != next {
				t.Errorf("%s of a row that was disposed of: %+v", column, a.Problems)
			}
			back := map[string]string{"until": fmt.Sprint(next), "who": "NULL"}[column]
			exec(t, h, `UPDATE f_seat SET `+column+`=`+back+` WHERE org=$1 AND batch=$2 AND n=0`, testkit.Org, next)
		}
		forged := bytes.Repeat([]byte{7}, 32)
		exec(t, h, `UPDATE f_seat SET h=$1 WHERE org=$2 AND batch=$3 AND n=0`, forged, testkit.Org, next)
		if _, got := both(t, h, sign(t, h)); got != fmt.Sprintf("2 batch %d", next) {
			t.Errorf("another commitment: %s", got)
		}
	})
}

func TestADisposedBatchHasNoRowsAndADisposedVersionNoIndexRow(t *testing.T) {
	testkit.Engines(t, addSeats, func(t *testing.T, h *testkit.House) {
		first := sit(t, h, seat{Seat: "1", Who: "Ada"})
		batch := sit(t, h, seat{Seat: "1", Who: "Bo"})
		one := &leaflet{Title: "one"}
		var versions []int64
		for range 3 {
			versions = append(versions, change(t, h, func(ctx context.Context, tx *store.Tx) error { return store.Put(ctx, tx, leaflets, one) }).Seq)
		}
		dispose(t, h, store.Disposal{Entries: []int64{batch, versions[1], versions[2]}})
		if a, got := both(t, h, sign(t, h)); got != "0 -" || a.Disposed != 3 || len(a.Problems) > 0 {
			t.Errorf("%s %+v", got, a)
		}
		exec(t, h, `INSERT INTO f_seat (org, batch, n, until, seat, who, salt, h) SELECT org, $1, 0, $1, seat, who, salt, h FROM f_seat WHERE batch=$2`, batch, first)
		if _, got := both(t, h, sign(t, h)); got != fmt.Sprintf("3 row 0 of batch %d", batch) {
			t.Errorf("a row of a batch that was disposed of: %s", got)
		}
	})
}

func TestADisposalCountsOnlyForWhatStandsInFrontOfIt(t *testing.T) {
	testkit.Engines(t, addExported, func(t *testing.T, h *testkit.House) {
		early := change(t, h, func(ctx context.Context, tx *store.Tx) error {
			return store.Put(ctx, tx, disposals, &disposal{Entries: []int64{1}, Rows: []gone{{2, []int64{0}}}})
		}).Seq
		thing := change(t, h, func(ctx context.Context, tx *store.Tx) error {
			return store.Put(ctx, tx, leaflets, &leaflet{Title: "kept"})
		}).Seq
		batch := change(t, h, func(ctx context.Context, tx *store.Tx) error {
			_, err := doors.Append(ctx, tx, "building", []door{{Person: "Ada"}}, nil)
			return err
		}).Seq
		change(t, h, func(ctx context.Context, tx *store.Tx) error {
			return store.Put(ctx, tx, disposals, &disposal{Entries: []int64{early}})
		})
		cp := sign(t, h)
		exec(t, h, `UPDATE f_door SET salt=NULL, person=NULL WHERE batch=$1`, batch)
		if _, got := both(t, h, cp); got != fmt.Sprintf("3 row 0 of batch %d", batch) {
			t.Errorf("a row behind its disposal: %s", got)
		}
		exec(t, h, `UPDATE body SET salt=NULL, body=NULL WHERE seq=$1`, thing)
		if _, got := both(t, h, cp); got != fmt.Sprintf("3 body of entry %d", thing) {
			t.Errorf("an entry behind its disposal: %s", got)
		}
		exec(t, h, `UPDATE body SET salt=NULL, body=NULL WHERE seq=$1`, early)
		if _, got := both(t, h, cp); got != fmt.Sprintf("3 body of entry %d", early) {
			t.Errorf("the body of a disposal: %s", got)
		}
	})
}

// hands are what somebody can do to a database that an export of it shows too.
var hands = []string{
	`UPDATE entry SET actor='usr_eve' WHERE org=$1 AND seq=$2`,
	`UPDATE entry SET at=at-86400000 WHERE org=$1 AND seq=$2`,
	`UPDATE entry SET rev=rev+1 WHERE org=$1 AND seq=$2`,
	`DELETE FROM entry WHERE org=$1 AND seq=$2`,
	`UPDATE body SET body=body || ' ' WHERE org=$1 AND seq=$2`,
	`UPDATE body SET body=NULL WHERE org=$1 AND seq=$2`,
	`UPDATE body SET salt=NULL, body=NULL WHERE org=$1 AND seq=$2`,
	`DELETE FROM body WHERE org=$1 AND seq=$2`,
	`UPDATE f_door SET person='Eve' WHERE org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`UPDATE f_door SET salt=NULL, person=NULL WHERE n=1 AND org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`DELETE FROM f_door WHERE n<2 AND org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`DELETE FROM f_door WHERE org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`UPDATE f_door SET n=n+9 WHERE n=2 AND org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`UPDATE f_door SET n=n+1 WHERE n=2 AND org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`UPDATE f_door SET h=salt || salt WHERE n=0 AND org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`UPDATE f_door SET batch=batch+1 WHERE n=0 AND org=$1 AND batch=(SELECT max(batch) FROM f_door WHERE batch<=$2)`,
	`UPDATE is_leaflet SET until=since WHERE org=$1 AND since<=$2`, // only the database shows this one
}

func TestTheDatabaseAndItsExportGetTheSameCodeWhateverIsDone(t *testing.T) {
	r := testkit.Seed(t)
	for range 60 {
		h := testkit.SQLite(t, addPlain)
		for range 3 {
			fill(t, h)
			h.Clock.Move(time.Hour)
		}
		dispose(t, h, store.Disposal{Entries: []int64{3}, Rows: []store.DisposedRows{{Batch: 72, N: []int64{2}}}})
		cp := sign(t, h)
		size := int64(73*3 + 1)
		var done []string
		only := false
		for range 1 + r.IntN(4) {
			q, seq := hands[r.IntN(len(hands)-1)], r.Int64N(size)
			if r.IntN(4) == 0 {
				exec(t, h, hands[len(hands)-1], testkit.Org, r.Int64N(size))
				only = true
			}
			exec(t, h, q, testkit.Org, seq)
			done = append(done, fmt.Sprint(q, " ", seq))
		}
		a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{Limit: 1 + r.IntN(5)})
		if err != nil {
			t.Fatal(err)
		}
		code, object := a.Verdict()
		var b bytes.Buffer
		if _, err := h.Store.Export(t.Context(), testkit.Org, &b, store.ExportOptions{Checkpoint: cp}); err != nil {
			if errs.Public(err).Code != errs.Conflict || code == 0 {
				t.Errorf("%v: %v, and the database: %d %s", done, err, code, object)
			}
			continue
		}
		_, got := verdict(t, b.Bytes(), publicKey(t, h))
		if got == "0 -" && only && code != 0 {
			continue // what was done to the ledger met nothing
		}
		if !strings.HasPrefix(got, fmt.Sprint(code, " ")) {
			t.Errorf("%v: the database %d %s, the export %s: %+v", strings.Join(done, "; "), code, object, got, a.Problems)
		}
	}
}

func TestTheFirstProblemsAreListedInOrderHoweverManyThereAre(t *testing.T) {
	h := testkit.SQLite(t, addExported)
	for range 20 {
		fill(t, h)
	}
	exec(t, h, `UPDATE body SET body=body || ' '`)
	var was string
	for range 5 {
		a, err := h.Store.Verify(t.Context(), testkit.Org, store.VerifyOptions{Limit: 7})
		if err != nil || len(a.Problems) != 7 {
			t.Fatalf("%v %d", err, len(a.Problems))
		}
		for i, p := range a.Problems {
			if p.Entry != int64(i) {
				t.Errorf("problem %d is at entry %d", i, p.Entry)
			}
		}
		if now := fmt.Sprint(a.Problems); was != "" && now != was {
			t.Errorf("the same database gave another list: %s, %s", was, now)
		} else {
			was = now
		}
	}
}

func TestTextThatNotEveryReaderReadsAlikeIsRefused(t *testing.T) {
	type note struct {
		store.Place
		Text string          `json:"text" doc:"Text."`
		Map  map[string]any  `json:"map" doc:"Keys."`
		Raw  json.RawMessage `json:"raw" doc:"From elsewhere."`
	}
	notes := store.Facts[note]("note", "Notes.", nil)
	h := testkit.SQLite(t, func(s *op.Set) { s.Table(notes) })
	for name, x := range map[string]struct {
		row    note
		column string
	}{
		"not UTF-8":            {note{Text: "a\xffb"}, "text"},
		"NUL":                  {note{Text: "a\x00b"}, "text"},
		"value not UTF-8":      {note{Map: map[string]any{"a": []any{map[string]any{"b": "\xff"}}}}, "map"},
		"key not UTF-8":        {note{Map: map[string]any{"\xff": 1}}, "map"},
		"NUL in a value":       {note{Map: map[string]any{"a": "\x00"}}, "map"},
		"NUL in a key":         {note{Map: map[string]any{"a\x00": 1}}, "map"},
		"raw not UTF-8":        {note{Raw: json.RawMessage("\"a\xff\"")}, "raw"},
		"raw with a NUL":       {note{Raw: json.RawMessage(`"\u0000"`)}, "raw"},
		"a replaced character": {note{Text: "\ufffd", Map: map[string]any{`\u0000`: `\ufffd`, "a": "\ufffd"}, Raw: json.RawMessage(`"\ufffd \\u0000"`)}, ""},
	} {
		_, err := h.Store.Change(t.Context(), testkit.Org, store.System("test.write"), func(tx *store.Tx) error {
			_, err := notes.Append(t.Context(), tx, "x", []note{{Text: "fine"}, x.row}, nil)
			return err
		})
		if x.column == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var e *errs.Error
		if !errors.As(err, &e) || e.Code != errs.Invalid || e.Field != "note."+x.column || !strings.Contains(e.Text, "table note") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, got := both(t, h, sign(t, h)); got != "0 -" {
		t.Error(got)
	}
}

func TestACheckpointCarriesTheTimeAtWhichItWasSigned(t *testing.T) {
	testkit.Engines(t, addExported, func(t *testing.T, h *testkit.House) {
		fill(t, h)
		h.Clock.Move(time.Minute)
		now := h.Clock.Now()
		msg := sign(t, h)
		h.Clock.Move(time.Hour)
		if again := sign(t, h); again != msg {
			t.Error("nothing was added, and the note is another one")
		}
		cp, err := ledger.OpenCheckpoint(msg, publicKey(t, h))
		if err != nil || !cp.At.Equal(now) || strings.Split(msg, "\n")[3] != "time 2026-03-06T09:01:02.000Z" {
			t.Errorf("%v %v: %q", err, cp.At, msg)
		}
		if _, err := ledger.OpenCheckpoint(strings.Replace(msg, "time 2026", "time 2025", 1), publicKey(t, h)); err == nil {
			t.Error("the time is not signed")
		}
		if last, err := h.Store.LastCheckpoint(testkit.Org); err != nil || !last.At.Equal(now) {
			t.Errorf("%v %v", last.At, err)
		}
	})
}

func TestAnOrganisationHasANameThatCannotBeTakenForAnother(t *testing.T) {
	h := testkit.SQLite(t, addExported)
	for _, org := range []string{"", "Org", "9org", "_org", "o/../x", "..", "org.x", "org x", "örg", "org\x00", strings.Repeat("o", 65)} {
		_, wrote := h.Store.Change(t.Context(), org, store.System("test.write"), func(tx *store.Tx) error {
			return store.Put(t.Context(), tx, leaflets, &leaflet{Title: "one"})
		})
		_, key := h.Store.PublicKey(org)
		_, anchor := h.Store.LastCheckpoint(org)
		for _, err := range []error{wrote, key, anchor} {
			if err == nil || errs.Public(err).Field != "org" {
				t.Errorf("%q: %v", org, err)
			}
		}
	}
	if orgs, err := h.Store.Orgs(t.Context()); err != nil || len(orgs) != 0 {
		t.Errorf("%v %v", orgs, err)
	}
	for _, org := range []string{"o", "org_a-9", strings.Repeat("o", 64)} {
		if _, err := h.Store.PublicKey(org); err != nil {
			t.Errorf("%q: %v", org, err)
		}
	}
}
