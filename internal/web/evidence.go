// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"strings"

	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// freshness says of each piece of evidence how it stands for its control (F-04). Pieces that decide nothing are absent.
func (q *ask) freshness(all []thing) map[string]string {
	out, asked := map[string]string{}, map[string]bool{}
	for _, t := range all {
		c := t.text("control")
		if c == "" || asked[c] || !q.may("control.status") {
			continue
		}
		asked[c] = true
		s, err := do[*report.ControlStatus](q, "control.status", map[string]any{"ref": c, "days": 30})
		if err != nil { // its control is out of force
			continue
		}
		for _, e := range s.Evidence {
			if e.Piece != "" {
				out[e.Piece] = e.State
			}
		}
	}
	return out
}

func freshWord(t thing, state string) (ui.Status, string) {
	switch {
	case state != "":
		return healthOf(state), words(state)
	case t.text("state") == "accepted":
		return ui.NotApplicable, "decides nothing now"
	case t.text("state") == "withdrawn", t.text("state") == "returned":
		return ui.Failing, t.text("state")
	}
	return ui.NoData, "not accepted yet"
}

func evidenceList(q *ask) (answer, error) {
	sh, _ := q.Gate.Shape("evidence")
	in, keep := q.filters(sh)
	l, err := q.all(sh, in, func(thing) bool { return true })
	if err != nil {
		return answer{}, err
	}
	fresh := q.freshness(l.Data)
	v := page.EvidenceListView{Query: q.get("q"), Keep: q.keep(append(keep, "fresh")...), Chips: q.stateChips(sh, in)}
	if q.mayChange("evidence.create") {
		v.New = "/evidence/new"
	}
	find := strings.ToLower(strings.TrimSpace(q.get("q")))
	count, found := map[string]int{}, 0
	for _, t := range l.Data {
		st := fresh[t.id()]
		count[st]++
		if want := q.get("fresh"); want != "" && want != st || find != "" && !holds(t, find) && !strings.Contains(strings.ToLower(q.label(t.text("control"))), find) {
			continue
		}
		if found++; found > mostShown {
			continue
		}
		status, word := freshWord(t, st)
		row := page.EvidenceRow{Title: t.text("title"), Type: words(t.text("type")), Href: "/evidence/" + seg(t.id()), Fresh: status, FreshWord: word, State: words(t.text("state")),
			Taken: q.local(timeOf(t.text("taken_at"))), Until: dayOf(t.text("valid_until")), By: q.label(t.text("created_by")), Flags: len(flags(t))}
		if c := t.text("control"); c != "" {
			row.Controls = []ui.Link{{Text: strings.SplitN(q.label(c), " ", 2)[0], Href: "/controls/" + seg(c)}}
		}
		v.Rows = append(v.Rows, row)
	}
	for _, st := range []string{"expiring", "expired"} {
		on := q.get("fresh") == st
		v.Chips = append(v.Chips, ui.Chip{Text: st, N: count[st], On: on, Href: q.with("fresh", unless(on, st))})
	}
	if len(l.Data) == 0 && q.partly(sh) != "" {
		v.Answer = []ui.Part{{Text: "There is no evidence here that you may see."}}
	} else if len(l.Data) == 0 {
		v.Answer = []ui.Part{{Text: "No evidence is here yet. Each "}, {Text: "control", Href: "/controls"}, {Text: " says what it asks for."}}
	} else {
		v.Answer = []ui.Part{{Text: fmt.Sprintf("%d of %s", count["current"]+count["expiring"], pieces(len(l.Data))), Href: "/evidence?fresh=current"}, {Text: verb(count["current"]+count["expiring"], " is", " are") + " proof today; "}, {Text: fmt.Sprint(count["expired"]), Href: "/evidence?fresh=expired"}, {Text: verb(count["expired"], " is", " are") + " too old."}}
	}
	v.Pager.Text = q.foot(sh, len(v.Rows), found, l.Next != "")
	return show(page.EvidenceList(q.frame("Evidence", "evidence"), v))
}

func pieces(n int) string {
	if n == 1 {
		return "1 piece"
	}
	return ui.Num(int64(n)) + " pieces"
}

// flags are doubts about a piece that anybody can see from it.
func flags(t thing) []page.Flag {
	var out []page.Flag
	if t.text("source_locator") == "" {
		out = append(out, page.Flag{Code: "", Text: "It does not say where it was taken from.", Fix: "Add the address or the query, so that somebody else can take it again."})
	}
	if timeOf(t.text("taken_at")).IsZero() {
		out = append(out, page.Flag{Text: "It does not say when it was taken.", Fix: "Add the day."})
	}
	return out
}

func dayText(s string) string {
	if t := dayOf(s); !t.IsZero() {
		return ui.Day(t)
	}
	return s
}

func evidence(q *ask) (answer, error) {
	t, err := do[thing](q, "evidence.get", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	sh, _ := q.Gate.Shape("evidence")
	base := "/evidence/" + seg(t.id())
	v := page.EvidenceView{Title: t.text("title"), Type: words(t.text("type")), State: words(t.text("state")), Notes: t.text("notes"), Flags: flags(t), Acts: q.acts(sh, t), HistoryAll: base + "/history"}
	v.Fresh, v.FreshWord = freshWord(t, q.freshness([]thing{t})[t.id()])
	if sum := t.text("file"); sum != "" {
		v.Files = []page.FileLine{{Name: orElse(t.text("file_name"), "file"), Media: orElse(t.text("media_type"), "unknown type"), SHA256: sum, Download: base + "/file", Size: t.number("size"), At: q.local(timeOf(t.text("created_at")))}}
		v.Preview = q.preview(t)
	} else {
		v.Preview.None = "There is no file."
	}
	if c := t.text("control"); c != "" {
		v.Links = []ui.Link{{Text: q.label(c), Href: "/controls/" + seg(c)}}
	}
	covers := strings.Trim(dayText(t.text("covers_from"))+" – "+dayText(t.text("covers_to")), " –")
	v.Fields = []ui.Pair{{Term: "Taken", Show: ui.Date(q.local(timeOf(t.text("taken_at"))))}, {Term: "Covers", Text: covers}, {Term: "Good until", Text: dayText(t.text("valid_until")), Empty: "by the control's rule"},
		{Term: "From", Text: t.text("source_system")}, {Term: "Locator", Text: t.text("source_locator")}, {Term: "How", Text: words(t.text("source_kind"))}, {Term: "Confidentiality", Text: t.text("classification")},
		{Term: "Brought by", Show: ui.Person(q.label(t.text("created_by")))}, {Term: "Submitted by", Text: q.label(t.text("submitted_by")), Empty: "not yet"}, {Term: "Reviewed by", Text: q.label(t.text("reviewed_by")), Empty: "not yet"}, {Term: "Reason", Text: t.text("reason")}}
	if v.History, v.Entry, err = q.lately(t.id(), 6); err != nil {
		return answer{}, err
	}
	return show(page.Evidence(q.frame(v.Title, "evidence", ui.Link{Text: "Evidence", Href: "/evidence"}, ui.Link{Text: clip(v.Title, 60)}), v))
}
