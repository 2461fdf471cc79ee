// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// A file is imported in three requests: the form, the preview that the upload answers with, and the import. They are the
// operations of "assay source import", in the same order; what the file is read as is offered by its heading.

const fileConnector = "file"

// importing is an import that is being prepared.
type importing struct {
	*ask
	offer  collect.Offer
	in     []kind.Field // what is asked about how the file is read
	into   thing        // the source that it is the next file of; nil for a new one
	given  map[string]string
	config map[string]any
	wrong  map[string]string
	whole  string
}

func (q *ask) importing(into string) (*importing, error) {
	if !q.may("source.preview") || !q.may("source.create") || !q.may("source.run") {
		return nil, errs.New(errs.Denied, "your role can't import files").Mend("ask an owner or a compliance manager")
	}
	all, err := do[[]collect.Offer](q, "connector.list", struct{}{})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(o collect.Offer) bool { return o.Name == fileConnector })
	if i < 0 {
		return nil, errs.New(errs.Unavailable, "this installation can't import files")
	}
	m := &importing{ask: q, offer: all[i], given: map[string]string{}, wrong: map[string]string{}}
	m.offer.Fields = slices.DeleteFunc(slices.Clone(m.offer.Fields), func(f collect.OfferField) bool { return f.Name == "path" })
	m.in = append(configFields(m.offer), kind.Field{Name: "name", Type: "string"})
	if into != "" {
		m.into, err = do[thing](q, "source.get", map[string]any{"id": into})
	}
	return m, err
}

func importForm(q *ask) (answer, error) {
	m, err := q.importing(q.get("into"))
	if err != nil {
		return answer{}, err
	}
	m.given["rows"] = q.get("kind")
	return m.choose()
}

// choose asks for the file.
func (m *importing) choose() (answer, error) {
	file := ui.Field{Kind: "file", Name: "file", Label: "File", Required: true, Wrong: m.wrong["file"], Accept: ".csv,.tsv,.txt,.xlsx,.json,.jsonl,.ndjson", Example: "CSV, XLSX or JSON, up to " + ui.Size(m.MaxFile)}
	v := page.ImportView{Title: "Import a file", Form: ui.Form{Action: "/sources/import", Upload: true, Send: "Preview import", Cancel: "/sources", Wrong: m.whole, Fields: []ui.Field{file}}}
	if m.into != nil {
		v.Title = "Import the next file of " + m.into.text("name")
		v.Form.Cancel = "/sources/" + seg(m.into.id())
		v.Form.Fields = append(v.Form.Fields, ui.Field{Kind: "hidden", Name: "into", Value: m.into.id()})
	} else if m.given["rows"] != "" {
		v.Form.Fields = append(v.Form.Fields, ui.Field{Kind: "hidden", Name: "rows", Value: m.given["rows"]})
	}
	a := answer{body: page.ImportChoose(m.crumbs(v.Title), v)}
	if len(m.wrong) > 0 || m.whole != "" {
		a.code = http.StatusUnprocessableEntity
	}
	return a, nil
}

func (m *importing) crumbs(title string) ui.Frame {
	return m.frame(title, "sources", ui.Link{Text: "Sources", Href: "/sources"}, ui.Link{Text: "Import"})
}

// importFile answers an upload with what importing it would change, and imports it once that was seen.
func importFile(q *ask) (answer, error) {
	var file *brought
	if strings.HasPrefix(q.r.Header.Get("Content-Type"), "multipart/") {
		var err error
		if file, err = q.parts(); err != nil {
			return answer{}, err
		}
	} else if err := q.r.ParseForm(); err != nil {
		return answer{}, errs.New(errs.Invalid, "the form can't be read").Because(err)
	}
	m, err := q.importing(q.r.PostForm.Get("into"))
	if err != nil {
		return answer{}, err
	}
	input, given, wrong, err := q.read(m.in, nil)
	if err != nil {
		return answer{}, err
	}
	gather(&m.offer, thing{}, input, given)
	m.given, m.wrong = given, wrong
	m.config, _ = input["config"].(map[string]any)
	for _, n := range []string{"file", "file_name", "rev", "once", "rows"} {
		m.given[n] = q.r.PostForm.Get(n)
	}
	switch {
	case file != nil && file.wrong != nil:
		m.wrong["file"] = wrongText(file.wrong)
		return m.choose()
	case file != nil:
		m.given["file"], m.given["file_name"], m.given["name"] = string(file.SHA256), file.name, cmp.Or(m.given["name"], file.name)
	case m.given["file"] == "":
		m.wrong["file"] = "Choose a file."
		return m.choose()
	}
	return m.previewed(file != nil, q.r.PostForm.Get("do") == "import")
}

