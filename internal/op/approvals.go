// SPDX-License-Identifier: Apache-2.0

package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// Approvals adds the operations that tell of approvals: those that not plainly two people stand behind, and whether one may
// approve a thing as it is.
func Approvals(s *Set) {
	Query(s, Spec{Name: "approval.list", Doc: "List the approvals that one person may have made alone, and when solo mode was on.", Object: "log", Act: "view", Example: "approval list"}, s.approvals)
	Query(s, Spec{Name: "approval.check", Doc: "Check whether you can approve something, and who else can.", Object: "users", Act: "view", Public: true, Example: "approval check --thing exc_… --verb approve"}, s.approval)
}

type noInput struct{}

// Approved is an approval that not plainly two people stand behind.
type Approved struct {
	Kind  string    `json:"kind" doc:"What kind of thing it is."`
	Thing string    `json:"thing" doc:"What was approved."`
	Label string    `json:"label" doc:"Its name; empty if you can't view it."`
	Verb  string    `json:"verb" doc:"What was done: approve, accept and so on."`
	How   kind.How  `json:"how" doc:"solo: by its author, in solo mode. invited_by_author: author or approver opened the account of the other. same_hand: one person may have used both accounts, for example through the data folder."`
	By    string    `json:"by" doc:"The user who approved it."`
	At    time.Time `json:"at" doc:"When."`
	Seq   int64     `json:"seq" doc:"Its ledger entry."`
	Now   string    `json:"now" doc:"Its state now; empty if it was deleted."`
}

// SoloChange is a change of solo mode.
type SoloChange struct {
	On  bool      `json:"on" doc:"Whether it was turned on."`
	By  string    `json:"by" doc:"Who turned it on or off."`
	At  time.Time `json:"at" doc:"When."`
	Seq int64     `json:"seq" doc:"Its ledger entry."`
}

// ApprovalList is what an auditor asks first.
type ApprovalList struct {
	SoloMode bool             `json:"solo_mode" doc:"Whether solo mode is on."`
	Solo     []SoloChange     `json:"solo" doc:"When it was turned on and off, newest first."`
	Count    map[string]int64 `json:"count" doc:"Number of approvals of each kind."`
	Data     []Approved       `json:"data" doc:"The approvals, newest first."`
	Any      bool             `json:"any" doc:"Whether anything was ever approved, by however many people."`
}

func (s *Set) approvals(ctx context.Context, v *store.View, _ noInput) (*ApprovalList, error) {
	who, err := ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	out := &ApprovalList{Solo: []SoloChange{}, Count: map[string]int64{}, Data: []Approved{}}
	for _, sh := range s.shapes {
		if f, ok := sh.Field(kind.ApprovedHow); !ok || !f.Index {
			continue
		}
		if err := out.any(ctx, v, sh); err != nil {
			return nil, err
		}
		all, err := v.Ever(ctx, sh.Name, kind.ApprovedHow, kind.How("").Values()...)
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			verb := strings.TrimPrefix(e.Op, sh.Name+".")
			if !slices.ContainsFunc(sh.Moves, func(m kind.Move) bool { return m.Verb == verb && m.Apart() }) {
				continue // a later version, which keeps the stamp
			}
			a, err := approved(ctx, v, sh, e, verb)
			if err != nil {
				return nil, err
			}
			if who.May(sh.Object, "view") != Every {
				a.Label = ""
			}
			out.Count[string(a.How)]++
			out.Data = append(out.Data, a)
		}
	}
	slices.SortFunc(out.Data, func(a, b Approved) int { return int(b.Seq - a.Seq) })
	return out, out.solo(ctx, v)
}

// any finds out whether anything of a kind ever came to a state that only an approval leads to.
func (l *ApprovalList) any(ctx context.Context, v *store.View, sh kind.Shape) (err error) {
	var states []string
	for _, m := range sh.Moves {
		if m.TwoPeople {
			states = append(states, m.To)
		}
	}
	if f, ok := sh.Field("state"); !l.Any && ok && f.Index && len(states) > 0 {
		l.Any, err = v.EverAny(ctx, sh.Name, "state", states...)
	}
	return err
}

func approved(ctx context.Context, v *store.View, sh kind.Shape, e store.Version, verb string) (Approved, error) {
	out := Approved{Kind: sh.Name, Thing: e.ID, Verb: verb, By: e.Actor, At: e.At, Seq: e.Seq}
	if e.Body == nil {
		return out, nil // disposed of
	}
	var body map[string]any
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return out, fmt.Errorf("read %s: %w", e.ID, err)
	}
	out.Label, _ = body[sh.Label].(string)
	how, _ := body[kind.ApprovedHow].(string)
	out.How = kind.How(how)
	now, _, err := v.Body(ctx, sh.Name, e.ID)
	if errors.Is(err, errs.NotFound) {
		return out, nil
	}
	var x struct{ State string }
	if err == nil {
		err = json.Unmarshal(now, &x)
	}
	out.Now = x.State
	return out, err
}

// solo reads when solo mode was changed.
func (l *ApprovalList) solo(ctx context.Context, v *store.View) error {
	if v.KindOf(v.Org) != "organization" {
		return nil
	}
	h, err := v.History(ctx, "organization", v.Org)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	was := false
	for i := len(h) - 1; i >= 0; i-- {
		var o struct {
			On bool `json:"solo_mode"`
		}
		if h[i].Body == nil {
			continue
		}
		if err := json.Unmarshal(h[i].Body, &o); err != nil {
			return fmt.Errorf("read organization: %w", err)
		}
		if o.On != was {
			was = o.On
			l.Solo = append(l.Solo, SoloChange{On: o.On, By: h[i].Actor, At: h[i].At, Seq: h[i].Seq})
		}
	}
	l.SoloMode = was
	slices.Reverse(l.Solo)
	return nil
}

type approvalIn struct {
	Thing string `json:"thing" doc:"What you want to approve." ref:"*" min:"1"`
	Verb  string `json:"verb" doc:"What you want to do: approve, accept and so on." min:"1" max:"40"`
}

// Approval says whether somebody may approve a thing.
type Approval struct {
	Allowed bool     `json:"allowed" doc:"Whether you can."`
	How     kind.How `json:"how" doc:"How the approval would be marked; empty if it is by a separate person."`
	Why     string   `json:"why" doc:"Why you can't."`
	Fix     string   `json:"fix" doc:"What to do, such as who to ask."`
}

func (s *Set) approval(ctx context.Context, v *store.View, in approvalIn) (*Approval, error) {
	a, err := ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	no := func(err error) (*Approval, error) {
		e := errs.Public(err)
		if e.Code != errs.Denied {
			return nil, err
		}
		return &Approval{Why: e.Text, Fix: e.Fix}, nil
	}
	sh, _ := s.Shape(v.KindOf(in.Thing))
	o := s.Find(sh.Name + "." + in.Verb)
	i := slices.IndexFunc(sh.Moves, func(m kind.Move) bool { return m.Verb == in.Verb })
	if o == nil || i < 0 || !o.Decides() {
		return &Approval{Why: "there is no such decision"}, nil
	}
	if a.May(o.Object, o.Act) != Every {
		return no(denied(a, o))
	}
	if err := a.signed(o); err != nil {
		return no(err)
	}
	how, err := Approvable(ctx, v, a, sh, sh.Moves[i], in.Thing)
	if err != nil {
		return no(err)
	}
	return &Approval{Allowed: true, How: how}, nil
}
