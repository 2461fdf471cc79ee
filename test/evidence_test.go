// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/auth"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/report"
	"assay/internal/site"
	"assay/internal/store"
)

// office is a company with the library of controls, an author of evidence and a reviewer.
type office struct {
	*people
	t        *testing.T
	me, them op.Actor
}

func inOffice(t *testing.T, fn func(t *testing.T, o *office)) {
	throughPages(t, func(t *testing.T, p *people) {
		by := func(who string) op.Actor {
			return op.Actor{Org: p.org, ID: "usr_" + who, Person: "per_" + who, Roles: []op.Role{op.Self}, Via: "rest", Session: "s" + who}
		}
		fn(t, &office{people: p, t: t, me: by("author"), them: by("reviewer")})
	})
}

func (o *office) try(a op.Actor, name string, in map[string]any) (map[string]any, error) {
	return op.Do[map[string]any](context.Background(), o.app.Gate, a, name, in, time.Time{})
}

func (o *office) do(a op.Actor, name string, in map[string]any) map[string]any {
	o.t.Helper()
	out, err := o.try(a, name, in)
	fine(o.t, err)
	return out
}

func (o *office) control(ref string) string {
	o.t.Helper()
	return o.do(o.me, "control.list", map[string]any{"ref": ref})["data"].([]any)[0].(map[string]any)["id"].(string)
}

func (o *office) file(text string) string {
	o.t.Helper()
	f, err := o.app.Gate.Upload(context.Background(), o.me, strings.NewReader(text))
	fine(o.t, err)
	return f.SHA256
}

// piece is the input of a good piece of evidence, with changes: names and values in turn.
func (o *office) piece(ref, key string, change ...any) map[string]any {
	o.t.Helper()
	in := map[string]any{"title": "A piece of " + key, "type": "report", "control": o.control(ref), "evidence_key": key, "file": o.file("the file of " + key), "source_locator": "https://example.com/report", "taken_at": "2026-03-05T10:00:00Z"}
	for i := 0; i < len(change); i += 2 {
		in[change[i].(string)] = change[i+1]
		if change[i+1] == nil {
			delete(in, change[i].(string))
		}
	}
	return in
}

func (o *office) submit(in map[string]any) (map[string]any, error) {
	o.t.Helper()
	e := o.do(o.me, "evidence.create", in)
	return o.try(o.me, "evidence.submit", map[string]any{"id": e["id"], "rev": e["rev"]})
}

// accepted submits a piece, and has it read and accepted.
func (o *office) accepted(in map[string]any) string {
	o.t.Helper()
	e, err := o.submit(in)
	fine(o.t, err)
	if in["file"] != nil {
		o.opens(o.them, e["id"].(string))
		o.clock.Move(time.Minute)
	}
	o.do(o.them, "evidence.accept", map[string]any{"id": e["id"], "rev": e["rev"], "visible_confirmed": in["type"] == "screenshot"})
	return e["id"].(string)
}

// signInAs invites somebody with a role, who signs in.
func (o *office) signInAs(role string) {
	o.t.Helper()
	u, err := op.Do[auth.Invited](context.Background(), o.app.Gate, site.Here(o.org), "user.invite", map[string]any{"name": "Kim", "email": "kim@example.com", "roles": []string{role}}, time.Time{})
	fine(o.t, err)
	o.http.Jar, err = cookiejar.New(nil)
	fine(o.t, err)
	o.wants(o.post("/sign-in/link", "token", strings.TrimPrefix(u.Path, "/welcome?code="), "password", "a password of Kim"), 303)
	o.wants(o.post("/sign-in", "email", "kim@example.com", "password", "a password of Kim"), 303)
}

