// SPDX-License-Identifier: Apache-2.0

package bars

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/blob"
	"assay/internal/ledger"
	"assay/internal/store"
	"assay/internal/testkit"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// insider is somebody with the whole database, the folder of files and, in the last script, the signing key.
type insider struct {
	t   *testing.T
	f   *furnished
	raw *sql.DB
}

func (x insider) sql(q string, args ...any) {
	x.t.Helper()
	res, err := x.raw.Exec(q, args...)
	if err != nil {
		x.t.Fatalf("%s: %v", q, err)
	}
	if n, _ := res.RowsAffected(); n == 0 && !strings.HasPrefix(q, "DELETE") && !strings.Contains(q, "until") {
		x.t.Errorf("%s: the script changes nothing", q)
	}
}

// entry reads an entry as it stands.
func (x insider) entry(seq int64) ledger.Entry {
	x.t.Helper()
	rows, err := x.raw.Query(`SELECT `+ledger.Columns+` FROM entry e WHERE org=$1 AND seq=$2`, testkit.Org, seq)
	if err != nil {
		x.t.Fatal(err)
	}
	defer rows.Close()
	var e ledger.Entry
	if !rows.Next() {
		x.t.Fatalf("no entry %d", seq)
	}
	if err := ledger.Scan(rows, &e); err != nil {
		x.t.Fatal(err)
	}
	return e
}

// releaf writes the leaf hash that the columns of an entry now give.
func (x insider) releaf(seq int64) {
	e := x.entry(seq)
	leaf := e.Leaf()
	x.sql(`UPDATE entry SET leaf=$1 WHERE org=$2 AND seq=$3`, leaf[:], testkit.Org, seq)
}

// rebody writes another body with a salt of the insider's, and everything that follows from it up to the leaf.
func (x insider) rebody(seq int64, body string) {
	salt := []byte("thirty-two bytes of insider salt")
	d := ledger.Commit(salt, []byte(body))
	x.sql(`UPDATE body SET salt=$1, body=$2 WHERE org=$3 AND seq=$4`, salt, body, testkit.Org, seq)
	x.sql(`UPDATE entry SET digest=$1 WHERE org=$2 AND seq=$3`, d[:], testkit.Org, seq)
	x.releaf(seq)
}

func (x insider) body(seq int64) (s string) {
	x.raw.QueryRow(`SELECT body FROM body WHERE org=$1 AND seq=$2`, testkit.Org, seq).Scan(&s)
	return s
}

func (x insider) size() (n int64) {
	x.raw.QueryRow(`SELECT size FROM head WHERE org=$1`, testkit.Org).Scan(&n)
	return n
}

// cut removes everything from an entry on, as if it had never been.
func (x insider) cut(from int64) {
	for _, q := range []string{`DELETE FROM entry WHERE org=$1 AND seq>=$2`, `DELETE FROM body WHERE org=$1 AND seq>=$2`, `DELETE FROM node WHERE org=$1 AND (ix+1)*256>$2`,
		`DELETE FROM checkpoint WHERE org=$1 AND size>$2`, `DELETE FROM is_memo WHERE org=$1 AND since>=$2`, `DELETE FROM link WHERE org=$1 AND since>=$2`,
		`DELETE FROM f_sighting WHERE org=$1 AND batch>=$2`, `DELETE FROM f_level WHERE org=$1 AND batch>=$2`,
		fmt.Sprintf(`UPDATE is_memo SET until=%d WHERE org=$1 AND until>=$2`, int64(1)<<62), fmt.Sprintf(`UPDATE link SET until=%d WHERE org=$1 AND until>=$2`, int64(1)<<62),
		fmt.Sprintf(`UPDATE f_level SET until=%d WHERE org=$1 AND until>=$2`, int64(1)<<62)} {
		x.sql(q, testkit.Org, from)
	}
	x.sql(`UPDATE head SET size=$1, at=(SELECT at FROM entry WHERE org=$2 AND seq=$3) WHERE org=$2`, from, testkit.Org, from-1)
}

func (x insider) anchor() string { return filepath.Join(x.f.Dir, "anchor", testkit.Org+".checkpoint") }

