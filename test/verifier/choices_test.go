// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"assay/internal/ledger"
	"golang.org/x/mod/sumdb/note"
)

// A choice is a file on which two readers of the page could differ: where the page once left a choice, and
// what the page now says about it.
type choice struct {
	about   string
	file    []byte
	trusted string
	kept    []string
	code    int
	object  string
}

// from makes a choice out of the example of appendix A, which is signed anew unless only its lines change.
func from(about string, code int, object string, change func(*log)) choice {
	l := example()
	change(l)
	return choice{about, tampered{lines: l.lines()}.file(), l.trusted, l.kept, code, object}
}

// lines makes a choice by changing the lines of the example.
func lines(about string, code int, object string, change func([]string) []string) choice {
	return choice{about, []byte(strings.Join(change(append(example().lines(), "")), "\n")), "", nil, code, object}
}

// header makes a choice by putting another line 1 in front of the example.
func header(about string, code int, object, line string) choice {
	return lines(about, code, object, func(l []string) []string { l[0] = line; return l })
}

// disposing makes a choice of another body of the disposal: entry 0 and row 0 of batch 1 are gone.
func disposing(about string, code int, object, body string) choice {
	return from(about, code, object, func(l *log) {
		l.entries[1].rows[0].hasSalt, l.entries[1].rows[0].hasText = false, false
		e := &l.entries[3]
		e.body = body
		e.commit()
		l.reseal()
	})
}

func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func choices() []choice {
	return slices.Concat(choicesOfLines(), choicesOfBodies(), choicesOfRows(), choicesOfKeys(), choicesOfTimes())
}

func choicesOfLines() []choice {
	head := example().lines()[0]
	other := strings.Replace(head, "assay-ledger/v1", "other", 1)
	return []choice{
		header("line 1 has another format and is not UTF-8", 2, "line 1", strings.Replace(other, "vectors", "vectors\xff", 1)),
		header("line 1 has another format behind a byte order mark", 2, "line 1", "\ufeff"+other),
		header("line 1 says two formats, the last is another", 1, "header", strings.Replace(head, `"key"`, `"format":"other","key"`, 1)),
		header("line 1 says two formats, the first is another", 2, "line 1", strings.Replace(head, `"format"`, `"format":"other","format"`, 1)),
		header("line 1 has another format and spaces", 1, "header", " { \"format\" :\t\"other\" } "),
		header("line 1 has a format that is no text", 2, "line 1", `{"format":1}`),
		header("line 1 has another format within a member", 2, "line 1", `{"x":{"format":"other"}}`),
		header("line 1 has another format in a list", 2, "line 1", `[{"format":"other"}]`),
		header("line 1 has another format and 10,000 levels", 1, "header", `{"format":"other","x":`+nested(9_999)+`}`),
		header("line 1 has another format and 10,001 levels", 2, "line 1", `{"format":"other","x":`+nested(10_000)+`}`),
		header("line 1 has another format and half a surrogate pair", 1, "header", `{"format":"other","x":"\ud83d"}`),
		header("line 1 is in form but for half a surrogate pair", 2, "line 1", strings.Replace(head, "vectors", `\ud83d`, 1)),
		header("line 1 is in form but for an escaped surrogate pair", 2, "line 1", strings.Replace(head, "vectors", `\ud83d\ude42`, 1)),
		header("line 1 is empty", 2, "line 1", ""),
		lines("line 1 has another format and no line end", 1, "header", func([]string) []string { return []string{other} }),
		lines("line 1 has no line end", 2, "line 1", func(l []string) []string { return l[:1] }),
		lines("the last line has no line end", 2, "line 9", func(l []string) []string { return l[:9] }),
		lines("a line without an end stands after the checkpoint", 3, "line 10", func(l []string) []string { l[9] = "\xff"; return l }),
		lines("a salt has a line end in its base64", 2, "line 3", func(l []string) []string {
			l[2] = strings.Replace(l[2], `"salt":"oaGh`, `"salt":"oaGh\n`, 1)
			return l
		}),
		lines("the salt of a row has a line end in its base64", 2, "line 4", func(l []string) []string {
			l[3] = strings.Replace(l[3], `"salt":"sLCw`, `"salt":"sLCw\r\n`, 1)
			return l
		}),
	}
}

