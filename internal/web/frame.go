// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/web/ui"
)

// frame is what stands around a page. section is the item of the menu that is lit.
func (q *ask) frame(title, section string, crumbs ...ui.Link) ui.Frame {
	f := ui.Frame{Title: title, Section: section, Org: q.org.Name, Person: q.actor.Name, Email: strings.Join(roleWords(q.actor.Roles), ", "),
		Nav: q.nav(), Now: q.now, AsOf: q.asOf, Crumbs: crumbs, Counts: map[string]int{}, Path: q.r.URL.RequestURI(), Dev: q.Dev, LivePath: "/live"}
	if q.r.Method != http.MethodGet {
		f.Path = "/"
	}
	if f.Title == "" {
		f.Title = "Error"
	}
	if f.Past() && q.may("ledger.status") {
		if s, err := do[*report.LedgerStatus](q, "ledger.status", struct{}{}); err == nil {
			f.Entry = max(s.Size-1, 0)
		}
		return f
	}
	if q.partial() {
		return f
	}
	f.Counts["tasks"], f.Counts["exceptions"] = q.count("task", map[string]any{"assignee": q.actor.Person, "state": "open"}), q.count("exception", map[string]any{"state": "requested"})
	if q.actor.Person == "" {
		delete(f.Counts, "tasks")
	}
	if t, ok := q.said(); ok {
		f.Toasts = append(f.Toasts, t)
	}
	return f
}

// navOps say which operation each item of the menu opens with. Who may not call it has no such item; the call
// itself decides anew.
var navOps = map[string]string{"home": "readiness.get", "monitoring": "monitoring.grid", "controls": "control.list", "evidence": "evidence.list", "policies": "policy.list", "people": "person.list",
	"tasks": "task.list", "exceptions": "exception.list", "systems": "system.list", "sources": "source.list", "changes": "changes.list", "activity": "activity.list"}

func (q *ask) nav() []ui.NavItem {
	var out []ui.NavItem
	for _, n := range ui.Nav() {
		o := q.Gate.Find(navOps[n.Key])
		all := o == nil || q.actor.May(o.Object, o.Act) >= op.Open
		if !all && n.Key != "tasks" {
			continue
		}
		if !all { // one's own work is everybody's to see
			n.Text, n.Href = "My work", "/work"
		}
		out = append(out, n)
	}
	return out
}

// many is where counting ends: more are not told apart.
const many = 99

// count counts things of a kind; where that is not allowed there is nothing to count.
func (q *ask) count(kindName string, where map[string]any) int {
	if !q.may(kindName + ".list") {
		return 0
	}
	where["limit"] = many
	l, err := do[listing](q, kindName+".list", where)
	if err != nil {
		return 0
	}
	return len(l.Data)
}

// listing is a page of things as their operations give it.
type listing struct {
	Data []thing `json:"data"`
	Next string  `json:"next"`
}

// thing is one thing of any kind.
type thing map[string]any

func (t thing) text(name string) string {
	s, _ := t[name].(string)
	return s
}

func (t thing) id() string { return t.text("id") }

func (t thing) rev() string { return strconv.FormatInt(t.number("rev"), 10) }

func (t thing) number(name string) int64 {
	f, _ := t[name].(float64)
	return int64(f)
}

func (t thing) texts(name string) []string {
	list, _ := t[name].([]any)
	var out []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// label is what a thing is called, by its id: of a person the name, of a control its ref. An id that cannot be
// read, because it is not there or not for you, stands for itself.
func (q *ask) label(id string) string {
	if id == "" {
		return ""
	}
	if id == "system" {
		return "Assay"
	}
	if l, ok := q.labels[id]; ok {
		return l
	}
	l := id
	if sh, ok := q.shapeOf(id); ok && q.may(sh.Name+".get") {
		if m, err := q.Gate.Label(q.ctx, q.actor, q.asOf, sh.Name, id); err == nil && m != nil {
			t := thing{}
			for n, v := range m {
				t[n] = v
			}
			l = labelOf(sh.Label, t)
		}
	}
	q.labels[id] = l
	return l
}

func labelOf(field string, t thing) string {
	l := t.text(field)
	if title := t.text("title"); field == "ref" && title != "" {
		l += " " + title
	}
	if l == "" {
		return t.id()
	}
	return l
}

func roleWords(all []op.Role) []string {
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = roleWord(string(r))
	}
	return out
}

var roleNames = map[string]string{"owner": "executive owner", "manager": "compliance manager", "control": "control owner", "admin": "administrator", "guest": "vendor guest"}

func roleWord(r string) string {
	if w := roleNames[r]; w != "" {
		return w
	}
	return r
}

// saidCookie carries a short message from a change to the page after it.
const saidCookie = "assay_said"

func (q *ask) say(text string) {
	if text == "" {
		return
	}
	http.SetCookie(q.w, &http.Cookie{Name: saidCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(text)), Path: "/", MaxAge: 60, HttpOnly: true, Secure: q.Secure, SameSite: http.SameSiteLaxMode})
}

// said takes the message, once. Its last word may be the ledger entry that proves it.
func (q *ask) said() (ui.Toast, bool) {
	c, err := q.r.Cookie(saidCookie)
	if err != nil || c.Value == "" {
		return ui.Toast{}, false
	}
	http.SetCookie(q.w, &http.Cookie{Name: saidCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: q.Secure, SameSite: http.SameSiteLaxMode})
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(b) > 500 {
		return ui.Toast{}, false
	}
	text, entry, _ := strings.Cut(string(b), "\x00")
	t := ui.Toast{Tone: ui.Good, Text: text}
	if entry != "" && strings.Trim(entry, "0123456789") == "" {
		t.Text += " as"
		t.Link = ui.Link{Text: "ledger entry " + entry, Href: "/activity/" + entry}
	}
	return t, true
}

// done says what was done and which entry of the ledger proves it.
func done(text string, r *store.Receipt) string {
	if r == nil {
		return text
	}
	return text + "\x00" + strconv.FormatInt(r.Seq, 10)
}

// choices gives the things of a small kind, for choosing one.
func (q *ask) choices(kindName string) ([]ui.Option, bool) {
	sh, ok := q.Gate.Shape(kindName)
	if !ok || !q.may(kindName+".list") {
		return nil, false
	}
	l, err := do[listing](q, kindName+".list", map[string]any{"limit": 300})
	if err != nil || l.Next != "" {
		return nil, false
	}
	out := []ui.Option{}
	for _, t := range l.Data {
		out = append(out, ui.Option{Value: t.id(), Text: labelOf(sh.Label, t)})
	}
	slices.SortFunc(out, func(a, b ui.Option) int { return strings.Compare(a.Text, b.Text) })
	return out, true
}