// sign signs a checkpoint over what stands there now, with a key of its own or with the stolen one.
func (x insider) sign(skey string) (string, int64) {
	leaves := []tlog.Hash{}
	rows, err := x.raw.Query(`SELECT leaf FROM entry WHERE org=$1 ORDER BY seq`, testkit.Org)
	if err != nil {
		x.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		rows.Scan(&b)
		leaves = append(leaves, tlog.Hash(b))
	}
	root := rootOf(leaves)
	s, err := note.NewSigner(skey)
	if err != nil {
		x.t.Fatal(err)
	}
	n, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", ledger.Origin(testkit.Org), len(leaves), base64.StdEncoding.EncodeToString(root[:]))}, s)
	if err != nil {
		x.t.Fatal(err)
	}
	return string(n), int64(len(leaves))
}

// rootOf is the root of RFC 6962, written a second time and as the RFC says it.
func rootOf(l []tlog.Hash) tlog.Hash {
	if len(l) == 0 {
		return sha256.Sum256(nil)
	}
	if len(l) == 1 {
		return l[0]
	}
	k := 1
	for k*2 < len(l) {
		k *= 2
	}
	return tlog.NodeHash(rootOf(l[:k]), rootOf(l[k:]))
}

func (x insider) stolenKey() string {
	b, err := os.ReadFile(filepath.Join(x.f.Dir, "keys", testkit.Org+".key"))
	if err != nil {
		x.t.Fatal(err)
	}
	skey, _, _ := strings.Cut(string(b), "\n")
	return skey
}

// rebuild makes the tree and the checkpoints anew over what stands there now, and the anchor with them.
func (x insider) rebuild() {
	x.sql(`DELETE FROM checkpoint WHERE org=$1`, testkit.Org)
	leaves := map[int64]tlog.Hash{}
	for seq := range x.size() {
		x.releaf(seq)
		e := x.entry(seq)
		leaves[seq] = e.Leaf()
	}
	for ix := int64(0); (ix+1)*256 <= x.size(); ix++ {
		var l []tlog.Hash
		for i := range int64(256) {
			l = append(l, leaves[ix*256+i])
		}
		h := rootOf(l)
		x.sql(`UPDATE node SET hash=$1 WHERE org=$2 AND level=8 AND ix=$3`, h[:], testkit.Org, ix)
	}
	msg, _ := x.sign(x.stolenKey())
	os.WriteFile(x.anchor(), []byte(msg), 0o644)
}

const victim = 7 // an entry in the middle: the first state of a memo

