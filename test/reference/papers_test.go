// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"time"
)

// How evidence and policies stood at a moment, and who looks after a control.

// proof is how a kind of evidence stands at a moment (F-04): current, nil (nothing happened), none (no event is known), missing, or
// over (it was accepted, and is withdrawn or expired). Where it is current, until says until when.
func (w *world) proof(control string, k ekind, m time.Time) (state string, until time.Time) {
	state = "missing"
	if k.Event {
		state = "none"
	}
	var nils []event
	for _, a := range w.of("accept", control) {
		s := w.of("submit", a.ID)[0]
		p := s.Piece
		if a.At.After(m) || p.Key != k.Key || p.NoFile && !p.Nil {
			continue
		}
		end := earlier(p.Taken, s.At)
		from, to := w.covers(s)
		if from > to {
			continue // it was taken before the days of which it tells
		}
		switch {
		case p.Nil:
			end = w.start(to + 1 + min(to-from+1, 92))
			for _, months := range []int{1, 3} { // a whole month or quarter: until the end of the next
				first := time.Unix(int64(from)*86400, 0).UTC()
				if first.Day() == 1 && (int(first.Month())-1)%months == 0 && dateOf(first.AddDate(0, months, -1)) == to {
					end = w.start(dateOf(first.AddDate(0, 2*months, 0)))
				}
			}
		case k.Event:
			end = w.start(date(p.On) + 1 + k.Valid)
		default:
			if p.To != "" {
				end = earlier(end, w.start(date(p.To)+1))
			}
			if end = end.AddDate(0, 0, k.Valid); k.Valid >= 38 { // as the month asks by itself: until the end of the next one
				last := time.Unix(int64(to)*86400, 0).UTC()
				end = later(end, w.start(dateOf(time.Date(last.Year(), last.Month()+2, 1, 0, 0, 0, 0, time.UTC))))
			}
		}
		if p.Until != "" {
			end = earlier(end, w.start(date(p.Until)+1))
		}
		valid := m.Before(end)
		for _, b := range w.of("take back", a.ID) {
			end = earlier(end, b.At)
		}
		switch live := m.Before(end); {
		case live && p.Nil:
			nils = append(nils, s)
		case live:
			state, until = "current", later(until, end)
		case state == "missing", state == "none" && !p.Nil && valid: // an event that is long past wants no proof
			state = "over"
		}
	}
	for _, n := range nils {
		if state != "current" && !w.happened(control, k.Key, n, m) {
			return "nil", until
		}
	}
	return state, until
}

// covers are the dates that a piece covers: none after it was taken, and without any the date on which it was.
func (w *world) covers(submit event) (from, to int) {
	p := submit.Piece
	to = w.dayOf(earlier(p.Taken, submit.At))
	from = to
	if p.To != "" {
		to = min(to, date(p.To))
		from = to
	}
	if p.From != "" {
		from = date(p.From)
	}
	return from, to
}

// happened says whether an event was told of, accepted or not yet, in days of which it was declared that there was none.
func (w *world) happened(control, key string, n event, m time.Time) bool {
	from, to := w.covers(n)
	return slices.ContainsFunc(w.of("submit", control), func(s event) bool {
		p := s.Piece
		if p.Key != key || p.Nil || p.On == "" || date(p.On) < from || date(p.On) > to || s.At.After(m) {
			return false
		}
		by := func(what string) bool {
			return slices.ContainsFunc(w.of(what, s.ID), func(e event) bool { return !e.At.After(m) })
		}
		return by("accept") || !by("take back")
	})
}

func (w *world) inForce(policy string, m time.Time) (is bool) {
	for _, e := range w.all {
		if e.Who == policy && !e.At.After(m) && (e.What == "publish" || e.What == "drop") {
			is = e.What == "publish"
		}
	}
	return is
}

func (w *world) reviewLate(policy string) bool {
	var last event
	for _, e := range w.all {
		if e.Who == policy && (e.What == "publish" || e.What == "review") {
			if e.What == "review" {
				e.Days = last.Days
			}
			last = e
		}
	}
	return !last.At.IsZero() && !w.t.Before(last.At.AddDate(0, 0, last.Days))
}

// required are the kinds of evidence without which a control is not proved.
func (t *terms) required() (out []ekind) {
	if t == nil {
		return nil
	}
	for _, k := range t.Kinds {
		if k.Required {
			out = append(out, k)
		}
	}
	return out
}

// wanting says that a control wants a look: it has no owner, an exception is in force, or a change waits for its approval.
func (w *world) wanting(control string) bool {
	owns := w.of("own", control)
	return len(owns) == 0 || owns[len(owns)-1].ID == "" || slices.ContainsFunc(w.all, func(e event) bool {
		return e.Who == control && (e.What == "except" && w.t.Before(e.Until) && len(w.of("unexcept", e.ID)) == 0 ||
			e.What == "propose" && len(w.of("approve", e.ID))+len(w.of("withdraw", e.ID)) == 0)
	})
}

// untold says whether an event was told of that no accepted evidence proves now.
func (w *world) untold(control string, k ekind) bool {
	all := w.of("submit", control)
	return k.Event && slices.ContainsFunc(all, func(s event) bool {
		open := s.Piece.Key == k.Key && s.Piece.On != "" && len(w.of("accept", s.ID)) == 0
		return open && !slices.ContainsFunc(all, func(o event) bool {
			return o.Piece.Key == k.Key && o.Piece.On == s.Piece.On && !o.Piece.NoFile && len(w.of("accept", o.ID)) > 0 && len(w.of("take back", o.ID)) == 0 &&
				w.t.Before(w.start(date(s.Piece.On)+1+k.Valid))
		})
	})
}
