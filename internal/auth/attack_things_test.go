// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
	"assay/internal/testkit"
)

// What the walk of attackers writes and tries to get approved.

// decided lists the kinds that two people decide on.
func decided(s *op.Set) []string {
	var out []string
	for _, sh := range s.Shapes() {
		if slices.ContainsFunc(sh.Moves, kind.Move.Apart) {
			out = append(out, sh.Name)
		}
	}
	return out
}

// verbs are what can be tried on a thing in a state, each as often as it is likely.
func (w *walk) verbs(sh kind.Shape, state string) []string {
	out := []string{"update", "end"}
	for _, mv := range sh.Moves {
		if !slices.Contains(mv.From, state) {
			continue
		}
		n := 1 + map[string]int{"submit": 9, "publish": 9, "propose_retire": 2, "ask_to_retire": 9}[mv.Verb]
		if mv.Apart() {
			n = 10
		}
		out = append(out, slices.Repeat([]string{mv.Verb}, n)...)
	}
	return slices.DeleteFunc(out, func(v string) bool { return w.h.Set.Find(sh.Name+"."+v) == nil })
}

// work is a step on what is written and approved.
func (w *walk) work(ctx context.Context, who int, a op.Actor) error {
	if len(w.things) == 0 || w.rnd.IntN(5) == 0 {
		return w.write(ctx, who, a)
	}
	x := w.things[max(w.rnd.IntN(len(w.things)), w.rnd.IntN(len(w.things)))]
	var now struct {
		Rev   int64
		State string
	}
	err := w.h.Store.View(ctx, w.org, time.Time{}, store.System("test"), func(v *store.View) error {
		body, _, err := v.Body(ctx, x.kind, x.id)
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &now)
	})
	if err != nil {
		return nil //nolint:nilerr // it was ended
	}
	sh, _ := w.h.Set.Shape(x.kind)
	verbs := w.verbs(sh, now.State)
	if len(verbs) == 0 {
		return nil
	}
	verb := verbs[w.rnd.IntN(len(verbs))]
	in := m{"id": x.id, "rev": now.Rev}
	for _, f := range w.h.Set.Find(x.kind + "." + verb).In {
		if f.Required && f.Name != "id" && f.Name != "rev" {
			in[f.Name] = "A reason that is long enough for it."
		}
	}
	if verb == "update" {
		field := "title"
		if f, ok := sh.Field("title"); !ok || f.ReadOnly || x.kind == "control_version" {
			field = "reason"
		}
		in[field] = fmt.Sprintf("Written anew, no %d", len(w.log))
		if x.kind == "policy" && w.rnd.IntN(2) == 0 {
			in["ref"] = w.otherRef(x)
			w.done["tried another ref"]++
		}
	}
	out, ok, err := w.call(ctx, who, a, x.kind+"."+verb, in)
	if err != nil || !ok {
		return err
	}
	if x.kind == "policy" {
		if err := w.called(who, x, verb, out); err != nil {
			return err
		}
	}
	if err := w.happened(who, a.ID, x, sh, verb, out); err != nil || x.kind != "scope_version" || verb != "approve" {
		return err
	}
	return w.inScope(ctx, who, out)
}

// otherRef is a ref that other policies have, or that nothing has.
func (w *walk) otherRef(x *target) string {
	for _, y := range w.things {
		if y != x && y.as != "" && w.rnd.IntN(2) == 0 {
			return y.as
		}
	}
	return fmt.Sprint("POL-", w.rnd.IntN(3))
}

// called holds that a text in force counts under the ref under which it was approved, and no other does under that.
func (w *walk) called(who int, x *target, verb string, out any) error {
	var p struct {
		Ref, State string
		No         int64 `json:"published_no"`
	}
	b, err := store.Encode(out)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return err
	}
	switch verb {
	case "approve":
		x.as = p.Ref
	case "publish":
		x.ref = x.as
	}
	if verb == "end" || p.No == 0 || p.State == "retired" {
		x.ref = ""
		return nil
	}
	if p.Ref != x.ref {
		return fmt.Errorf("human %d did policy.%s, and what was approved as %q counts as %q", who, verb, x.ref, p.Ref)
	}
	for _, y := range w.things {
		if y != x && y.kind == "policy" && y.ref != "" && y.ref == x.ref {
			return fmt.Errorf("human %d did policy.%s, and two policies count as %q", who, verb, x.ref)
		}
	}
	return nil
}

