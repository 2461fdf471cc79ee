// SPDX-License-Identifier: Apache-2.0

package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// readJSON reads a list of objects, also one inside an object, or one object after the other.
func readJSON(t *tap, lines bool, m *mapping, each func(row) error) error {
	in, mark, err := start(t)
	if err != nil {
		return err
	}
	d := json.NewDecoder(in)
	d.UseNumber()
	j := &jsonReader{d: d, t: t, mark: mark, m: m, each: each}
	if !lines {
		err = j.find(m.s.cfg.List)
	} else if err = j.rows(); err == nil && j.n == 0 {
		err = &badFile{text: "the file is empty"}
	}
	if err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &badFile{row: j.n + 1, text: "there is something after the end of the list"}
	}
	return nil
}

type jsonReader struct {
	d      *json.Decoder
	t      *tap
	mark   int64
	m      *mapping
	each   func(row) error
	n      int
	list   string // the one that was read
	any    bool
	said   int64 // how many rows there are, by what stands beside the list
	saidBy string
}

// find goes to the list and reads it. Without a path it is the file itself, or the only list of its object.
func (j *jsonReader) find(path string) error {
	first, err := j.d.Token()
	if errors.Is(err, io.EOF) {
		return &badFile{text: "the file is empty; an empty list is written []"}
	}
	if err != nil {
		return jsonFault(1, err)
	}
	switch {
	case first == json.Delim('[') && path == "":
		if err := j.rows(); err != nil {
			return err
		}
		_, err := j.d.Token()
		return jsonFault(j.n+1, err)
	case first == json.Delim('['):
		return &badFile{text: "the file is a list itself; leave list empty"}
	case first != json.Delim('{'):
		return &badFile{text: "the file must begin with a list of objects"}
	}
	var parts []string
	if path != "" {
		parts = strings.Split(path, ".")
	}
	if err := j.inside(parts, 0, false); err != nil {
		return err
	}
	if j.any && j.said > int64(j.n) {
		return &badFile{text: fmt.Sprintf("the file is one page of several: %s says %d, and it holds %d rows. Export all pages into one list", cut(j.saidBy), j.said, j.n)}
	}
	if !j.any && path != "" {
		return &badFile{text: fmt.Sprintf("the file has no list at %s; set list to where it is", cut(path))}
	}
	if !j.any && j.d.More() {
		return &badFile{text: "the file holds one object after the other; set format to jsonl"}
	}
	if !j.any {
		return &badFile{text: "the file is an object without a list; it must be a list of objects, or list must say where that is, such as data.hosts"}
	}
	return nil
}

// inside goes through the members of an object. What stands beside the list may say that it is not whole.
func (j *jsonReader) inside(path []string, depth int, wrapped bool) error {
	seen := map[string]bool{}
	for j.d.More() {
		tok, err := j.d.Token()
		if err != nil {
			return jsonFault(j.n+1, err)
		}
		name, _ := tok.(string)
		if seen[name] {
			return &badFile{column: name, text: "the name stands twice in one object"}
		}
		if seen[name] = true; len(seen) > maxColumns {
			return &badFile{text: fmt.Sprintf("the object has more than %d names", maxColumns)}
		}
		begin, err := j.d.Token()
		if err != nil {
			return jsonFault(j.n+1, err)
		}
		ours := len(path) > 0 && name == path[0]
		switch {
		case begin == json.Delim('[') && (ours && len(path) == 1 || len(path) == 0 && (depth == 0 || wrapped)):
			err = j.theList(name)
		case begin == json.Delim('{') && len(path) == 0 && depth == 0 && wrappers[strings.ToLower(name)]:
			err = j.inside(nil, 1, true)
		case begin == json.Delim('{') && ours && len(path) > 1:
			err = j.inside(path[1:], depth+1, false)
		default:
			err = j.beside(name, begin)
		}
		if err != nil {
			return err
		}
	}
	_, err := j.d.Token()
	return jsonFault(j.n+1, err)
}

// wrappers are the names under which APIs put the list together with what they say of it.
var wrappers = map[string]bool{"results": true, "response": true}

func (j *jsonReader) theList(name string) error {
	if j.any {
		return &badFile{text: fmt.Sprintf("the file has more than one list (%s, %s); set list to the one that is meant", cut(j.list), cut(name))}
	}
	j.list, j.any = name, true
	if err := j.rows(); err != nil {
		return err
	}
	_, err := j.d.Token()
	return jsonFault(j.n+1, err)
}

// beside reads what is not the list.
func (j *jsonReader) beside(name string, begin json.Token) error {
	v, err := after(j.d, begin, j.n+1, 1)
	if err != nil {
		return err
	}
	if v == nil || v == false || v == "" {
		return nil
	}
	if inner, ok := v.(map[string]any); ok { // pageInfo, pagination, paging, meta
		for _, k := range sortedKeys(inner) {
			if x := inner[k]; x != nil && x != false && x != "" && (nextPage[strings.ToLower(k)] || strings.EqualFold(name+"."+k, "pagination.cursor")) {
				return onePage(name + "." + k)
			}
			j.promised(k, inner[k])
		}
	}
	j.promised(name, v)
	switch {
	case nextPage[strings.ToLower(name)]:
		return onePage(name)
	case strings.EqualFold(name, "error"), strings.EqualFold(name, "errors"):
		return &badFile{text: fmt.Sprintf("the file is the answer to a request that failed: it has %s", cut(name))}
	}
	return nil
}

