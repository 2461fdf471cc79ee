// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// tamper does one thing to a log and says what the verdict must be, from what it did and not from
// looking: no object means that it could not be done to this log.
type tamper struct {
	name string
	do   func(dice, *log) tampered
}

func found(code int, object string, a ...any) tampered {
	return tampered{nil, code, fmt.Sprintf(object, a...)}
}

var not tampered

// tampers are the ways to tamper. None changes the log before it knows that it can go through with it.
var tampers = []tamper{
	{"a field of an entry is changed", func(d dice, l *log) tampered {
		i := d.pick(l, every)
		if i < 0 {
			return not
		}
		l.entries[i].Actor = "usr_forged"
		return found(2, "entry %d", i)
	}},
	{"a field and the leaf are changed", func(d dice, l *log) tampered {
		i := d.pick(l, every)
		if i < 0 {
			return not
		}
		e := &l.entries[i]
		e.Actor = "usr_forged"
		h := e.Leaf()
		e.leaf = fmt.Sprintf("%x", h[:])
		return found(2, "root")
	}},
	{"a body is changed", func(d dice, l *log) tampered {
		i := d.pick(l, l.whole)
		if i < 0 {
			return not
		}
		l.entries[i].body += " "
		return found(2, "body of entry %d", i)
	}},
	{"a body and its salt are removed", func(d dice, l *log) tampered {
		i := d.pick(l, func(i int, e *entry) bool { return l.whole(i, e) && plain(i, e) })
		if i < 0 {
			return not
		}
		l.entries[i].hasBody, l.entries[i].hasSalt = false, false
		return found(3, "body of entry %d", i)
	}},
	{"a salt is removed", func(d dice, l *log) tampered {
		i := d.pick(l, l.whole)
		if i < 0 {
			return not
		}
		l.entries[i].hasSalt = false
		return found(2, "body of entry %d", i)
	}},
	{"two bodies are swapped", func(d dice, l *log) tampered {
		ok := func(i int, e *entry) bool { return l.whole(i, e) && plain(i, e) && e.Rev > 0 }
		i, j := d.pick(l, ok), d.pick(l, ok)
		if i < 0 || i == j {
			return not
		}
		a, b := &l.entries[i], &l.entries[j]
		a.body, a.salt, b.body, b.salt = b.body, b.salt, a.body, a.salt
		return found(2, "body of entry %d", min(i, j))
	}},
	{"an entry is removed", func(d dice, l *log) tampered {
		i := d.pick(l, plain)
		if i < 0 {
			return not
		}
		ls, at := l.lines(), l.at(i)
		return tampered{slices.Delete(ls, at, at+l.span(i)), 3, fmt.Sprintf("entry %d", i)}
	}},
	{"an entry is removed, its rows are left", func(d dice, l *log) tampered {
		i := d.pick(l, func(_ int, e *entry) bool { return len(e.rows) > 0 })
		if i < 0 {
			return not
		}
		ls, at := l.lines(), l.at(i)
		return tampered{slices.Delete(ls, at, at+1), 3, fmt.Sprintf("entry %d", i)}
	}},
	{"an entry stands twice", func(d dice, l *log) tampered {
		i := d.pick(l, every)
		if i < 0 {
			return not
		}
		ls, at, j := l.lines(), l.at(i), i+d.IntN(len(l.entries)-i)
		return tampered{slices.Insert(ls, l.at(j)+l.span(j), slices.Clone(ls[at:at+l.span(i)])...), 3, fmt.Sprintf("entry %d", i)}
	}},
	{"two entries are swapped", func(d dice, l *log) tampered {
		i := d.pick(l, func(i int, e *entry) bool { return plain(i, e) && i+1 < len(l.entries) })
		if i < 0 {
			return not
		}
		ls, at := l.lines(), l.at(i)
		one := slices.Clone(ls[at : at+l.span(i)])
		ls = slices.Delete(ls, at, at+l.span(i))
		return tampered{slices.Insert(ls, at+l.span(i+1), one...), 3, fmt.Sprintf("entry %d", i)}
	}},
	{"an entry is added at the end", func(d dice, l *log) tampered {
		i := d.pick(l, every)
		if i < 0 {
			return not
		}
		n := len(l.entries)
		e := l.entries[i]
		e.Seq, e.rows = int64(n), nil
		h := e.Leaf()
		e.leaf = fmt.Sprintf("%x", h[:])
		l.entries = append(l.entries, e)
		return found(3, "entry %d", n)
	}},
	{"a row is changed", func(d dice, l *log) tampered {
		e, n := d.pickRow(l, true)
		if e == nil {
			return not
		}
		e.rows[n].text += " "
		return found(2, "row %d of batch %d", n, e.Seq)
	}},
	{"a row and its commitment are changed", func(d dice, l *log) tampered {
		e, n := d.pickRow(l, true)
		if e == nil {
			return not
		}
		e.rows[n].text += " "
		e.rows[n].commit()
		return found(2, "batch %d", e.Seq)
	}},
	{"a row is removed", func(d dice, l *log) tampered {
		e, n := d.pickRow(l, false)
		if e == nil {
			return not
		}
		e.rows = slices.Delete(e.rows, n, n+1)
		return found(3, "row %d of batch %d", n, e.Seq)
	}},
	{"a row is added", func(d dice, l *log) tampered {
		e, _ := d.pickRow(l, false)
		if e == nil {
			return not
		}
		r := e.rows[0]
		r.n = int64(len(e.rows))
		e.rows = append(e.rows, r)
		return found(3, "row %d of batch %d", r.n, e.Seq)
	}},
	{"a row stands twice", func(d dice, l *log) tampered {
		e, n := d.pickRow(l, false)
		if e == nil {
			return not
		}
		e.rows = slices.Insert(e.rows, n+1, e.rows[n])
		return found(3, "row %d of batch %d", n, e.Seq)
	}},
	{"a row is emptied", func(d dice, l *log) tampered {
		e, n := d.pickRow(l, true)
		if e == nil {
			return not
		}
		e.rows[n].hasSalt, e.rows[n].hasText = false, false
		return found(3, "row %d of batch %d", n, e.Seq)
	}},
	{"a row says another table", func(d dice, l *log) tampered {
		e, n := d.pickRow(l, false)
		if e == nil {
			return not
		}
		e.rows[n].table = "other"
		return found(2, "row %d of batch %d", n, e.Seq)
	}},
	{"two rows are swapped with their numbers", func(d dice, l *log) tampered {
		i := d.pick(l, func(_ int, e *entry) bool { return !l.public && len(e.rows) > 1 })
		if i < 0 {
			return not
		}
		r := l.entries[i].rows
		if !r[0].hasText || !r[1].hasText {
			return not
		}
		r[0], r[1] = r[1], r[0]
		r[0].n, r[1].n = 0, 1
		return found(2, "batch %d", i)
	}},
	{"another key signed", func(d dice, l *log) tampered {
		other, _ := seedKey(d.bytes(32), l.org)
		l.note = l.checkpoint(len(l.entries), other)
		return found(4, "checkpoint")
	}},
	{"the signature is broken", func(d dice, l *log) tampered {
		l.note = breakNote(d, l.note)
		return found(4, "checkpoint")
	}},
	{"a kept checkpoint is broken", func(d dice, l *log) tampered {
		if len(l.kept) == 0 {
			return not
		}
		i := d.IntN(len(l.kept))
		l.kept[i] = breakNote(d, l.kept[i])
		return found(4, "kept %d", i+1)
	}},
	{"the file has another key than the trusted one", func(d dice, l *log) tampered {
		_, l.trusted = seedKey(d.bytes(32), l.org)
		return found(4, "key")
	}},
	{"the key is malformed", func(d dice, l *log) tampered {
		l.key = d.one("", "assay/"+l.org, strings.ToUpper(l.key), l.key+"=", l.key[:len(l.key)-1], " "+l.key, strings.Replace(l.key, "assay/", "assay//", 1), oddKey(d, l))
		return found(4, "key")
	}},
	{"it is the ledger of another organisation", func(d dice, l *log) tampered {
		var signer note.Signer
		signer, l.key = seedKey(d.bytes(32), "org_elsewhere")
		l.trusted, l.note = l.key, l.checkpoint(len(l.entries), signer)
		return found(4, "key")
	}},
	{"the size in the header is changed", func(d dice, l *log) tampered {
		l.size += 1 + d.Int64N(3)
		return found(2, "header")
	}},
	{"the checkpoint is removed", func(d dice, l *log) tampered {
		ls := l.lines()
		return tampered{ls[:len(ls)-1], 3, "checkpoint"}
	}},
	{"the file is cut off after a line", func(d dice, l *log) tampered {
		ls := l.lines()
		return tampered{ls[:1+d.IntN(len(ls)-1)], 3, "checkpoint"}
	}},
	{"the file is empty", func(d dice, l *log) tampered { return tampered{[]string{}, 3, "header"} }},
	{"a line is not in canonical form", func(d dice, l *log) tampered {
		ls := l.lines()
		i := d.IntN(len(ls))
		switch d.IntN(9) {
		case 0:
			ls[i] = strings.Replace(ls[i], `":`, `": `, 1)
		case 1:
			ls[i] += " "
		case 2:
			ls[i] += "\r"
		case 3:
			ls[i] = "\ufeff" + ls[i]
		case 4:
			ls[i] = ls[i][:len(ls[i])-1] + `,"zzz":1}`
		case 5:
			ls[i] = ls[i][:len(ls[i])-2]
		case 6:
			ls[i] = strings.Replace(ls[i], "assay", `\u0061ssay`, 1) + "\t"
		case 7:
			ls[i] = strings.Replace(ls[i], `"`, "\"\xff", 1)
		case 8:
			ls[i] = ""
		}
		return tampered{ls, 2, fmt.Sprintf("line %d", i+1)}
	}},
	{"a value is not of its type", func(d dice, l *log) tampered {
		i := d.pick(l, every)
		if i < 0 {
			return not
		}
		ls, at := l.lines(), l.at(i)
		swap := [][2]string{{`"v":1`, `"v":2`}, {`"rev":`, `"rev":0`}, {`"rev":`, `"rev":-`}, {`,"kind"`, `,"kinds"`}, {`Z","digest"`, `0Z","digest"`}, {`"at":"2026-`, `"at":"2026-02-30`},
			{`"leaf":"`, `"leaf":"A`}, {`"via":"`, `"via":" `}, {`"actor":"`, `"actor":"é`}, {`"id":"`, `"id":"` + strings.Repeat("x", 80)}, {`"seq":`, `"seq":9007199254740992`}, {`,"v":1`, `,"v":1.0`}}
		s := swap[d.IntN(len(swap))]
		ls[at] = strings.Replace(ls[at], s[0], s[1], 1)
		return tampered{ls, 2, fmt.Sprintf("line %d", at+1)}
	}},
	{"a line stands after the checkpoint", func(d dice, l *log) tampered {
		ls := l.lines()
		n := len(ls)
		return tampered{append(ls, d.one("", ls[n-1], ls[0], "{}")), 3, fmt.Sprintf("line %d", n+1)}
	}},
	{"the format is unknown", func(d dice, l *log) tampered {
		l.format = d.one("assay-ledger/v2", "", "other")
		return found(1, "header")
	}},
	{"a public file has bodies", func(d dice, l *log) tampered {
		i := d.pick(l, l.whole)
		if i < 0 {
			return not
		}
		l.public = true
		ls := l.lines()
		ls[l.at(i)] = l.entries[i].line(false)
		return tampered{ls, 2, fmt.Sprintf("line %d", l.at(i)+1)}
	}},
}