// stampOf is how something was approved; empty where two people stand behind it.
func stampOf(out any) (string, error) {
	var got struct {
		How string `json:"approved_how"`
	}
	b, err := store.Encode(out)
	if err == nil {
		err = json.Unmarshal(b, &got)
	}
	return got.How, err
}

// inScope holds the text that a change of scope put in force against who approved that.
func (w *walk) inScope(ctx context.Context, who int, out any) error {
	how, err := stampOf(out)
	if err != nil {
		return err
	}
	return w.h.Store.View(ctx, w.org, time.Time{}, store.System("test"), func(v *store.View) error {
		c, err := store.Get(ctx, v, grc.Controls, w.draft)
		if err != nil {
			return nil //nolint:nilerr // it was deleted
		}
		by, human := w.wrote[c.Text]
		if human {
			w.done["scope with an edited draft"]++
		}
		if human && c.State == "active" && by == who && how == "" {
			return fmt.Errorf("human %d approved a scope, and a control with the text that he wrote came into force; it bears no stamp", who)
		}
		return nil
	})
}

// edit writes a text of one's own into a draft of the library.
func (w *walk) edit(ctx context.Context, who int, a op.Actor) error {
	var rev int64
	if err := w.h.Store.View(ctx, w.org, time.Time{}, store.System("test"), func(v *store.View) error {
		c, err := store.Get(ctx, v, grc.Controls, w.draft)
		if err == nil {
			rev = c.Rev
		}
		return err
	}); err != nil {
		return err
	}
	text := fmt.Sprintf("Secrets are kept, no %d.", len(w.log))
	_, ok, err := w.call(ctx, who, a, "control.update", m{"id": w.draft, "rev": rev, "text": text})
	if ok {
		w.wrote[text] = who
		w.done["edited a draft"]++
	}
	return err
}

// upload brings a file; and now and then somebody who may approve brings it too, and has it cited by another.
func (w *walk) upload(ctx context.Context, who int, a op.Actor) (string, bool) {
	text := fmt.Sprint("An export of human ", who)
	f, err := w.h.Gate.Upload(ctx, a, strings.NewReader(text))
	if err != nil {
		return "", false // not everybody may
	}
	if w.brought[f.SHA256] == nil {
		w.brought[f.SHA256] = map[int]bool{}
	}
	w.brought[f.SHA256][who] = true
	other := w.rnd.IntN(2)
	if b, ok := w.actor(ctx, w.humans[other]); ok && other != who {
		if _, err := w.h.Gate.Upload(ctx, b, strings.NewReader(text)); err == nil {
			w.brought[f.SHA256][other] = true
			w.done["cited the file of another"]++
		}
	}
	return f.SHA256, true
}

// happened writes down the truth, and holds an approval against it.
func (w *walk) happened(who int, account string, x *target, sh kind.Shape, verb string, out any) error {
	by := x.wrote
	switch verb {
	case "end":
		w.done["end"]++
		return nil
	case "update", "submit", "revise", "propose":
		x.wrote[who] = true
		return nil
	case "propose_retire", "ask_to_retire":
		x.asked[who] = true
		return nil
	case "keep":
		clear(x.asked)
		return nil
	case "retire":
		by = x.asked
		w.done["retired"]++
	}
	if i := slices.IndexFunc(sh.Moves, func(mv kind.Move) bool { return mv.Verb == verb && mv.Apart() }); i < 0 {
		return nil
	}
	how, err := stampOf(out)
	if err != nil {
		return err
	}
	defer clear(by)
	w.done["approved "+x.kind]++
	if how != "" {
		w.done["approved with a stamp"]++
		return nil
	}
	w.done["approved by two"]++
	if verb == "accept" && w.brought[x.file][who] {
		return fmt.Errorf("human %d accepted a file that he uploaded himself, and it bears no stamp", who)
	}
	if helper, helped := w.helped[account]; by[who] && helped && !by[helper] {
		w.done["approved through an account that another handed over"]++ // two people did it together; no program sees that
		return nil
	}
	if by[who] {
		return fmt.Errorf("human %d did %s.%s, having written or asked for it, and it bears no stamp", who, x.kind, verb)
	}
	if len(by) == 0 {
		return fmt.Errorf("human %d did %s.%s, and nobody wrote it", who, x.kind, verb)
	}
	return nil
}

