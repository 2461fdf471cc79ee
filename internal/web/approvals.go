// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"

	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// howText says how something was approved, where not plainly by two people.
var howText = map[kind.How]string{kind.Solo: "Approved by author (solo)", kind.Invited: "Approver invited by the author", kind.SameHand: "Accounts opened by the same person"}

// approvals are the approvals behind which there may be one person only: what an auditor asks first.
func approvals(q *ask) (answer, error) {
	l, err := do[*op.ApprovalList](q, "approval.list", struct{}{})
	if err != nil {
		return answer{}, err
	}
	v := page.ListView{Title: "Approvals by one person", Action: "/approvals", Icon: "check", None: "Every approval was made by a second person",
		Empty: "Approvals appear here if the author approved, or if the same person opened the accounts of author and approver.",
		Cols:  []ui.Col{{Text: "Name", Fill: true}, {Text: "Kind", Low: true}, {Text: "How", Fill: true}, {Text: "Approved by", Low: true}, {Text: "Approved", Low: true}, {Text: "Status", Low: true}}}
	if !l.Any {
		v.None = "No approvals yet"
	}
	for _, a := range l.Data {
		state := orElse(words(a.Now), "deleted")
		v.Rows = append(v.Rows, page.ListRow{Href: q.hrefOf(a.Kind, a.Thing), Cells: []page.Cell{{Text: orElse(a.Label, a.Thing)}, {Text: words(a.Kind)}, {Text: orElse(howText[a.How], string(a.How))}, {Links: []ui.Link{q.link(a.By)}}, {Day: q.local(a.At)}, {Text: state}}})
	}
	solo := "Solo mode is off."
	if l.SoloMode {
		solo = "Solo mode is on."
	}
	v.Answer = []ui.Part{{Text: ui.Count(len(l.Data), "approval") + " by one person. " + solo}}
	if n := len(l.Solo); n > 0 {
		v.Answer = append(v.Answer, ui.Part{Text: fmt.Sprintf(" It was last changed on %s.", q.local(l.Solo[0].At).Format("2 Jan 2006")), Href: fmt.Sprintf("/activity/%d", l.Solo[0].Seq)})
	}
	v.Pager.Text = fmt.Sprintf("%d shown", len(l.Data))
	return show(page.List(q.frame("Approvals by one person", "activity", ui.Link{Text: "Activity", Href: "/activity"}, ui.Link{Text: "Approvals by one person"}), v))
}
