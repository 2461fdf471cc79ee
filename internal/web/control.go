// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// standing is how each control stands, gathered from the criteria that it serves.
func (q *ask) standing(all []thing) (map[string]report.Row, error) {
	out := map[string]report.Row{}
	asked := map[string]bool{}
	for _, t := range all {
		if _, ok := out[t.text("ref")]; ok {
			continue
		}
		for _, c := range t.texts("criteria") {
			if asked[c] {
				continue
			}
			asked[c] = true
			g, err := do[*report.Grid](q, "monitoring.controls", map[string]any{"criterion": c, "days": 30})
			if err != nil {
				continue // a number that no framework has
			}
			for _, r := range g.Rows {
				out[r.Ref] = r
			}
			break
		}
	}
	return out, nil
}

// controlList is the list of controls with how each stands.
func controlList(q *ask) (answer, error) {
	l, err := do[listing](q, "control.list", map[string]any{"limit": 1000, "sort": "ref"})
	if err != nil {
		return answer{}, err
	}
	now, err := q.standing(l.Data)
	if err != nil {
		return answer{}, err
	}
	v := page.ListView{Title: "Controls", Tabs: q.tabs("/controls"), Query: q.get("q"), Search: "Id, title or text", Action: "/controls", Keep: q.keep("status", "criterion", "mine"), Icon: "control",
		Empty: "Clear filters or search for less. A control is something you do to meet criteria.",
		Cols:  []ui.Col{{Text: "Id"}, {Text: "Title", Fill: true}, {Text: "Now"}, {Text: "Owner", Low: true}, {Text: "Reason", Fill: true, Low: true}, {Text: "Criteria", Low: true}, {Text: "Tests", Num: true, Low: true}}}
	if q.mayChange("control.create") {
		v.New = ui.Link{Text: "New control", Href: "/controls/new"}
	}
	count, nobody, inForce := map[string]int{}, 0, 0
	for _, t := range l.Data {
		st := now[t.text("ref")].Status
		if t.text("state") != "active" {
			st = t.text("state")
		} else if inForce++; t.text("owner") == "" {
			nobody++
		}
		count[st]++
		if q.keepsControl(t, st) {
			v.Rows = append(v.Rows, q.controlRow(t, now[t.text("ref")]))
		}
	}
	v.Answer = []ui.Part{{Text: fmt.Sprintf("%d of %s", count["failing"], ui.Count(inForce, "control")), Href: q.with("status", "failing")}, {Text: " in force" + verb(count["failing"], " is failing", " are failing") + " and "},
		{Text: fmt.Sprint(nobody), Href: q.with("mine", "nobody")}, {Text: verb(nobody, " has", " have") + " no owner."}}
	for _, c := range [][2]string{{"failing", "failing"}, {"no data", "no_data"}, {"needs attention", "needs_attention"}, {"passing", "passing"}, {"not started", "not_started"}, {"no occurrence", "no_occurrence"}, {"draft", "draft"}, {"retired", "retired"}} {
		on := q.get("status") == c[1]
		if (c[1] == "draft" || c[1] == "retired" || c[1] == "no_occurrence") && count[c[1]] == 0 && !on {
			continue
		}
		v.Chips = append(v.Chips, ui.Chip{Text: c[0], N: count[c[1]], On: on, Href: q.with("status", unless(on, c[1]))})
	}
	for _, c := range [][2]string{{"My controls", "me"}, {"Unassigned", "nobody"}} {
		on := q.get("mine") == c[1]
		v.Chips = append(v.Chips, ui.Chip{Text: c[0], N: -1, On: on, Href: q.with("mine", unless(on, c[1]))})
	}
	v.Pager.Text = fmt.Sprintf("%d of %d", len(v.Rows), len(l.Data))
	return show(page.List(q.frame("Controls", "controls"), v))
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func unless(on bool, value string) string {
	if on {
		return ""
	}
	return value
}

func (q *ask) keepsControl(t thing, status string) bool {
	if st := q.get("status"); st != "" && st != status {
		return false
	}
	if c := q.get("criterion"); c != "" && !strings.Contains(" "+strings.Join(t.texts("criteria"), " ")+" ", " "+c+" ") {
		return false
	}
	switch q.get("mine") {
	case "me":
		if q.actor.Person == "" || t.text("owner") != q.actor.Person {
			return false
		}
	case "nobody":
		if t.text("owner") != "" || t.text("state") != "active" { // a draft needs no owner yet
			return false
		}
	}
	find := strings.ToLower(strings.TrimSpace(q.get("q")))
	return find == "" || strings.Contains(strings.ToLower(t.text("ref")+" "+t.text("title")+" "+t.text("text")+" "+strings.Join(t.texts("criteria"), " ")), find)
}

func (q *ask) controlRow(t thing, r report.Row) page.ListRow {
	refs := t.texts("criteria")
	status := page.Cell{Status: healthOf(r.Status), Health: true}
	switch t.text("state") {
	case "draft":
		status, r.Reason = page.Cell{State: "draft"}, ""
	case "retired":
		status, r.Reason = page.Cell{Status: ui.Retired, Health: true}, "Retired on "+ui.Day(q.local(timeOf(t.text("version_from"))))
	}
	tests, _ := t["tests"].([]any)
	href := "/controls/" + seg(t.text("ref"))
	return page.ListRow{Href: href, Cells: []page.Cell{{Mono: t.text("ref")}, {Text: t.text("title"), Marks: overrideMarks(r.Marks)}, status, {Person: q.label(t.text("owner")), Owner: true}, {Text: r.Reason},
		{Links: criterionLinks(refs[:min(len(refs), 3)])}, {Num: fmt.Sprint(len(tests))}}}
}

// thingOf finds a control by its ref or its id.
func (q *ask) controlOf(ref string) (thing, error) {
	if sh, ok := q.shapeOf(ref); ok && sh.Name == "control" {
		return do[thing](q, "control.get", map[string]any{"id": ref})
	}
	l, err := do[listing](q, "control.list", map[string]any{"ref": ref, "limit": 1})
	if err != nil || len(l.Data) == 0 {
		return nil, op.None("control", ref, err)
	}
	return l.Data[0], nil
}

func control(q *ask) (answer, error) {
	t, err := q.controlOf(q.id())
	if err != nil {
		return answer{}, err
	}
	if t.text("state") == "draft" && t.number("version_no") == 0 { // it was never in force: there are no days to show
		return q.detail("control", t)
	}
	s, err := do[*report.ControlStatus](q, "control.status", map[string]any{"ref": t.text("ref"), "days": 365})
	if isGone(err) { // it was in force for no moment, or this is the own control of somebody who sees no boards
		return q.detail("control", t)
	}
	if err != nil {
		return answer{}, err
	}
	v := page.ControlView{Ref: s.Ref, Title: s.Title, Text: t.text("text"), Status: healthOf(s.Health), Documented: light(s.Documented, "documented"), Implemented: light(s.Implemented, "implemented"), Operating: light(s.Operating, "operating"),
		Strip: stripOf(s.Ref, q.at().Format(time.DateOnly), s.Row.Spans, "/monitoring/"+seg(s.Ref)+"/{day}"), Owner: q.label(t.text("owner")), Frequency: words(t.text("frequency")),
		Nature: join(t.text("purpose"), map[string]string{"both": "manual and automated"}[t.text("operation")], t.text("operation")), Weight: int(t.number("weight")), Version: int(t.number("version_no")), Effective: q.local(timeOf(t.text("version_from"))), Retired: q.localOf(s.Retired), Criteria: criterionLinks(t.texts("criteria"))}
	if len(s.Causes) > 0 {
		v.Why = s.Causes[0].Text
	}
	v.Marks = overrideMarks(s.Row.Marks)
	sh, _ := q.Gate.Shape("control")
	v.Abouts = q.abouts(sh, t.id())
	q.controlActs(&v, t)
	q.controlOperation(&v, s, t)
	if err := q.controlVersions(&v, t); err != nil {
		return answer{}, err
	}
	q.controlParts(&v, s)
	q.controlTies(&v, t)
	if v.History, v.Entry, err = q.lately(t.id(), 5); err != nil {
		return answer{}, err
	}
	return show(page.Control(q.frame(s.Ref, "controls", ui.Link{Text: "Controls", Href: "/controls"}, ui.Link{Text: s.Ref}), v))
}

// light says one of the three in words. Nothing known is said as such.
func light(l report.Light, word string) page.Light {
	out := page.Light{Status: healthOf(l.Status), Word: word, Proof: first(l.Text)}
	switch l.Status {
	case "failing":
		out.Word = map[string]string{"documented": "not documented", "implemented": "not implemented", "operating": "exceptions found"}[word]
		out.Proof = first(strings.TrimPrefix(l.Text, "exceptions found: "))
	case "no_data":
		if out.Word = "no data"; l.Text != "" && strings.HasPrefix(l.Text, "no occurrence") {
			out.Status, out.Word, out.Proof = ui.NoOccurrence, "no occurrence", first(strings.TrimPrefix(l.Text, "no occurrence: "))
		}
	case "needs_attention":
		out.Word = "partly " + word
	}
	return out
}

// join writes a purpose and how it is carried out; said is the better word for the second, where there is one.
func join(a, said, b string) string {
	if b = orElse(said, b); a != "" && b != "" {
		return a + ", " + b
	}
	return a + b
}

// unapproved is said of a control that no two people have put in force.
const unapproved = "The text isn't approved yet."

// controlActs are the buttons of a control that is or was in force, and whose text it has.
func (q *ask) controlActs(v *page.ControlView, t thing) {
	v.Acts = append(q.proposeButtons(t), v.Acts...)
	if q.mayChange("control.update") {
		v.Acts = append(v.Acts, ui.Button{Text: "Edit owner and tasks", Href: "/controls/" + seg(t.text("ref")) + "/edit", Write: true})
	}
	at := timeOf(t.text("confirmed_at"))
	if t.number("version_no") == 0 {
		v.Unapproved = unapproved
	}
	v.Library = t["library"] == true && at.IsZero()
	if v.Library && t.text("state") == "active" && q.mayChange("control.confirm") {
		v.Acts = append(v.Acts, ui.Button{Text: "Confirm library text", Icon: "check", Post: "/controls/" + seg(t.text("ref")) + "/confirm", Rev: t.rev(), Write: true})
	}
	if t["library"] == true && !at.IsZero() {
		v.Confirmed = "confirmed by " + q.label(t.text("confirmed_by")) + " on " + ui.Day(q.local(at))
	}
	v.Chores = t.texts("chores")
}

// controlParts fills what proves a control: its tests, evidence and policies.
func (q *ask) controlParts(v *page.ControlView, s *report.ControlStatus) {
	for _, t := range s.Tests {
		v.Tests = append(v.Tests, q.testLine(t))
	}
	for _, e := range s.Evidence {
		l := page.EvidenceLine{Kind: e.Title, Add: "/evidence/new" + query("control", s.Ref, "evidence_key", e.Key, "type", e.Type, "title", e.Title), Status: healthOf(e.State), Word: words(e.State), Until: q.lastDay(e.Until), Required: e.Required, Line: e.Line}
		switch e.State {
		case "missing":
			l.Status = ui.NotStarted
		case "not_due":
			l.Word = "no event"
		case "nil_declared":
			l.Word = "nothing happened"
		}
		if e.Piece != "" {
			l.Title, l.Href = q.label(e.Piece), "/evidence/"+seg(e.Piece)
		} else if e.State != "missing" && e.State != "not_due" {
			l.Title = "Restricted: not shown to you"
		}
		v.Evidence = append(v.Evidence, l)
	}
	v.Implemented.Href, v.Operating.Href = "#tests", "#operation"
	for _, p := range s.Policies {
		if p.State == "missing" && v.Documented.Href == "" && p.ID != "" {
			v.Documented.Href = "/policies/" + seg(p.ID)
		}
		l := ui.Link{Text: p.Ref + " " + p.Title}
		if p.ID != "" {
			l.Href = "/policies/" + seg(p.ID)
		}
		if p.State != "in_force" {
			l.Text += " (" + words(p.State) + ")"
		}
		v.Policies = append(v.Policies, l)
	}
	for _, e := range s.Elsewhere {
		v.Elsewhere = append(v.Elsewhere, page.Crossing{Framework: e.Framework, Refs: e.Refs})
	}
}

func (q *ask) testLine(t report.TestRow) page.ControlTest {
	return page.ControlTest{ID: t.Test, Title: t.Title, Href: "/tests/" + seg(t.Test), Required: t.Role != "supporting", Status: healthOf(t.State), Failing: int(t.Failed), Of: int(t.Evaluated), Unknown: int(t.Unknown), Last: q.localOf(t.Last)}
}

// controlTies fills what points at a control.
func (q *ask) controlTies(v *page.ControlView, t thing) {
	for _, k := range []struct {
		kind, by, value string
		into            *[]ui.Link
	}{{"exception", "control", t.id(), &v.Exceptions}, {"task", "subject", t.id(), &v.Tasks}} {
		if !q.may(k.kind + ".list") {
			continue
		}
		l, err := do[listing](q, k.kind+".list", map[string]any{k.by: k.value, "limit": 10})
		if err != nil {
			continue // who sees only his own sees none here
		}
		for _, x := range l.Data {
			*k.into = append(*k.into, ui.Link{Text: x.text("title") + ", " + words(x.text("state")), Href: q.hrefOf(k.kind, x.id())})
		}
	}
}

// lately is the newest history of a thing, and the entry of the ledger that made it what it is.
func (q *ask) lately(id string, n int64) ([]page.Event, int64, error) {
	if !q.may("activity.list") {
		return nil, 0, nil
	}
	p, err := do[*report.EventPage](q, "activity.list", map[string]any{"id": id, "limit": n})
	if e := errs.Public(err); err != nil && (e.Code == errs.Denied || e.Code == errs.NotFound) {
		return nil, 0, nil
	}
	if err != nil || len(p.Data) == 0 {
		return nil, 0, err
	}
	out := q.events(p.Data)
	for i := range out {
		out[i].Object = ui.Link{} // the page itself
	}
	return out, p.Data[0].Seq, nil
}
