// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"assay/internal/auth"
	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/ledger"
	"assay/internal/op"
	"assay/internal/store"
)

// nameOf is what a resource is called, and its kind.
func nameOf(ctx context.Context, v *store.View, id string) (name, kindName string, err error) {
	rows, err := store.Project[struct{ Name, Kind string }](ctx, v, collect.Versions, []string{"name", "kind"}, "id=$3", id)
	if err != nil || len(rows) == 0 {
		return id, "", err
	}
	return rows[0].Name, rows[0].Kind, nil
}

type idIn struct {
	ID string `json:"id" doc:"Identifier." min:"1"`
}

// ResourceStatus is what the tests say of one resource.
type ResourceStatus struct {
	Data []check.Found `json:"data" doc:"What each test says."`
}

func resourceStatus(ctx context.Context, v *store.View, in idIn) (*ResourceStatus, error) {
	rows, err := check.Finds.Select(ctx, v, "resource=$3 AND verdict<>'gone'", "ORDER BY test", in.ID)
	if rows == nil {
		rows = []check.Found{}
	}
	if err == nil && len(rows) == 0 {
		known, e := collect.Versions.Select(ctx, v, "id=$3", "LIMIT 1", in.ID)
		if e != nil || len(known) == 0 {
			return nil, op.None("resource", in.ID, e)
		}
	}
	return &ResourceStatus{rows}, err
}

type pageIn struct {
	After int64 `json:"after" doc:"Go on after this number: the value of next in the page before." min:"0" default:"0"`
	Limit int64 `json:"limit" doc:"How many at the most." min:"1" max:"1000" default:"50"`
}

// CheckPage is a page of runs of the tests.
type CheckPage struct {
	Data []check.Check `json:"data" doc:"Runs, newest first."`
	Next int64         `json:"next,omitempty" doc:"Give it as after to go on."`
}

func checkList(ctx context.Context, v *store.View, in pageIn) (*CheckPage, error) {
	where, args := "", []any{}
	if in.After > 0 {
		where, args = "batch<$3", []any{in.After}
	}
	rows, err := check.Checks.Select(ctx, v, where, fmt.Sprintf("ORDER BY batch DESC LIMIT %d", in.Limit+1), args...)
	p := &CheckPage{Data: rows}
	if len(rows) > int(in.Limit) {
		p.Data, p.Next = rows[:in.Limit], rows[in.Limit-1].Batch
	}
	if p.Data == nil {
		p.Data = []check.Check{}
	}
	return p, err
}

// Event is one entry of the ledger in a plain sentence.
type Event struct {
	Seq   int64     `json:"seq" doc:"Number of the ledger entry."`
	At    time.Time `json:"at" doc:"When."`
	Actor string    `json:"actor" doc:"Id of who did it."`
	Who   string    `json:"who" doc:"Who did it."`
	Via   string    `json:"via" doc:"Through which face."`
	Op    string    `json:"op" doc:"The operation."`
	Kind  string    `json:"kind" doc:"Kind of the object."`
	ID    string    `json:"id" doc:"The object."`
	Rev   int64     `json:"rev" doc:"Its revision."`
	Text  string    `json:"text" doc:"What was done, in words."`
	Label string    `json:"label" doc:"What the object is called."`
	State string    `json:"state" doc:"kept, ended or disposed."`
	Leaf  string    `json:"leaf" doc:"Leaf hash of the entry."`
}

type activityIn struct {
	Before int64  `json:"before" doc:"Only entries before this one." min:"0" default:"0"`
	Kind   string `json:"kind" doc:"Only about this kind." max:"60"`
	Actor  string `json:"actor" doc:"Only by this actor." max:"80"`
	ID     string `json:"id" doc:"Only about this thing." max:"80"`
	Limit  int64  `json:"limit" doc:"How many at the most." min:"1" max:"200" default:"50"`
}

// EventPage is a page of activity.
type EventPage struct {
	Data []Event `json:"data" doc:"What was done, newest first."`
	Next int64   `json:"next,omitempty" doc:"Give it as before to go on."`
	Size int64   `json:"size" doc:"Number of ledger entries."`
}

