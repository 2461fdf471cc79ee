// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

const (
	costLimit      = 2_000_000 // steps that one expression with a loop may take for one resource
	exampleLimit   = 50_000    // the same for a resource of an example: it is looked at while others wait to write
	mostExamples   = 100       // resources in the examples of one test
	longestExpr    = 4000      // characters of one expression
	deepestExpr    = 60
	calendarIdent  = "calendar@"
	nowIdent       = "now"
	businessDaysFn = "business_days@"
	endOfDayFn     = "end_of_day@"
	startOfDayFn   = "start_of_day@"
	periodStartFn  = "period_start@"
)

// functions are what expressions may call besides CEL's own. The fast path calls the same code.
var functions = map[string]func(args ...ref.Val) ref.Val{
	"days":         func(a ...ref.Val) ref.Val { return span(a[0], 24*time.Hour) },
	"hours":        func(a ...ref.Val) ref.Val { return span(a[0], time.Hour) },
	"minutes":      func(a ...ref.Val) ref.Val { return span(a[0], time.Minute) },
	"lower":        lower,
	"sum":          sum,
	"part":         part,
	periodStartFn:  periodStart,
	foldFn:         fold,
	businessDaysFn: plusBusinessDays,
	endOfDayFn:     func(a ...ref.Val) ref.Val { return onDay(a, (*Calendar).EndOfDay) },
	startOfDayFn:   func(a ...ref.Val) ref.Val { return onDay(a, (*Calendar).StartOfDay) },
}

const longestSpan = 36_500 * 24 * time.Hour

func span(n ref.Val, unit time.Duration) ref.Val {
	i, ok := n.(types.Int)
	if !ok {
		return types.MaybeNoSuchOverloadErr(n)
	}
	if most := int64(longestSpan / unit); int64(i) > most || int64(i) < -most {
		return types.NewErr("%d is too long a time", int64(i))
	}
	return types.Duration{Duration: time.Duration(i) * unit}
}

// part is one of n equal parts of a time.
func part(a ...ref.Val) ref.Val {
	d, isSpan := a[0].(types.Duration)
	n, isInt := a[1].(types.Int)
	switch {
	case !isSpan || !isInt:
		return types.MaybeNoSuchOverloadErr(a[0])
	case n < 1:
		return types.NewErr("a time has at least 1 part, not %d", int64(n))
	}
	return types.Duration{Duration: d.Duration / time.Duration(n)}
}

func periodStart(a ...ref.Val) ref.Val {
	cal, ok := a[0].(*Calendar)
	now, isTime := a[1].(types.Timestamp)
	n, isInt := a[2].(types.Int)
	word, isText := a[3].(types.String)
	if !ok || !isTime || !isInt || !isText {
		return types.NewErr("a period has a number of days and the name of a calendar period")
	}
	out, err := cal.PeriodStart(now.Time, int(n), string(word))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Timestamp{Time: out}
}

func lower(a ...ref.Val) ref.Val {
	s, ok := a[0].(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(a[0])
	}
	return types.String(strings.ToLower(string(s)))
}

func sum(a ...ref.Val) ref.Val {
	l, ok := a[0].(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(a[0])
	}
	var total ref.Val = types.Int(0)
	for it := l.Iterator(); it.HasNext() == types.True; {
		v := it.Next()
		if types.IsUnknownOrError(v) {
			return v
		}
		n, ok := v.(types.Int)
		if !ok {
			return types.MaybeNoSuchOverloadErr(v)
		}
		if total = total.(types.Int).Add(n); types.IsError(total) {
			return total
		}
	}
	return total
}

func plusBusinessDays(a ...ref.Val) ref.Val {
	cal, ok := a[0].(*Calendar)
	t, isTime := a[1].(types.Timestamp)
	n, isInt := a[2].(types.Int)
	if !ok || !isTime || !isInt {
		return types.MaybeNoSuchOverloadErr(a[1])
	}
	if n < 0 || n > maxBusinessDays {
		return types.NewErr("count 0 to %d business days", maxBusinessDays)
	}
	out, err := cal.PlusBusinessDays(t.Time, int(n))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Timestamp{Time: out}
}

