// SPDX-License-Identifier: Apache-2.0

// Package reference holds the numbers of the product against a second reading of the rules: slow, short, and written from
// the rules alone (F-00, F-01, F-02, and of F-04 and INV-11 what they need). It imports nothing that it judges.
package reference

import (
	"maps"
	"math/big"
	"slices"
	"time"
)

// letter is the letter of a test over some stretches of a day (F-00).
func (w *world) letter(test string, spans []span) string {
	seen, done := map[string]bool{}, false
	for _, r := range w.runs(test) {
		if within(spans, r.at) {
			seen[r.day], done = true, done || completed(r.day)
		}
	}
	switch {
	case seen["fail"]:
		return "F"
	case seen["error"] && !done:
		return "E"
	case seen["excepted"]:
		return "X"
	case seen["pass"]:
		return "P"
	case seen["not_applicable"] && len(seen) == 1:
		return "–"
	case !done && w.paused(test, spans):
		return "Z"
	}
	return "N"
}

// judge is the letter of one part of a control's day: the first rule of F-00 that applies.
func (w *world) judge(control string, all []part, p part) string {
	if p.terms == nil {
		return "–"
	}
	began := w.started(control)
	if began.IsZero() || w.dayOf(began) > w.dayOf(p.from) {
		return "N"
	}
	var tests, proofs []string
	silent := false
	for test, role := range p.Tests {
		if role == "required" {
			tests = append(tests, w.letter(test, []span{required(test, all, p)}))
		}
	}
	shown := len(tests) > 0
	moments := w.moments(control, p.span, began)
	if w.dayOf(began) == w.dayOf(p.from) { // there is time until the first day is over
		moments = moments[len(moments)-1:]
	}
	for i, m := range moments { // F for any part of the day; else as it stood at its end
		shown, silent, proofs = len(tests) > 0, false, nil
		for _, k := range p.required() {
			state, _ := w.proof(control, k, m)
			silent = silent || state == "none" && len(tests) == 0
			switch {
			case m.Before(began), i < len(moments)-1 && w.firstAsked(control, k.Key, p):
				continue // nothing lacks until the control was proved for the first time, or before a day to upload it is over
			case state == "missing" || state == "over":
				return "F"
			}
			proofs = append(proofs, map[string]string{"current": "P", "nil": "–", "none": "–"}[state])
			shown = shown || state == "nil"
		}
		if slices.ContainsFunc(p.Policies, func(pol string) bool { return !w.inForce(pol, m) }) {
			return "F"
		}
	}
	if silent {
		return "N" // nobody says whether anything happened
	}
	l := worst(append(tests, proofs...)...)
	if l == "–" && !(shown && p.own) {
		return "N" // that nothing happened is shown by nobody, or its design is not proved
	}
	return l
}

func (w *world) testDay(test string, d int) string {
	if s := w.day(d); s.to.After(w.all[0].At) && s.from.Before(s.to) {
		return w.letter(test, []span{s})
	}
	return "–" // before the company, or a date that was skipped
}

func (w *world) controlDay(control string, d int) string {
	var letters []string
	all := w.parts(control, w.day(d))
	for _, p := range all {
		letters = append(letters, w.judge(control, all, p))
	}
	return worst(letters...)
}

func (w *world) criterionDay(criterion, category string, controls []string, d int) string {
	var letters []string
	in := w.scope(criterion, category, w.day(d))
	for _, c := range controls {
		all := w.parts(c, w.day(d))
		for _, p := range all {
			meets := slices.ContainsFunc(in, func(s span) bool { return s.from.Before(p.to) && p.from.Before(s.to) })
			if meets && p.terms != nil && slices.Contains(p.Criteria, criterion) {
				letters = append(letters, w.judge(c, all, p))
			}
		}
	}
	if len(in) > 0 && len(letters) == 0 {
		return "N"
	}
	return worst(letters...)
}