// asked is the input of a preview, and with the name that of a new source.
func (m *importing) asked() map[string]any {
	out := map[string]any{"file": m.given["file"], "file_name": m.given["file_name"]}
	if m.into != nil {
		out["id"] = m.into.id()
		return out
	}
	out["connector"], out["config"] = fileConnector, m.config
	if m.config == nil {
		out["config"] = map[string]any{}
	}
	return out
}

// previewed reads the file and shows what it would change; with now it is imported, if it can be read completely.
func (m *importing) previewed(detect, now bool) (answer, error) {
	if len(m.wrong) > 0 {
		return m.confirm(nil)
	}
	in := m.asked()
	in["detect"] = detect && m.into == nil
	p, err := do[collect.Preview](m.ask, "source.preview", in)
	if (err != nil || p.Preset == "") && m.wanted() {
		return m.previewed(false, now)
	}
	if err != nil {
		e := errs.Public(err)
		if e.Code == errs.NotFound && e.Field == "file" || e.Field == "file" {
			m.wrong["file"] = wrongText(e)
			return m.choose()
		}
		if !inForm(e) {
			return answer{}, err
		}
		m.whole = blame(e, m.in, m.wrong)
		return m.confirm(nil)
	}
	if p.Preset != "" {
		m.given[configName+"preset"] = p.Preset
	}
	if !now || p.State != collect.Complete {
		return m.confirm(&p)
	}
	return m.importNow()
}

// wanted says whether the file is read once more as what the form was opened for, since its heading is that of no known export.
func (m *importing) wanted() bool {
	i := slices.IndexFunc(m.offer.Fields, func(f collect.OfferField) bool { return f.Name == "kind" })
	if rows := m.given["rows"]; m.into != nil || m.config["kind"] != nil || m.config["preset"] != nil || i < 0 || !slices.Contains(m.offer.Fields[i].Values, rows) {
		return false
	}
	if m.config == nil {
		m.config = map[string]any{}
	}
	m.config["kind"], m.given[configName+"kind"] = m.given["rows"], m.given["rows"]
	return true
}

// importNow makes the source, or gives it its next file, and reads it.
func (m *importing) importNow() (answer, error) {
	write, in, key, run := "source.create", m.asked(), m.given["once"], ""
	if in["name"] = m.given["name"]; m.into != nil {
		write, key = "source.update", "" // a form that is sent twice has an old revision the second time
		delete(in, "name")
		in["rev"], _ = strconv.ParseInt(m.given["rev"], 10, 64)
	}
	out, _, err := m.once(write, in, key)
	if e := errs.Public(err); err != nil && (!inForm(e) || e.Code == errs.Conflict) {
		return answer{}, err
	} else if err != nil {
		m.whole = blame(e, m.in, m.wrong)
		return m.confirm(nil)
	}
	var made thing
	if err := json.Unmarshal(out, &made); err != nil {
		return answer{}, errs.New(errs.Internal, "the answer can't be read").Because(err)
	}
	if key != "" {
		run = key + "/run"
	}
	return m.readNow(made.id(), run)
}

// confirm shows how the file is read and what that would change. Without a preview it asks for what is missing.
func (m *importing) confirm(p *collect.Preview) (answer, error) {
	v := page.ImportView{Title: "Import " + m.given["file_name"], File: m.given["file_name"], Ready: p != nil && p.State == collect.Complete,
		Form: ui.Form{Action: "/sources/import", Wrong: m.whole, Cancel: "/sources"}}
	hidden := map[string]string{"file": m.given["file"], "file_name": m.given["file_name"]}
	if m.into != nil {
		v.Into = &ui.Link{Text: m.into.text("name"), Href: "/sources/" + seg(m.into.id())}
		hidden["into"], hidden["rev"] = m.into.id(), m.into.rev()
	} else {
		hidden["once"] = cmp.Or(m.given["once"], rand.Text())
		m.asks(&v, p)
	}
	for _, n := range slices.Sorted(maps.Keys(hidden)) {
		v.Form.Fields = append(v.Form.Fields, ui.Field{Kind: "hidden", Name: n, Value: hidden[n]})
	}
	if p != nil {
		m.show(&v, p)
	}
	a := answer{body: page.ImportConfirm(m.crumbs(v.Title), v)}
	if !v.Ready && (!v.Compared || len(v.Faults) > 0) {
		a.code = http.StatusUnprocessableEntity
	}
	return a, nil
}

