// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/store"
)

// Runner reads sources and keeps what they saw.
type Runner struct {
	Connectors []Connector
	// Keep keeps a raw answer as a file and gives its digest; nil keeps none.
	Keep func(ctx context.Context, org string, r io.Reader) (kind.SHA256, error)
	// Open opens a file that was uploaded; nil has none.
	Open func(ctx context.Context, org, sha string) (io.ReadCloser, error)

	mu   sync.Mutex
	busy map[string]bool

	turns turns // of previews
}

// Make makes the source that a thing describes. open gives its uploaded file; without it the file is found in the
// organisation's store.
func (r *Runner) Make(org string, t *SourceThing, open func() (io.ReadCloser, error)) (Source, error) {
	i := slices.IndexFunc(r.Connectors, func(c Connector) bool { return c.Name == t.Connector })
	if i < 0 {
		return nil, errs.At("connector", "there is no connector %q", t.Connector).Mend("see: assay connector list")
	}
	config, err := json.Marshal(t.Config)
	if err != nil {
		return nil, fmt.Errorf("encode config: %w", err)
	}
	if t.Config == nil {
		config = []byte(`{}`)
	}
	if t.File == "" {
		made, err := r.Connectors[i].New(config)
		return made, inConfig(err)
	}
	if r.Connectors[i].Over == nil {
		return nil, errs.At("file", "the connector %s reads no uploaded file", t.Connector).Mend("leave file empty")
	}
	if open == nil {
		open = func() (io.ReadCloser, error) {
			if r.Open == nil {
				return nil, errs.New(errs.Unavailable, "uploaded files cannot be read here")
			}
			return r.Open(context.Background(), org, string(t.File))
		}
	}
	made, err := r.Connectors[i].Over(config, t.FileName, open)
	return made, inConfig(err)
}

// Exports are the known exports that the file of a source looks like, best first.
func (r *Runner) Exports(t *SourceThing, open func() (io.ReadCloser, error)) ([]Export, error) {
	i := slices.IndexFunc(r.Connectors, func(c Connector) bool { return c.Name == t.Connector })
	if i < 0 || r.Connectors[i].Exports == nil {
		return nil, nil
	}
	config, err := json.Marshal(t.Config)
	if err != nil {
		return nil, fmt.Errorf("encode config: %w", err)
	}
	all, err := r.Connectors[i].Exports(config, t.FileName, open)
	return all, inConfig(err)
}

// inConfig says of an error of a connector that its field stands in the configuration.
func inConfig(err error) error {
	var e *errs.Error
	if !errors.As(err, &e) || e.Code != errs.Invalid {
		return err
	}
	out := *e
	if out.Field = "config"; e.Field != "" {
		out.Field += "." + e.Field
	}
	return out.Because(err)
}

// seen is what one run has seen, before it is judged.
type seen struct {
	all   map[[2]string]Resource
	raw   bytes.Buffer
	pages int64
	fault string
	empty string // what to do if there was something before, where there is nothing now
	trial bool   // nothing is kept: not the answer as it came either
}

// page takes one page. What is wrong with it makes the run partial; nothing of it is passed over in silence.
func (s *seen) page(p Page) error {
	s.pages++
	for _, x := range p.Resources {
		k := [2]string{x.Kind, x.Key}
		if _, twice := s.all[k]; twice && s.fault == "" {
			s.fault = fmt.Sprintf("%s %s was given twice", x.Kind, x.Key)
		}
		if (x.Key == "" || x.Kind == "") && s.fault == "" {
			s.fault = "a resource has no kind or no key"
		}
		s.all[k] = x
	}
	if s.trial {
		return nil
	}
	if s.raw.Len()+len(p.Raw) < 256<<20 {
		s.raw.Write(p.Raw)
		s.raw.WriteByte('\n')
	}
	return nil
}

