// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// newForm asks for a new thing. What the address names is filled in.
func (q *ask) newForm(sh kind.Shape) (answer, error) {
	in := q.formFields(sh, "create")
	given, hint := q.texts(in, nil), ""
	if sh.Name == "scope_version" { // it starts from the scope in force
		t, err := do[thing](q, "organization.get", map[string]any{"id": q.org.ID})
		if err != nil {
			return answer{}, err
		}
		given = q.texts(in, t)
		hint = q.usualScope(t)
	}
	for _, f := range in {
		if v := q.get(f.Name); v != "" {
			given[f.Name] = v
		}
	}
	sh.Doc += hint
	return q.form(sh, "create", in, given, nil, "", nil)
}

// usualScope says what the industry of an organisation usually has in scope, for the form in which one changes it.
func (q *ask) usualScope(org thing) string {
	industry := org.text("industry_preset")
	if industry == "" || !q.may("scope_version.suggest") {
		return ""
	}
	s, err := do[grc.SuggestedScope](q, "scope_version.suggest", map[string]any{"industry": industry})
	if err != nil {
		return "" // a hint: the form works without it
	}
	out := " Usual for " + s.Title + ": security"
	for _, c := range s.Categories {
		out += ", " + words(string(c.Category))
	}
	return out + "."
}

// form draws a form of a kind. t is the thing that it is about; nil for a new one.
func (q *ask) form(sh kind.Shape, verb string, in []kind.Field, given, wrong map[string]string, whole string, t thing) (answer, error) {
	base := "/" + q.plural[sh.Name]
	noun := words(sh.Name)
	v := page.FormView{Title: "New " + noun, About: sh.Doc, Form: ui.Form{Action: base, Send: "Add " + noun, Cancel: base, Wrong: whole, Fields: q.fields(sh, in, given, wrong)}}
	crumbs := []ui.Link{{Text: q.title(sh.Name), Href: base}}
	if t != nil {
		one := q.hrefOf(sh.Name, t.id())
		label := labelOf(sh.Label, t)
		crumbs = append(crumbs, ui.Link{Text: clip(label, 60), Href: one})
		v.Form.Cancel, v.Form.Rev = one, t.rev()
		switch verb {
		case "update":
			v.Title, v.About, v.Form.Action, v.Form.Send = "Edit "+label, "The history keeps the previous version.", one, "Save "+noun
		default:
			v.Title, v.About, v.Form.Action, v.Form.Send = first(words(verb))+": "+label, q.Gate.Find(sh.Name+"."+verb).Doc, one+"/"+strings.ReplaceAll(verb, "_", "-"), first(words(verb))
			v.Form.Danger = verb == "end"
		}
	}
	if sh.Name == "evidence" {
		v.Form.Fields = q.askedFor(v.Form.Fields, given["control"])
	}
	if !q.may(sh.Name + "." + verb) {
		return answer{}, errs.New(errs.Denied, "your role can't %s this", words(verb)).Mend("ask a compliance manager or an owner")
	}
	a := answer{body: page.FormPage(q.frame(v.Title, q.sectionOf(sh.Name), append(crumbs, ui.Link{Text: first(verbWord(verb))})...), v)}
	if len(wrong) > 0 || whole != "" {
		a.code = http.StatusUnprocessableEntity
	}
	return a, nil
}

// verbWord is a verb as a button says it.
func verbWord(verb string) string {
	switch verb {
	case "create":
		return "new"
	case "update":
		return "edit"
	}
	return words(verb)
}

// create makes a thing from a form. What is wrong stands at its field, and everything typed is kept.
func (q *ask) create(sh kind.Shape) (answer, error) {
	in := q.formFields(sh, "create")
	input, given, wrong, err := q.read(in, nil)
	if err != nil {
		return answer{}, err
	}
	if len(wrong) > 0 {
		return q.form(sh, "create", in, given, wrong, "", nil)
	}
	out, receipt, err := q.change(sh.Name+".create", input)
	if e := errs.Public(err); err != nil && !inForm(e) {
		return answer{}, err
	} else if err != nil {
		whole := blame(e, in, wrong)
		return q.form(sh, "create", in, given, wrong, whole, nil)
	}
	var t thing
	if err := json.Unmarshal(out, &t); err != nil {
		return answer{}, errs.New(errs.Internal, "the answer can't be read").Because(err)
	}
	return goTo(q.hrefOf(sh.Name, t.id()), done(first(words(sh.Name))+" added", receipt))
}

// inForm says whether the person can mend an error in the form.
func inForm(e *errs.Error) bool {
	return e.Code == errs.Invalid || e.Code == errs.Conflict || e.Code == errs.NotFound && e.Field != ""
}

func (q *ask) editForm(sh kind.Shape) (answer, error) {
	t, err := q.resolve(sh, q.id())
	if err != nil {
		return answer{}, err
	}
	in, _, err := q.spread(sh, q.editable(sh, t), t)
	if err != nil {
		return answer{}, err
	}
	return q.form(sh, "update", in, q.texts(in, t), nil, "", t)
}

