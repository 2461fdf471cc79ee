// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// operand compiles a value. What is the same for every resource of a run is worked out once a run.
func (c *fastCompiler) operand(e ast.Expr) (operand, bool) {
	o, ok := c.value(e)
	if !ok || !o.steady || o.fixed != nil || e.Kind() != ast.CallKind {
		return o, ok
	}
	at := len(c.p.folds)
	c.p.folds = append(c.p.folds, o.fn)
	return operand{steady: true, fn: func(f *frame) ref.Val { return f.folded[at] }}, true
}

func (c *fastCompiler) value(e ast.Expr) (operand, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		return constant(e.AsLiteral()), true
	case ast.IdentKind:
		return c.valueVar(e)
	case ast.CallKind:
		return c.valueCall(e.AsCall())
	case ast.SelectKind:
		return c.field(e.AsSelect())
	default:
		return operand{}, false
	}
}

func constant(v ref.Val) operand {
	return operand{fixed: v, steady: true, fn: func(*frame) ref.Val { return v }}
}

func (c *fastCompiler) valueVar(e ast.Expr) (operand, bool) {
	if at, ok := c.loopVar(e); ok {
		return operand{fn: func(f *frame) ref.Val { return f.loop[at] }}, true
	}
	v, ok := c.p.vars[e.AsIdent()]
	if !ok {
		return operand{}, false
	}
	switch slot := v.slot; v.place {
	case ownAttr:
		return operand{fn: func(f *frame) ref.Val { return f.own.vals[slot] }}, true
	case param:
		return constant(c.p.params[slot]), true
	case nowVar:
		return operand{steady: true, fn: func(f *frame) ref.Val { return f.now }}, true
	case calendarVar:
		return operand{steady: true, fn: func(f *frame) ref.Val { return f.cal }}, true
	default:
		return operand{fn: func(f *frame) ref.Val { return f.get(v) }}, true
	}
}

func (c *fastCompiler) valueCall(call ast.CallExpr) (operand, bool) {
	if call.FunctionName() == operators.Conditional {
		return c.valueChoice(call.Args())
	}
	exprs := call.Args()
	if call.IsMemberFunction() {
		exprs = append([]ast.Expr{call.Target()}, exprs...)
	}
	apply, ok := c.apply(call.FunctionName(), len(exprs))
	if !ok {
		return operand{}, false
	}
	out := operand{steady: true}
	args := make([]valFn, len(exprs))
	for i, e := range exprs {
		a, ok := c.operand(e)
		if !ok {
			return operand{}, false
		}
		args[i], out.steady = a.fn, out.steady && a.steady
	}
	out.fn = func(f *frame) ref.Val {
		var room [4]ref.Val
		vals := room[:len(args)]
		for i, a := range args {
			if vals[i] = a(f); vals[i] == nil || types.IsError(vals[i]) {
				return vals[i] // as CEL: the first that is unknown or an error
			}
		}
		return apply(vals...)
	}
	return out, true
}

// apply is the code of a function or operator on values that are all known.
func (c *fastCompiler) apply(name string, n int) (func(...ref.Val) ref.Val, bool) {
	if fn, ok := functions[name]; ok && n <= 4 {
		return fn, true
	}
	switch {
	case name == operators.Add && n == 2:
		return func(a ...ref.Val) ref.Val {
			if x, ok := a[0].(traits.Adder); ok {
				return x.Add(a[1])
			}
			return types.MaybeNoSuchOverloadErr(a[0])
		}, true
	case name == operators.Subtract && n == 2:
		return func(a ...ref.Val) ref.Val {
			if x, ok := a[0].(traits.Subtractor); ok {
				return x.Subtract(a[1])
			}
			return types.MaybeNoSuchOverloadErr(a[0])
		}, true
	case name == operators.Multiply && n == 2:
		return func(a ...ref.Val) ref.Val {
			if x, ok := a[0].(traits.Multiplier); ok {
				return x.Multiply(a[1])
			}
			return types.MaybeNoSuchOverloadErr(a[0])
		}, true
	case name == operators.Divide && n == 2:
		return func(a ...ref.Val) ref.Val {
			if x, ok := a[0].(traits.Divider); ok {
				return x.Divide(a[1])
			}
			return types.MaybeNoSuchOverloadErr(a[0])
		}, true
	case name == "size" && n == 1:
		return func(a ...ref.Val) ref.Val {
			if x, ok := a[0].(traits.Sizer); ok {
				return x.Size()
			}
			return types.MaybeNoSuchOverloadErr(a[0])
		}, true
	}
	return nil, false
}

func (c *fastCompiler) valueChoice(args []ast.Expr) (operand, bool) {
	cond, ok := c.truth(args[0])
	yes, ok1 := c.operand(args[1])
	no, ok2 := c.operand(args[2])
	if !ok || !ok1 || !ok2 {
		return operand{}, false
	}
	return operand{fn: func(f *frame) ref.Val {
		switch cond(f) {
		case isTrue:
			return yes.fn(f)
		case isFalse:
			return no.fn(f)
		case isUnknown:
			return nil
		default:
			return types.NewErr("the choice has no answer")
		}
	}}, true
}
