// SPDX-License-Identifier: Apache-2.0

package file

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"assay/internal/clock"
	"assay/internal/collect/source/schema"
	"assay/internal/errs"
)

// converter reads cells as the declared types. What it cannot read without guessing is a fault.
type converter struct {
	kind        schema.Kind
	values      map[string]map[string]string
	layouts     []string
	yes, no     map[string]bool
	separator   string
	noneIfEmpty map[string]bool
	constants   map[string]any
	clock       clock.Clock
}

// state says whether a cell holds a value.
type state int

const (
	filled state = iota
	empty
)

func newConverter(cfg Config, kind schema.Kind) (*converter, error) {
	c := &converter{clock: clock.System{}, kind: kind, values: cfg.Values, separator: cfg.Separator, constants: map[string]any{}, noneIfEmpty: map[string]bool{},
		yes: words(cfg.TrueWords, "true", "yes", "y", "1"), no: words(cfg.FalseWords, "false", "no", "n", "0")}
	for w := range c.yes {
		if c.no[w] {
			return nil, errs.At("true_words", "%q means both true and false", w)
		}
	}
	for _, f := range cfg.Dates {
		layout, ok := dateLayout(f)
		if !ok {
			return nil, errs.At("date_formats", "%q cannot be read", f).Mend("write it with YYYY, MM and DD, such as DD.MM.YYYY")
		}
		c.layouts = append(c.layouts, layout)
	}
	targets := map[string]string{}
	for col, attr := range cfg.Columns {
		if err := c.known("columns", attr, true); err != nil {
			return nil, err
		}
		if other, twice := targets[attr]; twice {
			return nil, errs.At("columns", "%q and %q are both %s", min(col, other), max(col, other), attr)
		}
		targets[attr] = col
	}
	for attr := range cfg.Values {
		if err := c.known("values", attr, false); err != nil {
			return nil, err
		}
	}
	for _, attr := range cfg.NoneEmpty {
		if err := c.known("none_when_empty", attr, false); err != nil {
			return nil, err
		}
		c.noneIfEmpty[attr] = true
	}
	for attr, v := range cfg.Constants {
		if err := c.known("constants", attr, false); err != nil {
			return nil, err
		}
		if col, twice := targets[attr]; twice {
			return nil, errs.At("constants", "%s is the column %q too", attr, col)
		}
		if n, ok := v.(float64); ok {
			v = json.Number(strconv.FormatFloat(n, 'f', -1, 64))
		}
		got, st, problem := c.cell(attr, v)
		if problem != "" || st == empty {
			return nil, errs.At("constants", "%s: %s", attr, problem+map[bool]string{true: "it is empty"}[st == empty])
		}
		c.constants[attr] = got
	}
	return c, nil
}

// known refuses the name of an attribute that the kind does not have.
func (c *converter) known(field, attr string, naming bool) error {
	if _, ok := c.kind.Attrs[attr]; ok || (naming && (attr == "id" || attr == "name")) {
		return nil
	}
	var all []string
	for n := range c.kind.Attrs {
		all = append(all, n)
	}
	slices.Sort(all)
	return errs.At(field, "%s has no attribute %q", c.kind.Name, attr).Mend("it has: id, name, %s", strings.Join(all, ", "))
}

func words(given []string, usual ...string) map[string]bool {
	if len(given) == 0 {
		given = usual
	}
	out := map[string]bool{}
	for _, w := range given {
		out[strings.ToLower(strings.TrimSpace(w))] = true
	}
	return out
}

// cell reads one cell as an attribute. The problem is empty for a good one.
func (c *converter) cell(attr string, v any) (any, state, string) {
	a := c.kind.Attrs[attr]
	if attr == "id" || attr == "name" {
		a = schema.Attr{Name: attr, Type: "string"}
	}
	switch x := v.(type) {
	case nil:
		return c.none(a)
	case string:
		return c.text(a, x)
	case bool:
		if a.Type == "bool" {
			return x, filled, ""
		}
	case json.Number:
		if a.Type == "int" || a.Type == "string" {
			return c.text(a, x.String())
		}
	case []any:
		if a.Type == "strings" || a.Type == "ints" {
			return c.list(a, x)
		}
	}
	return nil, filled, fmt.Sprintf("%s does not fit %s, which is %s", jsonName(v), a.Name, wordFor(a))
}

// none is what an empty cell means for an attribute.
func (c *converter) none(a schema.Attr) (any, state, string) {
	if !c.noneIfEmpty[a.Name] {
		return nil, empty, ""
	}
	if a.Type == "strings" {
		return []string{}, filled, ""
	}
	return nil, filled, ""
}