// bring sends the form that adds evidence, without a file.
func (o *office) bring(form ...string) shown {
	o.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(form); i += 2 {
		fine(o.t, w.WriteField(form[i], form[i+1]))
	}
	fine(o.t, w.Close())
	r, err := http.NewRequest("POST", o.srv.URL+"/evidence", &b)
	fine(o.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return o.send(r)
}

func (o *office) opens(a op.Actor, id string) {
	o.t.Helper()
	r, _, err := o.app.Gate.Download(context.Background(), a, "evidence", id, "file")
	fine(o.t, err)
	_, err = io.Copy(io.Discard, r)
	fine(o.t, err)
	fine(o.t, r.Close())
}

func (o *office) proof(id string) report.EvidenceProof {
	o.t.Helper()
	p, err := op.Do[*report.EvidenceProof](context.Background(), o.app.Gate, o.me, "evidence.quality", map[string]any{"id": id}, time.Time{})
	fine(o.t, err)
	l, err := op.Do[*report.EvidenceProofs](context.Background(), o.app.Gate, o.me, "evidence.proof", map[string]any{}, time.Time{})
	fine(o.t, err)
	i := slices.IndexFunc(l.Data, func(x report.EvidenceProof) bool { return x.ID == id })
	a, _ := json.Marshal(p)
	if b, _ := json.Marshal(l.Data[i]); string(a) != string(b) {
		o.t.Errorf("the list says %s, and the piece %s", b, a)
	}
	return *p
}

func (o *office) state(ref, key string) report.EvidenceRow {
	o.t.Helper()
	s, err := op.Do[*report.ControlStatus](context.Background(), o.app.Gate, o.me, "control.status", map[string]any{"ref": ref}, time.Time{})
	fine(o.t, err)
	i := slices.IndexFunc(s.Evidence, func(r report.EvidenceRow) bool { return r.Key == key })
	return s.Evidence[i]
}

func (o *office) refused(what string, err error, field string, words ...string) {
	o.t.Helper()
	e := errs.Public(err)
	if err == nil || e.Field != field {
		o.t.Errorf("%s: %v (field %q, want %q)", what, err, e.Field, field)
		return
	}
	for _, w := range words {
		if !strings.Contains(e.Error()+" "+e.Fix, w) {
			o.t.Errorf("%s: %q, fix %q, does not say %q", what, e.Error(), e.Fix, w)
		}
	}
}

func TestTheKindOfEvidenceIsChosenFromTheControlsList(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		_, err := o.try(o.me, "evidence.create", o.piece("IAM-09", "anything I like"))
		o.refused("a key that the control does not have", err, "evidence_key", "anything I like", "IAM-09", "monthly_dormant_report, removals")
		_, err = o.try(o.me, "evidence.create", o.piece("IAM-09", "removals", "control", nil))
		o.refused("a key without a control", err, "control")
		e := o.do(o.me, "evidence.create", o.piece("IAM-09", "removals"))
		_, err = o.try(o.me, "evidence.update", map[string]any{"id": e["id"], "rev": e["rev"], "evidence_key": "other"})
		o.refused("changed to a key that is not there", err, "evidence_key", "monthly_dormant_report, removals")
		_, err = o.try(o.me, "evidence.update", map[string]any{"id": e["id"], "rev": e["rev"], "control": o.control("IAM-02")})
		o.refused("changed to a control without that key", err, "evidence_key", "mfa_setting")
		c := o.do(o.me, "control.get", map[string]any{"id": o.control("IAM-09")})
		v := o.do(o.me, "control_version.create", map[string]any{"control": c["id"], "reason": "Nothing of this is collected any more.", "evidence": []any{}})
		o.do(o.them, "control_version.approve", map[string]any{"id": v["id"], "rev": v["rev"]})
		_, err = o.try(o.me, "evidence.submit", map[string]any{"id": e["id"], "rev": e["rev"]})
		o.refused("submitted when the control no longer asks for it", err, "evidence_key", "has no evidence items")
		o.signInAs("control") // who may edit their own
		p := o.wants(o.get("/evidence/new"), 200, `<select class="select" aria-describedby="f-evidence_key-hint" id="f-evidence_key" name="evidence_key"`, "IAM-12 Production access list")
		if strings.Contains(p.text, `<input class="input" type="text" name="evidence_key"`) {
			t.Error("the form takes any text")
		}
		iam := o.control("IAM-12")
		form := []string{"title", "A list", "type", "configuration_export", "evidence_key", iam + "/production_access_list", "source_locator", "https://example.com/x"}
		at := o.wants(o.bring(form...), 303).to
		if e := o.do(o.me, "evidence.get", map[string]any{"id": strings.TrimPrefix(at, "/evidence/")}); e["control"] != iam || e["evidence_key"] != "production_access_list" {
			t.Errorf("the form made %v of %v", e["evidence_key"], e["control"])
		}
		o.wants(o.get(at+"/edit"), 200, `name="evidence_key"`, `<option value="production_access_list" selected`)
		o.wants(o.bring(append(form, "control", o.control("IAM-02"))...), 422, "belongs to a different control")
		id := o.accepted(o.piece("IAM-09", "", "evidence_key", nil))
		if p := o.proof(id); p.Counts || p.State != "context" || !strings.Contains(p.Line, "context only") {
			t.Errorf("without a key it is context: %+v", p)
		}
	})
}

