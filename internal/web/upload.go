// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// upload asks for a file and what it proves. The address may name the control, the item and more.
func upload(q *ask) (answer, error) {
	given := q.texts(q.uploadFields(), nil)
	for _, n := range []string{"type", "control", "evidence_key", "title", "covers_from", "covers_to"} {
		if v := q.get(n); v != "" {
			given[n] = clip(v, 200)
		}
	}
	if c := given["control"]; c != "" && !strings.HasPrefix(c, "ctl_") {
		if t, err := q.controlOf(c); err == nil {
			given["control"] = t.id()
		}
	}
	return q.uploadForm(given, nil, "")
}

// uploadFields are the questions of the form: those of the kind, without what is found in the file.
func (q *ask) uploadFields() []kind.Field {
	sh, _ := q.Gate.Shape("evidence")
	var out []kind.Field
	for _, f := range q.formFields(sh, "create") {
		switch f.Name {
		case "file", "file_name", "media_type", "size", "source_kind", "reason":
			continue
		}
		out = append(out, f)
	}
	return out
}

func (q *ask) uploadForm(given, wrong map[string]string, whole string) (answer, error) {
	if !q.may("evidence.create") {
		return answer{}, errs.New(errs.Denied, "your role can't add evidence").Mend("ask a compliance manager")
	}
	sh, _ := q.Gate.Shape("evidence")
	file := ui.Field{Kind: "file", Name: "file", Label: "File", Hint: "Without a file, evidence is context only and proves nothing, unless you declare that nothing happened.", Wrong: wrong["file"], Example: "Any file up to " + ui.Size(q.MaxFile)}
	v := page.UploadView{Form: ui.Form{Action: "/evidence", Upload: true, Send: "Add evidence", Cancel: "/evidence", Wrong: whole, Fields: append([]ui.Field{file}, q.fields(sh, q.uploadFields(), given, wrong)...)}}
	v.Form.Fields = q.askedFor(v.Form.Fields, given["control"])
	v.Form.Fields = append(v.Form.Fields, ui.Field{Kind: "checkbox", Name: "submit", Label: "Submit for review", Value: orElse(given["submit"], "true"), Hint: "Submitted evidence can't be changed. To finish it later, leave this off to save a draft."})
	if c := given["control"]; c != "" {
		v.For = q.link(c)
	}
	a := answer{body: page.Upload(q.frame("Add evidence", "evidence", ui.Link{Text: "Evidence", Href: "/evidence"}, ui.Link{Text: "Add"}), v)}
	if len(wrong) > 0 || whole != "" {
		a.code = http.StatusUnprocessableEntity
	}
	return a, nil
}

// askedFor makes a choice of which item of evidence a piece is: those of its control or, where none is chosen yet, those of
// every control in force, which chooses the control too. Questions that this item does not ask are left out.
func (q *ask) askedFor(fields []ui.Field, control string) []ui.Field {
	i := slices.IndexFunc(fields, func(f ui.Field) bool { return f.Name == "evidence_key" })
	if i < 0 {
		return fields
	}
	f := &fields[i]
	f.Kind, f.Label, f.Options = "select", "Evidence item", []ui.Option{{Text: "–"}}
	f.Hint = "What the control requires. Without an item, evidence is context only and proves nothing."
	var all []thing
	if control != "" {
		if t, err := do[thing](q, "control.get", map[string]any{"id": control}); err == nil {
			all = append(all, t)
		}
	} else if l, err := do[listing](q, "control.list", map[string]any{"state": "active", "limit": 1000}); err == nil {
		all = l.Data
		slices.SortFunc(all, func(a, b thing) int { return strings.Compare(a.text("ref"), b.text("ref")) })
	}
	chosen := ""
	for _, t := range all {
		kinds, _ := t["evidence"].([]any)
		for _, k := range kinds {
			m, _ := k.(map[string]any)
			o := ui.Option{Value: thing(m).text("key"), Text: thing(m).text("title")}
			if control == "" {
				o = ui.Option{Value: t.id() + keyMark + o.Value, Text: t.text("ref") + " " + o.Text}
			}
			if f.Options = append(f.Options, o); o.Value == f.Value {
				chosen = thing(m).text("frequency")
			}
		}
	}
	if f.Value != "" && !slices.ContainsFunc(f.Options, func(o ui.Option) bool { return o.Value == f.Value }) {
		f.Options = append(f.Options, ui.Option{Value: f.Value, Text: f.Value})
	}
	if chosen == "" || chosen == "per_event" {
		return fields
	}
	return slices.DeleteFunc(fields, func(f ui.Field) bool {
		return (f.Name == "event" || f.Name == "event_on" || f.Name == "nothing_happened") && (f.Value == "" || f.Value == "false") && f.Wrong == ""
	})
}

