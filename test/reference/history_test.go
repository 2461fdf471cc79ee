// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// history is what happens at a company, and the moments at which it is looked at.
type history struct {
	events []event
	looks  []time.Time // the last is now
}

var (
	testIDs  = []string{"idp.mfa_all", "vcs.2fa", "host.ssh_password", "device.encrypted"} // each is due every 24 hours
	criteria = [][2]string{{"CC1.1", "security"}, {"CC6.1", "security"}, {"A1.1", "availability"}}
	policies = []string{"POL-91", "POL-92"}
	zones    = []string{"UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"}
)

func refs(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("OWN-%d", i+1))
	}
	return out
}

// teller makes up a history.
type teller struct {
	*rand.Rand
	from     time.Time
	days     int
	controls []string
	tests    []string
	events   []event
	ids      int
}

func tell(r *rand.Rand) *history {
	t := &teller{Rand: r, from: time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC), days: 6 + r.IntN(35),
		controls: refs(2 + r.IntN(3)), tests: testIDs[:3+r.IntN(2)]}
	found := t.from.Add(time.Duration(r.IntN(24*3600))*time.Second + 777*time.Millisecond)
	zone := zones[r.IntN(3)]
	t.from = found
	t.events = []event{{At: found, What: "scope", Who: zone, ID: t.categories()}}
	for i, c := range t.controls {
		e := event{At: found.Add(time.Duration(i+1) * time.Second), What: "control", Who: c, Action: "active", Terms: t.terms()}
		if t.IntN(4) == 0 {
			e.At = t.any()
		}
		if t.IntN(3) == 0 {
			e.Action = "draft"
			t.version(c, "activate", e.At.Add(time.Duration(1+t.IntN(100))*time.Hour))
		}
		t.add(e)
		if t.IntN(2) == 0 {
			t.add(event{At: later(t.any(), e.At), What: "own", Who: c, ID: "somebody"})
		}
		if t.IntN(2) == 0 {
			t.add(event{At: later(t.any(), e.At.Add(time.Minute)), What: "confirm", Who: c})
		}
	}
	for _, p := range policies {
		if at := found.Add(time.Minute); t.IntN(4) > 0 {
			if t.IntN(3) == 0 {
				at = t.any()
			}
			t.add(event{At: at, What: "publish", Who: p, Days: []int{3, 10, 365}[t.IntN(3)]})
		}
	}
	for day := range t.days {
		t.checks(day)
	}
	for range t.days/2 + t.IntN(t.days) {
		t.change(t.any())
	}
	h := &history{events: sound(t.events)}
	end := t.from.Add(time.Duration(t.days)*24*time.Hour + time.Duration(t.IntN(24*3600*1000))*time.Millisecond)
	for range 3 {
		h.looks = append(h.looks, t.from.Add(time.Duration(t.Int64N(int64(end.Sub(t.from))))).Truncate(time.Millisecond))
	}
	h.looks = append(h.looks, end)
	return h
}

func (t *teller) add(e event) { t.events = append(t.events, e) }

func (t *teller) name() string { t.ids++; return fmt.Sprint("n", t.ids) }

// any is a moment of the history; none falls on a full second.
func (t *teller) any() time.Time {
	return t.from.Add(time.Duration(t.IntN(t.days*24*3600)) * time.Second).Truncate(time.Second).Add(time.Duration(1+t.IntN(990)) * time.Millisecond)
}

func (t *teller) one(of ...string) string { return of[t.IntN(len(of))] }

func (t *teller) categories() string { return t.one("security", "security,availability") }

// date is that of a moment some days on, or nothing.
func (t *teller) date(at time.Time, from, to int) string {
	return at.AddDate(0, 0, from+t.IntN(to-from+1)).Format(time.DateOnly)
}

func (t *teller) terms() *terms {
	x := &terms{Tests: map[string]string{}, Weight: int64(1 + t.IntN(2))}
	for _, id := range t.tests {
		if role := t.one("", "", "required", "required", "supporting"); role != "" {
			x.Tests[id] = role
		}
	}
	if t.IntN(3) == 0 {
		x.Kinds = append(x.Kinds, ekind{Key: "export", Valid: []int{3, 8, 38}[t.IntN(3)], Required: t.IntN(4) > 0})
	}
	if t.IntN(4) == 0 {
		x.Kinds = append(x.Kinds, ekind{Key: "ticket", Event: true, Valid: []int{5, 30, 365}[t.IntN(3)], Required: t.IntN(4) > 0})
	}
	for _, p := range policies {
		if t.IntN(5) == 0 {
			x.Policies = append(x.Policies, p)
		}
	}
	for _, k := range criteria {
		if t.IntN(5) < 3 {
			x.Criteria = append(x.Criteria, k[0])
		}
	}
	return x
}

