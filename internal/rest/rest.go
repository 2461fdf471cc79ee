// SPDX-License-Identifier: Apache-2.0

// Package rest serves every operation over HTTP under /v1, and describes them in /openapi.json.
//
// It turns a request into a call of the Gate and the answer into JSON, and decides nothing: which
// operations exist, what they take and who may is known by the Gate alone. It knows no kind, and not
// how callers are recognised: that is told to it by a function.
package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/id"
	"assay/internal/op"
)

// Options are what the handler may be told beside its operations.
type Options struct {
	Version string // of the program, for the document
	Server  string // public address, for the document; "/" where empty
	Cookie  string // name of the session's cookie, for the document
	// Ready says why the program cannot serve; nil where it can. The store is asked by itself.
	Ready func(context.Context) error
	// Metrics says who may read /metrics; where nil, only requests from this machine that came through no proxy.
	Metrics func(*http.Request) bool
}

// Who recognises the caller of a request. Its error is shown to the caller.
type Who func(*http.Request) (op.Actor, error)

type server struct {
	gate *op.Gate
	who  Who
	opt  Options
	ids  id.Source
	doc  []byte // openapi.json
	tag  string // and its ETag
	met  *metrics
	site *http.CrossOriginProtection
}

// Handler serves /v1, /openapi.json, /healthz, /readyz and /metrics.
func Handler(g *op.Gate, who func(*http.Request) (op.Actor, error), opt Options) http.Handler {
	s := &server{gate: g, who: who, opt: opt, met: newMetrics(), site: http.NewCrossOriginProtection()}
	s.doc, s.tag = document(g.Set, opt)
	mux := http.NewServeMux()
	for path, byMethod := range routes(g.Set) {
		mux.Handle(path, s.path(byMethod))
	}
	s.files(mux)
	mux.Handle("/openapi.json", s.only(s.openapi))
	mux.Handle("/healthz", s.only(s.healthz))
	mux.Handle("/readyz", s.only(s.readyz))
	mux.Handle("/metrics", s.only(s.metrics))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, errs.New(errs.NotFound, "there is nothing at this address").Mend("/openapi.json lists what there is"))
	})
	return s.around(mux)
}

// routes groups the operations by path, then by method.
func routes(set *op.Set) map[string]map[string]*op.Op {
	out := map[string]map[string]*op.Op{}
	for _, o := range set.All() {
		method, path := o.Route()
		if out[path] == nil {
			out[path] = map[string]*op.Op{}
		}
		if out[path][method] != nil {
			panic(fmt.Sprintf("%s and %s have the same route", o.Name, out[path][method].Name)) // met by every test that builds the set
		}
		out[path][method] = o
	}
	return out
}

type ctxKey struct{}

// RequestID is the id of the request that a context belongs to: for the log.
func RequestID(ctx context.Context) string {
	s, _ := ctx.Value(ctxKey{}).(string)
	return s
}

// around is what every request passes: an id, headers, a net under panics.
func (s *server) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rid := r.Header.Get("X-Request-Id")
		if !plain(rid) {
			rid = s.ids.New("req", s.gate.Clock().Now())
		}
		r = r.WithContext(context.WithValue(r.Context(), ctxKey{}, rid))
		h := w.Header()
		h.Set("X-Request-Id", rid)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		sw := &status{ResponseWriter: w}
		took := clock.Since()
		defer func() {
			if p := recover(); p != nil {
				if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
					panic(p)
				}
				s.log().ErrorContext(r.Context(), "panic", "request_id", rid, "path", r.URL.Path, "error", fmt.Sprint(p), "stack", string(debug.Stack()))
				if sw.code == 0 {
					s.problem(sw, r, errors.New("panic"))
				}
			}
			s.met.seen(sw, took())
		}()
		next.ServeHTTP(sw, r)
	})
}

// plain says whether an id that came with a request can be repeated in headers and logs.
func plain(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' && r != '.'
	})
}

func (s *server) log() *slog.Logger {
	if s.gate.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.gate.Log
}

// path serves the operations of one path.
func (s *server) path(byMethod map[string]*op.Op) http.Handler {
	allow := []string{"OPTIONS"}
	for m := range byMethod {
		allow = append(allow, m)
	}
	if byMethod["GET"] != nil {
		allow = append(allow, "HEAD")
	}
	slices.Sort(allow)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		o := byMethod[method]
		switch {
		case o != nil:
			s.serve(w, r, o)
		case method == http.MethodOptions:
			w.Header().Set("Allow", strings.Join(allow, ", "))
			w.WriteHeader(http.StatusNoContent)
		default:
			s.notAllowed(w, r, allow)
		}
	})
}

func (s *server) notAllowed(w http.ResponseWriter, r *http.Request, allow []string) {
	w.Header().Set("Allow", strings.Join(allow, ", "))
	s.problem(w, r, at(http.StatusMethodNotAllowed, errs.New(errs.Invalid, "%s is not a method of this address", r.Method).Mend("use %s", strings.Join(allow, ", "))))
}

// only serves GET and HEAD.
func (s *server) only(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			s.notAllowed(w, r, []string{"GET", "HEAD"})
			return
		}
		h(w, r)
	})
}

// serve calls one operation.
func (s *server) serve(w http.ResponseWriter, r *http.Request, o *op.Op) {
	named(w, o.Name)
	if err := s.site.Check(r); err != nil {
		s.problem(w, r, errs.New(errs.Denied, "another site sent this request").Because(err))
		return
	}
	a, err := s.who(r)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	a.Via = "rest"
	c, err := s.call(w, r, o)
	if err != nil {
		if a.ID == "" { // a stranger learns nothing of the fields
			err = errs.New(errs.Unsigned, "you are not signed in").Mend("sign in, or send a token")
		}
		s.problem(w, r, err)
		return
	}
	ans, err := s.gate.Call(r.Context(), a, c)
	if err != nil {
		s.problem(w, r, stale(r, err))
		return
	}
	if err := s.answer(w, r, ans); err != nil {
		s.problem(w, r, err)
	}
}

func (s *server) openapi(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", s.tag)
	w.Header().Set("Cache-Control", "public, max-age=60")
	if matches(r.Header.Get("If-None-Match"), s.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	write(w, http.StatusOK, "application/json", s.doc)
}

// untilNextMinute is when the budget of calls is fresh again.
func (s *server) untilNextMinute() time.Duration {
	now := s.gate.Clock().Now()
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}