func choicesOfBodies() []choice {
	body := func(entries, rows string) string { return `{"entries":` + entries + `,"rows":` + rows + `}` }
	row := `[{"batch":1,"n":[0]}]`
	return []choice{
		disposing("a disposal counts with -0, 0e5 and 10e-1", 0, "-", body("[-0]", `[{"batch":10e-1,"n":[0e5]}]`)),
		disposing("a disposal counts with numbers that doubles round to others", 0, "-", body("[1e-400,9007199254740991.4]", `[{"batch":1.00000000000000000001,"n":[0]}]`)),
		disposing("a disposal counts with 2^53 + 1, which is 2^53 as a double", 3, "body of entry 0", body("[0,9007199254740993]", row)),
		disposing("a disposal counts with a number beyond doubles", 3, "body of entry 0", body("[0,1e400]", row)),
		disposing("a disposal has 10,000 levels", 0, "-", `{"entries":[0],"rows":`+row+`,"x":`+nested(9_999)+`}`),
		disposing("a disposal has 10,001 levels", 3, "body of entry 0", `{"entries":[0],"rows":`+row+`,"x":`+nested(10_000)+`}`),
		disposing("a disposal has half a surrogate pair in its own JSON", 0, "-", `{"entries":[0],"reason":"\ud83d","\udead":1,"rows":`+row+`}`),
		disposing("a disposal has spaces and line ends around", 0, "-", " \r\n\t"+body("[ 0 ]", row)+"\n "),
		disposing("a disposal has a byte order mark in front", 3, "body of entry 0", "\ufeff"+body("[0]", row)),
		disposing("a disposal has something behind its object", 3, "body of entry 0", body("[0]", row)+"{}"),
		disposing("a disposal has names in capitals", 3, "body of entry 0", `{"Entries":[0],"ROWS":`+row+`}`),
		disposing("members of rows that stand twice or that nobody knows", 0, "-", body("[0]", `[{"batch":7,"n":"all","why":{},"batch":1,"n":[0]}]`)),
		disposing("rows without n", 3, "row 0 of batch 1", body("[0]", `[{"batch":1,"n":[0]},{"batch":1}]`)),
		disposing("rows whose n is null", 3, "row 0 of batch 1", body("[0]", `[{"batch":1,"n":[0]},{"batch":1,"n":null}]`)),
		disposing("rows with nothing in n", 0, "-", body("[0]", `[{"batch":1,"n":[0]},{"batch":2,"n":[]}]`)),
		disposing("the second of two lists of the same name counts", 0, "-", `{"entries":"none","rows":1,"entries":[0],"rows":`+row+`}`),
		disposing("the first of two lists of the same name does not count", 3, "body of entry 0", `{"entries":[0],"rows":`+row+`,"entries":[]}`),
		disposing("a disposal lists the entry of a batch and not its rows", 3, "row 0 of batch 1", body("[0,1]", "[]")),
		disposing("a disposal lists what is still there, and what never was", 0, "-", body("[0,1,2,3,4,99]", `[{"batch":1,"n":[0,1,2,3,99]},{"batch":2,"n":[0]},{"batch":99,"n":[0]}]`)),
		from("the body of a batch is disposed of, its rows are left", 3, "row 0 of batch 1", func(l *log) {
			e := &l.entries[3]
			e.body = body("[0,1]", "[]")
			e.commit()
			l.reseal()
			l.entries[1].hasBody, l.entries[1].hasSalt = false, false
		}),
		from("the body of a batch counts its rows with 3.0 and says a name twice", 0, "-", func(l *log) {
			e := &l.entries[1]
			e.body = `{"root":"","table":1,"rows":-0,` + strings.Replace(e.body[1:], `"rows":3`, `"rows":0.3e1`, 1)
			e.commit()
			l.reseal()
		}),
		from("the body of an empty batch counts -0 rows", 0, "-", func(l *log) {
			e := l.facts("sign_in", "auth.sign_in")
			e.body = strings.Replace(e.body, `"rows":0`, `"rows":-0`, 1)
			e.commit()
			l.reseal()
		}),
		from("rows of a batch of the kind disposal are disposed of", 0, "-", func(l *log) {
			e := l.facts("disposal", "collect.run", `{"a":1}`, `{"a":2}`)
			e.rows[1].hasSalt, e.rows[1].hasText = false, false
			l.add("disposal", "disposal.create", "dsp_two", 1, `{"rows":[{"batch":4,"n":[1]}]}`)
			l.reseal()
		}),
		from("the body of a batch of the kind disposal is gone", 3, "body of entry 4", func(l *log) {
			l.facts("disposal", "collect.run")
			l.add("disposal", "disposal.create", "dsp_two", 1, `{"entries":[4]}`)
			l.reseal()
			l.entries[4].hasBody, l.entries[4].hasSalt = false, false
		}),
		from("a batch of the kind disposal covers nothing", 3, "body of entry 0", func(l *log) {
			l.entries[3].Rev = 0
			l.reseal()
			e := l.entries[3]
			e.body = fmt.Sprintf(`{"table":"disposal","rows":0,"root":"%x","entries":[0]}`, sha256.Sum256(nil))
			e.commit()
			l.entries[3] = e
			l.reseal()
		}),
	}
}

