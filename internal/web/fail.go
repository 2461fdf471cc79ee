// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"assay/internal/errs"
	"assay/internal/web/page"
	"assay/internal/web/ui"
	"github.com/a-h/templ"
)

var codes = map[errs.Code]int{errs.Invalid: 422, errs.NotFound: 404, errs.Conflict: 409, errs.Denied: 403, errs.Unsigned: 401,
	errs.Precond: 428, errs.Limited: 429, errs.Full: 507, errs.Unavailable: 503, errs.Internal: 500}

// codeOf is the HTTP status of an error.
func codeOf(e *errs.Error) int {
	if c := codes[e.Code]; c != 0 {
		return c
	}
	return http.StatusInternalServerError
}

func nothing(path string) error {
	return errs.New(errs.NotFound, "there is no page at %.100s", path)
}

// fail shows what went wrong: inside the frame where somebody is signed in, else on the way in.
func (q *ask) fail(err error) {
	e := errs.Public(err)
	if e.Code == errs.Internal && q.ctx.Err() == nil {
		q.Gate.Log.ErrorContext(q.ctx, "page failed", "path", q.r.URL.Path, "error", err, "cause", errors.Unwrap(e))
	}
	if e.Code == errs.Unsigned && q.r.Method == http.MethodGet && !q.partial() && q.r.URL.Path != "/live" {
		to := "/sign-in"
		if here, ok := localPath(q.r.URL.RequestURI()); ok && here != "/" {
			to += query("next", here)
		}
		http.Redirect(q.w, q.r, to, http.StatusSeeOther)
		return
	}
	v := errorView(e)
	if list, title := q.listOf(); e.Code == errs.NotFound && list != "" {
		v.Acts = append(v.Acts, ui.Link{Text: "All " + strings.ToLower(title), Href: list})
	}
	if q.past() && e.Code == errs.NotFound {
		v.Title, v.Text = "This did not exist yet", "The ledger has no record of it at the date you are viewing."
		if strings.HasPrefix(e.Text, "there is no organi") { // the ledger itself begins later
			v.Title, v.Text = "No records for this date", "Your ledger starts later. Choose a later date."
		}
		v.Acts = append(v.Acts, ui.Link{Text: "Back to now", Href: "/as-of" + query("back", q.r.URL.RequestURI())})
	}
	var c templ.Component = page.ErrorAlone(v)
	if q.actor.ID != "" && e.Code != errs.Unsigned {
		c = page.Error(q.frame(v.Title, ""), v)
	}
	q.w.Header().Set("X-Message", headerText(e.Error()))
	q.write(codeOf(e), c)
}

// listOf is the list in which the thing of this address would stand.
func (q *ask) listOf() (path, title string) {
	part, rest, _ := strings.Cut(strings.TrimPrefix(q.r.URL.Path, "/"), "/")
	for kindName, p := range q.plural {
		if p == part && rest != "" {
			return "/" + p, q.title(kindName)
		}
	}
	switch {
	case rest == "":
	case part == "tests", part == "criteria", part == "resources":
		return "/" + part, part
	}
	return "", ""
}

func errorView(e *errs.Error) page.ErrorView {
	v := page.ErrorView{Code: codeOf(e), Text: first(e.Error()) + "."}
	switch e.Code {
	case errs.Invalid, errs.Precond:
		v.Title = "This can't be done"
	case errs.Denied:
		v.Title = "You can't do this"
	case errs.Internal:
		v.Text = "" // the page has the words for it
	case errs.Conflict:
		v.Title = "This isn't possible right now"
	}
	if e.Fix != "" {
		v.Text += " " + first(e.Fix) + "."
	}
	if e.Code == errs.Unsigned {
		v.Acts = []ui.Link{{Text: "Sign in", Href: "/sign-in"}}
	}
	return v
}

func (q *ask) write(code int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(q.ctx, &b); err != nil {
		slog.ErrorContext(q.ctx, "error page failed", "error", err)
		http.Error(q.w, "Something went wrong on our side; it is in the log.", http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	q.w.WriteHeader(code)
	_, _ = q.w.Write(b.Bytes()) // the reader has gone away; there is nobody to tell
}

// headerText keeps only what may stand in a header.
func headerText(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] >= ' ' && s[i] < 127 {
			out = append(out, s[i])
		}
	}
	return string(out[:min(len(out), 300)])
}