// addLedger adds the operations on the ledger itself.
func addLedger(s *op.Set, b *Boards) {
	query(s, "activity.list", "log", "List what was done, newest first, in plain sentences.", "activity list --limit 20", activity)
	query(s, "ledger.status", "log", "Show the size of the ledger, its newest checkpoint and its key.", "ledger status", b.ledgerStatus)
	query(s, "ledger.entry", "log", "Show one entry of the ledger with its body and a proof that it is in the ledger.", "ledger entry --seq 12", b.ledgerEntry)
	op.Job(s, op.Spec{Name: "ledger.verify", Doc: "Recompute everything from the ledger up, and name what is wrong.", Object: "log", Act: "view", Example: "ledger verify"}, true,
		func(ctx context.Context, d op.Desk, in verifyIn) (store.Audit, error) {
			return d.DB.Verify(ctx, d.Actor.Org, store.VerifyOptions{Saved: in.Checkpoints, File: b.fileCheck(d.Actor.Org)})
		})
	op.Job(s, op.Spec{Name: "ledger.sign", Doc: "Sign a checkpoint for everything that is durable now.", Object: "log", Act: "view", Example: "ledger sign"}, true,
		func(ctx context.Context, d op.Desk, _ empty) (CheckpointOut, error) {
			cp, err := d.DB.Sign(ctx, d.Actor.Org, true)
			return checkpointOut(cp), err
		})
}

func (b *Boards) fileCheck(org string) func(context.Context, string) error {
	if b.File == nil {
		return nil
	}
	return func(ctx context.Context, sha string) error { return b.File(ctx, org, sha) }
}

type verifyIn struct {
	Checkpoints []string `json:"checkpoints" doc:"Checkpoints that you have kept: signed notes. The ledger is held against them." max:"100"`
}

// CheckpointOut is a signed checkpoint.
type CheckpointOut struct {
	Origin string `json:"origin" doc:"Name of the ledger."`
	Size   int64  `json:"size" doc:"Entries that it covers."`
	Root   string `json:"root" doc:"Hash that commits to them, in hex."`
	Note   string `json:"note" doc:"The signed note. Keep it somewhere else."`
}

func checkpointOut(c ledger.Checkpoint) CheckpointOut {
	if c.Note == "" {
		return CheckpointOut{}
	}
	return CheckpointOut{c.Origin, c.Size, fmt.Sprintf("%x", c.Root[:]), c.Note}
}

// LedgerStatus is how the ledger stands.
type LedgerStatus struct {
	Size       int64         `json:"size" doc:"Number of entries."`
	Checkpoint CheckpointOut `json:"checkpoint" doc:"The last signed checkpoint."`
	Key        string        `json:"key" doc:"The public key that checks it."`
	Behind     string        `json:"behind,omitempty" doc:"Why nothing is signed, if nothing is."`

	Secrets       store.SecretStatus `json:"secrets" doc:"How secrets are sealed."`
	SecretTrouble string             `json:"secret_trouble,omitempty" doc:"Why some secrets can't be opened, and what to do."`
}

func (b *Boards) ledgerStatus(ctx context.Context, v *store.View, _ empty) (*LedgerStatus, error) {
	cp, err := b.DB.LastCheckpoint(v.Org)
	if err != nil {
		return nil, err
	}
	key, err := b.DB.PublicKey(v.Org)
	s := &LedgerStatus{Size: v.At, Checkpoint: checkpointOut(cp), Key: key}
	if !v.Past && v.At < cp.Size {
		s.Behind = fmt.Sprintf("the database has %d entries, and a checkpoint for %d was signed", v.At, cp.Size)
	}
	if err != nil {
		return nil, err
	}
	if s.Secrets, err = v.Secrets(ctx); err == nil {
		err = s.Secrets.Trouble()
	}
	if e := errs.Public(err); err != nil && e.Code == errs.Unavailable { // keys that are lost or cannot be read: what is asked for here is how it stands
		s.SecretTrouble, err = e.Error()+". To fix it: "+e.Fix+".", nil
	}
	return s, err
}

type seqIn struct {
	Seq int64 `json:"seq" doc:"Number of the entry." min:"0"`
}

// EntryOut is one entry with its body and its proof.
type EntryOut struct {
	Event Event           `json:"event" doc:"What was done."`
	Body  json.RawMessage `json:"body,omitempty" doc:"What the entry commits to."`
	Size  int64           `json:"size" doc:"Size of the tree that the proof leads to."`
	Root  string          `json:"root" doc:"Root of that tree, in hex."`
	Proof []string        `json:"proof" doc:"Inclusion proof: hashes from the leaf up, in hex."`
}

func (b *Boards) ledgerEntry(ctx context.Context, v *store.View, in seqIn) (*EntryOut, error) {
	e, err := v.Entry(ctx, in.Seq)
	if err != nil {
		return nil, err
	}
	ev, err := sentence(ctx, v, e, map[string]string{})
	if err != nil {
		return nil, err
	}
	p, root, err := v.Prove(ctx, in.Seq)
	if err != nil {
		return nil, err
	}
	out := &EntryOut{Event: ev, Size: v.At, Root: fmt.Sprintf("%x", root[:]), Proof: []string{}}
	if out.Body, err = publicBody(ctx, v, e); err != nil {
		return nil, err
	}
	for _, h := range p {
		out.Proof = append(out.Proof, fmt.Sprintf("%x", h[:]))
	}
	return out, nil
}

