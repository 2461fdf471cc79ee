// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/report"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

// proofs says of each piece of evidence for which days it counts, or why it does not (F-04).
func (q *ask) proofs() (map[string]report.EvidenceProof, error) {
	out := map[string]report.EvidenceProof{}
	if !q.may("evidence.proof") {
		return out, nil
	}
	l, err := do[*report.EvidenceProofs](q, "evidence.proof", struct{}{})
	if e := errs.Public(err); err != nil && e.Code != errs.Denied { // who sees only their own has no list
		return nil, err
	} else if err != nil {
		return out, nil
	}
	for _, p := range l.Data {
		out[p.ID] = p
	}
	return out, nil
}

// freshWord is how a piece stands, in one or two words.
func freshWord(t thing, p report.EvidenceProof) (ui.Status, string) {
	switch p.State {
	case "nil_declared":
		return ui.NoOccurrence, "nothing happened"
	case "context":
		return ui.NotApplicable, "context only"
	case "not_counting":
		return ui.Failing, "does not count"
	case "waiting":
		if t.text("state") == "submitted" {
			return ui.NoData, "in review"
		}
		return ui.NoData, words(t.text("state"))
	case "":
		return ui.NoData, "not known"
	}
	return healthOf(p.State), words(p.State)
}

func evidenceList(q *ask) (answer, error) {
	sh, _ := q.Gate.Shape("evidence")
	in, keep := q.filters(sh)
	l, err := q.all(sh, in, func(thing) bool { return true })
	if err != nil {
		return answer{}, err
	}
	proof, err := q.proofs()
	if err != nil {
		return answer{}, err
	}
	v := page.EvidenceListView{Query: q.get("q"), Keep: q.keep(append(keep, "fresh", "flag")...), Chips: q.stateChips(sh, in)}
	if q.mayChange("evidence.create") {
		v.New = "/evidence/new"
	}
	find := strings.ToLower(strings.TrimSpace(q.get("q")))
	count, flagged, found := map[string]int{}, map[string]int{}, 0
	for _, t := range l.Data {
		p := proof[t.id()]
		count[p.State]++
		for _, f := range p.Flags {
			flagged[f.Code]++
		}
		if !q.keepsEvidence(t, p, find) {
			continue
		}
		if found++; found <= mostShown {
			v.Rows = append(v.Rows, q.evidenceRow(t, p))
		}
	}
	for _, c := range [][2]string{{"expiring", "expiring"}, {"expired", "expired"}, {"context only", "context"}} {
		on := q.get("fresh") == c[1]
		v.Chips = append(v.Chips, ui.Chip{Text: c[0], N: count[c[1]], On: on, Href: q.with("fresh", unless(on, c[1]))})
	}
	for _, f := range slices.Sorted(maps.Keys(flagged)) {
		on := q.get("flag") == f
		v.Chips = append(v.Chips, ui.Chip{Text: f + " " + flagWord[f], N: flagged[f], On: on, Href: q.with("flag", unless(on, f))})
	}
	if len(l.Data) == 0 && q.partly(sh) != "" {
		v.Answer = []ui.Part{{Text: "There is no evidence you can see."}}
	} else if len(l.Data) == 0 {
		v.Answer = []ui.Part{{Text: "No evidence yet. Each "}, {Text: "control", Href: "/controls"}, {Text: " lists the evidence it requires."}}
	} else {
		valid := count["current"] + count["expiring"] + count["nil_declared"]
		v.Answer = []ui.Part{{Text: fmt.Sprintf("%d of %s", valid, ui.Count(len(l.Data), "item"))}, {Text: verb(valid, " is", " are") + " valid " + ui.Frame{AsOf: q.asOf}.Today() + "; "}, {Text: fmt.Sprint(count["expired"]), Href: "/evidence?fresh=expired"}, {Text: " expired."}}
	}
	v.Pager.Text = q.foot(sh, len(v.Rows), found, l.Next != "")
	return show(page.EvidenceList(q.frame("Evidence", "evidence"), v))
}

var flagWord = map[string]string{"Q1": "no date", "Q2": "no source", "Q3": "wrong period", "Q4": "screenshot", "Q5": "population", "Q6": "taken late", "Q7": "file reused", "Q8": "not opened"}

func (q *ask) keepsEvidence(t thing, p report.EvidenceProof, find string) bool {
	if want := q.get("fresh"); want != "" && want != p.State {
		return false
	}
	if want := q.get("flag"); want != "" && !slices.ContainsFunc(p.Flags, func(f report.QualityFlag) bool { return f.Code == want }) {
		return false
	}
	return find == "" || holds(t, find) || strings.Contains(strings.ToLower(q.label(t.text("control"))), find)
}

