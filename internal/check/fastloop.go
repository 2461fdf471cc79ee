// SPDX-License-Identifier: Apache-2.0

package check

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxLoopSteps bounds what the loops of one expression may take on the fast path for one resource.
// Beyond it CEL is asked, which has its own limit and tells of it.
const maxLoopSteps = 10_000

// loop compiles list.exists(x, ...) and list.all(x, ...). Other loops are left to CEL.
func (c *fastCompiler) loop(comp ast.ComprehensionExpr) (boolFn, bool) {
	all, body, ok := loopBody(comp)
	if !ok {
		return nil, false
	}
	over, ok := c.operand(comp.IterRange())
	if !ok {
		return nil, false
	}
	at := len(c.loops)
	c.loops = append(c.loops, comp.IterVar())
	c.p.deepest = max(c.p.deepest, len(c.loops))
	holds, ok := c.truth(body)
	c.loops = c.loops[:at]
	if !ok {
		return nil, false
	}
	decides := truthOf(!all)
	return func(f *frame) truth {
		list, ok := over.fn(f).(traits.Lister)
		if !ok {
			return isUnknown // or an error: CEL tells
		}
		sum := not(decides)
		for it := list.Iterator(); it.HasNext() == types.True; {
			if f.steps++; f.steps > maxLoopSteps {
				return isError
			}
			f.loop[at] = it.Next()
			switch t := holds(f); {
			case t == decides:
				return t
			case t == isUnknown, t == isError && sum != isUnknown:
				sum = t
			}
		}
		return sum
	}, true
}

// loopBody recognises what the macros exists and all are made of.
func loopBody(comp ast.ComprehensionExpr) (all bool, body ast.Expr, ok bool) {
	first, step, result := comp.AccuInit(), comp.LoopStep(), comp.Result()
	if first.Kind() != ast.LiteralKind || step.Kind() != ast.CallKind || comp.HasIterVar2() ||
		result.Kind() != ast.IdentKind || result.AsIdent() != comp.AccuVar() {
		return false, nil, false
	}
	begins, isBool := first.AsLiteral().(types.Bool)
	want := operators.LogicalOr
	if begins {
		want = operators.LogicalAnd
	}
	args := step.AsCall().Args()
	if !isBool || step.AsCall().FunctionName() != want || len(args) != 2 ||
		args[0].Kind() != ast.IdentKind || args[0].AsIdent() != comp.AccuVar() {
		return false, nil, false
	}
	return bool(begins), args[1], true
}

// loopVar finds the loop that a name belongs to, the innermost first.
func (c *fastCompiler) loopVar(e ast.Expr) (int, bool) {
	if e.Kind() != ast.IdentKind {
		return 0, false
	}
	for i := len(c.loops) - 1; i >= 0; i-- {
		if c.loops[i] == e.AsIdent() {
			return i, true
		}
	}
	return 0, false
}

// field is an attribute of the resource that a loop is at.
func (c *fastCompiler) field(e ast.SelectExpr) (operand, bool) {
	at, ok := c.loopVar(e.Operand())
	if !ok || e.IsTestOnly() {
		return operand{}, false
	}
	name := e.FieldName()
	return operand{fn: func(f *frame) ref.Val {
		b, ok := f.loop[at].(*Bound)
		if !ok {
			return nil // CEL tells what it is
		}
		return b.value(name)
	}}, true
}