// scripts are what an insider may try. Each leaves as little behind as it can.
var scripts = []struct {
	name string
	do   func(insider)
}{
	{"edit a body", func(x insider) {
		x.sql(`UPDATE body SET body=replace(body,'Memo','Mono') WHERE org=$1 AND seq=0`, testkit.Org)
	}},
	{"edit a body, its salt and digest", func(x insider) { x.rebody(0, strings.Replace(x.body(0), "Memo", "Mono", 1)) }},
	{"edit a body, and write the leaf anew", func(x insider) { x.rebody(1, strings.Replace(x.body(1), "root", "toor", 1)) }},
	{"edit a column of the index", func(x insider) { x.sql(`UPDATE is_memo SET state='approved' WHERE org=$1`, testkit.Org) }},
	{"edit an entry", func(x insider) { x.sql(`UPDATE entry SET op='memo.approve' WHERE org=$1 AND seq=3`, testkit.Org) }},
	{"edit an entry and its leaf", func(x insider) {
		x.sql(`UPDATE entry SET op='memo.approve' WHERE org=$1 AND seq=3`, testkit.Org)
		x.releaf(3)
	}},
	{"forge the actor", func(x insider) {
		x.sql(`UPDATE entry SET actor='usr_eve' WHERE org=$1 AND seq=4`, testkit.Org)
		x.releaf(4)
	}},
	{"forge the face", func(x insider) { x.sql(`UPDATE entry SET via='web' WHERE org=$1 AND seq=4`, testkit.Org); x.releaf(4) }},
	{"back-date an entry", func(x insider) {
		x.sql(`UPDATE entry SET at=at-86400000 WHERE org=$1 AND seq=6`, testkit.Org)
		x.releaf(6)
	}},
	{"back-date everything by a day", func(x insider) {
		x.sql(`UPDATE entry SET at=at-86400000 WHERE org=$1`, testkit.Org)
		x.sql(`UPDATE head SET at=at-86400000 WHERE org=$1`, testkit.Org)
		x.sql(`UPDATE checkpoint SET at=at-86400000 WHERE org=$1`, testkit.Org)
		for seq := range x.size() {
			x.releaf(seq)
		}
	}},
	{"change a revision", func(x insider) { x.sql(`UPDATE entry SET rev=rev+1 WHERE org=$1 AND seq=0`, testkit.Org); x.releaf(0) }},
	{"give an entry to another thing", func(x insider) {
		x.sql(`UPDATE entry SET id=(SELECT id FROM entry WHERE org=$1 AND seq=3) WHERE org=$1 AND seq=0`, testkit.Org)
		x.releaf(0)
	}},
	{"delete the last entry", func(x insider) { x.cut(x.size() - 1) }},
	{"delete the tail", func(x insider) { x.cut(x.size() - 20) }},
	{"delete an entry in the middle", func(x insider) { x.sql(`DELETE FROM entry WHERE org=$1 AND seq=$2`, testkit.Org, victim) }},
	{"delete an entry in the middle and close the gap", func(x insider) {
		x.sql(`DELETE FROM entry WHERE org=$1 AND seq=$2`, testkit.Org, victim)
		for _, table := range []string{"entry", "body"} {
			if table == "body" {
				x.sql(`DELETE FROM body WHERE org=$1 AND seq=$2`, testkit.Org, victim)
			}
			for seq := int64(victim + 1); seq < x.size(); seq++ {
				x.sql(`UPDATE `+table+` SET seq=seq-1 WHERE org=$1 AND seq=$2`, testkit.Org, seq)
			}
		}
		x.sql(`UPDATE head SET size=size-1 WHERE org=$1`, testkit.Org)
		for seq := range x.size() {
			x.releaf(seq)
		}
	}},
	{"swap two entries", func(x insider) {
		x.sql(`UPDATE entry SET seq=-1 WHERE org=$1 AND seq=2`, testkit.Org)
		x.sql(`UPDATE entry SET seq=2 WHERE org=$1 AND seq=5`, testkit.Org)
		x.sql(`UPDATE entry SET seq=5 WHERE org=$1 AND seq=-1`, testkit.Org)
		x.releaf(2)
		x.releaf(5)
	}},
	{"insert an entry at the end", func(x insider) {
		n := x.size()
		x.sql(`INSERT INTO entry SELECT org, $2, at, actor, via, op, kind, id, rev, digest, leaf FROM entry WHERE org=$1 AND seq=0`, testkit.Org, n)
		x.sql(`INSERT INTO body SELECT org, $2, salt, body FROM body WHERE org=$1 AND seq=0`, testkit.Org, n)
	}},
	{"replay an old version", func(x insider) {
		x.sql(`UPDATE body SET salt=(SELECT salt FROM body WHERE org=$1 AND seq=0), body=(SELECT body FROM body WHERE org=$1 AND seq=0) WHERE org=$1 AND seq=3`, testkit.Org)
	}},
	{"show an old version as the newest", func(x insider) {
		x.sql(fmt.Sprintf(`UPDATE is_memo SET until=CASE WHEN until=%d THEN since+1 ELSE %d END WHERE org=$1 AND id=(SELECT id FROM is_memo WHERE org=$1 AND rev=2 LIMIT 1)`, int64(1)<<62, int64(1)<<62), testkit.Org)
	}},
	{"bring an ended thing back", func(x insider) {
		x.sql(fmt.Sprintf(`UPDATE is_memo SET until=%d WHERE org=$1 AND until IN (SELECT e.seq FROM entry e JOIN body b ON b.org=e.org AND b.seq=e.seq WHERE e.org=$1 AND b.body='null')`, int64(1)<<62), testkit.Org)
	}},
	{"hide a thing from the index", func(x insider) { x.sql(`DELETE FROM is_memo WHERE org=$1 AND since=3`, testkit.Org) }},
	{"cut a link", func(x insider) {
		x.sql(`DELETE FROM link WHERE org=$1 AND since=(SELECT min(since) FROM link WHERE org=$1)`, testkit.Org)
	}},
	{"point a link elsewhere", func(x insider) {
		x.sql(`UPDATE link SET to_id='mem_elsewhere' WHERE org=$1 AND since=(SELECT min(since) FROM link WHERE org=$1)`, testkit.Org)
	}},
	{"turn a bad result into a good one", func(x insider) { x.sql(`UPDATE f_sighting SET well=1 WHERE org=$1 AND well=0`, testkit.Org) }},
	{"turn a result and its commitment", func(x insider) {
		x.sql(`UPDATE f_level SET salt=NULL, level=99, h=$2 WHERE org=$1 AND batch=2`, testkit.Org, make([]byte, 32))
	}},
	{"take the salt from a result and change it", func(x insider) {
		x.sql(`UPDATE f_sighting SET salt=NULL, n_seen=99 WHERE org=$1 AND batch=1 AND n=0`, testkit.Org)
	}},
	{"delete a row of a batch", func(x insider) { x.sql(`DELETE FROM f_sighting WHERE org=$1 AND batch=1 AND n=1`, testkit.Org) }},
	{"remove a body without a disposal", func(x insider) { x.sql(`UPDATE body SET salt=NULL, body=NULL WHERE org=$1 AND seq=0`, testkit.Org) }},
	{"replace a file by one of the same length", func(x insider) {
		var sha string
		x.f.files.Walk(context.Background(), func(in blob.Info) error { sha = in.SHA256; return nil })
		p := blobPath(x.f.dir, sha)
		b, _ := os.ReadFile(p)
		os.Chmod(p, 0o600)
		os.WriteFile(p, []byte(strings.Repeat("y", len(b))), 0o400)
	}},
	{"delete a file", func(x insider) {
		var sha string
		x.f.files.Walk(context.Background(), func(in blob.Info) error { sha = in.SHA256; return nil })
		os.Remove(blobPath(x.f.dir, sha))
	}},
	{"sign with a key of one's own", func(x insider) {
		skey, _, _ := note.GenerateKey(nil, ledger.Origin(testkit.Org))
		msg, n := x.sign(skey)
		x.sql(`UPDATE checkpoint SET note=$1 WHERE org=$2 AND size=$3`, msg, testkit.Org, n)
	}},
	{"delete the checkpoints and the anchor, and cut the tail", func(x insider) {
		x.cut(x.size() - 9)
		x.sql(`DELETE FROM checkpoint WHERE org=$1`, testkit.Org)
		os.Remove(x.anchor())
	}},
	{last, func(x insider) {
		x.sql(`UPDATE entry SET actor='usr_eve' WHERE org=$1 AND seq=4`, testkit.Org)
		x.rebuild()
	}},
}