// version proposes a change of a control, and mostly approves it.
func (t *teller) version(control, action string, at time.Time) {
	id, day := t.name(), ""
	if t.IntN(3) == 0 {
		day = t.date(at, 0, 6)
	}
	t.add(event{At: at, What: "propose", Who: control, ID: id, Action: action, Day: day, Terms: t.terms()})
	soon := func(hours int) time.Time { return at.Add(time.Duration(1+t.IntN(hours*3600)) * time.Second) }
	if t.IntN(8) > 0 {
		t.add(event{At: soon(30), What: "approve", Who: control, ID: id})
	}
	if t.IntN(5) == 0 {
		t.add(event{At: soon(100), What: "withdraw", Who: control, ID: id})
	}
}

func (t *teller) outcome() string {
	return t.one("pass", "pass", "pass", "pass", "fail", "excepted", "error", "unknown", "not_applicable", "not_applicable")
}

func (t *teller) checks(day int) {
	n := []int{0, 1, 1, 2, 3}[t.IntN(5)]
	for range n {
		at := t.from.Add(time.Duration(day*24*3600+t.IntN(24*3600))*time.Second + 5*time.Millisecond)
		e := event{At: at, What: "check", Runs: map[string]string{}}
		for _, id := range t.tests {
			if t.IntN(6) > 0 {
				e.Runs[id] = t.outcome()
				if t.events[0].At.Unix()%3 == 0 && day > 4 && (day < 20 || id != t.tests[0]) { // from some day on it judges events, and one of them does so no longer
					e.window(id, window{t.outcome(), int64(t.IntN(2))})
				}
			}
		}
		again := func(o event) bool { return o.What == "check" && o.At.Equal(e.At) } // the product runs one after another, never two at one moment
		if len(e.Runs) > 0 && !slices.ContainsFunc(t.events, again) {
			t.add(e)
		}
	}
	if t.IntN(6) == 0 {
		collected := t.any()
		t.add(event{At: collected.Add(time.Duration(1+t.IntN(70*3600)) * time.Second), What: "late", Who: t.one(t.tests...), ID: t.outcome(),
			Collected: collected})
	}
}

func (e *event) window(id string, x window) {
	if e.Windows == nil {
		e.Windows = map[string]window{}
	}
	e.Windows[id] = x
}

func (t *teller) change(at time.Time) {
	c, id := t.one(t.controls...), t.name()
	soon := func() time.Time { return at.Add(time.Duration(1+t.IntN(100*3600)) * time.Second) }
	switch t.IntN(11) {
	case 0, 1:
		t.version(c, "change", at)
	case 2:
		t.version(c, "retire", at)
		if t.IntN(2) == 0 {
			t.version(c, "activate", soon())
		}
	case 3:
		e := event{At: at, What: "decide", Who: t.one(append([]string{"CC6.1", "A1.1"}, t.controls...)...), ID: id}
		if t.IntN(2) == 0 {
			e.Day = t.date(at, -4, 4)
		}
		if t.IntN(2) == 0 {
			e.To = t.date(at, 1, 8)
		}
		if e.To != "" && e.To < e.Day {
			e.To = e.Day
		}
		t.add(e)
		if t.IntN(2) == 0 {
			t.add(event{At: soon(), What: "revoke", ID: id})
		}
	case 4:
		t.add(event{At: at, What: "zone", Who: t.one(zones...)})
	case 5:
		t.add(event{At: at, What: "scope", ID: t.categories()})
	case 6:
		t.add(event{At: at, What: t.one("publish", "drop", "review", "review"), Who: t.one(policies...), Days: 5})
	case 7, 8:
		t.evidence(c, id, at)
	case 9:
		e := event{At: at, What: "pause", Who: t.one(t.tests...), ID: id, Until: soon()}
		if t.IntN(3) == 0 {
			e.Collected = at.Add(time.Duration(t.IntN(30)) * time.Hour)
			e.Until = e.Collected.Add(time.Duration(1+t.IntN(100)) * time.Hour)
		}
		t.add(e)
		if t.IntN(3) == 0 {
			t.add(event{At: soon(), What: "unpause", ID: id})
		}
	case 10:
		t.add(event{At: at, What: "except", Who: c, ID: id, Until: at.Add(time.Duration(1+t.IntN(200)) * time.Hour)})
		if t.IntN(3) == 0 {
			t.add(event{At: soon(), What: "unexcept", ID: id})
		}
		t.add(event{At: soon(), What: "own", Who: c, ID: t.one("", "somebody")})
	}
}

