// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// ChangeKind is what sort of thing was changed.
type ChangeKind string

// Values lists them.
func (ChangeKind) Values() []string {
	return []string{"test", "exception", "not_applicable", "control", "pause", "policy", "evidence", "source", "system", "scope", "time_zone", "solo_mode", "programme", "catalogue", "deleted"}
}

// ChangeState is where a change is at a moment.
type ChangeState string

// Values lists them.
func (ChangeState) Values() []string {
	return []string{"proposed", "scheduled", "in_force", "ended", "revoked", "rejected", "withdrawn"}
}

// OwnChange is one thing that the organisation changed about how it is judged: it stays listed when it is over.
type OwnChange struct {
	ID           string      `json:"id" doc:"Id of the change in this list."`
	Entry        int64       `json:"entry" doc:"Its ledger entry: the one that put it in force, or else proposed it."`
	At           time.Time   `json:"at" doc:"When that was."`
	Kind         ChangeKind  `json:"kind" doc:"What kind of thing was changed."`
	What         string      `json:"what" doc:"What was done, such as Control retired."`
	Subjects     []string    `json:"subjects" doc:"What it is about: refs of controls and criteria, names of tests."`
	Label        string      `json:"label" doc:"Its name."`
	Thing        string      `json:"thing,omitempty" doc:"The record it is part of."`
	ThingKind    string      `json:"thing_kind,omitempty" doc:"The kind of that record."`
	State        ChangeState `json:"state" doc:"Its state now, or at the moment asked about."`
	AskedBy      string      `json:"asked_by" doc:"Id of who asked for it or did it."`
	AskedName    string      `json:"asked_by_name" doc:"Who that is."`
	AskedAt      time.Time   `json:"asked_at" doc:"When."`
	AskedFor     string      `json:"asked_for,omitempty" doc:"The person for whom it was asked."`
	ApprovedBy   string      `json:"approved_by,omitempty" doc:"Id of who approved it; empty if nobody did."`
	ApprovedName string      `json:"approved_by_name,omitempty" doc:"Who that is."`
	ApprovedAt   *time.Time  `json:"approved_at,omitempty" doc:"When."`
	How          kind.How    `json:"how" doc:"How it was approved; empty if two separate people requested and approved it."`
	From         *time.Time  `json:"from,omitempty" doc:"When it came into force; empty if it never did."`
	Until        *time.Time  `json:"until,omitempty" doc:"When it ends or ended; empty if it has no end."`
	Reason       string      `json:"reason" doc:"Why; empty if no reason was given."`
	EndedBy      string      `json:"ended_by,omitempty" doc:"Id of who ended it early."`
	EndedName    string      `json:"ended_by_name,omitempty" doc:"Who that is."`
	EndReason    string      `json:"end_reason,omitempty" doc:"Why it was rejected, revoked or withdrawn."`
	Fields       []WasNow    `json:"fields" doc:"What changed."`
}

// WasNow is what changed in one field.
type WasNow struct {
	Name string `json:"name" doc:"The field."`
	Was  string `json:"was" doc:"Value before; empty if it was not set."`
	Now  string `json:"now" doc:"Value after; empty if it is not set."`
}

// ChangePage is a page of what the organisation changed.
type ChangePage struct {
	Data  []OwnChange    `json:"data" doc:"The changes, newest first."`
	Count map[string]int `json:"count" doc:"Number of changes of each kind, regardless of the kind filter."`
	One   int            `json:"one_person" doc:"How many of them one person approved."`
	Total int            `json:"total" doc:"Number of changes on all pages."`
	Next  string         `json:"next,omitempty" doc:"Send it as after to get the next page."`
}

type changesIn struct {
	Kind    string    `json:"kind" doc:"Only this kind of change: test, exception, not_applicable, control, pause, policy, evidence, source, system, scope, time_zone, solo_mode, programme, catalogue or deleted." max:"30"`
	State   string    `json:"state" doc:"Only those in this state: proposed, scheduled, in_force, ended, revoked, rejected or withdrawn." max:"30"`
	Subject string    `json:"subject" doc:"Only about this control, criterion, test or thing: its ref, name or id." max:"120"`
	From    kind.Date `json:"from" doc:"Only those in force on this day or later."`
	To      kind.Date `json:"to" doc:"Only those in force on this day or earlier."`
	One     bool      `json:"one_person" doc:"Only those that two separate people did not clearly approve."`
	After   string    `json:"after" doc:"Start after this one: the value of next from the previous page." max:"40"`
	Limit   int64     `json:"limit" doc:"Maximum number of results." min:"1" max:"200" default:"50"`
}

