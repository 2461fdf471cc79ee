// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/report"
	"assay/internal/web/ui"
	"github.com/goccy/go-yaml"
)

// formFields are the fields that an operation of a kind takes, without id and rev.
func (s *site) formFields(sh kind.Shape, verb string) []kind.Field {
	o := s.Gate.Find(sh.Name + "." + verb)
	if o == nil {
		return nil
	}
	var out []kind.Field
	for _, f := range o.In {
		if f.Name == "id" || f.Name == "rev" {
			continue
		}
		if own, ok := sh.Field(f.Name); ok && verb == "update" {
			f.Required = own.Required // whoever sees the form sees the whole thing
		}
		out = append(out, f)
	}
	return out
}

// fields draws the questions of a form. wrong says what is wrong with which.
func (q *ask) fields(sh kind.Shape, in []kind.Field, given map[string]string, wrong map[string]string) []ui.Field {
	var out []ui.Field
	for _, f := range in {
		x := ui.Field{Name: f.Name, Label: labelFor(f.Name), Hint: f.Doc, Required: f.Required, Value: given[f.Name], Wrong: wrong[f.Name], Kind: "text"}
		q.sort(&x, f)
		out = append(out, x)
	}
	return tellNames(out)
}

// askedAs are the words of a form for fields whose names say less.
var askedAs = map[string]string{"answer": "Reason", "chores": "Recurring tasks", "effective_from": "First day", "change_significant": "Significant change", "grace_days": "Days of grace", "purpose": "Type", "operation": "How it runs"}

// labelFor is the word that stands above a question.
func labelFor(name string) string {
	if l := askedAs[name]; l != "" {
		return l
	}
	return first(words(strings.TrimPrefix(name, configName)))
}

// sort chooses how a question is asked, by the type of the field.
func (q *ask) sort(x *ui.Field, f kind.Field) {
	choices, few := []ui.Option(nil), false
	if f.Ref != "" && f.Ref != "*" && f.Type == "string" {
		choices, few = q.choices(f.Ref)
	}
	switch {
	case f.Secret:
		x.Kind, x.Complete, x.Value = "password", "new-password", "" // what was sent is not sent back
	case few:
		x.Kind = "select"
		if !f.Required {
			x.Options = append(x.Options, ui.Option{Text: "–"})
		}
		x.Options = append(x.Options, choices...)
		if x.Value != "" && !slices.ContainsFunc(choices, func(o ui.Option) bool { return o.Value == x.Value }) {
			x.Options = append(x.Options, ui.Option{Value: x.Value, Text: q.label(x.Value)})
		}
	case f.Type == "boolean":
		x.Kind = "checkbox"
	case f.Type == "string" && len(f.Enum) > 0:
		x.Kind = "select"
		switch {
		case f.Required && x.Value == "":
			x.Options = append(x.Options, ui.Option{Text: "Choose one"})
		case !f.Required && f.Default == "":
			x.Options = append(x.Options, ui.Option{Text: "–"})
		}
		for _, e := range f.Enum {
			x.Options = append(x.Options, ui.Option{Value: e, Text: words(e)})
		}
	case f.Format == "date":
		x.Kind = "date"
	case f.Format == "date-time":
		x.Example = q.at().Format("2006-01-02 15:04")
		x.Hint += " Write it as " + q.at().AddDate(0, 3, 0).Format(time.DateOnly) + ", or with a time of day as " + x.Example + ", in " + q.org.Zone.String() + "."
	case f.Name == "test" && f.Type == "string":
		x.Options = q.testNames()
	case f.Ref == "*" && f.Type == "string":
		x.Options = q.anything()
		x.Hint += " Type part of its name to find it."
		if x.Value != "" {
			x.Hint += " Filled in: " + q.label(x.Value) + "."
		}
	case f.Type == "integer":
		x.Kind = "number"
	case f.Type == "array" && f.Plain():
		x.Kind = "textarea"
		x.Hint += " One on each line."
		if len(f.Enum) > 0 {
			x.Hint += " Choose from " + strings.Join(f.Enum, ", ") + "."
		}
	case !f.Plain():
		x.Kind, x.Rows = "code", min(max(strings.Count(x.Value, "\n")+2, 4), 24)
		x.Hint += " " + shapeHint(f)
	case f.Long || f.Max != nil && *f.Max > 500:
		x.Kind, x.Rows = "textarea", 4
		if f.Long {
			x.Rows = 10
		}
	}
}

