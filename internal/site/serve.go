// SPDX-License-Identifier: Apache-2.0

package site

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/job"
	"assay/internal/op"
	"assay/internal/rest"
	"assay/internal/store"
)

var timeZero time.Time

// CookieName is the name of the session cookie. Over plain HTTP a browser refuses the __Host- prefix, so it is only
// used where people come over TLS.
func (a *App) CookieName() string {
	if strings.HasPrefix(a.Address(), "https://") {
		return "__Host-assay"
	}
	return "assay"
}

// Who recognises the caller of a request: by bearer token, else by session cookie.
func (a *App) Who(via string) func(*http.Request) (op.Actor, error) {
	return func(r *http.Request) (op.Actor, error) {
		if h := r.Header.Get("Authorization"); h != "" {
			secret, ok := strings.CutPrefix(h, "Bearer ")
			if !ok {
				return op.Actor{}, errs.New(errs.Unsigned, "Authorization is not a bearer token").Mend("send: Authorization: Bearer assay_pat_…")
			}
			who, err := a.Door.ByToken(r.Context(), strings.TrimSpace(secret))
			who.Via = via
			return who, err
		}
		c, err := r.Cookie(a.CookieName())
		if err != nil {
			return op.Actor{}, errs.New(errs.Unsigned, "you are not signed in").Mend("sign in, or send a token")
		}
		who, err := a.Door.ByCookie(r.Context(), c.Value)
		who.Via = via
		return who, err
	}
}

// Handler serves every face on one address.
func (a *App) Handler(version string) http.Handler {
	api := rest.Handler(a.Gate, a.Who("rest"), rest.Options{Version: version, Server: a.Address(), Ready: a.ready})
	mux := http.NewServeMux()
	for _, p := range []string{"/v1/", "/openapi.json", "/healthz", "/readyz", "/metrics"} {
		mux.Handle(p, api)
	}
	a.more(mux, version)
	return Guard(mux, strings.HasPrefix(a.Address(), "https://"))
}

// Guard puts the headers on every answer, whatever it is, and refuses cross-site writes.
func Guard(next http.Handler, tls bool) http.Handler {
	const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	cross := http.NewCrossOriginProtection()
	inner := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains") // browsers pass over it on plain HTTP
		inner.ServeHTTP(w, r)
	})
}

// ready says why the program cannot serve: the database does not answer, or it lost entries that were signed for.
func (a *App) ready(ctx context.Context) error {
	select {
	case <-a.DB.Broken():
		return errs.New(errs.Unavailable, "the disk failed; nothing more is written")
	default:
	}
	orgs, err := a.DB.Orgs(ctx)
	for _, o := range orgs {
		err = errors.Join(err, a.DB.Behind(ctx, o))
	}
	return errors.Join(err, a.DB.SecretTrouble(ctx))
}

// Serve listens, does the daily work, and stops cleanly when ctx ends. listening is called once connections are taken.
func (a *App) Serve(ctx context.Context, version string, listening func(addr string)) error {
	l, err := net.Listen("tcp", a.Settings.Get("listen"))
	if err != nil {
		return errs.At("listen", "can't listen on %s: %v", a.Settings.Get("listen"), err).Mend("choose another address with --listen, or stop the program that uses it")
	}
	// Writes may take as long as reading a source does; reads of headers and idle connections may not.
	srv := &http.Server{Handler: a.Handler(version), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, WriteTimeout: 15 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	asked, cut := context.WithCancel(context.WithoutCancel(ctx)) // what requests run in: they may end by themselves, for a while
	defer cut()
	srv.BaseContext = func(net.Listener) context.Context { return asked }
	work := make(chan struct{})
	go func() { defer close(work); a.work(ctx) }()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	if listening != nil {
		listening(l.Addr().String())
	}
	select {
	case err = <-failed:
	case <-a.DB.Broken():
		err = errs.New(errs.Unavailable, "the disk failed; the program stops so that it never confirms what it could not save")
	case <-ctx.Done():
		err = nil
	}
	stop()
	down(asked, cut, srv)
	<-work
	return err
}

// How long requests may still take when the server stops, and how long they have to notice that they are cut short.
// Together with closing the database that must stay below ten seconds.
const (
	graceOfRequests = 3 * time.Second
	graceOfCut      = 2 * time.Second
)

// down lets requests end by themselves, then cuts them short, and then closes what is still open.
func down(ctx context.Context, cut func(), srv *http.Server) {
	ends := time.AfterFunc(graceOfRequests, cut) // long work, and streams that stay open for ever
	defer ends.Stop()
	until, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceOfRequests+graceOfCut)
	defer cancel()
	if srv.Shutdown(until) != nil {
		srv.Close()
	}
}

// work does what is due, until ctx ends: sources and tests every few minutes, a checkpoint every second in which
// something was written, and one that is kept every hour.
func (a *App) work(ctx context.Context) {
	every, err := strconv.Atoi(a.Settings.Get("every_minutes"))
	if err != nil || every < 1 {
		every = 5
	}
	events, stop := a.DB.Watch()
	defer stop()
	cycle, second, hour := time.NewTicker(time.Duration(every)*time.Minute), time.NewTicker(time.Second), time.NewTicker(time.Hour)
	defer cycle.Stop()
	defer second.Stop()
	defer hour.Stop()
	grown, decided := map[string]bool{}, map[string]bool{}
	var checks sync.WaitGroup
	defer checks.Wait()
	for o := range a.all(ctx) {
		a.beforeCheck(ctx, o)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			grown[e.Org] = true
			decided[e.Org] = decided[e.Org] || slices.ContainsFunc(e.Ops, newTerms)
		case <-second.C:
			a.sign(ctx, grown, false)
			for o, yes := range decided {
				if delete(decided, o); yes {
					checks.Go(func() { a.recheck(ctx, o) })
				}
			}
		case <-hour.C:
			a.sign(ctx, a.all(ctx), true)
			a.sweep(ctx)
		case <-cycle.C:
			a.cycle(ctx)
		}
	}
}