// health is the state of a control in force at the moment of the world (F-02).
func (w *world) health(control string) string {
	defs, d := w.defs(control), w.holds(control, w.t)
	switch {
	case len(defs) == 0 || defs[len(defs)-1].terms == nil:
		return "" // not in force
	case d.terms == nil:
		return "not_applicable"
	}
	is := map[string]bool{"started": !w.started(control).IsZero(), "concern": w.wanting(control)}
	for test, role := range d.Tests {
		w.testNow(test, role == "required", is)
	}
	for _, k := range d.required() {
		state, until := w.proof(control, k, w.t)
		is["failing"] = is["failing"] || state == "missing" || state == "over"
		is["shown"] = is["shown"] || state == "nil"
		is["started"] = is["started"] || state != "missing" && state != "none"
		soon := min(14*24*time.Hour, time.Duration(k.Valid)*24*time.Hour/5)
		is["concern"] = is["concern"] || state == "current" && until.Sub(w.t) <= soon
		is["proof"] = is["proof"] || state == "current"
		is["concern"] = is["concern"] || w.untold(control, k)
		is["no_data"] = is["no_data"] || state == "none" && !slices.Contains(slices.Collect(maps.Values(d.Tests)), "required")
	}
	for _, p := range d.Policies {
		is["failing"] = is["failing"] || !w.inForce(p, w.t)
		is["concern"] = is["concern"] || w.reviewLate(p)
	}
	switch quiet := !is["proof"] && d.own && is["shown"] && !is["no_data"]; {
	case !is["started"]:
		return "not_started"
	case is["failing"]:
		return "failing"
	case quiet:
		return "no_occurrence"
	case is["no_data"] || !is["proof"]:
		return "no_data"
	case is["concern"]:
		return "needs_attention"
	}
	return "passing"
}

// testNow says what a test makes of the health of a control.
func (w *world) testNow(test string, required bool, is map[string]bool) {
	newest, done := w.newest(test)
	if !required {
		is["concern"] = is["concern"] || done.state == "fail"
		return
	}
	is["started"] = is["started"] || done.state != ""
	is["shown"] = is["shown"] || done.state == "not_applicable"
	is["failing"] = is["failing"] || done.state == "fail"
	is["no_data"] = is["no_data"] || done.state == "" || w.t.Sub(done.at) > 50*time.Hour || !completed(newest.state) || within(w.pauses(test), w.t)
	is["concern"] = is["concern"] || done.state == "excepted" || done.state != "" && newest.lapses > 0
	is["proof"] = is["proof"] || done.state == "pass" || done.state == "excepted"
}

// readiness is r(k) of each criterion in scope, and the percentage (F-01).
func (w *world) readiness(criteria [][2]string, controls []string) (map[string]*big.Rat, int64) {
	r, sum := map[string]*big.Rat{}, new(big.Rat)
	for _, k := range criteria {
		if len(w.scope(k[0], k[1], span{w.t, w.t.Add(1)})) == 0 {
			continue
		}
		top, below, quiet := new(big.Rat), new(big.Rat), false
		for _, c := range controls {
			h := w.health(c)
			if s, d := score[h], w.holds(c, w.t); d.terms != nil && slices.Contains(d.Criteria, k[0]) {
				if quiet = quiet || h == "no_occurrence"; s != nil {
					weight := big.NewRat(d.Weight, 1)
					top.Add(top, new(big.Rat).Mul(weight, s))
					below.Add(below, weight)
				}
			}
		}
		switch r[k[0]] = new(big.Rat); {
		case below.Sign() > 0:
			r[k[0]].Quo(top, below)
		case quiet:
			r[k[0]].SetInt64(1)
		}
		sum.Add(sum, r[k[0]])
	}
	if len(r) == 0 {
		return r, 0
	}
	sum.Mul(sum, big.NewRat(100, int64(len(r))))
	return r, new(big.Int).Quo(sum.Num(), sum.Denom()).Int64()
}