// anything lists the things of all kinds of which there are few, for choosing one while typing.
func (q *ask) anything() []ui.Option {
	var out []ui.Option
	for _, sh := range q.Gate.Shapes() {
		if anyRef(sh) != "" {
			continue // what is about a thing is no subject itself
		}
		some, _ := q.choices(sh.Name)
		for _, o := range some {
			out = append(out, ui.Option{Value: o.Value, Text: first(words(sh.Name)) + ": " + o.Text})
		}
	}
	return out
}

// anyRef is the field of a kind that may point at a thing of any kind, or nothing.
func anyRef(sh kind.Shape) string {
	for _, f := range sh.Fields {
		if f.Ref == "*" && f.Type == "string" && !f.ReadOnly {
			return f.Name
		}
	}
	return ""
}

// abouts are the buttons that make something about this thing: a task, and whatever else can be about any thing.
func (q *ask) abouts(sh kind.Shape, id string) []ui.Button {
	var out []ui.Button
	if anyRef(sh) != "" {
		return nil
	}
	for _, other := range q.Gate.Shapes() {
		if by := anyRef(other); by != "" && q.mayChange(other.Name+".create") {
			out = append(out, ui.Button{Text: "Add a " + words(other.Name), Href: "/" + q.plural[other.Name] + "/new" + query(by, id), Write: true})
		}
	}
	return out
}

// testNames are the tests, for choosing one while typing.
func (q *ask) testNames() []ui.Option {
	if !q.may("test.list") {
		return nil
	}
	l, err := do[*report.TestList](q, "test.list", struct{}{})
	if err != nil {
		return nil
	}
	out := make([]ui.Option, len(l.Data))
	for i, t := range l.Data {
		out[i] = ui.Option{Value: t.Test, Text: t.Title}
	}
	return out
}

// shapeHint says how a field with fields of its own is written.
func shapeHint(f kind.Field) string {
	if len(f.Fields) == 0 {
		return "Write it as YAML or JSON."
	}
	var names []string
	for _, x := range f.Fields {
		n := x.Name
		if len(x.Enum) > 0 && len(x.Enum) < 6 {
			n += " (" + strings.Join(x.Enum, " or ") + ")"
		}
		names = append(names, n)
	}
	what := "Write it as YAML or JSON, with "
	if f.Type == "array" {
		what = "Write a list as YAML or JSON, each with "
	}
	return what + strings.Join(names, ", ") + "."
}

// texts writes the fields of a thing as a form shows them.
func (q *ask) texts(in []kind.Field, t thing) map[string]string {
	out := map[string]string{}
	for _, f := range in {
		v, ok := t[f.Name]
		switch {
		case !ok || v == nil:
			out[f.Name] = f.Default
			if t != nil {
				out[f.Name] = ""
			}
		case f.Type == "array" && f.Plain():
			out[f.Name] = strings.Join(lines(v), "\n")
		case !f.Plain():
			out[f.Name] = yamlText(v)
		case f.Format == "date-time":
			out[f.Name] = q.timeText(plainText(v))
		default:
			out[f.Name] = plainText(v)
		}
	}
	return out
}

func lines(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = plainText(x)
	}
	return out
}

func yamlText(v any) string {
	if t := jsonText(v); t == "null" || t == "[]" || t == "{}" {
		return ""
	}
	b, err := yaml.Marshal(v)
	if err != nil {
		return jsonText(v)
	}
	return string(b)
}

// timeText is a moment in the organisation's zone; what seconds would be lost is written in full.
func (q *ask) timeText(s string) string {
	t, err := clock.Parse(s)
	if err != nil || t.IsZero() {
		return ""
	}
	if t.Equal(t.Truncate(time.Minute)) {
		return t.In(q.org.Zone).Format("2006-01-02 15:04")
	}
	return s
}

// read turns the answers of a form into the input of an operation. With was, only what differs from it is
// named, so that a change touches nothing that the person did not touch.
func (q *ask) read(in []kind.Field, was map[string]string) (map[string]any, map[string]string, map[string]string, error) {
	out, given, wrong := map[string]any{}, map[string]string{}, map[string]string{}
	if err := q.r.ParseForm(); err != nil {
		return nil, nil, nil, errs.New(errs.Invalid, "the form can't be read").Because(err)
	}
	for _, f := range in {
		text := strings.ReplaceAll(q.r.PostForm.Get(f.Name), "\r\n", "\n")
		if f.Type == "boolean" && text == "" {
			text = "false"
		}
		given[f.Name] = text
		if was != nil && same(f, was[f.Name], text) || f.Secret && text == "" {
			continue
		}
		if text == "" && was == nil && f.Type != "boolean" {
			continue // it takes its default, or is asked for by the operation
		}
		v, err := q.value(f, text)
		if err != nil {
			e := errs.Public(err)
			wrong[f.Name] = wrongText(e)
			continue
		}
		out[f.Name] = v
	}
	return out, given, wrong, nil
}

