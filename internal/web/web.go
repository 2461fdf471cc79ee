// SPDX-License-Identifier: Apache-2.0

// Package web is the face that people look at. Each handler calls operations through the Gate, fills the
// view of a page and decides nothing: what is valid, who may and what is true is said by the operations.
// It knows no SQL and no other face. Pages and how they look stand in the packages below it.
package web

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"assay/internal/auth"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/web/page"
	"assay/internal/web/static"
)

// Options are what the site is made of.
type Options struct {
	Gate     *op.Gate
	Door     auth.Door
	DB       *store.DB // for Watch: when something was written, pages that are open are told
	Cookie   string    // name of the session cookie
	Secure   bool      // people come over TLS
	Address  string    // where people reach the site
	Orgs     func(context.Context) ([]Org, error)
	Settings func() []page.Setting
	MaxFile  int64 // largest file that is taken, in bytes
	Version  string
	Dev      bool // serves the design page
}

// Org is an organisation, as the way in and the frame must know it.
type Org struct {
	ID, Name string
	Zone     *time.Location
	Wrong    error // why its days cannot be counted
}

// site is the handlers' common ground.
type site struct {
	Options
	mux    *http.ServeMux
	taken  map[string]bool
	plural map[string]string // of a kind: the word in its addresses
}

// Handler serves the site.
func Handler(o Options) http.Handler {
	s := &site{Options: o, mux: http.NewServeMux(), taken: map[string]bool{}, plural: map[string]string{}}
	for _, sh := range o.Gate.Shapes() {
		s.plural[sh.Name] = plural(o.Gate.Set, sh)
	}
	s.mux.Handle("GET "+static.Prefix, static.Handler())
	s.ways()
	s.pages()
	for _, sh := range o.Gate.Shapes() {
		s.plain(sh)
	}
	s.page("GET /", func(q *ask) (answer, error) { return answer{}, nothing(q.r.URL.Path) })
	return s.mux
}

// pages are the pages made by hand. What is not here has its plain pages.
func (s *site) pages() {
	s.page("GET /{$}", home)
	s.page("GET /monitoring", monitoring)
	s.page("GET /monitoring/{id}/controls", gridControls)
	s.page("GET /monitoring/{id}/{day}", day)
	s.page("GET /controls", controlList)
	s.page("GET /controls/{id}", control)
	s.proposals()
	s.page("GET /control-versions/{id}", controlVersion)
	s.page("GET /tests", testList)
	s.page("GET /tests/{id}", test)
	s.page("POST /tests/run", runTests)
	s.page("GET /criteria", criteria)
	s.page("GET /criteria/{id}", criterion)
	s.page("GET /resources", resources)
	s.page("GET /resources/{id}", resource)
	s.page("GET /sources", sources)
	s.page("GET /sources/new", newSource)
	s.page("POST /sources", connect)
	s.page("GET /sources/import", importForm)
	s.page("POST /sources/import", importFile)
	s.page("GET /sources/{id}", source)
	s.page("POST /sources/{id}/run", runSource)
	s.page("GET /runs/{id}", collection)
	s.page("GET /evidence", evidenceList)
	s.page("GET /evidence/new", upload)
	s.page("POST /evidence", bring)
	s.page("GET /evidence/{id}", evidence)
	s.page("GET /activity", activity)
	s.page("GET /activity/{id}", entry)
	s.page("POST /activity/verify", verify)
	s.page("GET /approvals", approvals)
	s.page("GET /changes", changes)
	s.page("GET /search", search)
	s.page("GET /work", work)
	s.page("GET /me", me)
	s.page("POST /me/password", password)
	s.page("GET /settings", settings)
	s.page("POST /settings/tokens", makeToken)
	s.page("POST /settings/tokens/{id}/revoke", revokeToken)
	s.page("POST /settings/users", invite)
	s.page("POST /settings/users/{id}/link", newLink)
	s.page("GET /as-of", moveTo)
	if s.Dev {
		s.page("GET /design", design)
	}
	s.raw("GET /activity/checkpoint", checkpoint)
	s.raw("GET /evidence/{id}/file", download)
	s.raw("GET /evidence/{id}/picture", picture)
	s.raw("GET /live", live)
}

// page serves an address with a page. The first to claim an address keeps it.
func (s *site) page(pattern string, fn func(*ask) (answer, error)) {
	s.raw(pattern, func(q *ask) error {
		a, err := fn(q)
		if err != nil {
			return err
		}
		return q.give(a)
	})
}

// raw serves an address with something that is no page: a file, a stream.
func (s *site) raw(pattern string, fn func(*ask) error) {
	if s.taken[pattern] {
		return
	}
	s.taken[pattern] = true
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		q, err := s.ask(w, r)
		defer q.caught()
		if err == nil {
			err = fn(q)
		}
		if err != nil {
			q.fail(err)
		}
	})
}

// caught turns a fault of ours into an error page, and its trace into a line of the log.
func (q *ask) caught() {
	why := recover()
	switch {
	case why == nil:
	case why == http.ErrAbortHandler:
		panic(why) // on purpose: the connection breaks off
	default:
		q.fail(errs.New(errs.Internal, "something went wrong on our side; it is in the log").Because(fmt.Errorf("%v\n%s", why, debug.Stack())))
	}
}
