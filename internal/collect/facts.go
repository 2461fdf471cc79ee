// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"reflect"
	"time"

	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// A SourceThing is one source that is connected: a connector with its configuration.
type SourceThing struct {
	kind.Meta
	Name          string         `json:"name" doc:"What it is called." min:"1" max:"200" list:""`
	Connector     string         `json:"connector" doc:"The connector that reads it." min:"1" max:"50" index:"" list:""`
	Config        map[string]any `json:"config" doc:"What the connector must know. It holds no secrets."`
	File          kind.SHA256    `json:"file" doc:"The uploaded file that it reads, in place of one on the server. It is read when it is imported, and not again by itself: an old file never makes new data." index:"" holds:"resources"`
	FileName      string         `json:"file_name" doc:"What the uploaded file is called." max:"200"`
	IntervalHours int64          `json:"interval_hours" doc:"How often it is read. It does not count for an uploaded file, which is read when it is imported." min:"1" max:"720" default:"24" list:""`
	Notes         string         `json:"notes" doc:"What a reader should know." max:"2000"`
	State         SourceState    `json:"state" doc:"Whether it is read." read:"only" index:"" list:"" default:"enabled"`
}

// SourceState is whether a source is read. How its last run went is a fact of the run.
type SourceState string

// Values lists the states.
func (SourceState) Values() []string { return []string{"enabled", "disabled"} }

// Sources are the sources.
var Sources = kind.Kind[SourceThing]{
	Name: "source", Plural: "sources", Prefix: "src", Object: "sources", Label: "name",
	Doc: "A source is a place that resources are read from.",
	Check: func(o, n *SourceThing) error {
		if o != nil && reflect.DeepEqual(o.Config, n.Config) {
			return nil // it stands there already: switching the source off must go on
		}
		return withoutCredentials("config", n.Config)
	},
	Moves: []kind.Move{
		{Verb: "disable", Doc: "Stop reading a source. What it showed last is marked old.", From: []string{"enabled"}, To: "disabled", Act: "edit"},
		{Verb: "enable", Doc: "Read a source again.", From: []string{"disabled"}, To: "enabled", Act: "edit"},
	},
}

// Run is the fact that a source was read: once, at a time, with an outcome.
type Run struct {
	store.Place
	ID         string         `json:"id" doc:"Identifier."`
	Source     string         `json:"source" doc:"The source."`
	Connector  string         `json:"connector" doc:"The connector."`
	StartedAt  time.Time      `json:"started_at" doc:"When it began."`
	FinishedAt time.Time      `json:"finished_at" doc:"When it ended."`
	State      RunState       `json:"state" doc:"complete, partial or failed. Only complete runs are used."`
	File       kind.SHA256    `json:"file" doc:"The uploaded file that it read."`
	DataAt     time.Time      `json:"data_at" doc:"Since when its data is: when it began, or when the same uploaded file was first read to its end."`
	Query      string         `json:"query" doc:"What was asked."`
	APIVersion string         `json:"api_version" doc:"Of what it spoke to."`
	Pages      int64          `json:"pages" doc:"How many pages it gave."`
	Kinds      []string       `json:"kinds" doc:"The kinds that it supplies."`
	Counts     map[string]int `json:"counts" doc:"Resources seen, by kind."`
	Changed    int64          `json:"changed" doc:"New or changed resources."`
	Gone       int64          `json:"gone" doc:"Resources no longer there."`
	Raw        kind.SHA256    `json:"raw" doc:"The answer as it came, as a file."`
	Problem    string         `json:"problem" doc:"Why it is not complete."`
	Notes      []string       `json:"notes" doc:"What to know of how it was read, such as ignored columns."`
}

// Since is when the data of a run is from. Runs of before the field was there are as old as they began.
func (r *Run) Since() time.Time {
	if r.DataAt.IsZero() {
		return r.StartedAt
	}
	return r.DataAt
}

// RunState is how a run ended.
type RunState string

// The states.
const (
	Complete RunState = "complete"
	Partial  RunState = "partial"
	Failed   RunState = "failed"
)

// Values lists the states.
func (RunState) Values() []string { return []string{"complete", "partial", "failed"} }

// Runs are the collection runs.
var Runs = store.Facts[Run]("run", "Collection runs.", nil, []string{"source", "batch"}, []string{"id"})

