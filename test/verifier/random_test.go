// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"assay/internal/ledger"
)

// dice makes ledgers from a seed.
type dice struct{ *rand.Rand }

func (d dice) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

// words is text of every sort that a JSON string can hold.
func (d dice) words() string {
	var b strings.Builder
	for range d.IntN(6) {
		b.WriteString(d.one("plain", " ", "quote \"", "back\\slash", "line\nend", "tab\t", "\b\f\r", "\x01\x1f\x7f", "é", "日本", "🙂", "\u2028", "/", "<&>", "—", "\ufeff", "\u00a0"))
	}
	return b.String()
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// log makes a sound ledger of up to 40 entries.
func (d dice) log() *log {
	l := &log{org: d.one("org_example", "org_northwind", "a", "o9_b-c"), format: "assay-ledger/v1", public: d.IntN(12) == 0}
	l.signer, l.key = seedKey(d.bytes(32), l.org)
	if d.IntN(10) < 7 {
		l.trusted = l.key
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := d.IntN(41)
	gone := map[int]bool{}
	for i := range n {
		at = at.Add(time.Duration(d.IntN(4)*d.IntN(90_000_000)) * time.Millisecond)
		l.entries = append(l.entries, d.entry(l, i, at, gone))
	}
	l.reseal()
	for range d.IntN(4) {
		l.kept = append(l.kept, l.checkpoint(d.IntN(n+1), l.signer))
	}
	for i := range gone {
		e := &l.entries[i]
		e.hasBody, e.hasSalt, e.rows = false, false, nil
	}
	return l
}

func (d dice) entry(l *log, i int, at time.Time, gone map[int]bool) entry {
	e := entry{Entry: ledger.Entry{Org: l.org, Seq: int64(i), At: at, Actor: d.one("usr_one", "usr_two", "system", "tok_ci"), Via: d.one("rest", "cli", "mcp", "web", "system"), ID: fmt.Sprintf("x_%d", d.IntN(9)), Rev: 1 + d.Int64N(5)},
		salt: d.bytes(32), hasSalt: true, hasBody: true}
	switch d.IntN(8) {
	case 0, 1:
		e.Kind, e.Op, e.Rev = d.one("sign_in", "run", "result"), "collect.run", 0
		for n := range d.IntN(9) {
			r := row{batch: int64(i), n: int64(n), table: e.Kind, salt: d.bytes(16), text: `{"a":` + quoted(d.words()) + `,"b":` + fmt.Sprint(d.IntN(100)) + `}`, hasSalt: true, hasText: true}
			r.commit()
			e.rows = append(e.rows, r)
		}
		e.batch()
		return e
	case 2:
		e.Kind, e.Op, e.body = "risk", "risk.end", "null"
	case 3:
		e.Kind, e.Op, e.body = "disposal", "disposal.create", d.disposal(l, i, gone)
	default:
		e.Kind, e.Op = d.one("risk", "control", "policy"), "control.update"
		e.body = `{"id":"` + e.ID + `","title":` + quoted(d.words()) + `,"score":` + d.one("1", "2.5", "-3e2", "12345678901234567890") + `}`
	}
	e.commit()
	return e
}

// disposal removes bodies and rows, and says so.
func (d dice) disposal(l *log, i int, gone map[int]bool) string {
	entries, rows := []string{}, []string{}
	for range d.IntN(3) {
		if i == 0 {
			break
		}
		s := d.IntN(i)
		e := &l.entries[s]
		switch {
		case e.Kind == "disposal" || gone[s]:
		case len(e.rows) > 0 && d.IntN(2) == 0:
			r := &e.rows[d.IntN(len(e.rows))]
			r.hasSalt, r.hasText = false, false
			rows = append(rows, fmt.Sprintf(`{"batch":%d,"n":[%d]}`, s, r.n))
		default:
			gone[s] = true
			entries = append(entries, fmt.Sprint(s))
		}
	}
	return `{"id":"dsp","entries":[` + strings.Join(entries, ",") + `],"reason":` + quoted(d.words()) + `,"rows":[` + strings.Join(rows, ",") + `]}`
}

// tampered is a log after somebody has been at it, with the verdict that it must get.
type tampered struct {
	lines  []string
	code   int
	object string
}

// at is the place of the line of entry i.
func (l *log) at(i int) int {
	n := 1
	for _, e := range l.entries[:i] {
		n++
		if !l.public {
			n += len(e.rows)
		}
	}
	return n
}

// span is how many lines entry i has.
func (l *log) span(i int) int {
	if l.public {
		return 1
	}
	return 1 + len(l.entries[i].rows)
}

// pick chooses an entry for which ok holds; -1 where there is none.
func (d dice) pick(l *log, ok func(i int, e *entry) bool) int {
	var fit []int
	for i := range l.entries {
		if ok(i, &l.entries[i]) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return -1
	}
	return fit[d.IntN(len(fit))]
}

func every(int, *entry) bool { return true }

func plain(_ int, e *entry) bool { return e.Kind != "disposal" }

func (l *log) whole(_ int, e *entry) bool { return !l.public && e.hasBody }

// pickRow chooses a row, of those with text where full is asked for.
func (d dice) pickRow(l *log, full bool) (*entry, int) {
	i := d.pick(l, func(_ int, e *entry) bool {
		return !l.public && slices.ContainsFunc(e.rows, func(r row) bool { return !full || r.hasText })
	})
	if i < 0 {
		return nil, 0
	}
	e := &l.entries[i]
	for {
		if n := d.IntN(len(e.rows)); !full || e.rows[n].hasText {
			return e, n
		}
	}
}

// random is test case number n of the large set: its files and the verdict they must get.
func random(n int) (l *log, t tampered, kind string) {
	seed := sha256.Sum256(fmt.Appendf(nil, "assay vectors %d", n))
	d := dice{rand.New(rand.NewChaCha8(seed))}
	l = d.log()
	if n%2 == 0 {
		return l, tampered{l.lines(), 0, "-"}, "none"
	}
	for {
		k := tampers[d.IntN(len(tampers))]
		if t := k.do(d, l); t.object != "" {
			if t.lines == nil {
				t.lines = l.lines()
			}
			return l, t, k.name
		}
	}
}

// flippable is a sound log with a key that is trusted, and the dice to go on with.
func flippable(n int) (*log, tampered, dice) {
	seed := sha256.Sum256(fmt.Appendf(nil, "assay flips %d", n))
	d := dice{rand.New(rand.NewChaCha8(seed))}
	l := d.log()
	l.trusted = l.key
	return l, tampered{l.lines(), 0, "-"}, d
}
