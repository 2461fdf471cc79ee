// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"assay/content"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/store"
)

// The text of a template counts for nothing until a person has edited or confirmed each section of it (INV-27). A
// section is known again by the digest of its text, so that a confirmation holds for the text that was read and no other.

// A TemplateSection is a section of a policy whose text came from a template or from a program.
type TemplateSection struct {
	Section     string    `json:"section" doc:"Its heading."`
	Digest      string    `json:"digest" doc:"SHA-256 of its text as a reader sees it, each white space taken as one blank."`
	WrittenBy   string    `json:"written_by" doc:"The token or program that wrote it. Empty for text of a template."`
	ConfirmedBy string    `json:"confirmed_by" doc:"Who confirmed that text."`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero" doc:"When."`
	Fields      []string  `json:"fields" doc:"Fields that the template has in it."`
	Edited      bool      `json:"edited" doc:"A person changed it, but most of its words are still those of the template or of the program."`
}

// confirmer is who confirmed a section last: of a policy from the library he stands behind its text, and not the program.
func confirmer(all []TemplateSection) (who string) {
	var at time.Time
	for _, s := range all {
		if s.ConfirmedBy != "" && !s.ConfirmedAt.Before(at) {
			who, at = s.ConfirmedBy, s.ConfirmedAt
		}
	}
	return who
}

// addPolicies adds policies, their fields and the way from a template to a text of one's own.
func addPolicies(s *op.Set, params Parameters) {
	t := templates{params}
	op.Kind(s, Policies, op.Also[Policy]{Verb: "submit", Do: t.upToDate}, op.Also[Policy]{Verb: "approve", Do: t.upToDate}, op.Also[Policy]{Verb: "publish", Do: t.upToDate},
		op.Also[Policy]{Verb: "end", Do: restedOn}, op.Also[Policy]{Verb: "create", Do: t.written}, op.Also[Policy]{Verb: "update", Do: t.written})
	op.Query(s, op.Spec{Name: "policy.outdated", Doc: "List values in policies in force that are no longer current: limits, contacts and settings that changed since.", Object: "policies", Act: "view",
		Example: "policy outdated"}, t.outdated)
	op.Kind(s, PolicyFields)
	for _, o := range []*op.Op{
		op.Change(s, op.Spec{Name: "policy.use_template", Doc: "Put the text of the template into a draft, with its fields filled from your settings, tests and policy fields.", Object: "policies", Act: "edit",
			From: []string{"draft"}, Example: "policy use-template --id pol_… --rev 1"}, t.use),
		op.Change(s, op.Spec{Name: "policy.confirm_sections", Doc: "Confirm sections of a draft whose text is that of the template: you have read them and they say what you do.", Object: "policies", Act: "edit",
			From: []string{"draft"}, Personal: true, Example: `policy confirm-sections --id pol_… --rev 2 --sections "Access reviews"`}, t.confirm),
	} {
		o.Versioned = true
	}
}

type templates struct{ params Parameters }

type useTemplateIn struct {
	ID      string `json:"id" doc:"The policy." min:"1"`
	Rev     int64  `json:"rev" doc:"The revision that you saw." min:"1"`
	Replace bool   `json:"replace" doc:"Overwrite text that a person wrote, too. The history keeps it."`
}

// use puts the text of the template into a draft.
func (t templates) use(ctx context.Context, tx *store.Tx, in useTemplateIn) (*Policy, error) {
	p, err := draftOf(ctx, tx, in.ID, in.Rev)
	if err != nil {
		return nil, err
	}
	f, err := newFiller(ctx, &tx.View, p, t.params)
	if err != nil {
		return nil, err
	}
	if err := f.askFields(tx); err != nil {
		return nil, err
	}
	made, err := f.fill(p.Ref)
	if err != nil {
		return nil, err
	}
	if made == nil {
		return nil, errs.At("id", "there is no template for %s", p.Ref).Mend("write its text: assay policy update")
	}
	was := *p
	switch own := p.ownSections(made); {
	case len(own) == 0 || in.Replace:
		p.take(made)
	case !p.refill(made):
		return nil, (&errs.Error{Code: errs.Conflict, Field: "replace", Text: "a person wrote this text: " + strings.Join(own, ", ")}).Mend("set replace to overwrite it; the history keeps it")
	}
	if err := byActivePerson(ctx, tx); errors.Is(err, errs.Denied) {
		p.byProgram(&was, tx.By.Actor)
	} else if err != nil {
		return nil, err
	}
	return p, store.Put(ctx, tx, Policies, p)
}

