// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/ledger"
)

const (
	maxNumber = 1<<53 - 1
	maxLine   = 64 << 20 // without its end
	bodySalt  = 32
	rowSalt   = 16
)

// scan reads one line of an export, and takes nothing but the one form that the format allows, so
// that no two verifiers can read the same bytes in two ways. After a failure everything is zero.
type scan struct {
	b   []byte
	i   int
	bad bool
}

// try takes lit if it comes next.
func (s *scan) try(lit string) bool {
	end := s.i + len(lit)
	if s.bad || end > len(s.b) || string(s.b[s.i:end]) != lit {
		return false
	}
	s.i = end
	return true
}

func (s *scan) lit(lit string) {
	if !s.try(lit) {
		s.bad = true
	}
}

// end says whether the line was in form, to its last byte.
func (s *scan) end() bool { return !s.bad && s.i == len(s.b) }

// text reads a string in RFC 8785 form. That the line is UTF-8 was checked before.
func (s *scan) text() string {
	s.lit(`"`)
	from, out := s.i, []byte(nil)
	for !s.bad && s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			if out == nil {
				return string(s.b[from : s.i-1])
			}
			return string(append(out, s.b[from:s.i-1]...))
		case c < 0x20:
			s.bad = true
		case c == '\\':
			out = append(out, s.b[from:s.i]...)
			s.i++
			out = append(out, s.escape())
			from = s.i
		default:
			s.i++
		}
	}
	s.bad = true
	return ""
}

func (s *scan) escape() byte {
	const short = "\"\"\\\\b\bt\tn\nf\fr\r"
	for i := 0; i < len(short); i += 2 {
		if s.try(short[i : i+1]) {
			return short[i+1]
		}
	}
	s.lit("u00")
	const digits = "0123456789abcdef"
	if s.bad || s.i+2 > len(s.b) {
		s.bad = true
		return 0
	}
	hi, lo := strings.IndexByte(digits, s.b[s.i]), strings.IndexByte(digits, s.b[s.i+1])
	c := byte(hi<<4 | lo)
	if hi < 0 || hi > 1 || lo < 0 || strings.IndexByte("\b\t\n\f\r", c) >= 0 {
		s.bad = true
	}
	s.i += 2
	return c
}

func (s *scan) number() int64 {
	from := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	t := string(s.b[from:s.i])
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil || n > maxNumber || t != strconv.FormatInt(n, 10) {
		s.bad = true
		return 0
	}
	return n
}

func (s *scan) hash() (h [32]byte) {
	t := s.text()
	b, err := hex.DecodeString(t)
	if err != nil || len(b) != 32 || strings.ToLower(t) != t {
		s.bad = true
		return h
	}
	return [32]byte(b)
}

// salt reads base64 of n bytes. The library passes over line ends within it; the format has none.
func (s *scan) salt(n int) []byte {
	t := s.text()
	b, err := base64.StdEncoding.Strict().DecodeString(t)
	if err != nil || len(b) != n || len(t) != base64.StdEncoding.EncodedLen(n) {
		s.bad = true
		return nil
	}
	return b
}

// name reads a name. A name has no escape, so that the text is the bytes.
func (s *scan) name() string {
	t := s.text()
	if len(t) == 0 || len(t) > 80 || strings.ContainsFunc(t, func(r rune) bool { return r < 0x21 || r > 0x7e || r == '"' || r == '\\' }) {
		s.bad = true
	}
	return t
}

func (s *scan) time() time.Time {
	t := s.text()
	at, err := time.Parse(clock.Layout, t)
	if err != nil || len(t) != 24 || clock.Format(at) != t {
		s.bad = true
	}
	return at
}

func (s *scan) entry(e *ledger.Entry) {
	s.lit(`{"actor":`)
	e.Actor = s.name()
	s.lit(`,"at":`)
	e.At = s.time()
	s.lit(`,"digest":`)
	e.Digest = s.hash()
	s.lit(`,"id":`)
	e.ID = s.name()
	s.lit(`,"kind":`)
	e.Kind = s.name()
	s.lit(`,"op":`)
	e.Op = s.name()
	s.lit(`,"org":`)
	e.Org = s.name()
	s.lit(`,"rev":`)
	e.Rev = s.number()
	s.lit(`,"seq":`)
	e.Seq = s.number()
	s.lit(`,"v":1,"via":`)
	e.Via = s.name()
	s.lit(`}`)
}

// batchBody reads what the body of a batch of facts of a table commits to.
func batchBody(table, body string) (rows int64, root string, ok bool) {
	m := object(body)
	of, _ := m["table"].(string)
	rows, counted := whole(m["rows"])
	root, _ = m["root"].(string)
	s := scan{b: []byte(`"` + root + `"`)}
	s.hash()
	return rows, root, m != nil && of == table && counted && s.end()
}

// disposalBody reads what a disposal at place seq covers: entries, and rows of batches. What is not in
// front of it is not covered, and a list with a member that is not what it must be covers nothing.
func disposalBody(seq int64, body string) (entries []int64, rows [][2]int64) {
	m := object(body)
	for _, n := range wholes(m["entries"]) {
		if n < seq {
			entries = append(entries, n)
		}
	}
	list, _ := m["rows"].([]any)
	for _, x := range list {
		r, _ := x.(map[string]any)
		batch, ok := whole(r["batch"])
		ns := wholes(r["n"])
		if _, isList := r["n"].([]any); !ok || !isList || ns == nil {
			return entries, nil
		}
		for _, n := range ns {
			if batch < seq {
				rows = append(rows, [2]int64{batch, n})
			}
		}
	}
	return entries, rows
}

// object reads a body as a JSON object; nil where it is none.
func object(body string) map[string]any {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil || strings.TrimLeft(body[d.InputOffset():], " \t\r\n") != "" {
		return nil
	}
	return m
}

// whole reads a JSON number that is a number of the format.
func whole(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || f < 0 || f > maxNumber || f != float64(int64(f)) {
		return 0, false
	}
	return int64(f), true
}

// wholes reads a list of numbers; nil if any member is something else.
func wholes(v any) []int64 {
	l, _ := v.([]any)
	out := make([]int64, len(l))
	for i := range l {
		n, ok := whole(l[i])
		if !ok {
			return nil
		}
		out[i] = n
	}
	return out
}
