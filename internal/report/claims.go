// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"

	"assay/internal/check"
	"assay/internal/grc"
	"assay/internal/store"
)

// claim is an event that a piece of evidence tells of while nobody has accepted it: submitted, or returned. It proves nothing,
// and while it stands nobody can say that nothing happened on its day.
type claim struct {
	stretch
	key string
	day check.Day
}

// claimsOf reads from the versions of evidence which events were told of when, by control. What was told counts from the
// moment at which it was submitted, so days that are over do not change; once it is accepted the piece speaks for itself.
func claimsOf(all []store.Dated[grc.Evidence]) map[string][]claim {
	out := map[string][]claim{}
	for _, x := range all {
		e := x.Thing
		if e.State != "submitted" && e.State != "returned" || e.EventOn == "" || e.EvidenceKey == "" {
			continue
		}
		if d, err := check.ParseDay(string(e.EventOn)); err == nil {
			out[e.Control] = append(out[e.Control], claim{stretch{From: x.From, To: x.To}, e.EvidenceKey, d})
		}
	}
	return out
}

// claims are the events that are told of for a kind of evidence, which is about single events or not.
type claims struct {
	single bool
	all    []claim
}

func (b *Board) claimsOf(control string, k grc.EvidenceKind) claims {
	out := claims{single: k.Frequency == "per_event"}
	if b.dated == nil || !out.single { // a board that was made by hand knows of none
		return out
	}
	for _, c := range b.dated.claims[control] {
		if c.key == k.Key {
			out.all = append(out.all, c)
		}
	}
	return out
}

// about says whether at a moment an event is told of on one of the days for which a piece says that nothing happened.
func (c claims) about(nothing *span, at time.Time) bool {
	return slices.ContainsFunc(c.all, func(x claim) bool {
		return during(x.stretch, at) && x.day >= nothing.first && x.day <= nothing.last
	})
}

// openEvents counts the events that are told of now for a kind of evidence and that no accepted piece proves: one was returned,
// or nobody has reviewed it.
func (b *Board) openEvents(c *grc.Control, k grc.EvidenceKind) (n int) {
	pieces := b.spansOf(c, k)
	for _, x := range b.claimsOf(c.ID, k).all {
		proved := slices.ContainsFunc(pieces, func(s span) bool { return s.event && s.first == x.day && s.at(b.Now).proves() })
		if during(x.stretch, b.Now) && !proved {
			n++
		}
	}
	return n
}