// publicBody is the body without the fields that nobody may read; none where the role of the asker does not see things of that kind.
func publicBody(ctx context.Context, v *store.View, e store.Version) (json.RawMessage, error) {
	sh, ok := v.Shape(e.Kind)
	if !ok {
		return e.Body, nil
	}
	if sees, err := seesKind(ctx, sh); !sees || err != nil {
		return nil, err
	}
	return op.Mask(e.Body, sh), nil
}

// seesKind says whether the role of the asker sees things of a kind at all, beyond those of his own.
func seesKind(ctx context.Context, sh kind.Shape) (bool, error) {
	a, err := op.ActorOf(ctx)
	return err == nil && a.May(sh.Object, "view") >= op.Open, err
}

func activity(ctx context.Context, v *store.View, in activityIn) (*EventPage, error) {
	p := &EventPage{Data: []Event{}, Size: v.At}
	names, groups := map[string]string{}, map[string]*joined{}
	look := store.EntryPage{Before: in.Before, Kind: in.Kind, Actor: in.Actor, ID: in.ID, Limit: int(in.Limit) + 1}
	for range looks {
		rows, err := v.Entries(ctx, look)
		if err != nil {
			return nil, err
		}
		for _, e := range rows {
			if joins(p, groups, e) {
				look.Before = e.Seq
				continue
			}
			if len(p.Data) == int(in.Limit) {
				p.Next = look.Before
				return p, nil
			}
			ev, err := sentence(ctx, v, e, names)
			if err != nil {
				return nil, err
			}
			p.Data = append(p.Data, ev)
			if key, b := partOf(e); key != "" {
				groups[key] = &joined{at: len(p.Data) - 1, rows: b.Rows}
			}
			look.Before = e.Seq
		}
		if len(rows) < look.Limit {
			return p, nil
		}
		look.Limit = 500
	}
	p.Next = look.Before
	return p, nil
}

// looks is how often activity reads on because much of what it read was one event.
const looks = 5

// joined is an event that stands for several batches.
type joined struct {
	at   int
	rows int64
}

// partOf names the group that an entry is a batch of; nothing where it stands alone.
func partOf(e store.Version) (string, store.Batch) {
	var b store.Batch
	if e.Rev != 0 || json.Unmarshal(e.Body, &b) != nil || b.Note["parts"] == nil {
		return "", b
	}
	return e.Kind + " " + e.ID, b
}

// joins adds an entry to the event of its group, where that is on the page.
func joins(p *EventPage, groups map[string]*joined, e store.Version) bool {
	key, b := partOf(e)
	g := groups[key]
	if g == nil {
		return false
	}
	g.rows += b.Rows
	p.Data[g.at].Text = fact(e, store.Batch{Rows: g.rows})
	return true
}

// sentence says in plain words what an entry did.
func sentence(ctx context.Context, v *store.View, e store.Version, names map[string]string) (Event, error) {
	ev := Event{Seq: e.Seq, At: e.At, Actor: e.Actor, Via: e.Via, Op: e.Op, Kind: e.Kind, ID: e.ID, Rev: e.Rev, State: e.State, Leaf: e.Leaf}
	var err error
	if ev.Who, err = whoIs(ctx, v, e.Actor, names); err != nil {
		return ev, err
	}
	ev.Label = e.ID
	if sh, ok := v.Shape(e.Kind); ok {
		sees, err := seesKind(ctx, sh)
		if sees {
			ev.Label = labelOf(sh, e)
		}
		ev.Text = deed(sh, e)
		return ev, err
	}
	if k := v.KindOf(e.ID); e.Kind == op.Reads.Name && k != "" {
		err := reading(ctx, v, e, k, &ev)
		return ev, err
	}
	var b store.Batch
	_ = json.Unmarshal(e.Body, &b) // a body that was disposed of has no count
	ev.Text = fact(e, b)
	if e.Kind == op.Uploads.Name {
		ev.Label = ""
	}
	if e.Kind == "sign_in" { // the program wrote it down; the person did it, or was given the link
		name, err := whoIs(ctx, v, e.ID, names)
		if err != nil {
			return ev, err
		}
		if ev.Label = name; b.Note["action"] != "link made" {
			ev.Who, ev.Label = name, ""
		}
	}
	return ev, nil
}

