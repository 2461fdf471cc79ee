// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/kind"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// waiting is what waits for this person: work that is his, controls of his that fail, and whatever his role lets
// him decide. It is found from the moves of the kinds, so that a new kind is here at once.
func (q *ask) waiting() ([]page.WorkItem, error) {
	var out []page.WorkItem
	for _, sh := range q.Gate.Shapes() {
		if sh.Name == "task" {
			continue
		}
		for _, m := range sh.Moves {
			if !m.Apart() || !q.may(sh.Name+"."+m.Verb) {
				continue
			}
			for _, state := range m.From {
				l, err := do[listing](q, sh.Name+".list", map[string]any{"state": state, "limit": 50})
				if isGone(err) {
					continue
				}
				if err != nil {
					return nil, err
				}
				for _, t := range l.Data {
					if q.barred(m, t) == "" && !lacksRequest(m, t) {
						out = append(out, q.decision(sh, m, t))
					}
				}
			}
		}
	}
	mine, err := q.tasks()
	if err != nil {
		return nil, err
	}
	failing, err := q.failingMine()
	if err != nil {
		return nil, err
	}
	out = slices.Concat(failing, mine, out)
	slices.SortStableFunc(out, func(a, b page.WorkItem) int { return compareDue(a, b) })
	return out, nil
}

// compareDue puts what is late first, then what fails, then by the day that it is due.
func compareDue(a, b page.WorkItem) int {
	rank := func(w page.WorkItem) int {
		switch {
		case w.Late:
			return 0
		case w.Status == ui.Failing:
			return 1
		case !w.Due.IsZero():
			return 2
		}
		return 3
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return a.Due.Compare(b.Due)
}

// lacksRequest says that a move waits for what only another move gives, such as the reason to retire.
func lacksRequest(m kind.Move, t thing) bool {
	return slices.ContainsFunc(m.Wants, func(n string) bool { return !slices.Contains(m.Takes, n) && t.text(n) == "" })
}

func (q *ask) decision(sh kind.Shape, m kind.Move, t thing) page.WorkItem {
	w := page.WorkItem{Kind: first(words(sh.Name)), Ask: "to " + words(m.Verb), Text: labelOf(sh.Label, t), Href: q.hrefOf(sh.Name, t.id()), Status: ui.NeedsAttention}
	if c := t.text("control"); sh.Name == "control_version" && c != "" { // its reason alone does not say of what
		w.Kind, w.Text = "Control change", q.label(c)+": "+w.Text
	}
	for _, f := range []string{"requested_by", "submitted_by", "author", "created_by"} {
		if who := t.text(f); who != "" {
			w.Kind += ", from " + q.label(who)
			break
		}
	}
	return w
}

func (q *ask) tasks() ([]page.WorkItem, error) {
	if q.actor.Person == "" || !q.may("task.list") {
		return nil, nil
	}
	var out []page.WorkItem
	for _, state := range []string{"open", "in_progress", "blocked"} {
		l, err := do[listing](q, "task.list", map[string]any{"assignee": q.actor.Person, "state": state, "limit": 100})
		if isGone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, t := range l.Data {
			w := page.WorkItem{Kind: "Task, " + t.text("priority") + " priority", Ask: words(state), Text: t.text("title"), Href: q.hrefOf("task", t.id()), Due: dayOf(t.text("due_on")), Status: ui.NotStarted}
			w.Late = !w.Due.IsZero() && t.text("due_on") < q.at().Format(time.DateOnly)
			out = append(out, w)
		}
	}
	return out, nil
}

// failingMine are the controls of this person that do not hold.
func (q *ask) failingMine() ([]page.WorkItem, error) {
	if q.actor.Person == "" || !q.may("control.list") || !q.may("monitoring.controls") {
		return nil, nil
	}
	l, err := do[listing](q, "control.list", map[string]any{"owner": q.actor.Person, "limit": 200})
	if isGone(err) {
		return nil, nil
	}
	if err != nil || len(l.Data) == 0 {
		return nil, err
	}
	now, err := q.standing(l.Data)
	if err != nil {
		return nil, err
	}
	var out []page.WorkItem
	for _, t := range l.Data {
		if r := now[t.text("ref")]; r.Status == report.Failing.String() {
			out = append(out, page.WorkItem{Kind: "Control you own", Text: strings.TrimSuffix(r.Ref+" "+r.Text+": "+r.Reason, ": "), Href: "/controls/" + seg(r.Ref), Status: ui.Failing})
		}
	}
	return out, nil
}

// work is everything that waits for this person, on one page.
func work(q *ask) (answer, error) {
	items, err := q.waiting()
	if err != nil {
		return answer{}, err
	}
	late := 0
	v := page.WorkView{Items: items}
	for _, w := range items {
		if w.Late {
			late++
		}
	}
	v.Answer = []ui.Part{{Text: ui.Count(len(items), "item") + ", " + fmt.Sprint(late) + " overdue"}}
	if len(items) == 0 {
		v.Answer = []ui.Part{{Text: "You're all caught up"}}
	}
	return show(page.Work(q.frame("My work", "tasks"), v))
}
