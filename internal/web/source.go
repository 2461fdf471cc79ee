// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

func sources(q *ask) (answer, error) {
	l, err := do[listing](q, "source.list", map[string]any{"limit": 200})
	if err != nil {
		return answer{}, err
	}
	runs, err := q.newestRuns(l.Data)
	if err != nil {
		return answer{}, err
	}
	v := page.SourcesView{Tabs: q.tabs("/sources")}
	bad := 0
	for _, t := range l.Data {
		r := runs[t.id()]
		row := page.SourceRow{Name: t.text("name"), Kind: t.text("connector"), Href: "/sources/" + seg(t.id()), Status: r.status(t), Word: r.word(t), LastGood: q.local(r.good), Every: readWhen(t), ResourcesHref: "/resources" + query("source", t.id())}
		if r.any {
			row.Resources = total(r.last.Counts)
		}
		if r.any && r.last.State != collect.Complete {
			row.Error = r.last.Problem
			bad++
		}
		v.Rows = append(v.Rows, row)
	}
	v.Answer = sourcesAnswer(len(l.Data), bad)
	if q.mayChange("source.create") {
		if v.Kinds, err = q.connectors(); err != nil {
			return answer{}, err
		}
		if q.mayChange("source.run") {
			v.Import = "/sources/import"
		}
	}
	return show(page.Sources(q.frame("Sources", "sources"), v))
}

func sourcesAnswer(n, bad int) []ui.Part {
	out := []ui.Part{{Text: ui.Count(n, "source"), Href: "/sources"}, {Text: verb(n, " is", " are") + " connected"}}
	switch {
	case n == 0:
		return []ui.Part{{Text: "No source is connected yet, so nothing can be known."}}
	case bad == 0:
		return append(out, ui.Part{Text: verb(n, ", and it was read to its end the last time.", ", and each was read to its end the last time.")})
	}
	return append(out, ui.Part{Text: "; "}, ui.Part{Text: fmt.Sprint(bad), Href: "/activity?kind=run"}, ui.Part{Text: verb(bad, " was", " were") + " not read to the end the last time."})
}

func (q *ask) connectors() ([]page.SourceKind, error) {
	all, err := do[[]collect.Offer](q, "connector.list", struct{}{})
	if err != nil {
		return nil, err
	}
	var out []page.SourceKind
	for _, c := range all {
		out = append(out, page.SourceKind{Key: c.Name, Name: c.Title, About: c.Doc, Href: "/sources/new" + query("connector", c.Name)})
	}
	return out, nil
}

