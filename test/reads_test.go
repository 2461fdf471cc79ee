// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/testkit"
)

// Every reading of restricted evidence is in the ledger, once for each reader and a while, whatever face it is read through.
func TestReadingRestrictedEvidenceIsWrittenDown(t *testing.T) {
	throughPages(t, func(t *testing.T, p *people) {
		p.signIn()
		me := op.Actor{Org: p.org, ID: "usr_reader", Roles: []op.Role{op.Manager}, Via: "rest"}
		gate := p.app.Gate
		f, err := gate.Upload(t.Context(), me, strings.NewReader("the text of the evidence"))
		fine(t, err)
		add := func(class string) string {
			t.Helper()
			e, err := op.Do[map[string]any](t.Context(), gate, me, "evidence.create", map[string]any{"title": "Payroll", "type": "report", "classification": class, "file": f.SHA256, "media_type": f.Media, "size": f.Size}, time.Time{})
			fine(t, err)
			return e["id"].(string)
		}
		secret, plain := add("restricted"), add("internal")
		reads := func(id string) (texts []string) {
			t.Helper()
			l, err := op.Do[*report.EventPage](t.Context(), gate, me, "activity.list", map[string]any{"id": id}, time.Time{})
			fine(t, err)
			for _, e := range l.Data {
				if e.Kind == "sensitive_read" {
					texts = append(texts, e.Text+" "+e.Label)
				}
			}
			return texts
		}
		counts := func(when, id string, want int) {
			t.Helper()
			if got := reads(id); len(got) != want {
				t.Errorf("%s: %d readings are written, want %d: %q", when, len(got), want, got)
			}
		}
		get := func(verb, id string) {
			t.Helper()
			_, err := gate.Call(t.Context(), me, op.Call{Op: "evidence." + verb, In: json.RawMessage(`{"id":"` + id + `"}`)})
			fine(t, err)
		}

		counts("made", secret, 0)
		for range 3 { // the page, and the things that it names
			p.wants(p.get("/evidence/"+secret), 200, "Payroll", "the text of the evidence")
		}
		counts("looked at on its page three times: it and its file", secret, 2)
		p.wants(p.get("/evidence"), 200, "Payroll")
		p.wants(p.get("/activity"), 200, "read the evidence", "Payroll")
		p.wants(p.get("/evidence/"+secret), 200, "read the evidence")
		counts("listed", secret, 2)
		get("get", secret)
		get("history", secret)
		counts("read by another", secret, 3)
		for range 2 {
			p.wants(p.get("/evidence/"+secret+"/file"), 200, "the text of the evidence")
		}
		counts("and a copy taken", secret, 4)
		if got := reads(secret)[0]; got != "took a copy of the file of the evidence Payroll" {
			t.Errorf("the copy is called %q", got)
		}
		p.clock.Move(11 * time.Minute)
		get("get", secret)
		counts("read again later", secret, 5)

		get("get", plain)
		get("history", plain)
		counts("what is not restricted", plain, 0)
		file, _, err := gate.Download(t.Context(), me, "evidence", plain, "file")
		fine(t, err)
		_, err = io.Copy(io.Discard, file)
		fine(t, err)
		fine(t, file.Close())
		counts("a copy of what is not restricted", plain, 1)
	})
}

// What could not be written down is not handed out: derived from the kinds that have something to guard.
func TestWithoutTheLedgerNothingGuardedIsRead(t *testing.T) {
	w := real()
	testkit.Engines(t, w.add, func(t *testing.T, h *testkit.House) {
		m, guarded := newMaker(t, h, w), 0
		for _, sh := range h.Set.Shapes() {
			for _, f := range sh.Fields {
				if f.Guards == "" {
					continue
				}
				guarded++
				in := m.input(t, testkit.Org, h.Set.Find(sh.Name+".create"), true)
				in[f.Name] = f.Guards
				id := m.must(t, m.full(testkit.Org), h.Set.Find(sh.Name+".create"), m.fresh(in))["id"]
				m.breakLedger(t)
				for _, verb := range []string{"get", "history"} {
					ans, err := m.gate(m.full(testkit.Org), h.Set.Find(sh.Name+"."+verb), map[string]any{"id": id}, time.Time{})
					if err == nil || ans.Out != nil || errs.Public(err).Code == errs.NotFound {
						t.Errorf("%s.%s of what is %s gave %v %v", sh.Name, verb, f.Guards, ans.Out, err)
					}
				}
				m.mendLedger(t)
				if _, err := m.gate(m.full(testkit.Org), h.Set.Find(sh.Name+".get"), map[string]any{"id": id}, time.Time{}); err != nil {
					t.Error(err)
				}
			}
		}
		if guarded == 0 {
			t.Error("no kind guards anything")
		}
	})
}
