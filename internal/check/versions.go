// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"slices"
	"strings"
	"time"

	"assay/content"
	"assay/internal/errs"
	"assay/internal/store"
)

// TestVersion is a definition that a test had for a while.
type TestVersion struct {
	Version    string        `json:"version" doc:"Digest of what can change a verdict."`
	From       time.Time     `json:"from,omitzero" doc:"When it came into force; absent if it was in force from the start."`
	To         time.Time     `json:"to,omitzero" doc:"When it ended; absent while it is in force."`
	Source     string        `json:"source" doc:"catalogue, file or definition."`
	Thing      string        `json:"thing,omitempty" doc:"The rule file or definition."`
	ChangedBy  string        `json:"changed_by,omitempty" doc:"Who wrote the change; of a file that is not known."`
	ApprovedBy string        `json:"approved_by,omitempty" doc:"Who approved the change."`
	Reason     string        `json:"reason,omitempty" doc:"Why it was changed."`
	Off        bool          `json:"off" doc:"Whether the test was switched off."`
	Absent     bool          `json:"absent" doc:"Whether there was no such test."`
	Definition *content.Test `json:"definition,omitempty" doc:"The definition, without examples."`
}

// same says whether nothing changed from one version to the next.
func (a TestVersion) same(b TestVersion) bool {
	alike := a.Definition == nil && b.Definition == nil || a.Definition != nil && b.Definition != nil && len(fieldsOf(*a.Definition, *b.Definition)) == 0
	return alike && a.Off == b.Off && a.Absent == b.Absent && a.Reason == b.Reason && a.Thing == b.Thing
}

// versionIn is a test as it stands in a catalogue.
func versionIn(c *Catalogue, id string) TestVersion {
	t := TestVersion{Source: "catalogue"}
	by := func(x Change) {
		t.Source = "definition"
		if x.ByFile {
			t.Source = "file"
		}
		t.Thing, t.ChangedBy, t.ApprovedBy, t.Reason = x.Thing, x.By, x.ApprovedBy, x.Reason
	}
	if off, ok := c.Off(id); ok {
		t.Off = true
		by(off.Change)
		return t
	}
	r, ok := c.Rule(id)
	if !ok {
		t.Absent = true
		return t
	}
	def := r.Def
	def.Fixtures = nil
	t.Version, t.Definition = r.Version, &def
	if x, ok := c.Added(id); ok {
		by(x)
	}
	if x, ok := c.Changed(id); ok {
		by(x)
	}
	return t
}

// Versions lists the definitions that a test had up to the moment of a view, newest first.
func Versions(ctx context.Context, v *store.View, id string) ([]TestVersion, error) {
	moments, err := changesOf(ctx, v, id)
	if err != nil {
		return nil, err
	}
	var out []TestVersion
	for _, m := range moments {
		c, err := InForce(ctx, at(v, m.entry, m.at))
		if err != nil {
			return nil, err
		}
		t := versionIn(c, id)
		t.From = m.at
		if n := len(out); n > 0 && out[n-1].same(t) || n == 0 && t.Absent {
			continue
		}
		if n := len(out); n > 0 {
			out[n-1].To = t.From
		}
		out = append(out, t)
	}
	slices.Reverse(out)
	return out, nil
}

// turn is an entry after which a test may be another.
type turn struct {
	entry int64
	at    time.Time
}

// changesOf are the entries of the ledger after which a test may have another definition, oldest first: those of editions,
// and those of rule files and definitions that name the test. The first stands for the beginning. Of one moment the last
// entry counts: what one transaction wrote holds together.
func changesOf(ctx context.Context, v *store.View, id string) ([]turn, error) {
	out := []turn{{entry: -1}}
	for _, kind := range []string{Editions.Name, RuleFiles.Name, Definitions.Name} {
		for before := v.At; before > 0; {
			all, err := v.Entries(ctx, store.EntryPage{Before: before, Kind: kind, Limit: 1000})
			if err != nil {
				return nil, err
			}
			before = 0
			for _, e := range all {
				if kind == Editions.Name || e.State != "kept" || strings.Contains(string(e.Body), id) {
					out = append(out, turn{e.Seq, e.At})
				}
				before = e.Seq
			}
		}
	}
	slices.SortFunc(out, func(a, b turn) int { return int(a.entry - b.entry) })
	last := out[:1]
	for _, m := range out[1:] {
		if n := len(last); n > 1 && last[n-1].at.Equal(m.at) {
			last[n-1] = m
			continue
		}
		last = append(last, m)
	}
	return last, nil
}

type versionsIn struct {
	ID string `json:"id" doc:"Name of the test, such as idp.mfa_all." min:"3" max:"100"`
}

// VersionList is the versions of a test.
type VersionList struct {
	Data []TestVersion `json:"data" doc:"The versions, newest first."`
}

func versions(ctx context.Context, v *store.View, in versionsIn) (VersionList, error) {
	all, err := Versions(ctx, v, in.ID)
	if err == nil && len(all) == 0 {
		err = errs.New(errs.NotFound, "there is no test %.60s, and there never was one", in.ID)
	}
	return VersionList{all}, err
}
