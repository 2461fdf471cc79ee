// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/store"
)

// overrides are the versions from which it is read what was changed, and what was read: once, when it is first asked for.
type overrides struct {
	once        sync.Once
	orgs        []store.Dated[grc.Organization]
	controls    []store.Dated[grc.Control]
	proposals   []store.Dated[grc.ControlVersion]
	scopes      []store.Dated[grc.ScopeVersion]
	policies    []store.Dated[grc.Policy]
	decisions   []store.Dated[grc.Decision]
	exceptions  []store.Dated[grc.Exception]
	evidence    []store.Dated[grc.Evidence]
	definitions []store.Dated[check.Definition]
	files       []store.Dated[check.RuleFile]
	pauses      []store.Dated[check.TestPause]
	sources     []store.Dated[collect.SourceThing]
	systems     []store.Dated[grc.System]
	terms       map[int64]string

	lines []*changeLine
	by    map[string][]*changeLine // by subject
}

// changed are the changes that the versions in the ledger tell of, newest first, and by subject.
func (d *dated) changed() *overrides {
	o := d.over
	o.once.Do(func() {
		refs := map[string]string{}
		for _, c := range o.controls {
			refs[c.ID] = c.Thing.Ref
		}
		o.lines = slices.Concat(
			lives(o.proposals, grc.ControlVersions.Name, d.ofProposal(refs)), o.controlEdits(),
			lives(o.decisions, grc.Decisions.Name, d.ofDecision), lives(o.exceptions, grc.Exceptions.Name, ofException(refs)),
			lives(o.pauses, check.TestPauses.Name, ofPause), lives(o.definitions, check.Definitions.Name, ofDefinition),
			lives(o.files, check.RuleFiles.Name, ofRuleFile), lives(o.scopes, grc.ScopeVersions.Name, d.ofScope), d.ofOrganizations(), o.ofPolicies(), o.ofSources(), o.ofSystems(),
			lives(o.evidence, grc.Evidences.Name, ofWithdrawal(refs)))
		replaced(o.lines)
		nth := map[int64]int64{} // one version of the organisation may hold several changes
		for _, l := range o.lines {
			l.nth = nth[l.entry]
			nth[l.entry]++
		}
		newestFirst(o.lines)
		o.by = map[string][]*changeLine{}
		for _, l := range o.lines {
			for _, s := range l.subjects {
				o.by[s] = append(o.by[s], l)
			}
		}
	})
	return o
}

// newestFirst puts changes in the order of the list.
func newestFirst(all []*changeLine) {
	slices.SortStableFunc(all, func(a, b *changeLine) int {
		return cmp.Or(cmp.Compare(b.entry, a.entry), cmp.Compare(a.nth, b.nth))
	})
}

// telling is what one version of a thing says of the change that it holds.
type telling struct{ changeLine }

// lives reads a change from the versions of each thing: it is proposed, comes into force and ends, and one that begins
// anew is another change. tell gives nothing where a version holds no change.
func lives[T any, P kind.Thing[T]](all []store.Dated[T], kindName string, tell func(*store.Dated[T]) (telling, bool)) []*changeLine {
	var out []*changeLine
	cur, since := map[string]*changeLine{}, map[int64]bool{}
	for _, x := range all {
		since[x.Since] = true
	}
	for i := range all {
		x := &all[i]
		t, ok := tell(x)
		l, base := cur[x.ID], P(x.Thing).Base()
		if !ok {
			continue
		}
		if l == nil || over(l.state) && !over(t.state) {
			l = &changeLine{entry: x.Since, at: x.From, asked: base.UpdatedBy, askedAt: x.From, thing: x.ID, thingKind: kindName}
			cur[x.ID], out = l, append(out, l)
		}
		l.take(&t, x.Since, x.From, base.UpdatedBy)
		if !x.To.IsZero() && !since[x.Until] { // the thing itself was deleted
			if l.end(x.To, ""); !over(l.state) {
				l.state = map[bool]ChangeState{true: "withdrawn", false: "ended"}[l.from.IsZero()]
			}
		}
	}
	return out
}

func over(s ChangeState) bool { return s != "proposed" && s != "in_force" }