func source(q *ask) (answer, error) {
	t, err := do[thing](q, "source.get", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	p, err := do[collect.RunPage](q, "run.list", map[string]any{"source": t.id(), "limit": 25})
	if err != nil {
		return answer{}, err
	}
	newest, err := q.newestRuns([]thing{t})
	if err != nil {
		return answer{}, err
	}
	r := newest[t.id()]
	v := page.SourceView{Name: t.text("name"), Kind: t.text("connector"), Status: r.status(t), Word: r.word(t), State: t.text("state"), LastGood: q.local(r.good), Every: readWhen(t), HistoryAll: "/sources/" + seg(t.id()) + "/history"}
	if r.any && t.text("file") == "" {
		v.Next = q.local(r.last.StartedAt.Add(time.Duration(t.number("interval_hours")) * time.Hour))
	}
	if r.any {
		if r.last.State != collect.Complete {
			v.Error, v.Fix = first(r.last.Problem)+".", "Mend what it says, then read the source again."
		}
		for _, k := range slices.Sorted(maps.Keys(r.last.Counts)) {
			v.Counts = append(v.Counts, page.KindCount{Kind: k, N: r.last.Counts[k], Href: "/resources" + query("kind", k, "source", t.id())})
		}
	}
	config, _ := t["config"].(map[string]any)
	for _, k := range sortedKeys(config) {
		v.Settings = append(v.Settings, ui.Pair{Term: first(words(k)), Text: plainText(config[k])})
	}
	for _, x := range p.Data {
		v.Runs = append(v.Runs, q.runLine(x))
	}
	if t.text("file") != "" && q.mayChange("source.update") && q.mayChange("source.run") {
		v.NextFile = "/sources/import" + query("into", t.id())
	}
	if q.mayChange("source.update") {
		v.Edit = "/sources/" + seg(t.id()) + "/edit"
	}
	if q.mayChange("source.run") && t.text("state") == "enabled" {
		v.Run = "/sources/" + seg(t.id()) + "/run"
	}
	sh, _ := q.Gate.Shape("source")
	v.Acts = append(q.moves(sh, t), q.abouts(sh, t.id())...)
	if v.History, v.Entry, err = q.lately(t.id(), 5); err != nil {
		return answer{}, err
	}
	return show(page.Source(q.frame(v.Name, "sources", ui.Link{Text: "Sources", Href: "/sources"}, ui.Link{Text: v.Name}), v))
}

// readWhen says when a source is read: an uploaded file only when somebody imports one.
func readWhen(t thing) string {
	if t.text("file") != "" {
		return "when a file is imported"
	}
	return every(t.number("interval_hours"))
}

func (q *ask) runLine(x collect.Run) page.CollectionRun {
	status := healthOf(string(x.State))
	if x.State == collect.Failed {
		status = ui.Failing
	}
	return page.CollectionRun{Href: "/runs/" + seg(x.ID), Started: q.local(x.StartedAt), Took: took(x.FinishedAt.Sub(x.StartedAt)), State: string(x.State), Status: status,
		Pages: int(x.Pages), Resources: total(x.Counts), Changed: int(x.Changed + x.Gone), Error: x.Problem, Entry: x.Batch}
}

func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// runSource reads one source now.
func runSource(q *ask) (answer, error) { return q.readNow(q.id(), "") }

// readNow reads a source, once for a key that a form carries.
func (q *ask) readNow(id, key string) (answer, error) {
	out, _, err := q.once("source.run", map[string]any{"id": id}, key)
	if err != nil {
		return answer{}, err
	}
	var r collect.Run
	if err := json.Unmarshal(out, &r); err != nil {
		return answer{}, errs.New(errs.Internal, "the answer can't be read").Because(err)
	}
	said := fmt.Sprintf("Read to the end: %s, %d changed.", ui.Count(total(r.Counts), "resource"), r.Changed)
	if len(r.Notes) > 0 {
		said += " " + strings.Join(r.Notes, " ")
	}
	if r.State != collect.Complete {
		said = "The source was not read to its end: " + r.Problem
	}
	return goTo("/sources/"+seg(id), said)
}

// collection is one reading of a source.
func collection(q *ask) (answer, error) {
	r, err := do[*collect.Run](q, "run.get", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	l := q.runLine(*r)
	src := q.link(r.Source)
	v := page.DetailView{Title: "Run of " + src.Text, State: l.State, Why: r.Problem, Entry: r.Batch, Bare: true}
	counts := []ui.Pair{}
	for _, k := range slices.Sorted(maps.Keys(r.Counts)) {
		counts = append(counts, ui.Pair{Term: k, Text: ui.Num(int64(r.Counts[k])), Href: "/resources" + query("kind", k, "source", r.Source)})
	}
	v.Sections = []page.Section{{Title: "Resources seen", Pairs: counts}, {Title: "What was asked", Code: orElse(r.Query, "nothing")}}
	if len(r.Notes) > 0 {
		v.Sections = append(v.Sections, page.Section{Title: "Notes", Code: strings.Join(r.Notes, "\n")})
	}
	v.Side = []ui.Pair{{Term: "Source", Text: src.Text, Href: src.Href}, {Term: "Started", Show: ui.At(l.Started)}, {Term: "Took", Text: l.Took}, {Term: "Pages", Text: ui.Num(r.Pages)}, {Term: "New or changed", Text: ui.Num(r.Changed)}, {Term: "Gone", Text: ui.Num(r.Gone)}, {Term: "Spoke to", Text: r.APIVersion}}
	if r.Raw != "" {
		v.Side = append(v.Side, ui.Pair{Term: "Answer, sha256", Show: ui.Hash(string(r.Raw))})
	}
	return show(page.Detail(q.frame("Run", "sources", ui.Link{Text: "Sources", Href: "/sources"}, src, ui.Link{Text: "Run of " + l.Started.Format("2 Jan 15:04")}), v))
}