// asks puts the questions: first what the file is and what the source is called, and what its faults ask for; all other
// settings after them.
func (m *importing) asks(v *page.ImportView, p *collect.Preview) {
	ahead := map[string]bool{"preset": true, "name": true}
	if m.given[configName+"preset"] == "" {
		ahead["kind"] = true
	}
	if p != nil {
		for _, f := range p.Faults {
			ahead[f.Field] = true
		}
	}
	sh, _ := m.Gate.Shape("source")
	for _, f := range m.fields(sh, m.in, m.given, m.wrong) {
		short := strings.TrimPrefix(f.Name, configName)
		switch {
		case f.Name == configName+"name": // the columns that are the name of a row
			f.Label = "Name columns"
		case short == "preset":
			f.Label, f.Hint = "Known export", "Its columns are mapped for you. Choose – to map them yourself."
			presetOptions(&f, p)
		case short == "kind":
			f.Label = "Rows are"
		case short == "day_first":
			f.Label, f.Options = "Dates such as 3/6/2026", []ui.Option{{Text: "–"}, {Value: "true", Text: "Day first: 3 June 2026"}, {Value: "false", Text: "Month first: March 6, 2026"}}
			f.Hint = "Needed where no row of a column decides it."
		}
		switch {
		case f.Name == "name" && compares(p): // no source is made
		case ahead[short] && f.Name != configName+"name":
			v.Form.Fields = append(v.Form.Fields, f)
		case f.Value != "" || f.Wrong != "":
			v.Open = true
			fallthrough
		default:
			v.More = append(v.More, f)
		}
	}
}

// compares says whether the file is only compared with the library.
func compares(p *collect.Preview) bool {
	return p != nil && slices.ContainsFunc(p.Exports, func(x collect.Export) bool { return x.Name == p.Preset && x.Kind == "" })
}

// presetOptions offers the known exports, those that the file looks like first.
func presetOptions(f *ui.Field, p *collect.Preview) {
	if p == nil || len(p.Exports) == 0 {
		return
	}
	out, rest := []ui.Option{{Text: "–"}}, f.Options
	for _, x := range p.Exports {
		out = append(out, ui.Option{Value: x.Name, Text: x.Title})
		rest = slices.DeleteFunc(slices.Clone(rest), func(o ui.Option) bool { return o.Value == x.Name || o.Value == "" })
		if x.Name == f.Value {
			f.Hint = x.Doc
		}
	}
	f.Options = append(out, rest...)
}

// show puts what the preview says on the page.
func (m *importing) show(v *page.ImportView, p *collect.Preview) {
	v.Compared = compares(p)
	v.Added, v.Changed, v.Gone, v.Notes, v.Problem = p.Added, p.Changed, p.Gone, p.Notes, p.Problem
	for _, k := range slices.Sorted(maps.Keys(p.Counts)) {
		if v.Ready {
			v.Counts = append(v.Counts, ui.Pair{Term: k, Text: ui.Num(int64(p.Counts[k]))})
		}
	}
	for _, f := range p.Faults {
		v.Faults = append(v.Faults, page.ImportFault{Text: m.worded(f), Where: whereIs(f)})
	}
	for _, l := range p.First {
		v.First = append(v.First, page.ImportLine{What: l.What, Kind: l.Kind, Name: l.Name, Key: l.Key, Values: valueLines(l.Values)})
	}
}

// valueLines are the values that would change, old and new.
func valueLines(all []collect.PreviewValue) []string {
	var out []string
	for _, v := range all {
		text := labelFor(v.Name) + ": " + v.New
		if v.Old != "" {
			text = labelFor(v.Name) + ": " + v.Old + " → " + v.New
		}
		out = append(out, text)
	}
	return out
}

// worded says what is wrong in the words of the form: its labels, in place of the names of the configuration.
func (m *importing) worded(f collect.Fault) string {
	text := f.Text
	if f.Field == "day_first" {
		text, _, _ = strings.Cut(text, ". Set day_first")
		text += ". Choose it below"
	}
	for _, x := range m.offer.Fields {
		if strings.Contains(x.Name, "_") {
			text = strings.ReplaceAll(text, x.Name, "“"+labelFor(x.Name)+"”")
		}
	}
	return first(strings.TrimRight(text, ".")) + "."
}

// whereIs names the column and the rows of a fault.
func whereIs(f collect.Fault) string {
	var rows []string
	for _, r := range f.Rows {
		if r > 0 {
			rows = append(rows, strconv.Itoa(r))
		}
	}
	var out []string
	if f.Column != "" {
		out = append(out, "Column "+f.Column)
	}
	if len(rows) > 0 {
		text := "row " + rows[0]
		if f.Count > 1 {
			text = ui.Num(int64(f.Count)) + " rows: " + strings.Join(rows, ", ")
		}
		if more := f.Count - len(f.Rows); more > 0 {
			text += " and " + ui.Num(int64(more)) + " more"
		}
		out = append(out, text)
	}
	return first(strings.Join(out, ", "))
}
