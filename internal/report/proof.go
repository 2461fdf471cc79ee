// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"assay/internal/check"
	"assay/internal/grc"
)

// evidenceOf finds for each kind of evidence of a control the piece that proves it now.
func (b *Board) evidenceOf(c *grc.Control) []EvidenceLine {
	out := make([]EvidenceLine, len(c.Evidence))
	for i, k := range c.Evidence {
		out[i] = EvidenceLine{Kind: k}
		out[i].State, out[i].Piece, out[i].Until = b.stateOn(c, k, b.Now)
	}
	return out
}

// stateOn is how a kind of evidence stood at a moment, with the piece that decided.
func (b *Board) stateOn(c *grc.Control, k grc.EvidenceKind, at time.Time) (EvidenceState, *grc.Evidence, time.Time) {
	state, any := EvidenceMissing, false
	var piece *grc.Evidence
	var until time.Time
	for _, e := range b.data.evidence[c.ID] {
		if e.EvidenceKey != k.Key || e.ReviewedAt.After(at) {
			continue
		}
		any = true
		s, end := b.pieceOn(e, k, at)
		if piece == nil || better(s, state) {
			state, piece, until = s, e, end
		}
	}
	if !any && k.Frequency == "per_event" {
		return EvidenceNotDue, nil, until
	}
	return state, piece, until
}

func (b *Board) pieceOn(e *grc.Evidence, k grc.EvidenceKind, at time.Time) (EvidenceState, time.Time) {
	if (e.State == "withdrawn" || e.State == "superseded") && !e.UpdatedAt.After(at) {
		return EvidenceWithdrawn, time.Time{}
	}
	if e.ValidUntil != "" {
		if d, err := check.ParseDay(string(e.ValidUntil)); err == nil {
			end := b.dated.days.Start(d + 1)
			if !at.Before(end) {
				return EvidenceExpired, end
			}
			if end.Sub(at) <= 14*24*time.Hour {
				return EvidenceExpiring, end
			}
			return EvidenceCurrent, end
		}
	}
	taken := e.TakenAt
	if taken.IsZero() || taken.After(e.SubmittedAt) { // a time that the bringer claims never makes evidence younger (INV-02)
		taken = e.SubmittedAt
	}
	days := validity(k)
	if days == 0 {
		return EvidenceCurrent, time.Time{}
	}
	return Freshness(taken, days, at), taken.AddDate(0, 0, days)
}

var evidenceRank = map[EvidenceState]int{EvidenceCurrent: 0, EvidenceExpiring: 1, EvidenceExpired: 2, EvidenceWithdrawn: 3, EvidenceMissing: 4}

func better(a, b EvidenceState) bool { return evidenceRank[a] < evidenceRank[b] }
