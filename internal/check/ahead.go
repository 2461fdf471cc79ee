// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// farthest is how far the time of an event that has happened may lie ahead of the collection: clocks differ, and a
// day that begins somewhere is not over everywhere. What lies farther ahead has not been seen: it is unknown.
const farthest = 24 * time.Hour

// noteAhead remembers the latest time of a past event, so that a run can see at a glance whether one lies ahead.
func (b *Bound) noteAhead(a *attribute, v ref.Val) {
	if t, ok := v.(types.Timestamp); ok && a.past && t.Time.After(b.latest) {
		b.latest = t.Time
	}
}

// sober is the resource with what cannot have been seen by then made unknown.
func (b *Bound) sober(limit time.Time, zone *time.Location) *Bound {
	if !b.latest.After(limit) {
		return b
	}
	out := *b
	out.vals, out.why, out.latest = slices.Clone(b.vals), map[string]string{}, time.Time{}
	for k, v := range b.why {
		out.why[k] = v
	}
	for i := range b.kind.attrs {
		a := &b.kind.attrs[i]
		if t, ok := b.vals[i].(types.Timestamp); ok && a.past && t.Time.After(limit) {
			out.vals[i] = nil
			out.why[a.name] = fmt.Sprintf("%s is %s, which is in the future, and it is the time of a past event. Correct it in the source", a.name, aheadText(t.Time, a, zone))
			continue
		}
		out.noteAhead(a, out.vals[i])
	}
	return &out
}

func aheadText(t time.Time, a *attribute, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	if a.typ == dateType {
		return t.In(zone).Format(time.DateOnly)
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// sobered is a population without what cannot have been seen by then.
type sobered struct {
	now  time.Time
	zone *time.Location
	as   *Population
}

// sober gives the input with every time of a past event that lies ahead made unknown. Where there is none among the
// kinds that are read, which is nearly always, that costs a few comparisons.
func (in *Input) sober(kinds []string) *Input {
	if in.Resources == nil || !in.Resources.ahead(in.Now, kinds) {
		return in
	}
	out := *in
	out.Resources = in.Resources.sober(in.Now, in.Zone)
	return &out
}

// ahead says whether any resource of some kinds may have a time that must not count.
func (p *Population) ahead(now time.Time, kinds []string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.ContainsFunc(kinds, func(k string) bool {
		set := p.sets[k]
		return set.latest.After(set.until(now))
	})
}

func (p *Population) sober(now time.Time, zone *time.Location) *Population {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sobered; s != nil && s.now.Equal(now) && s.zone == zone {
		return s.as
	}
	sets := make(map[string]Set, len(p.sets))
	for k, set := range p.sets {
		if until := set.until(now); set.latest.After(until) {
			set.Resources = slices.Clone(set.Resources)
			for i, b := range set.Resources {
				set.Resources[i] = b.sober(until, zone)
			}
		}
		sets[k] = set
	}
	p.sobered = &sobered{now, zone, NewPopulation(sets)}
	return p.sobered.as
}

// until is how late a past event of the set may have been.
func (s *Set) until(now time.Time) time.Time {
	if !s.Collected.IsZero() && s.Collected.Before(now) {
		now = s.Collected
	}
	return now.Add(farthest)
}
