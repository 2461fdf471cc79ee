// SPDX-License-Identifier: Apache-2.0

package file

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/collect/source/schema"
	"assay/internal/errs"
)

// converter reads cells as the declared types. What it cannot read without guessing is a fault.
type converter struct {
	kind        schema.Kind
	values      map[string]map[string]string
	layouts     []string
	zone        *time.Location
	noneWords   map[string]Words
	unknown     map[string]Words
	yes, no     map[string]bool
	separator   string
	noneIfEmpty map[string]bool
	constants   map[string]any
	clock       clock.Clock
}

// reading says how the dates of a column are read.
type reading struct {
	order     order
	since1904 bool // the days of an old workbook are counted from then
}

// state says whether a cell holds a value.
type state int

const (
	filled state = iota
	empty
	unsaid // a word says that it is not known
)

func newConverter(cfg Config, kind schema.Kind) (*converter, error) {
	c := &converter{clock: clock.System{}, zone: time.UTC, noneWords: cfg.NoneWords, unknown: cfg.Unknown, kind: kind, values: map[string]map[string]string{}, separator: cfg.Separator, constants: map[string]any{}, noneIfEmpty: map[string]bool{},
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
	if err := c.words(cfg); err != nil {
		return nil, err
	}
	from, err := c.columns(cfg)
	if err != nil {
		return nil, err
	}
	for attr, all := range cfg.Values {
		if err := c.known("values", attr, false); err != nil {
			return nil, err
		}
		c.values[attr] = map[string]string{}
		for from, to := range all {
			if other, twice := c.values[attr][folded(from)]; twice && other != to {
				return nil, errs.At("values", "%s: %q means %s and %s", attr, cut(from), min(to, other), max(to, other))
			}
			c.values[attr][folded(from)] = to
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
		if col, twice := from[attr]; twice {
			return nil, errs.At("constants", "%s is the column %q too", attr, col)
		}
		if n, ok := v.(float64); ok {
			v = json.Number(strconv.FormatFloat(n, 'f', -1, 64))
		}
		if v == nil && c.kind.Attrs[attr].Type != "bool" { // that there is none
			c.constants[attr] = nil
			continue
		}
		got, st, problem := c.cell(attr, v, reading{})
		if problem != "" || st == empty {
			return nil, errs.At("constants", "%s: %s", attr, problem+map[bool]string{true: "it is empty"}[st == empty])
		}
		c.constants[attr] = got
	}
	return c, nil
}

// columns checks the mapping, and gives the column of each attribute.
func (c *converter) columns(cfg Config) (map[string]string, error) {
	from := map[string]string{}
	for _, col := range sortedKeys(cfg.Columns) {
		for _, attr := range targets(cfg.Columns[col]) {
			if err := c.known("columns", attr, true); err != nil {
				return nil, err
			}
			if other, twice := from[attr]; twice && !(cfg.optional[col] && cfg.optional[other]) && !cfg.instead[col] && !cfg.instead[other] {
				return nil, errs.At("columns", "%q and %q are both %s", min(col, other), max(col, other), attr)
			}
			from[attr] = col
		}
	}
	return from, nil
}

// words checks the words that mean nothing, and the time zone.
func (c *converter) words(cfg Config) (err error) {
	if cfg.Zone != "" {
		if c.zone, err = clock.Zone(cfg.Zone); err != nil {
			return errs.At("time_zone", "there is no time zone %q", cfg.Zone).Mend("write it like Europe/Berlin")
		}
	}
	for attr := range cfg.NoneWords {
		if err := c.known("none_words", attr, false); err != nil {
			return err
		}
		if c.kind.Attrs[attr].Type == "bool" {
			return errs.At("none_words", "%s is true or false: there is no word for none", attr).Mend("put the word into unknown_words, or say in values whether it is true or false")
		}
	}
	for attr := range cfg.Unknown {
		if err := c.known("unknown_words", attr, false); err != nil {
			return err
		}
	}
	for _, attr := range cfg.Shared {
		if err := c.known("shared", attr, false); err != nil {
			return err
		}
	}
	return nil
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
func (c *converter) cell(attr string, v any, o reading) (any, state, string) {
	a := c.kind.Attrs[attr]
	if attr == "id" || attr == "name" {
		a = schema.Attr{Name: attr, Type: "string"}
	}
	switch x := v.(type) {
	case nil:
		return c.none(a)
	case string:
		return c.text(a, x, o)
	case bool:
		if a.Type == "bool" && len(c.values[attr]) == 0 {
			return x, filled, ""
		}
		if len(c.values[attr]) > 0 || a.Type == "bool" {
			return c.text(a, strconv.FormatBool(x), o)
		}
	case json.Number:
		if a.Type == "int" && len(c.values[attr]) == 0 { // of JSON it has one meaning
			if n, ok := whole(x.String()); ok {
				return n, filled, ""
			}
		}
		if a.Type == "int" || a.Type == "string" || a.Type == "time" || a.Type == "date" {
			return c.text(a, x.String(), o)
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

// says applies what the configuration says of words, and tells whether a value is left to read.
func (c *converter) says(a schema.Attr, s string) (string, state, bool) {
	if len(c.values[a.Name]) == 0 && len(c.noneWords[a.Name]) == 0 && len(c.unknown[a.Name]) == 0 {
		if s == "" {
			return s, empty, false
		}
		return s, filled, true
	}
	if to, said := c.values[a.Name][folded(s)]; said && s != "*" {
		return to, filled, true
	}
	if to, any := c.values[a.Name]["*"]; any && s != "" && !c.noneWords[a.Name].has(s) && !c.unknown[a.Name].has(s) {
		return to, filled, true
	}
	switch {
	case s == "":
		return s, empty, false
	case c.noneWords[a.Name].has(s):
		return s, filled, false
	case c.unknown[a.Name].has(s):
		return s, unsaid, false
	}
	return s, filled, true
}

func (c *converter) text(a schema.Attr, s string, o reading) (any, state, string) {
	if bad := textFault(s); bad != "" {
		return nil, filled, bad
	}
	word, st, left := c.says(a, clean(s))
	switch {
	case st == empty:
		return c.none(a)
	case st == unsaid:
		return nil, unsaid, ""
	case !left && a.Type == "strings":
		return []string{}, filled, ""
	case !left:
		return nil, filled, ""
	}
	v, problem := c.value(a, word, o)
	if problem != "" && meansNothing(word) {
		field := "none_words"
		if a.Type == "bool" {
			field = "unknown_words"
		}
		problem += fmt.Sprintf(`. If the word means that there is none or that nobody knows, set %s to {%q: [%q]}`, field, a.Name, word)
	} else if problem != "" && len(a.Values) > 0 && a.Type == "string" {
		problem += fmt.Sprintf(`. Say in values which of them it means: {%q: {%q: "…"}}`, a.Name, cut(word))
	}
	return v, filled, problem
}

// value reads a word that is there.
func (c *converter) value(a schema.Attr, s string, o reading) (any, string) {
	if spreadsheetErrors[s] {
		return nil, fmt.Sprintf("%q is an error of the spreadsheet, and no value", s)
	}
	switch a.Type {
	case "bool":
		w := strings.ToLower(s)
		if c.yes[w] || c.no[w] {
			return c.yes[w], ""
		}
	case "int":
		if grouped.MatchString(s) {
			return nil, fmt.Sprintf("%q is %s, or has separators between its digits. Write it without separators", cut(s), wordFor(a))
		}
		if n, ok := whole(s); ok {
			return n, ""
		}
	case "time", "date":
		v, _, problem := c.time(a, s, o)
		return v, problem
	case "strings", "ints":
		var parts []any
		for p := range strings.SplitSeq(s, c.separator) {
			if p = clean(p); p != "" {
				parts = append(parts, p)
			}
		}
		v, _, problem := c.list(a, parts)
		return v, problem
	default:
		word, problem := declaredWord(a, s)
		if problem != "" {
			return nil, problem
		}
		return word, ""
	}
	problem := fmt.Sprintf("%q is not %s", cut(s), wordFor(a))
	if a.Type == "bool" && !meansNothing(s) {
		problem += ". If the word means one of them, add it to true_words or false_words"
	}
	return nil, problem
}

// declaredWord is a text as the kind writes it, where only certain texts count.
func declaredWord(a schema.Attr, s string) (string, string) {
	if len(a.Values) == 0 {
		s = spelled(s)
		return s, altered(s) // a formula is text like any other: it is never run and never changed
	}
	for _, want := range a.Values {
		if strings.EqualFold(want, s) {
			return want, ""
		}
	}
	return "", fmt.Sprintf("%q is none of %s", cut(s), strings.Join(a.Values, ", "))
}

var spreadsheetErrors = map[string]bool{"#N/A": true, "#REF!": true, "#VALUE!": true, "#DIV/0!": true, "#NAME?": true, "#NUM!": true, "#NULL!": true}

// whole reads a whole number, also one that a program wrote as 10.0 or 1e2.
func whole(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	r, ok := new(big.Rat).SetString(s)
	if len(s) > 40 || !wholeNumber.MatchString(s) || !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

// grouped is a number with separators for thousands: 1.000 is one thousand to some and one to others.
var grouped = regexp.MustCompile(`^[+-]?[0-9]{1,3}([.,'’ \x{a0}\x{202f}][0-9]{3})+$`)

var wholeNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+]?[0-9]{1,2})?$`)

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
		word, problem := declaredWord(a, clean(text))
		if problem != "" {
			return nil, filled, problem
		}
		texts = append(texts, word)
		if a.Type == "ints" {
			n, ok := whole(text)
			if !ok {
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

// time reads a moment or a day. Where a moment is wanted, a day counts from its beginning, and what names no time zone is
// in the one of the configuration; where a day is wanted, it is the day as written.
func (c *converter) time(a schema.Attr, s string, o reading) (any, state, string) {
	t, problem := c.moment(s, o)
	switch {
	case problem != "":
		return nil, filled, problem
	case t.IsZero() && o.order == undecided:
		return nil, filled, "" // told of the column already
	case t.IsZero():
		return nil, filled, fmt.Sprintf("%q is not %s", cut(s), wordFor(a))
	case t.Year() < 1900 || t.Year() > 2200:
		return nil, filled, fmt.Sprintf("%q lies outside the years 1900 to 2200", cut(s))
	case a.Past && t.After(c.clock.Now().Add(24*time.Hour)):
		return nil, filled, fmt.Sprintf("%q is in the future, and %s is when something happened. Correct the date, or leave the cell empty if it has not happened yet", cut(s), a.Name)
	}
	if a.Type == "date" {
		return t.Format(time.DateOnly), filled, ""
	}
	return clock.Format(t), filled, ""
}

// moment reads a text by the formats of the configuration, or where there are none by the order that its column has. It is
// zero for a text that has no reading.
func (c *converter) moment(s string, o reading) (time.Time, string) {
	if len(c.layouts) > 0 {
		return c.formatted(s)
	}
	w, ok := readDate(s, c.zone, o.since1904)
	if !ok || o.order == undecided && w.form != plain {
		return time.Time{}, ""
	}
	t, ok := w.in(o.order)
	if !ok {
		return t, fmt.Sprintf("%q is no date with the %s first", cut(s), map[order]string{dayFirst: "day", monthFirst: "month"}[o.order])
	}
	return t, ""
}

// formatted reads a text by all formats; if two of them read it differently it is not read at all.
func (c *converter) formatted(s string) (time.Time, string) {
	var found []time.Time
	for _, layout := range append([]string{time.RFC3339Nano, time.DateOnly}, c.layouts...) {
		t, err := time.ParseInLocation(layout, s, c.zone)
		if err == nil && !slices.ContainsFunc(found, t.Equal) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return time.Time{}, ""
	case 1:
		return found[0], ""
	}
	return found[0], fmt.Sprintf("%q can be read as %s and as %s", cut(s), found[0].Format(time.DateOnly), found[1].Format(time.DateOnly))
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