// Version is one version of a resource: what a source saw of it, from one run on.
type Version struct {
	store.Place
	Source  string            `json:"source" doc:"The source."`
	Kind    string            `json:"kind" doc:"The resource kind."`
	Key     string            `json:"key" doc:"Natural key in the source."`
	ID      string            `json:"id" doc:"Identifier of the resource: the same in every version."`
	Name    string            `json:"name" doc:"What it is called."`
	Attrs   map[string]any    `json:"attrs" doc:"Attributes; what is not here is unknown."`
	Why     map[string]string `json:"why" doc:"Why attributes are unknown."`
	Present bool              `json:"present" doc:"Whether the source still had it."`
	Digest  string            `json:"digest" doc:"Digest of name, attributes and reasons."`
	Run     string            `json:"run" doc:"The run that saw it first."`
	At      time.Time         `json:"at" doc:"When that run began."`
}

// Versions are the versions of all resources.
var Versions = store.Facts[Version]("resource", "Versions of resources.", []string{"source", "kind", "key"}, []string{"id"}, []string{"kind"}).
	Spreads("source", func(v *Version, g store.Group) {
		v.Present, v.Digest, v.Run = false, absent, g.ID
	})

// ResourceID is the identifier of a resource: made from what it is, so that it is the same on every machine.
func ResourceID(source, kindName, key string) string {
	sum := sha256.Sum256([]byte(source + "\x00" + kindName + "\x00" + key))
	return "res_" + lower.EncodeToString(sum[:])[:26]
}

var lower = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

type idIn struct {
	ID string `json:"id" doc:"Identifier." min:"1"`
}

type sourceIn struct {
	Source string `json:"source" doc:"Only of this source." ref:"source"`
	Kind   string `json:"kind" doc:"Only of this kind."`
	After  int64  `json:"after" doc:"Go on after this number: the value of next in the page before." min:"0" default:"0"`
	Limit  int64  `json:"limit" doc:"How many at the most." min:"1" max:"1000" default:"50"`
}

// RunPage is a page of runs.
type RunPage struct {
	Data []Run `json:"data" doc:"Runs, newest first."`
	Next int64 `json:"next,omitempty" doc:"Give it as after to go on."`
}

// ResourcePage is a page of resources.
type ResourcePage struct {
	Data []Version `json:"data" doc:"Resources as they are now, or as of the moment asked for."`
	Next int64     `json:"next,omitempty" doc:"Give it as after to go on."`
}

// Add adds the kind, the facts and the operations of collection. Running a source is an operation of package job.
func Add(s *op.Set, connectors []Connector) {
	sources := Sources
	sources.Check = takenBy(connectors)
	op.Kind(s, sources)
	s.Table(Runs)
	s.Table(Versions)
	op.Query(s, op.Spec{Name: "run.list", Doc: "List collection runs, newest first.", Object: "sources", Act: "view", Example: "run list --source src_…"}, listRuns)
	op.Query(s, op.Spec{Name: "run.get", Doc: "Show one collection run.", Object: "sources", Act: "view", Example: "run get --id run_…"}, getRun)
	op.Query(s, op.Spec{Name: "resource.list", Doc: "List resources that sources have seen.", Object: "resources", Act: "view", Example: "resource list --kind device"}, listResources)
	op.Query(s, op.Spec{Name: "resource.get", Doc: "Show one resource as it is now, or as of the moment asked for.", Object: "resources", Act: "view", Example: "resource get --id res_…"}, getResource)
	op.Query(s, op.Spec{Name: "resource.history", Doc: "Show every version of one resource, newest first.", Object: "resources", Act: "view", Example: "resource history --id res_…"}, resourceHistory)
	op.Query(s, op.Spec{Name: "connector.list", Doc: "List the connectors and what each must know.", Object: "sources", Act: "view", Example: "connector list"},
		func(context.Context, *store.View, struct{}) ([]Offer, error) { return offers(connectors), nil })
}