// editable are the fields that change by an edit: where what was approved stands, those that are no part of it.
func (q *ask) editable(sh kind.Shape, t thing) []kind.Field {
	all := q.formFields(sh, "update")
	if !sh.Settled(t.text("state")) {
		return all
	}
	return slices.DeleteFunc(all, func(f kind.Field) bool { return !slices.Contains(sh.Free, f.Name) })
}

// update changes a thing: what the person touched and nothing else, and only at the revision that he saw.
func (q *ask) update(sh kind.Shape) (answer, error) {
	t, seen, err := q.seen(sh)
	if err != nil {
		return answer{}, err
	}
	in, connector, err := q.spread(sh, q.editable(sh, t), t)
	if err != nil {
		return answer{}, err
	}
	var was map[string]string
	if t.number("rev") == seen {
		was = q.texts(in, t)
	}
	input, given, wrong, err := q.read(in, was)
	if err != nil {
		return answer{}, err
	}
	if sh.Name == "evidence" {
		withControl(input, given, wrong)
	}
	if len(wrong) > 0 {
		t["rev"] = float64(seen)
		return q.form(sh, "update", in, given, wrong, "", t)
	}
	if was != nil && len(input) == 0 {
		return goTo(q.hrefOf(sh.Name, t.id()), "No changes to save.")
	}
	gather(connector, t, input, given)
	if was == nil { // it will be refused; what is sent does not matter
		input = map[string]any{}
	}
	input["id"], input["rev"] = t.id(), seen
	_, receipt, err := q.change(sh.Name+".update", input)
	if err == nil {
		return goTo(q.hrefOf(sh.Name, t.id()), done(first(words(sh.Name))+" saved", receipt))
	}
	if a, serr := q.stale(sh, t.id(), seen, err); serr == nil {
		return a, nil
	}
	e := errs.Public(err)
	if !inForm(e) {
		return answer{}, err
	}
	whole := blame(e, in, wrong)
	return q.form(sh, "update", in, given, wrong, whole, t)
}

// seen reads the thing that a form is about, and the revision that the person saw.
func (q *ask) seen(sh kind.Shape) (thing, int64, error) {
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, op.MaxInput)
	t, err := q.resolve(sh, q.id())
	if err != nil {
		return nil, 0, err
	}
	rev, err := strconv.ParseInt(q.r.PostFormValue("rev"), 10, 64)
	if err != nil || rev < 1 {
		return nil, 0, &errs.Error{Code: errs.Precond, Field: "rev", Text: "the form has no revision number", Fix: "reload the form and try again"}
	}
	return t, rev, nil
}

// moveForm asks for what a move takes, and for a last look where it takes nothing.
func (q *ask) moveForm(sh kind.Shape, verb string) (answer, error) {
	t, err := q.resolve(sh, q.id())
	if err != nil {
		return answer{}, err
	}
	if m, ok := hasVerb(sh, verb); ok {
		if !contains(m.From, t.text("state")) {
			v := page.FormView{Title: first(words(verb)) + ": " + labelOf(sh.Label, t), Done: true, Why: "It is " + words(t.text("state")) + ". This can be done only when it is " + words(strings.Join(m.From, " or ")) + "."}
			return show(page.FormPage(q.frame(v.Title, q.sectionOf(sh.Name), ui.Link{Text: q.title(sh.Name), Href: "/" + q.plural[sh.Name]}, ui.Link{Text: clip(labelOf(sh.Label, t), 60), Href: q.hrefOf(sh.Name, t.id())}), v))
		}
	}
	in := q.formFields(sh, verb)
	return q.form(sh, verb, in, q.texts(in, t), nil, "", t)
}

// homeOf is the page on which one goes on after a move: of a change of a control, the control.
func (q *ask) homeOf(sh kind.Shape, t thing) string {
	if c := t.text("control"); sh.Name == "control_version" && c != "" {
		if now, err := do[thing](q, "control.get", map[string]any{"id": c}); err == nil {
			return "/controls/" + seg(now.text("ref"))
		}
	}
	return q.hrefOf(sh.Name, t.id())
}

// move changes the state of a thing, or ends it.
func (q *ask) move(sh kind.Shape, verb string) (answer, error) {
	t, seen, err := q.seen(sh)
	if err != nil {
		return answer{}, err
	}
	in := q.formFields(sh, verb)
	input, given, wrong, err := q.read(in, nil)
	if err != nil {
		return answer{}, err
	}
	if len(wrong) > 0 {
		return q.form(sh, verb, in, given, wrong, "", t)
	}
	input["id"] = t.id()
	if takes(q.Gate.Find(sh.Name+"."+verb), "rev") {
		input["rev"] = seen
	}
	_, receipt, err := q.change(sh.Name+"."+verb, input)
	if err == nil && (verb == "end" || verb == "revoke" && sh.System) {
		return goTo("/"+q.plural[sh.Name], done(first(words(sh.Name))+" ended", receipt))
	}
	if err == nil {
		return goTo(q.homeOf(sh, t), done(first(words(verb))+": done", receipt))
	}
	if a, serr := q.stale(sh, t.id(), seen, err); serr == nil {
		return a, nil
	}
	e := errs.Public(err)
	if len(in) == 0 || !inForm(e) {
		return answer{}, err
	}
	whole := blame(e, in, wrong)
	return q.form(sh, verb, in, given, wrong, whole, t)
}
