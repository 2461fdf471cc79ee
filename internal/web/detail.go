// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/web/page"
	"assay/internal/web/ui"
	"github.com/a-h/templ"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// detail is the plain page of a thing of any kind.
func (q *ask) detail(kindName string, t thing) (answer, error) {
	sh, _ := q.Gate.Shape(kindName)
	v := page.DetailView{Title: labelOf(sh.Label, t), State: words(t.text("state")), Acts: q.acts(sh, t), Rev: int(t.number("rev")), HistoryAll: q.hrefOf(sh.Name, t.id()) + "/history"}
	if ref := t.text("ref"); ref != "" {
		v.Ref, v.Title = ref, orElse(t.text("title"), ref)
		if v.Title == ref {
			v.Title = clip(t.text("text"), 120)
		}
	}
	if sh.Name == "control" && t.number("version_no") == 0 {
		v.Why = unapproved
	}
	var rest, made []ui.Pair
	for _, f := range sh.Fields {
		if f.Hidden() || f.Name == sh.Label || f.Name == "id" || f.Name == "rev" || f.Name == "state" || f.Name == "ref" || f.Name == "title" && v.Ref != "" {
			continue
		}
		if f.Name == "created_at" || f.Name == "created_by" || f.Name == "updated_at" || f.Name == "updated_by" {
			made = append(made, q.pair(f, first(fieldTitle(f.Name)), plainText(t[f.Name])))
			continue
		}
		q.place(&v, &rest, f, t[f.Name])
	}
	if sh.Name == "policy" {
		v.Sections = q.toConfirm(t, policyTexts(t, v.Sections))
	}
	v.Side = append(v.Side, made...)
	if len(rest) > 0 {
		v.Sections = append(v.Sections, page.Section{Title: "Details", Pairs: rest})
	}
	var err error
	if sh.Name == "policy" {
		q.templateOf(t, v.Sections)
		if v.Sections, err = q.outdatedValues(t, v.Sections); err != nil {
			return answer{}, err
		}
	}
	if v.Here, err = q.pointing(sh, t.id()); err != nil {
		return answer{}, err
	}
	if v.History, v.Entry, err = q.lately(t.id(), 5); err != nil {
		return answer{}, err
	}
	base := "/" + q.plural[sh.Name]
	return show(page.Detail(q.frame(v.Title, q.sectionOf(sh.Name), ui.Link{Text: q.title(sh.Name), Href: base}, ui.Link{Text: orElse(v.Ref, clip(v.Title, 60))}), v))
}

// policyTexts says which text of a policy binds, and which is only worked on. While they are the same there is one.
func policyTexts(t thing, all []page.Section) []page.Section {
	no, binding := t.number("published_no"), t.text("state") != "retired"
	out := make([]page.Section, 0, len(all))
	for _, s := range all {
		switch {
		case no > 0 && s.Title == "Published text":
			if s.Title = fmt.Sprintf("In force: version %d", no); !binding {
				s.Title = fmt.Sprintf("No longer in force: version %d", no)
			}
		case no > 0 && s.Title == "Body":
			if t.text("body") == t.text("published_text") {
				continue
			}
			s.Title = "Next version, not in force yet (" + words(t.text("state")) + ")"
			if !binding {
				s.Title = "Version that never came into force"
			}
		}
		out = append(out, s)
	}
	return out
}

// toConfirm cuts the text of a draft that came from a template into its sections, as long as some of them wait to be confirmed,
// with a button at each of these.
func (q *ask) toConfirm(t thing, all []page.Section) []page.Section {
	waiting := lines(t["unconfirmed_sections"])
	if t.text("state") != "draft" || len(waiting) == 0 || !q.mayChange("policy.confirm_sections") {
		return all
	}
	out := []page.Section{}
	for _, s := range all {
		if s.Title != "Body" && !strings.HasPrefix(s.Title, "Next version") {
			out = append(out, s)
			continue
		}
		for i, part := range strings.Split("\n"+strings.ReplaceAll(t.text("body"), "\r\n", "\n"), "\n## ") {
			heading, text, _ := strings.Cut(part, "\n")
			if i == 0 {
				heading, text = s.Title, part
			}
			x := page.Section{Title: strings.TrimSpace(heading), Safe: markdown(text)}
			if contains(waiting, x.Title) {
				x.Act = ui.Button{Text: "Confirm section", Icon: "check", Post: q.hrefOf("policy", t.id()) + "/confirm-sections", Rev: t.rev(), Write: true, Attrs: templ.Attributes{"name": "sections", "value": x.Title}}
				if strings.Contains(text, "{{") {
					x.Act.Off = "Fill its fields first."
				}
			}
			if strings.TrimSpace(text) != "" {
				out = append(out, x)
			}
		}
	}
	return out
}

