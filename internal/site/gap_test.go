// SPDX-License-Identifier: Apache-2.0

package site_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/collect"
	"assay/internal/op"
	"assay/internal/report"
)

func (f *firm) tests(t *testing.T, in map[string]any) *report.TestList {
	t.Helper()
	l, err := op.Do[*report.TestList](t.Context(), f.Gate, f.me, "test.list", in, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// gap finds the group of a test in a list of groups.
func gap(all []report.Gap, test string) *report.Gap {
	for _, g := range all {
		if slices.Contains(g.Tests, test) {
			return &g
		}
	}
	return nil
}

func TestEveryTestWithoutDataIsInOneGroupThatSaysWhatAnswersIt(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{user("jo", nil)}
	f.check(t)
	all := f.tests(t, map[string]any{})
	in := map[string]int{}
	for _, g := range all.Gaps {
		if g.Text == "" || g.How == "" || len(g.Kinds) == 0 || strings.Contains(g.Text, "a source of") {
			t.Errorf("a group that helps nobody: %+v", g)
		}
		for _, id := range g.Tests {
			in[id]++
		}
	}
	for _, r := range all.Data {
		want := 0
		if r.State == "unknown" {
			want = 1
		}
		if in[r.Test] != want {
			t.Errorf("%s is %s and in %d groups", r.Test, r.State, in[r.Test])
		}
		if strings.HasSuffix(r.Reason, "connect one") {
			t.Errorf("%s: %q does not say what to connect", r.Test, r.Reason)
		}
	}
	if len(in) < 80 || len(in) != all.Count["unknown"] || len(all.Gaps) > 40 {
		t.Errorf("%d tests in %d groups, and %d have no data", len(in), len(all.Gaps), all.Count["unknown"])
	}
	for test, want := range map[string]report.Gap{
		"incident.notified":    {Key: "record", Connector: "file", Text: "Not recorded yet: "},
		"cloud.bucket_private": {Key: "connect", Connector: "file", Text: "Connect AWS, Azure or Google Cloud: "},
		"net.tls12":            {Key: "connect", Connector: "tls", Text: "Connect your TLS endpoints: "},
		"mail.spf":             {Key: "connect", Connector: "mail", Text: "Connect your mail domains: "},
		"idp.mfa_all":          {Key: "values", Text: "Data incomplete: "},
	} {
		g := gap(all.Gaps, test)
		if g == nil || g.Key != want.Key || g.Connector != want.Connector || !strings.HasPrefix(g.Text, want.Text) {
			t.Errorf("%s is in %+v", test, g)
		}
	}
}

func TestNoFaceSaysOfAGapSomethingElse(t *testing.T) {
	f := newFirm(t, "")
	f.users = []collect.Resource{user("jo", nil)}
	f.check(t)
	all := f.tests(t, map[string]any{}).Gaps
	o, err := op.Do[report.Overview](t.Context(), f.Gate, f.me, "readiness.get", map[string]any{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	texts := func(in []report.Gap) (out []string) {
		for _, g := range in {
			out = append(out, g.Text)
		}
		return out
	}
	if i := slices.IndexFunc(o.Next, func(s report.Step) bool { return s.Key == "sources" }); i < 0 || !slices.Equal(texts(o.Next[i].Gaps), texts(all)) {
		t.Errorf("what to do next names other groups than the list of tests: %+v", o.Next)
	}
	for _, id := range []string{"incident.notified", "idp.mfa_all", "net.tls12"} {
		if d := f.test(t, id); d.Gap == nil || d.Gap.Text != gap(all, id).Text {
			t.Errorf("%s: %+v", id, d.Gap)
		}
	}
	if d := f.test(t, "incident.notified"); !strings.Contains(d.Reason, "notification duties") || !strings.Contains(d.Gap.How, "--kind internal.notification_duty") {
		t.Errorf("the test does not say what it needs itself: %s; %s", d.Reason, d.Gap.How)
	}
	if l := f.tests(t, map[string]any{"state": "fail"}); len(l.Gaps) > 0 {
		t.Errorf("tests that failed need no data: %v", texts(l.Gaps))
	}
}

func TestAGapCloses(t *testing.T) {
	f := newFirm(t, "")
	f.supplies(t, []string{"internal.incident"}, collect.Resource{Kind: "internal.incident", Key: "i1", Name: "i1",
		Attrs: map[string]any{"severity": int64(1), "closed": true, "root_cause": "", "lessons": "", "improvements": []string{}, "no_improvement_reason": nil}})
	f.check(t)
	if g := gap(f.tests(t, map[string]any{}).Gaps, "incident.closed_out"); g != nil {
		t.Errorf("the incidents were imported, and are still asked for: %+v", g)
	}
	d := f.test(t, "incident.closed_out")
	if d.State != "fail" || d.Gap != nil || !slices.Equal(d.Imported, []string{"internal.incident"}) || !strings.Contains(d.Reason, "imported") {
		t.Errorf("%s %+v %v: %s", d.State, d.Gap, d.Imported, d.Reason)
	}
	p, err := op.Do[report.ResultPage](t.Context(), f.Gate, f.me, "test.results", map[string]any{"id": "incident.closed_out"}, time.Time{})
	if err != nil || len(p.Data) != 1 || !p.Data[0].Imported {
		t.Errorf("the result does not say that its row was imported: %+v %v", p.Data, err)
	}
	f.users, f.kinds = []collect.Resource{user("jo", false)}, []string{"idp.user"}
	f.check(t)
	p, err = op.Do[report.ResultPage](t.Context(), f.Gate, f.me, "test.results", map[string]any{"id": "idp.mfa_all"}, time.Time{})
	if err != nil || len(p.Data) != 1 || p.Data[0].Imported || f.test(t, "idp.mfa_all").Imported != nil {
		t.Errorf("what an identity provider says is not imported: %+v %v", p.Data, err)
	}
}
