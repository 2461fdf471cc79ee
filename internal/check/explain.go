// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"assay/content"
)

// Explain says what a test does, first in words and then in code.
func (c *Catalogue) Explain(t content.Test) (string, error) {
	r, err := c.compile(t)
	if err != nil {
		return "", err
	}
	return r.Explain(), nil
}

// Explain says what the rule does, first in words and then in code.
func (r *Rule) Explain() string {
	var out strings.Builder
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&out, "%s: %s\n", label, text)
		}
	}
	out.WriteString(r.Def.Title + ".\n")
	if r.Def.Doc != "" {
		out.WriteString(r.Def.Doc + "\n")
	}
	out.WriteString("\n")
	line("Looks at", r.scope())
	if r.Def.Filter != "" {
		line("Only where", r.words(r.filter))
	}
	if r.event == nil {
		line("Must hold", r.words(r.condition))
	} else {
		line("Passes when", r.eventWords())
		line("Window", fmt.Sprintf("events due in the last %d days, and any that are still open. Events due before the programme started are not judged", r.event.days))
		line("A day fails", "if an event was overdue on it. If none was due or overdue, the day is not applicable")
		if r.event.ends != nil {
			line("No longer open after", r.timeWords(r.event.ends)+". From then on it counts as late")
		}
	}
	for i, e := range r.counts {
		line("counts."+r.plan.counts[i]+" counts those where", r.words(e))
	}
	if r.expect != nil {
		line("Must exist", r.expectWords())
	}
	line("If there is nothing to look at", r.emptyWords())
	if len(r.Def.Params) > 0 {
		var parts []string
		for _, name := range sortedKeys(r.Def.Params) {
			parts = append(parts, fmt.Sprintf("%s = %s", name, spoken(r.plan.params[r.plan.vars["params."+name].slot], nil)))
		}
		line("You can change", strings.Join(parts, "; "))
	}
	out.WriteString("\n")
	line("filter", strings.TrimSpace(r.Def.Filter))
	for _, l := range r.Def.Code() {
		line(l[0], l[1])
	}
	return out.String()
}

// eventWords says when an event passes.
func (r *Rule) eventWords() string {
	due, must := r.timeWords(r.event.due), ""
	if r.condition.src != "" {
		must = r.words(r.condition)
	}
	switch {
	case r.event.done == nil:
		return fmt.Sprintf("as of %s, %s", due, must)
	case must == "":
		return fmt.Sprintf("%s is not after %s", r.timeWords(r.event.done), due)
	}
	return fmt.Sprintf("%s is not after %s, and %s", r.timeWords(r.event.done), due, must)
}

func (r *Rule) timeWords(e *expr) string {
	return (&speaker{p: r.plan, e: e}).value(e.ast.NativeRep().Expr())
}

func (r *Rule) expectWords() string {
	x := r.expect
	what := map[bool]string{true: "one group", false: "one of them"}[r.Def.Over == "group"]
	text := fmt.Sprintf("%s for each of the %s (%s)", what, x.kind.title, x.kind.name)
	if x.Where != "" {
		text += " where " + sentence(x.where, x.plan)
	}
	switch {
	case x.Else == "unknown":
		text += "; without it the test is unknown"
	case r.Def.Over == "each":
		text += "; without it the test fails"
	}
	if x.Optional {
		text += ". Where no source supplies " + x.kind.name + ", that cannot be seen"
	}
	return text
}

func (r *Rule) scope() string {
	k := r.plan.kind
	text := fmt.Sprintf("each of the %s (%s)", k.title, k.name)
	switch r.Def.Over {
	case "group":
		text = fmt.Sprintf("the %s (%s), taken together by %s", k.title, k.name, strings.Join(r.Def.By, " and "))
	case "all":
		text = fmt.Sprintf("the %s (%s), all together", k.title, k.name)
	}
	if r.Def.Latest != "" {
		text += "; of those the newest by " + r.Def.Latest
	}
	return text
}

func (r *Rule) emptyWords() string {
	switch {
	case r.Def.Empty == "fail":
		return "the test fails"
	case r.Def.Empty == "error":
		return "that is an error"
	case r.plan.kind.neverEmpty:
		return "an error when the source supplied none at all; else not applicable"
	default:
		return "not applicable"
	}
}

func (r *Rule) words(e *expr) string { return sentence(e, r.plan) }

func sentence(e *expr, p *plan) string {
	if e.ast == nil {
		return "always"
	}
	return (&speaker{p: p, e: e}).bool(e.ast.NativeRep().Expr(), false)
}

func isNull(e ast.Expr) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue }

// speaker turns a checked expression into words. What it has no words for it shows as code.
type speaker struct {
	p *plan
	e *expr
}

func (s *speaker) code(e ast.Expr) string {
	text, err := cel.ExprToString(e, s.e.ast.NativeRep().SourceInfo())
	if err != nil {
		return s.e.src
	}
	return text
}

