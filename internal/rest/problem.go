// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"fmt"
	"net/http"

	"assay/internal/errs"
	"assay/internal/store"
)

// problemBase is where the kinds of problems are described; docs/errors.md has the same text.
const problemBase = "https://assay.example.com/problems/"

// problem is an RFC 9457 answer.
type problem struct {
	Type      string    `json:"type" doc:"Address of the description of this kind of problem."`
	Title     string    `json:"title" doc:"The kind of problem, in a few words."`
	Status    int       `json:"status" doc:"The HTTP status."`
	Detail    string    `json:"detail" doc:"What is wrong with this request."`
	Code      errs.Code `json:"code" doc:"The kind of problem, in one word that does not change."`
	Field     string    `json:"field,omitempty" doc:"The field at fault, where it is one field."`
	Fix       string    `json:"fix,omitempty" doc:"What you can do about it."`
	Errors    []fault   `json:"errors,omitempty" doc:"All that is wrong with the input, the first included, where it is more than one thing."`
	RequestID string    `json:"request_id" doc:"Name it when you ask for help; the log has it too."`
}

// fault is one of several things that are wrong with an input.
type fault struct {
	Field  string `json:"field,omitempty" doc:"The field at fault."`
	Detail string `json:"detail" doc:"What is wrong with it."`
	Fix    string `json:"fix,omitempty" doc:"What you can do about it."`
}

type meaning struct {
	status int
	title  string
}

var meanings = map[errs.Code]meaning{
	errs.Internal:    {http.StatusInternalServerError, "Something went wrong on our side"},
	errs.Invalid:     {http.StatusUnprocessableEntity, "The input is wrong"},
	errs.NotFound:    {http.StatusNotFound, "There is no such thing"},
	errs.Conflict:    {http.StatusConflict, "The state does not allow it"},
	errs.Denied:      {http.StatusForbidden, "You may not do this"},
	errs.Unsigned:    {http.StatusUnauthorized, "You are not signed in"},
	errs.Precond:     {http.StatusPreconditionRequired, "The revision is missing"},
	errs.Limited:     {http.StatusTooManyRequests, "Too many calls"},
	errs.Full:        {http.StatusInsufficientStorage, "The disk is full"},
	errs.Unavailable: {http.StatusServiceUnavailable, "Not now"},
}

// other is an error that has another status than its code has otherwise.
type other struct {
	status int
	error
}

func (o *other) Unwrap() error { return o.error }

func at(status int, err error) error { return &other{status, err} }

// staleFix marks the answer to a revision that is not the newest, among the conflicts.
var staleFix = errs.Public(store.Stale("thing", 1)).Fix

// stale gives a conflict of revisions the status that RFC 9110 has for it, where the revision came in If-Match.
func stale(r *http.Request, err error) error {
	if e := errs.Public(err); r.Header.Get("If-Match") != "" && e.Code == errs.Conflict && e.Fix == staleFix {
		return at(http.StatusPreconditionFailed, err)
	}
	return err
}

// problem answers with an error.
func (s *server) problem(w http.ResponseWriter, r *http.Request, err error) {
	e := errs.Public(err)
	m, ok := meanings[e.Code]
	if !ok {
		m = meanings[errs.Internal]
	}
	var o *other
	if errors.As(err, &o) {
		m.status = o.status
	}
	h := w.Header()
	switch e.Code {
	case errs.Unsigned:
		h.Set("WWW-Authenticate", `Bearer realm="assay"`)
	case errs.Limited:
		h.Set("Retry-After", fmt.Sprint(int(s.untilNextMinute().Seconds())+1))
	case errs.Unavailable:
		h.Set("Retry-After", "1")
	}
	p := problem{Type: problemBase + string(e.Code), Title: m.title, Status: m.status, Detail: e.Text, Code: e.Code, Field: e.Field, Fix: e.Fix, RequestID: RequestID(r.Context())}
	if len(e.Also) > 0 {
		for _, x := range e.All() {
			p.Errors = append(p.Errors, fault{x.Field, x.Text, x.Fix})
		}
	}
	b, err := store.Encode(p)
	if err != nil {
		b = []byte(`{}`) // a problem is texts and a number: it always encodes
	}
	write(w, m.status, "application/problem+json", b)
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	w.Write(body) // the caller may have gone: there is nobody to tell
}