func (t *teller) evidence(control, id string, at time.Time) {
	p := &piece{Control: control, Key: t.one("export", "ticket"), NoFile: t.IntN(6) == 0}
	if t.IntN(2) == 0 {
		p.Taken = at.Add(-time.Duration(t.IntN(100)-10) * time.Hour)
	}
	if p.Key == "ticket" {
		if p.Nil = t.IntN(3) == 0; !p.Nil {
			p.On = t.date(at, -8, -1)
		}
	}
	if p.Nil || t.IntN(2) == 0 {
		p.To = t.date(at, -6, -1)
		p.From = t.date(at, -12, -7)
	}
	if !p.Nil && t.IntN(5) == 0 {
		p.Until = t.date(at, 0, 9)
	}
	t.add(event{At: at, What: "submit", Who: control, ID: id, Piece: p})
	soon := func() time.Time { return at.Add(time.Duration(1+t.IntN(60*3600)) * time.Second) }
	t.add(event{At: soon(), What: t.one("accept", "accept", "accept", "accept", "return"), Who: control, ID: id})
	if t.IntN(4) == 0 {
		t.add(event{At: soon().Add(30 * time.Hour), What: "take back", Who: control, ID: id})
	}
}

// stand is where a control stands while a history is told.
type stand struct {
	state, own string
	version    int
	on         int    // the date from which the scheduled version holds
	to         string // and what it makes of the control
}

// sound puts the events in order and leaves out those that the product refuses: what is approved twice, what was never made.
func sound(all []event) (out []event) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b event) int { return a.At.Compare(b.At) })
	for all[0].What != "scope" { // nothing happens before there is a company
		all = all[1:]
	}
	w := knownAt(all, all[len(all)-1].At)
	controls, things, proposed := map[string]*stand{}, map[string]string{}, map[string]event{}
	at := map[string]int{} // the version that a proposal changes
	for _, e := range all {
		for _, c := range controls {
			if c.on > 0 && w.dayOf(e.At) >= c.on {
				c.state, c.version, c.on, c.own = c.to, c.version+1, 0, "own"
			}
		}
		c, ok, today := controls[e.Who], false, w.dayOf(e.At)
		after := func(from, to string) bool {
			if things[e.ID] != from {
				return false
			}
			things[e.ID] = to
			return true
		}
		switch e.What {
		case "control":
			if c == nil {
				controls[e.Who], ok = &stand{state: e.Action}, true
			}
		case "propose":
			ok = c != nil && (e.Action == "activate") == (c.state != "active") && (e.Day == "" || date(e.Day) >= today)
			if ok = ok && after("", "proposed"); ok {
				proposed[e.ID], at[e.ID] = e, c.version
			}
		case "approve":
			if ok = c != nil && things[e.ID] == "proposed" && c.version == at[e.ID] && c.on == 0; ok {
				things[e.ID] = "approved"
				p := proposed[e.ID]
				c.to = map[string]string{"retire": "retired", "activate": "active", "change": c.state}[p.Action]
				if p.Day != "" && date(p.Day) > today {
					c.on = date(p.Day)
				} else {
					c.state, c.version, c.own = c.to, c.version+1, "own"
				}
			}
		case "withdraw":
			if ok = after("proposed", "withdrawn"); !ok && things[e.ID] == "approved" && c.on == date(proposed[e.ID].Day) && c.on > today {
				c.on, things[e.ID], ok = 0, "withdrawn", true
			}
		case "confirm":
			if ok = c != nil && c.state == "active" && c.own == ""; ok {
				c.own = "own"
			}
		case "own", "except":
			ok = c != nil
			if e.What == "except" {
				ok = ok && after("", "live")
			}
		case "submit":
			ok = c != nil && after("", "submitted")
		case "accept":
			ok = after("submitted", "accepted")
		case "return":
			ok = after("submitted", "returned")
		case "take back":
			ok = after("accepted", "withdrawn")
		case "decide":
			ok = (c != nil || !strings.HasPrefix(e.Who, "OWN")) && after("", "live")
		case "pause":
			ok = after("", "live")
		case "revoke", "unpause", "unexcept":
			ok = after("live", "over")
		case "publish":
			if ok = things[e.Who] != "drop"; ok {
				things[e.Who] = "publish"
			}
		case "drop", "review":
			if ok = things[e.Who] == "publish"; ok && e.What == "drop" {
				things[e.Who] = "drop"
			}
		case "late":
			ok = w.mayBeLate(e, out)
		default:
			ok = true
		}
		if ok {
			out = append(out, e)
		}
	}
	return out
}

// mayBeLate says whether the server would make this late run: for a day that is over and on which the test did not run since.
func (w *world) mayBeLate(e event, before []event) bool {
	d := w.dayOf(e.Collected)
	if e.Collected.Before(w.all[0].At) || d >= w.dayOf(e.At) || !e.At.Before(w.start(d+1).Add(50*time.Hour)) || within(w.pauses(e.Who), e.Collected) {
		return false
	}
	return !slices.ContainsFunc(before, func(x event) bool {
		return x.What == "check" && x.Runs[e.Who] != "" && !x.At.Before(e.Collected) && w.dayOf(x.At) == d || x.What == "late" && x.Who == e.Who &&
			x.Collected.Equal(e.Collected)
	})
}