var orderWords = map[string][2]string{ // for numbers, for times
	operators.Less:          {"is less than", "is before"},
	operators.LessEquals:    {"is at most", "is not after"},
	operators.Greater:       {"is more than", "is after"},
	operators.GreaterEquals: {"is at least", "is not before"},
}

func (s *speaker) bool(e ast.Expr, inside bool) string {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent() + " is yes"
	}
	if e.Kind() != ast.CallKind {
		return s.code(e)
	}
	call := e.AsCall()
	args := call.Args()
	switch fn := call.FunctionName(); fn {
	case operators.LogicalAnd, operators.LogicalOr:
		return s.junction(args, fn, inside)
	case operators.LogicalNot:
		return s.negation(args[0])
	case operators.Equals, operators.NotEquals:
		is := map[string]string{operators.Equals: " is ", operators.NotEquals: " is not "}[fn]
		return s.value(args[0]) + is + s.value(args[1])
	case operators.In:
		return s.value(args[0]) + " is one of " + s.value(args[1])
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		words := orderWords[fn][0]
		if t := s.e.ast.NativeRep().GetType(args[0].ID()); t != nil && t.Kind() == types.TimestampKind {
			words = orderWords[fn][1]
		}
		return s.value(args[0]) + " " + words + " " + s.value(args[1])
	}
	return s.code(e)
}

// junction says "and" and "or". The pair that filled() stands for is said as it was written.
func (s *speaker) junction(args []ast.Expr, fn string, inside bool) string {
	if name, ok := filledName(args, fn); ok {
		return name + " is given"
	}
	word := " and "
	if fn == operators.LogicalOr {
		word = " or "
	}
	text := s.bool(args[0], fn != nested(args[0])) + word + s.bool(args[1], fn != nested(args[1]))
	if inside {
		return "(" + text + ")"
	}
	return text
}

func nested(e ast.Expr) string {
	if e.Kind() == ast.CallKind {
		return e.AsCall().FunctionName()
	}
	return ""
}

func filledName(args []ast.Expr, fn string) (string, bool) {
	if fn != operators.LogicalAnd || len(args) != 2 {
		return "", false
	}
	name := ""
	for i, want := range []ref.Val{types.NullValue, types.String("")} {
		if nested(args[i]) != operators.NotEquals {
			return "", false
		}
		sides := args[i].AsCall().Args()
		if sides[0].Kind() != ast.IdentKind || sides[1].Kind() != ast.LiteralKind || sides[1].AsLiteral() != want {
			return "", false
		}
		if i == 1 && sides[0].AsIdent() != name {
			return "", false
		}
		name = sides[0].AsIdent()
	}
	return name, true
}

func (s *speaker) negation(e ast.Expr) string {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent() + " is no"
	}
	if nested(e) == operators.In {
		args := e.AsCall().Args()
		return s.value(args[0]) + " is none of " + s.value(args[1])
	}
	return "it is not so that " + s.bool(e, true)
}

func (s *speaker) value(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		if v := s.p.vars[e.AsIdent()]; v != nil && v.place == param {
			return spoken(s.p.params[v.slot], nil)
		}
		return e.AsIdent()
	case ast.LiteralKind:
		if isNull(e) {
			return "empty"
		}
		return fmt.Sprint(e.AsLiteral().Value())
	case ast.ListKind:
		var words []string
		for _, x := range e.AsList().Elements() {
			words = append(words, s.value(x))
		}
		return strings.Join(words, ", ")
	case ast.CallKind:
		return s.valueCall(e)
	}
	return s.code(e)
}

func (s *speaker) valueCall(e ast.Expr) string {
	args := e.AsCall().Args()
	switch fn := e.AsCall().FunctionName(); fn {
	case operators.Add, operators.Subtract:
		word := map[string]string{operators.Add: " plus ", operators.Subtract: " minus "}[fn]
		return s.value(args[0]) + word + s.value(args[1])
	case "days", "hours", "minutes":
		return s.value(args[0]) + " " + fn
	case businessDaysFn:
		return s.value(args[1]) + " plus " + s.value(args[2]) + " business days"
	case endOfDayFn:
		return "the end of the day of " + s.value(args[1])
	case periodStartFn:
		text := "the day " + s.value(args[2]) + " days ago"
		if word := s.value(args[3]); word != "" {
			text += ", or the start of the calendar " + word + " before this one"
		}
		return text
	case "part":
		return "1/" + s.value(args[1]) + " of (" + s.value(args[0]) + ")"
	case startOfDayFn:
		return "the start of the day of " + s.value(args[1])
	case operators.Conditional:
		if isNull(args[2]) { // x != null ? f(x) : null is f(x), where there is an x
			if nested(args[0]) == operators.NotEquals && isNull(args[0].AsCall().Args()[1]) {
				return s.value(args[1])
			}
			return fmt.Sprintf("%s if %s", s.value(args[1]), s.bool(args[0], true))
		}
		return fmt.Sprintf("(%s if %s, else %s)", s.value(args[1]), s.bool(args[0], true), s.value(args[2]))
	}
	return s.code(e)
}
