// SPDX-License-Identifier: Apache-2.0

package check

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// truth is the three-valued answer of an expression, and a fourth for when it has none.
type truth uint8

const (
	isUnknown truth = iota
	isTrue
	isFalse
	isError
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// answer is a truth with what is behind it, where it is not plain.
type answer struct {
	truth   truth
	missing []string // the names that are unknown
	err     string
}

// expr is one compiled expression.
type expr struct {
	src     string
	ast     *cel.Ast
	prog    cel.Program
	small   func() (cel.Program, error) // the same for examples, which may take fewer steps; nil where there is no loop
	fast    func(*frame) truth          // nil where only CEL can evaluate it; decides, or leaves it to CEL
	fastVal valFn                       // the same of an expression that comes to a time
	vars    []string                    // the names it uses, in order
}

// newExpr compiles an expression that says yes or no. The empty expression is always true.
func newExpr(env *cel.Env, p *plan, kinds map[string]*kind, src string) (*expr, error) {
	e := &expr{src: strings.TrimSpace(src)}
	if e.src == "" {
		e.fast = func(*frame) truth { return isTrue }
		return e, nil
	}
	run, err := e.compile(env, p, kinds)
	if err != nil {
		return nil, err
	}
	if t := run.OutputType(); t.Kind() != types.BoolKind && !t.IsExactType(types.NewNullableType(types.BoolType)) {
		return nil, fmt.Errorf("it gives %s, and a yes or no is wanted", t)
	}
	e.fast = compileFast(p, run.NativeRep().Expr())
	return e, nil
}

// newTimeExpr compiles an expression that comes to a time, or to null. The empty expression is none.
func newTimeExpr(env *cel.Env, p *plan, kinds map[string]*kind, src string) (*expr, error) {
	e := &expr{src: strings.TrimSpace(src)}
	if e.src == "" {
		return nil, nil
	}
	run, err := e.compile(env, p, kinds)
	if err != nil {
		return nil, err
	}
	if t := run.OutputType(); t.Kind() != types.TimestampKind {
		return nil, fmt.Errorf("it gives %s, and a time is wanted", plainTypes(t.String()))
	}
	if o, ok := (&fastCompiler{p: p}).operand(run.NativeRep().Expr()); ok {
		e.fastVal = o.fn
	}
	return e, nil
}

// compile checks and plans the expression; it gives what is run of it.
func (e *expr) compile(env *cel.Env, p *plan, kinds map[string]*kind) (*cel.Ast, error) {
	checked, issues := env.Compile(e.src)
	if err := issues.Err(); err != nil {
		return nil, p.plain(issues)
	}
	e.ast = checked
	e.vars = variablesOf(checked.NativeRep().Expr(), p)
	for _, name := range e.vars {
		if v := p.vars[name]; v.place == joinAttr || v.place == joinList {
			p.used[v.join] = true
		}
	}
	p.noteWhole(checked.NativeRep().Expr())
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	run, err := p.foldingCase(env, kinds, checked)
	if err != nil {
		return nil, err
	}
	if loops(checked.NativeRep().Expr()) {
		e.small = sync.OnceValues(func() (cel.Program, error) {
			return env.Program(run, append(slices.Clone(options), cel.CostLimit(exampleLimit))...)
		})
		options = append(slices.Clone(options), cel.CostLimit(costLimit))
	}
	prog, err := env.Program(run, options...)
	if err != nil {
		return nil, fmt.Errorf("plan the expression: %w", err)
	}
	e.prog = prog
	return run, nil
}

// eval answers for the resource that the frame is on. What is true or false the fast path says
// where it can; CEL gives the reasons for all else.
func (e *expr) eval(f *frame) answer {
	if e.fast != nil {
		if t := e.fast(f); t == isTrue || t == isFalse {
			return answer{truth: t}
		}
	}
	return e.evalCEL(f)
}

func (e *expr) evalCEL(f *frame) answer {
	if e.prog == nil {
		return answer{truth: isTrue}
	}
	out, err := e.run(f)
	if err != nil {
		return e.failed(f, err)
	}
	switch v := out.(type) {
	case types.Bool:
		return answer{truth: truthOf(bool(v))}
	case *types.Unknown:
		return answer{truth: isUnknown, missing: missing(v)}
	case types.Null:
		return answer{truth: isUnknown, missing: e.empties(f)}
	default:
		return answer{truth: isError, err: fmt.Sprintf("it came to %s", short(out.Value()))}
	}
}

// failed is the answer where the expression has none. A value that it needs and that is empty is not known (INV-08):
// one person without a last day must not stop the test for all others.
func (e *expr) failed(f *frame, err error) answer {
	if names := e.empties(f); len(names) > 0 && noOverload.MatchString(err.Error()) {
		return answer{truth: isUnknown, missing: names}
	}
	return answer{truth: isError, err: plainRuntime(err)}
}

// empties are the names it uses that are known to have no value.
func (e *expr) empties(f *frame) []string {
	return slices.DeleteFunc(slices.Clone(e.vars), func(name string) bool { return !f.empty(name) })
}

// run is what CEL makes of the expression.
func (e *expr) run(f *frame) (ref.Val, error) {
	prog := e.prog
	if e.small != nil && f.in.example {
		var err error
		if prog, err = e.small(); err != nil {
			return nil, err
		}
	}
	out, _, err := prog.Eval(f)
	return out, err
}

func missing(u *types.Unknown) []string {
	var names []string
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			if n := t.Variable(); !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	slices.Sort(names)
	return names
}

var noOverload = regexp.MustCompile(`no such overload`)

// plainRuntime turns CEL's wording into ours.
func plainRuntime(err error) string {
	text := err.Error()
	switch {
	case noOverload.MatchString(text):
		return "an attribute is empty where a value is needed"
	case strings.Contains(text, "cost limit"):
		return "it takes too many steps for one resource"
	case strings.Contains(text, "divide by zero") || strings.Contains(text, "division by zero"):
		return "it divides by zero"
	default:
		return strings.TrimPrefix(text, "evaluation error: ")
	}
}

var (
	undeclared = regexp.MustCompile(`undeclared reference to '([^']+)'`)
	undefined  = regexp.MustCompile(`undefined field '([^']+)'`)
	mismatch   = regexp.MustCompile(`found no matching overload for '([^']+)' applied to '([^']+)'`)
)

// plain turns the first complaint of the type checker into ours.
func (p *plan) plain(issues *cel.Issues) error {
	all := issues.Errors()
	if len(all) == 0 {
		return issues.Err()
	}
	text, at := all[0].Message, all[0].Location.Column()+1
	if m := undeclared.FindStringSubmatch(text); m != nil {
		says := fmt.Sprintf("column %d: %s has no attribute %s", at, p.kind.name, m[1])
		if n := p.nearest(m[1]); n != "" {
			says += fmt.Sprintf("; did you mean %s", n)
		}
		return errors.New(says)
	}
	if m := undefined.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("column %d: there is no attribute %s", at, m[1])
	}
	if m := mismatch.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("column %d: %s does not go with %s", at, strings.Trim(m[1], "_"), plainTypes(m[2]))
	}
	return fmt.Errorf("column %d: %s", at, text)
}

