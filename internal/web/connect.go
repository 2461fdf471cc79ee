// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/web/page"
	"assay/internal/web/ui"
	"github.com/goccy/go-yaml"
)

// A source is connected in a form that asks for what its connector must know, each thing in a field of its own.

const configName = "config." // begins the names of these fields

// newSource asks which connector, and then for what that must know.
func newSource(q *ask) (answer, error) {
	all, err := do[[]collect.Offer](q, "connector.list", struct{}{})
	if err != nil {
		return answer{}, err
	}
	i := slices.IndexFunc(all, func(o collect.Offer) bool { return o.Name == q.get("connector") })
	if i < 0 {
		kinds, err := q.connectors()
		if err != nil {
			return answer{}, err
		}
		return show(page.ChooseSource(q.frame("Add a source", "sources", ui.Link{Text: "Sources", Href: "/sources"}, ui.Link{Text: "Add"}), kinds))
	}
	return q.connectForm(all[i], map[string]string{"name": all[i].Title}, nil, "")
}

func (q *ask) connectForm(o collect.Offer, given, wrong map[string]string, whole string) (answer, error) {
	sh, _ := q.Gate.Shape("source")
	given["connector"] = o.Name
	var before, own, after []ui.Field
	for _, f := range q.fields(sh, q.formFields(sh, "create"), given, wrong) {
		switch f.Name {
		case "connector":
			f.Kind = "hidden"
			before = append(before, f)
		case "name":
			f.Label, f.Hint = "Name of this source", "What it is called in Assay."
			before = append(before, f)
		case "config":
			if f.Wrong != "" {
				whole = strings.TrimSpace(whole + " " + f.Wrong)
			}
		default:
			after = append(after, f)
		}
	}
	for _, c := range o.Fields {
		f := ui.Field{Kind: "text", Name: configName + c.Name, Label: first(words(c.Name)), Hint: sentenceOf(c.Doc), Required: c.Required, Value: given[configName+c.Name], Wrong: wrong[configName+c.Name]}
		if c.Example != "" { // not inside the field: there it reads as if it had been filled in
			f.Hint = strings.TrimSpace(f.Hint + " For example " + c.Example + ".")
		}
		if c.List {
			f.Kind, f.Rows = "textarea", 3
			f.Hint = strings.TrimSpace(f.Hint + " One on each line.")
		}
		own = append(own, f)
	}
	v := page.FormView{Title: "Connect: " + o.Title, About: o.Doc, Form: ui.Form{Action: "/sources", Send: "Connect", Cancel: "/sources", Wrong: whole, Fields: slices.Concat(before, own, after)}}
	a := answer{body: page.FormPage(q.frame(v.Title, "sources", ui.Link{Text: "Sources", Href: "/sources"}, ui.Link{Text: "Add", Href: "/sources/new"}, ui.Link{Text: o.Title}), v)}
	if len(wrong) > 0 || whole != "" {
		a.code = http.StatusUnprocessableEntity
	}
	return a, nil
}

func sentenceOf(s string) string {
	if s = strings.TrimRight(s, ". "); s == "" {
		return ""
	}
	return s + "."
}

// connect makes a source. What is wrong stands at its field, and everything typed is kept.
func connect(q *ask) (answer, error) {
	sh, _ := q.Gate.Shape("source")
	in := q.formFields(sh, "create")
	input, given, wrong, err := q.read(in, nil)
	if err != nil {
		return answer{}, err
	}
	all, err := do[[]collect.Offer](q, "connector.list", struct{}{})
	if err != nil {
		return answer{}, err
	}
	i := slices.IndexFunc(all, func(o collect.Offer) bool { return o.Name == given["connector"] })
	if i < 0 {
		return goTo("/sources/new", "Choose what to connect.")
	}
	config := map[string]any{}
	for _, c := range all[i].Fields {
		text := strings.TrimSpace(strings.ReplaceAll(q.r.PostForm.Get(configName+c.Name), "\r\n", "\n"))
		if text == "" {
			if c.Required && input["config"] == nil {
				wrong[configName+c.Name] = "Fill this in."
			}
			continue
		}
		config[c.Name], given[configName+c.Name] = configValue(c, text), text
	}
	if input["config"] == nil {
		input["config"] = config
	}
	if len(wrong) > 0 {
		return q.connectForm(all[i], given, wrong, "")
	}
	out, receipt, err := q.change("source.create", input)
	if e := errs.Public(err); err != nil && !inForm(e) {
		return answer{}, err
	} else if err != nil {
		return q.connectForm(all[i], given, wrong, blameConfig(e, all[i], in, wrong))
	}
	var t thing
	if err := json.Unmarshal(out, &t); err != nil {
		return answer{}, errs.New(errs.Internal, "the answer cannot be read").Because(err)
	}
	return goTo(q.hrefOf("source", t.id()), done("Source connected. Read it now, or wait for its turn", receipt))
}

// blameConfig is blame, for a form in which each field of the configuration stands by itself.
func blameConfig(e *errs.Error, o collect.Offer, in []kind.Field, wrong map[string]string) (whole string) {
	for _, x := range e.All() {
		name, inConfig := strings.CutPrefix(x.Field, configName)
		if cut := strings.IndexAny(name, "[."); cut > 0 {
			name = name[:cut]
		}
		if inConfig && slices.ContainsFunc(o.Fields, func(c collect.OfferField) bool { return c.Name == name }) {
			wrong[configName+name] = wrongText(x)
			continue
		}
		whole = strings.TrimSpace(whole + " " + blameOne(x, in, wrong))
	}
	return whole
}

// configValue is what was typed: a number, true or false, or an object in braces where it reads as one, else the
// text as it stands.
func configValue(c collect.OfferField, text string) any {
	if !c.List {
		return scalar(text)
	}
	list := []any{}
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			list = append(list, l)
		}
	}
	return list
}

func scalar(text string) any {
	var v any
	if yaml.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	switch v.(type) {
	case bool, int, int64, uint64:
		return v
	case map[string]any:
		if strings.HasPrefix(text, "{") {
			return v
		}
	}
	return text
}