func choicesOfRows() []choice {
	return []choice{
		from("a row says another table and lost its salt and its text", 2, "row 0 of batch 1", func(l *log) {
			r := &l.entries[1].rows[0]
			r.table, r.hasSalt, r.hasText = "other", false, false
		}),
		from("a row beyond the batch says another table", 3, "row 3 of batch 1", func(l *log) {
			r := l.entries[1].rows[0]
			r.n, r.table = 3, "other"
			l.entries[1].rows = append(l.entries[1].rows, r)
		}),
		from("a row is changed and stands a second time", 3, "row 0 of batch 1", func(l *log) {
			e := &l.entries[1]
			e.rows[0].text += " "
			e.rows = append(e.rows, e.rows[0])
		}),
		from("a row is changed and another entry has one of its number", 3, "row 2 of batch 1", func(l *log) {
			l.entries[1].rows[2].text += " "
			l.entries[2].rows = append(l.entries[2].rows, l.entries[1].rows[2])
		}),
		from("a body is changed and a later entry has a row of an earlier one", 3, "row 5 of batch 0", func(l *log) {
			l.entries[1].body += " "
			r := l.entries[1].rows[0]
			r.batch, r.n = 0, 5
			l.entries[2].rows = append(l.entries[2].rows, r)
		}),
		from("a row is missing, an earlier one is changed", 2, "row 0 of batch 1", func(l *log) {
			e := &l.entries[1]
			e.rows[0].text += " "
			e.rows = e.rows[:2]
		}),
		from("a leaf is changed, and the entry stands a second time", 3, "entry 2", func(l *log) {
			l.entries[2].leaf = strings.Repeat("0", 64)
			l.entries = slices.Insert(l.entries, 3, l.entries[2])
		}),
		from("the salt of a batch is gone, its rows are there", 2, "body of entry 1", func(l *log) { l.entries[1].hasSalt = false }),
		from("the body of a batch is gone, its salt and its rows are there", 2, "body of entry 1", func(l *log) { l.entries[1].hasBody = false }),
	}
}

// The public key that is no point of the curve (y is 2), and the one whose point is the neutral one: with
// it, the neutral point and a scalar of zero are a signature of any text.
var noPoint = append([]byte{2}, make([]byte, 31)...)
var neutral = append([]byte{1}, make([]byte, 31)...)

// bare is a key and a signature of the example's text that no signer made.
func bare(about string, code int, object string, public, sig []byte) choice {
	return from(about, code, object, func(l *log) {
		vkey, err := note.NewEd25519VerifierKey(ledger.Origin(l.org), ed25519.PublicKey(public))
		if err != nil {
			panic(err)
		}
		l.key = vkey
		l.note = renote(l.note, unhex(strings.Split(vkey, "+")[1]), sig)
	})
}

// renote puts another signature under the text of a note.
func renote(msg string, hash, sig []byte) string {
	text, line, _ := strings.Cut(msg, "\n\n")
	name := strings.Fields(line)[1]
	return text + "\n\n— " + name + " " + base64.StdEncoding.EncodeToString(slices.Concat(hash, sig)) + "\n"
}

