// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/clock"
	"assay/internal/kind"
	"assay/internal/store"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// versionTitle says what a version does to its control.
var versionTitle = map[string]string{"change": "Change this control", "retire": "Retire this control", "activate": "Activate this control"}

// versionsOf are the changes that were proposed of a control, newest first; none for who may not see them.
func (q *ask) versionsOf(control string) ([]thing, error) {
	if !q.may("control_version.list") {
		return nil, nil
	}
	var out []thing
	l, err := through(func(after string) (listing, error) {
		in := map[string]any{"control": control, "limit": readSize}
		if after != "" {
			in["after"] = after
		}
		return do[listing](q, "control_version.list", in)
	}, func(thing) bool { return true })
	out = l.Data
	slices.SortFunc(out, func(a, b thing) int { return strings.Compare(b.text("created_at"), a.text("created_at")) })
	return out, err
}

// scheduled says whether a version is approved and does not hold yet.
func scheduled(v thing) bool {
	return v.text("state") == "approved" && timeOf(v.text("applied_at")).IsZero()
}

// controlVersions fills the versions of a control: those that wait, those that are scheduled, and those that held.
func (q *ask) controlVersions(v *page.ControlView, t thing) error {
	all, err := q.versionsOf(t.id())
	if err != nil {
		return err
	}
	for _, x := range all {
		switch {
		case x.text("state") == "proposed":
			v.Waiting = append(v.Waiting, q.proposalOf(x, t))
		case scheduled(x):
			v.Scheduled = append(v.Scheduled, q.proposalOf(x, t))
		}
	}
	if len(all) > 0 {
		v.AllVersions = "/control-versions" + query("control", t.id())
	}
	v.Versions, err = q.versionHistory(t, all)
	return err
}

// proposalOf is a version that does not hold yet, against the definition in force.
func (q *ask) proposalOf(x, t thing) page.Proposal {
	p := page.Proposal{Title: versionTitle[x.text("action")], By: q.label(x.text("created_by")), At: q.local(timeOf(x.text("created_at"))), Reason: x.text("reason"), From: dayOf(x.text("effective_from")),
		Significant: x["change_significant"] == true, Lines: termLines(t, x), Href: q.hrefOf("control_version", x.id()), ApprovedBy: q.label(x.text("approved_by")), How: howText[kind.How(x.text("approved_how"))], Acts: q.versionActs(x)}
	for _, b := range p.Acts {
		if b.Off != "" && !slices.Contains(p.Off, b.Off) {
			p.Off = append(p.Off, b.Off)
		}
	}
	return p
}

// versionActs are the buttons of a version. One that holds already is withdrawn no more.
func (q *ask) versionActs(x thing) []ui.Button {
	sh, _ := q.Gate.Shape("control_version")
	if x.text("state") == "approved" && !scheduled(x) {
		return nil
	}
	return q.moves(sh, x)
}

// versionHistory is every version that a control had, newest first: read from its own revisions, because what the
// library brought was proposed by nobody.
func (q *ask) versionHistory(t thing, all []thing) ([]page.ControlVersion, error) {
	if !q.may("control.history") {
		return nil, nil
	}
	revs, err := do[[]store.Version](q, "control.history", map[string]any{"id": t.id()})
	if isGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []page.ControlVersion
	last := int64(0)
	for _, r := range slices.Backward(revs) {
		body := thing(bodyOf(r))
		no := body.number("version_no")
		if n := len(out); no == last && n > 0 && out[n-1].By == "" && out[n-1].ApprovedBy == "" && body.text("confirmed_by") != "" {
			out[n-1].ApprovedBy, out[n-1].How = q.label(body.text("confirmed_by")), "Library text, confirmed"
		}
		if no == 0 || no == last {
			continue
		}
		last = no
		x := page.ControlVersion{No: int(no), From: q.local(timeOf(body.text("version_from"))), What: "In force", Href: q.hrefOf("control", t.id()) + "/history"}
		if body["library"] == true {
			x.What, x.How = "Library text", "Not confirmed"
		}
		q.versionRow(&x, no, all)
		if n := len(out); n > 0 {
			out[n-1].To = x.From
		}
		out = append(out, x)
	}
	slices.Reverse(out)
	return out, nil
}

// versionRow says of a version what its proposal says.
func (q *ask) versionRow(x *page.ControlVersion, no int64, all []thing) {
	i := slices.IndexFunc(all, func(v thing) bool {
		return v.number("number") == no && v.text("state") == "approved" && !scheduled(v)
	})
	if i < 0 {
		return
	}
	v := all[i]
	x.What = map[string]string{"change": "Changed", "retire": "Retired", "activate": "Activated"}[v.text("action")]
	x.By, x.ApprovedBy, x.How = q.label(v.text("created_by")), q.label(v.text("approved_by")), howText[kind.How(v.text("approved_how"))]
	x.Reason, x.Significant, x.Href = v.text("reason"), v["change_significant"] == true, q.hrefOf("control_version", v.id())
	if day := v.text("effective_from"); day > q.local(timeOf(v.text("approved_at"))).Format(time.DateOnly) { // it held from the first moment of that day
		x.From = midnight(dayOf(day), q.org.Zone)
	}
}

func midnight(day time.Time, zone *time.Location) time.Time {
	return clock.DayStart(day.Year(), day.Month(), day.Day(), zone).In(zone)
}