func TestEvidenceOfSingleEventsIsTiedToOneOrToADeclaration(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		_, err := o.submit(o.piece("CHG-08", "design_reviews"))
		o.refused("no event", err, "event", "nothing_happened")
		_, err = o.try(o.me, "evidence.create", o.piece("CHG-08", "design_reviews", "event", "OFF-12"))
		o.refused("an event without a day", err, "event_on")
		_, err = o.try(o.me, "evidence.create", o.piece("CHG-08", "design_reviews", "nothing_happened", true))
		o.refused("a declaration without days", err, "covers_from")
		_, err = o.try(o.me, "evidence.create", o.piece("CHG-08", "design_reviews", "nothing_happened", true, "covers_from", "2026-01-01", "covers_to", "2026-04-01"))
		o.refused("a declaration of days to come", err, "covers_to", "future")
		_, err = o.submit(o.piece("CHG-08", "design_reviews", "nothing_happened", true, "covers_from", "2025-12-01", "covers_to", "2026-02-28", "file", nil, "source_locator", nil))
		o.refused("a declaration that does not say how one knows", err, "notes")
		_, err = o.submit(o.piece("IAM-09", "monthly_dormant_report", "nothing_happened", true, "covers_from", "2025-12-01", "covers_to", "2026-02-28"))
		o.refused("a declaration for what is collected each month", err, "nothing_happened")
		_, err = o.submit(o.piece("CHG-04", "deployment_population"))
		o.refused("a list of events without its days", err, "covers_from")
		if got := o.state("CHG-08", "design_reviews").State; got != "not_due" {
			t.Errorf("without anything it is %s", got)
		}
		e, err := o.submit(o.piece("CHG-08", "design_reviews", "nothing_happened", true, "covers_from", "2025-12-01", "covers_to", "2026-02-28", "file", nil, "source_locator", nil, "taken_at", nil, "notes", "Nobody left: the list of people."))
		fine(t, err)
		if got := o.state("CHG-08", "design_reviews").State; got != "not_due" {
			t.Errorf("a declaration that nobody has accepted makes it %s", got)
		}
		_, err = o.try(o.me, "evidence.accept", map[string]any{"id": e["id"], "rev": e["rev"]})
		if errs.Public(err).Code != errs.Denied {
			t.Errorf("accepted by its author: %v", err)
		}
		o.do(o.them, "evidence.accept", map[string]any{"id": e["id"], "rev": e["rev"]})
		if p := o.proof(e["id"].(string)); !p.Counts || p.Line != "Counts for CHG-08, 6 Mar – 29 May 2026: nothing happened (1 Dec 2025 – 28 Feb 2026)." || len(p.Flags) > 0 {
			t.Errorf("%+v", p)
		}
		if got := o.state("CHG-08", "design_reviews"); got.State != "nil_declared" {
			t.Errorf("declared and accepted: %+v", got)
		}
		id := o.accepted(o.piece("CHG-08", "design_reviews", "event", "OFF-12", "event_on", "2026-02-10"))
		if p := o.proof(id); p.Line != "Counts for CHG-08: OFF-12 on 10 Feb 2026. Valid 6 Mar 2026 – 10 Feb 2027." {
			t.Errorf("%+v", p)
		}
		if got := o.state("CHG-08", "design_reviews"); got.State != "current" || got.Piece != id {
			t.Errorf("with an event: %+v", got)
		}
	})
}