func same(f kind.Field, was, now string) bool {
	if f.Type == "boolean" && was == "" {
		was = "false"
	}
	return strings.TrimRight(was, "\n ") == strings.TrimRight(now, "\n ")
}

// value reads one answer by the type of its field.
func (q *ask) value(f kind.Field, text string) (any, error) {
	switch {
	case f.Format == "date-time":
		return q.timeGiven(f, text)
	case f.Type == "array" && f.Plain():
		list := []any{}
		for _, l := range strings.Split(text, "\n") {
			if l = strings.TrimSpace(l); l == "" {
				continue
			}
			item := kind.Field{Name: f.Name, Type: "string"}
			if f.Format == "integer" || f.Format == "boolean" {
				item.Type = f.Format
			}
			raw, err := item.FromText(l)
			if err != nil {
				return nil, err
			}
			list = append(list, raw)
		}
		return list, nil
	case !f.Plain():
		return readYAML(f, text)
	case f.Type == "integer":
		if text == "" {
			return 0, nil
		}
		return f.FromText(strings.TrimSpace(text))
	}
	return f.FromText(text)
}

func readYAML(f kind.Field, text string) (any, error) {
	if strings.TrimSpace(text) == "" {
		if f.Type == "array" {
			return []any{}, nil
		}
		return map[string]any{}, nil
	}
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		return nil, errs.At(f.Name, "is not valid YAML or JSON: %s", strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, errs.At(f.Name, "has keys that are not text").Because(err)
	}
	_, isList := v.([]any)
	_, isMap := v.(map[string]any)
	if f.Type == "array" && !isList || f.Type == "object" && !isMap {
		return nil, errs.At(f.Name, "must be %s", map[string]string{"array": "a list: start each entry with a hyphen", "object": "names and values: write each as name: value"}[f.Type])
	}
	return json.RawMessage(raw), nil
}

// timeGiven reads a moment as people write it, in the organisation's zone; a day alone means its end.
func (q *ask) timeGiven(f kind.Field, text string) (any, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return clock.Format(time.Time{}), nil
	}
	if t, err := clock.Parse(text); err == nil {
		return clock.Format(t), nil
	}
	if t, err := time.ParseInLocation("2006-01-02 15:04", strings.Replace(text, "T", " ", 1), q.org.Zone); err == nil {
		return clock.Format(t), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, q.org.Zone)
	if err != nil {
		return nil, errs.At(f.Name, "%q is not a valid time", clip(text, 40)).Mend("write it as 2026-11-22, or as 2026-11-22 17:00")
	}
	return clock.Format(t.AddDate(0, 0, 1).Add(-time.Minute)), nil
}

// wrongText says what is wrong with an answer and how to mend it, without the name that stands above it.
func wrongText(e *errs.Error) string {
	text := e.Text
	switch first, _, _ := strings.Cut(text, " "); {
	case text == "is required":
		text = "fill this in"
	case slices.Contains([]string{"is", "must", "has", "wants", "can", "can't", "cannot"}, first): // it stands below its name
		text = "it " + text
	}
	if e.Fix != "" {
		text += ". " + first(e.Fix)
	}
	return first(text) + "."
}

// blame puts each fault that an operation found where the person can mend it: at its field, or over the form.
func blame(e *errs.Error, in []kind.Field, wrong map[string]string) (whole string) {
	for _, x := range e.All() {
		if text := blameOne(x, in, wrong); text != "" {
			whole = strings.TrimSpace(whole + " " + text)
		}
	}
	return whole
}

func blameOne(e *errs.Error, in []kind.Field, wrong map[string]string) (whole string) {
	for _, f := range in { // a field of a configuration stands before the configuration
		part, ok := strings.CutPrefix(e.Field, f.Name)
		if !ok || part != "" && part[0] != '[' && part[0] != '.' {
			continue
		}
		text := wrongText(e)
		if part != "" {
			text = first(fmt.Sprintf("%s: %s", e.Field, text))
		}
		wrong[f.Name] = strings.TrimSpace(wrong[f.Name] + " " + text)
		return ""
	}
	return first(e.Error()) + fixed(e)
}

func fixed(e *errs.Error) string {
	if e.Fix == "" {
		return "."
	}
	return ". " + first(e.Fix) + "."
}
