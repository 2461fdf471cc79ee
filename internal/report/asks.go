// SPDX-License-Identifier: Apache-2.0

package report

import (
	"maps"
	"slices"
	"time"
)

// ask is what a performance of a window takes from a moment on.
type ask struct {
	from  time.Time
	keys  []string          // the kinds of evidence
	whole []string          // of these, the populations: a piece must span all of the window
	also  map[string]string // kinds that took the place of one of these
}

// asksOf lists what a window asks for after changes: what the definition asked for under which it began, as far as it is still
// required when the window is due. What is dropped before cannot be uploaded any more. Where nothing is left, what took its place is asked for.
// What was dropped for less than half of the window is asked for again from then on.
func asksOf(all []schedule, start, due time.Time) []ask {
	var out []ask
	var dropped time.Time
	last := ask{keys: all[0].keys, whole: all[0].whole}
	for i := range all[1:] {
		s := &all[1+i]
		next, full := all[0].left(s, last.also)
		switch open := !s.begin.After(due); {
		case !open && !(full && !dropped.IsZero() && s.begin.Sub(dropped) < due.Sub(start)/2):
			next.keys, next.whole = last.keys, last.whole // what was due stays as it was
		case full:
			dropped = time.Time{}
		case dropped.IsZero():
			dropped = s.begin
		}
		if !slices.Equal(next.keys, last.keys) || !maps.Equal(next.also, last.also) {
			out, last = append(out, next), next
		}
	}
	return out
}

// left is what a later definition leaves of what a performance takes, and whether that is all of it. A kind that got another
// key is still performed: its successor is required, is new and has the same type, and the old one is named no more.
func (s *schedule) left(by *schedule, also map[string]string) (a ask, full bool) {
	a = ask{from: by.begin, also: maps.Clone(also)}
	for _, key := range s.keys {
		if by.requires(key) || by.kinds[key] == "" && a.succeeded(s, by, key) {
			a.keys = append(a.keys, key)
			if slices.Contains(s.whole, key) {
				a.whole = append(a.whole, key)
			}
		}
	}
	if len(a.keys) == 0 {
		a.keys, a.whole = by.keys, by.whole
		return a, false
	}
	return a, len(a.keys) == len(s.keys)
}

func (s *schedule) requires(key string) bool {
	return slices.Contains(s.keys, key) || slices.Contains(s.needs, key)
}

func (a *ask) succeeded(old, by *schedule, key string) bool {
	for _, k := range by.keys {
		if old.kinds[k] == "" && by.kinds[k] == old.kinds[key] && (a.also[k] == "" || a.also[k] == key) {
			if a.also == nil {
				a.also = map[string]string{}
			}
			a.also[k] = key
			return true
		}
	}
	return false
}

// asked is what a window asks for at a moment.
func (o *Occurrence) asked(at time.Time) ask {
	for _, a := range slices.Backward(o.then) {
		if !a.from.After(at) {
			return a
		}
	}
	return ask{keys: o.keys, whole: o.whole}
}

// of is the kind of evidence that a kind performs; empty where it performs none.
func (a ask) of(key string) string {
	if k := a.also[key]; k != "" {
		key = k
	}
	if !slices.Contains(a.keys, key) {
		return ""
	}
	return key
}

// askedAgain is since when a window asks for something that asked for nothing when it was due; zero where that is not so.
func (o *Occurrence) askedAgain() time.Time {
	if len(o.asked(o.Due).keys) > 0 || len(o.then) == 0 {
		return time.Time{}
	}
	return o.then[len(o.then)-1].from
}

// asksNothing says that what a window asked for was dropped before it was due or done.
func (o *Occurrence) asksNothing(now time.Time) bool {
	submitted, _ := o.performed(now)
	return len(o.asked(now).keys) == 0 && submitted.IsZero()
}