// take brings a change up to what a later version says.
func (l *changeLine) take(t *telling, entry int64, at time.Time, by string) {
	was := l.state
	l.kind, l.what, l.label, l.word, l.subjects, l.state, l.once, l.reason, l.answer, l.how, l.askedFor = t.kind, t.what, t.label, t.word, t.subjects, t.state, t.once, t.reason, t.answer, t.how, t.askedFor
	l.touches = t.touches
	if t.asked != "" {
		l.asked = t.asked
	}
	if t.fields != nil && (t.state == "proposed" || t.state != was) {
		l.fields = t.fields
	}
	switch {
	case t.state == "in_force" && was != "in_force":
		l.entry, l.at, l.from, l.until = entry, at, at, t.until
		if t.from.After(at) {
			l.from = t.from
		}
		if l.approved = t.approved; l.approved != "" {
			l.approvedAt = at
		}
	case over(t.state) && was == "in_force":
		l.end(at, by)
	case over(t.state) && was != t.state:
		l.endedBy = by
	}
}

// end ends a change that holds; one that had not begun never held.
func (l *changeLine) end(at time.Time, by string) {
	if l.from.IsZero() || !l.until.IsZero() && !l.until.After(at) {
		return
	}
	l.endedBy = by
	if l.until = at; l.from.After(at) {
		l.from, l.until = time.Time{}, time.Time{}
	}
}

// replaced ends what a later change of the same sort and subject took the place of.
func replaced(all []*changeLine) {
	last := map[string]*changeLine{}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *changeLine) int { return a.from.Compare(b.from) })
	for _, l := range sorted {
		if l.kind != "control" && l.kind != "scope" && l.kind != "time_zone" && l.kind != "solo_mode" && l.kind != "programme" || l.from.IsZero() {
			continue
		}
		key := string(l.kind) // of the one organisation, whether a version of it tells or what was proposed
		if l.kind == "control" {
			key = "control" + l.subjects[0]
		} else if l.kind == "programme" {
			key += l.what
		}
		if p := last[key]; p != nil && p.until.IsZero() {
			p.until = l.from
		}
		last[key] = l
	}
}

// allChanges are all changes, newest first: those of versions, the catalogues of tests that Assay brought, and what was deleted.
func allChanges(ctx context.Context, v *store.View, d *dated) ([]*changeLine, error) {
	all := d.changed().lines
	editions, err := ofEditions(ctx, v)
	if err != nil {
		return nil, err
	}
	deleted, err := ofDeleted(ctx, v)
	if err != nil {
		return nil, err
	}
	all = slices.Concat(all, editions, deleted)
	newestFirst(all)
	return all, nil
}

// lived are the kinds whose ending is told by the change that they hold.
var lived = []string{grc.ControlVersions.Name, grc.ScopeVersions.Name, grc.Decisions.Name, grc.Exceptions.Name, check.TestPauses.Name, check.Definitions.Name, check.RuleFiles.Name}

// ofDeleted are the things of every other kind that were deleted. Accounts and tokens are told of elsewhere: they judge nothing.
func ofDeleted(ctx context.Context, v *store.View) ([]*changeLine, error) {
	var out []*changeLine
	for _, sh := range v.Kinds() {
		if sh.System || sh.Create == kind.Never || sh.Object == "users" || sh.Object == "tokens" || slices.Contains(lived, sh.Name) {
			continue
		}
		all, err := v.Ended(ctx, sh.Name)
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			l := &changeLine{entry: e.By.Seq, at: e.By.At, kind: "deleted", what: first(noun(sh)) + " deleted", label: labelOf(sh, e.Was), thing: e.By.ID, thingKind: sh.Name, state: "in_force", asked: e.By.Actor, askedAt: e.By.At, from: e.By.At}
			var m struct{ Ref, State, Control string }
			if json.Unmarshal(e.Was.Body, &m) == nil && m.Ref != "" {
				l.subjects = []string{m.Ref}
			} else {
				l.subjects = []string{e.By.ID}
			}
			state := m.State
			l.fields = func(context.Context, *store.View, *dated) ([]WasNow, error) {
				return []WasNow{{Name: "state", Was: state, Now: "deleted"}}, nil
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// labelNow is what a thing is called, in its last version where it was deleted; its id where there is none.
func labelNow(ctx context.Context, v *store.View, kindName, id string) (string, error) {
	sh, ok := v.Shape(kindName)
	if !ok {
		return id, nil
	}
	body, _, err := v.Body(ctx, kindName, id)
	if errors.Is(err, errs.NotFound) {
		return id, nil
	}
	return labelOf(sh, store.Version{ID: id, Body: body}), err
}

// hiddenFrom says whether a thing is behind the veil of a view.
func hiddenFrom(ctx context.Context, v *store.View, kindName, id string) (bool, error) {
	_, _, err := v.Body(ctx, kindName, id)
	if !errors.Is(err, errs.NotFound) {
		return false, err
	}
	_, _, err = v.Whole().Body(ctx, kindName, id)
	if errors.Is(err, errs.NotFound) {
		return false, nil
	}
	return true, err
}
