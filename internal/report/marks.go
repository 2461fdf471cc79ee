// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/grc"
	"assay/internal/store"
)

// Mark says that something is overridden now: a badge.
type Mark struct {
	Word    string `json:"word" doc:"changed, switched off, paused, exception, not applicable, edited or one person."`
	Text    string `json:"text" doc:"More about it, in a sentence."`
	Subject string `json:"subject" doc:"What it is about: a control, a criterion or a test."`
	Change  string `json:"change,omitempty" doc:"The change, as changes.list names it."`
}

// LaterWithdrawn is evidence on which a day rested, and that was taken back afterwards: the letter of the day stays.
type LaterWithdrawn struct {
	Key   string    `json:"key" doc:"Which evidence of the control."`
	Title string    `json:"title" doc:"What that is called."`
	At    time.Time `json:"at" doc:"When the piece was withdrawn or replaced."`
	Piece string    `json:"piece,omitempty" doc:"The piece; empty if you can't see it."`
}

const dayText = "2 Jan 2006"

// marksNow are the badges of some subjects: what is in force on them now. What is about another than the first is named.
func (b *Board) marksNow(subjects ...string) []Mark {
	var out []Mark
	one := false
	for i, s := range subjects {
		for _, l := range b.dated.changed().by[s] {
			if l.stateAt(b.Now) != "in_force" || l.word == "" {
				continue
			}
			if l.how != "" && !one {
				one = true
				out = append(out, Mark{"one person", "Approved by one person: " + l.label, s, l.id()})
			}
			if l.once {
				continue
			}
			m := Mark{Word: l.badge(), Text: l.label, Subject: s, Change: l.id()}
			if i > 0 && s != l.label {
				m.Text = s + ": " + l.label
			}
			m.Text += ", since " + l.from.In(b.Zone).Format(dayText)
			if !l.until.IsZero() {
				m.Text += " until " + l.until.In(b.Zone).Format(dayText)
			}
			if !slices.ContainsFunc(out, func(x Mark) bool { return x.Change == m.Change && x.Word == m.Word }) {
				out = append(out, m)
			}
		}
	}
	return out
}

// mark says on a row what the organisation made of the test.
func (t *TestLine) mark(r *TestRow) {
	r.Origin, r.Paused = "catalogue", t.Paused
	if t.Added != nil {
		r.Origin = "custom"
		if t.Added.ByFile {
			r.Origin = "by_file"
		}
	}
	x := t.Changed
	if t.Off != nil {
		x = &t.Off.Change
		r.Title, r.State, r.Reason = t.Off.Title, "switched_off", "switched off: "+t.Off.Reason
	}
	if x != nil {
		r.Changed, r.ChangedBy, r.ChangeWhy, r.Fields, r.ChangeOf = true, x.Who(), x.Reason, x.Fields, x.Thing
		if !x.Since.IsZero() {
			r.ChangedAt = &x.Since
		}
	}
}

// badge is the word of a change without what follows it.
func (l *changeLine) badge() string {
	word, _, _ := strings.Cut(l.word, ":")
	return word
}

// subjectsOf are the subjects of a control: what it is called, and its tests.
func subjectsOf(c *grc.Control) []string {
	out := []string{c.Ref, c.ID}
	for _, t := range c.Tests {
		out = append(out, t.Test)
	}
	return out
}

// markControl puts on the row of a control what is and was overridden on it.
func (b *Board) markControl(r *Row, c *ControlLine) {
	r.Marks = b.marksNow(subjectsOf(c.Control)...)
	if n := c.Control.VersionNo; n > 1 {
		m := Mark{Word: "edited", Subject: c.Control.Ref, Text: fmt.Sprintf("Version %d since %s", n, c.Control.VersionFrom.In(b.Zone).Format(dayText))}
		for _, l := range b.dated.changed().by[c.Control.Ref] {
			if l.kind == "control" && l.stateAt(b.Now) == "in_force" {
				m.Change = l.id()
			}
		}
		r.Marks = append([]Mark{m}, r.Marks...)
	}
	r.Spans = withMarks(r.Spans, b.dayMarks(spanDays(r.Spans), func(i int) []string {
		out := []string{c.Control.Ref, c.Control.ID}
		for _, p := range c.parts[i] {
			for _, t := range p.era.def.Tests {
				if !slices.Contains(out, t.Test) {
					out = append(out, t.Test)
				}
			}
		}
		return out
	}, func(i int) []string {
		var out []string
		for _, w := range b.withdrawnOn(c, i) {
			out = append(out, w.Title+": evidence withdrawn later")
		}
		return out
	}))
}

// markCriterion puts on the row of a criterion what was decided about it, and when its category came and went.
func (b *Board) markCriterion(r *Row, c *CriterionLine) {
	k := c.Requirement
	r.Marks = b.marksNow(k.Ref)
	own := []string{k.Ref, k.Category}
	r.Spans = withMarks(r.Spans, b.dayMarks(spanDays(r.Spans), func(int) []string { return own }, nil))
}

