// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html"
	"net/url"
	"regexp"
	"strings"

	"assay/internal/errs"
)

// Time travel stands in the address (?as_of=2026-03-03) and nowhere else. When a page shows the past, every
// local link on it is given the moment as it leaves, so that no page must think of it. A double quote inside
// text or an attribute is always escaped by the templates, so what matches is an attribute.
var (
	localLink = regexp.MustCompile(` (href|hx-get|data-href|data-from)="(/[^"]*)"`)
	getForm   = regexp.MustCompile(`<form[^>]*\bmethod="get"[^>]*>`)
)

func inPast(text []byte, moment string) []byte {
	add := "as_of=" + url.QueryEscape(moment)
	text = localLink.ReplaceAllFunc(text, func(m []byte) []byte {
		parts := localLink.FindSubmatch(m)
		name, to := string(parts[1]), string(parts[2])
		if strings.HasPrefix(to, "/static/") || strings.HasPrefix(to, "/as-of") || strings.HasPrefix(to, "//") {
			return m
		}
		to, anchor, _ := strings.Cut(to, "#")
		sep := "?"
		if strings.Contains(to, "?") {
			sep = "&amp;"
		}
		if strings.Contains(to, "as_of=") {
			return m
		}
		return []byte(" " + name + `="` + to + sep + add + hash(anchor) + `"`)
	})
	return getForm.ReplaceAllFunc(text, func(m []byte) []byte {
		if strings.Contains(string(m), `action="/as-of"`) {
			return m
		}
		// Never append to m: behind it stands the rest of the page. A form encodes its values itself.
		return []byte(string(m) + `<input type="hidden" name="as_of" value="` + html.EscapeString(moment) + `">`)
	})
}

func hash(anchor string) string {
	if anchor == "" {
		return ""
	}
	return "#" + anchor
}

// moveTo goes to the same page at another moment: the end of a day, or now where no day is given.
func moveTo(q *ask) (answer, error) {
	back, ok := localPath(q.get("back"))
	if !ok {
		back = "/"
	}
	u, err := url.Parse(back)
	if err != nil {
		return answer{}, errs.At("back", "is not an address of this site")
	}
	v := u.Query()
	v.Del("as_of")
	if d := q.get("day"); d != "" {
		if dayOf(d).IsZero() {
			return answer{}, errs.At("day", "%.20q is not a valid date", d).Mend("write it as 2026-11-22")
		}
		v.Set("as_of", d)
	}
	u.RawQuery = v.Encode()
	return goTo(u.String(), "")
}

// localPath lets through what leads to a page of this site, and nothing else.
func localPath(p string) (string, bool) {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t") || len(p) > 2000 {
		return "/", false
	}
	u, err := url.Parse(p)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return "/", false
	}
	return p, true
}
