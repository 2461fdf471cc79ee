// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/internal/errs"
)

// Exit codes. docs/cli.md lists them for those who write scripts.
const (
	ExitOK       = 0
	ExitFailed   = 1 // the question was answered, and the answer is bad: a test fails, a proof does not hold
	ExitUsage    = 2 // it could not run: wrong usage, or a fault of ours
	ExitNotFound = 3
	ExitDenied   = 4 // not signed in, or not allowed
	ExitConflict = 5 // the thing has changed since, or its state does not allow it
	ExitLater    = 6 // try again: too many calls, disk full, server not there
)

// Failed is an error with the exit code 1: the question was answered, and the answer is bad. It has been printed.
var Failed = errors.New("failed")

// ExitCode is the exit code for the error that a command returned.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, Failed):
		return ExitFailed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ExitLater
	}
	switch errs.Public(err).Code {
	case errs.NotFound:
		return ExitNotFound
	case errs.Denied, errs.Unsigned:
		return ExitDenied
	case errs.Conflict, errs.Precond:
		return ExitConflict
	case errs.Limited, errs.Full, errs.Unavailable:
		return ExitLater
	}
	return ExitUsage
}

// Fail prints what is wrong and what to do about it, and gives the exit code.
func Fail(w io.Writer, err error) int {
	if err == nil || errors.Is(err, Failed) {
		return ExitCode(err)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "error: interrupted")
		return ExitCode(err)
	}
	e := errs.Public(err)
	if e.Code == errs.Internal && Misused(err) {
		e = misuse(err)
	}
	var more advised
	errors.As(err, &more)
	for i, x := range e.All() {
		fmt.Fprintln(w, "error: "+clean(x.Error()))
		fix := x.Fix
		if fix == "" && i < len(more.fix) {
			fix = more.fix[i]
		}
		if fix != "" {
			fmt.Fprintln(w, "fix:   "+clean(fix))
		}
	}
	return ExitCode(err)
}

// misuse puts a text of the command parser into our words: what is wrong on the first line, what was perhaps meant
// in the advice.
func misuse(err error) *errs.Error {
	text, meant, _ := strings.Cut(err.Error(), "Did you mean this?")
	text, fix := strings.TrimSpace(text), "assay --help lists the commands"
	if names := strings.Fields(meant); len(names) > 0 {
		fix = "did you mean " + strings.Join(names, " or ") + "? " + fix
	}
	return errs.New(errs.Invalid, "%s", text).Mend("%s", fix)
}

// Misused tells texts of the command parser, which has no type for its errors, from faults of ours.
func Misused(err error) bool {
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand flag", "required flag", "accepts ", "requires ", "flag needs an argument", "invalid argument"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}