// keyMark stands between a control and the key of an item in the choice of both.
const keyMark = "/"

// withControl takes the control out of the choice of an item.
func withControl(input map[string]any, given, wrong map[string]string) {
	c, key, both := strings.Cut(given["evidence_key"], keyMark)
	if !both {
		return
	}
	if given["control"] != "" && given["control"] != c {
		wrong["evidence_key"] = "This evidence item belongs to a different control than the one you chose."
		return
	}
	given["control"], given["evidence_key"] = c, key
	input["control"], input["evidence_key"] = c, key
}

// brought is the file of a form: kept already, under its digest.
type brought struct {
	op.Brought
	name  string
	wrong *errs.Error // why it was refused
}

// bring keeps the file while it streams in, then makes the evidence, then submits it.
func bring(q *ask) (answer, error) {
	if !q.may("evidence.create") {
		return answer{}, errs.New(errs.Denied, "your role can't add evidence").Mend("ask a compliance manager")
	}
	file, err := q.parts()
	if err != nil {
		return answer{}, err
	}
	in := q.uploadFields()
	input, given, wrong, err := q.read(in, nil)
	if err != nil {
		return answer{}, err
	}
	if file != nil && file.wrong != nil { // nothing was kept of it
		wrong["file"], file = wrongText(file.wrong), nil
	}
	withControl(input, given, wrong)
	given["submit"] = orElse(q.r.PostForm.Get("submit"), "false")
	if file != nil {
		input["file"], input["file_name"], input["media_type"], input["size"] = file.SHA256, file.name, file.Media, file.Size
	}
	if len(wrong) > 0 {
		return q.uploadForm(given, wrong, again(file))
	}
	out, receipt, err := q.change("evidence.create", input)
	if e := errs.Public(err); err != nil && !inForm(e) {
		return answer{}, err
	} else if err != nil {
		whole := blame(e, append(in, kind.Field{Name: "file"}), wrong)
		return q.uploadForm(given, wrong, strings.TrimSpace(whole+" "+again(file)))
	}
	var t thing
	if err := json.Unmarshal(out, &t); err != nil {
		return answer{}, errs.New(errs.Internal, "the answer can't be read").Because(err)
	}
	said := "Evidence added"
	if given["submit"] == "true" {
		if _, r, err := q.change("evidence.submit", map[string]any{"id": t.id(), "rev": t.number("rev")}); err == nil {
			said, receipt = "Evidence added and submitted", r
		} else {
			e := errs.Public(err)
			said, receipt = "Evidence added as a draft. It was not submitted: "+e.Error()+fixed(e), nil
		}
	}
	return goTo("/evidence/"+seg(t.id()), done(said, receipt))
}

// again says that a browser does not fill a file in a second time.
func again(file *brought) string {
	if file == nil {
		return ""
	}
	return "Choose the file again."
}

const mostText = 1 << 20

// parts reads a form with a file without ever holding the file: it goes straight into the store.
func (q *ask) parts() (*brought, error) {
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, q.MaxFile+mostText)
	m, err := q.r.MultipartReader()
	if err != nil {
		return nil, errs.New(errs.Invalid, "the form can't be read").Because(err)
	}
	q.r.PostForm = map[string][]string{}
	q.r.Form = map[string][]string{}
	q.r.MultipartForm = &multipart.Form{} // it was read here; ParseForm finds its values
	var file *brought
	for left := int64(mostText); ; {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return file, nil
		}
		if err != nil {
			return nil, cut(err)
		}
		if p.FileName() != "" {
			if file != nil {
				return nil, errs.At("file", "choose one file only")
			}
			if file, err = q.keepFile(p); err != nil {
				return nil, err
			}
			continue
		}
		b, err := io.ReadAll(io.LimitReader(p, left+1))
		if err != nil {
			return nil, cut(err)
		}
		if left -= int64(len(b)); left < 0 {
			return nil, errs.New(errs.Invalid, "the texts of the form are larger than 1 MB")
		}
		q.r.PostForm.Add(p.FormName(), string(b))
	}
}

// cut says why a form broke off.
func cut(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return errs.At("file", "is larger than %s", ui.Size(large.Limit)).Mend("raise max_file_mb, or split the file")
	}
	return errs.New(errs.Invalid, "the upload was interrupted, and nothing was added").Because(err)
}

// keepFile keeps a file.
func (q *ask) keepFile(p *multipart.Part) (*brought, error) {
	f := &brought{name: op.FileName(p.FileName())}
	var err error
	if f.Brought, err = q.Gate.Upload(q.ctx, q.actor, p); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, cut(err)
		}
		if e := errs.Public(err); e.Code == errs.Invalid && e.Field == "file" {
			f.wrong = e
			return f, nil
		}
		return nil, err
	}
	return f, nil
}