// Run reads a source once and keeps the outcome. Of an incomplete run only the fact is kept: what the source
// showed before stays as it was (INV-07). The error is about keeping, never about the source.
func (r *Runner) Run(ctx context.Context, db *store.DB, org string, by store.By, t *SourceThing, src Source) (Run, error) {
	if !r.take(org + t.ID) {
		return Run{}, errs.New(errs.Conflict, "this source is being read already").Mend("wait until that run has ended")
	}
	defer r.give(org + t.ID)
	started, err := db.Now(ctx, org)
	if err != nil {
		return Run{}, err
	}
	run := Run{ID: db.IDs().New("run", started), Source: t.ID, Connector: t.Connector, StartedAt: started, File: t.File}
	d := src.Describe()
	run.Query, run.APIVersion, run.Kinds = d.Query, d.Version, d.Kinds
	s := &seen{all: map[[2]string]Resource{}}
	m, err := collectSafely(ctx, src, s.page)
	if ctx.Err() != nil { // it was called off: that says nothing about the source
		return run, ctx.Err()
	}
	judge(&run, s, m, err, d.Kinds)
	if err := s.registers(&run, t.Connector); err != nil {
		return run, err
	}
	if err := dateData(ctx, db, org, by, &run); err != nil {
		return run, err
	}
	if r.Keep != nil && s.raw.Len() > int(s.pages) {
		if run.Raw, err = r.Keep(ctx, org, &s.raw); err != nil {
			return run, err
		}
	}
	if run.FinishedAt, err = db.Now(ctx, org); err != nil {
		return run, err
	}
	return run, keep(ctx, db, org, by, &run, s)
}

func (r *Runner) take(k string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[k] {
		return false
	}
	if r.busy == nil {
		r.busy = map[string]bool{}
	}
	r.busy[k] = true
	return true
}

func (r *Runner) give(k string) {
	r.mu.Lock()
	delete(r.busy, k)
	r.mu.Unlock()
}

// collectSafely turns a panic of a source into an error of the run.
func collectSafely(ctx context.Context, src Source, page func(Page) error) (m Manifest, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = Manifest{}, fmt.Errorf("the connector broke: %v", p)
		}
	}()
	return src.Collect(ctx, func(p Page) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return page(p)
	})
}

// judge says whether the run is complete: no error, an end marker, the counts as promised, every kind looked at.
func judge(run *Run, s *seen, m Manifest, err error, kinds []string) {
	counts := map[string]int{}
	for k := range s.all {
		counts[k[0]]++
	}
	run.Pages, run.Counts, run.State, run.Notes = s.pages, counts, Partial, m.Notes
	s.empty = m.Empty
	switch {
	case err != nil:
		run.State, run.Problem = Failed, readable(err)
	case s.fault != "":
		run.Problem = s.fault
	case !m.Complete:
		run.Problem = m.Reason
		if run.Problem == "" {
			run.Problem = "the source did not say that it reached its end"
		}
	default:
		run.Problem = disagree(counts, m.Counts, kinds)
		if run.Problem == "" {
			run.State = Complete
		}
	}
	for k, n := range m.Counts {
		if n == 0 && counts[k] == 0 {
			counts[k] = 0
		}
	}
}

func disagree(got, said map[string]int, kinds []string) string {
	for k, n := range got {
		if said[k] != n {
			return fmt.Sprintf("%d of %s arrived, and the source says %d", n, k, said[k])
		}
	}
	for k, n := range said {
		if got[k] != n {
			return fmt.Sprintf("%d of %s arrived, and the source says %d", got[k], k, n)
		}
	}
	for _, k := range kinds {
		if _, ok := said[k]; !ok {
			return fmt.Sprintf("the source supplies %s, and did not say how many there are", k)
		}
	}
	return ""
}

func readable(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Error()
	}
	text := err.Error()
	if len(text) > 500 {
		text = text[:500] + "…"
	}
	return text
}

// dateData says since when the data of a complete run is. An uploaded file that was read before makes no new data, however its
// rows are understood now: they are what they were.
func dateData(ctx context.Context, db *store.DB, org string, by store.By, run *Run) error {
	if run.State != Complete {
		return nil
	}
	run.DataAt = run.StartedAt
	if run.File == "" || run.Source == "" {
		return nil
	}
	return db.View(ctx, org, time.Time{}, by, func(v *store.View) error {
		first, err := Runs.Select(ctx, v, "source=$3 AND state='complete' AND file=$4", "ORDER BY batch LIMIT 1", run.Source, run.File)
		if err != nil || len(first) == 0 {
			return err
		}
		run.DataAt = first[0].Since()
		run.Notes = append(run.Notes, fmt.Sprintf("this file was read before: its data stays that of %s UTC. Import a new export to get newer data", run.DataAt.UTC().Format("2 Jan 2006, 15:04")))
		return nil
	})
}