// An event that somebody told of leaves no declaration standing that nothing happened, from then on.
func TestASubmittedEventEndsADeclaration(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		is := func(when, want string) {
			t.Helper()
			if got := o.state("CHG-08", "design_reviews"); got.State != want {
				t.Errorf("%s it is %s, want %s", when, got.State, want)
			}
		}
		none := o.accepted(o.piece("CHG-08", "design_reviews", "nothing_happened", true, "covers_from", "2025-12-01", "covers_to", "2026-02-28", "file", nil, "source_locator", nil, "taken_at", nil, "notes", "The list of changes."))
		is("declared", "nil_declared")
		if p := o.proof(none); !p.Counts {
			t.Errorf("declared: %+v", p)
		}
		e := o.do(o.me, "evidence.create", o.piece("CHG-08", "design_reviews", "event", "OFF-12", "event_on", "2026-02-10"))
		is("with a draft about an event", "nil_declared")
		before := o.clock.Now()
		o.clock.Move(time.Minute)
		e = o.do(o.me, "evidence.submit", map[string]any{"id": e["id"], "rev": e["rev"]})
		is("with an event that waits for review", "not_due")
		if p := o.proof(none); p.Counts || p.State != "not_counting" || !strings.Contains(p.Line, "there is evidence of an event in that time") {
			t.Errorf("the declaration says of itself: %+v", p)
		}
		o.clock.Move(time.Minute)
		s, err := op.Do[*report.ControlStatus](context.Background(), o.app.Gate, o.me, "control.status", map[string]any{"ref": "CHG-08"}, before)
		fine(t, err)
		if i := slices.IndexFunc(s.Evidence, func(r report.EvidenceRow) bool { return r.Key == "design_reviews" }); s.Evidence[i].State != "nil_declared" {
			t.Errorf("as of before it is %s", s.Evidence[i].State)
		}
		e = o.do(o.them, "evidence.return", map[string]any{"id": e["id"], "rev": e["rev"], "reason": "Which review was it?"})
		is("with an event that came back", "not_due")
		o.clock.Move(time.Minute)
		e = o.do(o.me, "evidence.submit", map[string]any{"id": e["id"], "rev": e["rev"]})
		is("with an event that waits again", "not_due")
		o.clock.Move(time.Minute)
		o.opens(o.them, e["id"].(string))
		o.clock.Move(time.Minute)
		o.do(o.them, "evidence.accept", map[string]any{"id": e["id"], "rev": e["rev"]})
		is("with an event that was accepted", "current")
		_, err = o.submit(o.piece("CHG-08", "design_reviews", "event", "OFF-13", "event_on", "2026-03-02"))
		fine(t, err)
		is("with another event after the days of the declaration", "current")
	})
}

func TestNothingIsClaimedOfDaysToCome(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		_, err := o.try(o.me, "evidence.create", o.piece("IAM-09", "removals", "covers_from", "2026-03-07"))
		o.refused("cover that begins tomorrow", err, "covers_from", "future")
		_, err = o.try(o.me, "evidence.create", o.piece("CHG-08", "design_reviews", "event", "OFF-13", "event_on", "2026-03-07"))
		o.refused("an event of tomorrow", err, "event_on", "future")
		_, err = o.try(o.me, "evidence.create", o.piece("IAM-09", "removals", "taken_at", "2031-01-01T00:00:00Z"))
		o.refused("taken years ahead", err, "taken_at", "future")
		id := o.accepted(o.piece("IAM-09", "removals", "covers_from", "2026-02-01", "covers_to", "2031-01-01", "valid_until", "2099-01-01"))
		if p := o.proof(id); p.Line != "Counts for IAM-09, 6 Mar – 30 Apr 2026. The end date you gave is later and has no effect." {
			t.Errorf("%s", p.Line)
		}
	})
}

