// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/report"
	"assay/internal/store"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

func activity(q *ask) (answer, error) {
	text := strings.TrimSpace(q.get("q"))
	if n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64); err == nil && !q.partial() {
		return goTo("/activity/"+strconv.FormatInt(n, 10)+query("as_of", q.get("as_of")), "")
	}
	v, err := q.activityView(text)
	if err != nil {
		return answer{}, err
	}
	return show(page.Activity(q.frame("Activity", "activity"), v))
}

// activityView is the ledger in sentences. What is searched for is an id of a thing or of somebody, or a kind.
func (q *ask) activityView(text string) (page.ActivityView, error) {
	in := map[string]any{"before": q.number("before", 0), "kind": clip(q.get("kind"), 60), "actor": clip(q.get("actor"), 80), "limit": 50}
	switch prefix, _, isID := strings.Cut(text, "_"); {
	case isID && (prefix == "usr" || prefix == "tok"):
		in["actor"] = clip(text, 80)
	case isID:
		in["id"] = clip(text, 80)
	case text != "" && q.userNamed(text) != "":
		in["actor"] = q.userNamed(text)
	case text != "":
		in["kind"] = clip(strings.ReplaceAll(strings.ToLower(text), " ", "_"), 60)
	}
	p, err := do[*report.EventPage](q, "activity.list", in)
	if err != nil {
		return page.ActivityView{}, err
	}
	s, err := do[*report.LedgerStatus](q, "ledger.status", struct{}{})
	if err != nil {
		return page.ActivityView{}, err
	}
	v := page.ActivityView{Query: text, Keep: q.keep("kind", "actor"), Size: s.Size, Root: s.Checkpoint.Root,
		Checkpoint: page.Checkpoint{Size: s.Checkpoint.Size, Key: s.Key, Download: "/activity/checkpoint", Elsewhere: "the anchor folder of the server"}}
	if q.may("ledger.verify") {
		v.Verify = "/activity/verify"
	}
	for _, e := range p.Data {
		x := q.event(e)
		if n := len(v.Days); n == 0 || v.Days[n-1].Day.Format(time.DateOnly) != x.At.Format(time.DateOnly) {
			v.Days = append(v.Days, page.ActivityDay{Day: x.At})
		}
		d := &v.Days[len(v.Days)-1]
		d.Events = append(d.Events, x)
	}
	for _, k := range []struct{ text, kind string }{{"controls", "control"}, {"evidence", "evidence"}, {"policies", "policy"}, {"exceptions", "exception"}, {"tasks", "task"}, {"sources read", "run"}, {"tests run", "check_run"}, {"custom tests", "definition"}, {"rule files", "rule_file"}, {"sign-ins", "sign_in"}, {"confidential reads", "sensitive_read"}} {
		on := q.get("kind") == k.kind
		v.Chips = append(v.Chips, ui.Chip{Text: k.text, N: -1, On: on, Href: q.with("kind", unless(on, k.kind))})
	}
	v.Chips = append(v.Chips, ui.Chip{Text: "approvals by one person", N: -1, Href: "/approvals"})
	if n := len(p.Data); n > 0 {
		v.Pager.Text = ui.Num(p.Data[0].Seq) + " to " + ui.Num(p.Data[n-1].Seq)
	}
	if p.Next > 0 {
		v.Pager.Next = q.turn("before", p.Next)
	}
	v.Answer = []ui.Part{{Text: ui.Num(s.Size) + " entries", Href: "/activity"}, {Text: "; the newest checkpoint covers "}, {Text: ui.Num(s.Checkpoint.Size), Href: "/activity/checkpoint"}, {Text: " of them."}}
	if s.Behind != "" {
		v.Verified = &page.Verified{At: q.now, Entries: s.Size, Text: "The ledger is shorter than what was signed.", Wrong: []string{s.Behind}}
	}
	return v, nil
}

