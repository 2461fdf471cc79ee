// SPDX-License-Identifier: Apache-2.0

package web

import (
	"maps"
	"slices"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// proposing are the three things that can be proposed about a control: their addresses, buttons and words.
var proposing = []struct {
	at, action, button, title, about, done string
	from                                   []string // states of the control
}{
	{"change", "change", "Propose a change", "Propose a change to ", "Another person approves it. Nothing changes until then.", "Change proposed", []string{"active"}},
	{"retire", "retire", "Propose to retire", "Propose to retire ", "Another person approves it. The control keeps its page and its past results.", "Proposed to retire", []string{"active"}},
	{"activate", "activate", "Propose to activate", "Propose to activate ", "Another person approves it. The control counts from then on.", "Proposed to activate", []string{"draft", "retired"}},
}

// terms are the fields of a control that change by a proposal only.
var terms = []string{"title", "text", "weight", "frequency", "grace_days", "purpose", "operation", "criteria", "policies", "tests", "evidence"}

// proposalHints say what a field means here.
var proposalHints = map[string]string{
	"effective_from":     "On the day of the change, the old and the new definition each decide part of the day, and the worse result counts. Leave this empty to apply the change on approval.",
	"change_significant": "Tick this if your system description must mention it.",
	"reason":             "The approver and your auditor read this.",
}

// proposals serves the forms that propose something about a control.
func (s *site) proposals() {
	for i := range proposing {
		at := "/controls/{id}/" + proposing[i].at
		s.page("GET "+at, func(q *ask) (answer, error) { return q.proposeForm(i) })
		s.page("POST "+at, func(q *ask) (answer, error) { return q.propose(i) })
	}
}

// proposeButtons are what can be proposed about a control as it is.
func (q *ask) proposeButtons(t thing) []ui.Button {
	if !q.mayChange("control_version.create") {
		return nil
	}
	var out []ui.Button
	for _, p := range proposing {
		if !slices.Contains(p.from, t.text("state")) {
			continue
		}
		b := ui.Button{Text: p.button, Href: "/controls/" + seg(t.text("ref")) + "/" + p.at, Write: true}
		switch {
		case p.at == "activate" && t.number("version_no") > 0:
			b.Text = "Propose to reactivate"
		case p.at == "retire":
			b.Kind = "quiet"
		case p.at == "change":
			b.Icon, b.Key = "edit", "e"
		}
		out = append(out, b)
	}
	return out
}

// proposalFields are the questions of such a form: the definition where it may change, then why and from when.
func (q *ask) proposalFields(action string) []kind.Field {
	sh, _ := q.Gate.Shape("control")
	var out, last []kind.Field
	for _, f := range q.Gate.Find("control_version.create").In {
		switch f.Name {
		case "control", "action":
		case "reason", "effective_from", "change_significant":
			if d := proposalHints[f.Name]; d != "" {
				f.Doc = d
			}
			last = append(last, f)
		default:
			if own, ok := sh.Field(f.Name); ok && action == "change" { // who sees the form sees the whole definition
				own.Required = own.Required || f.Name == "weight" || f.Name == "frequency" // they are never empty
				out = append(out, own)
			}
		}
	}
	return append(out, last...)
}

// proposed is what stands in the form at first.
func (q *ask) proposed(in []kind.Field, t thing) map[string]string {
	given := maps.Clone(t)
	for _, n := range []string{"reason", "effective_from", "change_significant"} {
		delete(given, n)
	}
	return q.texts(in, given)
}

func (q *ask) proposeForm(i int) (answer, error) {
	t, err := q.controlOf(q.id())
	if err != nil {
		return answer{}, err
	}
	given := q.proposed(q.proposalFields(proposing[i].action), t)
	given["effective_from"] = q.at().AddDate(0, 0, 1).Format(time.DateOnly)
	return q.proposalForm(i, t, given, nil, "")
}

func (q *ask) proposalForm(i int, t thing, given, wrong map[string]string, whole string) (answer, error) {
	p, sh := proposing[i], kind.Shape{}
	if !q.may("control_version.create") {
		return answer{}, errs.New(errs.Denied, "your role can't propose changes to controls").Mend("ask a compliance manager")
	}
	sh, _ = q.Gate.Shape("control_version")
	home := "/controls/" + seg(t.text("ref"))
	v := page.FormView{Title: p.title + t.text("ref"), About: p.about, Form: ui.Form{Action: home + "/" + p.at, Send: "Send for approval", Cancel: home, Rev: t.rev(), Wrong: whole, Fields: q.fields(sh, q.proposalFields(p.action), given, wrong)}}
	if !slices.Contains(p.from, t.text("state")) {
		v.Done, v.Why = true, "This control is "+t.text("state")+". Only a control that is "+orList(p.from)+" can be "+map[string]string{"change": "changed", "retire": "retired", "activate": "activated"}[p.at]+"."
	}
	a := answer{body: page.FormPage(q.frame(v.Title, "controls", ui.Link{Text: "Controls", Href: "/controls"}, ui.Link{Text: t.text("ref"), Href: home}, ui.Link{Text: p.button}), v)}
	if len(wrong) > 0 || whole != "" {
		a.code = codes[errs.Invalid]
	}
	return a, nil
}

func orList(all []string) string {
	if len(all) == 2 {
		return all[0] + " or " + all[1]
	}
	return all[0]
}

// propose sends what the person changed of the definition, and nothing else.
func (q *ask) propose(i int) (answer, error) {
	p := proposing[i]
	sh, _ := q.Gate.Shape("control")
	t, seen, err := q.seen(sh)
	if err != nil {
		return answer{}, err
	}
	if t.number("rev") != seen {
		return q.stale(sh, t.id(), seen, errs.New(errs.Conflict, "someone else edited this"))
	}
	in := q.proposalFields(p.action)
	input, given, wrong, err := q.read(in, q.proposed(in, t))
	if err != nil {
		return answer{}, err
	}
	if len(wrong) > 0 {
		return q.proposalForm(i, t, given, wrong, "")
	}
	input["control"], input["action"] = t.id(), p.action
	_, receipt, err := q.change("control_version.create", input)
	if err == nil {
		return goTo("/controls/"+seg(t.text("ref")), done(p.done, receipt))
	}
	e := errs.Public(err)
	if !inForm(e) {
		return answer{}, err
	}
	whole := blame(e, in, wrong)
	return q.proposalForm(i, t, given, wrong, whole)
}