// nextPage are the names with which an answer says that there is more.
var nextPage = map[string]bool{"@odata.nextlink": true, "nextlink": true, "next": true, "next_page": true, "nextpage": true, "nextpagetoken": true,
	"next_page_token": true, "nextpageurl": true, "next_page_url": true, "nexttoken": true, "next_cursor": true, "nextcursor": true, "istruncated": true,
	"has_more": true, "hasmore": true, "hasnextpage": true}

func onePage(name string) error {
	return &badFile{text: fmt.Sprintf("the file is one page of several: %s names the next. Export all pages into one list", cut(name))}
}

var totals = map[string]bool{"total": true, "totalcount": true, "total_count": true, "totalresults": true, "total_results": true, "totalitems": true,
	"total_items": true, "@odata.count": true, "recordstotal": true}

// promised notes how many rows an answer says that there are.
func (j *jsonReader) promised(name string, v any) {
	if n, ok := v.(json.Number); ok && totals[strings.ToLower(name)] {
		if all, err := n.Int64(); err == nil && all > j.said {
			j.said, j.saidBy = all, name
		}
	}
}

// rows reads objects up to the end of their list.
func (j *jsonReader) rows() error {
	for ; j.d.More(); j.n++ {
		got, err := object(j.d, j.n+1, 0)
		if err != nil {
			return err
		}
		raw, err := j.t.until(j.mark + j.d.InputOffset())
		if err != nil {
			return err
		}
		cells, ok := got.(map[string]any)
		if !ok {
			return &badFile{row: j.n + 1, text: "it is not an object"}
		}
		if !honest(raw, got) {
			j.m.refuse(j.n+1, "its text is not UTF-8")
			continue
		}
		all, twice := flat(cells)
		if twice != "" {
			return &badFile{row: j.n + 1, column: twice, text: "the name stands twice, once in an object and once written with a point; rename one of them"}
		}
		j.m.hollow(all)
		if err := j.each(row{number: j.n + 1, cells: all}); err != nil {
			return err
		}
	}
	return nil
}

// object reads one value, and refuses what encoding/json would let pass: a name that stands twice,
// and depth that serves nothing.
func object(d *json.Decoder, n, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &badFile{row: n, text: fmt.Sprintf("it is nested more than %d deep", maxDepth)}
	}
	tok, err := d.Token()
	if err != nil {
		return nil, jsonFault(n, err)
	}
	return after(d, tok, n, depth)
}

// after reads the rest of a value whose first token is known.
func after(d *json.Decoder, tok json.Token, n, depth int) (any, error) {
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := object(d, n, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, jsonFault(n, err)
	}
	return members(d, n, depth)
}

// members reads the rest of an object.
func members(d *json.Decoder, n, depth int) (any, error) {
	all := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, jsonFault(n, err)
		}
		key, _ := name.(string)
		if _, twice := all[key]; twice {
			return nil, &badFile{row: n, column: key, text: "the name stands twice in one object"}
		}
		if len(all) >= maxColumns {
			return nil, &badFile{row: n, text: fmt.Sprintf("it has more than %d names", maxColumns)}
		}
		if all[key], err = object(d, n, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return all, jsonFault(n, err)
}

// jsonFault names the row of an error in the JSON itself.
func jsonFault(n int, err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &badFile{row: n, text: "the file ends in the middle"}
	case errors.As(err, &syntax):
		return &badFile{row: n, text: "it is not JSON: " + syntax.Error()}
	}
	return err
}

// flat gives the names of nested objects as outer.inner, and one that is there in two ways: which of them is meant nobody can say.
func flat(cells map[string]any) (out map[string]any, twice string) {
	out = make(map[string]any, len(cells))
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for _, k := range sortedKeys(m) {
			if inner, ok := m[k].(map[string]any); ok {
				walk(prefix+k+".", inner)
				continue
			}
			if _, is := out[prefix+k]; is && twice == "" {
				twice = prefix + k
			}
			out[prefix+k] = m[k]
		}
	}
	walk("", cells)
	return out, twice
}

// replaced counts the replacement characters in what was read.
func replaced(v any) int {
	n := 0
	switch x := v.(type) {
	case string:
		n = strings.Count(x, "\ufffd")
	case []any:
		for _, e := range x {
			n += replaced(e)
		}
	case map[string]any:
		for k, e := range x {
			n += replaced(k) + replaced(e)
		}
	}
	return n
}

// honest says whether the text is what the file says: encoding/json puts replacement characters in
// place of bytes and escapes that are no character, and two different texts would become one.
func honest(raw []byte, v any) bool {
	n := replaced(v)
	return utf8.Valid(raw) && (n == 0 || n <= bytes.Count(raw, []byte("\ufffd"))+bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`)))
}
