// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"assay/internal/kind"
)

// pick finds the values of the named fields in a body, as they stand there; nil for those that are not
// in it. It reads the outermost object only and makes no copies: a body is read at every write, and by
// the million when the ledger is verified.
func pick(body []byte, names []string, out [][]byte) error {
	clear(out)
	p := picker{b: body}
	p.space()
	if !p.take('{') {
		return p.bad()
	}
	for p.space(); !p.take('}'); p.space() {
		key, ok := p.value()
		p.space()
		if !ok || !p.take(':') || len(key) < 2 || key[0] != '"' {
			return p.bad()
		}
		p.space()
		val, ok := p.value()
		if !ok {
			return p.bad()
		}
		if i := slices.Index(names, string(key[1:len(key)-1])); i >= 0 {
			out[i] = val
		}
		if p.space(); !p.take(',') && (p.i >= len(p.b) || p.b[p.i] != '}') {
			return p.bad()
		}
	}
	return nil
}

type picker struct {
	b []byte
	i int
}

func (p *picker) bad() error { return fmt.Errorf("a body that is not an object, at byte %d", p.i) }

func (p *picker) space() {
	for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\n' || p.b[p.i] == '\t' || p.b[p.i] == '\r') {
		p.i++
	}
}

func (p *picker) take(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

// value steps over one value, whatever is in it.
func (p *picker) value() ([]byte, bool) {
	start, depth := p.i, 0
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case '"':
			if !p.text() {
				return nil, false
			}
			if depth == 0 {
				return p.b[start:p.i], true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return p.b[start:p.i], p.i > start
			}
			if depth--; depth == 0 {
				p.i++
				return p.b[start:p.i], true
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return p.b[start:p.i], p.i > start
			}
		}
		p.i++
	}
	return nil, false
}

// text steps over a string.
func (p *picker) text() bool {
	p.i++
	for {
		n := bytes.IndexByte(p.b[p.i:], '"')
		if n < 0 {
			return false
		}
		end := p.i + n
		slashes := 0
		for end-1-slashes > p.i-1 && p.b[end-1-slashes] == '\\' {
			slashes++
		}
		if p.i = end + 1; slashes%2 == 0 {
			return true
		}
	}
}

// textOf is the value of a string as it stands in a body.
func textOf(raw []byte) ([]byte, error) {
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return []byte(s), err
}

// cites lists the outermost fields in which a file can be cited, however deep.
func cites(fields []kind.Field) []string {
	var out []string
	for _, f := range fields {
		if f.Format == "sha256" || len(cites(f.Fields)) > 0 {
			out = append(out, f.Name)
		}
	}
	return out
}