// reading says what of a thing was read. What it is called is told to those who may see it.
func reading(ctx context.Context, v *store.View, e store.Version, kindName string, ev *Event) error {
	sh, _ := v.Shape(kindName)
	noun := "the " + op.Title(kindName)
	switch ev.Text = "read " + noun; {
	case strings.HasSuffix(e.Op, ".download"):
		ev.Text = "took a copy of the file of " + noun
	case strings.HasSuffix(e.Op, ".preview"):
		ev.Text = "looked into the file of " + noun
	}
	if sees, err := seesKind(ctx, sh); !sees || err != nil {
		return err
	}
	body, _, err := v.Body(ctx, kindName, e.ID)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil {
		ev.Label = labelOf(sh, store.Version{ID: e.ID, Body: body})
	}
	return err
}

func whoIs(ctx context.Context, v *store.View, id string, names map[string]string) (string, error) {
	if id == "system" {
		return "Assay", nil
	}
	if n, ok := names[id]; ok {
		return n, nil
	}
	n := id
	u, err := store.Get(ctx, v, auth.Users, id)
	switch {
	case err == nil:
		n = u.Name
	case strings.HasPrefix(id, "tok_"):
		if t, e := store.Get(ctx, v, auth.Tokens, id); e == nil {
			n = "token " + t.Name
		}
	case errs.Public(err).Code != errs.NotFound:
		return "", err
	}
	names[id] = n
	return n, nil
}

// labelOf is what a thing is called in the body of an entry.
func labelOf(sh kind.Shape, e store.Version) string {
	var m map[string]any
	if json.Unmarshal(e.Body, &m) != nil {
		return e.ID
	}
	label, _ := m[sh.Label].(string)
	if title, _ := m["title"].(string); sh.Label == "ref" && title != "" {
		label += " " + title
	}
	if label == "" {
		return e.ID
	}
	return label
}

// deed is the operation in the past tense.
func deed(sh kind.Shape, e store.Version) string {
	k, verb, _ := strings.Cut(e.Op, ".")
	noun := op.Title(sh.Name)
	switch {
	case e.State == "ended":
		return "ended the " + noun
	case k != sh.Name && e.Rev == 1:
		return "added the " + noun
	case k != sh.Name:
		return "changed the " + noun
	case verb == "create" || verb == "invite":
		return "added the " + noun
	case verb == "update":
		return "changed the " + noun
	}
	return PastOf(verb) + " the " + noun
}

var pasts = map[string]string{"propose_retire": "asked to retire", "submit": "submitted", "begin": "began", "block": "blocked", "cancel": "cancelled", "grant": "set the roles of", "link": "made a link to sign in for", "password": "set the password of", "leave": "recorded the leave of", "confirm": "confirmed", "withdraw": "withdrew", "publish": "published", "start": "recorded the start of", "finish": "finished",
	"read": "read", "keep": "kept", "ask_to_retire": "asked to retire", "approve_as_owner": "approved"}

// PastOf is a verb of an operation in the past tense.
func PastOf(verb string) string {
	if p, ok := pasts[verb]; ok {
		return p
	}
	if strings.HasSuffix(verb, "e") {
		return verb + "d"
	}
	return verb + "ed"
}

// fact is a batch of facts in words.
func fact(e store.Version, b store.Batch) string {
	n := func(one, many string) string { return count(int(b.Rows), one, many) }
	switch e.Kind {
	case "run":
		return "read a source"
	case "resource":
		return "found " + n("new or changed resource", "new or changed resources")
	case "check_run":
		return "ran the tests"
	case "test_state":
		return "recorded new outcomes for " + n("test", "tests")
	case "result":
		return "recorded " + n("changed result", "changed results")
	case "check_plan":
		return "recorded which tests are run"
	case "catalogue":
		return "read the built-in tests of this version"
	case "score":
		return "recalculated readiness"
	case "sign_in":
		switch b.Note["action"] {
		case "in":
			return "signed in"
		case "out":
			return "signed out"
		case "link made":
			return "made a link to sign in for"
		}
		return "signed in or out"
	case "sensitive_read":
		return "read something confidential"
	case op.Uploads.Name:
		return "uploaded a file"
	case "disposal":
		return "disposed of content"
	}
	return "recorded " + n("fact", "facts") + " of " + op.Title(e.Kind)
}

type searchIn struct {
	Q     string `json:"q" doc:"What to look for." min:"1" max:"100"`
	Limit int64  `json:"limit" doc:"How many at the most." min:"1" max:"200" default:"30"`
}

// Hit is one thing that was found.
type Hit struct {
	Kind  string `json:"kind" doc:"Its kind."`
	ID    string `json:"id" doc:"Its identifier."`
	Ref   string `json:"ref,omitempty" doc:"Its short name, if it has one."`
	Label string `json:"label" doc:"What it is called."`
}

// Hits is what was found.
type Hits struct {
	Data []Hit `json:"data" doc:"What was found, the best first."`
}