// keep writes the run, and where it is complete the resources that have changed: the run last, for they count with it.
func keep(ctx context.Context, db *store.DB, org string, by store.By, run *Run, s *seen) error {
	fact := func(tx *store.Tx) error {
		_, err := Runs.Append(ctx, tx, run.ID, []Run{*run}, nil)
		return err
	}
	var changed []Version
	g := store.Group{ID: run.ID, Scope: run.Source, Note: map[string]any{"source": run.Source}}
	err := db.View(ctx, org, time.Time{}, by, func(v *store.View) (err error) {
		g.Seen = v.At
		if err := s.emptied(ctx, v, run); err != nil || run.State != Complete {
			return err
		}
		changed, err = difference(ctx, v, run, s)
		return err
	})
	if err == nil && run.State != Complete {
		_, err = db.Change(ctx, org, by, fact)
		return err
	}
	if err != nil {
		return err
	}
	return Versions.Spread(ctx, db, org, by, g, changed, fact)
}

// emptied refuses a source that has nothing where it had something, and is not trusted in that.
func (s *seen) emptied(ctx context.Context, v *store.View, run *Run) error {
	if s.empty == "" || run.State != Complete {
		return nil
	}
	was, err := digests(ctx, v, run.Source)
	if err != nil {
		return err
	}
	n := 0
	for _, d := range was {
		if d != absent {
			n++
		}
	}
	if n > 0 {
		run.State, run.Problem = Failed, fmt.Sprintf("There are no rows, and the last import had %d. Nothing was changed. %s.", n, s.empty)
	}
	return nil
}

// difference finds what is new, changed or gone against what the source showed before.
func difference(ctx context.Context, v *store.View, run *Run, s *seen) ([]Version, error) {
	was, err := digests(ctx, v, run.Source)
	if err != nil {
		return nil, err
	}
	keys := make([][2]string, 0, len(s.all))
	for k := range s.all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var out []Version
	for i, k := range keys {
		if i&255 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		x := s.all[k]
		n := Version{Source: run.Source, Kind: x.Kind, Key: x.Key, ID: ResourceID(run.Source, x.Kind, x.Key), Name: x.Name, Attrs: x.Attrs, Why: x.Why, Present: true, Run: run.ID, At: run.StartedAt}
		if n.Digest, err = fingerprint(x); err != nil {
			return nil, err
		}
		if was[k] == n.Digest {
			continue
		}
		run.Changed++
		out = append(out, n)
	}
	gone := [][2]string{}
	for k, d := range was {
		if _, there := s.all[k]; !there && d != absent {
			gone = append(gone, k)
		}
	}
	slices.SortFunc(gone, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, k := range gone {
		last, err := Versions.Select(ctx, v, "source=$3 AND kind=$4 AND key=$5", "", run.Source, k[0], k[1])
		if err != nil {
			return nil, err
		}
		for _, n := range last { // what it was last stays readable
			n.Present, n.Digest, n.Run, n.At = false, absent, run.ID, run.StartedAt
			run.Gone++
			out = append(out, n)
		}
	}
	return out, nil
}

// absent is the digest of a resource that is no longer there.
const absent = "absent"

func digests(ctx context.Context, v *store.View, source string) (map[[2]string]string, error) {
	rows, err := store.Project[struct {
		Kind, Key, Digest string
	}](ctx, v, Versions, []string{"kind", "key", "digest"}, "source=$3", source)
	if err != nil {
		return nil, err
	}
	out := make(map[[2]string]string, len(rows))
	for _, r := range rows {
		out[[2]string{r.Kind, r.Key}] = r.Digest
	}
	return out, nil
}

func fingerprint(x Resource) (string, error) {
	b, err := json.Marshal([]any{x.Name, x.Attrs, x.Why})
	if err != nil {
		return "", fmt.Errorf("resource %s %s: %w", x.Kind, x.Key, err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b)), nil
}

// Last gives the newest run and the newest complete run of every enabled source.
func Last(ctx context.Context, v *store.View) (newest, complete map[string]Run, err error) {
	things, err := store.All(ctx, v, Sources, map[string]any{"state": "enabled"})
	if err != nil {
		return nil, nil, err
	}
	newest, complete = map[string]Run{}, map[string]Run{}
	for _, t := range things {
		for into, where := range map[*map[string]Run]string{&newest: "source=$3", &complete: "source=$3 AND state='complete'"} {
			rows, err := Runs.Select(ctx, v, where, "ORDER BY batch DESC LIMIT 1", t.ID)
			if err != nil {
				return nil, nil, err
			}
			if len(rows) > 0 {
				(*into)[t.ID] = rows[0]
			}
		}
	}
	return newest, complete, nil
}