var wrapped = regexp.MustCompile(`wrapper\((\w+)\)`)

func plainTypes(s string) string {
	s = wrapped.ReplaceAllString(s, "$1")
	s = strings.NewReplacer("google.protobuf.Timestamp", "time", "google.protobuf.Duration", "duration", "timestamp", "time").Replace(s)
	return strings.Trim(s, "()")
}

// variablesOf lists the variables of the plan that an expression uses.
func variablesOf(e ast.Expr, p *plan) []string {
	var names []string
	visit(e, func(x ast.Expr) {
		if x.Kind() != ast.IdentKind {
			return
		}
		if n := x.AsIdent(); p.vars[n] != nil && !slices.Contains(names, n) {
			names = append(names, n)
		}
	})
	return names
}

// noteWhole notes the lists of which an expression asks more than what one member can decide.
func (p *plan) noteWhole(e ast.Expr) {
	ranges := map[int64]bool{}
	visit(e, func(x ast.Expr) {
		switch x.Kind() {
		case ast.ComprehensionKind:
			if _, _, ok := loopBody(x.AsComprehension()); ok {
				ranges[x.AsComprehension().IterRange().ID()] = true
			}
		case ast.IdentKind:
			if v := p.vars[x.AsIdent()]; v != nil && v.place == joinList && !ranges[x.ID()] {
				p.whole[v.join] = true
			}
		}
	})
}

func loops(e ast.Expr) (found bool) {
	visit(e, func(x ast.Expr) { found = found || x.Kind() == ast.ComprehensionKind })
	return found
}

func visit(e ast.Expr, f func(ast.Expr)) {
	ast.PreOrderVisit(e, ast.NewExprVisitor(f))
}