// takenBy holds a new configuration against its connector: what that would refuse at every run is refused at once.
func takenBy(connectors []Connector) func(o, n *SourceThing) error {
	r := &Runner{Connectors: connectors}
	return func(o, n *SourceThing) error {
		if err := Sources.Check(o, n); err != nil || o != nil && o.Connector == n.Connector && reflect.DeepEqual(o.Config, n.Config) && o.File == n.File && o.FileName == n.FileName {
			return err
		}
		_, err := r.Make("", n, nil)
		return err
	}
}

// Offer is a connector as faces show it.
type Offer struct {
	Name   string       `json:"name" doc:"Its name."`
	Title  string       `json:"title" doc:"What it reads."`
	Doc    string       `json:"about" doc:"What it is for."`
	Fields []OfferField `json:"fields" doc:"What it must know."`
}

// OfferField is one thing that a connector must know.
type OfferField struct {
	Name     string `json:"name" doc:"Its name."`
	Doc      string `json:"about" doc:"What it is."`
	Example  string `json:"example" doc:"An example."`
	Required bool   `json:"required" doc:"Whether it must be given."`
	List     bool   `json:"list" doc:"Whether several can be given."`
	// Values are left out where any value can be given.
	Values []string `json:"values,omitempty" doc:"The values it can have, where only these are possible."`
}

func offers(all []Connector) []Offer {
	out := make([]Offer, len(all))
	for i, c := range all {
		out[i] = Offer{Name: c.Name, Title: c.Title, Doc: c.Doc, Fields: []OfferField{}}
		for _, f := range c.Fields {
			out[i].Fields = append(out[i].Fields, OfferField{f.Name, f.Doc, f.Example, f.Required, f.List, f.Values})
		}
	}
	return out
}

func listRuns(ctx context.Context, v *store.View, in sourceIn) (RunPage, error) {
	where, args := "", []any{}
	if in.Source != "" {
		where, args = "source=$3", append(args, in.Source)
	}
	if in.After > 0 {
		args = append(args, in.After)
		where = and(where, fmt.Sprintf("batch<$%d", len(args)+2))
	}
	rows, err := Runs.Select(ctx, v, where, fmt.Sprintf("ORDER BY batch DESC LIMIT %d", in.Limit+1), args...)
	p := RunPage{Data: rows}
	if len(rows) > int(in.Limit) {
		p.Data, p.Next = rows[:in.Limit], rows[in.Limit-1].Batch
	}
	if p.Data == nil {
		p.Data = []Run{}
	}
	return p, err
}

func and(a, b string) string {
	if a == "" {
		return b
	}
	return a + " AND " + b
}

func getRun(ctx context.Context, v *store.View, in idIn) (*Run, error) {
	rows, err := Runs.Select(ctx, v, "id=$3", "LIMIT 1", in.ID)
	if err != nil || len(rows) == 0 {
		return nil, op.None("run", in.ID, err)
	}
	return &rows[0], nil
}

func listResources(ctx context.Context, v *store.View, in sourceIn) (ResourcePage, error) {
	where, args := "present=1", []any{}
	for _, w := range []struct{ col, val string }{{"source", in.Source}, {"kind", in.Kind}} {
		if w.val != "" {
			args = append(args, w.val)
			where = and(where, fmt.Sprintf("%s=$%d", w.col, len(args)+2))
		}
	}
	rows, err := Versions.Select(ctx, v, where, fmt.Sprintf("ORDER BY kind, name, key LIMIT %d OFFSET %d", in.Limit+1, in.After), args...)
	p := ResourcePage{Data: rows}
	if len(rows) > int(in.Limit) {
		p.Data, p.Next = rows[:in.Limit], in.After+in.Limit
	}
	if p.Data == nil {
		p.Data = []Version{}
	}
	return p, err
}

func getResource(ctx context.Context, v *store.View, in idIn) (*Version, error) {
	rows, err := Versions.Select(ctx, v, "id=$3", "ORDER BY batch DESC LIMIT 1", in.ID)
	if err != nil || len(rows) == 0 {
		return nil, op.None("resource", in.ID, err)
	}
	return &rows[0], nil
}

func resourceHistory(ctx context.Context, v *store.View, in idIn) ([]Version, error) {
	rows, err := Versions.Changes(ctx, v, "id=$3", "ORDER BY batch DESC LIMIT 1000", in.ID)
	if err != nil || len(rows) == 0 {
		return nil, op.None("resource", in.ID, err)
	}
	return rows, nil
}
