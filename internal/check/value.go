// SPDX-License-Identifier: Apache-2.0

package check

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"assay/internal/clock"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// attrType is the declared type of an attribute.
type attrType uint8

const (
	boolType attrType = iota
	intType
	stringType
	timeType
	dateType // a day: midnight in the organisation's time zone
	stringsType
	intsType
)

var attrTypes = map[string]attrType{
	"bool": boolType, "int": intType, "string": stringType, "time": timeType,
	"date": dateType, "strings": stringsType, "ints": intsType,
}

var typeWords = [...]string{
	boolType: "yes or no", intType: "a whole number", stringType: "a text", timeType: "a time",
	dateType: "a day", stringsType: "a list of texts", intsType: "a list of whole numbers",
}

// celType is how the type stands in expressions. Single values may be null: known to be absent.
func (t attrType) celType() *types.Type {
	switch t {
	case boolType:
		return types.NewNullableType(types.BoolType)
	case intType:
		return types.NewNullableType(types.IntType)
	case timeType, dateType:
		return types.TimestampType
	case stringsType:
		return types.NewListType(types.StringType)
	case intsType:
		return types.NewListType(types.IntType)
	default:
		return types.NewNullableType(types.StringType)
	}
}

// attribute is one declared attribute of a kind.
type attribute struct {
	name       string
	typ        attrType
	values     []string
	doc        string
	def        ref.Val        // where a source says nothing; nil where that is unknown
	past       bool           // the time of an event that has happened
	ignoreCase bool           // its letter case does not count in comparisons
	absent     *types.Unknown // what an expression sees when nothing was supplied
}

// convert turns a supplied value into one of the declared type. Where that cannot be done it
// returns nil, which is unknown, and the reason.
func (a *attribute) convert(v any, zone *time.Location) (ref.Val, string) {
	if v == nil {
		return a.null(), ""
	}
	var out ref.Val
	switch a.typ {
	case boolType:
		if b, ok := v.(bool); ok {
			out = types.Bool(b)
		}
	case intType:
		if n, ok := wholeNumber(v); ok {
			out = types.Int(n)
		}
	case stringType:
		if s, ok := v.(string); ok {
			out = types.String(s)
		}
	case timeType, dateType:
		out = a.moment(v, zone)
	case stringsType:
		if l, ok := list(v, func(x any) (string, bool) { s, ok := x.(string); return s, ok }); ok {
			for _, s := range l {
				if wrong := a.undeclared(s); wrong != "" {
					return nil, wrong
				}
			}
			out = types.NewStringList(types.DefaultTypeAdapter, l)
		}
	case intsType:
		if l, ok := list(v, wholeNumber); ok {
			out = types.DefaultTypeAdapter.NativeToValue(l)
		}
	}
	if out == nil {
		return nil, fmt.Sprintf("the source sent %s, and %s is wanted", short(v), typeWords[a.typ])
	}
	if s, ok := out.(types.String); ok {
		if wrong := a.undeclared(string(s)); wrong != "" {
			return nil, wrong
		}
	}
	return out, ""
}

// undeclared says what is wrong with a text that is not among the values that count.
func (a *attribute) undeclared(s string) string {
	if len(a.values) == 0 || slices.Contains(a.values, s) {
		return ""
	}
	return fmt.Sprintf("the source sent %q, which is none of %s", s, strings.Join(a.values, ", "))
}

// null is the value of what is known to be absent: for a list that is the empty list.
func (a *attribute) null() ref.Val {
	switch a.typ {
	case stringsType:
		return types.NewStringList(types.DefaultTypeAdapter, nil)
	case intsType:
		return types.DefaultTypeAdapter.NativeToValue([]int64{})
	default:
		return types.NullValue
	}
}

func (a *attribute) moment(v any, zone *time.Location) ref.Val {
	t, ok := v.(time.Time)
	if s, isText := v.(string); isText {
		var err error
		if t, err = time.Parse(time.RFC3339Nano, s); err != nil {
			if t, err = time.Parse(time.DateOnly, s); err == nil {
				t = clock.DayStart(t.Year(), t.Month(), t.Day(), zone).In(zone)
			}
		}
		ok = err == nil
	}
	// CEL holds times of the years 1 to 9999 only.
	if !ok || t.Year() < 1 || t.Year() > 9999 {
		return nil
	}
	if a.typ == dateType {
		t = clock.DayStart(t.Year(), t.Month(), t.Day(), zone)
	}
	return types.Timestamp{Time: t.UTC()}
}

// wholeNumber takes every shape that a decoder gives a whole number.
func wholeNumber(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case int32:
		return int64(n), true
	case uint32:
		return int64(n), true
	case uint64:
		return int64(n), n <= math.MaxInt64
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) < 1<<53
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	default:
		return 0, false
	}
}

func list[T any](v any, one func(any) (T, bool)) ([]T, bool) {
	switch l := v.(type) {
	case []T:
		return l, true
	case []any:
		out := make([]T, len(l))
		for i, x := range l {
			var ok bool
			if out[i], ok = one(x); !ok {
				return nil, false
			}
		}
		return out, true
	default:
		return nil, false
	}
}

// short shows a value in a reason without flooding it.
func short(v any) string {
	r := []rune(fmt.Sprintf("%q", fmt.Sprint(v)))
	if len(r) > 60 {
		return string(r[:57]) + `…"`
	}
	return string(r)
}

// native turns a value back into what the rest of the program and JSON know. Unknown is not ok.
func native(v ref.Val) (any, bool) {
	switch x := v.(type) {
	case nil, *types.Unknown, *types.Err:
		return nil, false
	case types.Null:
		return nil, true
	case types.Timestamp:
		return x.UTC().Format(time.RFC3339), true
	case types.Bool, types.Int, types.String:
		return x.Value(), true
	case *Bound:
		return x.ID, true
	}
	if texts, err := v.ConvertToNative(stringsGo); err == nil {
		return texts, true
	}
	if numbers, err := v.ConvertToNative(intsGo); err == nil {
		return numbers, true
	}
	return nil, false
}
