// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"errors"
	"slices"
	"time"

	"assay/content"
	"assay/internal/errs"
	"assay/internal/store"
)

// When an edit is one (INV-27): a section is a person's own where at least a third of its different words are not those of
// the text it was made from. Less, such as one word or a sentence left out, may well be right, but somebody has to confirm
// it. Different words are counted, so that repeating one does not help.
const ownShare = 3

// wording is what a reader sees of a text, as words.
type wording struct {
	words []string
	has   map[string]bool    // the different words
	pairs map[[2]string]bool // two that follow each other
}

func wordingOf(text string) wording {
	w := wording{words: wordsIn(seenText(text)), has: map[string]bool{}}
	for _, x := range w.words {
		w.has[x] = true
	}
	w.pairs = pairsOf(w.words)
	return w
}

func pairsOf(words []string) map[[2]string]bool {
	out := map[[2]string]bool{}
	for i := 1; i < len(words); i++ {
		out[[2]string{words[i-1], words[i]}] = true
	}
	return out
}

// from says whether most of a text comes from another: fewer than a third of its words are its own, and the others mostly
// follow each other as they do there. Common words alone make no text of the template.
func (w wording) from(other wording) bool {
	own := 0
	for x := range w.has {
		if !other.has[x] {
			own++
		}
	}
	if len(w.has) == 0 || own*ownShare >= len(w.has) {
		return false
	}
	pairs, same := pairsOf(slices.DeleteFunc(slices.Clone(w.words), func(x string) bool { return !other.has[x] })), 0
	for x := range pairs {
		if other.pairs[x] {
			same++
		}
	}
	return 2*same >= len(pairs)
}

// wordings are those of each part.
func wordings(parts []part) []wording {
	out := make([]wording, len(parts))
	for n, x := range parts {
		out[n] = wordingOf(x.text)
	}
	return out
}

// written puts on record whose text a draft has now. What a token, an agent or the command line wrote is no edit until an
// active person who is signed in edits or confirms it, and what a person changes by little still waits, too (INV-27).
func (t templates) written(ctx context.Context, tx *store.Tx, was, now *Policy) error {
	if was != nil && was.Body == now.Body {
		return nil
	}
	switch err := byActivePerson(ctx, tx); {
	case errors.Is(err, errs.Denied):
		now.byProgram(was, tx.By.Actor)
	case err != nil:
		return err
	case was != nil:
		now.touched(was)
	}
	return t.recognise(ctx, &tx.View, now)
}

// byProgram puts on record what a program wrote: also a heading over a text that was there, and a text that it took away. What
// somebody confirmed was confirmed as it stood.
func (p *Policy) byProgram(was *Policy, actor string) {
	type section struct{ heading, digest string }
	before := map[section]bool{}
	if was != nil {
		for _, part := range sectionsOf(was.Body) {
			before[section{seenText(part.heading), digestOf(part.text)}] = true
		}
	}
	p.Template = slices.Clone(p.Template)
	for _, part := range sectionsOf(p.Body) {
		d := digestOf(part.text)
		if before[section{seenText(part.heading), d}] || was == nil && seenText(part.text) == "" {
			continue
		}
		if i := p.recorded(part.text); i < 0 {
			p.Template = append(p.Template, TemplateSection{Section: part.heading, Digest: d, WrittenBy: actor})
		} else if x := &p.Template[i]; !x.ConfirmedAt.IsZero() {
			x.Section, x.WrittenBy, x.ConfirmedBy, x.ConfirmedAt = part.heading, actor, "", time.Time{}
		}
	}
}

// touched keeps on record sections of which a person changed little.
func (p *Policy) touched(was *Policy) {
	before, there := sectionsOf(was.Body), p.digests()
	p.Template = slices.Clone(p.Template)
	for _, part := range sectionsOf(p.Body) {
		if p.recorded(part.text) >= 0 {
			continue
		}
		for _, old := range before {
			i := was.recorded(old.text)
			if i >= 0 && !there[was.Template[i].Digest] && wordingOf(part.text).from(wordingOf(old.text)) {
				x := was.Template[i]
				p.record(TemplateSection{Section: part.heading, Digest: digestOf(part.text), WrittenBy: x.WrittenBy, Fields: x.Fields, Edited: true})
				break
			}
		}
	}
}

// record puts a section on record, in the place of one of its name that is no longer in the text.
func (p *Policy) record(x TemplateSection) {
	there := p.digests()
	i := slices.IndexFunc(p.Template, func(s TemplateSection) bool { return s.Section == x.Section && !there[s.Digest] })
	if i < 0 {
		p.Template = append(p.Template, x)
		return
	}
	p.Template[i] = x
}

// recognise puts text of templates that came into the draft by another way, such as by an import, on record: of any template,
// because text of the library counts for nothing under whatever ref (INV-27).
func (t templates) recognise(ctx context.Context, v *store.View, p *Policy) error {
	all, err := content.Policies()
	if err != nil {
		return err
	}
	f, err := newFiller(ctx, v, p, t.params)
	if err != nil {
		return err
	}
	p.Template = slices.Clone(p.Template)
	parts := sectionsOf(p.Body)
	words := wordings(parts)
	var texts []*filledText
	for _, x := range all {
		made, err := f.fill(x.Ref)
		if err != nil {
			return err
		}
		if made != nil {
			p.recognise(made, parts, nil)
			texts = append(texts, made)
		}
	}
	for _, made := range texts { // what is the same goes before what is alike
		p.recognise(made, parts, words)
	}
	return nil
}

// recognise puts text of one template on record: the same text, and where the wordings are given text that mostly comes from it.
func (p *Policy) recognise(made *filledText, parts []part, words []wording) {
	for n, part := range parts {
		if p.recorded(part.text) >= 0 {
			continue
		}
		d := digestOf(part.text)
		for j := range made.sections {
			if d == made.digests[j] || words != nil && words[n].from(made.wording(j)) {
				p.record(TemplateSection{Section: part.heading, Digest: d, Fields: made.named[j], Edited: d != made.digests[j]})
				p.filledWith(made, j)
				break
			}
		}
	}
}

// filledWith adds the values of the fields of a section to those that the text was filled with.
func (p *Policy) filledWith(made *filledText, section int) {
	for _, f := range made.fields {
		known := slices.ContainsFunc(p.Filled, func(x FieldValue) bool { return x.Name == f.Name })
		if !known && slices.Contains(made.named[section], f.Name) {
			p.Filled = append(slices.Clone(p.Filled), f)
		}
	}
}

// wording is that of a section.
func (made *filledText) wording(section int) wording {
	for len(made.seen) <= section {
		made.seen = append(made.seen, wordingOf(made.sections[len(made.seen)].Text))
	}
	return made.seen[section]
}
