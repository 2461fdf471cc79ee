// SPDX-License-Identifier: Apache-2.0

package check

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// The fast path: what most conditions are made of, as Go closures over attribute slots. It must
// agree with CEL wherever it answers true or false; a property test holds that. Where it answers
// unknown or error, CEL is asked for the reason, and where it does not know a form it is not used.

type (
	boolFn func(*frame) truth
	valFn  func(*frame) ref.Val // nil is unknown, *types.Err an error
)

// operand is a compiled value, and what is known of it before any resource is seen.
type operand struct {
	fn     valFn
	fixed  ref.Val // of a literal or parameter
	steady bool    // the same for every resource of a run
}

func compileFast(p *plan, e ast.Expr) func(*frame) truth {
	if fn, ok := (&fastCompiler{p: p}).truth(e); ok {
		return fn
	}
	return nil
}

type fastCompiler struct {
	p     *plan
	loops []string // the names of the loops around the place, outermost first
}

func (c *fastCompiler) truth(e ast.Expr) (boolFn, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		b, ok := e.AsLiteral().(types.Bool)
		t := truthOf(bool(b))
		return func(*frame) truth { return t }, ok
	case ast.IdentKind:
		return c.boolVar(e)
	case ast.CallKind:
		return c.boolCall(e.AsCall())
	case ast.ComprehensionKind:
		return c.loop(e.AsComprehension())
	case ast.SelectKind:
		o, ok := c.field(e.AsSelect())
		return func(f *frame) truth { return truthOfVal(o.fn(f)) }, ok
	default:
		return nil, false
	}
}

func (c *fastCompiler) boolVar(e ast.Expr) (boolFn, bool) {
	if _, ok := c.loopVar(e); ok {
		return nil, false
	}
	v, ok := c.p.vars[e.AsIdent()]
	if !ok {
		return nil, false
	}
	if slot := v.slot; v.place == ownAttr {
		return func(f *frame) truth { return truthOfVal(f.own.vals[slot]) }, true
	}
	return func(f *frame) truth { return truthOfVal(f.get(v)) }, true
}

func truthOfVal(v ref.Val) truth {
	switch b := v.(type) {
	case types.Bool:
		return truthOf(bool(b))
	case nil:
		return isUnknown
	default:
		return isError
	}
}

func (c *fastCompiler) boolCall(call ast.CallExpr) (boolFn, bool) {
	args := call.Args()
	switch fn := call.FunctionName(); fn {
	case operators.LogicalAnd, operators.LogicalOr:
		return c.junction(args, fn == operators.LogicalAnd)
	case operators.LogicalNot:
		a, ok := c.truth(args[0])
		return func(f *frame) truth { return not(a(f)) }, ok
	case operators.Conditional:
		return c.choice(args)
	case operators.Equals, operators.NotEquals:
		return c.equality(args, fn == operators.NotEquals)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return c.order(args, fn)
	case operators.In:
		return c.membership(args)
	}
	return nil, false
}

func not(t truth) truth {
	switch t {
	case isTrue:
		return isFalse
	case isFalse:
		return isTrue
	default:
		return t
	}
}

// junction is && (all) or ||: one deciding side decides, whatever the other is.
func (c *fastCompiler) junction(args []ast.Expr, all bool) (boolFn, bool) {
	a, ok1 := c.truth(args[0])
	b, ok2 := c.truth(args[1])
	if !ok1 || !ok2 || len(args) != 2 {
		return nil, false
	}
	decides := truthOf(!all)
	return func(f *frame) truth {
		x := a(f)
		if x == decides {
			return x
		}
		y := b(f)
		if y == decides || x == not(decides) {
			return y
		}
		if x == isUnknown || y == isUnknown {
			return isUnknown
		}
		return x
	}, true
}

func (c *fastCompiler) choice(args []ast.Expr) (boolFn, bool) {
	cond, ok1 := c.truth(args[0])
	yes, ok2 := c.truth(args[1])
	no, ok3 := c.truth(args[2])
	return func(f *frame) truth {
		switch t := cond(f); t {
		case isTrue:
			return yes(f)
		case isFalse:
			return no(f)
		default:
			return t
		}
	}, ok1 && ok2 && ok3
}