// What somebody does not classify is confidential, and public never is what a form, the command line or the interface begins with.
func TestNothingIsPublicUnlessSomebodySaysSo(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		held := 0
		for _, x := range o.app.Set.All() {
			for _, f := range x.In {
				if !x.Writes || !slices.Contains(f.Enum, "public") || !slices.Contains(f.Enum, "confidential") {
					continue
				}
				held++
				if x.Fresh && f.Default != "confidential" || f.Default == "public" || f.Required && f.Enum[0] == "public" {
					t.Errorf("%s: %s begins as %q", x.Name, f.Name, f.Default)
				}
			}
		}
		if held == 0 {
			t.Error("nothing is classified: this proves nothing")
		}
		if e := o.do(o.me, "evidence.create", o.piece("IAM-09", "removals")); e["classification"] != "confidential" {
			t.Errorf("made as %v", e["classification"])
		}
		o.signIn()
		o.wants(o.get("/evidence/new?control=IAM-09"), 200, `<option value="confidential" selected`)
	})
}

func TestAPieceSaysForWhichDaysItCountsOrWhyNot(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		says := func(id, state, line string, counts bool) {
			t.Helper()
			if p := o.proof(id); p.State != state || p.Line != line || p.Counts != counts {
				t.Errorf("%s: %q", p.State, p.Line)
			}
		}
		e := o.do(o.me, "evidence.create", o.piece("IAM-09", "removals"))
		id := e["id"].(string)
		says(id, "waiting", "Does not count yet: submit it for review.", false)
		e = o.do(o.me, "evidence.submit", map[string]any{"id": id, "rev": e["rev"]})
		says(id, "waiting", "Does not count yet: waiting for review.", false)
		e = o.do(o.them, "evidence.return", map[string]any{"id": id, "rev": e["rev"], "reason": "The list is cut off."})
		says(id, "waiting", "Does not count: it was returned.", false)
		e = o.do(o.me, "evidence.submit", map[string]any{"id": id, "rev": e["rev"]})
		e = o.do(o.them, "evidence.accept", map[string]any{"id": id, "rev": e["rev"]})
		says(id, "current", "Counts for IAM-09, 6 Mar – 30 Apr 2026.", true) // taken in March, so until the end of April
		if r := o.state("IAM-09", "removals"); r.Line != "Counts for IAM-09, 6 Mar – 30 Apr 2026." || r.Piece != id {
			t.Errorf("its control says %+v", r)
		}
		o.clock.Move(24 * time.Hour)
		e = o.do(o.them, "evidence.withdraw", map[string]any{"id": id, "rev": e["rev"], "reason": "It was of another system."})
		if e["withdrawn_by"] != o.them.ID || e["withdrawn_at"] != "2026-03-07T09:00:00Z" {
			t.Errorf("withdrawn by %v at %v", e["withdrawn_by"], e["withdrawn_at"])
		}
		if _, err := o.try(o.me, "evidence.update", map[string]any{"id": id, "rev": e["rev"], "reason": "Another reason."}); errs.Public(err).Code != errs.Conflict {
			t.Errorf("the reason of a withdrawal changed: %v", err)
		}
		says(id, "withdrawn", "Does not count: withdrawn on 7 Mar 2026. Until then it counted for IAM-09, 6 Mar – 30 Apr 2026.", false)

		link := o.accepted(o.piece("IAM-09", "monthly_dormant_report", "file", nil))
		says(link, "context", "Does not count: context only, because it has no file.", false)
		if r := o.state("IAM-09", "monthly_dormant_report"); r.State != "missing" || r.Piece != "" || !strings.Contains(r.Line, "it has no file") {
			t.Errorf("a link proves its control: %+v", r)
		}
		says(o.accepted(o.piece("IAM-09", "removals", "covers_from", "2019-01-01", "covers_to", "2019-01-31")), "expired", "Does not count for IAM-09: it was too old when it was accepted (covers 1 – 31 Jan 2019).", false)
		says(o.accepted(o.piece("VEN-01", "register_export", "row_count", 12, "covers_from", "2026-01-01", "covers_to", "2026-03-05")), "not_counting", "Does not count for VEN-01: it does not cover a whole quarter.", false)
		list := o.accepted(o.piece("VEN-01", "register_export", "row_count", 12, "covers_from", "2025-10-01", "covers_to", "2025-12-31"))
		says(list, "current", "Counts for VEN-01, 7 Mar – 16 Apr 2026.", true) // 31 December + 106 days
		o.signIn()
		o.wants(o.get("/evidence/"+list), 200, "Counts for VEN-01, 7 Mar – 16 Apr 2026.")
		o.wants(o.get("/evidence"), 200, "Counts for VEN-01, 7 Mar – 16 Apr 2026.", "Does not count: context only, because it has no file.")
		o.wants(o.get("/controls/VEN-01"), 200, "Counts for VEN-01, 7 Mar – 16 Apr 2026.")
	})
}