// draftOf is a policy whose text may change.
func draftOf(ctx context.Context, tx *store.Tx, id string, rev int64) (*Policy, error) {
	p, err := store.Get(ctx, &tx.View, Policies, id)
	if err != nil {
		return nil, err
	}
	if p.Rev != rev {
		return nil, store.Stale("policy", p.Rev)
	}
	if p.State != "draft" {
		return nil, errs.New(errs.Conflict, "the text of a policy that is %s does not change", p.State).Mend("revise it: that makes a draft of the next version")
	}
	return p, nil
}

// filledText is a template with its fields filled.
type filledText struct {
	sections []content.PolicySection
	fields   []FieldValue
	named    [][]string // the fields in the text of each section
	digests  []string   // of each section
	seen     []wording  // the words of each section, as far as they were asked for
}

// fill fills the template of a ref as everything is now; nil where there is no template.
func (f *filler) fill(ref string) (*filledText, error) {
	sections, err := content.PolicyText(ref)
	if err != nil || len(sections) == 0 {
		return nil, err
	}
	declared, err := content.PolicyFields()
	if err != nil {
		return nil, err
	}
	out := &filledText{}
	for _, s := range sections {
		named := blanksIn(s.Text)
		for _, x := range declared {
			if !slices.Contains(named, x.Name) {
				continue
			}
			val, err := f.value(x)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(out.fields, val) {
				out.fields = append(out.fields, val)
			}
			if val.Value != "" {
				s.Text = strings.ReplaceAll(s.Text, "{{"+x.Name+"}}", val.Value)
			}
		}
		out.sections, out.named, out.digests = append(out.sections, s), append(out.named, named), append(out.digests, digestOf(s.Text))
	}
	return out, nil
}