func sizeOf(msg string) int {
	var n int
	fmt.Sscan(strings.Split(msg, "\n")[1], &n)
	return n
}

// oddKey is a true key with a name that no organisation may have.
func oddKey(d dice, l *log) string {
	_, key := seedKey(d.bytes(32), d.one("Org_example", "9org", "_org", "org.example", "org/example", "örg", strings.Repeat("o", 65)))
	return key
}

// breakNote makes a signed note that nobody signed.
func breakNote(d dice, msg string) string {
	out := strings.Split(msg, "\n")
	switch d.IntN(6) {
	case 5: // the time
		out[3] = strings.Replace(out[3], "time 2026", "time 2025", 1)
	case 0: // a character of the root
		c := "A"
		if out[2][0] == 'A' {
			c = "B"
		}
		out[2] = c + out[2][1:]
	case 1:
		out[1] = out[1] + "0" + d.one("", "1")
		if out[1] == "00" {
			out[1] = "07"
		}
	case 2: // a character in the middle of the signature
		c := "A"
		if out[5][len(out[5])-20] == 'A' {
			c = "B"
		}
		out[5] = out[5][:len(out[5])-20] + c + out[5][len(out[5])-19:]
	case 3:
		return strings.TrimSuffix(msg, "\n")
	case 4:
		return strings.Replace(msg, "\n\n", "\n", 1)
	}
	return strings.Join(out, "\n")
}