// changes lists what the organisation changed about how it is judged.
func (b *Boards) changes(ctx context.Context, v *store.View, in changesIn) (*ChangePage, error) {
	if err := in.sound(); err != nil {
		return nil, err
	}
	d, err := b.dated(ctx, v)
	if err != nil {
		return nil, err
	}
	all, err := allChanges(ctx, v, d)
	if err != nil {
		return nil, err
	}
	p := &ChangePage{Data: []OwnChange{}, Count: map[string]int{}}
	var found []*changeLine
	for _, l := range all {
		if !in.fits(d, l, v.Now) {
			continue
		}
		p.Count[string(l.kind)]++
		if in.Kind != "" && in.Kind != string(l.kind) {
			continue
		}
		found = append(found, l)
		if l.how != "" {
			p.One++
		}
	}
	p.Total = len(found)
	if in.After != "" {
		i := slices.IndexFunc(found, func(l *changeLine) bool { return l.id() == in.After })
		if i < 0 {
			return nil, errs.At("after", "%q is not in this list", in.After).Mend("use the value of next from the previous page")
		}
		found = found[i+1:]
	}
	if len(found) > int(in.Limit) {
		found = found[:in.Limit]
		p.Next = found[in.Limit-1].id()
	}
	n := namer{v: v, names: map[string]string{}}
	for _, l := range found {
		c, err := n.told(ctx, d, l)
		if err != nil {
			return nil, err
		}
		p.Data = append(p.Data, c)
	}
	return p, nil
}

func (in changesIn) sound() error {
	for _, x := range []struct {
		name, value string
		of          []string
	}{{"kind", in.Kind, ChangeKind("").Values()}, {"state", in.State, ChangeState("").Values()}} {
		if x.value != "" && !slices.Contains(x.of, x.value) {
			return errs.At(x.name, "%q is not one of %s", x.value, strings.Join(x.of, ", "))
		}
	}
	if in.From != "" && in.To != "" && in.To < in.From {
		return errs.At("to", "is before from")
	}
	return nil
}

// fits says whether a change is asked for, but for its kind.
func (in changesIn) fits(d *dated, l *changeLine, now time.Time) bool {
	if in.State != "" && in.State != string(l.stateAt(now)) || in.One && l.how == "" || !l.about(in.Subject) {
		return false
	}
	first, last := l.askedAt, l.askedAt.Add(1) // one that never held is looked for on the day on which it was asked for
	if !l.from.IsZero() {
		first, last = l.from, l.until
	}
	if day, err := check.ParseDay(string(in.To)); err == nil && !first.Before(d.days.Start(day+1)) {
		return false
	}
	if day, err := check.ParseDay(string(in.From)); err == nil && !last.IsZero() && !last.After(d.days.Start(day)) {
		return false
	}
	return true
}

// changeLine is one change, as it is read from the ledger.
type changeLine struct {
	entry, nth       int64
	at               time.Time
	kind             ChangeKind
	what, label      string
	word             string // what a badge says of it
	thing, thingKind string
	subjects         []string
	state            ChangeState // proposed, in_force, or how it ended
	asked, askedFor  string
	askedAt          time.Time
	approved         string
	approvedAt       time.Time
	how              kind.How
	from, until      time.Time
	once             bool      // it is an edit: it marks the day on which it began, and those that it touches
	touches          []stretch // days that it is about, wherever they lie
	reason, answer   string
	endedBy          string
	fields           func(ctx context.Context, v *store.View, d *dated) ([]WasNow, error)
}

func (l *changeLine) id() string { return fmt.Sprintf("%d-%d", l.entry, l.nth) }

// about says whether a change is about a subject; of no subject every one is.
func (l *changeLine) about(subject string) bool {
	if subject == "" || l.thing == subject {
		return true
	}
	return slices.ContainsFunc(l.subjects, func(s string) bool { return strings.EqualFold(s, subject) })
}