// blanksIn lists the fields of a text that are not filled, each once.
func blanksIn(text string) []string {
	var out []string
	for _, m := range content.Blank.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// take makes a filled template the text of a policy. A confirmation of the same text stays.
func (p *Policy) take(made *filledText) {
	was := p.Template
	var body strings.Builder
	p.Template, p.Filled = nil, made.fields
	for n, s := range made.sections {
		body.WriteString("## " + s.Heading + "\n\n" + s.Text + "\n\n")
		now, old := TemplateSection{Section: s.Heading, Digest: made.digests[n], Fields: made.named[n]}, writtenDigest(s.Text)
		if i := slices.IndexFunc(was, func(x TemplateSection) bool {
			return x.Section == now.Section && (x.Digest == now.Digest || x.Digest == old)
		}); i >= 0 {
			now = was[i]
			now.Fields, now.Edited = made.named[n], false
		}
		p.Template = append(p.Template, now)
	}
	p.Body = strings.TrimSpace(body.String()) + "\n"
}

// refill brings the sections that are still those of the template up to date, fills fields that have a value by now, and
// leaves what a person wrote as it is. It says whether there was a section of the template.
func (p *Policy) refill(made *filledText) bool {
	p.Template = slices.Clone(p.Template)
	parted := sectionsOf(p.Body)
	p.recognise(made, parted, wordings(parted))
	parts, found := strings.Split("\n"+strings.ReplaceAll(p.Body, "\r\n", "\n"), "\n## "), false
	for n, part := range parts {
		heading, text, _ := strings.Cut(part, "\n")
		i := p.recorded(text)
		if n == 0 || i < 0 || p.Template[i].Edited {
			continue
		}
		j := slices.IndexFunc(made.sections, func(s content.PolicySection) bool { return names(heading, s.Heading) })
		if j < 0 {
			continue
		}
		found, parts[n] = true, heading+"\n\n"+made.sections[j].Text+"\n"
		if d := made.digests[j]; d != p.Template[i].Digest && writtenDigest(made.sections[j].Text) != p.Template[i].Digest {
			p.Template[i] = TemplateSection{Section: p.Template[i].Section, Digest: d}
		}
		p.Template[i].Fields = made.named[j]
	}
	if !found {
		return false
	}
	p.Body, p.Filled = strings.TrimPrefix(strings.Join(parts, "\n## "), "\n"), made.fields
	p.fillIn(made.fields)
	return true
}

// fillIn writes the values of fields where the text has blanks for them. A section that nobody stands behind stays one.
func (p *Policy) fillIn(fields []FieldValue) {
	filled := func(text string) string {
		for _, f := range fields {
			if f.Value != "" {
				text = strings.ReplaceAll(text, "{{"+f.Name+"}}", f.Value)
			}
		}
		return text
	}
	for _, part := range sectionsOf(p.Body) {
		i, now := p.recorded(part.text), filled(part.text)
		if i >= 0 && now != part.text {
			p.Template[i].Digest, p.Template[i].ConfirmedBy, p.Template[i].ConfirmedAt = digestOf(now), "", time.Time{}
		}
	}
	p.Body = filled(p.Body)
}

// ownSections lists what of the text a person wrote or edited: what is neither on record as text of the template nor equal to it now.
func (p *Policy) ownSections(made *filledText) []string {
	var out []string
	for _, part := range sectionsOf(p.Body) {
		i := p.recorded(part.text)
		if (i < 0 || p.Template[i].Edited) && !slices.Contains(made.digests, digestOf(part.text)) {
			out = append(out, part.heading)
		}
	}
	return out
}

// recorded is the place of a text among the sections that came from a template or a program; -1 where it is not one of them.
func (p *Policy) recorded(text string) int {
	if len(p.Template) == 0 {
		return -1
	}
	seen, written := digestOf(text), writtenDigest(text)
	return slices.IndexFunc(p.Template, func(s TemplateSection) bool { return s.Digest == seen || s.Digest == written })
}

// digests are those of all sections of the draft, by which a record of them may name them.
func (p *Policy) digests() map[string]bool {
	out := map[string]bool{}
	for _, part := range sectionsOf(p.Body) {
		out[digestOf(part.text)], out[writtenDigest(part.text)] = true, true
	}
	return out
}

// settleTemplate takes away confirmations of text that is no longer there, and lists what is still to be confirmed.
func (p *Policy) settleTemplate() {
	if len(p.Template) == 0 {
		return
	}
	there := p.digests()
	gone := func(s TemplateSection) bool { return s.WrittenBy != "" && !there[s.Digest] } // a program that writes it again is on record again
	p.Template, p.Unconfirmed = slices.DeleteFunc(slices.Clone(p.Template), gone), nil    // what was read may be shared
	for i := range p.Template {
		s := &p.Template[i]
		if !there[s.Digest] {
			s.ConfirmedBy, s.ConfirmedAt = "", time.Time{}
		} else if s.ConfirmedAt.IsZero() {
			p.Unconfirmed = append(p.Unconfirmed, s.Section)
		}
	}
}

// adopted refuses a text with fields that are not filled, or with sections of the template or of a program that nobody stands behind.
func (p *Policy) adopted() error {
	if open := blanksIn(p.Body); len(open) > 0 {
		return errs.At("body", "these fields have no value: %s", strings.Join(open, ", ")).
			Mend(`"Template fields" on the page says where each comes from: enter it there (Policies, Fields for most) and use the template again, or write the value into the text`)
	}
	if len(p.Unconfirmed) == 0 {
		return nil
	}
	from := "of the template"
	if slices.ContainsFunc(p.Template, func(s TemplateSection) bool { return s.WrittenBy != "" && s.ConfirmedAt.IsZero() }) {
		from = "of the template, or written by a token or program"
	}
	return errs.At("body", "nobody has edited or confirmed these sections %s: %s", from, strings.Join(p.Unconfirmed, ", ")).
		Mend("read each one and confirm it on the page of the policy; an edit alone is enough where at least a third of the words are your own")
}

type confirmIn struct {
	ID       string   `json:"id" doc:"The policy." min:"1"`
	Rev      int64    `json:"rev" doc:"The revision that you saw." min:"1"`
	Sections []string `json:"sections" doc:"Headings of the sections." min:"1"`
}

// confirm keeps who stands behind text of the template that stays as it is.
func (t templates) confirm(ctx context.Context, tx *store.Tx, in confirmIn) (*Policy, error) {
	p, err := draftOf(ctx, tx, in.ID, in.Rev)
	if err != nil {
		return nil, err
	}
	if err := t.recognise(ctx, &tx.View, p); err != nil {
		return nil, err
	}
	var faults []error
	for _, name := range in.Sections {
		if err := p.confirmSection(tx, name); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errs.Join(faults...); err != nil {
		return nil, err
	}
	return p, store.Put(ctx, tx, Policies, p)
}

// confirmSection confirms one section, as its text is in the draft.
func (p *Policy) confirmSection(tx *store.Tx, name string) error {
	for _, part := range sectionsOf(p.Body) {
		i := p.recorded(part.text)
		if i < 0 || strings.TrimSpace(name) == "" || !strings.EqualFold(strings.TrimSpace(name), p.Template[i].Section) && !strings.EqualFold(strings.TrimSpace(name), part.heading) {
			continue
		}
		if open := blanksIn(part.text); len(open) > 0 {
			return errs.At("sections", "%.100s has fields without a value: %s", p.Template[i].Section, strings.Join(open, ", ")).Mend("fill them first")
		}
		p.Template[i].ConfirmedBy, p.Template[i].ConfirmedAt = tx.By.Actor, tx.Now
		return nil
	}
	if len(p.Unconfirmed) == 0 {
		return errs.At("sections", "%.100q is not text of the template or of a program, and needs no confirmation", name)
	}
	return errs.At("sections", "%.100q is not text of the template or of a program", name).Mend("sections to confirm: %s", strings.Join(p.Unconfirmed, ", "))
}
