// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/store"
)

// binder keeps the compiled form of resources from one check to the next: a version is bound once.
type binder struct {
	mu   sync.Mutex
	have map[bindKey]*check.Bound
}

type bindKey struct {
	cat   *check.Catalogue
	id    string
	batch int64
	laid  string // what was laid over it
}

func (b *binder) bind(c *check.Catalogue, v *collect.Version, over map[string]any, zone *time.Location) (*check.Bound, error) {
	k := bindKey{c, v.ID, v.Batch, fmt.Sprint(over)}
	b.mu.Lock()
	x := b.have[k]
	b.mu.Unlock()
	if x != nil {
		return x, nil
	}
	x, err := c.Bind(check.Resource{ID: v.ID, Kind: v.Kind, Key: v.Key, Name: v.Name, Attrs: v.Attrs, Why: v.Why, Source: v.Source, Gone: !v.Present}, zone)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	if b.have == nil || len(b.have) > 500_000 {
		b.have = map[bindKey]*check.Bound{}
	}
	b.have[k] = x
	b.mu.Unlock()
	return x, nil
}

// scene is everything that the tests look at, at one moment.
type scene struct {
	population *check.Population
	standing   map[string]standing // by resource kind
	byKey      map[string][]string // ids of resources by natural key, for exceptions that name the key
	newest     time.Time           // since when the newest data is
}

// standing is how well the sources of a kind were read last.
type standing struct {
	state  check.SourceState
	reason string
	data   time.Time // since when the oldest data of the newest complete runs is
}

// look reads the scene as a view sees it, for a check at a moment.
func (b *binder) look(ctx context.Context, v *store.View, c *check.Catalogue, days *check.Days, at time.Time) (*scene, error) {
	newest, complete, err := collect.Last(ctx, v)
	if err != nil {
		return nil, err
	}
	s := &scene{standing: map[string]standing{}, byKey: map[string][]string{}}
	supplies := map[string]bool{}
	connector := map[string]string{}
	for id, run := range newest {
		supplies[id], connector[id] = true, run.Connector
		if err := s.stand(run, complete[id]); err != nil {
			return nil, err
		}
	}
	versions, err := collect.Versions.Select(ctx, v, "", "ORDER BY kind, source, key")
	if err != nil {
		return nil, err
	}
	over, zone, today := laid{}, days.Zone(at), days.DayOf(at).String()
	own := func(source string) bool { return connector[source] == collect.PlatformConnector }
	versions, same := over.eachOnce(versions, func(source string) bool { return supplies[source] && !own(source) }, own)
	known := c.Kinds()
	sets := map[string]check.Set{}
	match := over.matcher(versions, s.standing["person"])
	for i := range versions {
		if i&255 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		x := &versions[i]
		if !supplies[x.Source] || !slices.Contains(known, x.Kind) {
			continue // of a source that is disabled, or of a kind that no test looks at
		}
		if foreign, err := collect.Foreign(x.Kind, connector[x.Source]); err != nil || foreign {
			if err != nil {
				return nil, err
			}
			continue // taken before the rule was there: it never counts as the product's own record
		}
		over.rename(x, same)
		over.stand(x, today)
		match(x)
		bound, err := b.bind(c, x, over[x.ID], zone)
		if err != nil {
			return nil, err
		}
		set := sets[x.Kind]
		set.Resources = append(set.Resources, bound)
		sets[x.Kind] = set
		s.byKey[x.Key] = append(s.byKey[x.Key], x.ID)
	}
	for record, row := range same {
		s.byKey[record] = append(s.byKey[record], s.byKey[row]...)
	}
	for k, st := range s.standing {
		set := sets[k]
		set.State, set.Reason, set.Collected = st.state, st.reason, st.data
		sets[k] = set
	}
	s.population = check.NewPopulation(sets)
	return s, nil
}

// stand takes the newest run of a source into account: the worst of several sources counts.
func (s *scene) stand(newest, complete collect.Run) error {
	st, reason := check.SourceComplete, ""
	switch newest.State {
	case collect.Partial:
		st, reason = check.SourcePartial, newest.Problem
	case collect.Failed:
		st, reason = check.SourceFailed, newest.Problem
	}
	kinds, err := collect.Supplies(newest, complete)
	if err != nil {
		return err
	}
	for _, k := range kinds {
		now := s.standing[k]
		if st > now.state {
			now.state, now.reason = st, reason
		}
		if now.data.IsZero() || complete.Since().Before(now.data) {
			now.data = complete.Since()
		}
		s.standing[k] = now
	}
	if complete.Since().After(s.newest) {
		s.newest = complete.Since()
	}
	return nil
}