// stateAt is where a change is at a moment: what begins or ends by itself follows from the time.
func (l *changeLine) stateAt(now time.Time) ChangeState {
	switch {
	case l.state != "in_force":
		return l.state
	case l.from.After(now):
		return "scheduled"
	case !l.until.IsZero() && !l.until.After(now):
		return "ended"
	}
	return "in_force"
}

// held says whether a change was in force on a part of [from, to).
func (l *changeLine) held(from, to time.Time) bool {
	return !l.from.IsZero() && l.from.Before(to) && (l.until.IsZero() || l.until.After(from))
}

// marks says whether a change is worth a mark on the days [from, to): an edit on the day of the edit and on those that it touches, the
// others as long as they hold.
func (l *changeLine) marks(from, to time.Time) bool {
	if l.word == "" || l.from.IsZero() {
		return false
	}
	if slices.ContainsFunc(l.touches, func(s stretch) bool { return s.From.Before(to) && s.To.After(from) }) {
		return true
	}
	return !(l.once && l.from.Before(from)) && l.held(from, to)
}

// namer puts names to ids.
type namer struct {
	v     *store.View
	names map[string]string
}

func (n *namer) name(ctx context.Context, id string) (string, error) {
	if !strings.HasPrefix(id, "per_") {
		return whoIs(ctx, n.v, id, n.names)
	}
	if _, ok := n.names[id]; !ok {
		name, err := labelNow(ctx, n.v, "person", id)
		if err != nil {
			return "", err
		}
		n.names[id] = name
	}
	return n.names[id], nil
}

// veiled says whether a change is about something deleted of which the role of the asker may not see all.
func (n *namer) veiled(ctx context.Context, l *changeLine) (bool, error) {
	sh, known := n.v.Shape(l.thingKind)
	if !known || l.kind != "deleted" {
		return false, nil
	}
	a, err := op.ActorOf(ctx)
	return err != nil || a.May(sh.Object, "view") != op.Every, err
}

// told is a change as it is given out: with names, and without what the asker may not see.
func (n *namer) told(ctx context.Context, d *dated, l *changeLine) (OwnChange, error) {
	c := OwnChange{ID: l.id(), Entry: l.entry, At: l.at, Kind: l.kind, What: l.what, Subjects: l.subjects, Label: l.label, Thing: l.thing, ThingKind: l.thingKind, State: l.stateAt(n.v.Now),
		AskedBy: l.asked, AskedAt: l.askedAt, ApprovedBy: l.approved, How: l.how, From: timeOrNil(l.from), Until: timeOrNil(l.until), Reason: l.reason, EndedBy: l.endedBy, EndReason: l.answer, ApprovedAt: timeOrNil(l.approvedAt), Fields: []WasNow{}}
	if c.Subjects == nil {
		c.Subjects = []string{}
	}
	for _, x := range []struct {
		id   string
		into *string
	}{{l.asked, &c.AskedName}, {l.askedFor, &c.AskedFor}, {l.approved, &c.ApprovedName}, {l.endedBy, &c.EndedName}} {
		if x.id == "" {
			continue
		}
		var err error
		if *x.into, err = n.name(ctx, x.id); err != nil {
			return c, err
		}
	}
	if l.thingKind == check.RuleFiles.Name && l.asked == "system" {
		c.AskedName = l.label // who wrote a file is not known
	}
	if l.kind == "evidence" {
		if hidden, err := hiddenFrom(ctx, n.v, "evidence", l.thing); err != nil {
			return c, err
		} else if hidden {
			c.Label, c.Thing, c.Reason = "Restricted: not shown to you", "", "Restricted: not shown to you"
			return c, nil
		}
	}
	if hidden, err := n.veiled(ctx, l); err != nil {
		return c, err
	} else if hidden {
		c.Label = "Not shown to you"
		return c, nil
	}
	if l.fields != nil {
		var err error
		if c.Fields, err = l.fields(ctx, n.v, d); err != nil {
			return c, fmt.Errorf("fields of change %s: %w", l.id(), err)
		}
	}
	return c, nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
