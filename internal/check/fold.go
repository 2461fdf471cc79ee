// SPDX-License-Identifier: Apache-2.0

package check

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Where letter case does not count. Jo@Example.com and jo@example.com are one address, and two programs seldom write
// it alike. Which attributes are like that is declared with the kind (ignore_case): a comparison with one of them
// ignores case, whatever stands on the other side, so that no condition has to remember it.

const foldFn = "fold@"

// folded is how a text is compared where letter case does not count; spaces around it do not count either.
func folded(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// fold folds a text or a list of texts. What has no letters stays as it is.
func fold(a ...ref.Val) ref.Val {
	switch v := a[0].(type) {
	case types.String:
		return types.String(folded(string(v)))
	case traits.Lister:
		var out []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			s, ok := it.Next().(types.String)
			if !ok {
				return v
			}
			out = append(out, folded(string(s)))
		}
		return types.NewStringList(types.DefaultTypeAdapter, out)
	default:
		return v
	}
}

// foldCase rewrites a checked expression: both sides of a comparison with an attribute whose letter case does not
// count are folded.
type foldCase struct {
	p     *plan
	kinds map[string]*kind
	loops map[string]bool // names of loops, and whether they go over such texts
}

// foldingCase gives the expression as it is run. One that compares nothing of the sort stays as it is.
func (p *plan) foldingCase(env *cel.Env, kinds map[string]*kind, checked *cel.Ast) (*cel.Ast, error) {
	f := &foldCase{p: p, kinds: kinds, loops: map[string]bool{}}
	if len(f.comparisons(checked.NativeRep())) == 0 {
		return checked, nil
	}
	o, err := cel.NewStaticOptimizer(f, cel.OptimizeWithSource(checked.Source())) // without the macros as they were written: that is for people
	if err != nil {
		return nil, err
	}
	out, issues := o.Optimize(env, checked)
	if issues != nil && issues.Err() != nil {
		return nil, p.plain(issues)
	}
	return out, nil
}

// Optimize implements cel.ASTOptimizer.
func (f *foldCase) Optimize(ctx *cel.OptimizerContext, a *ast.AST) *ast.AST {
	for _, e := range f.comparisons(a) {
		call := e.AsCall()
		var sides []ast.Expr
		for _, side := range call.Args() {
			sides = append(sides, f.wrap(ctx, side))
		}
		e.SetKindCase(ctx.NewCall(call.FunctionName(), sides...))
	}
	return ctx.NewAST(a.Expr())
}

// wrap folds one side: what is written out at once, the rest when it is evaluated.
func (f *foldCase) wrap(ctx *cel.OptimizerContext, e ast.Expr) ast.Expr {
	if e.Kind() == ast.LiteralKind {
		return ctx.NewLiteral(fold(e.AsLiteral()))
	}
	if e.Kind() == ast.ListKind {
		var items []ast.Expr
		for _, x := range e.AsList().Elements() {
			items = append(items, f.wrap(ctx, x))
		}
		return ctx.NewList(items, e.AsList().OptionalIndices())
	}
	return ctx.NewCall(foldFn, e)
}

// comparisons finds those in which letter case does not count, the outer before the inner.
func (f *foldCase) comparisons(a *ast.AST) []ast.Expr {
	var out []ast.Expr
	visit(a.Expr(), func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			f.loops[e.AsComprehension().IterVar()] = f.caseless(a, e.AsComprehension().IterRange())
		}
		if e.Kind() != ast.CallKind {
			return
		}
		switch call := e.AsCall(); call.FunctionName() {
		case operators.Equals, operators.NotEquals, operators.In:
			x, y := call.Args()[0], call.Args()[1]
			if (f.caseless(a, x) || f.caseless(a, y)) && !nothing(x) && !nothing(y) {
				out = append(out, e)
			}
		}
	})
	return out
}

// nothing says whether a side asks only whether there is a value: null or the empty text.
func nothing(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && (e.AsLiteral() == types.NullValue || e.AsLiteral() == types.String(""))
}

// caseless says whether letter case does not count in what an expression gives.
func (f *foldCase) caseless(a *ast.AST, e ast.Expr) bool {
	switch e.Kind() {
	case ast.IdentKind:
		if yes, loop := f.loops[e.AsIdent()]; loop {
			return yes
		}
		v := f.p.vars[e.AsIdent()]
		return v != nil && v.attr != nil && v.attr.ignoreCase
	case ast.SelectKind: // an attribute of a resource in a list
		s := e.AsSelect()
		t := a.GetType(s.Operand().ID())
		if t == nil || f.kinds[t.TypeName()] == nil {
			return false
		}
		k := f.kinds[t.TypeName()]
		slot, ok := k.slots[s.FieldName()]
		return ok && k.attrs[slot].ignoreCase
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			if f.caseless(a, x) {
				return true
			}
		}
	case ast.ComprehensionKind: // a part of a list
		return f.caseless(a, e.AsComprehension().IterRange())
	case ast.CallKind:
		if e.AsCall().FunctionName() == operators.Conditional {
			return f.caseless(a, e.AsCall().Args()[1]) || f.caseless(a, e.AsCall().Args()[2])
		}
	}
	return false
}