// signature takes the key hash and the signature out of a note with one.
func signature(msg string) (hash, sig []byte) {
	b, err := base64.StdEncoding.DecodeString(strings.Fields(msg[strings.Index(msg, "\n\n"):])[2])
	if err != nil {
		panic(err)
	}
	return b[:4], b[4:]
}

// twin adds the order of the group to the scalar of a signature.
func twin(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	n := new(big.Int).SetBytes(s)
	b := n.Add(n, order).FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return slices.Concat(sig[:32], b)
}

// withPointOfOrderEight is a signature of the example's text by its key in which a point of order 8 was added to
// R: multiplied by the cofactor the equation holds, and without it does not.
const withPointOfOrderEight = "PndJHxs1vv4xzowrVmEunc9xKhi/fQzU2CUCo9QhR3NrWSteJfj7GRM//cazwIEKnGtxn1Ojyl5JuslRIS/uCQ=="

func choicesOfKeys() []choice {
	key := func(about string, code int, object, before, after string) choice {
		return from(about, code, object, func(l *log) { l.trusted = before + l.key + after })
	}
	kept := func(about string, code int, object, before, after string) choice {
		return from(about, code, object, func(l *log) { l.trusted, l.kept = l.key, []string{before + l.note + after} })
	}
	signed := func(about string, sig func([]byte) []byte) choice {
		return from(about, 4, "checkpoint", func(l *log) {
			hash, s := signature(l.note)
			l.note = renote(l.note, hash, sig(s))
		})
	}
	zero := make([]byte, 32)
	return []choice{
		key("spaces and line ends are around the given key", 0, "-", " \r\n ", " \r\n\n"),
		key("a tab is behind the given key", 4, "key", "", "\t"),
		key("a space without a break is behind the given key", 4, "key", "", "\u00a0"),
		from("the given key is empty", 4, "key", func(l *log) { l.trusted = " " }),
		from("the key in the header has a space behind it", 4, "key", func(l *log) { l.key += " " }),
		kept("a kept checkpoint has an empty line behind it", 4, "kept 1", "", "\n"),
		kept("a kept checkpoint has a space in front", 4, "kept 1", " ", ""),
		kept("a kept checkpoint ends its lines as on Windows", 4, "kept 1", "", "\r\n"),
		signed("the scalar of the signature is not below the order of the group", twin),
		signed("the signature holds only with the cofactor", func([]byte) []byte {
			b, err := base64.StdEncoding.DecodeString(withPointOfOrderEight)
			if err != nil {
				panic(err)
			}
			return b
		}),
		signed("the signature has a byte more", func(s []byte) []byte { return append(s, 0) }),
		bare("the public key is no point of the curve", 4, "checkpoint", noPoint, slices.Concat(neutral, zero)),
		bare("the public key is the neutral point, which signs everything", 0, "-", neutral, slices.Concat(neutral, zero)),
		bare("the y of the public key is not reduced", 0, "-", slices.Concat([]byte{0xee}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f}), slices.Concat(neutral, zero)),
		bare("the y of R is not reduced", 4, "checkpoint", neutral, slices.Concat([]byte{0xee}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f}, zero)),
	}
}

func choicesOfTimes() []choice {
	at := func(about string, code int, object, moment string) choice {
		return lines(about, code, object, func(l []string) []string {
			l[1] = strings.Replace(l[1], "2026-03-06T09:00:00.000Z", moment, 1)
			return l
		})
	}
	return []choice{
		from("the first entry is of 29 February of the year 0", 0, "-", func(l *log) {
			l.entries[0].At = time.Date(0, time.February, 29, 0, 0, 0, 0, time.UTC)
			l.reseal()
		}),
		at("30 February of the year 0", 2, "line 2", "0000-02-30T00:00:00.000Z"),
		at("29 February 1900", 2, "line 2", "1900-02-29T00:00:00.000Z"),
		at("29 February 2000", 2, "entry 0", "2000-02-29T00:00:00.000Z"),
		at("a comma in front of the milliseconds", 2, "line 2", "2026-03-06T09:00:00,000Z"),
		at("second 60", 2, "line 2", "2016-12-31T23:59:60.000Z"),
		at("hour 24", 2, "line 2", "2026-03-06T24:00:00.000Z"),
	}
}
