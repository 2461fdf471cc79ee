// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"maps"
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
	given := map[string]string{"name": all[i].Title}
	if k := q.get("kind"); k != "" { // a link may say what the rows of the file are
		given[configName+"kind"] = clip(k, 100)
	}
	return q.connectForm(all[i], given, nil, "")
}

func (q *ask) connectForm(o collect.Offer, given, wrong map[string]string, whole string) (answer, error) {
	sh, _ := q.Gate.Shape("source")
	given["connector"] = o.Name
	var before, own, after []ui.Field
	for _, f := range q.fields(sh, slices.Concat(configFields(o), q.formFields(sh, "create")), given, wrong) {
		switch {
		case strings.HasPrefix(f.Name, configName):
			own = append(own, f)
		case f.Name == "connector":
			f.Kind = "hidden"
			before = append(before, f)
		case f.Name == "name":
			before = append(before, f)
		case f.Name == "file" || f.Name == "file_name": // a file is uploaded from the command line
		case f.Name != "config":
			after = append(after, f)
		case f.Wrong != "":
			whole = strings.TrimSpace(whole + " " + f.Wrong)
		}
	}
	v := page.FormView{Title: "Connect: " + o.Title, About: o.Doc, Form: ui.Form{Action: "/sources", Send: "Connect", Cancel: "/sources", Wrong: whole, Fields: slices.Concat(before, own, after)}}
	a := answer{body: page.FormPage(q.frame(v.Title, "sources", ui.Link{Text: "Sources", Href: "/sources"}, ui.Link{Text: "Add", Href: "/sources/new"}, ui.Link{Text: o.Title}), v)}
	if len(wrong) > 0 || whole != "" {
		a.code = http.StatusUnprocessableEntity
	}
	return a, nil
}

// tellNames keeps the name of a source apart from a name in its configuration.
func tellNames(all []ui.Field) []ui.Field {
	if slices.ContainsFunc(all, func(f ui.Field) bool { return strings.HasPrefix(f.Name, configName) }) {
		for i := range all {
			if all[i].Name == "name" {
				all[i].Label, all[i].Hint = "Name of this source", "What it is called in Assay."
			}
		}
	}
	return all
}

// configFields are what a connector must know, as fields of a form.
func configFields(o collect.Offer) []kind.Field {
	out := make([]kind.Field, len(o.Fields))
	for i, c := range o.Fields {
		f := kind.Field{Name: configName + c.Name, Type: "string", Doc: sentenceOf(c.Doc), Required: c.Required, Enum: c.Values}
		if c.Example != "" { // not inside the field: there it reads as if it had been filled in
			f.Doc = strings.TrimSpace(f.Doc + " For example " + c.Example + ".")
		}
		if c.List {
			f.Type, f.Format = "array", "string"
		}
		out[i] = f
	}
	return out
}

// spread puts the fields of a source's configuration in the place of the whole, in the form that changes it, and their
// values into t. Where a value cannot be shown in a field and read back the same, the whole stays, as YAML.
func (q *ask) spread(sh kind.Shape, in []kind.Field, t thing) ([]kind.Field, *collect.Offer, error) {
	config, ok := t["config"].(map[string]any)
	if sh.Name != "source" || t["config"] != nil && !ok {
		return in, nil, nil
	}
	all, err := do[[]collect.Offer](q, "connector.list", struct{}{})
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(all, func(o collect.Offer) bool { return o.Name == t.text("connector") })
	if i < 0 || len(all[i].Fields) == 0 {
		return in, nil, nil
	}
	shown, left := thing{}, len(config)
	for _, c := range all[i].Fields {
		v, has := config[c.Name]
		if !has {
			continue
		}
		left--
		shown[configName+c.Name] = v
		if text := configText(v); jsonText(configValue(c, text)) != jsonText(v) || !c.List && strings.Contains(text, "\n") {
			return in, nil, nil
		}
	}
	if left > 0 {
		return in, nil, nil
	}
	maps.Copy(t, shown)
	var out []kind.Field
	for _, f := range in {
		switch f.Name {
		case "connector": // another connector is another source
		case "config":
			out = append(out, configFields(all[i])...)
		default:
			out = append(out, f)
		}
	}
	return out, &all[i], nil
}

// gather makes a configuration of what was typed into its fields, where one of them was touched.
func gather(o *collect.Offer, t thing, input map[string]any, given map[string]string) {
	if o == nil {
		return
	}
	was, _ := t["config"].(map[string]any)
	config, touched := maps.Clone(was), false
	if config == nil {
		config = map[string]any{}
	}
	for _, c := range o.Fields {
		if _, ok := input[configName+c.Name]; !ok {
			continue
		}
		delete(input, configName+c.Name)
		touched = true
		if text := strings.TrimSpace(given[configName+c.Name]); text != "" {
			config[c.Name] = configValue(c, text)
		} else {
			delete(config, c.Name)
		}
	}
	if touched {
		input["config"] = config
	}
}

// configText is a value of a configuration as configValue reads it.
func configText(v any) string {
	switch x := v.(type) {
	case []any:
		return strings.Join(lines(v), "\n")
	case map[string]any:
		return jsonText(x)
	}
	return plainText(v)
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
	in = slices.Concat(configFields(all[i]), in)
	if input, given, wrong, err = q.read(in, nil); err != nil {
		return answer{}, err
	}
	if input["config"] == nil {
		for _, c := range all[i].Fields {
			if c.Required && strings.TrimSpace(given[configName+c.Name]) == "" {
				wrong[configName+c.Name] = "Fill this in."
			}
		}
		input["config"] = map[string]any{}
	}
	gather(&all[i], thing{"config": input["config"]}, input, given)
	if len(wrong) > 0 {
		return q.connectForm(all[i], given, wrong, "")
	}
	out, receipt, err := q.change("source.create", input)
	if e := errs.Public(err); err != nil && !inForm(e) {
		return answer{}, err
	} else if err != nil {
		return q.connectForm(all[i], given, wrong, blame(e, in, wrong))
	}
	var t thing
	if err := json.Unmarshal(out, &t); err != nil {
		return answer{}, errs.New(errs.Internal, "the answer cannot be read").Because(err)
	}
	return goTo(q.hrefOf("source", t.id()), done("Source connected. Read it now, or wait for its turn", receipt))
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