func (c *converter) text(a schema.Attr, s string) (any, state, string) {
	if bad := textFault(s); bad != "" {
		return nil, filled, bad
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return c.none(a)
	}
	if to, ok := c.values[a.Name][s]; ok {
		s = to
	}
	switch a.Type {
	case "bool":
		w := strings.ToLower(s)
		if c.yes[w] || c.no[w] {
			return c.yes[w], filled, ""
		}
	case "int":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, filled, ""
		}
	case "time", "date":
		return c.time(a, s)
	case "strings", "ints":
		var parts []any
		for p := range strings.SplitSeq(s, c.separator) {
			if p = strings.TrimSpace(p); p != "" {
				parts = append(parts, p)
			}
		}
		return c.list(a, parts)
	default:
		if len(a.Values) == 0 {
			return s, filled, "" // a formula is text like any other: it is never run and never changed
		}
		for _, want := range a.Values {
			if strings.EqualFold(want, s) {
				return want, filled, ""
			}
		}
		return nil, filled, fmt.Sprintf("%q is none of %s", cut(s), strings.Join(a.Values, ", "))
	}
	return nil, filled, fmt.Sprintf("%q is not %s", cut(s), wordFor(a))
}

func (c *converter) list(a schema.Attr, parts []any) (any, state, string) {
	texts, numbers := []string{}, []int64{}
	for _, p := range parts {
		text, ok := p.(string)
		if n, number := p.(json.Number); number && a.Type == "ints" {
			text, ok = n.String(), true
		}
		if !ok {
			return nil, filled, fmt.Sprintf("%s stands in a list of %s", jsonName(p), a.Name)
		}
		if bad := textFault(text); bad != "" {
			return nil, filled, bad
		}
		texts = append(texts, text)
		if a.Type == "ints" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, filled, fmt.Sprintf("%q is not a whole number", cut(text))
			}
			numbers = append(numbers, n)
		}
	}
	if a.Type == "ints" {
		return numbers, filled, ""
	}
	return texts, filled, ""
}

// time reads a moment or a day. Where a moment is wanted, a day counts from its midnight in UTC, and
// a moment without a zone is taken to be in UTC; where a day is wanted, it is the day as written. If two formats read the text differently it is not read at all.
func (c *converter) time(a schema.Attr, s string) (any, state, string) {
	var found []time.Time
	for _, layout := range append([]string{time.RFC3339Nano, time.DateOnly}, c.layouts...) {
		t, err := time.Parse(layout, s)
		if err == nil && !slices.ContainsFunc(found, t.Equal) {
			found = append(found, t)
		}
	}
	switch {
	case len(found) == 0:
		return nil, filled, fmt.Sprintf("%q is not %s", cut(s), wordFor(a))
	case len(found) > 1:
		return nil, filled, fmt.Sprintf("%q can be read as %s and as %s", cut(s), found[0].Format(time.DateOnly), found[1].Format(time.DateOnly))
	case found[0].Year() < 1900 || found[0].Year() > 2200:
		return nil, filled, fmt.Sprintf("%q lies outside the years 1900 to 2200", cut(s))
	case a.Past && found[0].After(c.clock.Now().Add(24*time.Hour)):
		return nil, filled, fmt.Sprintf("%q is in the future, and %s is when something happened. Correct the date, or leave the cell empty if it has not happened yet", cut(s), a.Name)
	}
	if a.Type == "date" {
		return found[0].Format(time.DateOnly), filled, ""
	}
	return clock.Format(found[0]), filled, ""
}

var tokens = strings.NewReplacer("YYYY", "2006", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05")

// dateLayout turns DD.MM.YYYY into Go's way of writing it. Year, month and day must be there once,
// and nothing but separators beside them.
func dateLayout(f string) (string, bool) {
	rest := f
	for _, tok := range []string{"YYYY", "MM", "DD"} {
		if strings.Count(f, tok) != 1 {
			return "", false
		}
	}
	for _, tok := range []string{"YYYY", "MM", "DD", "hh", "mm", "ss"} {
		rest = strings.Replace(rest, tok, "", 1)
	}
	return tokens.Replace(f), strings.Trim(rest, " .,:/-T") == ""
}

// textFault says what is wrong with a text, or nothing.
func textFault(s string) string {
	switch {
	case len(s) > maxCell:
		return fmt.Sprintf("it is longer than %d bytes", maxCell)
	case !utf8.ValidString(s):
		return "it is not UTF-8; save the file as UTF-8"
	case strings.ContainsRune(s, 0):
		return "it holds a NUL character"
	}
	return ""
}

func wordFor(a schema.Attr) string {
	switch a.Type {
	case "bool":
		return "true or false"
	case "int":
		return "a whole number"
	case "time", "date":
		return "a date that can be read (see date_formats)"
	case "strings":
		return "a list of texts"
	case "ints":
		return "a list of whole numbers"
	}
	return "a text"
}

func jsonName(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return "an object"
}
