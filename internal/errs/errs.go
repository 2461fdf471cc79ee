// SPDX-License-Identifier: Apache-2.0

// Package errs holds the one error type that crosses package borders.
//
// A Code says what the caller may do about it. Every other error is internal: its text goes to
// the log and never to the person who asked. It knows nothing of HTTP, exit codes or pages; each
// face maps the codes for itself.
package errs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code is what went wrong, in one stable word.
type Code string

// The codes. Each has one meaning on every face; docs/errors.md lists them.
const (
	Internal    Code = "internal"        // a fault of ours; the text says no more than that
	Invalid     Code = "invalid"         // the input is wrong; Field says where
	NotFound    Code = "not_found"       // there is no such thing, or not for you
	Conflict    Code = "conflict"        // the state has moved on: a stale rev, a duplicate
	Denied      Code = "denied"          // you are known, and may not
	Unsigned    Code = "unauthenticated" // you are not known
	Precond     Code = "precondition"    // a rev was asked for and not given
	Limited     Code = "rate_limited"    // too often; try later
	Full        Code = "no_space"        // the disk is full; nothing was written
	Unavailable Code = "unavailable"     // not now; nothing was written
)

// Error is an error whose text may be shown to whoever made the request.
type Error struct {
	Code  Code     `json:"code"`
	Text  string   `json:"message"`
	Field string   `json:"field,omitempty"`
	Fix   string   `json:"fix,omitempty"`  // what to do about it, where that is not plain from the text
	Also  []*Error `json:"also,omitempty"` // what else is wrong with the same input; these have none of their own
	cause error
}

func (e *Error) Error() string {
	if e.Field != "" && !strings.HasPrefix(e.Text, e.Field) {
		return e.Field + ": " + e.Text
	}
	return e.Text
}

// Unwrap gives the cause, for the log.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, errs.NotFound) true for every error with that code.
func (c Code) Error() string { return string(c) }

// Is compares by code.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// New makes an error that a person may read.
func New(c Code, format string, a ...any) *Error {
	return &Error{Code: c, Text: fmt.Sprintf(format, a...)}
}

// At is an Invalid error that names the field at fault.
func At(field, format string, a ...any) *Error {
	return &Error{Code: Invalid, Text: fmt.Sprintf(format, a...), Field: field}
}

// Because keeps cause for the log, behind a text that a person may read.
func (e *Error) Because(cause error) *Error {
	x := *e
	x.cause = cause
	return &x
}

// Mend adds what to do about it.
func (e *Error) Mend(format string, a ...any) *Error {
	x := *e
	x.Fix = fmt.Sprintf(format, a...)
	return &x
}

// AtOnce is how many faults of one input are told: a person mends a form, not a thousand rows.
const AtOnce = 20

// Join makes one error of what is wrong with one input: the first fault, and beside it the others, one for each
// field. What is no fault of the input comes alone.
func Join(faults ...error) error {
	var all []*Error
	for _, err := range faults {
		var e *Error
		switch {
		case err == nil:
			continue
		case !errors.As(err, &e) || e.Code != Invalid:
			return err
		}
		for _, x := range e.All() {
			if len(all) < AtOnce && (x.Field == "" || !slices.ContainsFunc(all, func(o *Error) bool { return o.Field == x.Field })) {
				all = append(all, x)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	first := *all[0]
	first.Also = all[1:]
	return &first
}

// All are the faults that an error tells of, itself first, each by itself.
func (e *Error) All() []*Error {
	first := *e
	first.Also = nil
	return append([]*Error{&first}, e.Also...)
}

// Public returns the error that may be shown for err. What is not an *Error is internal.
func Public(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Text: "something went wrong on our side; it is in the log", cause: err}
}
