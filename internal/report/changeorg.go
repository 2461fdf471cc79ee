// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"assay/internal/check"
	"assay/internal/collect"
	"assay/internal/grc"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// setting is one thing that the organisation says of itself and that decides over days or approvals.
type setting struct {
	kind             ChangeKind
	name, what, word string // word marks the day of the edit, of every control, criterion and test
	value            func(*grc.Organization) string
	days             func(was, now *grc.Organization) []dayRange // those that a change touches, wherever they lie
}

// dayRange is from a day to another, both included.
type dayRange struct{ from, to kind.Date }

var settingsThatDecide = []setting{
	{"scope", "categories", "Scope changed", "", func(o *grc.Organization) string { return categoriesOf(o.Categories) }, nil},
	{"time_zone", "timezone", "Time zone changed", "time zone changed", func(o *grc.Organization) string { return o.Timezone }, nil},
	{"solo_mode", "solo_mode", "Solo mode", "", func(o *grc.Organization) string {
		return map[bool]string{true: "on", false: "off"}[o.SoloMode]
	}, nil},
	{"programme", "programme_start", "Programme start changed", "programme start changed", func(o *grc.Organization) string { return string(o.ProgrammeStart) }, func(was, now *grc.Organization) []dayRange {
		return between(was.ProgrammeStart, now.ProgrammeStart)
	}},
	{"programme", "holidays", "Holidays changed", "holidays changed", func(o *grc.Organization) string {
		all := make([]string, 0, len(o.Holidays))
		for _, h := range o.Holidays {
			all = append(all, string(h))
		}
		return strings.Join(all, ", ")
	}, func(was, now *grc.Organization) (out []dayRange) {
		for _, h := range slices.Concat(was.Holidays, now.Holidays) {
			if slices.Contains(was.Holidays, h) != slices.Contains(now.Holidays, h) {
				out = append(out, dayRange{h, h})
			}
		}
		return out
	}},
}

// between are the days that count before one start and not before the other; where there was or is none, the day of the other.
func between(a, b kind.Date) []dayRange {
	switch {
	case a == "":
		a = b
	case b == "":
		b = a
	}
	return []dayRange{{min(a, b), max(a, b)}}
}

// ofAll are the settings whose changes mark the days of every control, criterion and test.
var ofAll = func() (out []string) {
	for _, s := range settingsThatDecide {
		if s.word != "" {
			out = append(out, s.name)
		}
	}
	return out
}()

// stretches are the times of ranges of days.
func (d *dated) stretches(all []dayRange) (out []stretch) {
	for _, r := range all {
		from, err := check.ParseDay(string(r.from))
		to, err2 := check.ParseDay(string(r.to))
		if err == nil && err2 == nil {
			out = append(out, stretch{From: d.days.Start(from), To: d.days.Start(to + 1)})
		}
	}
	return out
}