// newTerms says whether an operation puts another definition in force. Each definition judges its own part of the day: the
// tests are run again, so that the day has an answer under the new one too.
func newTerms(name string) bool {
	return name == "control_version.approve" || name == "scope_version.approve" || name == "definition.approve" || name == "rule_file.approve"
}

func (a *App) recheck(ctx context.Context, org string) {
	if _, _, err := a.Works.Check(ctx, org, store.System("check.run"), "event", nil); err != nil && ctx.Err() == nil {
		a.Log.ErrorContext(ctx, "the tests were not run after an approval", "org", org, "error", err)
	}
}

func (a *App) all(ctx context.Context) map[string]bool {
	orgs, err := a.DB.Orgs(ctx)
	if err != nil {
		a.Log.ErrorContext(ctx, "list organisations", "error", err)
	}
	out := map[string]bool{}
	for _, o := range orgs {
		out[o] = true
	}
	return out
}

func (a *App) sign(ctx context.Context, orgs map[string]bool, keep bool) {
	for o := range orgs {
		delete(orgs, o)
		if _, err := a.DB.Sign(ctx, o, keep); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "no checkpoint was signed", "org", o, "error", err)
		}
	}
}

func (a *App) sweep(ctx context.Context) {
	for o := range a.all(ctx) {
		_, err := a.DB.Change(ctx, o, store.System("slip.sweep"), func(tx *store.Tx) error { return tx.Sweep(ctx) })
		if err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "sweep", "org", o, "error", err)
		}
	}
}

// cycle reads the sources that are due in each organisation and runs the tests where one was read, or a new day
// has begun. Of several replicas one does it: the lease ends by itself.
func (a *App) cycle(ctx context.Context) {
	for o := range a.all(ctx) {
		if err := a.cycleOf(ctx, o); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "the daily work failed", "org", o, "error", err)
		}
	}
}

func (a *App) cycleOf(ctx context.Context, org string) error {
	mine, err := a.lease(ctx, org)
	if err != nil || !mine {
		return err
	}
	if err := a.applyScheduled(ctx, org); err != nil { // it keeps nobody from reading and testing
		a.Log.ErrorContext(ctx, "scheduled versions of controls were not applied", "org", org, "error", err)
	}
	a.beforeCheck(ctx, org) // a file counts from when it was read, also where no check is due
	var now time.Time
	var days *check.Days
	due := false
	pick := func(t *collect.SourceThing, last collect.Run) bool {
		if t.File != "" && !last.StartedAt.IsZero() { // it was read: that it is still there is nothing new
			return false
		}
		old := now.Sub(last.StartedAt) >= time.Duration(t.IntervalHours)*time.Hour
		return old || days.DayOf(last.StartedAt) != days.DayOf(now) || (due && t.Connector == job.PlatformName)
	}
	err = a.DB.View(ctx, org, timeZero, store.System("check.run"), func(v *store.View) error {
		now = v.Now
		if days, err = job.DaysOf(ctx, v); err != nil {
			return err
		}
		newest, _, err := collect.Last(ctx, v)
		if err != nil {
			return err
		}
		all, err := store.All(ctx, v, collect.Sources, map[string]any{"state": "enabled"})
		for _, t := range all {
			due = due || pick(t, newest[t.ID])
		}
		return err
	})
	if err != nil || !due {
		return err
	}
	c, err := a.Works.Cycle(ctx, org, store.System("check.run"), "schedule", pick, nil)
	if err == nil {
		a.Log.InfoContext(ctx, "daily work done", "org", org, "sources", len(c.Runs), "tests_failing", c.Tests["fail"], "tests_passing", c.Tests["pass"])
	}
	return err
}

// applyScheduled changes the controls whose scheduled versions have come into force.
func (a *App) applyScheduled(ctx context.Context, org string) error {
	due := false
	err := a.DB.View(ctx, org, timeZero, store.System("control_version.apply"), func(v *store.View) error {
		all, err := store.All(ctx, v, grc.ControlVersions, map[string]any{"state": "approved"})
		due = slices.ContainsFunc(all, func(n *grc.ControlVersion) bool { return n.AppliedAt.IsZero() })
		return err
	})
	if err != nil || !due {
		return err
	}
	_, err = a.DB.Change(ctx, org, store.System("control_version.apply"), func(tx *store.Tx) error {
		stuck, err := grc.ApplyScheduled(ctx, tx)
		for _, e := range stuck {
			a.Log.ErrorContext(ctx, "a scheduled version of a control could not be applied", "org", org, "error", e)
		}
		return err
	})
	return err
}

// lease takes the right to do the daily work of an organisation for a while.
func (a *App) lease(ctx context.Context, org string) (bool, error) {
	mine := false
	_, err := a.DB.Change(ctx, org, store.System("lease"), func(tx *store.Tx) error {
		_, taken, err := tx.Slip(ctx, "lease", "cycle")
		if err != nil || taken {
			return err
		}
		mine = true
		return tx.SetSlip(ctx, "lease", "cycle", HostName(), tx.Now.Add(50*time.Second))
	})
	if err != nil {
		return false, fmt.Errorf("take lease: %w", err)
	}
	return mine, nil
}
