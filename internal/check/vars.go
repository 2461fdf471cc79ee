// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// place says where a variable's value is found.
type place uint8

const (
	ownAttr  place = iota // an attribute of the resource
	joinAttr              // an attribute of a joined resource
	joinList              // the list of joined resources
	param                 // a parameter of the test
	nowVar
	calendarVar
	itemsVar // the resources of the group
	countVar // how many they are
	countsVar
)

// variable is one name that a test's expressions may use.
type variable struct {
	name   string
	place  place
	slot   int // attribute, parameter or count
	join   int // in plan.joins
	attr   *attribute
	typ    *cel.Type
	absent *types.Unknown
}

// plan is the layout of one test: its variables, the joins it reaches, its parameters.
type plan struct {
	kind   *kind
	vars   map[string]*variable
	joins  []*join // of the kind, in name order
	used   []bool  // which of them the expressions reach
	whole  []bool  // of which lists they ask more than exists and all
	params []ref.Val
	counts []string

	deepest int                    // loops within loops
	folds   []func(*frame) ref.Val // parts that are the same for every resource of a run
}

// newPlan lays out the variables that a test may use. Whether it is aggregated says whether it has
// the variables of groups.
func newPlan(k *kind, params map[string]any, counts map[string]string, aggregated bool) (*plan, error) {
	p := &plan{kind: k, vars: map[string]*variable{}}
	for i := range k.attrs {
		a := &k.attrs[i]
		p.add(&variable{name: a.name, place: ownAttr, slot: i, attr: a, typ: a.typ.celType()})
	}
	for _, name := range sortedKeys(k.joins) {
		p.addJoin(k.joins[name])
	}
	for i, name := range sortedKeys(params) {
		v, typ, err := paramValue(params[name])
		if err != nil {
			return nil, fmt.Errorf("params.%s: %w", name, err)
		}
		p.params = append(p.params, v)
		p.add(&variable{name: "params." + name, place: param, slot: i, typ: typ})
	}
	p.add(&variable{name: nowIdent, place: nowVar, typ: types.TimestampType})
	p.add(&variable{name: calendarIdent, place: calendarVar, typ: calendarType})
	if aggregated {
		p.add(&variable{name: "items", place: itemsVar, typ: types.NewListType(k.celType)})
		p.add(&variable{name: "count", place: countVar, typ: types.IntType})
	}
	p.counts = sortedKeys(counts)
	for i, name := range p.counts {
		p.add(&variable{name: "counts." + name, place: countsVar, slot: i, typ: types.IntType})
	}
	return p, nil
}

func (p *plan) add(v *variable) {
	v.absent = types.NewUnknown(1, types.NewAttributeTrail(v.name))
	p.vars[v.name] = v
}

func (p *plan) addJoin(j *join) {
	at := len(p.joins)
	p.joins, p.used, p.whole = append(p.joins, j), append(p.used, false), append(p.whole, false)
	if j.Many {
		p.add(&variable{name: j.Name, place: joinList, join: at, typ: types.NewListType(j.kinds[0].celType)})
		return
	}
	for _, k := range j.kinds {
		for i := range k.attrs {
			name := j.Name + "." + k.attrs[i].name
			if p.vars[name] == nil {
				p.add(&variable{name: name, place: joinAttr, slot: i, join: at, attr: &k.attrs[i], typ: k.attrs[i].typ.celType()})
			}
		}
	}
}

// options declares the variables to the type checker.
func (p *plan) options() []cel.EnvOption {
	var out []cel.EnvOption
	for _, name := range sortedKeys(p.vars) {
		if v := p.vars[name]; v.place != nowVar && v.place != calendarVar {
			out = append(out, cel.Variable(name, v.typ))
		}
	}
	return out
}

// paramValue gives a parameter its type, from how it is written. A date or a time is a time.
func paramValue(v any) (ref.Val, *cel.Type, error) {
	switch x := v.(type) {
	case bool:
		return types.Bool(x), types.BoolType, nil
	case string:
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, x); err == nil {
				return types.Timestamp{Time: t.UTC()}, types.TimestampType, nil
			}
		}
		return types.String(x), types.StringType, nil
	case []any:
		if numbers, ok := list(v, wholeNumber); ok && len(x) > 0 {
			return types.DefaultTypeAdapter.NativeToValue(numbers), types.NewListType(types.IntType), nil
		}
	}
	if n, ok := wholeNumber(v); ok {
		return types.Int(n), types.IntType, nil
	}
	if texts, ok := list(v, func(x any) (string, bool) { s, ok := x.(string); return s, ok }); ok {
		return types.NewStringList(types.DefaultTypeAdapter, texts), types.NewListType(types.StringType), nil
	}
	return nil, nil, fmt.Errorf("%s is no value for a parameter: use yes or no, a whole number, a text, a date, or a list of texts or numbers", short(v))
}

// nearest finds the name that was probably meant.
func (p *plan) nearest(name string) string {
	best, least := "", 1+len(name)/3
	for _, other := range sortedKeys(p.vars) {
		if strings.Contains(other, "@") {
			continue
		}
		if d := distance(name, other); d <= least {
			best, least = other, d-1
		}
	}
	return best
}

// distance is the number of letters to change, add or remove.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