func (c *fastCompiler) equality(args []ast.Expr, negated bool) (boolFn, bool) {
	a, ok1 := c.operand(args[0])
	b, ok2 := c.operand(args[1])
	if !ok1 || !ok2 {
		return nil, false
	}
	if a.fixed != nil && b.fixed == nil {
		a, b = b, a
	}
	equal := func(f *frame) truth { return equalVals(a.fn(f), b.fn(f)) }
	if text, ok := b.fixed.(types.String); ok {
		equal = func(f *frame) truth { return equalText(a.fn(f), text) }
		if slot, own := c.ownSlot(args); own {
			equal = func(f *frame) truth { return equalText(f.own.vals[slot], text) }
		}
	}
	if negated {
		return func(f *frame) truth { return not(equal(f)) }, true
	}
	return equal, true
}

// ownSlot is the slot of the side that is a plain attribute.
func (c *fastCompiler) ownSlot(args []ast.Expr) (int, bool) {
	for _, e := range args {
		if _, looped := c.loopVar(e); e.Kind() == ast.IdentKind && !looped {
			if v := c.p.vars[e.AsIdent()]; v != nil && v.place == ownAttr {
				return v.slot, true
			}
		}
	}
	return 0, false
}

func equalText(v ref.Val, text types.String) truth {
	switch s := v.(type) {
	case types.String:
		return truthOf(s == text)
	case nil:
		return isUnknown
	case types.Null:
		return isFalse
	default:
		return equalVals(v, text)
	}
}

func equalVals(a, b ref.Val) truth {
	if a == nil || b == nil {
		if types.IsError(a) || types.IsError(b) {
			return isError
		}
		return isUnknown
	}
	if types.IsError(a) || types.IsError(b) {
		return isError
	}
	return truthOfVal(types.Equal(a, b))
}

// compare gives -1, 0 or 1 for two values of one ordered type.
func compare(a, b ref.Val) (types.Int, bool) {
	switch x := a.(type) {
	case types.Timestamp:
		if y, ok := b.(types.Timestamp); ok {
			return types.Int(x.Time.Compare(y.Time)), true
		}
	case types.Int:
		if y, ok := b.(types.Int); ok {
			switch {
			case x < y:
				return -1, true
			case x > y:
				return 1, true
			}
			return 0, true
		}
	case types.String:
		if y, ok := b.(types.String); ok {
			return types.Int(strings.Compare(string(x), string(y))), true
		}
	case types.Duration:
		if y, ok := b.(types.Duration); ok {
			n, ok := x.Compare(y).(types.Int)
			return n, ok
		}
	}
	return 0, false
}

func (c *fastCompiler) order(args []ast.Expr, op string) (boolFn, bool) {
	a, ok1 := c.operand(args[0])
	b, ok2 := c.operand(args[1])
	holds := map[string]func(types.Int) bool{
		operators.Less:          func(n types.Int) bool { return n < 0 },
		operators.LessEquals:    func(n types.Int) bool { return n <= 0 },
		operators.Greater:       func(n types.Int) bool { return n > 0 },
		operators.GreaterEquals: func(n types.Int) bool { return n >= 0 },
	}[op]
	return func(f *frame) truth {
		x, y := a.fn(f), b.fn(f)
		if x == nil || y == nil {
			return isUnknown
		}
		n, ok := compare(x, y)
		if !ok {
			return isError
		}
		return truthOf(holds(n))
	}, ok1 && ok2
}

// membership is x in list, where the list is written out, a parameter or an attribute.
func (c *fastCompiler) membership(args []ast.Expr) (boolFn, bool) {
	x, ok := c.operand(args[0])
	if !ok {
		return nil, false
	}
	if texts, ok := c.fixedTexts(args[1]); ok {
		return func(f *frame) truth {
			switch s := x.fn(f).(type) {
			case types.String:
				return truthOf(slices.Contains(texts, string(s)))
			case nil:
				return isUnknown
			default:
				return isError // CEL says what null in a list of texts comes to
			}
		}, true
	}
	l, ok := c.operand(args[1])
	return func(f *frame) truth {
		v, in := x.fn(f), l.fn(f)
		if v == nil || in == nil {
			return isUnknown
		}
		container, ok := in.(traits.Container)
		if !ok || types.IsError(v) {
			return isError
		}
		return truthOfVal(container.Contains(v))
	}, ok
}

func (c *fastCompiler) fixedTexts(e ast.Expr) ([]string, bool) {
	if e.Kind() != ast.ListKind {
		return nil, false
	}
	var out []string
	for _, x := range e.AsList().Elements() {
		if x.Kind() != ast.LiteralKind {
			return nil, false
		}
		s, ok := x.AsLiteral().(types.String)
		if !ok {
			return nil, false
		}
		out = append(out, string(s))
	}
	return out, true
}