const last = "rebuild the tree and sign it with the stolen key"

func TestB12EveryInsiderScriptIsDetected(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		if engine == "postgres" && testkit.Fast() {
			continue
		}
		t.Run(engine, func(t *testing.T) {
			found, tried := 0, 0
			for i, s := range scripts {
				if engine == "postgres" && !full() && i%6 != 0 {
					continue
				}
				tried++
				x := robbed(t, s.do)
				a := x.f.verify(t, x.f.saved)
				if len(a.Problems) == 0 || a.Problems[0].Object == "" {
					t.Errorf("%s: not detected", s.name)
					continue
				}
				found++
				if s.name == last && a.Problems[0].Class != store.Diverged {
					t.Errorf("%s: %+v", s.name, a.Problems[0])
				}
			}
			figure("B12 %s: %d of %d insider scripts detected", engine, found, tried)
		})
	}
}

// robbed is a house after an insider was in it.
func robbed(t *testing.T, do func(insider)) insider {
	h := testkit.SQLite(t, declare)
	if strings.HasSuffix(t.Name(), "postgres") {
		h = testkit.Postgres(t, declare)
	}
	x := insider{t, furnish(t, h, 20), h.Raw(t)}
	x.f.clean(t)
	do(x)
	return x
}

func TestB12ControlWithoutAKeptCheckpointTheStolenKeyIsNotNoticedAndTheAuditSaysSo(t *testing.T) {
	for _, s := range scripts {
		if s.name != last {
			continue
		}
		x := robbed(t, s.do)
		a := x.f.verify(t)
		if len(a.Problems) != 0 {
			t.Fatalf("the bar finds it without a kept checkpoint: %+v", a.Problems)
		}
		if a.Kept != 0 || !strings.Contains(strings.Join(a.Unheld, "\n"), "kept outside") {
			t.Errorf("the audit does not say what it was not held against: %+v", a)
		}
		figure("B12 control: without a kept checkpoint the stolen key is missed, and the audit says: %s", a.Unheld[0])
	}
}