func (q *ask) evidenceRow(t thing, p report.EvidenceProof) page.EvidenceRow {
	r := page.EvidenceRow{Title: t.text("title"), Type: words(t.text("type")), Href: "/evidence/" + seg(t.id()), State: words(t.text("state")), Line: p.Line,
		Taken: q.local(timeOf(t.text("taken_at"))), Until: q.lastDay(p.Until), By: q.label(t.text("created_by"))}
	r.Fresh, r.FreshWord = freshWord(t, p)
	for _, f := range p.Flags {
		r.Flags += " " + f.Code
	}
	if c := t.text("control"); c != "" {
		r.Controls = []ui.Link{{Text: strings.SplitN(q.label(c), " ", 2)[0], Href: "/controls/" + seg(c)}}
	}
	return r
}

// lastDay is the last day before a moment until which evidence counts; zero where it never does.
func (q *ask) lastDay(until *time.Time) time.Time {
	if until == nil {
		return time.Time{}
	}
	return q.local(until.Add(-time.Millisecond))
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
	p, err := do[*report.EvidenceProof](q, "evidence.quality", map[string]any{"id": t.id()})
	if err != nil {
		return answer{}, err
	}
	v := page.EvidenceView{Title: t.text("title"), Type: words(t.text("type")), State: words(t.text("state")), Notes: t.text("notes"), Line: p.Line, Counts: p.Counts, Acts: q.evidenceActs(sh, t), HistoryAll: base + "/history"}
	v.Fresh, v.FreshWord = freshWord(t, *p)
	for _, f := range p.Flags {
		v.Flags = append(v.Flags, page.Flag{Code: f.Code, Text: f.Text, Fix: f.Fix})
	}
	if sum := t.text("file"); sum != "" {
		v.Files = []page.FileLine{{Name: orElse(t.text("file_name"), "file"), Media: orElse(t.text("media_type"), "unknown type"), SHA256: sum, Download: base + "/file", Size: t.number("size"), At: q.local(timeOf(t.text("created_at")))}}
		v.Preview = q.preview(t)
	} else {
		v.Preview.None = "No file."
	}
	if c := t.text("control"); c != "" {
		v.Links = []ui.Link{{Text: q.label(c), Href: "/controls/" + seg(c)}}
	}
	v.Fields = q.evidenceFields(t, q.lastDay(p.Until))
	if v.History, v.Entry, err = q.lately(t.id(), 6); err != nil {
		return answer{}, err
	}
	return show(page.Evidence(q.frame(v.Title, "evidence", ui.Link{Text: "Evidence", Href: "/evidence"}, ui.Link{Text: clip(v.Title, 60)}), v))
}

// evidenceActs are the buttons of a piece. Accepting asks a question only where there is a screenshot to look at.
func (q *ask) evidenceActs(sh kind.Shape, t thing) []ui.Button {
	out := q.acts(sh, t)
	for i, b := range out {
		if b.Href == q.hrefOf(sh.Name, t.id())+"/accept" && t.text("type") != "screenshot" {
			out[i].Post, out[i].Rev, out[i].Href = b.Href, t.rev(), ""
		}
	}
	return out
}

// evidenceFields are what is said of a piece; what it does not have is left out.
func (q *ask) evidenceFields(t thing, last time.Time) []ui.Pair {
	covers := strings.Trim(dayText(t.text("covers_from"))+" – "+dayText(t.text("covers_to")), " –")
	if from, to := t.text("covers_from"), t.text("covers_to"); from == to {
		covers = dayText(from)
	}
	out := []ui.Pair{{Term: "Taken", Show: ui.Date(q.local(timeOf(t.text("taken_at"))))}, {Term: "Covers", Text: covers}, {Term: "Valid until", Show: ui.Date(last)}}
	some := func(term, text string) {
		if text != "" {
			out = append(out, ui.Pair{Term: term, Text: text})
		}
	}
	some("End date given", dayText(t.text("valid_until")))
	some("Evidence item", words(t.text("evidence_key")))
	some("Event", t.text("event"))
	some("Event date", dayText(t.text("event_on")))
	if t["nothing_happened"] == true {
		some("Declares", "nothing happened")
	}
	some("Rows", plainText(t["row_count"]))
	if t.text("type") == "screenshot" {
		seen := map[bool]string{true: "visible", false: "not visible"}
		some("Address", seen[t["url_visible"] == true])
		some("Clock", seen[t["clock_visible"] == true])
	}
	out = append(out, ui.Pair{Term: "Source", Text: t.text("source_system")}, ui.Pair{Term: "Location", Text: t.text("source_locator")}, ui.Pair{Term: "Collected by", Text: words(t.text("source_kind"))},
		ui.Pair{Term: "Classification", Text: t.text("classification")}, ui.Pair{Term: "Uploaded by", Show: ui.Person(q.label(t.text("created_by")))},
		ui.Pair{Term: "Submitted by", Text: q.label(t.text("submitted_by")), Empty: "not yet"}, ui.Pair{Term: "Reviewed by", Text: q.label(t.text("reviewed_by")), Empty: "not yet"})
	some("Data types", words(strings.Join(t.texts("data_types"), ", ")))
	some("Withdrawn by", q.label(t.text("withdrawn_by")))
	if at := timeOf(t.text("withdrawn_at")); !at.IsZero() {
		some("Withdrawn", ui.Day(q.local(at)))
	}
	some("Reason", t.text("reason"))
	return out
}