// baseOf is the definition that a version changes: of one that waits, the one in force.
func (q *ask) baseOf(x thing) (thing, error) {
	t, err := do[thing](q, "control.get", map[string]any{"id": x.text("control")})
	if err != nil || x.text("state") == "proposed" || t.number("version_no") == x.number("replaces") {
		return t, err
	}
	revs, err := do[[]store.Version](q, "control.history", map[string]any{"id": t.id()})
	if err != nil {
		return nil, err
	}
	for _, r := range revs { // newest first
		if b := thing(bodyOf(r)); b.number("version_no") == x.number("replaces") {
			return b, nil
		}
	}
	return t, nil
}

// controlVersion is the page of one change of a control.
func controlVersion(q *ask) (answer, error) {
	x, err := do[thing](q, "control_version.get", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	base, err := q.baseOf(x)
	if err != nil {
		return answer{}, err
	}
	ref := base.text("ref")
	v := page.DetailView{Ref: ref, Title: versionTitle[x.text("action")], State: x.text("state"), Acts: q.versionActs(x), Rev: int(x.number("rev")), HistoryAll: q.hrefOf("control_version", x.id()) + "/history",
		Sections: []page.Section{{Title: "Reason", Text: x.text("reason")}, {Title: "Changes", Diff: termLines(base, x)}}}
	if scheduled(x) {
		v.State = "scheduled"
	}
	for _, b := range v.Acts {
		if b.Off != "" {
			v.Why = b.Off
			break
		}
	}
	if a := x.text("answer"); a != "" {
		v.Sections = append(v.Sections, page.Section{Title: "Why it was " + x.text("state"), Text: a})
	}
	from := ui.Pair{Term: "First day", Text: "on approval"}
	if d := dayOf(x.text("effective_from")); !d.IsZero() {
		from = ui.Pair{Term: "First day", Show: ui.Date(d)}
	}
	v.Side = []ui.Pair{{Term: "Control", Text: strings.TrimSpace(ref + " " + base.text("title")), Href: "/controls/" + seg(ref)}, {Term: "Proposed by", Text: q.label(x.text("created_by"))},
		{Term: "Proposed", Show: ui.Moment(q.local(timeOf(x.text("created_at"))))}, from, {Term: "Significant", Text: yesNo(x["change_significant"] == true)}}
	if n := x.number("number"); n > 0 {
		v.Side = append(v.Side, ui.Pair{Term: "Version", Text: strconv.FormatInt(n, 10)}, ui.Pair{Term: "Approved by", Text: q.label(x.text("approved_by"))}, ui.Pair{Term: "Approved", Show: ui.Moment(q.local(timeOf(x.text("approved_at"))))})
	}
	if how := howText[kind.How(x.text("approved_how"))]; how != "" {
		v.Side = append(v.Side, ui.Pair{Term: "Approval", Text: how})
	}
	if v.History, v.Entry, err = q.lately(x.id(), 5); err != nil {
		return answer{}, err
	}
	return show(page.Detail(q.frame(v.Title, "controls", ui.Link{Text: "Controls", Href: "/controls"}, ui.Link{Text: ref, Href: "/controls/" + seg(ref)}, ui.Link{Text: v.Title}), v))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// termLines are the fields in which a version differs from a definition. Of a list only what comes and goes is shown.
func termLines(was, is thing) []ui.Line {
	var out []ui.Line
	to := map[string]string{"retire": "retired", "activate": "active"}[is.text("action")]
	if to != "" {
		out = append(out, ui.Line{Sign: '+', Name: "Status", Text: to})
	}
	for _, n := range terms {
		a, b := termTexts(was[n]), termTexts(is[n])
		for _, x := range a {
			if !slices.Contains(b, x) {
				out = append(out, ui.Line{Sign: '-', Name: labelFor(n), Text: x})
			}
		}
		for _, x := range b {
			if !slices.Contains(a, x) {
				out = append(out, ui.Line{Sign: '+', Name: labelFor(n), Text: x})
			}
		}
	}
	return out
}

// termTexts is a value in lines: one for each entry of a list, none where there is nothing.
func termTexts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		text := words(plainText(v))
		if s, is := v.(string); is {
			text = s
		}
		if text == "" {
			return nil
		}
		return []string{text}
	}
	out := make([]string, 0, len(list))
	for _, x := range list {
		m, deep := x.(map[string]any)
		if !deep {
			out = append(out, plainText(x))
			continue
		}
		e := thing(m)
		switch {
		case e.text("test") != "":
			s := e.text("test") + " (" + e.text("role") + ")"
			if only := e.texts("only_policies"); len(only) > 0 {
				s += ", for " + strings.Join(only, ", ")
			}
			out = append(out, s)
		case e.text("key") != "":
			out = append(out, evidenceTerm(e))
		default:
			out = append(out, jsonText(x))
		}
	}
	return out
}

func evidenceTerm(e thing) string {
	s := e.text("title") + " (" + e.text("key") + "; " + words(e.text("type")) + ", " + words(e.text("frequency"))
	if n := e.number("validity_days"); n > 0 {
		s += fmt.Sprintf(", valid for %s", ui.Count(int(n), "day"))
	}
	if e["required"] == true {
		return s + ", required)"
	}
	return s + ", optional)"
}
