// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// Preview is what a run would do, without doing it.
type Preview struct {
	State   RunState       `json:"state" doc:"complete, partial or failed: only a complete run would be used."`
	Problem string         `json:"problem,omitempty" doc:"Why it is not complete; of a file, the faults by row and column."`
	Faults  []Fault        `json:"faults" doc:"What is wrong with its content, by kind of fault."`
	Exports []Export       `json:"exports" doc:"Known exports that the file looks like, best first."`
	Preset  string         `json:"preset" doc:"The known export that it was read as."`
	Notes   []string       `json:"notes" doc:"What to know of how it was read, such as ignored columns."`
	Counts  map[string]int `json:"counts" doc:"Resources seen, by kind."`
	Added   int            `json:"added" doc:"Resources that would be new."`
	Changed int            `json:"changed" doc:"Resources that would change."`
	Gone    int            `json:"gone" doc:"Resources that would be marked as no longer there."`
	First   []PreviewLine  `json:"first" doc:"The first of them, at most 20."`
}

// PreviewLine is one thing that would change.
type PreviewLine struct {
	What string `json:"what" doc:"added, changed or gone."`
	Kind string `json:"kind" doc:"Its kind."`
	Key  string `json:"key" doc:"Its natural key."`
	Name string `json:"name" doc:"What it is called."`
	// Values are in order of their names.
	Values []PreviewValue `json:"values" doc:"What would be new of it, at most 12 values; of what is gone, none."`
}

// PreviewValue is one value that would change.
type PreviewValue struct {
	Name string `json:"name" doc:"The attribute."`
	Old  string `json:"old" doc:"What it is now: unknown, none or its value; empty for what would be new."`
	New  string `json:"new" doc:"What it would be: unknown, none or its value."`
}

// Preview reads a source as Run would, and says what would change. Nothing is kept.
func (r *Runner) Preview(ctx context.Context, db *store.DB, org string, by store.By, t *SourceThing, src Source) (Preview, error) {
	run := Run{Source: t.ID, StartedAt: db.Clock().Now(), File: t.File}
	s := &seen{all: map[[2]string]Resource{}, trial: true}
	m, err := collectSafely(ctx, src, s.page)
	run.Kinds = src.Describe().Kinds
	judge(&run, s, m, err, run.Kinds)
	if err := s.registers(&run, t.Connector); err != nil {
		return Preview{}, err
	}
	if err := dateData(ctx, db, org, by, &run); err != nil {
		return Preview{}, err
	}
	p := Preview{State: run.State, Problem: run.Problem, Notes: run.Notes, Counts: run.Counts, First: []PreviewLine{}, Faults: []Fault{}, Exports: []Export{}}
	var f *Faulty
	if errors.As(err, &f) {
		p.Faults = f.Faults
	}
	if run.State != Complete {
		return p, nil
	}
	err = db.View(ctx, org, time.Time{}, by, func(v *store.View) error {
		if err := s.emptied(ctx, v, &run); err != nil || run.State != Complete {
			p.State, p.Problem = run.State, run.Problem
			return err
		}
		was, err := digests(ctx, v, t.ID)
		if err != nil {
			return err
		}
		changed, err := difference(ctx, v, &run, s)
		if err != nil {
			return err
		}
		old, err := formerly(ctx, v, t.ID, changed, was)
		for i, c := range changed {
			l := PreviewLine{"added", c.Kind, c.Key, c.Name, []PreviewValue{}}
			switch {
			case !c.Present:
				l.What = "gone"
				p.Gone++
			case old[[2]string{c.Kind, c.Key}] != nil:
				l.What = "changed"
				p.Changed++
			default:
				p.Added++
			}
			if len(p.First) < 20 {
				l.Values = newValues(old[[2]string{c.Kind, c.Key}], &changed[i])
				p.First = append(p.First, l)
			}
		}
		p.Notes = append(p.Notes, lost(old, changed)...)
		return err
	})
	return p, err
}

// PreviewIn says which source is tried: one that is connected, or one that could be.
type PreviewIn struct {
	ID        string         `json:"id" doc:"A connected source; leave it out to try a new one." ref:"source"`
	Connector string         `json:"connector" doc:"The connector of a new one." max:"50"`
	Config    map[string]any `json:"config" doc:"What the connector must know."`
	File      kind.SHA256    `json:"file" doc:"An uploaded file to read in place of one on the server."`
	FileName  string         `json:"file_name" doc:"What the uploaded file is called." max:"200"`
	Detect    bool           `json:"detect" doc:"Read it as the first known export that it looks like, if its configuration names none and no kind."`
}

// Thing is the source that is tried. get reads a connected one.
func (in PreviewIn) Thing(get func(id string) (*SourceThing, error)) (*SourceThing, error) {
	if in.ID == "" && in.Connector == "" {
		return nil, errs.At("id", "name a source, or a connector with its config")
	}
	if in.ID == "" {
		return &SourceThing{Name: "preview", Connector: in.Connector, Config: in.Config, File: in.File, FileName: in.FileName}, nil
	}
	t, err := get(in.ID)
	if err == nil && in.Config != nil {
		t.Config = in.Config
	}
	if err == nil && in.File != "" {
		t.File, t.FileName = in.File, in.FileName
	}
	return t, err
}