// The quality flags of F-04, each alone on an otherwise good piece.
func TestTheQualityFlagsNameWhatIsDoubtful(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		flags := func(id string) (out string) {
			t.Helper()
			p := o.proof(id)
			for _, f := range p.Flags {
				out += f.Code
				if !strings.HasPrefix(f.Fix, "Upload") && !strings.HasPrefix(f.Fix, "Take") { // what was accepted never changes
					t.Errorf("%s of accepted evidence says %q", f.Code, f.Fix)
				}
			}
			if want := !strings.ContainsAny(out, "1235"); p.Ready != want {
				t.Errorf("flags %s, ready %v", out, p.Ready)
			}
			return out
		}
		n := 0
		has := func(what, want string, in map[string]any) {
			t.Helper()
			if n++; in["file"] != nil {
				in["file"] = o.file("a file of its own, " + what)
			}
			if got := flags(o.accepted(in)); got != want {
				t.Errorf("%s: flags %q, want %q", what, got, want)
			}
		}
		has("a good piece", "", o.piece("IAM-09", "removals"))
		has("no time", "Q1", o.piece("IAM-09", "removals", "taken_at", nil))
		has("no source", "Q2", o.piece("IAM-09", "removals", "source_locator", nil))
		has("an old cover", "Q3Q6", o.piece("IAM-09", "removals", "covers_to", "2019-01-31"))
		has("part of a quarter", "Q3", o.piece("VEN-01", "register_export", "row_count", 12, "covers_from", "2026-01-01", "covers_to", "2026-03-01", "type", "population", "row_count", 9))
		has("a screenshot without address and clock", "Q4", o.piece("IAM-09", "removals", "type", "screenshot"))
		has("a screenshot with both", "", o.piece("IAM-09", "removals", "type", "screenshot", "url_visible", true, "clock_visible", true))
		has("a population without its query", "Q2Q5", o.piece("VEN-01", "register_export", "row_count", 12, "covers_from", "2025-10-01", "covers_to", "2025-12-31", "taken_at", "2026-01-05T00:00:00Z", "type", "population", "source_locator", nil, "row_count", 9))
		has("an empty population", "", o.piece("VEN-01", "register_export", "row_count", 12, "covers_from", "2025-10-01", "covers_to", "2025-12-31", "taken_at", "2026-01-05T00:00:00Z", "type", "population", "row_count", 0))
		has("taken long after its days", "Q6", o.piece("IAM-10", "sample_log_extracts", "covers_from", "2026-01-01", "covers_to", "2026-01-31", "taken_at", "2026-03-04T00:00:00Z"))

		one := o.accepted(o.piece("IAM-09", "removals", "covers_to", "2026-02-20", "covers_from", "2026-02-01"))
		two := o.accepted(o.piece("IAM-09", "removals", "covers_to", "2026-02-28", "covers_from", "2026-02-21"))
		if a, b := flags(one), flags(two); a+b != "" {
			t.Errorf("one file twice for February: %q %q", a, b)
		}
		march := o.accepted(o.piece("IAM-09", "removals", "covers_to", "2026-03-04", "covers_from", "2026-03-01"))
		if a, b := flags(one), flags(march); a != "Q7" || b != "Q7" {
			t.Errorf("one file for February and March: %q %q", a, b)
		}
		unread := func(opens ...time.Duration) string {
			n++
			e, err := o.submit(o.piece("IAM-09", "removals", "file", o.file("unread "+string(rune('a'+n)))))
			fine(t, err)
			for _, d := range opens {
				o.opens(o.them, e["id"].(string))
				o.clock.Move(d)
			}
			o.opens(o.me, e["id"].(string)) // that its author opened it says nothing
			o.do(o.them, "evidence.accept", map[string]any{"id": e["id"], "rev": e["rev"]})
			return e["id"].(string)
		}
		never, short := unread(), unread(time.Second)
		if a, b := o.proof(never).Flags, o.proof(short).Flags; len(a) != 1 || a[0].Code != "Q8" || !strings.Contains(a[0].Text, "never") || len(b) != 1 || !strings.Contains(b[0].Text, "less than 2 seconds") {
			t.Errorf("accepted unread: %v %v", a, b)
		}
		if got := flags(unread(3 * time.Second)); got != "" {
			t.Errorf("read for three seconds: %q", got)
		}
		o.readsOnly(n)
		o.signIn()
		o.wants(o.get("/evidence/"+never), 200, "Q8 The reviewer never opened the file.")
		o.wants(o.get("/evidence?flag=Q7"), 200, "3 shown", "Q7 file reused")
	})
}