// userNamed finds somebody with an account by a part of the name.
func (q *ask) userNamed(text string) string {
	if !q.may("user.list") {
		return ""
	}
	l, err := do[listing](q, "user.list", map[string]any{"limit": 1000})
	if err != nil {
		return ""
	}
	for _, t := range l.Data {
		if strings.Contains(strings.ToLower(t.text("name")+" "+t.text("email")), strings.ToLower(text)) {
			return t.id()
		}
	}
	return ""
}

// verify recomputes the whole ledger and says what it found.
func verify(q *ask) (answer, error) {
	start := q.Gate.Clock().Now()
	a, err := do[store.Audit](q, "ledger.verify", struct{}{})
	if err != nil {
		return answer{}, err
	}
	v, err := q.activityView("")
	if err != nil {
		return answer{}, err
	}
	v.Verified = &page.Verified{Good: len(a.Problems) == 0, At: q.now, Entries: a.Size, Took: took(q.Gate.Clock().Now().Sub(start)), Text: "Every entry, body, row and file agrees."}
	if a.Root != "" {
		v.Root = a.Root
	}
	if !v.Verified.Good {
		v.Verified.Text = "The ledger does not agree with itself."
		for i, p := range a.Problems {
			if i == 20 {
				v.Verified.Wrong = append(v.Verified.Wrong, "and more: run assay verify on the server for all of it")
				break
			}
			v.Verified.Wrong = append(v.Verified.Wrong, p.Object+": "+p.Text)
		}
	}
	return show(page.Activity(q.frame("Activity", "activity"), v))
}

func entry(q *ask) (answer, error) {
	seq, err := strconv.ParseInt(q.id(), 10, 64)
	if err != nil || seq < 0 {
		return answer{}, errs.New(errs.NotFound, "there is no ledger entry %.20s", q.id())
	}
	e, err := do[*report.EntryOut](q, "ledger.entry", map[string]any{"seq": seq})
	if err != nil {
		return answer{}, err
	}
	v := page.EntryView{Seq: seq, Sentence: q.event(e.Event), Body: pretty(e.Body), Leaf: e.Event.Leaf, Proof: e.Proof, Size: e.Size, Root: e.Root}
	if e.Event.State == "disposed" {
		v.Body = "The content was lawfully disposed of. What the entry commits to stays."
	}
	ev := e.Event
	v.Fields = []ui.Pair{{Term: "At", Show: ui.At(q.local(ev.At))}, {Term: "Actor", Text: ev.Actor, Href: q.hrefOf("", ev.Actor)}, {Term: "Via", Text: ev.Via}, {Term: "Operation", Text: ev.Op}, {Term: "Kind", Text: words(ev.Kind), Href: "/activity" + query("kind", ev.Kind)},
		{Term: "Thing", Text: ev.ID, Href: q.hrefOf(ev.Kind, ev.ID)}, {Term: "Revision", Text: fmt.Sprint(ev.Rev)}, {Term: "Content", Text: ev.State}}
	if seq > 0 {
		v.Prev = fmt.Sprintf("/activity/%d", seq-1)
	}
	if seq+1 < e.Size {
		v.Next = fmt.Sprintf("/activity/%d", seq+1)
	}
	return show(page.LedgerEntry(q.frame("Ledger entry "+ui.Num(seq), "activity", ui.Link{Text: "Activity", Href: "/activity"}, ui.Link{Text: ui.Num(seq)}), v))
}

func pretty(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

// checkpoint gives the newest signed checkpoint as a file, to be kept somewhere else.
func checkpoint(q *ask) error {
	s, err := do[*report.LedgerStatus](q, "ledger.status", struct{}{})
	if err != nil {
		return err
	}
	if s.Checkpoint.Note == "" {
		return errs.New(errs.NotFound, "no checkpoint has been signed yet")
	}
	h := q.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fmt.Sprintf("checkpoint-%d.txt", s.Checkpoint.Size)}))
	_, err = q.w.Write([]byte(s.Checkpoint.Note))
	return err
}