// write makes a thing that is to be approved.
func (w *walk) write(ctx context.Context, who int, a op.Actor) error {
	name := []string{"exception", "policy", "evidence", "decision", "control_version", "definition", "test_pause", "rule_file", "scope_version", "draft"}[w.rnd.IntN(10)]
	switch name {
	case "rule_file":
		return w.drop(ctx)
	case "draft":
		return w.edit(ctx, who, a)
	}
	asks, soon := append(w.people, "")[w.rnd.IntN(5)], func(days int) string { return clock.Format(w.h.Clock.Now().AddDate(0, 0, days)) }
	in := map[string]m{
		"exception":       {"title": "One account", "test": "some.test", "resource": "x", "reason": "The vendor cannot do it.", "expires_at": soon(80), "requested_by": asks},
		"policy":          {"ref": fmt.Sprint("OWN-", len(w.log)), "title": "A policy", "body": testkit.PolicyText(nil, "That is all."), "author": asks},
		"evidence":        {"title": "An export", "type": "log", "source_locator": "https://example.com/x"},
		"decision":        {"subject": "CC6.4", "decision": "not_applicable", "reason": "There is no office of our own.", "requested_by": asks},
		"control_version": {"control": w.control, "reason": "It is done less often.", "text": fmt.Sprintf("Access is reviewed, no %d.", len(w.log))},
		"definition":      {"title": "Ours", "reason": "Our contract asks for it.", "text": weakening(len(w.log))},
		"scope_version":   {"programme_start": soon(-1 - len(w.log))[:10], "reason": "Customers ask for it."},
		"test_pause":      {"test": "idp.dormant", "reason": "The provider is moved.", "ends_at": soon(1 + w.rnd.IntN(12)), "requested_by": asks},
	}[name]
	switch {
	case name == "scope_version" && w.rnd.IntN(4) > 0:
		other := w.rnd.IntN(2) // somebody who may approve it writes into the draft first
		if b, ok := w.actor(ctx, w.humans[other]); ok && other != who {
			if err := w.edit(ctx, other, b); err != nil {
				return err
			}
		}
		in = m{"categories": []string{"security", "confidentiality"}, "reason": "Customers ask for it."}
	case name == "policy" && w.rnd.IntN(4) == 0:
		in["ref"] = w.otherRef(nil)
	}
	file := ""
	if name == "evidence" && w.rnd.IntN(2) == 0 {
		sha, ok := w.upload(ctx, who, a)
		if !ok {
			return nil
		}
		file = sha
		in["file"], in["control"], in["evidence_key"] = sha, w.control, "export"
		in["covers_from"], in["covers_to"] = w.h.Clock.Now().AddDate(0, 0, -30).Format(time.DateOnly), w.h.Clock.Now().Format(time.DateOnly)
	}
	out, ok, err := w.call(ctx, who, a, name+".create", in)
	if err != nil || !ok {
		return err
	}
	var made struct{ ID string }
	b, err := store.Encode(out)
	if err == nil {
		err = json.Unmarshal(b, &made)
	}
	if err != nil {
		return err
	}
	w.things = append(w.things, &target{kind: name, id: made.ID, wrote: map[int]bool{who: true}, asked: map[int]bool{}, file: file})
	return nil
}

// weakening is a change of a test that is in force, in another way each time.
func weakening(n int) string {
	return fmt.Sprintf("tests:\n  - id: idp.dormant\n    interval_hours: %d\n", 100+n)
}

// drop lays a file into the data folder, where somebody holds that, and the program reads the folder.
func (w *walk) drop(ctx context.Context) error {
	who := slices.IndexFunc(w.humans, func(p *attacker) bool {
		return slices.ContainsFunc(p.means, func(x mean) bool { return x.folder != "" })
	})
	if who < 0 {
		return nil
	}
	path := fmt.Sprintf("f%d.yaml", len(w.log))
	w.log = append(w.log, fmt.Sprintf("human %d lays %s into the folder", who, path))
	w.files = []check.FileText{{Path: path, Text: weakening(len(w.log))}}
	var all []*check.RuleFile
	_, err := w.h.Store.Change(ctx, w.org, store.System("rule_file.read"), func(tx *store.Tx) error {
		if _, err := check.NoticeFiles(ctx, tx, w.files, nil); err != nil {
			return err
		}
		var err error
		all, err = store.All(ctx, &tx.View, check.RuleFiles, map[string]any{"state": "proposed"})
		return err
	})
	if err != nil && errs.Public(err).Code != errs.Internal { // two files change the same: the folder is refused as a whole
		w.log = append(w.log, "it is refused: "+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range all {
		if !slices.ContainsFunc(w.things, func(x *target) bool { return x.id == f.ID }) {
			w.things = append(w.things, &target{kind: "rule_file", id: f.ID, wrote: map[int]bool{who: true}, asked: map[int]bool{}})
		}
	}
	w.done["rule_file.drop"]++
	return nil
}