func categoriesOf(categories []grc.Category) string {
	all := make([]string, 0, len(categories))
	for _, c := range categories {
		all = append(all, op.Title(string(c)))
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

// ofScope tells of a change of scope that was proposed.
func (d *dated) ofScope(x *store.Dated[grc.ScopeVersion]) (telling, bool) {
	n, t := x.Thing, telling{}
	was := &grc.Organization{}
	for _, o := range d.over.orgs {
		if o.From.Before(x.From) { // the version that an approval makes begins with it
			was = o.Thing
		}
	}
	t.kind, t.what, t.word, t.once, t.label = "scope", "Scope changed", "scope changed", true, "Scope"
	t.state, t.reason, t.answer, t.how, t.approved = stateWord(string(n.State)), n.Reason, n.Answer, n.ApprovedHow, n.ApprovedBy
	var fields []WasNow
	if a, b := categoriesOf(was.Categories), categoriesOf(n.Categories); a != b {
		fields, t.subjects = append(fields, WasNow{"categories", a, b}), append([]string{"categories"}, moved(was.Categories, n.Categories)...)
	}
	if a, b := string(was.ProgrammeStart), string(n.ProgrammeStart); a != b {
		if fields == nil {
			t.kind, t.what, t.word, t.label = "programme", "Programme start changed", "programme start changed", "Programme start"
		}
		t.touches = d.stretches(between(was.ProgrammeStart, n.ProgrammeStart))
		fields, t.subjects = append(fields, WasNow{"programme_start", a, b}), append(t.subjects, "programme_start")
	}
	if len(n.Left) > 0 {
		fields = append(fields, WasNow{Name: "left_as_drafts", Now: strings.Join(n.Left, ", ")})
	}
	if len(n.Missing) > 0 {
		fields = append(fields, WasNow{Name: "missing_controls", Now: strings.Join(n.Missing, ", ")})
	}
	t.fields = fixed(fields...)
	return t, true
}

// ofOrganizations are the changes of what is in scope, in which zone days are counted, which days are no business days, and whether one
// person is enough.
func (d *dated) ofOrganizations() []*changeLine {
	var out []*changeLine
	o := d.over
	told := map[int64]bool{} // by the change of scope that was approved
	for _, x := range o.scopes {
		if x.Thing.State == "approved" {
			told[x.From.UnixMilli()] = true
		}
	}
	for i := 1; i < len(o.orgs); i++ {
		x, was := o.orgs[i], o.orgs[i-1].Thing
		for _, s := range settingsThatDecide {
			a, b := s.value(was), s.value(x.Thing)
			if a == b || told[x.From.UnixMilli()] && (s.name == "categories" || s.name == "programme_start") {
				continue
			}
			l := &changeLine{entry: x.Since, at: x.From, kind: s.kind, what: s.what, label: x.Thing.Name, thing: x.ID, thingKind: grc.Organizations.Name, state: "in_force", asked: x.Thing.UpdatedBy, askedAt: x.From, from: x.From,
				subjects: []string{s.name}, fields: fixed(WasNow{s.name, a, b})}
			if l.word, l.once = s.word, s.word != ""; s.days != nil {
				l.touches = d.stretches(s.days(was, x.Thing))
			}
			if s.kind == "time_zone" { // it holds from the end of its day on, and makes the next one longer or shorter
				on := d.days.DayOf(x.From)
				l.touches = []stretch{{From: d.days.Start(on), To: d.days.Start(on + 2)}}
			}
			if s.kind == "solo_mode" {
				l.what += " turned " + b
			}
			if s.kind == "scope" {
				l.word, l.once = "scope changed", true
				l.subjects = append(l.subjects, moved(was.Categories, x.Thing.Categories)...)
			}
			out = append(out, l)
		}
	}
	return out
}

// moved are the categories that came into scope or went out of it.
func moved(was, now []grc.Category) []string {
	var out []string
	for _, c := range slices.Concat(was, now) {
		if slices.Contains(was, c) != slices.Contains(now, c) {
			out = append(out, string(c))
		}
	}
	return out
}

// ofPolicies are the policies that were retired, and the later versions of those in force.
func (o *overrides) ofPolicies() []*changeLine {
	var out []*changeLine
	asked, retired := map[string]*changeLine{}, map[string]*changeLine{}
	last := map[string]*grc.Policy{}
	for _, x := range o.policies {
		n, was := x.Thing, last[x.ID]
		last[x.ID] = n
		line := func(what string) *changeLine {
			l := &changeLine{entry: x.Since, at: x.From, kind: "policy", what: what, label: n.Ref + " " + n.Title, thing: x.ID, thingKind: grc.Policies.Name, subjects: []string{n.Ref}, state: "in_force", asked: n.UpdatedBy, askedAt: x.From, from: x.From}
			out = append(out, l)
			return l
		}
		if was == nil {
			continue
		}
		switch l := asked[x.ID]; {
		case n.State == "retired" && was.State != "retired":
			if l == nil {
				l = line("Policy retired")
			}
			delete(asked, x.ID)
			retired[x.ID] = l
			l.entry, l.at, l.from, l.state, l.approved, l.approvedAt, l.how = x.Since, x.From, x.From, "in_force", n.UpdatedBy, x.From, n.ApprovedHow
		case n.State == "published" && n.RetireAskedBy != "" && (was.RetireAskedBy == "" || was.RetireReason != n.RetireReason):
			l = line("Policy retired")
			l.state, l.reason, l.asked = "proposed", n.RetireReason, n.RetireAskedBy
			l.from = time.Time{}
			l.fields = fixed(WasNow{Name: "state", Was: "published", Now: "retired"})
			asked[x.ID] = l
		case l != nil && n.RetireAskedBy == "":
			l.state, l.endedBy = "withdrawn", n.UpdatedBy
			delete(asked, x.ID)
		}
		if n.PublishedNo > 1 && n.PublishedNo != was.PublishedNo {
			if r := retired[x.ID]; r != nil && r.until.IsZero() {
				r.until = x.From // it is in force again
			}
			l := line("New policy version published")
			l.reason, l.asked, l.approved, l.approvedAt, l.how = n.ChangeNote, orText(n.WrittenBy, n.UpdatedBy), n.AgreedBy, n.AgreedAt, n.AgreedHow
			l.fields = policyFields(was, n)
		}
	}
	return out
}

func policyFields(was, n *grc.Policy) fieldsFunc {
	fields := []WasNow{{"version", itoa(was.PublishedNo), itoa(n.PublishedNo)}}
	yes := map[bool]string{true: "yes", false: "no"}
	for _, f := range []WasNow{{"title", was.ForceTitle, n.ForceTitle}, {"required", yes[was.ForceRequired], yes[n.ForceRequired]}, {"review_days", itoa(was.ForceDays), itoa(n.ForceDays)}} {
		if f.Was != f.Now {
			fields = append(fields, f)
		}
	}
	return fixed(fields...)
}

// ofSources are the stretches for which a source was disabled, and the changes of what is read.
func (o *overrides) ofSources() []*changeLine {
	var out []*changeLine
	off := map[string]*changeLine{}
	last := map[string]*collect.SourceThing{}
	for _, x := range o.sources {
		n, was := x.Thing, last[x.ID]
		last[x.ID] = n
		line := func(what string, fields ...WasNow) *changeLine {
			l := &changeLine{entry: x.Since, at: x.From, kind: "source", what: what, label: n.Name, thing: x.ID, thingKind: collect.Sources.Name, subjects: []string{n.Name}, state: "in_force", asked: n.UpdatedBy, askedAt: x.From, from: x.From, fields: fixed(fields...)}
			out = append(out, l)
			return l
		}
		if was == nil {
			continue
		}
		switch {
		case was.State != "disabled" && n.State == "disabled":
			off[x.ID] = line("Source disabled", WasNow{"state", "enabled", "disabled"})
		case was.State == "disabled" && n.State != "disabled" && off[x.ID] != nil:
			off[x.ID].until, off[x.ID].endedBy = x.From, n.UpdatedBy
		}
		if fields := sourceFields(was, n); len(fields) > 0 {
			line("Source changed", fields...)
		}
	}
	return out
}

// ofSystems are the systems that were taken out of scope, or brought into it: whoever may edit one does it alone.
func (o *overrides) ofSystems() []*changeLine {
	var out []*changeLine
	before, last := map[string]*changeLine{}, map[string]*grc.System{}
	word := map[bool]string{true: "in scope", false: "out of scope"}
	for _, x := range o.systems {
		n, was := x.Thing, last[x.ID]
		last[x.ID] = n
		if was == nil || was.InScope == n.InScope {
			continue
		}
		l := &changeLine{entry: x.Since, at: x.From, kind: "system", what: "System taken out of scope", label: n.Name, thing: x.ID, thingKind: grc.Systems.Name, subjects: []string{n.Name}, state: "in_force", asked: n.UpdatedBy, askedAt: x.From, from: x.From,
			fields: fixed(WasNow{"in_scope", word[was.InScope], word[n.InScope]})}
		if n.InScope {
			l.what = "System brought into scope"
		}
		if p := before[x.ID]; p != nil {
			p.until, p.endedBy = x.From, n.UpdatedBy
		}
		before[x.ID], out = l, append(out, l)
	}
	return out
}

func sourceFields(was, n *collect.SourceThing) []WasNow {
	var out []WasNow
	for _, f := range []WasNow{{"name", was.Name, n.Name}, {"connector", was.Connector, n.Connector}, {"interval_hours", itoa(was.IntervalHours), itoa(n.IntervalHours)}, {"config", encoded(was.Config), encoded(n.Config)}} {
		if f.Was != f.Now {
			out = append(out, f)
		}
	}
	return out
}

// ofEditions are the catalogues of tests that a version of Assay brought.
func ofEditions(ctx context.Context, v *store.View) ([]*changeLine, error) {
	all, err := check.Editions.Changes(ctx, v, "", "ORDER BY batch")
	if err != nil {
		return nil, err
	}
	var out []*changeLine
	for i, e := range all {
		l := &changeLine{entry: e.Batch, at: e.At, kind: "catalogue", what: "Built-in tests changed", label: "Assay " + e.Program, subjects: []string{"catalogue"}, state: "in_force", asked: "system", askedAt: e.At, from: e.At, reason: "A new version of Assay", fields: fixed(WasNow{Name: "catalogue", Now: short12(e.Digest)})}
		if i == 0 {
			l.what, l.reason = "Built-in tests installed", "Assay was set up"
		} else {
			out[i-1].until = e.At
			l.fields = editionFields(e.Batch, short12(all[i-1].Digest), short12(e.Digest))
		}
		out = append(out, l)
	}
	return out, nil
}

func short12(s string) string { return s[:min(12, len(s))] }
