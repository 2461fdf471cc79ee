// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/web/ui"
	"github.com/a-h/templ"
)

// ask is one request of somebody who is signed in.
type ask struct {
	*site
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	actor  op.Actor
	cookie string
	org    Org
	now    time.Time // in the organisation's zone
	asOf   time.Time // the past moment that is shown; zero: the present
	labels map[string]string
}

// answer is what a handler gives: a page, or somewhere to go.
type answer struct {
	code int // 200 where zero
	body templ.Component
	to   string // a local address
	said string // a short message for the next page
}

func show(c templ.Component) (answer, error) { return answer{body: c}, nil }

func goTo(to, said string) (answer, error) { return answer{to: to, said: said}, nil }

// ask finds out who asks, and of which moment.
func (s *site) ask(w http.ResponseWriter, r *http.Request) (*ask, error) {
	q := &ask{site: s, w: w, r: r, ctx: r.Context(), labels: map[string]string{}}
	q.now = s.Gate.Clock().Now()
	c, err := r.Cookie(s.Cookie)
	if err != nil {
		return q, errs.New(errs.Unsigned, "you are not signed in")
	}
	q.cookie = c.Value
	who := s.Door.ByCookie
	if r.Method == http.MethodGet && (r.URL.Path == "/live" || r.Header.Get("HX-Trigger") != "") { // the page asks by itself
		who = s.Door.Peek
	}
	if q.actor, err = who(q.ctx, c.Value); err != nil {
		return q, err
	}
	q.actor.Via = "web"
	if q.org, err = s.orgOf(q.ctx, q.actor.Org); err != nil {
		return q, err
	}
	q.now = q.now.In(q.org.Zone)
	return q, q.moment()
}

// moment reads as_of. A request that changes something has none.
func (q *ask) moment() error {
	text := q.r.URL.Query().Get("as_of")
	if text == "" {
		return nil
	}
	t, err := op.Moment(text, q.now.UTC(), q.Gate.DaysOf(q.ctx, q.org.ID))
	if err != nil {
		return err
	}
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
		return errs.At("as_of", "the past can't be changed").Mend("go back to now first")
	}
	q.asOf = t.In(q.org.Zone)
	return nil
}

// do calls an operation as of the moment that the page shows.
func do[Out any](q *ask, name string, in any) (Out, error) {
	return op.Do[Out](q.ctx, q.Gate, q.actor, name, in, q.asOf)
}

// change calls an operation that writes, and says which ledger entry proves it.
func (q *ask) change(name string, in any) (json.RawMessage, *store.Receipt, error) {
	return q.once(name, in, "")
}

// once is change, carried out once for a key that a form carries, however often the form is sent.
func (q *ask) once(name string, in any, key string) (json.RawMessage, *store.Receipt, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, nil, errs.New(errs.Invalid, "the form can't be read").Because(err)
	}
	ans, err := q.Gate.Call(q.ctx, q.actor, op.Call{Op: name, In: raw, AsOf: q.asOf, Key: key})
	if err != nil {
		return nil, nil, err
	}
	out, err := store.Encode(ans.Out)
	return out, ans.Receipt, err
}

// may says whether somebody would be let through: for buttons. In the past nobody changes anything.
func (q *ask) may(name string) bool { return q.Gate.May(q.actor, name) }

func (q *ask) mayChange(name string) bool { return q.asOf.IsZero() && q.may(name) }

func (q *ask) past() bool { return !q.asOf.IsZero() }

// at is the moment that the page shows.
func (q *ask) at() time.Time {
	if q.past() {
		return q.asOf
	}
	return q.now
}

func (q *ask) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(q.org.Zone)
}

func (q *ask) localOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return q.local(*t)
}

func (q *ask) id() string { return q.r.PathValue("id") }

func (q *ask) get(name string) string { return q.r.URL.Query().Get(name) }

// number reads a parameter that counts; what is not a number is def.
func (q *ask) number(name string, def int64) int64 {
	n, err := strconv.ParseInt(q.get(name), 10, 64)
	if err != nil || n < 0 {
		return def
	}
	return n
}

// with is the address of this page with one parameter set to another value, or taken away.
func (q *ask) with(name, value string) string {
	v := q.r.URL.Query()
	for _, gone := range []string{"as_of", "after", "before"} { // the moment is put on every link when the page is given
		v.Del(gone)
	}
	if v.Del(name); value != "" {
		v.Set(name, value)
	}
	if len(v) == 0 {
		return q.r.URL.Path
	}
	return q.r.URL.Path + "?" + v.Encode()
}

// keep lists the parameters that a search keeps.
func (q *ask) keep(names ...string) []ui.Option {
	var out []ui.Option
	for _, n := range names {
		if v := q.get(n); v != "" {
			out = append(out, ui.Option{Value: n, Text: v})
		}
	}
	return out
}

// partial says whether a script asks for a part of the page.
func (q *ask) partial() bool { return q.r.Header.Get("HX-Request") != "" }

// give writes an answer whole: a page that cannot be made is an error page and never half a page.
func (q *ask) give(a answer) error {
	if a.to != "" {
		if q.past() && !strings.Contains(a.to, "as_of=") {
			to, err := url.Parse(a.to)
			if err != nil {
				return errs.New(errs.Internal, "there is no such address").Because(err)
			}
			v := to.Query()
			v.Set("as_of", q.get("as_of"))
			to.RawQuery = v.Encode()
			a.to = to.String()
		}
		q.say(a.said)
		http.Redirect(q.w, q.r, a.to, http.StatusSeeOther)
		return nil
	}
	var b bytes.Buffer
	if err := a.body.Render(q.ctx, &b); err != nil {
		return errs.New(errs.Internal, "the page can't be shown").Because(err)
	}
	out := b.Bytes()
	if q.past() {
		out = inPast(out, q.get("as_of"))
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	if a.code != 0 {
		q.w.WriteHeader(a.code)
	}
	if _, err := q.w.Write(out); err != nil {
		slog.DebugContext(q.ctx, "the reader has gone away", "path", q.r.URL.Path)
	}
	return nil
}

// orgOf describes an organisation. With an error goes what an error page needs: one without a zone stands in UTC there, and
// on no other page.
func (s *site) orgOf(ctx context.Context, id string) (Org, error) {
	all, err := s.Orgs(ctx)
	if err != nil {
		err = errs.New(errs.Unavailable, "the database is not responding").Mend("try again in a few minutes").Because(err)
	}
	for _, o := range all {
		if o.ID == id && o.Wrong == nil {
			return o, nil
		}
		if o.ID == id {
			err, id = o.Wrong, o.Name
		}
	}
	if err == nil {
		err = errs.New(errs.NotFound, "there is no organisation %.60s", id)
	}
	return Org{ID: id, Name: id, Zone: time.UTC}, err
}

// dayOf reads a calendar day; what is not one is no time.
func dayOf(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func timeOf(text string) time.Time {
	if t, err := clock.Parse(text); err == nil {
		return t
	}
	return dayOf(text)
}

func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

func seg(s string) string { return url.PathEscape(s) }

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// first makes the first letter of a sentence large.
func first(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[0])) + string(r[1:])
}