// markTest puts on a test what is overridden on it now.
func (b *Board) markTest(r *TestRow) { r.Marks = b.marksNow(r.Test) }

// markTestDays puts on the days of a test what was overridden on it.
func (b *Board) markTestDays(spans []Span, test string) []Span {
	return withMarks(spans, b.dayMarks(spanDays(spans), func(int) []string { return []string{test} }, nil))
}

func spanDays(spans []Span) int {
	n := 0
	for _, s := range spans {
		n += s.Days
	}
	return n
}

// dayMarks says for each day what was overridden on its subjects, in words; nil where nothing ever was.
func (b *Board) dayMarks(days int, subjects func(i int) []string, more func(i int) []string) []string {
	var out []string
	by := b.dated.changed().by
	for i := range days {
		var words []string
		add := func(all []*changeLine, of string) {
			for _, l := range all {
				if l.from.After(b.Now) || !l.marks(b.starts[i+1], b.starts[i]) {
					continue
				}
				if word := of + l.word; !slices.Contains(words, word) {
					words = append(words, word)
				}
			}
		}
		for n, s := range subjects(i) {
			if all := by[s]; n > 1 && len(all) > 0 {
				add(all, s+" ")
			} else {
				add(all, "")
			}
		}
		for _, s := range ofAll {
			add(by[s], "")
		}
		if more != nil {
			words = append(words, more(i)...)
		}
		if len(words) > 0 {
			if out == nil {
				out = make([]string, days)
			}
			out[i] = strings.Join(words, "; ")
		}
	}
	return out
}

// withMarks cuts spans where their marks change.
func withMarks(spans []Span, marks []string) []Span {
	if marks == nil {
		return spans
	}
	out := []Span{}
	day := 0
	for _, s := range spans {
		for range s.Days {
			n := len(out)
			same := n > 0 && out[n-1].Letter == s.Letter && out[n-1].Reason == s.Reason && out[n-1].Mark == marks[day]
			if same {
				out[n-1].Days++
			} else {
				out = append(out, Span{Letter: s.Letter, Days: 1, Reason: s.Reason, Mark: marks[day]})
			}
			day++
		}
	}
	return out
}

// withdrawnOn is the evidence on which a control rested on a day, and that was withdrawn since.
func (b *Board) withdrawnOn(c *ControlLine, i int) []LaterWithdrawn {
	var out []LaterWithdrawn
	for _, p := range c.parts[i] {
		for _, k := range p.era.def.Evidence {
			e, at := b.withdrawnLater(p.era.def, k, b.Days[i])
			if e == nil || slices.ContainsFunc(out, func(w LaterWithdrawn) bool { return w.Key == k.Key }) {
				continue
			}
			out = append(out, LaterWithdrawn{k.Key, k.Title, at, e.ID})
		}
	}
	return out
}

// overriddenOn fills what was overridden on the subject of a day report on that day.
func (b *Board) overriddenOn(ctx context.Context, v *store.View, r *DayReport, i int) error {
	subjects := []string{r.Subject}
	switch r.Kind {
	case "criterion":
		subjects = append(subjects, b.find(r.Subject).Requirement.Category)
		for _, p := range r.Parts {
			subjects = append(subjects, p.Ref)
		}
	case "control":
		for _, p := range r.Parts {
			if p.Kind != "evidence" {
				subjects = append(subjects, p.Ref)
			}
		}
	}
	subjects = append(subjects, ofAll...)
	r.Overrides = []OwnChange{}
	var found []*changeLine
	for _, s := range subjects {
		for _, l := range b.dated.changed().by[s] {
			if !l.from.After(b.Now) && l.marks(b.starts[i+1], b.starts[i]) && !slices.Contains(found, l) {
				found = append(found, l)
			}
		}
	}
	newestFirst(found)
	n := namer{v: v, names: map[string]string{}}
	for _, l := range found {
		x := *l
		x.fields = nil // changes.list has them: what a test was takes its own catalogue
		c, err := n.told(ctx, b.dated, &x)
		if err != nil {
			return err
		}
		r.Overrides = append(r.Overrides, c)
	}
	if err := r.veil(ctx, v); err != nil {
		return err
	}
	for j := range r.Withdrawn {
		hidden, err := hiddenFrom(ctx, v, grc.Evidences.Name, r.Withdrawn[j].Piece)
		if err != nil {
			return err
		}
		if hidden {
			r.Withdrawn[j].Piece = ""
		}
	}
	return nil
}

// veil leaves out which piece decided where the asker may not see it.
func (r *DayReport) veil(ctx context.Context, v *store.View) error {
	for j := range r.Parts {
		p := &r.Parts[j]
		if p.Piece == "" {
			continue
		}
		seen, err := v.Exists(ctx, grc.Evidences.Name, p.Piece)
		if err != nil {
			return err
		}
		if !seen {
			p.Piece = ""
		}
	}
	return nil
}