// templateOf writes what came from a template as a list, in place of its record.
func (q *ask) templateOf(t thing, all []page.Section) {
	for i := range all {
		switch s := &all[i]; s.Title {
		case "Template fields", "Published template fields":
			s.Code = ""
			of := "template_fields"
			if s.Title != "Template fields" {
				s.Title, of = "Template fields of the version in force", "published_template_fields"
			}
			for _, x := range listOf(t[of]) {
				s.Pairs = append(s.Pairs, ui.Pair{Term: plainText(x["name"]), Text: plainText(x["value"]), Empty: "No value yet (" + plainText(x["source"]) + ")"})
			}
		case "Template sections":
			s.Code = ""
			for _, x := range listOf(t["template_sections"]) {
				p := ui.Pair{Term: plainText(x["section"]), Text: "Edited"}
				if by := plainText(x["confirmed_by"]); by != "" {
					p.Text = "Confirmed by " + q.label(by)
				} else if contains(lines(t["unconfirmed_sections"]), p.Term) {
					if p.Text = "To confirm"; x["edited"] == true {
						p.Text = "Edited a little, to confirm"
					}
				}
				s.Pairs = append(s.Pairs, p)
			}
		}
	}
}

func listOf(v any) []thing {
	all, _ := v.([]any)
	var out []thing
	for _, x := range all {
		if m, ok := x.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// place puts a field where it belongs: long texts into panels of their own, who and when beside, the rest among the details.
func (q *ask) place(v *page.DetailView, rest *[]ui.Pair, f kind.Field, value any) {
	title, text := first(fieldTitle(f.Name)), plainText(value)
	switch {
	case f.Long && text != "":
		s := page.Section{Title: title, Text: text}
		if strings.Contains(f.Doc, "Markdown") {
			s.Text, s.Safe = "", markdown(text)
		} else if strings.Contains(f.Doc, "YAML") {
			s.Text, s.Code = "", text
		}
		v.Sections = append(v.Sections, s)
	case f.Long:
	case f.ReadOnly && text == "", f.Format == "date-time" && timeOf(text).IsZero(): // it has not come to that yet
	case f.Ref != "" && f.Type == "string", f.Format == "date", f.Format == "date-time", strings.HasSuffix(f.Name, "_by"):
		v.Side = append(v.Side, q.pair(f, title, text))
	case !f.Plain() && text != "" && text != "null" && text != "[]" && text != "{}":
		v.Sections = append(v.Sections, page.Section{Title: title, Code: yamlText(value)})
	case f.Plain():
		*rest = append(*rest, q.pair(f, title, text))
	}
}

func (q *ask) pair(f kind.Field, title, text string) ui.Pair {
	p := ui.Pair{Term: title}
	c := q.cell(f, text)
	switch {
	case f.Ref == "person":
		p.Text, p.Empty = q.label(text), "Unassigned"
		p.Href = q.hrefOf("person", text)
	case f.Ref != "" || strings.HasSuffix(f.Name, "_by"):
		p.Text, p.Href = q.label(text), q.hrefOf("", text)
	case f.Format == "date-time" && !c.Day.IsZero():
		p.Show = ui.Since(q.at(), c.Day)
		if c.Day.After(q.at()) {
			p.Show = ui.Moment(c.Day)
		}
	case f.Format == "date" && !c.Day.IsZero():
		p.Show = ui.Date(c.Day)
	case f.Format == "sha256" && text != "":
		p.Show = ui.Hash(text)
	default:
		p.Text = orElse(c.Text, orElse(c.Num, c.Mono))
		if len(f.Enum) == 0 && f.Type != "boolean" && f.Name != "roles" {
			p.Text = text
		}
	}
	return p
}

// acts are the buttons of a thing: what it may become from the state that it is in, then edit and end.
func (q *ask) acts(sh kind.Shape, t thing) []ui.Button {
	out := q.moves(sh, t)
	base := q.hrefOf(sh.Name, t.id())
	if sh.Name == "user" && q.mayChange("user.link") {
		out = append(out, ui.Button{Text: "New sign-in link", Post: "/settings/users/" + seg(t.id()) + "/link", Write: true})
	}
	for _, o := range q.extras(sh) {
		if o.Name == "policy.confirm_sections" { // its buttons stand at the sections
			continue
		}
		if q.mayChange(o.Name) && (len(o.From) == 0 || contains(o.From, t.text("state"))) {
			out = append(out, ui.Button{Text: first(words(o.Verb)), Href: base + "/" + strings.ReplaceAll(o.Verb, "_", "-"), Write: true})
		}
	}
	out = append(out, q.abouts(sh, t.id())...)
	if sh.Name == "control" {
		out = append(q.proposeButtons(t), out...)
	}
	if sh.Name == "organization" && q.mayChange("scope_version.create") {
		out = append(out, ui.Button{Text: "Change scope", Href: "/scope-versions/new", Write: true})
	}
	fixed := sh.Settled(t.text("state"))
	if q.mayChange(sh.Name+".end") && sh.Create != kind.Never && !fixed {
		out = append(out, ui.Button{Text: "End", Kind: "quiet", Href: base + "/end", Write: true})
	}
	if q.mayChange(sh.Name+".update") && (!fixed || len(sh.Free) > 0) {
		out = append(out, ui.Button{Text: "Edit", Icon: "edit", Href: base + "/edit", Key: "e", Write: true})
	}
	return out
}

func (q *ask) moves(sh kind.Shape, t thing) []ui.Button {
	var out []ui.Button
	base := q.hrefOf(sh.Name, t.id())
	for _, m := range sh.Moves {
		if !contains(m.From, t.text("state")) || !q.mayChange(sh.Name+"."+m.Verb) {
			continue
		}
		b := ui.Button{Text: first(words(m.Verb)), Write: true, Off: q.refused(m, t)}
		at := base + "/" + strings.ReplaceAll(m.Verb, "_", "-")
		if len(m.Takes) > 0 {
			b.Href = at
		} else {
			b.Post, b.Rev = at, t.rev()
		}
		if m.Verb == "approve" || m.Verb == "accept" || m.Verb == "publish" || m.Verb == "submit" {
			b.Kind, b.Icon = "primary", "check"
		}
		out = append(out, b)
	}
	return out
}

// barred says, by what a thing shows of itself, why somebody may not make a move that his role allows: for lists. The operation
// decides it anew.
func (q *ask) barred(m kind.Move, t thing) string {
	if !m.Apart() {
		return ""
	}
	for _, f := range slices.Concat(op.AskFields, m.NotBy) {
		if who := t.text(f); who != "" && (who == q.actor.ID || who == q.actor.Person) {
			return "You can't " + words(m.Verb) + " your own request. Ask another approver."
		}
	}
	return ""
}

// refused says why the operation would refuse a decision, and whom to ask: for the page of one thing.
func (q *ask) refused(m kind.Move, t thing) string {
	if !m.Decides() {
		return ""
	}
	if lacksRequest(m, t) {
		return "Someone has to request it first."
	}
	a, err := do[*op.Approval](q, "approval.check", map[string]any{"thing": t.id(), "verb": m.Verb})
	if err != nil || a.Allowed {
		return "" // the operation says it, if it is tried
	}
	why := first(a.Why) + "."
	if a.Fix != "" {
		why += " " + first(a.Fix) + "."
	}
	return why
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// pointing lists what points at a thing, by kind.
func (q *ask) pointing(sh kind.Shape, id string) ([]page.HereGroup, error) {
	all, err := do[[]store.Link](q, sh.Name+".links", map[string]any{"id": id})
	if isGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []page.HereGroup
	at := map[string]int{}
	for _, l := range all {
		i, ok := at[l.Kind]
		if !ok {
			i = len(out)
			at[l.Kind] = i
			out = append(out, page.HereGroup{Kind: q.title(l.Kind) + " that link here"})
		}
		if n := len(out[i].Links); n < 20 {
			x := q.link(l.ID)
			x.Text += " (" + words(l.Field) + ")"
			out[i].Links = append(out[i].Links, x)
		} else {
			out[i].More = ui.Link{Text: "and more"}
		}
	}
	return out, nil
}

var (
	clean = bluemonday.UGCPolicy()
	md    = goldmark.New(goldmark.WithExtensions(extension.Table))
)

// markdown renders text that a person wrote. Markup in it is dropped by the renderer, and what is left is cleaned.
func markdown(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b bytes.Buffer
		if err := md.Convert([]byte(text), &b); err != nil {
			return fmt.Errorf("render markdown: %w", err)
		}
		_, err := w.Write(clean.SanitizeBytes(b.Bytes()))
		return err
	})
}

// history is every revision of a thing, newest first.
func (q *ask) history(sh kind.Shape) (answer, error) {
	t, err := q.resolve(sh, q.id())
	if err != nil {
		return answer{}, err
	}
	all, err := do[[]store.Version](q, sh.Name+".history", map[string]any{"id": t.id()})
	if err != nil {
		return answer{}, err
	}
	label := labelOf(sh.Label, t)
	base := q.hrefOf(sh.Name, t.id())
	v := page.HistoryView{Title: "History of " + label, Back: ui.Link{Text: label, Href: base}}
	for i, x := range all {
		if i >= 100 {
			v.Pager.Text = "The newest 100 of " + ui.Num(int64(len(all))) + "; older ones are under Activity."
			break
		}
		r := page.Revision{Rev: int(x.Rev), Event: page.Event{Entry: x.Seq, At: q.local(x.At), Actor: q.label(x.Actor), Text: q.deed(x), Via: x.Via}, AsOf: base + query("as_of", clock.Format(x.At))}
		now := bodyOf(x)
		r.Reason = plainText(now["reason"])
		var was map[string]any
		if i+1 < len(all) {
			was = bodyOf(all[i+1])
		}
		r.Changes = q.changes(sh, was, now)
		v.Revs = append(v.Revs, r)
	}
	return show(page.History(q.frame("History", q.sectionOf(sh.Name), ui.Link{Text: q.title(sh.Name), Href: "/" + q.plural[sh.Name]}, ui.Link{Text: clip(label, 60), Href: base}, ui.Link{Text: "History"}), v))
}

// deed says what a revision did.
func (q *ask) deed(x store.Version) string {
	_, verb, _ := strings.Cut(x.Op, ".")
	switch {
	case x.State == "ended":
		return "ended it"
	case x.Rev == 1:
		return "created it"
	case verb == "update":
		return "changed it"
	}
	return report.PastOf(verb) + " it"
}

func bodyOf(x store.Version) map[string]any {
	var m map[string]any
	if json.Unmarshal(x.Body, &m) != nil {
		return nil
	}
	return m
}

// changes is the difference of two revisions, with names in place of ids and without what changes by itself.
func (q *ask) changes(sh kind.Shape, was, now map[string]any) []ui.Line {
	said := func(m map[string]any) map[string]any {
		out := map[string]any{}
		for _, f := range sh.Fields {
			switch f.Name {
			case "id", "rev", "created_at", "created_by", "updated_at", "updated_by":
				continue
			}
			text := plainText(m[f.Name])
			if f.Ref != "" && f.Type == "string" {
				text = q.label(text)
			}
			if len(f.Enum) > 0 && f.Type == "string" {
				text = words(text)
			}
			if text != "" && text != "null" && text != "[]" && text != "{}" && text != "false" && text != "0" {
				out[f.Name] = text
			}
		}
		return out
	}
	return difference(said(was), said(now))
}

// stale shows what somebody else changed between the revision that was seen and the one that is there now.
func (q *ask) stale(sh kind.Shape, id string, seen int64, err error) (answer, error) {
	e := errs.Public(err)
	if e.Code != errs.Conflict || seen == 0 {
		return answer{}, err
	}
	all, herr := do[[]store.Version](q, sh.Name+".history", map[string]any{"id": id})
	if herr != nil || len(all) == 0 || all[0].Rev == seen {
		return answer{}, err
	}
	v := page.ErrorView{Code: codeOf(e), Text: first(e.Error()) + ". Your change was not saved, so theirs is kept. Go back in your browser to see what you wrote.",
		Acts: []ui.Link{{Text: "View current version", Href: q.hrefOf(sh.Name, id)}, {Text: "Edit current version", Href: q.hrefOf(sh.Name, id) + "/edit"}}}
	for _, x := range all {
		if x.Rev == seen {
			v.Changes = q.changes(sh, bodyOf(x), bodyOf(all[0]))
		}
	}
	return answer{code: v.Code, body: page.Error(q.frame("Someone else edited this", q.sectionOf(sh.Name)), v)}, nil
}
