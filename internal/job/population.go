// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"slices"
	"strings"
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
	who   string // the person that it was matched to
}

func (b *binder) bind(c *check.Catalogue, v *collect.Version, who string, zone *time.Location) (*check.Bound, error) {
	k := bindKey{c, v.ID, v.Batch, who}
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
	newest     time.Time           // when the newest complete run began
}

// standing is how well the sources of a kind were read last.
type standing struct {
	state  check.SourceState
	reason string
	data   time.Time // when the oldest of the newest complete runs began
}

// look reads the scene as a view sees it.
func (b *binder) look(ctx context.Context, v *store.View, c *check.Catalogue, zone *time.Location) (*scene, error) {
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
	known := c.Kinds()
	sets := map[string]check.Set{}
	match := matcher(versions, s.standing["person"])
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
		who := match(x)
		bound, err := b.bind(c, x, who, zone)
		if err != nil {
			return nil, err
		}
		set := sets[x.Kind]
		set.Resources = append(set.Resources, bound)
		sets[x.Kind] = set
		s.byKey[x.Key] = append(s.byKey[x.Key], x.ID)
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
		if now.data.IsZero() || complete.StartedAt.Before(now.data) {
			now.data = complete.StartedAt
		}
		s.standing[k] = now
	}
	if complete.StartedAt.After(s.newest) {
		s.newest = complete.StartedAt
	}
	return nil
}

// matcher finds the person behind an account by e-mail address (identity match). Where people were read
// completely, no match is an answer; otherwise it stays unknown.
func matcher(versions []collect.Version, people standing) func(*collect.Version) string {
	byMail := map[string]string{}
	for i := range versions {
		if x := &versions[i]; x.Kind == "person" && x.Present {
			m, ok := x.Attrs["email"].(string)
			if m = strings.ToLower(m); !ok || m == "" {
				continue
			}
			if _, vouched := x.Attrs["status"]; vouched || byMail[m] == "" { // a record that nobody has confirmed gives way
				byMail[m] = x.Key
			}
		}
	}
	return func(x *collect.Version) string {
		if x.Kind != "idp.user" && x.Kind != "vcs.member" && x.Kind != "cloud.user" {
			return ""
		}
		if _, given := x.Attrs["person_ref"]; given || people.state != check.SourceComplete {
			return ""
		}
		mail, ok := x.Attrs["email"].(string)
		if !ok {
			return ""
		}
		who, found := byMail[strings.ToLower(mail)]
		attrs := make(map[string]any, len(x.Attrs)+1)
		for k, val := range x.Attrs {
			attrs[k] = val
		}
		attrs["person_ref"] = nil
		if found {
			attrs["person_ref"] = who
		}
		x.Attrs = attrs
		return "person=" + who
	}
}
