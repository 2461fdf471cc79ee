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
	versions = eachOnce(versions, func(source string) (string, bool) { return connector[source], supplies[source] })
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

// eachOnce leaves out the record that Assay keeps of a person whom a roster lists too, by address: otherwise everything that
// names the address would mean two people, and be unknown. A record that says of somebody the roster has working that they
// left is not left out: one of the two is wrong, and nobody here knows which.
func eachOnce(versions []collect.Version, from func(source string) (connector string, supplies bool)) []collect.Version {
	listed := map[string]any{} // what the roster says of where somebody stands, by address
	for i := range versions {
		x := &versions[i]
		if c, ok := from(x.Source); ok && x.Kind == "person" && x.Present && c != collect.PlatformConnector && address(x) != "" {
			listed[address(x)] = x.Attrs["status"]
		}
	}
	return slices.DeleteFunc(versions, func(x collect.Version) bool {
		if c, _ := from(x.Source); x.Kind != "person" || c != collect.PlatformConnector {
			return false
		}
		status, ok := listed[address(&x)]
		return ok && (x.Attrs["status"] != "terminated" || status == "terminated")
	})
}

// address is the e-mail address of a person or an account, in lower case; "" where none is known. A cloud user has none of its
// own, and is often called by one.
func address(x *collect.Version) string {
	m, known := x.Attrs["email"].(string)
	if !known && x.Kind == "cloud.user" && strings.Contains(x.Name, "@") {
		m = x.Name
	}
	return strings.ToLower(m)
}

// matcher finds the person behind an account by e-mail address (identity match). Where people were read
// completely, no match is an answer; otherwise it stays unknown.
func matcher(versions []collect.Version, people standing) func(*collect.Version) string {
	byMail := map[string]string{}
	for i := range versions {
		if x := &versions[i]; x.Kind == "person" && x.Present {
			m := address(x)
			if _, vouched := x.Attrs["status"]; m != "" && (vouched || byMail[m] == "") { // a record that nobody has confirmed gives way
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
		mail := address(x)
		if _, known := x.Attrs["email"].(string); mail == "" && !known {
			return ""
		}
		who, found := byMail[mail]
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