func onDay(a []ref.Val, f func(*Calendar, time.Time) time.Time) ref.Val {
	cal, ok := a[0].(*Calendar)
	t, isTime := a[1].(types.Timestamp)
	if !ok || !isTime {
		return types.MaybeNoSuchOverloadErr(a[1])
	}
	return types.Timestamp{Time: f(cal, t.Time)}
}

// newEnv is what all expressions share: the functions, the macros and the kinds.
func newEnv(kinds map[string]*kind) (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("make type registry: %w", err)
	}
	ts, list := types.TimestampType, types.NewListType(types.IntType)
	text, texts := types.NewNullableType(types.StringType), types.NewListType(types.StringType)
	env, err := cel.NewEnv(
		cel.CustomTypeProvider(provider{Provider: registry, kinds: kinds}),
		cel.CustomTypeAdapter(registry),
		cel.ParserExpressionSizeLimit(longestExpr), cel.ParserRecursionLimit(deepestExpr),
		cel.EnableMacroCallTracking(), // so that an explanation can show a loop as it was written
		cel.Variable(nowIdent, ts), cel.Variable(calendarIdent, calendarType),
		declare("days", types.DurationType, types.IntType),
		declare("hours", types.DurationType, types.IntType),
		declare("minutes", types.DurationType, types.IntType),
		declare("lower", types.StringType, types.StringType),
		cel.Function("sum", cel.MemberOverload("sum_ints", []*cel.Type{list}, types.IntType),
			cel.SingletonFunctionBinding(functions["sum"])),
		cel.Function(foldFn, cel.Overload("fold_text", []*cel.Type{text}, text), cel.Overload("fold_texts", []*cel.Type{texts}, texts),
			cel.SingletonFunctionBinding(functions[foldFn])),
		declare(businessDaysFn, ts, calendarType, ts, types.IntType),
		declare(endOfDayFn, ts, calendarType, ts),
		declare(startOfDayFn, ts, calendarType, ts),
		declare(periodStartFn, ts, calendarType, ts, types.IntType, types.StringType),
		declare("part", types.DurationType, types.DurationType, types.IntType),
		cel.Macros(
			cel.GlobalMacro("plus_business_days", 2, withCalendar(businessDaysFn)),
			cel.GlobalMacro("end_of_day", 1, withCalendar(endOfDayFn)),
			cel.GlobalMacro("start_of_day", 1, withCalendar(startOfDayFn)),
			cel.GlobalMacro("period_start", 2, sinceNow),
			cel.GlobalMacro("filled", 1, filled)),
	)
	if err != nil {
		return nil, fmt.Errorf("make expression environment: %w", err)
	}
	return env, nil
}

func declare(name string, result *cel.Type, args ...*cel.Type) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_", args, result), cel.SingletonFunctionBinding(functions[name]))
}

// withCalendar turns end_of_day(t) into a call that also gets the calendar of the run.
func withCalendar(fn string) cel.MacroFactory {
	return func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return f.NewCall(fn, append([]ast.Expr{f.NewIdent(calendarIdent)}, args...)...), nil
	}
}

// sinceNow turns period_start(days, calendar) into a call that also gets the calendar and the moment of the run.
func sinceNow(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	return f.NewCall(periodStartFn, append([]ast.Expr{f.NewIdent(calendarIdent), f.NewIdent(nowIdent)}, args...)...), nil
}

// filled turns filled(x) into x != null && x != "".
func filled(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	null := f.NewCall("_!=_", args[0], f.NewLiteral(types.NullValue))
	text := f.NewCall("_!=_", f.Copy(args[0]), f.NewLiteral(types.String("")))
	return f.NewCall("_&&_", null, text), nil
}