// Whoever brought a piece mends it when it comes back, a manager too; nobody else changes it.
func TestAManagerMendsTheEvidenceThatCameBack(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		e := c.do(c.manager, "evidence.create", map[string]any{"title": "Export", "type": "log", "source_locator": "https://example.com/export"})
		e = c.next(c.manager, "evidence.submit", e)
		e = c.next(c.second, "evidence.return", e, "reason", "It does not say of which system.")
		in := map[string]any{"id": e["id"], "rev": e["rev"], "notes": "Of the shop."}
		if _, err := c.try(c.second, "evidence.update", in); errs.Public(err).Code != errs.NotFound {
			t.Errorf("another manager changes it: %v", err)
		}
		e = c.do(c.manager, "evidence.update", in)
		e = c.next(c.manager, "evidence.submit", e)
		c.next(c.second, "evidence.accept", e)
	})
}

// Whoever is accused by verify has done something: what is refused leaves nothing that could be missing later.
func TestVerifyAccusesNobodyOfAFileThatWasNeverThere(t *testing.T) {
	inOffice(t, func(t *testing.T, o *office) {
		_, err := o.try(o.me, "evidence.create", o.piece("IAM-09", "removals", "file", strings.Repeat("ab", 32)))
		o.refused("never uploaded", err, "file", "upload the file first")
		o.accepted(o.piece("IAM-09", "removals"))
		a, err := op.Do[store.Audit](context.Background(), o.app.Gate, o.me, "ledger.verify", map[string]any{}, time.Time{})
		fine(t, err)
		if len(a.Problems) > 0 || a.Files == 0 {
			t.Errorf("%d files, findings %v", a.Files, a.Problems)
		}
	})
}

// readsOnly holds that reading what is said of a piece is not opening its file, and that its preview is.
func (o *office) readsOnly(n int) {
	o.t.Helper()
	for way, want := range map[string]string{"get": "Q8", "preview": ""} {
		n++
		e, err := o.submit(o.piece("IAM-09", "removals", "classification", "restricted", "file", o.file("looked at "+string(rune('a'+n)))))
		fine(o.t, err)
		id := e["id"].(string)
		o.do(o.them, "evidence.get", map[string]any{"id": id})
		_, err = op.Do[any](o.t.Context(), o.app.Gate, o.them, "evidence.history", map[string]any{"id": id}, time.Time{})
		fine(o.t, err)
		if way == "preview" {
			r, _, err := o.app.Gate.Preview(o.t.Context(), o.them, "evidence", id, "file")
			fine(o.t, err)
			fine(o.t, r.Close())
		}
		o.clock.Move(time.Minute)
		o.do(o.them, "evidence.accept", map[string]any{"id": id, "rev": e["rev"]})
		got := ""
		for _, f := range o.proof(id).Flags {
			got += f.Code
		}
		if got != want {
			o.t.Errorf("after a %s: flags %q, want %q", way, got, want)
		}
	}
}
